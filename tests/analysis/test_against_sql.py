"""The same numbers from DuckDB's SQL: random frames with ties, nulls and repeated rows, in no order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics import analysis
from klaviyo_analytics.analysis.attribution import Model
from tests.analysis.customer_frames import order_lines, random_orders
from tests.analysis.frames import NEW_YORK, records
from tests.analysis.revenue_frames import shop

duckdb = pytest.importorskip("duckdb")

some = pytest.mark.parametrize("seed", range(3))
MODELS: tuple[Model, ...] = ("last_touch", "first_touch", "linear", "position", "time_decay")
DAY = "86400000000"
# Rows count that have a profile and a time, and those of one id once.
EACH_ONCE = """
    with o as (
        select * from (select *, row_number() over (partition by id) as copy from orders)
        where copy = 1 and profile_id is not null and datetime is not null
    )"""
LATER_ONCE = EACH_ONCE.replace("with o", "e").replace("from orders", "from later")
# The preset "klaviyo", as far as the touches of `shop` go.
PAIRS = """
    with t as (
        select *,
            case when interaction = 'delivery' or received is null then datetime else received end as anchor,
            case when channel = 'email' and interaction in ('click', 'open') then 120
                 when channel = 'sms' and interaction = 'click' then 120
                 when channel = 'sms' and interaction = 'open' then 24
                 when channel = 'sms' and interaction = 'delivery' then 12
                 when channel = 'push' and interaction = 'open' then 24 end as hours
        from touches where profile_id is not null
    ), pairs as (
        select o.id as order_id, o.value, t.id as touch_id, t.message, t.campaign_id, t.flow_id, t.variation_id,
            epoch_us(o.datetime) - epoch_us(t.datetime) as age,
            row_number() over (partition by o.id order by t.datetime, t.id) as place,
            count(*) over (partition by o.id) as n
        from orders o join t using (profile_id)
        where t.datetime <= o.datetime and anchor <= o.datetime
            and epoch_us(o.datetime) - epoch_us(anchor) <= hours * 3600000000
    ), weights as (
        select *, (place = n)::double as last_touch, (place = 1)::double as first_touch, 1 / n as linear,
            case when n < 3 then 1 / n when place in (1, n) then 0.4 else 0.2 / (n - 2) end as "position",
            pow(2.0, -age / (168 * 3600e6)) / sum(pow(2.0, -age / (168 * 3600e6))) over (partition by order_id)
                as time_decay
        from pairs
    )"""


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    with duckdb.connect() as connection:
        connection.execute(f"set timezone = '{NEW_YORK}'")
        yield connection


def same(made: pd.DataFrame, columns: str, database: Any, query: str, **tables: pd.DataFrame) -> None:
    """Compare these columns with the rows of a query, in an order of their own."""
    for name, table in tables.items():
        database.register(name, table)
    wanted = database.execute(query).fetchall()
    got = [tuple(row.values()) for row in records(made[columns.split()])]
    assert len(got) == len(wanted)
    for mine, its in zip(sorted(got, key=place), sorted(wanted, key=place), strict=True):
        assert mine == pytest.approx(its, abs=1e-8)


def drawn(dice: np.random.Generator, values: list[Any], rows: int, dtype: str) -> Any:
    """Return that many of these values, None among them."""
    return pd.Series([values[at] for at in dice.integers(0, len(values), rows)], dtype=dtype)


def place(row: tuple[Any, ...]) -> str:
    """Return a key that is the same for numbers which differ by rounding."""
    return repr([f"{value:.3f}" if isinstance(value, int | float) else value for value in row])


def tied(seed: int, people: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return orders and touches of which many share a time, in no order."""
    sold, acts = (table.sample(frac=1, random_state=seed) for table in shop(seed, people=people))
    return sold, acts.assign(**{name: acts[name].dt.floor("12h") for name in ("datetime", "received")})


@some
@pytest.mark.parametrize(("bins", "customers"), [(2, 40), (5, 9), (5, 40), (9, 2)])
def test_equal_customers_have_the_score_of_the_first_of_them(
    database: Any, seed: int, bins: int, customers: int
) -> None:
    orders = random_orders(seed, 120, customers=customers)
    query = f"""{EACH_ONCE}, c as (
            select profile_id, max(datetime) as last, count(*) as f, round(coalesce(sum(value), 0), 6) as m
            from o group by profile_id
        ), tiles as (
            select *, ntile({bins}) over (order by last) as r_tile, ntile({bins}) over (order by f) as f_tile,
                ntile({bins}) over (order by m) as m_tile from c
        ) select profile_id, f, m, min(r_tile) over (partition by last), min(f_tile) over (partition by f),
            min(m_tile) over (partition by m) from tiles"""
    made = analysis.rfm(orders, bins=bins)
    same(made, "profile_id frequency monetary r f m", database, query, orders=orders)


@some
@pytest.mark.parametrize(
    ("period", "measure"),
    [
        (("day", "%Y-%m-%d"), ("customers", "count(distinct e.profile_id)")),
        (("week", "%Y-%m-%d"), ("orders", "count(*)")),
        (("month", "%Y-%m"), ("revenue", "coalesce(sum(e.value), 0)")),
        (("year", "%Y"), ("customers", "count(distinct e.profile_id)")),
    ],
)
def test_cohorts(database: Any, seed: int, period: tuple[Any, str], measure: tuple[Any, str]) -> None:
    starts, later = random_orders(seed, 60, customers=9), random_orders(seed + 1, 60, customers=12)
    (unit, label), (name, counted) = period, measure
    query = f"""{EACH_ONCE}, {LATER_ONCE}, s as (
            select profile_id, min(datetime) as start from o group by profile_id
        ), joined as (
            select s.profile_id, e.value, date_trunc('{unit}', start) as begun,
                date_diff('{unit}', date_trunc('{unit}', start), date_trunc('{unit}', e.datetime)) as age
            from e join s on e.profile_id = s.profile_id and e.datetime >= start
        ) select strftime(begun, '{label}'), age, {counted} as amount from joined e group by begun, age
        having amount <> 0"""
    made = analysis.cohorts(starts, later, period=unit, measure=name)
    made = made[made[name].fillna(0) != 0]
    same(made, f"cohort age {name}", database, query, orders=starts, later=later)


@some
def test_new_and_returning_customers(database: Any, seed: int) -> None:
    orders = random_orders(seed).drop_duplicates("id").assign(currency="EUR")
    query = """
        with ranked as (
            select *, row_number() over (partition by profile_id order by datetime, id) as place
            from orders where datetime is not null
        ) select source, strftime(datetime, '%Y-%m'),
            case when profile_id is null then 'unknown' when place = 1 then 'new' else 'returning' end,
            count(*), count(distinct profile_id), coalesce(sum(value), 0)
        from ranked group by 1, 2, 3"""
    made = analysis.new_and_returning(orders, history="complete", by=["source", "month"], zone=NEW_YORK)
    same(made, "source month customer orders customers revenue", database, query, orders=orders)


@some
def test_what_is_bought_next_and_by_the_same_customers(database: Any, seed: int) -> None:
    lines = order_lines(random_orders(seed, customers=9))
    known = "product is not null and profile_id is not null and datetime is not null"
    query = f"""
        with l as (select distinct order_id, profile_id, datetime, product from lines where {known}),
        o as (select distinct order_id, profile_id, datetime from l),
        following as (
            select order_id, lead(order_id) over w as next_id, lead(datetime) over w as next_at from o
            window w as (partition by profile_id order by datetime, order_id)
        ) select l.product, n.product, count(*),
            median((epoch_us(next_at) - epoch_us(l.datetime)) // {DAY})
        from l join following using (order_id) join l n on n.order_id = next_id group by 1, 2"""
    same(analysis.next_product(lines), "product next_product count median_days", database, query, lines=lines)
    query = f"""
        with l as (select distinct profile_id, product from lines where {known}),
        n as (select product, count(*) as people from l group by product)
        select a.product, b.product, any_value(na.people), any_value(nb.people), count(*) as shared,
            shared / (select count(distinct profile_id) from l)
        from l a join l b on a.profile_id = b.profile_id and a.product < b.product
            join n na on na.product = a.product join n nb on nb.product = b.product group by 1, 2"""
    made = analysis.product_affinity(lines)
    same(made, "product_a product_b customers_a customers_b together support", database, query, lines=lines)


@some
@pytest.mark.parametrize("own_gaps", [1, 2, 4])
def test_when_a_product_is_due_again(database: Any, seed: int, own_gaps: int) -> None:
    """The product's median is the first wait at which the product-limit estimate is at most a half."""
    lines = order_lines(random_orders(seed, customers=9)).assign(
        product=lambda held: held["product"].replace({"Tin": "Tea"})
    )
    known = "product is not null and profile_id is not null and datetime is not null"
    query = f"""
        with l as (
            select order_id, any_value(profile_id) as p, min(datetime) as placed, product from lines
            where {known} and datetime <= timestamptz '2025-12-01 00:00:00+00' group by order_id, product
        ), waits as (
            select *, lead(placed) over (partition by p, product order by placed, order_id) as next_at from l
        ), w as (
            select *, (epoch_us(coalesce(next_at, timestamptz '2025-12-01 00:00:00+00')) - epoch_us(placed)) // {DAY}
                as days, next_at is not null as again from waits
        ), steps as (
            select product, days, count(*) filter (again) as d,
                (select count(*) from w x where x.product = w.product and x.days >= w.days) as risk
            from w group by product, days
        ), curve as (
            select product, days, product((risk - d) / risk) over (partition by product order by days) as s from steps
        ), usual as (select product, min(days) as usual from curve where s <= 0.5 + 1e-12 group by product),
        own as (
            select p, product, count(*) as n, max(placed) as last_at,
                floor(median(days) filter (again) + 0.5)::bigint as mine from w group by p, product
        ), due as (
            select *, n > {own_gaps} as enough, case when enough then mine else usual end as gap
            from own left join usual using (product)
        ) select p, product, n, gap, case when enough then 'customer' when gap is not null then 'product' end,
            epoch_us(last_at) + gap * {DAY},
            gap - (epoch_us(timestamptz '2025-12-01 00:00:00+00') - epoch_us(last_at)) // {DAY}
        from due"""
    made = analysis.replenishment(lines, own_gaps=own_gaps, as_of="2025-12-01")
    assert {*made["basis"].dropna()} >= ({"customer"} if own_gaps < 4 else {"product"})
    made["due"] = (made["due"] - pd.Timestamp(0, tz="UTC")) // pd.Timedelta("1us")
    columns = "profile_id product orders interval_days basis due days_until_due"
    same(made, columns, database, query, lines=lines)


@some
@pytest.mark.parametrize(
    ("by", "value"), [([], "count"), (["channel"], "sum_value"), (["channel", "kind"], "count")]
)
def test_a_month_beside_that_of_the_year_before(database: Any, seed: int, by: list[str], value: str) -> None:
    """On New York's calendar, with months that are missing, nulls in keys and values, and losses."""
    dice = np.random.default_rng(seed)
    hours = pd.to_timedelta(dice.integers(0, 24 * 900, 60), unit="h")
    rows = pd.DataFrame(
        {
            "datetime": (pd.Timestamp("2023-11-20", tz="UTC") + hours).tz_convert(NEW_YORK),
            "channel": drawn(dice, ["email", "sms", None], 60, "string"),
            "kind": drawn(dice, ["a", ""], 60, "string"),
            "count": pd.array(
                [None if dice.random() < 0.3 else int(dice.integers(0, 9)) for _ in hours], "Int64"
            ),
            "sum_value": [np.nan if dice.random() < 0.2 else float(dice.integers(-8, 9)) / 4 for _ in hours],
            "complete": pd.array(
                [None if dice.random() < 0.2 else bool(dice.random() < 0.8) for _ in hours], "boolean"
            ),
        }
    )
    keys = "".join(f"{name}, " for name in by)
    alike = "".join(f" and a.{name} is not distinct from b.{name}" for name in by)
    query = f"""
        with m as (
            select {keys} year(datetime) as y, month(datetime) as m, sum({value}) as v,
                coalesce(bool_and(complete), true) as whole
            from rows group by {keys} y, m
        ) select a.y, a.m, {"".join(f"a.{name}, " for name in by)} a.v, b.v, a.v - b.v,
            case when b.v > 0 then a.v / b.v - 1 end, a.whole and coalesce(b.whole, true)
        from m a left join m b on b.y = a.y - 1 and b.m = a.m{alike}"""
    made = analysis.year_over_year(rows, value, by=by)
    columns = [
        "year",
        "month",
        *by,
        *(f"{value}{end}" for end in ("", "_previous", "_difference", "_change")),
    ]
    same(made, " ".join([*columns, "complete"]), database, query, rows=rows)
    assert made[f"{value}_change"].notna().any()


@some
@pytest.mark.parametrize("by", [[], ["message"], ["message", "day"]])
@pytest.mark.parametrize(("parameters", "bots"), [(True, True), (False, True), (False, False)])
def test_clicks_by_address(database: Any, seed: int, by: list[str], parameters: bool, bots: bool) -> None:
    dice = np.random.default_rng(seed)
    addresses = [
        "https://x.example/a", "https://x.example/a?utm=1&x=2", "https://x.example/a#top",
        " https://x.example/a/b?q#f ", "https://x.example/a?next=http://y.example/?z", "?only=this", "", "  ", None,
    ]  # fmt: skip
    clicks = pd.DataFrame(
        {
            "profile_id": drawn(dice, ["A", "B", "C", None], 80, "string"),
            "url": drawn(dice, addresses, 80, "string"),
            "message": drawn(dice, ["M1", "M2", None], 80, "string"),
            "day": dice.integers(1, 4, 80),
            "bot_click": drawn(dice, [True, False, None], 80, "boolean"),
        }
    )
    keys = "".join(f"{name}, " for name in by)
    address = "trim(url)" if parameters else "substr(url, 1, strpos(replace(url, '#', '?') || '?', '?') - 1)"
    query = f"""
        with c as (
            select *, coalesce(nullif(trim({address}), ''), '(none)') as target from clicks
            where {bots} or bot_click is distinct from true
        ) select {keys} target, count(*) as n, count(distinct profile_id) as people,
            case when people > 0 then n / people end,
            n / sum(n) over ({"partition by " + keys.rstrip(", ") if by else ""})
        from c group by {keys} target"""
    made = analysis.links(clicks, by=by, query=parameters, bots=bots)
    columns = " ".join([*by, "url", "clicks", "profiles", "clicks_per_profile", "share"])
    same(made, columns, database, query, clicks=clicks)
    assert made["clicks"].is_monotonic_decreasing


@some
def test_codes_that_were_assigned_and_used(database: Any, seed: int) -> None:
    """Codes in any case and with blanks, in no coupon or in two, twice in an order, and orders of equal value."""
    dice = np.random.default_rng(seed)
    codes = pd.DataFrame(
        {
            "coupon": drawn(dice, ["SPRING", "VIP", "WELCOME", None], 40, "string"),
            "code": pd.array(
                [
                    f"{dice.choice([*'sSvV'])}-{dice.integers(0, 12)}{dice.choice(['', ' '])}"
                    for _ in range(40)
                ]
            ),
            "profile_id": drawn(dice, ["A", "B", None], 40, "string"),
        }
    )

    def written() -> str | None:
        if dice.random() < 0.2:
            return None
        held = [f"{dice.choice([*'sSvVx'])}-{dice.integers(0, 14)}" for _ in range(dice.integers(0, 4))]
        return str(dice.choice([", ", ",", " ,, "])).join(held)

    orders = pd.DataFrame({"id": [f"O{number}" for number in range(50)], "currency": "EUR"})
    orders["value"] = [np.nan if dice.random() < 0.1 else float(dice.integers(0, 5)) for _ in range(50)]
    orders["discount_codes"] = pd.array([written() for _ in range(50)], dtype="string")
    query = """
        with given as (
            select coupon, trim(lower(code)) as c, bool_or(profile_id is not null) as assigned
            from codes group by 1, 2
        ), used as (
            select distinct id, value, c from (
                select id, value, trim(unnest(string_split(lower(discount_codes), ','))) as c from orders
            ) where c <> ''
        ), matched as (select id, value, u.c, coupon from used u left join given g on g.c = u.c),
        sales as (
            select coupon, count(distinct c) as used, count(distinct id) as orders,
                (select coalesce(sum(value), 0) from orders o where o.id in (
                    select id from matched x where x.coupon is not distinct from m.coupon
                )) as revenue
            from matched m group by coupon
        ), held as (
            select coupon, count(*) as codes, count(*) filter (assigned) as assigned from given group by coupon
        )
        select coalesce(h.coupon, s.coupon), coalesce(h.codes, 0), coalesce(h.assigned, 0), coalesce(s.used, 0),
            coalesce(s.orders, 0), coalesce(s.revenue, 0), coalesce(s.used, 0) / nullif(coalesce(h.assigned, 0), 0)
        from held h full join sales s on h.coupon is not distinct from s.coupon"""
    made = analysis.coupons(codes, orders)
    columns = "coupon codes assigned used orders revenue use_rate"
    same(made, columns, database, query, codes=codes, orders=orders)


@some
def test_segments_and_what_their_members_did(database: Any, seed: int) -> None:
    dice, orders = np.random.default_rng(seed), random_orders(seed)
    members = pd.DataFrame(
        {
            "profile_id": [*(f"P{number}" for number in dice.integers(0, 15, 40)), None, "P1"],
            "group": [*dice.choice(["a", "b", "c"], 40), "a", None],
        }
    )
    once = (
        'select distinct profile_id, "group" as g from members where profile_id is not null and g is not null'
    )
    query = f"""
        with m as ({once}), s as (select g, count(*) as n from m group by g)
        select x.g, y.g, x.n, y.n, (
            select count(*) from m a join m b using (profile_id) where a.g = x.g and b.g = y.g
        ) from s x, s y"""
    same(analysis.overlap(members), "group_a group_b size_a size_b both", database, query, members=members)
    query = f"""{EACH_ONCE}, m as ({once}), every as (
            select * from m union all select distinct profile_id, '(all, once)' from m
        ), s as (select g, count(*) as n from every group by g)
        select g, any_value(n), metric, count(distinct profile_id), count(*), coalesce(sum(value), 0)
        from every join s using (g) join o using (profile_id) group by g, metric"""
    made = analysis.by_segment(members, orders)
    made = made[made["events"] > 0]
    columns = "group members metric profiles events revenue"
    same(made, columns, database, query, members=members, orders=orders)


@some
def test_growth_by_source_and_tiers_of_engagement(database: Any, seed: int) -> None:
    joined, left = random_orders(seed, customers=9), random_orders(seed + 1, 60, customers=12)
    query = f"""{EACH_ONCE}, {LATER_ONCE}, joined as (
            select strftime(datetime, '%Y-%m') as p, source as s, count(*) as n, count(distinct profile_id) as people
            from o group by p, s
        ), left_again as (
            select strftime(e.datetime, '%Y-%m') as p, (
                select arg_max_null(o.source, (o.datetime, o.id)) from o
                where o.profile_id = e.profile_id and o.datetime <= e.datetime
            ) as s, count(*) as gone from e group by p, s
        ) select coalesce(j.p, l.p), coalesce(j.s, l.s), coalesce(n, 0), coalesce(people, 0), coalesce(gone, 0)
        from joined j full join left_again l on j.p = l.p and j.s is not distinct from l.s"""
    made = analysis.growth_by_source(joined, left, by="source")
    columns = "period source subscribed profiles unsubscribed"
    same(made, columns, database, query, orders=joined, later=left)
    query = f"""{EACH_ONCE}, ages as (
            select (select epoch_us(max(datetime)) from o) - epoch_us(max(datetime)) as age from o group by profile_id
        ) select case when age <= 30 * {DAY} then '0-30 days' when age <= 60 * {DAY} then '31-60 days'
            when age <= 90 * {DAY} then '61-90 days' when age <= 180 * {DAY} then '91-180 days'
            else 'over 180 days' end as tier, count(*) from ages group by tier"""
    made = analysis.engagement_tiers(joined)
    same(made[made["profiles"] > 0], "tier profiles", database, query, orders=joined)


@pytest.mark.parametrize(("seed", "people"), [(1, 1), (2, 12)])
@pytest.mark.parametrize("model", MODELS)
def test_attribution_and_its_rollups(database: Any, seed: int, model: Model, people: int) -> None:
    sold, acts = tied(seed, people)
    given_ = {"orders": sold, "touches": acts}
    earned = f"orders o left join (select * from weights where {model} > 0) w on w.order_id = o.id"
    credit = f"coalesce({model}, 1)"
    made = analysis.attribution(sold, acts, model)
    query = f"{PAIRS} select o.id, touch_id, {credit}, o.value * {credit} from {earned}"
    same(made, "order_id touch_id credit revenue", database, query, **given_)
    query = f"""{PAIRS} select o.profile_id, campaign_id, flow_id, variation_id, sum({credit}),
        sum(o.value * {credit}) from {earned} group by 1, 2, 3, 4"""
    columns = "profile_id campaign_id flow_id variation_id orders revenue"
    same(analysis.touch_rollup(made), columns, database, query, **given_)
    query = f"""{PAIRS} select coalesce(message, 'unattributed'), sum({credit}), count(distinct o.profile_id),
        sum(o.value * {credit}) from {earned} group by 1"""
    rolled = analysis.attribution_rollup(made, "message")
    same(rolled, "message orders customers revenue", database, query, **given_)
    edges = " ".join(f"when age <= {edge} * 3600e6 then {edge}" for edge in (1, 6, 24, 72, 120, 168))
    lags = analysis.conversion_lag(made)
    lags = lags[lags["orders"] > 0].assign(edge=lambda found: found["to_hours"].replace(np.inf, np.nan))
    query = f"{PAIRS} select case {edges} end, sum({model}) from weights where {model} > 0 group by 1"
    same(lags, "edge orders", database, query, **given_)


@some
def test_the_last_touch_is_that_of_sessions_which_are_still_open(database: Any, seed: int) -> None:
    """As in dbt_klaviyo, each touch ends the session before it, so that an expired text hides an older email."""
    sold, acts = tied(seed, people=3)
    acts = acts[acts["channel"].isin(["email", "sms"]) & (acts["interaction"] != "delivery")]
    acts = acts[(acts["channel"] == "email") | (acts["interaction"] == "click")]
    database.register("orders", sold)
    database.register("touches", acts)
    query = """
        with mixed as (
            select profile_id, datetime, 0 as later, id, channel from touches where profile_id is not null
            union all select profile_id, datetime, 1, id, null from orders where profile_id is not null
        ), sessions as (
            select *, sum(1 - later) over (partition by profile_id order by datetime, later, id) as session from mixed
        ), started as (
            select *, min_by(id, later) over w as touch, min(datetime) over w as start,
                min_by(channel, later) over w as by_channel
            from sessions window w as (partition by profile_id, session)
        ) select id, touch, epoch_us(datetime) - epoch_us(start)
                <= case when by_channel = 'sms' then 24 else 120 end * 3600000000
        from started where later = 1 and session > 0"""
    sessions = {
        order: touch if is_open else None for order, touch, is_open in database.execute(query).fetchall()
    }
    own = analysis.AttributionSettings({"email": "120h", "text": {"click": "24h"}}, start="touch")
    made = analysis.attribution(sold, acts, settings=own).set_index("order_id")["touch_id"]
    kinds = acts.set_index("id")["channel"]
    for order, touch in made.items():
        session = sessions.get(str(order))
        if session is None and not pd.isna(touch):
            assert kinds[touch] == "email"  # behind a text click of more than 24 hours ago
        else:
            assert (None if pd.isna(touch) else touch) == session


@some
@pytest.mark.parametrize("hours", [5, 48])
def test_flows_that_collide_and_hours_of_sending(database: Any, seed: int, hours: int) -> None:
    dice = np.random.default_rng(seed)
    _, acts = shop(seed, people=4)
    flows = pd.Series(dice.choice(["A", "B", "C", ""], len(acts)), dtype="string").replace("", pd.NA)
    sends = acts[["id", "profile_id", "datetime", "message"]].assign(flow=flows)
    query = f"""
        with s as (select * from sends where flow is not null and profile_id is not null)
        select a.flow, b.flow, count(*), count(distinct a.profile_id) as people,
            people / (select count(distinct profile_id) from s where s.flow = a.flow),
            avg((epoch_us(b.datetime) - epoch_us(a.datetime)) / 3600e6)
        from s a join s b on a.profile_id = b.profile_id and (a.datetime, a.id) < (b.datetime, b.id)
            and a.flow <> b.flow and epoch_us(b.datetime) - epoch_us(a.datetime) <= {hours} * 3600e6
        group by a.flow, b.flow"""
    columns = "first second collisions profiles share mean_hours"
    same(analysis.flow_collisions(sends, hours=hours), columns, database, query, sends=sends)
    reactions = sends.iloc[::2][["profile_id", "datetime", "message"]]
    reactions = reactions.assign(
        datetime=reactions["datetime"] + pd.to_timedelta(dice.integers(0, 200, len(reactions)), unit="h")
    )
    query = """
        with s as (select * from sends where profile_id is not null), last_send as (
            select r.datetime as moment, (
                select arg_max(s.id, (s.datetime, s.id)) from s
                where s.profile_id = r.profile_id and s.message = r.message and s.datetime <= r.datetime
            ) as id from reactions r
        ), reacted as (
            select distinct s.id from last_send join s using (id)
            where epoch_us(moment) - epoch_us(s.datetime) <= 120 * 3600e6
        ) select isodow(datetime) - 1, hour(datetime), count(*), count(reacted.id)
        from sends left join reacted using (id)
        where profile_id is not null and message is not null  -- whether they reacted can be known
        group by 1, 2"""
    made = analysis.send_times(sends, reactions, account_zone=NEW_YORK)
    same(made, "weekday hour sends reacted", database, query, sends=sends, reactions=reactions)
