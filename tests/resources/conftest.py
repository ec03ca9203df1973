"""One shop a file, so that files can run beside each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from tests.resources.shop import Shop, serving


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A sandbox that this file's tests may write to."""
    with serving() as shop:
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
