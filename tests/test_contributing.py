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


# Where a reader looks first, and what is defined there and nowhere else.
MECHANISMS = {
    "Where is a 429 handled?": (
        "http/retry.py",
        r"status == (?:429|TOO_MANY_REQUESTS)|TOO_MANY_REQUESTS = 429",
    ),
    "Where does a JSON value become a cell?": ("frames/columns.py", r"^def array\(values"),
    "Where is consent checked?": ("writeback/consent.py", r"^def (?:opted_out|refusals)\("),
    "Where is the funnel drawn?": ("plots/flows.py", r"^def draw_funnel\("),
    "Where is a journal resumed?": ("writeback/journal.py", r"def reopen\("),
    "Where are pages followed?": ("endpoints/paging.py", r"gave the same cursor twice"),
    "Where is a document from outside checked?": ("_reader.py", r"^class Reader\b"),
    "Where is progress shown?": ("_progress.py", r"^class (?:Progress|Listener)\b|import tqdm"),
    "Where does a notebook's table come from?": ("_html.py", r"<table>|\.to_html\(index"),
}


@pytest.mark.parametrize(("question", "place", "mechanism"), [(q, *found) for q, found in MECHANISMS.items()])
def test_a_mechanism_stands_in_one_file_which_the_table_names(
    question: str, place: str, mechanism: str
) -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "sandbox" not in path.parts and re.search(mechanism, path.read_text("utf-8"), re.MULTILINE)
    }
    assert found == {place}
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| {question} |"))
    assert f"`klaviyo_analytics/{place}`" in row
