"""Files of people as frames: CSV of any delimiter and encoding, workbooks, Parquet; everything as text."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd

from klaviyo_analytics import _safe_text
from klaviyo_analytics._messages import counted
from klaviyo_analytics.errors import FrameError, InvalidInputError, MissingExtraError
from klaviyo_analytics.writeback.columns import as_frame

WHAT = "plan_import()"
DELIMITERS = ",;\t|"


def read(source: Any) -> tuple[pd.DataFrame, str, dict[int, str]]:
    """Return the rows of a file or frame, what was read, and the rows that could not be split into columns."""
    if not isinstance(source, (str, Path)):
        frame = as_frame(source, WHAT, "email", ["email"])
        frame = frame.set_axis(pd.RangeIndex(len(frame), name="row"))
        return frame, f"a frame with {counted(len(frame), 'row')}", {}
    path = Path(source).expanduser()
    readers = {".csv": _csv, ".txt": _csv, ".tsv": _csv, ".xlsx": _xlsx, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InvalidInputError(f"{str(path)!r} has an unknown extension. Allowed are {', '.join(readers)}.")
    try:
        frame, how, broken = reader(path)
    except OSError as error:
        raise InvalidInputError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from None
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise FrameError(f"{WHAT}: two columns are named {twice!r}. Rename or remove one of them.")
    return frame, f"{path.name} ({how}, {counted(len(frame), 'row')})", broken


def _csv(path: Path) -> tuple[pd.DataFrame, str, dict[int, str]]:
    text, encoding = _decoded(path.read_bytes(), path)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    rows: list[list[str | None]] = []
    lines: list[int] = []
    broken: dict[int, str] = {}
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if not names:
                    names = [cell.strip() for cell in cells]
                else:
                    if len(cells) != len(names):
                        broken[len(rows)] = f"the line has {len(cells)} fields, and the header {len(names)}"
                    padded = [*cells, *[""] * (len(names) - len(cells))]
                    kept = [*padded[: len(names) - 1], delimiter.join(padded[len(names) - 1 :])]
                    rows.append([cell.strip() or None for cell in kept])
                    lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInputError(
            f"{str(path)!r}, line {reader.line_num}: {error}. Correct the quotes."
        ) from None
    if not names:
        raise InvalidInputError(f"{str(path)!r} is empty. It needs a header line.")
    columns = pd.Index(names, dtype=object)
    frame = pd.DataFrame(
        rows, columns=columns, index=pd.Index(lines, name="line", dtype="int64"), dtype=object
    )
    shown = {"\t": "tab"}.get(delimiter, repr(delimiter))
    return _safe_text.restored(frame), f"{encoding}, delimiter {shown}", broken


def _decoded(raw: bytes, path: Path) -> tuple[str, str]:
    """Decode by the byte order mark; without one UTF-8, or Windows-1252 if it is not valid UTF-8."""
    marks = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    marked = next((name for mark, name in marks if raw.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding
    raise InvalidInputError(
        f"{str(path)!r} is not a text file in UTF-8, UTF-16 or Windows-1252. Save it as UTF-8."
    )


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first lines into the same number of fields, and into the most."""
    best, score = ",", (0, 1)
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        widths: list[int] = []
        try:
            for cells in reader:
                widths += [len(cells)] if any(cells) else []
                if len(widths) == 50:
                    break
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            found = (sum(width == widths[0] for width in widths), widths[0])
            if found > score:
                best, score = delimiter, found
    return best


def _xlsx(path: Path) -> tuple[pd.DataFrame, str, dict[int, str]]:
    try:
        frame = pd.read_excel(path, dtype=object, keep_default_na=False, na_values=[""], engine="openpyxl")
    except ImportError:
        raise MissingExtraError("Reading .xlsx", "excel") from None
    except (ValueError, KeyError) as error:
        raise InvalidInputError(f"{str(path)!r} is not a workbook: {error}.") from None
    frame = frame.set_axis(pd.RangeIndex(2, len(frame) + 2, name="line"))
    return _safe_text.restored(frame), "first sheet", {}


def _parquet(path: Path) -> tuple[pd.DataFrame, str, dict[int, str]]:
    try:
        frame = pd.read_parquet(path)
    except ImportError:
        raise MissingExtraError("Reading .parquet", "archive") from None
    except ValueError as error:
        raise InvalidInputError(f"{str(path)!r} is not a Parquet file: {error}.") from None
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="row")), "Parquet", {}
