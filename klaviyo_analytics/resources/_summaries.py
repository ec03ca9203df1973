"""What campaign and flow summaries share: counts of a report added up, rates made of them, in one order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.resources.reports import USUAL

# what rates of opens are made of: text messages, whose opens are not visible, do not count in them
PARTS = {
    "open_rate_denominator": ("delivered", "opens_unique"),
    "click_to_open_rate_numerator": ("clicks_unique", "opens_unique"),
}
NUMBERS = (
    *USUAL,
    "currency",
    *(name for name, rate in RATES.items() if {rate.numerator, rate.denominator} <= set(USUAL)),
    *PARTS,
    "complete",
)


# reports have a word of their own for what campaigns and filters call mobile_push
CAMPAIGN_WORDS = {"push-notification": "mobile_push"}


def added_up(report: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return a row for each of `keys` with its channel, counts, money and rates, as `analysis.roll_up` makes them."""
    rows = analysis.roll_up(report, by=keys)
    for part, (count, opens) in PARTS.items():
        if part not in rows.columns:
            rows[part] = rows[count].where(rows[opens].notna())
    grouped = report.groupby(list(keys), dropna=False, sort=False)
    about = grouped.agg(channel=("send_channel", _channels), complete=("complete", "all")).reset_index()
    about = about.astype({"channel": "string", "complete": "boolean"})
    return rows.merge(about, on=list(keys), how="left", validate="1:1")


def listed(values: Iterable[Any]) -> str | None:
    """Join the distinct values with commas; most often there is one."""
    return ", ".join(dict.fromkeys(str(value) for value in values if pd.notna(value))) or None


def _channels(values: Iterable[Any]) -> str | None:
    known = (CAMPAIGN_WORDS.get(value, value) for value in values if pd.notna(value))
    return listed(sorted(known))


def lists_of_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a list for each row, empty where the value is missing."""
    return pd.Series([value if isinstance(value, list) else [] for value in values], dtype="object")


def finished(frame: pd.DataFrame, columns: Sequence[str], report: pd.DataFrame) -> pd.DataFrame:
    """Select the columns, reset the index, and copy the report's `attrs`."""
    further = [
        name
        for rate in RATES
        for name in (f"{rate}_numerator", f"{rate}_denominator")
        if name in frame.columns and name not in PARTS
    ]
    result = frame[[*columns, *NUMBERS[:-1], *further, NUMBERS[-1]]].reset_index(drop=True)
    result.attrs = dict(report.attrs)
    return result
