"""Print what changed for this package between two official OpenAPI documents.

    python -m tests.contract.compare_revisions OLD.json NEW.json

Operations that came or went; for the others paths, limits, scopes, page sizes, filters, sort fields, includes, fields
and bodies. What breaks a caller of the older revision is marked with an exclamation mark.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.make_endpoints import stable

Json = dict[str, Any]
PLAIN = ("method", "path", "limits", "scopes", "page", "cursor", "filter_required", "no_body")
LISTED = ("filters", "sort", "include", "fields", "additional_fields")


def table(document: Json) -> Json:
    """Return the operations of a document as the endpoint table holds them, with fields listed in full."""
    operations, shared = stable(document, {})
    for facts in operations.values():
        facts["fields"] = {kind: shared["fields"][key] for kind, key in facts.get("fields", {}).items()}
    return operations


def compare(old: Json, new: Json) -> list[str]:
    """Return one line for each change from one table to another."""
    lines = [f"! {name}: removed" for name in old if name not in new]
    lines += [
        f"  {name}: added, {new[name]['method']} {new[name]['path']}" for name in new if name not in old
    ]
    for name in old:
        if name in new:
            lines += [f"{mark} {name}: {what}" for mark, what in _changes(old[name], new[name])]
    return lines


def _changes(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    for key in PLAIN:
        before, after = old.get(key), new.get(key)
        if before != after:
            mark = " " if key in ("limits", "page") and before is None else "!"
            yield mark, f"{key} was {before or 'absent'}, is {after or 'absent'}"
    for key in LISTED:
        yield from _listed(key, _names(old.get(key, ())), _names(new.get(key, ())))
    before, after = old.get("body", {}), new.get("body", {})
    yield from _listed("body", _parts(before), _parts(after))
    if required := set(after.get("required", ())) - set(before.get("required", ())):
        yield "!", f"body now requires {', '.join(sorted(required))}"


def _listed(key: str, before: set[str], after: set[str]) -> Iterator[tuple[str, str]]:
    if gone := before - after:
        yield "!", f"{key} lost {', '.join(sorted(gone))}"
    if more := after - before:
        yield " ", f"{key} gained {', '.join(sorted(more))}"


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {f"{name} {one}" for name, many in value.items() for one in many}
    return set(value)


def _parts(body: Json) -> set[str]:
    return {*body.get("required", ()), *body.get("optional", ()), *body.get("relationships", {})}


if __name__ == "__main__":
    before, after = (table(json.loads(Path(path).read_text("utf-8"))) for path in sys.argv[1:3])
    print("\n".join(compare(before, after)) or "nothing changed")
