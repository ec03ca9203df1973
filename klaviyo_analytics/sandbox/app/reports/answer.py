"""The answer of a report: its rows as groupings and statistics, page by page."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.paging import url
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.reports.question import Question

Json = dict[str, Any]
CURSOR = "page_cursor"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report: a list of numbers for each statistic, and the resources it is about, by relationship."""

    groupings: Json
    statistics: Mapping[str, Sequence[float]]
    about: Mapping[str, str] = field(default_factory=dict)


def answer(call: Call, question: Question, rows: Sequence[Row]) -> Json:
    """Write the page of rows that the request asks for.

    How many rows a page holds is documented nowhere; the sandbox takes 100 unless its settings say otherwise.
    """
    offset = _offset(call)
    stop = len(rows) if call.query.size is None else offset + call.query.size
    page = rows[offset:stop]
    attributes: Json = {"results": [_result(row, series=question.series) for row in page]}
    if question.series:
        attributes["date_times"] = question.frame.date_times()
    rest = [(name, value) for name, value in call.query.pairs if name != CURSOR]
    links = {"self": url(call.path, call.query.pairs)}
    if stop < len(rows):
        links["next"] = url(call.path, [*rest, (CURSOR, _cursor(call, stop))])
    data: Json = {"type": call.body["data"]["type"], "attributes": attributes}
    if call.operation.shape and call.operation.shape.relationships:
        data["relationships"] = {
            name: {"data": _identifiers(name, page)} for name in call.operation.shape.relationships
        }
    return {"data": data, "links": links}


def _result(row: Row, *, series: bool) -> Json:
    numbers = {name: list(values) if series else values[0] for name, values in row.statistics.items()}
    return {"groupings": row.groupings, "statistics": numbers}


def _identifiers(relationship: str, page: Sequence[Row]) -> list[Json]:
    ids = dict.fromkeys(row.about[relationship] for row in page)
    return [{"type": relationship.removesuffix("s"), "id": id_} for id_ in ids]


def _cursor(call: Call, offset: int) -> str:
    return urlsafe_b64encode(orjson.dumps([offset, _print(call)])).decode("ascii")


def _offset(call: Call) -> int:
    if not call.query.cursor:
        return 0
    try:
        offset, known = orjson.loads(urlsafe_b64decode(call.query.cursor.encode("ascii")))
    except (ValueError, TypeError, binascii.Error):
        offset, known = None, ""
    if not isinstance(offset, int) or offset < 0:
        raise ApiFault.parameter(CURSOR, "The cursor is malformed.")
    if known != _print(call):
        raise ApiFault.parameter(CURSOR, "The cursor belongs to another query.")
    return offset


def _print(call: Call) -> str:
    """Return a fingerprint of a body."""
    return blake2b(orjson.dumps(call.body, option=orjson.OPT_SORT_KEYS), digest_size=6).hexdigest()


Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is to be counted: the row, the interval and the profile (-1: nobody) of each event."""

    row: Ints
    interval: Ints
    profile: Ints
    shape: tuple[int, int]  # rows, intervals

    def count(self, which: Bools) -> Ints:
        """Count events."""
        return np.bincount(self._cell()[which], minlength=self._size()).reshape(self.shape)

    def unique(self, which: Bools) -> Ints:
        """Count profiles, each once in a cell; an event without a profile counts nobody."""
        which = which & (self.profile >= 0)
        span = int(self.profile.max(initial=0)) + 1
        pairs = np.unique(self._cell()[which] * span + self.profile[which])
        return np.bincount(pairs // span, minlength=self._size()).reshape(self.shape)

    def total(self, which: Bools, amounts: Floats) -> Floats:
        """Add up amounts."""
        sums = np.bincount(self._cell()[which], weights=amounts[which], minlength=self._size())
        table: Floats = sums.astype(np.float64).reshape(self.shape)
        return table

    def _cell(self) -> Ints:
        return self.row * self.shape[1] + self.interval

    def _size(self) -> int:
        return self.shape[0] * self.shape[1]


def distinct(*columns: Ints) -> tuple[list[list[int]], Ints]:
    """List the combinations in parallel columns of numbers from -1 on, and find the place of each row's own."""
    spans = [int(column.max(initial=-1)) + 2 for column in columns]
    keys, place = np.unique(
        np.ravel_multi_index([column + 1 for column in columns], spans), return_inverse=True
    )
    combinations = np.stack(np.unravel_index(keys, spans), axis=1) - 1
    return combinations.tolist(), place


def quotient(above: npt.NDArray[np.generic], below: npt.NDArray[np.generic]) -> Floats:
    """Divide; nothing by nothing is 0.0, for the document promises rates from 0.0 to 1.0 and knows no null."""
    result: Floats = np.zeros(above.shape)
    np.divide(above, below, out=result, where=below != 0)
    return result


def share(above: npt.NDArray[np.generic], below: npt.NDArray[np.generic]) -> Floats:
    """Divide parts by wholes; a part can outgrow its whole (clicks without opens), the answer cannot."""
    return np.minimum(quotient(above, below), 1.0)
