"""A long list to choose from: search as you type, a few rows at a time, chips for what is chosen."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import ipywidgets

from klaviyo_analytics.widgets._choices import ChoiceState, Option
from klaviyo_analytics.widgets._view import View, heading, note

ROWS = 6
ALL = "All"


class ChoiceView(View):
    """A view of a `ChoiceState`.

    The rows are a fixed set of widgets that are written anew: five hundred options make no more of them than five,
    and nothing moves while somebody types.
    """

    def __init__(
        self, state: ChoiceState, *, title: str, noun: str, grouped: str = "Group", more: Sequence[Any] = ()
    ) -> None:
        self.state = state
        self._noun = noun
        self._first = 0
        self._search = ipywidgets.Text(
            placeholder=f"Search {noun}s",
            continuous_update=True,
            layout={"width": "auto", "flex": "1 1 130px"},
        )
        self._search.tooltip = f"Search {noun}s by name"
        self._group = ipywidgets.Dropdown(options=[(ALL, "")], layout={"width": "auto", "flex": "0 1 130px"})
        self._group.tooltip = grouped
        self._boxes = [
            ipywidgets.Checkbox(indent=False, layout={"width": "auto", "flex": "1 1 0"}) for _ in range(ROWS)
        ]
        self._sides = [ipywidgets.HTML(layout={"flex": "0 0 auto"}) for _ in range(ROWS)]
        self._rows = [
            ipywidgets.HBox([box, side], layout={"height": "28px", "overflow": "hidden"})
            for box, side in zip(self._boxes, self._sides, strict=True)
        ]
        self._back = ipywidgets.Button(description="Back", layout={"width": "56px"})
        self._on = ipywidgets.Button(description="More", layout={"width": "56px"})
        self._place = ipywidgets.HTML(layout={"flex": "1 1 auto"})
        self._chips = ipywidgets.HBox(layout={"min_height": "32px"})
        self._chips.add_class("kla-chips")
        self._chip_pool: list[Any] = []
        self._writing = False
        super().__init__(
            [
                heading(title),
                ipywidgets.HBox([self._search, self._group]),
                *self._rows,
                ipywidgets.HBox([self._place, self._back, self._on]),
                self._chips,
                *more,
            ]
        )
        self.layout.width, self.layout.max_width = "auto", "520px"
        self.add_class(f"kla-choice-{noun}")
        self._listen()

    def _listen(self) -> None:
        self._search.observe(self._narrow, names="value")
        self._group.observe(self._narrow, names="value")
        for place, box in enumerate(self._boxes):
            box.observe(lambda _change, place=place: self._tick(place), names="value")
        self._back.on_click(lambda _button: self._turn(-ROWS))
        self._on.on_click(lambda _button: self._turn(ROWS))
        self.watch(self.state, ["options"], self._show_groups)
        self.watch(self.state, ["search", "group"], self._from_state)
        self.watch(self.state, ["options", "selected", "search", "group", "problem"], self._show)

    def _narrow(self, _change: Any) -> None:
        if self._writing:
            return
        self._first = 0
        with self.state.hold_trait_notifications():
            self.state.search, self.state.group = self._search.value, self._group.value

    def _turn(self, rows: int) -> None:
        self._first = max(0, self._first + rows)
        self._show(None)

    def _tick(self, place: int) -> None:
        shown = self._shown()
        if not self._writing and place < len(shown):
            self.state.toggle(shown[place].id)

    def _shown(self) -> list[Option]:
        matches = self.state.matches
        if self._first >= len(matches):
            self._first = 0
        return matches[self._first : self._first + ROWS]

    def _show_groups(self, _change: Any) -> None:
        self._writing = True
        groups = self.state.groups
        self._group.options = [(ALL, ""), *((name, name) for name in groups)]
        if self.state.group not in ("", *groups):
            self.state.group = ""
        self._group.value = self.state.group
        self._group.layout.display = None if groups else "none"
        self._writing = False

    def _from_state(self, _change: Any) -> None:
        self._writing = True
        self._search.value, self._group.value = self.state.search, self.state.group
        self._writing = False

    def _show(self, _change: Any) -> None:
        self._writing = True
        shown, selected = self._shown(), set(self.state.selected)
        for place, (box, side, row) in enumerate(zip(self._boxes, self._sides, self._rows, strict=True)):
            option = shown[place] if place < len(shown) else None
            row.layout.visibility = "visible" if option else "hidden"
            with box.hold_sync():
                box.description = option.name if option else ""
                box.tooltip = option.label if option else ""
                box.disabled = option is None
                box.value = option is not None and option.id in selected
            side.value = f'<span class="kla-muted">{html.escape(option.group)}</span>' if option else ""
        self._show_place(len(shown))
        self._show_chips()
        self._writing = False

    def _show_place(self, shown: int) -> None:
        matches, all_of_them = len(self.state.matches), len(self.state.options)
        self._back.disabled = self._first == 0
        self._on.disabled = self._first + ROWS >= matches
        if self.state.problem:
            self._place.value = note(self.state.problem, kind="problem", role="alert")
        elif not all_of_them:
            self._place.value = note(f"This account has no {self._noun}s.")
        elif not matches:
            self._place.value = note(f"None of {all_of_them} {self._noun}s matches.")
        else:
            self._place.value = note(f"{self._first + 1}–{self._first + shown} of {matches}")

    def _show_chips(self) -> None:
        chosen = self.state.chosen
        while len(self._chip_pool) < len(chosen):
            chip = ipywidgets.Button()
            chip.on_click(self._let_go_of)
            self._chip_pool.append(chip)
            self._chips.children = tuple(self._chip_pool)
        for place, chip in enumerate(self._chip_pool):
            option = chosen[place] if place < len(chosen) else None
            chip.layout.display = None if option else "none"
            if option:
                chip.description, chip.tooltip = f"{option.name} ×", f"Let go of {option.label}"

    def _let_go_of(self, chip: Any) -> None:
        place = self._chip_pool.index(chip)
        chosen = self.state.chosen
        if place < len(chosen):
            self.state.toggle(chosen[place].id)
