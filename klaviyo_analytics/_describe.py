"""The methods of each resource and what their endpoints allow, as a frame made from the endpoint table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from klaviyo_analytics._html import Description
from klaviyo_analytics._messages import allowed_values, did_you_mean
from klaviyo_analytics.endpoints import Endpoint, load
from klaviyo_analytics.errors import InvalidInputError

COLUMNS = (
    "resource", "method", "http_method", "path", "limits", "page_size", "filters", "sort", "include", "fields",
    "additional_fields", "body", "scopes",
)  # fmt: skip


def describe(resources: Mapping[str, Any], name: str | None = None) -> pd.DataFrame:
    """List the methods of one resource, or of all, with what their endpoints allow."""
    if name is not None and name not in resources:
        raise InvalidInputError(
            f"{name!r} is not a resource of this client{did_you_mean(name, resources)}. "
            f"{allowed_values(name, resources, 'Resources')} Call describe() for all of them."
        )
    chosen = resources if name is None else {name: resources[name]}
    rows = [
        {"resource": each, "method": method, **_facts(endpoint)}
        for each, resource in chosen.items()
        for method, endpoint in methods(resource)
    ]
    return Description(pd.DataFrame(rows, columns=list(COLUMNS)).astype("string"))


def methods(resource: Any) -> Iterator[tuple[str, Endpoint]]:
    """Yield each method with each endpoint that it calls."""
    for name in dir(type(resource)):
        if not name.startswith("_"):
            for operation in getattr(getattr(type(resource), name), "operations", ()):
                yield name, load()[operation]


def _facts(endpoint: Endpoint) -> dict[str, str | None]:
    body = endpoint.body
    parts = (*body.required, *body.relationships, *body.optional) if body and not body.many else ()
    fixed = "fixed" if endpoint.collection else None
    return {
        "http_method": endpoint.method,
        "path": endpoint.path,
        "limits": ", ".join(map(str, endpoint.limits)),
        "page_size": f"1 to {endpoint.page_max}" if endpoint.page_max else fixed,
        "filters": "; ".join(f"{name}: {', '.join(how)}" for name, how in endpoint.filters.items()) or None,
        "sort": ", ".join(endpoint.sort) or None,
        "include": ", ".join(endpoint.include) or None,
        "fields": ", ".join(endpoint.fields.get(endpoint.type or "", ())) or None,
        "additional_fields": ", ".join(endpoint.additional_fields.get(endpoint.type or "", ())) or None,
        "body": ", ".join(dict.fromkeys(parts)) or None,
        "scopes": ", ".join(endpoint.scopes),
    }
