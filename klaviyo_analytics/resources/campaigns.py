"""Campaigns and their messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import pandas as pd

from klaviyo_analytics.endpoints.query import Fields
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError, NoMatchError
from klaviyo_analytics.filters import F, as_filter
from klaviyo_analytics.frames.schema import READ_FIRST
from klaviyo_analytics.resources._base import only, serves
from klaviyo_analytics.resources._generated.messages import (
    CampaignField,
    CampaignInclude,
    CampaignMessageMethods,
    CampaignSort,
)
from klaviyo_analytics.resources._reading import (
    CHUNK,
    Context,
    Filtering,
    Reading,
    Span,
    chosen,
    instead,
    read_each,
)
from klaviyo_analytics.resources.accounts import added_up, finished, listed, lists_of_text
from klaviyo_analytics.resources.campaign_writes import CampaignWrites
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.resources.reports import read_by_ids, told
from klaviyo_analytics.resources.reports._base import by_channel, campaign_name
from klaviyo_analytics.vocabulary import CampaignGroupBy

Channel = Literal["email", "sms", "mobile_push"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
CHANNEL_FIELD = "messages.channel"


class Campaigns(CampaignWrites):
    """Campaigns of every channel.

    Until revision 2026-07-15 the API returns one channel a request, so that all channels take three requests. From
    2026-10-15 on it returns all of them at once and does not filter by channel.
    """

    @serves("get_campaigns")
    def list(
        self,
        *,
        channel: Channel | Sequence[Channel] | None = None,
        filter: Filtering = None,
        sort: CampaignSort | None = None,
        include: Sequence[CampaignInclude] | CampaignInclude = (),
        fields: Sequence[CampaignField] | CampaignField | Mapping[str, Sequence[str]] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Read every campaign as a row.

        Parameters
        ----------
        channel : {"email", "sms", "mobile_push"} or several of them
            All three, if not given. From revision 2026-10-15 on campaigns cannot be filtered by channel.
        filter : Filter or str
            On id (any), name (contains), status (any, equals), archived (equals), created_at, scheduled_at,
            updated_at (greater and less); from revision 2026-10-15 on also builder (equals), but not status and
            scheduled_at. A filter that names messages.channel itself is sent as it is.
        sort : str
            One of created_at, id, name, scheduled_at, updated_at; with a '-' before it, descending. It holds
            within each channel.
        include : list of str
            Any of campaign-messages, tags; from revision 2026-10-15 on also campaign-audiences.
        fields : list of str, or dict by type
            Only these attributes.
        limit : int
            Exactly so many rows in all.

        Returns
        -------
        pandas.DataFrame
            id, name, send_time, status, channel (string), archived (boolean), audiences.included (object), send_time
            (datetime64[us, UTC]) and the other attributes, `campaign_message_ids` and `tag_ids` where asked for
            by `include`. Times are in UTC. From revision 2026-10-15 on the name is in `definition.name`, and
            status, send time and channel belong to the messages: include campaign-messages to read the first two.

        Raises
        ------
        InvalidQueryError
            The query is not allowed, such as a channel from revision 2026-10-15 on. No request was sent.

        Notes
        -----
        ``GET /api/campaigns``, limited to 10/s and 150/m; scopes: campaigns:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     sent = client.campaigns.list(channel="email", filter=ka.F.status == "Sent")
        >>> sent["channel"].unique().tolist()
        ['email']
        """
        readings = self._readings(channel, filter, sort, include, fields, limit)
        if limit is None:
            read = read_each(lambda one: _marked(one[1].frame(), one[0]), readings)
            return pd.concat(read, ignore_index=True)
        frames: list[pd.DataFrame] = []
        for name, reading in readings:
            reading.limit = limit - sum(len(frame) for frame in frames)
            frames.append(_marked(reading.frame(), name))
        return pd.concat(frames, ignore_index=True)

    @serves("get_campaigns")
    def iter_frames(
        self,
        *,
        chunk_size: int = CHUNK,
        channel: Channel | Sequence[Channel] | None = None,
        filter: Filtering = None,
        sort: CampaignSort | None = None,
        include: Sequence[CampaignInclude] | CampaignInclude = (),
        fields: Sequence[CampaignField] | CampaignField | Mapping[str, Sequence[str]] | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Read every campaign as frames of at most `chunk_size` rows; see `list`.

        Notes
        -----
        ``GET /api/campaigns``, limited to 10/s and 150/m; scopes: campaigns:read.
        """
        readings = self._readings(channel, filter, sort, include, fields, None)
        chunks = [(name, reading.frames(chunk_size)) for name, reading in readings]
        return (_marked(frame, name) for name, frames in chunks for frame in frames)

    @serves("get_campaigns")
    def find(self, *, name: str) -> pd.Series[Any]:
        """Find the one campaign of a name, in any channel.

        Raises
        ------
        NoMatchError, AmbiguousMatchError
            None has it, or several have.

        Notes
        -----
        ``GET /api/campaigns``, limited to 10/s and 150/m; scopes: campaigns:read.
        """
        frame = self.list(filter=F.name.contains(name))
        column = campaign_name(self._context)
        found = frame[frame[column] == name]
        if found.empty:
            known = pd.concat(reading.frame() for _, reading in self._readings(fields=[column]))
            raise NoMatchError(f"No campaign has name={name!r}.{instead(name, known[column])}")
        return only(found, f"campaign with name={name!r}")

    def _readings(
        self,
        channel: Channel | Sequence[Channel] | None = None,
        filter: Filtering = None,
        sort: str | None = None,
        include: Sequence[str] | str = (),
        fields: Fields | None = None,
        limit: int | None = None,
    ) -> Sequence[tuple[str | None, Reading]]:
        query: dict[str, Any] = {"sort": sort, "include": include, "fields": fields, "limit": limit}
        asked = as_filter(filter) if filter is not None else None
        given = asked.conditions if asked is not None else ()
        named = [condition for condition in given if condition.field == CHANNEL_FIELD]
        if named:
            if channel is not None:
                raise InvalidInputError("Give the channel once: as channel=, or in the filter.")
            literal = (named[0].literal or "").strip("\"'")
            return [(literal, Reading(self._context, "get_campaigns", filter=filter, **query))]
        channels = CHANNELS if channel is None else (channel,) if isinstance(channel, str) else tuple(channel)
        if not channels:
            raise InvalidInputError(f"channel={channel!r}: name at least one of {', '.join(CHANNELS)}.")
        if unknown := [name for name in channels if name not in CHANNELS]:
            raise InvalidInputError(f"channel={unknown[0]!r} is not known; there are {', '.join(CHANNELS)}.")
        if not by_channel(self._context):
            if channel is not None:
                raise InvalidQueryError(
                    f"channel={channel!r} cannot be asked for in API revision {self._context.api.catalog.revision}: "
                    "its campaigns are not filtered by channel. Leave channel out."
                )
            return [(None, Reading(self._context, "get_campaigns", filter=filter, **query))]
        return [
            (name, Reading(self._context, "get_campaigns", filter=_in_channel(name, asked), **query))
            for name in channels
        ]

    @serves("query_campaign_values", "get_campaigns")
    def summary(
        self,
        timeframe: Span = "last 30 days",
        *,
        conversion_metric: Metric | None = None,
        by: CampaignGrain = "campaign",
    ) -> pd.DataFrame:
        """Return the results of each campaign in a time frame: recipients, engagement and revenue.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            At most a year, on the account's clock: people are counted once, which does not add up over years.
        conversion_metric : str, (name, integration) or metric row
            Whose events are conversions. The metric that the account maps to revenue, if not given; without
            one, "Placed Order".
        by : {"campaign", "message", "variation"}
            What a row is. Unique counts are each message's own, and add up over the messages of a campaign.

        Returns
        -------
        pandas.DataFrame
            One row each, in order of sending:

            - campaign_id, campaign (its name); by message also campaign_message_id, message; by variation also
              variation, variation_name;
            - channel, send_time (datetime in the account's time zone, as everything beside numbers is; records, as
              in `client.campaigns.list()`, have it in UTC), subject, status, tags (list of names);
            - recipients, delivered, bounced, opens, opens_unique, clicks, clicks_unique, unsubscribe_uniques,
              spam_complaints, conversions, conversion_uniques (Int64), conversion_value (float64), currency;
            - delivery_rate, bounce_rate, open_rate, click_rate, click_to_open_rate, unsubscribe_rate,
              spam_complaint_rate, conversion_rate, average_order_value, revenue_per_recipient (float64;
              fractions). `ka.analysis.rates` defines the numerator and denominator of each; both are added up over
              those messages of the row alone for which both are known, so text messages take no part in open_rate
              and click_to_open_rate;
            - open_rate_denominator (deliveries of the messages whose opens are known) and
              click_to_open_rate_numerator (their unique clicks), Int64: what these two rates are made of, beside
              opens_unique. Should a report lack another numerator, its rate's parts follow in the same form;
            - complete (boolean): the time frame is over. Late opens and orders still come in for days.

            Opens of text messages are missing, since nobody can see them.

        Raises
        ------
        AmbiguousMatchError, NoMatchError
            Several metrics have the name given, or none has.
        NotAdditiveError
            The time frame is longer than a year.
        InvalidQueryError
            The client's revision is 2026-10-15 or later, whose campaigns have no subject, status and send time of
            their own. No request was sent.

        Notes
        -----
        ``POST /api/campaign-values-reports``, limited to 1/s and 2/m and 225/d; scopes:
        campaigns:read.

        ``GET /api/campaigns``, limited to 10/s and 150/m; scopes: campaigns:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     summary = client.campaigns.summary("last 90 days")
        >>> summary.columns[:8].tolist()
        ['campaign_id', 'campaign', 'channel', 'send_time', 'subject', 'status', 'tags', 'recipients']
        """
        chosen([by], get_args(CampaignGrain), "by")
        if not by_channel(self._context):
            raise InvalidQueryError(
                f"campaigns.summary() cannot read the campaigns of API revision "
                f"{self._context.api.catalog.revision}. Use client.reports.campaign_values(), or connect with "
                "revision='2026-07-15'."
            )
        report = told(
            self._context,
            "campaign_values",
            timeframe=timeframe,
            by=[*GROUPS, *VARIATIONS] if by == "variation" else GROUPS,
            conversion_metric=conversion_metric,
        )
        records = _records(self._context, report)
        rows = added_up(report, KEYS[by]).merge(records, on="campaign_id", how="left", validate="m:1")
        rows["tags"] = lists_of_text(rows["tags"])  # a campaign that was deleted has none
        if by != "campaign":
            rows["subject"] = rows["campaign_message_id"].map(_subjects(records)).astype("string")
        columns = [
            "campaign_id", "campaign", *KEYS[by][1:], "channel", "send_time", "subject", "status", "tags",
        ]  # fmt: skip
        return finished(rows.sort_values(["send_time", *KEYS[by]], kind="stable"), columns, report)


class CampaignMessages(CampaignMessageMethods):
    """Messages of campaigns; `campaigns.messages(campaign_id)` lists them."""


def _in_channel(name: str, asked: Any) -> Any:
    where = F[CHANNEL_FIELD] == name
    return where & asked if asked is not None else where


def _marked(frame: pd.DataFrame, channel: str | None) -> pd.DataFrame:
    if channel is None:  # of a revision that does not return it
        return frame
    frame.insert(
        1 + int(frame.columns.isin(READ_FIRST).sum()),
        "channel",
        pd.Series([channel] * len(frame), dtype="string"),
    )
    return frame


CampaignGrain = Literal["campaign", "message", "variation"]
KEYS: dict[CampaignGrain, list[str]] = {
    "campaign": ["campaign_id"],
    "message": ["campaign_id", "campaign_message_id", "message"],
    "variation": ["campaign_id", "campaign_message_id", "message", "variation", "variation_name"],
}
GROUPS: list[CampaignGroupBy] = ["campaign_id", "campaign_message_id", "send_channel"]
VARIATIONS: list[CampaignGroupBy] = ["variation", "variation_name"]
FIELDS = {
    "campaign": ["name", "status", "send_time"],
    "campaign-message": ["definition.content.subject"],
    "tag": ["name"],
}
SUBJECTS = "campaign_messages.definition.content.subject"


def _records(context: Context, report: pd.DataFrame) -> pd.DataFrame:
    """Read the campaigns that the report names, with their messages and tags."""
    frame = read_by_ids(
        context,
        "campaign",
        report["campaign_id"].dropna().unique().tolist(),
        report["send_channel"].dropna().unique().tolist(),
        include=["campaign-messages", "tags"],
        fields=FIELDS,
    )
    return pd.DataFrame(
        {
            "campaign_id": frame["id"],
            "campaign": frame["name"],
            "send_time": frame["send_time"].dt.tz_convert(context.timezone),
            "subject": pd.array(
                [listed(subjects) for subjects in lists_of_text(frame[SUBJECTS])], dtype="string"
            ),
            "status": frame["status"],
            "tags": lists_of_text(frame["tags.name"]),
            "message_ids": lists_of_text(frame["campaign_message_ids"]),
            "subjects": lists_of_text(frame[SUBJECTS]),
        }
    )


def _subjects(records: pd.DataFrame) -> dict[str, str | None]:
    """Return each message's subject."""
    return {
        id: subject
        for ids, subjects in zip(records["message_ids"], records["subjects"], strict=True)
        for id, subject in zip(ids, subjects, strict=True)
    }
