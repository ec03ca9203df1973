"""Frames from hand-written records, as an endpoint would answer them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics import endpoints, frames
from klaviyo_analytics.endpoints import jsonapi, query
from klaviyo_analytics.frames.schema import Properties

Json = dict[str, Any]


def record(id: Any = "1", attributes: Any = None, **relationships: Any) -> Json:
    """A resource; each relationship is given by its `data`."""
    related = {name.replace("_", "-"): {"data": data, "links": {}} for name, data in relationships.items()}
    return {"type": "thing", "id": id, "attributes": attributes or {}, "relationships": related, "links": {}}


def ref(type: str, id: str) -> Json:
    return {"type": type, "id": id}


def table_of(
    records: Sequence[Any],
    operation: str = "get_profiles",
    *,
    included: Sequence[Json] = (),
    properties: Properties = "json",
    pages: int = 1,
    **asked: Any,
) -> pd.DataFrame:
    """The frame of an answer that comes in so many pages."""
    endpoint = endpoints.load()[operation]
    table = frames.Table(frames.schema(endpoint, query.build(endpoint, **asked), properties))
    index = jsonapi.included([{"included": list(included)}])
    size = max(1, -(-len(records) // pages))
    for start in range(0, len(records), size):
        table.add(records[start : start + size], index)
    return table.frame()
