"""Recency, frequency and money of customers: by quantiles, and by Klaviyo's six groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    DAY,
    ORDERS,
    AsOf,
    as_time,
    check_positive,
    days_between,
    last_moment,
    moment,
    read_events,
)
from klaviyo_analytics.analysis._engine import Table, closed, columns_of, found_column, opened, takes
from klaviyo_analytics.errors import FrameError, InvalidInputError

# Every code of recency, frequency and money, 1 to 3 each, belongs to one of Klaviyo's groups.
KLAVIYO_GROUPS: dict[str, tuple[str, ...]] = {
    "Champions": ("333", "332", "323"),
    "Loyal": ("321", "322", "331", "232", "233"),
    "Recent": ("312", "313", "311", "222", "223"),
    "Needs attention": ("213", "221", "123", "132", "133"),
    "At risk": ("231", "212", "122", "131", "211"),
    "Inactive": ("111", "112", "113", "121"),
}

_PROPERTIES = {
    "klaviyo_group": ("Current RFM group", "$current_month_rfm_group", "current_month_rfm_group"),
    "klaviyo_previous_group": ("Previous RFM group", "$previous_month_rfm_group", "previous_month_rfm_group"),
    "klaviyo_changed": ("RFM group last changed",),
}


@takes(ORDERS)
def rfm(orders: IntoFrameT, *, as_of: AsOf = None, bins: int = 5, value: str | None = None) -> IntoFrameT:
    """Score customers by how recently, how often and for how much they ordered.

    Each score runs from 1 (lowest) to `bins` (best). Customers are sorted and cut into `bins` parts of equal size,
    exactly as SQL's `ntile` does, the larger parts first. Customers with equal values always get the same
    score: the one that the first of them would get.

    Parameters
    ----------
    orders : DataFrame
        One row per order: `profile_id`, `datetime` (with a time zone) and its value. Rows that share an `id`
        count once; rows without a profile or a time, and orders after `as_of`, do not count.
    as_of : str, date or datetime, optional
        When recency is measured; UTC if it has no zone. The last order of the frame if omitted.
    bins : int, default 5
        Number of scores, from 2 to 9.
    value : str, optional
        Column of the orders' values; `value`, `$value` or `event_properties.$value` if omitted.

    Returns
    -------
    DataFrame
        One row per customer, sorted by `profile_id`: `last_order` (time), `recency_days` (Int64, elapsed whole
        days), `frequency` (Int64, orders), `monetary` (float, sum of values), the scores `r`, `f`, `m` (Int64),
        `code` (text, such as "543") and `segment` (text).

    Raises
    ------
    FrameError
        If columns are missing, values are not numbers, or there are several currencies.
    InvalidInputError
        If `bins` or `as_of` is not valid.

    Notes
    -----
    `segment` is set by thirds of the scale: a score is high above 2/3 of `bins`, low up to 1/3, else middle.
    Recency high: "Champions" if frequency is high, too, "Promising" if it is middle, "New" if it is low. Recency
    middle: "Loyal" if frequency is high, else "Slipping". Recency low: "Cannot lose" if frequency and money are
    both high, "At risk" if frequency is not low, else "Lost".

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> orders = pd.DataFrame(
    ...     {
    ...         "profile_id": ["A", "B", "B", "C"],
    ...         "datetime": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01", "2026-02-10"], utc=True),
    ...         "value": [10.0, 20.0, 30.0, 5.0],
    ...     }
    ... )
    >>> scores = analysis.rfm(orders, as_of="2026-03-31", bins=3)
    >>> scores[["profile_id", "recency_days", "frequency", "monetary", "code", "segment"]]
      profile_id  recency_days  frequency  monetary code    segment
    0          A            89          1      10.0  112       Lost
    1          B            30          2      50.0  333  Champions
    2          C            49          1       5.0  211   Slipping
    """
    check_positive("bins", bins, whole=True)
    if not 2 <= bins <= 9:
        raise InvalidInputError(f"bins={bins} is out of range. Allowed are 2 to 9.")
    events = read_events(orders, value=value, money=True)
    at = last_moment([events], as_of)
    customers = _measured(events, at).with_columns(
        r=_tile("__last", bins), f=_tile("frequency", bins), m=_tile("monetary", bins)
    )
    result = customers.with_columns(code=_code(), segment=_segment(bins))
    made = [
        "profile_id",
        "last_order",
        "recency_days",
        "frequency",
        "monetary",
        "r",
        "f",
        "m",
        "code",
        "segment",
    ]
    return closed(result.select(*made).sort("profile_id"), orders)


@takes(ORDERS)
def klaviyo_rfm(
    orders: IntoFrameT,
    *,
    as_of: AsOf = None,
    previous: AsOf | Sequence[AsOf] = None,
    recency: tuple[float, float] = (180, 365),
    frequency: tuple[float, float] | None = None,
    monetary: tuple[float, float] | None = None,
    profiles: IntoFrameT | None = None,
    value: str | None = None,
) -> IntoFrameT:
    """Put customers into Klaviyo's six RFM groups, and show who moved between them.

    Each of recency, frequency and money is scored from 1 to 3, and each of the 27 codes belongs to a group:
    `analysis.rfm.KLAVIYO_GROUPS` has them.

    Parameters
    ----------
    orders : DataFrame
        One row per order, as for `rfm`. Pass the whole history that the groups should rest on.
    as_of : str, date or datetime, optional
        When groups are determined; UTC if it has no zone. The last order of the frame if omitted.
    previous : date, or sequence of dates, optional
        Earlier dates at which groups are determined as well, to find movement; 30 days before `as_of` if omitted.
    recency : (float, float), default (180, 365)
        Days since the last order: up to the first is 3, up to the second 2, beyond 1.
    frequency, monetary : (float, float), optional
        Smallest number of orders, or sum of values, that scores 2, and that scores 3. Thirds of the customers
        if omitted, with the same rule for ties as `rfm`.
    profiles : DataFrame, optional
        Profiles of the same library with `id` and the columns of Klaviyo's own groups, to compare with:
        "Current RFM group", "Previous RFM group", "RFM group last changed" (or the older
        "$current_month_rfm_group"), as such or below `properties.`:
        `client.profiles.list(properties=["Current RFM group"])`.
    value : str, optional
        Column of the orders' values; `value`, `$value` or `event_properties.$value` if omitted.

    Returns
    -------
    DataFrame
        One row per customer, sorted by `profile_id`: `last_order`, `recency_days`, `frequency`, `monetary`,
        `r`, `f`, `m`, `code`, `group`, `previous_code`, `previous_group` (at the latest of the earlier dates with
        another group; missing if not known) and `changed_at` (UTC; the first of the dates since which
        the group has been the present one; missing if it never changed). A customer who had no order yet at an
        earlier date has no group there. With `profiles` also `klaviyo_group`, `klaviyo_previous_group`,
        `klaviyo_changed` (text, as far as the frame has them) and `agrees` (missing without a Klaviyo group).

    Raises
    ------
    FrameError
        If columns are missing, values are not numbers, or there are several currencies.
    InvalidInputError
        If a date or threshold is not valid, or an earlier date is not earlier.

    Notes
    -----
    Klaviyo's help article 17797937793179 defines the groups; the fixed days for recency and the thirds are
    third-party findings, and an account can edit them, so the thresholds are parameters. Klaviyo needs 500
    customers and 180 days of history; this function does not.

    To write the groups back, name the columns that become properties:
    `client.profiles.plan_upsert(groups[["profile_id", "group"]].rename(columns={"profile_id": "id"}),
    columns={"group": "properties.RFM group"})`.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> days = ["2025-03-01", "2025-03-02", "2025-03-03", "2026-03-01"]
    >>> orders = pd.DataFrame(
    ...     {"profile_id": ["A"] * 4, "datetime": pd.to_datetime(days, utc=True), "value": [50.0, 50.0, 50.0, 90.0]}
    ... )
    >>> groups = analysis.klaviyo_rfm(
    ...     orders, as_of="2026-03-31", previous="2026-01-01", frequency=(2, 3), monetary=(100, 200)
    ... )
    >>> groups[["profile_id", "code", "group", "previous_code", "previous_group"]]
      profile_id code      group previous_code previous_group
    0          A  333  Champions           232          Loyal
    """
    _check_thresholds(recency=recency, frequency=frequency, monetary=monetary)
    events = read_events(orders, value=value, money=True)
    at = last_moment([events], as_of)
    dates = _earlier(previous, at)
    limits = (recency, frequency, monetary)
    result = _grouped(_measured(events, at), limits)
    # From the earliest date to the latest: the last other group, and the date after it.
    result = result.with_columns(
        previous_code=_none(),
        previous_group=_none(),
        __changed=nw.when(nw.col("__last").is_null()).then(nw.col("__last")),
    )
    for date, following in zip(dates, [*dates[1:], at], strict=False):
        before = _grouped(_measured(events, date), limits)
        before = before.select("profile_id", __code=nw.col("code"), __group=nw.col("group"))
        other = ~nw.col("__group").is_null() & (nw.col("__group") != nw.col("group"))
        result = result.join(before, on="profile_id", how="left").with_columns(
            previous_code=nw.when(other).then(nw.col("__code")).otherwise(nw.col("previous_code")),
            previous_group=nw.when(other).then(nw.col("__group")).otherwise(nw.col("previous_group")),
            __changed=nw.when(other).then(nw.lit(following)).otherwise(nw.col("__changed")),
        )
        result = result.drop("__code", "__group")
    made = [
        "profile_id",
        "last_order",
        "recency_days",
        "frequency",
        "monetary",
        "r",
        "f",
        "m",
        "code",
        "group",
    ]
    result = result.with_columns(changed_at=_time_among([*dates[1:], at], "__changed"))
    made += ["previous_code", "previous_group", "changed_at"]
    if profiles is not None:
        result, found = _with_klaviyos(result, profiles)
        made += found
    return closed(result.select(*made).sort("profile_id"), orders)


def _measured(events: Table, at: int | None) -> Table:
    """Return a row per customer with what the scores are made of."""
    if at is not None:
        events = events.filter(nw.col("__at") <= at)
    each = events.group_by("profile_id").agg(
        nw.col("datetime").max().alias("last_order"),
        nw.col("__at").max().alias("__last"),
        nw.len().alias("frequency"),
        nw.col("__value").sum().alias("monetary"),
    )
    return each.with_columns(
        nw.col("frequency").cast(nw.Int64),
        nw.col("monetary").cast(nw.Float64).fill_null(0.0),
        recency_days=days_between(at or 0, "__last"),
    )


def _tile(column: str, bins: int) -> nw.Expr:
    """Return SQL's `ntile` of the first row that has the value."""
    # Sums of money in another order differ in their last digits, which must not part equal customers.
    measure = nw.col(column).round(6) if column == "monetary" else nw.col(column)
    rank = measure.rank("min").cast(nw.Int64)
    size = nw.len().cast(nw.Int64)
    small = size // bins
    larger = size - small * bins
    in_larger = larger * (small + 1)
    divisor = nw.when(small > 0).then(small).otherwise(nw.lit(1))
    tile = (
        nw.when(rank <= in_larger)
        .then((rank - 1) // (small + 1) + 1)
        .otherwise(larger + (rank - 1 - in_larger) // divisor + 1)
    )
    return tile.cast(nw.Int64)


def _code() -> nw.Expr:
    return nw.concat_str([nw.col(name).cast(nw.String) for name in ("r", "f", "m")])


def _segment(bins: int) -> nw.Expr:
    def high(name: str) -> nw.Expr:
        return nw.col(name) * 3 > 2 * bins

    def low(name: str) -> nw.Expr:
        return nw.col(name) * 3 <= bins

    rules = [
        (high("r") & high("f"), "Champions"),
        (high("r") & ~low("f"), "Promising"),
        (high("r"), "New"),
        (~low("r") & high("f"), "Loyal"),
        (~low("r"), "Slipping"),
        (high("f") & high("m"), "Cannot lose"),
        (~low("f"), "At risk"),
    ]
    expression = nw.lit("Lost")
    for rule, name in reversed(rules):
        expression = nw.when(rule).then(nw.lit(name)).otherwise(expression)
    return expression


def _grouped(customers: Table, limits: tuple[Any, Any, Any]) -> Table:
    recency, frequency, monetary = limits
    near, far = recency
    days = nw.col("recency_days")
    r = (
        nw.when(days <= near)
        .then(nw.lit(3))
        .otherwise(nw.when(days <= far).then(nw.lit(2)).otherwise(nw.lit(1)))
    )
    scored = customers.with_columns(
        r=r.cast(nw.Int64), f=_third("frequency", frequency), m=_third("monetary", monetary)
    ).with_columns(code=_code())
    group = nw.lit("Inactive")
    for name, codes in KLAVIYO_GROUPS.items():
        group = nw.when(nw.col("code").is_in(list(codes))).then(nw.lit(name)).otherwise(group)
    return scored.with_columns(group=group)


def _third(column: str, limits: tuple[float, float] | None) -> nw.Expr:
    if limits is None:
        return _tile(column, 3)
    middle, high = limits
    value = nw.col(column)
    score = (
        nw.when(value >= high)
        .then(nw.lit(3))
        .otherwise(nw.when(value >= middle).then(nw.lit(2)).otherwise(nw.lit(1)))
    )
    return score.cast(nw.Int64)


def _earlier(previous: AsOf | Sequence[AsOf], at: int | None) -> list[int]:
    if at is None:
        return []
    if previous is None:
        return [at - 30 * DAY]
    given: list[Any] = list(previous) if isinstance(previous, list | tuple) else [previous]
    dates = sorted({moment(date, "previous") for date in given})
    if dates and dates[-1] >= at:
        raise InvalidInputError(
            f"previous={as_time(dates[-1]):%Y-%m-%d} is not before as_of={as_time(at):%Y-%m-%d}. "
            "Pass earlier dates."
        )
    return dates


def _time_among(dates: Sequence[int | None], column: str) -> nw.Expr:
    """Return the time that a column of known microseconds stands for."""
    known = [date for date in dates if date is not None] or [0]
    first = nw.lit(as_time(known[0]))
    expression: nw.Expr = nw.when(nw.col(column) == known[0]).then(first)
    for date in known[1:]:
        expression = nw.when(nw.col(column) == date).then(nw.lit(as_time(date))).otherwise(expression)
    return expression


def _with_klaviyos(result: Table, profiles: Any) -> tuple[Table, list[str]]:
    theirs = opened(profiles, "id")
    columns = columns_of(theirs)
    found: dict[str, str] = {}
    for made, candidates in _PROPERTIES.items():
        spelled = [f"{prefix}{name}" for name in candidates for prefix in ("", "properties.")]
        if name := found_column(columns, spelled):
            found[made] = name
    if "klaviyo_group" not in found:
        raise FrameError(
            "`profiles` lacks Klaviyo's group. Pass a column 'Current RFM group' or "
            "'properties.Current RFM group': client.profiles.list(properties=['Current RFM group'])."
        )
    text = {made: nw.col(name).cast(nw.String) for made, name in found.items()}
    theirs = theirs.select(profile_id=nw.col("id").cast(nw.String), **text).unique("profile_id", keep="any")
    # A property holds a null as text in some libraries.
    joined = result.join(theirs, on="profile_id", how="left")
    same = nw.col("klaviyo_group").str.to_lowercase() == nw.col("group").str.to_lowercase()
    agrees = nw.when(~nw.col("klaviyo_group").is_null()).then(same)
    return joined.with_columns(agrees=agrees), [*found, "agrees"]


def _check_thresholds(**given: tuple[float, float] | None) -> None:
    for name, pair in given.items():
        if pair is None:
            continue
        numbers = isinstance(pair, tuple | list) and len(pair) == 2
        if not numbers or not all(isinstance(one, int | float) for one in pair) or not pair[0] <= pair[1]:
            raise InvalidInputError(
                f"{name}={pair!r} is not a pair of thresholds. Expected two numbers, the smaller first, "
                "such as (180, 365)."
            )


def _none() -> nw.Expr:
    """Return a missing text in every row."""
    return nw.when(nw.col("profile_id").is_null()).then(nw.col("profile_id").cast(nw.String))
