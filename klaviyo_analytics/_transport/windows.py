"""Sliding windows: when the next of several calls may be sent, used for pacing and for daily report quotas alike.

The server counts in fixed windows whose edges a client cannot see. What stays within any second, minute or day stays
within those that the server happens to count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

SLACK = 0.06  # seconds: requests sent a second apart can arrive a little closer


class SlidingWindows:
    """Moments at which calls were sent, counted in several windows at once.

    Parameters
    ----------
    limits : sequence of (int, int)
        Calls allowed within so many seconds.
    sent : iterable of float
        Earlier moments in seconds, in order.

    Examples
    --------
    >>> windows = SlidingWindows([(2, 1)], [0.0, 0.5])
    >>> round(windows.wait(0.6), 2)
    0.46
    """

    def __init__(self, limits: Sequence[tuple[int, int]], sent: Iterable[float] = ()) -> None:
        self.limits = tuple(limits)
        self.sent = list(sent)

    def wait(self, now: float) -> float:
        """Return the seconds until one more call fits into every window."""
        return max(
            (
                self.sent[-calls] + seconds + SLACK - now
                for calls, seconds in self.limits
                if len(self.sent) >= calls
            ),
            default=0.0,
        )

    def add(self, now: float) -> None:
        """Count a call, and forget those that no window reaches any more."""
        self.sent.append(now)
        most = max((calls for calls, _ in self.limits), default=0)
        if len(self.sent) > 2 * most:
            del self.sent[: len(self.sent) - most]
