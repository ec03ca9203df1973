"""mypy, and pyright where it is installed, accept the right calls of typed_calls.py and refuse the wrong ones."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_overloads

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import resources
from klaviyo_analytics.account_group import AccountGroup
from klaviyo_analytics.archive import Archive
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.report.document import Report
from klaviyo_analytics.writeback import Plan, Result
from klaviyo_analytics.writeback.file_import import ImportPlan, ImportResult

CALLS = Path(__file__).with_name("typed_calls.py")
ROOT = Path(__file__).parents[2]


def said(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_mypy_accepts_right_calls_and_refuses_wrong_ones() -> None:
    assert said("mypy", str(CALLS)) == ""


def test_mypy_would_say_so_if_a_wrong_call_were_accepted(tmp_path: Path) -> None:
    marked = CALLS.read_text("utf-8").replace(
        "client.tags.list(limit=3)", "client.tags.list(limit=3, pages=1)"
    )
    broken = tmp_path / "broken.py"
    broken.write_text(f"{marked}\n\ncheck: int = 1  # type: ignore[assignment]\n", "utf-8")
    problems = said("mypy", "--config-file", str(ROOT / "pyproject.toml"), str(broken))
    assert 'Unexpected keyword argument "pages"' in problems
    assert 'Unused "type: ignore"' in problems


def test_pyright_agrees(tmp_path: Path) -> None:
    pytest.importorskip("basedpyright")
    settings = {
        "include": [str(CALLS)],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "standard",
        "enableTypeIgnoreComments": True,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps(settings), "utf-8")
    assert said("basedpyright", "-p", str(project), "--pythonpath", sys.executable) == ""


COMPLETED = {
    "client.tags.create(na": "name=",
    "client.tags.list(so": "sort=",
    "client.lists.find(na": "name=",
    "client.profiles.upsert(first_": "first_name=",
    "client.events.list(metr": "metric=",
    "client.tags.get('ABC123').tag_gr": "tag_group_id",
    "client.catal": "catalog_items",
    "ka.F.phone": "phone_number",
}


@pytest.mark.parametrize(("code", "offered"), COMPLETED.items(), ids=list(COMPLETED.values()))
def test_an_editor_completes(code: str, offered: str) -> None:
    jedi = pytest.importorskip("jedi")
    source = f"import klaviyo_analytics as ka\nclient = ka.connect(api_key='pk_0123456789')\n{code}"
    script = jedi.Script(source, project=jedi.Project(ROOT))
    assert offered in {one.name_with_symbols for one in script.complete()}


CLASSES = (
    *(getattr(resources, name) for name in resources.__all__ if name != "Context"),
    *(AccountGroup, Archive, ImportPlan, ImportResult, KlaviyoClient, Plan, Report, Result, ka.Connections),
)
ANYTHING = {
    "request(json)": "any JSON document",
    "export(query)": "the keywords of the resource's own list",
    "create_many(options)": "the keywords of plan_create and apply",
    "plan(query)": "the keywords of the report that it plans",
    "keep(question)": "the keywords of the report that it keeps",
    "plots(kwargs)": "Matplotlib's own keywords",
}
"""Parameters that are Any, with the reason."""


def public_calls() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods of what a client gives out, and the functions of frames and reports."""
    for owner in CLASSES:
        for name, method in inspect.getmembers(owner, inspect.isroutine):
            if not name.startswith("_"):
                yield name, method
    for module in (ka.analysis, ka.report, ka.plots):
        for name in module.__all__:
            if inspect.isfunction(function := getattr(module, name)):
                yield "plots" if module is ka.plots else name, function


def test_every_parameter_of_a_public_call_has_a_type() -> None:
    untyped = {
        f"{name}({parameter.name})"
        for name, call in public_calls()
        for parameter in inspect.signature(call).parameters.values()
        if parameter.name not in ("self", "cls") and parameter.annotation in (parameter.empty, "Any", Any)
    }
    assert untyped == set(ANYTHING)


RETURNS_ANYTHING = {"request": "the JSON of any path"}


def test_every_public_call_says_what_it_returns() -> None:
    untyped = {
        name
        for name, call in public_calls()
        if not get_overloads(inspect.unwrap(call))
        and inspect.signature(call).return_annotation in ("Any", Any)
    }
    assert untyped == set(RETURNS_ANYTHING)
