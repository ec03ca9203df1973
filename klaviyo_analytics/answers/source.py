"""Where an analysis reads: the API or the archive, with a count of what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, Protocol

import pandas as pd
from pandas.api.types import pandas_dtype

from klaviyo_analytics import analysis
from klaviyo_analytics._messages import counted, did_you_mean
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError, NoMatchError, NotFoundError
from klaviyo_analytics.frames import warn
from klaviyo_analytics.resources import Campaigns, Context, Events, Lists, Metrics, Profiles, Segments
from klaviyo_analytics.resources import metrics as metric_names
from klaviyo_analytics.resources._reading import read_each
from klaviyo_analytics.resources.metrics import Metric, spellings
from klaviyo_analytics.resources.reports._base import label
from klaviyo_analytics.timeframe import Timeframe
from klaviyo_analytics.timeframe.words import Moment

Span = Timeframe | str | tuple[Moment, Moment]
Orders = analysis.OrderConditions | Mapping[str, Any] | None

# (channel, interaction) -> the metric of Klaviyo's own that records it
TOUCHES: Mapping[tuple[str, str], str] = {
    ("email", "open"): "Opened Email",
    ("email", "click"): "Clicked Email",
    ("text", "click"): "Clicked Text Message",
    ("text", "delivery"): "Received Text Message",
    ("push", "open"): "Opened Push",
}
RECEIVED: Mapping[str, str] = {
    "email": "Received Email",
    "text": "Received Text Message",
    "push": "Received Push",
}
# the same step of a shop under two names: the second is that of Shopify's integration
CHECKOUTS = ("Started Checkout", "Checkout Started")
Columns = Mapping[str, tuple[str, Literal["string", "boolean"]]]
# property of an event -> column and dtype
PROPERTIES: Columns = {
    "$message": ("message", "string"),
    "$flow": ("flow_id", "string"),
    "$variation": ("variation_id", "string"),
    "Campaign Name": ("campaign", "string"),
    "Inbox Provider": ("Inbox Provider", "string"),
    "Email Domain": ("Email Domain", "string"),
    "machine_open": ("machine_open", "boolean"),
    "Bot Click": ("bot_click", "boolean"),
}


# what the events of an archive are attributed to
ARCHIVED = (
    "attributed_event_id", "attributed_campaign_id", "attributed_campaign_message_id", "attributed_flow_id",
    "attributed_flow_message_id", "attributed_variation_id",
)  # fmt: skip


class Copy(Protocol):
    """What an analysis uses of an archive."""

    def frame(
        self,
        name: str,
        *,
        metric: Any = None,
        timeframe: Any = None,
        properties: Any = "json",
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Read a table as a frame."""
        ...

    def sql(self, query: str, parameters: Any = None) -> pd.DataFrame:
        """Ask the copy in SQL."""
        ...


class Source:
    """One reading of an account for one analysis, from the API or from an archive.

    Parameters
    ----------
    context : Context, optional
        The account; may be missing for an archive that was opened without a client.
    copy : Archive, optional
        Read this instead of the API.
    timezone, now
        Clock of an archive without an account.
    """

    def __init__(
        self,
        context: Context | None,
        copy: Copy | None = None,
        *,
        timezone: str | None = None,
        now: datetime | None = None,
    ) -> None:
        self._context = context
        self._copy = copy
        self._timezone = timezone
        self._now = now
        self._requests_before = context.api.requests if context else 0
        self.rows = 0
        self.read: list[str] = []

    @property
    def name(self) -> str:
        """Return "archive" or "api"."""
        return "api" if self._copy is None else "archive"

    @property
    def context(self) -> Context:
        """The account behind the API.

        Raises
        ------
        ConfigurationError
            The archive was opened without a client.
        """
        if self._context is None:
            raise ConfigurationError(
                "This analysis needs an answer from the API, and the archive was opened without a client. "
                "Use client.archive(folder).analyses or client.analyses."
            )
        return self._context

    @property
    def requests(self) -> int:
        """Number of requests sent since this reading began, retries not counted."""
        return self._context.api.requests - self._requests_before if self._context else 0

    @property
    def timezone(self) -> str:
        """The account's time zone."""
        return self._timezone or self.context.timezone

    @property
    def now(self) -> datetime:
        """The account's present."""
        return self._now or self.context.now()

    def online(self, method: str) -> Context:
        """Return the account for an answer that only reports have; refuse an archive.

        Raises
        ------
        ConfigurationError
            The source is an archive.
        """
        if self._copy is not None:
            raise ConfigurationError(
                f"archive.analyses.{method}() needs Klaviyo's reports, which an archive does not hold. "
                f"Use client.analyses.{method}()."
            )
        return self.context

    def timeframe(self, span: Span) -> Timeframe:
        """Return a time frame on the account's clock."""
        if isinstance(span, Timeframe):
            return span
        return Timeframe.parse(span, timezone=self.timezone, now=self.now)

    def order_metric(self, metric: Metric | Sequence[Metric] | None) -> Any:
        """Return the metric of orders: the one given, or the one that the account maps to revenue."""
        if metric is not None:  # a row of a frame is neither true nor false
            return metric
        if self._context is None:
            return metric_names.USUAL
        return metric_names.conversion_metric(self._context)[0]

    def metric_ids(self, metric: Any) -> list[str]:
        """Return the ids of the metrics that a metric of orders names: one of an account, all of a name in a copy."""
        if self._copy is None:
            return [id for id, _ in Metrics(self.context).resolve_all(metric)]
        known = self.known_metrics()
        name, integration = metric if isinstance(metric, tuple) else (metric, None)
        found = known[(known["id"] == name) | (known["name"] == name)]
        if integration is not None:
            found = found[found["integration.name"] == integration]
        return [str(id) for id in found["id"]]

    def known_metrics(self) -> pd.DataFrame:
        """Return all metrics of the account."""
        if self._copy is not None:
            return self._copy.frame("metrics")
        return Metrics(self.context).known()

    def existing(self, names: Sequence[str]) -> list[str]:
        """Return the ids of Klaviyo's own metrics of these names, without the names that the account lacks.

        A metric of text messages is found under its old and its new name; an account that has both keeps its
        history under the old one, so both are returned.
        """
        known = self.known_metrics()
        known = known[known["name"].isin([each for name in names for each in spellings(name)])]
        if "integration.name" in known.columns:
            own = known[(known["integration.name"] == "Klaviyo").fillna(value=False).astype(bool)]
            known = own if not own.empty else known
        return [str(id) for id in known["id"]]

    def events(
        self,
        metric: Any,
        span: Span,
        *,
        properties: Any = "json",
        attributions: bool = False,
    ) -> pd.DataFrame:
        """Read events of some metrics in a time frame, with no more fields than an analysis needs."""
        frame: pd.DataFrame
        if self._copy is not None:
            question: dict[str, Any] = {
                "metric": metric,
                "timeframe": self.timeframe(span),
                "properties": properties,
            }
            frame = self._copy.frame("events", **question)
            if attributions:
                frame = self._copy.frame("events", columns=[*frame.columns, *ARCHIVED], **question)
            frame = self._with_metric(frame)
        else:
            frame = Events(self.context).list(
                metric=metric,
                timeframe=self.timeframe(span),
                fields=["datetime", "event_properties"],
                properties=properties,
                include=["attributions"] if attributions else (),
            )
            if attributions:
                frame = frame.assign(attributed_event_ids=frame["attributions.attributed_event_id"])
        self._counted("events", frame)
        return frame

    def _with_metric(self, frame: pd.DataFrame) -> pd.DataFrame:
        known = self.known_metrics().set_index("id")["name"]
        return frame.assign(metric=frame["metric_id"].map(known).astype("string"))

    def orders(
        self,
        metric: Metric | Sequence[Metric] | None,
        span: Span,
        orders: Orders,
        *,
        attributions: bool = False,
        raw: bool = False,
        as_sent: bool = False,
    ) -> pd.DataFrame:
        """Read the orders that count, on the account's clock; `raw` keeps their properties for order lines.

        An order that names no currency is taken to be in the account's, unless orders are wanted `as_sent`.
        """
        events = self.events(self.order_metric(metric), span, attributions=attributions)
        chosen = analysis.normalise_orders(events)
        chosen["datetime"] = chosen["datetime"].dt.tz_convert(self.timezone)
        if raw:
            chosen["event_properties"] = events["event_properties"].to_numpy()
        if orders is not None:
            chosen = analysis.select_orders(chosen, orders).reset_index(drop=True)
        return chosen if as_sent else self._with_currency(chosen)

    def _with_currency(self, orders: pd.DataFrame) -> pd.DataFrame:
        """Write the account's currency where an order names none, with a warning if others do name one."""
        unnamed = orders["currency"].isna()
        if not unnamed.any() or (own := self._currency()) is None:
            return orders
        paid = int((unnamed & (orders["value"].fillna(0) != 0)).sum())
        if paid and not unnamed.all():
            warn(
                f"{counted(paid, 'order')} with a value, of {len(orders):,}, name no currency; the amounts are "
                f"assumed to be in the account's, {own}."
            )
        return orders.assign(currency=orders["currency"].fillna(own))

    def _currency(self) -> str | None:
        """Return the account's currency; None for an archive that does not hold the account."""
        code: Any = None
        if self._context is not None:
            code = self._context.account.get("preferred_currency")
        elif self._copy is not None:
            with suppress(InvalidInputError):  # the copy has no accounts
                code = next(iter(self._copy.frame("accounts")["preferred_currency"].dropna()), None)
        return None if code is None or pd.isna(code) else str(code)

    def messages(self, names: Sequence[str], span: Span, extra: Columns | None = None) -> pd.DataFrame:
        """Read events of messages: who, when, which message, which campaign or flow, and whether a machine did it.

        `metric` has the names that were asked for, whichever the account has for its text messages.
        `extra` are further properties to read, as in `PROPERTIES`.
        """
        ids = self.existing(names)
        if not ids:
            raise NoMatchError(
                f"The account has none of the metrics {', '.join(map(repr, names))}. "
                "Klaviyo adds a metric with its first event; client.metrics.list() shows those there are."
            )
        events = self.events(ids, span)
        events = events.assign(metric=named(events["metric"], {name: spellings(name) for name in names}))
        frame = _opened(events, {**PROPERTIES, **(extra or {})})
        frame["datetime"] = frame["datetime"].dt.tz_convert(self.timezone)
        frame["campaign"] = frame["campaign"].where(frame["flow_id"].isna())
        return self._with_flow_names(frame)

    def _with_flow_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self._copy is None:
            return label(self.context, frame, {"flow_id": "flow"})
        flow = frame["flow_id"]
        try:
            flow = flow.map(self._copy.frame("flows").set_index("id")["name"]).fillna(flow).astype("string")
        except InvalidInputError:  # the copy has no flows yet, so their ids must do
            flow = flow.copy()
        frame.insert(int(frame.columns.get_indexer(pd.Index(["flow_id"]))[0]) + 1, "flow", flow)
        return frame

    def touches(self, frame: Timeframe, *, received: bool = True) -> pd.DataFrame:
        """Read what may earn an order of the time frame: opens, clicks and deliveries of up to 14 days before it."""
        wider = Timeframe(frame.start - timedelta(days=14), frame.end, timezone=frame.timezone)
        wanted = [*TOUCHES.values(), *(RECEIVED.values() if received else ())]
        events = self.messages(list(dict.fromkeys(wanted)), wider)
        pairs = {name: pair for pair, name in TOUCHES.items()}
        touches = events[events["metric"].isin(list(pairs))].copy()
        touches["channel"] = pd.array([pairs[name][0] for name in touches["metric"]], dtype="string")
        touches["interaction"] = pd.array([pairs[name][1] for name in touches["metric"]], dtype="string")
        if received:
            channels = {name: channel for channel, name in RECEIVED.items()}
            sends = events[events["metric"].isin(list(channels))]
            sends = sends.assign(channel=sends["metric"].map(channels).astype("string"))
            touches = _received(touches, sends)
        return touches.drop(columns=["metric", "metric_id"]).reset_index(drop=True)

    def members(self, kind: str, names: str | Sequence[str] | None) -> pd.DataFrame:
        """Read the members of lists or segments: profile_id and group (the name)."""
        groups = self.table(kind)
        if names is not None:
            wanted = [names] if isinstance(names, str) else list(names)
            groups = groups[groups["name"].isin(wanted) | groups["id"].isin(wanted)]
            missing = sorted({*wanted} - {*groups["name"], *groups["id"]})
            if missing:
                known = ", ".join(repr(name) for name in self.table(kind)["name"].dropna().head(5))
                raise NoMatchError(
                    f"{missing[0]!r} is not the name or id of a {kind[:-1]}. Among the {kind} are {known}. "
                    f"client.{kind}.list() shows all."
                )
        read = partial(self._member_ids, kind)
        ids = groups["id"].astype(str).tolist()
        # the copy is asked by SQL, with one connection
        found = [read(id) for id in ids] if self._copy is not None else read_each(read, ids)
        self.rows += sum(map(len, found))
        parts = [
            pd.DataFrame({"profile_id": members, "group": name})
            for members, name in zip(found, groups["name"], strict=True)
        ]
        result = pd.concat([pd.DataFrame({"profile_id": [], "group": []}), *parts], ignore_index=True)
        return result.astype({"profile_id": "string", "group": "string"})

    def campaigns_of_messages(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the campaign of each campaign message, by the message's id and by the campaign's own, and its name.

        Events name a campaign's message by either, depending on the account.
        """
        campaigns = (
            self._copy.frame("campaigns") if self._copy is not None else Campaigns(self.context).list()
        )
        self._counted("campaigns", campaigns)
        of = {
            str(id): str(campaign)
            for campaign, messages in zip(campaigns["id"], campaigns["campaign_message_ids"], strict=True)
            for id in (campaign, *(messages if isinstance(messages, Sequence) else ()))
        }
        return of, dict(zip(campaigns["id"], campaigns["name"], strict=True))

    def located(self, column: str) -> pd.Series[Any]:
        """Return a column of all profiles' location, such as "location.timezone", by profile id."""
        if self._copy is not None:
            profiles = self._copy.frame("profiles")
        else:
            profiles = Profiles(self.context).list(fields=["location"])
        self._counted("profiles", profiles)
        return profiles.set_index("id")[column]

    def starts(self, metric: Metric | Sequence[Metric], span: Span, by: Sequence[str]) -> pd.DataFrame:
        """Read events that begin something: id, profile_id, datetime on the account's clock, and properties."""
        events = self.events(metric, span)
        frame = events[["id", "profile_id", "datetime"]].copy()
        frame["datetime"] = frame["datetime"].dt.tz_convert(self.timezone)
        return with_properties(frame, events["event_properties"], by)

    def _member_ids(self, kind: str, id: str) -> list[str]:
        if self._copy is not None:
            one = {"lists": "list", "segments": "segment"}[kind]
            rows = self._copy.sql(  # of the last snapshot: the table holds all of them
                f"select profile_id from {one}_members where {one}_id = $id and seen_at = "  # noqa: S608
                f"(select max(seen_at) from {one}_members where {one}_id = $id)",
                {"id": id},
            )
            ids = rows["profile_id"].tolist()
        else:
            resource = Lists(self.context) if kind == "lists" else Segments(self.context)
            try:
                ids = resource.profiles(id, fields=["email"])["id"].tolist()
            except NotFoundError:  # deleted since the list of them was read
                ids = []
        return ids

    def table(self, name: str) -> pd.DataFrame:
        """Read all rows of lists, segments or profiles."""
        if self._copy is not None:
            frame = self._copy.frame(name)
        elif name == "profiles":
            frame = Profiles(self.context).list(
                fields=["created"], additional_fields=["predictive_analytics"]
            )
        else:
            frame = Lists(self.context).list() if name == "lists" else Segments(self.context).list()
        self._counted(name, frame)
        return frame

    def _counted(self, name: str, frame: pd.DataFrame) -> None:
        self.rows += len(frame)
        if name not in self.read:
            self.read.append(name)

    def signed(self, frame: pd.DataFrame, name: str, period: Timeframe | None, **facts: Any) -> pd.DataFrame:
        """Add to a frame's attrs which analysis it is of, what was read for it, and what that cost."""
        if "currency" not in facts and "currency" in frame.columns:
            codes = [str(code) for code in frame["currency"].dropna().unique()]
            facts["currency"] = codes[0] if len(codes) == 1 else None
        attrs: dict[Any, Any] = {
            **frame.attrs,
            "analysis": name,
            "source": self.name,
            "read": list(self.read),
            "rows": self.rows,
            "requests": self.requests,
            "period": None if period is None else str(period),
            "timezone": self.timezone,
            **facts,
        }
        frame.attrs = attrs
        return frame


def named(metric: pd.Series[Any], names: Mapping[str, Sequence[str]]) -> pd.Series[Any]:
    """Return the names of events' metrics, each spelling of a name as the name itself."""
    asked = {each: name for name, spelled in names.items() for each in spelled if each not in names}
    return metric.replace(asked).astype("string")


def step_names(steps: Sequence[str]) -> dict[str, list[str]]:
    """Return what each step's metric may be called, without the names that are steps of their own.

    A metric of text messages has an old and a new name; a checkout is "Started Checkout" in the shops of the
    developer guide and "Checkout Started" in Shopify's.
    """
    names = {step: [*spellings(step), *(CHECKOUTS if step in CHECKOUTS else ())] for step in steps}
    return {
        step: [name for name in dict.fromkeys(known) if name == step or name not in names]
        for step, known in names.items()
    }


def with_properties(frame: pd.DataFrame, properties: pd.Series[Any], names: Sequence[str]) -> pd.DataFrame:
    """Append properties of the same rows' events as text.

    Raises
    ------
    InvalidInputError
        No event has a property of this name.
    """
    held = [value if isinstance(value, Mapping) else {} for value in properties]
    known = sorted({str(key) for each in held for key in each})
    for name in names:
        if held and name not in known:
            shown = [key for key in known if not key.startswith("$")][:5]
            raise InvalidInputError(
                f"by={name!r} is not a property of these events{did_you_mean(name, known)}. "
                f"They have {', '.join(map(repr, shown))}. client.events.list(limit=5) shows all properties."
            )
        values = [None if each.get(name) is None else str(each[name]) for each in held]
        frame = frame.assign(**{name: pd.array(values, dtype="string")})
    return frame


def _opened(events: pd.DataFrame, properties: Columns) -> pd.DataFrame:
    """Return the properties of message events as columns; one that no event has is missing throughout."""
    held = [value if isinstance(value, Mapping) else {} for value in events["event_properties"]]
    frame = events[["id", "profile_id", "datetime", "metric", "metric_id"]].copy()
    for key, (name, kind) in properties.items():
        values: list[Any] = [each.get(key) for each in held]
        if kind == "boolean":
            values = [None if value is None else str(value).lower() in {"true", "1"} for value in values]
        else:
            values = [None if value is None else str(value) for value in values]
        frame[name] = pd.Series(values, index=frame.index, dtype=object).astype(pandas_dtype(kind))
    return frame


def _received(touches: pd.DataFrame, sends: pd.DataFrame) -> pd.DataFrame:
    """Add to each touch when its message arrived: the last receipt of the message by the person up to then."""
    keys = ["profile_id", "message", "channel"]
    sends = sends.rename(columns={"datetime": "received"})[["received", *keys]].dropna()
    left = touches.reset_index(drop=True).reset_index(names="__row")
    known = left.dropna(subset=keys)
    joined = pd.merge_asof(
        known.sort_values("datetime", kind="stable"),
        sends.sort_values("received", kind="stable"),
        left_on="datetime",
        right_on="received",
        by=keys,
    )
    left = left.merge(joined[["__row", "received"]], on="__row", how="left")
    return left.drop(columns="__row")
