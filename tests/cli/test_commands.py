"""Each command: success, bad input, a pipe, and what the exit status says."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from klaviyo_analytics.cli.main import main, words
from klaviyo_analytics.sandbox import Sandbox

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=60, events=1_500) as served:
        yield served


@pytest.fixture(autouse=True)
def _account(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KLAVIYO_API_KEY", sandbox.api_key)
    monkeypatch.setenv("KLAVIYO_BASE_URL", sandbox.direct_url)
    monkeypatch.setenv("KLAVIYO_ANALYTICS_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.delenv("MATON_API_KEY", raising=False)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(arguments) == status
    return capsys.readouterr().out


def test_a_pipe_gets_csv_and_json_has_an_object_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.read_csv(io.StringIO(printed(capsys, "metrics")))
    assert {"id", "name"} <= set(frame.columns)
    rows = [json.loads(line) for line in printed(capsys, "metrics", "--json").splitlines()]
    assert [row["id"] for row in rows] == frame["id"].tolist()


def test_a_table_counts_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "describe", "--table")
    assert "more" in text
    assert "--csv or --json shows all" in text


def test_account_and_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert "America/New_York" in printed(capsys, "account")
    assert printed(capsys, "check")


@pytest.mark.parametrize("what", ["campaigns", "flows", "forms", "segments"])
def test_queries_are_what_the_client_returns(capsys: pytest.CaptureFixture[str], what: str) -> None:
    text = printed(capsys, "query", what, "--timeframe", "last 30 days")
    assert pd.read_csv(io.StringIO(text)).shape[1] > 3


def test_an_aggregate_sums_to_the_same_by_week_and_by_month(capsys: pytest.CaptureFixture[str]) -> None:
    question = ("query", "aggregate", "Received Email", "--timeframe", "last 365 days", "--interval")
    by_week = pd.read_csv(io.StringIO(printed(capsys, *question, "week")))["count"].sum()
    by_month = pd.read_csv(io.StringIO(printed(capsys, *question, "month")))["count"].sum()
    assert by_week == by_month > 0


def test_export_writes_each_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for ending in ("csv", "jsonl", "parquet", "xlsx"):
        printed(capsys, "export", "profiles", "--to", str(tmp_path / f"people.{ending}"), "--limit", "7")
    assert len(pd.read_csv(tmp_path / "people.csv")) == 7
    assert len(pd.read_parquet(tmp_path / "people.parquet")) == 7
    assert len((tmp_path / "people.jsonl").read_text("utf-8").splitlines()) == 7


def test_export_never_writes_over_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "mine.csv"
    target.write_text("mine", encoding="utf-8")
    assert main(["export", "lists", "--to", str(target)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert target.read_text("utf-8") == "mine"


def test_a_copy_is_made_asked_and_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "copy")
    synced = pd.read_csv(io.StringIO(printed(capsys, "sync", folder, "events", "metrics")))
    assert synced.set_index("table").loc["events", "new"] == 1_500
    counted = printed(capsys, "sql", folder, "select count(*) as n from events", "--json")
    assert json.loads(counted) == {"n": 1_500}
    assert printed(capsys, "verify", folder, "--cost")


def test_a_refused_statement_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "copy")
    printed(capsys, "sync", folder, "metrics")
    assert main(["sql", folder, "select * from nothing"]) == 1
    said = capsys.readouterr().err
    assert "nothing" in said
    assert "Traceback" not in said


def test_members_from_a_file_are_planned_then_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sandbox: Sandbox
) -> None:
    people = pd.read_csv(
        io.StringIO(printed(capsys, "export", "profiles", "--to", str(tmp_path / "p.csv")) or "a\n")
    )
    del people
    some = pd.read_csv(tmp_path / "p.csv").loc[:4, ["id"]]
    some.to_csv(tmp_path / "members.csv", index=False)
    before = len(sandbox.requests)
    words = ["import", "members", str(tmp_path / "members.csv"), "--list", "Newsletter"]
    assert main([*words, "--plan"]) == 0, capsys.readouterr().err
    assert not [one for one in list(sandbox.requests)[before:] if one.method != "GET"]
    assert "Nothing was sent" in capsys.readouterr().err
    assert main([*words, "--apply", "--confirm", "--journal", str(tmp_path / "m.journal")]) == 0


def test_subscribers_join_a_list_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sandbox: Sandbox
) -> None:
    (tmp_path / "new.csv").write_text("Email,Accepts Email Marketing\nann@shop.example,yes\n")
    words = ["import", "subscribers", str(tmp_path / "new.csv"), "--plan", "--list"]
    by_name = printed(capsys, *words, "Newsletter")
    named = next(
        id for id, one in sandbox.account.records["list"].items() if one.attributes["name"] == "Newsletter"
    )
    assert printed(capsys, *words, named) == by_name
    assert "ann@shop.example" in by_name
    assert main([*words, "Newsletters"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["query", "aggregate"], "needs a metric"),
        (["query", "aggregate", "No Such Metric"], "No Such Metric"),
        (["import", "events", "x.csv"], "--metric"),
        (["import", "members", "x.csv"], "--list"),
        (["import", "members", "x.csv", "--list", "Newsletter"], "x.csv"),
        (["resume", "no.journal"], "no.journal"),
        (["account", "--profile", "shop"], "config.toml"),
        (["account", "--key-file", "nowhere"], "nowhere"),
        (["sql", "nowhere", "select 1"], "nowhere"),
    ],
)
def test_mistakes_are_explained_without_a_traceback(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(Exception, match="No Such Metric"):
        main(["query", "aggregate", "No Such Metric", "--debug"])


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["exprot"])
    assert ended.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_a_profile_names_its_key_and_holds_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", sandbox.api_key)
    monkeypatch.delenv("KLAVIYO_API_KEY")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[profiles.shop]\nkey_env = "SHOP_KEY"\nbase_url = "{sandbox.direct_url}"\n', encoding="utf-8"
    )
    assert "America/New_York" in printed(capsys, "account", "--profile", "shop")
    config.write_text('[profiles.shop]\napi_key = "pk_0123456789"\n', encoding="utf-8")
    assert main(["account", "--profile", "shop"]) == 1
    said = capsys.readouterr().err
    assert "never kept in this file" in said
    assert "pk_0123456789" not in said


def test_every_command_has_an_example_and_completes(capsys: pytest.CaptureFixture[str]) -> None:
    for name in words():
        with pytest.raises(SystemExit):
            main([name, "--help"])
        assert f"klaviyo-analytics {name}" in capsys.readouterr().out
    for shell in ("bash", "zsh", "fish"):
        script = printed(capsys, "completion", shell)
        assert all(name in script for name in words())


def test_every_command_is_in_the_readme() -> None:
    text = README.read_text("utf-8")
    assert [
        name for name in words() if f"`{name}" not in text and f"klaviyo-analytics {name}" not in text
    ] == []


def test_a_reader_that_closes_its_pipe_is_no_error(sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "klaviyo_analytics", "export", "--help"]
    ended = subprocess.run([*command], capture_output=True, check=False, env={**os.environ, "COLUMNS": "80"})
    assert ended.returncode == 0
    assert sandbox.api_key.encode() not in ended.stdout
