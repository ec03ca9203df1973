"""A sync that is killed: what was committed stays whole, and the next sync ends with exactly the server's rows.

    KILLS=100 pytest -n 0 tests/archive/test_kills.py

kills it at a hundred moments instead of twenty.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import klaviyo_analytics as ka
from tests.archive.shops import add_event, in_order
from tests.shops import Shop

MOMENTS = int(os.environ.get("KILLS", "20"))
# The process kills itself at the n-th call or return of any function during the sync.
CHILD = """
import os, signal, sys
import klaviyo_analytics as ka
from klaviyo_analytics.archive import sync
sync.BATCH = 100
folder, url, key, left = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
archive = ka.connect(api_key=key, base_url=url, progress=False).archive(folder)
def count(frame, event, argument):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
if left:
    sys.setprofile(count)
archive.sync(["events", "profiles", "lists"])
sys.setprofile(None)
print(left)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_after_every_kill_a_sync_ends_with_the_rows_of_the_account(shop: Shop, tmp_path: Path) -> None:
    sandbox = shop.sandbox

    def run(folder: Path, left: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", CHILD, str(folder), sandbox.direct_url, sandbox.api_key, str(left)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    enough = 10**9
    whole = run(tmp_path / "whole", enough)
    assert whole.returncode == 0, whole.stderr
    calls = enough - int(whole.stdout)
    chance = random.Random(13)
    folder, partial = tmp_path / "killed", 0
    for number in range(MOMENTS):
        killed = run(folder, chance.randrange(calls // 10, calls * 8 // 10))
        if killed.returncode == -signal.SIGKILL and (folder / "events").is_dir():
            found = ka.open_archive(folder).frame("events")
            assert found["id"].is_unique
            partial += len(found) < len(shop.account.events.ids)
        add_event(shop, f"late{number}", seconds=3_600 + number)
    assert partial
    with ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False) as client:
        archive = client.archive(folder)
        archive.sync(["events", "profiles", "lists"])
        for name in ("events", "profiles", "lists"):
            wanted = getattr(client, name).list()
            pd.testing.assert_frame_equal(in_order(archive.frame(name)), in_order(wanted))
