"""How long 200,000 events take to read, with latency and without. A script, not a test.

Measured side by side in one run, against a server of prepared pages in a process of its own: `client.events.list` at
its default settings and a loop of `requests` and `json_normalize` by hand. The server holds each answer back
for the latency, and keeps no rate limit of its own. Two spreads of the events over a year: evenly, and 80% of them
within 2% of the time. Goals: with 0.2 s a page at most 1.35 times as long as without, at most 1.2 times the requests
of the loop; through the gateway 200 full pages in at most 21.5 s; no 429.

    python -m tests.benchmarks.bench_reading [--by-hand] [--gateway] [--events 200000]
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import multiprocessing
import random
import statistics
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import pandas as pd
import requests

import klaviyo_analytics as ka

REVISION = "2026-01-15"
YEAR = 365 * 86_400
END = time.time() // 3600 * 3600  # of the last event
METRICS = [
    {"type": "metric", "id": f"M{number}", "attributes": {"name": f"Metric {number}"}} for number in range(9)
]
LATENCY = 0.2
MOST_TIME, MOST_REQUESTS, MOST_GATEWAY, FASTER = 1.35, 1.2, 21.5, 7


def times(spread: str, count: int) -> list[float]:
    """Return the moments of the events in order, in seconds."""
    chance = random.Random(7)
    dense = (END - 0.63 * YEAR, END - 0.61 * YEAR)
    return sorted(
        chance.uniform(*dense)
        if spread == "uneven" and chance.random() < 0.8
        else END - chance.random() * YEAR
        for _ in range(count)
    )


def event(number: int, moment: float) -> bytes:
    """Return an event of about 1.4 KB as JSON."""
    properties: dict[str, object] = {
        f"Property {index}": f"value {number % 97} of {index} " * 2 for index in range(18)
    }
    properties["$value"] = number % 1000 / 10
    return orjson.dumps(
        {
            "type": "event",
            "id": f"E{number:09d}",
            "attributes": {
                "timestamp": int(moment),
                "event_properties": properties,
                "datetime": datetime.fromtimestamp(int(moment), UTC).isoformat(),
                "uuid": f"{number:032x}",
            },
            "relationships": {
                "profile": {"data": {"type": "profile", "id": f"P{number % 5000:05d}"}},
                "metric": {"data": {"type": "metric", "id": f"M{number % 9}"}},
            },
            "links": {"self": f"https://a.klaviyo.com/api/events/E{number:09d}/"},
        }
    )


class Server:
    """Serves events by pages; `/control` sets the latency and the spread, and returns the requests since then."""

    def __init__(self, count: int) -> None:
        self.spreads: dict[str, list[int]] = {}
        self.bodies: dict[str, list[bytes]] = {}
        for spread in ("even", "uneven"):
            moments = times(spread, count)
            self.spreads[spread] = [int(moment) for moment in moments]
            self.bodies[spread] = [event(number, moment) for number, moment in enumerate(moments)]
        self.latency, self.spread = 0.0, "even"
        self.requests = self.busy = self.most = 0
        self.moments: list[float] = []  # at which requests came

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path, _, query = head.split(b" ", 2)[1].decode().partition("?")
                given = dict(urllib.parse.parse_qsl(query))
                parts = self.control(given) if path == "/control" else await self.page(path, given)
                size = sum(map(len, parts))
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size
                )
                writer.writelines(parts)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def control(self, given: dict[str, str]) -> list[bytes]:
        """Begin a new count."""
        came = self.moments
        seconds = [bisect.bisect_left(came, moment + 1) - place for place, moment in enumerate(came)]
        counted = {"requests": self.requests, "at_once": self.most, "a_second": max(seconds, default=0)}
        self.requests = self.most = 0
        self.moments = []
        self.latency = float(given.get("latency", self.latency))
        self.spread = given.get("spread", self.spread)
        return [orjson.dumps(counted)]

    async def page(self, path: str, given: dict[str, str]) -> list[bytes]:
        """Return a page of the events that the filter allows, in order of time."""
        self.requests += 1
        self.moments.append(time.monotonic())
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(self.latency)
        self.busy -= 1
        if path.endswith("/metrics"):
            return [orjson.dumps({"data": METRICS, "links": {"next": None}})]
        moments, bodies = self.spreads[self.spread], self.bodies[self.spread]
        first, last = 0, len(moments)
        for condition in given.get("filter", "").removeprefix("and(").split("),"):
            name, _, text = condition.strip(")").partition("(datetime,")
            if text:
                moment = datetime.fromisoformat(text).timestamp()
                if name.startswith("greater"):
                    first = max(first, bisect.bisect_left(moments, moment))
                else:
                    last = min(last, bisect.bisect_left(moments, moment))
        if given.get("sort", "").startswith("-"):  # only asked for the last event
            return [b'{"data":[', *bodies[last - 1 : last], b'],"links":{}}']
        begin = int(given.get("page[cursor]", first))
        stop = min(begin + int(given.get("page[size]", 200)), last)
        following = None
        if stop < last:
            query = urllib.parse.urlencode({**given, "page[cursor]": str(stop)})
            following = f"https://a.klaviyo.com{path[path.index('/api/') :]}?{query}"
        rows = bodies[begin:stop]
        links = {"self": f"https://a.klaviyo.com{path}", "next": following}
        return [b'{"data":[', b",".join(rows), b'],"links":', orjson.dumps(links), b"}"]


def serve(pipe: Any, count: int) -> None:
    """Serve until the process is ended."""

    async def main() -> None:
        server = await asyncio.start_server(Server(count).connection, "127.0.0.1", 0, limit=1 << 20)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@contextmanager
def served(count: int) -> Iterator[str]:
    """Serve events in another process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, count), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def by_hand(url: str) -> pd.DataFrame:
    """Do what is in many a notebook."""
    session, records = requests.Session(), []
    following: str | None = f"{url}/api/events?page[size]=1000&sort=datetime"
    while following:
        document = session.get(following, timeout=60).json()
        records += document["data"]
        following = (document["links"]["next"] or "").replace("https://a.klaviyo.com", url) or None
    return pd.json_normalize(records)


def ours(url: str, *, gateway: bool = False, frames: bool = False) -> pd.DataFrame:
    """Read at the default settings."""
    base = f"{url}/klaviyo" if gateway else url
    key = "gateway_key" if gateway else "pk_test"
    with ka.connect(api_key=key, base_url=base, progress=False, revision=REVISION) as client:
        if frames:
            ids = [chunk["id"] for chunk in client.events.iter_frames(start="2020-01-01T00:00:00Z")]
            return pd.DataFrame({"id": pd.concat(ids)})
        return client.events.list(start="2020-01-01T00:00:00Z")


def timed(
    url: str, way: Any, count: int, *, latency: float, spread: str, **options: Any
) -> tuple[float, int, int, int]:
    """Return the seconds, the requests, how many were answered at once, and how many came in one second at most."""
    control = f"{url}/control?latency={latency}&spread={spread}"
    requests.get(control, timeout=60)
    began = time.perf_counter()
    frame = way(url, **options)
    seconds = time.perf_counter() - began
    assert frame["id"].nunique() == len(frame) == count, f"{len(frame):,} rows instead of {count:,}"
    counted = requests.get(control, timeout=60).json()
    return seconds, counted["requests"], counted["at_once"], counted["a_second"]


def main() -> None:
    """Print a line for each way of reading, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--by-hand", action="store_true", help="time the loop by hand, too")
    parser.add_argument("--gateway", action="store_true", help="time 200 full pages through the gateway, too")
    given = parser.parse_args()
    count, pages = given.events, -(-given.events // 1000)
    figures: list[str] = []
    seconds_of: dict[str, float] = {}
    with served(count) as url:
        for frames in (False, True):
            for spread in ("even", "uneven"):
                ratios, most, waited = [], 0, []
                for _ in range(given.rounds):
                    options: Any = {"spread": spread, "frames": frames}
                    quick, *_ = timed(url, ours, count, latency=0.0, **options)
                    slow, asked, at_once, _ = timed(url, ours, count, latency=LATENCY, **options)
                    ratios.append(slow / quick)
                    waited.append(slow)
                    most = max(most, asked)
                    print(
                        f"{'iter_frames' if frames else 'list':<12}{spread:<8}{quick:6.2f} s without latency, "
                        f"{slow:6.2f} s with {LATENCY} s: {slow / quick:5.2f} times; "
                        f"{asked} requests ({asked / pages:.2f}), {at_once} at once",
                        flush=True,
                    )
                way = f"{'iter_frames' if frames else 'list'}, {spread}"
                figures.append(
                    f"{way}: {statistics.median(ratios):.2f} times as long as without latency (goal: {MOST_TIME}), "
                    f"{most / pages:.2f} times the requests (goal: {MOST_REQUESTS})"
                )
                if not frames:
                    seconds_of[spread] = statistics.median(waited)
        if given.by_hand:
            for spread in ("even", "uneven"):
                seconds, asked, *_ = timed(url, by_hand, count, latency=LATENCY, spread=spread)
                figures.append(
                    f"list, {spread}: {seconds / seconds_of[spread]:.1f} times as fast as a loop by hand of "
                    f"{seconds:.1f} s and {asked} requests (goal: {FASTER})"
                )
        if given.gateway:
            options = {"spread": "even", "gateway": True}
            seconds, asked, at_once, second = timed(url, ours, count, latency=LATENCY, **options)
            figures.append(
                f"gateway: {seconds:.1f} s (goal: {MOST_GATEWAY}) for {asked} requests, {at_once} at once; at most "
                f"{second} in a second (allowed: 10, beyond which a 429 would come)"
            )
    print("\n" + "\n".join(figures))


if __name__ == "__main__":
    main()
