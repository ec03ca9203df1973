"""The people of the story as columns: where they live, how they are reached and what they are like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import DAY, MINUTE, Clock
from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Floats, Ints, Table
from klaviyo_analytics.sandbox.shop.story.places import (
    CLIENTS,
    DOMAINS,
    FIRST_NAMES,
    LAST_NAMES,
    PLACES,
    SCANNED,
)

#: how a person came to the shop
BY_FORM, BY_CHECKOUT, BY_IMPORT, BY_BROWSING = range(4)
PHONES = 80_000  # as many as there are fictional numbers


@dataclass(slots=True)
class People(Table):
    """One row a person, in no order of time; NEVER stands for what did not happen."""

    created: Ints
    source: Ints
    subscribed: Ints  # when they agreed to email marketing
    texted: Ints  # when they agreed to text messages
    place: Ints
    domain: Ints
    client: Ints
    first: Ints
    last: Ints
    has_email: Bools
    has_phone: Bools
    has_push: Bools
    double_opt_in: Bools
    giveaway: Bools
    machine: Bools  # the mail client opens everything by itself
    scanned: Bools  # a company filter clicks everything
    interest: Floats  # in messages, mean about 1
    appetite: Floats  # for buying, mean about 1


def draw_people(rng: np.random.Generator, clock: Clock, count: int) -> People:
    """Draw everybody who ever entered the account."""
    source = rng.choice(4, size=count, p=[0.44, 0.17, 0.19, 0.2])
    started = np.full(count, clock.start, dtype=np.int64)
    imported = clock.start + 2 * 3600 + rng.integers(0, 4, count) * 7 * DAY // 8 + rng.integers(0, 40, count)
    arrived = np.where(source == BY_IMPORT, imported, clock.draw(rng, started + 3 * 3600))
    number = np.arange(count)
    has_email = (rng.random(count) > 0.05) | (source != BY_FORM) | (number >= PHONES)
    domain = _weighted(rng, [share for _, _, share, _ in DOMAINS], count)
    has_phone = ~has_email | ((rng.random(count) < 0.38) & (number < PHONES))
    place = _weighted(rng, [place.share for place in PLACES], count)
    willing = np.array([0.95, 0.95, 0.8, 0.0])[source]
    agrees = has_email & (rng.random(count) < willing)
    near = np.isin(place, [n for n, town in enumerate(PLACES) if town.country in {"United States", "Canada"}])
    texts = has_phone & near & (rng.random(count) < 0.62) & np.isin(source, [BY_FORM, BY_CHECKOUT])
    # A form takes a minute or so; a checkout is well under way when people agree.
    settled = arrived + rng.integers(20, 4 * MINUTE, count) + np.where(source == BY_CHECKOUT, 15 * MINUTE, 0)
    machine = rng.random(count) < np.array([share for *_, share in DOMAINS])[domain]
    scanned = np.isin(domain, [n for n, (name, *_) in enumerate(DOMAINS) if name in SCANNED])
    interest = rng.gamma(1.3, 1 / 1.3, count)
    appetite = 0.3 * interest + 0.7 * rng.gamma(0.4, 1 / 0.4, count)
    return People(
        created=arrived,
        source=source,
        subscribed=np.where(agrees, np.where(source == BY_IMPORT, arrived, settled), NEVER),
        texted=np.where(texts, settled + 30, NEVER),
        place=place,
        domain=domain,
        client=_weighted(rng, [share for *_, share in CLIENTS], count),
        first=_weighted(rng, [3.0] * 18 + [1.0] * (len(FIRST_NAMES) - 18), count),
        last=rng.integers(0, len(LAST_NAMES), count),
        has_email=has_email,
        has_phone=has_phone,
        has_push=rng.random(count) < 0.07,
        double_opt_in=(source == BY_FORM) & (rng.random(count) < 0.25),
        giveaway=(source == BY_FORM) & agrees & (rng.random(count) < 0.18),
        machine=machine & has_email,
        scanned=scanned & has_email,
        interest=np.minimum(interest, 3.2),
        appetite=np.minimum(appetite, 9.0),
    )


def _weighted(rng: np.random.Generator, shares: list[float] | list[int], count: int) -> Ints:
    odds = np.array(shares, dtype=float)
    return rng.choice(len(odds), size=count, p=odds / odds.sum())
