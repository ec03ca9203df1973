"""What the columns of our frames mean: a label, a kind that decides the format, and the definition."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from matplotlib.ticker import Formatter

Kind = Literal["count", "number", "money", "rate"]

SummaryColumn = Literal[
    "recipients",
    "delivered",
    "bounced",
    "opens",
    "opens_unique",
    "clicks",
    "clicks_unique",
    "unsubscribe_uniques",
    "spam_complaints",
    "conversions",
    "conversion_uniques",
    "conversion_value",
    "delivery_rate",
    "bounce_rate",
    "open_rate",
    "click_rate",
    "click_to_open_rate",
    "unsubscribe_rate",
    "spam_complaint_rate",
    "conversion_rate",
    "average_order_value",
    "revenue_per_recipient",
]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One column, as a reader of the chart should understand it."""

    label: str
    kind: Kind
    definition: str = ""
    denominator: str | None = None


_COUNTS = {
    "count": ("events", ""),
    "unique": ("unique profiles", "profiles counted once per interval, so intervals do not add up"),
    "recipients": ("recipients", ""),
    "delivered": ("delivered", ""),
    "bounced": ("bounced", ""),
    "opens": ("opens", ""),
    "opens_unique": ("unique opens", ""),
    "clicks": ("clicks", ""),
    "clicks_unique": ("unique clicks", ""),
    "unsubscribe_uniques": ("unsubscribed profiles", ""),
    "spam_complaints": ("spam complaints", ""),
    "conversions": ("conversions", ""),
    "conversion_uniques": ("converted profiles", ""),
    "subscribed": ("subscribed", ""),
    "unsubscribed": ("unsubscribed", ""),
    "net": ("net change", "subscribed − unsubscribed"),
    "members": ("members", ""),
    "total_members": ("members", ""),
    "members_added": ("members added", ""),
    "members_removed": ("members removed", ""),
    "net_members_changed": ("net change", "members added − members removed"),
}

_RATES = {
    "delivery_rate": ("delivery rate", "delivered ÷ recipients", "recipients"),
    "failed_rate": ("failed rate", "failed ÷ recipients", "recipients"),
    "bounced_or_failed_rate": (
        "bounced or failed rate",
        "bounced or failed ÷ recipients",
        "recipients",
    ),
    "bounce_rate": ("bounce rate", "bounced ÷ recipients", "recipients"),
    "open_rate": ("open rate", "unique opens ÷ delivered", "delivered"),
    "click_rate": ("click rate", "unique clicks ÷ delivered", "delivered"),
    "click_to_open_rate": ("click-to-open rate", "unique clicks ÷ unique opens", "opens_unique"),
    "unsubscribe_rate": ("unsubscribe rate", "unsubscribed profiles ÷ delivered", "delivered"),
    "spam_complaint_rate": ("spam complaint rate", "spam complaints ÷ delivered", "delivered"),
    "conversion_rate": ("conversion rate", "converted profiles ÷ delivered", "delivered"),
}

_MONEY = {
    "sum_value": ("value", "sum of the events' values", None),
    "revenue": ("revenue", "", None),
    "conversion_value": ("attributed revenue", "value of the conversions attributed to the message", None),
    "average_order_value": ("average order value", "attributed revenue ÷ conversions", "conversions"),
    "revenue_per_recipient": ("revenue per recipient", "attributed revenue ÷ recipients", "recipients"),
}

_KNOWN: dict[str, Quantity] = (
    {name: Quantity(label, "count", definition) for name, (label, definition) in _COUNTS.items()}
    | {name: Quantity(label, "rate", how, of) for name, (label, how, of) in _RATES.items()}
    | {name: Quantity(label, "money", how, of) for name, (label, how, of) in _MONEY.items()}
)

# What `analysis` makes of a column; None keeps the kind.
_DERIVED: dict[str, tuple[str, Kind | None]] = {
    "_previous": (", period before", None),
    "_difference": (", difference", None),
    "_change": (", change", "rate"),
    "_share": (", share", "rate"),
}


def quantity(column: str) -> Quantity:
    """Return what is known of `column`; an unknown name is a plain number, or a rate by its ending."""
    if column in _KNOWN:
        return _KNOWN[column]
    for ending, (words, kind_of_it) in _DERIVED.items():
        if column.endswith(ending) and (base := _KNOWN.get(column.removesuffix(ending))):
            return Quantity(f"{base.label}{words}", kind_of_it or base.kind)
    kind: Kind = "rate" if column.endswith(("rate", "share", "change")) else "number"
    return Quantity(in_words(column), kind)


def denominators(columns: Iterable[str]) -> str | None:
    """Return what each rate is a share of: `open rate, click rate ÷ delivered; bounce rate ÷ recipients`."""
    groups: dict[str, list[str]] = {}
    for known in map(quantity, columns):
        if known.denominator:
            groups.setdefault(quantity(known.denominator).label, []).append(known.label)
    return "; ".join(f"{', '.join(labels)} ÷ {below}" for below, labels in groups.items()) or None


def money_in_words(subject: Quantity, currency: str | None) -> str:
    """Return the currency of an amount, or that nothing says which it is."""
    if subject.kind != "money":
        return ""
    return f", in {currency}" if currency else ", currency not stated"


def in_words(column: str) -> str:
    """`attributed_channel` and `$attributed_channel` as a reader would write them."""
    return column.strip("$_").replace("_", " ").replace(".", " ") or column


def capitalised(words: str) -> str:
    """Return `words` with a capital first letter and the rest untouched."""
    return words[:1].upper() + words[1:]


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
    """Return one value with the precision that a label needs: `1,234`, `12.3k`, `$4.20`, `41.2%`."""
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
    """Keep three significant digits of a small rate: 0.012% must not read as 0.0%."""
    if size == 0 or size >= 0.01:
        return 1
    return 2 if size >= 0.001 else min(max(3, -math.floor(math.log10(size * 100))), _MOST_DECIMALS)


def _percent(value: float, decimals: int) -> str:
    return f"{_signed(value * 100, decimals)}%"


def _share(value: float, decimals: int) -> str:
    """Write a rate; exactly zero is "0%", because 0.000% could be a few."""
    return "0%" if value == 0 else _percent(value, decimals)


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
    return money_prefix(currency) if kind == "money" else ""


def money_prefix(currency: str | None) -> str:
    """Return what stands before an amount: `$`, `CHF `, or nothing if the currency is not known."""
    return _SYMBOLS.get(currency.upper(), f"{currency.upper()} ") if currency else ""
