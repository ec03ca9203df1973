"""The same tables from PySpark as from pandas: one call of each function, since planning takes Spark seconds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.analysis.frames import records
from tests.analysis.revenue_frames import CALLS as REVENUE_CALLS
from tests.analysis.revenue_frames import ROWS_KEEP_THEIR_ORDER as REVENUE_ROWS_KEEP_THEIR_ORDER
from tests.analysis.test_engines import CALLS, ROWS_KEEP_THEIR_ORDER

pytestmark = pytest.mark.filterwarnings("ignore")  # Spark's own
EVERY_CALL = {**CALLS, **REVENUE_CALLS}
# One call of each function: the one in which some numerators are missing, if there is one, else the first. Other
# calls of a function than its first come after a comma.
FIRST = {name.split(",")[0]: name for name in reversed(EVERY_CALL)}
ONE_OF_EACH = FIRST | {name.split(",")[0]: name for name in EVERY_CALL if name.endswith(", partly known")}


@pytest.mark.parametrize("name", sorted(ONE_OF_EACH.values()))
def test_the_table_is_the_same(name: str, to_spark: Any) -> None:
    got, wanted = records(EVERY_CALL[name](to_spark)), records(EVERY_CALL[name](lambda table: table))
    if name in ROWS_KEEP_THEIR_ORDER | REVENUE_ROWS_KEEP_THEIR_ORDER:
        got, wanted = sorted(got, key=repr), sorted(wanted, key=repr)
    assert got == wanted
