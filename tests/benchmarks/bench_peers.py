"""What a notebook waits for, here and with what people use today. A script, not a test.

Measured side by side in one run, against one sandbox in a process of its own whose every answer takes
50 ms longer, as an answer from afar does:

- *official*: Klaviyo's own Python client (`klaviyo-api`), which neither pages nor makes frames, with the loop
  that its users write around it, at the page size that it asks for by itself and at the largest;
- *by hand*: `requests`, a loop over `links.next`, and `pandas.json_normalize`;
- *ours*: one call.

Every way must come to the same rows.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import requests
from klaviyo_api import KlaviyoAPI

import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox

LATENCY = 0.05
EVENTS = 20_000
PROFILES = 3_000
SCORES = 300
REVISION = "2026-01-15"


def serve(pipe: Any) -> None:
    """Serve a shop until told to stop."""
    with Sandbox(profiles=PROFILES, events=EVENTS) as sandbox:
        sandbox.faults.add(times=None, delay=LATENCY)
        pipe.send((sandbox.direct_url, sandbox.api_key))
        pipe.recv()


@contextmanager
def shop() -> Iterator[tuple[str, str]]:
    """Give the URL and the key of a shop in another process."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join()


class Official:
    """Klaviyo's own client, with the loops around it."""

    def __init__(self, url: str, key: str) -> None:
        self.client = KlaviyoAPI(key, max_retries=3, test_host=url)

    def events(self, **size: Any) -> pd.DataFrame:
        return self._all(self.client.Events.get_events, **size)

    def profiles(self, **size: Any) -> pd.DataFrame:
        return self._all(self.client.Profiles.get_profiles, **size)

    def score(self, frame: pd.DataFrame) -> None:
        for row in frame.itertuples():
            attributes = {"email": row.email, "properties": {"score": row.score}}
            self.client.Profiles.create_or_update_profile(
                {"data": {"type": "profile", "attributes": attributes}}
            )

    def _all(self, get: Callable[..., Any], **size: Any) -> pd.DataFrame:
        records, cursor = [], None
        while True:
            answer = get(**size, **({"page_cursor": cursor} if cursor else {}))
            records += [record.to_dict() for record in answer.data]
            cursor = answer.links.next
            if not cursor:
                return pd.json_normalize(records)


class ByHand:
    """What is in many a notebook."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Klaviyo-API-Key {key}", "revision": REVISION})

    def all(self, noun: str, size: int) -> pd.DataFrame:
        records: list[Any] = []
        url = f"{self.url}/api/{noun}?page[size]={size}"
        while url:
            answer = self.session.get(url, timeout=30)
            answer.raise_for_status()
            document = answer.json()
            records += document["data"]
            url = (document["links"].get("next") or "").replace("https://a.klaviyo.com", self.url)
        return pd.json_normalize(records)

    def score(self, frame: pd.DataFrame) -> None:
        for row in frame.itertuples():
            attributes = {"email": row.email, "properties": {"score": row.score}}
            body = {"data": {"type": "profile", "attributes": attributes}}
            self.session.post(f"{self.url}/api/profile-import", json=body, timeout=30).raise_for_status()


def scores(name: str) -> pd.DataFrame:
    """Make people to be scored."""
    emails = [f"{name}{number}@mail.example.net" for number in range(SCORES)]
    return pd.DataFrame({"email": emails, "score": range(SCORES)})


def compare(question: str, ours: Callable[[], Any], others: dict[str, Callable[[], Any]]) -> None:
    """Time ours and each other way, and print how many times as long the others take."""
    reference, expected = timed(ours)
    print(f"\n{question}\n  {'ours':<28} {reference:7.2f} s")
    for name, way in others.items():
        seconds, got = timed(way)
        if expected is not None:
            assert sorted(got["id"]) == sorted(expected["id"]), f"{name} came to other rows"
        print(f"  {name:<28} {seconds:7.2f} s   {seconds / reference:5.1f} times as long")


def timed(way: Callable[[], Any]) -> tuple[float, Any]:
    """Give the seconds that a way takes, and what it gives."""
    began = time.perf_counter()
    found = way()
    return time.perf_counter() - began, found


def main() -> None:
    """Print a table for each question."""
    with shop() as (url, key), ka.connect(api_key=key, base_url=url, progress=False) as client:
        official, by_hand = Official(url, key), ByHand(url, key)
        compare(
            f"{EVENTS:,} events as a frame",
            client.events.list,
            {
                "official, its page size": official.events,
                "by hand, the largest": lambda: by_hand.all("events", 1000),
            },
        )
        compare(
            f"{PROFILES:,} profiles as a frame",
            client.profiles.list,
            {
                "official, its page size": official.profiles,
                "official, the largest": lambda: official.profiles(page_size=100),
                "by hand, the largest": lambda: by_hand.all("profiles", 100),
            },
        )
        compare(
            f"{SCORES} scores written, each confirmed",
            lambda: client.profiles.upsert(scores("ours"), properties="rest").raise_for_failures(),
            {
                "official, row by row": lambda: official.score(scores("official")),
                "by hand, row by row": lambda: by_hand.score(scores("hand")),
            },
        )


if __name__ == "__main__":
    main()
