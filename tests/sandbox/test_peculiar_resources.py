"""Images, webhooks, tags, custom and mapped metrics, forms, push tokens, stock and data sources."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.sandbox.accounts import record
from tests.sandbox.api import Api, Reply, data, identifiers

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class TestImages:
    def keep(self, api: Api, url: str, **attributes: Any) -> Reply:
        return api.post("/api/images", data("image", import_from_url=url, **attributes))

    def upload(self, api: Api, **fields: Any) -> Reply:
        headers = {name: value for name, value in api.headers.items() if value is not None}
        answer = api.client.post(
            "/api/image-upload", data=fields, headers=headers, content_type="multipart/form-data"
        )
        return Reply(answer.status_code, dict(answer.headers), answer.data)

    def test_from_a_data_uri(self, api: Api, sandbox: Sandbox) -> None:
        uri = f"data:image/gif;base64,{b64encode(PIXEL).decode()}"
        reply = self.keep(api, uri, name="pixel", hidden=True)
        image = reply.json["data"]
        found = image["attributes"]
        assert reply.status == 201
        assert (found["name"], found["format"], found["size"], found["hidden"]) == (
            "pixel",
            "gif",
            len(PIXEL),
            True,
        )
        assert api.get(f"/api/images/{image['id']}").json["data"]["attributes"] == found
        assert sandbox.account.records["image"][image["id"]].hidden == {"bytes": PIXEL}

    def test_from_the_web(self, api: Api, sandbox: Sandbox) -> None:
        image = self.keep(api, "https://shop.example/a/logo.PNG?v=2").json["data"]
        assert (image["attributes"]["name"], image["attributes"]["format"]) == ("logo", "png")
        assert sandbox.account.records["image"][image["id"]].hidden["url"].startswith("https://shop.example")

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://shop.example/a.png",
            "logo.png",
            "https://shop.example/a.svg",
            "data:image/png;base64,no",
            "data:image/png;base64",
            f"data:image/png;base64,{b64encode(b'<svg/>').decode()}",
        ],
    )
    def test_refused(self, api: Api, url: str) -> None:
        assert self.keep(api, url).source == {"pointer": "/data/attributes/import_from_url"}

    def test_from_a_file(self, api: Api, tmp_path: Any) -> None:
        file = tmp_path / "dot.gif"
        file.write_bytes(PIXEL)
        with file.open("rb") as stream:
            reply = self.upload(api, file=stream, hidden="true")
        found = reply.json["data"]["attributes"]
        assert (reply.status, found["name"], found["format"], found["hidden"]) == (201, "dot", "gif", True)

    def test_a_form_without_an_image(self, api: Api, tmp_path: Any) -> None:
        assert self.upload(api, name="x").source == {"pointer": "/file"}
        file = tmp_path / "dot.txt"
        file.write_bytes(b"text")
        with file.open("rb") as stream:
            assert self.upload(api, file=stream).source == {"pointer": "/file"}
        assert api.post("/api/image-upload", data("image")).status == 415

    def test_five_megabytes_at_most(self, api: Api) -> None:
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.gif"\r\n\r\n'
        form = head + PIXEL + bytes(5 * 1024 * 1024) + b"\r\n--b--\r\n"
        headers = api.headers | {"Content-Type": "multipart/form-data; boundary=b"}
        answer = api.client.post("/api/image-upload", data=form, headers=headers)
        assert answer.status_code == 413


class TestWebhooks:
    @pytest.fixture(autouse=True)
    def _topics(self, sandbox: Sandbox) -> None:
        topic = "event:klaviyo.sent_sms"
        sandbox.account.records["webhook-topic"] = {topic: record("webhook-topic", topic, {})}

    def make(
        self, api: Api, url: str = "https://hooks.shop.example/a/secret?key=1", links: Any = None
    ) -> Reply:
        attributes = {"name": "W", "endpoint_url": url, "secret_key": "s3cret"}
        topics = links or {"webhook-topics": identifiers("webhook-topic", "event:klaviyo.sent_sms")}
        return api.post("/api/webhooks", data("webhook", links=topics, **attributes))

    def test_the_address_is_shown_without_its_path(self, api: Api, sandbox: Sandbox) -> None:
        made = self.make(api).json["data"]
        assert made["attributes"]["endpoint_url"] == "https://hooks.shop.example/…"
        assert made["attributes"]["enabled"] is True
        path = f"/api/webhooks/{made['id']}"
        body = data("webhook", made["id"], endpoint_url="https://new.example/b", enabled=False)
        changed = api.patch(path, body).json["data"]["attributes"]
        assert (changed["endpoint_url"], changed["enabled"]) == ("https://new.example/…", False)
        hidden = sandbox.account.records["webhook"][made["id"]].hidden
        assert hidden == {"secret_key": "s3cret", "endpoint_url": "https://new.example/b"}
        body = data("webhook", made["id"], secret_key="other")
        assert "other" not in str(api.patch(path, body).json)
        assert sandbox.account.records["webhook"][made["id"]].hidden["secret_key"] == "other"

    def test_topics(self, api: Api) -> None:
        made = self.make(api).json["data"]["id"]
        found = api.get(f"/api/webhooks/{made}", include="webhook-topics").json
        assert [one["id"] for one in found["included"]] == ["event:klaviyo.sent_sms"]
        assert self.make(api, links={"webhook-topics": identifiers("webhook-topic", "none")}).status == 404

    def test_refused(self, api: Api) -> None:
        place = {"pointer": "/data/attributes/endpoint_url"}
        assert self.make(api, "http://shop.example").source == self.make(api, "https://").source == place
        made = self.make(api).json["data"]["id"]
        body = data("webhook", made, endpoint_url="http://shop.example")
        assert api.patch(f"/api/webhooks/{made}", body).source == place

    def test_ten_at_most(self, api: Api) -> None:
        assert [self.make(api).status for _ in range(11)] == [201] * 10 + [400]


class TestTags:
    def tag(self, api: Api, group: str, name: str) -> str:
        links = {"tag-group": {"type": "tag-group", "id": group}}
        return str(api.post("/api/tags", data("tag", links=links, name=name)).json["data"]["id"])

    def put(self, api: Api, tag: str, *lists: str) -> Reply:
        return api.post(f"/api/tags/{tag}/relationships/lists", {"data": identifiers("list", *lists)})

    @pytest.mark.parametrize(("exclusive", "status"), [(True, 400), (False, 204)])
    def test_of_an_exclusive_group_only_one(self, api: Api, exclusive: bool, status: int) -> None:
        group = api.post("/api/tag-groups", data("tag-group", name="G", exclusive=exclusive)).json["data"][
            "id"
        ]
        first, second = self.tag(api, group, "a"), self.tag(api, group, "b")
        assert self.put(api, first, "LIST02").status == 204
        assert self.put(api, first, "LIST02").status == 204, "the same again"
        reply = self.put(api, second, "LIST03", "LIST02")
        assert reply.status == status
        assert len(api.get("/api/lists/LIST03/tags").ids) == (0 if exclusive else 1), "all or none"
        if exclusive:
            assert reply.source == {"pointer": "/data/1"}
            api.delete(f"/api/tags/{first}/relationships/lists", {"data": identifiers("list", "LIST02")})
            assert self.put(api, second, "LIST02").status == 204

    def test_a_hundred_each(self, api: Api, sandbox: Sandbox) -> None:
        tags = {
            f"t{number}": record("tag", f"t{number}", {"name": f"n{number}"}, tag_group="group-1")
            for number in range(101)
        }
        sandbox.account.records["tag"] |= tags
        sandbox.account.records["list"]["LIST02"].relationships["tags"] = list(tags)[:100]
        assert self.put(api, "t100", "LIST02").source == {"pointer": "/data/0"}
        assert self.put(api, "t99", "LIST02").status == 204, "it has this one"

    @pytest.mark.parametrize(("type_", "most"), [("tag", 500), ("tag-group", 50)])
    def test_limits_of_the_account(self, api: Api, sandbox: Sandbox, type_: str, most: int) -> None:
        known = sandbox.account.records[type_]
        attributes = {"exclusive": False, "default": False}
        known |= {
            f"x{number}": record(type_, f"x{number}", {"name": f"x{number}"} | attributes)
            for number in range(most - len(known) - 1)
        }
        assert [api.post(f"/api/{type_}s", data(type_, name=name)).status for name in "ab"] == [201, 400]

    def test_names_stay_unique(self, api: Api) -> None:
        tag = self.tag(api, "group-1", "a")
        assert api.patch(f"/api/tags/{tag}", data("tag", tag, name="winter")).status == 409
        assert api.patch(f"/api/tags/{tag}", data("tag", tag, name="a")).status == 204


class TestMetrics:
    def make(self, api: Api, method: str = "count", **group: Any) -> Reply:
        groups = [{"metric_id": "PLACED"} | group]
        definition = {"aggregation_method": method, "metric_groups": groups}
        return api.post("/api/custom-metrics", data("custom-metric", name="New", definition=definition))

    def test_a_custom_metric_knows_its_metrics(self, api: Api) -> None:
        made = self.make(api).json["data"]["id"]
        assert api.get(f"/api/custom-metrics/{made}/metrics").ids == ["PLACED"]
        definition = {
            "aggregation_method": "count",
            "metric_groups": [{"metric_id": "OPENED"}, {"metric_id": "RCEIVD"}],
        }
        api.patch(f"/api/custom-metrics/{made}", data("custom-metric", made, definition=definition))
        assert api.get(f"/api/custom-metrics/{made}/metrics").ids == ["OPENED", "RCEIVD"]

    def test_refused(self, api: Api) -> None:
        place = "/data/attributes/definition/metric_groups"
        assert self.make(api, metric_id="none").source == {"pointer": f"{place}/0/metric_id"}
        assert self.make(api, "value").source == {"pointer": f"{place}/0/value_property"}
        assert self.make(api, "value", value_property="$value").status == 201
        assert self.make(api).status == 409, "the name is taken"

    def test_a_mapped_metric_is_one_thing(self, api: Api, sandbox: Sandbox) -> None:
        mapped = record("mapped-metric", "revenue", {"updated": None}, metric="PLACED", custom_metric=None)
        sandbox.account.records["mapped-metric"] = {"revenue": mapped}
        custom = {"type": "custom-metric", "id": self.make(api).json["data"]["id"]}
        path, metric = "/api/mapped-metrics/revenue", {"type": "metric", "id": "OPENED"}

        def change(**links: Any) -> Reply:
            known = {name.replace("_", "-"): value for name, value in links.items()}
            body = data("mapped-metric", "revenue", links=known)
            del body["data"]["attributes"]
            return api.patch(path, body)

        assert change(custom_metric=custom).status == 200
        assert [one["type"] for one in api.get(path, include="metric,custom-metric").json["included"]] == [
            "custom-metric"
        ]
        assert change(metric=metric).status == 200
        assert [one["id"] for one in api.get(path, include="metric,custom-metric").json["included"]] == [
            "OPENED"
        ]
        assert change(metric=metric, custom_metric=custom).source == {"pointer": "/data/relationships"}


class TestForms:
    def test_its_versions(self, api: Api) -> None:
        step: dict[str, Any] = {"columns": [{"rows": []}]}
        versions = [{"steps": [step], "type": "flyout", "name": "A"}, {"steps": [step], "name": "B"}]
        body = data("form", name="Join", status="draft", ab_test=True, definition={"versions": versions})
        form = api.post("/api/forms", body).json["data"]
        shown = api.get(f"/api/forms/{form['id']}/form-versions").json["data"]
        assert sorted(
            (one["attributes"]["variation_name"], one["attributes"]["form_type"]) for one in shown
        ) == [
            ("A", "flyout"),
            ("B", "popup"),
        ]
        assert shown[0]["attributes"]["ab_test"]["variation_name"] == shown[0]["attributes"]["variation_name"]
        assert {str(one["id"]) for one in form["attributes"]["definition"]["versions"]} == {
            one["id"] for one in shown
        }
        assert api.delete(f"/api/forms/{form['id']}").status == 204
        assert api.get(f"/api/form-versions/{shown[0]['id']}").status == 404
        body["data"]["attributes"] |= {"definition": {"versions": [{"steps": [step]}]}, "ab_test": False}
        plain = api.post("/api/forms", body).json["data"]
        only = api.get(f"/api/forms/{plain['id']}/form-versions").json["data"][0]["attributes"]
        assert (only["variation_name"], only["ab_test"], only["status"]) == ("Join", None, "draft")
        body["data"]["attributes"]["definition"] = {"versions": []}
        assert api.post("/api/forms", body).source == {"pointer": "/data/attributes/definition/versions"}


class TestPushTokens:
    def make(self, api: Api, email: str, **attributes: Any) -> Reply:
        profile = {"data": data("profile", email=email)["data"]}
        known = {"token": "t-1", "platform": "ios", "vendor": "apns", "profile": profile} | attributes
        return api.post("/api/push-tokens", data("push-token", **known))

    def test_a_token_belongs_to_one_profile(self, api: Api) -> None:
        reply = self.make(api, "anna@shop.example", device_metadata={"os_name": "ios"})
        assert (reply.status, reply.body) == (202, b"")
        found = api.get("/api/profiles/01ANNA/push-tokens").json["data"][0]
        assert found["attributes"]["metadata"] == {"os_name": "ios"}
        assert found["attributes"]["enablement_status"] == "AUTHORIZED"
        assert found["attributes"]["background"] == "AVAILABLE"
        self.make(api, "new@shop.example", enablement_status="DENIED")
        assert api.get("/api/profiles/01ANNA/push-tokens").ids == []
        again = api.get(f"/api/push-tokens/{found['id']}", include="profile").json
        assert again["data"]["attributes"]["enablement_status"] == "DENIED"
        assert again["included"][0]["attributes"]["email"] == "new@shop.example"
        assert api.delete(f"/api/push-tokens/{found['id']}").status == 204


class TestStock:
    def test_somebody_waits_for_a_variant(self, api: Api, sandbox: Sandbox) -> None:
        variant = record("catalog-variant", "$custom:::$default:::v", {"external_id": "v"})
        sandbox.account.records["catalog-variant"] = {variant.id: variant}

        def ask(variant: str, **attributes: Any) -> Reply:
            links = {"variant": {"type": "catalog-variant", "id": variant}}
            known = {
                "channels": ["EMAIL"],
                "profile": {"data": data("profile", email="new@shop.example")["data"]},
            }
            body = data("back-in-stock-subscription", links=links, **known | attributes)
            return api.post("/api/back-in-stock-subscriptions", body)

        assert ask(variant.id).status == 202
        newest = api.get("/api/events", page__size=1, include="metric").json
        assert newest["included"][0]["attributes"]["name"] == "Subscribed to Back in Stock"
        assert newest["data"][0]["attributes"]["event_properties"]["VariantId"] == "v"
        assert ask("none").status == 404
        assert ask(variant.id, channels=[]).source == {"pointer": "/data/attributes/channels"}


class TestDataSources:
    def test_records_are_kept(self, api: Api, sandbox: Sandbox) -> None:
        source = api.post("/api/data-sources", data("data-source", title="Till")).json["data"]["id"]
        links = {"data-source": {"type": "data-source", "id": source}}
        row = data("data-source-record", record={"shop": 1})["data"]
        one = data("data-source-record-create-job", links=links, **{"data-source-record": {"data": row}})
        reply = api.post("/api/data-source-record-create-jobs", one)
        assert (reply.status, reply.body) == (204, b"")
        type_ = "data-source-record-bulk-create-job"

        def many(number: int, links: Any = links) -> int:
            body = data(type_, links=links, **{"data-source-records": {"data": [row] * number}})
            return api.post(f"/api/{type_}s", body).status

        row_of_512_kb = data("data-source-record", record={"x": "y" * 524_288})["data"]
        one["data"]["attributes"] = {"data-source-record": {"data": row_of_512_kb}}
        assert api.post("/api/data-source-record-create-jobs", one).status == 413
        assert [many(number) for number in (0, 500, 501)] == [400, 204, 400]
        assert len(sandbox.account.records["data-source-record"]) == 501
        assert many(1, None) == 400
        assert many(1, {"data-source": {"type": "data-source", "id": "none"}}) == 404
