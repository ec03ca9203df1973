"""Order lines, from whichever shape an integration sends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
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
_AS_THEY_ARE = (type(None), list, dict)
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
    collected = in_order(events.select("id", "profile_id", "__at", *where.values()), "__at", "id").collect()
    ids = [str(one) for one in collected["id"].to_list()]
    held = {name: collected[column].to_list() for name, column in where.items()}
    items: list[Any] = []
    counts: list[int] = []
    named: list[str | None] = []
    for order, properties in zip(ids, _properties(held, where, ids), strict=True):
        source, lines = _lines(properties, order)
        items += lines
        counts.append(len(lines))
        named.append(source or None)
    sizes, sources = np.array(counts, dtype="int64"), np.array(named, dtype=object)
    of = np.repeat(np.arange(len(ids)), np.maximum(sizes, 1))
    empty = sizes[of] == 0
    first = np.flatnonzero(np.diff(of, prepend=-1))
    people = np.array([str(one) for one in collected["profile_id"].to_list()], dtype=object)
    times = np.array(collected["__at"].to_list(), dtype="int64")
    columns: dict[str, Any] = {
        "order_id": np.array(ids, dtype=object)[of],
        "profile_id": people[of],
        "datetime": pd.to_datetime(times[of], unit="us", utc=True),
        "line": pd.arrays.IntegerArray(np.arange(len(of)) - first[of] + 1, empty),
        **_columns(items, np.flatnonzero(~empty), len(of)),
        "source": sources[of],
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
) -> Iterator[Mapping[str, Any]]:
    """Return the properties of each order; those in columns of their own come before those of the whole."""
    if not (whole := held.get(_PROPERTIES)):
        whole = [None] * len(ids)
    single = [(name, where[name], values) for name, values in held.items() if name != _PROPERTIES]
    for row, order in enumerate(ids):
        kept: Any = whole[row]
        if type(kept) is not dict:
            kept = _decoded(kept, where.get(_PROPERTIES, _PROPERTIES), order)
            kept = kept if _is_mapping(kept) else {}
        if single:
            kept = {**kept, **{name: _decoded(values[row], column, order) for name, column, values in single}}
        yield kept


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


def _lines(properties: Mapping[str, Any], order: str) -> tuple[str, list[Any]]:
    """Return where the lines of an order are, and the lines: objects, or names where an order lists no objects."""
    extra, items, names = properties.get(_EXTRA), properties.get(_ITEMS), properties.get(_NAMES)
    if not (type(extra) is dict and type(items) in _AS_THEY_ARE and type(names) in _AS_THEY_ARE):
        extra, items, names = (
            _decoded(held, name, order) for name, held in ((_EXTRA, extra), (_ITEMS, items), (_NAMES, names))
        )
    own: Mapping[str, Any] = extra if _is_mapping(extra) else {}
    for name, source in _LINES:
        if name in own and (lines := _objects(own[name])):
            return source, lines
    if lines := _objects(items):
        return _ITEMS, lines
    if lines := _objects(names):
        return _NAMES, lines
    candidates = [(source, own[name]) for name, source in _LINES if name in own]
    for source, held in (*candidates, (_ITEMS, items), (_NAMES, names)):
        given = held if isinstance(held, list | tuple) else ()
        if found := [one for one in given if one and isinstance(one, str)]:
            return source, found
    return "", []


def _objects(held: Any) -> list[Any]:
    """Return the objects of a list that have a key, or the only one."""
    if type(held) is not list:
        held = [held] if _is_mapping(held) else held if isinstance(held, list | tuple) else []
    return [one for one in held if one and (type(one) is dict or isinstance(one, Mapping))]


def _columns(items: Sequence[Any], places: Any, rows: int) -> dict[str, Any]:
    """Return the fields of lines, which stand at `places` of so many rows."""
    found: dict[str, Any] = {
        name: np.full(rows, np.nan) if name in _NUMBERS else np.empty(rows, dtype=object) for name in _FIELDS
    }
    given = np.zeros(rows, dtype=bool)  # a total that is not a number is a total all the same
    named = [at for at, item in enumerate(items) if isinstance(item, str)]
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
