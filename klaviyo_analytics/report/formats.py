"""Numbers and dates as a reader sees them: English on its own, every other language through babel."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, cast

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError, MissingExtraError
from klaviyo_analytics.plots._quantities import capitalised, quantity
from klaviyo_analytics.report.document import Card, Kind, Table

MISSING = "–"
_WHOLE = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"})
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$"}
_NUMERIC = ("count", "number", "money", "rate", "mixed")


def kind_of(table: Table, column: str) -> Kind:
    """Return what a column holds: as given, or by its dtype and name."""
    if column in table.kinds:
        return table.kinds[column]
    dtype = table.frame[column].dtype
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "datetime"
    if pd.api.types.is_bool_dtype(dtype) or not pd.api.types.is_numeric_dtype(dtype):
        return "text"
    known = quantity(str(column)).kind
    return "count" if known == "number" and pd.api.types.is_integer_dtype(dtype) else known


def label_of(table: Table, column: str) -> str:
    """Return the title of a column."""
    return table.labels.get(column) or quantity(str(column)).label


def is_number(kind: Kind) -> bool:
    """Return whether values of this kind are aligned to the right and sorted as numbers."""
    return kind in _NUMERIC


class Formatter:
    """Write numbers and dates in one language; words stay as they are.

    Parameters
    ----------
    language : str
        Language tag such as "en" or "pt-BR".

    Raises
    ------
    InvalidInputError
        The language is not known.
    MissingExtraError
        The language is not English and babel is not installed.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._locale: Any = None
        if language == "en":
            return
        try:
            from babel import Locale, UnknownLocaleError  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(f"A report in the language {language!r}", "report") from error
        try:
            self._locale = Locale.parse(language.replace("-", "_"))
        except (ValueError, UnknownLocaleError) as error:
            raise InvalidInputError(
                f"language={language!r} is not known; expected a tag such as 'en', 'de', 'fr' or 'pt-BR'."
            ) from error

    def __call__(self, value: Any, kind: Kind, currency: str | None = None) -> str:
        """Write one value."""
        if (
            value is None
            or value is pd.NaT
            or (not isinstance(value, list | tuple | dict) and pd.isna(value))
        ):
            return MISSING
        if kind in ("date", "datetime"):
            return self._date(cast(datetime, value), kind)
        if kind == "text" or (not isinstance(value, int | float) and not hasattr(value, "dtype")):
            return self._text(value)
        number = float(value)
        if not math.isfinite(number):
            return MISSING
        if kind == "rate":
            return self._percent(number)
        if kind == "money":
            return self._money(number, currency)
        decimals = 0 if kind == "count" or number.is_integer() else 2
        return self._decimal(number, decimals)

    def change(self, value: float | None) -> str:
        """Write a relative change with its sign."""
        if value is None or not math.isfinite(value):
            return MISSING
        shown = self._percent(abs(value), 1 if abs(value) < 0.1 else 0)
        return f"{'+' if value > 0 else '−' if value < 0 else '±'}{shown}"

    def card(self, card: Card) -> str:
        """Write the value of a card."""
        return self(card.value, card.kind, card.currency)

    def column(self, table: Table, column: str) -> list[str]:
        """Write a column; in a column of money every value has its row's currency, where the frame has one."""
        kind = kind_of(table, column)
        values: Iterable[Any] = table.frame[column].tolist()
        if kind == "mixed":
            return [self(v, k, table.currency) for v, k in zip(values, table.row_kinds, strict=True)]
        if kind == "money" and "currency" in table.frame:
            codes = [None if pd.isna(code) else str(code) for code in table.frame["currency"].tolist()]
            return [self(v, kind, c or table.currency) for v, c in zip(values, codes, strict=True)]
        return [self(value, kind, table.currency) for value in values]

    def _text(self, value: Any) -> str:
        if isinstance(value, list | tuple):
            return ", ".join(str(each) for each in value)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(value)

    def _date(self, value: datetime | date, kind: Kind) -> str:
        if self._locale is not None:
            from babel.dates import format_date, format_time, get_datetime_format  # noqa: PLC0415

            day = str(format_date(value, "medium", locale=self._locale))
            if kind == "date" or not isinstance(value, datetime):
                return day
            time = str(format_time(value.replace(tzinfo=None), "short", locale=self._locale))
            pattern = str(get_datetime_format("medium", locale=self._locale)).replace("'", "")
            return pattern.replace("{0}", time).replace("{1}", day)
        return f"{value:%Y-%m-%d}" if kind == "date" else f"{value:%Y-%m-%d %H:%M}"

    def _decimal(self, number: float, decimals: int) -> str:
        if self._locale is not None:
            from babel.numbers import format_decimal  # noqa: PLC0415

            whole = str(self._locale.decimal_formats[None].pattern).partition(".")[0]  # 12,34,567 in Hindi
            pattern = whole + ("." + "0" * decimals if decimals else "")
            return _signed(format_decimal(number, format=pattern, locale=self._locale))
        text = f"{abs(number):,.{decimals}f}"
        return f"−{text}" if number < 0 and text.strip("0.,") else text

    def _percent(self, number: float, decimals: int | None = None) -> str:
        size = abs(number)
        if decimals is None and number == 0:
            decimals = 0
        if decimals is None:
            decimals = 3 if 0 < size < 0.001 else 2 if 0 < size < 0.01 else 1
        if self._locale is not None:
            from babel.numbers import format_percent  # noqa: PLC0415

            pattern = str(self._locale.percent_formats[None].pattern)
            if decimals:
                pattern = pattern.replace("#0", "#0." + "0" * decimals)
            return _signed(format_percent(number, format=pattern, locale=self._locale))
        return f"{self._decimal(number * 100, decimals)}%"

    def _money(self, number: float, currency: str | None) -> str:
        if self._locale is not None and currency:
            from babel.numbers import format_currency  # noqa: PLC0415

            return _signed(format_currency(number, currency, locale=self._locale))
        text = self._decimal(number, 0 if (currency or "").upper() in _WHOLE else 2)
        sign = _SIGNS.get((currency or "").upper(), f"{currency} " if currency else "")
        return f"−{sign}{text[1:]}" if text.startswith("−") else f"{sign}{text}"


def _signed(number: str) -> str:
    """Return a number with the same minus sign that changes have."""
    return number.replace("-", "−")


def title_of(words: str) -> str:
    """Return words with a capital first letter."""
    return capitalised(words)
