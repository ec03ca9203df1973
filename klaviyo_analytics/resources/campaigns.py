"""Campaigns and their messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import pandas as pd

from klaviyo_analytics.endpoints import load
from klaviyo_analytics.endpoints.query import Fields, build
from klaviyo_analytics.endpoints.revisions import SMART_SENDING
from klaviyo_analytics.errors import InvalidInputError, InvalidQueryError, NoMatchError
from klaviyo_analytics.filters import F, as_filter
from klaviyo_analytics.frames.columns import array
from klaviyo_analytics.frames.schema import READ_FIRST, schema
from klaviyo_analytics.resources._base import UNSET, only, serves
from klaviyo_analytics.resources._generated.messages import (
    CampaignAudienceMethods,
    CampaignField,
    CampaignInclude,
    CampaignSort,
    CampaignVariationMethods,
)
from klaviyo_analytics.resources._reading import (
    CHUNK,
    Context,
    Filtering,
    Reading,
    Span,
    checked_id,
    chosen,
    frames_in_turn,
    instead,
    read_each,
    read_one,
)
from klaviyo_analytics.resources.accounts import added_up, finished, listed, lists_of_text
from klaviyo_analytics.resources.campaign_schedules import CampaignMessageWrites, CampaignSchedules
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.resources.reports import read_by_ids, told
from klaviyo_analytics.resources.reports._base import by_channel
from klaviyo_analytics.vocabulary import CampaignGroupBy

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id
    from klaviyo_analytics.resources._generated.rows import CampaignRow

Channel = Literal["email", "sms", "mobile_push"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
CHANNEL_FIELD = "messages.channel"


class Campaigns(CampaignSchedules):
    """Campaigns of every channel.

    Until revision 2026-07-15 the API returns one channel a request, so that all channels take three requests. From
    2026-10-15 on it returns all of them at once, does not filter by channel, and has status and send time on each
    message: the same columns are read from the included messages, and are missing where messages differ.
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
            Only these attributes, in the words of any revision: name, status, send_time, audiences, or
            definition.builder.
        limit : int
            Exactly so many rows in all.

        Returns
        -------
        pandas.DataFrame
            id, name, send_time, status, channel (string), archived (boolean), audiences.included (object), send_time
            (datetime64[us, UTC]) and the other attributes, `campaign_message_ids` and `tag_ids` where asked for
            by `include`. Times are in UTC.

            From revision 2026-10-15 on, status, send_time, use_smart_sending and tracking_options come from the
            campaign's messages and audiences from its audiences; each is missing where these differ. channel,
            scheduled_at, send_strategy and custom_tracking_params have no equivalent there and are missing (a message
            has send options: include campaign-messages). What is new follows:
            definition.builder, definition.color, definition.description (string) and definition.send_settings....

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
        form = self._form(include, fields)
        readings = self._readings(channel, filter, sort, form or (include, fields), limit)
        if limit is None:
            read = read_each(lambda one: _marked(one[1].frame(), one[0], form), readings)
            return pd.concat(read, ignore_index=True)
        frames: list[pd.DataFrame] = []
        for name, reading in readings:
            reading.limit = limit - sum(len(frame) for frame in frames)
            frames.append(_marked(reading.frame(), name, form))
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
        """Read every campaign as frames of at most `chunk_size` rows, channel by channel; see `list`.

        While the frames of a channel are used, the first frame of each other channel is read already.

        Notes
        -----
        ``GET /api/campaigns``, limited to 10/s and 150/m; scopes: campaigns:read.
        """
        form = self._form(include, fields)
        readings = self._readings(channel, filter, sort, form or (include, fields), None)
        chunks = [
            map(partial(_marked, channel=name, form=form), reading.frames(chunk_size))
            for name, reading in readings
        ]
        return frames_in_turn(chunks)

    @serves("get_campaign")
    def get(
        self,
        id: Id,
        /,
        *,
        include: Sequence[CampaignInclude] | CampaignInclude = (),
        fields: Sequence[CampaignField] | CampaignField | Mapping[str, Sequence[str]] | None = None,
    ) -> CampaignRow:
        """Read one campaign by its id, as a row.

        Parameters
        ----------
        id : str or pandas.Series
            Id, or a row that has one, such as `list` and `find` return.
        include : str or list of str, optional
            Any of campaign-messages, tags; from revision 2026-10-15 on also campaign-audiences.
        fields : list of str, or dict by type, optional
            As in `list`.

        Returns
        -------
        pandas.Series
            The columns of `list`, without channel. Times are in UTC.

        Raises
        ------
        InvalidQueryError
            An argument is not allowed for this endpoint. No request was sent.
        NotFoundError
            No campaign has this id.

        Notes
        -----
        ``GET /api/campaigns/{id}``, limited to 10/s and 150/m; scopes: campaigns:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     latest = client.campaigns.list(sort="-created_at", limit=1).iloc[0]
        ...     campaign = client.campaigns.get(latest)
        >>> campaign["name"] == latest["name"]
        True
        """
        form = self._form(include, fields)
        if form is None:
            return super().get(id, include=include, fields=fields)
        named = {"id": checked_id(id)}
        row = read_one(self._context, "get_campaign", named, include=form.include, fields=form.fields)
        frame = form.rows(pd.DataFrame({name: [value] for name, value in row.items()}))
        values = {name: frame[name].iloc[0] for name in frame.columns}
        return cast("CampaignRow", pd.Series(values, dtype=object).rename(str(row["id"])))

    def _apply(self, operation: str, id: Any, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        """Copy a campaign: the name of the copy is new_name until revision 2026-07-15 and name after it."""
        given = {name: value for name, value in attributes.items() if value is not UNSET}
        if len(given) > 1:
            raise InvalidInputError("campaigns.clone(): new_name= and name= mean the same. Pass one of them.")
        older = by_channel(self._context)
        named = dict.fromkeys(
            ["new_name" if older else "name"] if given else (), next(iter(given.values()), None)
        )
        made = super()._apply(operation, id, named, dry_run=dry_run)
        return made if dry_run or older else self.get(made)

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
        found = frame[frame["name"] == name]
        if found.empty:
            known = self.list(fields=["name"])["name"]
            raise NoMatchError(f"No campaign has name={name!r}.{instead(name, known)}")
        return only(found, f"campaign with name={name!r}")

    def _form(self, include: Sequence[str] | str, fields: Fields | None) -> NewerForm | None:
        """Return how a question is put to a revision with campaigns in the newer form; None for an older one."""
        return None if by_channel(self._context) else NewerForm(include, fields)

    def _readings(
        self,
        channel: Channel | Sequence[Channel] | None,
        filter: Filtering,
        sort: str | None,
        shown: NewerForm | tuple[Sequence[str] | str, Fields | None],
        limit: int | None,
    ) -> Sequence[tuple[str | None, Reading]]:
        include, fields = (shown.include, shown.fields) if isinstance(shown, NewerForm) else shown
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
              spam_complaints, conversions, conversion_uniques (Int64), conversion_value (float64), currency
              (that of the orders, missing with a ReadingWarning where they have several, which Klaviyo adds
              unconverted; ``attrs["currency_source"]`` says from where it is known);
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

        Notes
        -----
        From revision 2026-10-15 on, status and send time are those of the campaign's messages (missing where they
        differ), and the subjects of emails are read with one request a message, once a client.

        ``POST /api/campaign-values-reports``, limited to 1/s and 2/m and 225/d; scopes:
        campaigns:read.

        ``GET /api/campaigns``, limited to 10/s and 150/m; scopes: campaigns:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     summary = client.campaigns.summary("last 90 days")
        >>> summary.columns[:7].tolist()
        ['campaign', 'channel', 'send_time', 'subject', 'status', 'tags', 'recipients']
        """
        chosen([by], get_args(CampaignGrain), "by")
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


class CampaignMessages(CampaignMessageWrites):
    """Messages of campaigns; `campaigns.messages(campaign_id)` lists them."""


class CampaignAudiences(CampaignAudienceMethods):
    """Who gets the messages of a campaign; `campaigns.audiences(campaign_id)` lists them (since 2026-10-15)."""


class CampaignVariations(CampaignVariationMethods):
    """Versions of a message; `campaign_messages.variations(message_id)` lists them (since 2026-10-15)."""


def _in_channel(name: str, asked: Any) -> Any:
    where = F[CHANNEL_FIELD] == name
    return where & asked if asked is not None else where


def _marked(frame: pd.DataFrame, channel: str | None, form: NewerForm | None = None) -> pd.DataFrame:
    if form is not None:
        frame = form.rows(frame)
    frame.insert(
        1 + int(frame.columns.isin(READ_FIRST).sum()),
        "channel",
        pd.Series([channel] * len(frame), dtype="string"),  # missing in a revision that does not return it
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
SUBJECT = "definition.content.subject"
FIELDS = {
    "campaign": ["name", "status", "send_time"],
    "campaign-message": [SUBJECT],
    "tag": ["name"],
}
SUBJECTS = f"campaign_messages.{SUBJECT}"


def _records(context: Context, report: pd.DataFrame) -> pd.DataFrame:
    """Read the campaigns that the report names, with their messages and tags."""
    ids = report["campaign_id"].dropna().unique().tolist()
    channels = report["send_channel"].dropna().unique().tolist()
    include = ["campaign-messages", "tags"]
    if by_channel(context):
        frame = read_by_ids(context, "campaign", ids, channels, include=include, fields=FIELDS)
        subjects = lists_of_text(frame[SUBJECTS])
    else:
        form = NewerForm(include, {**FIELDS, "campaign-message": ["definition.name"]})
        frame = form.rows(read_by_ids(context, "campaign", ids, include=form.include, fields=form.fields))
        emails = set(report.loc[report["send_channel"] == "email", "campaign_id"].dropna())
        subjects = pd.Series(
            [
                [_subject(context, message) if id in emails else None for message in messages]
                for id, messages in zip(
                    frame["id"], lists_of_text(frame["campaign_message_ids"]), strict=True
                )
            ],
            dtype="object",
        )
    return pd.DataFrame(
        {
            "campaign_id": frame["id"],
            "campaign": frame["name"],
            "send_time": frame["send_time"].dt.tz_convert(context.timezone),
            "subject": pd.array([listed(several) for several in subjects], dtype="string"),
            "status": frame["status"],
            "tags": lists_of_text(frame["tags.name"]),
            "message_ids": lists_of_text(frame["campaign_message_ids"]),
            "subjects": subjects,
        }
    )


def _subject(context: Context, message: str) -> str | None:
    """Return the subject of an email, which is read once a client."""
    known = context.names.setdefault("subject", {})
    if message not in known:
        known[message] = read_subject(context, message)
    return known[message]


def read_subject(context: Context, message: str) -> str | None:
    """Read the subject of an email, or those of its variations with commas, where variations hold them."""
    column = "definition.details.subject"
    reading = Reading(context, "get_variations_for_campaign_message", {"id": message}, fields=[column])
    return listed(value for value in reading.frame()[column] if pd.notna(value) and value)


def _subjects(records: pd.DataFrame) -> dict[str, str | None]:
    """Return the subject of each message, and of each campaign: some accounts' reports name a message by it."""
    of_messages = {
        id: subject
        for ids, subjects in zip(records["message_ids"], records["subjects"], strict=True)
        for id, subject in zip(ids, subjects, strict=True)
    }
    return dict(zip(records["campaign_id"], records["subject"], strict=True)) | of_messages


OLDER = "2026-07-15"  # the last revision whose campaigns have status and send time of their own
SOURCES: Mapping[str, tuple[str, str]] = {
    "name": ("campaign", "definition.name"),
    "archived": ("campaign", "definition.archived"),
    "created_at": ("campaign", "created_at"),
    "updated_at": ("campaign", "updated_at"),
    "status": ("campaign-message", "definition.status"),
    "send_time": ("campaign-message", "definition.send_options.send_time"),
    "send_options.use_smart_sending": ("campaign-message", "definition.send_options.throttling_type"),
    "tracking_options.add_tracking_params": ("campaign-message", "definition.tracking_options.is_add_utm"),
    "tracking_options.is_tracking_clicks": (
        "campaign-message",
        "definition.tracking_options.is_tracking_clicks",
    ),
    "tracking_options.is_tracking_opens": (
        "campaign-message",
        "definition.tracking_options.is_tracking_opens",
    ),
    "audiences.included": ("campaign-audience", "definition.included"),
    "audiences.excluded": ("campaign-audience", "definition.excluded"),
}
"""Where revision 2026-10-15 has what the older ones have on the campaign."""
PARTS = {"campaign-message": "campaign-messages", "campaign-audience": "campaign-audiences"}


class NewerForm:
    """A question about campaigns, put to revision 2026-10-15 or later, and its answer in the older columns.

    `include` and `fields` are what is asked; `rows` makes the columns of the older revisions from the answer.
    """

    def __init__(self, include: Sequence[str] | str, fields: Fields | None) -> None:
        asked = (
            dict(fields) if isinstance(fields, Mapping) else {} if fields is None else {"campaign": fields}
        )
        given = {kind: [names] if isinstance(names, str) else list(names) for kind, names in asked.items()}
        older = load(OLDER)["get_campaigns"]
        own = given.pop("campaign", None)
        known = None if own is None else [name for name in own if name in older.fields["campaign"]]
        self.columns = [
            column
            for column in schema(older, build(older, fields=known, strict=False)).columns
            if column.name != "id" and known != []
        ]
        self.more = None if own is None else [name for name in own if name not in (known or ())]
        sources = [SOURCES[column.name] for column in self.columns if column.name in SOURCES]
        if SOURCES["send_time"] in sources and SOURCES["status"] not in sources:
            sources.append(SOURCES["status"])  # the time of a draft is only planned
        self.shown = [include] if isinstance(include, str) else list(include)
        self.given = given
        needed = {kind: [field for part, field in sources if part == kind] for kind in PARTS}
        implied = [part for kind, part in PARTS.items() if needed[kind]]
        self.include = list(dict.fromkeys([*self.shown, *implied]))
        self.fields = {kind: names for kind, names in given.items() if kind not in PARTS}
        for kind, part in PARTS.items():
            if needed[kind] and (part not in self.shown or kind in given):
                self.fields[kind] = list(dict.fromkeys([*given.get(kind, ()), *needed[kind]]))
            elif kind in given:
                self.fields[kind] = given[kind]
        if self.more is not None:
            direct = [field for part, field in sources if part == "campaign"]
            self.fields["campaign"] = list(dict.fromkeys([*direct, *self.more])) or ["definition.name"]

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the answer with the columns of the older revisions, then those that are new."""
        data: dict[str, Any] = {"id": frame["id"]}
        for column in self.columns:
            kind, field = SOURCES.get(column.name, ("", ""))
            if kind == "campaign":
                data[column.name] = frame[field]
                continue
            several: Any = frame.get(f"{PARTS[kind].replace('-', '_')}.{field}") if kind else None
            if column.name == "send_time" and several is not None:
                several = map(_sent, several, frame[f"campaign_messages.{SOURCES['status'][1]}"])
            values = [None] * len(frame) if several is None else [_agreed(value) for value in several]
            if column.name == "status":
                values = [None if value is None else str(value).capitalize() for value in values]
            if column.name == "send_options.use_smart_sending":
                values = [None if value is None else SMART.get(str(value)) for value in values]
            data[column.name] = array(values, column.kind, column.name)
        taken = {field for _, field in SOURCES.values()} | {"id"}
        for name in frame.columns:
            if name not in taken and self._shows(str(name)):
                data[str(name)] = frame[name]
        return pd.DataFrame(data, index=frame.index)

    def _shows(self, name: str) -> bool:
        """Return whether a column of the answer was asked for, rather than read for another."""
        for kind, part in PARTS.items():
            prefix = part.replace("-", "_")
            if name == f"{kind.replace('-', '_')}_ids":
                return kind == "campaign-message" or part in self.shown
            if name.startswith(f"{prefix}."):
                wanted = self.given.get(kind)
                return part in self.shown and (
                    wanted is None or _within(name.removeprefix(f"{prefix}."), wanted)
                )
        return self.more is None or not name.startswith("definition.") or _within(name, self.more)


def _within(name: str, wanted: Sequence[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in wanted)


SMART = {kind: is_on for is_on, kind in SMART_SENDING.items()}  # part of smart sending is neither


def _sent(times: Any, statuses: Any) -> Any:
    """Return when messages are sent; drafts are not, whatever is planned."""
    if not isinstance(times, list) or not isinstance(statuses, list):
        return times
    return [None if status == "draft" else time for time, status in zip(times, statuses, strict=True)]


def _agreed(values: Any) -> Any:
    """Return what all messages, or all audiences, of a campaign have; None where they differ."""
    if not isinstance(values, list) or not values:
        return None
    return values[0] if all(value == values[0] for value in values) else None
