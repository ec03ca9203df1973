"""Events marked on a time axis, their texts above the axes in as many rows as they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics.plots._canvas import characters
from klaviyo_analytics.plots._dates import moment, position
from klaviyo_analytics.plots._style import ink
from klaviyo_analytics.plots._text import clip, put_names

_LONGEST = 36


def put_annotations(
    ax: Axes, annotations: Mapping[Any, str], *, within: pd.DatetimeIndex
) -> tuple[float, int]:
    """Mark each date; return the rows of text used above the axes, and how many dates fell outside them."""
    dated = sorted((_moment(date, within), text) for date, text in annotations.items())
    left, right = ax.get_xlim()
    inside = [(date, text) for date, text in dated if left <= position(ax, date) <= right]
    ends: list[float] = []
    for date, text in inside:
        ends = _mark(ax, date, clip(text, _LONGEST), ends)
    return 0.85 * len(ends), len(dated) - len(inside)


def _mark(ax: Axes, date: pd.Timestamp, text: str, ends: list[float]) -> list[float]:
    """Draw one mark in the first row that is free; return where the text of each row ends."""
    room = characters(ax, 0.83)
    left, right = ax.get_xlim()
    when = moment(date)
    at = (position(ax, date) - left) / (right - left) * room
    backwards = at + len(text) > room
    start = at - len(text) if backwards else at
    free = [row for row, end in enumerate(ends) if end + 2 <= start]
    row = free[0] if free else len(ends)
    ax.axvline(when, color=ink(ax, 0.35), linewidth=0.9, zorder=0.9)
    label = ax.annotate(
        text,
        xy=(when, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 0.3 + 1.27 * row),
        textcoords="offset fontsize",
        ha="right" if backwards else "left",
        va="bottom",
        fontsize="small",
        color=ink(ax, 0.7),
        annotation_clip=False,
        gid="annotation",
    )
    put_names([label])
    end = start + len(text)
    return [*ends[:row], max(end, ends[row]) if row < len(ends) else end, *ends[row + 1 :]]


def _moment(date: Any, within: pd.DatetimeIndex) -> pd.Timestamp:
    stamp = pd.Timestamp(date)
    if within.tz is None:
        return stamp.tz_localize(None)
    return stamp.tz_localize(within.tz) if stamp.tz is None else stamp.tz_convert(within.tz)
