"""What a notebook shows: tables and cards that take their colours from the page, light or dark."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

import pandas as pd

from klaviyo_analytics._safe_text import printable
from klaviyo_analytics.errors import KlaviyoError

_LEFT = "text-align:left;vertical-align:top"
LEFT = f' style="{_LEFT}"'
NARROW = f' style="{_LEFT};white-space:nowrap"'
WRAPPED = f' style="{_LEFT};white-space:normal;max-width:44em"'


def grid(
    rows: Iterable[Sequence[str]],
    *,
    cells: Sequence[str],
    head: Sequence[str] = (),
    heads: Sequence[str] | None = None,
    each: Sequence[str] = (),
    caption: str = "",
    row_headings: bool = True,
) -> str:
    """Write a table; every table that is not made by pandas comes from here.

    Parameters
    ----------
    rows : iterable of sequences of str
        The cells, as HTML.
    cells, heads : sequence of str
        HTML attributes of each column's cells, and of its heading if that differs, such as `LEFT`.
    head : sequence of str
        The headings, as text.
    each : sequence of str
        HTML attributes of each row.
    caption : str
        The title, as text.
    row_headings : bool
        Whether the first cell of a row is its heading.
    """
    above = "".join(
        f'<th scope="col"{attributes}>{html.escape(name)}</th>'
        for name, attributes in zip(head, cells if heads is None else heads, strict=False)
    )
    body = []
    for row, attributes in zip(rows, chain(each, repeat("")), strict=False):
        tags = [("th", ' scope="row"'), *[("td", "")] * len(row)] if row_headings else [("td", "")] * len(row)
        written = (
            f"<{tag}{scope}{style}>{cell}</{tag}>"
            for (tag, scope), style, cell in zip(tags, cells, row, strict=False)
        )
        body.append(f"<tr{attributes}>{''.join(written)}</tr>")
    title = f'<caption style="{_LEFT};font-weight:600;caption-side:top">{html.escape(caption)}</caption>'
    return (
        f"<table>{title if caption else ''}{f'<thead><tr>{above}</tr></thead>' if head else ''}"
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def table(
    frame: pd.DataFrame, *, most: int | None = None, widest: int | None = None, index: bool = True
) -> str:
    """Write a frame, or its first rows, as pandas does; texts that could hide or reorder others are escaped.

    Parameters
    ----------
    frame : pandas.DataFrame
    most, widest : int, optional
        The most rows and columns that are shown.
    index : bool
        Whether the index is shown.
    """
    shown = pd.DataFrame(frame if most is None else frame.head(most)).copy()
    for place, kind in enumerate(shown.dtypes):
        if pd.api.types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype):
            printed = [
                printable(value) if isinstance(value, str) else value for value in shown.iloc[:, place]
            ]
            shown.isetitem(place, pd.Series(printed, index=shown.index, dtype=kind))
    shown.columns = shown.columns.map(lambda name: printable(name) if isinstance(name, str) else name)
    return str(shown.to_html(index=index, max_cols=widest))


def card(title: str, facts: Mapping[str, str], *, more: str = "") -> str:
    """Write facts beside their names, under a title; `more` is HTML that stands below."""
    rows = [(html.escape(name), html.escape(value)) for name, value in facts.items()]
    below = f'<div style="opacity:.75">{more}</div>' if more else ""
    return grid(rows, cells=(LEFT, WRAPPED), caption=title) + below


_CALLS = (
    "client.campaigns",
    'client.events.list(metric="Opened Email", limit=100)',
    'client.account_summary("last 30 days")',
    "ka.widgets.MetricExplorer(client)",
    "client.analyses",
    "client.check()",
    "client.describe()",
)
TO_TRY = "Try " + ", ".join(f"<code>{html.escape(call)}</code>" for call in _CALLS) + "."


def account_in_words(read: Callable[[], pd.Series[Any]]) -> str:
    """Return the account's name and id, or why they could not be read."""
    try:
        account = read()
    except KlaviyoError as problem:
        return f"KlaviyoClient (the account could not be read: {str(problem).splitlines()[0]})"
    return f"{account['contact_information.organization_name']} ({account['id']})"


class AccountRow(pd.Series):
    """The account's own row: a Series like any other, which a notebook shows as a card."""

    _shown: Mapping[str, str] = {
        "id": "id",
        "timezone": "time zone",
        "preferred_currency": "currency",
        "industry": "industry",
        "locale": "locale",
        "contact_information.website_url": "website",
    }

    @property
    def _constructor(self) -> type[pd.Series[Any]]:
        return pd.Series  # a selection of fields is a plain Series

    def _repr_html_(self) -> str:
        known = {name: self[name] for name in self._shown if name in self.index and pd.notna(self[name])}
        facts = {self._shown[name]: str(value) for name, value in known.items()}
        name = self.get("contact_information.organization_name")
        title = (
            f"{name if pd.notna(name) else 'Account'}{' (test account)' if self.get('test_account') else ''}"
        )
        return card(
            title, facts, more=f"{len(self)} facts; <code>client.account.to_frame()</code> shows all."
        )


class Description(pd.DataFrame):
    """What resources can do: a DataFrame that a notebook shows resource by resource."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # a part of its columns is a plain frame

    def _repr_html_(self) -> str:
        resources = list(dict.fromkeys(self["resource"]))
        opened = " open" if len(resources) == 1 else ""
        parts = []
        for resource in resources:
            rows = pd.DataFrame(self)[self["resource"] == resource]
            verbs = ", ".join(dict.fromkeys(rows["verb"].dropna()))
            head = f"<b>{html.escape(resource)}</b>: {html.escape(verbs)}"
            parts.append(f"<details{opened}><summary>{head}</summary>{_verbs(rows)}</details>")
        return "".join(parts) or "<div>Nothing.</div>"


class AccountSummary(pd.DataFrame):
    """The account's headline numbers: a DataFrame that a notebook shows as cards, with the whole table below."""

    _shown: Mapping[str, str] = {
        "revenue": "Revenue",
        "orders": "Orders",
        "average_order_value": "Average order value",
        "recipients": "Recipients",
        "open_rate": "Open rate",
        "click_rate": "Click rate",
        "conversion_rate": "Conversion rate",
    }

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # a part of its rows is a plain frame

    def _repr_html_(self) -> str:
        plain = pd.DataFrame(self)
        numbers = table(plain, index=False)
        if not {"source", "measure", "kind", "value"} <= set(plain.columns):
            return numbers
        rows = plain[plain["source"] == "all"].drop_duplicates("measure").set_index("measure")
        of = {str(measure): row for measure, row in rows.iterrows()}
        cards = "".join(
            _number_card(label, of[measure]) for measure, label in self._shown.items() if measure in of
        )
        when = html.escape(str(self.attrs.get("timeframe") or ""))
        over = "complete" not in plain.columns or bool(plain["complete"].fillna(value=True).all())
        facts = [when, "" if over else "the time frame is not over"]
        return (
            f"<div><b>The account</b> {' · '.join(filter(None, facts))}</div>"
            f'<div style="display:flex;flex-wrap:wrap;gap:8px;margin:6px 0">{cards}</div>'
            f"<details><summary>All {len(plain)} numbers, by source</summary>{numbers}</details>"
        )


def _number_card(label: str, row: pd.Series[Any]) -> str:
    """Write one number, and its change to the period before where it is known."""
    change = row.get("change")
    said = ""
    if change is not None and pd.notna(change):
        arrow = "▲" if change > 0 else "▼" if change < 0 else "="
        said = f"{arrow} {abs(change) * 100:,.1f}%"
    return (
        '<div style="border:1px solid #8a8a8a;border-radius:4px;padding:6px 12px;min-width:7.5em">'
        f'<div>{html.escape(label)}</div><div style="font-size:1.5em;font-weight:bold">'
        f"{html.escape(_headline(row))}</div><div>{said}&nbsp;</div></div>"
    )


_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def _headline(row: pd.Series[Any]) -> str:
    value, kind, currency = row["value"], row["kind"], row.get("currency")
    if pd.isna(value):
        return "no value"
    if kind == "rate":
        return f"{value * 100:.{1 if abs(value) >= 0.01 or value == 0 else 2}f}%"
    if kind != "money":
        return f"{value:,.0f}"
    unit = "" if currency is None or pd.isna(currency) else str(currency)
    sign = "−" if value < 0 else ""
    return f"{sign}{_SYMBOLS.get(unit, f'{unit} '.lstrip())}{abs(value):,.{0 if abs(value) >= 1_000 else 2}f}"


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _verbs(rows: pd.DataFrame) -> str:
    body = [
        (
            html.escape(_text(row["verb"])),
            f"<code>{html.escape(row['method'])} {html.escape(row['path'])}</code>",
            html.escape(_text(row["limits"])),
            _takes(row),
        )
        for row in rows.to_dict("records")
    ]
    return grid(
        body,
        cells=(LEFT, LEFT, NARROW, WRAPPED),
        head=("verb", "request", "limits", "takes"),
        heads=[LEFT] * 4,
    )


def _takes(row: Mapping[Any, Any]) -> str:
    names = ("page_size", "filters", "sort", "include", "fields", "additional_fields", "body", "scopes")
    return "<br>".join(
        f"<b>{name.replace('_', ' ')}</b> {html.escape(row[name])}" for name in names if pd.notna(row[name])
    )
