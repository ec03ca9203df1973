"""Coupons and their codes."""

from __future__ import annotations

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.wire import Call, Json, check, data, one, sends

REQUESTS = [
    sends(
        "coupon",
        lambda c: c.coupons.create(external_id="TEN_OFF"),
        "POST /api/coupons",
        data("coupon", {"external_id": "TEN_OFF"}),
    ),
    sends(
        "coupon code",
        lambda c: c.coupon_codes.create(unique_code="A1", coupon="TEN_OFF"),
        "POST /api/coupon-codes",
        data("coupon-code", {"unique_code": "A1"}, relationships={"coupon": one("coupon", "TEN_OFF")}),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)
