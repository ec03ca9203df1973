"""Writing events."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import Resource, serves, write
from klaviyo_analytics.resources._reading import checked_id
from klaviyo_analytics.resources.metrics import Metrics
from klaviyo_analytics.resources.profiles import applied
from klaviyo_analytics.timeframe.words import Moment
from klaviyo_analytics.writeback import Plan, Result
from klaviyo_analytics.writeback import events as plans
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.columns import Rest
from klaviyo_analytics.writeback.encode import DateFormat
from klaviyo_analytics.writeback.events import ReadMetrics

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id
    from klaviyo_analytics.writeback.columns import Tabular


class EventWrites(Resource):
    """Methods that create one event."""

    @serves("create_event")
    def create(
        self,
        *,
        metric: str | tuple[str, str] | pd.Series[Any],
        profile: Id | Mapping[str, Any],
        properties: Mapping[str, Any] | None = None,
        value: float | None = None,
        value_currency: str | None = None,
        time: Moment | None = None,
        unique_id: str | None = None,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Record one event; Klaviyo takes it at once and works on it later.

        Parameters
        ----------
        metric : str, (name, service) or metric row
            A name; a new one makes a new metric.
        profile : str, dict or row
            Whose: an email address, a profile's id, or a dict of its attributes (email, phone_number,
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
            True returns the request as a DataFrame and sends nothing.

        Notes
        -----
        ``POST /api/events``, limited to 350/s and 3500/m; scopes: events:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     client.events.create(metric="Scored", profile="ann@shop.example", properties={"score": 4})
        """
        given = {
            "metric": metric,
            "profile": profile,
            "properties": properties,
            "value": value,
            "value_currency": value_currency,
            "time": time,
            "unique_id": unique_id,
        }
        plan = plans.plan_given(self._context, [keywords(given)], "create()")
        # a repeated unique_id is the same event, so a lost answer may be asked for again
        return write(
            self._context, "create_event", {}, plan._single_request(), dry_run=dry_run, replay_safe=True
        )


def keywords(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of one event with a profile's attributes, a metric's name, and an id of its own."""
    metric, id = given.get("metric"), given.get("unique_id")
    return {
        **given,
        "metric": metric.get("name") if isinstance(metric, pd.Series) else metric,
        "profile": whose(given.get("profile")),
        "unique_id": str(uuid.uuid4()) if id is None else id,
    }


def whose(profile: Id | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a profile's attributes from an email address, an id, a row or a dict."""
    if isinstance(profile, str) and "@" in profile:
        return {"email": profile}
    if isinstance(profile, Mapping):
        if wrong := [name for name in profile if not isinstance(name, str)]:
            raise InvalidInputError(
                f"profile={{{wrong[0]!r}: ...}} has a name that is not text. Name attributes by text, like 'email'."
            )
        return dict(profile)
    return {"id": checked_id(profile, "profile")}


def profile_resource(profile: Id | Mapping[str, Any]) -> dict[str, Any]:
    """Return a profile as bodies hold it, from what `whose` takes."""
    attributes = whose(profile)
    named = {"id": attributes.pop("id")} if "id" in attributes else {}
    return {"type": "profile", **named, "attributes": attributes}


class EventFrames(Resource):
    """Methods that create many events."""

    @serves("bulk_create_events")
    def plan_create(
        self,
        frame: Tabular,
        /,
        *,
        metric: str | tuple[str, str] | pd.Series[Any],
        columns: Mapping[str, str] | None = None,
        properties: Rest = None,
        value_currency: str | None = None,
        on_duplicate: OnDuplicate = "error",
        compare: bool = False,
        phone_region: str | None = None,
        date_format: DateFormat = None,
    ) -> Plan:
        """Plan to record as many events as a frame has rows; nothing is sent.

        Klaviyo takes events at once and works on them later: what it says is "accepted". Each has a unique_id
        made of its content, so that running this again adds nothing. Without a time, that content is recorded once
        for ever: what happens every night needs a column time, or unique_id.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            One row an event. Columns named email, phone_number, external_id, anonymous_id or id say whose; time,
            when (what has no zone is read in the account's; now, without such a column); value, what it is worth.
        metric : str, (name, service) or metric row
            What happened; a new name makes a new metric, which cannot be deleted.
        columns : dict, optional
            What columns become: ``{"mail": "email", "total": "value", "sku": "properties.SKU"}``.
        properties : "rest", str or list of str, optional
            Columns that become properties of their own name.
        value_currency : str, optional
            Of all values, where no column says it: "EUR".
        on_duplicate : str
            Two rows that say the same of the same person at the same time: "error", or the "first" or "last" goes.
        compare : bool
            Read the account's metrics first; the notes of `preview()` say if this makes a new one. One that is easily
            taken for another ("placed order" for "Placed Order") needs ``apply(confirm=True)``.
        phone_region : str, optional
            The country whose national phone formats are turned into E.164, as two letters: "US" makes
            "(617) 555-0123" +16175550123. Needs the extra `phone`.
        date_format : str or dict, optional
            The format of dates that are texts, as `datetime.strptime` takes it ("%d/%m/%Y"), or a dict of formats by
            column. Without it texts are ISO 8601; what has no zone is read in the account's.

        Returns
        -------
        Plan
            See its `preview()`, whose notes name properties that Klaviyo would not keep; then `apply()`.

        Raises
        ------
        FrameError
            A column is missing or has nowhere to go. What is wrong with single rows is in `plan.problems`.

        Notes
        -----
        ``POST /api/event-bulk-create-jobs``, limited to 10/s and 150/m; scopes: events:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka, pandas as pd
        >>> scored = pd.DataFrame({"email": ["ann@shop.example"], "time": ["2026-05-01"], "score": [4]})
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     result = client.events.plan_create(scored, metric="Scored", properties="rest").apply()
        >>> result.rows["status"].item()
        'accepted'
        """
        return self._plan(
            Metrics(self._context).known if compare or self._context.metrics is not None else None,
            frame,
            metric=metric,
            columns=columns,
            properties=properties,
            value_currency=value_currency,
            on_duplicate=on_duplicate,
            compare=compare,
            phone_region=phone_region,
            date_format=date_format,
        )

    @serves("bulk_create_events")
    def create_many(
        self, frame: Tabular, /, *, metric: str | tuple[str, str] | pd.Series[Any], **options: Any
    ) -> Result:
        """Plan, check and send a frame of events in one go; nothing is sent if any row is bad.

        Where the name is easily taken for that of another metric, ``confirm=True`` is needed to make a new one.

        Parameters
        ----------
        frame : pandas.DataFrame
            As for `plan_create`.
        metric : str, (name, service) or metric row
            What happened.
        **options
            Those of `plan_create`, and those of `Plan.apply`: confirm, skip_invalid, journal, keep_journal, verify,
            timeout.

        Returns
        -------
        Result
            One row for each row of the frame.

        Raises
        ------
        FrameError
            Some rows cannot be sent; nothing was.

        Notes
        -----
        ``POST /api/event-bulk-create-jobs``, limited to 10/s and 150/m; scopes: events:write.
        """
        return applied(
            "create_many",
            partial(self._plan, Metrics(self._context).known),
            frame,
            {"metric": metric, **options},
        )

    def _plan(
        self,
        known: ReadMetrics | None,
        frame: Tabular,
        /,
        *,
        metric: str | tuple[str, str] | pd.Series[Any],
        columns: Mapping[str, str] | None = None,
        properties: Rest = None,
        value_currency: str | None = None,
        on_duplicate: OnDuplicate = "error",
        compare: bool = False,
        phone_region: str | None = None,
        date_format: DateFormat = None,
    ) -> Plan:
        """Plan; with `known`, look whether the metric is there, also where that takes a read."""
        return plans.plan_create(
            self._context,
            frame,
            metric=metric.get("name") if isinstance(metric, pd.Series) else metric,
            columns=columns,
            properties=properties,
            value_currency=value_currency,
            on_duplicate=on_duplicate,
            compare=compare,
            known=known,
            phone_region=phone_region,
            date_format=date_format,
        )
