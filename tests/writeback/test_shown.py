"""Plans and results as a notebook shows them: what matters, nothing that runs, nobody who need not be there."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.shops import Shop

EVIL = "<script>alert('x')</script>"
TAGS = {"b", "br", "code", "table", "thead", "tbody", "tr", "th", "td"}


class Page(HTMLParser):
    """What a browser would make of it: its tags, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.rows = 0
        self.feed(text)
        self.close()
        self.text = " ".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.rows += tag == "tr"
        assert not any(name.startswith("on") or name in ("href", "src") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page(shown: Any) -> Page:
    found = Page(shown._repr_html_())
    assert found.tags <= TAGS
    return found


def people(count: int, name: str = "shown") -> pd.DataFrame:
    return pd.DataFrame({"email": [f"{name}{n}@mail.example.net" for n in range(count)]})


def test_a_plan_shows_what_it_would_do_and_five_rows(offline: KlaviyoClient) -> None:
    found = page(offline.profiles.plan_upsert(people(20_001), unset="old"))
    assert "upsert profiles: 20,001 of 20,001 rows in 3 requests" in found.text
    assert "documented limits" not in found.text  # three go out at once
    assert "Needs confirm=True : This removes old from 20,001 profiles." in found.text
    assert "shown4@mail.example.net" in found.text
    assert "shown5@mail.example.net" not in found.text


def test_a_plan_that_the_limits_hold_up_says_how_long(offline: KlaviyoClient) -> None:
    found = page(offline.profiles.plan_suppress(people(30_000)))  # 75 a second
    assert "30,000 of 30,000 rows in 300 requests; at least 3 s at the documented limits" in found.text


def test_a_plan_with_problems_shows_ten_of_them_and_no_good_row(offline: KlaviyoClient) -> None:
    frame = pd.concat([people(3), pd.DataFrame({"email": [f"bad{n}" for n in range(12)]})], ignore_index=True)
    found = page(offline.profiles.plan_upsert(frame))
    assert "12 problems" in found.text
    assert "Nothing will be sent" in found.text
    assert "email: 'bad9' is not a valid email address" in found.text
    assert "bad10" not in found.text
    assert "shown0" not in found.text


def test_hostile_values_are_text(offline: KlaviyoClient) -> None:
    frame = people(1).assign(**{EVIL: 1}).set_index(pd.Index([EVIL], name=EVIL))
    good = page(offline.profiles.plan_upsert(frame, properties="rest"))
    assert f"email, properties.{EVIL}" in good.text
    bad = page(
        offline.profiles.plan_upsert(frame.assign(email=f"{EVIL}@mail.example.net"), properties="rest")
    )
    assert f"{EVIL}@mail.example.net" in bad.text


def test_an_empty_plan_is_shown(offline: KlaviyoClient) -> None:
    found = page(offline.profiles.plan_upsert(people(0).astype("string")))
    assert "0 of 0 rows in 0 requests" in found.text
    assert found.rows == 1


def test_a_result_counts_and_shows_ten_failures(shop: Shop) -> None:
    frame = pd.concat([people(2), pd.DataFrame({"email": [f"bad{n}" for n in range(12)]})], ignore_index=True)
    result = shop.client.profiles.upsert(frame, skip_invalid=True, journal=False)
    found = page(result)
    assert "upsert profiles : 14 rows, 12 not sent, 2 written" in found.text
    assert found.text.count("is not a valid email address") == 10
    assert "bad10" not in found.text
    assert "shown0" not in found.text
    assert "Journal" not in found.text


def test_a_result_without_failures_shows_nobody(shop: Shop) -> None:
    found = page(shop.client.profiles.upsert(people(2)))
    assert found.text == "upsert profiles : 2 rows, 2 written"


def test_a_result_of_nothing_is_shown(shop: Shop) -> None:
    result = shop.client.profiles.upsert(people(0).astype("string"))
    assert page(result).text == "upsert profiles : 0 rows, none"
    assert repr(result) == "<Result of upsert profiles: 0 rows, none>"


def test_a_result_that_ended_early_says_why_and_where_to_go_on(shop: Shop, tmp_path: Path) -> None:
    why = {"errors": [{"id": "e", "code": "x", "title": "No", "detail": f"Not allowed: {EVIL}"}]}
    shop.sandbox.faults.add(method="POST", path="/api/profile-bulk-import-jobs", status=403, body=why)
    path = tmp_path / "early & late.journal"
    frame = people(2).set_index(pd.Index([EVIL, "b"]))
    found = page(shop.client.profiles.upsert(frame, journal=path))
    assert "2 not sent" in found.text
    assert f"Not allowed: {EVIL}" in found.text
    assert f"Journal: {path} ; it holds the rows' data." in found.text.replace("  ", " ")
    assert "client.resume(...)" in found.text


@pytest.mark.parametrize("width", [20, 50])
def test_pandas_own_settings_do_not_let_anything_through(offline: KlaviyoClient, width: int) -> None:
    with pd.option_context("display.max_colwidth", width, "display.html.table_schema", False):
        frame = pd.DataFrame({"email": [EVIL]})
        assert page(offline.profiles.plan_upsert(frame)).rows == 2
