"""What reaches people or destroys data is asked for first, in the same words for one person and for a frame."""

from __future__ import annotations

import re
from collections.abc import Iterable

from klaviyo_analytics._wording import counted
from klaviyo_analytics.errors import ConfirmationRequiredError

LIST_ID = re.compile(r"[A-Za-z0-9]{6}")


def confirmed(confirm: bool, *asks: str) -> None:  # noqa: FBT001  (passes the caller's own keyword on)
    """Refuse what has to be confirmed, unless it was."""
    if asks and confirm is not True:
        raise ConfirmationRequiredError(
            f"{' '.join(asks)} Nothing was sent. Pass confirm=True if that is what you want."
        )


def of_names(lists: Iterable[str]) -> list[str]:
    """Ask about what is given for a list's id and looks like its name."""
    return [
        f"{id!r} does not look like the id of a list, which has six letters and digits; the list of that name is "
        f"client.lists.find(name={id!r})."
        for id in lists
        if not LIST_ID.fullmatch(id)
    ]


def to_subscribe(count: int) -> str:
    """Ask before people are subscribed as if they had agreed just now."""
    return (
        f"This subscribes {counted(count, 'profile')} without telling when they agreed (consented_at=): they may be "
        "asked to confirm, or be welcomed, and suppressions are lifted."
    )


def to_import_consent(count: int) -> str:
    """Ask before consent of the past is recorded over whatever was said since."""
    return (
        f"This subscribes {counted(count, 'profile')} as of a time in the past: whoever has unsubscribed since, or "
        "is suppressed, is subscribed again. A plan with compare=True names them."
    )


def to_ask_by_mail(count: int, name: str) -> str:
    """Ask before people of a double opt-in list get a mail that asks them to confirm."""
    return (
        f"The list {name!r} is double opt-in: {counted(count, 'profile')} get a confirmation mail, and stay "
        "NEVER_SUBSCRIBED until they follow it."
    )


def to_subscribe_again(count: int, sent: int) -> str:
    """Ask before people are subscribed who are known to have said no."""
    whom = f"{count:,} of the {counted(sent, 'profile')}"
    return f"This subscribes again {whom} that have unsubscribed or are suppressed; preview() names them."


def to_unsubscribe_everywhere(count: int) -> str:
    """Ask before people leave every list."""
    return f"This unsubscribes {counted(count, 'profile')} everywhere, not from one list only."


def to_suppress(whom: str) -> str:
    """Ask before no more e-mail goes to `whom`."""
    return f"This suppresses {whom}: they get no more marketing e-mail."


def to_unsuppress(whom: str) -> str:
    """Ask before e-mail goes to `whom` again."""
    return f"This lifts the suppression of {whom}."
