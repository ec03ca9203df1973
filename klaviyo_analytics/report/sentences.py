"""Key numbers with their thresholds, and what changed most in sentences made from the numbers beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from klaviyo_analytics.report.document import Card, Kind, Text, Verdict
from klaviyo_analytics.report.formats import Formatter
from klaviyo_analytics.resources.accounts import OF_ORDERS

if TYPE_CHECKING:
    from klaviyo_analytics.report.account_frames import AccountFrames

_WORDS = {"campaign": "campaigns", "flow": "flows", "other": "orders without a message"}
_FLAT = 0.005  # half a percent: a change that rounds to nothing


@dataclass(frozen=True)
class Sentence:
    """A statement and the numbers that it rests on: (what, kind, now, before)."""

    text: str
    numbers: tuple[tuple[str, Kind, float, float], ...]


def sentences(
    summary: pd.DataFrame,
    flows: pd.DataFrame | None,
    flows_before: pd.DataFrame | None,
    *,
    currency: str | None,
    write: Formatter,
) -> list[Sentence]:
    """Return the statements about the largest changes, the most important first.

    Parameters
    ----------
    summary : DataFrame
        As `client.account_summary` with a comparison returns it.
    flows, flows_before : DataFrame, optional
        Rows by flow of both periods: flow_id, flow, conversion_value.
    currency : str, optional
        Code of money.
    write : Formatter
        Language of the numbers.
    """
    rows = summary.set_index(["source", "measure"])
    moved = _flow_changes(flows, flows_before)
    found = [_revenue(rows, moved, currency, write)]
    found += [_source(rows, source, currency, write) for source in ("flow", "campaign")]
    found += [_cause(rows, currency, write), _flow(moved, currency, write, rising=True)]
    found += [_flow(moved, currency, write, rising=False)]
    found += [_rate(rows, name, write) for name in ("unsubscribe_rate", "bounce_rate", "spam_complaint_rate")]
    return [sentence for sentence in found if sentence is not None]


def numbers_behind(found: list[Sentence]) -> pd.DataFrame:
    """Return the numbers of all sentences: sentence (its number, from 1), number, value, previous, change."""
    rows = [
        (position, what, now, before, _change(now, before))
        for position, sentence in enumerate(found, start=1)
        for what, _, now, before in sentence.numbers
    ]
    frame = pd.DataFrame(rows, columns=["sentence", "number", "value", "previous", "change"])
    return frame.astype({"sentence": "Int64", "number": "string"})


def _change(now: float, before: float) -> float:
    return (now - before) / before if before > 0 else math.nan


def _verb(now: float, before: float) -> str:
    change = _change(now, before)
    if now == before or abs(change) < _FLAT:
        return "stayed the same"
    return "rose" if now > before else "fell"


def _moved(now: float, before: float, kind: Kind, currency: str | None, write: Formatter) -> str:
    """Write a movement: rose 12% to $110.00."""
    verb, change = _verb(now, before), _change(now, before)
    to = write(now, kind, currency)
    if verb == "stayed the same":
        return f"stayed the same at {to}"
    by = f" {write.change(abs(change))[1:]}" if math.isfinite(change) else ""
    return f"{verb}{by} to {to}"


def _signed(number: float, currency: str | None, write: Formatter) -> str:
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{write(abs(number), 'money', currency)}"


def _pair(rows: pd.DataFrame, source: str, measure: str) -> tuple[float, float] | None:
    if (source, measure) not in rows.index:
        return None
    row: Any = rows.loc[(source, measure)]
    now, before = float(row["value"]), float(row["previous"])
    return (now, before) if math.isfinite(now) and math.isfinite(before) else None


def _revenue(
    rows: pd.DataFrame, moved: pd.DataFrame, currency: str | None, write: Formatter
) -> Sentence | None:
    if (total := _pair(rows, "all", "revenue")) is None:
        return None
    parts = {source: pair for source in _WORDS if (pair := _pair(rows, source, "revenue"))}
    difference = total[0] - total[1]
    text = f"Revenue {_moved(*total, 'money', currency, write)}"
    numbers: list[tuple[str, Kind, float, float]] = [("Revenue", "money", *total)]
    same = {s: p for s, p in parts.items() if (p[0] - p[1]) * difference > 0}
    if same and _verb(*total) != "stayed the same":
        source = max(same, key=lambda name: abs(same[name][0] - same[name][1]))
        now, before = same[source]
        text += f", mainly {_WORDS[source]} ({_signed(now - before, currency, write)})"
        numbers.append((f"Revenue of {_WORDS[source]}", "money", now, before))
        if source == "flow" and len(moved):
            flow = moved.iloc[0] if difference > 0 else moved.iloc[-1]
            if flow["difference"] * difference > 0:
                share = _change(flow["now"], flow["before"])
                by = (
                    write.change(share)
                    if math.isfinite(share)
                    else _signed(flow["difference"], currency, write)
                )
                text += f": {flow['flow']} {by}"
                numbers.append(
                    (f"Attributed revenue of {flow['flow']}", "money", flow["now"], flow["before"])
                )
    return Sentence(text + ".", tuple(numbers))


def _source(rows: pd.DataFrame, source: str, currency: str | None, write: Formatter) -> Sentence | None:
    money, share = _pair(rows, source, "revenue"), _pair(rows, source, "revenue_share")
    if money is None or share is None:
        return None
    name = _WORDS[source]
    text = (
        f"Revenue of {name} {_moved(*money, 'money', currency, write)}: {write(share[0], 'rate')} of all "
        f"revenue, after {write(share[1], 'rate')}."
    )
    return Sentence(
        text, ((f"Revenue of {name}", "money", *money), (f"Share of {name} in revenue", "rate", *share))
    )


def _cause(rows: pd.DataFrame, currency: str | None, write: Formatter) -> Sentence | None:
    orders, average = _pair(rows, "all", "orders"), _pair(rows, "all", "average_order_value")
    if orders is None or average is None:
        return None
    text = (
        f"The number of orders {_moved(*orders, 'count', None, write)}; "
        f"the average order value {_moved(*average, 'money', currency, write)}."
    )
    return Sentence(text, (("Orders", "count", *orders), ("Average order value", "money", *average)))


def _rate(rows: pd.DataFrame, measure: str, write: Formatter) -> Sentence | None:
    pair = _pair(rows, "all", measure)
    if pair is None or _verb(*pair) == "stayed the same":
        return None
    name, now, before = f"The {measure.replace('_', ' ')}", write(pair[0], "rate"), write(pair[1], "rate")
    if now == before:  # a change that nobody sees in these figures
        return None
    text = f"{name} {_verb(*pair)} from {before} to {now}."
    return Sentence(text, ((name.removeprefix("The ").capitalize(), "rate", *pair),))


def _flow_changes(now: pd.DataFrame | None, before: pd.DataFrame | None) -> pd.DataFrame:
    """Return both periods' revenue by flow, the largest rise first; a flow of one period has 0 in the other."""
    columns = ["flow", "now", "before", "difference"]
    if now is None or before is None:
        return pd.DataFrame(columns=columns)
    left = now[["flow_id", "flow", "conversion_value"]].rename(columns={"conversion_value": "now"})
    right = before[["flow_id", "flow", "conversion_value"]].rename(columns={"conversion_value": "before"})
    both = left.merge(right, on="flow_id", how="outer", suffixes=("", "_before"))
    both["flow"] = both["flow"].fillna(both["flow_before"]).fillna(both["flow_id"])
    both[["now", "before"]] = both[["now", "before"]].fillna(0.0).astype("float64")
    both["difference"] = both["now"] - both["before"]
    return both.sort_values(["difference", "flow_id"], ascending=[False, True])[columns]


def _flow(moved: pd.DataFrame, currency: str | None, write: Formatter, *, rising: bool) -> Sentence | None:
    if not len(moved):
        return None
    row = moved.iloc[0] if rising else moved.iloc[-1]
    difference = float(row["difference"])
    if difference == 0 or (difference > 0) != rising:
        return None
    text = (
        f"The flow that {'gained' if rising else 'lost'} most is {row['flow']}: "
        f"{_signed(difference, currency, write)}, to {write(row['now'], 'money', currency)} of attributed revenue."
    )
    return Sentence(text, ((f"Attributed revenue of {row['flow']}", "money", row["now"], row["before"]),))


@dataclass(frozen=True)
class Threshold:
    """Bounds of one number.

    `good` is the bound of what is called healthy, `act` the bound beyond which something should be done. A number
    for which more is better has `good` above `act`.
    """

    good: float
    act: float
    words: str
    action: str

    def verdict(self, value: float | None) -> Verdict | None:
        """Return how a value stands; None if it is not known."""
        if value is None or not math.isfinite(value):
            return None
        if self.good >= self.act:
            return "good" if value >= self.good else "act" if value < self.act else "watch"
        return "good" if value < self.good else "act" if value >= self.act else "watch"


Source = Literal["messages", "flow", "campaign", "all"]

THRESHOLDS: dict[tuple[Source, str], Threshold] = {
    ("messages", "revenue_share"): Threshold(
        0.25,
        0.15,
        "25% to 40% of revenue is called healthy",
        "Check that welcome, cart and browse flows are live and that campaigns go out every week.",
    ),
    ("flow", "revenue_per_recipient"): Threshold(
        0.5,
        0.2,
        "0.50 to 2.00 per recipient is usual for flows",
        "Start with the flow with most recipients and the lowest value: test its offer and timing.",
    ),
    ("campaign", "revenue_per_recipient"): Threshold(
        0.05,
        0.02,
        "0.05 to 0.20 per recipient is usual for campaigns",
        "Send to people who were active in the last 90 days instead of everybody.",
    ),
    ("campaign", "conversion_rate"): Threshold(
        0.01,
        0.005,
        "1% to 3% of delivered messages lead to an order",
        "Link to one product or collection, and repeat the offer above the fold.",
    ),
    ("campaign", "click_rate"): Threshold(
        0.015,
        0.008,
        "1.5% to 3% is average, 5% excellent",
        "Test one call to action against several.",
    ),
    ("flow", "click_rate"): Threshold(
        0.015, 0.008, "1.5% to 3% is average, 5% excellent", "Test one call to action against several."
    ),
    ("all", "unsubscribe_rate"): Threshold(
        0.003,
        0.01,
        "below 0.3% is good, from 1% on it needs attention",
        "Send less often to people who have not clicked for 90 days.",
    ),
    ("all", "spam_complaint_rate"): Threshold(
        0.0001,
        0.001,
        "below 0.01% is good, from 0.1% on it needs attention",
        "Suppress inactive people now and make the unsubscribe link easy to find.",
    ),
    ("all", "bounce_rate"): Threshold(
        0.01,
        0.02,
        "below 1% is good, from 2% on it needs attention",
        "Clean the list, and confirm new addresses by double opt-in.",
    ),
    ("all", "open_rate"): Threshold(
        0.33,
        0.27,
        "33% and more is good; mail privacy inflates opens",
        "Judge subject lines by clicks, since machines open mail as well.",
    ),
}


def key_numbers(source: AccountFrames) -> Iterator[Card]:
    """Yield the key numbers in the order in which practitioners read them, each with its threshold and an action."""
    money = source.currency
    course = source.split.groupby("datetime", sort=True)["revenue"].sum()
    complete = source.split.groupby("datetime", sort=True)["complete"].all()
    trend = course[complete.astype(bool)].tolist()
    revenue, change = source.value("all", "revenue"), source.value("all", "revenue", "change")
    yield Card("Revenue", revenue, "money", money, change, trend)
    shares = [source.value(name, "revenue_share") for name in ("campaign", "flow")]
    share = (
        sum(value for value in shares if value is not None) if any(s is not None for s in shares) else None
    )
    earlier = [source.value(name, "revenue_share", "previous") for name in ("campaign", "flow")]
    before = sum(value for value in earlier if value is not None)
    rule = THRESHOLDS["messages", "revenue_share"]
    verdict = rule.verdict(share)
    yield Card(
        "Share of revenue that messages brought",
        share,
        "rate",
        None,
        (share - before) / before if share is not None and before else None,
        (),
        rule.words,
        verdict,
        rule.action if verdict != "good" else "",
    )
    wanted: list[tuple[Source, str, str]] = [
        ("flow", "revenue_per_recipient", "Flows: revenue per recipient"),
        ("campaign", "revenue_per_recipient", "Campaigns: revenue per recipient"),
        ("campaign", "conversion_rate", "Campaigns: placed-order rate"),
        ("campaign", "click_rate", "Campaigns: click rate"),
        ("flow", "click_rate", "Flows: click rate"),
        ("all", "unsubscribe_rate", "Unsubscribe rate"),
        ("all", "spam_complaint_rate", "Spam complaint rate"),
        ("all", "bounce_rate", "Bounce rate"),
        ("all", "open_rate", "Open rate"),
    ]
    for origin, measure, label in wanted:
        value, rule = source.value(origin, measure), THRESHOLDS[origin, measure]
        if value is None and not (
            source.has_reports and (source.has_conversions or measure not in OF_ORDERS)
        ):
            continue
        verdict = rule.verdict(value)
        kind: Any = "money" if measure == "revenue_per_recipient" else "rate"
        yield Card(
            label,
            value,
            kind,
            money,
            source.value(origin, measure, "change"),
            (),
            rule.words,
            verdict,
            rule.action if verdict not in ("good", None) else "",
        )


def best_and_worst(rows: pd.DataFrame, column: str, source: AccountFrames) -> Iterator[Text]:
    """Yield a list of the extremes among those large enough for a rate to mean something."""
    least = max(float(rows["recipients"].sum()) * 0.01, 20)
    ranked = rows[rows["recipients"].ge(least) & rows["revenue_per_recipient"].notna()]
    if len(ranked) < 2:
        return
    rule = f"by revenue per recipient, among those with at least {source.write(round(least), 'count')} recipients"

    def shown(row: Any) -> str:
        money = source.write(row["revenue_per_recipient"], "money", source.currency)
        return f"{row[column]} ({money} from {source.write(row['recipients'], 'count')} recipients)"

    lines = [f"Best {column}: {shown(ranked.iloc[0])}.", f"Weakest {column}: {shown(ranked.iloc[-1])}."]
    yield Text([*lines, f"Ranked {rule} (1% of all recipients, and at least 20)."], items=True)
