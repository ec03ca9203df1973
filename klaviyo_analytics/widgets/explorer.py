"""What every explorer has: its state, pickers, Run and Cancel, how it goes, and what came back."""

from __future__ import annotations

import base64
import uuid
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import ipywidgets
import pandas as pd
from IPython.core.display_functions import display
from matplotlib.axes import Axes
from traitlets import Instance, TraitType, Unicode

from klaviyo_analytics._messages import counted
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.widgets.background import Loader, RunState, in_words
from klaviyo_analytics.widgets.base_view import State, View, note, status_line
from klaviyo_analytics.widgets.dates import DateRangeState
from klaviyo_analytics.widgets.queries import Ask, Frames
from klaviyo_analytics.widgets.results import Picture, ResultsView, picture


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


HINT = "Choose, then press Run."
_NOTHING = {"text/html": '<div class="kla-saved"></div>', "text/plain": ""}


class Explorer(View):
    """A question put together by clicking; only Run asks the account.

    Parameters
    ----------
    client : KlaviyoClient
    state : ExplorerState
    pickers : list of widgets
    """

    def __init__(self, client: KlaviyoClient, state: ExplorerState, pickers: Sequence[Any]) -> None:
        self.state = state
        self._display_id, self._displayed = uuid.uuid4().hex, False
        self._client = client
        self._loader = Loader(state.run)
        self._run = ipywidgets.Button(description="Run", button_style="primary", layout={"width": "90px"})
        self._cancel = ipywidgets.Button(description="Cancel", layout={"width": "90px"})
        self._status = status_line()
        self._run.on_click(lambda _button: self.start())
        self._cancel.on_click(lambda _button: self.cancel())
        self.results = ResultsView(state, hint=HINT)
        left = ipywidgets.VBox(list(pickers), layout={"flex": "1 1 290px", "max_width": "440px"})
        for picker in pickers:
            if hasattr(picker, "on_enter"):
                picker.on_enter = self.start
        top = ipywidgets.HBox([self._run, self._cancel, self._status])
        top.add_class("kla-top")
        right = ipywidgets.VBox([top, self.results], layout={"flex": "3 1 460px", "min_width": "280px"})
        panel = ipywidgets.HBox([left, right])
        panel.add_class("kla-panel")
        super().__init__([panel])
        self.add_class("kla-explorer")
        self.watch(state, ["problem", "stale"], self._show)
        self.watch(state, ["picture"], self._show_saved)
        self.watch(state.run, ["status", "message", "steps", "total", "runs"], self._show)

    @property
    def frame(self) -> pd.DataFrame | None:
        """The frame that is shown; None before the first run."""
        return self.state.frame

    @property
    def axes(self) -> Axes | None:
        """The chart that is shown, the first one of several; None before the first run."""
        return self.state.axes

    def start(self) -> None:
        """Do what the Run button does: ask in the background, and show what comes back."""
        if not self.state.problem:
            ask = self.state.ask()
            self._loader.start(lambda: ask.fetch(self._client), lambda frames: self._answered(ask, frames))

    def run(self) -> pd.DataFrame:
        """Ask now, show what comes back, and return its frame.

        Raises
        ------
        InvalidInputError
            Something is missing in the question.
        """
        if self.state.problem:
            raise InvalidInputError(self.state.problem)
        ask = self.state.ask()
        self._loader.run(lambda: ask.fetch(self._client), lambda frames: self._answered(ask, frames))
        assert self.state.frame is not None
        return self.state.frame

    def cancel(self) -> None:
        """Do what the Cancel button does: wait no longer, and send nothing more."""
        self._loader.cancel()

    def close(self) -> None:
        """Cancel what is under way, and let go of every widget."""
        if loader := getattr(self, "_loader", None):
            loader.cancel()
        super().close()

    def _answered(self, ask: Ask, frames: Frames) -> str:
        self.state.answered(ask, frames, picture(ask, frames))
        return f"{counted(len(frames.frame), 'row')} for {ask.subject}."

    def _draw_again(self, _change: Any) -> None:
        """Draw what is there in another way; nothing is asked."""
        asked, result = self.state.asked, self.state.result
        again = None if asked is None else self.state.redrawn(asked)
        if again is None or result is None or again == asked:
            return
        try:
            self.state.answered(again, result, picture(again, result))
        except Exception as error:  # noqa: BLE001  (whatever it is, the person in front has to read it)
            self.state.run.end("failed", in_words(error))

    def _show(self, _change: Any) -> None:
        run, problem = self.state.run, self.state.problem
        self._run.disabled = run.running or bool(problem)
        self._cancel.disabled = not run.running
        if run.running:
            value = f' value="{min(run.steps, run.total)}" max="{run.total}"' if run.total else ""
            self._status.value = f'{note(run.message)}<progress aria-label="Progress"{value}></progress>'
        elif run.status == "failed":
            self._status.value = note(run.message, kind="problem", role="alert")
        elif problem or not self.state.stale:
            self._status.value = note(problem or run.message or "Ready.")
        else:
            self._status.value = note(
                f"Changed since this chart: {self.state.stale}. Press Run.", kind="warn"
            )
        self._run.button_style = "warning" if self.state.stale and not self._run.disabled else "primary"
        self._mark_old(stale=bool(self.state.stale), failed=run.status == "failed")
        self._mark(run.status, run.runs)

    def _mark_old(self, *, stale: bool, failed: bool) -> None:
        """Dim a chart that does not answer what is chosen, or that is older than a failed run."""
        if self.state.result is not None and (stale or failed):
            self.results.add_class("kla-old")
        else:
            self.results.remove_class("kla-old")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        """Return the widget, and the chart as a picture for pages that cannot run widgets."""
        bundle: dict[str, Any] | None = super()._repr_mimebundle_(**kwargs)
        return bundle if bundle is None else {**bundle, **self._picture_bundle()}

    def _ipython_display_(self) -> None:
        """Show the widget, and below it the chart as a picture, which a page that runs the widget hides.

        The picture is an output of its own, so that every run replaces it and leaves the widget alone: what is saved
        is the last state, also where widgets are not run, as in an untrusted notebook, on GitHub and in nbconvert.
        """
        _show_output(super()._repr_mimebundle_())
        _show_output(self._picture_bundle() or _NOTHING, display_id=self._display_id)
        self._displayed = True

    def _show_saved(self, _change: Any) -> None:
        """Replace the picture below the widget."""
        if self._displayed and self.state.picture is not None:
            _show_output(self._picture_bundle(), display_id=self._display_id, update=True)

    def _picture_bundle(self) -> dict[str, Any]:
        picture, asked = self.state.picture, self.state.asked
        if picture is None or asked is None:
            return {}
        return {
            "text/plain": repr(self),
            "text/html": f'<div class="kla-saved">{picture.saved}</div>',
            "image/png": base64.b64encode(picture.light).decode(),
        }

    def _mark(self, status: str, runs: int) -> None:
        """Write status and number of runs where style sheets and tests can read them."""
        for name in [name for name in self._dom_classes if name.startswith("kla-is-")]:
            self.remove_class(name)
        self.add_class(f"kla-is-{status}-{runs}")


def _show_output(bundle: dict[str, Any] | None, **options: Any) -> None:
    """Show a MIME bundle as an output of the cell."""
    display(bundle, raw=True, **options)  # type: ignore[no-untyped-call]
