"""Whatever is in a frame: what is read back is what was sent, or the row is a failure that says why."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klaviyo_analytics.filters import F
from tests.shops import Shop

RUNS = itertools.count()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**66), 2**66),
    st.floats(),
    TEXT,
    st.dates(dt.date(1900, 1, 1)),
    st.datetimes(timezones=st.sampled_from([dt.UTC, None])),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.binary(max_size=3),
    st.just("x" * 100_001),
)
CELLS = st.one_of(
    PLAIN, st.lists(PLAIN, max_size=3), st.dictionaries(TEXT, PLAIN, max_size=3), st.just(np.array([1, 2]))
)
KEYS = st.one_of(st.just("good"), st.sampled_from(["no address", None, "a@b", "twin"]))
ROWS = st.lists(st.tuples(KEYS, CELLS, st.one_of(st.none(), TEXT)), min_size=1, max_size=8)


class UnsendableError(Exception):
    """This test's own opinion of a value."""


def expected(value: Any) -> Any:
    """Say what JSON makes of a value; told apart from the package's own way on purpose."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [expected(item) for item in value]
    if isinstance(value, dict):
        return {name: expected(item) for name, item in value.items()}
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return None
    if isinstance(value, np.generic):
        return expected(value.item())
    if isinstance(value, bytes) or (isinstance(value, float) and math.isinf(value)):
        raise UnsendableError
    if isinstance(value, float) and abs(value) >= 2**53:
        raise UnsendableError  # an integer that became a float may have lost digits
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        raise UnsendableError
    if isinstance(value, Decimal):
        if Decimal(repr(float(value))) != value:
            raise UnsendableError
        return float(value)
    return value.isoformat() if isinstance(value, dt.date) else value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=ROWS)
def test_what_is_read_back_is_what_was_sent_or_the_row_is_a_failure(shop: Shop, rows: list[Any]) -> None:
    run = next(RUNS)
    emails = [
        f"trip{run}-{number}@mail.example.net"
        if key == "good"
        else "twin@mail.example.net"
        if key == "twin"
        else key
        for number, (key, _, _) in enumerate(rows)
    ]
    frame = pd.DataFrame({"email": pd.Series(emails, dtype=object)})
    frame["cell"] = pd.Series([cell for _, cell, _ in rows], dtype=object)
    frame["first_name"] = pd.Series([name for _, _, name in rows], dtype=object)
    frame.index = pd.Index([f"row {number}" for number in range(len(rows))])
    result = shop.client.profiles.upsert(frame, properties=["cell"], skip_invalid=True)

    assert result.rows.index.tolist() == frame.index.tolist()
    assert result.failures["detail"].notna().all()
    written = result.rows[result.rows["status"] == "written"]
    assert len(written) + len(result.failures) == len(rows)
    there = _read(shop, written["key"].tolist())
    assert len(there) == len(written)
    for number, (key, cell, name) in enumerate(rows):
        twins = sum(other == "twin" for other, _, _ in rows)
        try:
            value, good = expected(cell), key == "good" or (key == "twin" and twins == 1)
            good = good and len(str(value)) < 100_000
            good = good and (value is not None or name is not None)  # else nothing but the key would be sent
        except UnsendableError:
            good = False
        assert (f"row {number}" in written.index) == good
        if good:
            found = there.loc[emails[number]]
            if not (key == "twin" and value is None):  # earlier runs may have left something that null keeps
                assert found["properties"].get("cell") == value
            if key == "good":
                assert found["first_name"] == name if name is not None else pd.isna(found["first_name"])


def _read(shop: Shop, emails: list[str]) -> pd.DataFrame:
    if not emails:
        return pd.DataFrame()
    return shop.client.profiles.list(filter=F.email.any(emails)).set_index("email")
