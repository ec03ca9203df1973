"""Writing campaigns, audiences, messages and variations as revision 2026-10-15 takes them.

What is written lands in the records that the older revisions show, wherever these have a place for it.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from klaviyo_analytics.sandbox.app import campaigns, omnichannel
from klaviyo_analytics.sandbox.app.errors import ApiFault, to_text
from klaviyo_analytics.sandbox.app.omnichannel import AUDIENCE, VARIATION, View, derived_id, facts
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.store import GROUPS, Store, check_exist
from klaviyo_analytics.sandbox.app.writes import check_id, related_ids, remove, required_id, touch, ulid
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
ATTRIBUTES = "/data/attributes"
CHANNELS = {"email": "email", "sms": "sms", "push": "mobile_push"}


def create_campaign(call: Call) -> Json:
    """Create a draft with its audiences and messages."""
    store, data = call.store, call.body["data"]
    attributes, links = data["attributes"], dict(related_ids(data))
    check_exist(store, "tag", links.get("tags", []))
    name = _text(attributes["definition"].get("name"), f"{ATTRIBUTES}/definition/name")
    audiences = {each["temporary_id"]: each for each in attributes.get("audiences") or ()}
    messages = attributes.get("messages") or []
    for place, audience in enumerate(audiences.values()):
        check_groups(store, audience, f"{ATTRIBUTES}/audiences/{place}")
    for place, message in enumerate(messages):
        pointer = f"{ATTRIBUTES}/messages/{place}"
        if message["audience_temporary_id"] not in audiences:
            raise ApiFault.pointer(f"{pointer}/audience_temporary_id", "No audience of the body has this id.")
        for variation in message.get("variations") or ():
            _check_details(store, variation["definition"], pointer)
    campaign = campaigns.add_campaign(
        store, campaigns.CAMPAIGN_OPTIONS | {"name": name, "audiences": {}, "tracking_options": None}
    )
    campaign.relationships["tags"] = links.get("tags", [])
    _define(campaign, attributes["definition"])
    made = {id_: _add_audience(store, campaign, each) for id_, each in audiences.items()}
    for message in messages:
        definition: Json = {"name": message.get("name")}
        if message.get("is_add_utm") is not None:
            definition["tracking_options"] = {"is_add_utm": message["is_add_utm"]}
        if message.get("throttling_type"):
            kind = message["throttling_type"].lower().replace("_", "-")
            definition["send_options"] = {
                "throttling_type": kind if kind == "none" else f"throttle-{kind}",
            }
        _add_message(
            store,
            campaign,
            made[message["audience_temporary_id"]],
            definition,
            message.get("variations") or [],
        )
    return _answer(call, "campaign", campaign.id)


def update_campaign(call: Call) -> Json:
    """Change what the definition names; what has been sent may still be archived, coloured and described."""
    record, data = call.store.get("campaign", call.id), call.body["data"]
    check_id(call, data)
    definition = data["attributes"]["definition"]
    status = record.attributes["status"]
    if status != "Draft" and definition.keys() & {"name", "send_settings"}:
        raise ApiFault.bad_request(f"The campaign is {status}; only a Draft can be changed.")
    _define(record, definition)
    touch(call.store, record)
    return _answer(call, "campaign", record.id)


def _define(campaign: Record, definition: Json) -> None:
    for name in ("name", "archived"):
        if definition.get(name) is not None:
            campaign.attributes[name] = definition[name]
    known = facts(campaign)
    known |= {name: definition[name] for name in ("builder", "color", "description") if name in definition}
    settings = definition.get("send_settings") or {}
    known["send_settings"] = known.get("send_settings", {}) | settings


def clone_campaign(call: Call) -> Json:
    """Create a draft like another campaign, with audiences, messages and variations of its own."""
    store, data = call.store, call.body["data"]
    original = store.get("campaign", data["id"])
    name = (data.get("attributes") or {}).get("name") or f"Copy of {original.attributes['name']}"
    record = campaigns.copy_campaign(store, original, name)
    record.hidden[omnichannel.FACTS] = deepcopy(facts(original))
    made: dict[str, str] = {}
    for own in [
        each for each in store.records(AUDIENCE).values() if each.relationships["campaign"] == original.id
    ]:
        made[own.id] = _keep(store, AUDIENCE, own.attributes["definition"], {"campaign": record.id})
    copies = omnichannel.messages_of(store, record)
    for old, new in zip(omnichannel.messages_of(store, original), copies, strict=True):
        known = deepcopy(facts(old))
        known = {name: value for name, value in known.items() if name not in ("status", "send_options")}
        if known.get("audience"):
            known["audience"] = made[known["audience"]]
        new.hidden[omnichannel.FACTS] = known
        for own in [
            each
            for each in store.records(VARIATION).values()
            if each.relationships["campaign-message"] == old.id
        ]:
            _keep(store, VARIATION, own.attributes["definition"], {"campaign-message": new.id})
    store.changed()
    return _answer(call, "campaign", record.id)


def send_campaign(call: Call) -> Json:
    """Send the one message of a campaign; several are scheduled one by one."""
    campaign = call.store.get("campaign", call.body["data"]["id"])
    if len(omnichannel.messages_of(call.store, campaign)) > 1:
        raise ApiFault.bad_request("A campaign of several messages is sent by scheduling each of them.")
    return campaigns.send_campaign(call)


def delete_message(call: Call) -> None:
    """Delete a message that has not been sent."""
    message = call.store.get("campaign-message", call.id)
    check_draft(call.store, message)
    for own in [
        each
        for each in call.store.records(VARIATION).values()
        if each.relationships["campaign-message"] == message.id
    ]:
        call.store.remove(VARIATION, own.id)
    remove(call.store, message)


def create_message(call: Call) -> Json:
    """Add a message to a draft."""
    store, data = call.store, call.body["data"]
    campaign = store.get("campaign", required_id(data, "campaign"))
    if campaign.attributes["status"] != "Draft":
        raise ApiFault.bad_request(
            f"The campaign is {campaign.attributes['status']}; only a Draft can be changed."
        )
    audience = _audience_of(store, campaign, required_id(data, "campaign-audience"))
    variations = data["attributes"].get("variations") or []
    for place, variation in enumerate(variations):
        _check_details(store, variation["definition"], f"{ATTRIBUTES}/variations/{place}")
    definition = data["attributes"]["definition"]
    message = _add_message(store, campaign, audience, definition, variations)
    return _answer(call, "campaign-message", message.id)


def update_message(call: Call) -> Json:
    """Change what the definition of a draft's message names."""
    message, data = call.store.get("campaign-message", call.id), call.body["data"]
    check_id(call, data)
    check_draft(call.store, message)
    _define_message(call.store, message, (data.get("attributes") or {}).get("definition") or {})
    touch(call.store, message)
    return _answer(call, "campaign-message", message.id)


def clone_message(call: Call) -> Json:
    """Add a copy of a message to an audience."""
    store, data = call.store, call.body["data"]
    original = store.get("campaign-message", data["id"])
    view = View(store)
    audience = view.get(AUDIENCE, required_id(data, "campaign-audience"))
    campaign = store.get("campaign", view.related(audience, "campaign")[0])
    known = view.get("campaign-message", original.id).attributes["definition"]
    name = data["attributes"].get("name") or f"Copy of {known['name']}"
    variations = [
        {"definition": view.get(VARIATION, id_).attributes["definition"]}
        for id_ in omnichannel.variation_ids(store, original)
    ]
    definition = {"name": name, "tracking_options": known["tracking_options"]}
    message = _add_message(store, campaign, audience.id, definition, variations)
    return _answer(call, "campaign-message", message.id)


def _add_message(
    store: Store, campaign: Record, audience: str, definition: Json, variations: list[Json]
) -> Record:
    first = variations[0]["definition"] if variations else {}
    shown, links, more = _from_details(first.get("details") or {"channel": "email"})
    message = campaigns.add_message(store, campaign, shown, links)
    known = facts(message)
    known |= {"empty": not variations, "details": more, "variation_name": first.get("name")}
    if audience != derived_id(AUDIENCE, campaign.id):
        known["audience"] = audience
    _define_message(store, message, definition)
    for variation in variations[1:]:
        _keep(store, VARIATION, variation["definition"], {"campaign-message": message.id})
    store.changed()
    return message


def _define_message(store: Store, message: Record, definition: Json) -> None:
    known = facts(message)
    status = definition.get("status")
    if status and status != omnichannel.status_of(store, message):
        raise ApiFault.pointer(f"{ATTRIBUTES}/definition/status", "The status follows from schedules.")
    if definition.get("name"):
        known["name"] = definition["name"]
        if message.attributes["definition"]["channel"] == "email":
            message.attributes["definition"]["label"] = definition["name"]
    for part in ("tracking_options", "send_options"):
        if given := definition.get(part):
            both = known.get(part, {}) | given
            known[part] = {name: value for name, value in both.items() if value is not None}
    _carry(store, omnichannel.campaign_of(store, message))


def _carry(store: Store, campaign: Record) -> None:
    """Write what all messages of a draft have in common where the older revisions show it: on the campaign."""
    messages = omnichannel.messages_of(store, campaign)
    send, tracking = (
        [facts(message).get(part, {}) for message in messages]
        for part in ("send_options", "tracking_options")
    )
    if send and all(each == send[0] for each in send):
        campaign.attributes["send_strategy"] = omnichannel.older_strategy(campaign, send[0])
        if kind := send[0].get("throttling_type"):
            campaign.attributes["send_options"] = {"use_smart_sending": kind != "none"}
        for message in messages:
            message.attributes["send_times"] = campaigns.send_times(campaign)
    if tracking and tracking[0] and all(each == tracking[0] for each in tracking):
        older = {omnichannel.OLDER_TRACKING.get(name, name): value for name, value in tracking[0].items()}
        campaign.attributes["tracking_options"] = (campaign.attributes["tracking_options"] or {}) | older


def create_audience(call: Call) -> Json:
    """Add an audience to a draft, for some of its messages if they are named."""
    store, data = call.store, call.body["data"]
    links = dict(related_ids(data))
    campaign = store.get("campaign", required_id(data, "campaign"))
    definition = data["attributes"]["definition"]
    check_groups(store, definition, f"{ATTRIBUTES}/definition")
    messages = links.get("campaign-messages", [])
    for id_ in messages:
        if store.get("campaign-message", id_).relationships["campaign"] != campaign.id:
            raise ApiFault.pointer(
                "/data/relationships/campaign-messages", f"{id_} belongs to another campaign."
            )
    made = _add_audience(store, campaign, definition)
    for id_ in messages:
        facts(store.get("campaign-message", id_))["audience"] = made
    store.changed()
    return _answer(call, AUDIENCE, made)


def _add_audience(store: Store, campaign: Record, definition: Json) -> str:
    """Keep an audience; the first is the one that the older revisions show."""
    groups = {name: list(definition.get(name) or ()) for name in ("included", "excluded")}
    named = {name: definition[name] for name in ("name", "priority") if definition.get(name) is not None}
    if omnichannel.has_audience(store, campaign):
        return _keep(store, AUDIENCE, named | groups, {"campaign": campaign.id})
    campaign.attributes["audiences"] = groups
    facts(campaign)["audience"] = named
    store.changed()
    return derived_id(AUDIENCE, campaign.id)


def update_audience(call: Call) -> Json:
    """Change whom an audience holds, or what it is called."""
    store, data = call.store, call.body["data"]
    check_id(call, data)
    shown = View(store).get(AUDIENCE, call.id)
    campaign = store.get("campaign", str(shown.relationships["campaign"]))
    definition = {
        name: value
        for name, value in ((data.get("attributes") or {}).get("definition") or {}).items()
        if value is not None
    }
    check_groups(store, definition, f"{ATTRIBUTES}/definition")
    if own := store.find(AUDIENCE, call.id):
        own.attributes["definition"] |= definition
        own.attributes["updated"] = to_text(store.now())
    else:
        groups = {name: definition.pop(name) for name in ("included", "excluded") if name in definition}
        campaign.attributes["audiences"] |= groups
        facts(campaign)["audience"] = facts(campaign).get("audience", {}) | definition
    touch(store, campaign)
    return _answer(call, AUDIENCE, call.id)


def clone_audience(call: Call) -> Json:
    """Add a copy of an audience to its campaign or to another."""
    store, data = call.store, call.body["data"]
    original = View(store).get(AUDIENCE, data["id"])
    target = dict(related_ids(data)).get("campaign") or [str(original.relationships["campaign"])]
    definition = {**original.attributes["definition"]}
    definition["name"] = data["attributes"].get("name") or f"Copy of {definition['name']}"
    made = _add_audience(store, store.get("campaign", target[0]), definition)
    return _answer(call, AUDIENCE, made)


def delete_audience(call: Call) -> None:
    """Delete an audience that no message is for."""
    store = call.store
    shown = View(store).get(AUDIENCE, call.id)
    if shown.relationships["campaign-messages"]:
        raise ApiFault.bad_request("The audience has messages; delete or move them first.")
    if store.find(AUDIENCE, call.id):
        store.remove(AUDIENCE, call.id)
        return
    campaign = store.get("campaign", str(shown.relationships["campaign"]))
    facts(campaign).pop("audience", None)
    campaign.attributes["audiences"] = {"included": [], "excluded": []}
    touch(store, campaign)


def _audience_of(store: Store, campaign: Record, id_: str) -> str:
    if id_ not in omnichannel.audience_ids(store, campaign):
        pointer = "/data/relationships/campaign-audience/data"
        raise ApiFault.pointer(pointer, f"The campaign has no audience {id_}.")
    return id_


def check_groups(store: Store, definition: Json, pointer: str) -> None:
    """Refuse an audience of lists or segments that do not exist."""
    for side in ("included", "excluded"):
        for place, id_ in enumerate(definition.get(side) or ()):
            if not any(store.find(type_, id_) for type_ in GROUPS):
                raise ApiFault.pointer(f"{pointer}/{side}/{place}", f"No list or segment has the id {id_}.")


def create_variation(call: Call) -> Json:
    """Add a variation to a draft's message."""
    store, data = call.store, call.body["data"]
    message = store.get("campaign-message", required_id(data, "campaign-message"))
    check_draft(store, message)
    definition = data["attributes"]["definition"]
    _check_details(store, definition, ATTRIBUTES)
    if facts(message).get("empty"):
        facts(message)["empty"] = False
        _write_first(store, message, definition)
        return _answer(call, VARIATION, derived_id(VARIATION, message.id))
    _check_channel(message, definition)
    made = _keep(store, VARIATION, definition, {"campaign-message": message.id})
    return _answer(call, VARIATION, made)


def update_variation(call: Call) -> Json:
    """Change what a variation of a draft says."""
    store, data = call.store, call.body["data"]
    check_id(call, data)
    shown = View(store).get(VARIATION, call.id)
    message = store.get("campaign-message", str(shown.relationships["campaign-message"]))
    check_draft(store, message)
    given, old = data["attributes"]["definition"], shown.attributes["definition"]
    definition = old | given
    if given.get("details"):
        definition["details"] = old["details"] | given["details"]
    _check_details(store, definition, ATTRIBUTES)
    _check_channel(message, definition)
    if own := store.find(VARIATION, call.id):
        own.attributes |= {"definition": definition, "updated": to_text(store.now())}
    else:
        _write_first(store, message, definition)
    touch(store, message)
    return _answer(call, VARIATION, call.id)


def delete_variation(call: Call) -> None:
    """Delete a variation of a draft; the last one leaves a message without content."""
    store = call.store
    shown = View(store).get(VARIATION, call.id)
    message = store.get("campaign-message", str(shown.relationships["campaign-message"]))
    check_draft(store, message)
    if store.find(VARIATION, call.id):
        store.remove(VARIATION, call.id)
    elif call.id in (tested := message.hidden.get("variations") or {}):
        del tested[call.id]
        facts(message)["empty"] = not tested
    else:
        facts(message)["empty"] = True
    touch(store, message)


def _write_first(store: Store, message: Record, definition: Json) -> None:
    """Write the variation that the older revisions show as the message itself."""
    shown, links, more = _from_details(definition.get("details") or {"channel": "email"})
    label = message.attributes["definition"].get("label")
    named = {"label": label} if shown["channel"] == "email" else {}
    message.attributes["definition"] = campaigns.complete(store, named | shown)
    message.relationships |= links
    facts(message).update(details=more, variation_name=definition.get("name"))
    touch(store, message)


def _check_details(store: Store, definition: Json, pointer: str) -> None:
    details = definition.get("details") or {}
    if details.get("channel") == "whatsapp":
        raise ApiFault.pointer(f"{pointer}/definition/details/channel", "The account has no WhatsApp sender.")
    if details.get("template_id"):
        check_exist(store, "template", [details["template_id"]])


def _check_channel(message: Record, definition: Json) -> None:
    channel = message.attributes["definition"]["channel"]
    given = (definition.get("details") or {}).get("channel", "email")
    if CHANNELS[given] != channel:
        pointer = f"{ATTRIBUTES}/definition/details/channel"
        raise ApiFault.pointer(pointer, f"The message is of channel {channel}.")


def _from_details(details: Json) -> tuple[Json, dict[str, Related], Json]:
    """Return details as a definition of the older form, its template, and what that form has no place for."""
    channel = details.get("channel", "email")
    given = {name: value for name, value in details.items() if name not in ("channel", "template_id")}
    links: dict[str, Related] = {"template": details.get("template_id")}
    if channel == "email":
        return {"channel": "email", "content": given}, links, {}
    if channel == "sms":
        options = {name: given.pop(name) for name in omnichannel.SMS_OPTIONS if given.get(name) is not None}
        content = {"body": given.pop("body", None), "media_url": None}
        return {"channel": "sms", "content": content, "render_options": options}, links, given
    content = {"title": given.pop("title", None), "body": given.pop("body", None)}
    options = {
        "badge": {"display": bool(given.pop("badge", False))},
        "play_sound": bool(given.pop("sound", False)),
    }
    kind = given.pop("push_type", "standard")
    definition = {
        "channel": "mobile_push",
        "notification_type": kind,
        "content": content,
        "kv_pairs": given.pop("kv_pairs", None) or {},
        "options": options,
    }
    return definition, links, given


def check_draft(store: Store, message: Record) -> None:
    """Refuse to change a message that has left the state of a draft."""
    status = omnichannel.status_of(store, message)
    if status != "draft":
        raise ApiFault.bad_request(f"The message is {status}; only a draft can be changed.")


def _keep(store: Store, kind: str, definition: Json, links: dict[str, Related]) -> str:
    now = to_text(store.now())
    attributes = {"definition": deepcopy(definition), "created": now, "updated": now}
    return store.add(Record(kind, ulid(store, {}), attributes, links)).id


def _answer(call: Call, kind: str, id_: str) -> Json:
    """Answer a resource in the newer form."""
    call.store = View(call.store)
    return answer_one(call, call.store.get(kind, id_))


def _text(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ApiFault.pointer(pointer, "A name is required.")
    return value


HANDLERS = {
    "create_campaign": create_campaign,
    "update_campaign": update_campaign,
    "create_campaign_clone": clone_campaign,
    "send_campaign": send_campaign,
    "create_campaign_message": create_message,
    "update_campaign_message": update_message,
    "delete_campaign_message": delete_message,
    "clone_campaign_message": clone_message,
    "create_campaign_audience": create_audience,
    "update_campaign_audience": update_audience,
    "delete_campaign_audience": delete_audience,
    "clone_campaign_audience": clone_audience,
    "create_campaign_variation": create_variation,
    "update_campaign_variation": update_variation,
    "delete_campaign_variation": delete_variation,
}
