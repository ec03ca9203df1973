"""Regular resources, created, changed and deleted: what an answer says is there afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import NOW, record
from tests.sandbox.api import Api, data, identifiers

EMAIL_BLOCK = {
    "content_type": "block",
    "type": "html",
    "data": {"content": "<b>Hi</b>", "display_options": {}},
}
PRODUCT = {
    "external_id": "SKU 1/2",
    "title": "Mug",
    "description": "A mug",
    "url": "https://shop.example/mug",
}
ITEM = "$custom:::$default:::SKU 1/2"


def create(api: Api, path: str, body: Any) -> dict[str, Any]:
    reply = api.post(path, body)
    assert reply.status in (200, 201), reply.body
    return dict(reply.json["data"])


class TestLife:
    @pytest.mark.parametrize(
        ("path", "body", "change"),
        [
            ("/api/lists", data("list", name="A"), {"name": "B"}),
            ("/api/templates", data("template", name="A", editor_type="CODE", html="<p>"), {"html": "<b>"}),
            (
                "/api/template-universal-content",
                data("template-universal-content", name="A", definition=EMAIL_BLOCK),
                {"name": "B"},
            ),
            ("/api/catalog-items", data("catalog-item", **PRODUCT), {"price": 9.5}),
            ("/api/catalog-categories", data("catalog-category", external_id="c", name="A"), {"name": "B"}),
            ("/api/coupons", data("coupon", external_id="TWENTY"), {"description": "B"}),
            (
                "/api/custom-metrics",
                data(
                    "custom-metric",
                    name="A",
                    definition={"aggregation_method": "count", "metric_groups": [{"metric_id": "PLACED"}]},
                ),
                {"name": "B"},
            ),
            (
                "/api/web-feeds",
                data("web-feed", name="A", url="https://x", request_method="get", content_type="json"),
                {"name": "B"},
            ),
        ],
    )
    def test_create_get_update_delete(
        self, api: Api, clock: Clock, path: str, body: Any, change: Any
    ) -> None:
        made = create(api, path, body)
        assert body["data"]["attributes"].items() <= made["attributes"].items()
        own = f"{path}/{made['id'].replace('/', '%2F').replace(' ', '%20')}"
        assert made["links"]["self"] == f"https://a.klaviyo.com{own}"
        assert api.get(own).json["data"] == made
        clock.now += 60
        changed = api.patch(own, data(made["type"], made["id"], **change)).json["data"]
        stamp = {name: changed["attributes"][name] for name in ("updated",) if name in made["attributes"]}
        assert changed["attributes"] == made["attributes"] | change | stamp
        assert all(time == "2026-01-20T12:01:00+00:00" for time in stamp.values())
        assert api.get(own).json["data"] == changed
        assert made["id"] in api.all_ids(path)
        assert (api.delete(own).status, api.delete(own).status, api.get(own).status) == (204, 404, 404)
        assert made["id"] not in api.all_ids(path)

    def test_new_ids_are_all_different(self, api: Api) -> None:
        ids = {create(api, "/api/lists", data("list", name="A"))["id"] for _ in range(50)}
        assert len(ids) == 50

    def test_a_body_about_another_resource_is_refused(self, api: Api) -> None:
        reply = api.patch("/api/lists/LIST01", data("list", "LIST02", name="B"))
        assert reply.source == {"pointer": "/data/id"}
        assert api.get("/api/lists/LIST02").json["data"]["attributes"]["name"] == "List 2"

    def test_what_exists_already_is_a_conflict(self, api: Api) -> None:
        assert api.post("/api/coupons", data("coupon", external_id="TEN")).status == 409
        create(api, "/api/catalog-items", data("catalog-item", **PRODUCT))
        assert api.post("/api/catalog-items", data("catalog-item", **PRODUCT)).status == 409
        assert api.post("/api/tags", data("tag", name="winter")).source == {
            "pointer": "/data/attributes/name"
        }

    def test_a_link_to_nothing_is_refused_before_anything_is_made(self, api: Api, sandbox: Sandbox) -> None:
        links = {"coupon": {"type": "coupon", "id": "none"}}
        assert api.post("/api/coupon-codes", data("coupon-code", unique_code="A", links=links)).status == 404
        assert list(sandbox.account.records["coupon-code"]) == ["TEN-A1"]


class TestPeculiarities:
    def test_a_tag_update_has_no_body_and_a_tag_group_delete_has_one(self, api: Api) -> None:
        reply = api.patch("/api/tags/tag-1", data("tag", "tag-1", name="summer"))
        assert (reply.status, reply.body) == (204, b"")
        assert api.get("/api/tags/tag-1").json["data"]["attributes"] == {"name": "summer"}
        group = create(api, "/api/tag-groups", data("tag-group", name="Seasons"))
        tag = create(
            api,
            "/api/tags",
            data("tag", name="t", links={"tag-group": {"type": "tag-group", "id": group["id"]}}),
        )
        reply = api.delete(f"/api/tag-groups/{group['id']}")
        assert (reply.status, reply.json["data"]["attributes"]["name"]) == (200, "Seasons")
        assert api.get(f"/api/tags/{tag['id']}").status == 404, "its tags go with it"

    def test_the_default_tag_group_takes_new_tags_and_stays(self, api: Api) -> None:
        tag = create(api, "/api/tags", data("tag", name="t"))
        assert api.get(f"/api/tags/{tag['id']}/tag-group").json["data"]["id"] == "group-1"
        assert api.delete("/api/tag-groups/group-1").status == 400

    def test_a_coupon_code(self, api: Api) -> None:
        links = {"coupon": {"type": "coupon", "id": "TEN"}}
        reply = api.post("/api/coupon-codes", data("coupon-code", unique_code="B2", links=links))
        assert (reply.status, reply.json["data"]["id"]) == (200, "TEN-B2")
        assert api.get("/api/coupons/TEN/coupon-codes").ids == ["TEN-A1", "TEN-B2"]
        assert api.delete("/api/coupon-codes/TEN-A1").status == 400, "it is assigned to a profile"
        assert api.delete("/api/coupon-codes/TEN-B2").status == 204

    @pytest.mark.parametrize("external_id", ["TEN OFF", "10%", "[TEN]", ""])
    def test_a_coupon_has_a_plain_id(self, api: Api, external_id: str) -> None:
        reply = api.post("/api/coupons", data("coupon", external_id=external_id))
        assert reply.source == {"pointer": "/data/attributes/external_id"}

    def test_catalog_relationships(self, api: Api) -> None:
        create(api, "/api/catalog-items", data("catalog-item", **PRODUCT))
        links = {"items": identifiers("catalog-item", ITEM)}
        body = data("catalog-category", external_id="cups", name="Cups", links=links)
        category = create(api, "/api/catalog-categories", body)
        item = "/api/catalog-items/$custom:::$default:::SKU%201%2F2"
        assert api.get(f"{item}/categories").ids == [category["id"]]
        assert api.get(f"/api/catalog-categories/{category['id']}/items").ids == [ITEM]
        path = f"{item}/relationships/categories"
        assert api.delete(path, {"data": identifiers("catalog-category", category["id"])}).status == 204
        assert api.get(path).json["data"] == []
        assert api.patch(path, {"data": identifiers("catalog-category", category["id"])}).status == 204
        assert api.get(f"/api/catalog-categories/{category['id']}/items").ids == [ITEM]
        found = api.get("/api/catalog-items", filter=f'equals(category.id,"{category["id"]}")')
        assert found.ids == [ITEM]

    def test_a_variant_goes_with_its_item(self, api: Api) -> None:
        create(api, "/api/catalog-items", data("catalog-item", **PRODUCT))
        attributes = PRODUCT | {"external_id": "v", "sku": "v", "inventory_quantity": 3, "price": 5}
        links = {"item": {"type": "catalog-item", "id": ITEM}}
        variant = create(api, "/api/catalog-variants", data("catalog-variant", links=links, **attributes))
        item = "/api/catalog-items/$custom:::$default:::SKU%201%2F2"
        assert api.get(f"{item}/variants").ids == [variant["id"]]
        assert api.delete(item).status == 204
        assert api.get(f"/api/catalog-variants/{variant['id']}").status == 404

    def test_a_webhooks_secret_is_never_shown(self, api: Api, sandbox: Sandbox) -> None:
        sandbox.account.records["webhook-topic"] = {}
        attributes = {"name": "W", "endpoint_url": "https://x", "secret_key": "s3cret"}
        made = create(api, "/api/webhooks", data("webhook", links={"webhook-topics": []}, **attributes))
        assert "s3cret" not in str(made)
        assert sandbox.account.records["webhook"][made["id"]].hidden["secret_key"] == "s3cret"
        http = data("webhook", links={"webhook-topics": []}, **attributes | {"endpoint_url": "http://x"})
        assert api.post("/api/webhooks", http).source == {"pointer": "/data/attributes/endpoint_url"}

    def test_what_a_list_was_part_of_forgets_it(self, api: Api, sandbox: Sandbox) -> None:
        assert api.delete("/api/tags/tag-1").status == 204
        assert api.get("/api/lists/LIST01", include="tags").json["included"] == []
        assert api.delete("/api/lists/LIST01").status == 204
        assert api.get("/api/profiles/01ANNA/lists").ids == []
        assert "LIST01" not in sandbox.account.members

    def test_a_review_has_a_status_of_its_own_shape(self, api: Api, sandbox: Sandbox) -> None:
        review = record("review", "R1", {"status": {"value": "pending"}, "rating": 5})
        sandbox.account.records["review"] = {"R1": review}
        body = data("review", "R1", status={"value": "published"})
        assert api.patch("/api/reviews/R1", body).json["data"]["attributes"]["status"] == {
            "value": "published"
        }
        assert api.get("/api/reviews", filter='equals(status,"published")').ids == ["R1"]
        assert api.patch("/api/reviews/R1", data("review", "R1", status="published")).status == 400


class TestMembers:
    path = "/api/lists/LIST02/relationships/profiles"

    def test_adding_and_removing(self, api: Api, sandbox: Sandbox) -> None:
        reply = api.post(self.path, {"data": identifiers("profile", "01BO", "01CY")})
        assert (reply.status, reply.body) == (204, b"")
        assert api.get("/api/lists/LIST02/profiles").ids == ["01BO", "01CY"]
        assert sandbox.account.members["LIST02"] == {"01BO": NOW, "01CY": NOW}
        assert api.delete(self.path, {"data": identifiers("profile", "01BO", "01ANNA")}).status == 204
        assert api.get(self.path).json["data"] == identifiers("profile", "01CY")
        assert (
            api.get("/api/lists/LIST02", additional_fields__list="profile_count").json["data"]["attributes"][
                "profile_count"
            ]
            == 1
        )

    def test_adding_again_keeps_the_time_of_joining(self, api: Api, sandbox: Sandbox) -> None:
        before = dict(sandbox.account.members["LIST01"])
        api.post("/api/lists/LIST01/relationships/profiles", {"data": identifiers("profile", "01ANNA")})
        assert sandbox.account.members["LIST01"] == before

    def test_an_unknown_profile_refuses_all(self, api: Api) -> None:
        reply = api.post(self.path, {"data": identifiers("profile", "01BO", "none")})
        assert reply.status == 404
        assert api.get("/api/lists/LIST02/profiles").ids == []

    def test_a_thousand_at_most(self, api: Api) -> None:
        reply = api.post(self.path, {"data": identifiers("profile", *["01BO"] * 1001)})
        assert reply.source == {"pointer": "/data"}

    def test_tags(self, api: Api) -> None:
        path = "/api/tags/tag-1/relationships/campaigns"
        assert api.post(path, {"data": identifiers("campaign", "01TEXT")}).status == 204
        assert api.post(path, {"data": identifiers("campaign", "01TEXT")}).status == 204
        assert api.get(path).ids == ["01CAMP", "01TEXT"]
        assert api.get("/api/campaigns/01TEXT", include="tags").json["data"]["relationships"]["tags"][
            "data"
        ] == (identifiers("tag", "tag-1"))
        assert api.get("/api/campaigns/01TEXT/tags").ids == ["tag-1"]
        assert api.delete(path, {"data": identifiers("campaign", "01CAMP")}).status == 204
        assert api.get("/api/campaigns/01CAMP/tags").ids == []
