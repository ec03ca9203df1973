"""A report's requests, one after the other: from the cache where they are there, within the day's limits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from klaviyo_analytics._cache import Question, lifetime
from klaviyo_analytics._paging import SeenCursors, next_cursor
from klaviyo_analytics._progress import Progress
from klaviyo_analytics._transport.waiting import CalledOff
from klaviyo_analytics.endpoints import Endpoint
from klaviyo_analytics.errors import ConnectionFailedError, MalformedResponseError
from klaviyo_analytics.resources._noun import Context
from klaviyo_analytics.resources.reports._asking import Asked
from klaviyo_analytics.resources.reports._kinds import KINDS
from klaviyo_analytics.resources.reports._names import names_of
from klaviyo_analytics.tabular import reports as tables
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe._moments import as_written

log = logging.getLogger("klaviyo_analytics")
Answers = list[tuple[Timeframe, list[Mapping[str, Any]]]]


def run(context: Context, asked: Asked, *, names: bool, look_up: bool = True) -> pd.DataFrame:
    """Send what has to be sent and build the frame; without `look_up` only names that the report tells."""
    answers = _answers(context, asked)
    currency = context.account.get("preferred_currency")
    layout = tables.Layout(
        asked.keys, asked.statistics, asked.timeframe, asked.interval, context.now(), currency
    )
    labels = _told(asked, answers) if names else {}
    if names and look_up:
        labels |= _looked_up(context, asked, answers)
    frame = tables.frame(answers, layout, labels)
    frame.attrs = {
        "timezone": asked.timeframe.timezone,
        "currency": currency,
        "timeframe": str(asked.timeframe),
    }
    if "currency" in frame.columns:  # reports name no currency
        frame.attrs["currency_source"] = "the account's preferred_currency"
    if asked.interval:
        frame.attrs["interval"] = asked.interval
    return frame


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
    except (ConnectionFailedError, CalledOff) as ended:
        if not getattr(ended, "sent", False):
            quota.strike(account, endpoint)
        raise


def cached_parts(context: Context, asked: Asked) -> list[bool]:
    """Tell of each part whether its answer is in the cache."""
    return [context.cache.holds(_question(context, asked, body)) for _, body in asked.parts]


def account_of(context: Context) -> str:
    """Name the account that calls are counted for."""
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
    """Give the attributes of each page: the same body, with the cursor beside it as a query parameter."""
    assert endpoint.body is not None
    document = {"data": {"type": endpoint.body.type, "attributes": body}}
    seen = SeenCursors(_name(endpoint))
    params: dict[str, str] | None = None
    while True:
        send = partial(
            context.api.call, endpoint.operation, params=params, json=document, on_wait=bar.waiting
        )
        answer = counted(context, endpoint, send, on_wait=bar.waiting)
        yield _attributes(answer, endpoint, series="interval" in body)
        cursor = next_cursor(answer)
        if cursor is None:
            return
        seen.add(cursor)
        params = {"page_cursor": cursor}


def _attributes(answer: Any, endpoint: Endpoint, *, series: bool) -> Mapping[str, Any]:
    """Take out what was answered, if it is whole: what is not would be kept by the cache."""
    try:
        attributes: Mapping[str, Any] = answer["data"]["attributes"]
        starts = [as_written(start) for start in attributes["date_times"]] if series else None
        if all(_is_whole(result, starts) for result in attributes["results"]):
            return attributes
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    wanted = "a number for each of its date_times" if series else "results"
    raise MalformedResponseError(f"{_name(endpoint)} answered without {wanted}.")


def _is_whole(result: Mapping[str, Any], starts: Sequence[datetime] | None) -> bool:
    groupings, numbers = result["groupings"], result["statistics"]
    if not isinstance(groupings, Mapping) or not isinstance(numbers, Mapping):
        return False
    return starts is None or all(
        isinstance(along, list) and len(along) == len(starts) for along in numbers.values()
    )


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
