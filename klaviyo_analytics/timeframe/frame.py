"""The time frame itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.timeframe import words
from klaviyo_analytics.timeframe import words as calendar
from klaviyo_analytics.timeframe.words import (
    Moment,
    Unit,
    add_months,
    floor,
    in_zone,
    move_to,
    plain,
    step,
    zone_named,
)

if TYPE_CHECKING:
    from klaviyo_analytics.vocabulary import Interval


def made_of(start: datetime, end: datetime, unit: Unit, zone: ZoneInfo) -> bool:
    """Return whether the frame consists of whole units."""
    return all(m.astimezone(UTC) == floor(m, unit, zone).astimezone(UTC) for m in (start, end))


def previous_start(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """Return where the period of the same length directly before begins."""
    if made_of(start, end, "month", zone):
        return step(start, "month", 12 * (start.year - end.year) + start.month - end.month, zone)
    if made_of(start, end, "day", zone):
        return step(start, "day", (start.date() - end.date()).days, zone)
    duration = end.astimezone(UTC) - start.astimezone(UTC)
    return (start.astimezone(UTC) - duration).astimezone(zone)


def year_before(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return the same calendar dates a year before."""
    # An end on 29 February means "up to and with the 28th", and so the 1st of March a year before.
    day = end.date()
    if (day.month, day.day) == (2, 29):
        day += timedelta(days=1)
    return move_to(start, add_months(start.date(), -12)), move_to(end, add_months(day, -12))


def shown_twice(moment: datetime) -> bool:
    """Return whether the clock shows this time twice, because it is put back."""
    first, second = moment.replace(fold=0), moment.replace(fold=1)
    return first.astimezone(UTC) < second.astimezone(UTC)


def longest_end(start: datetime, *, days: int = 0, years: int = 0) -> datetime:
    """Return where a frame that begins here must end at the latest."""
    return move_to(start, add_months(start.date(), 12 * years) + timedelta(days=days))


def cuts(
    start: datetime, end: datetime, unit: Unit, zone: ZoneInfo, *, days: int, years: int
) -> Iterator[datetime]:
    """Yield the inner boundaries: each the last start of a unit within the allowed length."""
    while (limit := longest_end(start, days=days, years=years)).astimezone(UTC) < end.astimezone(UTC):
        cut = floor(limit, unit, zone)
        if cut.astimezone(UTC) <= start.astimezone(UTC):
            raise InvalidInputError(
                f"no whole {unit} fits between {start:%Y-%m-%d %H:%M} and {limit:%Y-%m-%d %H:%M}; "
                "use a shorter interval or longer parts"
            )
        yield cut
        start = cut


def aggregate_filter(start: datetime, end: datetime) -> list[str]:
    """Write the bounds without an offset, in UTC."""
    first, last = (moment.astimezone(UTC).replace(tzinfo=None).isoformat() for moment in (start, end))
    return [f"greater-or-equal(datetime,{first})", f"less-than(datetime,{last})"]


def event_filter(start: datetime, end: datetime, field: str) -> str:
    """Write the bounds with `Z`; GET filters refuse quoted datetimes."""
    first, last = (moment.astimezone(UTC).isoformat().replace("+00:00", "Z") for moment in (start, end))
    return f"greater-or-equal({field},{first}),less-than({field},{last})"


def report_body(start: datetime, end: datetime) -> dict[str, str]:
    """Write the bounds on their own clock, the end as the last second that belongs to the frame."""
    last = (end.astimezone(UTC) - timedelta(seconds=1)).astimezone(end.tzinfo)
    return {"start": _on_the_clock(start), "end": _on_the_clock(last)}


def _on_the_clock(moment: datetime) -> str:
    # The API's schema wants an offset and then ignores it.
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}+00:00"


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Timeframe:
    """A stretch of time, half-open, on the clock of one time zone: `start` belongs to it, `end` does not.

    Parameters
    ----------
    start, end : str, date, datetime, pandas.Timestamp or numpy.datetime64
        A date stands for its first moment. What has no zone of its own is read in `timezone`; what has one is
        converted to it.
    timezone : str or tzinfo, optional
        IANA name. It decides what a day is, so give the account's. May be left out if `start` brings one.

    Raises
    ------
    InvalidInputError
        `start` or `end` is not a valid time, `end` is not after `start`, or no time zone is known.

    See Also
    --------
    Timeframe.parse : the same from words, like "last 90 days".

    Examples
    --------
    >>> quarter = Timeframe("2026-04-01", "2026-07-01", timezone="America/New_York")
    >>> quarter.days
    91
    >>> print(quarter.previous())
    2026-01-01 to 2026-03-31 (America/New_York)
    """

    start: datetime
    end: datetime

    def __init__(
        self, start: Moment, end: Moment | None = None, *, timezone: str | tzinfo | None = None
    ) -> None:
        if end is None:
            raise InvalidInputError(
                f"{start!r} is not a start and an end; Timeframe.parse({start!r}) reads words"
            )
        zone = zone_named(timezone if timezone is not None else _own_zone(start))
        first, last = in_zone(start, zone), in_zone(end, zone)
        if last.astimezone(UTC) <= first.astimezone(UTC):
            raise InvalidInputError(
                f"a time frame ends after it starts, but {end} is not after {start}; the end is not part of "
                "the frame, so a single day ends on the next"
            )
        object.__setattr__(self, "start", first)
        object.__setattr__(self, "end", last)

    @classmethod
    def parse(
        cls,
        value: str | tuple[Moment, Moment] | Timeframe,
        *,
        timezone: str | tzinfo | None = None,
        now: Moment | None = None,
    ) -> Timeframe:
        """Return a time frame from words, from a pair of times, or unchanged.

        Parameters
        ----------
        value : str, (start, end) or Timeframe
            "today", "yesterday"; "this week" (month, quarter, year), also as "year to date" or "ytd"; "last
            week", "previous quarter", "last 90 days", "past 7 days", "30d", "last_12_months" and so on for hours,
            days, weeks, months, quarters and years; "2026-04-15", "2026-04", "April 2026", "2026-Q2", "Q2 2026",
            "2026"; "2026-04-01/2026-07-01", where the end is not part of the frame.
            Every key of the report endpoints (`vocabulary.TimeframeKey`) is understood.
        timezone : str or tzinfo, optional
            As for the class; needed for words.
        now : datetime, optional
            The clock that relative words go by; the real one unless given.

        Notes
        -----
        "last 90 days" are the 90 whole days before today: **today is not among them**, because an unfinished
        day looks like a fall. In the same way "last 12 months" are the twelve whole calendar months before the
        one that holds today, "last 12 weeks" the twelve whole weeks before this one, "last" and "previous quarter"
        the quarter before this one, and "last week" is the last one that ended, Monday to Sunday. "past", "30d"
        and "7 days" mean the same as "last". "this month" runs from its first day to the end of
        today. Klaviyo does not document what its own keys include; since a parsed frame is always sent as two
        times, every endpoint answers for the same ones.

        Examples
        --------
        >>> Timeframe.parse("last 90 days", timezone="UTC", now="2026-07-01T15:00")
        Timeframe('2026-04-02', '2026-07-01', timezone='UTC')
        >>> Timeframe.parse("2026-Q2", timezone="UTC")
        Timeframe('2026-04-01', '2026-07-01', timezone='UTC')
        """
        if isinstance(value, Timeframe):
            return value
        if not isinstance(value, str):
            return cls(*_pair(value), timezone=timezone)
        if "/" in value:
            return cls(*_pair(value.split("/")), timezone=timezone)
        zone = zone_named(timezone if timezone is not None else _missing(value))
        clock = datetime.now(zone) if now is None else in_zone(now, zone)
        bounds = words.absolute(value, zone) or words.relative(value, zone, clock)
        if bounds is None:
            raise InvalidInputError(f"{value!r} is not a time frame; {words.HELP}")
        return cls(*bounds, timezone=zone)

    @property
    def timezone(self) -> str:
        """IANA name of the zone."""
        return self._zone.key

    @property
    def duration(self) -> timedelta:
        """Time that really passes: a day on which clocks change has 23 or 25 hours."""
        return self.end.astimezone(UTC) - self.start.astimezone(UTC)

    @property
    def days(self) -> int:
        """Number of calendar days that the frame touches; a day on which clocks change is one."""
        return len(self.intervals("day"))

    def previous(self) -> Timeframe:
        """Return the period directly before, of the same length.

        Whole calendar months are followed back by as many calendar months, whole days by as many days, and
        anything else by the time that passes.
        """
        return Timeframe(previous_start(self.start, self.end, self._zone), self.start, timezone=self._zone)

    def same_period_last_year(self) -> Timeframe:
        """Return the same calendar dates a year before; 29 February becomes the last day of February."""
        return Timeframe(*year_before(self.start, self.end), timezone=self._zone)

    def intervals(self, interval: Interval) -> list[datetime]:
        """Return the start of each hour, day, week or month that the frame touches, on its own clock.

        The first lies before `start` if the frame begins inside an interval: metric aggregates label their
        buckets in the same way. Weeks begin on Monday.
        """
        return list(calendar.starts(self.start, self.end, interval, self._zone))

    def complete_intervals(self, interval: Interval, *, now: Moment | None = None) -> list[bool]:
        """Return for each of `intervals` whether it lies wholly inside the frame and is over by `now`."""
        starts = self.intervals(interval)
        ends = [*starts[1:], calendar.step(starts[-1], interval, 1, self._zone)]
        first, limit = self.start.astimezone(UTC), min(self.end.astimezone(UTC), self._clock(now))
        return [
            first <= start.astimezone(UTC) and end.astimezone(UTC) <= limit
            for start, end in zip(starts, ends, strict=True)
        ]

    def is_complete(self, now: Moment | None = None) -> bool:
        """Return whether the frame is over by `now`, the real clock unless given."""
        return self.end.astimezone(UTC) <= self._clock(now)

    def split(
        self, *, days: int | None = None, years: int | None = None, interval: Interval = "day"
    ) -> list[Timeframe]:
        """Cut into consecutive frames, each at most so long, that join exactly.

        Parameters
        ----------
        days, years : int
            The greatest length of a part; give one of them. A year is a calendar year, like Klaviyo's limit:
            of 366 days where it holds 29 February.
        interval : {"hour", "day", "week", "month"}
            Cuts fall between intervals, so that no bucket is in two parts.

        Examples
        --------
        >>> for part in Timeframe("2023-07-01", "2026-01-01", timezone="UTC").split(years=1):
        ...     print(part)
        2023-07-01 to 2024-06-30 (UTC)
        2024-07-01 to 2025-06-30 (UTC)
        2025-07-01 to 2025-12-31 (UTC)
        """
        if (days is None) == (years is None) or (days or years or 0) < 1:
            raise InvalidInputError(f"give either days= or years=, at least 1; not {days=}, {years=}")
        inner = cuts(self.start, self.end, interval, self._zone, days=days or 0, years=years or 0)
        ends = [self.start, *inner, self.end]
        return [Timeframe(first, last, timezone=self._zone) for first, last in pairwise(ends)]

    def in_timezone(self, timezone: str | tzinfo) -> Timeframe:
        """Return the same stretch of time on another zone's clock."""
        return Timeframe(self.start, self.end, timezone=timezone)

    def aggregate_filter(self) -> list[str]:
        """Return the two entries that metric aggregates want in `filter`.

        Notes
        -----
        The documented form has no offset and the documents do not say on whose clock it is read. Clients that
        send a local midnight beside a `timezone` west of Greenwich get a bucket for the day before, so it is
        read in UTC, and that is how it is written here.

        Examples
        --------
        >>> Timeframe("2026-04-01", "2026-07-01", timezone="America/New_York").aggregate_filter()
        ['greater-or-equal(datetime,2026-04-01T04:00:00)', 'less-than(datetime,2026-07-01T04:00:00)']
        """
        return aggregate_filter(self.start, self.end)

    def event_filter(self, field: str = "datetime") -> str:
        """Return the filter expression for GET endpoints; datetimes stand unquoted there.

        Examples
        --------
        >>> Timeframe("2026-04-01", "2026-04-02", timezone="America/New_York").event_filter()
        'greater-or-equal(datetime,2026-04-01T04:00:00Z),less-than(datetime,2026-04-02T04:00:00Z)'
        """
        return event_filter(self.start, self.end, field)

    def report_body(self) -> dict[str, str]:
        """Return the `timeframe` of a report request.

        Reports ignore the offset and read both ends on the account's clock, so the frame must be in the
        account's zone (`in_timezone`). Their end has been seen to be part of the report, which is not
        documented; so the last second before `end` is sent, and events are dated to the second.

        Raises
        ------
        InvalidInputError
            If the frame is longer than a year, which no report accepts: `split(years=1)` cuts it, but only
            counts and sums can be joined again, never unique counts. If it begins or ends inside an hour that the
            clock shows twice, since reports could take either of the two, or is shorter than a second.

        Examples
        --------
        >>> Timeframe("2026-04-01", "2026-07-01", timezone="America/New_York").report_body()
        {'start': '2026-04-01T00:00:00+00:00', 'end': '2026-06-30T23:59:59+00:00'}
        """
        if longest_end(self.start, years=1).astimezone(UTC) < self.end.astimezone(UTC):
            raise InvalidInputError(
                f"a report covers at most a year, but {self} is longer; shorten it, or use .split(years=1) "
                "and add up counts and sums (unique counts cannot be added)"
            )
        self._require_clear_ends()
        return report_body(self.start, self.end)

    def _require_clear_ends(self) -> None:
        """Raise InvalidInputError if a wall clock alone does not tell where the frame begins and ends."""
        last = self.end.astimezone(UTC) - timedelta(seconds=1)
        if last < self.start.astimezone(UTC):
            raise InvalidInputError(f"{self!r} is shorter than a second, which is what reports are dated by")
        last = last.astimezone(self._zone)
        # The first of two equal hours begins what the clock shows twice, and the second ends it.
        inner_start = shown_twice(self.start) and (
            self.start.fold == 1 or shown_twice(self.start - timedelta(seconds=1))
        )
        inner_end = shown_twice(last) and (last.fold == 0 or shown_twice(last + timedelta(seconds=1)))
        if inner_start or inner_end:
            when, verb = (self.start, "begins") if inner_start else (self.end, "ends")
            raise InvalidInputError(
                f"{self.start.isoformat()}/{self.end.isoformat()} {verb} inside an hour that "
                f"clocks in {self.timezone} show twice on {when:%Y-%m-%d}, and reports cannot be told which of "
                "the two is meant. Begin and end the time frame outside of that hour, or use metric aggregates"
            )

    def __repr__(self) -> str:
        whole = made_of(self.start, self.end, "day", self._zone)
        start, end = (m.date() if whole else m.isoformat() for m in (self.start, self.end))
        return f"Timeframe('{start}', '{end}', timezone='{self.timezone}')"

    def __str__(self) -> str:
        if not made_of(self.start, self.end, "day", self._zone):
            return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} ({self.timezone})"
        last = self.end.date() - timedelta(days=1)
        days = f"{self.start.date()}" if last == self.start.date() else f"{self.start.date()} to {last}"
        return f"{days} ({self.timezone})"

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Timeframe) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _zone(self) -> ZoneInfo:
        zone = self.start.tzinfo
        assert isinstance(zone, ZoneInfo)
        return zone

    @property
    def _key(self) -> tuple[datetime, datetime, str]:
        return self.start.astimezone(UTC), self.end.astimezone(UTC), self.timezone

    def _clock(self, now: Moment | None) -> datetime:
        return datetime.now(UTC) if now is None else in_zone(now, self._zone).astimezone(UTC)


def _pair(value: object) -> tuple[Moment, Moment]:
    if isinstance(value, tuple | list) and len(value) == 2:
        return value[0], value[1]
    raise InvalidInputError(f"{value!r} is not a time frame: it wants a start and an end; or {words.HELP}")


def _own_zone(start: Moment) -> tzinfo:
    moment = plain(start)
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.tzinfo
    return _missing(start)


def _missing(value: object) -> tzinfo:
    raise InvalidInputError(
        f"{str(value)!r} needs timezone=: the account's, like 'America/New_York', decides when a day begins"
    )
