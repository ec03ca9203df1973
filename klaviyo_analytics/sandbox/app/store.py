"""The account as the application reads and changes it: lookups, relationships, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np

from klaviyo_analytics.sandbox.app.contract import load_contract
from klaviyo_analytics.sandbox.app.errors import ApiFault, to_text
from klaviyo_analytics.sandbox.model import Account, EventLog, Record, Related

# (type, relationship) -> (type that stores it, its name there)
INVERSE: dict[tuple[str, str], tuple[str, str]] = {
    ("campaign", "campaign-messages"): ("campaign-message", "campaign"),
    ("catalog-item", "variants"): ("catalog-variant", "item"),
    ("catalog-category", "items"): ("catalog-item", "categories"),
    ("coupon", "coupon-codes"): ("coupon-code", "coupon"),
    ("flow", "flow-actions"): ("flow-action", "flow"),
    ("flow-action", "flow-messages"): ("flow-message", "flow-action"),
    ("form", "form-versions"): ("form-version", "form"),
    ("metric", "metric-properties"): ("metric-property", "metric"),
    ("object-type", "object-records"): ("object-record", "object-type"),
    ("object-type", "object-ingestion-logs"): ("object-ingestion-log", "object-type"),
    ("profile", "conversation"): ("conversation", "profile"),
    ("profile", "conversations"): ("conversation", "profile"),
    ("profile", "push-tokens"): ("push-token", "profile"),
    ("tag", "campaigns"): ("campaign", "tags"),
    ("tag", "flows"): ("flow", "tags"),
    ("tag", "lists"): ("list", "tags"),
    ("tag", "segments"): ("segment", "tags"),
    ("tag-group", "tags"): ("tag", "tag-group"),
}

# Ids that an answer shows even when nothing is included.
INHERENT: dict[str, frozenset[str]] = {
    "attribution": frozenset(
        {
            "event",
            "attributed-event",
            "campaign",
            "campaign-message",
            "flow",
            "flow-message",
            "flow-message-variation",
        }
    ),
    "campaign": frozenset({"campaign-messages"}),
    "event": frozenset({"metric", "profile"}),
}

ACTED = ("Opened ", "Clicked ")  # how metrics begin that show a person's own doing
MACHINES = ("Proxy", "Bot")

# Relationships whose ids alone cannot be asked for.
ONLY_WHOLE = frozenset({"import-errors"})

# Types of relationships that no path of the API shows.
_TARGETS: dict[str, str] = {
    "attributed-event": "event",
    "attributions": "attribution",
    "campaign": "campaign",
    "campaign-audience": "campaign-audience",
    "campaign-audiences": "campaign-audience",
    "campaign-message": "campaign-message",
    "campaign-messages": "campaign-message",
    "campaign-variation": "campaign-variation",
    "campaign-variations": "campaign-variation",
    "categories": "catalog-category",
    "conversation": "conversation",
    "conversations": "conversation",
    "coupon-codes": "coupon-code",
    "current-schema": "object-schema",
    "data-source": "data-source",
    "draft-schema": "object-schema",
    "event": "event",
    "events": "event",
    "flow": "flow",
    "flow-message": "flow-message",
    "flow-message-variation": "flow-message",
    "item": "catalog-item",
    "items": "catalog-item",
    "lists": "list",
    "object-record": "object-record",
    "object-type": "object-type",
    "profile": "profile",
    "schema-versions": "object-schema",
    "segments": "segment",
    "source-mapping": "source-mapping",
    "variants": "catalog-variant",
    "webhook-topics": "webhook-topic",
}


def target(type_: str, relationship: str) -> str:
    """Return the type that a relationship leads to."""
    known = load_contract().targets.get((type_, relationship))
    return known or _TARGETS[relationship]


def complete(account: Account) -> None:
    """Add the settings that an account cannot be without, if they are missing."""
    settings = account.records.setdefault("tracking-setting", {})
    for id_ in account.records.get("account", {}):
        settings.setdefault(id_, _tracking(id_))


def _tracking(account_id: str) -> Record:
    names = {"utm_source": "klaviyo", "utm_medium": "email"}
    attributes = {
        "auto_add_parameters": True,
        **{name: {key: _static(value) for key in ("flow", "campaign")} for name, value in names.items()},
        "utm_campaign": {"flow": _dynamic("flow_name"), "campaign": _dynamic("campaign_name")},
        "custom_parameters": [],
    }
    return Record("tracking-setting", account_id, attributes)


def _static(value: str) -> dict[str, str]:
    return {"type": "static", "value": value}


def _dynamic(value: str) -> dict[str, str]:
    return {"type": "dynamic", "value": value}


def to_record(log: EventLog, row: int) -> Record:
    """Make the resource of one event."""
    seconds = int(log.time[row])
    profile = int(log.profile[row])
    id_ = log.ids[row]
    credit = log.attribution[row]
    return Record(
        "event",
        id_,
        {
            "timestamp": seconds,
            "event_properties": log.properties[row],
            "datetime": to_text(seconds),
            "uuid": _uuid(id_),
        },
        {
            "profile": log.profile_ids[profile] if profile >= 0 else None,
            "metric": log.metric_ids[log.metric[row]],
            "attributions": [credit.id] if credit else [],
        },
    )


def _uuid(id_: str) -> str:
    digest = blake2b(id_.encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def attribution_record(log: EventLog, row: int, touch: int | None) -> Record | None:
    """Make the resource that credits an event to a message; `touch` is the row of the event that earned it."""
    credit = log.attribution[row]
    if credit is None:
        return None
    attributed = None if touch is None else log.ids[touch]
    relationships: dict[str, Related] = {"event": log.ids[row], "attributed-event": attributed}
    if credit.campaign:
        relationships |= {"campaign": credit.campaign, "campaign-message": credit.message}
    if credit.flow:
        relationships |= {"flow": credit.flow, "flow-message": credit.message}
    if credit.variation and credit.flow:
        relationships["flow-message-variation"] = credit.variation
    return Record("attribution", credit.id, {}, relationships)


def append(log: EventLog, rows: Sequence[dict[str, Any]]) -> None:
    """Put new events in their places; one that ties with others comes after them.

    A row has `id`, `time`, `metric` and `profile` (ids), `value` and `properties`.
    """
    rows = sorted(rows, key=lambda row: int(row["time"]))
    times = np.array([row["time"] for row in rows], dtype=np.int64)
    places = np.searchsorted(log.time, times, side="right")
    metrics = _positions(log.metric_ids, [row["metric"] for row in rows])
    profiles = _positions(log.profile_ids, [row["profile"] for row in rows])
    values = [float("nan") if row["value"] is None else row["value"] for row in rows]
    log.time = np.insert(log.time, places, times)
    log.metric = np.insert(log.metric, places, np.array(metrics, dtype=np.int32))
    log.profile = np.insert(log.profile, places, np.array(profiles, dtype=np.int32))
    log.value = np.insert(log.value, places, np.array(values, dtype=np.float64))
    log.ids = _insert(log.ids, places.tolist(), [row["id"] for row in rows])
    log.properties = _insert(log.properties, places.tolist(), [row["properties"] for row in rows])
    log.attribution = _insert(log.attribution, places.tolist(), [None] * len(rows))


def _insert(values: list[T], places: Sequence[int], added: Sequence[T]) -> list[T]:
    """Put values in their places, which rise, in one pass: the log may be long, and the added many."""
    whole: list[T] = []
    start = 0
    for place, value in zip(places, added, strict=True):
        whole += values[start:place]
        whole.append(value)
        start = place
    return whole + values[start:]


def _positions(ids: list[str], wanted: Sequence[str | None]) -> list[int]:
    """Find the positions of ids in a list, to which new ones are added; -1 for none."""
    known = {id_: position for position, id_ in enumerate(ids)}
    for id_ in wanted:
        if id_ is not None and id_ not in known:
            known[id_] = len(ids)
            ids.append(id_)
    return [-1 if id_ is None else known[id_] for id_ in wanted]


T = TypeVar("T")
GROUPS = ("list", "segment")


class Store:
    """An account with a version that rises with every change: what is derived is built once a version."""

    def __init__(self, account: Account, clock: Callable[[], float]) -> None:
        self.account = account
        self.base = self  # the store that writes; a view shares it
        self.version = 0
        self.holders: dict[tuple[str, str], Record] | None = None  # of identifiers: see `profiles`
        self.jobs: list[Record] = []  # that have not expired: see `jobs`
        self._clock = clock
        self._started = clock()
        self._derived: dict[Hashable, tuple[int, Any]] = {}
        self._issued = 0
        self._event_keys: set[tuple[str, str, str]] | None = None
        complete(account)
        self._move_to_owners()

    def now(self) -> float:
        """Return the account's present, which advances with the clock."""
        return self.account.now + self._clock() - self._started

    def today(self) -> date:
        """Return the day by which revisions are judged: the account's or, if later, the clock's."""
        return datetime.fromtimestamp(max(self.now(), self._clock()), UTC).date()

    def changed(self) -> None:
        """Forget what was derived: the account is not what it was."""
        self.version += 1

    def derive(self, key: Hashable, build: Callable[[], T]) -> T:
        """Build something from the account, or take it from before if nothing has changed since."""
        version, value = self._derived.get(key, (-1, None))
        if version != self.version:
            if len(self._derived) > 500:  # a sandbox may run for days
                self._derived.clear()
            value = build()
            self._derived[key] = (self.version, value)
        return value  # type: ignore[no-any-return]

    def records(self, type_: str) -> dict[str, Record]:
        """All records of a type by their ids; events are no records."""
        return self.account.records.setdefault(type_, {})

    def find(self, type_: str, id_: str) -> Record | None:
        """Look up one resource of any type."""
        if type_ == "event":
            return self._event(id_)
        if type_ == "attribution":
            return self._attribution(id_)
        return self.records(type_).get(id_)

    def find_all(self, type_: str, ids: Iterable[str]) -> Iterator[Record]:
        """Look up several resources of one type, one after the other; unknown ids are left out."""
        if type_ == "event":
            rows, log = self.event_rows(), self.account.events
            return (to_record(log, rows[id_]) for id_ in ids if id_ in rows)
        return (record for id_ in ids if (record := self.find(type_, id_)))

    def get(self, type_: str, id_: str) -> Record:
        """Look up one resource; answer 404 if it does not exist."""
        record = self.find(type_, id_)
        if record is None:
            raise ApiFault.missing(type_, id_)
        return record

    def add(self, record: Record) -> Record:
        """Keep a new resource."""
        self.records(record.type)[record.id] = record
        self.changed()
        return record

    def remove(self, type_: str, id_: str) -> None:
        """Forget a resource and what pointed at it."""
        del self.records(type_)[id_]
        self.account.members.pop(id_, None)
        self.account.left.pop(id_, None)
        if type_ == "profile":
            for group in self.account.members:
                self.leave(group, [id_])
        self._unlink(type_, id_)
        self.changed()

    def related(self, record: Record, name: str) -> list[str]:
        """Ids at the other end of a relationship, whichever side stores it."""
        if record.type in GROUPS and name == "profiles":
            return list(self.members(record.id))
        if record.type == "profile" and name in ("lists", "segments"):
            return self._groups_of(record.id, name.removesuffix("s"))
        if (record.type, name) in INVERSE:
            return self._inverse(record.type, name).get(record.id, [])
        value = record.relationships.get(name)
        if value is None:
            return []
        return [value] if isinstance(value, str) else value

    def members(self, group_id: str) -> dict[str, int]:
        """Find the members of a list or segment, with the time they joined."""
        return self.account.members.setdefault(group_id, {})

    def leave(self, group_id: str, profile_ids: Iterable[str]) -> None:
        """Remove profiles from a group; a segment remembers that they were in it."""
        members, now = self.members(group_id), int(self.now())
        stays = [(members.pop(id_), now) for id_ in profile_ids if id_ in members]
        if stays and group_id in self.records("segment"):
            self.account.left.setdefault(group_id, []).extend(stays)

    def issue_number(self) -> int:
        """Return a number that no other new resource has."""
        self._issued += 1
        return self._issued

    def event_rows(self) -> dict[str, int]:
        """Find the position of each event in the log."""
        return self.derive(
            "event rows", lambda: {id_: row for row, id_ in enumerate(self.account.events.ids)}
        )

    @property
    def event_keys(self) -> set[tuple[str, str, str]]:
        """Metric, profile and unique id of every event; collected once, then kept by whoever adds one."""
        if self._event_keys is None:
            log = self.account.events
            known = zip(log.metric.tolist(), log.profile.tolist(), log.properties, strict=True)
            self._event_keys = {
                (log.metric_ids[metric], log.profile_ids[profile], str(properties.get("$event_id", "")))
                for metric, profile, properties in known
                if profile >= 0
            }
        return self._event_keys

    def forget_event_keys(self) -> None:
        """Collect them anew when they are needed: events have changed hands."""
        self._event_keys = None
        self.changed()

    def _event(self, id_: str) -> Record | None:
        row = self.event_rows().get(id_)
        return None if row is None else to_record(self.account.events, row)

    def _attribution(self, id_: str) -> Record | None:
        row = self.derive("attributions", self._attribution_rows).get(id_)
        return None if row is None else attribution_record(self.account.events, row, self._touch(row))

    def _touch(self, row: int) -> int | None:
        """Find what earned a credit: the person's last open or click of the message, else that it was received."""
        log = self.account.events
        credit = log.attribution[row]
        assert credit is not None
        touches = self.derive("touches", self._touches)
        about = filter(
            None, (credit.message, credit.campaign)
        )  # some accounts name the campaign as the message
        rows = [place for id_ in about for place in touches.get((int(log.profile[row]), id_), ())]
        before = [
            (acted, place) for acted, place in rows if place != row and log.time[place] <= log.time[row]
        ]
        return max(before, default=(False, None))[1]

    def _touches(self) -> dict[tuple[int, str], list[tuple[bool, int]]]:
        """Find what each person did with each message: whether it was an open or a click, and its row."""
        log, metrics = self.account.events, self.records("metric")
        names = [str(metrics[id_].attributes["name"]) if id_ in metrics else "" for id_ in log.metric_ids]
        found: dict[tuple[int, str], list[tuple[bool, int]]] = {}
        wanted = [place for place, name in enumerate(names) if name.startswith(("Received ", *ACTED))]
        for row in np.flatnonzero(np.isin(log.metric, wanted)).tolist():
            properties = log.properties[row]
            if properties.get("Client Type") in MACHINES or properties.get("machine_open"):
                continue
            acted = names[log.metric[row]].startswith(ACTED)
            found.setdefault((int(log.profile[row]), str(properties.get("$message"))), []).append(
                (acted, row)
            )
        return found

    def _attribution_rows(self) -> dict[str, int]:
        credits_ = enumerate(self.account.events.attribution)
        return {credit.id: row for row, credit in credits_ if credit is not None}

    def _groups_of(self, profile_id: str, type_: str) -> list[str]:
        return self.derive(("groups", type_), lambda: self._groups_by_profile(type_)).get(profile_id, [])

    def _groups_by_profile(self, type_: str) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for group_id in self.records(type_):
            for profile_id in self.members(group_id):
                groups.setdefault(profile_id, []).append(group_id)
        return groups

    def _inverse(self, type_: str, name: str) -> dict[str, list[str]]:
        owner, stored = INVERSE[type_, name]
        return self.derive(("inverse", type_, name), lambda: self._inverted(owner, stored))

    def _inverted(self, owner: str, stored: str) -> dict[str, list[str]]:
        inverted: dict[str, list[str]] = {}
        for record in self.records(owner).values():
            for id_ in self.related(record, stored):
                inverted.setdefault(id_, []).append(record.id)
        return inverted

    def _stored_links(self) -> Iterator[tuple[Record, str]]:
        for records in self.account.records.values():
            for record in records.values():
                yield from ((record, name) for name in record.relationships)

    def _unlink(self, type_: str, id_: str) -> None:
        for record, name in self._stored_links():
            value = record.relationships[name]
            if value and id_ in value and target(record.type, name) == type_:
                left = [other for other in value if other != id_] if isinstance(value, list) else None
                record.relationships[name] = left

    def _move_to_owners(self) -> None:
        """Keep each relationship on one side only, so that a write has one place to change."""
        for (type_, name), (owner, stored) in INVERSE.items():
            to_many = stored.endswith("s")  # relationships to many have plural names
            for record in self.records(type_).values():
                for id_ in _as_list(record.relationships.pop(name, None)):
                    other = self.records(owner).get(id_)
                    if other is None:
                        continue
                    if not to_many:
                        other.relationships.setdefault(stored, record.id)
                    elif record.id not in (ids := _as_list(other.relationships.get(stored))):
                        other.relationships[stored] = [*ids, record.id]


def _as_list(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def link(store: Store, record: Record, name: str, ids: Iterable[str]) -> None:
    """Add ids to a relationship to many; those already there stay as they are."""
    type_ = target(record.type, name)
    for id_ in ids:
        other = store.get(type_, id_)
        if record.type in GROUPS and name == "profiles":
            store.members(record.id).setdefault(id_, int(store.now()))
        elif (record.type, name) in INVERSE:
            _store(store, other, INVERSE[record.type, name][1], record.id)
        else:
            _store(store, record, name, id_)
    store.changed()


def unlink(store: Store, record: Record, name: str, ids: Iterable[str]) -> None:
    """Remove ids from a relationship; unknown ids are ignored."""
    type_ = target(record.type, name)
    for id_ in ids:
        other = store.get(type_, id_)
        if record.type in GROUPS and name == "profiles":
            store.members(record.id).pop(id_, None)
        elif (record.type, name) in INVERSE:
            _forget(other, INVERSE[record.type, name][1], record.id)
        else:
            _forget(record, name, id_)
    store.changed()


def replace(store: Store, record: Record, name: str, ids: list[str]) -> None:
    """Set the ids that a relationship leads to."""
    unlink(store, record, name, [id_ for id_ in store.related(record, name) if id_ not in ids])
    link(store, record, name, ids)


def check_exist(store: Store, type_: str, ids: Iterable[str]) -> None:
    """Answer 404 if one of the ids does not exist, before anything is changed."""
    for id_ in ids:
        if store.find(type_, id_) is None:
            raise ApiFault.missing(type_, id_)


def _store(store: Store, record: Record, name: str, id_: str) -> None:
    if not name.endswith("s"):  # relationships to many have plural names
        record.relationships[name] = id_
    elif id_ not in (ids := store.related(record, name)):
        record.relationships[name] = [*ids, id_]


def _forget(record: Record, name: str, id_: str) -> None:
    value = record.relationships.get(name)
    if isinstance(value, list):
        record.relationships[name] = [other for other in value if other != id_]
    elif value == id_:
        record.relationships[name] = None
