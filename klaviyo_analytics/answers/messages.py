"""Answers about messages in one line each: what they earned, when to send them, what they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics._messages import explained_methods, near
from klaviyo_analytics.analysis._events import parse_duration
from klaviyo_analytics.answers.customers import _described, _only
from klaviyo_analytics.answers.source import RECEIVED, Orders, Source, Span
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources import Campaigns, Flows, Reports
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.timeframe import Timeframe

Model = Literal["last_touch", "first_touch", "linear", "position", "time_decay", "native"]
Settings = analysis.AttributionSettings | Literal["klaviyo", "klaviyo-before-2024-10-09"]
PROVIDER_METRICS = (
    "Received Email",
    "Bounced Email",
    "Opened Email",
    "Clicked Email",
    "Unsubscribed from Email Marketing",
    "Marked Email as Spam",
)
CHANNELS = {
    "email": ("Received Email", {"open": "Opened Email", "click": "Clicked Email"}),
    "text": ("Received Text Message", {"click": "Clicked Text Message"}),
    "push": ("Received Push", {"open": "Opened Push"}),
}


@explained_methods
class MessageAnalyses:
    """Analyses of messages and of the orders that they earned."""

    def __init__(self, source: Callable[[], Source]) -> None:
        self._source = source

    def _orders_and_touches(
        self, span: Span, metric: Metric | None, orders: Orders, settings: Settings, *, native: bool
    ) -> tuple[Source, Timeframe, pd.DataFrame, pd.DataFrame]:
        source = self._source()
        period = source.timeframe(span)
        chosen = source.orders(metric, period, orders, attributions=native)
        at_receipt = isinstance(settings, str) or settings.start == "receipt"
        return source, period, chosen, source.touches(period, received=at_receipt)

    def attribution(
        self,
        timeframe: Span = "last 30 days",
        *,
        model: Model = "last_touch",
        settings: Settings = "klaviyo",
        metric: Metric | None = None,
        orders: Orders = None,
        half_life: str = "168h",
    ) -> pd.DataFrame:
        """Share the revenue of each order among the messages that came before it.

        Reads the orders of the time frame, and opens, clicks and deliveries from 14 days before it on; windows are
        at most that long in Klaviyo.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            When the orders were placed.
        model, settings, half_life
            As for `analysis.attribution`.
        metric : str, (name, integration) or metric row, optional
            Whose events are orders; the metric that the account maps to revenue if omitted.
        orders : analysis.OrderConditions or mapping, optional
            Which of them count.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.attribution`, a row for each order and touch; times on the account's clock.
            `frame.attrs` has analysis, source, read, rows, requests, period, timezone, currency and orders.

        Raises
        ------
        FrameError
            The orders have several currencies; pass `orders={"currency": ...}`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     credit = client.analyses.attribution("last 90 days", model="linear")
        >>> bool((credit.groupby("order_id")["credit"].sum().round(9) == 1).all())
        True
        """
        source, period, chosen, touches = self._orders_and_touches(
            timeframe, metric, orders, settings, native=model == "native"
        )
        frame = analysis.attribution(chosen, touches, model, settings=settings, half_life=half_life)
        return source.signed(frame, "attribution", period, orders=_described(orders), currency=_only(chosen))

    def attribution_comparison(
        self,
        timeframe: Span = "last 30 days",
        *,
        by: str | Sequence[str] | None = "channel",
        settings: Settings = "klaviyo",
        metric: Metric | None = None,
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Lay the models of attribution beside each other and beside Klaviyo's own.

        Parameters
        ----------
        timeframe, settings, metric, orders
            As for `attribution`.
        by : str or sequence of str, optional
            What to add up by: "channel", "campaign", "flow", "message"; None for a row per order and touch.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.attribution_comparison`; `attrs` as for `attribution`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     models = client.analyses.attribution_comparison("last 90 days")
        >>> bool(abs(models["revenue_linear"].sum() - models["revenue_native"].sum()) < 0.01)
        True
        """
        source, period, chosen, touches = self._orders_and_touches(
            timeframe, metric, orders, settings, native=True
        )
        frame = analysis.attribution_comparison(chosen, touches, settings=settings, by=by)
        return source.signed(
            frame, "attribution_comparison", period, orders=_described(orders), currency=_only(chosen)
        )

    def touch_rollup(
        self,
        timeframe: Span = "last 30 days",
        *,
        grain: Literal["person_touch", "campaign", "flow", "person"] = "person_touch",
        model: Model = "native",
        settings: Settings = "klaviyo",
        metric: Metric | None = None,
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Roll attributed orders up by person and touch, by campaign, by flow or by person.

        Parameters
        ----------
        timeframe, settings, metric, orders
            As for `attribution`.
        grain : {"person_touch", "campaign", "flow", "person"}
            What a row is; "person_touch" is the grain of dbt_klaviyo.
        model : str
            As for `analysis.attribution`; "native" is what dbt_klaviyo uses by default since v1.1.0.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.touch_rollup`, with the ids of campaigns and flows and before each its name, missing
            for those that were deleted; `attrs` as for `attribution`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     flows = client.analyses.touch_rollup("last 12 months", grain="flow")
        >>> bool((flows["customers"] <= flows["orders"]).all())
        True
        """
        source, period, chosen, touches = self._orders_and_touches(
            timeframe, metric, orders, settings, native=model == "native"
        )
        of, campaigns = source.campaigns_of_messages()
        touches = touches.assign(campaign_id=touches["message"].map(of).astype("string"))
        credited = analysis.attribution(chosen, touches, model, settings=settings)
        frame = analysis.touch_rollup(credited, grain)
        flows = touches.dropna(subset=["flow_id"]).set_index("flow_id")["flow"].to_dict()
        for name, names in (("campaign", campaigns), ("flow", flows)):
            if f"{name}_id" in frame.columns:
                named = frame[f"{name}_id"].map(names).astype("string")
                frame.insert(int(frame.columns.get_indexer(pd.Index([f"{name}_id"]))[0]), name, named)
        return source.signed(frame, "touch_rollup", period, orders=_described(orders), currency=_only(chosen))

    def conversion_lag(
        self,
        timeframe: Span = "last 30 days",
        *,
        settings: Settings = "klaviyo",
        metric: Metric | None = None,
        orders: Orders = None,
    ) -> pd.DataFrame:
        """Count orders by the time that passed since the last touch.

        Parameters
        ----------
        timeframe, settings, metric, orders
            As for `attribution`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.conversion_lag`; `attrs` as for `attribution`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.analyses.conversion_lag("last 90 days").attrs["analysis"]
        'conversion_lag'
        """
        source, period, chosen, touches = self._orders_and_touches(
            timeframe, metric, orders, settings, native=False
        )
        frame = analysis.conversion_lag(analysis.attribution(chosen, touches, settings=settings))
        return source.signed(
            frame, "conversion_lag", period, orders=_described(orders), currency=_only(chosen)
        )

    def _sends(
        self, span: Span, channel: str, reaction: str, within: str, *, machines: bool
    ) -> tuple[Source, Timeframe, pd.DataFrame, pd.DataFrame]:
        if channel not in CHANNELS:
            raise InvalidInputError(
                f"channel={channel!r} is not a channel. Allowed are {near(channel, map(repr, CHANNELS))}."
            )
        received, reactions = CHANNELS[channel]
        if reaction not in reactions:
            raise InvalidInputError(
                f"reaction={reaction!r} is not recorded for {channel}. "
                f"Allowed are {near(reaction, map(repr, reactions))}."
            )
        source = self._source()
        period = source.timeframe(span)
        sends = source.messages([received], period)
        longer = Timeframe(
            period.start,
            period.end + timedelta(microseconds=parse_duration(within, "within")),
            timezone=period.timezone,
        )
        answers = source.messages([reactions[reaction]], longer)
        if not machines:
            by_machine = answers["machine_open"].fillna(value=False) | answers["bot_click"].fillna(
                value=False
            )
            answers = answers[~by_machine.astype(bool)]
        return source, period, sends, answers

    def send_times(
        self,
        timeframe: Span = "last 90 days",
        *,
        channel: Literal["email", "text", "push"] = "email",
        reaction: Literal["click", "open"] = "click",
        by: str | Sequence[str] = ("weekday", "hour"),
        zone: Literal["account", "profile"] = "account",
        within: str = "120h",
        minimum: int = 100,
        machines: bool = False,
    ) -> pd.DataFrame:
        """Show at which hour of sending people react.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            When the messages were sent; reactions are read until `within` after it.
        channel, reaction
            What was sent and which reaction counts.
        by, within, minimum
            As for `analysis.send_times`.
        zone : {"account", "profile"}
            Whose clock decides. "profile" reads the location of all profiles; `own_zone` counts the sends to profiles
            with a known zone, the others go by the account's.
        machines : bool
            Whether opens and clicks by machines count.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.send_times`, which defines the rates; `attrs` as for `attribution`.

        Raises
        ------
        InvalidInputError
            The channel has no such reaction.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     hours = client.analyses.send_times("last 12 months", by="hour")
        >>> bool(hours["rate"].between(0, 1).all())
        True
        """
        source, period, sends, answers = self._sends(timeframe, channel, reaction, within, machines=machines)
        if zone == "profile":
            zones = source.located("location.timezone")
            sends = sends.assign(timezone=sends["profile_id"].map(zones).astype("string"))
        frame = analysis.send_times(
            sends, answers, by=by, zone=zone, account_zone=source.timezone, within=within, minimum=minimum
        )
        return source.signed(frame, "send_times", period)

    def fatigue(
        self,
        timeframe: Span = "last 90 days",
        *,
        channel: Literal["email", "text", "push"] = "email",
        reaction: Literal["click", "open"] = "click",
        days: int = 7,
        within: str = "120h",
        machines: bool = False,
    ) -> pd.DataFrame:
        """Relate reactions to the number of messages that the same person got in the days before.

        Parameters
        ----------
        timeframe, channel, reaction, within, machines
            As for `send_times`.
        days : int
            Days before each send in which earlier ones count. Those from before the time frame are not read.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.fatigue`, which defines the rates; `attrs` as for `attribution`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.analyses.fatigue("last 12 months").attrs["analysis"]
        'fatigue'
        """
        source, period, sends, answers = self._sends(timeframe, channel, reaction, within, machines=machines)
        frame = analysis.fatigue(sends, answers, days=days, within=within)
        return source.signed(frame, "fatigue", period)

    def flow_health(
        self,
        timeframe: Span = "last 180 days",
        *,
        since: Any = None,
        measure: str = "click_rate",
        conversion_metric: Metric | None = None,
    ) -> pd.DataFrame:
        """Compare the rate of each flow in the second half of a time frame with the first half.

        Takes the flow series report by week.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            At most a year.
        since : date or str, optional
            Where the recent part begins; the middle of the time frame if omitted.
        measure : str
            A rate of people, as for `analysis.flow_health`.
        conversion_metric : str, (name, integration) or metric row, optional
            As for `client.flows.summary`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.flow_health`, which defines the rates; `attrs` as for `attribution`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     health = client.analyses.flow_health()
        >>> health.attrs["read"]
        ['flow series report']
        """
        source = self._source()
        context = source.online("flow_health")
        period = source.timeframe(timeframe)
        middle = since if since is not None else period.start + (period.end - period.start) / 2
        rows = Reports(context).flow_series(
            interval="week", timeframe=period, conversion_metric=conversion_metric
        )
        source.rows, source.read = len(rows), ["flow series report"]
        frame = analysis.flow_health(rows, since=middle, measure=measure, zone=source.timezone)
        return source.signed(frame, "flow_health", period)

    def flow_losses(
        self, timeframe: Span = "last 90 days", *, conversion_metric: Metric | None = None
    ) -> pd.DataFrame:
        """Find the messages of each flow after which people are lost.

        Takes the flow report once.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            At most a year.
        conversion_metric : str, (name, integration) or metric row, optional
            As for `client.flows.summary`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.flow_losses`, which defines the rates; `attrs` as for `attribution`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.analyses.flow_losses().attrs["analysis"]
        'flow_losses'
        """
        source = self._source()
        context = source.online("flow_losses")
        period = source.timeframe(timeframe)
        rows = Flows(context).summary(period, conversion_metric=conversion_metric, by="message")
        source.rows, source.read = len(rows), ["flow report"]
        rows = rows.rename(columns={"message_position": "position"})
        return source.signed(analysis.flow_losses(rows), "flow_losses", period)

    def deliverability_by_provider(
        self,
        timeframe: Span = "last 30 days",
        *,
        provider: Literal["Inbox Provider", "Email Domain"] = "Inbox Provider",
        machine_opens: bool = True,
    ) -> pd.DataFrame:
        """Place deliverability in Klaviyo's three bands by mailbox provider.

        Reads the email events of the time frame; their number is that of all sends, opens and clicks.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            When the events happened.
        provider, machine_opens
            As for `analysis.deliverability_by_provider`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.deliverability_by_provider`, which defines the rates; `attrs` as for `attribution`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     bands = client.analyses.deliverability_by_provider("last 90 days")
        >>> "Gmail" in set(bands["Inbox Provider"])
        True
        """
        source = self._source()
        period = source.timeframe(timeframe)
        events = source.messages(PROVIDER_METRICS, period)
        frame = analysis.deliverability_by_provider(events, provider=provider, machine_opens=machine_opens)
        return source.signed(frame, "deliverability_by_provider", period)

    def flow_collisions(
        self, timeframe: Span = "last 30 days", *, hours: float = 24, same: bool = False
    ) -> pd.DataFrame:
        """Find flows that write to the same person within a few hours, whatever the channels.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            When the messages were received.
        hours, same
            As for `analysis.flow_collisions`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.flow_collisions`, with the flows' names; `attrs` as for `attribution`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     met = client.analyses.flow_collisions("last 12 months", hours=72)
        >>> bool(met["mean_hours"].le(72).all())
        True
        """
        source = self._source()
        period = source.timeframe(timeframe)
        sends = source.messages(list(RECEIVED.values()), period)
        return source.signed(
            analysis.flow_collisions(sends, hours=hours, same=same), "flow_collisions", period
        )

    def subject_lines(
        self,
        timeframe: Span = "last 12 months",
        *,
        measure: str = "open_rate",
        conversion_metric: Metric | None = None,
    ) -> pd.DataFrame:
        """Set the length, emoji and personalisation of campaign subjects against results.

        Takes the campaign report once.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            When the campaigns were sent; at most a year.
        measure : str
            A rate of people, as for `analysis.subject_lines`.
        conversion_metric : str, (name, integration) or metric row, optional
            As for `client.campaigns.summary`.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.subject_lines`, which defines the rates, of email only; `attrs` as for `attribution`.

        Raises
        ------
        ConfigurationError
            The source is an archive, which holds no reports.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     lines = client.analyses.subject_lines(measure="click_rate")
        >>> sorted(set(lines["feature"]))
        ['emoji', 'length', 'personalised']
        """
        source = self._source()
        context = source.online("subject_lines")
        period = source.timeframe(timeframe)
        rows = Campaigns(context).summary(period, conversion_metric=conversion_metric, by="message")
        source.rows, source.read = len(rows), ["campaign report"]
        mails = rows[(rows["channel"] == "email").fillna(value=False).astype(bool)]
        return source.signed(analysis.subject_lines(mails, measure=measure), "subject_lines", period)

    def links(
        self,
        timeframe: Span = "last 30 days",
        *,
        channel: Literal["email", "text"] = "email",
        by: str | Sequence[str] = (),
        query: bool = False,
        machines: bool = False,
    ) -> pd.DataFrame:
        """Count clicks and people by URL.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            When the links were clicked.
        channel : {"email", "text"}
        by : str or sequence of str
            "campaign", "flow" or "message", to count within each.
        query : bool
            Whether addresses that differ in what follows "?" or "#" are told apart.
        machines : bool
            Whether clicks by bots count.

        Returns
        -------
        pandas.DataFrame
            Columns of `analysis.links`; `attrs` as for `attribution`.

        Raises
        ------
        InvalidInputError
            The channel has no links.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     clicked = client.analyses.links("last 12 months")
        >>> round(float(clicked["share"].sum()), 6)
        1.0
        """
        if channel not in ("email", "text"):
            raise InvalidInputError(f"channel={channel!r} has no links. Allowed are 'email' and 'text'.")
        source = self._source()
        period = source.timeframe(timeframe)
        clicks = source.messages([CHANNELS[channel][1]["click"]], period, {"URL": ("url", "string")})
        return source.signed(analysis.links(clicks, by=by, query=query, bots=machines), "links", period)
