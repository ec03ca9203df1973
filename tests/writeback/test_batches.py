"""As few requests as the limits allow."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.writeback.journal import cut

SIZES = st.lists(st.integers(1, 2_000), max_size=400)


@given(SIZES, st.integers(1, 50), st.integers(100_000, 300_000))
def test_every_row_is_in_one_request_and_no_limit_is_passed(sizes: list[int], most: int, room: int) -> None:
    groups = cut(sizes, most=most, room=room)
    assert sorted(row for group in groups for row in group) == list(range(len(sizes)))
    for group in groups:
        assert 0 < len(group) <= most
        assert sum(sizes[row] + 1 for row in group) <= room


@given(SIZES, st.integers(1, 50), st.integers(100_000, 300_000))
def test_the_number_of_requests_is_the_least_but_for_two_percent(
    sizes: list[int], most: int, room: int
) -> None:
    least = max(math.ceil(len(sizes) / most), math.ceil(sum(size + 1 for size in sizes) / room))
    assert len(cut(sizes, most=most, room=room)) <= least + max(1, math.ceil(0.02 * least))


def test_small_rows_far_from_large_ones_share_requests_with_them() -> None:
    sizes = [300] * 100_000 + [90_000] * 500  # ten requests full by count, then nine or ten full by bytes
    groups = cut(sizes, most=10_000, room=5_000_000)
    least = math.ceil((sum(sizes) + len(sizes)) / 5_000_000)
    assert len(groups) <= least * 1.02 + 1


def test_equal_rows_stay_in_order() -> None:
    groups = cut([100] * 25, most=10, room=5_000_000)
    assert [group.tolist() for group in groups] == [[*range(10)], [*range(10, 20)], [*range(20, 25)]]


def test_a_quarter_of_a_million_rows_are_cut_at_the_limit_of_bytes() -> None:
    sizes = np.full(250_000, 700)
    assert len(cut(sizes.tolist(), most=10_000, room=5_000_000)) == math.ceil(250_000 / (5_000_000 // 701))


def test_nothing_takes_no_request() -> None:
    assert cut([], most=10, room=100) == []


def test_a_row_over_the_limit_of_bytes_goes_alone() -> None:
    groups = cut([50, 500, 50], most=10, room=120)
    assert sorted(group.tolist() for group in groups if 1 in group.tolist()) == [[1]]
    assert sorted(row for group in groups for row in group) == [0, 1, 2]
