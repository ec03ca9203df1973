"""Options that an account offers, read from frames of the client."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, get_args

import pandas as pd

from klaviyo_analytics import local_files
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.vocabulary import Dimension
from klaviyo_analytics.widgets.choices import Option

log = logging.getLogger("klaviyo_analytics")
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS choices (account TEXT, kind TEXT, id TEXT, times INTEGER, last INTEGER, "
    "UNIQUE (account, kind, id))"
)
_ADD = (
    "INSERT INTO choices VALUES (?, ?, ?, 1, (SELECT 1 + COALESCE(MAX(last), 0) FROM choices)) "
    "ON CONFLICT (account, kind, id) DO UPDATE SET times = times + 1, last = excluded.last"
)
_READ = "SELECT id FROM choices WHERE account = ? AND kind = ? ORDER BY times DESC, last DESC"
_LAST = "SELECT id FROM choices WHERE account = ? AND kind = ? ORDER BY last DESC LIMIT 1"


def remember(account: str, kind: str, ids: Iterable[str]) -> None:
    """Count a choice; where the file cannot be used, nothing is lost but a convenience."""
    try:
        with local_files.transaction(local_files.place("state", "choices.sqlite"), _SCHEMA) as file:
            file.executemany(_ADD, [(account, kind, id) for id in ids])
    except local_files.FAILURES as failure:
        log.info("choices are not remembered: %s", failure)


def most_used(account: str, kind: str) -> list[str]:
    """Return the ids that were chosen before, the most used first."""
    return _ids(account, kind, _READ)


def last(account: str, kind: str) -> str | None:
    """Return the id that was chosen last."""
    return next(iter(_ids(account, kind, _LAST)), None)


def _ids(account: str, kind: str, query: str) -> list[str]:
    try:
        with local_files.transaction(local_files.place("state", "choices.sqlite"), _SCHEMA) as file:
            return [str(row[0]) for row in file.execute(query, (account, kind))]
    except local_files.FAILURES as failure:
        log.info("choices are not remembered: %s", failure)
        return []


METRIC = "metric"
# What most accounts ask about first; an account's own habits come before it.
USUAL = (
    "Placed Order",
    "Opened Email",
    "Clicked Email",
    "Received Email",
    "Checkout Started",
    "Started Checkout",
    "Active on Site",
)
# These hold people's telephone numbers, which a saved notebook must not.
PERSONAL = ("From Number", "To Number")


def metrics(client: KlaviyoClient) -> list[Option]:
    """Return the account's metrics: often used ones first, the most used before all; then by integration and name."""
    frame = client.metrics.known()
    if frame.empty:  # the first may have come meanwhile
        frame = client.metrics.known(refresh=True)
    shared = frame["name"].duplicated(keep=False)
    pairs = frame[["name", "integration.name"]].duplicated(keep=False)
    options = [
        Option(id, name, group, _metric_value(id, name, group, shared=one, ambiguous=two))
        for id, name, group, one, two in zip(
            _texts(frame["id"]),
            _texts(frame["name"]),
            _texts(frame["integration.name"]),
            shared,
            pairs,
            strict=True,
        )
    ]
    used = most_used(str(client.account["id"]), METRIC)
    ranks = {id: place for place, id in enumerate(used[:6])}
    usual = {name: len(ranks) + place for place, name in enumerate(USUAL)}

    def order(option: Option) -> tuple[Any, ...]:
        rank = ranks.get(option.id, usual.get(option.name, 99))
        return rank, option.group.casefold() or "~", option.name.casefold()

    often = [replace(option, often=option.id in ranks or option.name in usual) for option in options]
    return sorted(often, key=order)


def _metric_value(id: str, name: str, group: str, *, shared: bool, ambiguous: bool) -> Any:
    """Return the shortest name that is unique to a metric: by name, with its integration, or by id."""
    if not shared:
        return name
    return id if ambiguous or not group else (name, group)


def dimensions() -> list[Option]:
    """Return what metric aggregates can be grouped by."""
    return [
        Option(name, name.removeprefix("$").replace("_", " ").capitalize(), value=name)
        for name in get_args(Dimension)
        if name not in PERSONAL
    ]


def lists(client: KlaviyoClient) -> list[Option]:
    """Return the account's lists by name."""
    return _named(client.lists.list())


def segments(client: KlaviyoClient) -> list[Option]:
    """Return the account's segments by name, starred ones apart."""
    frame = client.segments.list()
    starred = frame["is_starred"].fillna(value=False).astype(bool)
    return _named(frame, starred.map({True: "starred", False: ""}))


def campaigns(client: KlaviyoClient) -> list[Option]:
    """Return the account's campaigns by channel, the latest first."""
    frame = client.campaigns.list(fields=["name", "send_time", "created_at"])
    frame = frame.assign(when=frame["send_time"].fillna(frame["created_at"]))
    frame = frame.sort_values("when", ascending=False, kind="stable")
    days = _texts(frame["when"].dt.strftime("%Y-%m-%d"))
    columns = [_texts(frame[name]) for name in ("id", "name", "channel")]
    return [Option(id, name, group, when=day) for id, name, group, day in zip(*columns, days, strict=True)]


def flows(client: KlaviyoClient) -> list[Option]:
    """Return the account's flows by status and name."""
    frame = client.flows.list()
    return _named(frame, frame["status"])


def _named(frame: pd.DataFrame, groups: pd.Series[Any] | None = None) -> list[Option]:
    ids, names = _texts(frame["id"]), _texts(frame["name"])
    said = [""] * len(frame) if groups is None else _texts(groups)
    options = [Option(*one) for one in zip(ids, names, said, strict=True)]
    return sorted(options, key=lambda option: option.name.casefold())


def _texts(column: pd.Series[Any]) -> list[str]:
    return ["" if pd.isna(value) else str(value) for value in column]
