"""Connections: which Klaviyo accounts a gateway key reaches, and how it comes to reach another."""

from __future__ import annotations

import html
import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn
from urllib.parse import quote

import pandas as pd

from klaviyo_analytics import credentials as _credentials
from klaviyo_analytics._messages import explained_methods
from klaviyo_analytics._progress import Progress
from klaviyo_analytics._reader import Reader
from klaviyo_analytics._secret import Secret
from klaviyo_analytics.endpoints import Kind, jsonapi
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError, MalformedResponseError
from klaviyo_analytics.frames.columns import array
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.cancellation import wait_for
from klaviyo_analytics.http.json import dumps
from klaviyo_analytics.http.rate_limits import Bucket
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import Call, HeaderAuth, Transport

APP = "klaviyo"
JSON = "application/json"
BUCKET = Bucket("the gateway", ((10, 1),))
Status = Literal["ACTIVE", "PENDING", "FAILED"]
# the link is left out: it holds a token for the session of whoever opens it
COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "id": ("connection_id", "text"),
    "status": ("status", "text"),
    "app": ("app", "text"),
    "method": ("method", "text"),
    "created": ("creation_time", "time"),
    "updated": ("last_updated_time", "time"),
    "metadata": ("metadata", "json"),
}


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a gateway key.

    Attributes
    ----------
    id : str
        What `ka.connect(connection=...)` takes.
    status : {"ACTIVE", "PENDING", "FAILED"}
    url : str or None
        The link that the account's owner opens to allow access. It holds a session token, so it appears in no repr,
        notebook output, pickle or log: pass it on with care, or call `open`.
    """

    id: str
    status: str
    link: Secret | None = field(default=None, repr=False, compare=False)

    @property
    def url(self) -> str | None:
        """The link to open, or None."""
        return self.link.reveal() if self.link else None

    @property
    def active(self) -> bool:
        """Whether it can be used."""
        return self.status == "ACTIVE"

    def open(self) -> bool:
        """Open the link in a browser of this machine.

        Returns
        -------
        bool
            False without an https link or a browser.
        """
        if self.link is None or not self.link.reveal().startswith("https://"):
            return False
        return webbrowser.open(self.link.reveal())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.id, self.status)  # without the link

    def _repr_html_(self) -> str:
        shown = f"Connection <code>{html.escape(self.id)}</code>: {html.escape(self.status)}"
        if self.active or self.link is None:
            return shown
        # the link itself would be saved with the notebook
        return (
            f"{shown}. Run <code>.open()</code> to allow access in a browser on this machine, or pass on "
            "<code>.url</code> and clear its output before you save the notebook."
        )


@explained_methods
class Connections:
    """The connections of a gateway key.

    Parameters
    ----------
    api_key : str, optional
        The gateway's key; MATON_API_KEY from the environment, if not given.
    base_url : str, optional
        Host that manages connections; MATON_CTRL_URL from the environment, else ``https://ctrl.maton.ai``.
    progress : bool, optional
        As for `connect`.
    sleep, clock : callable
        How to wait, and monotonic seconds.

    Raises
    ------
    ConfigurationError
        No API key was found, or an argument is invalid.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> from klaviyo_analytics.sandbox import Sandbox
    >>> with Sandbox(profiles=50, events=500) as sandbox:
    ...     connections = ka.Connections(api_key=sandbox.maton_key, base_url=sandbox.control_url)
    ...     connections.list()["status"].tolist()
    ['ACTIVE']
    """

    _host = "not connected"  # shown for an object whose making failed

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        progress: bool | None = None,
        sleep: Callable[[float], None] = cancellation.sleep,
        clock: Callable[[], float] = time.monotonic,
        retry: RetryPolicy | None = None,
    ) -> None:
        credentials = _credentials.find_control(api_key=api_key, base_url=base_url)
        self._progress = progress
        self._sleep = sleep
        self._clock = clock
        self._host = credentials.host
        self._transport = Transport(
            credentials.base_url,
            HeaderAuth(credentials.authorization),
            {"Accept": JSON, "User-Agent": "klaviyo-analytics"},
            retry=retry,
            sleep=sleep,
            clock=clock,
        )

    def list(self, *, status: Status | None = None) -> pd.DataFrame:
        """Read the connections to Klaviyo as rows.

        Parameters
        ----------
        status : {"ACTIVE", "PENDING", "FAILED"}
            Only these.

        Returns
        -------
        pandas.DataFrame
            id, status, app, method (string), created, updated (UTC), metadata (object). The links are left out,
            since they hold session tokens; `get` has them.

        Raises
        ------
        AuthenticationError
            The gateway does not accept the key.
        """
        params = {"app": APP} if status is None else {"app": APP, "status": status}
        document = self._ask("GET", "/connections", params=params)
        try:
            found = [
                each.mapping() for each in Reader(document, "GET /connections").at("connections").items()
            ]
        except MalformedResponseError as problem:
            raise MalformedResponseError(
                f"{problem} Check base_url: {self._host} may be another service."
            ) from None
        return pd.DataFrame(
            {
                name: array([each.get(wire) for each in found], kind, name)
                for name, (wire, kind) in COLUMNS.items()
            }
        )

    def create(self) -> Connection:
        """Begin a new connection; it becomes active when the account's owner has opened its link.

        Returns
        -------
        Connection
            Call its `open`, or pass its `url` on to the account's owner.
        """
        document = self._ask("POST", "/connections", json={"app": APP})
        made = _connection(document)
        return made if made.url else self.get(made)

    def get(self, connection: Any, /) -> Connection:
        """Read one connection.

        Raises
        ------
        NotFoundError
            No connection has this id.
        """
        return _connection(self._ask("GET", _path(connection)))

    def delete(self, connection: Any, /) -> None:
        """Delete a connection; the gateway can no longer reach that account."""
        self._ask("DELETE", _path(connection))

    def wait_until_active(self, connection: Any, /, *, timeout: float = 300.0) -> Connection:
        """Wait until the owner has allowed access.

        Parameters
        ----------
        connection : Connection or str
            What `create` returned, a row of `list`, or an id.
        timeout : float
            Seconds to wait at most.

        Returns
        -------
        Connection

        Raises
        ------
        RequestTimeoutError
            Nobody allowed it in time.
        ConfigurationError
            It failed; make a new one.
        """
        with Progress("waiting for access", shown=self._progress, unit="looks") as progress:
            found = wait_for(
                lambda: self.get(connection),
                lambda each: each.status not in ("PENDING",),
                what="Opening the connection's link and allowing access",
                timeout=timeout,
                sleep=self._sleep,
                clock=self._clock,
                waiting=lambda _each, _passed: progress.add(1),
            )
        if not found.active:
            raise ConfigurationError(
                f"The connection {found.id} is {found.status}. Make a new one with create(), and delete this one."
            )
        return found

    def close(self) -> None:
        """Close the pooled connections to the host."""
        self._transport.close()

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("Connections cannot be pickled. Make them in the process that needs them.")

    def __repr__(self) -> str:
        return f"Connections(host={self._host!r})"

    def _ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, json: Any = None
    ) -> Any:
        call = Call(
            method,
            path,
            params or {},
            body=None if json is None else dumps(json),
            content_type=JSON,
            replay_safe=method != "POST",
            buckets=(BUCKET,),
        )
        reply = self._transport.send(call)
        if reply.status < 400:
            return reply.document
        if method == "DELETE" and reply.status == 404 and reply.ambiguous:
            return None  # an earlier attempt, whose answer was lost, has deleted it already
        raise jsonapi.control_error(reply, method=method, path=path)


def _connection(document: Any) -> Connection:
    """Read a connection, wrapped or not: both are seen."""
    outer = Reader(document, "the gateway")
    try:
        facts = outer.at("connection") if "connection" in outer.mapping() else outer
        id = facts.at("connection_id").text()
        link = facts.at("url").optional(Reader.text, "")
        return Connection(id, str(facts.at("status").value), Secret(link) if link else None)
    except MalformedResponseError as problem:
        raise MalformedResponseError(f"{problem} Check base_url.") from None


def _path(connection: Any) -> str:
    id = connection if isinstance(connection, str) else getattr(connection, "id", None)
    if not isinstance(id, str) or not id.strip():
        raise InvalidInputError(
            f"connection={connection!r}: give an id, a row of list(), or what create() returned."
        )
    return f"/connections/{quote(id, safe='')}"
