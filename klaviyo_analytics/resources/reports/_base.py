"""What all reports share: from a verb's arguments to its question and its frame, and names beside ids."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any, cast
from urllib.parse import urlsplit

import pandas as pd

from klaviyo_analytics import _messages
from klaviyo_analytics._progress import Progress
from klaviyo_analytics._reader import Reader
from klaviyo_analytics.endpoints import Endpoint
from klaviyo_analytics.endpoints.paging import Params, QueryCursors
from klaviyo_analytics.errors import (
    ApiError,
    ConnectionFailedError,
    InvalidInputError,
    NotFoundError,
    TransportError,
)
from klaviyo_analytics.filters import F, Filter
from klaviyo_analytics.frames import reports as tables
from klaviyo_analytics.frames import warn
from klaviyo_analytics.http.cancellation import Cancelled
from klaviyo_analytics.quota.cache import Question, lifetime
from klaviyo_analytics.resources._base import Method, Resource
from klaviyo_analytics.resources._reading import Context, Reading, Span, read_each, read_one
from klaviyo_analytics.resources._reading import timeframe as read_timeframe
from klaviyo_analytics.resources.metrics import (
    DIMENSION,
    SEVERAL,
    Metric,
    Metrics,
    Money,
    added,
    folded,
    known_currencies,
    remember_currencies,
)
from klaviyo_analytics.resources.metrics import conversion_metric as read_conversion
from klaviyo_analytics.resources.reports import questions
from klaviyo_analytics.resources.reports.questions import KINDS, Asked, ReportName
from klaviyo_analytics.timeframe import Timeframe

AT_ONCE = 100  # ids in one filter, so that an address stays short enough
CHANNELS: Mapping[str, str] = {"email": "email", "sms": "sms", "push-notification": "mobile_push"}
"""Channels of reports, and what campaigns call them."""
EARNED = ("conversion_value", "average_order_value", "revenue_per_recipient", "text_message_roi")
"""Statistics that are made of the values of the conversion metric's events."""

Names = Mapping[str, str | None]

KIND_OF: Mapping[str, str] = {
    "attributed_flow": "flow", "flow": "flow", "flow_id": "flow",
    "campaign_id": "campaign",
    "attributed_message": "message", "message": "message",
    "campaign_message_id": "message", "flow_message_id": "message",
    "form_id": "form", "metric_id": "metric", "list_id": "list",
}  # fmt: skip
"""Which kind of resource the ids of a column belong to."""

_OPERATIONS = {
    "campaign": "get_campaigns",
    "flow": "get_flows",
    "form": "get_forms",
    "segment": "get_segments",
}


def read_by_ids(
    context: Context, kind: str, ids: Sequence[str], channels: Iterable[str] = (), **query: Any
) -> pd.DataFrame:
    """Read the records of these ids; what is gone has no row.

    Until revision 2026-07-15 campaigns can only be asked for by channel: where the report names the channels, the
    others are not asked.
    """
    readings = [
        Reading(context, _OPERATIONS[kind], filter=wanted, **query)
        for start in range(0, len(ids), AT_ONCE)
        for wanted in _filters(context, kind, ids[start : start + AT_ONCE], channels)
    ]
    readings = readings or [Reading(context, _OPERATIONS[kind], filter=F.id.any(["-"]), limit=0, **query)]
    return pd.concat(read_each(Reading.frame, readings), ignore_index=True)


def names_of(
    context: Context, kind: str, ids: Sequence[str], channels: Iterable[str] = ()
) -> Mapping[str, str | None]:
    """Return the name of each id; None if it was deleted."""
    known = context.names.setdefault(kind, {})
    if unknown := [id for id in ids if id not in known]:
        column = campaign_name(context) if kind == "campaign" else "name"
        frame = read_by_ids(context, kind, unknown, channels, fields=[column])
        found = dict(zip(frame["id"], frame[column], strict=True))
        known |= {id: _text(found.get(id)) for id in unknown}
    return known


def by_channel(context: Context) -> bool:
    """Return whether the client's revision returns the campaigns of one channel a request: until 2026-07-15."""
    return "messages.channel" in context.api.catalog["get_campaigns"].filters


def campaign_name(context: Context) -> str:
    """Return the column of a campaign's name in the client's revision."""
    return "name" if by_channel(context) else "definition.name"


def _filters(context: Context, kind: str, ids: Sequence[str], channels: Iterable[str]) -> Iterator[Filter]:
    wanted = F.id.any(ids)
    if kind != "campaign" or not by_channel(context):
        yield wanted
        return
    spoken = sorted({CHANNELS[channel] for channel in channels if channel in CHANNELS})
    for channel in spoken or CHANNELS.values():
        yield (F["messages.channel"] == channel) & wanted


def _text(name: Any) -> str | None:
    return None if pd.isna(name) else str(name)


log = logging.getLogger("klaviyo_analytics")
Answers = list[tuple[Timeframe, list[Mapping[str, Any]]]]


def run(
    context: Context, asked: Asked, *, names: bool, look_up: bool = True, mixed: bool = False
) -> pd.DataFrame:
    """Send what has to be sent and build the frame.

    Without `look_up` it has only names that the report tells. Money of several currencies is warned of, unless the
    caller deals with it (`mixed`).
    """
    answers = _answers(context, asked)
    own = context.account.get("preferred_currency")
    currency = None if pd.isna(own) else str(own)
    layout = tables.Layout(
        asked.keys, asked.statistics, asked.timeframe, asked.interval, context.now(), currency
    )
    labels = _told(asked, answers) if names else {}
    for label in labels.values():
        known = {id: name for id, name in label.names.items() if name is not None}
        context.names.setdefault(f"{label.column} of reports", {}).update(known)
    if names and look_up:
        labels |= _looked_up(context, asked, answers)
    frame = tables.frame(answers, layout, labels)
    frame.attrs = {
        "timezone": asked.timeframe.timezone,
        "currency": currency,
        "timeframe": str(asked.timeframe),
    }
    if "currency" in frame.columns:
        money = _money(context, asked, frame, currency, mixed=mixed)
        if money.currency != currency:
            frame["currency"] = pd.array([money.currency] * len(frame), dtype="string")
        frame.attrs |= {"currency": money.currency, "currency_source": money.source}
    if asked.interval:
        frame.attrs["interval"] = asked.interval
    return frame


def _money(context: Context, asked: Asked, frame: pd.DataFrame, own: str | None, *, mixed: bool) -> Money:
    """Return the currency of a report's money, which the report does not name.

    Klaviyo converts no amounts except in its benchmarks (help.klaviyo.com, article 360051797112): a report adds up
    the values of the conversion metric's events as they are. So the events say which currency that is.
    """
    paid = [name for name in EARNED if name in frame.columns]
    found = _currencies(context, asked) if frame[paid].abs().sum().sum() else None
    if found is None:
        return Money(own, "the account's preferred_currency")
    money = added(found, own)
    if money.currency is None and money.source.startswith(SEVERAL) and not mixed:
        code = min(code for code in found if code is not None)
        warn(
            f"The conversion metric has values in {money.source.removeprefix(SEVERAL)}. Klaviyo's reports add them "
            f"unconverted, so {', '.join(paid)} may mix them and have no currency here. "
            f"client.account_summary(currency={code!r}) and "
            f"client.analyses.attribution(orders={{'currency': {code!r}}}) count the orders in one of them."
        )
    return money


def _currencies(context: Context, asked: Asked) -> set[str | None] | None:
    """Return the currencies of the conversion metric's events in the time frame; None if that cannot be learned.

    It takes one query of metric aggregates (one for each year), unless one has shown it already.
    """
    metric = asked.parts[0][1].get("conversion_metric_id")
    if metric is None or (known := known_currencies(context, metric, asked.timeframe)) is not None:
        return None if metric is None else known
    found: set[str | None] = set()
    for part in asked.timeframe.split(years=1, interval="month"):
        body = {
            "measurements": ["sum_value"], "interval": "month", "by": [DIMENSION], "timezone": part.timezone,
            "page_size": 500, "metric_id": metric, "filter": part.aggregate_filter(),
        }  # fmt: skip
        document = {"data": {"type": "metric-aggregate", "attributes": body}}
        try:
            answers = context.cache.answer(
                Question(str(context.account["id"]), "metric-aggregates", body),
                partial(_aggregate, context, document),
                seconds=lifetime(part.end, context.now()),
            )
            found |= folded(answers)[1]
        except (ApiError, TransportError) as problem:
            log.info("The currencies of metric %s are unknown: %s", metric, problem)
            return None
    return remember_currencies(context, metric, asked.timeframe, found)


def _aggregate(context: Context, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the one page of a query of metric aggregates; a metric has few currencies."""
    answer = context.api.call("query_metric_aggregates", json=document)
    return [Reader(answer, "The metric-aggregates response lacks data").at("data").at("attributes").mapping()]


def counted_request(context: Context, method: str, path: str, **rest: Any) -> Any:
    """Make any request; one for a report is counted like those of the verbs."""
    endpoint = context.api.found(method, path)
    send = partial(context.api.request, method, path, **rest)
    if endpoint is None or endpoint.operation not in {kind.operation for kind in KINDS.values()}:
        return send()
    return counted(context, endpoint, send)


def counted(
    context: Context,
    endpoint: Endpoint,
    send: Callable[..., Any],
    *,
    on_wait: Callable[[float], None] | None = None,
) -> Any:
    """Send within the day's calls; every attempt that the server answered is one."""
    account, quota = account_of(context), context.quota
    quota.acquire(account, endpoint, on_wait=on_wait)
    try:
        return send(on_repeat=lambda: quota.repeat(account, endpoint))
    except (ConnectionFailedError, Cancelled) as ended:
        if not getattr(ended, "sent", False):
            quota.undo(account, endpoint)
        raise


def cached_parts(context: Context, asked: Asked) -> list[bool]:
    """Return for each part whether its response is in the cache."""
    return [context.cache.holds(_question(context, asked, body)) for _, body in asked.parts]


def account_of(context: Context) -> str:
    """Return the account that calls are counted for."""
    return f"{urlsplit(context.api.transport.base_url).netloc} {context.account['id']}"


def _answers(context: Context, asked: Asked) -> Answers:
    endpoint = context.api.catalog[asked.kind.operation]
    calls = cached_parts(context, asked).count(False)
    plan = f"{_name(endpoint)}: {context.quota.require(account_of(context), endpoint, calls)}"
    log.info("%s", plan)
    answers: Answers = []
    with Progress(plan, shown=context.progress, total=len(asked.parts), unit="answers") as bar:
        for part, body in asked.parts:
            pages = context.cache.answer(
                _question(context, asked, body),
                partial(_asked_for, context, endpoint, body, bar),
                seconds=lifetime(part.end, context.now()),
            )
            answers.append((part, pages))
            bar.add(1)
    return answers


def _asked_for(context: Context, endpoint: Endpoint, body: Any, bar: Progress) -> list[Mapping[str, Any]]:
    return list(_pages(context, endpoint, body, bar))


def _pages(context: Context, endpoint: Endpoint, body: Any, bar: Progress) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes of each page."""
    assert endpoint.body is not None
    document = {"data": {"type": endpoint.body.type, "attributes": body}}

    def send(params: Params) -> Any:
        call = partial(
            context.api.call, endpoint.operation, params=params, json=document, on_wait=bar.waiting
        )
        return counted(context, endpoint, call, on_wait=bar.waiting)

    for answer in QueryCursors(_name(endpoint)).pages({}, send):
        yield _attributes(answer, endpoint, series="interval" in body)


def _attributes(answer: Any, endpoint: Endpoint, *, series: bool) -> Mapping[str, Any]:
    """Return the attributes of a complete response; the cache would keep an incomplete one."""
    wanted = "a number for each of its date_times" if series else "results"
    attributes = Reader(answer, f"{_name(endpoint)} answered without {wanted}").at("data").at("attributes")
    starts = [each.moment() for each in attributes.at("date_times").items()] if series else None
    for result in attributes.at("results").items():
        result.at("groupings").mapping()
        for _, numbers in result.at("statistics").entries():
            if starts is not None:
                numbers.items(len(starts))
    return attributes.mapping()


def _question(context: Context, asked: Asked, body: Mapping[str, Any]) -> Question:
    endpoint = context.api.catalog[asked.kind.operation]
    return Question(str(context.account["id"]), _name(endpoint), body)


def _name(endpoint: Endpoint) -> str:
    return endpoint.path.removeprefix("/api/")


def _told(asked: Asked, answers: Answers) -> dict[str, tables.Label]:
    return {
        key: tables.Label(column, tables.told_names(answers, key, name))
        for name, (key, column) in asked.kind.subject.names.items()
        if key in asked.keys
    }


def _looked_up(context: Context, asked: Asked, answers: Answers) -> dict[str, tables.Label]:
    channels = tables.ids_of(answers, "send_channel")
    return {
        key: tables.Label(column, names_of(context, column, tables.ids_of(answers, key), channels))
        for key, column in asked.kind.subject.looked_up.items()
        if key in asked.keys
    }


def accepts_group_by(method: Method) -> Method:
    """Accept `group_by=`, the former name of `by=`, with a DeprecationWarning."""

    @wraps(method)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **with_by(kwargs))

    return cast("Method", renamed)


def with_by(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a report with `by` for the former name `group_by`.

    Raises
    ------
    InvalidInputError
        Both names were given.
    """
    given = dict(query)
    if "group_by" in given:
        if "by" in given:
            raise InvalidInputError(
                "by= and group_by= were both given. Pass only by=; group_by= is its former name."
            )
        warn("group_by= is now called by=, and will be removed in version 1.0.", DeprecationWarning)
        given["by"] = given.pop("group_by")
    return given


class ReportResource(Resource):
    """Asks for reports of the account."""

    def _asked(
        self,
        report: ReportName,
        *,
        timeframe: Span = "last 30 days",
        statistics: Any = None,
        by: Any = None,
        filter: Any = None,
        interval: Any = "day",
        conversion_metric: Metric | None = None,
        names: bool = True,
    ) -> questions.Asked:
        """Check all words first, then ask for the account's clock and for the metric that is meant."""
        context, kind = self._context, KINDS[report]
        words = questions.read(
            kind,
            statistics=statistics,
            by=by,
            filter=filter,
            interval=interval,
            strict=context.api.strict,
        )
        span = read_timeframe(context, timeframe).in_timezone(context.timezone)
        conversion = read_conversion(context, conversion_metric)[0] if kind.subject.converts else None
        return questions.ask(kind, words, timeframe=span, conversion=conversion, names=names)

    def _run(
        self,
        report: ReportName,
        *,
        names: bool = True,
        look_up: bool = True,
        mixed: bool = False,
        **query: Any,
    ) -> pd.DataFrame:
        asked = self._asked(report, names=names, **query)
        return run(self._context, asked, names=names, look_up=look_up, mixed=mixed)


def plan(context: Context, asked: Asked) -> pd.DataFrame:
    """Return a row for each part of the time frame: whether it takes a call, and when that can be sent."""
    endpoint = context.api.catalog[asked.kind.operation]
    cached = cached_parts(context, asked)
    forecast = context.quota.forecast(account_of(context), endpoint, cached.count(False))
    waits = iter(forecast.waits)
    left = forecast.standing.left
    sent = [position - cached[:position].count(True) for position in range(1, len(cached) + 1)]
    zone = asked.timeframe.timezone
    frame = pd.DataFrame(
        {
            "start": _times([part.start.astimezone(UTC) for part, _ in asked.parts], zone),
            "end": _times([part.end.astimezone(UTC) for part, _ in asked.parts], zone),
            "cached": pd.array(cached, dtype="boolean"),
            "wait": pd.to_timedelta([0.0 if stored else next(waits) for stored in cached], unit="s").round(
                "s"
            ),
            "left_today": pd.array([None if left is None else left - calls for calls in sent], dtype="Int64"),
        }
    )
    frame.attrs = {"plan": str(forecast)}
    return frame


def budget(context: Context) -> pd.DataFrame:
    """Return a row for each report: calls of the last 24 hours, and when the next can be sent."""
    account, catalog = account_of(context), context.api.catalog
    standings = [context.quota.standing(account, catalog[kind.operation]) for kind in KINDS.values()]
    return pd.DataFrame(
        {
            "report": pd.array(list(KINDS), dtype="string"),
            "daily_limit": pd.array([standing.limit for standing in standings], dtype="Int64"),
            "used": pd.array([standing.used for standing in standings], dtype="Int64"),
            "left": pd.array([standing.left for standing in standings], dtype="Int64"),
            "next_at": _times([standing.next_at for standing in standings], "UTC"),
        }
    )


def _times(moments: list[datetime], zone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(moments, utc=True)).as_unit("us").tz_convert(zone)


def metric_names(context: Context, ids: Iterable[str]) -> Names:
    """Return the name of each metric, from the list that a client reads once."""
    return _cached(context, "metric", ids, lambda some: _metrics(context, some))


def label(context: Context, frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Put a column of names beside each column of ids: `columns` maps the ids' column to the names' column.

    What was deleted has a missing name, unless a report that the client has read names it; what the key may not read
    is missing with one warning.
    """
    labelled = frame.copy(deep=False)
    for column, name in columns.items():
        kind = KIND_OF[column]
        values = labelled[column].astype("string")
        names = names_for(context, kind, values.dropna().unique().tolist())
        told = context.names.get(f"{kind} of reports", {})  # also of what was deleted since
        texts: Any = pd.array(
            [names.get(value) or told.get(value) if pd.notna(value) else None for value in values],
            dtype="string",
        )
        labelled.insert(int(labelled.columns.get_indexer(pd.Index([column]))[0]) + 1, name, texts)
    labelled.attrs = dict(frame.attrs)
    return labelled


def names_for(context: Context, kind: str, ids: Sequence[str]) -> Names:
    """Return the names of these ids, each read once a client."""
    if kind == "metric":
        return metric_names(context, ids)
    readers: Mapping[str, Callable[[Sequence[str]], Names]] = {
        "list": lambda _: _by_id(Reading(context, "get_lists", fields=["name"]).frame(), "name"),
        "message": lambda some: _message_names(context, some),
    }
    return _cached(context, kind, ids, readers.get(kind, lambda some: names_of(context, kind, some)))


def _cached(context: Context, kind: str, ids: Iterable[str], read: Callable[[Sequence[str]], Names]) -> Names:
    known = context.names.setdefault(kind, {})
    unknown = [id for id in dict.fromkeys(ids) if id not in known]
    if not unknown:
        return known
    try:
        found: Names = read(unknown)
    except (ApiError, TransportError) as problem:
        many = _messages.counted(len(unknown), kind)
        warn(f"The names of {many} are missing, because they could not be read: {problem}")
        found = {}
    known |= {**found, **{id: found.get(id) for id in unknown}}
    return known


def _metrics(context: Context, ids: Sequence[str]) -> Names:
    read_before, metrics = context.metrics is not None, Metrics(context)
    names = _by_id(metrics.known(), "name")
    # the list may have been read before a metric came up, so that an id it lacks is looked for once more
    lacking = read_before and not names.keys() >= set(ids)
    return _by_id(metrics.known(refresh=True), "name") if lacking else names


def _message_names(context: Context, ids: Sequence[str]) -> Names:
    """Return the labels of campaign messages, else the campaign's name, and the names of flow messages."""
    names: dict[str, str | None] = {}
    column = campaign_name(context)
    filters = [f'equals(messages.channel,"{channel}")' for channel in CHANNELS.values()]
    for filter in filters if by_channel(context) else [None]:
        frame = Reading(context, "get_campaigns", filter=filter, include=["campaign-messages"]).frame()
        for id, campaign, messages in zip(
            frame["id"], frame[column], frame["campaign_message_ids"], strict=True
        ):
            # some accounts' reports give the campaign's own id for its message
            known = [*(messages or []), *([] if pd.isna(id) else [str(id)])]
            names |= dict.fromkeys(known, None if pd.isna(campaign) else str(campaign))
    for id in ids:
        if id not in names:
            try:
                message = read_one(context, "get_flow_message", {"id": id})
            except NotFoundError:
                continue
            found = (message.get(column) for column in ("name", "definition.name"))
            names[id] = next((str(name) for name in found if pd.notna(name)), None)
    return names


def _by_id(frame: pd.DataFrame, column: str) -> dict[str, Any]:
    return {
        str(id): None if pd.isna(name) else str(name)
        for id, name in zip(frame["id"], frame[column], strict=True)
        if pd.notna(id)
    }
