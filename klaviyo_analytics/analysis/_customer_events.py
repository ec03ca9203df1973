"""Events of customers, whatever the frame library: times as integers, values as floats, each event once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, TypeVar, cast

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics._messages import near
from klaviyo_analytics.analysis._calendar import require_zone
from klaviyo_analytics.analysis._engine import (
    Table,
    columns_of,
    found_column,
    is_spark,
    lacking,
    opened,
    with_dots,
)
from klaviyo_analytics.analysis._ordering import placed, settled
from klaviyo_analytics.errors import FrameError, InvalidInputError

Shape = TypeVar("Shape")
AsOf = str | date | datetime | None
Period = Literal["day", "week", "month", "quarter", "year"]
Kind = Literal["text", "count", "number", "flag", "time"]

PERIODS: tuple[Period, ...] = ("day", "week", "month", "quarter", "year")
ORDERS = 'orders: client.events.list(metric="Placed Order", properties=["$value"])'
DAY = 86_400_000_000  # microseconds

MACHINES = ("machine_open", "Apple Privacy Open", "Bot Click")

VALUES = ("value", "$value", "event_properties.$value")
_CURRENCIES = ("currency", "value_currency", "$currency_code", "$value_currency")
_USED = {*_CURRENCIES, *MACHINES, "event_properties", "$extra", "Items", "ItemNames"}
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def read_events(frame: IntoFrameT, *needed: str, value: str | None = None, money: bool = False) -> Table:
    """Return the events that have a profile and a time, with `__at`, `__wall` and, if `money`, `__value`.

    `__at` is the time in microseconds since 1970, `__wall` the same by the column's own clock. Rows that share
    an `id` are one event. The other columns stay as they are.
    """
    native: Any = frame
    opened(native, "profile_id", "datetime", *needed)
    chosen = _value_column(opened(native), value) if money else None
    if nw.dependencies.is_pandas_dataframe(native):
        native = _plain_pandas(native[_used(native, needed, chosen)], chosen)
    require_zone(opened(native))
    table = opened(_with_clock(native))
    has_profile = ~nw.col("profile_id").is_null() & (nw.col("profile_id").cast(nw.String) != "")
    table = settled(table.filter(has_profile & ~nw.col("__at").is_null()))
    if chosen is not None:
        require_one_currency(table)
        table = table.with_columns(__value=_number(table, chosen))
    if "id" in columns_of(table) and not _distinct(native):
        table = placed(table, ["id"], ["__at"], "__seen")
        table = table.filter(nw.col("id").is_null() | (nw.col("__seen") == 1)).drop("__seen")
    return table


def moment(given: AsOf, name: str = "as_of") -> int:
    """Return a date or time in microseconds since 1970; UTC if it has no zone."""
    try:
        stamp = pd.Timestamp(cast(Any, given))
    except (TypeError, ValueError):
        stamp = cast(Any, pd.NaT)
    if pd.isna(stamp):
        raise InvalidInputError(
            f"{name}={given!r} is not a date. Expected a date or time such as '2026-03-31'. "
            "Pass a string, a date or a datetime."
        )
    stamp = stamp.tz_localize("UTC") if stamp.tz is None else stamp.tz_convert("UTC")
    return int(stamp.value) // 1000


def as_time(at: int) -> datetime:
    """Return microseconds since 1970 as a time in UTC."""
    return _FIRST + timedelta(microseconds=at)


def last_moment(tables: Sequence[Table], as_of: AsOf) -> int | None:
    """Return `as_of`, or the time of the last event; None for empty tables."""
    if as_of is not None:
        return moment(as_of)
    found = [table.select(nw.col("__at").max()).collect().item() for table in tables]
    known = [int(at) for at in found if at is not None and not pd.isna(at)]
    return max(known, default=None)


def wall_of(at: int, table: Table) -> int:
    """Return `at` by the clock of the table's own time zone."""
    zone = _zone_of(table)
    stamp = pd.Timestamp(at, unit="us", tz="UTC").tz_convert(zone or "UTC")
    return int(stamp.tz_localize(None).value) // 1000


def period_index(period: Period) -> nw.Expr:
    """Return the number of the calendar period that each row's wall clock falls into; weeks begin on Monday."""
    day = nw.col("__wall") // DAY
    if period == "day":
        return day.cast(nw.Int64)
    if period == "week":
        return ((day + 3) // 7).cast(nw.Int64)
    wall = nw.col("datetime").dt.replace_time_zone(None)
    month = wall.dt.year().cast(nw.Int64) * 12 + wall.dt.month().cast(nw.Int64) - 1
    return (month // {"month": 1, "quarter": 3, "year": 12}[period]).cast(nw.Int64)


def index_of(wall: int, period: Period) -> int:
    """Return the number of the period that a wall-clock time falls into."""
    day = wall // DAY
    if period == "day":
        return day
    if period == "week":
        return (day + 3) // 7
    stamp = as_time(wall)
    return (stamp.year * 12 + stamp.month - 1) // {"month": 1, "quarter": 3, "year": 12}[period]


def period_label(index: int, period: Period) -> str:
    """Write a period: `2026-01`, `2026-Q1`, `2026`, or the date on which a day or week begins."""
    if period in ("day", "week"):
        days = index if period == "day" else index * 7 - 3
        return (_FIRST + timedelta(days=days)).date().isoformat()
    if period == "month":
        return f"{index // 12:04d}-{index % 12 + 1:02d}"
    return f"{index // 4:04d}-Q{index % 4 + 1}" if period == "quarter" else f"{index:04d}"


def check_choice(name: str, given: Any, allowed: Sequence[str]) -> None:
    """Raise InvalidInputError unless `given` is one of the allowed words."""
    if given not in allowed:
        raise InvalidInputError(
            f"{name}={given!r} is not a valid {name}. Allowed are {near(given, map(repr, allowed))}."
        )


def check_positive(name: str, given: Any, *, whole: bool = False) -> None:
    """Raise InvalidInputError unless `given` is a positive number."""
    number = isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)
    if not number or given <= 0 or (whole and int(given) != given):
        kind = "a positive whole number" if whole else "a positive number"
        raise InvalidInputError(f"{name}={given!r} is not {kind}.")


def with_days_later(table: Table, name: str, start: str, days: str) -> Table:
    """Append the time that lies so many times 24 hours after the column of times `start`.

    PySpark moves a time by whole days on the clock of its session, an hour off if the clock changes in between.
    """
    native: Any = table.to_native()
    if is_spark(native):
        moved = f"timestamp_micros(unix_micros(`{start}`) + `{days}` * {DAY}) as `{name}`"
        return cast(Table, nw.from_native(native.selectExpr("*", moved)))
    hours = nw.lit(timedelta(hours=1)) * (nw.col(days) * 24)
    return table.with_columns((nw.col(start) + hours).alias(name))


def days_between(later: str | int, earlier: str) -> nw.Expr:
    """Return whole elapsed days (24 hours each) between two columns of microseconds."""
    end = nw.lit(later) if isinstance(later, int) else nw.col(later)
    return ((end - nw.col(earlier)) // DAY).cast(nw.Int64)


def require_one_currency(table: Table) -> None:
    """Raise FrameError if the rows hold money of several currencies."""
    for name in columns_of(table):
        if with_dots(name).removeprefix("event_properties.") not in _CURRENCIES:
            continue
        text = table.select(__c=nw.col(name).cast(nw.String)).drop_nulls().unique()
        found = sorted(text.collect()["__c"].to_list())
        if len(found) > 1:
            raise FrameError(
                f"{name!r} holds {' and '.join(found[:5])}. Amounts in different currencies are never added. "
                "Filter the frame to one currency first."
            )


def alike(
    rows: Sequence[Mapping[Any, Any]], meaning: Callable[[tuple[Any, ...]], Shape]
) -> dict[Shape, list[int]]:
    """Return the positions of rows by what their keys mean: a million rows have a few sets of keys."""
    known: dict[tuple[Any, ...], list[int]] = {}
    found: dict[Shape, list[int]] = {}
    for at, row in enumerate(rows):
        keys = tuple(row)
        places = known.get(keys)
        if places is None:
            places = known[keys] = found.setdefault(meaning(keys), [])
        places.append(at)
    return found


def rows_of(table: Table) -> list[dict[str, Any]]:
    """Collect a small table as plain Python values; missing is None."""
    columns = lists_of(table)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def lists_of(table: Table) -> dict[str, list[Any]]:
    """Collect a table as columns of plain Python values; missing is None."""
    found = table.collect()
    lists = {name: found[name].to_list() for name in found.columns}
    return {
        name: values if set(map(type, values)) <= {str, int} else [_plain(value) for value in values]
        for name, values in lists.items()
    }


def made_like(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind], like: IntoFrameT) -> IntoFrameT:
    """Return rows made in Python as a frame of the library of `like`."""
    return columns_like({name: [row[name] for row in rows] for name in kinds}, kinds, like)


def columns_like(columns: Mapping[str, Any], kinds: Mapping[str, Kind], like: IntoFrameT) -> IntoFrameT:
    """Return columns as a frame of the library of `like`; times are in the zone of its `datetime`."""
    given: Any = like
    zone = (_zone_of(opened(like)) if "time" in kinds.values() else None) or "UTC"
    dtypes = {"text": "string", "count": "Int64", "number": "Float64", "flag": "boolean"}
    series = {}
    for name, kind in kinds.items():
        if kind == "time":
            times = pd.Series(pd.to_datetime(columns[name], utc=True))
            series[name] = times.dt.as_unit("us").dt.tz_convert(zone)
        else:
            series[name] = pd.Series(pd.array(columns[name], dtype=cast(Any, dtypes[kind])))
    built = pd.DataFrame(series)
    if nw.dependencies.is_pandas_dataframe(given):
        built = built.astype({name: "float64" for name, kind in kinds.items() if kind == "number"})
        built.attrs = dict(given.attrs)
        return cast(IntoFrameT, built)
    if nw.dependencies.is_duckdb_relation(given):
        return cast(IntoFrameT, given.query("given", "select * from built"))
    lists = {name: [_plain(value) for value in column] for name, column in series.items()}
    if is_spark(given):
        types = {
            "text": "string",
            "count": "bigint",
            "number": "double",
            "flag": "boolean",
            "time": "timestamp",
        }
        schema = ", ".join(f"`{name}` {types[kind]}" for name, kind in kinds.items())
        return cast(
            IntoFrameT, given.sparkSession.createDataFrame(list(zip(*lists.values(), strict=True)), schema)
        )
    if nw.dependencies.is_polars_dataframe(given) or nw.dependencies.is_polars_lazyframe(given):
        exact = {
            "text": nw.String(),
            "count": nw.Int64(),
            "number": nw.Float64(),
            "flag": nw.Boolean(),
            "time": nw.Datetime("us", zone),
        }
        table = nw.from_dict(
            lists, schema={name: exact[kind] for name, kind in kinds.items()}, backend="polars"
        )
        native = table.to_native()
        return cast(IntoFrameT, native.lazy() if nw.dependencies.is_polars_lazyframe(given) else native)
    raise _unsupported(given)


def _value_column(table: Table, given: str | None) -> str:
    columns = columns_of(table)
    wanted = (given,) if given is not None else VALUES
    found = found_column(columns, wanted)
    if found is None:
        raise lacking(wanted[-1:], columns)
    return found


def _number(table: Table, name: str) -> nw.Expr:
    kind = table.collect_schema()[name]
    if kind.is_numeric() or isinstance(kind, nw.String):
        return nw.col(name).cast(nw.Float64)
    raise FrameError(f"column {name!r} is {kind}, and numbers are needed")


def _used(frame: pd.DataFrame, needed: Sequence[str], value: str | None) -> list[str]:
    """Return the columns that an analysis may use: each step copies all that it is given."""
    wanted = {"id", "profile_id", "datetime", "order_id", value, *needed}
    return [
        name
        for name in frame.columns
        if name in wanted or str(name).removeprefix(_prefix(str(name))) in _USED
    ]


def _plain_pandas(frame: pd.DataFrame, value: str | None) -> pd.DataFrame:
    frame = frame.reset_index(drop=True)
    if value is not None and not pd.api.types.is_numeric_dtype(frame[value].dtype):
        try:
            frame = frame.assign(**{value: pd.to_numeric(frame[value]).astype("Float64")})
        except (TypeError, ValueError) as error:
            raise FrameError(f"column {value!r} does not hold numbers: {error}") from error
    if pd.api.types.is_numeric_dtype(frame["profile_id"].dtype):
        return frame
    return frame.assign(profile_id=frame["profile_id"].astype("string"))


def _with_clock(native: Any) -> Any:
    """Append `__at` and `__wall`, which no expression of Narwhals computes in all libraries."""
    if nw.dependencies.is_pandas_dataframe(native):
        times = pd.to_datetime(native["datetime"])
        known = times.notna()
        at = times.dt.tz_convert("UTC").dt.as_unit("us").astype("int64").astype("Int64").where(known)
        wall = times.dt.tz_localize(None).dt.as_unit("us").astype("int64").astype("Int64").where(known)
        return native.assign(__at=at, __wall=wall)
    if nw.dependencies.is_polars_dataframe(native) or nw.dependencies.is_polars_lazyframe(native):
        polars = nw.dependencies.get_polars()
        time = polars.col("datetime")
        return native.with_columns(
            time.dt.epoch("us").alias("__at"), time.dt.replace_time_zone(None).dt.epoch("us").alias("__wall")
        )
    if nw.dependencies.is_duckdb_relation(native):
        return native.select("*, epoch_us(datetime) as __at, epoch_us(cast(datetime as timestamp)) as __wall")
    if is_spark(native):
        return native.selectExpr(
            "*",
            "unix_micros(datetime) as __at",
            "unix_micros(from_utc_timestamp(datetime, current_timezone())) as __wall",
        )
    raise _unsupported(native)


def _prefix(name: str) -> str:
    return next(
        (
            one
            for one in ("event_properties.", "properties.", "predictive_analytics.")
            if name.startswith(one)
        ),
        "",
    )


def _distinct(native: Any) -> bool:
    return nw.dependencies.is_pandas_dataframe(native) and bool(native["id"].dropna().is_unique)


def _zone_of(table: Table) -> str | None:
    """Return the time zone whose clock `datetime` shows."""
    native: Any = table.to_native()
    if is_spark(native):
        return str(native.sparkSession.conf.get("spark.sql.session.timeZone"))
    if nw.dependencies.is_pandas_dataframe(native):  # Narwhals has no name for some of its zones
        zone = getattr(native.dtypes["datetime"], "tz", None)
    else:
        zone = getattr(table.collect_schema()["datetime"], "time_zone", None)
    return None if zone is None else str(zone)


def _unsupported(native: Any) -> FrameError:
    return FrameError(
        f"{type(native).__name__} is not supported here. Use pandas, Polars, DuckDB or PySpark."
    )


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") else value
