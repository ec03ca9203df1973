"""A small account for each file, whose clock moves only when somebody waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.shop import serving
from tests.shops import Shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A sandbox that this file's tests may write to."""
    with serving(profiles=60, events=300) as shop:
        yield shop


@pytest.fixture(scope="module")
def client(shop: Shop) -> KlaviyoClient:
    """A client of that sandbox."""
    return shop.client


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> Iterator[None]:
    """Keep journals out of the user's own folder; leave no fault behind."""
    monkeypatch.setenv("KLAVIYO_ANALYTICS_HOME", str(tmp_path / "home"))
    yield
    if "shop" in request.fixturenames:
        request.getfixturevalue("shop").sandbox.faults.clear()
