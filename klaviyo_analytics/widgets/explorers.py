"""The explorers of metrics, campaigns and flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import ipywidgets
from traitlets import Enum, Unicode, validate

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, KlaviyoError
from klaviyo_analytics.resources.metrics import conversion_metric
from klaviyo_analytics.widgets import choices as options
from klaviyo_analytics.widgets.background import silently
from klaviyo_analytics.widgets.base_view import check_client, check_state, dropdown, note, one_of
from klaviyo_analytics.widgets.choices import ChoiceState
from klaviyo_analytics.widgets.dates import CUSTOM, DateRangePicker
from klaviyo_analytics.widgets.explorer import Explorer, ExplorerState
from klaviyo_analytics.widgets.pickers import DimensionPicker, MetricPicker
from klaviyo_analytics.widgets.queries import Ask, Frames, MetricAsk, Noun, SummaryAsk

MEASUREMENTS = {"count": "Number of events", "sum_value": "Sum of values", "unique": "Number of people"}
NO_METRICS = (
    "This account has no metrics yet: nothing has happened in it that could be counted. Connect a shop to it, or "
    "send it a first event; then press Try again."
)
METRIC_CHARTS = {"lines": "all in one chart", "small_multiples": "a small chart each"}


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
            apart=tuple(
                (option.id, self.metrics.told_apart(option))
                for option in self.metrics.chosen
                if self.metrics.told_apart(option) != option.name
            ),
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


class MetricExplorer(Explorer):
    """Explore metrics over time: choose, press Run, take frame, chart and code along.

    Nothing is asked of the account while you choose, apart from the names of its metrics.

    Parameters
    ----------
    client : KlaviyoClient
    state : MetricExplorerState, optional
        Share it to let two explorers show one question.

    Attributes
    ----------
    frame : pandas.DataFrame or None
    axes : matplotlib.axes.Axes or None
        The chart; the first one of several.
    state : MetricExplorerState

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=500) as client:
    ...     explorer = ka.widgets.MetricExplorer(client)
    ...     explorer.metrics.choose("Opened Email")
    ...     frame = explorer.run()
    >>> frame["metric"].unique().tolist()
    ['Opened Email']
    >>> explorer.close()
    """

    state: MetricExplorerState

    def __init__(self, client: KlaviyoClient, *, state: MetricExplorerState | None = None) -> None:
        check_client(self, client)
        check_state(self, state, MetricExplorerState)
        timezone, now = silently(lambda: client.account)["timezone"], client.now
        self.state = state = state if state is not None else MetricExplorerState(str(timezone), now=now)
        self.metrics = MetricPicker(client, state=state.metrics)
        self._boxes = {
            "measurement": dropdown("Measure", [(words, name) for name, words in MEASUREMENTS.items()]),
            "chart": dropdown("Chart", [(words, name) for name, words in METRIC_CHARTS.items()]),
        }
        dimensions = DimensionPicker(state.dimensions)
        super().__init__(
            client, state, [self.metrics, *self._boxes.values(), dimensions, DateRangePicker(state.dates)]
        )
        for name, box in self._boxes.items():
            box.observe(lambda change, name=name: state.set_trait(name, change["new"]), names="value")
        self.watch(state, list(self._boxes), self._show_boxes)
        self.watch(state, ["chart"], self._draw_again)

    def _show_boxes(self, _change: Any) -> None:
        for name, box in self._boxes.items():
            box.value = getattr(self.state, name)

    def _answered(self, ask: Ask, frames: Frames) -> str:
        said = super()._answered(ask, frames)
        ids = frames.frame["metric_id"].dropna().unique().tolist()
        options.remember(str(self._client.account["id"]), options.METRIC, ids)
        return said


CHARTS: Mapping[Noun, Mapping[str, str]] = {
    "campaign": {"Ranking": "campaign_ranking", "Against size": "campaign_scatter"},
    "flow": {"Funnel": "flow_funnel", "Over time": "flow_performance"},
}
GRAINS: Mapping[Noun, tuple[str, ...]] = {
    "campaign": ("campaign", "message", "variation"),
    "flow": ("flow", "message"),
}
MEASURES = {
    "Revenue": "conversion_value",
    "Revenue per recipient": "revenue_per_recipient",
    "Recipients": "recipients",
    "Open rate": "open_rate",
    "Click rate": "click_rate",
    "Conversion rate": "conversion_rate",
    "Unsubscribe rate": "unsubscribe_rate",
}


class SummaryExplorerState(ExplorerState):
    """A question about campaigns or flows.

    Attributes
    ----------
    conversion : ChoiceState
        The metric whose events are conversions. An explorer chooses the account's own to begin with; the account's
        own is also meant if none is chosen.
    by, chart, measure : str
        What a row is, how it is drawn, and which number a ranking or scatter shows.

    Examples
    --------
    >>> from klaviyo_analytics.widgets import SummaryExplorerState
    >>> state = SummaryExplorerState("campaign", "America/New_York")
    >>> state.dates.preset = "last 30 days"
    >>> print(state.code)
    frame = client.campaigns.summary("last 30 days")
    ka.plots.campaign_ranking(frame, by="conversion_value")
    """

    by = Unicode()
    chart = Unicode()
    measure = Unicode("conversion_value")
    resource: Noun
    conversion: ChoiceState

    def __init__(
        self,
        resource: Noun,
        timezone: str = "UTC",
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(timezone, now=now)
        self.resource = one_of("resource", resource, tuple(CHARTS))
        self.conversion = ChoiceState(multiple=False)
        self.conversion.observe(self.check, names=["empty", "selected"])
        self.by = GRAINS[resource][0]
        self.chart = next(iter(CHARTS[resource].values()))
        self.observe(self.check, names=["by", "chart", "measure"])

    @validate("by", "chart", "measure")
    def _known(self, proposal: Any) -> Any:
        allowed = {
            "by": GRAINS[self.resource],
            "chart": CHARTS[self.resource].values(),
            "measure": MEASURES.values(),
        }
        name = proposal["trait"].name
        return one_of(name, proposal["value"], allowed[name])

    def wrong(self) -> str:
        """Without a metric, nothing can be a conversion, and reports ask for one."""
        return NO_METRICS if self.conversion.empty else ""

    def ask(self) -> SummaryAsk:
        """Freeze the question."""
        timeframe = self.dates.timeframe
        assert timeframe is not None
        chart: Any = self.chart
        return SummaryAsk(
            resource=self.resource,
            by=self.by,
            chart=chart,
            measure=self.measure,
            timeframe=timeframe,
            words=None if self.dates.preset == CUSTOM else self.dates.preset,
            conversion=next(iter(self.conversion.values), None),
            conversion_label=", ".join(map(self.conversion.told_apart, self.conversion.chosen)),
        )

    def redrawn(self, asked: Ask) -> Ask:
        """Return the query with the chart and number that are chosen now, if its answer has what they need."""
        chart: Any = self.chart
        if not isinstance(asked, SummaryAsk):
            return asked
        again = replace(asked, chart=chart, measure=self.measure)
        return again if again.over_time == asked.over_time else replace(asked, measure=self.measure)


class _SummaryExplorer(Explorer):
    """What the two have in common."""

    state: SummaryExplorerState
    _resource: Noun

    def __init__(self, client: KlaviyoClient, *, state: SummaryExplorerState | None = None) -> None:
        check_client(self, client)
        check_state(self, state, SummaryExplorerState)
        if state is not None and state.resource != self._resource:
            raise InvalidInputError(
                f"{type(self).__name__}(): this state belongs to a {state.resource} explorer; "
                f"pass SummaryExplorerState({self._resource!r}), or omit `state`."
            )
        timezone, now = str(silently(lambda: client.account)["timezone"]), client.now
        self.state = state = (
            state if state is not None else SummaryExplorerState(self._resource, timezone, now=now)
        )
        self.conversion = MetricPicker(
            client, state=state.conversion, multiple=False, title="Conversion metric"
        )
        self._choose_own_conversion(client)
        grains = [(f"one row a {name}", name) for name in GRAINS[self._resource]]
        self._choices = {
            "by": dropdown("Rows", grains),
            "chart": dropdown("Chart", CHARTS[self._resource].items()),
            "measure": dropdown("Number", MEASURES.items()),
        }
        self._budget = ipywidgets.HTML()
        dates = DateRangePicker(state.dates, intervals=False, comparisons=False)
        super().__init__(client, state, [dates, *self._choices.values(), self.conversion, self._budget])
        for name, box in self._choices.items():
            box.observe(lambda change, name=name: state.set_trait(name, change["new"]), names="value")
        self.watch(state, list(self._choices), self._show_choices)
        self.watch(state, ["chart", "measure"], self._draw_again)
        self.watch(state, ["chart"], self._show_budget)

    def _choose_own_conversion(self, client: KlaviyoClient) -> None:
        """Choose the metric that reports take where none is given, so that it can be seen and changed."""
        choice = self.state.conversion
        if choice.selected or choice.empty or choice.problem:
            return
        try:
            own, _ = silently(lambda: conversion_metric(client._context))
        except KlaviyoError:
            return  # the run will say why
        if own in {option.id for option in choice.options}:
            choice.selected = (own,)

    def _show_choices(self, _change: Any) -> None:
        for name, box in self._choices.items():
            box.value = getattr(self.state, name)
        # a funnel has all the numbers
        self._choices["measure"].layout.display = "none" if self.state.chart == "flow_funnel" else None

    def _answered(self, ask: Ask, frames: Frames) -> str:
        self._show_budget()
        return super()._answered(ask, frames)

    def _show_budget(self, _change: Any = None) -> None:
        series = self.state.chart == "flow_performance"
        report = f"{self._resource}_{'series' if series else 'values'}"
        budget = self._client.reports.budget().set_index("report").loc[report]
        what = f"{self._resource} {'series ' if series else ''}reports"
        cost = "takes one, or one for each year" if series else "takes one"
        self._budget.value = note(
            f"{budget['left']} of {budget['daily_limit']} {what} are left today; a run {cost}."
        )


class CampaignExplorer(_SummaryExplorer):
    """Explore how campaigns did: choose days and a conversion, press Run; another chart costs nothing.

    Parameters
    ----------
    client : KlaviyoClient
    state : SummaryExplorerState, optional
        Share it to let two explorers show one question.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=2000) as client:
    ...     explorer = ka.widgets.CampaignExplorer(client)
    ...     frame = explorer.run()
    >>> frame.columns[0]
    'campaign'
    >>> explorer.close()
    """

    _resource = "campaign"


class FlowExplorer(_SummaryExplorer):
    """Explore how flows did: choose days and a conversion, press Run. See `CampaignExplorer`.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=2000) as client:
    ...     explorer = ka.widgets.FlowExplorer(client)
    ...     frame = explorer.run()
    >>> frame.columns[0]
    'flow'
    >>> explorer.close()
    """

    _resource = "flow"
