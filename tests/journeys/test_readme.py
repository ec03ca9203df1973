"""The README is kept: its commands are CI's, its code runs, its picture is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from klaviyo_analytics import _demo
from klaviyo_analytics.client import KlaviyoClient

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_ci_runs_the_readmes_test_command() -> None:
    command = 'pip install -e ".[test]" && pytest'
    assert command in README
    assert 'pip install -q -e ".[test]" && pytest' in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_file_that_the_readme_names_is_there() -> None:
    named = re.findall(r"\]\(([\w./-]+)\)|`(notebooks/[\w./-]+|klaviyo_analytics/[\w./-]+)`", README)
    paths = [ROOT / (link or code) for link, code in named]
    assert len(paths) >= 3
    assert [path for path in paths if not path.exists()] == []


def test_the_minute_in_a_notebook_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    small = _demo.demo

    def demo() -> KlaviyoClient:
        return small(profiles=300, events=4_000)

    monkeypatch.setattr("klaviyo_analytics.demo", demo, raising=False)
    names: dict[str, object] = {}
    exec(compile(BLOCKS[0], "README.md", "exec"), names)
    assert len(names["orders"]) > 0  # type: ignore[arg-type]
    assert len(names["members"]) > 0  # type: ignore[arg-type]
