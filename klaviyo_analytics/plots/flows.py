"""Flows: how far people get from message to message, and how a flow does over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from klaviyo_analytics import analysis
from klaviyo_analytics._messages import counted
from klaviyo_analytics.analysis._engine import FLOWS
from klaviyo_analytics.analysis.measures import additive, refuse_unique
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import (
    across_axis,
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
from klaviyo_analytics.plots._frame import (
    Floats,
    draws,
    finished,
    names,
    numbers,
    of_conversion,
    require,
    who_counts,
)
from klaviyo_analytics.plots._lines import made_of_counts
from klaviyo_analytics.plots._quantities import denominators, quantity, write, write_column
from klaviyo_analytics.plots._rows import dates_of, largest, name_rows, noun_of, row_names
from klaviyo_analytics.plots._style import MUTED, PALETTE, ink
from klaviyo_analytics.plots._time_axis import Annotations
from klaviyo_analytics.plots.trend import Trend, draw_titled, read_trend, title_of

STAGES = ("delivered", "opens_unique", "clicks_unique", "conversion_uniques")
_IDENTITY = ("flow_id", "flow", "flow_message_id", "message", "message_position", "channel")
_RATES = {"open_rate": "open", "click_rate": "click", "conversion_rate": "convert"}
_PEOPLE = {"opens_unique": "opened", "clicks_unique": "clicked", "conversion_uniques": "converted"}
_NARROW, _ROOMY, _NAME = 50, 75, 20  # characters
_THIN = 0.2  # of the font size
_SMALL = 1.2  # an offset in font sizes shrinks with small type


@dataclass(frozen=True, slots=True)
class Funnel:
    """Rows with the people at each stage, and rates to stand beside them under their headings."""

    labels: list[str]
    flows: list[str]
    counts: dict[str, Floats]
    rates: dict[str, Floats]
    caption: str | None
    rows: int

    @property
    def empty(self) -> str | None:
        """Why there is nothing to draw, if so."""
        if not self.rows:
            return "No rows to draw"
        known = any(np.isfinite(values).any() for values in self.counts.values())
        return None if known else f"No values: {next(iter(self.counts))!r} is missing in every row"


def read_funnel(frame: pd.DataFrame, *, stages: Sequence[str] | None, top: int) -> Funnel:
    """Read the rows with the largest first stage, in the order of their flow or of the frame."""
    if "stage" in frame.columns:
        return _read_stages(frame, top=top)
    wanted = list(stages or STAGES)
    require(frame, ["flow", *wanted])
    rates = {rate: heading for rate, heading in _RATES.items() if rate in frame.columns}
    return _read_wide(frame, wanted, rates, top=top, caption=denominators(rates))


def _read_wide(
    frame: pd.DataFrame, stages: Sequence[str], rates: Mapping[str, str], *, top: int, caption: str | None
) -> Funnel:
    frame = _in_flow_order(frame)
    first = np.nan_to_num(numbers(frame, stages[0]))
    shown = frame.iloc[np.sort(largest(first, top))]
    flows = list(dict.fromkeys(names(frame, "flow")))
    one_flow = len(flows) == 1 and "message" in frame.columns
    return Funnel(
        labels=names(shown, "message") if one_flow else row_names(shown, "flow"),
        flows=flows,
        counts={stage: numbers(shown, stage) for stage in stages},
        rates={heading: numbers(shown, rate) for rate, heading in rates.items()},
        caption=caption,
        rows=len(frame),
    )


def _in_flow_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Put each flow's messages in the order in which they are sent, where the summary tells it."""
    if "message_position" not in frame.columns:
        return frame
    place = np.nan_to_num(numbers(frame, "message_position"), nan=np.inf)
    flow, _ = pd.factorize(np.array(names(frame, "flow"), dtype=object))
    return frame.iloc[np.lexsort((place, flow))]


def _read_stages(frame: pd.DataFrame, *, top: int) -> Funnel:
    """Read a frame with one row per message and stage, where each rate is of the first stage."""
    require(frame, ["flow", "stage", "profiles", "overall_rate"])
    ids = [name for name in _IDENTITY if name in frame.columns]
    if frame.duplicated([*ids, "stage"]).any():
        raise FrameError("several rows share one message and 'stage', and a plot does not add them up")
    if frame.empty:
        return Funnel(labels=[], flows=[], counts={}, rates={}, caption=None, rows=0)
    wide = frame[ids].drop_duplicates(ignore_index=True)
    stages = list(dict.fromkeys(frame["stage"]))
    for stage in stages:
        part = frame.loc[frame["stage"] == stage, [*ids, "profiles", "overall_rate"]]
        part = part.rename(columns={"profiles": stage, "overall_rate": f"{stage} rate"})
        wide = wide.merge(part, how="left", on=ids)
    rates = {f"{stage} rate": _PEOPLE.get(stage, quantity(stage).label) for stage in stages[1:]}
    return _read_wide(wide, stages, rates, top=top, caption=f"rates ÷ {quantity(stages[0]).label}")


def draw_funnel(ax: Axes, funnel: Funnel, kwargs: Mapping[str, Any]) -> float:
    """Draw each stage thinner than the one before, so that a stage that outgrew the last is seen as well.

    Returns the rows of text above the axes.
    """
    shades = _shades(ax, list(funnel.counts))
    for rank, (stage, values) in enumerate(funnel.counts.items()):
        height = 0.78 * (1 - rank / (len(funnel.counts) + 1))
        options = {"color": shades[stage], "height": height, "label": quantity(stage).label}
        options["zorder"] = 2 + rank / 10
        bars = ax.barh(range(len(values)), np.nan_to_num(values), **{**options, **kwargs})
        for bar, people in zip(bars, values, strict=True):
            if people > 0:  # a few people among thousands are a line that can be seen
                bar.set(edgecolor=bar.get_facecolor(), linewidth=max(bar.get_linewidth(), points(_THIN)))
    known = np.concatenate(list(funnel.counts.values()))
    across_axis(ax, known, "count")
    rows = _columns(ax, funnel) if funnel_has_room(ax) else 0.0
    people = [_PEOPLE.get(stage, quantity(stage).label) for stage in funnel.counts]
    patches = [Patch(facecolor=shades[stage]) for stage in funnel.counts]
    return rows + put_legend(ax, patches, people, rows_above=rows, beside=False, share=0.8)


def funnel_has_room(ax: Axes) -> bool:
    """Return whether names, bars and the table of rates fit beside each other."""
    return characters(ax) >= _NARROW


def _shades(ax: Axes, stages: Sequence[str]) -> dict[str, str]:
    known = {
        "recipients": ink(ax, 0.6),
        "delivered": ink(ax, MUTED),
        "opens_unique": PALETTE[4],
        "clicks_unique": PALETTE[0],
        "conversion_uniques": PALETTE[5],
    }
    others = iter([ink(ax, MUTED), *PALETTE] * len(stages))
    return {stage: known.get(stage) or next(others) for stage in stages}


def _columns(ax: Axes, funnel: Funnel) -> float:
    """Write people, and the rates of them, as a small table right of the bars; return the rows of its heading."""
    first, *later = funnel.counts
    columns = [(_PEOPLE.get(first, quantity(first).label), _written(funnel.counts[first]), "count")]
    stages = dict(zip(funnel.rates, later, strict=False)) if len(funnel.rates) == len(later) else {}
    longest = max((len(line) for label in funnel.labels for line in label.splitlines()), default=0)
    if characters(ax) < _ROOMY + max(0, longest - _NAME):  # beside the rates alone the bars keep their width
        columns, stages = [], {}
    for heading, rates in funnel.rates.items():
        columns.append((heading, write_column(rates, "rate"), "rate"))
        if heading in stages:
            columns.insert(-1, ("", _written(funnel.counts[stages[heading]]), "count"))
    looks: dict[str, Any] = {"ha": "right", "textcoords": "offset fontsize", "annotation_clip": False}
    right = 0.0
    for heading, texts, gid in columns:
        right += 0.62 * max(len(heading) * 0.83, *map(len, texts), 4) + 0.9
        ax.annotate(
            heading,
            xy=(1, 1),
            xycoords="axes fraction",
            xytext=(right * _SMALL, 0.3),
            va="bottom",
            fontsize="small",
            color=ink(ax, 0.55),
            **looks,
        )
        for row, text in enumerate(texts):
            ax.annotate(
                text,
                xy=(1, row),
                xycoords=("axes fraction", "data"),
                xytext=(right, 0),
                va="center",
                color=ink(ax, 0.75 if gid == "rate" else 0.6),
                gid=gid,
                **looks,
            )
    return 0.9 if columns else 0.0


def _written(counts: Floats) -> list[str]:
    return [write(float(count), "count") if np.isfinite(count) else "–" for count in counts]


_IDS = {"flow": "flow_id", "message": "flow_message_id"}
_ALONE = "draw one message: frame[frame['message'] == ...]"


def together(frame: pd.DataFrame, *, x: str, y: str, hue: str | None) -> tuple[pd.DataFrame, str | None]:
    """Return one row for each interval and line, and a word on how, where there are several.

    Counts and money add up over messages; a rate is made anew of the counts that it is made of.
    """
    require(frame, [x, hue])
    keys = [x] if hue is None else [x, hue]
    if not frame.duplicated(keys).any():
        require(frame, [y])
        return frame, None
    _require_different_names(frame, hue)
    parts = _parts(frame, y, hue)
    currency = [name for name in ("currency", "value_currency") if name in frame.columns]
    rows = analysis.roll_up(frame[[*keys, *parts, *currency]], by=keys)
    whole = frame[keys].assign(complete=finished(frame)).groupby(keys, dropna=False)["complete"].all()
    rows = rows.merge(whole.reset_index(), on=keys, how="left", validate="1:1")
    rows.attrs = dict(frame.attrs)
    return rows, f"all messages of {'a ' + hue if hue else 'all flows'} together"


def _parts(frame: pd.DataFrame, y: str, hue: str | None) -> list[str]:
    """Return what has to be added up for `y`, or say why it cannot be had."""
    line = hue or "line"
    if rate := RATES.get(y):
        parts = [rate.numerator, rate.denominator]
        if missing := [name for name in parts if name not in frame.columns]:
            raise FrameError(
                f"each {line} has several messages, and {y!r} of them together is made of {parts[0]!r} and "
                f"{parts[1]!r}, of which the frame lacks {' and '.join(map(repr, missing))}: ask for them, "
                f"client.reports.flow_series(statistics={parts}, ...), or {_ALONE}"
            )
        return parts
    require(frame, [y])
    refuse_unique([y] if not additive([y], over_time=False) else [], instead=_ALONE)
    if not additive([y], over_time=False):
        raise FrameError(f"each {line} has several messages, and {y!r} is not known to add up: {_ALONE}")
    return [y]


def _require_different_names(frame: pd.DataFrame, hue: str | None) -> None:
    """Raise FrameError if one name stands for several flows or messages."""
    id = _IDS.get(hue or "")
    if hue is None or id is None or id not in frame.columns:
        return
    several = frame.groupby(hue)[id].nunique()
    if len(shared := several.index[several > 1]):
        raise FrameError(
            f"several {hue}s are called {shared[0]!r}: draw hue={id!r}, or filter to one of them"
        )


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

    Notes
    -----
    The rates of a summary are its own: people of the stage ÷ delivered. Those of `analysis.flow_funnel` are people of
    the stage ÷ those of the first stage. Messages count whose two numbers are known: text messages have no open rate.

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
    row_kind = noun_of(frame, "flow")
    ax = new_axes(ax, rows=len(funnel.labels))
    quiet(ax, grid="x")
    rows_above = 0.0
    if funnel.empty:
        put_note(ax, funnel.empty)
    else:
        rows_above = draw_funnel(ax, funnel, kwargs)
        name_rows(ax, funnel.labels)
    of_one = len(funnel.flows) == 1
    ours = f"{funnel.flows[0]}: how far people get" if of_one else f"How far people get, by {row_kind}"
    if funnel.counts and not of_one:
        ours = of_conversion(frame, ours, list(funnel.counts)[-1])
    ours = with_period(ax, ours, dates_of(frame), share=0.8)
    put_title(ax, ours if title is None else title, rows_above=rows_above, share=0.8)
    left_out = funnel.rows - len(funnel.labels)
    put_caption(
        ax,
        [
            f"People per {row_kind}"
            + ("; who got two of its messages counts twice" if row_kind == "flow" else ""),
            funnel.caption if funnel_has_room(ax) else None,
            who_counts(frame, ["open_rate"]) if funnel_has_room(ax) else None,
            f"{len(funnel.labels)} largest of {counted(funnel.rows, row_kind)}" if left_out else None,
        ],
        share=0.8,
    )
    return ax


_MANY, _LONG = 4, 3  # more lines than this, over more windows than this, are smoothed
_WINDOWS = {"day": 7, "week": 4, "month": 3}


def _usual_window(rows: pd.DataFrame, trend: Trend) -> int:
    """Return over how many intervals many long lines are smoothed, to tell them apart; 1 for not at all."""
    window = _WINDOWS.get(trend.interval or "", 1)
    if len(trend.series) <= _MANY or trend.intervals < _LONG * window:
        return 1
    if not made_of_counts(trend.column):
        return window
    rate = RATES.get(trend.column)
    return window if rate and {rate.numerator, rate.denominator} <= set(rows.columns) else 1


@draws("a flow series: client.reports.flow_series(...)")
def flow_performance(
    frame: pd.DataFrame,
    *,
    x: str = "datetime",
    y: str = "conversion_value",
    hue: str | None = "flow",
    compare: pd.DataFrame | None = None,
    annotations: Annotations | None = None,
    currency: str | None = None,
    interval: str | None = None,
    smooth: int | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw one statistic of flows over time, one line per flow.

    Where a line has several rows in an interval, as a series by message or channel has, counts and money are
    added up and rates made anew of the counts: open rate = unique opens ÷ delivered of all its messages in which both
    are known. Unique counts are then each message's own, as in a summary.

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
    annotations : mapping of date to str, or pandas.DataFrame, optional
        What happened when, as in `metric_trend`.
    currency, interval : str, optional
        As in `metric_trend`.
    smooth : int, optional
        As in `metric_trend`. If omitted, five lines or more over many intervals are smoothed over 7 days, 4 weeks or
        3 months, and the caption says so; 1 for never.
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
    'Open rate per week, Welcome, 2 Mar – 22 Mar 2026'
    """
    rows, how = together(frame, x=x, y=y, hue=hue)
    before = None if compare is None else together(compare, x=x, y=y, hue=hue)[0]
    trend = read_trend(rows, x=x, y=y, hue=hue, compare=before, currency=currency, interval=interval)
    window = _usual_window(rows, trend) if smooth is None else smooth
    if window != 1:
        trend = read_trend(
            rows, x=x, y=y, hue=hue, compare=before, currency=currency, interval=interval, smooth=window
        )
    how = " · ".join(part for part in (how, who_counts(frame, [y])) if part) or None
    return draw_titled(
        trend,
        title=title,
        usual=of_conversion(frame, title_of(rows, trend, hue), y),
        annotations=annotations,
        ax=ax,
        kwargs=kwargs,
        note=how,
    )
