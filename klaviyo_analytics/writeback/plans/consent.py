"""A frame of people as a plan of who may be written to, and who may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Literal

import orjson
import pandas as pd

from klaviyo_analytics._wording import counted
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback import asking
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.drafting import drafted
from klaviyo_analytics.writeback.encode import ABSENT
from klaviyo_analytics.writeback.kinds.consent import (
    RECORD_CONSENT,
    SUBSCRIBE,
    SUPPRESS,
    UNSUBSCRIBE,
    UNSUPPRESS,
)
from klaviyo_analytics.writeback.members import off_list
from klaviyo_analytics.writeback.plan import Plan
from klaviyo_analytics.writeback.plans import shares
from klaviyo_analytics.writeback.plans.optouts import opted_out
from klaviyo_analytics.writeback.plans.people import Columns, People, people
from klaviyo_analytics.writeback.targets import check_present
from klaviyo_analytics.writeback.times import moments

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
    frame: pd.DataFrame,
    *,
    list: str | None,
    channels: Channels,
    consented_at: Any,
    custom_source: str | None,
    columns: Columns,
    on_duplicate: OnDuplicate,
    compare: bool,
) -> Plan:
    """Record that people have said yes; see `profiles.plan_subscribe`."""
    wanted = _channels(channels)
    problems = Problems()
    names = _needed(wanted)
    found = people(frame, names, columns, on_duplicate, problems, what="plan_subscribe()")
    _check_reachable(found, names, problems)
    times = _times(account, frame, consented_at, columns or {}, problems)
    consents = [
        {"consent": "SUBSCRIBED", **({} if times is None else {"consented_at": times[row]})}
        for row in range(len(frame))
    ]
    kind = SUBSCRIBE if times is None else RECORD_CONSENT
    options = {
        "key": names[0],
        **({"list": list} if list else {}),
        **({"custom_source": custom_source} if custom_source else {}),
        **({} if times is None else {"historical_import": True}),
    }
    records = _records(found, wanted, consents, problems)
    sent = [row for row, record in enumerate(records) if record is not None]
    against = (
        opted_out(account, found.values, sent, [CHANNELS[one] for one in wanted], list) if compare else None
    )
    return drafted(
        "subscribe profiles",
        account,
        frame,
        keys=found.keys,
        records=records,
        kinds={kind.name: range(len(frame))},
        options=options,
        problems=problems.by_row(),
        left_out=found.left_out,
        notes=against,
        confirm=[
            *asking.of_names([list] if list else []),
            *_asks(len(sent), against, dated=times is not None),
        ],
    )


def plan_unsubscribe(
    account: Account,
    frame: pd.DataFrame,
    *,
    list: str | None,
    channels: Channels,
    globally: bool,
    columns: Columns,
    on_duplicate: OnDuplicate,
) -> Plan:
    """Take people off a list, or everywhere; see `profiles.plan_unsubscribe`."""
    if list is None and not globally:
        raise InvalidInputError("give list=, or globally=True to unsubscribe everywhere.")
    wanted = _channels(channels)
    problems = Problems()
    names = _needed(wanted)
    found = people(frame, names, columns, on_duplicate, problems, what="plan_unsubscribe()")
    _check_reachable(found, names, problems)
    asks = []
    if list is not None:
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
    records = _records(found, wanted, [{"consent": "UNSUBSCRIBED"}] * len(frame), problems)
    sent = _count(records)
    if list is None and sent:
        asks.append(asking.to_unsubscribe_everywhere(sent))
    elif list is not None and (ask := shares.asks(account, list, sent, "unsubscribes")):
        asks.append(ask)
    return drafted(
        "unsubscribe profiles",
        account,
        frame,
        keys=found.keys,
        records=records,
        kinds={UNSUBSCRIBE.name: range(len(frame))},
        options={"key": names[0], **({"list": list} if list else {})},
        problems=problems.by_row(),
        left_out=found.left_out,
        confirm=asks,
    )


def plan_suppression(
    account: Account, frame: pd.DataFrame, *, suppresses: bool, columns: Columns, on_duplicate: OnDuplicate
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
        frame,
        keys=found.keys,
        records=records,
        kinds={(SUPPRESS if suppresses else UNSUPPRESS).name: range(len(frame))},
        options={"key": "email"},
        problems=problems.by_row(),
        left_out=found.left_out,
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
        records.append(orjson.dumps({"type": "profile", "attributes": attributes}))
    return records


def _times(
    account: Account, frame: pd.DataFrame, given: Any, columns: Mapping[str, str], problems: Problems
) -> list[Any] | None:
    """Read when people agreed: a column, or one time for all; None where nothing tells."""
    source = next((name for name, target in columns.items() if target == "consented_at"), "consented_at")
    if source in columns:
        check_present(frame, [source], "columns")
    if given is not None:
        written = moments(pd.Series([given], dtype=object), lambda: account.timezone)
        if written.problems:
            raise InvalidInputError(f"consented_at={given!r} is no time.")
        values = written.values * len(frame)
    elif source in frame.columns:
        written = moments(frame[source], lambda: account.timezone)
        problems.add_all(written.problems, source)
        values = written.values
    else:
        return None
    now = account.now().astimezone(UTC).isoformat()
    for row, time in enumerate(values):
        if time is ABSENT and row not in problems:
            problems.add(row, "consented_at is missing")
        elif time is not ABSENT and time > now:
            problems.add(row, f"consented_at: {time} has not come yet")
    return values


def _not_on(account: Account, found: People, list: str, problems: Problems) -> Rows:
    """Find the rows whose people are not on a list."""
    rows = [row for row in range(len(found.keys)) if row not in problems and row not in found.left_out]
    people = [{name: values[row] for name, values in found.values.items()} for row in rows]
    return [rows[at] for at in off_list(account, list, people)]


def _count(records: Records) -> int:
    return sum(record is not None for record in records)
