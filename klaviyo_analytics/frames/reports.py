"""Answers of reports to one tidy frame: a row for each group, and in a series for each interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics.arithmetic import COUNTS, MONEY, RATES, counts_profiles
from klaviyo_analytics.errors import MalformedResponseError
from klaviyo_analytics.frames.aggregates import Floats, Grid, Group, complete, integers, text
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe.words import as_written
from klaviyo_analytics.vocabulary import Interval

ADDITIVE = COUNTS | MONEY
LISTED = ("tag_id", "tag_name")  # a message has several
PRICES = ("average_order_value", "revenue_per_recipient")
Answers = Sequence[tuple[Timeframe, Sequence[Mapping[str, Any]]]]  # the attributes of each part's pages


@dataclass(frozen=True, slots=True)
class Layout:
    """What the frame is to show."""

    keys: tuple[str, ...]
    statistics: tuple[str, ...]
    timeframe: Timeframe
    interval: Interval | None  # None for one value over the whole frame
    now: datetime
    currency: str | None


@dataclass(frozen=True, slots=True)
class Label:
    """The names of what a key's ids stand for, and the column that they get."""

    column: str
    names: Mapping[str, str | None]


def frame(answers: Answers, layout: Layout, labels: Mapping[str, Label]) -> pd.DataFrame:
    """Join the parts' answers into one frame."""
    try:
        grid = _collected(answers, layout)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as problem:
        raise MalformedResponseError("the report response contains invalid dates or numbers.") from problem
    starts = np.array(sorted(grid.starts() if layout.interval else {0.0}), dtype=np.float64)
    groups, tables = grid.columns(starts)
    each = np.repeat(np.arange(len(groups)), len(starts))
    within = np.tile(np.arange(len(starts)), len(groups))
    data: dict[str, Any] = {}
    if layout.interval:
        when = pd.to_datetime(starts, unit="s", utc=True).as_unit("us")
        data["datetime"] = when.tz_convert(layout.timeframe.timezone)[within]
    for place, key in enumerate(layout.keys):
        ids = [group[place] for group in groups]
        data[key] = _lists(ids).take(each) if key in LISTED else text(ids).take(each)
        if label := labels.get(key):
            data[label.column] = text([label.names.get(id) if id else None for id in ids]).take(each)
    for name in layout.statistics:
        data[name] = _column(name, tables)
    if any(name in MONEY or name in PRICES for name in layout.statistics):
        data["currency"] = text([layout.currency]).take(np.zeros(len(each), dtype=np.intp))
    data["complete"] = pd.array(_complete(starts, layout)[within], dtype="boolean")
    return pd.DataFrame(data, index=pd.RangeIndex(len(each)), copy=False)


def told_names(answers: Answers, key: str, name: str) -> dict[str, str | None]:
    """Read the names that the answers themselves tell; of one that was renamed the latest."""
    return {
        id: plain(result["groupings"].get(name))
        for _, pages in answers
        for page in pages
        for result in page["results"]
        if (id := plain(result["groupings"].get(key)))
    }


def ids_of(answers: Answers, key: str) -> list[str]:
    """Return the ids that occur, once each."""
    return list(told_names(answers, key, key))


def plain(value: Any) -> str | None:
    """Write a grouping's value as text; what is empty is missing."""
    if value is None or value in ("", []):
        return None
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _lists(values: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return a list for each row, whether the report has all tags in one row or one tag per row."""
    column = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        told = value is not None and value.startswith("[")
        column[place] = orjson.loads(value or "") if told else [value] if value else []
    return column


def _collected(answers: Answers, layout: Layout) -> Grid:
    asked: dict[str, None] = {}
    for name in layout.statistics:  # a rate over several answers is made anew from its counts
        rebuilt = len(answers) > 1 and layout.interval is None and name in RATES
        made_of = (RATES[name].numerator, RATES[name].denominator) if rebuilt else (name,)
        asked |= dict.fromkeys(made_of)
    grid = Grid(list(asked), additive=ADDITIVE)
    for part, pages in answers:
        for page in pages:
            starts = _starts(page["date_times"], part, layout.interval) if layout.interval else [0.0]
            grid.add(starts, [_row(result, layout) for result in page["results"]])
    return grid


def _row(result: Mapping[str, Any], layout: Layout) -> tuple[Group, Mapping[str, Sequence[float | None]]]:
    group = tuple(plain(result["groupings"].get(key)) for key in layout.keys)
    found = result["statistics"]
    return group, found if layout.interval else {name: [value] for name, value in found.items()}


def _column(name: str, tables: Mapping[str, Floats]) -> Any:
    if name not in tables:
        made = RATES[name]
        above, below = tables[made.numerator].ravel(), tables[made.denominator].ravel()
        return np.divide(above, below, out=np.full(len(below), np.nan), where=below != 0)
    return integers(tables[name].ravel()) if _is_whole(name) else tables[name].ravel()


def _is_whole(name: str) -> bool:
    people = counts_profiles(name) or name == "total_members"
    return people or (name in COUNTS and name != "text_message_credit_usage_amount")


def _complete(starts: Floats, layout: Layout) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if layout.interval is None:
        return np.array([layout.timeframe.is_complete(layout.now)])
    return np.array(complete(starts.tolist(), layout.timeframe, layout.interval, layout.now), dtype=bool)


def _starts(texts: Sequence[str], part: Timeframe, interval: Interval) -> list[float]:
    """Read the starts of a series' intervals.

    The documents show them with a zero offset and do not say whether that is meant or, as in requests, to be
    ignored in favour of the account's clock. Both readings are tried, and the one that fits is taken.
    """
    moments = [as_written(written) for written in texts]
    ours = part.intervals(interval)
    if [one.replace(tzinfo=None) for one in moments] == [one.replace(tzinfo=None) for one in ours]:
        return [one.timestamp() for one in ours]  # an hour that comes twice is in its place, too
    on_the_clock = [one.replace(tzinfo=part.start.tzinfo) for one in moments]
    with_offset = [one if one.tzinfo else one.replace(tzinfo=UTC) for one in moments]
    readings = (with_offset, on_the_clock)
    best = max(readings, key=lambda reading: sum(_fits(one, part, interval) for one in reading))
    return [one.timestamp() for one in best]


def _fits(moment: datetime, part: Timeframe, interval: Interval) -> bool:
    if interval == "hour":
        return part.start.timestamp() - 3_600 < moment.timestamp() < part.end.timestamp()
    return moment.astimezone(part.start.tzinfo).time() == time()
