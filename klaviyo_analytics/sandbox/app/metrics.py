"""Custom metrics, which are made of others, and mapped metrics, which are one or the other."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import change_record, check_id, new_record, related_ids
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
GROUPS = "/data/attributes/definition/metric_groups"


def create_custom_metric(call: Call) -> Json:
    """Create a metric that is made of others."""
    data = call.body["data"]
    _check(call.store, data["attributes"]["definition"])
    return answer_one(call, _follow(new_record(call.store, data)))


def update_custom_metric(call: Call) -> Json:
    """Change what a metric is called, or made of."""
    record, data = call.store.get("custom-metric", call.id), call.body["data"]
    check_id(call, data)
    if definition := data.get("attributes", {}).get("definition"):
        _check(call.store, definition)
    change_record(call.store, record, data)
    return answer_one(call, _follow(record))


def _check(store: Store, definition: Json) -> None:
    if not definition["metric_groups"]:
        raise ApiFault.pointer(GROUPS, "At least one metric is needed.")
    for place, group in enumerate(definition["metric_groups"]):
        if store.find("metric", group["metric_id"]) is None:
            detail = f"A metric with id {group['metric_id']} does not exist."
            raise ApiFault.pointer(f"{GROUPS}/{place}/metric_id", detail)
        if definition["aggregation_method"] == "value" and not group.get("value_property"):
            raise ApiFault.pointer(f"{GROUPS}/{place}/value_property", "What is added up must be named.")


def _follow(record: Record) -> Record:
    """Update the relationship from the definition."""
    ids = [group["metric_id"] for group in record.attributes["definition"]["metric_groups"]]
    record.relationships["metrics"] = list(dict.fromkeys(ids))
    return record


def update_mapped_metric(call: Call) -> Json:
    """Map to a metric or to a custom metric, and no more to what it was."""
    record, data = call.store.get("mapped-metric", call.id), call.body["data"]
    check_id(call, data)
    links = dict(related_ids(data))
    if sum(map(bool, links.values())) > 1:
        raise ApiFault.pointer("/data/relationships", "Map to a metric or to a custom metric, not to both.")
    change_record(call.store, record, data)
    for name, other in (("metric", "custom-metric"), ("custom-metric", "metric")):
        if links.get(name):
            record.relationships[other] = None
    return answer_one(call, record)


HANDLERS = {
    "create_custom_metric": create_custom_metric,
    "update_custom_metric": update_custom_metric,
    "update_mapped_metric": update_mapped_metric,
}
