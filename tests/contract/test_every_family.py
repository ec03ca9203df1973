"""The families that came last: each operation is called over HTTP, and judged by the official document.

What the calls do is tested in `tests/resources/test_custom_objects.py` and `tests/resources/test_small_families.py`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from werkzeug.serving import make_server

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.endpoints import load
from klaviyo_analytics.sandbox import Sandbox
from tests.contract.conftest import document_path
from tests.contract.openapi import Document
from tests.contract.recorder import CheckedApp, Exchange, judged

REVISION = "2026-07-15"
FAMILIES = ("Custom Objects", "Web Feeds", "Tracking Settings", "Conversations")
ALONE = {  # of families that were there before
    "create_back_in_stock_subscription",
    "create_push_token",
    "delete_flow_action",
    "delete_push_token",
    "get_conversation_for_profile",
    "get_conversations_for_profile",
    "get_metric_for_metric_property",
    "get_profile_for_push_token",
    "get_push_token",
    "get_push_tokens",
    "update_image_for_campaign_message",
}


@dataclass
class Account:
    """A client, what the server heard, and ids of what the calls before have made."""

    client: KlaviyoClient
    app: CheckedApp
    made: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


Steps = Mapping[str, Callable[[Account], object]]


def make(name: str, call: Callable[[Account], object]) -> Callable[[Account], object]:
    """Keep the answer of a call for those after it."""

    def keep(a: Account) -> object:
        a.made[name] = call(a)
        return a.made[name]

    return keep


def mapped(a: Account, path: str) -> dict[str, str]:
    return {"source_id": a.made["source"]["id"], "id_path": "$['booking']", "data_path": path}


def relation(a: Account) -> Any:
    return a.object_schemas.relationships(a.made["schema"]).set_index("name").loc


def first(frame: pd.DataFrame) -> pd.Series[Any]:
    assert len(frame) > 0
    return frame.iloc[0]


def talker(a: Account) -> str:
    """Return the id of a profile that has agreed to text messages, and so has a conversation."""
    people = a.profiles.list(include=["conversations"], workers=1)
    return str(people.loc[people["conversation_ids"].str.len() > 0, "id"].iloc[0])


STEPS: Steps = {
    "create_data_source": make("source", lambda a: a.data_sources.create(title="Bookings")),
    "get_data_sources": lambda a: first(a.data_sources.list()),
    "get_data_source": lambda a: a.data_sources.get(a.made["source"]),
    "create_object_type": make(
        "type",
        lambda a: a.object_types.create(
            title="Booking", properties={"booking": "string", "nights": "int"}, required=["booking"]
        ),
    ),
    "get_object_types": lambda a: first(a.object_types.list(include=["draft-schema"])),
    "get_object_type": lambda a: a.object_types.get(a.made["type"], include=["draft-schema", "object-types"]),
    "get_draft_schema_for_object_type": make("schema", lambda a: a.object_types.draft_schema(a.made["type"])),
    "get_source_mapping_for_object_schema": make(
        "mapping", lambda a: a.object_schemas.source_mapping(a.made["schema"])
    ),
    "get_source_mapping": lambda a: a.source_mappings.get(a.made["mapping"]),
    "update_source_mapping": lambda a: a.source_mappings.update(
        a.made["mapping"],
        property_mappings=[
            {"id": 1, "type": "simple", "source": mapped(a, "$['booking']")},
            {"id": 2, "type": "simple", "source": mapped(a, "$.nights")},
        ],
    ),
    "update_object_schema": lambda a: a.object_schemas.update(a.made["schema"], status="active"),
    "get_object_schema": lambda a: a.object_schemas.get(a.made["schema"], include=["source-mapping"]),
    "get_current_schema_for_object_type": lambda a: a.object_types.current_schema(a.made["type"]),
    "create_object_schema": make(
        "second", lambda a: a.object_schemas.create(a.made["type"], title="Stay", properties={"room": "int"})
    ),
    "get_schema_versions_for_object_type": lambda a: first(a.object_types.schema_versions(a.made["type"])),
    "create_object_schema_relationship": lambda a: a.object_schemas.relate(
        a.made["schema"], a.made["second"], name="stay"
    ),
    "create_profile_schema_relationship": lambda a: a.object_schemas.relate(
        a.made["schema"], "profile", name="guest", description="Who stays"
    ),
    "update_object_schema_relationship": lambda a: a.object_schemas.update_relationship(
        a.made["schema"], a.made["second"], relation(a)["stay", "relationship_id"], description="What"
    ),
    "update_profile_schema_relationship": lambda a: a.object_schemas.update_relationship(
        a.made["schema"], "profile", relation(a)["guest", "relationship_id"], name="visitor"
    ),
    "delete_object_schema_relationship": lambda a: a.object_schemas.unrelate(
        a.made["schema"], a.made["second"], relation(a)["stay", "relationship_id"], confirm=True
    ),
    "delete_profile_schema_relationship": lambda a: a.object_schemas.unrelate(
        a.made["schema"], "profile", relation(a)["visitor", "relationship_id"], confirm=True
    ),
    "create_data_source_record": lambda a: a.data_sources.create_record(
        a.made["source"], {"booking": "B1", "nights": 3}
    ),
    "bulk_create_data_source_records": lambda a: a.data_sources.plan_create_records(
        pd.DataFrame({"booking": ["B2", "B1"], "nights": [1, "many"]}), source=a.made["source"], key="booking"
    ).apply(),
    "get_records_for_object_type": lambda a: [a.object_types.records(a.made["type"]) for _ in range(3)],
    "get_object_record": lambda a: a.object_records.get(f"{a.made['type']['id']}:::B1"),
    "get_ingestion_logs_for_object_type": lambda a: first(a.object_types.ingestion_logs(a.made["type"])),
    "bulk_delete_object_records": lambda a: a.object_records.delete(
        a.object_types.records(a.made["type"]), confirm=True
    ),
    "delete_object_type": lambda a: a.object_types.delete(a.made["type"], confirm=True),
    "delete_data_source": lambda a: a.data_sources.delete(a.made["source"], confirm=True),
    "create_push_token": lambda a: a.push_tokens.create(
        token="t-1", platform="ios", vendor="apns", profile="ann@shop.example", background="AVAILABLE"
    ),
    "get_push_tokens": make("token", lambda a: a.push_tokens.find(token="t-1")),
    "get_push_token": lambda a: a.push_tokens.get(a.made["token"], include=["profile"]),
    "get_profile_for_push_token": lambda a: a.push_tokens.profile(a.made["token"]),
    "delete_push_token": lambda a: a.push_tokens.delete(a.made["token"], confirm=True),
    "create_web_feed": make(
        "feed",
        lambda a: a.web_feeds.create(
            name="Teas", url="https://shop.example/feed", request_method="get", content_type="json"
        ),
    ),
    "get_web_feeds": lambda a: first(a.web_feeds.list(filter=ka.F.name == "Teas", sort="-created")),
    "get_web_feed": lambda a: a.web_feeds.get(a.made["feed"]),
    "update_web_feed": lambda a: a.web_feeds.update(a.made["feed"], content_type="xml"),
    "delete_web_feed": lambda a: a.web_feeds.delete(a.made["feed"], confirm=True),
    "get_tracking_settings": make("settings", lambda a: first(a.tracking_settings.list())),
    "get_tracking_setting": lambda a: a.tracking_settings.get(a.made["settings"]),
    "update_tracking_setting": lambda a: a.tracking_settings.update(
        a.made["settings"], utm_id={"flow": {"type": "dynamic", "value": "flow_id"}}
    ),
    "get_conversations_for_profile": make("talks", lambda a: first(a.profiles.conversations(talker(a)))),
    "get_conversation_for_profile": lambda a: a.profiles.conversation(talker(a)),
    "create_conversation_message": lambda a: a.conversations.send_message(
        a.made["talks"], "It is on its way.", confirm=True
    ),
    "create_back_in_stock_subscription": lambda a: a.catalog_variants.subscribe_back_in_stock(
        first(a.catalog_variants.list(limit=1)), profile="ann@shop.example", channels=["EMAIL", "SMS"]
    ),
    "get_metric_for_metric_property": lambda a: a.metrics.of_property(
        first(a.metrics.properties(("Placed Order", "Shopify"), samples=False))["id"]
    ),
    "update_image_for_campaign_message": lambda a: a.campaign_messages.replace_image(
        first(a.campaigns.messages(first(a.campaigns.list(limit=1)))),
        a.images.create("data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"),
    ),
    "delete_flow_action": lambda a: a.flow_actions.delete(
        first(a.flows.actions(first(a.flows.list(limit=1)))), confirm=True
    ),
}


def serve(document: Document, revision: str) -> Iterator[Account]:
    sandbox = Sandbox(profiles=300, events=3_000)
    with judged(document) as wrap:
        app = wrap(sandbox.wsgi)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            with ka.connect(
                api_key=sandbox.api_key, base_url=url, revision=revision, progress=False
            ) as client:
                client._embed(now=lambda: datetime.now(UTC), on_close=lambda: None)
                yield Account(client, app)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            sandbox.close()


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    yield from serve(Document.load(document_path(os.environ, "KLAVIYO_OPENAPI_2026_07_15")), REVISION)


def test_the_steps_are_all_operations_of_these_families() -> None:
    known = load(REVISION)
    own = {
        each.operation
        for each in known
        if each.category in FAMILIES and not (each.method == "GET" and "/relationships/" in each.path)
    }
    assert set(STEPS) == own | ALONE


def test_each_operation_is_asked_and_answered_as_the_document_says(account: Account) -> None:
    table, missed = load(REVISION), []
    for operation, call in STEPS.items():
        before = len(account.app.exchanges)
        call(account)
        endpoint = table[operation]
        if not any(answers(each, endpoint.method, endpoint.path) for each in account.app.exchanges[before:]):
            missed.append(operation)
    assert missed == []
    assert account.app.violations == []


def answers(exchange: Exchange, method: str, path: str) -> bool:
    return (exchange.method, exchange.operation) == (method, path) and exchange.status < 300
