"""Read back what was sent, and say of every row whether it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pandas as pd

from klaviyo_analytics import _jsonapi
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.filters import F
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import current, differences
from klaviyo_analytics.writeback.kinds import Options, folded

PATIENCE = (0.0, 5.0, 10.0, 20.0, 40.0, 60.0)  # seconds between looks: what was accepted shows after minutes
SENT = ("created", "updated", "written", "accepted")
Look = Callable[[Account, Options, Mapping[int, tuple[str, Mapping[str, Any]]]], dict[int, str | None]]


def verify(
    account: Account,
    rows: pd.DataFrame,
    batches: Sequence[tuple[str, Sequence[int]]],
    keys: Sequence[str],
    records: Sequence[bytes | None],
    options: Options,
) -> None:
    """Look for every row that was sent, several times; what is seen was written, what is not is unconfirmed."""
    statuses = rows["status"].tolist()
    for kind in dict.fromkeys(kind for kind, _ in batches):
        look = _look(kind)
        left = {
            at: (keys[at], orjson.loads(records[at] or b"null"))
            for name, positions in batches
            if name == kind
            for at in positions
            if statuses[at] in SENT
        }
        said: dict[int, str | None] = {}
        for pause in PATIENCE:
            if left:
                account.sleep(pause)
                said = look(account, options, left)
                _note(rows, [at for at in left if said.get(at) is None and at in said], "written", None)
                left = {at: one for at, one in left.items() if said.get(at, "") is not None}
        reasons: dict[str, list[int]] = {}
        for at in left:
            reasons.setdefault(said.get(at) or "it is not there when it is read back", []).append(at)
        for reason, positions in reasons.items():
            _note(rows, positions, "unconfirmed", reason)


def check(kinds: Sequence[str]) -> None:
    """Refuse kinds that cannot be read back, before anything is sent."""
    for kind in kinds:
        _look(kind)


def _note(rows: pd.DataFrame, positions: Sequence[int], status: str, detail: str | None) -> None:
    """Write an outcome down; what the API said of a row that is there is said no worse than before."""
    names = list(rows.columns)
    accepted = (rows["status"] == "accepted").to_numpy(dtype=bool)
    changed = [at for at in positions if detail is not None or accepted[at]]
    rows.iloc[changed, names.index("status")] = status
    if detail is not None:
        rows.iloc[changed, names.index("detail")] = detail
        rows.iloc[changed, names.index("code")] = "not_read_back"


def _look(kind: str) -> Look:
    if kind not in _LOOKS:
        raise InvalidInputError(
            f"verify=True: what {kind!r} writes cannot be read back row by row; there are {', '.join(_LOOKS)}."
        )
    return _LOOKS[kind]


def _profiles(
    account: Account, options: Options, left: Mapping[int, tuple[str, Mapping[str, Any]]]
) -> dict[int, str | None]:
    there = current(account, options["key"], [key for key, _ in left.values()])
    found: dict[int, str | None] = {}
    for at, (key, record) in left.items():
        known = there.get(folded(key))
        if known is None:
            continue
        other = {name: old for name, (old, _) in _unequal(record, known)}
        found[at] = (
            f"it differs when it is read back: {', '.join(map(_named, other.items()))}" if other else None
        )
    return found


def _unequal(record: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Give what differs; of what was appended, whether it is among what stands there."""
    appended = ((record.get("meta") or {}).get("patch_properties") or {}).get("append") or {}
    for name, (old, new) in differences(record, known).items():
        short = name.removeprefix("properties.")
        several = new if isinstance(new, list) else [new]
        if short in appended and isinstance(old, list) and all(one in old for one in several):
            continue
        yield name, (old, new)


def _named(item: tuple[str, Any]) -> str:
    return f"{item[0]} is {item[1]!r}"[:200]


def _subscriptions(
    account: Account, options: Options, left: Mapping[int, tuple[str, Mapping[str, Any]]]
) -> dict[int, str | None]:
    keys = [key for key, _ in left.values()]
    there = current(account, options["key"], keys, more={"additional-fields[profile]": "subscriptions"})
    found: dict[int, str | None] = {}
    for at, (key, record) in left.items():
        known = ((there.get(folded(key)) or {}).get("attributes") or {}).get("subscriptions") or {}
        wrong = [
            f"{way} is {consent}"
            for way, purposes in record["attributes"]["subscriptions"].items()
            for purpose, wanted in purposes.items()
            if (consent := ((known.get(way) or {}).get(purpose) or {}).get("consent")) != wanted["consent"]
        ]
        found[at] = f"consent when it is read back: {', '.join(wrong)}" if wrong else None
    return found


def _events(
    account: Account, _: Options, left: Mapping[int, tuple[str, Mapping[str, Any]]]
) -> dict[int, str | None]:
    """Look for the events' own ids among those of their metric and time."""
    events = {at: record["attributes"]["events"]["data"][0]["attributes"] for at, (_, record) in left.items()}
    metric = next(iter(events.values()))["metric"]["data"]["attributes"]
    id = _metric(account, metric["name"], metric.get("service", "API"))
    if id is None:
        return {}
    times = [datetime.fromisoformat(one["time"]) for one in events.values() if "time" in one]
    times = times or [account.now() - timedelta(hours=1), account.now() + timedelta(hours=1)]
    where = (
        (F.metric_id == id)
        & (F.datetime >= min(times).replace(microsecond=0))
        & (F.datetime < max(times) + timedelta(seconds=1))
    )
    endpoint = account.api.catalog["get_events"]
    params = {"filter": str(where), "sort": "datetime", "fields[event]": "event_properties"}
    there: set[str] = set()
    for document in account.api.pages(endpoint, {}, params, size=endpoint.page_max, chosen=False):
        records = _jsonapi.resources(document, endpoint.path)
        there |= {str((one["attributes"].get("event_properties") or {}).get("$event_id")) for one in records}
    return {at: None for at, one in events.items() if one["unique_id"] in there}


def _metric(account: Account, name: str, service: str) -> str | None:
    endpoint = account.api.catalog["get_metrics"]
    for document in account.api.pages(endpoint, {}, {}, size=None, chosen=False):
        for record in _jsonapi.resources(document, endpoint.path):
            attributes = record["attributes"]
            integration = attributes.get("integration") or {}
            if attributes.get("name") == name and integration.get("name") == service:
                return str(record["id"])
    return None


def _members(*, joined: bool) -> Look:
    def look(
        account: Account, options: Options, left: Mapping[int, tuple[str, Mapping[str, Any]]]
    ) -> dict[int, str | None]:
        endpoint = account.api.catalog["get_profile_ids_for_list"]
        there: set[str] = set()
        ids = {"id": options["owner"]}
        for document in account.api.pages(endpoint, ids, {}, size=endpoint.page_max, chosen=False):
            there |= {str(one["id"]) for one in _jsonapi.resources(document, endpoint.path)}
        return {at: None for at, (_, record) in left.items() if (record["id"] in there) is joined}

    return look


_LOOKS: Mapping[str, Look] = {
    **dict.fromkeys(("profile import", "profile upsert", "profile append"), _profiles),
    "event create": _events,
    **dict.fromkeys(("subscribe", "record consent", "unsubscribe"), _subscriptions),
    "list join": _members(joined=True),
    "list leave": _members(joined=False),
}
