"""Queries: what an endpoint does not allow is refused before anything is sent, by a message that helps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from klaviyo_analytics import endpoints
from klaviyo_analytics.endpoints import query
from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters import F

CATALOG = endpoints.load()


def build(operation: str = "get_profiles", **asked: Any) -> Mapping[str, str]:
    return query.build(CATALOG[operation], **asked).params


class TestRelatedIds:
    """To-one relationships show their id only where they are included, so they are, by one field."""

    @pytest.mark.parametrize("revision", ["2026-01-15", "2026-07-15"])
    def test_what_is_not_included_is_asked_for_by_one_field(self, revision: str) -> None:
        catalog, seen = endpoints.load(revision), 0
        for endpoint in catalog:
            for name in endpoint.one_to_one(free=True):
                assert endpoint.returns is not None
                kind = endpoint.returns.relationships[name][0]
                filtered: dict[str, Any] = (
                    {"filter": "equals(messages.channel,'email')"} if endpoint.filter_required else {}
                )
                plain = query.build(endpoint, **filtered).params
                assert name in plain["include"].split(",")
                assert plain[f"fields[{kind}]"] == endpoint.fields[kind][0]
                whole = query.build(endpoint, include=[name], **filtered).params
                assert whole["include"].split(",").count(name) == 1
                assert f"fields[{kind}]" not in whole
                seen += 1
        assert seen > 10


class TestEncoding:
    @pytest.mark.parametrize(
        ("asked", "params"),
        [
            ({}, {}),
            ({"filter": F.email == "a@b.c"}, {"filter": 'equals(email,"a@b.c")'}),
            ({"filter": "equals(email,'a@b.c')"}, {"filter": "equals(email,'a@b.c')"}),
            ({"sort": "-created"}, {"sort": "-created"}),
            ({"include": ["push-tokens"]}, {"include": "push-tokens"}),
            ({"include": "push-tokens"}, {"include": "push-tokens"}),
            ({"include": []}, {}),
            ({"fields": ["email", "location.city"]}, {"fields[profile]": "email,location.city"}),
            ({"fields": "email, title"}, {"fields[profile]": "email,title"}),
            ({"fields": ["id", "email", "email"]}, {"fields[profile]": "email"}),
            ({"fields": {"profile": ["id", "email"]}}, {"fields[profile]": "email"}),
            ({"additional_fields": ["subscriptions"]}, {"additional-fields[profile]": "subscriptions"}),
        ],
        ids=str,
    )
    def test_arguments_become_parameters(self, asked: dict[str, Any], params: dict[str, str]) -> None:
        assert build(**asked) == params

    def test_fields_go_by_type(self) -> None:
        fields = {"event": ["datetime"], "profile": ["email"]}
        assert build("get_events", include=["profile"], fields=fields) == {
            "include": "profile",
            "fields[event]": "datetime",
            "fields[profile]": "email",
        }

    @pytest.mark.parametrize("name", ["predictive_analytics", "predictive_analytics.total_clv"])
    def test_an_additional_field_is_switched_on_by_naming_it(self, name: str) -> None:
        assert build(fields=["email", name]) == {
            "fields[profile]": f"email,{name}",
            "additional-fields[profile]": "predictive_analytics",
        }

    def test_it_is_switched_on_once(self) -> None:
        params = build(fields=["predictive_analytics.total_clv"], additional_fields=["predictive_analytics"])
        assert params["additional-fields[profile]"] == "predictive_analytics"


class TestRefusals:
    @pytest.mark.parametrize(
        ("operation", "asked", "said"),
        [
            ("get_profiles", {"sort": "emial"}, ["GET /api/profiles", "did you mean 'email'", "created", "updated"]),
            ("get_profiles", {"sort": "--email"}, ["'-email'", "did you mean 'email'"]),
            ("get_profiles", {"include": ["list"]}, ["include 'list'", "push-tokens"]),
            ("get_account", {"include": ["list"]}, ["it takes none"]),
            ("get_profiles", {"fields": ["frist_name"]}, ["fields[profile]", "did you mean 'first_name'"]),
            ("get_profiles", {"fields": {"event": ["x"]}}, ["'event'", "profile", "push-token"]),
            ("get_profiles", {"additional_fields": ["predictive"]}, ["predictive_analytics, subscriptions"]),
            ("get_lists", {"additional_fields": ["profile_count"]}, ["it takes none"]),
            ("get_profiles", {"filter": F.frist_name == "x"}, ["filter field 'frist_name'", "and 7 more"]),
            ("get_profiles", {"filter": "equals(emial,'x')"}, ["'emial'", "did you mean 'email'"]),
            ("get_profiles", {"filter": F.email.contains("x")}, ["'email' knows any, equals, not 'contains'"]),
            ("get_lists", {"filter": F.created < "2026-01-01"}, ["'created' knows greater-than, not 'less-than'"]),
            ("get_events", {"filter": "less-than(datetime,'2026-01-01')"}, ["without quotes"]),
            ("get_events", {"filter": (F.metric_id == "a") & (F.profile == "b")}, ["'profile' knows has"]),
            ("get_campaigns", {}, ["a filter is required", "messages.channel"]),
        ],
        ids=str,
    )  # fmt: skip
    def test_the_message_names_what_is_allowed(
        self, operation: str, asked: dict[str, Any], said: list[str]
    ) -> None:
        with pytest.raises(InvalidQueryError) as caught:
            build(operation, **asked)
        assert [part for part in said if part not in str(caught.value)] == []
        assert str(caught.value).endswith(".")

    @pytest.mark.parametrize("name", ["fields", "additional_fields"])
    @pytest.mark.parametrize("empty", [[], "", ["id"], {"profile": []}, {"profile": ["id"]}], ids=str)
    def test_an_empty_choice_of_fields_is_no_choice(self, name: str, empty: Any) -> None:
        with pytest.raises(InvalidQueryError, match=rf"{name} (is empty|takes names)"):
            build(**{name: empty})

    @pytest.mark.parametrize(
        ("name", "odd"),
        [("fields", 5), ("fields", [5]), ("fields", {"profile": 5}), ("include", 5), ("include", [None]), ("sort", 5),
         ("sort", ["email"]), ("filter", 5), ("filter", ["equals(email,'x')"]), ("additional_fields", [""])],
    )  # fmt: skip
    @pytest.mark.parametrize("strict", [True, False])
    def test_odd_arguments_are_refused_by_name(self, name: str, odd: Any, strict: bool) -> None:
        with pytest.raises(InvalidQueryError, match=name):
            build(**{name: odd, "strict": strict})


class TestLeniency:
    @pytest.mark.parametrize(
        ("asked", "params"),
        [
            ({"sort": "shoe_size"}, {"sort": "shoe_size"}),
            ({"include": ["shoes"]}, {"include": "shoes"}),
            ({"fields": ["shoe_size"]}, {"fields[profile]": "shoe_size"}),
            ({"additional_fields": ["shoes"]}, {"additional-fields[profile]": "shoes"}),
            ({"filter": F.shoe_size > 40}, {"filter": "greater-than(shoe_size,40)"}),
            ({"filter": "or(equals(a,1),equals(b,2))"}, {"filter": "or(equals(a,1),equals(b,2))"}),
        ],
    )
    def test_what_another_revision_may_know_passes_without_strictness(
        self, asked: dict[str, Any], params: dict[str, str]
    ) -> None:
        with pytest.raises(InvalidQueryError):
            build(**asked)
        assert build(strict=False, **asked) == params


class TestPageSizes:
    @pytest.mark.parametrize(
        ("operation", "size", "limit", "asked_for"),
        [
            ("get_events", None, None, 1_000),
            ("get_profiles", None, None, 100),
            ("get_profiles", None, 30, 30),
            ("get_profiles", None, 1_000, 100),
            ("get_profiles", None, 0, 1),
            ("get_profiles", 7, 1_000, 7),
            ("get_profiles", 100, 1, 100),
            ("get_lists", None, None, None),
            ("get_lists", None, 3, None),
        ],
    )
    def test_the_largest_that_is_allowed_and_needed(
        self, operation: str, size: int | None, limit: int | None, asked_for: int | None
    ) -> None:
        assert query.page_size(CATALOG[operation], size, limit) == asked_for

    @pytest.mark.parametrize(
        ("operation", "size", "message"),
        [
            ("get_profiles", 101, "page_size=101 was given; allowed are 1 to 100"),
            ("get_profiles", 0, "allowed are 1 to 100"),
            ("get_profiles", -5, "allowed are 1 to 100"),
            ("get_events", 1_001, "allowed are 1 to 1000"),
            ("get_lists", 10, "its pages have a fixed size; leave page_size out"),
        ],
    )
    def test_others_are_refused(self, operation: str, size: int, message: str) -> None:
        with pytest.raises(InvalidQueryError, match=re.escape(message)):
            query.page_size(CATALOG[operation], size, None)
        assert query.page_size(CATALOG[operation], size, None, strict=False) == size

    @pytest.mark.parametrize("size", ["10", 2.5, True])
    def test_a_page_size_is_a_whole_number(self, size: Any) -> None:
        with pytest.raises(InvalidQueryError, match="give a whole number"):
            query.page_size(CATALOG["get_profiles"], size, None, strict=False)
