"""Metrics, and how a name becomes the id that every query needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from klaviyo_analytics import frames
from klaviyo_analytics.errors import (
    AmbiguousMatchError,
    InvalidInputError,
    InvalidQueryError,
    MalformedResponseError,
    NoMatchError,
    NotFoundError,
    PermissionDeniedError,
)
from klaviyo_analytics.quota.cache import lifetime
from klaviyo_analytics.resources._base import serves
from klaviyo_analytics.resources._generated.account import (
    CustomMetricMethods,
    MappedMetricMethods,
    MetricMethods,
)
from klaviyo_analytics.resources._reading import Context, Reading, instead, read_one
from klaviyo_analytics.timeframe import Timeframe

Metric = str | tuple[str, str] | pd.Series
# Klaviyo renamed its text message metrics in 2026, and newer accounts have another metric of forms; both names keep
# working here.
RENAMED = (
    ("SMS", "Text Message"),
    ("Text Message", "SMS"),
    ("^Submitted Form$", "Form submitted by profile"),
    ("^Form submitted by profile$", "Submitted Form"),
)


def spellings(name: str) -> list[str]:
    """Return a metric's name, followed by the one that it had before, or got when, Klaviyo renamed it."""
    others = (re.sub(old, new, name, flags=re.IGNORECASE) for old, new in RENAMED)
    return list(dict.fromkeys([name, *others]))


class Metrics(MetricMethods):
    """Kinds of events. Several can share a name, one per integration."""

    @serves("get_properties_for_metric")
    def properties(self, metric: Metric, /, *, samples: bool = True) -> pd.DataFrame:
        """Read the properties that a metric's events carry, with some of their values.

        Parameters
        ----------
        metric : str, (name, integration) or metric row
            Name or id.
        samples : bool
            With values seen lately, as a list in `sample_values`.

        Returns
        -------
        pandas.DataFrame
            id, label, property, inferred_type (string), sample_values (object).

        Raises
        ------
        NoMatchError, AmbiguousMatchError
            No metric has this name, or several do.

        Notes
        -----
        ``GET /api/metrics/{id}/metric-properties``, limited to 1/s and 15/m; scopes: metrics:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     properties = client.metrics.properties(("Placed Order", "Shopify"))
        >>> "$value" in properties["property"].tolist()
        True
        """
        id, _ = self.resolve(metric)
        more = ["sample_values"] if samples else None
        return Reading(self._context, "get_properties_for_metric", {"id": id}, additional_fields=more).frame()

    @serves("get_metrics")
    def find(self, *, name: str, integration: str | None = None) -> pd.Series[Any]:
        """Find the one metric of a name.

        Parameters
        ----------
        name : str
            As in the account; case does not matter where that leaves one. Text message metrics are found by
            their name before and after Klaviyo renamed them, and so is Submitted Form.
        integration : str, optional
            Needed where several integrations have a metric of that name.

        Returns
        -------
        pandas.Series
            id, name, created, updated (UTC), integration.name, integration.category, ...

        Raises
        ------
        NoMatchError
            No metric matches; the message lists close matches.
        AmbiguousMatchError
            There are several; the message names them with their integrations.

        Notes
        -----
        ``GET /api/metrics``, limited to 10/s and 150/m; scopes: metrics:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     client.metrics.find(name="Placed Order", integration="Shopify")["name"]
        'Placed Order'
        """
        return self._one(name if integration is None else (name, integration))

    def resolve(self, metric: Metric) -> tuple[str, str]:
        """Return (id, name) of a metric given by id, name, (name, integration), or a row of the metrics frame."""
        row = self._one(metric)
        return str(row["id"]), str(row["name"])

    def resolve_all(self, metrics: Metric | Sequence[Metric]) -> Sequence[tuple[str, str]]:
        """Return (id, name) of one metric or of a list of them, each once; a tuple is one metric."""
        if isinstance(metrics, (str, tuple, pd.Series)) or not isinstance(metrics, Sequence):
            return (self.resolve(metrics),)
        if not metrics:
            raise InvalidInputError("metric=[]: name at least one metric.")
        return tuple(dict.fromkeys(self.resolve(metric) for metric in metrics))

    def _one(self, metric: Metric) -> pd.Series[Any]:
        if isinstance(metric, pd.Series):
            metric = str(metric["id"])
        pair = metric if isinstance(metric, tuple) and len(metric) == 2 else (metric, None)
        name, integration = pair
        if not isinstance(name, str) or not name:
            raise InvalidInputError(
                f"metric={metric!r}: give a name, an id, (name, integration), or a row of client.metrics.list()."
            )
        frame = self._matching(name, refresh=False)
        if frame.empty:  # the metric may be younger than the list that was read
            frame = self._matching(name, refresh=True)
        if frame.empty:
            raise NoMatchError(self._nothing(name))
        if integration is not None:
            found = _from(frame, integration)
            if found.empty:
                raise NoMatchError(
                    f"No metric {name!r} comes from {integration!r}; there is {_named(frame)}."
                )
            frame = found
        if len(frame) > 1:
            raise AmbiguousMatchError(
                f"Several metrics are called {name!r}: {_named(frame)}. "
                f"Name the integration, too: ({name!r}, {frame['integration.name'].iloc[0]!r}), or give the id."
            )
        return frame.iloc[0]

    def _matching(self, name: str, *, refresh: bool) -> pd.DataFrame:
        metrics = self.known(refresh=refresh)
        if not (by_id := metrics[metrics["id"] == name]).empty:
            return by_id
        names = spellings(name)
        for wanted in names:
            if not (exact := metrics[metrics["name"] == wanted]).empty:
                return exact
        return metrics[metrics["name"].str.casefold().isin([wanted.casefold() for wanted in names])]

    def known(self, *, refresh: bool = False) -> pd.DataFrame:
        """Return all metrics; read once per client, again with `refresh=True`."""
        if refresh or self._context.metrics is None:
            self._context.metrics = Reading(self._context, "get_metrics").frame()
        return self._context.metrics

    def _nothing(self, name: str) -> str:
        return f"No metric is called {name!r}.{instead(name, self.known()['name'].dropna())}"


class CustomMetrics(CustomMetricMethods):
    """Metrics that the account has defined on top of others."""


class MappedMetrics(MappedMetricMethods):
    """Which metric stands for revenue, refunds, carts ...; `get("revenue")` names the conversion metric."""


def _from(frame: pd.DataFrame, integration: str) -> pd.DataFrame:
    """Return the metrics of an integration: as it is spelled, else by its name or key whatever the spelling."""
    exact = frame[(frame["integration.name"] == integration).fillna(value=False).astype(bool)]
    if not exact.empty:
        return exact
    wanted = _spelling(integration)
    columns = [name for name in ("integration.name", "integration.key") if name in frame.columns]
    alike = [any(_spelling(row[name]) == wanted for name in columns) for _, row in frame.iterrows()]
    return frame[np.array(alike, dtype=bool)]


def _spelling(name: Any) -> str:
    """Reduce a name to what its spellings share: 'Woo Commerce', 'WooCommerce' and 'woo-commerce' are one."""
    return re.sub(r"[\W_]+", "", str(name).casefold())


def _named(frame: pd.DataFrame) -> str:
    return ", ".join(
        f"{row['integration.name'] if pd.notna(row['integration.name']) else 'no integration'} ({row['id']})"
        for _, row in frame.iterrows()
    )


USUAL = "Placed Order"


def conversion_metric(context: Context, metric: Metric | None = None) -> tuple[str, str]:
    """Return (id, name) of the metric passed, else of the one that the account maps to revenue.

    An account that maps none, or maps a custom metric, which reports do not take, means "Placed Order".

    Raises
    ------
    NoMatchError, AmbiguousMatchError
        No metric has the name, or several have; the message names them.
    """
    metrics = Metrics(context)
    if metric is not None:
        return metrics.resolve(metric)
    if context.conversion is None:
        context.conversion = _mapped(context) or metrics.resolve(USUAL)
    return context.conversion


def _mapped(context: Context) -> tuple[str, str] | None:
    try:
        row = read_one(context, "get_mapped_metric", {"id": "revenue"}, include=["metric"])
    except (NotFoundError, PermissionDeniedError):
        return None
    id, name = row.get("metric_id"), row.get("metric.name")
    return None if pd.isna(id) else (str(id), str(id) if pd.isna(name) else str(name))


DIMENSION = "$value_currency"
NAMED, ASSUMED = "the events", "assumed to be the account's"
SEVERAL = "several, added by Klaviyo without converting: "


@dataclass(frozen=True, slots=True)
class Money:
    """The currency of the sums in a frame, and how it is known."""

    currency: str | None
    source: str


def folded(answers: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], set[str | None]]:
    """Remove the currency, the last value of each group; also return the currencies that have money.

    A currency without any money, such as that of events that have no value, is not among them; None stands for
    money whose events name no currency.
    """
    found: set[str | None] = set()
    plain: list[dict[str, Any]] = []
    try:
        for answer in answers:
            rows = []
            for row in answer["data"]:
                dimensions = list(row.get("dimensions") or ())
                currency = dimensions.pop() if dimensions else None
                if has_money(row["measurements"].get("sum_value") or ()):
                    found.add(str(currency) if currency else None)
                rows.append({**row, "dimensions": dimensions})
            plain.append({**answer, "data": rows})
    except (KeyError, TypeError, AttributeError) as problem:
        raise MalformedResponseError(
            "The metric-aggregates response contains groups that cannot be read."
        ) from problem
    return plain, found


def has_money(values: Sequence[float | None]) -> bool:
    """Return whether any of the sums is not zero."""
    return bool(np.any([value is not None and value != 0 for value in values]))


def one(found: set[str | None], own: str | None, chosen: str | None) -> Money:
    """Return the one currency of the sums, or refuse to add several.

    Raises
    ------
    InvalidQueryError
        The events' values are in two currencies, or some name one that is not the account's and others none.
    """
    if chosen is not None:
        return Money(chosen, NAMED)
    named = sorted(currency for currency in found if currency is not None)
    ways = (
        f"Pass currency={named[0] if named else own!r} for the events in one of them; "
        f"client.metric_aggregates.query(..., by={DIMENSION!r}) has a row per currency."
    )
    if len(named) > 1:
        raise InvalidQueryError(
            f"The sum of values would add amounts in {len(named)} currencies: {', '.join(named)}. {ways}"
        )
    if not named:
        return Money(own, ASSUMED)
    if None in found and own is not None and named[0] != own:
        raise InvalidQueryError(
            f"The sum of values would add amounts in {named[0]} and amounts of events that name no currency, "
            f"which are assumed to be in the account's, {own}. {ways}"
        )
    if None in found:
        frames.warn(
            "Some events with a value name no currency; their amounts are assumed to be in the account's, "
            f"{named[0]}, and were added. by={DIMENSION!r} shows them apart."
        )
        return Money(named[0], ASSUMED)
    return Money(named[0], NAMED)


def added(found: set[str | None], own: str | None) -> Money:
    """Return the currency of sums that were added whatever their currencies are: None if there are several."""
    named = sorted(code for code in found if code is not None)
    if len(named) > 1 or (named and None in found and named != [own]):
        every = [*named, *(["no named currency"] if None in found else [])]
        return Money(None, f"{SEVERAL}{', '.join(every)}")
    if not named or None in found:
        return Money(own, ASSUMED)
    return Money(named[0], NAMED)


def remember_currencies(
    context: Context, metric_id: str, frame: Timeframe, found: set[str | None]
) -> set[str | None]:
    """Keep what was found about the currencies of a metric's events in a time frame, and return it."""
    context.money[metric_id, str(frame)] = (context.now(), found)
    return found


def known_currencies(context: Context, metric_id: str, frame: Timeframe) -> set[str | None] | None:
    """Return what a query of this client has found; that of an unfinished time frame is good for an hour."""
    when, found = context.money.get((metric_id, str(frame)), (None, None))
    fresh = when is not None and context.now() - when < timedelta(seconds=lifetime(frame.end, when))
    return found if fresh else None
