"""Words for tests that speak through Klaviyo's own client: bodies as it takes them, answers as it gives them."""

from __future__ import annotations

import re
from typing import Any

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app import omnichannel
from klaviyo_analytics.sandbox.app.contract import Operation, load_contract
from klaviyo_analytics.sandbox.app.store import Store

Json = dict[str, Any]
APIECE = 8  # resources that each operation on one resource is asked about


def resource(type_: str, id_: str | None = None, /, links: Json | None = None, **attributes: Any) -> Json:
    """A body with one resource; `links` maps relationships to an id, or to a list of them."""
    data: Json = {"type": type_}
    if id_ is not None:
        data["id"] = id_
    if attributes:
        data["attributes"] = attributes
    if links:
        data["relationships"] = {name: {"data": _identifiers(name, ids)} for name, ids in links.items()}
    return {"data": data}


def _identifiers(name: str, ids: str | list[str]) -> Any:
    if isinstance(ids, str):
        return {"type": {"item": "catalog-item"}.get(name, name), "id": ids}
    return [{"type": name.removesuffix("s"), "id": id_} for id_ in ids]


def person(id_: str | None = None, /, **attributes: Any) -> Json:
    return {"type": "profile", "attributes": attributes} | ({"id": id_} if id_ else {})


def finish(get: Any, job: str) -> Any:
    """Ask for a job until it is done."""
    for _ in range(5):
        attributes = get(job).data.attributes
        if attributes.status == "complete":
            return attributes
    raise AssertionError(attributes)


def arguments(sandbox: Sandbox, operation: Operation) -> list[list[str]]:
    """Give what to call an operation with: nothing for a collection, else the ids of a few resources."""
    if "{" not in operation.path:
        return [[]]
    types = {collection: type_ for type_, collection in load_contract().collections.items()}
    type_, name = types[operation.collection], operation.segments[-1]
    store = Store(sandbox.account, lambda: 0.0)
    newer = type_ in omnichannel.BUILDERS and load_contract().revision >= omnichannel.SINCE
    records = (omnichannel.View(store) if newer else store).records(type_)
    ids = sandbox.account.events.ids if type_ == "event" else list(records)
    leading = [id_ for id_, record in records.items() if record.relationships.get(name)]  # somewhere
    return [[id_] for id_ in [*ids[:: max(1, len(ids) // APIECE)], *leading[:1]]]


def filled(value: Any, known: dict[str, str]) -> Any:
    """Put ids where a value names types."""
    if isinstance(value, str):
        return re.sub(r"\{([\w-]+)\}", lambda found: known.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    return {name: filled(item, known) for name, item in value.items()} if isinstance(value, dict) else value


def all_ids(listed: Any, query: Json) -> list[str]:
    """Follow the pages of a collection; the client takes the cursor out of the link."""
    ids: list[str] = []
    cursor: Json = {}
    while True:
        page = listed(**query, **cursor)
        ids += [each.id for each in page.data]
        if not (page.links and page.links.next):
            return ids
        cursor = {"page_cursor": page.links.next}


def plain(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def contains(found: Any, value: Any) -> bool:
    if isinstance(value, dict):
        return all(contains(found[name], item) for name, item in value.items())
    return str(found).replace("Z", "+00:00") == str(value)
