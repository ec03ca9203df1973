"""The workbook on paper: one page wide, charts below their tables and whole, heads and feet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from klaviyo_analytics.report import Branding, Card, Heading, MetricCards, Report, Table, Text
from klaviyo_analytics.report.document import Part


def course(days: int, columns: int = 3) -> pd.DataFrame:
    frame = pd.DataFrame({"datetime": pd.date_range("2026-05-01", periods=days)})
    for number in range(columns):
        frame[f"revenue of source {number}"] = range(days)
    return frame


def table(title: str, days: int, columns: int = 3, *, chart: bool = True) -> Table:
    frame = course(days, columns)
    series = [str(frame.columns[1])] if chart else []
    return Table(
        title, frame, chart="column" if chart else None, series=series, note="Dated by the order. " * 5
    )


TITLE = 'Oak & Pine "&A" ' + "x" * 300


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbook]:
    path = tmp_path_factory.mktemp("book") / "r.xlsx"
    cards = MetricCards([Card("Open rate", 0.4, "rate", threshold="33% and more is good", verdict="good")])
    sections: list[Part] = [
        Heading("Key numbers"), cards, Text("One line. " * 60), table("Short", 5), Heading("Course"),
        table("Month", 31), table("Year", 365), table("Wide", 10, columns=24), table("No chart", 31, chart=False),
    ]  # fmt: skip
    Report(TITLE, sections, branding=Branding(footer="Us & co")).to_excel(path)
    with path.open("rb") as file:
        yield load_workbook(file)


def printed_on(sheet: Worksheet) -> tuple[str, int | None, int | None]:
    """Return the orientation, and the pages across and down that a sheet is fitted to."""
    fitted = bool(sheet.sheet_properties.pageSetUpPr and sheet.sheet_properties.pageSetUpPr.fitToPage)
    across, down = sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight
    wide, tall = (1 if across is None else int(across)), (1 if down is None else int(down))
    return str(sheet.page_setup.orientation), wide if fitted else None, tall if fitted else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Overview", ("landscape", 1, 0)),
        ("Short", ("landscape", 1, 1)),
        ("Month", ("portrait", 1, 1)),  # a month and its chart are one page
        ("Wide", ("landscape", 1, 1)),
        ("No chart", ("portrait", 1, 0)),  # as many pages as its rows need
    ],
)
def test_a_sheet_is_printed_one_page_wide(book: Workbook, name: str, expected: tuple[object, ...]) -> None:
    assert printed_on(book[name]) == expected


def test_a_long_table_ends_its_page_before_the_chart(book: Workbook) -> None:
    sheet = book["Year"]
    assert printed_on(sheet) == ("portrait", None, None)
    assert 50 <= int(sheet.page_setup.scale) <= 100
    (ends,) = (int(one.id) for one in sheet.row_breaks.brk)
    (drawn,) = (one.anchor._from.row for one in sheet._charts)
    assert 366 < ends <= drawn


@pytest.mark.parametrize("name", ["Short", "Month", "Year", "Wide"])
def test_a_chart_stands_below_its_table_and_note(book: Workbook, name: str) -> None:
    sheet = book[name]
    (anchor,) = (one.anchor for one in sheet._charts)
    last = max(cell.row for row in sheet.iter_rows() for cell in row if cell.value is not None)
    assert (anchor._from.col, anchor._from.row) == (0, last + 1)  # counted from 0: one blank row between
    assert anchor.to.row > anchor._from.row + 10


def test_heads_and_feet_name_sheet_and_report_as_they_are(book: Workbook) -> None:
    sheet = book["Month"]
    assert sheet.oddHeader.left.text == "&BMonth"
    assert sheet.oddHeader.right.text.startswith('Oak && Pine "&&A" xxx')
    assert sheet.oddHeader.right.text.endswith("…")
    assert sheet.oddFooter.left.text == "Us && co"
    assert sheet.oddFooter.right.text == "Page &P of &N"


def test_texts_stand_apart_from_the_numbers_on_their_left(book: Workbook) -> None:
    for cell, text in ((book["Overview"].cell(5, 4), "Verdict"), (book["Overview"].cell(6, 4), "good")):
        assert cell.value == text
        # without an alignment of its own, LibreOffice ignores the indent
        assert (cell.alignment.horizontal, cell.alignment.indent) == ("left", 1)


def test_the_overview_leads_to_the_sheets_of_each_chapter(book: Workbook) -> None:
    sheet = book["Overview"]
    links = {cell.value: cell for row in sheet.iter_rows() for cell in row if cell.hyperlink}
    assert list(links) == ["Short", "Month", "Year", "Wide", "No chart"]
    assert links["Month"].hyperlink.location == "'Month'!A1"
    words = [sheet.cell(links[name].row, 5).value for name in ("Month", "No chart")]
    assert words == ["with a chart below the table", None]
    chapters = [cell.value for row in sheet.iter_rows(max_col=1) for cell in row]
    assert chapters.index("Short") < chapters.index("Course") < chapters.index("Month")


def test_a_row_is_never_taller_than_excel_allows(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x" * 900: [1.0]})
    Report("r", [Text("word " * 5_000), Table("t", frame, note="note " * 5_000)]).to_excel(
        tmp_path / "r.xlsx"
    )
    for sheet in load_workbook(tmp_path / "r.xlsx"):
        assert all((one.height or 0) <= 409 for one in sheet.row_dimensions.values())
