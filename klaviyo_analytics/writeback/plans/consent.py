"""A frame of people as a plan of who may be written to, and who may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import pandas as pd

from klaviyo_analytics._wording import counted
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback import asking
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.drafting import drafted
from klaviyo_analytics.writeback.encode import ABSENT, column
from klaviyo_analytics.writeback.kinds.consent import (
    RECORD_CONSENT,
    SUBSCRIBE,
    SUPPRESS,
    UNSUBSCRIBE,
    UNSUPPRESS,
)
from klaviyo_analytics.writeback.members import off_list
from klaviyo_analytics.writeback.plan import Plan
from klaviyo_analytics.writeback.plans import agreed, lists, shares
from klaviyo_analytics.writeback.plans.optouts import opted_out
from klaviyo_analytics.writeback.plans.people import Columns, People, people
from klaviyo_analytics.writeback.times import DateFormat, check_format, format_of, moments

ConsentChannel = Literal["email", "sms", "sms_transactional", "whatsapp", "whatsapp_transactional"]
Channels = ConsentChannel | Sequence[ConsentChannel]
CHANNELS: Mapping[str, tuple[str, str]] = {
    "email": ("email", "marketing"),
    "sms": ("sms", "marketing"),
    "sms_transactional": ("sms", "transactional"),
    "whatsapp": ("whatsapp", "marketing"),
    "whatsapp_transactional": ("whatsapp", "transactional"),
}
Records = list[bytes | None]
Rows = list[int]


def plan_subscribe(
    account: Account,
    frame: Any,
    *,
    list: str | None,
    channels: Channels,
    consented_at: Any,
    custom_source: str | None,
    columns: Columns,
    on_duplicate: OnDuplicate,
    compare: bool,
    phone_region: str | None = None,
    date_format: DateFormat = None,
    with_id: bool = False,
) -> Plan:
    """Record that people have said yes; see `profiles.plan_subscribe`."""
    wanted = _channels(channels)
    problems = Problems()
    names, ways = _needed(wanted), [CHANNELS[one] for one in wanted]
    what = "plan_subscribe()"
    more = ["consented_at", *agreed.sources(ways), *(["id"] if with_id else [])]
    found = people(
        frame, names, columns, on_duplicate, problems, what=what, more=more, phone_region=phone_region
    )
    check_format(date_format, found.frame.columns, what)
    agreed.near_misses(found, [*names, "consented_at", agreed.CONSENT], what)
    refused = agreed.refusals(found, ways, problems, what)
    _check_reachable(found, names, problems)
    times = _times(account, found, consented_at, date_format, problems, refused)
    consents = [
        {"consent": "SUBSCRIBED", **({} if times is None else {"consented_at": times[row]})}
        for row in range(len(found.keys))
    ]
    kind = SUBSCRIBE if times is None else RECORD_CONSENT
    options = {
        "key": names[0],
        **({"list": list} if list else {}),
        **({"custom_source": custom_source} if custom_source else {}),
        **({} if times is None else {"historical_import": True}),
    }
    found.left_out.update(refused)
    ids = _ids(found) if with_id else None
    records = _records(found, wanted, consents, problems, ids)
    sent = [row for row, record in enumerate(records) if record is not None]
    group = lists.known(account, list) if list and sent else None
    against = opted_out(account, found.values, sent, ways, list) if compare else None
    waiting = len(sent) if group and group.double_opt_in and times is None else 0
    notes = found.notes
    for row in sent if waiting else ():
        notes[row] = _both(notes.get(row), "gets a confirmation mail, and is subscribed once it is followed")
    for row, why in (against or {}).items():
        notes[row] = _both(notes.get(row), why)
    confirm = [
        *asking.of_names([list] if list else []),
        *_asks(len(sent), against, dated=times is not None),
        *([asking.to_ask_by_mail(waiting, group.name)] if waiting and group else []),
    ]
    return drafted(
        "subscribe profiles",
        account,
        found.frame,
        keys=found.keys,
        records=records,
        kinds={kind.name: range(len(found.keys))},
        options=options,
        problems=problems.by_row(),
        left_out=found.left_out,
        notes=notes,
        confirm=confirm,
        counts={"not_agreed": len(refused)} if refused else {},
        unused=found.unused,
    )


def plan_unsubscribe(
    account: Account,
    frame: Any,
    *,
    list: str | None,
    channels: Channels,
    globally: bool,
    columns: Columns,
    on_duplicate: OnDuplicate,
    phone_region: str | None = None,
    look: bool = True,
) -> Plan:
    """Take people off a list, or everywhere; see `profiles.plan_unsubscribe`."""
    if list is None and not globally:
        raise InvalidInputError("give list=, or globally=True to unsubscribe everywhere.")
    wanted = _channels(channels)
    problems = Problems()
    names = _needed(wanted)
    what = "plan_unsubscribe()"
    found = people(frame, names, columns, on_duplicate, problems, what=what, phone_region=phone_region)
    _check_reachable(found, names, problems)
    asks = []
    rows = range(len(found.keys))
    if list is not None and look:
        if any(row not in problems and row not in found.left_out for row in rows):
            lists.known(account, list)
        strangers = _not_on(account, found, list, problems)
        if not globally:
            for row in strangers:
                problems.add(
                    row,
                    f"is not on the list {list}, so that Klaviyo would unsubscribe them everywhere (globally=True)",
                )
        elif strangers:
            asks.append(
                f"{len(strangers):,} of them are not on the list {list}: these are unsubscribed everywhere."
            )
    records = _records(found, wanted, [{"consent": "UNSUBSCRIBED"}] * len(rows), problems)
    sent = _count(records)
    if list is None and sent:
        asks.append(asking.to_unsubscribe_everywhere(sent))
    elif list is not None and look and (ask := shares.asks(account, list, sent, "unsubscribes")):
        asks.append(ask)
    return drafted(
        "unsubscribe profiles",
        account,
        found.frame,
        keys=found.keys,
        records=records,
        kinds={UNSUBSCRIBE.name: rows},
        options={"key": names[0], **({"list": list} if list else {})},
        problems=problems.by_row(),
        left_out=found.left_out,
        notes=found.notes,
        confirm=asks,
        unused=found.unused,
    )


def plan_suppression(
    account: Account, frame: Any, *, suppresses: bool, columns: Columns, on_duplicate: OnDuplicate
) -> Plan:
    """Keep e-mail from people, or let it through again; see `profiles.plan_suppress`."""
    problems = Problems()
    what = "plan_suppress()" if suppresses else "plan_unsuppress()"
    found = people(frame, ["email"], columns, on_duplicate, problems, what=what)
    records: Records = [
        None
        if row in problems or row in found.left_out
        else orjson.dumps({"type": "profile", "attributes": {"email": key}})
        for row, key in enumerate(found.keys)
    ]
    sent = _count(records)
    ask = asking.to_suppress if suppresses else asking.to_unsuppress
    return drafted(
        "suppress profiles" if suppresses else "unsuppress profiles",
        account,
        found.frame,
        keys=found.keys,
        records=records,
        kinds={(SUPPRESS if suppresses else UNSUPPRESS).name: range(len(found.keys))},
        options={"key": "email"},
        problems=problems.by_row(),
        left_out=found.left_out,
        unused=found.unused,
        confirm=[ask(counted(sent, "profile"))] if sent else [],
    )


def _asks(sent: int, against: Mapping[int, str] | None, *, dated: bool) -> list[str]:
    """Say what a subscription has to be confirmed for; `against` is None where nobody looked."""
    asks = []
    if sent and not dated:
        asks.append(asking.to_subscribe(sent))
    elif sent and against is None:
        asks.append(asking.to_import_consent(sent))
    if against:
        asks.append(asking.to_subscribe_again(len(against), sent))
    return asks


def _channels(channels: Channels) -> list[str]:
    several: list[str] = [channels] if isinstance(channels, str) else [*channels]
    for channel in several:
        if channel not in CHANNELS:
            raise InvalidInputError(f"channels: {channel!r} is not known; there are {', '.join(CHANNELS)}.")
    if not several:
        raise InvalidInputError(f"channels: name one of {', '.join(CHANNELS)}.")
    return several


def _needed(channels: Sequence[str]) -> list[str]:
    needed = ["email" if CHANNELS[channel][0] == "email" else "phone_number" for channel in channels]
    return [*dict.fromkeys(needed)]


def _check_reachable(found: People, names: Sequence[str], problems: Problems) -> None:
    for name in names:
        values = found.values.get(name, [ABSENT] * len(found.keys))
        for row, value in enumerate(values):
            if value is ABSENT and row not in problems:
                problems.add(row, f"{name} is missing, which a channel needs")


def _records(
    found: People,
    channels: Sequence[str],
    consents: Sequence[Mapping[str, Any]],
    problems: Problems,
    ids: Sequence[Any] | None = None,
) -> Records:
    records: Records = []
    for row, consent in enumerate(consents):
        if row in problems or row in found.left_out:
            records.append(None)
            continue
        subscriptions: dict[str, Any] = {}
        for channel in channels:
            way, purpose = CHANNELS[channel]
            subscriptions.setdefault(way, {})[purpose] = consent
        held = {name: values[row] for name, values in found.values.items() if values[row] is not ABSENT}
        attributes = {**held, "subscriptions": subscriptions}
        known = {"id": ids[row]} if ids is not None and ids[row] is not ABSENT else {}
        records.append(orjson.dumps({"type": "profile", **known, "attributes": attributes}))
    return records


def _ids(found: People) -> Sequence[Any] | None:
    """Read ids of profiles, for rows that name people by them as well."""
    source = found.sources.get("id")
    return None if source is None else column(found.frame[source], "text").values


def _times(
    account: Account,
    found: People,
    given: Any,
    date_format: DateFormat,
    problems: Problems,
    refused: Mapping[int, Any],
) -> list[Any] | None:
    """Read when people agreed: a column, or one time for all; None where nothing tells."""
    source = found.sources.get("consented_at")
    if given is not None:
        written = moments(
            pd.Series([given], dtype=object), lambda: account.timezone, format_of(date_format, "")
        )
        if written.problems or written.values[0] is ABSENT:
            raise InvalidInputError(
                f"consented_at={given!r} is not a time. Give a date, a datetime, or a text like 2026-05-01T09:30."
            )
        values = written.values * len(found.keys)
        if source is not None:
            found.unused.append(source)
    elif source is not None:
        written = moments(found.frame[source], lambda: account.timezone, format_of(date_format, source))
        problems.add_all({row: why for row, why in written.problems.items() if row not in refused}, source)
        values = written.values
    else:
        return None
    now = account.now().astimezone(UTC)
    for row, time in enumerate(values):
        if row in refused:
            continue
        if time is ABSENT and row not in problems:
            problems.add(row, "consented_at is missing")
        elif time is not ABSENT and datetime.fromisoformat(time) > now:
            problems.add(row, f"consented_at: {time} has not come yet")
    return values


def _not_on(account: Account, found: People, list: str, problems: Problems) -> Rows:
    """Find the rows whose people are not on a list."""
    rows = [row for row in range(len(found.keys)) if row not in problems and row not in found.left_out]
    people = [{name: values[row] for name, values in found.values.items()} for row in rows]
    return [rows[at] for at in off_list(account, list, people)]


def _both(note: str | None, more: str) -> str:
    return f"{note}; {more}" if note else more


def _count(records: Records) -> int:
    return sum(record is not None for record in records)
