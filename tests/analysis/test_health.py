"""Deliverability against benchmarks."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError, InvalidInputError
from tests.analysis.frames import few, frame, records, summaries


def sent(**changes: list[int]) -> pd.DataFrame:
    counts = {"recipients": [1000], "delivered": [1000], "bounced": [10], "opens_unique": [330]}
    return frame(**{**counts, **changes})


def test_a_rate_at_its_benchmark_is_healthy_on_either_side() -> None:
    assert analysis.deliverability(sent())["healthy"].tolist() == [True, True]
    assert analysis.deliverability(sent(bounced=[11], opens_unique=[329]))["healthy"].tolist() == [
        False,
        False,
    ]


def test_sums_are_judged_not_the_mean_of_rates() -> None:
    judged = analysis.deliverability(frame(recipients=[10, 990], bounced=[5, 0], channel=["sms", "email"]))
    assert judged[["rate", "numerator", "denominator", "healthy"]].values.tolist() == [
        [0.005, 5.0, 1000.0, True]
    ]
    by = analysis.deliverability(
        frame(recipients=[10, 990], bounced=[5, 0], channel=["sms", "email"]), by="channel"
    )
    assert by[["channel", "healthy"]].values.tolist() == [["email", True], ["sms", False]]


def test_nobody_is_neither_healthy_nor_ill() -> None:
    judged = analysis.deliverability(frame(recipients=[0], bounced=[0]))
    assert judged[["rate", "healthy"]].isna().all().all()


def test_benchmarks_can_be_named_or_given() -> None:
    modest = analysis.deliverability(sent(opens_unique=[200]), benchmarks="modest")
    assert modest.set_index("measure").loc["open_rate", "healthy"]
    own = analysis.deliverability(sent(), benchmarks={"open_rate": 0.4})
    assert records(own[["measure", "benchmark", "better", "healthy"]]) == [
        {"measure": "open_rate", "benchmark": 0.4, "better": "above", "healthy": False}
    ]


def test_named_benchmarks_cannot_be_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        analysis.BENCHMARKS["good"]["open_rate"] = 0.1  # type: ignore[index]
    assert {**analysis.BENCHMARKS["good"], "open_rate": 0.25}["bounce_rate"] == 0.01


@pytest.mark.parametrize(
    ("benchmarks", "error", "said"),
    [
        ("best", InvalidInputError, "'best' is not one of 'good', 'modest', 'ambitious'"),
        ({"opens": 1.0}, InvalidInputError, "benchmarks for 'opens'"),
        ({}, InvalidInputError, "name some of"),
        ({"click_rate": 0.1}, FrameError, "none of 'click_rate' can be made"),
    ],
)
def test_unknown_benchmarks_are_refused(
    benchmarks: str | dict[str, float], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        analysis.deliverability(sent(), benchmarks=benchmarks)


@few
@given(summaries())
def test_a_judgement_follows_from_its_own_row(summary: pd.DataFrame) -> None:
    for row in records(analysis.deliverability(summary, by="channel")):
        if row["denominator"] == 0:
            assert row["rate"] is row["healthy"] is None
        else:
            assert row["rate"] == pytest.approx(row["numerator"] / row["denominator"], abs=1e-8)
            below = row["rate"] <= row["benchmark"]
            above = row["rate"] >= row["benchmark"]
            assert row["healthy"] == (below if row["better"] == "below" else above)


@pytest.mark.parametrize(
    ("opens", "bounced", "bands"),
    [
        (331, 9, ["healthy", "healthy"]),
        (330, 10, ["room for improvement"] * 2),  # the bounds themselves belong to the middle
        (270, 20, ["room for improvement"] * 2),
        (269, 21, ["attention"] * 2),
    ],
)
def test_bands_begin_strictly_beyond_their_bounds(opens: int, bounced: int, bands: list[str]) -> None:
    judged = analysis.deliverability_bands(sent(opens_unique=[opens], bounced=[bounced]))
    assert judged["measure"].tolist() == ["bounce_rate", "open_rate"]
    assert judged["band"].tolist() == bands


@pytest.mark.parametrize(
    ("column", "healthy", "attention"),
    [
        ("bounced", 99, 201),
        ("spam_complaints", 0, 6),
        ("unsubscribe_uniques", 29, 101),
        ("opens_unique", 3301, 2699),
        ("clicks_unique", 121, 79),
    ],
)
def test_the_bounds_are_klaviyos(column: str, healthy: int, attention: int) -> None:
    step = 1 if healthy < attention else -1
    for count, band in (
        (healthy, "healthy"),
        (healthy + step, "room for improvement"),
        (attention - step, "room for improvement"),
        (attention, "attention"),
    ):
        mails = frame(**{"recipients": [10_000], "delivered": [10_000], column: [count]})
        assert analysis.deliverability_bands(mails)["band"].tolist() == [band], count


def test_engagement_has_four_tiers_unless_told_otherwise() -> None:
    times = pd.to_datetime(["2026-06-30", "2026-05-15", "2026-04-15", "2026-02-15", "2025-01-15"], utc=True)
    acts = pd.DataFrame({"profile_id": list("ABCDE"), "datetime": times})
    tiers = analysis.engagement_tiers(acts, as_of="2026-07-01")
    assert tiers["tier"].tolist() == [
        "0-30 days",
        "31-60 days",
        "61-90 days",
        "91-180 days",
        "over 180 days",
    ]
    assert tiers["profiles"].tolist() == [1] * 5
