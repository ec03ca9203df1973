"""Writes over a bad network: nothing is lost, nothing comes twice, and what cannot be known is said."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.errors import ConnectionFailedError, QuotaExhaustedError, WriteFailedError
from klaviyo_analytics.http import cancellation, session
from klaviyo_analytics.http.http1 import LOOK
from klaviyo_analytics.writeback import Result, write_types
from klaviyo_analytics.writeback.run import Run
from tests.resources.shop import serving
from tests.shops import Shop

JOBS = "/api/profile-bulk-import-jobs"
ROWS = 120


@pytest.fixture(autouse=True)
def _small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        write_types.WRITE_TYPES, "profile import", replace(write_types.WRITE_TYPES["profile import"], most=10)
    )


def people(name: str, count: int = ROWS) -> pd.DataFrame:
    """People that nobody has written yet; what is appended shows how often it came."""
    emails = [f"{name}{number}@mail.example.net" for number in range(count)]
    return pd.DataFrame({"email": emails, "arrivals": [[number] for number in range(count)]})


def arrivals(shop: Shop, name: str) -> list[Any]:
    found = [each.attributes for each in shop.sandbox.account.records["profile"].values()]
    mine = [one for one in found if (one["email"] or "").startswith(name)]
    return sorted(one["properties"].get("arrivals") for one in mine)


def write(shop: Shop, frame: pd.DataFrame, journal: Path | None = None) -> Result:
    # jobs, not single requests, although an append to a few rows would go one by one
    plan = shop.client.profiles.plan_upsert(
        frame, properties="rest", append="arrivals", lists=shop.client.lists.list(limit=1)
    )
    return plan.apply(journal=journal)


FAULTS = [
    pytest.param({"status": 429, "retry_after": 3}, id="turned-away"),
    pytest.param({"status": 500}, id="server-error"),
    pytest.param({"status": 503}, id="overloaded"),
    pytest.param({"drop": "before"}, id="never-arrived"),
    pytest.param({"drop": "during"}, id="half-an-answer"),
    pytest.param({"drop": "after"}, id="lost-answer"),
    pytest.param({"truncate": True}, id="cut-answer"),
]


@pytest.mark.parametrize("symptom", FAULTS)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_every_row_arrives_exactly_once(shop: Shop, symptom: dict[str, Any], method: str) -> None:
    name = f"{method}-{'-'.join(map(str, symptom.values()))}-".lower()
    fault = shop.sandbox.faults.add(method=method, path=f"{JOBS}*", times=5, every=2, **symptom)
    result = write(shop, people(name))
    assert fault.hits == 5  # fewer than one request may meet before the run ends
    assert (result.rows["status"] == "written").all()
    assert arrivals(shop, name) == [[number] for number in range(ROWS)]


def test_all_of_them_together(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "together.journal"
    for turn, each in enumerate(FAULTS):
        symptom: Any = each.values[0]
        shop.sandbox.faults.add(path=f"{JOBS}*", times=5, every=7, skip=turn, **symptom)
    result = write(shop, people("together"), path)
    for _ in FAULTS:  # so many faults in a row may be more than a run puts up with; the next goes on
        result = shop.client.resume(path) if result.stopped else result
    assert (result.rows["status"] == "written").all()
    assert arrivals(shop, "together") == [[number] for number in range(ROWS)]


def test_a_network_that_is_gone_leaves_a_journal_that_goes_on(shop: Shop, tmp_path: Path) -> None:
    shop.sandbox.faults.add(path=f"{JOBS}*", times=None, skip=14, drop="after")
    ended = write(shop, people("gone"), tmp_path / "gone.journal")
    assert ended.stopped
    assert set(ended.rows["status"]) <= {"written", "not sent", "unconfirmed"}
    assert ended.failures["detail"].notna().all()
    with pytest.raises(WriteFailedError, match="rows were not written"):
        ended.raise_for_failures()
    shop.sandbox.faults.clear()
    result = shop.client.resume(tmp_path / "gone.journal")
    assert result.rows["status"].tolist() == ["written"] * ROWS
    assert arrivals(shop, "gone") == [[number] for number in range(ROWS)]
    assert not (tmp_path / "gone.journal").exists()


def test_an_append_whose_answer_was_lost_is_not_repeated(shop: Shop) -> None:
    shop.sandbox.faults.add(method="POST", path="/api/profile-import", times=1, drop="after")
    plan = shop.client.profiles.plan_upsert(people("once", 3), properties="rest", append="arrivals")
    result = plan.apply()
    assert sorted(result.rows["status"]) == ["created", "created", "unconfirmed"]
    assert result.failures["detail"].item().startswith("the answer was lost")
    assert arrivals(shop, "once") == [[0], [1], [2]]


def test_a_key_that_may_not_write_sends_one_request_and_says_so(shop: Shop) -> None:
    fault = shop.sandbox.faults.add(method="POST", path=JOBS, times=None, status=403)
    result = write(shop, people("forbidden"))
    assert fault.hits <= 4  # as many as are in flight at once
    assert set(result.rows["status"]) == {"not sent"}
    assert result.stopped is not None
    assert "403" in result.stopped


def test_ctrl_c_names_the_journal(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shop.client._context, "sleep", interrupt)
    path = tmp_path / "interrupted.journal"
    with pytest.raises(KeyboardInterrupt) as caught:
        write(shop, people("interrupted"), path)
    assert str(path) in "".join(caught.value.__notes__)
    monkeypatch.undo()
    assert (shop.client.resume(path).rows["status"] == "written").all()
    assert arrivals(shop, "interrupted") == [[number] for number in range(ROWS)]


def test_a_journal_of_another_account_is_refused(shop: Shop, tmp_path: Path) -> None:
    shop.sandbox.faults.add(method="POST", path=JOBS, times=None, status=403)
    path = tmp_path / "theirs.journal"
    write(shop, people("theirs", 20), path)
    account = shop.client._context.known_account
    assert account is not None
    try:
        shop.client._context.known_account = account.replace(account["id"], "another")
        with pytest.raises(ValueError, match="is a journal of the account"):
            shop.client.resume(path)
    finally:
        shop.client._context.known_account = account


def test_nothing_is_sent_when_the_account_cannot_be_reached(shop: Shop, tmp_path: Path) -> None:
    shop.client._context.known_account, known = None, shop.client._context.known_account
    shop.sandbox.faults.add(method="GET", path="/api/accounts*", times=None, drop="before")
    try:
        with pytest.raises(ConnectionFailedError):
            write(shop, people("unreached", 20), tmp_path / "unreached.journal")
    finally:
        shop.client._context.known_account = known
    assert not (tmp_path / "unreached.journal").exists()


TURNED_AWAY = [
    pytest.param({"status": 401}, id="key-withdrawn"),
    pytest.param({"status": 403}, id="forbidden"),
    pytest.param({"status": 400, "body": "<h1>Bad request</h1>", "content_type": "text/html"}, id="gateway"),
]


@pytest.mark.parametrize("symptom", TURNED_AWAY)
def test_what_may_have_been_done_before_it_was_refused_is_unconfirmed(
    shop: Shop, tmp_path: Path, symptom: dict[str, Any]
) -> None:
    frame = people("left", 20)
    shop.client.profiles.upsert(frame[["email"]])
    group = shop.client.lists.create(name="Left once")
    shop.client.lists.plan_add_profiles(group, frame).apply()
    one, path = shop.client.lists.profiles(group).head(1), tmp_path / "left.journal"
    members: Any = {"method": "DELETE", "path": "/api/lists/*/relationships/profiles"}
    lost = shop.sandbox.faults.add(**members, times=2, drop="after")
    shop.sandbox.faults.add(**members, times=None, **symptom)
    result = shop.client.lists.plan_remove_profiles(group, one).apply(journal=path)
    assert lost.hits == 2
    assert len(shop.client.lists.profiles(group)) == 19
    assert result.rows["status"].tolist() == ["unconfirmed"]
    shop.sandbox.faults.clear()
    assert shop.client.resume(path).rows["status"].tolist() == ["written"]


def test_a_refusal_that_nothing_went_before_leaves_the_row_unsent(shop: Shop) -> None:
    group = shop.client.lists.create(name="Never joined")
    shop.sandbox.faults.add(method="POST", path="/api/lists/*/relationships/profiles", status=401)
    result = shop.client.lists.plan_add_profiles(group, shop.client.profiles.list(limit=1)).apply()
    assert result.rows["status"].tolist() == ["not sent"]


def test_a_quota_that_is_used_up_ends_the_run_and_nothing_is_in_doubt(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def used_up(operation: str, *_: Any, **__: Any) -> Any:
        tries.append(operation)
        raise QuotaExhaustedError("the documented quota is used up")

    plan = shop.client.profiles.plan_upsert(
        people("quota"), properties="rest", lists=shop.client.lists.list(limit=1)
    )
    monkeypatch.setattr(shop.client._api, "answer", used_up)
    result = plan.apply()
    assert result.stopped is not None
    assert "quota" in result.stopped
    assert set(result.rows["status"]) == {"not sent"}
    assert len(tries) <= 4  # as many as are in flight at once


@pytest.mark.skipif(os.name == "nt", reason="needs a signal for one thread of this process")
def test_ctrl_c_ends_a_pause_of_minutes_within_a_second(shop: Shop, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background may ignore it
    shop.sandbox.faults.add(method="POST", path=JOBS, times=None, status=429, retry_after=200)
    transport, path = shop.client._api.transport, tmp_path / "paused.journal"
    began: list[float] = []

    def really(seconds: float) -> None:
        if seconds > 100 and not began:
            began.append(time.monotonic())
            # to the main thread, which waits for the writers
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        cancellation.sleep(seconds)

    transport._sleep = really
    try:
        with pytest.raises(KeyboardInterrupt):
            write(shop, people("paused"), path)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began[0] < 2
    shop.sandbox.faults.clear()
    transport._sleep = lambda _: None
    transport.pacer._counts.clear()
    result = shop.client.resume(path)
    assert result.rows["status"].tolist() == ["written"] * ROWS
    assert arrivals(shop, "paused") == [[number] for number in range(ROWS)]


PAUSES: dict[str, dict[str, Any]] = {
    "told to wait": {"status": 429, "retry_after": 200},
    "before it tries again": {"drop": "before"},
}


class TestOneBatchEndsTheRun:
    """A refusal that every batch would meet ends the pauses of the others at once; no answer is lost."""

    @pytest.mark.parametrize("pause", PAUSES)
    def test_a_batch_that_pauses_does_not_finish_its_pause(self, tmp_path: Path, pause: str) -> None:
        asleep, cut, path = threading.Event(), [], tmp_path / "ended.journal"

        def pauses(seconds: float) -> None:
            asleep.set()
            try:
                cancellation.sleep(20)  # real seconds, if nothing ends them
            except cancellation.Cancelled:
                cut.append(seconds)
                raise

        with serving(profiles=5, events=5, sleep=lambda _: asleep.wait(60)) as shop:
            faults, transport, context = shop.sandbox.faults, shop.client._api.transport, shop.client._context
            groups = shop.client.lists.list(limit=1)
            kept = transport._sleep, context.sleep
            transport._sleep = context.sleep = pauses
            faults.add(method="POST", path=JOBS, **PAUSES[pause])
            faults.add(method="POST", path=JOBS, times=None, status=403, delay=1)  # once the first one pauses
            plan = shop.client.profiles.plan_upsert(
                people("ended", 30), properties="rest", append="arrivals", lists=groups
            )
            result = plan.apply(journal=path)
            assert result.stopped is not None
            assert result.stopped.startswith("403")
            assert len(cut) == 1
            told = {"told to wait": {"not sent"}, "before it tries again": {"not sent", "unconfirmed"}}
            assert set(result.rows["status"]) == told[pause]
            faults.clear()
            transport._sleep, context.sleep = kept
            transport.pacer._counts.clear()
            assert set(shop.client.resume(path).rows["status"]) == {"written"}
            assert arrivals(shop, "ended") == [[number] for number in range(30)]

    def test_an_answer_on_its_way_is_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session, "GRACE", 0.0)  # no moment is left to who would be cancelled
        ended, path = threading.Event(), tmp_path / "answered.journal"
        ends = Run._ends

        def noted(run: Run, reason: str) -> None:
            ends(run, reason)
            ended.set()

        def held(_seconds: float) -> None:
            assert ended.wait(60)
            threading.Event().wait(3 * LOOK)  # long enough for a reader to look whether it is cancelled

        monkeypatch.setattr(Run, "_ends", noted)
        with serving(profiles=5, events=5, sleep=held) as shop:
            shop.sandbox.faults.add(method="POST", path="/api/profile-import", delay=1)
            shop.sandbox.faults.add(method="POST", path="/api/profile-import", times=None, status=401)
            plan = shop.client.profiles.plan_upsert(
                people("answered", 8), properties="rest", append="arrivals"
            )
            result = plan.apply(journal=path)
            assert result.rows["status"].value_counts().to_dict() == {"not sent": 7, "created": 1}
