"""Metric aggregates: counts, sums and unique people per interval and group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

import pandas as pd

from klaviyo_analytics._progress import Progress
from klaviyo_analytics._reader import Reader
from klaviyo_analytics.endpoints.paging import Body, BodyCursors
from klaviyo_analytics.errors import (
    InvalidQueryError,
    NotAdditiveError,
    PaginationError,
    ValidationError,
)
from klaviyo_analytics.filters import F, Filter, as_filter
from klaviyo_analytics.frames import aggregates as tables
from klaviyo_analytics.quota.cache import Question, lifetime
from klaviyo_analytics.resources._base import Resource, serves
from klaviyo_analytics.resources._reading import Span, chosen
from klaviyo_analytics.resources._reading import timeframe as read_timeframe
from klaviyo_analytics.resources.metrics import (
    ASSUMED,
    DIMENSION,
    NAMED,
    Metric,
    Metrics,
    Money,
    folded,
    has_money,
    one,
    remember_currencies,
)
from klaviyo_analytics.resources.reports._base import KIND_OF, label
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe.words import Unit, add_months, floor, move_to, zone_named
from klaviyo_analytics.vocabulary import Dimension, Interval, LongInterval, Measurement

PAGE = 500  # rows of an answer, the documented default
LARGER = 8
YEARS_BACK = 5  # how old the documents let a query's start be
LARGEST_PAGE = PAGE * LARGER * LARGER


class MetricAggregates(Resource):
    """Numbers of metrics over time, computed by Klaviyo from the time of the events."""

    @serves("query_metric_aggregates")
    def query(
        self,
        metric: Metric | Sequence[Metric],
        *,
        measurements: Sequence[Measurement] | Measurement = ("count",),
        interval: Interval | LongInterval = "day",
        by: Sequence[Dimension] | Dimension = (),
        where: Filter | str | Sequence[Filter | str] | None = None,
        timeframe: Span = "last 90 days",
        timezone: str | None = None,
        sort: str | None = None,
        currency: str | None = None,
        names: bool = False,
    ) -> pd.DataFrame:
        """Count and add up the events of metrics.

        Parameters
        ----------
        metric : str, (name, integration), metric row, or a list of these
            A name that several integrations share is refused; the tuple chooses. Several metrics come in one
            frame, told apart by the columns metric_id and metric.
        measurements : list of {"count", "sum_value", "unique"}
            Number of events; the sum of their values, in one currency; number of different people in each
            interval. `unique` can not be added up, over time or over groups: ask for the interval and the
            grouping that you want to show.
        interval : {"hour", "day", "week", "month", "quarter", "year"}
            Quarters and years of the calendar are joined from months, which counts and sums allow and `unique`
            does not.
        by : list of str
            Dimensions such as "$attributed_channel" or "Campaign Name" (see `ka.vocabulary.Dimension`); each
            becomes a column in snake case, like attributed_channel.
        where : Filter, str, or a list of these
            Conditions on the dimensions, which must all hold.
        timeframe : Timeframe, str or (start, end)
            Half-open; in words ("last 90 days", "2026-Q2") or as two times. Longer than a year is asked for in
            parts and joined; it begins at most five years ago.
        timezone : str, optional
            IANA name; decides what a day is. The account's, if not given.
        sort : str, optional
            Order of the groups: by one of `by`, or by the total of "count" or "sum_value"; with a '-' before
            it, descending.
        currency : str, optional
            Code like "EUR": only events whose value is in this currency are counted and added up. Needed for
            "sum_value" where events have values in several currencies, unless by="$value_currency" asks for a
            row per currency.
        names : bool
            True, to put the names of flows, messages and forms beside the ids that `by` shows, in columns such as
            attributed_flow_name (of a campaign's message: the campaign's name). Lists and campaigns are grouped by
            their names ("List", "Campaign Name"). What was deleted has a missing name, unless a report that this
            client has read names it; what may not be read is missing with a warning.

        Returns
        -------
        pandas.DataFrame
            datetime (datetime64[us, timezone]; start of the interval), metric_id, metric (string), a string
            column for each dimension, count (Int64), sum_value (float64), unique (Int64), and complete
            (boolean; False where the interval is not over yet, or only partly inside the time frame). Every
            group has every interval: where nothing happened, count and sum_value are zero. ``frame.attrs`` has
            the interval, timezone, currency (of sum_value; None where the rows have several) and
            currency_source: "the events", or "assumed to be the account's" where events name none.

        Raises
        ------
        InvalidInputError
            A measurement, group, filter or time is not allowed. No request was sent.
        NotAdditiveError
            `sort` is "unique", which has no total; or `unique` of quarters or years is asked for.
        InvalidQueryError
            The values of the events are in several currencies, which are never added.
        NoMatchError, AmbiguousMatchError
            No metric has this name, or several do.

        Notes
        -----
        Klaviyo's interface dates opens, clicks and orders by the day the message was *sent*; these numbers are
        dated by the event itself, so the two differ.

        ``POST /api/metric-aggregates``, limited to 3/s and 60/m; scopes: metrics:read.

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
        asked = chosen(measurements, get_args(Measurement), "measurements")
        dimensions = chosen(by, get_args(Dimension), "by")
        chosen([interval], (*get_args(Interval), *get_args(LongInterval)), "interval")
        if not asked:
            raise InvalidQueryError("measurements=[]: ask for at least one of count, sum_value, unique.")
        _check_sort(sort, asked, dimensions)
        joined = _is_joined(interval, asked)
        conditions = _conditions(where, strict=self._context.api.strict)
        if currency is not None:
            conditions += _conditions(F[DIMENSION] == currency, strict=self._context.api.strict)
        by_currency = DIMENSION in dimensions
        # the currency comes along as one more group, which is taken out again; but people cannot be added up
        split = "sum_value" in asked and not by_currency and currency is None
        probed = split and "unique" in asked
        grouped = [*dimensions, DIMENSION] if split and not probed else dimensions
        frame = read_timeframe(self._context, timeframe, timezone)
        if self._context.api.strict:
            _check_age(frame, self._context.now())
        named = Metrics(self._context).resolve_all(metric)
        body = {
            "measurements": sorted(asked), "interval": "month" if joined else interval, "by": grouped,
            "timezone": frame.timezone, "page_size": PAGE,
        }  # fmt: skip
        grids = []
        money: set[str | None] = set()
        longer = partial(_start_of, unit=interval, zone=zone_named(frame.timezone)) if joined else None
        parts = frame.split(years=1, interval=cast(Interval, interval))
        with Progress(
            "aggregates", shown=self._context.progress, total=len(named) * len(parts), unit="queries"
        ) as bar:
            for metric_id, name in named:
                answers: list[Any] = []
                here: set[str | None] = set()
                for part in parts:
                    bounds = {"metric_id": metric_id, "filter": part.aggregate_filter() + conditions}
                    pages = self._answer({**body, **bounds}, part, bar)
                    if grouped is not dimensions:
                        pages, found = folded(pages)
                        here |= found
                    elif probed:
                        here |= self._currencies({**body, **bounds}, part, bar)
                    answers += pages
                    bar.add(1)
                if split and not conditions:
                    remember_currencies(self._context, metric_id, frame, here)
                money |= here
                grids.append((metric_id, name, tables.grid(answers, asked, len(dimensions), longer)))
        result = tables.frame(
            grids,
            timeframe=frame,
            interval=cast(Interval, interval),
            now=self._context.now(),
            by=dimensions,
            measurements=asked,
            sort=sort,
        )
        own = self._context.account.get("preferred_currency")
        apart = by_currency and currency is None
        of = _each(result, own) if apart else one(money, None if pd.isna(own) else str(own), currency)
        result.attrs = {
            "interval": interval, "timezone": frame.timezone, "currency": of.currency, "currency_source": of.source,
        }  # fmt: skip
        if names:
            ids = [tables.column_name(dimension) for dimension in dimensions]
            result = label(
                self._context, result, {id: f"{id.removesuffix('_id')}_name" for id in ids if id in KIND_OF}
            )
        return result

    def _currencies(self, body: dict[str, Any], part: Timeframe, progress: Progress) -> set[str | None]:
        """Return the currencies that the events of a query have money in, by one query of its own."""
        asked = {**body, "measurements": ["sum_value"], "interval": "month", "by": [DIMENSION]}
        return folded(self._answer(asked, part, progress))[1]

    def _answer(self, body: dict[str, Any], part: Timeframe, progress: Progress) -> list[Any]:
        """Return the pages of one query's response, from the cache if possible."""
        context = self._context
        return context.cache.answer(
            Question(str(context.account["id"]), "metric-aggregates", body),
            lambda: list(self._pages(body, progress)),
            seconds=lifetime(part.end, context.now()),
        )

    def _pages(self, body: Body, progress: Progress) -> Iterator[Mapping[str, Any]]:
        """Yield the attributes of each response.

        If the first page is full and names no further one, a larger page is asked for instead, so that nothing is
        cut off in silence.
        """
        cursors, send = BodyCursors("metric-aggregates"), partial(self._ask, progress=progress)
        while True:
            documents = cursors.pages(body, send)
            first = next(documents)
            full = len(first["data"]["attributes"]["data"]) >= body["page_size"]
            if not full or cursors.following(body, first):
                break
            if body["page_size"] >= LARGEST_PAGE:
                raise _cut_off(body["page_size"])
            body = {**body, "page_size": body["page_size"] * LARGER}
        for document in chain([first], documents):
            yield document["data"]["attributes"]

    def _ask(self, attributes: Body, *, progress: Progress) -> Mapping[str, Any]:
        try:
            document = self._context.api.call(
                "query_metric_aggregates",
                json={"data": {"type": "metric-aggregate", "attributes": attributes}},
                on_wait=progress.waiting,
            )
        except ValidationError as refusal:
            if attributes["page_size"] == PAGE:
                raise
            raise _cut_off(attributes["page_size"] // LARGER) from refusal
        answer = Reader(document, "The metric-aggregates response lacks dates or data")
        for name in ("dates", "data"):
            answer.at("data").at("attributes").at(name).items()
        return answer.mapping()


def _each(result: pd.DataFrame, own: Any) -> Money:
    """Return the currency of a frame that has a row per currency, if all its rows have the same."""
    codes = result["value_currency"]
    named = codes.dropna().unique().tolist() if "sum_value" in result.columns else []
    if not named:
        return Money(own, ASSUMED)
    unnamed = has_money(result.loc[codes.isna(), "sum_value"].dropna().tolist())
    only = len(named) == 1 and (named == [own] or not unnamed)
    return Money(named[0] if only else None, NAMED)


def _is_joined(interval: str, measurements: Sequence[str]) -> bool:
    """Return whether the interval is joined from months, and refuse to count people over several."""
    if interval not in get_args(LongInterval):
        return False
    if "unique" in measurements:
        raise NotAdditiveError(
            f"measurements='unique' with interval={interval!r}: the API counts people per month at most, and "
            "months cannot be added up, because the same people come back. Use interval='month', or ask for count "
            "and sum_value only."
        )
    return True


def _start_of(start: float, *, unit: Unit, zone: ZoneInfo) -> float:
    return floor(datetime.fromtimestamp(start, zone), unit, zone).timestamp()


def _cut_off(groups: int) -> PaginationError:
    return PaginationError(
        f"There are {groups:,} groups or more, and the server offers no further page. Group by less, or narrow it "
        "with where=."
    )


def _check_age(frame: Timeframe, now: datetime) -> None:
    oldest = move_to(now, add_months(now.date(), -12 * YEARS_BACK))
    if frame.start.astimezone(UTC) < oldest.astimezone(UTC):
        raise InvalidQueryError(
            f"timeframe: {frame} begins more than {YEARS_BACK} years ago, and metric aggregates go no further; "
            f"begin on {oldest.date() + timedelta(days=1)} or later. client.events.list() reads older events."
        )


def _check_sort(sort: str | None, measurements: Sequence[str], dimensions: Sequence[str]) -> None:
    if sort is None:
        return
    name = sort.removeprefix("-")
    if name == "unique":
        raise NotAdditiveError(
            "sort='unique': people are counted once in each interval, so a group has no total to sort it by; "
            "sort by 'count', or sort the frame."
        )
    chosen([name], [*dimensions, *(one for one in measurements if one != "unique")], "sort")


def _conditions(where: Filter | str | Sequence[Filter | str] | None, *, strict: bool) -> list[str]:
    if where is None:
        return []
    several = [where] if isinstance(where, (str, Filter)) else list(where)
    conditions = [condition for one in several for condition in as_filter(one).conditions]
    for condition in conditions if strict else ():
        if condition.field == "datetime":
            raise InvalidQueryError(f"where={condition}: the time goes into timeframe=.")
        chosen([condition.field], get_args(Dimension), "where, the dimension")
    return [str(condition) for condition in conditions]
