"""What a write does when the disk is full, when a job does not end, and when a file cannot be deleted."""

from __future__ import annotations

import errno
import inspect
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.cli import writing
from klaviyo_analytics.cli.main import DONE, FAILED, INCOMPLETE, main
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, WriteFailedError
from klaviyo_analytics.widgets import PlanView
from klaviyo_analytics.writeback import Plan, profiles, write_types
from klaviyo_analytics.writeback.file_import import ImportPlan
from klaviyo_analytics.writeback.journal import Journal
from tests.resources.shop import serving
from tests.shops import Shop

JOBS = "/api/profile-bulk-import-jobs"
ROWS = 60


class FullDisk:
    """A connection to a journal whose writes fail from the n-th on, as SQLite or the system reports it."""

    def __init__(self, connection: sqlite3.Connection, error: Exception, after: int) -> None:
        self._connection = connection
        self._error = error
        self._left = after

    def execute(self, statement: str, *values: Any) -> Any:
        if statement.startswith("UPDATE"):
            self._left -= 1
            if self._left < 0:
                raise self._error
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __enter__(self) -> Any:
        return self._connection.__enter__()

    def __exit__(self, *error: Any) -> Any:
        return self._connection.__exit__(*error)


def plan(client: KlaviyoClient) -> Plan:
    emails = [f"disk{number}@mail.example.net" for number in range(ROWS)]
    frame = pd.DataFrame({"email": emails, "arrivals": [[number] for number in range(ROWS)]})
    return client.profiles.plan_upsert(frame, properties="rest", append="arrivals")


def arrivals(shop: Shop) -> list[list[int]]:
    held = [
        each.attributes["properties"].get("arrivals")
        for each in shop.sandbox.account.records["profile"].values()
    ]
    return sorted(one for one in held if one)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send ten rows in each job."""
    monkeypatch.setattr(profiles, "FEW", 0)
    small = replace(write_types.WRITE_TYPES["profile import"], most=10)
    monkeypatch.setitem(write_types.WRITE_TYPES, "profile import", small)


@pytest.fixture
def own() -> Iterator[Shop]:
    """A shop of its own for each test."""
    with serving(profiles=5, events=5) as shop:
        yield shop


def full(error: Exception, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    create = Journal.create.__func__  # type: ignore[attr-defined]

    def created(cls: type[Journal], *given: Any) -> Journal:
        journal: Journal = create(cls, *given)
        journal._connection = FullDisk(journal._connection, error, after)  # type: ignore[assignment]
        return journal

    monkeypatch.setattr(Journal, "create", classmethod(created))


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        sqlite3.OperationalError("database or disk is full"),
        sqlite3.OperationalError("disk I/O error"),
    ],
    ids=["system", "sqlite", "fsync"],
)
@pytest.mark.parametrize("after", [0, 1, 2, 5, 9])
def test_a_full_disk_is_one_error_and_resuming_sends_every_row_once(
    own: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, after: int
) -> None:
    path = tmp_path / "full.journal"
    full(error, after, monkeypatch)
    with pytest.raises(
        WriteFailedError, match=r"cannot be written any more \((No space|database or|disk I/O)"
    ) as caught:
        plan(own.client).apply(journal=path)
    assert f"client.resume({str(path)!r})" in str(caught.value)
    failures = caught.value.failures
    assert f"{ROWS - len(failures)} of {ROWS} rows are recorded as done" in str(caught.value)
    assert set(failures["status"]) <= {"not sent", "unconfirmed"}
    monkeypatch.undo()
    result = own.client.resume(path)
    assert set(result.rows["status"]) == {"written"}
    assert arrivals(own) == [[number] for number in range(ROWS)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits of a process")
def test_a_real_limit_of_the_file_is_met_by_the_same_error(own: Shop, tmp_path: Path) -> None:
    code = """
import resource, sys
import pandas as pd
import klaviyo_analytics as ka
from klaviyo_analytics.errors import WriteFailedError
from klaviyo_analytics.writeback.journal import Journal

begin = Journal.create.__func__
def created(cls, *given):
    journal = begin(cls, *given)
    held = journal.path.with_name(journal.path.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (held + 20_000, resource.RLIM_INFINITY))
    return journal
Journal.create = classmethod(created)
url, key, path = sys.argv[1:]
emails = [f"limit{n}@mail.example.net" for n in range(40)]
with ka.connect(api_key=key, base_url=url, progress=False) as client:
    frame = pd.DataFrame({"email": emails, "n": range(40)})
    try:
        client.profiles.plan_upsert(frame, properties="rest", append="n").apply(journal=path)
    except WriteFailedError as error:
        print(error)
"""
    path = tmp_path / "limited.journal"
    script = [sys.executable, "-c", code, own.sandbox.direct_url, own.sandbox.api_key, str(path)]
    done = subprocess.run(script, capture_output=True, text=True, check=True, timeout=120)
    assert "cannot be written any more (disk I/O error)" in done.stdout, done.stdout + done.stderr
    result = own.client.resume(path)
    assert len(result.rows) == 40
    # what is appended is not sent twice: the row whose answer could not be recorded stays open
    assert set(result.rows["status"]) <= {"created", "updated", "unconfirmed"}
    assert (result.rows["status"] == "unconfirmed").sum() <= 8
    emails = [each.attributes["email"] for each in own.sandbox.account.records["profile"].values()]
    assert sum(email.startswith("limit") for email in emails if email) == 40


def test_a_disk_that_is_full_from_the_start_sends_nothing(
    own: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("klaviyo_analytics.writeback.journal._insert", none_left)
    path = tmp_path / "full.journal"
    with pytest.raises(InvalidInputError, match=r"No space left on device.*nothing was sent"):
        plan(own.client).apply(journal=path)
    assert not path.exists()
    assert arrivals(own) == []


@pytest.mark.usefixtures("small_batches")
def test_trying_again_on_a_full_disk_sends_nothing(
    own: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.sandbox.faults.add(method="POST", path=JOBS, times=None, status=400)
    result = plan(own.client).apply(journal=tmp_path / "refused.journal")
    own.sandbox.faults.clear()

    def none_left(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("klaviyo_analytics.writeback.journal._insert", none_left)
        with pytest.raises(WriteFailedError, match=r"disk is full.*nothing was sent again.*retry") as caught:
            result.retry()
    assert len(caught.value.failures) == ROWS
    assert arrivals(own) == []
    assert result.retry().failures.empty
    assert arrivals(own) == [[number] for number in range(ROWS)]


@contextmanager
def never_ending(shop: Shop) -> Iterator[None]:
    """Show every job as being processed for ever."""
    job = {"data": {"type": "profile-bulk-import-job", "id": "J", "attributes": {"status": "processing"}}}
    shop.sandbox.faults.add(method="GET", path=f"{JOBS}/*", times=None, status=200, body=job)
    yield
    shop.sandbox.faults.clear()


ACTS: dict[str, Callable[[KlaviyoClient, Path], Any]] = {
    "apply": lambda client, path: plan(client).apply(journal=path, timeout=90),
    "upsert": lambda client, path: client.profiles.upsert(
        pd.DataFrame({"email": ["a@mail.example.net"]}), journal=path, timeout=90
    ),
    "create_many": lambda client, path: client.catalog_categories.create_many(
        pd.DataFrame({"external_id": ["hot"], "name": ["Hot"]}), journal=path, timeout=90
    ),
    "suppress": lambda client, path: client.profiles.plan_suppress(
        pd.DataFrame({"email": ["a@mail.example.net"]})
    ).apply(confirm=True, journal=path, timeout=90),
    "plan view": lambda client, path: PlanView(plan(client)).apply(journal=path, timeout=90),
}


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("act", ACTS)
def test_every_wait_for_a_job_ends_after_the_time_given(own: Shop, tmp_path: Path, act: str) -> None:
    path = tmp_path / "slow.journal"
    job = {"data": {"type": "job", "id": "J", "attributes": {"status": "a status to come"}}}
    own.sandbox.faults.add(method="GET", path="/api/*-jobs/*", times=None, status=200, body=job)
    began = own.clock.now
    result = ACTS[act](own.client, path)
    jobs = [one for one in own.asked() if one.startswith("POST") and one.endswith("-jobs")]
    # the waits of writers that wait at the same time add up on this clock
    assert 90 <= own.clock.now - began <= 90 * len(jobs)
    assert "did not finish within 90 s; it is still running on the server" in result.stopped
    assert set(result.rows["status"]) == {"unconfirmed"}
    assert result.journal == path
    again = own.client.resume(path, timeout=30)
    assert "within 30 s" in (again.stopped or "")
    assert "within 40 s" in (again.retry(timeout=40).stopped or "")
    assert "within 30 s" in (again.retry().stopped or "")  # as long as the write itself
    own.sandbox.faults.clear()
    assert own.client.resume(path).failures.empty


def test_a_files_import_and_the_command_line_pass_the_time_on(
    own: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "new.csv"
    emails = "".join(f"file{number}@mail.example.net\n" for number in range(ROWS))
    file.write_text(f"email\n{emails}", encoding="utf-8")
    monkeypatch.setattr(writing, "client_of", lambda _options: nullcontext(own.client))
    with never_ending(own):
        result = own.client.profiles.plan_import(file).apply(timeout=70)
        assert "within 70 s" in str(result.profiles.stopped)
        with pytest.raises(InvalidInputError, match="timeout=-1 is not a non-negative number"):
            own.client.profiles.plan_import(file).apply(timeout=-1)
        client, journal = own.client, tmp_path / "new.journal"
        client.profiles.plan_upsert(pd.read_csv(file)).apply(journal=journal, timeout=0)
        for command, seconds in (
            (["import", "profiles", str(file), "--apply"], 50),
            (["resume", str(journal)], 20),
        ):
            began = own.clock.now
            assert main([*command, "--timeout", str(seconds)]) == INCOMPLETE
            assert seconds <= own.clock.now - began < seconds + 15
    assert main(["resume", str(journal), "--timeout", "nan"]) == FAILED
    assert "--timeout nan is not a non-negative number" in capsys.readouterr().err
    assert main(["resume", str(journal)]) == DONE


@pytest.mark.usefixtures("small_batches")
def test_a_job_that_takes_too_long_does_not_keep_the_others_from_being_sent(
    own: Shop, tmp_path: Path
) -> None:
    with never_ending(own):
        result = plan(own.client).apply(journal=tmp_path / "slow.journal", timeout=10)
    assert set(result.rows["status"]) == {"unconfirmed"}
    assert sum(request.method == "POST" for request in own.sandbox.requests) == ROWS // 10
    assert set(own.client.resume(tmp_path / "slow.journal").rows["status"]) == {"written"}
    assert arrivals(own) == [[number] for number in range(ROWS)]


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "60", None, True])
def test_a_timeout_that_is_not_a_number_of_seconds_is_refused_before_anything_is_sent(
    own: Shop, tmp_path: Path, timeout: Any
) -> None:
    before = len(own.sandbox.requests)
    with pytest.raises(InvalidInputError, match=r"is not a non-negative number of seconds.*Nothing was sent"):
        plan(own.client).apply(journal=tmp_path / "new.journal", timeout=timeout)
    with pytest.raises(InvalidInputError, match=r"is not a non-negative number of seconds.*Nothing was sent"):
        PlanView(plan(own.client)).apply(journal=tmp_path / "new.journal", timeout=timeout)
    with pytest.raises(InvalidInputError, match="is not a non-negative number of seconds"):
        own.client.resume(tmp_path / "none.journal", timeout=timeout)
    assert not (tmp_path / "new.journal").exists()
    assert len(own.sandbox.requests) == before


def test_a_journal_that_another_program_has_open_stays_and_is_named(
    own: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_use(self: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "The process cannot access the file", str(self))  # as on Windows

    path = tmp_path / "open.journal"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", in_use)
        result = plan(own.client).apply(journal=path)
    assert result.failures.empty
    assert result.journal == path
    again = own.client.resume(path)
    assert again.journal is None
    assert not path.exists()
    assert arrivals(own) == [[number] for number in range(ROWS)]


@pytest.mark.skipif(os.name == "nt", reason="modes mean little on Windows")
@pytest.mark.usefixtures("small_batches")
def test_a_journal_and_what_lies_beside_it_are_readable_by_their_owner_only(
    own: Shop, tmp_path: Path
) -> None:
    seen: dict[str, int] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.005):
            for path in (tmp_path / "deep").glob("*"):
                seen[path.suffix] = seen.get(path.suffix, 0) | stat.S_IMODE(path.stat().st_mode)

    before = os.umask(0)
    watcher = threading.Thread(target=look)
    try:
        watcher.start()
        plan(own.client).apply(journal=tmp_path / "deep" / "rows.journal", keep_journal=True)
    finally:
        os.umask(before)
        ended.set()
        watcher.join()
    assert seen[".journal"] == 0o600
    assert seen[".journal-wal"] == 0o600
    assert set(seen.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def test_the_default_is_a_day(own: Shop) -> None:
    defaults = [
        inspect.signature(method).parameters["timeout"].default
        for method in (Plan.apply, ImportPlan.apply, PlanView.apply, own.client.resume)
    ]
    assert defaults == [86_400.0] * 4


def test_requests_hold_as_many_rows_as_are_documented() -> None:
    """A request that holds more is refused, one that holds fewer wastes the account's budget."""
    most = {kind.operation: kind.most for kind in write_types.WRITE_TYPES.values()}
    assert most.pop("bulk_import_profiles") == 10_000
    assert most.pop("create_or_update_profile") == 1
    assert most.pop("bulk_create_data_source_records") == 500
    of_100 = {"bulk_suppress_profiles", "bulk_unsuppress_profiles", "bulk_unsubscribe_profiles"}
    of_100 |= {name for name in most if "_catalog_" in name}
    assert len(of_100) == 12
    assert {name for name, rows in most.items() if rows == 100} == of_100
    others = {name: rows for name, rows in most.items() if name not in of_100}
    assert others == dict.fromkeys(others, 1_000)
    assert {"bulk_create_events", "bulk_create_coupon_codes", "bulk_subscribe_profiles"} <= set(others)
