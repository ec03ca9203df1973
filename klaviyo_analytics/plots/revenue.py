"""Revenue by where it came from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from klaviyo_analytics._messages import allowed_values, counted
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.plots._canvas import (
    new_axes,
    only_zeros,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
    value_axis,
    with_period,
)
from klaviyo_analytics.plots._frame import currency_of, draws, numbers, require, times
from klaviyo_analytics.plots._lines import all_times, bar_width, draw_bars, in_order, partial_patch
from klaviyo_analytics.plots._quantities import Quantity, capitalised, in_words
from klaviyo_analytics.plots._rows import draw_ranking
from klaviyo_analytics.plots._style import MOST_HUES, colours_of
from klaviyo_analytics.plots._time_axis import Annotations, date_axis, dated, dates_in_words, put_annotations
from klaviyo_analytics.plots.trend import Trend, measure_in_words, period_in_words, read_trend, zone_in_words

_SHARE = Quantity("share", "rate")
_SOURCES = ("campaign", "flow", "other", "campaigns", "flows", "not attributed")


@draws(
    "the frame of ka.analysis.revenue_split(aggregates, by='datetime'), aggregates being "
    'client.metric_aggregates.query(..., by=["$attributed_message", "$attributed_flow"])'
)
def revenue_split(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "revenue",
    hue: str = "source",
    currency: str | None = None,
    interval: str | None = None,
    share: bool = False,
    annotations: Annotations | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Stack revenue by source, one bar per interval; the height of a bar is all revenue of its interval.

    With `share=True` every bar is 100%, and each source the part of its interval's revenue that it brought.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per interval and source: `datetime`, `source`, `revenue`, and `currency` if there is one.
    x, y, hue : str
        Columns of the interval's start, of the money, and of what splits it. `campaign`, `flow` and `other`
        always look the same; of other names the largest eight are coloured and the rest is grey.
    currency : str, optional
        Code such as `"EUR"`; read from the frame if not given.
    interval : str, optional
        `"day"`, `"week"`, ...; read from the frame if not given.
    share : bool, default False
        Draw shares. Intervals without revenue, or in which a source lost money, have none; the caption counts them.
    annotations : mapping of date to str, or pandas.DataFrame, optional
        What happened when, as in `metric_trend`.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if not given.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or of the wrong kind, several rows fall on one point, or currencies are mixed.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> month = pd.Timestamp("2026-03-01", tz="America/New_York")
    >>> frame = pd.DataFrame(
    ...     {"datetime": month, "source": ["campaign", "flow", "other"], "revenue": [500.0, 300.0, 900.0],
    ...      "currency": "USD"}
    ... )
    >>> ax = plots.revenue_split(frame, interval="month")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['Campaigns', 'Flows', 'Not attributed']
    """
    trend = read_trend(frame, x=x, y=y, hue=hue, currency=currency, interval=interval)
    drawn, undefined = _shares(trend) if share else (trend, 0)
    events = dated(annotations)
    ax = new_axes(ax)
    quiet(ax)
    rows = 0.0
    remarks: list[str] = []
    if drawn.empty:
        put_note(ax, trend.empty or "No shares: no interval has revenue alone")
    else:
        handles, labels = _stack(ax, drawn, kwargs)
        shown = all_times(drawn.series)
        rows, remarks = put_annotations(ax, events, within=shown)
        rows += put_legend(ax, handles if len(handles) > 1 else [], labels, rows_above=rows)
    what = f"{trend.subject.label} per {trend.interval}" if trend.interval else trend.subject.label
    usual = f"{'Share of ' if share else ''}{what}"
    only = trend.series[0].name if len(trend.series) == 1 else None
    usual = f"{capitalised(usual)}, {only}" if only else f"{capitalised(usual)}, by {in_words(hue)}"
    ours = with_period(ax, usual, trend.covers) if title is None else title
    put_title(ax, ours, rows_above=rows)
    in_title = trend.period == trend.covers and ours.endswith(trend.covers)
    put_caption(
        ax,
        [
            f"Each source ÷ all {trend.subject.label} of its {trend.interval or 'interval'}"
            if share
            else measure_in_words(trend),
            None if in_title else period_in_words(trend),
            zone_in_words(trend.zone),
            None if share else only_zeros(trend.values),
            f"{undefined} {trend.interval or 'interval'}{'s' * (undefined > 1)} without shares"
            if undefined
            else None,
            *remarks,
        ],
    )
    return ax


_OF_PRODUCTS = {
    "revenue": "line_total",
    "quantity": "quantity",
    "orders": "order_id",
    "customers": "profile_id",
}


@draws("the frame of ka.analysis.order_items(...)")
def top_products(
    frame: pd.DataFrame,
    *,
    by: Literal["revenue", "quantity", "orders", "customers"] = "revenue",
    top: int = 10,
    currency: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Rank the products of order lines by revenue, pieces, orders or customers, largest first.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per order line, as `analysis.order_items` returns them: `product`, and the column that is added up or
        counted: `line_total` (revenue), `quantity`, `order_id` (orders) or `profile_id` (customers).
    by : {"revenue", "quantity", "orders", "customers"}
        Revenue is the sum of the lines' totals and quantity that of their pieces; orders and customers are the
        different ones with a line of the product.
    top : int
        How many to draw; the caption says of how many.
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
        Lines without a product, and lines without a value, are left out; the caption counts them.

    Raises
    ------
    FrameError
        If a column is missing or holds no numbers, or currencies are mixed.
    InvalidInputError
        If `by` is not one of the four.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> lines = pd.DataFrame(
    ...     {"order_id": ["o1", "o1", "o2"], "product": ["Pot", "Tea", "Pot"], "line_total": [40.0, 9.0, 35.0]}
    ... )
    >>> ax = plots.top_products(lines)
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['Pot', 'Tea']
    >>> [float(bar.get_width()) for bar in ax.containers[0]]
    [75.0, 9.0]
    """
    if by not in _OF_PRODUCTS:
        raise InvalidInputError(
            f"top_products(): by={by!r} is not known. {allowed_values(by, _OF_PRODUCTS)} Pass one of them."
        )
    column = _OF_PRODUCTS[by]
    require(frame, ["product", column])
    money = currency_of(frame, currency) if by == "revenue" else None
    adds_up = by in ("revenue", "quantity")
    values = numbers(frame, column) if adds_up else frame[column].astype(object).to_numpy()
    lines = pd.DataFrame({"product": frame["product"].astype(object).to_numpy(), by: values})
    named = lines[lines["product"].notna()]
    known = named.dropna(subset=by)
    grouped = known.groupby("product", sort=False)[by]
    products = (grouped.sum() if adds_up else grouped.nunique()).astype(float).reset_index()
    if known.empty:  # the reason why there is nothing to draw is that of the lines
        products = named.assign(**{by: np.nan})[["product", by]]
    products.attrs = dict(frame.attrs)
    if "datetime" in frame.columns and pd.api.types.is_datetime64_any_dtype(frame["datetime"].dtype):
        products.attrs["timeframe"] = dates_in_words(times(frame, "datetime").dropna())
    nameless, without = len(lines) - len(named), len(named) - len(known)
    return draw_ranking(
        products,
        row_kind="product",
        by=by,
        top=top,
        currency=money,
        title=title,
        ax=ax,
        remarks=[
            f"{counted(nameless, 'line')} without a product left out" if nameless else None,
            f"{counted(without, 'line')} without {in_words(column)} left out"
            if without and len(known)
            else None,
        ],
        kwargs=kwargs,
    )


def _shares(trend: Trend) -> tuple[Trend, int]:
    """Return each source's share of its interval's revenue, and how many intervals have none."""
    when = all_times(trend.series).unique().sort_values()
    whole, refused = np.zeros(len(when)), np.zeros(len(when), dtype=bool)
    for one in trend.series:
        place = when.get_indexer(one.when)
        whole[place] += np.nan_to_num(one.values)
        refused[place] |= one.values < 0
    refused |= whole <= 0
    below = np.where(refused, np.nan, whole)
    series = [replace(one, values=one.values / below[when.get_indexer(one.when)]) for one in trend.series]
    return replace(trend, series=series, subject=_SHARE, currency=None), int(refused.sum())


def _stack(ax: Axes, trend: Trend, kwargs: dict[str, Any]) -> tuple[list[Artist], list[str]]:
    """Pile the sources on each other, what was paid back below zero; return the legend's entries."""
    ranked = in_order(trend.series)
    order = sorted(
        ranked, key=lambda name: _SOURCES.index(name.lower()) if name.lower() in _SOURCES else len(_SOURCES)
    )
    series = {one.name: one for one in trend.series}
    when = all_times(trend.series).unique().sort_values()
    above, below = np.zeros(len(when)), np.zeros(len(when))
    width = bar_width(when, trend.interval)
    shade = _shades(ax, order)
    patches: dict[str, Patch] = {}
    for name in order:
        one = series[name]
        place = when.get_indexer(one.when)
        values = np.nan_to_num(one.values)
        gained = values >= 0
        patches[name] = draw_bars(
            ax,
            one.when,
            values,
            complete=one.complete,
            bottom=np.where(gained, above[place], below[place]),
            width=width,
            colour=shade[name],
            label=name,
            kwargs=kwargs,
        )
        above[place] += np.where(gained, values, 0)
        below[place] += np.where(gained, 0, values)
    value_axis(ax, np.concatenate([above, below]), trend.subject.kind, trend.currency)
    if trend.subject == _SHARE:
        ax.set_ylim(0.0, 1.0)
    date_axis(ax, when, trend.interval, margin=width / 2)
    return _legend(ax, trend, order, patches)


def _legend(
    ax: Axes, trend: Trend, order: list[str], patches: dict[str, Patch]
) -> tuple[list[Artist], list[str]]:
    shown = order[:MOST_HUES]
    handles: list[Artist] = [patches[name] for name in shown]
    labels = list(shown)
    if len(order) > MOST_HUES:
        handles.append(patches[order[-1]])
        labels.append(f"+{len(order) - MOST_HUES} more")
    if not all(one.complete.all() for one in trend.series):
        handles.append(partial_patch(ax))
        labels.append(f"incomplete {trend.interval or 'interval'}")
    return handles, labels


def _shades(ax: Axes, order: list[str]) -> dict[str, str]:
    """Return the colour of each source; revenue that no message earned is grey."""
    return colours_of(ax, order)
