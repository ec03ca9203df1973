"""The nouns of the API, as an independent client would make and change one of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
SHOWN = {"title": "Tea", "description": "Green", "url": "https://shop.example/tea"}
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
LETTER = {"channel": "email", "label": "One", "content": {"subject": "Spring"}}
EMAIL = 'equals(messages.channel,"email")'


@dataclass(frozen=True)
class Noun:
    """How a noun is made and changed; `{type}` in a value stands for the id of something that is there."""

    type: str
    attributes: Json
    change: Json
    links: Json = field(default_factory=dict)
    many: str = ""  # the operation that lists, where it is not the plural
    makes: str = ""  # the operation that creates, where it is not called so
    query: Json = field(default_factory=dict)  # what it cannot do without
    deletes: bool = True
    name: str = ""  # in the names of operations, where it is not the type

    @property
    def word(self) -> str:
        return self.name or self.type.replace("-", "_")

    @property
    def creates(self) -> str:
        return self.makes or f"create_{self.word}"

    @property
    def lists(self) -> str:
        return self.many or f"get_{self.word}s"

    def __str__(self) -> str:
        return self.type


def link(type_: str, id_: str = "") -> Json:
    return {"data": {"type": type_, "id": id_ or f"{{{type_}}}"}}


NOUNS = [
    Noun("list", {"name": "Tea"}, {"name": "Coffee"}),
    Noun(
        "segment",
        {
            "name": "Tea",
            "definition": {
                "condition_groups": [
                    {
                        "conditions": [
                            {"type": "profile-group-membership", "is_member": True, "group_ids": ["{list}"]}
                        ]
                    }
                ]
            },
        },
        {"is_starred": True},
    ),
    Noun(
        "campaign",
        {
            "name": "Tea",
            "audiences": {"included": ["{list}"]},
            "campaign-messages": {
                "data": [{"type": "campaign-message", "attributes": {"definition": LETTER}}]
            },
        },
        {"name": "Coffee"},
        query={"filter": EMAIL},
    ),
    Noun(
        "flow",
        {
            "name": "Tea",
            "definition": {
                "triggers": [{"type": "list", "id": "{list}"}],
                "actions": [
                    {
                        "temporary_id": "a",
                        "type": "time-delay",
                        "links": {"next": None},
                        "data": {"unit": "days", "value": 1},
                    }
                ],
                "entry_action_id": "a",
            },
        },
        {"status": "live"},
    ),
    Noun("template", {"name": "Tea", "editor_type": "CODE", "html": "<p>"}, {"name": "Coffee"}),
    Noun(
        "template-universal-content",
        {
            "name": "Tea",
            "definition": {
                "content_type": "block",
                "type": "html",
                "data": {"content": "<b>", "display_options": {}},
            },
        },
        {"name": "Coffee"},
        name="universal_content",
        many="get_all_universal_content",
    ),
    Noun("catalog-item", SHOWN | {"external_id": "tea"}, {"title": "Coffee"}),
    Noun(
        "catalog-variant",
        SHOWN | {"external_id": "tea-v", "sku": "t", "inventory_quantity": 3, "price": 9.5},
        {"title": "Coffee"},
        {"item": link("catalog-item")},
    ),
    Noun(
        "catalog-category",
        {"external_id": "teas", "name": "Tea"},
        {"name": "Coffee"},
        many="get_catalog_categories",
    ),
    Noun("tag", {"name": "Tea"}, {"name": "Coffee"}),
    Noun("tag-group", {"name": "Tea"}, {"name": "Coffee"}),
    Noun("coupon", {"external_id": "TEA", "description": "Tea"}, {"description": "Coffee"}),
    Noun(
        "coupon-code",
        {"unique_code": "TEA-1"},
        {"expires_at": "2026-03-01T10:00:00+00:00"},
        {"coupon": link("coupon")},
        query={"filter": 'equals(coupon.id,"{coupon}")'},
    ),
    Noun(
        "webhook",
        {"name": "Tea", "endpoint_url": "https://shop.example/hook", "secret_key": "sixteen-letters-"},
        {"enabled": False},
        {"webhook-topics": {"data": [{"type": "webhook-topic", "id": "{webhook-topic}"}]}},
    ),
    Noun(
        "image",
        {"import_from_url": PIXEL, "name": "tea"},
        {"name": "coffee"},
        deletes=False,
        makes="upload_image_from_url",
    ),
    Noun(
        "custom-metric",
        {
            "name": "Tea",
            "definition": {"aggregation_method": "count", "metric_groups": [{"metric_id": "{metric}"}]},
        },
        {"name": "Coffee"},
    ),
    Noun(
        "form",
        {
            "name": "Tea",
            "status": "draft",
            "ab_test": False,
            "definition": {"versions": [{"steps": [{"columns": [{"rows": []}]}]}]},
        },
        {},
    ),
    Noun(
        "profile",
        {"email": "ann@shop.example", "properties": {"tea": 1}},
        {"first_name": "Ann", "location": {"city": "Bonn"}},
        deletes=False,
    ),
    Noun("data-source", {"title": "Tea", "visibility": "private"}, {}),
    Noun(
        "web-feed",
        {"name": "Tea", "url": "https://shop.example", "request_method": "get", "content_type": "json"},
        {"name": "Coffee"},
    ),
]
