"""Results as files beside the notebook; no file is ever overwritten."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics._csv import create_private, write_csv
from klaviyo_analytics.errors import InvalidInputError, MissingExtraError
from klaviyo_analytics.widgets._pictures import png

FORMATS = ("CSV", "Parquet", "PNG")


def save(format: str, stem: str, frame: pd.DataFrame, axes: Axes, *, folder: Path | None = None) -> Path:
    """Write the frame or the chart, and return the path.

    Only its owner can read a file with rows. In a CSV, texts that a spreadsheet would run as a formula begin with an
    apostrophe.

    Raises
    ------
    InvalidInputError
        The format is none.
    MissingExtraError
        Parquet needs pyarrow.
    """
    writers: dict[str, Callable[[Path], object]] = {
        "CSV": lambda path: write_csv(frame, path),
        "Parquet": lambda path: _parquet(frame, path),
        "PNG": lambda path: path.write_bytes(png(axes)),
    }
    if format not in writers:
        raise InvalidInputError(f"format={format!r} is not known; there are {', '.join(FORMATS)}.")
    path = _free(folder or Path.cwd(), stem, format.lower())
    writers[format](path)
    return path


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    create_private(path).close()
    try:
        frame.to_parquet(path, index=False)
    except ImportError as error:
        path.unlink()
        raise MissingExtraError("Parquet", "archive") from error


def _free(folder: Path, stem: str, ending: str) -> Path:
    names = (f"{stem}.{ending}" if number == 1 else f"{stem}-{number}.{ending}" for number in count(1))
    return next(path for path in (folder / name for name in names) if not path.exists())
