"""Who is a member of lists and segments, kept again and again so that the past can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Literal

import pandas as pd
import pyarrow as pa

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.archive.store import Store
from klaviyo_analytics.archive.tables import MEMBER_SCHEMAS, TIME
from klaviyo_analytics.resources import Context, Lists, Segments


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
