"""How long attribution of a million orders takes on pandas. A script, not a test; the goal is five seconds."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from klaviyo_analytics import analysis

ORDERS = TOUCHES = 1_000_000
PEOPLE = 200_000
GOAL = 5.0


def frames(seed: int = 7) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return orders and touches of two years."""
    dice = np.random.default_rng(seed)
    start = pd.Timestamp("2024-01-01", tz="UTC")

    def table(letter: str, count: int) -> pd.DataFrame:
        seconds = dice.integers(0, 2 * 365 * 86_400, count)
        return pd.DataFrame(
            {
                "id": [f"{letter}{number}" for number in range(count)],
                "profile_id": dice.integers(0, PEOPLE, count).astype(str),
                "datetime": start + pd.to_timedelta(seconds, unit="s"),
            }
        )

    orders = table("O", ORDERS).assign(value=dice.gamma(2, 30, ORDERS), currency="EUR")
    touches = table("T", TOUCHES).assign(
        channel=dice.choice(["email", "sms"], TOUCHES), interaction=dice.choice(["click", "open"], TOUCHES)
    )
    touches["received"] = touches["datetime"] - pd.Timedelta(hours=1)
    return orders, touches


def main() -> None:
    """Print how long each model takes."""
    orders, touches = frames()
    for model in ("last_touch", "linear"):
        began = time.perf_counter()
        rows = analysis.attribution(orders, touches, model)
        print(f"{model}: {time.perf_counter() - began:.2f} s for {len(rows):,} rows; goal {GOAL} s")


if __name__ == "__main__":
    main()
