"""Customers: RFM, cohorts, retention and lifetime value; and the made-up ones of the gallery."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from klaviyo_analytics import analysis
from klaviyo_analytics.analysis.rfm import KLAVIYO_GROUPS
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import new_axes, put_caption, put_legend, put_note, put_title, quiet
from klaviyo_analytics.plots._frame import currency_of, draws, finished, labels_of, names, numbers, require
from klaviyo_analytics.plots._matrix import draw_cells, scale_in_words, share_beside
from klaviyo_analytics.plots._quantities import Kind, QuantityFormatter, write
from klaviyo_analytics.plots._style import MOST_HUES, MUTED, PALETTE, ink, line_width

_STEPS = ("Viewed Product", "Checkout Started", "Placed Order")
_SOURCES = ("popup", "checkout", "footer", "quiz")


def orders(*, rows: int = 900, customers: int = 300, seed: int = 7) -> pd.DataFrame:
    """Return events of three metrics over 15 months, more of them early."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, customers, rows)
    days = rng.exponential(160, rows) % 450
    when = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.round(days * 24), unit="h")
    return pd.DataFrame(
        {
            "id": [f"e{number}" for number in range(rows)],
            "profile_id": [f"P{number}" for number in who],
            "datetime": when,
            "value": rng.gamma(2, 30, rows).round(2),
            "source": [_SOURCES[number % len(_SOURCES)] for number in who],
            "metric": rng.choice(_STEPS, rows, p=[0.5, 0.3, 0.2]),
        }
    )


def scores() -> pd.DataFrame:
    """Return customers in Klaviyo's groups, with movement."""
    return analysis.klaviyo_rfm(orders(), previous=["2025-06-01", "2025-12-01"])


def cohorts() -> pd.DataFrame:
    """Return monthly cohorts."""
    return analysis.cohorts(orders())


def curve(*, by: str | None = None) -> pd.DataFrame:
    """Return retention curves, one or one for each source."""
    return analysis.retention_curves(orders(), by=by or ())


def overlap() -> pd.DataFrame:
    """Return the overlap of sources that share some profiles."""
    one = orders()[["profile_id", "source"]].rename(columns={"source": "group"})
    other = one.assign(group=one["group"].iloc[::-1].to_numpy()).iloc[::3]
    return analysis.overlap(pd.concat([one, other]))


def funnel() -> pd.DataFrame:
    """Return a funnel of three steps."""
    return analysis.ordered_funnel(orders(), _STEPS, within=90)


def years() -> pd.DataFrame:
    """Return two and a half years of counts, by month."""
    when = pd.date_range("2024-01-01", "2026-05-20", tz="UTC")
    days = np.arange(len(when))
    counts = np.round(100 + 0.02 * days + 30 * np.sin(days / 58))
    return analysis.year_over_year(
        pd.DataFrame({"datetime": when, "count": counts, "complete": days < len(days) - 1})
    )


def values() -> pd.DataFrame:
    """Return customers with a lifetime value; made up here, so that drawing does not need SciPy."""
    rng = np.random.default_rng(7)
    expected = rng.gamma(0.8, 1.0, 300)
    return pd.DataFrame({"expected_orders": expected, "lifetime_value": expected * rng.gamma(6, 10, 300)})


_MAP = "the frame of ka.analysis.rfm(...) or ka.analysis.klaviyo_rfm(...)"
_MOVES = "the frame of ka.analysis.klaviyo_rfm(..., previous=...)"
_NEW = "no other group before"


@draws(_MAP)
def rfm_map(frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw how many customers have each pair of recency and frequency scores.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per customer with the scores `r` and `f`, as `analysis.rfm` and `analysis.klaviyo_rfm` return it.
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
        If a column is missing or does not hold numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> ax = plots.rfm_map(pd.DataFrame({"r": [1, 3, 3], "f": [1, 3, 3]}))
    >>> sorted(text.get_text() for text in ax.texts if text.get_text().isdigit())
    ['0', '0', '0', '0', '0', '0', '0', '1', '2']
    """
    require(frame, ["r", "f"])
    recency, frequency = numbers(frame, "r"), numbers(frame, "f")
    ax = new_axes(ax)
    quiet(ax)
    put_title(ax, "Customers by recency and frequency" if title is None else title)
    known = (np.nan_to_num(recency) >= 1) & (np.nan_to_num(frequency) >= 1)
    if not known.any():
        put_note(
            ax,
            "No values: no row has scores of 1 or more in 'r' and 'f'" if len(frame) else "No rows to draw",
        )
        return ax
    bins = int(max(recency[known].max(), frequency[known].max(), 3))
    counts = np.zeros((bins, bins))
    np.add.at(counts, (bins - frequency[known].astype(int), recency[known].astype(int) - 1), 1)
    scores = [str(score) for score in range(1, bins + 1)]
    written = draw_cells(ax, counts, rows=scores[::-1], columns=scores, kind="count", kwargs=kwargs)
    ax.set_xlabel(f"recency score ({bins} = ordered most recently)")
    ax.set_ylabel(f"frequency score ({bins} = most orders)")
    left_out = len(frame) - int(known.sum())
    put_caption(
        ax,
        [
            f"{int(known.sum()):,} customers",
            None if written else scale_in_words(counts, "count"),
            f"{left_out:,} without scores not drawn" if left_out else None,
        ],
    )
    return ax


@draws(_MOVES)
def rfm_movement(
    frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw how many customers came from which RFM group into which.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per customer: `group` and `previous_group`, as `analysis.klaviyo_rfm` returns them.
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
        If a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"group": ["Champions", "Loyal"], "previous_group": ["Loyal", None]})
    >>> ax = plots.rfm_movement(frame)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['Champions', 'Loyal']
    """
    require(frame, ["group", "previous_group"])
    ax = new_axes(ax, rows=8)
    quiet(ax)
    before = [_NEW if pd.isna(one) else str(one) for one in frame["previous_group"].astype(object)]
    share = share_beside(ax, before)
    put_title(ax, "Movement between RFM groups" if title is None else title, share=share)
    if frame.empty:
        put_note(ax, "No rows to draw")
        return ax
    now = names(frame, "group")
    to, origin = _in_order(now), _in_order(before)
    counts = np.full((len(origin), len(to)), np.nan)
    for (source, target), count in Counter(zip(before, now, strict=True)).items():
        counts[origin.index(source), to.index(target)] = count
    written = draw_cells(ax, counts, rows=origin, columns=to, kind="count", kwargs=kwargs)
    ax.set_xlabel("group now")
    ax.set_ylabel("previous group")
    moved = sum(one != _NEW for one in before)
    put_caption(
        ax,
        [
            f"{write(len(frame), 'count')} customers, {write(moved, 'count')} of them changed group",
            None if written else scale_in_words(counts, "count"),
        ],
        share=share,
    )
    return ax


def _in_order(found: list[str]) -> list[str]:
    """Return the groups from the best to the worst, then any others."""
    present = set(found)
    known = [name for name in KLAVIYO_GROUPS if name in present]
    others = sorted(present - set(known) - {_NEW})
    return [*known, *others, *([_NEW] if _NEW in present else [])]


@draws("the frame of ka.analysis.customer_lifetime_value(...)")
def lifetime_value(
    frame: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw which share of the expected value comes from which share of the customers.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per customer: `lifetime_value`, or `expected_orders` where no value is known, as
        `analysis.customer_lifetime_value` returns them.
    title : str, optional
        `""` for none.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure if omitted.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FrameError
        If a column is missing or does not hold numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"expected_orders": [1.0, 0.5, 0.5], "lifetime_value": [60.0, 20.0, 20.0]})
    >>> ax = plots.lifetime_value(frame)
    >>> [round(float(value), 2) for value in ax.lines[0].get_ydata()]
    [0.0, 0.6, 0.8, 1.0]
    """
    require(frame, ["lifetime_value", "expected_orders"])
    values, subject = numbers(frame, "lifetime_value"), "expected value"
    if not np.isfinite(values).any():
        values, subject = numbers(frame, "expected_orders"), "expected orders"
    known = np.sort(values[np.isfinite(values)])[::-1]
    ax = new_axes(ax)
    quiet(ax)
    put_title(ax, f"Customers and their {subject}" if title is None else title)
    if not len(known):
        put_note(
            ax,
            f"No values: {'lifetime_value'!r} is missing in every row" if len(frame) else "No rows to draw",
        )
        return ax
    total = float(known.sum())
    share = np.concatenate([[0.0], np.cumsum(known) / (total or 1.0)])
    people = np.linspace(0, 1, len(share))
    looks: dict[str, Any] = {"color": PALETTE[0], "linewidth": line_width(), **kwargs}
    ax.plot(people, share, **looks)
    ax.fill_between(people, share, color=PALETTE[0], alpha=0.12, linewidth=0)
    ax.plot([0, 1], [0, 1], color=ink(ax, MUTED), linewidth=0.8)
    tenth = float(np.interp(0.1, people, share))
    ax.plot([0.1], [tenth], marker="o", color=PALETTE[0])
    ax.annotate(
        f"● best 10% of customers: {write(tenth, 'rate')}",
        (0.98, 0.04),
        xycoords="axes fraction",
        color=ink(ax, 0.8),
        ha="right",
    )
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol="%"))
    ax.tick_params(axis="x", pad=8)  # both axes begin with 0%, side by side in the corner
    ax.set_xlabel("share of customers, the best first")
    ax.set_ylabel(f"share of {subject}")
    left_out = len(frame) - len(known)
    put_caption(
        ax,
        [
            f"{len(known):,} customers, {subject} {write(total, 'number')} in all",
            "grey: if all were alike",
            f"{left_out:,} without a value not drawn" if left_out else None,
        ],
    )
    return ax


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
    labels = [f"{name} ({size:,.0f})" if np.isfinite(size) else name for name, size in _cohort_sizes(frame)]
    ax = new_axes(ax, rows=min(len(cohorts), 30))
    quiet(ax)
    put_title(ax, "Cohorts by age" if title is None else title, share=share_beside(ax, labels))
    measure = next((name for name in _SHARES if name in frame.columns), "customers")
    drawn, ages = numbers(frame, value), numbers(frame, "age")
    if frame.empty or not np.isfinite(drawn).any():
        put_note(ax, f"No values: {value!r} is missing in every row" if len(frame) else "No rows to draw")
        return ax
    width = int(np.nanmax(ages)) + 1
    cells, open_ = np.full((len(cohorts), width), np.nan), np.zeros((len(cohorts), width), dtype=bool)
    place = {cohort: row for row, cohort in enumerate(cohorts)}
    for cohort, age, one, whole in zip(names(frame, "cohort"), ages, drawn, finished(frame), strict=True):
        if np.isfinite(age):
            cells[place[cohort], int(age)] = one
            open_[place[cohort], int(age)] = not whole
    kind: Kind = "rate" if value == "share" and measure == "customers" else "number"
    if measure == "revenue" and value in ("share", "revenue"):
        kind = "money"
    currency = currency_of(frame, None) if kind == "money" else None
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
        share=share_beside(ax, labels),
    )
    return ax


def _cohort_sizes(frame: pd.DataFrame) -> list[tuple[str, float]]:
    """Return each cohort with its size, in the order of the frame."""
    return list(dict(zip(names(frame, "cohort"), numbers(frame, "size"), strict=True)).items())


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
    labels = labels_of(frame, hue) if hue else ["all"] * len(frame)
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
        colour = PALETTE[coloured.index(name)] if bright else ink(ax, MUTED)
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
        handles.append(Line2D([], [], color=ink(ax, MUTED), linewidth=0.8))
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
