"""A shop that an archive test may change, and one archive that all tests only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.analysis.conftest import spark  # one session for all tests of a process
from tests.shops import Shop, open_shop

pytest.importorskip("deltalake")

from klaviyo_analytics.archive import Archive

__all__ = ["spark"]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop(profiles=40, events=900) as shop:
        yield shop


@pytest.fixture(scope="session")
def kept(library: Shop, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = library.client.archive(tmp_path_factory.mktemp("archive"))
    archive.sync()
    return archive
