"""The official OpenAPI document, if this machine has it, and a recorder that judges by it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.contract.documents import NEWEST, document_of
from tests.contract.openapi import Document
from tests.contract.recorder import CheckedApp, Wrap, complaints, judged
from tests.contract.walk import NOT_SERVED, NOW
from tests.contract.writer import Writer

VARIABLE = "KLAVIYO_OPENAPI"
REVISIONS = {
    VARIABLE: "2026-01-15",
    "KLAVIYO_OPENAPI_2026_07_15": "2026-07-15",
    "KLAVIYO_OPENAPI_2026_07_15_PRE": "2026-07-15.pre",
}


def document_path(environ: Mapping[str, str], variable: str = VARIABLE) -> Path:
    """Return where a document is; without it skip, or fail in continuous integration."""
    named = environ.get(variable, "")
    if named and Path(named).is_file():
        return Path(named)
    reason = (
        f"set {variable} to the path of Klaviyo's OpenAPI document, revision {REVISIONS[variable]} "
        f"({named or 'it is not set'}): the contract is not tested without it"
    )
    if named or environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def needed_document(revision: str) -> Document:
    """Return the document of a revision; without what it is made of skip, or fail in continuous integration."""
    parts = {NEWEST: ("2026-07-15", "2026-07-15.pre")}.get(revision, (revision,))
    for variable in [variable for variable, made in REVISIONS.items() if made in parts]:
        document_path(os.environ, variable)
    document = document_of(revision)
    assert document is not None
    return document


CLIENT = "KLAVIYO_API_25"


def client_path(environ: Mapping[str, str]) -> Path:
    """Return the folder of the official client 25; without it skip, or fail in continuous integration."""
    named = environ.get(CLIENT, "")
    if named and (Path(named) / "klaviyo_api").is_dir():
        return Path(named)
    reason = (
        f"set {CLIENT} to the folder of `pip install --no-deps --target FOLDER klaviyo-api==25.*` "
        f"({named or 'it is not set'}): revision 2026-10-15 is not tested without it"
    )
    if named or environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def document() -> Document:
    """The official document; tests that need it are skipped where there is none."""
    return Document.load(document_path(os.environ))


@pytest.fixture
def contract(document: Document) -> Iterator[Wrap]:
    """Wrap a WSGI application; at the end of the test no exchange with it may have broken the document."""
    with judged(document) as wrap:
        yield wrap


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A small shop of this module's own."""
    with Sandbox(profiles=100, events=2000, now=NOW) as sandbox:
        yield sandbox


OLDER = ["2026-01-15", "2026-07-15"]
older_form = pytest.mark.parametrize("revision", OLDER, indirect=True)  # a test of campaigns as they were
newer_form = pytest.mark.parametrize(
    "revision", [NEWEST], indirect=True
)  # and as they are from 2026-10-15 on


@pytest.fixture(scope="module", params=[*OLDER, NEWEST])
def revision(request: pytest.FixtureRequest) -> str:
    """A revision that has a document."""
    return str(request.param)


@pytest.fixture(scope="module")
def account(revision: str) -> Iterator[tuple[Sandbox, Document]]:
    """A small shop that is written to in one revision, and the document of that revision."""
    document = needed_document(revision)
    with Sandbox(profiles=100, events=2000, now=NOW) as sandbox:
        yield sandbox, document


@pytest.fixture
def write(revision: str, account: tuple[Sandbox, Document]) -> Iterator[Writer]:
    """Write to the sandbox; at the end of the test no exchange may have broken the document of the revision."""
    sandbox, document = account
    app = CheckedApp(sandbox.wsgi, document)
    writer = Writer(app, sandbox.api_key, revision=revision)
    yield writer
    expected = {(404, path) for path in writer.gone}
    judged = [each for each in app.exchanges if (each.status, each.url) not in expected]
    found = complaints([each for each in judged if each.status != NOT_SERVED])
    assert not found, found
