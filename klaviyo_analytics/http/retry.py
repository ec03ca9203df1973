"""Whether and when to retry: a pure decision, without a clock or a wait."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(?:\.[0-9]{0,300})?")
TOO_MANY_REQUESTS = 429
NEVER_BETTER = (501, 505)  # not implemented: a retry gets the same response
# texts of a gateway's 500 when its access to the account has expired; only a person can fix that
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

    @property
    def limited(self) -> bool:
        """Whether the server turned the request away because there were too many."""
        return self.status == TOO_MANY_REQUESTS

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> Failure | None:
        """Return how an answer with an error status failed; None if a retry cannot help."""
        failure = cls(status, status == TOO_MANY_REQUESTS, retry_after(headers, now=now))
        return failure if failure.limited or (status >= 500 and not hopeless(status, body)) else None


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

        `attempt` counts from 1, `jitter` is a random number in [0, 1). A retry before the
        server's `Retry-After` is always refused again, so only jitter is added to it. A value below `base` is
        ignored, because it would use up all attempts at once.
        """
        again = failure.status is None or failure.limited or failure.status >= 500
        again = again and failure.status not in NEVER_BETTER
        attempts = self.unreached if failure.status is None and failure.refused else self.attempts
        if not again or attempt >= attempts or not (replay_safe or failure.refused):
            return None
        backoff = min(self.cap, self.base * 2 ** (attempt - 1))
        asked = failure.retry_after
        wait = backoff * (0.5 + jitter / 2) if asked is None or asked < self.base else asked + 0.25 * jitter
        return wait if elapsed + wait <= self.budget else None


def hopeless(status: int, body: bytes) -> bool:
    """Return whether an error body says that a retry cannot help."""
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
        due, sent = _moment(text), _moment(headers.get("Date", ""))
        seconds = due - (now if math.isnan(sent) else sent)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _moment(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return math.nan
