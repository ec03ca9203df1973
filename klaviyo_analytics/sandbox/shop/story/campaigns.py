"""The year's campaigns: when each one goes out, to whom, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from klaviyo_analytics.sandbox.shop.clock import DAY, Clock, black_friday, local, local_seconds
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.story.plan import EMAIL, PUSH, SMS, Message, Variation
from klaviyo_analytics.sandbox.shop.story.shelf import SHELF, SITE

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
    for year in sorted({local(clock.start).year, local(clock.now).year}):
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
    for number in range(7):
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
