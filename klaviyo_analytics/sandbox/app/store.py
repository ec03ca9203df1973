"""The account as the application reads and changes it: lookups, relationships, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from klaviyo_analytics.sandbox.app import eventlog
from klaviyo_analytics.sandbox.app.defaults import complete
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.relations import INVERSE, target
from klaviyo_analytics.sandbox.model import Account, Record

T = TypeVar("T")
GROUPS = ("list", "segment")


class Store:
    """An account with a version that rises with every change: what is derived is built once a version."""

    def __init__(self, account: Account, clock: Callable[[], float]) -> None:
        self.account = account
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
        """Tell the account's present, which goes on with the clock."""
        return self.account.now + self._clock() - self._started

    def today(self) -> date:
        """Tell the day by which revisions live: the account's own or, if that is later, the clock's."""
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
            return (eventlog.to_record(log, rows[id_]) for id_ in ids if id_ in rows)
        return (record for id_ in ids if (record := self.find(type_, id_)))

    def get(self, type_: str, id_: str) -> Record:
        """Look up one resource; answer 404 if there is none."""
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
        """Take profiles out of a group; a segment remembers that they were in it."""
        members, now = self.members(group_id), int(self.now())
        stays = [(members.pop(id_), now) for id_ in profile_ids if id_ in members]
        if stays and group_id in self.records("segment"):
            self.account.left.setdefault(group_id, []).extend(stays)

    def issue_number(self) -> int:
        """Give a number that no other new resource has."""
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
        return None if row is None else eventlog.to_record(self.account.events, row)

    def _attribution(self, id_: str) -> Record | None:
        row = self.derive("attributions", self._attribution_rows).get(id_)
        return None if row is None else eventlog.attribution_record(self.account.events, row)

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
