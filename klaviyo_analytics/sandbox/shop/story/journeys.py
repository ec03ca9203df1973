"""The story: campaigns and flows go out, people react and buy, and what they do sets off more flows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR, MINUTE, SHORT_HISTORY, Clock
from klaviyo_analytics.sandbox.shop.columns import (
    NEVER,
    NONE,
    Bools,
    Floats,
    Ints,
    Table,
    first_of_each,
    last_before,
    last_of_each,
)
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.story import mailings as automations
from klaviyo_analytics.sandbox.shop.story import mailings as plans
from klaviyo_analytics.sandbox.shop.story.catalog import Catalog
from klaviyo_analytics.sandbox.shop.story.mailings import (
    COMPLAINS,
    READ,
    UNSUBSCRIBES,
    Campaign,
    Clicks,
    Flow,
    MessageBook,
    Opens,
    Patience,
    Sends,
    Step,
    address,
)
from klaviyo_analytics.sandbox.shop.story.people import BY_CHECKOUT, BY_FORM, BY_IMPORT, PLACES, People
from klaviyo_analytics.sandbox.shop.story.reactions import react
from klaviyo_analytics.sandbox.shop.truths import Truths

RATES = {"USD": 1.0, "CAD": 1.36, "GBP": 0.79, "EUR": 0.92, "JPY": 150.0, "AUD": 1.5}
_DISCOUNTS = {"WELCOME10": 10, "HOLIDAY15": 15, "WINBACK20": 20}
COUPONS = (None, *_DISCOUNTS)


@dataclass(slots=True)
class Visits(Table):
    """Somebody looks round the shop, from a message (`send`) or by themselves (NONE)."""

    person: Ints
    time: Ints
    send: Ints
    good: Ints  # what they look at


@dataclass(slots=True)
class Carts(Table):
    """A checkout that was started, and when it became an order (NEVER: abandoned)."""

    person: Ints
    time: Ints
    send: Ints
    ordered: Ints
    coupon: Ints  # which of COUPONS
    currency: Ints
    in_store: Bools
    own: Bools  # ordered in the second shop, which sends its events through the API


@dataclass(slots=True)
class Lines(Table):
    """What lies in a cart; `cents` is the whole line after discount, in hundredths of the cart's currency."""

    cart: Ints
    good: Ints
    quantity: Ints
    cents: Ints
    unit: Ints  # the price of one before discount


def wander(
    rng: np.random.Generator, catalog: Catalog, person: Ints, time: Ints, send: Ints | None = None
) -> Visits:
    """Send people to popular items."""
    send = np.full(len(person), NONE, dtype=np.int64) if send is None else send
    return Visits(person, time, send, _pick(rng, catalog, len(person)))


def unprompted(rng: np.random.Generator, people: People, clock: Clock) -> tuple[Ints, Ints, Ints, Ints]:
    """Draw who comes without a message: (person, time) of those who buy, then of those who only look."""
    left = (1 - clock.elapsed(people.created)) * clock.days / SHORT_HISTORY
    buyers = np.repeat(np.arange(len(people)), rng.poisson(1.15 * people.appetite * left))
    joining = np.flatnonzero(people.source == BY_CHECKOUT)
    lookers = np.repeat(np.arange(len(people)), rng.poisson(0.55 * people.interest * left))
    bought = np.concatenate([people.created[joining], clock.draw(rng, people.created[buyers] + HOUR)])
    looked = clock.draw(rng, people.created[lookers] + HOUR)
    return np.concatenate([joining, buyers]), bought, lookers, looked


def fill_carts(
    rng: np.random.Generator,
    people: People,
    catalog: Catalog,
    currencies: Ints,
    visits: Visits,
    buys: Floats | float,
    coupon: Ints | None = None,
) -> tuple[Carts, Lines]:
    """Start a checkout at the end of each visit; `buys` is the chance that it is paid for at once."""
    count = len(visits)
    near = np.isin(people.place[visits.person], [0, 1])
    in_store = near & (visits.send == NONE) & (rng.random(count) < 0.16)
    in_store &= people.source[visits.person] != BY_CHECKOUT
    paid = (rng.random(count) < buys) | in_store
    started = visits.time + rng.integers(65, 15 * MINUTE, count)
    carts = Carts(
        person=visits.person,
        time=started,
        send=visits.send,
        ordered=np.where(paid, started + rng.integers(70, 20 * MINUTE, count), NEVER),
        coupon=np.zeros(count, dtype=np.int64) if coupon is None else coupon,
        currency=currencies[people.place[visits.person]],
        in_store=in_store,
        own=(visits.person % 7 == 3) & ~in_store,
    )
    return carts, _fill(rng, catalog, carts)


def _fill(rng: np.random.Generator, catalog: Catalog, carts: Carts) -> Lines:
    sizes = rng.choice([1, 2, 3, 4, 5], size=len(carts), p=[0.52, 0.28, 0.13, 0.05, 0.02])
    cart = np.repeat(np.arange(len(carts)), sizes)
    good = _pick(rng, catalog, len(cart))
    quantity = rng.choice([1, 2, 3], size=len(cart), p=[0.86, 0.11, 0.03])
    percent = np.array([0, *_DISCOUNTS.values()])[carts.coupon[cart]]
    rate = np.array(list(RATES.values()))[carts.currency[cart]]
    whole = np.where(rate > 100, 100, 1)  # yen have no cents
    unit = (np.round(catalog.cents[good] * rate / whole) * whole).astype(np.int64)
    gross = unit * quantity
    discount = (np.round(gross * percent / 100 / whole) * whole).astype(np.int64)
    return Lines(cart, good, quantity, gross - discount, unit)


def _pick(rng: np.random.Generator, catalog: Catalog, count: int) -> Ints:
    shares = np.cumsum(catalog.popularity)
    return np.minimum(np.searchsorted(shares, rng.random(count)), len(shares) - 1)


def currency_of_places(currencies: tuple[str, ...]) -> Ints:
    """Return the currency of each place: its own if the shop takes it, else the shop's first."""
    known = list(RATES)
    unknown = [currency for currency in currencies if currency not in known]
    if unknown or not currencies:
        raise ValueError(
            f"currencies={currencies!r} is not allowed. Choose one or more of {', '.join(known)}."
        )
    own = [place.currency if place.currency in currencies else currencies[0] for place in PLACES]
    return np.array([known.index(currency) for currency in own], dtype=np.int64)


@dataclass(slots=True)
class Aftermath:
    """What happens to each order later, as times (NEVER: it does not)."""

    fulfilled: Ints
    cancelled: Ints
    refunded: Ints
    partial: Bools  # only the first line is refunded
    reviewed: Ints
    rating: Ints
    renewal: Bools  # a subscription that renewed itself


def settle(rng: np.random.Generator, carts: Carts, truths: Truths) -> Aftermath:
    """Ship, cancel, refund and review the orders; some are renewals."""
    count = len(carts)
    dice = rng.random(count)
    ordered = carts.ordered != NEVER
    cancel = ordered & (dice < np.where(carts.own, 0.06, 0.022)) & ~carts.in_store
    ship = ordered & ~cancel & ~carts.in_store
    refund = ship & (dice > 1 - truths.refunds)
    review = ship & ~refund & (rng.random(count) < 0.11)
    base = np.where(ordered, carts.ordered, 0)
    fulfilled = base + rng.integers(18 * HOUR, 3 * DAY, count)

    def later(which: Bools, since: Ints, low: int, high: int) -> Ints:
        return np.where(which, since + rng.integers(low, high, count), NEVER)

    return Aftermath(
        fulfilled=np.where(ship, fulfilled, NEVER),
        cancelled=later(cancel, base, 10 * MINUTE, 16 * HOUR),
        refunded=later(refund, fulfilled, 3 * DAY, 24 * DAY),
        partial=rng.random(count) < 0.4,
        reviewed=later(review, fulfilled, 5 * DAY, 40 * DAY),
        rating=rng.choice([5, 4, 3, 2, 1], size=count, p=[0.62, 0.22, 0.08, 0.04, 0.04]),
        renewal=ordered & ~carts.in_store & (_second_dice(rng, count) < truths.renewals),
    )


def _second_dice(rng: np.random.Generator, count: int) -> Floats:
    """Draw numbers that leave the first generator where it is."""
    return rng.spawn(1)[0].random(count)


@dataclass(slots=True)
class Diary:
    """The world that the story happens in, and the tables it leaves behind."""

    rng: np.random.Generator
    clock: Clock
    people: People
    catalog: Catalog
    book: MessageBook
    currencies: Ints  # the currency of each place
    patience: Patience
    truths: Truths = field(default_factory=Truths)
    sends: Sends = field(default_factory=Sends.empty)
    opens: Opens = field(default_factory=Opens.empty)
    clicks: Clicks = field(default_factory=Clicks.empty)
    visits: Visits = field(default_factory=Visits.empty)
    carts: Carts = field(default_factory=Carts.empty)
    lines: Lines = field(default_factory=Lines.empty)

    def may_go(self, sends: Sends) -> Ints:
        """Return the rows of messages that are due and whose people can still be written to."""
        return np.flatnonzero(self.patience.allows(self.book, sends) & (sends.time <= self.clock.now))

    def post(self, sends: Sends) -> Clicks:
        """Send messages and write down the reactions; gives each message's first click by a person."""
        opens, clicks = react(self.rng, self.people, self.book, sends, self.clock, self.truths)
        opens.send += len(self.sends)
        clicks.send += len(self.sends)
        self.sends = Sends.join([self.sends, sends])
        self.opens = Opens.join([self.opens, opens])
        self.clicks = Clicks.join([self.clicks, clicks])
        human = clicks.take(~clicks.bot)
        return human.take(first_of_each(human.send, human.time))

    def follow(self, clicks: Clicks) -> None:
        """Make the people who clicked browse, and some of them buy."""
        person, message = self.sends.person[clicks.send], self.sends.message[clicks.send]
        arrival = clicks.time + self.rng.integers(3, 25, len(clicks))
        visits = wander(self.rng, self.catalog, person, arrival, clicks.send)
        self.look(visits)
        keen = 0.31 * self.book.buys[message] * (0.45 + 0.55 * self.people.appetite[person])
        keen_ones = np.flatnonzero(self.rng.random(len(visits)) < np.minimum(keen, 0.85))
        self.check_out(visits.take(keen_ones), 0.62, self._coupons(message[keen_ones]))

    def look(self, visits: Visits) -> None:
        """Write down visits."""
        self.visits = Visits.join([self.visits, visits])

    def check_out(self, visits: Visits, buys: Floats | float, coupon: Ints | None = None) -> None:
        """Write down the carts that end these visits, of which the share `buys` is paid for at once."""
        carts, lines = fill_carts(self.rng, self.people, self.catalog, self.currencies, visits, buys, coupon)
        lines.cart += len(self.carts)
        self.carts = Carts.join([self.carts, carts])
        self.lines = Lines.join([self.lines, lines])

    def _coupons(self, message: Ints) -> Ints:
        offered = np.array([COUPONS.index(one.coupon) for one in self.book.messages], dtype=np.int64)
        return np.where(self.rng.random(len(message)) < 0.8, offered[message], 0)


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
    """Add visits without a message; visitors who only look may be reminded later."""
    buyer, bought, looker, looked = unprompted(diary.rng, diary.people, diary.clock)
    diary.look(wander(diary.rng, diary.catalog, looker, looked))
    shopping = wander(diary.rng, diary.catalog, buyer, bought)
    diary.look(shopping)
    diary.check_out(shopping, 0.46)


def _remind_of_carts(diary: Diary, flow: Flow) -> None:
    """Write to people with an unpaid cart until they pay it; a click can lead back to that very cart."""
    carts = diary.carts
    late = carts.ordered > carts.time + flow.steps[0].delay
    cart = np.flatnonzero(~carts.in_store & ~carts.own & late)
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
    order = np.flatnonzero((carts.ordered < diary.clock.now) & ~carts.in_store & ~carts.own)
    order = order[_spaced(carts.person[order], carts.ordered[order], REENTRY[flow.name])]
    _run(diary, flow, carts.person[order], carts.ordered[order])


def _win_back(diary: Diary, flow: Flow) -> None:
    """Write to people who have not ordered again within the flow's delay."""
    carts, delay = diary.carts, flow.steps[0].delay
    order = np.flatnonzero((carts.ordered < diary.clock.now) & ~carts.in_store & ~carts.own)
    person, time = carts.person[order], carts.ordered[order]
    latest = last_before(person, time + delay, of_owner=person, of_time=time, window=delay)
    lapsed = time[latest] <= time
    _run(diary, flow, person[lapsed], time[lapsed])


def _run(diary: Diary, flow: Flow, person: Ints, since: Ints) -> None:
    for step in flow.steps:
        sends = _step(diary, step, person, since)
        diary.follow(diary.post(sends.take(diary.may_go(sends))))


def _last_words(diary: Diary, *, since: int) -> None:
    """Make a flow's message the last one for a few people who received nothing after it."""
    sends = diary.sends
    last = last_of_each(sends.person, sends.time)
    mail = (diary.book.channel[sends.message[last]] == 0) & (sends.fate[last] == READ) & (last >= since)
    leaving = last[mail & (diary.rng.random(len(last)) < 0.03)]
    sends.fate[leaving] = UNSUBSCRIBES


def _spaced(person: Ints, time: Ints, gap: int) -> Ints:
    """Return the rows that come at least `gap` seconds after the same person's previous row."""
    order = np.lexsort((time, person))
    close = np.zeros(len(order), dtype=bool)
    close[1:] = (person[order][1:] == person[order][:-1]) & (np.diff(time[order]) < gap)
    return order[~close]


NEWSLETTER, CHECKOUT, IMPORTED, GIVEAWAY, TEXTS, FRIENDS, WHOLESALE = range(7)
LISTS = (
    ("newsletter", "Newsletter", "single_opt_in"),
    ("checkout", "Checkout opt-in", "single_opt_in"),
    ("imported", "Imported customers (old shop)", "single_opt_in"),
    ("giveaway", "Giveaway 🌷 Spring", "double_opt_in"),
    ("texts", "SMS Subscribers", "single_opt_in"),
    ("friends", 'Friends, "family" & press', "double_opt_in"),
    ("wholesale", "Wholesale", "double_opt_in"),
)


@dataclass(slots=True)
class Memberships(Table):
    """One stay on one list; `left` is NEVER for those who are still on it."""

    group: Ints
    person: Ints
    joined: Ints
    left: Ints


def list_id(names: Names, group: int) -> str:
    """Return the id of a list by its number."""
    return names.short("list", LISTS[group][0])


def join_lists(people: People, clock: Clock, left_mail: Ints, left_texts: Ints) -> Memberships:
    """Put everybody on the lists that they came through."""
    friends = (np.arange(len(people)) % 61 == 5) & (people.subscribed < clock.start + 120 * DAY)
    stays = [
        _stay(NEWSLETTER, people.source == BY_FORM, people.subscribed, left_mail),
        _stay(CHECKOUT, people.source == BY_CHECKOUT, people.subscribed, left_mail),
        _stay(IMPORTED, people.source == BY_IMPORT, people.subscribed, left_mail),
        _stay(GIVEAWAY, people.giveaway, people.subscribed, left_mail),
        _stay(TEXTS, people.texted < NEVER, people.texted, left_texts),
        _stay(FRIENDS, friends, np.full(len(people), clock.start + 120 * DAY), left_mail),
    ]
    return Memberships.join(stays)


def _stay(
    group: int, which: Ints | np.ndarray[tuple[int], np.dtype[np.bool_]], since: Ints, until: Ints
) -> Memberships:
    person = np.flatnonzero(which & (since < until))
    return Memberships(np.full(len(person), group), person, since[person], until[person])


@dataclass(slots=True)
class Departures:
    """Times of leaving (NEVER: stayed), by send and by person, and all stays on lists."""

    by_send: Ints  # when the person complained or unsubscribed because of this message
    mail: Ints  # when each person unsubscribed from email
    texts: Ints
    stays: Memberships


def see_off(diary: Diary) -> Departures:
    """Unsubscribe people after they have read the message that caused it."""
    by_send = _leaving_times(diary)
    mail, texts = (_of_people(diary, by_send, channel) for channel in (0, 1))
    return Departures(by_send, mail, texts, join_lists(diary.people, diary.clock, mail, texts))


def _leaving_times(diary: Diary) -> Ints:
    sends = diary.sends
    opened = np.full(len(sends), NEVER)
    by_people = ~diary.opens.machine
    np.minimum.at(opened, diary.opens.send[by_people], diary.opens.time[by_people])
    read = np.where(opened < NEVER, opened, sends.time)
    leaving = (sends.fate == UNSUBSCRIBES) | (sends.fate == COMPLAINS)
    pause = 20 + (np.arange(len(sends)) * 37) % 600
    return np.where(leaving, read + pause, NEVER)


def _of_people(diary: Diary, by_send: Ints, channel: int) -> Ints:
    sends = diary.sends
    which = (sends.fate == UNSUBSCRIBES) & (diary.book.channel[sends.message] == channel)
    left = np.full(len(diary.people), NEVER)
    left[sends.person[which]] = by_send[which]
    return left


class FormPlan(NamedTuple):
    """A form as the account holds it; people arrive through the first three."""

    name: str
    kind: str
    versions: tuple[str, ...]
    status: str = "live"


FORMS = (
    FormPlan("Welcome pop-up 10%", "popup", ("Control", "With photo")),
    FormPlan("Footer sign-up", "embed", ("Original",)),
    FormPlan("SMS flyout – “first dibs”", "flyout", ("Original",)),
    FormPlan("Holiday banner (old)", "banner", ("Original",), "draft"),
)
