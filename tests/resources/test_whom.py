"""Who is meant by a single call of consent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError

NOBODY = r"(subscribe|unsuppress)\(\)|channel 'email' needs|row 0: email is missing"


@pytest.mark.parametrize("whom", [None, 5, [np.nan], [None], [5], pd.Series([np.nan], index=["email"])])
def test_nobody_is_refused_in_words(offline: KlaviyoClient, whom: Any) -> None:
    for verb in (offline.profiles.subscribe, offline.profiles.unsuppress):
        with pytest.raises(InvalidInputError, match=NOBODY):
            verb(whom, confirm=True)
