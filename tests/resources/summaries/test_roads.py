"""Different roads to the same number agree to the cent; where they should not, it is known by how much and why."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import Timeframe, analysis
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from tests.reports.accounts import SHOPIFY, Visits

ZONE = "America/New_York"
LIFE = ("2025-05-26", "2026-07-01")  # all that ever happened in the shop, more than a year
MONTHS = [f"2025-{month:02}" for month in range(6, 13)] + [f"2026-{month:02}" for month in range(1, 7)]


def raw_orders(client: KlaviyoClient) -> pd.DataFrame:
    """Read every order with what it is credited to, event by event."""
    metric, _ = client.metrics.find(name=SHOPIFY[0], integration=SHOPIFY[1])[["id", "name"]]
    query = {"filter": f'equals(metric_id,"{metric}")', "include": "attributions", "page[size]": 1000}
    document = client.request("GET", "/api/events", params=query)
    assert not document["links"].get("next"), "one page is enough for this shop"
    credits_ = {one["id"]: one["relationships"] for one in document["included"]}
    rows = []
    for event in document["data"]:
        of = event["relationships"]["attributions"]["data"]
        credit = credits_[of[0]["id"]] if of else {}
        flow, message = (_id(credit, f"flow{end}") for end in ("", "-message"))
        about = event["attributes"]
        value = about["event_properties"]["$value"]
        who = event["relationships"]["profile"]["data"]["id"]
        rows.append((about["datetime"], value, flow, message or _id(credit, "campaign-message"), who))
    frame = pd.DataFrame(rows, columns=["datetime", "value", "flow", "message", "profile"])
    frame["datetime"] = pd.to_datetime(frame["datetime"], utc=True).dt.tz_convert(ZONE)
    return frame


def _id(credit: dict[str, Any], name: str) -> str | None:
    found: str | None = credit.get(name, {}).get("data", {}).get("id")
    return found


def sent_orders(sandbox: Sandbox) -> pd.DataFrame:
    """Ask the shop itself when what an order is credited to was sent; the API tells that of campaigns only."""
    log, metrics = sandbox.account.events, sandbox.account.records["metric"]
    campaigns = sandbox.account.records["campaign"]
    rows = [
        (
            log.time[row],
            log.value[row],
            credit.message,
            credit.flow,
            _sent(campaigns, credit),
            log.profile[row],
        )
        for row, credit in enumerate(log.attribution)
        if credit is not None and _is_order(metrics[log.metric_ids[log.metric[row]]])
    ]
    frame = pd.DataFrame(rows, columns=["ordered", "value", "message", "flow", "sent", "profile"])
    for name in ("ordered", "sent"):
        frame[name] = pd.to_datetime(frame[name], unit="s", utc=True).dt.tz_convert(ZONE)
    return frame


def _is_order(metric: Any) -> bool:
    integration = metric.attributes["integration"] or {}
    return (metric.attributes["name"], integration.get("name")) == SHOPIFY


def _sent(campaigns: Any, credit: Any) -> float:
    """A campaign's numbers belong to the moment when it began to be sent, a flow's to each message's own."""
    if credit.campaign is None:
        return float(credit.sent_at)
    return pd.Timestamp(campaigns[credit.campaign].attributes["send_time"]).timestamp()


def cents(values: pd.Series[Any]) -> dict[Any, int]:
    """Compare money as cents, and only where there is any."""
    whole = (values * 100).round().astype("int64")
    return {key: int(value) for key, value in whole.items() if value}


@pytest.fixture
def client(visits: Visits) -> KlaviyoClient:
    return visits.connect()


def test_orders_by_day(client: KlaviyoClient) -> None:
    orders = raw_orders(client)
    daily = client.metric_aggregates.query(
        SHOPIFY, measurements=["count", "sum_value", "unique"], timeframe=LIFE
    ).set_index("datetime")
    by_day = orders.groupby(orders["datetime"].dt.normalize())
    assert cents(daily["sum_value"]) == cents(by_day["value"].sum())
    assert daily["count"].sum() == len(orders)
    assert daily[daily["count"] > 0]["unique"].to_dict() == by_day["profile"].nunique().to_dict()


def test_orders_by_message(client: KlaviyoClient) -> None:
    orders = raw_orders(client)
    monthly = client.metric_aggregates.query(
        SHOPIFY, measurements=["count", "sum_value"], interval="month",
        by=["$attributed_message", "$attributed_flow"], timeframe=LIFE,
    )  # fmt: skip
    by_message = monthly.fillna({"attributed_message": ""}).groupby("attributed_message")["sum_value"].sum()
    assert cents(by_message) == cents(orders.fillna({"message": ""}).groupby("message")["value"].sum())
    campaigns = client.reports.campaign_values(
        timeframe=LIFE, statistics=["conversions", "conversion_value"], conversion_metric=SHOPIFY
    )
    flows = client.reports.flow_values(
        timeframe=LIFE, statistics=["conversions", "conversion_value"], conversion_metric=SHOPIFY
    )
    reported = pd.concat(
        [
            campaigns.set_index("campaign_message_id")["conversion_value"],
            flows.set_index("flow_message_id")["conversion_value"],
        ]
    )
    credited = orders.dropna(subset=["message"])
    assert len(credited) > 25
    assert cents(reported) == cents(credited.groupby("message")["value"].sum())
    assert campaigns["conversions"].sum() + flows["conversions"].sum() == len(credited)


def test_the_split_of_revenue_is_all_revenue(client: KlaviyoClient) -> None:
    orders = raw_orders(client)
    aggregates = client.metric_aggregates.query(
        SHOPIFY, measurements="sum_value", by=["$attributed_message", "$attributed_flow"], timeframe=LIFE
    )
    split = analysis.revenue_split(aggregates).set_index("source")["revenue"]
    assert cents(split) == {
        "campaign": round(100 * orders[orders["message"].notna() & orders["flow"].isna()]["value"].sum()),
        "flow": round(100 * orders[orders["flow"].notna()]["value"].sum()),
        "other": round(100 * orders[orders["message"].isna()]["value"].sum()),
    }


def test_a_series_a_report_and_a_summary_of_flows(client: KlaviyoClient) -> None:
    span = ("2025-08-01", "2026-07-01")
    weekly = client.reports.flow_series(interval="week", timeframe=span)
    values = client.reports.flow_values(timeframe=span)
    summary = client.flows.summary(span)
    by_message = client.flows.summary(span, by="message")
    for name in ("recipients", "delivered", "opens", "clicks", "conversions", "spam_complaints"):
        told = {weekly[name].sum(), values[name].sum()} | (
            {summary[name].sum()} if name != "opens" else set()
        )
        assert len(told) == 1, name
        assert (summary[name].sum() == by_message[name].sum()) or name == "opens"
    money = [cents(frame.groupby("flow_id")["conversion_value"].sum()) for frame in (weekly, values, summary)]
    assert money[0] == money[1] == money[2]


def test_people_are_the_same_by_events_and_by_report_but_never_by_adding_up_days(
    client: KlaviyoClient,
) -> None:
    opened = client.events.list(metric="Opened Email", properties=["$message"])
    by_event = opened.groupby("event_properties.$message")["profile_id"].nunique()
    campaigns = client.campaigns.summary(("2025-07-01", "2026-07-01"), by="message")
    # events and aggregates name a campaign by its own id
    mail = campaigns[campaigns["channel"] == "email"].set_index("campaign_id")
    assert mail["opens_unique"].to_dict() == by_event.reindex(mail.index, fill_value=0).to_dict()
    daily = (
        client.metric_aggregates.query(
            "Opened Email", measurements=["count", "unique"], by="$message", timeframe=LIFE
        )
        .groupby("message")[["count", "unique"]]
        .sum()
    )
    daily = daily.reindex(mail.index, fill_value=0)
    assert mail["opens"].to_dict() == daily["count"].to_dict()
    too_many = daily["unique"] - mail["opens_unique"]
    assert (too_many >= 0).all()
    assert (too_many > 0).any(), "who opened on two days would be two people"


def test_a_month_of_a_report_is_of_what_was_sent_and_of_aggregates_of_what_was_ordered(
    visits: Visits,
) -> None:
    client, orders = visits.connect(), sent_orders(visits.shop.sandbox)
    monthly = client.metric_aggregates.query(
        SHOPIFY, measurements="sum_value", interval="month", by="$attributed_message", timeframe=LIFE
    ).dropna(subset=["attributed_message"])
    differing = 0
    for month in MONTHS:
        frame = Timeframe.parse(month, timezone=ZONE)
        sent = orders["sent"].ge(frame.start) & orders["sent"].lt(frame.end)
        ordered = orders["ordered"].ge(frame.start) & orders["ordered"].lt(frame.end)
        query: dict[str, Any] = {
            "statistics": "conversion_value",
            "conversion_metric": SHOPIFY,
            "names": False,
        }
        reported = sum(
            report(timeframe=month, **query)["conversion_value"].sum()
            for report in (client.reports.campaign_values, client.reports.flow_values)
        )
        aggregated = monthly[monthly["datetime"] == frame.start]["sum_value"].sum()
        assert round(100 * reported) == round(100 * orders[sent]["value"].sum())
        assert round(100 * aggregated) == round(100 * orders[ordered]["value"].sum())
        late = orders[sent & ~ordered]["value"].sum() - orders[ordered & ~sent]["value"].sum()
        assert round(100 * (reported - aggregated)) == round(100 * late)
        differing += round(100 * late) != 0
    assert differing, "some message has to be sent in one month and earn in the next"
