"""What people read is plain English: the habits that made messages and docstrings stumble do not come back."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "klaviyo_analytics").rglob("*.py"))
PROSE = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "notebooks").rglob("*.md"))]
NOTEBOOKS = sorted(
    path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)

OPENINGS = re.compile(r"(Gives?|Tells?|Says?|Names?|Takes?|Notes?|Hears?|Lets?)\b(?! that)")
PLACEHOLDERS = re.compile(r"^\s*(Required|Optional|Related)\.\s*$", re.MULTILINE)
HABITS = {
    r"\bis no (?!longer)(such )?[a-z]+": "say what is wrong: 'is not a valid ...', 'no metric has this name'",
    r"\b(is|are) none\b": "say what is wrong",
    r"\bis nobody\b": "say what is missing",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bfor who\b": "for callers that",
    r"\b(is|are) told by\b|\btells (what|whom|how)\b": "is set by; shows; returns",
    r"\bby itself, if\b": "automatically",
    r"\bheed(s|ed)?\b|\bhangs? on\b": "follow; belong to",
    r"\bfrom 0 on\b": "non-negative",
    r"\be-mails?\b": "email",
    r"\b\d+ %(?!\s*[\d(])": "40%, without the space",
    r"\bdressed\b": "documented",
    r"\bnouns?\b": "resource",
}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings and comments of a module with their lines."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT) or token.type == getattr(
            tokenize, "FSTRING_MIDDLE", -1
        ):
            yield token.start[0], token.string


def found(text: str, first_line: int = 1) -> Iterator[str]:
    for habit, instead in HABITS.items():
        for match in re.finditer(habit, text):
            line = first_line + text.count("\n", 0, match.start())
            yield f"line {line}: {match.group()!r} ({instead})"


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_strings_and_comments(path: Path) -> None:
    assert [habit for line, text in texts(path) for habit in found(text, line)] == []


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_say_what_a_function_returns_or_does(path: Path) -> None:
    odd = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            text = ast.get_docstring(node) or ""
            if OPENINGS.match(text) or PLACEHOLDERS.search(text):
                odd.append(f"line {node.lineno}: {node.name}: {text.splitlines()[0]}")
    assert odd == []


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages(path: Path) -> None:
    assert list(found(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    assert [habit for cell in cells for habit in found("".join(cell["source"]))] == []


@pytest.mark.parametrize(
    "text", ["5 is no number", "Ids are none", "mend them", "for who reads", "40 % of", "an e-mail"]
)
def test_the_habits_are_found_where_they_are(text: str) -> None:
    assert list(found(text))
