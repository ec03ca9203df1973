"""A list of JSON values to a pandas array of the promised dtype."""

from __future__ import annotations

import json
import mmap
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from itertools import chain
from typing import Any

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics._messages import level_outside
from klaviyo_analytics.endpoints import Kind


class SchemaWarning(UserWarning):
    """A value did not fit the dtype that the API documents; its column is kept as plain objects."""


class ReadingWarning(UserWarning):
    """The rows that were read are not quite those of the response: some came twice, or have no id or name."""


def warn(message: str, category: type[Warning] = ReadingWarning) -> None:
    """Warn at the line of the caller outside this package."""
    warnings.warn(message, category, stacklevel=level_outside())


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
            stacklevel=level_outside(),
        )
        return _objects(values)


def texts(values: list[Any]) -> Any:
    """Convert a page's objects to JSON text, as pandas' string dtype: backed by Arrow where pyarrow is installed."""
    if _text_dtype().storage == "python":
        return pd.array(
            [None if value is None else _json_text(value).decode() for value in values], dtype=_text_dtype()
        )
    import pyarrow as pa  # noqa: PLC0415  (an extra)

    # the bytes are joined as they are: a text object for each value would take three times the memory
    parts = [b"" if value is None else _json_text(value) for value in values]
    ends = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in parts], out=ends[1:])
    there = np.packbits(np.array([value is not None for value in values], dtype=bool), bitorder="little")
    buffers = [pa.py_buffer(there), pa.py_buffer(ends), pa.py_buffer(_apart(parts, int(ends[-1])))]
    return _text_dtype().__from_arrow__(pa.Array.from_buffers(pa.large_string(), len(values), buffers))


def _apart(parts: list[bytes], length: int) -> Any:
    """Join bytes in memory of its own, which leaves no gaps between what threads allocate and release for a while."""
    if length < mmap.PAGESIZE:
        return b"".join(parts)
    memory = mmap.mmap(-1, length, access=mmap.ACCESS_COPY)
    for part in parts:
        memory.write(part)
    return memory


def _json_text(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _text_dtype() -> Any:
    return pd.StringDtype("python" if find_spec("pyarrow") is None else "pyarrow")


PACKED = 500  # values from which packing pays


class Values:
    """The values of a column, page by page; text is packed with pyarrow, so that its pages can be released.

    Times and whole numbers are converted while the next pages are under way, unless one does not fit.
    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._pages: list[Any] = []  # arrays of packed text, or lists of values
        # what the pages were converted to; fewer than pages where one does not fit
        self._ready: list[Any] = []
        self._loose: list[Any] = []

    def extend(self, values: Iterable[Any]) -> None:
        """Append values."""
        self._loose.extend(values)
        if len(self._loose) >= PACKED:
            self._pack()

    def join(self, other: Values) -> None:
        """Append another column's values."""
        self._pack()
        other._pack()
        self._pages.extend(other._pages)
        self._ready.extend(other._ready)

    def array(self, name: str, *, chosen: bool = False) -> Any:
        """Convert the column; see `array`."""
        if not self._pages:
            return array(self._loose, self._kind, name, chosen=chosen)
        self._pack()
        if len(self._ready) == len(self._pages):
            return type(self._ready[0])._concat_same_type(self._ready)
        packed = self._kind == "text" and not any(isinstance(page, list) for page in self._pages)
        if packed and self._pages[0].dtype == pd.array([], dtype="string").dtype:
            return joined_texts(self._pages)
        values = list(chain.from_iterable(map(_unpacked, self._pages)))
        return array(values, self._kind, name, chosen=chosen)

    def _pack(self) -> None:
        if not self._loose:
            return
        values, self._loose = self._loose, []
        if self._kind in _EARLY and len(self._ready) == len(self._pages):
            with suppress(TypeError, ValueError, OverflowError):
                self._ready.append(_convert(values, self._kind))
        text = find_spec("pyarrow") is not None and _TEXT.issuperset(map(type, values))
        self._pages.append(_packed(values) if text else values)


def _packed(values: list[Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415  (an extra)

    # Arrow's own allocator takes twice the memory of what many threads keep of it
    made = pa.array(values, pa.large_string(), memory_pool=pa.system_memory_pool())
    return _text_dtype().__from_arrow__(made)


def _unpacked(page: Any) -> list[Any]:
    return page if isinstance(page, list) else list(page.to_numpy(dtype=object, na_value=None))


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
    if set(map(type, values)) != {int}:
        values = [_whole(value) for value in values]
    whole = np.array(values, dtype=np.int64)
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


_EARLY: frozenset[Kind] = frozenset({"time", "integer"})
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
