"""What cohorts did with time, and how long it takes people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import (
    new_axes,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
)
from klaviyo_analytics.plots._format import QuantityFormatter
from klaviyo_analytics.plots._frame import currency_of, draws, finished, names, numbers, require
from klaviyo_analytics.plots._matrix import draw_cells, scale_in_words
from klaviyo_analytics.plots._quantities import Kind
from klaviyo_analytics.plots._style import MOST_HUES, PALETTE, ink, line_width

_COHORTS = "the frame of ka.analysis.cohorts(...)"
_CURVES = "the frame of ka.analysis.retention_curves(...)"
_SHARES = {
    "customers": "share of the cohort's profiles with an event in the period",
    "orders": "events per profile of the cohort",
    "revenue": "revenue per profile of the cohort",
}


@draws(_COHORTS)
def cohort_heatmap(
    frame: pd.DataFrame,
    *,
    value: str = "share",
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a cohort a row and an age a column, the value as a colour.

    Cells that time has not reached stay empty; cells whose period is not over are hatched.

    Parameters
    ----------
    frame : pandas.DataFrame
        `cohort`, `age`, `size` and `value`, as `analysis.cohorts` returns them; for one value of its `by`.
    value : str, default "share"
        Column to draw.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.pcolormesh`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing, or a cohort and age have several rows.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"cohort": ["2026-01"] * 2 + ["2026-02"], "age": [0, 1, 0], "size": [4, 4, 2], "share": [1.0, 0.5, 1.0]}
    ... )
    >>> ax = plots.cohort_heatmap(frame)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['2026-01 (4)', '2026-02 (2)']
    """
    require(frame, ["cohort", "age", "size", value])
    several = frame.duplicated(["cohort", "age"])
    if several.any():
        raise FrameError(
            "several rows share one cohort and age. Filter the frame to one value of the column that splits "
            "it, such as frame[frame['source'] == 'web']."
        )
    cohorts = list(dict.fromkeys(names(frame, "cohort")))
    ax = new_axes(ax, rows=min(len(cohorts), 30))
    quiet(ax)
    measure = next((name for name in _SHARES if name in frame.columns), "customers")
    put_title(ax, "Cohorts by age" if title is None else title)
    drawn, ages = numbers(frame, value), numbers(frame, "age")
    if frame.empty or not np.isfinite(drawn).any():
        put_note(ax, f"No values: {value!r} is missing in every row" if len(frame) else "No rows to draw")
        return ax
    width = int(np.nanmax(ages)) + 1
    cells, open_ = np.full((len(cohorts), width), np.nan), np.zeros((len(cohorts), width), dtype=bool)
    place = {cohort: row for row, cohort in enumerate(cohorts)}
    sizes = dict(zip(names(frame, "cohort"), numbers(frame, "size"), strict=True))
    for cohort, age, one, whole in zip(names(frame, "cohort"), ages, drawn, finished(frame), strict=True):
        if np.isfinite(age):
            cells[place[cohort], int(age)] = one
            open_[place[cohort], int(age)] = not whole
    kind: Kind = "rate" if value == "share" and measure == "customers" else "number"
    if measure == "revenue" and value in ("share", "revenue"):
        kind = "money"
    currency = currency_of(frame, None) if kind == "money" else None
    labels = [
        f"{cohort} ({sizes[cohort]:,.0f})" if np.isfinite(sizes[cohort]) else cohort for cohort in cohorts
    ]
    written = draw_cells(
        ax,
        cells,
        rows=labels,
        columns=[str(age) for age in range(width)],
        kind=kind,
        currency=currency,
        faint=open_,
        kwargs=kwargs,
    )
    ax.set_xlabel("periods since the start")
    ax.set_ylabel("cohort (profiles)")
    put_caption(
        ax,
        [
            (_SHARES[measure] if value == "share" else value)
            + (", in %" if kind == "rate" and written else ""),
            "hatched: period not over" if (open_ & np.isfinite(cells)).any() else None,
            None if written else scale_in_words(cells, kind, currency),
        ],
    )
    return ax


@draws(_CURVES)
def retention_curves(
    frame: pd.DataFrame,
    *,
    hue: str | None = None,
    cumulative: bool = False,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw Kaplan-Meier curves as steps, with their intervals as bands.

    Parameters
    ----------
    frame : pandas.DataFrame
        `days`, `survival`, `lower`, `upper`, as `analysis.retention_curves` returns them.
    hue : str, optional
        Column that tells curves apart. Of more than eight curves the eight with the most profiles have a colour
        and a band, the others are thin grey lines.
    cumulative : bool, default False
        Draw the share for whom the event has happened (1 − survival) instead.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.step`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing, or there are several curves and no `hue`.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"days": [0, 10], "survival": [1.0, 0.5], "lower": [1.0, 0.2], "upper": [1.0, 0.8], "at_risk": [2, 2]}
    ... )
    >>> ax = plots.retention_curves(frame)
    >>> [float(value) for value in ax.lines[0].get_ydata()]
    [1.0, 0.5]
    """
    require(frame, ["days", "survival", "lower", "upper", hue])
    labels = names(frame, hue) if hue else ["all"] * len(frame)
    days, levels = numbers(frame, "days"), numbers(frame, "survival")
    if pd.DataFrame({"name": labels, "days": days}).duplicated().any():
        texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
        cure = f"Pass hue= one of {', '.join(map(repr, texts))}." if texts else "Pass hue=."
        raise FrameError(f"several rows share one number of days, so there are several curves. {cure}")
    ax = new_axes(ax)
    quiet(ax)
    subject = "Share who had the event" if cumulative else "Share without the event yet"
    if frame.empty or not (np.isfinite(days) & np.isfinite(levels)).any():
        put_title(ax, subject if title is None else title)
        put_note(ax, "No values: 'survival' is missing in every row" if len(frame) else "No rows to draw")
        return ax
    ends = [numbers(frame, name) for name in ("lower", "upper")]
    at_risk = numbers(frame, "at_risk") if "at_risk" in frame.columns else np.ones(len(frame))
    whose = np.array(labels, dtype=object)
    sizes = {name: float(np.nanmax(np.append(at_risk[whose == name], 0.0))) for name in dict.fromkeys(labels)}
    by_size = sorted(sizes, key=lambda name: -sizes[name])
    coloured = sorted(by_size[:MOST_HUES])
    handles: list[Any] = []
    for name in [*(name for name in by_size if name not in coloured), *coloured]:
        rows = np.flatnonzero(whose == name)
        rows = rows[np.argsort(days[rows], kind="stable")]
        curve, low, high = levels[rows], ends[0][rows], ends[1][rows]
        if cumulative:
            curve, low, high = 1 - curve, 1 - high, 1 - low
        bright = name in coloured
        colour = PALETTE[coloured.index(name)] if bright else ink(ax, 0.25)
        looks = {"color": colour, "linewidth": line_width() if bright else 0.8, **kwargs}
        (line,) = ax.step(days[rows], curve, where="post", **looks)
        if len(rows) == 1:
            line.set_marker("o")
        if bright:
            ax.fill_between(days[rows], low, high, step="post", color=colour, alpha=0.15, linewidth=0)
            handles.append(Line2D([], [], **looks))
    shown = [f"{name} ({sizes[name]:,.0f})" for name in coloured]
    others = len(by_size) - len(coloured)
    if others:
        handles.append(Line2D([], [], color=ink(ax, 0.25), linewidth=0.8))
        shown.append(f"{others} others")
    rows_above = put_legend(ax, handles, shown) if len(by_size) > 1 else 0.0
    put_title(ax, subject if title is None else title, rows_above=rows_above)
    ax.set_ylim(0, 1.02)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(QuantityFormatter("rate"))
    ax.set_xlabel("days since the start")
    number = "" if len(by_size) > 1 else f", {sizes[by_size[0]]:,.0f} profiles"
    put_caption(ax, [f"Kaplan-Meier estimate with pointwise interval{number}"])
    return ax
