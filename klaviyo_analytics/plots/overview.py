"""One figure for a whole summary, composed of the plots beside it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from klaviyo_analytics._messages import counted
from klaviyo_analytics.analysis.argument_checks import CAMPAIGNS, FLOWS
from klaviyo_analytics.analysis.deliverability import limits_of
from klaviyo_analytics.plots._canvas import figure_title, new_grid
from klaviyo_analytics.plots._frame import draws, require, times
from klaviyo_analytics.plots._quantities import quantity
from klaviyo_analytics.plots._rows import draw_ranking, noun_of
from klaviyo_analytics.plots._time_axis import dates_in_words
from klaviyo_analytics.plots.campaigns import campaign_scatter, draw_scatter
from klaviyo_analytics.plots.flows import flow_funnel
from klaviyo_analytics.plots.health import deliverability

_SIZE = (12.0, 8.0)
_FUNNEL = ("delivered", "opens_unique", "clicks_unique", "conversion_uniques")


@draws(CAMPAIGNS)
def campaign_overview(
    summary: pd.DataFrame,
    *,
    top: int = 8,
    benchmarks: str | Mapping[str, float] | None = None,
    currency: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a campaign summary on one page: what earned most, in all and per recipient, opens, and health.

    Parameters
    ----------
    summary : pandas.DataFrame
        Campaign summary, one row per campaign, message or variation.
    top : int
        Campaigns in each ranking.
    benchmarks : str or mapping of column to float, optional
        For the deliverability panel, as in `deliverability`; without them it shows click rates against recipients.
    currency : str, optional
        Code such as `"EUR"`; read from the frame if not given.
    title : str, optional
        `""` for none.

    Returns
    -------
    matplotlib.figure.Figure
        A new figure of four charts.

    Raises
    ------
    FrameError
        If a column is missing or currencies are mixed.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> summary = pd.DataFrame(
    ...     {"campaign": ["Spring", "Sale"], "recipients": [900, 1800], "open_rate": [0.41, 0.38],
    ...      "click_rate": [0.02, 0.03], "conversion_value": [310.0, 940.0],
    ...      "revenue_per_recipient": [0.34, 0.52], "currency": "USD"}
    ... )
    >>> len(plots.campaign_overview(summary).axes)
    4
    """
    needed = ["campaign", "recipients", "open_rate", "conversion_value", "revenue_per_recipient"]
    require(summary, [*needed, *(limits_of(benchmarks) if benchmarks else ["click_rate"])])
    figure, (earned, per_head, opened, health) = new_grid(2, 2, size=_SIZE)
    for column, ax in (("conversion_value", earned), ("revenue_per_recipient", per_head)):
        _rank(summary, row_kind="campaign", column=column, top=top, currency=currency, ax=ax)
    hue = _channels(summary)
    campaign_scatter(summary, y="open_rate", hue=hue, ax=opened)
    if benchmarks:
        deliverability(summary, benchmarks=benchmarks, ax=health)
    else:
        campaign_scatter(summary, y="click_rate", hue=hue, ax=health)
    figure_title(figure, _headline(summary, "campaign") if title is None else title)
    return figure


@draws(FLOWS)
def flow_overview(
    summary: pd.DataFrame,
    *,
    top: int = 8,
    currency: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a flow summary on one page: what earned most, how far people get, clicks.

    Parameters
    ----------
    summary : pandas.DataFrame
        Flow summary, one row per flow or message.
    top : int
        Flows in each ranking and in the funnel.
    currency : str, optional
        Code such as `"EUR"`; read from the frame if not given.
    title : str, optional
        `""` for none.

    Returns
    -------
    matplotlib.figure.Figure
        A new figure of four charts.

    Raises
    ------
    FrameError
        If a column is missing or currencies are mixed.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> summary = pd.DataFrame(
    ...     {"flow": ["Welcome", "Cart"], "recipients": [950, 400], "delivered": [940, 396],
    ...      "opens_unique": [420, 200], "clicks_unique": [60, 41], "conversion_uniques": [20, 18],
    ...      "click_rate": [0.064, 0.104], "conversion_value": [990.0, 1240.0],
    ...      "revenue_per_recipient": [1.04, 3.1], "currency": "USD"}
    ... )
    >>> len(plots.flow_overview(summary).axes)
    4
    """
    require(
        summary, ["flow", "recipients", "click_rate", "conversion_value", "revenue_per_recipient", *_FUNNEL]
    )
    figure, (earned, per_head, funnel, clicked) = new_grid(2, 2, size=_SIZE)
    for column, ax in (("conversion_value", earned), ("revenue_per_recipient", per_head)):
        _rank(summary, row_kind="flow", column=column, top=top, currency=currency, ax=ax)
    flow_funnel(summary, top=top, ax=funnel)
    draw_scatter(summary, row_kind="flow", x="recipients", y="click_rate", ax=clicked)
    figure_title(figure, _headline(summary, "flow") if title is None else title)
    return figure


def _rank(
    summary: pd.DataFrame, *, row_kind: str, column: str, top: int, currency: str | None, ax: Axes
) -> None:
    """Rank under a short title: the figure's own says of what."""
    title = f"By {quantity(column).label}"
    draw_ranking(summary, row_kind=row_kind, by=column, top=top, currency=currency, title=title, ax=ax)


def _channels(summary: pd.DataFrame) -> str | None:
    several = "channel" in summary.columns and summary["channel"].nunique() > 1
    return "channel" if several else None


def _headline(summary: pd.DataFrame, row_kind: str) -> str:
    """Return how many there are, and when they were sent if the summary has it."""
    how_many = counted(len(summary), noun_of(summary, row_kind))
    if "send_time" not in summary.columns:
        return how_many
    sent = times(summary, "send_time").dropna()
    return f"{how_many}, sent {dates_in_words(sent)}" if len(sent) else how_many
