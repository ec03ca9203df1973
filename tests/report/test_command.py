"""`klaviyo-analytics report`: success, wrong options, several accounts, exit status."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import __version__
from klaviyo_analytics.cli import main, reading
from klaviyo_analytics.report.document import Part
from klaviyo_analytics.sandbox import Sandbox

DEMO = ka.demo


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the shop of --demo a small one, which is built at once."""
    monkeypatch.setattr(ka, "demo", lambda **options: DEMO(profiles=100, events=2_000, **options))


def status(arguments: list[str]) -> int | str | None:
    """Return the exit status, also where the parser ends the program itself."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return ended.code


def test_it_writes_the_format_of_the_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "weekly.html"
    assert main(["report", "2026-05", "--demo", "--to", str(target), "--compare", "none"]) == 0
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()[-1]) == ("", f"Wrote {target}.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: timeframe"),
        (["a.toml", "--to", "b.html"], "--to is not valid with a.toml. A TOML file names"),
        (["a.toml", "--compare", "none"], "--compare is not valid with a.toml. A TOML file names"),
        (["a.toml", "--demo"], "--demo is not valid with a.toml. A TOML file names"),
        (
            ["2026-05", "--to", "b.docx"],
            "has an unknown ending. Allowed are .html, .xlsx, .md, .pdf, or a folder",
        ),
    ],
)
def test_wrong_options_exit_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(["report", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_chapter_that_cannot_be_made_is_named_and_exits_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(source: object) -> list[Part]:
        raise ValueError("the figures are missing")

    module = sys.modules["klaviyo_analytics.report.performance"]
    monkeypatch.setattr(module, "CHAPTERS", {"audience": ("Audience growth", broken)})
    target = tmp_path / "weekly.md"
    assert main(["report", "2026-05", "--demo", "--to", str(target)]) == 3
    shown = capsys.readouterr().err
    assert "The chapter 'Audience growth' could not be made. ValueError: the figures are missing" in shown
    assert target.exists()


def test_failed_accounts_are_listed_and_exit_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "reports.toml"
    file.write_text('[[accounts]]\nname = "Shop"\nkey_env = "KA_TEST_KEY_NOT_SET"\n', encoding="utf-8")
    assert main(["report", str(file)]) == 3  # done in part
    shown = capsys.readouterr().err
    assert "failed" in shown
    assert "KA_TEST_KEY_NOT_SET is not set" in shown


def test_three_accounts_with_one_failing_make_two_files_an_overview_and_status_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'timeframe = "2026-05"\nsections = ["revenue", "notes"]\n[branding]\nlanguage = "de"\n'
    with (
        Sandbox(profiles=60, events=600, seed=1) as first,
        Sandbox(profiles=60, events=600, seed=2) as second,
        Sandbox(profiles=60, events=600, seed=3) as third,
    ):
        for name, shop, key in (
            ("Oslo", first, first.api_key),
            ("Bergen", second, second.api_key),
            ("Narvik", third, "pk_no"),
        ):
            monkeypatch.setenv(f"KA_TEST_{name.upper()}", key)
            text += f'[[accounts]]\nname = "{name}"\nbase_url = "{shop.direct_url}"\n'
            text += f'key_env = "KA_TEST_{name.upper()}"\n'
        (tmp_path / "reports.toml").write_text(text, encoding="utf-8")
        assert main(["report", str(tmp_path / "reports.toml")]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Narvik: failed: AuthenticationError" in shown.err
    folder = tmp_path / "reports"
    assert sorted(path.name for path in folder.iterdir()) == ["bergen.html", "index.html", "oslo.html"]
    overview = (folder / "index.html").read_text("utf-8")
    assert "3 accounts, 1 failed" in overview
    assert "<td>Narvik</td><td>failed</td><td>–</td>" in overview
    assert 'lang="de"' in (folder / "oslo.html").read_text("utf-8")


def test_a_report_is_made_of_an_archive_without_a_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KLAVIYO_API_KEY", raising=False)
    with DEMO(profiles=100, events=2_000, progress=False) as client:
        client.archive(tmp_path / "copy").sync(["events", "metrics", "profiles", "accounts"])
        orders = client.metrics.find(name="Placed Order", integration="Shopify")
    line = ["report", "2026-05", "--archive", str(tmp_path / "copy"), "--to", str(tmp_path / "r.md")]
    assert main([*line, "--conversion-metric", orders["id"], "--language", "de"]) == 0, (
        capsys.readouterr().err
    )
    text = (tmp_path / "r.md").read_text("utf-8")
    assert "made from a copy of the account's events" in text
    assert re.search(r"\| \d+,\d\d \$ \|", text)  # German money


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["renewals=no"], {"renewals": False}),
        (["test=Yes", "currency=EUR"], {"test": True, "currency": "EUR"}),
        (
            ["without_tags=gift, staff", "without_tags=b2b", "only_sources=web"],
            {"without_tags": ["gift", "staff", "b2b"], "only_sources": ["web"]},
        ),
    ],
)
def test_orders_that_count_are_read_from_words(given: list[str], wanted: dict[str, object]) -> None:
    assert reading.conditions_of(given) == wanted


@pytest.mark.parametrize("command", ["report", "analyse"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("renewal=no", "'renewal' is not a condition (did you mean 'renewals'?). Allowed values: renewals"),
        ("renewals", "--orders 'renewals' is not NAME=VALUE, such as renewals=no"),
        ("renewals=never", "Write renewals=yes or renewals=no"),
    ],
)
def test_a_wrong_condition_is_explained(
    command: str, given: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = (
        ["report", "2026-05", "--to", str(tmp_path / "r.md")] if command == "report" else ["analyse", "rfm"]
    )
    assert main([*line, "--demo", "--orders", given]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "r.md").exists()


def test_a_report_and_an_analysis_count_the_orders_that_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with DEMO(profiles=200, events=6_000, progress=False, truths={"renewals": 0.5}) as client:
        copy = client.archive(tmp_path / "copy")
        copy.sync(["events", "metrics", "accounts"])
        metric = ("Placed Order", "Shopify")
        wanted = client.analyses.rfm("2026-Q2", metric=metric, orders={"renewals": False})
        everything = client.analyses.rfm("2026-Q2", metric=metric)
    assert 0 < wanted["frequency"].sum() < everything["frequency"].sum()
    of_copy = ["--archive", str(tmp_path / "copy"), "--integration", "Shopify", "--orders", "renewals=no"]
    line = ["analyse", "rfm", "--timeframe", "2026-Q2", "--metric", "Placed Order", *of_copy, "--csv"]
    assert main(line) == 0, capsys.readouterr().err
    shown = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert shown["profile_id"].tolist() == wanted["profile_id"].tolist()
    target = tmp_path / "r.md"
    line = ["report", "2026-Q2", "--compare", "none", "--conversion-metric", "Placed Order", *of_copy]
    assert main([*line, "--to", str(target)]) == 0, capsys.readouterr().err
    text = target.read_text("utf-8")
    assert "Orders that count: without renewals" in text
    assert f"| all | Orders | {int(wanted['frequency'].sum())} |" in text


def test_what_the_error_of_a_copy_says_to_pass_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sync", str(tmp_path / "copy"), "events", "metrics", "--demo"]) == 0
    line = ["analyse", "rfm", "--archive", str(tmp_path / "copy"), "--csv"]
    capsys.readouterr()
    assert main(line) == 1
    said = " ".join(capsys.readouterr().err.split())
    named = said.partition("such as ")[2].partition(", or")[0]
    assert named == "--metric 'Placed Order' --integration Shopify"
    assert main([*line, *shlex.split(named)]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["analyse", "rfm", "--integration", "Shopify"], "--integration needs --metric"),
        (["report", "2026-05", "--integration", "Shopify"], "--integration needs --conversion-metric"),
        (["analyse", "overlap", "--metric", "Placed Order"], "'metric' is not an argument of overlap"),
    ],
)
def test_options_that_would_have_no_effect_are_refused(
    line: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*line, "--demo"]) == 1
    assert said in capsys.readouterr().err


def notebook(path: Path, *sources: str) -> Path:
    """Write a notebook whose first cell holds parameters."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    book.cells[0].metadata["tags"] = ["parameters"]
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(book, path)
    return path


def test_a_notebook_becomes_a_page_without_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("nbconvert")
    book = notebook(
        tmp_path / "weekly.ipynb",
        "timeframe = 'never'; rows = 1; names = []",
        "from IPython.display import HTML\nHTML(f'<p>{timeframe!r} {rows + 1} {names} <b>{code}</b></p>')",
        "open('beside.txt', 'w').write('written beside the notebook');",
    )
    before = book.read_bytes()
    target = tmp_path / "pages" / "out.html"
    line = [
        "run",
        str(book),
        "-o",
        str(target),
        "-p",
        "timeframe=last month",
        "-p",
        "rows=41",
        "-p",
        "names=['a']",
    ]
    assert main([*line, "-p", "code='007'"]) == 0, capsys.readouterr().err
    page = target.read_text("utf-8")
    assert "<p>'last month' 42 ['a'] <b>007</b></p>" in page
    assert "from IPython.display" not in page  # no code
    assert "border-top: 6px solid #0b5fa5" in page  # the looks of a report
    assert (tmp_path / "beside.txt").exists()
    assert book.read_bytes() == before


def test_a_notebook_that_fails_names_its_cell_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nbconvert")
    book = notebook(tmp_path / "weekly.ipynb", "x = 1", "1 / 0")
    assert main(["run", str(book)]) == 1
    shown = capsys.readouterr().err
    assert (
        "weekly.ipynb: cell 2 failed with ZeroDivisionError: division by zero. Nothing was written." in shown
    )
    assert "Traceback" not in shown
    assert not (tmp_path / "weekly.html").exists()


@pytest.mark.parametrize("word", ["timeframe", "1x=2", "class=3"])
def test_a_parameter_has_a_name_and_a_value(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nbconvert")
    assert main(["run", str(notebook(tmp_path / "n.ipynb", "x = 1")), "-p", word]) == 1
    assert f"-p {word!r} is not NAME=VALUE" in capsys.readouterr().err


def test_a_missing_file_is_an_error_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "no.toml")]) == 1
    assert "no.toml" in capsys.readouterr().err


def test_the_module_runs_as_a_program() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "klaviyo_analytics", "--version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"klaviyo-analytics {__version__}\n"
