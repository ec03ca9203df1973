"""The tree of exceptions, and what an API error says."""

from __future__ import annotations

import builtins
import copy
import inspect
import pickle
import re
from typing import Any

import pytest

from klaviyo_analytics import errors
from klaviyo_analytics.errors import ApiError, ConflictError, KlaviyoError

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
FIRST = {
    "id": "req-1",
    "code": "invalid",
    "title": "Invalid input.",
    "detail": "The email is not valid.",
    "source": {"pointer": "/data/attributes/email"},
}


def error(kind: type[ApiError] = ApiError, **facts: Any) -> ApiError:
    return kind(400, **{"method": "POST", "path": "/api/profiles", **facts})


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_the_drawing_shows_every_exception_where_it_stands(kind: type[KlaviyoError]) -> None:
    assert errors.__doc__ is not None
    (line,) = (line for line in errors.__doc__.splitlines() if re.search(rf"\b{kind.__name__}\b", line))
    builtin = re.search(r"\((\w+)\)$", line.strip())
    others = [base.__name__ for base in kind.__bases__ if base.__module__ == builtins.__name__]
    assert (kind is KlaviyoError) or others == ([builtin[1]] if builtin else [])
    assert issubclass(kind, KlaviyoError)


def test_all_facts_of_the_first_error_are_at_hand() -> None:
    second = {"detail": "And the phone number, too."}
    problem = error(errors=[FIRST, second], request_id="req-1", retry_after=3.0)
    assert (problem.status, problem.code, problem.title) == (400, "invalid", "Invalid input.")
    assert (problem.pointer, problem.parameter) == ("/data/attributes/email", None)
    assert problem.errors == (FIRST, second)
    assert str(problem) == (
        "400 invalid from POST /api/profiles: The email is not valid; at /data/attributes/email; "
        "and 1 more in .errors; come back in 3 s; request id req-1"
    )


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"source": None},
        {"source": "filter"},
        {"source": {"pointer": None}},
        {"detail": None, "code": None},
    ],
)
def test_an_odd_error_has_a_sentence_too(odd: dict[str, Any]) -> None:
    problem = error(errors=[odd])
    assert str(problem) == "400 from POST /api/profiles: no explanation was given"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"errors": [{"meta": {"duplicate_profile_id": "01ANN"}}]}, "01ANN"),
        ({"errors": [{"meta": {}}]}, None),
        ({"errors": [{"meta": "odd"}]}, None),
        ({"errors": [{}]}, None),
        ({}, None),
    ],
)
def test_a_conflict_names_what_is_there_already(facts: dict[str, Any], expected: str | None) -> None:
    problem = error(ConflictError, **facts)
    assert isinstance(problem, ConflictError)
    assert problem.duplicate_id == expected


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_exception_survives_the_way_to_another_process(kind: type[KlaviyoError]) -> None:
    problem: KlaviyoError
    if issubclass(kind, ApiError):
        problem = error(kind, errors=[FIRST], request_id="req-1")
    elif kind is errors.MissingExtraError:
        problem = kind("The sandbox", "demo")
    else:
        problem = kind("what went wrong")
    for again in (pickle.loads(pickle.dumps(problem)), copy.copy(problem)):
        assert type(again) is kind
        assert str(again) == str(problem)
        assert vars(again) == vars(problem)
