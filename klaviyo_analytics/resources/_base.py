"""The base class of all resources: one way to read and to write each kind of endpoint.

The methods of `_generated` are typed and documented for one endpoint each, and call these.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from klaviyo_analytics import exports, frames
from klaviyo_analytics._html import card
from klaviyo_analytics._messages import allowed_values, counted, did_you_mean, explained_methods
from klaviyo_analytics.endpoints import Body, Endpoint, jsonapi
from klaviyo_analytics.endpoints import query as queries
from klaviyo_analytics.errors import (
    AmbiguousMatchError,
    InvalidInputError,
    KlaviyoError,
    NoMatchError,
    NotFoundError,
)
from klaviyo_analytics.filters import F
from klaviyo_analytics.frames.schema import snake
from klaviyo_analytics.resources import _concurrent
from klaviyo_analytics.resources._reading import (
    Axis,
    Context,
    Reading,
    catalog_id,
    checked_id,
    instead,
    moment,
    read_one,
    read_one_or_none,
)
from klaviyo_analytics.resources._types import typed_methods
from klaviyo_analytics.writeback import encode
from klaviyo_analytics.writeback.confirmations import confirmed
from klaviyo_analytics.writeback.encode import UnwritableError


class _Unset:
    """An attribute that was not passed; None would clear it."""

    def __repr__(self) -> str:
        return "unset"


UNSET: Any = _Unset()


def resource(endpoint: Endpoint, given: Mapping[str, Any], *, id: str | None = None) -> dict[str, Any]:
    """Build `data` of a body: attributes and relationships, checked against the table."""
    body = endpoint.body or Body()
    where = f"{endpoint.method} {endpoint.path}"
    wire = {snake(name): name for name in (*body.required, *body.optional, *body.relationships)}
    # a keyword that was not given may be unknown to this revision
    given = {name: value for name, value in given.items() if value is not UNSET}
    if unknown := [name for name in given if name not in wire]:
        raise InvalidInputError(f"{where} does not accept {unknown[0]!r}; it accepts {', '.join(wire)}.")
    present = {wire[name] for name in given}
    needed = [*body.required, *(name for name, (_, _, must) in body.relationships.items() if must)]
    if missing := [snake(name) for name in needed if name not in present]:
        raise InvalidInputError(f"{where} needs {', '.join(missing)}.")
    data: dict[str, Any] = {"type": body.type}
    if id is not None:
        data["id"] = id
    values = {wire[name]: value for name, value in given.items()}
    attributes = {
        name: written(name, value) for name, value in values.items() if name not in body.relationships
    }
    if body.required or body.optional:
        data["attributes"] = attributes
    related = {
        name: {"data": _related(*body.relationships[name][:2], value)}
        for name, value in values.items()
        if name in body.relationships
    }
    return {**data, "relationships": related} if related else data


def write(
    context: Context,
    operation: str,
    ids: Mapping[str, str],
    body: Any,
    *,
    files: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    replay_safe: bool | None = None,
) -> Any:
    """Send a write, or show it with `dry_run`: a row if the response has a resource, otherwise None."""
    endpoint = context.api.catalog[operation]
    if dry_run:
        shown = {"method": endpoint.method, "path": endpoint.at(**ids), "body": _masked(body)}
        return pd.DataFrame({name: [value] for name, value in shown.items()})
    document = context.api.call(
        operation, ids, json=None if files else body, files=files, replay_safe=replay_safe
    )
    if endpoint.returns is None or (document is None and endpoint.may_be_empty):
        return None
    record = jsonapi.only(document, f"{endpoint.method} {endpoint.path}", endpoint.type)
    shape = frames.schema(endpoint, queries.Query({}, {}, {}, ()))
    return frames.one(record, shape, {})


def many(context: Context, operation: str, held: Any) -> pd.DataFrame:
    """Return what an answer lists in an attribute, ids beside attributes, as rows of the resource of `operation`."""
    endpoint = context.api.catalog[operation]
    table = frames.Table(frames.schema(endpoint, queries.Query({}, {}, {}, ())))
    listed = jsonapi.listed({"data": held}, f"{endpoint.method} {endpoint.path}")
    table.add(
        [{"id": one["id"], "type": endpoint.type, "attributes": _without_id(one)} for one in listed], {}
    )
    return table.frame()


def _without_id(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "id"}


def identifiers(kind: str, ids: Any) -> list[dict[str, str]]:
    """Build resource identifiers from ids, rows, or a frame with an `id` column; each once."""
    if isinstance(ids, pd.DataFrame):
        if "id" not in ids.columns:
            raise InvalidInputError(
                f"The frame of {kind} ids has no column 'id'. Pass ids, rows, or such a frame."
            )
        ids = ids["id"]
    several: Iterable[Any] = [ids] if isinstance(ids, str) or _is_row(ids) else ids
    if not isinstance(several, Iterable) or isinstance(several, (bytes, Mapping)):
        raise InvalidInputError(
            f"{several!r} is not a list of {kind} ids. Pass ids, rows, or a frame with 'id'."
        )
    unique = dict.fromkeys(_id(kind, one) for one in several)
    if not unique:
        raise InvalidInputError(f"No {kind} was given. Pass at least one id.")
    return [{"type": kind, "id": id} for id in unique]


def written(name: str, value: Any) -> Any:
    """Convert a value to its JSON form; missing values of every kind become null."""
    try:
        return encode.value(value)
    except UnwritableError as problem:
        raise InvalidInputError(f"{name}: {problem}.") from None


def one_of(value: Any, name: str, allowed: Sequence[str]) -> None:
    """Refuse a value that is not one of those allowed; one that was not passed is fine."""
    if value is not UNSET and value not in allowed:
        raise InvalidInputError(
            f"{name}={value!r} is not allowed{did_you_mean(value, allowed)}. {allowed_values(value, allowed)}"
        )


def _related(kind: str, arity: str, value: Any) -> Any:
    if arity == "many":
        return identifiers(kind, value)
    return {"type": kind, "id": _id(kind, value)}


def _id(kind: str, value: object) -> str:
    return catalog_id(value) if kind.startswith("catalog-") else checked_id(value, kind)


def _is_row(value: Any) -> bool:
    return isinstance(value, pd.Series) and "id" in value.index


SECRETS = ("secret_key",)


def _masked(body: Any) -> Any:
    """Hide secrets in what a dry run shows."""
    attributes = body.get("data") if isinstance(body, dict) else None
    attributes = attributes.get("attributes") if isinstance(attributes, dict) else None
    if not attributes or not any(name in attributes for name in SECRETS):
        return body
    hidden = {name: "***" if name in SECRETS else value for name, value in attributes.items()}
    return {"data": {**body["data"], "attributes": hidden}}


NAMES_TO_CHOOSE_FROM = 500
NAMES = ("name", "title", "unique_code")  # the column that names a resource, whatever its type
Method = TypeVar("Method", bound=Callable[..., Any])
if TYPE_CHECKING:
    from klaviyo_analytics.timeframe.words import Moment
    from klaviyo_analytics.writeback.columns import Tabular

    Id = str | pd.Series[Any]  # an id, or a row that has one
    Ids = Id | Iterable[Id] | pd.DataFrame
    People = str | Mapping[str, Any] | Iterable[str | Mapping[str, Any] | pd.Series[Any]] | Tabular


def serves(*operations: str) -> Callable[[Method], Method]:
    """Record which operations of the endpoint table a method calls; `client.describe()` lists them."""

    def mark(method: Method) -> Method:
        method.operations = operations  # type: ignore[attr-defined]
        return method

    return mark


_PAGE = 100
_DATES = ("send_time", "datetime", "created_at", "created", "updated_at", "updated")
_SORTS = ("created_at", "created", "datetime", "updated")


class Resource:
    """One kind of resource of an account."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        explained_methods(typed_methods(cls))

    def __init__(self, context: Context) -> None:
        self._context = context

    def __repr__(self) -> str:
        known = self._context.known_account
        account = "" if known is None else f" of {known['contact_information.organization_name']}"
        return f"{type(self).__name__}{account}: {', '.join(self._methods())}"

    def _repr_html_(self) -> str:
        """Return a card: how many there are, the newest ones, and the methods; asks for one page at most."""
        facts = {**self._overview(), "methods": ", ".join(self._methods())}
        known = self._context.known_account
        if known is not None:
            facts = {"account": str(known["contact_information.organization_name"]), **facts}
        return card(
            type(self).__name__, facts, more="<code>client.describe()</code> lists what each method takes."
        )

    def _methods(self) -> list[str]:
        return [
            name
            for name in dir(self)
            if not name.startswith("_") and callable(getattr(type(self), name, None))
        ]

    def _overview(self) -> dict[str, str]:
        """Return how many there are and which are the newest, as far as one page shows; people are not named."""
        read = getattr(self, "list", None)
        if read is None or "limit" not in inspect.signature(read).parameters:
            return {}
        quiet: Any = type(self)(replace(self._context, progress=False))
        try:
            order = self._newest_first()
            frame = quiet.list(limit=_PAGE, **order)
        except InvalidInputError:  # they can only be read in part, such as the codes of one coupon
            return {}
        except KlaviyoError as problem:
            return {"count": f"could not be read: {str(problem).splitlines()[0]}"}
        facts = {"count": f"{len(frame):,}" if len(frame) < _PAGE else f"{_PAGE:,} or more"}
        dates = [name for name in _DATES if name in frame.columns and frame[name].notna().any()]
        if not dates or (len(frame) == _PAGE and not order):
            return facts
        newest = frame.dropna(subset=[dates[0]]).sort_values(dates[0], ascending=False, kind="stable").head(3)
        if "name" not in newest.columns:
            facts["newest"] = f"{newest[dates[0]].iloc[0]:%Y-%m-%d}"
        else:
            facts["newest"] = "; ".join(
                f"{'(no name)' if pd.isna(name) else name} ({when:%Y-%m-%d})"
                for name, when in zip(newest["name"], newest[dates[0]], strict=True)
            )
        return facts

    def _newest_first(self) -> dict[str, str]:
        """Return how to ask for the newest first, where the endpoint can; else a first page is the oldest."""
        read = getattr(self, "list", None)
        if read is None or "sort" not in inspect.signature(read).parameters:
            return {}
        operations = getattr(read, "operations", ())
        allowed = [one for name in operations for one in self._context.api.catalog[name].sort]
        return next(({"sort": f"-{name}"} for name in _SORTS if f"-{name}" in allowed or name in allowed), {})

    def export(self, path: str | Path, *, timezone: str = "UTC", **query: Any) -> int:
        """Write everything that `list` of the same question reads to a file, in bounded memory.

        Parameters
        ----------
        path : str or Path
            Ends in .parquet, .csv, .jsonl or .feather, which decides the format; see `exports.write`.
        timezone : str, default "UTC"
            IANA name of the time zone that times are converted to, such as the account's "America/New_York".
        **query
            The keywords of `iter_frames`; those of `list` for a resource that comes in one answer.

        Returns
        -------
        int
            Number of rows written.

        Raises
        ------
        InvalidInputError
            The extension, the time zone or a keyword is not allowed, or this resource cannot be listed. No request
            was sent.
        MissingExtraError
            Parquet and Feather need the extra ``archive``.
        """
        reads = getattr(self, "iter_frames", None) or getattr(self, "list", None)
        if reads is None:
            raise InvalidInputError(f"{type(self).__name__} cannot be exported: it has no list().")
        exports.checked(path, timezone)
        read = reads(**query)
        return exports.write([read] if isinstance(read, pd.DataFrame) else read, path, timezone=timezone)

    def _id(self, value: object) -> str:
        """Return an id as a path needs it."""
        return checked_id(value)

    def _endpoint(self, operation: str) -> Endpoint:
        return self._context.api.catalog[operation]

    def _ids(self, operation: str, id: object) -> dict[str, str]:
        """Return the id under the name that the operation's path has for it."""
        return {only_id(self._endpoint(operation)): self._id(id)}

    # Reads

    def _list(self, operation: str, **query: Any) -> pd.DataFrame:
        return Reading(self._context, operation, **query).frame()

    def _list_of(self, operation: str, id: object, /, **query: Any) -> pd.DataFrame:
        return Reading(self._context, operation, self._ids(operation, id), **query).frame()

    def _list_in_ranges(self, operation: str, axis: Axis, **query: Any) -> pd.DataFrame:
        return _concurrent.read(self._context, operation, axis, None, **query)

    def _list_of_in_ranges(self, operation: str, axis: Axis, id: object, /, **query: Any) -> pd.DataFrame:
        return _concurrent.read(self._context, operation, axis, self._ids(operation, id), **query)

    def _iter_frames(self, operation: str, *, chunk_size: int, **query: Any) -> Iterator[pd.DataFrame]:
        return Reading(self._context, operation, **query).frames(chunk_size)

    def _iter_frames_of(
        self, operation: str, id: object, /, *, chunk_size: int, **query: Any
    ) -> Iterator[pd.DataFrame]:
        return Reading(self._context, operation, self._ids(operation, id), **query).frames(chunk_size)

    def _iter_frames_in_ranges(
        self, operation: str, axis: Axis, *, chunk_size: int, **query: Any
    ) -> Iterator[pd.DataFrame]:
        return _concurrent.frames(self._context, operation, axis, None, chunk_size=chunk_size, **query)

    def _iter_frames_of_in_ranges(
        self, operation: str, axis: Axis, id: object, /, *, chunk_size: int, **query: Any
    ) -> Iterator[pd.DataFrame]:
        ids = self._ids(operation, id)
        return _concurrent.frames(self._context, operation, axis, ids, chunk_size=chunk_size, **query)

    def _get(self, operation: str, id: object, /, **query: Any) -> Any:
        return read_one(self._context, operation, self._ids(operation, id), **query)

    def _get_of(self, operation: str, id: object, /, **query: Any) -> Any:
        return read_one_or_none(self._context, operation, self._ids(operation, id), **query)

    def _find(self, operation: str, attributes: Mapping[str, Any]) -> Any:
        """Find one row: with the server's filter where it has one, otherwise by reading all rows."""
        endpoint = self._endpoint(operation)
        assert endpoint.returns is not None
        given = {name: value for name, value in attributes.items() if value is not None}
        if len(given) != 1:
            raise InvalidInputError(
                f"find takes exactly one attribute, like name='...'; {len(given)} were given."
            )
        ((name, value),) = given.items()
        kind = endpoint.returns.type
        by_server = [field for field, operators in endpoint.filters.items() if "equals" in operators]
        known = list(dict.fromkeys([*by_server, "id", *endpoint.returns.attributes]))
        if name not in known:
            raise InvalidInputError(f"a {kind} has no attribute {name!r}.{instead(name, known)}")
        if name in by_server and isinstance(value, str):
            frame = Reading(self._context, operation, filter=F[name] == value, limit=2).frame()
        else:
            reading = Reading(self._context, operation)
            if not pd.api.types.is_scalar(value) or all(c.name != name for c in reading.schema.columns):
                raise InvalidInputError(
                    f"a {kind} cannot be looked up by {name}={value!r}; list all of them and filter the DataFrame."
                )
            frame = reading.frame()
            frame = frame[(frame[name] == value).fillna(value=False).astype(bool)]
        what = f"{kind} with {name}={value!r}"
        if frame.empty and name == "name":
            raise NoMatchError(f"No {what} exists.{instead(str(value), self._some_names(operation))}")
        return only(frame, what)

    def _find_by_id(self, operation: str, external_id: str) -> Any:
        """Find one row by the id that it has in the shop, which is part of its id in the API."""
        try:
            return self._get(operation, external_id)
        except NotFoundError as error:
            raise NoMatchError(f"No resource has external_id={external_id!r}.") from error

    def _some_names(self, operation: str) -> list[str]:
        """Read existing names to suggest, at most `NAMES_TO_CHOOSE_FROM`."""
        return self._list(operation, limit=NAMES_TO_CHOOSE_FROM)["name"].dropna().tolist()

    # Writes

    def _time(self, value: Moment | None) -> Any:
        """Return a time in UTC as the API expects it; one without a zone is read in the account's."""
        return value if value is UNSET or value is None else moment(self._context, value).isoformat()

    def _create(self, operation: str, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        data = resource(self._endpoint(operation), attributes)
        return write(self._context, operation, {}, {"data": data}, dry_run=dry_run)

    def _update(self, operation: str, id: object, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        """Change the given attributes and leave the others unchanged."""
        endpoint = self._endpoint(operation)
        body = endpoint.body or Body()
        names = [snake(name) for name in (*body.required, *body.optional, *body.relationships)]
        ids = self._ids(operation, id)
        data = resource(endpoint, attributes, id=next(iter(ids.values())))
        if not data.get("attributes") and not data.get("relationships"):
            raise InvalidInputError(
                f"update(): no attribute was given. Pass at least one of {', '.join(names)}."
            )
        return write(self._context, operation, ids, {"data": data}, dry_run=dry_run)

    def _apply(self, operation: str, id: object, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        """Send a request whose body, not its path, has the id: clone, render, assign."""
        endpoint, own = self._endpoint(operation), self._id(id)
        if endpoint.body is not None and "id" in endpoint.body.required:  # some name it twice
            attributes = {"id": own, **attributes}
        data = resource(endpoint, attributes, id=own)
        return write(self._context, operation, {}, {"data": data}, dry_run=dry_run)

    def _relate(self, operation: str, id: object, ids: object, *, dry_run: bool) -> Any:
        """Send a list of resource identifiers."""
        body = self._endpoint(operation).body or Body()
        related = {"data": identifiers(str(body.type), ids)}
        return write(self._context, operation, self._ids(operation, id), related, dry_run=dry_run)

    def _relate_one(self, operation: str, id: object, related: object, *, dry_run: bool) -> Any:
        """Send one resource identifier."""
        body = self._endpoint(operation).body or Body()
        (one,) = identifiers(str(body.type), [related])
        return write(self._context, operation, self._ids(operation, id), {"data": one}, dry_run=dry_run)

    def _delete(self, operation: str, id: object, *, confirm: bool, dry_run: bool) -> Any:
        """Delete a resource for good, so only with `confirm=True`."""
        ids = self._ids(operation, id)
        if not dry_run and confirm is not True:
            confirmed(confirm, self._what_would_go(operation, ids))
        return write(self._context, operation, ids, None, dry_run=dry_run)

    def _what_would_go(self, operation: str, ids: Mapping[str, str]) -> str:
        """Describe what would be deleted: its type, its name, and how many people are in it."""
        reading = self._context.api.catalog.find("GET", self._endpoint(operation).path)
        assert reading is not None
        kind = str(reading.type)
        counts = "profile_count" in reading.additional_fields.get(kind, ())
        more = ["profile_count"] if counts else None
        row = read_one(self._context, reading.operation, ids, additional_fields=more)
        named = next((f" {row[name]!r}" for name in NAMES if name in row), "")
        members = f" with {counted(row['profile_count'], 'profile')}" if counts else ""
        what = f"{kind.replace('-', ' ')}{named} ({row['id']}){members}"
        return f"This deletes the {what}; it cannot be restored."


def only_id(endpoint: Endpoint) -> str:
    """Return the name of the only placeholder of a path."""
    return endpoint.path.partition("{")[2].partition("}")[0]


def only(frame: pd.DataFrame, what: str) -> pd.Series[Any]:
    """Return the only row of a frame.

    Raises
    ------
    NoMatchError, AmbiguousMatchError
        The frame is empty, or has several rows.
    """
    if frame.empty:
        raise NoMatchError(f"No {what} exists.")
    if len(frame) > 1:
        ids = ", ".join(frame["id"].head(10))
        raise AmbiguousMatchError(f"There is more than one {what}: {ids}. Choose one with get(id).")
    row = pd.Series({name: frame[name].iloc[0] for name in frame.columns}, dtype=object)
    return row.rename(row["id"])
