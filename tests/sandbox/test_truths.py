"""What a shop was made to contain is in it, and in no other shop; the analyses find it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from klaviyo_analytics.sandbox.shop import Truths, build_account
from klaviyo_analytics.sandbox.shop.columns import count_before
from klaviyo_analytics.sandbox.shop.story.reactions import apart
from tests.benchmarks.coverage_of_truths import measure
from tests.sandbox.shopkeeping import Shop, order_of

SMALL: dict[str, Any] = {"profiles": 500, "events": 14_000}


def shop_with(**truths: Any) -> Shop:
    return Shop(build_account(seed=5, truths=truths, **SMALL))


def test_words_and_single_truths_are_read() -> None:
    assert Truths.of(None) == Truths.of("usual") == Truths()
    assert Truths.of({"deleted": 2}).deleted == 2
    assert Truths.of(Truths(refunds=0.2)).refunds == 0.2
    assert Truths.of("none") == Truths(variation_lift=0.0, machine_opens=0.0, refunds=0.0, alike=True)
    assert Truths.of("all").send_hour > 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("some", r"truths='some'.*usual, none, all"),
        ({"hour": 1}, r"truths has no 'hour'\. Allowed are send_hour"),
        ({"send_hour": -1}, r"send_hour=-1.*from 0 to 2"),
        ({"refunds": True}, r"refunds=True"),
        ({"deleted": 1.5}, r"deleted=1\.5.*whole"),
        ({"alike": "yes"}, r"alike='yes'"),
        (5, "truths=5"),
    ],
)
def test_others_are_refused_with_what_is_allowed(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build_account(profiles=1, events=1, truths=given)


def test_the_usual_truths_change_nothing() -> None:
    one, other = (build_account(truths=truths, **SMALL) for truths in (None, Truths()))
    assert one.events.properties == other.events.properties


def test_machines_can_be_switched_off() -> None:
    for share, there in ((0.0, False), (1.0, True)):
        opens = shop_with(machine_opens=share).events("Opened Email")
        assert any(one.properties["machine_open"] for one in opens) == there


def test_renewals_are_marked_as_subscription_apps_do() -> None:
    def renewed(share: float) -> tuple[int, int]:
        orders = list(shop_with(renewals=share).events("Placed Order", "Shopify"))
        mine = [one for one in orders if "Subscription Recurring Order" in one.properties["tags"]]
        assert all(one.properties["Source Name"] == "subscription_contract" for one in mine)
        return len(mine), len(orders)

    assert renewed(0.0)[0] == 0
    assert renewed(1.0)[0] == renewed(1.0)[1] > 0
    some, whole = renewed(0.5)
    assert 0.3 < some / whole < 0.7


def test_refunds_follow_their_share() -> None:
    def refunded(share: float) -> float:
        story = shop_with(refunds=share)
        early = story.account.now - 30 * 86_400
        sent = {order_of(one) for one in story.events("Fulfilled Order", "Shopify") if one.time < early}
        back = {order_of(one) for one in story.events("Refunded Order", "Shopify")}
        return len(sent & back) / len(sent)

    assert refunded(0.0) == 0
    assert 0.35 < refunded(0.5) < 0.67


def test_deleted_campaigns_are_gone_and_their_events_stay() -> None:
    whole, less = shop_with(), shop_with(deleted=3)
    gone = set(whole.records["campaign"]) - set(less.records["campaign"])
    assert len(gone) == 3
    assert set(less.records["campaign"]) < set(whole.records["campaign"])
    messages = less.records["campaign-message"].values()
    assert not gone & {str(one.relationships["campaign"]) for one in messages}
    assert [one.properties["$message"] for one in less.events("Received Email")] == [
        one.properties["$message"] for one in whole.events("Received Email")
    ]
    assert gone & {one.properties["$message"] for one in less.events("Received Email")}


def test_intervals_hold_what_was_planted_and_nothing_is_found_where_nothing_is() -> None:
    """The short version of `tests/benchmarks/coverage_of_truths.py`: of eight shops, at most two may be missed."""
    table = measure(range(1, 9)).table()
    assert (table["shops"] == 8).all()
    assert (table["covered"] >= 0.75).all(), table
    assert (table["false_alarms"].dropna() <= 0.25).all(), table


def test_rows_of_an_owner_that_share_a_second_are_moved_apart() -> None:
    owner, time = np.array([1, 1, 2, 1, 2, 1]), np.array([5, 5, 5, 6, 9, 20])
    assert apart(owner, time).tolist() == [5, 6, 5, 7, 9, 20]
    assert apart(owner[:0], time[:0]).tolist() == []


def test_earlier_rows_of_an_owner_are_counted_within_the_window() -> None:
    owner, time = np.array([1, 2, 1, 1, 1]), np.array([100, 100, 110, 120, 50])
    assert count_before(owner, time, 20).tolist() == [0, 0, 1, 2, 0]
