"""The endpoint table: whole, without contradictions, and every operation can be found by its path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import get_args

import pytest

from klaviyo_analytics import endpoints
from klaviyo_analytics.endpoints import Endpoint, Kind, Shape, Window
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.filters import OPERATORS

CATALOG = endpoints.load()


def ids_of(endpoint: Endpoint) -> dict[str, str]:
    return dict.fromkeys(re.findall(r"{(\w+)}", endpoint.path), "01ABC")


def test_it_is_of_the_pinned_revision_and_read_once() -> None:
    assert CATALOG.revision == "2026-01-15"
    assert endpoints.load() is CATALOG
    assert len(list(CATALOG)) > 290


def not_so(holds: Callable[[Endpoint], object]) -> list[str]:
    """Name the operations of which something does not hold."""
    return [endpoint.operation for endpoint in CATALOG if not holds(endpoint)]


def shapes(endpoint: Endpoint) -> list[Shape]:
    return [shape for shape in (endpoint.returns, *endpoint.included.values()) if shape is not None]


def test_every_operation_is_reached_by_its_path() -> None:
    def found(endpoint: Endpoint) -> bool:
        return CATALOG.find(endpoint.method, endpoint.at(**ids_of(endpoint))) is endpoint

    assert not_so(found) == []
    assert not_so(lambda e: e.path.startswith("/api/") and not e.path.endswith("/")) == []
    assert not_so(lambda e: CATALOG[e.operation] is e) == []


def test_limits_and_pages_fit_together() -> None:
    assert not_so(lambda e: e.limits and list(e.limits) == sorted(e.limits, key=lambda w: w.seconds)) == []
    assert (
        not_so(lambda e: e.page_max is None or (1 <= (e.page_default or 0) <= e.page_max and e.cursor)) == []
    )


def test_filters_use_operators_that_there_are() -> None:
    assert not_so(lambda e: all(ops and set(ops) <= set(OPERATORS) for ops in e.filters.values())) == []
    assert not_so(lambda e: e.filters or not e.filter_required) == []


def test_shapes_use_kinds_that_there_are() -> None:
    kinds = set(get_args(Kind))
    assert not_so(lambda e: all(set(shape.attributes.values()) <= kinds for shape in shapes(e))) == []
    arities = {arity for e in CATALOG for s in shapes(e) for _, arity in s.relationships.values()}
    assert arities == {"one", "many"}
    assert not_so(lambda e: not (e.no_body and e.returns)) == []


def test_what_can_be_included_has_a_relationship_and_a_shape() -> None:
    def joined(endpoint: Endpoint) -> bool:
        related = endpoint.returns.relationships if endpoint.returns else {}
        return all(name in related and related[name][0] in endpoint.included for name in endpoint.include)

    assert not_so(joined) == []


def test_only_what_does_no_harm_twice_is_replayed() -> None:
    reads = ("query_", "render_")  # these POSTs only read
    harmless = {e.operation for e in CATALOG if e.method != "POST" or e.operation.startswith(reads)}
    assert {e.operation for e in CATALOG if e.replay_safe} == harmless


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/api/profiles", "get_profiles"),
        ("GET", "/api/profiles/01ABC", "get_profile"),
        ("PATCH", "/api/profiles/01ABC", "update_profile"),
        ("GET", "/api/lists/X/relationships/profiles", "get_profile_ids_for_list"),
        ("GET", "/api/mapped-metrics/revenue", "get_mapped_metric"),
        ("GET", "/api/nonsense", None),
        ("PUT", "/api/profiles", None),
        ("GET", "/api/profiles/", None),
        ("GET", "/api/profiles/a/b/c", None),
        ("GET", "", None),
    ],
)
def test_a_concrete_path_finds_its_operation(method: str, path: str, operation: str | None) -> None:
    found = CATALOG.find(method, path)
    assert (found.operation if found else None) == operation


@pytest.mark.parametrize(
    ("id", "path"),
    [
        ("01ABC", "/api/profiles/01ABC"),
        ("$custom:::$default:::a/b", "/api/profiles/%24custom%3A%3A%3A%24default%3A%3A%3Aa%2Fb"),
        ("a=b?c#d%e f", "/api/profiles/a%3Db%3Fc%23d%25e%20f"),
        ("{id}", "/api/profiles/%7Bid%7D"),
        ("é", "/api/profiles/%C3%A9"),
    ],
)
def test_ids_are_percent_encoded(id: str, path: str) -> None:
    assert CATALOG["get_profile"].at(id=id) == path


@pytest.mark.parametrize("id", [".", ".."])
def test_an_id_does_not_lead_to_another_path(id: str) -> None:
    with pytest.raises(InvalidInputError, match="is not an id"):
        CATALOG["delete_list"].at(id=id)


@pytest.mark.parametrize(
    ("text", "window"), [("350/s", (350, 1)), ("15/m", (15, 60)), ("225/d", (225, 86_400))]
)
def test_limits_read_as_they_are_written(text: str, window: tuple[int, int]) -> None:
    assert Window.parse(text) == Window(*window)
    assert str(Window.parse(text)) == text


def test_the_facts_that_everything_hangs_on() -> None:
    events, lists, reports = CATALOG["get_events"], CATALOG["get_lists"], CATALOG["query_campaign_values"]
    assert (events.page_default, events.page_max, lists.page_max) == (200, 1_000, None)
    assert events.filters["metric_id"] == ("equals",)
    assert [str(window) for window in events.limits] == ["350/s", "3500/m"]
    assert [str(window) for window in reports.limits] == ["1/s", "2/m", "225/d"]
    assert CATALOG["get_campaigns"].filter_required
    assert CATALOG["get_profiles"].additional_fields == {"profile": ("subscriptions", "predictive_analytics")}
    assert events.returns is not None
    assert events.returns.attributes["datetime"] == "time"
