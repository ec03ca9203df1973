"""A progress bar for what takes more than a second: rows, rate, and what is being waited for."""

from __future__ import annotations

import sys
import time
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Protocol

DELAY = 1.0  # seconds before a bar shows itself
PLAIN = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{unit} [{elapsed}{postfix}]"


class Listener(Protocol):
    """Receives progress in place of a drawn bar; an exception that it raises ends the reading."""

    def begun(self, label: str, total: int | None, unit: str) -> None:
        """Start a task; `total` is its number of units, if known."""

    def added(self, count: int) -> None:
        """Add to the number of finished units."""

    def waiting(self, seconds: float) -> None:
        """Show that the rate limits require a wait."""


listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


class Progress:
    """Counts rows; shows itself after a second, in a terminal or a notebook, and leaves nothing behind.

    `shown` is the client's `progress=`: False never, True always, None where somebody is looking. Who counts and
    knows better than the rate of rows what is left says so in a `note`; `estimates=False` leaves the bar's own out.
    """

    def __init__(
        self,
        label: str,
        *,
        shown: bool | None,
        total: int | None = None,
        unit: str = "rows",
        estimates: bool = True,
    ) -> None:
        self._label = label
        self._shown = _somebody_looks() if shown is None else shown
        self._total = total
        self._unit = unit
        self._format = None if estimates else PLAIN
        self._bar: Any = None
        self._begun = 0.0
        self._waits = False
        self._listener = listener.get()  # taken here: other threads, which count too, have another context

    def __enter__(self) -> Progress:
        if self._listener is not None:
            self._listener.begun(self._label, self._total, self._unit)
        elif self._shown:
            from tqdm.auto import tqdm  # noqa: PLC0415  (half the import time of the package)

            unit = f" {self._unit}"
            self._begun = time.monotonic()
            self._bar = tqdm(
                desc=self._label,
                total=self._total,
                unit=unit,
                delay=DELAY,
                leave=False,
                smoothing=0.1,
                miniters=1,  # pages and requests come seldom, and in unequal sizes: none is too small to show
                bar_format=self._format,
            )
        return self

    def add(self, count: int, note: str | None = None) -> None:
        """Count rows; the note says more."""
        if self._listener is not None:
            self._listener.added(count)
        if self._bar is not None:
            if note is not None or self._waits:  # what was waited for is over
                self._bar.set_postfix_str(note or "", refresh=False)
                self._waits = False
            self._bar.update(count)

    def note(self, note: str) -> None:
        """Show a message without counting units."""
        if self._bar is not None and time.monotonic() - self._begun >= DELAY:
            self._bar.set_postfix_str(note)

    def waiting(self, seconds: float) -> None:
        """Show that the account's rate limits require a wait."""
        if self._listener is not None:
            self._listener.waiting(seconds)
        if self._bar is not None and seconds >= 1:
            self._bar.set_postfix_str(f"waiting {seconds:.0f} s")
            self._waits = True

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
