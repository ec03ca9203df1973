"""Sums of event values are in one currency, and an account with two is asked which one is meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import FrameError, InvalidInputError, InvalidQueryError, NotAdditiveError
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, data
from tests.shops import Shop, open_shop

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


@contextmanager
def rewritten(*codes: str | None) -> Iterator[Shop]:
    """Open a shop whose orders name these currencies in turn; None stands for none."""
    with open_shop(seed=5, profiles=200, events=5000) as shop:
        turns = cycle(codes)
        log = shop.account.events
        for place, properties in enumerate(log.properties):
            if "$currency_code" in properties:
                held = {name: value for name, value in properties.items() if name != "$currency_code"}
                code = next(turns)
                log.properties[place] = held if code is None else {**held, "$currency_code": code}
        yield shop


YEAR = "last 12 months"
ROADS: list[Any] = [
    lambda client: client.reports.campaign_values(timeframe=YEAR, conversion_metric=ORDER),
    lambda client: client.reports.flow_values(timeframe=YEAR, conversion_metric=ORDER),
    lambda client: client.reports.flow_series(timeframe=YEAR, interval="month", conversion_metric=ORDER),
    lambda client: client.campaigns.summary(YEAR, conversion_metric=ORDER),
    lambda client: client.flows.summary(YEAR, conversion_metric=ORDER, by="message"),
]


class TestReports:
    """Klaviyo's reports name no currency and convert nothing, so the events say what the money is in."""

    @pytest.mark.parametrize("road", ROADS)
    def test_sums_of_two_currencies_have_none_and_are_warned_of(
        self, client: KlaviyoClient, road: Any
    ) -> None:
        with pytest.warns(ka.ReadingWarning, match=r"EUR, USD.*unconverted.*currency='EUR'"):
            frame = road(client)
        assert frame["conversion_value"].sum() > 0
        assert frame["currency"].isna().all()
        assert frame["currency"].dtype == "string"
        assert frame.attrs["currency"] is None
        assert "EUR, USD" in frame.attrs["currency_source"]

    def test_the_currency_of_the_orders_goes_before_the_accounts(self) -> None:
        with rewritten("GBP") as shop:
            assert shop.client.account["preferred_currency"] == "USD"
            for road in ROADS:
                frame = road(shop.client)
                assert set(frame["currency"]) == {"GBP"}
                assert (frame.attrs["currency"], frame.attrs["currency_source"]) == ("GBP", "the events")
            summary = shop.client.account_summary(YEAR, conversion_metric=ORDER, compare=None)
        money = summary[summary["kind"] == "money"]
        assert set(money["currency"]) == {"GBP"}
        assert summary.attrs["currency"] == "GBP"
        assert money["value"].notna().any()
        values = money.set_index(["source", "measure"])["value"]
        assert values["flow", "revenue_per_recipient"] > 0

    def test_orders_without_a_currency_are_assumed_to_be_in_the_accounts(self) -> None:
        with rewritten(None) as shop:
            frame = shop.client.flows.summary(YEAR, conversion_metric=ORDER)
        assert set(frame["currency"]) == {"USD"}
        assert frame.attrs["currency_source"] == "assumed to be the account's"

    def test_no_currency_beside_another_than_the_accounts_is_a_mixture(self) -> None:
        with (
            rewritten("EUR", None) as shop,
            pytest.warns(ka.ReadingWarning, match="EUR, no named currency"),
        ):
            frame = shop.client.flows.summary(YEAR, conversion_metric=ORDER)
        assert frame.attrs["currency"] is None

    def test_a_key_that_may_not_ask_for_aggregates_gets_the_accounts_currency(self) -> None:
        with rewritten("EUR") as shop:
            shop.sandbox.faults.add(path="*/metric-aggregates", status=403)
            frame = shop.client.flows.summary(YEAR, conversion_metric=ORDER)
        assert set(frame["currency"]) == {"USD"}
        assert frame.attrs["currency_source"] == "the account's preferred_currency"

    def test_money_that_is_not_there_takes_no_query(self) -> None:
        with rewritten("USD") as shop:
            query: Any = {"timeframe": YEAR, "conversion_metric": ORDER, "names": False}
            shop.client.reports.flow_values(statistics=["recipients"], **query)
            assert not [path for path in shop.asked() if "aggregates" in path]
            shop.client.reports.flow_values(**query)
            shop.client.reports.flow_values(**query)
            assert len([path for path in shop.asked() if "aggregates" in path]) == 1


class TestAnalyses:
    """Orders that name no currency are in the account's; two currencies are refused."""

    def test_beside_the_accounts_is_warned_of(self) -> None:
        with (
            rewritten("USD", "USD", None) as shop,
            pytest.warns(ka.ReadingWarning, match="name no currency; .* the account's, USD"),
        ):
            scores = shop.client.analyses.rfm(YEAR, metric=ORDER)
        assert scores.attrs["currency"] == "USD"

    def test_beside_another_is_refused(self) -> None:
        with (
            rewritten("EUR", None) as shop,
            pytest.warns(ka.ReadingWarning),
            pytest.raises(FrameError, match="EUR and USD"),
        ):
            shop.client.analyses.rfm(YEAR, metric=ORDER)

    @pytest.mark.parametrize("orders", [None, {"renewals": False}])
    def test_the_summary_refuses_what_the_aggregates_refuse(self, orders: Any) -> None:
        with rewritten("EUR", None) as shop, pytest.raises(InvalidQueryError, match="name no currency"):
            shop.client.account_summary(YEAR, conversion_metric=ORDER, compare=None, orders=orders)
