"""The gallery of the guide: each picture of `klaviyo_analytics.plots.gallery` beside the code that makes it.

The code is taken from the source of `gallery.pictures`, completed so that it runs alone, and then run to draw the
picture. So what a reader copies is what was drawn.
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from klaviyo_analytics import plots
from klaviyo_analytics.plots import gallery

DPI = 100
BETWEEN = "# the next picture"
ALIASES = {"gallery": "from klaviyo_analytics.plots import gallery"}


class _Complete(ast.NodeTransformer):
    """Replace what a name means inside the gallery's module by what a reader can write."""

    def __init__(self, local: Mapping[str, ast.expr]) -> None:
        self.local = local
        self.used: list[str] = []
        self.imports: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.local:
            if node.id not in self.used:
                self.used.append(node.id)
            return node
        meant = getattr(gallery, node.id, None)
        if meant is plots:
            return ast.parse("ka.plots", mode="eval").body
        if isinstance(meant, ModuleType):
            own = meant.__name__.rpartition(".")
            self.imports.add(f"from {own[0]} import {own[2]}")
            return ast.Name(own[2])
        if isinstance(meant, FunctionType):
            self.imports.add(ALIASES["gallery"])
            return ast.Attribute(ast.Name("gallery"), node.id)
        return node if meant is None else ast.parse(repr(meant), mode="eval").body


def examples() -> dict[str, str]:
    """Return the code of each picture by its caption."""
    (function,) = ast.parse(inspect.getsource(gallery.pictures)).body
    assert isinstance(function, ast.FunctionDef)
    local: dict[str, ast.expr] = {}
    code = {}
    for statement in function.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            local[statement.targets[0].id] = statement.value
        elif isinstance(statement, ast.Return) and isinstance(statement.value, ast.Dict):
            for key, drawn in zip(statement.value.keys, statement.value.values, strict=True):
                assert isinstance(key, ast.Constant)
                assert isinstance(drawn, ast.Lambda)
                code[str(key.value)] = _code(drawn.body, local)
    return dict(zip(code, _formatted(code.values()), strict=True))


def _code(call: ast.expr, local: Mapping[str, ast.expr]) -> str:
    complete = _Complete(local)
    lines = [f"drawn = {ast.unparse(complete.visit(deepcopy(call)))}"]
    for name in complete.used:  # grows while frames that need other frames are written
        lines.insert(0, f"{name} = {ast.unparse(complete.visit(deepcopy(local[name])))}")
    return "\n".join(["import klaviyo_analytics as ka", *sorted(complete.imports), "", *lines])


def _formatted(code: Iterable[str]) -> list[str]:
    """Break long lines as a reader would; all examples at once, since starting the formatter takes longest."""
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "88", "-"]
    joined = f"\n{BETWEEN}\n".join(code)
    done = subprocess.run(command, input=joined, capture_output=True, text=True, check=True)
    return [part.strip() for part in done.stdout.split(BETWEEN)]


def draw(code: str, path: Path, *, dark: bool) -> None:
    """Run the code of a picture and save what it draws."""
    names: dict[str, Any] = {}
    with plots.style(dark=dark):
        exec(compile(code, "gallery", "exec"), names)
        figure = names["drawn"] if isinstance(names["drawn"], Figure) else names["drawn"].figure
        figure.savefig(path, dpi=DPI)
    plt.close(figure)


def write(folder: Path) -> None:
    """Write the page and its pictures, light and dark, into a folder of the guide."""
    pictures = folder / "gallery"
    pictures.mkdir()
    page = [
        "# Gallery",
        "",
        "Every picture is drawn by the code below it, from made-up frames of the shape that the account's own have. "
        "`ka.plots.auto(frame)` chooses the picture for an analysis; "
        "[the reference](reference/plots.rst) has every option.",
    ]
    for caption, code in examples().items():
        name = re.sub(r"\W+", "-", caption).strip("-")
        page += ["", f"## `{caption}`", ""]
        for theme in ("light", "dark"):
            draw(code, pictures / f"{name}-{theme}.png", dark=theme == "dark")
            page += [
                f"```{{image}} gallery/{name}-{theme}.png",
                f":class: only-{theme}",
                f":alt: {caption}",
                "```",
                "",
            ]
        page += ["```python", code, "```"]
    (folder / "gallery.md").write_text("\n".join(page) + "\n", "utf-8")
