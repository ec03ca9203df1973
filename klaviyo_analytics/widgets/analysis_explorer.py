"""The explorer of `client.analyses`: each analysis by clicking, with its picture and its code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import ipywidgets
from matplotlib.axes import Axes
from traitlets import Dict, Unicode, validate

from klaviyo_analytics import plots
from klaviyo_analytics._messages import counted
from klaviyo_analytics.answers import Analyses
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.plots._quantities import capitalised
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.widgets.background import silently
from klaviyo_analytics.widgets.base_view import check_client, check_state, dropdown, note, one_of
from klaviyo_analytics.widgets.choices import ChoiceState
from klaviyo_analytics.widgets.dates import CUSTOM, DateRangePicker
from klaviyo_analytics.widgets.explorer import Explorer, ExplorerState
from klaviyo_analytics.widgets.pickers import CampaignPicker
from klaviyo_analytics.widgets.queries import Ask, Frames, Name, call

_RATES = ("click_rate", "open_rate", "conversion_rate")
_CHANNELS, _REACTIONS = ("email", "text", "push"), ("click", "open")
# What can be chosen of an analysis, the default first; other keywords are for code.
SETTINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ab_test": {"measure": _RATES},
    "attribution": {"model": ("last_touch", "first_touch", "linear", "position", "time_decay", "native")},
    "cohorts": {
        "period": ("month", "day", "week", "quarter", "year"),
        "measure": ("customers", "orders", "revenue"),
    },
    "deliverability_by_provider": {"provider": ("Inbox Provider", "Email Domain")},
    "fatigue": {"channel": _CHANNELS, "reaction": _REACTIONS},
    "flow_health": {"measure": _RATES},
    "overlap": {"kind": ("segments", "lists")},
    "send_times": {"channel": _CHANNELS, "reaction": _REACTIONS},
    "year_over_year": {"value": ("sum_value", "count")},
}
_WITHOUT_DATES = frozenset({"overlap"})
_NAMES = {"ab_test": "A/B test", "rfm": "RFM", "klaviyo_rfm": "RFM in Klaviyo's groups"}
_KINDS = {
    "attribution": "money", "by_segment": "money", "new_and_returning": "money",
    "overlap": "rate", "cohorts": "rate", "send_times": "rate", "repeat_purchase": "rate",
    "flow_health": "rate", "flow_losses": "rate", "deliverability_by_provider": "rate",
    "engagement_tiers": "count", "product_affinity": "count", "ordered_funnel": "count",
}  # fmt: skip


def analyses() -> dict[str, str]:
    """Return the methods of `client.analyses`, by what a reader calls them.

    Examples
    --------
    >>> from klaviyo_analytics.widgets.analysis_explorer import analyses
    >>> analyses()["Cohorts"]
    'cohorts'
    """
    names = [name for name in dir(Analyses) if not name.startswith("_")]
    words = {_NAMES.get(name, capitalised(name.replace("_", " "))): name for name in names}
    return dict(sorted(words.items(), key=lambda pair: pair[0].casefold()))


@dataclass(frozen=True)
class AnalysisAsk(Ask):
    """One call of `client.analyses`, drawn by `ka.plots.auto`."""

    analysis: str
    timeframe: Timeframe | None
    words: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    campaign: str | None = None

    def fetch(self, client: KlaviyoClient) -> Frames:
        """Ask for the analysis."""
        first = [self.campaign] if self.campaign else []
        days = {} if self.timeframe is None else {"timeframe": self.timeframe}
        return Frames(getattr(client.analyses, self.analysis)(*first, **days, **self.settings))

    def draw(self, frames: Frames, new: Callable[[], Axes]) -> Axes:
        """Draw what fits the analysis."""
        return plots.auto(frames.frame, ax=new())

    def height(self, frames: Frames) -> float:
        """Return a height with room for the bars or cells of a few rows."""
        return max(4.2, 1.6 + 0.3 * min(len(frames.frame), 15))

    def written_as(self, frames: Frames) -> tuple[str, str | None]:
        """Return the kind of number that the picture shows."""
        return _KINDS.get(self.analysis, "number"), frames.frame.attrs.get("currency")

    @property
    def choices(self) -> Mapping[str, str]:
        """What was chosen."""
        return {
            "analysis": self.analysis, "dates": str(self.timeframe), "campaign": str(self.campaign), **self.settings,
        }  # fmt: skip

    @property
    def code(self) -> str:
        """Analysis and plot."""
        first = [self.campaign] if self.campaign else []
        days: dict[str, Any] = {}
        if self.timeframe is not None:
            ends = (str(self.timeframe.start.date()), str(self.timeframe.end.date()))
            days = {"timeframe": self.words or ends}
        usual = SETTINGS.get(self.analysis, {})
        settings = {name: value for name, value in self.settings.items() if value != usual[name][0]}
        query = call(f"client.analyses.{self.analysis}", *first, **days, **settings)
        return f"frame = {query}\n{call('ka.plots.auto', Name('frame'))}"

    @property
    def subject(self) -> str:
        """Analysis and days."""
        days = "" if self.timeframe is None else f" {str(self.timeframe).split(' (', 1)[0]}"
        return f"{self.analysis.replace('_', ' ')}{days}"

    @property
    def alt(self) -> str:
        """The chart in one sentence."""
        days = "" if self.timeframe is None else f", {self.timeframe}"
        return f"Chart of the analysis {self.analysis.replace('_', ' ')}{days}. The table shows the same numbers."


class AnalysisExplorerState(ExplorerState):
    """A question for `client.analyses`.

    Attributes
    ----------
    analysis : str
        The name of a method of `client.analyses`. Setting it sets `settings` to the defaults.
    settings : dict of str to str
        Its settings, as far as they can be chosen: `SETTINGS` lists them.
    campaign : ChoiceState
        The campaign of an A/B test.

    Examples
    --------
    >>> from klaviyo_analytics.widgets import AnalysisExplorerState
    >>> state = AnalysisExplorerState("America/New_York")
    >>> state.analysis = "cohorts"
    >>> state.settings = {"period": "quarter", "measure": "orders"}
    >>> print(state.code)
    frame = client.analyses.cohorts(timeframe="last 12 months", period="quarter", measure="orders")
    ka.plots.auto(frame)
    """

    analysis = Unicode("new_and_returning")
    settings = Dict()
    campaign: ChoiceState

    def __init__(
        self, timezone: str = "UTC", *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        super().__init__(timezone, now=now)
        self.dates.preset = "last 12 months"
        self.campaign = ChoiceState(multiple=False)
        self.campaign.observe(self.check, names=["selected", "empty"])
        self.observe(self._set_defaults, names=["analysis"])
        self.observe(self.check, names=["settings"])
        self._set_defaults()

    @validate("analysis")
    def _known(self, proposal: Any) -> Any:
        return one_of("analysis", proposal["value"], tuple(analyses().values()))

    @validate("settings")
    def _allowed(self, proposal: Any) -> Any:
        allowed = SETTINGS.get(self.analysis, {})
        for name, value in proposal["value"].items():
            if name not in allowed:
                has = ", ".join(allowed) or "none"
                raise InvalidInputError(f"settings has {name!r}; the settings of {self.analysis} are {has}.")
            one_of(name, value, allowed[name])
        return dict(proposal["value"])

    def _set_defaults(self, _change: Any = None) -> None:
        with self.hold_trait_notifications():
            self.settings = {name: values[0] for name, values in SETTINGS.get(self.analysis, {}).items()}
        self.check()

    @property
    def dated(self) -> bool:
        """Whether the analysis is one of a time frame."""
        return self.analysis not in _WITHOUT_DATES

    def check(self, _change: Any = None) -> None:
        """Bring `problem` up to date."""
        self.problem = (self.dates.problem if self.dated else "") or self.wrong()
        self.stale = self._changed()

    def wrong(self) -> str:
        """Return what is missing."""
        if self.analysis != "ab_test" or self.campaign.selected:
            return ""
        return "This account has no campaigns." if self.campaign.empty else "Choose the campaign of the test."

    def ask(self) -> AnalysisAsk:
        """Freeze the question."""
        return AnalysisAsk(
            analysis=self.analysis,
            timeframe=self.dates.timeframe if self.dated else None,
            words=None if self.dates.preset == CUSTOM or not self.dated else self.dates.preset,
            settings=dict(self.settings),
            campaign=next(iter(self.campaign.values), None) if self.analysis == "ab_test" else None,
        )

    def redrawn(self, asked: Ask) -> Ask:
        """Return the query as it is: there is one picture for each analysis."""
        return replace(asked) if isinstance(asked, AnalysisAsk) else asked


class AnalysisExplorer(Explorer):
    """Explore the analyses of an account: choose one and its days, press Run.

    Analyses read events and orders, so a run may take a while; Cancel ends it. Settings that are not shown here are
    keywords of the method that the code names.

    Parameters
    ----------
    client : KlaviyoClient
    state : AnalysisExplorerState, optional
        Share it to let two explorers show one question.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=2000) as client:
    ...     explorer = ka.widgets.AnalysisExplorer(client)
    ...     explorer.state.analysis = "engagement_tiers"
    ...     frame = explorer.run()
    >>> "tier" in frame.columns
    True
    >>> explorer.close()
    """

    state: AnalysisExplorerState

    def __init__(self, client: KlaviyoClient, *, state: AnalysisExplorerState | None = None) -> None:
        check_client(self, client)
        check_state(self, state, AnalysisExplorerState)
        timezone, now = str(silently(lambda: client.account)["timezone"]), client.now
        self.state = state = state if state is not None else AnalysisExplorerState(timezone, now=now)
        self._analysis = ipywidgets.Select(
            description="Analysis", options=list(analyses().items()), rows=8, layout={"width": "auto"}
        )
        self._analysis.add_class("kla-unseen-label")
        self._about = ipywidgets.HTML()
        most = max(len(each) for each in SETTINGS.values())
        self._settings = [dropdown("", []) for _ in range(most)]
        self.campaign = CampaignPicker(client, state=state.campaign, multiple=False)
        self._dates = DateRangePicker(state.dates, intervals=False, comparisons=False)
        self._writing = False
        pickers = [self._analysis, self._about, *self._settings, self.campaign, self._dates]
        super().__init__(client, state, pickers)
        self._analysis.observe(self._take_analysis, names="value")
        for place, box in enumerate(self._settings):
            box.observe(lambda change, place=place: self._take(place, change["new"]), names="value")
        self.watch(state, ["analysis", "settings"], self._show_settings)

    def _take_analysis(self, change: Any) -> None:
        if not self._writing:
            self.state.analysis = change["new"]

    def _take(self, place: int, value: Any) -> None:
        if not self._writing:
            name = list(SETTINGS[self.state.analysis])[place]
            self.state.settings = {**self.state.settings, name: value}

    def _show_settings(self, _change: Any) -> None:
        state = self.state
        self._writing = True
        self._analysis.value = state.analysis
        about = inspect.getdoc(getattr(Analyses, state.analysis)) or ""
        self._about.value = note(about.split("\n", 1)[0])
        allowed = list(SETTINGS.get(state.analysis, {}).items())
        for place, box in enumerate(self._settings):
            box.layout.display = None if place < len(allowed) else "none"
            if place < len(allowed):
                name, values = allowed[place]
                box.description = capitalised(name)
                options = [(value.replace("_", " "), value) for value in values]
                if list(box.options) != options:
                    box.options = options
                box.value = state.settings.get(name, values[0])
        self.campaign.layout.display = None if state.analysis == "ab_test" else "none"
        self._dates.layout.display = None if state.dated else "none"
        self._writing = False

    def _answered(self, ask: Ask, frames: Frames) -> str:
        super()._answered(ask, frames)
        calls = frames.frame.attrs.get("requests")
        cost = f"; it took {counted(int(calls), 'request')}" if isinstance(calls, int) else ""
        return f"{counted(len(frames.frame), 'row')} for {ask.subject}{cost}."
