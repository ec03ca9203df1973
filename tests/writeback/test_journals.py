"""Where journals may lie, whose they are, and what is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ArgumentError, ConnectionFailedError, InvalidInputError
from klaviyo_analytics.writeback import Plan
from klaviyo_analytics.writeback.account import fingerprint
from tests.resources.shop import serving
from tests.shops import Shop

JOBS = "/api/profile-bulk-import-jobs"


def plan(client: KlaviyoClient, name: str = "journal") -> Plan:
    return client.profiles.plan_upsert(pd.DataFrame({"email": [f"{name}@mail.example.net"]}))


def posts(shop: Shop) -> int:
    return sum(request.method == "POST" for request in shop.sandbox.requests)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a folder with a file in it."""
    (tmp_path / "file.py").write_text("x = 1")
    return tmp_path


@pytest.mark.parametrize("name", ["file.py/x.journal", "file.py/deep/x.journal", "n\0l"])
def test_a_journal_that_cannot_be_written_is_named_and_nothing_is_sent(
    shop: Shop, place: Path, name: str
) -> None:
    before = posts(shop)
    with pytest.raises(
        InvalidInputError, match=r"cannot be written .* nothing was sent.*journal=False"
    ) as caught:
        plan(shop.client).apply(journal=place / name)
    assert str(place / name) in str(caught.value)
    assert posts(shop) == before


def test_a_default_folder_that_cannot_be_written_to_is_named(
    shop: Shop, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLAVIYO_ANALYTICS_HOME", str(place / "file.py"))
    frame = pd.DataFrame({"email": ["one@mail.example.net", "two@mail.example.net"], "skus": "a"})
    several = shop.client.profiles.plan_upsert(frame, properties="rest", append="skus")
    with pytest.raises(InvalidInputError, match=r"file\.py"):
        several.apply()
    assert several.apply(journal=False).failures.empty


@pytest.mark.parametrize("journal", [5, "", 0.5, ["x"]])
def test_what_is_no_path_is_refused(shop: Shop, journal: Any) -> None:
    before = posts(shop)
    with pytest.raises(InvalidInputError, match="pass the path of a new file, or False for no journal"):
        plan(shop.client).apply(journal=journal)
    assert posts(shop) == before


@pytest.mark.parametrize(
    ("journal", "why"),
    [
        (None, "None is not a path of a journal"),
        (5, "5 is not a path of a journal"),
        ("file.py/x", "no journal has this name"),
        ("missing", "no journal has this name"),
        ("n\0l", "cannot be opened"),
        (".", "cannot be opened for reading and writing"),
        ("file.py", "is not a journal of this package"),
    ],
)
def test_what_is_no_journal_cannot_be_gone_on_with(
    shop: Shop, place: Path, monkeypatch: pytest.MonkeyPatch, journal: Any, why: str
) -> None:
    monkeypatch.chdir(place)
    with pytest.raises(InvalidInputError, match=why):
        shop.client.resume(journal)


@pytest.mark.parametrize("flag", ["skip_invalid", "keep_journal", "verify"])
@pytest.mark.parametrize("given", ["yes", "no", 1, None])
def test_what_is_neither_true_nor_false_is_refused(offline: KlaviyoClient, flag: str, given: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"{flag}={given!r}: pass True or False"):
        plan(offline).apply(**{flag: given})


def test_options_have_to_be_named(offline: KlaviyoClient) -> None:
    with pytest.raises(ArgumentError, match=r"apply\(\).*it takes confirm=, skip_invalid="):
        plan(offline).apply(True)  # type: ignore[call-arg]


def test_a_closed_client_sends_nothing_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "closed.journal"
    with serving(profiles=5, events=5) as own:
        own.sandbox.faults.add(method="POST", path=JOBS, status=403)
        client = own.client
        ended = plan(client).apply(journal=path)
        late = plan(client)
        client.close()
    acts: list[Callable[[], object]] = [
        late.apply,
        lambda: late.apply(journal=tmp_path / "new"),
        ended.retry,
        lambda: client.resume(path),
    ]
    for act in acts:
        with pytest.raises(ConnectionFailedError, match=r"closed.* nothing was sent"):
            act()
    assert not (tmp_path / "new").exists()
    assert path.exists()


def test_a_journal_of_another_host_is_refused_although_the_account_has_the_same_id(
    shop: Shop, tmp_path: Path
) -> None:
    path = tmp_path / "other.journal"
    shop.sandbox.faults.add(method="POST", path=JOBS, status=403)
    plan(shop.client).apply(journal=path)
    with serving(profiles=5, events=5) as other:
        assert other.client.account["id"] == shop.client.account["id"]
        with pytest.raises(
            InvalidInputError, match=r"is a journal of the account (\w+) at 127.*is \1 at 127.*host"
        ):
            other.client.resume(path)
    assert shop.client.resume(path).failures.empty


def at(base_url: str) -> Any:
    transport = SimpleNamespace(base_url=base_url)
    return SimpleNamespace(api=SimpleNamespace(transport=transport), account={"id": "ABC"})


def test_klaviyo_and_its_gateway_are_two_doors_to_one_account() -> None:
    doors = {fingerprint(at(url)) for url in ("https://a.klaviyo.com", "https://gateway.maton.ai/klaviyo")}
    assert doors == {"ABC at Klaviyo"}
    assert fingerprint(at("http://127.0.0.1:80/klaviyo")) == fingerprint(at("http://127.0.0.1:80"))
    assert fingerprint(at("http://127.0.0.1:80")) != fingerprint(at("http://127.0.0.1:81"))
