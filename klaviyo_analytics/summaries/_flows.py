"""Flows with their summary."""

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
from klaviyo_analytics.summaries._flow_order import ACTIONS, message_positions
from klaviyo_analytics.summaries._messages import added_up, finished, lists

FlowGrain = Literal["flow", "message"]
KEYS: dict[FlowGrain, list[str]] = {
    "flow": ["flow_id"],
    "message": ["flow_id", "flow_message_id", "message"],
}
FIELDS = {"flow": ["name", "status", "trigger_type"], "tag": ["name"]}


class Flows(resources.Flows):
    """Flows: automated series that a person enters by what they do; `summary` says how each of them did."""

    @serves("query_flow_values", "get_flows")
    def summary(
        self,
        timeframe: Span = "last 30 days",
        *,
        conversion_metric: Metric | None = None,
        by: FlowGrain = "flow",
    ) -> pd.DataFrame:
        """Tell how each flow did in a time frame: who got its messages, what they did, what it earned.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            At most a year, on the account's clock: people are counted once, which does not add up over years.
        conversion_metric : str, (name, integration) or metric row
            Whose events are conversions. The metric that the account maps to revenue, if not given; without
            one, "Placed Order".
        by : {"flow", "message"}
            What a row is. Unique counts are each message's own, and add up over the messages of a flow.

        Returns
        -------
        pandas.DataFrame
            One row each, flows by name, within a flow the messages in the order in which it sends them:

            - flow_id, flow (its name); by message also flow_message_id, message, message_position (Int64: from
              1, by the links between the flow's actions, one branch after another; missing, and last, for a
              message that the flow no longer has);
            - channel, status, trigger_type, tags (list of names);
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

            Opens of text messages are missing, since nobody can see them. A flow of several channels shows them
            all in `channel`; its open rate is that of its messages with visible opens.

        Raises
        ------
        AmbiguousMatchError, NoMatchError
            Several metrics have the name given, or none has.
        NotAdditiveError
            The time frame is longer than a year.

        Notes
        -----
        ``POST /api/flow-values-reports``, limited to 1/s and 2/m and 225/d; scopes: flows:read.

        ``GET /api/flows``, limited to 3/s and 60/m; scopes: flows:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     summary = client.flows.summary("last 90 days", by="message")
        >>> summary.columns[:6].tolist()
        ['flow_id', 'flow', 'flow_message_id', 'message', 'message_position', 'channel']
        """
        chosen([by], get_args(FlowGrain), "by")
        report = told(self._context, "flow_values", timeframe=timeframe, conversion_metric=conversion_metric)
        flows = _flows(self._context, report, actions=by == "message")
        rows = added_up(report, KEYS[by])
        rows = rows.merge(_records(flows), on="flow_id", how="left", validate="m:1")
        # a flow that was deleted has no record and no tags, but the report still names it
        named = (
            report.dropna(subset=["flow_id", "flow"]).drop_duplicates("flow_id").set_index("flow_id")["flow"]
        )
        rows["flow"] = rows["flow"].fillna(rows["flow_id"].map(named).astype("string"))
        rows["tags"] = lists(rows["tags"])
        told_of, order = [*KEYS[by][1:]], ["flow", "flow_id"]
        if by == "message":
            places, keys = (
                message_positions(flows),
                zip(rows["flow_id"], rows["flow_message_id"], strict=True),
            )
            rows["message_position"] = pd.array([places.get(key) for key in keys], dtype="Int64")
            told_of, order = [*told_of, "message_position"], [*order, "message_position"]
        columns = ["flow_id", "flow", *told_of, "channel", "status", "trigger_type", "tags"]
        largest_first = rows.sort_values("recipients", ascending=False, kind="stable")
        return finished(largest_first.sort_values(order, kind="stable"), columns, report)


def _flows(context: Context, report: pd.DataFrame, *, actions: bool) -> pd.DataFrame:
    """Read the flows that the report names, with their tags; their actions come in the same answer."""
    ids = report["flow_id"].dropna().unique().tolist()
    if actions:
        fields = {**FIELDS, "flow-action": ACTIONS}
        return read_by_ids(context, "flow", ids, include=["tags", "flow-actions"], fields=fields)
    return read_by_ids(context, "flow", ids, include=["tags"], fields=FIELDS)


def _records(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "flow_id": frame["id"],
            "flow": frame["name"],
            "status": frame["status"],
            "trigger_type": frame["trigger_type"],
            "tags": lists(frame["tags.name"]),
        }
    )
