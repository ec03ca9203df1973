"""Templates, universal content and images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, Clock, iso
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.records.campaigns import template_key
from klaviyo_analytics.sandbox.shop.story.campaigns import Campaign
from klaviyo_analytics.sandbox.shop.story.flows import Flow
from klaviyo_analytics.sandbox.shop.story.plan import EMAIL
from klaviyo_analytics.sandbox.shop.story.shelf import IMAGES, SHOP, SITE

_EDITORS = ("USER_DRAGGABLE", "CODE", "SYSTEM_DRAGGABLE", "SIMPLE")


def template_records(
    names: Names, clock: Clock, campaigns: list[Campaign], flows: Iterable[Flow]
) -> list[Record]:
    """Give six templates to start from, and the copy that each email was sent with."""
    library = (
        "Base layout",
        "Newsletter",
        "Product grid",
        "Plain text",
        "Gift guide 🎁",
        "Order 'thank you'",
    )
    records = []
    for number, name in enumerate(library):
        made = iso(clock.start - (10 - number) * DAY)
        key = names.short("template", name)
        records.append(_template(key, name, _EDITORS[number % 4], name, made, None))
    sent = [(campaign.message, campaign.created) for campaign in campaigns]
    sent += [(step.message, clock.start - 20 * DAY) for flow in flows for step in flow.steps]
    for message, created in sent:
        if message.channel == EMAIL:
            key, text = names.short(*template_key(message)), message.subject
            records.append(_template(key, message.name, "USER_DRAGGABLE", text, iso(created), text))
    return records


def _template(key: str, name: str, editor: str, headline: str, made: str, text: str | None) -> Record:
    html = (
        "<html><body><h1>"
        + headline.replace("&", "&amp;")
        + "</h1><p>Hello {{ first_name|default:'friend' }},</p>"
        + f'<p><a href="{SITE}/">{SHOP.replace("&", "&amp;")}</a></p>{{% unsubscribe %}}</body></html>'
    )
    attributes = {
        "name": name,
        "editor_type": editor,
        "html": html,
        "text": text,
        "amp": None,
        "created": made,
        "updated": made,
    }
    return Record("template", key, attributes)


def universal_content_records(names: Names, clock: Clock) -> list[Record]:
    """Give the blocks that many templates share."""
    text = {"background_color": "#f6f4ef", "font_size": 14, "text_align": "center", "line_height": 1.4}
    blocks: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (
            "Footer",
            "html",
            {"content": f"<p>{SHOP}, Hudson Street</p>", "display_options": {"show_on": "all"}},
        ),
        (
            "Shipping banner",
            "text",
            {"content": "Free shipping over $75", "display_options": {}, "styles": text},
        ),
        (
            "Repair promise 🧵",
            "text",
            {"content": "<b>Repaired for free</b>", "display_options": {}, "styles": {}},
        ),
        (
            "Mobile only note",
            "html",
            {"content": "<i>Tap to call</i>", "display_options": {"show_on": "mobile"}},
        ),
    )
    records = []
    for number, (name, kind, data) in enumerate(blocks):
        made = iso(clock.start + 30 * number * DAY)
        attributes = {
            "name": name,
            "definition": {"content_type": "block", "type": kind, "data": data},
            "created": made,
            "updated": iso(clock.start + (30 * number + 9) * DAY),
            "screenshot_status": "completed" if number % 2 == 0 else "stale",
            "screenshot_url": f"{IMAGES}/screenshots/{number}.png",
        }
        key = names.ulid(clock.start + 30 * number * DAY, "universal-content", name)
        records.append(Record("template-universal-content", key, attributes))
    return records


def image_records(names: Names, clock: Clock) -> list[Record]:
    """Give the image library."""
    files = (
        ("banner", "jpeg", 182_344, False),
        ("logo", "png", 18_220, False),
        ("founders on the trail", "jpeg", 912_004, False),
        ("snow.gif", "gif", 2_402_113, True),
        ("gift guide 🎁", "png", 421_667, False),
        ("old logo", "png", 9_120, True),
    )
    records = []
    for number, (name, kind, size, hidden) in enumerate(files):
        key = names.digits("image", name)
        attributes = {
            "name": name,
            "image_url": f"{IMAGES}/library/{key}.{kind}",
            "format": kind,
            "size": size,
            "hidden": hidden,
            "updated_at": iso(clock.start + 45 * number * DAY),
        }
        records.append(Record("image", key, attributes))
    return records
