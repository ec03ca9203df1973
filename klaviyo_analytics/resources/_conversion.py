"""Which metric counts as a conversion, where a report or a summary needs one."""

from __future__ import annotations

import pandas as pd

from klaviyo_analytics.errors import NotFoundError, PermissionDeniedError
from klaviyo_analytics.resources._noun import Context, read_one
from klaviyo_analytics.resources.metrics import Metric, Metrics

USUAL = "Placed Order"


def conversion_metric(context: Context, metric: Metric | None = None) -> tuple[str, str]:
    """Give (id, name): of the metric named, else of the one that the account itself maps to revenue.

    An account that maps none, or maps a custom metric, which reports do not take, means "Placed Order".

    Raises
    ------
    NoMatchError, AmbiguousMatchError
        No metric has the name, or several have; the message names them.
    """
    metrics = Metrics(context)
    if metric is not None:
        return metrics.resolve(metric)
    if context.conversion is None:
        context.conversion = _mapped(context) or metrics.resolve(USUAL)
    return context.conversion


def _mapped(context: Context) -> tuple[str, str] | None:
    try:
        row = read_one(context, "get_mapped_metric", {"id": "revenue"}, include=["metric"])
    except (NotFoundError, PermissionDeniedError):
        return None
    id, name = row.get("metric_id"), row.get("metric.name")
    return None if pd.isna(id) else (str(id), str(id) if pd.isna(name) else str(name))
