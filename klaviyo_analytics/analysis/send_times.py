"""When messages work: hour of sending, time from message to order, and messages in quick succession."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import Table, closed, columns_of, names, ratio, require, takes
from klaviyo_analytics.analysis._events import (
    MICROSECONDS_PER_HOUR,
    critical_value,
    hour_of,
    local_micros,
    one_of,
    opened_rows,
    parse_duration,
    present,
    require_ids,
    same_library,
    span_of,
    weekday_of,
    with_micros,
    with_month,
    with_wilson,
    zone_named,
)
from klaviyo_analytics.analysis._ordering import keyed, numbered, windowed
from klaviyo_analytics.errors import InvalidInputError

SENDS = (
    "sends, client.events.list(metric='Received Email', ...), and reactions, "
    "client.events.list(metric='Clicked Email', ...), both with id, profile_id, datetime and message"
)
LAG_EDGES: tuple[tuple[str, float, float], ...] = (
    ("0-1 h", 0.0, 1.0),
    ("1-6 h", 1.0, 6.0),
    ("6-24 h", 6.0, 24.0),
    ("1-3 d", 24.0, 72.0),
    ("3-5 d", 72.0, 120.0),
    ("5-7 d", 120.0, 168.0),
    ("over 7 d", 168.0, math.inf),
)
"""Buckets of `conversion_lag` with their bounds in hours; the upper bound belongs to the bucket."""

_CLOCK = ("weekday", "hour", "month")
_DAY = 24 * MICROSECONDS_PER_HOUR


@takes(SENDS)
def send_times(
    sends: IntoFrameT,
    reactions: IntoFrameT,
    *,
    by: str | Sequence[str] = ("weekday", "hour"),
    zone: Literal["profile", "account"] = "account",
    account_zone: str = "UTC",
    within: str | timedelta = "120h",
    minimum: int = 100,
    confidence: float = 0.95,
) -> IntoFrameT:
    """Count how many sends led to a reaction, by the hour at which they were sent.

    A reaction is credited to the hour of sending, not to its own: to the last send of the same message to the same
    profile before it. Several reactions to a send count once.

    Parameters
    ----------
    sends : DataFrame
        A row per message received: `id`, `profile_id`, `datetime` (with a time zone) and `message`; `timezone` (such
        as "Europe/Berlin") for `zone="profile"`.
    reactions : DataFrame
        Opens, clicks or orders: `profile_id`, `datetime` and `message`.
    by : str or sequence of str, default ("weekday", "hour")
        "weekday" (0 for Monday to 6 for Sunday), "hour" (0 to 23), "month" ("2026-04") or columns of the sends.
    zone : {"profile", "account"}, default "account"
        Whose clock decides. Profiles without a known zone go by the account's; `own_zone` counts the others.
    account_zone : str, default "UTC"
        The account's time zone.
    within : str or timedelta, default "120h"
        How long after the send a reaction counts, the bound included.
    minimum : int, default 100
        Fewer sends than this are marked as too few.
    confidence : float, default 0.95
        Level of Wilson's interval.

    Returns
    -------
    DataFrame
        `by`, `sends` and `reacted` (counts of sends), `rate` (reacted ÷ sends) with `low` and `high` (fractions),
        `enough` (boolean: at least `minimum` sends) and `own_zone` (sends placed by the person's own zone). Sends
        count whose reaction can be known: those with a profile, a message and a time. Hours without such a send have
        no row. Sorted by `by`.

    Raises
    ------
    FrameError
        If columns are missing, times have no zone, or an id of the sends is null or repeated.
    InvalidInputError
        If an argument is not allowed.

    Notes
    -----
    The hour is not the cause if other messages, or other people, were sent to at other hours.

    Examples
    --------
    The click on Tuesday counts for Monday, 9 o'clock, when the message was sent.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sends = pd.DataFrame({"id": ["1", "2"], "profile_id": ["A", "B"], "message": ["M", "M"]})
    >>> sends["datetime"] = pd.Timestamp("2026-04-06 13:00", tz="UTC")
    >>> clicks = pd.DataFrame({"profile_id": ["A"], "message": ["M"]})
    >>> clicks["datetime"] = pd.Timestamp("2026-04-07 20:00", tz="UTC")
    >>> times = analysis.send_times(sends, clicks, account_zone="America/New_York")
    >>> times[["weekday", "hour", "sends", "reacted", "rate", "enough"]]
       weekday  hour  sends  reacted  rate  enough
    0        0     9      2        1   0.5   False
    """
    one_of(zone, ("profile", "account"), "zone")
    place = zone_named(account_zone, "account_zone")
    keys = names(by)
    z = critical_value(confidence)
    reacted, _, _ = _reacted(sends, reactions, within, *(["timezone"] if zone == "profile" else []))
    require(reacted, [key for key in keys if key not in _CLOCK])
    span = span_of(reacted, "__us")
    zones = ["timezone"] if zone == "profile" else []
    reacted = reacted.select(*dict.fromkeys(["__us", "__hit", *present(reacted, keys), *zones]))
    if zone == "account":
        reacted = reacted.with_columns(__local=local_micros("__us", place, span), __own=nw.lit(0))
    else:
        reacted = _own_clocks(reacted, place, span)
    clock = {"weekday": weekday_of, "hour": hour_of}
    reacted = reacted.filter(~nw.col("__hit").is_null())
    reacted = reacted.with_columns(
        clock[key](nw.col("__local")).alias(key)
        for key in keys
        if key in clock and key not in columns_of(reacted)
    )
    if "month" in keys and "month" not in columns_of(reacted):
        reacted = with_month(reacted, "month", nw.col("__local"))
    result = _rated(reacted, keys, z, nw.col("__own").sum().alias("own_zone"))
    result = result.with_columns(
        enough=nw.col("sends") >= minimum, own_zone=nw.col("own_zone").cast(nw.Int64)
    )
    columns = [*keys, "sends", "reacted", "rate", "low", "high", "enough", "own_zone"]
    return closed(result.select(columns).sort(*keys, nulls_last=True), sends)


@takes("the frame of analysis.attribution(orders, touches)")
def conversion_lag(
    frame: IntoFrameT, *, by: str | Sequence[str] = (), since: Literal["touch", "receipt"] = "touch"
) -> IntoFrameT:
    """Count orders by the time that passed since the message.

    Parameters
    ----------
    frame : DataFrame
        The frame of `attribution`: `hours`, `credit`, `revenue`, `currency`, `status`, and `received` with
        `datetime` for `since="receipt"`.
    by : str or sequence of str, optional
        One distribution for each value of these columns, such as "channel".
    since : {"touch", "receipt"}, default "touch"
        Whether time runs from the touch or from the receipt of the message.

    Returns
    -------
    DataFrame
        `by`, `currency`, `bucket` (text), `from_hours` and `to_hours` (floats; the lower bound is excluded but for
        0, the upper one included), `orders` (sum of credits), `revenue`, `share` (fraction of the orders with a
        touch) and `cumulative` (share so far). All seven buckets are there, the last for more than 7 days. Orders
        without a touch, or without a known receipt, are left out.

    Raises
    ------
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> credited = pd.DataFrame({"hours": [0.5, 24.0], "credit": [1.0, 1.0], "revenue": [10.0, 20.0]})
    >>> lag = analysis.conversion_lag(credited.assign(currency="EUR", status="attributed"))
    >>> lag.loc[lag["orders"] > 0, ["bucket", "orders", "revenue", "cumulative"]]
       bucket  orders  revenue  cumulative
    0   0-1 h     1.0     10.0         0.5
    2  6-24 h     1.0     20.0         1.0
    """
    one_of(since, ("touch", "receipt"), "since")
    keys = names(by)
    table = opened_rows(
        frame,
        *keys,
        "hours",
        "credit",
        "revenue",
        "currency",
        "status",
        *(["received", "datetime"] if since == "receipt" else []),
        times=("received", "datetime"),
        numbers=("hours", "credit", "revenue"),
        texts=("currency", "status"),
    )
    hours = nw.col("hours")
    if since == "receipt":
        table = with_micros(table, __sent="received", __at="datetime")
        hours = (nw.col("__at") - nw.col("__sent")).cast(nw.Float64) / MICROSECONDS_PER_HOUR
    table = table.filter(nw.col("status") == "attributed").with_columns(__hours=hours)
    table = table.filter(~nw.col("__hours").is_null())
    groups = list(dict.fromkeys([*keys, "currency"]))
    flags = {}
    for place, (_, lower, upper) in enumerate(LAG_EDGES):
        inside = nw.col("__hours") > lower if lower else nw.lit(value=True)
        if math.isfinite(upper):
            inside = inside & (nw.col("__hours") <= upper)
        flags[place] = inside.cast(nw.Float64)
    table = table.with_columns(
        *((flag * nw.col("credit")).alias(f"__orders_{place}") for place, flag in flags.items()),
        *((flag * nw.col("revenue")).alias(f"__revenue_{place}") for place, flag in flags.items()),
    )
    sums = [f"__{what}_{place}" for what in ("orders", "revenue") for place in flags]
    totals = table.group_by(*groups).agg(*(nw.col(name).sum() for name in sums))
    everything = nw.sum_horizontal(*(nw.col(f"__orders_{place}") for place in flags))
    totals = totals.with_columns(__all=everything)
    parts = []
    for place, (bucket, lower, upper) in enumerate(LAG_EDGES):
        so_far = nw.sum_horizontal(*(nw.col(f"__orders_{number}") for number in range(place + 1)))
        parts.append(
            totals.select(
                *groups,
                nw.lit(bucket).alias("bucket"),
                nw.lit(lower).alias("from_hours"),
                nw.lit(upper).alias("to_hours"),
                nw.col(f"__orders_{place}").alias("orders"),
                nw.col(f"__revenue_{place}").alias("revenue"),
                nw.when(nw.col("__all") > 0)
                .then(nw.col(f"__orders_{place}") / nw.col("__all"))
                .alias("share"),
                nw.when(nw.col("__all") > 0).then(so_far / nw.col("__all")).alias("cumulative"),
            )
        )
    return closed(nw.concat(parts).sort(*groups, "from_hours", nulls_last=True), frame)


@takes(SENDS)
def fatigue(
    sends: IntoFrameT,
    reactions: IntoFrameT,
    *,
    days: int = 7,
    most: int = 10,
    within: str | timedelta = "120h",
    confidence: float = 0.95,
) -> IntoFrameT:
    """Relate reactions to the number of messages that the same person got in the days before.

    People who get many messages differ from those who get few. So beside the plain rate stands one from within
    persons: how each person reacted more or less than they usually do.

    Parameters
    ----------
    sends, reactions, within
        As in `send_times`.
    days : int, default 7
        Days before each send in which earlier ones are counted, the bound included; 7 and 30 are usual.
    most : int, default 10
        This many earlier messages and more share the last row.
    confidence : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        `earlier` (messages in the days before, Int64; the last row means "or more"), `sends`, `reacted`, `rate`
        (reacted ÷ sends) with `low` and `high` (Wilson), `within_rate` (rate with the differences between persons
        taken out), `slope` (change of the rate, in fractions, with each further message, within persons) with
        `slope_low` and `slope_high` (robust to repeated rows of a person), the same in all rows. Sends count whose
        reaction can be known: those with a profile, a message and a time. Sorted by `earlier`.

    Raises
    ------
    FrameError
        As in `send_times`.
    InvalidInputError
        If `days` or `most` is not positive.

    Notes
    -----
    The slope is the fixed-effects estimator, sum of (x - x̄ᵢ)(y - ȳᵢ) over sum of (x - x̄ᵢ)², with persons as
    clusters.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sends = pd.DataFrame({"id": ["1", "2", "3"], "profile_id": "A", "message": ["M1", "M2", "M3"]})
    >>> sends["datetime"] = pd.to_datetime(["2026-04-01", "2026-04-03", "2026-04-20"], utc=True)
    >>> clicks = sends.loc[[0], ["profile_id", "message", "datetime"]]
    >>> analysis.fatigue(sends, clicks)[["earlier", "sends", "reacted", "rate"]]
       earlier  sends  reacted  rate
    0        0      2        1   0.5
    1        1      1        0   0.0
    """
    if days <= 0 or most <= 0:
        raise InvalidInputError(f"days={days!r} and most={most!r} must both be positive.")
    z = critical_value(confidence)
    table, person, row = _reacted(sends, reactions, within)
    table = table.filter(~nw.col("profile_id").is_null() & ~nw.col("__us").is_null())
    table = table.select(*person, *dict.fromkeys(["id", row]), "__us", "__hit")
    table = table.join(_earlier(table, days, person, row), on=row, how="left")
    table = table.filter(~nw.col("__hit").is_null()).select(*person, "__before", "__hit")
    counted = nw.when(nw.col("__before") > most).then(nw.lit(most)).otherwise(nw.col("__before"))
    table = table.with_columns(
        earlier=counted.cast(nw.Int64), __x=counted.cast(nw.Float64), __y=nw.col("__hit").cast(nw.Float64)
    )
    table = table.with_columns(
        __dx=nw.col("__x") - nw.col("__x").mean().over(*person),
        __dy=nw.col("__y") - nw.col("__y").mean().over(*person),
    )
    slope, error, overall = _within(table, person)
    result = _rated(table, ["earlier"], z, nw.col("__dy").mean().alias("__shift"))
    result = result.with_columns(
        within_rate=nw.col("__shift") + overall,
        slope=_constant(slope),
        slope_low=_constant(slope - z * error),
        slope_high=_constant(slope + z * error),
    )
    columns = [
        "earlier",
        "sends",
        "reacted",
        "rate",
        "low",
        "high",
        "within_rate",
        "slope",
        "slope_low",
        "slope_high",
    ]
    return closed(result.select(columns).sort("earlier"), sends)


def _reacted(
    sends: IntoFrameT, reactions: IntoFrameT, within: str | timedelta, *needed: str
) -> tuple[Table, list[str], str]:
    """Return the sends with `__us` and `__hit`: 1 where a reaction belongs to the send, else 0.

    The columns that tell persons and rows apart come beside them.

    Of a send without a profile, a message or a time nobody can know whether there was a reaction: `__hit` is null.
    """
    length = parse_duration(within, "within")
    texts = ("id", "profile_id", "message", "timezone")
    sent = opened_rows(
        sends, "id", "profile_id", "datetime", "message", *needed, times=("datetime",), texts=texts
    )
    acts = opened_rows(reactions, "profile_id", "datetime", "message", times=("datetime",), texts=texts)
    same_library(sent, acts, ("sends", "reactions"))
    require_ids(sent, "id", "sends")
    sent, acts = with_micros(sent, __us="datetime"), with_micros(acts, __at="datetime")
    (sent, acts), keys = keyed([sent, acts], __pair=["profile_id", "message"], __person=["profile_id"])
    pair = keys["__pair"]
    sent, row = numbered(sent, "__row", "id")
    known = ~nw.col("profile_id").is_null() & ~nw.col("message").is_null() & ~nw.col("__us").is_null()
    whole = sent.filter(known).select(*pair, *dict.fromkeys(["id", row]), "__us")
    # A reaction belongs to the last send before it, so each send answers for the time until the next one.
    whole = windowed(whole, pair, ["__us", "id"], __next=nw.col("__us").shift(-1))
    complete = ~nw.col("profile_id").is_null() & ~nw.col("message").is_null()
    reacted = acts.filter(complete).select(*pair, "__at")
    lag = nw.col("__at") - nw.col("__us")
    hits = whole.join(reacted, on=pair, how="inner").filter(
        (lag >= 0) & (lag <= length) & (nw.col("__next").is_null() | (nw.col("__at") < nw.col("__next")))
    )
    hits = hits.select(row).unique().with_columns(__hit=nw.lit(1))
    found = sent.join(hits, on=row, how="left").with_columns(
        __hit=nw.when(known).then(nw.col("__hit").fill_null(0).cast(nw.Int64))
    )
    return found, keys["__person"], row


def _rated(table: Table, keys: Sequence[str], z: float, *extra: nw.Expr) -> Table:
    """Count sends and reactions by `keys`, with their rate and its interval."""
    table = table.with_columns(__one=nw.lit(1))
    sums = [nw.col("__one").sum().alias("sends"), nw.col("__hit").sum().alias("reacted"), *extra]
    result = (table.group_by(*keys).agg(*sums) if keys else table.select(*sums)).with_columns(
        nw.col("sends", "reacted").cast(nw.Int64)
    )
    return with_wilson(result.with_columns(rate=ratio("reacted", "sends")), "reacted", "sends", z)


def _own_clocks(table: Table, account: object, span: tuple[int, int]) -> Table:
    """Append the local time of each row by the zone of its person, or of the account where that is not known."""
    found = table.select("timezone").unique().collect()["timezone"].to_list()
    zones = {}
    for name in found:
        if isinstance(name, str):
            try:
                zones[name] = zone_named(name)
            except InvalidInputError:
                continue
    # Zones are taken one by one: the clock of a zone is then a matter of a few comparisons on every engine.
    known = nw.col("timezone").fill_null("").is_in(sorted(zones)) if zones else nw.lit(value=False)
    rest = table.filter(~known) if zones else table
    parts = [rest.with_columns(__local=local_micros("__us", account, span), __own=nw.lit(0))]  # type: ignore[arg-type]
    for name, place in sorted(zones.items()):
        here = table.filter(nw.col("timezone") == name)
        parts.append(here.with_columns(__local=local_micros("__us", place, span), __own=nw.lit(1)))
    return nw.concat(parts)


def _earlier(table: Table, days: int, person: Sequence[str], row: str) -> Table:
    """Return how many sends to the same person lie in the days before each send.

    Every send adds one when it happens and takes it away once the days have passed; the running sum is the count.
    """
    columns = [*person, *dict.fromkeys(["id", row])]
    sent = table.select(*columns, "__us", __step=nw.lit(1), __late=nw.lit(0))
    gone = sent.with_columns(__us=nw.col("__us") + days * _DAY, __step=nw.lit(-1), __late=nw.lit(1))
    both = nw.concat([sent, gone])
    both = windowed(both, person, ["__us", "__late", "id"], __running=nw.col("__step").cum_sum())
    return both.filter(nw.col("__late") == 0).select(row, __before=nw.col("__running") - 1)


def _within(table: Table, person: Sequence[str]) -> tuple[float, float, float]:
    """Return the slope within persons, its standard error, and the mean reaction."""
    moments = table.select(
        xy=(nw.col("__dx") * nw.col("__dy")).sum(),
        xx=(nw.col("__dx") * nw.col("__dx")).sum(),
        mean=nw.col("__y").mean(),
    ).collect()
    xy, xx, mean = (float(moments[name].to_list()[0] or 0.0) for name in ("xy", "xx", "mean"))
    if not xx > 0:
        return math.nan, math.nan, mean
    slope = xy / xx
    scores = table.with_columns(__score=nw.col("__dx") * (nw.col("__dy") - nw.col("__dx") * slope))
    per_person = scores.group_by(*person).agg(nw.col("__score").sum())
    summed = per_person.select(
        squares=(nw.col("__score") * nw.col("__score")).sum(), people=nw.col("__score").count()
    ).collect()
    squares, people = (float(summed[name].to_list()[0] or 0.0) for name in ("squares", "people"))
    if people < 2:
        return slope, math.nan, mean
    return slope, math.sqrt(squares * people / (people - 1)) / xx, mean


def _constant(value: float) -> nw.Expr:
    """Return the same number in every row, missing where it is not known."""
    if math.isnan(value):
        return nw.when(nw.col("sends") < 0).then(nw.col("rate"))
    return nw.lit(value)
