"""Counting by row and interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is to be counted: the row, the interval and the profile (-1: nobody) of each event."""

    row: Ints
    interval: Ints
    profile: Ints
    shape: tuple[int, int]  # rows, intervals

    def count(self, which: Bools) -> Ints:
        """Count events."""
        return np.bincount(self._cell()[which], minlength=self._size()).reshape(self.shape)

    def unique(self, which: Bools) -> Ints:
        """Count profiles, each once in a cell; an event without a profile counts nobody."""
        which = which & (self.profile >= 0)
        span = int(self.profile.max(initial=0)) + 1
        pairs = np.unique(self._cell()[which] * span + self.profile[which])
        return np.bincount(pairs // span, minlength=self._size()).reshape(self.shape)

    def total(self, which: Bools, amounts: Floats) -> Floats:
        """Add up amounts."""
        sums = np.bincount(self._cell()[which], weights=amounts[which], minlength=self._size())
        table: Floats = sums.astype(np.float64).reshape(self.shape)
        return table

    def _cell(self) -> Ints:
        return self.row * self.shape[1] + self.interval

    def _size(self) -> int:
        return self.shape[0] * self.shape[1]


def distinct(*columns: Ints) -> tuple[list[list[int]], Ints]:
    """List the combinations in parallel columns of numbers from -1 on, and find the place of each row's own."""
    spans = [int(column.max(initial=-1)) + 2 for column in columns]
    keys, place = np.unique(
        np.ravel_multi_index([column + 1 for column in columns], spans), return_inverse=True
    )
    combinations = np.stack(np.unravel_index(keys, spans), axis=1) - 1
    return combinations.tolist(), place


def quotient(above: npt.NDArray[np.generic], below: npt.NDArray[np.generic]) -> Floats:
    """Divide; nothing by nothing is 0.0, for the document promises rates from 0.0 to 1.0 and knows no null."""
    result: Floats = np.zeros(above.shape)
    np.divide(above, below, out=result, where=below != 0)
    return result


def share(above: npt.NDArray[np.generic], below: npt.NDArray[np.generic]) -> Floats:
    """Divide parts by wholes; a part can outgrow its whole (clicks without opens), the answer cannot."""
    return np.minimum(quotient(above, below), 1.0)
