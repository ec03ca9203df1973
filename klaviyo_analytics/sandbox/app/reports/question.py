"""What a report is asked for, read from the body and checked beyond its schema."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.reports.conditions import Wish, read_filter
from klaviyo_analytics.sandbox.app.reports.frames import Frame, read_frame


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
