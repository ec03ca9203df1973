"""Segments: their definitions, and the members whom the events and profiles give them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, black_friday, iso, local, local_seconds
from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Ints
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric, metric_ids
from klaviyo_analytics.sandbox.shop.story.groups import NEWSLETTER, list_id
from klaviyo_analytics.sandbox.shop.story.places import PLACES
from klaviyo_analytics.sandbox.shop.world import World

Json = dict[str, Any]


@dataclass(slots=True)
class Segment:
    """A segment: its condition groups must all hold, one condition of each; `joined` is NEVER for strangers."""

    key: str
    name: str
    groups: list[list[Json]]
    joined: Ints
    starred: bool = False
    active: bool = True


def segment_id(names: Names, key: str) -> str:
    """Give the id of a segment by its key."""
    return names.short("segment", key)


def build_segments(world: World) -> list[Segment]:
    """Define the segments and find who is in them now."""
    metric = metric_ids(world.names)
    now, people = world.clock.now, world.people
    ordered, recent = Metric.PLACED_ORDER, now - 90 * DAY
    once, latest = world.reaching(ordered), world.latest(ordered)
    bought = _count(metric[ordered], "greater-than-or-equal", 1)
    engaged = np.minimum(
        world.reaching(Metric.OPENED_EMAIL, since=recent), world.reaching(Metric.CLICKED_EMAIL, since=recent)
    )
    mailable, textable = _reachable(world)
    newsletter = np.full(len(people), NEVER)
    mine = world.stays.group == NEWSLETTER
    newsletter[world.stays.person[mine]] = world.stays.joined[mine]
    american = np.isin(people.place, [n for n, town in enumerate(PLACES) if town.country == "United States"])
    app = people.has_push & (np.arange(len(people)) < world.active)
    year, holidays = _holidays(world)
    shopping = world.reaching(Metric.VIEWED_PRODUCT, count=3, since=now - 30 * DAY)
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
            _only(mailable, engaged),
            starred=True,
        ),
        Segment(
            "vip",
            "VIP: spent $250+",
            [[_sum(metric[ordered], 250)]],
            world.spending(ordered, 250.0),
            starred=True,
        ),
        Segment(
            "repeat",
            "Repeat buyers",
            [[_count(metric[ordered], "greater-than-or-equal", 2)]],
            world.reaching(ordered, count=2),
        ),
        Segment(
            "lapsed",
            "Lapsed buyers",
            [[bought], [_count(metric[ordered], "equals", 0, _last(90))]],
            _only((latest > 0) & (latest < recent), latest + 90 * DAY),
        ),
        Segment(
            "never-bought",
            "Newsletter, never bought",
            [[_on_list(list_id(world.names, NEWSLETTER))], [_count(metric[ordered], "equals", 0)]],
            _only(once == NEVER, newsletter),
        ),
        Segment(
            "textable", "SMS reachable", [[_consent("sms", "subscribed")]], _only(textable, people.texted)
        ),
        Segment(
            "usa",
            "United States",
            [[{"type": "profile-region", "in_region": True, "region": "united_states"}]],
            _only(american, people.created),
        ),
        Segment(
            "window",
            "Window shoppers 👀",
            [
                [_count(metric[Metric.VIEWED_PRODUCT], "greater-than-or-equal", 3, _last(30))],
                [_count(metric[ordered], "equals", 0, _last(30))],
            ],
            _only(world.counts(ordered, since=now - 30 * DAY) == 0, shopping),
        ),
        Segment("app", "App users", [[_consent("push", "any")]], _only(app, people.created + 60)),
        Segment(
            "holiday",
            f"Holiday buyers '{year % 100} 🎄",
            [[_count(metric[ordered], "greater-than-or-equal", 1, _between(*holidays))]],
            world.reaching(ordered, since=holidays[0], until=holidays[1]),
            active=False,
        ),
    ]


def segment_records(world: World, segments: list[Segment]) -> list[Record]:
    """Give the segments as records."""
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
            "profile_count": int((segment.joined < NEVER).sum()),
        }
        key = segment_id(world.names, segment.key)
        records.append(Record("segment", key, attributes, {"tags": [], "flow-triggers": []}))
    return records


def _only(which: Bools, joined: Ints) -> Ints:
    return np.where(which, joined, NEVER)


def _reachable(world: World) -> tuple[Bools, Bools]:
    """Say who can be mailed and who can be texted."""
    here = np.arange(len(world.people)) < world.active
    mail = world.people.has_email.copy()
    mail[list(world.suppressions())] = False
    texts = here & (world.people.texted <= world.clock.now)
    texts[: len(world.departures.texts)] &= world.departures.texts > world.clock.now
    return mail, texts


def _holidays(world: World) -> tuple[int, tuple[int, int]]:
    year = local(world.clock.now).year
    if local_seconds(black_friday(year), 0) > world.clock.now:
        year -= 1
    return year, (local_seconds(black_friday(year), 0) - 7 * DAY, local_seconds(date(year + 1, 1, 1), 0))


def _last(days: int) -> Json:
    return {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}


def _between(start: int, end: int) -> Json:
    return {"type": "date", "operator": "between-static", "start": iso(start), "end": iso(end)}


def _count(metric: str, operator: str, value: int, timeframe: Json | None = None) -> Json:
    return {
        "type": "profile-metric",
        "metric_id": metric,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": operator, "value": value},
        "timeframe_filter": timeframe or {"type": "date", "operator": "alltime"},
        "metric_filters": None,
    }


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
