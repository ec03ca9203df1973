"""The cache: the same question only, for as long as it is good, and never in the way."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from klaviyo_analytics.errors import ConfigurationError
from klaviyo_analytics.quota.cache import Cache, Question, cache_at, lifetime
from tests.http.clocks import Clock

QUESTION = Question("ACCNT1", "flow-values-reports", {"statistics": ["opens"], "timeframe": {"start": "a"}})
SCOPE: dict[str, Any] = {"host": "https://a.klaviyo.com", "connection": None, "revision": "2026-01-15"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite3"


def asked(cache: Cache, question: Question = QUESTION, *, seconds: int = 60) -> bool:
    """Tell whether the cache had to ask; the answer names its question, so a wrong one is seen."""
    calls: list[int] = []

    def ask() -> list[Any]:
        calls.append(1)
        return [{"of": question.account, "body": question.body}]

    answer = cache.answer(question, ask, seconds=seconds)
    assert answer == [{"of": question.account, "body": question.body}]
    return bool(calls)


def test_the_same_question_is_asked_once(path: Path, clock: Clock) -> None:
    assert not Cache(path, **SCOPE, clock=clock).holds(QUESTION)
    assert asked(Cache(path, **SCOPE, clock=clock))
    again = Cache(path, **SCOPE, clock=clock)
    assert again.holds(QUESTION)
    assert not asked(again)
    other_order = {"timeframe": {"start": "a"}, "statistics": ["opens"]}
    assert not asked(again, replace(QUESTION, body=other_order)), "the order of keys is no difference"


@pytest.mark.parametrize(
    "other",
    [
        {"account": "ACCNT2"},
        {"endpoint": "flow-series-reports"},
        {"body": {**QUESTION.body, "statistics": ["clicks"]}},
    ],
)
def test_another_question_is_another_answer(path: Path, clock: Clock, other: dict[str, Any]) -> None:
    cache = Cache(path, **SCOPE, clock=clock)
    asked(cache)
    assert asked(cache, replace(QUESTION, **other))


@pytest.mark.parametrize(
    "other",
    [{"host": "https://gateway.maton.ai/klaviyo"}, {"connection": "c-2"}, {"revision": "2026-04-15"}],
)
def test_another_client_is_another_answer(path: Path, clock: Clock, other: dict[str, Any]) -> None:
    asked(Cache(path, **SCOPE, clock=clock))
    assert asked(Cache(path, **{**SCOPE, **other}, clock=clock))


def test_an_answer_grows_old(path: Path, clock: Clock) -> None:
    cache = Cache(path, **SCOPE, clock=clock)
    asked(cache, seconds=60)
    clock.sleep(59)
    assert not asked(cache)
    clock.sleep(2)
    assert asked(cache)
    assert len(cache.info()) == 1, "the old one is gone"


def test_an_answer_from_a_clock_that_was_ahead_is_not_trusted(path: Path, clock: Clock) -> None:
    asked(Cache(path, **SCOPE, clock=lambda: clock() + 86_400), seconds=86_400)
    assert asked(Cache(path, **SCOPE, clock=clock))


@pytest.mark.parametrize(
    ("ended", "seconds"),
    [(timedelta(hours=-1), 3_600), (timedelta(0), 86_400), (timedelta(days=29), 86_400),
     (timedelta(days=30), 30 * 86_400)],
)  # fmt: skip
def test_how_long_an_answer_is_good(ended: timedelta, seconds: int) -> None:
    now = datetime(2026, 4, 1, tzinfo=UTC)
    assert lifetime(now - ended, now) == seconds


def test_info_and_clear(path: Path, clock: Clock) -> None:
    cache = Cache(path, **SCOPE, clock=clock)
    assert cache.info().dtypes.astype(str).to_dict() == {
        "endpoint": "string", "account": "string", "host": "string", "stored_at": "datetime64[us, UTC]",
        "expires_at": "datetime64[us, UTC]", "bytes": "Int64",
    }  # fmt: skip
    asked(cache)
    asked(cache, replace(QUESTION, account="ACCNT2"))
    row = cache.info().iloc[0]
    assert (row["endpoint"], row["account"]) == ("flow-values-reports", "ACCNT1")
    assert (row["expires_at"] - row["stored_at"]).total_seconds() == 60
    assert cache.clear() == 2
    assert cache.info().empty
    assert asked(cache)


def test_no_cache_is_a_cache_that_holds_nothing() -> None:
    none = cache_at(where=None, **SCOPE)
    assert asked(none)
    assert asked(none)
    assert not none.holds(QUESTION)
    assert none.clear() == 0
    assert none.info().empty
    assert "cache=True" in repr(none)
    assert cache_at(where=False, **SCOPE).path is None


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLAVIYO_ANALYTICS_HOME", str(tmp_path / "home"))
    for where, place in (
        (True, tmp_path / "home" / "answers.sqlite3"),
        (tmp_path, tmp_path / "answers.sqlite3"),
        (str(tmp_path / "mine.db"), tmp_path / "mine.db"),
    ):
        cache = cache_at(where=where, **SCOPE)
        assert isinstance(cache, Cache)
        assert cache.path == place
    monkeypatch.delenv("KLAVIYO_ANALYTICS_HOME")
    cache = cache_at(where=True, **SCOPE)
    assert isinstance(cache, Cache)
    assert "klaviyo-analytics" in str(cache.path)


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_only_the_user_may_read_it(path: Path) -> None:
    asked(Cache(path, **SCOPE))
    assert path.stat().st_mode & 0o077 == 0


def _overwrite(path: Path) -> None:
    path.write_bytes(b"this is not a database, whatever its name says " * 100)


def _tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4_096] + b"\xff" * 4_096)


def _rot(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4_096] + b"\xff" * (path.stat().st_size - 4_096))


def _scribble(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("UPDATE answers SET answer = '[1, 2'")
    file.close()


def _another(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("UPDATE answers SET answer = ?", (b'{"of": 1}',))
    file.close()


@pytest.mark.parametrize("damage", [_overwrite, _tear, _rot, _scribble, _another])
def test_a_damaged_file_costs_a_call_and_no_more(
    path: Path, clock: Clock, damage: Callable[[Path], None]
) -> None:
    cache = Cache(path, **SCOPE, clock=clock)
    asked(cache)
    damage(path)
    assert asked(cache)
    asked(cache)  # what was torn deep inside may take a second call to be noticed when it is written
    assert not asked(cache)
    assert len(cache.info()) == 1


def test_without_a_usable_file_it_asks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file" / "answers.sqlite3", **SCOPE)
    with caplog.at_level(logging.WARNING, "klaviyo_analytics"):
        assert asked(cache)
        assert asked(cache)
        assert cache.info().empty
        with pytest.raises(ConfigurationError, match="cannot be changed"):
            cache.clear()
    assert "cannot be read" in caplog.text


def test_several_use_it_at_once(path: Path) -> None:
    caches = [Cache(path, **SCOPE) for _ in range(3)]
    questions = [replace(QUESTION, account=f"A{number % 5}") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: asked(caches[n % 3], questions[n]), range(40)))
    assert sorted(caches[0].info()["account"]) == ["A0", "A1", "A2", "A3", "A4"]


def test_an_error_is_not_kept(path: Path) -> None:
    def fail() -> list[Any]:
        raise RuntimeError("the server is down")

    cache = Cache(path, **SCOPE)
    with pytest.raises(RuntimeError, match="down"):
        cache.answer(QUESTION, fail, seconds=60)
    assert asked(cache)
