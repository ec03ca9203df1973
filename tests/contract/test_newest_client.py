"""The official client 25, of revision 2026-10-15, which stands for that revision's document: it reads everything.

Two versions of the client cannot live in one process: `tests.contract.read_everything` runs in another.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from klaviyo_analytics import endpoints
from klaviyo_analytics.sandbox.app.contract import load_contract
from tests.contract.conftest import CLIENT, client_path
from tests.contract.test_sandbox_answers import AFTER_A_WRITE

REVISION = "2026-10-15"
ROOT = Path(__file__).parents[2]
QUERY = ("fields_", "additional_fields_", "filter", "include", "page_", "sort")
# Relationships that no resource of the sandbox's shop has.
NOWHERE = re.compile(
    r"/api/(campaign-variations/{id}/(relationships/)?translation|profiles/{id}/(relationships/)?conversation)"
)


@pytest.fixture(scope="module")
def newest() -> dict[str, Any]:
    """Return what the client said about all reads."""
    path = os.pathsep.join(map(str, (client_path(os.environ), ROOT)))
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.read_everything"],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_reads_everything_without_a_parse_error(newest: dict[str, Any]) -> None:
    assert newest["revision"] == REVISION
    assert newest["failures"] == []
    assert newest["reads"] > 1_000


def test_every_read_that_is_served_shows_something(newest: dict[str, Any]) -> None:
    silent = [path for path in newest["silent"] if not AFTER_A_WRITE.fullmatch(path)]
    assert [path for path in silent if not NOWHERE.fullmatch(path)] == []


def test_each_of_its_operations_has_a_table_or_is_named() -> None:
    table = endpoints.load(REVISION)
    known = {(each.method, _spelled(each.path)) for each in table}
    known |= {(method, _spelled(path)) for method, path in table.named.values()}
    text = "".join(
        each.read_text("utf-8") for each in (client_path(os.environ) / "openapi_client" / "api").glob("*.py")
    )
    calls = re.findall(r"method='(\w+)',\s+resource_path='([^']+)'", text)
    assert len(calls) > 400
    assert {(method, _spelled(path)) for method, path in calls} <= known


def _spelled(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def test_its_query_parameters_are_those_of_both_tables(newest: dict[str, Any]) -> None:
    sandbox, table = load_contract(REVISION).operations, endpoints.load(REVISION).operations
    assert newest["parameters"].keys() == table.keys()
    for name, known in newest["parameters"].items():
        one, other = sandbox[name], table[name]
        expected = {word for word in known if word.startswith(QUERY)}
        served = _words(
            one.fields, one.additional, one.filters, one.include, one.cursor, one.page_size, one.sort
        )
        assert served == expected, f"{name}: the sandbox"
        named = _words(
            other.fields,
            other.additional_fields,
            other.filters,
            other.include,
            other.cursor,
            other.page_max,
            other.sort,
        )
        assert named == expected, f"{name}: the client's table"


def _words(
    fields: Any, additional: Any, filters: Any, include: Any, cursor: Any, page: Any, sort: Any
) -> set[str]:
    """Return the names that the client gives to the query parameters of an operation."""
    found = {f"fields_{_snake(kind)}" for kind in fields}
    found |= {f"additional_fields_{_snake(kind)}" for kind in additional}
    single = {"filter": filters, "include": include, "page_cursor": cursor, "page_size": page, "sort": sort}
    return found | {word for word, value in single.items() if value}


def _snake(kind: str) -> str:
    return re.sub(r"\W+", "_", kind)


def test_without_the_client_continuous_integration_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match=CLIENT):
        client_path({"CI": "true"})
    with pytest.raises(pytest.skip.Exception, match=CLIENT):
        client_path({})
