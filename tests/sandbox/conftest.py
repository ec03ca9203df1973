"""The sandbox tested alone: an account in the process, and one on a socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import NOW, small_account
from tests.sandbox.api import Api


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    """A small account that listens on a free port; its clock stands still until it is moved."""
    with Sandbox(account=small_account(), clock=clock, sleep=clock.sleep) as sandbox:
        yield sandbox


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    """Requests to the sandbox without a socket, with its private key."""
    return Api(sandbox)
