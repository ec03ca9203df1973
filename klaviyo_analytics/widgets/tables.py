"""A frame as a table to look at: names first, human headings, sorted and searched where the rows are.

The front end is handed the rows that are shown and no others, so that a saved notebook holds a screenful of them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
from traitlets import Bool, Instance, TraitType, Unicode, validate

from klaviyo_analytics._html import grid
from klaviyo_analytics._messages import counted
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.plots._quantities import capitalised, money_prefix, quantity, write_column
from klaviyo_analytics.widgets.base_view import State, View, note
from klaviyo_analytics.widgets.private_page import without_person

ROWS = 100
_RIGHT = ' class="n"'
_LONGEST = 160  # characters of a cell; about four lines
_MANY = 10  # columns beside each other
# These name people, whom a saved notebook must not; the frame itself has them.
_PEOPLE = frozenset(
    {"profile_id", "email", "phone_number", "first_name", "last_name", "external_id", "anonymous_id"}
)
# What is read first, in this order; the rest follows in the frame's own.
_NAMES = (
    "metric",
    "campaign",
    "flow",
    "message",
    "variation",
    "segment",
    "list",
    "form",
    "group",
    "analysis",
)
_SUMMARY = (
    "channel", "send_channel", "send_time", "recipients", "conversion_value", "revenue_per_recipient", "open_rate",
    "click_rate", "opens_unique", "clicks_unique", "conversions",
)  # fmt: skip
_CHANNELS = {"sms": "SMS", "email, sms": "Email, SMS", "mobile_push": "Mobile push", "whatsapp": "WhatsApp"}
_HEADINGS = {
    "datetime": "Date",
    "send_time": "Sent",
    "complete": "Complete",
    "conversion_value": "Revenue",
    "opens_unique": "Unique opens",
    "clicks_unique": "Unique clicks",
    "send_channel": "Channel",
}


def heading_of(column: str) -> str:
    """Return what a reader calls a column.

    Examples
    --------
    >>> from klaviyo_analytics.widgets.tables import heading_of
    >>> [heading_of(column) for column in ("conversion_value", "attributed_flow_name", "campaign_id")]
    ['Revenue', 'Attributed flow', 'Campaign id']
    """
    if column in _HEADINGS:
        return _HEADINGS[column]
    return capitalised(quantity(column.removesuffix("_name") or column).label)


def in_reading_order(frame: pd.DataFrame) -> list[str]:
    """Return all columns but those that name people: names, then dates, then numbers, and ids last."""
    columns = [str(name) for name in frame.columns if str(name) not in _PEOPLE]
    named = {name.removesuffix("_name") for name in columns if name.endswith("_name")}
    ids = [name for name in columns if _is_id(name) or (name in named and f"{name}_name" in columns)]
    parts = [name for name in columns if name.endswith(("_numerator", "_denominator"))]
    names = [name for name in _NAMES if name in columns and name not in ids]
    names += [name for name in columns if name.endswith("_name") and name not in names]
    dates = [name for name in columns if name == "datetime"]
    known = [*names, *dates, *(name for name in _SUMMARY if name in columns)]
    others = [name for name in columns if name not in {*known, *ids, *parts}]
    return [*known, *others, *parts, *ids]


def that_matter(frame: pd.DataFrame) -> list[str]:
    """Return the columns to show first: of a summary its names, sizes, opens, clicks and revenue."""
    columns = in_reading_order(frame)
    if {"recipients", "delivered"} <= set(columns):
        shown = [name for name in columns if name in {*_NAMES, *_SUMMARY, "datetime"}]
        return [name for name in shown if name in _NAMES or frame[name].notna().any()]
    named = {name.removesuffix("_name") for name in columns if name.endswith("_name")}
    hidden = {"complete", "currency", *named}
    shown = [
        name
        for name in columns
        if name not in hidden and not _is_id(name) and not name.endswith(("_numerator", "_denominator"))
    ]
    return shown[:_MANY] or columns[:_MANY]


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")


class TableState(State):
    """What is shown of a frame.

    Attributes
    ----------
    frame : pandas.DataFrame or None
    search : str
        Only rows that hold every word of it, in any text; case does not matter.
    sort : str
        Column to sort by; empty for the frame's own order.
    descending : bool
    every : bool
        All columns instead of those that matter most.

    Examples
    --------
    >>> import pandas as pd
    >>> from klaviyo_analytics.widgets.tables import TableState
    >>> state = TableState(pd.DataFrame({"campaign": ["Spring", "Sale"], "recipients": [9, 4]}))
    >>> state.sort = "recipients"
    >>> state.rows["campaign"].tolist()
    ['Sale', 'Spring']
    """

    frame: TraitType[Any, pd.DataFrame | None] = Instance(pd.DataFrame, allow_none=True)
    search = Unicode("")
    sort = Unicode("")
    descending = Bool(False)  # noqa: FBT003  (traitlets' own way)
    every = Bool(False)  # noqa: FBT003

    def __init__(self, frame: pd.DataFrame | None = None) -> None:
        super().__init__()
        self.frame = frame

    @property
    def columns(self) -> list[str]:
        """The columns that are shown."""
        if self.frame is None:
            return []
        return in_reading_order(self.frame) if self.every else that_matter(self.frame)

    @property
    def rows(self) -> pd.DataFrame:
        """The rows that match, in order, with the columns that are shown."""
        frame = pd.DataFrame() if self.frame is None else self.frame
        words = self.search.casefold().split()
        if words:
            texts = pd.Series("", index=frame.index)
            for name in frame.columns:
                if name not in _PEOPLE and not pd.api.types.is_numeric_dtype(frame[name].dtype):
                    texts = texts + " " + frame[name].map(str).str.casefold()
            for word in words:
                frame = frame[texts.loc[frame.index].str.contains(re.escape(word))]
        if self.sort:
            key = frame[self.sort]
            if not pd.api.types.is_numeric_dtype(key.dtype) and not hasattr(key, "dt"):
                key = key.map(lambda value: None if _is_missing(value) else str(value).casefold())
            order = key.reset_index(drop=True).sort_values(ascending=not self.descending, kind="stable").index
            frame = frame.iloc[order]
        return frame[self.columns]

    @validate("sort")
    def _known(self, proposal: Any) -> str:
        name: str = proposal["value"]
        if name and (self.frame is None or name not in self.frame.columns):
            known = [] if self.frame is None else [str(each) for each in self.frame.columns]
            raise InvalidInputError(f"sort={name!r} is not a column. Allowed are {', '.join(known[:5])}.")
        return name


class TableView(View):
    """A view of a `TableState`."""

    def __init__(self, state: TableState) -> None:
        self.state = state
        self._search = ipywidgets.Text(
            description="Search rows",
            placeholder="Search rows",
            layout={"flex": "1 1 120px", "width": "auto"},
        )
        self._sort = ipywidgets.Dropdown(
            description="Sort by", options=[("as it came", "")], layout={"flex": "0 1 190px", "width": "auto"}
        )
        self._down = ipywidgets.ToggleButton(
            description="Descending", layout={"width": "100px"}, tooltip="Largest first"
        )
        self._every = ipywidgets.ToggleButton(description="All columns", layout={"width": "110px"})
        for box in (self._search, self._sort):
            box.add_class("kla-unseen-label")
        self._rows = ipywidgets.HTML()
        self._tools = ipywidgets.HBox([self._search, self._sort, self._down, self._every])
        self._tools.add_class("kla-tools")
        super().__init__([self._tools, self._rows])
        boxes = {
            "search": self._search, "sort": self._sort, "descending": self._down, "every": self._every,
        }  # fmt: skip
        for name, box in boxes.items():
            box.observe(lambda change, name=name: self._take(name, change["new"]), names="value")
        self._boxes, self._writing = boxes, False
        self.watch(state, ["frame", *boxes], self._show)

    def _take(self, name: str, value: Any) -> None:
        if not self._writing:
            self.state.set_trait(name, value)

    def _show(self, _change: Any) -> None:
        state = self.state
        self._writing = True
        options = [("as it came", ""), *((heading_of(name), name) for name in state.columns)]
        if state.sort and state.sort not in state.columns:
            options.append((heading_of(state.sort), state.sort))
        if list(self._sort.options) != options:
            self._sort.options = options
        for name, box in self._boxes.items():
            box.value = getattr(state, name)
        self._writing = False
        self._tools.layout.display = "none" if state.frame is None else None
        if state.frame is None:
            self._rows.value = ""
            return
        rows = state.rows
        if rows.empty and len(state.frame):
            self._rows.value = note(f"No row of {len(state.frame):,} holds {state.search!r}.")
        else:
            self._rows.value = table(rows, of=len(state.frame), **written(rows, state.frame))


def written(rows: pd.DataFrame, frame: pd.DataFrame) -> dict[str, Any]:
    """Return headings and texts of a table: percent, currency, and thousands."""
    currency = frame.attrs.get("currency")
    own = next((name for name in ("currency", "value_currency") if name in frame.columns), None)
    currencies = [currency] * len(rows) if own is None else frame[own].loc[rows.index].tolist()
    texts: dict[str, list[str]] = {}
    for name in rows.columns:
        kind = quantity(str(name)).kind
        if name in ("channel", "send_channel"):
            said = ["–" if _is_missing(value) else str(value) for value in rows[name].head(ROWS)]
            texts[str(name)] = [_CHANNELS.get(value, capitalised(value)) for value in said]
        if not pd.api.types.is_numeric_dtype(rows[name].dtype) or rows[name].dtype == "boolean":
            continue
        values = rows[name].head(ROWS).tolist()
        if kind == "rate":
            texts[str(name)] = write_column(
                [float("nan") if _is_missing(value) else float(value) for value in values], "rate"
            )
        elif kind == "money":
            texts[str(name)] = [
                "–" if _is_missing(value) else _money(value, None if _is_missing(code) else str(code))
                for value, code in zip(values, currencies[:ROWS], strict=True)
            ]
    return {"headings": {str(name): heading_of(str(name)) for name in rows.columns}, "texts": texts}


def _money(value: float, currency: str | None) -> str:
    sign = "−" if value < 0 else ""
    return f"{sign}{money_prefix(currency)}{abs(value):,.2f}"


def table(
    frame: pd.DataFrame,
    *,
    rows: int = ROWS,
    shown: Callable[[str], str] = without_person,
    of: int | None = None,
    headings: Mapping[str, str] | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
    tones: Sequence[str] | None = None,
) -> str:
    """Write the first rows as HTML; `shown` takes out of texts what a saved notebook must not hold.

    `of` is the number of rows before a search; `headings` and `texts` replace columns' names and cells; `tones` are
    classes of the rows.
    """
    numeric = [pd.api.types.is_numeric_dtype(dtype) and dtype != "boolean" for dtype in frame.dtypes]
    given = [(texts or {}).get(str(name)) for name in frame.columns]
    body = [
        [
            _cell(value if said is None else said[place], right, shown)
            for value, said, right in zip(row, given, numeric, strict=True)
        ]
        for place, row in enumerate(frame.head(rows).itertuples(index=False, name=None))
    ]
    written = grid(
        body,
        cells=[_RIGHT if right else "" for right in numeric],
        head=[(headings or {}).get(str(name), str(name)) for name in frame.columns],
        each=[f' class="{html.escape(tone, quote=True)}"' if tone else "" for tone in tones or ()],
        row_headings=False,
    )
    more = f", the first {rows} shown" if len(frame) > rows else ""
    every = counted(len(frame), "row") if of in (None, len(frame)) else f"{len(frame):,} of {of:,} rows"
    said = f"{every} × {counted(len(frame.columns), 'column')}{more}"
    return (
        f'<div class="kla-note kla-muted">{said}</div>'
        f'<div class="kla-scroll" tabindex="0" role="region" aria-label="Table, {said}">'
        f"{written}</div>"
    )


def _cell(value: Any, right: bool, shown: Callable[[str], str]) -> str:  # noqa: FBT001  (a column's, not an option)
    said = _text(value, shown)
    return said if right else f'<div class="kla-cell">{said}</div>'


def _text(value: Any, shown: Callable[[str], str]) -> str:
    if _is_missing(value):
        return '<span class="kla-muted">–</span>'
    if isinstance(value, pd.Timestamp):
        midnight = value == value.normalize()
        return f"{value:%Y-%m-%d}" if midnight else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{int(value):,}"
    if isinstance(value, float | np.floating):
        number = float(value)
        return f"{number:,.4g}" if abs(number) < 1 else f"{number:,.2f}"
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    said = shown(str(value))
    return html.escape(said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…")


def _is_missing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))
