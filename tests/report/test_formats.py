"""The same parts as HTML, workbook, Markdown and files: nothing of the account is markup or a formula."""

from __future__ import annotations

import os
import re
import stat
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from matplotlib.figure import Figure as Drawing

import klaviyo_analytics as ka
from klaviyo_analytics.errors import FrameError, InvalidInputError, MissingExtraError
from klaviyo_analytics.report import Card, Figure, Heading, MetricCards, PageBreak, Report, Table, Text, html
from klaviyo_analytics.report.document import Part
from klaviyo_analytics.report.formats import Formatter

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil.example")',
    "+1+1",
    "@SUM(A1)",
    "{{ 7*7 }}",
    "a | b `c` [d](javascript:e)",
    "line\nbreak",
    "\x1b[2J\u202eevil",
    "😀 Ünï",
)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sample(titles: str = "Rows") -> Report:
    frame = pd.DataFrame(
        {
            "name": pd.array([*HOSTILE], dtype="string"),
            "sent": pd.date_range("2026-03-01 09:30", periods=len(HOSTILE), tz="America/New_York"),
            "recipients": pd.array([1000 + n for n in range(len(HOSTILE) - 1)] + [None], dtype="Int64"),
            "open_rate": [n / 16 for n in range(len(HOSTILE))],
            "revenue": [n * 1234.5 for n in range(len(HOSTILE))],
        }
    )
    drawing = Drawing(figsize=(4, 3))
    ax = drawing.add_subplot()
    ax.bar(["Oslo", "Rome"], [3.0, 5.0], label="orders")
    bars = pd.DataFrame({"town": ["Oslo", "Rome"], "orders": [3, 5]})
    return Report(
        HOSTILE[0],
        subtitle=HOSTILE[1],
        sections=[
            Heading(HOSTILE[1]),
            Text([HOSTILE[0], HOSTILE[5]], title=HOSTILE[2], items=True),
            MetricCards([Card(HOSTILE[0], 0.25, "rate", change=-0.1, trend=(1, 2, 3), action=HOSTILE[1])]),
            PageBreak(),
            Table(titles, frame, currency="EUR", note=HOSTILE[0]),
            Figure("Towns", ax, Table("Towns", bars, chart="column", series=["orders"]), kind="count"),
        ],
        failures={HOSTILE[0]: HOSTILE[1]},
    )


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "td":
            self._inside = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def parsed(html: str) -> Elements:
    elements = Elements()
    elements.feed(html)
    return elements


def cells(path: Path, sheet: int) -> dict[str, Any]:
    """Read a sheet without a library: texts as they are, numbers as floats, formulas refused."""
    with zipfile.ZipFile(path) as book:
        texts = [
            "".join(t.text or "" for t in item.iter(f"{MAIN}t"))
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    found: dict[str, Any] = {}
    for cell in root.iter(f"{MAIN}c"):
        assert cell.find(f"{MAIN}f") is None, "a formula"
        value = cell.find(f"{MAIN}v")
        if value is not None and value.text is not None:
            own = texts[int(value.text)] if cell.get("t") == "s" else float(value.text)
            found[str(cell.get("r"))] = own
    return found


class TestHtml:
    def test_names_of_the_account_are_never_markup(self) -> None:
        elements = parsed(sample().to_html())
        assert [tag for tag, _ in elements.tags].count("script") == 1
        assert all(not name.startswith("on") for _, attributes in elements.tags for name in attributes)
        assert "49" not in elements.cells
        first = [cell for cell in elements.cells if cell == HOSTILE[0]]
        assert first, "the name is shown as it is"

    def test_nothing_is_fetched(self) -> None:
        elements = parsed(sample().to_html())
        links = [a[n] or "" for _, a in elements.tags for n in ("src", "href") if n in a]
        assert links
        assert all(link.startswith(("data:", "#")) for link in links)
        policy = [a["content"] or "" for _, a in elements.tags if a.get("http-equiv")]
        assert policy[0].startswith("default-src 'none'; img-src data:;")

    def test_numbers_are_written_and_sorted_by_their_value(self) -> None:
        elements = parsed(sample().to_html())
        keys = [a["data-v"] for tag, a in elements.tags if tag == "td"]
        assert "1234.5" in keys
        assert "€1,234.50" in elements.cells
        assert "6.2%" in elements.cells or "6.3%" in elements.cells
        assert "" in keys, "a missing count has an empty key"

    def test_bars_show_their_values_and_the_data_stand_below(self) -> None:
        elements = parsed(sample().to_html())
        titles = [a["title"] for tag, a in elements.tags if a.get("class") == "ka-hit"]
        assert titles == ["Oslo\norders: 3", "Rome\norders: 5"]
        assert {"Oslo", "Rome", "3", "5"} <= set(elements.cells)

    def test_contents_link_to_chapters(self) -> None:
        elements = parsed(sample().to_html())
        links = {(a["href"] or "")[1:] for tag, a in elements.tags if tag == "a"}
        assert links
        assert links <= {a.get("id") for _, a in elements.tags}

    def test_a_notebook_shows_the_same_without_a_script(self) -> None:
        shown = sample()._repr_html_()
        assert "<script" not in shown
        assert parsed(shown).cells == parsed(sample().to_html()).cells

    def test_a_heavy_report_warns(self) -> None:
        frame = pd.DataFrame({"text": ["x" * 1_000] * 2_100})
        with pytest.warns(UserWarning, match="more than 2 MB"):
            Report("Heavy", [Table("Rows", frame)]).to_html()


class TestExcel:
    def test_cells_hold_the_values_of_the_frame(self, tmp_path: Path) -> None:
        report, path = sample(), tmp_path / "r.xlsx"
        report.to_excel(path)
        frame, found = report.tables()[0].frame, cells(path, 2)
        epoch = pd.Timestamp("1899-12-30")
        for row, (_, sent, recipients, rate, revenue) in enumerate(frame.itertuples(index=False), start=2):
            assert found[f"B{row}"] == pytest.approx((sent.tz_localize(None) - epoch) / pd.Timedelta(days=1))
            assert found.get(f"C{row}") == (None if pd.isna(recipients) else float(recipients))
            assert found[f"D{row}"] == rate
            assert found[f"E{row}"] == revenue
        assert found["A4"] == HOSTILE[2]

    def test_sheets_are_frozen_filtered_and_have_a_native_chart(self, tmp_path: Path) -> None:
        sample().to_excel(tmp_path / "r.xlsx")
        with zipfile.ZipFile(tmp_path / "r.xlsx") as book:
            sheet = book.read("xl/worksheets/sheet2.xml").decode()
            charts = [name for name in book.namelist() if name.startswith("xl/charts/chart")]
        assert 'state="frozen"' in sheet
        assert '<autoFilter ref="A1:E11"/>' in sheet
        assert len(charts) == 1

    @pytest.mark.parametrize(
        "title", ["a/b:c*d?[e]\\f", "'quoted'", "x" * 40, "History", "overview", "", "\x00"]
    )
    def test_any_title_makes_a_sheet(self, title: str, tmp_path: Path) -> None:
        frame = pd.DataFrame({"a": [1]})
        Report("r", [Table(title, frame), Table(title, frame)]).to_excel(tmp_path / "r.xlsx")
        with zipfile.ZipFile(tmp_path / "r.xlsx") as book:
            names = re.findall(r'<sheet name="([^"]*)"', book.read("xl/workbook.xml").decode())
        assert len({name.lower() for name in names}) == 3
        assert all(0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) for name in names)

    def test_a_text_that_is_too_long_says_so(self, tmp_path: Path) -> None:
        Report("r", [Table("t", pd.DataFrame({"a": ["x" * 40_000]}))]).to_excel(tmp_path / "r.xlsx")
        assert cells(tmp_path / "r.xlsx", 2)["A2"].endswith("… (cut, 40,000 characters)")


class TestFiles:
    def test_same_data_same_bytes(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            sample().to_excel(tmp_path / f"{name}.xlsx")
            sample().to_folder(tmp_path / name)
        assert sample().to_html() == sample().to_html()
        assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
        for file in (tmp_path / "a").iterdir():
            assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name

    def test_a_pdf_is_the_same_twice(self, tmp_path: Path) -> None:
        pytest.importorskip("weasyprint")
        for name in ("a", "b"):
            sample().to_pdf(tmp_path / f"{name}.pdf")
        assert (tmp_path / "a.pdf").read_bytes()[:5] == b"%PDF-"
        assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()

    def test_a_folder_holds_tables_and_pictures(self, tmp_path: Path) -> None:
        report = sample()
        written = report.to_folder(tmp_path / "out")
        assert [file.name for file in written] == [
            "report.md", "01-rows.csv", "01-rows.parquet", "02-towns.svg", "02-towns.png", "02-towns.csv",
            "02-towns.parquet",
        ]  # fmt: skip
        back = pd.read_parquet(tmp_path / "out" / "01-rows.parquet")
        assert back["revenue"].tolist() == report.tables()[0].frame["revenue"].tolist()
        assert "'=HYPERLINK" in (tmp_path / "out" / "01-rows.csv").read_text(encoding="utf-8")

    def test_existing_files_are_kept(self, tmp_path: Path) -> None:
        (tmp_path / "report.md").write_text("mine")
        with pytest.raises(FileExistsError, match=r"already holds report\.md"):
            sample().to_folder(tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == ["report.md"]

    def test_markdown_escapes_what_would_be_markup(self) -> None:
        text = sample().to_markdown()
        assert "<script>" not in text.replace("\\<script\\>", "")
        assert r"a \| b \`c\` \[d\](javascript:e)" in text


class TestParts:
    def test_a_report_is_frozen(self) -> None:
        frame = pd.DataFrame({"a": [1]})
        table = Table("t", frame)
        frame.loc[0, "a"] = 2
        assert table.frame["a"].tolist() == [1]
        with pytest.raises(AttributeError):
            table.title = "other"  # type: ignore[misc]

    def test_wrong_parts_are_refused(self) -> None:
        with pytest.raises(InvalidInputError, match=r"sections\[1\] is of type str"):
            Report("r", [Heading("h"), "text"])  # type: ignore[list-item]
        with pytest.raises(FrameError, match="not a DataFrame"):
            Table("t", [1])  # type: ignore[arg-type]
        with pytest.raises(InvalidInputError, match="is not a column"):
            Table("t", pd.DataFrame({"a": [1]}), kinds={"b": "rate"})
        with pytest.raises(InvalidInputError, match="is not a colour"):
            ka.report.Branding(colour="red;}")
        with pytest.raises(InvalidInputError, match="unknown type"):
            ka.report.Branding(logo="logo.exe")

    def test_a_logo_becomes_part_of_the_page(self, tmp_path: Path) -> None:
        (tmp_path / "logo.png").write_bytes(b"\x89PNG")
        page = Report(
            "r", branding=ka.report.Branding(logo=tmp_path / "logo.png", footer="<b>us</b>")
        ).to_html()
        assert "data:image/png;base64,iVBORw==" in page
        assert "&lt;b&gt;us" in page

    def test_numbers_and_dates_in_german(self) -> None:
        write = Formatter("de")
        assert write(1234.5, "money", "EUR") == "1.234,50\xa0€"
        assert write(0.125, "rate") == "12,5\xa0%"
        assert write(pd.Timestamp("2026-03-01"), "date") == "01.03.2026"
        with pytest.raises(InvalidInputError, match="is not known"):
            Formatter("klingon-xx-yy")

    @pytest.mark.parametrize(
        ("language", "texts"),
        [
            ("de", ["−1.234,50\xa0€", "−12,3\xa0%", "1.234.567", "03.05.2026, 14:05", "+5,0\xa0%"]),
            (
                "fr",
                [
                    "−1\u202f234,50\xa0€",
                    "−12,3\xa0%",
                    "1\u202f234\u202f567",
                    "3 mai 2026, 14:05",
                    "+5,0\xa0%",
                ],
            ),
            ("ja", ["−€1,234.50", "−12.3%", "1,234,567", "2026/05/03 14:05", "+5.0%"]),
            (
                "ar",
                ["\u200f−1,234.50\xa0€", "−12.3%", "1,234,567", "03\u200f/05\u200f/2026، 2:05 م", "+5.0%"],
            ),
            ("hi", ["−€1,234.50", "−12.3%", "12,34,567", "3 मई 2026, 2:05 pm", "+5.0%"]),
            ("pt-BR", ["−€\xa01.234,50", "−12,3%", "1.234.567", "3 de mai. de 2026 14:05", "+5,0%"]),
        ],
    )
    def test_numbers_and_dates_in_many_languages(self, language: str, texts: list[str]) -> None:
        write = Formatter(language)
        assert [
            write(-1234.5, "money", "EUR"),
            write(-0.1234, "rate"),
            write(1_234_567, "count"),
            write(pd.Timestamp("2026-05-03 14:05:59", tz="Asia/Tokyo"), "datetime"),
            write.change(0.05),
        ] == texts

    @pytest.mark.parametrize("language", ["de", "fr", "ja", "ar", "pt_BR"])
    def test_a_page_says_which_language_its_words_and_its_numbers_are_in(self, language: str) -> None:
        parts: list[Part] = [
            Heading("Orders"),
            MetricCards([Card("Revenue", 1234.5, "money", "EUR", change=-0.12)]),
            Table("Rows", pd.DataFrame({"name": ["Oslo"], "orders": [1234]})),
        ]
        branding, tag = ka.report.Branding(language=language), language.replace("_", "-")
        english = parsed(Report("r", parts, branding=branding, wording="en").to_html())
        assert [a.get("lang") for tag, a in english.tags if tag == "html"] == ["en"]
        assert [a.get("lang") for tag, a in english.tags if tag == "td"] == [None, tag]
        classes = [a.get("class") for _, a in english.tags if a.get("lang") == tag]
        assert classes == ["ka-value", None, "ka-number"]
        own = parsed(Report("r", parts, branding=branding).to_html())
        assert [(tag, a["lang"]) for tag, a in own.tags if a.get("lang")] == [("html", tag)]
        with pytest.raises(InvalidInputError, match="wording='<b>' is not a language tag"):
            Report("r", wording="<b>")

    @pytest.mark.parametrize(("value", "kind", "text"), [
        (-3.5, "money", "−$3.50"), (0.0004, "rate", "0.040%"), (0, "rate", "0%"), (12345, "count", "12,345"),
        (float("nan"), "rate", "–"), (None, "money", "–"), (pd.NA, "count", "–"), (1.5, "number", "1.50"),
    ])  # fmt: skip
    def test_english(self, value: Any, kind: Any, text: str) -> None:
        assert Formatter()(value, kind, "USD") == text

    @pytest.mark.parametrize(
        ("module", "method"), [("jinja2", "to_html"), ("xlsxwriter", "to_excel"), ("weasyprint", "to_pdf")]
    )
    def test_a_missing_extra_is_named(
        self, module: str, method: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setitem(sys.modules, module, None)
        html._environment.cache_clear()
        with pytest.raises(MissingExtraError, match="pip install"):
            getattr(Report("r"), method)(tmp_path / "x")
        html._environment.cache_clear()


@pytest.mark.skipif(os.name == "nt", reason="modes mean little on Windows")
def test_files_of_a_private_report_are_for_their_owner_only(tmp_path: Path) -> None:
    parts = [Table("Best customers", pd.DataFrame({"profile": ["01ABC"]}))]
    modes: dict[bool, set[int]] = {}
    for private in (True, False):
        report, folder = Report("r", parts, private=private), tmp_path / str(private)
        files = report.to_folder(folder)
        for name, write in (
            ("r.html", report.to_html),
            ("r.md", report.to_markdown),
            ("r.xlsx", report.to_excel),
        ):
            write(folder / name)
        report.to_pdf(folder / "r.pdf")
        assert {file.name for file in folder.iterdir()} == {"r.html", "r.md", "r.xlsx", "r.pdf"} | {
            f.name for f in files
        }
        modes[private] = {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
        assert pd.read_parquet(next(folder.glob("*.parquet")))["profile"].tolist() == ["01ABC"]
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert modes == {True: {0o600}, False: {stat.S_IMODE(plain.stat().st_mode)}}
    shared = tmp_path / "shared.html"
    shared.touch()
    shared.chmod(0o640)
    Report("r", parts, private=True).to_html(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o640  # whoever was let in before reads on
    assert "01ABC" in shared.read_text(encoding="utf-8")
