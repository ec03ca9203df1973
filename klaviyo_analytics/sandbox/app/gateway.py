"""Maton's face: its own key, its connections, its limit, and errors that are not JSON:API."""

from __future__ import annotations

from urllib.parse import unquote

import orjson
from werkzeug.wrappers import Request

from klaviyo_analytics.sandbox.app.exchange import Answer, Settings
from klaviyo_analytics.sandbox.connections import ACTIVE, Connection, Connections
from klaviyo_analytics.sandbox.limits import SECOND, Bucket, RateLimiter, Throttled

PREFIX = "/klaviyo"
CONTROL = "/connections"
METHODS = ("API_KEY", "BASIC", "OAUTH1", "OAUTH2", "MCP")
BUCKET = Bucket("maton", [(10, SECOND)])


class GatewayFault(Exception):  # noqa: N818 - it is an answer, not a mistake of the program
    """Ends the handling of a request with an error of the gateway's own."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(status, message)

    def answer(self) -> Answer:
        """Shape it as plain JSON."""
        return plain(self.status, {"message": self.message})


def plain(status: int, document: object) -> Answer:
    """Answer in ordinary JSON, as the control API does."""
    return Answer(status, document, content_type="application/json")


def check_key(request: Request, settings: Settings) -> None:
    """Refuse requests without the Maton key."""
    if request.headers.get("Authorization", "") != f"Bearer {settings.maton_key}":
        raise GatewayFault(401, "Invalid or missing Maton API key")


def throttle(limiter: RateLimiter, settings: Settings) -> None:
    """Hold to ten requests a second; Maton does not say when to come back."""
    try:
        limiter.spend([BUCKET], enforce=settings.rate_limits)
    except Throttled:
        raise GatewayFault(429, "Too many requests") from None


def choose(request: Request, connections: Connections) -> Connection:
    """Find the connection that a request goes through: the one it names, or else the oldest active one."""
    named = request.headers.get("Maton-Connection")
    if named:
        connection = connections.get(named)
        if connection is None or connection.app != "klaviyo" or connection.status != ACTIVE:
            raise GatewayFault(400, f"No active klaviyo connection {named}")
    else:
        active = connections.list("klaviyo", ACTIVE)
        if not active:
            raise GatewayFault(400, "Missing klaviyo connection")
        connection = active[0]
    if connection.grant_expired:
        raise GatewayFault(500, "Failed to refresh the token of the klaviyo connection")
    return connection


def control(request: Request, connections: Connections, path: str) -> Answer:
    """Answer the control API: list, create, get and delete connections."""
    id_ = unquote(path.removeprefix(CONTROL).strip("/"))
    if not id_:
        return _all(request, connections)
    connection = connections.get(id_)
    if connection is None:
        raise GatewayFault(404, f"No connection {id_}")
    if request.method == "GET":
        return plain(200, {"connection": connection.to_json()})
    if request.method == "DELETE":
        connections.delete(id_)
        return plain(200, {})
    raise GatewayFault(405, f"Method {request.method} not allowed")


def _all(request: Request, connections: Connections) -> Answer:
    if request.method == "GET":
        found = connections.list(request.args.get("app"), request.args.get("status"))
        return plain(200, {"connections": [connection.to_json() for connection in found]})
    if request.method != "POST":
        raise GatewayFault(405, f"Method {request.method} not allowed")
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("app"), str):
        raise GatewayFault(400, "Field app is required")
    method = body.get("method", "OAUTH2")
    if method not in METHODS:
        raise GatewayFault(400, f"Field method must be one of {', '.join(METHODS)}")
    connection = connections.create(body["app"], method=method)
    return plain(200, {"connection": connection.to_json()})
