"""Analyses in one line each: the same numbers as by hand, from the API and from the archive, with what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.errors import ConfigurationError, FrameError, InvalidInputError, NoMatchError
from tests.shops import Shop, open_shop

YEAR = "last 12 months"
FROM_EVENTS = [
    "attribution", "attribution_comparison", "by_segment", "cohorts", "conversion_lag",
    "deliverability_by_provider", "engagement_tiers", "fatigue", "klaviyo_rfm", "lifetime_value",
    "new_and_returning", "ordered_funnel", "overlap", "product_affinity", "repeat_purchase", "rfm",
    "send_times", "year_over_year",
]  # fmt: skip
FROM_REPORTS = ["flow_health", "flow_losses"]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop(profiles=300, events=6000) as shop:
        yield shop


@pytest.fixture(scope="module")
def archive(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("deltalake")
    archive = shop.client.archive(tmp_path_factory.mktemp("archive"))
    archive.sync(["events", "metrics", "flows", "lists", "segments", "profiles"])
    archive.snapshot("segments")
    return archive


@pytest.mark.parametrize("name", [*FROM_EVENTS, *FROM_REPORTS])
def test_a_frame_says_what_was_read_and_draws_itself(shop: Shop, name: str) -> None:
    before = len(shop.asked())
    frame = getattr(shop.client.analyses, name)()
    attrs = frame.attrs
    assert attrs["analysis"] == name
    assert attrs["source"] == "api"
    assert attrs["requests"] == len(shop.asked()) - before > 0
    assert attrs["rows"] > 0
    assert attrs["read"]
    assert attrs["timezone"] == "America/New_York"
    assert (attrs["period"] is None) == (name == "overlap")
    assert len(ka.plots.auto(frame).get_children()) > 5
    plt.close("all")


@pytest.mark.parametrize("name", FROM_EVENTS)
def test_the_archive_gives_the_same_frame_without_a_request(shop: Shop, archive: Any, name: str) -> None:
    live = getattr(shop.client.analyses, name)()  # first, so that what a client reads once is known
    copied = getattr(archive.analyses, name)()
    pd.testing.assert_frame_equal(copied, live)
    assert (copied.attrs["source"], copied.attrs["requests"]) == ("archive", 0)


def test_an_archive_refuses_what_only_reports_know(archive: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"client\.analyses\.flow_health"):
        archive.analyses.flow_health()


def test_an_archive_opened_without_a_client_answers_too(archive: Any) -> None:
    alone = ka.open_archive(Path(archive._store.where))
    frame = alone.analyses.rfm(("2025-06-01", "2026-06-01"), metric=("Placed Order", "Shopify"))
    assert len(frame) > 10
    assert frame.attrs["requests"] == 0


def test_orders_that_do_not_count_are_left_out_everywhere(shop: Shop) -> None:
    log = shop.account.events
    placed = next(
        id for id, metric in shop.account.records["metric"].items()
        if metric.attributes["name"] == "Placed Order" and metric.attributes["integration"]["name"] == "Shopify"
    )  # fmt: skip
    rows = [row for row in range(len(log.ids)) if log.metric_ids[log.metric[row]] == placed]
    renewals = rows[::3]
    kept = {row: log.properties[row] for row in renewals}
    try:
        for row in renewals:
            log.properties[row] = {**kept[row], "tags": ["Subscription Recurring Order"]}
        span = ("2025-01-01", "2026-07-01")
        scores = shop.client.analyses.rfm(span, orders={"renewals": False})
        credit = shop.client.analyses.attribution(span, orders={"renewals": False})
        months = shop.client.analyses.year_over_year(span, value="count", orders={"renewals": False})
    finally:
        for row in renewals:
            log.properties[row] = kept[row]
    assert renewals
    others = len(rows) - len(renewals)
    assert int(scores["frequency"].sum()) == others
    assert credit["order_id"].nunique() == others
    assert int(months["count"].sum()) == others
    assert scores.attrs["orders"] == "without renewals"


def test_attribution_of_klaviyo_equals_what_klaviyo_says_of_each_order(shop: Shop) -> None:
    native = shop.client.analyses.attribution(YEAR, model="native")
    said = shop.client.events.attributions(metric=("Placed Order", "Shopify"), timeframe=YEAR)
    mine = native[native["status"] == "attributed"]
    assert len(said) > 0
    assert sorted(mine["order_id"]) == sorted(said["event_id"])
    assert mine["revenue"].sum() == pytest.approx((said["value"] * said["weight"]).sum())


def test_a_year_of_aggregates_equals_the_year_of_events(shop: Shop) -> None:
    counted = shop.client.analyses.year_over_year(YEAR)
    added = shop.client.analyses.year_over_year(YEAR, orders={})
    assert counted.attrs["read"] == ["metric aggregates"]
    assert added.attrs["read"] == ["events"]
    pd.testing.assert_frame_equal(counted, added, check_dtype=False)


def test_a_b_test_takes_a_name_an_id_or_a_row(shop: Shop) -> None:
    sent = shop.client.campaigns.summary("last 365 days", by="variation")
    tested = str(sent.groupby("campaign_id")["variation"].nunique().idxmax())
    name = sent.loc[sent["campaign_id"] == tested, "campaign"].iloc[0]
    by_id = shop.client.analyses.ab_test(tested)
    assert len(by_id) == 2
    assert by_id["recipients"].sum() == sent.loc[sent["campaign_id"] == tested, "delivered"].sum()
    pd.testing.assert_frame_equal(by_id, shop.client.analyses.ab_test(name))
    pd.testing.assert_frame_equal(by_id, shop.client.analyses.ab_test(shop.client.campaigns.get(tested)))
    assert ka.plots.auto(by_id).get_title(loc="left") is not None
    plt.close("all")
    with pytest.raises(NoMatchError, match="fewer than two variations"):
        shop.client.analyses.ab_test("no such campaign")


def test_machines_count_only_if_asked_for(shop: Shop) -> None:
    people = shop.client.analyses.send_times(YEAR, reaction="open", by="hour")
    all_opens = shop.client.analyses.send_times(YEAR, reaction="open", by="hour", machines=True)
    assert people["sends"].tolist() == all_opens["sends"].tolist()
    assert people["reacted"].sum() < all_opens["reacted"].sum()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda a: a.send_times(channel="fax"), "'fax' is not a channel"),
        (lambda a: a.send_times(channel="text", reaction="open"), "is not recorded for text"),
        (lambda a: a.send_times(within="soon"), "is not a duration"),
        (lambda a: a.engagement_tiers("last 30 days"), "shorter than 180 days"),
        (lambda a: a.overlap(kind="flows"), "is not a kind of group"),
        (lambda a: a.ordered_funnel(["Viewed Product", "Bought"]), "no metric has this name"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(shop: Shop, call: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        call(shop.client.analyses)


def test_unknown_segments_are_refused_with_names_that_exist(shop: Shop) -> None:
    with pytest.raises(NoMatchError, match="Among the segments are"):
        shop.client.analyses.by_segment(segments=["nobody"])


def test_a_frame_that_names_no_analysis_has_no_picture() -> None:
    with pytest.raises(FrameError, match="names no picture"):
        ka.plots.auto(pd.DataFrame({"a": [1]}))


def test_two_currencies_are_never_added() -> None:
    with open_shop(profiles=300, events=6000, currencies=("USD", "EUR")) as shop:
        analyses = shop.client.analyses
        with pytest.raises(FrameError, match="currenc"):
            analyses.rfm()
        euros = analyses.rfm(orders={"currency": "EUR"})
        assert euros.attrs["currency"] == "EUR"
        with pytest.raises(InvalidInputError, match="never added"):
            analyses.year_over_year(orders={})
