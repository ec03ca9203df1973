"""A shop for each file of tests, and a ledger for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reports.accounts import Visits
from tests.reports.accounts import visits as visiting
from tests.resources.shop import serving
from tests.shops import Shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    # Carts, views and a second integration's orders are events, too: with 8,000 events, 23 of Shopify's orders are
    # credited to a message, and with these 36. The tests compare message by message and ask for more than 25.
    with serving(profiles=400, events=15_000) as shop:
        yield shop


@pytest.fixture
def visits(shop: Shop, tmp_path: Path) -> Iterator[Visits]:
    yield from visiting(shop, tmp_path)
