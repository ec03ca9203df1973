"""Catalogs and coupon codes: jobs that name what went wrong in themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from klaviyo_analytics._api import Api
from klaviyo_analytics.writeback.kinds._kind import Job, Json, Kind, Listing, Options, folded

BEFORE = "$custom:::$default:::"
PLURAL = {"item": "items", "variant": "variants", "category": "categories"}


def _errors(_: Api, __: str, attributes: Json) -> Iterator[Json]:
    yield from attributes.get("errors") or ()


def _holds(
    operation: str, included: str, key: Callable[[Json], str]
) -> Callable[[Api, str, Options], set[str]]:
    def contents(api: Api, job: str, _: Options) -> set[str]:
        document = api.call(operation, {"job_id": job}, params={"include": included})
        return {folded(key(one)) for one in document.get("included") or ()}

    return contents


def _body(type: str, name: str) -> Callable[[Sequence[Any], Options], Any]:
    return lambda records, _: {"data": {"type": type, "attributes": {name: {"data": list(records)}}}}


def _own_id(record: Json) -> str:
    return str(record["id"]).removeprefix(BEFORE)


def _catalog(noun: str, verb: str) -> Kind:
    plural = PLURAL[noun]
    named = "catalog_items" if noun == "item" else plural
    get, many = f"get_bulk_{verb}_{named}_job", f"get_bulk_{verb}_{named}_jobs"
    creates = verb == "create"  # what is created twice is refused; an update or a deletion may come twice
    return Kind(
        f"catalog {noun} {verb}",
        f"bulk_{verb}_catalog_{plural}",
        most=100,
        body=_body(f"catalog-{noun}-bulk-{verb}-job", plural),
        done={"create": "created", "update": "updated", "delete": "written"}[verb],  # type: ignore[arg-type]
        job=Job(get, _errors, Listing(many, _holds(get, plural, _own_id)) if creates else None),
    )


COUPON_CODES = Kind(
    "coupon code create",
    "bulk_create_coupon_codes",
    most=1_000,
    body=_body("coupon-code-bulk-create-job", "coupon-codes"),
    done="created",
    job=Job(
        "get_bulk_create_coupon_codes_job",
        _errors,
        Listing(
            "get_bulk_create_coupon_code_jobs",
            _holds(
                "get_bulk_create_coupon_codes_job",
                "coupon-codes",
                lambda one: str(one["attributes"]["unique_code"]),
            ),
        ),
    ),
)
KINDS = (
    *(_catalog(noun, verb) for noun in PLURAL for verb in ("create", "update", "delete")),
    COUPON_CODES,
)
