"""A progress bar for what takes more than a second: rows, rate, and what is being waited for."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Protocol


class Listener(Protocol):
    """Is told instead of a bar being drawn; what it raises ends the reading."""

    def begun(self, label: str, total: int | None, unit: str) -> None:
        """Hear that something begins, with so many units if that is known."""

    def added(self, count: int) -> None:
        """Hear that so many more are there."""

    def waiting(self, seconds: float) -> None:
        """Hear that the limits make it wait."""


listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


class Progress:
    """Counts rows; shows itself after a second, in a terminal or a notebook, and leaves nothing behind.

    `shown` is the client's `progress=`: False never, True always, None where somebody is looking.
    """

    def __init__(
        self, label: str, *, shown: bool | None, total: int | None = None, unit: str = "rows"
    ) -> None:
        self._label = label
        self._shown = _somebody_looks() if shown is None else shown
        self._total = total
        self._unit = unit
        self._bar: Any = None
        self._listener = listener.get()  # taken here: other threads, which count too, have another context

    def __enter__(self) -> Progress:
        if self._listener is not None:
            self._listener.begun(self._label, self._total, self._unit)
        elif self._shown:
            from tqdm.auto import tqdm  # noqa: PLC0415  (half the import time of the package)

            unit = f" {self._unit}"
            self._bar = tqdm(
                desc=self._label, total=self._total, unit=unit, delay=1, leave=False, smoothing=0.1
            )
        return self

    def add(self, count: int) -> None:
        """Count rows."""
        if self._listener is not None:
            self._listener.added(count)
        if self._bar is not None:
            self._bar.update(count)

    def waiting(self, seconds: float) -> None:
        """Say that the account's limits make it wait."""
        if self._listener is not None:
            self._listener.waiting(seconds)
        if self._bar is not None and seconds >= 1:
            self._bar.set_postfix_str(f"waiting {seconds:.0f} s")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
            _let_go(getattr(self._bar, "container", None))


def _somebody_looks() -> bool:
    if "ipykernel" in sys.modules:
        return True
    return bool(sys.stderr and sys.stderr.isatty())


def _let_go(container: Any) -> None:
    """Close what a notebook's bar is made of: tqdm closes the box, and each bar would leave ten widgets open."""
    for widget in (*container.children, container) if container is not None else ():
        for part in (widget, getattr(widget, "layout", None), getattr(widget, "style", None)):
            if part is not None:
                part.close()
