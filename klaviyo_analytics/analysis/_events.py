"""Rows that are events or orders: opening and ordering them, elapsed time, local clocks, intervals."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from statistics import NormalDist
from typing import Any, cast
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics._messages import near
from klaviyo_analytics.analysis._calendar import time_cure
from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    opened,
    require,
    require_addable,
)
from klaviyo_analytics.errors import FrameError, InvalidInputError, MissingExtraError

MICROSECONDS_PER_HOUR = 3_600_000_000
_DAY = 24 * MICROSECONDS_PER_HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION = re.compile(r"(?P<count>\d{1,9}(\.\d+)?)\s*(?P<unit>[a-z]+)")
_UNITS = (
    (("s", "sec", "second", "seconds"), 1),
    (("m", "min", "minute", "minutes"), 60),
    (("h", "hr", "hour", "hours"), 3600),
    (("d", "day", "days"), 86_400),
    (("w", "week", "weeks"), 604_800),
)
_FEWEST_YEARS = (2010, 2041)  # clock changes are tabulated for these years; outside, the nearest one holds


def opened_rows(
    frame: IntoFrameT,
    *needed: str,
    times: Sequence[str] = (),
    numbers: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> Table:
    """Open a frame of events, with columns that hold nothing but nulls in the type they should have.

    Raises FrameError for a time column without a time zone, for a number column that holds text, and for whole
    numbers whose sum would leave 64 bits.
    """
    table = opened(frame, *needed)
    table = _typed(table, times=times, numbers=numbers, texts=texts)
    schema = table.collect_schema()
    for name in times:
        kind = schema.get(name)
        aware = kind == nw.Unknown or (isinstance(kind, nw.Datetime) and kind.time_zone is not None)
        if kind is not None and not aware:
            raise FrameError(
                f"column {name!r} is {kind}, but times with a time zone are needed. "
                f"Set it to {time_cure(table, name)}, with the account's time zone."
            )
    for name in numbers:
        if name in schema and not schema[name].is_numeric():
            raise FrameError(f"column {name!r} is {schema[name]}, but numbers are needed. Convert it first.")
    require_addable(table, [name for name in numbers if name in schema])
    return table


def _typed(table: Table, *, times: Sequence[str], numbers: Sequence[str], texts: Sequence[str]) -> Table:
    """Return the table with object columns of nulls (as empty pandas and Polars frames have them) typed."""
    native: Any = table.to_native()
    if nw.dependencies.is_pandas_dataframe(native):
        empty = {
            name for name in native.columns if native[name].dtype == object and native[name].isna().all()
        }
        kinds = {name: "datetime64[us, UTC]" for name in times if name in empty}
        kinds |= {name: "float64" for name in numbers if name in empty}
        kinds |= {name: "string" for name in texts if name in empty}
        return nw.from_native(native.astype(kinds)).lazy() if kinds else table
    schema = table.collect_schema()
    unknown = {name for name, kind in schema.items() if str(kind) in {"Unknown", "Null"}}
    if not unknown or not nw.dependencies.is_polars_lazyframe(native):
        return table
    casts = [nw.col(name).cast(nw.Datetime("us", "UTC")) for name in times if name in unknown]
    casts += [nw.col(name).cast(nw.Float64) for name in numbers if name in unknown]
    casts += [nw.col(name).cast(nw.String) for name in texts if name in unknown]
    return table.with_columns(*casts) if casts else table


def with_floats(table: Table, *columns: str) -> Table:
    """Return the table with floats in these columns: plain ones in pandas, where nullable ones take far longer."""
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return table.with_columns(nw.col(name).cast(nw.Float64) for name in columns)
    return nw.from_native(native.astype(dict.fromkeys(columns, "float64"))).lazy()


def same_library(first: Table, second: Table, names: tuple[str, str]) -> None:
    """Raise FrameError unless both frames are of one library, so that they can be joined."""
    one, other = first.implementation, second.implementation
    if one != other:
        raise FrameError(
            f"{names[0]} is a {one.name.lower()} frame and {names[1]} a {other.name.lower()} frame. "
            "Both must come from the same library; convert one of them."
        )


def require_ids(table: Table, name: str, what: str) -> None:
    """Raise FrameError if an id is null or stands in several rows."""
    native: Any = table.to_native()
    if nw.dependencies.is_pandas_dataframe(native) and native[name].is_unique and native[name].notna().all():
        return
    counts = (
        table.group_by(name)
        .agg(nw.len().alias("__rows"))
        .filter((nw.col("__rows") > 1) | nw.col(name).is_null())
        .sort(name, nulls_last=True)
        .head(1)
        .collect()
    )
    if not len(counts):
        return
    found = counts[name].to_list()[0]
    if counts[name].is_null().to_list()[0]:
        raise FrameError(f"column {name!r} of the {what} holds nulls. Every row needs its id.")
    raise FrameError(
        f"{what} with {name}={found!r} stand in {counts['__rows'].to_list()[0]} rows. Each may stand in one only; "
        f"drop the duplicates first, with frame.drop_duplicates({name!r}) in pandas."
    )


def with_micros(table: Table, **columns: str) -> Table:
    """Append the times of columns in microseconds since 1970: `with_micros(table, __us="datetime")`.

    DuckDB subtracts times by the calendar of its session, which loses an hour where the clocks change, so it is
    asked in SQL.
    """
    implementation = table.implementation
    if implementation.is_duckdb():
        quoted = {name: source.replace('"', '""') for name, source in columns.items()}
        extra = ", ".join(f'epoch_us("{source}") AS "{name}"' for name, source in quoted.items())
        relation: Any = table.to_native()
        extended: Table = nw.from_native(relation.project(f"*, {extra}"))
        return extended
    return table.with_columns(**{name: _micros(table, source) for name, source in columns.items()})


def _micros(table: Table, name: str) -> nw.Expr:
    column = nw.col(name)
    if table.implementation.is_spark_like():
        return (column.cast(nw.Float64) * 1e6).round().cast(nw.Int64)
    elapsed = (column - nw.lit(_EPOCH)).dt.total_microseconds()
    # pandas cannot hold missing integers in plain columns; floats hold microseconds exactly until the year 2255.
    return elapsed.cast(nw.Float64 if table.implementation.is_pandas_like() else nw.Int64)


def closed_whole(table: Table, like: IntoFrameT, *whole: str, flags: Sequence[str] = ()) -> IntoFrameT:
    """Return the table as the library of `like` has it, with nullable integers, or booleans, in the columns named."""
    native: Any = closed(table, like)
    if nw.dependencies.is_pandas_dataframe(native):
        attrs = native.attrs
        kinds = {**dict.fromkeys(whole, "Int64"), **dict.fromkeys(flags, "boolean")}
        native = native.astype({name: kind for name, kind in kinds.items() if name in native.columns})
        native.attrs = attrs
    return native  # type: ignore[no-any-return]


def parse_duration(given: str | timedelta, argument: str) -> int:
    """Return a duration such as "120h", "5d", "90 minutes" or a timedelta in microseconds."""
    length = given if isinstance(given, timedelta) else None
    if isinstance(given, str):
        found = _DURATION.fullmatch(given.strip().lower())
        unit = found and next((seconds for names, seconds in _UNITS if found["unit"] in names), None)
        if found and unit:
            length = timedelta(seconds=float(found["count"]) * unit)
    if length is None or length < timedelta(0):
        raise InvalidInputError(
            f"{argument}={given!r} is not a duration. Expected a text such as '120h' or '5d', or a timedelta."
        )
    return round(length / timedelta(microseconds=1))


def zone_named(name: str, argument: str = "zone") -> ZoneInfo:
    """Return the time zone, or raise InvalidInputError if its name is unknown."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise InvalidInputError(
            f"{argument}={name!r} is not a time zone. Expected a name such as 'America/New_York' or 'UTC'."
        ) from error


def span_of(table: Table, moment: str) -> tuple[int, int]:
    """Return the first and last time of a column of microseconds; (0, 0) if the column has no values."""
    ends = table.select(first=nw.col(moment).min(), last=nw.col(moment).max()).collect()
    if ends["first"].is_null().to_list()[0]:
        return 0, 0
    return int(ends["first"].to_list()[0]), int(ends["last"].to_list()[0])


def local_micros(moment: str, zone: ZoneInfo, span: tuple[int, int]) -> nw.Expr:
    """Return the wall clock of `zone` in microseconds since 1970-01-01 00:00 local time, for times in `span`."""
    changes = _clock_changes(zone)
    first = max(bisect_right(changes, span[0], key=lambda change: change[0]) - 1, 0)
    shift = nw.lit(changes[first][1])
    for start, offset in changes[first + 1 :]:
        if start <= span[1]:
            shift = nw.when(nw.col(moment) >= start).then(nw.lit(offset)).otherwise(shift)
    return nw.col(moment) + shift


def hour_of(local: nw.Expr) -> nw.Expr:
    """Return the hour of the day, 0 to 23."""
    return (local // MICROSECONDS_PER_HOUR % 24).cast(nw.Int64)


def weekday_of(local: nw.Expr) -> nw.Expr:
    """Return the day of the week, 0 for Monday to 6 for Sunday."""
    return ((local // _DAY + 3) % 7).cast(nw.Int64)


def with_month(table: Table, name: str, local: nw.Expr) -> Table:
    """Append the month as text, such as "2026-04" (civil-from-days in integers; proleptic Gregorian).

    Each step is a column of its own: nested in one expression, the steps would multiply, and DuckDB and Spark would
    plan them for minutes.
    """
    table = table.with_columns(__day=local // _DAY)
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return _month_of_day(table, name).drop("__day")
    codes, days = pd.factorize(native["__day"], use_na_sentinel=False)  # pandas handles texts one by one
    months: Any = _month_of_day(nw.from_native(pd.DataFrame({"__day": days})).lazy(), name).to_native()
    found = native.drop(columns="__day").assign(**{name: months[name].array.take(codes)})
    return nw.from_native(found).lazy()


def _month_of_day(table: Table, name: str) -> Table:
    """Append the month of `__day`, a number of days since 1970."""
    steps: list[dict[str, nw.Expr]] = [
        {"__days": nw.col("__day") + 719_468},
        {"__era": nw.col("__days") % 146_097},
        {"__yoe": _year_of_era(nw.col("__era"))},
        {"__doy": nw.col("__era") - _days_before(nw.col("__yoe"))},
        {"__shifted": (5 * nw.col("__doy") + 2) // 153},
        {"__month": (nw.col("__shifted") + 2) % 12 + 1},
        {
            "__year": nw.col("__yoe")
            + nw.col("__days") // 146_097 * 400
            + (nw.col("__month") <= 2).cast(nw.Int64)
        },
    ]
    for step in steps:
        table = table.with_columns(**step)
    padded = (nw.col("__month").cast(nw.Int64) + 100).cast(nw.String).str.slice(1, 2)
    year = nw.col("__year").cast(nw.Int64).cast(nw.String)
    made = table.with_columns(nw.concat_str(year, padded, separator="-").alias(name))
    return made.drop(*(column for step in steps for column in step))


def _year_of_era(era_day: nw.Expr) -> nw.Expr:
    return (era_day - era_day // 1_460 + era_day // 36_524 - era_day // 146_096) // 365


def _days_before(year_of_era: nw.Expr) -> nw.Expr:
    return 365 * year_of_era + year_of_era // 4 - year_of_era // 100


@lru_cache(maxsize=64)
def _clock_changes(zone: ZoneInfo) -> list[tuple[int, int]]:
    """Return when each offset of the zone begins and what it is, both in microseconds, in order of time."""
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in _FEWEST_YEARS)
    changes = [(_since_epoch(first), _offset(first, zone))]
    moment = first
    while moment < last:
        later = moment + timedelta(days=7)
        if _offset(later, zone) != changes[-1][1]:
            minutes = range(int((later - moment).total_seconds() // 60) + 1)
            before = changes[-1][1]
            start = moment
            # The offset changes once in these days; Morocco's two changes are four weeks apart.
            at = bisect_right(
                minutes, 0, key=lambda m: int(_offset(start + timedelta(minutes=m), zone) != before)
            )
            changed = moment + timedelta(minutes=at)
            changes.append((_since_epoch(changed), _offset(changed, zone)))
        moment = later
    return changes


def _since_epoch(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds()) * 1_000_000


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    return int((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds()) * 1_000_000


def critical_value(confidence: float) -> float:
    """Return the two-sided critical value of the normal distribution: 1.96 for 0.95."""
    if not isinstance(confidence, float | int) or not 0 < confidence < 1:
        raise InvalidInputError(
            f"confidence={confidence!r} is not between 0 and 1. Give a fraction, such as 0.95."
        )
    return NormalDist().inv_cdf((1 + confidence) / 2)


def blank(value: Any) -> bool:
    """Return whether the value of a row is missing, whichever library it is from."""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def spelled(value: Any) -> str:
    """Return the name of a group, which may be missing."""
    return "(none)" if blank(value) else str(value)


def require_statistics() -> None:
    """Raise MissingExtraError unless scipy and statsmodels are there."""
    try:
        import scipy.stats  # noqa: F401, PLC0415 - an extra
        import statsmodels.stats.multitest  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("Statistics of experiments", "stats") from error


def wilson(total: float, size: float, confidence: float) -> tuple[float, float]:
    """Return Wilson's interval of one rate."""
    from statsmodels.stats.proportion import proportion_confint  # noqa: PLC0415 - an extra

    if not size:
        return math.nan, math.nan
    low, high = proportion_confint(total, size, alpha=1 - confidence, method="wilson")
    # At none and at all, the bound is 0 and 1 exactly, which rounding hides.
    return (0.0 if total == 0 else float(low)), (1.0 if total == size else float(high))


def student(mean: float, spread: float, size: float, confidence: float) -> tuple[float, float]:
    """Return Student's interval of a mean; `spread` is the sample variance."""
    from scipy import stats  # noqa: PLC0415 - an extra

    if size < 2:
        return math.nan, math.nan
    half = float(stats.t.ppf((1 + confidence) / 2, size - 1)) * math.sqrt(spread / size)
    return mean - half, mean + half


def with_wilson(
    table: Table, successes: str, trials: str, z: float, *, low: str = "low", high: str = "high"
) -> Table:
    """Append the bounds of Wilson's interval (1927) of a rate; missing where there were no trials.

    `z` is the `critical_value`. Each step is a column of its own: nested in one expression, the steps would be
    computed several times.
    """
    n, share, inside = nw.col("__n"), nw.col("__share"), nw.col("__inside")
    middle, half, scale = nw.col("__middle"), nw.col("__half"), nw.col("__scale")
    some, zero, one = nw.col(trials) > 0, nw.lit(0.0), nw.lit(1.0)
    none, every = nw.col(successes) <= 0, nw.col(successes) >= nw.col(trials)
    steps: list[dict[str, nw.Expr]] = [
        {"__n": nw.col(trials).cast(nw.Float64)},
        {"__share": nw.col(successes).cast(nw.Float64) / n},
        {
            "__middle": share + z * z / (2 * n),
            "__inside": share * (1 - share) / n + z * z / (4 * n * n),
            "__scale": 1 + z * z / n,
        },
        # A rate of people cannot exceed 1; where clicks outnumber people, the root would be of a negative number.
        {"__half": nw.when(inside >= 0).then(inside).otherwise(nw.lit(0.0)).sqrt() * z},
    ]
    bounds: dict[str, nw.Expr] = {
        low: nw.when(some).then(nw.when(none).then(zero).otherwise((middle - half) / scale)),
        high: nw.when(some).then(nw.when(every).then(one).otherwise((middle + half) / scale)),
    }
    for step in (*steps, bounds):
        table = table.with_columns(**step)
    return table.drop(*(name for step in steps for name in step))


def true(name: str) -> nw.Expr:
    """Return whether a flag is set: a boolean, 1, or the texts that Klaviyo uses for it; null is false."""
    text = nw.col(name).cast(nw.String).str.to_lowercase().fill_null("")
    return text.is_in(["true", "1", "1.0", "yes"])


def one_of(given: str, allowed: Iterable[str], argument: str) -> str:
    """Return `given` if it is allowed, or raise InvalidInputError with the allowed values."""
    choices = list(allowed)
    if given not in choices:
        raise InvalidInputError(
            f"{argument}={given!r} is not allowed. Allowed are {near(given, map(repr, choices))}."
        )
    return given


def present(table: Table, names: Sequence[str]) -> list[str]:
    """Return those of the names that are columns."""
    here = columns_of(table)
    return [name for name in names if name in here]


def require_any(table: Table, names: Sequence[str]) -> str:
    """Return the first of the names that is a column, or raise the error that lacks the first."""
    here = present(table, names)
    if not here:
        require(table, names[:1])
    return here[0]


def like_given(rows: Any, like: IntoFrameT, session_of: Any = None) -> IntoFrameT:
    """Return a small pandas frame in the library of `like`.

    A few rows that were computed with scipy go back to where the input came from: Polars eager or lazy, DuckDB
    (as a relation of duckdb's default connection) or PySpark (in the session of the input).
    """
    given: Any = like if session_of is None else session_of
    if nw.dependencies.is_pandas_dataframe(given):
        rows.attrs = {**given.attrs}
        return cast(IntoFrameT, rows)
    if nw.dependencies.is_polars_dataframe(given) or nw.dependencies.is_polars_lazyframe(given):
        import polars as pl  # noqa: PLC0415 - the caller's library

        made: Any = pl.from_pandas(rows)
        return cast(IntoFrameT, made.lazy() if nw.dependencies.is_polars_lazyframe(given) else made)
    if nw.dependencies.is_duckdb_relation(given):
        import duckdb  # noqa: PLC0415 - the caller's library

        return cast(IntoFrameT, duckdb.from_df(rows))
    if nw.dependencies.is_pyspark_dataframe(given):
        return _spark(rows, given)  # type: ignore[no-any-return]
    table = nw.from_native(rows).to_arrow()
    return nw.from_arrow(table, backend=nw.from_native(given).implementation).to_native()  # type: ignore[no-any-return]


def _spark(rows: Any, like: Any) -> Any:
    kinds = {
        "Int64": "bigint",
        "int64": "bigint",
        "float64": "double",
        "boolean": "boolean",
        "bool": "boolean",
    }
    schema = ", ".join(
        f"`{name}` {'timestamp' if str(kind).startswith('datetime') else kinds.get(str(kind), 'string')}"
        for name, kind in rows.dtypes.items()
    )
    rows = rows.astype(object).where(rows.notna(), None)
    plain = [
        tuple(getattr(value, "item", lambda value=value: value)() for value in row)
        for row in rows.itertuples(index=False, name=None)
    ]
    return like.sparkSession.createDataFrame(plain, schema)


def moment_in(given: datetime | str | None, zone: ZoneInfo, argument: str) -> int | None:
    """Return a date or time in microseconds since 1970; a text or time without a zone is in `zone`."""
    if given is None:
        return None
    try:
        moment = pd.Timestamp(given)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"{argument}={given!r} is not a date. Expected a text such as '2026-04-01'."
        ) from error
    if pd.isna(moment):
        raise InvalidInputError(f"{argument}={given!r} is not a date. Expected a text such as '2026-04-01'.")
    aware = moment.tz_localize(zone) if moment.tzinfo is None else moment
    return int((aware - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(microseconds=1))
