"""A frame as a table to look at: its first rows, numbers to the right, nothing unescaped, nobody named."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pandas as pd

from klaviyo_analytics._wording import counted
from klaviyo_analytics.widgets._privacy import without_person

ROWS = 100
_RIGHT = ' class="n"'


def table(frame: pd.DataFrame, *, rows: int = ROWS, shown: Callable[[str], str] = without_person) -> str:
    """Write the first rows as HTML; `shown` takes out of texts what a saved notebook must not hold."""
    numeric = [pd.api.types.is_numeric_dtype(dtype) and dtype != "boolean" for dtype in frame.dtypes]
    body = "".join(
        "<tr>"
        + "".join(_cell(value, right, shown) for value, right in zip(row, numeric, strict=True))
        + "</tr>"
        for row in frame.head(rows).itertuples(index=False, name=None)
    )
    head = "".join(
        f'<th scope="col"{_RIGHT if right else ""}>{html.escape(str(name))}</th>'
        for name, right in zip(frame.columns, numeric, strict=True)
    )
    more = f", the first {rows} shown" if len(frame) > rows else ""
    said = f"{counted(len(frame), 'row')} × {counted(len(frame.columns), 'column')}{more}"
    return (
        f'<div class="kla-note kla-muted">{said}</div>'
        f'<div class="kla-scroll" tabindex="0" role="region" aria-label="Table, {said}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: Any, right: bool, shown: Callable[[str], str]) -> str:  # noqa: FBT001  (a column's, not an option)
    return f"<td{_RIGHT if right else ''}>{_text(value, shown)}</td>"


def _text(value: Any, shown: Callable[[str], str]) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return '<span class="kla-muted">–</span>'
    if isinstance(value, pd.Timestamp):
        midnight = value == value.normalize()
        return f"{value:%Y-%m-%d}" if midnight else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    said = shown(str(value))
    return html.escape(said if len(said) <= 80 else f"{said[:79]}…")
