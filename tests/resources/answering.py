"""A server on loopback whose answers a function makes, for accounts that the sandbox would never show."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient

Make = Callable[[str, str, dict[str, str], Any], Any]
"""From method, path, query and body to a document."""

ZONE = "America/New_York"


def account(**attributes: Any) -> dict[str, Any]:
    facts = {"timezone": ZONE, "preferred_currency": "USD", **attributes}
    return {"data": [{"type": "account", "id": "ACC", "attributes": facts}]}


def metrics(*names: str) -> dict[str, Any]:
    return {
        "data": [
            {"type": "metric", "id": f"M{n}", "attributes": {"name": name, "integration": {"name": "Shop"}}}
            for n, name in enumerate(names, 1)
        ],
        "links": {},
    }


def row(kind: str, id: str | None, **attributes: Any) -> dict[str, Any]:
    return {"type": kind, "id": id, "attributes": attributes, "relationships": {}}


def pages(path: str, query: Mapping[str, str], *held: list[dict[str, Any]]) -> dict[str, Any]:
    """The page that the cursor asks for, with a link to the one after it."""
    at = int(query.get("page[cursor]", 0))
    following = f"https://a.klaviyo.com{path}?" + urlencode({**query, "page[cursor]": at + 1})
    return {"data": held[at], "links": {"next": following if at + 1 < len(held) else None}}


@contextmanager
def answering(make: Make, account: Mapping[str, Any] = account(), **settings: Any) -> Iterator[KlaviyoClient]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path.startswith("/api/accounts"):
                document = account
            else:
                document = make(self.command, parts.path, query, json.loads(body or b"null"))
            data = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.api+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with ka.connect(api_key="pk_0123456789", base_url=url, progress=False, **settings) as client:
            client._api.paced = False
            yield client
        server.shutdown()
