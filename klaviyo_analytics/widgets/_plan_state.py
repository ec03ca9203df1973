"""What a view of a write knows: the plan, which of its rows are shown, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from traitlets import Bool, Instance, TraitType, Unicode

from klaviyo_analytics.widgets._loading import RunState
from klaviyo_analytics.widgets._privacy import masked, without_values
from klaviyo_analytics.widgets._states import State
from klaviyo_analytics.writeback import Plan, Result


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
