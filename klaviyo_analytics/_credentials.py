"""Which key, which host: arguments first, then the environment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from klaviyo_analytics.errors import ConfigurationError

GATEWAY = "https://gateway.maton.ai/klaviyo"
DIRECT = "https://a.klaviyo.com"
CONTROL = "https://ctrl.maton.ai"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key and where it may be sent. The key never shows."""

    key: str = field(repr=False)
    base_url: str
    gateway: bool
    connection: str | None = None
    source: str = "api_key="  # where the key was found

    @property
    def authorization(self) -> str:
        """Value of the Authorization header."""
        return f"Bearer {self.key}" if self.gateway else f"Klaviyo-API-Key {self.key}"

    @property
    def fingerprint(self) -> str:
        """Tells keys apart without telling them."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]

    @property
    def host(self) -> str:
        """Host (and port) that requests go to."""
        return urlsplit(self.base_url).netloc


def find(
    *,
    api_key: str | None = None,
    connection: str | None = None,
    base_url: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Settle key, host and connection.

    A key that starts with `pk_` is Klaviyo's own and goes to Klaviyo's host; any other is the gateway's.
    Without `api_key`, MATON_API_KEY is looked for, then KLAVIYO_API_KEY. A `base_url` whose path ends in
    `/klaviyo` is a gateway's, whatever its host. Neither key is ever sent to the other's host.
    """
    environ = os.environ if environ is None else environ
    base_url = base_url or environ.get("KLAVIYO_BASE_URL") or None
    side, source = _side(base_url), "api_key="
    if api_key is not None:
        key = api_key
        gateway = side if side is not None else not key.strip().startswith("pk_")
    elif side is not False and (maton := environ.get("MATON_API_KEY")):
        key, gateway, source = maton, True, "MATON_API_KEY"
    elif side is not True and (klaviyo := environ.get("KLAVIYO_API_KEY")):
        key, gateway, source = klaviyo, False, "KLAVIYO_API_KEY"
    else:
        where = f" for {base_url}" if base_url else ""
        raise ConfigurationError(
            f"No key was found{where}. Set MATON_API_KEY (gateway) or KLAVIYO_API_KEY (a private key, pk_...) in "
            "the environment, or pass api_key=. To look around without any key: ka.demo()."
        )
    key = _whole(key)
    if gateway and key.startswith("pk_"):
        raise ConfigurationError(
            f"A Klaviyo private key (pk_...) was given, but {base_url} is a gateway, which must not see it. "
            "Use the gateway's key, or leave base_url out."
        )
    if connection and not gateway:
        raise ConfigurationError(
            "connection= chooses among the gateway's connections and needs a gateway key (MATON_API_KEY); "
            "a private key belongs to one account already."
        )
    base_url = (base_url or (GATEWAY if gateway else DIRECT)).rstrip("/")
    return Credentials(key, _checked(base_url), gateway, connection, source)


def find_control(
    *, api_key: str | None = None, base_url: str | None = None, environ: Mapping[str, str] | None = None
) -> Credentials:
    """Settle key and host of the gateway's own API, which manages connections.

    Without `api_key`, MATON_API_KEY is taken; without `base_url`, MATON_CTRL_URL, else the gateway's own host.
    """
    environ = os.environ if environ is None else environ
    source = "MATON_API_KEY" if api_key is None else "api_key="
    key = environ.get("MATON_API_KEY") if api_key is None else api_key
    if not key:
        raise ConfigurationError(
            "Connections belong to the gateway, and no key for it was found. Set MATON_API_KEY in the environment, "
            "or pass api_key=. A Klaviyo private key needs no connection."
        )
    if key.strip().startswith("pk_"):
        raise ConfigurationError(
            "A Klaviyo private key (pk_...) has no connections, and the gateway must not see it."
        )
    address = (base_url or environ.get("MATON_CTRL_URL") or CONTROL).rstrip("/")
    return Credentials(_whole(key), _checked(address), gateway=True, source=source)


def control_of(credentials: Credentials, environ: Mapping[str, str] | None = None) -> str | None:
    """Say where a gateway's connections are managed; None where nothing tells, so that no key goes astray."""
    environ = os.environ if environ is None else environ
    if named := environ.get("MATON_CTRL_URL"):
        return named
    host = urlsplit(credentials.base_url).hostname or ""
    return CONTROL if host == "maton.ai" or host.endswith(".maton.ai") else None


def _whole(key: str) -> str:
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("The key is empty or holds spaces or other characters that no key has.")
    return key


def _side(base_url: str | None) -> bool | None:
    """Say whether an address is a gateway's (True), Klaviyo's own (False), or does not tell (None)."""
    if not base_url:
        return None
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host == "klaviyo.com" or host.endswith(".klaviyo.com"):
        return False
    if host.endswith("maton.ai") or parts.path.rstrip("/").removesuffix("/api").endswith("/klaviyo"):
        return True
    return None


def _checked(base_url: str) -> str:
    parts = urlsplit(base_url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise ConfigurationError(f"base_url={base_url!r} is no address; it looks like {GATEWAY!r}.")
    if parts.scheme == "http" and not local:
        raise ConfigurationError(f"base_url={base_url!r} would send the key unencrypted; use https.")
    return base_url.removesuffix("/api")
