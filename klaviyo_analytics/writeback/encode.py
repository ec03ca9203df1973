"""Columns of a frame as values that JSON carries; what it cannot carry is named, row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import numpy as np
import pandas as pd

Wanted = Literal["json", "text", "number", "integer"]
DEEPEST = 50
EXACT = 2**53  # below this a float holds each whole number
SMALLEST, LARGEST = -(2**63), 2**64 - 1  # what JSON writers and readers agree on


class _Absent:
    """A null cell: None would be a null that is sent."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()


class UnwritableError(ValueError):
    """JSON cannot carry a value; says why."""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column, ABSENT where a cell is null, and what is wrong with some, by position."""

    values: list[Any]
    problems: dict[int, str] = field(default_factory=dict)


def column(series: pd.Series[Any], wanted: Wanted = "json") -> Column:
    """Write a column: numbers stay numbers, times become ISO text, nulls become ABSENT."""
    series = _dense(series)
    values: list[Any] = _values(series)
    problems: dict[int, str] = {}
    for position in np.flatnonzero(series.isna().to_numpy(dtype=bool)):
        values[position] = ABSENT
    if pd.api.types.is_float_dtype(series.dtype):
        found = series.to_numpy(dtype=float, na_value=np.nan)
        for position in np.flatnonzero(
            np.isnan(found)
        ):  # pandas 2 does not count them among a Float64's nulls
            values[position] = ABSENT
        problems = {int(at): f"{found[at]} is no JSON number" for at in np.flatnonzero(np.isinf(found))}
        if wanted != "text":  # as text they are refused below
            whole = np.flatnonzero(np.isfinite(found) & (np.abs(found) >= EXACT))
            problems |= {int(at): _lost_digits(found[at]) for at in whole}
    elif series.dtype == object or not _is_plain(series):
        values, problems = _one_by_one(values)
    if wanted != "json":
        _convert(values, problems, {"text": as_text, "number": _as_number, "integer": _as_integer}[wanted])
    return Column(values, problems)


def value(given: Any, depth: int = 0) -> Any:
    """Write one value; nulls inside lists and objects stay nulls.

    Raises
    ------
    UnwritableError
        JSON has nothing to write it as.
    """
    if isinstance(given, np.ndarray) and given.ndim == 0:
        given = given[()]
    if isinstance(given, np.floating):
        given = float(str(given))  # as many digits as it has: a float32 of 0.87 is not 0.8700000047683716
    elif isinstance(given, np.generic) and not isinstance(given, (np.datetime64, np.timedelta64)):
        given = given.item()
    if given is None or given is pd.NA or given is pd.NaT or isinstance(given, (str, bool)):
        return None if given is pd.NA or given is pd.NaT else given
    if isinstance(given, (int, float, Decimal)):
        return _number(given)
    if isinstance(given, (datetime, date, time)):
        return given.isoformat()
    if isinstance(given, np.datetime64):
        return pd.Timestamp(given).isoformat()
    if isinstance(given, UUID):
        return str(given)
    if depth == DEEPEST:
        raise UnwritableError(f"it is nested deeper than {DEEPEST} levels")
    if isinstance(given, Mapping):
        written = {_name(key): value(item, depth + 1) for key, item in given.items()}
        if len(written) < len(given):
            raise UnwritableError("two of its names are the same as text; rename one")
        return written
    if isinstance(given, (list, tuple, set, frozenset, np.ndarray, pd.Series, pd.Index)):
        return [value(item, depth + 1) for item in given]
    raise UnwritableError(f"a {type(given).__name__} cannot be written as JSON; make it text or a number")


def _dense(series: pd.Series[Any]) -> pd.Series[Any]:
    """Undo what is only a way of keeping values."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        held = series.cat.categories.dtype
        return series.astype(held if held.kind == "f" else object)  # objects would widen a float32
    return pd.Series(series.to_numpy()) if isinstance(series.dtype, pd.SparseDtype) else series


def _is_plain(series: pd.Series[Any]) -> bool:
    kinds = pd.api.types
    return (
        kinds.is_bool_dtype(series.dtype)
        or kinds.is_integer_dtype(series.dtype)
        or isinstance(series.dtype, pd.StringDtype)
        or kinds.is_datetime64_any_dtype(series.dtype)
    )


def _values(series: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return [None if pd.isna(moment) else moment.isoformat() for moment in series]
    if str(series.dtype).startswith("map<"):  # Arrow's maps come as lists of pairs
        return [dict(one) if isinstance(one, (list, np.ndarray)) else one for one in series]
    size = getattr(series.dtype, "itemsize", 8)
    if pd.api.types.is_float_dtype(series.dtype) and size != 8:
        # of float16, float32 and long double the digits that they show, not those that a float64 of them would
        shown = series.to_numpy(dtype=np.dtype(f"f{size}"), na_value=np.nan).astype(str)
        return [float(one) for one in shown]
    return series.tolist()


def _lost_digits(given: float) -> str:
    return (
        f"{float(given)!r} is a float of 2**53 or more, which may have lost digits; read the column as text, or as "
        "integers (dtype 'Int64')"
    )


def _one_by_one(given: list[Any]) -> tuple[list[Any], dict[int, str]]:
    values, problems = [], {}
    for position, one in enumerate(given):
        if one is ABSENT or type(one) is str:
            values.append(one)
            continue
        try:
            values.append(value(one))
        except UnwritableError as problem:
            values.append(ABSENT)
            problems[position] = str(problem)
    return values, problems


def _number(given: float | Decimal) -> int | float | None:
    if isinstance(given, Decimal):
        if not given.is_finite():
            return _number(float(given))
        if given != Decimal(repr(float(given))):
            raise UnwritableError(f"{given} has more digits than a JSON number keeps; make it text")
        return float(given)
    if isinstance(given, int):
        if not SMALLEST <= given <= LARGEST:
            raise UnwritableError(f"{given} is larger than a JSON number may be; make it text")
        return given
    if math.isinf(given):
        raise UnwritableError(f"{given} is no JSON number")
    if abs(given) >= EXACT:
        raise UnwritableError(_lost_digits(given))
    return None if math.isnan(given) else given


def _name(key: Any) -> str:
    if not isinstance(key, (str, int)) or isinstance(key, bool):
        raise UnwritableError(f"an object's names are text, not {type(key).__name__}")
    return str(key)


def _convert(values: list[Any], problems: dict[int, str], change: Any) -> None:
    for position, one in enumerate(values):
        if one is not ABSENT and type(one) is not str:
            try:
                values[position] = change(one)
            except UnwritableError as problem:
                problems[position] = str(problem)
    if change is not as_text:
        for position, one in enumerate(values):
            if type(one) is str:
                problems[position] = f"{one!r} is no number"


def as_text(one: Any) -> str:
    """Write a whole number as text; other things that are no text are refused."""
    # ids and postcodes are read as numbers by pandas, and as 123.0 beside an empty cell
    if isinstance(one, float) and one.is_integer():
        if abs(one) >= EXACT:
            raise UnwritableError(f"{one!r} is a float that may have lost digits; read the column as text")
        one = int(one)
    if isinstance(one, int) and not isinstance(one, bool):
        return str(one)
    raise UnwritableError(f"{one!r} is no text")


def _as_integer(one: Any) -> int:
    if isinstance(one, (int, float)) and not isinstance(one, bool) and float(one).is_integer():
        return int(one)
    raise UnwritableError(f"{one!r} is no whole number")


def _as_number(one: Any) -> Any:
    if isinstance(one, (int, float)) and not isinstance(one, bool):
        return one
    raise UnwritableError(f"{one!r} is no number")
