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
