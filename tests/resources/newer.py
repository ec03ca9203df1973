"""A sandbox that is asked in a newer revision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pandas as pd

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox


@contextmanager
def asked_in(revision: str) -> Iterator[tuple[KlaviyoClient, Sandbox]]:
    """Serve a shop, with a client of this revision that waits for nothing."""
    with (
        Sandbox(profiles=300, events=3_000) as sandbox,
        ka.connect(
            api_key=sandbox.api_key, base_url=sandbox.direct_url, revision=revision, progress=False
        ) as client,
    ):
        client._embed(now=lambda: datetime.fromtimestamp(sandbox.account.now, UTC), on_close=lambda: None)
        yield client, sandbox


def there(row: pd.Series[Any] | None) -> pd.Series[Any]:
    """Return a related row that must be there."""
    assert row is not None
    return row


def offline(revision: str) -> KlaviyoClient:
    """Return a client that cannot send anything, so that what it refuses was refused before a request."""
    return ka.connect(api_key="pk_0123456789", base_url="http://127.0.0.1:9", revision=revision)
