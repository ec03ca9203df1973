"""Who is on a list, and what carries a tag: relationships, changed at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klaviyo_analytics.writeback.kinds._kind import Kind, Options


def _body(records: Sequence[Any], _: Options) -> Any:
    return {"data": list(records)}


def _ids(options: Options) -> Mapping[str, str]:
    return {"id": options["owner"]}


def _shown(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"id": record["id"]}


def _relationship(name: str, operation: str) -> Kind:
    return Kind(name, operation, most=1_000, body=_body, done="written", ids=_ids, shown=_shown)


TAGGED = ("campaigns", "flows", "lists", "segments")
KINDS = (
    _relationship("list join", "add_profiles_to_list"),
    _relationship("list leave", "remove_profiles_from_list"),
    *(_relationship(f"tag {kind}", f"tag_{kind}") for kind in TAGGED),
    *(_relationship(f"untag {kind}", f"remove_tag_from_{kind}") for kind in TAGGED),
)
