"""How much a frame costs beyond the JSON that it is made of. A script, not a test.

Measured side by side in one process, on one page of 1,000 events as the sandbox sends it: our way from bytes
to DataFrame, and the least that anybody must do, ``orjson.loads`` and a plain list per column. The goal is a
ratio of at most 1.5.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import orjson
import pandas as pd
import requests

from klaviyo_analytics import endpoints, frames
from klaviyo_analytics.endpoints import jsonapi, query
from klaviyo_analytics.http.json import loads
from klaviyo_analytics.sandbox import Sandbox

ROUNDS = 400
GOAL = 1.5


def page() -> bytes:
    """Fetch 1,000 events as they come over the wire."""
    with Sandbox(profiles=300, events=5_000) as sandbox:
        answer = requests.get(
            f"{sandbox.direct_url}/api/events",
            params={"page[size]": "1000", "sort": "datetime"},
            headers={"Authorization": f"Klaviyo-API-Key {sandbox.api_key}", "revision": "2026-01-15"},
            timeout=30,
        )
    answer.raise_for_status()
    return answer.content


ENDPOINT = endpoints.load()["get_events"]
SCHEMA = frames.schema(ENDPOINT, query.build(ENDPOINT))


def ours(body: bytes) -> pd.DataFrame:
    """Go from bytes to a frame, as `events.list` does."""
    table = frames.Table(SCHEMA)
    table.add(jsonapi.resources(loads(body), "GET /api/events"))
    return table.frame()


def plain(body: bytes) -> dict[str, list[Any]]:
    """Do the least: decode, and a list per column."""
    records = orjson.loads(body)["data"]
    attributes = [record["attributes"] for record in records]
    relationships = [record["relationships"] for record in records]
    return {
        "id": [record["id"] for record in records],
        "timestamp": [held["timestamp"] for held in attributes],
        "event_properties": [held["event_properties"] for held in attributes],
        "datetime": [held["datetime"] for held in attributes],
        "uuid": [held["uuid"] for held in attributes],
        "profile_id": [identifier(related["profile"]) for related in relationships],
        "metric_id": [identifier(related["metric"]) for related in relationships],
    }


def identifier(relationship: dict[str, Any]) -> str | None:
    """Give the related id; an event can be nobody's."""
    data = relationship.get("data")
    return data["id"] if data else None


def milliseconds(work: Callable[[bytes], object], body: bytes) -> float:
    """Time one run."""
    began = time.perf_counter()
    work(body)
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Print both medians and their ratio."""
    body = page()
    assert len(ours(body)) == 1_000
    pairs = [(milliseconds(ours, body), milliseconds(plain, body)) for _ in range(ROUNDS)]
    frame, lists = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"1,000 events, {len(body):,} bytes, median of {ROUNDS} runs in turn")
    print(f"bytes to DataFrame            {frame:6.2f} ms")
    print(f"orjson.loads and plain lists  {lists:6.2f} ms")
    print(f"ratio                         {frame / lists:6.2f}    (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
