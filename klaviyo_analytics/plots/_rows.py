"""Summaries as rows of a chart: what a row is called, which rows are shown, and the names on the y axis."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from klaviyo_analytics._messages import counted
from klaviyo_analytics.plots._canvas import (
    characters,
    lines_down,
    new_axes,
    only_zeros,
    points,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
    with_period,
)
from klaviyo_analytics.plots._frame import (
    NO_NAME,
    Floats,
    currency_of,
    labels_of,
    names,
    numbers,
    of_conversion,
    require,
    times,
    who_counts,
)
from klaviyo_analytics.plots._quantities import (
    Quantity,
    capitalised,
    in_words,
    money_in_words,
    quantity,
    write,
    write_column,
)
from klaviyo_analytics.plots._style import MOST_HUES, PALETTE, colours_of, ink
from klaviyo_analytics.plots._text import columns, legible, put_names, told_apart
from klaviyo_analytics.plots._time_axis import dates_in_words

_PARTS = ("message", "variation_name")
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
_SHORTEST = 14
_TWO_LINES, _TWO_SMALL_LINES = 3.0, 2.3  # font sizes that a row needs for a name in two lines
_DAYS = re.compile(r"(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)(?: \(.*\))?$")
_FEWEST = 4  # fewer rows keep the height that they would have among four


def row_names(frame: pd.DataFrame, row_kind: str) -> list[str]:
    """Return a name for each row: campaign or flow, then by message and variation if the summary goes so deep.

    Rows of one name are told apart by the day they were sent, where the frame has it.
    """
    labels = names(frame, row_kind)
    for part in (column for column in _PARTS if column in frame.columns):
        labels = [
            name if own in name or own == NO_NAME else f"{name} · {own}"
            for name, own in zip(labels, names(frame, part), strict=True)
        ]
    if "send_time" not in frame.columns or len(set(labels)) == len(labels):
        return labels
    doubles = {name for name, count in Counter(labels).items() if count > 1}
    days = [
        f"{day.day} {day:%b}" if pd.notna(day) and hasattr(day, "day") else "" for day in frame["send_time"]
    ]
    return [
        f"{name} · {day}" if name in doubles and day else name for name, day in zip(labels, days, strict=True)
    ]


def dates_of(frame: pd.DataFrame) -> str:
    """Return in words when the rows were sent, or the time frame that the frame's attrs name; "" where neither is."""
    if "send_time" in frame.columns and pd.api.types.is_datetime64_any_dtype(frame["send_time"].dtype):
        sent = times(frame, "send_time").dropna()
        if len(sent):
            return f"sent {dates_in_words(sent)}"
    named = frame.attrs.get("timeframe")
    if not isinstance(named, str):
        return ""
    days = _DAYS.match(named)  # as a time frame writes itself, with the time zone behind it
    return dates_in_words(pd.DatetimeIndex(days.groups())) if days else named


def noun_of(frame: pd.DataFrame, row_kind: str) -> str:
    """Return what a row of the summary is: a campaign, a message or a variation."""
    deeper = {"variation": "variation", "message": "message"}
    return next((word for column, word in deeper.items() if column in frame.columns), row_kind)


def largest(values: Floats, most: int) -> npt.NDArray[np.intp]:
    """Return the rows of the `most` largest values, in descending order; rows without a value never count."""
    known = np.flatnonzero(np.isfinite(values))
    return known[np.argsort(-values[known], kind="stable")][:most]


def name_rows(ax: Axes, labels: Sequence[str]) -> None:
    """Write the names beside the rows, top down, in about a third of the axes' width, and in two lines if high.

    Names in two lines are written smaller where rows are not much higher than those.
    """
    middle, half = (len(labels) - 1) / 2, max(len(labels), _FEWEST) / 2 + 0.1
    width = max(characters(ax) * 2 // 5, _SHORTEST)
    height = lines_down(ax) / (2 * half)
    legibly = [legible(label) for label in labels]
    small = height < _TWO_LINES and any(columns(label) > width for label in legibly)
    lines = 2 if height > _TWO_SMALL_LINES else 1
    size = 0.83 if small and lines == 2 else 1.0
    written = told_apart(legibly, int(width / size), lines=lines)
    ax.set_yticks(range(len(labels)), labels=written, fontsize=points(size), linespacing=1.1)
    put_names(ax.get_yticklabels())
    ax.set_ylim(middle + half, middle - half)


def hue_colours(ax: Axes, groups: Sequence[str] | None, rows: int) -> tuple[list[str], dict[str, str]]:
    """Return the colour of each row, and of each group: by name, or by size if too many; without any, blue."""
    if groups is None:
        return [PALETTE[0]] * rows, {}
    sizes = Counter(groups)
    order = sorted(sizes, key=lambda name: (-sizes[name], name))
    order = sorted(order) if len(order) <= MOST_HUES else order
    shade = colours_of(ax, order)
    return [shade[name] for name in groups], shade


def shapes_of(shade: Mapping[str, str]) -> dict[str, str]:
    """Return the mark of each colour, so that groups differ also where colours do not print."""
    return dict(zip(dict.fromkeys(shade.values()), cycle(_SHAPES), strict=False))


def hue_legend(shade: Mapping[str, str], *, shapes: bool = False) -> tuple[list[Artist], list[str]]:
    """Return one mark per coloured group, and one for the others; squares stand for bars. One group needs none."""
    if len(shade) < 2:
        return [], []
    shown = list(shade)[: MOST_HUES + 1]
    marks: list[Artist] = [
        Line2D(
            [],
            [],
            color=shade[name],
            marker=shapes_of(shade)[shade[name]] if shapes else "s",
            markersize=points(0.7),
            linestyle="none",
        )
        for name in shown
    ]
    others = [f"+{len(shade) - MOST_HUES} more"] if len(shade) > MOST_HUES else []
    return marks, [*shown[:MOST_HUES], *others]


def only_group(frame: pd.DataFrame, hue: str | None) -> str | None:
    """Return the name of the group if there is only one, which has no legend."""
    groups = set(labels_of(frame, hue)) if hue else set()
    return f"{in_words(hue or '')}: {groups.pop()}" if len(groups) == 1 else None


def draw_ranking(
    frame: pd.DataFrame,
    *,
    row_kind: str,
    by: str,
    top: int,
    hue: str | None = None,
    currency: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    remarks: Sequence[str | None] = (),
    kwargs: Mapping[str, Any] = MappingProxyType({}),
) -> Axes:
    """Draw the `top` rows with the largest values, each with its value and the size that it rests on.

    `remarks` are added to the caption.
    """
    require(frame, [row_kind, by, hue])
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
        colours, shade = hue_colours(ax, labels_of(shown, hue) if hue else None, len(chosen))
        ax.barh(range(len(chosen)), values[chosen], **{"color": colours, "height": 0.7, **kwargs})
        name_rows(ax, row_names(shown, row_kind))
        _label_bars(ax, values[chosen], _sizes(shown, subject), subject, money)
        rows_above = put_legend(ax, *hue_legend(shade), beside=False, share=0.8)
    else:
        put_note(ax, _why_empty(frame, by))
    rows = noun_of(frame, row_kind)
    whole = _whole(frame)
    unknown = int(np.isnan(values).sum())
    why = "a value" if whole["by"] == by else quantity(whole["by"]).label
    best = f"Top {counted(len(chosen), rows)}" if 0 < len(chosen) < whole["of"] else f"{capitalised(rows)}s"
    ours = of_conversion(frame, f"{best} by {subject.label}", by)
    ours = with_period(ax, ours, dates_of(frame), share=0.8)
    put_title(ax, ours if title is None else title, rows_above=rows_above, share=0.8)
    fewest = whole["minimum_recipients"]
    put_caption(
        ax,
        [
            capitalised(subject.definition or subject.label) + money_in_words(subject, money),
            f"{len(chosen):,} of {counted(whole['of'], rows)}" if whole["of"] else None,
            f"{whole['small']:,} with fewer than {fewest:,} recipients left out" if whole["small"] else None,
            only_zeros(values),
            only_group(shown, hue),
            who_counts(frame, [by]),
            f"{whole['unranked']:,} without {why} left out" if whole["unranked"] else None,
            f"{unknown:,} without a value left out" if unknown and len(chosen) else None,
            *remarks,
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
                color=ink(ax, 0.58),
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
