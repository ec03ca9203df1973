"""How much customers will still order: BG/NBD for the number of orders, Gamma-Gamma for their value."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._customer_events import (
    DAY,
    ORDERS,
    AsOf,
    Kind,
    as_time,
    check_positive,
    columns_like,
    last_moment,
    made_like,
    moment,
    read_events,
    wall_of,
)
from klaviyo_analytics.analysis._engine import Table, columns_of, found_column, opened, require_numbers, takes
from klaviyo_analytics.analysis._ordering import keyed, one_each
from klaviyo_analytics.errors import ArgumentError, FrameError, InvalidInputError, MissingExtraError

Floats = npt.NDArray[np.float64]

_SUMMARY = ("frequency", "recency", "T")
_TAKES = f"{ORDERS}; or summary= a frame of frequency, recency, T"
_IDS = ("profile_id", "id", "ID", "customer_id")
_KLAVIYOS = {
    "klaviyo_predicted_clv": "predicted_clv",
    "klaviyo_predicted_orders": "predicted_number_of_orders",
    "klaviyo_historic_clv": "historic_clv",
    "klaviyo_churn_probability": "churn_probability",
}


@takes(_TAKES)
def customer_lifetime_value(
    orders: IntoFrameT | None = None,
    *,
    horizon: float = 365,
    as_of: AsOf = None,
    summary: IntoFrameT | None = None,
    profiles: IntoFrameT | None = None,
    value: str | None = None,
) -> IntoFrameT:
    """Predict each customer's orders and their value over the next `horizon` days.

    Parameters
    ----------
    orders : DataFrame
        One row per order: `profile_id`, `datetime` (with a time zone) and its value. Orders of one calendar day count
        as one. Rows that share an `id` count once; rows without a profile or a time do not count.
    horizon : float, default 365
        How far to predict, in days (in the unit of `T` if `summary` is given). Klaviyo's own prediction is
        for 365 days.
    as_of : str, date or datetime, optional
        Until when orders are known; UTC if it has no zone. The last order of the frame if omitted.
    summary : DataFrame, optional
        Instead of `orders`, one row per customer: `frequency` (repeat orders), `recency` (time from the
        first to the last order), `T` (time from the first order until now), and if known `monetary` (mean
        value of the repeat orders) and an id (`profile_id`, `id` or `ID`).
    profiles : DataFrame, optional
        Profiles of the same library with `id` and `predictive_analytics.predicted_clv`, ... to compare with.
    value : str, optional
        Column of the orders' values; `value`, `$value` or `event_properties.$value` if omitted.

    Returns
    -------
    DataFrame
        One row per customer, by id or in the order of `summary`: `profile_id` (text; missing if `summary`
        has no id), `frequency` (Int64), `recency`, `T`, `monetary` (float), `probability_alive` (float),
        `expected_orders` (float, within `horizon`), `expected_value` (float, mean value of an order; missing
        without values) and `lifetime_value` (float, their product, not discounted). With `profiles` also
        `klaviyo_predicted_clv`, `klaviyo_predicted_orders`, `klaviyo_historic_clv` and
        `klaviyo_churn_probability`, as far as they are there. In pandas, `attrs["fit"]` is the row of
        `lifetime_value_fit`.

    Raises
    ------
    FrameError
        If columns are missing, numbers are impossible, nobody ordered twice, or there are several currencies.
    InvalidInputError
        If `horizon` or `as_of` is not valid, or neither or both of `orders` and `summary` are given.
    MissingExtraError
        If SciPy is not installed.

    Notes
    -----
    BG/NBD: Fader, Hardie and Lee, "Counting Your Customers the Easy Way" (2005). Gamma-Gamma: Fader and Hardie, "The
    Gamma-Gamma Model of Monetary Value" (2013); it is fitted on customers with repeat orders of positive value
    and assumes that value and frequency are independent. Klaviyo's history is net of refunds, these numbers are of
    the orders given. Look at `lifetime_value_holdout` before relying on them.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> summary = pd.DataFrame(
    ...     {"frequency": [0, 1, 2, 0, 5], "recency": [0.0, 9, 30, 0, 38], "T": [38.0, 38, 38, 30, 39]}
    ... )
    >>> values = analysis.customer_lifetime_value(summary=summary, horizon=10)
    >>> bool(values["probability_alive"].between(0, 1).all()), bool(values["expected_orders"].gt(0).all())
    (True, True)
    """
    check_positive("horizon", horizon)
    customers, given = _customers(orders, summary, as_of=as_of, value=value)
    like = cast(IntoFrameT, given)
    kinds: dict[str, Kind] = {"profile_id": "text", "frequency": "count"}
    theirs = _klaviyos(profiles) if profiles is not None else {}
    known, predicted = ("recency", "T", "monetary"), ("expected_orders", "expected_value", "lifetime_value")
    kinds |= dict.fromkeys((*known, "probability_alive", *predicted, *theirs), "number")
    if not len(customers.T):
        return made_like([], kinds, like)
    model = _fit(customers)
    expected = model.expected_orders(customers, horizon)
    worth = model.expected_value(customers)
    columns = {
        "profile_id": customers.ids,
        "frequency": customers.frequency.astype(int),
        "recency": customers.recency,
        "T": customers.T,
        "monetary": customers.monetary,
        "probability_alive": model.probability_alive(customers),
        "expected_orders": expected,
        "expected_value": worth,
        "lifetime_value": expected * worth,
        **{name: [of.get(one) for one in customers.ids] for name, of in theirs.items()},
    }
    result: Any = columns_like(columns, kinds, like)
    if nw.dependencies.is_pandas_dataframe(result):
        result.attrs["fit"] = model.report(customers)
    return result  # type: ignore[no-any-return]


@takes(_TAKES)
def lifetime_value_fit(
    orders: IntoFrameT | None = None,
    *,
    as_of: AsOf = None,
    summary: IntoFrameT | None = None,
    value: str | None = None,
) -> IntoFrameT:
    """Return the parameters of the models behind `customer_lifetime_value`, with their log-likelihoods.

    Parameters
    ----------
    orders, as_of, summary, value
        As for `customer_lifetime_value`.

    Returns
    -------
    DataFrame
        One row: `customers`, `repeat_customers` (Int64), the BG/NBD parameters `r`, `alpha` (in the unit of
        `T`), `a`, `b` and `log_likelihood`, the Gamma-Gamma parameters `p`, `q`, `gamma` and
        `value_log_likelihood` (float; missing without values), and `converged` (bool; False if the likelihood still
        rises at the edge of the search, where a parameter is below 1/40,000 or above 40,000. It does so for `a` and
        `b` if hardly anybody leaves: predictions hold, but these parameters mean nothing). No row without customers.

    Raises
    ------
    FrameError, InvalidInputError, MissingExtraError
        As `customer_lifetime_value`.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> summary = pd.DataFrame(
    ...     {"frequency": [0, 1, 2, 0, 5], "recency": [0.0, 9, 30, 0, 38], "T": [38.0, 38, 38, 30, 39]}
    ... )
    >>> analysis.lifetime_value_fit(summary=summary)[["customers", "repeat_customers"]]
       customers  repeat_customers
    0          5                 3
    """
    customers, given = _customers(orders, summary, as_of=as_of, value=value)
    like = cast(IntoFrameT, given)
    numbers = ("r", "alpha", "a", "b", "log_likelihood", "p", "q", "gamma", "value_log_likelihood")
    kinds: dict[str, Kind] = {"customers": "count", "repeat_customers": "count"}
    kinds |= {**dict.fromkeys(numbers, "number"), "converged": "flag"}
    rows = [_fit(customers).report(customers)] if len(customers.T) else []
    return made_like(rows, kinds, like)


@takes(ORDERS)
def lifetime_value_holdout(
    orders: IntoFrameT,
    *,
    until: AsOf,
    as_of: AsOf = None,
    most: int = 7,
) -> IntoFrameT:
    """Check predictions of orders: fit until one date, and compare with what was ordered afterwards.

    Parameters
    ----------
    orders : DataFrame
        One row per order: `profile_id`, `datetime` (with a time zone).
    until : str, date or datetime
        End of the calibration; UTC if it has no zone. Its calendar day is the last one that the models see.
    as_of : str, date or datetime, optional
        End of the holdout. The last order of the frame if omitted.
    most : int, default 7
        Customers with this many repeat orders or more share a row.

    Returns
    -------
    DataFrame
        One row for each number of repeat orders during calibration: `frequency` (Int64), `customers` (Int64),
        `predicted` and `actual` (float, days with an order in the holdout, summed over these customers),
        `predicted_mean`, `actual_mean` (float, per customer) and `lower`, `upper` (float, where 95% of the
        actual sums would lie if the prediction were right, Poisson, without the models' own uncertainty).

    Raises
    ------
    FrameError, InvalidInputError, MissingExtraError
        As `customer_lifetime_value`; also if `until` is not before `as_of`.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> days = ["2026-01-01", "2026-01-15", "2026-02-20", "2026-01-02", "2026-01-03", "2026-01-09", "2026-02-25"]
    >>> orders = pd.DataFrame({"profile_id": list("AAABCCC"), "datetime": pd.to_datetime(days, utc=True)})
    >>> check = analysis.lifetime_value_holdout(orders, until="2026-02-01")
    >>> check[["frequency", "customers", "actual"]]
       frequency  customers  actual
    0          0          1     0.0
    1          1          2     2.0
    """
    stats = _scipy("stats")
    check_positive("most", most, whole=True)
    events = read_events(orders)
    end = last_moment([events], as_of)
    numbers = ("predicted", "actual", "predicted_mean", "actual_mean", "lower", "upper")
    kinds: dict[str, Kind] = {"frequency": "count", "customers": "count", **dict.fromkeys(numbers, "number")}
    middle = moment(until, "until")
    if end is None:
        return made_like([], kinds, orders)
    if middle >= end:
        raise InvalidInputError(
            f"until={as_time(middle):%Y-%m-%d} is not before the end of the orders, {as_time(end):%Y-%m-%d}. "
            "Pass an earlier date."
        )
    split, last = wall_of(middle, events) // DAY, wall_of(end, events) // DAY
    days = events.filter(nw.col("__at") <= end).with_columns(__day=nw.col("__wall") // DAY)
    (days,), keys = keyed([days], __person=["profile_id"])
    person = keys["__person"]
    people = one_each(days, person, "profile_id")
    days = days.select(*person, "__day").unique([*person, "__day"], keep="any")
    seen = _summarised(days.filter(nw.col("__day") <= split), people, person, int(split))
    if not len(seen.T):
        return made_like([], kinds, orders)
    counts = days.filter(nw.col("__day") > split).group_by(*person).agg(nw.len().alias("orders"))
    counts = counts if person == ["profile_id"] else counts.join(people, on=person, how="left")
    after = counts.collect()
    later = dict(zip(map(str, after["profile_id"].to_list()), after["orders"].to_list(), strict=True))
    predicted = _fit(seen).expected_orders(seen, float(last - split))
    actual = np.array([later.get(str(one), 0) for one in seen.ids], dtype=np.float64)
    group = np.minimum(seen.frequency, most)
    rows = []
    for frequency in np.unique(group):
        here = group == frequency
        total = float(predicted[here].sum())
        rows.append(
            {
                "frequency": int(frequency),
                "customers": int(here.sum()),
                "predicted": total,
                "actual": float(actual[here].sum()),
                "predicted_mean": float(predicted[here].mean()),
                "actual_mean": float(actual[here].mean()),
                "lower": float(stats.poisson.ppf(0.025, total)),
                "upper": float(stats.poisson.ppf(0.975, total)),
            }
        )
    return made_like(rows, kinds, orders)


@dataclass(frozen=True)
class _Customers:
    """One row per customer, as arrays."""

    ids: Sequence[str | None]
    frequency: Floats
    recency: Floats
    T: Floats
    monetary: Floats

    @property
    def repeat(self) -> npt.NDArray[np.bool_]:
        return self.frequency > 0


@dataclass(frozen=True)
class _Model:
    """Both fitted models."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    converged: bool
    value: dict[str, float] = field(default_factory=dict)

    def report(self, customers: _Customers) -> dict[str, Any]:
        return {
            "customers": len(customers.T),
            "repeat_customers": int(customers.repeat.sum()),
            "r": self.r,
            "alpha": self.alpha,
            "a": self.a,
            "b": self.b,
            "log_likelihood": self.log_likelihood,
            **{name: self.value.get(name) for name in ("p", "q", "gamma", "value_log_likelihood")},
            "converged": self.converged,
        }

    def _odds_of_gone(self, of: _Customers) -> Floats:
        """Return the odds that a customer has left; nobody leaves before a repeat order in this model."""
        x, repeat = of.frequency, of.repeat
        beside = np.where(repeat, self.b + x - 1, 1.0)
        ratio = (self.r + x) * (np.log(self.alpha + of.T) - np.log(self.alpha + of.recency))
        return np.where(repeat, np.exp(np.log(self.a) - np.log(np.maximum(beside, 1e-300)) + ratio), 0.0)

    def probability_alive(self, of: _Customers) -> Floats:
        return np.asarray(1 / (1 + self._odds_of_gone(of)))

    def expected_orders(self, of: _Customers, horizon: float) -> Floats:
        special = _scipy("special")
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6  # the formula has a removable singularity at 1
        one, which = _distinct(of.frequency, of.T)  # the series is slow, and many customers share it
        x, reach = of.frequency[one], self.alpha + of.T[one]
        series = special.hyp2f1(self.r + x, self.b + x, a + self.b + x - 1, horizon / (reach + horizon))
        grown = 1 - (reach / (reach + horizon)) ** (self.r + x) * series
        return np.asarray(((a + self.b + x - 1) / (a - 1) * grown)[which] * self.probability_alive(of))

    def expected_value(self, of: _Customers) -> Floats:
        if not self.value:
            return np.full(len(of.T), np.nan)
        p, q, gamma = (self.value[name] for name in ("p", "q", "gamma"))
        spent = np.where(of.repeat, np.nan_to_num(np.maximum(of.monetary, 0)), 0.0)
        x = np.where(of.repeat & (spent > 0), of.frequency, 0)
        below = p * x + q - 1
        return np.where(below > 0, p * (gamma + spent * x) / np.where(below > 0, below, 1), np.nan)


def _fit(customers: _Customers) -> _Model:
    if not customers.repeat.any():
        raise FrameError(
            "no customer has a repeat order, so the models cannot be fitted. Pass a longer history of orders."
        )
    model = _fit_orders(customers)
    return _Model(**{**model, "value": _fit_value(customers)})


def _fit_orders(of: _Customers) -> dict[str, Any]:
    """Maximise the BG/NBD likelihood over the logarithms of its parameters."""
    optimize, special = _scipy("optimize"), _scipy("special")
    scale = max(float(of.T.max()), 1e-9) / 10  # so that the search does not depend on the unit of time
    kinds, each = np.unique(of.frequency, return_counts=True)
    # Many customers share a number of days, whose logarithm is taken once.
    one, at = _distinct(of.T)
    totals, customers = of.T[one] / scale, np.bincount(at, minlength=len(one))
    orders = np.bincount(at, of.frequency, minlength=len(one))
    # Only those with a repeat order may have left.
    again = np.flatnonzero(of.repeat)
    one, at_recency = _distinct(of.recency[again])
    recencies = of.recency[again][one] / scale
    repeats, at_kind = np.unique(of.frequency[again], return_inverse=True)
    blocks = _blocks(of.frequency[again], at[again], at_recency, at_kind)

    def negative(logs: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = np.exp(logs)
        psi = special.digamma
        by_count = special.gammaln(r + kinds) - special.gammaln(r) + r * np.log(alpha)
        by_count += special.gammaln(a + b) + special.gammaln(b + kinds)
        by_count -= special.gammaln(b) + special.gammaln(a + b + kinds)
        log_totals, log_recencies = np.log(alpha + totals), np.log(alpha + recencies)
        per_total, per_recency, per_kind = (
            1 / (alpha + totals),
            1 / (alpha + recencies),
            1 / (b + repeats - 1),
        )
        log_kinds = np.log(a * per_kind)
        exponents = r * customers + orders
        value = (each * by_count).sum() - (exponents * log_totals).sum()
        slope_r = (each * (psi(r + kinds) - psi(r) + np.log(alpha))).sum() - (customers * log_totals).sum()
        slope_alpha = len(of.T) * r / alpha - (exponents * per_total).sum()
        slope_a = (each * (psi(a + b) - psi(a + b + kinds))).sum()
        slope_b = (each * (psi(a + b) + psi(b + kinds) - psi(b) - psi(a + b + kinds))).sum()
        for x, total, recency, kind in blocks:
            # The likelihood of those who have left, divided by that of those who stay, as a logarithm.
            gap = log_totals[total] - log_recencies[recency]
            lead = log_kinds[kind] + (r + x) * gap
            odds = np.exp(np.minimum(lead, 700.0))
            weight = odds / (1 + odds)
            value += np.maximum(np.log(1 + odds), lead).sum()
            slope_r += (weight * gap).sum()
            slope_alpha += ((r + x) * weight * (per_total[total] - per_recency[recency])).sum()
            slope_a += weight.sum() / a
            slope_b -= (weight * per_kind[kind]).sum()
        slopes = np.array([slope_r * r, slope_alpha * alpha, slope_a * a, slope_b * b])
        return -float(value) / len(of.T), -slopes / len(of.T)

    starts = ([-1.0, 0.5, -0.5, 0.5], [0.0, 0.0, 0.0, 1.0], [-1.0, -1.0, 1.0, 2.0])
    best = _minimum(optimize, negative, starts, most := 12.0)
    found = np.exp(best.x) * [1, scale, 1, 1]
    inside = bool(np.abs(best.x).max() < 0.9 * most)
    return {
        **dict(zip(("r", "alpha", "a", "b"), found.tolist(), strict=True)),
        "log_likelihood": float(-best.fun * len(of.T) - float(of.frequency.sum() * np.log(scale))),
        "converged": inside and bool(np.abs(best.jac).max() < 1e-4),
    }


def _distinct(*columns: Floats) -> tuple[Any, Any]:
    """Return where each different row stands first, and which of them each row is."""
    which: Any = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes, values = pd.factorize(column, use_na_sentinel=False)
        which = pd.factorize(which * len(values) + codes)[0]
    return np.flatnonzero(~pd.Series(which).duplicated()), which


def _blocks(*columns: Any) -> list[tuple[Any, ...]]:
    """Cut columns into pieces with which the memory of each step fits into the processor's cache."""
    size = 8192
    return [tuple(one[at : at + size] for one in columns) for at in range(0, len(columns[0]), size)]


def _fit_value(of: _Customers) -> dict[str, float]:
    """Maximise the Gamma-Gamma likelihood on repeat orders of positive value; nothing if there are too few."""
    optimize, special = _scipy("optimize"), _scipy("special")
    usable = of.repeat & np.isfinite(of.monetary) & (of.monetary > 0)
    if usable.sum() < 2:
        return {}
    x, money = of.frequency[usable], of.monetary[usable]
    scale = float(money.mean())
    kinds, each = np.unique(x, return_counts=True)
    by_x, constant = (x * np.log(money / scale * x)).sum(), np.log(money / scale).sum()
    blocks = _blocks(x, money / scale * x)

    def negative(logs: Floats) -> tuple[float, Floats]:
        p, q, gamma = np.exp(logs)
        psi, px = special.digamma, p * kinds
        by_count = special.gammaln(px + q) - special.gammaln(px) - special.gammaln(q) + q * np.log(gamma)
        value = (each * by_count).sum() + p * by_x - constant
        slope_p = (each * kinds * (psi(px + q) - psi(px))).sum() + by_x
        slope_q = (each * (psi(px + q) - psi(q) + np.log(gamma))).sum()
        slope_gamma = len(x) * q / gamma
        for orders, spent in blocks:
            log_both = np.log(gamma + spent)
            once, all_orders = log_both.sum(), (orders * log_both).sum()
            value -= p * all_orders + q * once
            slope_p -= all_orders
            slope_q -= once
            slope_gamma -= ((p * orders + q) / (gamma + spent)).sum()
        slopes = np.array([slope_p * p, slope_q * q, slope_gamma * gamma])
        return -float(value) / len(x), -slopes / len(x)

    best = _minimum(optimize, negative, ([1.0, 1.0, 1.0], [1.5, 1.2, 0.0], [0.0, 2.0, 2.0]), 9.0)
    found = np.exp(best.x) * [1, 1, scale]
    likelihood = float(-best.fun * len(x) - len(x) * np.log(scale))
    return {**dict(zip(("p", "q", "gamma"), found.tolist(), strict=True)), "value_log_likelihood": likelihood}


def _minimum(optimize: Any, negative: Any, starts: Any, most: float) -> Any:
    """Search from the first start, and from the others if that does not arrive at a minimum inside."""
    options = {"maxiter": 2000, "ftol": 1e-13, "gtol": 1e-7}
    best = None
    for start in starts:
        bounds = [(-most, most)] * len(start)
        found = optimize.minimize(
            negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        best = found if best is None or found.fun < best.fun else best
        if np.abs(best.x).max() < 0.99 * most and np.abs(best.jac).max() < 1e-5:
            break
    return best


def _customers(orders: Any, summary: Any, *, as_of: AsOf, value: str | None) -> tuple[_Customers, Any]:
    if summary is not None and orders is not None:
        raise ArgumentError("orders and summary were both given. Pass one of them.")
    if summary is not None:
        return _given(opened(summary, *_SUMMARY)), summary
    events = read_events(orders, value=value, money=True)
    at = last_moment([events], as_of)
    if at is None:
        empty = np.empty(0)
        return _Customers([], empty, empty, empty, empty), orders
    days = events.filter(nw.col("__at") <= at).with_columns(__day=nw.col("__wall") // DAY)
    (days,), keys = keyed([days], __person=["profile_id"])
    people = one_each(days, keys["__person"], "profile_id")
    days = days.group_by(*keys["__person"], "__day").agg(nw.col("__value").sum())
    return _summarised(days, people, keys["__person"], int(wall_of(at, events) // DAY)), orders


def _summarised(days: Table, people: Table, person: list[str], last: int) -> _Customers:
    """Return frequency, recency, T and mean value of days with an order."""
    first = nw.col("__day").min().over(*person)
    money = "__value" in columns_of(days)
    table = days.with_columns(__first=first)
    if money:
        later = nw.when(nw.col("__day") > nw.col("__first")).then(nw.col("__value"))
        table = table.with_columns(__later=later)
    aggregates = [
        nw.len().alias("all"),
        nw.col("__first").min().alias("first"),
        nw.col("__day").max().alias("last"),
        *([nw.col("__later").mean().alias("money")] if money else []),
    ]
    customers = table.group_by(*person).agg(*aggregates)
    customers = customers if person == ["profile_id"] else customers.join(people, on=person, how="left")
    made = customers.sort("profile_id").collect()
    first_day, last_day = _floats(made["first"]), _floats(made["last"])
    monetary = _floats(made["money"]) if money else np.full(len(made), np.nan)
    ids = [str(one) for one in made["profile_id"].to_list()]
    return _Customers(ids, _floats(made["all"]) - 1, last_day - first_day, last - first_day, monetary)


def _given(table: Table) -> _Customers:
    columns = columns_of(table)
    money = next((name for name in ("monetary", "monetary_value") if name in columns), None)
    require_numbers(table, [*_SUMMARY, *([money] if money else [])])
    made = table.collect()
    frequency, recency, total = (_floats(made[name]) for name in _SUMMARY)
    checks = {
        "frequency is missing, negative or not whole": ~(frequency >= 0) | (frequency % 1 != 0),
        "recency is missing, negative or longer than T": ~((recency >= 0) & (recency <= total + 1e-9)),
        "recency is not 0 without a repeat order": (frequency == 0) & (recency > 0),
        "frequency or T is above a billion": (frequency > 1e9) | (total > 1e9),
    }
    for what, wrong in checks.items():
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise FrameError(
                f"summary: {what} in {int(wrong.sum())} of {len(wrong)} rows, first at position {row} "
                f"(frequency {frequency[row]:g}, recency {recency[row]:g}, T {total[row]:g})."
            )
    key = next((name for name in _IDS if name in columns), None)
    ids = [None if one is None else str(one) for one in made[key].to_list()] if key else [None] * len(made)
    monetary = _floats(made[money]) if money else np.full(len(made), np.nan)
    return _Customers(ids, frequency, recency, total, monetary)


def _klaviyos(profiles: Any) -> dict[str, dict[str | None, float | None]]:
    table = opened(profiles, "id")
    columns = columns_of(table)
    found = {}
    for made, name in _KLAVIYOS.items():
        spelled = (f"predictive_analytics.{name}", name)
        if column := found_column(columns, spelled):
            held = table.select("id", column).collect()
            numbers = (None if np.isnan(one) else float(one) for one in _floats(held[column]))
            found[made] = dict(zip(map(str, held["id"].to_list()), numbers, strict=True))
    if not found:
        raise FrameError(
            "`profiles` lacks Klaviyo's predictions. Pass 'id' and 'predictive_analytics.predicted_clv': "
            "client.profiles.list(additional_fields=['predictive_analytics'])."
        )
    return found  # type: ignore[return-value]


def _floats(series: Any) -> Floats:
    native: Any = series.to_native()
    if isinstance(native, pd.Series) and pd.api.types.is_numeric_dtype(native.dtype):
        return np.asarray(native.to_numpy("float64", na_value=np.nan))
    return np.array([np.nan if pd.isna(one) else float(one) for one in series.to_list()], dtype=float)


def _scipy(part: str) -> Any:
    """Import one part of scipy; `stats` takes a second, which only those who need it should wait for."""
    try:
        return importlib.import_module(f"scipy.{part}")
    except ImportError as error:
        raise MissingExtraError("Fitting lifetime values", "stats") from error
