"""Five roads to one number: events counted by hand, aggregates, reports, summaries and analysis agree.

Shops, periods, time zones, channels and currencies are drawn at random; every road answers for the same question.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient

ORDER = ("Placed Order", "Shopify")
SEEDS = (1, 7, 23)
CURRENCIES: tuple[tuple[str, ...], ...] = (("USD",), ("USD", "EUR"), ("GBP", "USD", "JPY"))
ZONES = (
    "America/New_York", "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati", "America/St_Johns",
)  # fmt: skip

few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Shops:
    """Shops by seed and currencies, each made once."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._made: dict[Any, tuple[KlaviyoClient, pd.DataFrame]] = {}

    def __call__(self, seed: int, currencies: tuple[str, ...]) -> tuple[KlaviyoClient, pd.DataFrame]:
        """Return a client, and all its events of two kinds, read one by one."""
        key = seed, currencies
        if key not in self._made:
            client = self._stack.enter_context(
                ka.demo(seed=seed, profiles=150, events=4000, currencies=currencies, progress=False)
            )
            orders = client.events.list(
                metric=ORDER,
                include=["attributions"],
                properties={"$value": "float64", "$currency_code": "string"},
            )
            self._made[key] = client, orders
        return self._made[key]


@pytest.fixture(scope="module")
def shops() -> Iterator[Shops]:
    with ExitStack() as stack:
        yield Shops(stack)


periods = st.tuples(st.integers(0, 330), st.integers(1, 60))
"""How many days before today a period ends, and how many it has."""


def period(client: KlaviyoClient, zone: str, drawn: tuple[int, int]) -> ka.Timeframe:
    """Return whole days on the zone's clock."""
    last = client.now().astimezone(ZoneInfo(zone)).date() - timedelta(days=drawn[0])
    return ka.Timeframe(last - timedelta(days=drawn[1]), last, timezone=zone)


def within(events: pd.DataFrame, frame: ka.Timeframe) -> pd.DataFrame:
    return events[(events["datetime"] >= frame.start) & (events["datetime"] < frame.end)]


def by_currency(orders: pd.DataFrame) -> dict[str, tuple[int, float]]:
    return {
        str(code): (len(some), float(some["event_properties.$value"].sum()))
        for code, some in orders.groupby("event_properties.$currency_code")
    }


@few
@given(
    seed=st.sampled_from(SEEDS),
    currencies=st.sampled_from(CURRENCIES),
    zone=st.sampled_from(ZONES),
    drawn=periods,
    interval=st.sampled_from(["hour", "day", "week", "month", "quarter"]),
)
def test_events_aggregates_and_analysis(
    shops: Shops, seed: int, currencies: tuple[str, ...], zone: str, drawn: tuple[int, int], interval: Any
) -> None:
    client, orders = shops(seed, currencies)
    frame = period(client, zone, drawn)
    expected = by_currency(within(orders, frame))
    asked: dict[str, Any] = {"measurements": ["count", "sum_value"], "interval": interval, "timeframe": frame}

    per_currency = client.metric_aggregates.query(ORDER, by="$value_currency", **asked)
    sums = per_currency.groupby("value_currency")[["count", "sum_value"]].sum()
    assert set(sums.index) == set(expected)
    for code, (count, value) in expected.items():
        assert sums.loc[code, "count"] == count
        assert sums.loc[code, "sum_value"] == pytest.approx(value, abs=0.01)
        alone = client.metric_aggregates.query(ORDER, currency=code, **asked)
        assert (alone["count"].sum(), alone["sum_value"].sum()) == pytest.approx((count, value), abs=0.01)
        if interval == "day":
            longer = ka.analysis.resample(alone, "month")
            assert longer["sum_value"].sum() == pytest.approx(value, abs=0.01)

    if len(expected) > 1:
        with pytest.raises(ka.errors.InvalidQueryError, match="currencies"):
            client.metric_aggregates.query(ORDER, **asked)
    else:
        together = client.metric_aggregates.query(ORDER, **asked)
        assert together["count"].sum() == sum(count for count, _ in expected.values())
        assert set(expected) <= {together.attrs["currency"]}


@few
@given(seed=st.sampled_from(SEEDS), zone=st.sampled_from(ZONES), drawn=periods)
def test_attributions_add_up_to_the_aggregates(
    shops: Shops, seed: int, zone: str, drawn: tuple[int, int]
) -> None:
    client, orders = shops(seed, ("USD",))
    frame = period(client, zone, drawn)
    credits = client.events.attributions(metric=ORDER, timeframe=frame, unattributed=True, names=False)
    value = float(within(orders, frame)["event_properties.$value"].sum())
    assert (credits["value"] * credits["weight"]).sum() == pytest.approx(value, abs=0.01)
    flows = credits.dropna(subset=["flow_id"])
    grouped = client.metric_aggregates.query(
        ORDER, measurements="sum_value", by="$attributed_flow", interval="month", timeframe=frame
    ).dropna(subset=["attributed_flow"])
    counted = (flows["value"] * flows["weight"]).groupby(flows["flow_id"]).sum()
    asked = grouped.groupby("attributed_flow")["sum_value"].sum()
    assert counted.to_dict() == pytest.approx(asked.to_dict(), abs=0.01)


@few
@given(seed=st.sampled_from(SEEDS), drawn=st.tuples(st.integers(0, 200), st.integers(7, 120)))
def test_reports_summaries_and_analysis(shops: Shops, seed: int, drawn: tuple[int, int]) -> None:
    client, _ = shops(seed, ("USD",))
    frame = period(client, "America/New_York", drawn)
    for report, summary, key in (
        (client.reports.campaign_values(timeframe=frame), client.campaigns.summary(frame), "campaign_id"),
        (client.reports.flow_values(timeframe=frame), client.flows.summary(frame), "flow_id"),
    ):
        rolled = ka.analysis.roll_up(report, by=[key]).set_index(key)
        assert set(summary[key]) == set(rolled.index)
        for name in ("recipients", "delivered", "conversions", "conversion_value"):
            by_hand = report.groupby(key)[name].sum()
            told = summary.set_index(key)[name]
            assert told.to_dict() == pytest.approx(by_hand.to_dict(), abs=0.01), name
            assert rolled[name].to_dict() == pytest.approx(by_hand.to_dict(), abs=0.01), name


@few
@given(
    seed=st.sampled_from(SEEDS),
    drawn=st.tuples(st.integers(0, 200), st.integers(7, 120)),
    channel=st.sampled_from(["email", "sms"]),
)
def test_orders_of_the_account_summary(shops: Shops, seed: int, drawn: tuple[int, int], channel: str) -> None:
    client, orders = shops(seed, ("USD",))
    frame = period(client, "America/New_York", drawn)
    summary = client.account_summary(frame, compare=None, conversion_metric=ORDER)
    values = summary.set_index(["source", "measure"])["value"]
    some = within(orders, frame)
    assert values["all", "orders"] == len(some)
    assert values["all", "revenue"] == pytest.approx(some["event_properties.$value"].sum(), abs=0.01)
    by_channel = client.metric_aggregates.query(
        ORDER,
        by="$attributed_channel",
        interval="month",
        timeframe=frame,
        where=ka.F["$attributed_channel"] == channel,
    )
    everything = client.metric_aggregates.query(
        ORDER, by="$attributed_channel", interval="month", timeframe=frame
    )
    same = everything[everything["attributed_channel"] == channel]
    assert by_channel["count"].sum() == same["count"].sum()
    assert everything["count"].sum() == len(some)
