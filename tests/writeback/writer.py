"""Writes 50,000 rows in processes that are killed: a script, so that only what is killed is what writes.

`python writer.py URL KEY FOLDER SEED KILLS` prints how many processes were killed before one came to the end.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd

import klaviyo_analytics as ka
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback import kinds

ROWS = 50_000
BATCH = 500


def frame() -> pd.DataFrame:
    emails = [f"person{number}@mail.example.net" for number in range(ROWS)]
    return pd.DataFrame({"email": emails, "arrivals": [[number] for number in range(ROWS)]})


def write(url: str, key: str, path: Path) -> None:
    with ka.connect(api_key=key, base_url=url, progress=False) as client:
        client._api.paced = False
        client._context.sleep = lambda seconds: time.sleep(min(seconds / 20, 0.25))
        try:
            result = client.resume(path, keep_journal=True)
        except InvalidInputError:
            path.unlink(missing_ok=True)
            plan = client.profiles.plan_upsert(frame(), properties="rest", append="arrivals")
            result = plan.apply(journal=path, keep_journal=True)
        while result.stopped:
            result = client.resume(path, keep_journal=True)
        result.raise_for_failures()


def main(url: str, key: str, folder: str, seed: int, kills: int) -> int:
    kinds.KINDS["profile import"] = replace(kinds.KINDS["profile import"], most=BATCH)
    chance, killed, path = random.Random(seed), 0, Path(folder) / "rows.journal"
    while True:
        child = os.fork()
        if child == 0:
            write(url, key, path)
            os._exit(0)
        if killed < kills:
            while not path.exists():
                time.sleep(0.005)
            time.sleep(chance.uniform(0.01, 0.3))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return killed if status == 0 else -1
        killed += 1


if __name__ == "__main__":
    url, key, folder, seed, kills = sys.argv[1:]
    print(main(url, key, folder, int(seed), int(kills)))
