"""What a new definition is refused for: things that do not exist, and conditions that the sandbox cannot judge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.app.special.segments.consents import is_filter
from klaviyo_analytics.sandbox.app.special.segments.countries import COUNTRIES
from klaviyo_analytics.sandbox.app.special.segments.distance import centre_of
from klaviyo_analytics.sandbox.app.store import GROUPS, Store

Json = dict[str, Any]
DEFINITION = "/data/attributes/definition"


def check_definition(store: Store, definition: Json) -> None:
    """Refuse a definition with a condition of which nobody could say whom it holds for."""
    for number, group in enumerate(definition["condition_groups"]):
        for place, condition in enumerate(group["conditions"]):
            pointer = f"{DEFINITION}/condition_groups/{number}/conditions/{place}"
            _check_existence(store, condition, pointer)
            _check_kind(store, condition, pointer)
            for path, wanted in _filters(condition, pointer):
                _check_filter(wanted, path)


def _check_existence(store: Store, condition: Json, pointer: str) -> None:
    for place, asked in _with_metrics(condition, pointer):
        metric = asked["metric_id"]
        if store.find("metric", metric) is None:
            raise ApiFault.pointer(f"{place}/metric_id", f"A metric with id {metric} does not exist.")
    for id_ in condition.get("group_ids", ()):
        if not any(store.find(type_, id_) for type_ in GROUPS):
            raise ApiFault.pointer(f"{pointer}/group_ids", f"No list or segment has the id {id_}.")
    if condition["type"] == "profile-has-custom-object":  # the account has none, and cannot get any
        id_ = condition["object_type_id"]
        raise ApiFault.pointer(f"{pointer}/object_type_id", f"An object type with id {id_} does not exist.")


def _with_metrics(condition: Json, pointer: str) -> Iterator[tuple[str, Json]]:
    if "metric_id" in condition:
        yield pointer, condition
    for number, step in enumerate(condition.get("steps", ())):
        yield f"{pointer}/steps/{number}", step


def _check_kind(store: Store, condition: Json, pointer: str) -> None:
    kind = condition["type"]
    if kind == "profile-postal-code-distance" and centre_of(store, condition) is None:
        _unknown(
            f"{pointer}/postal_code", "It knows the places of postal codes that profiles have, no others."
        )
    if kind == "profile-predictive-analytics" and condition["dimension"] == "predicted_gender":
        _unknown(f"{pointer}/dimension", "It predicts nobody's gender.")
    if condition.get("measurement") == "rank":
        _unknown(
            f"{pointer}/measurement", "It knows the order of a profile's channels, not how high each is."
        )
    if kind == "profile-marketing-consent":
        _check_consent(condition["consent"], f"{pointer}/consent/consent_status/filters")
    if kind == "profile-metric-funnel":
        steps = condition["steps"]
        if not steps:
            raise ApiFault.pointer(f"{pointer}/steps", "A funnel has at least one step.")
        if not steps[0]["metric_exists"]:
            _unknown(
                f"{pointer}/steps/0/metric_exists", "It looks for funnels that begin with something done."
            )


def _check_consent(wanted: Json, pointer: str) -> None:
    filters = wanted["consent_status"].get("filters") or []
    if not isinstance(filters, list):
        raise ApiFault.pointer(pointer, f"Expected array, not {filters!r}.")
    for number, one in enumerate(filters):
        if isinstance(one, dict) and one.get("field") == "is_rcs_capable":
            _unknown(f"{pointer}/{number}/field", "It does not know whose phone takes RCS.")
        if not is_filter(one):
            raise ApiFault.pointer(f"{pointer}/{number}", f"{one!r} is not a filter of a consent.")


def _filters(value: Any, pointer: str) -> Iterator[tuple[str, Json]]:
    """Find everything in a condition that looks like a filter, with its place."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _filters(item, f"{pointer}/{number}")
    elif isinstance(value, dict):
        if "operator" in value:
            yield pointer, value
        for name, item in value.items():
            yield from _filters(item, f"{pointer}/{name}")


def _check_filter(wanted: Json, pointer: str) -> None:
    name = str(wanted.get("operator"))
    if name in ("regex", "nregex"):
        try:
            re.compile(wanted["value"] or "")
        except re.error as error:
            raise ApiFault.pointer(f"{pointer}/value", f"Not a regular expression: {error}.") from None
    if name.startswith("phone-country-code"):
        for number, code in enumerate(wanted["value"]):
            if code.upper() not in COUNTRIES:
                _unknown(
                    f"{pointer}/value/{number}", f"It knows no calling code of {code}; ISO codes like US."
                )


def _unknown(pointer: str, detail: str) -> NoReturn:
    """Say that Klaviyo could, and the sandbox cannot: better than a segment that is empty for no reason."""
    problem = Problem("not_implemented", f"The sandbox does not judge this. {detail}", {"pointer": pointer})
    raise ApiFault(501, [problem])
