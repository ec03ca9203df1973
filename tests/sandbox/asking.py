"""Reports of the small account, as little as is required unless the test says more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.sandbox.accounts import PLACED
from tests.sandbox.api import Api, Reply

KINDS = [
    "campaign-values",
    "flow-values",
    "flow-series",
    "form-values",
    "form-series",
    "segment-values",
    "segment-series",
]
STATISTIC = {"campaign": "opens", "flow": "opens", "form": "submits", "segment": "total_members"}


def ask(api: Api, kind: str, /, without: str = "", parameters: Any = None, **attributes: Any) -> Reply:
    subject, shape = kind.split("-")
    known: dict[str, Any] = {"statistics": [STATISTIC[subject]], "timeframe": {"key": "last_30_days"}}
    if subject in ("campaign", "flow"):
        known["conversion_metric_id"] = PLACED
    if shape == "series":
        known["interval"] = "daily"
    known |= attributes
    known.pop(without, None)
    body = {"data": {"type": f"{kind}-report", "attributes": known}}
    return api.post(f"/api/{kind}-reports", body, **(parameters or {}))


def frame(start: str, end: str) -> dict[str, str]:
    return {"start": start, "end": end}


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
