"""What an answer says about single rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from klaviyo_analytics.errors import ApiError
from klaviyo_analytics.writeback.kinds import Kind, Status, folded

Said = list[Any]  # status, code, detail, pointer: what a journal holds of a row
_ROW = re.compile(r"/data/(\d+)(?:/|$)")


def said(status: Status, error: Mapping[str, Any] | None = None, detail: str | None = None) -> Said:
    """Write down what is known of a row."""
    error = error or {}
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, Mapping) else None
    return [status, error.get("code"), detail or error.get("detail") or error.get("title"), pointer]


def refused(error: ApiError, rows: Sequence[int], kind: Kind) -> dict[int, Said]:
    """Find the rows that a refusal names; all of them, if it names none."""
    named: dict[int, Said] = {}
    for one in error.errors if kind.most > 1 else ():
        place = _place(one, len(rows))
        if place is not None:
            named.setdefault(rows[place], said("failed", one))
    if named:
        return named
    first = error.errors[0] if error.errors else {"code": str(error.status), "detail": str(error)}
    if len(rows) == 1:
        return {rows[0]: said("failed", first)}
    why = f"the whole request was refused: {error.detail or error.title or error.status}"
    return {row: said("failed", first, why) for row in rows}


def complaints(
    errors: Iterable[Mapping[str, Any]], rows: Sequence[int], keys: Sequence[str], key: str
) -> dict[int, Said]:
    """Find the rows that a job's errors speak of: by their pointer, else by the key in what was sent."""
    found: dict[int, Said] = {}
    same = folded if key == "email" else str
    where = {same(name): row for name, row in zip(keys, rows, strict=True)}
    for one in errors:
        place = _place(one, len(rows))
        row = rows[place] if place is not None else where.get(same(_key_of(one, key)))
        if row is not None:
            found.setdefault(row, said("failed", one))
    return found


def _place(error: Mapping[str, Any], count: int) -> int | None:
    source = error.get("source")
    pointer = source.get("pointer") if isinstance(source, Mapping) else None
    match = _ROW.search(pointer) if isinstance(pointer, str) else None
    return int(match[1]) if match and int(match[1]) < count else None


def _key_of(error: Mapping[str, Any], key: str) -> Any:
    payload = error.get("original_payload")
    if not isinstance(payload, Mapping):
        return None
    if key in payload:
        return payload[key]
    attributes = payload.get("attributes")
    return attributes.get(key) if isinstance(attributes, Mapping) else None
