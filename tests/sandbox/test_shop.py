"""The synthetic account as a whole: repeatable, exactly as large as asked for, and in order."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from klaviyo_analytics.sandbox.model import Account
from klaviyo_analytics.sandbox.shop import DEFAULT_NOW, build_account
from tests.sandbox.shopkeeping import DAY, shop


def _frozen(account: Account) -> str:
    """Everything in the account as text; NaN values alike."""
    log = account.events
    columns = [log.time, log.metric, log.profile, np.nan_to_num(log.value, nan=-1.0)]
    return repr(
        (
            {
                kind: [asdict(record) for record in records.values()]
                for kind, records in account.records.items()
            },
            account.members,
            [np.asarray(column).tolist() for column in columns],
            log.ids,
            log.properties,
            log.attribution,
            log.metric_ids,
            log.profile_ids,
        )
    )


def test_the_same_seed_gives_the_same_account() -> None:
    again = build_account(profiles=150, events=3000)
    assert _frozen(build_account(profiles=150, events=3000)) == _frozen(again)


def test_another_seed_gives_another_account() -> None:
    one, other = build_account(profiles=150, events=3000), build_account(seed=8, profiles=150, events=3000)
    assert not set(one.events.ids) & set(other.events.ids)
    assert one.events.time.tolist() != other.events.time.tolist()


@pytest.mark.parametrize(
    ("profiles", "events"),
    [(2000, 50_000), (300, 20_000), (40, 1), (40, 17), (1, 3000), (5000, 700), (700, 0), (0, 0), (1, 1)],
)
def test_there_are_exactly_as_many_profiles_and_events_as_asked_for(profiles: int, events: int) -> None:
    account = build_account(profiles=profiles, events=events)
    log = account.events
    assert len(account.records.get("profile", {})) == len(log.profile_ids) == profiles
    lengths = {len(column) for column in (log.ids, log.time, log.metric, log.profile, log.value)}
    assert lengths | {len(log.properties), len(log.attribution)} == {events}


def test_without_profiles_there_are_no_events_but_a_valid_account() -> None:
    account = build_account(profiles=0, events=500)
    assert not account.events.ids
    assert account.records["account"]
    assert account.records["metric"]
    assert all(not members for members in account.members.values())


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="profiles=-1"):
        build_account(profiles=-1)


def test_an_unknown_currency_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"XAU.*USD"):
        build_account(profiles=1, events=1, currencies=("XAU",))


def test_events_stand_in_order_of_time_within_four_hundred_days_before_now() -> None:
    log = shop().log
    assert (np.diff(log.time) >= 0).all()
    assert DEFAULT_NOW - 401 * DAY < log.time[0] < DEFAULT_NOW - 390 * DAY
    assert DEFAULT_NOW - DAY < log.time[-1] <= DEFAULT_NOW
    assert (np.diff(log.time) == 0).any(), "ties are part of life"


def test_now_moves_the_whole_history() -> None:
    early = build_account(profiles=60, events=900, now=DEFAULT_NOW - 200 * DAY)
    assert early.now == DEFAULT_NOW - 200 * DAY
    assert early.events.time[-1] <= early.now
    assert early.events.time[0] > early.now - 401 * DAY


def test_ids_are_unique_and_look_like_klaviyos() -> None:
    one = shop()
    log = one.log
    assert len(set(log.ids)) == len(log.ids)
    assert len(set(log.profile_ids)) == len(log.profile_ids)
    assert all(re.fullmatch(r"[0-9A-Za-z]{11}", key) for key in log.ids[:500])
    assert all(re.fullmatch(r"0[0-9A-HJKMNP-TV-Z]{25}", key) for key in log.profile_ids[:500])
    credits_ = [credit.id for credit in log.attribution if credit]
    assert len(set(credits_)) == len(credits_)
    assert log.profile_ids == list(one.records["profile"])


def test_a_metrics_event_ids_are_unique() -> None:
    log = shop().log
    told = [(int(metric), one["$event_id"]) for metric, one in zip(log.metric, log.properties, strict=True)]
    assert len(set(told)) == len(told)


def test_a_value_is_told_in_the_properties_too() -> None:
    log = shop().log
    for value, one in zip(log.value.tolist(), log.properties, strict=True):
        assert one.get("$value", value) == value or np.isnan(value)
        assert ("$value" in one) == (not np.isnan(value))


def test_several_currencies_are_told_with_every_amount() -> None:
    account = build_account(profiles=800, events=20_000, currencies=("USD", "EUR", "JPY"))
    paid = [one for one in account.events.properties if "$value" in one]
    keys = ("$currency_code", "$value_currency", "$currency")

    def code(one: dict[str, Any]) -> Any:
        (known,) = [one[key] for key in keys if key in one] or [None]
        return known

    assert {code(one) for one in paid} == {"USD", "EUR", "JPY"}
    assert all(one["$value"] == int(one["$value"]) for one in paid if code(one) == "JPY")
    assert {code(one) for one in shop().log.properties} == {"USD", None}
