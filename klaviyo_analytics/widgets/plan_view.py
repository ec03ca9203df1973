"""A write before it goes out: what is wrong first, then a button that asks again, then what became of every row."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
from traitlets import Bool, Instance, TraitType, Unicode

from klaviyo_analytics._messages import counted
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.widgets.background import Loader, RunState, in_words
from klaviyo_analytics.widgets.base_view import (
    COLOURS,
    TABLE,
    State,
    View,
    check,
    dropdown,
    heading,
    note,
    status_line,
)
from klaviyo_analytics.widgets.private_page import Aside, aside, masked, without_values
from klaviyo_analytics.widgets.tables import table
from klaviyo_analytics.writeback import Plan, Result
from klaviyo_analytics.writeback.run import PATIENCE, checked_timeout


class PlanState(State):
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
    plan: Plan
    run: RunState

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
        frame = self._every_row()
        names = self._names
        frame[names.said] = [
            without_values(*one) for one in zip(frame[names.said], frame["key"], strict=True)
        ]
        frame["key"] = frame["key"].map(masked)
        if self.only:
            return frame[[value == self.only for value in frame[names.what].fillna("")]]
        return frame.sort_values(names.what, kind="stable", na_position="last")

    @property
    def tones(self) -> list[str]:
        """The class of each of `rows`: those with a problem, or that did not arrive, stand out."""
        names = self._names
        if self.result is None:
            return ["kla-bad" if not pd.isna(value) else "" for value in self.rows[names.what]]
        failed = set(self.result.failures.index)
        return ["kla-bad" if place in failed else "" for place in self.rows.index]

    @property
    def rows_in_full(self) -> pd.DataFrame:
        """The same rows with keys and messages as they are: not for what a notebook saves."""
        return self._every_row().loc[self.rows.index]

    @property
    def kinds(self) -> list[str]:
        """The problems, or outcomes, that rows have: what `only` can be."""
        names, frame = self._names, self._every_row()
        found = frame[names.what].tolist()
        if names.what == names.said:
            found = [without_values(*one) for one in zip(found, frame["key"], strict=True)]
        return sorted({str(kind) for kind in found if not pd.isna(kind)})

    @property
    def _names(self) -> _Names:
        return _OUTCOME if self.result is not None else _PREVIEW

    def _every_row(self) -> pd.DataFrame:
        source = self._preview if self.result is None else self.result.rows
        frame = source[list(self._names.columns)].reset_index(drop=True)
        frame.insert(0, "row", range(len(frame)))
        return frame


@dataclass(frozen=True)
class _Names:
    """Columns to show, the one that tells rows apart by what is or went wrong, and the one that says it."""

    columns: tuple[str, ...]
    what: str
    said: str


_PREVIEW = _Names(("key", "action", "fields", "problem"), what="problem", said="problem")
_OUTCOME = _Names(("key", "status", "code", "detail"), what="status", said="detail")


EVERY = "every row"
ROWS, ROWS_ASIDE = 200, 2_000


class PlanView(View):
    """Look at a plan of a write, apply it, and see what became of every row.

    What a widget shows is saved with the notebook: so keys are shortened, and values in messages left out. "Show
    full keys" opens the rows in full on a page of this machine, which is saved nowhere and ends with the view;
    `plan.preview()` and `result.rows` have them, too.

    Parameters
    ----------
    plan : Plan
        Made by a `plan_*` verb.
    timeout : float
        Seconds that the button waits at most for each job that a request starts, 24 hours by default. Rows of a job
        that takes longer are "unconfirmed", and ``client.resume`` looks at it again.

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
    ['n…', 'a… at example.org']
    >>> view.close()

    A cell that applies goes on with what the button sent, if somebody has pressed it:

    >>> with ka.demo(profiles=100, events=500) as client:
    ...     view = ka.widgets.PlanView(client.profiles.plan_upsert(people, key="email"))
    ...     result = view.apply(skip_invalid=True)
    >>> result.rows["status"].tolist()
    ['written', 'not sent']
    >>> view.apply() is result
    True
    >>> view.close()
    """

    _aside: Aside | None = None

    def __init__(self, plan: Plan, *, timeout: float = PATIENCE) -> None:
        check(self, "plan", plan, Plan, "a plan, as client.profiles.plan_upsert(frame) and the like give it")
        self._timeout = checked_timeout(timeout)
        self.state = state = PlanState(plan)
        self._loader = Loader(state.run, verb="Sending:", words=_in_words)
        self._only = dropdown("Show", [(EVERY, "")])
        self._only.layout.max_width, self._only.layout.flex = "520px", "1 1 auto"
        self._keys = ipywidgets.Button(description="Show full keys", layout={"width": "120px"})
        self._keys.tooltip = "Open the rows in full on a page that is not saved"
        self._way = ipywidgets.HTML()
        self._skip = ipywidgets.Checkbox(description="Send only the valid rows", indent=False)
        self._apply = ipywidgets.Button(
            description="Apply …", button_style="primary", layout={"width": "90px"}
        )
        self._yes = ipywidgets.Button(
            description="Yes, send", button_style="danger", layout={"width": "90px"}
        )
        self._no = ipywidgets.Button(description="No", layout={"width": "60px"})
        self._totals, self._table = ipywidgets.HTML(), ipywidgets.HTML()
        self._status = status_line()
        self._status.layout.flex, self._status.layout.min_width = "0 1 auto", "220px"
        # the question stands before its buttons, also for readers who hear it
        buttons = ipywidgets.HBox([self._apply, self._status, self._yes, self._no])
        super().__init__(
            [
                heading(plan.action[:1].upper() + plan.action[1:]),
                self._totals,
                ipywidgets.HBox([self._only, self._keys, self._way], layout={"align_items": "center"}),
                self._table,
                self._skip,
                buttons,
            ]
        )
        self.add_class("kla-plan")
        self._only.observe(lambda change: state.set_trait("only", change["new"]), names="value")
        self._skip.observe(lambda change: state.set_trait("skip_invalid", change["new"]), names="value")
        self._apply.on_click(lambda _button: state.set_trait("sure", True))  # noqa: FBT003
        self._no.on_click(lambda _button: state.set_trait("sure", False))  # noqa: FBT003
        self._yes.on_click(lambda _button: self.start())
        self._keys.on_click(lambda _button: self._open())
        self.watch(state, ["result"], self._show_kinds)
        self.watch(state, ["only", "result"], self._show_rows)
        self.watch(state, ["sure", "skip_invalid", "result"], self._show)
        self.watch(state.run, ["status", "message", "steps", "total"], self._show)

    @property
    def result(self) -> Result | None:
        """The outcome, once it was applied."""
        result: Result | None = self.state.result
        return result

    def start(self) -> None:
        """Do what "Yes, send" does: send it in the background; it is not called off half-way."""
        state = self.state
        if state.applicable:
            state.sure, skip = False, state.skip_invalid
            self._loader.start(
                lambda: state.plan.apply(confirm=True, skip_invalid=skip, timeout=self._timeout),
                self._applied,
            )

    def apply(
        self,
        *,
        confirm: bool = False,
        skip_invalid: bool = False,
        journal: str | Path | bool | None = None,
        keep_journal: bool = False,
        verify: bool = False,
        timeout: float = PATIENCE,
    ) -> Result:
        """Apply the plan here and now, show how it goes and what became of every row, and return that.

        What was applied already, by the button or by a call, is not sent again: its result is returned. What the
        button has begun is waited for.

        Parameters
        ----------
        confirm, skip_invalid, journal, keep_journal, verify, timeout
            As for `Plan.apply`; what is ticked in the view, and its own timeout, are not taken into account.

        Returns
        -------
        Result
            One row for each row of the frame.

        Raises
        ------
        FrameError
            Rows have problems; nothing was sent.
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.
        InvalidInputError
            An option is invalid; nothing was sent.
        """
        state = self.state
        if state.run.running:
            self._loader.finish()
        elif state.result is None:
            state.sure = False
            self._loader.run(
                lambda: state.plan.apply(
                    confirm=confirm,
                    skip_invalid=skip_invalid,
                    journal=journal,
                    keep_journal=keep_journal,
                    verify=verify,
                    timeout=timeout,
                ),
                self._applied,
            )
        assert self.result is not None
        return self.result

    def close(self) -> None:
        """Close the view, its widgets and the page with the keys."""
        if self._aside is not None:
            self._aside.close()
            self._aside = None
        super().close()

    def _open(self) -> None:
        self._aside = self._aside or aside(page=self._page)
        if self._aside is None:
            self._way.value = note("This machine allows no page of its own; see plan.preview().")
            return
        self._way.value = (
            f'<a href="{self._aside.address}" target="_blank" rel="noopener noreferrer">Open the rows in full</a> '
            '<span class="kla-muted">on this machine only, never saved</span>'
        )

    def _page(self) -> str:
        title = html.escape(self.state.plan.action)
        rows = table(self.state.rows_in_full, rows=ROWS_ASIDE, shown=str)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>'
            f":root {{color-scheme: light dark; font: 14px system-ui, sans-serif;{COLOURS}}}{TABLE}"
            f".kla-scroll {{max-height: none}}</style></head><body><h1>{title}</h1>{rows}</body></html>"
        )

    def _applied(self, result: Result) -> str:
        self.state.result = result
        return _outcome(result)

    def _show_kinds(self, _change: Any) -> None:
        self.state.only = ""
        self._only.options = [(EVERY, ""), *((kind, kind) for kind in self.state.kinds)]

    def _show_rows(self, _change: Any) -> None:
        self._only.value = self.state.only
        rows = self.state.rows
        headings = {str(name): str(name).capitalize() for name in rows.columns}
        self._table.value = table(rows, rows=ROWS, headings=headings, tones=self.state.tones)
        told = str(self.state.plan if self.state.result is None else self.state.result).strip("<>")
        self._totals.value = note(without_values(told.partition(f"{self.state.plan.action}: ")[2]))

    def _show(self, _change: Any) -> None:
        state, run = self.state, self.state.run
        asked, over = state.sure and state.applicable, state.result is not None
        for button in (self._yes, self._no):
            button.layout.display = None if asked else "none"
        self._apply.layout.display = "none" if over else None
        self._apply.disabled = asked or not state.applicable
        self._skip.layout.display = None if len(state.plan.problems) and not over else "none"
        self._skip.disabled = run.running
        self._status.value = self._said()
        if run.running:
            value = f' value="{min(run.steps, run.total)}" max="{run.total}"' if run.total else ""
            self._status.value += f'<progress aria-label="Progress"{value}></progress>'

    def _said(self) -> str:
        state, facts = self.state, self.state.plan.summary()
        if state.result is not None:
            return note(_outcome(state.result))
        if state.sure and state.applicable:
            return note(f"Send {facts['to_send']:,} rows? {facts['confirm']}", kind="warn", role="alert")
        if state.run.status in ("failed", "cancelled"):
            return note(state.run.message, kind="problem", role="alert")
        return note(state.run.message)


def _outcome(result: Result) -> str:
    failures, rows = len(result.failures), len(result.rows)
    if result.stopped:
        return f"Ended early: {without_values(result.stopped)}"
    if failures:
        return f"Done, but {failures:,} of {counted(rows, 'row')} did not arrive; Show tells them apart."
    return "Done. No row failed."


def _in_words(error: BaseException) -> str:
    if isinstance(error, FrameError):  # it names keys, and the table has the same
        return "Rows have problems, so nothing was sent; they are the first of the table."
    return str(without_values(in_words(error)))
