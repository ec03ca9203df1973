"""Campaigns as revision 2026-10-15 and later show them, made from the records that the older revisions show.

There a campaign has audiences and messages, and a message has variations; status and send time belong to the message.
The account keeps each campaign in the older form. A newer request reads it through `View`. Facts that the older form
has no place for stand in `hidden`; a second audience or variation is a record of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any

from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Record, Related

Json = dict[str, Any]
SINCE = "2026-10-15"
FACTS = "omnichannel"  # where a record hides what only the newer revisions show
AUDIENCE, VARIATION = "campaign-audience", "campaign-variation"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

STATUSES = {
    "Draft": "draft",
    "Scheduled": "scheduled",
    "Preparing to schedule": "scheduled",
    "Sent": "sent",
}  # what is not here and not cancelled is on its way
STRATEGIES = {
    "immediate": "static",
    "throttled": "throttled",
    "smart_send_time": "send_time_optimization",
    "ab_test_campaign": "content_variation",
}
SMART = "throttle-for-campaigns-and-flows"
EMAIL_DETAILS = (
    "from_label", "from_email", "reply_to_email", "cc_email", "bcc_email", "subject", "preview_text",
)  # fmt: skip
SMS_OPTIONS = ("shorten_links", "add_org_prefix", "add_info_link", "add_opt_out_language")


class View(Store):
    """The account with its campaigns in the newer form; writers use `base`, which is the account itself."""

    def __init__(self, store: Store) -> None:
        self.__dict__ = store.__dict__  # the same account, read in another way

    def records(self, type_: str) -> dict[str, Record]:
        """All records of a type by their ids."""
        build = BUILDERS.get(type_)
        if build is None:
            return super().records(type_)
        return self.derive((SINCE, type_), lambda: {each.id: each for each in build(self.base)})

    def find(self, type_: str, id_: str) -> Record | None:
        """Look up one resource of any type."""
        return self.records(type_).get(id_) if type_ in BUILDERS else super().find(type_, id_)

    def related(self, record: Record, name: str) -> list[str]:
        """Ids at the other end of a relationship."""
        if record.type not in BUILDERS:
            return super().related(record, name)
        value = record.relationships.get(name) or []
        return [value] if isinstance(value, str) else value


def derived_id(kind: str, id_: str) -> str:
    """Make the id of a campaign's first audience, or of a message's first variation."""
    number = int.from_bytes(blake2b(f"{kind} {id_}".encode(), digest_size=16).digest())
    return "01" + "".join(LETTERS[number >> (5 * place) & 31] for place in range(24))


def facts(record: Record) -> Json:
    """Return what a record hides for the newer revisions; the dict is the record's own."""
    known: Json = record.hidden.setdefault(FACTS, {})
    return known


def campaign_of(store: Store, message: Record) -> Record:
    """Return the campaign of a message."""
    return store.get("campaign", str(message.relationships["campaign"]))


def messages_of(store: Store, campaign: Record) -> list[Record]:
    """Return the messages of a campaign."""
    return list(store.find_all("campaign-message", store.related(campaign, "campaign-messages")))


def audience_ids(store: Store, campaign: Record) -> list[str]:
    """Return the ids of a campaign's audiences, the first of which the older revisions show."""
    first = [derived_id(AUDIENCE, campaign.id)] if has_audience(store, campaign) else []
    return [*first, *(each.id for each in _own(store, AUDIENCE, "campaign", campaign.id))]


def has_audience(store: Store, campaign: Record) -> bool:
    """Return whether a campaign has its first audience."""
    audiences = campaign.attributes["audiences"]
    if audiences.get("included") or audiences.get("excluded") or "audience" in facts(campaign):
        return True
    return any(not facts(each).get("audience") for each in messages_of(store, campaign))


def audience_id(store: Store, message: Record) -> str:
    """Return the id of the audience that a message is for."""
    own = facts(message).get("audience")
    if own and store.find(AUDIENCE, own):
        return str(own)
    return derived_id(AUDIENCE, str(message.relationships["campaign"]))


def audience_of(store: Store, campaign: Record, message: Record) -> Json:
    """Return whom a message is for: `included` and `excluded`, ids of lists and segments."""
    own = store.find(AUDIENCE, facts(message).get("audience", ""))
    audiences: Json = own.attributes["definition"] if own else campaign.attributes["audiences"]
    return audiences


def variation_ids(store: Store, message: Record) -> list[str]:
    """Return the ids of a message's variations; those of a test are the ids that reports name."""
    tested = list(message.hidden.get("variations") or ())
    first = [] if facts(message).get("empty") else [derived_id(VARIATION, message.id)]
    return [*(tested or first), *(each.id for each in _own(store, VARIATION, "campaign-message", message.id))]


def _own(store: Store, kind: str, link: str, id_: str) -> list[Record]:
    return [each for each in store.records(kind).values() if each.relationships.get(link) == id_]


def status_of(store: Store, message: Record) -> str:
    """Return the status of a message: its own, or that of its campaign in the newer words."""
    own = facts(message).get("status")
    if own:
        return str(own)
    status = campaign_of(store, message).attributes["status"]
    return "cancelled" if status.startswith("Cancelled") else STATUSES.get(status, "sending")


def _campaigns(store: Store) -> Iterator[Record]:
    for campaign in store.records("campaign").values():
        strategy = campaign.attributes.get("send_strategy") or {"method": "immediate"}
        options = strategy.get("options") or {}
        settings = {
            "send_timezone": store.account.timezone,
            "send_strategy": strategy["method"],
            "send_passed_rltz_immediately": bool(options.get("send_past_recipients_immediately")),
            "exit_condition_enabled": False,
            "exit_condition_conversion_metric_id": None,
        }
        known = facts(campaign)
        definition = {
            "name": campaign.attributes["name"],
            "builder": known.get("builder", "wizard"),
            "archived": campaign.attributes["archived"],
            "color": known.get("color"),
            "description": known.get("description"),
            "send_settings": settings | known.get("send_settings", {}),
        }
        attributes = {name: campaign.attributes[name] for name in ("created_at", "updated_at")}
        links: dict[str, Related] = {
            "tags": store.related(campaign, "tags"),
            "campaign-messages": store.related(campaign, "campaign-messages"),
            "campaign-audiences": audience_ids(store, campaign),
        }
        yield Record("campaign", campaign.id, attributes | {"definition": definition}, links)


def _messages(store: Store) -> Iterator[Record]:
    for message in store.records("campaign-message").values():
        campaign = campaign_of(store, message)
        known = facts(message)
        tracking = campaign.attributes.get("tracking_options") or {}
        definition = {
            "name": known.get("name")
            or message.attributes["definition"].get("label")
            or campaign.attributes["name"],
            "status": status_of(store, message),
            "tracking_options": {
                "is_add_utm": tracking.get("add_tracking_params"),
                "is_tracking_clicks": tracking.get("is_tracking_clicks"),
                "is_tracking_opens": tracking.get("is_tracking_opens"),
            }
            | known.get("tracking_options", {}),
            "send_options": send_options(campaign, message),
        }
        attributes = {
            "created": message.attributes["created_at"],
            "updated": message.attributes["updated_at"],
            "definition": definition,
        }
        links: dict[str, Related] = {
            "campaign": campaign.id,
            "campaign-audience": audience_id(store, message),
            "campaign-variations": variation_ids(store, message),
            "tags": store.related(campaign, "tags"),
            "template": message.relationships.get("template"),
            "image": message.relationships.get("image"),
        }
        yield Record("campaign-message", message.id, attributes, links)


def send_options(campaign: Record, message: Record) -> Json:
    """Return when and how a message is sent; a message scheduled alone has options of its own."""
    strategy = campaign.attributes.get("send_strategy") or {"method": "immediate"}
    method = strategy["method"]
    local = bool((strategy.get("options") or {}).get("is_local"))
    smart = (campaign.attributes.get("send_options") or {}).get("use_smart_sending")
    own: Json = dict(facts(message).get("send_options", {}))
    time = campaign.attributes.get("send_time")
    if campaign.attributes["status"] == "Draft":
        time = time or strategy.get("datetime")  # the time that is planned
    elif "status" not in facts(message):
        own.pop("send_time", None)  # it went out with its campaign
    return {
        "send_time": time,
        "send_times": None,
        "send_strategy": "local_timezone" if local else STRATEGIES.get(method, "static"),
        "recipient_percentage": strategy.get("throttle_percentage"),
        "throttling_type": SMART if smart else "none",
        "throttle_unit": "hour" if method == "throttled" else None,
        "is_ignoring_unsubscribes": False,
    } | own


OLDER_TRACKING = {"is_add_utm": "add_tracking_params"}


def older_strategy(campaign: Record, options: Json) -> Json:
    """Return the send strategy of the older form."""
    kind, time = options.get("send_strategy", "static"), options.get("send_time")
    if kind == "throttled" and time and options.get("recipient_percentage"):
        share = options["recipient_percentage"]
        return {"method": "throttled", "datetime": time, "throttle_percentage": share}
    if kind == "local_timezone" and time:
        passed = bool(facts(campaign).get("send_settings", {}).get("send_passed_rltz_immediately"))
        choice = {"is_local": True, "send_past_recipients_immediately": passed}
        return {"method": "static", "datetime": time, "options": choice}
    if kind == "static":
        return {"method": "static", "datetime": time} if time else {"method": "immediate"}
    known: Json = campaign.attributes["send_strategy"]  # the older form has no word for the others
    return known


def _audiences(store: Store) -> Iterator[Record]:
    for campaign in store.records("campaign").values():
        members: dict[str, list[str]] = {id_: [] for id_ in audience_ids(store, campaign)}
        for message in messages_of(store, campaign):
            members[audience_id(store, message)].append(message.id)
        for place, (id_, ids) in enumerate(members.items(), 1):
            own = store.find(AUDIENCE, id_)
            known = own.attributes if own else _first_audience(campaign)
            definition = {"name": f"Audience {place}", "priority": place} | known["definition"]
            links: dict[str, Related] = {"campaign": campaign.id, "campaign-messages": ids}
            yield Record(AUDIENCE, id_, known | {"definition": definition}, links)


def _first_audience(campaign: Record) -> Json:
    audiences = campaign.attributes["audiences"]
    groups = {name: list(audiences.get(name) or ()) for name in ("included", "excluded")}
    times = {"created": campaign.attributes["created_at"], "updated": campaign.attributes["updated_at"]}
    return times | {"definition": facts(campaign).get("audience", {}) | groups}


def _variations(store: Store) -> Iterator[Record]:
    for message in store.records("campaign-message").values():
        names = message.hidden.get("variations") or {}
        for place, id_ in enumerate(variation_ids(store, message), 1):
            own = store.find(VARIATION, id_)
            template = message.relationships.get("template")
            definition = {
                "name": names.get(id_) or facts(message).get("variation_name") or f"Variation {place}",
                "details": details(message, template if isinstance(template, str) else None),
            }
            attributes: Json = {
                "created": message.attributes["created_at"],
                "updated": message.attributes["updated_at"],
                "definition": definition,
            }
            image = None if own else message.relationships.get("image")
            if own:
                attributes = own.attributes | {"definition": definition | own.attributes["definition"]}
            links: dict[str, Related] = {"campaign-message": message.id, "image": image, "translation": None}
            yield Record(VARIATION, id_, attributes, links)


def details(message: Record, template: str | None) -> Json:
    """Return what a message says, in the form of its channel."""
    definition = message.attributes["definition"]
    content = definition.get("content") or {}
    more: Json = facts(message).get("details", {})
    if definition["channel"] == "email":
        shown: Json = {"template_id": template} | {name: content.get(name) or "" for name in EMAIL_DETAILS}
        return more | {"channel": "email"} | shown
    if definition["channel"] == "sms":
        options = definition.get("render_options") or {}
        kind = "MMS" if content.get("media_url") else "SMS"
        shown = {"template_id": None, "body": content.get("body") or "", "text_message_type": kind}
        chosen = {name: bool(options.get(name)) for name in SMS_OPTIONS}
        return {"include_contact_card": False} | more | {"channel": "sms"} | shown | chosen
    return _push_details(definition, content, more)


def _push_details(definition: Json, content: Json, more: Json) -> Json:
    options = definition.get("options") or {}
    badge, opening = options.get("badge") or {}, options.get("on_open") or {}
    badge_options = badge.get("badge_options") or {}
    return (
        {"open_action": 0, "badge_config": "increment-one", "badge_value": ""}
        | more
        | {
            "channel": "push",
            "title": content.get("title") or "",
            "body": content.get("body") or "",
            "badge": bool(badge.get("display")),
            **{f"badge_{name}": badge_options[key] for name, key in BADGE if key in badge_options},
            "sound": bool(options.get("play_sound")),
            "kv_pairs": definition.get("kv_pairs") or {},
            "push_type": definition.get("notification_type", "standard"),
            "ios_deep_link": opening.get("ios_deep_link"),
            "android_deep_link": opening.get("android_deep_link"),
        }
    )


BADGE = (("config", "badge_config"),)
BUILDERS: dict[str, Callable[[Store], Iterable[Record]]] = {
    "campaign": _campaigns,
    "campaign-message": _messages,
    AUDIENCE: _audiences,
    VARIATION: _variations,
}
