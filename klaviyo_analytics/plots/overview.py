"""One figure for a whole summary, composed of the plots beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from klaviyo_analytics._messages import counted
from klaviyo_analytics.analysis._engine import CAMPAIGNS, FLOWS
from klaviyo_analytics.analysis.deliverability import limits_of
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import (
    characters,
    figure_title,
    lines_down,
    new_axes,
    new_grid,
    put_caption,
    put_note,
    put_title,
)
from klaviyo_analytics.plots._frame import draws, names, numbers, require, times
from klaviyo_analytics.plots._quantities import Kind, capitalised, quantity, write
from klaviyo_analytics.plots._rows import draw_ranking, noun_of
from klaviyo_analytics.plots._style import PALETTE, ink
from klaviyo_analytics.plots._text import clip, put_names
from klaviyo_analytics.plots._time_axis import dates_in_words
from klaviyo_analytics.plots.campaigns import campaign_scatter, draw_scatter
from klaviyo_analytics.plots.flows import flow_funnel
from klaviyo_analytics.plots.health import deliverability

_SIZE = (12.0, 8.0)
_LEAST = (38.0, 25.0)  # font sizes across and down for one chart with its names, legend and caption
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

    Notes
    -----
    A rate is drawn as its row has it. Summaries make it of counts, such as click rate = unique clicks ÷ delivered,
    over those messages alone in which both are known: text messages have no open rate. `analysis.rates` lists the
    numerator and the denominator of each.

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
    figure, (earned, per_head, opened, health) = new_grid(2, 2, size=_SIZE, least=_LEAST)
    for column, ax in (("conversion_value", earned), ("revenue_per_recipient", per_head)):
        _rank(summary, row_kind="campaign", column=column, top=top, currency=currency, ax=ax)
    hue = _channels(summary)
    campaign_scatter(summary, y="open_rate", hue=hue, title=_against("open_rate"), ax=opened)
    if benchmarks:
        deliverability(summary, benchmarks=benchmarks, title="Deliverability against benchmarks", ax=health)
    else:
        campaign_scatter(summary, y="click_rate", hue=hue, title=_against("click_rate"), ax=health)
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

    Notes
    -----
    A rate is drawn as its row has it. Summaries make it of counts, such as click rate = unique clicks ÷ delivered,
    over those messages alone in which both are known: text messages have no open rate. `analysis.rates` lists the
    numerator and the denominator of each.

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
    figure, (earned, per_head, funnel, clicked) = new_grid(2, 2, size=_SIZE, least=_LEAST)
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


def _against(rate: str) -> str:
    """Return the title of a scatter chart without dates, which the figure's own has."""
    return f"{capitalised(quantity(rate).label)} against {quantity('recipients').label}"


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


_MEASURES = (
    "revenue",
    "orders",
    "average_order_value",
    "recipients",
    "open_rate",
    "click_rate",
    "conversion_rate",
)
_KINDS: tuple[Kind, ...] = ("count", "number", "money", "rate")
_LESS_IS_BETTER = ("bounce_rate", "unsubscribe_rate", "spam_complaint_rate")
_CARD = 20  # characters
_LINES, _MOST_ACROSS = 4.6, 4  # lines of type that a card needs, and most cards in a row
_GAP = 0.04


@draws("the frame of client.account_summary(...)")
def scorecard(
    frame: pd.DataFrame,
    *,
    source: str | None = None,
    measures: tuple[str, ...] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw the key numbers of an account as cards, each with its change to the period before.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame of `client.account_summary`: `source`, `measure`, `kind` and `value`; with `previous` and `change`
        if it was compared.
    source : str, optional
        Which rows: "all", "campaign", "flow" or "other". If omitted "all", or the first source of a frame without it;
        the title names it.
    measures : tuple of str, optional
        Which measures, in this order; those of revenue, orders and engagement that the source has if omitted.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.patches.Rectangle`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing, a measure has several rows, or the frame lacks the source or a measure.

    Notes
    -----
    A rate is its numerator ÷ its denominator as `analysis.rates` lists them, both added up over the messages alone in
    which both are known: text messages take no part in the open rate.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"source": "all", "measure": ["revenue", "orders"], "kind": ["money", "count"]})
    >>> ax = plots.scorecard(frame.assign(value=[4966.0, 72.0], currency=["USD", None], change=[0.12, -0.03]))
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "value"]
    ['$4,966', '72']
    """
    require(frame, ["source", "measure", "kind", "value"])
    ax = new_axes(ax)
    ax.set_axis_off()
    sources = names(frame, "source")
    source = source or ("all" if "all" in sources or not sources else sources[0])
    cards = _cards(frame, source, measures)
    put_title(ax, _heading(frame, source) if title is None else title)
    if cards.empty:
        ax.set_axis_on()
        put_note(ax, "No rows to draw")
        return ax
    across = min(max(characters(ax) // _CARD, 1), 4, len(cards))
    while (
        across < len(cards) and lines_down(ax) / -(-len(cards) // across) < _LINES and across < _MOST_ACROSS
    ):
        across += 1  # narrow cards are read more easily than flat ones
    down = -(-len(cards) // across)
    ax.set_xlim(0, across)
    ax.set_ylim(down, 0)
    values = numbers(cards, "value")
    changes = numbers(cards, "change") if "change" in cards.columns else np.full(len(cards), np.nan)
    for place, (measure, kind) in enumerate(zip(names(cards, "measure"), names(cards, "kind"), strict=True)):
        row, column = divmod(place, across)
        box: dict[str, Any] = {
            "facecolor": ink(ax, 0.05),
            "edgecolor": ink(ax, 0.15),
            "linewidth": 0.8,
            **kwargs,
        }
        ax.add_patch(Rectangle((column + _GAP, row + _GAP), 1 - 2 * _GAP, 1 - 2 * _GAP, **box))
        currency = cards["currency"].iloc[place] if "currency" in cards.columns else None
        written = write(
            float(values[place]),
            next((known for known in _KINDS if known == kind), "number"),
            None if pd.isna(currency) else str(currency),
        )
        label = clip(capitalised(quantity(measure).label), max(characters(ax, 0.83) // across - 3, 8))
        _text(ax, column, row + 0.27, label, size="small", colour=ink(ax, 0.75), gid="label")
        _text(ax, column, row + 0.54, written, size="x-large", colour=ink(ax, 0.95), gid="value")
        if np.isfinite(changes[place]):
            change = float(changes[place])
            good = (change < 0) == (measure in _LESS_IS_BETTER) or change == 0
            arrow = "▲" if change > 0 else "▼" if change < 0 else "="
            shade = ink(ax, 0.75) if good else ink(ax, 0.95)
            _text(
                ax,
                column,
                row + 0.8,
                f"{arrow} {write(abs(change), 'rate')}",
                size="small",
                colour=shade,
                gid="change",
            )
            mark = PALETTE[0] if good else PALETTE[5]
            ax.add_patch(
                Rectangle((column + _GAP, row + _GAP), 0.02, 1 - 2 * _GAP, facecolor=mark, linewidth=0)
            )
    complete = (
        frame["complete"].astype("boolean").fillna(value=True).all() if "complete" in frame.columns else True
    )
    put_caption(
        ax,
        [
            "change to the period before; red: for the worse" if np.isfinite(changes).any() else None,
            None if complete else "the time frame is not over",
            f"time zone {frame.attrs['timezone']}" if frame.attrs.get("timezone") else None,
        ],
    )
    return ax


def _cards(frame: pd.DataFrame, source: str, measures: tuple[str, ...] | None) -> pd.DataFrame:
    """Return the rows to draw, in their order."""
    if frame.empty:
        return frame
    sources = names(frame, "source")
    if source not in sources:
        known = ", ".join(map(repr, dict.fromkeys(sources)))
        raise FrameError(f"the frame has no source {source!r}. It has {known}. Pass source= one of them.")
    rows = frame[[name == source for name in sources]]
    there = names(rows, "measure")
    if len(set(there)) < len(there):
        raise FrameError("a measure has several rows. Filter the frame to one time frame.")
    if missing := [name for name in measures or () if name not in there]:
        raise FrameError(
            f"the frame has no measure {missing[0]!r} of {source!r}. It has {', '.join(map(repr, there[:5]))}."
        )
    wanted = [name for name in measures or _MEASURES if name in there] or there[:8]
    return rows.iloc[[there.index(name) for name in wanted]]


def _heading(frame: pd.DataFrame, source: str) -> str:
    when = frame.attrs.get("timeframe")
    what = {"all": "The account", "campaign": "Campaigns", "flow": "Flows", "other": "Not attributed"}.get(
        source, source
    )
    return f"{what}, {when}" if when else what


def _text(ax: Axes, column: int, y: float, text: str, *, size: str, colour: str, gid: str) -> None:
    looks: dict[str, Any] = {"fontsize": size, "color": colour, "va": "center", "gid": gid}
    put_names([ax.text(column + 0.1, y, text, fontweight="bold" if gid == "value" else "normal", **looks)])
