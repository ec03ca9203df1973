"""Reports on segments: how many members they have, win and lose."""

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
from klaviyo_analytics.sandbox.app.special.segments import refresh
from klaviyo_analytics.sandbox.app.store import Store

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
    refresh(store)
    rows = []
    for id_ in sorted(store.records("segment")):
        if all(wish.holds(id_) for wish in question.wishes):
            over = store.account.left.get(id_, [])
            joined = [*store.members(id_).values(), *(start for start, _ in over)]
            left = [end for _, end in over]
            numbers = _numbers(_sorted(store, joined), _sorted(store, left), question.frame)
            statistics = {name: numbers[name].tolist() for name in question.statistics}
            rows.append(Row({"segment_id": id_}, statistics))
    return answer(call, question, rows)


def _numbers(joined: Ints, left: Ints, frame: Frame) -> Mapping[str, Ints]:
    """Count the members at the end of each interval, and those who came and went in it; a stay each time."""
    starts, stops = np.maximum(frame.starts, frame.start), np.array([*frame.starts[1:], frame.stop])
    come, gone = np.searchsorted(joined, stops), np.searchsorted(left, stops)
    added, removed = come - np.searchsorted(joined, starts), gone - np.searchsorted(left, starts)
    return {
        "total_members": come - gone,
        "members_added": added,
        "members_removed": removed,
        "net_members_changed": added - removed,
    }


def _sorted(store: Store, times: list[int]) -> Ints:
    return np.sort(wall_clock(store, np.array(times, dtype=np.int64)))


HANDLERS: Mapping[str, Callable[[Call], Json]] = {
    "query_segment_values": query_segments,
    "query_segment_series": query_segments,
}
