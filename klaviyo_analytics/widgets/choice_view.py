"""A long list to choose from: it scrolls and filters while one types, and chips show what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from klaviyo_analytics.widgets.base_view import View, heading, note
from klaviyo_analytics.widgets.choices import ChoiceState, Option, Wanted, first_of, ids_of

LINES = 8


class ChoiceView(View):
    """A view of a `ChoiceState`: a search box, a list that holds every match, and a chip for each chosen option.

    The list is one widget and one stop of the Tab key, however long it is. With `sections`, options are in the order
    of `ChoiceState.sections`; else in that of the state. Enter in the search box chooses the option that is the only
    match, or is called exactly so, and then calls `on_enter`.
    """

    def __init__(
        self,
        state: ChoiceState,
        *,
        title: str,
        resource: str,
        grouped: str = "Group",
        sections: bool = False,
        more: Sequence[Any] = (),
    ) -> None:
        self.state = state
        self.on_enter: Callable[[], None] | None = None
        self._resource = resource
        self._in_sections = sections
        self._search = ipywidgets.Text(
            description=f"Search {resource}s",
            placeholder=f"Search {resource}s",
            continuous_update=True,
            layout={"width": "auto", "flex": "1 1 130px"},
        )
        self._group = ipywidgets.Dropdown(
            description=grouped, options=[("", "")], layout={"width": "auto", "flex": "0 1 140px"}
        )
        kind = ipywidgets.SelectMultiple if state.multiple else ipywidgets.Select
        self._list = kind(description=title, options=[], rows=LINES, layout={"width": "auto"})
        if state.multiple:
            self._list.tooltip = "Each click adds or removes one; Shift chooses a range"
            self._list.add_class("kla-several")
        for box in (self._search, self._group, self._list):
            box.add_class("kla-unseen-label")
        self._place = ipywidgets.HTML()
        self._chips = ipywidgets.HBox(layout={"min_height": "32px"})
        self._chips.add_class("kla-chips")
        self._chip_pool: list[Any] = []
        self._writing = False
        super().__init__(
            [
                heading(title),
                ipywidgets.HBox([self._group, self._search]),
                self._list,
                self._place,
                self._chips,
                *more,
            ]
        )
        self.layout.width, self.layout.max_width = "auto", "520px"
        self.add_class(f"kla-choice-{resource}")
        self._listen()

    def choose(self, *wanted: Wanted) -> None:
        """Choose by name, id, (name, group) or row, instead of what was chosen; of nothing, let all go.

        Parameters
        ----------
        *wanted : str, (str, str) or row
            Case does not matter where that leaves one. The group is what tells those of a name apart: a metric's
            integration, a campaign's channel, a flow's status.

        Raises
        ------
        NoMatchError, AmbiguousMatchError
            Nothing is called so, or several are; the message names them.
        """
        grouped = self._group.description
        self.state.selected = ids_of(wanted, self.state.options, resource=self._resource, grouped=grouped)

    def choose_first(self) -> None:
        """Choose what is offered first, instead of what was chosen: the latest campaign, the most used metric.

        Raises
        ------
        NoMatchError
            There is nothing to choose from.
        """
        self.state.selected = (first_of(self.state.options, resource=self._resource),)

    def _chosen_in_words(self) -> str:
        names = [self.state.told_apart(each) for each in self.state.chosen]
        return ", ".join([*names[:3], *([f"{len(names) - 3} more"] if len(names) > 3 else [])])

    def _listen(self) -> None:
        self._search.observe(self._narrow, names="value")
        self._group.observe(self._narrow, names="value")
        self._list.observe(self._take, names="value")
        self._search.on_msg(self._pressed)
        self.watch(self.state, ["options"], self._show_groups)
        self.watch(self.state, ["search", "group"], self._from_state)
        self.watch(self.state, ["options", "selected", "search", "group", "problem"], self._show)

    def _narrow(self, _change: Any) -> None:
        if self._writing:
            return
        with self.state.hold_trait_notifications():
            self.state.search, self.state.group = self._search.value, self._group.value

    def _pressed(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Choose the only match and go on, when Enter is pressed in the search box."""
        if not isinstance(content, dict) or content.get("event") != "submit":
            return
        found = self.state.matches
        exact = [each for each in found if each.name.casefold() == self.state.search.strip().casefold()]
        only = found if len(found) == 1 else exact if len(exact) == 1 else []
        if self.state.search and only and only[0].id not in self.state.selected:
            self.state.toggle(only[0].id)
        if self.on_enter is not None:
            self.on_enter()

    def _take(self, _change: Any) -> None:
        """Choose what the list says, and keep what the search hides from it."""
        if self._writing:
            return
        value = self._list.value
        marked = list(value) if isinstance(value, tuple) else [value] if value is not None else []
        if not self.state.multiple:
            self.state.selected = tuple(marked)
            return
        shown = {id for _, id in self._list.options}
        kept = [id for id in self.state.selected if id not in shown or id in marked]
        self.state.selected = (*kept, *(id for id in marked if id not in kept))

    def _offered(self) -> list[Option]:
        if not self._in_sections:
            return self.state.matches
        return [option for _, options in self.state.sections for option in options]

    def _show_groups(self, _change: Any) -> None:
        self._writing = True
        groups = self.state.groups
        every = f"every {self._group.description.casefold()}"
        self._group.options = [(every, ""), *((name, name) for name in groups)]
        if self.state.group not in ("", *groups):
            self.state.group = ""
        self._group.value = self.state.group
        self._group.layout.display = None if groups else "none"
        self._list.rows = max(2, min(LINES, len(self.state.options)))  # a few need no room for many
        self._writing = False

    def _from_state(self, _change: Any) -> None:
        self._writing = True
        self._search.value, self._group.value = self.state.search, self.state.group
        self._writing = False

    def _show(self, _change: Any) -> None:
        self._writing = True
        offered = [(option.label, option.id) for option in self._offered()]
        selected = set(self.state.selected)
        marked = [id for _, id in offered if id in selected]
        with self._list.hold_sync():
            if list(self._list.options) != offered:
                self._list.options = offered
            self._list.value = tuple(marked) if self.state.multiple else next(iter(marked), None)
        self._show_place(len(offered))
        self._show_chips()
        self._writing = False

    def _show_place(self, matches: int) -> None:
        every = len(self.state.options)
        if self.state.problem:
            self._place.value = note(self.state.problem, kind="problem", role="alert")
        elif not every:
            self._place.value = note(f"This account has no {self._resource}s.")
        elif not matches:
            self._place.value = note(f"None of {every} {self._resource}s matches.")
        elif matches < every:
            self._place.value = note(f"{matches} of {every} {self._resource}s")
        else:
            self._place.value = note(f"{every} {self._resource}{'s' * (every != 1)}")

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
                name = self.state.told_apart(option)
                chip.description, chip.tooltip = f"{name} ×", f"Let go of {option.label}"

    def _let_go_of(self, chip: Any) -> None:
        place = self._chip_pool.index(chip)
        chosen = self.state.chosen
        if place < len(chosen):
            self.state.toggle(chosen[place].id)
