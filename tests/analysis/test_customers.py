"""Numbers about customers against SQL, statsmodels, published results and counting by hand."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.analysis.rfm import KLAVIYO_GROUPS
from klaviyo_analytics.errors import FrameError, InvalidInputError
from tests.analysis.customer_frames import LINES, STEPS, random_orders

few = settings(max_examples=25, deadline=None)


def events(*rows: tuple[str, str], **columns: Any) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["profile_id", "datetime"]).assign(**columns)
    return made.assign(datetime=pd.to_datetime(made["datetime"], utc=True))


@pytest.mark.parametrize("bins", [2, 3, 5, 7])
@pytest.mark.parametrize("customers", [1, 2, 4, 23, 100])
def test_scores_equal_ntile_where_nothing_is_tied(bins: int, customers: int) -> None:
    rng = np.random.default_rng(customers)
    spent = rng.permutation(customers) + 1.0
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.permutation(customers), unit="h")
    orders = pd.DataFrame(
        {"profile_id": [f"P{n}" for n in range(customers)], "datetime": times, "value": spent}
    )
    made = analysis.rfm(orders, bins=bins)
    query = f"""select profile_id, ntile({bins}) over (order by datetime) r, ntile({bins}) over (order by value) m
                from orders order by profile_id"""
    with duckdb.connect() as connection:
        connection.register("orders", orders)
        wanted = connection.execute(query).fetchall()
    assert list(made[["profile_id", "r", "m"]].itertuples(index=False, name=None)) == wanted


def test_equal_customers_get_equal_scores() -> None:
    orders = random_orders(5, 300, customers=60)
    made = analysis.rfm(orders)
    for measure, score in {"frequency": "f", "monetary": "m"}.items():
        assert made.groupby(measure)[score].nunique().max() == 1
        assert made.sort_values(measure)[score].is_monotonic_increasing


def test_the_groups_cover_all_27_codes_once() -> None:
    codes = [code for group in KLAVIYO_GROUPS.values() for code in group]
    assert sorted(codes) == [f"{r}{f}{m}" for r in "123" for f in "123" for m in "123"]


@pytest.mark.parametrize(("days", "score"), [(180, 3), (181, 2), (365, 2), (366, 1)])
def test_recency_has_fixed_thresholds(days: int, score: int) -> None:
    made = analysis.klaviyo_rfm(
        events(("A", "2025-01-01"), value=1.0), as_of=pd.Timestamp("2025-01-01") + pd.Timedelta(days=days)
    )
    assert made["r"].item() == score


def test_movement_names_the_group_before_and_the_date_of_the_change() -> None:
    days = ["2025-03-01", "2025-03-02", "2025-03-03", "2026-02-10"]
    orders = events(*(("A", day) for day in days), value=60.0)
    made = analysis.klaviyo_rfm(
        orders,
        as_of="2026-03-31",
        previous=["2026-01-01", "2026-02-01", "2026-03-01"],
        frequency=(2, 3),
        monetary=(100, 200),
    ).iloc[0]
    assert (made["previous_code"], made["code"]) == ("232", "333")
    assert (made["previous_group"], made["group"]) == ("Loyal", "Champions")
    assert made["changed_at"] == pd.Timestamp("2026-03-01", tz="UTC")


def test_cells_that_time_has_not_reached_are_missing() -> None:
    starts = events(("A", "2026-01-03"), ("B", "2026-03-10"))
    made = analysis.cohorts(starts, starts.head(0), as_of="2026-03-31").set_index(["cohort", "age"])[
        "customers"
    ]
    assert made["2026-01"].tolist() == [0, 0, 0]
    assert made["2026-03"].isna().tolist() == [False, True, True]


@few
@given(st.integers(0, 10_000))
def test_cohorts_count_what_a_loop_counts(seed: int) -> None:
    orders = random_orders(seed, 60, customers=9)
    known = orders.dropna(subset=["profile_id", "datetime"]).drop_duplicates("id")
    local = known["datetime"].dt.tz_localize(None).dt
    known = known.assign(month=local.year * 12 + local.month - 1)
    first = known.groupby("profile_id")["month"].min()
    made = analysis.cohorts(orders).dropna(subset=["customers"])
    for row in made.to_dict("records"):
        year, month = map(int, str(row["cohort"]).split("-"))
        index = year * 12 + month - 1
        members = set(first.index[first == index])
        active = known[known["profile_id"].isin(members) & (known["month"] == index + int(row["age"]))]
        assert (row["size"], row["customers"]) == (len(members), active["profile_id"].nunique())


@few
@given(st.integers(0, 10_000))
def test_retention_is_that_of_statsmodels(seed: int) -> None:
    duration = pytest.importorskip("statsmodels.duration.survfunc")
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 40))
    start = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 100, size), unit="D")
    wait, as_of = rng.integers(0, 80, size), pd.Timestamp("2026-05-01", tz="UTC")
    who = [f"P{number}" for number in range(size)]
    starts = pd.DataFrame({"profile_id": who, "datetime": start})
    ends = pd.DataFrame({"profile_id": who, "datetime": start + pd.to_timedelta(wait, unit="D")})
    ends = ends[ends["datetime"] <= as_of]
    made = analysis.retention_curves(starts, ends, as_of=as_of).set_index("days")
    happened = pd.Series(start + pd.to_timedelta(wait, unit="D")) <= as_of
    durations = np.where(happened, wait, (as_of - start).days)
    fitted = duration.SurvfuncRight(durations, happened.astype(int))
    # Its steps are at the days with an event. A day before the first has everybody left, without an error.
    steps = np.searchsorted(fitted.surv_times, made.index, side="right")
    survival, error = np.r_[1.0, fitted.surv_prob][steps], np.r_[0.0, fitted.surv_prob_se][steps]
    np.testing.assert_allclose(made["survival"], survival, atol=1e-12)
    inside = made["survival"].between(1e-9, 1 - 1e-9).to_numpy()
    left, deviation = survival[inside], error[inside]
    # The interval of log(-log(survival)), whose standard error follows from that of the survival.
    width = NormalDist().inv_cdf(0.975) * deviation / (left * np.abs(np.log(left)))
    for side, sign in (("lower", 1), ("upper", -1)):
        np.testing.assert_allclose(made[side][inside], left ** np.exp(sign * width), atol=1e-9)


def test_a_decay_is_found_within_its_interval() -> None:
    rng = np.random.default_rng(11)
    start = pd.Timestamp("2025-01-01", tz="UTC")
    waits = rng.exponential(60, 4000)
    who = [f"P{number}" for number in range(4000)]
    starts = pd.DataFrame({"profile_id": who, "datetime": start})
    ends = pd.DataFrame({"profile_id": who, "datetime": start + pd.to_timedelta(waits, unit="D")})
    made = analysis.retention_curves(starts, ends[ends["datetime"] < "2025-04-11"], as_of="2025-04-11")
    row = made[made["days"] == 59].iloc[0]
    assert row["lower"] < np.exp(-1) < row["upper"]
    assert row["upper"] - row["lower"] < 0.04


def test_repeat_purchases_count_those_who_have_not_returned() -> None:
    gaps = {"A": 10, "B": 20, "C": 30}
    rows = [("D", "2026-01-16")]
    for who, gap in gaps.items():
        rows += [(who, "2026-01-01"), (who, f"2026-01-{1 + gap}")]
    made = analysis.repeat_purchase(events(*rows), as_of="2026-01-31", within=[20]).iloc[0]
    assert (made["customers"], made["returned"], made["censored"], made["median_days"]) == (4, 3, 1, 30)
    assert made["within_20"] == pytest.approx(1 - 0.75 * 0.5)
    assert made["median_days_km"] == 20


def test_bought_together_counts_what_sql_counts() -> None:
    query = """select a.product, b.product, count(distinct a.order_id) from lines a join lines b
               on a.order_id = b.order_id and a.product < b.product where a.profile_id is not null
               and a.datetime is not null group by 1, 2 order by 3 desc, 1, 2"""
    with duckdb.connect() as connection:
        connection.register("lines", LINES)
        wanted = connection.execute(query).fetchall()
    made = analysis.bought_together(LINES)[["product_a", "product_b", "together"]]
    assert list(made.itertuples(index=False, name=None)) == wanted


@few
@given(st.integers(0, 10_000), st.sampled_from([None, 20, 100]))
def test_the_funnel_counts_the_best_start_of_each_profile(seed: int, within: int | None) -> None:
    orders = random_orders(seed, 80, customers=6)
    known = orders.dropna(subset=["profile_id", "datetime"]).drop_duplicates("id")
    reached = []
    for _, mine in known.groupby("profile_id"):
        best = 0
        for begun in mine.loc[mine["metric"] == STEPS[0], "datetime"]:
            at, steps = begun, 1
            for name in STEPS[1:]:
                later = mine.loc[(mine["metric"] == name) & (mine["datetime"] >= at), "datetime"]
                if later.empty or (within and later.min() - begun > pd.Timedelta(days=within)):
                    break
                at, steps = later.min(), steps + 1
            best = max(best, steps)
        reached.append(best)
    made = analysis.ordered_funnel(orders, STEPS, within=within)
    assert made["profiles"].tolist() == [sum(best >= step for best in reached) for step in (1, 2, 3)]


def test_items_are_read_from_every_shape() -> None:
    shapes: list[dict[str, Any]] = [
        {
            "$extra": {"line_items": [{"title": "Mug", "quantity": 2.0, "price": "4.50", "product_id": 7}]},
            "Items": ["Mug"],
        },
        {
            "Items": [
                {"ProductName": "Mug", "ProductID": "7", "Quantity": 2, "ItemPrice": 4.5, "RowTotal": 9.0}
            ]
        },
        {"Items": ["Mug"], "$extra": {}},
        {"ItemNames": ["Mug"]},
        {"Items": []},
    ]
    orders = events(
        *((f"P{n}", f"2026-01-0{n + 1}") for n in range(5)), id=list("abcde"), event_properties=shapes
    )
    made = analysis.order_items(orders)
    assert made["source"].fillna("-").tolist() == ["$extra.line_items", "Items", "Items", "ItemNames", "-"]
    assert made["product"].fillna("-").tolist() == ["Mug"] * 4 + ["-"]
    assert made["line_total"].tolist()[:2] == [9.0, 9.0]
    assert made["product_id"].tolist()[:2] == ["7", "7"]


def test_money_in_two_currencies_is_refused() -> None:
    orders = events(("A", "2026-01-01"), ("B", "2026-01-02"), value=1.0, currency=["EUR", "USD"])
    with pytest.raises(FrameError, match="EUR and USD"):
        analysis.rfm(orders)


def test_times_without_a_zone_are_refused() -> None:
    orders = events(("A", "2026-01-01"), value=1.0)
    with pytest.raises(FrameError, match="time zone"):
        analysis.rfm(orders.assign(datetime=orders["datetime"].dt.tz_localize(None)))


def test_a_date_that_is_not_one_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="as_of='soon' is not a date"):
        analysis.rfm(events(("A", "2026-01-01"), value=1.0), as_of="soon")


def test_empty_frames_keep_their_columns() -> None:
    one = events(("A", "2026-01-01"), value=1.0)
    for function in (
        analysis.rfm,
        analysis.klaviyo_rfm,
        analysis.cohorts,
        analysis.repeat_purchase,
        analysis.retention_curves,
    ):
        assert list(function(one.head(0)).columns) == list(function(one).columns)
        assert function(one.head(0)).empty
