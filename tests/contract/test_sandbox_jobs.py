"""Jobs and other actions of the sandbox: each request is right by the document, each answer must be, too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import older_form
from tests.contract.writer import Writer, link, links

Json = Any
EMAILS = ("cid@shop.example", "dea@shop.example")
PEOPLE = {"data": [{"type": "profile", "attributes": {"email": email}} for email in EMAILS]}
EMAIL = '?filter=equals(messages.channel,"email")'
SHOWN = {"title": "Tea", "description": "Green", "url": "https://shop.example/tea"}


def test_imports_of_profiles(write: Writer) -> None:
    group = write.make("list", {"name": "Imported"})
    kind = "profile-bulk-import-job"
    job = write.make(kind, {"profiles": PEOPLE}, relationships={"lists": links("list", group)})
    path = write.path(kind, job)
    for related in ("lists", "relationships/lists", "profiles", "relationships/profiles", "import-errors"):
        write.read(f"{path}/{related}")
    write.read(f"{path}?include=lists")


@pytest.mark.parametrize("verb", ["create", "delete"])
def test_suppressions(write: Writer, verb: str) -> None:
    kind = f"profile-suppression-bulk-{verb}-job"
    write.make(kind, {"profiles": PEOPLE})
    write.make(kind, {}, relationships={"list": link("list", write.ids("list")[0])})
    write.ids(kind)


@pytest.mark.parametrize(("verb", "consent"), [("create", "SUBSCRIBED"), ("delete", "UNSUBSCRIBED")])
def test_subscriptions(write: Writer, verb: str, consent: str) -> None:
    subscriptions = {"email": {"marketing": {"consent": consent}}}
    people = [
        {"type": "profile", "attributes": {"email": email, "subscriptions": subscriptions}}
        for email in EMAILS
    ]
    group = {"list": link("list", write.ids("list")[0])}
    write.make(f"profile-subscription-bulk-{verb}-job", {"profiles": {"data": people}}, relationships=group)


def test_deletions_of_profiles(write: Writer) -> None:
    profile = {"data": {"type": "profile", "attributes": {"email": EMAILS[0]}}}
    write.make("data-privacy-deletion-job", {"profile": profile})


def test_merges_of_profiles(write: Writer) -> None:
    kept, merged = write.ids("profile")[:2]
    relationships = {"profiles": links("profile", merged)}
    write.make("profile-merge", id=kept, relationships=relationships, at="/api/profile-merge")


def test_many_events(write: Writer) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Scored"}}}
    each = [
        {"type": "event", "attributes": {"properties": {"n": n}, "metric": metric, "unique_id": f"s-{n}"}}
        for n in range(2)
    ]
    profile = {"data": {"type": "profile", "attributes": {"email": EMAILS[0]}}}
    bulk = [{"type": "event-bulk-create", "attributes": {"profile": profile, "events": {"data": each}}}]
    write.make("event-bulk-create-job", {"events-bulk-create": {"data": bulk}})


def catalog_resources(kind: str, verb: str, item: str) -> Json:
    if verb == "delete":
        return {"id": "$custom:::$default:::bulk"}
    if verb == "update":
        attributes = {"name": "New"} if kind == "category" else {"title": "New"}
        return {"id": "$custom:::$default:::bulk", "attributes": attributes}
    attributes = {"external_id": "bulk"} | ({"name": "Bulk"} if kind == "category" else SHOWN)
    if kind != "variant":
        return {"attributes": attributes}
    stock: Json = {"sku": "B", "inventory_quantity": 1, "price": 2}
    return {"attributes": attributes | stock, "relationships": {"item": link("catalog-item", item)}}


@pytest.mark.parametrize("kind", ["item", "variant", "category"])
def test_catalog_jobs(write: Writer, kind: str) -> None:
    plural = write.path(f"catalog-{kind}").removeprefix("/api/catalog-")
    item = write.ids("catalog-item")[0]
    for verb in ("create", "update", "delete"):
        resource = {"type": f"catalog-{kind}"} | catalog_resources(kind, verb, item)
        job = f"catalog-{kind}-bulk-{verb}-job"
        made = write.make(job, {plural: {"data": [resource]}})
        write.ids(job)
        if verb != "delete":
            write.read(f"{write.path(job, made)}?include={plural}")


def test_back_in_stock(write: Writer) -> None:
    profile = {"data": {"type": "profile", "attributes": {"email": EMAILS[0]}}}
    variant = {"variant": link("catalog-variant", write.ids("catalog-variant")[0])}
    attributes = {"channels": ["EMAIL"], "profile": profile}
    write.make("back-in-stock-subscription", attributes, relationships=variant)


def test_coupon_codes(write: Writer) -> None:
    relationships = {"coupon": link("coupon", write.ids("coupon")[0])}
    code = {"type": "coupon-code", "attributes": {"unique_code": "B2"}, "relationships": relationships}
    kind = "coupon-code-bulk-create-job"
    job = write.make(kind, {"coupon-codes": {"data": [code]}})
    write.read(f"{write.path(kind, job)}?include=coupon-codes")
    write.ids(kind)


@older_form
def test_copies_of_campaigns(write: Writer) -> None:
    campaign = write.ids("campaign", EMAIL)[0]
    write.make("campaign", {"new_name": "Again"}, id=campaign, at="/api/campaign-clone")


@older_form
def test_templates_of_campaign_messages(write: Writer) -> None:
    campaign = write.ids("campaign", f'{EMAIL},equals(status,"Draft")')[0]
    message = write.read(f"/api/campaigns/{campaign}/campaign-messages")[0]["id"]
    template = {"template": link("template", write.ids("template")[0])}
    path = "/api/campaign-message-assign-template"
    write.make("campaign-message", id=message, relationships=template, at=path)


@older_form
def test_estimates_of_recipients(write: Writer) -> None:
    campaign = write.ids("campaign", EMAIL)[0]
    write.make("campaign-recipient-estimation-job", id=campaign)
    write.read(f"/api/campaign-recipient-estimations/{campaign}")


@older_form
def test_sending_campaigns(write: Writer) -> None:
    campaign = write.ids("campaign", f'{EMAIL},equals(status,"Draft")')[-1]
    write.make("campaign-send-job", id=campaign)
    write.send(
        "PATCH",
        f"/api/campaign-send-jobs/{campaign}",
        {"data": {"type": "campaign-send-job", "id": campaign, "attributes": {"action": "cancel"}}},
    )


def test_rendering_templates(write: Writer) -> None:
    template = write.ids("template")[0]
    write.make("template", {"context": {"name": "Ann"}}, id=template, at="/api/template-render")


def test_copies_of_templates(write: Writer) -> None:
    template = write.ids("template")[0]
    write.make("template", {"name": "Copy"}, id=template, at="/api/template-clone")


@pytest.mark.parametrize("many", [False, True])
def test_records_of_data_sources(write: Writer, many: bool) -> None:
    source = write.make("data-source", {"title": f"Till {many}"})
    record = {"type": "data-source-record", "attributes": {"record": {"shop": 1}}}
    name, data = ("data-source-records", [record]) if many else ("data-source-record", record)
    kind = f"data-source-record-{'bulk-' if many else ''}create-job"
    relationships = {"data-source": link("data-source", source)}
    write.make(kind, {name: {"data": data}}, relationships=relationships)
