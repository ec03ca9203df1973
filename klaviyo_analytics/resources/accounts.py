"""The account itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics.analysis.orders import conditions_of
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.resources._generated.account import AccountMethods
from klaviyo_analytics.resources._reading import Context, Span, chosen
from klaviyo_analytics.resources._reading import timeframe as read_timeframe
from klaviyo_analytics.resources.events import Events
from klaviyo_analytics.resources.metric_aggregates import MetricAggregates
from klaviyo_analytics.resources.metrics import Metric, Money, one
from klaviyo_analytics.resources.metrics import conversion_metric as read_conversion
from klaviyo_analytics.resources.reports import USUAL, told
from klaviyo_analytics.timeframe import Timeframe

OF_ORDERS = ("conversion_uniques", "conversion_rate", "revenue_per_recipient")  # as reports count them


class Accounts(AccountMethods):
    """The one account that the key belongs to: name, currency, time zone."""


Comparison = Literal["previous_period", "last_year"]
Kind = Literal["money", "count", "rate"]
Values = dict[tuple[str, str], float]  # by source and measure
SOURCES = ("all", "campaign", "flow", "other")

# Revenue and orders are dated by the order, and their parts add up to the whole.
SHOP: dict[str, Kind] = {
    "revenue": "money",
    "revenue_share": "rate",
    "orders": "count",
    "average_order_value": "money",
}
# What was sent, and what came of it, as the reports have it.
SENT: dict[str, Kind] = {
    "recipients": "count",
    "delivered": "count",
    "opens_unique": "count",
    "clicks_unique": "count",
    "conversion_uniques": "count",
    "delivery_rate": "rate",
    "bounce_rate": "rate",
    "open_rate": "rate",
    "click_rate": "rate",
    "unsubscribe_rate": "rate",
    "spam_complaint_rate": "rate",
    "conversion_rate": "rate",
    "revenue_per_recipient": "money",
}


def account_summary(
    context: Context,
    timeframe: Span,
    *,
    compare: Comparison | None,
    conversion_metric: Metric | None,
    currency: str | None = None,
    orders: analysis.OrderConditions | Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return a row for each source and measure; see `KlaviyoClient.account_summary`."""
    if compare is not None:
        chosen([compare], get_args(Comparison), "compare")
    frame = read_timeframe(context, timeframe).in_timezone(context.timezone)
    metric = read_conversion(context, conversion_metric)[0]
    conditions = None if orders is None else conditions_of(orders)
    values, money = _values(context, frame, metric, currency, conditions)
    result = pd.DataFrame(
        [
            (source, measure, kind, values.get((source, measure), np.nan))
            for source in SOURCES
            for measure, kind in _measures(source).items()
        ],
        columns=["source", "measure", "kind", "value"],
    ).astype({"source": "string", "measure": "string", "kind": "string", "value": "float64"})
    complete = frame.is_complete(context.now())
    if compare is not None:
        span = frame.previous() if compare == "previous_period" else frame.same_period_last_year()
        before, then = _values(context, span, metric, currency, conditions)
        if has_revenue(values) and has_revenue(before) and money.currency != then.currency:
            raise InvalidQueryError(
                f"Orders of {frame} are in {money.currency}, and those of {span} in {then.currency}; amounts in two "
                f"currencies are not compared. Pass currency={money.currency!r}, or compare=None."
            )
        result = _compared(result, before)
        money = money if has_revenue(values) else then
    paid = result["kind"].eq("money")
    result["currency"] = pd.Series([money.currency] * len(result), dtype="string").where(paid)
    result["complete"] = pd.array([complete] * len(result), dtype="boolean")
    result.attrs = {
        "timezone": frame.timezone, "currency": money.currency, "currency_source": money.source,
        "timeframe": str(frame),
    }  # fmt: skip
    result.attrs["orders"] = "all orders" if conditions is None else conditions.describe()
    return result


def _measures(source: str) -> dict[str, Kind]:
    if source == "other":
        return SHOP
    shown = {**SHOP, **SENT}
    return {name: kind for name, kind in shown.items() if source != "all" or name != "revenue_share"}


def _values(
    context: Context,
    frame: Timeframe,
    metric: str,
    currency: str | None,
    conditions: analysis.OrderConditions | None,
) -> tuple[Values, Money]:
    """Return each source's measures for one period, and the currency of its money."""
    values, money = _revenue(context, frame, metric, currency, conditions)
    campaigns, flows = (
        told(context, name, timeframe=frame, conversion_metric=metric, mixed=True)
        for name in ("campaign_values", "flow_values")
    )
    together = pd.concat([campaigns, flows], ignore_index=True)
    rows = {
        "campaign": (campaigns, [campaigns]),
        "flow": (flows, [flows]),
        "all": (together, [campaigns, flows]),
    }
    for source, (report, reports) in rows.items():
        totals = analysis.roll_up(report.drop(columns="currency")).iloc[0]
        for measure, kind in SENT.items():
            nothing = 0.0 if kind == "count" and report.empty else np.nan
            values[source, measure] = _number(totals[measure], nothing)
        if any(_is_other(report, money) for report in reports):
            values[source, "revenue_per_recipient"] = np.nan
        if conditions is not None:  # reports count all orders
            values |= {(source, measure): np.nan for measure in OF_ORDERS}
    return values, money


def _is_other(report: pd.DataFrame, money: Money) -> bool:
    """Return whether a report's money is in another currency than the revenue, or in several."""
    return bool(report.attrs["currency"] != money.currency and report["conversion_value"].abs().sum())


def _counted(
    context: Context,
    frame: Timeframe,
    metric: str,
    currency: str | None,
    conditions: analysis.OrderConditions | None,
) -> tuple[pd.DataFrame, Money]:
    """Return counts and sums by attribution: of aggregates, or of the orders that meet conditions, one by one."""
    if conditions is None:
        sums = MetricAggregates(context).query(
            metric,
            measurements=["count", "sum_value"],
            interval="month",  # the longest interval takes the fewest numbers
            by=["$attributed_message", "$attributed_flow"],
            timeframe=frame,
            currency=currency,
        )
        return sums, Money(sums.attrs["currency"], sums.attrs["currency_source"])
    events = Events(context).list(
        metric=metric, timeframe=frame, fields=["datetime", "event_properties"], include=["attributions"]
    )
    orders = analysis.select_orders(analysis.normalise_orders(events), conditions)
    if currency is not None:
        orders = analysis.select_orders(orders, {"currency": currency})
    own = context.account.get("preferred_currency")
    paid = orders[orders["value"].fillna(0) != 0]
    found = {str(code) if pd.notna(code) and code else None for code in paid["currency"].unique()}
    money = one(found, None if pd.isna(own) else str(own), currency or conditions.currency)
    sums = pd.DataFrame(
        {
            "attributed_message": orders["attributed_message"].astype("string"),
            "attributed_flow": orders["attributed_flow_id"].astype("string"),
            "count": pd.array([1] * len(orders), dtype="Int64"),
            "sum_value": orders["value"].astype("float64"),
        }
    )
    return sums, money


def _revenue(
    context: Context,
    frame: Timeframe,
    metric: str,
    currency: str | None,
    conditions: analysis.OrderConditions | None,
) -> tuple[Values, Money]:
    """Split revenue and orders by what brought them; also return the currency."""
    orders, found = _counted(context, frame, metric, currency, conditions)
    money = analysis.revenue_split(orders).set_index("source")
    counts = analysis.revenue_split(orders, value="count").set_index("source")
    # An average takes only orders whose value is known.
    valued = analysis.revenue_split(orders[orders["sum_value"].notna()], value="count").set_index("source")
    values: Values = {}
    for source in SOURCES[1:]:
        values[source, "revenue"] = _number(money["revenue"][source], 0.0)
        values[source, "revenue_share"] = _number(money["revenue_share"][source], np.nan)
        values[source, "orders"] = _number(counts["count"][source], 0.0)
    for measure in ("revenue", "orders"):
        values["all", measure] = sum(values[source, measure] for source in SOURCES[1:])
    numbers = {source: _number(valued["count"][source], 0.0) for source in SOURCES[1:]}
    numbers["all"] = sum(numbers.values())
    for source in SOURCES:
        revenue, number = values[source, "revenue"], numbers[source]
        values[source, "average_order_value"] = revenue / number if number else np.nan
    return values, found


def has_revenue(values: Values) -> bool:
    """Return whether a period has revenue, so that its currency matters."""
    return values["all", "revenue"] != 0


def _compared(result: pd.DataFrame, before: Values) -> pd.DataFrame:
    keys = zip(result["source"], result["measure"], strict=True)
    previous = pd.Series([before.get(key, np.nan) for key in keys], dtype="float64")
    difference = result["value"] - previous
    change = difference / previous.where(
        previous > 0
    )  # no fraction describes a change from nothing or from a loss
    return result.assign(previous=previous, difference=difference, change=change)


def _number(value: Any, nothing: float) -> float:
    return nothing if pd.isna(value) else float(value)


# what rates of opens are made of: text messages, whose opens are not visible, do not count in them
PARTS = ("open_rate_denominator", "click_to_open_rate_numerator")
NUMBERS = (
    *USUAL,
    "currency",
    *(name for name, rate in RATES.items() if {rate.numerator, rate.denominator} <= set(USUAL)),
    *PARTS,
    "complete",
)


# reports have a word of their own for what campaigns and filters call mobile_push
CAMPAIGN_WORDS = {"push-notification": "mobile_push"}


def added_up(report: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return a row for each of `keys` with its channel, counts, money and rates, as `analysis.roll_up` makes them."""
    rows = analysis.roll_up(report, by=keys)
    grouped = report.groupby(list(keys), dropna=False, sort=False)
    about = grouped.agg(channel=("send_channel", _channels), complete=("complete", "all")).reset_index()
    about = about.astype({"channel": "string", "complete": "boolean"})
    return rows.merge(about, on=list(keys), how="left", validate="1:1")


def listed(values: Iterable[Any]) -> str | None:
    """Join the distinct values with commas; most often there is one."""
    return ", ".join(dict.fromkeys(str(value) for value in values if pd.notna(value))) or None


def _channels(values: Iterable[Any]) -> str | None:
    known = (CAMPAIGN_WORDS.get(value, value) for value in values if pd.notna(value))
    return listed(sorted(known))


def lists_of_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a list for each row, empty where the value is missing."""
    return pd.Series([value if isinstance(value, list) else [] for value in values], dtype="object")


def finished(frame: pd.DataFrame, columns: Sequence[str], report: pd.DataFrame) -> pd.DataFrame:
    """Select the columns, names first and ids last, reset the index, and copy the report's `attrs`."""
    ids = [name for name in columns if name.endswith("_id")]
    names = [name for name in columns if name not in ids]
    result = frame[[*names, *NUMBERS, *ids]].reset_index(drop=True)
    result.attrs = dict(report.attrs)
    return result
