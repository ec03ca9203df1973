"""Consent: given, taken back, of a list or of everything, and what it does to suppressions, lists and events."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.api import Api, Reply, data

NOW = "2026-01-20T12:00:00+00:00"
ANNA, BO = "anna@shop.example", "bo+list@shop.example"
PROFILES = "/data/attributes/profiles/data"


def ask(verb: str, api: Api, *people: dict[str, Any], group: str | None = None, **more: Any) -> Reply:
    type_ = f"profile-subscription-bulk-{verb}-job"
    links = {"list": {"type": "list", "id": group}} if group else None
    return api.post(f"/api/{type_}s", data(type_, links=links, profiles={"data": list(people)}, **more))


def someone(consent: str, *channels: str, id_: str | None = None, **attributes: Any) -> dict[str, Any]:
    wish = {"consent": consent} | ({"consented_at": attributes.pop("at")} if "at" in attributes else {})
    subscriptions: dict[str, Any] = {channel: {"marketing": wish} for channel in channels or ("email",)}
    if "tokens" in attributes:
        subscriptions["push"]["tokens"] = attributes.pop("tokens")
    return dict(data("profile", id_, subscriptions=subscriptions, **attributes)["data"])


def subscribe(api: Api, *people: dict[str, Any], group: str | None = None, **more: Any) -> Reply:
    return ask("create", api, *people, group=group, **more)


def unsubscribe(api: Api, *people: dict[str, Any], group: str | None = None) -> Reply:
    return ask("delete", api, *people, group=group)


def state(api: Api, email: str, channel: str = "email") -> dict[str, Any]:
    query = {"filter": f'equals(email,"{email}")', "additional_fields__profile": "subscriptions"}
    found = api.get("/api/profiles", **query).json["data"][0]["attributes"]["subscriptions"]
    return dict((found.get(channel) or {}).get("marketing") or {})


def happened(api: Api) -> list[tuple[str, dict[str, Any]]]:
    """What was noticed since the account's present began, the latest first."""
    page = api.get(
        "/api/events", filter="greater-or-equal(datetime,2026-01-20T12:00:00Z)", include="metric"
    ).json
    names = {one["id"]: one["attributes"]["name"] for one in page.get("included", ())}
    return [
        (names[one["relationships"]["metric"]["data"]["id"]], one["attributes"]["event_properties"])
        for one in page["data"]
    ]


@pytest.mark.parametrize(("names", "word"), [("new", "Text Message"), ("old", "SMS")])
def test_consent_to_texts_is_noticed_under_the_accounts_own_names(names: str, word: str) -> None:
    with Sandbox(profiles=20, events=200, text_names=names) as sandbox:
        api, metrics = Api(sandbox), set(sandbox.account.records["metric"])
        person = {"phone_number": "+14155550123"}
        subscribe(api, someone("SUBSCRIBED", "sms", **person))
        unsubscribe(api, someone("UNSUBSCRIBED", "sms", **person))
        latest = api.get("/api/events", sort="-datetime", include="metric", page__size=2).json
        found = {one["attributes"]["name"] for one in latest["included"]}
        assert found == {f"Subscribed to {word} Marketing", f"Unsubscribed from {word} Marketing"}
        assert set(sandbox.account.records["metric"]) == metrics


class TestSubscribe:
    def test_a_new_profile(self, api: Api) -> None:
        reply = subscribe(api, someone("SUBSCRIBED", email="new@shop.example"), custom_source="Fair")
        assert (reply.status, reply.body) == (202, b"")
        found = state(api, "new@shop.example")
        assert (found["consent"], found["consent_timestamp"]) == ("SUBSCRIBED", NOW)
        assert (found["method"], found["custom_method_detail"]) == ("API", "Fair")
        assert [name for name, _ in happened(api)] == ["Subscribed to Email Marketing"]

    def test_onto_a_list(self, api: Api) -> None:
        subscribe(api, someone("SUBSCRIBED", email="new@shop.example"), group="LIST02")
        assert len(api.get("/api/lists/LIST02/profiles").ids) == 1
        names = dict(happened(api))
        assert names["Subscribed to List"]["List"] == "List 2"
        assert names["Subscribed to List"]["List ID"] == "LIST02"

    def test_again_is_no_news(self, api: Api, clock: Clock) -> None:
        for _ in range(2):
            subscribe(api, someone("SUBSCRIBED", email="new@shop.example"), group="LIST02")
            clock.now += 60
        assert len(happened(api)) == 2
        assert state(api, "new@shop.example")["consent_timestamp"] == NOW

    def test_texts_and_pushes(self, api: Api) -> None:
        tokens = [{"token": "t-1", "platform": "ios", "vendor": "apns"}]
        person = someone(
            "SUBSCRIBED", "sms", "push", email="new@shop.example", phone_number="+4790000000", tokens=tokens
        )
        assert subscribe(api, person).status == 202
        assert state(api, "new@shop.example")["consent"] == "NEVER_SUBSCRIBED"
        assert state(api, "new@shop.example", "sms")["can_receive_sms_marketing"] is True
        assert state(api, "new@shop.example", "mobile_push")["consent"] == "SUBSCRIBED"
        assert [name for name, _ in happened(api)] == ["Subscribed to Text Message Marketing"]
        token = api.get("/api/push-tokens").json["data"][0]
        assert token["attributes"]["token"] == "t-1"

    def test_other_channels_and_purposes(self, api: Api) -> None:
        agreed = {"consent": "SUBSCRIBED"}
        wishes = {
            "whatsapp": {"marketing": agreed, "transactional": agreed},
            "sms": {"transactional": agreed},
        }
        body = data("profile", phone_number="+4712345678", subscriptions=wishes)
        assert subscribe(api, body["data"]).status == 202
        assert state(api, BO, "whatsapp")["phone_number"] == "+4712345678"
        assert state(api, BO, "whatsapp")["can_receive"] is True
        assert state(api, BO, "sms") == {}, "nothing was said of marketing"
        assert happened(api) == []

    def test_it_lifts_what_a_person_chose_and_no_bounce(self, api: Api, sandbox: Sandbox) -> None:
        entries = [
            {"reason": reason, "timestamp": NOW}
            for reason in ("UNSUBSCRIBE", "SPAM_COMPLAINT", "USER_SUPPRESSED", "HARD_BOUNCE")
        ]
        anna = sandbox.account.records["profile"]["01ANNA"].attributes["subscriptions"]["email"]["marketing"]
        anna["suppression"] = entries
        subscribe(api, someone("SUBSCRIBED", email=ANNA))
        found = state(api, ANNA)
        assert [entry["reason"] for entry in found["suppression"]] == ["HARD_BOUNCE"]
        assert found["can_receive_email_marketing"] is False

    def test_double_opt_in_waits_for_a_confirmation(self, api: Api, sandbox: Sandbox) -> None:
        sandbox.account.records["list"]["LIST02"].attributes["opt_in_process"] = "double_opt_in"
        subscribe(api, someone("SUBSCRIBED", email="new@shop.example"), group="LIST02")
        assert state(api, "new@shop.example")["consent"] == "NEVER_SUBSCRIBED"
        assert api.get("/api/lists/LIST02/profiles").ids == []
        at = "2025-06-01T00:00:00+00:00"
        person = someone("SUBSCRIBED", email="new@shop.example", at=at)
        subscribe(api, person, group="LIST02", historical_import=True)
        assert state(api, "new@shop.example")["consent_timestamp"] == at
        assert len(api.get("/api/lists/LIST02/profiles").ids) == 1

    def test_by_id(self, api: Api) -> None:
        person = someone("SUBSCRIBED", id_="01CY", email="cy@shop.example")
        assert subscribe(api, person).status == 202
        assert api.get("/api/profiles/01CY").json["data"]["attributes"]["email"] == "cy@shop.example"

    def test_identifiers_of_two_profiles_are_lost(self, api: Api) -> None:
        person = someone("SUBSCRIBED", email="cy@shop.example", phone_number="+4712345678", id_="01ANNA")
        assert subscribe(api, person).status == 202
        assert state(api, ANNA)["consent"] == "SUBSCRIBED"
        assert happened(api) == []

    @pytest.mark.parametrize(
        ("person", "more", "place"),
        [
            (someone("SUBSCRIBED", email="nobody"), {}, "/email"),
            (someone("SUBSCRIBED"), {}, ""),
            (someone("SUBSCRIBED", "sms", email=ANNA), {}, "/phone_number"),
            (someone("SUBSCRIBED", phone_number="+4790000000"), {}, "/email"),
            (someone("UNSUBSCRIBED", email=ANNA), {}, "/subscriptions/email/marketing/consent"),
            (
                someone("SUBSCRIBED", email=ANNA, at="2025-01-01T00:00:00Z"),
                {},
                "/subscriptions/email/marketing/consented_at",
            ),
            (
                someone("SUBSCRIBED", email=ANNA),
                {"historical_import": True},
                "/subscriptions/email/marketing/consented_at",
            ),
            (
                someone("SUBSCRIBED", email=ANNA, at="2027-01-01T00:00:00Z"),
                {"historical_import": True},
                "/subscriptions/email/marketing/consented_at",
            ),
        ],
    )
    def test_refused(self, api: Api, person: Any, more: Any, place: str) -> None:
        reply = subscribe(api, person, **more)
        assert (reply.status, reply.source) == (400, {"pointer": f"{PROFILES}/0/attributes{place}"})

    def test_a_thousand_at_most(self, api: Api) -> None:
        people = [someone("SUBSCRIBED", email=f"p{number}@shop.example") for number in range(1001)]
        assert subscribe(api, *people).source == {"pointer": PROFILES}
        assert subscribe(api, *people[1:]).status == 202

    def test_the_list_must_exist(self, api: Api) -> None:
        assert subscribe(api, someone("SUBSCRIBED", email=ANNA), group="none").status == 404


class TestUnsubscribe:
    def test_somebody_on_the_list_leaves_the_list(self, api: Api) -> None:
        reply = unsubscribe(api, someone("UNSUBSCRIBED", email=ANNA), group="LIST01")
        assert (reply.status, reply.body) == (202, b"")
        assert "01ANNA" not in api.get("/api/lists/LIST01/profiles").ids
        found = state(api, ANNA)
        assert (found["consent"], found["suppression"]) == ("SUBSCRIBED", [])
        assert found["list_suppressions"] == [
            {"list_id": "LIST01", "reason": "UNSUBSCRIBE", "timestamp": NOW}
        ]
        assert [name for name, _ in happened(api)] == ["Unsubscribed from List"]
        subscribe(api, someone("SUBSCRIBED", email=ANNA), group="LIST01")
        assert state(api, ANNA)["list_suppressions"] == []

    @pytest.mark.parametrize("group", [None, "LIST02"])
    def test_somebody_not_on_the_list_leaves_everything(self, api: Api, group: str | None) -> None:
        unsubscribe(api, someone("UNSUBSCRIBED", email=ANNA), group=group)
        found = state(api, ANNA)
        assert (found["consent"], found["can_receive_email_marketing"]) == ("UNSUBSCRIBED", False)
        assert found["suppression"] == [{"reason": "UNSUBSCRIBE", "timestamp": NOW}]
        assert [name for name, _ in happened(api)] == ["Unsubscribed from Email Marketing"]

    def test_again_is_no_news(self, api: Api) -> None:
        for _ in range(2):
            unsubscribe(api, someone("UNSUBSCRIBED", email=ANNA))
        assert len(happened(api)) == 1
        assert len(state(api, ANNA)["suppression"]) == 1

    def test_texts(self, api: Api) -> None:
        unsubscribe(api, someone("UNSUBSCRIBED", "sms", phone_number="+4712345678"))
        assert state(api, BO, "sms")["consent"] == "UNSUBSCRIBED"
        assert state(api, BO)["consent"] == "SUBSCRIBED"

    def test_a_push_token_goes(self, api: Api) -> None:
        tokens = [{"token": "t-1", "platform": "ios", "vendor": "apns"}]
        subscribe(api, someone("SUBSCRIBED", "push", email=ANNA, tokens=tokens))
        other = someone("UNSUBSCRIBED", "push", email=BO, tokens=tokens)
        unsubscribe(api, other)
        assert len(api.get("/api/push-tokens").ids) == 1, "it is not theirs"
        unsubscribe(api, someone("UNSUBSCRIBED", "push", email=ANNA, tokens=tokens))
        assert api.get("/api/push-tokens").ids == []

    def test_refused(self, api: Api) -> None:
        people = [someone("UNSUBSCRIBED", email=f"p{number}@shop.example") for number in range(101)]
        assert unsubscribe(api, *people).source == {"pointer": PROFILES}
        assert unsubscribe(api, *people[1:]).status == 202
        by_id = someone("UNSUBSCRIBED", id_="01ANNA", email=ANNA)
        assert unsubscribe(api, by_id).source == {"pointer": f"{PROFILES}/0/id"}
        assert unsubscribe(api, data("profile", email=ANNA)["data"]).source == {
            "pointer": f"{PROFILES}/0/attributes/subscriptions"
        }
