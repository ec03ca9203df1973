"""Profiles that wait until a variant is in stock again."""

from __future__ import annotations

from typing import Any

import orjson

from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.events import keep, notice
from klaviyo_analytics.sandbox.app.profiles import upsert
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.writes import related_ids, required_id, ulid
from klaviyo_analytics.sandbox.model import Record

PROFILE = "/data/attributes/profile/data/attributes"


def subscribe_to_stock(call: Call) -> None:
    """Note that somebody waits for a variant."""
    data, store = call.body["data"], call.store
    attributes = data["attributes"]
    variant = store.get("catalog-variant", required_id(data, "variant"))
    if not attributes["channels"]:
        raise ApiFault.pointer("/data/attributes/channels", "At least one channel is needed.")
    if not attributes.get("profile"):
        raise ApiFault.pointer("/data/attributes/profile", "profile is required.")
    profile, _ = upsert(store, attributes["profile"]["data"], PROFILE)
    facts = {"VariantId": variant.attributes["external_id"], "Channels": attributes["channels"]}
    keep(store, notice(store, profile, "Subscribed to Back in Stock", facts))


Json = dict[str, Any]
MOST_RECORDS = 500
MOST_BYTES = 512 * 1024


def create_record(call: Call) -> None:
    """Keep one record of a data source."""
    _keep(call, [call.body["data"]["attributes"]["data-source-record"]["data"]], "data-source-record/data")


def create_records(call: Call) -> None:
    """Keep many records of a data source."""
    records = (call.body["data"]["attributes"].get("data-source-records") or {}).get("data") or []
    if not 1 <= len(records) <= MOST_RECORDS:
        pointer = "/data/attributes/data-source-records/data"
        raise ApiFault.pointer(pointer, f"A request has 1 to {MOST_RECORDS} records.")
    _keep(call, records, "data-source-records/data")


def _keep(call: Call, records: list[Json], place: str) -> None:
    store = call.store
    sources = dict(related_ids(call.body["data"])).get("data-source")
    if not sources:
        raise ApiFault.pointer("/data/relationships/data-source", "A data source is required.")
    source = store.get("data-source", sources[0])
    for record in records:
        if len(orjson.dumps(record)) > MOST_BYTES:
            problem = Problem(
                "payload_too_large", "A record may have 512 KB.", {"pointer": f"/data/attributes/{place}"}
            )
            raise ApiFault(413, [problem])
    for record in records:
        attributes = {"record": record["attributes"]["record"]}
        store.add(Record("data-source-record", ulid(store, {}), attributes, {"data-source": source.id}))


HANDLERS = {
    "create_back_in_stock_subscription": subscribe_to_stock,
    "create_data_source_record": create_record,
    "bulk_create_data_source_records": create_records,
}
