"""The sign-up forms that people come through."""

from __future__ import annotations

from typing import NamedTuple


class FormPlan(NamedTuple):
    """A form as the account holds it; people arrive through the first three."""

    name: str
    kind: str
    versions: tuple[str, ...]
    status: str = "live"


FORMS = (
    FormPlan("Welcome pop-up 10%", "popup", ("Control", "With photo")),
    FormPlan("Footer sign-up", "embed", ("Original",)),
    FormPlan("SMS flyout – “first dibs”", "flyout", ("Original",)),
    FormPlan("Holiday banner (old)", "banner", ("Original",), "draft"),
)
