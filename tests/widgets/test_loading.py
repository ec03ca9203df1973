"""Work in a thread: one at a time, told step by step, called off at once."""

from __future__ import annotations

import threading

import pytest

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.errors import NoMatchError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.widgets.background import Loader, RunState
from tests.widgets.conftest import PATIENCE


def read(steps: int, before_each: threading.Event | None = None, seen: list[int] | None = None) -> str:
    with Progress("numbers", shown=True, total=steps, unit="queries") as progress:
        for step in range(steps):
            if before_each:
                assert before_each.wait(PATIENCE)
            if seen is not None:
                seen.append(step)
            progress.add(1)
    return "answer"


def test_the_answer_and_how_it_went() -> None:
    state, said = RunState(), []
    state.observe(
        lambda _change: said.append((state.message, state.steps, state.total)), names=["steps", "total"]
    )
    Loader(state).run(lambda: read(3), lambda answer: f"got the {answer}")
    assert (state.status, state.message, state.runs) == ("done", "got the answer", 1)
    assert said[-1] == ("Loading numbers …", 3, 3)


def test_nothing_is_printed_while_somebody_listens(capfd: pytest.CaptureFixture[str]) -> None:
    Loader(RunState()).run(lambda: read(3), str)
    assert capfd.readouterr() == ("", "")


def test_an_error_is_said_in_words_and_raised_where_somebody_called() -> None:
    def fail() -> str:
        raise NoMatchError("No metric is called 'x'.")

    state = RunState()
    with pytest.raises(NoMatchError):
        Loader(state).run(fail, str)
    assert (state.status, state.message) == ("failed", "No metric is called 'x'.")


def test_an_error_of_somebody_else_is_named() -> None:
    state = RunState()
    loader = Loader(state)
    loader.start(lambda: str(1 / 0), str)
    loader.join(PATIENCE)
    assert state.message == "ZeroDivisionError: division by zero"


def test_cancel_answers_at_once_and_no_further_step_is_taken() -> None:
    state, seen, go = RunState(), [0] * 0, threading.Event()
    loader = Loader(state)
    loader.start(lambda: read(5, go, seen), str)
    job = loader._job
    assert job is not None
    assert job.thread is not None
    loader.cancel()
    assert (state.status, state.runs) == ("cancelled", 1)
    go.set()
    job.thread.join(PATIENCE)
    assert seen == [0]  # the one under way
    assert state.status == "cancelled"


def test_the_answer_of_a_cancelled_run_never_replaces_a_newer_one() -> None:
    state, answers, go = RunState(), [""] * 0, threading.Event()

    def keep(answer: str) -> str:
        answers.append(answer)
        return answer

    def slow() -> str:
        assert go.wait(PATIENCE)
        return "old"

    loader = Loader(state)
    loader.start(slow, keep)
    old = loader._job
    assert old is not None
    assert old.thread is not None
    loader.cancel()
    loader.run(lambda: "new", keep)
    go.set()
    old.thread.join(PATIENCE)
    assert answers == ["new"]
    assert state.message == "new"


def test_a_second_start_is_not_a_second_run() -> None:
    state, go, calls = RunState(), threading.Event(), [0] * 0
    loader = Loader(state)

    def slow() -> str:
        calls.append(1)
        assert go.wait(PATIENCE)
        return ""

    loader.start(slow, str)
    loader.start(slow, str)
    go.set()
    loader.join(PATIENCE)
    assert calls == [1]
    assert state.runs == 1


def test_a_wait_for_the_limits_is_said() -> None:
    state, said = RunState(), []
    state.observe(lambda change: said.append(change["new"]), names="message")

    def wait() -> str:
        with Progress("reports", shown=False) as progress:
            progress.waiting(31.0)
        return ""

    Loader(state).run(wait, str)
    assert "Waiting 31 s: the account's limits allow no more for now …" in said


def test_cancel_ends_a_wait_for_the_limits_at_once() -> None:
    state, told, woke = RunState(), threading.Event(), threading.Event()
    state.observe(lambda _change: told.set() if "Waiting" in state.message else None, names="message")

    def wait() -> str:
        with Progress("reports", shown=False) as progress:
            progress.waiting(3_600.0)
            cancellation.sleep(3_600.0)
        woke.set()
        return ""

    loader = Loader(state)
    loader.start(wait, str)
    thread = loader._job.thread if loader._job else None
    assert thread is not None
    assert told.wait(PATIENCE)
    loader.cancel()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert not woke.is_set()
