"""Segments: their definitions, and the members whom the events and profiles give them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, black_friday, iso, local, local_seconds
from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Ints, Table
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric, metric_ids
from klaviyo_analytics.sandbox.shop.story.journeys import NEWSLETTER, list_id
from klaviyo_analytics.sandbox.shop.story.people import PLACES
from klaviyo_analytics.sandbox.shop.world import World


@dataclass(slots=True)
class Stays(Table):
    """Spans of time from `start` until just before `end` (NEVER: it lasts); those of a person do not overlap."""

    person: Ints
    start: Ints
    end: Ints

    @classmethod
    def for_good(cls, since: Ints) -> Self:
        """Admit each person once, for good; NEVER keeps them out."""
        person = np.flatnonzero(since < NEVER)
        return cls(person, since[person], np.full(len(person), NEVER))

    @classmethod
    def after(cls, person: Ints, time: Ints, length: int, count: int = 1) -> Self:
        """Admit a person while enough events lie within the last `length` seconds."""
        order = np.lexsort((time, person))
        person, time = person[order], time[order]
        first = np.arange(len(person)) - (count - 1)  # of the events that count with each one
        same = (first >= 0) & (person[np.maximum(first, 0)] == person)
        spans = cls(person[same], time[same], time[first[same]] + length + 1)
        return spans.where(spans.start < spans.end)._joined()

    @classmethod
    def between(cls, person: Ints, time: Ints, length: int) -> Self:
        """Admit a person from `length` seconds after an event until the next one."""
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
        """Return the stays one by one."""
        return list(zip(self.person.tolist(), self.start.tolist(), self.end.tolist(), strict=True))

    def _joined(self) -> Self:
        """Join spans that touch; they are sorted, and of a person a later one ends later."""
        if not len(self):
            return self
        new = np.append(True, (self.person[1:] != self.person[:-1]) | (self.start[1:] > self.end[:-1]))
        first = np.flatnonzero(new)
        last = np.append(first[1:], len(self)) - 1
        return type(self)(self.person[first], self.start[first], self.end[last])


Json = dict[str, Any]


@dataclass(slots=True)
class Segment:
    """A segment: its condition groups must all hold, one condition of each; `stays` say for whom they did when."""

    key: str
    name: str
    groups: list[list[Json]]
    stays: Stays
    starred: bool = False
    active: bool = True

    def members(self, now: int) -> list[tuple[int, int]]:
        """Return who is in it now, in the order of persons, and since when."""
        return sorted((person, start) for person, start, end in self.stays.rows() if start <= now < end)

    def left(self, now: int) -> list[tuple[int, int]]:
        """Return the stays that are over: when each began and when it ended."""
        return [(start, end) for _, start, end in self.stays.rows() if end <= now]


def segment_id(names: Names, key: str) -> str:
    """Return the id of a segment by its key."""
    return names.short("segment", key)


def build_segments(world: World) -> list[Segment]:
    """Define the segments and find who was in them, and who is."""
    metric = metric_ids(world.names)
    people, ordered = world.people, Metric.PLACED_ORDER
    orders = world.times(ordered)
    bought = _count(metric[ordered], "greater-than-or-equal", 1)
    engaged = Stays.after(*world.times(Metric.OPENED_EMAIL, Metric.CLICKED_EMAIL), 90 * DAY)
    american = np.isin(people.place, [n for n, town in enumerate(PLACES) if town.country == "United States"])
    app = people.has_push & (np.arange(len(people)) < world.active)
    year, holidays = _holidays(world)
    shopping = Stays.after(*world.times(Metric.VIEWED_PRODUCT), 30 * DAY, count=3)
    return [
        Segment(
            "engaged",
            "Engaged (90 days)",
            [
                [
                    _count(metric[Metric.OPENED_EMAIL], "greater-than-or-equal", 1, _last(90)),
                    _count(metric[Metric.CLICKED_EMAIL], "greater-than-or-equal", 1, _last(90)),
                ],
                [_consent("email", "any")],
            ],
            engaged.until(_mailable_until(world)),
            starred=True,
        ),
        Segment(
            "vip",
            "VIP: spent $250+",
            [[_sum(metric[ordered], 250)]],
            Stays.for_good(world.spending(ordered, 250.0)),
            starred=True,
        ),
        Segment(
            "repeat",
            "Repeat buyers",
            [[_count(metric[ordered], "greater-than-or-equal", 2)]],
            Stays.for_good(world.reaching(ordered, count=2)),
        ),
        Segment(
            "lapsed",
            "Lapsed buyers",
            [[bought], [_count(metric[ordered], "equals", 0, _last(90))]],
            Stays.between(*orders, 90 * DAY),
        ),
        Segment(
            "never-bought",
            "Newsletter, never bought",
            [[_on_list(list_id(world.names, NEWSLETTER))], [_count(metric[ordered], "equals", 0)]],
            _subscribed(world).until(world.reaching(ordered)),
        ),
        Segment("textable", "SMS reachable", [[_consent("sms", "subscribed")]], _textable(world)),
        Segment(
            "usa",
            "United States",
            [[{"type": "profile-region", "in_region": True, "region": "united_states"}, _from_shop("US")]],
            _only(american, people.created),
        ),
        Segment(
            "window",
            "Window shoppers 👀",
            [
                [_count(metric[Metric.VIEWED_PRODUCT], "greater-than-or-equal", 3, _last(30))],
                [_count(metric[ordered], "equals", 0, _last(30))],
            ],
            shopping.without(Stays.after(*orders, 30 * DAY)),
        ),
        Segment(
            "outfitted",
            "Bought apparel",
            [[_count(metric[ordered], "greater-than-or-equal", 1, filters=[_in_collection("Apparel")])]],
            Stays.for_good(_first_order_in(world, "Apparel")),
        ),
        Segment("app", "App users", [[_consent("push", "any")]], _only(app, people.created + 60)),
        Segment(
            "holiday",
            f"Holiday buyers '{year % 100} 🎄",
            [[_count(metric[ordered], "greater-than-or-equal", 1, _between(*holidays))]],
            Stays.for_good(world.reaching(ordered, since=holidays[0], until=holidays[1])),
            active=False,
        ),
    ]


def segment_records(world: World, segments: list[Segment]) -> list[Record]:
    """Return the segments as records."""
    records = []
    for number, segment in enumerate(segments):
        attributes = {
            "name": segment.name,
            "definition": {"condition_groups": [{"conditions": group} for group in segment.groups]},
            "created": iso(world.clock.start + 5 * number * DAY),
            "updated": iso(world.clock.start + (40 + 30 * number) * DAY),
            "is_active": segment.active,
            "is_processing": False,
            "is_starred": segment.starred,
            "profile_count": len(segment.members(world.clock.now)),
        }
        key = segment_id(world.names, segment.key)
        records.append(Record("segment", key, attributes, {"tags": [], "flow-triggers": []}))
    return records


def _from_shop(country: str) -> dict[str, Any]:
    """Return a condition on what Shopify's integration writes into profiles."""
    wanted = {"type": "string", "operator": "equals", "value": country}
    return {"type": "profile-property", "property": "properties['Locale: Country']", "filter": wanted}


def _only(which: Bools, since: Ints) -> Stays:
    return Stays.for_good(np.where(which, since, NEVER))


def _mailable_until(world: World) -> Ints:
    """Return until when each person can receive email."""
    until = np.where(world.people.has_email, NEVER, 0)
    for person, reasons in world.suppressions().items():
        until[person] = min([int(until[person]), *(when for _, when in reasons)])
    return until


def _subscribed(world: World) -> Stays:
    """Return the stays on the newsletter's list."""
    stays = world.departures.stays
    stays = stays.take((stays.group == NEWSLETTER) & (stays.person < world.active))
    return Stays(stays.person, stays.joined, stays.left)


def _textable(world: World) -> Stays:
    here = np.arange(len(world.people)) < world.active
    until = np.full(len(world.people), NEVER)
    until[: len(world.departures.texts)] = world.departures.texts
    return _only(here, world.people.texted).until(until)


def _holidays(world: World) -> tuple[int, tuple[int, int]]:
    year = local(world.clock.now).year
    if local_seconds(black_friday(year), 0) > world.clock.now:
        year -= 1
    return year, (local_seconds(black_friday(year), 0) - 7 * DAY, local_seconds(date(year + 1, 1, 1), 0))


def _last(days: int) -> Json:
    return {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}


def _between(start: int, end: int) -> Json:
    return {"type": "date", "operator": "between-static", "start": iso(start), "end": iso(end)}


def _count(
    metric: str, operator: str, value: int, timeframe: Json | None = None, filters: list[Json] | None = None
) -> Json:
    return {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": operator, "value": value},
        "timeframe_filter": timeframe or {"type": "date", "operator": "alltime"},
        "metric_filters": filters,
    }


def _in_collection(name: str) -> Json:
    return {
        "property": "Collections",
        "filter": {"type": "list", "operator": "contains-substring", "value": name},
    }


def _first_order_in(world: World, collection: str) -> Ints:
    """Return the time of each person's first order with something of a collection; NEVER without one."""
    log, first = world.log, np.full(len(world.people), NEVER)
    for row in log.of(Metric.PLACED_ORDER).tolist():
        if collection in log.properties[row]["Collections"]:
            person = int(log.person[row])
            first[person] = min(int(first[person]), int(log.time[row]))
    return first


def _sum(metric: str, amount: int) -> Json:
    return {**_count(metric, "greater-than-or-equal", amount), "measurement": "sum"}


def _on_list(group: str) -> Json:
    return {"type": "profile-group-membership", "is_member": True, "group_ids": [group]}


def _consent(channel: str, subscription: str) -> Json:
    status = {"subscription": subscription, "filters": None}
    return {
        "type": "profile-marketing-consent",
        "consent": {"channel": channel, "can_receive_marketing": True, "consent_status": status},
    }
