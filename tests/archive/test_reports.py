"""Summaries from the copy's events are those of Klaviyo's reports, and a kept report costs no second request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.archive import Archive
from klaviyo_analytics.errors import ArgumentError, ConfigurationError, InvalidInputError
from tests.shops import Shop

SPANS: list[Any] = ["last 90 days", "last 12 months", "last month", ("2026-02-03", "2026-02-20")]


def same(got: pd.DataFrame, wanted: pd.DataFrame, keys: list[str]) -> None:
    """Compare two summaries in the columns that both have."""
    shared = [column for column in wanted.columns if column in got.columns]
    assert set(wanted.columns) - set(shared) <= {"tags", "message_position"}
    first, second = (frame[shared].sort_values(keys, ignore_index=True) for frame in (got, wanted))
    pd.testing.assert_frame_equal(first, second, rtol=1e-9)


@pytest.mark.parametrize("span", SPANS, ids=str)
@pytest.mark.parametrize(
    ("of", "by"),
    [("campaigns", "campaign"), ("campaigns", "message"), ("flows", "flow"), ("flows", "message")],
)
def test_a_summary_is_the_reports(kept: Archive, library: Shop, of: str, by: str, span: Any) -> None:
    wanted = getattr(library.client, of).summary(span, by=by)
    got = kept.summary(of, span, by=by)  # type: ignore[arg-type]
    same(got, wanted, [f"{of[:-1]}_id", *(["message"] if by == "message" else [])])
    assert got.attrs["source"] == "archive"
    assert "results by variation or audience" in got.attrs["only_reports"]


def test_the_spans_have_something_to_compare(kept: Archive) -> None:
    year = kept.summary("flows", "last 12 months")
    assert year["opens_unique"].sum() > 10
    assert year["conversions"].sum() > 0
    assert (kept.summary("campaigns", "last 12 months")["clicks"] > 0).any()


@pytest.mark.parametrize("span", ["last 90 days", "last month"])
@pytest.mark.parametrize("compare", [None, "previous_period", "last_year"])
def test_the_accounts_summary(kept: Archive, library: Shop, span: str, compare: Any) -> None:
    wanted = library.client.account_summary(span, compare=compare)
    got = kept.summary("account", span, compare=compare)
    assert type(got) is type(wanted)
    pd.testing.assert_frame_equal(
        pd.DataFrame(got)[wanted.columns], pd.DataFrame(wanted), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize(
    "orders", [{"only_sources": ["web"]}, {"without_sources": ["web"]}, {"renewals": False}], ids=str
)
@pytest.mark.parametrize("compare", [None, "previous_period"])
def test_the_accounts_summary_of_some_orders(
    kept: Archive, library: Shop, orders: dict[str, Any], compare: Any
) -> None:
    span = "last 12 months"
    wanted = library.client.account_summary(span, compare=compare, orders=orders)
    got = kept.summary("account", span, compare=compare, orders=orders)
    pd.testing.assert_frame_equal(
        pd.DataFrame(got)[wanted.columns], pd.DataFrame(wanted), rtol=1e-9, atol=1e-9
    )
    assert got.attrs["orders"] == wanted.attrs["orders"] != "all orders"
    every = kept.summary("account", span).set_index(["source", "measure"])["value"]
    some = got.set_index(["source", "measure"])["value"]
    assert 0 < some["all", "orders"] <= every["all", "orders"]
    assert pd.isna(some["all", "revenue_per_recipient"])
    with pytest.raises(InvalidInputError, match="orders= applies to the account only"):
        kept.summary("flows", orders=orders)


def test_it_needs_no_client_and_no_request(kept: Archive, library: Shop) -> None:
    asked = len(library.sandbox.requests)
    alone = ka.open_archive(kept._store.where)
    metric = ("Placed Order", "Shopify")
    wanted = kept.summary("campaigns", ("2026-01-01", "2026-04-01"), conversion_metric=metric)
    got = alone.summary("campaigns", ("2026-01-01", "2026-04-01"), conversion_metric=metric)
    pd.testing.assert_frame_equal(got, wanted)
    assert library.asked(asked) == []


def test_what_only_reports_know_is_refused(kept: Archive, shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="by='variation' cannot be counted from events"):
        kept.summary("campaigns", by="variation")
    with pytest.raises(InvalidInputError, match="of='forms' has no summary"):
        kept.summary("forms")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="compare= applies to the account only"):
        kept.summary("flows", compare="last_year")
    young = shop.client.archive(tmp_path)
    young.sync(["events"], since="2026-05-01")
    with pytest.raises(InvalidInputError, match=r"no table 'flows' yet. Run archive.sync"):
        young.summary("flows")
    young.sync(["flow_messages"])
    with pytest.raises(InvalidInputError, match=r"begins at 2026-04-01, and the copy's events at 2026-05-01"):
        young.summary("flows", ("2026-04-01", "2026-06-01"))


LAST_MONTH = {"timeframe": "last month"}
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("campaign_values", {"timeframe": "last month"}),
    ("flow_series", {"timeframe": ("2026-03-01", "2026-04-01"), "interval": "week"}),
    ("form_values", {"timeframe": "last month"}),
    ("segment_series", {"timeframe": ("2026-03-01", "2026-03-08"), "interval": "day"}),
    ("metric_aggregates", {"metric": ("Placed Order", "Shopify"), "by": "$attributed_flow", **LAST_MONTH}),
]  # fmt: skip


@pytest.mark.parametrize(("report", "question"), QUESTIONS, ids=[name for name, _ in QUESTIONS])
def test_a_kept_report_is_the_clients_and_is_asked_for_once(
    shop: Shop, tmp_path: Path, report: str, question: dict[str, Any]
) -> None:
    client = shop.client
    ask = client.metric_aggregates.query if report == "metric_aggregates" else getattr(client.reports, report)
    wanted = ask(**question)
    archive = client.archive(tmp_path)
    pd.testing.assert_frame_equal(archive.keep(report, **question), wanted)
    asked = len(shop.sandbox.requests)
    again = archive.keep(report, **question)
    alone = ka.open_archive(tmp_path).keep(report, **_absolute(shop, question))
    assert shop.asked(asked) == []
    pd.testing.assert_frame_equal(again, wanted)
    pd.testing.assert_frame_equal(alone, wanted)
    assert {name: again.attrs[name] for name in wanted.attrs} == wanted.attrs
    archive.keep(report, refresh=True, **question)
    assert len(shop.asked(asked)) >= 1
    assert archive.sql("select count(*) as n from kept")["n"].tolist() == [1]


def _absolute(shop: Shop, question: dict[str, Any]) -> dict[str, Any]:
    return {**question, "timeframe": shop.client.timeframe(question["timeframe"])}


def test_an_answer_that_was_read_too_early_is_asked_for_again(shop: Shop, tmp_path: Path) -> None:
    archive = shop.client.archive(tmp_path)
    archive.keep("flow_values", timeframe="this month")
    asked = len(shop.sandbox.requests)
    archive.keep("flow_values", timeframe="this month")
    assert "POST /api/flow-values-reports" in shop.asked(asked)
    with pytest.raises(ConfigurationError, match="needs a client"):
        ka.open_archive(tmp_path).keep("flow_values", timeframe=("2026-01-01", "2026-01-08"))
    with pytest.raises(InvalidInputError, match=r"'flow_value' is not a report. Reports are flow_values"):
        archive.keep("flow_value")
    with pytest.raises(ArgumentError, match="intervall"):
        archive.keep("flow_series", intervall="day")
