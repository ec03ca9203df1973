"""Stays in a segment: who was in it, from when until when, and how such spans are made of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Ints, Table


@dataclass(slots=True)
class Stays(Table):
    """Spans of time from `start` until just before `end` (NEVER: it lasts); those of a person do not overlap."""

    person: Ints
    start: Ints
    end: Ints

    @classmethod
    def for_good(cls, since: Ints) -> Self:
        """Let each person in once, to stay; NEVER keeps them out."""
        person = np.flatnonzero(since < NEVER)
        return cls(person, since[person], np.full(len(person), NEVER))

    @classmethod
    def after(cls, person: Ints, time: Ints, length: int, count: int = 1) -> Self:
        """Let a person be in while there were so many events within the last `length` seconds."""
        order = np.lexsort((time, person))
        person, time = person[order], time[order]
        first = np.arange(len(person)) - (count - 1)  # of the events that count with each one
        same = (first >= 0) & (person[np.maximum(first, 0)] == person)
        spans = cls(person[same], time[same], time[first[same]] + length + 1)
        return spans.where(spans.start < spans.end)._joined()

    @classmethod
    def between(cls, person: Ints, time: Ints, length: int) -> Self:
        """Let a person be in once an event was longer ago than `length` seconds, until the next one."""
        order = np.lexsort((time, person))
        person, time = person[order], time[order]
        follows = np.append(person[1:] == person[:-1], np.zeros(min(1, len(person)), dtype=bool))
        end = np.where(follows, np.append(time[1:], time[:1]), NEVER)
        spans = cls(person, time + length + 1, end)
        return spans.where(spans.start < spans.end)

    def where(self, which: Bools) -> Self:
        """Keep some of them."""
        return self.take(which)

    def until(self, end: Ints) -> Self:
        """End each person's stays at the latest when a table of persons says so."""
        cut = type(self)(self.person, self.start, np.minimum(self.end, end[self.person]))
        return cut.where(cut.start < cut.end)

    def without(self, others: Stays) -> Self:
        """Cut out what lies in other spans of the same person."""
        out: dict[int, list[tuple[int, int]]] = {}
        for person, start, end in others.rows():
            out.setdefault(person, []).append((start, end))
        left = []
        for person, start, end in self.rows():
            for other_start, other_end in out.get(person, ()):
                if start < other_start < end:
                    left.append((person, start, other_start))
                if other_start < end:
                    start = max(start, other_end)  # noqa: PLW2901
            if start < end:
                left.append((person, start, end))
        columns = np.array(left, dtype=np.int64).reshape(-1, 3)
        return type(self)(columns[:, 0], columns[:, 1], columns[:, 2])

    def rows(self) -> list[tuple[int, int, int]]:
        """Give the stays one by one."""
        return list(zip(self.person.tolist(), self.start.tolist(), self.end.tolist(), strict=True))

    def _joined(self) -> Self:
        """Join spans that touch; they are sorted, and of a person a later one ends later."""
        if not len(self):
            return self
        new = np.append(True, (self.person[1:] != self.person[:-1]) | (self.start[1:] > self.end[:-1]))
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(self)) - 1
        return type(self)(self.person[first], self.start[first], self.end[last])
