"""Lists, tags and consent by the frame: who is reached, and who must not be."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, FrameError, InvalidInputError
from tests.shops import Shop


def people(shop: Shop, name: str, count: int) -> pd.DataFrame:
    """Make profiles that no other test touches."""
    frame = pd.DataFrame({"email": [f"{name}{number}@mail.example.net" for number in range(count)]})
    shop.client.profiles.upsert(frame)
    return frame


def consent(shop: Shop, email: str) -> Any:
    for each in shop.sandbox.account.records["profile"].values():
        if each.attributes["email"] == email:
            return each.attributes["subscriptions"]["email"]["marketing"]
    return None


def test_members_join_and_leave_by_address_or_id(shop: Shop) -> None:
    frame, group = people(shop, "member", 5), shop.client.lists.create(name="Members")
    joined = shop.client.lists.plan_add_profiles(group, frame).apply()
    assert joined.rows["status"].tolist() == ["written"] * 5
    members = shop.client.lists.profiles(group)
    assert sorted(members["email"]) == frame["email"].tolist()
    plan = shop.client.lists.plan_remove_profiles(group, members.head(2))
    with pytest.raises(ConfirmationRequiredError, match="removes 2 of the 5 profiles of the list"):
        plan.apply()
    plan.apply(confirm=True)
    assert len(shop.client.lists.profiles(group)) == 3


def test_a_tenth_of_a_list_may_leave_without_a_word(shop: Shop) -> None:
    group = shop.client.lists.create(name="Ten")
    shop.client.lists.plan_add_profiles(group, people(shop, "tenth", 10)).apply()
    one = shop.client.lists.profiles(group).head(1)
    assert shop.client.lists.plan_remove_profiles(group, one).apply().failures.empty


def test_who_has_no_profile_cannot_join_a_list(shop: Shop) -> None:
    group = shop.client.lists.create(name="Nobody")
    plan = shop.client.lists.plan_add_profiles(group, pd.DataFrame({"email": ["nobody@mail.example.net"]}))
    with pytest.raises(FrameError, match="no profile of the account"):
        plan.apply()


def test_a_list_that_is_not_there_fails_the_rows(shop: Shop) -> None:
    ids = shop.client.profiles.list(limit=2)
    failures = shop.client.lists.plan_add_profiles("NOLIST", ids).apply().failures
    assert len(failures) == 2
    assert failures["code"].tolist() == ["not_found"] * 2


def test_a_tag_is_put_on_and_taken_off(shop: Shop) -> None:
    tag, flows = shop.client.tags.create(name="By frame"), shop.client.flows.list()
    assert shop.client.tags.plan_tag(tag, flows, kind="flows").apply().failures.empty
    assert sorted(shop.client.tags.flows(tag)["id"]) == sorted(flows["id"])
    shop.client.tags.plan_untag(tag, flows, kind="flows").apply()
    assert shop.client.tags.flows(tag).empty


def test_subscribing_with_the_time_of_consent(shop: Shop) -> None:
    frame = people(shop, "yes", 2).assign(consented_at="2026-01-05")
    group = shop.client.lists.create(name="Said yes")
    result = shop.client.profiles.plan_subscribe(frame, list=group).apply(confirm=True)
    assert result.rows["status"].tolist() == ["accepted", "accepted"]
    assert consent(shop, "yes0@mail.example.net")["consent"] == "SUBSCRIBED"
    assert len(shop.client.lists.profiles(group)) == 2


def test_subscribing_without_it_has_to_be_confirmed(shop: Shop) -> None:
    plan = shop.client.profiles.plan_subscribe(people(shop, "perhaps", 1))
    with pytest.raises(ConfirmationRequiredError, match="without telling when they agreed"):
        plan.apply()
    assert consent(shop, "perhaps0@mail.example.net")["consent"] == "NEVER_SUBSCRIBED"
    plan.apply(confirm=True)
    assert consent(shop, "perhaps0@mail.example.net")["consent"] == "SUBSCRIBED"


@pytest.mark.parametrize(
    ("change", "given", "why"),
    [
        pytest.param({"consented_at": "2999-01-01"}, {}, "is in the future", id="future"),
        pytest.param({"consented_at": None}, {}, "consented_at is missing", id="missing"),
        pytest.param(
            {"phone_number": None}, {"channels": ["email", "sms"]}, "phone_number is missing", id="no-number"
        ),
    ],
)
def test_consent_that_cannot_be_is_a_problem(
    offline: KlaviyoClient, change: dict[str, Any], given: dict[str, Any], why: str
) -> None:
    frame = pd.DataFrame({"email": ["ann@mail.example.net"], **{name: [one] for name, one in change.items()}})
    offline._context.known_account = pd.Series({"timezone": "UTC"})
    assert why in offline.profiles.plan_subscribe(frame, **given).problems["problem"].item()


@pytest.mark.parametrize("to", [{"list": "L1"}, {"globally": True}, {"list": "L1", "globally": True}])
def test_a_channel_without_its_column_is_a_problem(offline: KlaviyoClient, to: dict[str, Any]) -> None:
    frame = pd.DataFrame({"email": ["ann@mail.example.net"]})
    plan = offline.profiles.plan_unsubscribe(frame, channels=["email", "sms"], **to)
    assert plan.problems["problem"].item() == "phone_number is missing, which a channel needs"


def test_who_is_on_the_list_by_number_only_can_leave_it(shop: Shop) -> None:
    reached = pd.DataFrame({"email": ["number@mail.example.net"], "phone_number": ["+15005550017"]})
    shop.client.profiles.upsert(reached)
    group = shop.client.lists.create(name="By number")
    shop.client.lists.plan_add_profiles(group, reached[["email"]]).apply()
    moved = reached.assign(email="Another@mail.example.net")
    assert shop.client.profiles.plan_unsubscribe(moved, list=group, channels=["email", "sms"]).problems.empty


def test_two_people_of_one_number_are_a_problem(offline: KlaviyoClient) -> None:
    emails = ["ann@mail.example.net", "bob@mail.example.net", "cy@mail.example.net"]
    frame = pd.DataFrame({"email": emails, "phone_number": ["+15005550006", "+15005550006", "+15005550007"]})
    plan = offline.profiles.plan_subscribe(frame, channels=["email", "sms"])
    assert plan.problems.index.tolist() == [0, 1]
    assert "phone_number '+15005550006' is that of row 0, too" in plan.problems["problem"].iloc[1]
    assert offline.profiles.plan_subscribe(frame, channels="email").problems.empty


def test_ids_that_differ_in_case_are_two(offline: KlaviyoClient) -> None:
    assert offline.tags.plan_tag("T", pd.DataFrame({"id": ["Ab1", "aB1"]}), kind="lists").problems.empty


def test_a_subscription_whose_answer_was_lost_is_not_sent_twice(shop: Shop) -> None:
    path = "/api/profile-subscription-bulk-create-jobs"
    fault = shop.sandbox.faults.add(method="POST", path=path, times=1, drop="after")
    before = sum(request.path.endswith(path) for request in shop.sandbox.requests)
    result = shop.client.profiles.plan_subscribe(people(shop, "lost", 1)).apply(confirm=True)
    assert fault.hits == 1
    assert sum(request.path.endswith(path) for request in shop.sandbox.requests) == before + 1
    assert result.rows["status"].tolist() == ["unconfirmed"]


def test_who_is_not_on_the_list_is_not_unsubscribed_everywhere(shop: Shop) -> None:
    frame, group = people(shop, "trap", 3), shop.client.lists.create(name="Trap")
    shop.client.profiles.plan_subscribe(frame, consented_at="2026-01-05").apply(confirm=True)
    shop.client.lists.plan_add_profiles(group, frame.head(2)).apply()
    plan = shop.client.profiles.plan_unsubscribe(frame, list=group)
    assert plan.problems.index.tolist() == [2]
    with pytest.raises(FrameError, match="unsubscribe them everywhere"):
        plan.apply(confirm=True)
    with pytest.raises(ConfirmationRequiredError, match="2 of the 2 profiles of the list"):
        plan.apply(skip_invalid=True)
    plan.apply(skip_invalid=True, confirm=True)
    assert shop.client.lists.profiles(group).empty
    assert consent(shop, "trap2@mail.example.net")["consent"] == "SUBSCRIBED"


def test_everywhere_has_to_be_said_and_confirmed(shop: Shop) -> None:
    frame = people(shop, "everywhere", 1)
    shop.client.profiles.plan_subscribe(frame, consented_at="2026-01-05").apply(confirm=True)
    with pytest.raises(InvalidInputError, match="globally=True"):
        shop.client.profiles.plan_unsubscribe(frame)
    plan = shop.client.profiles.plan_unsubscribe(frame, globally=True)
    with pytest.raises(ConfirmationRequiredError, match="everywhere"):
        plan.apply()
    plan.apply(confirm=True)
    assert consent(shop, "everywhere0@mail.example.net")["consent"] == "UNSUBSCRIBED"


def test_suppressions_are_set_and_lifted_in_requests_of_a_hundred(shop: Shop) -> None:
    frame = people(shop, "quiet", 120)
    plan = shop.client.profiles.plan_suppress(frame)
    assert plan.requests == 2
    with pytest.raises(ConfirmationRequiredError, match="suppresses 120 profiles"):
        plan.apply()
    assert (plan.apply(confirm=True).rows["status"] == "written").all()
    assert consent(shop, "quiet119@mail.example.net")["suppression"]
    shop.client.profiles.plan_unsuppress(frame).apply(confirm=True)
    assert not consent(shop, "quiet119@mail.example.net")["suppression"]
