"""Which touches may earn an order: windows by channel and interaction, machines, and where a window starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

import narwhals.stable.v2 as nw
import pandas as pd

from klaviyo_analytics.analysis._engine import Table, columns_of, listed
from klaviyo_analytics.analysis._events import (
    MICROSECONDS_PER_HOUR,
    one_of,
    opened_rows,
    parse_duration,
    present,
)
from klaviyo_analytics.errors import InvalidInputError

Duration = str | timedelta
Preset = Literal["klaviyo", "klaviyo-before-2024-10-09"]

CHANNELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "email": ("email",),
        "text": ("text", "sms", "mms", "rcs", "text message", "text_message"),
        "push": ("push", "mobile_push", "mobile-push", "push notification"),
        "whatsapp": ("whatsapp",),
        "site": ("site", "onsite", "active on site"),
    }
)
"""The channels by the names that Klaviyo's API, its reports and this package use for them."""

INTERACTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "open": ("open", "opened"),
        "click": ("click", "clicked"),
        "delivery": ("delivery", "delivered", "received", "receive"),
        "visit": ("visit", "visited"),
    }
)

_NEW: dict[tuple[str, str], Duration] = {
    ("email", "click"): "5d",
    ("email", "open"): "5d",
    ("text", "click"): "5d",
    ("text", "open"): "1d",
    ("text", "delivery"): "12h",
    ("push", "open"): "24h",
    ("whatsapp", "click"): "5d",
    ("whatsapp", "open"): "12h",
    ("site", "visit"): "1d",
}
_OLD = {pair: window for pair, window in _NEW.items() if pair != ("text", "delivery")}
_PRESETS: Mapping[str, Mapping[tuple[str, str], Duration]] = {
    "klaviyo": _NEW,
    "klaviyo-before-2024-10-09": {**_OLD, ("text", "click"): "24h"},
}


@dataclass(frozen=True)
class AttributionSettings:
    """Decide which touches may earn an order.

    Parameters
    ----------
    windows : mapping
        How long after its start an order still counts, by channel and interaction. Keys are pairs
        (`{("email", "click"): "5d"}`), channels with a mapping of interactions
        (`{"email": {"click": "5d", "open": "5d"}}`), or channels alone for every interaction
        (`{"email": "120h"}`). Values are texts such as "120h", timedeltas, or None to switch a pair off. A pair
        that is not listed never earns an order. Channels are "email", "text", "push", "whatsapp" and "site" or
        names of your own ("sms" is "text"); interactions are "open", "click", "delivery", "visit" or your own.
    machine_opens : bool, default True
        Whether opens by a machine count (column `machine_open` of the touches). Klaviyo counts them until the
        account's setting leaves them out.
    bot_clicks : bool, default True
        Whether clicks by a bot count (column `bot_click`).
    transactional : bool, default True
        Whether transactional messages count (column `transactional`).
    start : {"receipt", "touch"}, default "receipt"
        Where a window starts: when the message was received (column `received`), so that touch and order both
        lie in it, or at the touch. Klaviyo's help pages say receipt (1260804504250).

    Raises
    ------
    InvalidInputError
        If a window is not a duration or `start` is not allowed.

    Examples
    --------
    >>> from klaviyo_analytics import analysis
    >>> settings = analysis.AttributionSettings.preset("klaviyo")
    >>> settings.window("text", "delivery")
    datetime.timedelta(seconds=43200)
    >>> analysis.AttributionSettings({"email": "120h"}, start="touch").window("email", "click")
    datetime.timedelta(days=5)
    """

    windows: Mapping[tuple[str, str], Duration | None] | Mapping[str, object] = field(
        default_factory=lambda: dict(_NEW)
    )
    machine_opens: bool = True
    bot_clicks: bool = True
    transactional: bool = True
    start: Literal["receipt", "touch"] = "receipt"

    def __post_init__(self) -> None:
        one_of(self.start, ("receipt", "touch"), "start")
        self.microseconds()

    @classmethod
    def preset(
        cls,
        name: Preset,
        *,
        machine_opens: bool = True,
        bot_clicks: bool = True,
        transactional: bool = True,
        start: Literal["receipt", "touch"] = "receipt",
    ) -> AttributionSettings:
        """Return Klaviyo's defaults for accounts opened since, or before, 9 October 2024.

        Parameters
        ----------
        name : {"klaviyo", "klaviyo-before-2024-10-09"}
            "klaviyo": email opens and clicks 5 days, text clicks 5 days, text opens 1 day, text deliveries 12
            hours, push opens 24 hours, WhatsApp clicks 5 days and opens 12 hours, site visits 1 day. Before:
            text clicks 24 hours and no text deliveries (help.klaviyo.com 28413442705435, 11118357030555).
        machine_opens, bot_clicks, transactional, start
            As in the class.

        Returns
        -------
        AttributionSettings

        Raises
        ------
        InvalidInputError
            If the name of the preset is unknown.
        """
        return cls(
            _PRESETS[one_of(name, _PRESETS, "settings")],
            machine_opens=machine_opens,
            bot_clicks=bot_clicks,
            transactional=transactional,
            start=start,
        )

    def window(self, channel: str, interaction: str) -> timedelta | None:
        """Return the window of a pair, or None if it never earns an order.

        Parameters
        ----------
        channel, interaction : str
            As in the touches: "email" and "click".

        Returns
        -------
        datetime.timedelta or None
        """
        windows = self.microseconds()
        pair = (canonical(channel, CHANNELS), canonical(interaction, INTERACTIONS))
        found = windows.get(pair, windows.get((pair[0], None)))
        return None if found is None else timedelta(microseconds=found)

    def microseconds(self) -> dict[tuple[str, str | None], int | None]:
        """Return the windows in microseconds; an interaction of None stands for every other of the channel."""
        found: dict[tuple[str, str | None], int | None] = {}
        for key, given in self.windows.items():
            if isinstance(key, tuple):
                if len(key) != 2:
                    raise InvalidInputError(
                        f"windows has the key {key!r}. Keys are channels or (channel, interaction)."
                    )
                _put(found, key[0], key[1], given)
            elif isinstance(given, Mapping):
                for interaction, length in given.items():
                    _put(found, key, interaction, length)
            else:
                _put(found, key, None, given)
        return found


def settings_of(given: AttributionSettings | str) -> AttributionSettings:
    """Return the settings, or those of the preset with this name."""
    if isinstance(given, AttributionSettings):
        return given
    if isinstance(given, str) and given in _PRESETS:
        return AttributionSettings(_PRESETS[given])
    raise InvalidInputError(
        f"settings={given!r} is not allowed. Allowed are {listed(list(_PRESETS))} or an AttributionSettings."
    )


def canonical(name: str, families: Mapping[str, tuple[str, ...]]) -> str:
    """Return the one name of a channel or interaction that has several."""
    folded = name.strip().lower()
    return next((family for family, known in families.items() if folded in known), folded)


def _put(
    found: dict[tuple[str, str | None], int | None], channel: object, interaction: object, given: object
) -> None:
    if not isinstance(channel, str) or not isinstance(interaction, str | None):
        raise InvalidInputError(
            f"windows has the key {(channel, interaction)!r}. Channels and interactions are texts."
        )
    pair = (
        canonical(channel, CHANNELS),
        None if interaction is None else canonical(interaction, INTERACTIONS),
    )
    if given is None:
        found[pair] = None
    elif isinstance(given, str | timedelta):
        found[pair] = parse_duration(given, f"windows[{channel!r}]")
    else:
        raise InvalidInputError(
            f"windows[{channel!r}]={given!r} is not a duration. Expected a text such as '120h', a timedelta or None."
        )


def with_windows(acts: Table, chosen: AttributionSettings) -> Table:
    """Append `__window`, see `_windows`, and `__delivered`, 1 where the touch is the delivery itself.

    pandas handles texts one by one, so there each different pair of channel and interaction is looked up once.
    """
    native: Any = acts.to_native()
    delivered = nw.when(_folded("interaction").is_in([*INTERACTIONS["delivery"]])).then(nw.lit(1))
    made = {"__window": _windows(chosen), "__delivered": delivered.otherwise(nw.lit(0))}
    if not nw.dependencies.is_pandas_dataframe(native):
        return acts.with_columns(**made)
    names_ = ["channel", "interaction"]
    codes, values = zip(*(pd.factorize(native[name], use_na_sentinel=False) for name in names_), strict=True)
    place = codes[0] * max(len(values[1]), 1) + codes[1]
    grid = pd.MultiIndex.from_product([list(one) for one in values], names=names_).to_frame(index=False)
    grid = opened_rows(grid, texts=names_).with_columns(**made).collect().to_native()
    return nw.from_native(native.assign(**{name: grid[name].to_numpy()[place] for name in made})).lazy()


def _windows(chosen: AttributionSettings) -> nw.Expr:
    """Return the window of each touch in microseconds, -1 where it never earns an order."""
    expression: nw.Expr = nw.lit(-1)
    windows = sorted(chosen.microseconds().items(), key=lambda item: item[0][1] is not None)
    for (channel, interaction), length in windows:
        here = _folded("channel").is_in([*CHANNELS.get(channel, (channel,))])
        if interaction is not None:
            here = here & _folded("interaction").is_in([*INTERACTIONS.get(interaction, (interaction,))])
        expression = nw.when(here).then(nw.lit(-1 if length is None else length)).otherwise(expression)
    return expression


def _folded(name: str) -> nw.Expr:
    return nw.col(name).cast(nw.String).str.strip_chars().str.to_lowercase().fill_null("")


TOUCH = "attributed_event_id"
# column of the orders -> column of the touches that holds the same
_SAME: Mapping[str, str] = {
    "attributed_campaign_id": "campaign_id",
    "attributed_flow_id": "flow_id",
    "attributed_message": "message",
    "attributed_variation_id": "variation_id",
}
IDS = (TOUCH, *_SAME)
"""Columns of orders; one of them with a value makes the order an attributed one."""

NO_TOUCH = ""
"""Stands for the touch, while tables are joined, of an order that is attributed without one."""

# what all touches of one message have in common
_OF_A_MESSAGE = ("channel", "campaign", "campaign_id", "flow", "flow_id")


def without_marks(table: Table) -> Table:
    """Return the table with `touch_id` missing where Klaviyo names no touch."""
    return table.with_columns(touch_id=nw.when(nw.col("touch_id") != NO_TOUCH).then(nw.col("touch_id")))


def attributed_natively(sold: Table) -> Table:
    """Return the attributed orders with `touch_id`, which is NO_TOUCH where Klaviyo names none, and their ids."""
    ids = present(sold, IDS)
    attributed = nw.lit(value=False)
    for name in ids:
        attributed = attributed | (nw.col(name).fill_null("") != "")
    touch = nw.col(TOUCH).fill_null(NO_TOUCH) if TOUCH in ids else nw.lit(NO_TOUCH)
    return sold.filter(attributed).with_columns(touch_id=touch)


def native_rows(sold: Table, details: Table) -> Table:
    """Return what Klaviyo attributed, also where the touch itself is not among the touches."""
    found = attributed_natively(sold).select("order_id", "__us", "touch_id", *present(sold, list(_SAME)))
    rows = with_details(found, details)
    return rows.drop(*present(rows, list(_SAME))).with_columns(
        hours=(nw.col("__us") - nw.col("__touch_us")).cast(nw.Float64) / MICROSECONDS_PER_HOUR,
        position=nw.lit(1).cast(nw.Int64),
        touches=nw.lit(1).cast(nw.Int64),
        credit=nw.lit(1.0),
    )


def with_details(rows: Table, details: Table) -> Table:
    """Join the columns of the touches to rows with a `touch_id` and the ids of the order.

    Where the touch is not among the touches, they come from the ids that the order carries and from other touches of
    the same message, which have the same channel, campaign and flow.
    """
    ids = [name for name in present(rows, list(_SAME)) if _SAME[name] in columns_of(details)]
    rows = rows.join(details, on="touch_id", how="left")
    if not ids:
        return rows
    gone = nw.col("__touch_us").is_null() & ~nw.col("touch_id").is_null()
    rows = rows.with_columns(
        nw.when(gone).then(nw.col(name)).otherwise(nw.col(_SAME[name])).alias(_SAME[name]) for name in ids
    )
    if "attributed_message" not in ids:
        return rows
    schema = details.collect_schema()
    shared = [name for name in present(details, _OF_A_MESSAGE) if schema[name] == nw.String]
    about = (
        _typed_texts(details, shared)
        .filter(~nw.col("message").is_null())
        .with_columns(nw.col(name).cast(nw.String).alias(f"__of_{name}") for name in shared)
        .group_by("message")
        .agg(*(nw.col(f"__of_{name}").max() for name in shared))
    )
    rows = rows.join(about, on="message", how="left").with_columns(
        nw.when(gone & nw.col(name).is_null())
        .then(nw.col(f"__of_{name}"))
        .otherwise(nw.col(name))
        .alias(name)
        for name in shared
    )
    return rows.drop(*(f"__of_{name}" for name in shared))


def _typed_texts(table: Table, columns: Sequence[str]) -> Table:
    """Return the table with pandas' own text type, of which it finds the largest beside missing values."""
    native: Any = table.to_native()
    if not nw.dependencies.is_pandas_dataframe(native):
        return table
    return nw.from_native(native.astype(dict.fromkeys(columns, "string"))).lazy()
