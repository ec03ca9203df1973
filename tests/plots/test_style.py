"""The style context and the palette."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from klaviyo_analytics import plots
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.plots import gallery
from klaviyo_analytics.plots._style import MUTED, PALETTE, colours_of, contrast, ink

PICTURES = gallery.pictures()
# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
_VISION = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def test_settings_hold_inside_the_block_only() -> None:
    before = mpl.rcParams["font.size"]
    with plots.style("slide"):
        assert mpl.rcParams["font.size"] == 18
        with plots.style():
            assert mpl.rcParams["font.size"] == 10
        assert mpl.rcParams["font.size"] == 18
    assert mpl.rcParams["font.size"] == before


def test_settings_are_undone_after_an_error() -> None:
    before = mpl.rcParams["figure.figsize"]
    with pytest.raises(ZeroDivisionError), plots.style("slide"):
        _ = 1 / 0
    assert mpl.rcParams["figure.figsize"] == before


def test_the_same_style_can_be_entered_twice() -> None:
    style = plots.style("slide")
    with style, style:
        assert mpl.rcParams["font.size"] == 18
    assert mpl.rcParams["font.size"] != 18


def test_a_style_can_be_read_like_a_dict() -> None:
    assert plots.style("slide")["figure.figsize"] == (13.333, 7.5)


def _lab(colour: str, vision: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(vision @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    x, y, z = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("kind", list(_VISION))
def test_every_two_colours_differ_for_every_kind_of_colour_vision(kind: str) -> None:
    seen = [_lab(colour, _VISION[kind]) for colour in PALETTE]
    distances = [float(np.linalg.norm(one - other)) for one, other in itertools.combinations(seen, 2)]
    assert min(distances) > 10


def test_text_stays_legible_on_a_dark_background() -> None:
    with mpl.rc_context({"axes.facecolor": "black", "text.color": "white"}):
        _, ax = plt.subplots()
        assert np.mean(to_rgb(ink(ax, 0.75))) > 0.6


PAGES = {"light": plots.style(), "dark": plots.style("dark"), "dark slide": plots.style("slide", dark=True)}


@pytest.mark.parametrize("page", PAGES)
def test_marks_and_text_stand_out_from_the_page(page: str) -> None:
    with PAGES[page]:
        _, ax = plt.subplots()
        ground = to_hex(ax.get_facecolor())
        for colour in (*PALETTE, ink(ax, MUTED)):
            assert contrast(colour, ground) >= 3, colour
        for strength in (0.55, 0.58, 0.75, 0.85):
            assert contrast(ink(ax, strength), ground) >= 4.5, strength


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", PICTURES)
def test_every_text_of_every_picture_has_contrast(name: str, *, dark: bool) -> None:
    with plots.style("dark") if dark else plots.style():
        drawn = PICTURES[name]()
        figure = drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)
        assert figure is not None
        figure.canvas.draw()
    for ax in figure.axes:
        ground = to_hex(ax.get_facecolor())
        cells = {text for text in ax.texts if ax.collections and text.get_gid() is None}
        for text in ax.findobj(Text):
            if text.get_visible() and text.get_text() and text not in cells:
                inside = to_hex(text.get_color()) == "#ffffff" and not dark
                assert inside or contrast(to_hex(text.get_color()), ground) >= 4.5, text.get_text()


def marks(ax: Axes) -> Iterator[tuple[str, float]]:
    """Yield what each line, bar and point shows: its colour, and how much of the page shines through."""
    for line in ax.lines:
        drawn = line.get_linestyle() not in ("None", "") or line.get_marker() not in ("None", "", None)
        if drawn and np.size(line.get_xdata()) and to_hex(line.get_color()) != to_hex(ax.get_facecolor()):
            yield to_hex(line.get_color()), float(line.get_alpha() or 1)
    for bar in (bar for group in ax.containers for bar in getattr(group, "patches", ())):
        if bar.get_gid() == "zone":  # behind the points, and a line marks its end
            continue
        outlined = bar.get_gid() == "incomplete"  # pale inside, with a dotted edge
        shade = bar.get_edgecolor() if outlined else bar.get_facecolor()
        yield to_hex(shade), float(shade[3])
    for points in ax.collections:
        if isinstance(points, PathCollection):
            inside, edge = (np.atleast_2d(of) for of in (points.get_facecolor(), points.get_edgecolor()))
            hollow = len(inside) == 1 and to_hex(inside[0]) == to_hex(ax.get_facecolor())
            yield from ((to_hex(shade), float(shade[3])) for shade in (edge if hollow else inside))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", PICTURES)
def test_every_mark_of_every_picture_has_contrast(name: str, *, dark: bool) -> None:
    with plots.style("dark") if dark else plots.style():
        drawn = PICTURES[name]()
    figure = drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)
    assert figure is not None
    for ax in figure.axes:
        page = np.array(to_rgb(ax.get_facecolor()))
        grey = {ink(ax, strength) for strength in (0.1, 0.4)}  # the grid and the axes themselves
        for shade, alpha in {*marks(ax)}:
            if shade not in grey:
                seen = alpha * np.array(to_rgb(shade)) + (1 - alpha) * page
                assert contrast(to_hex(tuple(seen)), to_hex(ax.get_facecolor())) >= 2.99, (shade, alpha)


def test_a_thing_has_one_colour_whatever_stands_beside_it() -> None:
    _, ax = plt.subplots()
    three, two = (colours_of(ax, names) for names in (["email", "push", "sms"], ["(none)", "sms"]))
    assert three["sms"] == two["sms"]
    assert two["(none)"] == ink(ax, MUTED)
    assert len({*colours_of(ax, ["email", "A", "sms", "B"]).values()}) == 4


def test_an_unknown_medium_is_refused_with_those_that_exist() -> None:
    with pytest.raises(
        InvalidInputError, match=r"medium='poster' is not known. Allowed are 'notebook', 'slide', 'dark'"
    ):
        plots.style("poster")  # type: ignore[arg-type]


def test_type_grows_with_the_figure_unless_the_user_set_its_size() -> None:
    frame = gallery.daily_metric(days=20)
    sizes = []
    for options in ({}, {"figure.figsize": (12.0, 6.75)}, {"figure.figsize": (12.0, 6.75), "font.size": 9.0}):
        with mpl.rc_context(options):  # type: ignore[arg-type]
            ax = plots.metric_trend(frame, hue="attributed_channel")
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.canvas.draw()
        sizes.append((ax.get_xticklabels()[0].get_fontsize(), ax.texts[0].get_fontsize()))
    assert sizes == [(10, 10), (15, 15), (9, 9)]


def test_type_grows_with_the_axes_that_are_given() -> None:
    _, large = plt.subplots(figsize=(16, 9), layout="constrained")
    _, usual = plt.subplots(figsize=(8, 4.5), layout="constrained")
    sizes = []
    for ax in (large, usual):
        drawn = plots.revenue_split(gallery.revenue_by_source(), ax=ax)
        drawn.figure.canvas.draw()
        sizes.append(drawn.get_yticklabels()[0].get_fontsize())
    assert sizes[1] == 10
    assert 18 < float(sizes[0]) <= 20
