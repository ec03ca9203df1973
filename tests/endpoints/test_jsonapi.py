"""Answers: each status is one class, however odd the body; the gateway's own errors are told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from klaviyo_analytics import errors
from klaviyo_analytics.endpoints import jsonapi
from klaviyo_analytics.http.session import Reply

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["errors", "id", "code", "detail", "title", "source", "meta", "message", "error", "data"]),
        inner, max_size=4,
    ),
)  # fmt: skip


def reply(status: int, body: Any = b"", **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    document = None if isinstance(body, bytes) else body
    return Reply(status, CaseInsensitiveDict(names), raw, document)


def error(answer: Reply, *, gateway: bool = False) -> errors.ApiError:
    return jsonapi.error(answer, method="GET", path="/api/profiles?page%5Bcursor%5D=x", gateway=gateway)


KINDS = {
    400: errors.ValidationError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    405: errors.ValidationError,
    409: errors.ConflictError,
    410: errors.ValidationError,
    413: errors.ValidationError,
    415: errors.ValidationError,
    422: errors.ValidationError,
    429: errors.RateLimitError,
    500: errors.ServerError,
    502: errors.ServerError,
    503: errors.ServerError,
    520: errors.ServerError,
}
KLAVIYOS = {
    "errors": [{"id": "req-1", "code": "c", "title": "t", "detail": "d", "source": {"parameter": "filter"}}]
}
ODD = [b"", b"<html><title>Oops</title></html>", b"\xff\xfe", {}, [], "text", 7, None,
       {"errors": None}, {"errors": []},
       {"errors": "odd"}, {"errors": ["odd", 5]}, {"errors": {"id": 1}}]  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
@pytest.mark.parametrize("gateway", [False, True])
def test_each_status_is_one_class(status: int, kind: type[errors.ApiError], gateway: bool) -> None:
    problem = error(reply(status, KLAVIYOS), gateway=gateway)
    assert type(problem) is kind
    assert (problem.status, problem.code, problem.detail, problem.parameter) == (status, "c", "d", "filter")
    assert (problem.method, problem.path, problem.request_id) == ("GET", "/api/profiles", "req-1")


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
@pytest.mark.parametrize("body", ODD, ids=repr)
def test_also_with_an_odd_body(status: int, kind: type[errors.ApiError], body: Any) -> None:
    problem = error(reply(status, body))
    assert type(problem) is kind
    assert str(problem).startswith(f"{status} from GET /api/profiles: ")
    assert problem.errors == ()


@given(st.sampled_from(sorted(KINDS)), JSON, st.booleans())
def test_whatever_json_comes_there_is_one_error_with_a_sentence(
    status: int, body: Any, gateway: bool
) -> None:
    problem = error(reply(status, body), gateway=gateway)
    assert isinstance(problem, KINDS[status] | errors.GatewayError)
    assert str(status) in str(problem)


class TestWords:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"<html><title>Just a\n moment...</title></html>", "a web page titled"),
            (b"<p>Bad <b>gateway</b></p>", "Bad gateway"),
            (b"upstream connect error", "upstream connect error"),
            ({"message": "No quota"}, "No quota"),
            ({"error": "No quota"}, "No quota"),
            ({"error": {"message": "No quota"}}, "No quota"),
            ({"detail": "No quota"}, "No quota"),
        ],
    )
    def test_what_is_no_jsonapi_is_quoted(self, body: Any, words: str) -> None:
        assert words in str(error(reply(502, body)))

    def test_they_are_short_and_hold_nobodys_data(self) -> None:
        body = {"message": "ann@mail.example.net +15551234567 pk_abcdef token=abc " + "x" * 5_000}
        problem = error(reply(502, body))
        assert len(str(problem)) < 500
        assert not any(secret in str(problem) for secret in ("ann@", "5551234567", "pk_abcdef", "token=abc"))


class TestHeaders:
    def test_the_servers_wish_is_kept(self) -> None:
        problem = error(reply(429, KLAVIYOS, Retry_After="17"))
        assert problem.retry_after == 17
        assert "come back in 17 s" in str(problem)

    @pytest.mark.parametrize("text", ["", "soon"])
    def test_an_odd_wish_is_none(self, text: str) -> None:
        assert error(reply(429, b"", Retry_After=text)).retry_after is None

    def test_a_request_id_of_the_header_will_do(self) -> None:
        assert error(reply(500, b"", X_Request_Id="abc")).request_id == "abc"


class TestTheGatewaysOwn:
    @pytest.mark.parametrize(
        ("status", "kind", "advice"),
        [
            (400, errors.GatewayError, "no active Klaviyo connection"),
            (401, errors.AuthenticationError, "check MATON_API_KEY"),
            (500, errors.GatewayError, "make a new connection"),
        ],
    )
    @pytest.mark.parametrize("body", ODD, ids=repr)
    def test_without_jsonapi_errors_it_is_the_gateway_that_speaks(
        self, status: int, kind: type[errors.ApiError], advice: str, body: Any
    ) -> None:
        problem = error(reply(status, body), gateway=True)
        assert type(problem) is kind
        assert advice in str(problem)
        assert advice not in str(error(reply(status, body)))

    def test_what_it_said_itself_is_quoted(self) -> None:
        problem = error(reply(400, {"message": "connection not found"}), gateway=True)
        assert "(it said: connection not found)" in str(problem)


class TestDocuments:
    @pytest.mark.parametrize(
        ("document", "count"),
        [
            ({"data": []}, 0),
            ({"data": None}, 0),
            ({"data": {"id": "1"}}, 1),
            ({"data": [{"id": "1"}] * 3}, 3),
        ],
    )
    def test_primary_data_is_a_list(self, document: Any, count: int) -> None:
        assert len(jsonapi.resources(document, "GET /api/x")) == count

    @pytest.mark.parametrize("document", [None, [], "x", 7, {}, {"meta": 1}, {"errors": []}])
    def test_an_answer_without_data_is_malformed(self, document: Any) -> None:
        with pytest.raises(
            errors.MalformedResponseError, match=r"GET /api/x answered without data.*base_url"
        ):
            jsonapi.resources(document, "GET /api/x")

    @pytest.mark.parametrize(
        "data", ["x", 7, True, [1], [None], [{"type": "profile"}], {"type": "profile"}, [[]]]
    )
    def test_data_that_are_no_resources_are_malformed(self, data: Any) -> None:
        with pytest.raises(errors.MalformedResponseError, match="not JSON:API resources"):
            jsonapi.resources({"data": data}, "GET /api/x")

    def test_included_resources_are_found_by_type_and_id(self) -> None:
        one, two = {"type": "profile", "id": "1"}, {"type": "metric", "id": "1"}
        documents = [{"included": [one]}, {}, {"included": None}, {"included": [two]}]
        assert jsonapi.included(documents) == {("profile", "1"): one, ("metric", "1"): two}

    @pytest.mark.parametrize("included", ["x", 7, {"type": "a", "id": "1"}, [1], [{"id": "1"}], [None]])
    def test_odd_included_resources_are_malformed(self, included: Any) -> None:
        with pytest.raises(errors.MalformedResponseError, match="included"):
            jsonapi.included([{"included": included}])


class TestOnly:
    def test_one_resource_is_returned(self) -> None:
        record = {"type": "tag", "id": "1"}
        for held in (record, [record]):
            assert jsonapi.only({"data": held}, "GET /api/x", "tag") is record
        assert jsonapi.only({"data": {"id": "1"}}, "GET /api/x", "tag") == {"id": "1"}

    @pytest.mark.parametrize(
        ("document", "says"),
        [
            ({"data": []}, "contains no resource"),
            ({"data": None}, "contains no resource"),
            ({"data": [{"id": "1"}, {"id": "2"}]}, "contains 2 resources instead of one"),
            ({"data": {"type": "list", "id": "1"}}, "a resource of the type 'list'; expected 'tag'"),
            ({}, "without data"),
            (None, "without data"),
        ],
    )
    def test_anything_else_is_an_error(self, document: Any, says: str) -> None:
        with pytest.raises(errors.MalformedResponseError, match=says):
            jsonapi.only(document, "GET /api/x", "tag")

    def test_null_is_not_an_empty_list(self) -> None:
        assert jsonapi.listed({"data": []}, "GET /api/x") == []
        with pytest.raises(errors.MalformedResponseError, match="null instead of a list"):
            jsonapi.listed({"data": None}, "GET /api/x")
        with pytest.raises(errors.MalformedResponseError, match="expected 'tag'"):
            jsonapi.listed(
                {"data": [{"type": "tag", "id": "1"}, {"type": "x", "id": "2"}]}, "GET /api/x", "tag"
            )
