"""The explorer of segments and lists: sizes over time, and how they overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from traitlets import Unicode, validate

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.filters import F
from klaviyo_analytics.plots._quantities import write
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.widgets.background import silently
from klaviyo_analytics.widgets.base_view import check_client, check_state, dropdown, one_of
from klaviyo_analytics.widgets.choices import ChoiceState
from klaviyo_analytics.widgets.dates import CUSTOM, DateRangePicker
from klaviyo_analytics.widgets.explorer import Explorer, ExplorerState
from klaviyo_analytics.widgets.pickers import ListPicker, SegmentPicker
from klaviyo_analytics.widgets.queries import (
    Ask,
    Frames,
    KeyNumber,
    Name,
    call,
    change_of,
    in_short,
    labelled,
)

CHARTS = {"Sizes over time": "sizes", "Overlap": "overlap"}
MOST_SIZES, MOST_OVERLAP = 12, 25
_MEMBERS = """members = pd.DataFrame(
    [
        (profile, name)
        for (kind, group), name in groups.items()
        for profile in getattr(client, kind).profiles(group, fields=["email"])["id"]
    ],
    columns=["profile_id", "group"],
)
frame = ka.analysis.overlap(members)"""


@dataclass(frozen=True)
class SizesAsk(Ask):
    """Members of segments, interval by interval."""

    segments: tuple[str, ...]
    labels: tuple[str, ...]
    interval: str
    timeframe: Timeframe
    words: str | None = None

    def fetch(self, client: KlaviyoClient) -> Frames:
        """Ask for the series of the chosen segments."""
        chosen: Any = F["segment_id"].any(list(self.segments))
        interval: Any = self.interval
        return Frames(
            client.reports.segment_series(interval=interval, timeframe=self.timeframe, filter=chosen)
        )

    def draw(self, frames: Frames, new: Callable[[], Axes]) -> Axes:
        """Draw a line for each segment."""
        named = labelled(frames.frame, ["segment"])
        return plots.metric_trend(named, y="total_members", hue="segment", ax=new())

    def written_as(self, frames: Frames) -> tuple[str, str | None]:  # noqa: ARG002
        """Return that members are counted."""
        return "count", None

    def key_numbers(self, frames: Frames) -> list[KeyNumber]:
        """Return the latest size of each segment, and its change since the beginning."""
        numbers = []
        for id, label in list(zip(self.segments, self.labels, strict=True))[:4]:
            sizes = frames.frame.loc[frames.frame["segment_id"] == id, "total_members"].dropna()
            trend = tuple(float(size) for size in sizes)
            if trend:
                change = change_of(trend[-1], trend[:1])
                numbers.append(KeyNumber(f"{label}: members", write(trend[-1], "count"), change, trend))
        return numbers

    @property
    def choices(self) -> Mapping[str, str]:
        """What was chosen."""
        return {
            "segments": ",".join(self.segments), "dates": str(self.timeframe), "interval": self.interval,
            "chart": "sizes",
        }  # fmt: skip

    @property
    def code(self) -> str:
        """Query and plot."""
        days = self.words or (str(self.timeframe.start.date()), str(self.timeframe.end.date()))
        chosen = Name('ka.F["segment_id"].' + call("any", list(self.segments)))
        query = call("client.reports.segment_series", interval=self.interval, timeframe=days, filter=chosen)
        named = Name('ka.widgets.labelled(frame, ["segment"])')
        return f"frame = {query}\n{call('ka.plots.metric_trend', named, y='total_members', hue='segment')}"

    @property
    def subject(self) -> str:
        """Segments and days."""
        return f"{in_short(self.labels)}, {str(self.timeframe).split(' (', 1)[0]}"

    @property
    def alt(self) -> str:
        """The chart in one sentence."""
        return (
            f"Line chart of the members of {', '.join(self.labels)} per {self.interval}, {self.timeframe}. "
            "The table shows the same numbers."
        )


@dataclass(frozen=True)
class OverlapAsk(Ask):
    """The profiles that segments and lists share."""

    groups: tuple[tuple[Literal["segments", "lists"], str], ...]
    labels: tuple[str, ...]

    def fetch(self, client: KlaviyoClient) -> Frames:
        """Read the members of each group; of profiles only ids are kept."""
        rows = [
            (profile, name)
            for (kind, group), name in zip(self.groups, self.labels, strict=True)
            for profile in getattr(client, kind).profiles(group, fields=["email"])["id"]
        ]
        return Frames(analysis.overlap(pd.DataFrame(rows, columns=["profile_id", "group"])))

    def draw(self, frames: Frames, new: Callable[[], Axes]) -> Axes:
        """Draw the share of each group that is in each other one."""
        return plots.overlap(frames.frame, ax=new())

    def height(self, frames: Frames) -> float:  # noqa: ARG002
        """Return a height with room for the name of every group."""
        return max(4.2, 1.8 + 0.42 * len(self.groups))

    def written_as(self, frames: Frames) -> tuple[str, str | None]:  # noqa: ARG002
        """Return that cells are shares."""
        return "rate", None

    def key_numbers(self, frames: Frames) -> list[KeyNumber]:
        """Return the sizes of the first groups; one without members has no row in the frame."""
        sizes = frames.frame.drop_duplicates("group_a").set_index("group_a")["size_a"]
        return [
            KeyNumber(f"{label}: profiles", write(float(sizes.get(label, 0)), "count"))
            for label in self.labels[:4]
        ]

    @property
    def choices(self) -> Mapping[str, str]:
        """What was chosen."""
        chosen = {kind: [id for own, id in self.groups if own == kind] for kind in ("segments", "lists")}
        return {"chart": "overlap", **{kind: ",".join(ids) for kind, ids in chosen.items()}}

    @property
    def code(self) -> str:
        """Members, overlap and plot."""
        pairs = zip(self.groups, self.labels, strict=True)
        groups = "\n".join(f"    {call('', *pair)}: {call('', label)[1:-1]}," for pair, label in pairs)
        return f"import pandas as pd\n\ngroups = {{\n{groups}\n}}\n{_MEMBERS}\nka.plots.overlap(frame)"

    @property
    def subject(self) -> str:
        """Groups."""
        return f"overlap of {in_short(self.labels)}"

    @property
    def alt(self) -> str:
        """The chart in one sentence."""
        return (
            f"Heatmap of the share of profiles that {', '.join(self.labels)} have in common. "
            "The table shows the same numbers."
        )


class SegmentExplorerState(ExplorerState):
    """A question about segments and lists.

    Attributes
    ----------
    segments, lists : ChoiceState
        Klaviyo reports sizes over time of segments only; both can overlap.
    chart : {"sizes", "overlap"}

    Examples
    --------
    >>> from klaviyo_analytics.widgets import Option, SegmentExplorerState
    >>> state = SegmentExplorerState("America/New_York")
    >>> state.chart = "overlap"
    >>> state.problem
    'Choose at least two segments or lists.'
    """

    chart = Unicode("sizes")
    segments: ChoiceState
    lists: ChoiceState

    def __init__(
        self, timezone: str = "UTC", *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__(timezone, now=now)
        self.segments, self.lists = ChoiceState(), ChoiceState()
        for choice in (self.segments, self.lists):
            choice.observe(self.check, names=["selected", "empty"])
        self.observe(self.check, names=["chart"])
        self.check()

    @validate("chart")
    def _known(self, proposal: Any) -> Any:
        return one_of("chart", proposal["value"], tuple(CHARTS.values()))

    def wrong(self) -> str:
        """Return what is missing, or too much to draw or to read."""
        segments = len(self.segments.selected)
        groups = segments + len(self.lists.selected)
        if self.chart == "sizes":
            if not segments:
                return "Choose at least one segment. Klaviyo reports no sizes of lists over time."
            return f"Choose at most {MOST_SIZES} segments." if segments > MOST_SIZES else ""
        if groups < 2:
            return "Choose at least two segments or lists."
        return f"Choose at most {MOST_OVERLAP} segments and lists." if groups > MOST_OVERLAP else ""

    def ask(self) -> SizesAsk | OverlapAsk:
        """Freeze the question."""
        if self.chart == "overlap":
            return self._overlap()
        timeframe = self.dates.timeframe
        assert timeframe is not None
        return SizesAsk(
            segments=tuple(self.segments.selected),
            labels=tuple(map(self.segments.told_apart, self.segments.chosen)),
            interval=self.dates.chosen_interval,
            timeframe=timeframe,
            words=None if self.dates.preset == CUSTOM else self.dates.preset,
        )

    def redrawn(self, asked: Ask) -> Ask:
        """Return the query as it is: each chart has a question of its own."""
        return replace(asked) if isinstance(asked, SizesAsk | OverlapAsk) else asked

    def _overlap(self) -> OverlapAsk:
        labels = [
            (("segments", option.id), self.segments.told_apart(option)) for option in self.segments.chosen
        ]
        lists = [(("lists", option.id), self.lists.told_apart(option)) for option in self.lists.chosen]
        taken = {label for _, label in labels}
        labels += [(group, f"{label} (list)" if label in taken else label) for group, label in lists]
        groups: Any = tuple(group for group, _ in labels)
        return OverlapAsk(groups, tuple(label for _, label in labels))


class SegmentExplorer(Explorer):
    """Explore segments and lists: choose some, press Run, see their sizes over time or how they overlap.

    Sizes take one of the day's segment reports; an overlap reads the members of what is chosen.

    Parameters
    ----------
    client : KlaviyoClient
    state : SegmentExplorerState, optional
        Share it to let two explorers show one question.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=500) as client:
    ...     explorer = ka.widgets.SegmentExplorer(client)
    ...     explorer.segments.choose("Repeat buyers", "United States")
    ...     explorer.state.chart = "overlap"
    ...     frame = explorer.run()
    >>> frame.columns[:2].tolist()
    ['group_a', 'group_b']
    >>> explorer.close()
    """

    state: SegmentExplorerState

    def __init__(self, client: KlaviyoClient, *, state: SegmentExplorerState | None = None) -> None:
        check_client(self, client)
        check_state(self, state, SegmentExplorerState)
        timezone, now = str(silently(lambda: client.account)["timezone"]), client.now
        self.state = state = state if state is not None else SegmentExplorerState(timezone, now=now)
        self.segments = SegmentPicker(client, state=state.segments)
        self.lists = ListPicker(client, state=state.lists)
        self._chart = dropdown("Chart", CHARTS.items())
        self._dates = DateRangePicker(state.dates, comparisons=False)
        super().__init__(client, state, [self._chart, self.segments, self.lists, self._dates])
        self._chart.observe(lambda change: state.set_trait("chart", change["new"]), names="value")
        self.watch(state, ["chart"], self._show_chart)

    def _show_chart(self, _change: Any) -> None:
        sizes = self.state.chart == "sizes"
        self._chart.value = self.state.chart
        self.lists.layout.display = "none" if sizes else None
        self._dates.layout.display = None if sizes else "none"
