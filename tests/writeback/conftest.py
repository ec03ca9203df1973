"""A small account for each file, whose clock moves only when somebody waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from tests.resources.shop import Shop, serving


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A sandbox that this file's tests may write to."""
    with serving(profiles=60, events=300) as shop:
        sandbox = shop.sandbox
        shop.client._context.now = lambda: datetime.fromtimestamp(sandbox.account.now, UTC)
        shop.client._api.paced = False
        yield shop


@pytest.fixture(scope="module")
def client(shop: Shop) -> KlaviyoClient:
    """A client of that sandbox."""
    return shop.client


@pytest.fixture(scope="session")
def offline() -> Iterator[KlaviyoClient]:
    """A client that cannot send anything."""
    with ka.connect(api_key="pk_0123456789", base_url="http://127.0.0.1:9") as client:
        yield client


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> Iterator[None]:
    """Keep journals out of the user's own folder; leave no fault behind."""
    monkeypatch.setenv("KLAVIYO_ANALYTICS_HOME", str(tmp_path / "home"))
    yield
    if "shop" in request.fixturenames:
        request.getfixturevalue("shop").sandbox.faults.clear()
