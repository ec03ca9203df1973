"""Reports of what was sent: campaigns and flows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from klaviyo_analytics.filters import Filter
from klaviyo_analytics.resources._base import serves
from klaviyo_analytics.resources._reading import Span
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.resources.reports._base import ReportResource, accepts_group_by
from klaviyo_analytics.vocabulary import CampaignGroupBy, FlowGroupBy, Interval, ReportInterval, Statistic


class MessageReports(ReportResource):
    """Reports of messages, with the conversions that are credited to them."""

    @accepts_group_by
    @serves("query_campaign_values")
    def campaign_values(
        self,
        *,
        timeframe: Span = "last 30 days",
        statistics: Sequence[Statistic] | Statistic | None = None,
        by: Sequence[CampaignGroupBy] | None = None,
        filter: Filter | str | None = None,
        conversion_metric: Metric | None = None,
        names: bool = True,
    ) -> pd.DataFrame:
        """Report each campaign message's numbers over a time frame.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            Half-open, on the account's clock; in words ("last 90 days", "2026-Q2") or as two times. More than a
            year is asked for in parts and added up, which leaves only counts, money and rates made of these.
        statistics : list of str
            See `ka.vocabulary.Statistic`. If not given, the counts and money that every rate can be made of:
            `ka.analysis.rates(frame)`. They all come in one call, so ask for what you need at once.
        by : list of str
            See `ka.vocabulary.CampaignGroupBy`; campaign_id and campaign_message_id are always among them.
            Campaign, message and channel, if not given. tag_id and tag_name hold lists: use `explode`.
        filter : Filter or str
            On the attributes of `by` (equals, contains_any) and on tag_id and tag_name (contains_any,
            contains_all); each at most once, with at most 100 values.
        conversion_metric : str, (name, integration) or metric row
            Whose events are conversions. The metric that the account maps to revenue, if not given; without
            one, "Placed Order".
        names : bool
            With the columns campaign and message.

        Returns
        -------
        pandas.DataFrame
            campaign_id, campaign, campaign_message_id, message, send_channel (string); counts (Int64), money
            and rates (float64; rates are fractions); currency (string) where there is money; complete (boolean; False
            while the time frame is not over). Rows as the server gives them.

        Raises
        ------
        InvalidInputError
            A statistic, time frame or filter is not allowed. No request was sent.
        NotAdditiveError
            More than a year, and a statistic that cannot be added up.
        QuotaExhaustedError
            Too few of the day's calls remain. No request was sent. See `client.reports.budget()`.

        Notes
        -----
        ``POST /api/campaign-values-reports``, limited to 1/s and 2/m and 225/d; scopes:
        campaigns:read.

        Rates are Klaviyo's own for each row: `ka.analysis.rates` has the numerator and denominator of each. A row is
        one message, variation or channel, so all of what the row counts takes part; over more than a year they are
        rebuilt from the summed counts. Klaviyo writes zeros for opens of text messages, which nobody can see:
        `ka.analysis.rates` and `roll_up` make them missing.

        Reports name no currency, and Klaviyo converts no amounts in them (help.klaviyo.com, article 360051797112):
        they add up the values of the conversion metric's events as these are. So the currency is that of the events
        in the time frame, which one query of metric aggregates shows if the report has money. Where the events have
        several currencies, `currency` is missing and a ReadingWarning names them. ``frame.attrs["currency_source"]``
        says from where it is known: "the events"; "assumed to be the account's" where events name none; "the
        account's preferred_currency" where all amounts are zero or the key may not query aggregates; or "several,
        ...".
        In which currency text_message_spend is, is not documented.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     sent = client.reports.campaign_values(timeframe="last 90 days", statistics=["delivered"])
        >>> sent.columns.tolist()
        ['campaign_id', 'campaign', 'campaign_message_id', 'message', 'send_channel', 'delivered', 'complete']
        """
        return self._run(
            "campaign_values",
            timeframe=timeframe,
            statistics=statistics,
            by=by,
            filter=filter,
            conversion_metric=conversion_metric,
            names=names,
        )

    @accepts_group_by
    @serves("query_flow_values")
    def flow_values(
        self,
        *,
        timeframe: Span = "last 30 days",
        statistics: Sequence[Statistic] | Statistic | None = None,
        by: Sequence[FlowGroupBy] | None = None,
        filter: Filter | str | None = None,
        conversion_metric: Metric | None = None,
        names: bool = True,
    ) -> pd.DataFrame:
        """Report each flow message's numbers over a time frame.

        Parameters
        ----------
        timeframe, statistics, filter, conversion_metric
            As for `campaign_values`.
        by : list of str
            See `ka.vocabulary.FlowGroupBy`; flow_id and flow_message_id are always among them. Flow, message
            and channel, if not given.
        names : bool
            With the columns flow and message; the report itself tells them.

        Returns
        -------
        pandas.DataFrame
            flow_id, flow, flow_message_id, message, send_channel (string), and the rest, such as rates
            and their numerators and denominators, as `campaign_values`, whose notes say which rows count and in
            which currency money is known to be.

        Raises
        ------
        InvalidInputError, NotAdditiveError, QuotaExhaustedError
            As for `campaign_values`. No request was sent.

        Notes
        -----
        ``POST /api/flow-values-reports``, limited to 1/s and 2/m and 225/d; scopes: flows:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     sent = client.reports.flow_values(statistics=["recipients", "conversion_value"])
        >>> sent.dtypes["recipients"], sent.dtypes["conversion_value"]
        (Int64Dtype(), dtype('float64'))
        """
        return self._run(
            "flow_values",
            timeframe=timeframe,
            statistics=statistics,
            by=by,
            filter=filter,
            conversion_metric=conversion_metric,
            names=names,
        )

    @accepts_group_by
    @serves("query_flow_series")
    def flow_series(
        self,
        *,
        interval: Interval | ReportInterval = "day",
        timeframe: Span = "last 30 days",
        statistics: Sequence[Statistic] | Statistic | None = None,
        by: Sequence[FlowGroupBy] | None = None,
        filter: Filter | str | None = None,
        conversion_metric: Metric | None = None,
        names: bool = True,
    ) -> pd.DataFrame:
        """Report each flow message's numbers, interval by interval.

        Parameters
        ----------
        interval : {"hour", "day", "week", "month"}
            A call covers at most 7 days by hour, 60 days by day, 52 weeks by week or month; a longer time frame
            is requested in parts, which are cut between intervals and joined exactly. `plan` returns how many.
        timeframe, statistics, filter, conversion_metric
            As for `campaign_values`; here no length is refused, since nothing is added up.
        by, names
            As for `flow_values`.

        Returns
        -------
        pandas.DataFrame
            datetime (datetime64[us], on the account's clock; start of the interval), and the columns of
            `flow_values`. Every group has every interval: where a part's answer does not name a group, its counts
            and money are zero, and unique counts and rates are missing. `complete` is False where the interval
            is not over, or only partly inside the time frame. A rate has the numerator and denominator that
            `ka.analysis.rates` names, of what is known of the row's message and interval.

        Raises
        ------
        InvalidInputError, QuotaExhaustedError
            As for `campaign_values`. No request was sent.

        Notes
        -----
        ``POST /api/flow-series-reports``, limited to 1/s and 2/m and 225/d; scopes: flows:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     weekly = client.reports.flow_series(interval="week", timeframe="last 6 weeks")
        >>> weekly["datetime"].nunique(), weekly.attrs["interval"]
        (6, 'week')
        """
        return self._run(
            "flow_series",
            interval=interval,
            timeframe=timeframe,
            statistics=statistics,
            by=by,
            filter=filter,
            conversion_metric=conversion_metric,
            names=names,
        )
