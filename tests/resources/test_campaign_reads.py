"""Campaigns of every channel, though the API gives one channel a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import F
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import AmbiguousMatchError, InvalidInputError, InvalidQueryError, NoMatchError
from klaviyo_analytics.resources.reports._base import label
from tests.resources import answering
from tests.shops import Shop, open_shop, without_waiting

CHANNELS = ["email", "sms", "mobile_push"]


def channel_of(shop: Shop, id: str) -> str:
    """The channel of a campaign, as the account holds it."""
    for message in shop.account.records["campaign-message"].values():
        if message.relationships.get("campaign") == id:
            return str(message.attributes["definition"]["channel"])
    raise LookupError(id)


def channels_asked(shop: Shop, since: int) -> list[str]:
    filters = [
        one.params["filter"] for one in list(shop.sandbox.requests)[since:] if one.path.endswith("/campaigns")
    ]
    asked = [next(channel for channel in CHANNELS if f'"{channel}"' in text) for text in filters]
    return sorted(asked, key=CHANNELS.index)  # channels are asked at the same time


def test_all_channels_unless_one_is_named(library: Shop) -> None:
    before = len(library.sandbox.requests)
    frame = library.client.campaigns.list()
    assert list(dict.fromkeys(channels_asked(library, before))) == CHANNELS
    assert set(frame["id"]) == set(library.account.records["campaign"])
    assert frame["id"].is_unique
    assert isinstance(frame.index, pd.RangeIndex)
    for _, row in frame.iterrows():
        assert row["channel"] == channel_of(library, row["id"])


@pytest.mark.parametrize("channel", [*CHANNELS, ["sms"], ("email", "sms")], ids=str)
def test_only_the_channels_that_are_named(channel: Any, library: Shop) -> None:
    before = len(library.sandbox.requests)
    frame = library.client.campaigns.list(channel=channel)
    named = {channel} if isinstance(channel, str) else set(channel)
    assert set(channels_asked(library, before)) == named
    assert set(frame["channel"].dropna()) <= named
    held = {id for id in library.account.records["campaign"] if channel_of(library, id) in named}
    assert set(frame["id"]) == held


@pytest.mark.parametrize("limit", [0, 1, 5, 40, 10_000])
def test_a_limit_is_exact_over_all_channels(limit: int, library: Shop) -> None:
    whole = library.client.campaigns.list()
    before = len(library.sandbox.requests)
    frame = library.client.campaigns.list(limit=limit)
    assert list(frame["id"]) == list(whole["id"].head(limit))
    assert list(frame.columns)[:3] == ["id", "name", "send_time"]
    if limit <= 5:
        assert len(channels_asked(library, before)) <= 1


def test_chunks_are_of_all_channels(library: Shop) -> None:
    chunks = list(library.client.campaigns.iter_frames(chunk_size=7))
    assert all(len(chunk) <= 7 and chunk["channel"].nunique() <= 1 for chunk in chunks)
    assert sorted(id for chunk in chunks for id in chunk["id"]) == sorted(library.account.records["campaign"])


def test_a_filter_is_added_to_the_channel(library: Shop) -> None:
    before = len(library.sandbox.requests)
    frame = library.client.campaigns.list(filter=F.status == "Sent")
    assert set(frame["status"]) == {"Sent"}
    assert channels_asked(library, before) == CHANNELS


@pytest.mark.parametrize(
    "filter",
    ['equals(messages.channel,"sms")', "equals(messages.channel,'sms')", F.messages.channel == "sms",
     (F.status == "Sent") & (F["messages.channel"] == "sms")],
    ids=str,
)  # fmt: skip
def test_a_filter_that_names_the_channel_itself_is_sent_once(filter: Any, library: Shop) -> None:
    before = len(library.sandbox.requests)
    frame = library.client.campaigns.list(filter=filter)
    assert len(library.asked(before)) == 1
    assert set(frame["channel"]) == {"sms"}


def test_messages_and_tags_where_they_are_asked_for(library: Shop) -> None:
    frame = library.client.campaigns.list(channel="email", include=["campaign-messages"], limit=3)
    ids = frame["campaign_message_ids"].explode()
    assert set(ids) <= set(library.account.records["campaign-message"])


def test_one_is_found_by_its_name_in_any_channel(library: Shop) -> None:
    campaigns = library.account.records["campaign"]
    names = [record.attributes["name"] for record in campaigns.values()]
    for channel in CHANNELS[:2]:
        id = next(
            i
            for i, r in campaigns.items()
            if channel_of(library, i) == channel and names.count(r.attributes["name"]) == 1
        )
        row = library.client.campaigns.find(name=campaigns[id].attributes["name"])
        assert (row["id"], row["channel"]) == (id, channel)
    with pytest.raises(NoMatchError, match="No campaign has name="):
        library.client.campaigns.find(name='say "hi", (it\\')


def test_several_of_a_name_are_too_many(library: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, *_ = library.account.records["campaign"].values()
    monkeypatch.setitem(one.attributes, "name", "Twice")
    monkeypatch.setitem(two.attributes, "name", "Twice")
    with pytest.raises(AmbiguousMatchError, match=f"{one.id}.*{two.id}|{two.id}.*{one.id}"):
        library.client.campaigns.find(name="Twice")


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (
            {"channel": "fax"},
            InvalidInputError,
            "channel='fax' is not known; there are email, sms, mobile_push",
        ),
        ({"channel": ["email", "fax"]}, InvalidInputError, "'fax' is not known"),
        ({"channel": []}, InvalidInputError, "name at least one of email"),
        (
            {"channel": "sms", "filter": F.messages.channel == "email"},
            InvalidInputError,
            "Give the channel once",
        ),
        ({"filter": F.title == "x"}, InvalidQueryError, "'title' is not known"),
        ({"filter": F.messages.channel.any(["sms", "email"])}, InvalidQueryError, "knows equals, not 'any'"),
        ({"sort": "status"}, InvalidQueryError, "'status'"),
        ({"limit": -1}, InvalidInputError, "limit=-1: expected a non-negative integer"),
    ],
    ids=str,
)
def test_what_is_not_allowed_is_not_sent(
    asked: dict[str, Any], error: type[Exception], message: str, library: Shop
) -> None:
    before = len(library.sandbox.requests)
    with pytest.raises(error, match=message):
        library.client.campaigns.list(**asked)
    assert len(library.sandbox.requests) == before


class TestARevisionWithoutAFilterOnTheChannel:
    """From 2026-10-15 on one request returns the campaigns of all channels, in another form."""

    @pytest.fixture
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        return []

    @pytest.fixture
    def later(self, asked: list[tuple[str, dict[str, str]]]) -> Iterator[KlaviyoClient]:
        def make(method: str, path: str, query: dict[str, str], body: Any) -> Any:
            asked.append((path, query))
            rows = [
                answering.row("campaign", id, definition={"name": name})
                for id, name in (("C1", "Spring"), ("C2", "Fall"))
            ]
            for one in rows:
                one["relationships"] = {
                    "campaign-messages": {"data": [{"type": "campaign-message", "id": f"M{one['id']}"}]}
                }
            return {"data": rows, "included": [], "links": {"next": None}}

        with answering.answering(make, revision="2026-10-15") as client:
            yield client

    def test_all_campaigns_take_one_request(
        self, later: KlaviyoClient, asked: list[tuple[str, dict[str, str]]]
    ) -> None:
        frame = later.campaigns.list()
        assert frame["name"].tolist() == ["Spring", "Fall"]
        assert frame["channel"].isna().all()
        assert [(path, query.get("filter")) for path, query in asked] == [("/api/campaigns", None)]
        assert [len(chunk) for chunk in later.campaigns.iter_frames(chunk_size=1)] == [1, 1]

    def test_one_is_found_by_its_name(self, later: KlaviyoClient) -> None:
        assert later.campaigns.find(name="Fall")["id"] == "C2"
        with pytest.raises(NoMatchError, match="Did you mean 'Spring'"):
            later.campaigns.find(name="Sprng")

    def test_ids_have_names(self, later: KlaviyoClient) -> None:
        ids = pd.DataFrame({"campaign_id": ["C2"], "campaign_message_id": ["MC1"]})
        named = label(
            later.campaigns._context, ids, {"campaign_id": "campaign", "campaign_message_id": "message"}
        )
        assert named[["campaign", "message"]].iloc[0].tolist() == ["Fall", "Spring"]

    def test_what_it_cannot_read_is_refused_before_a_request(
        self, later: KlaviyoClient, asked: list[tuple[str, dict[str, str]]]
    ) -> None:
        calls: list[Callable[[], object]] = [
            lambda: later.campaigns.list(channel="email"),
            lambda: later.campaigns.list(filter=F.messages.channel == "email"),
        ]
        for call in calls:
            with pytest.raises(InvalidQueryError, match=r"2026-10-15|'messages.channel' is not known"):
                call()
        assert asked == []


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[KlaviyoClient, KlaviyoClient]]:
    """One shop, asked in revision 2026-01-15 and in 2026-10-15."""
    with open_shop(profiles=60, events=1_500) as shop:
        newer = ka.connect(
            api_key=shop.sandbox.maton_key,
            base_url=shop.sandbox.gateway_url,
            revision="2026-10-15",
            progress=False,
        )
        with newer:
            without_waiting(newer, shop.clock)
            yield shop.client, newer


class TestTheSameCampaignsInBothForms:
    """One shop, asked in an older revision and in 2026-10-15: what means the same is in the same columns."""

    YEAR = ("2025-09-01", "2025-12-31")

    def test_columns_dtypes_and_values(self, clients: tuple[KlaviyoClient, KlaviyoClient]) -> None:
        older, newer = (client.campaigns.list().set_index("id").sort_index() for client in clients)
        shared = [
            "name", "send_time", "status", "archived", "tracking_options.is_tracking_clicks", "created_at",
            "updated_at", "audiences.included", "audiences.excluded", "campaign_message_ids",
            "send_options.use_smart_sending",
        ]  # fmt: skip
        pd.testing.assert_frame_equal(newer[shared], older[shared])
        assert newer.dtypes[list(older.columns)].tolist() == older.dtypes.tolist()
        missing = ["channel", "scheduled_at", "send_strategy.method"]
        assert newer[missing].isna().all(axis=None)
        assert newer["definition.builder"].eq("wizard").all()

    def test_a_row_and_chosen_fields(self, clients: tuple[KlaviyoClient, KlaviyoClient]) -> None:
        older, newer = clients
        one = older.campaigns.list(sort="-created_at", limit=1).iloc[0]
        assert newer.campaigns.get(one)[["name", "status", "send_time"]].tolist() == [
            one["name"], one["status"], one["send_time"],
        ]  # fmt: skip
        frame = newer.campaigns.list(fields=["name", "status", "definition.builder"], limit=3)
        assert frame.columns.tolist() == [
            "id",
            "name",
            "status",
            "channel",
            "definition.builder",
            "campaign_message_ids",
        ]
        assert frame["status"].notna().all()
        known = newer.campaigns.list(
            include=["campaign-messages", "tags"],
            fields={"campaign": ["status"], "campaign-message": ["definition.name"]},
            limit=2,
        )
        assert "campaign_messages.definition.name" in known.columns
        assert "campaign_messages.definition.status" not in known.columns
        assert newer.campaigns.find(name=one["name"])["id"] == one["id"]

    @pytest.mark.parametrize("by", ["campaign", "message", "variation"])
    def test_summaries_are_equal(
        self, clients: tuple[KlaviyoClient, KlaviyoClient], by: Literal["campaign", "message", "variation"]
    ) -> None:
        older, newer = (client.campaigns.summary(self.YEAR, by=by) for client in clients)
        assert len(older) > 5
        pd.testing.assert_frame_equal(newer, older)

    def test_what_messages_differ_in_is_missing(self, clients: tuple[KlaviyoClient, KlaviyoClient]) -> None:
        _, newer = clients
        groups = newer.lists.list().iloc[:2]["id"].tolist()
        details = {"channel": "email", "subject": "Hi", "template_id": newer.templates.list().iloc[0]["id"]}
        definition = {
            "definition": {"name": "Twins"},
            "audiences": [{"temporary_id": id, "included": [id]} for id in groups],
            "messages": [
                {"audience_temporary_id": id, "variations": [{"definition": {"details": details}}]}
                for id in groups
            ],
        }
        made = newer.request(
            "POST", "/api/campaigns", json={"data": {"type": "campaign", "attributes": definition}}
        )
        id = made["data"]["id"]
        first = newer.campaigns.messages(id)["id"].iloc[0]
        assert newer.campaigns.get(id)["status"] == "Draft"
        assert newer.campaigns.get(id)["audiences.included"] is None
        schedule = {
            "type": "campaign-message-schedule",
            "attributes": {"strategy": "static", "send_time": "2126-01-01T00:00:00Z"},
            "relationships": {"campaign-message": {"data": {"type": "campaign-message", "id": first}}},
        }
        newer.request("POST", "/api/campaign-message-schedule", json={"data": schedule})
        row = newer.campaigns.get(id)
        assert row["name"] == "Twins"
        assert pd.isna(row["status"])
        assert pd.isna(row["send_time"])
