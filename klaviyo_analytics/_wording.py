"""Counts and durations as people say them."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Write `1 campaign` or `60 campaigns`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def spoken(seconds: float) -> str:
    """Write a duration: 40 s, 3 min, 2 h 5 min."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
