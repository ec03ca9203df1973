"""Bulk jobs of the catalog and of coupon codes: pieces that succeed, pieces that fail, and where."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import DAY, record
from tests.sandbox.api import Api, Reply, data

HOME = "$custom:::$default:::"
MUG: dict[str, Any] = {"title": "Mug", "description": "A mug", "url": "https://shop.example/mug"}
PLURALS = {"item": "items", "variant": "variants", "category": "categories"}


def piece(kind: str, id_: str | None = None, /, links: Any = None, **attributes: Any) -> dict[str, Any]:
    body = dict(data(f"catalog-{kind}", id_, links=links, **attributes)["data"])
    return body if attributes or id_ is None else {"type": body["type"], "id": id_}


def send(api: Api, kind: str, verb: str, *pieces: dict[str, Any]) -> Reply:
    type_ = f"catalog-{kind}-bulk-{verb}-job"
    return api.post(f"/api/{type_}s", data(type_, **{PLURALS[kind]: {"data": list(pieces)}}))


def finish(api: Api, reply: Reply, **query: str) -> dict[str, Any]:
    """Ask for a job until it is done."""
    assert reply.status == 202, reply.body
    job = reply.json["data"]
    assert job["attributes"]["status"] == "queued"
    path = f"/api/{job['type']}s/{job['id']}"
    states = [api.get(path, **query).json for _ in range(2)]
    assert [one["data"]["attributes"]["status"] for one in states] == ["processing", "complete"]
    return dict(states[1])


def counts(job: dict[str, Any]) -> tuple[int, int, int]:
    found = job["data"]["attributes"]
    return found["total_count"], found["completed_count"], found["failed_count"]


class TestCatalog:
    def test_life_of_items(self, api: Api) -> None:
        items = [piece("item", external_id=f"m{number}", **MUG) for number in range(3)]
        job = finish(api, send(api, "item", "create", *items), include="items")
        assert counts(job) == (3, 3, 0)
        assert [one["id"] for one in job["included"]] == [f"{HOME}m{number}" for number in range(3)]
        changes = [piece("item", f"{HOME}m0", price=9.5), piece("item", f"{HOME}m1", published=False)]
        assert counts(finish(api, send(api, "item", "update", *changes))) == (2, 2, 0)
        assert api.get(f"/api/catalog-items/{HOME}m0").json["data"]["attributes"]["price"] == 9.5
        assert counts(finish(api, send(api, "item", "delete", piece("item", f"{HOME}m2")))) == (1, 1, 0)
        assert api.get(f"/api/catalog-items/{HOME}m2").status == 404

    def test_variants_and_categories(self, api: Api) -> None:
        category = piece("category", external_id="cups", name="Cups")
        finish(api, send(api, "category", "create", category))
        links: Any = {"categories": [{"type": "catalog-category", "id": f"{HOME}cups"}]}
        finish(api, send(api, "item", "create", piece("item", links=links, external_id="mug", **MUG)))
        assert api.get(f"/api/catalog-categories/{HOME}cups/items").ids == [f"{HOME}mug"]
        stock = {"sku": "m", "inventory_quantity": 3, "price": 5}
        links = {"item": {"type": "catalog-item", "id": f"{HOME}mug"}}
        variant = piece("variant", links=links, external_id="blue", **MUG, **stock)
        finish(api, send(api, "variant", "create", variant))
        assert api.get(f"/api/catalog-items/{HOME}mug/variants").ids == [f"{HOME}blue"]
        change = piece("variant", f"{HOME}blue", inventory_quantity=0)
        finish(api, send(api, "variant", "update", change))
        assert (
            api.get(f"/api/catalog-variants/{HOME}blue").json["data"]["attributes"]["inventory_quantity"] == 0
        )
        finish(api, send(api, "category", "update", piece("category", f"{HOME}cups", name="Mugs")))
        assert api.get(f"/api/catalog-categories/{HOME}cups").json["data"]["attributes"]["name"] == "Mugs"
        finish(api, send(api, "variant", "delete", piece("variant", f"{HOME}blue")))
        assert api.get(f"/api/catalog-items/{HOME}mug/variants").ids == []

    def test_each_failure_says_where(self, api: Api) -> None:
        finish(api, send(api, "item", "create", piece("item", external_id="m0", **MUG)))
        again, new = piece("item", external_id="m0", **MUG), piece("item", external_id="m1", **MUG)
        job = finish(api, send(api, "item", "create", new, again))
        assert counts(job) == (2, 1, 1)
        error = job["data"]["attributes"]["errors"][0]
        assert (error["code"], error["title"]) == ("conflict", "Conflict.")
        assert error["source"] == {"pointer": "/data/attributes/items/data/1/attributes"}
        job = finish(api, send(api, "item", "delete", piece("item", f"{HOME}m0"), piece("item", "none")))
        assert counts(job) == (2, 1, 1)
        error = job["data"]["attributes"]["errors"][0]
        assert (error["code"], error["source"]["pointer"]) == (
            "not_found",
            "/data/attributes/items/data/1/id",
        )

    def test_limits(self, api: Api, sandbox: Sandbox) -> None:
        items = [piece("item", external_id=f"m{number}", **MUG) for number in range(101)]
        assert send(api, "item", "create", *items).source == {"pointer": "/data/attributes/items/data"}
        assert send(api, "item", "create").status == 400
        assert send(api, "item", "create", *items[1:]).status == 202
        type_ = "catalog-item-bulk-create-job"
        open_ = record(type_, "", {"status": "processing"})
        sandbox.account.records[type_] |= {str(number): open_ for number in range(499)}
        assert send(api, "item", "create", items[0]).status == 400, "500 are under way"

    def test_jobs_are_listed(self, api: Api, clock: Clock) -> None:
        done = send(api, "item", "create", piece("item", external_id="m0", **MUG))
        finish(api, done)
        clock.now += 0.5
        queued = send(api, "item", "create", piece("item", external_id="m1", **MUG))
        path = "/api/catalog-item-bulk-create-jobs"
        ids = {one: reply.json["data"]["id"] for one, reply in (("complete", done), ("queued", queued))}
        for status, id_ in ids.items():
            assert api.get(path, filter=f'equals(status,"{status}")').ids == [id_]
        clock.now += 8 * DAY
        assert api.get(path).ids == []


class TestCouponCodes:
    def code(self, unique_code: str, coupon: str = "TEN", **attributes: Any) -> dict[str, Any]:
        links = {"coupon": {"type": "coupon", "id": coupon}}
        return dict(data("coupon-code", links=links, unique_code=unique_code, **attributes)["data"])

    def send(self, api: Api, *codes: dict[str, Any]) -> Reply:
        type_ = "coupon-code-bulk-create-job"
        return api.post(f"/api/{type_}s", data(type_, **{"coupon-codes": {"data": list(codes)}}))

    def test_codes(self, api: Api) -> None:
        reply = self.send(api, self.code("B1"), self.code("B2", expires_at="2026-03-01T00:00:00+00:00"))
        job = finish(api, reply, include="coupon-codes")
        assert counts(job) == (2, 2, 0)
        assert [one["id"] for one in job["included"]] == ["TEN-B1", "TEN-B2"]
        expiries = [one["attributes"]["expires_at"] for one in job["included"]]
        assert expiries == ["2027-01-20T12:00:00+00:00", "2026-03-01T00:00:00+00:00"], (
            "a year, if nothing is said"
        )
        assert api.get("/api/coupons/TEN/coupon-codes").ids == ["TEN-A1", "TEN-B1", "TEN-B2"]

    def test_failures(self, api: Api) -> None:
        job = finish(api, self.send(api, self.code("A1"), self.code("B1", coupon="none"), self.code("B2")))
        assert counts(job) == (3, 1, 2)
        codes = [error["code"] for error in job["data"]["attributes"]["errors"]]
        assert codes == ["conflict", "not_found"]

    @pytest.mark.parametrize(("number", "status"), [(1000, 202), (1001, 400)])
    def test_a_thousand_at_most(self, api: Api, number: int, status: int) -> None:
        assert self.send(api, *[self.code(f"X{one}") for one in range(number)]).status == status
