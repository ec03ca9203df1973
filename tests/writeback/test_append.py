"""What is added to the lists of a profile, taken out of them, and removed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, FrameError, InvalidInputError
from tests.shops import Shop

EMAILS = ["list0@mail.example.net", "list1@mail.example.net", "list2@mail.example.net"]


def frame(*skus: Any) -> pd.DataFrame:
    return pd.DataFrame({"email": EMAILS[: len(skus)], "skus": pd.Series(list(skus), dtype=object)})


def properties(shop: Shop) -> list[Any]:
    found = shop.client.profiles.list(filter=f'any(email,["{EMAILS[0]}","{EMAILS[1]}","{EMAILS[2]}"])')
    return list(found.sort_values("email")["properties"])


@pytest.fixture(autouse=True)
def _lists(shop: Shop) -> None:
    """Give three people the same list."""
    people = frame(*[["a", "b", "c"]] * 3).assign(vip=True)
    shop.client.profiles.upsert(people, properties="rest", unset="tags", confirm=True)


def test_values_are_taken_out_of_lists(shop: Shop) -> None:
    result = shop.client.profiles.upsert(frame("a", ["a", "c"], None), properties=["skus"], unappend="skus")
    assert result.rows["status"].tolist() == ["updated", "updated", "not sent"]
    kept = [
        {"skus": ["b", "c"], "vip": True},
        {"skus": ["b"], "vip": True},
        {"skus": ["a", "b", "c"], "vip": True},
    ]
    assert properties(shop) == kept


def test_what_is_taken_out_can_be_read_back(shop: Shop) -> None:
    plan = shop.client.profiles.plan_upsert(frame("a", "x", "c"), properties="rest", unappend="skus")
    assert plan.apply(verify=True).rows["status"].tolist() == ["updated"] * 3
    shop.sandbox.faults.add(
        method="POST", path="/api/profile-import", status=202, body={"data": {"type": "profile", "id": "x"}}
    )
    plan = shop.client.profiles.plan_upsert(frame("b"), properties="rest", unappend="skus")
    failure = plan.apply(verify=True).failures["detail"].item()
    assert failure == "it differs when it is read back: properties.skus is ['b', 'c']"


def test_what_is_not_there_need_not_be_taken_out(shop: Shop) -> None:
    plan = shop.client.profiles.plan_upsert(frame("a", "x"), properties="rest", unappend="skus", compare=True)
    assert plan.preview()["note"].tolist() == [
        "properties.skus: - 'a'",
        "the account has it already",
    ]
    assert plan.apply().rows["status"].tolist() == ["updated", "unchanged"]


def test_a_plan_shows_what_a_list_gains_and_not_an_overwrite(shop: Shop) -> None:
    plan = shop.client.profiles.plan_upsert(
        frame(["d", 1]), properties="rest", append="skus", unset="old", compare=True
    )
    shown = plan.preview().iloc[0]
    assert shown["note"] == "properties.skus: + 'd', 1"
    assert shown["fields"] == "email, properties.skus, properties.old"


def test_one_list_grows_while_another_shrinks(shop: Shop) -> None:
    both = frame("a").assign(tags="new")
    shop.client.profiles.upsert(both, properties="rest", unappend="skus", append="tags")
    assert properties(shop)[0] == {"skus": ["b", "c"], "tags": ["new"], "vip": True}


@pytest.mark.parametrize("way", ["append", "unappend"])
def test_one_whose_answer_was_lost_is_not_repeated(shop: Shop, way: str) -> None:
    fault = shop.sandbox.faults.add(method="POST", path="/api/profile-import", times=1, drop="after")
    change: dict[str, Any] = {way: "skus"}
    plan = shop.client.profiles.plan_upsert(frame("b"), properties="rest", **change)
    assert plan.requests == 1
    result = plan.apply()
    assert fault.hits == 1
    assert result.failures["detail"].item().startswith("the answer was lost")
    assert properties(shop)[0]["skus"] == (["a", "b", "c", "b"] if way == "append" else ["a", "c"])


def test_properties_are_removed_once_that_is_confirmed(shop: Shop) -> None:
    plan = shop.client.profiles.plan_upsert(frame("a", "b", "c")[["email"]], unset=["vip", "skus"])
    with pytest.raises(ConfirmationRequiredError, match="removes vip, skus from 3 profiles"):
        plan.apply()
    assert plan.apply(confirm=True, verify=True).failures.empty
    assert properties(shop) == [{}, {}, {}]


@pytest.mark.parametrize("value", [{"a": 1}, ["a", ["b"]], ["a", None]])
@pytest.mark.parametrize("way", ["append", "unappend"])
def test_what_a_list_of_a_profile_cannot_hold_is_a_problem(
    offline: KlaviyoClient, way: str, value: Any
) -> None:
    change: dict[str, Any] = {way: "skus"}
    plan = offline.profiles.plan_upsert(frame(value), properties="rest", **change)
    assert f"{way}= takes texts, numbers, booleans or a list" in plan.problems["problem"].item()


@pytest.mark.parametrize(
    ("given", "error", "why"),
    [
        (
            {"append": "score"},
            FrameError,
            "append='score' is not a property of this frame; available are skus",
        ),
        ({"unappend": "email"}, FrameError, "unappend='email' is not a property"),
        ({"append": "skus", "unappend": "skus"}, InvalidInputError, "one request cannot do both"),
        ({"unset": "skus"}, InvalidInputError, "cannot be written and removed at once"),
    ],
)
def test_what_contradicts_itself_is_refused(
    offline: KlaviyoClient, given: dict[str, Any], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        offline.profiles.plan_upsert(frame("a"), properties="rest", **given)
