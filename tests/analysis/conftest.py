"""One Spark session for all engine tests; skipped where PySpark or a Java is missing, but never in CI."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from tests.analysis.frames import NEW_YORK

IN_CI = os.environ.get("CI") == "true"
TYPES = {
    "Int64": "bigint",
    "int64": "bigint",
    "float64": "double",
    "string": "string",
    "str": "string",  # pandas 3
    "boolean": "boolean",
    "bool": "boolean",
    "object": "string",
}
# For frames of a few rows, compiling a plan takes far longer than running it.
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": NEW_YORK,
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.pyspark.python": sys.executable,
}


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Return the session."""
    if not IN_CI and shutil.which("java") is None:
        pytest.skip("PySpark needs a Java")
    sql = importlib.import_module("pyspark.sql") if IN_CI else pytest.importorskip("pyspark.sql")
    builder = sql.SparkSession.builder.master("local[1]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def to_spark(spark: Any) -> Callable[[pd.DataFrame], Any]:
    """Return the function that turns a pandas frame into one of Spark; each frame is sent once."""
    sent: dict[int, tuple[pd.DataFrame, Any]] = {}

    def convert(table: pd.DataFrame) -> Any:
        if id(table) not in sent:
            quoted = [str(column).replace("`", "``") for column in table.columns]
            schema = ", ".join(
                f"`{column}` {TYPES.get(str(kind), 'timestamp')}"
                for column, kind in zip(quoted, table.dtypes, strict=True)
            )
            rows = [tuple(map(_python, row)) for row in table.itertuples(index=False, name=None)]
            sent[id(table)] = table, spark.createDataFrame(rows, schema)
        return sent[id(table)][1]

    return convert


def _python(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return getattr(value, "item", lambda: value)()
