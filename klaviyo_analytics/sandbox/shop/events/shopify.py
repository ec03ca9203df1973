"""What the Shopify integration writes into its events: checkouts, orders, units and carts."""

from __future__ import annotations

from typing import Any

from klaviyo_analytics.sandbox.shop.clock import iso
from klaviyo_analytics.sandbox.shop.columns import Bools, Ints
from klaviyo_analytics.sandbox.shop.events.ledger import Properties
from klaviyo_analytics.sandbox.shop.story.catalog import BRAND, SITE, Catalog
from klaviyo_analytics.sandbox.shop.story.journeys import RATES, Carts, Lines
from klaviyo_analytics.sandbox.shop.story.people import FIRST_NAMES, LAST_NAMES, PLACES, Contacts, People

_CURRENCIES = list(RATES)
_FIRST_ORDER, _STEP = 5_400_000_000_000, 32_768
_FIRST_CHECKOUT = 34_000_000_000_000
_APPS = ("web", "web", "web", "580111", "web", "3890849")  # a sales channel, or the number of an app


def order_number(number: int) -> int:
    """Return the shop's id of an order."""
    return _FIRST_ORDER + number * _STEP


def checkout_number(number: int) -> int:
    """Return the shop's id of a checkout."""
    return _FIRST_CHECKOUT + number * _STEP


def in_units(cents: int) -> str:
    """Write an amount of money as Shopify does: as text with two digits."""
    return f"{cents // 100}.{cents % 100:02d}"


def spread(cents: int, units: int) -> list[int]:
    """Split an amount over some units so that the parts add up to it."""
    share, rest = divmod(cents, units)
    return [share + (unit < rest) for unit in range(units)]


class Shopify:
    """Writes the events of the Shopify integration; `numbers` counts the carts of the shop."""

    def __init__(
        self,
        catalog: Catalog,
        people: People,
        contacts: Contacts,
        carts: Carts,
        lines: Lines,
        numbers: Ints,
        renewal: Bools,
    ) -> None:
        self.catalog, self.contacts = catalog, contacts
        # plain lists: each of them is read a row at a time
        self.numbers, self.renewal = numbers.tolist(), renewal.tolist()
        self.person, self.time = carts.person.tolist(), carts.time.tolist()
        self.currency = [_CURRENCIES[code] for code in carts.currency.tolist()]
        self.good, self.quantity = lines.good.tolist(), lines.quantity.tolist()
        self.cents, self.price = lines.cents.tolist(), lines.unit.tolist()
        self.first, self.last, self.place = people.first.tolist(), people.last.tolist(), people.place.tolist()
        self._raw: dict[int, Properties] = {}

    def checkout(self, cart: int, rows: list[int], code: str | None) -> Properties:
        """Write a checkout that was started."""
        number = checkout_number(self.numbers[cart])
        one = self._head(cart, rows, code)
        one["$event_id"] = str(number)
        raw = self._order(cart, rows, code)
        kept = (
            "token",
            "currency",
            "total_price",
            "subtotal_price",
            "total_discounts",
            "line_items",
            "customer",
        )
        one["$extra"] = {
            "id": number,
            **{key: raw[key] for key in kept},
            "checkout_url": f"{SITE}/checkouts/{number}/recover?key=a%2Bb&step=contact",
            "full_landing_site": raw["full_landing_site"],
            "referring_site": raw["referring_site"],
            "webhook_id": raw["webhook_id"],
        }
        return one

    def order(self, cart: int, rows: list[int], code: str | None) -> Properties:
        """Write an order, also where it is shipped, cancelled or refunded."""
        one = self._head(cart, rows, code)
        one["$event_id"] = str(order_number(self.numbers[cart]))
        one["Source Name"] = "subscription_contract" if self.renewal[cart] else _APPS[cart % len(_APPS)]
        one["tags"] = self._tags(cart)
        one["ShippingRate"] = ("Ground", "Economy", "Pick-up")[cart % 3]
        one["OptedInToSmsOrderUpdates"] = cart % 9 == 0
        one["$extra"] = self._order(cart, rows, code)
        return one

    def fulfilment(self, cart: int, rows: list[int], code: str | None) -> Properties:
        """Write an order that has left the warehouse."""
        one = self.order(cart, rows, code)
        one |= {"FulfillmentStatus": "fulfilled", "HasPartialFulfillments": False}
        one["FulfillmentHours"] = 18 + cart % 54
        return one

    def unit(self, cart: int, line: int, place: int, unit: int) -> Properties:
        """Write one unit of one line of an order; what its discount took off is not in its value."""
        good = self.catalog.shopify[self.good[line]]
        share = spread(self.cents[line], self.quantity[line])[unit]
        number = order_number(self.numbers[cart])
        one = {
            "$event_id": f"{number}:{number + place + 1}:{unit}",
            "$value": share / 100,
            "$currency_code": self.currency[cart],
            "Name": good["title"],
            "Variant Name": good["variant_title"] or "",
            "SKU": good["sku"],
            "ProductID": good["product_id"],
            "Quantity": 1,
            "Collections": good["collections"],
            "Tags": good["tags"],
            "Vendor": BRAND,
            "Customer Locale": self._locale(cart),
            "$extra": {
                "order_id": number,
                "variant_id": good["variant_id"],
                "price": in_units(self.price[line]),
            },
        }
        if good["variant_title"]:
            one["Variant Option: Size"] = good["variant_title"]
        return one

    def added(
        self, event: str, good: int, cents: int, quantity: int, currency: str, country: str
    ) -> Properties:
        """Write a product that was put into a cart."""
        item, held = self.catalog.shopify[good], self.catalog.goods[good]
        return {
            "$event_id": event,
            "$value": cents * quantity / 100,
            "$currency": currency,
            "Product Name": item["title"],
            "ProductID": item["product_id"],
            "VariantID": item["variant_id"],
            "Variant Name": item["variant_title"] or "",
            "Variant SKU": item["sku"],
            "Categories": item["collections"],
            "ImageURL": held["ImageURL"],
            "URL": held["ProductURL"],
            "Brand": BRAND,
            "Price": cents / 100,
            "CompareAtPrice": 0.0,
            "Quantity": quantity,
            "_ip_country_code": country,
        }

    def added_line(self, cart: int, line: int, place: int) -> Properties:
        """Write a line of a cart as it was put there."""
        number = checkout_number(self.numbers[cart])
        return self.added(
            f"{number}:{place}",
            self.good[line],
            self.price[line],
            self.quantity[line],
            self.currency[cart],
            self._country(cart),
        )

    def _head(self, cart: int, rows: list[int], code: str | None) -> Properties:
        goods = [self.catalog.shopify[self.good[row]] for row in rows]
        return {
            "$value": sum(self.cents[row] for row in rows) / 100,
            "$currency_code": self.currency[cart],
            "Items": [good["title"] for good in goods],
            "Collections": list(dict.fromkeys(name for good in goods for name in good["collections"])),
            "Item Count": len(rows),
            "Discount Codes": [] if code is None else [code],
            "Total Discounts": in_units(self._discount(rows)),
            "Customer Locale": self._locale(cart),
        }

    def _order(self, cart: int, rows: list[int], code: str | None) -> Properties:
        """Return the shop's own record of an order, the same one in all of its events."""
        known = self._raw.get(cart)
        if known is None:
            known = self._raw[cart] = self._written(cart, rows, code)
        return known

    def _written(self, cart: int, rows: list[int], code: str | None) -> Properties:
        number, person = self.numbers[cart], self.person[cart]
        net, off = sum(self.cents[row] for row in rows), self._discount(rows)
        name = {
            "first_name": FIRST_NAMES[self.first[person]],
            "last_name": LAST_NAMES[self.last[person]],
        }
        email = self.contacts.emails[person]
        address = self._address(person) | name
        return {
            "id": order_number(number),
            "admin_graphql_api_id": f"gid://shopify/Order/{order_number(number)}",
            "checkout_id": checkout_number(number),
            "order_number": number,
            "name": f"#{number}",
            "token": f"{order_number(number):032x}",
            "email": email,
            "created_at": iso(self.time[cart]),
            "currency": self.currency[cart],
            "subtotal_price": in_units(net),
            "total_line_items_price": in_units(net + off),
            "total_discounts": in_units(off),
            "total_price": in_units(net),
            "total_tax": "0.00",
            "financial_status": "paid",
            "test": False,
            "note": None if cart % 8 else 'Gift: "happy birthday", leave at door',
            "tags": ", ".join(self._tags(cart)),
            "discount_codes": []
            if code is None
            else [{"code": code, "amount": in_units(off), "type": "percentage"}],
            "customer": {
                "id": 7_200_000_000 + person,
                "email": email,
                "currency": self.currency[cart],
                **name,
            },
            "billing_address": address,
            "shipping_address": address,
            "full_landing_site": f"{SITE}/collections/new",
            "referring_site": "" if cart % 2 else "https://search.example/",
            "webhook_id": f"w{number}",
            "line_items": [self._line(number, line, place) for place, line in enumerate(rows)],
        }

    def _line(self, number: int, line: int, place: int) -> Properties:
        good = self.catalog.shopify[self.good[line]]
        price, quantity = self.price[line], self.quantity[line]
        return {
            "id": order_number(number) + place + 1,
            "product_id": good["product_id"],
            "variant_id": good["variant_id"],
            "title": good["title"],
            "name": good["name"],
            "variant_title": good["variant_title"],
            "sku": good["sku"],
            "vendor": BRAND,
            "quantity": float(quantity),
            "price": in_units(price),
            "total_discount": in_units(price * quantity - self.cents[line]),
            "requires_shipping": good["title"] != "Gift Card",
            "product": good["product"],
        }

    def _discount(self, rows: list[int]) -> int:
        return sum(self.price[row] * self.quantity[row] - self.cents[row] for row in rows)

    def _tags(self, cart: int) -> list[str]:
        if self.renewal[cart]:
            return ["Subscription", "Subscription Recurring Order"]
        return ["first-time"] if cart % 4 == 0 else []

    def _place(self, cart: int) -> Any:
        return PLACES[self.place[self.person[cart]]]

    def _locale(self, cart: int) -> str:
        return str(self._place(cart).locale)

    def _country(self, cart: int) -> str:
        return str(self._place(cart).locale[-2:])

    def _address(self, person: int) -> Properties:
        town = PLACES[self.place[person]]
        return {"city": town.city, "province": town.region, "zip": town.zip, "country": town.country}
