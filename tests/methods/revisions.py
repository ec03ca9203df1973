"""The endpoint tables of all revisions as one: signatures allow what any revision allows.

At run time the table of the client's own revision decides; see `klaviyo_analytics.endpoints.query`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from klaviyo_analytics.endpoints import Body, Catalog, Endpoint, Shape, load


def tables() -> Sequence[Catalog]:
    """Return the table of every revision that the package carries, oldest first."""
    return [load()]


def union(catalogs: Iterable[Catalog]) -> dict[str, Endpoint]:
    """Merge the operations of several revisions, each allowing what any of them allows."""
    merged: dict[str, Endpoint] = {}
    for catalog in catalogs:
        for endpoint in catalog:
            known = merged.get(endpoint.operation)
            merged[endpoint.operation] = endpoint if known is None else _both(known, endpoint)
    return merged


def _both(old: Endpoint, new: Endpoint) -> Endpoint:
    return replace(
        new,
        page_max=max((one.page_max for one in (old, new) if one.page_max), default=None),
        filters=_joined(old.filters, new.filters),
        filter_required=old.filter_required and new.filter_required,
        sort=_in_order(old.sort, new.sort),
        include=_in_order(old.include, new.include),
        fields=_joined(old.fields, new.fields),
        additional_fields=_joined(old.additional_fields, new.additional_fields),
        body=_body(old.body, new.body),
        returns=_shape(old.returns, new.returns),
        included=_shapes(old.included, new.included),
    )


def _body(old: Body | None, new: Body | None) -> Body | None:
    if old is None or new is None:
        return new or old
    names = _in_order((*old.required, *old.optional), (*new.required, *new.optional))
    required = tuple(name for name in names if name in old.required and name in new.required)
    relationships: dict[str, tuple[str, str, bool]] = {}
    for name in _in_order(tuple(old.relationships), tuple(new.relationships)):
        found = [one.relationships.get(name) for one in (old, new)]
        kind, arity, _ = found[1] or found[0] or ("", "", False)
        relationships[name] = (kind, arity, all(one is not None and one[2] for one in found))
    optional = tuple(name for name in names if name not in required)
    return replace(new, required=required, optional=optional, relationships=relationships)


def _shape(old: Shape | None, new: Shape | None) -> Shape | None:
    if old is None or new is None:
        return new or old
    attributes = {**old.attributes, **new.attributes}
    return Shape(new.type, attributes, {**old.relationships, **new.relationships})


def _shapes(old: Mapping[str, Shape], new: Mapping[str, Shape]) -> dict[str, Shape]:
    merged: dict[str, Shape] = dict(old)
    for name, shape in new.items():
        both = _shape(old.get(name), shape)
        assert both is not None
        merged[name] = both
    return merged


def _joined(
    old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    return {
        name: _in_order(old.get(name, ()), new.get(name, ())) for name in _in_order(tuple(old), tuple(new))
    }


def _in_order(*groups: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(groups)))
