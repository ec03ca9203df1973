"""One HTML file without network access, the same in a notebook, and the PDF that is printed from it."""

from __future__ import annotations

import base64
import colorsys
import io
import math
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from klaviyo_analytics._messages import level_outside
from klaviyo_analytics.errors import MissingExtraError
from klaviyo_analytics.plots._hover import place
from klaviyo_analytics.report.document import (
    LOGO_TYPES,
    MOST_BYTES,
    Card,
    Figure,
    Heading,
    MetricCards,
    Part,
    Report,
    Table,
    Text,
)
from klaviyo_analytics.report.formats import Formatter, is_number, kind_of, label_of, title_of

_BADGES = {"good": "✓ good", "watch": "! watch", "act": "✕ outside"}
_SHORT = 18  # rows of a table that is printed on one page
_HEAVY_SVG = 250_000  # beyond that the picture is embedded as PNG

_SCREEN = """
html, body { margin: 0; padding: 0; background: %(paper)s; }
@media (prefers-color-scheme: dark) {
  html, body { background: #14181d; }
  .ka-report { --ink: #e6e9ed; --soft: #a3adb8; --line: #343c46; --paper: #14181d; --panel: #1c222a;
    --good: #4fc78e; --watch: #e5b04f; --act: #ff8a80; --accent-text: %(bright)s; }
  .ka-report .ka-figure img { filter: invert(.9) hue-rotate(180deg); }
}
@media print {
  html, body { background: #fff; }
  .ka-report { --ink: #1b2430; --soft: #5a6675; --line: #dde3ea; --paper: #fff; --panel: #f6f8fa;
    --good: #0a7a4b; --watch: #9a6100; --act: #b3261e; --accent-text: %(dark)s; }
  .ka-report .ka-figure img { filter: none; }
}
"""
_NOTEBOOK = """
.ka-report { --ink: var(--jp-content-font-color1, #1b2430); --soft: var(--jp-content-font-color2, #5a6675);
  --line: var(--jp-border-color2, #dde3ea); --paper: transparent; --panel: var(--jp-layout-color2, #f6f8fa); }
[data-jp-theme-light=false] .ka-report {
  --accent-text: %(bright)s; --good: #4fc78e; --watch: #e5b04f; --act: #ff8a80; }
[data-jp-theme-light=false] .ka-report .ka-figure img { filter: invert(.9) hue-rotate(180deg); }
"""
_CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def document(report: Report) -> str:
    """Return the whole file."""
    style = _asset("report.css") + _SCREEN % _shades(report.branding.colour)
    text: str = _template("document.html").render(
        report=report,
        csp=_CSP,
        style=style,
        accent=report.branding.colour,
        dark=_shades(report.branding.colour)["dark"],
        script=_asset("report.js"),
        body=_body(report),
        language=_tag(report.wording or report.branding.language),
    )
    if (size := len(text.encode())) > MOST_BYTES:
        warnings.warn(
            f"The report has {size / 1e6:.1f} MB, more than 2 MB. Show fewer rows or figures, or use to_excel().",
            UserWarning,
            stacklevel=level_outside(),
        )
    return text


def fragment(report: Report) -> str:
    """Return the report for the output of a notebook cell: no script, and the page's own colours."""
    shades = _shades(report.branding.colour)
    style = _asset("report.css").replace("@page { margin: 15mm 13mm; }", "") + _NOTEBOOK % shades
    own = f"--accent:{report.branding.colour};--accent-text:{shades['dark']}"
    return f'<style>{style}</style><div class="ka-report" style="{own}">{_body(report)}</div>'


def pdf(report: Report) -> bytes:
    """Return the report as PDF.

    Raises
    ------
    MissingExtraError
        WeasyPrint is not installed.
    """
    try:
        from weasyprint import HTML  # noqa: PLC0415
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except (ImportError, OSError) as error:  # OSError: the library is there, Pango is not
        raise MissingExtraError("A report as PDF", "pdf") from error
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        page = HTML(string=document(report), url_fetcher=URLFetcher(allowed_protocols=["data"]))
        page.write_pdf(target, pdf_identifier=b"klaviyo-analytics")
    return target.getvalue()


def overview(title: str, rows: pd.DataFrame, colour: str) -> str:
    """Return the page that lists the reports of several accounts; `file` becomes a link where there is one."""
    shades = _shades(colour)
    page: str = _template("overview.html").render(
        title=title,
        rows=[{k: None if pd.isna(v) else v for k, v in row.items()} for row in rows.to_dict("records")],
        csp=_CSP,
        style=_asset("report.css") + _SCREEN % shades,
        accent=colour,
        dark=shades["dark"],
    )
    return page


@cache
def _environment() -> Any:
    try:
        from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("A report as HTML", "report") from error
    names = ("document.html", "body.html", "overview.html")
    loader = DictLoader({name: _asset(name) for name in names})
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _template(name: str) -> Any:
    return _environment().get_template(name)


def _asset(name: str) -> str:
    return (files("klaviyo_analytics.report") / "templates" / name).read_text(encoding="utf-8")


def _body(report: Report) -> str:
    write = Formatter(report.branding.language)
    parts = [_part(part, position, write) for position, part in enumerate(report.sections)]
    chapters = [part for part in parts if part["type"] == "Heading"]
    if not chapters:
        chapters = [part for part in parts if part.get("title")]
    numbers = _tag(report.branding.language)
    failures = sorted(report.failures.items()) if report.failures else []
    if failures:
        chapters = [*chapters, {"id": "part-failures", "title": "Sections that could not be made"}]
    return str(
        _template("body.html").render(
            report=report,
            parts=parts,
            chapters=chapters,
            failures=failures,
            failures_id="part-failures",
            logo=_logo(report),
            numbers_in=numbers if numbers != _tag(report.wording or numbers) else "",
        )
    )


def _part(part: Part, position: int, write: Formatter) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": type(part).__name__,
        "id": f"part-{position}",
        "title": "",
        "short": True,
    }
    if isinstance(part, Heading):
        shown["title"] = part.title
    elif isinstance(part, Text):
        shown |= {"title": part.title, "lines": part.lines, "listed": part.items}
    elif isinstance(part, Table):
        shown |= {"title": part.title, "table": _table(part, write), "short": len(part.frame) <= _SHORT}
    elif isinstance(part, MetricCards):
        shown |= {"title": part.title, "cards": [_card(card, write) for card in part.cards], "short": False}
    elif isinstance(part, Figure):
        shown |= _figure(part, write)
    return shown


def _table(table: Table, write: Formatter) -> dict[str, Any]:
    names = [str(name) for name in table.frame.columns]
    kinds = [kind_of(table, name) for name in names]
    texts = [write.column(table, name) for name in names]
    values = [table.frame[name].tolist() for name in names]
    cells = [
        [
            {
                "text": text,
                "number": is_number(kind),
                "date": kind in ("date", "datetime"),
                "key": _key(value, kind),
            }
            for text, value, kind in zip(row, keys, kinds, strict=True)
        ]
        for row, keys in zip(zip(*texts, strict=True), zip(*values, strict=True), strict=True)
    ]
    columns = [
        {"label": title_of(label_of(table, name)), "number": is_number(kind)}
        for name, kind in zip(names, kinds, strict=True)
    ]
    return {"columns": columns, "rows": cells, "note": table.note}


def _key(value: Any, kind: str) -> str:
    """Return what a column is sorted by; nothing if it is missing."""
    if value is None or (not isinstance(value, list | tuple | dict) and pd.isna(value)):
        return ""
    if is_number(kind):  # type: ignore[arg-type]
        return repr(float(value))
    if kind in ("date", "datetime") and hasattr(value, "isoformat"):
        return str(value.isoformat())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _card(card: Card, write: Formatter) -> dict[str, Any]:
    return {
        "label": card.label,
        "value": write.card(card),
        "change": "" if card.change is None or pd.isna(card.change) else write.change(card.change),
        "trend": " ".join(_points(card.trend)),
        "threshold": card.threshold,
        "verdict": card.verdict,
        "badge": _BADGES.get(card.verdict or "", ""),
        "action": card.action,
    }


def _points(values: Any) -> Iterator[str]:
    """Yield the points of a sparkline in a box of 100 by 30."""
    numbers = [float(value) for value in values]
    if len(numbers) < 2 or not all(map(math.isfinite, numbers)):
        return
    low, high = min(numbers), max(numbers)
    for position, number in enumerate(numbers):
        height = 0.5 if high == low else (number - low) / (high - low)
        yield f"{position * 100 / (len(numbers) - 1):.1f},{28 - 26 * height:.1f}"


def _figure(figure: Figure, write: Formatter) -> dict[str, Any]:
    if figure.layers:  # its series can be hidden, so each is an image of its own
        kind, raw = "image/png", figure.base
    elif len(figure.svg) > _HEAVY_SVG:
        kind, raw = "image/png", figure.png
    else:
        kind, raw = "image/svg+xml", figure.svg.encode()
    return {
        "title": figure.title,
        "alt": figure.alt or figure.title,
        "image": f"data:{kind};base64,{base64.b64encode(raw).decode()}",
        "width": figure.width,
        "marks": [{"place": place(mark), "text": mark.text} for mark in figure.marks],
        "layers": [
            {
                "name": layer.name.text,
                "place": place(layer.name),
                "image": f"data:image/png;base64,{base64.b64encode(layer.png).decode()}",
            }
            for layer in figure.layers
        ],
        "table": None if figure.data is None else _table(figure.data, write),
    }


def _tag(language: str) -> str:
    """Return a language as HTML names it."""
    return language.replace("_", "-")


def _logo(report: Report) -> str:
    if report.branding.logo is None:
        return ""
    path = Path(report.branding.logo)
    kind = LOGO_TYPES[path.suffix.lower()]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _shades(colour: str) -> dict[str, str]:
    """Return the accent colour dark enough for text on white, and bright enough for text on black."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, light, full = colorsys.rgb_to_hls(red, green, blue)

    def at(lightness: float) -> str:
        return "#" + "".join(f"{round(c * 255):02x}" for c in colorsys.hls_to_rgb(hue, lightness, full))

    return {"dark": at(min(light, 0.36)), "bright": at(max(light, 0.72)), "paper": "#fff"}
