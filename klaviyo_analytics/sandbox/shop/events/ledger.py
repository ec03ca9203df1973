"""From tables to events: chapters are merged into one log with exactly as many events as were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import NONE, Bools, Floats, Ints
from klaviyo_analytics.sandbox.shop.metrics import Metric

Properties: TypeAlias = dict[str, Any]
Writer: TypeAlias = Callable[[Ints], list[Properties]]

#: the part of the events that the story may use; site visits fill the rest
STORY_SHARE = 0.88


@dataclass(slots=True)
class Chapter:
    """All events of one metric and cause; `write` returns the properties of the rows that are kept."""

    metric: Metric
    person: Ints
    time: Ints
    write: Writer
    value: Floats | None = None
    send: Ints | None = None  # the message that this open or click is about, if it can earn a conversion
    converts: bool = False

    def keep(self, which: Bools | Ints) -> Chapter:
        """Keep some rows."""
        rows: Ints = np.arange(len(self.time))[which]
        write = self.write
        return Chapter(
            self.metric,
            self.person[rows],
            self.time[rows],
            lambda kept: write(rows[kept]),
            None if self.value is None else self.value[rows],
            None if self.send is None else self.send[rows],
            self.converts,
        )


@dataclass(slots=True)
class Log:
    """The merged events in order of time; the columns are parallel."""

    metric: Ints
    person: Ints
    time: Ints
    value: Floats
    send: Ints
    converts: Bools
    properties: list[Properties]

    def of(self, *metrics: Metric) -> Ints:
        """Return the rows of these metrics."""
        return np.flatnonzero(np.isin(self.metric, metrics))


def so_far(chapters: Iterable[Chapter], now: int) -> list[Chapter]:
    """Leave out what has not happened yet."""
    return [chapter.keep(chapter.time <= now) for chapter in chapters]


def cast_size(chapters: list[Chapter], people: int, events: int) -> int:
    """Return how many people, counted from the first, fit into the number of events with all that they do."""
    lived = np.zeros(people, dtype=np.int64)
    for chapter in chapters:
        lived += np.bincount(chapter.person, minlength=people)
    return int(np.searchsorted(np.cumsum(lived), int(events * STORY_SHARE), side="right"))


def merge(chapters: list[Chapter]) -> Log:
    """Merge chapters into one log; at the same second, earlier chapters come first."""
    time = _joined([chapter.time for chapter in chapters])
    order = np.argsort(time, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    properties: list[Properties] = [{}] * len(order)
    begin = 0
    for chapter in chapters:
        end = begin + len(chapter.time)
        written = chapter.write(np.arange(end - begin))
        for row, one in zip(place[begin:end].tolist(), written, strict=True):
            properties[row] = one
        begin = end
    return Log(
        metric=_joined([np.full(len(one.time), one.metric) for one in chapters])[order],
        person=_joined([one.person for one in chapters])[order],
        time=time[order],
        value=_joined_values(chapters)[order],
        send=_joined([_or_none(one.send, one) for one in chapters])[order],
        converts=_joined([np.full(len(one.time), one.converts) for one in chapters])[order].astype(np.bool_),
        properties=properties,
    )


def _joined(parts: list[Any]) -> Ints:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts]).astype(np.int64)


def _joined_values(chapters: list[Chapter]) -> Floats:
    parts = [np.full(len(one.time), np.nan) if one.value is None else one.value for one in chapters]
    return np.concatenate([np.empty(0), *parts])


def _or_none(column: Ints | None, chapter: Chapter) -> Ints:
    return np.full(len(chapter.time), NONE, dtype=np.int64) if column is None else column
