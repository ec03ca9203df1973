"""The questions of `events.list` as conditions of an SQL query, read on the account's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.archive.store import Store, quoted
from klaviyo_analytics.archive.tables import MEMBER_SCHEMAS, TIME
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources import Context, Lists, Metrics, Segments
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe.words import Moment, in_zone, plain, zone_named

Span = Timeframe | str | tuple[Moment, Moment]


@dataclass(frozen=True)
class Clock:
    """The account's time zone and present."""

    timezone: str
    now: datetime

    def moment(self, value: Moment) -> datetime:
        """Read a date, datetime or text as a moment in UTC; without a zone it is in the account's."""
        given = plain(value)
        if isinstance(given, datetime) and given.tzinfo is not None:
            return given.astimezone(UTC)
        return in_zone(given, zone_named(self.timezone)).astimezone(UTC)


class _KeptMetrics(Metrics):
    """The metrics of the copy, found by name as `client.metrics` finds them."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def known(self, *, refresh: bool = False) -> pd.DataFrame:  # noqa: ARG002  (there is nothing newer)
        """Return the metrics of the copy."""
        return self._frame


def conditions(
    clock: Clock,
    metrics: pd.DataFrame | None,
    metric: Metric | Sequence[Metric] | None,
    start: Moment | None,
    end: Moment | None,
    timeframe: Span | None,
    profile: Any,
) -> str:
    """Write the conditions of a question; `metrics` are the copy's, for finding a metric by name."""
    if timeframe is not None and (start is not None or end is not None):
        raise InvalidInputError("Pass either timeframe=, or start= and end=, not both.")
    first, last = (None if value is None else clock.moment(value) for value in (start, end))
    if timeframe is not None:
        frame = (
            timeframe
            if isinstance(timeframe, Timeframe)
            else Timeframe.parse(timeframe, timezone=clock.timezone, now=clock.now)
        )
        first, last = frame.start.astimezone(UTC), frame.end.astimezone(UTC)
    if first and last and last <= first:
        raise InvalidInputError(
            f"end={end} is not after start={start}. The frame is half-open: [start, end)."
        )
    found = ["true"]
    if first:
        found.append(f"datetime >= TIMESTAMPTZ '{first.isoformat(sep=' ')}'")
        found.append(f"month >= '{first:%Y-%m}'")
    if last:
        found.append(f"datetime < TIMESTAMPTZ '{last.isoformat(sep=' ')}'")
        found.append(f"month <= '{last:%Y-%m}'")
    if profile is not None:
        profile = profile.get("id") if isinstance(profile, (pd.Series, Mapping)) else profile
        if not isinstance(profile, str):
            raise InvalidInputError(
                f"profile={profile!r} is not an id. Pass the id as text, or a profile row."
            )
        found.append(f"profile_id = {quoted(profile)}")
    if metric is not None and metrics is not None:
        ids = [id for id, _ in _KeptMetrics(metrics).resolve_all(metric)]
        found.append(f"metric_id IN ({', '.join(map(quoted, ids))})")
    return " AND ".join(found)


def snapshot(
    context: Context, store: Store, kind: Literal["lists", "segments"], ids: Sequence[str] | None
) -> pd.DataFrame:
    """Append the present members of each list or segment, one commit each; see `Archive.snapshot`."""
    resource = Lists(context) if kind == "lists" else Segments(context)
    name = f"{kind[:-1]}_members"
    wanted = list(ids) if ids is not None else resource.list(fields=["name"])["id"].tolist()
    seen_at = context.now().astimezone(UTC)
    schema = MEMBER_SCHEMAS[name]
    counts = []
    table = store.opened(name, schema, None, ["seen_at"])
    with Progress(name, shown=context.progress, total=len(wanted), unit=kind) as progress:
        for id in wanted:
            members = resource.profiles(id, fields=["joined_group_at"])
            joined = pa.array(members["joined_group_at"], from_pandas=True).cast(TIME)
            rows = [[id] * len(members), members["id"].tolist(), joined, [seen_at] * len(members)]
            store.append(table, pa.table(rows, schema), {})
            counts.append((id, len(members), seen_at))
            progress.add(1)
    store.compact(table)
    frame = pd.DataFrame(counts, columns=["id", "members", "seen_at"])
    return frame.astype({"id": "string", "members": "Int64", "seen_at": "datetime64[us, UTC]"})
