"""How engaged an audience is: profiles by the time since they last opened or clicked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics._messages import level_outside
from klaviyo_analytics.analysis._customer_events import (
    DAY,
    MACHINES,
    AsOf,
    check_positive,
    last_moment,
    made_like,
    read_events,
    rows_of,
)
from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    found_column,
    listed,
    opened,
    ratio,
    require_numbers,
    require_unique,
    takes,
)
from klaviyo_analytics.arithmetic import CHANNELS_WITHOUT_OPENS
from klaviyo_analytics.errors import FrameError, InvalidInputError


@takes("engagement events: client.events.list(metric=['Opened Email', 'Clicked Email'])")
def engagement_tiers(
    events: IntoFrameT,
    profiles: IntoFrameT | None = None,
    *,
    days: Sequence[int] = (30, 60, 90, 180),
    as_of: AsOf = None,
    per_profile: bool = False,
) -> IntoFrameT:
    """Count profiles by how long ago they last opened, clicked or did whatever else the events are.

    Parameters
    ----------
    events : DataFrame
        Events that count as engagement: `profile_id`, `datetime` (with a time zone). Rows whose `machine_open`,
        "Apple Privacy Open" or "Bot Click" is true (also with the prefix `event_properties.`) are left out: a
        machine did them.
    profiles : DataFrame, optional
        All profiles of the audience, of the same library: `id`. Those without an event are then counted as
        "never"; events of others do not count. Without it only profiles with an event are known.
    days : sequence of int, default (30, 60, 90, 180)
        Upper ends of the tiers, in days of 24 hours before `as_of`.
    as_of : str, date or datetime, optional
        When the tiers are determined; UTC if it has no zone. The last event if omitted.
    per_profile : bool, default False
        Return a row per profile instead of one per tier.

    Returns
    -------
    DataFrame
        One row per tier, the most engaged first: `tier` ("0-30 days", ..., "over 180 days", "never"), `profiles`
        (Int64) and `share` (float, of all profiles). With `per_profile=True` one row per profile: `profile_id`,
        `last_engaged` (time), `days` (Int64, elapsed whole days) and `tier`.

    Raises
    ------
    FrameError
        If columns are missing.
    InvalidInputError
        If `days` does not increase, or `as_of` is not valid.

    Notes
    -----
    Klaviyo's segments ("in the last 30 days") run on UTC, its metrics on the account's time zone. Pass `as_of` as the
    midnight in UTC at which a segment was built to compare with its size.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> events = pd.DataFrame(
    ...     {"profile_id": ["A", "B"], "datetime": pd.to_datetime(["2026-03-20", "2026-01-15"], utc=True)}
    ... )
    >>> profiles = pd.DataFrame({"id": ["A", "B", "C"]})
    >>> analysis.engagement_tiers(events, profiles, as_of="2026-03-31", days=[30, 90])
               tier  profiles     share
    0     0-30 days         1  0.333333
    1    31-90 days         1  0.333333
    2  over 90 days         0  0.000000
    3         never         1  0.333333
    """
    for one in days:
        check_positive("days", one, whole=True)
    if not days or sorted(set(days)) != list(days):
        raise InvalidInputError(f"days={list(days)!r} do not increase. Expected such as [30, 60, 90, 180].")
    acts = _by_people(read_events(events))
    at = last_moment([acts], as_of)
    last = (
        acts.filter(nw.col("__at") <= (at or 0))
        .group_by("profile_id")
        .agg(nw.col("datetime").max().alias("last_engaged"), nw.col("__at").max().alias("__last"))
    )
    if profiles is not None:
        everybody = opened(profiles, "id").filter(~nw.col("id").is_null())
        everybody = everybody.select(profile_id=nw.col("id").cast(nw.String)).unique("profile_id", keep="any")
        last = everybody.join(last, on="profile_id", how="left")
    tiers = _tier_names(days)
    elapsed = nw.lit(at or 0) - nw.col("__last")
    tier = nw.when(~nw.col("__last").is_null()).then(nw.lit(tiers[-2])).otherwise(nw.lit(tiers[-1]))
    for end, name in reversed(list(zip(days, tiers, strict=False))):
        tier = nw.when(elapsed <= end * DAY).then(nw.lit(name)).otherwise(tier)
    each = last.with_columns(days=(elapsed // DAY).cast(nw.Int64), tier=tier)
    if per_profile:
        return closed(each.select("profile_id", "last_engaged", "days", "tier").sort("profile_id"), events)
    found = {row["tier"]: int(row["n"]) for row in rows_of(each.group_by("tier").agg(nw.len().alias("n")))}
    total = sum(found.values())
    shown = tiers if profiles is not None else tiers[:-1]
    rows = [
        {"tier": name, "profiles": found.get(name, 0), "share": found.get(name, 0) / total if total else None}
        for name in shown
    ]
    return made_like(rows, {"tier": "text", "profiles": "count", "share": "number"}, events)


def _by_people(acts: Table) -> Table:
    """Leave out what a machine did."""
    for name in MACHINES:
        for spelled in (name, f"event_properties.{name}"):
            if column := found_column(columns_of(acts), [spelled]):
                text = nw.col(column).cast(nw.String).str.to_lowercase().fill_null("")
                acts = acts.filter(~text.is_in(["true", "1", "1.0"]))
    return acts


def _tier_names(days: Sequence[int]) -> list[str]:
    starts = [0, *(end + 1 for end in days[:-1])]
    tiers = [f"{start}-{end} days" for start, end in zip(starts, days, strict=True)]
    return [*tiers, f"over {days[-1]} days", "never"]


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
        The message, in both frames; an event has it as its property `$message`, which for a campaign may be the
        campaign's id: if `frame` has `campaign_id`, an event that names a campaign belongs to its message.
    machine_open, bot_click : str, optional
        Columns of those properties; true marks a machine, anything else, missing included, a person. "machine_open"
        and "Bot Click", the keys of Klaviyo's events, if not given.

    Returns
    -------
    DataFrame
        `on`, `delivered`, the profiles `openers`, `human_openers`, `clickers`, `human_clickers`, and over
        delivered `open_rate`, `human_open_rate`, `click_rate`, `human_click_rate`. Each rests on the one message of
        its row, if its number of deliveries is known. Sorted by `on`.

    Raises
    ------
    FrameError
        If columns are missing, a message has two rows in `frame`, or a flag that was named is on no open (or no
        click) of the events.

    Warns
    -----
    UserWarning
        If there are opens (or clicks) and none has the default flag, so that nothing could be taken out; or if
        events name a campaign that has several messages in `frame`: they are not counted.

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
    acts = opened(events, "metric", "profile_id", on)
    if on != "campaign_id" and "campaign_id" in columns_of(messages):
        acts = _by_message(acts, messages, on)
    messages = messages.select(on, "delivered", __text=text)
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


def _by_message(acts: Table, messages: Table, on: str) -> Table:
    """Return events with the message of each, where they name its campaign instead."""
    owners = messages.filter(nw.col(on) != nw.col("campaign_id")).select(
        __campaign="campaign_id", __message=on
    )
    number = owners.group_by("__campaign").agg(__number=nw.len())
    several = number.filter(nw.col("__number") > 1)
    named = acts.filter(nw.col("metric").is_in([_OPENED, _CLICKED]))
    if lost := _count(named.join(several, left_on=on, right_on="__campaign", how="semi")):
        warnings.warn(
            f"{lost} of the events name a campaign that has several messages, so they were not counted. Pass a frame "
            "with a row per campaign and on='campaign_id'",
            UserWarning,
            stacklevel=level_outside(),
        )
    single = owners.join(number.filter(nw.col("__number") == 1), on="__campaign", how="semi")
    both = acts.join(single, left_on=on, right_on="__campaign", how="left")
    return both.with_columns(nw.coalesce("__message", on).alias(on)).drop("__message")


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
            stacklevel=level_outside(),
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
