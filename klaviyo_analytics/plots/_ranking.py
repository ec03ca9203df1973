"""Horizontal bars, largest first: behind the rankings of campaigns and of flows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics._wording import counted
from klaviyo_analytics.plots._canvas import (
    new_axes,
    only_zeros,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
)
from klaviyo_analytics.plots._format import write, write_column
from klaviyo_analytics.plots._frame import Floats, currency_of, names, numbers, require, who_counts
from klaviyo_analytics.plots._quantities import Quantity, capitalised, money_in_words, quantity
from klaviyo_analytics.plots._rows import (
    hue_colours,
    hue_legend,
    largest,
    name_rows,
    noun_of,
    row_names,
)
from klaviyo_analytics.plots._style import ink
from klaviyo_analytics.plots._text import put_names


def draw_ranking(
    frame: pd.DataFrame,
    *,
    noun: str,
    by: str,
    top: int,
    hue: str | None = None,
    currency: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    kwargs: Mapping[str, Any] = MappingProxyType({}),
) -> Axes:
    """Draw the `top` rows with the largest values, each with its value and the size that it rests on."""
    require(frame, [noun, by, hue])
    subject = quantity(by)
    money = currency_of(frame, currency) if subject.kind == "money" else None
    values = numbers(frame, by)
    chosen = largest(values, top)
    shown = frame.iloc[chosen]
    ax = new_axes(ax, rows=len(chosen))
    quiet(ax, grid="x")
    ax.grid(visible=False)
    rows_above = 0.0
    if len(chosen):
        colours, shade = hue_colours(ax, names(shown, hue) if hue else None, len(chosen))
        ax.barh(range(len(chosen)), values[chosen], **{"color": colours, "height": 0.7, **kwargs})
        name_rows(ax, row_names(shown, noun))
        _label_bars(ax, values[chosen], _sizes(shown, subject), subject, money)
        rows_above = put_legend(ax, *hue_legend(shade), beside=False, share=0.8)
    else:
        put_note(ax, _why_empty(frame, by))
    rows = noun_of(frame, noun)
    whole = _whole(frame)
    unknown = int(np.isnan(values).sum())
    why = "a value" if whole["by"] == by else quantity(whole["by"]).label
    best = f"Top {counted(len(chosen), rows)}" if 0 < len(chosen) < whole["of"] else f"{capitalised(rows)}s"
    put_title(ax, f"{best} by {subject.label}" if title is None else title, rows_above=rows_above, share=0.8)
    fewest = whole["minimum_recipients"]
    put_caption(
        ax,
        [
            capitalised(subject.definition or subject.label) + money_in_words(subject, money),
            f"{len(chosen):,} of {counted(whole['of'], rows)}" if whole["of"] else None,
            f"{whole['small']:,} with fewer than {fewest:,} recipients left out" if whole["small"] else None,
            only_zeros(values),
            who_counts(frame, [by]),
            f"{whole['unranked']:,} without {why} left out" if whole["unranked"] else None,
            f"{unknown:,} without a value left out" if unknown and len(chosen) else None,
        ],
        share=0.8,
    )
    return ax


def _whole(frame: pd.DataFrame) -> dict[str, Any]:
    """Return how many rows there were before a ranking left some out, if it tells and nobody cut it since."""
    told = frame.attrs.get("ranking")
    if isinstance(told, dict) and told["shown"] == len(frame):
        return told
    return {"by": "", "of": len(frame), "small": 0, "minimum_recipients": 0, "unranked": 0}


def _label_bars(ax: Axes, values: Floats, sizes: list[str], subject: Quantity, money: str | None) -> None:
    """Write each value at the end of its bar, and behind it, lighter, the size that it rests on."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    ax.set_xlim(low, high if high > low else 1.0)
    ax.set_xticks([])
    if low < 0:
        ax.spines["left"].set_visible(False)
        ax.axvline(0.0, color=ink(ax, 0.4), linewidth=0.8)
    looks: dict[str, Any] = {"textcoords": "offset fontsize", "va": "center", "annotation_clip": False}
    written = write_column(values, subject.kind, money)
    for row, value in enumerate(values):
        label = ax.annotate(
            written[row],
            xy=(max(float(value), 0.0), row),
            xytext=(0.4, 0),
            color=ink(ax, 0.75),
            gid="value",
            **looks,
        )
        put_names([label])
        if sizes:
            ax.annotate(
                f"({sizes[row]})",
                xy=(1, 0.5),
                xycoords=label,
                xytext=(0.5, 0),
                fontsize="small",
                color=ink(ax, 0.5),
                gid="size",
                **looks,
            )


def _sizes(frame: pd.DataFrame, subject: Quantity) -> list[str]:
    """Write the size that each rate rests on, such as `12.3k delivered`; nothing where the frame lacks it."""
    column = subject.denominator
    if column is None or column not in frame.columns:
        return []
    return [f"{write(float(size), 'count')} {quantity(column).label}" for size in numbers(frame, column)]


def _why_empty(frame: pd.DataFrame, by: str) -> str:
    return f"No values: {by!r} is missing in every row" if len(frame) else "No rows to draw"
