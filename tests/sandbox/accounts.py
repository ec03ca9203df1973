"""A small account, written by hand, in which every number can be counted on the fingers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from klaviyo_analytics.sandbox.model import Account, Attribution, EventLog, Record, Related

NOW = int(datetime(2026, 1, 20, 12, tzinfo=UTC).timestamp())
HOUR, DAY = 3600, 86_400

PLACED, OPENED, RECEIVED = "PLACED", "OPENED", "RCEIVD"
ANNA, BO, CY = "01ANNA", "01BO", "01CY"


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def record(type_: str, id_: str, attributes: dict[str, Any], **relationships: Related) -> Record:
    return Record(
        type_, id_, attributes, {name.replace("_", "-"): ids for name, ids in relationships.items()}
    )


def profile(id_: str, number: int, **attributes: Any) -> Record:
    known: dict[str, Any] = {
        "email": f"{id_.lower()[2:]}@shop.example",
        "phone_number": None,
        "external_id": f"customer-{number}",
        "first_name": id_[2:].title(),
        "last_name": None,
        "organization": None,
        "locale": "en-US",
        "title": None,
        "image": None,
        "created": iso(NOW - (100 - number) * DAY),
        "updated": iso(NOW - number * HOUR),
        "last_event_date": None,
        "location": {"city": "Oslo", "country": "Norway", "latitude": 59.9},
        "properties": {"tier": number},
        "subscriptions": {"email": {"marketing": _consent()}},
        "predictive_analytics": {"historic_clv": 10.0 * number},
    }
    return Record("profile", id_, known | attributes)


def _consent() -> dict[str, Any]:
    return {
        "can_receive_email_marketing": True,
        "consent": "SUBSCRIBED",
        "consent_timestamp": None,
        "last_updated": None,
        "method": None,
        "method_detail": None,
        "custom_method_detail": None,
        "double_optin": None,
        "suppression": [],
        "list_suppressions": [],
    }


def events(rows: list[tuple[int, str, str | None, float | None, dict[str, Any]]]) -> EventLog:
    """A log from (time, metric, profile, value, properties)."""
    rows = sorted(rows, key=lambda row: row[0])
    metrics = [PLACED, OPENED, RECEIVED]
    people = [ANNA, BO, CY]
    return EventLog(
        ids=[f"ev{number:06d}" for number in range(len(rows))],
        time=np.array([row[0] for row in rows], dtype=np.int64),
        metric=np.array([metrics.index(row[1]) for row in rows], dtype=np.int32),
        profile=np.array([people.index(row[2]) if row[2] else -1 for row in rows], dtype=np.int32),
        value=np.array([np.nan if row[3] is None else row[3] for row in rows], dtype=np.float64),
        properties=[row[4] for row in rows],
        attribution=[
            Attribution(f"attr{number}", "email", "MSG1", row[0] - HOUR, campaign="01CAMP")
            if row[1] == PLACED and number % 2 == 0
            else None
            for number, row in enumerate(rows)
        ],
        metric_ids=metrics,
        profile_ids=people,
    )


def some_events(count: int = 12) -> EventLog:
    """Events a day apart, three at each moment, so that every time ties."""
    rows: list[tuple[int, str, str | None, float | None, dict[str, Any]]] = []
    for number in range(count):
        time = NOW - (count // 3 - number // 3) * DAY
        metric = (PLACED, OPENED, RECEIVED)[number % 3]
        person = (ANNA, BO, CY, None)[number % 4]
        value = 10.0 + number if metric == PLACED else None
        rows.append((time, metric, person, value, {"$event_id": f"k{number}", "List": f"L{number % 2}"}))
    return events(rows)


def small_account(log: EventLog | None = None) -> Account:
    resources = [
        record("account", "ACC123", _account()),
        profile(ANNA, 1),
        profile(BO, 2, email="bo+list@shop.example", phone_number="+4712345678"),
        profile(CY, 3, email=None, properties={}),
        *[record("list", f"LIST{n:02d}", _list(n), tags=["tag-1"] if n == 1 else []) for n in range(1, 24)],
        record("segment", "SEGM01", _segment("Engaged", active=True), tags=[]),
        record("segment", "SEGM02", _segment("Lapsed", active=False), tags=[]),
        record("tag", "tag-1", {"name": "winter"}, tag_group="group-1"),
        record("tag-group", "group-1", {"name": "Default", "exclusive": False, "default": True}),
        *[record("metric", id_, _metric(name, kind)) for id_, name, kind in METRICS],
        record("campaign", "01CAMP", _campaign('Spring "sale" 🌱', "Sent"), tags=["tag-1"]),
        record("campaign", "01TEXT", _campaign("Text", "Draft"), tags=[]),
        record("campaign-message", "MSG1", _message("email"), campaign="01CAMP", template="TPL1"),
        record("campaign-message", "MSG2", _message("sms"), campaign="01TEXT", template=None),
        record("template", "TPL1", _template()),
        record("flow", "FLOW01", _flow("Welcome", "live"), tags=[]),
        record("flow-action", "1001", _action(), flow="FLOW01"),
        record(
            "flow-message",
            "FMSG01",
            {"channel": "email", "created": iso(NOW), "updated": iso(NOW)},
            flow_action="1001",
        ),
        record("coupon", "TEN", {"external_id": "TEN", "description": "Ten percent"}),
        record(
            "coupon-code", "TEN-A1", {"unique_code": "A1", "status": "UNASSIGNED"}, coupon="TEN", profile=ANNA
        ),
    ]
    records: dict[str, dict[str, Record]] = {}
    for resource in resources:
        records.setdefault(resource.type, {})[resource.id] = resource
    members = {"LIST01": {ANNA: NOW - 3 * DAY, BO: NOW - DAY, CY: NOW - DAY}, "SEGM01": {BO: NOW - 2 * DAY}}
    return Account(NOW, "America/New_York", records, members, log or some_events())


METRICS = [
    (PLACED, "Placed Order", "eCommerce"),
    (OPENED, "Opened Email", "Internal"),
    (RECEIVED, "Received Email", "Internal"),
]


def _account() -> dict[str, Any]:
    return {
        "test_account": True,
        "contact_information": {
            "default_sender_name": "Shop",
            "default_sender_email": "hello@shop.example",
            "website_url": "https://shop.example",
            "organization_name": "Shop",
            "street_address": {"address1": None, "city": "Oslo"},
        },
        "industry": None,
        "timezone": "America/New_York",
        "preferred_currency": "USD",
        "public_api_key": "ACC123",
        "locale": "en-US",
    }


def _list(number: int) -> dict[str, Any]:
    created = iso(NOW - (30 - number) * DAY)
    name = "Newsletter" if number == 1 else f"List {number}"
    return {"name": name, "created": created, "updated": created, "opt_in_process": "single_opt_in"}


def _segment(name: str, *, active: bool) -> dict[str, Any]:
    return {
        "name": name,
        "definition": None,
        "created": iso(NOW - 9 * DAY),
        "updated": iso(NOW - 9 * DAY),
        "is_active": active,
        "is_processing": False,
        "is_starred": False,
    }


def _metric(name: str, category: str) -> dict[str, Any]:
    integration = {"object": "integration", "id": category[:6], "name": category, "category": category}
    return {
        "name": name,
        "created": iso(NOW - 90 * DAY),
        "updated": iso(NOW - DAY),
        "integration": integration,
    }


def _campaign(name: str, status: str) -> dict[str, Any]:
    return {
        "name": name,
        "status": status,
        "archived": False,
        "audiences": {"included": ["LIST01"], "excluded": []},
        "send_options": {"use_smart_sending": True},
        "tracking_options": {"is_tracking_clicks": True, "is_tracking_opens": True},
        "send_strategy": {"method": "immediate"},
        "created_at": iso(NOW - 5 * DAY),
        "scheduled_at": None,
        "updated_at": iso(NOW - 4 * DAY),
        "send_time": iso(NOW - 4 * DAY),
    }


def _message(channel: str) -> dict[str, Any]:
    content = {"subject": "Hi", "preview_text": None} if channel == "email" else {"body": "Hi"}
    definition = {"channel": channel, "content": content}
    return {"definition": definition, "send_times": [], "created_at": iso(NOW), "updated_at": iso(NOW)}


def _template() -> dict[str, Any]:
    html = "<p>Hello {{ first_name }}</p>"
    text = {"html": html, "text": None, "amp": None}
    return {"name": "Hello", "editor_type": "CODE", **text, "created": iso(NOW), "updated": iso(NOW)}


def _flow(name: str, status: str) -> dict[str, Any]:
    return {
        "name": name,
        "status": status,
        "archived": False,
        "created": iso(NOW - 50 * DAY),
        "updated": iso(NOW - 40 * DAY),
        "trigger_type": "Added to List",
        "definition": None,
    }


def _action() -> dict[str, Any]:
    definition = {"id": "1001", "type": "send-email", "data": {"status": "live"}}
    return {"created": iso(NOW), "updated": iso(NOW), "definition": definition}
