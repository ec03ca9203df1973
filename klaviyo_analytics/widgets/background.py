"""Work that is waited for elsewhere: in a thread, with progress, and a way to call it off."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from traitlets import Enum, Int, Unicode

from klaviyo_analytics import _progress
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.http.cancellation import Cancelled, cancel_event
from klaviyo_analytics.widgets.base_view import State
from klaviyo_analytics.widgets.private_page import without_person

Answer = TypeVar("Answer")
Post = Callable[[Callable[[], None]], None]


class RunState(State):
    """How a run stands.

    Attributes
    ----------
    status : {"idle", "running", "done", "failed", "cancelled"}
    message : str
        The same in words.
    steps, total : int
        What is there and what is to come; a total of 0 is unknown.
    runs : int
        Runs that ended, however they did.
    """

    status = Enum(("idle", "running", "done", "failed", "cancelled"), default_value="idle")
    message = Unicode("")
    steps = Int(0)
    total = Int(0)
    runs = Int(0)

    @property
    def running(self) -> bool:
        """Whether somebody is waiting."""
        return bool(self.status == "running")

    def begin(self, message: str) -> None:
        """Start a run."""
        with self.hold_trait_notifications():
            self.steps = self.total = 0
            self.message, self.status = message, "running"

    def update(self, **traits: Any) -> None:
        """Report how far a run is."""
        with self.hold_trait_notifications():
            for name, value in traits.items():
                self.set_trait(name, value)

    def end(self, status: str, message: str) -> None:
        """End a run."""
        with self.hold_trait_notifications():
            self.message, self.status, self.runs = message, status, self.runs + 1


class Loader:
    """Runs one piece of work at a time, and tells a `RunState` how it goes.

    In a notebook everything but the work itself happens on the notebook's own thread, between two cells; so
    nobody has to lock anything. Where no loop runs, it happens on the thread of the work.
    """

    def __init__(
        self, state: RunState, *, verb: str = "Loading", words: Callable[[BaseException], str] | None = None
    ) -> None:
        self.state = state
        self.verb = verb
        self._words = words or in_words
        self._job: _Job | None = None

    def start(self, work: Callable[[], Answer], done: Callable[[Answer], str]) -> None:
        """Begin in a thread of its own; `done` takes the answer and gives the message."""
        if self.state.running:
            return
        job = self._begin(_Posts())
        run = contextvars.copy_context().run
        job.thread = threading.Thread(
            target=run, args=(self._work, job, work, done), name="klaviyo-widget", daemon=True
        )
        job.thread.start()

    def run(self, work: Callable[[], Answer], done: Callable[[Answer], str]) -> None:
        """Do the work here and now; its error is raised, too."""
        self.cancel()
        job = self._begin(_at_once)
        try:
            contextvars.copy_context().run(self._work, job, work, done)
        except BaseException as stop:  # a cell that is interrupted
            self._job = None
            self.state.end("cancelled", self._words(stop))
            raise
        if job.error is not None:
            raise job.error

    def finish(self) -> None:
        """Wait here and now for what was started in a thread; its error is raised, too."""
        job = self._job
        while job and job.thread and job.thread.is_alive():
            job.thread.join(0.1)
            job.hear()
        if job is not None:
            job.hear()
            if job.error is not None:
                raise job.error

    def cancel(self) -> None:
        """Wait no longer. A request under way ends by itself; its answer is dropped, and nothing is sent after it."""
        if self._job is not None and self.state.running:
            self._job.cancelled.set()
            self._job = None
            self.state.end("cancelled", "Cancelled; nothing more is sent.")

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread, if one is at work."""
        thread = self._job.thread if self._job else None
        if thread is not None:
            thread.join(timeout)

    def _begin(self, post: Post | _Posts) -> _Job:
        job = self._job = _Job(self, post)
        self.state.begin(f"{self.verb} …")
        return job

    def _work(self, job: _Job, work: Callable[[], Answer], done: Callable[[Answer], str]) -> None:
        _progress.listener.set(job)
        cancel_event.set(job.cancelled)
        try:
            answer = work()
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001  (whatever it is, the person in front has to read it)
            job.error = error
            said = self._words(error)
            job.tell(lambda: self.state.end("failed", said))
            return
        job.tell(lambda: self._finish(job, done, answer))

    def _finish(self, job: _Job, done: Callable[[Answer], str], answer: Answer) -> None:
        try:
            message = done(answer)
        except Exception as error:  # noqa: BLE001  (the same)
            job.error = error
            self.state.end("failed", self._words(error))
        else:
            self.state.end("done", message)

    def is_current(self, job: _Job) -> bool:
        """Whether anybody still waits for this job."""
        return self._job is job and not job.cancelled.is_set()


class _Job:
    """One run; listens to the progress of what is read."""

    def __init__(self, loader: Loader, post: Post | _Posts) -> None:
        self.cancelled = threading.Event()
        self.thread: threading.Thread | None = None
        self.error: Exception | None = None
        self._loader = loader
        self._post = post

    def tell(self, change: Callable[[], None]) -> None:
        """Have a change made on the notebook's thread, unless nobody waits any more by then."""
        self._post(lambda: change() if self._loader.is_current(self) else None)

    def hear(self) -> None:
        """Have the changes made at once that the notebook has not come round to."""
        if isinstance(self._post, _Posts):
            self._post.carry_out()

    def begun(self, label: str, total: int | None, unit: str) -> None:  # noqa: ARG002  (a bar's)
        """Show what is being read."""
        self._step(message=f"{self._loader.verb} {label} …", steps=0, total=(total or 0) if total != 1 else 0)

    def added(self, count: int) -> None:
        """Show how far it is."""
        state = self._loader.state
        self._check()
        self.tell(lambda: state.set_trait("steps", state.steps + count))

    def waiting(self, seconds: float) -> None:
        """Show why nothing moves."""
        if seconds >= 1:
            self._step(message=f"Waiting {seconds:.0f} s: the account's limits allow no more for now …")
        self._check()

    def _step(self, **traits: Any) -> None:
        self._check()
        self.tell(lambda: self._loader.state.update(**traits))

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise Cancelled


class _Silence:
    """Progress listener that does nothing."""

    def begun(self, label: str, total: int | None, unit: str) -> None:
        """Ignore the report."""

    def added(self, count: int) -> None:
        """Ignore the report."""

    def waiting(self, seconds: float) -> None:
        """Ignore the report."""


def silently(read: Callable[[], Answer]) -> Answer:
    """Read without a bar."""

    def work() -> Answer:
        _progress.listener.set(_Silence())
        return read()

    return contextvars.copy_context().run(work)


def in_words(error: BaseException) -> str:
    """Describe what went wrong; the message of our own errors is enough."""
    notes = getattr(error, "__notes__", ())  # where to go on, after a write that broke off
    if isinstance(error, KeyboardInterrupt):
        return without_person(" ".join(["Interrupted.", *notes]))
    said = without_person(" ".join([str(error).strip() or "no explanation was given", *notes]))
    return said if isinstance(error, KlaviyoError) else f"{type(error).__name__}: {said}"


class _Posts:
    """Changes for the notebook's thread, which makes them between two cells, or when it is asked to."""

    def __init__(self) -> None:
        self._changes: deque[Callable[[], None]] = deque()
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def __call__(self, change: Callable[[], None]) -> None:
        if self._loop is None:
            change()
            return
        self._changes.append(change)
        try:
            self._loop.call_soon_threadsafe(self.carry_out)
        except RuntimeError:
            return  # the notebook is gone, and with it everybody who would look

    def carry_out(self) -> None:
        """Make the changes that wait, in their order."""
        while self._changes:
            self._changes.popleft()()


def _at_once(change: Callable[[], None]) -> None:
    change()
