"""The same tables from PySpark; skipped where the extra `spark` or a Java is missing, but never in CI."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from tests.analysis.frames import NEW_YORK, records
from tests.analysis.test_engines import CALLS, ROWS_KEEP_THEIR_ORDER

IN_CI = os.environ.get("CI") == "true"
sql = importlib.import_module("pyspark.sql") if IN_CI else pytest.importorskip("pyspark.sql")
pytestmark = [
    pytest.mark.skipif(not IN_CI and shutil.which("java") is None, reason="PySpark needs a Java"),
    pytest.mark.filterwarnings("ignore"),  # Spark's own
]

TYPES = {"Int64": "bigint", "float64": "double", "string": "string", "boolean": "boolean", "bool": "boolean"}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": NEW_YORK,
        "spark.sql.shuffle.partitions": "1",
        "spark.pyspark.python": sys.executable,
    }
    builder = sql.SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.mark.parametrize("name", CALLS)
def test_the_table_is_the_same(name: str, spark: Any) -> None:
    def to_spark(table: pd.DataFrame) -> Any:
        schema = ", ".join(
            f"`{column}` {TYPES.get(str(kind), 'timestamp')}" for column, kind in table.dtypes.items()
        )
        rows = [tuple(map(_python, row)) for row in table.itertuples(index=False, name=None)]
        return spark.createDataFrame(rows, schema)

    got, wanted = records(CALLS[name](to_spark)), records(CALLS[name](lambda table: table))
    if name in ROWS_KEEP_THEIR_ORDER:
        got, wanted = sorted(got, key=repr), sorted(wanted, key=repr)
    assert got == wanted


def _python(value: Any) -> Any:
    if pd.isna(value):
        return None
    return (
        value.to_pydatetime() if isinstance(value, pd.Timestamp) else getattr(value, "item", lambda: value)()
    )
