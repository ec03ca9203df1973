"""The seven reports as data: what each of them measures, groups by and filters on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from klaviyo_analytics.vocabulary import (
    CampaignGroupBy,
    FlowGroupBy,
    FormGroupBy,
    FormStatistic,
    SegmentStatistic,
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
