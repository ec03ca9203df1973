"""Reviews: one for each review event, by the person who bought the thing."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, iso
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.catalog import PREFIX
from klaviyo_analytics.sandbox.shop.story.places import FIRST_NAMES
from klaviyo_analytics.sandbox.shop.story.shelf import IMAGES, SHOP, SITE
from klaviyo_analytics.sandbox.shop.world import World

_WORDS = {
    5: ("Love it", 'Best "everyday" thing I own. Took it up three mountains 🏔'),
    4: ("Very good", "Does what it says; the zip is a little stiff."),
    3: ("OK", None),
    2: ("Hmm", "Runs small, and the colour is nothing like the picture…"),
    1: ("No", "Arrived late\nand with a hole in it."),
}


def review_records(world: World, event_ids: list[str]) -> list[Record]:
    """Give the reviews, each with the event that it came with."""
    records = []
    for number, row in enumerate(world.log.of(Metric.SUBMITTED_REVIEW).tolist()):
        told, when = world.log.properties[row], int(world.log.time[row])
        person = int(world.log.person[row])
        item = told["ProductID"]
        title, content = _WORDS[told["Rating"]]
        attributes: dict[str, Any] = {
            "email": world.contacts.emails[person],
            "status": _status(number, told["Rating"]),
            "verified": True,
            "review_type": "review" if content else "rating",
            "created": iso(when),
            "updated": iso(min(when + number % 4 * DAY, world.clock.now)),
            "images": [f"{IMAGES}/reviews/{number}.jpg"] if number % 6 == 0 else [],
            "product": {
                "url": f"{SITE}/products/{item.lower()}",
                "name": told["ProductName"],
                "image_url": None,
                "external_id": item,
            },
            "rating": told["Rating"],
            "author": FIRST_NAMES[int(world.people.first[person])],
            "content": content,
            "title": title,
            "smart_quote": content[:22] if content and number % 3 == 0 else None,
        }
        if told["Rating"] <= 2:
            reply = {"content": "We are sorry. Send it back, we repair it.", "author": SHOP}
            attributes["public_reply"] = {**reply, "updated": attributes["updated"]}
        key = str(20_000_000 + 61 * number)
        related = {"events": [event_ids[row]], "item": PREFIX + item}
        records.append(Record("review", key, attributes, {**related}))
    return records


def _status(number: int, rating: int) -> dict[str, Any]:
    if number % 17 == 5:
        return {"value": "pending"}
    if number % 29 == 9:
        return {
            "value": "rejected",
            "rejection_reason": {"reason": "other", "status_explanation": "Off topic"},
        }
    return {"value": "featured" if rating == 5 and number % 8 == 0 else "published"}
