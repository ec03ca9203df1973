"""How far a write is: rows, requests, and an honest word on what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import ipywidgets
import nbformat
import pandas as pd
import pytest
import tqdm.auto
import tqdm.notebook
from nbclient import NotebookClient

from klaviyo_analytics import _progress
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.writeback import write_types
from klaviyo_analytics.writeback.run import how_far, seconds_at_limits, seconds_left
from tests.shops import Shop


@pytest.mark.parametrize(
    ("done", "elapsed", "least", "left"),
    [
        pytest.param(0, 5.0, 40.0, 40.0, id="no-pace-yet"),
        pytest.param(100, 10.0, 0.0, 90.0, id="at-the-pace-so-far"),
        pytest.param(100, 1.0, 60.0, 60.0, id="no-faster-than-the-limits"),
        pytest.param(100, 30.0, 60.0, 270.0, id="slower-than-the-limits"),
        pytest.param(1000, 30.0, 0.0, 0.0, id="done"),
    ],
)
def test_what_is_left_follows_the_pace_and_the_limits(
    done: int, elapsed: float, least: float, left: float
) -> None:
    assert seconds_left(done=done, total=1000, elapsed=elapsed, least=least) == pytest.approx(left)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"requests": 0, "of": 25, "seconds": 40.0, "measured": False},
            "0 of 25 requests, at least 40 s left",
        ),
        ({"requests": 0, "of": 1, "seconds": 0.0, "measured": False}, "0 of 1 request"),
        ({"requests": 3, "of": 25, "seconds": 125.0, "measured": True}, "3 of 25 requests, about 2 min left"),
        ({"requests": 24, "of": 25, "seconds": 0.2, "measured": True}, "24 of 25 requests, about 1 s left"),
        ({"requests": 1250, "of": 1250, "seconds": 0.0, "measured": True}, "1,250 of 1,250 requests"),
    ],
)
def test_it_is_said_in_words(given: Any, said: str) -> None:
    assert how_far(**given) == said


def test_requests_of_one_endpoint_share_its_limits(offline: KlaviyoClient) -> None:
    api = offline._api
    assert seconds_at_limits(api, {}) == 0
    assert seconds_at_limits(api, {"profile import": 151}) == 60  # 10 a second, 150 a minute
    assert seconds_at_limits(api, {"profile upsert": 400, "profile append": 400}) == 60  # 75, and 750
    assert seconds_at_limits(api, {"profile upsert": 400, "profile import": 400}) == 120  # side by side


def test_the_gateway_has_a_limit_of_its_own(shop: Shop) -> None:
    assert shop.client._api.gateway
    assert seconds_at_limits(shop.client._api, {"profile upsert": 601}) == 60  # ten a second


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Have bars of a kind show everything at once."""

    def use(bar: Any) -> None:
        monkeypatch.setattr(_progress, "DELAY", 0.0)
        monkeypatch.setattr(tqdm.auto, "tqdm", partial(bar, mininterval=0))

    return use


def test_a_write_shows_rows_requests_and_time_left_and_leaves_nothing(
    shop: Shop, eager: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    eager(tqdm.std.tqdm)
    monkeypatch.setitem(
        write_types.WRITE_TYPES, "profile import", replace(write_types.WRITE_TYPES["profile import"], most=10)
    )
    monkeypatch.setattr(shop.client._context, "progress", True)
    people = pd.DataFrame({"email": [f"bar{n}@mail.example.net" for n in range(40)]})
    shop.client.profiles.upsert(people, verify=True)
    shown = capsys.readouterr().err.split("\r")
    text = "\n".join(shown)
    assert "upsert profiles:   0%|" in text
    assert "10/40 rows [" in text
    assert "1 of 4 requests, about " in text
    assert "4 of 4 requests]" in text
    assert "reading back: 100%|" in text
    assert shown[-1].strip() == ""


def test_what_was_waited_for_is_forgotten_when_it_goes_on(
    eager: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    eager(tqdm.std.tqdm)
    with Progress("events", shown=True) as progress:
        progress.waiting(12.4)
        progress.add(100)
    shown = capsys.readouterr().err.split("\r")
    assert any("waiting 12 s" in line for line in shown)
    (last,) = [line for line in shown if "100 rows" in line]
    assert "waiting" not in last


def test_work_that_fails_while_it_waits_leaves_nothing_on_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "DELAY", 600.0)  # a wait is told at once, whatever the delay
    monkeypatch.setattr(tqdm.auto, "tqdm", partial(tqdm.std.tqdm, mininterval=0))

    def fails() -> None:
        with Progress("accounts", shown=True) as progress:
            progress.waiting(1.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    shown = capsys.readouterr().err.split("\r")
    assert any("waiting 1 s" in line for line in shown)
    assert shown[-1].strip() == ""


def test_a_program_that_has_imported_ipykernel_is_no_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    import ipykernel  # noqa: F401, PLC0415  (what is tested)

    with Progress("events", shown=None) as progress:
        progress.waiting(1.0)
    assert capsys.readouterr().err == ""


def test_a_running_kernel_is_a_notebook() -> None:
    new: Any = nbformat.v4
    cell = new.new_code_cell(
        "from klaviyo_analytics._progress import Progress\n"
        "with Progress('events', shown=None) as progress:\n"
        "    print(type(progress._bar).__mro__)"
    )
    notebook = new.new_notebook(cells=[cell])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    assert "tqdm_notebook" in str(notebook.cells[0].outputs)


def test_nothing_is_shown_in_the_first_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _progress.DELAY == 1.0
    monkeypatch.setattr(_progress, "DELAY", 600.0)  # so that no machine is too slow for it
    monkeypatch.setattr(tqdm.auto, "tqdm", partial(tqdm.std.tqdm, mininterval=0))
    with Progress("upsert profiles", shown=True, total=2, estimates=False) as progress:
        progress.note("0 of 2 requests")
        progress.add(1, "1 of 2 requests")
    assert capsys.readouterr().err.strip() == ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_shows_the_same_and_keeps_no_widget(eager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    eager(tqdm.notebook.tqdm)
    monkeypatch.setattr(tqdm.notebook, "display", lambda *_: None)
    registry: dict[str, Any] = ipywidgets.widgets.widget._instances
    before = set(registry)
    with Progress("upsert profiles", shown=True, total=40, estimates=False) as progress:
        progress.add(10, "1 of 4 requests, about 3 s left")
        left, _, right = progress._bar.container.children
        assert "upsert profiles" in left.value.replace("\u2007", " ")
        said = right.value.replace("\u2007", " ")
        assert "10/40 rows" in said
        assert "1 of 4 requests, about 3 s left" in said
    assert set(registry) == before
