"""Reports on campaigns and flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.reports.answer import Row, answer
from klaviyo_analytics.sandbox.app.reports.audiences import audiences_of
from klaviyo_analytics.sandbox.app.reports.conditions import LISTED, SCALAR, Wish
from klaviyo_analytics.sandbox.app.reports.deliveries import Deliveries, Kind, deliveries
from klaviyo_analytics.sandbox.app.reports.mailings import CHANNELS, Mailing, Mailings, mailings
from klaviyo_analytics.sandbox.app.reports.question import Question, Rules, read_question
from klaviyo_analytics.sandbox.app.reports.statistics import Statistics
from klaviyo_analytics.sandbox.app.reports.tallies import Tally, distinct
from klaviyo_analytics.sandbox.app.store import Store

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
    "campaign_message_id": lambda mailing: mailing.message.id,
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
        raise ApiFault.pointer(pointer, f"There is no metric {metric}.")
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
