"""Whether events make a new metric, and beside which: no API call deletes one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError

OWN = "API"  # where events come from that name no service
ALIKE = 0.9


class KnownMetrics(Protocol):
    """What reads the account's metrics: as they were read before, or anew."""

    def __call__(self, *, refresh: bool = False) -> pd.DataFrame:
        """Give a frame with name and integration.name."""
        ...


def named_metric(metric: Any) -> dict[str, str]:
    """Write a metric as events name it.

    Raises
    ------
    InvalidInputError
        It is neither a name, nor (name, service).
    """
    name, service = metric if isinstance(metric, tuple) and len(metric) == 2 else (metric, None)
    if not isinstance(name, str) or not (service is None or isinstance(service, str)):
        raise InvalidInputError(
            f"metric={metric!r}: give a name, (name, service), or a row of client.metrics.list()."
        )
    if not 0 < len(name) < 128:
        raise InvalidInputError(f"metric={metric!r}: a metric's name has 1 to 127 characters.")
    return {"name": name, **({"service": service} if service else {})}


def new_beside(metric: Mapping[str, str], known: KnownMetrics) -> list[str] | None:
    """Name the metrics that a new one could be mistaken for; None if it is there already."""
    wanted = (metric["name"], metric.get("service", OWN))
    there = _pairs(known())
    if wanted not in there:
        there = _pairs(known(refresh=True))  # it may be younger than the list that was read
    if wanted in there:
        return None
    return [f"{name!r} ({service})" for name, service in there if _alike(name, wanted[0])]


def to_make(metric: Mapping[str, str], beside: list[str]) -> str:
    """Ask before a metric is made that may be a slip."""
    return (
        f"This makes a new metric {metric['name']!r} ({metric.get('service', OWN)}), which cannot be deleted, beside "
        f"{', '.join(beside)}."
    )


def _pairs(metrics: pd.DataFrame) -> list[tuple[str, str]]:
    services = metrics["integration.name"].fillna(OWN).astype(str)
    return [*zip(metrics["name"].fillna("").astype(str), services, strict=True)]


def _alike(one: str, other: str) -> bool:
    first, second = (re.sub(r"[\W_]+", "", name.casefold()) for name in (one, other))
    if re.sub(r"\d", "", first) == re.sub(
        r"\d", "", second
    ):  # "Sale 2025" and "Sale 2026" are two on purpose
        return first == second
    return difflib.SequenceMatcher(None, first, second).ratio() >= ALIKE
