"""Postcodes, ids and phone numbers that spreadsheets and pandas have read as numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError, MissingExtraError
from klaviyo_analytics.writeback.checks import Problems, is_phone
from klaviyo_analytics.writeback.columns import Target
from klaviyo_analytics.writeback.encode import ABSENT

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
    """Return notes on rows whose postcode or id was a number, or whose postcode is too short for its country.

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
    """Return notes on postcodes that are too short for their country."""
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


def in_e164(
    values: Sequence[Any], region: str | None, problems: Problems
) -> tuple[list[Any], dict[int, str]]:
    """Return numbers in E.164, and notes on those that were rewritten.

    Parameters
    ----------
    values : sequence of str
        Numbers as texts; ABSENT where a row has none.
    region : str, optional
        The country whose national format the numbers are in, as two letters: "US". Numbers that have their own
        country ("+44 20 ...") keep it. Without it the numbers are returned as they are.
    problems : Problems
        Takes the rows whose number does not exist in that country.

    Raises
    ------
    InvalidInputError
        The region is not one that libphonenumber knows.
    MissingExtraError
        phonenumberslite is not installed.
    """
    if region is None:
        return [*values], {}
    numbers = _library()
    if not isinstance(region, str) or region.upper() not in numbers.SUPPORTED_REGIONS:
        raise InvalidInputError(
            f"phone_region={region!r} is not a country code. Give two letters of ISO 3166, like 'US' or 'GB'."
        )
    found: list[Any] = []
    notes: dict[int, str] = {}
    for row, value in enumerate(values):
        found.append(value)
        if value is ABSENT or is_phone(value) or not isinstance(value, str):
            continue
        try:
            number = numbers.parse(value, region.upper())
        except numbers.NumberParseException:
            continue  # the check of forms says so
        if not numbers.is_valid_number(number) or number.extension:
            why = "has an extension" if number.extension else f"is not a valid number of {region.upper()}"
            problems.add(row, f"phone_number: {value!r} {why}; correct it or leave it null")
            found[-1] = ABSENT
            continue
        found[-1] = numbers.format_number(number, numbers.PhoneNumberFormat.E164)
        notes[row] = f"phone_number {value!r} is sent as {found[-1]}"
    return found, notes


def _library() -> Any:
    try:
        import phonenumbers  # noqa: PLC0415  (an extra)
    except ImportError:
        raise MissingExtraError("phone_region=", "phone") from None
    return phonenumbers
