"""Catalogs and coupon codes: attributes, and what belongs to what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from klaviyo_analytics.filters import F
from klaviyo_analytics.timeframe._moments import answered
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import differences
from klaviyo_analytics.writeback.kinds import Options
from klaviyo_analytics.writeback.kinds.catalog import BEFORE
from klaviyo_analytics.writeback.looks._look import Found, Left, Look, differing
from klaviyo_analytics.writeback.reading import portions, records

Pair = tuple[str, str]  # a category and its item, or an item and its variant
LISTS = {"item": "get_catalog_items", "variant": "get_catalog_variants", "category": "get_catalog_categories"}
WRITES = ("create", "update")
NEVER_READ = ("integration_type", "catalog_type")  # the API takes them, and does not show them


def written(noun: str) -> Look:
    """Make a look at the attributes that were sent, and at what was to belong together."""

    def look(account: Account, _: Options, left: Left) -> Found:
        there = {str(one["id"]): one for one in _there(account, noun, left)}
        found: Found = {}
        for at, (key, record) in left.items():
            if known := there.get(f"{BEFORE}{key}"):
                sent = {name: one for name, one in record["attributes"].items() if name not in NEVER_READ}
                found[at] = differing(differences({"attributes": sent}, known))
        wanted = {at: pairs for at, (key, record) in left.items() if (pairs := _pairs(noun, key, record))}
        together = _together(account, noun, {pair for pairs in wanted.values() for pair in pairs})
        for at, pairs in wanted.items():
            apart = [others for others in pairs if others not in together]
            if apart and found.get(at, "") is None:
                found[at] = f"when it is read back, {_named(noun, apart)}"
        return found

    return look


def deleted(noun: str) -> Look:
    """Make a look at whether it is gone."""

    def look(account: Account, _: Options, left: Left) -> Found:
        there = {str(one["id"]) for one in _there(account, noun, left)}
        still = "it is still there when it is read back"
        return {at: still if f"{BEFORE}{key}" in there else None for at, (key, _) in left.items()}

    return look


def codes(account: Account, _: Options, left: Left) -> Found:
    """Look for coupon codes among those of their coupons, of the time in which they expire."""
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


def _there(account: Account, noun: str, left: Left) -> Iterator[Mapping[str, Any]]:
    for some in portions(f"{BEFORE}{key}" for key, _ in left.values()):
        yield from records(account, LISTS[noun], {"filter": str(F.ids.any(some))})


def _pairs(noun: str, key: str, record: Mapping[str, Any]) -> list[Pair]:
    own, related = f"{BEFORE}{key}", record.get("relationships") or {}
    if noun == "variant":
        return [(related["item"]["data"]["id"], own)] if "item" in related else []
    others = [
        one["id"] for name in ("categories", "items") if name in related for one in related[name]["data"]
    ]
    return [(other, own) if noun == "item" else (own, other) for other in others]


def _together(account: Account, noun: str, pairs: Iterable[Pair]) -> set[Pair]:
    """Find which of these pairs the account knows: fifty items' variants at once, but each category by itself."""
    if noun == "variant":
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


def _named(noun: str, apart: Iterable[Pair]) -> str:
    own, other = (
        ("category", "item") if noun == "category" else (noun, "item" if noun == "variant" else "category")
    )
    names = [(item if noun == "category" else owner).removeprefix(BEFORE) for owner, item in apart]
    return f"the {own} is not of the {other} {', '.join(names)}"[:200]


def _code(record: Mapping[str, Any]) -> tuple[str, str, datetime | None]:
    attributes, coupon = record["attributes"], record["relationships"]["coupon"]["data"]["id"]
    return coupon, attributes["unique_code"], _moment(attributes.get("expires_at"))


def _moment(text: str | None) -> datetime | None:
    moment = answered(text)
    return None if moment is None else moment.replace(microsecond=0)
