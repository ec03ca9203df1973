"""What it costs to plan 250,000 profiles. A script, not a test.

The goals: 10 seconds (of one core, which is all that it uses), 1 GB, and at most 2 % more requests than the limits
of count and bytes make necessary.
"""

from __future__ import annotations

import math
import sys
import time
import tracemalloc

import numpy as np
import pandas as pd

import klaviyo_analytics as ka
from klaviyo_analytics.writeback.journal import REQUEST_BYTES

ROWS = 250_000
SECONDS, BYTES, REQUESTS = 10.0, 1e9, 1.02


def scores() -> pd.DataFrame:
    """Make up a frame as an analyst has it."""
    chance = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "email": [f"person{number}@mail.example.net" for number in range(ROWS)],
            "first_name": pd.Series(chance.choice(["Ann", "Bob", ""], ROWS)).replace("", None),
            "town": pd.Series(chance.choice(["Berlin", "Zürich", ""], ROWS)).replace("", None),
            "recency": chance.integers(0, 365, ROWS),
            "value": chance.random(ROWS) * 1_000,
            "vip": chance.random(ROWS) > 0.9,
            "seen": pd.date_range("2024-01-01", periods=ROWS, freq="min", tz="UTC"),
        }
    )


def main() -> int:
    """Measure and print; 1 if a goal is missed."""
    frame = scores()
    with ka.connect(api_key="pk_0123456789", base_url="http://127.0.0.1:9") as client:
        began = time.process_time()
        plan = client.profiles.plan_upsert(frame, columns={"town": "location.city"}, properties="rest")
        seconds = time.process_time() - began
        tracemalloc.start()
        client.profiles.plan_upsert(frame, columns={"town": "location.city"}, properties="rest")
        peak = tracemalloc.get_traced_memory()[1]
    facts = plan.summary()
    least = max(math.ceil(ROWS / 10_000), math.ceil((facts["bytes"] + ROWS) / REQUEST_BYTES))
    more = facts["requests"] / least
    print(
        f"{ROWS:,} profiles: {seconds:.1f} s (goal {SECONDS:g}), {peak / 1e6:,.0f} MB (goal {BYTES / 1e6:,.0f})"
    )
    print(
        f"{facts['requests']} requests for {facts['bytes'] / 1e6:.0f} MB, {more:.3f} of the least (goal {REQUESTS})"
    )
    return int(seconds > SECONDS or peak > BYTES or more > REQUESTS)


if __name__ == "__main__":
    sys.exit(main())
