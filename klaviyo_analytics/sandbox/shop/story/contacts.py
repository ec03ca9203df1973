"""How people are reached: invented mail addresses, fictional phone numbers and profile ids."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from klaviyo_analytics.sandbox.shop.ids import ulids
from klaviyo_analytics.sandbox.shop.story.people import People
from klaviyo_analytics.sandbox.shop.story.places import DOMAINS, FIRST_NAMES, LAST_NAMES


@dataclass(slots=True)
class Contacts:
    """The texts that identify each person; None where they have none."""

    ids: list[str]
    emails: list[str | None]
    phones: list[str | None]


def contact(people: People, seed: int) -> Contacts:
    """Give everybody an id, and a mail address and phone number if they have one."""
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
