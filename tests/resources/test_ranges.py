"""Profiles and members in concurrent ranges of time: each once, however unevenly they came."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.resources._concurrent import Ranges
from klaviyo_analytics.sandbox.model import Account
from tests.sandbox.accounts import DAY, NOW, profile, small_account
from tests.shops import Shop, open_shop

PEOPLE = 700
SPREADS: dict[str, Callable[[int, random.Random], float]] = {
    "evenly": lambda number, _: number * DAY / 3,
    "in one second": lambda *_: 500 * DAY,
    "at fractions of few seconds": lambda number, _: 500 * DAY + number / 200,
    "most in one hour of years": lambda number, _: number * DAY if number % 10 == 0 else 333 * DAY + number,
    "a few long ago": lambda number, _: 0.0 if number < 3 else 600 * DAY + number,
    "at random": lambda _, chance: chance.uniform(0, 600 * DAY),
}


def account(spread: str) -> Account:
    made, chance = small_account(), random.Random(11)
    times = [NOW - 700 * DAY + SPREADS[spread](number, chance) for number in range(PEOPLE)]
    people = {
        f"01P{number:05d}": profile(
            f"01P{number:05d}", number, created=datetime.fromtimestamp(time, UTC).isoformat()
        )
        for number, time in enumerate(times)
    }
    made.records["profile"] = people
    made.members["LIST01"] = {id: int(time) for id, time in zip(people, times, strict=True)}
    return made


@pytest.fixture(scope="module", params=SPREADS)
def shop(request: Any) -> Iterator[Shop]:
    with open_shop(account=account(request.param)) as shop:
        yield shop


def ids(shop: Shop) -> list[str]:
    return sorted(shop.account.records["profile"])


@pytest.mark.parametrize("workers", [None, 2, 7])
def test_every_profile_comes_once_in_the_order_of_creation(shop: Shop, workers: int | None) -> None:
    serial = shop.client.profiles.list(workers=1, page_size=10)
    frame = shop.client.profiles.list(workers=workers, page_size=10)
    assert sorted(frame["id"]) == ids(shop)
    assert frame["created"].is_monotonic_increasing
    pd.testing.assert_frame_equal(frame, serial)


def test_every_member_comes_once(shop: Shop) -> None:
    frame = shop.client.lists.profiles("LIST01", page_size=10)
    assert sorted(frame["id"]) == ids(shop)
    assert frame["joined_group_at"].is_monotonic_increasing


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_iterated_profiles_and_members_come_once_in_order(shop: Shop, workers: int | None) -> None:
    profiles = list(shop.client.profiles.iter_frames(chunk_size=64, page_size=10, workers=workers))
    assert [len(chunk) for chunk in profiles] == [64] * (PEOPLE // 64) + [PEOPLE % 64]
    pd.testing.assert_frame_equal(
        pd.concat(profiles, ignore_index=True), shop.client.profiles.list(workers=1, page_size=10)
    )
    chunks = shop.client.lists.iter_profiles("LIST01", chunk_size=50, page_size=10, workers=workers)
    members = pd.concat(chunks, ignore_index=True)
    assert sorted(members["id"]) == ids(shop)
    assert members["joined_group_at"].is_monotonic_increasing


def test_fields_that_leave_the_time_out_leave_it_out(shop: Shop) -> None:
    frame = shop.client.profiles.list(fields=["email"], page_size=10)
    assert list(frame.columns) == ["id", "email"]
    assert sorted(frame["id"]) == ids(shop)


class Rounds:
    """A network that answers in rounds: one request of each reader, as soon as every reader has asked."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._asking = 0
        self._reading: Ranges | None = None
        self._changed = threading.Condition()
        self._send = shop.client._api.transport.send
        monkeypatch.setattr(shop.client._api.transport, "send", self.send)
        begin, over = Ranges._begin, Ranges._over

        def begun(reading: Ranges, *args: Any) -> None:
            self._reading = reading
            begin(reading, *args)

        def ended(reading: Ranges, *args: Any) -> None:
            over(reading, *args)
            with self._changed:
                self._turn()

        monkeypatch.setattr(Ranges, "_begin", begun)
        monkeypatch.setattr(Ranges, "_over", ended)

    def send(self, *args: Any, **kwargs: Any) -> Any:
        """Send a reader's request in its round."""
        if threading.current_thread().name.startswith("klaviyo-read"):
            with self._changed:
                now = self.count
                self._asking += 1
                self._turn()
                assert self._changed.wait_for(lambda: self.count > now, timeout=60)
        return self._send(*args, **kwargs)

    def _turn(self) -> None:
        if self._reading and self._asking == self._reading._open:
            self.count += 1
            self._asking = 0
            self._changed.notify_all()


@pytest.mark.parametrize("shop", ["evenly", "most in one hour of years"], indirect=True)
def test_readers_share_the_work(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, before = Rounds(shop, monkeypatch), len(shop.sandbox.requests)
    shop.client.profiles.list(workers=4, page_size=10)
    assert rounds.count < 0.5 * PEOPLE / 10
    assert len(shop.asked(before)) < 1.5 * PEOPLE / 10  # help costs requests, and must not cost many


def test_people_of_unknown_age_are_not_lost() -> None:
    made = account("evenly")
    chosen = sorted(made.records["profile"])[-1]
    made.records["profile"][chosen].attributes["created"] = None
    with open_shop(account=made) as shop:
        frame = shop.client.profiles.list(page_size=10)
    assert sorted(frame["id"]) == sorted(made.records["profile"])


def test_a_demo_shares_its_process_with_the_server_so_one_reader_reads() -> None:
    with ka.demo(profiles=100, events=2_000, progress=False) as client:
        sandbox = client._on_close.__self__  # type: ignore[union-attr]

        def asked(**options: Any) -> int:
            before = len(sandbox.requests)
            assert len(client.events.list(page_size=50, **options)) == 2_000
            return sum(one.path == "/api/events" for one in list(sandbox.requests)[before:])

        assert asked() == 40
        assert asked(workers=3) > 40  # who asks for more has them
