"""Customers of a made-up shop for the gallery: the same every time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from klaviyo_analytics import analysis

_STEPS = ("Viewed Product", "Checkout Started", "Placed Order")
_SOURCES = ("popup", "checkout", "footer", "quiz")


def orders(*, rows: int = 900, customers: int = 300, seed: int = 7) -> pd.DataFrame:
    """Return events of three metrics over 15 months, more of them early."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, customers, rows)
    days = rng.exponential(160, rows) % 450
    when = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.round(days * 24), unit="h")
    return pd.DataFrame(
        {
            "id": [f"e{number}" for number in range(rows)],
            "profile_id": [f"P{number}" for number in who],
            "datetime": when,
            "value": rng.gamma(2, 30, rows).round(2),
            "source": [_SOURCES[number % len(_SOURCES)] for number in who],
            "metric": rng.choice(_STEPS, rows, p=[0.5, 0.3, 0.2]),
        }
    )


def scores() -> pd.DataFrame:
    """Return customers in Klaviyo's groups, with movement."""
    return analysis.klaviyo_rfm(orders(), previous=["2025-06-01", "2025-12-01"])


def cohorts() -> pd.DataFrame:
    """Return monthly cohorts."""
    return analysis.cohorts(orders())


def curve(*, by: str | None = None) -> pd.DataFrame:
    """Return retention curves, one or one for each source."""
    return analysis.retention_curves(orders(), by=by or ())


def overlap() -> pd.DataFrame:
    """Return the overlap of sources that share some profiles."""
    one = orders()[["profile_id", "source"]].rename(columns={"source": "group"})
    other = one.assign(group=one["group"].iloc[::-1].to_numpy()).iloc[::3]
    return analysis.overlap(pd.concat([one, other]))


def funnel() -> pd.DataFrame:
    """Return a funnel of three steps."""
    return analysis.ordered_funnel(orders(), _STEPS, within=90)


def years() -> pd.DataFrame:
    """Return two and a half years of counts, by month."""
    when = pd.date_range("2024-01-01", "2026-05-20", tz="UTC")
    days = np.arange(len(when))
    counts = np.round(100 + 0.02 * days + 30 * np.sin(days / 58))
    return analysis.year_over_year(
        pd.DataFrame({"datetime": when, "count": counts, "complete": days < len(days) - 1})
    )


def values() -> pd.DataFrame:
    """Return customers with a lifetime value; made up here, so that drawing does not need SciPy."""
    rng = np.random.default_rng(7)
    expected = rng.gamma(0.8, 1.0, 300)
    return pd.DataFrame({"expected_orders": expected, "lifetime_value": expected * rng.gamma(6, 10, 300)})
