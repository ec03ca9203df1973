"""What the comparison of two official documents prints."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from klaviyo_analytics.endpoints import _facts as endpoints_of
from tests.contract.compare_revisions import compare, table
from tests.contract.conftest import document_path
from tests.contract.make_endpoints import difference, stable

OLD = {
    "get_a": {"method": "GET", "path": "/api/a", "sort": ["name", "id"], "limits": ["1/s"]},
    "get_b": {"method": "GET", "path": "/api/b"},
    "create_a": {"method": "POST", "path": "/api/a", "body": {"optional": ["name"]}},
}
NEW = {
    "get_a": {"method": "GET", "path": "/api/a", "sort": ["id", "age"], "limits": ["3/s"], "page": [10, 10]},
    "create_a": {"method": "POST", "path": "/api/a", "body": {"required": ["name"]}},
    "get_c": {"method": "GET", "path": "/api/c"},
}


def test_each_change_is_a_line_and_what_breaks_is_marked() -> None:
    assert compare(OLD, NEW) == [
        "! get_b: removed",
        "  get_c: added, GET /api/c",
        "! get_a: limits was ['1/s'], is ['3/s']",
        "  get_a: page was absent, is [10, 10]",
        "! get_a: sort lost name",
        "  get_a: sort gained age",
        "! create_a: body now requires name",
    ]


def test_a_table_does_not_differ_from_itself() -> None:
    assert compare(OLD, OLD) == []


def newer_document() -> Path:
    return document_path(os.environ, "KLAVIYO_OPENAPI_2026_07_15")


def test_from_2026_01_15_to_2026_07_15_no_operation_goes_and_pages_can_be_sized() -> None:
    old, new = (
        table(json.loads(path.read_text("utf-8"))) for path in (document_path(os.environ), newer_document())
    )
    lines = compare(old, new)
    assert not [line for line in lines if line.endswith(": removed")]
    assert "  get_campaigns: page was absent, is [100, 100]" in lines
    assert any(line.startswith("  get_object_types: added") for line in lines)


def test_the_packaged_table_of_2026_07_15_is_what_its_official_document_says() -> None:
    document = json.loads(newer_document().read_text("utf-8"))
    base = {key: value for key, value in endpoints_of("2026-01-15").items() if key != "revision"}
    operations, shared = stable(document, base)
    assert endpoints_of("2026-07-15") == {"operations": operations, **shared}
    changed = difference("2026-07-15", base | {"revision": "2026-01-15"}, operations, shared)
    assert changed["operations"]["get_campaigns"]["page"] == [100, 100]


@pytest.mark.parametrize("name", ["KLAVIYO_OPENAPI", "KLAVIYO_OPENAPI_2026_07_15"])
def test_a_document_that_is_missing_in_continuous_integration_is_a_failure(name: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=name):
        document_path({"CI": "true"}, name)
