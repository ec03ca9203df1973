"""What an experiment shows, in words: a verdict for each variation, and what to keep in mind."""

from __future__ import annotations

import math

import pandas as pd

_MISMATCH = 0.001  # usual level for sample-ratio mismatch


def verdicts(rows: pd.DataFrame, confidence: float, *, is_rate: bool, better: int) -> list[str | None]:
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


def note_on(measure: str, mismatch: float) -> str | None:
    """Return what limits the reading of the result; `mismatch` is the p-value of the split of recipients."""
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
