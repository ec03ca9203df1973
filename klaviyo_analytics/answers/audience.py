"""Answers about an audience in one line each: who is active, in which groups, from where, and who is in a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics._messages import explained_methods
from klaviyo_analytics.analysis.orders import conditions_of
from klaviyo_analytics.answers.customers import _described, _only, _until
from klaviyo_analytics.answers.source import Orders, Source, Span, named, step_names
from klaviyo_analytics.errors import InvalidInputError, NoMatchError
from klaviyo_analytics.resources import Campaigns, MetricAggregates
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.timeframe import Timeframe

ENGAGEMENT = ("Opened Email", "Clicked Email", "Clicked Text Message", "Opened Push")


@explained_methods
class AudienceAnalyses:
    """Analyses of profiles and of the groups that they are in."""

    def __init__(self, source: Callable[[], Source]) -> None:
        self._source = source

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
        metric: Metric | None = None,
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Count the people who did the steps in order, and how long they took.

        Parameters
        ----------
        steps : sequence of str
            Names of metrics; all integrations of a name count. "Started Checkout" and Shopify's "Checkout Started"
            are one step, unless both are given, and so are a text metric's old and new names.
        timeframe : Timeframe, str or (start, end)
            When the events happened.
        within : float, optional
            Days from the first step to the last.
        metric, orders
            As for `rfm`: which events of the order metric count, if it is one of the steps.

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
        ids = _every(source, steps)
        events = source.events(ids, period, properties=[] if orders is None else "json")
        if orders is not None:
            events = _that_count(source, events, metric, orders)
        events = events.assign(metric=named(events["metric"], step_names(steps)))
        frame = analysis.ordered_funnel(events, list(steps), within=within)
        return source.signed(frame, "ordered_funnel", period, orders=_described(orders))

    def by_segment(
        self,
        timeframe: Span = "last 30 days",
        *,
        segments: str | Sequence[str] | None = None,
        metric: Metric | None = None,
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Sum up orders and revenue by segment, with people in several segments counted once in the total.

        Klaviyo keeps no history of a segment, so the members are those of now.

        Parameters
        ----------
        timeframe, metric, orders
            As for `rfm`.
        segments : str or sequence of str, optional
            Names or ids; all segments if omitted, which reads the members of each.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.by_segment`, which defines the rates; `attrs` as for `rfm`.

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
        self, names: str | Sequence[str] | None = None, *, kind: Literal["segments", "lists"] = "segments"
    ) -> pd.DataFrame:
        """Count the profiles that two lists or two segments share.

        Parameters
        ----------
        names : str or sequence of str, optional
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

    def growth_by_source(
        self,
        timeframe: Span = "last 12 months",
        *,
        by: str | Sequence[str] = "Method",
        metric: Metric = "Subscribed to List",
        left: Metric | None = "Unsubscribed from List",
        period: Literal["day", "week", "month", "quarter", "year"] = "month",
    ) -> pd.DataFrame:
        """Count who subscribed by source, and who of them left again.

        Subscribes minus unsubscribes is not the growth of a list; see `analysis.growth_by_source`.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            When people subscribed and left.
        by : str or sequence of str
            Properties of the events, such as "Method", "List" or "$consent_form_id".
        metric, left : str, (name, integration) or metric row
            Whose events are subscriptions, and whose end them; None to count subscriptions only. For consent:
            "Subscribed to Email Marketing" and "Unsubscribed from Email Marketing".
        period : {"day", "week", "month", "quarter", "year"}
            On the account's clock.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.growth_by_source`; `attrs` as for `rfm`.

        Raises
        ------
        InvalidInputError
            No event has the property.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     growth = client.analyses.growth_by_source(by="List")
        >>> bool((growth["net"] == growth["subscribed"] - growth["unsubscribed"]).all())
        True
        """
        source = self._source()
        span = source.timeframe(timeframe)
        keys = [by] if isinstance(by, str) else list(by)
        joined = source.starts(metric, span, keys)
        gone = None if left is None else source.starts(left, span, [])
        frame = analysis.growth_by_source(joined, gone, by=keys, period=period)
        return source.signed(frame, "growth_by_source", span)

    def holdout_lift(
        self,
        holdout: str,
        treated: str,
        timeframe: Span = "last 90 days",
        *,
        kind: Literal["segments", "lists"] = "segments",
        revenue: bool = False,
        metric: Metric | None = None,
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Measure what messages added: the buyers of a group that got them against a holdout that got none.

        The two groups must have been drawn by lot, or the lift is that of two audiences. Members are those of now;
        who is in both groups is in neither, and `frame.attrs["in_both"]` counts them.

        Parameters
        ----------
        holdout, treated : str
            Name or id of the group without messages and of the group with them.
        timeframe, metric, orders
            As for `rfm`: the orders that count, from the first message on.
        kind : {"segments", "lists"}
            What the groups are.
        revenue : bool
            True, to compare the revenue per person instead of the share of buyers.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.holdout_lift`; `attrs` as for `rfm`, and in_both. Needs the extra ``stats``.

        Raises
        ------
        NoMatchError
            A name or id is unknown.
        InvalidInputError
            `kind` is not allowed, both names are of one group, or a group has nobody of its own.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=300, events=6000) as client:
        ...     lift = client.analyses.holdout_lift("Window shoppers 👀", "United States", "last 12 months")
        >>> lift["group"].tolist(), lift["unit"].tolist()
        (['United States'], ['fraction'])
        """
        if kind not in ("segments", "lists"):
            raise InvalidInputError(f"kind={kind!r} is not a kind of group. Allowed are 'segments', 'lists'.")
        source = self._source()
        period = source.timeframe(timeframe)
        sides = [source.members(kind, [name]) for name in (holdout, treated)]
        held, sent = (set(side["profile_id"]) for side in sides)
        both = held & sent
        empty = [name for name, people in ((holdout, held), (treated, sent)) if not people - both]
        if empty:
            raise InvalidInputError(
                f"{kind[:-1]} {empty[0]!r} has nobody who is not in the other group, too. Pass two groups without "
                f"a common member; client.analyses.overlap() counts the members that {kind} share."
            )
        chosen = source.orders(metric, period, orders)
        if revenue and chosen["currency"].nunique() > 1:
            codes = ", ".join(sorted(chosen["currency"].dropna().unique()))
            raise InvalidInputError(
                f"the orders have several currencies ({codes}), which are never added. "
                "Pass orders={'currency': 'USD'} or another one of them."
            )
        spent = chosen.groupby("profile_id")["value"].sum()
        groups = [str(side["group"].iloc[0]) for side in sides]
        people = pd.DataFrame(
            {
                "profile_id": [*sorted(held - both), *sorted(sent - both)],
                "group": [groups[0]] * len(held - both) + [groups[1]] * len(sent - both),
            }
        )
        people["revenue"] = people["profile_id"].map(spent).fillna(0.0).astype("float64")
        if revenue:
            frame = analysis.holdout_lift(people, holdout=groups[0], revenue="revenue")
        else:
            bought = people["profile_id"].isin(spent.index)
            counts = people.assign(recipients=1, conversion_uniques=bought.astype("int64"))
            counts = counts.groupby("group", as_index=False)[["recipients", "conversion_uniques"]].sum()
            frame = analysis.holdout_lift(counts, holdout=groups[0])
        return source.signed(
            frame,
            "holdout_lift",
            period,
            orders=_described(orders),
            currency=_only(chosen),
            in_both=len(both),
        )

    def ab_test(
        self,
        campaign: str | pd.Series[Any],
        timeframe: Span = "last 365 days",
        *,
        measure: str = "click_rate",
        control: str | None = None,
        conversion_metric: Metric | None = None,
    ) -> pd.DataFrame:
        """Compare the variations of a campaign, with intervals and a plain sentence.

        Takes one call of the campaign report. Klaviyo sends the winner to the rest of the audience and its report
        does not separate that rest from the test, so the winner has more recipients; `note` marks the mismatch.

        Parameters
        ----------
        campaign : str or campaign row
            Name or id.
        timeframe : Timeframe, str or (start, end)
            A time frame that holds the send, at most a year.
        measure, control
            As for `analysis.ab_test`.
        conversion_metric : str, (name, integration) or metric row, optional
            As for `client.campaigns.summary`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.ab_test`; `attrs` as for `attribution`.

        Raises
        ------
        NoMatchError
            No campaign of the time frame has this name or id, or it had one variation only.
        ConfigurationError
            The source is an archive, which holds no reports.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     sent = client.campaigns.summary("last 365 days", by="variation")
        ...     tested = sent.groupby("campaign")["variation"].nunique().idxmax()
        ...     test = client.analyses.ab_test(tested)
        >>> test["is_control"].tolist()
        [True, False]
        """
        source = self._source()
        context = source.online("ab_test")
        period = source.timeframe(timeframe)
        rows = Campaigns(context).summary(period, conversion_metric=conversion_metric, by="variation")
        source.rows, source.read = len(rows), ["campaign report"]
        wanted = campaign["id"] if hasattr(campaign, "get") and not isinstance(campaign, str) else campaign
        chosen = rows[(rows["campaign_id"] == wanted) | (rows["campaign"] == wanted)]
        chosen = chosen[chosen["variation"].notna()]
        if len(chosen) < 2:
            tested = rows.groupby("campaign")["variation"].nunique()
            names = ", ".join(repr(name) for name in tested[tested > 1].index[:5]) or "not one"
            raise NoMatchError(
                f"campaign={wanted!r} has fewer than two variations in {period}. "
                f"Campaigns with variations there: {names}. Pass one of these, or a time frame that holds the send."
            )
        frame = analysis.ab_test(chosen, measure=measure, control=control)
        return source.signed(frame, "ab_test", period)


def _that_count(source: Source, events: pd.DataFrame, metric: Metric | None, orders: Orders) -> pd.DataFrame:
    """Return the events without the orders that conditions leave out; the shop's other events stay."""
    ordered = events["metric_id"].isin(source.metric_ids(source.order_metric(metric)))
    if not ordered.any():
        raise InvalidInputError(
            "orders= is given, but none of `steps` is the metric of orders. Pass metric= with the name of the step "
            "whose events are orders, or leave orders= out."
        )
    kept = analysis.select_orders(analysis.normalise_orders(events[ordered]), conditions_of(orders))["id"]
    return events[~ordered | events["id"].isin(kept)].reset_index(drop=True)


def _every(source: Source, names: Sequence[str]) -> list[str]:
    """Return the ids of all metrics of these steps, so that a name with two integrations is not ambiguous."""
    if isinstance(names, str) or len(names) < 2:
        raise InvalidInputError(
            f"steps={names!r} is not a list of two names or more. Expected metrics in order, such as "
            "['Viewed Product', 'Placed Order']."
        )
    known = source.known_metrics()
    wanted = step_names(names)
    absent = [name for name, known_as in wanted.items() if not known["name"].isin(known_as).any()]
    if absent:
        raise InvalidInputError(
            f"steps has {absent[0]!r}, and no metric has this name. client.metrics.list() shows the names."
        )
    every = [each for known_as in wanted.values() for each in known_as]
    return [str(id) for id in known.loc[known["name"].isin(every), "id"]]


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
