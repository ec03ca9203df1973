"""Reading back what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.sandbox.app import profiles
from klaviyo_analytics.sandbox.faults import Fault
from klaviyo_analytics.writeback import Plan
from klaviyo_analytics.writeback import plan as plan_module
from klaviyo_analytics.writeback.result import finish
from klaviyo_analytics.writeback.verification import VERIFICATIONS
from klaviyo_analytics.writeback.write_types import WRITE_TYPES
from tests.shops import Shop
from tests.writeback import seen

PLANS = [
    seen.upsert,
    seen.append,
    seen.create,
    seen.subscribe,
    seen.join,
    seen.leave,
    seen.unsubscribe,
    seen.suppress,
    seen.unsuppress,
    seen.tag,
    seen.untag,
    seen.create_items,
    seen.update_items,
    seen.delete_items,
    seen.create_variants,
    seen.create_categories,
    seen.create_codes,
    seen.create_codes_without_an_end,
]


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_there_was_written(shop: Shop, plan: Callable[[Shop], Plan]) -> None:
    rows = plan(shop).apply(verify=True, confirm=True).rows
    assert rows["status"].isin(["written", "created", "updated"]).all(), rows["detail"].tolist()


def test_every_kind_of_write_can_be_read_back() -> None:
    assert VERIFICATIONS.keys() == WRITE_TYPES.keys()


def answered_but_not_done(shop: Shop, path: str) -> Fault:
    body = {"data": {"type": "profile", "id": "01NOTHINGATALL"}}
    return shop.sandbox.faults.add(method="POST", path=path, times=None, status=202, body=body)


@pytest.mark.parametrize(
    ("path", "plan"),
    [
        pytest.param("/api/event-bulk-create-jobs", seen.create, id="events"),
        pytest.param("/api/profile-subscription-bulk-create-jobs", seen.subscribe, id="consent"),
        pytest.param("/api/lists/*/relationships/profiles", seen.join, id="members"),
    ],
)
def test_what_was_accepted_and_never_came_is_unconfirmed(
    shop: Shop, path: str, plan: Callable[[Shop], Plan]
) -> None:
    frame = seen.people(f"unseen-{path.count('-')}")
    shop.client.profiles.upsert(frame)
    plans: dict[Any, Callable[[], Plan]] = {
        seen.create: lambda: shop.client.events.plan_create(frame, metric="Unseen"),
        seen.subscribe: lambda: shop.client.profiles.plan_subscribe(frame, consented_at="2026-01-05"),
        seen.join: lambda: shop.client.lists.plan_add_profiles(
            shop.client.lists.create(name="Unseen"), frame
        ),
    }
    ready = plans[plan]()
    answered_but_not_done(shop, path)
    result = ready.apply(verify=True, confirm=True)
    assert result.rows["status"].tolist() == ["unconfirmed"] * 3
    assert result.failures["detail"].notna().all()


def test_a_profile_that_differs_says_how(shop: Shop) -> None:
    shop.client.profiles.upsert(seen.people("differs").assign(score=9), properties="rest")
    answered_but_not_done(shop, "/api/profile-import")
    ids = shop.client.profiles.list(filter='equals(email,"differs0@mail.example.net")')["id"]
    frame = pd.DataFrame({"id": ids, "score": [1]})
    result = shop.client.profiles.plan_upsert(frame, key="id", properties="rest").apply(verify=True)
    assert result.failures["detail"].item() == "it differs when it is read back: properties.score is 9"


BEFORE = "$custom:::$default:::"
NOTHING = "it is not there when it is read back"


def undo(shop: Shop, type_: str, *keys: str) -> None:
    """Take out of the account what was just written, behind the client's back."""
    for name in [id for id in shop.sandbox.account.records[type_] if id.endswith(keys)]:
        del shop.sandbox.account.records[type_][name]


def test_reading_back_looks_until_it_is_seen_and_asks_for_many_at_once(shop: Shop) -> None:
    plan = create_items_named(shop, "many", 120)
    before = len(shop.sandbox.requests)
    assert (plan.apply(verify=True).rows["status"] == "created").all()
    asked = [one for one in list(shop.sandbox.requests)[before:] if one.path.endswith("/api/catalog-items")]
    assert len(asked) == 3  # fifty at once


def create_items_named(shop: Shop, name: str, count: int = 3) -> Plan:
    return shop.client.catalog_items.plan_create(seen.items(name, count))


@pytest.fixture
def between(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something done between writing and reading back."""

    def meanwhile(act: Callable[[], object]) -> None:
        def finishing(*args: Any, **given: Any) -> Any:
            monkeypatch.setattr(plan_module, "finish", finish)
            result = finish(*args, **given)
            act()
            return result

        monkeypatch.setattr(plan_module, "finish", finishing)

    return meanwhile


Between = Callable[[Callable[[], object]], None]


def test_an_item_that_is_not_there_or_differs_is_unconfirmed(shop: Shop, between: Between) -> None:
    def meddle() -> None:
        undo(shop, "catalog-item", "lost 0")
        shop.client.catalog_items.update("lost 1", price=1.0)

    between(meddle)
    rows = create_items_named(shop, "lost").apply(verify=True).rows
    assert rows["status"].tolist() == ["unconfirmed", "unconfirmed", "created"]
    assert rows["detail"].tolist()[:2] == [NOTHING, "it differs when it is read back: price is 1.0"]


def test_an_item_that_stays_is_not_deleted(shop: Shop, between: Between) -> None:
    plan = delete_items_named(shop, "stays")
    between(lambda: shop.client.catalog_items.create_many(seen.items("stays", 1)))
    rows = plan.apply(verify=True, confirm=True).rows
    assert rows["status"].tolist() == ["unconfirmed", "written", "written"]
    assert rows["detail"].iloc[0] == "it is still there when it is read back"


def delete_items_named(shop: Shop, name: str) -> Plan:
    shop.client.catalog_items.create_many(seen.items(name))
    return shop.client.catalog_items.plan_delete(seen.items(name))


def test_a_variant_of_another_item_is_unconfirmed(shop: Shop, between: Between) -> None:
    shop.client.catalog_items.create_many(seen.items("owner"))
    variants = seen.items("part", 1).assign(sku="S", inventory_quantity=1, item="owner 0")
    plan = shop.client.catalog_variants.plan_create(variants)
    made = shop.sandbox.account.records["catalog-variant"]
    between(lambda: made[f"{BEFORE}part 0"].relationships.update(item=[f"{BEFORE}owner 1"]))
    detail = plan.apply(verify=True).rows["detail"].item()
    assert detail == "when it is read back, the variant is not of the item owner 0"


@pytest.mark.parametrize("noun", ["item", "category"])
def test_an_item_and_a_category_that_are_apart_are_unconfirmed(
    shop: Shop, between: Between, noun: str
) -> None:
    client, name = shop.client, f"apart from {noun}"
    if noun == "item":
        client.catalog_categories.create_many(pd.DataFrame({"external_id": [name], "name": ["Apart"]}))
        plan = client.catalog_items.plan_create(seen.items(name, 1).assign(categories=name))
    else:
        client.catalog_items.create_many(seen.items(name, 1))
        frame = pd.DataFrame({"external_id": [name], "name": ["Apart"], "items": [f"{name} 0"]})
        plan = client.catalog_categories.plan_create(frame)
    items = shop.sandbox.account.records["catalog-item"]
    between(lambda: items[f"{BEFORE}{name} 0"].relationships.update(categories=[]))
    said = {
        "item": f"the item is not of the category {name}",
        "category": f"the category is not of the item {name} 0",
    }
    assert plan.apply(verify=True).rows["detail"].item() == f"when it is read back, {said[noun]}"


def test_a_code_that_is_not_there_is_unconfirmed(shop: Shop, between: Between) -> None:
    coupon = shop.client.coupons.create(external_id="LOST")
    plan = shop.client.coupon_codes.plan_create(seen.codes(), coupon=coupon)
    between(lambda: undo(shop, "coupon-code", "LOST-A-2"))
    rows = plan.apply(verify=True).rows
    assert rows["status"].tolist() == ["created", "unconfirmed"]
    assert rows["detail"].iloc[1] == NOTHING


def test_a_code_that_expires_within_the_same_second_is_there(shop: Shop, between: Between) -> None:
    coupon = shop.client.coupons.create(external_id="CUT")
    plan = shop.client.coupon_codes.plan_create(
        seen.codes(expires_at="2027-01-01T10:00:00.5+00:00"), coupon=coupon
    )
    kept = shop.sandbox.account.records["coupon-code"]
    between(lambda: kept["CUT-A-1"].attributes.update(expires_at="2027-01-01T10:00:00+00:00"))
    assert plan.apply(verify=True).rows["status"].tolist() == ["created", "created"]


def test_who_is_suppressed_for_another_reason_stays_so(shop: Shop) -> None:
    plan = seen.unsuppress(shop)
    emails = set(seen.people("suppressed")["email"])
    for each in shop.sandbox.account.records["profile"].values():
        if each.attributes["email"] in emails:
            profiles.suppress(each, "HARD_BOUNCE", "2026-01-05T00:00:00+00:00")
    details = plan.apply(confirm=True, verify=True).failures["detail"]
    assert (
        details.tolist() == ["it stays suppressed, for HARD_BOUNCE: only USER_SUPPRESSED can be lifted"] * 3
    )


def test_a_suppression_that_did_not_come_is_unconfirmed(shop: Shop, between: Between) -> None:
    shop.client.profiles.upsert(seen.people("loud"))
    plan = shop.client.profiles.plan_suppress(seen.people("loud"))
    between(lambda: shop.client.profiles.plan_unsuppress(seen.people("loud")).apply(confirm=True))
    rows = plan.apply(confirm=True, verify=True).rows
    assert rows["detail"].tolist() == ["it is not suppressed when it is read back"] * 3


@pytest.mark.parametrize("key", ["email", "external_id"])
def test_who_did_not_join_the_list_is_unconfirmed(shop: Shop, between: Between, key: Any) -> None:
    frame, group = seen.people(f"absent-{key}"), shop.client.lists.create(name="Absent")
    frame = frame.assign(external_id=frame["email"])
    plan = shop.client.profiles.plan_upsert(frame[[key]], key=key, lists=group)

    def leave() -> None:
        first = shop.client.lists.profiles(group).head(1)
        shop.client.lists.plan_remove_profiles(group, first).apply(confirm=True)

    between(leave)
    rows = plan.apply(verify=True).rows
    assert sorted(rows["status"]) == ["unconfirmed", "written", "written"]
    assert rows["detail"].dropna().item() == f"it is not on the list {group['id']} when it is read back"


def test_who_subscribed_to_a_list_is_looked_for_on_it(shop: Shop, between: Between) -> None:
    group = shop.client.lists.create(name="Subscribed")
    frame = seen.people("listed")
    plan = shop.client.profiles.plan_subscribe(frame, consented_at="2026-01-05", list=group)

    def leave() -> None:
        shop.client.lists.plan_remove_profiles(group, frame.head(1)).apply(confirm=True)

    between(leave)
    rows = plan.apply(verify=True, confirm=True).rows
    assert rows["status"].tolist() == ["unconfirmed", "written", "written"]


def test_a_tag_that_is_not_there_is_unconfirmed(shop: Shop, between: Between) -> None:
    made, flows = seen.a_tag(shop), shop.client.flows.list()
    plan = shop.client.tags.plan_tag(made, flows, kind="flows")
    between(lambda: shop.client.tags.plan_untag(made, flows.head(1), kind="flows").apply())
    rows = plan.apply(verify=True).rows
    assert rows["status"].tolist() == ["unconfirmed", *["written"] * (len(flows) - 1)]
    assert rows["detail"].iloc[0] == "it is not tagged when it is read back"


def test_what_may_not_be_read_back_keeps_its_rows(shop: Shop) -> None:
    shop.sandbox.faults.add(method="GET", path="/api/profiles*", times=None, status=403)
    result = shop.client.profiles.plan_suppress(seen.people("hidden")).apply(confirm=True, verify=True)
    assert result.rows["status"].tolist() == ["unconfirmed"] * 3
    assert result.rows["detail"].str.startswith("it could not be read back: ").all()


def test_what_is_seen_was_written_although_its_answer_was_lost(shop: Shop) -> None:
    shop.sandbox.faults.add(
        method="POST", path="/api/profile-subscription-bulk-create-jobs", times=1, drop="after"
    )
    rows = shop.client.profiles.plan_subscribe(seen.people("proven")).apply(confirm=True, verify=True).rows
    assert rows["status"].tolist() == ["written"] * 3
    assert rows[["code", "detail"]].isna().all(axis=None)


def test_an_append_that_is_seen_may_be_an_older_one(shop: Shop) -> None:
    frame = seen.people("older").assign(bought=["a", "b", "c"])
    plan = shop.client.profiles.plan_upsert(frame, properties="rest", append="bought")
    shop.sandbox.faults.add(method="POST", path="/api/profile-import", times=1, drop="after")
    assert sorted(plan.apply(verify=True).rows["status"]) == ["created", "created", "unconfirmed"]


def test_who_breaks_off_reading_back_hears_that_all_was_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    plan = shop.client.tags.plan_tag(seen.a_tag(shop), shop.client.flows.list(), kind="flows")
    monkeypatch.setattr(shop.client._context, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        plan.apply(verify=True)
    assert "Everything was sent before" in caught.value.__notes__[0]
