"""Numbers as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.plots._quantities import Kind, QuantityFormatter, write, write_column


@pytest.mark.parametrize(
    ("value", "kind", "currency", "text"),
    [
        (0, "count", None, "0"),
        (1_234, "count", None, "1,234"),
        (9_999, "count", None, "9,999"),
        (12_345, "count", None, "12.3k"),
        (123_456, "count", None, "123k"),
        (1_234_567, "count", None, "1.2M"),
        (-12_345, "count", None, "−12.3k"),
        (99_999, "count", None, "100k"),
        (999_999, "count", None, "1.0M"),
        (63.4, "money", "JPY", "¥63"),
        (0.63, "money", "JPY", "¥0.63"),
        (0, "money", "USD", "$0"),
        (4.2, "money", "USD", "$4.20"),
        (1_234.4, "money", "USD", "$1,234"),
        (12_345, "money", "EUR", "€12.3k"),
        (-4.2, "money", "GBP", "−£4.20"),
        (12_345, "money", "CHF", "CHF 12.3k"),
        (12_345, "money", None, "12.3k"),
        (0.4123, "rate", None, "41.2%"),
        (1, "rate", None, "100.0%"),
        (0.0031, "rate", None, "0.31%"),
        (0.00012, "rate", None, "0.012%"),
        (0, "rate", None, "0%"),
        (-0.05, "rate", None, "−5.0%"),
        (math.nan, "rate", None, "no value"),
    ],
)
def test_one_value(value: float, kind: Kind, currency: str | None, text: str) -> None:
    assert write(value, kind, currency) == text


@pytest.mark.parametrize(
    ("ticks", "kind", "currency", "labels"),
    [
        ([0, 500, 1000, 1500], "count", None, ["0", "500", "1,000", "1,500"]),
        ([0, 5_000, 10_000], "count", None, ["0", "5k", "10k"]),
        ([0, 2_500, 5_000, 10_000], "money", "USD", ["$0", "$2.5k", "$5.0k", "$10.0k"]),
        ([0, 500_000, 1_000_000], "count", None, ["0", "0.5M", "1.0M"]),
        ([-1000, 0, 1000], "money", "EUR", ["−€1,000", "€0", "€1,000"]),
        ([0, 0.1, 0.2], "rate", None, ["0%", "10%", "20%"]),
        ([0, 0.0005, 0.001], "rate", None, ["0.00%", "0.05%", "0.10%"]),
        ([], "count", None, []),
    ],
)
def test_ticks_share_unit_and_decimals(
    ticks: list[float], kind: Kind, currency: str | None, labels: list[str]
) -> None:
    assert QuantityFormatter(kind, currency).format_ticks(ticks) == labels


def test_ticks_of_logarithms_are_each_as_short_as_can_be() -> None:
    apart = QuantityFormatter("count", shared=False)
    assert apart.format_ticks([0.3, 1, 30, 1_000, 30_000]) == ["0.3", "1", "30", "1,000", "30k"]


def test_values_below_each_other_share_decimals() -> None:
    assert write_column([0.0099, 0.0113, math.nan], "rate") == ["0.99%", "1.13%", "–"]
    assert write_column([0, 0.00004], "rate") == ["0%", "0.004%"], "nobody is not 0.000%"
    assert write_column([1_477.4, 363.96], "money", "USD") == ["$1,477", "$364"]
    assert write_column([0.51, 12.0], "money", "USD") == ["$0.51", "$12.00"]


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(["count", "number", "money", "rate"]),
    st.sampled_from([None, "USD", "CHF"]),
)
def test_any_number_can_be_written(value: float, kind: Kind, currency: str | None) -> None:
    assert write(value, kind, currency)
    assert QuantityFormatter(kind, currency)(value)


@given(st.floats(min_value=-1e12, max_value=1e12).filter(lambda value: abs(value) >= 0.01))
def test_a_written_count_is_within_a_twentieth_of_the_value(value: float) -> None:
    text = write(value, "number").replace("−", "-").replace(",", "")
    scale = {"k": 1e3, "M": 1e6, "B": 1e9}.get(text[-1], 1.0)
    assert math.isclose(float(text.rstrip("kMB")) * scale, value, rel_tol=0.05, abs_tol=0.005)
