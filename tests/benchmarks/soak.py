"""A long run against the sandbox: memory, threads and descriptors stay flat, and every count stays exact.

``python -m tests.benchmarks.soak`` runs for 30 minutes, ``--seconds 60`` in CI. Exit status 1 names what grew.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import sys
import threading
import time
from pathlib import Path

import pandas as pd

import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox

PROFILES, EVENTS = 300, 3_000
GROWTH = 64 * 2**20  # bytes of memory that a run may keep after its warm-up


def memory() -> int:
    """Return the resident bytes of this process; where /proc is missing, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def descriptors() -> int:
    """Return how many files and sockets are open; 0 where the system does not say."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def round_of(sandbox: Sandbox, number: int, events: int) -> None:
    """Read, write and fail once; everything is counted."""
    sandbox.faults.clear()
    sandbox.faults.add(times=2, every=5, status=503)
    sandbox.faults.add(method="GET", times=1, every=7, drop="during")
    with ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False) as client:
        client._embed(
            now=lambda: pd.Timestamp(sandbox.account.now, unit="s", tz="UTC"), on_close=lambda: None
        )
        client._api.transport._sleep = lambda _: None
        before = len(sandbox.account.records["profile"])
        ids = client.events.list(workers=3)["id"]
        assert (len(ids), ids.nunique()) == (events, events), "events were lost or came twice"
        assert len(client.profiles.list()) == before, "profiles were lost or came twice"
        emails = [f"soak{number}-{row}@mail.example.net" for row in range(20)]
        client.profiles.plan_upsert(pd.DataFrame({"email": emails})).apply(journal=False).raise_for_failures()
        assert len(sandbox.account.records["profile"]) == before + len(emails), (
            "a row was lost or written twice"
        )
        for email in emails:  # the account stays as large as it was
            found = next(
                id
                for id, one in sandbox.account.records["profile"].items()
                if one.attributes["email"] == email
            )
            del sandbox.account.records["profile"][found]
    sandbox.requests.clear()


def main(seconds: float) -> int:
    """Run rounds for so many seconds, and compare the end with the warm beginning."""
    rounds, began, warm = 0, time.monotonic(), None
    with Sandbox(profiles=PROFILES, events=EVENTS) as sandbox:
        with ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False) as client:
            client._api.paced = False
            events = len(client.events.list())
        while warm is None or time.monotonic() - began < seconds:
            round_of(sandbox, rounds, events)
            rounds += 1
            gc.collect()
            if warm is None and (time.monotonic() - began >= seconds / 4 or rounds >= 20):
                warm = memory(), threading.active_count(), descriptors()
        ended = memory(), threading.active_count(), descriptors()
    print(
        f"{rounds} rounds; memory {warm[0] >> 20} -> {ended[0] >> 20} MiB, threads {warm[1]} -> {ended[1]}, "
        f"descriptors {warm[2]} -> {ended[2]}"
    )
    grown = [
        name
        for name, first, last, slack in zip(
            ("memory", "threads", "descriptors"), warm, ended, (GROWTH, 8, 16), strict=True
        )
        if last > first + slack
    ]
    if grown:
        print(f"grew: {', '.join(grown)}", file=sys.stderr)
    return 1 if grown else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1_800.0)
    sys.exit(main(parser.parse_args().seconds))
