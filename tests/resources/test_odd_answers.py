"""Answers that are not the documented ones: no write passes for carried out, and no read for complete."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Literal, get_args

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import endpoints, resources
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.endpoints.api import Api
from klaviyo_analytics.endpoints.revisions import TABLES
from klaviyo_analytics.errors import (
    InvalidInputError,
    InvalidQueryError,
    KlaviyoError,
    MalformedResponseError,
    TransportError,
)
from klaviyo_analytics.resources._base import write
from klaviyo_analytics.resources._reading import Context
from tests.http.scripted_server import Answer, ScriptedServer, data
from tests.http.senders import transport

EMPTY = {
    "200 without a body": Answer(200, b""),
    "202 without a body": Answer(202, b""),
    "204": Answer(204, b"", length=0),
    "205": Answer(205, b"", length=0),
    "null": Answer(200, b"null"),
}
OTHER = {
    "a message": Answer(200, b'{"message": "ok"}'),
    "accepted with a message": Answer(202, b'{"message": "ok"}'),
    "an empty object": Answer(200, b"{}"),
    "an empty list": Answer(200, b"[]"),
    "null as data": data(None),
    "no data": data([]),
    "a text": Answer(201, b'"ok"'),
    "a number": Answer(200, b"1"),
    "texts as data": data(["ok"]),
    "a text as data": data("ok"),
    "an empty resource": data({}),
    "a resource of another type": data({"type": "zebra", "id": "1", "attributes": {}}),
    "two resources": data([{"type": "tag", "id": "1"}, {"type": "tag", "id": "2"}]),
}
ANSWERS: dict[str, Answer] = {**EMPTY, **OTHER}
WRITES = {
    f"{endpoint.operation} in {revision}": (revision, endpoint)
    for revision in TABLES
    for endpoint in endpoints.load(revision)
    if endpoint.method != "GET"
}
LENIENT = {"a resource of another type"}  # of an answer that is documented as empty


@pytest.fixture(scope="module")
def answers() -> Iterator[tuple[ScriptedServer, Callable[[str], Context]]]:
    with ScriptedServer() as server:
        sender = transport(server.url)

        def context(revision: str) -> Context:
            api = Api(sender, endpoints.load(revision), gateway=False)
            api.paced = False
            return Context(api)

        yield server, context


def ids_of(endpoint: endpoints.Endpoint) -> dict[str, str]:
    return {part.partition("}")[0]: "1" for part in endpoint.path.split("{")[1:]}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_write_is_carried_out_only_if_its_answer_says_so(answer: Answer, answers: Any) -> None:
    server, context = answers
    server.script[:] = [answer]
    name = next(name for name, one in ANSWERS.items() if one is answer)
    wrong: dict[str, Any] = {}
    for case, (revision, endpoint) in WRITES.items():
        send = partial(write, context(revision), endpoint.operation, ids_of(endpoint), {"data": {}})
        asked = len(server.asked)
        try:
            outcome = send()
        except MalformedResponseError as error:
            outcome = "refused" if f"{endpoint.method} " in str(error) else str(error)
        except KlaviyoError as error:
            outcome = repr(error)
        fine = endpoint.no_body and (name in EMPTY or name in LENIENT)
        if outcome != (None if fine else "refused") or len(server.asked) != asked + 1:
            wrong[case] = outcome
    assert wrong == {}
    assert len(WRITES) > 300


def test_the_documented_answers_are_taken(answers: Any) -> None:
    server, context = answers
    for revision, endpoint in WRITES.values():
        if endpoint.no_body:
            continue
        server.script[:] = [Answer(201, data({"type": endpoint.type, "id": "7", "attributes": {}}).body)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row = write(context(revision), endpoint.operation, ids_of(endpoint), {"data": {}})
        assert row["id"] == "7"


def test_the_message_says_that_the_write_may_have_been_carried_out(answers: Any) -> None:
    server, context = answers
    server.script[:] = [OTHER["a message"]]
    with pytest.raises(MalformedResponseError) as caught:
        write(context(TABLES[0]), "create_tag", {}, {"data": {}})
    assert str(caught.value) == (
        "POST /api/tags answered 200 with an object without data; expected a tag resource. It is unknown whether the "
        "write was carried out. Read the resource before you repeat it, and check base_url."
    )


def test_between_two_revisions_the_answers_of_both_are_taken(answers: Any) -> None:
    server, context = answers
    for body in (b"", data({"type": "tag-group", "id": "7", "attributes": {"name": "x"}}).body):
        server.script[:] = [Answer(200, body)]
        row = write(context("2026-04-15"), "update_tag_group", {"id": "7"}, {"data": {}})
        assert row is None if not body else row["id"] == "7"


# What the methods are called with whose required arguments alone are refused.
GIVEN: dict[str, Any] = {
    "bulk_jobs.submit": (("profile_import", [{"email": "ann@shop.example"}]), {}),
    "campaigns.create": (((), {"name": "x", "audiences": "L1", "channel": "email", "template": "T1"})),
}


def arguments(method: Any) -> tuple[list[Any], dict[str, Any]]:
    """Values for the required parameters of a method, as their annotations say."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in inspect.signature(method).parameters.values():
        if parameter.default is not parameter.empty or parameter.kind in (2, 4):
            continue
        kind = str(parameter.annotation)
        value: Any = "x"
        if kind.startswith("Literal"):
            value = get_args(eval(kind, {"Literal": Literal}))[0]
        elif "Mapping" in kind:
            value = {"x": "x"}
        elif "Ids" in kind or "Sequence" in kind:
            value = ["x"]
        elif "int" in kind or "float" in kind:
            value = 1
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        else:
            positional.append(value)
    optional = inspect.signature(method).parameters
    if "confirm" in optional:
        named["confirm"] = True
    if "name" in optional and method.__name__ == "update":
        named["name"] = "x"
    return positional, named


def single_writes(client: KlaviyoClient) -> dict[str, Callable[[], Any]]:
    """Every method that writes one thing, with arguments that it accepts."""
    found: dict[str, Callable[[], Any]] = {}
    for name in dir(client):
        resource = None if name.startswith("_") or name == "account" else getattr(client, name)
        if not isinstance(resource, resources.Resource):
            continue
        for verb in dir(resource):
            method = getattr(resource, verb)
            if verb.startswith(("_", "plan")) or "dry_run" not in getattr(
                inspect.signature(method), "parameters", ()
            ):
                continue
            positional, named = GIVEN.get(f"{name}.{verb}") or arguments(method)
            call = partial(method, *positional, **named)
            try:
                call(dry_run=True)
            except (InvalidInputError, InvalidQueryError, ValueError):
                continue
            found[f"{name}.{verb}"] = call
    return found


@pytest.mark.parametrize("revision", [TABLES[0], TABLES[-1]])
def test_no_method_passes_a_message_for_a_success(revision: str) -> None:
    with (
        ScriptedServer(OTHER["a message"]) as server,
        ka.connect(api_key="pk_0123456789", base_url=server.url, revision=revision, progress=False) as client,
    ):
        client._api.paced = False
        calls = single_writes(client)
        passed = {}
        for name, call in calls.items():
            with suppress(KlaviyoError):
                passed[name] = call()
        assert passed == {}
        assert len(calls) > 60
        assert len(server.asked) >= len(calls)


class TestReads:
    @pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
    def test_one_resource_is_read_or_it_is_an_error(self, answer: Answer) -> None:
        with (
            ScriptedServer(answer) as server,
            ka.connect(api_key="pk_0123456789", base_url=server.url, progress=False) as client,
        ):
            client._api.paced = False
            for read in (client.tags.get, client.lists.get, client.profiles.get, client.campaigns.get):
                with pytest.raises(MalformedResponseError):
                    read("1")

    def test_a_relationship_that_is_null_is_empty_and_one_that_is_a_list_is_an_error(self) -> None:
        with (
            ScriptedServer(data(None), data([])) as server,
            ka.connect(api_key="pk_0123456789", base_url=server.url, progress=False) as client,
        ):
            client._api.paced = False
            assert client.tags.group("1") is None
            with pytest.raises(MalformedResponseError, match="an empty list instead of one resource"):
                client.tags.group("1")

    @pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
    def test_plans_read_lists_and_profiles_or_end_with_an_error_of_ours(self, answer: Answer) -> None:
        people = pd.DataFrame({"email": ["ann@shop.example"]})
        with (
            ScriptedServer(answer) as server,
            ka.connect(api_key="pk_0123456789", base_url=server.url, progress=False) as client,
        ):
            client._api.paced = False
            plans: list[Callable[[], Any]] = [
                lambda: client.lists.plan_add_profiles("L1", people),
                lambda: client.lists.plan_remove_profiles("L1", people),
                lambda: client.profiles.plan_upsert(people, compare=True),
            ]
            if answer is OTHER["no data"]:  # no such profile
                assert [plan().summary()["to_send"] for plan in plans] == [0, 0, 1]
                return
            for plan in plans:
                with pytest.raises(TransportError):
                    plan()
