"""Answers about customers in one line each: what they bought, when they return, what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics._messages import explained_methods
from klaviyo_analytics.answers.source import Orders, Source, Span, with_properties
from klaviyo_analytics.resources import Coupons
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.timeframe import Timeframe


@explained_methods
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
        by: str | Sequence[str] = (),
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
        by : str or sequence of str
            What splits the cohorts: "product" (the first one in sorting order of the first order), "discount" (its
            codes), "source" (of the shop) or "country" (of the profile); or a property of the starting events.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.cohorts`; `attrs` as for `rfm`.

        Raises
        ------
        InvalidInputError
            No event has the property.

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
        keys = [by] if isinstance(by, str) else list(by)
        chosen = source.orders(metric, span, orders, raw=True)
        begun = _starts(source, chosen, starts, span, keys)
        frame = analysis.cohorts(
            begun, chosen, period=period, measure=measure, by=keys, as_of=_until(span, source.now)
        )
        return source.signed(frame, "cohorts", span, orders=_described(orders), currency=_only(chosen))

    def retention_curves(
        self,
        timeframe: Span = "last 24 months",
        *,
        metric: Metric | None = None,
        orders: Orders = None,
        starts: Metric | None = None,
        by: str | Sequence[str] = (),
    ) -> pd.DataFrame:
        """Estimate how long people take to order again, or to order after another event, such as a consent.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        starts : str, (name, integration) or metric row, optional
            Event that starts the clock, such as "Subscribed to Email Marketing"; the first order of the time frame
            if omitted, and then the second order stops it.
        by : str or sequence of str
            As for `cohorts`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.retention_curves`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     curve = client.analyses.retention_curves()
        >>> bool(curve["survival"].is_monotonic_decreasing)
        True
        """
        source = self._source()
        span = source.timeframe(timeframe)
        keys = [by] if isinstance(by, str) else list(by)
        chosen = source.orders(metric, span, orders, raw=True)
        begun = _starts(source, chosen, starts, span, keys)
        ends = None if starts is None else chosen
        frame = analysis.retention_curves(begun, ends, by=keys, as_of=_until(span, source.now))
        return source.signed(frame, "retention_curves", span, orders=_described(orders))

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

    def replenishment(
        self,
        timeframe: Span = "last 24 months",
        *,
        metric: Metric | None = None,
        orders: Orders = None,
        own_gaps: int = 2,
    ) -> pd.DataFrame:
        """Estimate when each customer is due to buy a product again.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        own_gaps : int
            As for `analysis.replenishment`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.replenishment`; `attrs` as for `rfm`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     due = client.analyses.replenishment()
        >>> bool((due["interval_days"].dropna() >= 0).all())
        True
        """

        def count(chosen: pd.DataFrame, period: Timeframe) -> pd.DataFrame:
            as_of = _until(period, self._source().now)
            return analysis.replenishment(analysis.order_items(chosen), as_of=as_of, own_gaps=own_gaps)

        return self._of_orders("replenishment", count, timeframe, metric, orders, raw=True)

    def coupons(
        self,
        timeframe: Span = "last 12 months",
        *,
        coupons: Sequence[str] | None = None,
        metric: Metric | None = None,
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Count the codes of each coupon that were assigned and used, and the revenue of their orders.

        Reads the codes of the coupons, which an archive does not hold.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`: the orders in which codes were used.
        coupons : sequence of str, optional
            Ids of coupons, as `client.coupons.list()` shows them; all if omitted.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.coupons`, which defines the rate; `attrs` as for `rfm`. A code counts as assigned if
            its status is ASSIGNED_TO_PROFILE or USED.

        Raises
        ------
        NotFoundError
            No coupon has this id.
        ConfigurationError
            The source is an archive.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     used = client.analyses.coupons()
        >>> bool((used["used"].sum() <= used["orders"].sum()))
        True
        """
        source = self._source()
        resource = Coupons(source.online("coupons"))
        span = source.timeframe(timeframe)
        ids = list(resource.list()["id"]) if coupons is None else list(coupons)
        parts = [resource.codes(id).assign(coupon=id) for id in ids]
        codes = pd.concat([pd.DataFrame({"coupon": [], "unique_code": [], "status": []}), *parts])
        source.rows, source.read = len(codes), ["coupon codes"]
        given = codes["status"].isin(["ASSIGNED_TO_PROFILE", "USED"])
        held = pd.DataFrame(
            {
                "coupon": codes["coupon"].astype("string"),
                "code": codes["unique_code"].astype("string"),
                "profile_id": codes["status"].where(given).astype("string"),
            }
        )
        chosen = source.orders(metric, span, orders)
        frame = analysis.coupons(held.reset_index(drop=True), chosen)
        return source.signed(frame, "coupons", span, orders=_described(orders), currency=_only(chosen))

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


def _starts(
    source: Source, orders: pd.DataFrame, metric: Metric | None, span: Timeframe, by: Sequence[str]
) -> pd.DataFrame:
    """Return the events that put people into a cohort, with the columns that split the cohorts."""
    of_orders = {"discount": "discount_codes", "source": "source"} if metric is None else {}
    special = {*of_orders, "country"} | ({"product"} if metric is None else set())
    own = [name for name in by if name not in special]
    if metric is not None:
        frame = source.starts(metric, span, own)
    else:
        frame = orders.drop(columns=[name for name in by if name in orders.columns and name not in of_orders])
        frame = with_properties(frame, orders["event_properties"], own)
    frame = frame.assign(**{name: frame[column] for name, column in of_orders.items() if name in by})
    if "country" in by:
        frame["country"] = frame["profile_id"].map(source.located("location.country")).astype("string")
    if "product" in by and metric is None:
        lines = analysis.order_items(orders)
        first = lines.dropna(subset=["product"]).groupby("order_id")["product"].min()
        frame["product"] = frame["id"].map(first).astype("string")
    return frame


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
