"""Frames as they really are: each value arrives as it was, or its row says why it does not."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.writeback import Plan
from tests.shops import Shop

EMAILS = ["odd0@mail.example.net", "odd1@mail.example.net", "odd2@mail.example.net"]
UNKNOWN = object()  # no entry is sent


class Grade(enum.StrEnum):
    GOOD = "good"


def arrow(values: list[Any], type: pa.DataType) -> pd.Series[Any]:
    return pd.Series(values, dtype=pd.ArrowDtype(type))


def anything(*values: Any) -> pd.Series[Any]:
    return pd.Series(list(values), dtype=object)


def frame(x: Any) -> pd.DataFrame:
    return pd.DataFrame({"email": EMAILS, "first_name": "Ann", "x": x})


def sent(plan: Plan) -> list[Any]:
    records = [orjson.loads(record) for record in plan._records if record is not None]
    return [one["attributes"].get("properties", {}).get("x", UNKNOWN) for one in records]


MOMENT, DAY = pd.Timestamp("2026-01-01 10:00").to_pydatetime(), dt.date(2026, 1, 1)
WINTER_SUMMER: Any = pd.DatetimeIndex(["2026-01-01", "2026-07-01", pd.NaT])
WHOLE: list[Any] = [
    pytest.param(pd.Categorical([1, None, 2]), [1, UNKNOWN, 2], id="category-of-integers"),
    pytest.param(pd.Categorical([True, None, False]), [True, UNKNOWN, False], id="category-of-booleans"),
    pytest.param(pd.Categorical(["a", None, "b"]), ["a", UNKNOWN, "b"], id="category-of-texts"),
    pytest.param(
        pd.Categorical(WINTER_SUMMER),
        ["2026-01-01T00:00:00", "2026-07-01T00:00:00", UNKNOWN],
        id="category-of-times",
    ),
    pytest.param(pd.arrays.SparseArray([0, 0, 1]), [0, 0, 1], id="sparse-integers"),
    pytest.param(pd.arrays.SparseArray([np.nan, 0.5, 1]), [UNKNOWN, 0.5, 1.0], id="sparse-floats"),
    pytest.param(arrow(["a", None, "ö"], pa.large_string()), ["a", UNKNOWN, "ö"], id="arrow-text"),
    pytest.param(arrow([1, None, 2**64 - 1], pa.uint64()), [1, UNKNOWN, 2**64 - 1], id="arrow-integers"),
    pytest.param(arrow([1.5, None, float("nan")], pa.float64()), [1.5, UNKNOWN, UNKNOWN], id="arrow-floats"),
    pytest.param(arrow([True, None, False], pa.bool_()), [True, UNKNOWN, False], id="arrow-booleans"),
    pytest.param(
        arrow([DAY, None, DAY], pa.date32()), ["2026-01-01", UNKNOWN, "2026-01-01"], id="arrow-days"
    ),
    pytest.param(
        arrow([MOMENT, None, MOMENT], pa.timestamp("us", tz="UTC")),
        ["2026-01-01T10:00:00+00:00", UNKNOWN, "2026-01-01T10:00:00+00:00"],
        id="arrow-times",
    ),
    pytest.param(
        arrow([Decimal("1.10"), None, Decimal(2)], pa.decimal128(10, 2)),
        [1.1, UNKNOWN, 2.0],
        id="arrow-decimals",
    ),
    pytest.param(
        arrow([[1, None], None, []], pa.list_(pa.int64())), [[1, None], UNKNOWN, []], id="arrow-lists"
    ),
    pytest.param(
        arrow([{"a": 1}, None, {"a": None}], pa.struct([("a", pa.int64())])),
        [{"a": 1}, UNKNOWN, {"a": None}],
        id="arrow-structs",
    ),
    pytest.param(
        arrow([{"a": 1}, None, {"b": 2}], pa.map_(pa.string(), pa.int64())),
        [{"a": 1}, UNKNOWN, {"b": 2}],
        id="arrow-maps",
    ),
    pytest.param(
        arrow(["a", None, "b"], pa.dictionary(pa.int32(), pa.string())),
        ["a", UNKNOWN, "b"],
        id="arrow-dictionary",
    ),
    pytest.param(arrow([None] * 3, pa.null()), [UNKNOWN] * 3, id="arrow-nulls"),
    pytest.param(pd.array([1, None, 3], dtype="Int8"), [1, UNKNOWN, 3], id="nullable-integers"),
    pytest.param(pd.Series([0.0, None, 2], dtype="Float64") * np.nan, [UNKNOWN] * 3, id="nullable-nan"),
    pytest.param(
        pd.array([True, None, False], dtype="boolean"), [True, UNKNOWN, False], id="nullable-booleans"
    ),
    pytest.param(anything(True, None, np.False_), [True, UNKNOWN, False], id="booleans-as-objects"),
    pytest.param(anything(Decimal("1.10"), Decimal("NaN"), Decimal(2)), [1.1, UNKNOWN, 2.0], id="decimals"),
    pytest.param(
        anything({"a": {"b": [1, np.nan, {"c": np.int64(3)}]}}, np.array(["x", None]), (1, {2})),
        [{"a": {"b": [1, None, {"c": 3}]}}, ["x", None], [1, [2]]],
        id="nested",
    ),
    pytest.param(
        anything([np.nan, 1], [pd.NaT], np.array([1.5])), [[None, 1], [None], [1.5]], id="nulls-in-lists"
    ),
    pytest.param(anything("👩‍👩‍👧", "a\0b", "\u2028\n"), ["👩‍👩‍👧", "a\0b", "\u2028\n"], id="texts"),
    pytest.param(anything(Grade.GOOD, 0, ""), ["good", 0, ""], id="enumeration-zero-empty"),
    pytest.param(
        WINTER_SUMMER.tz_localize("Europe/Berlin"),
        ["2026-01-01T00:00:00+01:00", "2026-07-01T00:00:00+02:00", UNKNOWN],
        id="zoned",
    ),
    pytest.param(anything({1: "a"}, {"b": 2}, {}), [{"1": "a"}, {"b": 2}, {}], id="objects"),
]


@pytest.mark.parametrize(("column", "expected"), WHOLE)
def test_a_value_is_sent_as_it_is(offline: KlaviyoClient, column: Any, expected: list[Any]) -> None:
    plan = offline.profiles.plan_upsert(frame(column), properties=["x"])
    assert plan.problems.empty
    found = sent(plan)
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected]


def test_odd_columns_arrive(shop: Shop) -> None:
    columns: dict[str, Any] = {str(each.id): each.values[0] for each in WHOLE}
    expected: dict[str, Any] = {str(each.id): each.values[1] for each in WHOLE}
    result = shop.client.profiles.upsert(pd.DataFrame({"email": EMAILS, **columns}), properties="rest")
    assert (result.rows["status"] == "written").all()
    for row, email in enumerate(EMAILS):
        told = shop.client.profiles.find(email=email)["properties"]
        assert told == {name: one[row] for name, one in expected.items() if one[row] is not UNKNOWN}


@pytest.mark.parametrize(
    ("column", "why"),
    [
        pytest.param(pd.interval_range(0, 3), "a Interval cannot be written as JSON; make it", id="interval"),
        pytest.param(pd.period_range("2026-01", periods=3, freq="M"), "a Period cannot", id="period"),
        pytest.param(pd.to_timedelta([1, 2, 3], unit="s"), "a Timedelta cannot", id="duration"),
        pytest.param(anything({1: 2, "1": 3}, *[{True: 1}] * 2), "names", id="names-that-become-one"),
        pytest.param(anything(*[{"a": float("inf")}] * 3), "inf is not a JSON number", id="infinity-inside"),
        pytest.param(anything(*["\ud800"] * 3), "its text is not valid Unicode", id="half-a-character"),
        pytest.param(arrow([b"x"] * 3, pa.binary()), "a bytes cannot", id="arrow-bytes"),
        pytest.param(anything(*["é" * 60_000] * 3), "bytes, and the API allows 100,000", id="large"),
    ],
)
def test_what_cannot_be_sent_is_a_problem_of_each_row(offline: KlaviyoClient, column: Any, why: str) -> None:
    plan = offline.profiles.plan_upsert(frame(column), properties="rest")
    assert len(plan.problems) == 3
    assert plan.problems["problem"].str.contains(why, regex=False).all()
    assert plan.requests == 0
    assert "3 problems" in plan._repr_html_()


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(pd.Index([7, 7, 8], name="twice"), id="twice"),
        pytest.param(pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", None)]), id="levels"),
        pytest.param(pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin", name="day"), id="times"),
        pytest.param(pd.CategoricalIndex(["a", "b", "a"]), id="categories"),
        pytest.param(pd.Index([1.5, float("nan"), 2.0]), id="floats"),
        pytest.param(pd.Index(["a", None, "\ud800"], dtype=object), id="half-a-character"),
        pytest.param(pd.Index([2**70, (1, 2), DAY], dtype=object), id="objects"),
        pytest.param(pd.interval_range(0, 3), id="intervals"),
        pytest.param(pd.RangeIndex(6, 0, -2), id="backwards"),
    ],
)
def test_rows_keep_any_index(shop: Shop, tmp_path: Path, index: Any) -> None:
    given = frame([1, 2, 3]).set_index(index)
    path = tmp_path / "odd.journal"
    result = shop.client.profiles.upsert(given, properties="rest", journal=path, keep_journal=True)
    pd.testing.assert_index_equal(result.rows.index, given.index)
    again = shop.client.resume(path, keep_journal=True).rows
    assert again["key"].tolist() == EMAILS
    assert result._repr_html_()


def test_half_a_character_in_a_key_or_a_name_spoils_its_row_only(shop: Shop) -> None:
    ids = anything("odd-id-1", "\ud800", "odd-id-2")
    plan = shop.client.profiles.plan_upsert(pd.DataFrame({"external_id": ids}), key="external_id")
    assert plan.problems["key"].tolist() == ["\\ud800"]
    rows = plan.apply(skip_invalid=True).rows
    assert rows["status"].tolist() == ["written", "not sent", "written"]
    columns = pd.Index(["email", "\ud800"], dtype=object)
    named = shop.client.profiles.plan_upsert(
        frame(1)[["email", "x"]].set_axis(columns, axis=1), properties="rest"
    )
    assert len(named.problems) == 3


@pytest.mark.parametrize("rule", ["first", "last"])
def test_of_addresses_that_differ_in_case_one_goes(shop: Shop, rule: Any) -> None:
    emails = ["Case@Mail.example.net", "case@mail.example.net", "CASE@MAIL.EXAMPLE.NET"]
    people = pd.DataFrame({"email": emails, "x": [1, 2, 3]})
    result = shop.client.profiles.upsert(people, properties="rest", on_duplicate=rule)
    assert sorted(result.rows["status"]) == ["not sent", "not sent", "written"]
    (key,) = result.rows.loc[result.rows["status"] == "written", "key"]
    assert key == emails[0 if rule == "first" else 2]
    assert shop.client.profiles.find(email=key)["properties"] == {"x": 1 if rule == "first" else 3}


def test_addresses_that_only_look_alike_are_two(offline: KlaviyoClient) -> None:
    people = pd.DataFrame({"email": ["straße@mail.example.net", "strasse@mail.example.net"]})
    assert offline.profiles.plan_upsert(people).problems.empty


@pytest.mark.parametrize(
    "email", [" ann@mail.example.net", "ann@mail.example.net ", "ann@mail.example.net\n"]
)
def test_spaces_around_an_address_are_named(offline: KlaviyoClient, email: str) -> None:
    people = pd.DataFrame({"email": [email]})
    for plan in (offline.profiles.plan_upsert(people), offline.profiles.plan_suppress(people)):
        assert plan.problems["problem"].item().endswith("strip the spaces around it")


def test_numbers_say_how_they_are_written(offline: KlaviyoClient) -> None:
    people = pd.DataFrame({"phone_number": [15005550006, 15005550007]})
    problems = offline.profiles.plan_upsert(people, key="phone_number").problems["problem"]
    assert problems.str.endswith("write it with a plus and the country code, like +15005550006").all()


def test_an_id_that_became_a_float_is_not_guessed(offline: KlaviyoClient) -> None:
    people = pd.DataFrame({"external_id": [123456789012345678, None, 7]})
    problems = offline.profiles.plan_upsert(people, key="external_id").problems["problem"]
    assert "lost digits; read the column as text" in problems[0]
    assert problems[1] == "external_id is missing"
    assert 2 not in problems


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (pd.DataFrame(), "no column becomes 'email', the key; there are none"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("email", ""), ("x", "y")])), "are text"),
        (pd.DataFrame([["a@b.cd", "c@d.ef"]], columns=["email", "email"]), "two columns named 'email'"),
        (frame(anything({"a": 1}, {}, None)).rename(columns={"x": "properties"}), "a column of its own"),
        (frame("2026-01-01").rename(columns={"x": "created"}), "'created' is set by Klaviyo"),
        (frame(1).rename(columns={"x": "subscriptions.email.marketing.consent"}), "is set by Klaviyo"),
    ],
)
def test_a_frame_that_would_be_misread_is_refused(offline: KlaviyoClient, given: Any, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        offline.profiles.plan_upsert(given, properties="rest")


def test_people_of_two_columns_are_refused_everywhere(offline: KlaviyoClient) -> None:
    twice = pd.DataFrame([["a@b.cd", "c@d.ef"]], columns=["email", "email"])
    for plan in (
        offline.profiles.plan_suppress,
        offline.profiles.plan_subscribe,
        offline.catalog_items.plan_delete,
    ):
        with pytest.raises(FrameError, match="two columns named 'email'"):
            plan(twice)
        with pytest.raises(FrameError, match=r"takes a DataFrame .*, not None"):
            plan(None)  # type: ignore[arg-type]


def test_a_column_of_consent_that_is_not_there_is_not_passed_over(offline: KlaviyoClient) -> None:
    with pytest.raises(FrameError, match="no column 'when'; it has email"):
        offline.profiles.plan_subscribe(pd.DataFrame({"email": EMAILS}), columns={"when": "consented_at"})


@pytest.mark.parametrize(
    "times",
    [
        arrow([MOMENT] * 3, pa.timestamp("us")),
        arrow([MOMENT] * 3, pa.timestamp("ns")),
        pd.Categorical(["2026-01-01 10:00"] * 3),
        anything(MOMENT, "2026-01-01T10:00", np.datetime64("2026-01-01T10:00")),
        pd.array(["2026-01-01T10:00"] * 3, dtype="datetime64[s]"),
    ],
)
def test_times_of_any_dtype_are_the_same_moment(shop: Shop, times: Any) -> None:
    plan = shop.client.events.plan_create(pd.DataFrame({"email": EMAILS, "time": times}), metric="Odd")
    there = {
        orjson.loads(one or b"")["attributes"]["events"]["data"][0]["attributes"]["time"]
        for one in plan._records
    }
    moment = pd.Timestamp(MOMENT, tz=shop.client.account["timezone"]).tz_convert("UTC").isoformat()
    assert there == {moment}


def test_one_code_may_be_of_two_coupons(offline: KlaviyoClient) -> None:
    codes = pd.DataFrame({"unique_code": ["A", "A", "B", "B"], "coupon": ["X", "Y", "X", "X"]})
    assert offline.coupon_codes.plan_create(codes).problems.index.tolist() == [2, 3]


def test_two_ids_of_two_things_are_a_problem(offline: KlaviyoClient) -> None:
    things = pd.DataFrame({"external_id": ["a", "b"], "id": ["$custom:::$default:::a", "a"], "price": [1, 2]})
    problems = offline.catalog_items.plan_update(things).problems["problem"]
    assert problems.to_dict() == {
        1: "external_id 'b' and id 'a' are not of one thing; drop one of the columns"
    }


def test_all_rows_bad_and_skipped_send_nothing(shop: Shop) -> None:
    before = len(shop.sandbox.requests)
    result = shop.client.profiles.upsert(pd.DataFrame({"email": ["x", None]}), skip_invalid=True)
    assert result.rows["status"].tolist() == ["not sent", "not sent"]
    assert result.rows["detail"].notna().all()
    assert not any(one.method == "POST" for one in list(shop.sandbox.requests)[before:])
    assert result.retry() is result
