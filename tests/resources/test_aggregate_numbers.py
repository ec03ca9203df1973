"""Metric aggregates: every number against the events themselves, on the clock that was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import MalformedResponseError
from klaviyo_analytics.vocabulary import Interval
from tests.resources.answering import answering, metrics
from tests.shops import Shop, open_shop

SHOPIFY = ("Placed Order", "Shopify")
OPENED = "Opened Email"
FREQUENCY: dict[Interval, str] = {"hour": "h", "day": "D", "week": "W-SUN", "month": "M"}


def log(shop: Shop, metric: Any, start: str, end: str, zone: str) -> pd.DataFrame:
    """The events of a metric on a zone's clock, as the account holds them."""
    id, _ = shop.client.metrics.resolve(metric)
    held = shop.account.events
    frame = pd.DataFrame({"profile": held.profile, "value": held.value, "metric": held.metric})
    frame["datetime"] = pd.to_datetime(held.time, unit="s", utc=True).tz_convert(zone)
    first, last = (pd.Timestamp(day, tz=zone) for day in (start, end))
    inside = (frame["datetime"] >= first) & (frame["datetime"] < last)
    return frame[inside & (frame["metric"] == held.metric_ids.index(id))]


def by_bucket(events: pd.DataFrame, interval: Interval) -> Any:
    """Name each event's interval by its start on the wall clock."""
    return events["datetime"].dt.tz_localize(None).dt.to_period(FREQUENCY[interval]).dt.start_time


class TestAgainstTheEvents:
    @pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Asia/Kolkata", "Australia/Lord_Howe"])
    @pytest.mark.parametrize("interval", ["day", "week", "month"])
    @pytest.mark.parametrize("metric", [SHOPIFY, OPENED], ids=["orders", "opens"])
    def test_count_sum_and_unique(self, metric: Any, interval: Interval, zone: str, library: Shop) -> None:
        span = ("2025-10-06", "2026-04-06")  # Mondays, with a change of clocks on the way
        frame = library.client.metric_aggregates.query(
            metric,
            measurements=["count", "sum_value", "unique"],
            interval=interval,
            timeframe=span,
            timezone=zone,
        )
        events = log(library, metric, *span, zone)
        groups = events.groupby(by_bucket(events, interval))
        frame.index = pd.DatetimeIndex(frame["datetime"].dt.tz_localize(None))
        happened = frame[frame["count"] > 0]
        assert happened["count"].to_dict() == groups.size().to_dict()
        assert happened["unique"].to_dict() == groups["profile"].nunique().to_dict()
        assert happened["sum_value"].to_dict() == pytest.approx(groups["value"].sum().to_dict(), abs=0.006)
        rest = frame[frame["count"] == 0]
        assert (rest["sum_value"] == 0).all()
        assert (rest["unique"].fillna(0) == 0).all()

    @pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2025-11-02", 25), ("2026-03-09", 24)])
    def test_a_day_of_a_clock_change_has_its_own_hours(self, day: str, hours: int, library: Shop) -> None:
        end = str(pd.Timestamp(day) + pd.Timedelta(days=1))
        frame = library.client.metric_aggregates.query(OPENED, interval="hour", timeframe=(day, end))
        assert len(frame) == hours
        assert frame["datetime"].diff().dropna().eq(pd.Timedelta(hours=1)).all()
        assert frame["count"].sum() == len(log(library, OPENED, day, end, "America/New_York"))

    def test_the_grid_is_complete_for_every_group(self, library: Shop) -> None:
        frame = library.client.metric_aggregates.query(
            [OPENED, "Clicked Email"], by=["$message"], interval="day", timeframe=("2026-01-01", "2026-04-01")
        )
        sizes = frame.groupby(["metric_id", "message"], dropna=False).size()
        assert set(sizes) == {90}
        assert not frame.duplicated(["metric_id", "message", "datetime"]).any()
        for metric in (OPENED, "Clicked Email"):
            expected = len(log(library, metric, "2026-01-01", "2026-04-01", "America/New_York"))
            assert frame.loc[frame["metric"] == metric, "count"].sum() == expected

    def test_a_metric_without_events_has_zeros_and_no_gap(self, library: Shop) -> None:
        frame = library.client.metric_aggregates.query(
            OPENED, measurements=["count", "sum_value", "unique"], timeframe=("2023-01-01", "2023-01-11")
        )
        assert len(frame) == 10
        assert (frame[["count", "sum_value"]] == 0).all(axis=None)


class TestLongerThanAYear:
    def test_parts_join_exactly(self, library: Shop) -> None:
        span = ("2024-09-15", "2026-06-15")
        before = len(library.sandbox.requests)
        frame = library.client.metric_aggregates.query(
            SHOPIFY, measurements=["count", "sum_value"], timeframe=span
        )
        assert library.asked(before).count("POST /api/metric-aggregates") == 2
        assert frame["datetime"].is_unique
        assert len(frame) == (pd.Timestamp(span[1]) - pd.Timestamp(span[0])).days
        events = log(library, SHOPIFY, *span, "America/New_York")
        assert frame["count"].sum() == len(events)
        assert frame["sum_value"].sum() == pytest.approx(events["value"].sum(), abs=0.01)

    @pytest.mark.parametrize("interval", ["week", "month"])
    def test_no_interval_is_cut_in_two_so_people_stay_counted_once(
        self, interval: Interval, library: Shop
    ) -> None:
        span = ("2024-09-18", "2026-06-15")
        frame = library.client.metric_aggregates.query(
            OPENED, measurements="unique", interval=interval, timeframe=span
        )
        events = log(library, OPENED, *span, "America/New_York")
        expected = events.groupby(by_bucket(events, interval))["profile"].nunique()
        frame.index = pd.DatetimeIndex(frame["datetime"].dt.tz_localize(None))
        assert frame["datetime"].is_unique
        assert frame["unique"].reindex(expected.index).to_dict() == expected.to_dict()


class TestFrames:
    def test_columns_and_dtypes(self, reader: KlaviyoClient) -> None:
        frame = reader.metric_aggregates.query(
            SHOPIFY, measurements=["unique", "sum_value", "count"], by=["$attributed_channel", "Campaign Name"],
            timeframe="last 30 days",
        )  # fmt: skip
        assert dict(frame.dtypes.astype(str)) == {
            "datetime": "datetime64[us, America/New_York]",
            "metric_id": "string",
            "metric": "string",
            "attributed_channel": "string",
            "campaign_name": "string",
            "unique": "Int64",
            "sum_value": "float64",
            "count": "Int64",
            "complete": "boolean",
        }
        assert frame.attrs == {
            "interval": "day",
            "timezone": "America/New_York",
            "currency": "USD",
            "currency_source": "the events",
        }

    def test_the_interval_that_is_not_over_is_marked(self, library: Shop) -> None:
        now = pd.Timestamp(library.now).tz_convert("America/New_York")
        frame = library.client.metric_aggregates.query(OPENED, timeframe="this month", interval="day")
        today = frame["datetime"].dt.date == now.date()
        assert today.sum() == 1
        assert not frame.loc[today, "complete"].any()
        assert frame.loc[~today, "complete"].all()

    @pytest.mark.parametrize(
        ("span", "complete"),
        [
            (("2026-03-02", "2026-03-16"), [True, True]),
            (("2026-03-04", "2026-03-16"), [False, True]),
            (("2026-03-02", "2026-03-11"), [True, False]),
            (("2026-03-03", "2026-03-05"), [False]),
        ],
    )
    def test_an_interval_that_is_only_partly_inside_is_marked(
        self, span: tuple[str, str], complete: list[bool], reader: KlaviyoClient
    ) -> None:
        frame = reader.metric_aggregates.query(OPENED, timeframe=span, interval="week")
        assert frame["complete"].tolist() == complete


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop(profiles=100, events=2_000) as shop:
        yield shop


def test_faults_on_the_way_change_no_number(shop: Shop) -> None:
    query: dict[str, Any] = {
        "by": "$message",
        "measurements": ["count", "unique"],
        "timeframe": ("2024-07-01", "2026-06-01"),
    }
    calm = shop.client.metric_aggregates.query(OPENED, **query)
    shop.sandbox.faults.add(path="/api/metric-aggregates", times=None, every=4, drop="after")
    shop.sandbox.faults.add(path="/api/metric-aggregates", times=None, every=3, status=429, retry_after=1)
    shop.sandbox.faults.add(path="/api/metric-aggregates", times=None, every=5, truncate=True)
    for _ in range(3):
        pd.testing.assert_frame_equal(shop.client.metric_aggregates.query(OPENED, **query), calm)


def grouped(
    *pages: list[dict[str, Any]], records: Mapping[str, Any] | None = None, by: Any = "$flow", **options: Any
) -> pd.DataFrame:
    """Query aggregates by a dimension from a server that answers with these rows."""
    dates = ["2026-05-01T04:00:00+00:00"]

    def make(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if path.startswith("/api/metrics"):
            return metrics("Opened Email")
        if not path.startswith("/api/metric-aggregates"):
            return (records or {})[path.split("/")[2]]
        at = int(body["data"]["attributes"].get("page_cursor", 0))
        more = at + 1 < len(pages)
        attributes = {"dates": dates, "data": pages[at]}
        answer: Any = {"data": {"type": "metric-aggregate", "id": "x", "attributes": attributes}}
        return {
            **answer,
            "links": {
                "next": f"https://a.klaviyo.com/api/metric-aggregates?page_cursor={at + 1}" if more else None
            },
        }

    with answering(make) as client:
        return client.metric_aggregates.query(
            "Opened Email", by=by, timeframe=("2026-05-01", "2026-05-02"), **options
        )


def of(value: Any, count: float) -> dict[str, Any]:
    return {"dimensions": [value], "measurements": {"count": [count]}}


class TestGroups:
    def test_empty_text_false_and_zero_stay_apart_from_missing(self) -> None:
        frame = grouped([of("", 1), of(False, 2), of(0, 4), of(None, 8), of("a", 16)])
        assert frame["flow"].isna().tolist() == [False, False, False, True, False]
        assert frame["flow"].dropna().tolist() == ["", "false", "0", "a"]
        assert frame["count"].tolist() == [1, 2, 4, 8, 16]

    def test_empty_text_means_the_same_on_every_page(self) -> None:
        frame = grouped([of("", 1)], [of(None, 2)])
        assert frame["flow"].isna().tolist() == [False, True]
        assert frame["count"].tolist() == [1, 2]

    def test_a_server_without_null_writes_empty_text_for_missing(self) -> None:
        frame = grouped([of("", 1), of("a", 2)])
        assert frame["flow"].isna().tolist() == [True, False]

    @pytest.mark.parametrize("count", [2**63, 2**64, -(2**63) - 2048, 1e300])
    def test_a_count_beyond_64_bits_is_refused(self, count: float) -> None:
        with pytest.raises(MalformedResponseError, match="64 bits"):
            grouped([of("a", count)])

    def test_parts_of_a_group_that_add_up_beyond_64_bits_are_refused(self) -> None:
        with pytest.raises(MalformedResponseError, match="64 bits"):
            grouped([of("a", 2**62)], [of("a", 2**62)])

    def test_counts_whose_total_leaves_64_bits_are_refused(self) -> None:
        """A sum of the column would turn negative, whoever adds it up."""
        with pytest.raises(MalformedResponseError, match="whose sum does not fit into 64 bits"):
            grouped([of("a", 2**62), of("b", 2**62)])

    def test_a_large_count_stays_positive(self) -> None:
        assert grouped([of("a", 2**62)])["count"].tolist() == [2**62]


class TestNames:
    """Names beside ids, against the records of the account."""

    @pytest.mark.parametrize(
        ("metric", "by", "kind"),
        [
            (OPENED, "$message", "message"),
            (OPENED, "$flow", "flow"),
            (SHOPIFY, "$attributed_message", "message"),
            (SHOPIFY, "$attributed_flow", "flow"),
            ("Submitted Form", "form_id", "form"),
        ],
    )
    def test_stand_beside_the_ids(self, metric: Any, by: Any, kind: str, library: Shop) -> None:
        frame = library.client.metric_aggregates.query(
            metric, by=by, interval="month", timeframe="last 12 months", names=True
        )
        id = by.lstrip("$")
        name = f"{id.removesuffix('_id')}_name"
        assert frame.columns.tolist().index(name) == frame.columns.tolist().index(id) + 1
        shown = dict(zip(frame[id], frame[name], strict=True))
        shown = {key: value for key, value in shown.items() if pd.notna(key)}
        records = library.account.records
        known: dict[str, Any] = {
            key: one.attributes.get("name") for key, one in records.get(kind, {}).items()
        }
        campaigns = records["campaign"]
        if (
            kind == "message"
        ):  # of a campaign its name, by its own id or its message's; of a flow the message's own
            known = {key: one.attributes["name"] for key, one in campaigns.items()}
            known |= {
                key: campaigns[str(one.relationships["campaign"])].attributes["name"]
                for key, one in records["campaign-message"].items()
            } | {key: one.attributes["definition"]["name"] for key, one in records["flow-message"].items()}
        assert shown
        assert shown == {key: known[key] for key in shown}
        if kind == "message":
            assert {key in records["flow-message"] for key in shown} == {True, False}

    @pytest.mark.parametrize(("metric", "by"), [("Subscribed to List", "List"), (OPENED, "Campaign Name")])
    def test_lists_and_campaigns_are_grouped_by_name(self, metric: Any, by: Any, library: Shop) -> None:
        frame = library.client.metric_aggregates.query(
            metric, by=by, interval="month", timeframe="last 12 months", names=True
        )
        column = by.replace(" ", "_").lower()
        kind = {"List": ["list"], "Campaign Name": ["campaign", "flow-message"]}[by]
        known = {
            one.attributes.get("name") or one.attributes["definition"]["name"]
            for name in kind
            for one in library.account.records[name].values()
        }
        assert set(frame[column].dropna()) <= known
        assert frame[column].nunique() > 1
        assert f"{column}_name" not in frame.columns

    def test_of_a_deleted_flow_that_a_report_names_is_kept(self, shop: Shop) -> None:
        query: Any = {"by": "$flow", "interval": "month", "timeframe": "last 12 months", "names": True}
        gone, record = next(iter(shop.account.records["flow"].items()))
        name = record.attributes["name"]
        report = shop.client.reports.flow_values(timeframe="last 12 months")
        assert name in set(report["flow"])
        try:
            del shop.account.records["flow"][gone]
            shop.client._context.names.pop("flow", None)
            frame = shop.client.metric_aggregates.query(OPENED, **query)
        finally:
            shop.account.records["flow"][gone] = record
        assert set(frame.loc[frame["flow"] == gone, "flow_name"]) == {name}

    def test_of_a_deleted_flow_that_nothing_names_is_missing(self) -> None:
        frame = grouped([of("F1", 1)], records={"flows": {"data": [], "links": {}}}, names=True)
        assert frame["flow"].tolist() == ["F1"]
        assert frame["flow_name"].isna().all()
