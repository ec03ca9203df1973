"""Who a row is about, for writes that say nothing else of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.writeback import checks, phones
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.encode import ABSENT, column
from klaviyo_analytics.writeback.frames import as_frame
from klaviyo_analytics.writeback.targets import named, settled

Columns = Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class People:
    """The rows of a frame, and who each of them is about.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows.
    sources : dict
        The column that each attribute is read from.
    values : dict
        Identifiers by attribute, each checked; ABSENT where a row has none.
    keys : list of str
        The first identifier of each row.
    left_out : dict
        The rows that are not sent because another row has the same key.
    unused : list of str
        Columns that are not sent.
    notes : dict
        What is worth knowing of a row.
    """

    frame: pd.DataFrame
    sources: Mapping[str, str]
    values: Mapping[str, list[Any]]
    keys: list[str]
    left_out: dict[int, tuple[Any, str]]
    unused: list[str]
    notes: dict[int, str] = field(default_factory=dict)


def people(
    given: Any,
    names: Sequence[str],
    columns: Columns,
    rule: OnDuplicate,
    problems: Problems,
    *,
    what: str,
    more: Sequence[str] = (),
    either: bool = False,
    phone_region: str | None = None,
) -> People:
    """Read identifiers off a frame: the first that a row has is its key.

    `more` are further attributes that columns may become, which the caller reads. With `either`, only the first
    of `names` that has a column is read.
    """
    allowed = [*names, *more]

    def single(values: pd.Series[Any]) -> str:
        with_at = all(isinstance(one, str) and "@" in one for one in values.dropna())
        return "email" if "email" in names and (with_at or not either) else names[0]

    frame = as_frame(given, what, single, allowed)
    sources, unused = settled(frame, columns, allowed, what)
    present = {name: sources[name] for name in names if name in sources}
    if not present:
        raise FrameError(
            f"{what}: the frame has none of the columns {', '.join(names)}; it has "
            f"{named(frame.columns)}. Name one by columns={{'...': {names[0]!r}}}."
        )
    if either:
        (first, *spare) = present
        unused = [name for name in frame.columns if name in unused or name in map(present.get, spare)]
        present = {first: present[first]}
    values: dict[str, list[Any]] = {}
    notes: dict[int, str] = {}
    for name, source in present.items():
        written = column(frame[source], "text")
        problems.add_all(written.problems, source)
        values[name] = written.values
        if name == "phone_number":
            values[name], changed = phones.in_e164(written.values, phone_region, problems)
            notes |= changed
        checks.check_form(name, values[name], problems)
    keys = _keys(values, len(frame))
    checks.check_present(" or ".join(present), keys, problems)
    first, *others = present
    left_out = checks.check_duplicates(first, keys, rule, problems, fold=first == "email")
    for name in others:  # two people of one number: the API would take both rows, and lose one
        remaining = [ABSENT if row in left_out else one for row, one in enumerate(values[name])]
        checks.check_duplicates(name, remaining, "error", problems, fold=name == "email")
    shown = ["" if key is ABSENT else str(key) for key in keys]
    return People(frame, sources, values, shown, left_out, unused, notes)


def _keys(values: Mapping[str, list[Any]], count: int) -> list[Any]:
    columns = list(values.values())
    if len(columns) == 1:
        return list(columns[0])
    return [
        next((column[row] for column in columns if column[row] is not ABSENT), ABSENT) for row in range(count)
    ]
