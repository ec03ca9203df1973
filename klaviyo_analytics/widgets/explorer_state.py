"""State of an explorer: the query being composed, the run, and its answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from traitlets import Enum, Instance, TraitType, Unicode

from klaviyo_analytics.widgets import options
from klaviyo_analytics.widgets.background import RunState
from klaviyo_analytics.widgets.base_view import State
from klaviyo_analytics.widgets.choices import ChoiceState
from klaviyo_analytics.widgets.dates import CUSTOM, DateRangeState
from klaviyo_analytics.widgets.pictures import Picture
from klaviyo_analytics.widgets.queries import Ask, Frames, MetricAsk

MEASUREMENTS = {"count": "Number of events", "sum_value": "Sum of values", "unique": "Number of people"}
NO_METRICS = (
    "This account has no metrics yet: nothing has happened in it that could be counted. Connect a shop to it, or "
    "send it a first event; then press Try again."
)
METRIC_CHARTS = {"lines": "all in one chart", "small_multiples": "a small chart each"}


class ExplorerState(State):
    """What every explorer has.

    Attributes
    ----------
    dates : DateRangeState
    run : RunState
    result : Frames or None
        What came back last; it stays while another run goes on or fails.
    picture : Picture or None
    asked : Ask or None
        The question that `result` answers.
    problem : str
        Why the question cannot be asked as it stands, in words; empty if it can.
    stale : str
        What was chosen differently since `result` came back, in words; empty if the result answers the choices.
    """

    result: TraitType[Any, Frames | None] = Instance(Frames, allow_none=True)
    picture: TraitType[Any, Picture | None] = Instance(Picture, allow_none=True)
    asked: TraitType[Any, Ask | None] = Instance(Ask, allow_none=True)
    problem = Unicode("")
    stale = Unicode("")
    dates: DateRangeState
    run: RunState

    def __init__(
        self, timezone: str = "UTC", *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__()
        self.dates = DateRangeState(timezone, now=now)
        self.run = RunState()
        self.dates.observe(self.check)

    @abstractmethod
    def ask(self) -> Ask:
        """Return the query as it stands; call it only when `problem` is empty."""

    @abstractmethod
    def wrong(self) -> str:
        """Return what is missing or cannot be combined, apart from the dates."""

    @abstractmethod
    def redrawn(self, asked: Ask) -> Ask:
        """Return an answered query with the chart that is chosen now; drawing it needs no request."""

    def check(self, _change: Any = None) -> None:
        """Bring `problem` up to date."""
        self.problem = self.dates.problem or self.wrong()
        self.stale = self._changed()

    def _changed(self) -> str:
        """Return which choices differ from those that were answered."""
        if self.asked is None:
            return ""
        if self.problem:
            return "choices"
        now, then = (query.choices for query in (self.redrawn(self.ask()), self.asked))
        return ", ".join(name for name in dict.fromkeys([*now, *then]) if now.get(name) != then.get(name))

    @property
    def frame(self) -> pd.DataFrame | None:
        """The frame that came back last."""
        return self.result.frame if self.result else None

    @property
    def axes(self) -> Axes | None:
        """The chart that was drawn last."""
        return self.picture.axes if self.picture else None

    @property
    def code(self) -> str:
        """Python that makes the same frame and chart; of the question as it stands, before the first run."""
        if self.asked is not None:
            return str(self.asked.code)
        return "" if self.problem else self.ask().code

    def answered(self, ask: Ask, frames: Frames, picture: Picture) -> None:
        """Store the answer."""
        with self.hold_trait_notifications():
            self.asked, self.result, self.picture = ask, frames, picture
            self.stale = self._changed()


class MetricExplorerState(ExplorerState):
    """A question about metrics.

    Attributes
    ----------
    metrics, dimensions : ChoiceState
        Several of both can be chosen.
    measurement : {"count", "sum_value", "unique"}
    chart : {"lines", "small_multiples"}
        All lines in one chart, or a small chart for each metric and group, on its own scale.

    Examples
    --------
    >>> from klaviyo_analytics.widgets import MetricExplorerState, Option
    >>> state = MetricExplorerState("America/New_York")
    >>> state.problem
    'Choose at least one metric.'
    >>> state.metrics.offer([Option("abc123", "Placed Order")])
    >>> state.metrics.toggle("abc123")
    >>> print(state.code)
    frame = client.metric_aggregates.query(
        "abc123",
        measurements=["count"],
        interval="day",
        timeframe="last 90 days",
    )
    ka.plots.metric_trend(frame, y="count")
    """

    measurement = Enum(tuple(MEASUREMENTS), default_value="count")
    chart = Enum(tuple(METRIC_CHARTS), default_value="lines")
    metrics: ChoiceState
    dimensions: ChoiceState

    def __init__(
        self, timezone: str = "UTC", *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__(timezone, now=now)
        self.metrics = ChoiceState()
        self.dimensions = ChoiceState(options.dimensions())
        for choice in (self.metrics, self.dimensions):
            choice.observe(self.check, names=["selected", "empty"])
        self.observe(self.check, names=["measurement", "chart"])
        self.check()

    def wrong(self) -> str:
        """Return what is missing."""
        if self.metrics.empty:
            return NO_METRICS
        return "" if self.metrics.selected else "Choose at least one metric."

    def ask(self) -> MetricAsk:
        """Freeze the question."""
        timeframe = self.dates.timeframe
        assert timeframe is not None
        chart: Any = self.chart
        return MetricAsk(
            metrics=tuple(self.metrics.values),
            labels=tuple(map(self.metrics.told_apart, self.metrics.chosen)),
            ids=tuple(self.metrics.selected),
            measurement=self.measurement,
            interval=self.dates.chosen_interval,
            timeframe=timeframe,
            words=None if self.dates.preset == CUSTOM else self.dates.preset,
            by=tuple(self.dimensions.values),
            compared=self.dates.compared,
            chart=chart,
        )

    def redrawn(self, asked: Ask) -> Ask:
        """Return the query with the chart that is chosen now."""
        chart: Any = self.chart
        return replace(asked, chart=chart) if isinstance(asked, MetricAsk) else asked
