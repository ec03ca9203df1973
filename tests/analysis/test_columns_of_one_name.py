"""Two columns of one name, as a merge or concat leaves them, are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.errors import FrameError

TREND = pd.DataFrame(
    {
        "datetime": pd.date_range("2026-05-01", periods=3, tz="UTC"),
        "metric": "Placed Order",
        "count": [1, 2, 3],
    }
)


@pytest.mark.parametrize("column", ["metric", "count", "datetime"])
@pytest.mark.parametrize(
    "call",
    [
        analysis.rates,
        lambda frame: analysis.resample(frame, "month"),
        lambda frame: plots.metric_trend(frame, y="count"),
    ],
    ids=["rates", "resample", "metric_trend"],
)
def test_two_columns_of_one_name_are_refused(call: Callable[[Any], Any], column: str) -> None:
    with pytest.raises(FrameError, match=f"two columns named '{column}'"):
        call(pd.concat([TREND, TREND[[column]]], axis=1))
