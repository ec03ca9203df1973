"""Writing events."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pandas as pd

from klaviyo_analytics.endpoints import load
from klaviyo_analytics.resources._base import Resource, serves
from klaviyo_analytics.resources._noun import Context, checked_id
from klaviyo_analytics.resources._times import moment
from klaviyo_analytics.resources._writes import resource, write
from klaviyo_analytics.timeframe._moments import Moment


class EventWrites(Resource):
    """What records an event."""

    @serves("create_event")
    def create(
        self,
        *,
        metric: str | tuple[str, str] | pd.Series[Any],
        profile: Any,
        properties: Mapping[str, Any] | None = None,
        value: float | None = None,
        value_currency: str | None = None,
        time: Moment | None = None,
        unique_id: str | None = None,
        dry_run: bool = False,
    ) -> Any:
        """Record one event; Klaviyo takes it at once and works on it later.

        Parameters
        ----------
        metric : str, (name, service) or metric row
            A name; a new one makes a new metric.
        profile : str, dict or row
            Whose: an e-mail address, a profile's id, or a dict of its attributes (email, phone_number,
            external_id, ...), which are written to the profile, too.
        properties : dict
            What else there is to know. Klaviyo keeps no property that is 0, empty or None.
        value : float
            What the event is worth, in major units of `value_currency`.
        value_currency : str
            ISO code, like "EUR".
        time : date, datetime or str
            When it happened; now, if not given.
        unique_id : str
            The same id twice is one event. One of its own, if not given, so that nothing collapses.
        dry_run : bool
            Show the request as a frame instead of sending it.

        Notes
        -----
        ``POST /api/events``, limited to 350/s and 3500/m; scopes: events:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     client.events.create(metric="Scored", profile="ann@shop.example", properties={"score": 4})
        """
        happened = attributes(
            self._context,
            metric=metric,
            properties=properties,
            value=value,
            value_currency=value_currency,
            time=time,
            unique_id=unique_id,
        )
        data = resource(load()["create_event"], {**happened, "profile": {"data": whose(profile)}})
        # a repeated unique_id is the same event, so a lost answer may be asked for again
        return write(self._context, "create_event", {}, {"data": data}, dry_run=dry_run, replay_safe=True)


def attributes(
    context: Context,
    *,
    metric: str | tuple[str, str] | pd.Series[Any],
    properties: Mapping[str, Any] | None = None,
    value: float | None = None,
    value_currency: str | None = None,
    time: Moment | None = None,
    unique_id: str | None = None,
) -> dict[str, Any]:
    """Write what happened, without whom it happened to."""
    given = {
        "value": value,
        "value_currency": value_currency,
        "time": None if time is None else moment(context, time).isoformat(),
    }
    return {
        "metric": {"data": {"type": "metric", "attributes": _metric(metric)}},
        "properties": dict(properties or {}),
        "unique_id": str(uuid.uuid4()) if unique_id is None else unique_id,
        **{name: value for name, value in given.items() if value is not None},
    }


def _metric(metric: str | tuple[str, str] | pd.Series[Any]) -> dict[str, str]:
    if isinstance(metric, pd.Series):
        metric = str(metric["name"])
    if isinstance(metric, tuple):
        return {"name": metric[0], "service": metric[1]}
    return {"name": metric}


def whose(profile: Any) -> dict[str, Any]:
    """Name a profile by its address, its id, or its attributes."""
    if isinstance(profile, str) and "@" in profile:
        return {"type": "profile", "attributes": {"email": profile}}
    if isinstance(profile, Mapping):
        named = {"id": profile["id"]} if "id" in profile else {}
        return {"type": "profile", **named, "attributes": {k: v for k, v in profile.items() if k != "id"}}
    return {"type": "profile", "id": checked_id(profile, "profile"), "attributes": {}}
