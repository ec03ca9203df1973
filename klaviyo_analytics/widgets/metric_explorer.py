"""The explorers of metrics, campaigns and flows."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.widgets import options
from klaviyo_analytics.widgets.background import silently
from klaviyo_analytics.widgets.base_view import check_client, check_state, dropdown
from klaviyo_analytics.widgets.dates import DateRangePicker
from klaviyo_analytics.widgets.explorer import Explorer
from klaviyo_analytics.widgets.explorer_state import MEASUREMENTS, METRIC_CHARTS, MetricExplorerState
from klaviyo_analytics.widgets.pickers import DimensionPicker, MetricPicker
from klaviyo_analytics.widgets.queries import Ask, Frames


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
