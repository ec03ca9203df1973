"""Events: a request is taken or refused as a whole, and no job tells what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klaviyo_analytics.errors import ApiError
from klaviyo_analytics.writeback.kinds._kind import Kind, Options


def _body(records: Sequence[Any], _: Options) -> Any:
    attributes = {"events-bulk-create": {"data": list(records)}}
    return {"data": {"type": "event-bulk-create-job", "attributes": attributes}}


def _is_known(error: ApiError) -> bool:
    """Tell whether a request that may have arrived before is refused because it did."""
    return any(
        "duplicate" in str(one.get("code")).lower()
        or str((one.get("source") or {}).get("pointer")).endswith("/unique_id")
        for one in error.errors
    )


def _shown(record: Mapping[str, Any]) -> Mapping[str, Any]:
    attributes = record["attributes"]
    event = attributes["events"]["data"][0]["attributes"]
    return {
        **attributes["profile"]["data"]["attributes"],
        **{name: value for name, value in event.items() if name not in ("metric", "properties")},
        "properties": event["properties"],
    }


# A unique_id that is repeated is the same event, so that sending again adds nothing.
CREATE = Kind(
    name="event create",
    operation="bulk_create_events",
    most=1_000,
    body=_body,
    done="accepted",
    seen=_is_known,
    shown=_shown,
)
