"""Message events and their properties: received, bounced, opened, clicked, complained."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from klaviyo_analytics.sandbox.model import Attribution
from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR
from klaviyo_analytics.sandbox.shop.columns import NONE, Bools, Ints, last_before
from klaviyo_analytics.sandbox.shop.events.consents import LEAVING_METHODS
from klaviyo_analytics.sandbox.shop.events.ledger import Chapter, Log, Properties, Writer
from klaviyo_analytics.sandbox.shop.ids import event_ids, ulids
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.journeys import Diary
from klaviyo_analytics.sandbox.shop.story.mailings import (
    CHANNELS,
    COMPLAINS,
    DELIVERED,
    DROPPED,
    HARD_BOUNCE,
    SOFT_BOUNCE,
    UNSUBSCRIBES,
    MessageBook,
    Sends,
)
from klaviyo_analytics.sandbox.shop.story.people import CLIENTS, DOMAINS, PLACES, Contacts, People, as_typed

Groups: TypeAlias = dict[str, list[str]]  # the audiences of each campaign by its id

_FROM_NUMBER = "+18335550100"
_SENDER = "hello@juniper-pine.example"
_BOUNCES = {
    True: (
        (550, "550 5.1.1 The email account does not exist"),
        (550, "550 5.4.1 Recipient address rejected"),
    ),
    False: ((452, "452 4.2.2 The mailbox is full"), (421, "421 4.7.0 Try again later")),
}
_DROPS = ("Recipient address is suppressed", "Message has a virus")
_RECEIVED = (Metric.RECEIVED_EMAIL, Metric.RECEIVED_TEXT, Metric.RECEIVED_PUSH)
_CLICKED = (Metric.CLICKED_EMAIL, Metric.CLICKED_TEXT, Metric.OPENED_PUSH)


def message_chapters(
    diary: Diary, contacts: Contacts, departures: Ints, groups: Groups, salt: int
) -> list[Chapter]:
    """Write what happened to every message.

    `departures` is when the recipient left because of it, `groups` the lists and segments that each campaign went
    to, and `salt` makes the ids of transmissions.
    """
    sends, opens, clicks = diary.sends, diary.opens, diary.clicks
    desk = _Desk(diary, contacts, groups, salt)
    channel = diary.book.channel[sends.message]
    chapters = [
        desk.sent(metric, np.isin(sends.fate, DELIVERED) & (channel == code))
        for code, metric in enumerate(_RECEIVED)
    ]
    mail = channel == 0
    bounced = mail & np.isin(sends.fate, (HARD_BOUNCE, SOFT_BOUNCE))
    chapters += [
        desk.sent(Metric.BOUNCED_EMAIL, bounced),
        desk.sent(Metric.DROPPED_EMAIL, mail & (sends.fate == DROPPED)),
        desk.sent(Metric.FAILED_TEXT, (channel == 1) & (sends.fate == SOFT_BOUNCE)),
        desk.touched(Metric.OPENED_EMAIL, opens.send, opens.time, ~opens.machine, desk.opened),
    ]
    for code, metric in enumerate(_CLICKED):
        rows = np.flatnonzero(channel[clicks.send] == code)
        chapter = desk.touched(metric, clicks.send, clicks.time, ~clicks.bot, desk.clicked)
        chapters.append(chapter.keep(rows))
    for metric, fate, code in (
        (Metric.MARKED_AS_SPAM, COMPLAINS, 0),
        (Metric.UNSUBSCRIBED_EMAIL, UNSUBSCRIBES, 0),
        (Metric.UNSUBSCRIBED_TEXT, UNSUBSCRIBES, 1),
    ):
        rows = np.flatnonzero((sends.fate == fate) & (channel == code))
        chapters.append(desk.touched(metric, rows, departures[rows], None, desk.left(metric, rows)))
    return chapters


class _Desk:
    """Writes the properties of message events."""

    def __init__(self, diary: Diary, contacts: Contacts, groups: Groups, salt: int) -> None:
        self.diary, self.contacts = diary, contacts
        self.sends: Sends = diary.sends
        self.people: People = diary.people
        self.heads = [_Head(diary.book, number, groups) for number in range(len(diary.book.messages))]
        self.transmissions = ulids(self.sends.time, salt)
        self.typed = [as_typed(email, number) for number, email in enumerate(contacts.emails)]

    def sent(self, metric: Metric, which: Bools) -> Chapter:
        """Write an event at the time when the message was sent."""
        rows = np.flatnonzero(which)
        time = self.sends.time[rows] + (2 if metric != Metric.RECEIVED_EMAIL else 0)
        extra = {
            Metric.BOUNCED_EMAIL: self._bounce,
            Metric.RECEIVED_TEXT: self._text,
            Metric.FAILED_TEXT: self._failure,
            Metric.DROPPED_EMAIL: self._dropped,
        }.get(metric)

        def write(kept: Ints) -> list[Properties]:
            written = self._letters(rows[kept], None)
            if metric == Metric.RECEIVED_EMAIL:
                self._transmission(written, rows[kept])
            if extra is not None:
                for one, row in zip(written, rows[kept].tolist(), strict=True):
                    one.update(extra(row))
            return written

        return Chapter(metric, self.sends.person[rows], time, write)

    def touched(self, metric: Metric, send: Ints, time: Ints, earns: Bools | None, write: Writer) -> Chapter:
        """Write what a recipient did with a message."""
        credit = np.full(len(send), NONE) if earns is None else np.where(earns, send, NONE)
        return Chapter(metric, self.sends.person[send], time, write, send=credit)

    def left(self, metric: Metric, sends: Ints) -> Writer:
        """Write which message made a person leave, and how."""

        def write(kept: Ints) -> list[Properties]:
            rows = sends[kept]
            written = self._letters(rows, None)
            if metric == Metric.MARKED_AS_SPAM:
                for one in written:
                    one["bounce_delivery_info"] = {"reason": "Complaint", "code": None}
            else:
                for one in written:
                    one["Method"] = LEAVING_METHODS["email" if metric == Metric.UNSUBSCRIBED_EMAIL else "sms"]
            return written

        return write

    def opened(self, kept: Ints) -> list[Properties]:
        """Write opens with the mail client."""
        opens = self.diary.opens
        send = opens.send[kept]
        written = self._letters(send, opens.time[kept])
        clients = self.people.client[self.sends.person[send]].tolist()
        for one, machine, client, row in zip(
            written, opens.machine[kept].tolist(), clients, kept.tolist(), strict=True
        ):
            one["machine_open"] = machine
            one.update(_APPLE_PROXY if machine else _CLIENTS[client])
            if row % 23 == 0:
                one.pop("Client OS", None)
            one["$message_interaction"] = one["$message"]
        return written

    def clicked(self, kept: Ints) -> list[Properties]:
        """Write clicks with the link, and whether a bot followed it."""
        clicks = self.diary.clicks
        send = clicks.send[kept]
        written = self._letters(send, clicks.time[kept])
        messages = self.diary.book.messages
        for one, message, person, bot, link in zip(
            written,
            self.sends.message[send].tolist(),
            self.people.client[self.sends.person[send]].tolist(),
            clicks.bot[kept].tolist(),
            clicks.link[kept].tolist(),
            strict=True,
        ):
            one["$event_id"] += f":{link}"
            one["$message_interaction"] = one["$message"]
            one["URL"] = messages[message].links[link]
            if messages[message].channel == CHANNELS[0]:
                one["Bot Click"] = bot
                one.update(_SCANNER if bot else _CLIENTS[person])
        return written

    def _letters(self, send: Ints, time: Ints | None) -> list[Properties]:
        """Write what all events of a message share; a reaction's id ends with its time."""
        sends, heads = self.sends, self.heads
        endings = [""] * len(send) if time is None else [f":{moment}" for moment in time.tolist()]
        person = sends.person[send]
        written = []
        for row, message, side, who, domain, day, ending in zip(
            send.tolist(),
            sends.message[send].tolist(),
            sends.side[send].tolist(),
            person.tolist(),
            self.people.domain[person].tolist(),
            (sends.time[send] // DAY * DAY).tolist(),
            endings,
            strict=True,
        ):
            head = heads[message]
            one = head.write(side, day)
            one["$event_id"] = f"{one['$message']}:{self.transmissions[row]}{ending}"
            if head.mail:
                one["Recipient Email Address"] = self.typed[who]
                one["Email Domain"], one["Inbox Provider"] = DOMAINS[domain][0], DOMAINS[domain][1]
            elif head.text:
                place = PLACES[self.people.place[who]]
                one["To Number"] = self.contacts.phones[who]
                one["To Phone Region"] = "CA" if place.country == "Canada" else "US"
            written.append(one)
        return written

    def _bounce(self, send: int) -> Properties:
        hard = int(self.sends.fate[send]) == HARD_BOUNCE
        code, reason = _BOUNCES[hard][send % 2]
        return {
            "Bounce Type": "Hard" if hard else "Soft",
            "klaviyo_bounce_category": "Invalid recipient" if hard else "Temporary failure",
            "bounce_delivery_info": {
                "reason": reason,
                "code": code,
                "type": "Hard" if hard else "Soft",
                "rigidity": int(hard),
                "ip": "203.0.113.25",
                "add_exclusion": hard,
                "is_autoresponder": False,
            },
        }

    def _dropped(self, send: int) -> Properties:
        return {"bounce_delivery_info": {"reason": _DROPS[send % 2], "code": None, "ip": None}}

    def _transmission(self, written: list[Properties], sends: Ints) -> None:
        """Add how a recent message was handed over; older events lack it."""
        recent = self.diary.clock.now - 90 * DAY
        for one, row, when in zip(written, sends.tolist(), self.sends.time[sends].tolist(), strict=True):
            if when >= recent:
                one["$internal"] = {"Transmission ID": self.transmissions[row], "Handoff Time": when}
                one["$originating_email"] = _SENDER

    def _text(self, send: int) -> Properties:
        message = self.diary.book.messages[int(self.sends.message[send])]
        return {"$usage_amount": float(message.segments), "Segment Count": message.segments}

    def _failure(self, send: int) -> Properties:
        source, kind = (("Carrier", "Unreachable"), ("Carrier", "Landline"), ("Klaviyo", "Quiet Hours"))[
            send % 3
        ]
        message = self.diary.book.messages[int(self.sends.message[send])]
        return {"Failure Source": source, "Failure Type": kind, "Segment Count": message.segments}


class _Head:
    """The properties that all events of one message share."""

    def __init__(self, book: MessageBook, number: int, groups: Groups) -> None:
        message = book.messages[number]
        self.message, self.mail, self.text = message, book.channel[number] == 0, book.channel[number] == 1
        # what names a campaign's message in its events is the campaign's own id
        self.id = message.campaign or message.id
        shared: Properties = {"$message": self.id, "Campaign Name": message.campaign_name}
        if message.campaign:
            shared["$group_ids"] = groups.get(message.campaign, [])
        if message.flow:
            shared["$flow"] = message.flow
            shared["Message Name"] = message.name
        if self.mail:
            shared |= {"Subject": message.subject, "$ESP": 0}
        elif self.text:
            shared |= {
                "Message Type": "SMS",
                "Message Format": "SMS",
                "From Number": _FROM_NUMBER,
                "From Phone Region": "US",
            }
        self.shared = shared
        self.written: dict[tuple[int, int], Properties] = {}

    def write(self, side: int, day: int) -> Properties:
        """Return a fresh copy for one side of a test and one day of sending."""
        cohort = self.message.sent or day
        known = self.written.get((side, cohort))
        if known is None:
            known = self.written[side, cohort] = self._first(side, cohort)
        return known.copy()

    def _first(self, side: int, cohort: int) -> Properties:
        one = {**self.shared, "$_cohort$message_send_cohort": f"{cohort}:{self.id}"}
        if side != NONE:
            variation = self.message.variations[side]
            one["$variation"] = variation.id
            one["$_cohort$variation_send_cohort"] = f"{cohort}:{variation.id}"
            one["Subject"] = variation.subject
        return one


def _client(client: str, canonical: str, kind: str, system: str) -> dict[str, Any]:
    names = {"Client Name": client, "Client Canonical": canonical, "Client Type": kind, "Client OS": system}
    return {**names, "Client OS Family": system}


_CLIENTS = [_client(*client) for *client, _ in CLIENTS]
_APPLE_PROXY = _client("Apple Mail Privacy Protection", "Apple Mail", "Proxy", "Other")
_SCANNER = _client("Mail filter", "Unknown", "Bot", "Other")


MAIL_WINDOW, TEXT_WINDOW = 5 * DAY, 24 * HOUR


def attribute(log: Log, book: MessageBook, sends: Sends, salt: int) -> list[Attribution | None]:
    """Credit every conversion: five days after an email's open or click, a day after a text's or a push's.

    Opens by machines and clicks by bots earn nothing.
    """
    touches = np.flatnonzero(log.send != NONE)
    mail = book.channel[sends.message[log.send[touches]]] == 0
    conversions = np.flatnonzero(log.converts)
    by_mail = _last_touch(log, conversions, touches[mail], MAIL_WINDOW)
    by_text = _last_touch(log, conversions, touches[~mail], TEXT_WINDOW)
    touch = np.maximum(by_mail, by_text)  # rows stand in order of time
    earned = touch != NONE
    credits: list[Attribution | None] = [None] * len(log.time)
    ids = event_ids(int(earned.sum()), salt)
    send = log.send[touch[earned]]
    for row, name, message, side, sent in zip(
        conversions[earned].tolist(),
        ids,
        sends.message[send].tolist(),
        sends.side[send].tolist(),
        sends.time[send].tolist(),
        strict=True,
    ):
        about = book.messages[message]
        credits[row] = Attribution(
            id=name,
            channel=about.channel,
            message=about.id,
            sent_at=sent,
            campaign=about.campaign,
            flow=about.flow,
            variation=None if side == NONE else about.variations[side].id,
        )
    return credits


def _last_touch(log: Log, conversions: Ints, touches: Ints, window: int) -> Ints:
    found = last_before(
        log.person[conversions],
        log.time[conversions],
        of_owner=log.person[touches],
        of_time=log.time[touches],
        window=window,
    )
    if not len(touches):
        return found
    return np.where(found == NONE, NONE, touches[found])
