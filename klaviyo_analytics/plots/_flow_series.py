"""Flow series with a row for each message or channel, put together for each line of a picture."""

from __future__ import annotations

import pandas as pd

from klaviyo_analytics import analysis
from klaviyo_analytics.analysis._definitions import RATES, additive, refuse_unique
from klaviyo_analytics.errors import FrameError
from klaviyo_analytics.plots._frame import finished, require

_IDS = {"flow": "flow_id", "message": "flow_message_id"}
_ALONE = "draw one message: frame[frame['message'] == ...]"


def together(frame: pd.DataFrame, *, x: str, y: str, hue: str | None) -> tuple[pd.DataFrame, str | None]:
    """Return one row for each interval and line, and a word on how, where there are several.

    Counts and money add up over messages; a rate is made anew of the counts that it is made of.
    """
    require(frame, [x, hue])
    keys = [x] if hue is None else [x, hue]
    if not frame.duplicated(keys).any():
        require(frame, [y])
        return frame, None
    _require_different_names(frame, hue)
    parts = _parts(frame, y, hue)
    currency = [name for name in ("currency", "value_currency") if name in frame.columns]
    rows = analysis.roll_up(frame[[*keys, *parts, *currency]], by=keys)
    whole = frame[keys].assign(complete=finished(frame)).groupby(keys, dropna=False)["complete"].all()
    rows = rows.merge(whole.reset_index(), on=keys, how="left", validate="1:1")
    rows.attrs = dict(frame.attrs)
    return rows, f"all messages of {'a ' + hue if hue else 'all flows'} together"


def _parts(frame: pd.DataFrame, y: str, hue: str | None) -> list[str]:
    """Return what has to be added up for `y`, or say why it cannot be had."""
    line = hue or "line"
    if rate := RATES.get(y):
        parts = [rate.numerator, rate.denominator]
        if missing := [name for name in parts if name not in frame.columns]:
            raise FrameError(
                f"each {line} has several messages, and {y!r} of them together is made of {parts[0]!r} and "
                f"{parts[1]!r}, of which the frame lacks {' and '.join(map(repr, missing))}: ask for them, "
                f"client.reports.flow_series(statistics={parts}, ...), or {_ALONE}"
            )
        return parts
    require(frame, [y])
    refuse_unique([y] if not additive([y], over_time=False) else [], instead=_ALONE)
    if not additive([y], over_time=False):
        raise FrameError(f"each {line} has several messages, and {y!r} is not known to add up: {_ALONE}")
    return [y]


def _require_different_names(frame: pd.DataFrame, hue: str | None) -> None:
    """Raise FrameError if one name stands for several flows or messages."""
    id = _IDS.get(hue or "")
    if hue is None or id is None or id not in frame.columns:
        return
    several = frame.groupby(hue)[id].nunique()
    if len(shared := several.index[several > 1]):
        raise FrameError(
            f"several {hue}s are called {shared[0]!r}: draw hue={id!r}, or filter to one of them"
        )
