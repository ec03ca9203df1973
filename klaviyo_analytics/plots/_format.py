"""Numbers, money and percentages as text: one way of writing for ticks, labels and captions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from matplotlib.ticker import Formatter

from klaviyo_analytics.plots._quantities import Kind

_MINUS = "−"
_UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_SYMBOLS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "INR": "₹",
    "CAD": "CA$",
    "AUD": "A$",
    "NZD": "NZ$",
    "BRL": "R$",
    "MXN": "MX$",
}
_COMPACT_FROM = 10_000
_MOST_DECIMALS = 9
_WITHOUT_CENTS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"})


def write(value: float, kind: Kind, currency: str | None = None) -> str:
    """Return one value with the precision that a label needs: `1,234`, `12.3k`, `$4.20`, `41.2 %`."""
    if not math.isfinite(value):
        return "no value"
    if kind == "rate":
        return _share(value, _percent_decimals(abs(value)))
    scale, unit = _unit(abs(value))
    if unit:
        decimals = 1 if abs(value) / scale < 99.95 else 0
    elif kind == "money":
        rounded = abs(value) >= (10 if (currency or "").upper() in _WITHOUT_CENTS else 1_000)
        decimals = 0 if rounded or value == 0 else _two_digits(value)
    else:
        decimals = 0 if float(value).is_integer() else _two_digits(value)
    return _number(value, scale, unit, decimals, _money_prefix(kind, currency))


def write_column(values: Iterable[float], kind: Kind, currency: str | None = None) -> list[str]:
    """Return values that stand below each other: rates and money with the same decimals."""
    column = [float(value) for value in values]
    sizes = [abs(value) for value in column if math.isfinite(value) and value]
    if kind == "rate":
        decimals = _percent_decimals(min(sizes, default=0.0))
        return [_share(value, decimals) if math.isfinite(value) else "–" for value in column]
    if kind == "money" and max(sizes, default=0.0) >= 1_000:
        column = [round(value) if abs(value) < 1_000 else value for value in column]
        return [write(value, kind, currency).removesuffix(".00") for value in column]
    return [write(value, kind, currency) for value in column]


class QuantityFormatter(Formatter):
    """Tick labels that share one unit and one number of decimals, chosen from all ticks of the axis.

    With `shared=False` each label is as short as it can be: on an axis of logarithms 1 stands beside 10k.
    """

    def __init__(self, kind: Kind, currency: str | None = None, *, shared: bool = True) -> None:
        self._kind = kind
        self._currency = currency
        self._shared = shared

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002
        """Label of a single value, as the cursor shows it."""
        return write(x, self._kind, self._currency)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Labels of all ticks of an axis."""
        ticks = [float(value) for value in values]
        return self._labels(ticks) if self._shared else [self._labels([tick])[0] for tick in ticks]

    def _labels(self, ticks: Sequence[float]) -> list[str]:
        largest = max((abs(value) for value in ticks), default=0.0)
        gaps = [abs(b - a) for a, b in pairwise(ticks) if b != a]
        step = min(gaps, default=largest)
        if self._kind == "rate":
            return _distinct(ticks, _decimals(step * 100), _percent)
        scale, unit = _unit(largest)
        prefix = _money_prefix(self._kind, self._currency)
        return _distinct(
            ticks,
            _decimals(step / scale),
            lambda value, decimals: _number(value, scale, unit if value else "", decimals, prefix),
        )


def _distinct(ticks: Sequence[float], decimals: int, label: Callable[[float, int], str]) -> list[str]:
    """Label the ticks with as many decimals as it takes to tell them apart."""
    for further in range(decimals, _MOST_DECIMALS):
        labels = [label(value, further) for value in ticks]
        if len(set(labels)) == len(set(ticks)):
            return labels
    return [f"{value:.4g}" for value in ticks]


def _unit(largest: float) -> tuple[float, str]:
    if largest < _COMPACT_FROM:
        return 1.0, ""
    return next((scale, unit) for scale, unit in _UNITS if largest >= 0.9995 * scale)  # 999,999 is 1.0M


def _decimals(step: float) -> int:
    """Return the fewest decimals that write `step` without loss, or four digits of it."""
    for decimals in range(_MOST_DECIMALS):
        if math.isclose(round(step, decimals), step, rel_tol=1e-6):
            return decimals
        if step and step * 10**decimals >= 1_000:
            return max(decimals, 4)
    return _MOST_DECIMALS


def _two_digits(value: float) -> int:
    """Return two decimals, or as many as show two digits of a value that two would round to nothing."""
    return 2 if abs(value) >= 0.01 else min(1 - math.floor(math.log10(abs(value))), _MOST_DECIMALS)


def _percent_decimals(size: float) -> int:
    """Keep three significant digits of a small rate: 0.012 % must not read as 0.0 %."""
    if size == 0 or size >= 0.01:
        return 1
    return 2 if size >= 0.001 else min(max(3, -math.floor(math.log10(size * 100))), _MOST_DECIMALS)


def _percent(value: float, decimals: int) -> str:
    return f"{_signed(value * 100, decimals)} %"


def _share(value: float, decimals: int) -> str:
    """Write a rate; nobody at all is not 0.000 %, which could be a few."""
    return "0 %" if value == 0 else _percent(value, decimals)


def _number(value: float, scale: float, unit: str, decimals: int, prefix: str) -> str:
    written = _signed(value / scale, 0 if value == 0 else decimals)
    sign, digits = (_MINUS, written[1:]) if written.startswith(_MINUS) else ("", written)
    return f"{sign}{prefix}{digits}{unit}"


def _signed(value: float, decimals: int) -> str:
    written = f"{value:,.{decimals}f}"
    if float(written.replace(",", "")) == 0:
        written = written.lstrip("-")
    return written.replace("-", _MINUS)


def _money_prefix(kind: Kind, currency: str | None) -> str:
    if kind != "money" or not currency:
        return ""
    return _SYMBOLS.get(currency.upper(), f"{currency.upper()} ")
