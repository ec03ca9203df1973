"""Campaigns beside each other: ranked by a number, or as points."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics.analysis._given import CAMPAIGNS, renamed
from klaviyo_analytics.plots._frame import draws
from klaviyo_analytics.plots._quantities import SummaryColumn
from klaviyo_analytics.plots._ranking import draw_ranking
from klaviyo_analytics.plots._scatter import draw_scatter


@renamed(rank_by="by")
@draws(CAMPAIGNS)
def campaign_ranking(
    frame: pd.DataFrame,
    *,
    by: SummaryColumn = "conversion_value",
    top: int = 10,
    hue: str | None = None,
    currency: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Rank campaigns by one number, largest first; a rate is followed by the size that it rests on.

    Parameters
    ----------
    frame : pandas.DataFrame
        Campaign summary, one row per campaign, message or variation.
    by : str
        Column of the number, such as `conversion_value`, `revenue_per_recipient` or `click_rate`.
    top : int
        How many to draw; the caption says of how many.
    hue : str, optional
        Column that colours the bars, such as `channel`.
    currency : str, optional
        Code such as `"EUR"`; read from the frame if not given.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given, taller for many rows.
    **kwargs
        Passed to `matplotlib.axes.Axes.barh`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or holds no numbers, or currencies are mixed.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"campaign": ["Spring", "Sale"], "delivered": [900, 1800], "click_rate": [0.021, 0.034]}
    ... )
    >>> ax = plots.campaign_ranking(frame, by="click_rate")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['Sale', 'Spring']
    """
    return draw_ranking(
        frame,
        noun="campaign",
        by=by,
        top=top,
        hue=hue,
        currency=currency,
        title=title,
        ax=ax,
        kwargs=kwargs,
    )


@draws(CAMPAIGNS)
def campaign_scatter(
    frame: pd.DataFrame,
    *,
    x: SummaryColumn = "recipients",
    y: SummaryColumn = "open_rate",
    hue: str | None = None,
    label: int = 4,
    scale: Literal["auto", "linear", "log"] = "auto",
    currency: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw one point per campaign: how a rate goes with the size of the audience.

    Parameters
    ----------
    frame : pandas.DataFrame
        Campaign summary, one row per campaign, message or variation.
    x, y : str
        Columns of the two numbers.
    hue : str, optional
        Column that colours the points, such as `channel`.
    label : int
        How many points to name: those that stand out, as long as the names do not cover each other.
    scale : {"auto", "linear", "log"}
        Scale of x; `"auto"` takes logarithms when sizes differ more than fiftyfold.
    currency : str, optional
        Code such as `"EUR"`; read from the frame if not given.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or holds no numbers, or currencies are mixed.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame(
    ...     {"campaign": ["Spring", "Sale"], "recipients": [1000, 2000], "open_rate": [0.41, 0.38]}
    ... )
    >>> ax = plots.campaign_scatter(frame)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Recipients', 'Open rate')
    """
    return draw_scatter(
        frame,
        noun="campaign",
        x=x,
        y=y,
        hue=hue,
        label=label,
        scale=scale,
        currency=currency,
        title=title,
        ax=ax,
        kwargs=kwargs,
    )
