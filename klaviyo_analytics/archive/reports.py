"""Reports of an archive: kept as Klaviyo returned them, or counted from the events of the copy."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from klaviyo_analytics import analysis
from klaviyo_analytics._html import AccountSummary
from klaviyo_analytics._messages import near
from klaviyo_analytics.analysis.orders import KEYS, conditions_of
from klaviyo_analytics.archive.sql import Span, frame_of, kept_metric
from klaviyo_analytics.archive.store import Store, mark
from klaviyo_analytics.archive.tables import KEPT_SCHEMA
from klaviyo_analytics.errors import ArgumentError, InvalidInputError
from klaviyo_analytics.filters import Filter
from klaviyo_analytics.resources import Context, MetricAggregates, Reports
from klaviyo_analytics.resources.accounts import (
    NUMBERS,
    OF_ORDERS,
    SENT,
    SOURCES,
    _compared,
    _measures,
    added_up,
    has_revenue,
)
from klaviyo_analytics.resources.metrics import USUAL as PLACED_ORDER
from klaviyo_analytics.resources.metrics import Metric, conversion_metric
from klaviyo_analytics.resources.reports.questions import KINDS, USUAL
from klaviyo_analytics.timeframe import Timeframe

if TYPE_CHECKING:
    from collections.abc import Sequence

AGGREGATES = "metric_aggregates"
# what each of Klaviyo's own metrics says about a message, as the reports count it
OUTCOMES: Mapping[str, str] = {
    "Received Email": "delivered",
    "Received Text Message": "delivered",
    "Received SMS": "delivered",
    "Received Push": "delivered",
    "Bounced Email": "bounced",
    "Failed to Deliver Text Message": "failed",
    "Failed to Deliver SMS": "failed",
    "Opened Email": "opens",
    "Opened Push": "opens",
    "Clicked Email": "clicks",
    "Clicked Text Message": "clicks",
    "Clicked SMS": "clicks",
    "Unsubscribed from Email Marketing": "unsubscribes",
    "Unsubscribed from Text Message Marketing": "unsubscribes",
    "Unsubscribed from SMS Marketing": "unsubscribes",
    "Marked Email as Spam": "spam_complaints",
}
# owner, table of owners, table of messages, a message's name
_SIDES: Mapping[str, tuple[str, str, str, str]] = {
    "campaigns": ("campaign", "campaigns", "campaign_messages", '"definition.label"'),
    "flows": ("flow", "flows", "flow_messages", '"definition.name"'),
}
# An event belongs to the last delivery of its message to its profile; a conversion to that of the event it is
# attributed to. All numbers of a campaign belong to its send time.
_COUNTED = """
WITH known AS (
    SELECT m.id AS message_id, m.{owner}_id AS owner_id, {label} AS label, {channel} AS channel, {sent} AS sent
    FROM {messages} m JOIN {owners} o ON o.id = m.{owner}_id
), outcomes AS (
    SELECT k.id AS metric_id, w.kind, CASE WHEN k.name LIKE '%Email%' THEN 'email'
        WHEN k.name LIKE '%Push%' THEN 'push-notification' ELSE 'sms' END AS heard_by
    FROM metrics k
    JOIN (SELECT unnest($names) AS name, unnest($kinds) AS kind) w ON w.name = k.name
), touches AS (
    SELECT e.id, e.profile_id, e.datetime, e.datetime AS moment, NULL::DOUBLE AS value, outcomes.kind,
        e.event_properties ->> '$."$message"' AS message, NULL::VARCHAR AS code,
        outcomes.heard_by
    FROM events e JOIN outcomes USING (metric_id)
), conversions AS (
    SELECT e.id, e.profile_id, e.datetime, coalesce(a.datetime, e.datetime) AS moment, e.value,
        'conversions' AS kind, e.attributed_{owner}_message_id AS message, coalesce({code}, $own) AS code,
        NULL::VARCHAR AS heard_by
    FROM events e LEFT JOIN touches a ON a.id = e.attributed_event_id
    WHERE e.metric_id = $metric AND e.attributed_{owner}_message_id IS NOT NULL
), named AS (
    SELECT message_id AS name, message_id FROM known
    UNION SELECT owner_id, max(message_id) FROM known WHERE $owners GROUP BY owner_id
), found AS (
    SELECT t.*, k.message_id, k.owner_id, k.label, k.channel, k.sent AS at_once
    FROM (SELECT * FROM touches UNION ALL SELECT * FROM conversions) t
    JOIN named n ON n.name = t.message JOIN known k ON k.message_id = n.message_id
), deliveries AS (
    SELECT message_id, profile_id, datetime AS delivered_at FROM found WHERE kind = 'delivered'
), dated AS (
    SELECT f.*, CASE WHEN at_once IS NOT NULL THEN at_once WHEN kind IN ('bounced', 'failed') THEN datetime
        ELSE coalesce(d.delivered_at, moment) END AS sent_at
    FROM found f ASOF LEFT JOIN deliveries d
    ON f.message_id = d.message_id AND f.profile_id = d.profile_id AND f.moment >= d.delivered_at
)
SELECT owner_id AS {owner}_id, message_id AS {owner}_message_id, any_value(label) AS message,
    coalesce(any_value(channel), any_value(heard_by)) AS send_channel,
    count(*) FILTER (kind IN ('delivered', 'bounced', 'failed')) AS recipients,
    count(*) FILTER (kind = 'delivered') AS delivered,
    count(*) FILTER (kind = 'bounced') AS bounced,
    count(*) FILTER (kind = 'opens') AS opens,
    count(DISTINCT profile_id) FILTER (kind = 'opens') AS opens_unique,
    count(*) FILTER (kind = 'clicks') AS clicks,
    count(DISTINCT profile_id) FILTER (kind = 'clicks') AS clicks_unique,
    count(DISTINCT profile_id) FILTER (kind = 'unsubscribes') AS unsubscribe_uniques,
    count(*) FILTER (kind = 'spam_complaints') AS spam_complaints,
    count(*) FILTER (kind = 'conversions') AS conversions,
    count(DISTINCT profile_id) FILTER (kind = 'conversions') AS conversion_uniques,
    round(coalesce(sum(value) FILTER (kind = 'conversions'), 0), 2) AS conversion_value,
    list(DISTINCT code) FILTER (kind = 'conversions' AND value <> 0) AS codes
FROM dated WHERE sent_at >= $start AND sent_at < $end
    AND (kind <> 'conversions' OR $currency IS NULL OR code = $currency)
GROUP BY owner_id, message_id ORDER BY owner_id, message_id
"""
_CODE = ", ".join(f"nullif(e.event_properties ->> '$.\"{key}\"', '')" for key in KEYS["currency"])


class Reported:
    """Reports and summaries of an archive; part of `Archive`."""

    _store: Store
    _context: Context | None

    def summary(
        self,
        of: Literal["campaigns", "flows", "account"],
        timeframe: Span = "last 30 days",
        *,
        by: str | None = None,
        conversion_metric: Metric | None = None,
        compare: Literal["previous_period", "last_year"] | None = None,
        currency: str | None = None,
        orders: analysis.OrderConditions | Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Count the summary of campaigns, flows or the account from the events of the copy, without a report.

        Needs the tables metrics and events, and campaigns and campaign_messages or flows and flow_messages.

        Parameters
        ----------
        of : {"campaigns", "flows", "account"}
            As `client.campaigns.summary`, `client.flows.summary` or `client.account_summary`.
        timeframe : Timeframe, str or (start, end)
            When the messages were sent, on the account's clock; revenue of the account is dated by the order.
        by : str, optional
            "campaign" or "message" for campaigns, "flow" or "message" for flows.
        conversion_metric : str, (name, integration) or metric row, optional
            As for the summaries of the client; "Placed Order" if the archive was opened without a client.
        compare : {"previous_period", "last_year"}, optional
            For the account: add previous, difference and change.
        currency : str, optional
            Count only orders in this currency; needed where orders are in several. For the account,
            conversion_uniques and conversion_rate still count the orders of all currencies, as reports do.
        orders : analysis.OrderConditions or mapping, optional
            For the account: which orders count, such as `{"renewals": False}`. What messages earned is then
            missing, as in `client.account_summary`. ``attrs["orders"]`` describes the conditions.

        Returns
        -------
        pandas.DataFrame
            The columns of the client's summary, without those that the copy's events do not tell: tags and
            message_position. `attrs` has source ("archive"), until (of the copy, in UTC), timeframe, timezone,
            currency (that of the orders; the account's where they name none) and only_reports, a list of what only
            Klaviyo's reports know.

        Raises
        ------
        InvalidInputError
            `of` or `by` is not allowed, a table is missing, the time frame begins before the copy does, or orders
            are in several currencies and `currency` is not given. Variations and costs of text messages are known
            to reports only.
        NoMatchError, AmbiguousMatchError
            No metric has this name, or several do.

        Notes
        -----
        Numbers belong to the time at which a message was sent, as in Klaviyo's reports: those of a campaign to its
        send time, those of a flow to the last delivery of the message to the profile before the event.

        Examples
        --------
        >>> import tempfile
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client, tempfile.TemporaryDirectory() as folder:
        ...     archive = client.archive(folder)
        ...     _ = archive.sync(["metrics", "events", "flow_messages"])
        ...     ours = archive.summary("flows", "last 90 days")["recipients"].sum()
        ...     bool(ours == client.flows.summary("last 90 days")["recipients"].sum())
        True
        """
        if of not in ("campaigns", "flows", "account"):
            raise InvalidInputError(
                f"of={of!r} has no summary. Allowed are 'campaigns', 'flows' and 'account'."
            )
        sides = list(_SIDES) if of == "account" else [of]
        for name in ["metrics", "events", *(table for side in sides for table in _SIDES[side][1:3])]:
            self._needed(name)
        period = self._period(timeframe)
        metric = self._conversion(conversion_metric)
        facts: dict[Any, Any] = {
            "source": "archive",
            "until": str(mark(self._table_of("events"), "reached")),
            "timeframe": str(period),
            "timezone": period.timezone,
            "only_reports": [
                "results by variation or audience", "costs of text messages", "messages that were deleted",
                "corrections that Klaviyo makes to its reports afterwards",
            ],
        }  # fmt: skip
        self._covered(period)
        if of == "account":
            if by is not None:
                raise InvalidInputError(
                    "by= applies to campaigns and flows only. Leave it out for the account."
                )
            conditions = None if orders is None else conditions_of(orders)
            facts["orders"] = "all orders" if conditions is None else conditions.describe()
            frame: pd.DataFrame = AccountSummary(self._account(period, metric, compare, currency, conditions))
        else:
            for name, value in (("compare", compare), ("orders", orders)):
                if value is not None:
                    raise InvalidInputError(f"{name}= applies to the account only. Leave it out for {of}.")
            frame = self._messages(of, period, metric, by, currency)
        codes = frame["currency"].dropna().unique()
        frame.attrs = {**facts, "currency": str(codes[0]) if len(codes) else currency or self._currency()}
        return frame

    def keep(self, report: str, /, *, refresh: bool = False, **question: Any) -> pd.DataFrame:
        """Return a report or aggregates from the copy; the first time, ask Klaviyo and keep the answer.

        The answers are in the table ``kept``: question, report, read_at, columns, rows and attrs (JSON text).

        Parameters
        ----------
        report : str
            Name of a report, such as "campaign_values" or "flow_series", or "metric_aggregates".
        refresh : bool
            Ask Klaviyo again.
        **question
            Arguments of `client.reports.…` or `client.metric_aggregates.query`. Words such as "last month" mean the
            dates that they stand for today, so that next month they are another question.

        Returns
        -------
        pandas.DataFrame
            The frame as Klaviyo's answer gave it; ``attrs["read_at"]`` says when (UTC). An answer that was read
            before its time frame was over is asked for again, unless the archive was opened without a client.

        Raises
        ------
        InvalidInputError
            No report has this name, or an argument is invalid.
        ConfigurationError
            The answer is not in the copy, and the archive was opened without a client.

        Examples
        --------
        >>> import tempfile
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client, tempfile.TemporaryDirectory() as folder:
        ...     archive = client.archive(folder)
        ...     first = archive.keep("flow_values", timeframe="last month")
        ...     archive.keep("flow_values", timeframe="last month").equals(first)
        True
        """
        names = [*KINDS, AGGREGATES]
        if report not in names:
            listed = near(str(report), dict.fromkeys(names))
            raise InvalidInputError(f"{report!r} is not a report. Reports are {listed}; pass one of them.")
        method: Any = MetricAggregates.query if report == AGGREGATES else getattr(Reports, report)
        try:
            bound = inspect.signature(method).bind(None, **question)
        except TypeError as error:
            raise ArgumentError(f"keep({report!r}): {error}. See the arguments of client.reports.") from error
        bound.apply_defaults()
        asked = dict(list(bound.arguments.items())[1:])
        asked["timeframe"] = period = self._period(asked["timeframe"])
        key = _written({"report": report, **{name: _plain(value) for name, value in asked.items()}})
        found = None if refresh else self._kept(key)
        if found is not None and (self._context is None or found[0] >= period.end.astimezone(UTC)):
            return found[1]
        context = self._online("keep")
        resource: Any = MetricAggregates(context) if report == AGGREGATES else Reports(context)
        frame = getattr(resource, "query" if report == AGGREGATES else report)(**asked)
        read_at = context.now().astimezone(UTC)
        row = [[value] for value in (key, report, read_at, *_packed(frame))]
        with self._store.writing():
            table = self._store.opened("kept", KEPT_SCHEMA, None, ["read_at"])
            self._store.merge(table, pa.table(row, KEPT_SCHEMA), ["question"], {})
        kept = self._kept(key)
        assert kept is not None
        return kept[1]

    def _kept(self, key: str) -> tuple[datetime, pd.DataFrame] | None:
        if self._store.current("kept") is None:
            return None
        rows = self._connected().execute(
            "SELECT epoch_us(read_at), columns, rows, attrs FROM kept WHERE question = ?", [key]
        )
        for read_at, columns, texts, attrs in rows.fetchall():
            when = pd.Timestamp(read_at, unit="us", tz="UTC")
            frame = _unpacked(columns, texts)
            frame.attrs = {**orjson.loads(attrs), "read_at": when.isoformat()}
            return when.to_pydatetime(), frame
        return None

    def _period(self, timeframe: Span) -> Timeframe:
        clock = self._clock()
        if isinstance(timeframe, Timeframe):
            return timeframe
        return Timeframe.parse(timeframe, timezone=clock.timezone, now=clock.now)

    def _conversion(self, metric: Metric | None) -> str:
        if metric is None and self._context is not None:
            return conversion_metric(self._context)[0]
        return kept_metric(self.frame("metrics"), metric if metric is not None else PLACED_ORDER)

    def _covered(self, period: Timeframe) -> None:
        """Refuse a time frame that begins before the copy's events do."""
        begun = mark(self._table_of("events"), "start")
        if begun is not None and period.start.astimezone(UTC) < begun:
            raise InvalidInputError(
                f"The time frame begins at {period.start:%Y-%m-%d}, and the copy's events at {begun:%Y-%m-%d %H:%M} "
                f"UTC. Run archive.sync(['events'], since='{period.start:%Y-%m-%d}') first."
            )

    def _table_of(self, name: str) -> Any:
        table = self._store.current(name)
        assert table is not None
        return table

    def _report(
        self, of: str, period: Timeframe, metric: str, currency: str | None = None
    ) -> tuple[pd.DataFrame, set[str]]:
        """Count what the report of campaigns or flows returns; also return the currencies of its money.

        With `currency` only conversions in it count. An order that names none is in the account's.
        """
        owner, owners, messages, label = _SIDES[of]
        of_campaigns = of == "campaigns"
        query = _COUNTED.format(
            owner=owner,
            owners=owners,
            messages=messages,
            label=f"coalesce(m.{label}, o.name)",
            channel=_words("o.channel" if of_campaigns else "m.channel"),
            sent="o.send_time" if of_campaigns else "NULL::TIMESTAMPTZ",
            code=_CODE,
        )
        given = {
            "names": list(OUTCOMES), "kinds": list(OUTCOMES.values()), "metric": metric, "owners": of_campaigns,
            "start": period.start.astimezone(UTC), "end": period.end.astimezone(UTC),
            "own": self._currency() or "", "currency": currency,
        }  # fmt: skip
        frame = frame_of(self._connected().sql(query, params=given).to_arrow_table())
        assert set(USUAL) <= set(frame.columns)
        codes = {str(code) for held in frame.pop("codes") if held is not None for code in held}
        only = currency or (min(codes) if len(codes) == 1 else None if codes else self._currency())
        frame["currency"] = pd.array([only or None] * len(frame), dtype="string")
        complete = period.is_complete(self._now())
        frame["complete"] = pd.array([complete] * len(frame), dtype="boolean")
        return frame, codes

    def _currency(self) -> str | None:
        if self._context is not None:
            return self._context.account.get("preferred_currency")
        if self._store.current("accounts") is None:
            return None
        return next(iter(self.frame("accounts")["preferred_currency"].dropna()), None)

    def _messages(
        self, of: str, period: Timeframe, metric: str, by: str | None, currency: str | None
    ) -> pd.DataFrame:
        owner, owners, messages, _ = _SIDES[of]
        if by not in (None, owner, "message"):
            raise InvalidInputError(
                f"by={by!r} cannot be counted from events. Allowed are {owner!r} and 'message'; "
                f"client.{of}.summary asks Klaviyo's report."
            )
        keys = [f"{owner}_id", *([f"{owner}_message_id", "message"] if by == "message" else [])]
        counted, codes = self._report(of, period, metric, currency)
        _refuse_several(codes)
        rows = added_up(counted, keys)
        names = "status, send_time" if of == "campaigns" else "status, trigger_type"
        records = self.sql(f"SELECT id AS {owner}_id, name AS {owner}, {names} FROM {owners}")  # noqa: S608
        rows = rows.merge(records, on=f"{owner}_id", how="left", validate="m:1")
        if of == "campaigns":
            rows["send_time"] = rows["send_time"].dt.tz_convert(period.timezone)
            key = keys[-2] if by == "message" else keys[0]
            name = "id" if by == "message" else "campaign_id"
            subjects = self.sql(
                f"SELECT {name} AS {key}, string_agg(DISTINCT \"definition.content.subject\", ', ') AS subject "  # noqa: S608
                f"FROM {messages} GROUP BY ALL"
            )
            rows = rows.merge(subjects, on=key, how="left", validate="m:1")
            about = ["channel", "send_time", "subject", "status"]
            order = ["send_time", *keys]
        else:
            about, order = ["channel", "status", "trigger_type"], [owner, *keys]
        columns = [owner, *keys[2:], *about, *NUMBERS, *keys[:2]]
        return rows.sort_values(order, kind="stable")[columns].reset_index(drop=True)

    def _account(
        self,
        period: Timeframe,
        metric: str,
        compare: str | None,
        currency: str | None,
        conditions: analysis.OrderConditions | None,
    ) -> pd.DataFrame:
        values, code = self._values(period, metric, currency, conditions)
        rows = [
            (source, measure, kind, values.get((source, measure), np.nan))
            for source in SOURCES
            for measure, kind in _measures(source).items()
        ]
        frame = pd.DataFrame(rows, columns=["source", "measure", "kind", "value"])
        frame = frame.astype({"source": "string", "measure": "string", "kind": "string", "value": "float64"})
        if compare is not None:
            if compare not in ("previous_period", "last_year"):
                raise InvalidInputError(
                    f"compare={compare!r} is not allowed. Allowed are 'previous_period' and 'last_year'."
                )
            before = period.previous() if compare == "previous_period" else period.same_period_last_year()
            self._covered(before)
            previous, then = self._values(before, metric, currency, conditions)
            _refuse_several({code or "", then or ""} if has_revenue(values) and has_revenue(previous) else ())
            frame = _compared(frame, previous)
            code = code if has_revenue(values) else then
        money = frame["kind"].eq("money")
        frame["currency"] = pd.Series([code] * len(frame), dtype="string").where(money)
        frame["complete"] = pd.array([period.is_complete(self._now())] * len(frame), dtype="boolean")
        return frame

    def _values(
        self,
        period: Timeframe,
        metric: str,
        currency: str | None,
        conditions: analysis.OrderConditions | None,
    ) -> tuple[dict[tuple[str, str], float], str | None]:
        events = self.frame(
            "events",
            metric=metric,
            timeframe=period,
            columns=[
                "id", "datetime", "metric", "metric_id", "profile_id", "event_properties",
                "attributed_campaign_id", "attributed_flow_id",
            ],
        )  # fmt: skip
        orders = analysis.normalise_orders(events)
        if conditions is not None:
            meet = orders["id"].isin(analysis.select_orders(orders, conditions)["id"]).to_numpy(dtype=bool)
            orders, events = orders[meet], events[meet]
        codes = orders["currency"].fillna(self._currency() or "").astype("string")
        if currency is not None:
            mine = (codes == currency).to_numpy(dtype=bool)
            orders, events = orders[mine], events[mine]
        paid = (orders["value"].fillna(0) != 0).to_numpy()
        found = set(map(str, codes[(codes == currency) if currency is not None else paid]))
        _refuse_several(found)
        code = currency or (min(found) if found else self._currency()) or None
        by_campaign = events["attributed_campaign_id"].notna().to_numpy()
        by_flow = events["attributed_flow_id"].notna().to_numpy() & ~by_campaign
        parts: dict[str, Any] = {
            "all": slice(None),
            "campaign": by_campaign,
            "flow": by_flow,
            "other": ~(by_campaign | by_flow),
        }
        values: dict[tuple[str, str], float] = {}
        amounts = orders["value"].to_numpy(dtype="float64", na_value=np.nan)
        for source, rows in parts.items():
            some = amounts[rows]
            valued = int((~np.isnan(some)).sum())
            values[source, "revenue"] = revenue = float(np.nansum(some))
            values[source, "orders"] = float(len(some))
            values[source, "average_order_value"] = revenue / valued if valued else np.nan
            total = values["all", "revenue"]
            values[source, "revenue_share"] = revenue / total if total else np.nan
        counted = {owner: self._report(side, period, metric) for side, (owner, *_) in _SIDES.items()}
        everything = pd.concat([report for report, _ in counted.values()], ignore_index=True)
        counted["all"] = everything, set[str]().union(*(held for _, held in counted.values()))
        for source, (report, held) in counted.items():
            totals = analysis.roll_up(report.drop(columns="currency")).iloc[0]
            for measure, kind in SENT.items():
                nothing = 0.0 if kind == "count" and report.empty else np.nan
                values[source, measure] = nothing if pd.isna(totals[measure]) else float(totals[measure])
            if held - {code or ""}:  # credited orders in another currency
                values[source, "revenue_per_recipient"] = np.nan
            if conditions is not None:  # the counts of messages are those of all orders
                values |= {(source, measure): np.nan for measure in OF_ORDERS}
        return values, code

    if TYPE_CHECKING:

        def _needed(self, name: str) -> None: ...
        def _clock(self) -> Any: ...
        def _now(self) -> datetime: ...
        def _online(self, method: str) -> Context: ...
        def _connected(self) -> duckdb.DuckDBPyConnection: ...
        def sql(self, query: str, parameters: Sequence[Any] | None = None) -> pd.DataFrame: ...

        frame: Any


def _refuse_several(codes: Iterable[str]) -> None:
    if len(named := sorted({code or "no named currency" for code in codes})) > 1:
        raise InvalidInputError(
            f"Orders are in several currencies: {', '.join(named)}, which are never added. "
            "Pass currency= with one of them."
        )


def _words(channel: str) -> str:
    """Write a channel as reports do."""
    return f"CASE {channel} WHEN 'mobile_push' THEN 'push-notification' ELSE {channel} END"


def _plain(value: Any) -> Any:
    """Write an argument so that equal questions have equal text."""
    if isinstance(value, Timeframe):
        return [value.start.isoformat(), value.end.isoformat(), value.timezone]
    if isinstance(value, (pd.Series, Mapping)):
        return {"id": str(value.get("id"))}
    if isinstance(value, Filter):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _written(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()


def _packed(frame: pd.DataFrame) -> tuple[str, str, str]:
    """Write a frame as JSON text: its columns with their dtypes, its rows, its attrs."""
    kinds = [[str(name), str(kind)] for name, kind in frame.dtypes.items()]
    lists = {}
    for name, kind in frame.dtypes.items():
        values = frame[name]
        if isinstance(kind, pd.DatetimeTZDtype):
            lists[str(name)] = [None if pd.isna(each) else each.isoformat() for each in values]
        elif values.dtype == object:
            lists[str(name)] = values.tolist()
        else:
            lists[str(name)] = values.astype(object).where(values.notna(), None).tolist()
    rows = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    return _written(kinds), _written(rows), _written(frame.attrs)


def _unpacked(columns: str, rows: str) -> pd.DataFrame:
    """Read a frame back, with the dtypes that it had."""
    records = orjson.loads(rows)
    data: dict[str, Any] = {}
    for name, kind in orjson.loads(columns):
        values = [record[name] for record in records]
        if kind.startswith("datetime64["):
            unit, _, zone = kind.removeprefix("datetime64[").removesuffix("]").partition(", ")
            data[name] = pd.DatetimeIndex(pd.to_datetime(values, utc=True)).tz_convert(zone).as_unit(unit)
        elif kind == "object":
            data[name] = pd.Series(values, dtype=object)
        else:
            data[name] = pd.array(values, dtype=kind) if kind != "float64" else np.array(values, dtype=float)
    return pd.DataFrame(data, index=pd.RangeIndex(len(records)))
