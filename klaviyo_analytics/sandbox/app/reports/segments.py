"""Reports on segments: how many members they have and win."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.reports.answer import Row, answer
from klaviyo_analytics.sandbox.app.reports.conditions import NAMED
from klaviyo_analytics.sandbox.app.reports.frames import Frame, wall_clock
from klaviyo_analytics.sandbox.app.reports.question import Rules, read_question

Ints = npt.NDArray[np.int64]
Json = dict[str, Any]

SEGMENTS = Rules(
    default_groups=("segment_id",),
    filters={"segment_id": NAMED},
    earliest=datetime(2023, 6, 1, tzinfo=UTC),
)


def query_segments(call: Call) -> Json:
    """Answer how the segments grew in the timeframe; every segment has a row."""
    store, question = call.store, read_question(call, SEGMENTS)
    rows = []
    for id_ in sorted(store.records("segment")):
        if all(wish.holds(id_) for wish in question.wishes):
            joined = wall_clock(store, np.array(list(store.members(id_).values()), dtype=np.int64))
            numbers = _numbers(joined, question.frame)
            statistics = {name: numbers[name].tolist() for name in question.statistics}
            rows.append(Row({"segment_id": id_}, statistics))
    return answer(call, question, rows)


def _numbers(joined: Ints, frame: Frame) -> Mapping[str, Ints]:
    """Count the members at the end of each interval, and those who came in it.

    The account knows since when its members have been in a segment, not who was in it before and left: so nobody
    is seen to leave, and earlier totals are those of today's members.
    """
    ordered = np.sort(joined)
    before = np.searchsorted(ordered, np.maximum(frame.starts, frame.start))
    after = np.searchsorted(ordered, np.array([*frame.starts[1:], frame.stop]))
    return {
        "total_members": after,
        "members_added": after - before,
        "members_removed": np.zeros_like(after),
        "net_members_changed": after - before,
    }


HANDLERS: Mapping[str, Callable[[Call], Json]] = {
    "query_segment_values": query_segments,
    "query_segment_series": query_segments,
}
