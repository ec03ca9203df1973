"""Checks of rows and values before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import numpy as np
import orjson
import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback.encode import ABSENT
from klaviyo_analytics.writeback.write_types import folded

OnDuplicate = Literal["error", "first", "last"]
LOCAL = r"[^\s@,;:<>()\[\]\"\\.]+(?:\.[^\s@,;:<>()\[\]\"\\.]+)*"
DOMAIN = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]*[^\W_]"
EMAIL = re.compile(f"{LOCAL}@{DOMAIN}")
PHONE = re.compile(r"\+[1-9]\d{6,14}")
PROFILE_BYTES = 100_000  # "100 KB" in its smaller reading


class Problems:
    """Reasons why rows cannot be sent, several a row.

    Attributes
    ----------
    key : str or None
        The first identifier checked for duplicates: `on_duplicate=` chooses only among rows that share it.
    """

    def __init__(self) -> None:
        self.key: str | None = None
        self._found: dict[int, list[str]] = {}

    def add(self, row: int, why: str) -> None:
        """Record a reason."""
        self._found.setdefault(row, []).append(why)

    def add_all(self, found: Mapping[int, str], before: str) -> None:
        """Record the reasons of a column."""
        for row, why in found.items():
            self.add(row, f"{before}: {why}")

    def __contains__(self, row: int) -> bool:
        return row in self._found

    def by_row(self) -> dict[int, str]:
        """Return the reasons as one text per row."""
        return {row: printable("; ".join(whys)) for row, whys in sorted(self._found.items())}


def printable(text: str) -> str:
    """Escape lone surrogates, which nothing can display or store."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_email(value: Any) -> bool:
    """Check whether a value is an email address that Klaviyo accepts."""
    return isinstance(value, str) and len(value) <= 254 and EMAIL.fullmatch(value) is not None


def is_phone(value: Any) -> bool:
    """Check whether a value is a phone number in E.164 form: a plus, the country code, 7 to 15 digits in all."""
    return isinstance(value, str) and PHONE.fullmatch(value) is not None


def is_id(value: Any) -> bool:
    """Check whether a value can be an id: text with 1 to 255 characters."""
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 255


FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "email": (is_email, "is not a valid email address"),
    "phone_number": (
        is_phone,
        "is not a phone number in E.164 form; write it with a plus and the country code, like +15005550006",
    ),
    "external_id": (is_id, "is not a valid id"),
    "id": (is_id, "is not a valid id"),
    "anonymous_id": (is_id, "is not a valid id"),
    "_kx": (is_id, "is not a valid id"),
}


def check_form(name: str, values: Sequence[Any], problems: Problems) -> None:
    """Record identifiers that are not valid."""
    right, complaint = FORMS[name]
    for row, value in enumerate(values):
        if value is not ABSENT and not right(value):
            stripped = value.strip() if isinstance(value, str) else value
            hint = "; strip the spaces around it" if stripped != value and right(stripped) else ""
            problems.add(row, f"{name}: {value!r} {complaint}{hint}")


def check_present(name: str, values: Sequence[Any], problems: Problems) -> None:
    """Record rows that have no key."""
    for row, value in enumerate(values):
        if value is ABSENT and row not in problems:
            problems.add(row, f"{name} is missing")


def duplicates(values: Sequence[Any], *, fold: bool = True) -> tuple[list[int], list[int]]:
    """Return the rows that share their value with another row, and for each the first row that has it."""
    keys = pd.Series(
        [None if one is ABSENT else folded(one) if fold else one for one in values], dtype=object
    )
    codes = pd.factorize(keys)[0]
    counts = np.bincount(codes[codes >= 0]) if (codes >= 0).any() else np.zeros(0, dtype=int)
    rows = np.flatnonzero((codes >= 0) & (counts[codes] > 1)) if len(counts) else np.zeros(0, dtype=int)
    first: dict[int, int] = {}
    for row in rows:
        first.setdefault(int(codes[row]), int(row))
    return rows.tolist(), [first[int(codes[row])] for row in rows]


def check_duplicates(
    name: str, values: Sequence[Any], rule: OnDuplicate, problems: Problems, *, fold: bool = True
) -> dict[int, tuple[Any, str]]:
    """Decide which of several rows with the same key is sent; the others are left out, or all are problems."""
    if rule not in ("error", "first", "last"):
        raise InvalidInputError(f"on_duplicate={rule!r}: allowed are 'error', 'first' and 'last'.")
    problems.key = problems.key or name
    advice = "drop one, or pass on_duplicate='first' or 'last'"
    if name != problems.key:  # two keys are two people, and choosing between them would lose one
        advice = f"correct or clear {name} in the row where it is wrong"
    rows, firsts = duplicates(values, fold=fold)
    if rule == "error":
        for row, first in zip(rows, firsts, strict=True):
            where = "comes again in later rows" if row == first else f"is that of row {first}, too"
            problems.add(row, f"{name} {values[row]!r} {where}; {advice}")
        return {}
    winners: dict[int, int] = {}
    for row, first in zip(rows, firsts, strict=True):
        if row not in problems and (rule == "last" or first not in winners):
            winners[first] = row
    return {
        row: ("not sent", f"row {winners[first]} has the same {name}, and is the one that is sent")
        for row, first in zip(rows, firsts, strict=True)
        if row not in problems and winners[first] != row
    }


def dumped(
    row: int, record: Any, problems: Problems, *, most: int = PROFILE_BYTES, what: str = "it"
) -> bytes | None:
    """Encode a row, or a part of it that has a limit of its own; None and a problem if that fails."""
    try:
        found = orjson.dumps(record)
    except (orjson.JSONEncodeError, RecursionError) as problem:
        why = "its text is not valid Unicode" if "surrogate" in str(problem) else str(problem)
        problems.add(row, f"{what} cannot be written as JSON: {why}")
        return None
    if len(found) > most:
        problems.add(row, f"{what} takes {len(found):,} bytes, and the API allows {most:,}")
        return None
    return bytes(memoryview(found))  # a copy as large as it has to be: orjson's own keeps a kilobyte and more


Rule = Callable[[Any], str | None]
LANGUAGE_TAG = re.compile(  # RFC 5646: language (of ISO 639), script, region, variants, extensions, private use
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE | re.ASCII,
)
CURRENCY = re.compile(r"[A-Z]{3}")


def check_attributes(
    rules: Mapping[str, Rule], values: Mapping[str, Sequence[Any]], problems: Problems
) -> None:
    """Record values that break the rule of their attribute."""
    for name, rule in rules.items():
        for row, value in enumerate(values.get(name, ())):
            if value == "":
                problems.add(row, f"{name}: empty strings are not allowed; use null for missing values")
            elif value is not ABSENT and (why := rule(value)):
                problems.add(row, f"{name}: {value!r} {why}")


def locale(value: Any) -> str | None:
    """Check a language tag (BCP 47)."""
    if not isinstance(value, str) or LANGUAGE_TAG.fullmatch(value):
        return None
    dashed = value.strip().replace("_", "-")
    hint = f"; write {dashed!r}" if dashed != value and LANGUAGE_TAG.fullmatch(dashed) else ""
    return f"is not a language tag in the form en-US (BCP 47){hint}"


def url(value: Any) -> str | None:
    """Check a URL."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        good = parts is None or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        good = False
    if good and not re.search(r"\s", str(value)):
        return None
    return "is not a valid URL; write it in full and without spaces, like https://shop.example/mug.png"


def urls(value: Any) -> str | None:
    """Check a list of URLs."""
    if isinstance(value, list) and all(isinstance(one, str) and url(one) is None for one in value):
        return None
    return "is not a list of URLs like ['https://shop.example/mug.png']"


def between(least: int, most: int) -> Rule:
    """Return a rule for a coordinate: a number, or text with a number."""

    def rule(value: Any) -> str | None:
        try:
            good = not isinstance(value, bool) and least <= float(value) <= most
        except (TypeError, ValueError):
            good = False
        return None if good else f"is not a number from {least} to {most}, in degrees"

    return rule


def address(value: Any) -> str | None:
    """Check an IP address, version 4 or 6."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return "is not an IP address like 203.0.113.7"
    return None


def currency(value: Any) -> str | None:
    """Check a currency code (ISO 4217)."""
    if not isinstance(value, str) or CURRENCY.fullmatch(value):
        return None
    hint = f"; write {value.upper()!r}" if CURRENCY.fullmatch(value.upper()) else ""
    return f"is not a currency code in the form USD (ISO 4217){hint}"


def flag(value: Any) -> str | None:
    """Check a boolean."""
    return None if isinstance(value, bool) else "is neither True nor False"


def one_of(*allowed: Any) -> Rule:
    """Return a rule that allows only a few values."""
    words = f"is not {' or '.join(map(repr, allowed))}"
    return lambda value: None if value in allowed and not isinstance(value, bool) else words


def flat(value: Any) -> str | None:
    """Check metadata: a dict of simple values."""
    if isinstance(value, dict) and not any(map(nested, value.values())):
        return None
    return "is not a flat object; pass a dict of simple values, or each as a column by properties="


def nested(value: Any) -> bool:
    """Check whether a value contains objects, which flat metadata cannot."""
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(x, (dict, list)) for x in value)
    )


def odd_timezones(values: Sequence[Any]) -> dict[int, str]:
    """Return notes on unknown time zones: Klaviyo accepts any text, and recommends IANA names."""
    return {
        row: f"location.timezone: {value!r} is not an IANA name like 'Europe/Berlin', and may not be understood"
        for row, value in enumerate(values)
        if value is not ABSENT and value not in _zones()
    }


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


PROFILE: Mapping[str, Rule] = {
    "locale": locale,
    "image": url,
    "location.latitude": between(-90, 90),
    "location.longitude": between(-180, 180),
    "location.ip": address,
}
EVENT: Mapping[str, Rule] = {"value_currency": currency}
CATALOG: Mapping[str, Rule] = {
    "url": url,
    "image_full_url": url,
    "image_thumbnail_url": url,
    "images": urls,
    "published": flag,
    "inventory_policy": one_of(0, 1, 2),
    "integration_type": one_of("$custom"),
    "catalog_type": one_of("$default"),
    "custom_metadata": flat,
}
