"""What every noun shares: the account it belongs to, and how its rows are read."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from klaviyo_analytics import _jsonapi, exports, tabular
from klaviyo_analytics._api import Api
from klaviyo_analytics._cache import NoCache
from klaviyo_analytics._calls import explained_methods
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.endpoints import Endpoint
from klaviyo_analytics.endpoints import query as queries
from klaviyo_analytics.endpoints.query import Fields, Query
from klaviyo_analytics.errors import InvalidInputError, MalformedResponseError
from klaviyo_analytics.filters import Filter
from klaviyo_analytics.planner import Quota
from klaviyo_analytics.tabular import Properties, Schema

Filtering = Filter | str | None
CHUNK = 10_000


@dataclass
class Context:
    """The account that nouns read: its API, its habits, its clock."""

    api: Api
    progress: bool | None = None
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)  # between looks at a job
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    metrics: pd.DataFrame | None = field(default=None, repr=False)  # read once, see Metrics.known
    known_account: pd.Series[Any] | None = field(default=None, repr=False)
    conversion: tuple[str, str] | None = field(default=None, repr=False)  # see resources._conversion
    names: dict[str, dict[str, str | None]] = field(default_factory=dict, repr=False)  # see reports._names
    cache: NoCache = field(default_factory=NoCache, repr=False)
    quota: Quota = field(default_factory=Quota, repr=False)

    @property
    def account(self) -> pd.Series[Any]:
        """The account's own row; asked for once."""
        if self.known_account is None:
            frame = Reading(self, "get_accounts").frame()
            if frame.empty:
                raise MalformedResponseError("GET /api/accounts answered without an account.")
            self.known_account = frame.iloc[0]
        return self.known_account

    @property
    def timezone(self) -> str:
        """The account's time zone, which decides what a day is."""
        return str(self.account["timezone"])


class Noun:
    """One kind of resource of an account."""

    def __init_subclass__(cls) -> None:
        explained_methods(cls)

    def __init__(self, context: Context) -> None:
        self._context = context

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._context.api.transport.base_url}>"

    def export(self, path: str | Path, **query: Any) -> int:
        """Write everything that `iter_frames` of the same question reads to a file, in bounded memory.

        Parameters
        ----------
        path : str or Path
            Ends in .parquet, .csv, .jsonl or .feather, which decides the format; see `exports.write`.
        **query
            The keywords of `iter_frames`.

        Returns
        -------
        int
            Number of rows written.

        Raises
        ------
        InvalidInputError
            The extension or a keyword is not allowed, or this resource cannot be listed. No request was sent.
        MissingExtraError
            Parquet and Feather need the extra ``archive``.
        """
        reads = getattr(self, "iter_frames", None)
        if reads is None:
            raise InvalidInputError(f"{type(self).__name__} cannot be exported: it has no iter_frames().")
        exports.checked(path)
        return exports.write(reads(**query), path)

    def _id(self, value: object) -> str:
        """Take an id as a path needs it."""
        return checked_id(value)


class Reading:
    """A collection being read: query checked and columns settled before the first request."""

    def __init__(
        self,
        context: Context,
        operation: str,
        ids: Mapping[str, str] | None = None,
        *,
        filter: Filtering = None,
        sort: str | None = None,
        include: Sequence[str] | str = (),
        fields: Fields | None = None,
        additional_fields: Fields | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        properties: Properties = "json",
    ) -> None:
        limit = _whole_number(limit)
        self.context = context
        self.endpoint: Endpoint = context.api.catalog[operation]
        self.ids = {name: checked_id(value, name) for name, value in (ids or {}).items()}
        self.query: Query = queries.build(
            self.endpoint,
            filter=filter,
            sort=sort,
            include=include,
            fields=fields,
            additional_fields=additional_fields,
            strict=context.api.strict,
        )
        self.schema: Schema = tabular.schema(self.endpoint, self.query, properties)
        self.size = queries.page_size(self.endpoint, page_size, limit, strict=context.api.strict)
        self.chosen = page_size is not None
        self.limit = limit

    def pages(self, progress: Progress | None = None) -> Iterator[tuple[list[Any], Any]]:
        """Give (records, what they include) page by page, `limit` rows in all."""
        left = self.limit
        if left == 0:
            return
        documents = self.context.api.pages(
            self.endpoint,
            self.ids,
            self.query.params,
            size=self.size,
            chosen=self.chosen,
            on_wait=progress.waiting if progress else None,
        )
        for document in documents:
            records = _jsonapi.resources(document, f"{self.endpoint.method} {self.endpoint.path}")
            if left is not None:
                records = records[:left]
                left -= len(records)
            yield records, _jsonapi.included([document]) if self.query.include else {}
            if progress:
                progress.add(len(records))
            if left == 0:
                return

    def frame(self) -> pd.DataFrame:
        """Read everything into one frame."""
        table = tabular.Table(self.schema)
        with self._progress() as progress:
            for records, included in self.pages(progress):
                table.add(records, included)
        return table.frame()

    def frames(self, chunk_size: int) -> Iterator[pd.DataFrame]:
        """Read everything in frames of `chunk_size` rows; at least one, so that the columns are known."""
        if chunk_size < 1:
            raise InvalidInputError(f"chunk_size={chunk_size}: give at least 1 row.")
        return self._cut(chunk_size)

    def _cut(self, chunk_size: int) -> Iterator[pd.DataFrame]:
        table, empty = tabular.Table(self.schema), True
        with self._progress() as progress:
            for records, included in self.pages(progress):
                rest = records
                while rest:
                    room = chunk_size - table.rows
                    table.add(rest[:room], included)
                    rest = rest[room:]
                    if table.rows == chunk_size:
                        yield table.frame()
                        table, empty = tabular.Table(self.schema), False
        if table.rows or empty:
            yield table.frame()

    def _progress(self) -> Progress:
        return Progress(
            self.endpoint.path.removeprefix("/api/"), shown=self.context.progress, total=self.limit
        )


def _whole_number(limit: Any) -> int | None:
    """Take a limit, also one of numpy's integers."""
    try:
        rows = None if limit is None else operator.index(limit)
    except TypeError:
        rows = -1
    if isinstance(limit, bool) or (rows is not None and rows < 0):
        raise InvalidInputError(f"limit={limit!r}: give a whole number of rows, or None for all.")
    return rows


def read_one(context: Context, operation: str, ids: Mapping[str, str], **options: Any) -> pd.Series[Any]:
    """Read a single resource as a row."""
    row = read_one_or_none(context, operation, ids, **options)
    if row is None:
        where = context.api.catalog[operation].at(**ids)
        raise MalformedResponseError(f"GET {where} answered without a resource.")
    return row


def read_one_or_none(
    context: Context,
    operation: str,
    ids: Mapping[str, str],
    *,
    include: Sequence[str] | str = (),
    fields: Fields | None = None,
    additional_fields: Fields | None = None,
    properties: Properties = "json",
) -> pd.Series[Any] | None:
    """Read a to-one relationship: a row, or None where the answer's data are null."""
    endpoint = context.api.catalog[operation]
    query = queries.build(
        endpoint,
        include=include,
        fields=fields,
        additional_fields=additional_fields,
        strict=context.api.strict,
    )
    schema = tabular.schema(endpoint, query, properties)
    ids = {name: checked_id(value, name) for name, value in ids.items()}
    document = context.api.call(operation, ids, params=query.params)
    where = f"GET {endpoint.at(**ids)}"
    records = _jsonapi.resources(document, where)
    if len(records) > 1:
        raise MalformedResponseError(f"{where} answered with {len(records):,} resources instead of one.")
    return tabular.one(records[0], schema, _jsonapi.included([document])) if records else None


def checked_id(value: object, name: str = "id") -> str:
    """Take an id, or a row that has one."""
    one = _text_of(value, name)
    if "@" in one:
        raise InvalidInputError(
            f"{name}={one!r} is no id but an address; client.profiles.find(email=...) gives the row that has the id."
        )
    return one


def catalog_id(value: object) -> str:
    """Write a shop's own id as the compound one of the catalog; rows and compound ids have it already."""
    one = _text_of(value, "id")
    return one if ":::" in one else f"$custom:::$default:::{one}"


def _text_of(value: object, name: str) -> str:
    if isinstance(value, pd.Series):
        value = value.get("id")
    if isinstance(value, str) and value.strip():
        return value
    given = f"<{type(value).__name__}>" if isinstance(value, pd.DataFrame) else repr(value)
    raise InvalidInputError(f"{name}={given}: give an id as text, or a row that `get` or `find` returned.")
