"""The recorder between a client and an application: it hears everything and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
import pytest
from werkzeug.test import Client

from tests.contract.openapi import Document
from tests.contract.recorder import CheckedApp, judged

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEADERS = {"revision": "2026-01-15", "Content-Type": "application/vnd.api+json"}
PROFILE = b'{"data":{"type":"profile","attributes":{"email":"ann@example.com"}}}'


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer what was sent, as a test of the path through the recorder."""
    sent = environ["wsgi.input"].read()
    start_response("201 CREATED", [("Content-Type", "application/vnd.api+json")])
    return [orjson.dumps({"data": None}), b" ", sent[:0]] if sent else [b"no body"]


def test_both_sides_of_an_exchange_are_judged(document: Document) -> None:
    checked = CheckedApp(app, document)
    answer = Client(checked).post("/klaviyo/api/profiles?sort=email", data=PROFILE, headers=HEADERS)
    assert answer.data == b'{"data":null} '
    assert answer.status_code == 201
    assert checked.violations == [
        "POST /api/profiles?sort=email -> 201: request: sort: not a parameter of /api/profiles",
        "POST /api/profiles?sort=email -> 201: answer: data: None is not of type object",
    ]


def test_an_encoded_slash_stays_in_its_id(document: Document) -> None:
    checked = CheckedApp(app, document)
    Client(checked).get("/api/catalog-items/a%2Fb", headers={"revision": "2026-01-15"})
    assert [exchange.url for exchange in checked.exchanges] == ["/api/catalog-items/a%2Fb"]
    assert checked.exchanges[0].in_request == []


def test_the_gateways_own_paths_pass_unjudged(document: Document) -> None:
    checked = CheckedApp(app, document)
    assert Client(checked).get("/connections").data == b"no body"
    assert checked.exchanges == []


def test_a_gateways_errors_are_its_own(document: Document) -> None:
    def refuse(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("401 UNAUTHORIZED", [("Content-Type", "application/json")])
        return [b'{"message":"no key"}']

    checked = CheckedApp(refuse, document)
    for path in ("/klaviyo/api/lists", "/api/lists"):
        Client(checked).get(path, headers={"revision": "2026-01-15"})
    through_the_gateway, direct = checked.exchanges
    assert through_the_gateway.violations == []
    assert "errors' is missing" in "".join(direct.violations)


def test_a_violation_fails_the_test_that_wrapped_the_application(document: Document) -> None:
    with (
        pytest.raises(AssertionError, match="/api/carts is not a path of the document"),
        judged(document) as wrap,
    ):
        Client(wrap(app)).get("/api/carts", headers={"revision": "2026-01-15"})
