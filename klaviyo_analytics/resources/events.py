"""Events: the longest table of an account, read in concurrent ranges where that saves time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.endpoints.query import Fields
from klaviyo_analytics.errors import ApiError, InvalidInputError, TransportError
from klaviyo_analytics.filters import F, Filter, as_filter
from klaviyo_analytics.frames.resources import NamedProperties
from klaviyo_analytics.frames.schema import Properties
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.resources import _concurrent
from klaviyo_analytics.resources._base import serves
from klaviyo_analytics.resources._generated.account import EventField, EventInclude, EventMethods, EventSort
from klaviyo_analytics.resources._reading import (
    CHUNK,
    EVENTS,
    Bounds,
    Context,
    Filtering,
    Page,
    Rows,
    Span,
    beside,
    checked_id,
    moment,
    read_each,
)
from klaviyo_analytics.resources.event_writes import EventFrames, EventWrites
from klaviyo_analytics.resources.metrics import Metric, Metrics
from klaviyo_analytics.resources.reports._base import label, metric_names
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe.words import Moment, answered

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id

STREAMS = 4  # metrics whose events are read at the same time where frames are handed out one by one
CREDITED = (
    "campaign", "campaign_message", "flow", "flow_message", "flow_message_variation", "attributed_event",
)  # fmt: skip


class Events(EventMethods, EventFrames, EventWrites):
    """What people did, and what was done to reach them."""

    @serves("get_events")
    def list(
        self,
        *,
        metric: Metric | Sequence[Metric] | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        timeframe: Span | None = None,
        profile: Id | None = None,
        filter: Filtering = None,
        sort: EventSort | None = "datetime",
        include: Sequence[EventInclude] | EventInclude = (),
        fields: Sequence[EventField] | EventField | Mapping[str, Sequence[str]] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        workers: int | None = None,
        properties: Properties = "json",
    ) -> pd.DataFrame:
        """Read every event as a row, in order of time.

        Parameters
        ----------
        metric : str, (name, integration), metric row, or a list of these
            Name or id of the metric. A name that several integrations share is refused; the tuple chooses.
        start, end : date, datetime or str
            Half-open: `start` belongs to the frame, `end` does not. What has no zone of its own is read in the
            account's time zone.
        timeframe : Timeframe, str or (start, end)
            Instead of start and end, also in words: "last 30 days".
        profile : str
            Id of a profile (or its row): only its events.
        filter : Filter or str
            More conditions: metric_id, profile_id (equals), profile (has), datetime, timestamp (greater, less).
        sort : {"datetime", "-datetime", "timestamp", "-timestamp"}
            Ascending in time by default.
        include : list of str
            Any of metric, profile, attributions; to-one ones become columns like ``metric.name``.
        fields : list of str, or dict by type
            Only these attributes: datetime, event_properties, timestamp, uuid.
        limit : int
            Exactly so many rows, or all there are if these are fewer.
        page_size : int
            1 to 1,000. If not given, 1,000, or 200 where the server refuses that.
        workers : int
            How many ranges of time are read at once. If omitted, a few where there is more than a few pages to
            read, and up to 16 while more of them read faster. Each event comes exactly once, whatever the number.
        properties : "json", "text", "columns", list of str, or dict of dtypes
            "json" keeps ``event_properties`` as one column of dicts; "text" as JSON text (string, backed by Arrow
            where pyarrow is installed), which takes a fraction of the memory; "columns" makes a column
            ``event_properties.<name>`` for each property. A list names the properties that become columns, a dict
            also their dtypes: ``properties={"$value": "float64"}``.

        Returns
        -------
        pandas.DataFrame
            id (string), datetime (datetime64[us, UTC]), metric (string: the metric's name), event_properties
            (object), timestamp (Int64, Unix seconds), uuid (string), what was included, and profile_id,
            metric_id (string). With ``include=["attributions"]`` the columns ``attributions.campaign_id``,
            ``.campaign_message_id``, ``.flow_id``, ``.flow_message_id``, ``.flow_message_variation_id`` and
            ``.attributed_event_id`` hold a list in each row, in the order of ``attribution_ids``; `attributions`
            has a row for each of them.

        Raises
        ------
        InvalidQueryError, InvalidInputError
            The query is not allowed, or a date could not be parsed. No request was sent.
        NoMatchError, AmbiguousMatchError
            No metric has this name, or several do.

        Notes
        -----
        ``GET /api/events``, limited to 350/s and 3500/m; scopes: events:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     orders = client.events.list(
        ...         metric=("Placed Order", "Shopify"), timeframe="last 90 days", properties={"$value": "float64"}
        ...     )
        >>> orders["event_properties.$value"].dtype
        dtype('float64')
        """
        queries = self._queries(metric, start, end, timeframe, profile, filter)
        fields, unasked = _with_time(fields, sort) if len(queries) > 1 else (fields, [])
        options: dict[str, Any] = {
            "sort": sort, "include": include, "fields": fields,
            "limit": limit, "page_size": page_size, "properties": properties, "named": NamedProperties(),
        }  # fmt: skip

        def read(query: tuple[Filter | None, Bounds]) -> pd.DataFrame:
            conditions, bounds = query
            return _concurrent.read(
                self._context,
                "get_events",
                EVENTS,
                filter=conditions,
                bounds=bounds,
                workers=workers,
                meanwhile=None if "metric" in include else self._metrics_ahead,
                **options,
            )

        frames = read_each(read, queries)
        options["named"].report()
        if len(frames) == 1:
            return self._with_metric(frames[0])
        frame = pd.concat(frames, ignore_index=True)
        if sort:
            frame = frame.sort_values(
                sort.lstrip("-"), ascending=sort[0] != "-", kind="stable", ignore_index=True, key=_sortable
            )
        frame = self._with_metric(frame.drop(columns=unasked))
        return frame if limit is None else frame.head(limit)

    @serves("get_events")
    def iter_frames(
        self,
        *,
        chunk_size: int = CHUNK,
        metric: Metric | Sequence[Metric] | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        timeframe: Span | None = None,
        profile: Id | None = None,
        filter: Filtering = None,
        sort: EventSort | None = "datetime",
        include: Sequence[EventInclude] | EventInclude = (),
        fields: Sequence[EventField] | EventField | Mapping[str, Sequence[str]] | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        workers: int | None = None,
        properties: Properties = "json",
    ) -> Iterator[pd.DataFrame]:
        """Read every event as frames of at most `chunk_size` rows, in bounded memory; see `list`.

        With several metrics, one metric's events come after the other's; pages of the next ones are read meanwhile.

        Notes
        -----
        ``GET /api/events``, limited to 350/s and 3500/m; scopes: events:read.
        """
        options: dict[str, Any] = {
            "sort": sort, "include": include, "fields": fields, "limit": limit, "page_size": page_size,
            "properties": properties, "workers": workers,
        }  # fmt: skip
        queries = self._queries(metric, start, end, timeframe, profile, filter)
        readings = [_Stream(self._context, query, options) for query in queries]
        chunks = [reading.whole.frames(chunk_size, reading.pages) for reading in readings]
        if workers != 1 and len(readings) > 1:
            chunks = [_read_ahead(readings, chunk_size)]
        return (self._with_metric(chunk) for chunk in chain.from_iterable(chunks))

    def attributions(
        self,
        *,
        metric: Metric | Sequence[Metric],
        start: Moment | None = None,
        end: Moment | None = None,
        timeframe: Span | None = None,
        unattributed: bool = False,
        names: bool = True,
        workers: int | None = None,
    ) -> pd.DataFrame:
        """Read what events are attributed to: a row for each event and attribution.

        Parameters
        ----------
        metric : str, (name, integration), metric row, or a list of these
            Whose events, such as ("Placed Order", "Shopify").
        start, end, timeframe
            As for `list`.
        unattributed : bool
            True, to keep an event that is not attributed to anything as a row with missing ids, so that the
            weighted values of all rows add up to the whole revenue.
        names : bool
            With the columns campaign and flow: the names of the ids beside them.
        workers : int, optional
            As for `list`.

        Returns
        -------
        pandas.DataFrame
            event_id, datetime (datetime64[us, UTC]), metric (string), value (float64: the event's ``$value``),
            value_currency (string), weight (float64: 1 divided by the event's number of attributions, so that
            ``value * weight`` adds up without counting an event twice), campaign, campaign_id,
            campaign_message_id, flow, flow_id, flow_message_id, flow_message_variation_id, attributed_event_id,
            attribution_id, profile_id, metric_id (string).

        Raises
        ------
        NoMatchError, AmbiguousMatchError
            No metric has this name, or several do.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     credit = client.events.attributions(metric=("Placed Order", "Shopify"), unattributed=True)
        ...     orders = client.events.list(metric=("Placed Order", "Shopify"), properties={"$value": "float64"})
        >>> bool(abs((credit["value"] * credit["weight"]).sum() - orders["event_properties.$value"].sum()) < 0.01)
        True
        """
        events = self.list(
            metric=metric,
            start=start,
            end=end,
            timeframe=timeframe,
            include=["attributions"],
            properties={"$value": "float64", "$value_currency": "string", "$currency_code": "string"},
            workers=workers,
        )
        frame = _credits(events, unattributed=unattributed)
        if names:
            frame = label(self._context, frame, {"campaign_id": "campaign", "flow_id": "flow"})
            order = ["campaign", "campaign_id", "campaign_message_id", "flow", "flow_id"]
            rest = [name for name in frame.columns if name not in order]
            place = rest.index("weight") + 1
            frame = frame[[*rest[:place], *order, *rest[place:]]]
        return frame

    def _get(self, operation: str, id: object, /, **query: Any) -> Any:
        row = super()._get(operation, id, **query)
        if operation != "get_event":
            return row
        return self._with_metric(row.to_frame().T).iloc[0].rename(row.name)

    def _metrics_ahead(self) -> None:
        """Read the metrics' names while events are read; if that fails, it is reported when they are needed."""
        if self._context.metrics is None:
            with suppress(ApiError, TransportError):
                Metrics(self._context).known()

    def _with_metric(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Insert the metric's name after the time."""
        if "metric" in frame.columns or "metric_id" not in frame.columns:
            return frame
        ids = frame["metric_id"]
        if "metric.name" in frame.columns:
            names = frame["metric.name"].array
        else:
            known = metric_names(self._context, ids.dropna().unique().tolist())
            codes, there = ids.factorize()  # a missing id has the code -1, and so the last name
            names = pd.array([*map(known.get, there), None], dtype="string").take(codes)
        place = 2 if frame.columns[1:2].tolist() == ["datetime"] else 1
        named = pd.Series(names, index=frame.index, name="metric")
        # one step for any number of property columns, where pandas warns of an insertion
        return pd.concat([frame.iloc[:, :place], named, frame.iloc[:, place:]], axis=1)

    def _queries(
        self,
        metric: Metric | Sequence[Metric] | None,
        start: Moment | None,
        end: Moment | None,
        timeframe: Span | None,
        profile: Id | None,
        filter: Filtering,
    ) -> Sequence[tuple[Filter | None, Bounds]]:
        """Return a (conditions, bounds) pair for each metric: the API takes one metric a query."""
        bounds = _bounds(self._context, start, end, timeframe)
        conditions = as_filter(filter) if filter is not None else None
        if profile is not None:
            conditions = _and(F.profile_id == checked_id(profile, "profile"), conditions)
        if metric is None:
            return [(conditions, bounds)]
        named = Metrics(self._context).resolve_all(metric)
        return [(_and(F.metric_id == id, conditions), bounds) for id, _ in named]


class _Stream:
    """The events of one metric, or of all, that are read in frames."""

    def __init__(
        self, context: Context, query: tuple[Filter | None, Bounds], options: Mapping[str, Any]
    ) -> None:
        conditions, self._bounds = query
        self._workers = options["workers"]
        self._settled = _concurrent.plan(
            context, "get_events", EVENTS, filter=conditions, bounds=self._bounds, **options
        )
        self.whole = self._settled.whole
        self.met = Rows()

    def pages(self, progress: Progress, rows: Rows) -> Iterator[Page]:
        """Yield its pages in order."""
        if not self._settled.concurrent:
            return self.whole.pages(progress, rows)
        ranges = _concurrent.Ranges(self._settled, EVENTS, self._bounds[1], self._workers)
        return ranges.pages(progress, rows)

    def ahead(self) -> Generator[Page, None, None]:
        """Yield its pages, in a thread of its own beside those of other metrics."""
        beside.set(beside.get() * STREAMS)
        yield from self.pages(Progress(self.whole.what, shown=False), self.met)

    def handed_on(self, pages: Iterator[Page], progress: Progress, rows: Rows) -> Iterator[Page]:
        """Count pages that were read ahead, where they are needed."""
        for records, included in pages:
            progress.add(len(records))
            yield records, included
        rows.repeated, rows.nameless = self.met.repeated, self.met.nameless


def _read_ahead(readings: Sequence[_Stream], chunk_size: int) -> Iterator[pd.DataFrame]:
    """Yield the frames of one reading after the other, while pages of the next ones are read."""
    streams = cancellation.streams_in_turn(
        [reading.ahead for reading in readings], at_once=STREAMS, ahead=1, name="klaviyo-metric"
    )
    with closing(streams):
        for reading, pages in zip(readings, streams, strict=True):
            yield from reading.whole.frames(chunk_size, partial(reading.handed_on, pages))


def _with_time(fields: Fields | None, sort: str | None) -> tuple[Any, Sequence[str]]:
    """Add the time that orders several metrics' events to the fields; also return it if it was not asked for."""
    key = sort.lstrip("-") if isinstance(sort, str) else ""
    by_type = dict(fields) if isinstance(fields, Mapping) else {"event": fields or ()}
    own = by_type.get("event") or ()
    own = own.split(",") if isinstance(own, str) else list(own)
    if not key or not own or key in own:
        return fields, []
    return {**by_type, "event": [*own, key]}, [key]


def _sortable(times: pd.Series[Any]) -> pd.Series[Any]:
    """Return times to sort by; of a column that also holds other values, those that are not times come last."""
    if times.dtype != object:
        return times
    if all(isinstance(value, int | float) for value in times):
        return times
    return pd.Series(pd.DatetimeIndex([answered(value) for value in times]).as_unit("us"), index=times.index)


def _credits(events: pd.DataFrame, *, unattributed: bool) -> pd.DataFrame:
    """Return a row for each attribution of each event."""
    counts = [len(ids) if isinstance(ids, Sequence) else 0 for ids in events["attribution_ids"]]
    repeats = np.array([max(count, int(unattributed)) for count in counts], dtype=np.intp)
    each = np.repeat(np.arange(len(events)), repeats)
    # Shopify names the currency otherwise than events that are sent through the API
    currencies = events["event_properties.$currency_code"].fillna(events["event_properties.$value_currency"])
    data: dict[str, Any] = {
        "event_id": events["id"].array.take(each),
        "datetime": events["datetime"].array.take(each),
        "metric": events["metric"].array.take(each),
        "value": events["event_properties.$value"].to_numpy()[each],
        "value_currency": currencies.array.take(each),
        "weight": 1.0 / repeats[each],
    }
    lists = {f"{name}_id": f"attributions.{name}_id" for name in CREDITED} | {
        "attribution_id": "attribution_ids"
    }
    for name, source in lists.items():
        values = [
            value
            for count, repeat, ids in zip(counts, repeats, events[source], strict=True)
            for value in (ids if count else [None] * repeat)
        ]
        data[name] = pd.array(values, dtype="string")
    data["profile_id"] = events["profile_id"].array.take(each)
    data["metric_id"] = events["metric_id"].array.take(each)
    return pd.DataFrame(data, index=pd.RangeIndex(len(each)))


def _and(one: Filter, other: Filter | None) -> Filter:
    return one if other is None else one & other


def _bounds(context: Context, start: Moment | None, end: Moment | None, timeframe: Span | None) -> Bounds:
    if timeframe is not None:
        if start is not None or end is not None:
            raise InvalidInputError(
                "timeframe= cannot be combined with start= or end=. Pass one or the other."
            )
        if isinstance(timeframe, Timeframe):
            return timeframe.start, timeframe.end
        frame = Timeframe.parse(timeframe, timezone=context.timezone, now=context.now())
        return frame.start, frame.end
    first, last = (None if value is None else moment(context, value) for value in (start, end))
    if first and last and last <= first:
        raise InvalidInputError(f"end={end} is not after start={start}; the end is not part of the frame.")
    return first, last
