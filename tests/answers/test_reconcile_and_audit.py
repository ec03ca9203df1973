"""Why two numbers differ, and what is wrong with an account."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.frames import ReadingWarning
from klaviyo_analytics.sandbox.model import Account, Attribution
from tests.sandbox import accounts
from tests.shops import Shop, open_shop


def at(month: int, day: int) -> int:
    return int(datetime(2026, month, day, 16, tzinfo=UTC).timestamp())


def shop_of(orders: list[tuple[int, int | None, float]], *, now: int) -> Account:
    """Return an account with orders of Anna: when, when its campaign was sent (None: not attributed), value."""
    rows: list[tuple[int, str, str | None, float | None, dict[str, Any]]] = []
    credit: dict[str, Attribution] = {}
    for number, (ordered, sent, value) in enumerate(orders):
        if sent is not None:
            message = {"$event_id": f"r{number}", "$message": f"MSG{number}"}
            rows.append((sent, accounts.RECEIVED, accounts.ANNA, None, message))
            opened = {**message, "$event_id": f"o{number}"}
            rows.append((sent + 60, accounts.OPENED, accounts.ANNA, None, opened))
            credit[f"k{number}"] = Attribution(
                f"a{number}", "email", f"MSG{number}", sent, campaign=f"01C{number}"
            )
        held = {"$event_id": f"k{number}", "$value": value, "$value_currency": "USD", "OrderId": f"k{number}"}
        rows.append((ordered, accounts.PLACED, accounts.ANNA, value, held))
    log = accounts.events(rows)
    log.attribution[:] = [credit.get(str(held["$event_id"])) for held in log.properties]
    account = accounts.small_account(log)
    campaign, message_record = (
        account.records["campaign"]["01CAMP"],
        account.records["campaign-message"]["MSG1"],
    )
    for number, (_, sent, _) in enumerate(orders):
        if sent is None:
            continue
        attributes = {**campaign.attributes, "name": f"Campaign {number}", "send_time": accounts.iso(sent)}
        account.records["campaign"][f"01C{number}"] = replace(
            campaign, id=f"01C{number}", attributes=attributes
        )
        account.records["campaign-message"][f"MSG{number}"] = replace(
            message_record,
            id=f"MSG{number}",
            relationships={**message_record.relationships, "campaign": f"01C{number}"},
        )
    account.now = now
    return account


def test_sent_in_march_and_ordered_in_april() -> None:
    account = shop_of(
        [(at(4, 2), at(3, 31), 80.25), (at(4, 20), at(4, 18), 20.5), (at(4, 21), None, 7.0)], now=at(5, 30)
    )
    with open_shop(account=account) as shop:
        april = shop.client.reconcile("2026-04", conversion_metric="Placed Order")
        march = shop.client.reconcile("2026-03", conversion_metric="Placed Order")
    roads = april.roads.set_index(["road", "scope"])["revenue"]
    assert roads["raw events", "all"] == pytest.approx(107.75)
    assert roads["metric aggregates", "all"] == pytest.approx(107.75)
    assert roads["raw events", "attributed"] == pytest.approx(100.75)
    assert roads["metric aggregates", "attributed"] == pytest.approx(100.75)
    assert roads["reports: campaigns and flows", "attributed"] == pytest.approx(20.5)
    assert roads["summaries: campaigns and flows", "attributed"] == pytest.approx(20.5)
    steps = april.bridge.set_index("step")["amount"]
    assert steps["by order (event)"] == pytest.approx(100.75)
    assert steps["sent before the period"] == pytest.approx(-80.25)
    assert steps["not explained"] == 0
    assert steps["reported"] == pytest.approx(20.5)
    assert march.bridge.set_index("step")["amount"]["ordered after the period"] == pytest.approx(80.25)
    assert march.bridge.set_index("step")["amount"]["reported"] == pytest.approx(80.25)
    opened = april.orders("sent before the period")
    assert opened["by_send"].sum() - opened["by_order"].sum() == pytest.approx(-80.25)
    assert len(opened) == 1
    with pytest.raises(InvalidInputError, match="is not in the bridge"):
        april.orders("magic")


def test_every_month_of_a_shop_closes_to_the_cent() -> None:
    with open_shop(profiles=400, events=10_000) as shop:
        for month in ("2025-11", "2026-02", "2026-05"):
            why = shop.client.reconcile(month)
            steps = why.bridge.set_index("step")["amount"]
            assert steps.iloc[:-1].sum() == pytest.approx(steps["reported"], abs=0.005)
            assert abs(steps["not explained"]) < 0.005
            for step in steps.index[1:-2]:
                opened = why.orders(step)
                assert (opened["by_send"] - opened["by_order"]).sum() == pytest.approx(steps[step], abs=0.005)
            assert why.rates.set_index("rate").loc["click_rate", "reproduced_by"] is not None


def test_a_month_without_orders() -> None:
    with open_shop(account=shop_of([(at(4, 2), at(3, 31), 80.0)], now=at(5, 30))) as shop:
        why = shop.client.reconcile("2026-01", conversion_metric="Placed Order")
    assert why.bridge["amount"].sum() == 0
    assert why.details.empty


FURTHER = ["orders left out", "other currencies", "refunds", "clock", "machine filters", "late rows"]


def closes(why: Any) -> Any:
    """The amounts of the bridge, after a check that they add up and that each step opens to its orders."""
    steps = why.bridge.set_index("step")["amount"]
    assert steps.iloc[:-1].sum() == pytest.approx(steps["reported"], abs=0.005)
    for step in steps.index[1:-2]:
        opened = why.orders(step)
        assert (opened["by_send"] - opened["by_order"]).sum() == pytest.approx(steps[step], abs=0.005)
        assert why.bridge.set_index("step")["orders"][step] == opened["order_id"].nunique()
    return steps


@pytest.fixture(scope="module")
def large() -> Iterator[Shop]:
    """A shop in which December has orders of each kind; machines earned every other attributed order."""
    with open_shop(profiles=800, events=40_000, seed=4) as shop:
        credit = shop.client.events.attributions(metric=("Placed Order", "Shopify"), timeframe="2025-12")
        log = shop.account.events
        for id in credit["attributed_event_id"].dropna().unique()[::2]:
            place = log.ids.index(id)
            log.properties[place] = {**log.properties[place], "machine_open": True}
        yield shop


class TestFurtherReasons:
    def test_a_report_that_adds_two_currencies(self) -> None:
        with open_shop(profiles=800, events=40_000, currencies=("USD", "EUR")) as shop:
            with pytest.warns(ReadingWarning, match="reports add them unconverted"):
                why = shop.client.reconcile("2025-Q4")
            euros = shop.client.events.attributions(metric=("Placed Order", "Shopify"), timeframe="2025-Q4")
        steps = closes(why)
        assert (euros["value_currency"] == "EUR").any()
        assert steps["other currencies"] > 0
        assert steps["not explained"] == pytest.approx(0, abs=0.005)
        assert set(why.orders("other currencies")["currency"]) == {"EUR"}
        roads = why.roads.set_index(["road", "scope", "currency"])["revenue"]
        for scope in ("all", "attributed"):
            for code in ("EUR", "USD"):
                by_event = roads["raw events", scope, code]
                assert roads["metric aggregates", scope, code] == pytest.approx(by_event, abs=0.005)
        added = why.roads[why.roads["road"].str.contains("campaigns and flows")]
        assert len(added) == 2
        assert added["currency"].isna().all(), "sums of two currencies have none"

    def test_orders_that_conditions_leave_out(self, shop: Shop) -> None:
        log = shop.account.events
        credited = [row for row, credit in enumerate(log.attribution) if credit is not None]
        for row in credited[::2]:
            log.properties[row] = {**log.properties[row], "tags": ["Subscription Recurring Order"]}
        whole = closes(shop.client.reconcile("2025-12"))
        why = shop.client.reconcile("2025-12", orders={"renewals": False})
        steps = closes(why)
        assert steps["reported"] == whole["reported"]
        assert steps["by order (event)"] < whole["by order (event)"]
        assert steps["orders left out"] > 0
        assert abs(steps["not explained"]) < 0.005
        assert whole["orders left out"] == 0

    @pytest.mark.parametrize("reason", ["refunds", "clock", "machine filters", "late rows"])
    def test_a_report_that_counts_in_its_own_way(
        self, large: Shop, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = importlib.import_module("klaviyo_analytics.answers.reconcile")
        month, shop, real = "2025-12", large, module._report
        found: dict[str, Any] = {}
        if reason == "late rows":  # from the last days of the month to now
            monkeypatch.setattr(module, "LATE", timedelta(days=210))
        further = module._further

        def noted(*args: Any) -> Any:
            found.update(further(*args))
            return found

        monkeypatch.setattr(module, "_further", noted)
        plain = closes(shop.client.reconcile(month))
        assert {plain[step] for step in FURTHER} == {0.0}
        change = float(found[reason]["by_send"].sum())
        assert change != 0, "the month has to hold such orders"

        def changed(*args: Any) -> Any:
            report = real(*args)
            report.loc[0, "conversion_value"] += change
            return report

        monkeypatch.setattr(module, "_report", changed)
        steps = closes(shop.client.reconcile(month))
        assert steps[reason] == pytest.approx(change)
        assert {steps[step] for step in FURTHER if step != reason} == {0.0}
        assert steps["not explained"] == pytest.approx(0, abs=0.005)

    def test_what_no_reason_explains_stays_unexplained(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = importlib.import_module("klaviyo_analytics.answers.reconcile")
        real = module._report

        def changed(*args: Any) -> Any:
            report = real(*args)
            report.loc[0, "conversion_value"] += 1234.56
            return report

        monkeypatch.setattr(module, "_report", changed)
        steps = closes(shop.client.reconcile("2026-06"))
        assert steps["not explained"] == pytest.approx(1234.56, abs=0.005)
        assert {steps[step] for step in FURTHER} == {0.0}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop(profiles=400, events=10_000) as shop:
        yield shop


def flow_named(shop: Shop, word: str) -> str:
    return next(id for id, flow in shop.account.records["flow"].items() if word in flow.attributes["name"])


# the shop has a second integration that sends these, too
DOUBLE = ["Cancelled Order", "Fulfilled Order", "Ordered Product", "Refunded Order"]


def metric_of(shop: Shop, name: str, owner: str) -> Any:
    metrics = shop.account.records["metric"].values()
    (found,) = [
        one
        for one in metrics
        if (one.attributes["name"], (one.attributes["integration"] or {}).get("name")) == (name, owner)
    ]
    return found


def test_a_draft_welcome_flow_and_a_duplicate_metric_are_two_findings(shop: Shop) -> None:
    flow = flow_named(shop, "Welcome")
    shop.account.records["flow"][flow].attributes["status"] = "draft"
    for name in ["Placed Order", *DOUBLE]:  # what is left is the till's
        metric_of(shop, name, "API").attributes["name"] += " (API)"
    found = shop.client.audit()
    assert found[["check", "weight", "subject"]].to_numpy().tolist() == [
        ["standard flow is not live", "high", "Welcome Series"],
        ["duplicate metric", "high", "Placed Order"],
    ]
    assert flow in found["evidence"][0]
    for owner in ("Shopify", "Point of Sale"):
        assert f"{metric_of(shop, 'Placed Order', owner).id} ({owner})" in found["evidence"][1]
    assert found["action"].str.len().gt(0).all()
    assert found.attrs["not_checked"] == []


def test_all_metrics_that_integrations_share_are_one_finding(shop: Shop) -> None:
    found = shop.client.audit()
    assert found[["check", "weight", "subject"]].to_numpy().tolist() == [
        ["duplicate metric", "high", ", ".join(["Placed Order", *DOUBLE])]
    ]
    evidence = str(found["evidence"][0])
    assert evidence.startswith("11 metrics of 5 names.")
    for name in ["Placed Order", *DOUBLE]:
        for owner in ("Shopify", "API"):
            assert f"{metric_of(shop, name, owner).id} ({owner})" in evidence


def test_names_that_other_integrations_share_are_a_finding_of_their_own(shop: Shop) -> None:
    metric_of(shop, "Active on Site", "API").attributes["name"] = "Opened Push"
    found = shop.client.audit()
    assert found[["weight", "subject"]].to_numpy().tolist() == [
        ["high", ", ".join(["Placed Order", *DOUBLE])],
        ["medium", "Opened Push"],
    ]


@pytest.mark.parametrize("name", ["Started Checkout", "Checkout Started"])
def test_a_shop_with_a_checkout_of_either_name_needs_a_cart_flow(shop: Shop, name: str) -> None:
    for one in shop.account.records["metric"].values():
        if "Checkout" in one.attributes["name"] and one.attributes["name"] != name:
            one.attributes["name"] = "Something else"
    shop.account.records["flow"][flow_named(shop, "Cart")].attributes["name"] = "Something else"
    found = shop.client.audit().set_index("check")
    assert found.loc["standard flow is missing", "subject"] == "abandoned cart"


def test_a_shop_without_a_checkout_needs_no_cart_flow(shop: Shop) -> None:
    for one in shop.account.records["metric"].values():
        if "Checkout" in one.attributes["name"]:
            one.attributes["name"] += " (old)"
    shop.account.records["flow"][flow_named(shop, "Cart")].attributes["name"] = "Something else"
    assert "standard flow is missing" not in set(shop.client.audit()["check"])


def test_findings_go_away_with_their_cause(shop: Shop) -> None:
    metrics = shop.account.records["metric"]
    for one in metrics.values():
        owner = (one.attributes["integration"] or {}).get("name")
        if owner == "Point of Sale" or (
            owner == "API" and one.attributes["name"] in ["Placed Order", *DOUBLE]
        ):
            one.attributes["name"] += f" ({owner})"
    assert shop.client.audit().empty


def test_a_missing_flow_and_orders_without_value_are_found(shop: Shop) -> None:
    shop.account.records["flow"][flow_named(shop, "Cart")].attributes["name"] = "Something else"
    log = shop.account.events
    names = {id: one.attributes["name"] for id, one in shop.account.records["metric"].items()}
    last = [row for row in range(len(log.ids)) if names[log.metric_ids[log.metric[row]]] == "Placed Order"][
        -3:
    ]
    for row in last:
        log.properties[row] = {key: value for key, value in log.properties[row].items() if key != "$value"}
    found = shop.client.audit().set_index("check")
    assert found.loc["standard flow is missing", "subject"] == "abandoned cart"
    assert str(found.loc["orders without a value", "evidence"]).startswith("3 of ")
