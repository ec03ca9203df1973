"""Who may ask, and how: keys, revision, routes, content types, both faces, connections."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import NOW, small_account
from tests.sandbox.api import Api, data


def gateway(sandbox: Sandbox, **headers: str | None) -> Api:
    known: dict[str, Any] = {"Authorization": f"Bearer {sandbox.maton_key}"}
    return Api(sandbox, prefix="/klaviyo", **known | headers)


class TestDirect:
    def test_an_answer_names_account_revision_and_request(self, api: Api) -> None:
        reply = api.get("/api/accounts")
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "application/vnd.api+json"
        assert reply.headers["CID"] == "ACC123"
        assert reply.headers["X-Klaviyo-API-Revision"] == "2026-01-15"
        assert reply.headers["X-Request-ID"] != api.get("/api/accounts").headers["X-Request-ID"]

    @pytest.mark.parametrize("header", [None, "Klaviyo-API-Key wrong", "Bearer maton_sandbox_key", "pk"])
    def test_without_the_key_it_is_401(self, sandbox: Sandbox, header: str | None) -> None:
        reply = Api(sandbox, Authorization=header).get("/api/accounts")
        assert reply.status == 401
        assert reply.error["status"] == 401
        assert set(reply.error) == {"id", "status", "code", "title", "detail", "source", "links", "meta"}

    @pytest.mark.parametrize("revision", [None, "", "latest", "2026-13-01", "2031-01-01", "2026-01-15.beta"])
    def test_without_a_revision_it_is_400(self, sandbox: Sandbox, revision: str | None) -> None:
        reply = Api(sandbox, revision=revision).get("/api/accounts")
        assert (reply.status, reply.error["code"]) == (400, "invalid")

    @pytest.mark.parametrize("revision", ["2026-01-15", "2026-04-15", "2026-07-15", "2026-10-15"])
    def test_each_served_revision_answers_itself(self, sandbox: Sandbox, revision: str) -> None:
        """An account of the past is asked by clients of today."""
        reply = Api(sandbox, revision=revision).get("/api/accounts")
        assert (reply.status, reply.headers["X-Klaviyo-API-Revision"]) == (200, revision)

    @pytest.mark.parametrize(
        ("revision", "why"),
        [
            ("2026-01-15.pre", "is a beta"),
            ("2026-06-30", "is not one that the sandbox serves"),
            ("2025-04-15", "is not one that the sandbox serves"),
            ("2026-12-15", "is in the future"),
        ],
    )
    def test_another_revision_is_refused(self, revision: str, why: str) -> None:
        today = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
        with Sandbox(account=small_account(), clock=lambda: today) as sandbox:
            reply = Api(sandbox, revision=revision).get("/api/accounts")
        assert reply.status == 400
        assert reply.error["detail"].startswith(f"Revision {revision} {why}")
        assert "X-Klaviyo-API-Revision" not in reply.headers

    def test_an_operation_of_another_revision_is_404_and_says_which(self, api: Api, sandbox: Sandbox) -> None:
        reply = api.get("/api/object-types")
        assert reply.status == 404
        assert (
            reply.error["detail"]
            == "Revision 2026-01-15 has no GET /api/object-types; revision 2026-07-15 has."
        )
        assert Api(sandbox, revision="2026-07-15").get("/api/object-types").status != 404
        assert Api(sandbox, revision="2026-04-15").get("/api/object-types").status == 404

    def test_a_path_may_end_with_a_slash(self, api: Api) -> None:
        assert api.get("/api/lists/").json == api.get("/api/lists").json
        assert api.get("/api/lists/LIST01/").json["data"]["id"] == "LIST01"
        assert api.get("/api/lists//").status == 404

    def test_a_retired_revision_falls_forward_unless_told_not_to(self, sandbox: Sandbox) -> None:
        old = Api(sandbox, revision="2023-01-24")
        assert old.get("/api/accounts").headers["X-Klaviyo-API-Revision"] == "2026-01-15"
        strict = Api(sandbox, revision="2023-01-24", X_Klaviyo_Revision_Fall_Forward_Opt_Out="1")
        assert strict.get("/api/accounts").status == 410

    @pytest.mark.parametrize(
        "path", ["/", "/api", "/api/", "/api/nothing", "/api/lists//", "/klaviyo", "/x/api/lists"]
    )
    def test_an_unknown_path_is_404(self, api: Api, path: str) -> None:
        assert api.get(path).status == 404

    def test_a_wrong_method_is_405_and_names_the_right_ones(self, api: Api) -> None:
        reply = api.send("PATCH", "/api/lists", data("list"))
        assert (reply.status, reply.headers["Allow"]) == (405, "GET, POST")
        assert api.post("/api/flows/FLOW01/flow-messages", {}).status == 404

    def test_an_unknown_id_is_404(self, api: Api) -> None:
        for path in (
            "/api/lists/none",
            "/api/lists/none/profiles",
            "/api/events/none",
            "/api/events/none/metric",
        ):
            assert api.get(path).status == 404, path

    def test_an_encoded_id_is_decoded(self, api: Api) -> None:
        assert api.get("/api/lists/LIST%301").json["data"]["id"] == "LIST01"

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
    def test_a_wrong_content_type_is_415(self, sandbox: Sandbox, content_type: str) -> None:
        reply = Api(sandbox, Content_Type=content_type).post("/api/lists", data("list", name="A"))
        assert reply.status == 415

    def test_a_body_that_is_not_json_is_400(self, api: Api) -> None:
        assert api.post("/api/lists", b"{").source == {"pointer": "/"}
        assert api.post("/api/lists", b"").status == 400

    def test_more_than_5_mb_is_413(self, api: Api) -> None:
        body = data("list", name="x" * 5 * 1024 * 1024)
        assert api.post("/api/lists", body).status == 413

    def test_a_packed_body_is_unpacked(self, sandbox: Sandbox) -> None:
        packed = Api(sandbox, Content_Encoding="gzip")
        body = gzip.compress(orjson.dumps(data("list", name="Packed")))
        reply = packed.post("/api/lists", body)
        assert (reply.status, reply.json["data"]["attributes"]["name"]) == (201, "Packed")
        assert packed.post("/api/lists", gzip.compress(b" " * 6_000_000)).status == 413
        for broken in (body[:-5], b"{}", b""):
            assert packed.post("/api/lists", broken).status == 400
        assert Api(sandbox, Content_Encoding="br").post("/api/lists", body).status == 415

    @pytest.mark.parametrize(
        ("accept", "packed"),
        [
            ("gzip, deflate, br", True),
            ("gzip;q=0.5", True),
            ("gzip;q=0", False),
            ("br", False),
            (None, False),
        ],
    )
    def test_answers_can_be_packed_for_those_who_take_them(
        self, sandbox: Sandbox, accept: str | None, packed: bool
    ) -> None:
        plain = Api(sandbox, Accept_Encoding=accept).get("/api/lists")
        assert "Content-Encoding" not in plain.headers
        sandbox.settings.compress = True
        reply = Api(sandbox, Accept_Encoding=accept).get("/api/lists")
        assert reply.headers.get("Content-Encoding") == ("gzip" if packed else None)
        assert int(reply.headers["Content-Length"]) == len(reply.body)
        assert (gzip.decompress(reply.body) if packed else reply.body) == plain.body
        assert Api(sandbox, Accept_Encoding=accept).delete("/api/lists/LIST02").body == b""

    def test_an_environ_without_the_raw_query_is_understood(self, sandbox: Sandbox, api: Api) -> None:
        """Not every server gives a REQUEST_URI, or one with the query in it."""
        headers = {name: value for name, value in api.headers.items() if value is not None}
        for uri in ("/api/lists", "http://a.klaviyo.com/api/lists", None):
            environ = EnvironBuilder(
                "/api/lists", query_string="sort=-id", headers=Headers(headers)
            ).get_environ()
            environ.pop("REQUEST_URI")
            if uri:
                environ["REQUEST_URI"] = uri
            body = b"".join(sandbox.wsgi(environ, lambda *_: lambda _: None))
            shown = [one["id"] for one in orjson.loads(body)["data"]]
            assert shown == api.get("/api/lists", sort="-id").ids

    def test_a_key_without_the_scope_is_403(self) -> None:
        sandbox = Sandbox(account=small_account(), keys={"pk_narrow": ["events:read"]})
        try:
            narrow = Api(sandbox, Authorization="Klaviyo-API-Key pk_narrow")
            assert narrow.get("/api/events").status == 200
            reply = narrow.get("/api/profiles")
            assert (reply.status, reply.error["code"]) == (403, "permission_denied")
            assert "profiles:read" in reply.error["detail"]
            assert narrow.get("/api/events", include="profile").status == 403, (
                "including needs the scope, too"
            )
        finally:
            sandbox.close()

    def test_what_is_not_served_yet_says_so(self, api: Api) -> None:
        reply = api.post("/api/profile-merge", data("profile-merge", "a", links={"profiles": []}))
        assert reply.status in (400, 501)


class TestGateway:
    def test_the_maton_key_reaches_the_same_account(self, sandbox: Sandbox, api: Api) -> None:
        assert gateway(sandbox).get("/api/lists").body == api.get("/api/lists").body

    @pytest.mark.parametrize(
        "header", [None, "Bearer wrong", "Klaviyo-API-Key pk_sandbox0000000000000000000000000000"]
    )
    def test_a_wrong_key_is_an_error_of_the_gateway(self, sandbox: Sandbox, header: str | None) -> None:
        reply = gateway(sandbox, Authorization=header).get("/api/lists")
        assert (reply.status, reply.headers["Content-Type"]) == (401, "application/json")
        assert "errors" not in reply.json

    def test_klaviyos_own_errors_pass_unchanged(self, sandbox: Sandbox) -> None:
        reply = gateway(sandbox, revision=None).get("/api/lists")
        assert (reply.status, reply.error["code"]) == (400, "invalid")

    def test_a_connection_can_be_named(self, sandbox: Sandbox) -> None:
        (connection,) = sandbox.connections.list()
        assert gateway(sandbox, Maton_Connection=connection.id).get("/api/lists").status == 200
        reply = gateway(sandbox, Maton_Connection="unknown").get("/api/lists")
        assert (reply.status, "errors" in reply.json) == (400, False)

    def test_without_an_active_connection_it_is_400(self, sandbox: Sandbox) -> None:
        (connection,) = sandbox.connections.list()
        sandbox.connections.fail(connection.id)
        reply = gateway(sandbox).get("/api/lists")
        assert (reply.status, "errors" in reply.json) == (400, False)

    def test_an_expired_grant_is_500(self, sandbox: Sandbox) -> None:
        (connection,) = sandbox.connections.list()
        sandbox.connections.expire(connection.id)
        assert gateway(sandbox).get("/api/lists").status == 500
        sandbox.connections.expire(connection.id, expired=False)
        assert gateway(sandbox).get("/api/lists").status == 200

    def test_a_connection_may_lack_scopes(self, sandbox: Sandbox) -> None:
        (connection,) = sandbox.connections.list()
        connection.scopes = {"lists:read"}
        assert gateway(sandbox).get("/api/lists").status == 200
        assert gateway(sandbox).get("/api/segments").status == 403


class TestConnections:
    @pytest.fixture
    def control(self, sandbox: Sandbox) -> Api:
        return Api(
            sandbox,
            Authorization=f"Bearer {sandbox.maton_key}",
            Content_Type="application/json",
            revision=None,
        )

    def test_list_filters_by_app_and_status(self, control: Api) -> None:
        (active,) = control.get("/connections").json["connections"]
        assert (active["status"], active["app"]) == ("ACTIVE", "klaviyo")
        assert set(active) >= {
            "connection_id",
            "creation_time",
            "last_updated_time",
            "url",
            "method",
            "metadata",
        }
        assert control.get("/connections", app="hubspot").json == {"connections": []}
        assert control.get("/connections", app="klaviyo", status="PENDING").json == {"connections": []}

    def test_a_new_one_waits_until_its_owner_consents(self, sandbox: Sandbox, control: Api) -> None:
        made = control.post("/connections", {"app": "klaviyo"}).json["connection"]
        assert made["status"] == "PENDING"
        assert made["url"].startswith("https://connect.maton.ai/?session_token=")
        path = f"/connections/{made['connection_id']}"
        assert control.get(path).json["connection"] == made
        assert gateway(sandbox, Maton_Connection=made["connection_id"]).get("/api/lists").status == 400
        sandbox.connections.activate(made["connection_id"])
        assert control.get(path).json["connection"]["status"] == "ACTIVE"
        assert gateway(sandbox, Maton_Connection=made["connection_id"]).get("/api/lists").status == 200

    @pytest.mark.parametrize("method", ["oauth2", 5, None])
    def test_a_method_that_nobody_knows_is_400(self, control: Api, method: Any) -> None:
        assert control.post("/connections", {"app": "klaviyo", "method": method}).status == 400

    def test_a_deleted_one_is_gone(self, control: Api) -> None:
        (active,) = control.get("/connections").json["connections"]
        path = f"/connections/{active['connection_id']}"
        assert control.delete(path).status == 200
        assert control.get(path).status == 404
        assert control.get("/connections").json == {"connections": []}

    def test_it_wants_the_maton_key_and_a_proper_body(self, sandbox: Sandbox, control: Api) -> None:
        assert Api(sandbox).get("/connections").status == 401
        assert control.post("/connections", {}).status == 400
        assert control.post("/connections", b"{").status == 400
        assert control.send("PUT", "/connections").status == 405


def test_the_present_goes_on_with_the_clock(sandbox: Sandbox, api: Api, clock: Clock) -> None:
    clock.now += 90
    made = api.post("/api/lists", data("list", name="Late")).json["data"]
    assert made["attributes"]["created"] == "2026-01-20T12:01:30+00:00"
    assert sandbox.account.now == NOW


def test_requests_are_kept_without_their_secrets(sandbox: Sandbox, api: Api) -> None:
    api.get("/api/lists", filter='equals(name,"A & B")', include="tags")
    api.post("/api/lists", data("list", name="Kept"))
    api.get("/api/nothing")
    listed, made, lost = sandbox.requests
    assert (listed.method, listed.path, listed.status) == ("GET", "/api/lists", 200)
    assert listed.params == {"filter": 'equals(name,"A & B")', "include": "tags"}
    assert listed.query.startswith("filter=equals%28name%2C%22")
    assert listed.headers["revision"] == "2026-01-15"
    assert listed.time == NOW
    assert (made.status, made.json["data"]["attributes"]["name"]) == (201, "Kept")
    assert lost.status == 404
    assert not any(sandbox.api_key in str(request) for request in sandbox.requests)
