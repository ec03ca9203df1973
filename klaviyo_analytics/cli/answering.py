"""Commands that answer: analyse, report, run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from klaviyo_analytics.cli.account import client_of
from klaviyo_analytics.cli.main import DONE, INCOMPLETE
from klaviyo_analytics.cli.output import note, show
from klaviyo_analytics.cli.reading import timeframe_of
from klaviyo_analytics.errors import InvalidInputError, MissingExtraError

WRITERS = {".html": "to_html", ".xlsx": "to_excel", ".md": "to_markdown", ".pdf": "to_pdf", "": "to_folder"}


def analyse(options: argparse.Namespace) -> int:
    """Print the frame of an analysis."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    name, when = options.analysis.replace("-", "_"), timeframe_of(options)
    if options.archive:
        analyses = ka.open_archive(options.archive).analyses
        show(_asked(analyses, name)(*([when] if when else [])), options)
        return DONE
    with client_of(options) as client:
        show(_asked(client.analyses, name)(*([when] if when else [])), options)
    return DONE


def report(options: argparse.Namespace) -> int:
    """Write a report of one account, or those of a TOML file."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    if options.timeframe.endswith(".toml"):
        ended = ka.report.run(options.timeframe)
        note(str(ended))
        return DONE if ended.ok else INCOMPLETE
    target = options.to or Path("report.html")
    if target.suffix not in WRITERS:
        raise InvalidInputError(
            f"--to {target} has an unknown ending. Allowed are .html, .xlsx, .md, .pdf, or a folder."
        )
    chosen: dict[str, Any] = {"compare": None if options.compare == "none" else options.compare}
    if options.conversion_metric:
        chosen["conversion_metric"] = options.conversion_metric
    with client_of(options) as client:
        made = ka.report.performance(client, options.timeframe, **chosen)
        getattr(made, WRITERS[target.suffix])(target)
    note(f"Wrote {target}.")
    return DONE


def run(options: argparse.Namespace) -> int:
    """Execute a notebook with parameters, and write its results as a page without code."""
    try:
        import nbformat  # noqa: PLC0415
        from nbclient import NotebookClient  # noqa: PLC0415
        from nbconvert import HTMLExporter  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("Running notebooks", "notebook") from error
    book = nbformat.read(options.notebook, as_version=4)
    if given := [_assignment(text) for text in options.parameter]:
        book.cells.insert(_after_parameters(book), nbformat.v4.new_code_cell("\n".join(given)))
    NotebookClient(book, resources={"metadata": {"path": str(options.notebook.parent)}}).execute()
    exporter = HTMLExporter(
        exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True, embed_images=True
    )
    page, _ = exporter.from_notebook_node(book)
    target = options.out or options.notebook.with_suffix(".html")
    target.write_text(page, encoding="utf-8")
    note(f"Wrote {target}.")
    return DONE


def _asked(analyses: Any, name: str) -> Any:
    if name.startswith("_") or not callable(getattr(analyses, name, None)):
        names = [one for one in dir(analyses) if not one.startswith("_")]
        raise InvalidInputError(f"{name!r} is not an analysis. There are {', '.join(names)}.")
    return getattr(analyses, name)


def _assignment(text: str) -> str:
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise InvalidInputError(f"-p {text!r} is not NAME=VALUE, such as timeframe='last month'.")
    return f"{name} = {value.strip(chr(34) + chr(39))!r}"


def _after_parameters(book: Any) -> int:
    """Return where parameters belong: after the cell tagged `parameters`, or first."""
    for place, cell in enumerate(book.cells):
        if "parameters" in cell.metadata.get("tags", []):
            return place + 1
    return 0
