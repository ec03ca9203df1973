"""An attribution names the event that earned it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.model import Attribution
from tests.sandbox import accounts
from tests.sandbox.accounts import ANNA, BO, HOUR, NOW, OPENED, PLACED, RECEIVED
from tests.sandbox.api import Api

SENT = NOW - 24 * HOUR
MINE = {"$message": "MSG1"}


def touch_of(*before: tuple[int, str, str, dict[str, Any]], campaign: str = "01CAMP") -> str | None:
    """Return the time of the event that earned the credit of Anna's order, given what came before it."""
    rows: list[Any] = [(time, metric, who, None, properties) for time, metric, who, properties in before]
    log = accounts.events([*rows, (NOW - HOUR, PLACED, ANNA, 20.0, {})])
    credit = Attribution("attr", "email", "MSG1", SENT, campaign=campaign)
    log.attribution[:] = [
        credit if log.metric_ids[metric] == PLACED else None for metric in log.metric.tolist()
    ]
    account = accounts.small_account(log)
    for id_, name in ((OPENED, "Opened Email"), (RECEIVED, "Received Email")):
        metric = account.records["metric"][id_]
        account.records["metric"][id_] = replace(metric, attributes={**metric.attributes, "name": name})
    with Sandbox(account=account) as sandbox:
        event = Api(sandbox).get(
            "/api/events", include="attributions", filter=f'equals(metric_id,"{PLACED}")'
        )
    (found,) = event.json["included"]
    assert found["relationships"]["event"]["data"]["id"] == event.ids[0]
    attributed = found["relationships"].get("attributed-event", {}).get("data")
    if attributed is None:
        return None
    assert attributed["type"] == "event"
    return accounts.iso(int(log.time[log.ids.index(attributed["id"])]))


@pytest.mark.parametrize("message", ["MSG1", "01CAMP"])
def test_it_is_the_last_open_of_the_message_before_the_order(message: str) -> None:
    """Some accounts name the campaign as an event's message."""
    mine = {"$message": message}
    last = SENT + 3 * HOUR
    assert touch_of(
        (SENT, RECEIVED, ANNA, mine), (SENT + HOUR, OPENED, ANNA, mine), (last, OPENED, ANNA, mine)
    ) == accounts.iso(last)


def test_another_person_another_message_and_a_machine_earn_nothing() -> None:
    received = (SENT, RECEIVED, ANNA, MINE)
    assert touch_of(
        received,
        (SENT + HOUR, OPENED, BO, MINE),
        (SENT + HOUR, OPENED, ANNA, {"$message": "MSG2"}),
        (SENT + HOUR, OPENED, ANNA, MINE | {"Client Type": "Proxy"}),
    ) == accounts.iso(SENT)


def test_what_came_after_the_order_earned_nothing() -> None:
    assert touch_of((NOW - 60, OPENED, ANNA, MINE)) is None
