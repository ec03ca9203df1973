"""Commands that write: import and resume."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from klaviyo_analytics._messages import counted, near
from klaviyo_analytics.cli.account import client_of
from klaviyo_analytics.cli.main import DONE, FAILED, INCOMPLETE
from klaviyo_analytics.cli.output import in_shell_words, is_table, note, show
from klaviyo_analytics.errors import (
    ConfirmationRequiredError,
    FrameError,
    InvalidInputError,
    NoMatchError,
    NotFoundError,
)
from klaviyo_analytics.writeback.events import ATTRIBUTES as EVENT_COLUMNS
from klaviyo_analytics.writeback.file_import import folded_header
from klaviyo_analytics.writeback.file_reading import read

if TYPE_CHECKING:
    from klaviyo_analytics.client import KlaviyoClient


def bring(options: argparse.Namespace) -> int:
    """Show what a file would change, or send it."""
    _check_options(options)
    with client_of(options) as client:
        plan = _plan(client, options)
        note(str(plan))
        files = options.what in ("profiles", "subscribers")
        skips = options.skip_invalid or options.rejects is not None
        invalid = len(plan.problems)
        if files:
            note(_mapping(plan.mapping))
        if options.what == "subscribers" and plan.consent is None:
            note("Nobody would be subscribed. --consent NAME names the column that says who agreed.")
        if not options.apply:
            show(_decisions(plan.preview(), options) if files else plan.preview(), options)
            if options.rejects is not None and invalid:
                note(f"Wrote {counted(plan.write_rejects(options.rejects), 'row')} to {options.rejects}.")
            if invalid and not skips:
                note(f"{counted(invalid, 'row')} cannot be sent. {_SKIP[files]}")
            note("Nothing was sent. Pass --apply to send it.")
            return FAILED if invalid and not skips else DONE
        if invalid and not skips:
            show(plan.problems, options)
            raise InvalidInputError(
                f"{options.file} has {counted(invalid, 'row')} that cannot be sent, shown with their reasons. "
                f"Nothing was sent. {_SKIP[files]}"
            )
        asked = _waits(options)
        if options.confirm:
            asked["confirm"] = True
        if files and options.rejects is not None:
            asked["rejects"] = options.rejects
        if not files and options.skip_invalid:
            asked["skip_invalid"] = True
        if not files and options.journal is not None:
            asked["journal"] = options.journal
        try:
            result = plan.apply(**asked)
        except ConfirmationRequiredError as error:
            said = in_shell_words(str(error), options).replace("Pass confirm=True if", "Pass --confirm if")
            raise ConfirmationRequiredError(said) from None
        if files and options.rejects is not None and len(result.failures):
            note(
                f"Rows that were rejected or failed are in {options.rejects}. Fix them and import that file."
            )
    return _ended(result, options)


_SKIP = {
    True: "Fix them, or pass --rejects FILE to send the others and get these in a file, or --skip-invalid.",
    False: "Fix them, or pass --skip-invalid to send the others.",
}


def _mapping(mapping: pd.DataFrame) -> str:
    """Return what becomes of each column, a line for each."""
    rows: list[list[str]] = mapping.fillna("")[["column", "becomes", "why"]].to_numpy().tolist()
    given = {"given by columns=": "given by --column", "given by consent=": "given by --consent"}
    lines = [
        f"  {column} → {becomes or 'not imported'} ({given.get(why, why)})" for column, becomes, why in rows
    ]
    return "\n".join(["Columns:", *lines])


def _decisions(preview: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    """Return a preview with the line of each row; a table, which may be cut, has rows with reasons first."""
    rows = _by_line(preview)
    if not is_table(options):
        return rows
    return rows.sort_values("reason", key=lambda reasons: reasons.fillna("").eq(""), kind="stable")


def _by_line(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the line of the file as a column, which CSV and JSON keep."""
    return frame.rename_axis("line").reset_index() if "line" not in frame else frame


def resume(options: argparse.Namespace) -> int:
    """Go on with an import that was interrupted."""
    if not options.journal.exists():
        raise InvalidInputError(f"{options.journal} does not exist. Pass the file that --journal named.")
    with client_of(options) as client:
        result = client.resume(options.journal, **_waits(options))
    return _ended(result, options)


def _waits(options: argparse.Namespace) -> dict[str, Any]:
    return {} if options.timeout is None else {"timeout": options.timeout}


def _check_options(options: argparse.Namespace) -> None:
    """Refuse options that would have no effect on what is imported."""
    if options.what in ("profiles", "subscribers"):
        if options.journal is not None:
            raise InvalidInputError(
                f"--journal applies to events and members, not to {options.what}. Leave it out: these imports "
                "keep their own journals."
            )
    elif options.column and options.what == "members":
        raise InvalidInputError(
            "--column applies to profiles, subscribers and events, not to members. Leave it out: a column id, email "
            "or phone_number names a member."
        )
    elif given := [name for name in ("property", "on_duplicate") if getattr(options, name)]:
        raise InvalidInputError(
            f"--{given[0].replace('_', '-')} applies to profiles and subscribers, not to {options.what}. "
            "Leave it out."
        )
    elif options.rejects is not None:
        raise InvalidInputError(
            f"--rejects applies to profiles and subscribers, not to {options.what}. Leave it out: the rows that "
            "failed are shown at the end."
        )


def _plan(client: KlaviyoClient, options: argparse.Namespace) -> Any:
    shared: dict[str, Any] = {}
    if options.phone_region:
        shared["phone_region"] = options.phone_region
    if options.date_format:
        shared["date_format"] = _date_format(options.date_format)
    if options.what in ("profiles", "subscribers"):
        return _plan_people(client, options, shared)
    if options.what == "events":
        if not options.metric:
            raise InvalidInputError("import events needs --metric with the name of a metric.")
        frame, columns = _events(_table(options.file), dict(map(_column, options.column)))
        return client.events.plan_create(
            frame, metric=options.metric, columns=columns, properties="rest", **shared
        )
    if not options.list:
        raise InvalidInputError("import members needs --list with the name or id of a list.")
    frame = _table(options.file)
    return client.lists.plan_add_profiles(_list(client, options.list), frame)


def _plan_people(client: KlaviyoClient, options: argparse.Namespace, shared: dict[str, Any]) -> Any:
    if options.consent:
        shared["consent"] = options.consent
    if options.what == "subscribers":
        if not options.list:
            raise InvalidInputError("import subscribers needs --list with the name or id of a list.")
        shared["list"] = _list(client, options.list)
    if options.on_duplicate:
        shared["on_duplicate"] = options.on_duplicate
    if options.column:
        shared["columns"] = dict(map(_column, options.column))
    if options.property:
        shared["properties"] = "rest" if options.property == ["rest"] else options.property
    try:
        return client.profiles.plan_import(options.file, **shared)
    except FrameError as error:
        raise FrameError(in_shell_words(_in_options(str(error), options.file), options)) from None


def _date_format(texts: list[str]) -> str | dict[str, str]:
    """Return one format for all columns, or the formats of columns by name."""
    if len(texts) == 1 and "=" not in texts[0]:
        return texts[0]
    if wrong := [text for text in texts if not text.rpartition("=")[0] or text.endswith("=")]:
        raise InvalidInputError(
            f"--date-format {wrong[0]!r} is not NAME=FORMAT, such as 'Birthday=%d/%m/%Y'. Pass one FORMAT for all "
            "columns, or NAME=FORMAT for each."
        )
    forms: dict[str, str] = {}
    for name, _, form in (text.rpartition("=") for text in texts):
        if forms.setdefault(name, form) != form:
            raise InvalidInputError(
                f"--date-format gives {name!r} two formats, {forms[name]!r} and {form!r}. Pass one for each column."
            )
    return forms


def _column(text: str) -> tuple[str, str | None]:
    name, sign, attribute = text.rpartition("=")
    if not sign or not name:
        raise InvalidInputError(f"--column {text!r} is not NAME=ATTRIBUTE, such as 'Mail=email'.")
    return name, attribute or None


def _events(frame: pd.DataFrame, given: Mapping[str, str | None]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the events of a file, with amounts as numbers, and what its columns become.

    They become what is given, else what only case, spaces and signs tell from our names. "ID" stays a property, since
    it is more often the number of an order than Klaviyo's id of a profile.
    """
    dropped = [header for header, name in given.items() if name is None]
    if unknown := [header for header in dropped if header not in frame.columns]:
        raise FrameError(f"The file has no column {unknown[0]!r}; it has {near(unknown[0], frame.columns)}.")
    frame = frame.drop(columns=dropped)
    columns = {header: name for header, name in given.items() if name is not None}
    spelled = {folded_header(name): name for name in EVENT_COLUMNS if name != "id"}
    taken = {*frame.columns, *columns.values()}
    for header in frame.columns:
        name = spelled.get(folded_header(header))
        if name is not None and name not in taken and header not in columns:
            columns[header] = name
            taken.add(name)
    amounts = [header for header in frame.columns if columns.get(header, header) == "value"]
    return frame.assign(**{header: frame[header].map(_amount) for header in amounts}), columns


def _amount(text: Any) -> Any:
    """Return an amount as a number; any other text stays as it is, for the plan to name."""
    if isinstance(text, str) and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)\s*", text):
        return float(text)
    return text


def _in_options(text: str, file: Path) -> str:
    """Return an error about columns in the words of the command line."""
    text = re.sub(r"^plan_import\(\)", lambda _: str(file), text)
    text = re.sub(
        r"Pass columns=\{(.*?): \.\.\.\} with an attribute, or None to leave it out, or keep it as a property with "
        r"properties=\[(.*?)\]\.$",
        lambda found: (
            f"Pass --column with {found[1]} and an attribute, as in 'NAME=ATTRIBUTE', or 'NAME=' to leave it out; or "
            "keep columns as properties with --property NAME, --property rest for all."
        ),
        text,
    )
    text = re.sub(r"Pass columns=\{'\.\.\.': 'email'\}\.$", "Pass --column 'NAME=email'.", text)
    return re.sub(
        r"Pass columns=\{(.*?): None\} to leave one out\.$",
        r"Pass --column 'NAME=' with \1 to leave one out.",
        text,
    )


def _list(client: KlaviyoClient, name_or_id: str) -> Any:
    """Return the list that a name or an id means, as a row."""
    try:
        return client.lists.find(name=name_or_id)
    except NoMatchError as unknown:
        try:
            return client.lists.get(name_or_id)
        except NotFoundError:
            raise unknown from None


def _table(path: Path) -> pd.DataFrame:
    """Read a file as text; lines that cannot be split into columns are an error here."""
    frame, _, broken = read(path)
    if broken:
        line, why = next(iter(broken.items()))
        raise InvalidInputError(
            f"{path} has {len(broken)} lines that cannot be read; the first is line {line}: {why}."
        )
    return frame


def _ended(result: Any, options: argparse.Namespace) -> int:
    note(str(result))
    show(_by_line(result.failures if len(result.failures) else result.rows), options)
    return INCOMPLETE if len(result.failures) else DONE
