"""The cells of a frame as values that JSON carries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.checks import Problems
from klaviyo_analytics.writeback.encode import column
from klaviyo_analytics.writeback.targets import Target
from klaviyo_analytics.writeback.times import moments


def encoded(
    account: Account,
    frame: pd.DataFrame,
    found: Sequence[Target],
    problems: Problems,
    *,
    times: Collection[str] = (),
) -> dict[str, list[Any]]:
    """Write every column by its attribute's dotted name; `times` are read in the account's zone."""
    values: dict[str, list[Any]] = {}
    for target in found:
        series = frame[target.column]
        is_time = target.path in times
        written = moments(series, lambda: account.timezone) if is_time else column(series, target.wanted)
        problems.add_all(written.problems, target.column)
        values[target.path] = written.values
    return values
