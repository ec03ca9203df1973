"""With a cache a notebook that is run again costs nothing, and nobody is shown another's numbers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.reports.accounts import REPORTS, SHOPIFY, Visits

FIVE: list[Any] = [SHOPIFY, "Opened Email", "Clicked Email", "Received Email", "Active on Site"]
YEARS: dict[str, Any] = {
    "interval": "day",
    "by": ["$attributed_channel"],
    "measurements": ["count", "unique"],
}


@pytest.mark.parametrize("report", REPORTS)
def test_the_second_run_takes_no_call(visits: Visits, tmp_path: Path, report: str) -> None:
    query = {"timeframe": "last 200 days"} | ({"interval": "week"} if "series" in report else {})
    client = visits.connect(cache=tmp_path)
    first = getattr(client.reports, report)(**query)
    visits.forget()
    pd.testing.assert_frame_equal(getattr(client.reports, report)(**query), first)
    assert not visits.calls()
    again = visits.connect(cache=tmp_path)
    pd.testing.assert_frame_equal(getattr(again.reports, report)(**query), first)
    assert f"{report}-reports".replace("_", "-") not in visits.calls()
    assert again.reports.plan(report, **query)["cached"].all()  # type: ignore[arg-type]


def test_three_years_by_day_by_channel_over_five_metrics(visits: Visits, tmp_path: Path) -> None:
    client = visits.connect(cache=tmp_path)
    end = client._context.now().date()
    years = (end.replace(year=end.year - 3), end)
    first = client.metric_aggregates.query(FIVE, timeframe=years, **YEARS)
    assert visits.calls() == {"accounts": 1, "metrics": 1, "metric-aggregates": 15}
    assert first["metric"].nunique() == 5
    assert not first.duplicated(["datetime", "metric_id", "attributed_channel"]).any()
    visits.forget()
    pd.testing.assert_frame_equal(client.metric_aggregates.query(FIVE, timeframe=years, **YEARS), first)
    swapped = {**YEARS, "measurements": YEARS["measurements"][::-1]}
    pd.testing.assert_frame_equal(
        client.metric_aggregates.query(FIVE, timeframe=years, **swapped)[first.columns], first
    )
    assert not visits.calls()
    again = visits.connect(cache=tmp_path)  # as after a restart: whose account it is, and what names mean
    pd.testing.assert_frame_equal(again.metric_aggregates.query(FIVE, timeframe=years, **YEARS), first)
    assert visits.calls() == {"accounts": 1, "metrics": 1}


def test_only_what_is_missing_is_asked_for(visits: Visits, tmp_path: Path) -> None:
    client = visits.connect(cache=tmp_path)
    client.reports.form_series(interval="day", timeframe=("2025-07-01", "2025-08-30"))
    longer: dict[str, Any] = {"interval": "day", "timeframe": ("2025-07-01", "2025-10-30")}
    plan = client.reports.plan("form_series", **longer)
    assert plan["cached"].tolist() == [True, False, False]
    assert plan["wait"].dt.total_seconds().tolist() == [0, 1, 60]
    visits.forget()
    client.reports.form_series(**longer)
    assert visits.calls()["form-series-reports"] == 2


def test_the_order_of_statistics_is_no_other_question(visits: Visits, tmp_path: Path) -> None:
    client = visits.connect(cache=tmp_path)
    client.reports.form_values(statistics=["submits", "closed_form"])
    visits.forget()
    swapped = client.reports.form_values(statistics=["closed_form", "submits"])
    assert not visits.calls()
    assert swapped.columns[2:4].tolist() == ["closed_form", "submits"]


def test_another_account_is_asked_for_itself(visits: Visits, tmp_path: Path) -> None:
    visits.connect(cache=tmp_path).reports.form_values()
    other = visits.connect(cache=tmp_path)
    account = other._context.account
    account["id"] = "OTHER1"  # the same host, connection and question
    other.reports.form_values()
    assert visits.calls()["form-values-reports"] == 1
    assert set(other.cache.info()["account"]) == {visits.connect().account["id"], "OTHER1"}


def test_no_key_is_in_any_file(visits: Visits, tmp_path: Path) -> None:
    client = visits.connect(cache=tmp_path)
    client.reports.form_values()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"form-values-reports" in written
    for secret in (
        visits.shop.sandbox.maton_key,
        visits.shop.sandbox.api_key,
        client._credentials.fingerprint,
    ):
        assert secret.encode() not in written


def test_an_unfinished_frame_is_asked_again_after_an_hour(visits: Visits, tmp_path: Path) -> None:
    client = visits.connect(cache=tmp_path)
    client.reports.form_values(timeframe="this month")
    client.reports.form_values(timeframe="2025-08")
    info = client.cache.info()
    good_for = sorted(info["expires_at"] - info["stored_at"])
    assert good_for == [timedelta(hours=1), timedelta(days=30)]


def test_clear_and_no_cache(visits: Visits, tmp_path: Path) -> None:
    client = visits.connect(cache=tmp_path)
    client.reports.form_values()
    assert client.cache.clear() == 1
    visits.forget()
    client.reports.form_values()
    assert visits.calls() == {"form-values-reports": 1}
    without = visits.connect()
    without.reports.form_values()
    without.reports.form_values()
    assert visits.calls()["form-values-reports"] == 2
