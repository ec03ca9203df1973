"""Two frames side by side, row for row."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from klaviyo_analytics.analysis._engine import Table


def paired(current: Table, previous: Table, keys: Sequence[str], values: Sequence[str]) -> Table:
    """Return a row for each key of either table with the values of both, and which of them has it.

    Rows are stacked and grouped instead of joined, because a join never matches two missing keys. Each key
    stands at most once in each table.
    """
    now = current.select(
        *keys,
        *(nw.col(name) for name in values),
        *(_missing(name).alias(f"{name}_previous") for name in values),
        __current=nw.lit(1),
        __previous=nw.lit(0),
    )
    then = previous.select(
        *keys,
        *(_missing(name) for name in values),
        *(nw.col(name).alias(f"{name}_previous") for name in values),
        __current=nw.lit(0),
        __previous=nw.lit(1),
    )
    found = [*values, *(f"{name}_previous" for name in values), "__current", "__previous"]
    return nw.concat([now, then]).group_by(*keys).agg(*(nw.col(name).max() for name in found))


def with_change(table: Table, values: Sequence[str]) -> Table:
    """Append difference and relative change; there is no change over zero."""
    made = []
    for name in values:
        value, before = nw.col(name).cast(nw.Float64), nw.col(f"{name}_previous").cast(nw.Float64)
        made.append((nw.col(name) - nw.col(f"{name}_previous")).alias(f"{name}_difference"))
        made.append(nw.when(before != 0).then((value - before) / before).alias(f"{name}_change"))
    return table.with_columns(made)


def _missing(name: str) -> nw.Expr:
    """Missing throughout, of the column's own type."""
    column = nw.col(name)
    return nw.when(column.is_null() & ~column.is_null()).then(column)
