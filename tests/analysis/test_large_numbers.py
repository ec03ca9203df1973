"""Sums of whole numbers that do not fit into 64 bits are refused in every library; they never turn negative."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError, KlaviyoError
from tests.analysis.frames import ENGINES, close_database, days, frame, records
from tests.analysis.revenue_frames import CALLS as REVENUE_CALLS
from tests.analysis.test_engines import CALLS as OTHER_CALLS

pytest.importorskip("polars")
pytest.importorskip("duckdb")

LARGE = 2**62 + 2**60  # no sum of it is 2**63
EVERY_CALL = {**OTHER_CALLS, **REVENUE_CALLS}
Convert = Callable[[pd.DataFrame], Any]


@pytest.fixture(scope="module", autouse=True)
def _database() -> Iterator[None]:
    yield
    close_database()


def large(table: pd.DataFrame, dtype: Any) -> pd.DataFrame:
    """The same rows with counts and amounts near the end of 64 bits."""
    made = table.copy()
    for name in made.columns:
        numeric = pd.api.types.is_numeric_dtype(made[name]) and not pd.api.types.is_bool_dtype(made[name])
        if numeric and name not in {"position", "days", "hours", "credit"}:
            made[name] = (made[name] * 0 + LARGE).astype("Int64").astype(dtype)
    return made


def is_number(value: object) -> bool:
    return isinstance(value, int | float)


def outcome(name: str, dtype: str, library: str) -> tuple[str, Any]:
    convert = ENGINES[library]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            made = EVERY_CALL[name](lambda table: convert(large(table, dtype)))
            return "rows", sorted(records(made), key=repr)
    except KlaviyoError as error:
        return "refused", str(error)


@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
@pytest.mark.parametrize("name", EVERY_CALL)
def test_whole_numbers_give_what_floats_give_or_are_refused(name: str, library: str) -> None:
    kind, rows = outcome(name, "Int64", library)
    as_floats = outcome(name, "Float64", library)
    if kind == "rows":
        assert (kind, rows) == as_floats
    elif "floats first" in rows:  # the advice of the error works
        assert "64 bits" not in as_floats[1]
    if as_floats[0] == "rows":  # what a float that does not fit becomes when it is made whole
        assert not any(
            value == -(2**63) for row in as_floats[1] for value in row.values() if is_number(value)
        )


@pytest.mark.parametrize("library", ["pandas", "plain pandas", "polars", "polars lazy", "duckdb"])
@pytest.mark.parametrize(
    "name", ["roll_up", "resample", "list_growth", "revenue_split, all", "attribution_rollup"]
)
def test_a_sum_beyond_64_bits_is_refused_with_its_column(name: str, library: str) -> None:
    kind, message = outcome(name, "Int64", library)
    assert kind == "refused"
    assert "holds numbers that add up to more than 64 bits can hold" in message
    cure = {"polars": "cast(pl.Float64)", "duckdb": "AS DOUBLE"}.get(library.split(maxsplit=1)[0], "astype({")
    assert cure in message


TWO_DAYS = frame(datetime=days("2026-03-04", 2), count=[2**62, 2**62 + 4])


@pytest.mark.parametrize("library", ENGINES)
class TestTheEndOf64Bits:
    def test_a_sum_that_fits_is_exact(self, library: str) -> None:
        counts = frame(flow=["Welcome"] * 2, delivered=[2**62, 2**62 - 2**60 + 1])
        assert records(analysis.roll_up(ENGINES[library](counts), by="flow")) == [
            {"flow": "Welcome", "delivered": 2**63 - 2**60 + 1}
        ]

    def test_groups_that_fit_are_exact_where_all_rows_would_not(self, library: str) -> None:
        counts = frame(flow=["Welcome", "Winback", None], delivered=[2**62, 2**62 + 1, 2**62 + 2])
        made = {
            row["flow"]: row["delivered"]
            for row in records(analysis.roll_up(ENGINES[library](counts), by="flow"))
        }
        assert made == {"Welcome": 2**62, "Winback": 2**62 + 1, None: 2**62 + 2}
        with pytest.raises(FrameError, match="64 bits"):
            analysis.roll_up(ENGINES[library](counts))

    def test_members_add_up_every_interval(self, library: str) -> None:
        joined = ENGINES[library](TWO_DAYS)
        with pytest.raises(FrameError, match="64 bits"):
            analysis.list_growth(joined, joined)

    def test_numbers_that_take_each_other_away_are_refused_too(self, library: str) -> None:
        """Which of them a database adds first is its own affair."""
        counts = frame(flow=["Welcome"] * 3, delivered=[2**62, 2**62, -(2**62)])
        with pytest.raises(FrameError, match="64 bits"):
            analysis.roll_up(ENGINES[library](counts), by="flow")

    def test_a_difference_beyond_64_bits_is_refused(self, library: str) -> None:
        now, then = (frame(flow=["Welcome"], net=[net]) for net in (2**62, -(2**62)))
        with pytest.raises(FrameError, match="differ by more than 64 bits"):
            analysis.compare_periods(ENGINES[library](now), ENGINES[library](then), by="flow")

    def test_the_change_from_one_day_to_the_next_is_exact(self, library: str) -> None:
        made = records(analysis.period_over_period(ENGINES[library](TWO_DAYS), "count", interval="day"))
        assert made[1]["count_difference"] == 4

    def test_shares_of_a_total_beyond_64_bits_are_right(self, library: str) -> None:
        made = records(analysis.share_of_total(ENGINES[library](TWO_DAYS), "count"))
        assert [row["count_share"] for row in made] == pytest.approx([0.5, 0.5])


class TestUnsignedNumbers:
    """5 less 10 is -5, whatever holds them."""

    NOW, THEN = frame(flow=["Welcome"], delivered=[5]), frame(flow=["Welcome"], delivered=[10])

    @pytest.mark.parametrize("library", ["pandas", "polars", "polars lazy"])
    def test_differences_of_them_are_negative(self, library: str) -> None:
        now, then = (table.astype({"delivered": "UInt64"}) for table in (self.NOW, self.THEN))
        made = analysis.compare_periods(ENGINES[library](now), ENGINES[library](then), by="flow")
        assert [row["delivered_difference"] for row in records(made)] == [-5]

    def test_differences_of_a_databases_are_negative(self) -> None:
        now, then = (
            ENGINES["duckdb"](table).select("flow, delivered::UBIGINT AS delivered")
            for table in (self.NOW, self.THEN)
        )
        made = analysis.compare_periods(now, then, by="flow")
        assert [row["delivered_difference"] for row in records(made)] == [-5]

    def test_a_sum_beyond_64_bits_is_refused(self) -> None:
        counts = frame(flow=["Welcome"] * 2, delivered=[1, 1]).assign(
            delivered=pd.array([2**64 - 1, 5], "UInt64")
        )
        with pytest.raises(FrameError, match="'delivered' holds numbers"):
            analysis.roll_up(counts, by="flow")
