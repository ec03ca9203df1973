"""The performance report of the sandbox account: every number is the frames' own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
import requests

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.report import Heading, MetricCards, Report, Table, Text
from klaviyo_analytics.report.account_frames import Comparison
from klaviyo_analytics.report.formats import Formatter
from klaviyo_analytics.report.sentences import THRESHOLDS, sentences

PERIOD = "2026-05"


@pytest.fixture(scope="module")
def shop() -> Iterator[KlaviyoClient]:
    with ka.demo(profiles=400, events=8_000, progress=False) as client:
        yield client


@pytest.fixture(scope="module")
def report(shop: KlaviyoClient) -> Report:
    return ka.report.performance(shop, PERIOD)


def table(report: Report, title: str) -> pd.DataFrame:
    return next(part.frame for part in report.tables() if part.title == title)


def test_all_chapters_are_there_in_order(report: Report) -> None:
    assert dict(report.failures) == {}
    assert [part.title for part in report.sections if isinstance(part, Heading)] == [
        "Key numbers", "What changed most", "Revenue", "Flows", "Campaigns", "Deliverability", "Audience growth",
        "Timing of campaigns", "Customers", "Notes",
    ]  # fmt: skip


@pytest.mark.parametrize(("compare", "calls"), [("previous_period", 8), (None, 5)])
def test_the_docstring_states_how_many_scarce_reports_it_takes(
    compare: Comparison | None, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    send = requests.Session.send

    def counted(
        self: requests.Session, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        asked.append(str(request.url))
        return send(self, request, **options)

    with ka.demo(profiles=50, events=500, progress=False) as client:
        monkeypatch.setattr(requests.Session, "send", counted)
        ka.report.performance(client, PERIOD, compare=compare)
    assert len([url for url in asked if "-values-reports" in url]) == calls


def test_cards_equal_the_summary(report: Report, shop: KlaviyoClient) -> None:
    summary = shop.account_summary(PERIOD).set_index(["source", "measure"])["value"]
    cards = {c.label: c for part in report.sections if isinstance(part, MetricCards) for c in part.cards}
    assert cards["Revenue"].value == summary["all", "revenue"]
    assert cards["Flows: revenue per recipient"].value == summary["flow", "revenue_per_recipient"]
    assert cards["Bounce rate"].value == summary["all", "bounce_rate"]
    share = summary["flow", "revenue_share"] + summary["campaign", "revenue_share"]
    assert cards["Share of revenue that messages brought"].value == pytest.approx(share)


def test_tables_equal_the_frames(report: Report, shop: KlaviyoClient) -> None:
    campaigns = shop.campaigns.summary(PERIOD)
    shown = table(report, "Campaigns by revenue per recipient")
    assert sorted(shown["campaign"]) == sorted(campaigns["campaign"])
    assert shown["conversion_value"].sum() == campaigns["conversion_value"].sum()
    assert shown["revenue_per_recipient"].is_monotonic_decreasing
    flows = shop.flows.summary(PERIOD).set_index("flow")["conversion_value"].to_dict()
    assert (
        table(report, "Flows by revenue per recipient").set_index("flow")["conversion_value"].to_dict()
        == flows
    )
    messages = table(report, "Messages of flows").groupby("flow")["conversion_value"].sum()
    assert messages.to_dict() == pytest.approx(flows)


def test_the_course_adds_up_to_revenue(report: Report, shop: KlaviyoClient) -> None:
    summary = shop.account_summary(PERIOD, compare=None).set_index(["source", "measure"])["value"]
    course = table(report, "Revenue by day")
    assert len(course) == 31
    assert course["total"].sum() == pytest.approx(summary["all", "revenue"])
    assert course["flow"].sum() == pytest.approx(summary["flow", "revenue"])


def test_nobody_is_named_unless_asked_for(report: Report, shop: KlaviyoClient) -> None:
    orders = shop.events.list(metric=("Placed Order", "Shopify"), timeframe="2026-05")
    ids = set(orders["profile_id"])
    assert ids
    assert not any(id in report.to_html() for id in ids)
    full, hashed = (
        ka.report.performance(shop, PERIOD, privacy=p, sections=["customers"]) for p in ("full", "hashed")
    )
    named, codes = table(full, "Best customers"), table(hashed, "Best customers")
    assert set(named["profile"]) & set(shop.profiles.list(fields=["email"])["id"]) == set(named["profile"])
    assert codes["monetary"].tolist() == named["monetary"].tolist()
    assert not any(id in hashed.to_html() for id in named["profile"])


def test_a_chapter_that_fails_is_named_and_the_rest_stands(
    shop: KlaviyoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise InvalidInputError("no <campaigns> today")

    monkeypatch.setattr(shop.campaigns, "summary", broken)
    made = ka.report.performance(shop, PERIOD, sections=["campaigns", "revenue", "notes"])
    assert dict(made.failures) == {"Campaigns": "InvalidInputError: no <campaigns> today"}
    assert [part.title for part in made.sections if isinstance(part, Heading)] == ["Revenue", "Notes"]
    assert "no &lt;campaigns&gt; today" in made.to_html()


def test_without_a_comparison_nothing_is_compared(shop: KlaviyoClient) -> None:
    made = ka.report.performance(shop, PERIOD, compare=None, sections=["headline", "changes"])
    assert dict(made.failures) == {}
    assert "previous" not in table(made, "Revenue and orders by source")
    assert any(isinstance(part, Text) and "no other period" in part.lines[0] for part in made.sections)


def test_a_period_without_data_still_makes_a_report(shop: KlaviyoClient) -> None:
    made = ka.report.performance(shop, "2024-05")
    assert dict(made.failures) == {}
    assert len(made.to_html()) > 1_000


def test_unknown_words_are_refused(shop: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="sections='money' is not valid"):
        ka.report.performance(shop, PERIOD, sections=["money"])
    with pytest.raises(InvalidInputError, match="client is of type str, not a client"):
        ka.report.performance("archive")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="privacy='public' is not valid"):
        ka.report.performance(shop, PERIOD, privacy="public")  # type: ignore[arg-type]


def test_same_account_same_bytes(report: Report, shop: KlaviyoClient) -> None:
    assert ka.report.performance(shop, PERIOD).to_html() == report.to_html()
    assert len(report.to_html().encode()) < 2_000_000


def test_sentences_are_made_of_the_numbers() -> None:
    rows = [
        ("all", "revenue", 880.0, 1000.0), ("flow", "revenue", 200.0, 330.0), ("campaign", "revenue", 180.0, 170.0),
        ("other", "revenue", 500.0, 500.0), ("flow", "revenue_share", 200 / 880, 0.33),
        ("all", "orders", 8.0, 8.0), ("all", "average_order_value", 110.0, 125.0),
        ("all", "bounce_rate", 0.02, 0.01),
    ]  # fmt: skip
    summary = pd.DataFrame(rows, columns=["source", "measure", "value", "previous"])
    now = pd.DataFrame(
        {"flow_id": ["A", "B"], "flow": ["Abandoned Cart", "Welcome"], "conversion_value": [69.0, 131.0]}
    )
    before = now.assign(conversion_value=[100.0, 130.0])
    found = [s.text for s in sentences(summary, now, before, currency="USD", write=Formatter())]
    assert found == [
        "Revenue fell 12% to $880.00, mainly flows (−$130.00): Abandoned Cart −31%.",
        "Revenue of flows fell 39% to $200.00: 22.7% of all revenue, after 33.0%.",
        "The number of orders stayed the same at 8; the average order value fell 12% to $110.00.",
        "The flow that gained most is Welcome: +$1.00, to $131.00 of attributed revenue.",
        "The flow that lost most is Abandoned Cart: −$31.00, to $69.00 of attributed revenue.",
        "The bounce rate rose from 1.0% to 2.0%.",
    ]


def test_thresholds_at_their_bounds() -> None:
    bounce, share = THRESHOLDS["all", "bounce_rate"], THRESHOLDS["messages", "revenue_share"]
    assert [bounce.verdict(value) for value in (0.0099, 0.01, 0.02, None)] == ["good", "watch", "act", None]
    assert [share.verdict(value) for value in (0.25, 0.2, 0.1, float("nan"))] == [
        "good",
        "watch",
        "act",
        None,
    ]


def test_tables_have_a_kind_for_each_row(shop: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="row_kinds has 0 entries for 1 rows"):
        Table("t", pd.DataFrame({"a": [1.0]}), kinds={"a": "mixed"})
