"""Which attribute each column of a frame becomes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import Problems
from klaviyo_analytics.writeback.encode import DateFormat, Wanted, days, format_of, moments, written_column

Rest = Literal["rest"] | str | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Target:
    """A column, and the attribute that it becomes; `group` is the object that holds it, like "location"."""

    column: str
    name: str
    group: str | None = None
    wanted: Wanted = "json"

    @property
    def path(self) -> str:
        """The attribute's dotted name."""
        return f"{self.group}.{self.name}" if self.group else self.name


def targets(
    frame: pd.DataFrame,
    attributes: Mapping[str, Wanted],
    *,
    columns: Mapping[str, str] | None,
    properties: Rest,
    what: str,
    free: str | None = "properties",
    read_only: Collection[str] = (),
) -> list[Target]:
    """Decide which attribute every column becomes.

    Columns that are named in `columns` become what it says; those that have an attribute's name become that;
    those that `properties` names, or all the rest, become properties. `read_only` names what the API sets itself.

    Raises
    ------
    FrameError
        A column is missing, becomes an attribute twice, or becomes none.
    """
    _check_names(frame, what)
    named = mapped(columns, what)
    rest = is_rest(properties)
    custom = [] if rest else several(properties, "properties")
    check_present(frame, [*named, *custom], what)
    found, stray = [], []
    for column in frame.columns:
        if column in named:
            path = named[column]
        elif column in custom or (rest and column not in attributes and column not in read_only):
            path = column if free and column.startswith(f"{free}.") else f"{free}.{column}"
        else:
            path = column
        if column == free and column not in named and column not in attributes:
            stray.append(column)
            continue
        target = _target(column, path, attributes, free, what, chosen=column in named)
        (stray.append(column) if target is None else found.append(target))
    if stray:
        raise FrameError(_stray(frame, stray, attributes, read_only, free, what))
    _check_once(found, what)
    return found


def _stray(
    frame: pd.DataFrame,
    stray: Sequence[str],
    attributes: Iterable[str],
    read_only: Collection[str],
    free: str | None,
    what: str,
) -> str:
    """Explain which columns have nowhere to go, with advice that settles all of them at once."""
    first = stray[0]
    fixed = [column for column in stray if column in read_only or column == free]
    own = [column for column in stray if column not in fixed]
    if first == free:
        why = f"the column {first!r} holds several values; each of them needs a column of its own"
    elif first in fixed:
        why = f"{first!r} is set by Klaviyo and read-only"
    else:
        why = (
            f"the column {first!r} is not an attribute that can be written{_nearest(first, attributes)[:-1]}"
        )
    kept = [column for column in frame.columns if column not in stray]
    drop, keep = f"frame.drop(columns={[*stray]!r})", f"frame[{kept!r}]"
    many = f" ({len(stray):,} columns have nowhere to go)" if len(stray) > 1 else ""
    ways = [f"Write {keep if kept and len(keep) < len(drop) else drop}"]
    if own:
        ways.append(f"or name an attribute by columns={{{own[0]!r}: ...}}")
    if own and free:
        ways.append(f"or keep {own[0]!r} as a property by properties={[*own]!r}")
    if free in stray:
        ways.append(f"or read its entries as columns by {free}=['...'] of list()")
    allowed = "" if fixed and not own else f" Attributes are {', '.join(attributes)}."
    return f"{what}: {why}{many}. {', '.join(ways)}.{allowed}"


def is_rest(properties: Rest) -> bool:
    """Check whether all remaining columns become properties."""
    return isinstance(properties, str) and properties == "rest"


def several(names: Any, what: str) -> list[str]:
    """Return one name, several names or None as a list.

    Raises
    ------
    InvalidInputError
        It is something else.
    """
    if names is None:
        return []
    found = [names] if isinstance(names, str) else names
    if (
        isinstance(found, Mapping)
        or not isinstance(found, Iterable)
        or not all(isinstance(x, str) for x in found)
    ):
        rest = "'rest', " if what == "properties" else ""
        raise InvalidInputError(f"{what}={names!r}: give {rest}the name of a column, or a list of names.")
    return [*found]


def _target(
    column: str, path: str, attributes: Mapping[str, Wanted], free: str | None, what: str, *, chosen: bool
) -> Target | None:
    """Return where a column goes; None if nowhere."""
    if path in attributes:
        group, _, name = path.rpartition(".")
        return Target(column, name, group or None, attributes[path])
    group, dot, name = path.partition(".")
    if free and group == free and dot and name:
        return Target(column, name, free)
    if not chosen:
        return None
    property_way = f" For a property say columns={{{column!r}: '{free}.{path}'}}." if free and not dot else ""
    raise FrameError(
        f"{what}: columns={{{column!r}: {path!r}}}: {path!r} is not an attribute that can be written"
        f"{_nearest(path, attributes)}{property_way} Attributes are {', '.join(attributes)}."
    )


def mapped(columns: Any, what: str) -> dict[str, str]:
    """Return `columns=` as a dict.

    Raises
    ------
    InvalidInputError
        It is not a dict of column names to attributes.
    """
    if columns is None:
        return {}
    if not isinstance(columns, Mapping) or not all(isinstance(one, str) for one in columns.values()):
        raise InvalidInputError(
            f"{what}: columns={columns!r} is not a dict of column names to attributes, like {{'mail': 'email'}}."
        )
    return dict(columns)


def settled(
    frame: pd.DataFrame, columns: Any, allowed: Sequence[str], what: str
) -> tuple[dict[str, str], list[str]]:
    """Return the columns by the attribute that they become, and the columns that are not used.

    Raises
    ------
    FrameError
        `columns` names a column that is not there or an attribute that is not allowed, or two columns become one.
    """
    chosen = mapped(columns, what)
    check_present(frame, chosen, what)
    if unknown := [(column, path) for column, path in chosen.items() if path not in allowed]:
        column, path = unknown[0]
        raise FrameError(
            f"{what}: columns={{{column!r}: {path!r}}}: {path!r} cannot be written here{_nearest(path, allowed)} "
            f"Allowed are {named(allowed)}."
        )
    found: dict[str, str] = {}
    for column in frame.columns:
        path = chosen.get(column, column)
        if path not in allowed:
            continue
        if path in found:
            raise FrameError(
                f"{what}: the columns {found[path]!r} and {column!r} both become {path!r}. Drop one of them."
            )
        found[path] = column
    return found, [column for column in frame.columns if column not in found.values()]


def _nearest(name: str, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [*allowed], n=1)
    return f"; did you mean {near[0]!r}?" if near else "."


def check_present(frame: pd.DataFrame, names: Iterable[str], what: str) -> None:
    """Refuse to look for columns that are not there."""
    if missing := [name for name in names if name not in frame.columns]:
        raise FrameError(f"{what}: the frame has no column {missing[0]!r}; it has {named(frame.columns)}.")


def _check_names(frame: pd.DataFrame, what: str) -> None:
    if odd := [name for name in frame.columns if not isinstance(name, str)]:
        raise FrameError(f"{what}: column names are text, and {odd[0]!r} is not. Rename the columns.")


def _check_once(found: Sequence[Target], what: str) -> None:
    by_path: dict[str, str] = {}
    for target in found:
        if target.path in by_path:
            other = by_path[target.path]
            raise FrameError(
                f"{what}: the columns {other!r} and {target.column!r} both become {target.path!r}."
            )
        by_path[target.path] = target.column
    for target in found:
        if target.group in by_path:
            raise FrameError(
                f"{what}: {by_path[target.group]!r} holds all of {target.group!r}, and {target.column!r} a part "
                "of it: one would overwrite the other. Drop one of them."
            )


def named(columns: Iterable[object]) -> str:
    """List columns for a message."""
    return ", ".join(map(str, columns)) or "none"


def encoded(
    account: Account,
    frame: pd.DataFrame,
    found: Sequence[Target],
    problems: Problems,
    *,
    times: Collection[str] = (),
    date_format: DateFormat = None,
) -> dict[str, list[Any]]:
    """Write every column by its attribute's dotted name; `times` are read in the account's zone.

    `date_format` is the format of the texts in `times`, or a dict of formats by column, for other columns too.
    """
    values: dict[str, list[Any]] = {}
    for target in found:
        series = frame[target.column]
        form = format_of(date_format, target.column)
        if target.path in times:
            written = moments(series, lambda: account.timezone, form)
        elif form is not None and isinstance(date_format, Mapping):
            written = days(series, lambda: account.timezone, form)
        else:
            written = written_column(series, target.wanted)
        problems.add_all(written.problems, target.column)
        values[target.path] = written.values
    return values
