"""ka.demo(): a sandbox account in this process, and a client connected to it as a user would be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from klaviyo_analytics._calls import explained
from klaviyo_analytics._connect import connect
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from klaviyo_analytics.sandbox import Sandbox


@explained
def demo(
    *,
    seed: int = 7,
    profiles: int = 2_000,
    events: int = 50_000,
    currencies: Sequence[str] = ("USD",),
    progress: bool | None = None,
) -> KlaviyoClient:
    """Connect to an embedded sandbox account: no key, no internet, the same numbers every time.

    The sandbox is a synthetic shop with a year of history that answers over real HTTP on this machine. Its
    clock stands still, so "last 90 days" means the same tomorrow. Writing to it changes nothing outside, and
    it ends when the client is closed.

    Parameters
    ----------
    seed : int
        Another seed makes another shop.
    profiles, events : int
        Size of the shop.
    currencies : list of str
        Codes of the currencies that the shop takes; the first is the account's own. ``("USD", "EUR")`` makes a
        shop whose customers in Europe pay in euros.
    progress : bool, optional
        As for `connect`.

    Returns
    -------
    KlaviyoClient

    Raises
    ------
    InvalidInputError
        A number is none.
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
        sandbox = sandbox_class()(seed=seed, profiles=profiles, events=events, currencies=_codes(currencies))
    except ValueError as problem:
        raise InvalidInputError(f"currencies={currencies!r}: {problem}") from None
    sandbox.start()
    try:
        client = connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=progress)
        client._embed(
            now=lambda: datetime.fromtimestamp(sandbox.account.now, UTC),
            on_close=sandbox.close,
        )
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
