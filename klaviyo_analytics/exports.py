"""Frames to a file, chunk by chunk in bounded memory: Parquet, CSV, JSON Lines or Feather.

A later chunk can have a column that the first had not (the API grows), and file formats fix their columns at the
beginning. The chunks therefore go to a temporary file first, and the file itself is written once all columns are
known. It takes the final name only when it is complete.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics._safe_text import set_permissions
from klaviyo_analytics.errors import FrameError, InvalidInputError, MissingExtraError

CHUNK = 20_000  # rows in memory at a time
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets run text that begins like this
Frames = Callable[[], Iterator[pd.DataFrame]]


def write(
    frames: Iterable[pd.DataFrame],
    path: str | Path,
    *,
    empty: pd.DataFrame | None = None,
    timezone: str = "UTC",
) -> int:
    """Write frames of the same columns to a file.

    Parameters
    ----------
    frames : iterable of pandas.DataFrame
        Chunks; each is dropped when it is written.
    path : str or Path
        Ends in .parquet, .csv, .jsonl or .feather, which decides the format. An existing file is replaced once the
        new one is complete, and keeps its permissions; a new one is readable by its owner only.
    empty : pandas.DataFrame, optional
        Has the columns and dtypes that are written if no chunk comes.
    timezone : str, default "UTC"
        IANA name of the time zone that times are converted to, whatever their zone in the frames: the same moments,
        with another offset. Times without a zone are written as they are.

    Returns
    -------
    int
        Number of rows written.

    Raises
    ------
    InvalidInputError
        The extension or the time zone is unknown, or the folder does not exist.
    FrameError
        A column holds infinity that would have to be JSON: anywhere in JSON Lines, in a column of objects elsewhere.
    MissingExtraError
        Parquet and Feather need the extra ``archive``.

    Notes
    -----
    Times are typed columns that name their zone in Parquet and Feather, and ISO 8601 text with an offset in CSV and
    JSON Lines. Lists and dicts are nested in JSON Lines and JSON text elsewhere. In CSV, text that a spreadsheet
    would run as a formula gets an apostrophe in front.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from klaviyo_analytics import exports
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "names.csv"
    ...     rows = exports.write([pd.DataFrame({"name": ["Ann", "=1+1"]})], path)
    ...     print(rows, path.read_text(encoding="utf-8").split())
    2 ['name', 'Ann', "'=1+1"]
    """
    target = Path(path).expanduser()
    writer = checked(target, timezone)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        spool, rows = Path(folder) / "chunks", 0
        kinds: dict[str, Any] = {}
        with spool.open("wb") as file:
            for frame in frames if empty is None else _with_first(empty, frames):
                _refuse_infinity(frame, rows, all_columns=target.suffix.lower() == ".jsonl")
                rows += len(frame)
                frame = _in_zone(frame, timezone)  # noqa: PLW2901  (what it was is not needed)
                for name, kind in frame.dtypes.items():
                    if str(name) not in kinds:
                        kinds[str(name)] = kind
                    elif kinds[str(name)] != kind and len(frame):
                        kinds[str(name)] = np.dtype(object)
                pickle.dump(frame, file, protocol=pickle.HIGHEST_PROTOCOL)
        made = Path(folder) / f"complete{target.suffix}"
        writer(lambda: _settled(spool, kinds), made)
        set_permissions(made, target)
        made.replace(target)
    return rows


def checked(path: str | Path, timezone: str = "UTC") -> Callable[[Frames, Path], None]:
    """Return the writer for a file's extension, before anything is read.

    Raises
    ------
    InvalidInputError
        The extension or the time zone is unknown, or the folder does not exist.
    MissingExtraError
        Parquet and Feather need the extra ``archive``.
    """
    target = Path(path).expanduser()
    suffix = target.suffix.lower()
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise InvalidInputError(
            f"timezone={timezone!r} is not a known time zone. Pass an IANA name such as 'America/New_York' or 'UTC'."
        ) from error
    if suffix not in _WRITERS:
        raise InvalidInputError(
            f"path={str(path)!r} has no known extension. Allowed are {', '.join(_WRITERS)}; rename the file."
        )
    if not target.parent.is_dir():
        raise InvalidInputError(
            f"path={str(path)!r} is in a folder that does not exist. Create the folder first."
        )
    if target.is_dir():
        raise InvalidInputError(f"path={str(path)!r} is a folder. Pass the path of a file.")
    if suffix in (".parquet", ".feather"):
        _pyarrow()
    return _WRITERS[suffix]


def _in_zone(frame: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Convert the times that have a zone."""
    zoned = [name for name, kind in frame.dtypes.items() if isinstance(kind, pd.DatetimeTZDtype)]
    return frame.assign(**{str(name): frame[name].dt.tz_convert(timezone) for name in zoned})


def _with_first(empty: pd.DataFrame, frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    yield empty
    yield from frames


def _settled(spool: Path, kinds: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    """Read the chunks back, all with the same columns and dtypes."""
    with spool.open("rb") as file:
        while True:
            try:
                frame = pickle.load(file)  # noqa: S301  (our own file, in a folder of our own)
            except EOFError:
                return
            columns = {}
            for name, kind in kinds.items():
                if name not in frame:
                    columns[name] = pd.Series([None] * len(frame), index=frame.index, dtype=_nullable(kind))
                elif frame[name].dtype != kind:
                    columns[name] = frame[name].astype(_nullable(kind))
                else:
                    columns[name] = frame[name]
            yield pd.DataFrame(columns, index=frame.index)


def _nullable(kind: Any) -> Any:
    whole = {"int64": "Int64", "int32": "Int32", "bool": "boolean"}
    return whole.get(str(kind), kind)


def _pyarrow() -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise MissingExtraError("Writing Parquet and Feather", "archive") from error
    return pa


def _parquet(frames: Frames, path: Path) -> None:
    pa = _pyarrow()
    from pyarrow import parquet  # noqa: PLC0415

    schema = _schema(frames)
    with parquet.ParquetWriter(path, schema) as file:
        for frame in frames():
            if len(frame):
                file.write_table(pa.table([_arrow(frame[f.name], f.type) for f in schema], schema))


def _feather(frames: Frames, path: Path) -> None:
    pa = _pyarrow()
    schema = _schema(frames)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as file:
        for frame in frames():
            if len(frame):
                file.write_table(pa.table([_arrow(frame[f.name], f.type) for f in schema], schema))


def _schema(frames: Frames) -> Any:
    """Types of the settled columns: they follow from the dtypes, never from values."""
    pa = _pyarrow()
    first = next(frames(), pd.DataFrame())
    return pa.schema([pa.field(str(name), _type(kind)) for name, kind in first.dtypes.items()])


def _type(kind: Any) -> Any:
    pa = _pyarrow()
    if kind == np.dtype(object) or isinstance(kind, (pd.StringDtype, pd.CategoricalDtype)):
        return pa.string()
    if isinstance(kind, pd.DatetimeTZDtype):
        return pa.timestamp("us", tz=str(kind.tz))
    return pa.array(pd.Series([], dtype=kind), from_pandas=True).type


def _arrow(values: pd.Series[Any], kind: Any) -> Any:
    pa = _pyarrow()
    if values.dtype == object:
        return pa.array([_json(value) for value in values], kind)
    made = pa.array(values, from_pandas=True)
    return (made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made).cast(kind)


def _csv(frames: Frames, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for place, frame in enumerate(frames()):
            written = {}
            for name in frame.columns:
                values = frame[name]
                if values.dtype == object:
                    values = pd.Series([_cell(value) for value in values], index=frame.index, dtype="string")
                elif isinstance(values.dtype, pd.DatetimeTZDtype):
                    values = _iso(values)
                if isinstance(values.dtype, pd.StringDtype):
                    risky = values.str.startswith(FORMULA).fillna(value=False).astype(bool)
                    values = values.mask(risky, "'" + values)
                written[_safe(str(name))] = values
            pd.DataFrame(written, index=frame.index).to_csv(
                file, index=False, header=place == 0, lineterminator="\r\n"
            )


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _jsonl(frames: Frames, path: Path) -> None:
    with path.open("wb") as file:
        for frame in frames():
            _lines(frame, file)


def _lines(frame: pd.DataFrame, file: IO[bytes]) -> None:
    columns = []
    for name in frame.columns:
        values = frame[name]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            values = _iso(values)
        plain = values.astype(object)
        if values.dtype != object:
            plain = plain.where(values.notna(), None)
        columns.append(plain.tolist())
    names = list(map(str, frame.columns))
    for row in zip(*columns, strict=True):
        file.write(_dumped(dict(zip(names, row, strict=True))) + b"\n")


def _iso(times: pd.Series[Any]) -> pd.Series[Any]:
    text = [None if pd.isna(time) else time.isoformat() for time in times]
    return pd.Series(text, index=times.index, dtype="string")


def _refuse_infinity(frame: pd.DataFrame, before: int, *, all_columns: bool) -> None:
    """Refuse infinity where it would be written as JSON, which has no word for it.

    Raises
    ------
    FrameError
        Names the column and the row, counted from 0 over all frames.
    """
    for place, name in enumerate(frame.columns):
        values = frame.iloc[:, place]
        if values.dtype != object and not (all_columns and pd.api.types.is_float_dtype(values.dtype)):
            continue
        row = next((row for row, value in enumerate(values) if _has_infinity(value)), None)
        if row is not None:
            raise FrameError(
                f"The column {name!r} has infinity in row {before + row:,}, which JSON cannot hold. Replace it by a "
                "number or a null; a column of floats keeps it in .csv, .parquet and .feather."
            )


def _has_infinity(value: Any) -> bool:
    if isinstance(value, (float, np.floating)):
        return bool(np.isinf(value))
    if isinstance(value, Mapping):
        return any(map(_has_infinity, value.values()))
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return bool(np.isinf(value).any())
    return isinstance(value, (list, tuple, np.ndarray)) and any(map(_has_infinity, value))


def _cell(value: Any) -> str | None:
    """Write a value of an object column for a spreadsheet: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str | None:
    missing = value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
    return None if missing else _dumped(value).decode()


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY, default=_plain)
    except orjson.JSONEncodeError:  # an integer of more than 64 bits
        import json  # noqa: PLC0415

        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    if value is pd.NA or value is pd.NaT:
        return None
    return value.item() if hasattr(value, "item") else str(value)


_WRITERS: Mapping[str, Callable[[Frames, Path], None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".feather": _feather,
}
EXTENSIONS = tuple(_WRITERS)
__all__ = ["CHUNK", "EXTENSIONS", "checked", "write"]
