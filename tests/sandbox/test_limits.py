"""Rate limits: windows of a second, a minute and a day, on a clock that moves only when told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import NOW, small_account
from tests.sandbox.api import Api, data

MIDNIGHT = NOW - NOW % 86_400


@pytest.fixture
def clock() -> Clock:
    return Clock(MIDNIGHT)


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(account=small_account(), clock=clock, rate_limits=True) as sandbox:
        yield sandbox


def spend(api: Api, path: str, times: int, **parameters: str) -> list[int]:
    return [api.get(path, **parameters).status for _ in range(times)]


class TestWindows:
    def test_headers_count_down(self, api: Api) -> None:
        first, second = api.get("/api/metrics").headers, api.get("/api/metrics").headers
        assert first["RateLimit-Limit"] == "10, 10;w=1, 150;w=60"
        assert [first["RateLimit-Remaining"], second["RateLimit-Remaining"]] == ["9", "8"]
        assert first["RateLimit-Reset"] == "1"
        assert "Retry-After" not in first

    def test_the_burst_window(self, api: Api, clock: Clock) -> None:
        assert spend(api, "/api/metrics", 11) == [200] * 10 + [429]
        clock.now += 0.999
        assert api.get("/api/metrics").status == 429
        clock.now += 0.001
        assert spend(api, "/api/metrics", 11) == [200] * 10 + [429], "windows are fixed, not sliding"

    def test_a_429_says_only_when_to_come_back(self, api: Api) -> None:
        spend(api, "/api/accounts", 1)
        reply = api.get("/api/accounts")
        assert (reply.status, reply.error["code"], reply.headers["Retry-After"]) == (429, "throttled", "1")
        assert not [name for name in reply.headers if name.startswith("RateLimit")]

    def test_the_steady_window(self, api: Api, clock: Clock) -> None:
        for _ in range(15):
            assert api.get("/api/accounts").status == 200
            clock.now += 1
        reply = api.get("/api/accounts")
        assert (reply.status, reply.headers["Retry-After"]) == (429, "45")
        clock.now += 45
        assert api.get("/api/accounts").status == 200

    def test_waits_are_rounded_up(self, api: Api, clock: Clock) -> None:
        clock.now += 0.25
        spend(api, "/api/accounts", 1)
        assert api.get("/api/accounts").headers["Retry-After"] == "1"
        for _ in range(14):
            clock.now += 1
            api.get("/api/accounts")
        clock.now += 1
        assert api.get("/api/accounts").headers["Retry-After"] == "45"

    def test_the_daily_window(self, api: Api, clock: Clock) -> None:
        for number in range(100):
            attributes = {"name": f"S{number}", "definition": {"condition_groups": []}}
            assert api.post("/api/segments", data("segment", **attributes)).status == 201
            clock.now += 60
        reply = api.post("/api/segments", data("segment", name="S", definition={"condition_groups": []}))
        assert (reply.status, int(reply.headers["Retry-After"])) == (429, 86_400 - 6000)

    def test_endpoints_do_not_share(self, api: Api) -> None:
        assert spend(api, "/api/accounts", 2) == [200, 429]
        assert api.get("/api/accounts/ACC123").status == 200
        assert api.get("/api/webhooks").status == 200

    def test_errors_count_as_well(self, api: Api) -> None:
        assert spend(api, "/api/accounts", 2, nonsense="1") == [400, 429]


class TestExtraBuckets:
    def test_predictive_analytics_is_shared_by_all_endpoints(self, api: Api) -> None:
        asked = {"additional_fields__profile": "subscriptions,predictive_analytics"}
        assert spend(api, "/api/profiles", 6, **asked) == [200] * 6
        assert spend(api, "/api/profiles/01ANNA", 5, **asked) == [200] * 4 + [429]
        assert api.get("/api/profiles").status == 200
        assert api.get("/api/profiles", additional_fields__profile="subscriptions").status == 200

    def test_profile_count_costs_more(self, api: Api) -> None:
        assert spend(api, "/api/lists/LIST01", 2, additional_fields__list="profile_count") == [200, 429]
        assert api.get("/api/lists/LIST01").status == 200

    @pytest.mark.parametrize("include", ["lists", "segments", "push-tokens,lists"])
    def test_including_groups_on_one_profile_costs_more(self, api: Api, include: str) -> None:
        assert spend(api, "/api/profiles/01ANNA", 2, include=include) == [200, 429]
        assert api.get("/api/profiles/01ANNA", include="push-tokens").status == 200


class TestGateway:
    def test_maton_allows_ten_a_second_in_all(self, sandbox: Sandbox, clock: Clock) -> None:
        gateway = Api(sandbox, prefix="/klaviyo", Authorization=f"Bearer {sandbox.maton_key}")
        assert spend(gateway, "/api/events", 5) + spend(gateway, "/api/profiles", 5) == [200] * 10
        reply = gateway.get("/api/lists")
        assert (reply.status, reply.headers["Content-Type"]) == (429, "application/json")
        assert "Retry-After" not in reply.headers
        clock.now += 1
        assert gateway.get("/api/lists").status == 200


def test_the_gateway_has_a_quota_of_its_own(sandbox: Sandbox, api: Api) -> None:
    gateway = Api(sandbox, prefix="/klaviyo", Authorization=f"Bearer {sandbox.maton_key}")
    assert [api.get("/api/accounts").status, gateway.get("/api/accounts").status] == [200, 200]
    assert [api.get("/api/accounts").status, gateway.get("/api/accounts").status] == [429, 429]


def test_off_they_are_shown_and_not_enforced(clock: Clock) -> None:
    sandbox = Sandbox(account=small_account(), clock=clock)
    try:
        api = Api(sandbox)
        assert spend(api, "/api/accounts", 30) == [200] * 30
        assert api.get("/api/accounts").headers["RateLimit-Limit"] == "1, 1;w=1, 15;w=60"
        sandbox.settings.rate_limits = True
        assert api.get("/api/accounts").status == 429
    finally:
        sandbox.close()
