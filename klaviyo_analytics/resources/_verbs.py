"""Verbs made from the endpoint table: `tags.list = lists("get_tags")`.

Each is a plain method with a signature and a docstring of its own, so that completion and `?` in a notebook
say what that very endpoint allows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pandas as pd

from klaviyo_analytics.endpoints import Endpoint, load
from klaviyo_analytics.endpoints.query import Fields
from klaviyo_analytics.errors import AmbiguousMatchError, InvalidInputError, NoMatchError
from klaviyo_analytics.filters import F
from klaviyo_analytics.resources import _docs
from klaviyo_analytics.resources._noun import CHUNK, Filtering, Noun, Reading, read_one
from klaviyo_analytics.tabular import Properties


class Lists(Protocol):
    """Signature of `list`."""

    def __call__(
        self,
        *,
        filter: Filtering = None,
        sort: str | None = None,
        include: Sequence[str] | str = (),
        fields: Fields | None = None,
        additional_fields: Fields | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        properties: Properties = "json",
    ) -> pd.DataFrame:
        """Read many as a frame."""
        ...


class ListsInChunks(Protocol):
    """Signature of `iter_frames`."""

    def __call__(
        self,
        *,
        chunk_size: int = CHUNK,
        filter: Filtering = None,
        sort: str | None = None,
        include: Sequence[str] | str = (),
        fields: Fields | None = None,
        additional_fields: Fields | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        properties: Properties = "json",
    ) -> Iterator[pd.DataFrame]:
        """Read many as frames of bounded size."""
        ...


class ListsOf(Protocol):
    """Signature of a related read, like `lists.profiles(list_id)`."""

    def __call__(
        self,
        id: Any,
        /,
        *,
        filter: Filtering = None,
        sort: str | None = None,
        include: Sequence[str] | str = (),
        fields: Fields | None = None,
        additional_fields: Fields | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        properties: Properties = "json",
    ) -> pd.DataFrame:
        """Read what belongs to one resource as a frame."""
        ...


class Gets(Protocol):
    """Signature of `get`."""

    def __call__(
        self,
        id: Any,
        /,
        *,
        include: Sequence[str] | str = (),
        fields: Fields | None = None,
        additional_fields: Fields | None = None,
        properties: Properties = "json",
    ) -> pd.Series[Any]:
        """Read one by id as a row."""
        ...


class Finds(Protocol):
    """Signature of `find`."""

    def __call__(self, **attribute: Any) -> pd.Series[Any]:
        """Find the one that has an attribute."""
        ...


def lists(operation: str) -> Lists:
    """Make `list`."""
    endpoint = load()[operation]

    def list(self: Noun, **query: Any) -> pd.DataFrame:
        return Reading(self._context, operation, **query).frame()

    return dressed(list, endpoint, _docs.for_list(endpoint), _reading_parameters(endpoint))


def iterates(operation: str) -> ListsInChunks:
    """Make `iter_frames`."""
    endpoint = load()[operation]

    def iter_frames(self: Noun, *, chunk_size: int = CHUNK, **query: Any) -> Iterator[pd.DataFrame]:
        return Reading(self._context, operation, **query).frames(chunk_size)

    own = [inspect.Parameter("chunk_size", inspect.Parameter.KEYWORD_ONLY, default=CHUNK)]
    return dressed(
        iter_frames, endpoint, _docs.for_list(endpoint, chunked=True), own + _reading_parameters(endpoint)
    )


def lists_of(operation: str) -> ListsOf:
    """Make a related read."""
    endpoint = load()[operation]
    name = only_id(endpoint)

    def related(self: Noun, id: Any, /, **query: Any) -> pd.DataFrame:
        return Reading(self._context, operation, {name: id}, **query).frame()

    return dressed(related, endpoint, _docs.for_list(endpoint), [ID, *_reading_parameters(endpoint)])


def gets(operation: str) -> Gets:
    """Make `get`."""
    endpoint = load()[operation]
    name = only_id(endpoint)

    def get(self: Noun, id: Any, /, **query: Any) -> pd.Series[Any]:
        return read_one(self._context, operation, {name: id}, **query)

    return dressed(get, endpoint, _docs.for_get(endpoint), [ID, *_reading_parameters(endpoint)])


def finds(operation: str) -> Finds:
    """Make `find`: by the server's filter where it has one, else by reading all and looking."""
    endpoint = load()[operation]
    assert endpoint.returns is not None
    kind, known = endpoint.returns.type, endpoint.returns.attributes

    def find(self: Noun, **attribute: Any) -> pd.Series[Any]:
        if len(attribute) != 1:
            raise InvalidInputError(
                f"find takes exactly one attribute, like name='...'; {len(attribute)} were given."
            )
        ((name, value),) = attribute.items()
        if name not in known and name not in endpoint.filters and name != "id":
            raise InvalidInputError(f"a {kind} has no attribute {name!r}; there are id, {', '.join(known)}.")
        if "equals" in endpoint.filters.get(name, ()) and isinstance(value, str):
            frame = Reading(self._context, operation, filter=F[name] == value, limit=2).frame()
        else:
            frame = Reading(self._context, operation).frame()
            frame = frame[(frame[name] == value).fillna(value=False).astype(bool)]
        return only(frame, f"{kind} with {name}={value!r}")

    return dressed(find, endpoint, _docs.for_find(endpoint), None)


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


def only_id(endpoint: Endpoint) -> str:
    return endpoint.path.partition("{")[2].partition("}")[0]


def _reading_parameters(endpoint: Endpoint) -> list[inspect.Parameter]:
    """Keyword parameters that this endpoint can use, for its signature."""
    shape = endpoint.returns
    free_form = shape and any(name in shape.attributes for name in ("properties", "event_properties"))
    many = endpoint.method == "GET" and (endpoint.collection or "{" not in endpoint.path.rsplit("/", 1)[-1])
    offered = {
        "filter": (bool(endpoint.filters), None),
        "sort": (bool(endpoint.sort), None),
        "include": (bool(endpoint.include), ()),
        "fields": (bool(endpoint.fields), None),
        "additional_fields": (bool(endpoint.additional_fields), None),
        "limit": (many, None),
        "page_size": (bool(endpoint.page_max), None),
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
    """Give a verb its docstring and signature; unknown keywords are refused in its own name."""
    function.__doc__ = doc
    if parameters is None:
        return function
    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    signature = inspect.Signature([me, *parameters])

    def verb(*args: Any, **kwargs: Any) -> Any:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            allowed = ", ".join(f"{p.name}=" for p in parameters if p.kind is p.KEYWORD_ONLY)
            raise InvalidInputError(
                f"{function.__name__}(): {error}; {endpoint.method} {endpoint.path} takes {allowed or 'no options'}."
            ) from None
        return function(*args, **kwargs)

    verb.__doc__, verb.__name__, verb.__qualname__ = doc, function.__name__, function.__name__
    verb.__signature__ = signature  # type: ignore[attr-defined]
    return verb
