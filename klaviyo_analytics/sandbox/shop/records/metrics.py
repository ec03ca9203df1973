"""Metrics, custom metrics and mapped metrics as records."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, iso
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import ORIGIN, Metric, metric_ids


def metric_records(names: Names, start: int, now: int) -> list[Record]:
    """Give the metrics, the two custom metrics and the mapped metrics."""
    ids = metric_ids(names)
    records = []
    for metric in Metric:
        name, origin = ORIGIN[metric]
        created = start - (90 - metric) * DAY
        attributes = {
            "name": name,
            "created": iso(created),
            "updated": iso(min(created + 200 * DAY, now)),
            "integration": None if origin is None else _integration(names, *origin),
        }
        records.append(Record("metric", ids[metric], attributes, {"flow-triggers": []}))
    return records + _custom(names, ids, start) + _mapped(ids, start)


def _integration(names: Names, name: str, category: str) -> dict[str, Any]:
    key = name.lower().replace(" ", "-")
    return {
        "object": "integration",
        "id": names.short("integration", name),
        "key": key,
        "name": name,
        "category": category,
        "image_url": f"https://www.klaviyo.com/media/images/integrations/{key}.png",
    }


def _custom(names: Names, ids: list[str], start: int) -> list[Record]:
    made = iso(start + 40 * DAY)
    large = {
        "property": "$value",
        "filter": {"type": "numeric", "operator": "greater-than-or-equal", "value": 150},
    }
    plans: list[tuple[str, str, list[tuple[Metric, list[dict[str, Any]] | None, str | None]]]] = [
        ("All revenue", "value", [(Metric.PLACED_ORDER, None, "$value"), (Metric.POS_ORDER, None, "$value")]),
        ("Large orders", "count", [(Metric.PLACED_ORDER, [large], None)]),
    ]
    records = []
    for name, method, groups in plans:
        definition = {
            "aggregation_method": method,
            "metric_groups": [
                {"metric_id": ids[metric], "metric_filters": filters, "value_property": value}
                for metric, filters, value in groups
            ],
        }
        attributes = {"name": name, "created": made, "updated": made, "definition": definition}
        related = {"metrics": [ids[metric] for metric, _, _ in groups]}
        records.append(Record("custom-metric", names.uuid("custom-metric", name), attributes, {**related}))
    return records


def _mapped(ids: list[str], start: int) -> list[Record]:
    targets: dict[str, Metric | None] = {
        "revenue": Metric.PLACED_ORDER,
        "ordered_product": Metric.ORDERED_PRODUCT,
        "started_checkout": Metric.STARTED_CHECKOUT,
        "added_to_cart": None,
        "viewed_product": Metric.VIEWED_PRODUCT,
        "refunded_sales": Metric.REFUNDED_ORDER,
        "cancelled_sales": Metric.CANCELLED_ORDER,
    }
    return [
        Record(
            "mapped-metric",
            key,
            {"updated": iso(start - 30 * DAY)},
            {"metric": None if target is None else ids[target], "custom-metric": None},
        )
        for key, target in targets.items()
    ]
