"""A frame as a table to look at."""

from __future__ import annotations

import pandas as pd
import pytest

from klaviyo_analytics.widgets.tables import table


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"a": [1]}), "1 row × 1 column"),
        (pd.DataFrame({"a": [], "b": []}), "0 rows × 2 columns"),
        (pd.DataFrame({"a": range(1_200), "b": 0}), "1,200 rows × 2 columns, the first 100 shown"),
    ],
)
def test_its_size_stands_above_it_and_is_said_to_who_cannot_see_it(frame: pd.DataFrame, said: str) -> None:
    written = table(frame)
    assert f">{said}</div>" in written
    assert f'aria-label="Table, {said}"' in written
