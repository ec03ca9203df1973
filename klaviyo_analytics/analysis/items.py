"""Order lines, from whichever shape an integration sends."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    Kind,
    alike,
    columns_like,
    read_events,
)
from klaviyo_analytics.analysis._engine import Table, WrongFrame, columns_of, found_column, listed, takes
from klaviyo_analytics.analysis._ordering import first_of, in_order
from klaviyo_analytics.errors import FrameError

_PROPERTIES = "event_properties"
_EXTRA, _ITEMS, _NAMES = "$extra", "Items", "ItemNames"
_LINES = [(name, f"{_EXTRA}.{name}") for name in ("line_items", "items", "Items", "lineItems")]

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
_AS_THEY_ARE = {type(None), list, dict}
_NUMBERS = ("quantity", "price", "line_total")
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
    # Orders are read as they come, when neighbours are near each other in memory, and sorted afterwards.
    collected = events.select("id", "profile_id", "__at", *where.values()).collect()
    rows = collected.select("__at", "id").with_row_index("__row").lazy()
    sequence = np.array(in_order(rows, "__at", "id").collect()["__row"].to_list(), dtype="int64")
    ids = [str(one) for one in collected["id"].to_list()]
    held = {name: collected[column].to_list() for name, column in where.items()}
    sources, lines = _lines(_properties(held, where, ids), ids)
    items = list(chain.from_iterable(lines))
    sizes = np.fromiter(map(len, lines), dtype="int64", count=len(ids))
    of = np.repeat(sequence, np.maximum(sizes, 1)[sequence])
    empty = sizes[of] == 0
    begins = np.empty(len(ids), dtype="int64")
    begins[sequence] = np.flatnonzero(np.diff(of, prepend=-1))
    within = np.arange(len(items)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    people = np.array([str(one) for one in collected["profile_id"].to_list()], dtype=object)
    times = np.array(collected["__at"].to_list(), dtype="int64")
    columns: dict[str, Any] = {
        "order_id": np.array(ids, dtype=object)[of],
        "profile_id": people[of],
        "datetime": pd.to_datetime(times[of], unit="us", utc=True),
        "line": pd.arrays.IntegerArray(np.arange(len(of)) - begins[of] + 1, empty),
        **_columns(items, np.repeat(begins, sizes) + within, len(of)),
        "source": np.array(sources, dtype=object)[of],
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


def _properties(
    held: Mapping[str, Sequence[Any]], where: Mapping[str, str], ids: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Return the properties of each order; those in columns of their own come before those of the whole."""
    column = where.get(_PROPERTIES, _PROPERTIES)
    whole = held.get(_PROPERTIES) or [None] * len(ids)
    read = [
        kept if type(kept) is dict else _mapping(_decoded(kept, column, order))
        for kept, order in zip(whole, ids, strict=True)
    ]
    single = {name: values for name, values in held.items() if name != _PROPERTIES}
    if not single:
        return read
    return [
        {**kept, **dict(zip(single, own, strict=True))}
        for kept, own in zip(read, zip(*single.values(), strict=True), strict=True)
    ]


def _decoded(value: Any, column: str, order: str) -> Any:
    """Return a property as Python has it: databases hold it as JSON text."""
    if value is None or type(value) in (dict, list):
        return value
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


def _is_mapping(value: Any) -> bool:
    """Return whether a value has keys; of most, the type says so at once."""
    return type(value) is dict or isinstance(value, Mapping)


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a value that has keys as it is, and no keys for any other."""
    return value if _is_mapping(value) else {}


def _lines(
    properties: Sequence[Mapping[str, Any]], ids: Sequence[str]
) -> tuple[list[str | None], list[Sequence[Any]]]:
    """Return where the lines of each order are, and the lines: objects, or names where an order lists no objects.

    Each place is looked at for all orders that have no lines yet.
    """
    extra = _values_of(properties, _EXTRA, range(len(ids)), ids)
    own = [one if type(one) is dict else _mapping(one) for one in extra]
    sources: list[str | None] = [None] * len(ids)
    lines: list[Sequence[Any]] = [()] * len(ids)
    left: Sequence[int] = range(len(ids))
    for read in (_objects, _names):
        for key, source in (*_LINES, (_ITEMS, _ITEMS), (_NAMES, _NAMES)):
            inner = source != key
            values = [own[at].get(key) for at in left] if inner else _values_of(properties, key, left, ids)
            rest = []
            for at, value in zip(left, values, strict=True):
                if found := read(value):
                    sources[at], lines[at] = source, found
                else:
                    rest.append(at)
            left = rest
    return sources, lines


def _values_of(
    properties: Sequence[Mapping[str, Any]], key: str, places: Sequence[int], ids: Sequence[str]
) -> list[Any]:
    """Return a property of the orders at these places."""
    values = [properties[at].get(key) for at in places]
    if set(map(type, values)) <= _AS_THEY_ARE:
        return values
    return [_decoded(value, key, ids[at]) for at, value in zip(places, values, strict=True)]


def _objects(held: Any) -> Sequence[Any]:
    """Return the objects of a list that have a key, or the only one."""
    if type(held) is not list:
        held = [held] if _is_mapping(held) else held if isinstance(held, list | tuple) else []
    found = [one for one in held if one and (type(one) is dict or isinstance(one, Mapping))]
    return held if len(found) == len(held) else found


def _names(held: Any) -> list[str]:
    """Return the names of a list."""
    return [one for one in held if one and isinstance(one, str)] if isinstance(held, list | tuple) else []


def _columns(items: Sequence[Any], places: Any, rows: int) -> dict[str, Any]:
    """Return the fields of lines, which stand at `places` of so many rows."""
    found: dict[str, Any] = {
        name: np.full(rows, np.nan) if name in _NUMBERS else np.empty(rows, dtype=object) for name in _FIELDS
    }
    given = np.zeros(rows, dtype=bool)  # a total that is not a number is a total all the same
    texts = any(issubclass(kind, str) for kind in set(map(type, items)))
    named = [at for at, item in enumerate(items) if isinstance(item, str)] if texts else []
    found["product"][places[named]] = [items[at].strip() or None for at in named]
    if named:
        others = np.setdiff1d(np.arange(len(items)), named)
        items, places = [items[at] for at in others], places[others]
    for (fields, inner), positions in alike(items, _shape).items():
        some = items if len(positions) == len(items) else [items[at] for at in positions]
        at = places[positions]
        for name, keys in fields:
            values = _values(some, keys)
            if name in _NUMBERS:
                found[name][at], known = _numbers(values)
                if name == "line_total":
                    given[at] = known
            else:
                found[name][at] = _texts(values)
        nameless = np.flatnonzero([one is None for one in found["product"][at]])
        for one in nameless.tolist():
            row = at[one]
            named_within = _inner_name(some[one].get(inner) if inner is not None else None)
            found["product"][row] = named_within or found["sku"][row] or found["product_id"][row]
    totals = _rounded(found["price"] * found["quantity"])
    found["line_total"] = np.where(given, found["line_total"], totals)
    return found


@lru_cache(maxsize=10_000)
def _shape(keys: tuple[Any, ...]) -> tuple[tuple[tuple[str, tuple[Any, ...]], ...], Any]:
    """Return which keys of an object hold which field, the first that has a value counts, and that of the product."""
    plain = {_plain_key(str(key)): key for key in keys}
    fields = {
        field: tuple(plain[name] for name in spelled if name in plain) for field, spelled in _FIELDS.items()
    }
    return tuple((field, found) for field, found in fields.items() if found), plain.get("product")


def _values(items: Sequence[Mapping[Any, Any]], keys: Sequence[Any]) -> list[Any]:
    """Return the value of the first of the keys that has one."""
    values = [item[keys[0]] for item in items]
    for key in keys[1:]:
        values = [
            item[key] if value is None or (isinstance(value, str) and not value) else value
            for value, item in zip(values, items, strict=True)
        ]
    return values


def _texts(values: list[Any]) -> list[str | None]:
    if set(map(type, values)) == {str}:
        return [value.strip() or None for value in values]
    return [_text(value) for value in values]


def _numbers(values: list[Any]) -> tuple[Any, Any]:
    """Return the numbers, missing where a value cannot be read as one, and whether each value can."""
    kinds = set(map(type, values))
    if kinds <= {int, float}:
        return np.array(values, dtype=float), True
    known = {value: _number(value) for value in set(values)} if kinds == {str} else {}
    read = [known[value] for value in values] if known else [_number(value) for value in values]
    return np.array(read, dtype=float), np.array([one is not None for one in read])


def _rounded(values: Any) -> Any:
    """Round to millionths as Python does, which is exact; amounts repeat."""
    codes, different = pd.factorize(values)
    return np.array([*(round(float(one), 6) for one in different), np.nan])[codes]


def _inner_name(inner: Any) -> str | None:
    if isinstance(inner, Mapping):
        inner = inner.get("title") or inner.get("name")
    return _text(inner)


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


def read_lines(items: IntoFrameT) -> Table:
    """Return the lines that name a product, one for each order and product."""
    table = read_events(items, "order_id", "product")
    named = table.filter(~nw.col("product").is_null() & ~nw.col("order_id").is_null())
    columns = ("profile_id", "order_id", "product", "__at", "datetime")
    return first_of(named.select(*columns), ["order_id", "product"], by=["__at", "profile_id"])
