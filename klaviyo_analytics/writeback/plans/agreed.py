"""What a frame itself says of consent: a row that says no is never subscribed.

The consent column of a frame is the column that `columns=` makes "consent", or one of that name, or the column
"subscriptions.email.marketing.consent" (of each channel) of frames that `profiles.list` returns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.writeback.checks import Problems
from klaviyo_analytics.writeback.encode import ABSENT
from klaviyo_analytics.writeback.kinds import folded
from klaviyo_analytics.writeback.plans.people import People

CONSENT = "consent"
YES = {"subscribed", "true", "yes", "y", "t", "1", "1.0", "opted_in", "opt_in"}
NO = {
    "unsubscribed", "never_subscribed", "not_subscribed", "false", "no", "n", "f", "0", "0.0", "opted_out", "opt_out",
    "suppressed",
}  # fmt: skip
LOOKS_LIKE_IT = re.compile(
    r"consent|subscri|opt.?(in|out)\b|opted|agreed|permission|suppress|accepts.?(email|sms)?.?marketing",
    re.IGNORECASE,
)
_SAID = "SUBSCRIBED, UNSUBSCRIBED, NEVER_SUBSCRIBED, true, false, yes and no"


def sources(channels: Sequence[tuple[str, str]]) -> list[str]:
    """Name the attributes that say whether somebody agreed to these channels."""
    return [CONSENT, *(f"subscriptions.{way}.{purpose}.{CONSENT}" for way, purpose in channels)]


def refusals(
    found: People, channels: Sequence[tuple[str, str]], problems: Problems, what: str
) -> dict[int, tuple[Any, str]]:
    """Split off the rows that say no: for each its status and the reason.

    A row that says neither yes nor no is a problem, and so is a row that says yes of a person of whom another row
    says no.

    Raises
    ------
    FrameError
        A column that is not used looks as if it says who agreed.
    """
    _check_unused(found, what)
    refused: dict[int, tuple[Any, str]] = {}
    for path in sources(channels):
        if (source := found.sources.get(path)) is None:
            continue
        for row, given in enumerate(_plain(found.frame[source])):
            said = answer(given)
            if said is False and row not in refused:
                refused[row] = ("not sent", f"{source} is {_shown(given)}: the person has not agreed")
            elif said is None:
                why = "is missing" if given is None else f"{_shown(given)} is neither yes nor no"
                problems.add(row, f"{source}: {why}; understood are {_SAID}")
    for way, purpose in channels:
        source = f"subscriptions.{way}.{purpose}.suppression"
        if source in found.frame.columns:
            for row, given in enumerate(_plain(found.frame[source])):
                if isinstance(given, (list, tuple)) and len(given) and row not in refused:
                    refused[row] = ("not sent", f"{source} is not empty: the person is suppressed")
    _check_twins(found, refused, problems)
    return refused


def answer(given: Any) -> bool | None:
    """Read what somebody said: True for yes, False for no, None where it is neither."""
    if given is None:
        return None
    word = re.sub(r"[\s_-]+", "_", str(given).strip()).casefold()
    return True if word in YES else False if word in NO else None


def _plain(series: pd.Series[Any]) -> list[Any]:
    missing = series.isna()
    return [None if gone else one for one, gone in zip(series.astype(object), missing, strict=True)]


def _shown(given: Any) -> str:
    return repr(given if isinstance(given, (str, bool, int, float)) else str(given))


def _check_twins(found: People, refused: Mapping[int, Any], problems: Problems) -> None:
    """Refuse to subscribe a person of whom another row says no."""
    no = {
        (name, folded(values[row])): row
        for name, values in found.values.items()
        for row in refused
        if values[row] is not ABSENT
    }
    for name, values in found.values.items():
        for row, value in enumerate(values):
            if row in refused or row in found.left_out or value is ABSENT:
                continue
            if (other := no.get((name, folded(value)))) is not None:
                problems.add(
                    row, f"row {other} says that the same person has not agreed; drop one of the rows"
                )


def _check_unused(found: People, what: str) -> None:
    """Refuse columns that say no somewhere, under a name that is not understood."""
    for column in found.unused:
        if not isinstance(column, str) or column.startswith("subscriptions."):
            continue
        given = [one for one in _plain(found.frame[column]) if one is not None]
        said = {answer(one) for one in given if not isinstance(one, (list, dict, tuple))}
        words = {
            re.sub(r"[\s_-]+", "_", str(one).strip()).casefold() for one in given if isinstance(one, str)
        }
        known_words = words & {"unsubscribed", "never_subscribed", "not_subscribed"}
        named_so = bool(LOOKS_LIKE_IT.search(column)) and bool(said) and None not in said
        if known_words or named_so:
            raise FrameError(
                f"{what}: the column {column!r} looks as if it says who agreed, and would not be heeded. Say "
                f"columns={{{column!r}: 'consent'}} so that rows that say no are left out, or drop the column."
            )


def near_misses(found: People, allowed: Sequence[str], what: str) -> None:
    """Refuse columns whose name is almost that of an attribute that no column becomes."""
    squeezed = {re.sub(r"[\W_]+", "", name).casefold(): name for name in allowed if name not in found.sources}
    for column in found.unused:
        wanted = squeezed.get(re.sub(r"[\W_]+", "", str(column)).casefold())
        if wanted is not None:
            raise FrameError(
                f"{what}: the column {column!r} is not used; did you mean {wanted!r}? Say "
                f"columns={{{column!r}: {wanted!r}}}, or drop the column."
            )
