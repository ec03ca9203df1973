"""Reports on the small account with a few events, written and counted by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.model import Attribution, EventLog
from tests.sandbox.accounts import PLACED, events, small_account
from tests.sandbox.api import Api

NEW_YORK = ZoneInfo("America/New_York")
FLOW = {"$message": "FMSG01", "$flow": "FLOW01"}


def at(text: str) -> int:
    """Seconds of a time in New York, or of one with an offset of its own."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=NEW_YORK)).timestamp())


def log_of(rows: list[Any], credits_: dict[int, Attribution] | None = None) -> EventLog:
    """A log of (time, metric, profile, value, properties); `credits_` goes by the time of the order."""
    log = events([(at(time), *rest) for time, *rest in rows])
    log.attribution = [(credits_ or {}).get(time) for time in log.time.tolist()]
    return log


def ask(log: EventLog, kind: str, start: str, end: str, **attributes: Any) -> Any:
    """The attributes of a report on the small account with these events."""
    known: dict[str, Any] = {
        "statistics": ["delivered", "opens", "opens_unique", "conversions", "conversion_value"],
        "timeframe": {"start": start, "end": end},
        "conversion_metric_id": PLACED,
    }
    sandbox = Sandbox(account=small_account(log))
    try:
        body = {"data": {"type": f"{kind}-report", "attributes": known | attributes}}
        reply = Api(sandbox).post(f"/api/{kind}-reports", body)
    finally:
        sandbox.close()
    assert reply.status == 200, reply.body
    return reply.json["data"]["attributes"]


def numbers(log: EventLog, kind: str, start: str, end: str, **attributes: Any) -> list[list[Any]]:
    """The statistics of each row."""
    results = ask(log, kind, start, end, **attributes)["results"]
    return [list(row["statistics"].values()) for row in results]
