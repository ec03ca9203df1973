"""connect(): from a key to a client."""

from __future__ import annotations

import atexit
import gc
import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from klaviyo_analytics import credentials as _credentials
from klaviyo_analytics import endpoints, local_files
from klaviyo_analytics._messages import explained, level_outside
from klaviyo_analytics._secret import Secret
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.connections import Connection
from klaviyo_analytics.credentials import Credentials
from klaviyo_analytics.endpoints import revisions
from klaviyo_analytics.endpoints.api import Api
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError, MissingExtraError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.rate_limits import Pacer
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import DEADLINE, LARGEST, MEDIA_TYPE, HeaderAuth, Transport
from klaviyo_analytics.quota.budget import Ledger, Quota
from klaviyo_analytics.quota.cache import cache_at

if TYPE_CHECKING:
    from klaviyo_analytics.sandbox import Sandbox

REVISION = revisions.DEFAULT
_DAY = 86_400
_pacers: dict[tuple[str, str, str | None], Pacer] = {}


@explained
def connect(
    *,
    api_key: str | Secret | None = None,
    connection: str | Connection | None = None,
    base_url: str | None = None,
    revision: str = "2026-01-15",
    progress: bool | None = None,
    timeout: float | tuple[float, float] = (10.0, 60.0),
    deadline: float = DEADLINE,
    max_response_bytes: int = LARGEST,
    strict: bool = True,
    cache: bool | str | Path | None = None,
) -> KlaviyoClient:
    """Connect to a Klaviyo account.

    Parameters
    ----------
    api_key : str, optional
        A gateway key, or a Klaviyo private key (``pk_...``). If not given, MATON_API_KEY is taken from the
        environment, else KLAVIYO_API_KEY.
    connection : str or Connection, optional
        Which of the gateway's connections (`ka.Connections`), by its id; the oldest active one, if not given.
    base_url : str, optional
        What stands before ``/api``. If not given, KLAVIYO_BASE_URL from the environment, else
        ``https://gateway.maton.ai/klaviyo`` for a gateway key and ``https://a.klaviyo.com`` for a private key.
    revision : str
        Revision of the API, a date; sent with every request. Queries are checked against its own table (2026-01-15,
        2026-07-15 and 2026-10-15 have one); 2026-04-15 allows what the two around it do, but for what came later. A
        newer or beta revision has the newest table, is not refused what the table lacks, and warns once. An older
        one has the oldest table and warns once, with the day on which Klaviyo retires it.
    progress : bool, optional
        Progress bars for what takes longer than a second: never (False), always (True), or where somebody is
        looking.
    timeout : float or (float, float)
        Seconds to connect, and between bytes of an answer.
    deadline : float
        Seconds that one attempt may take in all, however slowly the answer arrives; 300 by default. A read is then
        tried again, a write only where repeating it is safe.
    max_response_bytes : int
        Bytes of a response after decompression; 256 MiB by default. A longer one raises `ResponseTooLargeError`.
    strict : bool
        Refuse queries that the endpoint table does not know, before they are sent. Turn it off to use what a
        newer revision has added.
    cache : True or path, optional
        Keep the answers of reports and metric aggregates on disk, so that running a notebook again takes none of
        the few calls that a day allows: True in the user's cache folder (or the folder that
        KLAVIYO_ANALYTICS_HOME names), or a file or folder of your own. An answer about a time frame is good for
        an hour while the frame is not over, for a day until thirty days after it (opens and orders come in late),
        and for thirty days from then on. It is only given for the same account, host, connection and revision; no
        key is stored. See `client.cache`.

    Returns
    -------
    KlaviyoClient

    Raises
    ------
    ConfigurationError
        No API key was found, or an argument is invalid.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> client = ka.connect(api_key="pk_0123456789")
    >>> client
    KlaviyoClient(host='a.klaviyo.com', revision='2026-01-15')
    """
    named = connection.id if isinstance(connection, Connection) else connection
    credentials = _credentials.find(api_key=api_key, connection=named, base_url=base_url)
    headers = {"revision": _date(revision), "Accept": MEDIA_TYPE, "User-Agent": "klaviyo-analytics"}
    if credentials.connection:
        headers["Maton-Connection"] = credentials.connection
    retry = RetryPolicy()
    transport = Transport(
        credentials.base_url,
        HeaderAuth(credentials.authorization),
        headers,
        timeout=_seconds(timeout),
        deadline=_positive("deadline", deadline, "seconds", _DAY),
        max_body=int(_positive("max_response_bytes", max_response_bytes, "bytes", 2**40)),
        retry=retry,
        pacer=_pacer(credentials, retry),
    )
    unknown = revisions.is_unknown(revision)
    if unknown or revisions.day(revision) < revisions.day(revisions.TABLES[0]):
        _warn_of(revision)
    catalog = endpoints.load(revision)
    api = Api(transport, catalog, gateway=credentials.gateway, strict=strict and not unknown)
    return KlaviyoClient(
        api,
        credentials,
        revision=revision,
        progress=progress,
        cache=cache_at(
            where=cache, host=credentials.base_url, connection=credentials.connection, revision=revision
        ),
        quota=Quota(Ledger(local_files.place("state", "calls.sqlite3"))),
    )


def quiet_http_logs() -> None:
    """Stop the HTTP libraries from logging what requests hold.

    This package's own logger, ``klaviyo_analytics``, never writes keys, queries or personal data. At level DEBUG the
    logger ``urllib3`` writes the path and query of every request, in which filters name people, and the debug
    switch of http.client prints every header, the key among them. This sets the first to WARNING and switches the
    second off.

    Examples
    --------
    >>> import logging
    >>> import klaviyo_analytics as ka
    >>> logging.basicConfig(level=logging.DEBUG)
    >>> ka.quiet_http_logs()
    """
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    HTTPConnection.debuglevel = 0


def _pacer(credentials: Credentials, retry: RetryPolicy) -> Pacer:
    """One for each account in a process: running a cell again must not forget what was sent a moment ago."""
    account = (credentials.base_url, credentials.fingerprint, credentials.connection)
    if account not in _pacers:
        _pacers[account] = Pacer(clock=time.monotonic, sleep=cancellation.sleep, patience=retry.budget)
    return _pacers[account]


def _seconds(timeout: float | tuple[float, float]) -> tuple[float, float]:
    connect, read = timeout if isinstance(timeout, tuple) and len(timeout) == 2 else (timeout, timeout)
    if not all(isinstance(seconds, (int, float)) and 0 < seconds <= _DAY for seconds in (connect, read)):
        raise ConfigurationError(
            f"timeout={timeout!r}: give seconds, or (seconds to connect, seconds between bytes of an answer)."
        )
    return connect, read


def _positive(name: str, value: float, unit: str, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
        raise ConfigurationError(
            f"{name}={value!r} is not a number of {unit}. Pass more than 0, at most {most:,}."
        )
    return value


def _date(revision: str) -> str:
    try:
        given = revision.removesuffix(".pre")
        if revisions.day(revision).isoformat() == given:
            return revision
    except (AttributeError, TypeError, ValueError):
        pass
    raise ConfigurationError(
        f"revision={revision!r} is not a valid API revision. Pass a date such as {REVISION!r}."
    )


@cache
def _warn_of(revision: str) -> None:
    """Warn once a process that no table describes this revision."""
    oldest, life = revisions.TABLES[0], revisions.Life.of(revision)
    if revisions.day(revision) < revisions.day(oldest):
        warnings.warn(
            f"revision={revision!r} is older than {oldest}, the oldest that klaviyo_analytics describes. Klaviyo "
            f"retires it on {life.retired} and then answers in the oldest revision it still supports. Pass "
            f"revision={oldest!r} or a later one, such as {revisions.TABLES[-1]!r}.",
            UserWarning,
            stacklevel=level_outside(),
        )
        return
    warnings.warn(
        f"revision={revision!r} is not known to this version of klaviyo_analytics. Queries are built as for "
        f"{revisions.TABLES[-1]} and sent unchecked; responses may have other columns.",
        UserWarning,
        stacklevel=level_outside(),
    )


@explained
def demo(
    *,
    seed: int = 7,
    profiles: int = 8_000,
    events: int = 300_000,
    currencies: Sequence[str] = ("USD",),
    revision: str = "2026-01-15",
    days: int | None = None,
    text_names: Literal["new", "old"] = "new",
    form_names: Literal["new", "old"] = "old",
    message_ids: Literal["own", "campaign"] = "own",
    truths: Mapping[str, object] | Literal["usual", "none", "all"] = "usual",
    progress: bool | None = None,
) -> KlaviyoClient:
    """Connect to an embedded sandbox account: no key, no internet, the same numbers every time.

    The sandbox is a synthetic shop that answers over real HTTP on this machine: two years of history, 8,000
    profiles, 300,000 events and some 5,000 orders, unless smaller numbers are given. Its
    clock stands still, so "last 90 days" means the same tomorrow. Writing to it changes nothing outside, and
    it ends when the client is closed. As it shares this process, one reader reads a collection
    unless `workers=` names more.

    Parameters
    ----------
    seed : int
        Another seed makes another shop.
    profiles, events : int
        Size of the shop. Smaller shops start faster; the default takes two or three seconds.
    currencies : list of str
        Codes of the currencies that the shop takes; the first is the account's own. ``("USD", "EUR")`` makes a
        shop whose customers in Europe pay in euros.
    revision : str
        As for `connect`: the same shop in the forms of another API revision. Custom objects need 2026-07-15.
    days : int, optional
        Length of the history, at least 90. Default: 730, or 400 if there are fewer than 200,000 events.
    text_names : {"new", "old"}
        "new" for metrics such as Received Text Message, "old" for Received SMS: accounts have either.
    form_names : {"new", "old"}
        "old" for the metric Submitted Form, "new" for Form submitted by profile: accounts have either.
    message_ids : {"own", "campaign"}
        By which id reports name the message of a campaign: "own", or "campaign" for the campaign's; accounts have
        either.
    truths : {"usual", "none", "all"} or dict
        What the numbers are made to contain, so that one can ask whether an analysis finds it: an effect of the hour
        of sending (`send_hour`), a lift between variations (`variation_lift`), fatigue (`fatigue`), flows that
        decay (`flow_decay`), opens by machines (`machine_opens`), refunds (`refunds`), renewals of subscriptions
        (`renewals`) and deleted campaigns (`deleted`), each a number: {"send_hour": 0.5}. "usual" has machine
        opens, refunds and tests with a better side; "none" has nothing to find; "all" has everything.
        `klaviyo_analytics.sandbox.shop.Truths` says what each number means.
    progress : bool, optional
        As for `connect`.

    Returns
    -------
    KlaviyoClient

    Raises
    ------
    InvalidInputError
        `seed`, `profiles` or `events` is not a non-negative integer, or another option is not allowed.
    MissingExtraError
        The sandbox needs the extra ``demo``.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=500) as client:
    ...     len(client.events.list())
    500
    """
    for name, value in {"seed": seed, "profiles": profiles, "events": events}.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidInputError(f"{name}={value!r}: give a whole number, 0 or more.")
    try:
        codes = _codes(currencies)
    except ValueError as problem:
        raise InvalidInputError(f"currencies={currencies!r}: {problem}") from None
    try:
        sandbox = sandbox_class()(
            seed=seed,
            profiles=profiles,
            events=events,
            currencies=codes,
            days=days,
            text_names=text_names,
            form_names=form_names,
            message_ids=message_ids,
            truths=truths,
        )
    except ValueError as problem:
        raise InvalidInputError(str(problem)) from None
    sandbox.start()
    # a shop is half a million objects, and an interpreter that ends looks through all of them for garbage, thrice
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        client = connect(
            api_key=sandbox.api_key, base_url=sandbox.direct_url, revision=revision, progress=progress
        )
        client._embed(
            now=lambda: datetime.fromtimestamp(sandbox.account.now, UTC),
            on_close=sandbox.close,
        )
        client._context.workers = 1  # it shares this process with the server: more would wait for each other
    except BaseException:
        sandbox.close()
        raise
    return client


def _codes(currencies: Sequence[str]) -> tuple[str, ...]:
    codes = (currencies,) if isinstance(currencies, str) else tuple(currencies)
    if not codes or len(set(codes)) < len(codes):
        raise ValueError("expected one or more different currency codes, such as ('USD', 'EUR')")
    return codes


def sandbox_class() -> type[Sandbox]:
    """Import the sandbox, or say which extra it needs."""
    try:
        from klaviyo_analytics.sandbox import Sandbox  # noqa: PLC0415  (needs an extra)
    except ImportError as error:
        raise MissingExtraError("The sandbox", "demo") from error
    return Sandbox
