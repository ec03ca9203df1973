"""Postcodes and ids that were read as numbers: what spreadsheets and pandas make of "02139" and "16175550123"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.writeback.encode import ABSENT
from klaviyo_analytics.writeback.targets import Target

ZIP, COUNTRY = "location.zip", "location.country"
NAMES_SOMETHING = ("id", "external_id", "anonymous_id", ZIP)
FLOAT_TEXT = re.compile(r"\d+\.0+")
DIGITS: Mapping[str, int] = {  # countries whose postcodes are digits only, and how many
    **dict.fromkeys(("US", "DE", "FR", "IT", "ES", "MX", "FI", "EE", "HR", "TR", "TH", "MY", "UA", "PR"), 5),
    **dict.fromkeys(("AU", "AT", "BE", "CH", "DK", "NO", "HU", "NZ", "ZA", "BG", "SI", "LU"), 4),
    **dict.fromkeys(("IN", "CN", "SG", "RO", "RU", "CO"), 6),
    "IL": 7,
    "IS": 3,
}
NAMES = {
    "united states": "US", "united states of america": "US", "usa": "US", "puerto rico": "PR", "germany": "DE",
    "deutschland": "DE", "france": "FR", "italy": "IT", "italia": "IT", "spain": "ES", "mexico": "MX",
    "finland": "FI", "estonia": "EE", "croatia": "HR", "turkey": "TR", "australia": "AU", "austria": "AT",
    "belgium": "BE", "switzerland": "CH", "denmark": "DK", "norway": "NO", "hungary": "HU", "new zealand": "NZ",
    "south africa": "ZA", "india": "IN", "china": "CN", "singapore": "SG", "romania": "RO", "israel": "IL",
}  # fmt: skip


def were_numbers(
    frame: pd.DataFrame, found: Sequence[Target], values: Mapping[str, Sequence[Any]]
) -> dict[int, str]:
    """Note the rows whose postcode or id was a number, or lacks the digits that its country's postcodes have.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows as they were given.
    found : sequence of Target
        Which column becomes what.
    values : dict
        What would be sent, by attribute.
    """
    notes: dict[int, list[str]] = {}
    for target in found:
        if target.path not in NAMES_SOMETHING:
            continue
        given = frame[target.column].astype(object).tolist()
        for row, (one, sent) in enumerate(zip(given, values[target.path], strict=True)):
            if sent is ABSENT:
                continue
            if isinstance(one, str) and FLOAT_TEXT.fullmatch(one.strip()):
                why = f"{one!r} looks like a number that was read as a float"
            elif not isinstance(one, str):
                why = f"{one!r} was a number and is sent as {sent!r}"
            else:
                continue
            notes.setdefault(row, []).append(
                f"{target.path}: {why}; to keep leading zeros, read the column {target.column!r} as text (dtype=str)"
            )
    for row, why in _short(values).items():
        notes.setdefault(row, []).append(why)
    return {row: "; ".join(whys) for row, whys in notes.items()}


def _short(values: Mapping[str, Sequence[Any]]) -> dict[int, str]:
    """Note postcodes that lack digits."""
    codes, countries = values.get(ZIP, ()), values.get(COUNTRY, ())
    found = {}
    for row, (code, country) in enumerate(zip(codes, countries, strict=False)):
        if not isinstance(code, str) or not isinstance(country, str) or not code.strip().isdecimal():
            continue
        short = country.strip().upper()
        short = NAMES.get(country.strip().casefold(), short)
        digits = DIGITS.get(short)
        if digits and len(code.strip()) < digits:
            padded = code.strip().zfill(digits)
            found[row] = (
                f"{ZIP}: {code!r} has {len(code.strip())} digits, and postcodes of {short} have {digits}; "
                f"{padded!r}, if leading zeros were lost"
            )
    return found
