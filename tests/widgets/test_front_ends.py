"""What any front end can draw: JupyterLab, Notebook, VS Code and Voilà know the core widgets, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from klaviyo_analytics import widgets
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets.base_view import COLOURS, CSS
from tests.widgets.conftest import open_widgets
from tests.widgets.test_saved_state import USES

pytestmark = pytest.mark.usefixtures("no_widget_left")
CORE = {"@jupyter-widgets/base", "@jupyter-widgets/controls"}
SOURCES = sorted(Path(widgets.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("name", USES)
def test_only_core_widgets_are_used(name: str, client: KlaviyoClient, sandbox: Sandbox) -> None:
    view = USES[name](client, sandbox)
    states = [widget.get_state() for widget in open_widgets().values()]
    assert {state["_model_module"] for state in states} == CORE
    assert {state.get("_view_module") for state in states} <= {*CORE, None}
    view.close()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_nothing_is_loaded_from_the_world_and_no_script_is_sent(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"anywidget|Javascript|IPython\.display|<script|_esm\b", source)
    addresses = re.findall(r"https?://[^\s\"'{]*", source.replace("http://www.w3.org/2000/svg", ""))
    assert set(addresses) <= {"https://", "http://127.0.0.1:"}


def test_every_colour_of_a_front_end_has_another_to_fall_back_on() -> None:
    for name in re.findall(r"var\((--(?:jp|vscode)-[\w-]+)\)", COLOURS + CSS):
        pytest.fail(f"{name} has no fallback")
    assert set(re.findall(r"var\((--kla-\w+)\)", CSS)) <= set(re.findall(r"(--kla-\w+):", COLOURS))


def test_dark_pages_are_known_by_every_front_ends_mark() -> None:
    for mark in ('[data-jp-theme-light="false"]', ".theme-dark", ".vscode-dark"):
        assert f"{mark} .kla-chart .kla-dark" in CSS
