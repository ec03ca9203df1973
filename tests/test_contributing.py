"""CONTRIBUTING.md names every part of the package, and its recipes lead to files and commands that exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "klaviyo_analytics"
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL))


def test_the_table_of_modules_is_complete() -> None:
    table = TEXT[TEXT.index("| where | what |") : TEXT.index("| question | file |")]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name.rstrip("/") for cell in first for name in re.findall(r"`([^`]+)`", cell)}
    there = {
        path.name for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert named == there - {"__init__.py", "__main__.py"}


@pytest.mark.parametrize(
    "title", ["Add a resource", "Add a plot", "Add a write type", "Support a new revision"]
)
def test_a_recipe_has_at_most_six_steps(title: str) -> None:
    steps = re.findall(r"^(\d)\. ", RECIPES[title], re.MULTILINE)
    assert steps == [str(number) for number in range(1, len(steps) + 1)]
    assert 1 < len(steps) <= 6


def test_every_path_exists() -> None:
    paths = re.findall(r"`((?:klaviyo_analytics|tests|notebooks)/[^`]*)`", TEXT)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_command_exists() -> None:
    modules = re.findall(r"`python -m ([\w.]+)", TEXT)
    assert modules
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []
