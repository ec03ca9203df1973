"""The order of a flow's messages: what can be sent before stands before."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pandas as pd

from klaviyo_analytics.resources.flows import message_positions
from tests.reports.accounts import Visits

YEAR = ("2025-07-01", "2026-07-01")


def sends(message: str) -> dict[str, Any]:
    return {"message": {"id": message, "name": "any"}, "status": "live"}


def order(actions: dict[str, tuple[Any, Any]]) -> list[str]:
    """Order the messages of one flow, of actions with what they link to and what is in them."""
    flow = {
        "id": ["F"],
        "flow_action_ids": [list(actions)],
        "flow_actions.definition.links": [[links for links, _ in actions.values()]],
        "flow_actions.definition.data": [[data for _, data in actions.values()]],
    }
    positions = message_positions(pd.DataFrame(flow))
    assert list(positions.values()) == list(range(1, len(positions) + 1))
    return [message for _, message in positions]


def test_links_decide_not_the_order_of_the_answer() -> None:
    wait: dict[str, Any] = {"unit": "days", "value": 1}
    actions = {
        "4": ({"next": None}, sends("second")),
        "3": ({"next": "4"}, wait),
        "2": ({"next": "3"}, sends("first")),
        "1": ({"next": "2"}, wait),
    }
    assert order(actions) == ["first", "second"]


def test_branches_come_one_after_another_and_before_what_follows_both() -> None:
    actions = {
        "6": ({"next": None}, sends("to all")),
        "5": ({"next": "6"}, sends("no")),
        "4": ({"next": "6"}, sends("yes 2")),
        "3": ({"next": "4"}, sends("yes 1")),
        "1": ({"next_if_true": "3", "next_if_false": "5"}, {}),
    }
    for answer in permutations(actions):
        assert order({id: actions[id] for id in answer}) == ["yes 1", "yes 2", "no", "to all"]


def test_a_split_of_many_branches_keeps_its_links_inside() -> None:
    branches = [{"links": {"next": name}} for name in ("2", "3", "4")]
    actions = {
        "4": (None, sends("c")),
        "3": (None, sends("b")),
        "2": (None, sends("a")),
        "1": (None, {"branches": branches}),
    }
    assert order(actions) == ["a", "b", "c"]


def test_a_test_holds_its_variations() -> None:
    variations = [{"id": "11", "data": sends("A")}, {"id": "12", "data": sends("B")}]
    tried = {
        "main_action": {"id": "10", "data": sends("A")},
        "current_experiment": {"variations": variations},
    }
    assert order({"2": ({"next": None}, sends("last")), "1": ({"next": "2"}, tried)}) == ["A", "B", "last"]


def test_a_link_to_nowhere_and_an_action_without_data_are_no_error() -> None:
    assert order({"1": ({"next": "gone"}, sends("only")), "2": (None, None)}) == ["only"]
    assert order({}) == []


def test_the_summary_stands_in_the_order_of_the_flow(visits: Visits) -> None:
    client = visits.connect()
    summary = client.flows.summary(YEAR, by="message")
    assert summary["message_position"].dtype == "Int64"
    for flow, told in summary.groupby("flow_id"):
        record = visits.shop.sandbox.account.records["flow"][str(flow)]
        sent = [
            action["data"]["message"]["id"]
            for action in record.attributes["definition"]["actions"]
            if action["type"].startswith("send")
        ]
        places = [sent.index(message) + 1 for message in told["flow_message_id"]]
        assert told["message_position"].tolist() == places == sorted(places)
    carts = summary[summary["flow"] == "Abandoned Cart"]
    assert not carts["recipients"].is_monotonic_decreasing, "the largest first would be another order"


def test_the_order_takes_no_request_of_its_own(visits: Visits) -> None:
    visits.connect().flows.summary(YEAR, by="message")
    assert visits.calls() == {
        "accounts": 1, "revenue": 1, "flow-values-reports": 1, "flows": 1, "metric-aggregates": 1,
    }  # fmt: skip


def test_what_the_flow_no_longer_sends_stands_last_without_a_place(visits: Visits) -> None:
    flows = visits.shop.sandbox.account.records["flow"]
    client = visits.connect()
    summary = client.flows.summary(YEAR, by="message")
    flow = summary["flow_id"][summary["flow"] == "Abandoned Cart"].iloc[0]
    first = summary["flow_message_id"][summary["flow_id"] == flow].iloc[0]
    actions = visits.shop.sandbox.account.records["flow-action"]
    (sending,) = (
        action
        for action in actions.values()
        if (action.attributes["definition"]["data"].get("message") or {}).get("id") == first
    )
    held = sending.attributes["definition"]["data"].pop("message")
    try:
        told = visits.connect().flows.summary(YEAR, by="message")
    finally:
        sending.attributes["definition"]["data"]["message"] = held
    told = told[told["flow_id"] == flow]
    assert flows[flow].attributes["name"] == "Abandoned Cart"
    assert told["flow_message_id"].iloc[-1] == first
    assert told["message_position"].isna().tolist() == [False, False, True]
