"""Plans that create events from a frame."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson
import pandas as pd

from klaviyo_analytics._messages import allowed_values, did_you_mean
from klaviyo_analytics.errors import ApiError, FrameError, InvalidInputError
from klaviyo_analytics.writeback import checks
from klaviyo_analytics.writeback import checks as rules
from klaviyo_analytics.writeback import columns as _columns
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.columns import Rest, Target, as_frame, encoded, mapped, targets
from klaviyo_analytics.writeback.encode import ABSENT, DateFormat, Wanted, check_format
from klaviyo_analytics.writeback.journal import REQUEST_BYTES
from klaviyo_analytics.writeback.plan import Plan, drafted, given_frame
from klaviyo_analytics.writeback.profiles import given_profiles, parts
from klaviyo_analytics.writeback.write_types import CREATE, Options, folded

OWN = "API"  # where events come from that name no service
ALIKE = 0.9


ReadMetrics = Callable[
    ..., pd.DataFrame
]  # Metrics.known: as they were read before, or anew with refresh=True


def named_metric(metric: Any) -> dict[str, str]:
    """Return a metric as events refer to it.

    Raises
    ------
    InvalidInputError
        It is neither a name nor (name, service).
    """
    name, service = metric if isinstance(metric, tuple) and len(metric) == 2 else (metric, None)
    if not isinstance(name, str) or not (service is None or isinstance(service, str)):
        raise InvalidInputError(
            f"metric={metric!r}: pass a name, (name, service), or a row of client.metrics.list()."
        )
    if not 0 < len(name) < 128:
        raise InvalidInputError(f"metric={metric!r}: a metric's name has 1 to 127 characters.")
    return {"name": name, **({"service": service} if service else {})}


def new_beside(metric: Mapping[str, str], known: ReadMetrics) -> list[str] | None:
    """Return the metrics that a new one could be mistaken for; None if the metric exists."""
    wanted = (metric["name"], metric.get("service", OWN))
    there = _pairs(known())
    if wanted not in there:
        there = _pairs(known(refresh=True))  # it may be younger than the list that was read
    if wanted in there:
        return None
    return [f"{name!r} ({service})" for name, service in there if _alike(name, wanted[0])]


def to_make(metric: Mapping[str, str], beside: list[str]) -> str:
    """Return the question asked before a metric is created that may be a misspelling."""
    return (
        f"This makes a new metric {metric['name']!r} ({metric.get('service', OWN)}), which cannot be deleted, beside "
        f"{', '.join(beside)}."
    )


def _pairs(metrics: pd.DataFrame) -> list[tuple[str, str]]:
    services = metrics["integration.name"].fillna(OWN).astype(str)
    return [*zip(metrics["name"].fillna("").astype(str), services, strict=True)]


def _alike(one: str, other: str) -> bool:
    first, second = (re.sub(r"[\W_]+", "", name.casefold()) for name in (one, other))
    if re.sub(r"\d", "", first) == re.sub(
        r"\d", "", second
    ):  # "Sale 2025" and "Sale 2026" are two on purpose
        return first == second
    return difflib.SequenceMatcher(None, first, second).ratio() >= ALIKE


WHAT = "plan_create()"
KEYWORDS = ("metric", "profile", "properties", "value", "value_currency", "time", "unique_id")
WHO = ("id", "email", "phone_number", "external_id", "anonymous_id")
ATTRIBUTES: Mapping[str, Wanted] = {
    **dict.fromkeys(WHO, "text"),
    "time": "json",
    "value": "number",
    "value_currency": "text",
    "unique_id": "text",
}
GONE = ("@example.com", "@test.com")  # accepted, and never stored
ONCE = "without a time the same content is recorded once for ever: give a time column, or unique_id"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MOST_PROPERTIES, MOST_ITEMS, DEEPEST, LONGEST = 400, 4_000, 10, 100_000
EVENT_BYTES = REQUEST_BYTES - 1_000  # what the rest of a request may take


def plan_create(
    account: Account,
    frame: Any,
    *,
    metric: Any,
    columns: Mapping[str, str] | None,
    properties: Rest,
    value_currency: str | None,
    on_duplicate: OnDuplicate,
    compare: bool,
    known: ReadMetrics | None,
    phone_region: str | None = None,
    date_format: DateFormat = None,
) -> Plan:
    """Check and encode a frame of events; see `events.plan_create`."""
    named = named_metric(metric)
    frame = as_frame(frame, WHAT, _single, ATTRIBUTES)
    check_format(date_format, frame.columns, WHAT)
    _check_read(frame, columns)
    found = targets(frame, ATTRIBUTES, columns=columns, properties=properties, what=WHAT)
    by_path = {target.path: target for target in found}
    who = [name for name in WHO if name in by_path]
    if not who:
        raise FrameError(
            f"{WHAT}: no column identifies the profile of the event; add one of {', '.join(WHO)}."
        )
    problems = Problems()
    values = encoded(account, frame, found, problems, times=["time"], date_format=date_format)
    renumbered: dict[int, str] = {}
    if "phone_number" in values:
        values["phone_number"], renumbered = _columns.in_e164(values["phone_number"], phone_region, problems)
    rules.check_attributes(rules.EVENT, values, problems)
    if value_currency is not None and (why := rules.currency(value_currency)):
        raise InvalidInputError(f"value_currency={value_currency!r} {why}.")
    _check_people(values, who, problems)
    keys = _firsts([values[name] for name in who])
    checks.check_present(" or ".join(who), keys, problems)
    people = _firsts([_as_compared(name, values[name]) for name in who])
    if "time" in values:
        _check_times(account, values["time"], problems)
    records, ids, notes = _records(
        values, by_path, [named] * len(frame), people, problems, currency=value_currency
    )
    for row, note in renumbered.items():
        notes[row] = f"{note}; {notes[row]}" if row in notes else note
    given = [one is not ABSENT for one in values.get("unique_id", [ABSENT] * len(frame))]
    left_out = _check_twice(_pairs_of(people, ids), given, on_duplicate, problems)
    records = [None if row in left_out or row in problems else one for row, one in enumerate(records)]
    beside = _looked(named, known, strict=compare) if known and any(records) else None
    if compare and beside is not None:
        fresh = f"the metric {named['name']!r} is new, and is made for good"
        notes = {row: f"{fresh}; {notes[row]}" if row in notes else fresh for row in range(len(frame))}
    return drafted(
        "create events",
        account,
        frame,
        keys=["" if key is ABSENT else str(key) for key in keys],
        records=records,
        kinds={CREATE.name: range(len(frame))},
        options=Options(who[0]),
        problems=problems.by_row(),
        left_out=left_out,
        notes=notes,
        confirm=[to_make(named, beside)] if beside else [],
    )


def plan_given(account: Account, given: Sequence[Mapping[str, Any]], what: str) -> Plan:
    """Plan events that are given as keyword arguments: the one of `events.create`, or the records of a job.

    Parameters
    ----------
    account : Account
        The account to write to.
    given : list of dict
        The keywords of `events.create`; `profile` is a dict of attributes, and `unique_id` is there.
    what : str
        The method, for messages.
    """
    if odd := next((name for one in given for name in one if name not in KEYWORDS), None):
        raise InvalidInputError(
            f"{what}: {odd!r} is not part of an event{did_you_mean(odd, KEYWORDS)}. "
            f"{allowed_values(odd, KEYWORDS)} Nothing was sent."
        )
    metrics = [named_metric(one.get("metric")) for one in given]
    problems = Problems()
    whose, people = given_profiles(
        account, [one["profile"] for one in given], what, problems, more=["anonymous_id"]
    )
    who = [name for name in (*WHO, "_kx") if name in whose]
    _check_people(whose, who, problems)
    nobody = [ABSENT] * len(given)
    keys = _firsts([whose[name] for name in who] or [nobody])
    checks.check_present(" or ".join(WHO[:4]), keys, problems)
    frame, _ = given_frame([_happening(one, what) for one in given])
    found = [
        Target(path, path.removeprefix("properties."), "properties")
        if path.startswith("properties.")
        else Target(path, path, None, ATTRIBUTES[path])
        for path in frame.columns
    ]
    values = encoded(account, frame, found, problems, times=["time"])
    rules.check_attributes(rules.EVENT, values, problems)
    times = values.get("time", ())
    _check_times(account, times, problems, needed=False)
    for row, time in enumerate(times):  # NaT must not become now
        if time is ABSENT and given[row].get("time") is not None and row not in problems:
            problems.add(row, "time is missing")
    by_path = {target.path: target for target in found}
    compared = _firsts([_as_compared(name, whose[name]) for name in who] or [nobody])
    records, ids, _ = _records(values, by_path, metrics, compared, problems, people=people)
    _check_twice(_pairs_of(compared, ids), [True] * len(given), "error", problems)
    return drafted(
        what,
        account,
        frame,
        keys=["" if key is ABSENT else str(key) for key in keys],
        records=[None if row in problems else record for row, record in enumerate(records)],
        kinds={CREATE.name: range(len(given))},
        options=Options(who[0] if who else "email"),
        problems=problems.by_row(),
    )


def _happening(given: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return what happened, by dotted name."""
    row = {name: one for name, one in given.items() if name not in ("metric", "profile", "properties")}
    held = given.get("properties")
    return {name: one for name, one in row.items() if one is not None} | (
        {} if held is None else parts("properties", held, what)
    )


def _pairs_of(people: Sequence[Any], ids: Sequence[str | None]) -> list[Any]:
    """Return what must differ between events: the person and the id together."""
    return [ABSENT if id is None else f"{person}\n{id}" for person, id in zip(people, ids, strict=True)]


def _check_read(frame: pd.DataFrame, columns: Mapping[str, str] | None) -> None:
    """Refuse the ids of events where those of profiles belong: frames that were read have both."""
    there, chosen = {*frame.columns}, {*mapped(columns, WHAT)}
    if {"id", "profile_id"} <= there and not {"id", "profile_id"} & chosen:
        raise FrameError(
            f"{WHAT}: 'id' is the id of an event here, and 'profile_id' says whose it is. Write "
            "frame.drop(columns=['id']) with columns={'profile_id': 'id'}."
        )


def _single(values: pd.Series[Any]) -> str:
    return "email" if all(isinstance(one, str) and "@" in one for one in values.dropna()) else "id"


def _looked(metric: Mapping[str, str], known: ReadMetrics, *, strict: bool) -> list[str] | None:
    """Check whether the metric exists; a key that may not read metrics may still write events."""
    try:
        return new_beside(metric, known)
    except ApiError:
        if strict:
            raise
        return None


def _check_people(values: Mapping[str, list[Any]], who: Sequence[str], problems: Problems) -> None:
    for name in who:
        checks.check_form(name, values[name], problems)
    for row, email in enumerate(values.get("email", ())):
        if not isinstance(email, str):
            continue  # missing, or no address at all
        if email.lower().endswith(GONE):
            problems.add(row, f"email: Klaviyo takes events of {email.rpartition('@')[2]} and drops them")
        elif len(email) > 100:
            problems.add(row, "email: an event's address may have 100 characters")


def _firsts(columns: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the first identifier of each row."""
    return [next((one for one in row if one is not ABSENT), ABSENT) for row in zip(*columns, strict=True)]


def _as_compared(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return identifiers as they are compared: emails ignore case, ids do not."""
    return [one if one is ABSENT else folded(one) for one in values] if name == "email" else values


def _check_times(account: Account, times: Sequence[Any], problems: Problems, *, needed: bool = True) -> None:
    latest = account.now() + timedelta(days=365)
    first, last = EARLIEST.isoformat(), latest.astimezone(UTC).isoformat()
    for row, time in enumerate(times):
        if time is ABSENT:
            if needed and row not in problems:
                problems.add(row, "time is missing")
        elif not first <= time <= last:  # all of them in UTC and of one form
            problems.add(row, f"time: {time} is not between the year 2000 and a year from now")


def _records(
    values: Mapping[str, list[Any]],
    by_path: Mapping[str, Target],
    metrics: Sequence[Mapping[str, str]],
    compared: Sequence[str],
    problems: Problems,
    *,
    currency: str | None = None,
    people: Sequence[dict[str, Any]] | None = None,
) -> tuple[list[bytes | None], list[str | None], dict[int, str]]:
    records: list[bytes | None] = []
    ids: list[str | None] = []
    notes: dict[int, str] = {}
    targets = [by_path[path] for path in values]
    for row, cells in enumerate(zip(*values.values(), strict=True)):
        records.append(None)
        ids.append(None)
        if row in problems:
            continue
        person, event, dropped = _event(targets, cells)
        if people is not None:
            person = people[row]
        if "value" in event and currency:
            event.setdefault("value_currency", currency)
        _check_properties(row, event["properties"], problems)
        if row in problems:
            continue
        once = "time" not in event and "unique_id" not in event
        try:
            event.setdefault("unique_id", _content(metrics[row], compared[row], event))
        except TypeError as error:
            problems.add(row, f"it cannot be written as JSON: {error}")
            continue
        if not 0 < len(event["unique_id"]) <= 255:
            problems.add(row, "unique_id: it has 1 to 255 characters")
            continue
        losses = _losses(event, dropped, valued="value" in values)
        remarks = [f"Klaviyo {'; it '.join(losses)}"] if losses else []
        if remarks := [*remarks, ONCE] if once else remarks:
            notes[row] = "; ".join(remarks)
        ids[row] = event["unique_id"]
        records[row] = checks.dumped(row, _resource(person, event, metrics[row]), problems, most=EVENT_BYTES)
    return records, ids, notes


def _event(
    targets: Sequence[Target], cells: Sequence[Any]
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    person: dict[str, Any] = {"type": "profile", "attributes": {}}
    properties: dict[str, Any] = {}
    event: dict[str, Any] = {"properties": properties}
    dropped = []
    for target, value in zip(targets, cells, strict=True):
        if target.group and (value is ABSENT or value == "" or (value == 0 and value is not False)):
            dropped.append(target.name)
        if value is ABSENT:
            continue
        if target.group:
            properties[target.name] = value
        elif target.name == "id":
            person["id"] = value
        else:
            (person["attributes"] if target.name in WHO else event)[target.name] = value
    return person, event, dropped


def _losses(event: Mapping[str, Any], dropped: Sequence[str], *, valued: bool) -> list[str]:
    """List what Klaviyo will not store as it is sent."""
    losses = []
    if dropped:
        losses.append(f"does not keep 0, empty or null properties: {', '.join(dropped)}")
    if valued and "value" not in event:
        losses.append("takes a missing value for 0, once the metric has had any")
    if "." in event.get("time", ""):
        losses.append("cuts times down to the second")
    return losses


def _content(metric: Mapping[str, str], person: str, event: Mapping[str, Any]) -> str:
    """Return an id that is the same for the same content, in every run and on every machine."""
    content = orjson.dumps([metric, person, event], option=orjson.OPT_SORT_KEYS)
    return blake2b(content, digest_size=16).hexdigest()


def _resource(person: dict[str, Any], event: dict[str, Any], metric: Mapping[str, str]) -> dict[str, Any]:
    event = {**event, "metric": {"data": {"type": "metric", "attributes": metric}}}
    events = {"data": [{"type": "event", "attributes": event}]}
    return {"type": "event-bulk-create", "attributes": {"profile": {"data": person}, "events": events}}


def _check_properties(row: int, properties: Mapping[str, Any], problems: Problems) -> None:
    if len(properties) > MOST_PROPERTIES:
        problems.add(row, f"{len(properties)} properties, and an event may have {MOST_PROPERTIES}")
    for name, value in properties.items():
        if why := _too_much(value, 1):
            problems.add(row, f"{name}: {why}")


def _too_much(value: Any, depth: int) -> str | None:
    if isinstance(value, str):
        if len(value) * 4 > LONGEST and len(value.encode("utf-8", "replace")) > LONGEST:
            return f"a text may have {LONGEST:,} bytes"
        return None
    if not isinstance(value, (list, dict)):
        return None
    if depth > DEEPEST:
        return f"it is nested deeper than {DEEPEST} levels"
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        return f"a list may have {MOST_ITEMS:,} items"
    inside = value.values() if isinstance(value, dict) else value
    return next((why for one in inside if (why := _too_much(one, depth + 1))), None)


def _check_twice(
    both: Sequence[Any], given: Sequence[bool], rule: OnDuplicate, problems: Problems
) -> dict[int, tuple[Any, str]]:
    """Find rows with one id of the same person: Klaviyo would keep one of them, or refuse all."""
    rows, firsts = checks.duplicates(both, fold=False)
    if rule != "error":
        name = "unique_id" if any(given) else "content"
        return checks.check_duplicates(name, both, rule, problems, fold=False)
    for row, first in zip(rows, firsts, strict=True):
        if given[row]:
            where = "comes again in later rows" if row == first else f"is that of row {first}, too"
            why = f"its unique_id {where}, of the same person: each event has its own. Change it, or"
        else:
            where = "comes again in later rows" if row == first else f"is row {first}, too"
            why = f"the same event {where}: the same person, time and content. Give a unique_id, or"
        problems.add(row, f"{why} on_duplicate='first'")
    return {}
