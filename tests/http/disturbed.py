"""Answers that almost fit the schemas, or do not: a sandbox whose JSON is changed on its way out, by a seed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

ODD: tuple[Any, ...] = (
    None, "", "x", "NaN", "2026-13-45T99:99:99", "9999-12-31T23:59:59+00:00", 0, -1, 1.5, 2**63, 2**80, -(2**90),
    1e308,
    True, [], {}, [None], [[]], [1, "a", None], {"id": None}, {"data": None}, {"a": {"b": []}}, "\u202e\x00",
)  # fmt: skip
BODIES: tuple[bytes, ...] = (
    b"", b"null", b"[]", b"{}", b"5", b'"x"', b"{", b"\xff\xfe", b"NaN", b'{"data":null}', b'{"data":{}}',
    b'{"data":[{}]}', b'{"errors":null}', b'{"errors":[5]}', b'{"errors":[{"source":5,"detail":[],"code":{}}]}',
)  # fmt: skip


def disturbed(document: Any, dice: random.Random) -> Any:
    """Change one to three places of a document: another value, a missing key, or a second copy."""
    holder = {"": document}
    for _ in range(dice.randint(1, 3)):
        container, key = dice.choice(list(_places(holder)))
        what = dice.random()
        if what < 0.7 or container is holder:
            container[key] = copy.deepcopy(dice.choice(ODD))
        elif what < 0.9:
            del container[key]
        elif isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
    return holder[""]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in list(members)[:30]:
        yield value, key
        yield from _places(member)


class Disturbing:
    """A WSGI application that spoils some answers of another: `chance` of them, in an order that the seed decides."""

    def __init__(self, app: Any, seed: int, *, chance: float) -> None:
        self.app = app
        self.chance = chance
        self.dice = random.Random(seed)

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        kept: list[Any] = []
        body = b"".join(self.app(environ, lambda *parts: kept.extend(parts[:2])))
        status, headers = kept
        if self.dice.random() < self.chance:
            if self.dice.random() < 0.2:
                body = self.dice.choice(BODIES)
            elif body:
                body = json.dumps(disturbed(json.loads(body), self.dice)).encode()
            if self.dice.random() < 0.1:
                status = self.dice.choice(
                    ["200 OK", "202 Accepted", "204 No Content", "400 Bad", "404 No", "418 X"]
                )
            body = b"" if status.startswith("204") else body
            headers = [(k, v) for k, v in headers if k.lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        start_response(status, headers)
        return [body]
