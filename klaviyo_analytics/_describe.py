"""What each resource can do, as a frame made from the endpoint table."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from klaviyo_analytics._html import Description
from klaviyo_analytics.endpoints import Endpoint, load
from klaviyo_analytics.errors import InvalidInputError

COLUMNS = (
    "resource", "verb", "method", "path", "limits", "page_size", "filters", "sort", "include", "fields",
    "additional_fields", "body", "scopes",
)  # fmt: skip


def describe(resources: Mapping[str, Any], resource: str | None = None) -> pd.DataFrame:
    """List the methods of one resource, or of all, with what their endpoints allow."""
    if resource is not None and resource not in resources:
        near = difflib.get_close_matches(resource, resources, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" The resources are {', '.join(resources)}."
        raise InvalidInputError(f"{resource!r} is not a resource of this client.{hint}")
    chosen = resources if resource is None else {resource: resources[resource]}
    rows = [
        {"resource": name, "verb": verb, **_facts(endpoint)}
        for name, thing in chosen.items()
        for verb, endpoint in verbs(thing)
    ]
    return Description(pd.DataFrame(rows, columns=list(COLUMNS)).astype("string"))


def verbs(thing: Any) -> Iterator[tuple[str, Endpoint]]:
    """Yield each method with the endpoints that it calls."""
    for name in dir(type(thing)):
        if not name.startswith("_"):
            for operation in getattr(getattr(type(thing), name), "operations", ()):
                yield name, load()[operation]


def _facts(endpoint: Endpoint) -> dict[str, str | None]:
    body = endpoint.body
    parts = (*body.required, *body.relationships, *body.optional) if body and not body.many else ()
    fixed = "fixed" if endpoint.collection else None
    return {
        "method": endpoint.method,
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
