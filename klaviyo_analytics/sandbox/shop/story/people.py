"""The people of the story as columns: where they live, how they are reached and what they are like."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import DAY, MINUTE, Clock
from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Floats, Ints, Table
from klaviyo_analytics.sandbox.shop.ids import ulids


class Place(NamedTuple):
    """A town; `share` is how much of the shop's people live there."""

    country: str
    region: str | None
    city: str
    zip: str | None
    latitude: float
    longitude: float
    timezone: str
    locale: str
    currency: str
    share: float


PLACES = (
    Place("United States", "NY", "New York", "10013", 40.72, -74.0, "America/New_York", "en-US", "USD", 18),
    Place("United States", "MA", "Boston", "02118", 42.34, -71.07, "America/New_York", "en-US", "USD", 10),
    Place("United States", "IL", "Chicago", "60614", 41.92, -87.65, "America/Chicago", "en-US", "USD", 10),
    Place("United States", "CO", "Denver", "80205", 39.76, -104.97, "America/Denver", "en-US", "USD", 9),
    Place(
        "United States",
        "CA",
        "Los Angeles",
        "90026",
        34.08,
        -118.26,
        "America/Los_Angeles",
        "en-US",
        "USD",
        12,
    ),
    Place("United States", "TX", "Austin", "78704", 30.24, -97.76, "America/Chicago", "es-US", "USD", 6),
    Place("Canada", "ON", "Toronto", "M5V 2T6", 43.64, -79.39, "America/Toronto", "en-CA", "CAD", 6),
    Place("Canada", "QC", "Montréal", "H2X 1Y4", 45.51, -73.57, "America/Toronto", "fr-CA", "CAD", 3),
    Place("United Kingdom", None, "London", "E8 3PN", 51.54, -0.06, "Europe/London", "en-GB", "GBP", 6),
    Place("Germany", "BE", "Berlin", "10999", 52.5, 13.42, "Europe/Berlin", "de-DE", "EUR", 5),
    Place("France", None, "Lyon", "69001", 45.77, 4.83, "Europe/Paris", "fr-FR", "EUR", 3),
    Place("Poland", None, "Łódź", "90-001", 51.77, 19.46, "Europe/Warsaw", "pl-PL", "EUR", 2),
    Place("Israel", None, "תל אביב", "6330221", 32.08, 34.78, "Asia/Jerusalem", "he-IL", "USD", 2),
    Place("Japan", "東京都", "渋谷区", "150-0002", 35.66, 139.7, "Asia/Tokyo", "ja-JP", "JPY", 3),
    Place("India", "MH", "Mumbai", "400050", 19.06, 72.83, "Asia/Kolkata", "hi-IN", "USD", 2),
    Place("Australia", "NSW", "Sydney", None, -33.88, 151.21, "Australia/Sydney", "en-AU", "USD", 3),
)

FIRST_NAMES = (
    "Olivia", "Liam", "Emma", "Noah", "Ava", "Mateo", "Sofía", "Ethan", "Mia", "Lucas", "Amelia", "Henry",
    "Harper", "Jack", "Isla", "Leo", "Grace", "Owen", "Zoë", "Anaïs", "François", "Łukasz", "Håkon", "Jürgen",
    "Siân", "D'Arcy", "Mary-Jane", "J.R.", "Nguyễn", "Øystein", "李娜", "王伟", "さくら", "健太", "민준", "서연",
    "मीरा", "अर्जुन", "Мария", "Дмитрий", "Ελένη", "יעל", "אברהם", "محمد", "فاطمة", "ทิพย์", "Sunny ☀️",
    "Kit 🦊", 'Robert "Bob"', "Ana, María", "null", "Chloé",
)  # fmt: skip

LAST_NAMES = (
    "Smith", "Johnson", "García", "Brown", "Martinez", "O'Brien", "Nuñez", "Müller", "Schmidt", "Kowalski",
    "Ivanov", "Петрова", "Παπαδόπουλος", "Andersson", "van der Berg", "de la Cruz", "Smith-Jones", "佐藤", "鈴木",
    "陈", "김", "박", "शर्मा", "כהן", "לוי", "العلي", "Nguyễn", "Okafor", "Silva", "Rossi", "Dubois", "Novák",
    "Łuczak", "Ng", "Back\\slash", 'Quote"d', "Comma, Jr.", "Wood 🌲", "Taylor", "Wilson", "Clark", "Young",
)  # fmt: skip

#: mail domain, who runs its inboxes, share of people, share of them whose client opens mail automatically
DOMAINS = (
    ("gmail.example", "Gmail", 42, 0.16),
    ("outlook.example", "Outlook", 13, 0.05),
    ("yahoo.example", "Yahoo", 12, 0.15),
    ("icloud.example", "Apple", 13, 0.72),
    ("proton.example", "Proton", 2, 0.1),
    ("gmx.example", "GMX", 3, 0.1),
    ("mail.example.net", "Other", 4, 0.25),
    ("studio-north.example", "Google Workspace", 4, 0.2),
    ("corp.example.org", "Microsoft 365", 5, 0.05),
    ("uni-city.example", "Microsoft 365", 2, 0.05),
)

#: the company domains whose filters follow every link before a person does
SCANNED = ("corp.example.org", "uni-city.example")

#: client, its name without the version, type and system of a human open
CLIENTS = (
    ("Gmail", "Gmail", "Webmail", "Other", 30),
    ("Gmail Mobile 2026.5", "Gmail Mobile", "Mobile", "Android", 22),
    ("Apple Mail 18", "Apple Mail", "Mobile", "iOS", 24),
    ("Outlook 16", "Outlook", "Desktop", "Windows", 10),
    ("Chrome 139", "Chrome", "Desktop", "macOS", 8),
    ("Yahoo! Mail", "Yahoo! Mail", "Webmail", "Other", 6),
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
    machine: Bools  # the mail client opens everything automatically
    scanned: Bools  # a company filter clicks everything
    interest: Floats  # in messages, mean about 1
    appetite: Floats  # for buying, mean about 1


def draw_people(rng: np.random.Generator, clock: Clock, count: int, machine_opens: float = 1.0) -> People:
    """Draw everybody who ever entered the account; `machine_opens` is how many of the usual clients open mail."""
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
    machine = rng.random(count) < machine_opens * np.array([share for *_, share in DOMAINS])[domain]
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


@dataclass(slots=True)
class Contacts:
    """The texts that identify each person; None where they have none."""

    ids: list[str]
    emails: list[str | None]
    phones: list[str | None]


def contact(people: People, seed: int) -> Contacts:
    """Assign ids, and an address and phone number to those who have one."""
    first, last = [_plain(name) for name in FIRST_NAMES], [_plain(name) for name in LAST_NAMES]
    domains = [name for name, *_ in DOMAINS]
    emails = [
        _email(first[given], last[family], domains[domain], number) if has else None
        for number, (given, family, domain, has) in enumerate(
            zip(
                people.first.tolist(),
                people.last.tolist(),
                people.domain.tolist(),
                people.has_email.tolist(),
                strict=True,
            )
        )
    ]
    phones = [_phone(number) if has else None for number, has in enumerate(people.has_phone.tolist())]
    return Contacts(ulids(people.created, seed + 17), emails, phones)


def as_typed(email: str | None, number: int) -> str | None:
    """Write an address as its owner typed it: some begin it, and each part of it, with a capital letter."""
    if email is None or number % 9 != 4:
        return email
    name, _, domain = email.partition("@")
    return f"{name.title()}@{domain.title()}"


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]+", "", letters)


def _email(first: str, last: str, domain: str, number: int) -> str:
    name = ".".join(part for part in (first, last) if part) or "friend"
    tag = "+shop" if number % 31 == 7 else ""
    return f"{name}.{number}{tag}@{domain}"


def _phone(number: int) -> str:
    """Write a number of the +1 xxx 555 01xx block, which is kept free for fiction."""
    return f"+1{200 + number // 100 % 800}55501{number % 100:02d}"
