"""Reading back what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.sandbox.faults import Fault
from klaviyo_analytics.writeback import Plan
from tests.resources.shop import Shop


def people(name: str) -> pd.DataFrame:
    return pd.DataFrame({"email": [f"{name}{number}@mail.example.net" for number in range(3)]})


def upsert(shop: Shop) -> Plan:
    return shop.client.profiles.plan_upsert(people("seen").assign(score=[1, 2.5, 3]), properties="rest")


def append(shop: Shop) -> Plan:
    frame = people("seen").assign(bought=["a", "b", "c"])
    return shop.client.profiles.plan_upsert(frame, properties="rest", append="bought")


def create(shop: Shop) -> Plan:
    return shop.client.events.plan_create(people("seen").assign(time="2026-01-05 10:00"), metric="Seen")


def subscribe(shop: Shop) -> Plan:
    return shop.client.profiles.plan_subscribe(people("seen"), consented_at="2026-01-05")


def join(shop: Shop) -> Plan:
    shop.client.profiles.upsert(people("seen"))
    return shop.client.lists.plan_add_profiles(shop.client.lists.create(name="Seen"), people("seen"))


PLANS = [upsert, append, create, subscribe, join]


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_there_was_written(shop: Shop, plan: Callable[[Shop], Plan]) -> None:
    statuses = plan(shop).apply(verify=True).rows["status"]
    assert statuses.isin(["written", "created", "updated"]).all()


def answered_but_not_done(shop: Shop, path: str) -> Fault:
    body = {"data": {"type": "profile", "id": "01NOTHINGATALL"}}
    return shop.sandbox.faults.add(method="POST", path=path, times=None, status=202, body=body)


@pytest.mark.parametrize(
    ("path", "plan"),
    [
        pytest.param("/api/event-bulk-create-jobs", create, id="events"),
        pytest.param("/api/profile-subscription-bulk-create-jobs", subscribe, id="consent"),
        pytest.param("/api/lists/*/relationships/profiles", join, id="members"),
    ],
)
def test_what_was_accepted_and_never_came_is_unconfirmed(
    shop: Shop, path: str, plan: Callable[[Shop], Plan]
) -> None:
    frame = people(f"unseen-{path.count('-')}")
    shop.client.profiles.upsert(frame)
    plans: dict[Any, Callable[[], Plan]] = {
        create: lambda: shop.client.events.plan_create(frame, metric="Unseen"),
        subscribe: lambda: shop.client.profiles.plan_subscribe(frame, consented_at="2026-01-05"),
        join: lambda: shop.client.lists.plan_add_profiles(shop.client.lists.create(name="Unseen"), frame),
    }
    ready = plans[plan]()
    answered_but_not_done(shop, path)
    result = ready.apply(verify=True)
    assert result.rows["status"].tolist() == ["unconfirmed"] * 3
    assert result.failures["detail"].notna().all()


def test_a_profile_that_differs_says_how(shop: Shop) -> None:
    shop.client.profiles.upsert(people("differs").assign(score=9), properties="rest")
    answered_but_not_done(shop, "/api/profile-import")
    ids = shop.client.profiles.list(filter='equals(email,"differs0@mail.example.net")')["id"]
    frame = pd.DataFrame({"id": ids, "score": [1]})
    result = shop.client.profiles.plan_upsert(frame, key="id", properties="rest").apply(verify=True)
    assert result.failures["detail"].item() == "it differs when it is read back: properties.score is 9"


def test_what_cannot_be_read_back_is_refused_before_it_is_sent(shop: Shop) -> None:
    plan = shop.client.profiles.plan_suppress(people("quiet"))
    before = len(shop.sandbox.requests)
    with pytest.raises(InvalidInputError, match="cannot be read back"):
        plan.apply(confirm=True, verify=True)
    assert len(shop.sandbox.requests) == before
