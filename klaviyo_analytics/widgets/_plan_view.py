"""A write before it goes out: what is wrong first, then a button that asks again, then what became of every row."""

from __future__ import annotations

import re
from typing import Any

import ipywidgets
import pandas as pd
from traitlets import Bool, HasTraits, Instance, TraitType, Unicode

from klaviyo_analytics.widgets._loading import Loader, RunState
from klaviyo_analytics.widgets._tables import table
from klaviyo_analytics.widgets._view import View, heading, note
from klaviyo_analytics.writeback import Plan, Result

EVERY = "every row"
ROWS = 200
_VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|\S+@\S+|\+?\d[\d .()-]{5,}\d")


class PlanState(HasTraits):
    """A plan, what is shown of it, and what became of it.

    Attributes
    ----------
    only : str
        Show the rows with this problem, or outcome; empty for every row, those with problems first.
    sure : bool
        Somebody pressed Apply and is being asked whether they mean it.
    skip_invalid : bool
        Send the good rows although others have problems.
    result : Result or None
        The outcome, once it was applied.
    """

    only = Unicode("")
    sure = Bool(False)  # noqa: FBT003  (traitlets' own way)
    skip_invalid = Bool(False)  # noqa: FBT003
    result: TraitType[Any, Result | None] = Instance(Result, allow_none=True)

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.run = RunState()
        self._preview = plan.preview()

    @property
    def applicable(self) -> bool:
        """Whether there is something to send, and nothing against it."""
        facts = self.plan.summary()
        clean = not facts["problems"] or self.skip_invalid
        return bool(facts["to_send"] and clean and self.result is None and not self.run.running)

    @property
    def rows(self) -> pd.DataFrame:
        """The rows to show, without anybody's data: keys are shortened, values in messages are left out."""
        frame, what = self._every_row()
        if self.only:
            return frame[(frame[what] == self.only).fillna(value=False).astype(bool)]
        return frame.sort_values(what, kind="stable", na_position="last")

    @property
    def kinds(self) -> list[str]:
        """The problems, or outcomes, that rows have: what `only` can be."""
        frame, what = self._every_row()
        return sorted(frame[what].dropna().unique().tolist())

    def _every_row(self) -> tuple[pd.DataFrame, str]:
        """Give the rows, and the column that tells them apart: their problem, later their outcome."""
        if self.result is not None:
            frame, said, what = self.result.rows[["key", "status", "code", "detail"]], "detail", "status"
        else:
            frame, said, what = self._preview[["key", "action", "fields", "problem"]], "problem", "problem"
        frame = frame.reset_index(drop=True)
        frame = frame.assign(**{"key": frame["key"].map(masked), said: frame[said].map(_without_values)})
        frame.insert(0, "row", range(len(frame)))
        return frame, what


class PlanView(View):
    """Look at a plan of a write, apply it, and see what became of every row.

    What a widget shows is saved with the notebook: so keys are shortened, and values in messages left out. The
    plan and the result themselves have them all.

    Parameters
    ----------
    plan : Plan
        Made by a `plan_*` verb.

    Attributes
    ----------
    result : Result or None
        The outcome, once it was applied.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> import pandas as pd
    >>> people = pd.DataFrame({"email": ["ada@example.org", "none"], "first_name": ["Ada", "Bob"]})
    >>> with ka.demo(profiles=100, events=500) as client:
    ...     view = ka.widgets.PlanView(client.profiles.plan_upsert(people, key="email"))
    >>> view.state.applicable
    False
    >>> view.state.rows["key"].tolist()
    ['no…', 'ad…']
    >>> view.close()
    """

    def __init__(self, plan: Plan) -> None:
        self.state = state = PlanState(plan)
        self._loader = Loader(state.run)
        self._only = ipywidgets.Dropdown(
            description="Show", options=[(EVERY, "")], layout={"width": "auto", "max_width": "520px"}
        )
        self._skip = ipywidgets.Checkbox(description="Send the good rows all the same", indent=False)
        self._apply = ipywidgets.Button(description="Apply …", button_style="primary")
        self._yes = ipywidgets.Button(description="Yes, send", button_style="danger")
        self._no = ipywidgets.Button(description="No")
        self._status, self._table = ipywidgets.HTML(), ipywidgets.HTML()
        buttons = ipywidgets.HBox([self._apply, self._yes, self._no], layout={"min_height": "34px"})
        self._skip.layout.display = None if len(plan.problems) else "none"
        super().__init__(
            [
                heading(str(plan.summary()["action"])),
                self._only,
                self._table,
                self._skip,
                buttons,
                self._status,
            ]
        )
        self.add_class("kla-plan")
        self._only.observe(lambda change: state.set_trait("only", change["new"]), names="value")
        self._skip.observe(lambda change: state.set_trait("skip_invalid", change["new"]), names="value")
        self._apply.on_click(lambda _button: state.set_trait("sure", True))  # noqa: FBT003
        self._no.on_click(lambda _button: state.set_trait("sure", False))  # noqa: FBT003
        self._yes.on_click(lambda _button: self.apply())
        self.watch(state, ["result"], self._show_kinds)
        self.watch(state, ["only", "result"], self._show_rows)
        self.watch(state, ["sure", "skip_invalid", "result"], self._show)
        self.watch(state.run, ["status", "message", "steps", "total"], self._show)

    @property
    def result(self) -> Result | None:
        """The outcome, once it was applied."""
        result: Result | None = self.state.result
        return result

    def apply(self) -> None:
        """Send it in the background; it is not called off half-way."""
        state = self.state
        if state.applicable:
            state.sure, skip = False, state.skip_invalid
            self._loader.start(lambda: state.plan.apply(confirm=True, skip_invalid=skip), self._applied)

    def _applied(self, result: Result) -> str:
        self.state.result = result
        return str(result).strip("<>")

    def _show_kinds(self, _change: Any) -> None:
        self.state.only = ""
        self._only.options = [(EVERY, ""), *((kind, kind) for kind in self.state.kinds)]

    def _show_rows(self, _change: Any) -> None:
        self._only.value = self.state.only
        self._table.value = table(self.state.rows, rows=ROWS)

    def _show(self, _change: Any) -> None:
        state, run = self.state, self.state.run
        for button in (self._yes, self._no):
            button.layout.display = None if state.sure and state.applicable else "none"
        self._apply.disabled = state.sure or not state.applicable
        self._status.value = self._said()
        if run.running and run.total:
            self._status.value += (
                f'<progress aria-label="Progress" value="{run.steps}" max="{run.total}"></progress>'
            )

    def _said(self) -> str:
        state, facts = self.state, self.state.plan.summary()
        if state.run.status == "failed":
            return note(state.run.message, kind="problem", role="alert")
        if state.run.message:
            return note(state.run.message)
        if state.sure:
            return note(f"Send {facts['to_send']:,} rows? {facts['confirm']}", kind="warn", role="alert")
        return note(str(state.plan).strip("<>"))


def masked(key: Any) -> str:
    """Shorten a key so that it tells rows apart and nobody who they are."""
    return "" if pd.isna(key) else f"{str(key)[:2]}…"


def _without_values(message: Any) -> Any:
    return message if pd.isna(message) else _VALUE.sub("…", str(message))
