"""Cut rows into the fewest requests that the limits of count and bytes allow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
REQUEST_BYTES = 5_000_000  # "5 MB" in its smaller reading
WASTE = 1.02


def cut(sizes: Sequence[int], *, most: int, room: int) -> list[Positions]:
    """Cut rows of these sizes (bytes, without the comma between two) into groups of positions.

    Neighbours stay together where that costs no request. Where small and large rows lie apart, so that some
    groups are full by count and others by bytes, they are dealt like cards instead.
    """
    each = np.asarray(sizes, dtype=np.int64) + 1
    if not len(each):
        return []
    least = max(math.ceil(len(each) / most), math.ceil(int(each.sum()) / room))
    together = _in_order(each, most, room)
    if len(together) <= max(least, least * WASTE):
        return together
    for count in range(least, len(together)):
        dealt = _dealt(each, count)
        if all(len(group) <= most and each[group].sum() <= room for group in dealt):
            return dealt
    return together


def _in_order(each: Positions, most: int, room: int) -> list[Positions]:
    ends = np.cumsum(each)
    groups, start, before = [], 0, 0
    while start < len(each):
        stop = int(np.searchsorted(ends, before + room, side="right"))
        stop = min(max(stop, start + 1), start + most)
        groups.append(np.arange(start, stop))
        start, before = stop, int(ends[stop - 1])
    return groups


def _dealt(each: Positions, count: int) -> list[Positions]:
    """Deal the rows, the largest first, to and fro, so that no group gets much more than another."""
    order = np.argsort(-each, kind="stable")
    turn = np.arange(len(each)) % (2 * count)
    group = np.where(turn < count, turn, 2 * count - 1 - turn)
    return [np.sort(order[group == number]) for number in range(count)]
