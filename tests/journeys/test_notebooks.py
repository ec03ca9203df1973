"""Every notebook runs from top to bottom with no key and nobody clicking, and shows what is stored with it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks import store

FOLDER = store.FOLDER
NOTEBOOKS = store.NOTEBOOKS
WRITES = "05_write_back"
LINK = re.compile(r"\]\(([^)#:]+)\)")
KEY = re.compile(r"\bpk_\w+|maton_sandbox_key", re.IGNORECASE)
PERSON = re.compile(r"[\w.+-]+@[\w-]+\.\w+|\+1\d{10}\b")
COMPLAINT = re.compile(r"\b[A-Z]\w*Warning: |Traceback \(most recent|kla-is-failed")

# What the account holds itself, not what comes back through the client that wrote it.
LOOK_INTO_THE_ACCOUNT = """
import json

account = client._on_close.__self__.account
log = account.events
kinds = {id: metric.attributes["name"] for id, metric in account.records["metric"].items()}
recorded = [row for row in range(len(log.ids)) if kinds[log.metric_ids[log.metric[row]]] == "RFM scored"]
print(json.dumps({
    "properties": {
        id: {name: value for name, value in profile.attributes["properties"].items() if name.startswith("rfm_")}
        for id, profile in account.records["profile"].items()
    },
    "events": {
        log.profile_ids[log.profile[row]]: {
            name: value for name, value in log.properties[row].items() if not name.startswith("$")
        }
        for row in recorded
    },
    "number of events": len(recorded),
    "scored": {
        id: {name: str(value) if name == "scored_on" else value for name, value in customer.items()}
        for id, customer in customers[[*becomes]].astype(object).to_dict("index").items()
    },
}, indent=0))
"""

Run = Callable[..., nbformat.NotebookNode]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a notebook in an empty folder, in a world without keys; `before_the_end` is one more cell."""

    def run(path: Path, *, before_the_end: str | None = None) -> nbformat.NotebookNode:
        notebook = store.execute(path, tmp_path, before_the_end=before_the_end)
        assert [file.name for file in (tmp_path / "work").iterdir()] == []
        return notebook

    return run


def outputs(notebook: nbformat.NotebookNode) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_with_outputs_and_without_what_changes_from_run_to_run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum(len(cell.outputs) for cell in code) >= len(code) / 3
    assert set(notebook.metadata) == {"kernelspec", "language_info", "pandas"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
    assert [output for output in outputs(notebook) if store.WIDGET in output.get("data", {})] == []
    assert store.texts(store.cleaned(notebook, recolour=False)) == store.texts(notebook)
    assert path.stat().st_size < 400_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_ends_with_a_next_step_and_links_lead_somewhere(path: Path) -> None:
    told = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    assert re.search(r"^\*\*Next:\*\*", told[-1], re.MULTILINE)
    if path in store.TUTORIAL:
        for following in store.TUTORIAL[store.TUTORIAL.index(path) + 1 :][:1]:
            assert following.name in LINK.findall(told[-1])
    links = LINK.findall("\n".join(told))
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


class Runs:
    """What holds of every notebook that runs; two classes, so that two workers share them."""

    def test_from_top_to_bottom_without_a_key(self, path: Path, run: Run) -> None:
        notebook = run(path, before_the_end=LOOK_INTO_THE_ACCOUNT if path.stem == WRITES else None)
        if path.stem == WRITES:
            what_is_written_is_in_the_account(look(notebook))
        said = outputs(notebook)
        assert [output for output in said if output.output_type == "error"] == []
        assert [
            output.text for output in said if output.output_type == "stream" and output.name == "stderr"
        ] == []
        if path in store.TUTORIAL:
            assert any("image/png" in output.get("data", {}) for output in said)
        widgets = json.dumps(notebook.metadata.get("widgets", {}), ensure_ascii=False)
        everything = json.dumps(said) + widgets
        assert COMPLAINT.findall(everything) == []
        assert KEY.findall(everything) == []
        assert PERSON.findall(widgets) == []  # what is saved with a notebook names nobody
        stored = nbformat.read(path, as_version=4)
        if stored.metadata.pandas == store.pandas_version() or "CI" in os.environ:
            shown = store.texts(store.cleaned(notebook, recolour=False))
            assert shown == store.texts(stored), (
                f"if that is right: python -m tests.notebooks.store {path.stem}"
            )


@pytest.mark.parametrize("path", store.TUTORIAL, ids=lambda path: path.stem)
class TestTutorial(Runs):
    pass


@pytest.mark.parametrize("path", store.HOW_TO, ids=lambda path: path.stem)
class TestHowTo(Runs):
    pass


def look(notebook: nbformat.NotebookNode) -> Any:
    """Take the cell that looks into the account out of the notebook, and return what it found."""
    place = next(at for at, cell in enumerate(notebook.cells) if cell.source == LOOK_INTO_THE_ACCOUNT)
    return json.loads(notebook.cells.pop(place).outputs[-1].text)


def what_is_written_is_in_the_account(found: Any) -> None:
    scored = found["scored"]
    assert len(scored) > 300
    assert {customer["segment"] for customer in scored.values()} == {
        "Asleep",
        "At risk",
        "Champions",
        "Loyal",
        "New",
    }
    written = {id: properties for id, properties in found["properties"].items() if properties}
    assert written == {
        id: {f"rfm_{name}": value for name, value in customer.items()} for id, customer in scored.items()
    }
    assert found["number of events"] == len(scored)
    without_the_day = {
        id: {name: value for name, value in customer.items() if name != "scored_on"}
        for id, customer in scored.items()
    }
    assert found["events"] == without_the_day
