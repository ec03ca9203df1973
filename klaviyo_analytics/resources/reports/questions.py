"""From arguments to the bodies of a report's requests, refused here when the API does not allow them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters import Condition, Filter, as_filter
from klaviyo_analytics.quota.budget import series_parts, values_parts
from klaviyo_analytics.resources._reading import chosen
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.vocabulary import (
    CampaignGroupBy,
    FlowGroupBy,
    FormGroupBy,
    FormStatistic,
    Interval,
    ReportInterval,
    SegmentStatistic,
    SendChannel,
    Statistic,
)

ReportName = Literal[
    "campaign_values", "flow_values", "flow_series",
    "form_values", "form_series", "segment_values", "segment_series",
]  # fmt: skip

USUAL: tuple[Statistic, ...] = (
    "recipients", "delivered", "bounced", "opens", "opens_unique", "clicks", "clicks_unique",
    "unsubscribe_uniques", "spam_complaints", "conversions", "conversion_uniques", "conversion_value",
)  # fmt: skip
"""Counts and money of messages that every rate can be rebuilt from."""

SCALAR, LISTED, EITHER = ("equals", "contains-any"), ("contains-any", "contains-all"), ("equals", "any")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    `usual` are the statistics of a query that names none, `grouping` its groups; `required` have to be among the
    groups, if any are sent. `names` says for the key of a name which id it belongs to and what its column is
    called; `looked_up` the same for names that the report does not tell.
    """

    statistics: tuple[str, ...]
    usual: tuple[str, ...]
    groups: tuple[str, ...]
    grouping: tuple[str, ...]
    required: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    names: Mapping[str, tuple[str, str]]
    looked_up: Mapping[str, str]
    converts: bool = False


def _of_messages(groups: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    scalars = {name: SCALAR for name in groups if name not in ("group", "group_name", "tag_id", "tag_name")}
    return {**scalars, "tag_id": LISTED, "tag_name": LISTED}


CAMPAIGN = Subject(
    statistics=get_args(Statistic),
    usual=USUAL,
    groups=get_args(CampaignGroupBy),
    grouping=("campaign_id", "campaign_message_id", "send_channel"),
    required=("campaign_id", "campaign_message_id"),
    filters=_of_messages(get_args(CampaignGroupBy)),
    names={"campaign_message_name": ("campaign_message_id", "message")},
    looked_up={"campaign_id": "campaign"},
    converts=True,
)
FLOW = Subject(
    statistics=get_args(Statistic),
    usual=USUAL,
    groups=get_args(FlowGroupBy),
    grouping=("flow_id", "flow_message_id", "send_channel"),
    required=("flow_id", "flow_message_id"),
    filters=_of_messages(get_args(FlowGroupBy)),
    names={"flow_name": ("flow_id", "flow"), "flow_message_name": ("flow_message_id", "message")},
    looked_up={},
    converts=True,
)
FORM = Subject(
    statistics=get_args(FormStatistic),
    usual=get_args(FormStatistic),
    groups=get_args(FormGroupBy),
    grouping=("form_id",),
    required=("form_id",),
    filters=dict.fromkeys(get_args(FormGroupBy), EITHER),
    names={},
    looked_up={"form_id": "form"},
)
SEGMENT = Subject(
    statistics=get_args(SegmentStatistic),
    usual=get_args(SegmentStatistic),
    groups=(),
    grouping=("segment_id",),
    required=(),
    filters={"segment_id": EITHER},
    names={},
    looked_up={"segment_id": "segment"},
)
SUBJECTS: Mapping[str, Subject] = {"campaign": CAMPAIGN, "flow": FLOW, "form": FORM, "segment": SEGMENT}


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the seven reports."""

    name: ReportName
    operation: str
    subject: Subject
    series: bool


def _kind(name: ReportName) -> Kind:
    about, _, form = name.partition("_")
    return Kind(name, f"query_{name}", SUBJECTS[about], form == "series")


KINDS: Mapping[ReportName, Kind] = {name: _kind(name) for name in get_args(ReportName)}


MOST_VALUES = 100
SEGMENTS_BEGIN = date(2023, 6, 1)  # the documents say that there is nothing earlier
SPOKEN: Mapping[Interval, ReportInterval] = {
    "hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly",
}  # fmt: skip
_VALUE = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,\[\]"']+""")


@dataclass(frozen=True, slots=True)
class Words:
    """What was asked for, checked without a request."""

    statistics: tuple[str, ...]
    groups: tuple[str, ...]
    filter: str | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: what the frame shows, and a request's attributes for each part of the time frame."""

    kind: Kind
    statistics: tuple[str, ...]
    keys: tuple[str, ...]
    timeframe: Timeframe
    interval: Interval | None
    parts: tuple[tuple[Timeframe, dict[str, Any]], ...]


def read(
    kind: Kind,
    *,
    statistics: Sequence[str] | str | None,
    by: Sequence[str] | str | None,
    filter: Filter | str | None,
    interval: Interval | ReportInterval,
    strict: bool,
) -> Words:
    """Check the words.

    Raises
    ------
    InvalidQueryError
        The API does not allow one of them.
    """
    return Words(
        _statistics(kind, statistics, strict=strict),
        _groups(kind, by, strict=strict),
        None if filter is None else _filter(kind, filter, strict=strict),
        _interval(interval) if kind.series else None,
    )


def ask(kind: Kind, words: Words, *, timeframe: Timeframe, conversion: str | None, names: bool) -> Asked:
    """Cut the time frame and write the bodies.

    Raises
    ------
    NotAdditiveError
        The frame takes several calls whose numbers cannot be added up.
    """
    if kind.subject is SEGMENT and timeframe.start.date() < SEGMENTS_BEGIN:
        raise InvalidQueryError(
            f"{timeframe} begins before {SEGMENTS_BEGIN}, and segment reports know nothing earlier; begin there."
        )
    if words.interval is None:
        parts, sent = values_parts(timeframe, words.statistics)
    else:
        parts, sent = series_parts(timeframe, words.interval), words.statistics
    named = kind.subject.names
    brought = [name for name, (of, _) in named.items() if names and of in words.groups]
    groups = list(dict.fromkeys([*words.groups, *brought]))
    optional = {
        "conversion_metric_id": conversion,
        "filter": words.filter,
        "group_by": groups if kind.subject.groups else None,
        "interval": SPOKEN[words.interval] if words.interval else None,
    }
    common = {name: value for name, value in optional.items() if value is not None}
    return Asked(
        kind,
        words.statistics,
        tuple(name for name in words.groups if name not in named),
        timeframe,
        words.interval,
        # in one order, so that the same question is the same text for the cache
        tuple(
            (part, {**common, "statistics": sorted(sent), "timeframe": part.report_body()}) for part in parts
        ),
    )


def _statistics(kind: Kind, given: Sequence[str] | str | None, *, strict: bool) -> tuple[str, ...]:
    if given is None:
        return kind.subject.usual
    named = (given,) if isinstance(given, str) else tuple(given)
    if not named:
        raise InvalidQueryError(f"{kind.name}: statistics=[]; name at least one, or leave it out.")
    return (
        tuple(chosen(named, kind.subject.statistics, "statistics")) if strict else tuple(dict.fromkeys(named))
    )


def _groups(kind: Kind, given: Sequence[str] | str | None, *, strict: bool) -> tuple[str, ...]:
    subject = kind.subject
    if given is None:
        return subject.grouping
    named = (given,) if isinstance(given, str) else tuple(given)
    if strict:
        named = tuple(chosen(named, subject.groups, "by"))
        if missing := [name for name in subject.required if name not in named]:
            raise InvalidQueryError(
                f"{kind.name}: by= needs {' and '.join(missing)}, too, because the API always splits by them. "
                "ka.analysis.roll_up(frame, by=...) adds the rows up and rebuilds the rates."
            )
    return named


def _interval(given: Interval | ReportInterval | None) -> Interval:
    """Read an interval in our words or in the report's."""
    known: dict[str, Interval] = {word: one for one, said in SPOKEN.items() for word in (one, said)}
    return known[chosen([str(given)], list(known), "interval")[0]]


def _filter(kind: Kind, given: Filter | str, *, strict: bool) -> str:
    """Write the one text that reports take: AND only, each attribute once, at most a hundred values."""
    if isinstance(given, str) and not strict:
        return given
    built = as_filter(given)
    seen: set[str] = set()
    for condition in built.conditions if strict else ():
        _check(kind, condition)
        if condition.field in seen:
            raise InvalidQueryError(
                f"{kind.name}: the filter names {condition.field} twice; once is allowed."
            )
        seen.add(condition.field)
    return given if isinstance(given, str) else str(built)


def _check(kind: Kind, condition: Condition) -> None:
    allowed = kind.subject.filters
    field = chosen([condition.field], list(allowed), "filter, the attribute")[0]
    if condition.operator not in allowed[field]:
        raise InvalidQueryError(
            f"{kind.name}: {condition}: {field} knows {' and '.join(allowed[field])}, not {condition.operator}."
        )
    values = _VALUE.findall(condition.literal or "")
    if len(values) > MOST_VALUES:
        raise InvalidQueryError(
            f"{kind.name}: the filter on {field} has {len(values)} values, and {MOST_VALUES} are allowed. Leave it "
            "out and choose rows of the frame: a report without a filter takes no more calls."
        )
    if field == "send_channel":
        chosen([value.strip("\"'") for value in values], get_args(SendChannel), "filter, send_channel")
