"""The archive of one account: kept by `sync`, asked by SQL, frames and plain Parquet files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pandas as pd
import pyarrow as pa

from klaviyo_analytics import exports
from klaviyo_analytics._messages import explained_methods, near
from klaviyo_analytics.archive import sql, upkeep
from klaviyo_analytics.archive import sql as queries
from klaviyo_analytics.archive.reports import Reported
from klaviyo_analytics.archive.sql import Clock, Span, conditions
from klaviyo_analytics.archive.store import REACHED, TIMEZONE, Store, mark, named
from klaviyo_analytics.archive.sync import EVERYTHING, START, Sync, report
from klaviyo_analytics.archive.tables import SPECS, TABLES, made_by, spec_of, to_frame
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError, NoMatchError
from klaviyo_analytics.frames.schema import Properties
from klaviyo_analytics.resources import Context
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.timeframe.words import Moment
from klaviyo_analytics.writeback.account import fingerprint

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from klaviyo_analytics.answers import Analyses

ALL = tuple(SPECS)
# functions of `ka.analysis` join a relation with tables that they compute
RELATIONS = "SET SESSION python_enable_replacements = true"


@explained_methods
class Archive(Reported):
    """A copy of an account in Delta tables; made by `client.archive` or `open_archive`.

    `sync`, `verify` and `snapshot` need a client; everything else reads the copy only.

    Notes
    -----
    Tables have the columns of `list`, under the same names. Custom properties and other free-form values are JSON
    text, times are UTC. `events` also has ``value`` (``$value`` as a number), ``attribution_ids``,
    ``attributed_campaign_id``, ``attributed_campaign_message_id``, ``attributed_flow_id``,
    ``attributed_flow_message_id``, ``attributed_variation_id`` and the partition ``month`` ("2026-01", of
    `datetime`). Every other table has ``seen_at``: when the row as it stands was first read. ``_extra`` holds, as
    JSON, attributes that are not documented and values of another type than documented.
    """

    def __init__(self, store: Store, context: Context | None = None) -> None:
        self._store = store
        self._context = context
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._viewed: dict[str, DeltaTable] = {}
        for name in TABLES:
            store.current(name)  # refuses another account's folder

    def __reduce__(self) -> tuple[Any, ...]:
        return Archive, (self._store,)  # in another process it has no client, and opens its tables itself

    def __repr__(self) -> str:
        return f"Archive({self._store.where!r})"

    def sync(
        self,
        tables: Sequence[str] | str | None = None,
        *,
        since: Moment | None = None,
        overlap: float = 3,
        removals: bool = False,
    ) -> pd.DataFrame:
        """Bring the copy up to date.

        Events are read from the last one kept on, less the overlap; tables whose rows have an update time are read
        from the latest one on; the others are read whole. Whatever was committed before an interruption stays, and
        the next call goes on from there. A second process waits for the first to end.

        Parameters
        ----------
        tables : str or list of str, optional
            Tables to bring up to date; all if omitted. Messages bring their campaigns or flows along.
        since : date, datetime or str, optional
            How far back events are kept, on the account's clock; everything if omitted. An earlier value than
            before reads the missing past; a later one removes nothing.
        overlap : float
            Days before the last event that are read again, since events may arrive late.
        removals : bool
            Read tables with an update time whole, too, and remove rows that the account no longer has.

        Returns
        -------
        pandas.DataFrame
            One row for each table: table (string); new, changed, removed, read_again, requests (Int64); seconds
            (float64); reason (string: what was read and why).

        Raises
        ------
        InvalidInputError
            A table is unknown or an option is invalid. No request was sent.

        Examples
        --------
        >>> import tempfile
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client, tempfile.TemporaryDirectory() as folder:
        ...     archive = client.archive(folder)
        ...     report = archive.sync(["events"])
        >>> report["table"].tolist(), int(report["new"].iloc[1])
        (['metrics', 'events'], 500)
        """
        context = self._online("sync")
        names = ALL if tables is None else (tables,) if isinstance(tables, str) else tuple(tables)
        for name in names:
            spec_of(name)
        if isinstance(overlap, bool) or not isinstance(overlap, (int, float)) or not 0 <= overlap <= 3650:
            raise InvalidInputError(
                f"overlap={overlap!r} is not a number of days. Pass 0 or more, such as 3."
            )
        first = None if since is None else self._clock().moment(since)
        with self._store.writing():
            work = Sync(context, self._store, timedelta(days=float(overlap)), first, removals)
            outcomes = work.run(names)
            work.connection.close()
        return report(outcomes)

    def snapshot(self, kind: Literal["lists", "segments"], ids: Sequence[str] | None = None) -> pd.DataFrame:
        """Keep who is a member of lists or segments now, beside who was at earlier snapshots.

        The rows are appended to the table ``list_members`` or ``segment_members``: list_id or segment_id,
        profile_id, joined_group_at and seen_at (the same moment for the whole snapshot).

        Parameters
        ----------
        kind : {"lists", "segments"}
            What to keep the members of.
        ids : list of str, optional
            Only these; every list or segment of the account if omitted.

        Returns
        -------
        pandas.DataFrame
            One row for each list or segment: id (string), members (Int64), seen_at (datetime64[us, UTC]).

        Raises
        ------
        InvalidInputError
            `kind` is neither lists nor segments.
        """
        if kind not in ("lists", "segments"):
            raise InvalidInputError(f"kind={kind!r} has no members. Allowed are 'lists' and 'segments'.")
        context = self._online("snapshot")
        with self._store.writing():
            return sql.snapshot(context, self._store, kind, ids)

    def verify(self, *, repair: bool = False, dry_run: bool = False) -> pd.DataFrame:
        """Compare the number of events per month and metric with Klaviyo's own counts.

        It takes one call of metric aggregates for each metric in the copy and each year; `dry_run=True` lists the
        calls without making them. Months are those of UTC. Events without a metric are not compared, nor are those
        older than the five years that aggregates go back.

        Parameters
        ----------
        repair : bool
            Read the months that differ again, add what is missing and remove what the account no longer has.
        dry_run : bool
            Return what the comparison costs instead of making it.

        Returns
        -------
        pandas.DataFrame
            month, metric_id, metric (string), archived, klaviyo, difference (Int64; Klaviyo's count less the
            archive's), status (string): "equal"; "missing" (late events); "surplus" (events that Klaviyo no longer
            has, as after a profile was deleted); "unchecked" (the metric is gone); "repaired". With `dry_run`:
            metric_id (string), start, end (datetime64[us, UTC]), calls (Int64).

        Raises
        ------
        InvalidInputError
            The archive has no events.
        """
        context = self._online("verify")
        with self._store.writing():
            work = Sync(context, self._store, timedelta(0))
            frame = upkeep.checked(work, repair=repair, dry_run=dry_run)
            work.connection.close()
        return frame

    def forget(
        self, *, profile: str | pd.Series[Any] | Mapping[str, Any] | None = None, email: str | None = None
    ) -> pd.DataFrame:
        """Remove a person from every table, its history and its log.

        Rows of the person are deleted. Where rows of others contain the person's id, email address, phone number or
        external id, that text is replaced by ``[removed]``. Earlier versions of all tables are then deleted, so time
        travel to before ends. As long as Klaviyo still has the profile, a later sync reads it again: delete it
        there first.

        Parameters
        ----------
        profile : str or profile row, optional
            Id of the profile.
        email : str, optional
            Email address, in any case.

        Returns
        -------
        pandas.DataFrame
            One row for each table: table (string), rows (Int64, deleted), masked (Int64, values of other rows in
            which text was replaced).

        Raises
        ------
        InvalidInputError
            Neither or both were passed.
        NoMatchError
            No profile in the archive has this email address.
        """
        if (profile is None) == (email is None):
            raise InvalidInputError("forget() needs exactly one of profile= and email=.")
        if profile is not None:
            profile = profile.get("id") if isinstance(profile, (pd.Series, Mapping)) else profile
            if not isinstance(profile, str) or not profile.strip():
                raise InvalidInputError("profile= is not an id. Pass the id as text, or a row with an id.")
            ids = [profile]
        else:
            if not isinstance(email, str) or "@" not in email:
                raise InvalidInputError("email= is not an email address. Pass profile= with an id instead.")
            ids = upkeep.people(queries.connected(), self._store, email)
            if not ids:
                raise NoMatchError(
                    f"No profile in the archive has email={email!r}. Pass profile= with its id."
                )
        with self._store.writing():
            frame = upkeep.forget(self._store, ids, email)
        self._viewed.clear()
        return frame

    def sql(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Query the copy by SQL, in DuckDB's dialect.

        Parameters
        ----------
        query : str
            A statement; views have the tables' names. JSON text is read by DuckDB's JSON functions:
            ``event_properties ->> '$.OrderId'``.
        parameters : list or dict, optional
            Values for ``?`` or ``$name`` in the query.

        Returns
        -------
        pandas.DataFrame
            Text as string, integers as Int64, decimal numbers as float64, booleans as boolean, times as
            datetime64[us, UTC].

        Raises
        ------
        InvalidInputError
            DuckDB refuses the statement, or it returns no rows.

        Examples
        --------
        >>> import tempfile
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client, tempfile.TemporaryDirectory() as folder:
        ...     archive = client.archive(folder)
        ...     _ = archive.sync(["events"])
        ...     archive.sql("select count(*) as events from events")["events"].tolist()
        [500]
        """
        connection = self._connected()
        try:
            answer = connection.sql(query, params=parameters or None)
            table = None if answer is None else answer.to_arrow_table()
        except duckdb.Error as error:
            raise InvalidInputError(f"The SQL statement was refused: {error}") from error
        if table is None:
            raise InvalidInputError(
                "The SQL statement returns no rows. Pass a query, such as select … from events."
            )
        return queries.frame_of(table)

    def table(self, name: str) -> duckdb.DuckDBPyRelation:
        """Open a table as a DuckDB relation, which every function of `ka.analysis` takes.

        Parameters
        ----------
        name : str
            Name of a table.

        Returns
        -------
        duckdb.DuckDBPyRelation
            Read when its result is asked for; valid until the next sync has removed old files.
        """
        self._needed(name)
        cursor = self._connected()
        cursor.execute(RELATIONS)
        return cursor.table(name)

    def frame(
        self,
        name: str,
        *,
        metric: Metric | Sequence[Metric] | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        timeframe: Span | None = None,
        profile: str | pd.Series[Any] | Mapping[str, Any] | None = None,
        sort: str | None = None,
        columns: Sequence[str] | None = None,
        properties: Properties = "json",
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Read a table as the frame that `list` of the same question returns.

        Parameters
        ----------
        name : str
            Name of a table.
        metric : str, (name, integration), metric row, or a list of these
            Only events of these metrics.
        start, end : date, datetime or str
            Half-open, for events; what has no zone of its own is read in the account's time zone.
        timeframe : Timeframe, str or (start, end)
            Instead of start and end: "last 30 days".
        profile : str or profile row
            Only events of this profile.
        sort : str
            A column, descending with a "-" before it; "datetime" for events and "id" otherwise if omitted. Rows
            that tie come in order of id.
        columns : list of str
            Only these columns, in this order; any column of the table, also those that `list` does not have.
        properties : "json", "text", "columns", list of str, or dict of dtypes
            As for `list`; "text" leaves custom properties as JSON text in Arrow-backed strings.
        limit : int
            At most so many rows.

        Returns
        -------
        pandas.DataFrame
            Columns and dtypes of `list`.

        Raises
        ------
        InvalidInputError
            A table, column or time is unknown or invalid.
        NoMatchError, AmbiguousMatchError
            No metric has this name, or several do.
        """
        spec = spec_of(name)
        self._needed(name)
        given = {"metric": metric, "start": start, "end": end, "timeframe": timeframe, "profile": profile}
        if name != "events" and (unfit := [key for key, value in given.items() if value is not None]):
            raise InvalidInputError(
                f"{unfit[0]}= applies to events only, not to {name}. Use archive.sql instead."
            )
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise InvalidInputError(f"limit={limit!r} is not a non-negative integer. Omit it for all rows.")
        metrics = None if metric is None else self.frame("metrics")
        where = conditions(self._clock(), metrics, metric, start, end, timeframe, profile)
        connection = self._connected()
        view = connection.table(name)
        key = sort or ("datetime" if name == "events" else "id")
        self._known([key.removeprefix("-")], view.columns, "sort")
        order = f"{named(key.removeprefix('-'))} {'DESC' if key.startswith('-') else 'ASC'} NULLS LAST, id"
        cut = "" if limit is None else f" LIMIT {limit}"
        own = [
            column
            for column in view.columns
            if column in {name for name, _ in spec.possible} or column == "_extra"
        ]
        stored = [*own, *(column for column in columns or () if column in view.columns and column not in own)]
        listed = ", ".join(map(named, stored))
        query = f"SELECT {listed} FROM {named(name)} WHERE {where} ORDER BY {order}{cut}"  # noqa: S608
        rows = connection.sql(query).to_arrow_table()
        frame = to_frame(rows.select(own), spec, properties)
        if name == "events":
            names = pd.Series(self._metric_names(frame["metric_id"]), index=frame.index, name="metric")
            frame = pd.concat([frame.iloc[:, :2], names, frame.iloc[:, 2:]], axis=1)
        if columns is None:
            return frame
        more = queries.frame_of(rows.select([column for column in stored if column not in own]))
        whole = pd.concat([frame, more], axis=1)
        self._known(columns, [*whole.columns, *view.columns], "columns")
        return whole[list(columns)]

    @property
    def analyses(self) -> Analyses:
        """Analyses in one line each, read from this copy: `archive.analyses.rfm()`, `.attribution()`, ...

        Those that need Klaviyo's reports are refused; `client.analyses` has them.

        Returns
        -------
        Analyses
        """
        from klaviyo_analytics.answers import Analyses  # noqa: PLC0415
        from klaviyo_analytics.answers.source import Source  # noqa: PLC0415

        return Analyses(lambda: Source(self._context, self, timezone=self._timezone, now=self._now()))

    def files(self, name: str) -> list[str]:
        """List the current Parquet files of a table, for engines that read plain Parquet.

        Parameters
        ----------
        name : str
            Name of a table.

        Returns
        -------
        list of str
            Paths, or URLs in an object store. Events are partitioned by ``month``, which is derived from
            `datetime`; every other column is in the files.
        """
        spec_of(name, TABLES)
        table = self._store.current(name)
        return [] if table is None else self._store.files(table)

    def status(self) -> pd.DataFrame:
        """Show what the copy holds.

        Returns
        -------
        pandas.DataFrame
            One row for each table: table (string), rows (Int64), since, until (datetime64[us, UTC]; from when and
            until when it was read), version, files (Int64), megabytes (float64).
        """
        rows = []
        connection = self._connected()
        for name in self._viewed:
            table = self._store.current(name)
            if table is None:
                continue
            begun = mark(table, START)
            actions = pa.table(table.get_add_actions(flatten=True))
            counted = queries.value(connection, f"SELECT count(*) FROM {named(name)}")  # noqa: S608
            size = sum(actions["size_bytes"].to_pylist()) / 1e6
            since = None if begun is None or begun == EVERYTHING else begun
            rows.append((name, counted, since, mark(table, REACHED), table.version(), actions.num_rows, size))
        names = ["table", "rows", "since", "until", "version", "files", "megabytes"]
        frame = pd.DataFrame(rows, columns=names)
        kinds = {
            "table": "string",
            "rows": "Int64",
            "version": "Int64",
            "files": "Int64",
            "megabytes": "float64",
        }
        times = {
            name: pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
            for name in ("since", "until")
        }
        return frame.astype(kinds).assign(**times)

    def export(
        self,
        name: str,
        path: str | Path,
        *,
        columns: Sequence[str] | None = None,
        timezone: str = "UTC",
    ) -> int:
        """Write a table to a file in bounded memory, in the format of the file's extension.

        Parameters
        ----------
        name : str
            Name of a table.
        path : str or Path
            Ends in .parquet, .csv, .jsonl or .feather.
        columns : list of str, optional
            Only these columns; all if omitted.
        timezone : str, default "UTC"
            IANA name of the time zone that times are converted to.

        Returns
        -------
        int
            Number of rows written.
        """
        self._needed(name)
        connection = self._connected()
        view = connection.table(name)
        self._known(columns or [], view.columns, "columns")
        listed = ", ".join(map(named, columns or view.columns))
        answer = connection.sql(f"SELECT {listed} FROM {named(name)}")  # noqa: S608
        reader = answer.to_arrow_reader(exports.CHUNK)
        empty = queries.frame_of(reader.schema.empty_table())
        frames = (queries.frame_of(pa.Table.from_batches([batch])) for batch in reader)
        return exports.write(frames, path, empty=empty, timezone=timezone)

    def _metric_names(self, ids: pd.Series[Any]) -> pd.Series[Any]:
        """Return the names of metrics from the copy; missing where the copy has no such metric."""
        if self._store.current("metrics") is None:
            return pd.Series(pd.NA, index=ids.index, dtype="string")
        names = self.frame("metrics").set_index("id")["name"]
        return ids.map(names).astype("string")

    def _online(self, method: str) -> Context:
        if self._context is None:
            raise ConfigurationError(
                f"{method}() needs a client, and this archive was opened without one. Use client.archive(folder)."
            )
        return self._context

    def _connected(self) -> duckdb.DuckDBPyConnection:
        """Bring the views to the last versions of all tables; each call gets a cursor of its own."""
        if self._connection is None:
            self._connection = queries.connected()
        for name in TABLES:
            table = self._store.current(name)
            if table is not None and self._store.is_another(self._viewed.get(name), table):
                queries.create_view(self._connection, self._store, name, table)
                self._viewed[name] = table
        return self._connection.cursor()

    def _needed(self, name: str) -> None:
        spec_of(name, TABLES)
        if self._store.current(name) is None:
            raise InvalidInputError(
                f"The archive has no table {name!r} yet. Run archive.{made_by(name)} first."
            )

    @staticmethod
    def _known(given: Sequence[str], allowed: Sequence[str], what: str) -> None:
        for name in given:
            if name not in list(allowed):
                columns = near(str(name), dict.fromkeys(allowed))
                raise InvalidInputError(f"{what}={name!r} is not a column. Columns are {columns}.")

    def _clock(self) -> Clock:
        return Clock(self._timezone, self._now())

    @property
    def _timezone(self) -> str:
        if self._context is not None:
            return self._context.timezone
        tables = (table for name in SPECS if (table := self._store.current(name)) is not None)
        return next((str(table.metadata().configuration.get(TIMEZONE) or "UTC") for table in tables), "UTC")

    def _now(self) -> datetime:
        if self._context is not None:
            return self._context.now()
        return self._store.last_read() or datetime.now(UTC)


def archive_of(
    context: Context, folder: str | Path, storage_options: Mapping[str, str] | None = None
) -> Archive:
    """Open the archive of a client's account, which may not exist yet."""
    return Archive(
        Store(folder, storage_options, fingerprint(context), context.timezone, context.sleep), context
    )


def open_archive(folder: str | Path, *, storage_options: Mapping[str, str] | None = None) -> Archive:
    """Open an archive that a sync has made, without a key and without a connection.

    Parameters
    ----------
    folder : str or Path
        Folder or URL that `client.archive` was given.
    storage_options : mapping, optional
        Access to an object store, as the deltalake package takes it.

    Returns
    -------
    Archive

    Raises
    ------
    NoMatchError
        The archive does not exist.
    MissingExtraError
        The archive needs the extra ``archive``.

    Examples
    --------
    >>> import tempfile
    >>> import klaviyo_analytics as ka
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with ka.demo(profiles=100, events=500) as client:
    ...         _ = client.archive(folder).sync(["events"])
    ...     len(ka.open_archive(folder).frame("events"))
    500
    """
    store = Store(folder, storage_options, None, None)
    archive = Archive(store)
    if all(store.current(name) is None for name in TABLES):
        raise NoMatchError(f"{store.where} holds no archive. client.archive(folder).sync() makes one.")
    return archive
