"""Reports as frames: what the columns are, what the names cost, how parts and pages join."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.errors import AmbiguousMatchError, MalformedResponseError, NotAdditiveError
from klaviyo_analytics.vocabulary import Interval
from tests.reports.accounts import REPORTS, SHOPIFY, Visits

LONG = "last 300 days"


@pytest.mark.parametrize("report", REPORTS)
def test_an_empty_report_has_the_same_columns(visits: Visits, report: str) -> None:
    client = visits.connect()
    full = getattr(client.reports, report)(timeframe="last 60 days")
    empty = getattr(client.reports, report)(timeframe="2024-02")
    assert len(full)
    if "segment" not in report:  # a segment is there also while it is empty
        assert empty.empty
    assert full.dtypes.astype(str).to_dict() == empty.dtypes.astype(str).to_dict()
    assert isinstance(full.index, pd.RangeIndex)


def test_campaigns_cost_one_read_a_channel_and_their_names_come_once(visits: Visits) -> None:
    client = visits.connect()
    frame = client.reports.campaign_values(timeframe=LONG, conversion_metric=SHOPIFY)
    channels = frame["send_channel"].nunique()
    assert channels > 1
    assert visits.calls() == {
        "accounts": 1,
        "metrics": 1,
        "campaign-values-reports": 1,
        "campaigns": channels,
        "metric-aggregates": 1,  # in which currency the money is
    }
    assert frame["campaign"].notna().all()
    assert frame["message"].notna().all()
    visits.forget()
    client.reports.campaign_values(timeframe="last 90 days", conversion_metric=SHOPIFY)
    assert visits.calls() == {"campaign-values-reports": 1, "metric-aggregates": 1}


def test_flows_and_their_messages_are_named_by_the_report_itself(visits: Visits) -> None:
    client = visits.connect()
    frame = client.reports.flow_values(timeframe=LONG, conversion_metric=SHOPIFY)
    assert visits.calls() == {
        "accounts": 1, "metrics": 1, "flow-values-reports": 1, "metric-aggregates": 1,
    }  # fmt: skip
    names = client.flows.list().set_index("id")["name"]
    assert (frame["flow"] == frame["flow_id"].map(names)).all()
    assert frame["message"].notna().all()


# the shop's segments fill two pages, of at most ten each
@pytest.mark.parametrize(
    ("report", "noun", "pages"), [("form_values", "forms", 1), ("segment_values", "segments", 2)]
)
def test_forms_and_segments_are_looked_up_at_once(visits: Visits, report: str, noun: str, pages: int) -> None:
    client = visits.connect()
    frame = getattr(client.reports, report)()
    assert visits.calls() == {"accounts": 1, report.replace("_", "-") + "-reports": 1, noun: pages}
    names = getattr(client, noun).list().set_index("id")["name"]
    column = noun.removesuffix("s")
    assert (frame[column] == frame[f"{column}_id"].map(names)).all()


@pytest.mark.parametrize("report", REPORTS)
def test_without_names_nothing_is_looked_up(visits: Visits, report: str) -> None:
    frame = getattr(visits.connect().reports, report)(names=False)
    assert not {"campaign", "flow", "message", "form", "segment"}.intersection(frame.columns)
    assert not {"campaigns", "flows", "forms", "segments"}.intersection(visits.calls())


def test_the_mapped_metric_is_the_conversion_if_none_is_named(visits: Visits) -> None:
    client = visits.connect()
    by_default = client.reports.flow_values()
    assert visits.calls() == {
        "accounts": 1, "revenue": 1, "flow-values-reports": 1, "metric-aggregates": 1,
    }  # fmt: skip
    pd.testing.assert_frame_equal(by_default, client.reports.flow_values(conversion_metric=SHOPIFY))
    visits.forget()
    client.reports.flow_values()
    assert visits.calls() == {"flow-values-reports": 1}, "which metric it is, is asked once"


def test_an_ambiguous_conversion_metric_is_refused_with_the_candidates(visits: Visits) -> None:
    with pytest.raises(AmbiguousMatchError, match=r"Shopify.*Point of Sale|Point of Sale.*Shopify"):
        visits.connect().reports.flow_values(conversion_metric="Placed Order")
    assert "flow-values-reports" not in visits.calls()


@pytest.mark.parametrize("mapped", [404, 403])
def test_without_a_mapped_metric_placed_order_is_meant(visits: Visits, mapped: int) -> None:
    visits.shop.sandbox.faults.add(path="*/mapped-metrics/revenue", status=mapped)
    with pytest.raises(AmbiguousMatchError, match="'Placed Order'"):
        visits.connect().reports.flow_values()


def test_pages_join_by_a_cursor_beside_the_same_body(visits: Visits) -> None:
    whole = visits.connect().reports.flow_series(timeframe="last 60 days")
    settings = visits.shop.sandbox.settings
    settings.report_page_size = 3
    try:
        paged = visits.connect().reports.flow_series(timeframe="last 60 days")
        asked = [request for request in visits.requests() if request.path.endswith("flow-series-reports")]
        pd.testing.assert_frame_equal(paged, whole)
        assert len(asked) > 2
        assert len({request.body for request in asked}) == 1
        assert "page_cursor" not in asked[0].params
        assert len({request.params["page_cursor"] for request in asked[1:]}) == len(asked) - 1
    finally:
        settings.report_page_size = 100


@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_a_series_over_its_limit_is_the_series_in_pieces(visits: Visits, interval: Interval) -> None:
    client = visits.connect()
    calls = 4 if interval == "day" else 1
    query: dict[str, Any] = {
        "statistics": ["recipients", "conversion_value"],
        "interval": interval,
        "conversion_metric": SHOPIFY,
    }
    frame = client.reports.flow_series(timeframe=("2025-09-01", "2026-04-01"), **query)
    assert visits.calls()["flow-series-reports"] == calls
    total = client.reports.flow_values(
        timeframe=("2025-09-01", "2026-04-01"), statistics=query["statistics"], conversion_metric=SHOPIFY
    )
    by_message = frame.groupby("flow_message_id")[["recipients", "conversion_value"]].sum().round(2)
    expected = total.set_index("flow_message_id")[["recipients", "conversion_value"]].round(2)
    pd.testing.assert_frame_equal(by_message.sort_index(), expected.sort_index(), check_dtype=False)
    every = frame.groupby("flow_message_id")["datetime"].nunique()
    assert every.nunique() == 1, "every group has every interval"
    assert not frame.duplicated(["datetime", "flow_message_id"]).any()


@pytest.mark.parametrize("day", ["2025-11-02", "2026-03-08"])
def test_days_on_which_clocks_change_count_once(visits: Visits, day: str) -> None:
    client = visits.connect()
    start = pd.Timestamp(day)
    span = (start - pd.Timedelta(days=3), start + pd.Timedelta(days=3))
    query: dict[str, Any] = {"statistics": ["recipients"], "names": False}
    hours = client.reports.flow_series(interval="hour", timeframe=span, **query)
    days = client.reports.flow_series(interval="day", timeframe=span, **query)
    summed = hours.groupby(["flow_message_id", hours["datetime"].dt.date])["recipients"].sum()
    told = days.groupby(["flow_message_id", days["datetime"].dt.date])["recipients"].sum()
    assert (summed == told).all()
    assert days["recipients"].sum() == client.reports.flow_values(timeframe=span, **query)["recipients"].sum()


def test_a_frame_of_another_zone_is_asked_for_on_the_accounts_clock(visits: Visits) -> None:
    client = visits.connect()
    moment = pd.Timestamp("2026-03-20T12:00", tz="UTC")
    utc = ka.Timeframe(moment, moment + pd.Timedelta(days=1), timezone="UTC")
    frame = client.reports.form_series(interval="hour", timeframe=utc)
    sent = next(request for request in visits.requests() if request.method == "POST").json
    # the offset means nothing to a report, which reads its bounds in New York
    assert sent["data"]["attributes"]["timeframe"] == {
        "start": "2026-03-20T08:00:00+00:00", "end": "2026-03-21T07:59:59+00:00",
    }  # fmt: skip
    assert frame["datetime"].min() == moment


def test_years_of_values_are_added_up_where_that_is_true(visits: Visits) -> None:
    client = visits.connect()
    now = client._context.now()
    years = (now.date().replace(year=now.year - 2), now.date())
    statistics: list[Any] = [
        "recipients", "delivered", "delivery_rate", "revenue_per_recipient", "conversion_value",
    ]  # fmt: skip
    both = client.reports.flow_values(timeframe=years, statistics=statistics)
    assert visits.calls()["flow-values-reports"] == 2
    assert (both["delivery_rate"] - both["delivered"] / both["recipients"]).abs().max() < 1e-12
    assert list(both.columns[5:10]) == statistics, "the counts that rates were made of do not show"
    visits.forget()
    with pytest.raises(NotAdditiveError, match="'opens_unique'"):
        client.reports.flow_values(timeframe=years)
    assert "flow-values-reports" not in visits.calls()


def test_what_is_under_way_is_not_complete(visits: Visits) -> None:
    client = visits.connect()
    assert client.reports.form_values(timeframe="this month")["complete"].eq(other=False).all()
    assert client.reports.form_values(timeframe="last month")["complete"].all()
    weeks = client.reports.form_series(timeframe="this month", interval="week")
    assert not weeks.sort_values("datetime")["complete"].iloc[-1]


SERIES = {"groupings": {"form_id": "F"}, "statistics": {"submits": [1, 2]}}
MALFORMED: list[Any] = [
    {}, {"data": {"attributes": {}}}, {"data": {"attributes": {"results": [{}], "date_times": []}}},
    {"data": {"attributes": {"results": [SERIES], "date_times": ["2026-03-01T00:00:00+00:00"]}}},
    {"data": {"attributes": {"results": [SERIES], "date_times": ["soon", "later"]}}},
    {"data": {"attributes": {"results": [{**SERIES, "groupings": None}], "date_times": ["a", "b"]}}},
]  # fmt: skip


@pytest.mark.parametrize("body", MALFORMED)
def test_an_answer_that_is_none_is_an_error_of_ours(visits: Visits, tmp_path: Path, body: Any) -> None:
    client = visits.connect(cache=tmp_path / "answers.sqlite3")
    fault = visits.shop.sandbox.faults.add(path="*/form-series-reports", status=200, body=body)
    with pytest.raises(MalformedResponseError):
        client.reports.form_series(statistics="submits")
    assert fault.hits == 1


def test_filters_reach_the_server_as_one_text(visits: Visits) -> None:
    client = visits.connect()
    everything = client.reports.flow_values(timeframe=LONG)
    flow = everything["flow_id"].iloc[0]
    wanted = (ka.F.flow_id == flow) & ka.F.send_channel.contains_any(["email"])
    frame = client.reports.flow_values(timeframe=LONG, filter=wanted)
    expected = everything[everything["flow_id"].eq(flow) & everything["send_channel"].eq("email")]
    pd.testing.assert_frame_equal(frame, expected.reset_index(drop=True))
    raw = f'and(equals(flow_id,"{flow}"),contains-any(send_channel,["email"]))'
    pd.testing.assert_frame_equal(frame, client.reports.flow_values(timeframe=LONG, filter=raw))


def test_groups_are_columns(visits: Visits) -> None:
    client = visits.connect()
    keys: list[Any] = ["campaign_id", "campaign_message_id", "variation", "variation_name", "tag_name"]
    frame = client.reports.campaign_values(timeframe=LONG, by=keys, statistics="recipients")
    assert list(frame.columns) == [
        "campaign_id", "campaign", "campaign_message_id", "message", *keys[2:], "recipients", "complete",
    ]  # fmt: skip
    assert frame["variation"].notna().any()
    assert all(isinstance(tags, list) for tags in frame["tag_name"])
    plain = client.reports.campaign_values(timeframe=LONG, statistics="recipients")
    assert frame["recipients"].sum() == plain["recipients"].sum()
