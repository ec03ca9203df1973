"""Python source that does what was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WIDTH = 88


def call(name: str, *args: Any, **kwargs: Any) -> str:
    """Write a call, over several lines where one would be long."""
    parts = [_written(value) for value in args]
    parts += [f"{key}={_written(value)}" for key, value in kwargs.items()]
    line = f"{name}({', '.join(parts)})"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), ")"])


class Name(str):
    """A variable's name, which is written without quotes."""

    __slots__ = ()


def _written(value: Any) -> str:
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, str):
        # repr takes double quotes where there are single ones only, and escapes what cannot be seen
        return '"' + r"\"".join(repr("'" + part)[2:-1] for part in value.split('"')) + '"'
    if isinstance(value, tuple | list):
        inner = ", ".join(_written(each) for each in value)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_written(key)}: {_written(each)}" for key, each in value.items()) + "}"
    return repr(value)
