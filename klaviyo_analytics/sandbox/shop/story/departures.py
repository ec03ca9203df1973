"""Who left, when, and because of which message; and so who is on which list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import NEVER, Ints
from klaviyo_analytics.sandbox.shop.story.diary import Diary
from klaviyo_analytics.sandbox.shop.story.groups import Memberships, join_lists
from klaviyo_analytics.sandbox.shop.story.mail import COMPLAINS, UNSUBSCRIBES


@dataclass(slots=True)
class Departures:
    """Times of leaving (NEVER: stayed), by send and by person, and all stays on lists."""

    by_send: Ints  # when the person complained or unsubscribed because of this message
    mail: Ints  # when each person unsubscribed from email
    texts: Ints
    stays: Memberships


def see_off(diary: Diary) -> Departures:
    """Let people leave after they have read the message that made them."""
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
