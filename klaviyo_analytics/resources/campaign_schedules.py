"""When the messages of a campaign go out, as revision 2026-10-15 has it: each has a schedule of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import many, one_of, resource, serves, write
from klaviyo_analytics.resources._generated.messages import CampaignMessageMethods
from klaviyo_analytics.resources._reading import Context, checked_id, moment
from klaviyo_analytics.resources.campaign_writes import CampaignWrites
from klaviyo_analytics.timeframe.words import in_zone, zone_named
from klaviyo_analytics.writeback.confirmations import confirmed

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id

Schedule = Literal["static", "local_timezone", "throttled", "smart_send_time"]
PERCENTAGES = (1, 2, 5, 10, 11, 13, 14, 17, 20, 25, 33, 50)


class CampaignSchedules(CampaignWrites):
    """The schedule of a campaign's messages, all at once."""

    @serves("schedule_campaign")
    def schedule(
        self,
        campaign: Id,
        /,
        times: Mapping[Any, date | datetime | str] | pd.Series[Any],
        *,
        strategy: Schedule = "static",
        throttling_percentage: int | None = None,
        throttle_unit: Literal["hour", "minute"] | None = None,
        send_past_timezones_tomorrow: bool | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.DataFrame:
        """Schedule messages of a campaign in one request: all of them, or none if one cannot be scheduled.

        Parameters
        ----------
        campaign : str or pandas.Series
            Id or row of the campaign.
        times : mapping of str to date, datetime or str, or pandas.Series
            When each message goes out, by its id, which a Series has in its index. Times are read as
            `campaign_messages.schedule` reads them.
        strategy, throttling_percentage, throttle_unit, send_past_timezones_tomorrow
            As in `campaign_messages.schedule`, which also serves where messages differ in them.
        confirm : bool
            Must be True to schedule: the messages reach people.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.DataFrame
            One row per message: id (string, of the message), strategy (string), send_time (datetime64, UTC),
            send_date (string), throttling_percentage (Int64), throttle_unit (string).

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True. Nothing was sent.
        InvalidInputError
            `times` names no message, or an option is not allowed. Nothing was sent.
        InvalidQueryError
            The client's revision has no schedules of messages.

        Notes
        -----
        ``POST /api/campaign-schedule``, limited to 10/s and 150/m; scopes: campaigns:write. The official client of
        revision 2026-10-15 is the source of its form.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-10-15")
        >>> times = {"M1": "2026-12-01T09:00:00+00:00", "M2": "2026-12-02T09:00:00+00:00"}
        >>> request = client.campaigns.schedule("01SPRING", times, dry_run=True)
        >>> request["body"].item()["data"]["attributes"]["message_schedules"][0]
        {'message_id': 'M1', 'strategy': 'static', 'send_time': '2026-12-01T09:00:00+00:00'}
        """
        id, operation = checked_id(campaign, "campaign"), "schedule_campaign"
        endpoint = self._endpoint(operation)
        if not isinstance(times, Mapping | pd.Series) or not len(times):
            raise InvalidInputError(
                f"times={times!r} names no message. Pass the time of each by its id, "
                "such as {'MESSAGE': '2026-12-01 09:00'}."
            )
        options = _options(
            strategy, throttling_percentage, throttle_unit, tomorrow=send_past_timezones_tomorrow
        )
        each = [
            {"message_id": checked_id(message, "message"), **_when(self._context, strategy, time), **options}
            for message, time in times.items()
        ]
        if twice := [one for one, often in Counter(one["message_id"] for one in each).items() if often > 1]:
            raise InvalidInputError(f"times names the message {twice[0]} twice. Pass one time for each.")
        data = resource(endpoint, {"message_schedules": each, "campaign": id})
        if not dry_run:
            said = f"This schedules {len(each)} message{'s'[: len(each) != 1]} of the campaign {id}"
            confirmed(confirm, f"{said}; each goes to the people of its audience.")
        answer = write(self._context, operation, {}, {"data": data}, dry_run=dry_run)
        return answer if dry_run else many(self._context, "schedule_campaign_message", answer.get("messages"))


class CampaignMessageWrites(CampaignMessageMethods):
    """Writes of single messages that revision 2026-10-15 brought."""

    @serves("schedule_campaign_message")
    def schedule(
        self,
        message: Id,
        /,
        time: date | datetime | str,
        *,
        strategy: Schedule = "static",
        throttling_percentage: int | None = None,
        throttle_unit: Literal["hour", "minute"] | None = None,
        send_past_timezones_tomorrow: bool | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Schedule one message of a campaign; it goes out at that time.

        Parameters
        ----------
        message : str or pandas.Series
            Id or row of the message.
        time : date, datetime or str
            When it is sent. A time without a zone is read in the account's; with "local_timezone" it is the
            time on each recipient's clock, and with "smart_send_time" only its day counts.
        strategy : {"static", "local_timezone", "throttled", "smart_send_time"}
            How recipients are spread.
        throttling_percentage : int, optional
            With "throttled": percent of the recipients in each batch, one of 1, 2, 5, 10, 11, 13, 14, 17, 20, 25,
            33, 50.
        throttle_unit : {"hour", "minute"}, optional
            With "throttled": the time between batches.
        send_past_timezones_tomorrow : bool, optional
            With "local_timezone": whether those whose time has passed get it a day later, or at once.
        confirm : bool
            Must be True to schedule: the message reaches people.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The schedule: id, strategy, send_time (UTC), send_date, throttling_percentage, throttle_unit.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True. Nothing was sent.
        InvalidInputError
            An option is not allowed, or belongs to another strategy. Nothing was sent.
        InvalidQueryError
            The client's revision has no schedules of messages.

        Notes
        -----
        ``POST /api/campaign-message-schedule``, limited to 10/s and 150/m; scopes: campaigns:write. For several
        messages of a campaign at once there is `campaigns.schedule`.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-10-15")
        >>> request = client.campaign_messages.schedule("M1", "2026-12-01T09:00:00+00:00", dry_run=True)
        >>> request["body"].item()["data"]["attributes"]
        {'strategy': 'static', 'send_time': '2026-12-01T09:00:00+00:00'}
        """
        id, operation = checked_id(message, "message"), "schedule_campaign_message"
        endpoint = self._endpoint(operation)
        options = _options(
            strategy, throttling_percentage, throttle_unit, tomorrow=send_past_timezones_tomorrow
        )
        given = {**_when(self._context, strategy, time), **options, "campaign_message": id}
        data = resource(endpoint, given)
        if not dry_run:
            confirmed(confirm, f"This schedules the message {id}; it goes to the people of its audience.")
        return write(self._context, operation, {}, {"data": data}, dry_run=dry_run)

    @serves("update_campaign_message_schedule")
    def cancel_schedule(
        self, message: Id, /, *, revert: bool = False, dry_run: bool = False
    ) -> pd.DataFrame | Any:
        """Stop a message that is scheduled.

        Parameters
        ----------
        message : str or pandas.Series
            Id or row of what `schedule` returned.
        revert : bool
            True makes it a draft again; otherwise it stays cancelled.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Notes
        -----
        ``PATCH /api/campaign-message-schedule/{id}``, limited to 10/s and 150/m; scopes: campaigns:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-10-15")
        >>> request = client.campaign_messages.cancel_schedule("M1", revert=True, dry_run=True)
        >>> request["body"].item()["data"]["attributes"]
        {'action': 'revert'}
        """
        id, operation = checked_id(message, "message"), "update_campaign_message_schedule"
        action = {"action": "revert" if revert else "cancel"}
        data = resource(self._endpoint(operation), action, id=id)
        return write(self._context, operation, {"id": id}, {"data": data}, dry_run=dry_run)


def _when(context: Context, strategy: Schedule, time: date | datetime | str) -> dict[str, str]:
    """Return how and when a message goes out, as its strategy has it: on each clock, on a day, or at one time."""
    if strategy == "smart_send_time":
        return {
            "strategy": strategy,
            "send_date": in_zone(time, zone_named(context.timezone)).date().isoformat(),
        }
    if strategy == "local_timezone":  # each recipient's clock, written as if it were UTC
        return {"strategy": strategy, "send_time": in_zone(time, zone_named("UTC")).isoformat()}
    return {"strategy": strategy, "send_time": moment(context, time).isoformat()}


def _options(
    strategy: Schedule, percentage: int | None, unit: str | None, *, tomorrow: bool | None
) -> dict[str, Any]:
    """Return the options of a strategy; those of another one are refused."""
    one_of(strategy, "strategy", get_args(Schedule))
    for name, value, owner in (
        ("throttling_percentage", percentage, "throttled"),
        ("throttle_unit", unit, "throttled"),
        ("send_past_timezones_tomorrow", tomorrow, "local_timezone"),
    ):
        if value is not None and strategy != owner:
            raise InvalidInputError(f"{name}={value!r} belongs to strategy={owner!r}, not to {strategy!r}.")
    if strategy == "throttled":
        if percentage not in PERCENTAGES:
            raise InvalidInputError(
                f"throttling_percentage={percentage!r} is not allowed. strategy='throttled' needs one of "
                f"{', '.join(map(str, PERCENTAGES))}."
            )
        if unit is not None:
            one_of(unit, "throttle_unit", ("hour", "minute"))
        by = {} if unit is None else {"throttle_unit": unit}
        return {"throttled_options": {"throttling_percentage": percentage, **by}}
    if tomorrow is not None:
        return {"timezone_options": {"send_past_timezones_tomorrow": tomorrow}}
    return {}
