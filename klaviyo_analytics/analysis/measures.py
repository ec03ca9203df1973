"""Rates from counts, and sums of counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import (
    MESSAGES,
    Table,
    WrongFrame,
    carried,
    closed,
    columns_of,
    listed,
    names,
    opened,
    ratio,
    require,
    require_addable,
    require_numbers,
    require_one_currency,
    require_one_metric,
    takes,
)
from klaviyo_analytics.analysis._ordering import in_order, keyed
from klaviyo_analytics.arithmetic import (
    CHANNELS_WITHOUT_OPENS,
    COUNTS,
    MESSAGE_UNIQUES,
    MONEY,
    OPENS,
    RATES,
    Rate,
    counts_profiles,
)
from klaviyo_analytics.errors import NotAdditiveError

__all__ = [
    "CHANNELS_WITHOUT_OPENS",
    "MONEY",
    "OPENS",
    "RATES",
    "Rate",
    "additive",
    "is_quotient",
    "money_among",
    "refuse_unique",
]


# Opens of text messages cannot be seen, and a message may be without revenue: the rates of these counts rest on fewer
# rows than the sums beside them. Which columns a total has must not depend on whether that happened.
_MAY_BE_MISSING = frozenset({"opens_unique", "conversion_value"})


def additive(columns: Iterable[str], *, over_time: bool) -> list[str]:
    """Return the columns that are known to add up."""
    known = COUNTS | MONEY | (frozenset() if over_time else MESSAGE_UNIQUES)
    return [name for name in columns if name in known]


def refuse_unique(columns: Iterable[str], *, instead: str) -> None:
    """Raise NotAdditiveError if a column counts profiles or is a quotient; `instead` says what would answer."""
    for name in columns:
        if _part_of_a_rate(name):
            continue
        if counts_profiles(name):
            raise NotAdditiveError(
                f"{name!r} counts each profile once, so it does not add up: who acts twice would count "
                f"twice; {instead}"
            )
        if is_quotient(name):
            raise NotAdditiveError(
                f"{name!r} is a quotient and is neither added nor averaged; {_rebuild(name)} or {instead}"
            )


def _part_of_a_rate(name: str) -> bool:
    """Return whether `roll_up` wrote the column beside a rate: `open_rate_denominator`."""
    rate, _, part = name.rpartition("_")
    return rate in RATES and part in {"numerator", "denominator"}


def is_quotient(name: str) -> bool:
    """Return whether the name is that of a rate or an average."""
    return name in RATES or name.endswith(("_rate", "_roi", "_share", "_change"))


def money_among(columns: Sequence[str]) -> bool:
    """Return whether one of the columns is money."""
    return any(name in MONEY for name in columns)


def _rebuild(name: str) -> str:
    if rate := RATES.get(name):
        return f"add up {rate.numerator!r} and {rate.denominator!r} and rebuild it with analysis.rates,"
    return "add up the counts that it is made of,"


@takes(MESSAGES)
def rates(frame: IntoFrameT) -> IntoFrameT:
    """Rebuild every rate from the counts of its row.

    ======================= ==================== ============== ===============================================
    rate                    numerator            denominator    rows that count
    ======================= ==================== ============== ===============================================
    delivery_rate           delivered            recipients     where both are known
    bounce_rate             bounced              recipients     where both are known
    failed_rate             failed               recipients     where both are known
    bounced_or_failed_rate  bounced_or_failed    recipients     where both are known
    open_rate               opens_unique         delivered      where opens are known: text messages do not count
    click_rate              clicks_unique        delivered      where both are known
    click_to_open_rate      clicks_unique        opens_unique   where opens are known: text messages do not count
    unsubscribe_rate        unsubscribe_uniques  delivered      where both are known
    spam_complaint_rate     spam_complaints      delivered      where both are known
    conversion_rate         conversion_uniques   delivered      where both are known
    average_order_value     conversion_value     conversions    where both are known
    revenue_per_recipient   conversion_value     recipients     where both are known
    ======================= ==================== ============== ===============================================

    Every function that makes rates of several rows (`roll_up`, `deliverability`, `compare_periods`, `flow_funnel`,
    the summaries) adds up numerator and denominator over those rows alone in which both are known.

    Parameters
    ----------
    frame : DataFrame
        With counts as the reports name them; pandas, Polars, DuckDB, PySpark, ...

    Returns
    -------
    DataFrame
        The same rows. Each rate whose two counts are there is replaced or appended, as a fraction (float64); it
        is missing where the denominator is zero or one of the two is missing. In a report (with `send_channel`)
        the opens of text messages become missing, because nobody can see them.

    Raises
    ------
    FrameError
        If no rate can be made of the columns.

    Examples
    --------
    Of 1,000 recipients 980 were delivered; 490 opened, so the open rate is 490 ÷ 980 = 0.5, and 49 clicked:
    49 ÷ 980 = 0.05 of those delivered and 49 ÷ 490 = 0.1 of those who opened.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"recipients": [1000, 0], "delivered": [980, 0], "opens_unique": [490, 0]})
    >>> sent["clicks_unique"] = [49, 0]
    >>> analysis.rates(sent)[["delivery_rate", "open_rate", "click_rate", "click_to_open_rate"]]
       delivery_rate  open_rate  click_rate  click_to_open_rate
    0           0.98        0.5        0.05                 0.1
    1            NaN        NaN         NaN                 NaN
    """
    return closed(with_rates(opened(frame)), frame)


@takes(MESSAGES)
def roll_up(frame: IntoFrameT, *, by: str | Sequence[str] = ()) -> IntoFrameT:
    """Add up counts and money over rows, and rebuild the rates from the sums.

    Unique counts of messages are added: who opened two messages counts as two opens, of two deliveries.

    A rate takes only rows in which its numerator and its denominator are both known: text messages, which have no
    visible opens, add to `delivered`, but not to the deliveries that `open_rate` is of.

    Parameters
    ----------
    frame : DataFrame
        A summary (one row a message) or aggregates.
    by : str or sequence of str
        Columns that keep their rows apart; none adds up everything into one row.

    Returns
    -------
    DataFrame
        `by`, the sums, `currency` if there is one, and the rates as in `rates`; sorted by `by`. Columns that
        neither group nor add up are left out. Opens and revenue may be missing in some rows, and rates of them then
        rest on fewer rows than the sums beside them. What they are made of follows in every case, so that the frame
        can be rolled up or ranked again: `open_rate_denominator`, `click_to_open_rate_numerator`,
        `average_order_value_denominator` and `revenue_per_recipient_denominator`, each beside its rate.

    Raises
    ------
    FrameError
        If two currencies or two metrics would be added, or if there is nothing to add.
    NotAdditiveError
        If `unique` or unique counts would be added over time.

    Examples
    --------
    Two messages, 100 opens of 200 deliveries and 10 of 100: together 110 of 300, not the mean of 0.5 and 0.1.

    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> messages = pd.DataFrame(
    ...     {"flow": ["Welcome", "Welcome"], "delivered": [200, 100], "opens_unique": [100, 10]}
    ... )
    >>> analysis.roll_up(messages, by="flow").round(4)
          flow  delivered  opens_unique  open_rate  open_rate_denominator
    0  Welcome        300           110     0.3667                    300

    Nobody can see whether the text message was opened, so it takes no part in the open rate:

    >>> messages = pd.DataFrame({"channel": ["email", "sms"], "delivered": [200, 100], "opens_unique": [90, None]})
    >>> analysis.roll_up(messages)
       delivered  opens_unique  open_rate  open_rate_denominator
    0        300          90.0       0.45                    200
    """
    keys = names(by)
    return closed(shown(rolled_up(opened(frame, *keys), keys)), frame)


def with_rates(table: Table) -> Table:
    """Append or replace the rates that the columns allow, each made of the counts of its own row."""
    made = possible_rates(table)
    if not made:
        raise WrongFrame(
            f"no rate can be made of {listed(columns_of(table))}; counts like 'delivered' and 'opens_unique' "
            "are needed"
        )
    table = with_parts(without_blind_opens(table), made)
    with_all = table.with_columns(**{name: ratio(above(name), below(name)) for name in made})
    return with_all.drop(*(part(name) for name in made for part in (above, below)))


def possible_rates(table: Table) -> dict[str, Rate]:
    """Return the rates whose two counts are both there."""
    present = set(columns_of(table))
    return {name: rate for name, rate in RATES.items() if {rate.numerator, rate.denominator} <= present}


def above(name: str) -> str:
    """Return the column that holds the numerator of a rate while it is computed."""
    return f"__{name}_numerator"


def below(name: str) -> str:
    """Return the column that holds the denominator of a rate while it is computed."""
    return f"__{name}_denominator"


def summed(
    table: Table,
    keys: Sequence[str],
    values: Sequence[str],
    *extra: nw.Expr,
    added_by: Sequence[str] | None = None,
    carried: Sequence[str] = (),
) -> Table:
    """Add up `values` by `keys`; a sum without a single known value is missing, not zero.

    Of the columns in `carried` the largest value stays. Raises FrameError if a sum of whole numbers does not fit into
    64 bits, or one of those sums where `added_by` names the fewer keys by which they are added up in their turn.
    """
    require_addable(table, values, keys=keys if added_by is None else added_by, floats=True)
    if keys and nw.dependencies.is_pandas_dataframe(table.to_native()):
        return _summed_pandas(table, keys, values, extra, carried)
    known = {name: f"__known_{name}" for name in values}
    sums = [nw.col(name).sum() for name in values]
    counts = [nw.col(name).count().alias(known[name]) for name in values]
    aggregated = [*sums, *counts, *extra, *(nw.col(name).max() for name in carried)]
    result = table.group_by(*keys).agg(*aggregated) if keys else table.select(*aggregated)
    # Some databases give sums a wider type than the column has.
    schema = table.collect_schema()
    return result.with_columns(
        nw.when(nw.col(known[name]) > 0).then(nw.col(name).cast(schema[name])).alias(name) for name in values
    ).drop(*known.values())


def _summed_pandas(
    table: Table, keys: Sequence[str], values: Sequence[str], extra: Sequence[nw.Expr], carried: Sequence[str]
) -> Table:
    """Add up as `summed` does, but look at texts once: pandas groups integers many times faster."""
    (numbered,), by = keyed([table], __group=keys)
    native: Any = numbered.to_native()
    grouped = native.groupby("__group", sort=False)
    firsts = ~native["__group"].duplicated()
    parts = [native.loc[firsts, [*dict.fromkeys(keys)]].reset_index(drop=True)]
    parts += [grouped[list(values)].sum(min_count=1).reset_index(drop=True)] if values else []
    if extra:
        made: Any = numbered.group_by(*by["__group"]).agg(*extra).to_native()
        parts.append(made.drop(columns="__group").reset_index(drop=True))
    for name in carried:
        codes, uniques = pd.factorize(native[name], sort=True)
        most = pd.Series(codes).groupby(native["__group"].to_numpy(), sort=False).max()
        parts.append(pd.DataFrame({name: uniques.array.take(most.to_numpy(), allow_fill=True)}))
    result: Table = nw.from_native(pd.concat(parts, axis=1)).lazy()
    return result


def totals(
    table: Table,
    keys: Sequence[str],
    values: Sequence[str],
    made: Mapping[str, Rate],
    *extra: nw.Expr,
    carried: Sequence[str] = (),
) -> Table:
    """Add up `values` by `keys`, make rates of the sums, and keep their two parts (`above`, `below`).

    The one place where a rate of several rows is made. Its two sums take only rows in which both are known: a
    text message, whose opens nobody can see, adds to `delivered` but not to the deliveries that `open_rate` is of.
    """
    table, parts = _parts(without_blind_opens(table), made)
    # A part that is the whole column has the column's sum.
    whole = {part: plain for part, plain in parts.items() if isinstance(plain, str) and plain in values}
    own = {part: plain for part, plain in parts.items() if part not in whole}
    table = table.with_columns(**own) if own else table
    result = summed(table, keys, [*values, *own], *extra, carried=carried)
    if not made:
        return result
    result = (
        result.with_columns(**{part: nw.col(plain) for part, plain in whole.items()}) if whole else result
    )
    return result.with_columns(**{name: ratio(above(name), below(name)) for name in made})


def rolled_up(table: Table, keys: list[str], wanted: Iterable[str] = RATES) -> Table:
    """Add up and rebuild the wanted rates, where there are any; `roll_up` documents the columns."""
    require(table, keys)
    over_time = "datetime" in columns_of(table) and "datetime" not in keys
    free = [name for name in columns_of(table) if name not in keys]
    if over_time:
        refuse_unique(
            [name for name in free if name not in RATES],
            instead="ask for one interval over the whole time frame, or keep 'datetime' in by=",
        )
    values = additive(free, over_time=over_time)
    if not values:
        raise WrongFrame(f"nothing here is known to add up: {listed(columns_of(table))}")
    require_numbers(table, values)
    require_one_metric(table, keys)
    currency: list[str] = []
    if money_among(values):
        require_one_currency(table, keys)
        currency = carried(table, keys)
    made = {
        name: rate
        for name, rate in possible_rates(table).items()
        if {rate.numerator, rate.denominator} <= {*values} and name in wanted
    }
    result = totals(table, keys, values, made, carried=currency)
    return in_order(result, *keys, nulls_last=True) if keys else result


def shown(totalled: Table) -> Table:
    """Write the parts of rates that rows without opens or revenue take no part in, and drop the other parts."""
    made = [name for name in RATES if above(name) in columns_of(totalled)]
    written = {}
    for name in made:
        if RATES[name].numerator in _MAY_BE_MISSING:
            written[f"{name}_denominator"] = nw.col(below(name))
        if RATES[name].denominator in _MAY_BE_MISSING:
            written[f"{name}_numerator"] = nw.col(above(name))
    totalled = totalled.with_columns(**written) if written else totalled
    return totalled.drop(*(part(name) for name in made for part in (above, below)))


def without_blind_opens(table: Table) -> Table:
    """Set to missing the opens of messages whose opens nobody can see; a zero would say that nobody reads.

    Reports have a row for each channel (`send_channel`), and zeros as the opens of text messages. Should they ever
    count one, it was seen and stays.
    """
    present = columns_of(table)
    opens = [name for name in OPENS if name in present]
    if "send_channel" not in present or not opens:
        return table
    blind = (
        nw.col("send_channel").cast(nw.String).is_in(sorted(CHANNELS_WITHOUT_OPENS)).fill_null(value=False)
    )
    return table.with_columns(
        nw.when(~(blind & (nw.col(name) == 0).fill_null(value=False))).then(nw.col(name)).alias(name)
        for name in opens
    )


def with_parts(table: Table, made: Mapping[str, Rate]) -> Table:
    """Append numerator and denominator of each rate, both missing unless both are known."""
    table, parts = _parts(table, made)
    return table.with_columns(**parts) if parts else table


def _parts(table: Table, made: Mapping[str, Rate]) -> tuple[Table, dict[str, nw.Expr | str]]:
    """Return the table without not-a-number, and the parts of each rate; the name of a column that is one as it is.

    A row that `roll_up` made of several may bring its own: `open_rate_denominator` stands for `delivered` then.
    """
    if not made:
        return table, {}
    counts = {name for rate in made.values() for name in (rate.numerator, rate.denominator)}
    require_numbers(table, sorted(counts))
    schema = table.collect_schema()
    # Polars and databases keep not-a-number apart from missing, and a sum with it is not a number.
    floats = [name for name in sorted(counts) if schema[name].is_float()]
    table = table.with_columns(nw.col(name).fill_nan(None) for name in floats) if floats else table
    native: Any = table.to_native()
    pandas = nw.dependencies.is_pandas_dataframe(native)
    known_throughout = {name for name in counts if not native[name].hasnans} if pandas else set()
    parts: dict[str, nw.Expr | str] = {}
    for name, rate in made.items():
        for plain, other, part, brought in (
            (rate.numerator, rate.denominator, above(name), f"{name}_numerator"),
            (rate.denominator, rate.numerator, below(name), f"{name}_denominator"),
        ):
            if other in known_throughout and brought not in schema:
                parts[part] = plain
                continue
            value, known = nw.col(plain), ~nw.col(other).is_null()  # where `plain` is missing, so is the part
            if brought in schema:
                value = nw.coalesce(nw.col(brought).cast(schema[plain]), value)
                known = known & ~nw.col(plain).is_null()
            parts[part] = nw.when(known).then(value)
    return table, parts
