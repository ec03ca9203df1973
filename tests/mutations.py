"""Mutation testing by seed: small changes to transport, paging, writing and analysis that a test notices.

``python -m tests.mutations --count 200 --seed 1`` works in a copy of the repository, so that nothing here changes. It
prints the mutations that survived.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = {  # what is changed, and the tests that have to notice
    "klaviyo_analytics/http": ["tests/http", "tests/test_polling.py"],
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
OPPOSITES: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
}  # fmt: skip


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Yield each possible change as (line, description, changed module)."""
    for place, node in enumerate(ast.walk(tree)):
        changed = copy.deepcopy(tree)
        twin = next(each for at, each in enumerate(ast.walk(changed)) if at == place)
        words = _change(twin)
        if words:
            yield getattr(node, "lineno", 0), words, changed


def _change(node: ast.AST) -> str | None:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPPOSITES:
        before = type(node.ops[0])
        node.ops[0] = OPPOSITES[before]()  # type: ignore[call-overload]
        return f"{before.__name__} -> {OPPOSITES[before].__name__}"
    if isinstance(node, (ast.BoolOp, ast.BinOp)) and type(node.op) in OPPOSITES:
        replaced = type(node.op)
        node.op = OPPOSITES[replaced]()  # type: ignore[assignment]
        return f"{replaced.__name__} -> {OPPOSITES[replaced].__name__}"
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
    while len(found) < count:
        path, tests = dice.choice(places)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sites = sum(_change(copy.deepcopy(node)) is not None for node in ast.walk(tree))
        if sites:
            wanted = dice.randrange(sites)
            line, words, changed = next(one for at, one in enumerate(mutants(tree)) if at == wanted)
            name = path.relative_to(ROOT).as_posix()
            found.append((name, line, words, ast.unparse(ast.fix_missing_locations(changed)), tests))
    return found


def passes(copied: Path, tests: list[str]) -> bool:
    """Run tests in the copy; a run that hangs has not passed."""
    ignored = [f"--ignore={each}" for each in SLOW]
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *ignored, *tests],
            cwd=copied,
            check=False,
            env={**os.environ, "PYTHONPATH": str(copied)},
            capture_output=True,
            timeout=900,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def survives(copied: Path, name: str, source: str, tests: list[str]) -> bool:
    """Run the tests on one mutation."""
    path = copied / name
    before = path.read_text(encoding="utf-8")
    path.write_text(source, encoding="utf-8")
    try:
        return passes(copied, tests)
    finally:
        path.write_text(before, encoding="utf-8")


def main(count: int, seed: int, only: str = "") -> int:
    """Print the survivors of so many mutations; 1 if the tests fail without any."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / "copy"
        shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache"))
        chosen = choices(count, seed, only)
        for group in {tuple(each[-1]) for each in chosen}:
            if not passes(copied, list(group)):
                print(f"{', '.join(group)} fail without a mutation, so they show nothing")
                return 1
        left = 0
        for number, (name, line, words, source, tests) in enumerate(chosen, 1):
            lives = survives(copied, name, source, tests)
            left += lives
            print(f"{number}: {'SURVIVED' if lives else 'noticed'}: {name}:{line}: {words}", flush=True)
        print(f"{left} of {count} mutations survived")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a part of the package, such as http or quota")
    options = parser.parse_args()
    sys.exit(main(options.count, options.seed, options.only))
