"""The tests of clocks, of reading and of writing pass whatever zone the machine is in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCKS = ["tests/timeframe/test_timeframe.py"]
READING = [
    "tests/frames/test_grid.py",
    "tests/frames/test_reports.py",
    "tests/resources/test_event_order.py",
    "tests/writeback/test_reading.py",
]
WRITING = [
    "tests/resources/test_event_writes.py",
    "tests/writeback/test_consent.py",
    "tests/writeback/test_encode.py",
    "tests/writeback/test_events.py",
]
# west and east of UTC, with and without changes of clocks; New York is the zone of the sandbox's account
ZONES = ["Pacific/Auckland", "America/New_York", "Asia/Kolkata"]


def run(zone: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python in a zone; hypothesis tries fewer examples than in its own run."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**own, "TZ": zone, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("zone", ZONES)
def test_the_tests_pass_on_a_machine_in(zone: str) -> None:
    if zone != ZONES[0] and os.environ.get("CI") != "true":
        pytest.skip(
            "one zone is enough outside of CI; tests/resources/test_clocks.py tries three in any case"
        )
    ended = run(
        zone, "-m", "pytest", "-q", "--override-ini", "addopts=--import-mode=importlib",
        "-p", "no:cacheprovider", *CLOCKS, *READING, *WRITING,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-1000:]
    assert " passed" in ended.stdout


@pytest.mark.parametrize(("zone", "hours"), [("America/New_York", -5), ("Pacific/Auckland", 13)])
def test_the_machine_really_is_in_the_zone(zone: str, hours: int) -> None:
    shown = run(zone, "-c", "import time; print(time.localtime(1767225600).tm_gmtoff // 3600)")
    assert shown.stdout.strip() == str(hours)
