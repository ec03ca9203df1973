"""Reports' answers to frames, without any server: what the documents leave open is read either way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import Timeframe
from klaviyo_analytics.frames.reports import Label, Layout, frame, told_names
from klaviyo_analytics.vocabulary import Interval

NEW_YORK = "America/New_York"
LONG_AFTER = datetime(2027, 1, 1, tzinfo=UTC)


def layout(part: Timeframe, interval: Interval | None, *statistics: str, key: str = "flow_id") -> Layout:
    return Layout((key,), statistics or ("opens",), part, interval, LONG_AFTER, "EUR")


def series(
    dates: Sequence[str], values: Sequence[Any], flow: str = "F1", name: str = "opens"
) -> dict[str, Any]:
    return {
        "date_times": list(dates),
        "results": [{"groupings": {"flow_id": flow}, "statistics": {name: list(values)}}],
    }


def as_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def as_offset(moment: datetime) -> str:
    return moment.isoformat()


def as_wall(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat()}+00:00"


def as_naive(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat()


WRITINGS = [as_utc, as_offset, as_wall, as_naive]


@pytest.mark.parametrize("write", WRITINGS)
@pytest.mark.parametrize("zone", [NEW_YORK, "Asia/Kolkata", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_times_mean_the_accounts_clock_however_they_are_written(
    write: Callable[[datetime], str], zone: str, interval: Interval
) -> None:
    part = Timeframe("2026-02-16", "2026-02-21" if interval == "hour" else "2026-04-06", timezone=zone)
    starts = part.intervals(interval)
    answer = series([write(start) for start in starts], range(len(starts)))
    result = frame([(part, [answer])], layout(part, interval), {})
    assert result["datetime"].tolist() == starts
    assert str(result["datetime"].dtype) == f"datetime64[us, {zone}]"
    assert result["opens"].tolist() == list(range(len(starts)))


@pytest.mark.parametrize("write", WRITINGS)
def test_a_day_whose_clock_is_set_back_has_an_hour_twice(write: Callable[[datetime], str]) -> None:
    part = Timeframe("2026-11-01", "2026-11-02", timezone=NEW_YORK)
    starts = part.intervals("hour")
    assert len(starts) == 25
    result = frame(
        [(part, [series([write(start) for start in starts], range(25))])], layout(part, "hour"), {}
    )
    assert result["opens"].tolist() == list(range(25))
    assert result["datetime"].diff().dropna().eq(timedelta(hours=1)).all()


@pytest.mark.parametrize("write", [as_utc, as_wall])
def test_weeks_may_begin_on_another_day_than_ours(write: Callable[[datetime], str]) -> None:
    part = Timeframe("2026-03-01", "2026-03-15", timezone=NEW_YORK)  # two weeks from Sunday on
    sundays = [datetime(2026, 3, day, tzinfo=part.start.tzinfo) for day in (1, 8)]
    result = frame([(part, [series([write(day) for day in sundays], [1, 2])])], layout(part, "week"), {})
    assert result["datetime"].tolist() == sundays
    assert result["complete"].tolist() == [True, False]  # where the last week ends, nobody says


@given(st.integers(1, 13), st.data())
def test_splitting_a_series_changes_nothing(cut: int, data: st.DataObject) -> None:
    whole = Timeframe("2026-03-01", "2026-03-15", timezone=NEW_YORK)  # with a short day inside
    values = data.draw(st.lists(st.integers(0, 99), min_size=14, max_size=14))
    days = [as_utc(day) for day in whole.intervals("day")]
    at = whole.intervals("day")[cut]
    parts = [Timeframe(whole.start, at), Timeframe(at, whole.end)]
    told = [series(days[:cut], values[:cut]), series(days[cut:], values[cut:])]
    joined = frame([(part, [one]) for part, one in zip(parts, told, strict=True)], layout(whole, "day"), {})
    pd.testing.assert_frame_equal(joined, frame([(whole, [series(days, values)])], layout(whole, "day"), {}))


def test_the_columns_follow_from_the_request() -> None:
    part = Timeframe("2026-03-01", "2026-03-02", timezone=NEW_YORK)
    wanted = layout(
        part,
        "day",
        "opens",
        "opens_unique",
        "open_rate",
        "conversion_value",
        "text_message_credit_usage_amount",
    )
    label = {"flow_id": Label("flow", {})}
    empty = frame([(part, [{"date_times": [as_utc(part.start)], "results": []}])], wanted, label)
    numbers = {"opens": [1], "opens_unique": [None], "open_rate": [0.5], "conversion_value": [2]}
    results = [{"groupings": {"flow_id": "F1"}, "statistics": numbers}]
    full = frame([(part, [{"date_times": [as_utc(part.start)], "results": results}])], wanted, label)
    assert empty.empty
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict() == {
        "datetime": "datetime64[us, America/New_York]", "flow_id": "string", "flow": "string",
        "opens": "Int64", "opens_unique": "Int64", "open_rate": "float64", "conversion_value": "float64",
        "text_message_credit_usage_amount": "float64", "currency": "string", "complete": "boolean",
    }  # fmt: skip
    assert full["opens_unique"].isna().all()
    assert full["currency"].tolist() == ["EUR"]


def test_values_of_several_years_are_added_up_and_rates_made_anew() -> None:
    frames = Timeframe("2024-01-01", "2026-01-01", timezone=NEW_YORK).split(years=1)

    def year(delivered: int, recipients: int) -> dict[str, Any]:
        numbers = {"delivered": delivered, "recipients": recipients}
        return {"results": [{"groupings": {"flow_id": "F1"}, "statistics": numbers}]}

    whole = Timeframe("2024-01-01", "2026-01-01", timezone=NEW_YORK)
    answers = [(frames[0], [year(90, 100)]), (frames[1], [year(10, 100)])]
    row = frame(answers, layout(whole, None, "recipients", "delivery_rate"), {}).iloc[0]
    assert (row["recipients"], row["delivery_rate"]) == (200, 0.5)
    assert list(frame(answers, layout(whole, None, "delivery_rate"), {}).columns) == [
        "flow_id", "delivery_rate", "complete",
    ]  # fmt: skip


def test_whoever_was_renamed_is_one_group_with_the_latest_name() -> None:
    part = Timeframe("2026-03-01", "2026-03-02", timezone=NEW_YORK)
    rows = [
        {"groupings": {"flow_id": "F1", "flow_name": name}, "statistics": {"opens": 2, "opens_unique": 1}}
        for name in ("Old", "New")
    ]
    answers = [(part, [{"results": rows}])]
    labels = {"flow_id": Label("flow", told_names(answers, "flow_id", "flow_name"))}
    result = frame(answers, layout(part, None, "opens", "opens_unique"), labels)
    assert result[["flow", "opens"]].to_numpy().tolist() == [["New", 4]]
    assert result["opens_unique"].isna().all(), "people of both rows may be the same"


@pytest.mark.parametrize(
    ("told", "shown"), [("T1", ["T1"]), (["T1", "T2"], ["T1", "T2"]), ([], []), (None, []), ("", [])]
)
def test_tags_are_lists_however_they_are_told(told: object, shown: list[str]) -> None:
    part = Timeframe("2026-03-01", "2026-03-02", timezone=NEW_YORK)
    answer = {"results": [{"groupings": {"tag_id": told}, "statistics": {"opens": 2}}]}
    result = frame([(part, [answer])], layout(part, None, key="tag_id"), {})
    assert result["tag_id"].tolist() == [shown]


def test_what_is_not_over_is_not_complete() -> None:
    part = Timeframe("2026-03-01", "2026-03-04", timezone=NEW_YORK)
    days = [as_wall(day) for day in part.intervals("day")]
    noon = datetime(2026, 3, 3, 17, tzinfo=UTC)
    asked = Layout(("flow_id",), ("opens",), part, "day", noon, None)
    assert frame([(part, [series(days, [1, 2, 3])])], asked, {})["complete"].tolist() == [True, True, False]
    values = Layout(("flow_id",), ("opens",), part, None, noon, None)
    answer = {"results": [{"groupings": {"flow_id": "F1"}, "statistics": {"opens": 6}}]}
    assert frame([(part, [answer])], values, {})["complete"].tolist() == [False]
