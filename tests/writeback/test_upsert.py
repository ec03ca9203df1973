"""Frames of people: what is planned, what is refused, what arrives."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, FrameError, InvalidInputError
from tests.shops import Shop

JOBS = "/api/profile-bulk-import-jobs"


def people(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def problem(client: KlaviyoClient, **given: Any) -> str:
    frame = people(email=["ann@mail.example.net"], **{name: [value] for name, value in given.items()})
    problems = client.profiles.plan_upsert(frame, properties="rest").problems
    return str(problems["problem"].iloc[0]) if len(problems) else ""


@pytest.mark.parametrize(
    "email",
    [
        "ann",
        "ann@mail",
        "@mail.example.net",
        "ann@@mail.example.net",
        "ann @mail.example.net",
        "a..b@c.de",
        "",
    ],
)
def test_an_address_that_cannot_be_is_a_problem(offline: KlaviyoClient, email: str) -> None:
    plan = offline.profiles.plan_upsert(people(email=[email]))
    assert "is not a valid email address" in plan.problems["problem"].item()


@pytest.mark.parametrize("email", ["ann.lee+shop@mail.example.net", "änn@mäil.example", "o'neil@a-b.example"])
def test_an_address_that_can_be_is_none(offline: KlaviyoClient, email: str) -> None:
    assert offline.profiles.plan_upsert(people(email=[email])).problems.empty


@pytest.mark.parametrize("number", ["0301234567", "+4930 123", "+0123456789", "+12", "+" + "1" * 16])
def test_a_number_that_is_not_e164_is_a_problem(offline: KlaviyoClient, number: str) -> None:
    assert "+15005550006" in problem(offline, phone_number=number)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param({"score": float("inf")}, "score: inf is not a JSON number", id="infinity"),
        pytest.param({"first_name": 1.5}, "first_name: 1.5 is not text", id="wrong-type"),
        pytest.param({"notes": "x" * 100_001}, "bytes, and the API allows 100,000", id="large"),
        pytest.param({"notes": ["\ud800"]}, "not valid Unicode", id="half-a-character"),
    ],
)
def test_what_cannot_be_sent_is_a_problem(offline: KlaviyoClient, given: dict[str, Any], why: str) -> None:
    assert why in problem(offline, **given)


def test_a_missing_key_is_a_problem(offline: KlaviyoClient) -> None:
    plan = offline.profiles.plan_upsert(people(email=[None, "ann@mail.example.net"], first_name=["A", "B"]))
    assert plan.problems["problem"].to_dict() == {0: "email is missing"}


def test_two_rows_for_one_person_are_a_problem_whatever_the_case(offline: KlaviyoClient) -> None:
    frame = people(email=["ann@mail.example.net", "Ann@mail.example.net", "bob@mail.example.net"])
    assert offline.profiles.plan_upsert(frame).problems.index.tolist() == [0, 1]


@pytest.mark.parametrize(("rule", "left"), [("first", 0), ("last", 2)])
def test_of_two_rows_for_one_person_the_one_that_was_chosen_goes(
    offline: KlaviyoClient, rule: Any, left: int
) -> None:
    frame = people(email=["ann@mail.example.net", "bob@mail.example.net", "ANN@mail.example.net"])
    actions = offline.profiles.plan_upsert(frame, on_duplicate=rule).preview()["action"]
    assert actions.tolist() == ["profile import" if row in (1, left) else "not sent" for row in range(3)]


def test_a_second_identifier_may_not_be_two_peoples(offline: KlaviyoClient) -> None:
    frame = people(email=["ann@mail.example.net", "bob@mail.example.net"], external_id=["7", "7"])
    assert len(offline.profiles.plan_upsert(frame).problems) == 2


@pytest.mark.parametrize(
    ("frame", "given", "why"),
    [
        pytest.param({"email": ["a@b.cd"], "score": [1]}, {}, "'score' is not an attribute", id="nowhere-to-go"),
        pytest.param({"email": ["a@b.cd"], "fist_name": ["A"]}, {}, "did you mean 'first_name'", id="misspelt"),
        pytest.param({"m": ["a@b.cd"]}, {"columns": {"m": "first_name"}}, "becomes 'email'", id="no-key"),
        pytest.param({"email": ["a@b.cd"]}, {"columns": {"town": "location.city"}}, "no column 'town'", id="missing"),
        pytest.param({"email": ["a@b.cd"], "m": ["a@b.cd"]}, {"columns": {"m": "email"}}, "both become", id="twice"),
        pytest.param({"email": ["a@b.cd"], "created": ["x"]}, {}, "'created' is set by Klaviyo", id="read-only"),
        pytest.param({"email": ["a@b.cd"], 5: ["x"]}, {}, "column names are text", id="odd-name"),
    ],
)  # fmt: skip
def test_a_frame_that_is_of_the_wrong_form_is_refused(
    offline: KlaviyoClient, frame: dict[Any, Any], given: dict[str, Any], why: str
) -> None:
    with pytest.raises(FrameError, match=why):
        offline.profiles.plan_upsert(pd.DataFrame(frame), **given)


def test_columns_go_where_they_are_told(shop: Shop) -> None:
    frame = people(mail=["told@mail.example.net"], town=["Ulm"], score=[4], first_name=["Ann"], zip=[89073.0])
    columns = {"mail": "email", "town": "location.city", "zip": "location.zip"}
    result = shop.client.profiles.upsert(frame, columns=columns, properties=["score"])
    assert result.rows["status"].tolist() == ["written"]
    found = shop.client.profiles.find(email="told@mail.example.net")
    assert found[["first_name", "location.city", "location.zip"]].tolist() == ["Ann", "Ulm", "89073"]
    assert found["properties"] == {"score": 4}


def test_nothing_is_sent_when_any_row_is_bad(shop: Shop) -> None:
    before = len(shop.sandbox.requests)
    with pytest.raises(FrameError, match="1 of 2 rows cannot be sent, so nothing was: no: email"):
        shop.client.profiles.upsert(people(email=["good@mail.example.net", "no"]))
    assert len(shop.sandbox.requests) == before


def test_the_good_rows_go_when_told_so_and_the_others_are_reported(shop: Shop) -> None:
    frame = people(email=["good@mail.example.net", "no"])
    result = shop.client.profiles.upsert(frame, skip_invalid=True)
    assert result.rows["status"].tolist() == ["written", "not sent"]
    assert result.failures["detail"].tolist() == ["email: 'no' is not a valid email address"]


def test_null_leaves_what_is_there(shop: Shop) -> None:
    first = people(email=["keeps@mail.example.net"], first_name=["Ann"], score=[4])
    shop.client.profiles.upsert(first, properties="rest")
    second = people(email=["keeps@mail.example.net"], first_name=[None], score=[None])
    shop.client.profiles.upsert(second, properties="rest")
    found = shop.client.profiles.find(email="keeps@mail.example.net")
    assert found["first_name"] == "Ann"
    assert found["properties"] == {"score": 4}


def test_null_clears_what_is_there_once_that_is_confirmed(shop: Shop) -> None:
    emails = ["clear-a@mail.example.net", "clear-b@mail.example.net"]
    first = people(email=emails, first_name=["Ann", "Bob"], score=[4, 5])
    shop.client.profiles.upsert(first, properties="rest")
    second = people(email=emails, first_name=[None, "Rob"], score=[3, None])
    plan = shop.client.profiles.plan_upsert(second, properties="rest", on_null="clear")
    with pytest.raises(ConfirmationRequiredError, match="clears fields of 2 profiles"):
        plan.apply()
    assert plan.apply(confirm=True).rows["status"].tolist() == ["updated", "written"]
    ann, bob = (shop.client.profiles.find(email=email) for email in emails)
    assert pd.isna(ann["first_name"])
    assert ann["properties"] == {"score": 3}
    assert bob["first_name"] == "Rob"
    assert bob["properties"] == {}


def test_nothing_is_asked_where_a_comparison_leaves_nothing_to_clear(shop: Shop) -> None:
    frame = people(email=["cleared-a@mail.example.net", "cleared-b@mail.example.net"], first_name=None)
    frame["first_name"] = frame["first_name"].astype("string")
    shop.client.profiles.upsert(frame[["email"]])
    plan = shop.client.profiles.plan_upsert(frame, on_null="clear", compare=True)
    assert plan.preview()["action"].tolist() == ["unchanged", "unchanged"]
    assert plan.summary()["confirm"] == ""
    shop.client.profiles.upsert(people(email=["cleared-b@mail.example.net"], first_name=["Bea"]))
    plan = shop.client.profiles.plan_upsert(frame, on_null="clear", compare=True)
    assert plan.summary()["confirm"] == (
        "This clears fields of 1 profile where the frame is null: first_name of 1."
    )


def test_people_known_by_their_id_tell_whether_they_were_updated(shop: Shop) -> None:
    ids = shop.client.profiles.list(limit=2)["id"]
    frame = people(id=ids, title=["x", "y"])
    assert shop.client.profiles.upsert(frame, key="id").rows["status"].tolist() == ["updated", "updated"]


def test_people_join_lists(shop: Shop) -> None:
    listed = shop.client.lists.create(name="Scored")
    frame = people(email=["joins@mail.example.net"])
    shop.client.profiles.upsert(frame, lists=listed)
    assert shop.client.lists.profiles(listed)["email"].tolist() == ["joins@mail.example.net"]


def test_rows_that_a_job_cannot_write_have_its_reason(shop: Shop) -> None:
    frame = people(
        email=["jobs-a@mail.example.net", "jobs-b@mail.example.net"], id=[None, "01NOBODY0000000000000000"]
    ).assign(first_name="Ann")
    result = shop.client.profiles.upsert(frame, journal=False)
    assert result.rows["status"].tolist() == ["written", "failed"]
    failure = result.failures.iloc[0]
    assert failure["code"] == "not_found"
    assert failure["pointer"].endswith("/1/id")
    assert failure["job_id"] == result.rows["job_id"].iloc[0]


def test_rows_that_the_api_refuses_fail_and_the_others_go_without_them(shop: Shop) -> None:
    refusal = {
        "errors": [
            {
                "id": "e",
                "code": "invalid",
                "title": "Invalid input.",
                "detail": "No such mail box.",
                "source": {"pointer": "/data/attributes/profiles/data/1/attributes/email"},
            }
        ]
    }
    shop.sandbox.faults.add(method="POST", path=JOBS, status=400, body=refusal)
    result = shop.client.profiles.upsert(people(email=[f"refused{n}@mail.example.net" for n in range(3)]))
    assert result.rows["status"].tolist() == ["written", "failed", "written"]
    assert result.rows["detail"].iloc[1] == "No such mail box."


def test_a_refusal_of_the_whole_fails_all_rows(shop: Shop) -> None:
    shop.sandbox.faults.add(method="POST", path=JOBS, status=400)
    result = shop.client.profiles.upsert(
        people(email=["whole-a@mail.example.net", "whole-b@mail.example.net"])
    )
    assert result.failures["detail"].str.startswith("the whole request was refused").all()


def test_failed_rows_go_again_and_the_others_keep_their_outcome(shop: Shop) -> None:
    shop.sandbox.faults.add(method="POST", path=JOBS, status=400)
    frame = people(email=["again@mail.example.net", "no"]).set_axis(["a", "b"])
    result = shop.client.profiles.upsert(frame, skip_invalid=True)
    assert result.rows["status"].to_dict() == {"a": "failed", "b": "not sent"}
    assert result.retry().rows["status"].to_dict() == {"a": "written", "b": "not sent"}


def test_what_the_account_has_already_is_not_sent(shop: Shop) -> None:
    frame = people(email=["same@mail.example.net", "other@mail.example.net"], score=[1.0, 2.0])
    shop.client.profiles.upsert(frame, properties="rest")
    frame.loc[1, "score"] = 3.0
    plan = shop.client.profiles.plan_upsert(frame, properties="rest", compare=True)
    assert plan.summary()[["new", "changed", "unchanged"]].tolist() == [0, 1, 1]
    assert plan.preview()["note"][1] == "properties.score: 2.0 → 3.0"
    assert plan.apply().rows["status"].tolist() == ["unchanged", "written"]


def test_who_has_it_all_already_still_joins_a_list(shop: Shop) -> None:
    frame, group = (
        people(email=["joining@mail.example.net"], score=[1]),
        shop.client.lists.create(name="Late"),
    )
    shop.client.profiles.upsert(frame, properties="rest")
    plan = shop.client.profiles.plan_upsert(frame, properties="rest", compare=True, lists=group)
    assert plan.preview()["note"].tolist() == ["nothing changes but the lists"]
    assert plan.summary()[["new", "changed", "unchanged"]].tolist() == [0, 0, 0]
    assert plan.apply(verify=True).rows["status"].tolist() == ["written"]
    assert shop.client.lists.profiles(group)["email"].tolist() == ["joining@mail.example.net"]


def test_coordinates_are_the_same_as_texts_and_as_numbers(shop: Shop) -> None:
    place = {"location.latitude": "-33.8568", "location.longitude": "151.2153"}
    frame = people(email=["opera@mail.example.net"]).assign(**place)
    assert shop.client.profiles.plan_upsert(frame).apply(verify=True).failures.empty
    again = shop.client.profiles.plan_upsert(frame.astype(dict.fromkeys(place, float)), compare=True)
    assert again.summary()["unchanged"] == 1


def test_rows_keep_the_frames_index_also_when_resumed(shop: Shop, tmp_path: Path) -> None:
    index = pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["shop", "number"])
    frame = people(email=["index-a@mail.example.net", "index-b@mail.example.net"]).set_index(index)
    path = tmp_path / "index.journal"
    result = shop.client.profiles.upsert(frame, journal=path, keep_journal=True)
    pd.testing.assert_index_equal(result.rows.index, index)
    again = shop.client.resume(path, keep_journal=True)
    pd.testing.assert_frame_equal(again.rows, result.rows)


def test_a_journal_is_its_owners_and_goes_when_all_went_well(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, modes = tmp_path / "mine.journal", []

    def look(_: float) -> None:
        modes.append({stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob("mine*")})

    monkeypatch.setattr(shop.client._context, "sleep", look)
    result = shop.client.profiles.upsert(people(email=["mine@mail.example.net"]), journal=path)
    assert modes
    assert sys.platform == "win32" or set.union(*modes) == {0o600}
    assert result.journal is None
    assert not list(tmp_path.glob("mine*"))


def test_a_journal_holds_no_key(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "nokey.journal"
    shop.client.profiles.upsert(people(email=["nokey@mail.example.net"]), journal=path, keep_journal=True)
    assert shop.sandbox.maton_key.encode() not in path.read_bytes()


def test_a_journal_that_exists_is_not_overwritten(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "there.journal"
    path.write_text("precious")
    with pytest.raises(InvalidInputError, match="exists"):
        shop.client.profiles.upsert(people(email=["there@mail.example.net"]), journal=path)
    assert path.read_text() == "precious"


def test_a_file_that_is_no_journal_is_refused(offline: KlaviyoClient, tmp_path: Path) -> None:
    (tmp_path / "no.journal").write_text("no journal at all, but long enough to be looked at" * 50)
    with pytest.raises(InvalidInputError, match="is not a journal"):
        offline.resume(tmp_path / "no.journal")
    with pytest.raises(InvalidInputError, match="no journal has this name"):
        offline.resume(tmp_path / "none.journal")


def test_an_empty_frame_sends_nothing(shop: Shop) -> None:
    before = len(shop.sandbox.requests)
    result = shop.client.profiles.upsert(people(email=[]))
    assert result.rows.empty
    assert not any(request.method == "POST" for request in list(shop.sandbox.requests)[before:])


def test_planning_sends_nothing(offline: KlaviyoClient) -> None:
    plan = offline.profiles.plan_upsert(people(email=["ann@mail.example.net"], first_name=["Ann"]))
    assert plan.preview().columns.tolist() == ["row", "key", "action", "fields", "problem", "note"]
    assert plan.preview()["fields"].item() == "email, first_name"
    assert plan.summary()["requests"] == 1
    assert "1 of 1 row in 1 request<" in plan._repr_html_()


def test_a_row_of_one_profile_still_goes_by_keywords(shop: Shop) -> None:
    row = shop.client.profiles.upsert(email="single@mail.example.net", first_name="Ann")
    assert row["first_name"] == "Ann"
    singles: list[Any] = [row, "ann@mail.example.net", {"email": "ann@mail.example.net"}]
    for single in singles:
        with pytest.raises(InvalidInputError, match="many as a DataFrame"):
            shop.client.profiles.upsert(single)


def test_the_demo_waits_for_no_limits() -> None:
    with ka.demo(profiles=20, events=50) as client:
        frame = people(email=[f"demo{number}@mail.example.net" for number in range(30)])
        assert (client.profiles.upsert(frame).rows["status"] == "written").all()
