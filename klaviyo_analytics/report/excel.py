"""The workbook: an overview, and a sheet with real dates, numbers and percentages for each table."""

from __future__ import annotations

import io
import math
import textwrap
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

import pandas as pd

from klaviyo_analytics._safe_text import printable
from klaviyo_analytics.errors import InvalidInputError, MissingExtraError
from klaviyo_analytics.report.document import Figure, Heading, MetricCards, Report, Table, Text
from klaviyo_analytics.report.formats import Formatter, is_number, kind_of, label_of, title_of

_LONGEST_TEXT = 32_767  # characters of a cell
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_MADE = datetime(2000, 1, 1, tzinfo=UTC)  # a fixed date of creation: same data, same bytes
_FORMATS = {
    "count": "#,##0",
    "number": "#,##0.00",
    "rate": "0.0%",
    "small_rate": "0.00%",
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm",
    "text": "@",
}
_PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#882255", "#666633")
_A4 = 9
_PAGE_PIXELS = {"landscape": 1_020, "portrait": 690}  # what A4 holds across between these margins
_PAGE_ROWS = {"landscape": 30, "portrait": 46}
_SMALLEST = 0.75  # smaller letters are not read on paper
_CHART_PIXELS = (560, 1_020)
_UNSCALED = {"scale_with_doc": False}
_TALLEST = 27  # lines; Excel ends a row at 409 points
_OVERVIEW_WIDTHS = (40, 15, 10, 11, 46, 38)
_CARD_COLUMNS = (
    ("Number", False), ("Value", True), ("Change", True), ("Verdict", False), ("Threshold", False),
    ("Possible action", False),
)  # fmt: skip
_BADGES = {"good": "good", "watch": "watch", "act": "outside"}


def workbook(report: Report) -> bytes:
    """Return the file as bytes.

    Raises
    ------
    MissingExtraError
        XlsxWriter is not installed.
    InvalidInputError
        A table does not fit into a sheet.
    """
    try:
        from xlsxwriter import Workbook  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("A report as a workbook", "report") from error
    target = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with Workbook(target, options) as book:
        book.set_properties({"title": _text(report.title)[:255], "created": _MADE})
        _Sheets(book, report).write()
    return target.getvalue()


@dataclass(frozen=True)
class _Size:
    """What is printed of a sheet: its width, its lines of text, and its chart with the row where it begins."""

    pixels: int
    lines: int
    chart_lines: int = 0
    chart_row: int = 0


class _Sheets:
    """Writes the sheets of one workbook."""

    def __init__(self, book: Any, report: Report) -> None:
        self._book, self._report = book, report
        self._language = Formatter(report.branding.language)
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._names: set[str] = {"history"}  # Excel keeps this name for itself

    def write(self) -> None:
        tables = self._report.tables()
        overview = self._book.add_worksheet(self._name("Overview"))
        names = [self._name(table.title) for table in tables]
        self._overview(overview, list(zip(names, tables, strict=True)))
        for name, table in zip(names, tables, strict=True):
            self._sheet(self._book.add_worksheet(name), name, table)

    def _format(self, **options: Any) -> Any:
        key = tuple(sorted(options.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"valign": "top", **options})
        return self._formats[key]

    def _name(self, title: str) -> str:
        """Return a name for a sheet: allowed by Excel, at most 31 characters, and used once."""
        plain = "".join(" " if c in "[]:*?/\\" else c for c in printable(title).replace("\n", " "))
        plain = " ".join(plain.split()).strip("'") or "Table"
        name, number = plain[:31].strip().strip("'"), 2
        while name.lower() in self._names:
            ending = f" ({number})"
            name, number = plain[: 31 - len(ending)].strip() + ending, number + 1
        self._names.add(name.lower())
        return name

    def _overview(self, sheet: Any, tables: list[tuple[str, Table]]) -> None:
        """Write the texts and key numbers of each chapter, with a link to each of its sheets."""
        wrapped = self._format(text_wrap=True)
        for column, width in enumerate(_OVERVIEW_WIDTHS):
            sheet.set_column(column, column, width)
        sheet.hide_gridlines(2)
        self._page(sheet, self._report.title, _Size(sum(map(_pixels, _OVERVIEW_WIDTHS)), _MOST_ROWS))
        colour = self._report.branding.colour
        sheet.write_string(
            0, 0, _text(self._report.title), self._format(bold=True, font_size=18, font_color=colour)
        )
        sheet.set_row(0, 26)
        sheet.write_string(1, 0, _text(self._report.subtitle), self._format(font_color="#5a6675"))
        row, left = 3, iter(tables)
        for part in self._report.sections:
            if isinstance(part, Heading):
                row += row > 3
                chapter = self._format(bold=True, font_size=13, font_color=colour)
                sheet.write_string(row, 0, _text(part.title), chapter)
                sheet.set_row(row, 20)
                row += 1
            elif isinstance(part, Text):
                if part.title:
                    sheet.write_string(row, 0, _text(part.title), self._format(bold=True))
                    row += 1
                for line in part.lines:
                    row = self._paragraph(sheet, row, line, wrapped)
            elif isinstance(part, MetricCards):
                row = self._cards(sheet, row, part)
            elif isinstance(part, Table) or (isinstance(part, Figure) and part.data is not None):
                row = self._link(sheet, row, *next(left))
        if self._report.failures:
            row += 1
            sheet.write_string(row, 0, "Sections that could not be made", self._format(bold=True))
            row += 1
            for name, reason in sorted(self._report.failures.items()):
                row = self._paragraph(sheet, row, f"{name}: {reason}", wrapped)
        if self._report.branding.footer:
            self._paragraph(sheet, row + 1, self._report.branding.footer, wrapped)

    def _paragraph(self, sheet: Any, row: int, line: str, wrapped: Any) -> int:
        text = _text(line)
        sheet.merge_range(row, 0, row, len(_OVERVIEW_WIDTHS) - 1, "", wrapped)
        sheet.write_string(row, 0, text, wrapped)
        sheet.set_row(row, 15 * min(_lines(text, sum(_OVERVIEW_WIDTHS)), _TALLEST))
        return row + 1

    def _link(self, sheet: Any, row: int, name: str, table: Table) -> int:
        quoted = name.replace("'", "''")
        link = self._format(font_color="#0563C1", underline=1)
        sheet.write_url(row, 0, f"internal:'{quoted}'!A1", link, string=_text(table.title)[:255])
        sheet.write_number(row, 3, len(table.frame), self._format(num_format='#,##0" rows"'))
        if table.chart and len(table.frame):
            sheet.write_string(row, 4, "with a chart below the table", self._format(align="left", indent=1))
        return row + 1

    def _cards(self, sheet: Any, row: int, part: MetricCards) -> int:
        for column, (title, number) in enumerate(_CARD_COLUMNS):
            sheet.write_string(row, column, title, self._head(number=number))
        words = self._format(text_wrap=True, align="left", indent=1)
        for card in part.cards:
            row += 1
            sheet.write_string(row, 0, _text(card.label), words)
            if card.value is not None and math.isfinite(card.value):
                kind = (
                    "small_rate" if card.kind == "rate" and abs(card.value) < 0.01 else card.kind
                )  # fewer than 1%
                sheet.write_number(row, 1, card.value, self._format(num_format=_pattern(kind, card.currency)))
            if card.change is not None and math.isfinite(card.change):
                sheet.write_number(row, 2, card.change, self._format(num_format="+0.0%;-0.0%;0.0%"))
            texts = {0: card.label, 3: _BADGES.get(card.verdict or "", ""), 4: card.threshold, 5: card.action}
            for column in (3, 4, 5):
                sheet.write_string(row, column, _text(texts[column]), words)
            tall = max(_lines(text, _OVERVIEW_WIDTHS[column] - 3) for column, text in texts.items())
            sheet.set_row(row, 15 * min(tall, _TALLEST))
        return row + 2

    def _page(self, sheet: Any, title: str, size: _Size) -> None:
        """Set up the printed page: one page wide, and a chart that no page cuts in two."""
        sheet.set_paper(_A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        sheet.set_header(f"&L&B{_code(title, 100)}&R{_code(self._report.title, 100)}", _UNSCALED)
        sheet.set_footer(f"&L{_code(self._report.branding.footer, 200)}&RPage &P of &N", _UNSCALED)
        lines = size.lines + size.chart_lines
        flat = _PAGE_ROWS["landscape"] / (_SMALLEST if size.chart_lines else 1)
        upright = size.pixels <= _PAGE_PIXELS["portrait"] and lines > flat
        across = "portrait" if upright else "landscape"
        (sheet.set_portrait if upright else sheet.set_landscape)()
        scale = min(1.0, _PAGE_PIXELS[across] / size.pixels)
        if not size.chart_lines:
            sheet.fit_to_pages(1, 0)
        elif lines <= _PAGE_ROWS[across] / min(scale, _SMALLEST):
            sheet.fit_to_pages(1, 1)
        else:  # a page break has no effect in Excel where a sheet is fitted to pages
            sheet.set_print_scale(max(10, math.floor(scale * 97)))
            sheet.set_h_pagebreaks([size.chart_row])

    def _head(self, *, number: bool = False) -> Any:
        return self._format(
            bold=True,
            bg_color=self._report.branding.colour,
            font_color="#ffffff",
            text_wrap=True,
            **({"align": "right"} if number else {"align": "left", "indent": 1}),
        )

    def _sheet(self, sheet: Any, name: str, table: Table) -> None:
        rows, across = table.frame.shape
        if rows + 1 > _MOST_ROWS or across > _MOST_COLUMNS:
            raise InvalidInputError(
                f"table {table.title!r} has {rows:,} rows and {across:,} columns, more than a sheet holds. "
                "Use to_folder(), which writes CSV and Parquet files."
            )
        tallest, widths = 1, []
        for position, column in enumerate(map(str, table.frame.columns)):
            label = title_of(label_of(table, column))
            number = is_number(kind_of(table, column))
            sheet.write_string(0, position, _text(label), self._head(number=number))
            width = self._column(sheet, position, table, column)
            longest = max(map(len, label.split()), default=0)
            broad = min(max(width, longest * 1.15, 8) + 3, 60)  # room for the arrow of the filter
            sheet.set_column(position, position, broad)
            tallest = max(tallest, _lines(label, broad - 1))
            widths.append(broad)
        sheet.set_row(0, 15 * min(tallest, _TALLEST))
        sheet.freeze_panes(1, 1)
        if rows and across:
            sheet.autofilter(0, 0, rows, across - 1)
        sheet.repeat_rows(0)
        below, note_lines = rows + 2, 0  # a blank row after the table
        if table.note:
            text, slanted = _text(table.note), self._format(italic=True, text_wrap=True)
            if across > 1:
                sheet.merge_range(below, 0, below, across - 1, "", slanted)
            sheet.write_string(below, 0, text, slanted)
            note_lines = min(_lines(text, max(sum(widths), 20)), _TALLEST)
            sheet.set_row(below, 15 * note_lines)
            below += 2
        pixels, chart_lines = sum(map(_pixels, widths)), 0
        if table.chart and rows:
            broad = min(max(pixels, _CHART_PIXELS[0]), _CHART_PIXELS[1])
            chart_lines = self._chart(sheet, name, table, below, broad)
            pixels = max(pixels, broad)
        self._page(sheet, table.title, _Size(pixels, below + note_lines + tallest, chart_lines, below))

    def _column(self, sheet: Any, position: int, table: Table, column: str) -> int:
        """Write one column and return the number of characters of its longest value."""
        kind = kind_of(table, column)
        widest = 0
        codes = table.frame["currency"].tolist() if kind == "money" and "currency" in table.frame else None
        for row, value in enumerate(table.frame[column].tolist(), start=1):
            code = codes[row - 1] if codes is not None and not pd.isna(codes[row - 1]) else table.currency
            own = table.row_kinds[row - 1] if kind == "mixed" else kind
            widest = max(widest, self._cell(sheet, row, position, value, own, code))
        return widest

    def _cell(self, sheet: Any, row: int, position: int, value: Any, kind: str, code: str | None) -> int:
        if value is None or (not isinstance(value, list | tuple | dict) and pd.isna(value)):
            return 1
        if is_number(cast(Any, kind)):
            number = float(value)
            if math.isfinite(number):
                small = kind == "rate" and 0 < abs(number) < 0.01
                shown = self._format(num_format=_pattern("small_rate" if small else kind, code))
                sheet.write_number(row, position, number, shown)
            return len(self._language(number, cast(Any, kind), code))
        if kind in ("date", "datetime") and isinstance(value, date):
            plain = value.replace(tzinfo=None) if isinstance(value, datetime) else value
            sheet.write_datetime(row, position, plain, self._format(num_format=_FORMATS[kind]))
            return 16 if kind == "datetime" else 10
        text = _text(self._language(value, "text"))
        sheet.write_string(
            row,
            position,
            text,
            self._format(num_format="@", align="left", indent=1, text_wrap=len(text) > 57),
        )
        return min(len(text), 57)

    def _chart(self, sheet: Any, name: str, table: Table, row: int, pixels: int) -> int:
        """Put a native chart below a table and return the number of rows that it covers."""
        kinds = {"stacked": {"type": "column", "subtype": "stacked"}}
        chart = self._book.add_chart(kinds.get(str(table.chart), {"type": table.chart}))
        rows, columns = len(table.frame), [str(column) for column in table.frame.columns]
        for number, column in enumerate(map(str, table.series)):
            place = columns.index(column)
            colour = _PALETTE[number % len(_PALETTE)]
            drawn = {"line": {"color": colour, "width": 2}} if table.chart == "line" else {}
            chart.add_series(
                {
                    "name": [name, 0, place],
                    "categories": [name, 1, 0, rows, 0],
                    "values": [name, 1, place, rows, place],
                    **(drawn or {"fill": {"color": colour}}),
                }
            )
        chart.set_title({"name": _text(table.title)[:200], "name_font": {"size": 12}})
        kind = kind_of(table, columns[0])
        if kind in ("date", "datetime"):
            chart.set_x_axis({"date_axis": True, "num_format": "yyyy-mm-dd"})
        elif table.chart == "bar":
            chart.set_y_axis({"reverse": True})
        chart.set_legend({"none": True} if len(table.series) == 1 else {"position": "bottom"})
        chart.set_size({"width": pixels, "height": 18 * 20})
        sheet.insert_chart(row, 0, chart)
        return 18


def _pixels(width: float) -> int:
    """Return the width of a column in pixels, from its width in characters."""
    return round(width * 7 + 5)


def _lines(text: str, width: float) -> int:
    """Return how many lines a text takes in a cell of so many characters."""
    wide = max(int(width), 8)
    return sum(max(len(textwrap.wrap(line, wide)), 1) for line in text.split("\n"))


def _code(text: str, most: int) -> str:
    """Return text for the head or foot of a printed page, where & would begin a code."""
    plain = " ".join(printable(text).split())
    shown = plain if len(plain) <= most else plain[: most - 1] + "…"
    while len(coded := shown.replace("&", "&&")) > most:
        shown = shown[:-2] + "…"
    return coded


def _pattern(kind: str, currency: str | None) -> str:
    if kind == "money":
        code = "".join(c for c in currency or "" if c.isalpha())[:3]
        return f'#,##0.00" {code}"' if code else "#,##0.00"
    return _FORMATS[kind]


def _text(text: str) -> str:
    """Return text that a cell can hold; where it is too long, the text itself says so."""
    shown = printable(str(text))
    if len(shown) <= _LONGEST_TEXT:
        return shown
    note = f"… (cut, {len(shown):,} characters)"
    return shown[: _LONGEST_TEXT - len(note)] + note
