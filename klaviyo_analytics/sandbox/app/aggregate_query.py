"""The body of a metric-aggregates request, read and checked."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from klaviyo_analytics.sandbox.app.buckets import zone_names
from klaviyo_analytics.sandbox.app.contract import load_contract
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.filters import Condition, Moment, Parser
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.times import YEARS

ATTRIBUTES = "/data/attributes"
YEARS_BACK = 5
DEFAULT_PAGE = 500


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """What a metric-aggregates request asks for; `start` and `end` are Unix seconds."""

    metric_id: str
    measurements: tuple[str, ...]
    start: float
    end: float
    interval: str
    timezone: str
    by: tuple[str, ...]
    conditions: tuple[Condition, ...]
    sort: str
    page_size: int
    offset: int

    @staticmethod
    def cursor_at(offset: int) -> str:
        """Write the cursor of the rows from there on."""
        return urlsafe_b64encode(f"row:{offset}".encode()).decode()


def read_aggregate_query(store: Store, attributes: dict[str, Any]) -> AggregateQuery:
    """Read the body's attributes; the schema has been checked already."""
    metric_id = attributes["metric_id"]
    if metric_id not in store.records("metric"):
        _refuse("metric_id", f"There is no metric {metric_id}; custom metrics are not supported.")
    if not attributes["measurements"]:
        _refuse("measurements", "At least one measurement is needed.")
    timezone = attributes.get("timezone") or "UTC"
    if timezone not in zone_names():
        _refuse("timezone", f"{timezone} is not a supported time zone; names are case-sensitive.")
    conditions = [one for text in attributes["filter"] for one in Parser(text, "filter").parse()]
    start, end = _bounds(store, conditions, ZoneInfo(timezone))
    by = tuple(attributes.get("by") or ())
    sort = attributes.get("sort") or ""
    if sort and sort.removeprefix("-") not in (*by, *attributes["measurements"]):
        _refuse("sort", f"{sort} is neither in by nor a measurement asked for.")
    return AggregateQuery(
        metric_id=metric_id,
        measurements=tuple(dict.fromkeys(attributes["measurements"])),
        start=start,
        end=end,
        interval=attributes.get("interval") or "day",
        timezone=timezone,
        by=by,
        conditions=tuple(_on_dimensions(conditions)),
        sort=sort,
        page_size=_page_size(attributes.get("page_size")),
        offset=_offset(attributes.get("page_cursor")),
    )


def _bounds(store: Store, conditions: list[Condition], zone: ZoneInfo) -> tuple[float, float]:
    """Read the range: both ends required, at most a year apart, not too far back.

    On whose clock a bound without an offset is read is not documented. Callers that send a local midnight west
    of Greenwich are seen to get a bucket for the day before: so it is read in UTC, whatever `timezone` says.
    """
    found: dict[str, datetime] = {}
    for condition in conditions:
        if condition.field != "datetime":
            continue
        if condition.operator not in ("greater-or-equal", "less-than") or condition.operator in found:
            _refuse("filter", "datetime takes one greater-or-equal and one less-than.")
        if not isinstance(condition.literal, Moment):
            _refuse("filter", "datetime takes a datetime without quotes.")
        moment = datetime.fromisoformat(condition.literal.text)
        if moment.year not in YEARS:
            _refuse("filter", "The range lies where no account has events.")
        found[condition.operator] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if len(found) < 2:
        _refuse("filter", "Both greater-or-equal(datetime,...) and less-than(datetime,...) are required.")
    start, end = found["greater-or-equal"].astimezone(UTC), found["less-than"].astimezone(UTC)
    if start >= end:
        _refuse("filter", "The range ends before it starts.")
    if end > _years_later(start.astimezone(zone), 1):
        _refuse("filter", "The range may not be longer than a year.")
    if _years_later(start, YEARS_BACK) < datetime.fromtimestamp(store.now(), UTC):
        _refuse("filter", f"The range may not start more than {YEARS_BACK} years ago.")
    return start.timestamp(), end.timestamp()


def _years_later(moment: datetime, years: int) -> datetime:
    leap_day = (moment.month, moment.day) == (2, 29)
    if leap_day:
        return moment.replace(year=moment.year + years, month=3, day=1)
    return moment.replace(year=moment.year + years)


def _on_dimensions(conditions: list[Condition]) -> Iterator[Condition]:
    by = load_contract().schemas["MetricAggregateQueryResourceObject"]["properties"]["attributes"][
        "properties"
    ]["by"]
    for condition in conditions:
        if condition.field == "datetime":
            continue
        if condition.field not in by["items"]["enum"]:
            _refuse("filter", f"{condition.field} is not a dimension.")
        if condition.operator not in ("equals", "any"):
            _refuse("filter", f"{condition.operator} is not an operator of dimensions; equals and any are.")
        yield condition


def _page_size(size: int | None) -> int:
    if size is None:
        return DEFAULT_PAGE
    if not 1 <= size <= DEFAULT_PAGE:
        _refuse("page_size", f"page_size must be from 1 to {DEFAULT_PAGE}.")
    return size


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        kind, _, number = urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").partition(":")
    except (ValueError, binascii.Error):
        kind = number = ""
    if kind != "row" or not number.isdigit():
        _refuse("page_cursor", "The cursor is malformed.")
    return int(number)


def _refuse(attribute: str, detail: str) -> NoReturn:
    raise ApiFault.pointer(f"{ATTRIBUTES}/{attribute}", detail)
