"""A long list to choose from: search as you type, a few rows at a time, chips for what is chosen."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

import ipywidgets

from klaviyo_analytics.widgets.base_view import View, heading, note
from klaviyo_analytics.widgets.choices import ChoiceState, Option, Wanted, first_of, ids_of

_LAYOUT = {"width": "auto", "flex": "1 1 0"}


class Box(ipywidgets.Checkbox):  # type: ignore[misc]  # ipywidgets has no types
    """A box to tick."""

    clicked = "value"

    def __init__(self) -> None:
        super().__init__(indent=False, layout=_LAYOUT)

    def show(self, option: Option | None, *, chosen: bool) -> None:
        """Stand for an option, or for none."""
        with self.hold_sync():
            self.description, self.tooltip = (option.text, option.label) if option else ("", "")
            self.disabled = option is None
            self.value = chosen


class Radio(ipywidgets.RadioButtons):  # type: ignore[misc]
    """A radio button of its own: a row each, so that headings can stand between them."""

    clicked = "index"

    def __init__(self) -> None:
        super().__init__(options=[""], layout=_LAYOUT)
        self.add_class("kla-radio")

    def show(self, option: Option | None, *, chosen: bool) -> None:
        """Stand for an option, or for none."""
        with self.hold_sync():
            self.options = (option.text if option else "",)  # the same again changes nothing
            self.tooltip = option.label if option else ""
            self.disabled = option is None
            self.index = 0 if chosen else None


Line = str | Option


def pages(sections: Iterable[tuple[str, Sequence[Option]]], *, lines: int) -> list[list[Line]]:
    """Fill pages of at most so many lines; a heading is a line, too, and is said again on the next page.

    A section without a title has no heading.
    """
    done: list[list[Line]] = []
    page: list[Line] = []
    for title, options in sections:
        for place, option in enumerate(options):
            heading = [title] if title and (place == 0 or not page) else []
            if len(page) + len(heading) + 1 > lines:
                done.append(page)
                page, heading = [], [title] if title else []
            page += [*heading, option]
    return [*done, page] if page else done


def options_of(page: Iterable[Line]) -> list[Option]:
    """Return the options of a page."""
    return [line for line in page if isinstance(line, Option)]


LINES, LINES_WITH_HEADINGS = 6, 8


class ChoiceView(View):
    """A view of a `ChoiceState`.

    The rows are a fixed set of widgets that are written anew: five hundred options make no more of them than five,
    and nothing moves while somebody types. With `headings`, each group stands under its name.
    """

    def __init__(
        self,
        state: ChoiceState,
        *,
        title: str,
        resource: str,
        grouped: str = "Group",
        headings: bool = False,
        more: Sequence[Any] = (),
    ) -> None:
        self.state = state
        self._resource = resource
        self._headings = headings
        self._lines = LINES_WITH_HEADINGS if headings else LINES
        self._page = 0
        self._search = ipywidgets.Text(
            description=f"Search {resource}s",
            placeholder=f"Search {resource}s",
            continuous_update=True,
            layout={"width": "auto", "flex": "1 1 130px"},
        )
        self._group = ipywidgets.Dropdown(
            description=grouped, options=[("", "")], layout={"width": "auto", "flex": "0 1 140px"}
        )
        for box in (self._search, self._group):
            box.add_class("kla-unseen-label")
        mark = Box if state.multiple else Radio
        self._boxes = [mark() for _ in range(self._lines)]
        self._sides = [ipywidgets.HTML(layout={"flex": "0 0 auto"}) for _ in range(self._lines)]
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
                ipywidgets.HBox([self._place, self._back, self._on], layout={"align_items": "center"}),
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

    def _listen(self) -> None:
        self._search.observe(self._narrow, names="value")
        self._group.observe(self._narrow, names="value")
        for place, box in enumerate(self._boxes):
            box.observe(lambda _change, place=place: self._tick(place), names=box.clicked)
        self._back.on_click(lambda _button: self._turn(-1))
        self._on.on_click(lambda _button: self._turn(1))
        self.watch(self.state, ["options"], self._show_groups)
        self.watch(self.state, ["search", "group"], self._from_state)
        self.watch(self.state, ["options", "selected", "search", "group", "problem"], self._show)

    def _narrow(self, _change: Any) -> None:
        if self._writing:
            return
        self._page = 0
        with self.state.hold_trait_notifications():
            self.state.search, self.state.group = self._search.value, self._group.value

    def _turn(self, pages: int) -> None:
        self._page = max(0, self._page + pages)
        self._show(None)

    def _tick(self, place: int) -> None:
        if self._writing:
            return
        line = self._shown(self._pages())[place]
        if isinstance(line, Option):
            self.state.toggle(line.id)

    def _pages(self) -> list[list[Line]]:
        sections = self.state.sections if self._headings else [("", self.state.matches)]
        return pages(sections, lines=self._lines)

    def _shown(self, pages: list[list[Line]]) -> list[Line | None]:
        """Return the option in each row; None for an empty one."""
        if self._page >= len(pages):
            self._page = 0
        page = pages[self._page] if pages else []
        return [*page, *[None] * (self._lines - len(page))]

    def _show_groups(self, _change: Any) -> None:
        self._writing = True
        groups = self.state.groups
        every = f"every {self._group.description.casefold()}"
        self._group.options = [(every, ""), *((name, name) for name in groups)]
        if self.state.group not in ("", *groups):
            self.state.group = ""
        self._group.value = self.state.group
        self._group.layout.display = None if groups else "none"
        needed = len(self.state.options)
        needed += len(groups) + 2 if self._headings and needed else 0
        for place, row in enumerate(self._rows):  # a few options need no room for many
            row.layout.display = None if place < needed else "none"
        self._writing = False

    def _from_state(self, _change: Any) -> None:
        self._writing = True
        self._search.value, self._group.value = self.state.search, self.state.group
        self._writing = False

    def _show(self, _change: Any) -> None:
        self._writing = True
        pages, selected = self._pages(), set(self.state.selected)
        for place, line in enumerate(self._shown(pages)):
            self._show_line(place, line, selected)
        self._show_place(pages)
        self._show_chips()
        self._writing = False

    def _show_line(self, place: int, line: Line | None, selected: set[str]) -> None:
        box, side = self._boxes[place], self._sides[place]
        option = line if isinstance(line, Option) else None
        self._rows[place].layout.visibility = "hidden" if line is None else "visible"
        box.layout.display = "none" if isinstance(line, str) else None
        box.show(option, chosen=option is not None and option.id in selected)
        if isinstance(line, str):
            said = f'<div class="kla-group" role="heading" aria-level="4">{html.escape(line)}</div>'
        elif option and option.group and (option.often or not self._headings):
            said = f'<span class="kla-muted">{html.escape(option.group)}</span>'
        else:
            said = ""
        side.value = said

    def _show_place(self, pages: list[list[Line]]) -> None:
        counts = [len(options_of(page)) for page in pages]
        matches, all_of_them = sum(counts), len(self.state.options)
        self._back.disabled = self._page == 0
        self._on.disabled = self._page + 1 >= len(pages)
        if self.state.problem:
            self._place.value = note(self.state.problem, kind="problem", role="alert")
        elif not all_of_them:
            self._place.value = note(f"This account has no {self._resource}s.")
        elif not matches:
            self._place.value = note(f"None of {all_of_them} {self._resource}s matches.")
        else:
            before = sum(counts[: self._page])
            self._place.value = note(f"{before + 1}–{before + counts[self._page]} of {matches}")

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
