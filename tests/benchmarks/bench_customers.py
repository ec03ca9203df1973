"""How long the analyses of customers take on 1,000,000 orders in pandas. A script, not a test.

The goal is at most 5 s of processor time each; it prints both clocks, because other work slows the wall clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics import analysis

ROWS, CUSTOMERS, GOAL = 1_000_000, 300_000, 5.0


def million() -> pd.DataFrame:
    """Return two years of orders with our dtypes."""
    rng = np.random.default_rng(3)
    seconds = pd.to_timedelta(rng.integers(0, 730 * 86_400, ROWS), unit="s")
    texts = {
        "id": np.char.add("e", np.arange(ROWS).astype(str)),
        "profile_id": np.char.add("P", rng.integers(0, CUSTOMERS, ROWS).astype(str)),
        "source": rng.choice(["web", "pos"], ROWS),
        "metric": rng.choice(["Viewed Product", "Checkout Started", "Placed Order"], ROWS),
    }
    frame = pd.DataFrame(texts).astype("string")
    return frame.assign(
        datetime=pd.Timestamp("2024-01-01", tz="UTC") + seconds, value=rng.gamma(2, 30, ROWS).round(2)
    )


def main() -> None:
    """Print a line for each function."""
    orders = million()
    steps = ["Viewed Product", "Checkout Started", "Placed Order"]
    calls: dict[str, Callable[[], Any]] = {
        "rfm": lambda: analysis.rfm(orders),
        "klaviyo_rfm": lambda: analysis.klaviyo_rfm(orders),
        "cohorts": lambda: analysis.cohorts(orders, by="source"),
        "retention_curves": lambda: analysis.retention_curves(orders),
        "repeat_purchase": lambda: analysis.repeat_purchase(orders),
        "customer_lifetime_value": lambda: analysis.customer_lifetime_value(orders),
        "engagement_tiers": lambda: analysis.engagement_tiers(orders),
        "ordered_funnel": lambda: analysis.ordered_funnel(orders, steps, within=30),
    }
    for name, call in calls.items():
        wall, spent = time.perf_counter(), time.process_time()
        call()
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
        verdict = "" if spent <= GOAL else "over the goal"
        print(f"{name:26} {spent:6.2f} s processor, {wall:6.2f} s wall  {verdict}", flush=True)


if __name__ == "__main__":
    main()
