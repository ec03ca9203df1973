"""Reports reckoned the slow and obvious way, from the events of an account alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.contract import load_contract
from klaviyo_analytics.sandbox.model import Account, Record
from tests.sandbox.api import Api

WHAT = {
    "Received Email": "delivered",
    "Received Text Message": "delivered",
    "Received Push": "delivered",
    "Bounced Email": "bounced",
    "Failed to Deliver Text Message": "failed",
    "Opened Email": "opened",
    "Opened Push": "opened",
    "Clicked Email": "clicked",
    "Clicked Text Message": "clicked",
    "Unsubscribed from Email Marketing": "left",
    "Unsubscribed from Text Message Marketing": "left",
    "Marked Email as Spam": "complained",
}
REQUEST = load_contract().schemas["CampaignValuesRequestDTOResourceObject"]["properties"]["attributes"]
STATISTICS = REQUEST["properties"]["statistics"]["items"]["enum"]
COUNTS = [
    "recipients",
    "delivered",
    "bounced",
    "failed",
    "bounced_or_failed",
    "opens",
    "clicks",
    "unsubscribes",
    "spam_complaints",
    "conversions",
    "conversion_value",
    "message_segment_count_sum",
    "text_message_credit_usage_amount",
]
UNIQUES = ["opens_unique", "clicks_unique", "unsubscribe_uniques", "conversion_uniques"]


@dataclass(frozen=True)
class Fact:
    """Something that became of a message, and when that message was sent, on the account's wall clock."""

    what: str
    message: str
    owner: str  # the campaign or the flow
    variation: str | None
    person: str | None
    sent: datetime
    value: float = 0.0
    segments: float = 0.0
    credits: float = 0.0


class Reckoner:
    """The facts about an account's messages, with conversions of one metric."""

    def __init__(self, account: Account, metric: str) -> None:
        self.account, self.metric = account, metric
        self.zone = ZoneInfo(account.timezone)
        self.names = {id_: record.attributes["name"] for id_, record in account.records["metric"].items()}
        self.owners = _owners(account)
        # the events of a campaign name the campaign, credits name its message
        self.of_campaign = {
            str(message.relationships["campaign"]): message.id
            for message in account.records.get("campaign-message", {}).values()
        }
        self.delivered = self._deliveries()
        self.facts = list(self._facts())

    def wall(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone).replace(tzinfo=None)

    def between(self, type_: str, start: datetime, end: datetime) -> list[Fact]:
        """Facts about what campaigns (or flows) sent, both ends of the time included."""
        return [
            fact
            for fact in self.facts
            if start <= fact.sent <= end and self.owners[fact.message].type == type_
        ]

    def _rows(self) -> Iterator[tuple[int, str, str | None, int]]:
        log = self.account.events
        for row, time in enumerate(log.time.tolist()):
            person = log.profile_ids[log.profile[row]] if log.profile[row] >= 0 else None
            yield row, log.metric_ids[log.metric[row]], person, time

    def _deliveries(self) -> dict[tuple[str | None, Any], list[int]]:
        found = defaultdict(list)
        for row, metric, person, time in self._rows():
            if WHAT.get(self.names[metric]) == "delivered":
                found[person, self._message(self.account.events.properties[row])].append(time)
        return found

    def _facts(self) -> Iterator[Fact]:
        log = self.account.events
        for row, metric, person, time in self._rows():
            told, credit = log.properties[row], log.attribution[row]
            what = WHAT.get(self.names[metric])
            if credit is not None and metric == self.metric and credit.message in self.owners:
                owner = self.owners[credit.message]
                times = [one for one in self.delivered[person, credit.message] if one <= credit.sent_at + 5]
                sent = self._sent(owner, times[-1] if times else credit.sent_at)
                yield Fact(
                    "converted",
                    credit.message,
                    owner.id,
                    credit.variation,
                    person,
                    sent,
                    value=float(log.value[row]) if log.value[row] == log.value[row] else 0.0,
                )
            elif what and self._message(told) in self.owners:
                message = str(self._message(told))
                owner = self.owners[message]
                times = [one for one in self.delivered[person, message] if one <= time]
                own = what in ("bounced", "failed") or not times
                received = what == "delivered"
                yield Fact(
                    what,
                    message,
                    owner.id,
                    told.get("$variation"),
                    person,
                    self._sent(owner, time if own else times[-1]),
                    segments=(told.get("Segment Count") or 0) if received else 0,
                    credits=(told.get("$usage_amount") or 0) if received else 0,
                )

    def _message(self, told: dict[str, Any]) -> str | None:
        name = told.get("$message")
        return self.of_campaign.get(str(name), name)

    def _sent(self, owner: Record, seconds: float) -> datetime:
        if owner.attributes.get("send_time"):  # only campaigns have one
            return self.wall(datetime.fromisoformat(owner.attributes["send_time"]).timestamp())
        return self.wall(seconds)


def _owners(account: Account) -> dict[str, Record]:
    """{message: its campaign or its flow}."""
    records, owners = account.records, {}
    for message in records.get("campaign-message", {}).values():
        owners[message.id] = records["campaign"][str(message.relationships["campaign"])]
    for message in records.get("flow-message", {}).values():
        action = records["flow-action"][str(message.relationships["flow-action"])]
        owners[message.id] = records["flow"][str(action.relationships["flow"])]
    return owners


def grouped(facts: Iterable[Fact], key: Callable[[Fact], Any]) -> dict[Any, dict[str, float]]:
    """All statistics of each group of facts."""
    groups = defaultdict(list)
    for fact in facts:
        groups[key(fact)].append(fact)
    return {name: statistics(group) for name, group in groups.items()}


def statistics(facts: list[Fact]) -> dict[str, float]:
    """The 31 statistics of campaigns and flows."""

    def count(*what: str) -> int:
        return sum(fact.what in what for fact in facts)

    def people(what: str) -> int:
        return len({fact.person for fact in facts if fact.what == what and fact.person is not None})

    value = round(sum(fact.value for fact in facts), 2)
    spend = 0.01 * sum(fact.credits for fact in facts)
    received, sent = count("delivered"), count("delivered", "bounced", "failed")
    return {
        "recipients": sent,
        "delivered": received,
        "bounced": count("bounced"),
        "failed": count("failed"),
        "bounced_or_failed": count("bounced", "failed"),
        "opens": count("opened"),
        "opens_unique": people("opened"),
        "clicks": count("clicked"),
        "clicks_unique": people("clicked"),
        "unsubscribes": count("left"),
        "unsubscribe_uniques": people("left"),
        "spam_complaints": count("complained"),
        "conversions": count("converted"),
        "conversion_uniques": people("converted"),
        "conversion_value": value,
        "message_segment_count_sum": sum(fact.segments for fact in facts),
        "text_message_credit_usage_amount": sum(fact.credits for fact in facts),
        "text_message_spend": spend,
        "text_message_roi": over(value, spend),
        "delivery_rate": over(received, sent),
        "bounce_rate": over(count("bounced"), sent),
        "failed_rate": over(count("failed"), sent),
        "bounced_or_failed_rate": over(count("bounced", "failed"), sent),
        "open_rate": over(people("opened"), received),
        "click_rate": over(people("clicked"), received),
        "click_to_open_rate": min(1.0, over(people("clicked"), people("opened"))),
        "unsubscribe_rate": over(people("left"), received),
        "spam_complaint_rate": over(count("complained"), received),
        "conversion_rate": over(people("converted"), received),
        "average_order_value": over(value, count("converted")),
        "revenue_per_recipient": over(value, sent),
    }


def over(above: float, below: float) -> float:
    return above / below if below else 0.0


def written(moment: datetime) -> str:
    """A bound of a timeframe, with the offset that the API ignores."""
    return moment.replace(tzinfo=UTC).isoformat()


class World:
    """A shop that is asked for reports, and its facts."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.account, self.api, self.sandbox = sandbox.account, Api(sandbox), sandbox
        self.metric = next(
            id_
            for id_, record in self.account.records["metric"].items()
            if record.attributes["name"] == "Placed Order"
            and record.attributes["integration"]["name"] == "Shopify"
        )
        self.slow = Reckoner(self.account, self.metric)

    def ask(self, kind: str, timeframe: tuple[datetime, datetime], **attributes: Any) -> Any:
        start, end = map(written, timeframe)
        known = {
            "statistics": STATISTICS,
            "timeframe": {"start": start, "end": end},
            "conversion_metric_id": self.metric,
        }
        body = {"data": {"type": f"{kind}-report", "attributes": known | attributes}}
        reply = self.api.post(f"/api/{kind}-reports", body)
        assert reply.status == 200, reply.body
        return reply.json["data"]["attributes"]

    def rows(
        self, kind: str, timeframe: tuple[datetime, datetime], **attributes: Any
    ) -> list[tuple[Any, Any]]:
        """[(groupings, statistics)] of a report."""
        results = self.ask(kind, timeframe, **attributes)["results"]
        return [(row["groupings"], row["statistics"]) for row in results]

    def totals(self, kind: str, timeframe: tuple[datetime, datetime], **attributes: Any) -> dict[str, float]:
        """Everything that adds up, added up over the rows."""
        rows = self.rows(kind, timeframe, **{"statistics": COUNTS, **attributes})
        return {name: round(math.fsum(row[name] for _, row in rows), 2) for name in COUNTS}


def same(found: dict[str, float], expected: dict[str, float]) -> bool:
    return found.keys() == expected.keys() and all(
        math.isclose(found[name], expected[name], rel_tol=1e-9, abs_tol=1e-9) for name in expected
    )
