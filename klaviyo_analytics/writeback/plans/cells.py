"""The cells of a frame as values that JSON carries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.checks import Problems
from klaviyo_analytics.writeback.encode import column
from klaviyo_analytics.writeback.targets import Target
from klaviyo_analytics.writeback.times import DateFormat, days, format_of, moments


def encoded(
    account: Account,
    frame: pd.DataFrame,
    found: Sequence[Target],
    problems: Problems,
    *,
    times: Collection[str] = (),
    date_format: DateFormat = None,
) -> dict[str, list[Any]]:
    """Write every column by its attribute's dotted name; `times` are read in the account's zone.

    `date_format` is the format of the texts in `times`, or a dict of formats by column, for other columns too.
    """
    values: dict[str, list[Any]] = {}
    for target in found:
        series = frame[target.column]
        form = format_of(date_format, target.column)
        if target.path in times:
            written = moments(series, lambda: account.timezone, form)
        elif form is not None and isinstance(date_format, Mapping):
            written = days(series, lambda: account.timezone, form)
        else:
            written = column(series, target.wanted)
        problems.add_all(written.problems, target.column)
        values[target.path] = written.values
    return values
