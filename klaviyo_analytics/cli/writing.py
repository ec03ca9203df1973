"""Commands that write: import and resume."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from klaviyo_analytics.cli.account import client_of
from klaviyo_analytics.cli.main import DONE, FAILED, INCOMPLETE
from klaviyo_analytics.cli.output import note, show
from klaviyo_analytics.errors import InvalidInputError, NoMatchError
from klaviyo_analytics.writeback.file_reading import read

if TYPE_CHECKING:
    from klaviyo_analytics.client import KlaviyoClient


def bring(options: argparse.Namespace) -> int:
    """Show what a file would change, or send it."""
    _check_options(options)
    with client_of(options) as client:
        plan = _plan(client, options)
        note(str(plan))
        if not options.apply:
            show(plan.preview(), options)
            note("Nothing was sent. Pass --apply to send it.")
            return DONE if plan.problems.empty else FAILED
        files = options.what in ("profiles", "subscribers")
        asked = _waits(options)
        if options.confirm:
            asked["confirm"] = True
        if files and options.rejects is not None:
            asked["rejects"] = options.rejects
        if not files and options.skip_invalid:
            asked["skip_invalid"] = True
        if not files and options.journal is not None:
            asked["journal"] = options.journal
        result = plan.apply(**asked)
    return _ended(result, options)


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
        shared["date_format"] = options.date_format
    if options.what in ("profiles", "subscribers"):
        if options.consent:
            shared["consent"] = options.consent
        if options.what == "subscribers":
            if not options.list:
                raise InvalidInputError("import subscribers needs --list with the name or id of a list.")
            shared["list"] = _list(client, options.list)
        return client.profiles.plan_import(options.file, **shared)
    if options.what == "events":
        if not options.metric:
            raise InvalidInputError("import events needs --metric with the name of a metric.")
        return client.events.plan_create(
            _table(options.file), metric=options.metric, properties="rest", **shared
        )
    if not options.list:
        raise InvalidInputError("import members needs --list with the name or id of a list.")
    frame = _table(options.file)
    return client.lists.plan_add_profiles(_list(client, options.list), frame)


def _list(client: KlaviyoClient, name_or_id: str) -> Any:
    """Return the list that a name or an id means, as a row."""
    try:
        return client.lists.find(name=name_or_id)
    except NoMatchError:
        return client.lists.get(name_or_id)


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
    show(result.failures if len(result.failures) else result.rows, options)
    return INCOMPLETE if len(result.failures) else DONE
