"""When people left, and because of which message."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import NEVER, Ints
from klaviyo_analytics.sandbox.shop.story.diary import Diary
from klaviyo_analytics.sandbox.shop.story.mail import COMPLAINS, UNSUBSCRIBES


def departures(diary: Diary) -> Ints:
    """Give for each send when its person complained or unsubscribed because of it, after reading it."""
    sends = diary.sends
    opened = np.full(len(sends), NEVER)
    by_people = ~diary.opens.machine
    np.minimum.at(opened, diary.opens.send[by_people], diary.opens.time[by_people])
    read = np.where(opened < NEVER, opened, sends.time)
    leaving = (sends.fate == UNSUBSCRIBES) | (sends.fate == COMPLAINS)
    pause = 20 + (np.arange(len(sends)) * 37) % 600
    return np.where(leaving, read + pause, NEVER)


def leaving_times(diary: Diary, departed: Ints) -> tuple[Ints, Ints]:
    """Give for each person when they unsubscribed from email and from texts."""
    times = []
    for channel in (0, 1):
        which = (diary.sends.fate == UNSUBSCRIBES) & (diary.book.channel[diary.sends.message] == channel)
        left = np.full(len(diary.people), NEVER)
        left[diary.sends.person[which]] = departed[which]
        times.append(left)
    return times[0], times[1]
