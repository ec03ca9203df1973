"""What the API would refuse is refused here, before a request is sent, with what is allowed instead."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError
from tests.reports.accounts import SHOPIFY, Visits

F = ka.F
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("flow_values", {"statistics": ["open_rat"]}, "did you mean 'open_rate'"),
    ("flow_values", {"statistics": []}, "name at least one"),
    ("form_values", {"statistics": ["opens"]}, "allowed are closed_form"),
    ("segment_values", {"statistics": ["members"]}, "allowed are total_members"),
    ("campaign_values", {"by": ["flow_id"]}, "allowed are .*campaign_id.* and 6 more"),
    ("campaign_values", {"by": ["campaign_id"]}, "needs campaign_message_id.*roll_up"),
    ("flow_series", {"by": ["send_channel"]}, "needs flow_id and flow_message_id"),
    ("form_values", {"by": ["form_version_id"]}, "needs form_id"),
    ("flow_series", {"interval": "year"}, "allowed are day, hour, week"),
    ("flow_values", {"filter": F.campaign_id == "C"}, "allowed are .*flow_id.* and 5 more"),
    ("flow_values", {"filter": F.flow_id.any(["a"])}, "flow_id knows equals and contains-any, not any"),
    ("flow_values", {"filter": F.tag_id == "T"}, "tag_id knows contains-any and contains-all"),
    ("form_values", {"filter": F.form_id.contains_any(["a"])}, "form_id knows equals and any"),
    ("flow_values", {"filter": (F.flow_id == "a") & (F.flow_id == "b")}, "names flow_id twice"),
    ("flow_values", {"filter": F.flow_id.contains_any([f"F{n}" for n in range(101)])}, "101 values, and 100"),
    ("flow_values", {"filter": F.send_channel == "mobile_push"}, "push-notification"),
    ("campaign_values", {"filter": F.group == "x"}, "not known"),
    ("flow_values", {"timeframe": "next week"}, "not a time frame"),
    ("segment_series", {"timeframe": "2023"}, "2023-06-01"),
]  # fmt: skip


@pytest.mark.parametrize(("report", "query", "why"), REFUSED)
def test_refused_before_anything_is_sent(
    visits: Visits, report: str, query: dict[str, Any], why: str
) -> None:
    client = visits.connect()
    with pytest.raises(InvalidInputError, match=why):
        getattr(client.reports, report)(**query)
    assert set(visits.calls()) <= {"accounts"}, "only times need the account's clock"


def test_a_hundred_values_and_both_spellings_of_an_interval_are_fine(visits: Visits) -> None:
    client = visits.connect()
    wanted = F.flow_id.contains_any([f"F{number}" for number in range(100)])
    assert client.reports.flow_series(filter=wanted, interval="daily", timeframe="last 3 days").empty


def test_without_strictness_words_of_a_newer_revision_go_through(visits: Visits) -> None:
    client = visits.connect(strict=False)
    query: dict[str, Any] = {
        "statistics": ["brand_new"],
        "filter": 'equals(novelty,"x")',
        "conversion_metric": SHOPIFY,
    }
    asked = client.reports._asked("flow_values", **query)
    assert asked.parts[0][1]["statistics"] == ["brand_new"]
    assert asked.parts[0][1]["filter"] == 'equals(novelty,"x")'


def test_plan_refuses_what_the_verb_refuses(visits: Visits) -> None:
    client = visits.connect()
    with pytest.raises(InvalidQueryError, match="did you mean 'flow_series'"):
        client.reports.plan("flow_serie")  # type: ignore[arg-type]
    with pytest.raises(InvalidQueryError, match="allowed are day, hour, week"):
        client.reports.plan("flow_series", interval="year")


def test_group_by_still_works_and_warns(visits: Visits) -> None:
    client = visits.connect()
    with pytest.warns(DeprecationWarning, match="group_by= is now called by="):
        old = client.reports.form_values(group_by=["form_id"])  # type: ignore[call-arg]
    pd.testing.assert_frame_equal(old, client.reports.form_values(by=["form_id"]))
    with pytest.warns(DeprecationWarning, match="group_by= is now called by="):
        client.reports.plan("form_values", group_by=["form_id"])


def test_both_names_at_once_are_refused(visits: Visits) -> None:
    client = visits.connect()
    with pytest.raises(InvalidInputError, match="both given"):
        client.reports.form_values(by=["form_id"], group_by=["form_id"])  # type: ignore[call-arg]
