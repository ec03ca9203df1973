"""What numbers are grouped by: one box, and another for each further dimension."""

from __future__ import annotations

from typing import Any

import ipywidgets

from klaviyo_analytics.widgets import _options
from klaviyo_analytics.widgets._choices import ChoiceState
from klaviyo_analytics.widgets._finding import Wanted, ids_of
from klaviyo_analytics.widgets._given import check_state
from klaviyo_analytics.widgets._view import LABELLED, View

NONE = "no grouping"


class DimensionPicker(View):
    """Choose what numbers are grouped by: nothing, one dimension, or several.

    Dimensions that hold people's telephone numbers are left out: a saved notebook must not show them.

    Parameters
    ----------
    state : ChoiceState, optional
        Share it to let two pickers show one choice.

    Examples
    --------
    >>> from klaviyo_analytics.widgets import DimensionPicker
    >>> picker = DimensionPicker()
    >>> picker.choose("$attributed_channel", "Inbox Provider")
    >>> picker.value
    ['$attributed_channel', 'Inbox Provider']
    >>> picker.close()
    """

    def __init__(self, state: ChoiceState | None = None) -> None:
        check_state(self, state, ChoiceState)
        self.state = state if state is not None else ChoiceState(_options.dimensions())
        self._boxes: list[Any] = []
        self._writing = False
        self._rows = ipywidgets.VBox([])
        super().__init__([self._rows])
        self.add_class("kla-dimension")
        self.watch(self.state, ["options", "selected"], self._show)

    @property
    def value(self) -> list[str]:
        """The dimensions, as `by=` takes them."""
        return self.state.values

    def choose(self, *wanted: Wanted) -> None:
        """Choose by name, instead of what was chosen; of nothing, let all go.

        Raises
        ------
        NoMatchError
            No dimension is called so.
        """
        self.state.selected = ids_of(wanted, self.state.options, noun="dimension", grouped="Group")

    def _take(self, place: int, id: str) -> None:
        if self._writing:
            return
        chosen = list(self.state.selected)
        chosen[place : place + 1] = [id] if id else []
        self.state.selected = tuple(chosen)

    def _show(self, _change: Any) -> None:
        """Show a box for each chosen dimension, and an empty one for the next."""
        selected = self.state.selected
        needed = len(selected) + 1 if self.state.multiple else 1
        while len(self._boxes) < needed:
            self._add_box()
        self._writing = True
        for place, box in enumerate(self._boxes):
            own = selected[place] if place < len(selected) else ""
            box.layout.display = None if place < needed else "none"
            free = [each for each in self.state.options if each.id == own or each.id not in selected]
            offered = [(NONE if place == 0 else "–", ""), *((each.name, each.id) for each in free)]
            if list(box.options) != offered:
                box.options = offered
            box.value = own
        self._writing = False

    def _add_box(self) -> None:
        place = len(self._boxes)
        box = ipywidgets.Dropdown(
            description="and by" if place else "Group by",
            options=[("", "")],
            layout={"width": "auto"},
            style=LABELLED,
        )
        box.observe(lambda change: self._take(place, change["new"]), names="value")
        self._boxes.append(box)
        self._rows.children = tuple(self._boxes)
