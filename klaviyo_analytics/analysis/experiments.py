"""Experiments: variations against a control, and what a holdout shows that messages brought."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.stable.v2.typing import IntoFrameT

from klaviyo_analytics.analysis._engine import WrongFrame, columns_of, lacking, listed, require, takes
from klaviyo_analytics.analysis._events import (
    blank,
    critical_value,
    like_given,
    one_of,
    opened_rows,
    require_statistics,
    spelled,
    student,
    wilson,
)
from klaviyo_analytics.analysis.measures import above, below, with_parts, without_blind_opens
from klaviyo_analytics.arithmetic import RATES
from klaviyo_analytics.errors import FrameError, InvalidInputError

Correction = Literal["holm", "bonferroni", "fdr_bh", "none"]

VARIATIONS = (
    "a summary with a row per variation: client.campaigns.summary(..., by='variation'), "
    "client.flows.summary(..., by='variation'), or recipients with columns variation and revenue"
)
_HOLDOUT = "a row per group, or a row per recipient, with columns group, recipients and conversions"
_NAMES = (
    "variation", "variation_name", "variation_id", "form_version", "message", "campaign", "flow", "group",
)  # fmt: skip
_FLOW_RECIPIENTS, _WIN = 500, 0.9  # Klaviyo's rule for flows (help 11233978755611)
_DRAWS, _MISMATCH = 200_000, 0.001  # the usual level for sample-ratio mismatch
_MONEY_MEANS = {"revenue_per_recipient", "average_order_value"}


@dataclass(frozen=True)
class _Group:
    """One variation: what was counted of it."""

    name: str
    size: float
    total: float  # successes, or the sum of the values
    spread: float = 0.0  # sample variance of the values
    sent: float | None = None  # the denominators of all rows, if numerators are missing in some

    @property
    def mean(self) -> float:
        return self.total / self.size if self.size else math.nan

    def interval(self, confidence: float, *, is_rate: bool) -> tuple[float, float]:
        if is_rate:
            return wilson(self.total, self.size, confidence)
        return student(self.mean, self.spread, self.size, confidence)


@takes(VARIATIONS)
def ab_test(
    frame: IntoFrameT,
    *,
    measure: str = "click_rate",
    control: str | None = None,
    variation: str | None = None,
    correction: Correction = "holm",
    confidence: float = 0.95,
    power: float = 0.8,
    effect: float | None = None,
    expected: Mapping[str, float] | None = None,
) -> IntoFrameT:
    """Compare variations with a control: rates or means, with intervals, p-values, power and a plain sentence.

    Parameters
    ----------
    frame : DataFrame
        For a rate: a row per variation with its counts (`clicks_unique` and `delivered` for "click_rate"). Rows of
        one variation are added up, those alone whose numerator and denominator are known. For a mean: a row per
        recipient with the variation and a numeric column, zero for those that bought nothing; a mean cannot be
        tested from sums and is refused.
    measure : str, default "click_rate"
        A rate of summaries ("click_rate", "open_rate", "conversion_rate", "unsubscribe_rate", ...), or a column
        of numbers, such as "revenue", in a frame of recipients. Opens are inflated by mail privacy; clicks and
        orders are the safer measures.
    control : str, optional
        Name or id of the variation that the others are compared with; the first in the frame if omitted.
    variation : str, optional
        Column with the names; the first of variation, variation_name, message, campaign, ... if omitted. The ids of
        a summary (`variation`) are shown as the names beside them (`variation_name`), if these tell them apart.
    correction : {"holm", "bonferroni", "fdr_bh", "none"}, default "holm"
        Correction of p-values for several variations.
    confidence : float, default 0.95
        Level of the intervals, between 0 and 1.
    power : float, default 0.8
        Power for `needed`.
    effect : float, optional
        Difference to the control, as a fraction (0.005 is half a point) or in the unit of the mean, that the test
        should be able to see. The observed difference if omitted, of which `power` says little.
    expected : mapping of str to float, optional
        Share of recipients that each variation was to get, for the sample-ratio mismatch; equal if omitted.

    Returns
    -------
    DataFrame
        A row per variation, the control first: `variation`, `is_control` (boolean), `measure`, `unit` ("fraction",
        or "value" for a mean), `recipients` (denominator), `total` (numerator or sum), `estimate`, `low` and `high`
        (Wilson for rates; Student for means), `difference`, `difference_low`, `difference_high` (Newcombe's method
        10 for rates; Welch for means), `lift`, `lift_low`, `lift_high` (relative to the control, as fractions),
        `statistic` (pooled z, or Welch's t), `p_value`, `p_adjusted`, `power` (of this test for `effect`), `needed`
        (recipients per variation for `effect`), `win_probability` (that this variation is the best, as Klaviyo
        states it), `klaviyo_rule` (boolean: at least 500 recipients each and 90%), `verdict` (a sentence),
        `mismatch_p` (chi-square test of the recipients against `expected`) and `note` (warnings, or null).
        Differences and what follows are null for the control.

    Raises
    ------
    MissingExtraError
        If scipy and statsmodels are not installed.
    FrameError
        If the counts or the names are missing, a count is negative or exceeds its denominator, or a mean is asked
        of sums.
    InvalidInputError
        If an argument is not allowed.

    Notes
    -----
    Intervals hold for one look at the end. Who looks every day and stops at the first p below 0.05 is wrong far
    more often than one time in twenty. Newcombe (1998), Statistics in Medicine 17, 873-890, method 10; Holm (1979).
    The lift's interval is Katz's for rates and the delta method's for means, both on the logarithm of the ratio.
    Power and `needed` of rates are those of the pooled z test (Fleiss, Levin and Paik, 2003); `needed` takes
    variations of equal size.

    In a campaign, the winner goes to everybody else after the test: pass the rows of the test only.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> sent = pd.DataFrame({"variation": ["A", "B"], "delivered": [2400, 2380], "clicks_unique": [120, 150]})
    >>> result = analysis.ab_test(sent, measure="click_rate")
    >>> result[["variation", "low", "high", "statistic", "p_value"]].round(4)
      variation     low    high  statistic  p_value
    0         A  0.0420  0.0595        NaN      NaN
    1         B  0.0539  0.0735     1.9504   0.0511
    >>> result["verdict"][1]
    'Too early to tell: B differs from A by -0.0 to 2.6 points.'
    """
    require_statistics()
    critical_value(confidence)
    one_of(correction, get_args(Correction), "correction")
    if not 0 < power < 1:
        raise InvalidInputError(f"power={power!r} is not between 0 and 1. Give a fraction, such as 0.8.")
    groups, is_rate, called = _read(frame, measure, variation)
    groups = _control_first(groups, None if control is None else called.get(control, control))
    better = -1 if is_rate and RATES[measure].better == "below" else 1
    rows = _compared(groups, is_rate=is_rate, confidence=confidence, power=power, effect=effect)
    rows.insert(2, "measure", pd.Series([measure] * len(rows), dtype="string"))
    rows.insert(3, "unit", pd.Series(["fraction" if is_rate else "value"] * len(rows), dtype="string"))
    rows["p_adjusted"] = _adjusted(rows["p_value"].to_numpy(dtype=float), correction)
    rows["win_probability"] = _win_probability(groups, is_rate=is_rate, better=better)
    enough = min((group.size for group in groups), default=0) >= _FLOW_RECIPIENTS
    best = rows["win_probability"] >= _WIN
    rows["klaviyo_rule"] = (best & enough).astype("boolean")
    rows["verdict"] = pd.array(_verdicts(rows, confidence, is_rate=is_rate, better=better), dtype="string")
    shares = None if expected is None else {called.get(id, id): share for id, share in expected.items()}
    mismatch = _mismatch(groups, shares)
    rows["mismatch_p"] = mismatch
    rows["note"] = pd.array([_note(measure, mismatch)] * len(rows), dtype="string")
    last = [
        "p_adjusted",
        "power",
        "needed",
        "win_probability",
        "klaviyo_rule",
        "verdict",
        "mismatch_p",
        "note",
    ]
    return like_given(rows[[*(name for name in rows if name not in last), *last]], frame)


@takes(_HOLDOUT)
def holdout_lift(
    frame: IntoFrameT,
    *,
    holdout: str,
    group: str = "group",
    size: str = "recipients",
    conversions: str = "conversion_uniques",
    revenue: str | None = None,
    confidence: float = 0.95,
) -> IntoFrameT:
    """Measure what messages added over a holdout of any size that got none.

    Parameters
    ----------
    frame : DataFrame
        A row per group with its people (`size`) and how many of them bought (`conversions`); rows count in which both
        are known. Or, with `revenue`, a
        row per person with the group and what they spent, zero for nothing.
    holdout : str
        Name of the group that got no messages.
    group, size, conversions : str
        The columns.
    revenue : str, optional
        Column with the revenue of each person; the lift is then in money per person.
    confidence : float, default 0.95
        Level of the intervals.

    Returns
    -------
    DataFrame
        A row per group that got messages: `group`, `people`, `holdout_people`, `unit` ("fraction" or "value"),
        `estimate`, `holdout_estimate`, `difference` with `difference_low` and `difference_high`, `lift` with
        `lift_low` and `lift_high` (relative; null where the holdout's is zero), `p_value`, and `incremental` with
        `incremental_low` and `incremental_high`: buyers (or money) that would not have been there otherwise.

    Raises
    ------
    MissingExtraError
        If scipy and statsmodels are not installed.
    FrameError
        If columns or the holdout are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics import analysis
    >>> people = pd.DataFrame({"group": ["sent", "held"], "recipients": [9500, 500]})
    >>> people["conversion_uniques"] = [475, 15]
    >>> lift = analysis.holdout_lift(people, holdout="held")
    >>> lift[["estimate", "holdout_estimate", "difference", "incremental"]].round(3)
       estimate  holdout_estimate  difference  incremental
    0      0.05              0.03        0.02        190.0
    """
    require_statistics()
    critical_value(confidence)
    measure = revenue if revenue is not None else conversions
    table = opened_rows(frame, group, measure, *(() if revenue else (size,)), texts=(group,))
    found = _people(table, group, measure) if revenue else _counts(table, group, conversions, size)
    names = [one.name for one in found]
    if holdout not in names:
        raise FrameError(f"holdout={holdout!r} is not a group of the frame. It has {listed(names[:5])}.")
    ordered = _control_first(found, holdout)
    rows = _compared(ordered, is_rate=revenue is None, confidence=confidence, power=0.8, effect=None)
    base, others = rows.iloc[:1], rows.iloc[1:].reset_index(drop=True)
    result = pd.DataFrame(
        {
            "group": others["variation"],
            "people": others["recipients"],
            "holdout_people": pd.array([base["recipients"].iloc[0]] * len(others), dtype="Int64"),
            "unit": pd.array(["fraction" if revenue is None else "value"] * len(others), dtype="string"),
            "estimate": others["estimate"],
            "holdout_estimate": float(base["estimate"].iloc[0]),
        }
    )
    ends = ("", "_low", "_high")
    for name in (*(f"{kind}{end}" for kind in ("difference", "lift") for end in ends), "p_value"):
        result[name] = others[name]
    people = others["recipients"].to_numpy(dtype=float)
    for end in ends:
        result[f"incremental{end}"] = others[f"difference{end}"].to_numpy(dtype=float) * people
    return like_given(result, frame)


def _read(frame: Any, measure: str, variation: str | None) -> tuple[list[_Group], bool, Mapping[str, str]]:
    """Return the groups in order of the frame, whether the measure is a rate, and the names by id."""
    rate = RATES.get(measure)
    table = opened_rows(frame, numbers=() if rate is None else (rate.numerator, rate.denominator))
    here = columns_of(table)
    name = variation or next((known for known in _NAMES if known in here), None)
    if name is None:
        raise WrongFrame(f"the frame has no column with names of variations; it has {listed(here)}")
    require(table, [name])
    if measure in _MONEY_MEANS and (rate is None or rate.numerator in here):
        raise FrameError(
            f"measure={measure!r} is a mean, which cannot be tested from sums: the spread between people is not "
            "in them. Give a frame of recipients (variation, revenue; zero for no order), measure='revenue'."
        )
    if rate is not None and measure not in _MONEY_MEANS:
        require(table, [rate.numerator, rate.denominator])
        table = with_parts(without_blind_opens(table), {measure: rate})
        parts = above(measure), below(measure)
        groups, is_rate = _counts(table, name, rate.numerator, rate.denominator, parts), True
    elif measure in here:
        groups, is_rate = _people(table, name, measure), False
    else:
        raise lacking([measure], here)
    label = f"{name}_name"
    called = _names_of(table, name, label) if variation is None and label in here else {}
    return [replace(group, name=called.get(group.name, group.name)) for group in groups], is_rate, called


def _names_of(table: Any, ids: str, label: str) -> dict[str, str]:
    """Return the names by id, if each id has one and no two have the same; else none."""
    pairs = [(spelled(id), name) for id, name in table.select(ids, label).unique().collect().iter_rows()]
    names = {name for _, name in pairs}
    if any(blank(name) for name in names) or not len(names) == len(pairs) == len(dict(pairs)):
        return {}
    return {id: str(name) for id, name in pairs}


def _counts(
    table: Any, name: str, numerator: str, denominator: str, parts: tuple[str, str] | None = None
) -> list[_Group]:
    """Add up the two sides of a rate, over rows in which both are known; `parts` are the columns that hold them."""
    over, under = parts or (numerator, denominator)
    kept = table.select(*dict.fromkeys([name, over, under, denominator])).collect()
    sums: dict[str, list[float]] = {}
    for row in kept.rows(named=True):
        key = spelled(row[name])
        held = sums.setdefault(key, [0.0, 0.0, 0.0])
        known = not blank(row[under]) and not blank(row[over])
        for place, (column, counts) in enumerate(((under, known), (over, known), (denominator, True))):
            if counts and not blank(row[column]):
                held[place] += float(row[column])
    for key, (size, total, _) in sums.items():
        if total < 0 or size < 0 or total > size:
            raise FrameError(
                f"variation {key!r} has {numerator}={total:g} of {denominator}={size:g}. A rate needs a count "
                "between 0 and its denominator, so count people, not events (clicks_unique instead of clicks)."
            )
    return [_Group(key, size, total, sent=sent) for key, (size, total, sent) in sums.items()]


def _people(table: Any, name: str, measure: str) -> list[_Group]:
    schema = table.collect_schema()
    if not schema[measure].is_numeric() and schema[measure] != nw.Unknown:
        raise FrameError(
            f"column {measure!r} is {schema[measure]}, but numbers are needed. Convert it first."
        )
    value = nw.col(measure).cast(nw.Float64)
    rows = table.select(nw.col(name), __value=value)
    sums = rows.group_by(name).agg(
        nw.col("__value").count().alias("n"),
        nw.len().alias("rows"),
        nw.col("__value").sum().alias("total"),
        nw.col("__value").var().alias("spread"),
    )
    found = sums.sort(name, nulls_last=True).collect().rows(named=True)
    if found and all(row["rows"] == 1 for row in found) and len(found) > 1:
        raise FrameError(
            f"the frame has one row per variation, and a mean of {measure!r} cannot be tested from sums. "
            "Give a row per recipient, with zero for those who bought nothing."
        )
    for row in found:
        if row["n"] != row["rows"]:
            raise FrameError(f"column {measure!r} holds nulls. Write 0 for recipients who bought nothing.")
    return [
        _Group(
            spelled(row[name]),
            float(row["n"]),
            float(row["total"] or 0.0),
            0.0 if blank(row["spread"]) else float(row["spread"]),
        )
        for row in found
    ]


def _control_first(groups: list[_Group], control: str | None) -> list[_Group]:
    if control is None:
        return groups
    found = [group for group in groups if group.name == str(control)]
    if not found:
        raise InvalidInputError(
            f"control={control!r} is not a variation of the frame. "
            f"Allowed are {listed([group.name for group in groups][:5])}."
        )
    return found + [group for group in groups if group.name != str(control)]


def _compared(
    groups: Sequence[_Group], *, is_rate: bool, confidence: float, power: float, effect: float | None
) -> pd.DataFrame:
    """Return a row per group with estimates and, but for the first, the comparison with the first."""
    compare = _rates_compared if is_rate else _means_compared
    rows: list[dict[str, Any]] = []
    for place, group in enumerate(groups):
        low, high = group.interval(confidence, is_rate=is_rate)
        row: dict[str, Any] = {
            "variation": group.name,
            "is_control": place == 0,
            "recipients": group.size,
            "total": group.total,
            "estimate": group.mean,
            "low": low,
            "high": high,
        }
        if place:
            row |= compare(groups[0], group, confidence)
            row |= _power(groups[0], group, confidence, power, effect, is_rate=is_rate)
        rows.append(row)
    numbers = ["total", "estimate", "low", "high", "difference", "difference_low", "difference_high"]
    numbers += ["lift", "lift_low", "lift_high", "statistic", "p_value", "power"]
    result = pd.DataFrame(rows, columns=["variation", "is_control", "recipients", *numbers, "needed"])
    result["variation"] = result["variation"].astype("string")
    result["is_control"] = result["is_control"].astype("boolean")
    result["recipients"] = result["recipients"].astype("float64").astype("Int64")
    result["needed"] = result["needed"].astype("Float64").astype("Int64")
    return result.astype(dict.fromkeys(numbers, "float64"))


def _rates_compared(base: _Group, other: _Group, confidence: float) -> dict[str, float]:
    from scipy import stats  # noqa: PLC0415 - an extra

    if not base.size or not other.size:
        return {}
    (l1, u1), (l2, u2) = (one.interval(confidence, is_rate=True) for one in (other, base))
    p1, p2 = other.mean, base.mean
    difference = p1 - p2
    pooled = (base.total + other.total) / (base.size + other.size)
    error = math.sqrt(pooled * (1 - pooled) * (1 / base.size + 1 / other.size))
    z = difference / error if error else (0.0 if not difference else math.nan)
    lift_low, lift_high = _ratio_interval(base, other, confidence)
    return {
        "difference": difference,
        "difference_low": difference - math.hypot(p1 - l1, u2 - p2),
        "difference_high": difference + math.hypot(u1 - p1, p2 - l2),
        "lift": p1 / p2 - 1 if p2 else math.nan,
        "lift_low": lift_low,
        "lift_high": lift_high,
        "statistic": z,
        "p_value": 2 * float(stats.norm.sf(abs(z))),
    }


def _ratio_interval(base: _Group, other: _Group, confidence: float) -> tuple[float, float]:
    """Return Katz's logarithmic interval of the ratio, less one."""
    if not base.total or not other.total:
        return math.nan, math.nan
    spread = 1 / other.total - 1 / other.size + 1 / base.total - 1 / base.size
    half = critical_value(confidence) * math.sqrt(max(spread, 0.0))
    ratio = other.mean / base.mean
    return ratio * math.exp(-half) - 1, ratio * math.exp(half) - 1


def _means_compared(base: _Group, other: _Group, confidence: float) -> dict[str, float]:
    from scipy import stats  # noqa: PLC0415 - an extra

    difference = other.mean - base.mean
    result = {"difference": difference, "lift": difference / base.mean if base.mean else math.nan}
    if base.size < 2 or other.size < 2:
        return result
    parts = base.spread / base.size, other.spread / other.size
    error = math.sqrt(sum(parts))
    if not error:
        return result
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (base.size - 1) + parts[1] ** 2 / (other.size - 1))
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    result |= {
        "difference_low": difference - half,
        "difference_high": difference + half,
        "statistic": difference / error,
        "p_value": 2 * float(stats.t.sf(abs(difference / error), freedom)),
    }
    if base.mean > 0 and other.mean > 0:
        # Delta method on the logarithm of the ratio.
        spread = math.sqrt(parts[0] / base.mean**2 + parts[1] / other.mean**2)
        factor = math.exp(float(stats.t.ppf((1 + confidence) / 2, freedom)) * spread)
        ratio = other.mean / base.mean
        result |= {"lift_low": ratio / factor - 1, "lift_high": ratio * factor - 1}
    return result


def _power(
    base: _Group, other: _Group, confidence: float, power: float, effect: float | None, *, is_rate: bool
) -> dict[str, float]:
    """Return the power for the effect, and the recipients per variation that it takes."""
    from scipy import stats  # noqa: PLC0415 - an extra

    if not base.size or not other.size:
        return {}
    target = (other.mean - base.mean) if effect is None else effect
    if is_rate:
        moved = base.mean + target
        if not 0 <= moved <= 1:
            raise InvalidInputError(
                f"effect={effect!r} added to the control's rate of {base.mean:.4g} is not between 0 and 1. "
                "Give a difference of fractions, such as 0.005 for half a point."
            )
        spreads = base.mean * (1 - base.mean), moved * (1 - moved)
        pooled = (base.mean * base.size + moved * other.size) / (base.size + other.size)
        middle = (base.mean + moved) / 2
        # The z statistic rests on the pooled rate: for the sizes given, and for equal ones.
        null = pooled * (1 - pooled) * (1 / base.size + 1 / other.size)
        even = 2 * middle * (1 - middle)
    else:
        spreads = base.spread, other.spread
        null, even = spreads[0] / base.size + spreads[1] / other.size, sum(spreads)
    error = math.sqrt(spreads[0] / base.size + spreads[1] / other.size)
    if not target or not error:
        return {}
    z = critical_value(confidence)
    bound = z * math.sqrt(null)
    reached = float(
        stats.norm.sf((bound - abs(target)) / error) + stats.norm.cdf((-bound - abs(target)) / error)
    )
    apart = z * math.sqrt(even) + float(stats.norm.ppf(power)) * math.sqrt(sum(spreads))
    needed = (apart / target) ** 2
    return {"power": reached, "needed": float(math.ceil(needed))}


def _adjusted(p_values: np.ndarray[Any, Any], correction: str) -> np.ndarray[Any, Any]:
    from statsmodels.stats.multitest import multipletests  # noqa: PLC0415 - an extra

    result = p_values.copy()
    known = ~np.isnan(p_values)
    if known.any() and correction != "none":
        result[known] = multipletests(p_values[known], method=correction)[1]
    return result


def _win_probability(groups: Sequence[_Group], *, is_rate: bool, better: int) -> list[float]:
    """Return how likely each variation is the best, from beta or normal posteriors with a flat prior."""
    if len(groups) < 2 or any(group.size < (1 if is_rate else 2) for group in groups):
        return [math.nan] * len(groups)
    dice = np.random.default_rng(20260115)  # the same frame gives the same answer
    best = np.full(_DRAWS, -np.inf)
    winner = np.zeros(_DRAWS, dtype=int)
    for place, group in enumerate(groups):
        if is_rate:
            drawn = dice.beta(group.total + 1, group.size - group.total + 1, _DRAWS)
        else:
            drawn = dice.normal(group.mean, math.sqrt(group.spread / group.size), _DRAWS)
        ahead = better * drawn > best
        best[ahead] = better * drawn[ahead]
        winner[ahead] = place
    return [float(count) / _DRAWS for count in np.bincount(winner, minlength=len(groups))]


def _mismatch(groups: Sequence[_Group], expected: Mapping[str, float] | None) -> float:
    """Return the p-value that the recipients were split as planned."""
    from scipy import stats  # noqa: PLC0415 - an extra

    sizes = np.array([group.size if group.sent is None else group.sent for group in groups])
    if len(groups) < 2 or not sizes.sum():
        return math.nan
    if expected is None:
        shares = np.full(len(groups), 1 / len(groups))
    else:
        without = [group.name for group in groups if group.name not in expected]
        if without:
            raise InvalidInputError(
                f"expected lacks the share of {listed(without[:5])}. Give one for each variation."
            )
        shares = np.array([float(expected[group.name]) for group in groups])
        if (shares <= 0).any():
            raise InvalidInputError(
                "expected holds a share that is not positive. Give shares such as {'A': 0.5}."
            )
        shares = shares / shares.sum()
    return float(stats.chisquare(sizes, shares * sizes.sum()).pvalue)


def _verdicts(rows: pd.DataFrame, confidence: float, *, is_rate: bool, better: int) -> list[str | None]:
    """Return a sentence for each variation but the control."""
    if not len(rows):
        return []
    control = rows["variation"].iloc[0]
    said: list[str | None] = [None]
    for row in rows.iloc[1:].to_dict("records"):
        low, high, p = row["difference_low"], row["difference_high"], row["p_adjusted"]
        if math.isnan(p) or math.isnan(low):
            said.append(f"Not enough data to compare {row['variation']} with {control}.")
            continue
        between = _between(low, high, is_rate=is_rate)
        if p >= 1 - confidence or low <= 0 <= high:
            said.append(f"Too early to tell: {row['variation']} differs from {control} by {between}.")
            continue
        word = "better" if (low > 0) == (better > 0) else "worse"
        size = _between(*sorted((abs(low), abs(high))), is_rate=is_rate)
        said.append(f"{row['variation']} is {word} than {control} by {size}.")
    return said


def _note(measure: str, mismatch: float) -> str | None:
    said = []
    if mismatch < _MISMATCH:
        said.append(
            f"recipients are not split as planned (p = {mismatch:.2g}): look for the cause before reading the result"
        )
    if measure in {"open_rate", "click_to_open_rate"}:
        said.append("opens are inflated by mail privacy; clicks and orders are safer")
    said.append("p-values hold for one look at the end; stopping at the first good day makes false winners")
    return "; ".join(said)


def _between(low: float, high: float, *, is_rate: bool) -> str:
    if is_rate:
        decimals = 1 if max(abs(low), abs(high)) >= 0.005 else 3
        return f"{low * 100:.{decimals}f} to {high * 100:.{decimals}f} points"
    return f"{low:,.2f} to {high:,.2f} per recipient"
