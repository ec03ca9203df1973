"""Who a row is about, for writes that say nothing else of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.writeback import checks
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.encode import ABSENT, column
from klaviyo_analytics.writeback.targets import check_frame, check_present, named

Columns = Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class People:
    """The identifiers of a frame's rows, each checked; ABSENT where a row lacks one."""

    values: Mapping[str, list[Any]]
    keys: list[str]
    left_out: dict[int, tuple[Any, str]]


def people(
    frame: pd.DataFrame,
    names: Sequence[str],
    columns: Columns,
    rule: OnDuplicate,
    problems: Problems,
    *,
    what: str,
) -> People:
    """Read identifiers off a frame: the first that a row has is its key. Other columns are left alone."""
    check_frame(frame, what)
    found = {name: _column_of(frame, name, columns or {}) for name in names}
    present = {name: column for name, column in found.items() if column is not None}
    if not present:
        raise FrameError(
            f"{what}: the frame has none of the columns {', '.join(names)}; it has "
            f"{named(frame.columns)}. Name one by columns={{'...': {names[0]!r}}}."
        )
    values: dict[str, list[Any]] = {}
    for name, source in present.items():
        written = column(frame[source], "text")
        problems.add_all(written.problems, source)
        checks.check_form(name, written.values, problems)
        values[name] = written.values
    keys = _keys(values, len(frame))
    checks.check_present(" or ".join(present), keys, problems)
    first, *others = present
    left_out = checks.check_duplicates(first, keys, rule, problems, fold=first == "email")
    for name in others:  # two people of one number: the API would take both rows, and lose one
        remaining = [ABSENT if row in left_out else one for row, one in enumerate(values[name])]
        checks.check_duplicates(name, remaining, "error", problems, fold=name == "email")
    return People(values, ["" if key is ABSENT else str(key) for key in keys], left_out)


def _keys(values: Mapping[str, list[Any]], count: int) -> list[Any]:
    columns = list(values.values())
    if len(columns) == 1:
        return list(columns[0])
    return [
        next((column[row] for column in columns if column[row] is not ABSENT), ABSENT) for row in range(count)
    ]


def _column_of(frame: pd.DataFrame, name: str, columns: Mapping[str, str]) -> str | None:
    for source, target in columns.items():
        if target == name:
            check_present(frame, [source], "columns")
            return source
    return name if name in frame.columns and name not in columns else None
