"""Shop events and their properties: checkouts, orders and their lines, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import MINUTE
from klaviyo_analytics.sandbox.shop.columns import NEVER, NONE, Bools, Floats, Ints
from klaviyo_analytics.sandbox.shop.events.consents import form_properties
from klaviyo_analytics.sandbox.shop.events.ledger import Chapter, Properties, Writer
from klaviyo_analytics.sandbox.shop.ids import CROCKFORD, Names, spell
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.catalog import SHOP, SITE, Catalog
from klaviyo_analytics.sandbox.shop.story.journeys import COUPONS, RATES, Aftermath, Diary

_CURRENCIES = list(RATES)


def shop_chapters(till: Till) -> list[Chapter]:
    """Write every checkout, order, line, shipment, cancellation, refund, review and loyalty point."""
    diary, after = till.diary, till.after
    carts, lines = diary.carts, diary.lines
    online, ordered = ~carts.in_store, carts.ordered < NEVER
    line = np.flatnonzero((online & ordered)[lines.cart])
    points = ordered & (diary.people.appetite[carts.person] > 2.0)
    return [
        till.about(Metric.STARTED_CHECKOUT, online, carts.time, till.total, till.checkout, converts=True),
        till.about(
            Metric.PLACED_ORDER, online & ordered, carts.ordered, till.total, till.order, converts=True
        ),
        Chapter(
            Metric.ORDERED_PRODUCT,
            carts.person[lines.cart[line]],
            carts.ordered[lines.cart[line]],
            till.lines(line),
            lines.cents[line] / 100,
            converts=True,
        ),
        till.about(
            Metric.POS_ORDER, carts.in_store & ordered, carts.ordered, till.total, till.receipt, converts=True
        ),
        till.about(Metric.LOYALTY_POINTS, points, carts.ordered, None, till.points),
        till.about(
            Metric.FULFILLED_ORDER, after.fulfilled < NEVER, after.fulfilled, till.total, till.fulfilment
        ),
        till.about(
            Metric.CANCELLED_ORDER, after.cancelled < NEVER, after.cancelled, till.total, till.cancellation
        ),
        till.about(Metric.REFUNDED_ORDER, after.refunded < NEVER, after.refunded, till.refunds, till.refund),
        till.about(Metric.SUBMITTED_REVIEW, after.reviewed < NEVER, after.reviewed, None, till.review),
    ]


class Till:
    """Knows every cart's contents and sum, and writes the properties of shop events."""

    def __init__(self, diary: Diary, after: Aftermath) -> None:
        carts, lines = diary.carts, diary.lines
        self.diary, self.after, self.catalog = diary, after, diary.catalog
        count = len(carts)
        self.total: Floats = np.bincount(lines.cart, lines.cents, minlength=count) / 100
        by_cart = np.argsort(lines.cart, kind="stable")
        bounds = np.searchsorted(lines.cart[by_cart], np.arange(count + 1))
        self.first, self.last = bounds[:-1], bounds[1:]
        self.by_cart = by_cart
        opening = lines.cents[by_cart[self.first]] / 100 if count else self.total
        self.refunds: Floats = np.where(after.partial, opening, self.total)
        rank = np.empty(count, dtype=np.int64)
        rank[np.lexsort((carts.person, carts.time))] = np.arange(count)
        self.numbers = rank + 1001
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

    def lines(self, line: Ints) -> Writer:
        """Write one event for each line of each order."""

        def write(kept: Ints) -> list[Properties]:
            lines = self.diary.lines
            return [
                self._ordered_product(row, cart)
                for row, cart in zip(line[kept].tolist(), lines.cart[line[kept]].tolist(), strict=True)
            ]

        return write

    def coupon(self, cart: int) -> str | None:
        """Return the unique code that was used on a cart."""
        kind = COUPONS[int(self.diary.carts.coupon[cart])]
        if kind is None:
            return None
        return f"{kind}-{spell(int(self.numbers[cart]) * 7919 % 32**6, CROCKFORD, 6)}"

    def order_id(self, cart: int) -> str:
        """Return the id that the shop system has for an order."""
        return str(5_400_000_000_000 + int(self.numbers[cart]) * 32_768)

    def items(self, cart: int) -> list[Properties]:
        """Return the lines of a cart as nested objects."""
        known = self._items.get(cart)
        if known is None:
            known = self._items[cart] = [self._item(row) for row in self._rows(cart)]
        return known

    def checkout(self, cart: int) -> Properties:
        """Write a started checkout."""
        one = self._basket(cart)
        one["$event_id"] = f"c{self.order_id(cart)}"
        one["CheckoutURL"] = f"{SITE}/checkout/{self.order_id(cart)}?key=a%2Bb&step=contact"
        return one

    def order(self, cart: int) -> Properties:
        """Write a placed order."""
        one = self._basket(cart)
        code = self.coupon(cart)
        one["$event_id"] = self.order_id(cart)
        one["OrderNumber"] = int(self.numbers[cart])
        one["Discount Codes"] = [] if code is None else [code]
        one["Source Name"] = "web" if cart % 5 else "shop_app"
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

    def fulfilment(self, cart: int) -> Properties:
        """Write a shipment."""
        return {**self._follow_up(cart, float(self.total[cart])), "Tracking Numbers": [f"1Z{cart:010d}"]}

    def cancellation(self, cart: int) -> Properties:
        """Write a cancelled order."""
        return {
            **self._follow_up(cart, float(self.total[cart])),
            "Reason": ("customer", "inventory")[cart % 2],
        }

    def refund(self, cart: int) -> Properties:
        """Write a refund of the whole order or of its first line."""
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
        rows: list[int] = self.by_cart[self.first[cart] : self.last[cart]].tolist()
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


_BROWSERS = ("Chrome", "Safari", "Firefox", "Edge")


def visit_chapters(diary: Diary) -> list[Chapter]:
    """Write the visits that messages and shopping plans caused."""
    visits = diary.visits
    return [
        _active(visits.person, visits.time, 0),
        _viewed(diary.catalog, visits.person, visits.time + 9 + visits.good % 25, visits.good, 0),
    ]


def everyday_chapters(diary: Diary, names: Names, cast: int, count: int) -> list[Chapter]:
    """Write exactly `count` more events: sessions of the first `cast` people, and forms that strangers closed."""
    strangers = _strangers(diary, names, count // 40) if cast else []
    left = count - sum(len(chapter.time) for chapter in strangers)
    if not cast or left <= 0:
        return strangers
    rng, people, clock = diary.rng, diary.people, diary.clock
    looks = 1 + rng.poisson(1.7, left)  # views in each session, more sessions than needed
    size = 1 + looks
    sessions = int(np.searchsorted(np.cumsum(size), left)) + 1
    weight = np.cumsum(0.2 + people.interest[:cast])
    person = np.searchsorted(weight, rng.random(sessions) * weight[-1])
    begin = clock.draw(rng, people.created[person])
    owner = np.repeat(np.arange(sessions), size[:sessions])[:left]
    step = np.arange(left) - np.searchsorted(owner, owner)
    time = np.minimum(begin[owner] + step * rng.integers(15, 3 * MINUTE, left), clock.now)
    enters = step == 0
    good = rng.integers(0, len(diary.catalog.goods), left)
    return [
        *strangers,
        _active(person[owner[enters]], time[enters], 1),
        _viewed(diary.catalog, person[owner[~enters]], time[~enters], good[~enters], 1),
    ]


def _active(person: Ints, time: Ints, series: int) -> Chapter:
    def write(kept: Ints) -> list[Properties]:
        written: list[Properties] = []
        for row, who, moment in zip(kept.tolist(), person[kept].tolist(), time[kept].tolist(), strict=True):
            one: Properties = {
                "$event_id": f"{moment}:a{series}{row}",
                "browser": _BROWSERS[who % 4],
                "os": "iOS" if who % 4 == 1 else "Windows",
                "page": SITE + ("/" if row % 3 else "/collections/new?utm_source=friend&x=%20"),
            }
            if row % 11 == 0:
                one["$referrer"] = None
            elif row % 2:
                one["$referrer"] = {
                    "ts": moment,
                    "value": "https://search.example/",
                    "first_page": SITE + "/",
                }
            written.append(one)
        return written

    return Chapter(Metric.ACTIVE_ON_SITE, person, time, write)


def _viewed(catalog: Catalog, person: Ints, time: Ints, good: Ints, series: int) -> Chapter:
    def write(kept: Ints) -> list[Properties]:
        written = []
        for row, thing, moment in zip(kept.tolist(), good[kept].tolist(), time[kept].tolist(), strict=True):
            price = int(catalog.cents[thing]) / 100
            written.append(
                {
                    "$event_id": f"{moment}:v{series}{row}",
                    **catalog.goods[thing],
                    "Price": price if row % 9 else f"${price:.2f}",
                }
            )
        return written

    return Chapter(Metric.VIEWED_PRODUCT, person, time, write)


def _strangers(diary: Diary, names: Names, count: int) -> list[Chapter]:
    """Write views of the pop-up by visitors without a profile, who close it."""
    start = np.full(count, diary.clock.start, dtype=np.int64)
    seen = np.minimum(diary.clock.draw(diary.rng, start), diary.clock.now - 60)
    nobody = np.full(count, NONE, dtype=np.int64)

    def chapter(metric: Metric, time: Ints) -> Chapter:
        def write(kept: Ints) -> list[Properties]:
            return [
                {**form_properties(names, row % 3, 10 * row), "$event_id": f"{moment}:f{row}"}
                for row, moment in zip(kept.tolist(), time[kept].tolist(), strict=True)
            ]

        return Chapter(metric, nobody, time, write)

    return [chapter(Metric.VIEWED_FORM, seen), chapter(Metric.CLOSED_FORM, seen + 2 + np.arange(count) % 50)]
