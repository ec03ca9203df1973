"""Arguments of a wrong type: methods that write refuse them in our own words, before anything is sent."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NoReturn

import numpy as np
import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import resources
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.endpoints.revisions import TABLES
from klaviyo_analytics.errors import ConnectionFailedError, InvalidInputError, KlaviyoError
from klaviyo_analytics.resources._types import typed
from tests.resources.test_odd_answers import arguments

ODD: list[Any] = [
    None,
    7,
    object(),
    [],
    {},
    b"x",
    float("nan"),
    pd.NA,
    pd.DataFrame({"a": [1]}),
    pd.Series([1, 2]),
    lambda: 1,
    [None],
    ["x"],
    {7: 1},
    {"included": 7},
]
# What the methods are called with whose required arguments alone are refused.
GIVEN: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "bulk_jobs.submit": (("profile_import", [{"email": "ann@shop.example"}]), {}),
    "campaigns.create": ((), {"name": "x", "audiences": "L1", "channel": "email", "subject": "x"}),
    "campaigns.update": (("C1",), {"name": "x"}),
    "catalog_variants.subscribe_back_in_stock": (
        ("V1",),
        {"channels": "EMAIL", "profile": "ann@shop.example"},
    ),
    "coupon_codes.update": (("C1",), {"status": "USED"}),
    "events.create": ((), {"metric": "Scored", "profile": {"email": "ann@shop.example"}}),
    "flow_actions.update": (("A1",), {"definition": {"id": "A1", "type": "send-email"}}),
    "images.create": (("https://shop.example/tea.png",), {}),
    "object_schemas.create": (("O1",), {"title": "x", "properties": {"id": "string"}, "required": ["id"]}),
    "profiles.create": ((), {"email": "ann@shop.example"}),
    "profiles.update": (("P1",), {"first_name": "Ann"}),
    "push_tokens.create": ((), {"token": "t", "platform": "ios", "vendor": "apns", "profile": "P1"}),
    "reviews.update_status": (("R1", "published"), {}),
}


@pytest.fixture(scope="module", params=[TABLES[1], TABLES[-1]])
def offline(request: Any) -> Iterator[KlaviyoClient]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise ConnectionFailedError("a request was sent")

    with ka.connect(api_key="pk_0123456789", revision=request.param, progress=False) as client:
        client._api._answer = refuse  # type: ignore[method-assign]
        client._api.paced = False
        yield client


def writes(client: KlaviyoClient) -> dict[str, Callable[..., Any]]:
    """Every public method that writes, or plans to."""
    found = {}
    for name in dir(client):
        resource = None if name.startswith("_") or name == "account" else getattr(client, name)
        if isinstance(resource, resources.Resource):
            for verb in dir(resource):
                method = getattr(resource, verb)
                if callable(method) and not verb.startswith("_"):
                    known = inspect.signature(method).parameters
                    if "dry_run" in known or verb.startswith("plan_"):
                        found[f"{name}.{verb}"] = method
    return found


def calls(
    name: str, method: Callable[..., Any], odd: Any
) -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """The arguments of a call for each parameter, with an odd value for that one."""
    positional, named = GIVEN.get(name) or arguments(method)
    signature = inspect.signature(method)
    for parameter in signature.parameters.values():
        arguments_of = signature.bind(*positional, **named)
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments_of.arguments[parameter.name] = {"odd": odd}
        else:
            arguments_of.arguments[parameter.name] = odd
        for option in {"dry_run", "confirm"} & {*signature.parameters} - {parameter.name}:
            arguments_of.arguments[option] = True
        yield parameter.name, arguments_of.args, arguments_of.kwargs


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{type(odd).__name__}{len(str(odd)) % 100}")
def test_every_parameter_takes_an_odd_value_or_refuses_it_in_our_words(
    odd: Any, offline: KlaviyoClient
) -> None:
    foreign = {}
    methods = writes(offline)
    for name, method in methods.items():
        for parameter, args, kwargs in calls(name, method, odd):
            try:
                method(*args, **kwargs)
            except KlaviyoError:
                continue
            except Exception as error:  # noqa: BLE001  (what may get out is the question)
                foreign[f"{name}({parameter}=)"] = repr(error)
    assert foreign == {}
    assert len(methods) > 100


@pytest.mark.parametrize("name", GIVEN)
def test_the_calls_above_are_accepted_but_for_the_odd_value(name: str, offline: KlaviyoClient) -> None:
    args, kwargs = GIVEN[name]
    assert len(writes(offline)[name](*args, **kwargs, dry_run=True)) >= 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda client: client.profiles.create(phone_number=[]),
            "create(): phone_number=[] is of the wrong type (list). Allowed: a string or None. Pass one of these, or "
            "leave phone_number out.",
        ),
        (
            lambda client: client.images.create(7),
            "create(): source=7 is of the wrong type (int). Allowed: a string, a path or bytes. Pass one of these.",
        ),
        (
            lambda client: client.bulk_jobs.submit("profile_import", 7),
            "submit(): records=7 is of the wrong type (int). Allowed: a list of dicts. Pass one.",
        ),
        (
            lambda client: client.flow_actions.update("A1", definition=pd.DataFrame()),
            "definition: a DataFrame cannot be written as JSON; make it text or a number.",
        ),
    ],
)
def test_the_message_says_what_was_given_and_what_is_allowed(
    call: Callable[[KlaviyoClient], Any], said: str, offline: KlaviyoClient
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        call(offline)
    assert str(caught.value) == said


def test_a_secret_of_a_wrong_type_is_not_shown(offline: Any) -> None:
    with pytest.raises(InvalidInputError, match="secret_key") as caught:
        offline.webhooks.create(
            name="x", endpoint_url="https://x.example", secret_key=b"hush", webhook_topics="T1"
        )
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("null", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan")])
def test_a_null_of_any_kind_is_none_where_none_is_allowed(null: Any, offline: KlaviyoClient) -> None:
    request = offline.profiles.create(email="ann@shop.example", first_name=null, dry_run=True)
    sent: Mapping[str, Any] = request["body"].item()["data"]["attributes"]
    assert sent.get("first_name") is None


def test_numbers_texts_and_lists_of_numpy_and_pandas_are_taken(offline: Any) -> None:
    request = offline.catalog_items.update(
        "I1", title=np.str_("Tea"), price=np.float32(9.5), published=np.True_, dry_run=np.False_ | np.True_
    )
    assert request["body"].item()["data"]["attributes"] == {"title": "Tea", "price": 9.5, "published": True}
    images = pd.Series(["https://shop.example/tea.png"])
    request = offline.catalog_items.update("I1", images=images, dry_run=True)
    assert request["body"].item()["data"]["attributes"] == {"images": [*images]}


@typed
def send(
    name: str,
    *,
    images: Sequence[str] | None = None,
    sizes: Mapping[str, int] | Sequence[Mapping[str, int]] | None = None,
    state: Literal["on", "off"] = "on",
    pair: tuple[str, int] | None = None,
    plain: bool = False,
) -> None:
    raise TypeError("something deep inside")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"images": ["a", 7]},
            "images[1]=7 is of the wrong type (int). Allowed: a string. Pass one, or leave images out.",
        ),
        (
            {"images": 7},
            "images=7 is of the wrong type (int). Allowed: a list of strings or None. Pass one of these, or",
        ),
        ({"sizes": {"a": "x"}}, "sizes['a']='x' is of the wrong type (str). Allowed: a whole number."),
        (
            {"sizes": [{"a": 1}, {"a": None}]},
            "sizes[1]['a']=None is of the wrong type (NoneType). Allowed: a whole",
        ),
        ({"sizes": 7}, "Allowed: a dict, a list of dicts or None."),
        ({"state": 7}, "Allowed: 'on' or 'off'."),
        ({"pair": ["a", 1]}, "Allowed: a tuple or None."),
        ({"plain": "yes"}, "Allowed: True or False."),
    ],
)
def test_messages_name_the_element_that_is_wrong(given: Any, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        send("x", **given)
    assert said in str(caught.value)


def test_what_fails_for_another_reason_is_raised_as_it_is() -> None:
    with pytest.raises(TypeError, match="deep inside"):
        send("x", images=["a"], sizes={"a": 1}, pair=("a", 1))
