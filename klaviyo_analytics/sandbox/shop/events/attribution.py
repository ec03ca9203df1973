"""Which message a conversion is credited to: the last one that its person opened or clicked in time."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.model import Attribution
from klaviyo_analytics.sandbox.shop.clock import DAY, HOUR
from klaviyo_analytics.sandbox.shop.columns import NONE, Ints, last_before
from klaviyo_analytics.sandbox.shop.events.ledger import Log
from klaviyo_analytics.sandbox.shop.ids import event_ids
from klaviyo_analytics.sandbox.shop.story.mail import MessageBook, Sends

MAIL_WINDOW, TEXT_WINDOW = 5 * DAY, 24 * HOUR


def attribute(log: Log, book: MessageBook, sends: Sends, salt: int) -> list[Attribution | None]:
    """Credit every conversion: five days after an email's open or click, a day after a text's or a push's.

    Opens by machines and clicks by bots earn nothing.
    """
    touches = np.flatnonzero(log.send != NONE)
    mail = book.channel[sends.message[log.send[touches]]] == 0
    conversions = np.flatnonzero(log.converts)
    by_mail = _last_touch(log, conversions, touches[mail], MAIL_WINDOW)
    by_text = _last_touch(log, conversions, touches[~mail], TEXT_WINDOW)
    touch = np.maximum(by_mail, by_text)  # rows stand in order of time
    earned = touch != NONE
    credits: list[Attribution | None] = [None] * len(log.time)
    ids = event_ids(int(earned.sum()), salt)
    send = log.send[touch[earned]]
    for row, name, message, side, sent in zip(
        conversions[earned].tolist(),
        ids,
        sends.message[send].tolist(),
        sends.side[send].tolist(),
        sends.time[send].tolist(),
        strict=True,
    ):
        about = book.messages[message]
        credits[row] = Attribution(
            id=name,
            channel=about.channel,
            message=about.id,
            sent_at=sent,
            campaign=about.campaign,
            flow=about.flow,
            variation=None if side == NONE else about.variations[side].id,
        )
    return credits


def _last_touch(log: Log, conversions: Ints, touches: Ints, window: int) -> Ints:
    found = last_before(
        log.person[conversions],
        log.time[conversions],
        of_owner=log.person[touches],
        of_time=log.time[touches],
        window=window,
    )
    if not len(touches):
        return found
    return np.where(found == NONE, NONE, touches[found])
