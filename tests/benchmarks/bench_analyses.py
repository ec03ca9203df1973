"""How long every public analysis takes on 1,000,000 rows in pandas. A script, not a test.

The goal is at most 5 s of processor time each; it prints both clocks, because other work slows the wall clock. Names
choose some: `python -m tests.benchmarks.bench_analyses rfm cohorts`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import KlaviyoError

ROWS, CUSTOMERS, GOAL = 1_000_000, 300_000, 5.0
STEPS = ["Viewed Product", "Checkout Started", "Placed Order"]
START = pd.Timestamp("2024-01-01", tz="UTC")


def numbered(letter: str, numbers: Any) -> Any:
    """Return ids as our frames hold them."""
    return pd.array(np.char.add(letter, np.asarray(numbers).astype(str)), dtype="string")


def words(dice: np.random.Generator, *choices: str | None) -> Any:
    """Return texts at random, of which None is a missing one."""
    return pd.array(np.array(choices, dtype=object)[dice.integers(0, len(choices), ROWS)], dtype="string")


def events(seed: int = 3) -> pd.DataFrame:
    """Return two years of orders, or of any other events, with our dtypes."""
    dice = np.random.default_rng(seed)
    messages = dice.integers(0, 400, ROWS)
    return pd.DataFrame(
        {
            "id": numbered("e", np.arange(ROWS)),
            "profile_id": numbered("P", dice.integers(0, CUSTOMERS, ROWS)),
            "datetime": START + pd.to_timedelta(dice.integers(0, 730 * 86_400, ROWS), unit="s"),
            "metric": words(dice, *STEPS),
            "value": dice.gamma(2, 30, ROWS).round(2),
            "currency": words(dice, "EUR"),
            "source": words(dice, "web", "pos"),
            "order_id": numbered("o", np.arange(ROWS) // 2),
            "product": numbered("Product ", dice.integers(0, 500, ROWS)),
            "message": numbered("M", messages),
            "flow": numbered("F", messages % 20),
            "tags": words(dice, None, "VIP, wholesale", "sale"),
            "discount_codes": numbered("W-", dice.integers(0, ROWS, ROWS)),
            "renewal": pd.array(dice.random(ROWS) < 0.3, dtype="boolean"),
        }
    )


def touches() -> pd.DataFrame:
    """Return opens and clicks of email and text messages."""
    dice = np.random.default_rng(5)
    made = events(5).assign(
        channel=words(dice, "email", "sms"),
        interaction=words(dice, "click", "open"),
        campaign_id=words(dice, None, "C1", "C2"),
        flow_id=words(dice, None, "F1", "F2"),
        variation_id=words(dice, None, "V1"),
        machine_open=pd.array(dice.random(ROWS) < 0.3, dtype="boolean"),
        bot_click=pd.array(dice.random(ROWS) < 0.1, dtype="boolean"),
        url=numbered("https://shop.example/a?utm=", dice.integers(0, 3000, ROWS)),
    )
    made = made.drop(columns=["value", "currency"])
    return made.assign(id=numbered("T", np.arange(ROWS)), received=made["datetime"] - pd.Timedelta(hours=1))


def items(orders: pd.DataFrame) -> pd.DataFrame:
    """Return two lines of each order."""
    first = np.arange(len(orders)) // 2 * 2
    who = orders[["profile_id", "datetime"]].iloc[first].reset_index(drop=True)
    return pd.concat([orders[["order_id", "product"]], who], axis=1)


def lines_of_events(orders: pd.DataFrame) -> pd.DataFrame:
    """Return orders with their lines as the API has them."""
    bought = [{"title": "Mug", "quantity": 2.0, "price": "4.50"}]
    properties = [
        {"$extra": {"line_items": bought}, "Items": ["Mug"], "$value": 9.0} for _ in range(len(orders))
    ]
    return orders[["id", "profile_id", "datetime"]].assign(
        event_properties=pd.Series(properties, dtype="object")
    )


def summary() -> pd.DataFrame:
    """Return rows as a campaign summary has them."""
    dice = np.random.default_rng(9)
    size = dice.integers(1, 5000, ROWS)
    counts = {name: (size * share).astype("int64") for name, share in SHARES.items()}
    made = pd.DataFrame({"recipients": size, **counts}).astype("Int64")
    return made.assign(
        campaign_id=numbered("C", np.arange(ROWS)),
        campaign=numbered("Campaign ", np.arange(ROWS)),
        campaign_message_id=numbered("M", np.arange(ROWS)),
        channel=words(dice, "email", "sms"),
        flow=numbered("F", np.arange(ROWS) // 4),
        message=numbered("M", np.arange(ROWS) % 4),
        subject=numbered("Hello {{ first_name }} ", np.arange(ROWS)),
        datetime=START + pd.to_timedelta(np.arange(ROWS) % 24 * 30, unit="D"),
        conversion_value=dice.gamma(2, 30, ROWS).round(2),
        currency=words(dice, "EUR"),
    )


SHARES = {
    "delivered": 0.98, "bounced": 0.02, "opens_unique": 0.4, "clicks_unique": 0.05, "unsubscribe_uniques": 0.002,
    "spam_complaints": 0.0005, "conversions": 0.01, "conversion_uniques": 0.01,
}  # fmt: skip


def intervals() -> pd.DataFrame:
    """Return hours of a hundred series."""
    dice = np.random.default_rng(11)
    hours = pd.date_range(START, periods=ROWS // 100, freq="h")
    return pd.DataFrame(
        {
            "datetime": hours.repeat(100),
            "list": numbered("L", np.tile(np.arange(100), ROWS // 100)),
            "count": pd.array(dice.integers(0, 500, ROWS), dtype="Int64"),
            "sum_value": dice.gamma(2, 30, ROWS),
            "attributed_message": words(dice, "M1", "M2", ""),
            "attributed_flow": words(dice, "F1", ""),
        }
    )


def calls() -> dict[str, Callable[[], Any]]:
    """Return a call of each function."""
    orders, touched, summed, series = events(), touches(), summary(), intervals()
    later = events(4).drop(columns="id").assign(datetime=lambda one: one["datetime"] + pd.Timedelta(hours=9))
    lines, read = items(orders), lines_of_events(orders)
    credited = analysis.attribution(orders, touched, "linear")
    profiles = pd.DataFrame(
        {"id": numbered("P", np.arange(CUSTOMERS)), "email": numbered("a@", np.arange(CUSTOMERS))}
    )
    members = pd.DataFrame({"profile_id": orders["profile_id"], "group": numbered("S", np.arange(ROWS) % 20)})
    mail = touched.assign(
        metric=words(
            np.random.default_rng(1), "Received Email", "Opened Email", "Bounced Email", "Clicked Email"
        ),
        **{"Inbox Provider": numbered("Provider ", np.arange(ROWS) % 50)},
    )
    money = pd.DataFrame({"variation": numbered("V", np.arange(ROWS) % 3), "revenue": orders["value"]})
    halves = pd.DataFrame(
        {"group": ["sent", "held"], "recipients": [9500, 500], "conversion_uniques": [475, 15]}
    )
    codes = orders[["profile_id"]].assign(coupon="W", code=orders["discount_codes"])
    refunds = orders[["order_id", "value"]].iloc[::3]
    once = orders.assign(order_id=orders["id"])
    sent = credited.rename(columns={"received": "sent"})
    whole = summed.drop(columns="datetime")
    months = series.rename(columns={"list": "channel"})
    return {
        "ab_test": lambda: analysis.ab_test(money, measure="revenue"),
        "adjusted_engagement": lambda: analysis.adjusted_engagement(
            summed, touched.rename(columns={"message": "campaign_message_id"})
        ),
        **{
            f"attribution, {model}": lambda model=model: analysis.attribution(orders, touched, model)  # type: ignore[misc]
            for model in ("last_touch", "linear")
        },
        "attribution_comparison": lambda: analysis.attribution_comparison(orders, touched),
        "attribution_rollup": lambda: analysis.attribution_rollup(credited, ["channel", "message"]),
        "bought_together": lambda: analysis.bought_together(lines),
        "bridge": lambda: analysis.bridge(sent, start="2024-06-01", end="2024-07-01"),
        "bridge_orders": lambda: analysis.bridge_orders(sent, start="2024-06-01", end="2024-07-01"),
        "by_segment": lambda: analysis.by_segment(members, orders),
        "campaign_ranking": lambda: analysis.campaign_ranking(summed),
        "cohorts": lambda: analysis.cohorts(orders, by="source"),
        "cohorts, other events": lambda: analysis.cohorts(orders, later, measure="revenue"),
        "compare_periods": lambda: analysis.compare_periods(
            series, series, values="count", by="list", check_periods=False
        ),
        "conversion_lag": lambda: analysis.conversion_lag(credited, by="channel"),
        "coupons": lambda: analysis.coupons(codes, once),
        "customer_lifetime_value": lambda: analysis.customer_lifetime_value(orders),
        "deliverability": lambda: analysis.deliverability(whole, by="campaign_id"),
        "deliverability_bands": lambda: analysis.deliverability_bands(whole, by="campaign_id"),
        "deliverability_by_provider": lambda: analysis.deliverability_by_provider(mail),
        "engagement_tiers": lambda: analysis.engagement_tiers(orders, profiles),
        "engagement_tiers, per profile": lambda: analysis.engagement_tiers(
            orders, profiles, per_profile=True
        ),
        "fatigue": lambda: analysis.fatigue(orders, later),
        "flow_collisions": lambda: analysis.flow_collisions(orders, hours=72),
        "flow_funnel": lambda: analysis.flow_funnel(summed),
        "flow_health": lambda: analysis.flow_health(summed, since="2025-01-01"),
        "flow_losses": lambda: analysis.flow_losses(summed),
        "growth_by_source": lambda: analysis.growth_by_source(orders, later, by="source"),
        "holdout_lift": lambda: analysis.holdout_lift(halves, holdout="held"),
        "klaviyo_rfm": lambda: analysis.klaviyo_rfm(orders),
        "lifetime_value_fit": lambda: analysis.lifetime_value_fit(orders),
        "lifetime_value_holdout": lambda: analysis.lifetime_value_holdout(orders, until="2025-06-01"),
        "links": lambda: analysis.links(touched, by="message"),
        "list_growth": lambda: analysis.list_growth(series, series, by="list"),
        "net_of_refunds": lambda: analysis.net_of_refunds(once, refunds),
        "new_and_returning": lambda: analysis.new_and_returning(
            orders, start="2024-03-10", by=["source", "month"]
        ),
        "next_product": lambda: analysis.next_product(lines),
        "normalise_orders": lambda: analysis.normalise_orders(read),
        "order_items": lambda: analysis.order_items(read),
        "ordered_funnel": lambda: analysis.ordered_funnel(orders, STEPS, within=30),
        "overlap": lambda: analysis.overlap(members),
        "period_over_period": lambda: analysis.period_over_period(series, "count", by="list"),
        "product_affinity": lambda: analysis.product_affinity(lines),
        "rates": lambda: analysis.rates(summed),
        "repeat_purchase": lambda: analysis.repeat_purchase(orders),
        "repeat_purchase, by product": lambda: analysis.repeat_purchase(lines, by="product"),
        "replenishment": lambda: analysis.replenishment(lines),
        "resample": lambda: analysis.resample(series, "month", sum_of="count"),
        "retention_curves": lambda: analysis.retention_curves(orders, by="source"),
        "revenue_split": lambda: analysis.revenue_split(series),
        "rfm": lambda: analysis.rfm(orders),
        "roll_up": lambda: analysis.roll_up(whole, by="channel"),
        "select_orders": lambda: analysis.select_orders(
            orders, {"without_tags": ["Wholesale"], "renewals": False}
        ),
        "send_times": lambda: analysis.send_times(orders, later),
        "share_of_total": lambda: analysis.share_of_total(series, "count", within="datetime"),
        "subject_lines": lambda: analysis.subject_lines(summed),
        **{
            f"touch_rollup, {grain}": lambda grain=grain: analysis.touch_rollup(credited, grain)  # type: ignore[misc]
            for grain in ("person_touch", "campaign", "person")
        },
        "unmatched_refunds": lambda: analysis.unmatched_refunds(refunds, once),
        "year_over_year": lambda: analysis.year_over_year(months, by="channel"),
    }


def main() -> None:
    """Print a line for each function, the slowest ones at the end again."""
    slow: list[str] = []
    chosen = sys.argv[1:]
    for name, call in calls().items():
        if chosen and name.partition(",")[0] not in chosen:
            continue
        wall, spent = time.perf_counter(), time.process_time()
        try:
            call()
        except KlaviyoError as error:
            print(f"{name:30} {error}", flush=True)
            continue
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
        print(f"{name:30} {spent:6.2f} s processor, {wall:6.2f} s wall", flush=True)
        slow += [name] if spent > GOAL else []
    print(f"over {GOAL:.0f} s: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
