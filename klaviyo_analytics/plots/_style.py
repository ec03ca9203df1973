"""Colours that colour-blind readers can tell apart, and the style context; nothing is changed by import."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Literal, cast

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

# Okabe and Ito's palette without its yellow, which is lost on white, and with a wine red instead of black.
PALETTE: tuple[str, ...] = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#882255",
    "#666633",
)
MOST_HUES = len(PALETTE)

Medium = Literal["notebook", "slide"]

_SIZES: dict[Medium, dict[str, Any]] = {
    "notebook": {"font.size": 10.0, "figure.figsize": (8.0, 4.5), "lines.linewidth": 1.8},
    "slide": {"font.size": 18.0, "figure.figsize": (13.333, 7.5), "lines.linewidth": 3.0},
}


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


def style(medium: Medium = "notebook") -> Style:
    """Return the settings our plots look best with, for use in a `with` block.

    The plots dress their own Axes and look right without it. Use it to give your own figures the same look,
    or to draw at the size of a slide.

    Parameters
    ----------
    medium : {"notebook", "slide"}
        Where the figure will be read: 8 × 4.5 inches in a notebook, or a 16:9 slide with larger type.

    Returns
    -------
    Style
        A dict of Matplotlib's rcParams that is also a context manager. rcParams are as before afterwards.

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
    return Style(
        {
            **_SIZES[medium],
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


def line_width() -> float:
    """Return the user's line width, or ours where Matplotlib's default was never changed."""
    width = float(mpl.rcParams["lines.linewidth"])
    return 1.8 if width == mpl.rcParamsDefault["lines.linewidth"] else width
