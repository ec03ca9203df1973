"""Forms, which have a version for each that their definition holds."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.writes import new_record, number_id
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]


def create_form(call: Call) -> Json:
    """Create a form, and a version of it for each that the definition holds."""
    data, store = call.body["data"], call.store
    attributes = data["attributes"]
    definition = attributes["definition"]
    if not definition["versions"]:
        raise ApiFault.pointer("/data/attributes/definition/versions", "A form has at least one version.")
    versions = [version | {"id": int(number_id(store, {}))} for version in definition["versions"]]
    known = attributes | {"definition": definition | {"versions": versions}}
    form = new_record(store, data | {"attributes": known})
    times = {name: form.attributes[name] for name in ("created_at", "updated_at")}
    for version in versions:
        facts = {
            "form_type": version.get("type") or "popup",
            "variation_name": version.get("name") or attributes["name"],
            "status": version.get("status") or attributes["status"],
            "ab_test": {"variation_name": version.get("name") or attributes["name"]}
            if attributes["ab_test"]
            else None,
        }
        store.add(Record("form-version", str(version["id"]), facts | times, {"form": form.id}))
    return answer_one(call, form)


HANDLERS = {"create_form": create_form}
