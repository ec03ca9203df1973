"""One call from a seed to a whole account."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from klaviyo_analytics.sandbox.model import Account, EventLog
from klaviyo_analytics.sandbox.shop.clock import DEFAULT_NOW, TIMEZONE, Clock
from klaviyo_analytics.sandbox.shop.events.attribution import attribute
from klaviyo_analytics.sandbox.shop.events.consents import consent_chapters
from klaviyo_analytics.sandbox.shop.events.ledger import cast_size, merge, so_far
from klaviyo_analytics.sandbox.shop.events.messages import message_chapters
from klaviyo_analytics.sandbox.shop.events.orders import Till, shop_chapters
from klaviyo_analytics.sandbox.shop.events.visits import everyday_chapters, visit_chapters
from klaviyo_analytics.sandbox.shop.ids import Names, event_ids
from klaviyo_analytics.sandbox.shop.metrics import metric_ids
from klaviyo_analytics.sandbox.shop.records.everything import all_records
from klaviyo_analytics.sandbox.shop.story.campaigns import plan_campaigns
from klaviyo_analytics.sandbox.shop.story.catalog import build_catalog
from klaviyo_analytics.sandbox.shop.story.contacts import contact
from klaviyo_analytics.sandbox.shop.story.departures import see_off
from klaviyo_analytics.sandbox.shop.story.diary import Diary
from klaviyo_analytics.sandbox.shop.story.flows import plan_flows
from klaviyo_analytics.sandbox.shop.story.journeys import live
from klaviyo_analytics.sandbox.shop.story.mail import MessageBook, Patience
from klaviyo_analytics.sandbox.shop.story.people import BY_BROWSING, draw_people
from klaviyo_analytics.sandbox.shop.story.shopping import currency_of_places, settle
from klaviyo_analytics.sandbox.shop.world import World


def build_account(
    *,
    seed: int = 7,
    profiles: int = 2000,
    events: int = 50_000,
    now: int | None = None,
    currencies: Sequence[str] = ("USD",),
) -> Account:
    """Make a shop with 400 days of history in which everything agrees.

    Parameters
    ----------
    seed
        The same seed (with the same other arguments) always gives the same account.
    profiles, events
        How many of each, exactly; without profiles there are no events.
    now
        The account's present as Unix seconds; 2026-06-30T15:20:00Z unless told otherwise.
    currencies
        What the shop sells in, the account's own first.

    Examples
    --------
    >>> account = build_account(profiles=50, events=1_000)
    >>> len(account.events.ids), len(account.records["profile"])
    (1000, 50)
    """
    if profiles < 0 or events < 0:
        raise ValueError(f"profiles and events cannot be negative: profiles={profiles}, events={events}")
    names, clock = Names(seed), Clock.until(DEFAULT_NOW if now is None else now)
    rng = np.random.default_rng(seed)
    places = currency_of_places(tuple(currencies))
    people = draw_people(rng, clock, profiles)
    contacts = contact(people, seed)
    campaigns, flows = plan_campaigns(names, clock), plan_flows(names)
    messages = [campaign.message for campaign in campaigns]
    messages += [step.message for flow in flows.values() for step in flow.steps]
    book = MessageBook(messages)

    # Nobody's story is much shorter than this, so more people could not take part anyway.
    cast = people.take(np.arange(min(profiles, events // 3 + 20)))
    diary = Diary(rng, clock, cast, build_catalog(names, clock.start), book, places, Patience.of(cast))
    live(diary, campaigns, flows)
    till, left = Till(diary, settle(rng, diary.carts)), see_off(diary)

    story = so_far(
        [
            *consent_chapters(names, cast, left.stays),
            *message_chapters(diary, contacts, left.by_send),
            *visit_chapters(diary),
            *shop_chapters(till),
        ],
        clock.now,
    )
    active = cast_size(story, len(cast), events)
    people.source[active:] = BY_BROWSING  # the others were seen once and never came back
    story = [chapter.keep(chapter.person < active) for chapter in story]
    missing = events - sum(len(chapter.time) for chapter in story)
    everyday = everyday_chapters(diary, names, min(max(active, 1), profiles), missing)

    world = World(
        seed=seed,
        names=names,
        clock=clock,
        currency=currencies[0],
        people=people,
        contacts=contacts,
        active=active,
        diary=diary,
        campaigns=campaigns,
        flows=flows,
        departures=left,
        log=merge([*story, *everyday]),
    )
    event_log = _event_log(world)
    records, members, stays_over = all_records(world, till, event_log.ids)
    return Account(clock.now, TIMEZONE, records, members, event_log, stays_over)


def _event_log(world: World) -> EventLog:
    log = world.log
    return EventLog(
        ids=event_ids(len(log.time), world.seed),
        time=log.time,
        metric=log.metric.astype(np.int32),
        profile=log.person.astype(np.int32),
        value=log.value,
        properties=log.properties,
        attribution=attribute(log, world.diary.book, world.diary.sends, world.seed + 1),
        metric_ids=metric_ids(world.names),
        profile_ids=world.contacts.ids,
    )
