"""List growth."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError, InvalidInputError
from tests.analysis.frames import ENGINES, days, few, frame, records, series, shuffled


def test_who_joined_against_who_left() -> None:
    joined = frame(datetime=days("2026-03-01", 2), metric=["Subscribed to List"] * 2, count=[5, 1])
    left = frame(datetime=days("2026-03-01", 2), metric=["Unsubscribed from List"] * 2, count=[2, 4])
    made = analysis.list_growth(joined, left)
    assert list(made.columns) == ["datetime", "subscribed", "unsubscribed", "net", "members", "complete"]
    assert made["net"].tolist() == [3, -3]
    assert made["members"].isna().all()
    assert made["net"].dtype == made["members"].dtype == "Int64"


def test_an_interval_or_list_that_only_one_frame_has_counts_as_zero() -> None:
    joined = frame(datetime=days("2026-03-01", 2), list=["A", None], count=[5, 1])
    left = frame(datetime=days("2026-03-02", 2), list=[None, "A"], count=[2, 4])
    made = analysis.list_growth(joined, left, members_before={"A": 10, None: 10})
    assert [(row["list"], row["net"], row["members"]) for row in records(made)] == [
        ("A", 5, 15),
        (None, -1, 9),
        ("A", -4, 11),
    ]


def test_an_interval_is_complete_if_it_is_in_both() -> None:
    joined = frame(datetime=days("2026-03-01", 2), count=[5, 1], complete=[True, True])
    left = frame(datetime=days("2026-03-01", 2), count=[2, 4], complete=[True, False])
    assert analysis.list_growth(joined, left)["complete"].tolist() == [True, False]


def test_two_metrics_in_one_frame_are_refused() -> None:
    mixed = frame(datetime=days("2026-03-01", 2), metric=["Subscribed to List", "Opened Email"], count=[5, 1])
    with pytest.raises(FrameError, match="Opened Email and Subscribed to List"):
        analysis.list_growth(mixed, mixed)


@few
@given(series(), st.integers(0, 9))
def test_members_at_the_end_are_those_before_and_the_net_of_all(joined: pd.DataFrame, seed: int) -> None:
    left = joined.assign(count=joined["count"][::-1].to_numpy() // 2)
    channels = [None if pd.isna(name) else name for name in joined["attributed_channel"].unique()]
    before = dict.fromkeys(channels, 100_000)
    made = analysis.list_growth(joined, left, members_before=before)
    assert records(analysis.list_growth(shuffled(joined, seed), left, members_before=before)) == records(made)
    lists = len(channels)
    last = made.groupby("attributed_channel", dropna=False)["members"].last().sum()
    assert last == 100_000 * lists + joined["count"].sum() - left["count"].sum()


class TestMembersBefore:
    two = frame(datetime=days("2026-03-01", 2), list=["A", "B"], count=[5, 1])

    def test_one_number_for_two_lists_is_refused(self) -> None:
        with pytest.raises(InvalidInputError, match=r"2 lists \('A', 'B'\).*\{'A': 1000\}"):
            analysis.list_growth(self.two, self.two.iloc[:0], members_before=1000)

    def test_one_number_for_one_list_is_its_size(self) -> None:
        made = analysis.list_growth(self.two.iloc[:1], self.two.iloc[:0], members_before=1000)
        assert made["members"].tolist() == [1005]

    def test_a_list_that_the_mapping_lacks_has_no_size(self) -> None:
        made = analysis.list_growth(self.two, self.two.iloc[:0], members_before={"B": 50})
        assert made["members"].astype(object).where(made["members"].notna(), None).tolist() == [None, 51]

    def test_a_list_that_the_frames_lack_is_named(self) -> None:
        with pytest.raises(
            InvalidInputError, match=r"'C', which is not a list in the frames\. They have 'A', 'B'"
        ):
            analysis.list_growth(self.two, self.two.iloc[:0], members_before={"C": 50})

    def test_several_columns_take_tuples(self) -> None:
        wide = self.two.assign(region="EU").astype({"region": "string"})
        made = analysis.list_growth(
            wide, wide.iloc[:0], members_before={("A", "EU"): 10, ("B", "EU"): 20}, by=["list", "region"]
        )
        assert made["members"].tolist() == [15, 21]

    @pytest.mark.parametrize("size", [-1, 12.5, True, "1000", None, 2**60])
    def test_what_is_not_a_size_is_refused(self, size: Any) -> None:
        with pytest.raises(InvalidInputError, match="not a size of a list"):
            analysis.list_growth(self.two, self.two.iloc[:0], members_before={"A": size})


@pytest.mark.parametrize("library", ENGINES)
class TestMembersBelowZero:
    joined = frame(datetime=days("2026-03-01", 3).repeat(2), list=["A", "B"] * 3, count=[1, 1, 0, 1, 9, 1])
    left = frame(datetime=days("2026-03-01", 3).repeat(2), list=["A", "B"] * 3, count=[3, 0, 4, 0, 0, 0])

    def both(self, library: str) -> tuple[Any, Any]:
        return ENGINES[library](self.joined), ENGINES[library](self.left)

    def test_the_error_says_how_much_is_missing(self, library: str) -> None:
        """A: 5 - 2 = 3, then 3 - 4 = -1, though it ends at 8."""
        with pytest.raises(
            InvalidInputError, match=r"'A' would have -1 members.*2026-03-0.*larger by 1 or more"
        ):
            analysis.list_growth(*self.both(library), members_before={"A": 5, "B": 0})

    def test_one_more_member_is_enough(self, library: str) -> None:
        made = analysis.list_growth(*self.both(library), members_before={"A": 6, "B": 0})
        assert [row["members"] for row in records(made) if row["list"] == "A"] == [4, 0, 9]

    def test_a_list_that_is_left_out_has_no_members(self, library: str) -> None:
        made = records(analysis.list_growth(*self.both(library), members_before={"B": 0}))
        assert [row["members"] for row in made if row["list"] == "A"] == [None] * 3
        assert [row["net"] for row in made if row["list"] == "A"] == [-2, -4, 9]


@pytest.mark.parametrize("library", ENGINES)
class TestCountsOfOneSide:
    def test_members_are_missing_from_an_unknown_count_on(self, library: str) -> None:
        joined = frame(datetime=days("2026-03-01", 3), count=[5, 0, 3])
        joined["count"] = pd.array([5, None, 3], "Int64")
        left = frame(datetime=days("2026-03-01", 3), count=[1, 1, 1])
        if library == "plain pandas":
            joined["count"] = joined["count"].astype("Float64")
        made = records(
            analysis.list_growth(ENGINES[library](joined), ENGINES[library](left), members_before=10)
        )
        assert [row["members"] for row in made] == [14, None, None]

    def test_negative_counts_are_refused(self, library: str) -> None:
        counts = frame(datetime=days("2026-03-01", 2), count=[5, -2])
        with pytest.raises(FrameError, match="of `unsubscribed` holds -2, and a count is 0 or more"):
            analysis.list_growth(ENGINES[library](counts.iloc[:1]), ENGINES[library](counts))
