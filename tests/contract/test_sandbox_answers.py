"""Every read of the document that the sandbox serves, asked in every way: the answers must be the document's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.contract.conftest import needed_document
from tests.contract.openapi import Operation
from tests.contract.recorder import CheckedApp, complaints
from tests.contract.walk import NOT_SERVED, NOW, Walk

# What an account has only after somebody wrote; test_sandbox_writes.py reads these.
AFTER_A_WRITE = re.compile(
    r"/api/([\w-]+-jobs|campaign-recipient-estimations|data-sources|web-feeds)/.*"
    r"|/api/mapped-metrics/\{id\}/(relationships/)?custom-metric"
    r"|/api/(object-types|object-schemas|object-records|source-mappings)/.*"
    r"|/api/profiles/\{id\}/(relationships/)?conversations?"
    r"|/api/campaign-variations/\{id\}/(relationships/)?translation"
)


@pytest.fixture(scope="module", params=["2026-01-15", "2026-07-15", "2026-10-15"])
def walk(request: pytest.FixtureRequest) -> Iterator[Walk]:
    """A walk through the same shop in each revision, judged by the document of that revision."""
    document = needed_document(request.param)
    with Sandbox(profiles=300, events=6000, now=NOW) as sandbox:
        yield Walk(CheckedApp(sandbox.wsgi, document), sandbox.api_key, request.param)


def test_every_read_answers_by_the_document(walk: Walk) -> None:
    refused = {404}  # a relationship may lead nowhere
    found = complaints([each for each in walk.plain if each.status not in refused | {NOT_SERVED}])
    assert not found, found


def test_every_read_that_is_served_shows_something(walk: Walk) -> None:
    answered = {each.operation for each in walk.plain if each.status == 200}
    silent = {each.template for each in walk.reads} - answered - walk.not_served
    assert {template for template in silent if not AFTER_A_WRITE.fullmatch(template)} == set()


@pytest.mark.parametrize(
    "ways", [Walk.includes, Walk.sorts, Walk.filters, Walk.sparse, Walk.additions, Walk.page_sizes]
)
def test_every_way_of_asking_is_answered_by_the_document(
    walk: Walk, ways: Callable[[Walk, Operation], Iterator[dict[str, str]]]
) -> None:
    asked = walk.ask(ways)
    assert len(asked) > 10
    found = complaints(asked)
    assert not found, found


def test_no_mistake_in_a_query_is_passed_over(walk: Walk) -> None:
    asked = walk.ask(Walk.mistakes)
    passed = [each for each in asked if each.status != 400]
    assert not passed, complaints(passed)
    judged = [replace(each, in_request=[]) for each in asked if each.in_answer]
    assert not judged, complaints(judged)
