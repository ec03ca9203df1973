"""Answers about customers in one line each: what they bought, when they return, which groups they are in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics.answers.source import Orders, Source, Span
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources import MetricAggregates
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.timeframe import Timeframe

ENGAGEMENT = ("Opened Email", "Clicked Email", "Clicked Text Message", "Opened Push")


class CustomerAnalyses:
    """Analyses of customers; `metric` is that of orders, the one that the account maps to revenue if omitted."""

    def __init__(self, source: Callable[[], Source]) -> None:
        self._source = source

    def _of_orders(
        self,
        name: str,
        count: Callable[[pd.DataFrame, Timeframe], pd.DataFrame],
        span: Span,
        metric: Metric | None,
        orders: Orders,
        *,
        raw: bool = False,
    ) -> pd.DataFrame:
        source = self._source()
        period = source.timeframe(span)
        chosen = source.orders(metric, period, orders, raw=raw)
        currencies = chosen["currency"].dropna().unique().tolist()
        currency = currencies[0] if len(currencies) == 1 else None
        return source.signed(
            count(chosen, period), name, period, currency=currency, orders=_described(orders)
        )

    def rfm(
        self,
        timeframe: Span = "last 24 months",
        *,
        metric: Metric | None = None,
        orders: Orders = None,
        bins: int = 5,
    ) -> pd.DataFrame:
        """Score customers by recency, frequency and money, as `analysis.rfm` does.

        Reads the orders of the time frame, 1000 a request.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            Which orders count; its end is the day on which recency is measured.
        metric : str, (name, integration) or metric row, optional
            Whose events are orders.
        orders : analysis.OrderConditions or mapping, optional
            Which of them count, such as `{"renewals": False}` or `{"currency": "EUR"}`.
        bins : int
            Number of classes per measure.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.rfm`. `frame.attrs` has analysis, source, read, rows, requests, period, timezone,
            currency and orders (the conditions in words).

        Raises
        ------
        FrameError
            The orders have several currencies; pass `orders={"currency": ...}`.
        NoMatchError, AmbiguousMatchError
            No metric has this name, or several do.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     scores = client.analyses.rfm("last 12 months")
        >>> scores.attrs["analysis"], scores.attrs["currency"]
        ('rfm', 'USD')
        """

        def count(chosen: pd.DataFrame, period: Timeframe) -> pd.DataFrame:
            return analysis.rfm(chosen, as_of=_until(period, self._source().now), bins=bins)

        return self._of_orders("rfm", count, timeframe, metric, orders)

    def klaviyo_rfm(
        self,
        timeframe: Span = "last 24 months",
        *,
        metric: Metric | None = None,
        orders: Orders = None,
        previous: Any = None,
        recency: tuple[float, float] = (180, 365),
    ) -> pd.DataFrame:
        """Put customers into Klaviyo's six RFM groups, with the group of an earlier date beside them.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        previous : date or str, optional
            A date to compare with: adds the columns of movement.
        recency : (float, float)
            Days that separate the three scores of recency.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.klaviyo_rfm`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     groups = client.analyses.klaviyo_rfm(previous="2026-03-31")
        >>> {"group", "previous_group"} <= set(groups.columns)
        True
        """

        def count(chosen: pd.DataFrame, period: Timeframe) -> pd.DataFrame:
            as_of = _until(period, self._source().now)
            return analysis.klaviyo_rfm(chosen, as_of=as_of, previous=previous, recency=recency)

        return self._of_orders("klaviyo_rfm", count, timeframe, metric, orders)

    def cohorts(
        self,
        timeframe: Span = "last 12 months",
        *,
        metric: Metric | None = None,
        orders: Orders = None,
        starts: Metric | None = None,
        period: Literal["day", "week", "month", "quarter", "year"] = "month",
        measure: Literal["customers", "orders", "revenue"] = "customers",
    ) -> pd.DataFrame:
        """Follow groups of customers from their first order, or from another event such as a consent.

        Customers whose first order came before the time frame count from their first order in it; pass a time frame
        that reaches back to the shop's beginning to avoid that.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        starts : str, (name, integration) or metric row, optional
            Event that puts a person into a cohort, such as "Subscribed to Email Marketing".
        period, measure
            As for `analysis.cohorts`. Periods are on the account's clock.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.cohorts`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     cohorts = client.analyses.cohorts("last 12 months")
        >>> bool((cohorts.query("age == 0")["share"] == 1).all())
        True
        """
        source = self._source()
        span = source.timeframe(timeframe)
        chosen = source.orders(metric, span, orders)
        as_of = _until(span, source.now)
        if starts is None:
            frame = analysis.cohorts(chosen, period=period, measure=measure, as_of=as_of)
        else:
            first = source.events(starts, span)[["id", "profile_id", "datetime"]]
            first["datetime"] = first["datetime"].dt.tz_convert(source.timezone)
            frame = analysis.cohorts(first, chosen, period=period, measure=measure, as_of=as_of)
        return source.signed(frame, "cohorts", span, orders=_described(orders), currency=_only(chosen))

    def repeat_purchase(
        self, timeframe: Span = "last 24 months", *, metric: Metric | None = None, orders: Orders = None
    ) -> pd.DataFrame:
        """Show how many customers order again after each order, and after how long.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.repeat_purchase`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.analyses.repeat_purchase().attrs["analysis"]
        'repeat_purchase'
        """

        def count(chosen: pd.DataFrame, period: Timeframe) -> pd.DataFrame:
            return analysis.repeat_purchase(chosen, as_of=_until(period, self._source().now))

        return self._of_orders("repeat_purchase", count, timeframe, metric, orders)

    def lifetime_value(
        self,
        timeframe: Span = "last 24 months",
        *,
        metric: Metric | None = None,
        orders: Orders = None,
        horizon: float = 365,
        predictions: bool = False,
    ) -> pd.DataFrame:
        """Estimate the orders and revenue that each customer will bring within a horizon.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        horizon : float
            Days ahead.
        predictions : bool
            True, to read all profiles as well and lay Klaviyo's own predictions beside.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.customer_lifetime_value`; `attrs` as for `rfm`, and `fit`. Needs the extra ``stats``.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=300, events=6000) as client:
        ...     values = client.analyses.lifetime_value(horizon=90)
        >>> values.attrs["analysis"]
        'lifetime_value'
        """
        source = self._source()
        period = source.timeframe(timeframe)
        chosen = source.orders(metric, period, orders)
        profiles = source.table("profiles") if predictions else None
        frame = analysis.customer_lifetime_value(
            chosen, horizon=horizon, as_of=_until(period, source.now), profiles=profiles
        )
        return source.signed(
            frame, "lifetime_value", period, orders=_described(orders), currency=_only(chosen)
        )

    def product_affinity(
        self,
        timeframe: Span = "last 12 months",
        *,
        metric: Metric | None = None,
        orders: Orders = None,
        least: int = 1,
    ) -> pd.DataFrame:
        """Show which products are bought by the same people or in the same order.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        least : int
            Pairs that fewer orders hold are left out.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.product_affinity`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.analyses.product_affinity().attrs["read"]
        ['events']
        """

        def count(chosen: pd.DataFrame, _: Timeframe) -> pd.DataFrame:
            return analysis.product_affinity(analysis.order_items(chosen), least=least)

        return self._of_orders("product_affinity", count, timeframe, metric, orders, raw=True)

    def new_and_returning(
        self,
        timeframe: Span = "last 12 months",
        *,
        metric: Metric | None = None,
        orders: Orders = None,
        since: Any = "2012-01-01",
    ) -> pd.DataFrame:
        """Split the orders of each month into those of new and of returning customers.

        Reads the whole history of orders, since a customer is new with the first order ever.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`; the time frame is the one that is counted.
        since : date or str
            Where the history begins. Klaviyo was founded in 2012.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.new_and_returning` by month; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     split = client.analyses.new_and_returning("last 3 months")
        >>> set(split["customer"]) <= {"new", "returning", "unknown"}
        True
        """
        source = self._source()
        span = source.timeframe(timeframe)
        whole = source.timeframe((since, span.end))
        chosen = source.orders(metric, whole, orders)
        frame = analysis.new_and_returning(
            chosen, by="month", start=span.start, end=span.end, history="complete", zone=source.timezone
        )
        return source.signed(frame, "new_and_returning", span, orders=_described(orders))

    def engagement_tiers(
        self, timeframe: Span = "last 180 days", *, days: Sequence[int] = (30, 60, 90, 180)
    ) -> pd.DataFrame:
        """Count profiles by how long ago they last opened or clicked, without machines.

        Reads the opens and clicks of the time frame, and the list of profiles. Klaviyo's segments count days in UTC;
        this counts periods of 24 hours before the end of the time frame.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            At least as long as the last of `days`, or the last tier would be too small.
        days : sequence of int
            Upper ends of the tiers.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.engagement_tiers`; `attrs` as for `rfm`.

        Raises
        ------
        InvalidInputError
            The time frame is shorter than the last tier.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     tiers = client.analyses.engagement_tiers()
        >>> int(tiers["profiles"].sum())
        100
        """
        source = self._source()
        period = source.timeframe(timeframe)
        if (period.end - period.start).days < max(days) - 1:
            raise InvalidInputError(
                f"timeframe={timeframe!r} is shorter than {max(days)} days, the last tier. "
                f"Pass timeframe='last {max(days)} days' or fewer `days`."
            )
        events = source.messages(ENGAGEMENT, period)
        profiles = source.table("profiles")[["id"]]
        frame = analysis.engagement_tiers(events, profiles, days=days, as_of=_until(period, source.now))
        return source.signed(frame, "engagement_tiers", period)

    def ordered_funnel(
        self,
        steps: Sequence[str] = ("Viewed Product", "Started Checkout", "Placed Order"),
        timeframe: Span = "last 90 days",
        *,
        within: float | None = None,
    ) -> pd.DataFrame:
        """Count the people who did the steps in order, and how long they took.

        Parameters
        ----------
        steps : sequence of str
            Names of metrics; all integrations of a name count.
        timeframe : Timeframe, str or (start, end)
            When the events happened.
        within : float, optional
            Days from the first step to the last.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.ordered_funnel`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.analyses.ordered_funnel(within=7)["step"].tolist()
        ['Viewed Product', 'Started Checkout', 'Placed Order']
        """
        source = self._source()
        period = source.timeframe(timeframe)
        events = source.events(_every(source, steps), period, properties=[])
        frame = analysis.ordered_funnel(events, list(steps), within=within)
        return source.signed(frame, "ordered_funnel", period)

    def by_segment(
        self,
        timeframe: Span = "last 30 days",
        *,
        segments: Sequence[str] | None = None,
        metric: Metric | None = None,
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Sum up orders and revenue by segment, with people in several segments counted once in the total.

        Klaviyo keeps no history of a segment, so the members are those of now.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        segments : sequence of str, optional
            Names or ids; all segments if omitted, which reads the members of each.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.by_segment`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.analyses.by_segment()["group"].iloc[-1]
        '(all, once)'
        """
        source = self._source()
        period = source.timeframe(timeframe)
        members = source.members("segments", segments)
        chosen = source.orders(metric, period, orders).assign(metric="orders")
        frame = analysis.by_segment(members, chosen, members_as_of=source.now)
        return source.signed(frame, "by_segment", period, orders=_described(orders), currency=_only(chosen))

    def overlap(
        self, names: Sequence[str] | None = None, *, kind: Literal["segments", "lists"] = "segments"
    ) -> pd.DataFrame:
        """Count the profiles that two lists or two segments share.

        Parameters
        ----------
        names : sequence of str, optional
            Names or ids; all of the kind if omitted, which reads the members of each.
        kind : {"segments", "lists"}

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.overlap`; `attrs` as for `rfm`, without a period.

        Raises
        ------
        NoMatchError
            A name or id is unknown.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     client.analyses.overlap(kind="lists").attrs["analysis"]
        'overlap'
        """
        if kind not in ("segments", "lists"):
            raise InvalidInputError(f"kind={kind!r} is not a kind of group. Allowed are 'segments', 'lists'.")
        source = self._source()
        return source.signed(analysis.overlap(source.members(kind, names)), "overlap", None)

    def year_over_year(
        self,
        timeframe: Span = "last 24 months",
        *,
        metric: Metric | None = None,
        value: Literal["count", "sum_value"] = "sum_value",
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Put each month beside the same month of the year before.

        Takes one call of metric aggregates per year; with `orders`, or from an archive, the events are read.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        value : {"count", "sum_value"}
            Number of events, or the sum of their values.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.year_over_year`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     months = client.analyses.year_over_year()
        >>> "sum_value_change" in months.columns
        True
        """
        source = self._source()
        span = source.timeframe(timeframe)
        currency = None
        if source.name == "archive" or orders is not None:
            chosen = source.orders(metric, span, orders)
            currency = _only(chosen)
            rows = _months(chosen, span, source, value)
        else:
            # the API refuses longer time frames in one call; the client's method splits them
            rows = MetricAggregates(source.context).query(
                source.order_metric(metric), measurements=[value], interval="month", timeframe=span
            )
            source.rows += len(rows)
            source.read.append("metric aggregates")
            currency = rows.attrs.get("currency")
        return source.signed(
            analysis.year_over_year(rows, value), "year_over_year", span, currency=currency,
            orders=_described(orders),
        )  # fmt: skip


def _described(orders: Orders) -> str:
    if orders is None:
        return "all orders"
    given = orders if isinstance(orders, analysis.OrderConditions) else analysis.OrderConditions(**orders)
    return given.describe()


def _until(period: Timeframe, now: Any) -> Any:
    """Return the end of the period, or now if the period is not over."""
    return min(period.end, now)


def _only(orders: pd.DataFrame) -> str | None:
    codes = orders["currency"].dropna().unique().tolist()
    return str(codes[0]) if len(codes) == 1 else None


def _every(source: Source, names: Sequence[str]) -> list[str]:
    """Return the ids of all metrics of these names, so that a name with two integrations is not ambiguous."""
    known = source.known_metrics()
    absent = [name for name in names if name not in set(known["name"])]
    if absent:
        raise InvalidInputError(
            f"steps has {absent[0]!r}, and no metric has this name. client.metrics.list() shows the names."
        )
    return [str(id) for id in known.loc[known["name"].isin(list(names)), "id"]]


def _months(orders: pd.DataFrame, span: Timeframe, source: Source, value: str) -> pd.DataFrame:
    """Count the orders of each month, months without any included."""
    zone = source.timezone
    wall = orders["datetime"].dt.tz_convert(zone).dt.tz_localize(None)
    first = pd.Timestamp(span.start).tz_convert(zone).tz_localize(None).to_period("M")
    last = (pd.Timestamp(_until(span, source.now)).tz_convert(zone).tz_localize(None)) - pd.Timedelta(1, "us")
    months = pd.period_range(first, last.to_period("M"), freq="M")
    if value == "sum_value" and orders["currency"].nunique() > 1:
        codes = ", ".join(sorted(orders["currency"].dropna().unique()))
        raise InvalidInputError(
            f"the orders have several currencies ({codes}), which are never added. "
            "Pass orders={'currency': 'USD'} or another one of them."
        )
    grouped = orders.assign(__month=wall.dt.to_period("M")).groupby("__month")["value"]
    counted = grouped.sum() if value == "sum_value" else grouped.size()
    numbers = counted.reindex(months, fill_value=0)
    starts = months.to_timestamp().tz_localize(zone)
    ends = (months + 1).to_timestamp().tz_localize(zone)
    complete = [end <= pd.Timestamp(source.now) for end in ends]
    return pd.DataFrame({"datetime": starts, value: numbers.to_numpy(), "complete": complete})
