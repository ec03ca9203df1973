"""What a notebook shows of a client, its account and its description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics._html import AccountRow, card
from klaviyo_analytics.client import KlaviyoClient


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
