"""Calls: paced by the table's limits, replayed where it allows that, errors of one kind, refused page sizes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klaviyo_analytics import endpoints, errors
from klaviyo_analytics.endpoints.api import Api
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, data, error
from tests.http.senders import transport

CATALOG = endpoints.load()
LOST = Answer(silent=True)


def api(server: ScriptedServer, *, gateway: bool = False, clock: Clock | None = None) -> Api:
    return Api(transport(server.url, clock=clock), CATALOG, gateway=gateway)


def test_what_appends_is_never_sent_twice() -> None:
    appends = {"data": {"meta": {"patch_properties": {"append": {"tea": "green"}}}}}
    for body, asked in (({"data": {}}, 2), (appends, 1)):
        with ScriptedServer(LOST, Answer()) as server:
            try:
                api(server).request("PATCH", "/api/profiles/1", json=body)
            except errors.ConnectionFailedError:
                assert asked == 1
            assert len(server.asked) == asked


def test_a_caller_may_say_whether_a_call_is_safe_to_repeat() -> None:
    report = data({"type": "metric-aggregate", "id": "1"})
    for operation, safe, asked in (
        ("create_event", True, 2),
        ("create_event", None, 1),
        ("query_metric_aggregates", None, 2),
        ("query_metric_aggregates", False, 1),
    ):
        done = report if operation.startswith("query") else Answer(202, b"")
        with ScriptedServer(LOST, done) as server:
            try:
                api(server).call(operation, json={}, replay_safe=safe)
            except errors.ConnectionFailedError:
                assert asked == 1
            assert len(server.asked) == asked, operation


def test_an_inquiry_waits_a_few_seconds_at_most() -> None:
    for told, asked in ((3, 2), (6, 1)):
        with ScriptedServer(error(429, headers={"Retry-After": str(told)}), Answer()) as server:
            reply = api(server).ask("get_accounts")
            assert (reply.status, len(server.asked)) == (200 if asked == 2 else 429, asked)


class TestPacing:
    def waits(
        self, operation: str, count: int, params: dict[str, str] | None = None, *, gateway: bool = False
    ) -> float:
        clock = Clock()
        ids = {"id": "1"} if operation == "get_profile" else None
        with ScriptedServer() as server:
            caller = api(server, gateway=gateway, clock=clock)
            for _ in range(count):
                caller.call(operation, ids, params=params)
        return sum(clock.slept)

    def test_an_endpoint_keeps_its_own_limits(self) -> None:
        assert self.waits("get_profiles", 75) == 0
        assert 1 < self.waits("get_profiles", 76) < 1.2

    def test_the_gateway_has_one_of_its_own(self) -> None:
        assert self.waits("get_profiles", 10, gateway=True) == 0
        assert 1 < self.waits("get_profiles", 11, gateway=True) < 1.2

    def test_a_dear_parameter_costs_more(self) -> None:
        assert self.waits("get_profile", 3) == 0
        assert 2 < self.waits("get_profile", 3, {"include": "lists"}) < 2.3
        dear = {"additional-fields[profile]": "subscriptions,predictive_analytics"}
        assert self.waits("get_profiles", 10, dear) == 0
        assert 1 < self.waits("get_profiles", 11, dear) < 1.2

    def test_a_dear_parameter_counts_across_endpoints(self) -> None:
        clock = Clock()
        dear = {"additional-fields[profile]": "predictive_analytics"}
        with ScriptedServer() as server:
            caller = api(server, clock=clock)
            for _ in range(10):
                caller.call("get_profiles", params=dear)
            caller.call("get_profiles_for_list", {"id": "1"}, params=dear)
        assert clock.slept

    def test_a_page_costs_as_much_as_its_first(self) -> None:
        clock = Clock()
        pages = [
            data(links={"next": f"https://a.klaviyo.com/api/flows?page%5Bcursor%5D={n}"}) for n in range(3)
        ]
        with ScriptedServer(*pages, data()) as server:
            assert (
                len(list(api(server, clock=clock).pages(CATALOG["get_flows"], {}, {}, size=50, chosen=False)))
                == 4
            )
        assert 1 < sum(clock.slept) < 1.2  # three a second


class TestRequest:
    @pytest.mark.parametrize(
        "path",
        [
            "profiles",
            "/profiles",
            "api/profiles",
            "https://evil.example/api/profiles",
            "//evil.example/api/",
            "",
        ],
    )
    def test_a_path_begins_below_the_base_url(self, path: str) -> None:
        with ScriptedServer() as server, pytest.raises(errors.KlaviyoError, match="from /api/ on"):
            api(server).request("GET", path)
        assert server.asked == []

    def test_parameters_are_written_as_the_api_wants_them(self) -> None:
        params = {"include": ["a", "b"], "archived": True, "page[size]": 5, "sort": None}
        with ScriptedServer() as server:
            api(server).request("get", "/api/profiles?x=1", params=params)
        assert server.targets() == ["/api/profiles?x=1&include=a%2Cb&archived=true&page%5Bsize%5D=5"]

    def test_a_body_is_json(self) -> None:
        with ScriptedServer(Answer(204, b"")) as server:
            assert api(server).request("PATCH", "/api/x", json={"é": [1, None]}) is None
        assert json.loads(server.asked[0].body) == {"é": [1, None]}

    def test_a_body_that_is_no_json_is_refused(self) -> None:
        with (
            ScriptedServer() as server,
            pytest.raises(errors.InvalidInputError, match="cannot be written as JSON"),
        ):
            api(server).request("POST", "/api/x", json={"a": object()})

    @pytest.mark.parametrize(
        ("method", "path", "times"),
        [
            ("GET", "/api/nobody-knows", 2),
            ("DELETE", "/api/nobody-knows/1", 2),
            ("POST", "/api/nobody-knows", 1),
            ("PATCH", "/api/nobody-knows/1", 1),
            ("POST", "/api/metric-aggregates", 2),
            ("POST", "/api/events", 1),
            ("PATCH", "/api/lists/1", 2),
        ],
    )
    def test_only_what_is_known_to_be_safe_is_repeated(self, method: str, path: str, times: int) -> None:
        with ScriptedServer(LOST, data()) as server:
            if times == 1:
                with pytest.raises(errors.ConnectionFailedError):
                    api(server).request(method, path)
            else:
                api(server).request(method, path)
        assert len(server.asked) == times

    def test_errors_name_method_and_path_and_no_query(self) -> None:
        with ScriptedServer(error(404)) as server, pytest.raises(errors.NotFoundError) as caught:
            api(server).request("GET", "/api/profiles/1", params={"filter": 'equals(email,"ann@b.c")'})
        said = "404 some_code from GET /api/profiles/1: A detail; request id e-1. "
        assert str(caught.value) == f"{said}If you passed a name, look up its id with find(name=...)"


class TestLostAnswers:
    def test_what_an_earlier_attempt_deleted_is_deleted(self) -> None:
        with ScriptedServer(LOST, error(404)) as server:
            assert api(server).request("DELETE", "/api/lists/1") is None

    @pytest.mark.parametrize("first", [error(429), error(404)])
    def test_what_was_never_there_is_not_found(self, first: Answer) -> None:
        with ScriptedServer(first, error(404)) as server, pytest.raises(errors.NotFoundError):
            api(server).request("DELETE", "/api/lists/1")

    @pytest.mark.parametrize("status", [400, 401, 403, 409])
    def test_no_other_error_is_taken_for_success(self, status: int) -> None:
        with ScriptedServer(LOST, error(status)) as server, pytest.raises(errors.ApiError):
            api(server).request("DELETE", "/api/lists/1")

    def test_a_read_that_finds_nothing_is_no_success(self) -> None:
        with ScriptedServer(LOST, error(404)) as server, pytest.raises(errors.NotFoundError):
            api(server).request("GET", "/api/lists/1")


class TestRefusedPageSizes:
    REFUSAL = error(400, source={"parameter": "page[size]"})

    def read(
        self, server: ScriptedServer, size: int | None = 1_000, *, chosen: bool = False, times: int = 1
    ) -> list[Any]:
        caller = api(server)
        events = CATALOG["get_events"]
        return [
            p
            for _ in range(times)
            for p in caller.pages(events, {}, {"sort": "datetime"}, size=size, chosen=chosen)
        ]

    def test_the_documented_default_is_taken_instead_and_remembered(self) -> None:
        with ScriptedServer(self.REFUSAL, data()) as server:
            assert len(self.read(server, times=2)) == 2
        sizes = [target.rpartition("=")[2] for target in server.targets()]
        assert sizes == ["1000", "200", "200"]
        assert all("sort=datetime" in target for target in server.targets())

    def test_a_smaller_wish_is_not_made_larger(self) -> None:
        with ScriptedServer(self.REFUSAL, data()) as server:
            caller = api(server)
            for size in (1_000, 30):
                list(caller.pages(CATALOG["get_events"], {}, {}, size=size, chosen=False))
        assert server.targets()[-1].endswith("=30")

    @pytest.mark.parametrize(
        ("refusal", "size", "chosen"),
        [
            (REFUSAL, 1_000, True),
            (REFUSAL, 200, False),
            (REFUSAL, 50, False),
            (error(400, source={"parameter": "filter"}), 1_000, False),
            (error(400), 1_000, False),
            (error(403, source={"parameter": "page[size]"}), 1_000, False),
        ],
    )
    def test_any_other_refusal_is_told(self, refusal: Answer, size: int, chosen: bool) -> None:
        with ScriptedServer(refusal) as server, pytest.raises(errors.ApiError):
            self.read(server, size, chosen=chosen)
        assert len(server.asked) == 1

    def test_a_refusal_in_the_middle_is_told(self) -> None:
        first = data(links={"next": "https://a.klaviyo.com/api/events?page%5Bcursor%5D=b"})
        with ScriptedServer(first, self.REFUSAL) as server, pytest.raises(errors.ValidationError):
            self.read(server)
        assert len(server.asked) == 2


def test_the_gateways_own_errors_are_told_apart() -> None:
    with ScriptedServer(Answer(400, b'{"message":"no connection"}')) as server:
        with pytest.raises(errors.GatewayError, match=r"ka\.Connections"):
            api(server, gateway=True).call("get_profiles")
        with pytest.raises(errors.ValidationError, match="no connection"):
            api(server).call("get_profiles")
