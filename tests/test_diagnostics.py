"""The walk through what can be wrong, and what it says to a newcomer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import cli, diagnostics
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.diagnostics import Finding, Report
from klaviyo_analytics.http.rate_limits import Pacer
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.sandbox import Sandbox

FEW = "pk_few0000000000000000000000000000000"
KEY, CONNECTION, ADDRESS = "Is there a key?", "Is there an active connection?", "Is the base URL right?"
ACCEPTED, CLOCK, REVISION, SUPPORT = (
    "Is the key accepted?",
    "Is this computer's clock right?",
    "Which revision answered?",
    "How long is the revision supported?",
)
REACHES, SCOPES, ANSWERS = (
    "Does the connection reach the account?",
    "Which scopes are missing?",
    "Does the server answer?",
)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    scopes = ["accounts:read", "profiles:read", "lists:read"]
    with Sandbox(profiles=40, events=200, keys={FEW: scopes}) as sandbox:
        monkeypatch.setenv("MATON_CTRL_URL", sandbox.control_url)
        for name in ("MATON_API_KEY", "KLAVIYO_API_KEY", "KLAVIYO_BASE_URL"):
            monkeypatch.delenv(name, raising=False)
        yield sandbox


@contextmanager
def connected(**options: Any) -> Iterator[KlaviyoClient]:
    """A client for which waiting costs no time."""
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    with ka.connect(**options) as client:
        transport = client._api.transport
        transport.pacer = Pacer(clock=lambda: now[0], sleep=pause)
        transport._sleep = pause
        yield client


def states(report: Report) -> dict[str, str]:
    return {finding.question: finding.status for finding in report.findings}


def finding(report: Report, question: str) -> Finding:
    (found,) = (each for each in report.findings if each.question == question)
    return found


def gateway(sandbox: Sandbox, **options: Any) -> Any:
    return connected(**{"api_key": sandbox.maton_key, "base_url": sandbox.gateway_url, **options})


def test_all_is_well_through_the_gateway(sandbox: Sandbox) -> None:
    with gateway(sandbox) as client:
        report = client.check()
    assert report.ok
    assert states(report) == dict.fromkeys(
        (KEY, CONNECTION, ADDRESS, ACCEPTED, CLOCK, REVISION, SUPPORT, SCOPES), "ok"
    )
    assert "2026-01-15" in finding(report, REVISION).found


def test_all_is_well_with_a_private_key(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLAVIYO_API_KEY", sandbox.api_key)
    monkeypatch.setenv("KLAVIYO_BASE_URL", sandbox.direct_url)
    with connected() as client:
        report = client.check()
    assert states(report) == dict.fromkeys((KEY, ADDRESS, ACCEPTED, CLOCK, REVISION, SUPPORT, SCOPES), "ok")
    assert finding(report, KEY).found == "a private key, found in KLAVIYO_API_KEY."


def test_the_key_is_never_shown(sandbox: Sandbox) -> None:
    for key, url in (
        (sandbox.maton_key, sandbox.gateway_url),
        ("wrongwrong", sandbox.gateway_url),
        (FEW, sandbox.url),
    ):
        with connected(api_key=key, base_url=url) as client:
            report = client.check()
        assert key not in repr(report) + report._repr_html_() + str(report.frame.to_dict())


def test_a_key_that_the_gateway_does_not_know(sandbox: Sandbox) -> None:
    with gateway(sandbox, api_key="wrong") as client:
        report = client.check()
    assert not report.ok
    assert states(report)[CONNECTION] == "unknown"
    assert finding(report, ACCEPTED).status == "problem"
    assert "MATON_API_KEY" in finding(report, ACCEPTED).found
    assert SCOPES not in states(report)


def test_a_private_key_that_klaviyo_does_not_know(sandbox: Sandbox) -> None:
    with connected(api_key="pk_wrong", base_url=sandbox.direct_url) as client:
        report = client.check()
    assert finding(report, ACCEPTED).status == "problem"
    assert "Copy the key again" in finding(report, ACCEPTED).fix


def test_no_connection_is_active(sandbox: Sandbox) -> None:
    (only,) = sandbox.connections.list()
    sandbox.connections.fail(only.id)
    with gateway(sandbox) as client:
        report = client.check()
    assert "Connections().create()" in finding(report, CONNECTION).fix
    assert finding(report, ACCEPTED).status == "ok"
    assert finding(report, REACHES).status == "problem"


def test_the_chosen_connection_is_another_one(sandbox: Sandbox) -> None:
    (only,) = sandbox.connections.list()
    with gateway(sandbox, connection="not-this") as client:
        report = client.check()
    assert finding(report, CONNECTION).status == "problem"
    assert only.id in finding(report, CONNECTION).fix
    with gateway(sandbox, connection=only.id) as client:
        assert f"{only.id} is used" in finding(client.check(), CONNECTION).found


def test_a_grant_that_has_expired(sandbox: Sandbox) -> None:
    (only,) = sandbox.connections.list()
    sandbox.connections.expire(only.id)
    with gateway(sandbox) as client:
        report = client.check()
    assert states(report)[CONNECTION] == "ok"
    assert "then delete the old one" in finding(report, REACHES).fix


def test_the_key_goes_to_no_host_that_nothing_named(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MATON_CTRL_URL")
    with gateway(sandbox) as client:
        report = client.check()
    assert finding(report, CONNECTION).status == "unknown"
    assert "MATON_CTRL_URL" in finding(report, CONNECTION).fix
    assert report.ok


def test_scopes_that_are_missing_are_named(sandbox: Sandbox) -> None:
    with connected(api_key=FEW, base_url=sandbox.direct_url) as client:
        found = finding(client.check(), SCOPES)
    assert found.status == "problem"
    assert "campaigns:read" in found.found
    assert "profiles:read" not in found.found
    assert "lists:read" not in found.found


def test_every_scope_that_a_read_needs_is_tried() -> None:
    needed = {
        scope
        for endpoint in ka.connect(api_key="pk_x")._api.catalog
        for scope in endpoint.scopes
        if endpoint.method == "GET" and endpoint.category in CATEGORIES
    }
    assert needed == {*diagnostics.PROBES, "accounts:read", "push-tokens:read"}


CATEGORIES = {
    "Accounts", "Campaigns", "Catalogs", "Coupons", "Events", "Flows", "Forms", "Images", "Lists", "Metrics",
    "Profiles", "Reviews", "Segments", "Tags", "Templates", "Webhooks",
}  # fmt: skip


def test_an_address_that_is_not_the_apis(sandbox: Sandbox) -> None:
    sandbox.faults.add(
        path="/api/accounts", status=404, body="<title>Not here</title>", content_type="text/html"
    )
    with gateway(sandbox) as client:
        report = client.check()
    assert finding(report, ADDRESS).status == "problem"
    assert "https://gateway.maton.ai/klaviyo" in finding(report, ADDRESS).fix
    sandbox.faults.add(path="/api/accounts", times=3, status=200, body="<p>Sign in", content_type="text/html")
    with gateway(sandbox) as client:
        assert finding(client.check(), ADDRESS).status == "problem"


def test_nobody_answers(sandbox: Sandbox) -> None:
    url = sandbox.direct_url
    sandbox.close()
    with connected(api_key=sandbox.api_key, base_url=url) as client:
        report = client.check()
    assert finding(report, ANSWERS).status == "problem"
    assert list(states(report)) == [KEY, ANSWERS]


def test_another_revision_answered(sandbox: Sandbox) -> None:
    sandbox.faults.add(path="/api/accounts", headers={"X-Klaviyo-API-Revision": "2026-07-15"})
    with gateway(sandbox) as client:
        report = client.check()
    assert finding(report, REVISION).found == "2026-01-15 was requested, 2026-07-15 answered."


@pytest.mark.parametrize(
    ("off", "status"),
    [
        (0, "ok"),
        (58, "ok"),
        (-58, "ok"),
        (63, "problem"),
        (-63, "problem"),
        (-3600, "problem"),
        (3600, "problem"),
    ],
)
def test_a_clock_that_is_wrong(sandbox: Sandbox, off: float, status: str) -> None:
    import time  # noqa: PLC0415

    with gateway(sandbox) as client:
        report = diagnostics.check(
            client._api, client._credentials, revision="2026-01-15", now=lambda: time.time() + off
        )
    assert finding(report, CLOCK).status == status
    if status == "problem":
        assert ("fast" if off > 0 else "slow") in finding(report, CLOCK).found


def test_a_server_that_is_down_for_now(sandbox: Sandbox) -> None:
    sandbox.faults.add(path="/api/accounts", times=None, status=503)
    with gateway(sandbox) as client:
        report = client.check()
    assert finding(report, ACCEPTED).status == "unknown"


def test_it_does_not_wait_long(sandbox: Sandbox) -> None:
    fault = sandbox.faults.add(path="/api/accounts", times=None, status=503)
    with gateway(sandbox) as client:
        assert client._api.transport.retry == RetryPolicy()
        client.check()
    assert fault.hits == 3


def test_how_it_looks() -> None:
    report = Report((Finding("A?", "ok", "yes."), Finding("B?", "problem", "<b>", "Fix <it>.")))
    assert repr(report) == "ok      A? yes.\nPROBLEM B? <b>\n        -> Fix <it>."
    assert "&lt;b&gt;" in report._repr_html_()
    assert "<it>" not in report._repr_html_()
    assert report.frame.columns.tolist() == ["question", "status", "found", "fix"]
    assert report.frame["status"].tolist() == ["ok", "problem"]


def test_the_command(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("PROBLEM Is there a key?")
    assert "MATON_API_KEY" in said
    monkeypatch.setenv("MATON_API_KEY", sandbox.maton_key)
    assert cli.main(["check", "--base-url", sandbox.gateway_url]) == 0
    assert "found in MATON_API_KEY" in capsys.readouterr().out
    assert cli.main(["check", "--base-url", sandbox.gateway_url, "--connection", "none"]) == 1


@pytest.mark.parametrize(
    ("day", "status", "found"),
    [
        ("2026-11-28", "ok", "is stable until 2027-01-15 and served until 2028-01-15"),
        ("2027-01-15", "problem", "has been deprecated since 2027-01-15 and is served until 2028-01-15"),
        ("2028-01-15", "problem", "was retired on 2028-01-15"),
    ],
)
def test_the_report_says_how_long_the_revision_is_served_and_what_a_move_changes(
    sandbox: Sandbox, day: str, status: str, found: str
) -> None:
    with ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url) as client:
        now = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
        report = diagnostics.check(
            client._api, client._credentials, revision="2026-01-15", now=lambda: now
        ).frame
    (row,) = report[report["question"] == SUPPORT].to_dict("records")
    assert row["status"] == status
    assert found in row["found"]
    assert "2026-10-15 adds 73 operations and removes 0" in row["found"]
    assert "get_campaigns" in row["found"]
    assert "get_flows" not in row["found"]
