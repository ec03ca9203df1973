"""Which events a call means: by metric, by time on the account's clock, by profile, by filter."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics import F, Timeframe
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError, NoMatchError
from klaviyo_analytics.resources.metrics import Metric
from tests.shops import Shop

NEW_YORK = ZoneInfo("America/New_York")


def seconds(text: str, zone: ZoneInfo = NEW_YORK) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def held(shop: Shop, start: float = 0, end: float = 1e11, metric: str | None = None) -> list[str]:
    """Ids of the events in [start, end) in the order of time, as the account holds them."""
    log = shop.account.events
    return [
        id
        for id, time, kind in zip(log.ids, log.time, log.metric, strict=True)
        if start <= time < end and metric in (None, log.metric_ids[kind])
    ]


class TestFrames:
    def test_all_events_in_order_of_time(self, library: Shop) -> None:
        frame = library.client.events.list()
        assert list(frame["id"]) == held(library)
        assert dict(frame.dtypes.astype(str)) == {
            "id": "string",
            "metric": "string",
            "timestamp": "Int64",
            "event_properties": "object",
            "datetime": "datetime64[us, UTC]",
            "uuid": "string",
            "profile_id": "string",
            "metric_id": "string",
        }
        assert (frame["datetime"].astype("int64") // 1_000_000 == frame["timestamp"]).all()

    def test_an_event_without_a_metric_has_no_name(self, library: Shop) -> None:
        events = library.client.events
        frame = events.list(limit=3)
        names = frame["metric"].tolist()
        frame.loc[1, "metric_id"] = pd.NA
        named = events._with_metric(frame.drop(columns="metric"))["metric"]
        assert named.isna().tolist() == [False, True, False]
        assert named.tolist()[::2] == names[::2]

    def test_descending(self, library: Shop) -> None:
        frame = library.client.events.list(sort="-datetime", limit=50)
        assert list(frame["datetime"]) == sorted(frame["datetime"], reverse=True)
        assert set(frame["timestamp"]) <= set(library.account.events.time[-60:].tolist())

    def test_what_is_included_stands_beside_the_event(self, library: Shop) -> None:
        frame = library.client.events.list(limit=300, include=["profile", "metric"])
        profiles, metrics = library.account.records["profile"], library.account.records["metric"]
        for _, row in frame.dropna(subset=["profile_id"]).head(50).iterrows():
            assert row["metric.name"] == metrics[row["metric_id"]].attributes["name"]
            email = profiles[row["profile_id"]].attributes["email"]
            assert row["profile.email"] == email or (email is None and pd.isna(row["profile.email"]))

    def test_properties_by_name_with_a_dtype(self, library: Shop) -> None:
        metric = library.client.metrics.find(name="Placed Order", integration="Shopify")
        frame = library.client.events.list(metric=metric, properties={"$value": "float64", "Items": "object"})
        log = library.account.events
        expected = [
            v for v, m in zip(log.value, log.metric, strict=True) if log.metric_ids[m] == metric["id"]
        ]
        assert frame["event_properties.$value"].dtype == "float64"
        np.testing.assert_allclose(frame["event_properties.$value"], expected)
        assert isinstance(frame["event_properties.Items"].iloc[0], list)


class TestMetrics:
    @pytest.mark.parametrize(
        "name", ["Opened Email", "opened email", ("Placed Order", "Point of Sale"), "Received SMS"], ids=str
    )
    def test_one(self, name: Any, library: Shop) -> None:
        id, _ = library.client.metrics.resolve(name)
        frame = library.client.events.list(metric=name)
        assert list(frame["id"]) == held(library, metric=id)
        assert set(frame["metric_id"]) == {id}

    def test_several_come_in_one_order_of_time(self, library: Shop) -> None:
        names: list[Metric] = ["Clicked Email", ("Placed Order", "Shopify"), "Opened Email"]
        ids = [library.client.metrics.resolve(name)[0] for name in names]
        frame = library.client.events.list(metric=names)
        assert sorted(frame["id"]) == sorted(event for id in ids for event in held(library, metric=id))
        assert frame["datetime"].is_monotonic_increasing
        assert isinstance(frame.index, pd.RangeIndex)
        limited = library.client.events.list(metric=names, limit=30)
        pd.testing.assert_frame_equal(limited, frame.head(30))
        last = library.client.events.list(metric=names, limit=30, sort="-datetime")
        assert sorted(last["datetime"]) == sorted(frame["datetime"].tail(30))

    def test_none_of_the_name_is_an_error_and_no_empty_frame(self, library: Shop) -> None:
        with pytest.raises(NoMatchError):
            library.client.events.list(metric="Nothing Such")


class TestTime:
    @pytest.mark.parametrize(
        ("start", "end", "hours"),
        [
            ("2026-03-07", "2026-03-08", 24),
            ("2026-03-08", "2026-03-09", 23),
            ("2025-11-02", "2025-11-03", 25),
            ("2025-11-28", "2025-11-29", 24),
        ],
    )
    def test_the_accounts_zone_decides_what_a_day_is(
        self, start: str, end: str, hours: int, library: Shop
    ) -> None:
        first, last = seconds(start), seconds(end)
        assert (last - first) / 3600 == hours
        expected = held(library, first, last)
        assert expected
        assert list(library.client.events.list(start=start, end=end)["id"]) == expected

    @pytest.mark.parametrize(
        "start",
        [
            "2026-03-08",
            date(2026, 3, 8),
            datetime(2026, 3, 8),  # noqa: DTZ001 - read on the account's clock
            pd.Timestamp("2026-03-08"),
            np.datetime64("2026-03-08"),
            datetime(2026, 3, 8, tzinfo=NEW_YORK),
            datetime(2026, 3, 8, 5, tzinfo=UTC),
            pd.Timestamp("2026-03-08 05:00", tz="UTC"),
            "2026-03-08T05:00:00Z",
            "2026-03-08T00:00:00-05:00",
            "2026-03-08T06:00:00+01:00",
        ],
        ids=repr,
    )
    def test_a_moment_may_be_written_in_many_ways(self, start: Any, library: Shop) -> None:
        expected = held(library, seconds("2026-03-08"), seconds("2026-03-12"))
        assert list(library.client.events.list(start=start, end="2026-03-12")["id"]) == expected

    def test_the_start_belongs_to_the_frame_and_the_end_does_not(self, library: Shop) -> None:
        times = library.account.events.time
        first, last = int(times[100]), int(times[200])
        frame = library.client.events.list(
            start=datetime.fromtimestamp(first, UTC), end=datetime.fromtimestamp(last, UTC)
        )
        assert list(frame["id"]) == held(library, first, last)
        assert frame["timestamp"].min() == first
        assert frame["timestamp"].max() < last

    def test_one_end_may_stay_open(self, library: Shop) -> None:
        middle = seconds("2026-01-01")
        assert list(library.client.events.list(start="2026-01-01")["id"]) == held(library, middle)
        assert list(library.client.events.list(end="2026-01-01")["id"]) == held(library, 0, middle)

    def test_words_go_by_the_shops_own_present(self, library: Shop) -> None:
        frame = library.client.events.list(timeframe="last 30 days")
        today = library.now.astimezone(NEW_YORK).date()
        midnight = seconds(str(today))
        assert list(frame["id"]) == held(
            library, seconds(str(pd.Timestamp(today) - pd.Timedelta(days=30))), midnight
        )

    def test_a_timeframe_keeps_its_own_zone(self, library: Shop) -> None:
        tokyo = Timeframe("2026-03-08", "2026-03-15", timezone="Asia/Tokyo")
        first, last = (seconds(day, ZoneInfo("Asia/Tokyo")) for day in ("2026-03-08", "2026-03-15"))
        assert list(library.client.events.list(timeframe=tokyo)["id"]) == held(library, first, last)
        pair = ("2026-03-08", "2026-03-15")
        expected = held(library, seconds(pair[0]), seconds(pair[1]))
        assert list(library.client.events.list(timeframe=pair)["id"]) == expected

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ({"start": "2026-03-08", "end": "2026-03-08"}, "is not after start"),
            ({"start": "2026-03-09", "end": "2026-03-08"}, "is not after start"),
            ({"start": "2026-03-09", "timeframe": "last 30 days"}, "cannot be combined with start= or end="),
            ({"start": "soon"}, "'soon' is not a time"),
            ({"start": pd.NaT}, "NaT is not a time"),
            ({"start": 5}, "^5 is not a time"),
            ({"timeframe": "some day"}, "'some day' is not a time frame"),
        ],
    )
    def test_what_is_no_stretch_of_time_is_refused(
        self, asked: dict[str, Any], message: str, library: Shop
    ) -> None:
        _ = library.client.account
        before = len(library.sandbox.requests)
        with pytest.raises(InvalidInputError, match=message):
            library.client.events.list(**asked)
        with pytest.raises(InvalidInputError, match=message):
            list(library.client.events.iter_frames(**asked))
        assert len(library.sandbox.requests) == before

    def test_a_time_of_its_own_zone_needs_no_account(
        self, library: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(library.client._context, "known_account", None)
        before = len(library.sandbox.requests)
        library.client.events.list(start="2026-06-30T00:00:00Z", limit=1)
        assert library.asked(before) == ["GET /api/events"]


class TestConditions:
    def test_a_profile_by_id_or_row(self, library: Shop) -> None:
        row = library.client.profiles.list(limit=1).iloc[0]
        by_id = library.client.events.list(profile=row["id"])
        assert set(by_id["profile_id"]) == {row["id"]}
        pd.testing.assert_frame_equal(library.client.events.list(profile=row), by_id)

    @pytest.mark.parametrize(
        "filter",
        [
            (F.datetime >= "2026-03-08") & (F.datetime < "2026-03-15"),
            "greater-or-equal(datetime,2026-03-08T00:00:00Z),less-than(datetime,2026-03-15T00:00:00Z)",
            (F.timestamp >= "2026-03-08") & (F.timestamp < "2026-03-15"),
        ],
        ids=str,
    )
    def test_a_filter_of_ones_own(self, filter: Any, library: Shop) -> None:
        utc = ZoneInfo("UTC")
        expected = held(library, seconds("2026-03-08", utc), seconds("2026-03-15", utc))
        assert list(library.client.events.list(filter=filter, page_size=50)["id"]) == expected

    def test_all_conditions_hold_together(self, library: Shop) -> None:
        id, _ = library.client.metrics.resolve("Opened Email")
        frame = library.client.events.list(
            metric="Opened Email", start="2026-03-01", end="2026-04-01", filter=F.profile.has()
        )
        expected = held(library, seconds("2026-03-01"), seconds("2026-04-01"), id)
        assert list(frame["id"]) == [e for e in expected if e in set(frame["id"])]
        assert frame["profile_id"].notna().all()

    @pytest.mark.parametrize(
        ("asked", "error"),
        [
            ({"filter": F.email == "x"}, InvalidQueryError),
            ({"sort": "uuid"}, InvalidQueryError),
            ({"include": ["lists"]}, InvalidQueryError),
            ({"fields": ["value"]}, InvalidQueryError),
            ({"page_size": 1001}, InvalidQueryError),
            ({"workers": 0}, InvalidInputError),
            ({"profile": ""}, InvalidInputError),
            ({"metric": []}, InvalidInputError),
        ],
    )
    def test_what_is_not_allowed_is_not_sent(
        self, asked: dict[str, Any], error: type[Exception], reader: KlaviyoClient, library: Shop
    ) -> None:
        before = len(library.sandbox.requests)
        with pytest.raises(error):
            reader.events.list(**asked)
        assert len(library.sandbox.requests) == before


def test_one_event_has_the_metrics_name_like_a_list_of_them(client: KlaviyoClient) -> None:
    includes: Any = ([], ["metric"], ["profile", "attributions"])
    for include in includes:
        listed = client.events.list(limit=1, include=include)
        row = client.events.get(listed["id"][0], include=include)
        assert row.name == row["id"]
        assert row.index.tolist() == listed.columns.tolist()
        assert row["metric"] == listed["metric"][0]
        assert row["timestamp"] == listed["timestamp"][0]
