"""One or a few people for a single call, as the rows that a plan is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.resources._base import Resource
from klaviyo_analytics.resources._writes import write
from klaviyo_analytics.writeback import Plan
from klaviyo_analytics.writeback.asking import confirmed
from klaviyo_analytics.writeback.frames import as_frame
from klaviyo_analytics.writeback.kinds import KINDS

ACCEPTED = "email addresses, dicts, rows or a DataFrame"


def rows_of(profiles: Any, verb: str) -> pd.DataFrame:
    """Return one row a person, from addresses, dicts, rows, or a frame.

    Raises
    ------
    InvalidInputError
        Something is neither, or there are more people than one request takes.
    """
    if isinstance(profiles, (str, Mapping)) or (isinstance(profiles, pd.Series) and _is_person(profiles)):
        profiles = [profiles]
    if isinstance(profiles, (list, tuple)):
        frame = _from_single(profiles, verb)
    else:
        if not isinstance(profiles, pd.DataFrame) and isinstance(profiles, Iterable):
            profiles = profiles if hasattr(profiles, "__array__") else _listed(profiles)
        frame = as_frame(profiles, f"{verb}()", "email", ["id", "email", "phone_number"])
    most = KINDS[verb].most
    if not 0 < len(frame) <= most:
        raise InvalidInputError(f"{verb}() takes 1 to {most:,} profiles, not {len(frame):,}.")
    return frame


def _listed(profiles: Iterable[Any]) -> Any:
    """Read what yields single people; frames of other libraries are left as they are."""
    return profiles if hasattr(profiles, "columns") or hasattr(profiles, "schema") else [*profiles]


def _from_single(people: Iterable[Any], verb: str) -> pd.DataFrame:
    rows = []
    for one in people:
        if isinstance(one, str):
            if "@" not in one:
                raise InvalidInputError(
                    f"{verb}(): {one!r} is not an email address; pass ids as {{'id': ...}} or rows."
                )
            rows.append({"email": one})
        elif isinstance(one, (Mapping, pd.Series)):
            rows.append(dict(one))
        else:
            raise InvalidInputError(f"{verb}(): {one!r} does not identify a profile; pass {ACCEPTED}.")
    return as_frame(rows, f"{verb}()", "email", ["email"])


def _is_person(series: pd.Series[Any]) -> bool:
    return bool({"id", "email", "phone_number"} & {*series.index})


def send_plan(noun: Resource, plan: Plan, *, confirm: bool, dry_run: bool) -> Any:
    """Send a plan of one request, as a single call does: all of its rows, or nothing.

    Raises
    ------
    InvalidInputError
        Some rows cannot or must not be sent.
    ConfirmationRequiredError
        `confirm` is not True; nothing was sent.
    """
    operation, body = request_of(plan)
    if not dry_run:
        confirmed(confirm, *plan._confirm)
    return write(noun._context, operation, {}, body, dry_run=dry_run)


def request_of(plan: Plan) -> tuple[str, Any]:
    """Return the operation and the body of a plan of which every row is sent.

    Raises
    ------
    FrameError
        Some rows cannot or must not be sent.
    """
    why = {**{row: reason for row, (_, reason) in plan._left_out.items()}, **plan._problems}
    if why:
        rows = sorted(why)
        first = "; ".join(f"{plan._keys[row] or f'row {row}'}: {why[row]}" for row in rows[:3])
        more = f"; and {len(rows) - 3:,} more" if len(rows) > 3 else ""
        raise FrameError(
            f"{len(rows):,} of {len(plan._keys):,} profiles cannot be sent, so nothing was: {first}{more}."
        )
    return plan._request()
