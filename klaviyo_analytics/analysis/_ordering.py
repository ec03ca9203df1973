"""Rows in order, rows among their like, and keys of several columns: written once for every engine, fast in pandas.

pandas compares texts slowly, and Narwhals sorts a whole frame for each ordered window. So in pandas a key becomes a
column of integers, numbers and times are sorted first, and texts are compared only in rows that those leave tied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from klaviyo_analytics.analysis._engine import Table


def settled(table: Table) -> Table:
    """Return the table with a fresh index in pandas, whose gaps and repetitions ordered windows do not survive."""
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return table
    return nw.from_native(native.reset_index(drop=True)).lazy()


def keyed(tables: Sequence[Table], **keys: Sequence[str]) -> tuple[list[Table], dict[str, list[str]]]:
    """Return the tables and, for each key, the columns to join and group by.

    pandas joins and groups integers many times faster than texts, so there each key becomes a column of integers that
    rows of equal values share: `keyed([sends, clicks], __pair=["profile_id", "message"])`. Missing values are equal,
    too; leave them out before a join. Other engines, and columns of two kinds, keep the columns themselves.
    """
    natives: list[Any] = [table.to_native() for table in tables]
    wanted = list(dict.fromkeys(name for names in keys.values() for name in names))
    if not all(map(nw.dependencies.is_pandas_dataframe, natives)) or any(
        len({pd.api.types.is_numeric_dtype(one[name].dtype) for one in natives}) > 1 for name in wanted
    ):
        return list(tables), {key: list(names) for key, names in keys.items()}
    found = {}
    for name in wanted:
        values = pd.concat([one[name] for one in natives], ignore_index=True)
        codes, uniques = pd.factorize(values, use_na_sentinel=False)
        found[name] = codes.astype("int64"), max(len(uniques), 1)
    ends = np.cumsum([len(one) for one in natives])[:-1]
    parts: list[dict[str, Any]] = [{} for _ in natives]
    for key, names in keys.items():
        codes, size = found[names[0]]
        for more, length in (found[name] for name in names[1:]):
            if size * length >= 2**62:
                codes, uniques = pd.factorize(codes)
                size = len(uniques)
            codes, size = codes * length + more, size * length
        for part, piece in zip(parts, np.split(codes, ends), strict=True):
            part[key] = piece
    made = [one.assign(**part) for one, part in zip(natives, parts, strict=True)]
    return [nw.from_native(one).lazy() for one in made], {key: [key] for key in keys}


def first_of(table: Table, keys: Sequence[str], *, by: Sequence[str]) -> Table:
    """Return the first row of each of the keys, in the order of `by`, missing values first."""
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return placed(table, keys, by, "__place").filter(nw.col("__place") == 1).drop("__place")
    native = native.reset_index(drop=True)
    codes = _codes(native, keys)
    several = np.flatnonzero(np.bincount(codes)[codes] > 1)  # most rows have keys of their own
    if len(several):
        rows = several[_places(native.take(several), by, [False] * len(by), nulls_last=False)]
        native = native.drop(index=rows[pd.Series(codes[rows]).duplicated()]).reset_index(drop=True)
    return cast(Table, nw.from_native(native).lazy())


def placed(table: Table, keys: Sequence[str], order: Sequence[str], name: str) -> Table:
    """Append the place of each row among the rows of equal keys, from 1."""
    table = table.with_columns(__one=nw.lit(1))
    table = windowed(table, keys, order, **{name: nw.col("__one").cum_sum()})
    return table.with_columns(nw.col(name).cast(nw.Int64)).drop("__one")


def with_numbered_people(*tables: Table, keys: Sequence[str] = ()) -> list[Table]:
    """Return tables with integers as `profile_id`, the same in all of them, in pandas; others as they are.

    For tables without missing profiles and results without profiles: nothing changes if they are among the keys.
    """
    coded, found = keyed(tables, __person=["profile_id"])
    if "profile_id" in keys or found["__person"] == ["profile_id"]:
        return list(tables)
    return [one.with_columns(profile_id=nw.col("__person")).drop("__person") for one in coded]


def numbered(table: Table, name: str, unique: str) -> tuple[Table, str]:
    """Return the table and the column that tells its rows apart: `unique`, or integers named `name` in pandas."""
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return table, unique
    return nw.from_native(native.assign(**{name: np.arange(len(native))})).lazy(), name


def one_each(table: Table, key: Sequence[str], *names: str) -> Table:
    """Return each value of a key of `keyed` once, with the columns that it was made of."""
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return table.select(*dict.fromkeys([*key, *names])).unique()
    return nw.from_native(native.loc[~native.duplicated(list(key)), [*key, *names]]).lazy()


def in_order(
    table: Table, *by: str, descending: bool | Sequence[bool] = False, nulls_last: bool = False
) -> Table:
    """Sort the table; pandas compares texts only in rows that numbers and times before them leave tied."""
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return table.sort(*by, descending=descending, nulls_last=nulls_last)
    falls = [descending] * len(by) if isinstance(descending, bool) else list(descending)
    places = _places(native, by, falls, nulls_last=nulls_last)
    if (places[1:] > places[:-1]).all():
        return table
    return nw.from_native(native.take(places)).lazy()


def in_order_early(table: Table, *by: str, nulls_last: bool = False) -> Table:
    """Sort the table in pandas, whose joins keep the order; others as they are.

    For narrow tables that wide ones are joined to: `in_order` then finds the result in order and moves nothing.
    """
    if not nw.dependencies.is_pandas_dataframe(table.to_native()):
        return table
    return settled(in_order(table, *by, nulls_last=nulls_last))


def windowed(table: Table, keys: Sequence[str], order: Sequence[str], **columns: nw.Expr) -> Table:
    """Append what each row is among the rows of equal keys: `__next=nw.col("__us").shift(-1)`.

    Each expression is of rows in the given order, missing values first; missing keys are equal, too. Of texts, an
    expression may use those of `order` only: pandas moves no others.
    """
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return table.with_columns(
            **{name: column.over(*keys, order_by=[*order]) for name, column in columns.items()}
        )
    # Rows that are in order as a whole are in order among their like, and times are sorted faster than texts.
    native = native.reset_index(drop=True)
    places = _places(native, order, [False] * len(order), nulls_last=False)
    numbered_already = len(keys) == 1 and native[keys[0]].dtype == np.int64
    key = native[keys[0]].to_numpy() if numbered_already else _codes(native, keys)
    used = [name for name in native.columns if name in order or not _is_text(native[name].dtype)]
    ordered = native[used].assign(__key=key).take(places).reset_index(drop=True)
    rows: nw.DataFrame[Any] = nw.from_native(ordered, eager_only=True)
    made: Any = rows.select(**{name: column.over("__key") for name, column in columns.items()}).to_native()
    back = np.empty(len(places), dtype=np.int64)
    back[places] = np.arange(len(places))
    found = native.assign(**{name: made[name].array.take(back) for name in columns})
    return cast(Table, nw.from_native(found).lazy())


def interleaved(parts: Sequence[Table], *by: str) -> Table:
    """Return tables with the same rows in the same order as one: the first row of each, the second of each, ...

    `by` sorts them so where an engine keeps no order.
    """
    natives: list[Any] = [part.to_native() for part in parts]
    if not nw.dependencies.is_pandas_dataframe(natives[0]):
        return nw.concat(list(parts)).sort(*by, nulls_last=True)
    places = np.arange(len(natives) * len(natives[0])).reshape(len(natives), -1).T.ravel()
    made: Table = nw.from_native(pd.concat(natives, ignore_index=True).take(places)).lazy()
    return made


def with_words(table: Table, name: str, number: str, words: Sequence[str]) -> Table:
    """Append texts by their numbers, 0 for the first; missing where the number is negative."""
    native: Any = table.to_native()
    if nw.dependencies.is_pandas_dataframe(native):
        texts = pd.array([*words], dtype="string").take(native[number].to_numpy("int64"), allow_fill=True)
        return nw.from_native(native.assign(**{name: texts})).lazy()
    made: nw.Expr = nw.when(nw.col(number) == 0).then(nw.lit(words[0]))
    for at, word in enumerate(words[1:], start=1):
        made = nw.when(nw.col(number) == at).then(nw.lit(word)).otherwise(made)
    return table.with_columns(made.alias(name))


def _is_text(dtype: Any) -> bool:
    return bool(pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype))


def _codes(native: pd.DataFrame, keys: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return an integer for each row of a pandas frame that rows of equal keys share."""
    (coded,), _ = keyed([nw.from_native(native[[*dict.fromkeys(keys)]]).lazy()], __key=keys)
    found: npt.NDArray[np.int64] = cast(Any, coded.to_native())["__key"].to_numpy()
    return found if len(keys) == 1 else pd.factorize(found)[0]


def _places(
    native: Any, by: Sequence[str], falls: Sequence[bool], *, nulls_last: bool
) -> npt.NDArray[np.int64]:
    """Return the positions of the rows of a pandas frame in order, as its own sorting has them."""
    leading: list[Any] = []
    count = 0
    for name, falling in zip(by, falls, strict=True):
        kind = native[name].dtype
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind)):
            break
        leading += _as_numbers(native[name], falling=falling, nulls_last=nulls_last)
        count += 1
    rest, ways = [*by][count:], [not falling for falling in falls[count:]]
    where: Any = {"na_position": "last" if nulls_last else "first", "kind": "stable"}
    texts = native[[*dict.fromkeys(rest)]]
    if not count:
        return texts.reset_index(drop=True).sort_values(rest, ascending=ways, **where).index.to_numpy()  # type: ignore[no-any-return]
    # Most rows differ in the first column, so only the others are compared by the next ones.
    places = np.argsort(leading[0], kind="stable")
    runs, tied = _runs(places, leading[:1])
    if len(leading) > 1 and len(tied):
        these = places[tied]
        places[tied] = these[np.lexsort([*(one[these] for one in leading[:0:-1]), runs[tied]])]
        runs, tied = _runs(places, leading)
    if rest and len(tied):
        rows = texts.take(places[tied]).reset_index(drop=True).assign(__run=runs[tied])
        inner = rows.sort_values(["__run", *rest], ascending=[True, *ways], **where).index
        places[tied] = places[tied][inner]
    return places


def _runs(places: Any, columns: Sequence[Any]) -> tuple[Any, Any]:
    """Return the number of the run of equal values that each place is in, and the places in runs of several."""
    same = np.zeros(len(places) + 1, dtype=bool)
    if len(places) > 1:
        same[1:-1] = np.logical_and.reduce([one[places[1:]] == one[places[:-1]] for one in columns])
    return np.cumsum(~same[:-1]), np.flatnonzero(same[:-1] | same[1:])


def _as_numbers(column: Any, *, falling: bool, nulls_last: bool) -> list[Any]:
    """Return a column as numbers that sort like it and, if some are missing, which are."""
    missing = column.isna().to_numpy()
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        values = column.astype("int64").to_numpy()
    elif pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy("float64", na_value=np.nan)
    else:
        values = column.fillna(column.dtype.type(0)).to_numpy() if missing.any() else column.to_numpy()
        values = values.astype("int64") if values.dtype.kind != "u" else values
    if falling:
        values = -values if values.dtype.kind == "f" else ~values
    if not missing.any():
        return [values]
    ends = (-np.inf, np.inf) if values.dtype.kind == "f" else np.iinfo(values.dtype)
    low, high = ends if isinstance(ends, tuple) else (ends.min, ends.max)
    return [np.where(missing, high if nulls_last else low, values), missing == nulls_last]
