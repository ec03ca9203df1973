"""What an archive costs: memory and time of a first sync, a second sync, and SQL. A script, not a test.

    python tests/benchmarks/bench_archive.py [events]

The sandbox runs in a process of its own, so that the memory measured is the archive's and the interpreter's alone.
Goals for 1,000,000 events: at most 500 MB, a query in less than a second, and a second sync that reads the overlap
and one page more.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox

QUERY = (
    "select month, metric_id, count(*) as events, sum(value) as value from events group by all order by all"
)


def serve(events: int, pipe: Connection) -> None:
    """Run the sandbox until the other end hangs up."""
    with Sandbox(profiles=max(100, events // 25), events=events) as sandbox:
        pipe.send((sandbox.api_key, sandbox.direct_url))
        pipe.recv()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that some work takes, and its result."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def megabytes() -> float:
    """Return the largest memory of this process so far."""
    units = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / units


def measure(events: int, key: str, url: str, folder: str) -> None:
    """Print what each step takes."""
    with ka.connect(api_key=key, base_url=url, progress=False) as client:
        client._api.paced = False
        archive = client.archive(folder)
        print(f"{events:,} events; the interpreter and the package take {megabytes():,.0f} MB")
        for name in ("first sync", "second sync"):
            seconds, report = timed(lambda: archive.sync(["events"]))
            row = report[report["table"] == "events"].iloc[0]
            print(
                f"{name:12} {seconds:6.1f} s  {megabytes():5,.0f} MB  new {row['new']:,}  "
                f"read again {row['read_again']:,}  requests {row['requests']:,}"
            )
        for name in ("cold", "warm"):
            seconds, rows = timed(lambda: archive.sql(QUERY))
            print(f"sql, {name:7} {seconds:6.3f} s  {len(rows):,} rows")
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.parquet"))
        print(f"on disk      {size / 1e6:6.1f} MB")


def main() -> None:
    """Serve an account and measure in another process."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(events, theirs), daemon=True)
    server.start()
    key, url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        work = spawn.Process(target=measure, args=(events, key, url, folder))
        work.start()
        work.join()
    ours.send(None)
    server.join()


if __name__ == "__main__":
    main()
