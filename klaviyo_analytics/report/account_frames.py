"""The frames that a performance report is made of, each read once from the account or from its archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import InvalidInputError, KlaviyoError
from klaviyo_analytics.report.formats import Formatter

if TYPE_CHECKING:
    from klaviyo_analytics.timeframe import Timeframe

Privacy = Literal["aggregate", "hashed", "full"]
Comparison = Literal["previous_period", "last_year"]


@dataclass
class AccountFrames:
    """The frames of one account and period, each read once."""

    client: Any
    period: Timeframe
    compare: Comparison | None
    metric: Any
    privacy: Privacy
    write: Formatter
    has_reports: ClassVar[bool] = True
    """Whether Klaviyo's reports can be asked: rates of delivered messages, recipients, revenue per recipient."""
    most_events: ClassVar[int | None] = 250_000
    """Opens and clicks that are read for the engaged share at most; None for all."""

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline numbers."""
        return pd.DataFrame(
            self.client.account_summary(self.period, compare=self.compare, conversion_metric=self.metric)
        )

    @cached_property
    def campaigns(self) -> pd.DataFrame:
        """A row for each campaign."""
        return pd.DataFrame(self.client.campaigns.summary(self.period, conversion_metric=self.metric))

    @cached_property
    def messages(self) -> pd.DataFrame:
        """A row for each message of a flow."""
        return pd.DataFrame(
            self.client.flows.summary(self.period, conversion_metric=self.metric, by="message")
        )

    @cached_property
    def flows(self) -> pd.DataFrame:
        """A row for each flow."""
        return pd.DataFrame(self.client.flows.summary(self.period, conversion_metric=self.metric))

    @cached_property
    def flows_before(self) -> pd.DataFrame | None:
        """A row for each flow of the period compared with."""
        before = self.before
        return None if before is None else self.client.flows.summary(before, conversion_metric=self.metric)

    @property
    def before(self) -> Timeframe | None:
        """The period compared with."""
        if self.compare is None:
            return None
        last_year = self.compare == "last_year"
        return self.period.same_period_last_year() if last_year else self.period.previous()

    @cached_property
    def orders_metric(self) -> Any:
        """The metric of orders as a row, for methods that need one."""
        if self.metric is not None:
            return self.metric
        from klaviyo_analytics.resources.metrics import conversion_metric  # noqa: PLC0415

        return self.client.metrics.get(conversion_metric(self.client._context)[0])

    @cached_property
    def account(self) -> Mapping[str, Any]:
        """Attributes of the account: id, preferred_currency, contact_information.organization_name."""
        return dict(self.client.account)

    @property
    def now(self) -> datetime:
        """The account's present."""
        now: datetime = self.client.now()
        return now

    @property
    def organization(self) -> str | None:
        """The organization's name, where it is known."""
        name = self.account.get("contact_information.organization_name")
        return None if name is None or pd.isna(name) else str(name)

    @cached_property
    def currency(self) -> str | None:
        """The currency of the period's orders; None if there are several, which have no one sum."""
        try:
            sums = self.client.metric_aggregates.query(
                self.orders_metric,
                measurements=["sum_value"],
                interval="month",
                by=["$value_currency"],
                timeframe=self.period,
            )
            code = sums.attrs["currency"]
        except KlaviyoError:  # the chapters that need the orders say why they cannot be read
            code = self.account.get("preferred_currency")
        return None if code is None or pd.isna(code) else str(code)

    @property
    def scarce_calls(self) -> int:
        """Number of report queries that the frames read so far have taken, answers from the cache included."""
        calls = {"summary": 2 if self.compare is None else 4, "campaigns": 1, "flows": 1, "messages": 1}
        if self.compare is not None:
            calls["flows_before"] = 1
        return sum(number for name, number in calls.items() if name in vars(self))

    def counted(self, metric: str) -> pd.DataFrame:
        """Count the events of a metric by interval: datetime, count, complete."""
        frame: pd.DataFrame = self.client.metric_aggregates.query(
            metric, measurements=["count"], interval=self.interval, timeframe=self.period
        )
        return frame

    def by_provider(self, metric: str) -> pd.Series[int]:
        """Count the events of a metric in the period by mailbox provider; an empty name where it is not known."""
        rows = self.client.metric_aggregates.query(
            metric, measurements=["count"], interval="month", by=["Inbox Provider"], timeframe=self.period
        )
        column = next(c for c in rows.columns if c.lower().replace("_", " ") == "inbox provider")
        counts: pd.Series[int] = rows.groupby(rows[column].fillna("").astype(str))["count"].sum()
        return counts

    def number_of_reactions(self) -> int:
        """Count the opens and clicks of the 90 days before the end of the period, as Klaviyo counts them."""
        counts = self.client.metric_aggregates.query(
            ["Opened Email", "Clicked Email"],
            measurements=["count"],
            interval="month",
            timeframe=self.quarter,
        )
        return int(counts["count"].sum())

    @property
    def quarter(self) -> Timeframe:
        """The 90 days before the end of the period, or before now."""
        from klaviyo_analytics.timeframe import Timeframe  # noqa: PLC0415

        end = min(
            pd.Timestamp(self.period.end), pd.Timestamp(self.now).tz_convert(self.period.timezone).ceil("D")
        )
        return Timeframe(end - pd.DateOffset(days=90), end, timezone=self.period.timezone)

    @property
    def interval(self) -> Literal["day", "week", "month"]:
        """Interval of courses: days of up to 45 days, weeks of up to 200, months beyond."""
        days = self.period.days
        return "day" if days <= 45 else "week" if days <= 200 else "month"

    @property
    def subtitle(self) -> str:
        """The period in words."""
        zone = f" ({self.period.timezone})"
        against = f", compared with {str(self.before).removesuffix(zone)}" if self.before is not None else ""
        return f"{str(self.period).removesuffix(zone)}{against}{zone}"

    @cached_property
    def split(self) -> pd.DataFrame:
        """Revenue by interval and source."""
        orders = self.client.metric_aggregates.query(
            self.orders_metric,
            measurements=["count", "sum_value"],
            interval=self.interval,
            by=["$attributed_message", "$attributed_flow"],
            timeframe=self.period,
        )
        return pd.DataFrame(analysis.revenue_split(orders, by="datetime"))

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Orders of the twelve months before the end of the period."""
        start = self.period.end - pd.DateOffset(years=1)
        events = self.client.events.list(
            metric=self.orders_metric,
            start=pd.Timestamp(start),
            end=self.period.end,
            properties=["$value", "$value_currency", "$currency_code"],
        )
        return pd.DataFrame(events.rename(columns={"event_properties.$value": "$value"}))

    def value(self, source: str, measure: str, column: str = "value") -> float | None:
        """Return one cell of the summary; None where it is missing."""
        rows = self.summary
        if column not in rows:
            return None
        cell = rows.loc[rows["source"].eq(source) & rows["measure"].eq(measure), column]
        return None if cell.empty or pd.isna(cell.iloc[0]) else float(cell.iloc[0])


_ATTRIBUTED = ["id", "profile_id", "datetime", "value", "attributed_flow_id", "attributed_campaign_id"]


@dataclass
class ArchiveFrames(AccountFrames):
    """The frames of an archive: what events say, without what only Klaviyo's reports know."""

    has_reports: ClassVar[bool] = False
    most_events: ClassVar[int | None] = None

    @cached_property
    def account(self) -> Mapping[str, Any]:
        """Attributes of the account, where the archive has them; else what its orders say of the currency."""
        if self._has("accounts"):
            return dict(self.client.frame("accounts").iloc[0])
        orders = self.orders
        for name in ("event_properties.$value_currency", "event_properties.$currency_code"):
            if name in orders and (codes := orders[name].dropna().unique()).size == 1:
                return {"preferred_currency": codes[0]}
        return {}

    @property
    def now(self) -> datetime:
        """The present of the account."""
        now: datetime = self.client.analyses._source().now
        return now

    @cached_property
    def orders_metric(self) -> Any:
        """The id of the metric of orders."""
        metric = self.client.analyses._source().order_metric(self.metric)
        self.client.frame("events", metric=metric, limit=0)  # refuses a name that no metric or several have
        return metric

    @cached_property
    def currency(self) -> str | None:
        """The currency of the period's orders; None if there are several."""
        try:
            codes = self._now_orders["currency"].dropna()
        except InvalidInputError:  # several, as the chapters that need the orders say
            return None
        return self._own_currency if codes.empty else str(codes.iloc[0])

    @property
    def _own_currency(self) -> str | None:
        code = self.account.get("preferred_currency")
        return None if code is None or pd.isna(code) else str(code)

    def _orders_of(self, period: Timeframe) -> pd.DataFrame:
        """Orders of a period: datetime on the account's clock, value, currency, source, flow and campaign by id.

        Raises
        ------
        InvalidInputError
            The orders are in several currencies.
        """
        columns = [*_ATTRIBUTED, "event_properties"]
        events = self.client.frame("events", metric=self.orders_metric, timeframe=period, columns=columns)
        events["currency"] = analysis.normalise_orders(events)["currency"].fillna(self._own_currency or pd.NA)
        paid = events["value"].fillna(0) != 0
        if len(codes := sorted(events["currency"][paid].fillna("no named currency").unique())) > 1:
            raise InvalidInputError(
                f"Orders are in several currencies: {', '.join(codes)}, which are never added. "
                "archive.summary('account', currency=...) counts those in one of them."
            )
        events["datetime"] = events["datetime"].dt.tz_convert(period.timezone)
        flow, campaign = events["attributed_flow_id"].notna(), events["attributed_campaign_id"].notna()
        events["source"] = "other"
        events.loc[campaign, "source"] = "campaign"
        events.loc[flow, "source"] = "flow"
        return pd.DataFrame(events)

    @cached_property
    def _now_orders(self) -> pd.DataFrame:
        return self._orders_of(self.period)

    @cached_property
    def _before_orders(self) -> pd.DataFrame | None:
        return None if self.before is None else self._orders_of(self.before)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Revenue and orders by source, as `client.account_summary` has them."""
        values, before = _measured(self._now_orders), None
        if self._before_orders is not None:
            before = _measured(self._before_orders)
        kinds = {
            "revenue": "money",
            "revenue_share": "rate",
            "orders": "count",
            "average_order_value": "money",
        }
        rows = [
            (source, measure, kinds[measure], value, *([] if before is None else [before[source, measure]]))
            for (source, measure), value in values.items()
        ]
        names = ["source", "measure", "kind", "value", *([] if before is None else ["previous"])]
        frame = pd.DataFrame(rows, columns=names)
        if before is not None:
            previous = frame["previous"]
            frame["difference"] = frame["value"] - previous
            frame["change"] = frame["difference"] / previous.where(previous > 0)
        return frame

    @cached_property
    def split(self) -> pd.DataFrame:
        """Revenue by interval and source; every interval of the period has a row for each."""
        starts = self._starts()
        orders = self._now_orders
        place = starts.searchsorted(pd.DatetimeIndex(orders["datetime"]), side="right") - 1
        sums = orders["value"].groupby([place, orders["source"]]).sum()
        rows = [
            (start, source, float(sums.get((at, source), 0.0)), self._is_over(starts, at))
            for at, start in enumerate(starts)
            for source in ("campaign", "flow", "other")
        ]
        return pd.DataFrame(rows, columns=["datetime", "source", "revenue", "complete"])

    @cached_property
    def flows(self) -> pd.DataFrame:
        """Revenue and orders of each flow."""
        return self._by("flow", self._now_orders)

    @cached_property
    def flows_before(self) -> pd.DataFrame | None:
        """Revenue and orders of each flow in the period compared with."""
        return None if self._before_orders is None else self._by("flow", self._before_orders)

    @cached_property
    def campaigns(self) -> pd.DataFrame:
        """Revenue and orders of each campaign."""
        return self._by("campaign", self._now_orders)

    def _by(self, kind: Literal["flow", "campaign"], orders: pd.DataFrame) -> pd.DataFrame:
        rows = orders[orders["source"].eq(kind)]
        grouped = rows.groupby(f"attributed_{kind}_id")["value"].agg(
            conversions="size", conversion_value="sum"
        )
        frame = grouped.rename_axis(f"{kind}_id").reset_index()
        ids = frame[f"{kind}_id"].astype("string")
        frame[kind] = ids
        if self._has(f"{kind}s"):  # else their ids must do
            frame[kind] = (
                ids.map(self.client.frame(f"{kind}s").set_index("id")["name"]).fillna(ids).astype("string")
            )
        frame["average_order_value"] = frame["conversion_value"] / frame["conversions"]
        return frame.sort_values(
            ["conversion_value", f"{kind}_id"], ascending=[False, True], ignore_index=True
        )

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Orders of the twelve months before the end of the period."""
        events: pd.DataFrame = self.client.frame(
            "events",
            metric=self.orders_metric,
            start=pd.Timestamp(self.period.end - pd.DateOffset(years=1)),
            end=self.period.end,
            properties=["$value", "$value_currency", "$currency_code"],
        )
        return events.rename(columns={"event_properties.$value": "$value"})

    def counted(self, metric: str) -> pd.DataFrame:
        """Count the events of a metric by interval: datetime, count, complete."""
        starts = self._starts()
        times = self._events(metric)["datetime"].dt.tz_convert(self.period.timezone)
        place = pd.Series(starts.searchsorted(pd.DatetimeIndex(times), side="right") - 1)
        counts = place.value_counts()
        numbers = [int(counts.get(at, 0)) for at in range(len(starts))]
        over = [self._is_over(starts, at) for at in range(len(starts))]
        return pd.DataFrame({"datetime": starts, "count": numbers, "complete": over}).astype(
            {"count": "Int64"}
        )

    def by_provider(self, metric: str) -> pd.Series[int]:
        """Count the events of a metric in the period by mailbox provider; an empty name where it is not known."""
        events = self._events(metric, properties=["Inbox Provider"])
        counts: pd.Series[int] = (
            events["event_properties.Inbox Provider"].fillna("").astype(str).value_counts().astype("int64")
        )
        return counts

    def _events(self, metric: str, **options: Any) -> pd.DataFrame:
        ids = self.client.analyses._source().existing([metric])
        frame: pd.DataFrame = self.client.frame("events", metric=ids, timeframe=self.period, **options)
        return frame

    def _starts(self) -> pd.DatetimeIndex:
        """Return the starts of the intervals, the first cut by the start of the period."""
        rule = {"day": "D", "week": "W-MON", "month": "MS"}[self.interval]
        zone = self.period.timezone
        start, end = (pd.Timestamp(at).tz_convert(zone) for at in (self.period.start, self.period.end))
        inner = pd.date_range(start.normalize(), end, freq=rule, tz=zone, inclusive="left")
        return pd.DatetimeIndex([start, *inner[inner > start]])

    def _is_over(self, starts: pd.DatetimeIndex, at: int) -> bool:
        end = starts[at + 1] if at + 1 < len(starts) else pd.Timestamp(self.period.end)
        return bool(end <= pd.Timestamp(self.now))

    def _has(self, table: str) -> bool:
        status = self.client.status()
        return bool(status["table"].eq(table).any()) and len(self.client.files(table)) > 0


def _measured(orders: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return revenue, its share, orders and their average for each source."""
    values: dict[tuple[str, str], float] = {}
    total = float(orders["value"].sum())
    for source in ("all", "campaign", "flow", "other"):
        rows = orders if source == "all" else orders[orders["source"].eq(source)]
        revenue, valued = float(rows["value"].sum()), int(rows["value"].notna().sum())
        values[source, "revenue"] = revenue
        if source != "all":
            values[source, "revenue_share"] = revenue / total if total else float("nan")
        values[source, "orders"] = float(len(rows))
        values[source, "average_order_value"] = revenue / valued if valued else float("nan")
    return values
