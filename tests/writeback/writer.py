"""Writes many rows in processes that somebody kills: a script, so that only what is killed is what writes.

`python writer.py URL KEY FOLDER ROWS` says the number of each process as it begins, and lets it go on when a line
comes; after one that was killed there is another, until one comes to the end.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

import klaviyo_analytics as ka
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback import write_types

BATCHES = 100


def frame(rows: int) -> pd.DataFrame:
    emails = [f"person{number}@mail.example.net" for number in range(rows)]
    return pd.DataFrame({"email": emails, "arrivals": [[number] for number in range(rows)]})


def write(url: str, key: str, path: Path, rows: int) -> None:
    with ka.connect(api_key=key, base_url=url, progress=False) as client:
        client._api.paced = False
        client._api.transport._sleep = client._context.sleep = lambda _: (
            None
        )  # the sandbox's clock is its own
        try:
            result = client.resume(path, keep_journal=True)
        except InvalidInputError:
            path.unlink(missing_ok=True)
            plan = client.profiles.plan_upsert(frame(rows), properties="rest", append="arrivals")
            result = plan.apply(journal=path, keep_journal=True)
        while result.stopped:
            result = client.resume(path, keep_journal=True)
        result.raise_for_failures()


def main(url: str, key: str, folder: str, rows: str) -> int:
    write_types.WRITE_TYPES["profile import"] = replace(
        write_types.WRITE_TYPES["profile import"], most=int(rows) // BATCHES
    )
    while True:
        child = os.fork()
        if child == 0:
            print(os.getpid(), flush=True)
            sys.stdin.readline()
            write(url, key, Path(folder) / "rows.journal", int(rows))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
