"""Commands for the local copy: sync, sql, verify."""

from __future__ import annotations

import argparse

from klaviyo_analytics.cli.account import client_of
from klaviyo_analytics.cli.main import DONE, INCOMPLETE
from klaviyo_analytics.cli.output import show


def sync(options: argparse.Namespace) -> int:
    """Bring a local copy up to date, and show what was read."""
    with client_of(options) as client:
        archive = client.archive(options.folder)
        frame = archive.sync(options.tables or None, since=options.since, removals=options.removals)
    show(frame, options)
    return DONE


def sql(options: argparse.Namespace) -> int:
    """Ask a local copy in SQL; no key is needed."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    show(ka.open_archive(options.folder).sql(options.query), options)
    return DONE


def verify(options: argparse.Namespace) -> int:
    """Compare a local copy with Klaviyo's counts."""
    with client_of(options) as client:
        archive = client.archive(options.folder)
        frame = archive.verify(repair=options.repair, dry_run=options.cost)
    show(frame, options)
    differs = "result" in frame and frame["result"].astype("string").eq("differs").any()
    return INCOMPLETE if differs else DONE
