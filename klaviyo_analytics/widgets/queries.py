"""What an explorer asks for: frozen when Run is pressed, so that frame, chart and code always belong together."""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.analysis.measures import is_quotient
from klaviyo_analytics.arithmetic import counts_profiles
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.frames.aggregates import column_name
from klaviyo_analytics.plots._quantities import capitalised, quantity, write
from klaviyo_analytics.resources.reports._base import KIND_OF
from klaviyo_analytics.timeframe import Timeframe


@dataclass(frozen=True)
class Frames:
    """What came back: the frame, and that of the period it is compared with."""

    frame: pd.DataFrame
    compare: pd.DataFrame | None = None


@dataclass(frozen=True)
class KeyNumber:
    """One number to read before the chart.

    `change` is a fraction, None where there is nothing to compare with; `trend` has one value per interval, the
    oldest first.
    """

    label: str
    value: str
    change: float | None = None
    trend: tuple[float, ...] = ()


class Ask(ABC):
    """One question to the account, and how its answer is drawn and written down."""

    @abstractmethod
    def fetch(self, client: KlaviyoClient) -> Frames:
        """Read what is needed."""

    @abstractmethod
    def draw(self, frames: Frames, new: Callable[[], Axes]) -> Axes:
        """Draw the answer on new Axes, or on a figure of its own; give the (first) Axes."""

    def height(self, frames: Frames) -> float:  # noqa: ARG002  (others need the frames)
        """Return the chart's height in inches."""
        return 4.2

    def key_numbers(self, frames: Frames) -> list[KeyNumber]:  # noqa: ARG002  (others need the frames)
        """Return what the answer adds up to; nothing where it must not be added up."""
        return []

    def written_as(self, frames: Frames) -> tuple[str, str | None]:
        """Return the kind of number that the chart shows, and its currency."""
        return "number", frames.frame.attrs.get("currency")

    @property
    def choices(self) -> Mapping[str, str]:
        """The choices behind it, by what a reader calls them; by default what its code states."""
        return choices_in(self.code)

    @property
    @abstractmethod
    def code(self) -> str:
        """The same in Python; `client` is the client."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What it is about, in few words."""

    @property
    @abstractmethod
    def alt(self) -> str:
        """The chart in one sentence, for readers who cannot see it."""

    @property
    def file_name(self) -> str:
        """A name for files, without an ending."""
        return re.sub(r"[^a-z0-9]+", "_", self.subject.casefold()).strip("_")[:80] or "klaviyo"


# Keywords in an explorer's code, and what a reader calls the choice behind them.
_CHOICES = {
    "measurements": "measure",
    "interval": "interval",
    "timeframe": "dates",
    "by": "groups",
    "conversion_metric": "conversion metric",
}
_METHODS = {
    "query": "metrics",
    "summary": "dates",
    "flow_series": "chart",
}  # and what their first argument is


def choices_in(code: str) -> dict[str, str]:
    """Return the choices that a query's code states, by what a reader calls them."""
    calls = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS
    ]
    if not calls:
        return {}
    first, *others = calls
    method = first.func.attr if isinstance(first.func, ast.Attribute) else ""
    found = {_METHODS[method]: ", ".join(map(ast.unparse, first.args))} if first.args else {"chart": method}
    for keyword in first.keywords:
        found[_CHOICES.get(keyword.arg or "", "choices")] = ast.unparse(keyword.value)
    return found | ({"comparison": str(len(others))} if others else {})


WIDTH = 88


def call(name: str, *args: Any, **kwargs: Any) -> str:
    """Write a call, over several lines where one would be long."""
    parts = [_written(value) for value in args]
    parts += [f"{key}={_written(value)}" for key, value in kwargs.items()]
    line = f"{name}({', '.join(parts)})"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), ")"])


class Name(str):
    """A variable's name, which is written without quotes."""

    __slots__ = ()


def _written(value: Any) -> str:
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, str):
        # repr takes double quotes where there are single ones only, and escapes what cannot be seen
        return '"' + r"\"".join(repr("'" + part)[2:-1] for part in value.split('"')) + '"'
    if isinstance(value, tuple | list):
        inner = ", ".join(_written(each) for each in value)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_written(key)}: {_written(each)}" for key, each in value.items()) + "}"
    return repr(value)


MOST_KEY_NUMBERS = 4


def in_short(labels: Sequence[str]) -> str:
    """Write at most three names, and how many more there are."""
    more = len(labels) - 3
    return ", ".join(labels[:3]) + (f" and {more} more" if more > 0 else "")


def change_of(value: float, before: Sequence[float]) -> float | None:
    """Return the change against a value before, as a fraction of it; None without one above zero."""
    return value / before[0] - 1 if before and before[0] > 0 and value == value else None  # noqa: PLR0124  (not NaN)


MetricChart = Literal["lines", "small_multiples"]
BETWEEN, NO_NAME = " · ", "(none)"  # the plots call a group without a name so


def labelled(
    frame: pd.DataFrame, by: Sequence[str] = (), *, metrics: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return a frame of metric aggregates with one column that names each line of a chart.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `client.metric_aggregates.query(..., names=True)` returns it.
    by : sequence of str
        Columns that together distinguish the lines, such as `["metric", "attributed_flow"]`. Where the frame has
        names beside ids (`flow` and `flow_name`, `segment_id` and `segment`), the names are used: two of one name are
        told apart by their ids, and an id without a name, such as that of a deleted flow, stays an id.
    metrics : mapping of str to str, optional
        What to call a metric, by its id; for metrics of one name from several integrations.

    Returns
    -------
    pandas.DataFrame
        The same rows. Of one column, that column holds the names (string); of several, a new one does, called after
        all of them, such as `metric_and_attributed_flow`. `attrs` are kept.

    Raises
    ------
    KeyError
        The frame lacks a column of `by`.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics.widgets import labelled
    >>> frame = pd.DataFrame({"flow": ["a1", "b2", "c3"], "flow_name": ["Welcome", "Welcome", None]})
    >>> labelled(frame, ["flow"])["flow"].tolist()
    ['Welcome (a1)', 'Welcome (b2)', 'c3']
    """
    if metrics:
        frame = frame.assign(metric=frame["metric_id"].map(dict(metrics)).fillna(frame["metric"]))
    texts = [_named(frame, column) for column in by]
    if not texts:
        return frame
    if len(texts) == 1:
        return frame.assign(**{by[0]: texts[0]})
    others = pd.concat(texts[1:], axis=1)
    joined = texts[0].str.cat(others, sep=BETWEEN, na_rep=NO_NAME)
    return frame.assign(**{"_and_".join(by): joined})


def _named(frame: pd.DataFrame, column: str) -> pd.Series[Any]:
    """Return a column of ids as names, where the frame has them."""
    if f"{column}_name" in frame.columns:
        ids, names = frame[column].astype("string"), frame[f"{column}_name"].astype("string")
    elif f"{column}_id" in frame.columns and column != "metric":
        ids, names = frame[f"{column}_id"].astype("string"), frame[column].astype("string")
    else:
        return frame[column].astype("string")
    pairs = pd.DataFrame({"id": ids, "name": names}).dropna().drop_duplicates()
    shared = names.isin(pairs.loc[pairs["name"].duplicated(keep=False), "name"])
    return names.where(~shared, names + " (" + ids + ")").fillna(ids)


@dataclass(frozen=True)
class MetricAsk(Ask):
    """Metric aggregates, drawn as lines of one chart, or as a small chart each."""

    metrics: tuple[Any, ...]
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    measurement: str
    interval: str
    timeframe: Timeframe
    words: str | None = None
    by: tuple[str, ...] = ()
    compared: Timeframe | None = None
    chart: MetricChart = "lines"
    apart: tuple[tuple[str, str], ...] = ()  # ids of metrics that share a name, and what to call them

    def fetch(self, client: KlaviyoClient) -> Frames:
        """Ask for the period, then for the one it is compared with."""
        metric, kwargs = self._query()
        frame = client.metric_aggregates.query(metric, **kwargs, timeframe=self.timeframe)
        if self.compared is None:
            return Frames(frame)
        before = client.metric_aggregates.query(metric, **kwargs, timeframe=self.compared)
        return Frames(frame, before)

    def draw(self, frames: Frames, new: Callable[[], Axes]) -> Axes:
        """Draw a line, or a small chart, for each metric and group."""
        frame = self._labelled(frames.frame)
        before = None if frames.compare is None else self._labelled(frames.compare)
        if self.chart == "lines":
            return plots.metric_trend(frame, **self._plot(), compare=before, ax=new())
        figure = plots.small_multiples(frame, **self._plot(), compare=before)
        plt.close(figure)  # it lives on without pyplot, which would show it a second time
        return figure.axes[0]

    @property
    def code(self) -> str:
        """Query and plot; with a comparison, the dates are written out, so that both stay beside each other."""
        plot = "ka.plots.metric_trend" if self.chart == "lines" else "ka.plots.small_multiples"
        names = self._label_arguments()
        parts = list(self._query_code())
        drawn = {"frame": Name("frame"), "before": Name("before")}
        if names:
            for name in ("frame", "before") if self.compared else ("frame",):
                parts.append(
                    f"{name}_named = {call('ka.widgets.labelled', Name(name), *names[0], **names[1])}"
                )
            drawn = {name: Name(f"{name}_named") for name in drawn}
        compare = {} if self.compared is None else {"compare": drawn["before"]}
        return "\n".join([*parts, call(plot, drawn["frame"], **self._plot(), **compare)])

    @property
    def subject(self) -> str:
        """Metrics and days."""
        return f"{in_short(self.labels)}, {str(self.timeframe).split(' (', 1)[0]}"

    @property
    def alt(self) -> str:
        """The chart in one sentence."""
        grouped = f", by {' and '.join(each.removeprefix('$') for each in self.by)}" if self.by else ""
        kind = "Line chart" if self.chart == "lines" else "Small line charts"
        return (
            f"{kind} of {', '.join(self.labels)}: {self.measurement} per {self.interval}{grouped}, "
            f"{self.timeframe}. The table shows the same numbers."
        )

    def written_as(self, frames: Frames) -> tuple[str, str | None]:
        """Return the kind of the measurement."""
        return quantity(self.measurement).kind, frames.frame.attrs.get("currency")

    def key_numbers(self, frames: Frames) -> list[KeyNumber]:
        """Return the total of each metric; of people, who must not be added up, those of the last full interval."""
        if self.measurement == "sum_value" and "$value_currency" in self.by:
            return []  # amounts in different currencies
        if self.measurement == "unique" and self.by:
            return []  # one person may be in several groups
        return [self._key_number(id, label, frames) for id, label in zip(self.ids, self.labels, strict=True)][
            :MOST_KEY_NUMBERS
        ]

    def _key_number(self, id: str, label: str, frames: Frames) -> KeyNumber:
        kind, currency = quantity(self.measurement).kind, frames.frame.attrs.get("currency")
        added = self.measurement != "unique"
        every = self._by_interval(frames.frame, id, whole=False)
        whole = self._by_interval(frames.frame, id, whole=True)
        trend = tuple(float(value) for value in whole)
        if not added:
            value = trend[-1] if trend else float("nan")
            name = f"{label}: people in the last full {self.interval}"
            return KeyNumber(name, write(value, "count"), change_of(value, trend[-2:-1]), trend)
        value = float(every.sum())
        before = () if frames.compare is None else (float(self._by_interval(frames.compare, id).sum()),)
        name = f"{label}: {'value' if kind == 'money' else 'events'}"
        return KeyNumber(name, write(value, kind, currency), change_of(value, before), trend)

    def _by_interval(self, frame: pd.DataFrame, id: str, *, whole: bool = False) -> pd.Series[Any]:
        rows = frame[frame["metric_id"] == id]
        if whole:
            rows = rows[rows["complete"].fillna(value=False).astype(bool)]
        return rows.groupby("datetime")[self.measurement].sum()

    @property
    def _parts(self) -> list[str]:
        """Return the columns that distinguish the lines."""
        parts = [column_name(each) for each in self.by]
        return ["metric", *parts] if len(self.metrics) > 1 else parts

    def _label_arguments(self) -> tuple[list[Any], dict[str, Any]] | None:
        """Return the arguments of `labelled`; None where the frame's own columns name the lines already."""
        parts, metrics = self._parts, dict(self.apart)
        if not metrics and len(parts) < 2 and not set(parts) & set(KIND_OF):
            return None
        return ([parts] if parts else []), ({"metrics": metrics} if metrics else {})

    def _labelled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with a reader's name for each line."""
        return labelled(frame, self._parts, metrics=dict(self.apart)) if self._label_arguments() else frame

    def _query(self) -> tuple[Any, dict[str, Any]]:
        metric = self.metrics[0] if len(self.metrics) == 1 else list(self.metrics)
        kwargs: dict[str, Any] = {"measurements": [self.measurement], "interval": self.interval}
        if self.by:
            kwargs["by"] = self.by[0] if len(self.by) == 1 else list(self.by)
            if any(column_name(each) in KIND_OF for each in self.by):
                kwargs["names"] = True
        return metric, kwargs

    def _plot(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = {"y": self.measurement}
        if name := "_and_".join(self._parts):
            kwargs["hue" if self.chart == "lines" else "by"] = name
        return kwargs

    def _query_code(self) -> list[str]:
        metric, kwargs = self._query()
        query = "client.metric_aggregates.query"
        ends = str(self.timeframe.start.date()), str(self.timeframe.end.date())
        if self.compared is None:
            return [f"frame = {call(query, metric, **kwargs, timeframe=self.words or ends)}"]
        earlier = self.compared == self.timeframe.previous()
        other = Name(f"period.{'previous' if earlier else 'same_period_last_year'}()")
        return [
            f"period = {call('ka.Timeframe', *ends, timezone=self.timeframe.timezone)}",
            f"frame = {call(query, metric, **kwargs, timeframe=Name('period'))}",
            f"before = {call(query, metric, **kwargs, timeframe=other)}",
        ]


Noun = Literal["campaign", "flow"]
SummaryChart = Literal["campaign_ranking", "campaign_scatter", "flow_funnel", "flow_performance"]
TOP = {"campaign_ranking": 10, "campaign_scatter": 0, "flow_funnel": 12, "flow_performance": 0}
_CONVERTED = ("conversion_value", "revenue_per_recipient", "conversion_rate")
_KEY_NUMBERS = ("recipients", "open_rate", "click_rate", "conversion_value", "revenue_per_recipient")


@dataclass(frozen=True)
class SummaryAsk(Ask):
    """A summary of campaigns or flows, drawn as a ranking, as points or as a funnel; or flows over time."""

    resource: Noun
    by: str
    chart: SummaryChart
    measure: str
    timeframe: Timeframe
    words: str | None = None
    conversion: Any = None
    conversion_label: str = ""

    @property
    def over_time(self) -> bool:
        """Whether the question is one for a series, which is a report of its own."""
        return self.chart == "flow_performance"

    @property
    def interval(self) -> str:
        """The interval of a series: the finest one that a report covers in one call."""
        return "day" if self.timeframe.days <= 60 else "week" if self.timeframe.days <= 364 else "month"

    def fetch(self, client: KlaviyoClient) -> Frames:
        """Ask for the summary, or for the series."""
        if self.over_time:
            frame = client.reports.flow_series(timeframe=self.timeframe, **self._query())
        else:
            ask = client.campaigns.summary if self.resource == "campaign" else client.flows.summary
            frame = ask(self.timeframe, **self._query())
        if self.conversion_label:
            frame.attrs["conversion_metric"] = self.conversion_label
        return Frames(frame)

    def draw(self, frames: Frames, new: Callable[[], Axes]) -> Axes:
        """Draw the summary."""
        frame = analysis.rates(frames.frame) if self._needs_rates else frames.frame
        axes: Axes = getattr(plots, self.chart)(frame, **self._plot(), ax=new())
        return axes

    @property
    def _needs_rates(self) -> bool:
        """Whether the chart shows a rate of a series, which reports as counts."""
        return self.over_time and is_quotient(self.measure)

    def height(self, frames: Frames) -> float:
        """Return a height with room for the name of every row of a ranking."""
        return max(4.2, 1.6 + 0.42 * min(len(frames.frame), TOP[self.chart]))

    def written_as(self, frames: Frames) -> tuple[str, str | None]:
        """Return the kind of the measure; a funnel counts people."""
        measure = "delivered" if self.chart == "flow_funnel" else self.measure
        return quantity(measure).kind, frames.frame.attrs.get("currency")

    def key_numbers(self, frames: Frames) -> list[KeyNumber]:
        """Return sizes, rates and revenue of all rows together; rates are made anew of their counts."""
        frame = frames.frame
        if frame.empty or frame["currency"].nunique() > 1:
            return []
        if self.over_time:  # people of several intervals do not add up
            frame = frame[[name for name in frame.columns if not counts_profiles(str(name))]]
        rolled = analysis.roll_up(frame.drop(columns="datetime", errors="ignore"))
        if len(rolled) != 1:
            return []
        row, currency = rolled.iloc[0], frames.frame.attrs.get("currency")
        when = "datetime" if self.over_time else "send_time"
        numbers = []
        for name in _KEY_NUMBERS:
            if name not in rolled.columns or pd.isna(row[name]):
                continue
            trend: tuple[float, ...] = ()
            if when in frame.columns and name in ("recipients", "conversion_value"):
                known = frame.dropna(subset=[when])
                trend = tuple(float(value) for value in known.groupby(when)[name].sum())
            label = capitalised(quantity(name).label)
            if name in _CONVERTED and self.conversion_label:
                label = f"{label} ({self.conversion_label})"
            numbers.append(
                KeyNumber(label, write(float(row[name]), quantity(name).kind, currency), None, trend)
            )
        return numbers

    @property
    def code(self) -> str:
        """Query and plot."""
        days = self.words or (str(self.timeframe.start.date()), str(self.timeframe.end.date()))
        if self.over_time:
            query = call("client.reports.flow_series", timeframe=days, **self._query())
        else:
            query = call(f"client.{self.resource}s.summary", days, **self._query())
        lines = [f"frame = {query}"]
        if self.conversion_label and (self.chart == "flow_funnel" or self.measure in _CONVERTED):
            lines.append(f'frame.attrs["conversion_metric"] = {_written(self.conversion_label)}')
        frame = Name("ka.analysis.rates(frame)" if self._needs_rates else "frame")
        return "\n".join([*lines, call(f"ka.plots.{self.chart}", frame, **self._plot())])

    @property
    def subject(self) -> str:
        """Noun and days."""
        return f"{self.resource}s {str(self.timeframe).split(' (', 1)[0]}"

    @property
    def alt(self) -> str:
        """The chart in one sentence."""
        measure = quantity(self.measure).label
        kind = {
            "campaign_ranking": f"Bar chart of campaigns by {measure}",
            "campaign_scatter": f"Scatter chart of campaigns, {measure} against recipients",
            "flow_funnel": "Funnel chart of flows, from delivered to converted",
            "flow_performance": f"Line chart of flows, {measure} per {self.interval}",
        }[self.chart]
        converted = f", conversions are {self.conversion_label}" if self.conversion_label else ""
        return f"{kind}{converted}, {self.timeframe}. The table shows the same numbers."

    def _query(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = {}
        if self.over_time:
            kwargs["interval"] = self.interval
        elif self.by != self.resource:
            kwargs["by"] = self.by
        if self.conversion is not None:
            kwargs["conversion_metric"] = self.conversion
        return kwargs

    def _plot(self) -> dict[str, Any]:
        names = {"campaign_ranking": "by", "campaign_scatter": "y", "flow_performance": "y"}
        kwargs = {names[self.chart]: self.measure} if self.chart in names else {}
        if self.over_time and self.by != "flow":
            kwargs["hue"] = self.by
        return kwargs
