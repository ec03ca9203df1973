"""Consent of the past against what people have said since."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError
from tests.shops import Shop
from tests.writeback.test_consent import consent, people


def test_a_file_of_old_consent_has_to_be_confirmed(
    offline: KlaviyoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline._context, "known_account", pd.Series({"timezone": "UTC"}))
    frame = pd.DataFrame({"email": ["ann@mail.example.net"], "consented_at": ["2020-01-05T00:00:00Z"]})
    plan = offline.profiles.plan_subscribe(frame)
    with pytest.raises(
        ConfirmationRequiredError, match=r"unsubscribed since, or is suppressed.*compare=True"
    ):
        plan.apply()
    assert "subscribed again" in plan.summary()["confirm"]


def test_who_has_opted_out_is_named(shop: Shop) -> None:
    frame, profiles = people(shop, "optout", 4), shop.client.profiles
    profiles.plan_subscribe(frame, consented_at="2026-01-05").apply(confirm=True)
    profiles.plan_unsubscribe(frame.iloc[[1]], globally=True).apply(confirm=True)
    profiles.plan_suppress(frame.iloc[[3]]).apply(confirm=True)
    shouted = frame.assign(email=frame["email"].str.upper())
    plan = profiles.plan_subscribe(shouted, consented_at="2020-01-05", compare=True)
    notes = plan.preview()["note"]
    assert notes.isna().tolist() == [True, False, True, False]
    assert "unsubscribed from email on 20" in notes[1]
    assert "suppressed (USER_SUPPRESSED)" in notes[3]
    with pytest.raises(ConfirmationRequiredError, match="again 2 of the 4 profiles"):
        plan.apply()
    assert consent(shop, "optout1@mail.example.net")["consent"] == "UNSUBSCRIBED"


def test_where_nobody_has_opted_out_nothing_is_asked(shop: Shop) -> None:
    frame = people(shop, "willing", 2)
    plan = shop.client.profiles.plan_subscribe(frame, consented_at="2026-01-05", compare=True)
    assert plan.apply().rows["status"].tolist() == ["accepted", "accepted"]


def test_each_channel_looks_at_its_own_refusals(shop: Shop) -> None:
    frame = pd.DataFrame({"email": ["sms-no@mail.example.net"], "phone_number": ["+15005550021"]})
    profiles = shop.client.profiles
    profiles.upsert(frame)
    profiles.plan_subscribe(frame, channels=["email", "sms"]).apply(confirm=True)
    profiles.plan_unsubscribe(frame, channels="sms", globally=True).apply(confirm=True)
    given: dict[str, Any] = {"consented_at": "2020-01-05", "compare": True}
    assert profiles.plan_subscribe(frame, channels="email", **given).preview()["note"].isna().all()
    note = profiles.plan_subscribe(frame, channels=["email", "sms"], **given).preview()["note"].item()
    assert "unsubscribed from sms" in note


def test_who_left_the_list_itself_is_named(shop: Shop) -> None:
    frame, group = people(shop, "leaver", 1), shop.client.lists.create(name="Left once")
    profiles = shop.client.profiles
    profiles.plan_subscribe(frame, list=group, consented_at="2026-01-05").apply(confirm=True)
    profiles.plan_unsubscribe(frame, list=group).apply(confirm=True)
    plan = profiles.plan_subscribe(frame, list=group, consented_at="2020-01-05", compare=True)
    assert f"left the list {group['id']}" in plan.preview()["note"].item()
