"""Visits to the site and their properties: sessions, products looked at, and forms that strangers closed."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import MINUTE
from klaviyo_analytics.sandbox.shop.columns import NONE, Ints
from klaviyo_analytics.sandbox.shop.events.consents import form_properties
from klaviyo_analytics.sandbox.shop.events.ledger import Chapter, Properties
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.catalog import SITE, Catalog
from klaviyo_analytics.sandbox.shop.story.journeys import Diary

_BROWSERS = ("Chrome", "Safari", "Firefox", "Edge")


def visit_chapters(diary: Diary) -> list[Chapter]:
    """Write the visits that messages and shopping plans caused."""
    visits = diary.visits
    return [
        _active(visits.person, visits.time, 0),
        _viewed(diary.catalog, visits.person, visits.time + 9 + visits.good % 25, visits.good, 0),
    ]


def everyday_chapters(diary: Diary, names: Names, cast: int, count: int) -> list[Chapter]:
    """Write exactly `count` more events: sessions of the first `cast` people, and forms that strangers closed."""
    strangers = _strangers(diary, names, count // 40) if cast else []
    left = count - sum(len(chapter.time) for chapter in strangers)
    if not cast or left <= 0:
        return strangers
    rng, people, clock = diary.rng, diary.people, diary.clock
    looks = 1 + rng.poisson(1.7, left)  # views in each session, more sessions than needed
    size = 1 + looks
    sessions = int(np.searchsorted(np.cumsum(size), left)) + 1
    weight = np.cumsum(0.2 + people.interest[:cast])
    person = np.searchsorted(weight, rng.random(sessions) * weight[-1])
    begin = clock.draw(rng, people.created[person])
    owner = np.repeat(np.arange(sessions), size[:sessions])[:left]
    step = np.arange(left) - np.searchsorted(owner, owner)
    time = np.minimum(begin[owner] + step * rng.integers(15, 3 * MINUTE, left), clock.now)
    enters = step == 0
    good = rng.integers(0, len(diary.catalog.goods), left)
    return [
        *strangers,
        _active(person[owner[enters]], time[enters], 1),
        _viewed(diary.catalog, person[owner[~enters]], time[~enters], good[~enters], 1),
    ]


def _active(person: Ints, time: Ints, series: int) -> Chapter:
    def write(kept: Ints) -> list[Properties]:
        written: list[Properties] = []
        for row, who, moment in zip(kept.tolist(), person[kept].tolist(), time[kept].tolist(), strict=True):
            one: Properties = {
                "$event_id": f"{moment}:a{series}{row}",
                "browser": _BROWSERS[who % 4],
                "os": "iOS" if who % 4 == 1 else "Windows",
                "$is_session_activity": True,
                "$use_ip": True,
                "kx_present": row % 5 == 0,
                "page": SITE + ("/" if row % 3 else "/collections/new?utm_source=friend&x=%20"),
            }
            if row % 11 == 0:
                one["utm_source"] = None
            elif row % 2:
                one |= {"utm_source": "friend", "first_page_path": "/"}
            written.append(one)
        return written

    return Chapter(Metric.ACTIVE_ON_SITE, person, time, write)


def _viewed(catalog: Catalog, person: Ints, time: Ints, good: Ints, series: int) -> Chapter:
    def write(kept: Ints) -> list[Properties]:
        written = []
        for row, thing, moment in zip(kept.tolist(), good[kept].tolist(), time[kept].tolist(), strict=True):
            price = int(catalog.cents[thing]) / 100
            written.append(
                {
                    "$event_id": f"{moment}:v{series}{row}",
                    **catalog.goods[thing],
                    "Price": price if row % 9 else f"${price:.2f}",
                }
            )
        return written

    return Chapter(Metric.VIEWED_PRODUCT, person, time, write)


def _strangers(diary: Diary, names: Names, count: int) -> list[Chapter]:
    """Write views of the pop-up by visitors without a profile, who close it."""
    start = np.full(count, diary.clock.start, dtype=np.int64)
    seen = np.minimum(diary.clock.draw(diary.rng, start), diary.clock.now - 60)
    nobody = np.full(count, NONE, dtype=np.int64)

    def chapter(metric: Metric, time: Ints) -> Chapter:
        def write(kept: Ints) -> list[Properties]:
            return [
                {**form_properties(names, row % 3, 10 * row), "$event_id": f"{moment}:f{row}"}
                for row, moment in zip(kept.tolist(), time[kept].tolist(), strict=True)
            ]

        return Chapter(metric, nobody, time, write)

    return [chapter(Metric.VIEWED_FORM, seen), chapter(Metric.CLOSED_FORM, seen + 2 + np.arange(count) % 50)]
