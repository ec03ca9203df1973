"""Every read of the document that the sandbox serves, asked in every way: the answers must be the document's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.contract.openapi import Document, Operation
from tests.contract.recorder import CheckedApp, complaints
from tests.contract.walk import NOT_SERVED, NOW, Walk

# Klaviyo has these only after somebody asked for a send or an estimate; the sandbox's writes are tested apart.
AFTER_A_WRITE = {
    "/api/campaign-recipient-estimation-jobs/{id}",
    "/api/campaign-recipient-estimations/{id}",
    "/api/campaign-send-jobs/{id}",
}


@pytest.fixture(scope="module")
def walk(document: Document) -> Iterator[Walk]:
    with Sandbox(profiles=300, events=6000, now=NOW) as sandbox:
        yield Walk(CheckedApp(sandbox.wsgi, document), sandbox.api_key)


def test_every_read_answers_by_the_document(walk: Walk) -> None:
    refused = {404}  # a relationship may lead nowhere
    found = complaints([each for each in walk.plain if each.status not in refused | {NOT_SERVED}])
    assert not found, found


def test_every_read_that_is_served_shows_something(walk: Walk) -> None:
    answered = {each.operation for each in walk.plain if each.status == 200}
    silent = {each.template for each in walk.reads} - answered - walk.not_served - AFTER_A_WRITE
    assert silent == set()


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
