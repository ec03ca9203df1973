"""Forms with their versions, waiting for stock, and records of data sources."""

from __future__ import annotations

from typing import Any

import orjson

from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.kinds import number_id, ulid
from klaviyo_analytics.sandbox.app.profiles import upsert
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.tracking import keep, notice
from klaviyo_analytics.sandbox.app.writes import new_record, related_ids
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
PROFILE = "/data/attributes/profile/data/attributes"
MOST_RECORDS = 500
MOST_BYTES = 512 * 1024


def create_form(call: Call) -> Json:
    """Create a form, and a version of it for each that the definition holds."""
    data, store = call.body["data"], call.store
    attributes = data["attributes"]
    definition = attributes["definition"]
    if not definition["versions"]:
        raise ApiFault.pointer("/data/attributes/definition/versions", "A form has at least one version.")
    versions = [version | {"id": int(number_id(store, {}))} for version in definition["versions"]]
    known = attributes | {"definition": definition | {"versions": versions}}
    form = new_record(store, data | {"attributes": known})
    times = {name: form.attributes[name] for name in ("created_at", "updated_at")}
    for version in versions:
        facts = {
            "form_type": version.get("type") or "popup",
            "variation_name": version.get("name") or attributes["name"],
            "status": version.get("status") or attributes["status"],
            "ab_test": {"variation_name": version.get("name") or attributes["name"]}
            if attributes["ab_test"]
            else None,
        }
        store.add(Record("form-version", str(version["id"]), facts | times, {"form": form.id}))
    return answer_one(call, form)


def subscribe_to_stock(call: Call) -> None:
    """Note that somebody waits for a variant."""
    data, store = call.body["data"], call.store
    attributes = data["attributes"]
    variant = store.get("catalog-variant", dict(related_ids(data))["variant"][0])
    if not attributes["channels"]:
        raise ApiFault.pointer("/data/attributes/channels", "At least one channel is needed.")
    if "profile" not in attributes:
        raise ApiFault.pointer("/data/attributes/profile", "profile is required.")
    profile, _ = upsert(store, attributes["profile"]["data"], PROFILE)
    facts = {"VariantId": variant.attributes["external_id"], "Channels": attributes["channels"]}
    keep(store, notice(store, profile, "Subscribed to Back in Stock", facts))


def create_record(call: Call) -> None:
    """Keep one record of a data source; nothing of the API shows it."""
    _keep(call, [call.body["data"]["attributes"]["data-source-record"]["data"]], "data-source-record/data")


def create_records(call: Call) -> None:
    """Keep many records of a data source."""
    records = call.body["data"]["attributes"].get("data-source-records", {}).get("data", [])
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
    "create_form": create_form,
    "create_back_in_stock_subscription": subscribe_to_stock,
    "create_data_source_record": create_record,
    "bulk_create_data_source_records": create_records,
}
