"""klaviyo-analytics, as somebody at a terminal meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import _connect
from klaviyo_analytics.cli import main
from klaviyo_analytics.sandbox import Sandbox

PNG = b"\x89PNG\r\n\x1a\n"
DEMO = ka.demo


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the shop of `demo` a small one, which is built at once."""
    monkeypatch.setattr(ka, "demo", lambda **options: DEMO(profiles=300, events=8_000, **options))


@pytest.mark.usefixtures("small")
def test_demo_prints_an_account_and_writes_a_report_frames_and_a_chart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    printed = shown.out
    assert shown.err.startswith("Connecting to an account ...\n")  # before anything slow
    lines = printed.splitlines()
    assert len(lines) <= 35
    assert [line for line in lines if len(line) > 100 and not line.startswith("Wrote to")] == []
    assert "America/New_York" in printed
    assert "last 12 weeks" in printed
    weekly = pd.read_csv(tmp_path / "weekly.csv")
    assert len(weekly) == 12
    assert weekly["count"].sum() > 0
    for count in weekly["count"]:
        assert f" {count:,} " in printed
    assert len(pd.read_csv(tmp_path / "metrics.csv")) >= 20
    for name in ("campaigns", "flows"):
        frame = pd.read_csv(tmp_path / f"{name}.csv")
        assert {"opens_unique", "conversion_value"} <= set(frame.columns)
        assert not frame.astype(str).apply(lambda column: column.str.startswith("[")).any(axis=None)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Juniper &amp; Pine Outfitters" in page
    assert "Sections that could not be made" not in page
    assert f"Wrote to {tmp_path}: report.html, " in printed
    picture = (tmp_path / "revenue.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 10_000


def test_live_reads_the_account_of_the_key_and_writes_nothing_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(profiles=100, events=2_000) as sandbox:
        monkeypatch.setenv("KLAVIYO_API_KEY", sandbox.api_key)
        monkeypatch.setenv("KLAVIYO_BASE_URL", sandbox.direct_url)
        monkeypatch.delenv("MATON_API_KEY", raising=False)
        assert main(["demo", "--live", "--out", str(tmp_path)]) == 0
        asked = {(request.method, request.path) for request in sandbox.requests}
    # questions that the API takes as POST
    reads = {"/api/metric-aggregates", "/api/campaign-values-reports", "/api/flow-values-reports"}
    assert {path for method, path in asked if method != "GET"} == reads
    assert sandbox.api_key not in capsys.readouterr().out


def test_live_without_a_key_says_what_to_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MATON_API_KEY", "KLAVIYO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["demo", "--live"]) == 1
    said = capsys.readouterr().err
    assert "MATON_API_KEY" in said
    assert "KLAVIYO_API_KEY" in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("small")
def test_an_unknown_metric_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path), "--metric", "No Such Metric"]) == 1
    assert "Choose one with --metric" in capsys.readouterr().err


def test_sandbox_prints_its_url_first_and_answers_there() -> None:
    command = [sys.executable, "-m", "klaviyo_analytics", "sandbox", "--port", "0"]
    size = ["--profiles", "20", "--events", "200"]
    with subprocess.Popen(
        [*command, *size], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            printed = [process.stdout.readline().strip() for _ in range(8)]
            variables = dict(line.split("=", 1) for line in printed if "=" in line)
            assert set(variables) == {
                "KLAVIYO_BASE_URL",
                "KLAVIYO_API_KEY",
                "MATON_API_KEY",
                "MATON_CTRL_URL",
            }
            key = variables["MATON_API_KEY"]
            request = urllib.request.Request(f"{url}/klaviyo/api/accounts")
            request.add_header("Authorization", f"Bearer {key}")
            request.add_header("revision", "2026-01-15")
            with urllib.request.urlopen(request, timeout=20) as answer:
                assert json.load(answer)["data"][0]["type"] == "account"
        finally:
            process.terminate()


@pytest.mark.parametrize("now", ["2026-06-30", "2026-06-30T02:00+02:00"])
def test_the_options_of_the_sandbox_reach_the_shop(now: str, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Sandbox] = []

    class Ending(Sandbox):
        def serve_forever(self) -> None:
            served.append(self)

    monkeypatch.setattr(_connect, "sandbox_class", lambda: Ending)
    line = "sandbox --port 0 --profiles 60 --events 2000 --text-names old --truths renewals=1 --now"
    assert main([*line.split(), now]) == 0
    with served[0] as sandbox:
        account = sandbox.account
        assert account.now == datetime(2026, 6, 30, tzinfo=UTC).timestamp()
        names = {one.attributes["name"] for one in account.records["metric"].values()}
        assert {"Received SMS"} == names & {"Received SMS", "Received Text Message"}
        assert any(
            "Subscription Recurring Order" in (one.get("tags") or ()) for one in account.events.properties
        )


def test_a_program_that_ends_does_not_look_through_the_shop_for_garbage() -> None:
    program = """
import gc
import klaviyo_analytics as ka

client = ka.demo(profiles=50, events=500)
gc.callbacks.append(lambda phase, _: print(phase, len(gc.get_objects())))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    phase, objects = ended.stdout.splitlines()[-1].split()
    assert phase == "stop"
    assert int(objects) < 10_000  # 80,000 without the shop's
