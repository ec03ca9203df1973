"""Every noun's list, iter_frames, get and find, against what the account really holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import F
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import (
    AmbiguousMatchError,
    InvalidInputError,
    InvalidQueryError,
    MalformedResponseError,
    NoMatchError,
    NotFoundError,
)
from tests.shops import Shop, open_shop

NOUNS = {
    "accounts": "account",
    "campaigns": "campaign",
    "events": "event",
    "flows": "flow",
    "lists": "list",
    "metrics": "metric",
    "profiles": "profile",
    "segments": "segment",
}
CHUNKED = [noun for noun in NOUNS if noun != "accounts"]
FOUND = ["flows", "lists", "profiles", "segments"]


@pytest.fixture(scope="module")
def frames(reader: KlaviyoClient) -> dict[str, pd.DataFrame]:
    return {noun: getattr(reader, noun).list() for noun in NOUNS}


class TestList:
    @pytest.mark.parametrize(("noun", "kind"), NOUNS.items())
    def test_each_is_there_exactly_once(
        self, noun: str, kind: str, library: Shop, frames: dict[str, pd.DataFrame]
    ) -> None:
        account = library.account
        held = account.events.ids if kind == "event" else list(account.records[kind])
        assert sorted(frames[noun]["id"]) == sorted(held)
        assert isinstance(frames[noun].index, pd.RangeIndex)

    @pytest.mark.parametrize("noun", NOUNS)
    @pytest.mark.parametrize("limit", [0, 1, 3, 10, 11, 101])
    def test_a_limit_is_exact(
        self, noun: str, limit: int, reader: KlaviyoClient, frames: dict[str, pd.DataFrame]
    ) -> None:
        whole = frames[noun]
        frame = getattr(reader, noun).list(limit=limit)
        pd.testing.assert_frame_equal(frame, whole.head(limit)[list(frame.columns)])

    @pytest.mark.parametrize("limit", [-1, 2.5, "10", True])
    def test_a_limit_is_a_whole_number(self, limit: Any, reader: KlaviyoClient) -> None:
        with pytest.raises(InvalidInputError) as caught:
            reader.profiles.list(limit=limit)
        assert str(caught.value) == f"limit={limit!r}: expected a non-negative integer, or None for all rows."

    @pytest.mark.parametrize("page_size", [1, 7, 100])
    def test_pages_of_any_size_give_the_same_frame(
        self, page_size: int, reader: KlaviyoClient, frames: dict[str, pd.DataFrame]
    ) -> None:
        pd.testing.assert_frame_equal(reader.profiles.list(page_size=page_size), frames["profiles"])

    def test_a_filter_a_sort_and_fields(self, reader: KlaviyoClient) -> None:
        frame = reader.profiles.list(
            filter=F.created > "2025-09-01", sort="-created", fields=["created", "location.city"], limit=20
        )
        assert list(frame.columns) == ["id", "created", "location.city"]
        assert frame["created"].is_monotonic_decreasing
        assert (frame["created"] > pd.Timestamp("2025-09-01", tz="UTC")).all()

    def test_nothing_is_sent_for_a_query_that_is_refused(self, library: Shop) -> None:
        before = len(library.sandbox.requests)
        with pytest.raises(InvalidQueryError):
            library.client.lists.list(filter=F.name.contains("x"))
        with pytest.raises(InvalidInputError, match=r"list\(\).*'pagesize'.*takes filter=, sort="):
            library.client.lists.list(pagesize=5)  # type: ignore[call-arg]
        assert len(library.sandbox.requests) == before


class TestIterFrames:
    @pytest.mark.parametrize("noun", CHUNKED)
    @pytest.mark.parametrize("chunk_size", [7, 10_000])
    def test_chunks_join_to_the_whole(
        self, noun: str, chunk_size: int, reader: KlaviyoClient, frames: dict[str, pd.DataFrame]
    ) -> None:
        limit = {"limit": 100} if noun in ("events", "profiles") else {}
        chunks = list(getattr(reader, noun).iter_frames(chunk_size=chunk_size, **limit))
        assert all(isinstance(chunk.index, pd.RangeIndex) and len(chunk) <= chunk_size for chunk in chunks)
        joined = pd.concat(chunks, ignore_index=True)
        pd.testing.assert_frame_equal(joined, frames[noun].head(len(joined)))
        assert len(joined) == min(len(frames[noun]), limit.get("limit", 10**9))

    def test_all_but_the_last_are_full(self, reader: KlaviyoClient) -> None:
        assert [len(chunk) for chunk in reader.profiles.iter_frames(chunk_size=80, page_size=30)] == [
            80,
            80,
            80,
            60,
        ]

    def test_nothing_is_one_empty_frame_with_all_columns(self, reader: KlaviyoClient) -> None:
        (empty,) = reader.profiles.iter_frames(filter=F.email == "nobody@nowhere.example")
        assert len(empty) == 0
        assert list(empty.dtypes) == list(reader.profiles.list(limit=1).dtypes)

    def test_pages_are_read_when_they_are_wanted(self, library: Shop) -> None:
        before = len(library.sandbox.requests)
        chunks: Iterator[pd.DataFrame] = library.client.profiles.iter_frames(
            chunk_size=10, page_size=10, workers=1
        )
        next(chunks)
        assert len(library.asked(before)) <= 2

    @pytest.mark.parametrize("chunk_size", [0, -1])
    def test_a_chunk_has_rows(self, chunk_size: int, reader: KlaviyoClient) -> None:
        with pytest.raises(InvalidInputError) as caught:
            reader.profiles.iter_frames(chunk_size=chunk_size)
        assert str(caught.value) == f"chunk_size={chunk_size} is not allowed. Use at least 1 row."


class TestGet:
    @pytest.mark.parametrize("noun", NOUNS)
    def test_one_by_id_is_the_row_of_the_list(
        self, noun: str, reader: KlaviyoClient, frames: dict[str, pd.DataFrame]
    ) -> None:
        row = frames[noun].iloc[len(frames[noun]) // 2]
        one = getattr(reader, noun).get(row["id"])
        assert one.name == one["id"] == row["id"]
        shared = [name for name in row.index if name in one.index]
        assert len(shared) > 3
        for name in shared:
            same = one[name] == row[name] if not isinstance(row[name], (dict, list)) else True
            assert (pd.isna(one[name]) and pd.isna(row[name])) if same is pd.NA or not same else same

    def test_a_row_will_do_for_an_id(self, reader: KlaviyoClient) -> None:
        row = reader.lists.list(limit=1).iloc[0]
        assert reader.lists.get(row)["name"] == row["name"]
        assert set(reader.lists.profiles(row, limit=5).columns) >= {"id", "email"}

    @pytest.mark.parametrize("noun", NOUNS)
    def test_what_is_not_there_is_not_found(self, noun: str, reader: KlaviyoClient) -> None:
        with pytest.raises(NotFoundError, match="404"):
            getattr(reader, noun).get("nobody")

    @pytest.mark.parametrize("id", [None, "", " ", 5, ["a"], pd.NA, pd.Series({"name": "x"}), ".", ".."])
    def test_what_is_no_id_is_refused(self, id: Any, reader: KlaviyoClient) -> None:
        shown = repr(id.get("id")) if isinstance(id, pd.Series) else repr(id)
        named = "" if isinstance(id, str) and id.startswith(".") else "id="
        with pytest.raises(InvalidInputError) as caught:
            reader.profiles.get(id)
        assert str(caught.value) == (
            f"{named}{shown} is not an id. Pass an id as text, or a row that `get` or `find` returned."
        )

    def test_additional_fields_of_a_single_one(self, reader: KlaviyoClient, library: Shop) -> None:
        group = next(iter(library.account.records["list"]))
        assert reader.lists.get(group, additional_fields=["profile_count"])["profile_count"] == len(
            library.account.members[group]
        )

    def test_an_answer_without_data_is_malformed(self) -> None:
        with open_shop(profiles=1, events=0) as shop:
            shop.sandbox.faults.add(path="/api/lists/x", status=200, body={"data": None})
            shop.sandbox.faults.add(path="/api/accounts", status=200, body={"data": []})
            with pytest.raises(MalformedResponseError, match="/api/lists"):
                shop.client.lists.get("x")
            with pytest.raises(MalformedResponseError, match="/api/accounts"):
                _ = shop.client.account


class TestFind:
    @pytest.mark.parametrize("noun", FOUND)
    def test_by_an_attribute_that_the_server_filters(
        self, noun: str, reader: KlaviyoClient, frames: dict[str, pd.DataFrame]
    ) -> None:
        name = "email" if noun == "profiles" else "name"
        row = frames[noun].dropna(subset=[name]).drop_duplicates(name, keep=False).iloc[0]
        assert getattr(reader, noun).find(**{name: row[name]})["id"] == row["id"]

    @pytest.mark.parametrize("name", ['say "hi"', "it's", "back\\slash", "a,b)", "😀", "%20+&"])
    def test_whatever_the_text_it_is_quoted(self, name: str, reader: KlaviyoClient) -> None:
        with pytest.raises(NoMatchError, match="No list with name="):
            reader.lists.find(name=name)

    def test_by_any_other_attribute_in_all_rows(
        self, reader: KlaviyoClient, frames: dict[str, pd.DataFrame]
    ) -> None:
        row = frames["profiles"].drop_duplicates("created", keep=False).iloc[0]
        assert reader.profiles.find(created=row["created"])["id"] == row["id"]
        assert reader.segments.find(id=frames["segments"]["id"][0])["id"] == frames["segments"]["id"][0]

    def test_several_are_too_many(self, reader: KlaviyoClient) -> None:
        with pytest.raises(AmbiguousMatchError, match=r"more than one flow with status='live'.*get\(id\)"):
            reader.flows.find(status="live")

    @pytest.mark.parametrize(
        ("attributes", "message"),
        [
            ({}, "exactly one attribute"),
            ({"name": "a", "id": "b"}, "2 were given"),
            ({"shoe_size": 38}, "has no attribute .shoe_size.. There are .id., .email"),
            ({"_kx": 5}, "cannot be looked up by"),
            ({"predictive_analytics.total_clv": 5.0}, "cannot be looked up by"),
            ({"properties": {"a": 1}}, "cannot be looked up by"),
        ],
    )
    def test_what_cannot_be_looked_for(
        self, attributes: dict[str, Any], message: str, reader: KlaviyoClient
    ) -> None:
        with pytest.raises(InvalidInputError, match=message):
            reader.profiles.find(**attributes)


class TestMembers:
    @pytest.mark.parametrize("noun", ["lists", "segments"])
    def test_are_the_groups_own(self, noun: str, reader: KlaviyoClient, library: Shop) -> None:
        kind = noun.removesuffix("s")
        group = max(library.account.records[kind], key=lambda one: len(library.account.members.get(one, {})))
        frame = getattr(reader, noun).profiles(group, sort="joined_group_at")
        joined = library.account.members[group]
        assert len(frame) > 50
        assert set(frame["id"]) == set(joined)
        assert frame["joined_group_at"].is_monotonic_increasing
        seconds = frame["joined_group_at"].astype("int64") // 1_000_000
        assert dict(zip(frame["id"], seconds, strict=True)) == joined

    def test_groups_of_a_profile(self, reader: KlaviyoClient, library: Shop) -> None:
        group, members = next(
            (g, m) for g, m in library.account.members.items() if g in library.account.records["list"] and m
        )
        assert group in set(reader.profiles.lists(next(iter(members)))["id"])


class TestRelatedIds:
    """The API tells ids of related resources only where they are included."""

    def test_those_that_need_no_further_scope_are_there(self, reader: KlaviyoClient) -> None:
        assert reader.tags.list()["tag_group_id"].notna().all()
        campaign = reader.campaigns.list(channel="email", limit=1)["id"][0]
        messages = reader.campaigns.messages(campaign)
        assert messages["campaign_id"].tolist() == [campaign] * len(messages)
        assert reader.campaign_messages.get(messages.iloc[0])["campaign_id"] == campaign

    def test_the_columns_are_those_asked_for_and_little_travels(self, library: Shop) -> None:
        columns = list(library.client.tags.list().columns)
        assert columns == ["id", "name", "tag_group_id"]
        asked = library.sandbox.requests[-1].params
        assert (asked["include"], asked["fields[tag-group]"]) == ("tag-group", "default")
        whole = library.client.tags.list(include=["tag-group"])
        assert "tag_group.name" in whole
        assert "fields[tag-group]" not in library.sandbox.requests[-1].params

    def test_those_of_another_scope_come_when_they_are_asked_for(self, library: Shop) -> None:
        library.client.campaigns.messages(library.client.campaigns.list(channel="email", limit=1)["id"][0])
        assert library.sandbox.requests[-1].params["include"] == "campaign"
        assert "template_id and image_id only with" in (
            library.client.campaigns.messages.__doc__ or ""
        ).replace("\n    ", " ")
