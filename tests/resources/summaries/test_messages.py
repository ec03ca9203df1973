"""Summaries of campaigns and flows: the columns that analysis and plots use, and numbers that can be checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import AmbiguousMatchError, InvalidQueryError, NotAdditiveError
from klaviyo_analytics.plots import gallery
from tests.reports.accounts import SHOPIFY, Visits
from tests.reports.accounts import visits as visiting
from tests.shops import Shop

YEAR = ("2025-07-01", "2026-07-01")
NEVER = "2024-02"
RATES = {
    "delivery_rate": ("delivered", "recipients"), "bounce_rate": ("bounced", "recipients"),
    "open_rate": ("opens_unique", "delivered"), "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "conversion_rate": ("conversion_uniques", "delivered"),
    "average_order_value": ("conversion_value", "conversions"),
    "revenue_per_recipient": ("conversion_value", "recipients"),
}  # fmt: skip


@pytest.fixture
def client(visits: Visits) -> KlaviyoClient:
    return visits.connect()


@pytest.fixture(scope="module")
def year(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, pd.DataFrame]]:
    """All summaries of a year; nobody changes them."""
    for made in visiting(shop, tmp_path_factory.mktemp("year")):
        yield summaries(made.connect(), YEAR)


def summaries(client: KlaviyoClient, timeframe: Any) -> dict[str, pd.DataFrame]:
    return {
        "campaign": client.campaigns.summary(timeframe),
        "campaign message": client.campaigns.summary(timeframe, by="message"),
        "variation": client.campaigns.summary(timeframe, by="variation"),
        "flow": client.flows.summary(timeframe),
        "flow message": client.flows.summary(timeframe, by="message"),
    }


def test_names_come_first_and_ids_last(year: dict[str, pd.DataFrame]) -> None:
    for noun, summary in year.items():
        assert summary.columns[0] == noun.split()[0].replace("variation", "campaign")
        ids = [name.endswith("_id") for name in summary.columns]
        assert any(ids)
        assert ids == sorted(ids)


def test_they_have_the_columns_that_the_plots_were_drawn_for(year: dict[str, pd.DataFrame]) -> None:
    made = year
    assert set(made["campaign"]) == {*gallery.campaign_summary(), "complete"}
    assert set(made["flow"]) == {*gallery.flow_summary(), "complete"}
    assert set(made["flow message"]) == {*gallery.flow_summary(by_message=True), "complete"}
    ids = {"campaign_message_id", "message"}
    assert set(made["campaign message"]) == {*made["campaign"], *ids}
    assert set(made["variation"]) == {*made["campaign"], *ids, "variation", "variation_name"}


def test_an_empty_one_has_the_same_dtypes(client: KlaviyoClient, year: dict[str, pd.DataFrame]) -> None:
    full, empty = year, summaries(client, NEVER)
    for name, frame in full.items():
        assert len(frame), name
        assert empty[name].empty, name
        assert frame.dtypes.astype(str).to_dict() == empty[name].dtypes.astype(str).to_dict(), name
    assert str(full["campaign"].dtypes["send_time"]) == "datetime64[us, America/New_York]"


def test_rates_are_made_of_the_counts_beside_them(year: dict[str, pd.DataFrame]) -> None:
    for name, frame in year.items():
        for rate, (above, below) in RATES.items():
            # A flow of emails and text messages shows the part of each sum that its open rate is made of.
            top = frame.get(f"{rate}_numerator", frame[above]).astype("float64")
            size = frame.get(f"{rate}_denominator", frame[below]).astype("float64")
            made = top / size.where(size > 0)
            pd.testing.assert_series_equal(frame[rate], made, check_names=False, obj=f"{name} {rate}")
            shares = frame[rate].dropna()
            assert shares.between(0, 1).all() or below in ("conversions", "recipients", "opens_unique"), rate


def test_a_campaign_is_the_sum_of_its_messages_and_variations(year: dict[str, pd.DataFrame]) -> None:
    made = year
    counts = ["recipients", "delivered", "clicks", "clicks_unique", "conversions"]
    whole = made["campaign"].set_index("campaign_id")[counts].sort_index()
    for finer in ("campaign message", "variation"):
        parts = made[finer].groupby("campaign_id")[counts].sum().sort_index()
        pd.testing.assert_frame_equal(parts, whole, obj=finer)
    assert len(made["variation"]) > len(made["campaign"])
    assert made["variation"]["variation_name"].notna().any()


def test_what_is_told_of_a_campaign_is_what_the_account_says(
    client: KlaviyoClient, year: dict[str, pd.DataFrame]
) -> None:
    summary = year["campaign"].set_index("campaign_id")
    listed = client.campaigns.list(include=["campaign-messages", "tags"]).set_index("id")
    listed = listed.loc[summary.index]
    assert summary["campaign"].tolist() == listed["name"].tolist()
    assert summary["status"].tolist() == listed["status"].tolist()
    assert summary["send_time"].tolist() == listed["send_time"].tolist()
    assert summary["tags"].tolist() == listed["tags.name"].tolist()
    subjects = listed["campaign_messages.definition.content.subject"].str[0]
    assert summary["subject"].dropna().tolist() == subjects.dropna().tolist()
    assert summary["send_time"].is_monotonic_increasing
    assert summary["channel"].tolist() == listed["channel"].tolist()
    assert "mobile_push" in set(summary["channel"])


def test_a_flow_shows_all_its_channels(year: dict[str, pd.DataFrame]) -> None:
    flows, messages = year["flow"].set_index("flow"), year["flow message"]
    several = messages.groupby("flow")["channel"].nunique()
    assert (several > 1).any()
    for flow in several[several > 1].index:
        assert flows.loc[flow, "channel"] == "email, sms"
    assert messages["flow"].is_monotonic_increasing


def test_nobody_knows_who_opened_a_text_message(year: dict[str, pd.DataFrame]) -> None:
    for frame in (year["campaign"], year["flow message"]):
        texts = frame[frame["channel"] == "sms"]
        assert len(texts)
        assert texts[["opens", "opens_unique", "open_rate", "click_to_open_rate"]].isna().all(axis=None)
        assert frame[frame["channel"] == "email"]["opens"].notna().all()


def test_a_flow_of_several_channels_has_the_open_rate_of_its_emails(year: dict[str, pd.DataFrame]) -> None:
    flows, messages = year["flow"].set_index("flow_id"), year["flow message"]
    emails = messages[messages["channel"] == "email"].groupby("flow_id").sum(numeric_only=True)
    mixed = flows[flows["channel"] == "email, sms"]
    assert len(mixed)
    for flow, row in mixed.iterrows():
        email = emails.loc[str(flow)]
        assert row["delivered"] > email["delivered"] == row["open_rate_denominator"]
        assert row["open_rate"] == pytest.approx(email["opens_unique"] / email["delivered"])
        assert row["click_to_open_rate"] == pytest.approx(email["clicks_unique"] / email["opens_unique"])


def test_all_roads_lead_to_one_open_rate(client: KlaviyoClient, year: dict[str, pd.DataFrame]) -> None:
    flows = year["flow"].set_index("flow_id")["open_rate"]
    report = client.reports.flow_values(timeframe=YEAR)
    texts = analysis.rates(report)[report["send_channel"].eq("sms").to_numpy(dtype=bool)]
    assert len(texts)
    assert texts["open_rate"].isna().all()
    for road in (
        analysis.roll_up(report, by="flow_id"),
        analysis.roll_up(year["flow message"], by="flow_id"),
        analysis.rates(year["flow"]),
        analysis.campaign_ranking(year["flow"], by="open_rate"),
    ):
        pd.testing.assert_series_equal(road.set_index("flow_id")["open_rate"].loc[flows.index], flows)
    whole = analysis.roll_up(report)["open_rate"].item()
    for total in (analysis.roll_up(year["flow"]), analysis.roll_up(year["flow message"])):
        assert total["open_rate"].item() == pytest.approx(whole)
    judged = analysis.deliverability(year["flow"]).set_index("measure")["rate"]
    assert judged["open_rate"] == pytest.approx(whole)
    compared = analysis.compare_periods(year["flow"], year["flow"], check_periods=False)
    assert compared["open_rate"].item() == pytest.approx(whole)


def test_the_fewest_calls(visits: Visits) -> None:
    client = visits.connect()
    channels = client.campaigns.summary(YEAR)["channel"].nunique()
    assert visits.calls() == {
        "accounts": 1, "revenue": 1, "campaign-values-reports": 1, "campaigns": channels,
        "metric-aggregates": 1,
    }, "one query shows the currencies of the money"  # fmt: skip
    visits.forget()
    client.flows.summary(YEAR)
    assert visits.calls() == {"flow-values-reports": 1, "flows": 1}, "and is not asked again"


def test_the_conversion_metric(client: KlaviyoClient, year: dict[str, pd.DataFrame]) -> None:
    mapped, named = year["flow"], client.flows.summary(YEAR, conversion_metric=SHOPIFY)
    pd.testing.assert_frame_equal(mapped, named)
    other = client.flows.summary(YEAR, conversion_metric="Started Checkout")
    assert other["conversions"].sum() != named["conversions"].sum()
    with pytest.raises(AmbiguousMatchError, match="Point of Sale"):
        client.campaigns.summary(YEAR, conversion_metric="Placed Order")


def test_refused_with_a_reason(visits: Visits) -> None:
    client = visits.connect()
    with pytest.raises(InvalidQueryError, match="did you mean 'campaign'"):
        client.campaigns.summary(YEAR, by="campaigns")  # type: ignore[arg-type]
    with pytest.raises(NotAdditiveError, match="at most a year"):
        client.flows.summary("last 2 years")
    assert not [word for word in visits.calls() if word.endswith("reports")]


def test_analysis_and_plots_take_them_as_they_are(
    client: KlaviyoClient, year: dict[str, pd.DataFrame]
) -> None:
    campaigns, messages = year["campaign"], year["flow message"]
    assert len(analysis.campaign_ranking(campaigns, top=3)) == 3
    assert set(analysis.flow_funnel(messages)["stage"]) >= {"recipients", "delivered"}
    assert analysis.deliverability(campaigns, by="channel")["healthy"].notna().any()
    assert len(analysis.roll_up(campaigns, by="channel")) == campaigns["channel"].nunique()
    for frame in (campaigns, client.campaigns.summary(NEVER)):
        assert len(plots.campaign_overview(frame).axes) == 4
    for frame in (year["flow"], client.flows.summary(NEVER)):
        assert len(plots.flow_overview(frame).axes) == 4
    plt.close("all")
