"""The frames that a performance report is made of, each read once from the account."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics.report.formats import Formatter

if TYPE_CHECKING:
    from klaviyo_analytics.client import KlaviyoClient
    from klaviyo_analytics.timeframe import Timeframe

Privacy = Literal["aggregate", "hashed", "full"]
Comparison = Literal["previous_period", "last_year"]


@dataclass
class AccountFrames:
    """The frames of one account and period, each read once."""

    client: KlaviyoClient
    period: Timeframe
    compare: Comparison | None
    metric: Any
    privacy: Privacy
    write: Formatter

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline numbers."""
        return self.client.account_summary(self.period, compare=self.compare, conversion_metric=self.metric)

    @cached_property
    def campaigns(self) -> pd.DataFrame:
        """A row for each campaign."""
        return self.client.campaigns.summary(self.period, conversion_metric=self.metric)

    @cached_property
    def messages(self) -> pd.DataFrame:
        """A row for each message of a flow."""
        return self.client.flows.summary(self.period, conversion_metric=self.metric, by="message")

    @cached_property
    def flows(self) -> pd.DataFrame:
        """A row for each flow."""
        return self.client.flows.summary(self.period, conversion_metric=self.metric)

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

    @property
    def currency(self) -> str | None:
        """The account's currency."""
        code = self.client.account.get("preferred_currency")
        return str(code) if pd.notna(code) else None

    @property
    def interval(self) -> Literal["day", "week", "month"]:
        """Interval of courses: days of up to 45 days, weeks of up to 200, months beyond."""
        days = self.period.days
        return "day" if days <= 45 else "week" if days <= 200 else "month"

    @property
    def subtitle(self) -> str:
        """The period in words."""
        against = f", compared with {self.before}" if self.before is not None else ""
        return f"{self.period}{against}"

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
        return analysis.revenue_split(orders, by="datetime")

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
        return events.rename(columns={"event_properties.$value": "$value"})

    def value(self, source: str, measure: str, column: str = "value") -> float | None:
        """Return one cell of the summary; None where it is missing."""
        rows = self.summary
        if column not in rows:
            return None
        cell = rows.loc[rows["source"].eq(source) & rows["measure"].eq(measure), column]
        return None if cell.empty or pd.isna(cell.iloc[0]) else float(cell.iloc[0])
