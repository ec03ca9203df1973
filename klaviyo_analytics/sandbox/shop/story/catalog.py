"""The catalog: items, variants and categories as records, and the same goods as arrays to shop from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from klaviyo_analytics.sandbox.model import Record
from klaviyo_analytics.sandbox.shop.clock import DAY, iso
from klaviyo_analytics.sandbox.shop.columns import Floats, Ints
from klaviyo_analytics.sandbox.shop.ids import Names

SHOP = "Juniper & Pine"
SITE = "https://shop.juniper-pine.example"
IMAGES = "https://cdn.juniper-pine.example"
BRAND = "Juniper & Pine"

#: category -> (title, price, variants); a popular product stands early in its category.
SHELF: dict[str, tuple[tuple[str, float, tuple[str, ...]], ...]] = {
    "Apparel": (
        ("Merino Crew Tee", 48.0, ("S", "M", "L")),
        ("Trail Fleece", 96.0, ("S", "M", "L", "XL")),
        ("Rain Shell", 148.0, ("S", "M", "L")),
        ("Everyday Socks, 3 pairs", 24.0, ("36-39", "40-43", "44-47")),
        ("Wool Beanie", 28.0, ("Moss", "Rust")),
        ("Canvas Work Shirt", 72.0, ("S", "M", "L")),
    ),
    "Camp Kitchen": (
        ("Enamel Mug", 16.0, ("White", "Forest")),
        ("Titanium Pot 900 ml", 64.0, ()),
        ("Pour-Over Kit", 42.0, ()),
        ("Folding Stove", 58.0, ()),
        ("Bamboo Cutlery Set", 14.0, ()),
    ),
    "Bags": (
        ("Day Pack 20 L", 89.0, ("Black", "Moss")),
        ("Weekender Duffel", 128.0, ("Black", "Clay")),
        ("Roll-Top Tote", 54.0, ("Sand", "Navy")),
        ("Zip Pouch", 18.0, ()),
    ),
    "Shelter": (
        ("Two-Person Tent", 289.0, ()),
        ("Down Quilt", 219.0, ("Regular", "Long")),
        ("Sleeping Pad", 94.0, ()),
        ("Tarp 3 × 3 m", 78.0, ()),
    ),
    "Home": (
        ("Cedar Candle", 32.0, ()),
        ("Wool Throw", 118.0, ("Grey", "Ochre")),
        ("Linen Tea Towel", 18.0, ()),
        ("Cast-Iron Pan 26 cm", 68.0, ()),
        ("Beeswax Polish", 15.0, ()),
    ),
    "Pantry": (
        ("Campfire Coffee 500 g", 19.0, ("Whole bean", "Ground")),
        ("Spruce Tip Syrup", 17.0, ()),
        ("Trail Mix “Café Olé”", 12.0, ()),
        ("Hot Chocolate Tin", 21.0, ()),
    ),
    "Kids": (
        ("Explorer's Kit", 39.0, ()),
        ("Mini Fleece", 52.0, ("4Y", "6Y", "8Y")),
        ("Bug Viewer", 22.0, ()),
    ),
    "Gifts": (
        ("Gift Box “Winter Evening”", 85.0, ()),
        ("Gift Card", 50.0, ()),
        ("Field Notes, set of 3", 16.0, ()),
        ("Pocket Knife No. 7", 46.0, ()),
    ),
}


PREFIX = "$custom:::$default:::"


@dataclass(slots=True)
class Catalog:
    """Everything on the shelf; `goods[i]` holds the properties of the i-th variant in an event.

    `shopify[i]` is the same variant in the words of the Shopify integration.
    """

    records: list[Record]
    goods: list[dict[str, Any]]
    shopify: list[dict[str, Any]]
    cents: Ints
    popularity: Floats  # sums to one


def build_catalog(names: Names, start: int) -> Catalog:
    """Put the shelf into a catalog that was last touched a while after `start`."""
    records: list[Record] = []
    goods: list[dict[str, Any]] = []
    shopify: list[dict[str, Any]] = []
    cents: list[int] = []
    weights: list[float] = []
    for number, (category, products) in enumerate(SHELF.items()):
        item_ids = []
        for place, (title, price, options) in enumerate(products):
            created = iso(start - DAY * (400 - 9 * (10 * number + place)) // 4)
            item = _item(title, price, created, published=title != "Tarp 3 × 3 m")
            item_ids.append(item.id)
            variants = [
                _variant(item, title, option, price, names) for option in (options or ("Default Title",))
            ]
            item.relationships["variants"] = [variant.id for variant in variants]
            item.relationships["categories"] = [_category_id(category)]
            records += [item, *variants]
            for variant in variants:
                goods.append(_event_properties(item, variant, category))
                shopify.append(_shopify(item, variant, category, names))
                cents.append(round(price * 100))
                weights.append(1 / (place + 1) / len(variants) / (1 + price / 80))
        records.append(_category(category, item_ids, iso(start + DAY * 20 * number)))
    records.append(_category("Sale 🔥", [], iso(start + 300 * DAY)))
    popularity = np.array(weights)
    return Catalog(records, goods, shopify, np.array(cents, dtype=np.int64), popularity / popularity.sum())


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _sku(title: str) -> str:
    return _slug(title).upper()[:24].strip("-")


def _category_id(name: str) -> str:
    return PREFIX + _slug(name)


def _category(name: str, items: list[str], updated: str) -> Record:
    attributes = {"external_id": _slug(name), "name": name, "updated": updated}
    return Record("catalog-category", _category_id(name), attributes, {"items": items})


def _item(title: str, price: float, created: str, *, published: bool) -> Record:
    sku, slug = _sku(title), _slug(title)
    attributes = {
        "external_id": sku,
        "title": title,
        "description": f"{title}: made to last, repaired for free.",
        "price": price,
        "url": f"{SITE}/products/{slug}",
        "image_full_url": f"{IMAGES}/{slug}.jpg",
        "image_thumbnail_url": f"{IMAGES}/{slug}_thumb.jpg",
        "images": [f"{IMAGES}/{slug}.jpg", f"{IMAGES}/{slug}_back.jpg"],
        "custom_metadata": {"material": "wool" if "Wool" in title or "Merino" in title else "mixed"},
        "published": published,
        "created": created,
        "updated": created,
    }
    return Record("catalog-item", PREFIX + sku, attributes)


def _variant(item: Record, title: str, option: str, price: float, names: Names) -> Record:
    sku = item.attributes["external_id"]
    if option != "Default Title":
        sku = f"{sku}-{_slug(option).upper()}"
    stock = names.number("stock", sku) % 180
    kept = ("description", "url", "image_full_url", "image_thumbnail_url", "images", "custom_metadata")
    attributes = {
        "external_id": sku,
        "title": title if option == "Default Title" else f"{title} - {option}",
        "sku": sku,
        "inventory_policy": 1 if stock % 3 else 2,
        "inventory_quantity": float(stock),
        "price": price,
        **{name: item.attributes[name] for name in kept},
        "published": item.attributes["published"],
        "created": item.attributes["created"],
        "updated": item.attributes["updated"],
    }
    return Record("catalog-variant", PREFIX + sku, attributes, {"item": item.id})


def _event_properties(item: Record, variant: Record, category: str) -> dict[str, Any]:
    return {
        "ProductID": item.attributes["external_id"],
        "SKU": variant.attributes["sku"],
        "ProductName": item.attributes["title"],
        "Variant": variant.attributes["title"],
        "Brand": BRAND,
        "Categories": [category],
        "ProductURL": item.attributes["url"],
        "ImageURL": item.attributes["image_thumbnail_url"],
    }


def _shopify(item: Record, variant: Record, category: str, names: Names) -> dict[str, Any]:
    title, own = item.attributes["title"], variant.attributes["title"]
    option = own.removeprefix(f"{title} - ") if own != title else None
    number = 7_000_000_000_000 + names.number("product", item.id) % 10**12
    image = item.attributes["image_full_url"]
    return {
        "product_id": number,
        "variant_id": 40_000_000_000_000 + names.number("variant", variant.id) % 10**12,
        "title": title,
        "variant_title": option,
        "name": own,
        "sku": variant.attributes["sku"],
        "collections": [category, "All products", "Full price"],
        "tags": [category.lower(), item.attributes["custom_metadata"]["material"]],
        "product": {
            "id": number,
            "title": title,
            "handle": _slug(title),
            "body_html": f"<p><strong>{title}</strong> is made to last, and repaired for free.</p>",
            "vendor": BRAND,
            "product_type": category,
            "images": [{"src": image, "alt": None, "position": 1}],
            "variant": {"title": option, "sku": variant.attributes["sku"], "images": [{"src": image}]},
        },
    }
