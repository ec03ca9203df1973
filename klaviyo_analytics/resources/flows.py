"""Flows, their actions, and the messages that these send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.endpoints import load
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import serves
from klaviyo_analytics.resources._generated.messages import (
    FlowActionMethods,
    FlowMessageField,
    FlowMessageMethods,
    FlowMessageSort,
    FlowMethods,
)
from klaviyo_analytics.resources._noun import Filtering, Reading, read_one
from klaviyo_analytics.resources._writes import resource, write
from klaviyo_analytics.writeback.asking import confirmed

STATUSES = ("draft", "manual", "live")
SENDING = ("send-", "ab-test", "content-experiment")  # how the types of actions begin that hold messages


class Flows(FlowMethods):
    """Flows: automated series that a person enters by what they do."""

    @serves("update_flow")
    def update_status(
        self,
        flow: Any,
        /,
        status: Literal["draft", "manual", "live"],
        *,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> Any:
        """Set a flow, with all its actions, live, manual or back to draft.

        Parameters
        ----------
        flow : str
            Id, or a row that `get` or `find` returned.
        status : {"draft", "manual", "live"}
            A live flow sends by itself; a manual one keeps its messages for review.
        confirm : bool
            True, to set it live.
        dry_run : bool
            Show the request as a frame instead of sending it.

        Returns
        -------
        pandas.Series
            The flow.

        Raises
        ------
        ConfirmationRequiredError
            It would go live and `confirm` is not True; nothing was sent.

        Notes
        -----
        ``PATCH /api/flows/{id}``, limited to 3/s and 60/m; scopes: flows:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.flows.update_status("XYZ123", "manual", dry_run=True)["method"].item()
        'PATCH'
        """
        if status not in STATUSES:
            raise InvalidInputError(f"status={status!r} is not known; there are {', '.join(STATUSES)}.")
        id = self._id(flow)
        if status == "live" and not dry_run and confirm is not True:
            confirmed(confirm, self._going_live(id))
        data = resource(load()["update_flow"], {"status": status}, id=id)
        return write(self._context, "update_flow", {"id": id}, {"data": data}, dry_run=dry_run)

    def _going_live(self, id: str) -> str:
        """Say what a live flow would do."""
        row = read_one(self._context, "get_flow", {"id": id}, include=["flow-actions"])
        kinds = [str(kind) for kind in row["flow_actions.definition.type"] or ()]
        sending = sum(kind.startswith(SENDING) for kind in kinds)
        return (
            f"This sets the flow {row['name']!r} ({id}) live: {sending} of its {len(kinds)} actions send to "
            f"everybody who enters it (trigger: {row['trigger_type']})."
        )

    @serves("get_actions_for_flow", "get_flow_action_messages")
    def messages(
        self,
        flow: Any,
        /,
        *,
        filter: Filtering = None,
        sort: FlowMessageSort | None = None,
        fields: Sequence[FlowMessageField] | FlowMessageField | Mapping[str, Sequence[str]] | None = None,
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

        Notes
        -----
        ``GET /api/flows/{id}/flow-actions``, limited to 3/s and 60/m; scopes: flows:read.

        ``GET /api/flow-actions/{id}/flow-messages``, limited to 3/s and 60/m; scopes: flows:read.

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
        query: dict[str, Any] = {"filter": filter, "sort": sort, "fields": fields}
        frames = [_no_messages(self, query)]
        needed = {"flow-action": ["definition.type", "definition.data.status"]}
        actions = Reading(self._context, "get_actions_for_flow", {"id": id}, fields=needed).frame()
        sending = actions[
            actions["definition.type"].isna() | actions["definition.type"].str.startswith(SENDING)
        ]
        with Progress(
            "actions", shown=self._context.progress, total=len(sending), unit="actions"
        ) as progress:
            for action, kind, status in sending.itertuples(index=False, name=None):
                where = {"id": action}
                frame = Reading(self._context, "get_flow_action_messages", where, **query).frame()
                frames.append(_told(frame, id, action, kind, status))
                progress.add(1)
        return pd.concat(frames, ignore_index=True)


class FlowActions(FlowActionMethods):
    """Steps of flows; `flows.actions(flow_id)` lists them."""

    @serves("update_flow_action")
    def update(
        self,
        action: Any,
        /,
        *,
        definition: Mapping[str, Any],
        confirm: bool = False,
        dry_run: bool = False,
    ) -> Any:
        """Change an action; the definition replaces the one it has.

        Parameters
        ----------
        action : str
            Id, or a row that `get` or `flows.actions` returned.
        definition : dict
            As the API takes it: id, type, data, links.
        confirm : bool
            True, for a definition with the status "live": it may send at once.
        dry_run : bool
            Show the request as a frame instead of sending it.

        Returns
        -------
        pandas.Series
            The action.

        Raises
        ------
        ConfirmationRequiredError
            It would be live and `confirm` is not True; nothing was sent.

        Notes
        -----
        ``PATCH /api/flow-actions/{id}``, limited to 3/s and 60/m; scopes: flows:write.
        """
        id, inside = self._id(action), definition.get("data")
        if not dry_run and isinstance(inside, Mapping) and inside.get("status") == "live":
            confirmed(confirm, f"This sets 1 action ({id}, {definition.get('type')}) live.")
        data = resource(load()["update_flow_action"], {"definition": definition}, id=id)
        return write(self._context, "update_flow_action", {"id": id}, {"data": data}, dry_run=dry_run)


class FlowMessages(FlowMessageMethods):
    """Messages that flows send; `flows.messages(flow_id)` lists them."""


def _no_messages(flows: Flows, query: dict[str, Any]) -> pd.DataFrame:
    """Give the columns of a flow that sends nothing; the query is checked before anything is sent."""
    nothing = Reading(flows._context, "get_flow_action_messages", {"id": "-"}, limit=0, **query)
    return _told(nothing.frame(), "-", "-", None, None)


def _told(frame: pd.DataFrame, flow: str, action: str, kind: Any, status: Any) -> pd.DataFrame:
    told = {"flow_id": flow, "flow_action_id": action, "action_type": kind, "action_status": status}
    for place, (name, value) in enumerate(told.items(), start=1):
        frame.insert(place, name, pd.Series([value] * len(frame), dtype="string"))
    return frame
