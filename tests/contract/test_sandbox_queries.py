"""Aggregates and reports of the sandbox: asked and answered as the document says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.writer import Writer

Json = Any
WEEK = {"start": "2025-12-01T00:00:00+00:00", "end": "2025-12-07T00:00:00+00:00"}
# All but a series of campaigns, which Klaviyo does not have.
REPORTS = [
    ("campaign", "values", ["recipients", "open_rate", "conversion_value"]),
    ("flow", "values", ["recipients", "click_rate", "conversions"]),
    ("flow", "series", ["recipients", "click_rate", "conversions"]),
    ("form", "values", ["viewed_form", "submit_rate"]),
    ("form", "series", ["viewed_form", "submit_rate"]),
    ("segment", "values", ["total_members", "members_added"]),
    ("segment", "series", ["total_members", "members_added"]),
]


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("by", [[], ["$attributed_channel"], ["Campaign Name", "$message"]])
def test_metric_aggregates(write: Writer, interval: str, by: list[str]) -> None:
    bounds = ["greater-or-equal(datetime,2025-12-01T00:00:00)", "less-than(datetime,2025-12-08T00:00:00)"]
    for metric in write.ids("metric")[:6]:
        attributes = {
            "metric_id": metric,
            "measurements": ["count", "sum_value", "unique"],
            "filter": bounds,
            "interval": interval,
            "timezone": "Europe/Berlin",
            **({"by": by} if by else {}),
        }
        write.make("metric-aggregate", attributes)


@pytest.mark.parametrize(("subject", "shape", "statistics"), REPORTS)
def test_reports(write: Writer, subject: str, shape: str, statistics: list[str]) -> None:
    attributes: Json = {"statistics": statistics, "timeframe": WEEK}
    if subject in ("campaign", "flow"):
        attributes["conversion_metric_id"] = write.ids("metric")[0]
    if shape == "series":
        attributes["interval"] = "daily"
    write.make(f"{subject}-{shape}-report", attributes)
