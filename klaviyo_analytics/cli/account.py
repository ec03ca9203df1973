"""Which account a command reads: the environment, a key file, the system's keyring or a profile of the configuration.

The configuration is a TOML file, `config.toml`, in the user's configuration folder (or at KLAVIYO_ANALYTICS_CONFIG).
It has a section for each profile and never holds a key:

    [profiles.shop-eu]
    key_env = "SHOP_EU_KEY"        # or key_file = "~/keys/shop-eu", or keyring = "shop-eu"
    connection = "21fd90f9-..."
"""

from __future__ import annotations

import argparse
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klaviyo_analytics._messages import near
from klaviyo_analytics.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from klaviyo_analytics.client import KlaviyoClient

SERVICE = "klaviyo-analytics"  # the name under which the keyring holds keys
KNOWN = ("key_env", "key_file", "keyring", "connection", "base_url", "revision")


def client_of(options: argparse.Namespace) -> KlaviyoClient:
    """Connect to the account that the options name."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    if options.demo:
        return ka.demo()
    return ka.connect(**arguments_of(options))


def arguments_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `ka.connect`; an option wins over the profile."""
    chosen = _profile(options.profile) if options.profile else {}
    found: dict[str, Any] = {
        name: chosen[name] for name in ("connection", "base_url", "revision") if name in chosen
    }
    for name in ("connection", "base_url", "revision"):
        if (value := getattr(options, name)) is not None:
            found[name] = value
    if options.key_file is not None:
        found["api_key"] = _read(options.key_file)
    elif (key := _key(chosen)) is not None:
        found["api_key"] = key
    return found


def configuration() -> Path:
    """Return the path of the configuration file."""
    from platformdirs import user_config_path  # noqa: PLC0415

    named = os.environ.get("KLAVIYO_ANALYTICS_CONFIG")
    return Path(named) if named else user_config_path(SERVICE) / "config.toml"


def _profile(name: str) -> dict[str, str]:
    path = configuration()
    try:
        sections: Any = tomllib.loads(path.read_text("utf-8")).get("profiles", {})
    except FileNotFoundError:
        raise ConfigurationError(
            f"--profile {name} needs a configuration file. {path} does not exist. "
            "`klaviyo-analytics check --help` shows what it holds."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"{path} is not valid TOML: {problem}.") from None
    if not isinstance(sections, dict) or not all(isinstance(one, dict) for one in sections.values()):
        raise ConfigurationError(
            f"{path}: 'profiles' is not a table of profiles. Write [profiles.NAME] above each."
        )
    if name not in sections:
        known = near(name, sorted(sections)) or "no profile"
        raise ConfigurationError(f"--profile {name} is not in {path}. It has {known}.")
    section: dict[str, str] = sections[name]
    if strange := sorted(set(section) - set(KNOWN)):
        raise ConfigurationError(
            f"{path}: profile {name!r} has unknown settings: {', '.join(strange)}. "
            f"Allowed are {near(strange[0], KNOWN)}; a key itself is never kept in this file."
        )
    if wrong := [setting for setting, value in section.items() if not isinstance(value, str) or not value]:
        raise ConfigurationError(f"{path}: {wrong[0]} of profile {name!r} is not a text. Put it in quotes.")
    if len(keys := [setting for setting in ("key_env", "key_file", "keyring") if setting in section]) > 1:
        raise ConfigurationError(
            f"{path}: profile {name!r} has both {keys[0]} and {keys[1]}. Keep the one that leads to the key."
        )
    return section


def _key(profile: dict[str, str]) -> str | None:
    if "key_env" in profile:
        key = os.environ.get(profile["key_env"])
        if not key:
            raise ConfigurationError(f"The environment variable {profile['key_env']} is not set.")
        return key
    if "key_file" in profile:
        return _read(Path(profile["key_file"]).expanduser())
    if "keyring" in profile:
        try:
            import keyring  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("The keyring", "keyring") from error
        key = keyring.get_password(SERVICE, profile["keyring"])
        if not key:
            raise ConfigurationError(
                f"The keyring has no key for {profile['keyring']!r}. Store it with: keyring set {SERVICE} "
                f"{profile['keyring']}"
            )
        return str(key)
    return None


def _read(path: Path) -> str:
    try:
        key = path.expanduser().read_text("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{path} is not a text file. Pass a file whose only line is the key."
        ) from None
    if not key or len(key.split()) != 1:
        raise ConfigurationError(f"{path} does not hold one key on one line.")
    return key
