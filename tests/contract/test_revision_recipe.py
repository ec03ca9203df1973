"""CONTRIBUTING's recipe for a new revision, carried out from 2026-01-15 to 2026-07-15, step by step."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from klaviyo_analytics.endpoints import revisions
from tests.contract import make_endpoints, make_sandbox_contract
from tests.contract.conftest import REVISIONS, client_path, document_path
from tests.contract.coverage import coverage, resources
from tests.methods import make_body_types
from tests.methods.generate import modules

ROOT = Path(__file__).parents[2]
OLD, NEW = "2026-01-15", "2026-07-15"


@pytest.fixture(scope="module")
def steps() -> list[str]:
    """The steps of the recipe, each as one line."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = text.partition("### Support a new revision\n")[2].partition("\n## ")[0]
    found = re.split(r"^\d\. ", recipe, flags=re.MULTILINE)[1:]
    return [re.sub(r"\s+", " ", step).strip() for step in found]


@pytest.fixture(scope="module")
def paths() -> list[Path]:
    """The documents that the generators read, oldest first."""
    return [document_path(os.environ, variable) for variable in REVISIONS]


def packaged(folder: Path, pattern: str) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob(pattern)}


def test_step_1_says_what_changed_for_us(steps: list[str], paths: list[Path]) -> None:
    module = re.search(r"`python -m ([\w.]+) OLD.json NEW.json`", steps[0])
    assert module
    done = subprocess.run(
        [sys.executable, "-m", module[1], *map(str, paths[:2])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line.endswith(": removed")]
    added = {line.split(":")[0].strip() for line in lines if ": added, " in line}
    old, new = (json.loads(path.read_text("utf-8")) for path in paths[:2])
    assert added == operations(new) - operations(old)
    for line in (  # parameters, page sizes, limits, includes and fields, and what breaks
        "  get_campaigns: page was absent, is [100, 100]",
        "  get_profile: include gained conversations",
    ):
        assert line in lines
    assert any(re.fullmatch(r"! \w+: limits was .+, is .+", line) for line in lines)


def operations(document: Any) -> set[str]:
    return {
        operation["operationId"]
        for path, methods in document["paths"].items()
        if path.startswith("/api/")
        for operation in methods.values()
    }


def test_step_2_writes_the_table_of_what_the_revision_changes(
    steps: list[str], paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "tests/contract/make_endpoints.py" in steps[1]
    assert "klaviyo_analytics/endpoints/revisions.py" in steps[1]
    assert NEW in revisions.TABLES
    folder = make_endpoints.TARGET.parent
    monkeypatch.setattr(make_endpoints, "TARGET", tmp_path / make_endpoints.TARGET.name)
    oldest, newer, beta = map(str, paths)
    make_endpoints.main(oldest, newer, beta, str(client_path(os.environ)))
    assert packaged(tmp_path, "*.json") == packaged(folder, "endpoints*.json")


def test_step_3_writes_the_methods(steps: list[str], paths: list[Path]) -> None:
    assert "tests/methods/make_body_types.py" in steps[2]
    assert "python -m tests.methods.generate" in steps[2]
    documents = [json.loads(path.read_text("utf-8")) for path in paths]
    kept = json.loads(make_body_types.TARGET.read_text("utf-8"))
    assert kept["bodies"] == make_body_types.merged(documents)
    for path, text in modules().items():
        assert path.read_text("utf-8") == text, path


def test_step_4_leaves_no_operation_without_a_method(steps: list[str]) -> None:
    assert "tests/methods/methods_table.py" in steps[3]
    assert coverage(NEW, resources()).unnamed == frozenset()


def test_step_5_lets_the_sandbox_serve_it(
    steps: list[str], paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "tests/contract/make_sandbox_contract.py" in steps[4]
    folder = make_sandbox_contract.TARGET.parent
    monkeypatch.setattr(make_sandbox_contract, "TARGET", tmp_path / make_sandbox_contract.TARGET.name)
    make_sandbox_contract.main(*map(str, paths))
    assert packaged(tmp_path, "*.json") == packaged(folder, "contract*.json")
    assert coverage(NEW, resources()).unserved == frozenset()


def test_step_6_names_the_document_for_continuous_integration(steps: list[str]) -> None:
    assert "tests/contract/conftest.py" in steps[5]
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert [variable for variable in REVISIONS if f"export {variable}=" not in script] == []
    assert set(REVISIONS.values()) >= {OLD, NEW}
