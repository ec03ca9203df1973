"""The story: campaigns and flows go out, people react and buy, and what they do sets off more flows."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import DAY, MINUTE
from klaviyo_analytics.sandbox.shop.columns import NEVER, NONE, Bools, Ints, last_before, last_of_each
from klaviyo_analytics.sandbox.shop.story import campaigns as plans
from klaviyo_analytics.sandbox.shop.story import flows as automations
from klaviyo_analytics.sandbox.shop.story.campaigns import Campaign
from klaviyo_analytics.sandbox.shop.story.diary import Diary
from klaviyo_analytics.sandbox.shop.story.flows import Flow, Step
from klaviyo_analytics.sandbox.shop.story.mail import READ, UNSUBSCRIBES, Sends, address
from klaviyo_analytics.sandbox.shop.story.people import BY_FORM
from klaviyo_analytics.sandbox.shop.story.shopping import unprompted, wander

REENTRY = {automations.CART: 7 * DAY, automations.BROWSE: 30 * DAY, automations.THANKS: 30 * DAY}


def live(diary: Diary, campaigns: list[Campaign], flows: dict[str, Flow]) -> None:
    """Fill the diary from the first import to the present; each step is caused by the ones before."""
    planned = Sends.join([*_campaigns(diary, campaigns), *_welcome(diary, flows[automations.WELCOME])])
    planned = planned.take(diary.may_go(planned))
    diary.patience.lose(diary.rng, diary.people, diary.book, planned)
    planned = planned.take(diary.may_go(planned))
    lottery = len(planned)

    _shop_unprompted(diary)
    diary.follow(diary.post(planned))
    _remind_of_carts(diary, flows[automations.CART])
    _remind_of_goods(diary, flows[automations.BROWSE])
    _after_orders(diary, flows[automations.THANKS])
    _win_back(diary, flows[automations.WINBACK])
    _last_words(diary, since=lottery)


def _campaigns(diary: Diary, campaigns: list[Campaign]) -> list[Sends]:
    batches = []
    for campaign in campaigns:
        if campaign.status == "Sent" and campaign.sent is not None:
            person = np.flatnonzero(_audience(diary, campaign.audience, campaign.sent))
            time = campaign.sent + diary.rng.integers(0, 14 * MINUTE, len(person))
            number = diary.book.number[campaign.message.id]
            batches.append(address(diary.rng, diary.book, person, time, number))
    return batches


def _audience(diary: Diary, audience: str, sent: int) -> Bools:
    people = diary.people
    mailed = people.subscribed < sent
    if audience == plans.ENGAGED:
        return mailed & ((people.interest > 1.15) | (people.created > sent - 30 * DAY))
    if audience == plans.VIP:
        return mailed & (people.appetite > 2.2)
    if audience == plans.GIVEAWAY:
        return mailed & people.giveaway
    if audience == plans.TEXTS:
        return people.texted < sent
    if audience == plans.APP:
        return people.has_push & (people.created < sent)
    return mailed


def _welcome(diary: Diary, flow: Flow) -> list[Sends]:
    people = diary.people
    joined = np.flatnonzero((people.source == BY_FORM) & (people.subscribed < NEVER))
    return [_step(diary, step, joined, people.subscribed[joined]) for step in flow.steps]


def _step(diary: Diary, step: Step, person: Ints, since: Ints) -> Sends:
    time = since + step.delay + diary.rng.integers(0, 90, len(person))
    return address(diary.rng, diary.book, person, time, diary.book.number[step.message.id])


def _shop_unprompted(diary: Diary) -> None:
    """Let people come by themselves; whoever only looks may be reminded later."""
    buyer, bought, looker, looked = unprompted(diary.rng, diary.people, diary.clock)
    diary.look(wander(diary.rng, diary.catalog, looker, looked))
    shopping = wander(diary.rng, diary.catalog, buyer, bought)
    diary.look(shopping)
    diary.check_out(shopping, 0.46)


def _remind_of_carts(diary: Diary, flow: Flow) -> None:
    """Write to people with an unpaid cart until they pay it; a click can lead back to that very cart."""
    carts = diary.carts
    cart = np.flatnonzero(~carts.in_store & (carts.ordered > carts.time + flow.steps[0].delay))
    cart = cart[_spaced(carts.person[cart], carts.time[cart], REENTRY[flow.name])]
    for step in flow.steps:
        cart = cart[carts.ordered[cart] > carts.time[cart] + step.delay]
        sends = _step(diary, step, carts.person[cart], carts.time[cart])
        going = diary.may_go(sends)
        offset = len(diary.sends)
        clicks = diary.post(sends.take(going))
        back = cart[going][clicks.send - offset]
        keen = 0.3 + 0.1 * np.minimum(diary.people.appetite[carts.person[back]], 3.0)
        paid = diary.rng.random(len(back)) < keen
        when = clicks.time + diary.rng.integers(2 * MINUTE, 25 * MINUTE, len(back))
        carts.ordered[back[paid]] = np.minimum(carts.ordered[back[paid]], when[paid])


def _remind_of_goods(diary: Diary, flow: Flow) -> None:
    """Write to people who looked at something and did not start a checkout within the delay."""
    visits, carts, delay = diary.visits, diary.carts, flow.steps[0].delay
    later = last_before(
        visits.person, visits.time + delay, of_owner=carts.person, of_time=carts.time, window=delay
    )
    entry = np.flatnonzero((later == NONE) & (visits.send == NONE))
    entry = entry[_spaced(visits.person[entry], visits.time[entry], REENTRY[flow.name])]
    _run(diary, flow, visits.person[entry], visits.time[entry])


def _after_orders(diary: Diary, flow: Flow) -> None:
    carts = diary.carts
    order = np.flatnonzero((carts.ordered < diary.clock.now) & ~carts.in_store)
    order = order[_spaced(carts.person[order], carts.ordered[order], REENTRY[flow.name])]
    _run(diary, flow, carts.person[order], carts.ordered[order])


def _win_back(diary: Diary, flow: Flow) -> None:
    """Write to people who have not ordered again within the flow's delay."""
    carts, delay = diary.carts, flow.steps[0].delay
    order = np.flatnonzero((carts.ordered < diary.clock.now) & ~carts.in_store)
    person, time = carts.person[order], carts.ordered[order]
    latest = last_before(person, time + delay, of_owner=person, of_time=time, window=delay)
    lapsed = time[latest] <= time
    _run(diary, flow, person[lapsed], time[lapsed])


def _run(diary: Diary, flow: Flow, person: Ints, since: Ints) -> None:
    for step in flow.steps:
        sends = _step(diary, step, person, since)
        diary.follow(diary.post(sends.take(diary.may_go(sends))))


def _last_words(diary: Diary, *, since: int) -> None:
    """Let a flow's message be the last one for a few people; only people who got nothing after it."""
    sends = diary.sends
    last = last_of_each(sends.person, sends.time)
    mail = (diary.book.channel[sends.message[last]] == 0) & (sends.fate[last] == READ) & (last >= since)
    leaving = last[mail & (diary.rng.random(len(last)) < 0.03)]
    sends.fate[leaving] = UNSUBSCRIBES


def _spaced(person: Ints, time: Ints, gap: int) -> Ints:
    """Give the rows that come at least `gap` seconds after the same person's previous row."""
    order = np.lexsort((time, person))
    close = np.zeros(len(order), dtype=bool)
    close[1:] = (person[order][1:] == person[order][:-1]) & (np.diff(time[order]) < gap)
    return order[~close]
