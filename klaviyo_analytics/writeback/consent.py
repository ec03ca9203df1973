"""Plans that change consent and suppression from a frame of people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Literal

import orjson
import pandas as pd

from klaviyo_analytics._messages import counted
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.timeframe.words import answered
from klaviyo_analytics.writeback import confirmations, members
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate, Problems
from klaviyo_analytics.writeback.compare import current, off_list
from klaviyo_analytics.writeback.encode import (
    ABSENT,
    DateFormat,
    check_format,
    format_of,
    moments,
    written_column,
)
from klaviyo_analytics.writeback.members import Columns, People, people
from klaviyo_analytics.writeback.plan import Plan, drafted
from klaviyo_analytics.writeback.write_types import (
    RECORD_CONSENT,
    SUBSCRIBE,
    SUPPRESS,
    UNSUBSCRIBE,
    UNSUPPRESS,
    ConsentOptions,
    Options,
    folded,
)

SUBSCRIPTIONS = {"additional-fields[profile]": "subscriptions"}


def opted_out(
    account: Account,
    people: Mapping[str, Sequence[Any]],
    rows: Sequence[int],
    channels: Sequence[tuple[str, str]],
    list: str | None,
) -> dict[int, str]:
    """Return the rows whose people have unsubscribed or are suppressed; `people` has addresses and phone numbers."""
    found: dict[int, str] = {}
    for name, values in people.items():
        ways = [(way, purpose) for way, purpose in channels if (way == "email") == (name == "email")]
        asked = {row: values[row] for row in rows if ways and values[row] is not ABSENT}
        there = current(account, name, [*asked.values()], more=SUBSCRIPTIONS)
        for row, value in asked.items():
            known = (there.get(value) or {}).get("attributes", {}).get("subscriptions") or {}
            if refusals := [
                reason for way, purpose in ways for reason in _refusals(known, way, purpose, list)
            ]:
                found[row] = ", ".join([*([found[row]] if row in found else []), *refusals])
    return {row: f"would be subscribed again: {why}" for row, why in found.items()}


def _refusals(known: Mapping[str, Any], way: str, purpose: str, list: str | None) -> Iterator[str]:
    state = (known.get(way) or {}).get(purpose) or {}
    if state.get("consent") == "UNSUBSCRIBED":
        yield f"unsubscribed from {way}{_on(state.get('consent_timestamp') or state.get('last_updated'))}"
    for one in state.get("suppression") or ():
        yield f"suppressed ({one.get('reason')}){_on(one.get('timestamp'))}"
    for one in state.get("list_suppressions") or ():
        if list is not None and one.get("list_id") == list:
            yield f"left the list {list}{_on(one.get('timestamp'))}"


def _on(time: Any) -> str:
    return f" on {str(time)[:10]}" if time else ""


CONSENT = "consent"
YES = {"subscribed", "true", "yes", "y", "t", "1", "1.0", "opted_in", "opt_in"}
NO = {
    "unsubscribed", "never_subscribed", "not_subscribed", "false", "no", "n", "f", "0", "0.0", "opted_out", "opt_out",
    "suppressed",
}  # fmt: skip
LOOKS_LIKE_IT = re.compile(
    r"consent|subscri|opt.?(in|out)\b|opted|agreed|permission|suppress|accepts.?(email|sms)?.?marketing",
    re.IGNORECASE,
)
_SAID = "SUBSCRIBED, UNSUBSCRIBED, NEVER_SUBSCRIBED, true, false, yes and no"


def sources(channels: Sequence[tuple[str, str]]) -> list[str]:
    """Return the attributes that say whether somebody agreed to these channels."""
    return [CONSENT, *(f"subscriptions.{way}.{purpose}.{CONSENT}" for way, purpose in channels)]


def refusals(
    found: People, channels: Sequence[tuple[str, str]], problems: Problems, what: str
) -> dict[int, tuple[Any, str]]:
    """Return the rows whose consent column says no, each with status and reason.

    A row that says neither yes nor no is a problem, and so is a row that says yes of a person of whom another row
    says no.

    Raises
    ------
    FrameError
        A column that is not used looks as if it says who agreed.
    """
    _check_unused(found, what)
    refused: dict[int, tuple[Any, str]] = {}
    for path in sources(channels):
        if (source := found.sources.get(path)) is None:
            continue
        for row, given in enumerate(_plain(found.frame[source])):
            agreed = answer(given)
            if agreed is False and row not in refused:
                refused[row] = ("not sent", f"{source} is {_shown(given)}: the person has not agreed")
            elif agreed is None:
                why = "is missing" if given is None else f"{_shown(given)} is neither yes nor no"
                problems.add(row, f"{source}: {why}; allowed are {_SAID}")
    for way, purpose in channels:
        source = f"subscriptions.{way}.{purpose}.suppression"
        if source in found.frame.columns:
            for row, given in enumerate(_plain(found.frame[source])):
                if isinstance(given, (list, tuple)) and len(given) and row not in refused:
                    refused[row] = ("not sent", f"{source} is not empty: the person is suppressed")
    _check_twins(found, refused, problems)
    return refused


def answer(given: Any) -> bool | None:
    """Return True for a word that means yes, False for no, None for anything else."""
    if given is None:
        return None
    word = re.sub(r"[\s_-]+", "_", str(given).strip()).casefold()
    return True if word in YES else False if word in NO else None


def _plain(series: pd.Series[Any]) -> list[Any]:
    missing = series.isna()
    return [None if gone else one for one, gone in zip(series.astype(object), missing, strict=True)]


def _shown(given: Any) -> str:
    return repr(given if isinstance(given, (str, bool, int, float)) else str(given))


def _check_twins(found: People, refused: Mapping[int, Any], problems: Problems) -> None:
    """Refuse to subscribe a person of whom another row says no."""
    no = {
        (name, folded(values[row])): row
        for name, values in found.values.items()
        for row in refused
        if values[row] is not ABSENT
    }
    for name, values in found.values.items():
        for row, value in enumerate(values):
            if row in refused or row in found.left_out or value is ABSENT:
                continue
            if (other := no.get((name, folded(value)))) is not None:
                problems.add(
                    row, f"row {other} says that the same person has not agreed; drop one of the rows"
                )


def _check_unused(found: People, what: str) -> None:
    """Refuse unused columns whose name or values look like consent."""
    for column in found.unused:
        if not isinstance(column, str) or column.startswith("subscriptions."):
            continue
        given = [one for one in _plain(found.frame[column]) if one is not None]
        answers = {answer(one) for one in given if not isinstance(one, (list, dict, tuple))}
        words = {
            re.sub(r"[\s_-]+", "_", str(one).strip()).casefold() for one in given if isinstance(one, str)
        }
        known_words = words & {"unsubscribed", "never_subscribed", "not_subscribed"}
        named_so = bool(LOOKS_LIKE_IT.search(column)) and bool(answers) and None not in answers
        if known_words or named_so:
            raise FrameError(
                f"{what}: the column {column!r} looks as if it says who agreed, but would not be used. Pass "
                f"columns={{{column!r}: 'consent'}} so that rows that say no are left out, or drop the column."
            )


def near_misses(found: People, allowed: Sequence[str], what: str) -> None:
    """Refuse columns whose name is almost that of an attribute that no column becomes."""
    squeezed = {re.sub(r"[\W_]+", "", name).casefold(): name for name in allowed if name not in found.sources}
    for column in found.unused:
        wanted = squeezed.get(re.sub(r"[\W_]+", "", str(column)).casefold())
        if wanted is not None:
            raise FrameError(
                f"{what}: the column {column!r} is not used; did you mean {wanted!r}? Say "
                f"columns={{{column!r}: {wanted!r}}}, or drop the column."
            )


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
    """Plan to subscribe people; see `profiles.plan_subscribe`."""
    wanted = _channels(channels)
    problems = Problems()
    names, ways = _needed(wanted), [CHANNELS[one] for one in wanted]
    what = "plan_subscribe()"
    more = ["consented_at", *sources(ways), *(["id"] if with_id else [])]
    found = people(
        frame, names, columns, on_duplicate, problems, what=what, more=more, phone_region=phone_region
    )
    check_format(date_format, found.frame.columns, what)
    near_misses(found, [*names, "consented_at", CONSENT], what)
    refused = refusals(found, ways, problems, what)
    _check_reachable(found, names, problems)
    times = _times(account, found, consented_at, date_format, problems, refused)
    consents = [
        {"consent": "SUBSCRIBED", **({} if times is None else {"consented_at": times[row]})}
        for row in range(len(found.keys))
    ]
    kind = SUBSCRIBE if times is None else RECORD_CONSENT
    options = ConsentOptions(names[0], list, custom_source, historical_import=times is not None)
    found.left_out.update(refused)
    ids = _ids(found) if with_id else None
    records = _records(found, wanted, consents, problems, ids)
    sent = [row for row, record in enumerate(records) if record is not None]
    group = confirmations.known(account, list) if list and sent else None
    against = opted_out(account, found.values, sent, ways, list) if compare else None
    waiting = len(sent) if group and group.double_opt_in and times is None else 0
    notes = found.notes
    for row in sent if waiting else ():
        notes[row] = _both(notes.get(row), "gets a confirmation mail, and is subscribed once it is followed")
    for row, why in (against or {}).items():
        notes[row] = _both(notes.get(row), why)
    confirm = [
        *confirmations.of_names([list] if list else []),
        *_asks(len(sent), against, dated=times is not None),
        *([confirmations.to_ask_by_mail(waiting, group.name)] if waiting and group else []),
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
    """Plan to unsubscribe people from a list or everywhere; see `profiles.plan_unsubscribe`."""
    if list is None and not globally:
        raise InvalidInputError("plan_unsubscribe(): pass list=, or globally=True to unsubscribe everywhere.")
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
            confirmations.known(account, list)
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
        asks.append(confirmations.to_unsubscribe_everywhere(sent))
    elif list is not None and look and (ask := members.asks(account, list, sent, "unsubscribes")):
        asks.append(ask)
    return drafted(
        "unsubscribe profiles",
        account,
        found.frame,
        keys=found.keys,
        records=records,
        kinds={UNSUBSCRIBE.name: rows},
        options=ConsentOptions(names[0], list),
        problems=problems.by_row(),
        left_out=found.left_out,
        notes=found.notes,
        confirm=asks,
        unused=found.unused,
    )


def plan_suppression(
    account: Account, frame: Any, *, suppresses: bool, columns: Columns, on_duplicate: OnDuplicate
) -> Plan:
    """Plan to suppress people, or to lift suppressions; see `profiles.plan_suppress`."""
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
    ask = confirmations.to_suppress if suppresses else confirmations.to_unsuppress
    return drafted(
        "suppress profiles" if suppresses else "unsuppress profiles",
        account,
        found.frame,
        keys=found.keys,
        records=records,
        kinds={(SUPPRESS if suppresses else UNSUPPRESS).name: range(len(found.keys))},
        options=Options("email"),
        problems=problems.by_row(),
        left_out=found.left_out,
        unused=found.unused,
        confirm=[ask(counted(sent, "profile"))] if sent else [],
    )


def _asks(sent: int, against: Mapping[int, str] | None, *, dated: bool) -> list[str]:
    """Return what must be confirmed for a subscription; `against` is None if existing consent was not read."""
    asks = []
    if sent and not dated:
        asks.append(confirmations.to_subscribe(sent))
    elif sent and against is None:
        asks.append(confirmations.to_import_consent(sent))
    if against:
        asks.append(confirmations.to_subscribe_again(len(against), sent))
    return asks


def _channels(channels: Channels) -> list[str]:
    several: list[str] = [channels] if isinstance(channels, str) else [*channels]
    for channel in several:
        if channel not in CHANNELS:
            raise InvalidInputError(
                f"channels: {channel!r} is not a channel. Allowed are {', '.join(CHANNELS)}."
            )
    if not several:
        raise InvalidInputError(f"channels is empty. Pass one or several of {', '.join(CHANNELS)}.")
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
    return None if source is None else written_column(found.frame[source], "text").values


def _times(
    account: Account,
    found: People,
    given: Any,
    date_format: DateFormat,
    problems: Problems,
    refused: Mapping[int, Any],
) -> list[Any] | None:
    """Read when people agreed: a column, or one time for all; None if neither is given."""
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
        elif time is not ABSENT and (moment := answered(time)) is not None and moment > now:
            problems.add(row, f"consented_at: {time} is in the future")
    return values


def _not_on(account: Account, found: People, list: str, problems: Problems) -> Rows:
    """Return the rows whose people are not on a list."""
    rows = [row for row in range(len(found.keys)) if row not in problems and row not in found.left_out]
    people = [{name: values[row] for name, values in found.values.items()} for row in rows]
    return [rows[at] for at in off_list(account, list, people)]


def _both(note: str | None, more: str) -> str:
    return f"{note}; {more}" if note else more


def _count(records: Records) -> int:
    return sum(record is not None for record in records)
