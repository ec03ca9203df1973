"""Reports on forms: who saw them, closed them and sent them, by the time when they did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app import aggregates
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.reports.answer import Row, Tally, answer, share
from klaviyo_analytics.sandbox.app.reports.question import (
    NAMED,
    Frame,
    Question,
    Rules,
    read_question,
    wall_clock,
)
from klaviyo_analytics.sandbox.app.segments import refresh
from klaviyo_analytics.sandbox.app.store import Store

Ints = npt.NDArray[np.int64]
Json = dict[str, Any]
Label = tuple[str, ...]

ATTRIBUTES = ("form_id", "form_version_id")
FORMS = Rules(
    default_groups=("form_id",),
    filters=dict.fromkeys(ATTRIBUTES, NAMED),
    prerequisites={"form_version_id": "form_id"},
)

# The sandbox's forms have one step, and whoever qualifies for a form is shown it: so a step is seen and sent with its
# form, and as many qualify as see it.
METRICS: Mapping[str, str] = {
    "viewed_form": "Viewed Form",
    "viewed_form_step": "Viewed Form",
    "qualified_form": "Viewed Form",
    "closed_form": "Closed Form",
    "submits": "Submitted Form",
    "submitted_form_step": "Submitted Form",
}
RENAMED = {"Form submitted by profile": "Submitted Form"}
"""Newer names of these metrics."""


@dataclass(frozen=True, slots=True)
class FormEvents:
    """Events about forms, as parallel columns; `label` is the place of an event's form and version in `labels`."""

    metric: npt.NDArray[np.str_]
    moment: Ints
    profile: Ints
    label: Ints
    labels: list[Label]


def query_forms(call: Call) -> Json:
    """Answer what people did with the forms in the timeframe."""
    question = read_question(call, FORMS)
    events = call.store.derive("form events", lambda: _collect(call.store))
    return answer(call, question, _rows(question, events))


def _collect(store: Store) -> FormEvents:
    log = store.account.events
    called = [store.records("metric")[id_].attributes["name"] for id_ in log.metric_ids]
    names = np.array([RENAMED.get(name, name) for name in called])
    rows = np.flatnonzero(np.isin(names, list(METRICS.values()))[log.metric])
    label, labels = aggregates.group(store, rows, ATTRIBUTES)
    moment = wall_clock(store, log.time[rows])
    return FormEvents(names[log.metric[rows]], moment, log.profile[rows].astype(np.int64), label, labels)


def _rows(question: Question, events: FormEvents) -> list[Row]:
    wanted = [bool(label[0]) and _pleases(question, label) for label in events.labels]
    chosen = np.array([*wanted, False], dtype=bool)[events.label] & question.frame.holds(events.moment)
    kept = [ATTRIBUTES.index(name) for name in question.groups]
    groups = [tuple(label[place] for place in kept) for label in events.labels]
    present = sorted({groups[label] for label in np.unique(events.label[chosen]).tolist()})
    number = {group: place for place, group in enumerate(present)}
    row = np.array([number.get(group, -1) for group in groups], dtype=np.int64)[events.label[chosen]]
    interval = question.frame.intervals(events.moment[chosen])
    tally = Tally(row, interval, events.profile[chosen], (len(present), len(question.frame.starts)))
    metric = events.metric[chosen]
    tables = {name: _statistic(name, tally, metric).tolist() for name in question.statistics}
    return [
        Row(
            dict(zip(question.groups, group, strict=True)),
            {name: table[place] for name, table in tables.items()},
        )
        for place, group in enumerate(present)
    ]


def _pleases(question: Question, label: Label) -> bool:
    told = dict(zip(ATTRIBUTES, label, strict=True))
    return all(wish.holds(told[wish.attribute]) for wish in question.wishes)


def _statistic(name: str, tally: Tally, metric: npt.NDArray[np.str_]) -> npt.NDArray[Any]:
    if name == "submit_rate":
        return share(tally.count(metric == METRICS["submits"]), tally.count(metric == METRICS["viewed_form"]))
    which = metric == METRICS[name.removesuffix("_uniques")]
    return tally.unique(which) if name.endswith("_uniques") else tally.count(which)


SEGMENTS = Rules(
    default_groups=("segment_id",),
    filters={"segment_id": NAMED},
    earliest=datetime(2023, 6, 1, tzinfo=UTC),
)


def query_segments(call: Call) -> Json:
    """Answer how the segments grew in the timeframe; every segment has a row."""
    store, question = call.store, read_question(call, SEGMENTS)
    refresh(store)
    rows = []
    for id_ in sorted(store.records("segment")):
        if all(wish.holds(id_) for wish in question.wishes):
            over = store.account.left.get(id_, [])
            joined = [*store.members(id_).values(), *(start for start, _ in over)]
            left = [end for _, end in over]
            numbers = _numbers(_sorted(store, joined), _sorted(store, left), question.frame)
            statistics = {name: numbers[name].tolist() for name in question.statistics}
            rows.append(Row({"segment_id": id_}, statistics))
    return answer(call, question, rows)


def _numbers(joined: Ints, left: Ints, frame: Frame) -> Mapping[str, Ints]:
    """Count the members at the end of each interval, and those who came and went in it; a stay each time."""
    starts, stops = np.maximum(frame.starts, frame.start), np.array([*frame.starts[1:], frame.stop])
    come, gone = np.searchsorted(joined, stops), np.searchsorted(left, stops)
    added, removed = come - np.searchsorted(joined, starts), gone - np.searchsorted(left, starts)
    return {
        "total_members": come - gone,
        "members_added": added,
        "members_removed": removed,
        "net_members_changed": added - removed,
    }


def _sorted(store: Store, times: list[int]) -> Ints:
    return np.sort(wall_clock(store, np.array(times, dtype=np.int64)))


HANDLERS: Mapping[str, Callable[[Call], Json]] = {
    "query_form_values": query_forms,
    "query_form_series": query_forms,
    "query_segment_values": query_segments,
    "query_segment_series": query_segments,
}
