"""What messages held: subject lines, links and coupons against results."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics._messages import near
from klaviyo_analytics.analysis._engine import (
    Table,
    closed,
    columns_of,
    names,
    ratio,
    require_addable,
    require_one_currency,
    takes,
)
from klaviyo_analytics.analysis._events import critical_value, opened_rows, same_library, true, with_wilson
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import InvalidInputError

SUBJECTS = "a campaign summary with subjects: client.campaigns.summary(..., by='message')"
_EMOJI = "[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b\u23e9-\u23fa]"
_PERSONAL = r"\{\{|\{%|\*\|"
_LENGTHS = ((20, "1-20"), (35, "21-35"), (50, "36-50"), (70, "51-70"))


@takes(SUBJECTS)
def subject_lines(
    frame: IntoFrameT, *, measure: str = "open_rate", subject: str = "subject", confidence: float = 0.95
) -> IntoFrameT:
    """Set features of subject lines against results.

    Parameters
    ----------
    frame : DataFrame
        A row per message with its `subject` (the template, where `{{ first_name }}` marks personalisation) and the
        counts of the measure.
    measure : str, default "open_rate"
        A rate of people, such as "open_rate" or "click_rate".
    subject : str, default "subject"
        The column with the subject.
    confidence : float, default 0.95
        Level of Wilson's interval.

    Returns
    -------
    DataFrame
        `feature` ("length", "emoji", "personalised"), `value` (characters such as "21-35", or "yes" and "no"),
        `messages`, `measure`, `numerator`, `denominator`, `rate` with `low` and `high` (fractions), and `warning`.
        Numerator and denominator are sums over the messages in which both are known.
        Messages without a subject are "none" under length. Sorted by feature and value.

    Raises
    ------
    InvalidInputError
        If the measure is not a rate of people.
    FrameError
        If columns are missing.

    Notes
    -----
    Subjects are not drawn by lot: messages with an emoji may have gone to other people, at other times, with other
    offers. The intervals take people as independent of each other and are too narrow for few messages. A test
    (`ab_test`) shows causes, this shows where to look for them.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"subject": ["Hi {{ first_name }}", "Sale 🎉"], "delivered": [100, 100]})
    >>> lines = analysis.subject_lines(sent.assign(opens_unique=[40, 30]))
    >>> lines[["feature", "value", "messages", "rate"]]
            feature value  messages  rate
    0         emoji    no         1  0.40
    1         emoji   yes         1  0.30
    2        length  1-20         2  0.35
    3  personalised    no         1  0.30
    4  personalised   yes         1  0.40
    """
    allowed = [name for name in RATES if name not in {"revenue_per_recipient", "average_order_value"}]
    if measure not in allowed:
        raise InvalidInputError(
            f"measure={measure!r} is not a rate of people. Allowed are {near(measure, map(repr, allowed))}."
        )
    z = critical_value(confidence)
    above, below = RATES[measure].numerator, RATES[measure].denominator
    table = opened_rows(frame, subject, above, below, numbers=(above, below), texts=(subject,))
    require_addable(table, (above, below), as_whole=True)
    text = nw.col(subject).fill_null("")
    # A message whose numerator is missing, such as the opens of a text message, takes its denominator along.
    known = ~nw.col(above).is_null() & ~nw.col(below).is_null()
    counts = {
        name: nw.when(known).then(nw.col(column))
        for name, column in (("numerator", above), ("denominator", below))
    }
    table = table.select(**counts, __subject=text).with_columns(
        __length=nw.col("__subject").str.strip_chars().str.len_chars(), __one=nw.lit(1)
    )
    length: nw.Expr = nw.lit("over 70")
    for upper, name in reversed(_LENGTHS):
        length = nw.when(nw.col("__length") <= upper).then(nw.lit(name)).otherwise(length)
    length = nw.when(nw.col("__length") == 0).then(nw.lit("none")).otherwise(length)

    def yes(pattern: str) -> nw.Expr:
        return nw.when(nw.col("__subject").str.contains(pattern)).then(nw.lit("yes")).otherwise(nw.lit("no"))

    features = {"length": length, "emoji": yes(_EMOJI), "personalised": yes(_PERSONAL)}
    parts = [
        table.with_columns(feature=nw.lit(name), value=value)
        .group_by("feature", "value")
        .agg(nw.col("__one").sum().alias("messages"), nw.col("numerator").sum(), nw.col("denominator").sum())
        .select(
            nw.col("feature").cast(nw.String),
            nw.col("value").cast(nw.String),
            *(nw.col(count).cast(nw.Int64) for count in ("messages", "numerator", "denominator")),
        )
        for name, value in features.items()
    ]
    result = nw.concat(parts).with_columns(measure=nw.lit(measure), rate=ratio("numerator", "denominator"))
    result = with_wilson(result, "numerator", "denominator", z).with_columns(
        warning=nw.lit("not a test: other people, times and offers may be the cause")
    )
    columns = [
        "feature",
        "value",
        "messages",
        "measure",
        "numerator",
        "denominator",
        "rate",
        "low",
        "high",
        "warning",
    ]
    return closed(result.select(columns).sort("feature", "value"), frame)


@takes("clicks: client.events.list(metric='Clicked Email', properties=['URL', 'Bot Click', ...], ...)")
def links(
    clicks: IntoFrameT,
    *,
    url: str = "url",
    by: str | Sequence[str] = (),
    query: bool = False,
    bots: bool = True,
    bot_click: str = "bot_click",
) -> IntoFrameT:
    """Count clicks and people by URL.

    Parameters
    ----------
    clicks : DataFrame
        A row per click: `profile_id`, the URL, and `bot_click` if bots are left out.
    url : str, default "url"
        The column with the address.
    by : str or sequence of str, optional
        Further columns to count by, such as "message".
    query : bool, default False
        Whether addresses that differ in what follows "?" or "#" are told apart. Klaviyo appends parameters for each
        message and person.
    bots : bool, default True
        Whether clicks by bots count, as Klaviyo counts them.
    bot_click : str, default "bot_click"
        The column that marks bots.

    Returns
    -------
    DataFrame
        `by`, the URL ("(none)" where it is missing), `clicks`, `profiles` (people, once each), `clicks_per_profile`
        and `share` (fraction of the clicks of the group). Sorted by clicks, most first.

    Raises
    ------
    FrameError
        If columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> clicks = pd.DataFrame({"profile_id": ["A", "A", "B"], "url": ["https://x.example/a?k=1"] * 3})
    >>> analysis.links(clicks)
                       url  clicks  profiles  clicks_per_profile  share
    0  https://x.example/a       3         2                 1.5    1.0
    """
    keys = names(by)
    table = opened_rows(
        clicks, *keys, "profile_id", url, *([] if bots else [bot_click]), texts=("profile_id", url, bot_click)
    )
    if not bots:
        table = table.filter(~true(bot_click))
    address = nw.col(url).cast(nw.String).str.strip_chars().fill_null("")
    if not query:
        address = address.str.replace_all(r"[?#].*$", "")
    address = nw.when(address == "").then(nw.lit("(none)")).otherwise(address)
    table = table.select(*keys, "profile_id", address.alias(url)).with_columns(
        __one=nw.lit(1), __nobody=nw.col("profile_id").is_null().cast(nw.Int64)
    )
    result = table.group_by(*keys, url).agg(
        nw.col("__one").sum().alias("clicks"),
        nw.col("profile_id").n_unique().alias("__people"),
        nw.col("__nobody").max(),
    )
    result = result.with_columns(
        clicks=nw.col("clicks").cast(nw.Int64),
        profiles=(nw.col("__people") - nw.col("__nobody")).cast(nw.Int64),
    )
    total = nw.col("clicks").sum()
    result = result.with_columns(__all=total.over(*keys) if keys else total)
    result = result.with_columns(
        clicks_per_profile=ratio("clicks", "profiles"), share=ratio("clicks", "__all")
    )
    ordered = result.sort(
        "clicks", *keys, url, descending=[True, *(False for _ in [*keys, url])], nulls_last=True
    )
    return closed(ordered.select(*keys, url, "clicks", "profiles", "clicks_per_profile", "share"), clicks)


@takes(
    "coupon codes, client.coupons.codes(...), and orders with discount_codes: analysis.normalise_orders(events)"
)
def coupons(
    codes: IntoFrameT, orders: IntoFrameT, *, coupon: str = "coupon", code: str = "code"
) -> IntoFrameT:
    """Count the codes of each coupon that were assigned and used, and the revenue of the orders.

    Parameters
    ----------
    codes : DataFrame
        A row per code: the coupon, the code, and `profile_id`, null while it is not assigned.
    orders : DataFrame
        Orders with `id`, `value`, `currency` and `discount_codes` (a text with commas between codes). Upper and lower
        case are the same.
    coupon, code : str
        The columns of `codes`.

    Returns
    -------
    DataFrame
        `coupon`, `currency`, `codes`, `assigned`, `used` (codes in an order, once each), `orders`, `revenue` (value
        of the orders, in `currency`) and `use_rate` (used ÷ assigned; all codes of the coupon count, and one that was
        used without a known profile counts as used only). An order with codes of two coupons counts for both. Codes
        that are in no coupon of the frame are in the row with a null coupon. Sorted by revenue.

    Raises
    ------
    FrameError
        If columns are missing or orders are in several currencies.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> codes = pd.DataFrame({"coupon": "WELCOME", "code": ["W-1", "W-2"], "profile_id": ["A", "B"]})
    >>> orders = pd.DataFrame({"id": ["1"], "value": [40.0], "currency": "EUR", "discount_codes": ["w-1, FREESHIP"]})
    >>> used = analysis.coupons(codes, orders)
    >>> used.loc[:0, ["coupon", "assigned", "used", "orders", "revenue", "use_rate"]]
        coupon  assigned  used  orders  revenue  use_rate
    0  WELCOME         2     1       1     40.0       0.5
    """
    held = opened_rows(codes, coupon, code, "profile_id", texts=(coupon, code, "profile_id"))
    sold = opened_rows(
        orders,
        "id",
        "value",
        "currency",
        "discount_codes",
        numbers=("value",),
        texts=("id", "currency", "discount_codes"),
    )
    same_library(held, sold, ("codes", "orders"))
    require_one_currency(sold, [])
    money = sold.select("currency").unique().drop_nulls().collect()["currency"].to_list()
    used = _codes_of(sold).unique()
    given = held.select(
        __coupon=nw.col(coupon).cast(nw.String),
        __code=nw.col(code).cast(nw.String).str.strip_chars().str.to_lowercase(),
        __assigned=(~nw.col("profile_id").is_null()).cast(nw.Int64),
    )
    given = given.group_by("__coupon", "__code").agg(nw.col("__assigned").max()).with_columns(__one=nw.lit(1))
    joined = used.join(given.select("__coupon", "__code"), on="__code", how="left")
    counts = given.group_by("__coupon").agg(
        nw.col("__one").sum().alias("codes"), nw.col("__assigned").sum().alias("assigned")
    )
    uses = joined.group_by("__coupon").agg(nw.col("__code").n_unique().alias("used"))
    sales = joined.select("__coupon", "id", "value").unique().with_columns(__one=nw.lit(1))
    sums = sales.group_by("__coupon").agg(
        nw.col("__one").sum().alias("orders"), nw.col("value").sum().alias("revenue")
    )
    every = ["codes", "assigned", "used", "orders", "revenue"]
    stacked = nw.concat(
        [
            part.select(
                "__coupon",
                *(
                    (nw.col(name) if name in columns_of(part) else nw.lit(0)).cast(nw.Float64).alias(name)
                    for name in every
                ),
            )
            for part in (counts, uses, sums)
        ]
    )
    result = stacked.group_by("__coupon").agg(*(nw.col(name).sum() for name in every))
    result = result.with_columns(*(nw.col(name).cast(nw.Int64) for name in every[:-1]))
    result = result.select(
        nw.col("__coupon").alias(coupon),
        nw.lit(money[0] if money else "").alias("currency"),
        *every,
        ratio("used", "assigned").alias("use_rate"),
    )
    return closed(result.sort("revenue", coupon, descending=[True, False], nulls_last=True), codes)


def _codes_of(sold: Table) -> Table:
    """Return a row per order and code; codes are taken off the front of the text, one by one."""
    rest = sold.select(
        "id", "value", __rest=nw.col("discount_codes").cast(nw.String).str.to_lowercase().fill_null("")
    ).filter(nw.col("__rest") != "")
    commas = rest.select(
        most=(nw.col("__rest").str.len_chars() - _without_commas().str.len_chars()).max()
    ).collect()
    most = 0 if commas["most"].is_null().to_list()[0] else int(commas["most"].to_list()[0])
    parts = []
    for _ in range(most + 1):
        head = nw.col("__rest").str.replace_all(r",.*$", "").str.strip_chars()
        parts.append(rest.select("id", "value", __code=head))
        rest = rest.with_columns(__rest=nw.col("__rest").str.replace_all(r"^[^,]*,?", ""))
        rest = rest.filter(nw.col("__rest") != "")
    return nw.concat(parts).filter(nw.col("__code") != "")


def _without_commas() -> nw.Expr:
    return nw.col("__rest").str.replace_all(",", "", literal=True)
