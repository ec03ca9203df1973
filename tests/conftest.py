"""What all tests share: settings of hypothesis, an order, an environment without keys, a shop, and two clients."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

import klaviyo_analytics as ka
from klaviyo_analytics import _connect
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.http.rate_limits import Pacer
from klaviyo_analytics.quota.budget import Ledger, Quota
from tests.http.clocks import SkippingClock
from tests.shops import Shop, open_shop

# a busy machine is no bug, so no example has a deadline
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

LONGEST = (  # modules that take longest start first, so that no worker is left with one of them at the end
    "tests/journeys/test_notebooks.py",
    "tests/archive/test_analyses_on_files.py",
    "tests/browser/test_lab.py",
    "tests/browser/test_look.py",
    "tests/widgets/test_revisions.py",
    "tests/analysis/test_spark.py",
    "tests/analysis/test_degenerate_frames.py",
    "tests/plots/test_overlap.py",
)


def pytest_xdist_auto_num_workers() -> int:
    """Use one worker more than there are processors, since a test that has a browser or a Java waits for it."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules first; the others keep their order."""
    places = {module: place for place, module in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.fixture(scope="session", autouse=True)
def _nobodys_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests from the account and the files of who runs them."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("MATON_API_KEY", "KLAVIYO_API_KEY", "KLAVIYO_BASE_URL", "MATON_CTRL_URL"):
            environment.delenv(name, raising=False)
        environment.setenv("KLAVIYO_ANALYTICS_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _limits_wait_for_nothing() -> Iterator[None]:
    """Let clients of `ka.connect` keep the documented limits by clocks that a pause moves on."""

    def pacer(*, clock: object, sleep: object, patience: float) -> Pacer:
        del clock, sleep
        skipping = SkippingClock()
        return Pacer(clock=skipping, sleep=skipping.sleep, patience=patience)

    def quota(ledger: Ledger) -> Quota:
        skipping = SkippingClock(time.time)
        return Quota(ledger, clock=skipping, sleep=skipping.sleep)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_connect, "Pacer", pacer)
        patched.setattr(_connect, "Quota", quota)
        yield


@pytest.fixture(scope="module", autouse=True)
def _collections_look_at_new_objects() -> None:
    """Let a collection of garbage pass over what was there before the module, which takes a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def library() -> Iterator[Shop]:
    """A shop that tests only read, so that all of them can share it."""
    with open_shop(profiles=300, events=5_000) as shop:
        yield shop


@pytest.fixture(scope="session")
def reader(library: Shop) -> KlaviyoClient:
    """A client of that shop."""
    return library.client


@pytest.fixture(scope="session")
def offline() -> Iterator[KlaviyoClient]:
    """A client that cannot send anything."""
    with ka.connect(api_key="pk_0123456789", base_url="http://127.0.0.1:9") as client:
        yield client
