"""The workbook: an overview, and a sheet with real dates, numbers and percentages for each table."""

from __future__ import annotations

import io
import math
from datetime import UTC, date, datetime
from typing import Any, cast

import pandas as pd

from klaviyo_analytics._safe_text import printable
from klaviyo_analytics.errors import InvalidInputError, MissingExtraError
from klaviyo_analytics.report.document import Heading, MetricCards, Report, Table, Text
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
_BADGES = {"good": "within", "watch": "watch", "act": "outside"}


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
        bold, wrapped = self._format(bold=True), self._format(text_wrap=True)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 3, 16)
        sheet.set_column(4, 5, 60)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        big = self._format(bold=True, font_size=18, font_color=self._report.branding.colour)
        sheet.write_string(0, 0, _text(self._report.title), big)
        sheet.write_string(1, 0, _text(self._report.subtitle), self._format(font_color="#5a6675"))
        row = 3
        for part in self._report.sections:
            if isinstance(part, Heading):
                chapter = self._format(bold=True, font_size=13, font_color=self._report.branding.colour)
                sheet.write_string(row, 0, _text(part.title), chapter)
                row += 1
            elif isinstance(part, Text):
                if part.title:
                    sheet.write_string(row, 0, _text(part.title), bold)
                    row += 1
                for line in part.lines:
                    text = _text(line)
                    sheet.merge_range(row, 0, row, 5, "", wrapped)
                    sheet.write_string(row, 0, text, wrapped)
                    sheet.set_row(row, 15 * max(1, math.ceil(len(text) / 150)))
                    row += 1
                row += 1
            elif isinstance(part, MetricCards):
                row = self._cards(sheet, row, part)
        sheet.write_string(row, 0, "Sheets", bold)
        for name, table in tables:
            row += 1
            quoted = name.replace("'", "''")
            link = self._format(font_color="#0563C1", underline=1)
            sheet.write_url(row, 0, f"internal:'{quoted}'!A1", link, string=_text(table.title)[:255])
            sheet.write_number(row, 1, len(table.frame), self._format(num_format='#,##0" rows"'))
        if self._report.failures:
            row += 2
            sheet.write_string(row, 0, "Sections that could not be made", bold)
            for name, reason in sorted(self._report.failures.items()):
                row += 1
                sheet.write_string(row, 0, _text(name))
                sheet.write_string(row, 1, _text(reason))
        if self._report.branding.footer:
            sheet.write_string(row + 2, 0, _text(self._report.branding.footer))

    def _cards(self, sheet: Any, row: int, part: MetricCards) -> int:
        head = self._head()
        for column, title in enumerate(
            ("Number", "Value", "Change", "Verdict", "Threshold", "Possible action")
        ):
            sheet.write_string(row, column, title, head)
        for card in part.cards:
            row += 1
            wrapped = self._format(text_wrap=True)
            sheet.write_string(row, 0, _text(card.label), wrapped)
            if card.value is not None and math.isfinite(card.value):
                kind = (
                    "small_rate" if card.kind == "rate" and abs(card.value) < 0.01 else card.kind
                )  # fewer than 1%
                sheet.write_number(row, 1, card.value, self._format(num_format=_pattern(kind, card.currency)))
            if card.change is not None and math.isfinite(card.change):
                sheet.write_number(row, 2, card.change, self._format(num_format="+0.0%;-0.0%;0.0%"))
            sheet.write_string(row, 3, _BADGES.get(card.verdict or "", ""))
            sheet.write_string(row, 4, _text(card.threshold), wrapped)
            sheet.write_string(row, 5, _text(card.action), wrapped)
            longest = max(len(card.threshold), len(card.action))
            sheet.set_row(row, 15 * max(1, math.ceil(longest / 60)))
        return row + 2

    def _head(self, *, number: bool = False) -> Any:
        return self._format(
            bold=True,
            bg_color=self._report.branding.colour,
            font_color="#ffffff",
            text_wrap=True,
            **({"align": "right"} if number else {"indent": 1}),
        )

    def _sheet(self, sheet: Any, name: str, table: Table) -> None:
        rows, across = table.frame.shape
        if rows + 1 > _MOST_ROWS or across > _MOST_COLUMNS:
            raise InvalidInputError(
                f"table {table.title!r} has {rows:,} rows and {across:,} columns, more than a sheet holds. "
                "Use to_folder(), which writes CSV and Parquet files."
            )
        tallest, across_all = 1, 0.0
        for position, column in enumerate(map(str, table.frame.columns)):
            label = title_of(label_of(table, column))
            number = is_number(kind_of(table, column))
            sheet.write_string(0, position, _text(label), self._head(number=number))
            width = self._column(sheet, position, table, column)
            longest = max(map(len, label.split()), default=0)
            width = min(max(width, longest * 1.15, 8) + 4, 60)  # room for the arrow of the filter
            sheet.set_column(position, position, width)
            tallest = max(tallest, math.ceil(len(label) * 1.3 / (width - 2)))
            across_all += width
        sheet.set_row(0, 15 * tallest)
        sheet.freeze_panes(1, 1)
        if rows and across:
            sheet.autofilter(0, 0, rows, across - 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        if table.note:
            text, slanted = _text(table.note), self._format(italic=True, text_wrap=True)
            if across > 1:
                sheet.merge_range(rows + 2, 0, rows + 2, across - 1, "", slanted)
            sheet.write_string(rows + 2, 0, text, slanted)
            sheet.set_row(rows + 2, 15 * math.ceil(len(text) * 1.1 / max(across_all, 20)))
        if table.chart and rows:
            self._chart(sheet, name, table)

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
            row, position, text, self._format(num_format="@", indent=1, text_wrap=len(text) > 57)
        )
        return min(len(text), 57)

    def _chart(self, sheet: Any, name: str, table: Table) -> None:
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
        chart.set_size({"width": 720, "height": 360})
        sheet.insert_chart(1, len(columns) + 1, chart)


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
