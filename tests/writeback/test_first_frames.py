"""What goes wrong with a first frame: each mistake is answered with what to write instead."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, FrameError, KlaviyoError
from tests.shops import Shop

ANN = "ann@mail.example.net"


def people(**more: Any) -> pd.DataFrame:
    return pd.DataFrame({"email": [ANN], **{name: [one] for name, one in more.items()}})


@pytest.mark.parametrize(
    ("frame", "given", "says"),
    [
        pytest.param(
            people(score=1), {"properties": True}, "properties=True: give 'rest', the name", id="flag"
        ),
        pytest.param(people(score=1), {"properties": "scor"}, "no column 'scor'", id="misspelt"),
        pytest.param(
            pd.DataFrame({"phone_number": ["+15005550006"]}), {}, "Say key='phone_number'", id="other-key"
        ),
        pytest.param(people(first_name="Ann").set_index("email"), {}, "give frame.reset_index()", id="index"),
        pytest.param(
            pd.DataFrame({"mail": [ANN]}), {"key": "mail"}, "columns={'mail': 'email'}", id="column-as-key"
        ),
        pytest.param(
            people(score=1),
            {"columns": {"score": "rfm_score"}},
            "columns={'score': 'properties.rfm_score'}",
            id="property-without-prefix",
        ),
        pytest.param(people(), {"append": 5}, "append=5: give the name", id="append-number"),
        pytest.param(
            people(), {"on_null": {"mail": "clear"}}, "no column becomes 'mail'", id="clear-unknown"
        ),
        pytest.param(people(), {"on_null": {"email": "drop"}}, "on_null='drop'", id="clear-how"),
        pytest.param(
            people(),
            {"dryrun": True},
            "upsert(): got an unexpected keyword argument 'dryrun'",
            id="misspelt-option",
        ),
    ],
)
def test_a_first_mistake_is_answered(
    offline: KlaviyoClient, frame: pd.DataFrame, given: dict[str, Any], says: str
) -> None:
    with pytest.raises(KlaviyoError, match=re.escape(says)):
        offline.profiles.upsert(frame, **given)


def test_one_property_is_one_name(offline: KlaviyoClient) -> None:
    shown = offline.profiles.plan_upsert(people(score=1), properties="score").preview()
    assert shown["fields"].item() == "email, properties.score"
    columns: Any = people(score=1).columns[1:]
    assert offline.profiles.plan_upsert(people(score=1), properties=columns).problems.empty


def test_what_is_appended_is_a_property(offline: KlaviyoClient) -> None:
    shown = offline.profiles.plan_upsert(people(tags="new"), append="tags").preview()
    assert shown["fields"].item() == "email, properties.tags"


def test_codes_without_their_coupon_are_told_where_it_goes(offline: KlaviyoClient) -> None:
    with pytest.raises(FrameError, match="Give coupon="):
        offline.coupon_codes.plan_create(pd.DataFrame({"unique_code": ["A"]}))


def test_a_dry_run_of_a_frame_shows_the_plan(offline: KlaviyoClient) -> None:
    shown = offline.profiles.upsert(people(first_name="Ann"), dry_run=True, verify=True)
    assert shown["fields"].tolist() == ["email, first_name"]


def test_help_tells_what_goes_with_a_frame(offline: KlaviyoClient) -> None:
    told = inspect.getdoc(offline.profiles.upsert) or ""
    assert told.startswith("Create or change one profile by keywords, or as many as a DataFrame has rows.")
    options = [name for name in inspect.signature(offline.profiles.upsert).parameters if name != "self"]
    head = told.partition("Returns\n-------")[0]
    missing = [
        name for name in options if not re.search(rf"^(.*, )?{name}(,.*)?( :.*)?$", head, re.MULTILINE)
    ]
    assert not missing


def test_clearing_says_what_of_how_many(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame({"id": ["A", "B"], "title": [None, "x"], "score": [None, None]})
    plan = offline.profiles.plan_upsert(frame, key="id", properties=["score"], on_null="clear")
    assert plan.summary()["confirm"].endswith(
        "of 2 profiles where the frame is null: title of 1, properties.score of 2."
    )


def test_an_identifier_is_cleared_only_by_name(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame({"id": ["A", "B"], "email": [ANN, None], "phone_number": [None, "+15005550006"]})
    plan = offline.profiles.plan_upsert(frame, key="id", on_null="clear")
    first, second = plan.problems["problem"]
    assert first.startswith("phone_number is null")
    assert "on_null={'email': 'clear', ...}" in second
    named = offline.profiles.plan_upsert(frame, key="id", on_null={"email": "clear"})
    assert named.problems.empty
    assert named.summary()["confirm"].endswith("where the frame is null: email of 1.")


def test_what_is_named_is_cleared_and_nothing_else(shop: Shop) -> None:
    shop.client.profiles.upsert(people(first_name="Ann", title="Dr", phone_number="+15005550031"))
    id = shop.client.profiles.find(email=ANN)["id"]
    frame = pd.DataFrame({"id": [id], "phone_number": [None], "title": [None]})
    plan = shop.client.profiles.plan_upsert(frame, key="id", on_null={"phone_number": "clear"})
    assert plan.apply(confirm=True).failures.empty
    found = shop.client.profiles.get(id)
    assert pd.isna(found["phone_number"])
    assert found["title"] == "Dr"


def test_the_name_of_a_list_leads_to_its_id(offline: KlaviyoClient) -> None:
    ids = pd.DataFrame({"id": ["01ANN"]})
    for plan in (
        offline.profiles.plan_upsert(people(), lists="Newsletter"),
        offline.profiles.plan_subscribe(people(), list="Newsletter"),
        offline.lists.plan_add_profiles("Newsletter", ids),
    ):
        with pytest.raises(ConfirmationRequiredError, match=r"client\.lists\.find\(name='Newsletter'\)"):
            plan.apply()
    assert offline.profiles.plan_upsert(people(), lists="Ab12Cd").summary()["confirm"] == ""
