"""The endpoint tables of all revisions as one: signatures allow what any revision allows.

At run time the table of the client's own revision decides; see `klaviyo_analytics.endpoints.query`.
"""

from __future__ import annotations

from collections.abc import Sequence

from klaviyo_analytics.endpoints import Catalog, load
from klaviyo_analytics.endpoints.revisions import TABLES, union

__all__ = ["tables", "union"]


def tables() -> Sequence[Catalog]:
    """Return the table of every revision that the package carries, oldest first."""
    return [load(revision) for revision in TABLES]
