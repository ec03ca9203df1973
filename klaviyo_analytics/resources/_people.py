"""People named by what an analyst has at hand, and what a consent body says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback.kinds import KINDS
from klaviyo_analytics.writeback.plans.consent import CHANNELS, ConsentChannel

IDENTIFIERS = ("id", "email", "phone_number")
TAKEN = "e-mail addresses, dicts, rows or a frame"
Person = dict[str, Any]


def people_of(profiles: Any, verb: str) -> list[Person]:
    """Give each person's identifiers, from addresses, dicts, rows, or a frame."""
    if isinstance(profiles, pd.DataFrame):
        several: Any = profiles.to_dict("records")
    else:
        single = isinstance(profiles, (str, Mapping, pd.Series))
        several = [profiles] if single else profiles
    if not isinstance(several, Iterable):
        raise InvalidInputError(f"{verb}() takes {TAKEN}, or a list of these, not {profiles!r}.")
    people = [{"email": one} if isinstance(one, str) else _identifiers(one, verb) for one in several]
    most = KINDS[verb].most
    if not 0 < len(people) <= most:
        raise InvalidInputError(f"{verb}() takes 1 to {most:,} profiles, not {len(people):,}.")
    for person in people:
        if "email" in person and "@" not in str(person["email"]):
            raise InvalidInputError(
                f"{verb}(): an e-mail address has an @; give ids as {{'id': ...}} or rows."
            )
    return people


def _identifiers(one: Any, verb: str) -> Person:
    if not isinstance(one, Mapping | pd.Series):
        raise InvalidInputError(f"{verb}(): {one!r} is nobody; give {TAKEN}.")
    return {name: one[name] for name in IDENTIFIERS if name in one and not pd.isna(one[name])}


def consenting(
    person: Person,
    channels: ConsentChannel | Sequence[ConsentChannel],
    consent: Person,
    *,
    id: bool = True,
) -> Person:
    subscriptions: dict[str, Person] = {}
    for channel in [channels] if isinstance(channels, str) else channels:
        if channel not in CHANNELS:
            raise InvalidInputError(f"channels: {channel!r} is not known; there are {', '.join(CHANNELS)}.")
        way, purpose = CHANNELS[channel]
        needed = "email" if way == "email" else "phone_number"
        if needed not in person:
            raise InvalidInputError(f"the channel {channel!r} needs a profile's {needed}.")
        subscriptions.setdefault(way, {})[purpose] = consent
    addresses = {name: value for name, value in person.items() if name != "id"}
    known = {"id": person["id"]} if id and "id" in person else {}
    return {"type": "profile", **known, "attributes": {**addresses, "subscriptions": subscriptions}}


def whom(profiles: Any, list: Any, segment: Any, verb: str) -> Person:
    given = {"profiles": profiles, "list": list, "segment": segment}
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) != 1:
        raise InvalidInputError(f"{verb}(): give profiles, or list=, or segment=, exactly one of them.")
    if profiles is None:
        return named
    people = people_of(profiles, verb)
    if not all("email" in person for person in people):
        raise InvalidInputError(f"{verb}() goes by e-mail address; somebody has none.")
    data = [{"type": "profile", "attributes": {"email": person["email"]}} for person in people]
    return {"profiles": {"data": data}}
