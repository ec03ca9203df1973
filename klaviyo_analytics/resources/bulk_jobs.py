"""Bulk jobs of every kind: what is queued, what is done, what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import pandas as pd

from klaviyo_analytics.endpoints import Kind
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.filters import F
from klaviyo_analytics.resources._noun import Noun, Reading, checked_id, read_one
from klaviyo_analytics.resources._verbs import lists_of
from klaviyo_analytics.tabular import DTYPES

JobKind = Literal[
    "profile_import", "suppress", "unsuppress",
    "catalog_item_create", "catalog_item_update", "catalog_item_delete",
    "catalog_variant_create", "catalog_variant_update", "catalog_variant_delete",
    "catalog_category_create", "catalog_category_update", "catalog_category_delete",
    "coupon_code_create",
]  # fmt: skip
KINDS: tuple[JobKind, ...] = get_args(JobKind)
COLUMNS: dict[str, Kind] = {
    "id": "text", "kind": "text", "status": "text", "total_count": "integer", "completed_count": "integer",
    "failed_count": "integer", "skipped_count": "integer", "created_at": "time", "started_at": "time",
    "completed_at": "time", "expires_at": "time", "errors": "json",
}  # fmt: skip


class BulkJobs(Noun):
    """Jobs that carry many changes out at once; imports, suppressions, catalogs and coupon codes have them."""

    profiles = lists_of("get_profiles_for_bulk_import_profiles_job")
    lists = lists_of("get_list_for_bulk_import_profiles_job")
    import_errors = lists_of("get_errors_for_bulk_import_profiles_job")

    def list(
        self,
        *,
        kind: JobKind | Sequence[JobKind] | None = None,
        status: str | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Read the jobs of some kinds, or of all, as rows.

        Parameters
        ----------
        kind : str or several
            "profile_import", "suppress", "unsuppress", "catalog_item_create" (or update, delete; or variant,
            category), "coupon_code_create". All of them, one request each, if not given.
        status : str
            "queued", "processing", "complete" or "cancelled".
        limit : int
            So many rows of each kind.

        Returns
        -------
        pandas.DataFrame
            id, kind, status (string), total_count, completed_count, failed_count, skipped_count (Int64),
            created_at, started_at, completed_at, expires_at (UTC), errors (object). A job that is `complete`
            can hold failures: look at failed_count.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     jobs = client.bulk_jobs.list(kind="profile_import")
        >>> jobs.columns[:3].tolist()
        ['id', 'kind', 'status']
        """
        asked = KINDS if kind is None else (kind,) if isinstance(kind, str) else tuple(kind)
        where = None if status is None else F.status == status
        readings = [
            (one, Reading(self._context, _operation(one, many=True), filter=where, limit=limit))
            for one in asked
        ]
        frames = [_alike(reading.frame(), one) for one, reading in readings]
        return pd.concat(frames, ignore_index=True) if frames else _alike(pd.DataFrame({"id": []}), "")

    def get(self, job: Any, /, *, kind: JobKind | None = None) -> pd.Series[Any]:
        """Read one job as a row.

        Parameters
        ----------
        job : str
            Id, or a row of `list`, which knows its kind.
        kind : str
            Needed with an id; see `list`.

        Returns
        -------
        pandas.Series
            status, counts, times, and what the kind of job has besides.
        """
        id, named = checked_id(job, "job"), _kind_of(job, kind)
        row = read_one(self._context, _operation(named, many=False), {"job_id": id})
        return pd.Series({"id": id, "kind": named, **row.drop("id")}, dtype=object, name=id)


def _operation(kind: str, *, many: bool) -> str:
    if kind not in KINDS:
        raise InvalidInputError(f"kind={kind!r} is not known; there are {', '.join(KINDS)}.")
    jobs = "jobs" if many else "job"
    if kind == "coupon_code_create":
        return "get_bulk_create_coupon_code_jobs" if many else "get_bulk_create_coupon_codes_job"
    if kind.startswith("catalog_"):
        _, noun, verb = kind.split("_")
        plural = {"item": "catalog_items", "variant": "variants", "category": "categories"}[noun]
        return f"get_bulk_{verb}_{plural}_{jobs}"
    return f"get_bulk_{'import' if kind == 'profile_import' else kind}_profiles_{jobs}"


def _kind_of(job: Any, kind: str | None) -> str:
    if kind is None and isinstance(job, pd.Series) and "kind" in job:
        kind = str(job["kind"])
    if kind is None:
        raise InvalidInputError(f"a job's id does not tell its kind; give kind=, one of {', '.join(KINDS)}.")
    return kind


def _alike(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Give the jobs of one kind the columns that those of all kinds have."""
    for name, what in COLUMNS.items():
        if name not in frame:
            value = kind if name == "kind" else None
            frame[name] = pd.Series([value] * len(frame), dtype=DTYPES[what])
    return frame[[*COLUMNS]]
