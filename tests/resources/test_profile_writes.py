"""Writing profiles, and who is on a list."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.wire import Call, Json, check, data, many, sends

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
        data("profile", {"email": "a@b.co", "first_name": "Ann"}, meta={"patch_properties": {"unset": "x"}}),
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
