"""Phone numbers in national formats as E.164, the form that Klaviyo takes: +15005550006.

The rules of each country are those of Google's libphonenumber, in the package phonenumberslite (the extra `phone`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klaviyo_analytics.errors import InvalidInputError, MissingExtraError
from klaviyo_analytics.writeback.checks import Problems, is_phone
from klaviyo_analytics.writeback.encode import ABSENT


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
