"""Frames and engines that the tests of the analysis share."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st

NEW_YORK = "America/New_York"
ZONES = [NEW_YORK, "UTC", "Asia/Kolkata", "America/Santiago", "America/Havana", "Europe/Berlin"]

few = settings(max_examples=12, deadline=None)

Record = dict[str, Any]


def frame(**columns: Any) -> pd.DataFrame:
    """Build a frame with our dtypes: nullable counts, text as text, money as floats."""
    made = pd.DataFrame(columns)
    for name, kind in made.dtypes.items():
        if kind.kind in "iu":
            made[name] = made[name].astype("Int64")
        elif kind.kind == "b":
            made[name] = made[name].astype("boolean")
        elif kind.kind in "OU" or str(kind) == "str":
            flags = made[name].dropna().isin([True, False]).all() and made[name].notna().any()
            made[name] = made[name].astype("boolean" if flags else "string")
    return made


def days(start: str, count: int, *, zone: str = NEW_YORK, freq: str = "D") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq=freq, tz=zone)


def records(table: Any) -> list[Record]:
    """Return the rows as plain values, so that engines can be compared: no NaN, NA or NaT, only None."""
    collected = nw.from_native(table).lazy().collect()
    return [{name: _plain(value) for name, value in row.items()} for row in collected.rows(named=True)]


def shuffled(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    return table.sample(frac=1, random_state=seed)


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, datetime):
        return pd.Timestamp(value).tz_convert("UTC").isoformat()
    if isinstance(value, float):
        return round(value, 9)
    return bool(value) if type(value).__name__ == "bool" else value


def _pandas(table: pd.DataFrame) -> Any:
    return table


def _plain_pandas(table: pd.DataFrame) -> Any:
    """Without nullable dtypes, as people who come with frames of their own have them."""
    plain = {"Int64": "int64", "boolean": "bool"}
    whole = {name: plain[str(kind)] for name, kind in table.dtypes.items() if str(kind) in plain}
    whole = {name: kind for name, kind in whole.items() if table[name].notna().all()}
    text = {name: object for name, kind in table.dtypes.items() if str(kind) == "string"}
    return table.astype(whole).astype(text)


def _polars(table: pd.DataFrame) -> Any:
    import polars as pl  # noqa: PLC0415 - an engine for the tests only

    return pl.from_pandas(table)


def _polars_lazy(table: pd.DataFrame) -> Any:
    return _polars(table).lazy()


def _duckdb(table: pd.DataFrame) -> Any:
    return _database().from_df(table)


@functools.cache
def _database() -> Any:
    import duckdb  # noqa: PLC0415 - in the extra `archive`

    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{NEW_YORK}'")
    return connection


def close_database() -> None:
    """Close the database of the engine tests, if one was opened."""
    _database().close()
    _database.cache_clear()


ENGINES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": _pandas,
    "plain pandas": _plain_pandas,
    "polars": _polars,
    "polars lazy": _polars_lazy,
    "duckdb": _duckdb,
}


@st.composite
def series(draw: st.DrawFn) -> pd.DataFrame:
    """Hourly or daily aggregates of one or two channels over a complete grid, in some zone."""
    zone = draw(st.sampled_from(ZONES))
    hourly = draw(st.booleans())
    length = draw(st.integers(1, 60))
    # Around the days on which clocks changed somewhere: 10 and 31 March, 7 April, 8 September, 27 October.
    first = draw(st.sampled_from(["2024-03-07", "2024-03-29", "2024-04-05", "2024-09-06", "2024-10-25"]))
    start = pd.Timestamp(first, tz=zone) + pd.Timedelta(hours=draw(st.integers(0, 30)) if hourly else 0)
    times = (
        pd.date_range(start, periods=length, freq="h")
        if hourly
        else pd.DatetimeIndex(
            [
                pd.Timestamp(day).tz_localize(zone, nonexistent="shift_forward", ambiguous=True)
                for day in pd.date_range(first, periods=length)
            ]
        )
    )
    channels: list[str | None] = draw(st.sampled_from([["email"], ["email", None], ["email", "sms"]]))
    rows = list(itertools.product(times, channels))
    number = st.integers(0, 1000)
    return frame(
        datetime=pd.DatetimeIndex([time for time, _ in rows]),
        attributed_channel=pd.array([channel for _, channel in rows], dtype="string"),
        count=draw(st.lists(number, min_size=len(rows), max_size=len(rows))),
        # Quarters add up exactly, whatever the order.
        sum_value=[cents / 4 for cents in draw(st.lists(number, min_size=len(rows), max_size=len(rows)))],
    )


@st.composite
def summaries(draw: st.DrawFn, *, sizes: st.SearchStrategy[int] | None = None) -> pd.DataFrame:
    """A campaign summary whose counts are consistent: nobody clicks who did not open, and so on."""
    rows = draw(st.integers(1, 8))
    table: list[Record] = []
    for row in range(rows):
        recipients = draw(sizes or st.integers(0, 5000))
        delivered = draw(st.integers(0, recipients))
        opened = draw(st.integers(0, delivered))
        clicked = draw(st.integers(0, opened))
        conversions = draw(st.integers(0, clicked))
        table.append(
            {
                "campaign_id": f"C{row}",
                "channel": draw(st.sampled_from(["email", "sms"])),
                "recipients": recipients,
                "delivered": delivered,
                "bounced": recipients - delivered,
                "opens_unique": opened,
                "clicks_unique": clicked,
                "unsubscribe_uniques": draw(st.integers(0, delivered)),
                "spam_complaints": draw(st.integers(0, delivered)),
                "conversions": conversions,
                "conversion_uniques": conversions,
                "conversion_value": conversions * 2.25,
                "currency": "EUR",
            }
        )
    return frame(**{name: [row[name] for row in table] for name in table[0]})


def unusual(frame: pd.DataFrame) -> dict[str, str]:
    """The columns whose dtype is not one of our frames': nullable counts and flags, text, floats and times."""
    usual = ("Int64", "boolean", "string", "float64")
    kinds = {str(name): str(kind) for name, kind in frame.dtypes.items()}
    return {name: kind for name, kind in kinds.items() if kind not in usual and "datetime64" not in kind}
