"""Writing campaigns: create, change, estimate, send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from klaviyo_analytics.endpoints.revisions import NewerSending, newer_campaign, newer_sending
from klaviyo_analytics.errors import ApiError, InvalidInputError, KlaviyoError, RequestTimeoutError
from klaviyo_analytics.http.cancellation import wait_for
from klaviyo_analytics.resources._base import UNSET, identifiers, resource, serves, write
from klaviyo_analytics.resources._generated.messages import CampaignMethods
from klaviyo_analytics.resources._reading import Context, Reading, checked_id, moment, read_one
from klaviyo_analytics.timeframe.words import in_zone, zone_named
from klaviyo_analytics.writeback.confirmations import confirmed

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id, Ids

EMAIL = ("subject", "preview_text", "from_email", "from_label", "reply_to_email", "cc_email", "bcc_email")
SMS = ("body",)
Strategy = Mapping[str, Any] | str | date | datetime


def message_bodies(
    channel: str | None,
    definitions: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
    label: str | None,
    content: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return the messages of a campaign: definitions as given, or one plain message of a channel."""
    if (channel is None) == (definitions is None):
        raise InvalidInputError("campaigns.create(): pass channel= with its content, or campaign_messages=.")
    if definitions is not None:
        if content or label is not None:
            raise InvalidInputError(f"campaign_messages= holds the content; leave {', '.join(content)} out.")
        several = [definitions] if isinstance(definitions, Mapping) else list(definitions)
    else:
        several = [_definition(str(channel), label, content)]
    return [
        dict(each)
        if "attributes" in each
        else {"type": "campaign-message", "attributes": {"definition": dict(each)}}
        for each in several
    ]


def _definition(channel: str, label: str | None, content: Mapping[str, str]) -> dict[str, Any]:
    """Return the definition of one plain message."""
    if channel not in ("email", "sms"):
        raise InvalidInputError(
            f"channel={channel!r}: 'email' and 'sms' are built from keywords; for others give campaign_messages=."
        )
    allowed = EMAIL if channel == "email" else SMS
    if unknown := [name for name in content if name not in allowed]:
        raise InvalidInputError(f"{channel} content has no {unknown[0]!r}; it has {', '.join(allowed)}.")
    return {"channel": channel, **({} if label is None else {"label": label}), "content": dict(content)}


def audience_body(given: Ids | Mapping[str, Ids]) -> dict[str, list[str]]:
    """Return the audiences of a campaign as the API takes them."""
    if isinstance(given, Mapping):
        if unknown := [name for name in given if name not in ("included", "excluded")]:
            raise InvalidInputError(f"audiences has no {unknown[0]!r}; it has included and excluded.")
        parts = given
    else:
        parts = {"included": given}
    groups = {
        name: [one["id"] for one in identifiers("list", ids)]
        for name, given_ids in parts.items()
        if not isinstance(ids := [*given_ids] if isinstance(given_ids, Iterator) else given_ids, Sized)
        or len(ids)
    }
    if "included" not in groups:
        raise InvalidInputError("audiences: include at least one list or segment.")
    return groups


def strategy(context: Context, given: Any) -> Any:
    """Return a send strategy as the API takes it."""
    if given is UNSET:
        return given
    if isinstance(given, Mapping):
        when, options = given.get("datetime"), given.get("options")
        if when is None:
            return given
        # sent by each recipient's own clock, which Klaviyo wants written as if it were UTC
        local = isinstance(options, Mapping) and bool(options.get("is_local"))
        sent = in_zone(when, zone_named("UTC")) if local else moment(context, when)
        return {**given, "datetime": sent.isoformat()}
    if given == "immediate":
        return {"method": "immediate"}
    return {"method": "static", "datetime": moment(context, given).isoformat()}


class CampaignWrites(CampaignMethods):
    """Methods that create, change and send a campaign.

    From revision 2026-10-15 on a campaign holds audiences and messages: its send strategy, send options and tracking
    options are set on each message, and what has no equivalent there is refused.
    """

    def _is_newer(self, operation: str) -> bool:
        """Return whether the client's revision takes campaigns in the form of 2026-10-15."""
        body = self._endpoint(operation).body
        return body is not None and "definition" in body.required

    def _sending(self, send_strategy: Any, send_options: Any, tracking_options: Any) -> NewerSending:
        """Return the arguments of the older form as revision 2026-10-15 has them."""
        given = (strategy(self._context, send_strategy), send_options, tracking_options)
        return newer_sending(*(None if value is UNSET else value for value in given))

    @serves("create_campaign")
    def create(
        self,
        *,
        name: str,
        audiences: Ids | Mapping[str, Ids],
        channel: Literal["email", "sms"] | None = None,
        campaign_messages: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        send_strategy: Strategy = UNSET,
        send_options: Mapping[str, Any] = UNSET,
        tracking_options: Mapping[str, Any] = UNSET,
        label: str | None = None,
        dry_run: bool = False,
        **content: str,
    ) -> pd.Series[Any] | Any:
        """Create a campaign as a draft; `send` sends it.

        Parameters
        ----------
        name : str
            Its name in Klaviyo.
        audiences : str, list, frame, or dict
            Ids (or rows) of lists and segments; or ``{"included": [...], "excluded": [...]}``.
        channel : {"email", "sms"}
            For a campaign of one plain message, with its content as keywords: `subject`, `preview_text`,
            `from_email`, `from_label`, `reply_to_email`, `cc_email`, `bcc_email` of an email, `body` of a text
            message.
        campaign_messages : dict or list of dict
            Instead of `channel` and content: definitions as the API takes them, like
            ``{"channel": "mobile_push", "notification_type": "standard", "content": {...}}``.
        send_strategy : datetime, "immediate", or dict
            When to send: at a time (in the account's time zone, if it has none of its own), as soon as `send`
            is called, or a strategy as the API takes it. Klaviyo's default, if not given.
        send_options, tracking_options : dict
            As the API takes them.
        label : str
            Name of the email within the campaign.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The campaign.

        Raises
        ------
        InvalidInputError
            Content, audiences or the channel are not as described. No request was sent.
        InvalidQueryError
            From revision 2026-10-15 on: an option has no equivalent there, such as "smart_send_time" (schedule the
            message instead) or custom_tracking_params. No request was sent.

        Notes
        -----
        From revision 2026-10-15 on, when to send and which opens and clicks are tracked is set on each message after
        the campaign is created, with a request each; `dry_run` shows it with MESSAGE_ID for the id.

        ``POST /api/campaigns``, limited to 10/s and 150/m; scopes: campaigns:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     newsletter = client.lists.find(name="Newsletter")
        ...     request = client.campaigns.create(
        ...         name="Spring", audiences=newsletter, channel="email", subject="New teas", dry_run=True
        ...     )
        >>> request["path"].item()
        '/api/campaigns'
        """
        messages = message_bodies(channel, campaign_messages, label, content)
        if self._is_newer("create_campaign"):
            sending = self._sending(send_strategy, send_options, tracking_options)
            attributes = newer_campaign(name, audience_body(audiences), messages, sending)
            return self._create_newer(attributes, sending, dry_run=dry_run)
        given = {
            "name": name,
            "audiences": audience_body(audiences),
            "campaign_messages": {"data": messages},
            "send_strategy": strategy(self._context, send_strategy),
            "send_options": send_options,
            "tracking_options": tracking_options,
        }
        data = resource(self._endpoint("create_campaign"), given)
        return write(self._context, "create_campaign", {}, {"data": data}, dry_run=dry_run)

    @serves("update_campaign")
    def update(
        self,
        campaign: Id,
        /,
        *,
        name: str = UNSET,
        audiences: Ids | Mapping[str, Ids] = UNSET,
        send_strategy: Strategy = UNSET,
        send_options: Mapping[str, Any] = UNSET,
        tracking_options: Mapping[str, Any] = UNSET,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Change a campaign, and return it; only what is named is changed.

        The arguments are those of `create`; audiences are replaced as a whole. Messages are changed with
        `client.campaign_messages.update`. From revision 2026-10-15 on, options are changed on each message, with a
        request each, and audiences only where the campaign has one.

        Notes
        -----
        ``PATCH /api/campaigns/{id}``, limited to 10/s and 150/m; scopes: campaigns:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> request = client.campaigns.update("01SPRING", name="Spring teas", dry_run=True)
        >>> request["body"].item()["data"]["attributes"]
        {'name': 'Spring teas'}
        """
        if self._is_newer("update_campaign"):
            sending = self._sending(send_strategy, send_options, tracking_options)
            id = checked_id(campaign, "campaign")
            return self._update_newer(id, name, audiences, sending, dry_run=dry_run)
        given = {
            "name": name,
            "audiences": audiences if audiences is UNSET else audience_body(audiences),
            "send_strategy": strategy(self._context, send_strategy),
            "send_options": send_options,
            "tracking_options": tracking_options,
        }
        if all(value is UNSET for value in given.values()):
            raise InvalidInputError(f"update(): nothing to change was named; there are {', '.join(given)}.")
        id = checked_id(campaign, "campaign")
        data = resource(self._endpoint("update_campaign"), given, id=id)
        return write(self._context, "update_campaign", {"id": id}, {"data": data}, dry_run=dry_run)

    def _create_newer(self, attributes: Mapping[str, Any], sending: NewerSending, *, dry_run: bool) -> Any:
        """Create a campaign of revision 2026-10-15, then set on its messages what they do not take at first."""
        data = resource(self._endpoint("create_campaign"), attributes)
        made = write(self._context, "create_campaign", {}, {"data": data}, dry_run=dry_run)
        _, later = sending.created()
        if dry_run:
            ids = ["MESSAGE_ID"] if later else []
            rest = [self._patch("update_campaign_message", each, later, dry_run=True) for each in ids]
            return pd.concat([made, *rest], ignore_index=True)
        id = str(made["id"])
        try:
            for message in self._parts(id, "get_messages_for_campaign") if later else ():
                self._patch("update_campaign_message", message, later)
        except KlaviyoError as error:
            error.add_note(f"The campaign {id} was created as a draft; campaigns.update() sets the rest.")
            raise
        return self.get(id)

    def _parts(self, id: str, operation: str) -> list[str]:
        """Return the ids of a campaign's messages or audiences."""
        return [str(part) for part in Reading(self._context, operation, {"id": id}).frame()["id"]]

    def _patch(self, operation: str, id: str, definition: Any, *, dry_run: bool = False) -> Any:
        """Change the definition of a campaign, an audience or a message of revision 2026-10-15."""
        data = resource(self._endpoint(operation), {"definition": definition}, id=id)
        return write(self._context, operation, {"id": id}, {"data": data}, dry_run=dry_run)

    def _update_newer(
        self, id: str, name: Any, audiences: Ids | Mapping[str, Ids], sending: NewerSending, *, dry_run: bool
    ) -> Any:
        """Change a campaign of revision 2026-10-15: its name, whom its one audience holds, how its messages go."""
        settings = {"send_settings": sending.settings} if sending.settings else {}
        changes = [("update_campaign", id, {**({} if name is UNSET else {"name": name}), **settings})]
        if not changes[0][2] and not sending.message and audiences is UNSET:
            names = "name, audiences, send_strategy, send_options, tracking_options"
            raise InvalidInputError(f"update(): nothing to change was named; there are {names}.")
        if audiences is not UNSET:
            groups = {"included": [], "excluded": [], **audience_body(audiences)}
            known = self._parts(id, "get_campaign_audiences_for_campaign")
            if len(known) != 1:
                raise InvalidInputError(
                    f"The campaign {id} has {len(known)} audiences, and audiences= means one. "
                    "Change them one by one with client.request('PATCH', '/api/campaign-audiences/ID', json=...)."
                )
            changes.insert(0, ("update_campaign_audience", known[0], groups))
        for message in self._parts(id, "get_messages_for_campaign") if sending.message else ():
            changes.append(("update_campaign_message", message, sending.message))
        shown = [self._patch(*change, dry_run=dry_run) for change in changes if change[2]]
        return pd.concat(shown, ignore_index=True) if dry_run else self.get(id)

    @serves(
        "refresh_campaign_recipient_estimation",
        "get_campaign_recipient_estimation_job",
        "get_campaign_recipient_estimation",
    )
    def estimate_recipients(
        self, campaign: Id, /, *, timeout: float = 120.0, dry_run: bool = False
    ) -> int | Any:
        """Estimate how many people a campaign would reach now: starts the estimation, waits for it, reads it.

        Parameters
        ----------
        campaign : str
            Id, or a row that `list`, `get` or `create` returned.
        timeout : float
            Seconds to wait at most.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        int

        Raises
        ------
        RequestTimeoutError
            The estimation did not finish in time.

        Notes
        -----
        ``POST /api/campaign-recipient-estimation-jobs``, limited to 10/s and 150/m; scopes:
        campaigns:write.

        ``GET /api/campaign-recipient-estimation-jobs/{id}``, limited to 10/s and 150/m; scopes:
        campaigns:read.

        ``GET /api/campaign-recipient-estimations/{id}``, limited to 10/s and 150/m; scopes:
        campaigns:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     sent = client.campaigns.list(channel="email", limit=1).iloc[0]
        ...     reach = client.campaigns.estimate_recipients(sent)
        >>> type(reach)
        <class 'int'>
        """
        id, context = checked_id(campaign, "campaign"), self._context
        start = "refresh_campaign_recipient_estimation"
        body = {"data": resource(self._endpoint(start), {}, id=id)}
        started = write(context, start, {}, body, dry_run=dry_run, replay_safe=True)
        if dry_run:
            return started
        wait_for(
            lambda: str(read_one(context, "get_campaign_recipient_estimation_job", {"id": id})["status"]),
            lambda status: status in ("complete", "cancelled"),
            what=f"The estimation of the recipients of campaign {id}",
            timeout=timeout,
            sleep=context.sleep,
            clock=context.clock,
        )
        estimation = read_one(context, "get_campaign_recipient_estimation", {"id": id})
        return int(estimation["estimated_recipient_count"])

    @serves("send_campaign")
    def send(self, campaign: Id, /, *, confirm: bool = False, dry_run: bool = False) -> pd.Series[Any] | Any:
        """Send a campaign now, or schedule it, as its send strategy says.

        Parameters
        ----------
        campaign : str
            Id, or a row that `list`, `get` or `create` returned.
        confirm : bool
            True confirms. Without it, the error says which campaign would go to how many people.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The send job; `send_job` says how far it is.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True. No request was sent.

        Notes
        -----
        ``POST /api/campaign-send-jobs``, limited to 10/s and 150/m; scopes: campaigns:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> request = client.campaigns.send("01SPRING", dry_run=True)
        >>> request["body"].item()
        {'data': {'type': 'campaign-send-job', 'id': '01SPRING'}}
        """
        id = checked_id(campaign, "campaign")
        if not dry_run:
            found = self.get(id, fields=["name", "status"])
            if str(found["status"]) in ("Sent", "Sending"):
                raise InvalidInputError(
                    f"The campaign {found['name']!r} ({id}) is {found['status']} and goes out once; "
                    "campaigns.clone(...) makes a draft of it."
                )
            if confirm is not True:
                confirmed(confirm, f"This sends the campaign {found['name']!r} ({id}) to {self._reach(id)}.")
        data = resource(self._endpoint("send_campaign"), {}, id=id)
        return write(self._context, "send_campaign", {}, {"data": data}, dry_run=dry_run)

    @serves("cancel_campaign_send")
    def cancel(self, campaign: Id, /, *, revert: bool = False, dry_run: bool = False) -> pd.DataFrame | Any:
        """Stop a campaign that is being sent or scheduled.

        Parameters
        ----------
        campaign : str
            Id, or a row that `list`, `get` or `create` returned.
        revert : bool
            True makes it a draft again; otherwise it stays cancelled.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Notes
        -----
        ``PATCH /api/campaign-send-jobs/{id}``, limited to 10/s and 150/m; scopes: campaigns:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> request = client.campaigns.cancel("01SPRING", revert=True, dry_run=True)
        >>> request["body"].item()["data"]["attributes"]
        {'action': 'revert'}
        """
        id = checked_id(campaign, "campaign")
        action = {"action": "revert" if revert else "cancel"}
        data = resource(self._endpoint("cancel_campaign_send"), action, id=id)
        return write(self._context, "cancel_campaign_send", {"id": id}, {"data": data}, dry_run=dry_run)

    def _reach(self, id: str) -> str:
        try:
            return f"about {self.estimate_recipients(id, timeout=30):,} people"
        except (ApiError, RequestTimeoutError):
            return "a number of people that could not be estimated"
