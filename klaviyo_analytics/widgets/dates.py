"""Which days, compared with which, at what interval: state, no view."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import ipywidgets
from traitlets import Enum, Instance, TraitType, Unicode, observe, validate

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.vocabulary import Interval
from klaviyo_analytics.widgets.background import silently
from klaviyo_analytics.widgets.base_view import LABELLED, State, View, check, heading, note

CUSTOM = "custom"
AUTO = "auto"
PRESETS = (
    "last 7 days",
    "last 30 days",
    "last 90 days",
    "this month",
    "last month",
    "this quarter",
    "last quarter",
    "last 12 months",
    "this year",
    "last year",
)
COMPARISONS = ("none", "previous period", "same period last year")
# Below the first number of days an interval is one point only, above the second a line is all teeth.
FITS: dict[str, tuple[int, int]] = {
    "hour": (1, 14),
    "day": (2, 400),
    "week": (14, 1_600),
    "month": (59, 10**6),
}


class DateRangeState(State):
    """A range of whole days in an account's time zone.

    Attributes
    ----------
    preset : str
        One of the presets in words, like "last 90 days", or "custom". Setting it sets the days.
    first_day, last_day : datetime.date or None
        Both belong to the range. Setting one makes the range a custom one.
    comparison : {"none", "previous period", "same period last year"}
    interval : {"auto", "hour", "day", "week", "month"}
        One that no longer fits the range becomes "auto".
    problem : str
        What is wrong with the days, in words; empty if they can be used.
    timezone : str
        IANA name; it decides what a day is.

    Examples
    --------
    >>> from datetime import datetime
    >>> from klaviyo_analytics.widgets import DateRangeState
    >>> state = DateRangeState("America/New_York", now=lambda: datetime(2026, 7, 1))
    >>> state.preset = "last month"
    >>> print(state.timeframe)
    2026-06-01 to 2026-06-30 (America/New_York)
    """

    preset = Enum([*PRESETS, CUSTOM], default_value="last 90 days")
    first_day: TraitType[Any, date | None] = Instance(date, allow_none=True)
    last_day: TraitType[Any, date | None] = Instance(date, allow_none=True)
    comparison = Enum(COMPARISONS, default_value="none")
    interval = Enum([AUTO, *get_args(Interval)], default_value=AUTO)
    problem = Unicode("")
    timezone: str

    def __init__(
        self,
        timezone: str = "UTC",
        *,
        preset: str = "last 90 days",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        self.timezone = timezone
        self._now = now
        self.preset = preset
        self._days_of_preset()

    @property
    def timeframe(self) -> Timeframe | None:
        """The range; None while there is a problem."""
        if self.problem or self.first_day is None or self.last_day is None:
            return None
        return Timeframe(self.first_day, self.last_day + timedelta(days=1), timezone=self.timezone)

    @property
    def compared(self) -> Timeframe | None:
        """The range to compare with, if any."""
        whole = self.timeframe
        if whole is None or self.comparison == "none":
            return None
        return whole.previous() if self.comparison == "previous period" else whole.same_period_last_year()

    @property
    def fitting(self) -> tuple[str, ...]:
        """Intervals that make neither a single point nor thousands."""
        days = self._days
        return tuple(name for name, (least, most) in FITS.items() if least <= days <= most)

    @property
    def chosen_interval(self) -> str:
        """The interval that a query takes: as chosen, else what suits the length."""
        if self.interval != AUTO:
            return str(self.interval)
        days = self._days
        return "hour" if days <= 2 else "day" if days <= 92 else "week" if days <= 400 else "month"

    @property
    def _days(self) -> int:
        whole = self.timeframe
        return whole.days if whole else 0

    @observe("preset")
    def _days_of_preset(self, _change: Any = None) -> None:
        if self.preset == CUSTOM:
            return
        whole = Timeframe.parse(self.preset, timezone=self.timezone, now=self._now())
        with self.hold_trait_notifications():
            self.first_day, self.last_day = whole.start.date(), whole.end.date() - timedelta(days=1)

    @validate("first_day", "last_day")
    def _whole_day(self, proposal: Any) -> date | None:
        day: date | None = proposal["value"]
        return day.date() if isinstance(day, datetime) else day  # a Timestamp is one, too

    @observe("first_day", "last_day")
    def _check(self, _change: Any = None) -> None:
        self.problem = self._wrong()
        if self.interval != AUTO and self.interval not in self.fitting:
            self.interval = AUTO
        if self.preset != CUSTOM and not self._is_preset():
            self.preset = CUSTOM

    def _is_preset(self) -> bool:
        whole = Timeframe.parse(self.preset, timezone=self.timezone, now=self._now())
        days = whole.start.date(), whole.end.date() - timedelta(days=1)
        return (self.first_day, self.last_day) == days

    def _wrong(self) -> str:
        if self.first_day is None or self.last_day is None:
            return "Choose a first and a last day."
        if self.last_day < self.first_day:
            return f"The last day, {self.last_day}, is before the first, {self.first_day}."
        try:
            Timeframe(self.first_day, self.last_day + timedelta(days=1), timezone=self.timezone)
        except (InvalidInputError, OverflowError):
            return "These days are outside the calendar."
        return ""


_WIDE = {"width": "auto"}


class DateRangePicker(View):
    """Choose days: a preset or two dates, what to compare with, and an interval that fits.

    Parameters
    ----------
    of : KlaviyoClient or DateRangeState
        The client whose account's clock decides what a day is; or what is chosen, which several views may share.
    intervals, comparisons : bool
        Whether these can be chosen, too.

    Examples
    --------
    >>> from datetime import datetime
    >>> from klaviyo_analytics.widgets import DateRangePicker, DateRangeState
    >>> picker = DateRangePicker(DateRangeState("UTC", now=lambda: datetime(2026, 7, 1)))
    >>> picker.state.preset = "last month"
    >>> picker.timeframe
    Timeframe('2026-06-01', '2026-07-01', timezone='UTC')
    >>> picker.close()
    """

    def __init__(
        self, of: KlaviyoClient | DateRangeState, *, intervals: bool = True, comparisons: bool = True
    ) -> None:
        wanted = "a client, as ka.connect() and ka.demo() give it, or a DateRangeState to share"
        check(self, "of", of, (KlaviyoClient, DateRangeState), wanted)
        self.state = state = of if isinstance(of, DateRangeState) else _of_account(of)
        self.on_enter: Callable[[], None] | None = None
        self._preset = ipywidgets.RadioButtons(
            description="Period", options=[*PRESETS, CUSTOM], layout={"width": "auto"}
        )
        self._preset.add_class("kla-presets")
        self._preset.add_class("kla-unseen-label")
        # a browser's own date field has its own format and four stops of the Tab key
        self._first, self._last = (_day_field(label) for label in ("First day", "Last day"))
        self._typed: dict[str, str] = {}
        self._comparison = _dropdown("Compare", COMPARISONS)
        self._interval = _dropdown("Interval", [AUTO])
        self._note = ipywidgets.HTML()
        self._writing = False
        self._comparison.layout.display = None if comparisons else "none"
        self._interval.layout.display = None if intervals else "none"
        super().__init__([heading("Days"), *self._boxes.values(), self._note])
        self.add_class("kla-dates")
        self.layout.max_width = "520px"
        for name, box in self._boxes.items():
            box.observe(lambda change, name=name: self._take(name, change["new"]), names="value")
        for field in (self._first, self._last):
            field.on_msg(self._pressed)
        self.watch(state, [*self._boxes, "problem"], self._show)

    @property
    def timeframe(self) -> Any:
        """The days as a `Timeframe`; None while they cannot be used."""
        return self.state.timeframe

    def _chosen_in_words(self) -> str:
        return self.state.problem or str(self.timeframe)

    @property
    def _boxes(self) -> dict[str, Any]:
        return {
            "preset": self._preset,
            "first_day": self._first,
            "last_day": self._last,
            "comparison": self._comparison,
            "interval": self._interval,
        }

    def _take(self, name: str, value: Any) -> None:
        if self._writing:
            return
        if name not in ("first_day", "last_day"):
            self.state.set_trait(name, value)
            return
        self._typed.pop(name, None)
        try:
            day = date.fromisoformat(value.strip())
        except ValueError:
            day = None
            if value.strip():
                self._typed[name] = value
        before = getattr(self.state, name)
        self.state.set_trait(name, day)
        if day == before:
            self._show(None)

    def _pressed(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Go on, when Enter is pressed in one of the fields."""
        if isinstance(content, dict) and content.get("event") == "submit" and self.on_enter is not None:
            self.on_enter()

    def _show(self, _change: Any) -> None:
        self._writing = True
        fitting = [AUTO, *self.state.fitting]
        if list(self._interval.options) != fitting:
            self._interval.options = fitting
        for name, box in self._boxes.items():
            value = getattr(self.state, name)
            if name in ("first_day", "last_day"):
                if value is not None:
                    self._typed.pop(name, None)
                value = self._typed.get(name, "") if value is None else value.isoformat()
                box.layout.display = None if self.state.preset == CUSTOM else "none"
            if name != "interval" or value in fitting:
                box.value = value
        self._note.value = self._said()
        self._writing = False

    def _said(self) -> str:
        if self._typed:
            typed = next(iter(self._typed.values()))
            return note(f"{typed!r} is not a day. Write it like 2026-06-30.", kind="problem", role="alert")
        if self.state.problem:
            return note(self.state.problem, kind="problem", role="alert")
        return note(f"{self.state.first_day} to {self.state.last_day}, days of {self.state.timezone}.")


def _day_field(label: str) -> Any:
    return ipywidgets.Text(
        description=label, placeholder="YYYY-MM-DD", continuous_update=False, layout=_WIDE, style=LABELLED
    )


def _of_account(client: KlaviyoClient) -> DateRangeState:
    return DateRangeState(silently(lambda: client.account)["timezone"], now=client.now)


def _dropdown(label: str, options: Any) -> Any:
    return ipywidgets.Dropdown(description=label, options=options, layout=_WIDE, style=LABELLED)
