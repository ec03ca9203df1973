"""Documents that do not fit: each call returns, or raises an error of our own tree; nothing else gets out.

A few hundred calls by default. ``KLAVIYO_FUZZ=20000`` in the environment tries more.
"""

from __future__ import annotations

import inspect
import os
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import resources
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.sandbox import Sandbox
from tests.http.clocks import Clock
from tests.http.disturbed import Disturbing

CALLS = int(os.environ.get("KLAVIYO_FUZZ", "400"))
SPAN = "last 30 days"
NO_READS = {"merge", "request_deletion", "suppress", "unsuppress", "subscribe", "unsubscribe", "push_tokens"}
Call = Callable[[], Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(profiles=60, events=800) as sandbox:
        yield sandbox


def client_of(sandbox: Sandbox) -> KlaviyoClient:
    """A client that does not wait; its memory of the account is its own."""
    client = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
    clock = Clock()
    client._embed(now=lambda: pd.Timestamp(sandbox.account.now, unit="s", tz="UTC"), on_close=lambda: None)
    client._context.sleep, client._context.clock = clock.sleep, clock
    client._api.transport._sleep, client._api.transport._clock = clock.sleep, clock
    client._api.transport.retry = RetryPolicy(attempts=2)
    return client


def ids(sandbox: Sandbox) -> dict[str, str]:
    """An id of each resource, read from answers that are as they should be."""
    with client_of(sandbox) as client:
        found = {}
        for name, noun in nouns(client):
            if hasattr(noun, "list") and "list" in dir(noun):
                try:
                    rows = noun.list(limit=1)
                    found[name] = str(rows["id"].iloc[0]) if len(rows) else "none"
                except (KlaviyoError, TypeError):
                    found[name] = "none"
        return found


def nouns(client: KlaviyoClient) -> list[tuple[str, Any]]:
    found = ((name, getattr(client, name)) for name in dir(client) if not name.startswith("_"))
    return [(name, noun) for name, noun in found if isinstance(noun, resources.Resource)]


def calls(client: KlaviyoClient, known: Mapping[str, str]) -> dict[str, Call]:
    """Every kind of call that a client makes."""
    made: dict[str, Call] = {}
    for name, noun in nouns(client):
        id = known.get(name, "none")
        for verb in dir(noun):
            method = getattr(noun, verb)
            if verb.startswith(("_", "plan", "iter")) or not callable(method) or verb in NO_READS:
                continue
            wanted = [
                p
                for p in inspect.signature(method).parameters.values()
                if p.default is p.empty and p.kind in (0, 1)
            ]
            if verb == "find":
                made[f"{name}.find"] = partial(method, name="x")
            elif verb == "delete":
                continue  # the sandbox is needed by the next seed, too
            elif not wanted:
                made[f"{name}.{verb}"] = method
            elif len(wanted) == 1:
                made[f"{name}.{verb}"] = partial(method, id)
    people = pd.DataFrame({"email": ["ann@example.com", "bo@example.com"], "first_name": ["Ann", "Bo"]})
    made |= {
        "campaigns.list(include)": lambda: client.campaigns.list(include=["campaign-messages", "tags"]),
        "events.list(workers)": lambda: client.events.list(limit=30, workers=2, include=["profile", "metric"]),
        "events.list(properties)": lambda: client.events.list(limit=10, properties="columns"),
        "metric_aggregates.query": lambda: client.metric_aggregates.query(
            "Placed Order", measurements=["count", "sum_value"], interval="day", timeframe=SPAN
        ),
        "metric_aggregates.query(by)": lambda: client.metric_aggregates.query(
            "Placed Order", measurements=["count"], by=["$attributed_channel"], timeframe=SPAN
        ),
        **{
            f"reports.{kind}": partial(getattr(client.reports, kind), timeframe=SPAN)
            for kind in ("campaign_values", "flow_values", "flow_series", "form_values", "form_series",
                         "segment_values", "segment_series")
        },
        "campaigns.summary": lambda: client.campaigns.summary(SPAN),
        "flows.summary": lambda: client.flows.summary(SPAN),
        "account_summary": lambda: client.account_summary(SPAN),
        "profiles.create": lambda: client.profiles.create(email="cy@example.com"),
        "profiles.update": lambda: client.profiles.update(known["profiles"], first_name="Cy"),
        "profiles.upsert": lambda: client.profiles.upsert(email="cy@example.com"),
        "events.create": lambda: client.events.create(metric="Scored", profile={"email": "cy@mail.example.net"}),
        "tags.create": lambda: client.tags.create(name="x"),
        "plan_upsert.apply": lambda: client.profiles.plan_upsert(people).apply(),
        "lists.plan_add.apply": lambda: client.lists.plan_add_profiles(known["lists"], people[["email"]]).apply(),
        "events.plan_create.apply": lambda: client.events.plan_create(people[["email"]], metric="Scored").apply(),
        "check": client.check,
        "request": lambda: client.request("GET", "/api/profiles"),
        "bulk_jobs.wait": lambda: client.bulk_jobs.wait("x", timeout=5),
    }  # fmt: skip
    return made


def test_no_foreign_exception_comes_out_of_any_call(
    sandbox: Sandbox, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    known, application = ids(sandbox), sandbox._application
    dice = random.Random(20260115)
    foreign: dict[str, str] = {}
    tried: set[str] = set()
    try:
        for seed in range(CALLS):
            sandbox._server.app = application
            with client_of(sandbox) as client, warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # a column of another type than documented warns, and that is right
                made = calls(client, known)
                name = sorted(made)[seed % len(made)]
                sandbox._server.app = Disturbing(application, dice.randrange(2**32), chance=0.8)
                tried.add(name)
                try:
                    repr(made[name]())
                except KlaviyoError:
                    pass
                except Exception as error:  # noqa: BLE001  (that is what is looked for)
                    frame = error.__traceback__
                    while frame and frame.tb_next:
                        frame = frame.tb_next
                    where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""
                    foreign.setdefault(
                        f"{name}: {type(error).__name__}", f"{error} at {where} (seed {seed})"[:300]
                    )
    finally:
        sandbox._server.app = application
    assert len(tried) > 100 or len(tried) == CALLS
    assert foreign == {}
