"""Visits, carts and orders: what people look at, what they put into a cart, and what they pay for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR, MINUTE, Clock
from klaviyo_analytics.sandbox.shop.columns import NEVER, NONE, Bools, Floats, Ints, Table
from klaviyo_analytics.sandbox.shop.story.catalog import Catalog
from klaviyo_analytics.sandbox.shop.story.people import BY_CHECKOUT, People
from klaviyo_analytics.sandbox.shop.story.places import PLACES

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


@dataclass(slots=True)
class Lines(Table):
    """What lies in a cart: after discount, in hundredths of the cart's currency."""

    cart: Ints
    good: Ints
    quantity: Ints
    cents: Ints


def wander(
    rng: np.random.Generator, catalog: Catalog, person: Ints, time: Ints, send: Ints | None = None
) -> Visits:
    """Let people look at something popular."""
    send = np.full(len(person), NONE, dtype=np.int64) if send is None else send
    return Visits(person, time, send, _pick(rng, catalog, len(person)))


def unprompted(rng: np.random.Generator, people: People, clock: Clock) -> tuple[Ints, Ints, Ints, Ints]:
    """Draw who comes without a message: (person, time) of those who buy, then of those who only look."""
    left = 1 - clock.elapsed(people.created)
    buyers = np.repeat(np.arange(len(people)), rng.poisson(0.55 * people.appetite * left))
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
    started = visits.time + rng.integers(40, 15 * MINUTE, count)
    carts = Carts(
        person=visits.person,
        time=started,
        send=visits.send,
        ordered=np.where(paid, started + rng.integers(70, 20 * MINUTE, count), NEVER),
        coupon=np.zeros(count, dtype=np.int64) if coupon is None else coupon,
        currency=currencies[people.place[visits.person]],
        in_store=in_store,
    )
    return carts, _fill(rng, catalog, carts)


def _fill(rng: np.random.Generator, catalog: Catalog, carts: Carts) -> Lines:
    sizes = rng.choice([1, 2, 3, 4, 5], size=len(carts), p=[0.52, 0.28, 0.13, 0.05, 0.02])
    cart = np.repeat(np.arange(len(carts)), sizes)
    good = _pick(rng, catalog, len(cart))
    quantity = rng.choice([1, 2, 3], size=len(cart), p=[0.86, 0.11, 0.03])
    percent = np.array([0, *_DISCOUNTS.values()])[carts.coupon[cart]]
    rate = np.array(list(RATES.values()))[carts.currency[cart]]
    amount = catalog.cents[good] * quantity * rate * (100 - percent) / 100
    whole = np.where(rate > 100, 100, 1)  # yen have no cents
    cents = (np.round(amount / whole) * whole).astype(np.int64)
    return Lines(cart, good, quantity, cents)


def _pick(rng: np.random.Generator, catalog: Catalog, count: int) -> Ints:
    shares = np.cumsum(catalog.popularity)
    return np.minimum(np.searchsorted(shares, rng.random(count)), len(shares) - 1)


def currency_of_places(currencies: tuple[str, ...]) -> Ints:
    """Give each place its own currency if the shop takes it, else the shop's first."""
    known = list(RATES)
    unknown = [currency for currency in currencies if currency not in known]
    if unknown or not currencies:
        raise ValueError(f"expected one or more of {', '.join(known)}, not {currencies!r}")
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


def settle(rng: np.random.Generator, carts: Carts) -> Aftermath:
    """Ship, cancel, refund and review the orders."""
    count = len(carts)
    dice = rng.random(count)
    ordered = carts.ordered != NEVER
    cancel = ordered & (dice < 0.022) & ~carts.in_store
    ship = ordered & ~cancel & ~carts.in_store
    refund = ship & (dice > 0.945)
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
    )
