"""What an explorer asks for: frozen when Run is pressed, so that frame, chart and code always belong together."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics import plots
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.tabular.aggregates import column_name
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.widgets._code import Name, call


@dataclass(frozen=True)
class Frames:
    """What came back: the frame, and that of the period it is compared with."""

    frame: pd.DataFrame
    compare: pd.DataFrame | None = None


class Ask(ABC):
    """One question to the account, and how its answer is drawn and written down."""

    @abstractmethod
    def fetch(self, client: KlaviyoClient) -> Frames:
        """Read what is needed."""

    @abstractmethod
    def draw(self, frames: Frames, ax: Axes) -> Axes:
        """Draw the answer."""

    def height(self, frames: Frames) -> float:  # noqa: ARG002  (others need the frames)
        """Give the chart's height in inches."""
        return 4.2

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
        """The chart in one sentence, for who cannot see it."""

    @property
    def file_name(self) -> str:
        """A name for files, without an ending."""
        return re.sub(r"[^a-z0-9]+", "_", self.subject.casefold()).strip("_")[:80] or "klaviyo"


@dataclass(frozen=True)
class MetricAsk(Ask):
    """Metric aggregates, drawn as lines."""

    metrics: tuple[Any, ...]
    labels: tuple[str, ...]
    measurement: str
    interval: str
    timeframe: Timeframe
    words: str | None = None
    by: str | None = None
    compared: Timeframe | None = None

    def fetch(self, client: KlaviyoClient) -> Frames:
        """Ask for the period, then for the one it is compared with."""
        metric, kwargs = self._query()
        frame = client.metric_aggregates.query(metric, **kwargs, timeframe=self.timeframe)
        if self.compared is None:
            return Frames(frame)
        before = client.metric_aggregates.query(metric, **kwargs, timeframe=self.compared)
        return Frames(frame, before)

    def draw(self, frames: Frames, ax: Axes) -> Axes:
        """Draw one line per metric or group."""
        return plots.metric_trend(frames.frame, **self._plot(), compare=frames.compare, ax=ax)

    @property
    def code(self) -> str:
        """Query and plot; with a comparison, the dates are written out, so that both stay beside each other."""
        metric, kwargs = self._query()
        query, plot = "client.metric_aggregates.query", "ka.plots.metric_trend"
        if self.compared is None:
            days = self.words or (str(self.timeframe.start.date()), str(self.timeframe.end.date()))
            lines = [f"frame = {call(query, metric, **kwargs, timeframe=days)}"]
            return "\n".join([*lines, call(plot, Name("frame"), **self._plot())])
        earlier = self.compared == self.timeframe.previous()
        other = Name(f"period.{'previous' if earlier else 'same_period_last_year'}()")
        ends = str(self.timeframe.start.date()), str(self.timeframe.end.date())
        lines = [
            f"period = {call('ka.Timeframe', *ends, timezone=self.timeframe.timezone)}",
            f"frame = {call(query, metric, **kwargs, timeframe=Name('period'))}",
            f"before = {call(query, metric, **kwargs, timeframe=other)}",
        ]
        return "\n".join([*lines, call(plot, Name("frame"), **self._plot(), compare=Name("before"))])

    @property
    def subject(self) -> str:
        """Metrics and days."""
        return f"{' '.join(self.labels[:3])} {str(self.timeframe).split(' (', 1)[0]}"

    @property
    def alt(self) -> str:
        """The chart in one sentence."""
        grouped = f", by {self.by.removeprefix('$')}" if self.by else ""
        return (
            f"Line chart of {', '.join(self.labels)}: {self.measurement} per {self.interval}{grouped}, "
            f"{self.timeframe}. The table shows the same numbers."
        )

    def _query(self) -> tuple[Any, dict[str, Any]]:
        metric = self.metrics[0] if len(self.metrics) == 1 else list(self.metrics)
        kwargs: dict[str, Any] = {"measurements": [self.measurement], "interval": self.interval}
        if self.by:
            kwargs["by"] = self.by
        return metric, kwargs

    def _plot(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = {"y": self.measurement}
        if self.by:
            kwargs["hue"] = column_name(self.by)
        elif len(self.metrics) > 1:
            # two integrations may call their metrics the same, and then only the id tells the lines apart
            names = [each[0] if isinstance(each, tuple) else each for each in self.metrics]
            kwargs["hue"] = "metric" if len(set(names)) == len(names) else "metric_id"
        return kwargs
