"""Time on an axis: ticks in the frame's own zone, ranges in words, and one period laid over another."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.plots._canvas import characters
from klaviyo_analytics.plots._style import MUTED, ink
from klaviyo_analytics.plots._text import clip, put_names

_MOST_TICKS = 7
_LABEL = 9  # characters of a label, with the space around it
_STEPS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.4, "quarter": 91.3, "year": 365.2}


# Longest distance of two neighbours, in days: clocks change, months and years differ.
_LONGEST = {"hour": 1.6 / 24, "day": 1.1, "week": 7.1, "month": 31.1, "quarter": 92.1, "year": 366.1}


def _date(tick: float, zone: dt.tzinfo | None) -> dt.datetime:
    """Return the moment of a tick in its zone."""
    moment: dt.datetime = mdates.num2date(tick, zone)  # type: ignore[no-untyped-call]
    return moment


class _DateLocator(AutoDateLocator):
    """AutoDateLocator whose hours pass as time does: none twice on one spot, none left out, when clocks change."""

    def __init__(self, zone: dt.tzinfo | None, *, fewest: int, most: int) -> None:
        super().__init__(tz=zone, minticks=fewest, maxticks=most)  # type: ignore[no-untyped-call]
        self._zone = zone

    def __call__(self) -> list[float]:
        """Return the ticks in view, in order and without repetition."""
        return self._evenly(super().__call__())  # type: ignore[no-untyped-call]

    def tick_values(self, vmin: Any, vmax: Any) -> list[float]:
        """Return the ticks between two times, in order and without repetition."""
        return self._evenly(super().tick_values(vmin, vmax))  # type: ignore[no-untyped-call]

    def _evenly(self, found: Sequence[float]) -> list[float]:
        ticks = np.unique(np.round(np.asarray(found, dtype=float) * 86_400)) / 86_400
        gaps = np.diff(ticks)
        if (
            self._zone is None
            or len(ticks) < 2
            or float(gaps.min()) > 12.5 / 24
            or not _clocks_change(ticks, self._zone)
        ):
            return [float(tick) for tick in ticks]
        step = float(np.round(gaps.min() * 24 * 60)) / (24 * 60)
        if step <= 1.001 / 24:
            evenly = np.arange(round((ticks[-1] - ticks[0]) / step) + 1)
            return [float(ticks[0] + step * number) for number in evenly]
        # Several hours apart, ticks stand at round hours; one that the clock skips would stand at the next.
        hours = max(round(step * 24), 1)
        return [float(tick) for tick in ticks if _date(tick, self._zone).hour % hours == 0]


def _clocks_change(ticks: Sequence[float] | npt.NDArray[Any], zone: dt.tzinfo) -> bool:
    """Return whether clocks change by whole hours between the first and the last tick."""
    first, last = (_date(tick, zone).utcoffset() for tick in (ticks[0] - 1 / 24, ticks[-1] + 1 / 24))
    return (
        first != last
        and first is not None
        and last is not None
        and not (last - first) % dt.timedelta(hours=1)
    )


class _DateFormatter(ConciseDateFormatter):
    """ConciseDateFormatter with the month in words beside each day, and no zero before it."""

    def __init__(self, locator: AutoDateLocator, zone: dt.tzinfo | None) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            locator,
            tz=zone,
            formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
            zero_formats=["", "%b\n%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
            show_offset=False,
        )

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        labels = [re.sub(r"^0(?=\d )", "", label) for label in super().format_ticks(values)]  # type: ignore[no-untyped-call]
        seen = Counter(labels)
        # The hour that comes twice when clocks are put back is told apart by the name of its clock.
        return [
            f"{label}\n{_date(value, self._tz):%Z}" if label and seen[label] > 1 else label
            for label, value in zip(labels, values, strict=True)
        ]


def date_axis(ax: Axes, when: pd.DatetimeIndex, interval: str | None, *, margin: float = 0.0) -> None:
    """Set readable dates on the x axis, with a little air and `margin` days more on either side.

    A single moment gets one interval of air.
    """
    zone = when.tz
    first, last = when.min(), when.max()
    most = min(max(characters(ax) // _LABEL, 3), _MOST_TICKS)
    # With three ticks at least, two months would be cut into half-months, which a narrow chart has no room for.
    fewest = 3 if most == _MOST_TICKS else 2
    locator = _DateLocator(zone, fewest=fewest, most=most)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(_DateFormatter(locator, zone))
    distinct = when.unique().sort_values()
    if first == last:
        hour = f"{first:%H:%M}, " if interval == "hour" else ""
        ax.set_xticks([moment(first)], labels=[hour + _day(first)])
    elif len(distinct) <= most and interval != "hour":
        # Between two of a handful of days there is nothing to read off.
        ax.set_xticks(moments(distinct))
    step = pd.Timedelta(days=_STEPS.get(interval or "day", 1.0))
    pad = pd.Timedelta(days=margin) + max((last - first) * 0.02, step * (1.0 if first == last else 0.1))
    ax.set_xlim(moment(first - pad), moment(last + pad))


def moments(when: pd.DatetimeIndex) -> npt.NDArray[Any]:
    """Return what Matplotlib plots: plain datetimes that keep their zone."""
    return np.array([moment(stamp) for stamp in when], dtype=object)


def moment(stamp: pd.Timestamp) -> Any:
    """Return one plain datetime; typed as Any because Matplotlib's stubs know only numbers."""
    return stamp.to_pydatetime(warn=False)


def position(ax: Axes, stamp: pd.Timestamp) -> float:
    """Return where a date lies on the x axis, in the axis' own numbers."""
    return float(ax.convert_xunits(moment(stamp)))  # type: ignore[no-untyped-call]


def dates_in_words(when: pd.DatetimeIndex, interval: str | None = None) -> str:
    """Return the range that `when` spans: `1 Jan – 31 Mar 2026`, or by months `Jan – Mar 2026`."""
    if len(when) == 0:
        return ""
    first, last = when.min(), when.max()
    if interval == "month":
        start = f"{first:%b}" if first.year == last.year else f"{first:%b %Y}"
        return (
            f"{last:%b %Y}"
            if (first.year, first.month) == (last.year, last.month)
            else f"{start} – {last:%b %Y}"
        )
    if first.date() == last.date():
        return _day(first)
    start = f"{first.day} {first:%b}" if first.year == last.year else _day(first)
    return f"{start} – {_day(last)}"


def dates_covered(when: pd.DatetimeIndex, interval: str | None) -> str:
    """Return the days from the beginning of the first interval to the end of the last, in words."""
    if len(when) == 0 or interval not in ("week", "quarter", "year"):
        return dates_in_words(when, interval)
    months = {"quarter": 3, "year": 12}.get(interval)
    last = when.max()
    after = last + (pd.DateOffset(months=months) if months else pd.DateOffset(days=7))
    return dates_in_words(pd.DatetimeIndex([when.min(), after - pd.DateOffset(days=1)]))


def step_days(interval: str | None) -> float:
    """Return about how many days an interval has."""
    return _STEPS.get(interval or "day", 1.0)


def longest_gap(interval: str | None) -> pd.Timedelta | None:
    """Return how far two neighbouring intervals begin from each other at most; None if nothing says what they are."""
    days = _LONGEST.get(interval or "")
    return None if days is None else pd.Timedelta(days=days)


def days_of_another_zone(when: pd.DatetimeIndex, interval: str | None) -> bool:
    """Return whether days, weeks or months, dated in UTC, begin at midnight in another time zone.

    Raises
    ------
    FrameError
        If they could be midnights of two zones a day apart.
    """
    dated = when.dropna()
    if interval in (None, "hour") or str(when.tz) != "UTC" or not len(dated):
        return False
    past_midnight = (dated - dated.normalize()) / pd.Timedelta(hours=1)
    if not (past_midnight > 1).any():
        return False
    # 11:00 UTC is midnight in Auckland's summer as well as in Pago Pago.
    if ((past_midnight > 10) & (past_midnight < 12)).any():
        raise FrameError(
            f"the rows are {interval}s that begin at {dated[0]:%H:%M} UTC, and their time zone decides which day. "
            "Convert the column to the account's time zone: frame['datetime'].dt.tz_convert('Pacific/Auckland')"
        )
    return True


def nearest_days(when: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the midnight nearest to each time."""
    return (when + pd.Timedelta(hours=12)).normalize()


def laid_over(when: pd.DatetimeIndex, onto: pd.DatetimeIndex, interval: str | None) -> pd.DatetimeIndex:
    """Return the times of one period moved onto another, by the clock: a daylight-saving day stays a day."""
    local, target = when.tz_localize(None), onto.tz_localize(None)
    if len(local) == 0 or len(target) == 0:
        return when
    start, goal = local.min(), target.min()
    if interval in ("month", "quarter", "year"):
        months = (goal.year - start.year) * 12 + goal.month - start.month
        moved = pd.DatetimeIndex([stamp + pd.DateOffset(months=months) for stamp in local])
    else:
        moved = local + (goal - start)
    if onto.tz is None:
        return moved
    summer = np.ones(len(moved), dtype=bool)
    return moved.tz_localize(onto.tz, ambiguous=summer, nonexistent="shift_forward")


def _day(stamp: pd.Timestamp) -> str:
    return f"{stamp.day} {stamp:%b} {stamp.year}"


_LONGEST_NOTE = 36
_MOST_ROWS = 4
Annotations = Mapping[Any, str] | pd.DataFrame


def dated(given: Annotations | None) -> Mapping[Any, str]:
    """Return annotations as a mapping of date to text; campaigns of one day share a mark."""
    if given is None:
        return {}
    if not isinstance(given, pd.DataFrame):
        return given
    when = next((name for name in ("send_time", "datetime") if name in given.columns), None)
    what = next((name for name in ("campaign", "name", "text") if name in given.columns), None)
    if when is None or what is None:
        raise FrameError(
            "the frame for annotations= lacks a column of times or of names. "
            "Expected 'send_time' and 'campaign', as a campaign summary has them. "
            "Or pass a mapping: {'2026-03-03': 'Sale starts'}."
        )
    sent = (
        (at, str(name))
        for at, name in zip(pd.to_datetime(given[when]), given[what], strict=True)
        if pd.notna(at) and pd.notna(name)
    )
    found: dict[Any, list[str]] = {}
    for moment_of, name in sent:
        found.setdefault(moment_of, []).append(name)
    return _ByDay({moment_of: " · ".join(dict.fromkeys(names)) for moment_of, names in found.items()})


class _ByDay(dict[Any, str]):
    """Annotations that are marked at the beginning of their day, on the clock of the chart."""


def holidays(*years: int) -> dict[dt.date, str]:
    """Return the shopping days of years, for `annotations=` of any trend.

    Parameters
    ----------
    *years : int
        Such as 2025, 2026.

    Returns
    -------
    dict of datetime.date to str
        Valentine's Day, Mother's Day and Father's Day (of the United States), Thanksgiving, Black Friday, Cyber
        Monday and Christmas, in order.

    Raises
    ------
    InvalidInputError
        If no year is given, or one is not a year.

    Examples
    --------
    >>> import klaviyo_analytics.plots as plots
    >>> days = plots.holidays(2026)
    >>> [f"{day:%d %b}" for day, name in days.items() if name == "Black Friday"]
    ['27 Nov']
    """
    if not years or not all(isinstance(year, int) and dt.MINYEAR <= year <= dt.MAXYEAR for year in years):
        raise InvalidInputError(
            f"holidays{years!r}: expected one or more years. Pass them like holidays(2025, 2026)."
        )
    found: dict[dt.date, str] = {}
    for year in sorted(set(years)):
        thanks = _weekday_of_month(year, 11, weekday=3, which=4)
        found |= {
            dt.date(year, 2, 14): "Valentine's Day",
            _weekday_of_month(year, 5, weekday=6, which=2): "Mother's Day",
            _weekday_of_month(year, 6, weekday=6, which=3): "Father's Day",
            thanks: "Thanksgiving",
            thanks + dt.timedelta(days=1): "Black Friday",
            thanks + dt.timedelta(days=4): "Cyber Monday",
            dt.date(year, 12, 25): "Christmas",
        }
    return found


def _weekday_of_month(year: int, month: int, *, weekday: int, which: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))


def put_annotations(
    ax: Axes, annotations: Mapping[Any, str], *, within: pd.DatetimeIndex
) -> tuple[float, list[str]]:
    """Mark each date; return the rows of text used above the axes, and remarks on those without a text."""
    every = sorted((_moment(date, within), text) for date, text in annotations.items())
    if isinstance(annotations, _ByDay):
        days: dict[pd.Timestamp, list[str]] = {}
        for date, text in every:
            days.setdefault(date.normalize(), []).append(text)
        every = [(day, " · ".join(dict.fromkeys(texts))) for day, texts in days.items()]
    left, right = ax.get_xlim()
    inside = [(date, text) for date, text in every if left <= position(ax, date) <= right]
    ends: list[float] = []
    unnamed = 0
    for date, text in inside:
        further = _mark(ax, date, clip(text, _LONGEST_NOTE), ends)
        unnamed += further is None
        ends = ends if further is None else further
    remarks = []
    if outside := len(every) - len(inside):
        remarks.append(f"{outside} annotation{'s' * (outside > 1)} outside these dates")
    if unnamed:
        remarks.append(f"{unnamed} of {len(inside)} marked dates have no room for their text")
    return 0.85 * len(ends), remarks


def _mark(ax: Axes, date: pd.Timestamp, text: str, ends: list[float]) -> list[float] | None:
    """Draw one mark in the first row that is free; return where the text of each row ends, None if all are full."""
    room = characters(ax, 0.83)
    left, right = ax.get_xlim()
    when = moment(date)
    at = (position(ax, date) - left) / (right - left) * room
    backwards = at + len(text) > room
    start = at - len(text) if backwards else at
    free = [row for row, end in enumerate(ends) if end + 2 <= start]
    row = free[0] if free else len(ends)
    ax.axvline(when, color=ink(ax, MUTED), linewidth=0.9, zorder=0.9)
    if row >= _MOST_ROWS:
        return None
    label = ax.annotate(
        text,
        xy=(when, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 0.3 + 1.27 * row),
        textcoords="offset fontsize",
        ha="right" if backwards else "left",
        va="bottom",
        fontsize="small",
        color=ink(ax, 0.7),
        annotation_clip=False,
        gid="annotation",
    )
    put_names([label])
    end = start + len(text)
    return [*ends[:row], max(end, ends[row]) if row < len(ends) else end, *ends[row + 1 :]]


def _moment(date: Any, within: pd.DatetimeIndex) -> pd.Timestamp:
    stamp = pd.Timestamp(date)
    if within.tz is None:
        return stamp.tz_localize(None)
    return stamp.tz_localize(within.tz) if stamp.tz is None else stamp.tz_convert(within.tz)
