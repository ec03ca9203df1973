"""Every resource has the shape that Klaviyo's OpenAPI document gives its type, and its ties lead somewhere."""

from __future__ import annotations

import os
from typing import Any

import orjson
import pytest

from klaviyo_analytics.sandbox.model import Record
from tests.contract.conftest import document_path
from tests.contract.json_schema import Reading, Schema, Schemas
from tests.sandbox.shopkeeping import Shop, shop

PATHS = {
    "account": "/api/accounts/{id}",
    "campaign": "/api/campaigns/{id}",
    "campaign-message": "/api/campaign-messages/{id}",
    "catalog-category": "/api/catalog-categories/{id}",
    "catalog-item": "/api/catalog-items/{id}",
    "catalog-variant": "/api/catalog-variants/{id}",
    "coupon": "/api/coupons/{id}",
    "coupon-code": "/api/coupon-codes/{id}",
    "custom-metric": "/api/custom-metrics/{id}",
    "flow": "/api/flows/{id}",
    "flow-action": "/api/flow-actions/{id}",
    "flow-message": "/api/flow-messages/{id}",
    "form": "/api/forms/{id}",
    "form-version": "/api/form-versions/{id}",
    "image": "/api/images/{id}",
    "list": "/api/lists/{id}",
    "mapped-metric": "/api/mapped-metrics/{id}",
    "metric": "/api/metrics/{id}",
    "metric-property": "/api/metric-properties/{id}",
    "profile": "/api/profiles/{id}",
    "push-token": "/api/push-tokens/{id}",
    "review": "/api/reviews/{id}",
    "segment": "/api/segments/{id}",
    "tag": "/api/tags/{id}",
    "tag-group": "/api/tag-groups/{id}",
    "template": "/api/templates/{id}",
    "template-universal-content": "/api/template-universal-content/{id}",
    "webhook": "/api/webhooks/{id}",
    "webhook-topic": "/api/webhook-topics/{id}",
}

#: what a relationship's name does not say of the type behind it
TARGETS = {
    "categories": "catalog-category",
    "flow-triggers": "flow",
    "item": "catalog-item",
    "items": "catalog-item",
    "variants": "catalog-variant",
}


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(document_path(os.environ).read_bytes())
    return loaded


@pytest.fixture
def schemas(raw: dict[str, Any]) -> Schemas:
    return Schemas(raw["components"]["schemas"])


def _shop() -> Shop:
    return shop(profiles=600, events=15_000)


def _records(type_: str) -> list[Record]:
    return list(_shop().records[type_].values())


def test_every_type_is_checked() -> None:
    assert set(_shop().records) == set(PATHS)


@pytest.mark.parametrize("type_", PATHS)
def test_attributes_match_the_response_schema(type_: str, raw: dict[str, Any], schemas: Schemas) -> None:
    answer: Schema = raw["paths"][PATHS[type_]]["get"]["responses"]["200"]["content"][
        "application/vnd.api+json"
    ]
    attributes = schemas.property_of(answer["schema"], "data", "attributes")
    if not attributes:
        assert all(not record.attributes for record in _records(type_))
        return
    assert _records(type_)
    everything = {"type": "array", "items": attributes}
    told = [record.attributes for record in _records(type_)]
    assert schemas.violations(everything, told, Reading(answer=True)) == []


@pytest.mark.parametrize("type_", PATHS)
def test_relationships_are_the_documents(type_: str, raw: dict[str, Any], schemas: Schemas) -> None:
    paths = [path for path in raw["paths"] if path.startswith(PATHS[type_] + "/relationships/")]
    answer = raw["paths"][PATHS[type_]]["get"]["responses"]["200"]["content"]["application/vnd.api+json"]
    known = set(schemas.property_of(answer["schema"], "data", "relationships").get("properties", {}))
    known |= {path.rsplit("/", 1)[1] for path in paths}
    assert {name for record in _records(type_) for name in record.relationships} <= known


@pytest.mark.parametrize("type_", PATHS)
def test_every_tie_leads_to_a_resource(type_: str) -> None:
    one = _shop()
    for record in _records(type_):
        for name, value in record.relationships.items():
            ids = [value] if isinstance(value, str) else value or []
            target = TARGETS.get(name, name if name in one.records else name.removesuffix("s"))
            known = set(one.log.ids) if target == "event" and ids else one.records.get(target, {})
            assert all(key in known for key in ids), (record.type, name)


def test_what_messages_and_flows_point_at_exists() -> None:
    one = _shop()
    groups = {*one.records["list"], *one.records["segment"]}
    for record in _records("campaign"):
        assert set(record.attributes["audiences"]["included"]) <= groups
    actions = one.records["flow-action"]
    for record in _records("flow"):
        definition = record.attributes["definition"]
        chain, following = [], definition["entry_action_id"]
        while following:
            chain.append(following)
            following = actions[following].attributes["definition"]["links"]["next"]
        assert chain == [action["id"] for action in definition["actions"]]
        for trigger in definition["triggers"]:
            triggered = one.records[trigger["type"]][trigger["id"]].relationships["flow-triggers"]
            assert record.id in (triggered or ())
