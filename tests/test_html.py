"""What a notebook shows of a client, its account and its description."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets
import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics._html import AccountRow, AccountSummary, card, table
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox


@pytest.fixture(scope="module")
def client() -> Iterator[KlaviyoClient]:
    with ka.demo(profiles=20, events=50) as client:
        yield client


def html_of(thing: object) -> str:
    return str(thing._repr_html_())  # type: ignore[attr-defined]


class Balanced(HTMLParser):
    """Notes the elements that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_an_account_is_a_card_and_otherwise_a_plain_series(client: KlaviyoClient) -> None:
    account = client.account
    shown = html_of(account)
    assert account["contact_information.organization_name"].split(",")[0].replace("&", "&amp;") in shown
    assert account["timezone"] in shown
    assert isinstance(account, pd.Series)
    assert type(account[["id", "timezone"]]) is pd.Series
    assert type(account.to_frame()) is pd.DataFrame


def test_a_client_shows_where_it_goes_and_never_its_key(client: KlaviyoClient) -> None:
    _ = client.account
    shown = html_of(client)
    assert "127.0.0.1" in shown
    assert str(client.account["id"]) in shown
    key = client._credentials.authorization.rpartition(" ")[2]
    assert key not in shown


def test_a_description_shows_every_verb_and_is_otherwise_a_plain_frame(client: KlaviyoClient) -> None:
    every, one = client.describe(), client.describe("tags")
    shown = html_of(every)
    assert all(f"<b>{noun}</b>" in shown for noun in every["resource"].unique())
    assert shown.count('<th scope="row"') == len(every)
    assert "<details open>" in html_of(one)
    assert "<details open>" not in shown
    assert type(one.query("verb == 'create'")) is pd.DataFrame


def test_tables_of_frames_escape_what_would_hide_or_reorder_text() -> None:
    frame = pd.DataFrame(
        {"a\u202eb": ["<b>\u202ex", None, "y"], "n": [1.5, 2, 3], "text": [[1], {"a": 1}, "z"]}
    )
    frame["text"] = frame["text"].astype(object)
    shown = table(frame, most=2, index=False)
    assert "&lt;b&gt;\\u202ex" in shown
    assert "\u202e" not in shown
    assert shown.count("<tr") == 3  # the head and two rows
    assert "<td>1.5</td>" in shown
    assert frame.iloc[0, 0] == "<b>\u202ex"  # the frame itself stays as it is


def test_every_table_is_written_by_the_one_renderer() -> None:
    package = Path(ka.__file__).parent
    writers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "sandbox" not in path.parts
        and re.search(r"<table|<td>|\w\.to_html\((?!path)", path.read_text("utf-8"))
    }
    assert writers == {"_html.py"}


def test_what_is_shown_is_whole_escaped_and_takes_its_colours_from_the_page(client: KlaviyoClient) -> None:
    odd = AccountRow({"id": "<x>", "contact_information.organization_name": "A & <b>", "timezone": None})
    for shown in (html_of(client), html_of(client.account), html_of(client.describe()), html_of(odd)):
        parser = Balanced()
        parser.feed(shown)
        assert parser.open == []
        assert not re.search(r'style="[^"]*(color|background)|<script', shown)
    assert "<x>" not in html_of(odd)
    assert "time zone" not in html_of(odd)
    assert "<script>" not in card("<script>", {"a": "<script>"})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=150, events=800) as sandbox:
        yield sandbox


@pytest.fixture
def fresh(sandbox: Sandbox) -> Iterator[ka.KlaviyoClient]:
    """A client that has read nothing yet."""
    sandbox.faults.clear()
    with ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False) as client:
        client._api.paced = False
        yield client


def test_a_client_shows_the_name_of_its_account_and_calls_that_work(
    fresh: ka.KlaviyoClient, sandbox: Sandbox
) -> None:
    before = len(sandbox.requests)
    shown = fresh._repr_html_()
    assert "Juniper &amp; Pine Outfitters, LLC" in shown
    assert fresh._repr_html_() == shown
    assert len(sandbox.requests) == before + 1
    calls = [html.unescape(call) for call in re.findall(r"<code>(.*?)</code>", shown)]
    assert len(calls) > 5
    for call in calls:
        assert eval(call, {"ka": ka, "client": fresh}) is not None
    ipywidgets.Widget.close_all()


def test_a_client_whose_account_cannot_be_read_says_why(fresh: ka.KlaviyoClient, sandbox: Sandbox) -> None:
    sandbox.faults.add(path="/api/accounts", status=403)
    assert "the account could not be read" in fresh._repr_html_()


def test_a_resource_has_its_count_its_newest_and_its_methods(fresh: ka.KlaviyoClient) -> None:
    shown = html.unescape(fresh.campaigns._repr_html_())
    every = fresh.campaigns.list()
    assert f">{len(every)}<" in shown
    newest = every.dropna(subset=["send_time"]).sort_values("send_time").iloc[-1]
    assert f"{newest['name']} ({newest['send_time']:%Y-%m-%d})" in shown
    assert "list" in shown
    assert "summary" in shown


def test_a_repr_sends_nothing(fresh: ka.KlaviyoClient, sandbox: Sandbox) -> None:
    before = len(sandbox.requests)
    assert repr(fresh.campaigns).startswith("Campaigns: audiences, cancel, ")
    assert len(sandbox.requests) == before
    assert fresh.account["id"]
    assert repr(fresh.campaigns).startswith(
        "Campaigns of Juniper & Pine Outfitters, LLC: audiences, cancel, "
    )


def test_many_are_counted_as_far_as_one_page_and_people_are_not_named(
    fresh: ka.KlaviyoClient, sandbox: Sandbox
) -> None:
    before = len(sandbox.requests)
    shown = fresh.profiles._repr_html_()
    assert "100 or more" in shown
    assert len(sandbox.requests) == before + 1
    people = fresh.profiles.list()
    assert [mail for mail in people["email"].dropna() if mail in shown] == []
    assert [name for name in people["last_name"].dropna() if name in shown] == []


def test_a_resource_that_cannot_be_read_says_why_and_still_shows_its_methods(
    fresh: ka.KlaviyoClient, sandbox: Sandbox
) -> None:
    sandbox.faults.add(path="/api/flows", status=403)
    shown = fresh.flows._repr_html_()
    assert "could not be read" in shown
    assert "summary" in shown
    assert "count" not in fresh.coupon_codes._repr_html_()


def test_the_account_summary_is_shown_as_cards_and_stays_a_frame(client: KlaviyoClient) -> None:
    summary = client.account_summary("last 90 days")
    shown = html_of(summary)
    parser = Balanced()
    parser.feed(shown)
    revenue = float(summary.loc[summary["measure"] == "revenue"].set_index("source")["value"]["all"])
    assert f"${revenue:,.0f}" in shown or f"${revenue:,.2f}" in shown
    assert f"All {len(summary)} numbers, by source" in shown
    assert type(summary.head(3)) is pd.DataFrame
    assert summary.attrs["timeframe"] in html.unescape(shown)


def test_cards_write_unknown_negative_and_foreign_numbers() -> None:
    frame = pd.DataFrame(
        {
            "source": "all",
            "measure": ["revenue", "average_order_value", "open_rate", "click_rate", "recipients"],
            "kind": ["money", "money", "rate", "rate", "count"],
            "value": [-1234.5, 9.5, None, 0.0042, 12345.0],
            "currency": ["EUR", "CHF", None, None, None],
            "change": [-0.25, None, None, 0.0, 1.5],
        }
    )
    shown = html_of(AccountSummary(frame))
    for text in ("−€1,234<", "CHF 9.50<", "no value<", "0.42%<", "12,345<", "▼ 25.0%", "= 0.0%", "▲ 150.0%"):
        assert text in shown
    assert "<table" in html_of(AccountSummary(frame[["measure"]]))
