"""A contact sheet of every plot, drawn from made-up frames: `python -m klaviyo_analytics.plots.gallery out.png`.

It is how the plots are looked at before a release; `--slide` draws them at the size of a slide.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.pyplot import close

from klaviyo_analytics import plots
from klaviyo_analytics.plots import _customers as people
from klaviyo_analytics.plots import _synthetic as shop

_Pixels = npt.NDArray[np.uint8]

_GAP = 16  # white pixels between the pictures
_SALE = {"2026-03-03": "Sale starts"}


def pictures() -> dict[str, Callable[[], Axes | Figure]]:
    """Return what is on the sheet: a caption and the call that draws it."""
    orders = shop.daily_metric()
    one_channel = shop.daily_metric(channels=("email",), days=31, start="2026-03-01")
    month_before = shop.daily_metric(channels=("email",), days=28, start="2026-02-01", seed=8)
    regions = shop.daily_metric(channels=tuple(f"Region {number}" for number in range(1, 13)), days=42)
    campaigns = shop.campaign_summary()
    messages = shop.flow_summary(by_message=True)
    return {
        "metric_trend(hue=)": lambda: plots.metric_trend(
            orders, y="sum_value", hue="attributed_channel", annotations=_SALE
        ),
        "metric_trend(compare=)": lambda: plots.metric_trend(one_channel, compare=month_before),
        "revenue_split": lambda: plots.revenue_split(shop.revenue_by_source()),
        "campaign_ranking": lambda: plots.campaign_ranking(campaigns, by="revenue_per_recipient"),
        "campaign_scatter": lambda: plots.campaign_scatter(campaigns, y="click_rate", hue="channel"),
        "deliverability": lambda: plots.deliverability(campaigns, benchmarks="good"),
        "flow_funnel": lambda: plots.flow_funnel(messages),
        "flow_performance": lambda: plots.flow_performance(shop.flow_series()),
        "list_growth": lambda: plots.list_growth(shop.list_members()),
        "metric_trend, many hues": lambda: plots.metric_trend(regions, hue="attributed_channel"),
        "campaign_ranking(hue=)": lambda: plots.campaign_ranking(campaigns, by="click_rate", hue="channel"),
        "small_multiples": lambda: plots.small_multiples(shop.several_metrics(), annotations=_SALE),
        "campaign_overview": lambda: plots.campaign_overview(campaigns, benchmarks="good"),
        "rfm_map": lambda: plots.rfm_map(people.scores()),
        "rfm_movement": lambda: plots.rfm_movement(people.scores()),
        "cohort_heatmap": lambda: plots.cohort_heatmap(people.cohorts()),
        "retention_curves": lambda: plots.retention_curves(people.curve(by="source"), hue="source"),
        "overlap": lambda: plots.overlap(people.overlap()),
        "ordered_funnel": lambda: plots.ordered_funnel(people.funnel()),
        "year_over_year": lambda: plots.year_over_year(people.years()),
        "lifetime_value": lambda: plots.lifetime_value(people.values()),
        "flow_overview": lambda: plots.flow_overview(shop.flow_summary()),
    }


def contact_sheet(*, slide: bool = False, dpi: int = 100, across: int = 3) -> _Pixels:
    """Draw every picture and lay them side by side, each under the call that made it."""
    tiles = []
    with plots.style("slide") if slide else nullcontext():
        for call, draw in pictures().items():
            drawn = draw()
            figure = drawn if isinstance(drawn, Figure) else drawn.figure
            assert isinstance(figure, Figure)
            tiles.append(_with_heading(call, _pixels(figure, dpi), dpi))
            close(figure)
    width = across * min(tile.shape[1] for tile in tiles)
    rows = [_side_by_side(row, width) for row in _shelves(tiles, width)]
    return np.concatenate(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(prog="python -m klaviyo_analytics.plots.gallery", description=__doc__)
    parser.add_argument("path", type=Path, help="PNG file to write")
    parser.add_argument("--slide", action="store_true", help="draw at the size of a slide")
    parser.add_argument("--dpi", type=int, default=100, help="dots per inch")
    chosen = parser.parse_args(arguments)
    imsave(chosen.path, contact_sheet(slide=chosen.slide, dpi=chosen.dpi))


def _with_heading(heading: str, picture: _Pixels, dpi: int) -> _Pixels:
    banner = Figure(figsize=(picture.shape[1] / dpi, 0.35), facecolor="#eeeeee")
    banner.text(0.01, 0.5, heading, va="center", family="monospace", fontsize=10)
    above = _on_white(_pixels(banner, dpi), 0, picture.shape[1])[:, : picture.shape[1]]
    return _on_white(np.concatenate([above, picture]), picture.shape[0] + _GAP, picture.shape[1] + _GAP)


def _shelves(tiles: Sequence[_Pixels], width: int) -> list[list[_Pixels]]:
    """Put the tiles in rows, as many in each as fit."""
    rows: list[list[_Pixels]] = [[]]
    for tile in tiles:
        if rows[-1] and sum(other.shape[1] for other in rows[-1]) + tile.shape[1] > width:
            rows.append([])
        rows[-1].append(tile)
    return rows


def _side_by_side(tiles: Sequence[_Pixels], width: int) -> _Pixels:
    height = max(tile.shape[0] for tile in tiles)
    row = np.concatenate([_on_white(tile, height, tile.shape[1]) for tile in tiles], axis=1)
    return _on_white(row, height, width)[:, :width]


def _pixels(figure: Figure, dpi: int) -> _Pixels:
    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _on_white(picture: _Pixels, height: int, width: int) -> _Pixels:
    """Return the picture on a white ground of at least this size."""
    ground = np.full((max(height, picture.shape[0]), max(width, picture.shape[1]), 3), 255, dtype=np.uint8)
    ground[: picture.shape[0], : picture.shape[1]] = picture
    return ground


if __name__ == "__main__":
    main()
