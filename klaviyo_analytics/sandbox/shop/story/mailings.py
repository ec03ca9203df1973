"""Messages on their way: who is sent what, what becomes of it, and how people and machines react."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import (
    DAY,
    HOUR,
    MINUTE,
    SHORT_HISTORY,
    Clock,
    black_friday,
    local,
    local_seconds,
)
from klaviyo_analytics.sandbox.shop.columns import (
    NEVER,
    NONE,
    Bools,
    Ints,
    Table,
    first_of_each,
)
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.catalog import SHELF, SITE
from klaviyo_analytics.sandbox.shop.story.people import People

EMAIL, SMS, PUSH = "email", "sms", "push"


@dataclass(slots=True)
class Variation:
    """One side of an A/B test."""

    id: str
    name: str
    subject: str
    lift: float


@dataclass(slots=True)
class Message:
    """A campaign message or a flow message; lifts say how much better than average it does."""

    id: str
    name: str
    channel: str
    subject: str  # the body of a text message
    campaign: str | None = None
    flow: str | None = None
    campaign_name: str | None = None
    links: tuple[str, ...] = (SITE + "/",)
    open_lift: float = 1.0
    click_lift: float = 1.0
    buy_lift: float = 1.0
    coupon: str | None = None
    sent: int | None = None  # when a campaign went out; a flow sends every day
    variations: tuple[Variation, ...] = field(default=())

    @property
    def segments(self) -> int:
        """How many text messages the body is cut into."""
        return 1 + len(self.subject) // 140


#: what becomes of a message; an undelivered text counts as SOFT_BOUNCE
READ, UNSUBSCRIBES, COMPLAINS, HARD_BOUNCE, SOFT_BOUNCE, DROPPED = range(6)
DELIVERED = (READ, UNSUBSCRIBES, COMPLAINS)
CHANNELS = (EMAIL, SMS, PUSH)

_LEAVE_RATES = {UNSUBSCRIBES: 0.0019, COMPLAINS: 0.00006, HARD_BOUNCE: 0.0012}
_FAIL_RATES = {SOFT_BOUNCE: 0.0035, DROPPED: 0.0006}


@dataclass(slots=True)
class Sends(Table):
    """One message to one person."""

    person: Ints
    time: Ints
    message: Ints
    side: Ints  # which variation of an A/B test, else NONE
    fate: Ints


@dataclass(slots=True)
class Opens(Table):
    """An opened email; `machine` when the mail client did it automatically."""

    send: Ints
    time: Ints
    machine: Bools


@dataclass(slots=True)
class Clicks(Table):
    """A clicked email or text, or an opened push; `bot` when a filter did it."""

    send: Ints
    time: Ints
    bot: Bools
    link: Ints


class MessageBook:
    """Every message of the account by number, with what the dice need to know as arrays."""

    def __init__(self, messages: list[Message], variation_lift: float | None = None) -> None:
        self.messages = messages
        self.channel = np.array([CHANNELS.index(message.channel) for message in messages], dtype=np.int64)
        self.opens = np.array([message.open_lift for message in messages])
        self.clicks = np.array([message.click_lift for message in messages])
        self.buys = np.array([message.buy_lift for message in messages])
        self.links = np.array([len(message.links) for message in messages], dtype=np.int64)
        self.tested = np.array([bool(message.variations) for message in messages])
        self.sides = np.array(
            [[side.lift for side in message.variations] or [1.0, 1.0] for message in messages]
        )
        if variation_lift is not None:
            self.sides[:] = 1 / (1 + variation_lift), 1.0
        self.sent = np.array([message.sent or 0 for message in messages], dtype=np.int64)  # 0: a flow's
        self.number = {message.id: number for number, message in enumerate(messages)}


def address(
    rng: np.random.Generator, book: MessageBook, person: Ints, time: Ints, message: Ints | int
) -> Sends:
    """Put messages on their way, each side of an A/B test to half of the people."""
    message = np.broadcast_to(np.asarray(message, dtype=np.int64), person.shape).copy()
    side = np.where(book.tested[message], rng.integers(0, 2, len(person)), NONE)
    fate = np.full(len(person), READ, dtype=np.int64)
    dice = rng.random(len(person))
    email, text = book.channel[message] == 0, book.channel[message] == 1
    fate[email & (dice < _FAIL_RATES[SOFT_BOUNCE])] = SOFT_BOUNCE
    fate[email & (dice > 1 - _FAIL_RATES[DROPPED])] = DROPPED
    fate[text & (dice < 0.024)] = SOFT_BOUNCE
    return Sends(person, time.astype(np.int64), message, side, fate)


@dataclass(slots=True)
class Patience:
    """Until when each person can be written to, by channel: nothing goes out later than that."""

    since: Ints  # shape (channels, people)
    until: Ints

    @classmethod
    def of(cls, people: People) -> Patience:
        """Start with everybody who agreed."""
        app = np.where(people.has_push, people.created, NEVER)
        since = np.stack([people.subscribed, people.texted, app])
        return cls(since, np.full_like(since, NEVER))

    def lose(self, rng: np.random.Generator, people: People, book: MessageBook, sends: Sends) -> None:
        """Decide in advance which message is somebody's last one, and mark it with how they leave."""
        channel = book.channel[sends.message]
        dice = rng.random(len(sends))
        bored = 1.5 - 0.5 * np.minimum(people.interest[sends.person], 2.0)
        bound = np.zeros(len(sends))
        fate = np.full(len(sends), READ, dtype=np.int64)
        for kind, rate in _LEAVE_RATES.items():
            chance = rate * np.where(channel == 0, 1.0, 4.0 if kind == UNSUBSCRIBES else 0.0)
            chance = chance * (bored if kind != HARD_BOUNCE else 1.0) * (channel != 2)
            fate[(dice >= bound) & (dice < bound + chance)] = kind
            bound = bound + chance
        for code in (0, 1):
            leaving = np.flatnonzero((fate != READ) & (channel == code) & (sends.fate == READ))
            first = leaving[first_of_each(sends.person[leaving], sends.time[leaving])]
            sends.fate[first] = fate[first]
            self.until[code, sends.person[first]] = sends.time[first]

    def allows(self, book: MessageBook, sends: Sends) -> Bools:
        """Return which messages may be sent."""
        channel = book.channel[sends.message]
        since, until = self.since[channel, sends.person], self.until[channel, sends.person]
        return (sends.time >= since) & (sends.time <= until)


#: audiences by the name of the list or segment behind them
EVERYONE, ENGAGED, VIP, GIVEAWAY, TEXTS, APP = "everyone", "engaged", "vip", "giveaway", "texts", "app"


@dataclass(slots=True)
class Campaign:
    """One campaign with its one message; `sent` is when its sending began or would begin."""

    id: str
    name: str
    message: Message
    audience: str
    created: int
    sent: int | None
    status: str = "Sent"
    archived: bool = False


_THEMES = {
    1: ("Winter Reset", "A slower January ☕"),
    2: ("Cabin Season", "Cabin-ready layers"),
    3: ("First Thaw", "Mud season is here"),
    4: ("Spring Packing", "Pack light, go far"),
    5: ("Trail Opening", "The trails are open 🌲"),
    6: ("Long Days", "Long days, small packs"),
    7: ("Campfire", "What to cook on a small stove"),
    8: ("Last Swim", "One more weekend outside"),
    9: ("First Frost", "Wool, before you need it"),
    10: ("Leaf Fall", "For the colour of October 🍂"),
    11: ("Gift Guide", "The gift guide, made by us"),
    12: ("Winter Evening", "Warm things for short days"),
}
_FORMATS = ("Newsletter", "New Arrivals", "Field Notes", "Staff Picks", "Restock")


def plan_campaigns(names: Names, clock: Clock) -> list[Campaign]:
    """Plan the year: a mail about every nine days, more around the holidays, some texts and one push."""
    campaigns = [
        *_regular(names, clock),
        *_holidays(names, clock),
        *_texts(names, clock),
        _push(names, clock),
    ]
    campaigns = sorted((c for c in campaigns if c.sent and clock.start < c.sent <= clock.now), key=_when)
    campaigns[2].archived = True
    return [*campaigns, *_unsent(names, clock)]


def _when(campaign: Campaign) -> tuple[int, str]:
    return campaign.sent or 0, campaign.name


def _regular(names: Names, clock: Clock) -> list[Campaign]:
    campaigns = []
    day, number = local(clock.start).date() + timedelta(days=12), 0
    while day <= local(clock.now).date():
        if abs((day - black_friday(day.year)).days - 6) > 10:
            theme, subject = _THEMES[day.month]
            kind = _FORMATS[number % len(_FORMATS)]
            audience = (EVERYONE, ENGAGED, VIP, ENGAGED, GIVEAWAY, ENGAGED)[number % 6]
            hour = (10, 9, 18, 11, 8, 19, 13)[number % 7]
            lift = 0.9 + (names.number("lift", number) % 30) / 100
            test = "Subject line" if number % 8 == 3 else None
            campaigns.append(
                _mail(
                    names,
                    f"{day:%Y-%m} {theme} · {kind}",
                    f"{subject} ({kind.lower()})" if number % 2 else subject,
                    audience,
                    local_seconds(day, hour, 15 * (number % 4)),
                    lift,
                    test,
                )
            )
        day, number = day + timedelta(days=(8, 9, 10, 9)[number % 4]), number + 1
    return campaigns


def _holidays(names: Names, clock: Clock) -> list[Campaign]:
    campaigns = []
    for year in range(local(clock.start).year, local(clock.now).year + 1):
        sale = black_friday(year)
        plan: tuple[tuple[date, int, str, str, str, float], ...] = (
            (sale - timedelta(2), 9, "Black Friday Early Access", "You're first in line", VIP, 1.5),
            (sale, 7, "Black Friday", "20% off everything, today 🖤", EVERYONE, 1.35),
            (sale + timedelta(1), 10, "Black Friday Weekend", "Still on: the weekend sale", ENGAGED, 1.1),
            (sale + timedelta(3), 8, "Cyber Monday", 'Cyber Monday: "last" chance, really', EVERYONE, 1.3),
            (date(year, 12, 9), 10, "Holiday Gift Guide", "Gifts under $50 🎁", ENGAGED, 1.15),
            (date(year, 12, 16), 9, "Shipping Deadline", "Order by Thursday, unwrap on time", EVERYONE, 1.2),
            (date(year, 12, 22), 9, "Gift Cards", "A gift that ships itself", ENGAGED, 0.9),
        )
        for day, hour, name, subject, audience, lift in plan:
            test = "Offer" if name == "Cyber Monday" else None
            campaigns.append(
                _mail(names, f"{day:%Y-%m} {name}", subject, audience, local_seconds(day, hour), lift, test)
            )
    return campaigns


def _texts(names: Names, clock: Clock) -> list[Campaign]:
    campaigns = []
    first = local(clock.start).date() + timedelta(days=47)
    for number in range(7 * clock.days // SHORT_HISTORY):
        day = first + timedelta(days=49 * number)
        theme, subject = _THEMES[day.month]
        body = f"Juniper & Pine: {subject}. {SITE}/t{number} Reply STOP to opt out"
        name = f"{day:%Y-%m} SMS {theme}"
        sent = local_seconds(day, 12, 30)
        message = Message(
            names.ulid(sent, "campaign-message", name), name, SMS, body, names.ulid(sent, "campaign", name),
            campaign_name=name, links=(f"{SITE}/t{number}",), sent=sent,
        )  # fmt: skip
        campaigns.append(Campaign(message.campaign or "", name, message, TEXTS, sent - 2 * DAY, sent))
    return campaigns


def _push(names: Names, clock: Clock) -> Campaign:
    day = local(clock.now).date() - timedelta(days=75)
    name, sent = f"{day:%Y-%m} App Launch Push", local_seconds(day, 17)
    message = Message(
        names.ulid(sent, "campaign-message", name), name, PUSH, "Our app is out of the woods 🌲",
        names.ulid(sent, "campaign", name), campaign_name=name, links=("juniperpine://new",), sent=sent,
    )  # fmt: skip
    return Campaign(message.campaign or "", name, message, APP, sent - 3 * DAY, sent)


def _unsent(names: Names, clock: Clock) -> list[Campaign]:
    today = local(clock.now).date()
    soon, past = local_seconds(today + timedelta(days=4), 10), local_seconds(today - timedelta(days=30), 10)
    plan: tuple[tuple[str, str, str, int | None], ...] = (
        ("Summer Sale (draft)", "Draft", EVERYONE, None),
        ("DRAFT – do not send", "Draft", ENGAGED, None),
        ("Winback test, “v2”", "Draft", ENGAGED, None),
        (f"{today:%Y-%m} Independence Weekend", "Scheduled", EVERYONE, soon),
        ("Father's Day reminder", "Cancelled", EVERYONE, past),
    )
    campaigns = []
    for number, (name, status, audience, sent) in enumerate(plan):
        created = clock.now - (40 - 7 * number) * DAY
        campaign = _mail(names, name, name, audience, created, 1.0, None)
        campaign.created, campaign.sent, campaign.status = created, sent, status
        campaigns.append(campaign)
    return campaigns


def _mail(
    names: Names, name: str, subject: str, audience: str, sent: int, lift: float, test: str | None
) -> Campaign:
    campaign = names.ulid(sent, "campaign", name)
    categories = list(SHELF)
    pick = names.number("links", name)
    links = (
        f"{SITE}/",
        f"{SITE}/collections/{categories[pick % 8].lower().replace(' ', '-')}",
        f"{SITE}/collections/{categories[pick // 8 % 8].lower().replace(' ', '-')}?ref=email&side=b",
    )
    message = Message(
        names.ulid(sent, "campaign-message", name),
        name,
        EMAIL,
        subject,
        campaign,
        campaign_name=name,
        links=tuple(dict.fromkeys(links)),
        open_lift=lift,
        click_lift=lift,
        buy_lift=1.0 + 4.0 * max(lift - 1, 0),
        coupon="HOLIDAY15" if lift >= 1.3 else None,
        sent=sent,
    )
    if test:
        message.variations = (
            Variation(names.short("variation", name, "A"), f"{test} A", subject, 0.94),
            Variation(names.short("variation", name, "B"), f"{test} B", f"{subject} – inside", 1.08),
        )
    return Campaign(campaign, name, message, audience, sent - 4 * DAY, sent)


WELCOME, CART, BROWSE, THANKS, WINBACK, BIRTHDAY = (
    "Welcome Series",
    "Abandoned Cart",
    "Browse Abandonment",
    "Post-Purchase",
    "Win-Back",
    "Birthday (draft)",
)


@dataclass(slots=True)
class Step:
    """One message of a flow and the seconds from the trigger until it goes out."""

    delay: int
    message: Message


@dataclass(slots=True)
class Flow:
    """A flow; its trigger is a metric, or the name of a list."""

    id: str
    name: str
    trigger: Metric | str | None
    steps: tuple[Step, ...]
    status: str = "live"


class _Draft(NamedTuple):
    """A step before it has ids."""

    delay: int
    name: str
    subject: str
    opens: float = 1.0
    clicks: float = 1.0
    buys: float = 1.0
    channel: str = EMAIL
    coupon: str | None = None


_PLANS: tuple[tuple[str, Metric | str | None, tuple[_Draft, ...]], ...] = (
    (
        WELCOME,
        "newsletter",
        (
            _Draft(
                5 * MINUTE, "Welcome #1", "Welcome to Juniper & Pine 🌲", 1.6, 2.6, 2.6, coupon="WELCOME10"
            ),
            _Draft(3 * DAY, "Welcome #2: our story", "Why we repair everything for free", 1.35, 1.6, 1.5),
            _Draft(
                7 * DAY,
                "Welcome #3: last chance",
                'Your 10% is "almost" gone',
                1.25,
                2.0,
                2.6,
                coupon="WELCOME10",
            ),
        ),
    ),
    (
        CART,
        Metric.STARTED_CHECKOUT,
        (
            _Draft(HOUR, "Cart #1", "Still thinking it over?", 1.7, 3.0),
            _Draft(
                4 * HOUR,
                "Cart text",
                f"Your cart is waiting: {SITE}/cart Reply STOP to opt out",
                1.0,
                2.0,
                channel=SMS,
            ),
            _Draft(DAY, "Cart #2", "We kept your cart", 1.5, 2.6),
        ),
    ),
    (
        BROWSE,
        Metric.VIEWED_PRODUCT,
        (_Draft(3 * HOUR, "Browse #1", "You have a good eye 👀", 1.5, 2.2, 2.2),),
    ),
    (
        THANKS,
        Metric.PLACED_ORDER,
        (
            _Draft(2 * DAY, "Thank you", "Thank you, from all four of us", 1.6, 1.3, 1.0),
            _Draft(16 * DAY, "Goes well with", "Goes well with what you bought", 1.3, 1.8, 2.4),
        ),
    ),
    (
        WINBACK,
        Metric.PLACED_ORDER,
        (
            _Draft(
                75 * DAY,
                "We miss you",
                "It has been a while, {{ first_name }}",
                0.95,
                1.5,
                2.4,
                coupon="WINBACK20",
            ),
        ),
    ),
    (BIRTHDAY, None, (_Draft(9 * HOUR, "Birthday", "Happy birthday 🎂"),)),
)


def plan_flows(names: Names) -> dict[str, Flow]:
    """Return every flow by its name."""
    return {name: _flow(names, name, trigger, drafts) for name, trigger, drafts in _PLANS}


def _flow(names: Names, name: str, trigger: Metric | str | None, drafts: tuple[_Draft, ...]) -> Flow:
    flow = names.short("flow", name)
    steps = tuple(Step(draft.delay, _message(names, flow, name, draft)) for draft in drafts)
    return Flow(flow, name, trigger, steps, "draft" if trigger is None else "live")


def _message(names: Names, flow: str, flow_name: str, draft: _Draft) -> Message:
    return Message(
        names.short("flow-message", flow_name, draft.name),
        draft.name,
        draft.channel,
        draft.subject,
        flow=flow,
        campaign_name=draft.name,
        links=(f"{SITE}/cart" if flow_name == CART else f"{SITE}/", f"{SITE}/collections/new"),
        open_lift=draft.opens,
        click_lift=draft.clicks,
        buy_lift=draft.buys,
        coupon=draft.coupon,
    )
