"""Import an ordinary file of people: read it, map its headers, and plan profiles and consent together."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from klaviyo_analytics import _safe_text
from klaviyo_analytics._html import table
from klaviyo_analytics._messages import explained_methods
from klaviyo_analytics.endpoints import Catalog
from klaviyo_analytics.errors import FrameError, InvalidInputError
from klaviyo_analytics.writeback import consent as consents
from klaviyo_analytics.writeback import profiles
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.columns import FLOAT_TEXT, Rest, is_rest, several
from klaviyo_analytics.writeback.confirmations import confirmed
from klaviyo_analytics.writeback.file_reading import WHAT, read
from klaviyo_analytics.writeback.plan import Plan
from klaviyo_analytics.writeback.result import FAILED, Result
from klaviyo_analytics.writeback.run import PATIENCE, checked_timeout

REASON = "Reject reason"
CONSENT, AGREED = "consent", "consented_at"
# Headers of the exports of Klaviyo, Shopify and Mailchimp, with case, spaces and punctuation folded.
HEADERS: Mapping[str, str] = {
    "email": "email", "emailaddress": "email", "phone": "phone_number", "phonenumber": "phone_number",
    "externalid": "external_id", "firstname": "first_name", "lastname": "last_name", "organization": "organization",
    "defaultaddresscompany": "organization", "title": "title", "locale": "locale",
    "address": "location.address1", "address1": "location.address1", "defaultaddressaddress1": "location.address1",
    "address2": "location.address2", "defaultaddressaddress2": "location.address2",
    "city": "location.city", "defaultaddresscity": "location.city", "stateregion": "location.region",
    "state": "location.region", "region": "location.region", "defaultaddressprovincecode": "location.region",
    "country": "location.country", "defaultaddresscountrycode": "location.country",
    "zip": "location.zip", "zipcode": "location.zip", "postcode": "location.zip", "postalcode": "location.zip",
    "defaultaddresszip": "location.zip", "latitude": "location.latitude", "longitude": "location.longitude",
    "consent": CONSENT, "emailmarketingconsent": CONSENT, "acceptsemailmarketing": CONSENT,
    "emailmarketingconsenttimestamp": AGREED, "consentedat": AGREED, "confirmtime": AGREED,
}  # fmt: skip
PROPERTIES = ("source", "totalspent", "totalorders", "note", "notes", "taxexempt", "tags", "memberrating")
NOT_IMPORTED: Mapping[str, str] = {
    "klaviyoid": "the email identifies the profile", "leid": "an id of Mailchimp", "euid": "an id of Mailchimp",
    "optintime": "CONFIRM_TIME is the time of consent", "optinip": "not an attribute of profiles",
    "confirmip": "not an attribute of profiles", "lastchanged": "set by Mailchimp",
    "defaultaddressphone": "a second phone number", "smsmarketingconsent": "only email consent is imported",
    "smsmarketingconsenttimestamp": "only email consent is imported",
    "acceptssmsmarketing": "only email consent is imported", "rejectreason": "written by an earlier import",
}  # fmt: skip


def plan_import(
    account: Account,
    source: Any,
    *,
    list: str | None,
    columns: Mapping[str, str | None] | None,
    properties: Rest,
    consent: str | None,
    consented_at: Any,
    phone_region: str | None,
    date_format: str | Mapping[str, str] | None,
    on_duplicate: OnDuplicate,
    compare: bool,
) -> ImportPlan:
    """Read a file or frame of people and plan what becomes of every row; see `profiles.plan_import`."""
    frame, described, broken = read(source)
    mapping = mapped(account.api.catalog, frame, columns, properties, consent)
    pairs = zip(mapping["column"], mapping["becomes"], strict=True)
    chosen = {str(column): becomes for column, becomes in pairs if isinstance(becomes, str)}
    by_target = {target: column for column, target in chosen.items()}
    if "email" not in by_target:
        raise FrameError(
            f"{WHAT}: no column becomes 'email'. Columns are {', '.join(map(str, frame.columns))}. "
            "Pass columns={'...': 'email'}."
        )
    if (phone := by_target.get("phone_number")) is not None:
        frame = frame.assign(**{phone: frame[phone].map(_without_traces, na_action="ignore")})
    dates = _dates(frame, chosen, date_format)
    mapping = _with_dates(mapping, frame, dates)
    group = list
    consent_columns = {
        column: target for column, target in chosen.items() if target in ("email", CONSENT, AGREED)
    }
    profile_columns = {column: target for column, target in chosen.items() if target not in (CONSENT, AGREED)}
    asks = CONSENT in by_target

    def write(rows: pd.DataFrame) -> Plan:
        return profiles.plan_upsert(
            account,
            rows[[*profile_columns]],
            key="email",
            columns=profile_columns,
            properties=None,
            on_null="skip",
            on_duplicate=on_duplicate,
            lists=[group] if group and not asks else [],
            append=(),
            unappend=(),
            unset=(),
            compare=False,
            phone_region=phone_region,
            date_format={name: form for name, form in dates.items() if name in profile_columns} or None,
        )

    def subscribe(rows: pd.DataFrame) -> Plan:
        return consents.plan_subscribe(
            account,
            rows[[*consent_columns]],
            list=group,
            channels="email",
            consented_at=consented_at,
            custom_source=None,
            columns=consent_columns,
            on_duplicate=on_duplicate,
            compare=compare,
            date_format=dates.get(by_target.get(AGREED, "")),
        )

    refused: dict[int, str] = {}
    problems: dict[int, str] = dict(broken)
    whole = [row for row in range(len(frame)) if row not in broken]
    if asks:
        words = frame[by_target[CONSENT]]
        refused = {
            row: f"{by_target[CONSENT]} is {words.iloc[row]!r}: the person has not agreed"
            for row in whole
            if not pd.isna(words.iloc[row]) and consents.answer(words.iloc[row]) is False
        }
        _add(problems, whole, subscribe(frame.iloc[whole]), refused)
    left = [row for row in whole if row not in refused]
    _add(problems, left, write(frame.iloc[left]), refused)
    good = frame.iloc[[row for row in left if row not in problems]]
    return ImportPlan(
        frame,
        mapping,
        described,
        write(good),
        subscribe(good) if asks else None,
        problems,
        refused,
        subscribe,
    )


@explained_methods
@dataclass(frozen=True, repr=False, eq=False)
class ImportPlan:
    """An import that is ready to be sent: profiles first, then the consent of those who agreed.

    Attributes
    ----------
    frame : pandas.DataFrame
        The rows that were read; its index is the line of the file.
    mapping : pandas.DataFrame
        One row per column: column, becomes (the attribute; missing if it is not imported), why (all string).
    source : str
        What was read, with encoding and delimiter.
    profiles : Plan
        The profiles that are created or changed.
    consent : Plan or None
        The subscriptions; None if no column says who agreed.
    """

    frame: pd.DataFrame
    mapping: pd.DataFrame
    source: str
    profiles: Plan
    consent: Plan | None
    _problems: Mapping[int, str]
    _refused: Mapping[int, str]
    _subscribe: Callable[[pd.DataFrame], Plan] = field(repr=False)

    @property
    def problems(self) -> pd.DataFrame:
        """The rejected rows as they were read, and the column "Reject reason"."""
        return self._listed(self._problems)

    @property
    def unsubscribed(self) -> pd.DataFrame:
        """The rows that are left out because the person has not agreed, with the reason."""
        return self._listed(self._refused)

    def preview(self) -> pd.DataFrame:
        """Show what would happen to every row.

        Returns
        -------
        pandas.DataFrame
            By line of the file: key, action ("import", "import and subscribe", "left out", "rejected", or "not sent"
            for a row without changes or a duplicate), reason (all string).
        """
        shown = self.profiles.preview()
        notes = dict(zip(shown.index, zip(shown["action"], shown["note"], strict=True), strict=True))
        agreed = self.consent.preview()["note"].to_dict() if self.consent is not None else {}
        keys = self.frame[self._email()]
        rows: list[tuple[Any, str | None]] = []
        for row, line in enumerate(self.frame.index):
            if row in self._problems:
                rows.append(("rejected", self._problems[row]))
            elif row in self._refused:
                rows.append(("left out", self._refused[row]))
            else:
                action, note = notes[line]
                remarks = [one for one in (note, agreed.get(line)) if not pd.isna(one)]
                sent = "import and subscribe" if self.consent is not None else "import"
                rows.append(
                    (action if action == "not sent" else sent, "; ".join(dict.fromkeys(remarks)) or None)
                )
        columns = {"key": [*keys], "action": [one for one, _ in rows], "reason": [why for _, why in rows]}
        return pd.DataFrame(
            {name: pd.array(values, dtype="string") for name, values in columns.items()},
            index=self.frame.index,
        )

    def summary(self) -> pd.Series[Any]:
        """Count what would happen.

        Returns
        -------
        pandas.Series
            source, rows, to_import, to_subscribe, unsubscribed, rejected, requests, confirm (what must be confirmed
            with ``apply(confirm=True)``).
        """
        plans = [self.profiles, *([self.consent] if self.consent is not None else [])]
        facts = [plan.summary() for plan in plans]
        return pd.Series(
            {
                "source": self.source,
                "rows": len(self.frame),
                "to_import": facts[0]["to_send"],
                "to_subscribe": facts[1]["to_send"] if len(facts) > 1 else 0,
                "unsubscribed": len(self._refused),
                "rejected": len(self._problems),
                "requests": sum(one["requests"] for one in facts),
                "confirm": " ".join(one["confirm"] for one in facts if one["confirm"]),
            },
            dtype=object,
        )

    def apply(
        self,
        *,
        confirm: bool = False,
        journal: bool | None = None,
        rejects: str | Path | None = None,
        verify: bool = False,
        timeout: float = PATIENCE,
    ) -> ImportResult:
        """Write the profiles, then subscribe those that were written and have agreed.

        Parameters
        ----------
        confirm : bool
            True confirms what `summary()` lists under confirm.
        journal : bool, optional
            False for no journals; by default as for `Plan.apply`.
        rejects : str or Path, optional
            A new CSV file for the rows that were rejected or failed; see `ImportResult.write_rejects`.
        verify : bool
            True reads everything back afterwards.
        timeout : float
            Seconds to wait at most for each job that a request starts, as for `Plan.apply`.

        Returns
        -------
        ImportResult
            The outcome of every row.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.
        InvalidInputError
            The file for rejects exists, or `timeout` is invalid; nothing was sent.
        """
        timeout = checked_timeout(timeout)
        if rejects is not None and Path(rejects).expanduser().exists():
            raise InvalidInputError(f"rejects={str(rejects)!r} exists. Pass the path of a new file.")
        asks = [*self.profiles._confirm, *(self.consent._confirm if self.consent is not None else ())]
        confirmed(confirm, *asks)
        written = self.profiles.apply(confirm=confirm, journal=journal, verify=verify, timeout=timeout)
        subscribed = None
        if self.consent is not None:
            done = written.rows.index[~written.rows["status"].isin(["failed", "unconfirmed"])]
            plan = self.consent
            if len(done) < len(written.rows):
                plan = self._subscribe(self.frame.loc[done])
            subscribed = plan.apply(confirm=confirm, journal=journal, verify=verify, timeout=timeout)
        result = ImportResult(self, written, subscribed)
        if rejects is not None:
            result.write_rejects(rejects)
        return result

    def write_rejects(self, path: str | Path) -> int:
        """Write the rejected rows to a new CSV file, each with its reason; fix them and import the file again.

        Parameters
        ----------
        path : str or Path
            A new file, readable by its owner only. Cells that a spreadsheet would run as formulas begin with an
            apostrophe, which `plan_import` removes again.

        Returns
        -------
        int
            Number of rows written.

        Raises
        ------
        InvalidInputError
            The file exists.
        """
        return _written(self.problems, path)

    def _listed(self, reasons: Mapping[int, str]) -> pd.DataFrame:
        rows = sorted(reasons)
        listed = self.frame.iloc[rows].drop(columns=[REASON], errors="ignore")
        return listed.assign(**{REASON: pd.array([reasons[row] for row in rows], dtype="string")})

    def _email(self) -> str:
        return str(self.mapping.loc[self.mapping["becomes"] == "email", "column"].iloc[0])

    def __repr__(self) -> str:
        facts = self.summary()
        return (
            f"<ImportPlan of {self.source}: {facts['to_import']:,} to import, "
            f"{facts['to_subscribe']:,} to subscribe, {facts['unsubscribed']:,} not agreed, "
            f"{facts['rejected']:,} rejected>"
        )

    def _repr_html_(self) -> str:
        tables = table(self.mapping, index=False) + table(self.preview(), most=10)
        return html.escape(repr(self)[1:-1]) + tables


class ImportResult:
    """The outcome of an import.

    Attributes
    ----------
    profiles : Result
        The outcome of every profile that was sent.
    consent : Result or None
        The outcome of every subscription.
    """

    def __init__(self, plan: ImportPlan, written: Result, subscribed: Result | None) -> None:
        self.profiles = written
        self.consent = subscribed
        self._plan = plan

    @property
    def rows(self) -> pd.DataFrame:
        """One row per row of the file, by its line: key, profile, consent (statuses), reason (all string)."""
        shown = self._plan.preview()
        found = pd.DataFrame({"key": shown["key"], "profile": "not sent", "consent": None}, dtype="string")
        found["reason"] = shown["reason"]
        for name, result in (("profile", self.profiles), ("consent", self.consent)):
            if result is not None:
                found.loc[result.rows.index, name] = result.rows["status"]
                details = result.rows["detail"].dropna()
                found.loc[details.index, "reason"] = details
        return found

    @property
    def failures(self) -> pd.DataFrame:
        """The rows that were rejected before sending, or failed or are unconfirmed afterwards."""
        reasons = self._reasons()
        return self.rows.iloc[sorted(reasons)]

    def write_rejects(self, path: str | Path) -> int:
        """Write rejected and failed rows to a new CSV file; see `ImportPlan.write_rejects`."""
        return _written(self._plan._listed(self._reasons()), path)

    def _reasons(self) -> dict[int, str]:
        reasons = dict(self._plan._problems)
        places = {line: row for row, line in enumerate(self._plan.frame.index)}
        for result in (self.profiles, self.consent):
            failed = () if result is None else result.rows[result.rows["status"].isin(FAILED)].itertuples()
            for row in failed:
                if row.status != "not sent":
                    reasons.setdefault(places[row.Index], str(row.detail or row.code or row.status))
        return reasons

    def __repr__(self) -> str:
        counts = self.rows["profile"].value_counts()
        return f"<ImportResult: {', '.join(f'{count:,} {status}' for status, count in counts.items())}>"


def _written(frame: pd.DataFrame, path: str | Path) -> int:
    try:
        _safe_text.write_csv(frame, Path(path).expanduser())
    except FileExistsError:
        raise InvalidInputError(f"{str(path)!r} exists. Pass the path of a new file.") from None
    return len(frame)


def _add(problems: dict[int, str], rows: Sequence[int], plan: Plan, refused: Mapping[int, str]) -> None:
    """Add the problems of a plan that was made of some rows."""
    for at, why in plan._problems.items():
        row = rows[at]
        if row not in refused:
            known = problems.get(row, "").split("; ") if row in problems else []
            problems[row] = "; ".join([*known, *(one for one in why.split("; ") if one not in known)])


# Mapping


def folded_header(name: object) -> str:
    """Return a header without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", str(name)).casefold()


def mapped(
    catalog: Catalog,
    frame: pd.DataFrame,
    columns: Mapping[str, str | None] | None,
    properties: Rest,
    consent: str | None,
) -> pd.DataFrame:
    """Return what each column becomes, and why; see `ImportPlan.mapping`.

    Raises
    ------
    FrameError
        A column is not known, is missing, or two columns become the same attribute.
    """
    chosen = {**(columns or {}), **({consent: CONSENT} if consent is not None else {})}
    named = [] if is_rest(properties) else several(properties, "properties")
    if missing := [name for name in (*chosen, *named) if name not in frame.columns]:
        raise FrameError(
            f"{WHAT}: column {missing[0]!r} does not exist. Columns are {', '.join(map(str, frame.columns))}."
        )
    known = {folded_header(target): target for target in (*profiles.attributes(catalog), CONSENT, AGREED)}
    del known["id"]
    rows: list[tuple[str, str | None, str]] = []
    unknown = []
    for column in map(str, frame.columns):
        name = folded_header(column)
        if column in chosen:
            target = chosen[column]
            rows.append((column, target, "given by columns=" if column != consent else "given by consent="))
        elif column in named:
            rows.append((column, f"properties.{column}", "given by properties="))
        elif consent is not None and HEADERS.get(name) == CONSENT:
            rows.append((column, None, f"consent is read from {consent!r}"))
        elif target := HEADERS.get(name) or known.get(name):
            rows.append((column, target, "known header"))
        elif name in NOT_IMPORTED:
            rows.append((column, None, NOT_IMPORTED[name]))
        elif name in PROPERTIES or is_rest(properties):
            why = "known header" if name in PROPERTIES else "properties='rest'"
            rows.append((column, f"properties.{column}", why))
        else:
            unknown.append(column)
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if unknown[1:] else ""
        raise FrameError(
            f"{WHAT}: the column {unknown[0]!r} is not known{more}. Pass columns={{{unknown[0]!r}: ...}} with an "
            f"attribute, or None to leave it out, or keep it as a property with properties={unknown!r}."
        )
    taken: dict[str, str] = {}
    for column, target, _ in rows:
        if target is not None and target in taken:
            raise FrameError(
                f"{WHAT}: the columns {taken[target]!r} and {column!r} both become {target!r}. Pass "
                f"columns={{{column!r}: None}} to leave one out."
            )
        taken |= {target: column} if target else {}
    return pd.DataFrame(
        {
            name: pd.array([row[at] for row in rows], dtype="string")
            for at, name in enumerate(("column", "becomes", "why"))
        }
    )


def _without_traces(value: Any) -> Any:
    """Return a phone number without what spreadsheets add: a leading apostrophe, or ".0"."""
    text = str(value).strip().removeprefix("'")
    return text.partition(".")[0] if FLOAT_TEXT.fullmatch(text) else text


def _dates(
    frame: pd.DataFrame, chosen: Mapping[str, str], date_format: str | Mapping[str, str] | None
) -> dict[str, str]:
    """Return the format of every column of dates.

    One format for all applies to the time of consent and to properties in which any value has it.
    """
    if date_format is None or not isinstance(date_format, str):
        return dict(date_format or {})
    return {
        column: date_format
        for column, target in chosen.items()
        if target == AGREED
        or (
            target.startswith("properties.") and any(_has(one, date_format) for one in frame[column].dropna())
        )
    }


def _with_dates(mapping: pd.DataFrame, frame: pd.DataFrame, dates: Mapping[str, str]) -> pd.DataFrame:
    """Return a mapping that says how each column of dates is read: no order of day and month is guessed."""
    said = []
    for column, becomes, why in mapping.itertuples(index=False):
        if column in dates:
            said.append(f"{why}; dates in {dates[column]!r}")
        elif str(becomes).startswith("properties.") and any(map(_is_day, frame[column].dropna())):
            said.append(f"{why}; dates stay texts as they are written, because no format is given")
        else:
            said.append(why)
    return mapping.assign(why=pd.array(said, dtype="string"))


def _is_day(value: Any) -> bool:
    """Return whether a text is a date whose order of day and month is not certain, such as 01/02/2025."""
    return isinstance(value, str) and DAY.fullmatch(value.strip()) is not None


DAY = re.compile(r"\d{1,2}([/.-])\d{1,2}\1(?:\d{2}|\d{4})(?: .*)?")  # 31/12/2025, 1.2.25, also with a time


def _has(value: Any, date_format: str) -> bool:
    try:
        datetime.strptime(str(value).strip(), date_format)  # noqa: DTZ007  (only whether it can be read)
    except ValueError:
        return False
    return True
