"""Orders: one shape for every shop, which of them count, and refunds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics._messages import near
from klaviyo_analytics.analysis._customer_events import alike
from klaviyo_analytics.analysis._engine import WrongFrame, closed, takes
from klaviyo_analytics.analysis._events import opened_rows, present, require_ids, same_library, true
from klaviyo_analytics.errors import InvalidInputError

ORDER_EVENTS = "order events: client.events.list(metric='Placed Order', start=..., include=['attributions'])"
ORDERS = f"orders: analysis.normalise_orders(events) of {ORDER_EVENTS}"
REFUND_EVENTS = "refunds: analysis.normalise_orders(client.events.list(metric='Refunded Order', ...))"

_PREFIX = "event_properties."
KEYS: Mapping[str, tuple[str, ...]] = {
    "value": ("$value", "value"),
    "currency": ("$currency_code", "$value_currency", "$currency", "currency"),
    "order_id": ("OrderId", "OrderID", "order_id", "$event_id"),
    "source": ("Source Name", "SourceName", "source"),
    "tags": ("tags", "Tags"),
    "test": ("test", "Test", "Is Test"),
    "discount_codes": ("Discount Codes", "DiscountCodes", "discount_codes"),
}
# The columns in which frames of events hold what an order is attributed to: one value, or a list with one for each
# attribution. The first column that is there counts.
_ATTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "event_id": ("attributions.attributed_event_id", "attributed_event_ids", "attributed_event_id"),
    "campaign_id": ("attributions.campaign_id", "attributed_campaign_id"),
    "campaign_message_id": ("attributions.campaign_message_id", "attributed_campaign_message_id"),
    "flow_id": ("attributions.flow_id", "attributed_flow_id"),
    "flow_message_id": ("attributions.flow_message_id", "attributed_flow_message_id"),
    "variation_id": ("attributions.flow_message_variation_id", "attributed_variation_id"),
}
RENEWAL_TAGS = ("Subscription Recurring Order", "Recurring Order", "Subscription Renewal")
RENEWAL_SOURCES = ("subscription_contract", "subscription_contract_checkout_one")


@dataclass(frozen=True)
class OrderConditions:
    """Decide which orders count, once for every analysis, summary and report.

    Parameters
    ----------
    renewals : bool, default True
        Whether renewals of subscriptions count (column `renewal` of the orders).
    test : bool, default True
        Whether test orders count (column `test`).
    without_tags, only_tags : sequence of str, default ()
        Leave out orders with any of these tags; keep only orders with at least one of them. Upper and lower case
        are the same (column `tags`).
    without_sources, only_sources : sequence of str, default ()
        The same for the source, such as "web" or "pos" (column `source`).
    currency : str, optional
        Keep only orders in this currency, such as "EUR".

    Raises
    ------
    InvalidInputError
        If a text is given where a sequence of texts belongs.

    Examples
    --------
    >>> from klaviyo_analytics import analysis
    >>> analysis.OrderConditions(renewals=False, currency="EUR").describe()
    'without renewals; only EUR'
    """

    renewals: bool = True
    test: bool = True
    without_tags: Sequence[str] = ()
    only_tags: Sequence[str] = ()
    without_sources: Sequence[str] = ()
    only_sources: Sequence[str] = ()
    currency: str | None = None

    def __post_init__(self) -> None:
        for name in ("without_tags", "only_tags", "without_sources", "only_sources"):
            if isinstance(given := getattr(self, name), str):
                raise InvalidInputError(
                    f"{name}={given!r} is a single text. Give a list: {name}=[{given!r}]."
                )

    def describe(self) -> str:
        """Return the conditions in words, for captions; "all orders" without any.

        Returns
        -------
        str
        """
        said = [] if self.renewals else ["without renewals"]
        said += [] if self.test else ["without test orders"]
        for name, words in (
            ("without_tags", "without tags"),
            ("only_tags", "only tags"),
            ("without_sources", "without sources"),
            ("only_sources", "only sources"),
        ):
            if given := getattr(self, name):
                said.append(f"{words} {', '.join(given)}")
        if self.currency:
            said.append(f"only {self.currency}")
        return "; ".join(said) or "all orders"

    def needs(self) -> list[str]:
        """Return the columns that these conditions look at.

        Returns
        -------
        list of str
        """
        wanted = {
            "renewal": not self.renewals,
            "test": not self.test,
            "tags": bool(self.without_tags or self.only_tags),
            "source": bool(self.without_sources or self.only_sources),
            "currency": self.currency is not None,
        }
        return [name for name, needed in wanted.items() if needed]


@takes(ORDERS)
def select_orders(frame: IntoFrameT, orders: OrderConditions | Mapping[str, Any]) -> IntoFrameT:
    """Keep the orders that meet the conditions.

    Parameters
    ----------
    frame : DataFrame
        Orders, as `normalise_orders` returns them, or any frame with the columns that the conditions look at.
    orders : OrderConditions or mapping
        The conditions, or their names and values: `{"renewals": False}`.

    Returns
    -------
    DataFrame
        The rows that count, with all columns, in their order.

    Raises
    ------
    InvalidInputError
        If a condition has an unknown name.
    FrameError
        If the frame lacks a column that a condition looks at.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> orders = pd.DataFrame({"id": ["O1", "O2"], "tags": ["VIP, wholesale", None]})
    >>> analysis.select_orders(orders, {"without_tags": ["Wholesale"]})["id"].to_list()
    ['O2']
    """
    chosen = conditions_of(orders)
    table = opened_rows(frame, *chosen.needs(), texts=("tags", "source", "currency"))
    if wrong := [name for name in chosen.needs() if table.collect_schema()[name] == nw.List]:
        raise WrongFrame(f"column {wrong[0]!r} holds lists, but texts with commas are needed")
    keep = nw.lit(value=True)
    if not chosen.renewals:
        keep = keep & ~true("renewal")
    if not chosen.test:
        keep = keep & ~true("test")
    if chosen.currency is not None:
        keep = keep & (nw.col("currency").fill_null("") == chosen.currency)
    if chosen.without_tags:
        keep = keep & ~_has_any(chosen.without_tags)
    if chosen.only_tags:
        keep = keep & _has_any(chosen.only_tags)
    source = nw.col("source").cast(nw.String).str.to_lowercase().fill_null("")
    if chosen.without_sources:
        keep = keep & ~source.is_in([name.lower() for name in chosen.without_sources])
    if chosen.only_sources:
        keep = keep & source.is_in([name.lower() for name in chosen.only_sources])
    return closed(table.filter(keep) if chosen.needs() else table, frame)


def conditions_of(given: OrderConditions | Mapping[str, Any] | None) -> OrderConditions:
    """Return the conditions, built from a mapping if that is what was given; None is every order."""
    if given is None:
        return OrderConditions()
    if isinstance(given, OrderConditions):
        return given
    known = [one.name for one in fields(OrderConditions)]
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            f"orders={given!r} is not a condition. Give an OrderConditions or a dict of them."
        )
    if unknown := [name for name in given if name not in known]:
        raise InvalidInputError(
            f"orders has the condition {unknown[0]!r}. Allowed are {near(unknown[0], map(repr, known))}."
        )
    return OrderConditions(**given)


def _has_any(tags: Sequence[str]) -> nw.Expr:
    text = nw.col("tags").cast(nw.String).str.to_lowercase().fill_null("")
    framed = nw.concat_str(nw.lit(","), text.str.replace_all(r"\s*,\s*", ",").str.strip_chars(), nw.lit(","))
    found = nw.lit(value=False)
    for tag in tags:
        folded = ",".join(part.strip() for part in tag.lower().split(","))
        found = found | framed.str.contains(f",{folded},", literal=True)
    return found


@takes(ORDER_EVENTS)
def normalise_orders(
    events: pd.DataFrame,
    *,
    renewal_tags: Sequence[str] = RENEWAL_TAGS,
    renewal_sources: Sequence[str] = RENEWAL_SOURCES,
) -> pd.DataFrame:
    """Read orders (or refunds and cancellations) out of a frame of events.

    Parameters
    ----------
    events : pandas.DataFrame
        What `client.events.list` returns, with its properties as one column of dicts (`event_properties`) or as
        columns (`event_properties.$value`, ...); or what `client.events.attributions` returns, whose rows of one
        event become one order.
    renewal_tags, renewal_sources : sequence of str
        An order with one of these tags or sources is a renewal of a subscription. Upper and lower case are the
        same. The defaults are those of common subscription apps; apps differ, so look at your own orders.

    Returns
    -------
    pandas.DataFrame
        A row per event, in the order given: `id` (of the event), `order_id` (of the shop), `profile_id`, `datetime`
        (UTC), `value` (float), `currency`, `source`, `tags` and `discount_codes` (texts with ", " between them),
        `test` and `renewal` (boolean), and with attributions in the frame `attributed_event_id` (the first one;
        `attributed_event_ids` has all) and the ids of the same attribution: `attributed_campaign_id`,
        `attributed_flow_id`, `attributed_message` (of the campaign or the flow) and `attributed_variation_id`. Where
        Klaviyo names no event, the first attribution with another id counts. Missing properties are null.

    Raises
    ------
    FrameError
        If the frame has no events with properties.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> held = {"$value": "12.50", "$currency_code": "EUR", "$event_id": "77", "tags": ["Recurring Order"]}
    >>> events = pd.DataFrame({"id": ["E1"], "profile_id": ["P1"], "event_properties": [held]})
    >>> events["datetime"] = pd.Timestamp("2026-04-02 09:00", tz="UTC")
    >>> orders = analysis.normalise_orders(events)
    >>> orders[["order_id", "value", "currency", "renewal"]]
      order_id  value currency  renewal
    0       77   12.5      EUR     True
    """
    if isinstance(events, pd.DataFrame) and {"event_id", "attribution_id", "weight"} <= {*events.columns}:
        events = _one_row_per_event(events)
    opened_rows(events, "id", "profile_id", "datetime", times=("datetime",))
    if "event_properties" in events.columns:
        read = _read(events["event_properties"].to_list())
    elif any(str(name).startswith(_PREFIX) for name in events.columns):
        read = {name: _property(events, keys) for name, keys in KEYS.items()}
    else:
        raise WrongFrame("the frame lacks 'event_properties', alone or as columns")
    result = pd.DataFrame(
        {
            "id": events["id"].astype("string").array,
            "order_id": _texts(read["order_id"]),
            "profile_id": events["profile_id"].astype("string").array,
            "datetime": pd.to_datetime(events["datetime"], utc=True).array,
            "value": pd.to_numeric(pd.Series(read["value"], dtype=object), errors="coerce").to_numpy(
                dtype=float
            ),
        }
    )
    for name in ("currency", "source", "tags", "discount_codes"):
        result[name] = _texts(read[name])
    result["test"] = pd.array(
        [value is not None and str(value).lower() in {"true", "1"} for value in read["test"]],
        dtype="boolean",
    )
    tags = {tag.lower() for tag in renewal_tags}
    sources = {source.lower() for source in renewal_sources}
    by_tags = _each(result["tags"], lambda text: bool({part.strip() for part in text.split(",")} & tags))
    by_source = _each(result["source"], lambda text: text in sources)
    result["renewal"] = pd.array(by_tags | by_source, dtype="boolean")
    for name, values in _attributed(events).items():
        result[name] = pd.array(values, dtype="string")
    result.attrs = {**events.attrs}
    return result


def _attributed(events: pd.DataFrame) -> dict[str, list[str | None]]:
    """Return the columns that say what each order is attributed to; none if the frame has no attributions."""
    found = {
        name: next((column for column in columns if column in events.columns), None)
        for name, columns in _ATTRIBUTIONS.items()
    }
    held = {name: [_places(value) for value in events[column]] for name, column in found.items() if column}
    if not held:
        return {}
    made: dict[str, list[str | None]] = {
        f"attributed_{name}": []
        for name in ("event_id", "event_ids", "campaign_id", "flow_id", "message", "variation_id")
    }
    for row in range(len(events)):
        ids = {name: held[name][row] if name in held else [] for name in _ATTRIBUTIONS}
        first = _first_known(ids["event_id"])
        if first is None:
            first = min((at for at in map(_first_known, ids.values()) if at is not None), default=0)
        one = {name: places[first] if first < len(places) else None for name, places in ids.items()}
        made["attributed_event_ids"].append(", ".join(id for id in ids["event_id"] if id) or None)
        made["attributed_message"].append(one["campaign_message_id"] or one["flow_message_id"])
        for name in ("event_id", "campaign_id", "flow_id", "variation_id"):
            made[f"attributed_{name}"].append(one[name])
    return made


def _first_known(places: Sequence[str | None]) -> int | None:
    return next((at for at, id in enumerate(places) if id), None)


def _one_row_per_event(credits_: pd.DataFrame) -> pd.DataFrame:
    """Turn the rows of `client.events.attributions` back into events, each with the lists of its attributions."""
    events = credits_.drop_duplicates("event_id", ignore_index=True)
    result = pd.DataFrame({"id": events["event_id"]})
    for name in ("profile_id", "datetime"):
        result[name] = events[name]
    result[f"{_PREFIX}$value"] = events["value"]
    result[f"{_PREFIX}$value_currency"] = events["value_currency"]
    grouped = credits_.groupby("event_id", sort=False)
    for column, *_ in _ATTRIBUTIONS.values():
        name = column.removeprefix("attributions.")
        if name in credits_.columns:
            ids = grouped[name].agg(list).reindex(events["event_id"])
            result[column] = pd.Series([*ids], index=result.index, dtype=object)
    return result


def _each(texts: pd.Series[Any], check: Callable[[str], bool]) -> Any:
    """Return what a check says of each text in lower case, asked once for each that is different."""
    codes, different = pd.factorize(texts.fillna(""))
    return np.array([check(text) for text in pd.Series(different).str.lower()], dtype=bool)[codes]


def _read(held: Sequence[Any]) -> dict[str, Any]:
    """Return the properties of events: of the keys for one property, the first that has a value."""
    whole = [one if type(one) is dict or isinstance(one, Mapping) else {} for one in held]
    found = {name: np.empty(len(whole), dtype=object) for name in KEYS}
    for shape, places in alike(whole, _shape).items():
        some = whole if len(places) == len(whole) else [whole[at] for at in places]
        for name, keys in shape:
            values = [one[keys[0]] for one in some]
            for key in keys[1:]:
                values = [
                    one[key] if value is None else value for value, one in zip(values, some, strict=True)
                ]
            found[name][places] = _objects(values)
    return found


def _shape(keys: tuple[Any, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return which keys of an event's properties hold which property."""
    here = {name: tuple(key for key in spelled if key in keys) for name, spelled in KEYS.items()}
    return tuple((name, found) for name, found in here.items() if found)


def _objects(values: Sequence[Any]) -> Any:
    """Return values of any kind, lists among them, as one array."""
    return np.fromiter(values, dtype=object, count=len(values))


def _property(events: pd.DataFrame, keys: Sequence[str]) -> Sequence[Any]:
    """Return the first of the properties that an event has."""
    columns = [events[f"{_PREFIX}{key}"] for key in keys if f"{_PREFIX}{key}" in events.columns]
    if not columns:
        return [None] * len(events)
    return [next((value for value in row if _known(value)), None) for row in zip(*columns, strict=True)]


def _known(value: Any) -> bool:
    return value is not None and not (pd.api.types.is_scalar(value) and pd.isna(value))


def _places(value: Any) -> list[str | None]:
    """Return one id or None for each attribution of an event."""
    if isinstance(value, str):
        return [part.strip() or None for part in value.split(",")]
    if not _known(value):
        return []
    return [str(one) if _known(one) else None for one in value]


def _texts(values: Any) -> Any:
    """Return properties as a column of texts."""
    return pd.array(_objects([None if value is None else _text(value) for value in values]), dtype="string")


def _text(value: Any) -> str | None:
    """Return a property as text: lists with ", " between their items, whole numbers without decimals."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    if not _known(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@takes(f"{ORDERS}, and {REFUND_EVENTS}")
def net_of_refunds(orders: IntoFrameT, refunds: IntoFrameT, *, on: str = "order_id") -> IntoFrameT:
    """Subtract refunds and cancellations from the orders that they belong to.

    Parameters
    ----------
    orders : DataFrame
        Orders with `on`, `value` and `currency`, one row per `on`.
    refunds : DataFrame
        Refunded and cancelled orders with `on` and `value`; both signs of the value mean money given back. Several
        for one order are added up, never to more than the order: an order that was cancelled and refunded is
        taken off once.
    on : str, default "order_id"
        The shop's order id, in both frames.

    Returns
    -------
    DataFrame
        The orders with `refunded` (0 where nothing was) and `net_value` (value − refunded), in the currency of
        the order, sorted by `on`. Refunds without an order here are left out: see `unmatched_refunds`.

    Raises
    ------
    FrameError
        If columns are missing, or an order stands in several rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> orders = pd.DataFrame({"order_id": ["1", "2"], "value": [50.0, 20.0], "currency": "EUR"})
    >>> refunds = pd.DataFrame({"order_id": ["2", "2"], "value": [20.0, -20.0]})
    >>> analysis.net_of_refunds(orders, refunds)["net_value"].to_list()
    [50.0, 0.0]
    """
    sold = opened_rows(orders, on, "value", "currency", numbers=("value",), texts=(on, "currency"))
    back = opened_rows(refunds, on, "value", numbers=("value",), texts=(on,))
    same_library(sold, back, ("orders", "refunds"))
    require_ids(sold, on, "orders")
    returned = back.select(on, refunded=nw.col("value").abs()).filter(~nw.col(on).is_null())
    returned = returned.group_by(on).agg(nw.col("refunded").sum())
    result = sold.drop(*present(sold, ["refunded", "net_value"])).join(returned, on=on, how="left")
    most = nw.when(nw.col("value") > 0).then(nw.col("value").cast(nw.Float64)).otherwise(nw.lit(0.0))
    result = result.with_columns(refunded=nw.col("refunded").cast(nw.Float64).fill_null(0.0), __most=most)
    result = result.with_columns(
        refunded=nw.when(nw.col("refunded") > nw.col("__most"))
        .then(nw.col("__most"))
        .otherwise(nw.col("refunded"))
    ).with_columns(net_value=nw.col("value").cast(nw.Float64) - nw.col("refunded"))
    return closed(result.drop("__most").sort(on, nulls_last=True), orders)


@takes(f"{REFUND_EVENTS}, and {ORDERS}")
def unmatched_refunds(refunds: IntoFrameT, orders: IntoFrameT, *, on: str = "order_id") -> IntoFrameT:
    """Return the refunds and cancellations that belong to no order of the frame.

    Parameters
    ----------
    refunds, orders : DataFrame
        As in `net_of_refunds`.
    on : str, default "order_id"
        The shop's order id, in both frames.

    Returns
    -------
    DataFrame
        The rows of `refunds` whose order is not there, or which have no order id.

    Raises
    ------
    FrameError
        If `on` is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> refunds = pd.DataFrame({"order_id": ["2", "9"], "value": [20.0, 5.0]})
    >>> analysis.unmatched_refunds(refunds, pd.DataFrame({"order_id": ["1", "2"]}))["order_id"].to_list()
    ['9']
    """
    back = opened_rows(refunds, on, texts=(on,))
    sold = opened_rows(orders, on, texts=(on,))
    same_library(back, sold, ("refunds", "orders"))
    known = sold.filter(~nw.col(on).is_null()).select(on).unique()
    return closed(back.join(known, on=on, how="anti").sort(on, nulls_last=True), refunds)
