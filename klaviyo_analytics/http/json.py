"""JSON to Python values, including some that the JSON standard does not allow."""

from __future__ import annotations

import codecs
import gc
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import orjson

from klaviyo_analytics._messages import counted
from klaviyo_analytics.errors import InvalidInputError

log = logging.getLogger("klaviyo_analytics")
REPLACEMENT = "\ufffd"
LONG = 1 << 17  # bytes of a body from which decoding takes much memory
DECODED = 2  # bodies that exist decoded at a time
_TOO_LONG = 20  # digits from which a number may need more than 64 bits
_PIECE = 1 << 16
_LONG_NUMBER = re.compile(rb"[:,\[\s]-?\d{%d,}(?=[,}\]\s])" % _TOO_LONG)
# all digits, and all that may stand before a number, are made alike for a plain search
_ALIKE = bytes.maketrans(b"123456789:,[\n\r\t", b"0" * 9 + b" " * 6)
_AFTER = tuple(start + b"0" * _TOO_LONG for start in (b" ", b" -"))
Answer = TypeVar("Answer")
_decoder: ContextVar[Decoder | None] = ContextVar("decoder", default=None)
_paused: set[int] = set()  # threads that switched the garbage collector off and have to switch it on again


class Decoder:
    """One thread that decodes the long bodies that several others read, and makes something smaller of them.

    orjson takes twelve times the length of a body for a moment, and the C library keeps such memory for each thread
    that took it. A thread gets its next body decoded after it has called `done` for the one before; meanwhile
    others wait, so that few bodies exist as Python's objects at a time. None of this is slower: only one thread at a
    time can decode anyway.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="klaviyo-decode")
        self._free = threading.Semaphore(DECODED)
        self._holders: set[int] = set()

    def reader(self, work: Callable[..., Answer], *arguments: Any) -> Answer:
        """Do something in this thread, with all long bodies that it reads decoded in the other."""
        token = _decoder.set(self)
        try:
            return work(*arguments)
        finally:
            self.done()
            _decoder.reset(token)

    def decode(self, body: bytes) -> Any:
        """Decode a body; see `loads`."""
        me = threading.get_ident()
        if me not in self._holders:
            self._free.acquire()
            self._holders.add(me)
        try:
            return self.run(_decoded, body)
        except BaseException:
            self.done()
            raise

    def run(self, work: Callable[..., Answer], *arguments: Any) -> Answer:
        """Do something with what was decoded, in the same thread."""
        try:
            future = self._thread.submit(work, *arguments)
        except RuntimeError:  # closed, as what this is read for has ended
            return work(*arguments)
        return future.result()

    def done(self) -> None:
        """Release the place of this thread's body, so that the next one is decoded."""
        me = threading.get_ident()
        if me in self._holders:
            self._holders.discard(me)
            self._free.release()

    def close(self) -> None:
        """End the thread after what it has to do."""
        self._thread.shutdown(wait=False)


def loads(body: bytes) -> Any:
    """Decode JSON with orjson; what only the standard library accepts (NaN, lone surrogates) is decoded by that.

    A lone half of a surrogate pair cannot be written in UTF-8 anywhere else, so it becomes U+FFFD here. orjson
    reads integers of more than 64 bits as floats, which would change ids, so they are read by the library, too. Bytes
    that are not UTF-8 become U+FFFD, and a line in the log says so.
    """
    decoder = _decoder.get()
    if decoder is None or len(body) < LONG:
        return _decoded(body)
    return decoder.decode(body)


def _decoded(body: bytes) -> Any:
    body = body.removeprefix(codecs.BOM_UTF8)
    if _holds_long_numbers(body):
        return _leniently(body)
    try:
        with _collector_paused():
            return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _leniently(body)


def _holds_long_numbers(body: bytes) -> bool:
    # A plain search costs a tenth of the decoding, the pattern twice the decoding: it is tried only where a number
    # may stand, and not in ids of many digits. Piece by piece no second copy of the body is needed.
    for start in range(0, len(body), _PIECE):
        alike = body[start : start + _PIECE + _TOO_LONG + 2].translate(_ALIKE)
        for wanted in _AFTER:
            place = alike.find(wanted)
            while place >= 0:
                if _LONG_NUMBER.match(body, start + place):
                    return True
                place = alike.find(wanted, place + 1)
    return False


def _leniently(body: bytes) -> Any:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode(errors="replace")
        places = text.count(REPLACEMENT) - body.count(REPLACEMENT.encode())
        log.warning(
            "A response is not valid UTF-8: U+FFFD stands for what could not be read (%s).",
            counted(places, "place"),
        )
    try:
        return _clean(json.loads(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from searching the objects of a page again and again while it is decoded.

    None of them is garbage yet, and the search is a third of the time of a long read. It is always switched on
    again: by whoever found it on, after an interrupt by the next decoding, and in a process forked meanwhile.
    """
    me = threading.get_ident()
    was_on = gc.isenabled() or me in _paused
    try:
        if was_on:
            _paused.add(me)
            gc.disable()
        yield
    finally:
        if was_on:
            gc.enable()
            _paused.discard(me)


def _resume_after_fork() -> None:
    # the threads that would have switched it on again do not exist in the child
    if _paused - {threading.get_ident()}:
        gc.enable()
    _paused.intersection_update({threading.get_ident()})


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_resume_after_fork)


def dumps(value: Any) -> bytes:
    """Encode a JSON body."""
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError) as problem:
        raise InvalidInputError(f"The body cannot be written as JSON: {problem}.") from problem


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, float) and value != value:  # noqa: PLR0124  (NaN)
        return None
    return value
