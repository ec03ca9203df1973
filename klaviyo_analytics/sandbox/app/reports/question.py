"""What a report is asked for, read from the body and checked beyond its schema."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.aggregates import bucket_starts
from klaviyo_analytics.sandbox.app.errors import YEARS, ApiFault, to_text
from klaviyo_analytics.sandbox.app.filters import Condition, Parser
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store

FILTER_POINTER = "/data/attributes/filter"
MOST_VALUES = 100

SCALAR = frozenset({"equals", "contains-any"})  # of an attribute with one value
LISTED = frozenset({"contains-any", "contains-all"})  # of an attribute with several
NAMED = frozenset({"equals", "any"})  # of forms and segments


@dataclass(frozen=True, slots=True)
class Wish:
    """What one attribute must be: one of `values`, or with `every` all of them."""

    attribute: str
    values: frozenset[str]
    every: bool

    def holds(self, value: Any) -> bool:
        """Return whether a row's value, or list of values, is what is wished for."""
        has = set(value) if isinstance(value, list) else {value}
        return self.values <= has if self.every else not self.values.isdisjoint(has)


def read_filter(
    text: str | None,
    operators: Mapping[str, Collection[str]],
    words: Mapping[str, Collection[str]] | None = None,
) -> tuple[Wish, ...]:
    """Read a filter; `operators` says which attributes take which, `words` what an attribute may be."""
    if not text:
        return ()
    wishes: dict[str, Wish] = {}
    for condition in _parse(text):
        name = condition.field
        if name not in operators:
            _refuse(f"{name} cannot be filtered on; attributes: {', '.join(sorted(operators))}.")
        if condition.operator not in operators[name]:
            allowed = ", ".join(sorted(operators[name]))
            _refuse(f"{condition.operator} is not an operator of {name}; operators: {allowed}.")
        if name in wishes:
            _refuse(f"{name} is filtered on twice; each attribute takes one filter.")
        values = _values(condition)
        unknown = values.difference(words[name]) if words and name in words else ()
        if words and unknown:
            _refuse(f"{', '.join(sorted(unknown))} is no {name}; allowed: {', '.join(sorted(words[name]))}.")
        wishes[name] = Wish(name, values, condition.operator == "contains-all")
    return tuple(wishes.values())


def _parse(text: str) -> list[Condition]:
    try:
        return Parser(text).parse()
    except ApiFault as fault:  # the parser speaks of a query parameter, and this filter is in the body
        _refuse(fault.problems[0].detail)


def _values(condition: Condition) -> frozenset[str]:
    literal = condition.literal
    if (condition.operator == "equals") == isinstance(literal, tuple):
        takes = "one value" if condition.operator == "equals" else "a list"
        _refuse(f"{condition.operator}({condition.field}) takes {takes}.")
    values = literal if isinstance(literal, tuple) else (literal,)
    if not 1 <= len(values) <= MOST_VALUES:
        _refuse(
            f"{condition.operator}({condition.field}) takes 1 to {MOST_VALUES} values, not {len(values)}."
        )
    texts = frozenset(value for value in values if isinstance(value, str))
    if len(texts) < len(set(values)):
        _refuse(f"{condition.field} takes text in quotes.")
    return texts


def _refuse(detail: str) -> NoReturn:
    raise ApiFault.pointer(FILTER_POINTER, f"Invalid filter: {detail.removeprefix('Invalid filter: ')}")


Ints = npt.NDArray[np.int64]

TIMEFRAME_POINTER = "/data/attributes/timeframe"
DAY = timedelta(days=1)
QUARTER = 900  # no clock on Earth changes but at a quarter of an hour
GREENWICH = ZoneInfo("UTC")

#: the longest frame of each interval of a series
LONGEST: Mapping[str, timedelta] = {
    "hourly": 7 * DAY,
    "daily": 60 * DAY,
    "weekly": 364 * DAY,
    "monthly": 364 * DAY,
}
_UNITS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


@dataclass(frozen=True, slots=True)
class Frame:
    """From `start` until just before `stop`, cut into intervals that begin at `starts`; one for values."""

    start: int
    stop: int
    starts: tuple[int, ...]

    def holds(self, moments: Ints) -> npt.NDArray[np.bool_]:
        """Return which moments lie in the frame."""
        return (moments >= self.start) & (moments < self.stop)

    def intervals(self, moments: Ints) -> Ints:
        """Find the number of the interval of each moment."""
        return np.searchsorted(np.array(self.starts, dtype=np.int64), moments, side="right") - 1

    def date_times(self) -> list[str]:
        """Write where the intervals begin.

        The document's days begin at midnight with an offset of zero, so like the bounds of a request these are
        taken for times on the account's wall with an offset that means nothing. The first interval begins before
        the frame if the frame begins within it, as in metric aggregates; only what is in the frame is counted.
        """
        return [to_text(start) for start in self.starts]


def read_frame(store: Store, attributes: Mapping[str, Any], *, earliest: datetime | None = None) -> Frame:
    """Read `timeframe` and `interval`, which have the form that the schema asks for."""
    told = attributes["timeframe"]
    if "key" in told:
        start, stop = KEYS[told["key"]](_today(store))
        length = stop - start
    else:
        start, end = (datetime.fromisoformat(told[name]).replace(tzinfo=UTC) for name in ("start", "end"))
        if start.year not in YEARS or end.year not in YEARS:
            _refuse_timeframe("The timeframe lies where no account has data.")
        # Both ends have been seen to belong to the frame; events have whole seconds.
        length, stop = end - start, datetime.fromtimestamp(math.floor(end.timestamp()) + 1, UTC)
    interval = attributes.get("interval")
    _check(start, length, interval, earliest)
    first, after = math.ceil(start.timestamp()), int(stop.timestamp())
    starts = bucket_starts(first, after, _UNITS[interval], GREENWICH) if interval else [first]
    return Frame(first, after, tuple(starts))


def _check(start: datetime, length: timedelta, interval: str | None, earliest: datetime | None) -> None:
    if length < timedelta(0):
        _refuse_timeframe("The timeframe ends before it starts.")
    if start + length > _year_later(start):
        _refuse_timeframe("The timeframe may not be longer than a year.")
    if interval and length > LONGEST[interval]:
        _refuse_timeframe(
            f"With the interval {interval} the timeframe may have {LONGEST[interval].days} days."
        )
    if earliest and start < earliest:
        _refuse_timeframe(f"Data starts on {earliest:%Y-%m-%d}.")


def wall_clock(store: Store, seconds: Ints) -> Ints:
    """Read the account's clock at these moments (Unix seconds)."""
    zone = ZoneInfo(store.account.timezone)
    quarters, place = np.unique(seconds // QUARTER, return_inverse=True)
    ahead = [_ahead(zone, quarter * QUARTER) for quarter in quarters.tolist()]
    return seconds + np.array(ahead, dtype=np.int64)[place]


def _ahead(zone: ZoneInfo, seconds: int) -> int:
    offset = datetime.fromtimestamp(seconds, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _today(store: Store) -> datetime:
    now = datetime.fromtimestamp(store.now(), ZoneInfo(store.account.timezone))
    return datetime(now.year, now.month, now.day, tzinfo=UTC)


def _last_days(count: int) -> Callable[[datetime], tuple[datetime, datetime]]:
    return lambda today: (today - count * DAY, today)


def _last_months(count: int) -> Callable[[datetime], tuple[datetime, datetime]]:
    return lambda today: (_months_before(today, count), _months_before(today, 0))


def _months_before(day: datetime, count: int) -> datetime:
    months = 12 * day.year + day.month - 1 - count
    return day.replace(year=months // 12, month=months % 12 + 1, day=1)


def _monday(day: datetime) -> datetime:
    return day - day.weekday() * DAY


def _new_year(day: datetime) -> datetime:
    return day.replace(month=1, day=1)


def _year_later(moment: datetime) -> datetime:
    if (moment.month, moment.day) == (2, 29):
        return moment.replace(year=moment.year + 1, month=3, day=1)
    return moment.replace(year=moment.year + 1)


#: How the document's keys are meant is told in a guide only. Here "last" is whole days, weeks, months or years before
#: the one under way, and "this" runs until the end of today; weeks begin on Monday, as in metric aggregates.
KEYS: Mapping[str, Callable[[datetime], tuple[datetime, datetime]]] = {
    "today": lambda today: (today, today + DAY),
    "yesterday": _last_days(1),
    "last_7_days": _last_days(7),
    "last_30_days": _last_days(30),
    "last_90_days": _last_days(90),
    "last_365_days": _last_days(365),
    "this_week": lambda today: (_monday(today), today + DAY),
    "last_week": lambda today: (_monday(today) - 7 * DAY, _monday(today)),
    "this_month": lambda today: (today.replace(day=1), today + DAY),
    "last_month": _last_months(1),
    "last_3_months": _last_months(3),
    "last_12_months": _last_months(12),
    "this_year": lambda today: (_new_year(today), today + DAY),
    "last_year": lambda today: (_new_year(_new_year(today) - DAY), _new_year(today)),
}


def _refuse_timeframe(detail: str) -> NoReturn:
    raise ApiFault.pointer(TIMEFRAME_POINTER, detail)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kind of report allows; `prerequisites` says what must stand beside an attribute in `group_by`."""

    default_groups: tuple[str, ...]
    filters: Mapping[str, Collection[str]]
    words: Mapping[str, Collection[str]] = field(default_factory=dict)
    required_groups: tuple[str, ...] = ()
    prerequisites: Mapping[str, str] = field(default_factory=dict)
    earliest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A report as it is asked for."""

    statistics: tuple[str, ...]
    frame: Frame
    groups: tuple[str, ...]
    wishes: tuple[Wish, ...]
    series: bool


def read_question(call: Call, rules: Rules) -> Question:
    """Read the body's attributes; the schema has been checked already."""
    attributes = call.body["data"]["attributes"]
    if not attributes["statistics"]:
        raise ApiFault.pointer("/data/attributes/statistics", "At least one statistic is needed.")
    return Question(
        statistics=tuple(dict.fromkeys(attributes["statistics"])),
        frame=read_frame(call.store, attributes, earliest=rules.earliest),
        groups=_groups(attributes.get("group_by"), rules),
        wishes=read_filter(attributes.get("filter"), rules.filters, rules.words),
        series="interval" in attributes,
    )


def _groups(told: list[str] | None, rules: Rules) -> tuple[str, ...]:
    if told is None:
        return rules.default_groups
    missing = [name for name in rules.required_groups if name not in told]
    missing += [need for name, need in rules.prerequisites.items() if name in told and need not in told]
    if missing or not told:
        needed = ", ".join(missing or rules.default_groups)
        raise ApiFault.pointer("/data/attributes/group_by", f"group_by needs {needed}.")
    return tuple(dict.fromkeys(told))
