"""Which API key goes to which host: arguments first, then environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from klaviyo_analytics._secret import Secret, hidden
from klaviyo_analytics.errors import ConfigurationError

GATEWAY = "https://gateway.maton.ai/klaviyo"
DIRECT = "https://a.klaviyo.com"
CONTROL = "https://ctrl.maton.ai"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and where it may be sent. The key is never printed."""

    key: Secret = field(repr=False, compare=False)
    base_url: str
    gateway: bool
    connection: str | None = None
    source: str = "api_key="  # where the key was found

    @property
    def authorization(self) -> str:
        """Value of the Authorization header."""
        return f"{'Bearer' if self.gateway else 'Klaviyo-API-Key'} {self.key.reveal()}"

    @property
    def fingerprint(self) -> str:
        """Digits that differ from key to key and do not reveal it."""
        return self.key.fingerprint

    @property
    def host(self) -> str:
        """Host (and port) that requests go to."""
        return urlsplit(self.base_url).netloc


def find(
    *,
    api_key: str | Secret | None = None,
    connection: str | None = None,
    base_url: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Find the key, the host and the connection to use.

    A key that starts with `pk_` is Klaviyo's own and goes to Klaviyo's host; any other is the gateway's.
    Without `api_key`, the variable MATON_API_KEY is used, else KLAVIYO_API_KEY. A `base_url` whose path ends in
    `/klaviyo` is a gateway's, whatever its host. Neither key is ever sent to the other's host.
    """
    api_key = hidden(api_key)
    given = base_url or _variable("KLAVIYO_BASE_URL", environ)
    base_url = _checked(given) if given else None
    side, source = _side(base_url), "api_key="
    if api_key is not None:
        key = _whole(api_key)
        gateway = side if side is not None else not _is_private(key)
    elif side is not False and (maton := hidden(_variable("MATON_API_KEY", environ))):
        key, gateway, source = maton, True, "MATON_API_KEY"
    elif side is not True and (klaviyo := hidden(_variable("KLAVIYO_API_KEY", environ))):
        key, gateway, source = klaviyo, False, "KLAVIYO_API_KEY"
    else:
        where = f" for {base_url}" if base_url else ""
        raise ConfigurationError(
            f"No key was found{where}. Set MATON_API_KEY (gateway) or KLAVIYO_API_KEY (a private key, pk_...) in "
            "the environment, or pass api_key=. ka.demo() needs no key."
        )
    key = _whole(key)
    base_url = base_url or (GATEWAY if gateway else DIRECT)
    if gateway == _is_private(key):
        raise ConfigurationError(_wrong_host(source, base_url, gateway=gateway))
    if connection and not gateway:
        raise ConfigurationError(
            "connection= chooses one of the gateway's connections and needs a gateway key (MATON_API_KEY). "
            "Leave it out: a private key belongs to one account."
        )
    if connection and not _is_one_word(connection):
        raise ConfigurationError(
            f"connection={connection!r} is not a valid connection id. ka.Connections().list() shows the ids."
        )
    return Credentials(key, base_url, gateway, connection, source)


def _wrong_host(source: str, base_url: str, *, gateway: bool) -> str:
    if gateway:
        return (
            f"{source} holds a Klaviyo private key (pk_...), but {base_url} is a gateway, which must not see it. "
            "Use the gateway's key, or leave base_url out."
        )
    return (
        f"{source} does not hold a Klaviyo private key (pk_...), but {base_url} is Klaviyo's own host, which must "
        "not see another key. Use a private key, or leave base_url out."
    )


def find_control(
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Find the key and the host of the gateway's own API, which manages connections.

    Without `api_key`, MATON_API_KEY is taken; without `base_url`, MATON_CTRL_URL, else the gateway's own host.
    """
    source = "MATON_API_KEY" if api_key is None else "api_key="
    key = hidden(api_key)
    if key is None:
        key = hidden(_variable("MATON_API_KEY", environ))
    if not key:
        raise ConfigurationError(
            "No gateway key was found, and connections belong to the gateway. Set MATON_API_KEY in the environment, "
            "or pass api_key=. A Klaviyo private key works without a connection."
        )
    key = _whole(key)
    if _is_private(key):
        raise ConfigurationError(
            "A Klaviyo private key (pk_...) has no connections, and the gateway must not see it. Pass the "
            "gateway's key."
        )
    address = base_url or _variable("MATON_CTRL_URL", environ)
    elsewhere = _variable("KLAVIYO_BASE_URL", environ)
    if not address and elsewhere and _side(elsewhere) and not _belongs(elsewhere, "maton.ai"):
        raise ConfigurationError(
            f"KLAVIYO_BASE_URL is another gateway ({elsewhere}), whose key must not go to Maton's host. Set "
            "MATON_CTRL_URL to the URL where its connections are managed, or pass base_url=."
        )
    address = _checked(address or CONTROL)
    return Credentials(key, address, gateway=True, source=source)


def control_of(credentials: Credentials, environ: Mapping[str, str] | None = None) -> str | None:
    """Return the URL where a gateway's connections are managed; None if unknown, so that no key goes astray."""
    if named := _variable("MATON_CTRL_URL", environ):
        return named
    return CONTROL if _belongs(credentials.base_url, "maton.ai") else None


def gateway_of(
    control: Credentials, given: str | None = None, environ: Mapping[str, str] | None = None
) -> str | None:
    """Return the URL of the gateway's Klaviyo API for a key that manages connections; None if it is unknown.

    Raises
    ------
    ConfigurationError
        `given` is not a URL, or is Klaviyo's own host, which must not see a gateway's key.
    """
    if given:
        if _side(given) is False:
            raise ConfigurationError(
                f"gateway_url={given!r} is Klaviyo's own host, which must not see a gateway's key. Pass the "
                "gateway's URL, or leave it out."
            )
        return _checked(given)
    named = _variable("KLAVIYO_BASE_URL", environ)
    if named and _side(named):
        return _checked(named)
    return GATEWAY if _belongs(control.base_url, "maton.ai") else None


def _variable(name: str, environ: Mapping[str, str] | None) -> str | None:
    """Read an environment variable; an empty one counts as missing.

    The environment itself is never a local variable of a function, where a traceback would print all of it.
    """
    return (os.environ if environ is None else environ).get(name) or None


def _whole(key: object) -> Secret:
    text = key.reveal().strip() if isinstance(key, Secret) else None
    if not _is_one_word(text) or set(text or "") & set("\"'`"):
        text = None
        raise ConfigurationError(
            "The API key is empty, or contains quotes, spaces or other characters that keys never have. "
            "Copy it again."
        )
    return Secret(str(text))


def _is_private(key: Secret) -> bool:
    """Return whether a key is a Klaviyo private key rather than a gateway key."""
    return key.reveal().startswith("pk_")


def _is_one_word(text: object) -> bool:
    return isinstance(text, str) and bool(re.fullmatch(r"[!-~]+", text))


def _side(base_url: str | None) -> bool | None:
    """Return whether a URL is a gateway's (True), Klaviyo's own (False), or unknown (None)."""
    if not base_url:
        return None
    if _belongs(base_url, "klaviyo.com"):
        return False
    return True if _belongs(base_url, "maton.ai") or base_url.endswith("/klaviyo") else None


def _belongs(base_url: str, domain: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host == domain or host.endswith(f".{domain}")


def _checked(base_url: str) -> str:
    """Return the base URL that paths are appended to.

    Raises
    ------
    ConfigurationError
        It is not a URL, or would send the key unencrypted.
    """
    if not _is_one_word(base_url) or "@" in base_url:  # an address with a password in it is not repeated here
        raise ConfigurationError(f"base_url= is not a valid URL. Pass one such as {GATEWAY!r}.")
    try:
        parts = urlsplit(base_url)
        sound = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or "?" in base_url or "#" in base_url:
        raise ConfigurationError(f"base_url={base_url!r} is not a valid URL. Pass one such as {GATEWAY!r}.")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigurationError(f"base_url={base_url!r} would send the key unencrypted. Use https.")
    return base_url.rstrip("/").removesuffix("/api").rstrip("/")
