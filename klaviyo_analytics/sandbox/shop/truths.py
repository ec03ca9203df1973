"""Known truths that a shop's numbers are drawn from, so that one can ask whether an analysis finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

EVENING = (18, 21)  # hours of the account's clock, the second one not included
FATIGUE_DAYS, FATIGUE_MOST = 30, 8


@dataclass(frozen=True, kw_only=True)
class Truths:
    """What a synthetic shop is made to contain, and how strongly; a second currency is `currencies=` instead.

    Parameters
    ----------
    send_hour : float
        An email sent from 18:00 to 20:59 on the account's clock is opened 1 + `send_hour` times as likely as at other
        hours. Usual: 0.
    variation_lift : float or None
        In A/B tests, B is opened 1 + `variation_lift` times as likely as A. None: as usual, B does better than A in
        opens and clicks, by other amounts.
    fatigue : float
        Each campaign email of the 30 days before takes this off the chance that a campaign email is opened, as a
        fraction of sends, for up to eight of them. Usual: 0.
    flow_decay : float
        Emails of flows are opened less every 30 days by this share. Usual: 0.
    machine_opens : float
        How many of the people whose mail client opens messages by itself have such a client: 1 is usual, 0 nobody.
    refunds : float
        Share of shipped orders that are refunded. Usual: 0.055.
    renewals : float
        Share of orders that are renewals of subscriptions, by their tags and source. Usual: 0.
    deleted : int
        Number of sent campaigns that were deleted since; their events stay. Usual: 0.
    alike : bool
        Whether messages do not differ otherwise: no better or worse subjects, no eager new subscribers. Without it,
        both stand beside the planted truths, as in a real account. Usual: False.

    Examples
    --------
    >>> Truths.of("none").machine_opens
    0.0
    >>> Truths.of({"send_hour": 0.4}).send_hour
    0.4
    """

    send_hour: float = 0.0
    variation_lift: float | None = None
    fatigue: float = 0.0
    flow_decay: float = 0.0
    machine_opens: float = 1.0
    refunds: float = 0.055
    renewals: float = 0.0
    deleted: int = 0
    alike: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in _ALLOWED.items():
            value = getattr(self, name)
            if value is None and name == "variation_lift":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ValueError(f"{name}={value!r} is not allowed. Give a number from {low:g} to {high:g}.")
        if self.deleted != int(self.deleted):
            raise ValueError(f"deleted={self.deleted!r} is not allowed. Give a whole number.")
        if self.alike not in (True, False):
            raise ValueError(f"alike={self.alike!r} is not allowed. Give True or False.")

    @classmethod
    def of(cls, given: Truths | Mapping[str, object] | str | None) -> Self:
        """Return truths from what an option gave: a word, some of them by name, or None for what is usual.

        Raises
        ------
        ValueError
            If a word, a name or a number is not allowed.
        """
        if given is None:
            return cls()
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            if given not in _WORDS:
                raise ValueError(f"truths={given!r} is not allowed. Choose one of {', '.join(_WORDS)}.")
            return cls(**_WORDS[given])  # type: ignore[arg-type]
        if not isinstance(given, Mapping):
            raise ValueError(  # noqa: TRY004 - an option has one kind of error
                f"truths={given!r} is not allowed. Give a word, a dict or a Truths."
            )
        known = [one.name for one in fields(cls)]
        if unknown := [name for name in given if name not in known]:
            raise ValueError(f"truths has no {unknown[0]!r}. Allowed are {', '.join(known)}.")
        return replace(cls(), **given)  # type: ignore[arg-type]


_ALLOWED: dict[str, tuple[float, float]] = {
    "send_hour": (0, 2),
    "variation_lift": (0, 2),
    "fatigue": (0, 0.05),
    "flow_decay": (0, 0.5),
    "machine_opens": (0, 1),
    "refunds": (0, 0.9),
    "renewals": (0, 1),
    "deleted": (0, 50),
}
_WORDS: dict[str, dict[str, object]] = {
    "usual": {},
    "none": {"variation_lift": 0.0, "machine_opens": 0.0, "refunds": 0.0, "alike": True},
    "all": {
        "send_hour": 0.5,
        "variation_lift": 0.3,
        "fatigue": 0.01,
        "flow_decay": 0.04,
        "renewals": 0.15,
        "deleted": 3,
    },
}
