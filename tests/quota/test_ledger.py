"""What the ledger must never do: forget a call, count one twice, or keep a caller for ever."""

from __future__ import annotations

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from klaviyo_analytics.http.rate_limits import SLACK
from klaviyo_analytics.quota.budget import DAY, Ledger, wait

WINDOWS = ((1, 1), (2, 60), (225, DAY))
NOW = 1_800_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "calls.sqlite3"


def test_every_window_has_to_have_room() -> None:
    assert wait([], WINDOWS, NOW) == 0
    assert wait([NOW - 0.5], WINDOWS, NOW) == pytest.approx(0.5 + SLACK)
    assert wait([NOW - 50, NOW - 20], WINDOWS, NOW) == pytest.approx(10 + SLACK)
    assert wait([NOW - 100, NOW - 20], WINDOWS, NOW) == 0
    assert wait([NOW - DAY + 7] * 225, WINDOWS, NOW) == pytest.approx(7 + SLACK)


def test_the_day_survives_a_restart(path: Path) -> None:
    assert Ledger(path).book("shop", "flow_values", WINDOWS, NOW) == 0
    again = Ledger(path)
    assert again.sent("shop", "flow_values", NOW + 100) == [NOW]
    assert again.book("shop", "flow_values", WINDOWS, NOW + 0.4) == pytest.approx(0.6 + SLACK)
    assert again.sent("shop", "flow_values", NOW + 1) == [NOW], "a call that has to wait is not counted"


def test_accounts_and_reports_are_counted_apart(path: Path) -> None:
    ledger = Ledger(path)
    for account, operation in (("a", "x"), ("a", "y"), ("b", "x")):
        assert ledger.book(account, operation, ((1, 60),), NOW) == 0
    assert ledger.book("a", "x", ((1, 60),), NOW) > 0


@pytest.mark.parametrize("kept", ["file", "memory"])
def test_a_day_later_there_is_room_again(path: Path, kept: str) -> None:
    ledger = Ledger(path if kept == "file" else None)
    ledger.book("shop", "x", ((1, DAY),), NOW)
    assert ledger.book("shop", "x", ((1, DAY),), NOW + DAY - 10) == pytest.approx(10 + SLACK)
    assert ledger.book("shop", "x", ((1, DAY),), NOW + DAY + 1) == 0


@pytest.mark.parametrize("kept", ["file", "memory"])
def test_a_call_can_be_taken_back(path: Path, kept: str) -> None:
    ledger = Ledger(path if kept == "file" else None)
    ledger.undo("shop", "x", NOW)
    ledger.book("shop", "x", ((5, 60),), NOW)
    ledger.book("shop", "x", ((5, 60),), NOW + 1)
    ledger.undo("shop", "x", NOW + 2)
    assert ledger.sent("shop", "x", NOW + 2) == [NOW]


def test_a_clock_that_is_set_back_keeps_nobody_waiting(path: Path) -> None:
    ledger = Ledger(path)
    ledger.book("shop", "x", ((1, 60),), NOW)
    assert ledger.book("shop", "x", ((1, 60),), NOW - 3_600) == 0


def test_two_ledgers_share_one_file_between_threads(path: Path) -> None:
    ledgers = [Ledger(path), Ledger(path)]
    with ThreadPoolExecutor(4) as pool:
        waits = pool.map(lambda n: ledgers[n % 2].book("shop", "x", ((7, DAY),), NOW), range(20))
    assert sum(pause == 0 for pause in waits) == 7


def test_two_processes_never_send_more_than_is_allowed(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from klaviyo_analytics.quota import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]))\n"
        f"print(sum(not ledger.book('shop', 'x', ((25, 86400),), {NOW}) for _ in range(20)))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    booked = [int(process.communicate(timeout=60)[0]) for process in started]
    assert sum(booked) == 25, booked


@pytest.mark.parametrize("damage", [b"", b"no database at all, but long enough to be read as one" * 200])
def test_a_damaged_file_is_begun_anew(path: Path, damage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    ledger = Ledger(path)
    assert ledger.book("shop", "x", ((1, 60),), NOW) == 0
    assert Ledger(path).sent("shop", "x", NOW) == [NOW]


@pytest.mark.parametrize("refused", [PermissionError(13, "in use"), OSError(22, "Invalid argument")])
def test_a_damaged_file_that_another_program_holds_open_is_left_and_counted_in_memory(
    path: Path, refused: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows does not delete an open file."""
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but long enough to be read as one" * 200)

    def unlink(*_: object, **__: object) -> None:
        raise refused

    monkeypatch.setattr(Path, "unlink", unlink)
    ledger = Ledger(path)
    assert ledger.book("shop", "x", ((1, 60),), NOW) == 0
    assert ledger.book("shop", "x", ((1, 60),), NOW + 1) > 0


def test_without_a_usable_file_this_process_still_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "klaviyo_analytics"):
        ledger = Ledger(tmp_path)  # a folder
        assert ledger.book("shop", "x", ((1, 60),), NOW) == 0
        assert ledger.book("shop", "x", ((1, 60),), NOW + 1) > 0
    assert len(caplog.records) == 1, "said once, not at every call"
