"""How people and machines react to messages: who opens and clicks, when, and what the planted truths change."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR, Clock
from klaviyo_analytics.sandbox.shop.columns import NONE, Bools, Floats, Ints, count_before
from klaviyo_analytics.sandbox.shop.story.mailings import (
    COMPLAINS,
    DELIVERED,
    UNSUBSCRIBES,
    Clicks,
    MessageBook,
    Opens,
    Sends,
)
from klaviyo_analytics.sandbox.shop.story.people import People
from klaviyo_analytics.sandbox.shop.truths import EVENING, FATIGUE_DAYS, FATIGUE_MOST, Truths

#: The chance that an email is opened where messages are alike, times the interest of its recipient (at most 3.2).
PLAIN_CHANCE = 0.12


def react(
    rng: np.random.Generator,
    people: People,
    book: MessageBook,
    sends: Sends,
    clock: Clock,
    truths: Truths,
) -> tuple[Opens, Clicks]:
    """Draw every open and click of these messages; `send` counts within them."""
    delivered = np.isin(sends.fate, DELIVERED)
    channel = book.channel[sends.message]
    lift = np.where(sends.side == NONE, 1.0, book.sides[sends.message, np.maximum(sends.side, 0)])
    chance = _chance_to_open(people, book, sends, lift, clock, truths)
    opens, human = _opens(rng, people, sends, delivered & (channel == 0), chance)
    if truths.variation_lift is not None:
        lift = np.ones(len(sends))  # the planted one is that of opens alone
    clicks = [
        _mail_clicks(rng, people, book, sends, human, lift),
        _bot_clicks(rng, people, book, sends, delivered & (channel == 0)),
        _other_clicks(rng, people, book, sends, delivered & (channel != 0)),
    ]
    joined = Clicks.join(clicks)
    joined.time = apart(joined.send * 8 + joined.link % 8, joined.time)
    return opens, joined


def _chance_to_open(
    people: People, book: MessageBook, sends: Sends, lift: Floats, clock: Clock, truths: Truths
) -> Floats:
    """Return how likely each email is opened by its recipient, with the planted truths."""
    interest = people.interest[sends.person]
    leaves = (sends.fate == UNSUBSCRIBES) | (sends.fate == COMPLAINS)
    if truths.alike:
        chance = PLAIN_CHANCE * interest * lift
    else:
        age = np.maximum(sends.time - np.minimum(people.subscribed[sends.person], sends.time), 0)
        fresh = 0.78 + 0.5 * np.exp(-age / (80 * DAY))
        chance = 0.175 * interest * book.opens[sends.message] * lift * fresh
    if truths.send_hour:
        hour = clock.hours(sends.time)
        evening = (hour >= EVENING[0]) & (hour < EVENING[1])
        chance = chance * np.where(evening, 1.0, 1 / (1 + truths.send_hour))
    campaign = (book.channel == 0) & (book.sent > 0)
    if truths.flow_decay:
        months = (sends.time - clock.start) / (30 * DAY)
        chance = chance * np.where(campaign[sends.message], 1.0, (1 - truths.flow_decay) ** months)
    if truths.fatigue:
        ours = np.flatnonzero(campaign[sends.message])
        earlier = count_before(sends.person[ours], sends.time[ours], FATIGUE_DAYS * DAY)
        chance[ours] += truths.fatigue * (FATIGUE_MOST - np.minimum(earlier, FATIGUE_MOST))
    if truths.alike:
        return np.minimum(chance, 0.98)
    return np.where(leaves, 0.9, np.minimum(chance, 0.92))


def _opens(
    rng: np.random.Generator, people: People, sends: Sends, mailed: Bools, chance: Floats
) -> tuple[Opens, Opens]:
    leaves = (sends.fate == UNSUBSCRIBES) | (sends.fate == COMPLAINS)
    opened = np.flatnonzero(mailed & (rng.random(len(sends)) < chance))
    delay = 15 + np.exp(rng.normal(np.log(2.2 * HOUR), 1.5, len(opened)))
    delay = np.where(leaves[opened], np.minimum(delay, 5 * HOUR), np.minimum(delay, 9 * DAY))
    human = Opens(opened, sends.time[opened] + delay.astype(np.int64), np.zeros(len(opened), dtype=bool))

    again = human.take(rng.random(len(human)) < 0.2)
    again.time = again.time + np.exp(rng.normal(np.log(6 * HOUR), 1.4, len(again))).astype(np.int64) + 30

    by_machine = np.flatnonzero(mailed & people.machine[sends.person] & (rng.random(len(sends)) < 0.88))
    soon = rng.integers(20, 4000, len(by_machine))
    machine = Opens(by_machine, sends.time[by_machine] + soon, np.ones(len(by_machine), dtype=bool))
    opens = Opens.join([human, again, machine])
    opens.time = apart(opens.send, opens.time)
    return opens, human


def apart(owner: Ints, time: Ints) -> Ints:
    """Move rows of one owner that share a second to later ones, so that no two share any."""
    order = np.lexsort((time, owner))
    place = np.arange(len(order)) - np.searchsorted(owner[order], owner[order])
    span = np.int64(1) << 34
    # what is at least its predecessor's time plus one: the running maximum of the time minus the place
    floor = np.maximum.accumulate(owner[order] * span + time[order] - place) + place
    moved = np.empty_like(time)
    moved[order] = floor - owner[order] * span
    return moved


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
    chance = np.where(book.channel[sends.message] == 2, 0.07, 0.045)
    chance = chance * book.clicks[sends.message] * people.interest[sends.person]
    clicked = np.flatnonzero(sent & (rng.random(len(sends)) < np.minimum(chance, 0.5)))
    delay = 20 + np.exp(rng.normal(np.log(900), 1.2, len(clicked))).astype(np.int64)
    no = np.zeros(len(clicked), dtype=bool)
    return Clicks(clicked, sends.time[clicked] + delay, no, np.zeros(len(clicked), dtype=np.int64))
