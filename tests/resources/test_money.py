"""Sums of event values are in one currency, and an account with two is asked which one is meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError, NotAdditiveError
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, data

ORDER = ("Placed Order", "Shopify")
DATES = ["2026-06-01T00:00:00+00:00"]
ACCOUNT = data(
    [{"type": "account", "id": "A", "attributes": {"timezone": "UTC", "preferred_currency": "USD"}}]
)
METRICS = data([{"type": "metric", "id": "M", "attributes": {"name": "Placed Order"}}])


@pytest.fixture(scope="module")
def client() -> Iterator[KlaviyoClient]:
    with ka.demo(profiles=400, events=8000, currencies=("USD", "EUR")) as client:
        yield client


@pytest.fixture(scope="module")
def by_hand(client: KlaviyoClient) -> dict[str, tuple[int, float]]:
    """Number and sum of the orders in each currency, from the events."""
    orders = client.events.list(
        metric=ORDER,
        timeframe="last 12 months",
        properties={"$value": "float64", "$currency_code": "string"},
    )
    money = orders.groupby("event_properties.$currency_code")["event_properties.$value"]
    return {str(code): (int(values.size), float(values.sum())) for code, values in money}


class TestTwoCurrencies:
    @pytest.mark.parametrize("measurements", ["sum_value", ["count", "sum_value"], ["sum_value", "unique"]])
    @pytest.mark.parametrize("by", [(), "$attributed_channel"])
    def test_are_never_added(self, client: KlaviyoClient, measurements: Any, by: Any) -> None:
        with pytest.raises(InvalidQueryError, match=r"EUR, USD.*currency='EUR'.*\$value_currency"):
            client.metric_aggregates.query(
                ORDER, measurements=measurements, by=by, timeframe="last 12 months"
            )

    def test_counts_need_no_currency(
        self, client: KlaviyoClient, by_hand: dict[str, tuple[int, float]]
    ) -> None:
        frame = client.metric_aggregates.query(ORDER, interval="month", timeframe="last 12 months")
        assert frame["count"].sum() == sum(count for count, _ in by_hand.values())

    @pytest.mark.parametrize("code", ["USD", "EUR"])
    def test_one_of_them(
        self, client: KlaviyoClient, by_hand: dict[str, tuple[int, float]], code: str
    ) -> None:
        frame = client.metric_aggregates.query(
            ORDER, measurements=["count", "sum_value"], currency=code, timeframe="last 12 months"
        )
        assert (frame["count"].sum(), frame["sum_value"].sum()) == pytest.approx(by_hand[code])
        assert frame.attrs["currency"] == code

    def test_a_row_for_each(self, client: KlaviyoClient, by_hand: dict[str, tuple[int, float]]) -> None:
        frame = client.metric_aggregates.query(
            ORDER,
            measurements=["count", "sum_value"],
            by="$value_currency",
            interval="quarter",
            timeframe="last 12 months",
        )
        sums = frame.groupby("value_currency")["sum_value"].sum().to_dict()
        assert sums == pytest.approx({code: value for code, (_, value) in by_hand.items()})
        assert frame.attrs["currency"] is None

    def test_the_account_with_one_currency_makes_no_further_call(self) -> None:
        with ka.demo(profiles=100, events=1500) as client:
            client.metrics.find(name="Placed Order", integration="Shopify")
            plain = client.metric_aggregates.query(ORDER, measurements=["count", "sum_value"])
            assert list(plain.columns) == [
                "datetime",
                "metric_id",
                "metric",
                "count",
                "sum_value",
                "complete",
            ]
            assert plain.attrs["currency_source"] == "the events"


def answer(*groups: tuple[Any, float]) -> Answer:
    rows = [{"dimensions": [code], "measurements": {"sum_value": [value]}} for code, value in groups]
    facts = {"dates": DATES, "data": rows}
    return data({"type": "metric-aggregate", "id": "x", "attributes": facts}, links={})


class TestMoneyWithoutACurrency:
    def asked(self, *groups: tuple[Any, float]) -> Any:
        with ScriptedServer(ACCOUNT, METRICS, answer(*groups)) as server:
            client = ka.connect(api_key="pk_0123456789", base_url=server.url, progress=False)
            client._api.paced = False
            client._api.transport._sleep = Clock().sleep
            with client:
                _ = client.account
                return client.metric_aggregates.query(
                    "Placed Order", measurements="sum_value", interval="month", timeframe="2026-06"
                )

    def test_beside_the_accounts_is_added_with_a_warning(self) -> None:
        with pytest.warns(ka.ReadingWarning, match="assumed to be in the account's, USD"):
            frame = self.asked(("USD", 5.0), (None, 2.5))
        assert frame["sum_value"].tolist() == [7.5]
        assert (frame.attrs["currency"], frame.attrs["currency_source"]) == (
            "USD",
            "assumed to be the account's",
        )

    def test_beside_another_is_refused(self) -> None:
        with pytest.raises(InvalidQueryError, match="EUR and amounts of events that name no currency"):
            self.asked(("EUR", 5.0), ("", 2.5))

    def test_of_events_without_a_value_is_not_money(self) -> None:
        frame = self.asked(("EUR", 5.0), ("", 0.0), ("USD", 0.0))
        assert frame["sum_value"].tolist() == [5.0]
        assert frame.attrs["currency"] == "EUR"

    def test_alone_is_assumed_to_be_the_accounts(self) -> None:
        frame = self.asked((None, 2.5))
        assert (frame.attrs["currency"], frame.attrs["currency_source"]) == (
            "USD",
            "assumed to be the account's",
        )


class TestLongerIntervals:
    @pytest.mark.parametrize("interval", ["quarter", "year"])
    def test_are_the_sums_of_their_months(self, client: KlaviyoClient, interval: Any) -> None:
        months, longer = (
            client.metric_aggregates.query(
                ORDER,
                measurements=["count", "sum_value"],
                by="$value_currency",
                interval=each,
                timeframe=("2025-03-10", "2026-06-15"),
            )
            for each in ("month", interval)
        )
        period = {"quarter": "Q", "year": "Y"}[interval]
        keys = [months["value_currency"], months["datetime"].dt.tz_localize(None).dt.to_period(period)]
        expected = months.groupby(keys)[["count", "sum_value"]].sum().reset_index(drop=True)
        assert longer["count"].tolist() == expected["count"].tolist()
        assert longer["sum_value"].tolist() == pytest.approx(expected["sum_value"].tolist())
        assert longer["datetime"].dt.month.isin([1] if interval == "year" else [1, 4, 7, 10]).all()
        assert not longer["complete"].iloc[-1]

    def test_people_are_not_added_up(self, client: KlaviyoClient) -> None:
        with pytest.raises(NotAdditiveError, match="the same people come back"):
            client.metric_aggregates.query(ORDER, measurements="unique", interval="quarter")


@pytest.mark.parametrize(
    ("argument", "word", "right"),
    [
        ("measurements", "revenue", "sum_value"),
        ("measurements", "people", "unique"),
        ("by", "channel", r"\$attributed_channel"),
        ("by", "campaign", "Campaign Name"),
        ("interval", "weekly", "week"),
    ],
)
def test_what_people_type_is_answered_with_the_right_word(
    client: KlaviyoClient, argument: str, word: str, right: str
) -> None:
    arguments: dict[str, Any] = {argument: word}
    with pytest.raises(InvalidQueryError, match=f"did you mean '{right}'"):
        client.metric_aggregates.query(ORDER, **arguments)


@pytest.mark.parametrize("codes", [(), ("USD", "USD"), ("XYZ",)])
def test_a_demo_takes_known_currencies_only(codes: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError, match="currenc"):
        ka.demo(profiles=10, events=10, currencies=codes)


class TestSummary:
    def test_two_currencies_are_refused_without_one_of_them(self, client: KlaviyoClient) -> None:
        with pytest.raises(InvalidQueryError, match="currency="):
            client.account_summary("last 12 months", conversion_metric=ORDER, compare=None)

    @pytest.mark.parametrize("code", ["EUR", "USD"])
    def test_one_currency_is_what_its_orders_add_up_to(self, client: KlaviyoClient, code: str) -> None:
        span = client.timeframe("last 12 months")
        orders = client.events.list(
            metric=ORDER,
            timeframe=span,
            properties={"$value": "float64", "$currency_code": "string"},
        )
        own = orders[orders["event_properties.$currency_code"] == code]
        frame = client.account_summary(span, conversion_metric=ORDER, compare=None, currency=code)
        values = frame[frame["source"] == "all"].set_index("measure")["value"]
        assert values["revenue"] == pytest.approx(own["event_properties.$value"].sum())
        assert values["orders"] == len(own)
        assert set(frame["currency"].dropna()) == {code}
        assert pd.isna(values["revenue_per_recipient"]), "Klaviyo's reports add both currencies"
