"""Attribution against worked examples and a plain loop."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.analysis.attribution import Model
from klaviyo_analytics.errors import FrameError, InvalidInputError
from tests.analysis.frames import few, frame
from tests.analysis.revenue_frames import AT, OWN, before, example, shop

HOURS = {"email": 120, "sms": 24, "push": 24}


def shares(result: pd.DataFrame) -> dict[str, float]:
    return {
        str(touch): round(float(money), 2)
        for touch, money in zip(result["touch_id"], result["revenue"], strict=True)
    }


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("last_touch", {"F": 100.0}),
        ("first_touch", {"B": 100.0}),
        ("linear", {"B": 25.0, "C": 25.0, "E": 25.0, "F": 25.0}),
        ("position", {"B": 40.0, "C": 10.0, "E": 10.0, "F": 40.0}),
        ("time_decay", {"B": 18.30, "C": 24.62, "E": 27.19, "F": 29.89}),
    ],
)
def test_an_order_with_six_touches(model: Model, expected: dict[str, float]) -> None:
    orders, touches = example()
    assert shares(analysis.attribution(orders, touches, model, settings=OWN)) == expected


@pytest.mark.parametrize(
    ("preset", "interaction", "hours", "status"),
    [
        ("klaviyo", "delivery", 10, "attributed"),
        ("klaviyo-before-2024-10-09", "delivery", 10, "unattributed"),
        ("klaviyo", "click", 30, "attributed"),
        ("klaviyo-before-2024-10-09", "click", 30, "unattributed"),
    ],
)
def test_presets_differ_in_text_messages(preset: str, interaction: str, hours: int, status: str) -> None:
    orders, _ = example()
    at = before([hours])
    touches = frame(
        id=["T"], profile_id=["P"], datetime=at, received=at, channel=["sms"], interaction=[interaction]
    )
    result = analysis.attribution(orders, touches, settings=preset)  # type: ignore[arg-type]
    assert list(result["status"]) == [status]
    assert list(result["revenue"]) == [100.0]


def test_a_window_from_receipt_counts_from_receipt() -> None:
    orders, _ = example()
    touches = frame(
        id=["T"],
        profile_id=["P"],
        datetime=before([1]),
        received=before([121]),
        channel=["email"],
        interaction=["click"],
    )
    late = analysis.attribution(orders, touches)
    touch = analysis.attribution(
        orders, touches, settings=analysis.AttributionSettings.preset("klaviyo", start="touch")
    )
    assert (late["status"][0], touch["status"][0]) == ("unattributed", "attributed")


@given(seed=st.integers(0, 10_000))
@few
def test_it_agrees_with_a_plain_loop(seed: int) -> None:
    orders, touches = shop(seed, people=3, orders=15, touches=60)
    settings = analysis.AttributionSettings(
        {name: f"{hours}h" for name, hours in HOURS.items()}, start="touch"
    )
    for model in ("last_touch", "first_touch", "linear"):
        result = analysis.attribution(orders, touches, model, settings=settings)
        assert result["revenue"].sum() == pytest.approx(orders["value"].sum())
        for order in orders.to_dict("records"):
            found = sorted(
                (touch["datetime"], touch["id"])
                for touch in touches.dropna(subset=["profile_id"]).to_dict("records")
                if touch["profile_id"] is not pd.NA
                and order["profile_id"] is not pd.NA
                and touch["profile_id"] == order["profile_id"]
                and pd.Timedelta(0)
                <= order["datetime"] - touch["datetime"]
                <= pd.Timedelta(hours=HOURS[touch["channel"]])
            )
            wanted = {"last_touch": found[-1:], "first_touch": found[:1], "linear": found}[model]
            got = result[result["order_id"] == order["id"]]
            assert [str(touch) for touch in got["touch_id"].dropna()] == [touch for _, touch in wanted]
            assert len(got) == max(len(wanted), 1)


def test_every_model_of_a_comparison_adds_up_to_the_revenue() -> None:
    orders, touches = shop()
    compared = analysis.attribution_comparison(orders, touches)
    by_channel = analysis.attribution_comparison(orders, touches, by="channel")
    one = analysis.attribution_comparison(orders, touches, models="linear")
    assert one["revenue_linear"].sum() == pytest.approx(orders["value"].sum())
    for column in [name for name in map(str, compared.columns) if name.startswith("revenue_")]:
        assert compared[column].sum() == pytest.approx(orders["value"].sum())
        assert by_channel[column].sum() == pytest.approx(orders["value"].sum())


def test_a_second_currency_repeated_and_missing_ids_are_refused() -> None:
    orders, touches = example()
    both = pd.concat([orders, orders.assign(id="O2", currency="USD")])
    with pytest.raises(FrameError, match="EUR and USD"):
        analysis.attribution(both, touches, settings=OWN)
    with pytest.raises(FrameError, match="'O1' stand in 2 rows"):
        analysis.attribution(pd.concat([orders, orders]), touches, settings=OWN)
    with pytest.raises(FrameError, match="holds nulls"):
        analysis.attribution(orders, touches.assign(id=pd.array([None] * 6, dtype="string")), settings=OWN)
    with pytest.raises(InvalidInputError, match="'best' is not allowed"):
        analysis.attribution(orders, touches, "best")  # type: ignore[arg-type]


def test_net_revenue_is_shared_like_gross() -> None:
    orders, touches = example()
    net = analysis.net_of_refunds(
        orders.assign(order_id="7"), frame(order_id=["7", "7"], value=[-30.0, 10.0])
    )
    result = analysis.attribution(net.drop(columns="order_id"), touches, "linear", settings=OWN)
    assert list(result["net_revenue"]) == [15.0] * 4


def test_leaving_out_renewals_equals_the_frame_without_them() -> None:
    orders = frame(
        id=[f"O{n}" for n in range(100)], value=[1.0] * 100, renewal=[n % 10 < 3 for n in range(100)]
    )
    kept = analysis.select_orders(orders, analysis.OrderConditions(renewals=False))
    pd.testing.assert_frame_equal(kept, orders[~orders["renewal"]].reset_index(drop=True))
    assert len(kept) == 70


def test_the_bridge_closes_to_the_cent() -> None:
    orders = frame(
        order_id=["1", "2"],
        value=[80.1, 20.2],
        currency=["EUR", "EUR"],
        sent=[pd.Timestamp("2026-03-31", tz="UTC"), AT],
        datetime=[pd.Timestamp("2026-04-02", tz="UTC"), AT],
    )
    april = analysis.bridge(orders, start="2026-04-01", end="2026-05-01")
    march = analysis.bridge(orders, start="2026-03-01", end="2026-04-01")
    for steps, first, last in ((april, 100.3, 20.2), (march, 0.0, 80.1)):
        assert steps["amount"].iloc[0] == pytest.approx(first)
        assert steps["amount"].iloc[-1] == pytest.approx(last)
        assert steps["amount"].iloc[:-1].sum() == pytest.approx(last, abs=1e-9)


def test_nobody_is_new_without_history() -> None:
    orders, _ = example()
    with pytest.raises(FrameError, match="no order before start"):
        analysis.new_and_returning(orders, start="2026-04-01")


def test_an_order_in_two_rows_is_not_counted_twice() -> None:
    orders, _ = example()
    twice = pd.concat([orders, orders])
    with pytest.raises(FrameError, match=r"id='O1' stand in 2 rows.*drop_duplicates\('id'\)"):
        analysis.new_and_returning(twice, history="complete")
    assert analysis.new_and_returning(twice.drop_duplicates("id"), history="complete")["orders"].tolist() == [
        1
    ]
    halves = orders.rename(columns={"id": "order_id"}).assign(credit=0.5, revenue=50.0)
    split = analysis.new_and_returning(pd.concat([halves, halves]), history="complete")
    assert split[["orders", "customers", "revenue"]].to_numpy().tolist() == [[1.0, 1, 100.0]]


def test_any_attribution_id_makes_an_order_an_attributed_one() -> None:
    """Klaviyo may name the message, campaign or flow of an order without the event that earned it."""
    orders = frame(
        id=list("VWXYZ"),
        profile_id=["P"] * 5,
        datetime=[AT] * 5,
        value=[1.0, 2.0, 4.0, 8.0, 16.0],
        currency=["EUR"] * 5,
        attributed_event_id=["A", None, None, None, None],
        attributed_message=[None, "MA", None, None, None],
        attributed_campaign_id=[None, None, "C", None, None],
        attributed_flow_id=[None, None, None, "F", ""],
    )
    _, touches = example()
    touches = touches.assign(campaign_id=pd.array(["CA", *"CDEFG"], "string"), flow_id="other")
    made: Any = analysis.attribution(orders, touches, "native", settings=OWN).set_index("order_id")
    assert made["status"].tolist() == ["attributed"] * 4 + ["unattributed"]
    assert made["touch_id"].isna().tolist() == [False, True, True, True, True]
    assert made.loc["V", ["message", "campaign_id"]].tolist() == ["MA", "CA"]
    # The message is known from a touch of it, and so are its channel and flow, but not this touch's time.
    assert made.loc["W", ["message", "channel", "flow_id"]].tolist() == ["MA", "email", "other"]
    assert pd.isna(made.loc["W", "hours"])
    assert made.loc["X", "campaign_id"] == "C"
    assert made.loc["Y", "flow_id"] == "F"
    assert made.loc[list("XY"), ["channel", "message"]].isna().all(axis=None)
    compared = analysis.attribution_comparison(orders, touches, models=["last_touch"], settings=OWN)
    native = compared.groupby("order_id")["revenue_native"].max()
    assert native.tolist() == [1.0, 2.0, 4.0, 8.0, 16.0]
    by_flow = analysis.attribution_comparison(
        orders, touches, models=["last_touch"], settings=OWN, by="flow_id"
    )
    assert by_flow.set_index("flow_id")["revenue_native"].to_dict() == {
        "other": 3.0,
        "F": 8.0,
        "unattributed": 16.0,
    } | {key: 4.0 for key in by_flow["flow_id"] if pd.isna(key)}
