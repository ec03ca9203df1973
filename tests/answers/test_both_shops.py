"""Analyses work on events of Shopify and of the developer guide, under old and new names, by either id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import analysis
from klaviyo_analytics.answers.source import Source
from klaviyo_analytics.client import KlaviyoClient
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


@pytest.fixture(scope="module", params=["new", "old"])
def texting(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with open_shop(profiles=400, events=9_000, text_names=request.param, form_names=request.param) as shop:
        yield shop


def logged(shop: Shop, *names: str) -> pd.DataFrame:
    """The shop's own record of some metrics: when, who, and which metric."""
    log = shop.account.events
    metric = pd.Series([shop.account.records["metric"][id].attributes["name"] for id in log.metric_ids])
    frame = pd.DataFrame({"metric": metric.to_numpy()[log.metric], "time": log.time, "profile": log.profile})
    return frame[frame["metric"].isin(names)]


RECEIVED = ("Received Text Message", "Received SMS")
CLICKED = ("Clicked Text Message", "Clicked SMS")
EVER = "last 450 days"


def test_texts_are_read_under_their_old_and_their_new_names(texting: Shop) -> None:
    source = Source(texting.client._context)
    sent, clicked = logged(texting, *RECEIVED), logged(texting, *CLICKED)
    assert min(len(sent), len(clicked)) > 5
    read = source.messages(["Received Text Message", "Clicked Text Message", "Opened Email"], EVER)
    counts = read["metric"].value_counts().to_dict()
    assert counts.pop("Opened Email") > 100
    assert counts == {"Received Text Message": len(sent), "Clicked Text Message": len(clicked)}
    touches = source.touches(source.timeframe(EVER))
    texts = touches[touches["channel"] == "text"]
    assert texts["interaction"].value_counts().to_dict() == {"delivery": len(sent), "click": len(clicked)}
    assert texts["received"].notna().all()


def test_analyses_of_texts_are_the_same_under_both_names(texting: Shop) -> None:
    analyses = texting.client.analyses
    assert analyses.send_times(EVER, channel="text")["sends"].sum() == len(logged(texting, *RECEIVED))
    assert len(analyses.links(EVER, channel="text"))
    steps = ["Received Text Message", "Clicked Text Message"]
    funnel = analyses.ordered_funnel(steps, EVER)
    assert funnel["step"].tolist() == steps
    assert funnel["profiles"].iloc[0] == logged(texting, *RECEIVED)["profile"].nunique()
    assert funnel["profiles"].iloc[1] > 0


def test_an_account_that_has_both_names_has_its_history_under_both(texting: Shop) -> None:
    metrics = texting.account.records["metric"]
    (received,) = [one for one in metrics.values() if one.attributes["name"] in RECEIVED]
    (failed,) = [one for one in metrics.values() if one.attributes["name"].startswith("Failed to Deliver")]
    (other,) = {*RECEIVED} - {received.attributes["name"]}
    was, failed.attributes["name"] = failed.attributes["name"], other
    try:
        texting.client._context.metrics = None  # as in a new client
        ids = Source(texting.client._context).existing([RECEIVED[0]])
    finally:
        failed.attributes["name"], texting.client._context.metrics = was, None
    assert set(ids) == {received.id, failed.id}


YEAR = "last 365 days"


@pytest.fixture(scope="module", params=["2026-01-15", "2026-10-15"])
def clients(request: pytest.FixtureRequest) -> Iterator[tuple[KlaviyoClient, KlaviyoClient]]:
    """A client of an account whose reports have the message's own id, and one of an account with the campaign's."""
    options: Any = {"profiles": 200, "events": 4_000, "progress": False, "revision": request.param}
    with ka.demo(**options) as own, ka.demo(message_ids="campaign", **options) as campaign:
        yield own, campaign


class TestReportsThatNameMessagesByEitherId:
    """Some accounts' reports have the campaign's id as `campaign_message_id`."""

    @pytest.mark.parametrize("by", ["message", "variation"])
    def test_names_subjects_and_tags_are_the_same(
        self, clients: tuple[KlaviyoClient, KlaviyoClient], by: Any
    ) -> None:
        own, campaign = (client.campaigns.summary(YEAR, by=by) for client in clients)
        assert (campaign["campaign_message_id"] == campaign["campaign_id"]).all()
        assert (own["campaign_message_id"] != own["campaign_id"]).all()
        assert own["subject"].notna().sum() > 20
        pd.testing.assert_frame_equal(
            campaign.drop(columns="campaign_message_id"), own.drop(columns="campaign_message_id")
        )

    def test_messages_are_chosen_by_that_id(self, clients: tuple[KlaviyoClient, KlaviyoClient]) -> None:
        for client in clients:
            rows = client.reports.campaign_values(timeframe=YEAR)
            one = rows.iloc[[0]]
            name = one["campaign_message_id"].item()
            asked = client.reports.campaign_values(timeframe=YEAR, filter=ka.F.campaign_message_id == name)
            pd.testing.assert_frame_equal(asked, one.reset_index(drop=True), check_dtype=False)

    def test_opens_and_clicks_are_counted_for_their_message(
        self, clients: tuple[KlaviyoClient, KlaviyoClient]
    ) -> None:
        made = []
        for client in clients:
            summary = client.campaigns.summary(YEAR, by="message")
            events = client.events.list(
                metric=["Opened Email", "Clicked Email"], properties=["$message", "machine_open", "Bot Click"]
            )
            events = events.rename(columns=lambda name: str(name).removeprefix("event_properties."))
            events = events.rename(columns={"$message": "campaign_message_id"})
            flags = {name: events[name].astype("boolean") for name in ("machine_open", "Bot Click")}
            counted = analysis.adjusted_engagement(summary, events.assign(**flags))
            both = counted.merge(summary, on="campaign_message_id", suffixes=("", "_reported"))
            emails = both[both["channel"] == "email"]
            assert emails["openers"].sum() == emails["opens_unique"].sum() > 20
            made.append(emails["human_openers"].sort_values().tolist())
        assert made[0] == made[1]

    @pytest.mark.parametrize("name", ["subject_lines", "coupons", "links", "attribution", "ab_test"])
    def test_analyses_are_the_same(self, clients: tuple[KlaviyoClient, KlaviyoClient], name: str) -> None:
        asked: list[Any] = []
        if name == "ab_test":
            rows = clients[0].campaigns.summary(YEAR, by="variation").dropna(subset="variation")
            asked = [rows["campaign_id"].iloc[0]]
        own, campaign = (getattr(client.analyses, name)(*asked) for client in clients)
        assert len(own)
        pd.testing.assert_frame_equal(campaign, own)


class TestCheckoutsOfEitherName:
    NAMES = ("Started Checkout", "Checkout Started")

    @pytest.mark.parametrize("name", NAMES)
    def test_the_funnel_counts_both(self, shop: Shop, name: str) -> None:
        frame = shop.client.analyses.ordered_funnel([name, "Placed Order"], EVER)
        assert frame["step"].tolist() == [name, "Placed Order"]
        assert frame["profiles"].iloc[0] == logged(shop, *self.NAMES)["profile"].nunique()

    def test_each_counts_alone_where_both_are_steps(self, shop: Shop) -> None:
        frame = shop.client.analyses.ordered_funnel(self.NAMES, EVER)
        assert frame["profiles"].iloc[0] == logged(shop, self.NAMES[0])["profile"].nunique()

    @pytest.mark.parametrize("name", NAMES)
    def test_one_is_enough(self, name: str) -> None:
        with open_shop(profiles=200, events=4_000) as shop:
            for one in shop.account.records["metric"].values():
                if one.attributes["name"] in self.NAMES and one.attributes["name"] != name:
                    one.attributes["name"] = "Something else"
            frame = shop.client.analyses.ordered_funnel(timeframe=EVER)
            expected = logged(shop, name)["profile"].nunique()
        assert frame["step"].tolist() == ["Viewed Product", "Started Checkout", "Placed Order"]
        assert 0 < frame["profiles"].iloc[1] <= expected


def test_forms_are_counted_under_both_names(texting: Shop) -> None:
    client, names = texting.client, ("Submitted Form", "Form submitted by profile")
    sent = logged(texting, *names)
    assert len(sent) > 5
    events = [client.events.list(metric=name, timeframe=EVER, properties="columns") for name in names]
    assert [len(frame) for frame in events] == [len(sent)] * 2
    assert set(events[0]["metric"]) <= set(names)
    assert ("event_properties.device_type" in events[0]) == (events[0]["metric"].iloc[0] == names[1])
    reported = client.reports.form_values(timeframe="last 12 months", statistics=["submits", "viewed_form"])
    for name in names:
        counted = client.metric_aggregates.query(
            name, by="form_id", interval="month", timeframe="last 12 months"
        )
        assert counted.groupby("form_id")["count"].sum().to_dict() == {
            form: count for form, count in zip(reported["form_id"], reported["submits"], strict=True) if count
        }
    steps = ["Viewed Form", "Submitted Form"]
    assert client.analyses.ordered_funnel(steps, EVER)["profiles"].min() > 5
