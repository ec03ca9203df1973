"""What attributes may be: the shapes that Klaviyo documents, so that a wrong one is found before it is sent.

Each rule looks at one value and says what is wrong with it, what would be right, and what to do; None if nothing is.
What should be text and is none was noted when it was encoded.
Shapes are checked, not registries: "xx-XX" is a well-formed locale, whether or not anybody speaks it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from klaviyo_analytics.writeback.checks import Problems
from klaviyo_analytics.writeback.encode import ABSENT

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
    """Note the values, by attribute, that break its rule."""
    for name, rule in rules.items():
        for row, value in enumerate(values.get(name, ())):
            if value == "":
                problems.add(
                    row, f"{name}: an empty text is none; leave the cell null where nothing is known"
                )
            elif value is not ABSENT and (why := rule(value)):
                problems.add(row, f"{name}: {value!r} {why}")


def locale(value: Any) -> str | None:
    """Take a language tag of BCP 47."""
    if not isinstance(value, str) or LANGUAGE_TAG.fullmatch(value):
        return None
    dashed = value.strip().replace("_", "-")
    hint = f"; write {dashed!r}" if dashed != value and LANGUAGE_TAG.fullmatch(dashed) else ""
    return f"is no language tag in the form en-US (BCP 47){hint}"


def url(value: Any) -> str | None:
    """Take the address of something on the web."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        good = parts is None or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        good = False
    if good and not re.search(r"\s", str(value)):
        return None
    return "is no URL; write it in full and without spaces, like https://shop.example/mug.png"


def urls(value: Any) -> str | None:
    """Take a list of such addresses."""
    if isinstance(value, list) and all(isinstance(one, str) and url(one) is None for one in value):
        return None
    return "is no list of URLs like ['https://shop.example/mug.png']"


def between(least: int, most: int) -> Rule:
    """Make a rule for a coordinate: a number, or a text of one."""

    def rule(value: Any) -> str | None:
        try:
            good = not isinstance(value, bool) and least <= float(value) <= most
        except (TypeError, ValueError):
            good = False
        return None if good else f"is no number from {least} to {most}, in degrees"

    return rule


def address(value: Any) -> str | None:
    """Take an IP address of either kind."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return "is no IP address like 203.0.113.7"
    return None


def currency(value: Any) -> str | None:
    """Take a currency's code."""
    if not isinstance(value, str) or CURRENCY.fullmatch(value):
        return None
    hint = f"; write {value.upper()!r}" if CURRENCY.fullmatch(value.upper()) else ""
    return f"is no currency code in the form USD (ISO 4217){hint}"


def flag(value: Any) -> str | None:
    """Take true or false."""
    return None if isinstance(value, bool) else "is neither True nor False"


def one_of(*allowed: Any) -> Rule:
    """Make a rule for what is one of a few values."""
    words = f"is not {' or '.join(map(repr, allowed))}, and nothing else is taken"
    return lambda value: None if value in allowed and not isinstance(value, bool) else words


def flat(value: Any) -> str | None:
    """Take metadata: an object of simple values."""
    if isinstance(value, dict) and not any(map(nested, value.values())):
        return None
    return "is no flat object; give a dict of simple values, or each as a column by properties="


def nested(value: Any) -> bool:
    """Tell whether a value holds objects, which flat metadata cannot."""
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(x, (dict, list)) for x in value)
    )


def odd_timezones(values: Sequence[Any]) -> dict[int, str]:
    """Find names of zones that nobody knows: Klaviyo takes any text, and recommends those of IANA."""
    return {
        row: f"location.timezone: {value!r} is no IANA name like 'Europe/Berlin', and may not be understood"
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
