"""Asking a sandbox without a socket, in the words of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from werkzeug.test import Client

from klaviyo_analytics.sandbox import Sandbox

JSON_API = "application/vnd.api+json"
HOST = "https://a.klaviyo.com"


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def ids(self) -> list[str]:
        """The ids of the primary data."""
        return [resource["id"] for resource in self.json["data"]]

    @property
    def error(self) -> dict[str, Any]:
        """The only error."""
        errors = self.json["errors"]
        assert len(errors) == 1, errors
        return dict(errors[0])

    @property
    def source(self) -> dict[str, str]:
        """Where the only error is."""
        return dict(self.error["source"])

    @property
    def next(self) -> str | None:
        """The path and query of the next page."""
        link = self.json["links"].get("next")
        return None if link is None else str(link).removeprefix(HOST)


class Api:
    """Requests with one key, on one face."""

    def __init__(self, sandbox: Sandbox, *, prefix: str = "", **headers: str | None) -> None:
        self.client = Client(sandbox.wsgi)
        self.prefix = prefix
        known: dict[str, str | None] = {
            "Authorization": f"Klaviyo-API-Key {sandbox.api_key}",
            "revision": "2026-01-15",
        }
        self.headers = known | {name.replace("_", "-"): value for name, value in headers.items()}

    def send(self, method: str, path: str, body: Any = None, **parameters: Any) -> Reply:
        """Send a request; `fields__event="a"` stands for `fields[event]=a`, `page__size=5` for `page[size]=5`."""
        query = urlencode({_bracketed(name): value for name, value in parameters.items()}, quote_via=quote)
        headers = {name: value for name, value in self.headers.items() if value is not None}
        if body is not None:
            headers.setdefault("Content-Type", JSON_API)
        data = body if isinstance(body, bytes | None) else orjson.dumps(body)
        url = self.prefix + path + ("?" + query if query else "")
        answer = self.client.open(url, method=method, headers=headers, data=data)
        return Reply(answer.status_code, dict(answer.headers), answer.data)

    def get(self, path: str, **parameters: Any) -> Reply:
        return self.send("GET", path, **parameters)

    def post(self, path: str, body: Any, **parameters: Any) -> Reply:
        return self.send("POST", path, body, **parameters)

    def patch(self, path: str, body: Any, **parameters: Any) -> Reply:
        return self.send("PATCH", path, body, **parameters)

    def delete(self, path: str, body: Any = None) -> Reply:
        return self.send("DELETE", path, body)

    def pages(self, path: str, **parameters: Any) -> list[Reply]:
        """All pages of a collection."""
        pages = [self.get(path, **parameters)]
        while (link := pages[-1].next) is not None:
            assert len(pages) < 10_000, "pages without end"
            pages.append(self.get(link))
        return pages

    def all_ids(self, path: str, **parameters: Any) -> list[str]:
        """The ids of all pages, in their order."""
        return [id_ for page in self.pages(path, **parameters) for id_ in page.ids]


def data(
    type_: str, id_: str | None = None, /, *, links: Any = None, meta: Any = None, **attributes: Any
) -> Any:
    """A body with one resource; `links` maps relationships to what they lead to."""
    resource: dict[str, Any] = {"type": type_, "attributes": attributes}
    if id_ is not None:
        resource["id"] = id_
    if links is not None:
        resource["relationships"] = {name: {"data": value} for name, value in links.items()}
    if meta is not None:
        resource["meta"] = meta
    return {"data": resource}


def identifiers(type_: str, *ids: str) -> list[dict[str, str]]:
    """Resource identifiers, as relationships hold them."""
    return [{"type": type_, "id": id_} for id_ in ids]


def _bracketed(name: str) -> str:
    head, _, rest = name.partition("__")
    return f"{head.replace('_', '-')}[{rest}]" if rest else name
