"""A warning about odd values points at the line of who asked, however deep inside they were found."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from tests.http.scripted_server import ScriptedServer, data

EVENT = {"type": "event", "id": "1", "attributes": {"timestamp": "soon"}, "relationships": {}}


@pytest.fixture(scope="module")
def odd() -> Iterator[KlaviyoClient]:
    with (
        ScriptedServer(data([EVENT])) as server,
        ka.connect(api_key="pk_0123456789abcdef", base_url=server.url, progress=False) as client,
    ):
        yield client


ASKING: dict[str, Callable[[KlaviyoClient], Any]] = {
    "list": lambda client: client.events.list(),
    "workers": lambda client: client.events.list(workers=3),
    "iter_frames": lambda client: next(client.events.iter_frames()),
    "get": lambda client: client.events.get("1"),
    "every-chunk": lambda client: [frame for frame in client.events.iter_frames(chunk_size=1)],  # noqa: C416
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_it_names_the_line_that_asked(odd: KlaviyoClient, ask: Callable[[KlaviyoClient], Any]) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        ask(odd)
    (warning,) = said
    assert warning.category is ka.SchemaWarning
    assert (warning.filename, warning.lineno) == (__file__, inspect.getsourcelines(ask)[1])
