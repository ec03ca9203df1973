"""A list of JSON values to a pandas array of the promised dtype."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics.endpoints import Kind


class SchemaWarning(UserWarning):
    """A value did not fit the dtype that the API documents; its column is kept as plain objects."""


def array(values: list[Any], kind: Kind, name: str) -> Any:
    """Convert a column; what does not fit is never dropped: the column then holds the objects as they came."""
    try:
        return _converted(values, kind)
    except _MISFITS:
        bad = next((value for value in values if not _fits(value, kind)), None)
        warnings.warn(
            f"column {name!r} holds {type(bad).__name__} values where the API documents {kind}; "
            "it is kept as objects.",
            SchemaWarning,
            stacklevel=2,
        )
        return _objects(values)


_MISFITS = (TypeError, ValueError, OverflowError, IndexError)


def _converted(values: list[Any], kind: Kind) -> Any:
    converted = _CONVERT[kind](values)
    if converted.shape != (len(values),):  # lists of equal length look like a table to numpy
        raise TypeError("nested")
    return converted


def _fits(value: Any, kind: Kind) -> bool:
    try:
        _converted([value], kind)
    except _MISFITS:
        return False
    return True


def _objects(values: list[Any]) -> Any:
    held = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):  # item by item: numpy would unpack lists of equal length
        held[index] = value
    return held


def _text(values: list[Any]) -> Any:
    try:
        return pd.array(values, dtype="string")
    except (TypeError, ValueError):
        return pd.array([_as_text(value) for value in values], dtype="string")


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _time(values: list[Any]) -> Any:
    return pd.DatetimeIndex(pd.to_datetime(values, utc=True, format="ISO8601")).as_unit("us").array


def _integer(values: list[Any]) -> Any:
    missing = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    whole = np.array([0 if value is None else value for value in values] or [0])
    fractional = whole.dtype.kind == "f" and (whole != np.floor(whole)).any()
    if whole.dtype.kind not in "iuf" or fractional:
        raise TypeError("not whole numbers")
    return pd.arrays.IntegerArray(whole.astype(np.int64)[: len(values)], missing)


def _number(values: list[Any]) -> Any:
    return np.array(values, dtype=np.float64)


def _boolean(values: list[Any]) -> Any:
    return pd.array(values, dtype="boolean")


_CONVERT: dict[Kind, Callable[[list[Any]], Any]] = {
    "text": _text,
    "time": _time,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "json": _objects,
}
