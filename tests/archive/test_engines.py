"""The same numbers by DuckDB, Polars and PySpark from the archive's files."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.archive import Archive

polars = pytest.importorskip("polars")
QUERY = "select metric_id, month, count(*) as events, sum(value) as value from events group by all"


def counted(frame: Any) -> pd.DataFrame:
    """Bring an engine's answer into one order and one set of types."""
    kinds = {"metric_id": "string", "month": "string", "events": "Int64", "value": "float64"}
    return (
        pd.DataFrame(frame)[list(kinds)].astype(kinds).sort_values(["metric_id", "month"], ignore_index=True)
    )


@pytest.fixture(scope="module")
def wanted(kept: Archive) -> pd.DataFrame:
    events = kept.frame("events", properties={"$value": "float64"})
    grouped = events.assign(
        month=events["datetime"].dt.strftime("%Y-%m"), value=events["event_properties.$value"]
    )
    by = grouped.groupby(["metric_id", "month"], as_index=False)
    return counted(by.agg(events=("id", "size"), value=("value", lambda values: values.sum(min_count=1))))


def same(got: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(got, wanted, rtol=1e-12)


def test_duckdb(kept: Archive, wanted: pd.DataFrame) -> None:
    same(counted(kept.sql(QUERY)), wanted)


def test_polars_on_the_files_and_on_the_delta_table(kept: Archive, wanted: pd.DataFrame) -> None:
    files = polars.scan_parquet(kept.files("events"), hive_partitioning=True, try_parse_hive_dates=False)
    for events in (files, polars.scan_delta(f"{kept._store.where}/events")):
        answer = events.group_by("metric_id", "month").agg(
            polars.len().alias("events"),
            polars.when(polars.col("value").count() > 0).then(polars.col("value").sum()).alias("value"),
        )
        same(counted(answer.collect().to_dict(as_series=False)), wanted)


def test_every_column_is_in_the_files(kept: Archive) -> None:
    columns = set(polars.read_parquet_schema(kept.files("events")[0]))
    assert set(kept.table("events").columns) - columns == {"month"}


@pytest.mark.filterwarnings("ignore")
def test_plain_pyspark(spark: Any, kept: Archive, wanted: pd.DataFrame) -> None:
    base = f"{kept._store.where}/events"
    reader = spark.read.option("basePath", base)
    reader.parquet(*kept.files("events")).createOrReplaceTempView("events")
    rows = spark.sql(QUERY.replace("group by all", "group by metric_id, month")).collect()
    got = counted([row.asDict() for row in rows])
    same(got.assign(month=got["month"].str[:7]), wanted)
