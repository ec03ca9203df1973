"""Which table describes a revision, what it allows, and that a client follows its own."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics._connect import _warn_of
from klaviyo_analytics.endpoints import Catalog, load, revisions
from klaviyo_analytics.endpoints.query import build, page_size
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError, InvalidQueryError
from klaviyo_analytics.sandbox.app.contract import load_contract


@pytest.mark.parametrize(
    ("revision", "tables"),
    [
        ("2024-10-15", ("2026-01-15",)),
        ("2026-01-15", ("2026-01-15",)),
        ("2026-04-15", ("2026-01-15", "2026-07-15")),
        ("2026-07-15", ("2026-07-15",)),
        ("2026-07-15.pre", ("2026-07-15",)),
        ("2026-10-15", ("2026-10-15",)),
        ("2027-04-15", ("2026-10-15",)),
    ],
)
def test_a_revision_is_described_by_its_own_table_or_by_those_around_it(
    revision: str, tables: tuple[str, ...]
) -> None:
    assert revisions.tables_for(revision) == tables


def test_a_table_holds_what_its_predecessors_have_and_what_it_changes() -> None:
    old, middle, new = map(load, revisions.TABLES)
    assert len(old.operations) < len(middle.operations) < len(new.operations)
    assert set(old.operations) < set(middle.operations) < set(new.operations)
    assert old["get_profiles"] != middle["get_profiles"]
    assert middle["get_flows"] == new["get_flows"]


@pytest.mark.parametrize(
    ("operation", "size"),
    [
        ("get_campaigns", 100), ("get_lists", 10), ("get_segments", 10), ("get_tags", 50), ("get_templates", 10),
        ("get_coupons", 100), ("get_catalog_items", 100),
    ],
)  # fmt: skip
def test_page_size_is_sent_only_where_a_revision_has_it(operation: str, size: int) -> None:
    assert page_size(load("2026-01-15")[operation], None, None) is None
    for revision in ("2026-04-15", "2026-07-15", "2026-10-15"):
        assert page_size(load(revision)[operation], None, None) == size


def test_the_channel_filter_of_campaigns_is_required_before_2026_10_15_and_refused_after() -> None:
    channel = ka.F["messages.channel"] == "email"
    for revision in ("2026-01-15", "2026-04-15", "2026-07-15"):
        with pytest.raises(InvalidQueryError, match="a filter is required"):
            build(load(revision)["get_campaigns"])
        build(load(revision)["get_campaigns"], filter=channel)
    build(load("2026-10-15")["get_campaigns"])
    with pytest.raises(InvalidQueryError, match=r"messages\.channel"):
        build(load("2026-10-15")["get_campaigns"], filter=channel)


def test_between_two_tables_whatever_either_allows_is_allowed() -> None:
    between = load("2026-04-15")
    later = set(load("2026-07-15").operations) - set(between.operations)
    assert set(load().operations) <= set(between.operations)
    assert "create_conversation_message" in between.operations
    assert {"get_object_types", "update_source_mapping", "delete_flow_action"} < later
    assert "messages.channel" in between["get_campaigns"].filters
    assert "conversation" in between["get_profile"].include
    assert load("2026-07-15")["get_campaigns"].filter_required
    assert not load("2026-08-15")["get_campaigns"].filter_required  # as in the table after it


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.object_types.list(),
        lambda c: c.flow_actions.delete("a1", confirm=True),
        lambda c: c.profiles.get("01P", include=["conversations"]),
    ],
)
def test_what_came_after_2026_04_15_is_refused_there_before_a_request(call: Any) -> None:
    with (
        ka.connect(api_key="pk_0123456789", base_url="http://127.0.0.1:9", revision="2026-04-15") as client,
        pytest.raises(InvalidQueryError, match=r"2026-0[47]-15|conversation"),
    ):
        call(client)


def test_the_table_and_the_sandbox_agree_on_what_2026_04_15_has() -> None:
    contract, known = load_contract("2026-04-15"), load("2026-04-15")
    for endpoint in load("2026-07-15"):
        path = endpoint.at(**dict.fromkeys(re.findall(r"{(\w+)}", endpoint.path), "x"))
        assert contract.has(endpoint.method, path) == (endpoint.operation in known.operations), path


def test_changes_lists_what_a_move_adds_and_breaks() -> None:
    found = revisions.changes(load("2026-07-15"), load("2026-10-15"))
    assert "get_campaign_audience" in found["added"]
    assert not found["removed"]
    (campaigns,) = [line for line in found["breaking"] if line.startswith("get_campaigns:")]
    assert "messages.channel" in campaigns
    (create,) = [line for line in found["breaking"] if line.startswith("create_campaign:")]
    assert "newly required: definition" in create
    same = revisions.changes(load(), load())
    assert not any(same.values())


def test_a_revision_lives_for_two_years() -> None:
    life = revisions.Life.of("2026-01-15")
    assert (life.deprecated.isoformat(), life.retired.isoformat()) == ("2027-01-15", "2028-01-15")
    assert revisions.Life.of("2028-02-29").deprecated.isoformat() == "2029-02-28"


def test_connect_chooses_the_table() -> None:
    for revision in revisions.STABLE:
        client = ka.connect(api_key="pk_0123456789", revision=revision)
        assert client._api.catalog is load(revision)
        assert client._api.strict
        assert client._api.transport._headers["revision"] == revision


def test_the_name_of_a_copy_is_sent_in_the_word_of_the_revision() -> None:
    for revision, word in (("2026-07-15", "new_name"), ("2026-10-15", "name")):
        client = ka.connect(api_key="pk_0123456789", revision=revision)
        for given in ("new_name", "name"):
            request = client.campaigns.clone("01ABC", **{given: "Copy"}, dry_run=True)
            assert request["body"].item()["data"]["attributes"] == {word: "Copy"}


def test_a_relationship_is_required_between_two_tables_only_if_both_require_it() -> None:
    known = load("2026-01-15")["create_campaign"]
    known_body = known.body
    assert known_body is not None

    def asks(required: bool) -> Catalog:
        body = replace(known_body, relationships={"tag": ("tag", "one", required)})
        return Catalog("x", {known.operation: replace(known, body=body)})

    for first, second in product((True, False), repeat=2):
        merged = revisions.union([asks(first), asks(second)])[known.operation].body
        assert merged is not None
        assert merged.relationships == {"tag": ("tag", "one", first and second)}


def test_a_write_takes_what_its_own_revision_has() -> None:
    older, newer = (
        ka.connect(api_key="pk_0123456789", revision=name) for name in ("2026-01-15", "2026-04-15")
    )
    block: dict[str, Any] = {"name": "T", "editor_type": "CODE", "definition": {"a": 1}, "dry_run": True}
    assert newer.templates.create(**block)["body"].item()["data"]["attributes"]["definition"] == {"a": 1}
    with pytest.raises(InvalidInputError, match="does not accept 'definition'"):
        older.templates.create(**block)


def test_an_unknown_revision_has_the_newest_table_refuses_nothing_and_warns_once() -> None:
    _warn_of.cache_clear()
    with pytest.warns(UserWarning, match=r"revision='2031-01-15' is not known .* 2026-10-15") as said:
        client = ka.connect(api_key="pk_0123456789", revision="2031-01-15")
    assert len(said) == 1
    assert client._api.catalog is load("2026-10-15")
    assert not client._api.strict
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ka.connect(api_key="pk_0123456789", revision="2031-01-15")


@pytest.mark.parametrize("revision", ["", "latest", "2026-1-15", "20260115", "2026-13-01", None, 5])
def test_what_is_not_a_date_is_not_a_revision(revision: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a valid API revision"):
        ka.connect(api_key="pk_0123456789", revision=revision)


def test_a_profile_of_2026_04_15_has_one_conversation() -> None:
    with ka.demo(profiles=60, events=600, revision="2026-04-15", progress=False) as client:
        people = client.profiles.list(include="conversation", fields=["email"], workers=1)  # type: ignore[arg-type]
        assert people["conversation_id"].notna().any()
        person = people.dropna(subset="conversation_id").iloc[0]
        found = client.profiles.get(person["id"], include="conversation")  # type: ignore[arg-type]
        assert found["conversation_id"] == person["conversation_id"]
