"""Shop events: which carts, orders and lines become events, and the words of the own shop and of the till."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Floats, Ints
from klaviyo_analytics.sandbox.shop.events.ledger import Chapter, Properties
from klaviyo_analytics.sandbox.shop.events.shopify import Shopify, order_number
from klaviyo_analytics.sandbox.shop.ids import CROCKFORD, spell
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.catalog import SHOP, SITE
from klaviyo_analytics.sandbox.shop.story.journeys import COUPONS, RATES, Aftermath, Diary
from klaviyo_analytics.sandbox.shop.story.people import PLACES, Contacts

_CURRENCIES = list(RATES)


def shop_chapters(till: Till) -> list[Chapter]:
    """Write every checkout, order, line, shipment, cancellation, refund, review and loyalty point."""
    carts = till.diary.carts
    ordered = carts.ordered < NEVER
    points = ordered & (till.diary.people.appetite[carts.person] > 2.0)
    in_store = carts.in_store & ordered
    return [
        till.baskets(),
        *_of_shopify(till, ~carts.in_store & ~carts.own),
        *_of_own_shop(till, carts.own),
        till.about(Metric.POS_ORDER, in_store, carts.ordered, till.total, till.receipt, converts=True),
        till.about(Metric.LOYALTY_POINTS, points, carts.ordered, None, till.points),
        till.about(
            Metric.SUBMITTED_REVIEW, till.after.reviewed < NEVER, till.after.reviewed, None, till.review
        ),
    ]


def _of_shopify(till: Till, here: Bools) -> list[Chapter]:
    carts, after, total = till.diary.carts, till.after, till.total
    ordered = here & (carts.ordered < NEVER)
    return [
        till.about(Metric.STARTED_CHECKOUT, here, carts.time, total, till.checkout, converts=True),
        till.about(Metric.PLACED_ORDER, ordered, carts.ordered, total, till.order, converts=True),
        till.units(Metric.ORDERED_PRODUCT, ordered),
        till.about(
            Metric.FULFILLED_ORDER, here & (after.fulfilled < NEVER), after.fulfilled, total, till.fulfilment
        ),
        till.about(
            Metric.CANCELLED_ORDER, here & (after.cancelled < NEVER), after.cancelled, total, till.order
        ),
        till.about(Metric.REFUNDED_ORDER, here & (after.refunded < NEVER), after.refunded, total, till.order),
    ]


def _of_own_shop(till: Till, here: Bools) -> list[Chapter]:
    carts, after, total = till.diary.carts, till.after, till.total
    ordered = here & (carts.ordered < NEVER)
    return [
        till.about(Metric.OWN_CHECKOUT, here, carts.time, total, till.own_checkout, converts=True),
        till.about(Metric.OWN_ORDER, ordered, carts.ordered, total, till.own_order, converts=True),
        till.lines(Metric.OWN_PRODUCT, ordered),
        till.about(
            Metric.OWN_FULFILLED,
            here & (after.fulfilled < NEVER),
            after.fulfilled,
            total,
            till.own_fulfilment,
        ),
        till.about(
            Metric.OWN_CANCELLED, here & (after.cancelled < NEVER), after.cancelled, total, till.cancellation
        ),
        till.about(
            Metric.OWN_REFUNDED, here & (after.refunded < NEVER), after.refunded, till.refunds, till.refund
        ),
    ]


class Till:
    """Knows every cart's contents and sum, and writes the properties of shop events.

    Most carts are Shopify's (`shopify.py` has its words). The second shop is the company's own and sends what
    Klaviyo's guide for developers names; the till in the store words things its own way.
    """

    def __init__(self, diary: Diary, after: Aftermath, contacts: Contacts) -> None:
        carts, lines = diary.carts, diary.lines
        self.diary, self.after, self.catalog = diary, after, diary.catalog
        count = len(carts)
        self.total: Floats = np.bincount(lines.cart, lines.cents, minlength=count) / 100
        by_cart = np.argsort(lines.cart, kind="stable")
        bounds = np.searchsorted(lines.cart[by_cart], np.arange(count + 1))
        self.first, self.last = bounds[:-1].tolist(), bounds[1:].tolist()
        self.by_cart, self.in_order = by_cart, by_cart.tolist()
        opening = lines.cents[by_cart[bounds[:-1]]] / 100 if count else self.total
        self.refunds: Floats = np.where(after.partial, opening, self.total)
        rank = np.empty(count, dtype=np.int64)
        rank[np.lexsort((carts.person, carts.time))] = np.arange(count)
        self.numbers = rank + 1001
        self.shopify = Shopify(
            diary.catalog, diary.people, contacts, carts, lines, self.numbers, after.renewal
        )
        self._items: dict[int, list[Properties]] = {}

    def about(
        self,
        metric: Metric,
        which: Bools,
        time: Ints,
        value: Floats | None,
        write: Callable[[int], Properties],
        *,
        converts: bool = False,
    ) -> Chapter:
        """Write one event for each selected cart."""
        cart = np.flatnonzero(which)

        def write_rows(kept: Ints) -> list[Properties]:
            return [write(row) for row in cart[kept].tolist()]

        amounts = None if value is None else value[cart]
        return Chapter(
            metric, self.diary.carts.person[cart], time[cart], write_rows, amounts, converts=converts
        )

    def lines(self, metric: Metric, which: Bools) -> Chapter:
        """Write one event for each line of the selected orders."""
        lines, carts = self.diary.lines, self.diary.carts
        line = np.flatnonzero(which[lines.cart])
        cart = lines.cart[line]

        def write(kept: Ints) -> list[Properties]:
            return [
                self._ordered_product(row, owner)
                for row, owner in zip(line[kept].tolist(), cart[kept].tolist(), strict=True)
            ]

        return Chapter(
            metric, carts.person[cart], carts.ordered[cart], write, lines.cents[line] / 100, converts=True
        )

    def units(self, metric: Metric, which: Bools) -> Chapter:
        """Write one event for each unit of the selected orders."""
        lines, carts = self.diary.lines, self.diary.carts
        chosen = np.flatnonzero(which[lines.cart])
        line = np.repeat(chosen, lines.quantity[chosen])
        unit = np.arange(len(line)) - np.searchsorted(line, line)
        cart, place = lines.cart[line], self.places()[line]
        share, rest = np.divmod(lines.cents[line], lines.quantity[line])

        def write(kept: Ints) -> list[Properties]:
            columns = (column[kept].tolist() for column in (cart, line, place, unit))
            return [self.shopify.unit(*row) for row in zip(*columns, strict=True)]

        value = (share + (unit < rest)) / 100
        return Chapter(metric, carts.person[cart], carts.ordered[cart], write, value, converts=True)

    def baskets(self) -> Chapter:
        """Write what was put into Shopify's carts: the lines of every checkout, and things that were left there."""
        diary, lines, carts, visits = self.diary, self.diary.lines, self.diary.carts, self.diary.visits
        line = np.flatnonzero((~carts.in_store & ~carts.own)[lines.cart])
        place = self.places()[line]
        left = np.flatnonzero((visits.time + visits.person) % 9 == 0)
        person = np.concatenate([carts.person[lines.cart[line]], visits.person[left]])
        # a checkout begins at least 65 seconds after the visit, and a look at a product within 34
        time = np.concatenate([carts.time[lines.cart[line]] - 30 + 5 * place, visits.time[left] + 36])
        count, rates = len(line), np.array(list(RATES.values()))
        currency = diary.currencies[diary.people.place[visits.person[left]]]
        whole = np.where(rates[currency] > 100, 100, 1)
        price = (np.round(self.catalog.cents[visits.good[left]] * rates[currency] / whole) * whole).astype(
            int
        )
        value = np.concatenate([lines.unit[line] * lines.quantity[line], price]) / 100

        def write(kept: Ints) -> list[Properties]:
            return [self._added(row, line, place, left, price, count) for row in kept.tolist()]

        return Chapter(Metric.ADDED_TO_CART, person, time, write, value)

    def _added(self, row: int, line: Ints, place: Ints, left: Ints, price: Ints, count: int) -> Properties:
        if row < count:
            number = int(line[row])
            return self.shopify.added_line(int(self.diary.lines.cart[number]), number, int(place[row]))
        visit, visits = int(left[row - count]), self.diary.visits
        town = int(self.diary.people.place[int(visits.person[visit])])
        return self.shopify.added(
            f"v{visit}",
            int(visits.good[visit]),
            int(price[row - count]),
            1,
            _CURRENCIES[int(self.diary.currencies[town])],
            PLACES[town].locale[-2:],
        )

    def places(self) -> Ints:
        """Return the place of each line in its cart, from 0."""
        place = np.empty(len(self.by_cart), dtype=np.int64)
        place[self.by_cart] = (
            np.arange(len(self.by_cart))
            - np.array(self.first, dtype=np.int64)[self.diary.lines.cart[self.by_cart]]
        )
        return place

    def coupon(self, cart: int) -> str | None:
        """Return the unique code that was used on a cart."""
        kind = COUPONS[int(self.diary.carts.coupon[cart])]
        if kind is None:
            return None
        return f"{kind}-{spell(int(self.numbers[cart]) * 7919 % 32**6, CROCKFORD, 6)}"

    def order_id(self, cart: int) -> str:
        """Return the id that the shop system has for an order."""
        return str(order_number(int(self.numbers[cart])))

    def items(self, cart: int) -> list[Properties]:
        """Return the lines of a cart as nested objects."""
        known = self._items.get(cart)
        if known is None:
            known = self._items[cart] = [self._item(row) for row in self._rows(cart)]
        return known

    def checkout(self, cart: int) -> Properties:
        """Write a checkout in Shopify."""
        return self.shopify.checkout(cart, self._rows(cart), self.coupon(cart))

    def order(self, cart: int) -> Properties:
        """Write an order in Shopify, also one that is cancelled or refunded: Shopify reports only whole refunds."""
        return self.shopify.order(cart, self._rows(cart), self.coupon(cart))

    def fulfilment(self, cart: int) -> Properties:
        """Write a shipment of Shopify's."""
        return self.shopify.fulfilment(cart, self._rows(cart), self.coupon(cart))

    def own_checkout(self, cart: int) -> Properties:
        """Write a checkout in the own shop."""
        one = self._basket(cart)
        one["$event_id"] = f"c{self.order_id(cart)}"
        one["CheckoutURL"] = f"{SITE}/checkout/{self.order_id(cart)}?key=a%2Bb&step=contact"
        return one

    def own_order(self, cart: int) -> Properties:
        """Write an order in the own shop."""
        one = self._basket(cart)
        code = self.coupon(cart)
        one["$event_id"] = self.order_id(cart)
        one["OrderNumber"] = int(self.numbers[cart])
        one["Discount Codes"] = [] if code is None else [code]
        one["Source Name"] = "web" if cart % 5 else "shop_app"
        if self.after.renewal[cart]:
            one["tags"] = ["Recurring Order"]
        if cart % 4 == 0:
            one["$extra"] = {
                "note": None if cart % 8 else 'Gift: "happy birthday", leave at door',
                "shipping": {"method": "Ground", "price": 0, "tracked": True},
                "tags": ["web", "first-time"] if cart % 3 else [],
            }
        return one

    def receipt(self, cart: int) -> Properties:
        """Write an order of the till in the store, which words things its own way."""
        return {
            "$event_id": f"pos-{int(self.numbers[cart])}",
            "$value": float(self.total[cart]),
            "$value_currency": self._currency(cart),
            "Items": [item["ProductName"] for item in self.items(cart)],
            "Item Count": str(self._count(cart)),
            "Store": "Hudson Street" if cart % 2 else "Brattle Square",
            "Cashier": None if cart % 3 else "Renée",
        }

    def own_fulfilment(self, cart: int) -> Properties:
        """Write a shipment of the own shop."""
        return {**self._follow_up(cart, float(self.total[cart])), "Tracking Numbers": [f"1Z{cart:010d}"]}

    def cancellation(self, cart: int) -> Properties:
        """Write a cancelled order of the own shop."""
        return {
            **self._follow_up(cart, float(self.total[cart])),
            "Reason": ("customer", "inventory")[cart % 2],
        }

    def refund(self, cart: int) -> Properties:
        """Write a refund of the own shop: of the whole order, or of its first line."""
        reason = None if cart % 4 == 0 else "Didn't fit"
        return {**self._follow_up(cart, float(self.refunds[cart])), "Reason": reason}

    def review(self, cart: int) -> Properties:
        """Write a review of the first thing in the cart."""
        item = self.items(cart)[0]
        return {
            "$event_id": f"r{self.order_id(cart)}",
            "ProductID": item["ProductID"],
            "ProductName": item["ProductName"],
            "Rating": int(self.after.rating[cart]),
            "OrderId": self.order_id(cart),
        }

    def points(self, cart: int) -> Properties:
        """Write loyalty points, which are a number or, from the old system, a text."""
        points = int(self.total[cart] // 10)
        return {
            "$event_id": f"lp{self.order_id(cart)}",
            "Points": points if cart % 3 else f"{points} pts",
            "Programme": {"name": "Ring by Ring", "tier": ("sapling", "pine")[cart % 2]},
        }

    def _rows(self, cart: int) -> list[int]:
        rows: list[int] = self.in_order[self.first[cart] : self.last[cart]]
        return rows

    def _item(self, line: int) -> Properties:
        lines = self.diary.lines
        quantity, cents = int(lines.quantity[line]), int(lines.cents[line])
        good = self.catalog.goods[int(lines.good[line])]
        return {
            **good,
            "Quantity": quantity,
            "ItemPrice": round(cents / quantity / 100, 2),
            "RowTotal": cents / 100,
        }

    def _count(self, cart: int) -> int:
        return sum(item["Quantity"] for item in self.items(cart))

    def _currency(self, cart: int) -> str:
        return _CURRENCIES[int(self.diary.carts.currency[cart])]

    def _basket(self, cart: int) -> Properties:
        items = self.items(cart)
        return {
            "$value": float(self.total[cart]),
            "$value_currency": self._currency(cart),
            "OrderId": self.order_id(cart),
            "Items": items,
            "ItemNames": [item["ProductName"] for item in items],
            "Categories": list(dict.fromkeys(item["Categories"][0] for item in items)),
            "Item Count": self._count(cart),
        }

    def _ordered_product(self, line: int, cart: int) -> Properties:
        item = self._item(line)
        place = self._rows(cart).index(line)
        return {
            "$event_id": f"{self.order_id(cart)}:{item['SKU']}:{place}",
            "$value": item["RowTotal"],
            "$value_currency": self._currency(cart),
            "OrderId": self.order_id(cart),
            **item,
        }

    def _follow_up(self, cart: int, value: float) -> Properties:
        return {
            "$event_id": self.order_id(cart),
            "$value": value,
            "$value_currency": self._currency(cart),
            "OrderId": self.order_id(cart),
            "OrderNumber": int(self.numbers[cart]),
            "Shop": SHOP,
        }
