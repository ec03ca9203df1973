"""Campaigns and their messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import pandas as pd

from klaviyo_analytics.endpoints.query import Fields
from klaviyo_analytics.errors import InvalidInputError, NoMatchError
from klaviyo_analytics.filters import F, as_filter
from klaviyo_analytics.resources._base import only, serves
from klaviyo_analytics.resources._generated.messages import (
    CampaignField,
    CampaignInclude,
    CampaignMessageMethods,
    CampaignSort,
)
from klaviyo_analytics.resources._noun import CHUNK, Filtering, Reading
from klaviyo_analytics.resources._words import instead
from klaviyo_analytics.resources.campaign_writes import CampaignWrites
from klaviyo_analytics.tabular.schema import READ_FIRST

Channel = Literal["email", "sms", "mobile_push"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
CHANNEL_FIELD = "messages.channel"


class Campaigns(CampaignWrites):
    """Campaigns of every channel; the API gives one channel a request, so all of them take three."""

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
            All three, if not given.
        filter : Filter or str
            On id (any), name (contains), status (any, equals), archived (equals), created_at, scheduled_at,
            updated_at (greater and less). A filter that names messages.channel itself is sent as it is.
        sort : str
            One of created_at, id, name, scheduled_at, updated_at; with a '-' before it, descending. It holds
            within each channel.
        include : list of str
            Any of campaign-messages, tags.
        fields : list of str, or dict by type
            Only these attributes.
        limit : int
            Exactly so many rows in all.

        Returns
        -------
        pandas.DataFrame
            id, name, send_time, status, channel (string), archived (boolean), audiences.included (object), send_time
            (datetime64[us, UTC]) and the other attributes, `campaign_message_ids` and `tag_ids` where asked for
            by `include`. Times are in UTC.

        Raises
        ------
        InvalidQueryError
            The endpoint does not allow it; nothing was sent.

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
        frames: list[pd.DataFrame] = []
        for name, reading in self._readings(channel, filter, sort, include, fields, limit):
            if limit is not None:
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
        found = frame[frame["name"] == name]
        if found.empty:
            raise NoMatchError(
                f"There is no campaign with name={name!r}.{instead(name, self.list(fields=['name'])['name'])}"
            )
        return only(found, f"campaign with name={name!r}")

    def _readings(
        self,
        channel: Channel | Sequence[Channel] | None,
        filter: Filtering,
        sort: str | None,
        include: Sequence[str] | str,
        fields: Fields | None,
        limit: int | None,
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
        return [
            (name, Reading(self._context, "get_campaigns", filter=_in_channel(name, asked), **query))
            for name in channels
        ]


class CampaignMessages(CampaignMessageMethods):
    """Messages of campaigns; `campaigns.messages(campaign_id)` lists them."""


def _in_channel(name: str, asked: Any) -> Any:
    where = F[CHANNEL_FIELD] == name
    return where & asked if asked is not None else where


def _marked(frame: pd.DataFrame, channel: str | None) -> pd.DataFrame:
    frame.insert(
        1 + int(frame.columns.isin(READ_FIRST).sum()),
        "channel",
        pd.Series([channel] * len(frame), dtype="string"),
    )
    return frame
