"""What reads properties of orders works on Shopify's events and on those of the developer guide."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_analytics import analysis
from tests.shops import Shop, open_shop

SHOPS = [("Placed Order", "Shopify"), ("Placed Order", "API")]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop(profiles=400, events=9_000, currencies=("USD", "EUR")) as shop:
        yield shop


@pytest.mark.parametrize("metric", SHOPS, ids=lambda metric: metric[1])
def test_orders_have_currency_value_and_an_id_that_refunds_have_too(
    shop: Shop, metric: tuple[str, str]
) -> None:
    orders = analysis.normalise_orders(shop.client.events.list(metric=metric))
    assert len(orders) > 20
    assert orders["order_id"].is_unique
    assert set(orders["currency"]) == {"USD", "EUR"}
    assert (orders["value"] > 0).all()
    assert orders["source"].notna().all()
    sent = analysis.normalise_orders(shop.client.events.list(metric=("Fulfilled Order", metric[1])))
    assert len(sent) > 10
    assert set(sent["order_id"]) <= set(orders["order_id"])


@pytest.mark.parametrize("metric", SHOPS, ids=lambda metric: metric[1])
def test_the_lines_of_orders_add_up(shop: Shop, metric: tuple[str, str]) -> None:
    events = shop.client.events.list(metric=metric)
    lines = analysis.order_items(events)
    assert set(lines["source"]) == {"$extra.line_items" if metric[1] == "Shopify" else "Items"}
    assert lines[["product", "sku", "quantity", "price", "line_total"]].notna().all(axis=None)
    gross = lines.groupby("order_id")["line_total"].sum()
    for order, held in zip(events["id"], events["event_properties"], strict=True):
        off = float(held.get("Total Discounts", 0))
        assert gross[order] - off == pytest.approx(held["$value"])


@pytest.mark.parametrize("metric", SHOPS, ids=lambda metric: metric[1])
def test_attributions_aggregates_and_orders_know_the_currency(shop: Shop, metric: tuple[str, str]) -> None:
    credit = shop.client.events.attributions(metric=metric, unattributed=True)
    assert set(credit["value_currency"]) == {"USD", "EUR"}
    sums = (credit["value"] * credit["weight"]).groupby(credit["value_currency"]).sum()
    aggregates = shop.client.metric_aggregates.query(
        metric, measurements="sum_value", interval="month", by="$value_currency", timeframe="last 450 days"
    )
    by_currency = aggregates.groupby("value_currency")["sum_value"].sum()
    assert by_currency.to_dict() == pytest.approx(sums.to_dict())
