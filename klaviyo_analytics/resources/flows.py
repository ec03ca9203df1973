"""Flows, their actions, and the messages that these send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from klaviyo_analytics._progress import Progress
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import resource, serves, write
from klaviyo_analytics.resources._generated.messages import (
    FlowActionMethods,
    FlowMessageField,
    FlowMessageMethods,
    FlowMessageSort,
    FlowMethods,
)
from klaviyo_analytics.resources._reading import (
    Context,
    Filtering,
    Reading,
    Span,
    chosen,
    read_each,
    read_one,
)
from klaviyo_analytics.resources.accounts import added_up, finished, lists_of_text
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.resources.reports import read_by_ids, told
from klaviyo_analytics.writeback.confirmations import confirmed

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id

STATUSES = ("draft", "manual", "live")
SENDING = ("send-", "ab-test", "content-experiment")  # how the types of actions begin that hold messages


class Flows(FlowMethods):
    """Flows: automated series that a person enters by what they do."""

    @serves("update_flow")
    def update_status(
        self,
        flow: Id,
        /,
        status: Literal["draft", "manual", "live"],
        *,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
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
            The flow would go live and `confirm` is not True. No request was sent.

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
        data = resource(self._endpoint("update_flow"), {"status": status}, id=id)
        return write(self._context, "update_flow", {"id": id}, {"data": data}, dry_run=dry_run)

    def _going_live(self, id: str) -> str:
        """Describe what a live flow would do."""
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
        flow: Id,
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
            No flow has this id.

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
            known = sending[["id", "definition.type", "definition.data.status"]]  # a response may hold more

            def read(row: tuple[Any, ...]) -> pd.DataFrame:
                action, kind, status = row
                where = {"id": action}
                frame = Reading(self._context, "get_flow_action_messages", where, **query).frame()
                progress.add(1)
                return _told(frame, id, action, kind, status)

            frames += read_each(read, known.itertuples(index=False, name=None))
        return pd.concat(frames, ignore_index=True)

    @serves("query_flow_values", "get_flows")
    def summary(
        self,
        timeframe: Span = "last 30 days",
        *,
        conversion_metric: Metric | None = None,
        by: FlowGrain = "flow",
    ) -> pd.DataFrame:
        """Return the results of each flow in a time frame: recipients, engagement and revenue.

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
        ['flow', 'message', 'message_position', 'channel', 'status', 'trigger_type']
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
        rows["tags"] = lists_of_text(rows["tags"])
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


class FlowActions(FlowActionMethods):
    """Steps of flows; `flows.actions(flow_id)` lists them."""

    @serves("update_flow_action")
    def update(
        self,
        action: Id,
        /,
        *,
        definition: Mapping[str, Any],
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
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
            The flow would be live and `confirm` is not True. No request was sent.

        Notes
        -----
        ``PATCH /api/flow-actions/{id}``, limited to 3/s and 60/m; scopes: flows:write.
        """
        id, inside = self._id(action), definition.get("data")
        if not dry_run and isinstance(inside, Mapping) and inside.get("status") == "live":
            confirmed(confirm, f"This sets 1 action ({id}, {definition.get('type')}) live.")
        data = resource(self._endpoint("update_flow_action"), {"definition": definition}, id=id)
        return write(self._context, "update_flow_action", {"id": id}, {"data": data}, dry_run=dry_run)


class FlowMessages(FlowMessageMethods):
    """Messages that flows send; `flows.messages(flow_id)` lists them."""


def _no_messages(flows: Flows, query: dict[str, Any]) -> pd.DataFrame:
    """Return the columns of a flow that sends nothing; the query is checked before any request."""
    nothing = Reading(flows._context, "get_flow_action_messages", {"id": "-"}, limit=0, **query)
    return _told(nothing.frame(), "-", "-", None, None)


def _told(frame: pd.DataFrame, flow: str, action: str, kind: Any, status: Any) -> pd.DataFrame:
    told = {"flow_id": flow, "flow_action_id": action, "action_type": kind, "action_status": status}
    frame = frame.drop(columns=[name for name in told if name in frame])  # newer revisions have the action
    for place, (name, value) in enumerate(told.items(), start=1):
        frame.insert(place, name, pd.Series([value] * len(frame), dtype="string"))
    return frame


ACTIONS = ["definition.links", "definition.data"]
_PARTS = ("flow_action_ids", "flow_actions.definition.links", "flow_actions.definition.data")


def message_positions(flows: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Return the position of each message within its flow, from 1; `flows` come with their actions."""
    rows = zip(flows["id"], *(lists_of_text(flows[name]) for name in _PARTS), strict=True)
    return {
        (flow, message): place
        for flow, ids, links, data in rows
        for place, message in enumerate(_in_order(ids, links, data), start=1)
    }


def _in_order(ids: Sequence[str], links: Sequence[Any], data: Sequence[Any]) -> list[str]:
    """Return the messages of one flow: each after all that can be sent before it, branch by branch."""
    inside = dict(zip(ids, data, strict=True))
    following = {
        id: [other for other in _texts([link, _branches(inside[id])]) if other in inside and other != id]
        for id, link in zip(ids, links, strict=True)
    }
    found = (message for id in _walk(following) for message in _messages(inside[id]))
    return list(dict.fromkeys(found))


def _walk(following: Mapping[str, Sequence[str]]) -> list[str]:
    """Sort the actions: backwards, since each is left only after everything that it leads to."""
    led_to = {other for others in following.values() for other in others}
    stack = [(id, False) for id in following if id not in led_to]
    left: list[str] = []
    seen: set[str] = set()
    while stack:
        id, leaving = stack.pop()
        if leaving:
            left.append(id)
        elif id not in seen:
            seen.add(id)
            stack += [(id, True), *((other, False) for other in following[id])]
    return left[::-1]


def _messages(value: Any) -> Iterator[str]:
    """Find the ids of the messages in an action; a test holds those of its variations as well."""
    if isinstance(value, Mapping):
        message = value.get("message")
        if isinstance(message, Mapping) and message.get("id"):
            yield str(message["id"])
    for item in _items(value):
        yield from _messages(item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in _items(value):
        yield from _texts(item)


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _branches(data: Any) -> Any:
    """Return where a split of many branches keeps its links."""
    return data.get("branches") if isinstance(data, Mapping) else None


FlowGrain = Literal["flow", "message"]
KEYS: dict[FlowGrain, list[str]] = {
    "flow": ["flow_id"],
    "message": ["flow_id", "flow_message_id", "message"],
}
FIELDS = {"flow": ["name", "status", "trigger_type"], "tag": ["name"]}


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
            "tags": lists_of_text(frame["tags.name"]),
        }
    )
