"""Read back what was sent, and report for every row whether it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pandas as pd

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.errors import InvalidInputError, KlaviyoError
from klaviyo_analytics.filters import F
from klaviyo_analytics.timeframe.words import answered
from klaviyo_analytics.writeback.account import Account, portions, records
from klaviyo_analytics.writeback.compare import Changes, Patch, as_kept, current, differences, on_list
from klaviyo_analytics.writeback.write_types import (
    BEFORE,
    TAGGED,
    ConsentOptions,
    ImportOptions,
    OfOptions,
    Options,
)

__all__ = ["VERIFICATIONS", "Verification"]

Left = Mapping[int, tuple[str, Mapping[str, Any]]]  # by position, a row's key and what was sent of it


class Remark(str):
    """A remark on a row that is there."""

    __slots__ = ()


Found = dict[
    int, str | None
]  # None or a Remark: it is there; a text: why it is not as it was sent; no entry: gone
Verification = Callable[[Account, Any, Left], Found]  # with the options of its write type


def differing(other: Changes) -> str | None:
    """Return a text with what differs; None if nothing does."""
    if not other:
        return None
    texts = (f"{name} is {old!r}"[:200] for name, (old, _) in other.items())
    return f"it differs when it is read back: {', '.join(texts)}"


Pair = tuple[str, str]  # a category and its item, or an item and its variant
LISTS = {"item": "get_catalog_items", "variant": "get_catalog_variants", "category": "get_catalog_categories"}
WRITES = ("create", "update")
NEVER_READ = ("integration_type", "catalog_type")  # the API takes them, and does not show them


def written(resource_kind: str) -> Verification:
    """Return a check of the attributes and relationships that were sent."""

    def check(account: Account, _: Options, left: Left) -> Found:
        there = {str(one["id"]): one for one in _there(account, resource_kind, left)}
        found: Found = {}
        for at, (key, record) in left.items():
            if known := there.get(f"{BEFORE}{key}"):
                sent = {name: one for name, one in record["attributes"].items() if name not in NEVER_READ}
                found[at] = differing(differences({"attributes": sent}, known))
        wanted = {
            at: pairs for at, (key, record) in left.items() if (pairs := _pairs(resource_kind, key, record))
        }
        together = _together(account, resource_kind, {pair for pairs in wanted.values() for pair in pairs})
        for at, pairs in wanted.items():
            apart = [others for others in pairs if others not in together]
            if apart and found.get(at, "") is None:
                found[at] = f"when it is read back, {_named(resource_kind, apart)}"
        return found

    return check


def deleted(resource_kind: str) -> Verification:
    """Return a check that the resources are deleted."""

    def check(account: Account, _: Options, left: Left) -> Found:
        there = {str(one["id"]) for one in _there(account, resource_kind, left)}
        still = "it is still there when it is read back"
        return {at: still if f"{BEFORE}{key}" in there else None for at, (key, _) in left.items()}

    return check


def codes(account: Account, _: Options, left: Left) -> Found:
    """Check coupon codes among those of their coupons that expire in the same period."""
    wanted = {at: _code(record) for at, (_, record) in left.items()}
    times = [expires for *_, expires in wanted.values()]
    where = None
    if known := [one for one in times if one is not None]:
        where = (F.expires_at >= min(known)) & (F.expires_at < max(known) + timedelta(seconds=1))
    there: dict[Pair, datetime | None] = {}
    missing = {(coupon, code) for coupon, code, _ in wanted.values()}
    for some in portions(sorted({coupon for coupon, *_ in wanted.values()})):
        coupons = F["coupon.id"].any(some)
        query = coupons & where if where is not None and None not in times else coupons
        for one in records(account, "get_coupon_codes", {"filter": str(query)}):
            code = str(one["attributes"]["unique_code"])
            pair = (str(one["id"]).removesuffix(f"-{code}"), code)
            there[pair] = _moment(one["attributes"].get("expires_at"))
            missing.discard(pair)
            if not missing:
                break
    return {
        at: None if expires in (None, there[coupon, code]) else f"it expires at {there[coupon, code]}"
        for at, (coupon, code, expires) in wanted.items()
        if (coupon, code) in there
    }


def _there(account: Account, resource_kind: str, left: Left) -> Iterator[Mapping[str, Any]]:
    for some in portions(f"{BEFORE}{key}" for key, _ in left.values()):
        yield from records(account, LISTS[resource_kind], {"filter": str(F.ids.any(some))})


def _pairs(resource_kind: str, key: str, record: Mapping[str, Any]) -> list[Pair]:
    own, related = f"{BEFORE}{key}", record.get("relationships") or {}
    if resource_kind == "variant":
        return [(related["item"]["data"]["id"], own)] if "item" in related else []
    others = [
        one["id"] for name in ("categories", "items") if name in related for one in related[name]["data"]
    ]
    return [(other, own) if resource_kind == "item" else (own, other) for other in others]


def _together(account: Account, resource_kind: str, pairs: Iterable[Pair]) -> set[Pair]:
    """Find which of these pairs the account knows: variants of fifty items at once, but each category alone."""
    if resource_kind == "variant":
        fields = {"fields[catalog-item]": "external_id", "fields[catalog-variant]": "external_id"}
        return {
            (str(one["id"]), str(variant["id"]))
            for some in portions(sorted({item for item, _ in pairs}))
            for one in records(
                account,
                LISTS["item"],
                {"filter": str(F.ids.any(some)), "include": "variants", **fields},
            )
            for variant in one["relationships"]["variants"].get("data") or ()
        }
    by_category: dict[str, list[str]] = {}
    for category, item in sorted(pairs):
        by_category.setdefault(category, []).append(item)
    return {
        (category, str(one["id"]))
        for category, items in by_category.items()
        for some in portions(items)
        for one in records(
            account, "get_item_ids_for_catalog_category", {"filter": str(F.ids.any(some))}, {"id": category}
        )
    }


def _named(resource_kind: str, apart: Iterable[Pair]) -> str:
    own, other = (
        ("category", "item")
        if resource_kind == "category"
        else (resource_kind, "item" if resource_kind == "variant" else "category")
    )
    names = [(item if resource_kind == "category" else owner).removeprefix(BEFORE) for owner, item in apart]
    return f"the {own} is not of the {other} {', '.join(names)}"[:200]


def _code(record: Mapping[str, Any]) -> tuple[str, str, datetime | None]:
    attributes, coupon = record["attributes"], record["relationships"]["coupon"]["data"]["id"]
    return coupon, attributes["unique_code"], _moment(attributes.get("expires_at"))


def _moment(text: str | None) -> datetime | None:
    moment = answered(text)
    return None if moment is None else moment.replace(microsecond=0)


def events(account: Account, _: Options, left: Left) -> Found:
    """Check the events' ids and properties among the events of their metric and period."""
    events = {at: record["attributes"]["events"]["data"][0]["attributes"] for at, (_, record) in left.items()}
    metric = next(iter(events.values()))["metric"]["data"]["attributes"]
    id = _metric(account, metric["name"], metric.get("service", "API"))
    if id is None:
        return {}
    times = [when for one in events.values() if (when := answered(one.get("time"))) is not None]
    times = times or [account.now() - timedelta(hours=1), account.now() + timedelta(hours=1)]
    where = (
        (F.metric_id == id)
        & (F.datetime >= min(times).replace(microsecond=0))
        & (F.datetime < max(times) + timedelta(seconds=1))
    )
    params = {"filter": str(where), "sort": "datetime", "fields[event]": "event_properties"}
    there: dict[str, Mapping[str, Any]] = {}
    for one in records(account, "get_events", params):
        kept = one["attributes"].get("event_properties") or {}
        there[str(kept.get("$event_id"))] = kept
    return {
        at: _less(one["properties"], there[one["unique_id"]])
        for at, one in events.items()
        if one["unique_id"] in there
    }


def _less(sent: Mapping[str, Any], kept: Mapping[str, Any]) -> Remark | None:
    """Return a remark on properties that Klaviyo dropped because they are 0, empty or null."""
    gone = ", ".join(name for name in sent if name not in kept)
    return Remark(f"written without {gone}, which Klaviyo dropped"[:200]) if gone else None


def _metric(account: Account, name: str, service: str) -> str | None:
    for record in records(account, "get_metrics", {}):
        attributes = record["attributes"]
        integration = attributes.get("integration") or {}
        if attributes.get("name") == name and integration.get("name") == service:
            return str(record["id"])
    return None


def members(*, joined: bool) -> Verification:
    """Return a check of who is on a list."""

    def check(account: Account, options: OfOptions, left: Left) -> Found:
        keys = [key for key, _ in left.values()]
        people: Iterable[Mapping[str, Any]] = [{"email": email} for email in as_kept(keys)]
        if options.key == "id":
            people = [one["attributes"] for one in current(account, "id", keys).values()]
        there = on_list(account, options.owner, people)
        return _judged(left, there, belongs=joined, where="on the list")

    return check


def tagged(kind: str, *, tagged: bool) -> Verification:
    """Return a check of what has a tag."""
    operation = f"get_{kind.removesuffix('s')}_ids_for_tag"

    def check(account: Account, options: OfOptions, left: Left) -> Found:
        there = {str(one["id"]) for one in records(account, operation, {}, {"id": options.owner})}
        return _judged(left, there, belongs=tagged, where="tagged")

    return check


def _judged(left: Left, there: set[str], *, belongs: bool, where: str) -> Found:
    wrong = f"it is {'not' if belongs else 'still'} {where} when it is read back"
    return {at: None if (record["id"] in there) is belongs else wrong for at, (_, record) in left.items()}


BY_HAND = "USER_SUPPRESSED"
SUBSCRIPTIONS = {"additional-fields[profile]": "subscriptions"}


def profiles(account: Account, options: ImportOptions, left: Left) -> Found:
    """Compare attributes and properties."""
    there = current(account, options.key, [key for key, _ in left.values()])
    known = {at: there[key] for at, (key, _) in left.items() if key in there}
    found = {at: differing(_unequal(left[at][1], person)) for at, person in known.items()}
    for group in options.lists:
        _check_joined(account, group, known, found)
    return found


def _check_joined(account: Account, group: str, known: Mapping[int, Mapping[str, Any]], found: Found) -> None:
    """Record profiles that are not on a list although everything else is right."""
    people = {at: person for at, person in known.items() if found.get(at, "") is None}
    there = on_list(account, group, [person["attributes"] for person in people.values()])
    for at, person in people.items():
        if str(person["id"]) not in there:
            found[at] = f"it is not on the list {group} when it is read back"


def _unequal(record: Mapping[str, Any], known: Mapping[str, Any]) -> Changes:
    """Return what differs; appended values only have to be in the list."""

    def is_there(old: Any, new: Any) -> bool:
        added = isinstance(new, Patch) and new.sign == "+"
        return added and isinstance(old, list) and all(one in old for one in new.values)

    found = differences(record, known)
    return {name: (old, new) for name, (old, new) in found.items() if not is_there(old, new)}


def subscriptions(account: Account, options: ConsentOptions, left: Left) -> Found:
    """Compare consent; who left one list only has said no to that list, and who said yes is on it."""
    group = options.list
    found: Found = {}
    joined: dict[int, Mapping[str, Any]] = {}
    for at, person, known in _known(account, options, left):
        record = left[at][1]
        joined |= {at: person} if "SUBSCRIBED" in _wanted(record) else {}
        wrong = [
            f"{way} is {consent}"
            for way, purposes in record["attributes"]["subscriptions"].items()
            for purpose, wanted in purposes.items()
            if (consent := (state := (known.get(way) or {}).get(purpose) or {}).get("consent"))
            != wanted["consent"]
            and not (wanted["consent"] == "UNSUBSCRIBED" and group in _lists_left(state))
        ]
        found[at] = f"consent when it is read back: {', '.join(wrong)}" if wrong else None
    if group is not None:
        _check_joined(account, group, joined, found)
    return found


def _wanted(record: Mapping[str, Any]) -> set[str]:
    ways = record["attributes"]["subscriptions"].values()
    return {state["consent"] for purposes in ways for state in purposes.values()}


def suppressions(account: Account, options: Options, left: Left) -> Found:
    """Check that people are suppressed, whatever the reason; an earlier suppression counts."""
    return {
        at: None if _reasons(known) else "it is not suppressed when it is read back"
        for at, _, known in _known(account, options, left)
    }


def lifted(account: Account, options: Options, left: Left) -> Found:
    """Check that suppressions are lifted; only those set by hand can be."""
    found: Found = {}
    for at, _, known in _known(account, options, left):
        reasons = _reasons(known)
        found[at] = f"it is suppressed when it is read back: {', '.join(reasons)}" if reasons else None
        if reasons and BY_HAND not in reasons:
            found[at] = f"it stays suppressed, for {', '.join(reasons)}: only {BY_HAND} can be lifted"
    return found


def _known(
    account: Account, options: Options, left: Left
) -> Iterator[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    """Read everybody who is there, and their subscriptions."""
    there = current(account, options.key, [key for key, _ in left.values()], more=SUBSCRIPTIONS)
    for at, (key, _) in left.items():
        if key in there:
            yield at, there[key], (there[key].get("attributes") or {}).get("subscriptions") or {}


def _reasons(subscriptions: Mapping[str, Any]) -> list[str]:
    marketing = (subscriptions.get("email") or {}).get("marketing") or {}
    return [str(one.get("reason")) for one in marketing.get("suppression") or ()]


def _lists_left(state: Mapping[str, Any]) -> list[Any]:
    return [one.get("list_id") for one in state.get("list_suppressions") or ()]


def source_records(_: Account, __: Options, ___: Left) -> Found:
    """Refuse: the API does not show what a data source holds, only the objects that are made of it."""
    raise InvalidInputError(
        "the API does not show the records of a data source. client.object_types.records(...) reads the objects, "
        "client.object_types.ingestion_logs(...) what failed."
    )


VERIFICATIONS: Mapping[str, Verification] = {
    **dict.fromkeys(("profile import", "profile upsert", "profile append"), profiles),
    "event create": events,
    **dict.fromkeys(("subscribe", "record consent", "unsubscribe"), subscriptions),
    "suppress": suppressions,
    "unsuppress": lifted,
    "list join": members(joined=True),
    "list leave": members(joined=False),
    **{f"tag {kind}": tagged(kind, tagged=True) for kind in TAGGED},
    **{f"untag {kind}": tagged(kind, tagged=False) for kind in TAGGED},
    **{
        f"catalog {resource_kind} {verb}": written(resource_kind)
        for resource_kind in LISTS
        for verb in WRITES
    },
    **{f"catalog {resource_kind} delete": deleted(resource_kind) for resource_kind in LISTS},
    "coupon code create": codes,
    "data source record create": source_records,
}


PATIENCE = (0.0, 5.0, 10.0, 20.0, 40.0, 60.0)  # seconds between looks: what was accepted shows after minutes
SENT = ("created", "updated", "written", "accepted", "unconfirmed")
MISSING = "it is not there when it is read back"


def verify(
    account: Account,
    rows: pd.DataFrame,
    batches: Sequence[tuple[str, Sequence[int]]],
    keys: Sequence[str],
    records: Sequence[bytes | None],
    options: Options,
) -> None:
    """Read back every row that was sent, several times; rows that are found are written, others are unconfirmed."""
    statuses = rows["status"].tolist()
    total = sum(status in SENT for status in statuses)
    with Progress("reading back", shown=account.progress, total=total) as progress:
        for kind in dict.fromkeys(kind for kind, _ in batches):
            sent = {
                at: (keys[at], orjson.loads(records[at] or b"null"))
                for name, positions in batches
                if name == kind
                for at in positions
                if statuses[at] in SENT
            }
            left = {
                at: one
                for at, one in sent.items()
                if statuses[at] != "unconfirmed" or _proves_arrival(one[1])
            }
            _check_until_found(account, rows, kind, left, options, progress)


def _check_until_found(
    account: Account, rows: pd.DataFrame, kind: str, left: Left, options: Options, progress: Progress
) -> None:
    outcomes: Found = {}
    for pause in PATIENCE:
        if not left:
            return
        account.sleep(pause)
        try:
            outcomes = VERIFICATIONS[kind](account, options, left)
        except KlaviyoError as error:  # what was sent stays sent: the rows must not be lost over it
            outcomes = dict.fromkeys(left, f"it could not be read back: {error}")
            break
        seen = {at: one for at in left if isinstance(one := outcomes.get(at, MISSING), Remark | None)}
        _note(rows, seen)
        progress.add(len(seen))
        left = {at: one for at, one in left.items() if at not in seen}
    _note(rows, {at: outcomes.get(at) or MISSING for at in left})


def _proves_arrival(record: Mapping[str, Any]) -> bool:
    """Check whether reading it back proves that it arrived; appended values may have been there before."""
    patches = (record.get("meta") or {}).get("patch_properties") or {}
    return not {"append", "unappend"} & set(patches)


def _note(rows: pd.DataFrame, outcomes: Mapping[int, str | None]) -> None:
    """Record outcomes; a better status that the API returned for a row that is there stays."""
    doubtful = rows["status"].isin(["accepted", "unconfirmed"]).to_numpy(dtype=bool)
    by_text: dict[str | None, list[int]] = {}
    for at, text in outcomes.items():
        if text is not None or doubtful[at]:
            by_text.setdefault(text, []).append(at)
    names = list(rows.columns)
    for text, positions in by_text.items():
        there = isinstance(text, Remark | None)
        rows.iloc[positions, names.index("status")] = "written" if there else "unconfirmed"
        rows.iloc[positions, names.index("code")] = None if there else "not_read_back"
        rows.iloc[positions, names.index("detail")] = text
