"""Send times, lags, fatigue, flows, subjects, links, coupons, bands and rollups, with values found by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import analysis
from tests.analysis.frames import frame, records
from tests.analysis.revenue_frames import AT, CALLS, EMAILS, ORDERS, TOUCHES, before


def utc(*times: str | None) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([pd.NaT if time is None else pd.Timestamp(time, tz="UTC") for time in times])


SENDS = frame(
    id=["1", "2", "3", "4"],
    profile_id=["A", "A", "B", "B"],
    datetime=utc("2026-04-06 07:30", "2026-04-07 07:30", "2026-04-06 22:30", "2026-04-13 07:30"),
    message=["M", "M", "M", "N"],
    timezone=["Europe/Berlin", "Europe/Berlin", None, None],
)
# A reacts to the second send of M (twice, which counts once), B to no send of M, and to N exactly 120 hours later.
REACTIONS = frame(
    profile_id=["A", "A", "B"],
    datetime=utc("2026-04-08 10:00", "2026-04-09 10:00", "2026-04-18 07:30"),
    message=["M", "M", "N"],
)


def test_a_reaction_counts_for_the_hour_of_the_send_before_it() -> None:
    """Monday 6 April 2026; 7:30 UTC is 9 o'clock in Berlin, and B has no zone of their own."""
    made = analysis.send_times(SENDS, REACTIONS, zone="profile", account_zone="America/New_York", minimum=1)
    columns = ["weekday", "hour", "sends", "reacted", "rate", "own_zone"]
    assert [[row[name] for name in columns] for row in records(made)] == [
        [0, 3, 1, 1, 1.0, 0],
        [0, 9, 1, 0, 0.0, 1],
        [0, 18, 1, 0, 0.0, 0],
        [1, 9, 1, 1, 1.0, 1],
    ]
    too_late = analysis.send_times(SENDS, REACTIONS, by="hour", within="119h")
    assert too_late["reacted"].sum() == 1
    assert not too_late["enough"].any()


@pytest.mark.parametrize("column", ["profile_id", "message"])
def test_a_send_whose_reaction_nobody_can_know_is_in_no_rate(column: str) -> None:
    blind = SENDS.assign(id=["5", "6", "7", "8"], **{column: pd.array([None] * 4, "string")})
    both = pd.concat([SENDS, blind], ignore_index=True)
    wanted = analysis.send_times(SENDS, REACTIONS, by="hour")
    assert records(analysis.send_times(both, REACTIONS, by="hour")) == records(wanted)
    tired = analysis.fatigue(both, REACTIONS, days=30)
    assert (tired["sends"].sum(), tired["reacted"].sum()) == (4, 2)
    if column == "message":  # what it was is not known, but the person did get it
        assert tired["earlier"].max() > analysis.fatigue(SENDS, REACTIONS, days=30)["earlier"].max()


def test_a_column_that_is_not_there_is_named_beside_those_of_the_users_frame_only() -> None:
    with pytest.raises(ka.errors.FrameError, match="lacks 'channel'") as caught:
        analysis.send_times(SENDS, REACTIONS, by="channel", account_zone="America/New_York")
    assert "'profile_id'" in str(caught.value)
    assert "'__" not in str(caught.value)


def test_the_lag_buckets_hold_their_upper_bound() -> None:
    hours = [0.0, 1.0, 1.01, 6.0, 24.0, 72.0, 120.0, 168.0, 168.01, None]
    credited = frame(hours=hours, credit=[1.0] * 10, revenue=[10.0] * 10)
    credited = credited.assign(currency="EUR", status="attributed").convert_dtypes()
    lag = analysis.conversion_lag(credited)
    assert lag["orders"].tolist() == [2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert lag["cumulative"].tolist() == pytest.approx([2 / 9, 4 / 9, 5 / 9, 6 / 9, 7 / 9, 8 / 9, 1.0])
    assert lag["revenue"].sum() == 90.0


def test_fatigue_is_measured_within_persons() -> None:
    """A reacts always, B never, and each gets messages at their own pace: no slope within persons.

    The plain rate rises from 1/3 to 1, because only the eager A gets several messages within a week.
    """
    sends = frame(
        id=list("123456"),
        profile_id=["A"] * 3 + ["B"] * 3,
        datetime=utc("2026-04-01", "2026-04-02", "2026-04-03", "2026-04-01", "2026-05-01", "2026-06-01"),
        message=list("UVWXYZ"),
    )
    reactions = sends.iloc[:3][["profile_id", "datetime", "message"]]
    reactions = reactions.assign(datetime=reactions["datetime"] + pd.Timedelta(hours=1))
    made = analysis.fatigue(sends, reactions)
    assert made[["earlier", "sends", "reacted"]].to_numpy().tolist() == [[0, 4, 1], [1, 1, 1], [2, 1, 1]]
    assert made["slope"].tolist() == pytest.approx([0.0] * 3)
    assert made["rate"].tolist() == pytest.approx([0.25, 1.0, 1.0])


def test_the_fatigue_slope_is_the_fixed_effects_estimate() -> None:
    """x = 0, 1, 2 and y = 1, 1, 0 of one person: sum of (x - 1)(y - 2/3) is -1, of squares 2, the slope -0.5."""
    sends = frame(
        id=list("123"),
        profile_id=["A"] * 3,
        datetime=utc("2026-04-01", "2026-04-02", "2026-04-03"),
        message=list("UVW"),
    )
    reactions = sends.iloc[:2][["profile_id", "datetime", "message"]]
    assert analysis.fatigue(sends, reactions)["slope"].tolist() == pytest.approx([-0.5] * 3)


def test_a_missing_numerator_takes_its_denominator_along() -> None:
    series = frame(
        datetime=utc("2026-01-01", "2026-01-01", "2026-02-01", "2026-02-01"),
        flow=["F"] * 4,
        delivered=[1000, 1000, 1000, 1000],
        opens_unique=[400, None, 300, None],
    )
    (row,) = records(analysis.flow_health(series, since="2026-02-01", measure="open_rate"))
    assert (row["rate_before"], row["rate_since"], row["denominator_since"]) == (0.4, 0.3, 1000)
    assert (row["change"], row["verdict"]) == (pytest.approx(-0.25), "faded")
    lines = analysis.subject_lines(series.assign(subject="Hello"))
    assert lines[["messages", "numerator", "denominator"]].iloc[0].tolist() == [4, 700, 2000]


def test_subject_lines_are_put_to_their_features() -> None:
    sent = frame(
        subject=["x" * 20, "x" * 21, "Hi {{ name }} 🎉", "  ", None, "x" * 71],
        delivered=[100] * 6,
        clicks_unique=[1, 2, 3, 4, 5, 6],
    )
    found = records(analysis.subject_lines(sent, measure="click_rate"))
    clicks = {(row["feature"], row["value"]): row["numerator"] for row in found}
    assert clicks == {
        ("emoji", "no"): 18,
        ("emoji", "yes"): 3,
        ("length", "1-20"): 1 + 3,
        ("length", "21-35"): 2,
        ("length", "none"): 4 + 5,
        ("length", "over 70"): 6,
        ("personalised", "no"): 18,
        ("personalised", "yes"): 3,
    }


def test_links_agree_with_sql() -> None:
    duckdb = pytest.importorskip("duckdb")
    clicks = frame(
        profile_id=["A", "B", "A", None, "C", "C"],
        url=["https://x.example/a?utm=1", "https://x.example/a#b", None, "https://x.example/b", "", " "],
        bot_click=[True, False, False, None, False, False],
    )
    with duckdb.connect() as database:
        wanted = database.from_df(clicks).query(
            "clicks",
            r"""select coalesce(nullif(regexp_replace(trim(url), '[?#].*$', ''), ''), '(none)') as u,
            count(*), count(distinct profile_id) from clicks group by u order by 2 desc, 1""",
        )
        expected = [list(row) for row in wanted.fetchall()]
    made = analysis.links(clicks)
    assert made[["url", "clicks", "profiles"]].to_numpy().tolist() == expected
    assert analysis.links(clicks, bots=False)["clicks"].sum() == 5
    assert analysis.links(clicks, query=True)["url"].nunique() == 4


def test_an_order_with_codes_of_two_coupons_counts_for_both() -> None:
    codes = frame(coupon=["W", "W", "V"], code=["W-1", "W-2", "V-1"], profile_id=["A", None, "B"])
    orders = frame(
        id=["1", "2", "3", "4"],
        value=[10.0, 20.0, 40.0, 80.0],
        currency=["EUR"] * 4,
        discount_codes=["w-1, V-1", "W-1", "OTHER", None],
    )
    used = records(analysis.coupons(codes, orders))
    columns = ["coupon", "codes", "assigned", "used", "orders", "revenue"]
    assert [[row[name] for name in columns] for row in used] == [
        [None, 0, 0, 1, 1, 40.0],
        ["W", 2, 1, 1, 2, 30.0],
        ["V", 1, 1, 1, 1, 10.0],
    ]


@pytest.mark.parametrize(
    ("bounced", "band"),
    [(9, "healthy"), (10, "room for improvement"), (20, "room for improvement"), (31, "attention")],
)
def test_the_bounds_of_the_bands_are_strict(bounced: int, band: str) -> None:
    sent = frame(recipients=[1000], delivered=[1000 - bounced], bounced=[bounced])
    rows = {row["measure"]: row for row in records(analysis.deliverability_bands(sent))}
    assert rows["bounce_rate"]["band"] == band


def test_text_messages_take_no_part_in_the_open_rate_nor_in_its_interval() -> None:
    sent = frame(recipients=[100, 300], delivered=[100, 300], bounced=[0, 0], clicks_unique=[4, 8])
    sent["opens_unique"] = pd.array([40, None], dtype="Int64")  # of text messages, opens are not known
    rows = {row["measure"]: row for row in records(analysis.deliverability_bands(sent))}
    opens, clicks = rows["open_rate"], rows["click_rate"]
    assert (opens["numerator"], opens["denominator"], opens["rate"]) == (40, 100, 0.4)
    assert opens["low"] < 0.4 < opens["high"]
    assert (clicks["numerator"], clicks["denominator"]) == (12, 400)


def test_a_person_counts_once_for_each_message_and_provider() -> None:
    """Gmail delivered to A and B, bounced for E, and A's two opens are one; without machines as well."""
    rows = records(analysis.deliverability_by_provider(EMAILS))
    found = {(row["Inbox Provider"], row["measure"]): (row["numerator"], row["denominator"]) for row in rows}
    assert found["Gmail", "open_rate"] == (1, 2)
    assert found["Gmail", "bounce_rate"] == (1, 3)
    assert found["Yahoo", "click_rate"] == (1, 1)
    assert found["(unknown)", "open_rate"] == (0, 1)
    people = EMAILS.drop(index=6)  # A's only open is the machine's
    rows = records(
        analysis.deliverability_by_provider(people, machine_opens=False, provider="Inbox Provider")
    )
    opens = {row["Inbox Provider"]: row["numerator"] for row in rows if row["measure"] == "open_rate"}
    assert opens.get("Gmail", 0) == 0


@pytest.mark.parametrize("grain", ["person_touch", "campaign", "flow", "person"])
def test_rollups_agree_with_sql(grain: Any) -> None:
    duckdb = pytest.importorskip("duckdb")
    credited = analysis.attribution(ORDERS, TOUCHES, "linear")
    made = analysis.touch_rollup(credited, grain)
    keys = {
        "person_touch": "profile_id, campaign_id, flow_id, variation_id",
        "campaign": "campaign_id",
        "flow": "flow_id",
        "person": "profile_id",
    }[grain]
    with duckdb.connect() as database:
        wanted = database.from_df(credited).query(
            "credited",
            f"select {keys}, sum(credit) as orders, sum(revenue) as revenue from credited group by {keys}",
        )
        expected = sorted(records(wanted), key=repr)
    got = sorted(records(made[[*keys.split(", "), "orders", "revenue"]]), key=repr)
    assert [
        {**row, "orders": round(row["orders"], 6), "revenue": round(row["revenue"], 6)} for row in got
    ] == [{**row, "orders": round(row["orders"], 6), "revenue": round(row["revenue"], 6)} for row in expected]
    assert made["revenue"].sum() == pytest.approx(ORDERS["value"].sum())


@pytest.mark.parametrize("name", CALLS)
def test_a_frame_of_one_row_has_the_columns_of_many(name: str) -> None:
    if name.startswith("holdout_lift"):
        pytest.skip("a holdout needs another group")
    if name.startswith("new_and_returning"):
        pytest.skip("a single order has no history before it, which is an error")
    if name == "deliverability_by_provider":
        pytest.skip("a single event makes no rate, which is an error")
    one = CALLS[name](lambda table: table.iloc[:1])
    assert list(one.columns) == list(CALLS[name](lambda table: table).columns)


def test_elapsed_time_decides_with_the_bound_included() -> None:
    """The example of the definition: eligible are B, C, E and F; D misses its 24 hours by one."""
    orders = frame(id=["O"], profile_id=["P"], datetime=[AT], value=[100.0], currency=["EUR"])
    touches = frame(
        id=list("ABCDEF"),
        profile_id=["P"] * 6,
        datetime=before([200, 120, 48, 25, 24, 1]),
        channel=["email", "email", "email", "text", "text", "email"],
        interaction=["click"] * 6,
    )
    settings = analysis.AttributionSettings({"email": "120h", "text": "24h"}, start="touch")
    credit: Callable[[Any], list[float]] = lambda model: [  # noqa: E731 - a table of one line
        round(value, 2)
        for value in analysis.attribution(orders, touches, model, settings=settings)["revenue"]
    ]
    assert credit("position") == [40.0, 10.0, 10.0, 40.0]
    assert credit("time_decay") == [18.30, 24.62, 27.19, 29.89]


def test_the_frames_of_the_client_fit_without_renaming() -> None:
    """Both roads to attributed orders give the same orders, and the native model credits all that Klaviyo did."""
    metric = ("Placed Order", "Shopify")
    with ka.demo(profiles=150, events=4000) as client:
        events = client.events.list(metric=metric, include=["attributions"])
        credits_ = client.events.attributions(metric=metric, unattributed=True)
        touches = client.events.list(metric=["Opened Email", "Clicked Email"])
    plain = analysis.normalise_orders(events)
    ids = ["attributed_event_id", "attributed_campaign_id", "attributed_flow_id", "attributed_message"]
    by_id = ["id", "value", *ids]
    left, right = (
        table[by_id].sort_values("id", ignore_index=True)
        for table in (plain, analysis.normalise_orders(credits_))
    )
    pd.testing.assert_frame_equal(left, right)
    assert (plain["attributed_event_id"].notna() == plain["attributed_message"].notna()).all()
    acts = touches.assign(channel="email", interaction="click", received=touches["datetime"])
    earned = analysis.attribution(plain, acts, "native")
    credited = credits_["attribution_id"].notna()
    wanted = (credits_["value"] * credits_["weight"])[credited].sum()
    assert earned.loc[earned["status"] == "attributed", "revenue"].sum() == pytest.approx(wanted)
    assert wanted > 0
    # Now each attributed order gets a touch as its event.
    given = dict(zip(events["id"], touches["id"], strict=False))
    named = "attributions.attributed_event_id"
    events[named] = [
        [given.get(key)] * len(ids) for key, ids in zip(events["id"], events[named], strict=True)
    ]
    credits_["attributed_event_id"] = (
        credits_["event_id"].map(given).where(credits_["attribution_id"].notna()).astype("string")
    )
    orders, same = analysis.normalise_orders(events), analysis.normalise_orders(credits_)
    columns = ["id", "profile_id", "datetime", "value", "currency", "attributed_event_ids"]
    left, right = (table[columns].sort_values("id", ignore_index=True) for table in (orders, same))
    pd.testing.assert_frame_equal(left, right)
    known = orders.loc[orders["attributed_event_id"].notna(), "value"]
    assert len(known) > 0
    touches = touches.assign(channel="email", interaction="click", received=touches["datetime"])
    native = analysis.attribution(orders, touches, "native")
    assert native.loc[native["status"] == "attributed", "revenue"].sum() == pytest.approx(known.sum())
