"""What the explorer of metrics asks for."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics import plots
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.tabular.aggregates import column_name
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.widgets._asks import Ask, Frames
from klaviyo_analytics.widgets._code import Name, call

Chart = Literal["lines", "small_multiples"]
BETWEEN, NO_NAME = " · ", "(none)"  # the plots call a group without a name so


@dataclass(frozen=True)
class MetricAsk(Ask):
    """Metric aggregates, drawn as lines of one chart, or as a small chart each."""

    metrics: tuple[Any, ...]
    labels: tuple[str, ...]
    measurement: str
    interval: str
    timeframe: Timeframe
    words: str | None = None
    by: tuple[str, ...] = ()
    compared: Timeframe | None = None
    chart: Chart = "lines"

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
        labelled = "labelled({})" if len(self._parts) > 1 else "{}"
        parts = [*self._query_code(), *([self._label_code()] if len(self._parts) > 1 else [])]
        plot = "ka.plots.metric_trend" if self.chart == "lines" else "ka.plots.small_multiples"
        compare = {} if self.compared is None else {"compare": Name(labelled.format("before"))}
        return "\n".join([*parts, call(plot, Name(labelled.format("frame")), **self._plot(), **compare)])

    @property
    def subject(self) -> str:
        """Metrics and days."""
        return f"{' '.join(self.labels[:3])} {str(self.timeframe).split(' (', 1)[0]}"

    @property
    def alt(self) -> str:
        """The chart in one sentence."""
        grouped = f", by {' and '.join(each.removeprefix('$') for each in self.by)}" if self.by else ""
        kind = "Line chart" if self.chart == "lines" else "Small line charts"
        return (
            f"{kind} of {', '.join(self.labels)}: {self.measurement} per {self.interval}{grouped}, "
            f"{self.timeframe}. The table shows the same numbers."
        )

    @property
    def _parts(self) -> list[str]:
        """Give the columns that tell one line from another."""
        parts = [column_name(each) for each in self.by]
        if len(self.metrics) > 1:
            # two integrations may call their metrics the same, and then only the id tells the lines apart
            names = [each[0] if isinstance(each, tuple) else each for each in self.metrics]
            parts.insert(0, "metric" if len(set(names)) == len(names) else "metric_id")
        return parts

    def _labelled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add the column that names a line, where it takes several columns to name it."""
        first, *others = self._parts or ["metric"]
        if not others:
            return frame
        label = frame[first].str.cat(frame[others], sep=BETWEEN, na_rep=NO_NAME)
        return frame.assign(**{"_and_".join([first, *others]): label})

    def _query(self) -> tuple[Any, dict[str, Any]]:
        metric = self.metrics[0] if len(self.metrics) == 1 else list(self.metrics)
        kwargs: dict[str, Any] = {"measurements": [self.measurement], "interval": self.interval}
        if self.by:
            kwargs["by"] = self.by[0] if len(self.by) == 1 else list(self.by)
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

    def _label_code(self) -> str:
        first, *others = self._parts
        columns = Name(f"frame[{others}]".replace("'", '"'))
        label = call(f'frame["{first}"].str.cat', columns, sep=BETWEEN, na_rep=NO_NAME)
        body = f"label = {label}\nreturn frame.assign({'_and_'.join(self._parts)}=label)"
        return f"\ndef labelled(frame):\n{textwrap.indent(body, '    ')}\n"
