"""What verbs look like to a type checker; completion in a notebook sees the endpoint's own signature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import pandas as pd

from klaviyo_analytics.endpoints.query import Fields
from klaviyo_analytics.resources._noun import CHUNK, Filtering
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
        workers: int | None = None,
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
        workers: int | None = None,
        properties: Properties = "json",
    ) -> pd.DataFrame:
        """Read what belongs to one resource as a frame."""
        ...


class ListsOfInChunks(Protocol):
    """Signature of a related read in chunks, like `lists.iter_profiles(list_id)`."""

    def __call__(
        self,
        id: Any,
        /,
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
        """Read what belongs to one resource as frames of bounded size."""
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


class GetsOf(Protocol):
    """Signature of a to-one related read, like `events.metric(event_id)`."""

    def __call__(
        self,
        id: Any,
        /,
        *,
        include: Sequence[str] | str = (),
        fields: Fields | None = None,
        additional_fields: Fields | None = None,
        properties: Properties = "json",
    ) -> pd.Series[Any] | None:
        """Read the one that belongs to another, None where there is none."""
        ...


class Finds(Protocol):
    """Signature of `find`."""

    def __call__(self, **attribute: Any) -> pd.Series[Any]:
        """Find the one that has an attribute."""
        ...


class Creates(Protocol):
    """Signature of `create`."""

    def __call__(self, *, dry_run: bool = False, **attributes: Any) -> Any:
        """Create one; its row comes back."""
        ...


class Updates(Protocol):
    """Signature of `update`."""

    def __call__(self, id: Any, /, *, dry_run: bool = False, **attributes: Any) -> Any:
        """Change one; its row comes back where the API answers with it."""
        ...


class Deletes(Protocol):
    """Signature of `delete`."""

    def __call__(self, id: Any, /, *, confirm: bool = False, dry_run: bool = False) -> Any:
        """Delete one; it cannot be restored, so `confirm=True` is needed."""
        ...


class Applies(Protocol):
    """Signature of a verb whose body names its subject, like `templates.clone(template_id)`."""

    def __call__(self, id: Any, /, *, dry_run: bool = False, **attributes: Any) -> Any:
        """Do something with one; the row of what came of it comes back."""
        ...


class Relates(Protocol):
    """Signature of a verb that adds or removes related resources."""

    def __call__(self, id: Any, ids: Any, /, *, dry_run: bool = False) -> Any:
        """Add or remove several by their ids."""
        ...
