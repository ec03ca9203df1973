"""The picture that fits a frame of an analysis: `frame.attrs["analysis"]` says which one that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from klaviyo_analytics._messages import looks_like
from klaviyo_analytics.analysis._engine import (
    WrongFrame,
    as_frame,
    opened,
    require_addable,
    require_numbers,
    series_columns,
)
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import new_axes, put_caption, put_note, put_title, quiet
from klaviyo_analytics.plots._frame import NO_NAME, NOT_ATTRIBUTED, currency_of, labels_of, numbers, require
from klaviyo_analytics.plots._quantities import Kind, capitalised, in_words, write
from klaviyo_analytics.plots._rows import name_rows
from klaviyo_analytics.plots._style import PALETTE
from klaviyo_analytics.plots._text import legible, put_names, told_apart
from klaviyo_analytics.plots.attribution import attribution_comparison, bridge
from klaviyo_analytics.plots.audience import ordered_funnel, overlap, segment_sizes, year_over_year
from klaviyo_analytics.plots.campaigns import ab_forest
from klaviyo_analytics.plots.customers import (
    cohort_heatmap,
    lifetime_value,
    retention_curves,
    rfm_map,
    rfm_movement,
)
from klaviyo_analytics.plots.revenue import revenue_split, top_products
from klaviyo_analytics.plots.timing import conversion_lag, fatigue, send_time_heatmap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PICTURES: Mapping[str, Callable[..., Any]] = {
    "ab_test": ab_forest,
    "attribution_comparison": attribution_comparison,
    "bridge": bridge,
    "cohorts": cohort_heatmap,
    "conversion_lag": conversion_lag,
    "fatigue": fatigue,
    "lifetime_value": lifetime_value,
    "ordered_funnel": ordered_funnel,
    "overlap": overlap,
    "retention_curves": retention_curves,
    "rfm": rfm_map,
    "year_over_year": year_over_year,
}
# analysis -> (columns that name a bar, column of its length, kind of number, title); "campaign/campaign_id" is the
# name where one is known, else the id
_BARS: Mapping[str, tuple[tuple[str, ...], str, Kind, str]] = {
    "attribution": (("channel",), "revenue", "money", "Attributed revenue"),
    "coupons": (("coupon",), "revenue", "money", "Revenue of orders with a coupon"),
    "by_segment": (("group",), "revenue", "money", "Revenue by segment"),
    "deliverability_by_provider": (
        ("Inbox Provider", "Email Domain", "measure"),
        "rate",
        "rate",
        "Rates by provider",
    ),
    "engagement_tiers": (("tier",), "profiles", "count", "Profiles by last engagement"),
    "flow_collisions": (("first", "second"), "collisions", "count", "Messages of two flows that met"),
    "growth_by_source": (("period", "Method", "List"), "subscribed", "count", "Subscriptions by source"),
    "holdout_lift": (("group",), "difference", "rate", "Added by messages, over the holdout"),
    "links": (("campaign", "flow", "message", "url"), "clicks", "count", "Clicks by link"),
    "replenishment": (("product",), "orders", "count", "Orders of a product by its customers"),
    "subject_lines": (("feature", "value"), "rate", "rate", "Rates by subject line"),
    "touch_rollup": (
        ("campaign/campaign_id", "flow/flow_id", "variation_id", "profile_id"),
        "revenue",
        "money",
        "Attributed revenue",
    ),
    "flow_health": (("flow",), "change", "rate", "Change of the rate by flow"),
    "flow_losses": (("flow", "message"), "left_rate", "rate", "People lost by message"),
    "new_and_returning": (
        ("month", "customer"),
        "revenue",
        "money",
        "Revenue of new and returning customers",
    ),
    "product_affinity": (("product_a", "product_b"), "together", "count", "Bought together"),
    "repeat_purchase": (("order",), "share", "rate", "Customers who order again after order n"),
}
# frames that name no analysis, by the columns that only they have together
_BY_COLUMNS: tuple[tuple[frozenset[str], Callable[..., Any]], ...] = (
    (frozenset({"datetime", "segment_id", "total_members"}), segment_sizes),
    (frozenset({"order_id", "line", "product", "line_total"}), top_products),
)
# frames whose first rows matter more than the longest bars: the largest provider comes first
_IN_ORDER = {"deliverability_by_provider"}
_MOST = 15
_LONGEST = 40  # characters of a word
_UNKNOWN = "frame.attrs has no 'analysis', which names the picture"


def auto(frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the picture that fits a frame of `client.analyses` or `archive.analyses`.

    Parameters
    ----------
    frame : pandas.DataFrame
        As an analysis returned it; `frame.attrs["analysis"]` names the analysis. Operations of pandas may lose it.
        The frames of `client.reports.segment_series` and `analysis.order_items` are known by their columns.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.

    Returns
    -------
    matplotlib.axes.Axes
        What the plot of that analysis draws, such as `rfm_map` or `cohort_heatmap`; stacked months for
        `new_and_returning`, and horizontal bars for any other analysis without a plot of its own. Of more than 15
        bars it draws the 15 longest (of `deliverability_by_provider` the first 15, the largest providers), and says
        so below.

    Raises
    ------
    FrameError
        The frame does not say which analysis it is of. Or several rows make one bar, and their sum does not fit into
        64 bits, mixes currencies, or would be one of rates.

    Notes
    -----
    A rate is drawn as the analysis made it, and its docstring says of which numerator and denominator, and which rows
    count as known. Rates of several rows are never added up: each row has its bar.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"tier": ["0-30 days", "never"], "profiles": [30, 12]})
    >>> frame.attrs["analysis"] = "engagement_tiers"
    >>> ax = plots.auto(frame)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['0-30 days', 'never']
    """
    frame = as_frame(frame)
    try:
        require(frame, [])
    except WrongFrame as error:
        raise FrameError(
            f"{error}. Pass a frame of client.analyses, such as client.analyses.rfm()."
        ) from None
    kind = str(frame.attrs.get("analysis", ""))
    if kind == "klaviyo_rfm":
        return (rfm_movement if "previous_group" in frame.columns else rfm_map)(frame, title=title, ax=ax)
    if kind == "send_times":
        if {"weekday", "hour"} <= set(frame.columns):
            return send_time_heatmap(frame, title=title, ax=ax)
        return _bars(frame, (str(frame.columns[0]),), "rate", "rate", title or "Rate by time of sending", ax)
    if kind == "new_and_returning" and (months := _by_month(frame)) is not None:
        usual = _BARS[kind][-1] if title is None else title
        return revenue_split(months, hue="customer", interval="month", title=usual, ax=ax)
    if kind in _PICTURES:
        axes: Axes = _PICTURES[kind](frame, title=title, ax=ax)
        return axes
    if kind in _BARS:
        labels, value, unit, usual = _BARS[kind]
        if kind == "holdout_lift" and "unit" in frame.columns and frame["unit"].eq("value").any():
            unit = "money"
        return _bars(frame, labels, value, unit, usual if title is None else title, ax)
    for columns, picture in _BY_COLUMNS if "analysis" not in frame.attrs else ():
        if columns <= set(frame.columns):
            drawn: Axes = picture(frame, title=title, ax=ax)
            return drawn
    named = f"frame.attrs['analysis'] is {kind!r}, which names no picture" if kind else _UNKNOWN
    like = looks_like(frame) if not kind else ""
    raise FrameError(
        f"{named}{f'; given: {like}' if like else ''}. Expected an unchanged frame of client.analyses, such as "
        "client.analyses.rfm(). Or call the plot by its name, such as ka.plots.rfm_map(frame)."
    )


def _by_month(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return the frame with its months as times; None if it is empty or has another grouping than months."""
    keys = ["month", "customer"]
    if not {*keys, "revenue"} <= set(frame.columns) or frame.empty or frame.duplicated(keys).any():
        return None
    months = pd.to_datetime(frame["month"].astype("string"), format="%Y-%m", errors="coerce")
    if months.isna().any():
        return None
    customers = frame["customer"].astype("string").str.capitalize()
    return frame.assign(datetime=months.dt.tz_localize(frame.attrs.get("timezone")), customer=customers)


def _added(frame: pd.DataFrame, keys: list[str], value: str, unit: Kind) -> pd.DataFrame:
    """Return a row for each bar, with the sum of its rows; refuse what is never added up."""
    if unit == "rate":
        twice = frame.loc[frame.duplicated(keys), keys].iloc[0]
        raise FrameError(
            f"several rows have {', '.join(f'{key}={twice[key]!r}' for key in keys)}, and rates are never added up. "
            "Filter the frame to one row for each bar."
        )
    table = opened(frame)
    require_numbers(table, [value])
    require_addable(table, [value], keys=keys, floats=True)
    rows = frame.groupby(keys, sort=False, dropna=False)[[value]].sum(min_count=1).reset_index()
    rows.attrs = dict(frame.attrs)
    return rows


def _bars(
    frame: pd.DataFrame, labels: tuple[str, ...], value: str, unit: Kind, title: str, ax: Axes | None
) -> Axes:
    """Draw a bar for each row, the longest 15 if there are more."""
    named = [[name for name in label.split("/") if name in frame.columns] for label in labels]
    keys = [name for group in named for name in group]
    if not keys or value not in frame.columns:
        raise FrameError(
            f"the frame lacks {value!r} or a column of names. Expected the frame of the analysis, unchanged."
        )
    currency = currency_of(frame, None) if unit == "money" else None
    rows: pd.DataFrame = frame
    if unit == "rate":  # never added up: what else tells the rows apart is written, too
        for name in series_columns(opened(frame), besides=keys):
            if frame.duplicated(keys).any() and name != "verdict" and frame[name].nunique() > 1:
                keys.append(name)
                named.append([name])
    if frame.duplicated(keys).any():  # such as a row for each order and touch
        rows = _added(frame, keys, value, unit)
    left_out = max(len(rows) - _MOST, 0)
    in_order = frame.attrs.get("analysis") in _IN_ORDER
    if left_out and in_order:
        rows = rows.head(_MOST)
    elif left_out:
        order = numbers(rows, value)
        longest = np.argsort(-np.abs(np.nan_to_num(order)), kind="stable")[:_MOST]
        rows = rows.iloc[np.sort(longest)]
    ax = new_axes(ax, rows=len(rows))
    quiet(ax, grid="x")
    put_title(ax, title)
    lengths = numbers(rows, value)
    if rows.empty or not np.isfinite(lengths).any():
        put_note(ax, f"No values: {value!r} is missing in every row" if len(rows) else "No rows to draw")
        return ax
    places = np.arange(len(rows))
    ax.barh(places, np.nan_to_num(lengths), color=PALETTE[0], height=0.62)
    parts = [_first_known(rows, names) for names in named if names]
    nothing = NOT_ATTRIBUTED if frame.attrs.get("analysis") == "touch_rollup" else NO_NAME
    texts = [
        " · ".join(part for part in row if part != NO_NAME) or nothing for row in zip(*parts, strict=True)
    ]
    name_rows(ax, texts)
    if any(
        len(word) > _LONGEST for text in texts for word in text.split()
    ):  # a URL does not break into lines
        ax.set_yticks(places, [legible(text) for text in told_apart(texts, _LONGEST)])
        put_names(ax.get_yticklabels())
    if np.nanmin(lengths) < 0:
        ax.spines["left"].set_visible(False)
        ax.axvline(0, linewidth=0.8, color=ax.spines["left"].get_edgecolor())
    ax.set_xticks([])
    ax.margins(x=0.15)
    for place in places:
        if np.isfinite(lengths[place]):
            said = (
                write(float(lengths[place]), unit, currency=currency)
                if unit == "money"
                else write(float(lengths[place]), unit)
            )
            ax.annotate(
                said, (float(lengths[place]), place), xytext=(0.5 if lengths[place] >= 0 else -0.5, 0),
                textcoords="offset fontsize", ha="left" if lengths[place] >= 0 else "right", va="center",
                fontsize="small",
            )  # fmt: skip
    part = "the first" if in_order else "the longest bars"
    put_caption(
        ax,
        [
            f"{capitalised(in_words(value))} in {currency}" if currency else None,
            f"{_MOST} of {_MOST + left_out} rows, {part}" if left_out else None,
        ],
    )
    return ax


def _first_known(rows: pd.DataFrame, columns: list[str]) -> list[str]:
    """Return the labels of the first column that has one, row by row."""
    labels = zip(*(labels_of(rows, name) for name in columns), strict=True)
    return [next((label for label in row if label != NO_NAME), NO_NAME) for row in labels]
