"""How long a write takes: what the documented limits make it take at least, and what its pace so far says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from klaviyo_analytics._api import GATEWAY_BUCKET, Api
from klaviyo_analytics._wording import counted, spoken
from klaviyo_analytics.endpoints import Endpoint, Window
from klaviyo_analytics.writeback.kinds import KINDS


def seconds_at_limits(api: Api, requests: Mapping[str, int]) -> float:
    """Tell how long so many requests of each kind take at least; those of one endpoint share its limits."""
    counts: dict[str, int] = {}
    for kind, count in requests.items():
        operation = KINDS[kind].operation
        counts[operation] = counts.get(operation, 0) + count
    found = [seconds_for(api.catalog[operation], count) for operation, count in counts.items()]
    if api.gateway:
        windows = [Window(*window) for window in GATEWAY_BUCKET.windows]
        found.append(_least(windows, sum(counts.values())))
    return max(found, default=0.0)


def seconds_for(endpoint: Endpoint, requests: int) -> float:
    """Tell how long the documented limits make so many requests take at least."""
    return _least(endpoint.limits, requests)


def _least(windows: Iterable[Window], requests: int) -> float:
    before = max(requests - 1, 0)
    return float(max((before // window.requests * window.seconds for window in windows), default=0))


def seconds_left(*, done: int, total: int, elapsed: float, least: float) -> float:
    """Estimate what is left: at the pace of the rows done so far, and no faster than the limits allow."""
    if not done:
        return least
    return max(elapsed / done * (total - done), least)


def how_far(*, requests: int, of: int, seconds: float, measured: bool) -> str:
    """Say how many requests are done, and when the rest will be; before there is a pace, at the soonest."""
    about = "about" if measured else "at least"
    left = f", {about} {spoken(seconds)} left" if requests < of and (measured or seconds >= 1) else ""
    return f"{requests:,} of {counted(of, 'request')}{left}"
