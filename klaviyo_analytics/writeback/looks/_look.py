"""What a look at the account is given, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import Changes
from klaviyo_analytics.writeback.kinds import Options

Left = Mapping[int, tuple[str, Mapping[str, Any]]]  # by position, a row's key and what was sent of it


class Remark(str):
    """What has to be said of a row although it is there."""

    __slots__ = ()


Found = dict[
    int, str | None
]  # None or a Remark: it is there; a text: why it is not as it was sent; no entry: gone
Look = Callable[[Account, Options, Left], Found]


def differing(other: Changes) -> str | None:
    """Say what differs; None if nothing does."""
    if not other:
        return None
    said = (f"{name} is {old!r}"[:200] for name, (old, _) in other.items())
    return f"it differs when it is read back: {', '.join(said)}"
