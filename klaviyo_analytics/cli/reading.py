"""Commands that read: check, account, metrics, describe, connections, query, export."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import pandas as pd

from klaviyo_analytics.cli.account import arguments_of, client_of
from klaviyo_analytics.cli.main import DONE, FAILED
from klaviyo_analytics.cli.output import note, say, show
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError


def check(options: argparse.Namespace) -> int:
    """Find out what is wrong between here and an account."""
    from klaviyo_analytics.diagnostics import without_client  # noqa: PLC0415

    try:
        with client_of(options) as client:
            report = client.check()
    except ConfigurationError as error:
        report = without_client(error)
    say(str(report))
    return DONE if report.ok else FAILED


def account(options: argparse.Namespace) -> int:
    """Show the account."""
    with client_of(options) as client:
        row = client.account
    show(pd.DataFrame({"attribute": list(row.index), "value": list(row)}), options)
    return DONE


def metrics(options: argparse.Namespace) -> int:
    """List the metrics by integration and name."""
    with client_of(options) as client:
        frame = client.metrics.list()
    show(frame.sort_values(["integration.name", "name"], ignore_index=True), options)
    return DONE


def describe(options: argparse.Namespace) -> int:
    """Show what can be asked of a resource."""
    with client_of(options) as client:
        frame = client.describe(options.resource) if options.resource else client.describe()
    show(pd.DataFrame(frame), options)
    return DONE


def connections(options: argparse.Namespace) -> int:
    """List, create, show or delete connections of the gateway."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    given = arguments_of(options)
    links = ka.Connections(**{name: given[name] for name in ("api_key", "base_url") if name in given})
    if options.action == "list":
        show(links.list(), options)
        return DONE
    if options.action == "create":
        made = links.create()
        say(f"Connection {made.id} waits for consent. Open this link: {made.url}")
        return DONE
    if not options.id:
        raise InvalidInputError(f"connections {options.action} needs the id of a connection.")
    if options.action == "get":
        found = links.get(options.id)
        show(pd.DataFrame({"id": [found.id], "status": [found.status]}), options)
        return DONE
    if not options.yes and not _agreed(f"Delete connection {options.id}? Its account has to consent again."):
        note("Nothing was deleted.")
        return FAILED
    links.delete(options.id)
    say(f"Deleted connection {options.id}.")
    return DONE


def query(options: argparse.Namespace) -> int:
    """Print numbers of metrics, campaigns, flows, forms or segments."""
    when: dict[str, Any] = {"timeframe": timeframe_of(options)}
    conversion = {"conversion_metric": options.conversion_metric} if options.conversion_metric else {}
    by = options.by.split(",") if options.by else []
    with client_of(options) as client:
        if options.what == "aggregate":
            if not options.metric:
                raise InvalidInputError(
                    "query aggregate needs a metric; `klaviyo-analytics metrics` lists them."
                )
            frame = client.metric_aggregates.query(
                metric_of(options),
                measurements=options.measure.split(","),
                interval=options.interval,
                by=by,
                **when,
            )
        elif options.what in ("campaigns", "flows"):
            summary = getattr(client, options.what).summary
            grain = {"by": by[0]} if by else {}
            frame = summary(when["timeframe"], **grain, **conversion)
        else:
            frame = getattr(client.reports, f"{options.what[:-1]}_values")(**when)
    show(frame, options)
    return DONE


def export(options: argparse.Namespace) -> int:
    """Write a list to a file."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    question: dict[str, Any] = {}
    if options.filter:
        question["filter"] = options.filter
    if options.fields:
        question["fields"] = options.fields.split(",")
    if options.metric:
        question["metric"] = metric_of(options)
    if (when := timeframe_of(options)) is not None:
        question["timeframe"] = when
    if options.limit is not None:
        question["limit"] = options.limit
    if options.to.exists():
        raise InvalidInputError(f"{options.to} exists already. Choose another name, or delete it first.")
    with client_of(options) as client:
        resource = getattr(client, options.resource.replace("-", "_"))
        if options.to.suffix == ".xlsx":
            frame = resource.list(**question)
            ka.frames.to_excel(frame, options.to)
            count = len(frame)
        elif hasattr(resource, "iter_frames"):
            count = resource.export(options.to, **question)
        else:
            frame = resource.list(**question)
            count = ka.exports.write(iter([frame]), options.to, empty=frame.iloc[:0])
    note(f"Wrote {count:,} rows to {options.to}.")
    return DONE


def timeframe_of(options: argparse.Namespace) -> Any:
    """Return the time frame in the words that the options name."""
    return options.last if options.last else options.timeframe


def metric_of(options: argparse.Namespace) -> Any:
    """Return the metric: its name, or its name and integration."""
    return (options.metric, options.integration) if options.integration else options.metric


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise InvalidInputError(f"{question} Pass --yes where nobody can answer.")
    sys.stderr.write(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
