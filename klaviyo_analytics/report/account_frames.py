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
from klaviyo_analytics.resources.accounts import OF_ORDERS, SHOP

if TYPE_CHECKING:
    from klaviyo_analytics.analysis.orders import OrderConditions
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
    conditions: OrderConditions | None = None
    """Which orders count; None for all."""
    from_copy: ClassVar[bool] = False
    """Whether the frames come from an archive."""
    most_events: ClassVar[int | None] = 250_000
    """Opens and clicks that are read for the engaged share at most; None for all."""

    def check(self) -> None:
        """Refuse a metric of orders that is missing or ambiguous."""
        if self.metric is not None:
            self.client.metrics.resolve(self.metric)

    @property
    def has_reports(self) -> bool:
        """Whether recipients and rates of messages are known."""
        return True

    @property
    def missing_tables(self) -> list[str]:
        """The tables that a copy would need for recipients and rates, and lacks."""
        return []

    @property
    def begun(self) -> pd.Timestamp | None:
        """The time at which a copy's events begin; None if all are there."""
        return None

    @property
    def has_conversions(self) -> bool:
        """Whether converted profiles, placed-order rates and revenue per recipient are known.

        They count all orders, so they are not those of orders that meet conditions.
        """
        return self.has_reports and self.conditions is None

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline numbers."""
        frame = self._summary(None if self.conditions is None else self._code)
        return frame if self.conditions is None else self._of_chosen_orders(frame)

    def _summary(self, currency: str | None) -> pd.DataFrame:
        """Headline numbers of all orders, in one currency if one is given."""
        return pd.DataFrame(
            self.client.account_summary(
                self.period, compare=self.compare, conversion_metric=self.metric, currency=currency
            )
        )

    def _of_chosen_orders(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Return a summary whose revenue and orders are those of the orders that meet the conditions."""
        frame = summary.copy()
        periods = {"value": self.chosen_orders, "previous": self.chosen_orders_before}
        for column, orders in periods.items():
            if orders is None:
                continue
            measured = _measured(orders)
            for place, key in enumerate(zip(frame["source"], frame["measure"], strict=True)):
                if key in measured:
                    frame.loc[frame.index[place], column] = measured[key]
            frame.loc[frame["measure"].isin(OF_ORDERS), column] = float("nan")
        if "previous" in frame:
            frame["difference"] = frame["value"] - frame["previous"]
            frame["change"] = frame["difference"] / frame["previous"].where(frame["previous"] != 0)
        frame["currency"] = pd.Series([self.currency] * len(frame), dtype="string").where(
            frame["kind"].eq("money")
        )
        return frame

    def _orders_of(self, period: Timeframe) -> pd.DataFrame:
        """Orders of a period that count, on the account's clock, with what Klaviyo credited as `source`."""
        orders: pd.DataFrame = self.client.analyses._source().orders(
            self.orders_metric, period, self.conditions, attributions=True
        )
        flow, campaign = orders["attributed_flow_id"].notna(), orders["attributed_campaign_id"].notna()
        campaign |= orders["attributed_message"].notna()
        orders["source"] = "other"
        orders.loc[campaign, "source"] = "campaign"
        orders.loc[flow, "source"] = "flow"
        return orders

    @cached_property
    def chosen_orders(self) -> pd.DataFrame:
        """Orders of the period that count, one by one."""
        return self._orders_of(self.period)

    @cached_property
    def chosen_orders_before(self) -> pd.DataFrame | None:
        """Orders of the period compared with that count."""
        return None if self.before is None else self._orders_of(self.before)

    @cached_property
    def _code(self) -> str | None:
        """The currency of the orders that meet the conditions, where they have one."""
        parts = [self.chosen_orders, self.chosen_orders_before]
        codes = sorted({code for part in parts if part is not None for code in part["currency"].dropna()})
        if len(codes) > 1:
            raise InvalidInputError(
                f"orders= leaves amounts in {len(codes)} currencies: {', '.join(codes)}, which are never added. "
                f"Pass orders={{'currency': {codes[0]!r}}} for the orders in one of them."
            )
        named = self.conditions.currency if self.conditions is not None else None
        return codes[0] if codes else named

    def credited(self, kind: Literal["flow", "campaign"], *, before: bool = False) -> pd.DataFrame | None:
        """Count the orders that each flow or campaign was credited with, dated by the order.

        Columns: the flow or campaign (its name), its id, conversions, conversion_value, average_order_value.
        """
        orders = self.chosen_orders_before if before else self.chosen_orders
        if orders is None:
            return None
        rows = orders[orders["source"].eq(kind)]
        ids = rows[f"attributed_{kind}_id"].fillna(rows["attributed_message"]).rename(f"{kind}_id")
        grouped = rows.groupby(ids)["value"].agg(conversions="size", conversion_value="sum", valued="count")
        frame = grouped.reset_index()
        frame[f"{kind}_id"] = frame[f"{kind}_id"].astype("string")
        names = self._names_of(kind)
        frame[kind] = pd.array([names.get(id, id) for id in frame[f"{kind}_id"]], dtype="string")
        frame["average_order_value"] = frame["conversion_value"] / frame["valued"].where(frame["valued"] > 0)
        return frame.drop(columns="valued").sort_values(
            ["conversion_value", f"{kind}_id"], ascending=[False, True], ignore_index=True
        )

    def _names_of(self, kind: str) -> Mapping[str, str]:
        """Return the names of all flows or campaigns by id."""
        known = getattr(self.client, f"{kind}s").list()
        return dict(zip(known["id"], known["name"], strict=True))

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
    def revenue_of_flows(self) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
        """Revenue by flow of both periods: of Klaviyo's reports, or of the orders themselves where need be."""
        if self.has_conversions:
            return self.flows, self.flows_before
        return self.credited("flow"), self.credited("flow", before=True)

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
        """The currency of the orders that count; None if there are several, which have no one sum."""
        if self.conditions is not None and self._code is not None:
            return self._code
        return self._currency_of_orders()

    def _currency_of_orders(self) -> str | None:
        """Return the currency of all orders of the period, as Klaviyo counts them."""
        try:
            sums = self.client.metric_aggregates.query(
                self.orders_metric,
                measurements=["sum_value"],
                interval="month",
                by=["$value_currency"],
                timeframe=self.period,
            )
        except KlaviyoError:  # the chapters that need the orders say why they cannot be read
            return self._own_currency
        code = sums.attrs["currency"]
        return None if code is None or pd.isna(code) else str(code)

    @property
    def _own_currency(self) -> str | None:
        """The account's currency."""
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
        if self.conditions is not None:
            return self._split_of_orders()
        orders = self.client.metric_aggregates.query(
            self.orders_metric,
            measurements=["count", "sum_value"],
            interval=self.interval,
            by=["$attributed_message", "$attributed_flow"],
            timeframe=self.period,
        )
        return pd.DataFrame(analysis.revenue_split(orders, by="datetime"))

    def _split_of_orders(self) -> pd.DataFrame:
        """Add up orders by interval and source; every interval of the period has a row for each."""
        starts = self._starts()
        orders = self.chosen_orders
        place = starts.searchsorted(pd.DatetimeIndex(orders["datetime"]), side="right") - 1
        sums = orders["value"].groupby([place, orders["source"]]).sum()
        rows = [
            (start, source, float(sums.get((at, source), 0.0)), self._is_over(starts, at))
            for at, start in enumerate(starts)
            for source in ("campaign", "flow", "other")
        ]
        return pd.DataFrame(rows, columns=["datetime", "source", "revenue", "complete"])

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

    @cached_property
    def year(self) -> Timeframe:
        """The twelve months before the end of the period."""
        from klaviyo_analytics.timeframe import Timeframe  # noqa: PLC0415

        start = pd.Timestamp(self.period.end - pd.DateOffset(years=1))
        return Timeframe(start, self.period.end, timezone=self.period.timezone)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Orders of the twelve months before the end of the period that count, on the account's clock."""
        orders: pd.DataFrame = self.client.analyses._source().orders(
            self.orders_metric, self.year, self.conditions
        )
        return orders

    def value(self, source: str, measure: str, column: str = "value") -> float | None:
        """Return one cell of the summary; None where it is missing."""
        rows = self.summary
        if column not in rows:
            return None
        cell = rows.loc[rows["source"].eq(source) & rows["measure"].eq(measure), column]
        return None if cell.empty or pd.isna(cell.iloc[0]) else float(cell.iloc[0])


TABLES_OF_REPORTS = (
    "campaigns",
    "campaign_messages",
    "flows",
    "flow_messages",
)  # tables that reports are counted with


@dataclass
class ArchiveFrames(AccountFrames):
    """The frames of an archive, counted from the events of the copy."""

    from_copy: ClassVar[bool] = True
    most_events: ClassVar[int | None] = None

    def check(self) -> None:
        """Refuse a metric that is missing or ambiguous, and periods that begin before the copy's events do."""
        self.client.frame("events", metric=self.orders_metric, limit=0)
        begun = self.begun
        for period in (self.period, self.before):
            if begun is not None and period is not None and pd.Timestamp(period.start) < begun:
                compared = period is not self.period
                raise InvalidInputError(
                    f"{'The period compared with' if compared else 'The period'} begins at {period.start:%Y-%m-%d}, "
                    f"and the copy's events at {begun:%Y-%m-%d %H:%M}. "
                    f"Run archive.sync(['events'], since='{period.start:%Y-%m-%d}') first"
                    f"{', or compare with no other period (compare=None)' if compared else ''}."
                )

    @cached_property
    def has_reports(self) -> bool:
        """Whether the copy has the tables that recipients and rates of messages are counted with."""
        return all(map(self._has, TABLES_OF_REPORTS))

    @property
    def missing_tables(self) -> list[str]:
        """The tables that recipients and rates would be counted with and that the copy lacks."""
        return [name for name in TABLES_OF_REPORTS if not self._has(name)]

    @cached_property
    def account(self) -> Mapping[str, Any]:
        """Attributes of the account, where the archive has them; else what its orders say of the currency."""
        if self._has("accounts") and self._tables["accounts"].rows > 0:
            return dict(self.client.frame("accounts").iloc[0])
        codes = self.orders["currency"].dropna().unique()
        return {"preferred_currency": codes[0]} if codes.size == 1 else {}

    @property
    def now(self) -> datetime:
        """The present of the account."""
        now: datetime = self.client.analyses._source().now
        return now

    @cached_property
    def orders_metric(self) -> Any:
        """The metric of orders: its id, or a name that one metric has."""
        return self.client.analyses._source().order_metric(self.metric)

    def _orders_of(self, period: Timeframe) -> pd.DataFrame:
        """Orders of a period that count, as of an account.

        Raises
        ------
        InvalidInputError
            The orders are in several currencies.
        """
        orders = super()._orders_of(period)
        codes = sorted(
            orders["currency"][orders["value"].fillna(0) != 0].fillna("no named currency").unique()
        )
        if self.conditions is None and len(codes) > 1:
            raise InvalidInputError(
                f"Orders are in several currencies: {', '.join(codes)}, which are never added. "
                f"Pass orders={{'currency': {codes[0]!r}}} for the orders in one of them."
            )
        return orders

    def _currency_of_orders(self) -> str | None:
        try:
            codes = self.chosen_orders["currency"].dropna()
        except InvalidInputError:  # several, as the chapters that need the orders say
            return None
        return self._own_currency if codes.empty else str(codes.iloc[0])

    def _summary(self, currency: str | None) -> pd.DataFrame:
        if self.has_reports:
            return pd.DataFrame(
                self.client.summary(
                    "account",
                    self.period,
                    compare=self.compare,
                    conversion_metric=self.orders_metric,
                    currency=currency,
                )
            )
        values, before = _measured(self.chosen_orders), None
        if self.chosen_orders_before is not None:
            before = _measured(self.chosen_orders_before)
        rows = [
            (source, measure, SHOP[measure], value, *([] if before is None else [before[source, measure]]))
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
        """Revenue by interval and source."""
        return self._split_of_orders()

    @cached_property
    def campaigns(self) -> pd.DataFrame:
        """A row for each campaign, as `client.campaigns.summary` has them."""
        return self._counted("campaigns", self.period)

    @cached_property
    def flows(self) -> pd.DataFrame:
        """A row for each flow."""
        return self._counted("flows", self.period)

    @cached_property
    def messages(self) -> pd.DataFrame:
        """A row for each message of a flow."""
        return self._counted("flows", self.period, by="message")

    @cached_property
    def flows_before(self) -> pd.DataFrame | None:
        """A row for each flow of the period compared with."""
        return None if self.before is None else self._counted("flows", self.before)

    def _counted(self, of: Literal["campaigns", "flows"], period: Timeframe, **by: str) -> pd.DataFrame:
        return pd.DataFrame(self.client.summary(of, period, conversion_metric=self.orders_metric, **by))

    def _names_of(self, kind: str) -> Mapping[str, str]:
        if not self._has(f"{kind}s"):  # their ids must do
            return {}
        known = self.client.frame(f"{kind}s")
        return dict(zip(known["id"], known["name"], strict=True))

    @property
    def begun(self) -> pd.Timestamp | None:
        """The time at which the copy's events begin, if not all were read."""
        begun = self._tables["events"].since if self._has("events") else None
        return (
            None if begun is None or pd.isna(begun) else pd.Timestamp(begun).tz_convert(self.period.timezone)
        )

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

    @cached_property
    def _tables(self) -> dict[str, Any]:
        """The row of each table in the archive's status."""
        return {row.table: row for row in self.client.status().itertuples()}

    def _has(self, table: str) -> bool:
        return table in self._tables


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
