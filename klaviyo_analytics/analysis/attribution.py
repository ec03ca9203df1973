"""Which messages earned an order: six models, side by side with Klaviyo's own attribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, get_args

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    computed_once,
    names,
    require,
    require_addable,
    require_one_currency,
    takes,
)
from klaviyo_analytics.analysis._events import (
    MICROSECONDS_PER_HOUR,
    closed_whole,
    one_of,
    opened_rows,
    parse_duration,
    present,
    require_ids,
    same_library,
    true,
    with_micros,
)
from klaviyo_analytics.analysis._ordering import in_order, in_order_early, keyed, numbered
from klaviyo_analytics.analysis.attribution_settings import (
    IDS,
    TOUCH,
    AttributionSettings,
    Preset,
    attributed_natively,
    native_rows,
    settings_of,
    with_details,
    with_windows,
    without_marks,
)
from klaviyo_analytics.errors import FrameError, InvalidInputError

Model = Literal["last_touch", "first_touch", "linear", "position", "time_decay", "native"]
UNATTRIBUTED = "unattributed"

ORDERS_AND_TOUCHES = (
    "orders with id, profile_id, datetime, value and currency, analysis.normalise_orders(client.events.list("
    "metric='Placed Order', ...)), and touches with id, profile_id, datetime, received, channel, interaction"
)
_CREDITED = "the frame of analysis.attribution(orders, touches)"
_ORDER = ("id", "profile_id", "datetime", "value", "currency")
_KEPT = ("net_value",)
_TOUCH = ("id", "profile_id", "datetime", "channel", "interaction")
_INNER = ("__window", "__anchor", "__counts")
_SOMETIMES = ("__received", "__person")


@takes(ORDERS_AND_TOUCHES)
def attribution(
    orders: IntoFrameT,
    touches: IntoFrameT,
    model: Model = "last_touch",
    *,
    settings: AttributionSettings | Preset = "klaviyo",
    half_life: str | timedelta = "168h",
) -> IntoFrameT:
    """Share the revenue of each order among the touches that came before it.

    Elapsed time decides, not the calendar: a touch counts if the order came at most its window later, the bound
    included. Touches at the same time are ordered by id.

    Parameters
    ----------
    orders : DataFrame
        A row per order: `id`, `profile_id`, `datetime` (with a time zone), `value`, `currency`; one currency.
        With `net_value` (see `net_of_refunds`), that is shared as well. "native" needs one or more of
        `attributed_event_id`, `attributed_message`, `attributed_campaign_id`, `attributed_flow_id` and
        `attributed_variation_id`, what Klaviyo attributed the order to; an order without any is unattributed.
    touches : DataFrame
        A row per event: `id`, `profile_id`, `datetime`, `channel`, `interaction`, and `received` (when the
        message arrived) if windows start at receipt; where it is null the window starts at the touch. Further
        columns, such as `message`, `campaign` or `flow`, are kept. `machine_open`, `bot_click` and
        `transactional` are needed if the settings leave such touches out.
    model : {"last_touch", "first_touch", "linear", "position", "time_decay", "native"}
        How much each gets: the last or the first touch all; every touch the same; the first and the last 40% and
        those between share 20% (two share equally); by age, halved with each `half_life`; or what Klaviyo did.
    settings : AttributionSettings or str, default "klaviyo"
        Windows and filters, or the name of a preset. "native" ignores them.
    half_life : str or timedelta, default "168h"
        Age at which a touch weighs half, for "time_decay".

    Returns
    -------
    DataFrame
        A row per order and touch with credit: `order_id`, `profile_id`, `datetime`, `value`, `currency`,
        `touch_id`, `touch_datetime`, `channel`, `interaction`, the touches' further columns, `hours` (float, from
        touch to order), `position` (1 for the earliest) and `touches` (how many may earn the order), `credit`
        (fraction; adds up to 1 for each order), `revenue` (value × credit), with `net_value` also `net_revenue`,
        and `status`: "attributed" or "unattributed". Orders without such a touch keep one row, with
        "unattributed" as their channel and no touch. Times are in UTC or as given. Sorted by time of the order.

    Raises
    ------
    InvalidInputError
        If the model, the settings or the half-life is not allowed.
    FrameError
        If columns are missing, ids are null or repeated, times have no zone, or there are several currencies.

    Notes
    -----
    Klaviyo's attributed revenue is gross. Compare gross numbers first, then net of refunds.

    Examples
    --------
    The email of five days before lies on the bound of its window and counts; the text of 25 hours before does not.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> at = pd.Timestamp("2026-04-10 12:00", tz="UTC")
    >>> orders = pd.DataFrame({"id": ["O1"], "profile_id": ["P1"], "datetime": [at], "value": [100.0]})
    >>> orders["currency"] = "EUR"
    >>> touches = pd.DataFrame({"id": ["B", "D", "F"], "profile_id": "P1", "interaction": "click"})
    >>> touches["channel"] = ["email", "text", "email"]
    >>> touches["datetime"] = [at - pd.Timedelta(hours=hours) for hours in (120, 25, 1)]
    >>> settings = analysis.AttributionSettings({"email": "120h", "text": "24h"}, start="touch")
    >>> credited = analysis.attribution(orders, touches, "linear", settings=settings)
    >>> credited[["order_id", "touch_id", "hours", "credit", "revenue"]]
      order_id touch_id  hours  credit  revenue
    0       O1        B  120.0     0.5     50.0
    1       O1        F    1.0     0.5     50.0
    """
    one_of(model, get_args(Model), "model")
    chosen = settings_of(settings)
    decay = _half_life(half_life)
    sold, acts = _opened(orders, touches, chosen, native=model == "native")
    if model == "native":
        details = acts.drop(*_INNER, "profile_id", *present(acts, [*_SOMETIMES, "__touch"]))
        rows = without_marks(native_rows(sold, details)).drop("__us", "__touch_us")
    else:
        rows = _eligible(sold, acts, chosen).with_columns(credit=_credit(model, decay))
        rows = rows.filter(nw.col("credit") > 0).drop("__us")
    return closed_whole(_finished(sold, rows), orders, "position", "touches")


@takes(ORDERS_AND_TOUCHES)
def attribution_comparison(
    orders: IntoFrameT,
    touches: IntoFrameT,
    *,
    models: Model | Sequence[Model] = ("last_touch", "first_touch", "linear", "position", "time_decay"),
    settings: AttributionSettings | Preset = "klaviyo",
    half_life: str | timedelta = "168h",
    by: str | Sequence[str] | None = None,
) -> IntoFrameT:
    """Lay models of attribution beside each other and beside Klaviyo's own.

    Parameters
    ----------
    orders, touches, settings, half_life
        As in `attribution`. If the orders have what Klaviyo attributed them to (see there), that is a column, too.
    models : str or sequence of str
        The models to compare, as in `attribution`.
    by : str or sequence of str, optional
        Columns of the touches to add up by, such as "message" or ["channel", "campaign"]. Without it, the frame
        has a row per order and touch.

    Returns
    -------
    DataFrame
        Without `by`: `order_id`, `profile_id`, `datetime`, `value`, `currency`, `touch_id`, `touch_datetime`,
        `channel`, `interaction` and the touches' further columns, `revenue_…` of each model (and
        `revenue_native`), `differs` (boolean, the same for all rows of an order) and `why` (text, null where all
        agree). What a model leaves unattributed stands in a row without a touch, so that each model adds up to
        the revenue. With `by`: those columns, `currency` and `revenue_…` of each model, unattributed revenue in a
        row of its own, sorted by the first model, largest first.

    Raises
    ------
    InvalidInputError
        If a model, the settings or the half-life is not allowed.
    FrameError
        As in `attribution`.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> at = pd.Timestamp("2026-04-10 12:00", tz="UTC")
    >>> orders = pd.DataFrame({"id": ["O1"], "profile_id": ["P1"], "datetime": [at], "value": [100.0]})
    >>> orders = orders.assign(currency="EUR", attributed_event_id="B")
    >>> touches = pd.DataFrame({"id": ["A", "B"], "profile_id": "P1", "interaction": "click", "channel": "email"})
    >>> touches["datetime"] = [at - pd.Timedelta(hours=hours) for hours in (3, 130)]
    >>> settings = analysis.AttributionSettings({"email": "120h"}, start="touch")
    >>> compared = analysis.attribution_comparison(orders, touches, models=["last_touch"], settings=settings)
    >>> compared[["touch_id", "revenue_last_touch", "revenue_native"]]
      touch_id  revenue_last_touch  revenue_native
    0        B                 0.0           100.0
    1        A               100.0             0.0
    >>> compared.loc[0, "why"]
    "Klaviyo's touch is outside its window here"
    """
    given = [models] if isinstance(models, str) else models
    wanted = list(dict.fromkeys(one_of(model, get_args(Model), "models") for model in given))
    chosen = settings_of(settings)
    decay = _half_life(half_life)
    native = bool(present(opened_rows(orders), IDS))
    if not wanted or (wanted == ["native"]):
        raise InvalidInputError("models has nothing to compare. Give one model or more besides 'native'.")
    if "native" in wanted and not native:
        raise FrameError(f"the orders lack {TOUCH!r}, which the model 'native' needs. See normalise_orders.")
    wanted = [model for model in wanted if model != "native"] + (["native"] if native else [])
    sold, acts = _opened(orders, touches, chosen, native=native)
    rows = _side_by_side(sold, acts, chosen, wanted, decay)
    money = [f"revenue_{model}" for model in wanted]
    if by is None:
        kept = ["order_id", "profile_id", "datetime", "value", "currency", "touch_id", "touch_datetime"]
        kept += [name for name in columns_of(acts) if not name.startswith("__")]
        order = ("datetime", "order_id", "touch_datetime", "touch_id", "status")
        rows = rows.select(*dict.fromkeys([*kept, *money, "differs", "why", "status"]))
        result = in_order(rows, *order, nulls_last=True)
        result = result.select(*dict.fromkeys(kept), *money, "differs", "why")
        return closed(result, orders)
    keys = names(by)
    require(rows, keys)
    groups = dict.fromkeys([*keys, "currency"])
    result = _named(rows, keys).group_by(*groups).agg(*(nw.col(name).sum() for name in money))
    return closed(
        result.sort(money[0], *keys, descending=[True, *(False for _ in keys)], nulls_last=True), orders
    )


@takes(_CREDITED)
def attribution_rollup(frame: IntoFrameT, by: str | Sequence[str] = "channel") -> IntoFrameT:
    """Add up attributed revenue by campaign, flow, message, channel or any column of the touches.

    Parameters
    ----------
    frame : DataFrame
        The frame of `attribution`.
    by : str or sequence of str, default "channel"
        Columns to add up by. Orders without a touch are "unattributed" in those that hold text.

    Returns
    -------
    DataFrame
        `by`, `currency`, `orders` (float: the sum of credits, as an order may be shared), `customers` (profiles
        with credit), `revenue`, with net values `net_revenue`, and `share` (fraction of all revenue). Sorted by
        revenue, largest first.

    Raises
    ------
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> credited = pd.DataFrame({"order_id": ["O1", "O1"], "profile_id": ["P1", "P1"], "channel": ["email", "text"]})
    >>> credited = credited.assign(currency="EUR", credit=[0.5, 0.5], revenue=[50.0, 50.0], status="attributed")
    >>> analysis.attribution_rollup(credited)
      channel currency  orders  customers  revenue  share
    0   email      EUR     0.5          1     50.0    0.5
    1    text      EUR     0.5          1     50.0    0.5
    """
    keys = names(by)
    needed = (*keys, "order_id", "profile_id", "currency", "credit", "revenue", "status")
    table = opened_rows(frame, *needed)
    money = ["revenue", *present(table, ["net_revenue"])]
    require_addable(table, money, floats=True)
    groups = list(dict.fromkeys([*keys, "currency"]))
    result = (
        _named(table, keys)
        .with_columns(__nobody=nw.col("profile_id").is_null().cast(nw.Int64))
        .group_by(*groups)
        .agg(
            nw.col("credit").sum().alias("orders"),
            nw.col("profile_id").n_unique().alias("__profiles"),
            nw.col("__nobody").max(),
            *(nw.col(name).sum() for name in money),
        )
        .with_columns(customers=(nw.col("__profiles") - nw.col("__nobody")).cast(nw.Int64))
        .with_columns(__total=nw.col("revenue").sum().over("currency"))
        .with_columns(share=nw.when(nw.col("__total") != 0).then(nw.col("revenue") / nw.col("__total")))
        .select(*groups, "orders", "customers", *money, "share")
        .sort("revenue", *keys, descending=[True, *(False for _ in keys)], nulls_last=True)
    )
    return closed(result, frame)


def _half_life(given: str | timedelta) -> float:
    length = parse_duration(given, "half_life")
    if not length:
        raise InvalidInputError(f"half_life={given!r} is zero. Give a positive duration such as '168h'.")
    return float(length)


def _opened(
    orders: IntoFrameT, touches: IntoFrameT, chosen: AttributionSettings, *, native: bool
) -> tuple[Table, Table]:
    """Return orders and touches with times in microseconds, checked."""
    texts = ("id", "profile_id", "currency", *IDS)
    sold = opened_rows(orders, *_ORDER, times=("datetime",), numbers=("value", "net_value"), texts=texts)
    extra = present(sold, IDS) if native else []
    if native and not extra:
        require(sold, [TOUCH])
    needed = list(_TOUCH)
    filters = {"machine_open": chosen.machine_opens, "bot_click": chosen.bot_clicks}
    filters["transactional"] = chosen.transactional
    needed += [name for name, counts in filters.items() if not counts]
    if chosen.start == "receipt":
        needed.append("received")
    acts = opened_rows(
        touches,
        *needed,
        times=("datetime", "received"),
        texts=("id", "profile_id", "channel", "interaction", "message"),
    )
    same_library(sold, acts, ("orders", "touches"))
    require_one_currency(sold, [])
    require_ids(sold, "id", "orders")
    require_ids(acts, "id", "touches")
    sold = with_micros(sold.select(*_ORDER, *present(sold, _KEPT), *extra), __us="datetime")
    sold = in_order_early(sold.rename({"id": "order_id"}), "datetime", "order_id", nulls_last=True)
    taken = {*columns_of(sold), "touch_id", "touch_datetime", "hours", "position", "touches", "credit"}
    taken |= {"revenue", "net_revenue", "status", "differs", "why"}
    renamed = {
        name: f"touch_{name}"
        for name in columns_of(acts)
        if name in taken and name not in {"profile_id", "datetime"}
    }
    acts = with_windows(with_micros(acts, __touch_us="datetime"), chosen)
    anchor = nw.col("__touch_us")
    if chosen.start == "receipt":
        acts = with_micros(acts, __received="received")
        at_touch = (nw.col("__delivered") == 1) | nw.col("__received").is_null()
        anchor = nw.when(at_touch).then(anchor).otherwise(nw.col("__received"))
    counts = nw.lit(value=True)
    for name, wanted in filters.items():
        if not wanted:
            counts = counts & ~true(name)
    acts = acts.with_columns(__anchor=anchor, __counts=nw.when(counts).then(nw.lit(1)).otherwise(nw.lit(0)))
    acts = acts.drop("__delivered")
    sold, acts = _numbered(sold, acts)
    return sold, acts.rename({**renamed, "id": "touch_id", "datetime": "touch_datetime"})


def _numbered(sold: Table, acts: Table) -> tuple[Table, Table]:
    """Append `__order`, `__touch` and `__person` in pandas, which joins integers many times faster than texts."""
    (sold, acts), _ = keyed([sold, acts], __person=["profile_id"])
    sold, _ = numbered(sold, "__order", "order_id")
    acts, _ = numbered(acts, "__touch", "id")
    return sold, acts


def _key(table: Table, fast: str, plain: str) -> str:
    """Return the integer key where `_numbered` made one, else the column of ids."""
    return fast if fast in columns_of(table) else plain


def _eligible(sold: Table, acts: Table, chosen: AttributionSettings) -> Table:
    """Return a row for each order and each touch that may earn it, with age, position and number of touches.

    Both are cut into stretches as long as the longest window, so that an order meets the touches of its own
    stretch and the one before only, however long a person's history is.
    """
    longest = max((length for length in chosen.microseconds().values() if length), default=0)
    stretch = max(longest, MICROSECONDS_PER_HOUR)
    open_ones = acts.filter(
        (nw.col("__counts") == 1) & (nw.col("__window") >= 0) & ~nw.col("profile_id").is_null()
    )
    person, touch = _key(acts, "__person", "profile_id"), _key(acts, "__touch", "touch_id")
    order = _key(sold, "__order", "order_id")
    begun = open_ones.select(
        person,
        *dict.fromkeys(["touch_id", touch]),
        "__touch_us",
        "__anchor",
        "__window",
        __stretch=nw.col("__anchor") // stretch,
    )
    twice = nw.concat([begun, begun.with_columns(__stretch=nw.col("__stretch") + 1)])
    buyers = sold.filter(~nw.col("profile_id").is_null() & ~nw.col("__us").is_null())
    buyers = buyers.select(
        *dict.fromkeys(["order_id", order]), person, "__us", __stretch=nw.col("__us") // stretch
    )
    since = nw.col("__us") - nw.col("__anchor")
    pairs = (
        buyers.join(twice, on=[person, "__stretch"], how="inner")
        .filter((nw.col("__touch_us") <= nw.col("__us")) & (since >= 0) & (since <= nw.col("__window")))
        .select(*dict.fromkeys(["order_id", order, "touch_id", touch]), "__us", "__touch_us", __one=nw.lit(1))
        .with_columns(__age=(nw.col("__us") - nw.col("__touch_us")).cast(nw.Float64))
    )
    ranked = pairs.with_columns(
        position=nw.col("__one").cum_sum().over(order, order_by=["__touch_us", "touch_id"]).cast(nw.Int64),
        touches=nw.col("__one").sum().over(order).cast(nw.Int64),
        __youngest=nw.col("__age").min().over(order),
    )
    details = acts.drop(
        *_INNER,
        "__touch_us",
        "profile_id",
        *present(acts, _SOMETIMES),
        *(["touch_id"] if touch != "touch_id" else []),
    )
    return ranked.join(details, on=touch, how="left").with_columns(
        hours=nw.col("__age") / MICROSECONDS_PER_HOUR
    )


def _credit(model: str, half_life: float) -> nw.Expr:
    """Return each touch's share of its order."""
    place, count = nw.col("position"), nw.col("touches").cast(nw.Float64)
    if model == "last_touch":
        return (nw.col("position") == nw.col("touches")).cast(nw.Float64)
    if model == "first_touch":
        return (place == 1).cast(nw.Float64)
    if model == "linear":
        return 1.0 / count
    if model == "position":
        ends = (place == 1) | (place == nw.col("touches"))
        shared = nw.when(ends).then(nw.lit(0.4)).otherwise(0.2 / (count - 2.0))
        return nw.when(count <= 2).then(1.0 / count).otherwise(shared)
    # Ages count from the youngest touch: the shares are the same, and the largest weight is 1, never 0.
    weight = _weight(half_life)
    return weight / weight.sum().over("order_id")


def _weight(half_life: float) -> nw.Expr:
    power = (nw.col("__age") - nw.col("__youngest")) * (-math.log(2.0) / half_life)
    return nw.when(power < -700).then(nw.lit(0.0)).otherwise(power.exp())


def _finished(sold: Table, rows: Table) -> Table:
    """Join the orders, with a row for those without a touch, and turn credit into money."""
    key = "__order" if "__order" in columns_of(rows) else "order_id"
    hidden = [name for name in columns_of(rows) if name.startswith("__") and name != key]
    hidden += ["order_id"] if key != "order_id" else []
    base = sold.drop("__us", *present(sold, [*IDS, "__person", *([] if key == "__order" else ["__order"])]))
    rows = in_order_early(rows.drop(*hidden), "position")
    result = base.join(rows, on=key, how="left").drop(*present(base, ["__order"]))
    base = base.drop(*present(base, ["__order"]))
    without = nw.col("credit").is_null()
    money = {"revenue": "value", "net_revenue": "net_value"}
    result = result.with_columns(
        status=nw.when(without).then(nw.lit(UNATTRIBUTED)).otherwise(nw.lit("attributed")),
        channel=nw.when(without).then(nw.lit(UNATTRIBUTED)).otherwise(nw.col("channel")),
        credit=nw.col("credit").fill_null(1.0),
        touches=nw.col("touches").fill_null(0).cast(nw.Int64),
    ).with_columns(
        (nw.col(value).cast(nw.Float64) * nw.col("credit")).alias(name)
        for name, value in money.items()
        if value in columns_of(base)
    )
    before = [*columns_of(base), "touch_id", "touch_datetime", "channel", "interaction"]
    after = ["hours", "position", "touches", "credit", *present(result, list(money)), "status"]
    between = [name for name in columns_of(result) if name not in {*before, *after}]
    result = result.select(*before, *between, *after)
    return in_order(result, "datetime", "order_id", "position", nulls_last=True)


def _named(table: Table, keys: Sequence[str]) -> Table:
    """Call revenue without a touch "unattributed" in the columns that hold text."""
    schema = table.collect_schema()
    text = [name for name in keys if isinstance(schema[name], nw.String | nw.Categorical | nw.Object)]
    without = nw.col("status") == UNATTRIBUTED
    return table.with_columns(
        nw.when(without).then(nw.lit(UNATTRIBUTED)).otherwise(nw.col(name).cast(nw.String)).alias(name)
        for name in text
    )


def _side_by_side(
    sold: Table, acts: Table, chosen: AttributionSettings, wanted: Sequence[str], half_life: float
) -> Table:
    """Return a row for each order and touch, and one for what a model leaves unattributed."""
    shares = [name for name in wanted if name != "native"]
    order = _key(sold, "__order", "order_id")
    pairs = in_order_early(_eligible(sold, acts, chosen), "__touch_us", "touch_id").with_columns(
        _credit(model, half_life).alias(f"__{model}") for model in shares
    )
    columns = [*(f"__{model}" for model in shares), "__native", "__fits"]
    both = pairs.with_columns(__native=nw.lit(0.0), __fits=nw.lit(1.0)).select(order, "touch_id", *columns)
    if "native" in wanted:
        nothing = (nw.lit(0.0).alias(f"__{model}") for model in shares)
        theirs = attributed_natively(sold).with_columns(*nothing, __native=nw.lit(1.0), __fits=nw.lit(0.0))
        both = nw.concat([both, theirs.select(order, "touch_id", *columns)])
        both = both.group_by(order, "touch_id").agg(*(nw.col(name).sum() for name in columns))
    both = computed_once(both)
    per_order = both.group_by(order).agg(*(nw.col(name).sum().alias(f"{name}__sum") for name in columns))
    rest = sold.select(*dict.fromkeys(["order_id", order])).join(per_order, on=order, how="left")
    rest = rest.with_columns(
        (1.0 - nw.col(f"__{model}__sum").fill_null(0.0)).alias(f"__{model}") for model in wanted
    )
    open_amount = nw.max_horizontal(*(nw.col(f"__{model}") for model in wanted)) > 1e-9
    schema = both.collect_schema()
    if "native" not in wanted:
        rest = rest.with_columns(__native=nw.lit(0.0))
    # `touch_id` of these rows is missing, in the type that the column has.
    rest = rest.filter(open_amount).with_columns(
        touch_id=nw.when(nw.col("order_id").is_null()).then(nw.col("order_id")).cast(schema["touch_id"]),
        __fits=nw.lit(0.0),
    )
    stacked = in_order_early(nw.concat([both, rest.select(order, "touch_id", *columns)]), order)
    details = acts.drop("profile_id", *present(acts, [*_SOMETIMES, "__touch"]))
    rows = with_details(stacked.join(sold, on=order, how="left"), details)
    rows = rows.with_columns(
        *(
            (nw.col("value").cast(nw.Float64) * nw.col(f"__{model}")).alias(f"revenue_{model}")
            for model in wanted
        ),
        status=nw.when(nw.col("touch_id").is_null())
        .then(nw.lit(UNATTRIBUTED))
        .otherwise(nw.lit("attributed")),
    )
    rows = rows.with_columns(
        channel=nw.when(nw.col("touch_id").is_null()).then(nw.lit(UNATTRIBUTED)).otherwise(nw.col("channel"))
    )
    return without_marks(_with_reasons(rows, wanted, order))


def _with_reasons(rows: Table, wanted: Sequence[str], order: str) -> Table:
    """Append whether the models differ on an order, and why."""
    shares = [nw.col(f"__{model}") for model in wanted]
    rows = rows.with_columns(__spread=nw.max_horizontal(*shares) - nw.min_horizontal(*shares))
    rows = rows.with_columns(__spread=nw.col("__spread").max().over(order))
    differs, several = nw.col("__spread") > 1e-9, nw.lit("several touches share the order")
    if "native" not in wanted:
        return rows.with_columns(differs=differs, why=nw.when(differs).then(several))
    native = nw.col("__native") > 0
    later = nw.col("__last_touch") == 0 if "last_touch" in wanted else nw.lit(value=False)
    state = (
        nw.when(native & nw.col("touch_id").is_null())
        .then(nw.lit(1))
        .otherwise(
            nw.when(native & nw.col("__touch_us").is_null())
            .then(nw.lit(2))
            .otherwise(
                nw.when(native & (nw.col("__counts") == 0))
                .then(nw.lit(3))
                .otherwise(
                    nw.when(native & (nw.col("__fits") == 0))
                    .then(nw.lit(4))
                    .otherwise(nw.when(native & later).then(nw.lit(5)).otherwise(nw.lit(0)))
                )
            )
        )
    )
    rows = rows.with_columns(__state=state).with_columns(__state=nw.col("__state").max().over(order))
    reasons = {
        1: "Klaviyo attributed the order to nothing",
        2: "Klaviyo's touch is not among the touches",
        3: "Klaviyo's touch is filtered out here",
        4: "Klaviyo's touch is outside its window here",
        5: "a later touch than Klaviyo's counts here",
    }
    why = several
    for number in (5, 4, 3, 2, 1):
        why = nw.when(nw.col("__state") == number).then(nw.lit(reasons[number])).otherwise(why)
    return rows.with_columns(differs=differs, why=nw.when(differs).then(why))
