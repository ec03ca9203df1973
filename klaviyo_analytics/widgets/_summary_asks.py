"""What the explorers of campaigns and flows ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes

from klaviyo_analytics import plots
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.widgets._asks import Ask, Frames
from klaviyo_analytics.widgets._code import Name, call

Noun = Literal["campaign", "flow"]
Chart = Literal["campaign_ranking", "campaign_scatter", "flow_funnel"]
TOP = {"campaign_ranking": 10, "campaign_scatter": 0, "flow_funnel": 12}


@dataclass(frozen=True)
class SummaryAsk(Ask):
    """A summary of campaigns or flows, drawn as a ranking, as points, or as a funnel."""

    noun: Noun
    by: str
    chart: Chart
    measure: str
    timeframe: Timeframe
    words: str | None = None
    conversion: Any = None

    def fetch(self, client: KlaviyoClient) -> Frames:
        """Ask for the summary."""
        ask = client.campaigns.summary if self.noun == "campaign" else client.flows.summary
        return Frames(ask(self.timeframe, **self._query()))

    def draw(self, frames: Frames, new: Callable[[], Axes]) -> Axes:
        """Draw the summary."""
        axes: Axes = getattr(plots, self.chart)(frames.frame, **self._plot(), ax=new())
        return axes

    def height(self, frames: Frames) -> float:
        """Give every row of a ranking room for its name."""
        return max(4.2, 1.6 + 0.42 * min(len(frames.frame), TOP[self.chart]))

    @property
    def code(self) -> str:
        """Summary and plot."""
        days = self.words or (str(self.timeframe.start.date()), str(self.timeframe.end.date()))
        query = call(f"client.{self.noun}s.summary", days, **self._query())
        return f"frame = {query}\n{call(f'ka.plots.{self.chart}', Name('frame'), **self._plot())}"

    @property
    def subject(self) -> str:
        """Noun and days."""
        return f"{self.noun}s {str(self.timeframe).split(' (', 1)[0]}"

    @property
    def alt(self) -> str:
        """The chart in one sentence."""
        kind = {
            "campaign_ranking": f"Bar chart of campaigns by {self.measure}",
            "campaign_scatter": f"Scatter chart of campaigns, {self.measure} against recipients",
            "flow_funnel": "Funnel chart of flows, from delivered to converted",
        }[self.chart]
        return f"{kind.replace('_', ' ')}, {self.timeframe}. The table shows the same numbers."

    def _query(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = {} if self.by == self.noun else {"by": self.by}
        if self.conversion is not None:
            kwargs["conversion_metric"] = self.conversion
        return kwargs

    def _plot(self) -> dict[str, Any]:
        names = {"campaign_ranking": "by", "campaign_scatter": "y"}
        return {names[self.chart]: self.measure} if self.chart in names else {}
