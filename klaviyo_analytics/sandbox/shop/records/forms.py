"""Sign-up forms and their versions as records."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, iso
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.story.forms import FORMS, FormPlan


def form_records(names: Names, start: int) -> list[Record]:
    """Give the forms and their versions."""
    records = []
    for number, plan in enumerate(FORMS):
        form = names.short("form", plan.name)
        made, changed = iso(start - (20 - number) * DAY), iso(start + (60 + 31 * number) * DAY)
        versions = [names.digits("form-version", plan.name, version) for version in plan.versions]
        tested = len(plan.versions) > 1
        attributes = {
            "name": plan.name,
            "status": plan.status,
            "ab_test": tested,
            "definition": {"versions": [_definition(plan, int(version)) for version in versions]},
            "created_at": made,
            "updated_at": changed,
        }
        records.append(Record("form", form, attributes, {"form-versions": list(versions)}))
        for version, variation in zip(versions, plan.versions, strict=True):
            about: dict[str, Any] = {
                "form_type": plan.kind,
                "variation_name": variation,
                "status": plan.status,
                "created_at": made,
                "updated_at": changed,
            }
            if tested:
                about["ab_test"] = {"variation_name": variation}
            records.append(Record("form-version", version, about, {"form": form}))
    return records


def _definition(plan: FormPlan, version: int) -> dict[str, Any]:
    email = {
        "id": f"{version}3",
        "type": "email",
        "properties": {
            "display_device": ["both"],
            "label": "Email",
            "show_label": True,
            "placeholder": "you@…",
            "required": True,
            "error_messages": {"required": "We need this one", "invalid": "That is no address"},
            "property_name": "$email",
        },
    }
    button = {
        "id": f"{version}4",
        "type": "button",
        "properties": {"display_device": ["both"], "label": "Sign me up"},
        "action": {"id": f"{version}5", "type": "close", "submit": True, "properties": {"list_id": None}},
    }
    column = {"id": f"{version}2", "rows": [{"id": f"{version}1", "blocks": [email, button]}]}
    return {
        "id": version,
        "name": plan.name,
        "type": plan.kind,
        "status": plan.status,
        "ab_test": len(plan.versions) > 1,
        "steps": [{"id": f"{version}0", "name": "Opt-in", "columns": [column]}],
        "triggers": [{"id": f"{version}6", "type": "exit_intent"}] if plan.kind == "popup" else [],
    }
