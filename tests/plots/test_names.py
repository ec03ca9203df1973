"""Names in little room: what tells them apart is what stays."""

from __future__ import annotations

import matplotlib.pyplot as plt
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import plots
from klaviyo_analytics.plots._text import columns, told_apart
from klaviyo_analytics.plots.gallery import campaign_summary
from tests.plots.looks import draw, y_labels

SERIES = [
    f"Spring sale: everything for the garden 20% off – {what}"
    for what in ("launch", "reminder", "resend", "resend to non-openers")
]
words = st.lists(
    st.sampled_from(["a", "sale", "–", "spring", "1", "2", "春", "a-very-long-word"]), max_size=9
)


def test_what_fits_is_left_alone() -> None:
    assert told_apart(["Spring", "two\nlines"], 12) == ["Spring", "two lines"]


def test_of_a_series_the_part_stays_that_differs() -> None:
    assert told_apart(SERIES, 30) == [
        "Spring sale:… – launch",
        "Spring sale:… – reminder",
        "Spring sale:… – resend",
        "Sprin… – resend to non-openers",
    ]


def test_also_where_it_stands_in_front_or_in_the_middle() -> None:
    front = [f"{what}: the sale of everything for the garden" for what in ("Launch", "Reminder")]
    assert [name.split(":")[0] for name in told_apart(front, 20)] == ["Launch", "Reminder"]
    middle = [f"Newsletter of {month}, the edition for segment A" for month in ("March", "April")]
    shown = told_apart(middle, 30)
    assert "March," in shown[0]
    assert "April," in shown[1]


def test_in_two_lines_more_stays_and_the_break_is_at_a_word() -> None:
    assert told_apart([*SERIES[:1], "2025-10 Leaf Fall · Staff Picks"], 28, lines=2) == [
        "Spring sale: everything for\nthe garden 20% off – launch",
        "2025-10 Leaf Fall\nStaff Picks",
    ]


@given(st.lists(words.map(" ".join), max_size=8), st.integers(min_value=4, max_value=30), st.integers(1, 2))
def test_names_that_differ_are_never_written_alike(names: list[str], width: int, lines: int) -> None:
    clean = [" ".join(name.split()) for name in names]
    shown = told_apart(names, width, lines=lines)
    assert len(set(shown)) == len(set(clean))
    assert len(set(zip(clean, shown, strict=True))) == len(set(clean)), "one name is written one way"


@given(words.map(" ".join), st.integers(min_value=8, max_value=30))
def test_a_name_alone_is_no_wider_than_asked(name: str, width: int) -> None:
    (shown,) = told_apart([name], width, lines=2)
    assert all(columns(line) <= width for line in shown.split("\n"))


def test_a_narrow_ranking_tells_its_campaigns_apart() -> None:
    frame = campaign_summary(campaigns=4).assign(campaign=SERIES)
    _, ax = plt.subplots(figsize=(4, 3))
    shown = y_labels(plots.campaign_ranking(frame, ax=ax))
    assert len(set(shown)) == 4
    assert sorted(name.split("– ")[1].replace("\n", " ") for name in shown) == sorted(
        name.split("– ")[1] for name in SERIES
    )


def test_names_in_two_lines_do_not_touch_each_other() -> None:
    frame = campaign_summary(campaigns=10).assign(campaign=[f"{SERIES[3]} {row}" for row in range(10)])
    for size in ((8, 4.5), (4, 3), (5, 8)):
        _, ax = plt.subplots(figsize=size, layout="constrained")
        draw(plots.campaign_ranking(frame, ax=ax))
        boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]), size
