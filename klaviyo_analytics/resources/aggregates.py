"""Metric aggregates: counts, sums and unique people per interval and group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from klaviyo_analytics._paging import next_target
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.errors import (
    InvalidQueryError,
    MalformedResponseError,
    PaginationError,
)
from klaviyo_analytics.filters import Filter, as_filter
from klaviyo_analytics.resources._noun import Noun
from klaviyo_analytics.resources.events import Span
from klaviyo_analytics.resources.metrics import Metric, Metrics
from klaviyo_analytics.tabular import aggregates as tables
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.vocabulary import Dimension, Interval, Measurement

PAGE = 500  # rows of an answer, the documented default
LARGEST_PAGE = 64_000


class MetricAggregates(Noun):
    """Numbers of metrics over time, computed by Klaviyo from the time of the events."""

    def query(
        self,
        metric: Metric | Sequence[Metric],
        *,
        measurements: Sequence[Measurement] | Measurement = ("count",),
        interval: Interval = "day",
        by: Sequence[Dimension] | Dimension = (),
        where: Filter | str | Sequence[Filter | str] | None = None,
        timeframe: Span = "last 90 days",
        timezone: str | None = None,
    ) -> pd.DataFrame:
        """Count and add up the events of metrics.

        Parameters
        ----------
        metric : str, (name, integration), metric row, or a list of these
            A name that several integrations share is refused; the tuple chooses. Several metrics come in one
            frame, told apart by the columns metric_id and metric.
        measurements : list of {"count", "sum_value", "unique"}
            Number of events; the sum of their values, in the account's currency; number of different people in
            each interval. `unique` can not be added up, over time or over groups: ask for the interval and the
            grouping that you want to show.
        interval : {"hour", "day", "week", "month"}
        by : list of str
            Dimensions such as "$attributed_channel" or "Campaign Name" (see `ka.vocabulary.Dimension`); each
            becomes a column in snake case, like attributed_channel.
        where : Filter, str, or a list of these
            Conditions on the dimensions, which must all hold.
        timeframe : Timeframe, str or (start, end)
            Half-open; in words ("last 90 days", "2026-Q2") or as two times. Longer than a year is asked for in
            parts and joined.
        timezone : str, optional
            IANA name; decides what a day is. The account's, if not given.

        Returns
        -------
        pandas.DataFrame
            datetime (datetime64[us, timezone]; start of the interval), metric_id, metric (string), a string
            column for each dimension, count (Int64), sum_value (float64), unique (Int64), and complete
            (boolean; False where the interval is not over yet, or only partly inside the time frame). Every
            group has every interval: where nothing happened, count and sum_value are zero. ``frame.attrs`` has
            the interval, timezone and currency.

        Raises
        ------
        InvalidInputError
            A word or time is none of the allowed; nothing was sent.
        NoMatchError, AmbiguousMatchError
            The metric's name is none of the account's, or several metrics have it.

        Notes
        -----
        Klaviyo's interface dates opens, clicks and orders by the day the message was *sent*; these numbers are
        dated by the event itself, so the two differ.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     weekly = client.metric_aggregates.query(
        ...         ("Placed Order", "Shopify"), measurements=["count", "sum_value"], interval="week"
        ...     )
        >>> list(weekly.columns)
        ['datetime', 'metric_id', 'metric', 'count', 'sum_value', 'complete']
        """
        asked = _words(measurements, Measurement, "measurements")
        dimensions = _words(by, Dimension, "by")
        _words([interval], Interval, "interval")
        if not asked:
            raise InvalidQueryError("measurements=[]: ask for at least one of count, sum_value, unique.")
        conditions = _conditions(where)
        frame = self._timeframe(timeframe, timezone)
        named = Metrics(self._context).resolve_all(metric)
        body = {
            "measurements": asked, "interval": interval, "by": dimensions,
            "timezone": frame.timezone, "page_size": PAGE,
        }  # fmt: skip
        grids = []
        parts = frame.split(years=1, interval=interval)
        with Progress(
            "aggregates", shown=self._context.progress, total=len(named) * len(parts), unit="queries"
        ) as bar:
            for metric_id, name in named:
                grid = tables.Grid(asked, len(dimensions))
                for part in parts:
                    bounds = {"metric_id": metric_id, "filter": part.aggregate_filter() + conditions}
                    for attributes in self._pages({**body, **bounds}, bar):
                        grid.add(attributes)
                    bar.add(1)
                grids.append((metric_id, name, grid))
        result = tables.frame(
            grids,
            timeframe=frame,
            interval=interval,
            now=self._context.now(),
            by=dimensions,
            measurements=asked,
        )
        currency = self._context.account.get("preferred_currency")
        result.attrs = {"interval": interval, "timezone": frame.timezone, "currency": currency}
        return result

    def _timeframe(self, span: Span, timezone: str | None) -> Timeframe:
        if isinstance(span, Timeframe):
            return span.in_timezone(timezone) if timezone else span
        return Timeframe.parse(span, timezone=timezone or self._context.timezone, now=self._context.now())

    def _pages(self, body: dict[str, Any], progress: Progress) -> Iterator[dict[str, Any]]:
        """Give the attributes of each answer.

        How the server hands over the cursor of the next page is not documented: it is taken from `links.next`
        or from an attribute. If a page is full and no cursor comes, a larger page is asked for instead, so
        that nothing is cut off in silence.
        """
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            answer = self._ask({**body, "page_cursor": cursor} if cursor else body, progress)
            attributes = answer["data"]["attributes"]
            cursor = _cursor(answer)
            if cursor is None and len(attributes["data"]) >= body["page_size"] and not seen:
                if body["page_size"] >= LARGEST_PAGE:
                    raise PaginationError(
                        f"More than {LARGEST_PAGE:,} groups, and the server offers no further page. "
                        "Group by less, or narrow it with where=."
                    )
                body = {**body, "page_size": body["page_size"] * 8}
                continue
            yield attributes
            if cursor is None:
                return
            if cursor in seen:
                raise PaginationError("metric-aggregates gave the same page_cursor twice; stopped.")
            seen.add(cursor)

    def _ask(self, attributes: dict[str, Any], progress: Progress) -> dict[str, Any]:
        document: dict[str, Any] = self._context.api.call(
            "query_metric_aggregates",
            json={"data": {"type": "metric-aggregate", "attributes": attributes}},
            on_wait=progress.waiting,
        )
        try:
            answer = document["data"]["attributes"]
            if isinstance(answer["dates"], list) and isinstance(answer["data"], list):
                return document
        except (KeyError, TypeError):
            pass
        raise MalformedResponseError("metric-aggregates answered without dates and data.")


def _cursor(document: dict[str, Any]) -> str | None:
    if target := next_target(document):
        query = parse_qs(urlsplit(target).query)
        for name in ("page_cursor", "page[cursor]"):
            if name in query:
                return query[name][0]
    attributes = document["data"]["attributes"]
    cursor = attributes.get("next_page_cursor") or attributes.get("page_cursor")
    return str(cursor) if cursor else None


def _words(given: Sequence[str] | str, allowed: Any, what: str) -> list[str]:
    words = [given] if isinstance(given, str) else list(given)
    for word in words:
        if word not in get_args(allowed):
            raise InvalidQueryError(
                f"{what}={word!r} is not known; allowed are {', '.join(get_args(allowed))}."
            )
    return list(dict.fromkeys(words))


def _conditions(where: Filter | str | Sequence[Filter | str] | None) -> list[str]:
    if where is None:
        return []
    several = [where] if isinstance(where, (str, Filter)) else list(where)
    return [str(condition) for one in several for condition in as_filter(one).conditions]
