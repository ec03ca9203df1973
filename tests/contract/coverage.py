"""Print how many operations of each revision the sandbox serves and the client's methods name.

    python -m tests.contract.coverage

What is left out follows from rules, not from names: operations for browsers (`/client/...`) are in no table, and
reads that return ids only (`/relationships/`) need no method, since the same read without it returns the resources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klaviyo_analytics import endpoints
from klaviyo_analytics.diagnostics import verbs
from klaviyo_analytics.resources import RESOURCES
from klaviyo_analytics.sandbox.app.contract import REVISION, SERVED, load_contract
from klaviyo_analytics.sandbox.app.klaviyo import handler_of


@dataclass(frozen=True)
class Coverage:
    """The operations of one revision, by what is done about them."""

    revision: str
    operations: frozenset[str]
    ids_only: frozenset[str]
    unserved: frozenset[str]
    unnamed: frozenset[str]

    def __str__(self) -> str:
        count, excluded = len(self.operations), len(self.ids_only)
        lines = [
            f"{self.revision}: {count} operations; served {count - len(self.unserved)}; "
            f"named {count - excluded - len(self.unnamed)} of {count - excluded} ({excluded} return ids only)",
        ]
        lines += [f"  not served: {name}" for name in sorted(self.unserved)]
        lines += [f"  no method: {name}" for name in sorted(self.unnamed)]
        return "\n".join(lines)


def coverage(revision: str, resources: dict[str, Any]) -> Coverage:
    """Return what the sandbox and the methods of these resources do about a revision's operations."""
    REVISION.set(revision)
    contract, table = load_contract(revision), endpoints.load(revision)
    operations = frozenset(contract.operations)
    ids_only = frozenset(
        name
        for name, operation in contract.operations.items()
        if operation.method == "GET" and "/relationships/" in operation.path
    )
    named = {endpoint.operation for thing in resources.values() for _, endpoint in verbs(thing, table)}
    unserved = frozenset(name for name, each in contract.operations.items() if handler_of(each) is None)
    return Coverage(revision, operations, ids_only, unserved, operations - ids_only - named)


def resources() -> dict[str, Any]:
    """Return one resource object of each kind, as a client has them."""
    import klaviyo_analytics as ka  # noqa: PLC0415  (a client of no account: nothing is sent)

    client = ka.connect(api_key="pk_0123456789abcdef")
    return {name: getattr(client, name) for name in RESOURCES}


if __name__ == "__main__":
    known = resources()
    for revision in SERVED:
        print(coverage(revision, known))
