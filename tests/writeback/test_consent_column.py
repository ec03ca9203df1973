"""What a frame says of consent: a row that says no is never subscribed, whatever its column is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import FrameError, InvalidInputError
from tests.shops import Shop
from tests.writeback.test_consent import consent

OWN = "subscriptions.email.marketing.consent"
NO: list[Any] = [
    "UNSUBSCRIBED", "NEVER_SUBSCRIBED", "never subscribed", "Unsubscribed ", "FALSE", "no", "N",
    False, np.False_, 0, 0.0,
]  # fmt: skip
YES: list[Any] = ["SUBSCRIBED", "subscribed", "TRUE", "yes", "Y", True, np.True_, 1, 1.0]


def export(run: str, *said: Any) -> pd.DataFrame:
    emails = [f"{run}{number}@mail.example.net" for number in range(len(said))]
    return pd.DataFrame({"Mail": emails, "Opt": pd.Series(said, dtype=object), "When": "2026-01-05"})


@pytest.mark.parametrize("no", NO, ids=repr)
@pytest.mark.parametrize("dated", [True, False])
def test_a_row_that_says_no_is_never_subscribed(shop: Shop, no: Any, dated: bool) -> None:
    run = f"no{NO.index(no)}-{type(no).__name__}-{dated}".lower()
    frame = export(run, no, "SUBSCRIBED")
    shop.client.profiles.upsert(frame[["Mail"]], columns={"Mail": "email"})
    columns = {"Mail": "email", "Opt": "consent", **({"When": "consented_at"} if dated else {})}
    plan = shop.client.profiles.plan_subscribe(frame, columns=columns)
    rows = plan.apply(confirm=True).rows
    assert rows["status"].tolist() == ["not sent", "accepted"]
    assert "the person has not agreed" in rows["detail"][0]
    assert consent(shop, frame["Mail"][0])["consent"] == "NEVER_SUBSCRIBED"
    assert consent(shop, frame["Mail"][1])["consent"] == "SUBSCRIBED"
    assert plan.summary()["not_agreed"] == 1
    assert plan.summary()["to_send"] == 1
    assert plan.preview()["action"][0] == "not sent"
    assert "Opt is" in plan.preview()["note"][0]
    assert "1 not agreed" in repr(plan)


@pytest.mark.parametrize("yes", YES, ids=repr)
def test_a_row_that_says_yes_goes(offline: KlaviyoClient, yes: Any) -> None:
    plan = offline.profiles.plan_subscribe(export("yes", yes), columns={"Mail": "email", "Opt": "consent"})
    assert plan.summary()["to_send"] == 1


@pytest.mark.parametrize("odd", ["maybe", None, np.nan, "", 2, "pending"])
def test_a_row_that_says_neither_is_a_problem(offline: KlaviyoClient, odd: Any) -> None:
    plan = offline.profiles.plan_subscribe(export("odd", odd), columns={"Mail": "email", "Opt": "consent"})
    assert plan.problems["problem"].str.startswith("Opt: ").all()
    assert plan.requests == 0


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([False, True], dtype="boolean"),
        pd.Series(["UNSUBSCRIBED", "SUBSCRIBED"], dtype="category"),
        pd.Series([0, 1], dtype="Int8"),
        pd.Series([0.0, 1.0], dtype="float32"),
    ],
    ids=lambda series: str(series.dtype),
)
def test_the_dtype_of_the_column_does_not_matter(offline: KlaviyoClient, series: Any) -> None:
    frame = pd.DataFrame({"email": ["a@mail.example.net", "b@mail.example.net"], "consent": series})
    assert offline.profiles.plan_subscribe(frame).preview()["action"].tolist() == ["not sent", "subscribe"]


def test_frames_of_other_libraries_are_believed_too(offline: KlaviyoClient) -> None:
    frame = pl.DataFrame(
        {"email": ["a@mail.example.net", "b@mail.example.net"], "consent": ["UNSUBSCRIBED", "SUBSCRIBED"]}
    )
    assert offline.profiles.plan_subscribe(frame).preview()["action"].tolist() == ["not sent", "subscribe"]


def test_a_frame_that_was_read_is_believed_without_being_told(shop: Shop) -> None:
    own = shop.client.profiles.list(fields=["email", "subscriptions"]).dropna(subset=["email"])
    assert {"SUBSCRIBED"} < set(own[OWN].dropna())
    said_no = own[own[OWN] != "SUBSCRIBED"]
    plan = shop.client.profiles.plan_subscribe(own, consented_at="2024-01-01")
    assert plan.summary()["not_agreed"] >= len(said_no)
    assert (plan.preview().loc[said_no.index, "action"] == "not sent").all()


def test_of_several_channels_a_no_to_one_keeps_the_row_back(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame(
        {
            "email": ["a@mail.example.net"],
            "phone_number": ["+15005550006"],
            OWN: ["SUBSCRIBED"],
            "subscriptions.sms.marketing.consent": ["UNSUBSCRIBED"],
        }
    )
    assert offline.profiles.plan_subscribe(frame, channels="email").summary()["to_send"] == 1
    assert offline.profiles.plan_subscribe(frame, channels=["email", "sms"]).summary()["to_send"] == 0


def test_suppressed_people_of_a_frame_are_kept_back(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame(
        {
            "email": ["a@mail.example.net", "b@mail.example.net"],
            OWN: "SUBSCRIBED",
            "subscriptions.email.marketing.suppression": [[{"reason": "HARD_BOUNCE"}], []],
        }
    )
    plan = offline.profiles.plan_subscribe(frame)
    assert plan.preview()["action"].tolist() == ["not sent", "subscribe"]
    assert "suppressed" in plan.preview()["note"][0]


@pytest.mark.parametrize("rule", ["first", "last", "error"])
def test_a_person_with_a_yes_and_a_no_is_not_subscribed(offline: KlaviyoClient, rule: Any) -> None:
    for said in (["SUBSCRIBED", "UNSUBSCRIBED"], ["UNSUBSCRIBED", "SUBSCRIBED"]):
        frame = pd.DataFrame({"email": ["A@mail.example.net", "a@mail.example.net"], "consent": said})
        assert offline.profiles.plan_subscribe(frame, on_duplicate=rule).requests == 0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Status", ["UNSUBSCRIBED", "SUBSCRIBED"]),
        ("Email Marketing Consent", ["NEVER_SUBSCRIBED", "SUBSCRIBED"]),
        ("Opted in", [False, True]),
        ("opt_out", ["yes", "no"]),
        ("Accepts Marketing", ["no", "yes"]),
    ],
)
def test_a_column_that_looks_like_consent_is_not_passed_over(
    offline: KlaviyoClient, name: str, values: list[Any]
) -> None:
    frame = pd.DataFrame({"email": ["a@mail.example.net", "b@mail.example.net"], name: values})
    with pytest.raises(FrameError, match=f"the column '{name}' looks as if it says who agreed"):
        offline.profiles.plan_subscribe(frame)
    assert offline.profiles.plan_subscribe(frame.drop(columns=name)).summary()["to_send"] == 2


def test_columns_that_are_not_sent_are_listed(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame({"email": ["a@mail.example.net"], "score": [1], "note": ["x"]})
    for plan in (offline.profiles.plan_subscribe(frame), offline.profiles.plan_suppress(frame)):
        assert plan.summary()["unused_columns"] == "score, note"
        assert "not sent: score, note" in plan._repr_html_()


@pytest.mark.parametrize("name", ["consentedat", "Consented At", "consented-at"])
def test_a_date_of_consent_under_a_similar_name_is_not_dropped(offline: KlaviyoClient, name: str) -> None:
    frame = pd.DataFrame({"email": ["a@mail.example.net"], name: ["2026-01-05"]})
    with pytest.raises(FrameError, match="did you mean 'consented_at'"):
        offline.profiles.plan_subscribe(frame)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"nope": "email"}, "no column 'nope'"),
        ({"m": "emial"}, r"'emial' cannot be written here \(did you mean 'email'\?\)"),
        ({"m": "email", "n": "email"}, "both become 'email'"),
    ],
)
@pytest.mark.parametrize(
    "verb",
    ["plan_subscribe", "plan_unsubscribe", "plan_suppress", "plan_unsuppress", "add", "remove"],
)
def test_columns_are_checked_on_both_sides(
    offline: KlaviyoClient, verb: str, columns: dict[str, str], why: str
) -> None:
    frame = pd.DataFrame({"m": ["a@mail.example.net"], "n": ["b@mail.example.net"]})
    calls: dict[str, Any] = {
        "add": lambda: offline.lists.plan_add_profiles("AbCd12", frame, columns=columns),
        "remove": lambda: offline.lists.plan_remove_profiles("AbCd12", frame, columns=columns),
        "plan_unsubscribe": lambda: offline.profiles.plan_unsubscribe(frame, columns=columns, globally=True),
    }
    with pytest.raises(FrameError, match=why):
        calls.get(verb, lambda: getattr(offline.profiles, verb)(frame, columns=columns))()


def test_columns_that_are_not_a_dict_are_refused(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame({"email": ["a@mail.example.net"]})
    for plan in (offline.profiles.plan_subscribe, offline.profiles.plan_upsert):
        with pytest.raises(InvalidInputError, match="is not a dict of column names"):
            plan(frame, columns=["email"])  # type: ignore[arg-type]


@pytest.mark.parametrize("dated", [True, False])
def test_a_double_opt_in_list_says_so(shop: Shop, dated: bool) -> None:
    name = f"Double {dated}"
    group = shop.client.lists.create(name=name, opt_in_process="double_opt_in")
    frame = pd.DataFrame({"email": [f"double-{dated}@mail.example.net".lower()]})
    given: Any = {"consented_at": "2026-01-05"} if dated else {}
    plan = shop.client.profiles.plan_subscribe(frame, list=group, **given)
    assert (f"The list '{name}' is double opt-in: 1 profile" in plan.summary()["confirm"]) != dated
    plan.apply(confirm=True)
    expected = "SUBSCRIBED" if dated else "NEVER_SUBSCRIBED"
    assert consent(shop, frame["email"][0])["consent"] == expected


@pytest.mark.parametrize("name", ["Spring sale", "Spring", 'naïve "list"'])
def test_the_name_of_a_list_is_found_out_by_every_verb(shop: Shop, name: str) -> None:
    group = shop.client.lists.create(name=name)
    frame = pd.DataFrame({"email": ["member0@mail.example.net"]})
    shop.client.profiles.upsert(frame)
    calls: Any = (
        lambda: shop.client.lists.plan_add_profiles(name, frame),
        lambda: shop.client.lists.plan_remove_profiles(name, frame),
        lambda: shop.client.profiles.plan_subscribe(frame, list=name),
        lambda: shop.client.profiles.plan_unsubscribe(frame, list=name),
        lambda: shop.client.profiles.plan_upsert(frame, lists=[name]),
    )
    for call in calls:
        with pytest.raises(InvalidInputError, match=f"is the name of a list, not its id.*{group['id']}"):
            call()
