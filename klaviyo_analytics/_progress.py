"""Progress of long work: a bar that appears after a second, or a listener that is called instead."""

from __future__ import annotations

import sys
import time
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Protocol

DELAY = 1.0  # seconds before a bar appears
PLAIN = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{unit} [{elapsed}{postfix}]"


class Listener(Protocol):
    """Receives the progress of reading and writing instead of a bar; an exception that it raises ends the work.

    `listener` holds it. The widgets set it for their background jobs.
    """

    def begun(self, label: str, total: int | None, unit: str) -> None:
        """Receive the start of a piece of work, with its number of units if that is known."""

    def added(self, count: int) -> None:
        """Receive the number of units added."""

    def waiting(self, seconds: float) -> None:
        """Receive how many seconds rate limits delay the work."""


listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


class Progress:
    """Counts rows, in a bar that appears after a second in a terminal or a notebook and is removed at the end.

    Parameters
    ----------
    label : str
        Text in front of the bar.
    shown : bool or None
        The client's `progress=`: False never, True always, None in a notebook or a terminal only.
    total : int, optional
        Number of units, if known.
    unit : str
        What is counted, in the plural.
    estimates : bool
        False leaves out the bar's own estimate of the time left, for callers that put a better one in a `note`.
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
        self._shown = _is_interactive() if shown is None else shown
        self._total = total
        self._unit = unit
        self._format = None if estimates else PLAIN
        self._bar: Any = None
        self._begun = 0.0
        self._waits = False
        self._listener = listener.get()  # read here: other threads that count have another context

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
                miniters=1,  # pages and requests are few and differ in size, so each one is shown
                bar_format=self._format,
            )
        return self

    def add(self, count: int, note: str | None = None) -> None:
        """Count rows, and show a note beside the bar."""
        if self._listener is not None:
            self._listener.added(count)
        if self._bar is not None:
            if note is not None or self._waits:  # the wait is over
                self._bar.set_postfix_str(note or "", refresh=False)
                self._waits = False
            self._bar.update(count)

    def note(self, note: str) -> None:
        """Show a note beside the bar without counting anything."""
        if self._bar is not None and time.monotonic() - self._begun >= DELAY:
            self._show(note)

    def waiting(self, seconds: float) -> None:
        """Show that rate limits delay the work by so many seconds."""
        if self._listener is not None:
            self._listener.waiting(seconds)
        if self._bar is not None and seconds >= 1:
            self._show(f"waiting {seconds:.0f} s")
            self._waits = True

    def _show(self, note: str) -> None:
        self._bar.set_postfix_str(note)
        self._bar.delay = 0.0  # it is on the screen now: tqdm removes no bar whose time has not come

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
            _close_widgets(getattr(self._bar, "container", None))


def _is_interactive() -> bool:
    ipython = sys.modules.get("IPython")  # not whether ipykernel was imported, which other programs do, too
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and "IPKernelApp" in shell.config:
        return True
    return bool(sys.stderr and sys.stderr.isatty())


def _close_widgets(container: Any) -> None:
    """Close the widgets of a notebook's bar: tqdm closes only the box, which would leave ten widgets open."""
    for widget in (*container.children, container) if container is not None else ():
        for part in (widget, getattr(widget, "layout", None), getattr(widget, "style", None)):
            if part is not None:
                part.close()
