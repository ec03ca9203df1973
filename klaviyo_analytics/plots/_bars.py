"""Bars over time: one per interval, pale and dotted where the interval is incomplete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from klaviyo_analytics.plots._dates import moments, step_days
from klaviyo_analytics.plots._frame import Flags, Floats
from klaviyo_analytics.plots._style import ink

_FILLED = 0.8
_TINT = 0.2
_DENSE = 200  # gaps between so many bars would be narrower than a pixel, and flicker


def bar_width(when: pd.DatetimeIndex, interval: str | None) -> float:
    """Return the width of a bar in days: most of an interval, or of the smallest distance between two of them."""
    days = step_days(interval)
    distinct = when.unique().sort_values()
    if len(distinct) > 1:
        gaps = np.diff(distinct.as_unit("us").asi8) / 86_400e6
        days = min(days, float(gaps.min())) if interval else float(gaps.min())
    return days if len(distinct) > _DENSE else days * _FILLED


def draw_bars(
    ax: Axes,
    when: pd.DatetimeIndex,
    values: Floats,
    *,
    complete: Flags,
    bottom: Floats,
    width: float,
    colour: str,
    label: str,
    kwargs: Mapping[str, Any],
) -> Patch:
    """Draw one row of bars and return the patch that stands for it in the legend."""
    options: dict[str, Any] = {"color": colour, "width": width, "label": label, "linewidth": 0}
    options |= kwargs
    heights = np.nan_to_num(values)
    bars = ax.bar(moments(when), heights, bottom=bottom, **options)
    for bar, whole in zip(bars.patches, complete, strict=True):
        if not whole:
            shade = to_rgb(bar.get_facecolor())
            bar.set(facecolor=(shade, _TINT), edgecolor=shade, linestyle=":", linewidth=1.2)
            bar.set_gid("incomplete")
    return Patch(facecolor=options["color"], label=label)


def partial_patch(ax: Axes) -> Patch:
    """Return how the bar of an incomplete interval looks in the legend."""
    return Patch(facecolor=ink(ax, _TINT / 2), edgecolor=ink(ax, 0.5), linestyle=":", linewidth=1.2)
