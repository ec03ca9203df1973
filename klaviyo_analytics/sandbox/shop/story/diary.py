"""The diary of the shop: every wave of messages, visits and carts is written down as it happens."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import Clock
from klaviyo_analytics.sandbox.shop.columns import Floats, Ints, first_of_each
from klaviyo_analytics.sandbox.shop.story.catalog import Catalog
from klaviyo_analytics.sandbox.shop.story.mail import Clicks, MessageBook, Opens, Patience, Sends, react
from klaviyo_analytics.sandbox.shop.story.people import People
from klaviyo_analytics.sandbox.shop.story.shopping import COUPONS, Carts, Lines, Visits, fill_carts, wander


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
    sends: Sends = field(default_factory=Sends.empty)
    opens: Opens = field(default_factory=Opens.empty)
    clicks: Clicks = field(default_factory=Clicks.empty)
    visits: Visits = field(default_factory=Visits.empty)
    carts: Carts = field(default_factory=Carts.empty)
    lines: Lines = field(default_factory=Lines.empty)

    def may_go(self, sends: Sends) -> Ints:
        """Give the rows of messages that are due and whose people can still be written to."""
        return np.flatnonzero(self.patience.allows(self.book, sends) & (sends.time <= self.clock.now))

    def post(self, sends: Sends) -> Clicks:
        """Send messages and write down the reactions; gives each message's first click by a person."""
        opens, clicks = react(self.rng, self.people, self.book, sends)
        opens.send += len(self.sends)
        clicks.send += len(self.sends)
        self.sends = Sends.join([self.sends, sends])
        self.opens = Opens.join([self.opens, opens])
        self.clicks = Clicks.join([self.clicks, clicks])
        human = clicks.take(~clicks.bot)
        return human.take(first_of_each(human.send, human.time))

    def follow(self, clicks: Clicks) -> None:
        """Let the people who clicked look round, and some of them buy."""
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
