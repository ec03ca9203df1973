"""The README is kept: its commands are CI's, its code runs, its picture is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.text import Text

import klaviyo_analytics as ka
from klaviyo_analytics import _connect
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidQueryError

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS: list[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
Run = Callable[[str], dict[str, Any]]


def test_ci_runs_the_readmes_test_command() -> None:
    command = 'pip install -e ".[test]" && pytest'
    assert command in README
    assert 'pip install -q -e ".[test]" && pytest' in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_file_that_the_readme_names_is_there() -> None:
    named = re.findall(r"\]\(([\w./-]+)\)|`(notebooks/[\w./-]+|klaviyo_analytics/[\w./-]+)`", README)
    paths = [ROOT / (link or code) for link, code in named]
    assert len(paths) >= 3
    assert [path for path in paths if not path.exists()] == []


@pytest.fixture(scope="module")
def small() -> Iterator[KlaviyoClient]:
    """The shop of the README, made smaller."""
    with _connect.demo(profiles=300, events=4_000, progress=False) as client:
        yield client
        plt.close("all")


@pytest.fixture
def run(small: KlaviyoClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run the block that holds these words, as the cell of a notebook in which a client is open."""
    monkeypatch.chdir(tmp_path)  # journals are written beside the notebook
    monkeypatch.setattr(ka, "demo", lambda: small, raising=False)
    monkeypatch.setattr(small, "close", lambda: None)  # it is wanted for the next block
    scores = pd.DataFrame({"email": ["ann@mail.example.net", "bo@mail.example.net"], "score": [4, 5]})
    orders = ("Placed Order", "Shopify")
    names: dict[str, Any] = {"ka": ka, "client": small, "scores": scores, "orders": orders}

    def run(words: str) -> dict[str, Any]:
        exec(compile(block(words), "README.md", "exec"), names)
        return names

    yield run
    if names["client"] is not small:
        names["client"].close()


def block(words: str) -> str:
    (found,) = [block for block in BLOCKS if words in block]
    return found


def test_the_first_chart_is_drawn(run: Run) -> None:
    names = run("ka.demo()")
    assert names["weekly"]["sum_value"].sum() > 0
    written = [text.get_text() for text in plt.gcf().findobj(Text)]
    assert "Orders: revenue by week" in written


def test_the_numbers_for_a_board_are_there(run: Run) -> None:
    names = run("campaigns.summary")
    assert len(names["campaigns"]) > 0
    assert len(names["flows"]) > 0
    assert names["headline"].notna().any(axis=None)


def test_the_answers_are_there(run: Run) -> None:
    names = run("client.analyses")
    assert all(len(names[name]) > 0 for name in ("groups", "retention", "credit", "hours"))


def test_a_copy_is_kept_and_asked(run: Run, small: KlaviyoClient) -> None:
    top = run("client.archive(")["top"]
    assert top["n"].sum() == len(small.events.list())


def test_the_explorer_opens_and_is_empty_before_run(run: Run) -> None:
    explorer = run("MetricExplorer")["explorer"]
    assert explorer.frame is None


def test_a_frame_is_written_back(run: Run, small: KlaviyoClient) -> None:
    result = run("plan_upsert")["result"]
    assert len(result.failures) == 0
    assert small.profiles.find(email="bo@mail.example.net")["properties"]["rfm_score"] == 5


def test_a_wrong_filter_is_refused_in_the_words_that_are_quoted(run: Run) -> None:
    (quoted,) = re.findall(r"^# (\w+Error: .*)…$", block("F.create >"), re.MULTILINE)
    with pytest.raises(InvalidQueryError) as caught:
        run("F.create >")
    assert f"{type(caught.value).__name__}: {caught.value}".startswith(quoted)


def test_a_test_of_ones_own_has_a_sandbox(run: Run) -> None:
    assert isinstance(run("with Sandbox(")["client"], KlaviyoClient)


def test_no_other_block_runs_without_a_key() -> None:
    tested = (
        "ka.demo()",
        "campaigns.summary",
        "client.analyses",
        "client.archive(",
        "MetricExplorer",
        "plan_upsert",
        "F.create >",
        "with Sandbox(",
    )
    (other,) = set(BLOCKS) - {block(words) for words in tested}
    assert other.count("client = ka.connect(") == len(other.splitlines())
