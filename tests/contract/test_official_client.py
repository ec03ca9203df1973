"""Klaviyo's own Python client against the sandbox: it reads and writes every noun, and its models agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.contract import load_contract
from tests.contract.nouns import EMAIL, LETTER, NOUNS, PIXEL, SHOWN, Json, Noun
from tests.contract.official import all_ids, arguments, contains, filled, finish, person, plain, resource
from tests.contract.test_sandbox_answers import AFTER_A_WRITE
from tests.contract.walk import NOW

klaviyo_api = pytest.importorskip("klaviyo_api", reason="the official client is a dependency of tests only")

NotFoundException = klaviyo_api.openapi_client.exceptions.NotFoundException
GROUPS = sorted(name for name in vars(klaviyo_api.KlaviyoAPI) if name[0].isupper())
HOME = "$custom:::$default:::"
PLURALS = {"item": "items", "variant": "variants", "category": "categories"}


class Official:
    """The official client, whose methods are named as the API's operations."""

    def __init__(self, sandbox: Sandbox) -> None:
        client = klaviyo_api.KlaviyoAPI(sandbox.api_key, max_retries=1, test_host=sandbox.direct_url)
        self.apis = [getattr(client, name) for name in GROUPS]

    def __getattr__(self, name: str) -> Any:
        return next(getattr(api, name) for api in self.apis if hasattr(api, name))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=200, events=4000, now=NOW) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Official:
    return Official(sandbox)


@pytest.fixture(scope="module")
def known(sandbox: Sandbox) -> dict[str, str]:
    """An id of each type that the account holds."""
    return {type_: next(iter(records)) for type_, records in sandbox.account.records.items() if records}


@pytest.mark.parametrize("noun", NOUNS, ids=str)
def test_a_noun_is_made_read_changed_and_deleted(client: Official, known: dict[str, str], noun: Noun) -> None:
    body: Json = {"type": noun.type, "attributes": noun.attributes}
    if noun.links:
        body["relationships"] = noun.links
    made = getattr(client, noun.creates)(filled({"data": body}, known)).data
    get = getattr(client, f"get_{noun.word}")
    assert get(made.id).data.id == made.id
    assert made.id in all_ids(getattr(client, noun.lists), filled(noun.query, known))
    if noun.change:
        change = {"type": noun.type, "id": made.id, "attributes": noun.change}
        getattr(client, f"update_{noun.word}")(made.id, {"data": change})
        assert contains(plain(get(made.id).data.attributes), noun.change)
    if noun.deletes:
        getattr(client, f"delete_{noun.word}")(made.id)
        with pytest.raises(NotFoundException):
            get(made.id)


def test_every_read_is_understood(client: Official, sandbox: Sandbox, known: dict[str, str]) -> None:
    reads = [each for each in load_contract().operations.values() if each.method == "GET"]
    needed = {
        "get_campaigns": {"filter": EMAIL},
        "get_coupon_codes": {"filter": f'equals(coupon.id,"{known["coupon"]}")'},
    }
    answered: set[str] = set()
    for operation in reads:
        for ids in arguments(sandbox, operation):
            try:
                getattr(client, operation.id)(*ids, **needed.get(operation.id, {}))
            except NotFoundException:
                continue  # a relationship may lead nowhere
            answered.add(operation.path)
    silent = {each.path for each in reads} - answered
    assert {path for path in silent if not AFTER_A_WRITE.match(path)} == set()


def test_imports(client: Official, known: dict[str, str]) -> None:
    people = {"data": [person(email="cid@shop.example"), person(email="dea@shop.example")]}
    body = resource("profile-bulk-import-job", links={"lists": [known["list"]]}, profiles=people)
    job = client.bulk_import_profiles(body).data.id
    assert finish(client.get_bulk_import_profiles_job, job).completed_count == 2
    assert len(client.get_profiles_for_bulk_import_profiles_job(job).data) == 2
    assert [one.id for one in client.get_list_for_bulk_import_profiles_job(job).data] == [known["list"]]
    unknown = resource(
        "profile-bulk-import-job", profiles={"data": [person("none", email="eli@shop.example")]}
    )
    job = client.bulk_import_profiles(unknown).data.id
    assert finish(client.get_bulk_import_profiles_job, job).failed_count == 1
    error = client.get_errors_for_bulk_import_profiles_job(job).data[0].attributes
    assert error.source.pointer == "/data/attributes/profiles/data/0/id"
    assert error.original_payload["id"] == "none"


def test_consent(client: Official, known: dict[str, str]) -> None:
    def marketing() -> Any:
        who = {"filter": 'equals(email,"fay@shop.example")', "additional_fields_profile": ["subscriptions"]}
        return client.get_profiles(**who).data[0].attributes.subscriptions.email.marketing

    for verb, consent in (("subscribe", "SUBSCRIBED"), ("unsubscribe", "UNSUBSCRIBED")):
        subscriptions = {"email": {"marketing": {"consent": consent}}}
        people = {"data": [person(email="fay@shop.example", subscriptions=subscriptions)]}
        type_ = f"profile-subscription-bulk-{'create' if verb == 'subscribe' else 'delete'}-job"
        getattr(client, f"bulk_{verb}_profiles")(resource(type_, profiles=people))
        assert marketing().consent == consent
    for verb, kind in (("suppress", "create"), ("unsuppress", "delete")):
        people = {"data": [person(email="fay@shop.example")]}
        body = resource(f"profile-suppression-bulk-{kind}-job", profiles=people)
        job = getattr(client, f"bulk_{verb}_profiles")(body).data.id
        assert finish(getattr(client, f"get_bulk_{verb}_profiles_job"), job).completed_count == 1
        reasons = [one.reason for one in marketing().suppression]
        assert ("USER_SUPPRESSED" in reasons) is (verb == "suppress")


def test_events(client: Official) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Scored"}}}
    profile = {"data": person(email="gil@shop.example")}
    event: Json = {"properties": {"score": 4}, "metric": metric, "value": 9.5, "unique_id": "one"}
    client.create_event(resource("event", profile=profile, **event))
    events = {"data": [resource("event", **event | {"unique_id": "two"})["data"]]}
    group = resource("event-bulk-create", profile=profile, events=events)["data"]
    client.bulk_create_events(resource("event-bulk-create-job", **{"events-bulk-create": {"data": [group]}}))
    who = client.get_profiles(filter='equals(email,"gil@shop.example")').data[0].id
    found = client.get_events(filter=f'equals(profile_id,"{who}")', include=["metric"])
    assert [one.attributes.event_properties["score"] for one in found.data] == [4, 4]
    assert found.included[0]["attributes"]["name"] == "Scored"


def test_profiles_are_merged_and_erased(client: Official) -> None:
    kept, merged = (
        client.create_or_update_profile(resource("profile", email=f"{name}@shop.example")).data.id
        for name in ("hal", "ian")
    )
    body = resource("profile-merge", kept, links={"profiles": [merged]})
    assert client.merge_profiles(body).data.id == kept
    client.request_profile_deletion(resource("data-privacy-deletion-job", profile={"data": person(kept)}))
    for id_ in (kept, merged):
        with pytest.raises(NotFoundException):
            client.get_profile(id_)


def test_a_campaign_is_sent(client: Official, known: dict[str, str]) -> None:
    message = {"data": [resource("campaign-message", definition=LETTER)["data"]]}
    audiences = {"included": [known["list"]]}
    body = resource("campaign", name="Tea", audiences=audiences, **{"campaign-messages": message})
    campaign = client.create_campaign(body).data.id
    text = client.get_messages_for_campaign(campaign).data[0].id
    body = resource("campaign-message", text, links={"template": known["template"]})
    assert client.assign_template_to_campaign_message(body).data.attributes.label == "One"
    definition = {"channel": "email", "content": {"subject": "Summer"}}
    client.update_campaign_message(text, resource("campaign-message", text, definition=definition))
    client.refresh_campaign_recipient_estimation(resource("campaign-recipient-estimation-job", campaign))
    finish(client.get_campaign_recipient_estimation_job, campaign)
    estimate = client.get_campaign_recipient_estimation(campaign).data.attributes.estimated_recipient_count
    assert estimate > 0
    client.send_campaign(resource("campaign-send-job", campaign))
    finish(client.get_campaign_send_job, campaign)
    assert client.get_campaign(campaign).data.attributes.status == "Sent"
    clone = client.create_campaign_clone(resource("campaign", campaign, new_name="Again")).data
    assert clone.attributes.status == "Draft"


@pytest.mark.parametrize("kind", PLURALS)
def test_catalog_jobs(client: Official, known: dict[str, str], kind: str) -> None:
    plural, type_ = PLURALS[kind], f"catalog-{kind}"
    new: Json = {"name": "Bulk"} if kind == "category" else dict(SHOWN)
    links = {"item": known["catalog-item"]} if kind == "variant" else {}
    new |= {"sku": "b", "inventory_quantity": 1, "price": 2.5} if kind == "variant" else {}
    id_ = f"{HOME}bulk-{kind}"
    change: Json = {"name": "New"} if kind == "category" else {"title": "New"}
    pieces = {
        "create": resource(type_, links=links, external_id=f"bulk-{kind}", **new)["data"],
        "update": resource(type_, id_, **change)["data"],
        "delete": {"type": type_, "id": id_},
    }
    for verb, piece in pieces.items():
        body = resource(f"{type_}-bulk-{verb}-job", **{plural: {"data": [piece]}})
        job = getattr(client, f"bulk_{verb}_catalog_{plural}")(body).data.id
        name = f"get_bulk_{verb}_{'catalog_items' if kind == 'item' else plural}_job"
        assert finish(getattr(client, name), job).completed_count == 1


def test_coupon_codes_in_bulk(client: Official, known: dict[str, str]) -> None:
    code = resource("coupon-code", links={"coupon": known["coupon"]}, unique_code="BULK")["data"]
    body = resource("coupon-code-bulk-create-job", **{"coupon-codes": {"data": [code]}})
    job = client.bulk_create_coupon_codes(body).data.id
    assert finish(client.get_bulk_create_coupon_codes_job, job).completed_count == 1


def test_templates_are_rendered_and_cloned(client: Official) -> None:
    body = resource("template", name="T", editor_type="CODE", html="<p>{{ name }}</p>")
    template = client.create_template(body).data.id
    shown = client.render_template(resource("template", template, context={"name": "Ann"})).data
    assert shown.attributes.html == "<p>Ann</p>"
    clone = client.clone_template(resource("template", template, name="Copy")).data
    assert (clone.id != template, clone.attributes.name) == (True, "Copy")


def test_relationships_are_written(client: Official, known: dict[str, str]) -> None:
    tag = client.create_tag(resource("tag", name="Bound")).data.id
    for kind in ("list", "segment", "flow", "campaign"):
        body = {"data": [{"type": kind, "id": known[kind]}]}
        getattr(client, f"tag_{kind}s")(tag, body)
        assert [one.id for one in getattr(client, f"get_{kind}_ids_for_tag")(tag).data] == [known[kind]]
        getattr(client, f"remove_tag_from_{kind}s")(tag, body)
        assert getattr(client, f"get_{kind}_ids_for_tag")(tag).data == []
    group = client.create_list(resource("list", name="Members")).data.id
    body = {"data": [{"type": "profile", "id": known["profile"]}]}
    client.add_profiles_to_list(group, body)
    assert [one.id for one in client.get_profiles_for_list(group).data] == [known["profile"]]
    client.remove_profiles_from_list(group, body)
    assert client.get_profiles_for_list(group).data == []


def test_what_is_only_changed(client: Official, known: dict[str, str]) -> None:
    review = resource("review", known["review"], status={"value": "featured"})
    assert client.update_review(known["review"], review).data.attributes.status == {"value": "featured"}
    action = client.get_flow_action(known["flow-action"]).data
    body = resource("flow-action", action.id, definition=action.attributes.definition)
    assert (
        client.update_flow_action(action.id, body).data.attributes.definition == action.attributes.definition
    )
    mapped = resource("mapped-metric", "revenue", links={"metric": known["metric"]})
    client.update_mapped_metric("revenue", mapped)
    assert client.get_mapped_metric("revenue", include=["metric"]).included[0]["id"] == known["metric"]
    settings = resource("tracking-setting", known["account"], auto_add_parameters=False)
    client.update_tracking_setting(known["account"], settings)
    assert client.get_tracking_setting(known["account"]).data.attributes.auto_add_parameters is False


def test_questions(client: Official, known: dict[str, str]) -> None:
    frame = ["greater-or-equal(datetime,2025-12-01T00:00:00)", "less-than(datetime,2026-01-01T00:00:00)"]
    question: Json = {"metric_id": known["metric"], "measurements": ["count"], "filter": frame}
    found = client.query_metric_aggregates(resource("metric-aggregate", **question)).data.attributes
    assert len(found.dates) == len(found.data[0].measurements["count"]) == 31
    frame_of_report: Json = {"timeframe": {"key": "last_month"}, "statistics": ["recipients", "open_rate"]}
    frame_of_report["conversion_metric_id"] = known["metric"]
    body = resource("campaign-values-report", **frame_of_report)
    rows = client.query_campaign_values(body).data.attributes.results
    assert all(row.statistics["recipients"] > 0 for row in rows)
    body = resource("flow-series-report", interval="weekly", **frame_of_report)
    series = client.query_flow_series(body).data.attributes
    assert {len(row.statistics["recipients"]) for row in series.results} == {len(series.date_times)}


def test_push_tokens_and_files(client: Official, tmp_path: Any) -> None:
    known: Json = {"token": "official", "platform": "ios", "vendor": "apns"}
    client.create_push_token(
        resource("push-token", profile={"data": person(email="jo@shop.example")}, **known)
    )
    token = next(one for one in client.get_push_tokens().data if one.attributes.token == "official")
    client.delete_push_token(token.id)
    with pytest.raises(NotFoundException):
        client.get_push_token(token.id)
    assert (
        client.upload_image_from_url(resource("image", import_from_url=PIXEL)).data.attributes.format == "gif"
    )
