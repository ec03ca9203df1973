"""Accounts of unusual size: with nothing in them, and with five hundred metrics."""

from __future__ import annotations

import dataclasses
import string

from klaviyo_analytics.sandbox.model import Account, EventLog, Record
from klaviyo_analytics.sandbox.shop import build_account


def shop() -> Account:
    """Make a small ordinary one."""
    return build_account(seed=7, profiles=60, events=800, now=None, currencies=("USD",))


def empty() -> Account:
    """Make an account on its first day: no metric, no list, no campaign."""
    made = shop()
    log = made.events
    nothing = EventLog([], log.time[:0], log.metric[:0], log.profile[:0], log.value[:0], [], [], [], [])
    kept = {kind: records if kind == "account" else {} for kind, records in made.records.items()}
    return dataclasses.replace(made, records=kept, members={}, events=nothing)


def with_many_metrics(count: int = 500) -> Account:
    """Make one that five integrations send metrics to."""
    made = shop()
    metrics = made.records["metric"]
    pattern = next(iter(metrics.values()))
    for number in range(len(metrics), count):
        id = "".join(string.ascii_letters[number // 50**place % 50] for place in range(6))
        facts = dict(pattern.attributes, name=f"Custom event {number:03}")
        facts["integration"] = dict(
            facts["integration"], id=f"i{number % 5}", name=f"Integration {number % 5}"
        )
        metrics[id] = Record("metric", id, facts)
    return made
