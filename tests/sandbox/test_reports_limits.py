"""How often reports may be asked for, and by whom."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.sandbox.accounts import NOW, small_account
from tests.sandbox.api import Api
from tests.sandbox.asking import KINDS, ask

DAY = 86_400


class TestLimits:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock(NOW - NOW % DAY)

    @pytest.fixture
    def sandbox(self, clock: Clock) -> Iterator[Sandbox]:
        sandbox = Sandbox(account=small_account(), clock=clock, rate_limits=True)
        yield sandbox
        sandbox.close()

    def test_one_a_second_and_two_a_minute(self, api: Api, clock: Clock) -> None:
        first = ask(api, "flow-values")
        assert first.headers["RateLimit-Limit"] == "1, 1;w=1, 2;w=60, 225;w=86400"
        again = ask(api, "flow-values")
        assert (again.status, again.headers["Retry-After"]) == (429, "1")
        clock.now += 1
        assert ask(api, "flow-values").status == 200
        clock.now += 1
        third = ask(api, "flow-values")
        assert (third.status, third.headers["Retry-After"]) == (429, "58")
        clock.now += 58
        assert ask(api, "flow-values").status == 200

    @pytest.mark.parametrize("kind", KINDS)
    def test_225_a_day_each(self, api: Api, clock: Clock, kind: str) -> None:
        for _ in range(225):
            assert ask(api, kind).status == 200
            clock.now += 30
        reply = ask(api, kind)
        assert (reply.status, reply.headers["Retry-After"]) == (429, str(DAY - 225 * 30))
        other = KINDS[KINDS.index(kind) - 1]
        assert ask(api, other).status == 200, "each report has a quota of its own"
        clock.now += DAY - 225 * 30
        assert ask(api, kind).status == 200

    def test_they_can_be_switched_off(self, sandbox: Sandbox, api: Api) -> None:
        sandbox.settings.rate_limits = False
        assert [ask(api, "form-values").status for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_needs_the_scope_of_what_it_is_about(kind: str) -> None:
    scope = f"{kind.partition('-')[0]}s:read"
    keys = {"pk_some": [scope], "pk_none": ["metrics:read"]}
    sandbox = Sandbox(account=small_account(), keys=keys)
    try:
        status = {key: ask(Api(sandbox, Authorization=f"Klaviyo-API-Key {key}"), kind).status for key in keys}
    finally:
        sandbox.close()
    assert status == {"pk_some": 200, "pk_none": 403}
