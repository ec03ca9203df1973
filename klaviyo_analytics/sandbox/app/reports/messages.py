"""Reports on campaigns and flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.reports.answer import Row, Tally, answer, distinct, quotient, share
from klaviyo_analytics.sandbox.app.reports.deliveries import (
    CHANNELS,
    Deliveries,
    Kind,
    Mailing,
    Mailings,
    audiences_of,
    deliveries,
    mailings,
)
from klaviyo_analytics.sandbox.app.reports.question import (
    LISTED,
    SCALAR,
    Question,
    Rules,
    Wish,
    read_question,
)
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import EventLog

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]

COUNTS: Mapping[str, Kind] = {
    "delivered": Kind.DELIVERED,
    "bounced": Kind.BOUNCED,
    "failed": Kind.FAILED,
    "opens": Kind.OPENED,
    "clicks": Kind.CLICKED,
    "unsubscribes": Kind.UNSUBSCRIBED,
    "spam_complaints": Kind.COMPLAINED,
    "conversions": Kind.CONVERTED,
}
UNIQUES: Mapping[str, Kind] = {
    "opens_unique": Kind.OPENED,
    "clicks_unique": Kind.CLICKED,
    "unsubscribe_uniques": Kind.UNSUBSCRIBED,
    "conversion_uniques": Kind.CONVERTED,
}
SUMS: Mapping[str, tuple[str, ...]] = {
    "recipients": ("delivered", "bounced", "failed"),
    "bounced_or_failed": ("bounced", "failed"),
}
RATES: Mapping[str, tuple[str, str]] = {
    "delivery_rate": ("delivered", "recipients"),
    "bounce_rate": ("bounced", "recipients"),
    "failed_rate": ("failed", "recipients"),
    "bounced_or_failed_rate": ("bounced_or_failed", "recipients"),
    "open_rate": ("opens_unique", "delivered"),
    "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "conversion_rate": ("conversion_uniques", "delivered"),
}
QUOTIENTS: Mapping[str, tuple[str, str]] = {
    "average_order_value": ("conversion_value", "conversions"),
    "revenue_per_recipient": ("conversion_value", "recipients"),
    "text_message_roi": ("conversion_value", "text_message_spend"),
}
CREDITS: Mapping[str, str] = {  # properties of a text message that was received
    "message_segment_count_sum": "Segment Count",
    "text_message_credit_usage_amount": "$usage_amount",
}
PRICE_OF_A_CREDIT = 0.01  # the sandbox's own: what Klaviyo asks depends on country and plan


class Statistics:
    """The statistics of some events about messages: tables of rows and intervals, made when asked for."""

    def __init__(self, log: EventLog, found: Deliveries, tally: Tally) -> None:
        self._log, self._found, self._tally = log, found, tally
        self._known: dict[str, Numbers] = {}

    def __getitem__(self, name: str) -> Numbers:
        if name not in self._known:
            self._known[name] = self._make(name)
        return self._known[name]

    def _make(self, name: str) -> Numbers:
        if name in COUNTS:
            return self._tally.count(self._found.kind == COUNTS[name])
        if name in UNIQUES:
            return self._tally.unique(self._found.kind == UNIQUES[name])
        if name in SUMS:
            return sum((self[part] for part in SUMS[name]), start=np.zeros(self._tally.shape, dtype=np.int64))
        if name in RATES:
            return share(*(self[part] for part in RATES[name]))
        if name in QUOTIENTS:
            return quotient(*(self[part] for part in QUOTIENTS[name]))
        if name in CREDITS:
            return self._credits(CREDITS[name])
        if name == "text_message_spend":
            return (self._credits(CREDITS["text_message_credit_usage_amount"]) * PRICE_OF_A_CREDIT).round(2)
        assert name == "conversion_value", name
        return self._money()

    def _money(self) -> Floats:
        values = np.nan_to_num(self._log.value[self._found.row])
        return self._tally.total(self._found.kind == Kind.CONVERTED, values).round(2)

    def _credits(self, key: str) -> Floats:
        received = self._found.kind == Kind.DELIVERED
        properties = (self._log.properties[row] for row in self._found.row[received].tolist())
        amounts = np.zeros(len(received))
        amounts[received] = [told.get(key) or 0 for told in properties]
        return self._tally.total(received, amounts)


Ints = npt.NDArray[np.int64]
Json = dict[str, Any]

VARIATION = frozenset({"variation", "variation_name"})
AUDIENCE = frozenset({"group", "group_name"})
_TAGS = {"tag_id": LISTED, "tag_name": LISTED}
_WORDS = {"send_channel": frozenset(CHANNELS.values())}


def _scalars(*names: str) -> dict[str, frozenset[str]]:
    shared = ("send_channel", "text_message_format", *sorted(VARIATION))
    return dict.fromkeys((*names, *shared), SCALAR)


CAMPAIGNS = Rules(
    default_groups=("campaign_id", "campaign_message_id", "send_channel"),
    filters=_scalars("campaign_id", "campaign_message_id", "campaign_message_name") | _TAGS,
    words=_WORDS,
    required_groups=("campaign_id", "campaign_message_id"),
)
FLOWS = Rules(
    default_groups=("flow_id", "flow_message_id", "send_channel"),
    filters=_scalars("flow_id", "flow_name", "flow_message_id", "flow_message_name") | _TAGS,
    words=_WORDS,
    required_groups=("flow_message_id", "flow_id"),
)

# Tags are lists in the document's words, so a message with two tags is one row with a list of two: what the rows
# count adds up to the whole, whatever they are grouped by.
ATTRIBUTES: Mapping[str, Callable[[Mailing], Any]] = {
    "campaign_id": lambda mailing: mailing.owner.id,
    "campaign_message_id": lambda mailing: mailing.reported,
    "campaign_message_name": lambda mailing: mailing.name,
    "flow_id": lambda mailing: mailing.owner.id,
    "flow_message_id": lambda mailing: mailing.message.id,
    "flow_message_name": lambda mailing: mailing.name,
    "flow_name": lambda mailing: mailing.owner.attributes["name"],
    "send_channel": lambda mailing: mailing.channel,
    "tag_id": lambda mailing: mailing.tag_ids,
    "tag_name": lambda mailing: mailing.tag_names,
    "text_message_format": lambda mailing: mailing.text_format,
}


def query_messages(call: Call, *, of_flows: bool) -> Json:
    """Answer what came of the messages that were sent in the timeframe."""
    store = call.store
    question = read_question(call, FLOWS if of_flows else CAMPAIGNS)
    metric = call.body["data"]["attributes"]["conversion_metric_id"]
    if metric not in store.records("metric"):
        pointer = "/data/attributes/conversion_metric_id"
        raise ApiFault.pointer(pointer, f"Metric {metric} does not exist.")
    known = mailings(store)
    found = _choose(store, known, question, metric, of_flows=of_flows)
    return answer(call, question, _rows(store, known, question, found))


def _choose(store: Store, known: Mailings, question: Question, metric: str, *, of_flows: bool) -> Deliveries:
    """Find the events to be counted: about the right messages, and of conversions those of the metric."""
    everything = deliveries(store)
    wishes = [wish for wish in question.wishes if wish.attribute not in VARIATION]
    wanted = np.array(
        [mailing.of_flow == of_flows and _pleases(mailing, wishes) for mailing in known.messages], dtype=bool
    )
    found = everything.take(wanted[everything.message] & question.frame.holds(everything.sent))
    log = store.account.events
    number = log.metric_ids.index(metric) if metric in log.metric_ids else -1
    found = found.take((found.kind != Kind.CONVERTED) | (log.metric[found.row] == number))
    for wish in question.wishes:
        if wish.attribute in VARIATION:
            found = found.take(_of_variation(known, wish)[found.variation])
    return found


def _pleases(mailing: Mailing, wishes: list[Wish]) -> bool:
    return all(wish.holds(ATTRIBUTES[wish.attribute](mailing)) for wish in wishes)


def _of_variation(known: Mailings, wish: Wish) -> npt.NDArray[np.bool_]:
    place = 1 if wish.attribute == "variation_name" else 0
    holds = [wish.holds(side[place]) for side in known.variation_names]
    return np.array([*holds, False], dtype=bool)  # the last is that of no variation, -1


def _rows(store: Store, known: Mailings, question: Question, found: Deliveries) -> list[Row]:
    """Split by message, which every grouping names, and by what one message can have several of."""
    nothing = np.full(len(found.row), -1, dtype=np.int64)
    sides = found.variation if VARIATION.intersection(question.groups) else nothing
    audience = nothing
    names: list[tuple[str, str]] = []
    if AUDIENCE.intersection(question.groups):
        audience, names = audiences_of(store, known, found)
    keys, row = distinct(found.message, sides, audience)
    frame, shape = question.frame, (len(keys), len(question.frame.starts))
    tally = Tally(row, frame.intervals(found.sent), found.profile, shape)
    statistics = Statistics(store.account.events, found, tally)
    tables = {name: statistics[name].tolist() for name in question.statistics}
    rows = [
        Row(
            _groupings(question.groups, known, names, key),
            {name: table[number] for name, table in tables.items()},
            _about(known.messages[key[0]]),
        )
        for number, key in enumerate(keys)
    ]
    return sorted(
        rows, key=lambda one: [str(value) for value in (*one.about.values(), *one.groupings.values())]
    )


def _groupings(
    groups: tuple[str, ...], known: Mailings, audiences: list[tuple[str, str]], key: list[int]
) -> Json:
    message, side, audience = key
    told: Json = {}
    for name in groups:
        if name in VARIATION:
            told[name] = known.variation_names[side][name == "variation_name"] if side >= 0 else None
        elif name in AUDIENCE:
            told[name] = audiences[audience][name == "group_name"] if audience >= 0 else None
        else:
            told[name] = ATTRIBUTES[name](known.messages[message])
    return told


def _about(mailing: Mailing) -> dict[str, str]:
    if mailing.of_flow:
        return {"flows": mailing.owner.id, "flow-messages": mailing.message.id}
    return {"campaigns": mailing.owner.id}


HANDLERS: Mapping[str, Callable[[Call], Json]] = {
    "query_campaign_values": partial(query_messages, of_flows=False),
    "query_flow_values": partial(query_messages, of_flows=True),
    "query_flow_series": partial(query_messages, of_flows=True),
}
