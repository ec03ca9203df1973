"""Every example in a docstring is executed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from functools import cache
from typing import Any

import pytest

import klaviyo_analytics

FINDER = doctest.DocTestFinder(exclude_empty=True)
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def module_names() -> list[str]:
    found = pkgutil.walk_packages(klaviyo_analytics.__path__, "klaviyo_analytics.", onerror=pytest.fail)
    return sorted(info.name for info in found if not info.name.endswith("__main__"))


def examples(name: str) -> list[doctest.DocTest]:
    return [test for test in FINDER.find(importlib.import_module(name)) if test.examples]


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def shared() -> Iterator[Callable[..., Any]]:
    """Open a demo of each kind once: the examples of generated reads are many, and most change nothing."""
    with ExitStack() as kept:
        demo = klaviyo_analytics.demo
        opened = cache(lambda **options: kept.enter_context(demo(**options)))
        yield lambda **options: nullcontext(opened(**options))


@pytest.mark.parametrize("name", module_names())
def test_the_examples_show_what_really_happens(
    name: str, shared: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in examples(name):
        with monkeypatch.context() as patched:
            if "_generated" in name and ".create(" not in "".join(each.source for each in test.examples):
                patched.setattr(klaviyo_analytics, "demo", shared)
            runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)


def test_there_are_examples_to_run() -> None:
    assert len(examples("klaviyo_analytics.timeframe.frame")) > 3
