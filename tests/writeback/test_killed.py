"""A write that is killed again and again, over a good network and over a bad one, and goes on each time.

``python -m tests.writeback.test_killed --seeds 5`` tries other moments and other faults, for as long as it takes.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import IO, Any
from urllib.parse import urlsplit

import pytest
import requests

from klaviyo_analytics.sandbox import Sandbox
from tests.writeback import writer

BATCHES = writer.BATCHES
ROWS = 4_000
MANY = 20_000  # by hand
KILLS = 20
EVERY = 24
FAULTS: list[dict[str, Any]] = [  # six, so that they meet a quarter of all requests
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


class InterimAnswers:
    """Passes connections on to a server, and puts interim (1xx) answers before a quarter of its answers."""

    KINDS = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    )

    def __init__(self, url: str, seed: int) -> None:
        self.sent = self.answers = 0
        self._chance = random.Random(seed)
        self._behind = (urlsplit(url).hostname, urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> InterimAnswers:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._behind)
                for one, other, changed in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=(one, other, changed), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, changed: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if changed and data.startswith(b"HTTP/1.1 "):
                    self.answers += 1
                    if self._chance.random() < 0.25:
                        self.sent += 1
                        target.sendall(self._chance.choice(self.KINDS))
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        source.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("faults", [pytest.param([], id="good"), pytest.param(FAULTS, id="bad")])
def test_every_row_arrives_exactly_once_however_often_the_writer_is_killed(
    tmp_path: Path, faults: list[dict[str, Any]]
) -> None:
    kill_and_check(tmp_path, faults, seed=7, rows=ROWS)


def kill_and_check(tmp_path: Path, faults: list[dict[str, Any]], seed: int, rows: int) -> None:
    """Write all rows while the writer is killed; on a bad network with interim answers among the others."""
    reaper = Reaper(seed)
    now = int(time.time())
    with (
        Sandbox(profiles=20, events=50, now=now, clock=reaper.clock, sleep=reaper.sleep) as sandbox,
        InterimAnswers(sandbox.direct_url, seed) as interim,
    ):
        struck = [
            sandbox.faults.add(times=None, every=EVERY, skip=turn * EVERY // len(FAULTS), **each)
            for turn, each in enumerate(faults)
        ]
        reaper.watches(sandbox)
        url = interim.url if faults else sandbox.direct_url
        script = [sys.executable, writer.__file__, url, sandbox.api_key, str(tmp_path), str(rows)]
        log = tmp_path / "stderr"
        with log.open("w") as stderr:
            assert run_through(script, reaper, stderr) == 0, log.read_text()[-3000:]
        profiles = sandbox.account.records["profile"].values()
        arrived = [each.attributes["properties"].get("arrivals") for each in profiles]
    # each arrival was appended, so that a row that came twice would hold two
    assert sorted(one for one in arrived if one) == [[number] for number in range(rows)]
    assert len(reaper.killed_after) == KILLS
    assert all(fault.hits for fault in struck)
    if faults:
        seen = max(fault.seen for fault in struck)
        assert 0.2 < sum(fault.hits for fault in struck) / seen < 0.3
        assert 0.2 < interim.sent / interim.answers < 0.3


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


def main() -> None:
    """Try several seeds over the bad network, and print how each ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    for seed in range(1, parser.parse_args().seeds + 1):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            kill_and_check(Path(folder), FAULTS, seed, MANY)
        print(f"seed {seed}: {MANY:,} rows, each once, in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
