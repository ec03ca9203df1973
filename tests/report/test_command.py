"""`klaviyo-analytics report`: success, wrong options, several accounts, exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from klaviyo_analytics import __version__
from klaviyo_analytics.cli import main


def test_it_writes_the_format_of_the_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "weekly.html"
    assert main(["report", "--demo", "--to", str(target), "--timeframe", "2026-05", "--compare", "none"]) == 0
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert capsys.readouterr().out == f"Wrote {target}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "pass either a TOML file or --to FILE"),
        (["a.toml", "--to", "b.html"], "pass either a TOML file or --to FILE"),
        (["--to", "b.docx"], "has an unknown ending; allowed are .html, .pdf, .xlsx, .md"),
    ],
)
def test_wrong_options_exit_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_failed_accounts_are_listed_and_exit_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "reports.toml"
    file.write_text('[[accounts]]\nname = "Shop"\nkey_env = "KA_TEST_KEY_NOT_SET"\n', encoding="utf-8")
    assert main(["report", str(file)]) == 1
    shown = capsys.readouterr()
    assert "failed" in shown.out
    assert "KA_TEST_KEY_NOT_SET is not set" in shown.err


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
