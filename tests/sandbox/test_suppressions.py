"""Suppression jobs: by address, list or segment, with counts of what was news."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.sandbox.api import Api, Reply, data

ANNA, BO = "anna@shop.example", "bo+list@shop.example"


def ask(api: Api, verb: str, *emails: str, **group: str) -> Reply:
    type_ = f"profile-suppression-bulk-{verb}-job"
    links = {name: {"type": name, "id": id_} for name, id_ in group.items()}
    people = {"data": [{"type": "profile", "attributes": {"email": email}} for email in emails]}
    body = data(type_, links=links or None, **({"profiles": people} if emails else {}))
    return api.post(f"/api/{type_}s", body)


def finish(api: Api, reply: Reply) -> tuple[int, int, int]:
    """Ask for a job until it is done; return total, completed, skipped."""
    assert reply.status == 202, reply.body
    job = reply.json["data"]
    assert job["attributes"]["status"] == "queued"
    seen = [api.get(f"/api/{job['type']}s/{job['id']}").json["data"]["attributes"] for _ in range(2)]
    assert [one["status"] for one in seen] == ["processing", "complete"]
    return seen[1]["total_count"], seen[1]["completed_count"], seen[1]["skipped_count"]


def reasons(sandbox: Sandbox, id_: str) -> list[str]:
    email = sandbox.account.records["profile"][id_].attributes["subscriptions"]["email"]["marketing"]
    assert email["can_receive_email_marketing"] is not bool(email["suppression"])
    return [entry["reason"] for entry in email["suppression"]]


def test_by_address(api: Api, sandbox: Sandbox) -> None:
    assert finish(api, ask(api, "create", ANNA, "new@shop.example")) == (2, 2, 0)
    assert reasons(sandbox, "01ANNA") == ["USER_SUPPRESSED"]
    query = 'equals(subscriptions.email.marketing.suppression.reason,"USER_SUPPRESSED")'
    assert len(api.get("/api/profiles", filter=query).ids) == 2
    assert finish(api, ask(api, "create", ANNA)) == (1, 0, 1), "it is suppressed already"
    assert finish(api, ask(api, "delete", ANNA, BO, "nobody@shop.example")) == (3, 1, 2)
    assert reasons(sandbox, "01ANNA") == []


@pytest.mark.parametrize(
    ("group", "counts"), [({"list": "LIST01"}, (3, 2, 1)), ({"segment": "SEGM01"}, (1, 1, 0))]
)
def test_by_group(api: Api, sandbox: Sandbox, group: Any, counts: tuple[int, int, int]) -> None:
    reply = ask(api, "create", **group)
    assert finish(api, reply) == counts, "who has no address is skipped"
    assert reasons(sandbox, "01BO") == ["USER_SUPPRESSED"]
    name, id_ = next(iter(group.items()))
    path = "/api/profile-suppression-bulk-create-jobs"
    assert api.get(path, filter=f'equals({name}_id,"{id_}")').ids == [reply.json["data"]["id"]]
    assert api.get(path, filter=f'equals({name}_id,"none")').ids == []


def test_nothing_but_what_was_done_by_hand_is_lifted(api: Api) -> None:
    subscriptions = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}
    people = {"data": [{"type": "profile", "attributes": {"email": ANNA, "subscriptions": subscriptions}}]}
    type_ = "profile-subscription-bulk-delete-job"
    api.post(f"/api/{type_}s", data(type_, profiles=people))
    assert finish(api, ask(api, "delete", ANNA)) == (1, 0, 1)


def test_refused(api: Api) -> None:
    assert ask(api, "create").source == {"pointer": "/data"}
    assert ask(api, "create", ANNA, list="LIST01").source == {"pointer": "/data"}
    assert ask(api, "create", list="LIST01", segment="SEGM01").source == {"pointer": "/data"}
    assert ask(api, "create", list="none").status == 404
    place = "/data/attributes/profiles/data"
    assert ask(api, "create", ANNA, "nobody").source == {"pointer": f"{place}/1/attributes/email"}
    many = [f"p{number}@shop.example" for number in range(101)]
    assert ask(api, "create", *many).source == {"pointer": place}
    assert ask(api, "create", *many[1:]).status == 202
