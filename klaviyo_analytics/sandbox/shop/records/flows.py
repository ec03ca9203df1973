"""Flows, their actions and their messages as records."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR, MINUTE, Clock, iso
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric, metric_ids
from klaviyo_analytics.sandbox.shop.records.campaigns import SENDER, template_key
from klaviyo_analytics.sandbox.shop.story.flows import CART, THANKS, WINBACK, Flow, Step
from klaviyo_analytics.sandbox.shop.story.groups import NEWSLETTER, list_id
from klaviyo_analytics.sandbox.shop.story.plan import EMAIL, Message
from klaviyo_analytics.sandbox.shop.story.shelf import SHOP


def flow_records(names: Names, clock: Clock, flows: dict[str, Flow]) -> list[Record]:
    """Give every flow, its actions in order and its messages."""
    records = []
    for number, flow in enumerate(flows.values()):
        created, updated = iso(clock.start - 20 * DAY), iso(clock.start + (80 + 50 * number) * DAY)
        if flow.status == "draft":
            created = updated = iso(clock.now - 6 * DAY)
        actions = _actions(names, flow)
        attributes = {
            "name": flow.name,
            "status": flow.status,
            "archived": False,
            "created": created,
            "updated": updated,
            "trigger_type": _trigger_type(flow),
            "definition": _definition(names, flow, actions),
        }
        tags = ["retention" if flow.name in {THANKS, WINBACK} else "lifecycle", "CRM"]
        related = {"tags": [names.uuid("tag", tag) for tag in tags]}
        records.append(Record("flow", flow.id, attributes, {**related}))
        for action in actions:
            facts = {"created": created, "updated": updated, "definition": action}
            records.append(Record("flow-action", action["id"], facts, {"flow": flow.id}))
        for step in flow.steps:
            records.append(_message(names, flow, step, created, updated))
    return records


def trigger_of(names: Names, flow: Flow) -> tuple[str, str] | None:
    """Give the type and id of what sets a flow off."""
    if isinstance(flow.trigger, Metric):
        return "metric", metric_ids(names)[flow.trigger]
    return None if flow.trigger is None else ("list", list_id(names, NEWSLETTER))


def _trigger_type(flow: Flow) -> str:
    if flow.trigger is None:
        return "Unconfigured"
    return "Metric" if isinstance(flow.trigger, Metric) else "Added to List"


def _definition(names: Names, flow: Flow, actions: list[dict[str, Any]]) -> dict[str, Any]:
    trigger = trigger_of(names, flow)
    again = {"duration": 7 if flow.name == CART else 30, "unit": "day"}
    once = {"duration": 1, "unit": "alltime"}
    return {
        "triggers": [] if trigger is None else [{"type": trigger[0], "id": trigger[1]}],
        "profile_filter": _filter(names, flow),
        "actions": actions,
        "entry_action_id": actions[0]["id"],
        "reentry_criteria": again if isinstance(flow.trigger, Metric) else once,
    }


def _filter(names: Names, flow: Flow) -> dict[str, Any] | None:
    """Hold people back who have ordered since they entered."""
    if flow.name not in {CART, WINBACK}:
        return None
    condition = {
        "type": "profile-metric",
        "metric_id": metric_ids(names)[Metric.PLACED_ORDER],
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": "equals", "value": 0},
        "timeframe_filter": {"type": "date", "operator": "flow-start"},
        "metric_filters": None,
    }
    return {"condition_groups": [{"conditions": [condition]}]}


def _actions(names: Names, flow: Flow) -> list[dict[str, Any]]:
    """Chain delays and messages; each action names the next one."""
    actions: list[dict[str, Any]] = []
    waited = 0
    for step in flow.steps:
        actions.append(_delay(names, flow, step, step.delay - waited))
        actions.append(_send(names, flow, step))
        waited = step.delay
    for action, following in zip(actions, [*actions[1:], None], strict=True):
        action["links"] = {"next": following["id"] if following else None}
    return actions


def _delay(names: Names, flow: Flow, step: Step, seconds: int) -> dict[str, Any]:
    unit, size = (
        ("days", DAY)
        if seconds % DAY == 0
        else ("hours", HOUR)
        if seconds % HOUR == 0
        else ("minutes", MINUTE)
    )
    return {
        "id": names.digits("delay", flow.name, step.message.name),
        "type": "time-delay",
        "data": {"unit": unit, "value": seconds // size, "timezone": "profile"},
    }


def send_action_id(names: Names, flow: Flow, message: Message) -> str:
    """Give the id of the action that sends a message."""
    return names.digits("send", flow.name, message.name)


def _send(names: Names, flow: Flow, step: Step) -> dict[str, Any]:
    message = step.message
    return {
        "id": send_action_id(names, flow, message),
        "type": "send-email" if message.channel == EMAIL else "send-sms",
        "data": {"message": _content(names, message), "status": flow.status},
    }


def _content(names: Names, message: Message) -> dict[str, Any]:
    shared = {
        "id": message.id,
        "name": message.name,
        "smart_sending_enabled": True,
        "transactional": False,
        "add_tracking_params": True,
        "custom_tracking_params": None,
        "additional_filters": None,
    }
    if message.channel == EMAIL:
        return {
            "from_email": SENDER,
            "from_label": SHOP,
            "reply_to_email": None,
            "cc_email": None,
            "bcc_email": None,
            "subject_line": message.subject,
            "preview_text": "",
            "template_id": names.short(*template_key(message)),
            **shared,
        }
    return {
        "body": message.subject,
        "shorten_links": True,
        "add_org_prefix": True,
        "sms_quiet_hours_enabled": True,
        **shared,
    }


def _message(names: Names, flow: Flow, step: Step, created: str, updated: str) -> Record:
    message = step.message
    attributes = {
        "channel": message.channel,
        "created": created,
        "updated": updated,
        "definition": _content(names, message),
    }
    related = {
        "flow-action": send_action_id(names, flow, message),
        "template": names.short(*template_key(message)) if message.channel == EMAIL else None,
    }
    return Record("flow-message", message.id, attributes, {**related}, {"name": message.name})
