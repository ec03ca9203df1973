"""klaviyo-analytics: see an account from the command line, or serve a sandbox one."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from klaviyo_analytics import __version__
from klaviyo_analytics._safe_text import NOTE, printable, printable_frame, write_csv
from klaviyo_analytics.errors import KlaviyoError, NoMatchError
from klaviyo_analytics.plots import metric_trend

if TYPE_CHECKING:
    from klaviyo_analytics.client import KlaviyoClient

Say = Callable[[str], object]
ORDERS = "Placed Order"
NEXT = """
Try next, in a notebook:

    import klaviyo_analytics as ka
    client = {connect}
    client.events.list(metric={metric}, timeframe="last 30 days", include=["profile"])
    client.profiles.list(filter=ka.F.created > "2026-01-01", limit=100)
    client.metric_aggregates.query({metric}, measurements=["unique"], interval="month", timeframe="last 12 months")

notebooks/01_read.ipynb tells the story from the start.{key}"""
KEY = """
With a key of your own in MATON_API_KEY or KLAVIYO_API_KEY, `klaviyo-analytics demo --live` shows your account."""


def tour(
    client: KlaviyoClient, *, folder: Path, metric: str | None = None, say: Say, live: bool = False
) -> None:
    """Print an account's face and its last twelve weeks; write the frames and a chart into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    account = client.account
    speak, say = say, lambda text: speak(printable(text))
    say(f"{account['contact_information.organization_name']} ({account['id']})")
    say(f"times in {account['timezone']}, money in {account['preferred_currency']}\n")

    metrics = client.metrics.list()
    say(f"{len(metrics)} metrics:")
    say(_table(metrics[["name", "integration.name", "integration.category"]]) + "\n")

    chosen = client.metrics.get(metric_id(metrics, metric or ORDERS))
    weekly = client.metric_aggregates.query(
        chosen, measurements=["count", "sum_value", "unique"], interval="week", timeframe="last 12 weeks"
    )
    source = chosen["integration.name"]
    say(f"{chosen['name']}{f' ({source})' if pd.notna(source) else ''}, last 12 weeks:")
    say(_table(_weeks(weekly, str(account["preferred_currency"]))) + "\n")

    year = client.metric_aggregates.query(
        chosen, measurements=["count", "sum_value"], interval="week", timeframe="last 52 weeks"
    )
    campaigns = client.campaigns.list()
    written = {
        "metrics.csv": metrics,
        "campaigns.csv": campaigns,
        "weekly.csv": weekly,
        "year.csv": year,
    }
    for name, frame in written.items():
        (folder / name).unlink(missing_ok=True)
        write_csv(frame, folder / name)
    _chart(year, folder / "revenue.png", str(chosen["name"]))
    say("Wrote " + ", ".join(str(folder / name) for name in (*written, "revenue.png")) + f". {NOTE}")
    shared = (metrics["name"] == chosen["name"]).sum() > 1
    say(
        NEXT.format(
            connect="ka.connect()" if live else "ka.demo()",
            metric=repr((chosen["name"], source)) if shared else repr(chosen["name"]),
            key="" if live else KEY,
        )
    )


def metric_id(metrics: pd.DataFrame, wanted: str) -> str:
    """Choose the metric to show: the wanted one, of a shop system where several have the name."""
    named = metrics[(metrics["name"] == wanted) | (metrics["id"] == wanted)]
    if named.empty:
        raise NoMatchError(
            f"This account has no metric {wanted!r}. Choose one with --metric: "
            f"{', '.join(metrics['name'].dropna().head(20))}."
        )
    shops = named[
        (named["integration.category"].str.casefold() == "ecommerce").fillna(value=False).astype(bool)
    ]
    return str((named if shops.empty else shops)["id"].iloc[0])


def _weeks(weekly: pd.DataFrame, currency: str) -> pd.DataFrame:
    counts = weekly["count"].astype("float64")
    average = weekly["sum_value"] / counts.where(counts > 0)
    return pd.DataFrame(
        {
            "week of": weekly["datetime"].dt.strftime("%Y-%m-%d"),
            "orders": weekly["count"].map("{:,}".format),
            "buyers": weekly["unique"].map("{:,}".format),
            f"revenue {currency}": weekly["sum_value"].map("{:,.2f}".format),
            "per order": average.map("{:,.2f}".format, na_action="ignore"),
        }
    )


def _chart(frame: pd.DataFrame, path: Path, name: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    metric_trend(frame, y="sum_value", title=f"{name}: revenue by week", ax=figure.subplots())
    figure.savefig(path, dpi=150)


def _table(frame: pd.DataFrame) -> str:
    text = printable_frame(frame.astype("object").where(frame.notna(), ""))
    return text.to_string(index=False, justify="left")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, or 1 after an error that was explained."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (KlaviyoError, OSError) as error:
        print(f"klaviyo-analytics: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="klaviyo-analytics", description="Klaviyo accounts as DataFrames.")
    parser.add_argument("--version", action="version", version=f"klaviyo-analytics {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="read an account, print it, and write frames and a chart")
    demo.add_argument("--live", action="store_true", help="your own account (read only); needs a key")
    demo.add_argument("--seed", type=int, default=7, help="another seed makes another sandbox shop")
    demo.add_argument("--out", type=Path, default=Path("klaviyo-demo"), help="folder to write to")
    demo.add_argument("--metric", help="metric to chart; found by itself, if not given")
    demo.set_defaults(run=_demo)

    check = commands.add_parser("check", help="find out what is wrong between here and your account")
    check.add_argument("--connection", help="id of a gateway's connection")
    check.add_argument("--base-url", help="what stands before /api, if it is not the usual host")
    check.set_defaults(run=_check)

    report = commands.add_parser(
        "report",
        help="write the performance report of an account, or those of several",
        description="Write a report as .html, .pdf, .xlsx or .md. Exit status: 0 if it is complete, 1 after an "
        "error or if a section or an account failed, 2 if an option is wrong.",
        epilog="examples: klaviyo-analytics report --demo --to report.html | klaviyo-analytics report reports.toml",
    )
    report.add_argument("file", nargs="?", type=Path, help="TOML file that lists several accounts")
    report.add_argument("--to", type=Path, help="file to write; its ending decides the format")
    report.add_argument("--timeframe", default="last month", help='such as "last week" or 2026-05')
    report.add_argument(
        "--compare", choices=("previous_period", "last_year", "none"), default="previous_period"
    )
    report.add_argument("--metric", help="name of the metric whose events are orders")
    report.add_argument("--privacy", choices=("aggregate", "hashed", "full"), default="aggregate")
    report.add_argument("--connection", help="id of a gateway's connection")
    report.add_argument("--demo", action="store_true", help="report on the sandbox account; needs no key")
    report.set_defaults(run=_report)

    sandbox = commands.add_parser("sandbox", help="serve a synthetic Klaviyo account on this machine")
    sandbox.add_argument("--port", type=_port, default=8765, help="0 takes any free one")
    sandbox.add_argument("--seed", type=_count, default=7)
    sandbox.add_argument("--profiles", type=_count, default=2_000)
    sandbox.add_argument("--events", type=_count, default=50_000)
    sandbox.add_argument(
        "--now", type=_day, help="the shop's today, like 2026-06-30; the real one, if not given"
    )
    sandbox.add_argument("--rate-limits", action="store_true", help="turn requests away as Klaviyo would")
    sandbox.add_argument(
        "--own-links",
        action="store_true",
        help="let links lead here, for clients that follow them as they are",
    )
    sandbox.set_defaults(run=_sandbox)
    return parser


def _demo(options: argparse.Namespace) -> int:
    pass

    with _client(options) as client:
        tour(client, folder=options.out, metric=options.metric, say=print, live=options.live)
    return 0


def _check(options: argparse.Namespace) -> int:
    import klaviyo_analytics as ka  # noqa: PLC0415
    from klaviyo_analytics.diagnostics import without_client  # noqa: PLC0415

    try:
        with ka.connect(connection=options.connection, base_url=options.base_url) as client:
            report = client.check()
    except ka.errors.ConfigurationError as error:
        report = without_client(error)
    print(report)  # noqa: T201
    return 0 if report.ok else 1


def _report(options: argparse.Namespace) -> int:
    import klaviyo_analytics as ka  # noqa: PLC0415

    if (options.file is None) == (options.to is None):
        print("klaviyo-analytics report: pass either a TOML file or --to FILE.", file=sys.stderr)  # noqa: T201
        return 2
    if options.file is not None:
        result = ka.report.run(options.file)
        print(_table(result.frame[["account", "status", "file"]]))  # noqa: T201
        for row in result.frame.dropna(subset=["message"]).to_dict("records"):
            print(printable(f"{row['account']}: {row['message']}"), file=sys.stderr)  # noqa: T201
        print(f"Wrote {result.overview}")  # noqa: T201
        return result.exit_code
    writer = _REPORT_FORMATS.get(options.to.suffix.lower())
    if writer is None:
        said = f"{options.to} has an unknown ending; allowed are {', '.join(_REPORT_FORMATS)}."
        print(f"klaviyo-analytics report: {said}", file=sys.stderr)  # noqa: T201
        return 2
    with ka.demo() if options.demo else ka.connect(connection=options.connection) as client:
        report = ka.report.performance(
            client,
            options.timeframe,
            compare=None if options.compare == "none" else options.compare,
            conversion_metric=options.metric,
            privacy=options.privacy,
        )
    getattr(report, writer)(options.to)
    for name, reason in report.failures.items():
        print(printable(f"{name} could not be made: {reason}"), file=sys.stderr)  # noqa: T201
    print(f"Wrote {options.to}")  # noqa: T201
    return 1 if report.failures else 0


_REPORT_FORMATS = {".html": "to_html", ".pdf": "to_pdf", ".xlsx": "to_excel", ".md": "to_markdown"}


def _client(options: argparse.Namespace) -> KlaviyoClient:
    import klaviyo_analytics as ka  # noqa: PLC0415

    return ka.connect() if options.live else ka.demo(seed=options.seed)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 100_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _port(text: str) -> int:
    if _count(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; they end at 65535")
    return int(text)


def _day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2026-06-30") from None


def _sandbox(options: argparse.Namespace) -> int:
    from klaviyo_analytics._connect import sandbox_class  # noqa: PLC0415

    sandbox = sandbox_class()(
        port=options.port,
        seed=options.seed,
        profiles=options.profiles,
        events=options.events,
        rate_limits=options.rate_limits,
        own_links=options.own_links,
        now=int(options.now.timestamp() if options.now else time.time()),
    )
    lines = [
        sandbox.url,
        f"a gateway:  KLAVIYO_BASE_URL={sandbox.gateway_url} MATON_API_KEY={sandbox.maton_key} "
        f"MATON_CTRL_URL={sandbox.control_url}",
        f"Klaviyo:    KLAVIYO_BASE_URL={sandbox.direct_url} KLAVIYO_API_KEY={sandbox.api_key}",
        "Ctrl-C ends it.",
    ]
    print("\n".join(lines), flush=True)  # noqa: T201
    sandbox.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
