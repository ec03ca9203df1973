"""The contract: it is what the official document says, and requests find their operation in it."""

from __future__ import annotations

import json
import os
from contextvars import copy_context
from urllib.parse import quote

import pytest

from klaviyo_analytics.sandbox.app import omnichannel
from klaviyo_analytics.sandbox.app.contract import REVISION, SERVED, Limit, load_contract, served_from
from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.klaviyo import NEWER, SPECIAL, regular_handler
from klaviyo_analytics.sandbox.app.store import target
from tests.contract.conftest import REVISIONS, document_path
from tests.contract.make_sandbox_contract import TARGET, contracts

CONTRACT = load_contract()


def test_they_are_generated_from_the_documents() -> None:
    paths = [document_path(os.environ, name) for name in REVISIONS]
    documents = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
    for name, contract in contracts(*documents).items():
        packaged = json.loads(TARGET.with_name(name).read_text(encoding="utf-8"))
        assert packaged == contract, f"{name}: run make_sandbox_contract.py"


class TestRevisions:
    def test_pages_can_be_sized_from_2026_04_15_on(self) -> None:
        sizes = [load_contract(revision).operations["get_campaigns"].page_size for revision in SERVED]
        assert sizes == [None, (100, 100), (100, 100), (100, 100)]

    def test_what_each_adds(self) -> None:
        counts = [len(load_contract(revision).operations) for revision in SERVED]
        assert counts == [294, 297, 333, 367]
        assert "delete_flow_action" not in load_contract("2026-04-15").operations
        assert served_from("GET", "/api/campaign-variations/X") == "2026-10-15"
        assert served_from("DELETE", "/api/flow-actions/1") == "2026-07-15"
        assert served_from("GET", "/api/nothing") is None

    @pytest.mark.parametrize("revision", SERVED)
    def test_every_operation_is_served(self, revision: str) -> None:
        def without_a_handler() -> list[str]:
            REVISION.set(revision)
            own = NEWER if revision >= omnichannel.SINCE else {}
            return [
                each.id
                for each in load_contract(revision).operations.values()
                if each.id not in own and each.id not in SPECIAL and regular_handler(each) is None
            ]

        assert copy_context().run(without_a_handler) == []

    def test_a_profile_has_one_conversation_until_it_has_several(self) -> None:
        found = [load_contract(revision).operations["get_profile"] for revision in SERVED]
        names = [[name for name in one.include if name.startswith("conversation")] for one in found]
        assert names == [[], ["conversation"], ["conversations"], ["conversations"]]
        assert found[1].shape
        assert found[1].shape.relationships["conversation"] == "one"

    def test_campaigns_of_2026_10_15_have_no_channel_and_no_status(self) -> None:
        operation = load_contract("2026-10-15").operations["get_campaigns"]
        assert not operation.filter_required
        assert not {"messages.channel", "status"} & operation.filters.keys()
        assert operation.include == ("campaign-audiences", "campaign-messages", "tags")
        assert set(operation.included) == {"campaign-audience", "campaign-message", "tag"}


class TestFacts:
    def test_all_operations_of_the_api_are_there(self) -> None:
        assert len(CONTRACT.operations) == 294
        assert not [one.path for one in CONTRACT.operations.values() if not one.path.startswith("/api/")]

    def test_events(self) -> None:
        events = CONTRACT.operations["get_events"]
        assert (events.limit, events.page_size, events.scopes) == (
            Limit(350, 3500),
            (200, 1000),
            ("events:read",),
        )
        assert events.filters["timestamp"].type == "number"
        assert events.filters["datetime"].type == "datetime"
        assert set(events.included) == {"metric", "profile", "attribution"}
        assert events.fields["event"] == {"timestamp", "datetime", "event_properties", "uuid"}

    @pytest.mark.parametrize(
        ("operation", "size"),
        [
            ("get_lists", 10),
            ("get_tags", 50),
            ("get_metrics", 200),
            ("get_campaigns", 100),
            ("get_catalog_items", 100),
        ],
    )
    def test_fixed_pages(self, operation: str, size: int) -> None:
        assert CONTRACT.operations[operation].fixed_page == size
        assert CONTRACT.operations[operation].page_size is None

    def test_daily_and_extra_limits(self) -> None:
        assert CONTRACT.operations["create_list"].limit == Limit(10, 150, 150)
        assert CONTRACT.operations["query_flow_series"].limit == Limit(1, 2, 225)
        assert CONTRACT.operations["get_list"].extra_limits == {
            "additional-fields[list]=profile_count": Limit(1, 15)
        }

    def test_the_one_body_that_is_not_json(self) -> None:
        others = {
            one.id: one.content_type for one in CONTRACT.operations.values() if "json" not in one.content_type
        }
        assert others == {"upload_image_from_file": "multipart/form-data"}

    def test_every_relationship_leads_somewhere(self) -> None:
        for operation in CONTRACT.operations.values():
            for shape in filter(None, [operation.shape, *operation.included.values()]):
                if not shape.type.endswith("-report"):
                    assert all(target(shape.type, name) for name in shape.relationships)


class TestRouting:
    def test_every_operation_is_found_by_its_own_path(self) -> None:
        for operation in CONTRACT.operations.values():
            path = operation.path.replace("{id}", "a%2Fb").replace("{job_id}", "a%2Fb")
            found, parameters = CONTRACT.match(operation.method, path)
            assert found is operation
            assert set(parameters.values()) <= {"a/b"}

    def test_any_id_survives(self) -> None:
        for id_ in ("$custom:::$default:::SKU/1", "Zm9v=", "ü 100%", "relationships"):
            assert CONTRACT.match("GET", f"/api/catalog-items/{quote(id_, safe='')}")[1] == {"id": id_}

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/api/flows/F/flow-messages", 404),
            ("POST", "/api/tag-campaign-relationships", 404),
            ("POST", "/api/campaign-recipient-estimations", 404),
            ("POST", "/api/campaign-recipient-estimations/C", 405),
            ("PUT", "/api/profiles/P", 405),
            ("GET", "/api/profiles/", 404),
            ("GET", "/api/profiles/P/lists/L", 404),
            ("GET", "/client/profiles", 404),
        ],
    )
    def test_what_does_not_exist(self, method: str, path: str, status: int) -> None:
        with pytest.raises(ApiFault) as caught:
            CONTRACT.match(method, path)
        assert caught.value.status == status
