"""Each command: success, bad input, a pipe, and what the exit status says."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.answers import Analyses
from klaviyo_analytics.cli import account, output, reading
from klaviyo_analytics.cli.main import DONE, FAILED, INCOMPLETE, INTERRUPTED, USAGE, main, words
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


# A call, a keyword argument, or a constant of Python, where a shell has commands and options.
IN_PYTHON = re.compile(
    r"\w\.\w+\(|\b[a-z_]{2,}\(\)|(?<!-p )\b[a-z_]{3,}=(?!VALUE)|\bka\.|\b(None|True|False)\b"
)
OF_THE_SHELL = re.compile(r"`[^`]*`|--(filter|orders|column) '[^']*'|\w+=(yes|no)\b")


@pytest.fixture(autouse=True)
def _no_error_speaks_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each error that a command of this module shows."""
    program = importlib.import_module("klaviyo_analytics.cli.main")
    explained = program._explained

    def read(error: Exception, options: argparse.Namespace | None) -> str:
        said: str = explained(error, options)
        expected = not said.endswith("shows where it comes from.") and not program._of_a_command(error)
        assert not expected or not IN_PYTHON.search(OF_THE_SHELL.sub("", said)), said
        return said

    monkeypatch.setattr(program, "_explained", read)


MISTAKES = """
export profiles --to {}/a.csv --last 30d
export metrics --to {}/a.csv --metric Placed
export profiles --to {}/a.csv --filter greater-than(created,yesterday)
export profiles --to {}/a.csv --filter junk
export profiles --to {}/a.csv --fields emial
export coupon-codes --to {}/a.csv
export events --to {}/none/a.csv
export campaign-messages --to {}/a.csv
query aggregate 'Placed Order'
query aggregate 'Placed Order' --integration Shopify --measure revenue
query aggregate 'Placed Order' --integration Shopify --interval fortnight
query campaigns --by mesage
query campaigns --timeframe 'last 3 years'
analyse ab -p campaign=Nope
analyse cohorts -p period=1
analyse attribution -p model=junk
analyse by-segment -p segments=Nope
analyse rfm -p foo=1
analyse send-times -p by=x
sync {}/copy events --since 2026-31-01
report 2026-05 --to {}/a.html --archive {}/none
import profiles {}/people.csv --column Wat=foo
import subscribers {}/people.csv --column Wat=phone_number --list Newslettr
import members {}/people.csv --list Newsletter
import events {}/people.csv --metric X
connections list
metrics --revision 2020
metrics --base-url foo
metrics --connection x
"""


@pytest.mark.parametrize("line", MISTAKES.strip().splitlines())
def test_mistakes_are_answered_in_the_words_of_a_shell(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "people.csv").write_text("Name,Wat\nann,1\n")
    assert main([word.replace("{}", str(tmp_path)) for word in shlex.split(line)]) == FAILED
    assert capsys.readouterr().err.startswith("klaviyo-analytics: ")


def test_an_option_for_other_lists_is_refused_with_those_that_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "profiles", "--to", str(tmp_path / "a.csv"), "--last", "30d"]) == FAILED
    assert capsys.readouterr().err == (
        "klaviyo-analytics: export profiles takes no --last. It takes --filter, --fields, --limit. "
        "`klaviyo-analytics describe profiles` lists the times it filters by.\n"
    )


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
    for ending in ("csv", "CSV", "jsonl", "parquet", "xlsx"):
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


def test_events_of_a_file_have_amounts_and_the_columns_that_people_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sandbox: Sandbox
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("E-Mail,When,Value,ID,Note\nann@shop.test,2026-03-01 10:00,12.50,1001,x\n")
    words = ["import", "events", str(file), "--metric", "Store visit", "--column", "When=time"]
    printed(capsys, *words, "--column", "Note=", "--apply", "--confirm")
    sent = json.loads(next(one for one in reversed(list(sandbox.requests)) if one.method == "POST").body)
    event = sent["data"]["attributes"]["events-bulk-create"]["data"][0]
    attributes = event["attributes"]["events"]["data"][0]["attributes"]
    assert event["attributes"]["profile"]["data"]["attributes"] == {"email": "ann@shop.test"}
    assert (attributes["value"], attributes["properties"]) == (12.5, {"ID": "1001"})
    assert attributes["time"].startswith("2026-03-01T")


@pytest.mark.parametrize(
    ("row", "words", "said"),
    [
        ("ann@shop.test,12,50 €", [], "'12,50 €' is not a number"),
        ("ann@shop.test,12.50", ["--column", "Nott="], "The file has no column 'Nott'"),
    ],
)
def test_events_of_a_file_that_cannot_be_sent_say_why(
    row: str,
    words: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    sandbox: Sandbox,
) -> None:
    del sandbox
    email, _, value = row.partition(",")
    pd.DataFrame({"EMAIL": [email], "value": [value]}).to_csv(tmp_path / "orders.csv", index=False)
    assert (
        main(["import", "events", str(tmp_path / "orders.csv"), "--metric", "Visit", *words, "--apply"]) == 1
    )
    shown = capsys.readouterr()
    assert said in shown.out + shown.err


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
    (tmp_path / "new.csv").write_text("Email\nann@shop.example\n")
    capsys.readouterr()
    assert main([*words, "Newsletter"]) == 0
    assert "Nobody would be subscribed. --consent NAME" in capsys.readouterr().err


def test_rejects_are_named_only_where_a_row_was_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, rejects = tmp_path / "new.csv", str(tmp_path / "rejects.csv")
    file.write_text("Email\nann@shop.example\n")
    assert main(["import", "profiles", str(file), "--apply", "--rejects", rejects]) == 0
    assert rejects not in capsys.readouterr().err
    file.write_text("Email\nann@shop.example\nbob\n")
    Path(rejects).unlink()
    main(["import", "profiles", str(file), "--apply", "--rejects", rejects])
    assert f"are in {rejects}" in capsys.readouterr().err


def test_help_lists_every_analysis_and_a_table_without_rows_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["analyse", "--help"])
    listed = capsys.readouterr().out.partition("analyses:")[2].split()
    assert {name.replace("-", "_") for name in listed} == {
        name for name in dir(Analyses) if not name.startswith("_")
    }
    assert main(["sync", str(tmp_path / "copy"), "metrics"]) == 0
    capsys.readouterr()
    assert main(["sql", str(tmp_path / "copy"), "select name from metrics where false", "--table"]) == 0
    assert capsys.readouterr().out == "No rows.\n"


# Each command: what succeeds, and mistakes with the words that explain them. {here} is a folder with the files below.
GATEWAY = ["--base-url", "{gateway}", "--key-file", "{here}/gateway-key"]
GOOD: dict[str, list[str]] = {
    "demo": ["demo", "--live", "--out", "{here}/demo"],
    "sandbox": [],  # tests/cli/test_demo.py starts and ends it
    "check": ["check"],
    "account": ["account", "--json"],
    "metrics": ["metrics"],
    "describe": ["describe", "events"],
    "connections": ["connections", "list", *GATEWAY],
    "query": ["query", "aggregate", "Received Email", "--last", "12w", "--interval", "week"],
    "export": ["export", "lists", "--to", "{here}/lists.csv"],
    "sync": ["sync", "{here}/copy", "metrics"],
    "sql": ["sql", "{copy}", "select name from metrics order by 1"],
    "verify": ["verify", "{copy}", "--cost"],
    "analyse": ["analyse", "rfm", "-p", "bins=3"],
    "report": ["report", "2026-05", "--to", "{here}/report.md", "--compare", "none"],
    "run": [],  # tests/report/test_command.py runs notebooks
    "import": ["import", "profiles", "{here}/new.csv", "--apply"],
    "resume": ["resume", "{here}/events.journal"],
    "completion": ["completion", "bash"],
}
BAD: list[tuple[list[str], str]] = [
    (["demo", "--live", "--metric", "No Such Metric", "--out", "{here}/x"], "Choose one with --metric"),
    (["sandbox", "--now", "tomorrow"], "--now 'tomorrow' is not a day"),
    (["sandbox", "--truths", "send_hour=much"], "send_hour=0.5"),
    (["check", "--key-file", "{here}/two-words"], "does not hold one key on one line"),
    (["check", "--key-file", "{here}/picture"], "is not a text file"),
    (["account", "--base-url", "not a url"], "is not a valid URL"),
    (["account", "--revision", "soon"], "'soon'"),
    (["metrics", "--profile", "shop"], "check --help"),
    (["describe", "evnets"], "events"),
    (["connections", "get", *GATEWAY], "needs the id"),
    (["connections", "delete", "x1", *GATEWAY], "Pass --yes where nobody can answer"),
    (["query", "flows", "--by", "colour"], "colour"),
    (["query", "aggregate", "Placed Order"], "Name the integration, such as --integration"),
    (["query", "campaigns", "--timeframe", "next never"], "next never"),
    (["export", "evnets", "--to", "{here}/x.csv"], "'evnets' cannot be exported (did you mean 'events'?)"),
    (["export", "account", "--to", "{here}/x.csv"], "'account' cannot be exported (did you mean 'accounts'?)"),
    (["export", "events", "--to", "{here}/x.docx"], "x.docx"),
    (["export", "lists", "--to", "{here}/x.csv", "--fields", "nmae"], "nmae"),
    (["sync", "{here}/copy", "evnets"], "evnets"),
    (["sql", "{copy}", "delete from metrics"], "statement was refused"),
    (["verify", "{here}/nowhere"], "Run `klaviyo-analytics sync FOLDER events`"),
    (["analyse", "rmf"], "'rmf' is not an analysis (did you mean 'rfm'?)"),
    (["analyse", "ab"], "analyse ab needs -p campaign=VALUE"),
    (["analyse", "rfm", "-p", "bin=3"], "'bin' is not an argument of rfm. Allowed values: bins"),
    (["analyse", "rfm", "-p", "bins"], "is not NAME=VALUE"),
    (["report", "next never", "--to", "{here}/r.html"], "next never"),
    (["report", "2026-05", "--to", "{here}/r.html", "--language", "klingon"], "'klingon' is not known"),
    (["run", "{here}/nowhere.ipynb"], "nowhere.ipynb"),
    (["run", "{here}/new.csv"], "new.csv is not a notebook"),
    (["import", "subscribers", "{here}/new.csv"], "--list"),
    (["import", "profiles", "{here}/picture"], "picture"),
    (["resume", "{here}/new.csv"], "new.csv"),
]  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, sandbox: Sandbox) -> dict[str, str]:
    """What stands for the words in braces in GOOD and BAD."""
    (tmp_path / "new.csv").write_text("Email,First Name\nann@shop.example,Ann\n", encoding="utf-8")
    (tmp_path / "two-words").write_text("two words", encoding="utf-8")
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\x00")
    (tmp_path / "gateway-key").write_text(sandbox.maton_key, encoding="utf-8")
    return {"here": str(tmp_path), "copy": str(tmp_path / "synced"), "gateway": sandbox.control_url}


def test_the_tables_of_good_and_bad_have_every_command() -> None:
    assert set(GOOD) == set(words())
    assert set(words()) - {command for (command, *_), _ in BAD} == {
        "completion"
    }  # argparse refuses other shells


@pytest.mark.parametrize("command", [name for name, line in GOOD.items() if line])
def test_a_command_succeeds_and_its_result_is_alone_on_standard_output(
    command: str, here: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    if command in ("sql", "verify"):
        assert main(["sync", here["copy"], "metrics", "events"]) == 0
    if command == "resume":
        frame = pd.DataFrame({"email": ["ann@shop.example"], "time": ["2026-05-01T10:00:00Z"]})
        with ka.connect() as client:
            plan = client.events.plan_create(frame, metric="Scored")
            plan.apply(journal=f"{here['here']}/events.journal", keep_journal=True)
    capsys.readouterr()
    status = main([word.format(**here) for word in GOOD[command]])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    assert "\x1b" not in shown.out + shown.err  # no colours in a pipe
    assert "Traceback" not in shown.err
    if command in ("metrics", "describe", "query", "sync", "sql", "verify", "analyse", "import", "resume"):
        assert pd.read_csv(io.StringIO(shown.out)).shape[1] >= 1  # a program reads it as CSV
    elif command == "account":
        assert all("attribute" in json.loads(line) for line in shown.out.splitlines())
    elif command in ("export", "report"):
        assert shown.out == ""
        assert "Wrote" in shown.err
        assert (
            " ".join(shown.err.split()).startswith("Writing the report of 2026-05. Klaviyo allows two")
        ) is (command == "report")
    else:
        assert shown.out


@pytest.mark.parametrize(
    ("arguments", "said"), BAD, ids=lambda each: each[:40] if isinstance(each, str) else each[0]
)
def test_a_mistake_is_explained_in_a_line_or_two(
    arguments: list[str], said: str, here: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    if "{copy}" in arguments:
        assert main(["sync", here["copy"], "metrics"]) == 0
    assert main([word.format(**here) for word in arguments]) == 1
    shown = capsys.readouterr()
    assert said in shown.err + shown.out  # `check` reports its findings on standard output
    assert "Traceback" not in shown.err
    assert "not expected" not in shown.err
    assert shown.err.count("\n") <= 6


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


def test_the_help_explains_profiles_and_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    shown = capsys.readouterr().out
    assert [setting for setting in account.KNOWN if setting not in shown] == []
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert [
        status for status in (DONE, FAILED, USAGE, INCOMPLETE, INTERRUPTED) if f"\n  {status}  " not in shown
    ] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[profiles.shop]\nkey_env = 3\n", "key_env of profile 'shop' is not a text"),
        ('[profiles.shop]\nkey_env = "A"\nkey_file = "b"\n', "has both key_env and key_file"),
        ('profiles = "shop"\n', "'profiles' is not a table of profiles"),
        ("[profiles.other]\n", "--profile shop is not in"),
        ("profiles = [", "is not valid TOML"),
        ('[profiles.shop]\nkey_env = "KA_TEST_NOT_SET"\n', "KA_TEST_NOT_SET is not set"),
    ],
)
def test_a_wrong_configuration_is_explained(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    assert main(["account", "--profile", "shop"]) == 1
    assert said in capsys.readouterr().err


def test_an_error_that_nobody_expected_has_its_type_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(options: object) -> int:
        raise ValueError("no\n\x1b[2Jway")

    monkeypatch.setattr(reading, "metrics", broken)
    assert main(["metrics"]) == 1
    assert capsys.readouterr().err == (
        "klaviyo-analytics: ValueError: \\x1b[2Jway. This error was not expected. The same command with --debug "
        "shows where it comes from.\n"
    )


def test_ctrl_c_ends_with_130_and_a_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(reading, "metrics", interrupted)
    assert main(["metrics"]) == INTERRUPTED
    assert capsys.readouterr().err == "\nklaviyo-analytics: interrupted\n"


def test_help_and_version_import_nothing_that_takes_time() -> None:
    heavy = ["pandas", "requests", "importlib.metadata", "klaviyo_analytics.errors"]
    code = (
        "import sys; from klaviyo_analytics.cli.main import main\n"
        "for line in (['--help'], ['--version'], ['report', '--help']):\n"
        "    try: main(line)\n"
        "    except SystemExit as ended: assert not ended.code\n"
        f"sys.exit(', '.join(name for name in {heavy} if name in sys.modules) or 0)"
    )
    ended = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_reader_that_closes_its_pipe_is_no_error() -> None:
    command = [sys.executable, "-m", "klaviyo_analytics", "metrics"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert (process.wait(60), said) == (0, b"")


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("how", ["table", "csv", "json"])
def test_a_terminal_is_never_sent_what_it_would_obey(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"name": ["a\x1b[2Jb", "\x9b31m", "\u202egnp"]})
    options = argparse.Namespace(**{name: name == how for name in ("table", "csv", "json")})
    monkeypatch.setenv("NO_COLOR", "1")
    for screen in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stdout", screen)
        output.show(frame, options)
        sent = [mark for mark in ("\x1b", "\x9b", "\u202e") if mark in screen.getvalue()]
        if screen.isatty() or how == "table":
            assert sent == []
        else:
            assert sent == (["\x9b", "\u202e"] if how == "json" else ["\x1b", "\x9b", "\u202e"])  # as it is


@pytest.mark.parametrize(
    ("variables", "bold"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
)
def test_bold_letters_are_off_where_they_should_be(
    variables: dict[str, str], bold: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    output.say("Title", output.BOLD)
    assert screen.getvalue() == ("\x1b[1mTitle\x1b[0m\n" if bold else "Title\n")


ORDINARY = (
    "\ufeffEmail;First Name;Phone;Zip Code;Birthday;Email Marketing Consent\r\n"
    "ann@shop.example;Ann;16175550123.0;2139;31/12/1985;SUBSCRIBED\r\n"
    "bea@shop.example;Bea;;2139.0;01/02/1990;UNSUBSCRIBED\r\n"
    "carl-at-shop.example;Carl;;02139;05/06/1991;SUBSCRIBED\r\n"
    "dan@shop.example;Dan;;02140;07/08/1992;SUBSCRIBED\r\n"
    "ann@shop.example;Anna;16175550123.0;2139;31/12/1985;SUBSCRIBED\r\n"
)


def test_an_ordinary_file_of_subscribers_is_decided_row_by_row_and_its_rejects_go_through_once_fixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sandbox: Sandbox
) -> None:
    file, rejects = tmp_path / "new.csv", tmp_path / "rejects.csv"
    file.write_bytes(ORDINARY.encode())
    line = ["import", "subscribers", str(file), "--list", "Newsletter", "--phone-region", "US"]
    assert main([*line, "--plan"]) == 1
    assert "the column 'Birthday' is not known. Pass --column with 'Birthday'" in capsys.readouterr().err
    line += ["--date-format", "%d/%m/%Y", "--property", "Birthday"]
    before = len(sandbox.requests)

    assert main([*line, "--plan"]) == 1  # it has rows that cannot be sent
    shown = capsys.readouterr()
    plan: Any = pd.read_csv(io.StringIO(shown.out)).set_index("line")
    decisions = {2: "rejected", 3: "left out", 4: "rejected", 5: "import and subscribe", 6: "rejected"}
    assert plan["action"].to_dict() == decisions
    assert plan.loc[2, "key"] == plan.loc[6, "key"] == "ann@shop.example"  # twice: which one is right?
    assert "has not agreed" in plan.loc[3, "reason"]
    assert "carl-at-shop.example" in plan.loc[4, "reason"]
    assert "Email → email" in shown.err
    assert "Zip Code → location.zip" in shown.err
    assert main([*line, "--apply", "--confirm"]) == 1  # nothing is sent without a word about these rows
    assert "Nothing was sent. Fix them, or pass --rejects FILE" in capsys.readouterr().err
    assert not [one for one in list(sandbox.requests)[before:] if one.method != "GET"]

    status = main([*line, "--apply", "--confirm", "--rejects", str(rejects)])
    assert status == 3, capsys.readouterr().err  # done in part
    people = {one.attributes["email"]: one.attributes for one in sandbox.account.records["profile"].values()}
    assert people["dan@shop.example"]["location"]["zip"] == "02140"
    assert "bea@shop.example" not in people
    left = pd.read_csv(rejects, dtype=str)
    assert "carl-at-shop.example" in left["Email"].tolist()
    assert left["Reject reason"].notna().all()

    assert sorted(left["Email"]) == ["ann@shop.example", "ann@shop.example", "carl-at-shop.example"]
    fixed = left.assign(Email=left["Email"].str.replace("-at-", "@")).drop_duplicates("Email")
    fixed.to_csv(tmp_path / "fixed.csv", index=False)
    line[2] = str(tmp_path / "fixed.csv")
    assert main([*line, "--apply", "--confirm"]) == 0, capsys.readouterr().err
    people = {one.attributes["email"]: one.attributes for one in sandbox.account.records["profile"].values()}
    assert people["carl@shop.example"]["location"]["zip"] == "02139"
    assert people["ann@shop.example"]["phone_number"] == "+16175550123"
    assert people["ann@shop.example"]["location"]["zip"] == "2139"  # as it was written, and not 2139.0
    assert str(people["ann@shop.example"]["properties"]["Birthday"]).startswith("1985-12-31")


def test_skip_invalid_sends_the_valid_rows_of_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sandbox: Sandbox
) -> None:
    (tmp_path / "some.csv").write_text("Email\neva@shop.example\nnot an address\n", encoding="utf-8")
    line = ["import", "profiles", str(tmp_path / "some.csv"), "--apply"]
    assert main(line) == 1
    assert main([*line, "--skip-invalid"]) == 3
    assert "not an address" in capsys.readouterr().out
    emails = {one.attributes["email"] for one in sandbox.account.records["profile"].values()}
    assert "eva@shop.example" in emails
    assert "not an address" not in emails


def test_each_column_of_dates_can_have_its_own_order_and_rejected_rows_come_first_in_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"p{at}@shop.example,01/02/1990,02/13/2020\n" for at in range(80)]
    rows[70] = "eva@shop.example,13/01/1990,13/02/2020\n"
    (tmp_path / "some.csv").write_text("Email,Birthday,Since\n" + "".join(rows), encoding="utf-8")
    line = ["import", "profiles", str(tmp_path / "some.csv"), "--property", "rest", "--table"]
    assert main([*line, "--date-format", "Birthday=%d/%m/%Y", "--date-format", "Since=%m/%d/%Y"]) == 1
    shown = capsys.readouterr()
    assert "dates in '%d/%m/%Y'" in shown.err
    assert "Since: '13/02/2020' is not a time" in shown.out.splitlines()[1]
    assert "20 more rows" in shown.out
    assert main([*line, "--date-format", "%d/%m/%Y", "--date-format", "%m/%d/%Y"]) == 1
    assert "--date-format '%d/%m/%Y' is not NAME=FORMAT" in capsys.readouterr().err
    assert main([*line, "--date-format", "Since=%d/%m/%Y", "--date-format", "Since=%m/%d/%Y"]) == 1
    assert "gives 'Since' two formats, '%d/%m/%Y' and '%m/%d/%Y'" in capsys.readouterr().err
