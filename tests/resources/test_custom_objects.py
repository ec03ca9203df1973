"""Custom objects by their effect: records of a source become objects, or entries of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import (
    ConfirmationRequiredError,
    ConflictError,
    FrameError,
    InvalidInputError,
    InvalidQueryError,
    NotFoundError,
    ValidationError,
)
from tests.resources.newer import asked_in, offline, there

PROPERTIES: dict[str, Any] = {"booking": "string", "nights": "int", "paid": "boolean", "until": "timestamp"}


@pytest.fixture(scope="module")
def client() -> Iterator[KlaviyoClient]:
    with asked_in("2026-07-15") as (client, _):
        yield client


class Bookings:
    """A type of its own, whose schema is active and filled from a source of its own."""

    def __init__(self, client: KlaviyoClient, name: str) -> None:
        self.client = client
        self.source = client.data_sources.create(title=name)
        self.type = client.object_types.create(title=name, properties=PROPERTIES, required=["booking"])
        self.schema = there(client.object_types.draft_schema(self.type))
        self.mapping = there(client.object_schemas.source_mapping(self.schema))
        client.source_mappings.update(
            self.mapping,
            property_mappings=[
                {"id": place, "type": "simple", "source": self.mapped(f"$['{name}']")}
                for place, name in enumerate(PROPERTIES, start=1)
            ],
        )
        client.object_schemas.update(self.schema, status="active")

    def mapped(self, path: str) -> dict[str, str]:
        return {"source_id": self.source["id"], "id_path": "$['booking']", "data_path": path}

    def send(self, **columns: Any) -> pd.DataFrame:
        frame = pd.DataFrame(columns)
        result = self.client.data_sources.plan_create_records(
            frame, source=self.source, key="booking"
        ).apply()
        return result.rows

    def objects(self) -> pd.DataFrame:
        """Read the objects when the work on records is done: each read moves it on."""
        for _ in range(2):
            self.client.object_types.records(self.type)
        return self.client.object_types.records(self.type, properties="columns")


@pytest.fixture
def bookings(client: KlaviyoClient, request: pytest.FixtureRequest) -> Bookings:
    return Bookings(client, request.node.name)


def test_rows_of_a_frame_become_objects(bookings: Bookings) -> None:
    rows = bookings.send(
        booking=["B1", "B2"], nights=[3, None], until=pd.to_datetime(["2026-05-01", "2026-05-02"], utc=True)
    )
    assert rows["status"].tolist() == ["accepted", "accepted"]
    objects = bookings.objects().sort_values("id", ignore_index=True)
    assert objects["id"].tolist() == [f"{bookings.type['id']}:::{name}" for name in ("B1", "B2")]
    assert objects["record_properties.nights"].tolist()[0] == 3
    assert pd.isna(objects["record_properties.nights"][1])
    assert objects["record_properties.until"].str.startswith("2026-05-01T00:00:00").tolist() == [True, False]
    one = bookings.client.object_records.get(objects["id"][1])
    assert one["record_properties"]["booking"] == "B2"


def test_a_record_that_comes_again_changes_its_object(bookings: Bookings) -> None:
    bookings.client.data_sources.create_record(bookings.source, {"booking": "B1", "nights": 1, "paid": False})
    bookings.client.data_sources.create_record(bookings.source, {"booking": "B1", "paid": True})
    (one,) = bookings.objects()["id"].tolist()
    assert bookings.client.object_records.get(one)["record_properties"] == {
        "booking": "B1", "nights": 1, "paid": True,
    }  # fmt: skip


def test_what_breaks_the_schema_is_in_the_log_and_no_object(bookings: Bookings) -> None:
    bookings.send(booking=["good", "long", "late"], nights=[1, "many", 2], until=["2026-05-01", None, "soon"])
    assert bookings.objects()["record_properties.booking"].tolist() == ["good"]
    logs = bookings.client.object_types.ingestion_logs(bookings.type)
    assert set(logs["status"]) == {"error"}
    told = {entry["property"]: entry for errors in logs["errors"] for entry in errors}
    assert told["nights"]["code"] == "int_type"
    assert told["nights"]["invalid_value"] == '"many"'
    assert told["until"]["code"] == "timestamp_type"
    of_late = bookings.client.object_types.ingestion_logs(bookings.type, filter=ka.F.record_id == "late")
    assert of_late["object_record_id"].tolist() == [f"{bookings.type['id']}:::late"]
    assert (of_late["object_type_id"] == bookings.type["id"]).all()


def test_a_record_without_its_required_id_is_in_the_log(bookings: Bookings) -> None:
    bookings.client.data_sources.create_record(bookings.source, {"nights": 1})
    assert bookings.objects().empty
    (errors,) = bookings.client.object_types.ingestion_logs(bookings.type)["errors"]
    assert {entry["code"] for entry in errors} == {"missing", "missing_id"}


def test_many_rows_are_many_requests_and_all_arrive(bookings: Bookings) -> None:
    count = 1_201
    frame = pd.DataFrame({"booking": [f"B{n:04}" for n in range(count)], "nights": range(count)})
    plan = bookings.client.data_sources.plan_create_records(frame, source=bookings.source, key="booking")
    assert plan.requests == 3
    assert (plan.apply().rows["status"] == "accepted").all()
    objects = bookings.objects()
    assert sorted(objects["record_properties.nights"]) == [*range(count)]
    chunks = bookings.client.object_types.iter_records(bookings.type, chunk_size=500)
    assert [len(chunk) for chunk in chunks] == [500, 500, 201]


def test_deleted_objects_are_gone_and_the_others_stay(bookings: Bookings) -> None:
    bookings.send(booking=["B1", "B2", "B3"])
    objects = bookings.objects()
    gone = objects[objects["record_properties.booking"] != "B2"]
    with pytest.raises(ConfirmationRequiredError, match="This deletes 2 object records"):
        bookings.client.object_records.delete(gone)
    bookings.client.object_records.delete(gone, confirm=True)
    assert bookings.objects()["record_properties.booking"].tolist() == ["B2"]


def test_a_type_takes_its_objects_and_schemas_along(bookings: Bookings) -> None:
    bookings.send(booking=["B1"])
    (one,) = bookings.objects()["id"]
    client = bookings.client
    with pytest.raises(ConfirmationRequiredError, match="This deletes the object type"):
        client.object_types.delete(bookings.type)
    client.object_types.delete(bookings.type, confirm=True)
    assert bookings.type["id"] not in client.object_types.list()["id"].tolist()
    for read, id in (
        (client.object_records.get, one),
        (client.object_schemas.get, bookings.schema["id"]),
        (client.source_mappings.get, bookings.mapping["id"]),
    ):
        with pytest.raises(NotFoundError):
            read(id)


def test_a_new_version_is_a_draft_until_it_is_published(bookings: Bookings) -> None:
    client, before = bookings.client, bookings.schema["id"]
    new = client.object_schemas.create(bookings.type, title="Stay", properties={"booking": "string"})
    assert there(client.object_types.draft_schema(bookings.type))["id"] == new["id"]
    assert there(client.object_types.current_schema(bookings.type))["id"] == before
    published = client.object_schemas.update(new, status="active", title="Visit")
    assert published["status"] == "active"
    assert published["published_at"].tzinfo is not None
    assert there(client.object_types.current_schema(bookings.type))["id"] == new["id"]
    assert client.object_types.get(bookings.type)["title"] == "Visit"  # the two titles go together
    assert len(client.object_types.schema_versions(bookings.type)) == 2


def test_relationships_are_named_changed_and_deleted(bookings: Bookings) -> None:
    client, schema = bookings.client, bookings.schema
    room = client.object_types.create(title="Room", properties={"floor": "int"})
    other = there(client.object_types.draft_schema(room))
    client.object_schemas.relate(schema, other, name="room")
    client.object_schemas.relate(schema, "profile", name="guest", description="Who stays")
    with pytest.raises(ConflictError, match="guest"):
        client.object_schemas.relate(schema, "profile", name="guest")
    known = client.object_schemas.relationships(schema)
    assert known.dtypes.astype(str).unique().tolist() == ["string"]
    assert known[["name", "related_id"]].values.tolist() == [["room", other["id"]], ["guest", "profile"]]
    ids = known.set_index("name")["relationship_id"]
    client.object_schemas.update_relationship(schema, other, ids["room"], name="suite")
    with pytest.raises(ConfirmationRequiredError, match="This deletes the relationship"):
        client.object_schemas.unrelate(schema, "profile", ids["guest"])
    client.object_schemas.unrelate(schema, "profile", ids["guest"], confirm=True)
    assert client.object_schemas.relationships(schema)["name"].tolist() == ["suite"]
    types = client.object_types.get(bookings.type, include=["object-types"])
    assert types["object_types.meta.name"] == ["suite"]
    client.object_types.delete(room, confirm=True)
    assert client.object_schemas.relationships(schema).empty


def test_a_schema_without_relationships_has_a_frame_of_none(bookings: Bookings) -> None:
    frame = bookings.client.object_schemas.relationships(bookings.schema)
    assert [*frame.columns] == ["name", "description", "related_id", "relationship_id"]
    assert frame.empty


def test_the_title_of_a_source_is_its_own(client: KlaviyoClient) -> None:
    client.data_sources.create(title="Twice")
    with pytest.raises(ConflictError, match="Twice"):
        client.data_sources.create(title="Twice")
    client.data_sources.delete(client.data_sources.find(title="Twice"), confirm=True)
    assert "Twice" not in client.data_sources.list()["title"].tolist()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": 9, "type": "constant", "value": 1}, "no property with id 9"),
        ({"id": 1, "type": "simple", "source": "nowhere"}, "data source with id 01NONE"),
        ({"id": 1, "type": "simple", "source": "booking"}, "is not a JSONPath"),
    ],
)
def test_a_mapping_must_fit_the_schema_and_its_source(
    bookings: Bookings, change: dict[str, Any], said: str
) -> None:
    if change.get("source") == "nowhere":
        change = change | {"source": bookings.mapped("$['booking']") | {"source_id": "01NONE"}}
    elif "source" in change:
        change = change | {"source": bookings.mapped("booking")}
    with pytest.raises(ValidationError, match=said):
        bookings.client.source_mappings.update(bookings.mapping, property_mappings=[change])


REFUSED: dict[str, tuple[Callable[[KlaviyoClient], object], str]] = {
    "a property of a type that is none": (
        lambda c: c.object_types.create(title="T", properties={"a": "number"}),  # type: ignore[dict-item]
        r"properties\['a'\]='number' is not allowed. Allowed values: timestamp, int",
    ),
    "a required property that is none": (
        lambda c: c.object_types.create(title="T", properties={"nights": "int"}, required=["night"]),
        r"required='night' is not among the properties \(did you mean 'nights'\?\)",
    ),
    "a status that cannot be set": (
        lambda c: c.object_schemas.update("S", status="publishing"),  # type: ignore[arg-type]
        "status='publishing' is not allowed. Allowed values:",
    ),
    "a record without properties": (
        lambda c: c.data_sources.create_record("S", {}),
        r"record=\{\} is not a record. Pass a dict with at least one property",
    ),
    "more objects than one call deletes": (
        lambda c: c.object_records.delete([f"T:::{n}" for n in range(501)], confirm=True),
        "501 records are too many for one call. At most 500",
    ),
    "no object at all": (lambda c: c.object_records.delete([], confirm=True), "No object-record was given"),
    "a relationship that stays as it is": (
        lambda c: c.object_schemas.update_relationship("S", "T", "R"),
        "nothing to change was given",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_before_a_request(name: str) -> None:
    call, said = REFUSED[name]
    with offline("2026-07-15") as client, pytest.raises(InvalidInputError, match=said):
        call(client)


def test_a_frame_without_the_key_is_refused_before_a_request() -> None:
    frame = pd.DataFrame({"nights": [1]})
    with offline("2026-07-15") as client, pytest.raises(FrameError, match="no column becomes 'booking'"):
        client.data_sources.plan_create_records(frame, source="S", key="booking")


def test_rows_that_cannot_be_records_are_named_and_not_sent() -> None:
    frame = pd.DataFrame({"booking": ["B1", None, "B3"], "note": ["", "b", "c" * 600_000]})
    with offline("2026-07-15") as client:
        plan = client.data_sources.plan_create_records(frame, source="S", key="booking")
        empty = client.data_sources.plan_create_records(pd.DataFrame({"a": [None, 1]}), source="S")
    assert plan.problems["problem"].tolist()[0] == "booking is missing"
    assert "the API allows 512,000" in plan.problems["problem"].tolist()[1]
    assert empty.problems["problem"].tolist() == ["every value is missing"]


def test_columns_can_be_renamed_and_dates_read(bookings: Bookings) -> None:
    frame = pd.DataFrame({"no": ["B1"], "day": ["31/12/2026"]})
    plan = bookings.client.data_sources.plan_create_records(
        frame,
        source=bookings.source,
        key="booking",
        columns={"no": "booking", "day": "until"},
        date_format={"day": "%d/%m/%Y"},
    )
    plan.apply()
    objects = bookings.objects()
    assert objects["record_properties.until"].tolist() == ["2026-12-31"]
    assert objects["record_properties.booking"].tolist() == ["B1"]


def test_reading_records_back_says_that_it_cannot_be_done(bookings: Bookings) -> None:
    plan = bookings.client.data_sources.plan_create_records(
        pd.DataFrame({"booking": ["B1"]}), source=bookings.source, key="booking"
    )
    row = plan.apply(verify=True).rows.iloc[0]
    assert row["status"] == "unconfirmed"
    assert "the API does not show the records of a data source" in row["detail"]


def test_the_default_revision_has_sources_and_no_types() -> None:
    with offline("2026-01-15") as client, pytest.raises(InvalidQueryError, match="revision='2026-07-15'"):
        client.object_types.list()
