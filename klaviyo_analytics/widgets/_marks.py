"""What a row is chosen with: a box where several may be chosen, a radio button where one may."""

from __future__ import annotations

import ipywidgets

from klaviyo_analytics.widgets._choices import Option

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
