"""Mutation testing by seed: small changes to transport, paging, writing and analysis that a test notices.

``python -m tests.mutations --count 200 --seed 1`` works in a copy of the repository, so that nothing here changes. It
prints each mutation and whether the tests noticed it.

Of 60 with seed 3 (20 each with ``--only http``, ``endpoints`` and ``quota``), 15 survived; of 85 more with the
seeds 4 and 6 (45 in http, 25 in endpoints, 15 in quota), 28. New tests notice 21 of them, and
tests/resources/test_stream.py, which is run for http now, 4. Of 25 in writeback and analysis, for which only the
nearest one to five files were run, 12 survived: new tests notice 4, and a file further away at least one. Three in
analysis (segments, funnel, _events) were not tried with all files. Of 24 with seed 11 (12 in http, 12 in writeback
with the nearest five files), 7 survived: new tests notice 4, and a file further away 1. These stay, because nothing
that a caller can observe depends on them:

- ``slots=True`` or ``frozen=True`` of a dataclass turned off (rate_limits, endpoints, query); no longer tried;
- ``SlidingWindows.add`` shortens its list one call earlier, and still keeps what the windows need;
- ``Ledger.undo`` looks at the last ten times instead of the last one before it removes one (three times);
- ``key.split("/", maxsplit=1)[0]`` with another ``maxsplit``, and the same of ``when.split("=", 1)``;
- in `translated`, an OSError counts as a missing bundle if "TLS" *and* "certificate" occur: the text of
  `requests` has both;
- in `loads`, more bodies are decoded by the standard library, which reads the same and is slower;
- a cancelled read looks at the socket every 0.1 s without counting what is left until its timeout (twice), and
  ends its grace a moment later;
- a row of an outcome is unpacked without a check of its length, and a checksum seals it in the journal;
- `loads` takes a body of exactly `LONG` bytes in the other thread; `zip` of two lists that are equally long is not
  `strict` (catalogs);
- `writeback.resume` has another default, which its only caller always replaces; the estimate of the time that is
  left counts another number of requests;
- 320 instead of 32 connections may be kept open; the time in a debug line is wrong; `Reply.ambiguous` has another
  default, which nobody uses.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = {  # what is changed, and the tests that have to notice
    "klaviyo_analytics/http": [
        "tests/http",
        "tests/test_polling.py",
        "tests/test_canary.py",
        "tests/resources/test_stream.py",  # how many readers work at once
    ],
    "klaviyo_analytics/endpoints": ["tests/endpoints", "tests/http"],
    "klaviyo_analytics/quota": ["tests/quota"],
    "klaviyo_analytics/writeback": ["tests/writeback"],
    "klaviyo_analytics/analysis": ["tests/analysis"],
}
SLOW = (
    "tests/http/test_foreign_documents.py",
    "tests/http/test_fault_matrix.py",
    "tests/writeback/test_killed.py",
    "tests/analysis/test_spark.py",
)
HANGS, SURVIVED = "a run that hangs", "SURVIVED"
OPPOSITES: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
}  # fmt: skip


def sites(tree: ast.Module) -> list[int]:
    """Return the places, in the order of `ast.walk`, of nodes that can be changed."""
    indifferent = {
        id(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for made in node.decorator_list
        if isinstance(made, ast.Call)
        for keyword in made.keywords
    }
    return [
        place
        for place, node in enumerate(ast.walk(tree))
        if id(node) not in indifferent and _change(copy.copy(node)) is not None
    ]


def mutant(source: str, place: int) -> tuple[int, str, str]:
    """Return the line, the description and the source of a module whose node at `place` is changed."""
    tree = ast.parse(source)
    node = next(each for at, each in enumerate(ast.walk(tree)) if at == place)
    line, words = getattr(node, "lineno", 0), _change(node)
    assert words
    return line, words, ast.unparse(ast.fix_missing_locations(tree))


def _change(node: ast.AST) -> str | None:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPPOSITES:
        before = type(node.ops[0])
        node.ops = [OPPOSITES[before](), *node.ops[1:]]  # type: ignore[list-item]
        return f"{before.__name__} -> {OPPOSITES[before].__name__}"
    if isinstance(node, (ast.BoolOp, ast.BinOp)) and type(node.op) in OPPOSITES:
        old = type(node.op)
        node.op = OPPOSITES[old]()  # type: ignore[assignment]
        return f"{old.__name__} -> {OPPOSITES[old].__name__}"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
        return "not dropped"
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
        return f"{not node.value} -> {node.value}"
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        node.value = node.value * 10 or 1
        return f"number -> {node.value}"
    return None


def choices(count: int, seed: int, only: str = "") -> list[tuple[str, int, str, str, list[str]]]:
    """Choose mutations: (file, line, description, changed source, tests), the same for the same seed.

    `only` limits them to the parts of the package whose path holds this text.
    """
    dice = random.Random(seed)
    found: list[tuple[str, int, str, str, list[str]]] = []
    places = [
        (path, tests)
        for part, tests in TESTS.items()
        if only in part
        for path in ([ROOT / part] if part.endswith(".py") else sorted((ROOT / part).rglob("*.py")))
    ]
    known: dict[Path, tuple[str, list[int]]] = {}
    while len(found) < count:
        path, tests = dice.choice(places)
        if path not in known:
            source = path.read_text(encoding="utf-8")
            known[path] = source, sites(ast.parse(source))
        source, possible = known[path]
        if possible:
            line, words, changed = mutant(source, dice.choice(possible))
            found.append((path.relative_to(ROOT).as_posix(), line, words, changed, tests))
    return found


def nearest_first(root: Path, name: str, tests: list[str]) -> list[str]:
    """List the test files of some folders, those first that are named after the module, or mention it."""
    stem = Path(name).stem.strip("_")
    found = [
        path
        for each in tests
        for path in ([root / each] if each.endswith(".py") else (root / each).rglob("test_*.py"))
    ]
    files = sorted(path for path in set(found) if path.relative_to(root).as_posix() not in SLOW)

    def distance(path: Path) -> tuple[bool, int]:
        return stem not in path.stem, -len(re.findall(rf"\b{stem}\b", path.read_text(encoding="utf-8")))

    return [path.relative_to(root).as_posix() for path in sorted(files, key=distance)]


def failing(copied: Path, tests: list[str]) -> str:
    """Run tests in the copy and return the first that fails; a run that hangs has failed."""
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--tb=no"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=copied,
            check=False,
            env={**os.environ, "PYTHONPATH": str(copied)},
            capture_output=True,
            text=True,
            timeout=900,
        )
    except subprocess.TimeoutExpired:
        return HANGS
    if done.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S+?)(?: - |$)", done.stdout, re.MULTILINE)
    return found[1] if found else tests[0]


def verdict(copied: Path, name: str, source: str, tests: list[str]) -> str:
    """Run the tests on one mutation; what fails is run again without it, since it may fail anyway."""
    path = copied / name
    before = path.read_text(encoding="utf-8")
    path.write_text(source, encoding="utf-8")
    try:
        failed = failing(copied, tests)
    finally:
        path.write_text(before, encoding="utf-8")
    if not failed:
        return SURVIVED
    fails_anyway = failed != HANGS and failing(copied, [failed])
    return f"fails without it, too: {failed}" if fails_anyway else f"noticed by {failed}"


def main(count: int, seed: int, only: str = "", nearest: int | None = None) -> int:
    """Print what became of so many mutations; 1 if a test fails without any."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "copy"
        shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache"))
        left = useless = 0
        for number, (name, line, words, source, tests) in enumerate(choices(count, seed, only), 1):
            found = verdict(copied, name, source, nearest_first(copied, name, tests)[:nearest])
            left += found == SURVIVED
            useless += found.startswith("fails")
            print(f"{number}: {name}:{line}: {words}: {found}", flush=True)
        print(f"{left} of {count} mutations survived")
    return 1 if useless else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a part of the package, such as http or quota")
    parser.add_argument("--nearest", type=int, help="how many test files to run for each; all by default")
    options = parser.parse_args()
    sys.exit(main(options.count, options.seed, options.only, options.nearest))
