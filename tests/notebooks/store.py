"""Notebooks are stored with their outputs, so that a reader sees what they teach before running anything.

`python -m tests.notebooks.store` runs all of them in order and stores what they show; names of notebooks choose
some. What changes from run to run is taken out: metadata, widgets, ports and addresses in memory. Pictures are
stored with few colours. `tests/journeys/test_notebooks.py` runs the notebooks again and compares the texts.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
TUTORIAL = sorted(FOLDER.glob("*.ipynb"))
HOW_TO = sorted((FOLDER / "guide" / "howto").glob("*.ipynb"))
NOTEBOOKS = [*TUTORIAL, *HOW_TO]

WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURE = "image/png"
COLOURS = 128
KEYS = ("MATON_API_KEY", "KLAVIYO_API_KEY", "KLAVIYO_BASE_URL", "MATON_CTRL_URL")
CHANGES = {  # what differs between two runs, and what is stored for it
    r"127\.0\.0\.1:\d+": "127.0.0.1:8765",
    r"\b0x[0-9a-f]{6,}\b": "0x0",
    r"request id [0-9a-f-]{36}": "request id 00000000-0000-0000-0000-000000000000",
    r"/tmp/[\w./-]+": "/tmp/…",
}
INLINE = re.compile(r"(data:image/png;base64,)([A-Za-z0-9+/=]+)")
STYLED = re.compile(r"\bT_([0-9a-f]{5})(?![0-9a-f])")


def environment(folder: Path) -> dict[str, str]:
    """Return an environment without keys, whose files are all below one folder."""
    kept = {name: value for name, value in os.environ.items() if name not in KEYS}
    own = {"IPYTHONDIR": "ipython", "JUPYTER_RUNTIME_DIR": "runtime", "KLAVIYO_ANALYTICS_HOME": "home"}
    return kept | {name: str(folder / place) for name, place in own.items()}


def execute(path: Path, folder: Path, *, before_the_end: str | None = None) -> nbformat.NotebookNode:
    """Run a notebook in an empty folder; `before_the_end` is one more cell before the client is closed."""
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    if before_the_end:
        places = [place for place, cell in enumerate(notebook.cells) if cell.source == "client.close()"]
        notebook.cells.insert(places[-1], nbformat.v4.new_code_cell(before_the_end))
    work = folder / "work"
    work.mkdir()
    client = NotebookClient(
        notebook,
        timeout=600,  # a busy machine takes its time, and its kernel, too
        startup_timeout=120,
        iopub_timeout=120,
        coalesce_streams=True,
        resources={"metadata": {"path": os.fspath(work)}},
    )
    client.execute(env=environment(folder))
    return notebook


def cleaned(notebook: nbformat.NotebookNode, *, recolour: bool = True) -> nbformat.NotebookNode:
    """Return the notebook as it is stored: what a reader sees, and nothing that changes from run to run.

    `recolour=False` leaves pictures as they are, for whoever compares the texts.
    """
    stored: nbformat.NotebookNode = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "pandas": pandas_version(),
        }
    )
    count = 0
    for number, cell in enumerate(notebook.cells):
        common = {
            "id": f"cell-{number:02}",
            "metadata": {"tags": cell.metadata.tags} if "tags" in cell.metadata else {},
        }
        if cell.cell_type != "code":
            stored.cells.append(nbformat.v4.new_markdown_cell(cell.source, **common))
            continue
        count += 1
        outputs = [kept for output in cell.outputs if (kept := _output(output, count, recolour)) is not None]
        stored.cells.append(
            nbformat.v4.new_code_cell(cell.source, outputs=outputs, execution_count=count, **common)
        )
    return stored


def texts(notebook: nbformat.NotebookNode) -> list[tuple[int, str]]:
    """Return what the outputs say, with the number of the cell; pictures count as "a picture"."""
    said = []
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                said.append((number, f"{output.name}: {output.text}"))
            elif output.output_type == "error":
                said.append((number, f"{output.ename}: {output.evalue}"))
            else:
                data = output.data
                words = [data[kind] for kind in ("text/plain", "text/html", "text/markdown") if kind in data]
                shown = [INLINE.sub("a picture", word) for word in words]
                said.append((number, "\n".join([*shown, *(["a picture"] if PICTURE in data else [])])))
    return said


def pandas_version() -> str:
    """Return the series of pandas that runs here, such as "3.1": it words some outputs."""
    return ".".join(pd.__version__.split(".")[:2])


def _output(output: nbformat.NotebookNode, count: int, recolour: bool) -> nbformat.NotebookNode | None:
    if output.output_type == "stream":
        stream: nbformat.NotebookNode = nbformat.v4.new_output(
            "stream", name=output.name, text=_steady(output.text, count)
        )
        return stream
    if output.output_type == "error":
        raise ValueError(f"a cell failed: {output.ename}: {output.evalue}")
    if WIDGET in output.data and output.output_type == "display_data" and PICTURE not in output.data:
        return None  # a progress bar
    data = {
        kind: _value(kind, value, count, recolour) for kind, value in output.data.items() if kind != WIDGET
    }
    number = {"execution_count": count} if output.output_type == "execute_result" else {}
    shown: nbformat.NotebookNode = nbformat.v4.new_output(output.output_type, data, **number)
    return shown


def _value(kind: str, value: Any, count: int, recolour: bool) -> Any:
    if kind == PICTURE:
        return _fewer_colours(value) if recolour else value
    if not isinstance(value, str):
        return value
    if recolour:
        value = INLINE.sub(lambda found: found[1] + _fewer_colours(found[2]), value)
    return _steady(value, count)


def _steady(text: str, count: int) -> str:
    for changing, steady in CHANGES.items():
        text = re.sub(changing, steady, text)
    names: dict[str, str] = {}  # pandas' Styler gives each table a random name
    return STYLED.sub(lambda found: names.setdefault(found[1], f"T_{count}x{len(names)}"), text)


def _fewer_colours(picture: str) -> str:
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        clear = image.mode == "RGBA" and image.getchannel("A").histogram()[:255] != [0] * 255
        if clear:  # a layer over another picture
            small = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        else:
            small = image.convert("RGB").quantize(
                COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
            )
    buffer = io.BytesIO()
    small.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def chosen(names: Sequence[str]) -> Iterator[Path]:
    """Yield the notebooks with these names, or all."""
    known = {path.stem: path for path in NOTEBOOKS}
    if unknown := set(names) - set(known):
        raise SystemExit(f"{', '.join(sorted(unknown))}: not a notebook. Available: {', '.join(known)}.")
    yield from (known[name] for name in names or known)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run notebooks and store them with outputs."""
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks.store", description=__doc__)
    parser.add_argument("names", nargs="*", help="such as 01_read; all if omitted")
    failed: list[str] = []
    for path in chosen(parser.parse_args(arguments).names):
        with tempfile.TemporaryDirectory() as folder:
            try:
                notebook = cleaned(execute(path, Path(folder)))
            except CellExecutionError as error:
                failed.append(path.stem)
                sys.stderr.write(f"{path.relative_to(ROOT)}: {error}\n")
                continue
        nbformat.write(notebook, path)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KiB\n")
    if failed:
        raise SystemExit(f"{', '.join(failed)}: not stored, since a cell failed")


if __name__ == "__main__":
    main()
