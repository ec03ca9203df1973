"""What a funnel shows, read from a summary or from `analysis.flow_funnel`, and the drawing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._canvas import characters, put_legend
from klaviyo_analytics.plots._format import QuantityFormatter, write_column
from klaviyo_analytics.plots._frame import Floats, names, numbers, require
from klaviyo_analytics.plots._quantities import denominators, quantity
from klaviyo_analytics.plots._rows import largest, row_names
from klaviyo_analytics.plots._style import PALETTE, ink, tint

STAGES = ("delivered", "opens_unique", "clicks_unique", "conversion_uniques")
_IDENTITY = ("flow_id", "flow", "flow_message_id", "message", "message_position", "channel")
_RATES = {"open_rate": "open", "click_rate": "click", "conversion_rate": "convert"}
_PEOPLE = {"opens_unique": "opened", "clicks_unique": "clicked", "conversion_uniques": "converted"}
_NARROW = 50  # characters
_SMALL = 1.2  # an offset in font sizes shrinks with small type


@dataclass(frozen=True, slots=True)
class Funnel:
    """Rows with the people at each stage, and rates to stand beside them under their headings."""

    labels: list[str]
    flows: list[str]
    counts: dict[str, Floats]
    rates: dict[str, Floats]
    caption: str | None
    rows: int

    @property
    def empty(self) -> str | None:
        """Why there is nothing to draw, if so."""
        if not self.rows:
            return "No rows to draw"
        known = any(np.isfinite(values).any() for values in self.counts.values())
        return None if known else f"No values: {next(iter(self.counts))!r} is missing in every row"


def read_funnel(frame: pd.DataFrame, *, stages: Sequence[str] | None, top: int) -> Funnel:
    """Take the rows with the largest first stage, in the order of their flow or of the frame."""
    if "stage" in frame.columns:
        return _read_stages(frame, top=top)
    wanted = list(stages or STAGES)
    require(frame, ["flow", *wanted])
    rates = {rate: heading for rate, heading in _RATES.items() if rate in frame.columns}
    return _read_wide(frame, wanted, rates, top=top, caption=denominators(rates))


def _read_wide(
    frame: pd.DataFrame, stages: Sequence[str], rates: Mapping[str, str], *, top: int, caption: str | None
) -> Funnel:
    frame = _in_flow_order(frame)
    first = np.nan_to_num(numbers(frame, stages[0]))
    shown = frame.iloc[np.sort(largest(first, top))]
    flows = list(dict.fromkeys(names(frame, "flow")))
    one_flow = len(flows) == 1 and "message" in frame.columns
    return Funnel(
        labels=names(shown, "message") if one_flow else row_names(shown, "flow"),
        flows=flows,
        counts={stage: numbers(shown, stage) for stage in stages},
        rates={heading: numbers(shown, rate) for rate, heading in rates.items()},
        caption=caption,
        rows=len(frame),
    )


def _in_flow_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Put each flow's messages in the order in which they are sent, where the summary tells it."""
    if "message_position" not in frame.columns:
        return frame
    place = np.nan_to_num(numbers(frame, "message_position"), nan=np.inf)
    flow, _ = pd.factorize(np.array(names(frame, "flow"), dtype=object))
    return frame.iloc[np.lexsort((place, flow))]


def _read_stages(frame: pd.DataFrame, *, top: int) -> Funnel:
    """Read a frame with one row per message and stage, where each rate is of the first stage."""
    require(frame, ["flow", "stage", "profiles", "overall_rate"])
    ids = [name for name in _IDENTITY if name in frame.columns]
    if frame.duplicated([*ids, "stage"]).any():
        raise FrameError("several rows share one message and 'stage', and a plot does not add them up")
    if frame.empty:
        return Funnel(labels=[], flows=[], counts={}, rates={}, caption=None, rows=0)
    wide = frame[ids].drop_duplicates(ignore_index=True)
    stages = list(dict.fromkeys(frame["stage"]))
    for stage in stages:
        part = frame.loc[frame["stage"] == stage, [*ids, "profiles", "overall_rate"]]
        part = part.rename(columns={"profiles": stage, "overall_rate": f"{stage} rate"})
        wide = wide.merge(part, how="left", on=ids)
    rates = {f"{stage} rate": _PEOPLE.get(stage, quantity(stage).label) for stage in stages[1:]}
    return _read_wide(wide, stages, rates, top=top, caption=f"rates ÷ {quantity(stages[0]).label}")


def draw_funnel(ax: Axes, funnel: Funnel, kwargs: Mapping[str, Any]) -> float:
    """Draw each stage thinner than the one before, so that a stage that outgrew the last is seen as well.

    Returns the rows of text above the axes.
    """
    shades = _shades(ax, list(funnel.counts))
    for rank, (stage, values) in enumerate(funnel.counts.items()):
        height = 0.78 * (1 - rank / (len(funnel.counts) + 1))
        options = {"color": shades[stage], "height": height, "label": quantity(stage).label}
        options["zorder"] = 2 + rank / 10
        ax.barh(range(len(values)), np.nan_to_num(values), **{**options, **kwargs})
    known = np.concatenate(list(funnel.counts.values()))
    widest = float(np.nanmax(known))
    ax.set_xlim(0, widest * 1.02 if widest > 0 else 1.0)
    ax.xaxis.set_major_formatter(QuantityFormatter("count"))
    ax.locator_params(axis="x", nbins=min(max(characters(ax) // 18, 2), 5), integer=True)
    rows = _rate_columns(ax, funnel.rates) if funnel_has_room(ax) else 0.0
    people = [_PEOPLE.get(stage, quantity(stage).label) for stage in funnel.counts]
    patches = [Patch(facecolor=shades[stage]) for stage in funnel.counts]
    return rows + put_legend(ax, patches, people, rows_above=rows, beside=False, share=0.8)


def funnel_has_room(ax: Axes) -> bool:
    """Tell whether names, bars and the table of rates fit beside each other."""
    return characters(ax) >= _NARROW


def _shades(ax: Axes, stages: Sequence[str]) -> dict[str, str]:
    known = {
        "recipients": ink(ax, 0.08),
        "delivered": ink(ax, 0.18),
        "opens_unique": tint(ax, PALETTE[0], 0.45),
        "clicks_unique": PALETTE[0],
        "conversion_uniques": PALETTE[5],
    }
    others = iter([ink(ax, 0.18), tint(ax, PALETTE[0], 0.45), *PALETTE] * len(stages))
    return {stage: known.get(stage) or next(others) for stage in stages}


def _rate_columns(ax: Axes, rates: Mapping[str, Floats]) -> float:
    """Write the rates as a small table, right of the bars; return the rows of its heading."""
    looks: dict[str, Any] = {"ha": "right", "textcoords": "offset fontsize", "annotation_clip": False}
    for column, (heading, values) in enumerate(rates.items(), start=1):
        right = 5.0 * column
        ax.annotate(
            heading,
            xy=(1, 1),
            xycoords="axes fraction",
            xytext=(right * _SMALL, 0.3),
            va="bottom",
            fontsize="small",
            color=ink(ax, 0.55),
            **looks,
        )
        for row, text in enumerate(write_column(values, "rate")):
            ax.annotate(
                text,
                xy=(1, row),
                xycoords=("axes fraction", "data"),
                xytext=(right, 0),
                va="center",
                color=ink(ax, 0.75),
                gid="rate",
                **looks,
            )
    return 0.9 if rates else 0.0
