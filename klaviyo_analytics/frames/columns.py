"""A list of JSON values to a pandas array of the promised dtype."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics.endpoints import Kind

_PACKAGE = __name__.partition(".")[0]


class SchemaWarning(UserWarning):
    """A value did not fit the dtype that the API documents; its column is kept as plain objects."""


class ReadingWarning(UserWarning):
    """The rows that were read are not quite those of the response: some came twice, or have no id or name."""


def warn(message: str, category: type[Warning] = ReadingWarning) -> None:
    """Warn at the line of the caller outside this package."""
    warnings.warn(message, category, stacklevel=_level_outside())


def array(values: list[Any], kind: Kind, name: str, *, chosen: bool = False) -> Any:
    """Convert a column; what does not fit is never dropped: the column then holds the objects as they came.

    Only where the caller has chosen the dtype is it kept: values that do not fit it are missing then, with a
    warning that counts and shows them.
    """
    try:
        return _convert(values, kind)
    except (TypeError, ValueError, OverflowError):
        if chosen:
            return _fitting(values, kind, name)
        bad = next((value for value in values if not _fits(value, kind)), None)
        warnings.warn(
            f"column {name!r} holds {type(bad).__name__} values where {kind} is documented; it is kept as objects.",
            SchemaWarning,
            stacklevel=_level_outside(),
        )
        return _objects(values)


def texts(values: list[Any]) -> Any:
    """Convert a page's objects to JSON text, as pandas' string dtype: backed by Arrow where pyarrow is installed."""
    written = [None if value is None else _json_text(value) for value in values]
    return pd.array(written, dtype=_text_dtype())


def _json_text(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@cache
def _text_dtype() -> Any:
    return pd.StringDtype("python" if find_spec("pyarrow") is None else "pyarrow")


def joined_texts(pages: list[Any]) -> Any:
    """Join the text of several pages into one array."""
    whole: Any = pd.array([], dtype=_text_dtype())
    return type(whole)._concat_same_type(pages) if pages else whole


def _fitting(values: list[Any], kind: Kind, name: str) -> Any:
    fits = [_fits(value, kind) for value in values]
    bad = [value for value, fit in zip(values, fits, strict=True) if not fit]
    shown = ", ".join(dict.fromkeys(repr(value)[:40] for value in bad[:20]).keys())
    some = shown if len(shown) <= 120 else f"{shown[:117]}..."
    warn(
        f"column {name!r}: {len(bad):,} of {len(values):,} values do not fit the dtype asked for and are missing: "
        f"{some}. Ask for 'object' or 'string' to keep them.",
        SchemaWarning,
    )
    return _convert([value if fit else None for value, fit in zip(values, fits, strict=True)], kind)


def _level_outside() -> int:
    """Count the frames up to the line that called this package, however deep the call went."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame, level = frame.f_back, level + 1
    return level


def _convert(values: list[Any], kind: Kind) -> Any:
    # numpy and pandas would read True as 1 and 1700000000 as a time, in silence
    if kind in _TYPES and not _TYPES[kind].issuperset(map(type, values)):
        raise TypeError(f"not only {kind}")
    return _CONVERT[kind](values)


def _fits(value: Any, kind: Kind) -> bool:
    try:
        _convert([value], kind)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _objects(values: list[Any]) -> Any:
    return np.fromiter(values, dtype=object, count=len(values))


def _text(values: list[Any]) -> Any:
    if not _TEXT.issuperset(map(type, values)):  # pandas would write what Python calls a dict
        values = [_as_text(value) for value in values]
    return pd.array(values, dtype="string")


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _time(values: list[Any]) -> Any:
    # a cache of what was parsed costs more than the parsing
    moments = pd.DatetimeIndex(pd.to_datetime(values, utc=True, format="ISO8601", cache=False)).as_unit("us")
    # pandas reads "" and "nan" as nothing and "now" as the present
    if np.count_nonzero(moments.isna()) != values.count(None) or not {"now", "today"}.isdisjoint(values):
        raise ValueError("not only times")
    return moments.array


def _integer(values: list[Any]) -> Any:
    missing = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    whole = np.array([_whole(value) for value in values], dtype=np.int64)
    return pd.arrays.IntegerArray(whole, missing)


def _whole(value: float | None) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("not a whole number")
    return int(value or 0)


def _number(values: list[Any]) -> Any:
    numbers = np.array(values, dtype=np.float64)
    if np.count_nonzero(np.isnan(numbers)) != values.count(None):
        raise ValueError("not only numbers")
    return numbers


def _boolean(values: list[Any]) -> Any:
    return pd.array(values, dtype="boolean")


_NOTHING = type(None)
_TEXT: frozenset[type] = frozenset({str, _NOTHING})
_TYPES: Mapping[Kind, frozenset[type]] = {
    "time": _TEXT,
    "integer": frozenset({int, float, _NOTHING}),
    "number": frozenset({int, float, str, _NOTHING}),  # shops like to write amounts as text
    "boolean": frozenset({bool, _NOTHING}),
}
_CONVERT: Mapping[Kind, Callable[[list[Any]], Any]] = {
    "text": _text,
    "time": _time,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "json": _objects,
}
