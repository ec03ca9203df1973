"""What a notebook waits for, here and with what people use today. A script, not a test.

Events are read from the server of prepared pages of `bench_reading`, each way in a process of its own, with no
latency, 50 ms and 200 ms a page:

- *bare floor*: `requests`, a loop over `links.next`, and `orjson.loads`, without a frame;
- *by hand*: the same loop, and `pandas.json_normalize`;
- *official*: Klaviyo's own Python client (`klaviyo-api`), which neither pages nor makes frames, with the loop that
  its users write around it, at the page size of the server, as it has no parameter for it;
- *dlt*: its REST source into a table of DuckDB, read as a frame; only where it is installed, as it is no extra
  of ours (`pip install "dlt[duckdb]"`);
- *ours*: one call; also with `properties="text"`, and in frames.

Every way must come to the same rows. Memory is the peak above what the process had after its imports. The share of
the quota is the requests of one read in the 3,500 that an account may send in a minute. Scores are written to a
sandbox whose every answer takes 50 ms longer. tap-klaviyo is not here: its address is fixed, the versions of its
requirements are, too, and it reads each metric by pages in turn, as the loop by hand does.

    python -m tests.benchmarks.bench_peers [--events 20000] [--spread uneven]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pandas as pd
import requests
from klaviyo_api import KlaviyoAPI

import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox
from tests.benchmarks.bench_reading import REVISION, served

LATENCIES = (0.0, 0.05, 0.2)
LATENCY = 0.05  # of the sandbox
A_MINUTE = 3_500  # requests for events that an account may send
SCORES = 200


def serve(pipe: Any) -> None:
    """Serve a shop until told to stop."""
    with Sandbox(profiles=100, events=500) as sandbox:
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

    def events(self) -> pd.DataFrame:
        return self._all(self.client.Events.get_events)

    def score(self, frame: pd.DataFrame) -> None:
        for row in frame.itertuples():
            attributes = {"email": row.email, "properties": {"score": row.score}}
            self.client.Profiles.create_or_update_profile(
                {"data": {"type": "profile", "attributes": attributes}}
            )

    def _all(self, get: Callable[..., Any]) -> pd.DataFrame:
        records, cursor = [], None
        while True:
            answer = get(**({"page_cursor": cursor} if cursor else {}))
            records += [record.to_dict() for record in answer.data]
            if not answer.links.next:
                return pd.json_normalize(records)
            cursor = parse_qs(urlsplit(answer.links.next).query)["page[cursor]"][0]


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


def floor(url: str) -> int:
    """Read and decode every page, and keep nothing."""
    session, rows = requests.Session(), 0
    following: str | None = f"{url}/api/events?page[size]=1000&sort=datetime"
    while following:
        document = orjson.loads(session.get(following, timeout=60).content)
        rows += len(document["data"])
        following = (document["links"]["next"] or "").replace("https://a.klaviyo.com", url) or None
    return rows


def ours(url: str, **options: Any) -> pd.DataFrame:
    """Read at the default settings."""
    with ka.connect(api_key="pk_test", base_url=url, progress=False, revision=REVISION) as client:
        return client.events.list(start="2020-01-01T00:00:00Z", **options)


def in_frames(url: str) -> int:
    """Read in frames, and keep none."""
    with ka.connect(api_key="pk_test", base_url=url, progress=False, revision=REVISION) as client:
        return sum(map(len, client.events.iter_frames(start="2020-01-01T00:00:00Z")))


def by_dlt(url: str) -> pd.DataFrame:
    """Load all pages into a database of their own, and read its table."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    dlt = import_module("dlt")
    paginators = import_module("dlt.sources.helpers.rest_client.paginators")
    rest_api_source = import_module("dlt.sources.rest_api").rest_api_source

    class Following(paginators.JSONLinkPaginator):  # type: ignore[misc, name-defined]
        """Follows the links on this machine."""

        def update_state(self, response: Any, data: Any = None) -> None:
            super().update_state(response, data)
            following: str | None = self._next_reference  # type: ignore[has-type]
            self._next_reference = following and following.replace("https://a.klaviyo.com", url)

    endpoint = {"path": "events", "params": {"page[size]": 1000, "sort": "datetime"}, "data_selector": "data"}
    source = rest_api_source(
        {
            "client": {"base_url": f"{url}/api/", "paginator": Following(next_url_path="links.next")},
            "resources": [{"name": "events", "endpoint": endpoint, "max_table_nesting": 0}],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        database = dlt.destinations.duckdb(f"{folder}/events.duckdb")
        pipeline = dlt.pipeline("events", pipelines_dir=folder, destination=database, dataset_name="klaviyo")
        pipeline.run(source)
        with pipeline.sql_client() as client, client.execute_query("SELECT * FROM events") as rows:
            frame: pd.DataFrame = rows.df()
    return frame


WAYS: dict[str, Callable[[str], Any]] = {
    "ours": ours,
    "ours, properties as text": lambda url: ours(url, properties="text"),
    "ours, in frames": in_frames,
    "bare floor": floor,
    "by hand": lambda url: ByHand(url, "pk_test").all("events", 1000),
    "official": lambda url: Official(url, "pk_test").events(),
    **({"dlt": by_dlt} if find_spec("dlt") else {}),
}


def measure(pipe: Any, way: str, url: str) -> None:
    """Read in this process, and send the rows, the seconds and the megabytes at the peak."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    found = WAYS[way](url)
    seconds = time.perf_counter() - began
    rows = found if isinstance(found, int) else found["id"].nunique()
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    pipe.send((rows, seconds, megabytes))


def measured(way: str, url: str, count: int, latency: float, spread: str) -> tuple[float, int, float]:
    """Return the seconds, the requests and the megabytes of one read in a new process."""
    control = f"{url}/control?latency={latency}&spread={spread}"
    requests.get(control, timeout=60)
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe()
    process = context.Process(target=measure, args=(sender, way, url))
    process.start()
    rows, seconds, megabytes = receiver.recv()
    process.join()
    assert rows == count, f"{way} came to {rows:,} rows instead of {count:,}"
    return seconds, requests.get(control, timeout=60).json()["requests"], megabytes


def reading(count: int, spread: str) -> None:
    """Print how long each way reads, as a table in Markdown."""
    waits = " | ".join(f"{latency:g} s a page" for latency in LATENCIES)
    print(f"\n{count:,} events as a frame, {spread} density\n")
    print(f"| | {waits} | times ours at {LATENCIES[-1]:g} s | requests | share of a minute | peak |")
    print("|---|" + "---|" * (len(LATENCIES) + 4))
    slowest = 0.0
    with served(count) as url:
        for way in WAYS:
            found = [measured(way, url, count, latency, spread) for latency in LATENCIES]
            slowest = slowest or found[-1][0]
            seconds = " | ".join(f"{each:.2f} s" for each, _, _ in found)
            asked, megabytes = found[-1][1], max(peak for _, _, peak in found)
            print(
                f"| {way} | {seconds} | {found[-1][0] / slowest:.1f} | {asked} | {asked / A_MINUTE:.1%} | "
                f"{megabytes:,.0f} MB |",
                flush=True,
            )


def writing() -> None:
    """Print how long each way writes."""
    with shop() as (url, key), ka.connect(api_key=key, base_url=url, progress=False) as client:
        official, by_hand = Official(url, key), ByHand(url, key)
        ways: dict[str, Callable[[], Any]] = {
            "ours": lambda: client.profiles.upsert(scores("ours"), properties="rest").raise_for_failures(),
            "by hand, row by row": lambda: by_hand.score(scores("hand")),
            "official, row by row": lambda: official.score(scores("official")),
        }
        print(f"\n{SCORES} scores written, each confirmed\n\n| | seconds | times ours |\n|---|---|---|")
        quickest = 0.0
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            seconds = time.perf_counter() - began
            quickest = quickest or seconds
            print(f"| {name} | {seconds:.2f} | {seconds / quickest:.1f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--spread", choices=("even", "uneven"), default="even")
    given = parser.parse_args()
    reading(given.events, given.spread)
    writing()


if __name__ == "__main__":
    main()
