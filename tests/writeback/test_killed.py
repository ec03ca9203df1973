"""A write that is killed again and again, over a good network and over a bad one, and goes on each time."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import IO, Any

import pytest
import requests

from klaviyo_analytics.sandbox import Sandbox
from tests.writeback import writer

BATCHES = writer.ROWS // writer.BATCH
KILLS = 20
FAULTS: list[dict[str, Any]] = [  # each meets one request of thirty for as long as the write takes
    {"status": 429, "retry_after": 1},
    {"status": 500},
    {"drop": "before"},
    {"drop": "during"},
    {"drop": "after"},
    {"truncate": True},
]


class Reaper:
    """Kills who writes, at requests that a seed chooses, all along the write; each request is a moment of its clock.

    What a request that kills asks for is carried out or lost, as the seed will have it.
    """

    def __init__(self, seed: int) -> None:
        self.killed_after: list[int] = []  # so many batches
        self._chance = random.Random(seed)
        self._spares = 0
        self._victim = 0
        self._now = time.time()
        self._lock = threading.Lock()

    def watches(self, sandbox: Sandbox) -> None:
        """See every request that meets no other fault."""
        self._sandbox = sandbox
        self._request = sandbox.faults.add(times=None, delay=0.25)

    def lies_in_wait(self, victim: int) -> None:
        """Turn to the next process, when nothing of the last one is under way any more."""
        with suppress(requests.RequestException):
            requests.get(self._sandbox.url, timeout=60)  # connections are taken in turn: all of its were
        for thread in list(self._sandbox._server._open.values()):
            thread.join()
        self._request.drop = None
        self._victim = victim

    def clock(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let a request's moment pass, perhaps its sender's last."""
        with self._lock:
            self._now += seconds
            if self._victim and self._is_due():
                os.kill(self._victim, SIGKILL)
                self.killed_after.append(self._arrived())
                self._victim, self._spares = 0, self._chance.randrange(12)
                self._request.drop = self._chance.choice(["before", None])

    def _is_due(self) -> bool:
        kills = len(self.killed_after)
        if kills == KILLS or self._arrived() < kills * BATCHES // KILLS:
            return False
        self._spares -= 1
        return self._spares < 0

    def _arrived(self) -> int:
        return len(self._sandbox.account.records.get("profile-bulk-import-job", ()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("faults", [pytest.param([], id="good"), pytest.param(FAULTS, id="bad")])
def test_every_row_arrives_exactly_once_however_often_the_writer_is_killed(
    tmp_path: Path, faults: list[dict[str, Any]]
) -> None:
    reaper = Reaper(seed=7)
    with Sandbox(
        profiles=20, events=50, now=int(time.time()), clock=reaper.clock, sleep=reaper.sleep
    ) as sandbox:
        struck = [
            sandbox.faults.add(times=None, every=30, skip=turn, **each) for turn, each in enumerate(faults)
        ]
        reaper.watches(sandbox)
        script = [sys.executable, writer.__file__, sandbox.direct_url, sandbox.api_key, str(tmp_path)]
        log = tmp_path / "stderr"
        with log.open("w") as stderr:
            assert run_through(script, reaper, stderr) == 0, log.read_text()[-3000:]
        profiles = sandbox.account.records["profile"].values()
        arrived = [each.attributes["properties"].get("arrivals") for each in profiles]
    # each arrival was appended, so that a row that came twice would hold two
    assert sorted(one for one in arrived if one) == [[number] for number in range(writer.ROWS)]
    assert len(reaper.killed_after) == KILLS
    assert all(fault.hits for fault in struck)


def run_through(script: list[str], reaper: Reaper, stderr: IO[str]) -> int:
    """Lead the reaper to each process, until the last one ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        script, stdin=pipe, stdout=pipe, stderr=stderr, text=True, start_new_session=True
    ) as writers:
        stuck = threading.Timer(300, os.killpg, (writers.pid, SIGKILL))
        stuck.start()
        assert writers.stdin
        assert writers.stdout
        for line in writers.stdout:
            reaper.lies_in_wait(int(line))
            print("go on", file=writers.stdin, flush=True)
        stuck.cancel()
    return writers.returncode
