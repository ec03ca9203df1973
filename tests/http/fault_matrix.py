"""The fault matrix: each kind of call against each fault on a real socket, and what came of it.

``python -m tests.http.fault_matrix`` writes the table to notebooks/faults.md; a test compares it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.sandbox import Sandbox, server
from tests.http.clocks import Clock

HOME = Path(__file__).parents[2] / "notebooks" / "faults.md"
WEEK = "last 7 days"
Fault = Callable[
    [bytes, bytes], bytes | None
]  # status line with headers, body -> what is sent; None: nothing


def _status(code: int, more: bytes = b"", body: bytes = b'{"errors":[{"detail":"x"}]}') -> Fault:
    head = b"HTTP/1.1 %d Fault\r\nContent-Length: %d\r\n%s\r\n" % (code, len(body), more)
    return lambda _head, _body: head + body


FAULTS: dict[str, Fault] = {
    "connection lost, no answer": lambda _head, _body: None,
    "half an answer": lambda head, body: head + body[: len(body) // 2],
    "103 before the answer": lambda head, body: b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head + body,
    "interim answers only": lambda _head, _body: b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100,
    "two lengths": lambda head, body: head.replace(b"\r\n", b"\r\nContent-Length: 1\r\n", 1) + body,
    "body is not JSON": lambda _head, _body: b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{[x",
    "a web page": _status(200, b"Content-Type: text/html\r\n", b"<html>Log in</html>"),
    "redirect": _status(302, b"Location: https://evil.example/\r\n", b""),
    "401": _status(401),
    "422": _status(422),
    "429": _status(429, b"Retry-After: 3\r\n"),
    "429, Retry-After of 30 years": _status(429, b"Retry-After: 999999999\r\n"),
    "500": _status(500),
    "503": _status(503),
}


REFUSALS = ("401", "422", "429", "429, Retry-After of 30 years")  # the server does nothing
BREAKS = ("connection lost, no answer", "half an answer")  # and hangs up


class Faulty:
    """Answers of a sandbox, with the fault in the first `times` that match."""

    def __init__(self, fault: str, method: str, part: str, times: int) -> None:
        self.fault, self.method, self.part, self.left = fault, method, part, times

    def matches(self, handler: Any) -> bool:
        return bool(self.left and handler.command == self.method and self.part in handler.path)

    def run(self, handler: Any) -> None:
        """Refuse a request before the account sees it, or serve it."""
        if self.fault in REFUSALS and self.matches(handler):
            handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
            self.left -= 1
            handler.connection.sendall(FAULTS[self.fault](b"", b""))
        else:
            SERVE(handler)

    def send(self, handler: Any, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send an answer, or what the fault makes of it."""
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
        head = "\r\n".join(lines).encode("latin-1")
        if self.fault in REFUSALS or not self.matches(handler):
            handler.connection.sendall(head + body)
            return
        self.left -= 1
        handler.close_connection = self.fault in BREAKS
        handler.connection.sendall(FAULTS[self.fault](head, body) or b"")


SERVE = server.Handler.run_wsgi


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {"email": [f"matrix{n}@mail.example.net" for n in range(3)], "visits": [[n] for n in range(3)]}
    )


def _rows(result: Any) -> str:
    statuses = result.rows["status"].astype(str).value_counts()
    return "per row: " + ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))


CALLS: dict[str, tuple[str, str, Callable[[KlaviyoClient], Any]]] = {
    "read all pages": ("GET", "/api/metrics", lambda client: client.metrics.list()),
    "read one": ("GET", "/api/metrics/", lambda client: client.metrics.get(client._matrix_id)),  # type: ignore[attr-defined]
    "query (POST that only asks)": (
        "POST", "/api/metric-aggregates",
        lambda client: client.metric_aggregates.query(client._matrix_id, measurements=["count"], timeframe=WEEK),  # type: ignore[attr-defined]
    ),
    "create one": ("POST", "/api/tags", lambda client: client.tags.create(name="matrix")),
    "upsert one": ("POST", "/api/profile-import", lambda client: client.profiles.upsert(email="matrix@example.net")),
    "update one": (
        "PATCH", "/api/tags/", lambda client: client.tags.update(client._matrix_tag, name="renamed"),  # type: ignore[attr-defined]
    ),
    "delete one": ("DELETE", "/api/tags/", lambda client: client.tags.delete(client._matrix_tag, confirm=True)),  # type: ignore[attr-defined]
    "write rows (jobs)": (
        "POST", "/api/profile-bulk-import-jobs",
        lambda client: client.profiles.plan_upsert(
            people()[["email"]], lists=client.lists.list(limit=1)
        ).apply(journal=False),
    ),
    "append to rows": (
        "POST", "/api/profile-import",
        lambda client: client.profiles.plan_upsert(people(), properties="rest", append="visits").apply(journal=False),
    ),
}  # fmt: skip


def outcome(call: str, fault: str, *, times: int) -> str:
    """Run one cell; the words are those of the table."""
    method, part, work = CALLS[call]
    with Sandbox(profiles=20, events=200, seed=7) as sandbox:
        client = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
        clock = Clock()
        client._embed(
            now=lambda: pd.Timestamp(sandbox.account.now, unit="s", tz="UTC"), on_close=lambda: None
        )
        client._context.sleep, client._context.clock = clock.sleep, clock
        client._api.transport._sleep, client._api.transport._clock = clock.sleep, clock
        with client:
            client._matrix_id = str(client.metrics.list()["id"].iloc[0])  # type: ignore[attr-defined]
            client._matrix_tag = str(client.tags.create(name="kept")["id"])  # type: ignore[attr-defined]
            faulty = Faulty(fault, method, part, times)
            with (
                mock.patch.object(server.Handler, "_send", lambda *parts: faulty.send(*parts)),  # noqa: PLW0108  (a function binds)
                mock.patch.object(server.Handler, "run_wsgi", lambda handler: faulty.run(handler)),  # noqa: PLW0108
            ):
                try:
                    answer = work(client)
                    said = _rows(answer) if hasattr(answer, "rows") else "right"
                except KlaviyoError as error:
                    said = f"one error: {type(error).__name__}"
                except Exception as error:  # noqa: BLE001  (that is what is looked for)
                    said = f"foreign: {type(error).__name__}"
            done = said != "right" or _is_done(sandbox, call, client._matrix_tag)  # type: ignore[attr-defined]
        return said + ("" if done else ", lost") + _twice(sandbox)


def _is_done(sandbox: Sandbox, call: str, tag: str) -> bool:
    """Return whether an update or a deletion that was reported as right has happened in the account."""
    kept = sandbox.account.records["tag"].get(tag)
    if call == "delete one":
        return kept is None
    return kept is not None and kept.attributes["name"] == ("renamed" if call == "update one" else "kept")


def _twice(sandbox: Sandbox) -> str:
    """Return a warning if something that was written once is there twice."""
    records = sandbox.account.records
    tags = [each for each in records["tag"].values() if each.attributes["name"] == "matrix"]
    visits = [each.attributes["properties"].get("visits") for each in records["profile"].values()]
    return ", twice" if len(tags) > 1 or any(isinstance(one, list) and len(one) > 1 for one in visits) else ""


def table() -> str:
    """Return the whole matrix as Markdown."""
    lines = [
        "# What happens when the network or the server fails",
        "",
        "Generated by `python -m tests.http.fault_matrix` from calls over a real socket. A test compares it. In",
        "each cell: the fault happens once / the fault stays. *right*: the call returned the right result, after",
        "retries where needed. *one error*: it raised this exception, and nothing was written twice. *per row*: it",
        "returned a status for each row.",
        "",
        "| fault | " + " | ".join(CALLS) + " |",
        "|---|" + "---|" * len(CALLS),
    ]
    for fault in FAULTS:
        cells = [f"{outcome(call, fault, times=1)} / {outcome(call, fault, times=10_000)}" for call in CALLS]
        lines.append(f"| {fault} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    HOME.write_text(table(), encoding="utf-8")
