"""Events that would be lost, or would make what nobody wanted: told before they are sent."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, InvalidInputError
from tests.shops import Shop

EMAILS = ["news0@mail.example.net", "news1@mail.example.net"]
TIME = pd.Timestamp("2026-01-05", tz="UTC")


def scored(**more: Any) -> pd.DataFrame:
    return pd.DataFrame({"email": EMAILS, "score": [4, 5], **more})


def notes(client: KlaviyoClient, frame: pd.DataFrame) -> pd.Series[Any]:
    return client.events.plan_create(frame, metric="Scored", properties=["score"]).preview()["note"]


def test_what_has_no_time_counts_once_for_ever_and_says_so(offline: KlaviyoClient) -> None:
    assert notes(offline, scored()).str.contains("once for ever: give a time column, or unique_id").all()
    assert notes(offline, scored(time=TIME)).isna().all()
    assert notes(offline, scored(unique_id=["a", None])).notna().tolist() == [False, True]


def test_the_result_says_so_too(shop: Shop) -> None:
    result = shop.client.events.create_many(scored(), metric="Scored tonight", properties=["score"])
    assert result.rows["note"].str.contains("once for ever").all()


def test_one_unique_id_of_two_events_is_called_that(offline: KlaviyoClient) -> None:
    frame = scored(time=TIME, unique_id="x").assign(email=EMAILS[0])
    plan = offline.events.plan_create(frame, metric="Scored", properties="rest")
    first, second = plan.problems["problem"]
    assert "its unique_id comes again in later rows" in first
    assert "its unique_id is that of row 0, too" in second
    assert "content" not in first + second
    kept = offline.events.plan_create(frame, metric="Scored", properties="rest", on_duplicate="first")
    assert "row 0 has the same unique_id" in kept.preview()["note"][1]


@pytest.mark.parametrize("metric", [5, None, ("a", "b", "c"), ("Scored", 5), pd.Series({"id": "x"})])
def test_what_names_no_metric_is_refused(offline: KlaviyoClient, metric: Any) -> None:
    for verb in (offline.events.plan_create, offline.events.create_many):
        with pytest.raises(InvalidInputError, match=r"pass a name, \(name, service\), or a row"):
            verb(scored(time=TIME), metric=metric, properties="rest")


@pytest.mark.parametrize(
    ("slip", "known"),
    [
        ("placed order", "Placed Order"),
        ("Placed Order ", "Placed Order"),
        ("Placed Orders", "Placed Order"),
        ("Checkout Started", "Checkout Started"),
    ],
    ids=["case", "space", "s", "api"],
)
def test_a_metric_that_may_be_a_slip_is_not_made_without_a_word(shop: Shop, slip: str, known: str) -> None:
    frame = scored(time=TIME)
    shop.client._context.metrics = None
    with pytest.raises(ConfirmationRequiredError, match=rf"new metric .* beside '{known}' \(Shopify\)"):
        shop.client.events.create_many(frame, metric=slip, properties="rest")
    plan = shop.client.events.plan_create(frame, metric=slip, properties="rest", compare=True)
    assert plan.preview()["note"].str.contains("is new, and is made for good").all()
    assert "new metric" in plan.summary()["confirm"]


def test_names_that_differ_in_a_number_are_two_on_purpose(shop: Shop) -> None:
    for metric in ("Fair 2025", "Fair 2026"):
        result = shop.client.events.create_many(scored(time=TIME), metric=metric, properties="rest")
        assert (result.rows["status"] == "accepted").all()


def test_a_metric_that_is_there_is_written_to(shop: Shop) -> None:
    shop.client.metrics.known()
    frame = scored(time=TIME)
    assert shop.client.events.create_many(frame, metric="Tasted", properties="rest").failures.empty
    plan = shop.client.events.plan_create(frame, metric="Tasted", properties="rest", compare=True)
    assert plan.preview()["note"].isna().all()
    shop.client.events.create_many(frame, metric="TASTED", properties="rest", confirm=True)
    again = shop.client.events.plan_create(frame, metric="TASTED", properties="rest")
    assert again.summary()["confirm"] == ""


def test_who_may_not_read_metrics_may_still_write_events(shop: Shop) -> None:
    shop.client._context.metrics = None
    shop.sandbox.faults.add(method="GET", path="/api/metrics", times=None, status=403)
    frame = scored(time=TIME)
    assert shop.client.events.create_many(frame, metric="Unread", properties="rest").failures.empty
