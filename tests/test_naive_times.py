"""Nothing in the package reads a time on the machine's own clock: one place parses, and it knows the zone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import klaviyo_analytics

PACKAGE = Path(klaviyo_analytics.__file__).parent
# who may parse a text as a time, because what has no offset gets a zone on the spot
PARSERS = {
    "timeframe/words.py": "the one reader of times",
    "filters/fields.py": "filters know no account; an offsetless time is UTC, as documented",
    "analysis/_calendar.py": "the period that a report's frame states, compared with another such period only",
}


def naive(tree: ast.AST, *, may_parse: bool) -> Iterator[str]:
    """Yield each call that reads a text without a zone, or that uses the machine's zone."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, words = node.func.attr, {word.arg for word in node.keywords}
        owner = ast.unparse(node.func.value)
        if name == "fromisoformat" and owner.endswith("datetime") and not may_parse:
            yield f"line {node.lineno}: {owner}.fromisoformat"
        if name in ("utcnow", "utcfromtimestamp", "today") and owner.split(".")[-1] in ("datetime", "date"):
            yield f"line {node.lineno}: {owner}.{name}"
        needed = {"now": 1, "fromtimestamp": 2}.get(name, 0) if owner.split(".")[-1] == "datetime" else 0
        if len(node.args) + len(words & {"tz"}) < needed:
            yield f"line {node.lineno}: {owner}.{name} without a zone"
        if name == "astimezone" and not node.args and not words:
            yield f"line {node.lineno}: astimezone() of the machine"
        if (owner, name) in (("time", "localtime"), ("time", "mktime"), ("time", "strftime")):
            yield f"line {node.lineno}: {owner}.{name}"


def files() -> list[str]:
    paths = (path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
    return sorted(path for path in paths if not path.startswith("sandbox/"))


@pytest.mark.parametrize("path", files())
def test_no_file_reads_times_on_its_own(path: str) -> None:
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    assert list(naive(tree, may_parse=path in PARSERS)) == []


def test_the_sandbox_never_uses_the_machines_zone() -> None:
    found = {
        path.name: calls
        for path in (PACKAGE / "sandbox").rglob("*.py")
        if (calls := list(naive(ast.parse(path.read_text(encoding="utf-8")), may_parse=True)))
    }
    assert found == {}


@pytest.mark.parametrize(
    "code",
    [
        "datetime.fromisoformat(text)",
        "dt.datetime.fromisoformat(text)",
        "datetime.now()",
        "datetime.fromtimestamp(seconds)",
        "datetime.utcnow()",
        "date.today()",
        "moment.astimezone()",
        "time.localtime()",
    ],
)
def test_it_finds(code: str) -> None:
    assert len(list(naive(ast.parse(code), may_parse=False))) == 1


@pytest.mark.parametrize(
    "code",
    ["datetime.now(UTC)", "datetime.now(tz=UTC)", "moment.astimezone(UTC)", "datetime.fromtimestamp(1, UTC)"],
)
def test_it_lets_pass(code: str) -> None:
    assert list(naive(ast.parse(code), may_parse=False)) == []
