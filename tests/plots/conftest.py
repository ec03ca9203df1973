"""Figures are drawn without a screen, closed after each test, and must leave Matplotlib as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is shown or saved behind the reader's back, and no setting changes."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("a plot must neither show nor save")

    monkeypatch.setattr(plt, "show", refuse)
    monkeypatch.setattr(Figure, "show", refuse)
    monkeypatch.setattr(Figure, "savefig", refuse)
    before = dict(mpl.rcParams)
    yield
    after = dict(mpl.rcParams)
    plt.close("all")
    assert after == before
