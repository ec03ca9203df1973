"""Clients of old: paths with a trailing slash, the guide's own examples, and revisions that are retired."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox

TODAY = datetime(2026, 11, 28, tzinfo=UTC).timestamp()  # 2024-10-15 was retired six weeks ago
OLD = "2024-10-15"  # what the guide's JavaScript sends


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=40, events=400, clock=lambda: TODAY) as sandbox:
        yield sandbox


def ask(sandbox: Sandbox, path: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    """Ask through the gateway as the guide's Python does."""
    request = urllib.request.Request(f"{sandbox.gateway_url}{path}")
    for name, value in {"Authorization": f"Bearer {sandbox.maton_key}", **headers}.items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as problem:
        return problem.code, dict(problem.headers), json.load(problem)


def test_the_javascript_example_falls_forward_to_the_oldest_revision(sandbox: Sandbox) -> None:
    """Its query has bare brackets and commas, as `fetch` sends them."""
    status, headers, body = ask(sandbox, "/api/profiles?fields[profile]=email,first_name", revision=OLD)
    assert status == 200
    assert headers["X-Klaviyo-API-Revision"] == "2026-01-15"
    assert set(body["data"][0]["attributes"]) <= {"email", "first_name"}


def test_who_does_not_want_to_fall_forward_is_told_that_it_is_gone(sandbox: Sandbox) -> None:
    stay = {"X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1"}
    status, _, body = ask(sandbox, "/api/profiles", revision=OLD, **stay)
    assert (status, body["errors"][0]["detail"]) == (410, "Revision 2024-10-15 is retired.")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_with_a_trailing_slash(sandbox: Sandbox) -> None:
    answers = [
        subprocess.run(
            [
                "curl", "-sS", "--globoff", f"{sandbox.direct_url}{path}",
                "-H", f"Authorization: Klaviyo-API-Key {sandbox.api_key}",
                "-H", "accept: application/vnd.api+json", "-H", "revision: 2026-01-15",
            ],
            capture_output=True, text=True, check=True,
        ).stdout
        for path in ("/api/lists/", "/api/lists", "/api/metrics/?fields[metric]=name")
    ]  # fmt: skip
    assert answers[0] == answers[1]
    assert json.loads(answers[2])["data"][0]["attributes"].keys() == {"name"}


def test_the_client_knows_the_operation_behind_a_trailing_slash(sandbox: Sandbox) -> None:
    """Limits, safe repetition and the day's count of reports belong to the operation, not to its spelling."""
    with ka.connect(api_key=sandbox.maton_key, base_url=sandbox.gateway_url, progress=False) as client:
        found = client._api.found("post", "/api/campaign-values-reports/?page_cursor=x")
        assert found is client._api.catalog["query_campaign_values"]
        assert client._api.found("GET", "/api/lists/X1/") is client._api.catalog["get_list"]
        assert client.request("GET", "/api/lists/")["data"] == client.request("GET", "/api/lists")["data"]


def test_a_client_of_an_old_revision_is_warned_once_with_the_day_it_ends(sandbox: Sandbox) -> None:
    with pytest.warns(
        UserWarning, match="Klaviyo retires it on 2026-10-15 and then answers in the oldest"
    ) as said:
        client = ka.connect(
            api_key=sandbox.maton_key, base_url=sandbox.gateway_url, revision=OLD, progress=False
        )
    assert len(said) == 1
    assert said[0].filename == __file__
    with client:
        assert client.profiles.list(fields=["email", "first_name"], limit=3).columns.tolist() == [
            "id", "email", "first_name",
        ]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ka.connect(api_key="pk_0123456789abcdef", revision=OLD)
        ka.connect(api_key="pk_0123456789abcdef", revision="2026-04-15")
