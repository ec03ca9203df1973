"""Any frame, Series, list or array as the pandas frame that plans work on.

Frames of other libraries (Polars, Arrow, DuckDB, PySpark, ...) are read through Narwhals. Their values keep their
types: integers with nulls stay integers, a float32 stays one, and Arrow is not needed for Polars.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from klaviyo_analytics.errors import FrameError

ACCEPTED = "a DataFrame (pandas, Polars, Arrow, ...), a Series, a list or an array"


def as_frame(
    given: Any,
    what: str,
    single: str | Callable[[pd.Series[Any]], str],
    known: Collection[str],
) -> pd.DataFrame:
    """Return what was given as a pandas frame whose columns have different names.

    Parameters
    ----------
    given : object
        A frame of any library, a Series, a list, a tuple or an array.
    what : str
        The method, for messages.
    single : str or callable
        The column that single values become: a Series, a list of texts or numbers. A callable is given the values.
    known : collection of str
        Names that a Series keeps: one called "id" stays the column "id".

    Raises
    ------
    FrameError
        It is something else, or two columns have the same name.
    """
    frame = _frame_of(given, what, single, known)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise FrameError(f"{what}: there are two columns named {twice!r}. Rename or drop one of them.")
    return frame


def _frame_of(
    given: Any, what: str, single: str | Callable[[pd.Series[Any]], str], known: Collection[str]
) -> pd.DataFrame:
    if isinstance(given, pd.DataFrame):
        return given
    if isinstance(given, pd.Series) and _is_row(given, known):
        return pd.DataFrame([given.to_dict()], index=pd.Index([given.name]))
    if isinstance(given, pd.Series):
        return _column(given, single, known)
    if isinstance(given, (pd.Index, pd.api.extensions.ExtensionArray)):
        return _column(pd.Series(given, index=range(len(given))), single, known)
    if isinstance(given, np.ndarray) and given.ndim == 1:
        return _column(pd.Series([*given] if given.dtype == object else given), single, known)
    if isinstance(given, (set, frozenset)):
        raise FrameError(
            f"{what} takes rows in an order, and a {type(given).__name__} has none; sort it first."
        )
    if not isinstance(given, (list, tuple)):
        return _other_library(given, what, single, known)
    rows = [one.to_dict() if isinstance(one, pd.Series) else one for one in given]
    if rows and all(isinstance(one, Mapping) for one in rows):
        # as objects: a large integer beside a row without it must not become a float
        names = list(dict.fromkeys(name for one in rows for name in one))
        columns = {name: pd.Series([one.get(name) for one in rows], dtype=object) for name in names}
        return pd.DataFrame(columns, index=range(len(rows)))
    if odd := [one for one in rows if isinstance(one, (Mapping, list, tuple, set, np.ndarray, pd.DataFrame))]:
        raise FrameError(
            f"{what} takes {ACCEPTED}, and this list holds a {type(odd[0]).__name__}; give a list of single values "
            "or a list of dicts."
        )
    return _column(pd.Series(rows, dtype=object), single, known)


def _other_library(
    given: Any, what: str, single: str | Callable[[pd.Series[Any]], str], known: Collection[str]
) -> pd.DataFrame:
    try:
        found: Any = nw.from_native(given, allow_series=True)
        if isinstance(found, nw.LazyFrame):
            found = found.collect()
    except nw.exceptions.DuplicateError as error:
        raise FrameError(f"{what}: two columns have the same name. {error}. Rename or drop one.") from None
    except TypeError:
        advice = ""
        if isinstance(given, Mapping):
            advice = "; for one row give a list that holds the dict, [{...}]"
        elif isinstance(given, str):
            advice = "; for one value give a list, [...]"
        raise FrameError(f"{what} takes {ACCEPTED}, not {_named(given)}{advice}.") from None
    except ImportError as error:
        raise FrameError(
            f"{what}: this {type(given).__name__} cannot be read without another library ({error}). Install it, or "
            "give its rows as a pandas DataFrame."
        ) from None
    if isinstance(found, nw.Series):
        return _column(_values(found), single, known)
    maps, names = _maps(found.to_native()), found.columns
    columns = {name: _values(found.get_column(name), is_map=name in maps) for name in names}
    return pd.DataFrame(columns, index=range(len(found)), columns=pd.Index(names, dtype=object))


def _values(series: nw.Series[Any], *, is_map: bool = False) -> pd.Series[Any]:
    """Return a column of another library with its values as they are, nulls included."""
    kind, name = series.dtype, series.name
    if kind == nw.Float32:
        found = [np.nan if one is None else np.float32(one) for one in series.to_list()]
        return pd.Series(np.asarray(found, dtype=np.float32), name=name)
    if kind.is_integer() and not isinstance(kind, (nw.Int128, nw.UInt128)):
        return pd.Series(series.to_list(), dtype=pd.api.types.pandas_dtype(str(kind)), name=name)
    if kind == nw.Datetime:
        return _times(series)
    values: Sequence[Any] = series.to_list()
    if is_map:
        values = [None if one is None else dict(one) for one in values]
    return pd.Series([*values], dtype=object, name=name)


def _times(series: nw.Series[Any]) -> pd.Series[Any]:
    zone = cast(nw.Datetime, series.dtype).time_zone
    moments = series.dt.replace_time_zone(None) if zone is None else series.dt.convert_time_zone("UTC")
    whole = moments.dt.timestamp("us").to_list()
    found = pd.Series(pd.array(whole, dtype="Int64"), name=series.name)
    times = pd.to_datetime(found, unit="us").astype("datetime64[us]")
    return times if zone is None else times.dt.tz_localize("UTC").dt.tz_convert(zone)


def _maps(native: Any) -> set[str]:
    """Return the columns of an Arrow table that are maps: they are read as lists of pairs."""
    schema = getattr(native, "schema", None)
    if schema is None or type(native).__module__.partition(".")[0] != "pyarrow":
        return set()
    return {field.name for field in schema if str(field.type).startswith("map<")}


def _column(
    values: pd.Series[Any], single: str | Callable[[pd.Series[Any]], str], known: Collection[str]
) -> pd.DataFrame:
    name = values.name
    if not (isinstance(name, str) and name in known):
        name = single if isinstance(single, str) else single(values)
    return values.to_frame(name)


def _is_row(series: pd.Series[Any], known: Iterable[str]) -> bool:
    """Decide whether a Series is one row, as `get` and `find` return it, and not a column."""
    labels = series.index
    return (
        len(labels) > 0
        and labels.is_unique
        and all(isinstance(label, str) for label in labels)
        and any(name in labels for name in known)
    )


def _named(given: Any) -> str:
    return "None" if given is None else type(given).__name__
