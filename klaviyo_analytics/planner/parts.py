"""How a time frame is cut into parts that a report accepts: as few as the documented lengths allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from klaviyo_analytics._arithmetic import COUNTS, MONEY, RATES
from klaviyo_analytics.errors import NotAdditiveError
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.vocabulary import Interval

LONGEST: Mapping[Interval, int] = {"hour": 7, "day": 60, "week": 52 * 7, "month": 52 * 7}
"""Days that a series report covers at most."""

ADDITIVE = COUNTS | MONEY


def series_parts(timeframe: Timeframe, interval: Interval) -> list[Timeframe]:
    """Cut between intervals: every number then comes whole from one answer, and joining adds nothing up.

    Examples
    --------
    >>> quarter = Timeframe("2026-01-01", "2026-04-01", timezone="America/New_York")
    >>> for part in series_parts(quarter, "day"):
    ...     print(part)
    2026-01-01 to 2026-03-01 (America/New_York)
    2026-03-02 to 2026-03-31 (America/New_York)
    """
    return timeframe.split(days=LONGEST[interval], interval=interval)


def values_parts(timeframe: Timeframe, statistics: Sequence[str]) -> tuple[list[Timeframe], tuple[str, ...]]:
    """Cut a frame longer than a year, if its numbers can be added up; else refuse with the reason.

    Returns
    -------
    list of Timeframe
        One, where the frame is not longer than a year.
    tuple of str
        Statistics to ask for: those given, or the counts that they are rebuilt from.

    Examples
    --------
    >>> years = Timeframe("2024-01-01", "2026-01-01", timezone="America/New_York")
    >>> parts, asked = values_parts(years, ["delivery_rate", "recipients"])
    >>> len(parts), asked
    (2, ('delivered', 'recipients'))
    """
    parts = timeframe.split(years=1)
    if len(parts) == 1:
        return parts, tuple(statistics)
    asked: list[str] = []
    for name in statistics:
        made_of = (RATES[name].numerator, RATES[name].denominator) if name in RATES else (name,)
        if not ADDITIVE.issuperset(made_of):
            raise NotAdditiveError(_reason(name, timeframe))
        asked += made_of
    return parts, tuple(dict.fromkeys(asked))


def _reason(name: str, timeframe: Timeframe) -> str:
    why = "counts each person once, and who is in two years would count twice"
    if name in RATES or name.endswith(("_rate", "_roi")):
        why = "is a quotient of numbers that cannot be added up over time"
    elif name == "total_members":
        why = "is a size at one moment, which does not add up"
    return (
        f"a report covers at most a year, so {timeframe} takes several; {name!r} {why}. Ask for a year at a time, "
        "or leave it out: counts, money and the rates made of them are added up."
    )
