"""Coupons and their codes."""

from __future__ import annotations

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError, NotFoundError
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"unique_code": None}, "unique_code is missing"),
        ({"unique_code": "A" * 256}, "1 to 255 characters"),
        ({"coupon": "a@b.co"}, "is an email address, not an id"),
        ({"expires_at": "31/12/2026"}, "expires_at: '31/12/2026'"),
    ],
)
def test_what_a_frame_refuses_a_single_code_refuses_too(
    offline: KlaviyoClient, given: Json, said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said) as caught:
        offline.coupon_codes.create(**{"unique_code": "A1", "coupon": "TEN_OFF", **given})
    assert "1 of 1" not in str(caught.value)  # it is one code, not the only row of a frame


@pytest.mark.parametrize("id", ["TEN OFF", "TEN-OFF", "[TEN]", "", "TÉN"])
def test_a_coupon_id_of_other_characters_is_refused(offline: KlaviyoClient, id: str) -> None:
    with pytest.raises(InvalidInputError, match="letters"):
        offline.coupons.create(external_id=id)


def test_codes_are_asked_for_by_whose_they_are(offline: KlaviyoClient) -> None:
    for call in (offline.coupon_codes.list, offline.coupon_codes.iter_frames):
        with pytest.raises(InvalidQueryError, match="coupon= or profile="):
            call()
    with pytest.raises(InvalidQueryError, match="coupon= or profile="):
        offline.coupon_codes.list(filter=ka.F.status == "USED")


def test_coupons_and_codes_are_written_and_read_back(client: KlaviyoClient) -> None:
    coupon = client.coupons.create(external_id="TEN_OFF", description="Ten off")
    code = client.coupon_codes.create(unique_code="A1", coupon=coupon, expires_at="2030-01-01T00:00:00Z")
    client.coupon_codes.create(unique_code="A2", coupon="TEN_OFF")
    codes = client.coupon_codes.list(coupon=coupon, include=["coupon"])
    assert codes["unique_code"].tolist() == ["A1", "A2"]
    assert codes["coupon_id"].tolist() == ["TEN_OFF", "TEN_OFF"]
    assert len(client.coupons.codes(coupon)) == 2
    assert len(client.coupon_codes.list(coupon=coupon, filter=ka.F.status == "USED")) == 0
    assert [len(frame) for frame in client.coupon_codes.iter_frames(coupon=coupon, chunk_size=1)] == [1, 1]
    owner = client.coupon_codes.coupon(code)
    assert owner is not None
    assert owner["description"] == "Ten off"
    changed = client.coupon_codes.update(code, expires_at="2031-01-01T00:00:00Z")
    assert changed["expires_at"].year == 2031
    assert client.coupons.update(coupon, description="10")["description"] == "10"
    client.coupon_codes.delete(code, confirm=True)
    assert client.coupons.codes(coupon)["unique_code"].tolist() == ["A2"]


def test_codes_of_several_coupons_come_together(client: KlaviyoClient) -> None:
    coupons = client.coupons.list()
    codes = client.coupon_codes.list(coupon=coupons, include=["coupon"])
    assert len(codes) == sum(len(client.coupons.codes(id)) for id in coupons["id"])
    some = codes.groupby("coupon_id").size()
    assert set(some.index) <= set(coupons["id"])


def test_a_coupon_is_deleted(client: KlaviyoClient) -> None:
    coupon = client.coupons.create(external_id="GONE")
    client.coupons.delete(coupon, confirm=True)
    with pytest.raises(NotFoundError):
        client.coupons.get("GONE")


def test_codes_of_one_coupon_tell_whose_they_are(client: KlaviyoClient) -> None:
    coupon = client.coupons.list(limit=1)
    for codes in (
        client.coupon_codes.list(coupon=coupon, limit=3),
        next(client.coupon_codes.iter_frames(coupon=coupon, chunk_size=3)),
    ):
        assert codes["coupon_id"].tolist() == [coupon["id"][0]] * 3
        assert codes["coupon_id"].dtype == "string"
