"""Who is meant by a single call of consent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError

ONE = "{}(): {} does not identify a profile; pass email addresses, dicts, rows or a DataFrame."
FRAME = "{}() takes a DataFrame (pandas, Polars, Arrow, ...), a Series, a list or an array, not {}."
NO_EMAIL = "1 of 1 profiles cannot be sent, so nothing was: row 0: email is missing."


@pytest.mark.parametrize(
    ("whom", "said"),
    [
        (5, FRAME.format("{0}", "int")),
        ([np.nan], ONE.format("{0}", "nan")),
        ([None], ONE.format("{0}", "None")),
        ([5], ONE.format("{0}", "5")),
        (pd.Series([np.nan], index=["email"]), NO_EMAIL),
    ],
    ids=str,
)
def test_nobody_is_refused_in_words(offline: KlaviyoClient, whom: Any, said: str) -> None:
    for method in (offline.profiles.subscribe, offline.profiles.unsuppress):
        with pytest.raises(InvalidInputError) as caught:
            method(whom, confirm=True)
        assert str(caught.value) == said.format(method.__name__)


def test_nothing_at_all_is_refused_in_words(offline: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError) as caught:
        offline.profiles.subscribe(None, confirm=True)  # type: ignore[arg-type]
    assert str(caught.value) == FRAME.format("subscribe", "None")
    with pytest.raises(InvalidInputError) as caught:
        offline.profiles.unsuppress(None, confirm=True)
    assert str(caught.value) == "unsuppress(): pass exactly one of profiles, list= and segment=."
