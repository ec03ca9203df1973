"""How resources look: sparse fields, additional fields, what is included, relationships and links."""

from __future__ import annotations

import pytest

from tests.sandbox.api import HOST, Api

PROFILE = [
    "email",
    "phone_number",
    "external_id",
    "first_name",
    "last_name",
    "organization",
    "locale",
    "title",
    "image",
    "created",
    "updated",
    "last_event_date",
    "location",
    "properties",
]


class TestAttributes:
    def test_a_profile_shows_its_defaults(self, api: Api) -> None:
        (anna, *_) = api.get("/api/profiles").json["data"]
        assert list(anna["attributes"]) == PROFILE
        assert anna["attributes"]["last_name"] is None

    def test_fields_choose_attributes_and_parts_of_them(self, api: Api) -> None:
        (anna, *_) = api.get("/api/profiles", fields__profile="email,location.city,location.zip").json["data"]
        assert anna["attributes"] == {"email": "anna@shop.example", "location": {"city": "Oslo"}}
        assert {"id", "relationships", "links"} <= set(anna)

    @pytest.mark.parametrize("name", ["fields__profile", "additional_fields__profile"])
    def test_an_empty_name_is_not_one_of_the_documented(self, api: Api, name: str) -> None:
        reply = api.get("/api/profiles", **{name: ""})
        assert (reply.status, reply.source) == (
            400,
            {"parameter": name.replace("__", "[").replace("_", "-") + "]"},
        )

    def test_additional_fields_come_on_top(self, api: Api) -> None:
        asked = "subscriptions,predictive_analytics"
        anna = api.get("/api/profiles/01ANNA", additional_fields__profile=asked).json["data"]
        assert set(anna["attributes"]) == {*PROFILE, "subscriptions", "predictive_analytics"}

    def test_both_together_show_only_the_additional_one(self, api: Api) -> None:
        consent = "subscriptions.email.marketing.consent"
        reply = api.get(
            "/api/profiles/01ANNA", fields__profile=consent, additional_fields__profile="subscriptions"
        )
        marketing = {"consent": "SUBSCRIBED"}
        assert reply.json["data"]["attributes"] == {"subscriptions": {"email": {"marketing": marketing}}}

    def test_an_additional_field_wants_to_be_asked_for_as_such(self, api: Api) -> None:
        reply = api.get("/api/profiles/01ANNA", fields__profile="email,subscriptions")
        assert reply.json["data"]["attributes"] == {"email": "anna@shop.example"}

    def test_profile_count(self, api: Api) -> None:
        assert "profile_count" not in api.get("/api/lists/LIST01").json["data"]["attributes"]
        reply = api.get("/api/lists/LIST01", additional_fields__list="profile_count")
        assert reply.json["data"]["attributes"]["profile_count"] == 3
        assert api.get("/api/lists", additional_fields__list="profile_count").status == 400

    def test_members_show_when_they_joined(self, api: Api) -> None:
        (anna, *_) = api.get("/api/lists/LIST01/profiles").json["data"]
        assert anna["attributes"]["joined_group_at"] == "2026-01-17T12:00:00+00:00"
        assert "joined_group_at" not in api.get("/api/profiles/01ANNA").json["data"]["attributes"]

    def test_an_event(self, api: Api) -> None:
        event = api.get("/api/events/ev000000").json["data"]
        assert event["attributes"]["timestamp"] == 1768564800
        assert event["attributes"]["datetime"] == "2026-01-16T12:00:00+00:00"
        assert event["attributes"]["event_properties"] == {"$event_id": "k0", "List": "L0"}
        assert len(event["attributes"]["uuid"]) == 36


class TestRelationships:
    def test_without_include_there_are_links_only(self, api: Api) -> None:
        base = f"{HOST}/api/lists/LIST01"
        (first, *_) = api.get("/api/lists").json["data"]
        assert first["relationships"]["tags"] == {
            "links": {"self": f"{base}/relationships/tags", "related": f"{base}/tags"}
        }
        assert first["links"] == {"self": base}

    def test_include_names_the_ids_and_brings_each_resource_once(self, api: Api) -> None:
        reply = api.get(
            "/api/events", include="profile,metric", fields__profile="email", fields__metric="name"
        ).json
        bo = next(event for event in reply["data"] if event["id"] == "ev000001")
        assert bo["relationships"]["profile"]["data"] == {"type": "profile", "id": "01BO"}
        included = {(item["type"], item["id"]): item["attributes"] for item in reply["included"]}
        assert len(included) == len(reply["included"]) == 6
        assert included["profile", "01BO"] == {"email": "bo+list@shop.example"}
        assert included["metric", "OPENED"] == {"name": "Opened Email"}

    def test_an_included_profile_has_no_consent_to_show(self, api: Api) -> None:
        reply = api.get("/api/events", include="profile").json
        assert all(list(profile["attributes"]) == PROFILE for profile in reply["included"])

    def test_an_events_metric_and_profile_are_named_anyway(self, api: Api) -> None:
        reply = api.get("/api/events").json
        assert "included" not in reply
        named = {event["id"]: event["relationships"] for event in reply["data"]}
        assert named["ev000000"]["metric"]["data"] == {"type": "metric", "id": "PLACED"}
        assert named["ev000000"]["profile"]["data"] == {"type": "profile", "id": "01ANNA"}
        assert "data" not in named["ev000003"]["profile"], "this event has no profile"
        assert "data" not in named["ev000000"]["attributions"]

    def test_attributions_lead_to_the_campaign(self, api: Api) -> None:
        reply = api.get("/api/events/ev000000", include="attributions").json
        (credit,) = reply["included"]
        assert reply["data"]["relationships"]["attributions"]["data"] == [
            {"type": "attribution", "id": "attr0"}
        ]
        assert credit["id"] == "attr0"
        assert credit["relationships"] == {
            "event": {"data": {"type": "event", "id": "ev000000"}},
            "campaign": {"data": {"type": "campaign", "id": "01CAMP"}},
            "campaign-message": {"data": {"type": "campaign-message", "id": "MSG1"}},
        }

    def test_nothing_to_include_is_an_empty_list(self, api: Api) -> None:
        reply = api.get("/api/lists/LIST02", include="tags").json
        assert reply["included"] == []
        assert reply["data"]["relationships"]["tags"]["data"] == []

    @pytest.mark.parametrize(
        ("path", "ids"),
        [
            ("/api/lists/LIST01/tags", ["tag-1"]),
            ("/api/tags/tag-1/relationships/campaigns", ["01CAMP"]),
            ("/api/tags/tag-1/relationships/lists", ["LIST01"]),
            ("/api/tag-groups/group-1/tags", ["tag-1"]),
            ("/api/profiles/01BO/lists", ["LIST01"]),
            ("/api/profiles/01BO/segments", ["SEGM01"]),
            ("/api/profiles/01CY/relationships/segments", []),
            ("/api/campaigns/01CAMP/campaign-messages", ["MSG1"]),
            ("/api/flows/FLOW01/flow-actions", ["1001"]),
            ("/api/flow-actions/1001/relationships/flow-messages", ["FMSG01"]),
            ("/api/coupons/TEN/coupon-codes", ["TEN-A1"]),
        ],
    )
    def test_relationships_to_many(self, api: Api, path: str, ids: list[str]) -> None:
        assert api.get(path).ids == ids

    @pytest.mark.parametrize(
        ("path", "type_", "id_"),
        [
            ("/api/events/ev000001/metric", "metric", "OPENED"),
            ("/api/events/ev000001/profile", "profile", "01BO"),
            ("/api/events/ev000001/relationships/profile", "profile", "01BO"),
            ("/api/campaign-messages/MSG1/campaign", "campaign", "01CAMP"),
            ("/api/campaign-messages/MSG1/template", "template", "TPL1"),
            ("/api/flow-messages/FMSG01/flow-action", "flow-action", "1001"),
            ("/api/tags/tag-1/relationships/tag-group", "tag-group", "group-1"),
        ],
    )
    def test_relationships_to_one(self, api: Api, path: str, type_: str, id_: str) -> None:
        resource = api.get(path).json["data"]
        assert (resource["type"], resource["id"]) == (type_, id_)
        assert ("attributes" in resource) != ("/relationships/" in path)

    def test_a_relationship_that_leads_nowhere_is_404(self, api: Api) -> None:
        assert api.get("/api/events/ev000003/profile").status == 404
        assert api.get("/api/campaign-messages/MSG2/template").status == 404


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "name", "value"),
        [
            ("/api/events", "include", "campaign"),
            ("/api/events", "include", "profile, metric"),
            ("/api/accounts", "include", "lists"),
            ("/api/profiles", "include", "lists"),
            ("/api/events", "fields[event]", "metric_id"),
            ("/api/events", "fields[event]", "event_properties.Items"),
            ("/api/events", "fields[list]", "name"),
            ("/api/profiles", "additional-fields[profile]", "properties"),
            ("/api/flows", "additional-fields[flow]", "definition"),
            ("/api/profiles", "expand", "all"),
            ("/api/profiles", "company_id", "ACC123"),
        ],
    )
    def test_400_at_the_parameter(self, api: Api, path: str, name: str, value: str) -> None:
        reply = api.get(path, **{name: value})
        assert (reply.status, reply.source) == (400, {"parameter": name})
