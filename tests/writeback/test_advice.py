"""What plans and results advise: what is said leads to the end of the trouble, and loses nobody."""

from __future__ import annotations

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import WriteFailedError
from klaviyo_analytics.writeback.checks import OnDuplicate
from tests.shops import Shop


def twins(**more: object) -> pd.DataFrame:
    return pd.DataFrame({"email": ["twin@mail.example.net"] * 2, **more})


@pytest.mark.parametrize(("rule", "loser", "winner"), [("first", 1, 0), ("last", 0, 1)])
def test_of_two_rows_with_one_key_it_is_said_which_is_sent(
    offline: KlaviyoClient, rule: OnDuplicate, loser: int, winner: int
) -> None:
    shown = offline.profiles.plan_upsert(twins(), on_duplicate=rule).preview()
    assert shown["action"][loser] == "not sent"
    assert shown["note"][loser] == f"row {winner} has the same email, and is the one that is sent"


@pytest.mark.parametrize("verb", ["plan_upsert", "plan_subscribe"])
def test_one_number_of_two_people_must_be_fixed_not_chosen_from(offline: KlaviyoClient, verb: str) -> None:
    frame = pd.DataFrame(
        {"email": ["ann@mail.example.net", "bob@mail.example.net"], "phone_number": "+15005550006"}
    )
    given = {"channels": ["email", "sms"]} if verb == "plan_subscribe" else {}
    for problem in getattr(offline.profiles, verb)(frame, **given).problems["problem"]:
        assert "correct or clear phone_number in the row where it is wrong" in problem
        assert "on_duplicate" not in problem


def test_one_key_of_two_rows_is_chosen_from(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame({"phone_number": ["+15005550006"] * 2})
    for problem in offline.profiles.plan_upsert(frame, key="phone_number").problems["problem"]:
        assert problem.endswith("drop one, or pass on_duplicate='first' or 'last'")


def test_what_is_raised_for_failures_ends_in_one_full_stop(shop: Shop) -> None:
    why = {"errors": [{"id": "e", "code": "invalid", "title": "No", "detail": "No such mail box."}]}
    shop.sandbox.faults.add(method="POST", path="/api/profile-bulk-import-jobs", status=400, body=why)
    result = shop.client.profiles.upsert(twins().head(1))
    with pytest.raises(WriteFailedError, match=r"1 of 1 rows were not written.*[^.]\.$"):
        result.raise_for_failures()
