"""Whether and when to try again: a pure decision, no clock and no sleeping in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(?:\.[0-9]{0,300})?")
NEVER_BETTER = (501, 505)  # not implemented: asking again is answered alike
# what a gateway says with a 500 when it is no longer authorized for the account; only a person can fix that
_GRANT_IS_GONE = re.compile(
    rb"(?i)\bgrant\b|\boauth|\bre-?(?:authori[sz]|connect)|\brefresh(?:ing)?\b[^.]{0,40}\btoken|token[^.]{0,20}\bexpired"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """How one attempt failed.

    `status` is None where no answer arrived. `refused` says that the server certainly did nothing: it turned
    the request away (429), or was never reached. Only such a failure lets a request be repeated that is not
    safe to replay.
    """

    status: int | None
    refused: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with full jitter inside a total time budget (seconds)."""

    attempts: int = 8
    unreached: int = 4  # attempts at a server that cannot be reached at all
    budget: float = 300.0
    base: float = 0.5
    cap: float = 60.0

    def delay(
        self, failure: Failure, *, attempt: int, elapsed: float, replay_safe: bool, jitter: float
    ) -> float | None:
        """Seconds to wait before the next attempt; None when it is time to give up.

        `attempt` counts from 1, `jitter` is a random number in [0, 1). The server's `Retry-After` is obeyed to
        the letter: coming back earlier is always refused again, so only the jitter is added to it. One that says
        "at once" is ignored: it would use up all attempts immediately.
        """
        again = failure.status is None or failure.status == 429 or failure.status >= 500
        again = again and failure.status not in NEVER_BETTER
        attempts = self.unreached if failure.status is None and failure.refused else self.attempts
        if not again or attempt >= attempts or not (replay_safe or failure.refused):
            return None
        backoff = min(self.cap, self.base * 2 ** (attempt - 1))
        told = failure.retry_after
        wait = backoff * (0.5 + jitter / 2) if told is None or told < self.base else told + 0.25 * jitter
        return wait if elapsed + wait <= self.budget else None


def hopeless(status: int, body: bytes) -> bool:
    """Return whether an error answer itself rules out that a retry would help."""
    return status == 500 and b'"errors"' not in body and bool(_GRANT_IS_GONE.search(body[:4000]))


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Read a Retry-After header: seconds, or a date on the server's clock, which `now` stands in for.

    A negative number counts as zero. Of several values the largest is taken; what is neither a plain number nor a
    date counts as missing.
    """
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    if all(map(_NUMBER.fullmatch, parts)):
        seconds = max(map(float, parts))
    else:
        told, sent = _moment(text), _moment(headers.get("Date", ""))
        seconds = told - (now if math.isnan(sent) else sent)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _moment(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return math.nan
