"""The performance report of the sandbox account: every number is the frames' own."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from openpyxl import load_workbook
from pypdf import PdfReader

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import AmbiguousMatchError, InvalidInputError
from klaviyo_analytics.report import Heading, MetricCards, Report, Table, Text
from klaviyo_analytics.report.account_frames import AccountFrames, Comparison
from klaviyo_analytics.report.formats import Formatter
from klaviyo_analytics.report.sentences import THRESHOLDS, sentences

PERIOD = "2026-05"


@pytest.fixture(scope="module")
def shop() -> Iterator[KlaviyoClient]:
    with ka.demo(profiles=400, events=8_000, progress=False) as client:
        yield client


@pytest.fixture(scope="module")
def report(shop: KlaviyoClient) -> Report:
    return ka.report.performance(shop, PERIOD)


def table(report: Report, title: str) -> pd.DataFrame:
    return next(part.frame for part in report.tables() if part.title == title)


def test_all_chapters_are_there_in_order(report: Report) -> None:
    assert dict(report.failures) == {}
    assert [part.title for part in report.sections if isinstance(part, Heading)] == [
        "Key numbers", "What changed most", "Revenue", "Flows", "Campaigns", "Deliverability", "Audience growth",
        "Timing of campaigns", "Customers", "Notes",
    ]  # fmt: skip


@pytest.mark.parametrize(("compare", "calls"), [("previous_period", 8), (None, 5)])
def test_the_docstring_states_how_many_scarce_reports_it_takes(
    compare: Comparison | None, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    send = requests.Session.send

    def counted(
        self: requests.Session, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        asked.append(str(request.url))
        return send(self, request, **options)

    with ka.demo(profiles=50, events=500, progress=False) as client:
        monkeypatch.setattr(requests.Session, "send", counted)
        ka.report.performance(client, PERIOD, compare=compare)
    assert len([url for url in asked if "-values-reports" in url]) == calls


def test_cards_equal_the_summary(report: Report, shop: KlaviyoClient) -> None:
    summary = shop.account_summary(PERIOD).set_index(["source", "measure"])["value"]
    cards = {c.label: c for part in report.sections if isinstance(part, MetricCards) for c in part.cards}
    assert cards["Revenue"].value == summary["all", "revenue"]
    assert cards["Flows: revenue per recipient"].value == summary["flow", "revenue_per_recipient"]
    assert cards["Bounce rate"].value == summary["all", "bounce_rate"]
    share = summary["flow", "revenue_share"] + summary["campaign", "revenue_share"]
    assert cards["Share of revenue that messages brought"].value == pytest.approx(share)


def test_tables_equal_the_frames(report: Report, shop: KlaviyoClient) -> None:
    campaigns = shop.campaigns.summary(PERIOD)
    shown = table(report, "Campaigns by revenue per recipient")
    assert sorted(shown["campaign"]) == sorted(campaigns["campaign"])
    assert shown["conversion_value"].sum() == campaigns["conversion_value"].sum()
    assert shown["revenue_per_recipient"].is_monotonic_decreasing
    flows = shop.flows.summary(PERIOD).set_index("flow")["conversion_value"].to_dict()
    assert (
        table(report, "Flows by revenue per recipient").set_index("flow")["conversion_value"].to_dict()
        == flows
    )
    messages = table(report, "Messages of flows").groupby("flow")["conversion_value"].sum()
    assert messages.to_dict() == pytest.approx(flows)


def test_every_cell_of_the_page_and_of_the_workbook_is_the_frames(report: Report, tmp_path: Path) -> None:
    report.to_excel(tmp_path / "r.xlsx")
    page, book = report.to_html(), load_workbook(tmp_path / "r.xlsx")
    shown = [
        [re.findall(r'data-v="([^"]*)"', row) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)]
        for body in re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    ]
    tables = report.tables()
    assert len(shown) == len(tables) == len(book.sheetnames) - 1
    for part, on_page, sheet in zip(tables, shown, book.worksheets[1:], strict=True):
        rows = [
            [sheet.cell(r + 2, c + 1).value for c in range(part.frame.shape[1])]
            for r in range(len(part.frame))
        ]
        assert len(on_page) == len(part.frame)
        for row, cells, values in zip(rows, on_page, part.frame.itertuples(index=False), strict=True):
            for in_book, in_page, value in zip(row, cells, values, strict=True):
                if isinstance(value, list):
                    assert in_book == html.unescape(in_page) == ", ".join(value)
                elif pd.isna(value):
                    assert (in_book, in_page) == (None, "")
                elif isinstance(value, str):
                    assert in_book == html.unescape(in_page) == value
                elif pd.api.types.is_bool(value):
                    assert (in_book, in_page) == ("yes" if value else "no", str(value))
                elif isinstance(value, pd.Timestamp):
                    assert abs(pd.Timestamp(in_book) - value.tz_localize(None)) < pd.Timedelta(seconds=1)
                    assert pd.Timestamp(in_page) == value
                else:
                    assert in_book == pytest.approx(float(value), rel=1e-14)
                    assert float(in_page) == float(value)


def test_the_course_adds_up_to_revenue(report: Report, shop: KlaviyoClient) -> None:
    summary = shop.account_summary(PERIOD, compare=None).set_index(["source", "measure"])["value"]
    course = table(report, "Revenue by day")
    assert len(course) == 31
    assert course["total"].sum() == pytest.approx(summary["all", "revenue"])
    assert course["flow"].sum() == pytest.approx(summary["flow", "revenue"])


def in_pdf(report: Report, path: Path) -> str:
    """Return the text of a report's PDF without blanks and line ends, which may fall inside a word."""
    report.to_pdf(path)
    pages = PdfReader(path).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def test_nobody_is_named_unless_asked_for(report: Report, shop: KlaviyoClient, tmp_path: Path) -> None:
    orders = shop.events.list(metric=("Placed Order", "Shopify"), timeframe="2026-05")
    ids = set(orders["profile_id"])
    assert ids
    assert not any(id in report.to_html() for id in ids)
    full, hashed = (
        ka.report.performance(shop, PERIOD, privacy=p, sections=["customers", "notes"])
        for p in ("full", "hashed")
    )
    named, codes = table(full, "Best customers"), table(hashed, "Best customers")
    people = shop.profiles.list(fields=["email", "phone_number", "first_name", "last_name"])
    assert set(named["profile"]) <= set(people["id"])
    assert codes["monetary"].tolist() == named["monetary"].tolist()
    with_ids, with_codes = (
        [made.to_html(), made.to_markdown(), in_pdf(made, tmp_path / "r.pdf")] for made in (full, hashed)
    )
    assert all(id in form for id in named["profile"] for form in with_ids)
    assert all(code in form for code in codes["profile"] for form in with_codes)
    assert not any(id in form for id in people["id"] for form in with_codes)
    secrets = [secret for name in ("email", "phone_number") for secret in people[name].dropna()]
    assert not any(secret in form for secret in secrets for form in (*with_ids, *with_codes))
    assert "profileidsofcustomers:treatitaspersonaldata" in with_ids[2]
    assert "byahashoftheirprofileidonly" in with_codes[2]
    assert (full.private, hashed.private, report.private) == (True, True, False)


def test_under_aggregate_no_file_has_a_name_an_address_or_a_phone_number(
    shop: KlaviyoClient, tmp_path: Path
) -> None:
    people = shop.profiles.list(fields=["email", "phone_number", "first_name", "last_name", "location"])
    orders = shop.events.list(metric=("Placed Order", "Shopify"), timeframe=PERIOD)
    canary: dict[str, Any] = {
        "email": "canary@leak.example",
        "first_name": "Kanarienvogel",
        "last_name": "Zwitscherhausen",
    }
    canary |= {"phone_number": "+16175550199"}
    shop.profiles.update(orders["profile_id"].iloc[0], **canary)  # a customer of the period
    secrets = {*canary.values(), *people["email"].dropna(), *people["phone_number"].dropna(), *people["id"]}
    made = ka.report.performance(shop, PERIOD)
    made.to_html(tmp_path / "r.html")
    made.to_markdown(tmp_path / "r.md")
    made.to_excel(tmp_path / "r.xlsx")
    made.to_folder(tmp_path / "folder")
    with zipfile.ZipFile(tmp_path / "r.xlsx") as book:
        texts = {f"r.xlsx/{name}": book.read(name) for name in book.namelist()}
    printed = in_pdf(made, tmp_path / "r.pdf")
    assert "Nobodyisnamedinthisreport" in printed
    texts["text of r.pdf"] = printed.encode()
    texts |= {path.name: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    assert len(texts) > 30
    for name, content in texts.items():
        assert [secret for secret in secrets if secret.encode() in content] == [], name


def test_an_archive_makes_the_report_that_events_allow_with_the_numbers_of_the_account(
    shop: KlaviyoClient, report: Report, tmp_path: Path
) -> None:
    shop.archive(tmp_path).sync(["events", "metrics", "flows", "campaigns", "accounts", "profiles"])
    made = ka.report.performance(shop.archive(tmp_path), PERIOD)
    assert dict(made.failures) == {}
    assert made.title == report.title
    summary = shop.account_summary(PERIOD).set_index(["source", "measure"])
    shown = table(made, "Revenue and orders by source")
    words = {"campaigns": "campaign", "flows": "flow", "other orders": "other"}
    for row in shown[shown["measure"].eq("Orders")].to_dict("records"):
        numbers: Any = summary.loc[(words.get(row["source"], row["source"]), "orders")]
        assert (row["value"], row["previous"]) == (numbers["value"], numbers["previous"])
    assert table(made, "Revenue by day")["total"].tolist() == pytest.approx(
        table(report, "Revenue by day")["total"].tolist()
    )
    for same in ("Email subscribers by day", "Repeat purchases", "RFM groups", "Engaged profiles"):
        pd.testing.assert_frame_equal(table(made, same), table(report, same), check_dtype=False)
    provider = ["provider", "received", "bounced", "opens"]
    pd.testing.assert_frame_equal(
        table(made, "Email by mailbox provider")[provider],
        table(report, "Email by mailbox provider")[provider],
        check_dtype=False,
    )
    notes = [line for part in made.sections if isinstance(part, Text) for line in part.lines]
    assert any("What only Klaviyo's reports know is missing: recipients" in line for line in notes)
    assert "report queries" not in " ".join(notes)


def test_an_archive_without_a_client_needs_the_metric_where_several_have_the_name(
    shop: KlaviyoClient, tmp_path: Path
) -> None:
    shop.archive(tmp_path).sync(["events", "metrics"])
    copy = ka.open_archive(tmp_path)
    with pytest.raises(AmbiguousMatchError, match="Placed Order"):
        ka.report.performance(copy, PERIOD)
    metric = ("Placed Order", "Shopify")
    made = ka.report.performance(
        copy, PERIOD, conversion_metric=metric, sections=["headline", "flows", "campaigns"]
    )
    assert made.title == "Performance report"
    assert dict(made.failures) == {}
    credited = table(made, "Orders credited to flows")
    total = shop.account_summary(PERIOD, conversion_metric=metric).set_index(["source", "measure"])["value"]
    assert credited["conversion_value"].sum() == pytest.approx(total["flow", "revenue"])


def test_growth_by_source_and_engaged_share_are_the_analyses_own(report: Report, shop: KlaviyoClient) -> None:
    growth = shop.analyses.growth_by_source(PERIOD)
    assert table(report, "Subscriptions to lists by source")["subscribed"].sum() == growth["subscribed"].sum()
    engaged = table(report, "Engaged profiles")
    assert engaged["profiles"].sum() == len(shop.profiles.list(fields=["created"]))
    assert engaged["share_so_far"].iloc[-1] == 1
    assert engaged["profiles_so_far"].tolist() == engaged["profiles"].cumsum().tolist()


def test_a_large_account_is_not_read_for_the_engaged_share(
    shop: KlaviyoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AccountFrames, "most_events", 10)
    made = ka.report.performance(shop, PERIOD, sections=["audience"])
    (text,) = (part for part in made.sections if isinstance(part, Text) and part.title == "Engaged profiles")
    assert "made from an archive has it" in text.lines[0]


@pytest.mark.parametrize(("compare", "calls"), [("previous_period", "8"), (None, "5")])
def test_the_notes_say_how_many_scarce_reports_it_took(
    compare: Comparison | None, calls: str, shop: KlaviyoClient
) -> None:
    made = ka.report.performance(
        shop, PERIOD, compare=compare, sections=["headline", "changes", "flows", "campaigns", "notes"]
    )
    assert f"This report took {calls} of the 225 report queries" in made.to_markdown()


def test_a_chapter_that_fails_is_named_and_the_rest_stands(
    shop: KlaviyoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise InvalidInputError("no <campaigns> today")

    monkeypatch.setattr(shop.campaigns, "summary", broken)
    made = ka.report.performance(shop, PERIOD, sections=["campaigns", "revenue", "notes"])
    assert dict(made.failures) == {"Campaigns": "InvalidInputError: no <campaigns> today"}
    assert [part.title for part in made.sections if isinstance(part, Heading)] == ["Revenue", "Notes"]
    assert "no &lt;campaigns&gt; today" in made.to_html()


def test_without_a_comparison_nothing_is_compared(shop: KlaviyoClient) -> None:
    made = ka.report.performance(shop, PERIOD, compare=None, sections=["headline", "changes"])
    assert dict(made.failures) == {}
    assert "previous" not in table(made, "Revenue and orders by source")
    assert any(isinstance(part, Text) and "no other period" in part.lines[0] for part in made.sections)


def test_a_period_without_data_still_makes_a_report(shop: KlaviyoClient) -> None:
    made = ka.report.performance(shop, "2024-05")
    assert dict(made.failures) == {}
    assert len(made.to_html()) > 1_000


def test_unknown_words_are_refused(shop: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="sections='money' is not valid"):
        ka.report.performance(shop, PERIOD, sections=["money"])
    with pytest.raises(InvalidInputError, match="client is of type str, not a client or an archive"):
        ka.report.performance("archive")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="privacy='public' is not valid"):
        ka.report.performance(shop, PERIOD, privacy="public")  # type: ignore[arg-type]


def test_same_account_same_bytes(report: Report, shop: KlaviyoClient) -> None:
    assert ka.report.performance(shop, PERIOD).to_html() == report.to_html()
    assert len(report.to_html().encode()) < 2_000_000


def test_sentences_are_made_of_the_numbers() -> None:
    rows = [
        ("all", "revenue", 880.0, 1000.0), ("flow", "revenue", 200.0, 330.0), ("campaign", "revenue", 180.0, 170.0),
        ("other", "revenue", 500.0, 500.0), ("flow", "revenue_share", 200 / 880, 0.33),
        ("all", "orders", 8.0, 8.0), ("all", "average_order_value", 110.0, 125.0),
        ("all", "bounce_rate", 0.02, 0.01),
    ]  # fmt: skip
    summary = pd.DataFrame(rows, columns=["source", "measure", "value", "previous"])
    now = pd.DataFrame(
        {"flow_id": ["A", "B"], "flow": ["Abandoned Cart", "Welcome"], "conversion_value": [69.0, 131.0]}
    )
    before = now.assign(conversion_value=[100.0, 130.0])
    found = [s.text for s in sentences(summary, now, before, currency="USD", write=Formatter())]
    assert found == [
        "Revenue fell 12% to $880.00, mainly flows (−$130.00): Abandoned Cart −31%.",
        "Revenue of flows fell 39% to $200.00: 22.7% of all revenue, after 33.0%.",
        "The number of orders stayed the same at 8; the average order value fell 12% to $110.00.",
        "The flow that gained most is Welcome: +$1.00, to $131.00 of attributed revenue.",
        "The flow that lost most is Abandoned Cart: −$31.00, to $69.00 of attributed revenue.",
        "The bounce rate rose from 1.0% to 2.0%.",
    ]


def test_thresholds_at_their_bounds() -> None:
    bounce, share = THRESHOLDS["all", "bounce_rate"], THRESHOLDS["messages", "revenue_share"]
    assert [bounce.verdict(value) for value in (0.0099, 0.01, 0.02, None)] == ["good", "watch", "act", None]
    assert [share.verdict(value) for value in (0.25, 0.2, 0.1, float("nan"))] == [
        "good",
        "watch",
        "act",
        None,
    ]


def test_tables_have_a_kind_for_each_row(shop: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="row_kinds has 0 entries for 1 rows"):
        Table("t", pd.DataFrame({"a": [1.0]}), kinds={"a": "mixed"})
