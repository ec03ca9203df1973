"""Connections: which Klaviyo accounts a gateway key can reach, and how to add another."""

from __future__ import annotations

import html
import time
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
from klaviyo_analytics.endpoints.revisions import DEFAULT
from klaviyo_analytics.errors import (
    ConfigurationError,
    InvalidInputError,
    KlaviyoError,
    MalformedResponseError,
)
from klaviyo_analytics.frames.columns import array, warn
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.cancellation import wait_for
from klaviyo_analytics.http.json import dumps
from klaviyo_analytics.http.rate_limits import Bucket
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import MEDIA_TYPE, Call, HeaderAuth, Transport

APP = "klaviyo"
JSON = "application/json"

BUCKET = Bucket("the gateway", ((10, 1),))
Status = Literal["ACTIVE", "PENDING", "FAILED"]
# the link is left out because it holds a session token
COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "id": ("connection_id", "text"),
    "account": ("account", "text"),  # not the gateway's: asked of Klaviyo through each connection
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
        The value for `ka.connect(connection=...)`.
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
            False if the connection has no https link or no browser was found.
        """
        if self.link is None or not self.link.reveal().startswith("https://"):
            return False
        import webbrowser  # noqa: PLC0415  (rarely needed)

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
        The gateway's key. Default: the environment variable MATON_API_KEY.
    base_url : str, optional
        URL that manages connections. Default: the environment variable MATON_CTRL_URL, else
        ``https://ctrl.maton.ai``.
    gateway_url : str, optional
        URL of the gateway's Klaviyo API, the `base_url` of `connect`, through which the account behind each
        connection is asked for its name. Default: the environment variable KLAVIYO_BASE_URL, else Maton's gateway
        if Maton manages the connections. Where neither is known, the key goes nowhere else and names are missing.
    progress : bool, optional
        As for `connect`.
    sleep, clock : callable
        Wait for a number of seconds; return monotonic seconds. Tests pass their own.

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

    _host = "not connected"  # shown if the constructor failed

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        gateway_url: str | None = None,
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
        self._accounts: dict[str, str] = {}
        self._credentials = credentials
        self._gateway_url = _credentials.gateway_of(credentials, gateway_url)
        self._retry = retry
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
        status : {"ACTIVE", "PENDING", "FAILED"}, optional
            Return only connections with this status.

        Returns
        -------
        pandas.DataFrame
            id, account, status, app, method (string), created, updated (UTC), metadata (object). `account` is the
            name of the account behind an active connection, asked once for each; it is missing for others, and,
            with a warning, where it could not be read. The links are left out because they hold session tokens;
            `get` returns them.

        Raises
        ------
        AuthenticationError
            The gateway does not accept the key.
        """
        params = {"app": APP} if status is None else {"app": APP, "status": status}
        document = self._ask("GET", "/connections", params=params)
        try:
            found = [
                dict(each.mapping())
                for each in Reader(document, "GET /connections").at("connections").items()
            ]
        except MalformedResponseError as problem:
            raise MalformedResponseError(
                f"{problem} Check base_url: {self._host} may be another service."
            ) from None
        for each in found:
            each["account"] = self._account_of(each) if each.get("status") == "ACTIVE" else None
        return pd.DataFrame(
            {
                name: array([each.get(wire) for each in found], kind, name)
                for name, (wire, kind) in COLUMNS.items()
            }
        )

    def _account_of(self, facts: Mapping[str, Any]) -> str | None:
        """Return the name of the account behind an active connection; None if it cannot be read."""
        id = facts.get("connection_id")
        if self._gateway_url is None or not isinstance(id, str):
            return None
        if id not in self._accounts:
            headers = {"revision": DEFAULT, "Accept": MEDIA_TYPE, "User-Agent": "klaviyo-analytics"}
            transport = Transport(
                self._gateway_url,
                HeaderAuth(self._credentials.authorization),
                {**headers, "Maton-Connection": id},
                retry=self._retry,
                sleep=self._sleep,
                clock=self._clock,
            )
            where = "/api/accounts"
            try:
                reply = transport.send(Call("GET", where, {}, replay_safe=True, buckets=(BUCKET,)))
                if reply.status >= 400:
                    raise jsonapi.control_error(reply, method="GET", path=where)
                account = next(iter(Reader(reply.document, f"GET {where}").at("data").items()))
                contact = account.at("attributes").at("contact_information")
                self._accounts[id] = contact.at("organization_name").text()
            except (KlaviyoError, StopIteration) as problem:
                warn(f"The account behind the connection {id} could not be read: {problem or 'no account'}")
                return None
            finally:
                transport.close()
        return self._accounts[id]

    def create(self) -> Connection:
        """Create a connection; it becomes active once the account's owner has opened its link.

        Returns
        -------
        Connection
            Call `open`, or pass `url` on to the account's owner.
        """
        document = self._ask("POST", "/connections", json={"app": APP})
        made = _connection(document)
        return made if made.url else self.get(made)

    def get(self, connection: Connection | str | pd.Series[Any], /) -> Connection:
        """Read one connection.

        Raises
        ------
        NotFoundError
            No connection has this id.
        """
        return _connection(self._ask("GET", _path(connection)))

    def delete(self, connection: Connection | str | pd.Series[Any], /) -> None:
        """Delete a connection; the gateway can no longer reach that account."""
        self._ask("DELETE", _path(connection))

    def wait_until_active(
        self, connection: Connection | str | pd.Series[Any], /, *, timeout: float = 300.0
    ) -> Connection:
        """Wait until the account's owner has allowed access.

        Parameters
        ----------
        connection : Connection or str
            The result of `create`, a row of `list`, or an id.
        timeout : float
            Longest wait in seconds.

        Returns
        -------
        Connection

        Raises
        ------
        RequestTimeoutError
            The owner did not allow access in time.
        ConfigurationError
            The connection failed; create a new one.
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
                f"The connection {found.id} is {found.status}. Create a new one with create(), then delete this one."
            )
        return found

    def close(self) -> None:
        """Close the pooled HTTP connections."""
        self._transport.close()

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("Connections cannot be pickled. Create them in the process that needs them.")

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
    """Read a connection, which the gateway returns wrapped in "connection" or not."""
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
            f"connection={connection!r} does not identify a connection. Pass an id, a row of list(), or the "
            "result of create()."
        )
    return f"/connections/{quote(id, safe='')}"
