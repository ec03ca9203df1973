"""Messages on their way: who is sent what, what becomes of it, and how people and machines react."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR
from klaviyo_analytics.sandbox.shop.columns import NEVER, NONE, Bools, Floats, Ints, Table, first_of_each
from klaviyo_analytics.sandbox.shop.story.people import People
from klaviyo_analytics.sandbox.shop.story.plan import EMAIL, PUSH, SMS, Message

#: what becomes of a message; an undelivered text counts as SOFT_BOUNCE
READ, UNSUBSCRIBES, COMPLAINS, HARD_BOUNCE, SOFT_BOUNCE, DROPPED = range(6)
DELIVERED = (READ, UNSUBSCRIBES, COMPLAINS)
CHANNELS = (EMAIL, SMS, PUSH)

_LEAVE_RATES = {UNSUBSCRIBES: 0.0019, COMPLAINS: 0.00006, HARD_BOUNCE: 0.0012}
_FAIL_RATES = {SOFT_BOUNCE: 0.0035, DROPPED: 0.0006}


@dataclass(slots=True)
class Sends(Table):
    """One message to one person."""

    person: Ints
    time: Ints
    message: Ints
    side: Ints  # which variation of an A/B test, else NONE
    fate: Ints


@dataclass(slots=True)
class Opens(Table):
    """An opened email; `machine` when the mail client did it by itself."""

    send: Ints
    time: Ints
    machine: Bools


@dataclass(slots=True)
class Clicks(Table):
    """A clicked email or text, or an opened push; `bot` when a filter did it."""

    send: Ints
    time: Ints
    bot: Bools
    link: Ints


class MessageBook:
    """Every message of the account by number, with what the dice need to know as arrays."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        self.channel = np.array([CHANNELS.index(message.channel) for message in messages], dtype=np.int64)
        self.opens = np.array([message.open_lift for message in messages])
        self.clicks = np.array([message.click_lift for message in messages])
        self.buys = np.array([message.buy_lift for message in messages])
        self.links = np.array([len(message.links) for message in messages], dtype=np.int64)
        self.tested = np.array([bool(message.variations) for message in messages])
        self.sides = np.array(
            [[side.lift for side in message.variations] or [1.0, 1.0] for message in messages]
        )
        self.number = {message.id: number for number, message in enumerate(messages)}


def address(
    rng: np.random.Generator, book: MessageBook, person: Ints, time: Ints, message: Ints | int
) -> Sends:
    """Put messages on their way, each side of an A/B test to half of the people."""
    message = np.broadcast_to(np.asarray(message, dtype=np.int64), person.shape).copy()
    side = np.where(book.tested[message], rng.integers(0, 2, len(person)), NONE)
    fate = np.full(len(person), READ, dtype=np.int64)
    dice = rng.random(len(person))
    email, text = book.channel[message] == 0, book.channel[message] == 1
    fate[email & (dice < _FAIL_RATES[SOFT_BOUNCE])] = SOFT_BOUNCE
    fate[email & (dice > 1 - _FAIL_RATES[DROPPED])] = DROPPED
    fate[text & (dice < 0.024)] = SOFT_BOUNCE
    return Sends(person, time.astype(np.int64), message, side, fate)


@dataclass(slots=True)
class Patience:
    """Until when each person can be written to, by channel: nothing goes out later than that."""

    since: Ints  # shape (channels, people)
    until: Ints

    @classmethod
    def of(cls, people: People) -> Patience:
        """Start with everybody who agreed."""
        app = np.where(people.has_push, people.created, NEVER)
        since = np.stack([people.subscribed, people.texted, app])
        return cls(since, np.full_like(since, NEVER))

    def lose(self, rng: np.random.Generator, people: People, book: MessageBook, sends: Sends) -> None:
        """Decide in advance which message is somebody's last one, and mark it with how they leave."""
        channel = book.channel[sends.message]
        dice = rng.random(len(sends))
        bored = 1.5 - 0.5 * np.minimum(people.interest[sends.person], 2.0)
        bound = np.zeros(len(sends))
        fate = np.full(len(sends), READ, dtype=np.int64)
        for kind, rate in _LEAVE_RATES.items():
            chance = rate * np.where(channel == 0, 1.0, 4.0 if kind == UNSUBSCRIBES else 0.0)
            chance = chance * (bored if kind != HARD_BOUNCE else 1.0) * (channel != 2)
            fate[(dice >= bound) & (dice < bound + chance)] = kind
            bound = bound + chance
        for code in (0, 1):
            leaving = np.flatnonzero((fate != READ) & (channel == code) & (sends.fate == READ))
            first = leaving[first_of_each(sends.person[leaving], sends.time[leaving])]
            sends.fate[first] = fate[first]
            self.until[code, sends.person[first]] = sends.time[first]

    def allows(self, book: MessageBook, sends: Sends) -> Bools:
        """Say which messages may go out."""
        channel = book.channel[sends.message]
        since, until = self.since[channel, sends.person], self.until[channel, sends.person]
        return (sends.time >= since) & (sends.time <= until)


def react(rng: np.random.Generator, people: People, book: MessageBook, sends: Sends) -> tuple[Opens, Clicks]:
    """Draw every open and click of these messages; `send` counts within them."""
    delivered = np.isin(sends.fate, DELIVERED)
    channel = book.channel[sends.message]
    lift = np.where(sends.side == NONE, 1.0, book.sides[sends.message, np.maximum(sends.side, 0)])
    opens, human = _opens(rng, people, book, sends, delivered & (channel == 0), lift)
    clicks = [
        _mail_clicks(rng, people, book, sends, human, lift),
        _bot_clicks(rng, people, book, sends, delivered & (channel == 0)),
        _other_clicks(rng, people, book, sends, delivered & (channel != 0)),
    ]
    return opens, Clicks.join(clicks)


def _opens(
    rng: np.random.Generator, people: People, book: MessageBook, sends: Sends, mailed: Bools, lift: Floats
) -> tuple[Opens, Opens]:
    age = np.maximum(sends.time - np.minimum(people.subscribed[sends.person], sends.time), 0)
    fresh = 0.78 + 0.5 * np.exp(-age / (80 * DAY))
    chance = 0.175 * people.interest[sends.person] * book.opens[sends.message] * lift * fresh
    leaves = (sends.fate == UNSUBSCRIBES) | (sends.fate == COMPLAINS)
    opened = np.flatnonzero(
        mailed & (rng.random(len(sends)) < np.where(leaves, 0.9, np.minimum(chance, 0.92)))
    )
    delay = 15 + np.exp(rng.normal(np.log(2.2 * HOUR), 1.5, len(opened)))
    delay = np.where(leaves[opened], np.minimum(delay, 5 * HOUR), np.minimum(delay, 9 * DAY))
    human = Opens(opened, sends.time[opened] + delay.astype(np.int64), np.zeros(len(opened), dtype=bool))

    again = human.take(rng.random(len(human)) < 0.2)
    again.time = again.time + np.exp(rng.normal(np.log(6 * HOUR), 1.4, len(again))).astype(np.int64) + 30

    by_machine = np.flatnonzero(mailed & people.machine[sends.person] & (rng.random(len(sends)) < 0.88))
    soon = rng.integers(20, 4000, len(by_machine))
    machine = Opens(by_machine, sends.time[by_machine] + soon, np.ones(len(by_machine), dtype=bool))
    return Opens.join([human, again, machine]), human


def _mail_clicks(
    rng: np.random.Generator, people: People, book: MessageBook, sends: Sends, human: Opens, lift: Floats
) -> Clicks:
    who, message = sends.person[human.send], sends.message[human.send]
    chance = 0.044 * book.clicks[message] * lift[human.send] * (0.5 + 0.5 * people.interest[who])
    clicked = human.take(rng.random(len(human)) < np.minimum(chance, 0.7))
    first = clicked.time + rng.integers(4, 90, len(clicked))
    more = rng.random(len(clicked)) < 0.16
    send = np.concatenate([clicked.send, clicked.send[more]])
    time = np.concatenate([first, first[more] + rng.integers(25, 400, int(more.sum()))])
    link = rng.integers(0, 1 << 20, len(send)) % book.links[sends.message[send]]
    return Clicks(send, time, np.zeros(len(send), dtype=bool), link)


def _bot_clicks(
    rng: np.random.Generator, people: People, book: MessageBook, sends: Sends, mailed: Bools
) -> Clicks:
    scanned = np.flatnonzero(mailed & people.scanned[sends.person] & (rng.random(len(sends)) < 0.07))
    time = sends.time[scanned] + rng.integers(2, 40, len(scanned))
    links = book.links[sends.message[scanned]]
    send = np.repeat(scanned, links)
    link = np.arange(len(send)) - np.repeat(np.cumsum(links) - links, links)
    return Clicks(send, np.repeat(time, links) + link // 2, np.ones(len(send), dtype=bool), link)


def _other_clicks(
    rng: np.random.Generator, people: People, book: MessageBook, sends: Sends, sent: Bools
) -> Clicks:
    chance = 0.045 * book.clicks[sends.message] * people.interest[sends.person]
    clicked = np.flatnonzero(sent & (rng.random(len(sends)) < np.minimum(chance, 0.5)))
    delay = 20 + np.exp(rng.normal(np.log(900), 1.2, len(clicked))).astype(np.int64)
    no = np.zeros(len(clicked), dtype=bool)
    return Clicks(clicked, sends.time[clicked] + delay, no, np.zeros(len(clicked), dtype=np.int64))
