"""Writes to the sandbox: each request is right by the document, and each answer must be, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client

from klaviyo_analytics.sandbox import Sandbox
from tests.contract.openapi import Document
from tests.contract.recorder import CheckedApp, complaints
from tests.contract.walk import NOT_SERVED, NOW, headers
from tests.contract.writer import Writer, link, links

Json = Any
JSONAPI = {"Content-Type": "application/vnd.api+json"}
MOMENT = "2026-03-01T10:00:00+00:00"
WEEK = {"start": "2025-12-01T00:00:00+00:00", "end": "2025-12-07T00:00:00+00:00"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=100, events=2000, now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def write(document: Document, sandbox: Sandbox) -> Iterator[Writer]:
    app = CheckedApp(sandbox.wsgi, document)
    yield Writer(app, sandbox.api_key)
    refused = {404}  # what was deleted is read again
    found = complaints([each for each in app.exchanges if each.status not in refused | {NOT_SERVED}])
    assert not found, found


def test_profiles(write: Writer) -> None:
    attributes = {
        "email": "ann@shop.example",
        "phone_number": "+4915112345678",
        "location": {"city": "Bonn", "latitude": 50.7, "longitude": "7.1"},
        "properties": {"tea": ["green", "black"], "cups": 3},
    }
    ann = write.post("/api/profiles", "profile", attributes, get="/api/profiles/{}")["id"]
    write.patch(
        "/api/profiles", "profile", ann, {"title": None}, meta={"patch_properties": {"unset": "cups"}}
    )
    write.post("/api/profile-import", "profile", {"email": "ann@shop.example", "first_name": "Ann"})
    bob = write.post("/api/profile-import", "profile", {"external_id": "B-1"})["id"]
    write.post(
        "/api/profile-merge", "profile-merge", id=ann, relationships={"profiles": links("profile", bob)}
    )


def test_profile_jobs(write: Writer) -> None:
    group = write.post("/api/lists", "list", {"name": "Imported"})["id"]
    emails = ("cid@shop.example", "dea@shop.example")
    people = {"data": [{"type": "profile", "attributes": {"email": email}} for email in emails]}
    path = "/api/profile-bulk-import-jobs"
    relationships = {"lists": links("list", group)}
    job = write.post(path, "profile-bulk-import-job", {"profiles": people}, relationships=relationships)["id"]
    for related in (
        "",
        "/lists",
        "/relationships/lists",
        "/profiles",
        "/relationships/profiles",
        "/import-errors",
    ):
        write.send("GET", f"{path}/{job}{related}")
    for verb in ("create", "delete"):
        kind = f"profile-suppression-bulk-{verb}-job"
        write.post(f"/api/{kind}s", kind, {"profiles": people}, get=f"/api/{kind}s/{{}}")
    for verb, consent in (("create", "SUBSCRIBED"), ("delete", "UNSUBSCRIBED")):
        marketing = {"email": {"marketing": {"consent": consent}}}
        each = [
            {"type": "profile", "attributes": {"email": email, "subscriptions": marketing}}
            for email in emails
        ]
        kind = f"profile-subscription-bulk-{verb}-job"
        write.post(
            f"/api/{kind}s", kind, {"profiles": {"data": each}}, relationships={"list": link("list", group)}
        )
    deletion = {"profile": {"data": {"type": "profile", "attributes": {"email": emails[0]}}}}
    write.post("/api/data-privacy-deletion-jobs", "data-privacy-deletion-job", deletion)


def test_events(write: Writer) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Scored"}}}
    profile = {"data": {"type": "profile", "attributes": {"email": "eve@shop.example"}}}
    event = {"properties": {"score": 4}, "metric": metric, "value": 9.5, "time": "2025-12-31T10:00:00Z"}
    write.post("/api/events", "event", event | {"profile": profile, "unique_id": "s-1"})
    events = {
        "data": [{"type": "event", "attributes": event | {"unique_id": name}} for name in ("s-2", "s-3")]
    }
    bulk = [{"type": "event-bulk-create", "attributes": {"profile": profile, "events": events}}]
    write.post("/api/event-bulk-create-jobs", "event-bulk-create-job", {"events-bulk-create": {"data": bulk}})
    write.send("GET", "/api/events?page%5Bsize%5D=5&sort=-datetime&include=metric,profile")


def test_lists(write: Writer) -> None:
    attributes = {"name": "Tea drinkers", "opt_in_process": "single_opt_in"}
    group = write.post(
        "/api/lists", "list", attributes, get="/api/lists/{}?additional-fields[list]=profile_count"
    )["id"]
    write.patch("/api/lists", "list", group, {"name": "Tea lovers"})
    members = links("profile", *write.ids("/api/profiles?page%5Bsize%5D=3"))
    for method in ("POST", "DELETE"):
        write.send(method, f"/api/lists/{group}/relationships/profiles", members)
        write.send("GET", f"/api/lists/{group}/profiles")
    write.delete(f"/api/lists/{group}")


def test_segments(write: Writer) -> None:
    member = {"type": "profile-group-membership", "is_member": True, "group_ids": write.ids("/api/lists")[:1]}
    attributes = {"name": "Regulars", "definition": {"condition_groups": [{"conditions": [member]}]}}
    segment = write.post("/api/segments", "segment", attributes, get="/api/segments/{}")["id"]
    write.patch("/api/segments", "segment", segment, {"is_starred": True})
    write.delete(f"/api/segments/{segment}")


def test_tags(write: Writer) -> None:
    group = write.post("/api/tag-groups", "tag-group", {"name": "Seasons", "exclusive": True})["id"]
    relationships = {"tag-group": link("tag-group", group)}
    tag = write.post("/api/tags", "tag", {"name": "Spring"}, relationships=relationships, get="/api/tags/{}")[
        "id"
    ]
    write.patch("/api/tags", "tag", tag, {"name": "Summer"})
    campaigns = "/api/campaigns?filter=equals(messages.channel,%22email%22)"
    for name, source in (("lists", "/api/lists"), ("flows", "/api/flows"), ("campaigns", campaigns)):
        tagged = links(name[:-1], *write.ids(source)[:1])
        for method in ("POST", "GET", "DELETE"):
            path = f"/api/tags/{tag}/relationships/{name}"
            write.send(method, path, None if method == "GET" else tagged)
    write.patch("/api/tag-groups", "tag-group", group, {"name": "Weather"})
    write.delete(f"/api/tags/{tag}")
    write.delete(f"/api/tag-groups/{group}")


def test_campaigns(write: Writer) -> None:
    content = {
        "subject": "Spring",
        "preview_text": "Tea",
        "from_email": "tea@shop.example",
        "from_label": "Shop",
    }
    message = {"definition": {"channel": "email", "label": "One", "content": content}}
    attributes = {
        "name": "Spring teas",
        "audiences": {"included": write.ids("/api/lists")[:1]},
        "send_strategy": {"method": "static", "datetime": MOMENT, "options": {"is_local": False}},
        "campaign-messages": {"data": [{"type": "campaign-message", "attributes": message}]},
    }
    path = "/api/campaigns"
    made = write.post(path, "campaign", attributes, get=f"{path}/{{}}?include=campaign-messages")["id"]
    write.patch(path, "campaign", made, {"name": "Spring", "send_strategy": {"method": "immediate"}})
    message_id = write.ids(f"{path}/{made}/campaign-messages")[0]
    fresh = message["definition"] | {"content": {"subject": "Fresh teas"}}
    write.patch("/api/campaign-messages", "campaign-message", message_id, {"definition": fresh})
    template = {"template": link("template", write.ids("/api/templates")[0])}
    assign = "/api/campaign-message-assign-template"
    write.post(assign, "campaign-message", id=message_id, relationships=template)
    clone = write.post("/api/campaign-clone", "campaign", {"new_name": "Again"}, id=made)["id"]
    for kind in ("campaign-recipient-estimation-job", "campaign-send-job"):
        write.post(f"/api/{kind}s", kind, id=made, get=f"/api/{kind}s/{{}}")
    write.send("GET", f"/api/campaign-recipient-estimations/{made}")
    write.patch("/api/campaign-send-jobs", "campaign-send-job", made, {"action": "cancel"})
    write.delete(f"{path}/{clone}")


def test_flows(write: Writer) -> None:
    flow = write.ids("/api/flows")[0]
    write.patch("/api/flows", "flow", flow, {"status": "draft"})
    write.delete(f"/api/flows/{flow}")


def test_templates(write: Writer) -> None:
    attributes = {"name": "Plain", "editor_type": "CODE", "html": "<p>{{ name }}</p>", "text": "{{ name }}"}
    template = write.post("/api/templates", "template", attributes, get="/api/templates/{}")["id"]
    write.patch("/api/templates", "template", template, {"name": "Plainer"})
    write.post("/api/template-render", "template", {"context": {"name": "Ann"}}, id=template)
    clone = write.post("/api/template-clone", "template", {"name": "Copy"}, id=template)["id"]
    write.delete(f"/api/templates/{clone}")
    block = {
        "content_type": "block",
        "type": "html",
        "data": {"content": "<b>Tea</b>", "display_options": {}},
    }
    path, kind = "/api/template-universal-content", "template-universal-content"
    content = write.post(path, kind, {"name": "Banner", "definition": block}, get=f"{path}/{{}}")["id"]
    write.patch(path, kind, content, {"name": "Footer"})
    write.delete(f"{path}/{content}")


def test_catalog(write: Writer) -> None:
    shown = {"title": "Tea", "description": "Green", "url": "https://shop.example/tea"}
    category = write.post(
        "/api/catalog-categories", "catalog-category", {"external_id": "c1", "name": "Tea"}
    )["id"]
    item = write.post("/api/catalog-items", "catalog-item", shown | {"external_id": "i1", "price": 9.5})["id"]
    variant = write.post(
        "/api/catalog-variants",
        "catalog-variant",
        shown | {"external_id": "v1", "sku": "T-1", "inventory_quantity": 3, "price": 9.5},
        relationships={"item": link("catalog-item", item)},
        get="/api/catalog-variants/{}",
    )["id"]
    for method in ("POST", "PATCH", "DELETE"):
        path = f"/api/catalog-items/{item}/relationships/categories"
        write.send(method, path, links("catalog-category", category))
        path = f"/api/catalog-categories/{category}/relationships/items"
        write.send(method, path, links("catalog-item", item))
    stock = {
        "channels": ["EMAIL"],
        "profile": {"data": {"type": "profile", "attributes": {"email": "ann@shop.example"}}},
    }
    relationships = {"variant": link("catalog-variant", variant)}
    path = "/api/back-in-stock-subscriptions"
    write.post(path, "back-in-stock-subscription", stock, relationships=relationships)
    for kind, identity, attributes in (
        ("catalog-variant", variant, {"price": None}),
        ("catalog-item", item, {"published": False}),
        ("catalog-category", category, {"name": "Teas"}),
    ):
        path = f"/api/{kind}s" if kind != "catalog-category" else "/api/catalog-categories"
        write.patch(path, kind, identity, attributes)
        write.delete(f"{path}/{identity}")


@pytest.mark.parametrize("kind", ["item", "variant", "category"])
def test_catalog_jobs(write: Writer, kind: str) -> None:
    plural = {"category": "categories"}.get(kind, f"{kind}s")
    shown = {"title": "Tea", "description": "Green", "url": "https://shop.example/tea"}
    item = write.ids("/api/catalog-items")[0]
    whole = {
        "item": {"attributes": shown | {"external_id": "bulk"}},
        "variant": {
            "attributes": shown | {"external_id": "bulk", "sku": "B", "inventory_quantity": 1, "price": 2},
            "relationships": {"item": link("catalog-item", item)},
        },
        "category": {"attributes": {"external_id": "bulk", "name": "Bulk"}},
    }[kind]
    named = {"id": "$custom:::$default:::bulk"}
    update = named | {"attributes": {"name": "New"} if kind == "category" else {"title": "New"}}
    for verb, resource in (("create", whole), ("update", update), ("delete", named)):
        job = f"catalog-{kind}-bulk-{verb}-job"
        resources = {plural: {"data": [{"type": f"catalog-{kind}"} | resource]}}
        write.post(f"/api/{job}s", job, resources, get=f"/api/{job}s/{{}}")
        write.send("GET", f"/api/{job}s")


def test_coupons(write: Writer) -> None:
    attributes = {"external_id": "TEA10", "description": "Ten off"}
    coupon = write.post("/api/coupons", "coupon", attributes, get="/api/coupons/{}")["id"]
    of_coupon = {"coupon": link("coupon", coupon)}
    code = write.post("/api/coupon-codes", "coupon-code", {"unique_code": "A1"}, relationships=of_coupon)[
        "id"
    ]
    write.patch("/api/coupon-codes", "coupon-code", code, {"expires_at": MOMENT})
    each = {"type": "coupon-code", "attributes": {"unique_code": "A2"}, "relationships": of_coupon}
    job, path = "coupon-code-bulk-create-job", "/api/coupon-code-bulk-create-jobs"
    write.post(path, job, {"coupon-codes": {"data": [each]}}, get=f"{path}/{{}}?include=coupon-codes")
    write.delete(f"/api/coupon-codes/{code}")
    write.patch("/api/coupons", "coupon", coupon, {"description": "Ten"})
    write.delete(f"/api/coupons/{coupon}")


def test_webhooks(write: Writer) -> None:
    topics = {"webhook-topics": links("webhook-topic", *write.ids("/api/webhook-topics")[:1])}
    attributes = {
        "name": "Sent",
        "endpoint_url": "https://shop.example/hook",
        "secret_key": "a-secret-of-16+",
    }
    hook = write.post("/api/webhooks", "webhook", attributes, relationships=topics, get="/api/webhooks/{}")[
        "id"
    ]
    write.patch("/api/webhooks", "webhook", hook, {"enabled": False})
    write.delete(f"/api/webhooks/{hook}")


def test_images(write: Writer) -> None:
    pixel = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    image = write.post(
        "/api/images", "image", {"import_from_url": pixel, "name": "pixel"}, get="/api/images/{}"
    )
    write.patch("/api/images", "image", image["id"], {"hidden": True})


def test_reviews(write: Writer) -> None:
    review = write.ids("/api/reviews")[0]
    write.patch("/api/reviews", "review", review, {"status": {"value": "featured"}})
    rejected = {
        "value": "rejected",
        "rejection_reason": {"reason": "other", "status_explanation": "Off topic"},
    }
    write.patch("/api/reviews", "review", review, {"status": rejected})


def test_metrics(write: Writer) -> None:
    metric = write.ids("/api/metrics")[0]
    definition = {
        "aggregation_method": "count",
        "metric_groups": [{"metric_id": metric, "metric_filters": []}],
    }
    path, kind = "/api/custom-metrics", "custom-metric"
    made = write.post(path, kind, {"name": "Visits", "definition": definition}, get=f"{path}/{{}}")["id"]
    write.patch(path, kind, made, {"name": "All visits"})
    for target, identity in ((kind, made), ("metric", metric)):
        mapped = {target: link(target, identity)}
        write.patch("/api/mapped-metrics", "mapped-metric", "revenue", relationships=mapped)
        write.send("GET", f"/api/mapped-metrics/revenue/{target}")
        write.send("GET", f"/api/mapped-metrics/revenue/relationships/{target}")
    write.delete(f"{path}/{made}")


def test_data_sources(write: Writer) -> None:
    path = "/api/data-sources"
    source = write.post(path, "data-source", {"title": "Till", "visibility": "private"}, get=f"{path}/{{}}")[
        "id"
    ]
    record = {"type": "data-source-record", "attributes": {"record": {"shop": 1}}}
    relationships = {"data-source": link("data-source", source)}
    for kind, name, data in (
        ("create", "data-source-record", record),
        ("bulk-create", "data-source-records", [record]),
    ):
        job = f"data-source-record-{kind}-job"
        write.post(f"/api/{job}s", job, {name: {"data": data}}, relationships=relationships)
    write.delete(f"{path}/{source}")


def test_web_feeds(write: Writer) -> None:
    path, url = "/api/web-feeds", "https://shop.example/feed"
    attributes = {"name": "Posts", "url": url, "request_method": "get", "content_type": "json"}
    feed = write.post(path, "web-feed", attributes, get=f"{path}/{{}}")["id"]
    write.patch(path, "web-feed", feed, {"name": "News"})
    write.delete(f"{path}/{feed}")


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("by", [[], ["$attributed_channel"], ["Campaign Name", "$message"]])
def test_metric_aggregates(write: Writer, interval: str, by: list[str]) -> None:
    bounds = ["greater-or-equal(datetime,2025-12-01T00:00:00)", "less-than(datetime,2025-12-08T00:00:00)"]
    for metric in write.ids("/api/metrics")[:6]:
        attributes = {
            "metric_id": metric,
            "measurements": ["count", "sum_value", "unique"],
            "filter": bounds,
            "interval": interval,
            "timezone": "Europe/Berlin",
            **({"by": by} if by else {}),
        }
        write.post("/api/metric-aggregates", "metric-aggregate", attributes)


@pytest.mark.parametrize("subject", ["campaign", "flow", "form", "segment"])
@pytest.mark.parametrize("shape", ["values", "series"])
def test_reports(write: Writer, subject: str, shape: str) -> None:
    if (subject, shape) == ("campaign", "series"):
        pytest.skip("Klaviyo has no such report")
    statistics = {
        "campaign": ["recipients", "open_rate", "conversion_value"],
        "flow": ["recipients", "click_rate", "conversions"],
        "form": ["viewed_form", "submit_rate"],
        "segment": ["total_members", "members_added"],
    }
    attributes: Json = {"statistics": statistics[subject], "timeframe": WEEK}
    if subject in ("campaign", "flow"):
        attributes["conversion_metric_id"] = write.ids("/api/metrics")[0]
    if shape == "series":
        attributes["interval"] = "daily"
    write.post(f"/api/{subject}-{shape}-reports", f"{subject}-{shape}-report", attributes)


def test_no_nonsense_is_taken_for_a_write(document: Document, sandbox: Sandbox) -> None:
    app = CheckedApp(sandbox.wsgi, document)
    client = Client(app)
    for operation in document.operations:
        if operation.takes and operation.template.startswith("/api/"):
            path = re.sub(r"\{\w+\}", "none", operation.template)
            for body in (
                {},
                {"data": None},
                {"data": {"type": "surprise"}},
                {"data": [{"type": "surprise"}]},
            ):
                client.open(
                    path, method=operation.method, json=body, headers=headers(sandbox.api_key) | JSONAPI
                )
    assert len(app.exchanges) >= 400
    passed = [f"{each.method} {each.url}" for each in app.exchanges if each.status < 400]
    assert not passed, passed
    wrong = [violation for each in app.exchanges for violation in each.in_answer]
    assert not wrong, wrong


@pytest.mark.parametrize(
    ("path", "changes", "status"),
    [
        ("/api/lists", {"Authorization": "Klaviyo-API-Key pk_wrong"}, 401),
        ("/api/lists", {"revision": ""}, 400),
        ("/api/lists", {"revision": "today"}, 400),
        ("/api/lists/none", {}, 404),
        ("/api/nowhere", {}, 404),
        ("/client/reviews?company_id=x", {}, 404),
    ],
)
def test_refusals_have_the_documents_shape(
    document: Document, sandbox: Sandbox, path: str, changes: dict[str, str], status: int
) -> None:
    app = CheckedApp(sandbox.wsgi, document)
    answer = Client(app).get(path, headers=headers(sandbox.api_key) | changes)
    assert answer.status_code == status
    assert document.check_response("GET", path, status, dict(answer.headers), answer.data) == []
