"""The bodies of single writes, checked against the endpoint table, and how they are sent or shown.

Attributes and relationships are the API's, in snake case. What a body needs and what it may hold is checked before
anything is sent; `dry_run=True` shows the request instead of sending it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from klaviyo_analytics import _jsonapi, tabular
from klaviyo_analytics._reader import Reader
from klaviyo_analytics.endpoints import Body, Endpoint
from klaviyo_analytics.endpoints import query as queries
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._noun import Context, catalog_id, checked_id
from klaviyo_analytics.tabular.schema import snake
from klaviyo_analytics.writeback import encode
from klaviyo_analytics.writeback.encode import UnwritableError


class _Unset:
    """An attribute that was not named: None would say that it is to be cleared."""

    def __repr__(self) -> str:
        return "unset"


UNSET: Any = _Unset()


def resource(endpoint: Endpoint, given: Mapping[str, Any], *, id: str | None = None) -> dict[str, Any]:
    """Build `data` of a body: attributes and relationships told apart, checked against the table."""
    body = endpoint.body or Body()
    where = f"{endpoint.method} {endpoint.path}"
    wire = {snake(name): name for name in (*body.required, *body.optional, *body.relationships)}
    if unknown := [name for name in given if name not in wire]:
        raise InvalidInputError(f"{where} takes no {unknown[0]!r}; it takes {', '.join(wire)}.")
    present = {wire[name] for name, value in given.items() if value is not UNSET}
    needed = [*body.required, *(name for name, (_, _, must) in body.relationships.items() if must)]
    if missing := [snake(name) for name in needed if name not in present]:
        raise InvalidInputError(f"{where} needs {', '.join(missing)}.")
    data: dict[str, Any] = {"type": body.type}
    if id is not None:
        data["id"] = id
    values = {wire[name]: value for name, value in given.items() if value is not UNSET}
    attributes = {
        name: written(name, value) for name, value in values.items() if name not in body.relationships
    }
    if body.required or body.optional:
        data["attributes"] = attributes
    related = {
        name: {"data": _related(*body.relationships[name][:2], value)}
        for name, value in values.items()
        if name in body.relationships
    }
    return {**data, "relationships": related} if related else data


def write(
    context: Context,
    operation: str,
    ids: Mapping[str, str],
    body: Any,
    *,
    files: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    replay_safe: bool | None = None,
) -> Any:
    """Send a write, or show it: a row for an answer with a resource, None for an empty one."""
    endpoint = context.api.catalog[operation]
    if dry_run:
        shown = {"method": endpoint.method, "path": endpoint.at(**ids), "body": _masked(body)}
        return pd.DataFrame({name: [value] for name, value in shown.items()})
    document = context.api.call(
        operation, ids, json=None if files else body, files=files, replay_safe=replay_safe
    )
    if document is None or endpoint.returns is None:
        return None
    if not Reader(document, f"{endpoint.method} {endpoint.path}").at("data").value:
        return None
    record, *_ = _jsonapi.resources(document, f"{endpoint.method} {endpoint.path}")
    shape = tabular.schema(endpoint, queries.Query({}, {}, {}, ()))
    return tabular.one(record, shape, {})


def identifiers(kind: str, ids: Any) -> list[dict[str, str]]:
    """Write resource identifiers from ids, rows, or a frame with an `id` column; each once."""
    if isinstance(ids, pd.DataFrame):
        ids = ids["id"]
    several: Iterable[Any] = [ids] if isinstance(ids, str) or _is_row(ids) else ids
    unique = dict.fromkeys(_id(kind, one) for one in several)
    if not unique:
        raise InvalidInputError(f"name at least one {kind}.")
    return [{"type": kind, "id": id} for id in unique]


def written(name: str, value: Any) -> Any:
    """Write a value as JSON carries it; nulls of every kind become null."""
    try:
        return encode.value(value)
    except UnwritableError as problem:
        raise InvalidInputError(f"{name}: {problem}.") from None


def _related(kind: str, arity: str, value: Any) -> Any:
    if arity == "many":
        return identifiers(kind, value)
    return {"type": kind, "id": _id(kind, value)}


def _id(kind: str, value: object) -> str:
    return catalog_id(value) if kind.startswith("catalog-") else checked_id(value, kind)


def _is_row(value: Any) -> bool:
    return isinstance(value, pd.Series) and "id" in value.index


SECRETS = ("secret_key",)


def _masked(body: Any) -> Any:
    """Leave secrets out of what a dry run shows."""
    attributes = body.get("data") if isinstance(body, dict) else None
    attributes = attributes.get("attributes") if isinstance(attributes, dict) else None
    if not attributes or not any(name in attributes for name in SECRETS):
        return body
    hidden = {name: "***" if name in SECRETS else value for name, value in attributes.items()}
    return {"data": {**body["data"], "attributes": hidden}}
