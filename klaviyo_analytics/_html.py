"""What a notebook shows of an account: tables that take their colours from the page, light or dark."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from klaviyo_analytics.errors import KlaviyoError

LEFT = "text-align:left;vertical-align:top"
WRAPPED = f"{LEFT};white-space:normal;max-width:44em"


def card(title: str, facts: Mapping[str, str], *, more: str = "") -> str:
    """Write facts beside their names, under a title; `more` is HTML that stands below."""
    rows = "".join(
        f'<tr><th scope="row" style="{LEFT}">{html.escape(name)}</th>'
        f'<td style="{WRAPPED}">{html.escape(value)}</td></tr>'
        for name, value in facts.items()
    )
    caption = f'<caption style="{LEFT};font-weight:600;caption-side:top">{html.escape(title)}</caption>'
    below = f'<div style="opacity:.75">{more}</div>' if more else ""
    return f"<table>{caption}<tbody>{rows}</tbody></table>{below}"


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
        table = plain.to_html(index=False, border=0, na_rep="")
        if not {"source", "measure", "kind", "value"} <= set(plain.columns):
            return table
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
            f"<details><summary>All {len(plain)} numbers, by source</summary>{table}</details>"
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
    head = "".join(
        f'<th scope="col" style="{LEFT}">{name}</th>' for name in ("verb", "request", "limits", "takes")
    )
    body = "".join(
        f'<tr><th scope="row" style="{LEFT}">{html.escape(_text(row["verb"]))}</th>'
        f'<td style="{LEFT}"><code>{html.escape(row["method"])} {html.escape(row["path"])}</code></td>'
        f'<td style="{LEFT};white-space:nowrap">{html.escape(_text(row["limits"]))}</td>'
        f'<td style="{WRAPPED}">{_takes(row)}</td></tr>'
        for row in rows.to_dict("records")
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _takes(row: Mapping[Any, Any]) -> str:
    names = ("page_size", "filters", "sort", "include", "fields", "additional_fields", "body", "scopes")
    return "<br>".join(
        f"<b>{name.replace('_', ' ')}</b> {html.escape(row[name])}" for name in names if pd.notna(row[name])
    )
