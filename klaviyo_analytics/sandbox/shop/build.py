"""One call from a seed to a whole account."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence

import numpy as np

from klaviyo_analytics.sandbox.model import Account, EventLog, Record
from klaviyo_analytics.sandbox.shop.clock import (
    DEFAULT_NOW,
    LARGE_SHOP,
    LONG_HISTORY,
    SHORT_HISTORY,
    SHORTEST_HISTORY,
    TIMEZONE,
    Clock,
)
from klaviyo_analytics.sandbox.shop.events.consents import consent_chapters
from klaviyo_analytics.sandbox.shop.events.ledger import cast_size, merge, so_far
from klaviyo_analytics.sandbox.shop.events.messages import attribute, message_chapters
from klaviyo_analytics.sandbox.shop.events.orders import Till, shop_chapters
from klaviyo_analytics.sandbox.shop.events.visits import everyday_chapters, visit_chapters
from klaviyo_analytics.sandbox.shop.ids import Names, event_ids
from klaviyo_analytics.sandbox.shop.metrics import metric_ids
from klaviyo_analytics.sandbox.shop.records.account import (
    account_record,
    coupon_records,
    metric_property_records,
    metric_records,
    review_records,
    tag_records,
    webhook_records,
)
from klaviyo_analytics.sandbox.shop.records.messages import (
    audience_ids,
    campaign_records,
    flow_records,
    form_records,
    image_records,
    template_records,
    trigger_of,
    universal_content_records,
)
from klaviyo_analytics.sandbox.shop.records.people import list_records, profile_records, push_token_records
from klaviyo_analytics.sandbox.shop.records.segments import build_segments, segment_id, segment_records
from klaviyo_analytics.sandbox.shop.story.catalog import build_catalog
from klaviyo_analytics.sandbox.shop.story.journeys import (
    LISTS,
    Diary,
    currency_of_places,
    list_id,
    live,
    see_off,
    settle,
)
from klaviyo_analytics.sandbox.shop.story.mailings import (
    Campaign,
    MessageBook,
    Patience,
    plan_campaigns,
    plan_flows,
)
from klaviyo_analytics.sandbox.shop.story.people import BY_BROWSING, contact, draw_people
from klaviyo_analytics.sandbox.shop.truths import Truths
from klaviyo_analytics.sandbox.shop.world import World

Records = dict[str, dict[str, Record]]
Members = dict[str, dict[str, int]]
Left = dict[str, list[tuple[int, int]]]


def all_records(world: World, till: Till, event_ids: list[str]) -> tuple[Records, Members, Left]:
    """Write down every resource; a tie between two of them is kept on the one that belongs to the other."""
    names, clock = world.names, world.clock
    segments = build_segments(world)
    members = _list_members(world)
    members |= {
        segment_id(names, segment.key): {
            world.contacts.ids[person]: when for person, when in segment.members(clock.now)
        }
        for segment in segments
    }
    left = {segment_id(names, segment.key): segment.left(clock.now) for segment in segments}
    records: Records = {}
    for record in [
        account_record(names, world.currency),
        *metric_records(names, clock.start, clock.now, world.text_names, world.form_names),
        *metric_property_records(names, world.log),
        *profile_records(world),
        *push_token_records(world),
        *list_records(names, clock),
        *segment_records(world, segments),
        *campaign_records(names, world.campaigns),
        *flow_records(names, clock, world.flows),
        *template_records(names, clock, world.campaigns, world.flows.values()),
        *universal_content_records(names, clock),
        *image_records(names, clock),
        *tag_records(names),
        *world.diary.catalog.records,
        *coupon_records(world, till),
        *form_records(names, clock.start),
        *review_records(world, event_ids),
        *webhook_records(names, clock),
    ]:
        records.setdefault(record.type, {})[record.id] = record
    _point_at_flows(world, records)
    _label_groups(world, records)
    for group, record in records["list"].items():
        record.attributes["profile_count"] = len(members[group])
    return records, members, left


def _list_members(world: World) -> Members:
    members: Members = {list_id(world.names, group): {} for group in range(len(LISTS))}
    stays = world.stays
    for group, person, joined in zip(
        stays.group.tolist(), stays.person.tolist(), stays.joined.tolist(), strict=True
    ):
        members[list_id(world.names, group)][world.contacts.ids[person]] = joined
    return members


def _point_at_flows(world: World, records: Records) -> None:
    for flow in world.flows.values():
        trigger = trigger_of(world.names, flow)
        if trigger is not None:
            kind, key = trigger
            known = records[kind][key].relationships
            known["flow-triggers"] = [*(known["flow-triggers"] or []), flow.id]


def _label_groups(world: World, records: Records) -> None:
    labels = {
        "list": {"newsletter": ["Growth"], "texts": ["mobile", "Growth"], "giveaway": ["content"]},
        "segment": {"engaged": ["CRM"], "vip": ["retention", "CRM"], "holiday": ["holiday"]},
    }
    for kind, tagged in labels.items():
        for key, tags in tagged.items():
            record = records[kind][world.names.short(kind, key)]
            record.relationships["tags"] = [world.names.uuid("tag", tag) for tag in tags]


def build_account(
    *,
    seed: int = 7,
    profiles: int = 8_000,
    events: int = 300_000,
    now: int | None = None,
    currencies: Sequence[str] = ("USD",),
    days: int | None = None,
    text_names: str = "new",
    form_names: str = "old",
    message_ids: str = "own",
    truths: Truths | Mapping[str, object] | str | None = None,
) -> Account:
    """Make a shop in which everything agrees.

    Parameters
    ----------
    seed
        The same seed (with the same other arguments) always gives the same account.
    profiles, events
        How many of each, exactly; without profiles there are no events.
    now
        The account's present as Unix seconds; 2026-06-30T15:20:00Z unless another is chosen.
    currencies
        What the shop sells in, the account's own first. Reports add amounts in several as they are, since Klaviyo
        converts none in its reports (help.klaviyo.com, article 360051797112).
    days
        The length of the history; None for two years, or for 400 days if there are fewer than 200,000 events.
    text_names
        "new" for metrics such as Received Text Message, "old" for Received SMS: accounts have either.
    form_names
        "old" for the metric Submitted Form, "new" for Form submitted by profile: accounts have either.
    message_ids
        By which id reports name the message of a campaign: "own", or "campaign" for the campaign's; accounts have
        either.
    truths
        What the numbers are made to contain: a `Truths`, some of its parameters as a dict, or "none", "usual", "all".

    Examples
    --------
    >>> account = build_account(profiles=50, events=1_000)
    >>> len(account.events.ids), len(account.records["profile"])
    (1000, 50)
    """
    if profiles < 0 or events < 0:
        raise ValueError(f"profiles and events cannot be negative: profiles={profiles}, events={events}")
    if days is not None and days < SHORTEST_HISTORY:
        raise ValueError(f"days={days} is too short. A history has at least {SHORTEST_HISTORY} days.")
    for name, value in {"text_names": text_names, "form_names": form_names}.items():
        if value not in ("new", "old"):
            raise ValueError(f"{name}={value!r} is not allowed. Choose 'new' or 'old'.")
    if message_ids not in ("own", "campaign"):
        raise ValueError(f"message_ids={message_ids!r} is not allowed. Choose 'own' or 'campaign'.")
    length = days or (LONG_HISTORY if events >= LARGE_SHOP else SHORT_HISTORY)
    collects = gc.isenabled()
    gc.disable()  # a million small objects, none of them garbage: looking through them takes a third of the time
    try:
        clock = Clock.until(DEFAULT_NOW if now is None else now, length)
        account = _build(seed, profiles, events, clock, currencies, text_names, form_names, Truths.of(truths))
        account.message_ids = message_ids
        return account
    finally:
        if collects:
            gc.enable()


def _build(
    seed: int,
    profiles: int,
    events: int,
    clock: Clock,
    currencies: Sequence[str],
    text_names: str,
    form_names: str,
    truths: Truths,
) -> Account:
    names = Names(seed)
    rng = np.random.default_rng(seed)
    places = currency_of_places(tuple(currencies))
    people = draw_people(rng, clock, profiles, truths.machine_opens)
    contacts = contact(people, seed)
    campaigns, flows = plan_campaigns(names, clock), plan_flows(names)
    messages = [campaign.message for campaign in campaigns]
    messages += [step.message for flow in flows.values() for step in flow.steps]
    book = MessageBook(messages, truths.variation_lift)

    # Nobody's story is much shorter than this, so more people could not take part anyway.
    cast = people.take(np.arange(min(profiles, events // 3 + 20)))
    diary = Diary(
        rng, clock, cast, build_catalog(names, clock.start), book, places, Patience.of(cast), truths
    )
    live(diary, campaigns, flows)
    till, left = Till(diary, settle(rng, diary.carts, truths), contacts), see_off(diary)

    audiences = {campaign.id: audience_ids(names, campaign.audience) for campaign in campaigns}
    story = so_far(
        [
            *consent_chapters(names, cast, left.stays, form_names),
            *message_chapters(diary, contacts, left.by_send, audiences, seed + 29),
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
        campaigns=_kept(campaigns, truths.deleted),
        flows=flows,
        departures=left,
        log=merge([*story, *everyday]),
        text_names=text_names,
        form_names=form_names,
    )
    event_log = _event_log(world)
    records, members, stays_over = all_records(world, till, event_log.ids)
    return Account(clock.now, TIMEZONE, records, members, event_log, stays_over)


def _kept(campaigns: list[Campaign], deleted: int) -> list[Campaign]:
    """Leave out campaigns that were deleted after they were sent, spread over the history."""
    sent = [
        campaign for campaign in campaigns if campaign.status == "Sent" and not campaign.message.variations
    ]
    places = np.linspace(0, len(sent) - 1, min(deleted, len(sent)) + 2).astype(int)[1:-1]
    gone = {sent[place].id for place in places.tolist()} if deleted else set()
    return [campaign for campaign in campaigns if campaign.id not in gone]


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
