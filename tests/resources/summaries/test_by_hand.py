"""Every number of a summary made again by hand, from the events one by one, and its rates with their denominators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.reports.accounts import SHOPIFY, Visits
from tests.reports.accounts import visits as visiting
from tests.resources.shop import serving
from tests.resources.summaries.test_roads import ZONE, sent_orders
from tests.shops import Shop

YEAR = ("2025-07-01", "2026-07-01")
RECEIVED = ("Received Email", "Received Text Message", "Received Push")
ACTS = {
    "opens": ("Opened Email", "Opened Push"),
    "clicks": ("Clicked Email", "Clicked Text Message"),
    "unsubscribes": ("Unsubscribed from Email Marketing", "Unsubscribed from Text Message Marketing"),
    "spam_complaints": ("Marked Email as Spam",),
}
RATES = [
    "delivery_rate", "bounce_rate", "open_rate", "click_rate", "click_to_open_rate", "unsubscribe_rate",
    "spam_complaint_rate", "conversion_rate", "average_order_value", "revenue_per_recipient",
]  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with serving(profiles=600, events=16_000, seed=7) as shop:  # large enough for two complaints
        yield shop


@pytest.fixture(scope="module")
def visits(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visits]:
    yield from visiting(shop, tmp_path_factory.mktemp("hand"))


@pytest.fixture(scope="module")
def client(visits: Visits) -> KlaviyoClient:
    return visits.connect()


@pytest.fixture(scope="module")
def by_hand(client: KlaviyoClient, shop: Shop) -> pd.DataFrame:
    """Count for each message what its sends of the year came to; an act belongs to the send before it."""
    events = client.events.list(timeframe=("2025-05-01", "2026-07-02"), properties=["$message"])
    events = events.rename(columns={"event_properties.$message": "message"}).dropna(subset=["message"])
    names = client.metrics.list().set_index("id")["name"]
    events["what"] = events["metric_id"].map(names)
    events = events.sort_values("datetime", kind="stable")
    who = ["profile_id", "message"]
    sends = events[events["what"].isin(RECEIVED)].assign(sent=lambda rows: rows["datetime"])
    events = pd.merge_asof(events, sends[[*who, "datetime", "sent"]], on="datetime", by=who)
    sent = events["sent"].fillna(events["datetime"])  # who never received it, bounced
    start, end = (pd.Timestamp(day, tz=ZONE) for day in YEAR)
    events = events[(sent >= start) & (sent < end)]
    made: dict[str, Any] = {
        "delivered": _events(events, RECEIVED),
        "bounced": _events(events, ("Bounced Email",)),
        "failed": _events(events, ("Failed to Deliver Text Message",)),
    }
    made |= {name: _events(events, acts) for name, acts in ACTS.items()}
    for name, people in (
        ("opens", "opens_unique"), ("clicks", "clicks_unique"), ("unsubscribes", "unsubscribe_uniques"),
    ):  # fmt: skip
        acts = events[events["what"].isin(ACTS[name])]
        made[people] = acts.groupby("message")["profile_id"].nunique()
    orders = sent_orders(shop.sandbox)
    # what events call a campaign's message is the campaign
    of_campaign = {
        str(message.relationships["campaign"]): id_
        for id_, message in shop.account.records["campaign-message"].items()
    }
    made = {name: counts.rename(index=of_campaign) for name, counts in made.items()}
    sold = orders[(orders["sent"] >= start) & (orders["sent"] < end)].groupby("message")
    made |= {"conversions": sold["value"].count(), "conversion_value": sold["value"].sum()}
    made["conversion_uniques"] = sold["profile"].nunique()
    counted = pd.DataFrame(made).fillna(0)
    counted["recipients"] = counted["delivered"] + counted["bounced"] + counted["failed"]
    return counted


def _events(events: pd.DataFrame, names: tuple[str, ...]) -> pd.Series[Any]:
    return events[events["what"].isin(names)].groupby("message")["profile_id"].count()


@pytest.fixture(scope="module")
def summaries(client: KlaviyoClient) -> dict[str, pd.DataFrame]:
    query: dict[str, Any] = {"by": "message", "conversion_metric": SHOPIFY}
    return {
        "campaign": client.campaigns.summary(YEAR, **query).set_index("campaign_message_id"),
        "flow": client.flows.summary(YEAR, **query).set_index("flow_message_id"),
    }


def test_the_shop_has_something_of_everything(by_hand: pd.DataFrame) -> None:
    assert (by_hand.sum() > 0).all(), "a column of zeros would prove nothing"


@pytest.mark.parametrize("kind", ["campaign", "flow"])
def test_the_counts_of_every_message(
    summaries: dict[str, pd.DataFrame], by_hand: pd.DataFrame, kind: str
) -> None:
    summary = summaries[kind]
    hand = by_hand.reindex(summary.index, fill_value=0)
    for name in (
        "recipients", "delivered", "bounced", "opens", "opens_unique", "clicks", "clicks_unique",
        "unsubscribe_uniques", "spam_complaints", "conversions", "conversion_uniques",
    ):  # fmt: skip
        told = summary[name].dropna()
        assert told.to_dict() == hand[name].loc[told.index].astype(int).to_dict(), name
    assert summary["conversion_value"].to_dict() == pytest.approx(hand["conversion_value"].to_dict())


def test_the_rates_of_the_campaign_and_the_flow_that_sold_most(
    client: KlaviyoClient, summaries: dict[str, pd.DataFrame], by_hand: pd.DataFrame
) -> None:
    campaigns = summaries["campaign"].query("channel == 'email'").sort_values("conversions")
    _check(campaigns.iloc[-1], by_hand.loc[campaigns.index[-1:]])
    flow = client.flows.summary(YEAR, conversion_metric=SHOPIFY).sort_values("conversions").iloc[-1]
    messages = summaries["flow"]
    assert "email" in flow["channel"]
    _check(flow, by_hand.loc[messages.index[messages["flow_id"] == flow["flow_id"]]])


def _check(told: pd.Series[Any], messages: pd.DataFrame) -> None:
    """Divide by hand: what each rate is a share of."""
    hand = messages.sum()
    # Nobody can see whether a text message is opened, so its deliveries and clicks do not count for opens.
    seen = messages[messages["opens_unique"] > 0].sum()
    delivered, recipients = hand["delivered"], hand["recipients"]
    assert delivered > 20
    assert hand["conversions"] > 0
    assert told["delivery_rate"] == pytest.approx(delivered / recipients)
    assert told["bounce_rate"] == pytest.approx(hand["bounced"] / recipients)
    assert told["open_rate"] == pytest.approx(seen["opens_unique"] / seen["delivered"])
    assert told["click_rate"] == pytest.approx(hand["clicks_unique"] / delivered)
    assert told["click_to_open_rate"] == pytest.approx(seen["clicks_unique"] / seen["opens_unique"])
    assert told["unsubscribe_rate"] == pytest.approx(hand["unsubscribe_uniques"] / delivered)
    assert told["spam_complaint_rate"] == pytest.approx(hand["spam_complaints"] / delivered)
    assert told["average_order_value"] == pytest.approx(hand["conversion_value"] / hand["conversions"])
    assert told["revenue_per_recipient"] == pytest.approx(hand["conversion_value"] / recipients)
    assert told["conversion_rate"] == pytest.approx(hand["conversion_uniques"] / delivered)


@pytest.mark.parametrize("kind", ["campaign", "flow"])
def test_klaviyo_s_own_rates_are_ours(
    client: KlaviyoClient, summaries: dict[str, pd.DataFrame], kind: str
) -> None:
    ask: Any = client.reports.campaign_values if kind == "campaign" else client.reports.flow_values
    report = ask(timeframe=YEAR, statistics=[*RATES, "recipients", "opens"], conversion_metric=SHOPIFY)
    report = report.set_index(f"{kind}_message_id")
    summary = summaries[kind].reindex(report.index)
    for rate in RATES:
        known = summary[rate].notna() & report[rate].notna()
        assert known.sum() > 3, rate
        ours, theirs = summary.loc[known, rate], report.loc[known, rate]
        pd.testing.assert_series_equal(ours, theirs, check_names=False, check_dtype=False, obj=rate)
