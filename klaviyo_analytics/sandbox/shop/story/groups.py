"""The account's lists: who joined which one, when, and when they left it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import DAY, Clock
from klaviyo_analytics.sandbox.shop.columns import NEVER, Ints, Table
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.story.people import BY_CHECKOUT, BY_FORM, BY_IMPORT, People

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
    """Give the id of a list by its number."""
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
