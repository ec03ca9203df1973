"""Rates against the benchmarks that a sender should keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from klaviyo_analytics.analysis._engine import WrongFrame
from klaviyo_analytics.analysis.deliverability import limits_of
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import (
    characters,
    new_axes,
    points,
    put_caption,
    put_legend,
    put_note,
    put_title,
    quiet,
    with_period,
)
from klaviyo_analytics.plots._frame import Floats, draws, names, numbers, require, who_counts
from klaviyo_analytics.plots._quantities import capitalised, denominators, in_words, quantity, write
from klaviyo_analytics.plots._rows import dates_of, name_rows, noun_of
from klaviyo_analytics.plots._style import PALETTE, ink, tint
from klaviyo_analytics.plots._text import put_names

_MORE_IS_BETTER = ("delivery_rate", "open_rate", "click_rate", "click_to_open_rate", "conversion_rate")
_FARTHEST = 3.0  # times the benchmark; what lies beyond is drawn as an arrow at the edge
_NARROW = 50  # characters; less room takes signs instead of words
_GOOD, _POOR = PALETTE[0], PALETTE[5]


@dataclass(frozen=True, slots=True)
class _Check:
    """One rate of all rows, and the line it should keep to."""

    column: str
    values: Floats
    benchmark: float
    more_is_better: bool

    @property
    def good(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which values keep to the benchmark; equal to it is good."""
        good: np.ndarray[Any, np.dtype[np.bool_]] = (
            self.values >= self.benchmark if self.more_is_better else self.values <= self.benchmark
        )
        return good


@draws(
    "a summary, client.campaigns.summary(...), with benchmarks=, or the frame of ka.analysis.deliverability(...)"
)
def deliverability(
    frame: pd.DataFrame,
    *,
    benchmarks: str | Mapping[str, float] | None = None,
    source: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw rates against benchmarks: one line per rate, one point per row of the frame.

    All rates share one scale, in which the benchmark is 1. The shaded side is the good one; a point on the
    wrong side has another colour and another shape. Points beyond three times the benchmark stand at the
    edge as arrows.

    Parameters
    ----------
    frame : pandas.DataFrame
        A summary with rates as fractions, one row per campaign, flow, channel, or a single row. Or the frame
        of `analysis.deliverability`, one row per rate, which brings its benchmarks along.
    benchmarks : str or mapping of column to float, optional
        Fraction that each rate should keep to, such as `{"bounce_rate": 0.01, "open_rate": 0.33}`, or the name
        of a profile in `analysis.BENCHMARKS`, such as "good". Delivery, open, click and conversion rates should
        be above it, all others below. A summary needs them.
    source : str, optional
        Where the benchmarks come from, for the caption; a profile's name if that is what was given.
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
    InvalidInputError
        If no profile of benchmarks has this name.
    FrameError
        If a rate is missing or holds no numbers, there are no benchmarks, or one is not above zero.

    Notes
    -----
    A rate is drawn as its row has it. Summaries make it of counts, such as click rate = unique clicks ÷ delivered,
    over those messages alone in which both are known: text messages have no open rate. `analysis.rates` lists the
    numerator and the denominator of each.

    Examples
    --------
    >>> import pandas as pd
    >>> import klaviyo_analytics.plots as plots
    >>> frame = pd.DataFrame({"bounce_rate": [0.004], "open_rate": [0.29]})
    >>> ax = plots.deliverability(frame, benchmarks={"bounce_rate": 0.01, "open_rate": 0.33})
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "verdict"]
    ['0.40%, within ≤ 1%', '29.0%, not within ≥ 33%']
    """
    if isinstance(benchmarks, str):
        source = source or f"profile {benchmarks!r}"
        benchmarks = limits_of(benchmarks)
    checks = _read_judged(frame) if benchmarks is None else _read_summary(frame, benchmarks)
    if bad := [check.column for check in checks if not check.benchmark > 0]:
        raise FrameError(f"a benchmark must be above zero: {', '.join(map(repr, bad))}")
    points_each = max((len(check.values) for check in checks), default=0)
    ax = new_axes(ax)
    quiet(ax, grid="x")
    ax.grid(visible=False)
    rows_above = 0.0
    if any(np.isfinite(check.values).any() for check in checks):
        name_rows(ax, [capitalised(quantity(check.column).label) for check in checks])
        for row, check in enumerate(checks):
            _draw_check(ax, row, check, kwargs)
        _ratio_axis(ax)
        rows_above = _legend(ax, checks)
    else:
        put_note(ax, "No rates to draw" if len(frame) else "No rows to draw")
    ours = with_period(ax, "Deliverability against benchmarks", dates_of(frame), share=0.8)
    put_title(ax, ours if title is None else title, rows_above=rows_above, share=0.8)
    put_caption(
        ax,
        [
            f"Benchmarks: {source}" if source else None,
            f"One point per {_noun(frame)}" if points_each > 1 else None,
            denominators(check.column for check in checks),
            who_counts(frame, [check.column for check in checks]) if characters(ax) >= _NARROW else None,
        ],
        share=0.8,
    )
    return ax


def _read_summary(frame: pd.DataFrame, benchmarks: Mapping[str, float]) -> list[_Check]:
    require(frame, benchmarks)
    return [
        _Check(name, numbers(frame, name), float(value), name in _MORE_IS_BETTER)
        for name, value in benchmarks.items()
    ]


def _read_judged(frame: pd.DataFrame) -> list[_Check]:
    """Read a frame that has the rates below each other, each with its benchmark."""
    if "benchmark" not in frame.columns:
        raise WrongFrame("there is nothing to judge by: give benchmarks='good' or {'bounce_rate': 0.01, ...}")
    require(frame, ["measure", "rate", "better"])
    checks = []
    for measure in dict.fromkeys(names(frame, "measure")):
        rows = frame[[name == measure for name in names(frame, "measure")]]
        limits = set(zip(numbers(rows, "benchmark"), names(rows, "better"), strict=True))
        if len(limits) > 1:
            raise FrameError(f"{measure!r} has several benchmarks, and one line of the plot has one")
        limit, better = limits.pop()
        checks.append(_Check(measure, numbers(rows, "rate"), float(limit), better == "above"))
    return checks


def _draw_check(ax: Axes, row: int, check: _Check, kwargs: Mapping[str, Any]) -> None:
    """Shade the good side, draw the points, and write the verdict."""
    start, end = (1.0, _FARTHEST) if check.more_is_better else (0.0, 1.0)
    ax.barh([row], [end - start], left=start, height=0.62, color=tint(ax, _GOOD, 0.14), zorder=1, gid="zone")
    ax.plot([1, 1], [row - 0.31, row + 0.31], color=ink(ax, 0.55), linewidth=1.2, zorder=1.5)
    ratios, good, beyond = (
        check.values / check.benchmark,
        check.good,
        check.values > _FARTHEST * check.benchmark,
    )
    known = np.isfinite(ratios)
    for chosen, shade, marker in (
        (known & good & ~beyond, _GOOD, "o"),
        (known & ~good & ~beyond, _POOR, "D"),
        (known & good & beyond, _GOOD, ">"),
        (known & ~good & beyond, _POOR, ">"),
    ):
        if chosen.any():
            size = points(0.8) ** 2
            looks = {"color": shade, "marker": marker, "s": size, "zorder": 2}
            looks |= {"edgecolors": ax.get_facecolor(), "clip_on": False}
            x = np.minimum(ratios[chosen], _FARTHEST)
            ax.scatter(x, np.full(len(x), row), **{**looks, **kwargs})
    text = ax.annotate(
        _verdict(check, short=characters(ax) < _NARROW),
        xy=(1, row),
        xycoords=("axes fraction", "data"),
        xytext=(1.2, 0),
        textcoords="offset fontsize",
        va="center",
        color=ink(ax, 0.75),
        annotation_clip=False,
        gid="verdict",
    )
    put_names([text])


def _verdict(check: _Check, *, short: bool) -> str:
    """Write whether the rates keep to the benchmark, and how many do if not all."""
    side = "≥" if check.more_is_better else "≤"
    target = f"{side} {check.benchmark * 100:.4g}%"
    within = "" if short else "within "
    known = np.isfinite(check.values)
    if not known.any():
        return f"no value, {target}"
    kept = int((known & check.good).sum())
    if len(check.values) == 1:
        return f"{write(float(check.values[0]), 'rate')}, {'' if kept else 'not '}{within}{target}"
    count = "" if kept == known.sum() else f"{kept} of {known.sum()} "
    return f"{count}{within}{target}"


def _noun(frame: pd.DataFrame) -> str:
    """Return what a point stands for."""
    kinds = ("campaign", "flow", "channel", "attributed_channel")
    found = next((kind for kind in kinds if kind in frame.columns), "row")
    return in_words(noun_of(frame, found))


def _ratio_axis(ax: Axes) -> None:
    ax.set_xlim(-0.07, _FARTHEST + 0.07)
    ticks = {0: "0", 1: "benchmark", 2: "2×", 3: "3×"}
    shown = [1, 3] if characters(ax) < _NARROW else list(ticks)
    ax.set_xticks(shown, labels=[ticks[tick] for tick in shown])
    ax.spines["left"].set_visible(False)


def _legend(ax: Axes, checks: Sequence[_Check]) -> float:
    """Explain the marks that are there."""
    known = [check for check in checks if np.isfinite(check.values).any()]
    marks = [("keeps to it", "o", _GOOD), ("misses it", "D", _POOR)]
    if any((check.values > _FARTHEST * check.benchmark).any() for check in known):
        marks.append((f"beyond {_FARTHEST:g}×", ">", ink(ax, 0.55)))
    dots = [
        Line2D([], [], marker=shape, markersize=points(0.7), linestyle="none", color=shade)
        for _, shape, shade in marks
    ]
    return put_legend(ax, dots, [label for label, _, _ in marks], beside=False, share=0.8)
