"""Bulk jobs of every kind: what is queued, what is done, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from klaviyo_analytics._messages import counted
from klaviyo_analytics._progress import Progress
from klaviyo_analytics.endpoints import Kind
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.filters import F
from klaviyo_analytics.frames.schema import DTYPES
from klaviyo_analytics.http.cancellation import wait_for
from klaviyo_analytics.resources import event_writes
from klaviyo_analytics.resources._base import identifiers, serves, write
from klaviyo_analytics.resources._generated.account import BulkJobMethods
from klaviyo_analytics.resources._reading import Context, Reading, catalog_id, checked_id, read_one
from klaviyo_analytics.resources.catalogs import catalog_plan
from klaviyo_analytics.resources.consent import rows_of
from klaviyo_analytics.resources.coupons import codes_plan
from klaviyo_analytics.writeback import Plan, confirmations, events, profiles
from klaviyo_analytics.writeback.confirmations import confirmed
from klaviyo_analytics.writeback.consent import plan_suppression
from klaviyo_analytics.writeback.write_types import IMPORT, WRITE_TYPES

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id, Ids

Record = Mapping[str, Any]
PLURAL = {"item": "items", "variant": "variants", "category": "categories"}


def planned(context: Context, kind: str, records: Sequence[Record], lists: Sequence[str] = ()) -> Plan:
    """Plan a job of one kind from records, each with the keywords of the single write."""
    most = WRITE_TYPES[kind.replace("_", " ")].most
    if not 0 < len(records) <= most:
        raise InvalidInputError(
            f"a job of the kind {kind!r} takes 1 to {most:,} records, not {len(records):,}."
        )
    what = f"submit({kind!r})"
    if kind in ("suppress", "unsuppress"):
        return plan_suppression(
            context,
            rows_of(list(records), kind),
            suppresses=kind == "suppress",
            columns=None,
            on_duplicate="error",
        )
    _check_mappings(records, what)
    if kind == "profile_import":
        return profiles.plan_given(context, records, what, kind=IMPORT.name, lists=lists)
    if kind == "event_create":
        return events.plan_given(context, [event_writes.keywords(one) for one in records], what)
    if kind == "coupon_code_create":
        return codes_plan(context, records, what)
    _, resource_kind, verb = kind.split("_")
    if verb != "create":
        records = [{**one, "id": catalog_id(one.get("id"))} for one in records]
    return catalog_plan(context, records, what, resource_kind, verb)  # type: ignore[arg-type]


def _check_mappings(records: Sequence[Any], what: str) -> None:
    for one in records:
        if not isinstance(one, Mapping):
            raise InvalidInputError(f"{what}: {one!r} is not a dict of the keywords of the single write.")


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


def _operation(kind: str, *, many: bool) -> str:
    if kind not in KINDS:
        raise InvalidInputError(f"kind={kind!r} is not a kind of job. Allowed are {', '.join(KINDS)}.")
    jobs = "jobs" if many else "job"
    if kind == "coupon_code_create":
        return "get_bulk_create_coupon_code_jobs" if many else "get_bulk_create_coupon_codes_job"
    if kind.startswith("catalog_"):
        _, resource_kind, verb = kind.split("_")
        plural = {"item": "catalog_items", "variant": "variants", "category": "categories"}[resource_kind]
        return f"get_bulk_{verb}_{plural}_{jobs}"
    return f"get_bulk_{'import' if kind == 'profile_import' else kind}_profiles_{jobs}"


def _submission(kind: str) -> str:
    special = {"profile_import": "bulk_import_profiles", "event_create": "bulk_create_events"}
    if kind in special:
        return special[kind]
    if kind == "coupon_code_create":
        return "bulk_create_coupon_codes"
    if kind.startswith("catalog_"):
        _, resource_kind, verb = kind.split("_")
        return f"bulk_{verb}_catalog_{PLURAL[resource_kind]}"
    return f"bulk_{kind}_profiles"


class BulkJobs(BulkJobMethods):
    """Jobs that carry many changes out at once; imports, suppressions, catalogs and coupon codes have them."""

    @serves(*(_operation(kind, many=True) for kind in KINDS))
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

    @serves(*(_operation(kind, many=False) for kind in KINDS))
    def get(self, job: Id, /, *, kind: JobKind | None = None) -> pd.Series[Any]:
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
        return _with_kind(read_one(self._context, _operation(named, many=False), {"job_id": id}), named)

    @serves(*(_submission(kind) for kind in (*KINDS, "event_create")))
    def submit(
        self,
        kind: JobKind | Literal["event_create"],
        records: Sequence[Mapping[str, Any]],
        /,
        *,
        lists: Ids | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Submit one job with many records; Klaviyo processes it later.

        Parameters
        ----------
        kind : str
            As in `list`; or "event_create", which Klaviyo only acknowledges.
        records : list of dict
            Each with the keywords of the single write: those of `profiles.upsert`, `events.create`,
            `catalog_items.create`, `coupon_codes.create` ...; with `id` for updates and deletions.
        lists : str, list or frame
            Of a "profile_import": lists that the profiles join.
        confirm : bool
            True confirms "suppress", "unsuppress" and kinds that delete.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The job; `get` and `wait` take it. None for "event_create".

        Raises
        ------
        InvalidInputError
            Too many records for one job, or one that cannot be sent; nothing was sent.
        ConfirmationRequiredError
            It would delete or suppress, and `confirm` is not True; nothing was sent.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     scores = [{"email": "ann@shop.example", "properties": {"score": 4}}]
        ...     request = client.bulk_jobs.submit("profile_import", scores, dry_run=True)
        >>> request["path"].item()
        '/api/profile-bulk-import-jobs'
        """
        if kind != "event_create":
            _operation(kind, many=False)
        if lists is not None and kind != "profile_import":
            raise InvalidInputError("lists= belongs to the kind 'profile_import'.")
        joined = [] if lists is None else [one["id"] for one in identifiers("list", lists)]
        operation, body = planned(self._context, kind, records, joined)._request("records")
        if not dry_run:
            confirmed(confirm, *_asks(kind, len(records)))
        job = write(self._context, operation, {}, body, dry_run=dry_run)
        return job if job is None or dry_run else _with_kind(job, kind)

    def wait(self, job: Id, /, *, kind: JobKind | None = None, timeout: float = 600.0) -> pd.Series[Any]:
        """Wait until a job is complete or cancelled.

        Parameters
        ----------
        job : str
            Id, or a row that `submit`, `get` or `list` returned.
        kind : str
            Needed with an id; see `list`.
        timeout : float
            Seconds to wait at most.

        Returns
        -------
        pandas.Series
            The job at its end. `failed_count` says how many records failed, `import_errors` why.

        Raises
        ------
        RequestTimeoutError
            It did not finish in time; it is still running.
        """
        named, context = _kind_of(job, kind), self._context
        with Progress(named.replace("_", " "), shown=context.progress, unit="checks") as progress:
            return wait_for(
                lambda: self.get(job, kind=named),
                lambda row: row["status"] in ("complete", "cancelled"),
                what=f"The job {checked_id(job)}",
                timeout=timeout,
                sleep=context.sleep,
                clock=context.clock,
                waiting=lambda _row, _passed: progress.add(1),
            )


def _asks(kind: str, count: int) -> list[str]:
    """Return what must be confirmed; empty if nothing must be."""
    if kind.endswith("_delete"):
        return [f"This deletes {count:,} of the catalog; they cannot be restored."]
    asks = {"suppress": confirmations.to_suppress, "unsuppress": confirmations.to_unsuppress}
    return [asks[kind](counted(count, "profile"))] if kind in asks else []


def _with_kind(row: pd.Series[Any], kind: str) -> pd.Series[Any]:
    """Add the kind of job to its row."""
    return pd.Series({"id": row["id"], "kind": kind, **row.drop("id")}, dtype=object, name=row["id"])


def _kind_of(job: Id, kind: JobKind | None) -> JobKind:
    if kind is None and isinstance(job, pd.Series) and "kind" in job:
        kind = job["kind"]
    if kind is None:
        raise InvalidInputError(
            f"An id alone does not show the kind of a job. Pass kind=, one of {', '.join(KINDS)}."
        )
    return kind


def _alike(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the jobs of one kind with the columns that all kinds share."""
    for name, what in COLUMNS.items():
        if name not in frame:
            value = kind if name == "kind" else None
            frame[name] = pd.Series([value] * len(frame), dtype=DTYPES[what])
    return frame[[*COLUMNS]]
