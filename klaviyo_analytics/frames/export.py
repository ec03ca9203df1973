"""Any frame to a Parquet or Excel file in one step, reachable as `ka.frames`.

Lists and dicts become JSON text, time zones are kept (Parquet) or converted (Excel), nothing is cut off, and a
frame of notes says what was done to each column.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics.errors import FrameError, InvalidInputError, MissingExtraError
from klaviyo_analytics.timeframe.words import zone_named

__all__ = ["to_excel", "to_parquet"]

EXCEL_ROWS, EXCEL_COLUMNS, EXCEL_TEXT = 1_048_576, 16_384, 32_767
EXACT = 2**53  # a larger whole number is not exact in Excel, whose numbers are floats
FIRST_DAY = pd.Timestamp("1900-03-01")  # Excel believes in a 29 February 1900


def to_parquet(
    frame: pd.DataFrame, path: str | Path, *, timezone: str | None = None, overwrite: bool = False
) -> pd.DataFrame:
    """Write a frame to a Parquet file.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any frame of this package, or one of your own. The index is not written.
    path : str or Path
        File to write. It can be read by its owner only, because frames hold people's data.
    timezone : str, optional
        IANA name of the zone that times with a zone are converted to. If omitted, each column keeps its own.
    overwrite : bool
        True, to replace a file that exists.

    Returns
    -------
    pandas.DataFrame
        A row per column: column (string), written_as (string), such as "JSON text" for lists and dicts or "times
        in America/New_York".

    Raises
    ------
    FrameError
        Two columns have one name, or a column cannot be written.
    InvalidInputError
        The file exists, or the time zone is not known.
    MissingExtraError
        pyarrow is not installed; it comes with the extra ``archive``.

    Examples
    --------
    >>> import tempfile
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=500) as client, tempfile.TemporaryDirectory() as folder:
    ...     notes = ka.frames.to_parquet(client.events.list(), f"{folder}/events.parquet")
    >>> notes.set_index("column")["written_as"]["event_properties"]
    'JSON text'
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  (needs an extra)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("Writing Parquet", "archive") from error
    flat, notes = _flat(frame, timezone)
    try:
        table = pa.Table.from_pandas(flat, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as problem:
        raise FrameError(f"The frame cannot be written as Parquet: {problem}") from problem
    _write(path, lambda target: parquet.write_table(table, target), overwrite=overwrite)
    return _frame_of(notes)


def to_excel(
    frame: pd.DataFrame,
    path: str | Path,
    *,
    timezone: str | None = None,
    sheet: str = "data",
    overwrite: bool = False,
) -> pd.DataFrame:
    """Write a frame to an Excel workbook, with a second sheet of notes on its columns.

    Excel knows no time zones: times are written as a clock shows them in `timezone`, and the notes name it. Text
    is never run as a formula. Whole numbers above 2**53 are written as text, because Excel would round them.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any frame of this package, or one of your own. The index is not written.
    path : str or Path
        File to write, usually ending in ``.xlsx``. It can be read by its owner only.
    timezone : str, optional
        IANA name of the zone on whose clock times are shown. If omitted, that of each column.
    sheet : str
        Name of the sheet with the data.
    overwrite : bool
        True, to replace a file that exists.

    Returns
    -------
    pandas.DataFrame
        The notes: a row per column with column (string) and written_as (string).

    Raises
    ------
    FrameError
        There are more rows, columns or characters in a cell than Excel holds, or two columns have one name. Nothing
        is cut off; `to_parquet` has no such limits.
    InvalidInputError
        The file exists, or the time zone is not known.
    MissingExtraError
        xlsxwriter is not installed; it comes with the extra ``report``.

    Examples
    --------
    >>> import tempfile
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=500) as client, tempfile.TemporaryDirectory() as folder:
    ...     notes = ka.frames.to_excel(client.lists.list(), f"{folder}/lists.xlsx", timezone="America/New_York")
    >>> notes.set_index("column")["written_as"]["created"]
    'times on the clock of America/New_York'
    """
    try:
        import xlsxwriter  # noqa: PLC0415  (needs an extra)
        from xlsxwriter.exceptions import XlsxWriterException  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("Writing Excel", "report") from error
    flat, notes = _flat(frame, timezone)
    if len(flat) >= EXCEL_ROWS or len(flat.columns) > EXCEL_COLUMNS:
        raise FrameError(
            f"The frame has {len(flat):,} rows and {len(flat.columns):,} columns, and a sheet of Excel holds "
            f"{EXCEL_ROWS - 1:,} and {EXCEL_COLUMNS:,}. Write it with ka.frames.to_parquet, or write parts of it."
        )
    columns = [_excel_column(flat[name], str(name), notes) for name in flat.columns]

    def write(target: Path) -> None:
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(target, options) as book:
            data = book.add_worksheet(sheet)
            formats = {
                datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
                date: book.add_format({"num_format": "yyyy-mm-dd"}),
            }
            data.freeze_panes(1, 0)
            for place, (name, values) in enumerate(zip(flat.columns, columns, strict=True)):
                data.write_string(0, place, str(name))
                for row, value in enumerate(values, 1):
                    if isinstance(value, date):
                        data.write_datetime(row, place, value, formats[type(value)])
                    elif isinstance(value, str):
                        data.write_string(row, place, value)
                    elif value is not None:
                        data.write(row, place, value)
            told = book.add_worksheet("notes" if sheet.casefold() != "notes" else "notes on columns")
            for row, texts in enumerate([("column", "written_as"), *notes.items()]):
                for place, text in enumerate(texts):
                    told.write_string(row, place, text)

    try:
        _write(path, write, overwrite=overwrite)
    except XlsxWriterException as problem:
        raise InvalidInputError(f"sheet={sheet!r} cannot be written: {problem}") from problem
    return _frame_of(notes)


def _flat(frame: pd.DataFrame, timezone: str | None) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the frame with nested values as JSON text and converted times, and what was done to each column."""
    if not isinstance(frame, pd.DataFrame):
        raise FrameError(f"{type(frame).__name__} is not a pandas DataFrame. Pass a DataFrame.")
    names = [str(name) for name in frame.columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FrameError(f"Two columns are called {twice[0]!r}. Rename one of them.")
    zone = None if timezone is None else zone_named(timezone).key
    columns: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for place, name in enumerate(names):
        series = frame.iloc[:, place]
        note = str(series.dtype)
        if isinstance(series.dtype, pd.DatetimeTZDtype):
            series = series.dt.tz_convert(zone) if zone else series
            note = f"times in {series.dt.tz}"
        elif series.dtype.kind == "M":
            note = "times without a time zone"
        elif isinstance(series.dtype, pd.CategoricalDtype):
            series = series.astype(series.cat.categories.dtype)
            note = f"{series.dtype} (was category)"
        if series.dtype == object:
            series, note = _plain(series, name)
        columns[name] = series.array
        notes[name] = note
    flat = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)), columns=pd.Index(names, dtype=object))
    return flat, notes


def _frame_of(notes: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(notes.items()), columns=["column", "written_as"]).astype("string")


def _plain(series: pd.Series[Any], name: str) -> tuple[pd.Series[Any], str]:
    """Write a column of objects as text: as it is where all values are text, else as JSON."""
    values = [None if _is_missing(value) else value for value in series]
    if all(value is None or isinstance(value, str) for value in values):
        return pd.Series(values, dtype="string"), "text"
    written = [None if value is None else _json(value, name, row) for row, value in enumerate(values)]
    return pd.Series(written, dtype="string"), "JSON text"


def _is_missing(value: Any) -> bool:
    return (
        value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    )


def _json(value: Any, name: str, row: int) -> str:
    try:
        return orjson.dumps(value, default=_jsonable, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, orjson.JSONEncodeError) as problem:
        raise FrameError(
            f"column {name!r}, row {row:,}: a {type(value).__name__} cannot be written as JSON text: {problem}. "
            "Convert or drop the column."
        ) from problem


def _jsonable(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, int):  # beyond 64 bits
        return str(value)
    if _is_missing(value):
        return None
    return str(value) if isinstance(value, pd.Timedelta | pd.Period) else _refuse(value)


def _refuse(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _excel_column(series: pd.Series[Any], name: str, notes: dict[str, str]) -> list[Any]:
    """Return a column's cells as Excel holds them, and note what they became."""
    if series.dtype.kind == "M" or isinstance(series.dtype, pd.DatetimeTZDtype):
        return _excel_times(series, name, notes)
    values = [None if _is_missing(value) else value for value in series]
    if series.dtype.kind == "m":
        notes[name] = "durations as text"
        return [None if value is None else str(value) for value in values]
    if series.dtype.kind in "iu" and any(value is not None and abs(int(value)) > EXACT for value in values):
        notes[name] = "whole numbers as text, because Excel would round them"
        return [None if value is None else str(value) for value in values]
    if series.dtype.kind == "f" and any(value is not None and math.isinf(value) for value in values):
        notes[name] = "numbers; infinite ones as text"
    if long := [
        row for row, value in enumerate(values) if isinstance(value, str) and len(value) > EXCEL_TEXT
    ]:
        raise FrameError(
            f"column {name!r}: {len(long):,} cells have more than the {EXCEL_TEXT:,} characters that Excel holds, "
            f"the first in row {long[0]:,}. Drop or shorten the column, or write the frame with ka.frames.to_parquet."
        )
    return [_cell(value) for value in values]


def _excel_times(series: pd.Series[Any], name: str, notes: dict[str, str]) -> list[Any]:
    zone = getattr(series.dtype, "tz", None)
    wall = series.dt.tz_localize(None)
    notes[name] = "times without a time zone" if zone is None else f"times on the clock of {zone}"
    early = bool((wall < FIRST_DAY).any())
    if early:  # Excel's calendar has no such days
        notes[name] += ", as ISO text"
        return [None if value is pd.NaT else value.isoformat() for value in wall]
    return [None if value is pd.NaT else value.to_pydatetime(warn=False) for value in wall]


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    return value if isinstance(value, bool | int | float) else str(value)


def _write(path: str | Path, write: Callable[[Path], None], *, overwrite: bool) -> None:
    """Write a file beside its place and move it there when it is whole."""
    target = Path(path).expanduser()
    if target.exists() and not overwrite:
        raise InvalidInputError(
            f"{str(path)!r} exists. Pass overwrite=True to replace it, or choose another name."
        )
    try:
        handle, made = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".tmp"
        )  # mode 0600
    except OSError as problem:
        raise InvalidInputError(f"{str(path)!r} cannot be written: {problem.strerror}.") from problem
    os.close(handle)
    whole = Path(made)
    try:
        write(whole)
        whole.replace(target)
    except BaseException:
        whole.unlink(missing_ok=True)
        raise
