"""Colours that colour-blind readers can tell apart, and the style context; nothing is changed by import."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Literal, cast

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

from klaviyo_analytics.errors import InvalidInputError

# Each colour has a contrast of 3:1 or more against white and against the dark page, so that a thing has one colour on
# both, and every two differ by a Lab distance of 18 or more for each kind of colour vision.
PALETTE: tuple[str, ...] = (
    "#0072B2",
    "#DC5F0B",
    "#34A855",
    "#A95185",
    "#0097FF",
    "#DC0F30",
    "#9C8CBB",
    "#966B63",
)
MOST_HUES = len(PALETTE)
MUTED = 0.46  # strength of the ink for marks in grey: the weakest with a contrast of 3:1

# The same thing has the same colour in every chart; what no message earned is grey.
_OWN_COLOURS = {
    "campaign": 0,
    "campaigns": 0,
    "flow": 1,
    "flows": 1,
    "email": 0,
    "sms": 1,
    "push": 2,
    "mobile push": 2,
    "mobile_push": 2,
    "push-notification": 2,
    "whatsapp": 3,
}
_GREY = frozenset({"(none)", "other", "not attributed"})

Medium = Literal["notebook", "slide", "dark"]

_DARK_PAGE, _PALE = "#212121", "#e8e8e8"
DARK: dict[str, Any] = {
    "figure.facecolor": _DARK_PAGE,
    "axes.facecolor": _DARK_PAGE,
    "savefig.facecolor": _DARK_PAGE,
    "text.color": _PALE,
    "axes.labelcolor": _PALE,
    "axes.edgecolor": "#8a8a8a",
    "xtick.color": _PALE,
    "ytick.color": _PALE,
    "grid.color": "#3a3a3a",
}
_SIZES: dict[str, dict[str, Any]] = {
    "notebook": {"font.size": 10.0, "figure.figsize": (8.0, 4.5), "lines.linewidth": 1.8},
    "slide": {"font.size": 18.0, "figure.figsize": (13.333, 7.5), "lines.linewidth": 3.0},
}
_MEDIA = ("notebook", "slide", "dark")


class Style(dict[str, Any]):
    """Matplotlib settings, to be read as a dict or entered with `with`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self._entered: list[AbstractContextManager[None]] = []

    def __enter__(self) -> Style:
        context = mpl.rc_context(cast(Any, dict(self)))
        context.__enter__()
        self._entered.append(context)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._entered.pop().__exit__(kind, error, traceback)


def style(medium: Medium = "notebook", *, dark: bool = False) -> Style:
    """Return the settings our plots look best with, for use in a `with` block.

    The plots format their own Axes and look right without it. Use it to give your own figures the same look,
    to draw at the size of a slide, or to draw for a dark page.

    Parameters
    ----------
    medium : {"notebook", "slide", "dark"}
        Where the figure will be read: 8 × 4.5 inches in a notebook, or a 16:9 slide with larger type. `"dark"` is a
        notebook with a dark theme.
    dark : bool, default False
        Whether the page is dark; for dark slides.

    Returns
    -------
    Style
        A dict of Matplotlib's rcParams that is also a context manager. rcParams are as before afterwards.

    Raises
    ------
    InvalidInputError
        If `medium` is not one of the three.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import klaviyo_analytics.plots as plots
    >>> with plots.style("slide"):
    ...     figure, ax = plt.subplots()
    >>> figure.get_size_inches().tolist()
    [13.333, 7.5]
    >>> plt.close(figure)
    """
    if medium not in _MEDIA:
        raise InvalidInputError(
            f"style(): medium={medium!r} is not known. Allowed are {', '.join(map(repr, _MEDIA))}. "
            "Pass dark=True for a dark slide."
        )
    return Style(
        {
            **_SIZES["slide" if medium == "slide" else "notebook"],
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.spines.left": False,
            "axes.edgecolor": "#8a8a8a",
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.titlesize": "large",
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.axisbelow": True,
            "grid.color": "#e6e6e6",
            "xtick.labelsize": "medium",
            "ytick.labelsize": "medium",
            "ytick.left": False,
            "legend.frameon": False,
            **(DARK if dark or medium == "dark" else {}),
        }
    )


def ink(ax: Axes, strength: float) -> str:
    """Return the text colour diluted with the background, so that dark themes stay legible; 1 is pure."""
    return tint(ax, str(mpl.rcParams["text.color"]), strength)


def tint(ax: Axes, colour: str, strength: float) -> str:
    """Return `colour` diluted with the background."""
    both = zip(to_rgb(colour), to_rgb(ax.get_facecolor()), strict=True)
    red, green, blue = (strength * own + (1 - strength) * behind for own, behind in both)
    return to_hex((red, green, blue))


def colours_of(ax: Axes, ranked: Sequence[str]) -> dict[str, str]:
    """Return a colour for each name: its own where it has one, then what is left of the palette, then grey."""
    own = {name: _OWN_COLOURS[name.lower()] for name in ranked if name.lower() in _OWN_COLOURS}
    if len(set(own.values())) < len(own):
        own = {}
    free = iter([rank for rank in range(MOST_HUES) if rank not in own.values()])
    grey = ink(ax, MUTED)
    shade: dict[str, str] = {}
    for name in ranked:
        rank = own.get(name) if name in own else None if name.lower() in _GREY else next(free, None)
        shade[name] = grey if rank is None else PALETTE[rank]
    return shade


def legible_shade(ax: Axes, colour: str) -> str:
    """Return `colour`, or as little of the text colour in it as gives text in it a contrast of 4.5:1."""
    page, text = to_hex(ax.get_facecolor()), to_rgb(mpl.rcParams["text.color"])
    for strength in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8):
        mixed = [strength * own + (1 - strength) * of for own, of in zip(text, to_rgb(colour), strict=True)]
        if contrast(shade := to_hex((mixed[0], mixed[1], mixed[2])), page) >= 4.5:
            return shade
    return to_hex(text)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2.2: from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_USUAL = (8.0, 4.5)  # inches of the figure for which type of the usual size is right
_AXES_SHARE = 0.775  # of a figure, as Matplotlib lays axes out
_GROWS_FROM, _MOST_GROWTH = 1.15, 2.0


def grown_type(ax: Axes | None) -> AbstractContextManager[object]:
    """Return a context in which type is as much larger as the figure, or the axes, than the usual ones.

    A size of type that the user set is kept.
    """
    size = float(mpl.rcParams["font.size"])
    if size != mpl.rcParamsDefault["font.size"]:
        return nullcontext()
    if ax is not None:
        box = ax.get_window_extent()
        width, height = (side / ax.figure.dpi / _AXES_SHARE for side in (box.width, box.height))
    else:
        width, height = mpl.rcParams["figure.figsize"]
        if [width, height] == list(mpl.rcParamsDefault["figure.figsize"]):
            return nullcontext()
    scale = min(width / _USUAL[0], height / _USUAL[1], _MOST_GROWTH)
    return mpl.rc_context({"font.size": size * scale}) if scale > _GROWS_FROM else nullcontext()


def line_width() -> float:
    """Return the user's line width, or ours where Matplotlib's default was never changed."""
    width = float(mpl.rcParams["lines.linewidth"])
    return 1.8 if width == mpl.rcParamsDefault["lines.linewidth"] else width
