"""Into Narwhals and out again: the same frame library comes out that went in, pandas or any other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT
from pandas.api.types import (
    is_bool_dtype,
    is_datetime64_any_dtype,
    is_extension_array_dtype,
    is_float_dtype,
    is_integer_dtype,
    is_object_dtype,
)

from klaviyo_analytics._messages import level_outside, looks_like, near
from klaviyo_analytics.errors import FrameError, InvalidInputError

P = ParamSpec("P")
R = TypeVar("R")

AGGREGATES = "aggregates: client.metric_aggregates.query(...)"
CAMPAIGNS = "a campaign summary: client.campaigns.summary(...)"
FLOWS = "a flow summary: client.flows.summary(...)"
MESSAGES = "a summary or report: client.campaigns.summary(...), client.flows.summary(...)"


class WrongFrame(FrameError):  # noqa: N818 - it never gets out of `takes`, which tells more
    """The argument is not a frame, or its columns are not the expected ones."""


def takes(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function so that the error for a wrong frame adds `what` it takes."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            named = {name: as_frame(one) for name, one in kwargs.items()}
            try:
                return _without_dots(function, [*map(as_frame, args)], named)
            except WrongFrame as error:
                kinds = [kind for one in (*args, *kwargs.values()) if (kind := looks_like(one))]
                given = f"; given: {' and '.join(dict.fromkeys(kinds))}" if kinds else ""
                raise FrameError(f"{error}{given}; {function.__name__} takes {what}") from error.__cause__

        return checked

    return decorate


# Spark and DuckDB, where it groups, read a dot in a name as a field, and Spark a backtick as a quote; within an
# analysis, rare characters stand for them. These are printable, since messages show names with repr().
_SIGNS, _STAND_INS = ".`", "\u2e31\u2e32"


def without_dots(name: str) -> str:
    """Return the name that a column of a Spark frame or a DuckDB relation has within an analysis."""
    return name.translate(str.maketrans(_SIGNS, _STAND_INS))


def with_dots(text: str) -> str:
    """Return a name or a message as the caller of an analysis knows it."""
    return text.translate(str.maketrans(_STAND_INS, _SIGNS))


def found_column(columns: Sequence[str], candidates: Iterable[str]) -> str | None:
    """Return the first candidate among the columns of a table that is open, or None."""
    spelled = (name for one in candidates for name in (one, without_dots(one)))
    return next((name for name in spelled if name in columns), None)


def is_spark(native: Any) -> bool:
    """Return whether a frame is PySpark's, classic or of Spark Connect."""
    found = nw.dependencies
    return found.is_pyspark_dataframe(native) or found.is_pyspark_connect_dataframe(native)


def _without_dots(function: Callable[..., R], args: Sequence[Any], kwargs: Mapping[str, Any]) -> R:
    """Call a function with frames of Spark and DuckDB without dots in names; those of its result have them again."""
    frames = [one for one in (*args, *kwargs.values()) if _reads_dots(one)]
    replaced = {name: without_dots(name) for one in frames for name in one.columns}
    replaced = {name: short for name, short in replaced.items() if name != short}
    if not replaced:
        return function(*args, **kwargs)

    def renamed_in(value: Any) -> Any:
        if _reads_dots(value):
            return _with_names(value, [replaced.get(name, name) for name in value.columns])
        if isinstance(value, str):
            return replaced.get(value, value)
        return type(value)(map(renamed_in, value)) if type(value) in (list, tuple) else value

    try:
        result: Any = function(
            *map(renamed_in, args), **{name: renamed_in(one) for name, one in kwargs.items()}
        )
    except (FrameError, InvalidInputError) as error:
        raise type(error)(with_dots(str(error))) from error.__cause__
    return _with_names(result, [*map(with_dots, result.columns)]) if _reads_dots(result) else cast(R, result)


def _reads_dots(native: Any) -> bool:
    """Return whether an engine takes dots in a name for more than the name."""
    return is_spark(native) or nw.dependencies.is_duckdb_relation(native)


def _with_names(native: Any, names: Sequence[str]) -> Any:
    if is_spark(native):
        return native.toDF(*names)
    return nw.from_native(native).rename(dict(zip(native.columns, names, strict=True))).to_native()


def as_frame(given: Any) -> Any:
    """Return rows that came as something else than a frame as a pandas frame, and all other things as they are.

    Rows are a list of mappings, a NumPy array with field names, or a pandas Series whose index says what its values
    are of (a named index, or one of times).
    """
    if isinstance(given, list | tuple) and given and all(isinstance(row, Mapping) for row in given):
        return pd.DataFrame(list(given))
    if isinstance(given, np.ndarray) and given.dtype.names is not None:
        return pd.DataFrame(given)
    if isinstance(given, pd.Series) and given.name is not None:
        index = given.index
        if isinstance(index, pd.DatetimeIndex) and index.name is None:
            index = index.rename("datetime")
        if all(name is not None for name in index.names):
            return given.set_axis(index).reset_index()
    return with_usual_types(given)


def with_usual_types(given: Any) -> Any:
    """Return a frame whose sums cannot overflow a short type and whose texts compare; anything else as it is.

    Short integers become 64-bit ones (a sum of bytes ends at 255), short floats doubles, and categories what they
    stand for, since they neither compare nor take a new value. pandas columns that Arrow holds become pandas' own.
    """
    if isinstance(given, pd.DataFrame):
        if not given.columns.is_unique:
            return given  # refused by `opened`, which names the column
        kinds = {
            name: kind for name, dtype in given.dtypes.items() if (kind := _usual_pandas(dtype)) is not None
        }
        return given.astype(kinds) if kinds else given
    table: Any = nw.from_native(given, pass_through=True)
    if not isinstance(table, nw.DataFrame | nw.LazyFrame):
        return given
    wider = {
        name: next((wide for kinds, wide in _USUAL if isinstance(kind, kinds)), None)
        for name, kind in table.collect_schema().items()
    }
    casts = [nw.col(name).cast(wide) for name, wide in wider.items() if wide is not None]
    return table.with_columns(*casts).to_native() if casts else given


_USUAL: tuple[tuple[tuple[type[Any], ...], Any], ...] = (
    ((nw.Int8, nw.Int16, nw.Int32, nw.UInt8, nw.UInt16, nw.UInt32), nw.Int64),
    ((nw.Float32,), nw.Float64),
    ((nw.Categorical, nw.Enum), nw.String),
)


def _usual_pandas(dtype: Any) -> Any:
    """Return the dtype that a pandas column should have instead, or None."""
    if isinstance(dtype, pd.CategoricalDtype):
        inner = dtype.categories.dtype
        return "string" if is_object_dtype(inner) else "Int64" if is_integer_dtype(inner) else inner
    if isinstance(dtype, pd.ArrowDtype):
        return _of_arrow(dtype)
    if is_integer_dtype(dtype) and dtype.itemsize < 8:
        return "Int64"
    if is_float_dtype(dtype) and dtype.itemsize < 8:
        return "Float64" if is_extension_array_dtype(dtype) else "float64"
    return None


def _of_result(column: pd.Series[Any]) -> Any:
    """Return the dtype that a column made by an analysis should have instead, or None: that of all our frames."""
    dtype: Any = column.dtype
    if is_object_dtype(dtype):  # as pandas 2 holds text
        return "string" if pd.api.types.infer_dtype(column, skipna=True) in {"string", "empty"} else None
    if str(dtype) == "Float64":
        return "float64"
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        return "boolean" if dtype.kind == "b" else "Int64"
    if isinstance(dtype, pd.StringDtype) and dtype.na_value is not pd.NA:
        return "string"
    return _usual_pandas(dtype)


def _of_arrow(dtype: pd.ArrowDtype) -> Any:
    if is_integer_dtype(dtype):
        return "UInt64" if str(dtype).startswith("uint64") else "Int64"
    if is_float_dtype(dtype):
        return "float64"
    if is_bool_dtype(dtype):
        return "boolean"
    if is_datetime64_any_dtype(dtype):
        unit, zone = dtype.pyarrow_dtype.unit, dtype.pyarrow_dtype.tz
        unit = "us" if unit == "s" else unit
        return f"datetime64[{unit}, {zone}]" if zone else f"datetime64[{unit}]"
    return "string" if dtype.type is str else None


def renamed(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function so that an old argument name still works, with a DeprecationWarning."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def accepting(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in names.keys() & kwargs.keys():
                new = names[old]
                if new in kwargs:
                    raise InvalidInputError(
                        f"{function.__name__} was given {new}= and {old}=, its former name. Pass {new}= alone"
                    )
                warnings.warn(
                    f"{function.__name__}({old}=...) is now {new}=. The former name works until 1.0",
                    DeprecationWarning,
                    stacklevel=level_outside(),
                )
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return accepting

    return decorate


def described(given: Any) -> str:
    """Return a description of an argument that is not a frame, for messages."""
    if given is None:
        return "None"
    kind = type(given).__name__
    if kind == "Series":
        return f"a Series, which is one column ({given.name!r}): give the whole frame"
    return f"a{'n' if kind[:1] in 'AEIOUaeiou' else ''} {kind}"


Table = nw.LazyFrame[Any]

_MOST_LISTED = 8
_CURRENCIES = ("currency", "value_currency")
_METRICS = ("metric_id", "metric")


def opened(frame: IntoFrameT, *needed: str) -> Table:
    """Return the frame as a lazy table, so that nothing is used that a database cannot do."""
    native: Any = frame
    check_unique(native)
    if nw.dependencies.is_pandas_dataframe(native):
        # A plain integer column turns into floats as soon as one value is missing.
        whole = [name for name, kind in native.dtypes.items() if str(kind) in {"int64", "int32"}]
        native = native.astype(dict.fromkeys(whole, "Int64"))
    try:
        table: Table = nw.from_native(native).lazy()
    except TypeError as error:
        raise WrongFrame(
            f"expected a DataFrame (pandas, Polars, DuckDB, PySpark, ...), not {described(frame)}"
        ) from error
    require(table, needed)
    return _signed(table)


def _signed(table: Table) -> Table:
    """Return the table with unsigned numbers signed, where they fit: unsigned, 5 − 10 would be near 2**64."""
    unsigned = [name for name, kind in table.collect_schema().items() if kind.is_unsigned_integer()]
    if not unsigned:
        return table
    largest = table.select(nw.col(name).max() for name in unsigned).collect().rows(named=True)
    fits = [
        name
        for row in largest
        for name, most in row.items()
        if pd.isna(most) or int(most) < 2**63  # what does not fit is not added: see `require_addable`
    ]
    return table.with_columns(nw.col(name).cast(nw.Int64) for name in fits) if fits else table


def closed(table: Table, like: IntoFrameT, **attrs: Any) -> IntoFrameT:
    """Return the table as the library of `like` has it; pandas with a fresh index and what the frame knew."""
    given: Any = like
    native: Any = table.to_native()
    if not isinstance(nw.from_native(given), nw.LazyFrame):
        native = nw.maybe_reset_index(table.collect()).to_native()
    if nw.dependencies.is_pandas_dataframe(native):
        new = [
            name for name in native.columns if name not in given or given[name].dtype != native[name].dtype
        ]
        kinds = {name: _of_result(native[name]) for name in new}
        native = native.astype({name: kind for name, kind in kinds.items() if kind is not None})
        native.attrs = {**given.attrs, **attrs}
    return cast(IntoFrameT, native)


def computed_once(table: Table) -> Table:
    """Return the table computed, where a lazy library would compute it again for each use.

    For tables that later steps use several times. DuckDB finds common parts of a query itself.
    """
    if table.implementation.is_polars():
        return table.collect().lazy()
    if table.implementation.is_spark_like():
        native: Any = table.to_native()
        checkpoint = getattr(native, "localCheckpoint", None)
        return table if checkpoint is None else nw.from_native(checkpoint())
    return table


def check_unique(frame: Any) -> None:
    """Raise FrameError if two columns have the same name, as a merge or concat leaves them."""
    if nw.dependencies.is_polars_lazyframe(frame):
        return  # Polars refuses such names itself, and reading them from a lazy frame costs a warning
    columns = getattr(frame, "columns", None)
    names = [*columns] if isinstance(columns, Iterable) else []
    if twice := [name for at, name in enumerate(names) if name in names[:at]]:
        raise FrameError(f"there are two columns named {twice[0]!r}; rename or drop one of them")


def columns_of(table: Table) -> list[str]:
    """Return the names in order."""
    native: Any = table.to_native()
    if nw.dependencies.is_pandas_dataframe(native):
        # its schema takes longer, since what a column of objects holds is found by looking
        return [*native.columns]
    return table.collect_schema().names()


def names(by: str | Sequence[str]) -> list[str]:
    """Return one name or several as a list."""
    return [by] if isinstance(by, str) else list(by)


def listed(columns: Iterable[str], like: object = "") -> str:
    """Return the names as a message shows them; of more than eight those most similar to `like`, or the first."""
    own = [repr(name) for name in columns if not str(name).startswith("__")]  # not those of the computation
    if len(own) <= _MOST_LISTED:
        return ", ".join(own) or "no columns"
    if like:
        return near(like, own, _MOST_LISTED)
    return f"{', '.join(own[:_MOST_LISTED])} and {len(own) - _MOST_LISTED} more"


def lacking(missing: Sequence[str], present: Iterable[str]) -> WrongFrame:
    """Return the error for a frame without some columns; of many columns it names the most similar."""
    return WrongFrame(f"the frame lacks {listed(missing)}; it has {listed(present, missing[0])}")


def require(table: Table, needed: Iterable[str]) -> None:
    """Raise FrameError unless all columns are there."""
    present = columns_of(table)
    if missing := [name for name in needed if name not in present]:
        raise lacking(missing, present)


def require_numbers(table: Table, needed: Iterable[str]) -> None:
    """Raise FrameError unless all columns hold numbers."""
    schema = table.collect_schema()
    require(table, needed)
    for name in needed:
        if not schema[name].is_numeric():
            raise FrameError(f"column {name!r} is {schema[name]}, and numbers are needed")


MOST = 9.2e18
"""Sums up to here fit into 64 bits, also where the sum of floats that is compared with it is a little inexact."""


def require_addable(
    table: Table,
    values: Iterable[str],
    *,
    keys: Sequence[str] = (),
    together: bool = False,
    as_whole: bool = False,
    floats: bool = False,
) -> None:
    """Raise FrameError if whole numbers could leave 64 bits when they are added, since the sum would turn negative.

    Their sizes are added up as floats: no part of them and no order of adding then leaves 64 bits. The rows of all
    groups are tried first, which is cheap, and those of each group only if they are too large together.

    Parameters
    ----------
    table : LazyFrame
        The rows.
    values : iterable of str
        Columns; of those that hold no whole numbers nothing is required.
    keys : sequence of str, optional
        Only rows of equal keys are added to each other, all rows if omitted.
    together : bool, default False
        The columns are added to each other, too.
    as_whole : bool, default False
        Floats become whole numbers as well.
    floats : bool, default False
        The sums would be right as floats, and the error says so.
    """
    whole = _whole_numbers(table, values, floats=as_whole)
    if _plainly_small(table.to_native(), whole, together=together):
        return
    sizes = table.with_columns(nw.col(name).cast(nw.Float64).abs() for name in whole)
    sums = [nw.col(name).sum() for name in whole]
    most = _measured(sizes.select(*sums)) if whole else {}
    if keys and max(most.values(), default=0.0) >= MOST:
        most = _measured(sizes.group_by(*keys).agg(*sums).select(nw.col(name).max() for name in whole))
    for name, size in most.items():
        if (sum(most.values()) if together else size) >= MOST:
            raise FrameError(_too_large(name, "add up to more than", table if floats else None))


def _plainly_small(native: Any, values: Sequence[str], *, together: bool) -> bool:
    """Return whether in pandas the largest number, as often as there are rows, is far from leaving 64 bits."""
    if not nw.dependencies.is_pandas_dataframe(native):
        return False
    ends = [end for name in values for end in (native[name].min(), native[name].max()) if not pd.isna(end)]
    most = max((abs(float(end)) for end in ends), default=0.0)
    return most * max(len(native), 1) * (len(values) if together else 1) < MOST


def require_near(tables: Sequence[Table], values: Iterable[str]) -> None:
    """Raise FrameError if the difference of two whole numbers of a column, one of each table, could leave 64 bits."""
    values = list(values)
    ends = [
        _measured(table.select(end(nw.col(name).cast(nw.Float64)) for name in whole))
        for table in tables
        if (whole := _whole_numbers(table, values))
        for end in (nw.Expr.min, nw.Expr.max)
    ]
    for name in values:
        known = [found[name] for found in ends if name in found]
        if known and max(known) - min(known) >= MOST:
            raise FrameError(_too_large(name, "differ by more than", tables[0]))


def _whole_numbers(table: Table, values: Iterable[str], *, floats: bool = False) -> list[str]:
    """Return those columns that hold whole numbers, or `floats` as well."""
    schema = table.collect_schema()
    return [
        name
        for name in dict.fromkeys(values)
        if schema[name].is_integer() or (floats and schema[name].is_numeric())
    ]


def _measured(table: Table) -> dict[str, float]:
    """Return the one row of a table as floats, 0 for what is missing."""
    found = table.collect()
    row = found.rows(named=True)[0] if len(found) else {}
    return {name: 0.0 if pd.isna(size) else float(size) for name, size in row.items()}


def _too_large(name: str, what: str, table: Table | None) -> str:
    """Return the message; with a table it says how to turn the column into floats."""
    said = f"column {name!r} holds numbers that {what} 64 bits can hold. Counts this large are usually damaged data"
    if table is None:
        return f"{said}; correct or leave out those rows"
    if table.implementation.is_pandas_like():
        cure = f"frame.astype({{{name!r}: 'float64'}})"
    elif table.implementation.is_polars():
        cure = f"frame.with_columns(pl.col({name!r}).cast(pl.Float64))"
    else:
        cure = f"cast({name} AS DOUBLE)"
    return f"{said}. If they are right, turn them into floats first: {cure}"


def require_unique(table: Table, keys: Sequence[str]) -> None:
    """Raise FrameError if two rows share their keys."""
    native: Any = table.to_native()
    if nw.dependencies.is_pandas_dataframe(native) and not native.duplicated(list(keys)).any():
        return
    most = table.group_by(*keys).agg(nw.len().alias("rows")).select(nw.col("rows").max()).collect()
    if len(most) and (most.item() or 0) > 1:
        raise FrameError(f"several rows have the same {listed(keys)}; add them up first (analysis.roll_up)")


def require_one_metric(table: Table, keys: Sequence[str]) -> None:
    """Raise FrameError if adding rows of equal `keys` would mix metrics."""
    _require_one(table, keys, "metric", _METRICS)


def require_one_currency(table: Table, keys: Sequence[str]) -> None:
    """Raise FrameError if adding rows of equal `keys` would mix currencies."""
    _require_one(table, keys, "currency", _CURRENCIES)


def _require_one(table: Table, keys: Sequence[str], kind: str, candidates: Sequence[str]) -> None:
    here = [name for name in candidates if name in columns_of(table)]
    if not here or any(name in keys for name in here):
        return
    name = here[0]
    found = table.select(name).unique().drop_nulls().sort(name).collect()[name].to_list()
    if len(found) > 1:
        raise FrameError(
            f"{name!r} holds {' and '.join(map(str, found))}, which are never added up; "
            f"filter the frame to one {kind}, or name {name!r} in the grouping"
        )


def carried(table: Table, keys: Sequence[str]) -> list[str]:
    """Return the currency's columns, which hold one value once `require_one_currency` has passed."""
    return [name for name in _CURRENCIES if name in columns_of(table) and name not in keys]


def ratio(numerator: str, denominator: str) -> nw.Expr:
    """Divide as fractions; nothing of nothing is missing, neither 0 nor infinite."""
    below = nw.col(denominator).cast(nw.Float64)
    return nw.when(below != 0).then(nw.col(numerator).cast(nw.Float64) / below)


def series_columns(table: Table, *, besides: Sequence[str] = ()) -> list[str]:
    """Return the columns that tell series apart: all that hold neither numbers nor times."""
    kinds = (nw.String, nw.Categorical, nw.Enum, nw.Boolean)
    schema = table.collect_schema()
    return [
        name
        for name, kind in schema.items()
        if isinstance(kind, kinds) and name not in {"datetime", "complete", *besides}
    ]


def with_whole(table: Table) -> Table:
    """Append `__whole`: 0 where the row is marked as not complete, else 1."""
    if "complete" not in columns_of(table):
        return table.with_columns(__whole=nw.lit(1))
    return table.with_columns(__whole=nw.when(~nw.col("complete")).then(nw.lit(0)).otherwise(nw.lit(1)))


def filled(name: str) -> nw.Expr:
    """Return whether a dimension has a value; Klaviyo leaves it empty for events that lack it."""
    return nw.col(name).fill_null("") != ""


def paired(current: Table, previous: Table, keys: Sequence[str], values: Sequence[str]) -> Table:
    """Return a row for each key of either table with the values of both, and which of them has it.

    Rows are stacked and grouped instead of joined, because a join never matches two missing keys. Each key
    stands at most once in each table. Raises FrameError if whole numbers are too far apart for 64 bits.
    """
    require_near((current, previous), values)
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
    """Append difference and relative change, which is missing where the earlier value is zero or less.

    No fraction describes a change from nothing, and one of a loss would have the wrong sign.
    """
    made = []
    for name in values:
        value, before = nw.col(name).cast(nw.Float64), nw.col(f"{name}_previous").cast(nw.Float64)
        made.append((nw.col(name) - nw.col(f"{name}_previous")).alias(f"{name}_difference"))
        made.append(nw.when(before > 0).then((value - before) / before).alias(f"{name}_change"))
    return table.with_columns(made)


def _missing(name: str) -> nw.Expr:
    """Missing throughout, of the column's own type."""
    column = nw.col(name)
    return nw.when(column.is_null() & ~column.is_null()).then(column)
