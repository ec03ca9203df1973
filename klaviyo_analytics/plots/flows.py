"""Flows: how far people get from message to message, and how a flow does over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from klaviyo_analytics.plots._canvas import (
    new_axes,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
)
from klaviyo_analytics.plots._format import QuantityFormatter, write_column
from klaviyo_analytics.plots._frame import Floats, names, numbers, require
from klaviyo_analytics.plots._quantities import denominators, quantity
from klaviyo_analytics.plots._rows import largest, name_rows, noun_of, plural, row_names
from klaviyo_analytics.plots._style import PALETTE, ink, tint
from klaviyo_analytics.plots.trend import metric_trend

_STAGES = ("delivered", "opens_unique", "clicks_unique", "conversion_uniques")
_RATES = ("open_rate", "click_rate", "conversion_rate")
_HEADINGS = {"open_rate": "open", "click_rate": "click", "conversion_rate": "convert"}
_PEOPLE = {"opens_unique": "opened", "clicks_unique": "clicked", "conversion_uniques": "converted"}
_SMALL = 1.2  # an offset in font sizes shrinks with small type


def flow_funnel(
    frame: pd.DataFrame,
    *,
    stages: Sequence[str] = _STAGES,
    top: int = 12,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw how far people get: one row per message or flow, one bar within another per stage.

    The bars count people and share one scale; the rates beside them are those of the frame, over delivered.

    Parameters
    ----------
    frame : pandas.DataFrame
        Flow summary, one row per flow, or per message with `by="message"`; rows stay in their order.
    stages : sequence of str
        Columns of counts, from the widest to the narrowest.
    top : int
        Draw no more rows than this: those with the largest first stage. The caption says of how many.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.
    **kwargs
        Passed to `matplotlib.axes.Axes.barh`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or holds no numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"flow": "Welcome", "message": ["Hello", "Our story"], "delivered": [900, 700],
    ...      "opens_unique": [420, 300], "clicks_unique": [60, 31], "conversion_uniques": [20, 8]}
    ... )
    >>> ax = plots.flow_funnel(frame)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['delivered', 'opened', 'clicked', 'converted']
    """
    require(frame, ["flow", *stages])
    counts = {stage: numbers(frame, stage) for stage in stages}
    chosen = np.sort(largest(np.nan_to_num(counts[stages[0]]), top))
    shown = frame.iloc[chosen]
    flows = list(dict.fromkeys(names(frame, "flow")))
    noun = noun_of(frame, "flow")
    ax = new_axes(ax, rows=len(chosen))
    quiet(ax, grid="x")
    rows_above = 0.0
    if len(shown) and any(np.isfinite(values).any() for values in counts.values()):
        drawn = {stage: values[chosen] for stage, values in counts.items()}
        rows_above = _draw_funnel(ax, drawn, kwargs)
        one_flow = len(flows) == 1 and "message" in frame.columns
        name_rows(ax, names(shown, "message") if one_flow else row_names(shown, "flow"))
        _rate_columns(ax, shown)
    else:
        put_note(ax, f"No values: {stages[0]!r} is missing in every row" if len(frame) else "No rows to draw")
    ours = f"{flows[0]}: how far people get" if len(flows) == 1 else "How far people get, by flow"
    put_title(ax, ours if title is None else title, rows_above=rows_above)
    put_caption(
        ax,
        [
            "People per " + noun,
            denominators(rate for rate in _RATES if rate in frame.columns),
            f"{len(chosen)} largest of {plural(len(frame), noun)}" if len(chosen) < len(frame) else None,
        ],
        share=0.8,
    )
    return ax


def flow_performance(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "conversion_value",
    hue: str | None = "flow",
    compare: pd.DataFrame | None = None,
    annotations: Mapping[Any, str] | None = None,
    currency: str | None = None,
    interval: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw one statistic of flows over time, one line per flow.

    Parameters
    ----------
    frame : pandas.DataFrame
        Flow series: one row per interval and flow, or message.
    x, y : str
        Columns of the interval's start and of the statistic.
    hue : str, optional
        Column that splits the lines: `flow`, or `message` for a series by message.
    compare : pandas.DataFrame, optional
        The same series for another period; drawn dashed.
    annotations : mapping of date to str, optional
        What happened when.
    currency, interval : str, optional
        As in `metric_trend`.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot` for the solid lines.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        As `metric_trend` does.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> weeks = pd.date_range("2026-03-02", periods=3, freq="W-MON", tz="America/New_York")
    >>> frame = pd.DataFrame({"datetime": weeks, "flow": "Welcome", "open_rate": [0.41, 0.44, 0.43]})
    >>> plots.flow_performance(frame, y="open_rate").get_title(loc="left")
    'Open rate per week, by flow'
    """
    return metric_trend(
        frame,
        x=x,
        y=y,
        hue=hue,
        compare=compare,
        annotations=annotations,
        currency=currency,
        interval=interval,
        title=title,
        ax=ax,
        **kwargs,
    )


def _draw_funnel(ax: Axes, counts: Mapping[str, Floats], kwargs: Mapping[str, Any]) -> float:
    """Draw each stage thinner than the one before, so that a stage that outgrew the last is seen as well."""
    shades = [ink(ax, 0.15), tint(ax, PALETTE[0], 0.45), PALETTE[0], PALETTE[5]]
    patches = []
    for rank, (stage, values) in enumerate(counts.items()):
        shade = shades[min(rank, len(shades) - 1)]
        height = 0.78 * (1 - rank / (len(counts) + 1))
        options = {"color": shade, "height": height, "label": quantity(stage).label, "zorder": 2 + rank / 10}
        ax.barh(range(len(values)), np.nan_to_num(values), **{**options, **kwargs})
        patches.append(Patch(facecolor=shade))
    widest = max(float(np.nanmax(values)) for values in counts.values() if np.isfinite(values).any())
    ax.set_xlim(0, widest * 1.02 if widest > 0 else 1.0)
    ax.xaxis.set_major_formatter(QuantityFormatter("count"))
    ax.locator_params(axis="x", nbins=5, integer=True)
    people = [_PEOPLE.get(stage, quantity(stage).label) for stage in counts]
    return 0.9 + put_legend(ax, patches, people, rows_above=0.9, beside=False)


def _rate_columns(ax: Axes, frame: pd.DataFrame) -> None:
    """Write the rates as a small table, right of the bars."""
    known = [rate for rate in _RATES if rate in frame.columns]
    for column, rate in enumerate(known):
        looks: dict[str, Any] = {"ha": "right", "textcoords": "offset fontsize", "annotation_clip": False}
        right = 4.4 * (column + 1)
        ax.annotate(
            _HEADINGS[rate],
            xy=(1, 1),
            xycoords="axes fraction",
            xytext=(right * _SMALL, 0.3),
            va="bottom",
            fontsize="small",
            color=ink(ax, 0.55),
            **looks,
        )
        for row, text in enumerate(write_column(numbers(frame, rate), "rate")):
            ax.annotate(
                text,
                xy=(1, row),
                xycoords=("axes fraction", "data"),
                xytext=(right, 0),
                va="center",
                color=ink(ax, 0.75),
                gid="rate",
                **looks,
            )
