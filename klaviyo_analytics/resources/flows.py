"""Flows, their actions, and the messages that these send."""

from __future__ import annotations

from typing import Any

import pandas as pd

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.endpoints.query import Fields
from klaviyo_analytics.resources._noun import Filtering, Noun, Reading
from klaviyo_analytics.resources._verbs import finds, gets, gets_of, iterates, lists, lists_of, serves

SENDING = ("send-", "ab-test", "content-experiment")  # how the types of actions begin that hold messages


class Flows(Noun):
    """Flows: automated series that a person enters by what they do."""

    list = lists("get_flows")
    iter_frames = iterates("get_flows")
    get = gets("get_flow")
    find = finds("get_flows")
    actions = lists_of("get_actions_for_flow")
    tags = lists_of("get_tags_for_flow")

    @serves("get_actions_for_flow", "get_flow_action_messages")
    def messages(
        self, flow: Any, /, *, filter: Filtering = None, sort: str | None = None, fields: Fields | None = None
    ) -> pd.DataFrame:
        """Read every message of one flow, with the action that sends it.

        The API knows the messages of an action only, so this asks for the flow's actions, then each of those
        that send.

        Parameters
        ----------
        flow : str
            Id, or a row that `get` or `find` returned.
        filter : Filter or str
            On id (any), name (equals, contains, ...), created, updated (greater, less, equals).
        sort : str
            One of created, id, name, updated; with a '-' before it, descending. It holds within each action.
        fields : list of str, or dict by type
            Only these attributes.

        Returns
        -------
        pandas.DataFrame
            id, flow_id, flow_action_id, action_type, action_status, channel (string), created, updated (UTC),
            and the definition of the message, a column for each part.

        Raises
        ------
        NotFoundError
            There is no such flow.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     flow = client.flows.list(limit=1).iloc[0]
        ...     messages = client.flows.messages(flow)
        >>> messages.columns[:4].tolist()
        ['id', 'flow_id', 'flow_action_id', 'action_type']
        """
        id = self._id(flow)
        needed = {"flow-action": ["definition.type", "definition.data.status"]}
        actions = Reading(self._context, "get_actions_for_flow", {"id": id}, fields=needed).frame()
        sending = actions[
            actions["definition.type"].isna() | actions["definition.type"].str.startswith(SENDING)
        ]
        query: dict[str, Any] = {"filter": filter, "sort": sort, "fields": fields}
        frames = [_no_messages(self, query)]
        with Progress(
            "actions", shown=self._context.progress, total=len(sending), unit="actions"
        ) as progress:
            for action, kind, status in sending.itertuples(index=False, name=None):
                where = {"id": action}
                frame = Reading(self._context, "get_flow_action_messages", where, **query).frame()
                frames.append(_told(frame, id, action, kind, status))
                progress.add(1)
        return pd.concat(frames[1:] or frames, ignore_index=True)


class FlowActions(Noun):
    """Steps of flows; `flows.actions(flow_id)` lists them."""

    get = gets("get_flow_action")
    flow = gets_of("get_flow_for_flow_action")
    messages = lists_of("get_flow_action_messages")


class FlowMessages(Noun):
    """Messages that flows send; `flows.messages(flow_id)` lists them."""

    get = gets("get_flow_message")
    action = gets_of("get_action_for_flow_message")
    template = gets_of("get_template_for_flow_message")


def _no_messages(flows: Flows, query: dict[str, Any]) -> pd.DataFrame:
    """Give the columns of a flow that sends nothing; the query is checked before anything is sent."""
    nothing = Reading(flows._context, "get_flow_action_messages", {"id": "-"}, limit=0, **query)
    return _told(nothing.frame(), "-", "-", None, None)


def _told(frame: pd.DataFrame, flow: str, action: str, kind: Any, status: Any) -> pd.DataFrame:
    told = {"flow_id": flow, "flow_action_id": action, "action_type": kind, "action_status": status}
    for place, (name, value) in enumerate(told.items(), start=1):
        frame.insert(place, name, pd.Series([value] * len(frame), dtype="string"))
    return frame
