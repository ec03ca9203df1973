"""No text of a picture covers another or leaves the figure, at any size of figure and number of groups."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from klaviyo_analytics import plots
from klaviyo_analytics.plots import gallery

PICTURES = gallery.pictures()
SIZES = {"small": (5.0, 3.6), "usual": (8.0, 4.5), "large": (12.0, 6.0)}
OF_THE_GALLERY = {"4 × 3": (4.0, 3.0), "6 × 4": (6.0, 4.0), "usual": (8.0, 4.5), "12 × 7": (12.0, 7.0)}
GROUPS = (1, 5, 50)
TOUCH = 2.0  # pixels that two boxes may share: a box is higher than its letters


def flows(groups: int) -> pd.DataFrame:
    one: pd.DataFrame = gallery.flow_series()
    first: pd.DataFrame = one[one["flow"] == one["flow"].iloc[0]]
    copies = [first.assign(flow=f"Flow number {number}", flow_id=f"F{number}") for number in range(groups)]
    for number, copy in enumerate(copies):
        copy["conversion_value"] *= 1 + number / 50
    return pd.concat(copies, ignore_index=True)


BY_GROUPS: dict[str, Callable[[int], Axes]] = {
    "metric_trend": lambda n: plots.metric_trend(
        gallery.daily_metric(channels=tuple(f"Region {number}" for number in range(n))),
        hue="attributed_channel",
        annotations=plots.holidays(2026),
    ),
    "flow_performance": lambda n: plots.flow_performance(flows(n)),
    "campaign_ranking": lambda n: plots.campaign_ranking(
        gallery.campaign_summary(campaigns=n), by="click_rate", hue="channel", top=n
    ),
    "campaign_scatter": lambda n: plots.campaign_scatter(
        gallery.campaign_summary(campaigns=n), y="click_rate", hue="channel"
    ),
    "segment_sizes": lambda n: plots.segment_sizes(gallery.segment_members(segments=n)),
    "top_products": lambda n: plots.top_products(gallery.order_lines(products=n), top=n),
    "attribution_comparison": lambda n: plots.attribution_comparison(gallery.attributed_revenue(groups=n)),
    "conversion_lag": lambda n: plots.conversion_lag(gallery.time_to_order(channels=n), hue="channel"),
}


def shown(figure: Figure) -> Iterator[Text]:
    """Yield what can be read: ticks only where they are in view."""
    in_view = set()
    ticks = set()
    for ax in figure.axes:
        for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                ticks |= {tick.label1, tick.label2}
                if ax.axison and axis.get_visible() and low <= tick.get_loc() <= high:
                    in_view.add(tick.label1)
    for found in figure.findobj(Text):
        assert isinstance(found, Text)
        if found.get_visible() and found.get_text().strip() and (found not in ticks or found in in_view):
            yield found


def faults(figure: Figure) -> list[str]:
    """Return which texts leave the figure, and which cover each other."""
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown(figure)]
    edge = figure.bbox.padded(TOUCH)
    found = [f"{name!r} leaves the figure" for name, box in boxes if box.x0 < edge.x0 or box.x1 > edge.x1]
    found += [f"{name!r} leaves the figure" for name, box in boxes if box.y0 < edge.y0 or box.y1 > edge.y1]
    for (one, box), (other, second) in itertools.combinations(boxes, 2):
        across = min(box.x1, second.x1) - max(box.x0, second.x0)
        down = min(box.y1, second.y1) - max(box.y0, second.y0)
        if across > TOUCH and down > TOUCH:
            found.append(f"{one!r} covers {other!r}")
    return found


def drawn(draw: Callable[[], Axes | Figure], size: tuple[float, float]) -> Figure:
    with mpl.rc_context({"figure.figsize": size}):
        made = draw()
    figure = made if isinstance(made, Figure) else made.get_figure(root=True)
    assert figure is not None
    return figure


@pytest.mark.parametrize("size", OF_THE_GALLERY)
@pytest.mark.parametrize("name", PICTURES)
def test_no_text_of_a_picture_covers_another(name: str, size: str) -> None:
    with plots.style(dark=is_dark(name, size)):
        assert faults(drawn(PICTURES[name], OF_THE_GALLERY[size])) == []


def is_dark(name: str, size: str) -> bool:
    """Return the look to draw in: half the sizes of a picture are dark, and the next picture's are the other half."""
    return (list(PICTURES).index(name) + list(OF_THE_GALLERY).index(size)) % 2 == 1


def test_every_picture_is_looked_at_in_both_looks() -> None:
    for name in PICTURES:
        assert {is_dark(name, size) for size in OF_THE_GALLERY} == {True, False}


@pytest.mark.parametrize("size", OF_THE_GALLERY)
def test_names_of_points_cover_no_legend_beside_them(size: str) -> None:
    campaigns = gallery.campaign_summary(campaigns=40)
    campaigns["segment"] = [f"Segment number {row % 7} of the newsletter" for row in range(40)]
    for hue in ("segment", "campaign"):
        figure = drawn(lambda hue=hue: plots.campaign_scatter(campaigns, hue=hue), OF_THE_GALLERY[size])  # type: ignore[misc]
        assert faults(figure) == []


def test_points_that_the_legend_names_have_no_second_name() -> None:
    few = gallery.campaign_summary(campaigns=5)
    for hue, named in (("campaign", 0), ("channel", 4)):
        texts = plots.campaign_scatter(few, hue=hue).texts
        assert sum(text.get_gid() == "name" for text in texts) in range(min(named, 1), named + 1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("name", BY_GROUPS)
def test_one_or_many_groups_leave_room_for_every_text(name: str, groups: int, size: str) -> None:
    assert faults(drawn(lambda: BY_GROUPS[name](groups), SIZES[size])) == []


def test_texts_that_cover_each_other_or_leave_the_figure_are_found() -> None:
    figure, ax = plt.subplots()
    ax.text(0.5, 0.5, "one")
    ax.text(0.5, 0.5, "two")
    ax.text(1.2, 0.5, "far out to the right")
    assert faults(figure) == ["'far out to the right' leaves the figure", "'one' covers 'two'"]
