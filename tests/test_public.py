"""The public door: what is visible, what importing costs, and that every public name says what it is."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import endpoints
from klaviyo_analytics.endpoints import Endpoint, revisions

EVERY_REVISION = revisions.union(map(endpoints.load, revisions.TABLES))  # what signatures allow
HEAVY = {
    "pandas",
    "numpy",
    "matplotlib",
    "ipywidgets",
    "duckdb",
    "pyarrow",
    "requests",
    "orjson",
    "tqdm",
    "werkzeug",
}


def in_a_fresh_interpreter(code: str) -> Any:
    """Run code that leaves its answer in `answer`."""
    script = f"import sys, json\n{code}\nprint(json.dumps(answer))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


def loaded(code: str) -> set[str]:
    """Name the packages that a fresh interpreter has loaded after some code."""
    return set(
        in_a_fresh_interpreter(f"{code}\nanswer = sorted({{name.split('.')[0] for name in sys.modules}})")
    )


class TestTheDoor:
    def test_all_is_what_is_visible(self) -> None:
        assert dir(ka) == sorted(ka.__all__)
        assert ka.__all__ == sorted(ka.__all__)
        assert in_a_fresh_interpreter("import klaviyo_analytics as ka; answer = dir(ka)") == sorted(
            ka.__all__
        )

    @pytest.mark.parametrize("name", ka.__all__)
    def test_every_name_is_there_and_says_what_it_is(self, name: str) -> None:
        thing = getattr(ka, name)
        assert getattr(ka, name) is thing
        if name == "__version__":
            assert re.fullmatch(r"\d+\.\d+\.\d+", thing)
        else:
            assert (inspect.getdoc(thing) or "").strip()

    def test_type_checkers_see_the_same_names(self) -> None:
        assert ka.__file__ is not None
        tree = ast.parse(Path(ka.__file__).read_text("utf-8"))
        (guarded,) = (
            n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"
        )
        seen = {
            alias.asname or alias.name
            for node in ast.walk(guarded)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert seen | {"__version__"} == set(ka.__all__)

    def test_another_name_is_refused_with_those_that_there_are(self) -> None:
        with pytest.raises(AttributeError, match=r"no attribute 'conect'; there are .*connect"):
            _ = ka.conect

    def test_modules_show_what_they_offer(self) -> None:
        for module in (ka.analysis, ka.plots, ka.widgets):
            for name in module.__all__:
                thing = getattr(module, name)
                assert not callable(thing) or (inspect.getdoc(thing) or "").strip(), (
                    f"{module.__name__}.{name}"
                )


class TestTheClient:
    @pytest.fixture
    def client(self) -> Iterator[Any]:
        with ka.connect(api_key="pk_0123456789") as client:
            yield client

    @pytest.mark.parametrize(
        ("given", "meant"),
        [
            ("profile", "profiles"),
            ("campaign", "campaigns"),
            ("metrics_aggregates", "metric_aggregates"),
            ("chek", "check"),
        ],
    )
    def test_a_misspelt_name_is_answered_with_the_right_one(
        self, client: Any, given: str, meant: str
    ) -> None:
        with pytest.raises(AttributeError, match=f"no attribute '{given}'. Did you mean '{meant}'"):
            getattr(client, given)
        assert not hasattr(client, given)

    def test_a_name_like_no_other_leads_to_the_list(self, client: Any) -> None:
        with pytest.raises(AttributeError, match=r"client\.describe\(\) lists the resources"):
            _ = client.zzzz

    def test_completion_offers_resources_that_nobody_has_used(self, client: Any) -> None:
        annotated = {name for name in type(client).__annotations__ if not name.startswith("_")}
        assert annotated <= set(dir(client))
        assert annotated == set(client.describe()["resource"])

    def test_a_resource_is_created_once(self, client: Any) -> None:
        assert client.tags is client.tags


class TestImporting:
    def test_it_loads_nothing_but_the_package_and_the_standard_library(self) -> None:
        assert loaded("import klaviyo_analytics") - set(sys.stdlib_module_names) - loaded("") <= {
            "klaviyo_analytics"
        }
        assert not loaded("import klaviyo_analytics") & HEAVY

    def test_errors_filters_and_time_frames_need_no_pandas_either(self) -> None:
        code = "import klaviyo_analytics as ka; ka.F.a == 1; ka.errors; ka.Timeframe; ka.vocabulary"
        assert not loaded(code) & HEAVY

    def test_connecting_loads_no_plots_and_no_widgets(self) -> None:
        code = "import klaviyo_analytics as ka; ka.connect(api_key='pk_0123456789')"
        assert not loaded(code) & {"matplotlib", "ipywidgets", "duckdb", "werkzeug", "tqdm", "IPython"}

    def test_connecting_imports_no_resource(self) -> None:
        code = "import klaviyo_analytics as ka; ka.connect(api_key='pk_0123456789')"
        packages = "[name for name in sys.modules if name.startswith('klaviyo_analytics.')]"
        modules = set(in_a_fresh_interpreter(f"{code}\nanswer = {packages}"))
        rooms = {name.split(".")[1] for name in modules}
        assert not rooms & {"analysis", "plots", "summaries", "widgets", "writeback", "sandbox"}
        assert not [name for name in modules if "_generated" in name]

    def test_it_has_no_effect(self) -> None:
        code = """
import logging, os, warnings
before = (dict(os.environ), logging.root.handlers[:], warnings.filters[:], sys.excepthook)
import klaviyo_analytics
answer = before == (dict(os.environ), logging.root.handlers[:], warnings.filters[:], sys.excepthook)
"""
        assert in_a_fresh_interpreter(code)


def reading_verbs() -> Iterator[Any]:
    """Give every verb that reads one endpoint."""
    with ka.connect(api_key="pk_0123456789") as client:
        nouns = {name: getattr(client, name) for name in client.describe()["resource"].unique()}
    for noun, thing in nouns.items():
        for name, verb in inspect.getmembers(type(thing), callable):
            operations = [EVERY_REVISION[one] for one in getattr(verb, "operations", ())]
            if len(operations) == 1 and (operations[0].method == "GET" or name == "query"):
                yield pytest.param(verb, operations[0], id=f"{noun}.{name}")


VERBS = list(reading_verbs())


def described(verb: Any) -> set[str]:
    """Name the parameters that a docstring describes."""
    section = (inspect.getdoc(verb) or "").partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    names = re.findall(r"^(\S[^:\n]*?) :", section, re.MULTILINE)
    return {name.strip() for line in names for name in line.split(",") if "[" not in name}


def parameters(verb: Any) -> dict[str, inspect.Parameter]:
    return {name: p for name, p in inspect.signature(verb).parameters.items() if name != "self"}


def test_there_are_verbs_to_look_at() -> None:
    assert len(VERBS) > 60


@pytest.mark.parametrize(("verb", "endpoint"), VERBS)
class TestVerbs:
    def test_the_docstring_begins_with_a_sentence_and_names_the_endpoint(
        self, verb: Any, endpoint: Endpoint
    ) -> None:
        doc = inspect.getdoc(verb) or ""
        assert re.match(r"[A-Z`].*[.:]$", doc.splitlines()[0])
        assert f"``{endpoint.method} {endpoint.path}``, limited to" in doc

    def test_every_parameter_is_named_and_described(self, verb: Any, endpoint: Endpoint) -> None:
        if verb.__name__ == "find":
            return
        named = parameters(verb)
        assert not any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in named.values())
        assert set(named) == described(verb) or "see `list`" in (inspect.getdoc(verb) or "")
        assert all(p.kind is p.KEYWORD_ONLY for p in named.values() if p.default is not p.empty)

    def test_what_the_endpoint_allows_can_be_asked_for_and_is_listed(
        self, verb: Any, endpoint: Endpoint
    ) -> None:
        words = {
            "filter": list(endpoint.filters),
            "sort": list(endpoint.sort),
            "include": list(endpoint.include),
            "additional_fields": [name for names in endpoint.additional_fields.values() for name in names],
        }
        flat = " ".join((inspect.getdoc(verb) or "").split())
        for parameter in set(words) & set(parameters(verb)) if endpoint.method == "GET" else ():
            assert words[parameter], parameter
            assert "see `list`" in flat or [word for word in words[parameter] if word not in flat] == [], (
                parameter
            )
