"""What a notebook keeps of an explorer for readers that run no widgets: GitHub, nbconvert, an untrusted notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from tests.widgets.conftest import PATIENCE

SETUP = """
import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox
from tests.widgets import conftest

sandbox = Sandbox(profiles=60, events=800).start()
client = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
conftest.at_the_shops_time(client, sandbox)
explorer = ka.widgets.MetricExplorer(client)
explorer.metrics.choose("Opened Email", "Clicked Email")
"""
RUN_IN_THE_BACKGROUND = """
import asyncio
explorer.metrics.choose("Received Email")
explorer._run.click()
while explorer.state.run.running:
    await asyncio.sleep(0.05)
assert explorer.state.run.status == "done", explorer.state.run.message
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return an executed notebook: shown before any run, then run by a call and by the button."""
    folder = tmp_path_factory.mktemp("kept")
    new: Any = nbformat.v4
    cells = [SETUP + "explorer", "frame = explorer.run()", RUN_IN_THE_BACKGROUND]
    made = new.new_notebook(cells=[new.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        made,
        timeout=300,
        startup_timeout=int(PATIENCE),
        iopub_timeout=int(PATIENCE),
        resources={"metadata": {"path": str(folder)}},
        kernel_name="python3",
    )
    places = {"KLAVIYO_ANALYTICS_HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
    client.execute(env={**os.environ, **places})
    return made


def test_the_output_holds_the_picture_of_the_last_run(notebook: Any) -> None:
    shown = notebook.cells[0].outputs
    assert [output.output_type for output in shown] == ["display_data", "display_data"]
    widget, picture = (output.data for output in shown)
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert "image/png" in picture
    assert "Line chart of Received Email: " in picture["text/html"]
    assert "Opened Email" not in picture["text/html"]
    assert 'title="20' in picture["text/html"]  # dates, as texts of the boxes
    assert [cell.outputs for cell in notebook.cells[1:]] == [[], []]


def test_nbconvert_shows_it(notebook: Any) -> None:
    exporter: Any = HTMLExporter
    page, _ = exporter().from_notebook_node(notebook)
    shown = page.partition('<div class="kla-saved">')[2]
    assert "data:image/png;base64," in shown
    assert "Line chart of Received Email: " in shown
