"""Right and wrong calls as a type checker sees them.

Never executed: test_typing.py hands this file to mypy and pyright.

A wrong call carries a `type: ignore`; where it is accepted after all, the checkers report the comment as unused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_type

import pandas as pd
from narwhals.typing import IntoDataFrame, IntoSeries

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.writeback import Result


def right_reads(client: KlaviyoClient) -> None:
    assert_type(client.tags.list(limit=3), pd.DataFrame)
    assert_type(
        client.profiles.list(filter=ka.F.created > "2026-01-01", sort="-created", workers=3), pd.DataFrame
    )
    assert_type(client.profiles.iter_frames(chunk_size=500), Iterator[pd.DataFrame])
    client.events.list(
        metric="Placed Order", sort="-datetime", limit=5, include=["profile"], fields=["datetime", "id"]
    )
    client.events.list(properties={"$value": "float64"}, fields={"event": ["datetime"], "profile": ["email"]})
    client.campaigns.list(sort="scheduled_at", include="tags", fields=["name", "send_time"])
    client.lists.profiles("ABC123", fields=["email"], sort="-joined_group_at", workers=2)
    client.flows.messages("ABC123", sort="created")
    client.coupon_codes.list(coupon="TEN", include=["coupon"])
    client.segments.get("ABC123", additional_fields=["profile_count"])


def right_rows(client: KlaviyoClient) -> None:
    tag = client.tags.get("ABC123")
    assert_type(tag["id"], str)
    assert_type(tag["name"], str | Any)
    assert_type(tag["tag_group_id"], str | Any)
    assert_type(tag["of another revision"], Any)
    segment = client.lists.find(name="Newsletter")
    assert_type(segment["created"], pd.Timestamp | Any)
    assert_type(segment.created, pd.Timestamp | Any)
    assert_type(client.profiles.find(email="ann@shop.example")["email"], str | Any)
    assert_type(client.catalog_items.find(external_id="TEA")["price"], float | Any)
    group = client.tags.group("ABC123")
    if group is not None:
        assert_type(group["exclusive"], bool | Any)
    client.lists.profiles(client.lists.find(name="Newsletter"))
    row: pd.Series[Any] = client.campaigns.get("ABC123")
    client.campaigns.messages(row)


def right_writes(client: KlaviyoClient, frame: pd.DataFrame, flag: bool) -> None:
    assert_type(client.tags.create(name="x", dry_run=True), pd.DataFrame)
    assert_type(client.tags.create(name="x")["name"], str | Any)
    client.tags.create(name="x", dry_run=flag)
    assert_type(client.tags.delete("ABC123", confirm=True, dry_run=True), pd.DataFrame)
    client.tags.tag_campaigns("ABC123", ["C1", "C2"])
    client.tags.tag_campaigns("ABC123", client.campaigns.list())
    client.lists.create(name="x", opt_in_process="single_opt_in")
    client.profiles.update("ABC123", first_name="Ann", unset="vip")
    assert_type(client.profiles.upsert(frame, key="email", properties="rest"), Result)
    assert_type(client.profiles.upsert(frame, dry_run=True), pd.DataFrame)
    assert_type(client.profiles.upsert(email="ann@shop.example", properties={"vip": True})["id"], str)
    client.profiles.plan_upsert([{"email": "ann@shop.example"}], lists=frame)
    client.lists.plan_add_profiles("ABC123", frame["email"])
    client.profiles.subscribe(["ann@shop.example"], list=client.lists.find(name="Newsletter"), confirm=True)
    client.campaigns.send(client.campaigns.get("ABC123"), confirm=True)


def right_frames_of_other_libraries(client: KlaviyoClient, people: IntoDataFrame, emails: IntoSeries) -> None:
    client.profiles.plan_upsert(people)
    client.profiles.plan_suppress(emails)


def right_filters() -> None:
    ka.F.email == "ann@shop.example"  # noqa: B015
    ka.F.messages.channel == "email"  # noqa: B015
    ka.F.not_known_yet.any(["a"])


def wrong_reads(client: KlaviyoClient) -> None:
    client.tags.list(workers=3)  # type: ignore[call-arg]
    client.accounts.list(filter="x")  # type: ignore[call-arg]
    client.tags.list(sort="nmae")  # type: ignore[arg-type]
    client.tags.list(include=["campaigns"])  # type: ignore[list-item]
    client.tags.list(fields=["nmae"])  # type: ignore[list-item]
    client.events.list(sort="dattime")  # type: ignore[arg-type]
    client.events.iter_frames(sort="dattime")  # type: ignore[arg-type]
    client.events.list(include=["profiles"])  # type: ignore[list-item]
    client.campaigns.list(sort="send_time")  # type: ignore[arg-type]
    client.campaigns.list(channel="mail")  # type: ignore[arg-type]
    client.flows.messages("ABC123", sort="status")  # type: ignore[arg-type]
    client.profiles.lists("ABC123", workers=2)  # type: ignore[call-arg]
    client.segments.get("ABC123", additional_fields=["profile_cont"])  # type: ignore[list-item]
    client.segments.find(nam="x")  # type: ignore[arg-type]
    client.segments.find(name=5)  # type: ignore[arg-type]
    client.catalog_items.find(name="x")  # type: ignore[call-arg]
    client.profile.list()  # type: ignore[attr-defined]


def wrong_writes(client: KlaviyoClient, frame: pd.DataFrame) -> None:
    client.tags.create(nmae="x")  # type: ignore[call-overload]
    client.tags.create()  # type: ignore[call-overload]
    client.campaigns.update("X", nme="x")  # type: ignore[call-arg]
    client.lists.create(name="x", opt_in_process="opt_in")  # type: ignore[call-overload]
    client.templates.render("X")  # type: ignore[call-overload]
    client.tags.delete("X", confirmed=True)  # type: ignore[call-overload]
    client.profiles.update("X", frst_name="Ann")  # type: ignore[call-overload]
    client.profiles.upsert(frame, keys="email")  # type: ignore[call-overload]
    client.profiles.upsert(email="ann@shop.example", key="id")  # type: ignore[call-overload]
    client.profiles.plan_upsert(5)  # type: ignore[arg-type]
    client.profiles.plan_upsert("people.csv")  # type: ignore[arg-type]
    client.profiles.subscribe(5, list="X")  # type: ignore[arg-type]
    client.events.create(metric="Scored", profile=7)  # type: ignore[arg-type]
    client.campaigns.send(7, confirm=True)  # type: ignore[arg-type]
    client.coupon_codes.list(coupon=7)  # type: ignore[arg-type]
