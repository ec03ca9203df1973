"""Signals, closed and full streams, and terminals that cannot show every character."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from klaviyo_analytics.cli.main import DONE, FAILED, INTERRUPTED, main, words
from klaviyo_analytics.cli.output import in_shell_words, table
from klaviyo_analytics.sandbox import Sandbox

PROGRAM = [sys.executable, "-m", "klaviyo_analytics"]
PATIENCE = 60.0  # seconds; a machine under load starts a program slowly
ANSWER = threading.Event()  # what the server waits for before an answer that is delayed
posix = pytest.mark.skipif(os.name == "nt", reason="signals and /dev of Unix")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=60, events=1_500, sleep=ANSWER.wait) as served:
        try:
            yield served
        finally:
            ANSWER.set()


@pytest.fixture
def variables(sandbox: Sandbox) -> dict[str, str]:
    """The environment of a program that reads the sandbox's account."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MATON", "PYTHONIO", "LC_"))
    }
    return {**kept, "KLAVIYO_API_KEY": sandbox.api_key, "KLAVIYO_BASE_URL": sandbox.direct_url}


def ended(line: list[str], variables: dict[str, str], **streams: int) -> subprocess.CompletedProcess[bytes]:
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run([*PROGRAM, *line], env=variables, check=False, timeout=PATIENCE, **kept)  # type: ignore[call-overload, no-any-return]


def heeds_ctrl_c() -> None:
    """Take Ctrl-C as at a terminal: what a shell starts in the background ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@posix
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/api/metrics", ["metrics", "--csv"]),
        ("/api/profiles", ["export", "profiles", "--to", "{}/people.csv"]),
        ("/api/profiles", ["export", "profiles", "--to", "{}/people.parquet"]),
        ("/api/campaign-values-reports", ["report", "2026-05", "--to", "{}/report.html"]),
        ("/api/metrics", ["demo", "--live", "--out", "{}/demo"]),
        ("/api/*", ["sync", "{}/copy", "profiles"]),
    ],
)
def test_ctrl_c_ends_a_command_that_waits_for_an_answer(
    path: str, line: list[str], sandbox: Sandbox, variables: dict[str, str], tmp_path: Path
) -> None:
    ANSWER.clear()
    fault = sandbox.faults.add(path=path, times=None, delay=3_600.0)
    command = [*PROGRAM, *(word.replace("{}", str(tmp_path)) for word in line)]
    try:
        with subprocess.Popen(
            command,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heeds_ctrl_c,  # noqa: PLW1509  (nothing else runs in the child)
        ) as process:
            try:
                until = time.monotonic() + PATIENCE
                while fault.hits == 0:  # until it waits
                    assert process.poll() is None, process.communicate()
                    assert time.monotonic() < until
                    os.sched_yield()
                process.send_signal(signal.SIGINT)
                begun = time.monotonic()
                out, said = process.communicate(timeout=PATIENCE)
                took = time.monotonic() - begun
            finally:
                process.kill()
    finally:
        sandbox.faults.clear()
        ANSWER.set()
    assert process.returncode == INTERRUPTED
    assert said.endswith("\nklaviyo-analytics: interrupted\n")
    assert "Traceback" not in said
    assert "Exception" not in said
    assert took < 5, "the server would have answered after an hour"
    assert out == "" or line[0] == "demo"  # which shows what it has read
    left = [file for file in tmp_path.rglob("*") if file.is_file() and not file.name.endswith(".lock")]
    assert left == []  # nothing that is half written


def test_a_full_disk_is_an_error_without_a_traceback(variables: dict[str, str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    for line in (["metrics"], ["--version"], ["completion", "bash"]):
        with open("/dev/full", "wb") as full:  # noqa: PTH123
            made = ended(line, variables, stdout=full.fileno())
        assert made.returncode == FAILED, line
        assert made.stderr.decode().startswith("klaviyo-analytics: [Errno 28] No space left on device"), line
        assert b"Traceback" not in made.stderr


@posix
def test_a_closed_output_refuses_results_and_lets_a_file_be_written(
    variables: dict[str, str], tmp_path: Path
) -> None:
    def run(rest: str) -> subprocess.CompletedProcess[bytes]:
        shell = ["sh", "-c", f'exec "$0" -m klaviyo_analytics {rest}', sys.executable]
        return subprocess.run(shell, env=variables, check=False, timeout=PATIENCE, capture_output=True)

    refused = run("metrics --csv >&-")
    assert refused.returncode == FAILED
    assert b"klaviyo-analytics: Standard output is closed" in refused.stderr
    written = run(f"export lists --to {tmp_path}/lists.csv >&- 2>&-")
    assert written.returncode == DONE
    assert (tmp_path / "lists.csv").read_text("utf-8").startswith("id,name")


def test_a_reader_of_one_line_is_no_error(variables: dict[str, str]) -> None:
    with subprocess.Popen(
        [*PROGRAM, "export", "--help"], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"usage:")
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_value_that_an_encoding_lacks_is_refused_in_csv_escaped_in_json_and_in_a_table(
    encoding: str, sandbox: Sandbox, variables: dict[str, str]
) -> None:
    variables = {**variables, "PYTHONIOENCODING": encoding}
    program = (
        "import argparse, sys; from klaviyo_analytics.cli import main, output, reading\n"
        "import pandas as pd\n"
        "reading.metrics = lambda options: output.show(pd.DataFrame({'name': ['Łódź →']}), options) or 0\n"
        "sys.exit(main(['metrics', sys.argv[1]]))"
    )
    sandbox.faults.clear()
    made = {
        how: subprocess.run(
            [sys.executable, "-c", program, how],
            env=variables,
            check=False,
            capture_output=True,
            timeout=PATIENCE,
        )
        for how in ("--csv", "--json", "--table")
    }
    assert made["--csv"].returncode == FAILED
    assert made["--csv"].stdout == b""
    said = made["--csv"].stderr.decode()
    assert "which lacks '\\u0141'. Set PYTHONIOENCODING=utf-8, or pass --json." in said
    assert (made["--json"].returncode, made["--table"].returncode) == (DONE, DONE)
    assert json.loads(made["--json"].stdout) == {"name": "Łódź →"}
    assert b"\\u0141" in made["--table"].stdout


def test_a_pipe_is_written_in_utf_8_whatever_the_locale_says(variables: dict[str, str]) -> None:
    program = (
        "import sys; from klaviyo_analytics.cli import main, output, reading\n"
        "import pandas as pd\n"
        "reading.metrics = lambda options: output.show(pd.DataFrame({'name': ['Łódź →']}), options) or 0\n"
        "sys.stdout.reconfigure(encoding='cp1252')\n"  # as on Windows
        "sys.exit(main(['metrics', '--csv']))"
    )
    made = subprocess.run(
        [sys.executable, "-c", program], env=variables, check=False, capture_output=True, timeout=PATIENCE
    )
    assert (made.returncode, made.stderr) == (DONE, b"")
    assert made.stdout.decode("utf-8").splitlines() == ["name", "Łódź →"]


@pytest.mark.parametrize("columns", ["72", "200"])
def test_help_fits_the_width_of_a_terminal_and_needs_none(columns: str, variables: dict[str, str]) -> None:
    variables = {**variables, "COLUMNS": columns}
    variables.pop("TERM", None)
    made = ended(["query", "--help"], variables)
    assert (made.returncode, made.stderr) == (DONE, b"")
    text = made.stdout.decode()
    options = [line for line in text.split("\nexample:")[0].splitlines() if line.startswith(" ")]
    assert len(options) > 10
    assert max(map(len, options)) <= int(columns)
    assert b"\x1b" not in made.stdout


@pytest.mark.parametrize("width", ["40", "60", "100"])
@pytest.mark.parametrize("command", [[], *([name] for name in words())], ids=" ".join)
def test_the_help_of_every_command_fits_and_its_examples_run_when_copied(
    command: list[str], width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(columns: str) -> str:
        monkeypatch.setenv("COLUMNS", columns)
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        return capsys.readouterr().out

    text = shown(width)
    wide = [line for line in text.splitlines() if len(line) > int(width)]
    # A path and a text in quotes stay whole.
    assert [line for line in wide if len(line.split()) > 2 and not line.strip(" \\").endswith('"')] == []
    copied = shlex.split(text.partition("example")[2].replace("\\\n", ""), comments=False, posix=True)
    assert copied == shlex.split(shown("250").partition("example")[2])


def test_a_mistake_on_the_command_line_fits_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    with pytest.raises(SystemExit, match="2"):
        main(["query", "campain"])
    text = capsys.readouterr().err
    assert max(map(len, text.splitlines())) <= 50
    assert "[--revision REVISION]" in text  # an option is not parted from its value
    assert "invalid choice: 'campain'" in text.replace("\n", " ")


@posix
@pytest.mark.parametrize("width", [40, 60, 100])
def test_results_and_messages_fit_a_terminal_and_say_what_they_leave_out(
    width: int, variables: dict[str, str]
) -> None:
    pty = pytest.importorskip("pty")

    def shown(*arguments: str) -> str:
        ours, theirs = pty.openpty()
        try:
            ended([*arguments], {**variables, "COLUMNS": str(width)}, stdout=theirs, stderr=theirs)
        finally:
            os.close(theirs)
        text = b""
        try:
            while block := os.read(ours, 65_536):
                text += block
        except OSError:  # Linux: the other side is closed
            pass
        os.close(ours)
        return text.decode().replace("\r\n", "\n")

    listed = shown("metrics")
    assert max(map(len, listed.splitlines())) <= width
    assert "more columns" in listed.replace("\n", " ")
    assert "Active on Site" in listed
    refused = shown("query", "flows", "--last", "30x")
    assert max(map(len, refused.splitlines())) <= width
    assert "'30x' is not a time frame" in refused.replace("\n", " ")


def test_a_table_shortens_texts_before_it_leaves_out_the_second_column() -> None:
    frame = pd.DataFrame({"id": ["a" * 20, "🎄" * 5], "subject": ["b" * 50, "c"], "opens": [1, 2]})
    wide, narrow = table(frame), table(frame, width=40)
    assert "b" * 50 in wide
    assert "more" not in wide
    assert [line.index("c") for line in wide.splitlines() if line.endswith(" 2")] == [
        16
    ]  # an emoji takes two places
    assert max(map(len, narrow.splitlines())) <= 40
    assert "a" * 20 in narrow
    assert "b…" in narrow
    assert narrow.replace("\n", " ").endswith("(1 more column and longer texts; --csv or --json shows all)")


def test_python_calls_in_errors_become_options_and_commands() -> None:
    said = in_shell_words(
        "Several. Name the integration, too: ('Placed Order', 'Point of Sale'), or give the id."
    )
    assert said == "Several. Name the integration, such as --integration 'Point of Sale', or give the id."
    said = in_shell_words("Run archive.sync(['events'], since='2026-01-01') first.")
    assert said == "Run `klaviyo-analytics sync FOLDER events --since 2026-01-01` first."
