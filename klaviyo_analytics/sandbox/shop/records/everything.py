"""Everything in the account that is not an event: the records by type, and who is in which group."""

from __future__ import annotations

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.events.orders import Till
from klaviyo_analytics.sandbox.shop.records.account import (
    account_record,
    metric_property_records,
    webhook_records,
)
from klaviyo_analytics.sandbox.shop.records.campaigns import campaign_records
from klaviyo_analytics.sandbox.shop.records.content import (
    image_records,
    template_records,
    universal_content_records,
)
from klaviyo_analytics.sandbox.shop.records.coupons import coupon_records
from klaviyo_analytics.sandbox.shop.records.flows import flow_records, trigger_of
from klaviyo_analytics.sandbox.shop.records.forms import form_records
from klaviyo_analytics.sandbox.shop.records.lists import list_records
from klaviyo_analytics.sandbox.shop.records.metrics import metric_records
from klaviyo_analytics.sandbox.shop.records.profiles import profile_records, push_token_records
from klaviyo_analytics.sandbox.shop.records.reviews import review_records
from klaviyo_analytics.sandbox.shop.records.segments import build_segments, segment_id, segment_records
from klaviyo_analytics.sandbox.shop.records.tags import tag_records
from klaviyo_analytics.sandbox.shop.story.groups import LISTS, list_id
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
        *metric_records(names, clock.start, clock.now),
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
