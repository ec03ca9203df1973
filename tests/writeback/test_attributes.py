"""What attributes may be: what Klaviyo documents passes, what it would refuse or lose is a problem."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback import checks


def problem(client: KlaviyoClient, name: str, value: Any) -> str:
    frame = pd.DataFrame({"email": ["ann@mail.example.net"], name: pd.Series([value], dtype=object)})
    problems = client.profiles.plan_upsert(frame).problems
    return str(problems["problem"].iloc[0]) if len(problems) else ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("locale", tag)
            for tag in ("en", "en-US", "de-DE", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "de-CH-1996")
        ),
        *(("locale", tag) for tag in ("en-u-ca-gregory", "en-x-shop", "haw", "sr-Latn-RS")),
        ("image", "https://shop.example/ann.png?size=1"),
        ("location.latitude", 52.5),
        ("location.latitude", "-33.8568"),
        ("location.longitude", 180),
        ("location.ip", "203.0.113.7"),
        ("location.ip", "2001:db8::1"),
        ("location.country", "Bosnia and Herzegovina"),
        ("location.zip", 10115),
    ],
)
def test_what_is_documented_passes(offline: KlaviyoClient, name: str, value: Any) -> None:
    assert problem(offline, name, value) == ""


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("locale", "en_US", "is not a language tag in the form en-US (BCP 47); write 'en-US'"),
        ("locale", "English", "BCP 47"),
        ("locale", "e", "BCP 47"),
        ("locale", "en-", "BCP 47"),
        ("locale", "en US", "BCP 47"),
        ("locale", "en-US\n", "BCP 47"),
        ("locale", "dé-DE", "BCP 47"),
        ("locale", "", "use null for missing values"),
        ("locale", 1.5, "locale: 1.5 is not text"),
        ("image", "ann.png", "write it in full and without spaces, like https://"),
        ("image", "https://", "is not a valid URL"),
        ("image", "https://[", "is not a valid URL"),
        ("image", "https://shop.example/a b.png", "is not a valid URL"),
        ("image", "javascript:alert(1)", "is not a valid URL"),
        ("location.latitude", 90.5, "is not a number from -90 to 90, in degrees"),
        ("location.latitude", "north", "is not a number"),
        ("location.latitude", True, "is not a number"),
        ("location.longitude", -181, "is not a number from -180 to 180"),
        ("location.longitude", [1], "is not a number"),
        ("location.ip", "localhost", "is not an IP address like 203.0.113.7"),
        ("location.ip", 7, "is not an IP address"),
    ],
)
def test_what_is_not_is_a_problem(offline: KlaviyoClient, name: str, value: Any, why: str) -> None:
    found = problem(offline, name, value)
    assert found.startswith(f"{name}: ")
    assert why in found
    assert "; locale" not in found  # one complaint a value


def test_a_zone_that_nobody_knows_is_noted_and_sent(offline: KlaviyoClient) -> None:
    emails = [f"ann{n}@mail.example.net" for n in range(3)]
    frame = pd.DataFrame({"email": emails, "location.timezone": ["America/New_York", "Berlin", ""]}).replace(
        "", None
    )
    frame["first_name"] = "Ann"
    plan = offline.profiles.plan_upsert(frame)
    assert plan.problems.empty
    notes = plan.preview()["note"]
    assert notes.isna().tolist() == [True, False, True]
    assert "'Berlin' is not an IANA name like 'Europe/Berlin'" in notes[1]


def thing(**more: Any) -> pd.DataFrame:
    told = {"external_id": "mug", "title": "Mug", "description": "For tea", "url": "https://shop.example/mug"}
    return pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in {**told, **more}.items()})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "shop.example/mug"}, "url: 'shop.example/mug' is not a valid URL"),
        ({"image_full_url": "mug.png"}, "is not a valid URL"),
        ({"images": "https://shop.example/mug.png"}, "is not a list of URLs"),
        ({"images": ["https://shop.example/a.png", 7]}, "is not a list of URLs"),
        ({"published": "yes"}, "published: 'yes' is neither True nor False"),
        ({"price": "9,50"}, "price: '9,50' is not a number"),
        ({"integration_type": "shopify"}, "is not '$custom'"),
        ({"catalog_type": "other"}, "is not '$default'"),
        ({"custom_metadata": {"a": {"b": 1}}}, "is not a flat object"),
        ({"custom_metadata": "red"}, "is not a flat object"),
        ({"custom_metadata.a": {"b": 1}}, "custom_metadata.a: metadata is flat"),
        ({"external_id": " "}, "external_id: ' ' is not a valid id"),
        ({"external_id": "x" * 256}, "1 to 255 characters"),
        ({"external_id": "$shopify:::$default:::7"}, "is of another catalog"),
        ({"categories": [["sale", None]]}, "is neither an id nor a list of ids"),
        ({"categories": [["sale", {"a": 1}]]}, "is neither an id nor a list of ids"),
        ({"description": "x" * 5_000_000}, "bytes, and the API allows 4,999,000"),
        (
            {"custom_metadata": {"a": "x" * 100_000}},
            "custom_metadata takes 100,008 bytes, and the API allows 100,000",
        ),
    ],
)
def test_what_a_catalog_cannot_hold_is_a_problem(offline: KlaviyoClient, given: Any, why: str) -> None:
    values = {name: one[0] if name == "categories" else one for name, one in given.items()}
    assert why in offline.catalog_items.plan_create(thing(**values)).problems["problem"].item()


def test_a_long_description_is_sent(offline: KlaviyoClient) -> None:
    assert offline.catalog_items.plan_create(thing(description="x" * 200_000)).problems.empty


@pytest.mark.parametrize("policy", [3, True, "hide"])
def test_a_policy_is_one_of_three(offline: KlaviyoClient, policy: Any) -> None:
    frame = thing(sku="M", price=1, inventory_quantity=1, item="mug", inventory_policy=policy)
    assert "inventory_policy" in offline.catalog_variants.plan_create(frame).problems["problem"].item()


def test_whole_numbers_that_pandas_made_floats_stay_whole(offline: KlaviyoClient) -> None:
    variants = pd.concat([thing(external_id=str(n), sku="M", price=1, item="mug") for n in range(2)])
    frame = variants.assign(inventory_quantity=1, inventory_policy=[2.0, float("nan")], item=[7.0, 7.0])
    plan = offline.catalog_variants.plan_create(frame)
    assert plan.problems.empty
    first, second = (record or b"" for record in plan._records)
    assert b'"inventory_policy":2,' in first.replace(b"}", b",")
    assert b"inventory_policy" not in second
    assert b'$default:::7"' in first


def test_metadata_comes_whole_or_in_parts(offline: KlaviyoClient) -> None:
    frame = thing(custom_metadata={"a": 1}, colour="red")
    with pytest.raises(FrameError, match="one would overwrite the other"):
        offline.catalog_items.plan_create(frame, properties=["colour"])


@pytest.mark.parametrize(("code", "why"), [("usd", "write 'USD'"), ("EURO", "ISO 4217"), ("€", "ISO 4217")])
def test_a_currency_is_a_code(offline: KlaviyoClient, code: str, why: str) -> None:
    frame = pd.DataFrame({"email": ["ann@mail.example.net"], "value": [1.5], "value_currency": [code]})
    assert why in offline.events.plan_create(frame, metric="Scored").problems["problem"].item()
    with pytest.raises(InvalidInputError, match="value_currency="):
        offline.events.plan_create(frame[["email"]], metric="Scored", value_currency=code)


def test_what_klaviyo_changes_in_silence_is_noted(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame(
        {
            "email": [f"ann{n}@mail.example.net" for n in range(3)],
            "time": pd.to_datetime(
                ["2026-01-05 10:00:00.25", "2026-01-05", "2026-01-05"], utc=True, format="ISO8601"
            ),
            "value": [1.0, None, 3.0],
        }
    )
    notes = offline.events.plan_create(frame, metric="Scored").preview()["note"]
    assert notes[0] == "Klaviyo cuts times down to the second"
    assert notes[1] == "Klaviyo takes a missing value for 0, once the metric has had any"
    assert pd.isna(notes[2])


def test_large_events_that_fit_into_a_request_are_sent(offline: KlaviyoClient) -> None:
    texts = ["x" * 90_000] * 12
    frame = pd.DataFrame({"email": ["ann@mail.example.net"], "texts": [texts]})
    assert offline.events.plan_create(frame, metric="Scored", properties="rest").problems.empty
    frame["texts"] = [texts * 5]
    (why,) = offline.events.plan_create(frame, metric="Scored", properties="rest").problems["problem"]
    assert "bytes, and the API allows 4,999,000" in why


def test_zones_are_those_of_iana() -> None:
    assert not checks.odd_timezones(["Europe/Berlin", "UTC", "US/Eastern"])
    assert list(checks.odd_timezones(["GMT+25", "europe berlin"])) == [0, 1]
