"""Bytes to a JSON value, also when they are odder than the standard allows."""

from __future__ import annotations

import json
from typing import Any

import orjson


def loads(body: bytes) -> Any:
    """Decode JSON fast; what only the standard library takes (NaN, lone surrogates) is decoded by it.

    A lone half of a surrogate pair cannot be written in UTF-8 anywhere else, so it becomes U+FFFD here.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _mend(json.loads(body.decode("utf-8", errors="replace")))


def dumps(value: Any) -> bytes:
    """Encode a JSON body."""
    return orjson.dumps(value)


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    if isinstance(value, float) and value != value:  # noqa: PLR0124  (NaN)
        return None
    return value
