"""`klaviyo-analytics report`: success, wrong options, several accounts, exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from klaviyo_analytics import __version__
from klaviyo_analytics.cli import main
from klaviyo_analytics.report.document import Part


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
