"""Every public analysis gives on the archive's files, by DuckDB and by PySpark, what it gives of pandas frames.

Each table below is one SQL text over the views of the archive. DuckDB runs it on `archive.table`, PySpark on
`archive.files`, and pandas gets its rows from `archive.sql`. Every table has two columns more, with names that Spark
and DuckDB read as expressions unless they are quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from types import FunctionType
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis
from klaviyo_analytics.archive import Archive
from klaviyo_analytics.archive.archive import RELATIONS
from klaviyo_analytics.archive.sql import frame_of
from tests.analysis.frames import records
from tests.shops import open_shop

FROM, TO = "2026-03-01", "2026-06-01"
PLAIN = {
    "named": """
        SELECT e.*, m.name AS metric FROM events e JOIN metrics m ON m.id = e.metric_id
        WHERE m.name <> 'Placed Order' OR m.{integration.name} = 'Shopify'
    """,
    "orders": """
        SELECT id, profile_id, datetime, metric, value, [$currency_code] AS currency, [Source Name] AS source,
            id AS order_id, attributed_event_id, attributed_campaign_id, attributed_flow_id,
            [Discount Codes] AS discount_codes, [tags] AS tags
        FROM named WHERE metric = 'Placed Order'
    """,
    "carts": """
        SELECT id, profile_id, datetime, value, [$extra] AS {event_properties.$extra},
            [Items] AS {event_properties.Items}
        FROM named WHERE metric = 'Placed Order'
    """,
    "later": "SELECT id, profile_id, datetime, value FROM named WHERE metric = 'Viewed Product'",
    "steps": """
        SELECT id, profile_id, datetime, metric, value FROM named
        WHERE metric IN ('Viewed Product', 'Added to Cart', 'Placed Order')
    """,
    "touches": """
        SELECT id, profile_id, datetime, datetime AS received, 'email' AS channel, [$message] AS message,
            CASE metric WHEN 'Opened Email' THEN 'open' ELSE 'click' END AS interaction,
            CASE WHEN [$flow] IS NULL THEN [$message] END AS campaign_id, [$flow] AS flow_id,
            [machine_open] = 'true' AS machine_open
        FROM named WHERE metric IN ('Opened Email', 'Clicked Email')
    """,
    "sends": """
        SELECT n.id, n.profile_id, n.datetime, n.metric, [$message] AS message, coalesce([$flow], 'campaign') AS flow,
            p.{location.timezone} AS timezone
        FROM named n LEFT JOIN profiles p ON p.id = n.profile_id WHERE metric = 'Received Email'
    """,
    "emails": """
        SELECT id, profile_id, datetime, metric, [$message] AS message, [Inbox Provider] AS {Inbox Provider},
            [URL] AS url, [machine_open] = 'true' AS machine_open, [Bot Click] = 'true' AS bot_click
        FROM named WHERE metric IN ('Received Email', 'Opened Email', 'Clicked Email', 'Bounced Email')
    """,
    "clicks": "SELECT profile_id, message, url, bot_click FROM emails WHERE metric = 'Clicked Email'",
    "people": """
        SELECT id, created, CAST(NULL AS VARCHAR(9)) AS {properties.Current RFM group},
            CAST(NULL AS DOUBLE) AS {predictive_analytics.predicted_clv} FROM profiles
    """,
    "members": """
        SELECT m.profile_id, s.name AS {group} FROM segment_members m JOIN segments s ON s.id = m.segment_id
    """,
    "summary": """
        SELECT coalesce([$flow], 'campaign') AS flow, [$message] AS message, max([Subject]) AS subject,
            'email' AS channel, 'USD' AS currency,
            count(CASE WHEN metric IN ('Received Email', 'Bounced Email') THEN 1 END) AS recipients,
            count(CASE WHEN metric = 'Received Email' THEN 1 END) AS delivered,
            count(CASE WHEN metric = 'Bounced Email' THEN 1 END) AS bounced,
            count(DISTINCT CASE WHEN metric = 'Opened Email' THEN profile_id END) AS opens_unique,
            count(DISTINCT CASE WHEN metric = 'Clicked Email' THEN profile_id END) AS clicks_unique,
            count(DISTINCT CASE WHEN metric = 'Marked Email as Spam' THEN profile_id END) AS spam_complaints,
            count(DISTINCT CASE WHEN metric = 'Unsubscribed from Email Marketing' THEN profile_id END)
                AS unsubscribe_uniques,
            count(CASE WHEN metric = 'Clicked Email' THEN 1 END) AS conversions,
            count(DISTINCT CASE WHEN metric = 'Clicked Email' THEN profile_id END) AS conversion_uniques,
            CAST(count(CASE WHEN metric = 'Clicked Email' THEN 1 END) * 2.25 AS DOUBLE) AS conversion_value
        FROM named WHERE [$message] IS NOT NULL GROUP BY coalesce([$flow], 'campaign'), [$message]
    """,
    "pairs": "SELECT * FROM summary WHERE flow <> 'campaign'",
    "groups": """
        SELECT CASE WHEN flow = 'campaign' THEN 'held' ELSE 'sent' END AS {group},
            CAST(sum(recipients) AS BIGINT) AS recipients, CAST(sum(opens_unique) AS BIGINT) AS conversion_uniques
        FROM summary GROUP BY CASE WHEN flow = 'campaign' THEN 'held' ELSE 'sent' END
    """,
    "variations": """
        SELECT CASE WHEN flow = 'campaign' THEN 'A' ELSE 'B' END AS variation,
            CAST(sum(delivered) AS BIGINT) AS delivered, CAST(sum(clicks_unique) AS BIGINT) AS clicks_unique
        FROM summary GROUP BY CASE WHEN flow = 'campaign' THEN 'A' ELSE 'B' END
    """,
    "monthly": """
        SELECT date_trunc('month', datetime) AS datetime, metric AS flow, count(*) AS delivered,
            count(DISTINCT profile_id) AS clicks_unique
        FROM named WHERE metric IN ('Opened Email', 'Received Email') GROUP BY date_trunc('month', datetime), metric
    """,
    "series": """
        SELECT date_trunc('month', datetime) AS datetime, metric AS channel, count(*) AS count,
            coalesce(sum(value), 0.0) AS sum_value, 'USD' AS value_currency, true AS complete
        FROM named GROUP BY date_trunc('month', datetime), metric
    """,
    "split": """
        SELECT CASE WHEN attributed_campaign_id IS NOT NULL THEN 'email' END AS attributed_channel,
            attributed_campaign_message_id AS attributed_message, attributed_flow_id AS attributed_flow,
            'Placed Order' AS metric, 'USD' AS value_currency, true AS complete,
            count(*) AS count, sum(value) AS sum_value
        FROM named WHERE metric = 'Placed Order'
        GROUP BY CASE WHEN attributed_campaign_id IS NOT NULL THEN 'email' END, attributed_campaign_message_id,
            attributed_flow_id
    """,
    "growth": """
        SELECT date_trunc('month', datetime) AS datetime, metric, count(*) AS count FROM named
        WHERE metric IN ('Subscribed to List', 'Unsubscribed from Email Marketing')
        GROUP BY date_trunc('month', datetime), metric
    """,
    "joined": "SELECT datetime, count FROM growth WHERE metric = 'Subscribed to List'",
    "left_again": "SELECT datetime, count FROM growth WHERE metric <> 'Subscribed to List'",
    "subscribed": """
        SELECT id, profile_id, datetime, [Method] AS source FROM named WHERE metric = 'Subscribed to List'
    """,
    "refunds": "SELECT order_id, value / 2 AS value FROM orders WHERE value > 60 UNION ALL SELECT 'gone', 5.0",
    "codes": """
        SELECT 'SAVE' AS coupon, discount_codes AS code, profile_id FROM orders WHERE length(discount_codes) > 2
    """,
}
Of = Callable[[str], Any]


def credited(of: Of) -> Any:
    return analysis.attribution(of("orders"), of("touches"), "linear", settings="klaviyo")


def lines(of: Of) -> Any:
    return analysis.order_items(of("carts"))


CALLS: dict[str, Callable[[Of], Any]] = {
    "ab_test": lambda of: analysis.ab_test(of("variations"), control="A"),
    "adjusted_engagement": lambda of: analysis.adjusted_engagement(of("pairs"), of("emails"), on="message"),
    "attribution": credited,
    "attribution_comparison": lambda of: analysis.attribution_comparison(of("orders"), of("touches")),
    "attribution_rollup": lambda of: analysis.attribution_rollup(credited(of), ["channel", "message"]),
    "bought_together": lambda of: analysis.bought_together(lines(of)),
    "bridge": lambda of: analysis.bridge(_with_sends(credited(of)), start=FROM, end=TO),
    "bridge_orders": lambda of: analysis.bridge_orders(_with_sends(credited(of)), start=FROM, end=TO),
    "by_segment": lambda of: analysis.by_segment(of("members"), of("orders"), members_as_of="2026-07-01"),
    "campaign_ranking": lambda of: analysis.campaign_ranking(of("summary"), by="click_rate", top=5),
    "cohorts": lambda of: analysis.cohorts(of("orders"), of("later"), measure="orders"),
    "compare_periods": lambda of: analysis.compare_periods(of("summary"), of("pairs"), check_periods=False),
    "conversion_lag": lambda of: analysis.conversion_lag(credited(of), by="channel"),
    "coupons": lambda of: analysis.coupons(of("codes"), of("orders")),
    "customer_lifetime_value": lambda of: analysis.customer_lifetime_value(
        of("steps"), profiles=of("people")
    ),
    "deliverability": lambda of: analysis.deliverability(of("summary"), by="flow"),
    "deliverability_bands": lambda of: analysis.deliverability_bands(of("summary"), by="flow"),
    "deliverability_by_provider": lambda of: analysis.deliverability_by_provider(of("emails")),
    "engagement_tiers": lambda of: analysis.engagement_tiers(of("touches"), of("people"), as_of="2026-07-01"),
    "fatigue": lambda of: analysis.fatigue(of("sends"), of("touches")),
    "flow_collisions": lambda of: analysis.flow_collisions(of("sends"), hours=72),
    "flow_funnel": lambda of: analysis.flow_funnel(of("pairs")),
    "flow_health": lambda of: analysis.flow_health(of("monthly"), since="2026-03-01"),
    "flow_losses": lambda of: analysis.flow_losses(of("pairs")),
    "growth_by_source": lambda of: analysis.growth_by_source(of("subscribed"), by="source"),
    "holdout_lift": lambda of: analysis.holdout_lift(of("groups"), holdout="held"),
    "klaviyo_rfm": lambda of: analysis.klaviyo_rfm(
        of("orders"), as_of="2026-07-01", previous=["2026-01-01"], profiles=of("people")
    ),
    "lifetime_value_fit": lambda of: analysis.lifetime_value_fit(of("steps")),
    "lifetime_value_holdout": lambda of: analysis.lifetime_value_holdout(of("steps"), until="2026-03-01"),
    "links": lambda of: analysis.links(of("clicks"), by="message"),
    "list_growth": lambda of: analysis.list_growth(of("joined"), of("left_again"), members_before=10),
    "net_of_refunds": lambda of: analysis.net_of_refunds(of("orders"), of("refunds")),
    "new_and_returning": lambda of: analysis.new_and_returning(
        of("orders"), start="2026-01-01", by=["source", "month"]
    ),
    "next_product": lambda of: analysis.next_product(lines(of)),
    "order_items": lines,
    "ordered_funnel": lambda of: analysis.ordered_funnel(
        of("steps"), ["Viewed Product", "Added to Cart", "Placed Order"], within=30
    ),
    "overlap": lambda of: analysis.overlap(of("members")),
    "period_over_period": lambda of: analysis.period_over_period(
        of("series"), ["count"], by=["channel"], interval="month"
    ),
    "product_affinity": lambda of: analysis.product_affinity(lines(of), least=2),
    "rates": lambda of: analysis.rates(of("summary")),
    "repeat_purchase": lambda of: analysis.repeat_purchase(of("orders")),
    "replenishment": lambda of: analysis.replenishment(lines(of)),
    "resample": lambda of: analysis.resample(of("series"), "quarter", source="month"),
    "retention_curves": lambda of: analysis.retention_curves(of("orders"), of("later")),
    "revenue_split": lambda of: analysis.revenue_split(of("split")),
    "rfm": lambda of: analysis.rfm(of("orders"), as_of="2026-07-01"),
    "roll_up": lambda of: analysis.roll_up(of("summary"), by="flow"),
    "select_orders": lambda of: analysis.select_orders(of("orders"), {"only_sources": ["web"]}),
    "send_times": lambda of: analysis.send_times(
        of("sends"), of("touches"), zone="profile", account_zone="America/New_York"
    ),
    "share_of_total": lambda of: analysis.share_of_total(of("series"), "count", within="channel"),
    "subject_lines": lambda of: analysis.subject_lines(of("summary")),
    "touch_rollup": lambda of: analysis.touch_rollup(credited(of), "campaign"),
    "unmatched_refunds": lambda of: analysis.unmatched_refunds(of("refunds"), of("orders")),
    "year_over_year": lambda of: analysis.year_over_year(of("series"), by="channel"),
}


def _with_sends(table: Any) -> Any:
    """Name the time at which a message was received as `bridge` does."""
    if hasattr(table, "withColumnRenamed"):  # narwhals would have Spark read other names as expressions
        return table.withColumnRenamed("received", "sent")
    import narwhals.stable.v2 as nw  # noqa: PLC0415

    return nw.from_native(table).rename({"received": "sent"}).to_native()


def test_every_function_is_here() -> None:
    functions = {name for name in analysis.__all__ if isinstance(getattr(analysis, name), FunctionType)}
    assert set(CALLS) == functions - {"normalise_orders"}  # reads dicts out of pandas frames only


PROPERTY = {
    "duckdb": "(event_properties ->> '$.\"{}\"')",
    "spark": "get_json_object(event_properties, \"$['{}']\")",
}


ODD = "SELECT *, 'post' AS {event_properties.Shipping.Method}, 'post' AS {a`b} FROM "


def written(text: str, engine: str) -> str:
    """Write a table's SQL in the engine's dialect: [a property], {a quoted column}; with two odd names."""
    text = text if "SELECT * FROM" in text else f"{ODD}({text}) AS plain"
    for opened, closed, how in (
        ("[", "]", PROPERTY),
        ("{", "}", {"duckdb": '"{}"', "spark": "`{}`"}),
    ):
        parts = text.split(opened)
        for place, part in enumerate(parts[1:], start=1):
            name, found, rest = part.partition(closed)
            assert found
            quoted = name.replace("`", "``") if engine == "spark" else name
            parts[place] = how[engine].format(quoted) + rest
        text = "".join(parts)
    return text


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with open_shop(profiles=60, events=1500) as shop:
        made = shop.client.archive(tmp_path_factory.mktemp("files"))
        made.sync(["events", "profiles", "segments"])
        made.snapshot("segments")
        yield made


@pytest.fixture(scope="module")
def in_duckdb(archive: Archive) -> Of:
    connection = archive._connected()
    connection.execute(RELATIONS)  # as `archive.table` does
    for name, text in PLAIN.items():
        connection.execute(f"CREATE TEMP TABLE {name} AS {written(text, 'duckdb')}")
    return connection.table


@pytest.fixture(scope="module")
def in_pandas(archive: Archive, in_duckdb: Of) -> Of:
    made: dict[str, pd.DataFrame] = {}

    def frame(name: str) -> pd.DataFrame:
        if name not in made:
            made[name] = frame_of(in_duckdb(name).to_arrow_table())
        return made[name].copy()

    return frame


@pytest.fixture(scope="module")
def in_spark(spark: Any, archive: Archive) -> Iterator[Of]:
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "UTC")  # the zone of the other two, in which months begin
    for name in ("events", "metrics", "profiles", "segments", "segment_members"):
        reader = spark.read.option("basePath", f"{archive._store.where}/{name}")
        reader.parquet(*archive.files(name)).createOrReplaceTempView(name)
    for name, text in PLAIN.items():
        spark.sql(written(text, "spark")).cache().createOrReplaceTempView(name)
    yield spark.table
    spark.conf.set("spark.sql.session.timeZone", zone)


def in_any_order(table: Any) -> list[str]:
    return sorted(repr(sorted((key, _number(value)) for key, value in row.items())) for row in records(table))


def _number(value: Any) -> Any:
    """Write equal numbers alike: a sum of whole numbers is of several types in several engines."""
    number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return round(float(value), 9) if number else value


@pytest.mark.filterwarnings("ignore:no click among the events")  # no machine has clicked in so small a shop
@pytest.mark.parametrize("name", sorted(CALLS))
def test_duckdb(name: str, in_duckdb: Of, in_pandas: Of) -> None:
    wanted = in_any_order(CALLS[name](in_pandas))
    assert wanted, "the tables say nothing about this analysis"
    assert in_any_order(CALLS[name](in_duckdb)) == wanted


@pytest.mark.filterwarnings("ignore")  # Spark's own
@pytest.mark.parametrize("name", sorted(CALLS))
def test_pyspark(name: str, in_spark: Of, in_pandas: Of) -> None:
    assert in_any_order(CALLS[name](in_spark)) == in_any_order(CALLS[name](in_pandas))
