"""Verbs made from the endpoint table: `tags.list = lists("get_tags")`.

Each is a plain method with a signature and a docstring of its own, so that completion and `?` in a notebook
say what that very endpoint allows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pandas as pd

from klaviyo_analytics.endpoints import Endpoint, load
from klaviyo_analytics.errors import AmbiguousMatchError, InvalidInputError, NoMatchError
from klaviyo_analytics.filters import F
from klaviyo_analytics.resources import _docs, _ranges
from klaviyo_analytics.resources._noun import CHUNK, Context, Noun, Reading, read_one, read_one_or_none
from klaviyo_analytics.resources._signatures import (
    Finds,
    Gets,
    GetsOf,
    Lists,
    ListsInChunks,
    ListsOf,
    ListsOfInChunks,
)
from klaviyo_analytics.resources._words import instead

NAMES_TO_CHOOSE_FROM = 500
Verb = TypeVar("Verb", bound=Callable[..., Any])


def lists(operation: str, axis: _ranges.Axis | None = None) -> Lists:
    """Make `list`; what has an axis is read in concurrent ranges of that time."""
    endpoint = load()[operation]

    def list(self: Noun, **query: Any) -> pd.DataFrame:
        return _read(self._context, operation, axis, None, query)

    doc = _docs.for_list(endpoint, axis=axis.time if axis else "")
    return dressed(list, endpoint, doc, _reading_parameters(endpoint, axis))


def iterates(operation: str) -> ListsInChunks:
    """Make `iter_frames`."""
    endpoint = load()[operation]

    def iter_frames(self: Noun, *, chunk_size: int = CHUNK, **query: Any) -> Iterator[pd.DataFrame]:
        return Reading(self._context, operation, **query).frames(chunk_size)

    doc = _docs.for_list(endpoint, chunked=True)
    return dressed(iter_frames, endpoint, doc, [CHUNK_SIZE, *_reading_parameters(endpoint)])


def lists_of(operation: str, axis: _ranges.Axis | None = None) -> ListsOf:
    """Make a related read; see `lists`."""
    endpoint = load()[operation]
    name = only_id(endpoint)

    def related(self: Noun, id: Any, /, **query: Any) -> pd.DataFrame:
        return _read(self._context, operation, axis, {name: self._id(id)}, query)

    doc = _docs.for_list(endpoint, axis=axis.time if axis else "")
    return dressed(related, endpoint, doc, [ID, *_reading_parameters(endpoint, axis)])


def _read(
    context: Context,
    operation: str,
    axis: _ranges.Axis | None,
    ids: dict[str, str] | None,
    query: dict[str, Any],
) -> pd.DataFrame:
    if axis is None:
        return Reading(context, operation, ids, **query).frame()
    return _ranges.read(context, operation, axis, ids, **{"sort": axis.time, **query})


def iterates_of(operation: str) -> ListsOfInChunks:
    """Make a related read in chunks."""
    endpoint = load()[operation]
    name = only_id(endpoint)

    def related(self: Noun, id: Any, /, *, chunk_size: int = CHUNK, **query: Any) -> Iterator[pd.DataFrame]:
        return Reading(self._context, operation, {name: self._id(id)}, **query).frames(chunk_size)

    doc = _docs.for_list(endpoint, chunked=True)
    return dressed(related, endpoint, doc, [ID, CHUNK_SIZE, *_reading_parameters(endpoint)])


def gets(operation: str) -> Gets:
    """Make `get`."""
    endpoint = load()[operation]
    name = only_id(endpoint)

    def get(self: Noun, id: Any, /, **query: Any) -> pd.Series[Any]:
        return read_one(self._context, operation, {name: self._id(id)}, **query)

    return dressed(get, endpoint, _docs.for_get(endpoint), [ID, *_reading_parameters(endpoint)])


def gets_of(operation: str) -> GetsOf:
    """Make a to-one related read."""
    endpoint = load()[operation]
    name = only_id(endpoint)

    def related(self: Noun, id: Any, /, **query: Any) -> pd.Series[Any] | None:
        return read_one_or_none(self._context, operation, {name: self._id(id)}, **query)

    parameters = [parameter for parameter in _reading_parameters(endpoint) if parameter.name != "limit"]
    return dressed(related, endpoint, _docs.for_get(endpoint), [ID, *parameters])


def finds(operation: str) -> Finds:
    """Make `find`: by the server's filter where it has one, else by reading all and looking."""
    endpoint = load()[operation]
    assert endpoint.returns is not None
    kind = endpoint.returns.type
    by_server = [name for name, operators in endpoint.filters.items() if "equals" in operators]
    attributes = list(dict.fromkeys([*by_server, "id", *endpoint.returns.attributes]))

    def find(self: Noun, **attribute: Any) -> pd.Series[Any]:
        if len(attribute) != 1:
            raise InvalidInputError(
                f"find takes exactly one attribute, like name='...'; {len(attribute)} were given."
            )
        ((name, value),) = attribute.items()
        if name not in attributes:
            raise InvalidInputError(f"a {kind} has no attribute {name!r}.{instead(name, attributes)}")
        if "equals" in endpoint.filters.get(name, ()) and isinstance(value, str):
            frame = Reading(self._context, operation, filter=F[name] == value, limit=2).frame()
        else:
            reading = Reading(self._context, operation)
            if not pd.api.types.is_scalar(value) or all(c.name != name for c in reading.schema.columns):
                raise InvalidInputError(
                    f"a {kind} cannot be looked for by {name}={value!r}; filter a frame of all."
                )
            frame = reading.frame()
            frame = frame[(frame[name] == value).fillna(value=False).astype(bool)]
        what = f"{kind} with {name}={value!r}"
        if frame.empty and name == "name":
            raise NoMatchError(f"There is no {what}.{instead(str(value), _some_names(self, operation))}")
        return only(frame, what)

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in attributes
        if name.isidentifier()
    ]
    return dressed(find, endpoint, _docs.for_find(endpoint), [*parameters, ANY])


def _some_names(noun: Noun, operation: str) -> list[str]:
    """Read the names that there are, for who mistook one; not without end."""
    return Reading(noun._context, operation, limit=NAMES_TO_CHOOSE_FROM).frame()["name"].dropna().tolist()


def only(frame: pd.DataFrame, what: str) -> pd.Series[Any]:
    """Give the only row of a frame, or say that there is none or more than one."""
    if frame.empty:
        raise NoMatchError(f"There is no {what}.")
    if len(frame) > 1:
        ids = ", ".join(frame["id"].head(10))
        raise AmbiguousMatchError(f"There is more than one {what}: {ids}. Choose one with get(id).")
    row = pd.Series({name: frame[name].iloc[0] for name in frame.columns}, dtype=object)
    return row.rename(row["id"])


ID = inspect.Parameter("id", inspect.Parameter.POSITIONAL_ONLY)
ANY = inspect.Parameter("attribute", inspect.Parameter.VAR_KEYWORD)  # names with dots, like location.city
CHUNK_SIZE = inspect.Parameter("chunk_size", inspect.Parameter.KEYWORD_ONLY, default=CHUNK)


def only_id(endpoint: Endpoint) -> str:
    """Name the placeholder of a path that has one."""
    return endpoint.path.partition("{")[2].partition("}")[0]


def serves(*operations: str, notes: bool = True) -> Callable[[Verb], Verb]:
    """Tell what a verb that is written out calls; `notes` end its docstring with the endpoints' limits."""

    def mark(verb: Verb) -> Verb:
        verb.operations = operations  # type: ignore[attr-defined]
        if notes:
            endpoints = [load()[operation] for operation in operations]
            verb.__doc__ = _docs.with_notes(verb.__doc__ or "", endpoints)
        return verb

    return mark


def _reading_parameters(endpoint: Endpoint, axis: _ranges.Axis | None = None) -> list[inspect.Parameter]:
    """Keyword parameters that this endpoint can use, for its signature."""
    shape = endpoint.returns
    free_form = shape and any(name in shape.attributes for name in ("properties", "event_properties"))
    many = endpoint.method == "GET" and (endpoint.collection or "{" not in endpoint.path.rsplit("/", 1)[-1])
    offered = {
        "filter": (bool(endpoint.filters), None),
        "sort": (bool(endpoint.sort), axis.time if axis else None),
        "include": (bool(endpoint.include), ()),
        "fields": (bool(endpoint.fields), None),
        "additional_fields": (bool(endpoint.additional_fields), None),
        "limit": (many, None),
        "page_size": (bool(endpoint.page_max), None),
        "workers": (axis is not None, None),
        "properties": (bool(free_form), "json"),
    }
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, (can, default) in offered.items()
        if can
    ]


def dressed(
    function: Callable[..., Any], endpoint: Endpoint, doc: str, parameters: list[inspect.Parameter] | None
) -> Callable[..., Any]:
    """Give a verb its docstring and signature; `Noun` refuses what does not fit the signature."""
    function.__doc__, function.__qualname__ = doc, function.__name__
    function.operations = (endpoint.operation,)  # type: ignore[attr-defined]
    if parameters is not None:
        me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        function.__signature__ = inspect.Signature([me, *parameters])  # type: ignore[attr-defined]
    return function
