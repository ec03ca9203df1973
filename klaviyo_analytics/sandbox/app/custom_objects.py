"""Custom objects: data sources whose records become objects, as the mapping of a type's active schema says.

A record is taken at once and worked on later: each read of objects or logs moves that work on by a step, and so does
the clock (see `jobs`). A record that breaks the schema becomes an entry of the ingestion log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson

from klaviyo_analytics.sandbox.app import jobs
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem, to_text
from klaviyo_analytics.sandbox.app.paging import View
from klaviyo_analytics.sandbox.app.reads import Call, answer_one, answer_page, get_related, get_resource
from klaviyo_analytics.sandbox.app.selection import matches_all
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import (
    check_id,
    new_record,
    related_ids,
    remove,
    required_id,
    ulid,
    uuid_id,
)
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
ATTRIBUTES = "/data/attributes"
TYPE, SCHEMA, MAPPING = "object-type", "object-schema", "source-mapping"
OBJECT, LOG, SOURCE_RECORD = "object-record", "object-ingestion-log", "data-source-record"
PROFILE = "profile"  # the schema of profiles, which cannot be read
LONGEST_TITLE = 255
NAMESPACE = re.compile(r"custom-objects|applications/[0-9A-HJKMNP-TV-Z]{26}")
MOST_RECORDS, MOST_BYTES = 500, 512 * 1024
LOG_LIFE = 14 * 86_400
JOBS = (
    "data-source-record-create-job",
    "data-source-record-bulk-create-job",
    "object-record-bulk-delete-job",
)


def create_source(call: Call) -> Json:
    """Create a data source, whose title is its own within the namespace."""
    attributes = call.body["data"]["attributes"]
    _check_title(attributes["title"])
    namespace = attributes.get("namespace") or "custom-objects"
    for other in call.store.records("data-source").values():
        if (other.attributes["title"], other.attributes["namespace"]) == (attributes["title"], namespace):
            detail = f"A data source with the title {attributes['title']!r} exists already."
            raise ApiFault.conflict(detail, pointer=f"{ATTRIBUTES}/title")
    given = {name: value for name, value in attributes.items() if value is not None}
    return answer_one(call, new_record(call.store, call.body["data"] | {"attributes": given}))


def create_record(call: Call) -> None:
    """Accept one record of a data source."""
    _take(call, [call.body["data"]["attributes"][SOURCE_RECORD]["data"]], f"{SOURCE_RECORD}/data")


def create_records(call: Call) -> None:
    """Accept many records of a data source."""
    records = (call.body["data"]["attributes"].get(f"{SOURCE_RECORD}s") or {}).get("data") or []
    if not 1 <= len(records) <= MOST_RECORDS:
        pointer = f"{ATTRIBUTES}/{SOURCE_RECORD}s/data"
        raise ApiFault.pointer(pointer, f"A request has 1 to {MOST_RECORDS} records.")
    _take(call, records, f"{SOURCE_RECORD}s/data")


def _take(call: Call, records: list[Json], place: str) -> None:
    store, data = call.store, call.body["data"]
    sources = dict(related_ids(data)).get("data-source")
    if not sources:
        raise ApiFault.pointer("/data/relationships/data-source", "A data source is required.")
    source = store.get("data-source", sources[0])
    for record in records:
        if len(orjson.dumps(record)) > MOST_BYTES:
            pointer = {"pointer": f"{ATTRIBUTES}/{place}"}
            raise ApiFault(413, [Problem("payload_too_large", "A record may have 512 KB.", pointer)])
    kept = []
    for record in records:
        attributes = {"record": record["attributes"]["record"]}
        kept.append(store.add(Record(SOURCE_RECORD, ulid(store, {}), attributes, {"data-source": source.id})))
    jobs.start(store, data["type"], kept, _ingest, life=None)


def _ingest(store: Store, _: Record, record: Record) -> bool:
    """Make objects of a record, in every type whose active schema maps its source."""
    used = False
    for type_ in list(store.records(TYPE).values()):
        for id_ in store.related(type_, "current-schema"):
            used |= _fill(store, type_, store.get(SCHEMA, id_), record)
    return used


def _fill(store: Store, type_: Record, schema: Record, record: Record) -> bool:
    mapping = store.get(MAPPING, store.related(schema, MAPPING)[0])
    maps = mapping.attributes["property_mappings"]
    source = str(record.relationships["data-source"])
    own = [one for one in maps if one["type"] == "simple" and one["source"]["source_id"] == source]
    if not own:
        return False
    held = record.attributes["record"]
    name = _at(held, own[0]["source"]["id_path"])
    names = {one["id"]: one["name"] for one in schema.attributes["properties"]}
    found = {names[one["id"]]: one["value"] for one in maps if one["type"] == "constant"}
    for one in own:
        value = _at(held, one["source"]["data_path"])
        if value is not None:
            found[names[one["id"]]] = value
    errors = _errors(schema, found)
    if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
        errors.insert(0, _error("missing_id", "The record has no id.", own[0]["source"]["id_path"], name))
    if errors:
        _write_log(store, type_, None if name is None else str(name), errors)
        return True
    id_ = f"{type_.id}:::{name}"
    before = store.find(OBJECT, id_)
    whole = {one["name"] for one in schema.attributes["properties"] if one["type"] == "int"}
    found = {key: int(value) if key in whole else value for key, value in found.items()}
    properties = (before.attributes["record_properties"] if before else {}) | found
    store.add(Record(OBJECT, id_, {"record_properties": properties}, {TYPE: type_.id}))
    return True


def _at(held: Any, path: str) -> Any:
    """Return the value at a JSONPath of names; None if nothing is there."""
    for name in _steps(path) or ():
        held = held.get(name) if isinstance(held, dict) else None
    return held


def _steps(path: str) -> list[str] | None:
    """Split `$['a']['b']` or `$.a.b` into names; None if it is neither."""
    if not re.fullmatch(r"""\$(\.[A-Za-z_]\w*|\['[^']+'\]|\["[^"]+"\])+""", path):
        return None
    return [a or b or c for a, b, c in re.findall(r"""\.([A-Za-z_]\w*)|\['([^']+)'\]|\["([^"]+)"\]""", path)]


def _is_time(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


FITS: Mapping[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "float": lambda value: isinstance(value, float) or _is_int(value),
    "int": lambda value: _is_int(value) or (isinstance(value, float) and value.is_integer()),
    "string": lambda value: isinstance(value, str),
    "timestamp": _is_time,
}


def _errors(schema: Record, found: Json) -> list[Json]:
    errors = [
        _error("missing", "A required property is missing.", name, None)
        for name in schema.attributes["required"]
        if name not in found
    ]
    kinds = {one["name"]: one["type"] for one in schema.attributes["properties"]}
    for name, value in found.items():
        if not FITS[kinds[name]](value):
            errors.append(_error(f"{kinds[name]}_type", f"The value is no {kinds[name]}.", name, value))
    return errors


def _error(code: str, message: str, name: str, value: Any) -> Json:
    shown = None if value is None else orjson.dumps(value).decode()
    return {"code": code, "message": message, "property": name, "invalid_value": shown}


def _write_log(store: Store, type_: Record, name: str | None, errors: list[Json]) -> None:
    count = f"{len(errors)} validation error{'' if len(errors) == 1 else 's'}"
    attributes = {
        "status": "error",
        "event_type": "validation_error",
        "timestamp": to_text(store.now()),
        "summary": f"{count} for {name}" if name else count,
        "errors": errors,
        "record_id": name,  # filters name it, answers do not show it
    }
    record = f"{type_.id}:::{name}" if name else None
    store.add(Record(LOG, uuid_id(store, {}), attributes, {TYPE: type_.id, OBJECT: record}))


def _move_on(store: Store) -> None:
    """Move the work on records on by a step."""
    for type_ in JOBS:
        for job in list(store.records(type_).values()):
            jobs.advance(store, job)
            if not jobs.is_open(job):
                store.remove(type_, job.id)
                store.jobs = [other for other in store.jobs if other is not job]


def get_object(call: Call) -> Json:
    """Answer one object after the next step of the work on records."""
    _move_on(call.store)
    return get_resource(call)


def get_objects(call: Call) -> Json:
    """Answer the objects of a type after the next step of the work on records."""
    _move_on(call.store)
    return get_related(call)


def get_logs(call: Call) -> Json:
    """Answer a type's log of the last 14 days, the newest first."""
    store = call.store
    type_ = store.get(TYPE, call.id)
    _move_on(store)
    since = to_text(store.now() - LOG_LIFE)
    entries = [
        (one.attributes["timestamp"], one.id)
        for one in store.records(LOG).values()
        if one.relationships[TYPE] == type_.id
        and one.attributes["timestamp"] >= since
        and matches_all(store, one, call.query.conditions)
    ]
    entries.sort()
    return answer_page(
        call, View([time for time, _ in entries], [id_ for _, id_ in entries], descending=True)
    )


def delete_objects(call: Call) -> None:
    """Start to delete objects."""
    ids = dict(related_ids(call.body["data"])).get(f"{OBJECT}s", [])
    if not 1 <= len(ids) <= MOST_RECORDS:
        pointer = f"/data/relationships/{OBJECT}s/data"
        raise ApiFault.pointer(pointer, f"A request has 1 to {MOST_RECORDS} ids.")
    jobs.start(call.store, call.body["data"]["type"], ids, _delete_object, life=None)


def _delete_object(store: Store, _: Record, id_: str) -> bool:
    if store.find(OBJECT, id_) is None:
        return False
    store.remove(OBJECT, id_)
    return True


def create_type(call: Call) -> Json:
    """Create a type, with its first schema if one is given."""
    store, attributes = call.store, call.body["data"]["attributes"]
    _check_title(attributes["title"])
    namespace = attributes.get("namespace") or "custom-objects"
    if not NAMESPACE.fullmatch(namespace):
        detail = f"{namespace!r} is not custom-objects or applications/<application_id>."
        raise ApiFault.pointer(f"{ATTRIBUTES}/namespace", detail)
    embedded = (attributes.get(SCHEMA) or {}).get("data", {}).get("attributes", {})
    place = f"{ATTRIBUTES}/{SCHEMA}/data/attributes"
    _check_schema(store, embedded, embedded.get(MAPPING), place)
    now = to_text(store.now())
    known = {
        "title": attributes["title"],
        "description": attributes.get("description") or "",
        "status": "undefined",
        "namespace": namespace,
        "created_at": now,
        "updated_at": now,
    }
    type_ = store.add(Record(TYPE, ulid(store, {}), known, {"schema-versions": []}))
    type_.hidden["visibility"] = attributes.get("visibility") or "private"
    if attributes.get(SCHEMA):
        _add_schema(store, type_, embedded)
    return answer_one(call, type_)


def create_schema(call: Call) -> Json:
    """Create a version of a type's schema."""
    store, data = call.store, call.body["data"]
    type_ = store.get(TYPE, required_id(data, TYPE))
    attributes = data["attributes"]
    _check_title(attributes["title"])
    _check_schema(store, attributes, attributes.get(MAPPING), ATTRIBUTES)
    schema = _add_schema(store, type_, attributes)
    return _show(call, schema)


def _add_schema(store: Store, type_: Record, given: Json) -> Record:
    known = {
        "title": given.get("title") or type_.attributes["title"],
        "description": given.get("description") or type_.attributes["description"],
        "status": "draft",
        "properties": [{"description": None} | one for one in given.get("properties") or ()],
        "required": list(given.get("required") or ()),
        "published_at": None,
        "visibility": type_.hidden["visibility"],
    }
    held = (given.get(MAPPING) or {}).get("data", {}).get("attributes", {})
    maps = {name: list(held.get(name) or ()) for name in ("property_mappings", "relationship_mappings")}
    mapping = store.add(Record(MAPPING, ulid(store, {}), maps))
    schema = store.add(Record(SCHEMA, ulid(store, {}), known, {MAPPING: mapping.id}))
    schema.hidden |= {"type": type_.id, "relations": []}
    mapping.hidden["schema"] = schema.id
    type_.relationships["schema-versions"] = [*store.related(type_, "schema-versions"), schema.id]
    _set_status(store, schema, given.get("status") or "draft")
    return schema


def _check_title(title: str) -> None:
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise ApiFault.pointer(f"{ATTRIBUTES}/title", f"A title has 1 to {LONGEST_TITLE} characters.")


def _check_schema(store: Store, given: Json, mapping: Json | None, place: str) -> None:
    properties = given.get("properties") or []
    for key in ("id", "name"):
        values = [one[key] for one in properties]
        if twice := next((value for value in values if values.count(value) > 1), None):
            raise ApiFault.pointer(f"{place}/properties", f"The {key} {twice!r} comes twice.")
    if any(one["id"] < 1 or not one["name"] for one in properties):
        raise ApiFault.pointer(f"{place}/properties", "A property has an id of at least 1, and a name.")
    names = [one["name"] for one in properties]
    if odd := next((name for name in given.get("required") or () if name not in names), None):
        raise ApiFault.pointer(f"{place}/required", f"{odd!r} is not a property of the schema.")
    if mapping:
        held = mapping["data"]["attributes"]
        _check_mapping(
            store, held, {one["id"] for one in properties}, (), f"{place}/{MAPPING}/data/attributes"
        )


def _check_mapping(store: Store, given: Json, ids: set[int], relations: tuple[str, ...], place: str) -> None:
    for number, one in enumerate(given.get("property_mappings") or ()):
        pointer = f"{place}/property_mappings/{number}"
        if one["id"] not in ids:
            raise ApiFault.pointer(f"{pointer}/id", f"The schema has no property with id {one['id']}.")
        if one["type"] == "simple":
            paths = (one["source"]["id_path"], one["source"]["data_path"])
            _check_source(store, one["source"], paths, f"{pointer}/source")
    for number, one in enumerate(given.get("relationship_mappings") or ()):
        pointer = f"{place}/relationship_mappings/{number}"
        if one["relationship_id"] not in relations:
            detail = f"The schema has no relationship with id {one['relationship_id']}."
            raise ApiFault.pointer(f"{pointer}/relationship_id", detail)
        source = one["source"]
        others = [each["path"] for each in source.get("related_id_paths") or ()]
        named = [source["related_id_path"]] if "related_id_path" in source else []
        _check_source(store, source, (source["id_path"], *named, *others), f"{pointer}/source")


def _check_source(store: Store, source: Json, paths: tuple[str, ...], pointer: str) -> None:
    if store.find("data-source", source["source_id"]) is None:
        detail = f"A data source with id {source['source_id']} does not exist."
        raise ApiFault.pointer(f"{pointer}/source_id", detail)
    for path in paths:
        if _steps(path) is None:
            raise ApiFault.pointer(pointer, f"{path!r} is not a JSONPath of names, such as $['id'].")


def update_schema(call: Call) -> Json:
    """Change a schema; "active" publishes it, with the title and description of its type."""
    store, data = call.store, call.body["data"]
    schema = store.get(SCHEMA, call.id)
    check_id(call, data)
    given = {name: value for name, value in data["attributes"].items() if value is not None}
    if "title" in given:
        _check_title(given["title"])
    _check_schema(store, schema.attributes | given, None, ATTRIBUTES)
    status = given.pop("status", None)
    schema.attributes |= given
    type_ = store.get(TYPE, schema.hidden["type"])
    type_.attributes |= {name: given[name] for name in ("title", "description") if name in given}
    if status:
        _set_status(store, schema, status)
    type_.attributes["updated_at"] = to_text(store.now())
    store.changed()
    return _show(call, schema)


def _set_status(store: Store, schema: Record, status: str) -> None:
    """Publish a schema, or make it the draft of its type."""
    type_ = store.get(TYPE, schema.hidden["type"])
    slots = {"active": "current-schema", "draft": "draft-schema"}
    for slot in slots.values():
        if type_.relationships.get(slot) == schema.id:
            type_.relationships[slot] = None
    schema.attributes["status"] = status
    if status == "active":
        schema.attributes["published_at"] = to_text(store.now())
    type_.relationships[slots[status]] = schema.id
    type_.attributes["status"] = "active" if type_.relationships.get("current-schema") else "draft"
    store.changed()


def update_mapping(call: Call) -> Json:
    """Change where properties and relationships come from."""
    store, data = call.store, call.body["data"]
    mapping = store.get(MAPPING, call.id)
    check_id(call, data)
    schema = store.get(SCHEMA, mapping.hidden["schema"])
    given = {name: value for name, value in data["attributes"].items() if value is not None}
    relations = tuple(one["relationship_id"] for one in schema.hidden["relations"])
    _check_mapping(
        store, given, {one["id"] for one in schema.attributes["properties"]}, relations, ATTRIBUTES
    )
    mapping.attributes |= given
    store.changed()
    return answer_one(call, mapping)


def delete_type(call: Call) -> None:
    """Delete a type with its schemas, mappings, objects and log, and the relationships that lead to it."""
    store = call.store
    type_ = store.get(TYPE, call.id)
    versions = list(store.related(type_, "schema-versions"))
    for kind in (OBJECT, LOG):
        for one in [each for each in store.records(kind).values() if each.relationships[TYPE] == type_.id]:
            remove(store, one)
    for id_ in versions:
        store.remove(MAPPING, store.related(store.get(SCHEMA, id_), MAPPING)[0])
        store.remove(SCHEMA, id_)
    for schema in store.records(SCHEMA).values():
        schema.hidden["relations"] = [one for one in schema.hidden["relations"] if one["to"] not in versions]
    store.remove(TYPE, type_.id)


def get_type(call: Call) -> Json:
    """Answer one type."""
    return _show(call, call.store.get(TYPE, call.id))


def get_schema(call: Call) -> Json:
    """Answer one schema."""
    return _show(call, call.store.get(SCHEMA, call.id))


def _show(call: Call, record: Record) -> Json:
    with _with_relations(call.store, record):
        return answer_one(call, record)


def get_relations(call: Call) -> Json:
    """Answer the ids of the relationships of a type or schema."""
    owner = call.store.get(call.owner, call.id)
    with _with_relations(call.store, owner):
        return get_related(call)


@contextmanager
def _with_relations(store: Store, owner: Record) -> Iterator[None]:
    """Show the relationships of a type or schema, whose ids are unique only within their owner."""
    schema = owner
    if owner.type == TYPE:
        slots = [id_ for name in ("current-schema", "draft-schema") for id_ in store.related(owner, name)]
        schema = store.get(SCHEMA, slots[0]) if slots else owner
    shown: dict[str, list[str]] = {}
    added = []
    for one in schema.hidden.get("relations", ()):
        profile = one["to"] == PROFILE
        to = one["to"] if profile or owner.type == SCHEMA else store.get(SCHEMA, one["to"]).hidden["type"]
        kind = f"profile-{owner.type}" if profile else owner.type
        meta = {name: one[name] for name in ("relationship_id", "name", "description")}
        added.append(Record(kind, f"{to}:::{one['name']}", {"meta": meta}))
        shown.setdefault(f"{kind}s", []).append(added[-1].id)
    before = dict(owner.relationships)
    owner.relationships |= shown
    for record in added:
        store.records(record.type)[record.id] = record
    store.changed()
    try:
        yield
    finally:
        owner.relationships = before
        for record in added:
            del store.records(record.type)[record.id]
        store.changed()


def relate(call: Call) -> None:
    """Add relationships to a schema, all or none."""
    store = call.store
    schema, relations = _relations(call)
    new: list[Json] = []
    for number, one in enumerate(call.body["data"]):
        meta, to = one["meta"], _related_to(store, one, f"/data/{number}/id")
        if not meta["name"]:
            raise ApiFault.pointer(f"/data/{number}/meta/name", "A relationship has a name.")
        if any(meta["name"] == other["name"] for other in (*relations, *new)):
            detail = f"The schema has a relationship {meta['name']!r} already."
            raise ApiFault.conflict(detail, pointer=f"/data/{number}/meta/name")
        known = {"relationship_id": ulid(store, {}), "to": to, "name": meta["name"]}
        new.append(known | {"description": meta.get("description")})
    schema.hidden["relations"] = [*relations, *new]
    store.changed()


def update_relation(call: Call) -> None:
    """Change the name or the description of a relationship."""
    data = call.body["data"]
    schema, relations = _relations(call)
    known = _known(call, data, relations, "/data")
    changed = {
        name: data["meta"][name] for name in ("name", "description") if data["meta"].get(name) is not None
    }
    if any(other is not known and other["name"] == changed.get("name") for other in relations):
        raise ApiFault.conflict(
            f"The schema has a relationship {changed['name']!r} already.", pointer="/data/meta/name"
        )
    schema.hidden["relations"] = [one | changed if one is known else one for one in relations]
    call.store.changed()


def unrelate(call: Call) -> None:
    """Delete relationships of a schema, all or none."""
    schema, relations = _relations(call)
    gone = [_known(call, one, relations, f"/data/{n}") for n, one in enumerate(call.body["data"])]
    schema.hidden["relations"] = [one for one in relations if one not in gone]
    call.store.changed()


def _relations(call: Call) -> tuple[Record, list[Json]]:
    schema = call.store.get(SCHEMA, call.id)
    return schema, schema.hidden["relations"]


def _related_to(store: Store, item: Json, pointer: str) -> str:
    if item["type"] == SCHEMA:
        return store.get(SCHEMA, item["id"]).id
    if item["id"] != PROFILE:
        raise ApiFault.pointer(pointer, f"The id of the schema of profiles is {PROFILE!r}.")
    return PROFILE


def _known(call: Call, item: Json, relations: list[Json], pointer: str) -> Json:
    to, id_ = _related_to(call.store, item, f"{pointer}/id"), item["meta"]["relationship_id"]
    for one in relations:
        if (one["relationship_id"], one["to"]) == (id_, to):
            return one
    raise ApiFault.pointer(f"{pointer}/meta/relationship_id", f"No relationship to {to} has the id {id_}.")


HANDLERS: dict[str, Callable[[Call], Json | None]] = {
    "create_data_source": create_source,
    "create_data_source_record": create_record,
    "bulk_create_data_source_records": create_records,
    "get_object_record": get_object,
    "get_records_for_object_type": get_objects,
    "get_record_ids_for_object_type": get_objects,
    "get_ingestion_logs_for_object_type": get_logs,
    "get_ingestion_log_ids_for_object_type": get_logs,
    "bulk_delete_object_records": delete_objects,
    "create_object_type": create_type,
    "get_object_type": get_type,
    "delete_object_type": delete_type,
    "create_object_schema": create_schema,
    "get_object_schema": get_schema,
    "update_object_schema": update_schema,
    "update_source_mapping": update_mapping,
    **dict.fromkeys(
        (
            "get_object_type_relationships",
            "get_profile_type_relationships",
            "get_object_schema_relationships",
            "get_profile_schema_relationships",
        ),
        get_relations,
    ),
    **{
        f"{verb}_{kind}_schema_relationship": handler
        for kind in ("object", "profile")
        for verb, handler in (("create", relate), ("update", update_relation), ("delete", unrelate))
    },
}
