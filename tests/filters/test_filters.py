"""Filters: what `F` writes and what it refuses."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters import OPERATORS, F, Filter, as_filter, literal

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("built", "written"),
    [
        (F.email == "a@b.c", 'equals(email,"a@b.c")'),
        (F.status.any(["Draft", "Sent"]), 'any(status,["Draft","Sent"])'),
        (F.name.contains("news"), 'contains(name,"news")'),
        (F.tags.contains_any(["a"]), 'contains-any(tags,["a"])'),
        (F.tags.contains_all(["a", "b"]), 'contains-all(tags,["a","b"])'),
        (F.name.starts_with("A"), 'starts-with(name,"A")'),
        (F.name.ends_with("z"), 'ends-with(name,"z")'),
        (F.price > 1, "greater-than(price,1)"),
        (F.price >= 1.5, "greater-or-equal(price,1.5)"),
        (F.price < -1, "less-than(price,-1)"),
        (F.price <= 10**20, "less-or-equal(price,100000000000000000000)"),
        (F.profile.has(), "has(profile)"),
    ],
    ids=str,
)
def test_every_operator(built: Filter, written: str) -> None:
    assert str(built) == written


def test_the_table_of_operators_is_the_one_tested_above() -> None:
    marks = test_every_operator.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {written.split("(")[0] for _, written in marks} == set(OPERATORS)


def test_the_number_may_stand_first() -> None:
    assert str(1 < F.price) == "greater-than(price,1)"  # noqa: SIM300


def test_dotted_fields_by_attribute_and_by_name() -> None:
    assert str(F.messages.channel == "sms") == str(F["messages.channel"] == "sms")
    assert str(F["Campaign Name"] == "x") == 'equals(Campaign Name,"x")'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (0, "0"),
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        (np.bool_(True), "true"),
        (np.str_("x"), '"x"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("it's", '"it\'s"'),
        ("C:\\new", '"C:\\\\new"'),
        ("a,b)[c]", '"a,b)[c]"'),
        ("😀 Ünïcode", '"😀 Ünïcode"'),
        ("", '""'),
        (("a", 1), '["a",1]'),
    ],
)
def test_values_are_written_as_klaviyo_wants_them(value: Any, written: str) -> None:
    assert literal(value, "name") == written


@pytest.mark.parametrize(
    "moment",
    [
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "2025-12-31T19:00:00-05:00",
        dt.date(2026, 1, 1),
        dt.datetime(2026, 1, 1),  # noqa: DTZ001 - a naive one is read in UTC
        dt.datetime(2025, 12, 31, 19, tzinfo=NEW_YORK),
        pd.Timestamp("2026-01-01", tz="UTC"),
        pd.Timestamp("2025-12-31 19:00", tz="America/New_York"),
        np.datetime64("2026-01-01"),
        np.datetime64("2026-01-01T00:00:00", "ns"),
    ],
    ids=repr,
)
def test_times_are_written_unquoted_in_utc(moment: Any) -> None:
    assert str(F.created > moment) == "greater-than(created,2026-01-01T00:00:00Z)"
    assert str(F["subscriptions.email.timestamp"] > moment).endswith("2026-01-01T00:00:00Z)")


def test_a_summer_day_in_new_york_is_four_hours_behind() -> None:
    noon = dt.datetime(2026, 7, 1, 12, 30, 15, 250_000, tzinfo=NEW_YORK)
    assert literal(noon) == "2026-07-01T16:30:15.250000Z"
    assert literal(dt.datetime(999, 1, 1, tzinfo=dt.UTC)) == "0999-01-01T00:00:00Z"


@pytest.mark.parametrize("moment", ["2026-01-01", dt.date(2026, 1, 1), pd.Timestamp("2026-01-01", tz="UTC")])
def test_the_events_timestamp_is_compared_in_unix_seconds(moment: Any) -> None:
    assert str(F.timestamp >= moment) == "greater-or-equal(timestamp,1767225600)"
    assert str(F.timestamp >= 1767225600) == "greater-or-equal(timestamp,1767225600)"


def test_text_that_looks_like_a_date_stays_text_where_no_time_is_held() -> None:
    assert str(F.name == "2026-01-01") == 'equals(name,"2026-01-01")'


@pytest.mark.parametrize(
    "value",
    [
        float("nan"), float("inf"), np.float64("-inf"), pd.NaT, pd.NA, np.datetime64("NaT"), b"bytes", complex(1, 2),
        {}, [], (), set(), ["a", float("nan")], dt.time(1), dt.timedelta(1), np.timedelta64(1, "D"),
        np.array([1, 2]), pd.Series(["a", "b"]),
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("field", ["email", "created"])
def test_what_cannot_stand_in_a_filter_is_refused_by_name(value: Any, field: str) -> None:
    with pytest.raises(InvalidQueryError, match=field):
        F[field] == value  # noqa: B015


def test_text_that_is_no_date_is_refused_where_a_time_is_held() -> None:
    with pytest.raises(
        InvalidQueryError, match="created: 'yesterday' is not a valid date; write it like 2026-01-31"
    ):
        F.created > "yesterday"  # noqa: B015


@pytest.mark.parametrize("method", [F.status.any, F.tags.contains_any, F.tags.contains_all])
@pytest.mark.parametrize("value", ["Sent", b"Sent", 5, None])
def test_one_value_is_not_taken_for_a_list(method: Callable[[Any], Filter], value: Any) -> None:
    with pytest.raises(InvalidQueryError, match=re.escape(f"write [{value!r}]")):
        method(value)


def test_any_iterable_of_values_will_do() -> None:
    expected = 'any(id,["a","b"])'
    for values in (["a", "b"], ("a", "b"), pd.Series(["a", "b"]), np.array(["a", "b"]), iter("ab")):
        assert str(F.id.any(values)) == expected


class TestCombining:
    def test_and_is_flat_and_keeps_the_order(self) -> None:
        one, two, three = F.a == 1, F.b == 2, F.c == 3
        flat = "and(equals(a,1),equals(b,2),equals(c,3))"
        assert str(one & two & three) == str(one & (two & three)) == flat

    def test_raw_text_stands_on_either_side(self) -> None:
        assert str((F.a == 1) & "equals(b,2)") == "and(equals(a,1),equals(b,2))"
        assert str("equals(b,2)" & (F.a == 1)) == "and(equals(b,2),equals(a,1))"

    @pytest.mark.parametrize(
        ("attempt", "advice"),
        [
            (lambda: (F.a == 1) | (F.b == 2), r"F\.field\.any"),
            (lambda: "equals(a,1)" | (F.b == 2), r"F\.field\.any"),
            (lambda: F.a | F.b, r"F\.field\.any"),
            (lambda: ~(F.a == 1), "pandas"),
            (lambda: ~F.a, "pandas"),
            (lambda: F.a != 1, "pandas"),
            (lambda: (F.a == 1) and (F.b == 2), "&"),
            (lambda: not (F.a > 1), "&"),
            (lambda: not F.is_active, "&"),
            (lambda: bool(F.is_active), "&"),
            (lambda: 1 < F.a < 5, "chained"),
            (lambda: F.a == 1 & F.b == 2, "parentheses"),
            (lambda: F.email == "a" & F.created > "2026-01-01", "parentheses"),
            (lambda: F.a & (F.b == 2), "parentheses"),
            (lambda: F.a in ["x"], "&"),
        ],
    )
    def test_pythons_traps_are_caught(self, attempt: Callable[[], Any], advice: str) -> None:
        with pytest.raises(InvalidQueryError, match=advice):
            attempt()

    @pytest.mark.parametrize("value", [5, None, ["equals(a,1)"], F.a, True])
    def test_what_is_no_filter_is_refused(self, value: Any) -> None:
        with pytest.raises(InvalidQueryError, match=r"ka\.F"):
            as_filter(value)


@pytest.mark.parametrize(
    ("built", "written"),
    [
        (F.timestamp >= "2026-01-01T00:00:00.5", "greater-or-equal(timestamp,1767225601)"),
        (F.timestamp < "2026-01-01T00:00:00.5", "less-than(timestamp,1767225601)"),
        (F.timestamp > "2026-01-01T00:00:00.5", "greater-than(timestamp,1767225600)"),
        (F.timestamp <= "2026-01-01T00:00:00.5", "less-or-equal(timestamp,1767225600)"),
        (F.timestamp >= "2026-01-01", "greater-or-equal(timestamp,1767225600)"),
    ],
)
def test_a_bound_within_a_second_holds_for_events_of_whole_seconds(built: Filter, written: str) -> None:
    assert str(built) == written


def test_what_a_notebook_shows_is_short() -> None:
    assert repr(F.email == "ann@mail.example.net") == """Filter('equals(email,"ann@mail.example.net")')"""
    assert (
        repr(F)
        == """F, as in F.email == "ann@mail.example.net" or F["messages.channel"].any(["email", "sms"])"""
    )
    assert repr(F.email) == "F['email']"
