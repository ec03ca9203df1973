"""Writing profiles, and who is on a list."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import (
    ConfirmationRequiredError,
    ConflictError,
    ConnectionFailedError,
    InvalidInputError,
    NotFoundError,
)
from tests.resources.wire import Call, Json, check, data, many, sends
from tests.shops import Shop

REQUESTS = [
    sends(
        "create, with what pandas and numpy hold",
        lambda c: c.profiles.create(
            email="a@b.co", properties={"n": np.int64(3), "t": pd.Timestamp("2026-01-02")}
        ),
        "POST /api/profiles",
        data("profile", {"email": "a@b.co", "properties": {"n": 3, "t": "2026-01-02T00:00:00"}}),
    ),
    sends(
        "update: None clears, what is not named stays away",
        lambda c: c.profiles.update("P1", title=None),
        "PATCH /api/profiles/P1",
        data("profile", {"title": None}, id="P1"),
    ),
    sends(
        "update: append, unappend and unset stand beside the attributes",
        lambda c: c.profiles.update("P1", append={"tags": "new"}, unappend={"tags": "old"}, unset=["score"]),
        "PATCH /api/profiles/P1",
        data(
            "profile",
            {},
            id="P1",
            meta={
                "patch_properties": {
                    "append": {"tags": "new"},
                    "unappend": {"tags": "old"},
                    "unset": ["score"],
                }
            },
        ),
    ),
    sends(
        "upsert by address",
        lambda c: c.profiles.upsert(email="a@b.co", first_name="Ann", unset="x"),
        "POST /api/profile-import",
        data(
            "profile", {"email": "a@b.co", "first_name": "Ann"}, meta={"patch_properties": {"unset": ["x"]}}
        ),
    ),
    sends(
        "upsert by id",
        lambda c: c.profiles.upsert(id="P1", first_name="Ann"),
        "POST /api/profile-import",
        data("profile", {"first_name": "Ann"}, id="P1"),
    ),
    sends(
        "merge: the one that stays is the id, the one that goes is related",
        lambda c: c.profiles.merge("STAYS", "GOES"),
        "POST /api/profile-merge",
        data("profile-merge", id="STAYS", relationships={"profiles": many("profile", "GOES")}),
    ),
    sends(
        "deletion by address",
        lambda c: c.profiles.request_deletion(email="a@b.co"),
        "POST /api/data-privacy-deletion-jobs",
        data(
            "data-privacy-deletion-job",
            {"profile": {"data": {"type": "profile", "attributes": {"email": "a@b.co"}}}},
        ),
    ),
    sends(
        "deletion by id has attributes all the same",
        lambda c: c.profiles.request_deletion(id="P1"),
        "POST /api/data-privacy-deletion-jobs",
        data(
            "data-privacy-deletion-job",
            {"profile": {"data": {"type": "profile", "attributes": {}, "id": "P1"}}},
        ),
    ),
    sends(
        "add profiles to a list, each once",
        lambda c: c.lists.add_profiles("L1", ["P1", "P2", "P1"]),
        "POST /api/lists/L1/relationships/profiles",
        many("profile", "P1", "P2"),
    ),
    sends(
        "remove profiles from a list",
        lambda c: c.lists.remove_profiles("L1", pd.DataFrame({"id": ["P1"]})),
        "DELETE /api/lists/L1/relationships/profiles",
        many("profile", "P1"),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: c.profiles.update("P1"), "nothing to change"),
        (lambda c: c.profiles.upsert(), "nothing to change"),
        (lambda c: c.profiles.create(emial="a@b.co"), "emial"),
        (lambda c: c.profiles.create(email="a@b.co", properties={"x": float("inf")}), "properties.x: inf"),
        (lambda c: c.profiles.create(email="a@b.co", properties={"x": object()}), "a object cannot"),
        (lambda c: c.profiles.update("P1", append={"x": {"y": 1}}), "append.x: append= takes texts, numbers"),
        (lambda c: c.profiles.create(email="a@b"), "create(): email: 'a@b' is not a valid email address"),
        (lambda c: c.profiles.upsert(email="a@b.co", phone_number="0171 555"), "E.164"),
        (lambda c: c.profiles.update("P1", locale="en_GB"), "write 'en-GB'"),
        (lambda c: c.profiles.update("P1", location={"latitude": 91}), "from -90 to 90"),
        (lambda c: c.profiles.update("P1", location={"town": "Bath"}), "'location.town' is not an attribute"),
        (lambda c: c.profiles.update("P1", location="Bath"), "location='Bath' is not a dict"),
        (lambda c: c.profiles.update("P1", properties={"n": 2.0**53}), "may have lost digits"),
        (lambda c: c.profiles.update("P1", properties={"x": "y" * 100_000}), "the API allows 100,000"),
        (lambda c: c.profiles.update("P1", properties={"vip": 1}, unset="vip"), "'vip' is in unset="),
        (lambda c: c.profiles.create(first_name="Ann"), "external_id is missing"),
        (lambda c: c.profiles.upsert(email=None, first_name="Ann"), "external_id is missing"),
        (lambda c: c.profiles.merge("P1", "P1", confirm=True), "same profile"),
        (lambda c: c.profiles.request_deletion(confirm=True), "exactly one"),
        (lambda c: c.profiles.request_deletion(id="P1", email="a@b.co", confirm=True), "exactly one"),
        (lambda c: c.lists.add_profiles("L1", []), "at least one"),
        (lambda c: c.lists.create(), "name"),
        (lambda c: c.profiles.get(""), "id='' is not an id. Pass an id as text"),
    ],
)
def test_mistakes_are_refused_before_anything_is_sent(offline: KlaviyoClient, call: Call, said: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        call(offline)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: c.profiles.merge("STAYS", "GOES"), "GOES is deleted"),
        (lambda c: c.profiles.request_deletion(email="a@b.co"), "deletes all data of 1 person"),
        (lambda c: c.profiles.merge("STAYS", "GOES", confirm="yes"), "confirm=True"),
    ],
)
def test_what_destroys_data_must_be_confirmed(offline: KlaviyoClient, call: Call, said: str) -> None:
    with pytest.raises(ConfirmationRequiredError, match=said) as refusal:
        call(offline)
    assert "a@b.co" not in str(refusal.value)


def test_a_profile_is_written_and_read_back(client: KlaviyoClient) -> None:
    made = client.profiles.create(email="ann@tea.example", properties={"tags": ["a"], "old": 1})
    client.profiles.update(made, first_name="Ann", append={"tags": "b"}, unset="old")
    client.profiles.upsert(email="ann@tea.example", organization="Tea", title=None)
    ann = client.profiles.find(email="ann@tea.example")
    assert ann["id"] == made["id"]
    assert (ann["first_name"], ann["organization"]) == ("Ann", "Tea")
    assert ann["properties"] == {"tags": ["a", "b"]}
    client.profiles.update(made, unappend={"tags": "a"})
    assert client.profiles.get(made)["properties"] == {"tags": ["b"]}


def test_a_profile_that_exists_names_the_one_that_is_there(client: KlaviyoClient) -> None:
    made = client.profiles.create(email="bob@tea.example")
    with pytest.raises(ConflictError) as conflict:
        client.profiles.create(email="bob@tea.example")
    assert conflict.value.duplicate_id == made["id"]


def test_what_appends_is_not_sent_twice(client: KlaviyoClient, shop: Shop) -> None:
    made = client.profiles.create(email="once@tea.example", properties={"tags": []})
    shop.sandbox.faults.add(method="PATCH", path="/api/profiles/*", drop="after")
    with pytest.raises(ConnectionFailedError):
        client.profiles.update(made, append={"tags": "x"})
    assert client.profiles.get(made)["properties"] == {"tags": ["x"]}
    shop.sandbox.faults.add(method="PATCH", path="/api/profiles/*", drop="after")
    assert client.profiles.update(made, first_name="Once")["first_name"] == "Once"


def test_lists_keep_their_members(client: KlaviyoClient) -> None:
    group = client.lists.create(name="Tea drinkers", opt_in_process="single_opt_in")
    people = client.profiles.list(limit=3)
    client.lists.add_profiles(group, people)
    assert set(client.lists.profiles(group)["id"]) == set(people["id"])
    with pytest.raises(ConfirmationRequiredError, match="removes 1 of the 3 profiles of the list"):
        client.lists.remove_profiles(group, people["id"][0])
    client.lists.remove_profiles(group, people["id"][0], confirm=True)
    assert len(client.lists.profiles(group)) == 2
    assert [len(frame) for frame in client.lists.iter_profiles(group, chunk_size=1)] == [1, 1]
    assert client.lists.update(group, name="Tea lovers")["name"] == "Tea lovers"
    client.lists.delete(group, confirm=True)
    with pytest.raises(NotFoundError):
        client.lists.get(group)


def test_segments_are_defined_and_starred(client: KlaviyoClient) -> None:
    member = {
        "type": "profile-group-membership",
        "is_member": True,
        "group_ids": [client.lists.list()["id"][0]],
    }
    segment = client.segments.create(
        name="Regulars", definition={"condition_groups": [{"conditions": [member]}]}
    )
    assert client.segments.update(segment, is_starred=True)["is_starred"]
    client.segments.delete(segment, confirm=True)
    assert segment["id"] not in set(client.segments.list()["id"])


def test_whose_groups_and_whose_flows(client: KlaviyoClient) -> None:
    for groups in (client.lists, client.segments):
        sizes = {id: len(groups.profiles(id)) for id in groups.list()["id"]}
        some = next(id for id, size in sizes.items() if size)
        member = groups.profiles(some, limit=1).iloc[0]
        of_member = (
            client.profiles.lists(member) if groups is client.lists else client.profiles.segments(member)
        )
        assert some in set(of_member["id"])
        assert groups.flow_triggers(some).columns[:3].tolist() == ["id", "name", "status"]
        assert groups.tags(some).columns.tolist() == ["id", "name"]
    assert client.profiles.push_tokens(client.profiles.list(limit=1).iloc[0]).columns[0] == "id"


def test_null_clears_what_it_is_given_for(offline: KlaviyoClient) -> None:
    request = offline.profiles.update(
        "P1", phone_number=None, location={"city": pd.NA}, properties={"score": float("nan")}, dry_run=True
    )
    assert request["body"][0]["data"]["attributes"] == {
        "phone_number": None,
        "location": {"city": None},
        "properties": {"score": None},
    }
    all_properties = offline.profiles.update("P1", properties=None, dry_run=True)["body"][0]["data"]
    assert all_properties["attributes"] == {"properties": None}


def test_a_single_write_and_a_frame_of_one_row_send_the_same_profile(offline: KlaviyoClient) -> None:
    given: dict[str, Any] = {"email": "a@b.co", "external_id": 17, "first_name": "Ann"}
    single = offline.profiles.upsert(
        **given,
        location={"zip": 2139, "latitude": 51.4},
        properties={"n": np.float32(0.87), "joined": pd.Timestamp("2026-01-02")},
        dry_run=True,
    )
    frame = pd.DataFrame(
        {
            **{name: [value] for name, value in given.items()},
            "location.zip": [2139],
            "location.latitude": [51.4],
            "n": pd.Series([0.87], dtype="float32"),
            "joined": [pd.Timestamp("2026-01-02")],
        }
    )
    _, job = offline.profiles.plan_upsert(frame, properties=["n", "joined"])._request()
    assert single["body"][0]["data"] == job["data"]["attributes"]["profiles"]["data"][0]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param(np.datetime64("2026-01-05T10:00:00", "ns"), "2026-01-05T10:00:00", id="datetime64"),
        pytest.param(Decimal("9.50"), 9.5, id="decimal"),
        pytest.param(UUID(int=7), "00000000-0000-0000-0000-000000000007", id="uuid"),
        pytest.param(np.array([1, 2]), [1, 2], id="array"),
        pytest.param(
            {"scores": [np.int64(4), float("nan"), pd.NA]}, {"scores": [4, None, None]}, id="nested"
        ),
    ],
)
def test_values_are_written_as_those_of_frames_are(offline: KlaviyoClient, value: Any, sent: Any) -> None:
    request = offline.profiles.create(email="a@b.co", properties={"it": value}, dry_run=True)
    body = orjson.dumps(request["body"][0]["data"]["attributes"]["properties"])
    assert body == orjson.dumps({"it": sent})
    if isinstance(sent, dict):
        return  # Klaviyo appends simple values only
    patch = offline.profiles.update("P1", append={"it": value}, dry_run=True)
    assert patch["body"][0]["data"]["meta"]["patch_properties"]["append"] == {"it": sent}
