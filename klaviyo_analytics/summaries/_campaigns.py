"""Campaigns with their summary."""

from __future__ import annotations

from typing import Literal, get_args

import pandas as pd

from klaviyo_analytics import resources
from klaviyo_analytics.resources import Context
from klaviyo_analytics.resources._base import serves
from klaviyo_analytics.resources._times import Span
from klaviyo_analytics.resources._words import chosen
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.resources.reports import read_by_ids, told
from klaviyo_analytics.summaries._messages import added_up, finished, listed, lists
from klaviyo_analytics.vocabulary import CampaignGroupBy

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


class Campaigns(resources.Campaigns):
    """Campaigns of every channel; `summary` says how each of them did."""

    @serves("query_campaign_values", "get_campaigns")
    def summary(
        self,
        timeframe: Span = "last 30 days",
        *,
        conversion_metric: Metric | None = None,
        by: CampaignGrain = "campaign",
    ) -> pd.DataFrame:
        """Tell how each campaign of a time frame did: who got it, what they did, what it earned.

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
        report = told(
            self._context,
            "campaign_values",
            timeframe=timeframe,
            group_by=[*GROUPS, *VARIATIONS] if by == "variation" else GROUPS,
            conversion_metric=conversion_metric,
        )
        records = _records(self._context, report)
        rows = added_up(report, KEYS[by]).merge(records, on="campaign_id", how="left", validate="m:1")
        rows["tags"] = lists(rows["tags"])  # a campaign that was deleted has none
        if by != "campaign":
            rows["subject"] = rows["campaign_message_id"].map(_subjects(records)).astype("string")
        columns = [
            "campaign_id", "campaign", *KEYS[by][1:], "channel", "send_time", "subject", "status", "tags",
        ]  # fmt: skip
        return finished(rows.sort_values(["send_time", *KEYS[by]], kind="stable"), columns, report)


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
            "subject": pd.array([listed(subjects) for subjects in lists(frame[SUBJECTS])], dtype="string"),
            "status": frame["status"],
            "tags": lists(frame["tags.name"]),
            "message_ids": lists(frame["campaign_message_ids"]),
            "subjects": lists(frame[SUBJECTS]),
        }
    )


def _subjects(records: pd.DataFrame) -> dict[str, str | None]:
    """Give each message's subject."""
    return {
        id: subject
        for ids, subjects in zip(records["message_ids"], records["subjects"], strict=True)
        for id, subject in zip(ids, subjects, strict=True)
    }
