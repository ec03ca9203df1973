"""A report of the orders that meet conditions, and one that is made of an archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, NoMatchError
from klaviyo_analytics.report import MetricCards, Report, Text
from tests.answers.test_analyses import planted
from tests.shops import open_shop

YEAR = ("2025-07-01", "2026-06-25")
CHAPTERS = [
    "headline",
    "changes",
    "revenue",
    "flows",
    "campaigns",
    "timing",
    "deliverability",
    "customers",
    "notes",
]


def frames(report: Report) -> dict[str, pd.DataFrame]:
    return {part.title: part.frame for part in report.tables()}


def cards(report: Report) -> dict[str, float | None]:
    return {c.label: c.value for part in report.sections if isinstance(part, MetricCards) for c in part.cards}


def lines(report: Report) -> str:
    return "\n".join(line for part in report.sections if isinstance(part, Text) for line in part.lines)


def test_a_hundred_orders_without_thirty_renewals_are_the_report_of_seventy(tmp_path: Path) -> None:
    options: dict[str, Any] = {"compare": "last_year", "sections": CHAPTERS}
    with planted(renewals=True) as shop:
        everything = ka.report.performance(shop.client, YEAR, **options)
        chosen = ka.report.performance(shop.client, YEAR, orders={"renewals": False}, **options)
        shop.client.archive(tmp_path).sync()
        copied = ka.report.performance(
            shop.client.archive(tmp_path), YEAR, orders={"renewals": False}, **options
        )
        summary = shop.client.account_summary(YEAR, compare="last_year", orders={"renewals": False})
    with planted(renewals=False) as shop:
        seventy = ka.report.performance(shop.client, YEAR, orders={}, **options)
    assert [dict(made.failures) for made in (everything, chosen, copied, seventy)] == [{}] * 4
    told = summary.set_index(["source", "measure"])["value"]
    assert cards(chosen)["Revenue"] == pytest.approx(told["all", "revenue"])
    assert cards(everything)["Revenue"] != cards(chosen)["Revenue"]
    assert frames(chosen)["RFM groups"]["orders"].sum() < frames(everything)["RFM groups"]["orders"].sum()
    assert cards(chosen) == cards(seventy)
    assert list(frames(chosen)) == list(frames(seventy))
    for title, frame in frames(seventy).items():
        pd.testing.assert_frame_equal(frames(chosen)[title], frame, obj=title)
        mine, wanted = frames(copied)[title], frame
        if title == "Messages of flows":
            mine, wanted = (one.sort_values(["flow", "message"], ignore_index=True) for one in (mine, wanted))
        pd.testing.assert_frame_equal(mine, wanted, check_dtype=False, obj=f"archive: {title}")
    assert "Orders that count: without renewals. Converted profiles" in lines(chosen)
    assert "Orders that count: all orders" in lines(seventy)
    assert "Orders that count" not in lines(everything)


@pytest.fixture(scope="module")
def shop() -> Iterator[KlaviyoClient]:
    with ka.demo(profiles=300, events=6_000, progress=False) as client:
        yield client


def test_what_reports_make_of_all_orders_is_left_out(shop: KlaviyoClient) -> None:
    made = ka.report.performance(shop, "2026-05", orders={"test": False}, sections=CHAPTERS[:6])
    assert dict(made.failures) == {}
    shown = {column for frame in frames(made).values() for column in frame.columns}
    assert not shown & {"conversion_rate", "conversion_uniques", "revenue_per_recipient"}
    assert not [label for label in cards(made) if "per recipient" in label or "placed-order" in label]
    assert "Revenue per recipient" not in set(frames(made)["Revenue and orders by source"]["measure"])
    assert {"open_rate", "click_rate"} <= set(frames(made)["Campaigns by recipients"].columns)
    credited = frames(made)["Orders credited to campaigns"]
    table = frames(made)["Revenue and orders by source"].set_index(["source", "measure"])["value"]
    assert credited["conversion_value"].sum() == pytest.approx(table["campaigns", "Revenue"])
    assert credited["conversions"].sum() == table["campaigns", "Orders"]


def test_the_whole_report_of_an_archive_is_that_of_the_account(shop: KlaviyoClient, tmp_path: Path) -> None:
    shop.archive(tmp_path).sync()
    copied = ka.report.performance(
        ka.open_archive(tmp_path), "2026-05", conversion_metric=("Placed Order", "Shopify")
    )
    live = ka.report.performance(shop, "2026-05")
    assert (dict(copied.failures), dict(live.failures)) == ({}, {})
    assert cards(copied) == pytest.approx(cards(live), nan_ok=True)
    assert "Campaigns by weekday of sending" in frames(copied)
    assert list(frames(copied)) == list(frames(live))
    for title, frame in frames(live).items():
        mine, wanted = frames(copied)[title], frame
        if title == "Messages of flows":
            mine, wanted = (one.sort_values(["flow", "message"], ignore_index=True) for one in (mine, wanted))
        pd.testing.assert_frame_equal(mine, wanted, check_dtype=False, obj=title)
    assert "reports know is missing: variations, costs of text messages" in lines(copied)
    assert "report queries" not in lines(copied)


def test_an_archive_that_lacks_tables_or_begins_late_says_so(shop: KlaviyoClient, tmp_path: Path) -> None:
    shop.archive(tmp_path).sync(["events", "metrics", "campaigns", "flows"], since="2026-04-15")
    copy = shop.archive(tmp_path)
    with pytest.raises(
        InvalidInputError, match=r"The period begins at 2026-03-01, and the copy's events at 2026-04-1"
    ):
        ka.report.performance(copy, "2026-03")
    with pytest.raises(InvalidInputError, match=r"compared with begins at 2026-04-01.*\(compare=None\)"):
        ka.report.performance(copy, "2026-05")
    made = ka.report.performance(copy, "2026-05", compare=None, sections=["timing", "customers", "notes"])
    assert dict(made.failures) == {}
    assert "this one lacks campaign_messages, flow_messages." in lines(made)
    assert "The copy's events begin at 2026-04-1" in lines(made)
    assert "also has campaign_messages, flow_messages counts them" in lines(made)


def test_conditions_and_metrics_are_checked_before_anything_is_read(shop: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="orders has the condition 'renewal'"):
        ka.report.performance(shop, "2026-05", orders={"renewal": False})
    with pytest.raises(NoMatchError, match="Ordered Placed"):
        ka.report.performance(shop, "2026-05", conversion_metric="Ordered Placed")


def test_two_currencies_fail_with_a_way_out_that_works(tmp_path: Path) -> None:
    options: dict[str, Any] = {"compare": None, "sections": ["headline", "revenue", "customers"]}
    with open_shop(profiles=200, events=4_000, currencies=("USD", "EUR")) as shop:
        shop.client.archive(tmp_path).sync()
        orders = shop.client.events.list(
            metric=("Placed Order", "Shopify"),
            timeframe=YEAR,
            properties={"$value": "float64", "$currency_code": "string"},
        )
        metric = orders["metric_id"].iloc[0]
        for source in (shop.client, shop.client.archive(tmp_path)):
            made = ka.report.performance(source, YEAR, conversion_metric=metric, **options)
            assert set(made.failures) == {"Key numbers", "Revenue", "Customers"}
            for said in made.failures.values():
                assert "EUR" in said
                assert "Pass currency=" in said
                assert "Filter" not in said
            euros = ka.report.performance(source, YEAR, conversion_metric=metric, currency="EUR", **options)
            assert euros.failures == {}
            paid = orders["event_properties.$value"][orders["event_properties.$currency_code"] == "EUR"]
            assert cards(euros)["Revenue"] == pytest.approx(paid.sum())
            with pytest.raises(InvalidInputError, match="contradicts"):
                ka.report.performance(source, YEAR, currency="EUR", orders={"currency": "USD"})


def test_amounts_of_no_order_are_in_the_currency_that_was_asked_for(tmp_path: Path) -> None:
    with open_shop() as shop:
        made = ka.report.performance(
            shop.client, YEAR, currency="GBP", compare=None, sections=["headline"],
            conversion_metric=("Placed Order", "Shopify"),
        )  # fmt: skip
    made.to_markdown(tmp_path / "report.md")
    assert "| Revenue | £0.00 |" in (tmp_path / "report.md").read_text("utf-8")
