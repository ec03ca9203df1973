"""Tables of equal-long numpy columns: the story is written in these before it becomes events."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

NONE = -1  # "no such row", in every column that points at another table
NEVER = np.iinfo(np.int64).max


@dataclass(slots=True)
class Table:
    """A dataclass of arrays that are filtered and joined together."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, which: npt.NDArray[Any]) -> Self:
        """Keep the rows that a mask or an index array names."""
        return type(self)(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    @classmethod
    def empty(cls) -> Self:
        """Return a table without rows."""
        kinds = {"Bools": np.bool_, "Floats": np.float64}
        return cls(
            **{field.name: np.empty(0, dtype=kinds.get(str(field.type), np.int64)) for field in fields(cls)}
        )

    @classmethod
    def join(cls, parts: list[Self]) -> Self:
        """Put tables of one kind below each other."""
        columns = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns})


def last_before(owner: Ints, time: Ints, *, of_owner: Ints, of_time: Ints, window: int) -> Ints:
    """For each (owner, time), the row of the other table that came last within the window, else NONE."""
    if not len(of_owner):
        return np.full(len(owner), NONE, dtype=np.int64)
    order = np.lexsort((of_time, of_owner))
    span = np.int64(1) << 34  # more seconds than any Unix time of ours
    keys = of_owner[order] * span + of_time[order]
    found = np.searchsorted(keys, owner * span + time, side="right") - 1
    row = order[np.maximum(found, 0)]
    fits = (found >= 0) & (of_owner[row] == owner) & (of_time[row] >= time - window)
    return np.where(fits, row, NONE)


def count_before(owner: Ints, time: Ints, window: int) -> Ints:
    """Return how many rows of the same owner came before each row, within the window."""
    order = np.lexsort((time, owner))
    span = np.int64(1) << 34
    keys = owner[order] * span + time[order]
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.searchsorted(keys, keys, side="left") - np.searchsorted(
        keys, keys - window, side="left"
    )
    return found


def first_of_each(owner: Ints, time: Ints) -> Ints:
    """Return the row with the smallest time of each owner, in the order of owners."""
    order = np.lexsort((time, owner))
    return order[np.unique(owner[order], return_index=True)[1]]


def last_of_each(owner: Ints, time: Ints) -> Ints:
    """Return the row with the largest time of each owner, in the order of owners."""
    return first_of_each(owner, -time)
