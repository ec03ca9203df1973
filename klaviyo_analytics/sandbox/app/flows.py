"""Flows: created from a definition, whose temporary ids become ids, and changed by status or by action."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault, to_text
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.app.writes import check_id, number_id, remove, short_id, touch
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
DEFINITION = "/data/attributes/definition"
STATUSES = ("draft", "manual", "live")
TRIGGERS = {
    "list": "Added to List",
    "segment": "Added to List",
    "metric": "Metric",
    "date": "Date Based",
    "price-drop": "Price Drop",
    "low-inventory": "Low Inventory",
}
CHANNELS = {
    "send-email": "email",
    "send-sms": "sms",
    "send-mobile-push": "mobile_push",
    "send-whatsapp": "whatsapp",
}


def create_flow(call: Call) -> Json:
    """Create a flow as a draft, with its actions and their messages."""
    store, attributes = call.store, call.body["data"]["attributes"]
    definition = attributes["definition"]
    trigger = _trigger(store, definition["triggers"])
    _check_templates(store, definition["actions"])
    ids = _new_ids(store, definition["actions"])
    actions = [_with_ids(action, ids, f"{DEFINITION}/actions") for action in definition["actions"]]
    entry = _known(definition["entry_action_id"], ids, f"{DEFINITION}/entry_action_id")
    now = to_text(store.now())
    known = {
        "name": attributes["name"],
        "status": "draft",
        "archived": False,
        "trigger_type": TRIGGERS[trigger["type"]] if trigger else "Unconfigured",
        "definition": {"profile_filter": None, "reentry_criteria": None}
        | definition
        | {"actions": actions, "entry_action_id": entry},
        "created": now,
        "updated": now,
    }
    flow = store.add(Record("flow", short_id(store, {}), known, {"tags": []}))
    for action in actions:
        _add_action(store, flow, action, now)
    if trigger and trigger.get("id"):
        owner = store.get(trigger["type"], trigger["id"])
        owner.relationships["flow-triggers"] = [*store.related(owner, "flow-triggers"), flow.id]
    return answer_one(call, flow)


def _trigger(store: Store, triggers: list[Json]) -> Json | None:
    if len(triggers) > 1:
        raise ApiFault.pointer(f"{DEFINITION}/triggers", "A flow has one trigger.")
    for trigger in triggers:
        if trigger.get("id") and store.find(trigger["type"], trigger["id"]) is None:
            detail = f"A {trigger['type']} with id {trigger['id']} does not exist."
            raise ApiFault.pointer(f"{DEFINITION}/triggers/0/id", detail)
        return trigger
    return None


def _check_templates(store: Store, actions: list[Json]) -> None:
    for place, action in enumerate(actions):
        told = action.get("data")
        message = told.get("message") if isinstance(told, dict) else None
        template = message.get("template_id") if isinstance(message, dict) else None
        if template and store.find("template", template) is None:
            pointer = f"{DEFINITION}/actions/{place}/data/message/template_id"
            raise ApiFault.pointer(pointer, f"A template with id {template} does not exist.")


def _new_ids(store: Store, actions: list[Json]) -> dict[str, str]:
    """Assign every action an id for its temporary one."""
    ids: dict[str, str] = {}
    for place, action in enumerate(actions):
        pointer = f"{DEFINITION}/actions/{place}"
        if not action.get("temporary_id") or action.get("id"):
            raise ApiFault.pointer(pointer, "A new action has a temporary_id, and no id.")
        for temporary in _temporary_ids(action):
            if temporary in ids:
                raise ApiFault.pointer(f"{pointer}/temporary_id", f"{temporary!r} comes twice.")
            ids[temporary] = number_id(store, {})
    return ids


def _temporary_ids(value: Any) -> Iterator[str]:
    """Find the temporary ids of an action and of those inside it, which a test would try."""
    if isinstance(value, dict) and value.get("temporary_id"):
        yield value["temporary_id"]
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _temporary_ids(item)


def _with_ids(value: Any, ids: dict[str, str], pointer: str) -> Any:
    """Put ids where temporary ones are: in actions, and in the links between them."""
    if isinstance(value, list):
        return [_with_ids(item, ids, pointer) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _with_ids(item, ids, pointer) for name, item in value.items() if name != "links"}
    if "links" in value:
        changed["links"] = _with_known(value["links"], ids, pointer)
    if "temporary_id" in changed:
        changed = {"id": ids[changed.pop("temporary_id")]} | {k: v for k, v in changed.items() if k != "id"}
    return changed


def _with_known(links: Any, ids: dict[str, str], pointer: str) -> Any:
    if isinstance(links, dict):
        return {name: _with_known(link, ids, pointer) for name, link in links.items()}
    return (
        [_with_known(link, ids, pointer) for link in links]
        if isinstance(links, list)
        else _known(links, ids, pointer)
    )


def _known(temporary: str | None, ids: dict[str, str], pointer: str) -> str | None:
    if temporary is not None and temporary not in ids:
        raise ApiFault.pointer(pointer, f"No action has the temporary_id {temporary!r}.")
    return None if temporary is None else ids[temporary]


def _add_action(store: Store, flow: Record, action: Json, now: str) -> None:
    """Keep an action, which gets the status of a draft, and the message it sends."""
    times = {"created": now, "updated": now}
    store.add(Record("flow-action", action["id"], times | {"definition": action}, {"flow": flow.id}))
    data = action.get("data") or {}
    if action["type"] in CHANNELS and data.get("message"):
        data.setdefault("status", "draft")
        message = data["message"]
        message["id"] = short_id(store, {})
        message["name"] = message.get("name") or f"{flow.attributes['name']}: {CHANNELS[action['type']]}"
        known = times | {"channel": CHANNELS[action["type"]], "definition": message}
        links = {"flow-action": action["id"], "template": message.get("template_id")}
        store.add(Record("flow-message", message["id"], known, links, {"name": message["name"]}))


def update_flow(call: Call) -> Json:
    """Set the status of a flow and of all its actions."""
    store, data = call.store, call.body["data"]
    flow = store.get("flow", call.id)
    check_id(call, data)
    status = data["attributes"]["status"]
    if status not in STATUSES:
        raise ApiFault.pointer("/data/attributes/status", f"The status is one of {', '.join(STATUSES)}.")
    flow.attributes["status"] = status
    for id_ in store.related(flow, "flow-actions"):
        action = store.get("flow-action", id_)
        definition = action.attributes["definition"]
        if "status" in (definition.get("data") or {}):
            action.attributes["definition"] = definition | {"data": definition["data"] | {"status": status}}
            touch(store, action)
    _follow_actions(store, flow)
    touch(store, flow)
    return answer_one(call, flow)


def update_action(call: Call) -> Json:
    """Change an action, and the message it sends; its id and kind stay."""
    store, data = call.store, call.body["data"]
    action = store.get("flow-action", call.id)
    check_id(call, data)
    old, new = action.attributes["definition"], data["attributes"]["definition"]
    for name, known in (("id", action.id), ("type", old["type"])):
        if new.get(name) not in (None, known):
            raise ApiFault.pointer(f"{DEFINITION}/{name}", f"The {name} of this action is {known}.")
    action.attributes["definition"] = old | new | {"id": action.id}
    for id_ in store.related(action, "flow-messages"):
        message = store.get("flow-message", id_)
        said = (new.get("data") or {}).get("message") or {}
        message.attributes["definition"] = message.attributes["definition"] | said
        touch(store, message)
    for id_ in store.related(action, "flow"):
        _follow_actions(store, store.get("flow", id_))
    touch(store, action)
    return answer_one(call, action)


def _follow_actions(store: Store, flow: Record) -> None:
    """Update the flow's definition from its actions."""
    definition = flow.attributes.get("definition")
    if definition:
        records = (store.find("flow-action", action["id"]) for action in definition["actions"])
        actions = [record.attributes["definition"] for record in records if record]
        flow.attributes["definition"] = definition | {"actions": actions}


def delete_action(call: Call) -> None:
    """Delete an action with its message; what led to it leads to what follows it."""
    store = call.store
    action = store.get("flow-action", call.id)
    after = (action.attributes["definition"].get("links") or {}).get("next")
    flows = [store.get("flow", id_) for id_ in store.related(action, "flow")]
    for flow in flows:
        for id_ in store.related(flow, "flow-actions"):
            other = store.get("flow-action", id_)
            definition = other.attributes["definition"]
            if links := definition.get("links"):
                kept = _led_past(links, action.id, after)
                other.attributes["definition"] = definition | {"links": kept}
    remove(store, action)
    for flow in flows:
        definition = flow.attributes.get("definition")
        if definition and definition.get("entry_action_id") == action.id:
            flow.attributes["definition"] = definition | {"entry_action_id": after}
        _follow_actions(store, flow)
        touch(store, flow)


def _led_past(links: Any, gone: str, after: str | None) -> Any:
    if isinstance(links, dict):
        return {name: _led_past(link, gone, after) for name, link in links.items()}
    if isinstance(links, list):
        return [_led_past(link, gone, after) for link in links]
    return after if links == gone else links


HANDLERS = {
    "delete_flow_action": delete_action,
    "create_flow": create_flow,
    "update_flow": update_flow,
    "update_flow_action": update_action,
}
