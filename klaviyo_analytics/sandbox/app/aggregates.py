"""Metric aggregates, computed from the events that `/api/events` shows."""

from __future__ import annotations

import binascii
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.contract import load_contract
from klaviyo_analytics.sandbox.app.errors import YEARS, ApiFault, to_text
from klaviyo_analytics.sandbox.app.filters import Condition, Moment, Parser
from klaviyo_analytics.sandbox.app.paging import ORIGIN, url
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Attribution, EventLog

REFUSED_ZONES = frozenset({"Factory", "Europe/Kyiv", "Pacific/Kanton"})


@cache
def zone_names() -> frozenset[str]:
    """Return the names of the time zones that the API accepts; they are case-sensitive."""
    return frozenset(available_timezones()) - REFUSED_ZONES


def bucket_starts(start: float, end: float, interval: str, zone: ZoneInfo) -> list[int]:
    """Unix seconds of the start of every interval that touches [start, end), in the zone's own days.

    A day of a clock change has 23 or 25 hours; an hour is always an hour.
    """
    first = _floor(datetime.fromtimestamp(start, zone), interval)
    starts: list[int] = []
    moment = int(first.timestamp())
    steps = 0
    while moment < end:
        starts.append(moment)
        steps += 1
        moment = int(_step(first, interval, steps).timestamp())
    return starts


def _floor(local: datetime, interval: str) -> datetime:
    if interval == "hour":
        return local.replace(minute=0, second=0, microsecond=0)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if interval == "week":
        return midnight - timedelta(days=midnight.weekday())
    return midnight.replace(day=1) if interval == "month" else midnight


def _step(first: datetime, interval: str, steps: int) -> datetime:
    if interval == "hour":
        return first.astimezone(UTC) + timedelta(hours=steps)
    if interval == "month":
        months = first.month - 1 + steps
        return first.replace(year=first.year + months // 12, month=months % 12 + 1)
    # Arithmetic on a zone's own datetimes counts days of the calendar, however long they are.
    return first + timedelta(days=steps * (7 if interval == "week" else 1))


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
        _refuse("metric_id", f"Metric {metric_id} does not exist; custom metrics are not supported.")
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


# Dimensions that come from the message an event is credited to, not from its own properties.
CREDITED = {
    "$attributed_channel": "channel",
    "$attributed_flow": "flow",
    "$attributed_message": "message",
    "$attributed_variation": "variation",
}
# Dimensions whose property has another name, or one name in each integration.
KEYS: Mapping[str, tuple[str, ...]] = {
    "$message_send_cohort": ("$_cohort$message_send_cohort", "$message_send_cohort"),
    "$variation_send_cohort": ("$_cohort$variation_send_cohort", "$variation_send_cohort"),
    "$value_currency": ("$value_currency", "$currency_code"),
}


def group(store: Store, rows: Ints, by: Sequence[str]) -> tuple[Ints, list[tuple[str, ...]]]:
    """Return a number to each combination of dimension values; an absent value is an empty text."""
    if not by:
        return np.zeros(len(rows), dtype=np.int64), [()]
    columns = [_values(store, rows, name) for name in by]
    numbers: dict[tuple[str, ...], int] = {}
    groups = [numbers.setdefault(label, len(numbers)) for label in zip(*columns, strict=True)]
    return np.array(groups, dtype=np.int64), list(numbers)


def mask(store: Store, rows: Ints, condition: Condition) -> npt.NDArray[np.bool_]:
    """Return which events meet a condition on a dimension."""
    wanted = condition.literal if isinstance(condition.literal, tuple) else (condition.literal,)
    texts = {_text(value) for value in wanted}
    return np.array([value in texts for value in _values(store, rows, condition.field)], dtype=bool)


def _values(store: Store, rows: Ints, name: str) -> list[str]:
    log = store.account.events
    if name in CREDITED:
        return [_credited(log.attribution[row], CREDITED[name]) for row in rows.tolist()]
    if name in ("$campaign_channel", "$flow_channel"):
        return [_message_channel(store, log, row, name) for row in rows.tolist()]
    keys = KEYS.get(name, (name,))
    return [
        _text(next((held[key] for key in keys if key in held), None))
        for held in (log.properties[row] for row in rows.tolist())
    ]


def _credited(credit: Attribution | None, name: str) -> str:
    return "" if credit is None else _text(getattr(credit, name))


def _message_channel(store: Store, log: EventLog, row: int, name: str) -> str:
    """Find the channel of the event's own message, if a campaign (or a flow) sent it."""
    properties = log.properties[row]
    of_flow = bool(properties.get("$flow"))
    message = properties.get("$message")
    if not message or of_flow != (name == "$flow_channel"):
        return ""
    if of_flow:
        record = store.find("flow-message", message)
    elif campaign := store.find("campaign", message):  # its events name the campaign
        record = next(
            iter(store.find_all("campaign-message", store.related(campaign, "campaign-messages"))), None
        )
    else:
        record = store.find("campaign-message", message)
    attributes: dict[str, Any] = record.attributes if record else {}
    return _text(attributes.get("channel") or (attributes.get("definition") or {}).get("channel"))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(float(value)) if isinstance(value, bool) else str(value)  # flags are the texts "1.0" and "0.0"


Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Row:
    """One combination of dimension values, and its numbers for every interval."""

    dimensions: tuple[str, ...]
    measurements: dict[str, list[float]]


def query_metric_aggregates(call: Call) -> dict[str, Any]:
    """Answer the metric's numbers by interval and dimension."""
    query = read_aggregate_query(call.store, call.body["data"]["attributes"])
    starts = bucket_starts(query.start, query.end, query.interval, ZoneInfo(query.timezone))
    rows = _sorted(query, _rows(call.store, query, starts))
    stop = query.offset + query.page_size
    links = {"self": url(call.path)}
    if stop < len(rows):
        links["next"] = url(call.path, [("page_cursor", query.cursor_at(stop))])
    id_ = str(uuid.uuid4())
    return {
        "data": {
            "type": "metric-aggregate",
            "id": id_,
            "attributes": {
                "dates": [to_text(start) for start in starts],
                "data": [
                    {"dimensions": list(row.dimensions), "measurements": row.measurements}
                    for row in rows[query.offset : stop]
                ],
            },
            "links": {"self": f"{ORIGIN.get()}/api/metric-aggregates/{id_}"},
        },
        "links": links,
    }


def _rows(store: Store, query: AggregateQuery, starts: list[int]) -> list[Row]:
    log = store.account.events
    low, high = np.searchsorted(log.time, [np.ceil(query.start), np.ceil(query.end)])
    of_metric = log.metric[low:high] == log.metric_ids.index(query.metric_id)
    rows = np.flatnonzero(of_metric) + low
    for condition in query.conditions:
        rows = rows[mask(store, rows, condition)]
    groups, labels = group(store, rows, query.by)
    bucket = np.searchsorted(np.array(starts, dtype=np.int64), log.time[rows], side="right") - 1
    cell = groups * len(starts) + bucket
    shape = (len(labels), len(starts))
    numbers = {name: MEASURES[name](store, rows, cell, shape) for name in query.measurements}
    return [
        Row(label, {name: table[index].tolist() for name, table in numbers.items()})
        for index, label in enumerate(labels)
    ]


def _count(_store: Store, _rows: Ints, cell: Ints, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    return np.bincount(cell, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)


def _sum_value(store: Store, rows: Ints, cell: Ints, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    values = np.nan_to_num(store.account.events.value[rows])
    sums = np.bincount(cell, weights=values, minlength=shape[0] * shape[1])
    return sums.astype(np.float64).round(2).reshape(shape)


def _unique(store: Store, rows: Ints, cell: Ints, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Count each profile once in a cell; an event without a profile counts nobody."""
    log = store.account.events
    profile = log.profile[rows].astype(np.int64)
    known = profile >= 0
    pairs = np.unique(cell[known] * (len(log.profile_ids) + 1) + profile[known])
    return _count(store, rows, pairs // (len(log.profile_ids) + 1), shape)


MEASURES: Mapping[str, Callable[[Store, Ints, Ints, tuple[int, int]], npt.NDArray[np.float64]]] = {
    "count": _count,
    "sum_value": _sum_value,
    "unique": _unique,
}


def _sorted(query: AggregateQuery, rows: list[Row]) -> list[Row]:
    """By a dimension or the total of a measurement; without a sort by the dimensions."""
    name = query.sort.removeprefix("-")
    descending = query.sort.startswith("-")
    if not name:
        return sorted(rows, key=lambda row: row.dimensions)
    if name in query.by:
        place = query.by.index(name)
        return sorted(rows, key=lambda row: row.dimensions[place], reverse=descending)
    return sorted(rows, key=lambda row: sum(row.measurements.get(name, [])), reverse=descending)


HANDLERS = {"query_metric_aggregates": query_metric_aggregates}
