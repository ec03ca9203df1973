"""Commands that read: check, account, metrics, describe, connections, query, export."""

from __future__ import annotations

import argparse
import ast
import inspect
import keyword
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from klaviyo_analytics._messages import allowed_values, did_you_mean
from klaviyo_analytics.cli.account import arguments_of, client_of
from klaviyo_analytics.cli.main import DONE, FAILED, INCOMPLETE, USAGE
from klaviyo_analytics.cli.output import PROGRAM, is_table, note, say, show
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError, KlaviyoError, MissingExtraError


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
    names = list(row.index)
    if is_table(options):
        names = [name.removeprefix("contact_information.") for name in names]  # the same before most of them
    show(pd.DataFrame({"attribute": names, "value": list(row)}), options)
    return DONE


def metrics(options: argparse.Namespace) -> int:
    """List the metrics by integration and name."""
    with client_of(options) as client:
        frame = client.metrics.list()
    ordered = frame.sort_values(["integration.name", "name"], ignore_index=True)
    show(ordered, options, first=("id", "name", "integration.name", "integration.category"))
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
    show(frame, options, first=() if options.what == "aggregate" else _SUMMARY)
    return DONE


# What a table shows first of campaigns, flows, forms and segments: the name, then the numbers that are read first.
_SUMMARY = (
    "campaign", "flow", "message", "form", "segment", "recipients", "open_rate", "click_rate", "conversions",
    "conversion_value", "currency", "send_time", "viewed_form_uniques", "submits", "submit_rate",
)  # fmt: skip


def export(options: argparse.Namespace) -> int:
    """Write a list to a file."""
    import klaviyo_analytics as ka  # noqa: PLC0415
    from klaviyo_analytics import exports  # noqa: PLC0415

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
    ending, kinds = options.to.suffix.lower(), (*exports.EXTENSIONS, ".xlsx")
    if ending not in kinds:
        raise InvalidInputError(
            f"--to {options.to} has an unknown ending. Allowed are {', '.join(kinds)}; rename the file."
        )
    if options.to.exists():
        raise InvalidInputError(f"{options.to} exists already. Choose another name, or delete it first.")
    with client_of(options) as client:
        resource = _resource(client, options.resource)
        _check_narrowing(resource, options, question)
        if ending == ".xlsx":
            frame = resource.list(**question)
            ka.frames.to_excel(frame, options.to)
            count = len(frame)
        elif hasattr(resource, "iter_frames"):
            count = resource.export(options.to, **question)
        else:
            frame = resource.list(**question)
            count = exports.write(iter([frame]), options.to, empty=frame.iloc[:0])
    note(f"Wrote {count:,} rows to {options.to}.")
    return DONE


def _check_narrowing(resource: Any, options: argparse.Namespace, question: dict[str, Any]) -> None:
    """Refuse options that narrow other lists than the one that is asked for."""
    takes = inspect.signature(getattr(resource, "iter_frames", resource.list)).parameters
    if not (wrong := [name for name in question if name not in takes]):
        return
    given = "last" if wrong[0] == "timeframe" and options.last else wrong[0]
    allowed = [
        f"--{name}" for name in ("filter", "fields", "metric", "timeframe", "last", "limit") if name in takes
    ]
    raise InvalidInputError(
        f"export {options.resource} takes no --{given}. It takes {', '.join(allowed) or 'no options'}."
        + (
            f" `{PROGRAM} describe {options.resource}` lists the times it filters by."
            if wrong[0] == "timeframe" and "filter" in takes
            else ""
        )
    )


def _resource(client: Any, given: str) -> Any:
    """Return the resource of a name that can be listed."""
    from klaviyo_analytics.resources import RESOURCES  # noqa: PLC0415

    name = given.replace("-", "_")
    lists = [one for one in RESOURCES if callable(getattr(getattr(client, one), "list", None))]
    if name not in lists:
        raise InvalidInputError(
            f"{given!r} cannot be exported{did_you_mean(name, lists)}. "
            f"{allowed_values(name, lists)} `klaviyo-analytics describe` lists all."
        )
    return getattr(client, name)


def timeframe_of(options: argparse.Namespace) -> Any:
    """Return the time frame in the words that the options name."""
    return options.last if options.last else options.timeframe


def metric_of(options: argparse.Namespace) -> Any:
    """Return the metric: its name, or its name and integration."""
    return (options.metric, options.integration) if options.integration else options.metric


def conditions_of(texts: list[str]) -> Mapping[str, Any]:
    """Return which orders count, from NAME=VALUE: yes or no, a text, or several with commas between them."""
    from klaviyo_analytics.analysis import OrderConditions  # noqa: PLC0415

    kinds = {one.name: one.default for one in fields(OrderConditions)}
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value:
            raise InvalidInputError(f"--orders {text!r} is not NAME=VALUE, such as renewals=no.")
        if name not in kinds:
            raise InvalidInputError(
                f"--orders {text!r}: {name!r} is not a condition{did_you_mean(name, kinds)}. "
                f"{allowed_values(name, kinds)}"
            )
        if isinstance(kinds[name], bool):
            if value.lower() not in _ANSWERS:
                raise InvalidInputError(f"--orders {text!r} is not an answer. Write {name}=yes or {name}=no.")
            found[name] = _ANSWERS[value.lower()]
        elif isinstance(kinds[name], tuple):
            found[name] = [*found.get(name, ()), *(part.strip() for part in value.split(",") if part.strip())]
        else:
            found[name] = value
    return found


_ANSWERS = {"yes": True, "true": True, "no": False, "false": False}


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise InvalidInputError(f"{question} Pass --yes where nobody can answer.")
    sys.stderr.write(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


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


class NotebookFailedError(KlaviyoError):
    """A cell of a notebook raised an exception."""


ANALYSES = {"ab": "ab_test", "deliverability": "deliverability_by_provider"}  # short names
WRITERS = {".html": "to_html", ".xlsx": "to_excel", ".md": "to_markdown", ".pdf": "to_pdf", "": "to_folder"}
NOT_WITH_TOML = (
    "to", "compare", "conversion_metric", "connection", "base_url", "key_file", "profile", "revision", "demo",
    "archive", "privacy", "language", "integration", "orders",
)  # fmt: skip


def analyse(options: argparse.Namespace) -> int:
    """Print the frame of an analysis."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    name = ANALYSES.get(options.analysis, options.analysis.replace("-", "_"))
    if options.archive:
        show(_analysed(ka.open_archive(options.archive).analyses, name, options), options)
        return DONE
    with client_of(options) as client:
        show(_analysed(client.analyses, name, options), options)
    return DONE


def report(options: argparse.Namespace) -> int:
    """Write a report of one account, or those of a TOML file."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    if options.timeframe.endswith(".toml"):
        if given := [name for name in NOT_WITH_TOML if getattr(options, name)]:
            note(
                f"klaviyo-analytics: --{given[0].replace('_', '-')} is not valid with {options.timeframe}. "
                "A TOML file names the account, the period and the file of each report. Write it there."
            )
            return USAGE
        ended = ka.report.run(options.timeframe)
        for row in ended.frame.fillna("").itertuples(index=False):
            note(": ".join(str(part) for part in row if part))
        note(f"Wrote {ended.overview}.")
        return ended.exit_code
    target = options.to or Path("report.html")
    if target.suffix not in WRITERS:
        note(
            f"klaviyo-analytics: --to {target} has an unknown ending. "
            "Allowed are .html, .xlsx, .md, .pdf, or a folder."
        )
        return USAGE
    compare = options.compare or "previous_period"
    chosen: dict[str, Any] = {"compare": None if compare == "none" else compare}
    if options.conversion_metric:
        named = (options.conversion_metric, options.integration)
        chosen["conversion_metric"] = named if options.integration else options.conversion_metric
    elif options.integration:
        raise InvalidInputError("--integration needs --conversion-metric with the name of a metric.")
    if options.orders:
        chosen["orders"] = conditions_of(options.orders)
    if options.privacy:
        chosen["privacy"] = options.privacy
    if options.language:
        chosen["branding"] = ka.report.Branding(language=options.language)
    with ExitStack() as stack:
        source: Any
        where = options.archive
        source = ka.open_archive(where) if where else stack.enter_context(client_of(options))
        if not (where or options.demo):  # where nothing can be seen for minutes
            note(
                f"Writing the report of {options.timeframe}. Klaviyo allows two report queries a minute and a report "
                "asks several, so this takes minutes ..."
            )
        made = ka.report.performance(source, options.timeframe, **chosen)
        getattr(made, WRITERS[target.suffix])(target)
    for chapter, reason in made.failures.items():
        note(f"The chapter {chapter!r} could not be made. {reason}")
    note(f"Wrote {target}.")
    return INCOMPLETE if made.failures else DONE


def run(options: argparse.Namespace) -> int:
    """Execute a notebook with parameters, and write its results as a page without code."""
    try:
        import nbformat  # noqa: PLC0415
        from nbclient import NotebookClient  # noqa: PLC0415
        from nbclient.exceptions import CellExecutionError  # noqa: PLC0415
        from nbconvert import HTMLExporter  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("Running notebooks", "notebook") from error
    if not options.notebook.is_file():
        raise InvalidInputError(f"{options.notebook} does not exist. Pass a .ipynb file.")
    target = options.out or options.notebook.with_suffix(".html")
    given = _parameters(options.parameter)
    try:
        book = nbformat.read(options.notebook, as_version=4)
    except (
        nbformat.reader.NotJSONError,
        nbformat.ValidationError,
        UnicodeDecodeError,
        AttributeError,
    ) as error:
        raise InvalidInputError(
            f"{options.notebook} is not a notebook. Pass a .ipynb file that Jupyter has saved."
        ) from error
    if given:
        lines = "\n".join(f"{name} = {value!r}" for name, value in given.items())
        book.cells.insert(_after_parameters(book), nbformat.v4.new_code_cell(lines))
    runner = NotebookClient(
        book, timeout=None, resources={"metadata": {"path": str(options.notebook.parent)}}
    )
    try:
        runner.execute()
    except CellExecutionError as error:
        raise NotebookFailedError(_failed_cell(options.notebook, book, error)) from error
    exporter = HTMLExporter(
        exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True, embed_images=True
    )
    page, _ = exporter.from_notebook_node(book)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_dressed(page), encoding="utf-8", newline="\n")
    note(f"Wrote {target}.")
    return DONE


def _failed_cell(path: Path, book: Any, error: Any) -> str:
    """Return which cell of a notebook failed, and with what."""
    number = next(
        (
            place
            for place, cell in enumerate(book.cells, start=1)
            if any(output.output_type == "error" for output in cell.get("outputs", ()))
        ),
        0,
    )
    return (
        f"{path}: cell {number} failed with {error.ename}: {error.evalue}. Nothing was written. Open the notebook "
        "and run it there to see the whole error."
    )


def _dressed(page: str) -> str:
    """Return the page of a notebook with the letters, tables and margins of a report."""
    from importlib.resources import files  # noqa: PLC0415

    style = (files("klaviyo_analytics.report") / "templates" / "notebook.css").read_text(encoding="utf-8")
    return page.replace("</head>", f"<style>\n{style}</style>\n</head>", 1)


def _analysed(analyses: Any, name: str, options: argparse.Namespace) -> pd.DataFrame:
    """Return the frame of an analysis; its arguments are checked against the method's own."""
    names = [one for one in dir(analyses) if not one.startswith("_")]
    if name not in names:
        raise InvalidInputError(
            f"{options.analysis!r} is not an analysis{did_you_mean(name, names)}. {allowed_values(name, names)} "
            "`klaviyo-analytics analyse --help` lists all."
        )
    method = getattr(analyses, name)
    given = _parameters(options.parameter)
    if (when := timeframe_of(options)) is not None:
        given["timeframe"] = when
    if options.metric:
        given["metric"] = metric_of(options)
    elif options.integration:
        raise InvalidInputError("--integration needs --metric with the name of a metric.")
    if options.orders:
        given["orders"] = conditions_of(options.orders)
    known = inspect.signature(method).parameters
    if strange := [one for one in given if one not in known]:
        raise InvalidInputError(
            f"{strange[0]!r} is not an argument of {name}. {allowed_values(strange[0], known)}"
        )
    missing = [
        one for one, its in known.items() if its.default is inspect.Parameter.empty and one not in given
    ]
    if missing:
        raise InvalidInputError(f"analyse {options.analysis} needs -p {missing[0]}=VALUE.")
    frame: pd.DataFrame = method(**given)
    return frame


def _parameters(texts: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE: a number, True, False, None or a list as such, anything else as text; quotes keep a text."""
    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier() or keyword.iskeyword(name):
            raise InvalidInputError(f"-p {text!r} is not NAME=VALUE, such as timeframe='last month'.")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def _after_parameters(book: Any) -> int:
    """Return where parameters belong: after the cell tagged `parameters`, or first."""
    for place, cell in enumerate(book.cells):
        if "parameters" in cell.metadata.get("tags", []):
            return place + 1
    return 0
