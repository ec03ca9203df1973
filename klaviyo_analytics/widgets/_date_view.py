"""Days, comparison and interval as four native inputs."""

from __future__ import annotations

from typing import Any

import ipywidgets

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.widgets._dates import AUTO, COMPARISONS, CUSTOM, PRESETS, DateRangeState
from klaviyo_analytics.widgets._given import check
from klaviyo_analytics.widgets._loading import silently
from klaviyo_analytics.widgets._view import LABELLED, View, heading, note

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
        self._preset = _dropdown("Period", [*PRESETS, CUSTOM])
        self._first = ipywidgets.DatePicker(description="First day", layout=_WIDE, style=LABELLED)
        self._last = ipywidgets.DatePicker(description="Last day", layout=_WIDE, style=LABELLED)
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
        self.watch(state, [*self._boxes, "problem"], self._show)

    @property
    def timeframe(self) -> Any:
        """The days as a `Timeframe`; None while they cannot be used."""
        return self.state.timeframe

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
        if not self._writing:
            self.state.set_trait(name, value)

    def _show(self, _change: Any) -> None:
        self._writing = True
        fitting = [AUTO, *self.state.fitting]
        if list(self._interval.options) != fitting:
            self._interval.options = fitting
        for name, box in self._boxes.items():
            value = getattr(self.state, name)
            if name != "interval" or value in fitting:
                box.value = value
        if self.state.problem:
            self._note.value = note(self.state.problem, kind="problem", role="alert")
        else:
            self._note.value = note(f"Days are those of {self.state.timezone}.")
        self._writing = False


def _of_account(client: KlaviyoClient) -> DateRangeState:
    return DateRangeState(silently(lambda: client.account)["timezone"], now=client._context.now)


def _dropdown(label: str, options: Any) -> Any:
    return ipywidgets.Dropdown(description=label, options=options, layout=_WIDE, style=LABELLED)
