"""Every operation of every revision is served by the sandbox and, but for reads of ids alone, named by a method."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from klaviyo_analytics.sandbox.app.contract import SERVED
from tests.contract.coverage import coverage, resources


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    return resources()


@pytest.mark.parametrize("revision", SERVED)
def test_all_are_served_and_named(known: dict[str, Any], revision: str) -> None:
    found = coverage(revision, known)
    assert found.unserved == frozenset()
    assert found.unnamed == frozenset()
    assert not [name for name in found.ids_only if not re.search(r"_ids?_|_relationships$", name)]


def test_what_has_no_method_is_named(known: dict[str, Any]) -> None:
    fewer = {name: thing for name, thing in known.items() if name != "tags"}
    found = coverage("2026-01-15", fewer)
    assert "create_tag" in found.unnamed
    assert "  no method: create_tag" in str(found).splitlines()


def test_it_prints_a_line_for_each_revision() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.coverage"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == list(SERVED)
