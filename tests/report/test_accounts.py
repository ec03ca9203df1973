"""Several accounts from one TOML file: a file each, an overview, and a failure that stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.report.accounts import ReportsFailedError
from klaviyo_analytics.sandbox import Sandbox

HEAD = 'timeframe = "2026-05"\nsections = ["headline", "revenue"]\ntitle = "Weekly <b>"\n[branding]\nfooter = "Us"\n'


def write(folder: Path, text: str) -> Path:
    (folder / "reports.toml").write_text(text, encoding="utf-8")
    return folder / "reports.toml"


def account(name: str, url: str, variable: str, extra: str = "") -> str:
    return f'[[accounts]]\nname = "{name}"\nbase_url = "{url}"\nkey_env = "{variable}"\n{extra}'


def test_two_accounts_have_files_and_the_overview_names_the_third(tmp_path: Path) -> None:
    with (
        Sandbox(profiles=60, events=600, seed=1) as first,
        Sandbox(profiles=60, events=600, seed=2) as second,
        Sandbox(profiles=60, events=600, seed=3) as third,
    ):
        text = (
            HEAD + account("Oslo & Co", first.direct_url, "A") + account("Broken <i>", third.direct_url, "C")
        )
        file = write(tmp_path, text + account("Oslo. Co", second.direct_url, "B", 'title = "Own title"\n'))
        keys = {"A": first.api_key, "B": second.api_key, "C": "pk_not_the_key"}
        result = ka.report.run(file, environ=keys)
    assert result.frame["status"].tolist() == ["written", "failed", "written"]
    assert result.frame["file"].dropna().tolist() == ["oslo-co.html", "oslo-co-2.html"]
    assert not result.ok
    assert result.exit_code == 3
    assert "AuthenticationError" in str(result.frame.loc[1, "message"])
    page = result.overview.read_text(encoding="utf-8")
    assert "Broken &lt;i&gt;" in page
    assert "Weekly &lt;b&gt;" in page
    assert 'href="oslo-co.html"' in page
    assert not any(key in page for key in keys.values())
    assert sorted(f.name for f in (tmp_path / "reports").iterdir()) == [
        "index.html",
        "oslo-co-2.html",
        "oslo-co.html",
    ]
    assert "<title>Own title</title>" in (tmp_path / "reports" / "oslo-co-2.html").read_text(encoding="utf-8")
    with pytest.raises(ReportsFailedError, match=r"1 of 3 reports are not complete: Broken <i>"):
        result.raise_for_failures()


def test_a_missing_variable_is_named_and_formats_are_written(tmp_path: Path) -> None:
    with Sandbox(profiles=60, events=600) as shop:
        text = 'timeframe = "2026-05"\nsections = ["revenue"]\nformats = ["xlsx", "md"]\n'
        file = write(
            tmp_path, text + account("A", shop.direct_url, "A") + account("B", shop.direct_url, "NOT_SET")
        )
        result = ka.report.run(file, environ={"A": shop.api_key})
    assert result.frame["file"].dropna().tolist() == ["a.xlsx"]
    assert "environment variable NOT_SET is not set" in str(result.frame.loc[1, "message"])
    assert (tmp_path / "reports" / "a.md").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "is not valid TOML"),
        ("", "lists no account"),
        ("colour = 'x'", "'colour' is not known; allowed are"),
        ("[[accounts]]\nname = 'a'", "neither key_env nor connection"),
        ("[[accounts]]\nkey_env = 'a'", "account 1 has no name"),
        ("[[accounts]]\nname = 'a'\napi_key = 'x'", "'api_key' is not known"),
        ("formats = ['docx']\n[[accounts]]\nname = 'a'\nkey_env = 'a'", r"allowed are (\w+, ){3}\w+\."),
        (
            "[orders]\nrenewals = 'no'\n[[accounts]]\nname = 'a'\nkey_env = 'a'",
            "orders: renewals is a str, which is not allowed",
        ),
        ("[orders]\nrenewal = false", "orders: 'renewal' is not known; allowed are renewals, "),
        ("timeframe = 3\n[[accounts]]\nname = 'a'\nkey_env = 'a'", "timeframe is a int"),
    ],
)
def test_a_wrong_file_is_refused_before_any_account(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ka.report.run(write(tmp_path, text), environ={})
    assert not (tmp_path / "reports").exists()


def test_orders_that_count_are_shared_by_the_accounts_or_an_account_s_own(tmp_path: Path) -> None:
    with Sandbox(profiles=60, events=600) as shop:
        text = 'timeframe = "2026-05"\nsections = ["notes"]\nformats = ["md"]\n[orders]\nrenewals = false\n'
        own = '[accounts.orders]\nwithout_tags = ["gift"]\n'
        text += account("A", shop.direct_url, "A") + account("B", shop.direct_url, "A", own)
        result = ka.report.run(write(tmp_path, text), environ={"A": shop.api_key})
    assert result.ok, result.frame
    first, second = ((tmp_path / "reports" / name).read_text("utf-8") for name in ("a.md", "b.md"))
    assert "Orders that count: without renewals." in first
    assert "Orders that count: without tags gift." in second
