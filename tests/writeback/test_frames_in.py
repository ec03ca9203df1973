"""Frames of any library, Series, lists and arrays: the same values leave as from a pandas frame."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import orjson
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from klaviyo_analytics import analysis
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback import Plan
from klaviyo_analytics.writeback.encode import ABSENT, written_column
from tests.shops import Shop

EMAILS = ["in0@mail.example.net", "in1@mail.example.net"]
POLARS = pl.DataFrame(
    {
        "email": EMAILS,
        "whole": [2**62 + 1, None],
        "unsigned": pl.Series([2**64 - 1, None], dtype=pl.UInt64),
        "small": pl.Series([0.87, None], dtype=pl.Float32),
        "flag": [True, None],
        "day": [dt.date(2026, 1, 1), None],
        "moment": pl.Series([dt.datetime(2026, 7, 1, 9, 30), None]).dt.replace_time_zone("Europe/Berlin"),  # noqa: DTZ001
        "clock": [dt.datetime(2026, 7, 1, 9, 30, 0, 5), None],  # noqa: DTZ001
        "many": [[1, None], None],
        "nested": [{"a": 1}, None],
        "grade": pl.Series(["x", None], dtype=pl.Categorical),
        "price": [Decimal("1.10"), None],
    }
)
EXPECTED = {
    "whole": 2**62 + 1,
    "unsigned": 2**64 - 1,
    "small": 0.87,
    "flag": True,
    "day": "2026-01-01",
    "moment": "2026-07-01T09:30:00+02:00",
    "clock": "2026-07-01T09:30:00.000005",
    "many": [1, None],
    "nested": {"a": 1},
    "grade": "x",
    "price": 1.1,
}


def sent(plan: Plan) -> list[Any]:
    return [orjson.loads(record) for record in plan._records if record is not None]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(POLARS, id="polars"),
        pytest.param(POLARS.lazy(), id="polars-lazy"),
        pytest.param(POLARS.to_arrow(), id="arrow"),
    ],
)
def test_values_of_other_libraries_keep_their_types(offline: KlaviyoClient, frame: Any) -> None:
    plan = offline.profiles.plan_upsert(frame, properties="rest")
    assert plan.problems.empty
    (record,) = sent(plan)
    assert record["attributes"]["properties"] == EXPECTED
    assert plan.summary()["nothing_to_send"] == 1  # the second row is null but for its address


def test_a_duckdb_relation_is_written(offline: KlaviyoClient) -> None:
    table = POLARS.select("email", "whole").to_arrow()
    with duckdb.connect() as connection:
        relation = connection.from_arrow(table).order("email")
        plan = offline.profiles.plan_upsert(relation, properties="rest")
    assert sent(plan)[0]["attributes"]["properties"] == {"whole": 2**62 + 1}


def test_an_arrow_map_is_an_object(offline: KlaviyoClient) -> None:
    maps = pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))
    plan = offline.profiles.plan_upsert(pa.table({"email": EMAILS[:1], "m": maps}), properties="rest")
    assert sent(plan)[0]["attributes"]["properties"] == {"m": {"a": 1}}


@pytest.mark.parametrize(
    "people",
    [
        pytest.param(EMAILS, id="list"),
        pytest.param(tuple(EMAILS), id="tuple"),
        pytest.param(np.array(EMAILS), id="array"),
        pytest.param(pd.Series(EMAILS, name="whatever"), id="series"),
        pytest.param(pd.Index(EMAILS), id="index"),
        pytest.param(pl.Series(EMAILS), id="polars-series"),
        pytest.param(pa.chunked_array([EMAILS]), id="arrow-array"),
        pytest.param([{"email": one} for one in EMAILS], id="dicts"),
    ],
)
def test_single_values_are_who_they_name(shop: Shop, people: Any) -> None:
    profiles = shop.client.profiles
    profiles.upsert(people)
    for plan in (
        profiles.plan_subscribe(people),
        profiles.plan_suppress(people),
        profiles.plan_unsubscribe(people, globally=True),
        shop.client.lists.plan_add_profiles("AbCd12", people),
    ):
        assert plan.preview()["key"].tolist() == EMAILS
        assert plan.problems.empty


def test_ids_of_a_series_are_members(shop: Shop) -> None:
    group = shop.client.lists.create(name="From a Series")
    ids = shop.client.profiles.list(limit=4)["id"]
    shop.client.lists.plan_add_profiles(group, ids).apply()
    shop.client.lists.plan_remove_profiles(group, ids.tolist()[:1]).apply(confirm=True)
    assert sorted(shop.client.lists.profiles(group)["id"]) == sorted(ids[1:])


def test_the_index_of_a_series_is_kept(offline: KlaviyoClient) -> None:
    plan = offline.profiles.plan_suppress(pd.Series(EMAILS, index=["a", "b"]))
    assert plan.preview().index.tolist() == ["a", "b"]


def test_dicts_keep_large_integers_beside_missing_ones(offline: KlaviyoClient) -> None:
    plan = offline.profiles.plan_upsert(
        [{"email": EMAILS[0], "n": 2**60 + 1}, {"email": EMAILS[1], "first_name": "Ann"}], properties=["n"]
    )
    assert [one["attributes"].get("properties") for one in sent(plan)] == [{"n": 2**60 + 1}, None]


@pytest.mark.parametrize("odd", [None, 5, "ann@mail.example.net", {"email": "a"}, {1, 2}, [[1]], object()])
def test_what_is_not_a_frame_is_refused_by_every_verb(offline: KlaviyoClient, odd: Any) -> None:
    plans: Any = (
        offline.profiles.plan_upsert,
        offline.profiles.plan_subscribe,
        offline.profiles.plan_suppress,
        offline.catalog_items.plan_create,
        offline.catalog_items.plan_delete,
        lambda frame: offline.events.plan_create(frame, metric="M"),
        lambda frame: offline.coupon_codes.plan_create(frame, coupon="C"),
        lambda frame: offline.lists.plan_add_profiles("AbCd12", frame),
        lambda frame: offline.tags.plan_tag("T", frame, kind="lists"),
    )
    for plan in plans:
        with pytest.raises(FrameError, match=r"takes"):
            plan(odd)


def test_two_columns_of_one_name_are_named_in_any_library(offline: KlaviyoClient) -> None:
    twice = pa.table([EMAILS, EMAILS], names=["email", "email"])
    with pytest.raises(FrameError, match="email"):
        offline.profiles.plan_upsert(twice)


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([0.87, None], dtype="float32"),
        pd.Series([0.87, None], dtype="float16"),
        pd.Series(np.array([0.87, np.nan], dtype=np.longdouble)),
        pd.Series([0.87, None], dtype="Float32"),
        pd.Series([0.87, None], dtype=pd.ArrowDtype(pa.float32())),
        pd.Series(pd.Categorical(np.array([0.87, np.nan], dtype="f4"))),
        pd.Series([np.float32(0.87), None], dtype=object),
        pd.Series([np.longdouble("0.87"), None], dtype=object),
        pd.Series([np.array(np.float32(0.87)), None], dtype=object),
    ],
    ids=lambda series: str(series.dtype),
)
def test_short_and_long_floats_leave_with_the_digits_that_they_show(series: Any) -> None:
    assert written_column(series).values == [0.87, ABSENT]
    assert type(written_column(series).values[0]) is float


@pytest.mark.parametrize("number", [2.0**53, -(2.0**53), 1e17, np.float64(2.0**60), np.float32(2.0**60)])
@pytest.mark.parametrize("dtype", [float, object])
def test_integers_that_went_through_floats_are_refused_as_properties(
    offline: KlaviyoClient, number: float, dtype: Any
) -> None:
    frame = pd.DataFrame({"email": EMAILS, "n": pd.Series([number, 1.5], dtype=dtype)})
    plan = offline.profiles.plan_upsert(frame, properties="rest")
    assert plan.problems.index.tolist() == [0]
    assert "may have lost digits" in plan.problems["problem"][0]
    exact = frame.assign(n=pd.Series([2**53 + 1, 1], dtype="Int64"))
    assert offline.profiles.plan_upsert(exact, properties="rest").problems.empty


def test_a_row_with_nothing_but_its_key_is_not_sent(shop: Shop) -> None:
    frame = pd.DataFrame(
        {"email": ["null0@mail.example.net", "null1@mail.example.net"], "score": [np.nan, 4]}
    )
    plan = shop.client.profiles.plan_upsert(frame, properties="rest")
    assert plan.summary()["nothing_to_send"] == 1
    assert plan.summary()["to_send"] == 1
    rows = plan.apply().rows
    assert rows["status"].tolist() == ["not sent", "written"]
    assert rows["detail"][0].startswith("nothing to send: score null")
    assert shop.client.profiles.list(filter='equals(email,"null0@mail.example.net")').empty


@pytest.mark.parametrize("given", [{"lists": ["AbCd12"]}, {"unset": ["old"]}, {"on_null": "clear"}])
def test_a_row_with_nothing_but_its_key_goes_where_that_does_something(
    offline: KlaviyoClient, given: dict[str, Any]
) -> None:
    frame = pd.DataFrame({"email": EMAILS, "score": [np.nan, 4]})
    plan = offline.profiles.plan_upsert(frame, properties="rest", **given)
    assert plan.summary()["to_send"] == 2


def test_keys_alone_make_profiles(offline: KlaviyoClient) -> None:
    assert offline.profiles.plan_upsert(EMAILS).summary()["to_send"] == 2


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        ({"location.zip": [2139.0]}, "2139.0 was a number and is sent as '2139'; to keep leading zeros"),
        ({"location.zip": ["2139.0"]}, "'2139.0' looks like a number that was read as a float"),
        ({"location.zip": ["2139"], "location.country": ["US"]}, "'02139', if leading zeros were lost"),
        ({"location.zip": ["1067"], "location.country": ["Germany"]}, "'01067', if leading zeros were lost"),
        ({"external_id": [16175550123.0]}, "was a number and is sent as '16175550123'"),
    ],
)
def test_what_was_a_number_is_noted(offline: KlaviyoClient, columns: dict[str, Any], note: str) -> None:
    plan = offline.profiles.plan_upsert(pd.DataFrame({"email": EMAILS[:1], **columns}))
    assert note in plan.preview()["note"][0]
    assert plan.problems.empty


@pytest.mark.parametrize(
    "columns",
    [
        {"location.zip": ["02139"], "location.country": ["US"]},
        {"location.zip": ["1010"], "location.country": ["AT"]},
        {"location.zip": ["SW1A 1AA"], "location.country": ["United Kingdom"]},
        {"external_id": ["007"]},
    ],
)
def test_what_was_text_is_not(offline: KlaviyoClient, columns: dict[str, Any]) -> None:
    plan = offline.profiles.plan_upsert(pd.DataFrame({"email": EMAILS[:1], **columns}))
    assert plan.preview()["note"].isna().all()


@pytest.mark.parametrize(
    ("given", "region", "written"),
    [
        ("(617) 555-0123", "US", "+16175550123"),
        (16175550123.0, "US", "+16175550123"),
        ("020 7946 0018", "gb", "+442079460018"),
        (2079460018, "GB", "+442079460018"),
        ("+44 20 7946 0018", "US", "+442079460018"),
        ("+15005550006", "GB", "+15005550006"),
    ],
)
def test_national_phone_formats_become_e164(
    offline: KlaviyoClient, given: Any, region: str, written: str
) -> None:
    frame = pd.DataFrame({"email": EMAILS[:1], "phone_number": pd.Series([given], dtype=object)})
    plans = [
        offline.profiles.plan_upsert(frame, phone_region=region),
        offline.profiles.plan_subscribe(frame, channels="sms", phone_region=region),
    ]
    for plan in plans:
        assert plan.problems.empty
        assert sent(plan)[0]["attributes"]["phone_number"] == written
    event = offline.events.plan_create(frame, metric="M", phone_region=region)
    assert written.encode() in (event._records[0] or b"")


@pytest.mark.parametrize("number", ["123", "555", "(617) 555-0123 ext. 5"])
def test_a_number_that_does_not_exist_is_a_problem(offline: KlaviyoClient, number: str) -> None:
    frame = pd.DataFrame({"email": EMAILS[:1], "phone_number": [number]})
    assert len(offline.profiles.plan_upsert(frame, phone_region="US").problems) == 1


def test_a_region_that_does_not_exist_is_refused(offline: KlaviyoClient) -> None:
    frame = pd.DataFrame({"email": EMAILS[:1], "phone_number": ["1"]})
    with pytest.raises(InvalidInputError, match="phone_region='USA' is not a country code"):
        offline.profiles.plan_upsert(frame, phone_region="USA")


@pytest.mark.parametrize(
    ("text", "date_format", "moment"),
    [
        ("2026-05-01 09:30:00 UTC", None, "2026-05-01T09:30:00+00:00"),
        ("2026-05-01T09:30 utc", None, "2026-05-01T09:30:00+00:00"),
        ("2026-05-01", None, "2026-05-01T04:00:00+00:00"),
        ("01/05/2026", "%d/%m/%Y", "2026-05-01T04:00:00+00:00"),
        ("05/01/2026 09:30", "%m/%d/%Y %H:%M", "2026-05-01T13:30:00+00:00"),
        ("2026-05-01 09:30 +0200", "%Y-%m-%d %H:%M %z", "2026-05-01T07:30:00+00:00"),
        ("01.05.2026 09:30 UTC", "%d.%m.%Y %H:%M %Z", "2026-05-01T09:30:00+00:00"),
    ],
)
def test_times_are_read_in_the_declared_format_and_the_accounts_zone(
    offline: KlaviyoClient, text: str, date_format: str | None, moment: str
) -> None:
    offline._context.known_account = pd.Series({"timezone": "America/New_York"})
    frame = pd.DataFrame({"email": EMAILS[:1], "time": [text]})
    event = offline.events.plan_create(frame, metric="M", date_format=date_format)
    assert event.problems.empty
    assert f'"time":"{moment}"'.encode() in (event._records[0] or b"")
    code = pd.DataFrame({"unique_code": ["A"], "until": [text.replace("2026", "2027")]})
    plan = offline.coupon_codes.plan_create(
        code,
        coupon="TEN",
        columns={"until": "expires_at"},
        date_format={"until": date_format} if date_format else None,
    )
    assert sent(plan)[0]["attributes"]["expires_at"] == moment.replace("2026", "2027")


@pytest.mark.parametrize(
    ("text", "date_format"),
    [("31/12/2026", None), ("2026-12-31", "%d/%m/%Y"), ("1.5.26 09:30 EST", "%d.%m.%y %H:%M %Z")],
)
def test_another_format_is_a_problem(offline: KlaviyoClient, text: str, date_format: str | None) -> None:
    offline._context.known_account = pd.Series({"timezone": "America/New_York"})
    frame = pd.DataFrame({"email": EMAILS[:1], "time": [text]})
    assert (
        "is not a time"
        in offline.events.plan_create(frame, metric="M", date_format=date_format).problems["problem"][0]
    )


def test_dates_of_profiles_are_read_by_column(offline: KlaviyoClient) -> None:
    offline._context.known_account = pd.Series({"timezone": "America/New_York"})
    frame = pd.DataFrame({"email": EMAILS, "born": ["31/12/1990", None], "seen": ["1/5/2026 09:30", "x"]})
    formats = {"born": "%d/%m/%Y", "seen": "%d/%m/%Y %H:%M"}
    plan = offline.profiles.plan_upsert(frame, properties="rest", date_format=formats)
    assert plan.problems.index.tolist() == [1]
    properties = sent(plan)[0]["attributes"]["properties"]
    assert properties == {"born": "1990-12-31", "seen": "2026-05-01T13:30:00+00:00"}


@pytest.mark.parametrize("given", ["%Q%", {"nope": "%d"}, 5, {"email": 5}])
def test_a_format_that_cannot_be_is_refused(offline: KlaviyoClient, given: Any) -> None:
    frame = pd.DataFrame({"email": EMAILS[:1], "time": ["2026-01-01"]})
    with pytest.raises(InvalidInputError, match="date_format"):
        offline.events.plan_create(frame, metric="M", date_format=given)


@pytest.mark.parametrize("fields", [None, ["email", "properties"], ["email", "created", "location"]])
def test_the_advice_for_a_frame_that_was_read_works(shop: Shop, fields: Any) -> None:
    frame = shop.client.profiles.list(limit=3, **({"fields": fields} if fields else {}))
    for properties in (None, "rest"):
        with pytest.raises(FrameError) as refusal:
            shop.client.profiles.plan_upsert(frame, key="id", properties=properties)
        advice = str(refusal.value).partition(" Write ")[2]
        end = "]]" if advice.startswith("frame[[") else "])"
        code = advice.partition(end)[0] + end
        kept = eval(code, {"frame": frame})
        plan = shop.client.profiles.plan_upsert(kept, key="id", properties=properties)
        assert plan.problems.empty


def test_entries_read_as_columns_are_changed_and_written_back(shop: Shop) -> None:
    email = "entries@mail.example.net"
    shop.client.profiles.upsert([{"email": email, "score": 1, "kept": "x"}], properties="rest")
    frame = shop.client.profiles.list(
        filter=f'equals(email,"{email}")', fields=["email", "properties"], properties=["score"]
    )
    changed = frame.assign(**{"properties.score": frame["properties.score"] + 1})
    shop.client.profiles.upsert(changed, key="id")
    assert shop.client.profiles.find(email=email)["properties"] == {"score": 2, "kept": "x"}


def test_events_that_were_read_are_written_back_to_their_people(shop: Shop) -> None:
    read = shop.client.events.list(metric=("Placed Order", "Shopify"), limit=2)
    with pytest.raises(FrameError, match="'id' is the id of an event here"):
        shop.client.events.plan_create(read, metric="Copied")
    frame, columns = read.drop(columns=["id"]), {"profile_id": "id", "datetime": "time"}
    with pytest.raises(FrameError) as refusal:
        shop.client.events.plan_create(frame, metric="Copied", columns=columns)
    code = str(refusal.value).partition(" Write ")[2].partition("])")[0].partition("]]")[0]
    kept = eval(code + ("]]" if code.startswith("frame[[") else "])"), {"frame": frame})
    plan = shop.client.events.plan_create(kept, metric="Copied", columns=columns)
    assert plan.problems.empty
    people = [one["attributes"]["profile"]["data"]["id"] for one in sent(plan)]
    assert people == read["profile_id"].tolist()


@pytest.mark.parametrize("text", [True, False])
def test_the_advice_for_times_without_a_zone_works(text: bool) -> None:
    days = pd.Series(["2026-05-01", "2026-05-02"])
    frame = pd.DataFrame({"datetime": days if text else pd.to_datetime(days), "count": [1, 2]})
    with pytest.raises(FrameError) as refusal:
        analysis.resample(frame, "month")
    advice = str(refusal.value).partition("Set it to ")[2].partition(", with the account")[0]
    fixed = frame.assign(datetime=eval(advice, {"frame": frame, "pd": pd}))
    assert analysis.resample(fixed, "month")["count"].sum() == 3
