"""The guide is true: its generated pages are current, its code runs, its command lines work, its calls exist."""

from __future__ import annotations

import ast
import base64
import importlib
import importlib.util
import inspect
import io
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from PIL import Image

import klaviyo_analytics as ka
from klaviyo_analytics import _connect, plots
from klaviyo_analytics.cli import main as command_line
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from tests.notebooks import build, columns, gallery, reference, store

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
PAGES = [FOLDER / "index.md", *sorted((FOLDER / "guide").rglob("*.md"))]
WRITTEN = [path for path in PAGES if path not in reference.STORED]
WITH_CODE = [path for path in WRITTEN if "```python\n" in path.read_text("utf-8")]
COMMANDS = [
    path for path in WRITTEN if re.search(r"klaviyo-analytics(?:\.exe)? ?[a-z\"]", path.read_text("utf-8"))
]


def name_of(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


# --- generated pages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", reference.STORED, ids=lambda path: path.name)
def test_a_generated_page_is_current(path: Path) -> None:
    assert path.read_text("utf-8") == reference.STORED[path](), "run python -m tests.notebooks.reference"


def test_every_public_call_is_on_the_page() -> None:
    text = (reference.REFERENCE / "calls.md").read_text("utf-8")
    assert [
        name for name in ka.__all__ if inspect.isroutine(getattr(ka, name)) and f"`ka.{name}(" not in text
    ] == []
    for module in reference.MODULES:
        assert [
            name
            for name in getattr(ka, module).__all__
            if name.islower() and f"`ka.{module}.{name}(" not in text
        ] == []
    for resource, of in reference.resources().items():
        names = [name for name, _ in reference.methods(of)]
        assert names
        assert [name for name in names if f"`client.{resource}.{name}(" not in text] == []


def test_what_cannot_be_listed_is_not_said_to_be_exported() -> None:
    text = (reference.REFERENCE / "calls.md").read_text("utf-8")
    exported = re.findall(r"^- `client\.(\w+)\.export\(", text, re.MULTILINE)
    assert exported == [name for name, of in reference.resources().items() if hasattr(of, "list")]


def test_a_signature_shows_what_can_be_passed() -> None:
    def call(
        self: Any, first: int, /, *, size: float = 0.5, names: Any = None, more: Any = object, **rest: Any
    ) -> None:
        """Do it."""

    assert reference.signature(call) == "(first, *, size=0.5, names=None, more=..., **rest)"


@pytest.mark.parametrize(
    ("column", "dtype", "meaning"),
    [
        ("open_rate", "Float64", "fraction: unique opens ÷ delivered"),
        ("created", "datetime64[us, UTC]", "time, UTC"),
        ("send_time", "datetime64[us, America/New_York]", "time, on the account's clock"),
        ("profile_id", "string", "id"),
        ("revenue", "float64", "money"),
        ("tag_ids", "object", "list of ids"),
        ("complete", "boolean", "true or false"),
    ],
)
def test_columns_have_units(column: str, dtype: str, meaning: str) -> None:
    assert reference.meaning(column, dtype) == meaning


def test_a_call_has_words_of_its_own_and_amounts_name_their_currency() -> None:
    assert reference.meaning("average_order_value", "float64") == "money: attributed revenue ÷ conversions"
    assert (
        reference.meaning("average_order_value", "float64", "new_and_returning", ", in `currency`")
        == "money, in `currency`: revenue ÷ orders"
    )
    assert reference.meaning("value", "string", "subject_lines") == "characters such as 21-35, or yes and no"
    assert reference.meaning("whatever", "float64") == reference.UNKNOWN


def test_the_page_says_of_each_column_what_it_holds_and_no_word_is_left_over() -> None:
    rows = re.findall(
        r"^\| `(.+?)` \| [^|]+ \| (.+) \|$",
        (reference.REFERENCE / "frames.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert len(rows) > 500
    said_by_the_dtype = {reference.UNKNOWN, "text", "number", "whole number", "list or dict", "money"}
    assert [column for column, words in rows if words in said_by_the_dtype] == []
    there = {column for column, _ in rows}
    assert [key for key in columns.WORDS if key.rpartition(": ")[2] not in there] == []


def test_every_plot_is_in_the_gallery_with_code_that_imports_what_it_uses() -> None:
    examples = gallery.examples().values()
    code = "\n".join(examples)
    assert [name for name in plots.__all__ if f"ka.plots.{name}(" not in code] == ["auto", "style"]
    for example in examples:
        names = set(re.findall(r"\b(gallery|customers)\.", example))
        assert [name for name in names if f"import {name}\n" not in example] == []


# --- code and command lines ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=200, events=4_000) as served:
        yield served


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a reader would stand, with a key that leads to a small shop without limits."""

    def connect(**arguments: Any) -> KlaviyoClient:
        client = _connect.connect(**arguments)
        client._embed(now=lambda: datetime.fromtimestamp(sandbox.account.now, UTC), on_close=lambda: None)
        return client

    monkeypatch.setattr(ka, "connect", connect, raising=False)
    monkeypatch.setattr(ka, "demo", lambda **_: connect(), raising=False)
    monkeypatch.setenv("KLAVIYO_API_KEY", sandbox.api_key)
    monkeypatch.setenv("KLAVIYO_BASE_URL", sandbox.direct_url)
    monkeypatch.setenv("KLAVIYO_ANALYTICS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text(sandbox.api_key)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "new.csv").write_text("Email,First Name\nann@shop.example,Ann\n")
    (tmp_path / "customers.csv").write_text(
        "Email,First Name,Accepts Email Marketing,Shoe size\nann@shop.example,Ann,yes,38\n"
    )
    return tmp_path


@pytest.mark.parametrize("path", WITH_CODE, ids=name_of)
def test_the_code_of_a_page_runs(path: Path, folder: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
    exec(compile("\n".join(blocks), path.name, "exec"), {})
    plt.close("all")


def commands(text: str) -> list[str]:
    """Return the command lines of the program in the code of a page, also those inside files of schedulers."""
    code = re.findall(r"^```(?:bash|text|ini|yaml|powershell)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    code += ["\n".join(re.findall(r"^    (klaviyo-analytics .*)$", text, re.MULTILINE))]
    found = []
    for block in code:
        if installed := re.search(r"klaviyo-analytics\.exe.*?-Argument '([^']*)'", block, re.DOTALL):
            found.append(installed[1])
        found += re.findall(r"(?:^|[/ ])klaviyo-analytics ([a-z][^\n&|;]*)", block, re.MULTILINE)
    return [line.strip() for line in found]


@pytest.mark.parametrize("path", [*COMMANDS, *store.HOW_TO], ids=name_of)
def test_the_command_lines_of_a_page_work(path: Path, folder: Path) -> None:
    for line in commands(said(path)):
        if line.startswith("demo"):
            continue  # tests/cli runs it
        arguments = shlex.split(line.replace("...", "select 1 as one"), comments=True)
        assert command_line(arguments) == 0, line
    plt.close("all")


def test_command_lines_are_found_wherever_they_stand() -> None:
    text = (FOLDER / "guide" / "howto" / "schedules.md").read_text("utf-8")
    assert commands(text).count("sync klaviyo-archive --key-file key") == 3
    assert 'report "last week" --to report.html' in commands(text)


def test_the_workflow_is_yaml_and_its_times_are_cron() -> None:
    text = (FOLDER / "guide" / "howto" / "schedules.md").read_text("utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    workflow = importlib.import_module("yaml").safe_load(block)
    assert [step["run"] for step in workflow["jobs"]["report"]["steps"] if "run" in step][-1].startswith(
        "klaviyo-analytics report"
    )
    lines = re.findall(r"^(.*\S)  cd ", text, re.MULTILINE)
    times = [*lines, workflow[True]["schedule"][0]["cron"]]  # YAML 1.1 reads "on" as true
    assert len(times) == 3
    assert all(re.fullmatch(r"\d+ \d+ \* \* [*\d]", time) for time in times)


def test_the_answers_of_one_line_run(folder: Path) -> None:
    text = (FOLDER / "guide" / "howto" / "index.md").read_text("utf-8")
    lines = re.findall(r"^\| .*\? \| `(client\.[^`]*)`", text, re.MULTILINE)
    assert len(lines) > 6
    names = {"holdout": "Window shoppers 👀", "treated": "United States"}
    with ka.demo() as client:
        for line in lines:
            assert eval(line, {"client": client, "ka": ka} | names) is not None, line


@pytest.mark.parametrize("path", store.NOTEBOOKS, ids=name_of)
def test_the_extra_all_brings_what_a_notebook_imports(path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = re.findall(r"[a-z]+", re.findall(r"\[(.*)\]", extras["all"][0])[0])
    brought = {
        re.split(r"[^\w-]", line)[0]
        for group in (project["dependencies"], *map(extras.get, names))
        for line in group
    }
    code = "\n".join(
        "".join(cell["source"])
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "code"
    )
    imported = {name for line in ast.walk(ast.parse(code)) for name in _imports(line)}
    assert imported - brought - sys.stdlib_module_names == {"klaviyo_analytics"}


def _imports(line: ast.AST) -> list[str]:
    """Return the packages that a line of code imports."""
    if isinstance(line, ast.ImportFrom):
        return [str(line.module).partition(".")[0]]
    return [each.name.partition(".")[0] for each in line.names] if isinstance(line, ast.Import) else []


# --- names --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def objects() -> Iterator[dict[str, Any]]:
    with ka.connect(api_key="pk_0123456789") as client:
        yield {"ka": ka, "client": client, "archive": ka.Archive, "klaviyo_analytics": ka}


def said(path: Path) -> str:
    if path.suffix == ".ipynb":
        return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"])
    return path.read_text("utf-8")


@pytest.mark.parametrize("path", [*PAGES, *store.NOTEBOOKS, ROOT / "README.md"], ids=lambda path: path.name)
def test_every_call_that_is_named_exists(path: Path, objects: dict[str, Any]) -> None:
    missing = set()
    for chain in re.findall(r"(?<![\w./-])((?:client|ka|archive)(?:\.[A-Za-z_]\w*)+)", said(path)):
        first, *names = chain.split(".")
        thing = objects[first]
        for name in names:
            if first == "ka" and names[0] == "F":
                break
            if isinstance(thing, KlaviyoClient) and name in ("account", "cache"):
                break  # the account would be asked
            if not hasattr(thing, name):
                missing.add(chain)
                break
            thing = getattr(thing, name)
            if not (
                isinstance(thing, type)
                or thing.__class__.__module__.startswith("klaviyo_analytics")
                or hasattr(thing, "__all__")
                or hasattr(thing, "__path__")
            ):
                break  # a function: what it returns is pandas'
    assert missing == set()


@pytest.mark.parametrize("path", store.NOTEBOOKS, ids=name_of)
def test_what_lies_over_a_picture_lets_the_picture_through(path: Path) -> None:
    """An explorer draws each series on a layer of its own, so that a reader can switch it off."""
    layers = re.findall(r'<img alt="" src="data:image/png;base64,([^"]+)"', "".join(_html_of(path)))
    assert bool(layers) == (path.stem == "06_explore")
    for layer in layers:
        with Image.open(io.BytesIO(base64.b64decode(layer))) as image:
            assert image.convert("RGBA").getchannel("A").getextrema()[0] == 0


def _html_of(path: Path) -> Iterator[str]:
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", ()):
            yield from output.get("data", {}).get("text/html", ())


# --- the site -----------------------------------------------------------------------------------------------


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there">1</a><a href="b.html#gone">2</a><a href="c.html">3</a>'
        '<a href="https://klaviyo.com">4</a><img src="x.png"><script src="https://cdn.example/x.js"></script>'
    )
    (tmp_path / "b.html").write_text('<p id="there"><a href="#there">up</a>')
    assert build.broken_links(tmp_path) == [
        "a.html loads https://cdn.example/x.js",
        "a.html: b.html#gone leads to no place of that page",
        "a.html: c.html is not there",
        "a.html: x.png is not there",
    ]


def test_ci_builds_the_site() -> None:
    text = (ROOT / ".ci" / "run").read_text("utf-8")
    assert 'pip install -q -e ".[test,spark,docs]"' in text
    assert "python -m tests.notebooks.build" in text


@pytest.mark.skipif(
    importlib.util.find_spec("sphinx") is None, reason="needs the extra docs; .ci/run builds the whole site"
)
def test_the_configuration_runs_no_notebook_and_loads_nothing_from_elsewhere() -> None:
    names: dict[str, Any] = {}
    exec((FOLDER / "guide" / "conf.py").read_text("utf-8"), names)
    assert (names["nb_execution_mode"], names["nb_ipywidgets_js"]) == ("off", {})
