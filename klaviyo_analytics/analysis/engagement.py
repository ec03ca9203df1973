"""Engagement by people: without bots and without opens that a mail client makes by itself."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    listed,
    opened,
    ratio,
    require_numbers,
    require_unique,
)
from klaviyo_analytics.analysis.argument_checks import takes
from klaviyo_analytics.arithmetic import CHANNELS_WITHOUT_OPENS
from klaviyo_analytics.errors import FrameError

MACHINE_OPEN, BOT_CLICK = "machine_open", "Bot Click"
"""Keys of the events' properties; "Apple Privacy Open" is a label of Klaviyo's interface, not a key."""

_OPENED, _CLICKED = "Opened Email", "Clicked Email"


@takes(
    "a summary by message, client.campaigns.summary(..., by='message'), and events, client.events.list(...)"
)
def adjusted_engagement(
    frame: IntoFrameT,
    events: IntoFrameT,
    *,
    on: str = "campaign_message_id",
    machine_open: str | None = None,
    bot_click: str | None = None,
) -> IntoFrameT:
    """Count who opened and clicked each message, with and without machines.

    `open_rate` is openers ÷ delivered, `human_open_rate` is human openers ÷ delivered, and so for clicks. Every row
    of `frame` counts but text messages, whose opens are not events of an email: theirs are missing.

    A machine open says nothing: the person may have read the message or not. So the rates of people are lower
    bounds, the rates with machines upper ones, and the truth lies between. Unique counts cannot be taken from
    one another (who clicked may also have been clicked for by a bot), so this needs the events.

    Parameters
    ----------
    frame : DataFrame
        Summary with a row per message: `on` and `delivered`, and `channel` or `send_channel` if there is one.
    events : DataFrame
        "Opened Email" and "Clicked Email" events, one a row: `metric` (their name), `profile_id`, `on`, and a
        column each for the two properties that tell machines.
    on : str, default "campaign_message_id"
        The message, in both frames; an event has it as its property `$message`.
    machine_open, bot_click : str, optional
        Columns of those properties; true marks a machine, anything else, missing included, a person. "machine_open"
        and "Bot Click", the keys of Klaviyo's events, if not given.

    Returns
    -------
    DataFrame
        `on`, `delivered`, the profiles `openers`, `human_openers`, `clickers`, `human_clickers`, and over
        delivered `open_rate`, `human_open_rate`, `click_rate`, `human_click_rate`. Sorted by `on`.

    Raises
    ------
    FrameError
        If columns are missing, a message has two rows in `frame`, or a flag that was named is on no open (or no
        click) of the events.

    Warns
    -----
    UserWarning
        If there are opens (or clicks) and none has the default flag, so that nothing could be taken out.

    Examples
    --------
    Of 10 delivered, A opens by machine only, B by machine and in person: 2 ÷ 10 with machines, 1 ÷ 10 without.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"campaign_message_id": ["M1"], "delivered": [10]})
    >>> events = pd.DataFrame(
    ...     {
    ...         "metric": ["Opened Email", "Opened Email", "Opened Email", "Clicked Email"],
    ...         "profile_id": ["A", "B", "B", "B"],
    ...         "campaign_message_id": ["M1", "M1", "M1", "M1"],
    ...         "machine_open": [True, True, False, None],
    ...         "Bot Click": [None, None, None, False],
    ...     }
    ... )
    >>> adjusted = analysis.adjusted_engagement(sent, events)
    >>> adjusted[["openers", "human_openers", "open_rate", "human_open_rate", "human_click_rate"]]
       openers  human_openers  open_rate  human_open_rate  human_click_rate
    0        2              1        0.2              0.1               0.1
    """
    messages = opened(frame, on, "delivered")
    require_numbers(messages, ["delivered"])
    require_unique(messages, [on])
    channel = next((name for name in ("send_channel", "channel") if name in columns_of(messages)), None)
    text = nw.lit(value=False) if channel is None else _without_opens(channel)
    messages = messages.select(on, "delivered", __text=text)
    acts = opened(events, "metric", "profile_id", on)
    flags = {
        _OPENED: _flag(acts, _OPENED, machine_open, default=MACHINE_OPEN, argument="machine_open"),
        _CLICKED: _flag(acts, _CLICKED, bot_click, default=BOT_CLICK, argument="bot_click"),
    }
    people = _people(acts, on, flags)
    counts = [name for name in columns_of(people) if name != on]
    counted = messages.join(people, on=on, how="left").with_columns(
        nw.when(~nw.col("__text")).then(nw.col(name).fill_null(0).cast(nw.Int64)).alias(name)
        for name in counts
    )
    result = counted.drop("__text").with_columns(
        open_rate=ratio("openers", "delivered"),
        human_open_rate=ratio("human_openers", "delivered"),
        click_rate=ratio("clickers", "delivered"),
        human_click_rate=ratio("human_clickers", "delivered"),
    )
    return closed(result.sort(on, nulls_last=True), frame)


def _without_opens(channel: str) -> nw.Expr:
    return nw.col(channel).cast(nw.String).is_in(sorted(CHANNELS_WITHOUT_OPENS)).fill_null(value=False)


def _flag(acts: Table, metric: str, given: str | None, *, default: str, argument: str) -> str | None:
    """Return the column that marks machines, or None if no event of the metric has it."""
    name = given or default
    rows = acts.filter((nw.col("metric") == metric) & ~nw.col("profile_id").is_null())
    carried = name in columns_of(acts) and _count(rows.filter(~nw.col(name).is_null()))
    if carried:
        return name
    what = "open" if metric == _OPENED else "click"
    if given is not None:
        raise FrameError(
            f"{argument}={given!r} is on no {what} of the events. Klaviyo's key is {default!r}; the events have "
            f"{listed(columns_of(acts)[:8])}. Read it with client.events.list(properties=[{default!r}, ...]), or "
            f"omit {argument}="
        )
    if _count(rows):
        warnings.warn(
            f"no {what} among the events has {default!r}, so the numbers of people are those with machines. Read it "
            f"with client.events.list(properties=[{default!r}, ...]), or name its column with {argument}=",
            UserWarning,
            stacklevel=4,
        )
    return None


def _count(table: Table) -> int:
    return int(table.select(nw.len()).collect().item())


def _people(acts: Table, on: str, flags: Mapping[str, str | None]) -> Table:
    """Count profiles by message: first what each did at all, then how many did."""
    opens, clicks = nw.col("metric") == _OPENED, nw.col("metric") == _CLICKED
    did = {
        "openers": opens,
        "human_openers": opens & ~_true(flags[_OPENED]),
        "clickers": clicks,
        "human_clickers": clicks & ~_true(flags[_CLICKED]),
    }
    each = acts.select(
        on, "profile_id", *(flag.cast(nw.Int64).alias(name) for name, flag in did.items())
    ).filter(~nw.col("profile_id").is_null())
    once = each.group_by(on, "profile_id").agg(*(nw.col(name).max() for name in did))
    return once.group_by(on).agg(*(nw.col(name).sum() for name in did))


def _true(name: str | None) -> nw.Expr:
    if name is None:
        return nw.lit(value=False)
    # The flag arrives as a boolean, as a number, as text ("1.0" in aggregates), or in a column of mixed objects.
    return nw.col(name).cast(nw.String).str.to_lowercase().fill_null("").is_in(["true", "1", "1.0"])
