"""Engagement by people: without bots and without opens that a mail client makes by itself."""

from __future__ import annotations

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    opened,
    ratio,
    require_numbers,
    require_unique,
)
from klaviyo_analytics.analysis._given import takes

_OPENED, _CLICKED = "Opened Email", "Clicked Email"


@takes(
    "a summary by message, client.campaigns.summary(..., by='message'), and events, client.events.list(...)"
)
def adjusted_engagement(
    frame: IntoFrameT,
    events: IntoFrameT,
    *,
    on: str = "campaign_message_id",
    machine_open: str = "Apple Privacy Open",
    bot_click: str = "Bot Click",
) -> IntoFrameT:
    """Count who opened and clicked each message, with and without machines.

    A machine open says nothing: the person may have read the message or not. So the rates of people are lower
    bounds, the rates with machines upper ones, and the truth lies between. Unique counts cannot be taken from
    one another (who clicked may also have been clicked for by a bot), so this needs the events.

    Parameters
    ----------
    frame : DataFrame
        Summary with a row per message: `on` and `delivered`.
    events : DataFrame
        "Opened Email" and "Clicked Email" events, one a row: `metric` (their name), `profile_id`, `on`, and a
        column each for the two properties that tell machines.
    on : str, default "campaign_message_id"
        The message, in both frames; an event has it as its property `$message`.
    machine_open, bot_click : str
        Columns of those properties; true marks a machine, anything else, missing included, a person.

    Returns
    -------
    DataFrame
        `on`, `delivered`, the profiles `openers`, `human_openers`, `clickers`, `human_clickers`, and over
        delivered `open_rate`, `human_open_rate`, `click_rate`, `human_click_rate`. Sorted by `on`.

    Raises
    ------
    FrameError
        If columns are missing or a message has two rows in `frame`.

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
    ...         "Apple Privacy Open": [True, True, False, None],
    ...         "Bot Click": [None, None, None, False],
    ...     }
    ... )
    >>> adjusted = analysis.adjusted_engagement(sent, events)
    >>> adjusted[["openers", "human_openers", "open_rate", "human_open_rate", "human_click_rate"]]
       openers  human_openers  open_rate  human_open_rate  human_click_rate
    0        2              1        0.2              0.1               0.1
    """
    messages = opened(frame, on, "delivered").select(on, "delivered")
    require_numbers(messages, ["delivered"])
    require_unique(messages, [on])
    acts = opened(events, "metric", "profile_id", on, machine_open, bot_click)
    people = _people(acts, on, machine_open=machine_open, bot_click=bot_click)
    counts = [name for name in columns_of(people) if name != on]
    counted = messages.join(people, on=on, how="left").with_columns(
        nw.col(name).fill_null(0).cast(nw.Int64) for name in counts
    )
    result = counted.with_columns(
        open_rate=ratio("openers", "delivered"),
        human_open_rate=ratio("human_openers", "delivered"),
        click_rate=ratio("clickers", "delivered"),
        human_click_rate=ratio("human_clickers", "delivered"),
    )
    return closed(result.sort(on, nulls_last=True), frame)


def _people(acts: Table, on: str, *, machine_open: str, bot_click: str) -> Table:
    """Count profiles by message: first what each did at all, then how many did."""
    opens, clicks = nw.col("metric") == _OPENED, nw.col("metric") == _CLICKED
    flags = {
        "openers": opens,
        "human_openers": opens & ~_true(machine_open),
        "clickers": clicks,
        "human_clickers": clicks & ~_true(bot_click),
    }
    each = acts.select(
        on, "profile_id", *(flag.cast(nw.Int64).alias(name) for name, flag in flags.items())
    ).filter(~nw.col("profile_id").is_null())
    once = each.group_by(on, "profile_id").agg(*(nw.col(name).max() for name in flags))
    return once.group_by(on).agg(*(nw.col(name).sum() for name in flags))


def _true(name: str) -> nw.Expr:
    # The flag arrives as a boolean, as text, or in a column of mixed objects.
    return nw.col(name).cast(nw.String).str.to_lowercase().fill_null("") == "true"
