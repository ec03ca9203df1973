"""Check everything that can be wrong between this computer and an account, and say how to fix it."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import pandas as pd

from klaviyo_analytics import credentials as _credentials
from klaviyo_analytics import endpoints
from klaviyo_analytics._html import LEFT, Description, grid
from klaviyo_analytics._messages import allowed_values, counted, did_you_mean
from klaviyo_analytics._reader import Reader
from klaviyo_analytics.connections import Connections
from klaviyo_analytics.credentials import Credentials
from klaviyo_analytics.endpoints import Catalog, Endpoint, jsonapi, revisions
from klaviyo_analytics.endpoints.api import Api
from klaviyo_analytics.errors import (
    ConnectionFailedError,
    InvalidInputError,
    KlaviyoError,
    MalformedResponseError,
    RequestTimeoutError,
    TransportError,
)
from klaviyo_analytics.http.session import Reply

State = Literal["ok", "problem", "unknown"]
MARKS: dict[State, str] = {"ok": "ok     ", "problem": "PROBLEM", "unknown": "?      "}
SIGNS: dict[State, str] = {"ok": "✓", "problem": "✗", "unknown": "?"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One question, its answer, and how to fix a problem.

    Attributes
    ----------
    question, found : str
        The question and its answer.
    status : {"ok", "problem", "unknown"}
        Whether there is a problem.
    fix : str
        What to do; empty if there is nothing to do.
    """

    question: str
    status: State
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What `client.check()` found.

    Attributes
    ----------
    findings : tuple of Finding
        One for each question: question, status ("ok", "problem" or "unknown"), found, fix.
    ok : bool
        Whether every check passed or could not be made.
    frame : pandas.DataFrame
        The findings as rows.
    """

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed or could not be made."""
        return all(finding.status != "problem" for finding in self.findings)

    @property
    def frame(self) -> pd.DataFrame:
        """The findings as rows."""
        columns = ("question", "status", "found", "fix")
        rows = [[getattr(finding, name) for name in columns] for finding in self.findings]
        return pd.DataFrame(rows, columns=list(columns), dtype="string")

    def __repr__(self) -> str:
        lines = []
        for finding in self.findings:
            lines.append(f"{MARKS[finding.status]} {finding.question} {finding.found}")
            if finding.fix:
                lines.append(f"        -> {finding.fix}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (SIGNS[finding.status], *map(html.escape, (finding.question, finding.found, finding.fix)))
            for finding in self.findings
        ]
        head = ("", "Question", "Found", "How to fix it")
        return grid(rows, cells=[LEFT] * len(head), head=head, row_headings=False)


def without_client(error: KlaviyoError) -> Report:
    """Return the report for an error that kept the client from being made."""
    words, _, fix = str(error).partition(". ")
    return Report((Finding("Is there a key?", "problem", f"{words}.", fix),))


SKEW = 60  # seconds that a clock may be off before time frames such as "last hour" are wrong
# One cheap read for each scope. Webhooks also answer 403 to accounts without the feature.
EMAIL_ONLY = {"filter": 'equals(messages.channel,"email")'}
PROBES: dict[str, tuple[str, dict[str, str]]] = {
    "campaigns:read": ("get_campaigns", EMAIL_ONLY),
    "catalogs:read": ("get_catalog_categories", {}),
    "coupon-codes:read": ("get_bulk_create_coupon_code_jobs", {}),
    "coupons:read": ("get_coupons", {}),
    "events:read": ("get_events", {"page[size]": "1"}),
    "flows:read": ("get_flows", {"page[size]": "1"}),
    "forms:read": ("get_forms", {"page[size]": "1"}),
    "images:read": ("get_images", {"page[size]": "1"}),
    "lists:read": ("get_lists", {}),
    "metrics:read": ("get_mapped_metrics", {}),
    "profiles:read": ("get_profiles", {"page[size]": "1"}),
    "reviews:read": ("get_reviews", {"page[size]": "1"}),
    "segments:read": ("get_segments", {}),
    "subscriptions:read": ("get_bulk_suppress_profiles_jobs", {}),
    "tags:read": ("get_tag_groups", {}),
    "templates:read": ("get_all_universal_content", {"page[size]": "1"}),
    "webhooks:read": ("get_webhook_topics", {}),
}


def check(
    api: Api,
    credentials: Credentials,
    *,
    revision: str,
    now: Callable[[], float] = time.time,
    control_url: str | None = None,
) -> Report:
    """Run every check."""
    return Report(tuple(_Check(api, credentials, revision, now, control_url).findings()))


@dataclass
class _Check:
    api: Api
    credentials: Credentials
    revision: str
    now: Callable[[], float]
    control_url: str | None

    def findings(self) -> Iterator[Finding]:
        kind = "gateway key" if self.credentials.gateway else "private key"
        yield Finding("Is there a key?", "ok", f"a {kind}, found in {self.credentials.source}.")
        if self.credentials.gateway:
            yield self._connection()
        try:
            reply = self.api.ask("get_accounts")
        except TransportError as error:
            yield self._unreachable(error)
            return
        yield from self._account(reply)
        yield self._clock(reply)
        if _is_klaviyos(reply):
            yield self._revision(reply)
            yield self._support()
        if reply.status in (200, 403) and _is_klaviyos(reply):
            yield self._scopes(reply)

    def _connection(self) -> Finding:
        question, chosen = "Is there an active connection?", self.credentials.connection
        where = self.control_url or _credentials.control_of(self.credentials)
        if where is None:
            fix = "Set MATON_CTRL_URL to the host that manages this gateway's connections."
            return Finding(question, "unknown", "the URL that manages connections is unknown.", fix)
        try:
            connections = Connections(api_key=self.credentials.key, base_url=where, progress=False)
            frame = connections.list()
            connections.close()
        except KlaviyoError as error:
            return Finding(question, "unknown", f"the connections could not be read: {error}")
        active = frame[frame["status"] == "ACTIVE"]
        make = "Create one: ka.Connections().create() shows the link to open."
        if active.empty:
            return Finding(question, "problem", f"{counted(len(frame), 'connection')}, none active.", make)
        if chosen is not None and chosen not in set(active["id"]):
            others = ", ".join(active["id"])
            return Finding(question, "problem", f"{chosen} is not active.", f"Active: {others}. {make}")
        used = f"{chosen} is used" if chosen else "the oldest is used"
        return Finding(question, "ok", f"{len(active)} active; {used}.")

    def _unreachable(self, error: TransportError) -> Finding:
        fix = (
            f"Check base_url, KLAVIYO_BASE_URL and the network; the default is {_default(self.credentials)}."
        )
        if isinstance(error, (ConnectionFailedError, RequestTimeoutError)):
            return Finding("Does the server answer?", "problem", str(error), fix)
        return Finding("Is the base URL right?", "problem", str(error), fix)

    def _account(self, reply: Reply) -> Iterator[Finding]:
        """Yield whether the base URL is right, and whether the key was accepted there."""
        base, gateway = self.credentials.base_url, self.credentials.gateway
        accepted, right = "Is the key accepted?", "Is the base URL right?"
        if reply.status == 404 and not _is_klaviyos(reply):
            fix = f"It is the part before /api; the default is {_default(self.credentials)}."
            yield Finding(right, "problem", f"{base} has no /api/accounts.", fix)
            return
        yield Finding(right, "ok", f"{base} answers.")
        if reply.status == 200:
            yield Finding(accepted, "ok", f"it opens the account {_organization(reply)!r}.")
        elif reply.status == 403 and _is_klaviyos(reply):
            yield Finding(accepted, "ok", "yes, without the scope accounts:read.")
        elif reply.status == 401 and not (gateway and _is_klaviyos(reply)):
            fix = "Copy the key again: a gateway's from its settings, a private one from Klaviyo's, under API keys."
            yield Finding(accepted, "problem", self._said(reply), fix)
        elif gateway and reply.status in (400, 401, 500):
            yield Finding(accepted, "ok", "the gateway accepts it.")
            fix = "Create a new connection with ka.Connections().create(), open its link, then delete the old one."
            yield Finding("Does the connection reach the account?", "problem", self._said(reply), fix)
        else:
            found = f"the server could not answer ({reply.status})."
            yield Finding(accepted, "unknown", found, "Try again later.")

    def _said(self, reply: Reply) -> str:
        gateway = self.credentials.gateway
        return str(jsonapi.error(reply, method="GET", path="/api/accounts", gateway=gateway).detail)

    def _revision(self, reply: Reply) -> Finding:
        question, answered = "Which revision answered?", reply.headers.get("X-Klaviyo-API-Revision")
        if answered is None:
            return Finding(
                question, "unknown", f"{self.revision} was requested; the response does not show one."
            )
        if answered != self.revision:
            found = f"{self.revision} was requested, {answered} answered."
            return Finding(
                question, "problem", found, f"Connect with revision={answered!r}, if that is still served."
            )
        return Finding(question, "ok", f"{answered}.")

    def _support(self) -> Finding:
        """Report how long the revision is served, and what a move to the newest known one would change."""
        question, life = "How long is the revision supported?", revisions.Life.of(self.revision)
        newest = revisions.TABLES[-1]
        today = datetime.fromtimestamp(self.now(), UTC).date()
        found = f"{self.revision} is stable until {life.deprecated} and served until {life.retired}."
        if today >= life.retired:
            found = f"{self.revision} was retired on {life.retired}; a newer revision answers instead."
        elif today >= life.deprecated:
            found = f"{self.revision} has been deprecated since {life.deprecated} and is served until {life.retired}."
        if revisions.day(self.revision) < revisions.day(newest):
            moved = revisions.changes(endpoints.load(self.revision), endpoints.load(newest))
            broken = ", ".join(line.partition(":")[0] for line in moved["breaking"])
            found += (
                f" {newest} adds {counted(len(moved['added']), 'operation')} and removes {len(moved['removed'])}; "
                f"requests may have to change for {broken or 'none'}."
            )
        if today >= life.deprecated:
            return Finding(
                question, "problem", found, f"Connect with revision={newest!r} and test your code."
            )
        return Finding(question, "ok", found)

    def _clock(self, reply: Reply) -> Finding:
        question = "Is this computer's clock right?"
        try:
            there = parsedate_to_datetime(reply.headers["Date"]).timestamp()
        except (KeyError, TypeError, ValueError):
            return Finding(question, "unknown", "the response has no date.")
        skew = self.now() - there
        if abs(skew) > SKEW:
            found = f"it is {abs(skew):,.0f} s {'fast' if skew > 0 else 'slow'}."
            return Finding(
                question, "problem", found, "Set it; time frames such as 'last 30 days' depend on it."
            )
        return Finding(question, "ok", "it agrees with the server's.")

    def _scopes(self, accounts: Reply) -> Finding:
        question = "Which scopes are missing?"
        missing = ["accounts:read"] if accounts.status == 403 else []
        open_: list[str] = []
        for scope, (operation, params) in PROBES.items():
            try:
                needless = params is EMAIL_ONLY and not self.api.catalog[operation].filter_required
                status = self.api.ask(operation, {} if needless else params).status
            except KlaviyoError:
                status = 0
            if status == 403:
                missing.append(scope)
            elif status != 200:
                open_.append(scope)
        doubt = f" Not checked: {', '.join(open_)}." if open_ else ""
        if missing:
            fix = (
                "Create a key with these scopes, or a new connection"
                if self.credentials.gateway
                else ("Create a private key with these scopes; they cannot be added to an existing key")
            )
            special = " (webhooks are open to some accounts only)" if "webhooks:read" in missing else ""
            return Finding(question, "problem", f"{', '.join(missing)}{special}.{doubt}", f"{fix}.")
        found = (
            f"all {len(PROBES) + 1} scopes for reading are there.{doubt} Scopes for writing cannot be checked "
            "without writing."
        )
        return Finding(question, "unknown" if open_ else "ok", found)


def _is_klaviyos(reply: Reply) -> bool:
    """Return whether Klaviyo itself answered: its documents have data or errors."""
    document: Any = reply.document
    return isinstance(document, dict) and ("data" in document or isinstance(document.get("errors"), list))


def _organization(reply: Reply) -> str:
    """Return the name of the account, or a placeholder."""
    try:
        first, *_ = Reader(reply.document, "GET /api/accounts").at("data").items()
        return first.at("attributes").at("contact_information").at("organization_name").text()
    except (MalformedResponseError, ValueError):
        return "(no name)"


def _default(credentials: Credentials) -> str:
    return _credentials.GATEWAY if credentials.gateway else _credentials.DIRECT


COLUMNS = (
    "resource", "verb", "method", "path", "limits", "page_size", "filters", "sort", "include", "fields",
    "additional_fields", "body", "scopes", "note",
)  # fmt: skip
BROWSER = "for web pages and apps, with a public key; not for this client"
REQUEST = "no method; client.request() sends it"


def describe(resources: Mapping[str, Any], resource: str | None = None, *, catalog: Catalog) -> pd.DataFrame:
    """List the operations of one resource, or of all: the methods that call them, and what they allow."""
    if resource is not None and resource not in resources:
        raise InvalidInputError(
            f"{resource!r} is not a resource of this client{did_you_mean(resource, resources)}. "
            f"{allowed_values(resource, resources, 'Resources')} Call describe() for all of them."
        )
    every = _every(catalog)
    rows = [
        {"resource": name, "verb": verb, **_facts(endpoint), "note": _availability(endpoint, catalog)}
        for name, thing in resources.items()
        for verb, endpoint in verbs(thing, every)
    ]
    rows += _without_method(rows, every, catalog)
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype("string")
    order = {name: place for place, name in enumerate(resources)}
    frame = frame.sort_values("resource", key=lambda names: names.map(order), kind="stable")
    if resource is not None:
        frame = frame[frame["resource"] == resource]
    return Description(frame.reset_index(drop=True))


def verbs(thing: Any, catalog: Catalog) -> Iterator[tuple[str, Endpoint]]:
    """Yield each method with the endpoints that it calls; those that the revision lacks are left out."""
    for name in dir(type(thing)):
        if not name.startswith("_"):
            for operation in getattr(getattr(type(thing), name), "operations", ()):
                if operation in catalog.operations:
                    yield name, catalog[operation]


def _every(catalog: Catalog) -> Catalog:
    """Return the operations of all known revisions: as the client's own has them, else the newest that has them."""
    tables = [endpoints.load(name) for name in revisions.TABLES]
    known = {name: endpoint for table in tables for name, endpoint in table.operations.items()}
    named = {name: call for table in tables for name, call in table.named.items()}
    return Catalog(catalog.revision, {**known, **catalog.operations}, {**named, **catalog.named})


def _availability(endpoint: Endpoint, catalog: Catalog) -> str | None:
    if endpoint.operation in catalog.operations:
        return None
    return f"not in revision {catalog.revision}; in {', '.join(revisions.having(endpoint.operation))}"


def _without_method(
    rows: Sequence[Mapping[str, Any]], every: Catalog, catalog: Catalog
) -> Iterator[dict[str, Any]]:
    """Yield the operations that no method calls, each with the resource that it belongs to and the reason."""
    called: dict[tuple[str, str], str] = {}
    for row in sorted(rows, key=lambda row: row["verb"].startswith("iter")):  # the plainest name first
        called.setdefault((row["method"], row["path"]), f"{row['resource']}.{row['verb']}()")
    homes: dict[str, str] = {}
    for row in rows:
        homes.setdefault(row["path"].split("/")[2], row["resource"])
    for endpoint in every:
        if (endpoint.method, endpoint.path) in called:
            continue
        note = REQUEST
        if endpoint.method == "GET" and "/relationships/" in endpoint.path:
            whole = called.get(("GET", endpoint.path.replace("/relationships/", "/")))
            note = f"ids only; {whole or 'client.request()'} reads {'the resources' if whole else 'them'}"
        home = homes.get(endpoint.path.split("/")[2], "accounts")
        yield {"resource": home, "verb": None, **_facts(endpoint), "note": note}
    for name, (method, path) in every.named.items():
        segment = path.split("/")[2]
        near = [home for word, home in homes.items() if segment.startswith(word.removesuffix("s"))]
        note = BROWSER if path.startswith("/client/") else REQUEST
        if name not in catalog.named:
            having = [one for one in revisions.TABLES if name in endpoints.load(one).named]
            note = f"not in revision {catalog.revision}; in {', '.join(having)}: {note}"
        yield {"resource": (near or ["accounts"])[0], "method": method, "path": path, "note": note}


def _facts(endpoint: Endpoint) -> dict[str, str | None]:
    body = endpoint.body
    parts = (*body.required, *body.relationships, *body.optional) if body and not body.many else ()
    fixed = "fixed" if endpoint.collection else None
    return {
        "method": endpoint.method,
        "path": endpoint.path,
        "limits": ", ".join(map(str, endpoint.limits)),
        "page_size": f"1 to {endpoint.page_max}" if endpoint.page_max else fixed,
        "filters": "; ".join(f"{name}: {', '.join(how)}" for name, how in endpoint.filters.items()) or None,
        "sort": ", ".join(endpoint.sort) or None,
        "include": ", ".join(endpoint.include) or None,
        "fields": ", ".join(endpoint.fields.get(endpoint.type or "", ())) or None,
        "additional_fields": ", ".join(endpoint.additional_fields.get(endpoint.type or "", ())) or None,
        "body": ", ".join(dict.fromkeys(parts)) or None,
        "scopes": ", ".join(endpoint.scopes),
    }
