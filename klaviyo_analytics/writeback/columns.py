"""Which attribute each column of a frame becomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from klaviyo_analytics._messages import did_you_mean, near
from klaviyo_analytics.errors import FrameError, InvalidInputError, MissingExtraError
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import Problems, is_phone
from klaviyo_analytics.writeback.encode import (
    ABSENT,
    DateFormat,
    Wanted,
    days,
    format_of,
    moments,
    written_column,
)

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame, IntoSeries
    from pandas.api.extensions import ExtensionArray

    # what `as_frame` reads: a frame or series of any library, or single values or rows as a list or an array
    Tabular = (
        pd.DataFrame
        | pd.Series[Any]
        | pd.Index[Any]
        | ExtensionArray
        | np.ndarray[Any, Any]
        | list[Any]
        | tuple[Any, ...]
        | IntoFrame
        | IntoSeries
    )
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
            f"Allowed are {near(path, allowed)}."
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
    return f"{did_you_mean(name, allowed)}."


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


ACCEPTED = "a DataFrame (pandas, Polars, Arrow, ...), a Series, a list or an array"


def as_frame(
    given: Any,
    what: str,
    single: str | Callable[[pd.Series[Any]], str],
    known: Collection[str],
) -> pd.DataFrame:
    """Return what was given as a pandas frame whose columns have different names.

    Parameters
    ----------
    given : object
        A frame of any library, a Series, a list, a tuple or an array.
    what : str
        The method, for messages.
    single : str or callable
        The column that single values become: a Series, a list of texts or numbers. A callable is given the values.
    known : collection of str
        Names that a Series keeps: one called "id" stays the column "id".

    Raises
    ------
    FrameError
        It is something else, or two columns have the same name.
    """
    frame = _frame_of(given, what, single, known)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise FrameError(f"{what}: there are two columns named {twice!r}. Rename or drop one of them.")
    return frame


def _frame_of(
    given: Any, what: str, single: str | Callable[[pd.Series[Any]], str], known: Collection[str]
) -> pd.DataFrame:
    if isinstance(given, pd.DataFrame):
        return given
    if isinstance(given, pd.Series) and _is_row(given, known):
        return pd.DataFrame([given.to_dict()], index=pd.Index([given.name]))
    if isinstance(given, pd.Series):
        return _column(given, single, known)
    if isinstance(given, (pd.Index, pd.api.extensions.ExtensionArray)):
        return _column(pd.Series(given, index=range(len(given))), single, known)
    if isinstance(given, np.ndarray) and given.ndim == 1:
        return _column(pd.Series([*given] if given.dtype == object else given), single, known)
    if isinstance(given, (set, frozenset)):
        raise FrameError(
            f"{what} takes rows in an order, and a {type(given).__name__} has none; sort it first."
        )
    if not isinstance(given, (list, tuple)):
        return _other_library(given, what, single, known)
    rows = [one.to_dict() if isinstance(one, pd.Series) else one for one in given]
    if rows and all(isinstance(one, Mapping) for one in rows):
        # as objects: a large integer beside a row without it must not become a float
        names = list(dict.fromkeys(name for one in rows for name in one))
        columns = {name: pd.Series([one.get(name) for one in rows], dtype=object) for name in names}
        return pd.DataFrame(columns, index=range(len(rows)))
    if odd := [one for one in rows if isinstance(one, (Mapping, list, tuple, set, np.ndarray, pd.DataFrame))]:
        raise FrameError(
            f"{what} takes {ACCEPTED}, and this list holds a {type(odd[0]).__name__}; give a list of single values "
            "or a list of dicts."
        )
    return _column(pd.Series(rows, dtype=object), single, known)


def _other_library(
    given: Any, what: str, single: str | Callable[[pd.Series[Any]], str], known: Collection[str]
) -> pd.DataFrame:
    try:
        found: Any = nw.from_native(given, allow_series=True)
        if isinstance(found, nw.LazyFrame):
            found = found.collect()
    except nw.exceptions.DuplicateError as error:
        raise FrameError(f"{what}: two columns have the same name. {error}. Rename or drop one.") from None
    except TypeError:
        advice = ""
        if isinstance(given, Mapping):
            advice = "; for one row give a list that holds the dict, [{...}]"
        elif isinstance(given, str):
            advice = "; for one value give a list, [...]"
        raise FrameError(f"{what} takes {ACCEPTED}, not {_named(given)}{advice}.") from None
    except ImportError as error:
        raise FrameError(
            f"{what}: this {type(given).__name__} cannot be read without another library ({error}). Install it, or "
            "give its rows as a pandas DataFrame."
        ) from None
    if isinstance(found, nw.Series):
        return _column(_values(found), single, known)
    maps, names = _maps(found.to_native()), found.columns
    columns = {name: _values(found.get_column(name), is_map=name in maps) for name in names}
    return pd.DataFrame(columns, index=range(len(found)), columns=pd.Index(names, dtype=object))


def _values(series: nw.Series[Any], *, is_map: bool = False) -> pd.Series[Any]:
    """Return a column of another library with its values as they are, nulls included."""
    kind, name = series.dtype, series.name
    if kind == nw.Float32:
        found = [np.nan if one is None else np.float32(one) for one in series.to_list()]
        return pd.Series(np.asarray(found, dtype=np.float32), name=name)
    if kind.is_integer() and not isinstance(kind, (nw.Int128, nw.UInt128)):
        return pd.Series(series.to_list(), dtype=pd.api.types.pandas_dtype(str(kind)), name=name)
    if kind == nw.Datetime:
        return _times(series)
    values: Sequence[Any] = series.to_list()
    if is_map:
        values = [None if one is None else dict(one) for one in values]
    return pd.Series([*values], dtype=object, name=name)


def _times(series: nw.Series[Any]) -> pd.Series[Any]:
    zone = cast(nw.Datetime, series.dtype).time_zone
    moments = series.dt.replace_time_zone(None) if zone is None else series.dt.convert_time_zone("UTC")
    whole = moments.dt.timestamp("us").to_list()
    found = pd.Series(pd.array(whole, dtype="Int64"), name=series.name)
    times = pd.to_datetime(found, unit="us").astype("datetime64[us]")
    return times if zone is None else times.dt.tz_localize("UTC").dt.tz_convert(zone)


def _maps(native: Any) -> set[str]:
    """Return the columns of an Arrow table that are maps: they are read as lists of pairs."""
    schema = getattr(native, "schema", None)
    if schema is None or type(native).__module__.partition(".")[0] != "pyarrow":
        return set()
    return {field.name for field in schema if str(field.type).startswith("map<")}


def _column(
    values: pd.Series[Any], single: str | Callable[[pd.Series[Any]], str], known: Collection[str]
) -> pd.DataFrame:
    name = values.name
    if not (isinstance(name, str) and name in known):
        name = single if isinstance(single, str) else single(values)
    return values.to_frame(name)


def _is_row(series: pd.Series[Any], known: Iterable[str]) -> bool:
    """Decide whether a Series is one row, as `get` and `find` return it, and not a column."""
    labels = series.index
    return (
        len(labels) > 0
        and labels.is_unique
        and all(isinstance(label, str) for label in labels)
        and any(name in labels for name in known)
    )


def _named(given: Any) -> str:
    return "None" if given is None else type(given).__name__


ZIP, COUNTRY = "location.zip", "location.country"
NAMES_SOMETHING = ("id", "external_id", "anonymous_id", ZIP)
FLOAT_TEXT = re.compile(r"\d+\.0+")
DIGITS: Mapping[str, int] = {  # countries whose postcodes are digits only, and how many
    **dict.fromkeys(("US", "DE", "FR", "IT", "ES", "MX", "FI", "EE", "HR", "TR", "TH", "MY", "UA", "PR"), 5),
    **dict.fromkeys(("AU", "AT", "BE", "CH", "DK", "NO", "HU", "NZ", "ZA", "BG", "SI", "LU"), 4),
    **dict.fromkeys(("IN", "CN", "SG", "RO", "RU", "CO"), 6),
    "IL": 7,
    "IS": 3,
}
NAMES = {
    "united states": "US", "united states of america": "US", "usa": "US", "puerto rico": "PR", "germany": "DE",
    "deutschland": "DE", "france": "FR", "italy": "IT", "italia": "IT", "spain": "ES", "mexico": "MX",
    "finland": "FI", "estonia": "EE", "croatia": "HR", "turkey": "TR", "australia": "AU", "austria": "AT",
    "belgium": "BE", "switzerland": "CH", "denmark": "DK", "norway": "NO", "hungary": "HU", "new zealand": "NZ",
    "south africa": "ZA", "india": "IN", "china": "CN", "singapore": "SG", "romania": "RO", "israel": "IL",
}  # fmt: skip


def were_numbers(
    frame: pd.DataFrame, found: Sequence[Target], values: Mapping[str, Sequence[Any]]
) -> dict[int, str]:
    """Return notes on rows whose postcode or id was a number, or whose postcode is too short for its country.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows as they were given.
    found : sequence of Target
        Which column becomes what.
    values : dict
        What would be sent, by attribute.
    """
    notes: dict[int, list[str]] = {}
    for target in found:
        if target.path not in NAMES_SOMETHING:
            continue
        given = frame[target.column].astype(object).tolist()
        for row, (one, sent) in enumerate(zip(given, values[target.path], strict=True)):
            if sent is ABSENT:
                continue
            if isinstance(one, str) and FLOAT_TEXT.fullmatch(one.strip()):
                why = f"{one!r} looks like a number that was read as a float"
            elif not isinstance(one, str):
                why = f"{one!r} was a number and is sent as {sent!r}"
            else:
                continue
            notes.setdefault(row, []).append(
                f"{target.path}: {why}; to keep leading zeros, read the column {target.column!r} as text (dtype=str)"
            )
    for row, why in _short(values).items():
        notes.setdefault(row, []).append(why)
    return {row: "; ".join(whys) for row, whys in notes.items()}


def _short(values: Mapping[str, Sequence[Any]]) -> dict[int, str]:
    """Return notes on postcodes that are too short for their country."""
    codes, countries = values.get(ZIP, ()), values.get(COUNTRY, ())
    found = {}
    for row, (code, country) in enumerate(zip(codes, countries, strict=False)):
        if not isinstance(code, str) or not isinstance(country, str) or not code.strip().isdecimal():
            continue
        short = country.strip().upper()
        short = NAMES.get(country.strip().casefold(), short)
        digits = DIGITS.get(short)
        if digits and len(code.strip()) < digits:
            padded = code.strip().zfill(digits)
            found[row] = (
                f"{ZIP}: {code!r} has {len(code.strip())} digits, and postcodes of {short} have {digits}; "
                f"{padded!r}, if leading zeros were lost"
            )
    return found


def in_e164(
    values: Sequence[Any], region: str | None, problems: Problems
) -> tuple[list[Any], dict[int, str]]:
    """Return numbers in E.164, and notes on those that were rewritten.

    Parameters
    ----------
    values : sequence of str
        Numbers as texts; ABSENT where a row has none.
    region : str, optional
        The country whose national format the numbers are in, as two letters: "US". Numbers that have their own
        country ("+44 20 ...") keep it. Without it the numbers are returned as they are.
    problems : Problems
        Takes the rows whose number does not exist in that country.

    Raises
    ------
    InvalidInputError
        The region is not one that libphonenumber knows.
    MissingExtraError
        phonenumberslite is not installed.
    """
    if region is None:
        return [*values], {}
    numbers = _library()
    if not isinstance(region, str) or region.upper() not in numbers.SUPPORTED_REGIONS:
        raise InvalidInputError(
            f"phone_region={region!r} is not a country code. Give two letters of ISO 3166, like 'US' or 'GB'."
        )
    found: list[Any] = []
    notes: dict[int, str] = {}
    for row, value in enumerate(values):
        found.append(value)
        if value is ABSENT or is_phone(value) or not isinstance(value, str):
            continue
        try:
            number = numbers.parse(value, region.upper())
        except numbers.NumberParseException:
            continue  # the check of forms says so
        if not numbers.is_valid_number(number) or number.extension:
            why = "has an extension" if number.extension else f"is not a valid number of {region.upper()}"
            problems.add(row, f"phone_number: {value!r} {why}; correct it or leave it null")
            found[-1] = ABSENT
            continue
        found[-1] = numbers.format_number(number, numbers.PhoneNumberFormat.E164)
        notes[row] = f"phone_number {value!r} is sent as {found[-1]}"
    return found, notes


def _library() -> Any:
    try:
        import phonenumbers  # noqa: PLC0415  (an extra)
    except ImportError:
        raise MissingExtraError("phone_region=", "phone") from None
    return phonenumbers
