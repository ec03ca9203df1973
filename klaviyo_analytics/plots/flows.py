"""Flows: how far people get from message to message, and how a flow does over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics._wording import counted
from klaviyo_analytics.analysis._given import FLOWS
from klaviyo_analytics.plots._canvas import new_axes, put_caption, put_note, put_title, quiet
from klaviyo_analytics.plots._flow_series import together
from klaviyo_analytics.plots._frame import draws, who_counts
from klaviyo_analytics.plots._funnel import draw_funnel, funnel_has_room, read_funnel
from klaviyo_analytics.plots._rows import name_rows, noun_of
from klaviyo_analytics.plots._trend import read_trend
from klaviyo_analytics.plots.trend import draw_titled, title_of


@draws(FLOWS)
def flow_funnel(
    frame: pd.DataFrame,
    *,
    stages: Sequence[str] | None = None,
    top: int = 12,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw how far people get: one row per message or flow, one bar within another per stage.

    The bars count people and share one scale; the rates beside them are those of the frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        Flow summary, one row per flow, or per message with `by="message"`: messages in the order in which
        their flow sends them (`message_position`), other rows in the order of the frame. The frame of
        `analysis.flow_funnel`, with one row per message and stage, is drawn as well.
    stages : sequence of str, optional
        Columns of counts of a summary, from the widest to the narrowest; from delivered to converted if not
        given.
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
    funnel = read_funnel(frame, stages=stages, top=top)
    noun = noun_of(frame, "flow")
    ax = new_axes(ax, rows=len(funnel.labels))
    quiet(ax, grid="x")
    rows_above = 0.0
    if funnel.empty:
        put_note(ax, funnel.empty)
    else:
        rows_above = draw_funnel(ax, funnel, kwargs)
        name_rows(ax, funnel.labels)
    of_one = len(funnel.flows) == 1
    ours = f"{funnel.flows[0]}: how far people get" if of_one else f"How far people get, by {noun}"
    put_title(ax, ours if title is None else title, rows_above=rows_above, share=0.8)
    left_out = funnel.rows - len(funnel.labels)
    put_caption(
        ax,
        [
            f"People per {noun}" + ("; who got two of its messages counts twice" if noun == "flow" else ""),
            funnel.caption if funnel_has_room(ax) else None,
            who_counts(frame, ["open_rate"]) if funnel_has_room(ax) else None,
            f"{len(funnel.labels)} largest of {counted(funnel.rows, noun)}" if left_out else None,
        ],
        share=0.8,
    )
    return ax


@draws("a flow series: client.reports.flow_series(...)")
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

    Where a line has several rows in an interval, as a series by message or channel has, counts and money are
    added up and rates made anew of the counts: open rate = unique opens ÷ delivered of all its messages. Unique
    counts are then each message's own, as in a summary.

    Parameters
    ----------
    frame : pandas.DataFrame
        Flow series: one row per interval and flow, message or channel.
    x, y : str
        Columns of the interval's start and of the statistic.
    hue : str, optional
        Column that splits the lines: `flow`, `message`, `send_channel`; None puts all flows together.
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
        As `metric_trend` does; if a rate of several messages is asked for without the counts that it is made of,
        or if several flows have one name.
    NotAdditiveError
        If `y` of several messages does not add up.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> weeks = pd.date_range("2026-03-02", periods=3, freq="W-MON", tz="America/New_York")
    >>> frame = pd.DataFrame({"datetime": weeks, "flow": "Welcome", "open_rate": [0.41, 0.44, 0.43]})
    >>> plots.flow_performance(frame, y="open_rate").get_title(loc="left")
    'Open rate per week, by flow'
    """
    rows, how = together(frame, x=x, y=y, hue=hue)
    before = None if compare is None else together(compare, x=x, y=y, hue=hue)[0]
    trend = read_trend(rows, x=x, y=y, hue=hue, compare=before, currency=currency, interval=interval)
    ours = title_of(rows, trend, hue) if title is None else title
    how = " · ".join(part for part in (how, who_counts(frame, [y])) if part) or None
    return draw_titled(trend, title=ours, annotations=annotations or {}, ax=ax, kwargs=kwargs, note=how)
