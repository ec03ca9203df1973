"""What the columns of our frames mean: a label, a kind that decides the format, and the definition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

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
    """Say what each rate is a share of: `open rate, click rate ÷ delivered; bounce rate ÷ recipients`."""
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
