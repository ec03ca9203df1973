"""Resources to frames: which columns there are, and where each value goes."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pandas as pd
import pytest

from klaviyo_analytics.errors import InvalidQueryError
from tests.frames.making import record, ref, table_of

ANN, BOB = ref("profile", "ann"), ref("profile", "bob")


def event(id: str, attributes: dict[str, Any] | None = None, profile: Any = ANN) -> dict[str, Any]:
    return record(id, attributes, profile=profile, metric=ref("metric", "m"))


class TestColumns:
    @pytest.mark.parametrize(
        "operation", ["get_profiles", "get_events", "get_metrics", "get_campaigns", "get_flows"]
    )
    def test_they_follow_from_the_request_and_not_from_the_rows(self, operation: str) -> None:
        asked: dict[str, Any] = (
            {"filter": "equals(messages.channel,'sms')"} if operation == "get_campaigns" else {}
        )
        empty, filled = table_of([], operation, **asked), table_of([record("1")], operation, **asked)
        assert list(empty.dtypes.items()) == list(filled.dtypes.items())
        assert isinstance(empty.index, pd.RangeIndex)
        assert empty.columns[0] == "id"

    def test_nested_attributes_become_dotted_columns(self) -> None:
        frame = table_of([record("1", {"email": "a@b.c", "location": {"city": "Oslo", "zip": None}})])
        assert frame.loc[0, "location.city"] == "Oslo"
        assert frame[["location.zip", "location.country", "first_name"]].isna().all(axis=None)

    def test_only_the_fields_asked_for_whatever_the_server_sends(self) -> None:
        sent = record(
            "1", {"email": "a@b.c", "title": "Dr", "location": {"city": "Oslo", "zip": "1"}, "new": 1}
        )
        frame = table_of([sent], fields=["email", "location.city"])
        assert list(frame.columns) == ["id", "email", "location.city"]
        assert frame.loc[0, "location.city"] == "Oslo"

    def test_additional_fields_are_there_when_they_are_asked_for(self) -> None:
        assert not any(name.startswith("predictive_analytics") for name in table_of([]).columns)
        frame = table_of([], additional_fields=["predictive_analytics"])
        assert frame.dtypes["predictive_analytics.historic_clv"] == "float64"
        assert "email" in frame

    def test_order_is_kept_and_duplicates_too(self) -> None:
        ids = ["c", "a", "b", "a"]
        assert list(table_of([record(id) for id in ids])["id"]) == ids

    def test_huge_text_is_whole(self) -> None:
        text = "ø" * 1_000_000
        assert table_of([record("1", {"email": text})]).loc[0, "email"] == text


class TestWhatNobodyPromised:
    def test_an_unknown_attribute_comes_last_as_objects(self) -> None:
        frame = table_of([record("1"), record("2", {"mood": {"now": "good"}}), record("3", {"mood": None})])
        assert frame.columns[-1] == "mood"
        assert list(frame["mood"]) == [None, {"now": "good"}, None]

    def test_also_inside_an_object_that_is_known(self) -> None:
        frame = table_of([record("1", {"location": {"city": "Oslo", "planet": "Earth"}})])
        assert (frame.loc[0, "location.city"], frame.loc[0, "location.planet"]) == ("Oslo", "Earth")

    def test_also_inside_what_was_included(self) -> None:
        ann = {**ANN, "attributes": {"email": "ann@b.c", "shoe_size": 38, "location": {"planet": "Earth"}}}
        frame = table_of(
            [event("1"), event("2", profile=None)], "get_events", include=["profile"], included=[ann]
        )
        assert list(frame["profile.shoe_size"]) == [38, None]
        assert list(frame["profile.location.planet"]) == ["Earth", None]

    def test_an_object_that_is_none_is_kept_beside_its_columns(self) -> None:
        sent = [{"integration": "Shopify"}, {"integration": {"name": "Klaviyo"}}, {"integration": None}]
        frame = table_of([record(str(n), held) for n, held in enumerate(sent)], "get_metrics")
        assert list(frame["integration"]) == ["Shopify", None, None]
        assert list(frame["integration.name"].fillna("-")) == ["-", "Klaviyo", "-"]

    @pytest.mark.parametrize("odd", ["text", ["list"], 7])
    def test_attributes_and_relationships_that_are_none(self, odd: Any) -> None:
        frame = table_of([{"type": "profile", "id": "1", "attributes": odd, "relationships": odd}])
        assert frame.loc[0, "attributes"] == odd
        assert frame.loc[0, "relationships"] == odd

    def test_a_bare_identifier_is_a_row(self) -> None:
        frame = table_of([{"type": "profile", "id": "1"}, {"type": "profile", "id": "2", "attributes": None}])
        assert list(frame["id"]) == ["1", "2"]

    @pytest.mark.parametrize("name", ["id", "metric_id", "profile_id"])
    def test_an_attribute_never_takes_the_place_of_a_promised_column(self, name: str) -> None:
        frame = table_of([event("1", {name: "mine"})], "get_events")
        assert list(frame.loc[0, ["id", "metric_id", "profile_id"]]) == ["1", "m", "ann"]
        assert frame.loc[0, f"attributes.{name}"] == "mine"

    def test_two_things_of_one_name_are_both_kept(self) -> None:
        sent = {"location": {"planet": "Earth"}, "location.planet": "Mars"}
        frame = table_of([record("1"), record("2", sent), record("3", sent)])
        kept = frame[["location.planet", "attributes.location.planet"]].iloc[1:]
        assert sorted(set(kept.to_numpy().ravel())) == ["Earth", "Mars"]

    def test_a_column_that_appears_on_a_later_page_is_filled_up(self) -> None:
        frame = table_of([record("1"), record("2", {"mood": "good"}), record("3")], pages=3)
        assert list(frame["mood"]) == [None, "good", None]


class TestRelationships:
    def test_to_one_becomes_an_id(self) -> None:
        frame = table_of(
            [event("1"), event("2", profile=None), {**event("3"), "relationships": {}}], "get_events"
        )
        assert list(frame["profile_id"].fillna("-")) == ["ann", "-", "-"]
        assert frame.dtypes["profile_id"] == "string"

    def test_to_many_becomes_a_list_of_ids(self) -> None:
        tags = [ref("tag", "t1"), ref("tag", "t2")]
        frame = table_of(
            [record("1", tags=tags), record("2", tags=[]), record("3")], "get_flows", include=["tags"]
        )
        assert list(frame["tag_ids"]) == [["t1", "t2"], [], None]

    def test_ids_that_came_unasked_are_shown(self) -> None:
        frame = table_of([record("1", tags=[ref("tag", "t1")]), record("2")], "get_flows")
        assert list(frame["tag_ids"]) == [["t1"], None]

    def test_what_was_included_is_joined(self) -> None:
        included = [{**BOB, "attributes": {"email": "bob@b.c"}}, {**ANN, "attributes": {"email": "ann@b.c"}}]
        rows = [
            event("1", profile=BOB),
            event("2"),
            event("3", profile=ref("profile", "gone")),
            event("4", profile=None),
        ]
        frame = table_of(rows, "get_events", include=["profile"], included=included)
        assert list(frame["profile.email"].fillna("-")) == ["bob@b.c", "ann@b.c", "-", "-"]
        assert list(frame["profile_id"].fillna("-")) == ["bob", "ann", "gone", "-"]

    def test_included_many_become_lists(self) -> None:
        included = [{**ref("tag", "t1"), "attributes": {"name": "summer"}}]
        tags = [ref("tag", "t1"), ref("tag", "gone")]
        frame = table_of(
            [record("1", tags=tags), record("2")], "get_flows", include=["tags"], included=included
        )
        assert list(frame["tag.name"] if "tag.name" in frame else frame["tags.name"]) == [
            ["summer", None],
            None,
        ]

    def test_only_the_fields_asked_for_of_what_was_included(self) -> None:
        ann = {**ANN, "attributes": {"email": "ann@b.c", "title": "Dr", "new": 1}}
        fields = {"event": ["datetime"], "profile": ["email"]}
        frame = table_of([event("1")], "get_events", include=["profile"], fields=fields, included=[ann])
        assert list(frame.columns) == ["id", "datetime", "profile.email", "profile_id", "metric_id"]

    @pytest.mark.parametrize("odd", ["ann", 7, [ANN, BOB], {"type": "profile"}, {}], ids=str)
    @pytest.mark.filterwarnings("ignore::klaviyo_analytics.SchemaWarning")
    def test_data_of_an_odd_form_is_kept(self, odd: Any) -> None:
        frame = table_of([event("1", profile=odd), event("2")], "get_events", include=["profile"])
        expected = ["ann", "bob"] if isinstance(odd, list) else odd
        cell = frame.loc[0, "profile_id"]
        assert cell in (expected, str(expected), '["ann","bob"]', '{"type":"profile"}', "{}")


class TestProperties:
    SENT: ClassVar[list[dict[str, Any]]] = [
        {"event_properties": {"$value": 12.5, "Items": ["a"], "x.y": 1}},
        {"event_properties": {"$value": "12.50", "Items": None}},
        {"event_properties": None},
        {},
    ]

    def frame(self, **options: Any) -> pd.DataFrame:
        return table_of([event(str(n), held) for n, held in enumerate(self.SENT)], "get_events", **options)

    def test_json_leaves_one_column_of_dicts(self) -> None:
        assert self.frame()["event_properties"].iloc[0] == self.SENT[0]["event_properties"]
        assert self.frame().dtypes["event_properties"] == "object"

    def test_columns_gives_every_key_its_own(self) -> None:
        frame = self.frame(properties="columns")
        assert "event_properties" not in frame
        assert list(frame["event_properties.$value"]) == [12.5, "12.50", None, None]
        assert list(frame["event_properties.Items"]) == [["a"], None, None, None]
        assert list(frame["event_properties.x.y"]) == [1, None, None, None]

    def test_columns_also_where_fields_are_chosen(self) -> None:
        frame = self.frame(properties="columns", fields=["event_properties"])
        assert list(frame["event_properties.$value"]) == [12.5, "12.50", None, None]

    @pytest.mark.parametrize(
        "values", [["x", "y"], ["x", None], [1, 2], [True, False], [None, None], ["x", 1]]
    )
    def test_objects_stay_objects_whatever_they_hold(self, values: list[Any]) -> None:
        rows = [event(str(n), {"event_properties": {"a": value}}) for n, value in enumerate(values)]
        for properties in ("columns", ["a"]):
            column = table_of(rows, "get_events", properties=properties)["event_properties.a"]
            assert column.dtype == "object"
            assert list(column) == values

    def test_names_choose_and_are_there_when_no_row_has_them(self) -> None:
        frame = self.frame(properties=["$value", "never"])
        assert [name for name in frame.columns if "event_properties" in name] == [
            "event_properties.$value",
            "event_properties.never",
        ]
        assert frame["event_properties.never"].isna().all()
        assert list(table_of([], "get_events", properties=["$value"]).columns) == [
            name for name in frame.columns if "never" not in name
        ]

    @pytest.mark.parametrize(
        ("dtype", "expected"),
        [
            ("float64", "float64"),
            ("string", "string"),
            ("object", "object"),
            ("float", "float64"),
            ("str", "string"),
        ],
    )
    def test_a_dtype_is_kept(self, dtype: str, expected: str) -> None:
        assert self.frame(properties={"$value": dtype}).dtypes["event_properties.$value"] == expected

    def test_properties_that_are_no_object_are_kept(self) -> None:
        frame = table_of(
            [event("1", {"event_properties": "text"}), event("2")], "get_events", properties="columns"
        )
        assert list(frame["event_properties"]) == ["text", None]

    def test_text_is_the_json_of_each_row(self) -> None:
        held = [{"$value": 1.5, "Ä": [1, {"b": None}]}, {}, None, "odd"]
        rows = [event(str(number), {"event_properties": value}) for number, value in enumerate(held)]
        frame = table_of(rows, "get_events", properties="text")
        assert list(frame.columns) == list(table_of(rows, "get_events").columns)
        texts = frame["event_properties"]
        assert texts.dtype == "string"
        assert texts.isna().tolist() == [False, False, True, False]
        assert [json.loads(text) for text in texts.dropna()] == [held[0], held[1], held[3]]

    def test_text_has_the_dtype_of_no_rows(self) -> None:
        some = table_of([event("1", {"event_properties": {"a": 1}})], "get_events", properties="text")
        pd.testing.assert_series_equal(some.dtypes, table_of([], "get_events", properties="text").dtypes)

    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            ("everything", "Use 'json' .* 'text' .* 'columns'"),
            ({"a": "complex"}, "is not a supported dtype; use string"),
            ([1], "takes names"),
        ],
    )
    def test_other_words_are_refused(self, properties: Any, message: str) -> None:
        with pytest.raises(InvalidQueryError, match=message):
            self.frame(properties=properties)

    def test_there_must_be_properties_to_choose_from(self) -> None:
        with pytest.raises(InvalidQueryError, match="needs a column of custom properties"):
            table_of([], "get_lists", properties="columns")
        with pytest.raises(InvalidQueryError, match="needs a column of custom properties"):
            self.frame(properties=["a"], fields=["datetime"])
