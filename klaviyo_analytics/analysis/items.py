"""Order lines, from whichever shape an integration sends."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import Kind, columns_like, first_of, read_events
from klaviyo_analytics.analysis._engine import Table, WrongFrame, columns_of, found_column, listed, takes
from klaviyo_analytics.errors import FrameError

_PROPERTIES = "event_properties"
_EXTRA, _ITEMS, _NAMES = "$extra", "Items", "ItemNames"
_LINES = ("line_items", "items", "Items", "lineItems")

# By key without capitals, blanks and underscores; the first that is there counts.
_FIELDS: dict[str, tuple[str, ...]] = {
    "product": ("productname", "title", "name", "itemname"),
    "product_id": ("productid", "itemid"),
    "variant": ("varianttitle", "variantname", "variant"),
    "sku": ("sku", "variantsku"),
    "quantity": ("quantity", "qtyordered", "qty"),
    "price": ("itemprice", "price", "unitprice"),
    "line_total": ("rowtotal", "linetotal", "total"),
}
_NUMBERS = ("quantity", "price", "line_total")
_Line = tuple[str | float | None, ...]
_NO_LINE: _Line = (None,) * (len(_FIELDS) + 1)
_KINDS: dict[str, Kind] = {
    "order_id": "text",
    "profile_id": "text",
    "datetime": "time",
    "line": "count",
    "product": "text",
    "product_id": "text",
    "variant": "text",
    "sku": "text",
    "quantity": "number",
    "price": "number",
    "line_total": "number",
    "source": "text",
}


@takes(
    "orders with their items: client.events.list(metric='Placed Order'), or properties=['Items', '$extra']"
)
def order_items(orders: IntoFrameT) -> IntoFrameT:
    """List the lines of orders, one a row.

    The lines of an order are read from the first of these that it has: `$extra.line_items` (the shop's own order,
    as Shopify sends it; other shops call it `items`), objects in `Items`, names in `Items` (Shopify), names in
    `ItemNames`. Never from two of them, so no line counts twice.

    Parameters
    ----------
    orders : DataFrame
        One row per order: `id`, `profile_id`, `datetime` and either `event_properties` or some of
        `event_properties.$extra`, `event_properties.Items`, `event_properties.ItemNames` (also without the
        prefix); as dicts and lists, or as JSON text. Rows that share an `id` count once; rows without a
        profile or a time do not count.

    Returns
    -------
    DataFrame
        One row per line, by time and order: `order_id`, `profile_id`, `datetime`, `line` (Int64, from 1), `product`
        (name), `product_id`, `variant`, `sku` (text), `quantity`, `price` (of a unit), `line_total` (float;
        `price` × `quantity` where the order has no total of its own) and `source` (where the line was read).
        What an integration does not send is missing. An order without any lines keeps one row with only its first
        three columns, so that no order disappears.

    Raises
    ------
    FrameError
        If columns are missing, or a property is text but not valid JSON.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> orders = pd.DataFrame(
    ...     {
    ...         "id": ["e1", "e2"],
    ...         "profile_id": ["A", "B"],
    ...         "datetime": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True),
    ...         "event_properties": [
    ...             {"$extra": {"line_items": [{"title": "Mug", "quantity": 2.0, "price": "4.50"}]}},
    ...             {"Items": ["Tea", "Pot"]},
    ...         ],
    ...     }
    ... )
    >>> analysis.order_items(orders)[["order_id", "line", "product", "quantity", "line_total", "source"]]
      order_id  line product  quantity  line_total             source
    0       e1     1     Mug       2.0         9.0  $extra.line_items
    1       e2     1     Tea       NaN         NaN              Items
    2       e2     2     Pot       NaN         NaN              Items
    """
    events = read_events(orders, "id")
    where = _places(events)
    collected = events.select("id", "profile_id", "__at", *where.values()).sort("__at", "id").collect()
    ids = [str(one) for one in collected["id"].to_list()]
    held = {name: collected[column].to_list() for name, column in where.items()}
    whole = held.pop(_PROPERTIES, None)
    lines: list[_Line] = []
    number: list[int | None] = []
    of: list[int] = []
    for row, order in enumerate(ids):
        properties = {name: _decoded(values[row], where[name], order) for name, values in held.items()}
        if whole is not None:
            kept = _decoded(whole[row], where[_PROPERTIES], order)
            properties = {**kept, **properties} if isinstance(kept, Mapping) else properties
        found = _lines(properties, order)
        lines += found or [_NO_LINE]
        number += range(1, len(found) + 1) if found else [None]
        of += [row] * max(len(found), 1)
    people, times = collected["profile_id"].to_list(), collected["__at"].to_list()
    columns: dict[str, Any] = {
        "order_id": [ids[row] for row in of],
        "profile_id": [str(people[row]) for row in of],
        "datetime": pd.to_datetime(np.array([times[row] for row in of], dtype="int64"), unit="us", utc=True),
        "line": number,
        **dict(
            zip(
                (*_FIELDS, "source"),
                zip(*lines, strict=True) if lines else [[]] * (len(_FIELDS) + 1),
                strict=True,
            )
        ),
    }
    return columns_like(columns, _KINDS, orders)


def _places(events: Table) -> dict[str, str]:
    """Return which column holds which property."""
    columns = columns_of(events)
    found = {}
    for name in (_PROPERTIES, _EXTRA, _ITEMS, _NAMES):
        spelled = (name,) if name == _PROPERTIES else (f"{_PROPERTIES}.{name}", name)
        if column := found_column(columns, spelled):
            found[name] = column
    if not found:
        raise WrongFrame(
            f"the frame lacks {_PROPERTIES!r} or {_PROPERTIES + '.' + _ITEMS!r}; it has {listed(columns)}"
        )
    return found


def _decoded(value: Any, column: str, order: str) -> Any:
    """Return a property as Python has it: databases hold it as JSON text."""
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise FrameError(f"column {column!r} of order {order!r} is not valid JSON: {error}") from error
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "asDict"):
        return value.asDict(recursive=True)
    return value


def _lines(properties: Mapping[str, Any], order: str) -> list[_Line]:
    extra = _decoded(properties.get(_EXTRA), _EXTRA, order)
    candidates = []
    if isinstance(extra, Mapping):
        candidates = [(f"{_EXTRA}.{name}", extra[name]) for name in _LINES if name in extra]
    items = _decoded(properties.get(_ITEMS), _ITEMS, order)
    candidates += [(_ITEMS, items), (_NAMES, _decoded(properties.get(_NAMES), _NAMES, order))]
    for wanted in (Mapping, str):
        for source, held in candidates:
            given = [held] if isinstance(held, Mapping) else held
            if not isinstance(given, list | tuple):
                continue
            if lines := [_line(one, source) for one in given if isinstance(one, wanted) and one]:
                return lines
    return []


def _line(item: Any, source: str) -> _Line:
    """Return the fields of a line, and where it was read."""
    if isinstance(item, str):
        return (item.strip() or None, *[None] * (len(_FIELDS) - 1), source)
    plain = {_plain_key(str(key)): value for key, value in item.items()}
    read: list[Any] = []
    for keys, meaning in _READ:
        value = None
        for key in keys:
            value = plain.get(key)
            if value is not None and not (isinstance(value, str) and not value):
                break
        read.append(meaning(value))
    product, product_id, variant, sku, quantity, price, line_total = read
    if product is None:
        inner = plain.get("product")
        if isinstance(inner, Mapping):
            inner = inner.get("title") or inner.get("name")
        product = _text(inner) or sku or product_id
    if line_total is None and price is not None and quantity is not None:
        line_total = round(price * quantity, 6)
    return (product, product_id, variant, sku, quantity, price, line_total, source)


@lru_cache(maxsize=10_000)
def _plain_key(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None


def _number(value: Any) -> float | None:
    """Read a number as shops write it: 4.5, "4.50", "$1,299.00", "12,50 €"."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str) or value.replace(".", "", 1).isdecimal():
        return float(value)
    digits = re.sub(r"[^\d.,-]", "", value)
    if "," in digits:
        comma_is_decimal = digits.rfind(",") > digits.rfind(".") and len(digits.rsplit(",", 1)[1]) != 3
        digits = digits.replace(".", "").replace(",", ".") if comma_is_decimal else digits.replace(",", "")
    try:
        return float(digits)
    except ValueError:
        return None


_READ = [(keys, _number if field in _NUMBERS else _text) for field, keys in _FIELDS.items()]


def read_lines(items: IntoFrameT) -> Table:
    """Return the lines that name a product, one for each order and product."""
    table = read_events(items, "order_id", "product")
    named = table.filter(~nw.col("product").is_null() & ~nw.col("order_id").is_null())
    columns = ("profile_id", "order_id", "product", "__at", "datetime")
    return first_of(named.select(*columns), ["order_id", "product"], by=["__at", "profile_id"])
