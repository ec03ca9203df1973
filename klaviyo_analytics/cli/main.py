"""The parser of every command, and what its exit status means.

Nothing but the standard library is imported before a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from klaviyo_analytics.cli.output import Parser, fitted, in_shell_words

TYPE_CHECKING = False  # typing takes longer to import than a command line takes to parse
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    _Commands = argparse._SubParsersAction[Parser]

DONE, FAILED, USAGE, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130
EXIT = """exit status:
  0    done
  1    an error, explained on standard error, or nothing was done
  2    the command line is not valid
  3    done in part: rows that failed, months that differ, an account or a chapter of a report that is missing
  130  interrupted with Ctrl-C
"""
PROFILES = """profiles:
  Accounts by name, in a TOML file that never holds a key:

    [profiles.shop-eu]
    # the name of an environment variable
    key_env = "SHOP_EU_KEY"
    # optional, as are base_url and revision
    connection = "21fd90f9-..."

  Instead of key_env: key_file = "~/keys/shop-eu", or keyring = "shop-eu", for a key that
  `keyring set klaviyo-analytics shop-eu` has stored. Then: klaviyo-analytics account --profile shop-eu

  The file is the one that KLAVIYO_ANALYTICS_CONFIG names, or else config.toml in
    Linux    ~/.config/klaviyo-analytics
    macOS    ~/Library/Application Support/klaviyo-analytics
    Windows  %LOCALAPPDATA%\\klaviyo-analytics\\klaviyo-analytics
"""
EXAMPLES = """examples:
  klaviyo-analytics demo                                            see a synthetic shop, no key needed
  klaviyo-analytics check                                           find out why an account does not answer
  klaviyo-analytics query campaigns --timeframe "last month"        opens, clicks and revenue of each campaign
  klaviyo-analytics export profiles --to profiles.csv               any list as CSV, Parquet, Excel or JSON lines
  klaviyo-analytics sync archive                                    keep a local copy, then ask it in SQL
  klaviyo-analytics sql archive "select count(*) from events"
  klaviyo-analytics import subscribers new.csv --list Newsletter --plan

Any command that reads an account also takes --demo, which asks the synthetic shop instead.
`klaviyo-analytics check --help` explains how --profile names an account.
"""
ANALYSES = """analyses:
  ab-test attribution attribution-comparison by-segment cohorts conversion-lag coupons
  deliverability-by-provider engagement-tiers fatigue flow-collisions flow-health flow-losses growth-by-source
  holdout-lift klaviyo-rfm lifetime-value links new-and-returning ordered-funnel overlap product-affinity
  repeat-purchase replenishment retention-curves rfm send-times subject-lines touch-rollup year-over-year
"""
SHELLS = ("bash", "zsh", "fish")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after the program's name; those of the process if omitted.

    Returns
    -------
    int
        0 done, 1 an explained error, 2 not a valid command line, 3 done in part, 130 interrupted.
    """
    options = None
    try:
        _prepare_streams()
        options = _parsed(arguments)
        if first := getattr(
            options, "first", ""
        ):  # before the imports, which take longer than a reader waits
            sys.stderr.write(f"{first}\n")
            sys.stderr.flush()
        module, function = options.run.split(":")
        status = int(getattr(import_module(f"klaviyo_analytics.cli.{module}"), function)(options))
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("\nklaviyo-analytics: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe has seen enough
        _drop_output()
        return DONE
    except Exception as error:
        if getattr(options, "debug", False):
            raise
        from klaviyo_analytics._safe_text import printable  # noqa: PLC0415

        said = f"klaviyo-analytics: {printable(_explained(error, options))}"
        sys.stderr.write(fitted(said, sys.stderr) + "\n")
        try:
            sys.stdout.flush()
        except OSError:  # what cannot be written is not tried again as the program ends
            _drop_output()
        return FAILED
    return status


def _drop_output() -> None:
    """Discard what is still to be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; what --help and --version write is out before the program ends, or an error."""
    try:
        return parser().parse_args(arguments)
    finally:
        sys.stdout.flush()


class _Closed:
    """Standard output that was closed before the program began: a result is refused rather than lost."""

    encoding, errors = "utf-8", "strict"

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        """Do nothing: there is nothing to write."""

    def write(self, text: str) -> int:
        raise OSError(f"Standard output is closed, so {len(text)} characters cannot be written.")


def _prepare_streams() -> None:
    """Write UTF-8 into pipes, and escapes for what a terminal cannot show; both streams are there."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  (as long as the program)
    if sys.stdout is None:
        sys.stdout = _Closed()
    for stream in (sys.stdout, sys.stderr):
        change = getattr(stream, "reconfigure", None)
        if change is None:
            continue
        if not stream.isatty() and "PYTHONIOENCODING" not in os.environ:
            change(encoding="utf-8")
        if stream.errors == "strict":
            change(errors="backslashreplace")


def _explained(error: Exception, options: argparse.Namespace | None) -> str:
    """Return an error of ours, or of the system, as it is; any other with its type and what to do about it."""
    from klaviyo_analytics.errors import KlaviyoError  # noqa: PLC0415

    if isinstance(error, UnicodeEncodeError):
        lacking = error.object[error.start]
        return (
            f"Standard output is written in {error.encoding}, which lacks {lacking!a}. "
            "Set PYTHONIOENCODING=utf-8, or pass --json."
        )
    if isinstance(error, (KlaviyoError, OSError)):
        return str(error) if _of_a_command(error) else in_shell_words(str(error), options)
    lines = [line for line in str(error).splitlines() if line.strip()]
    said = f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
    return f"{said}. This error was not expected. The same command with --debug shows where it comes from."


def _of_a_command(error: BaseException) -> bool:
    """Return whether an error was raised in this package, whose errors speak of options and commands themselves."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and str(place.tb_frame.f_globals.get("__name__")).startswith(
        "klaviyo_analytics.cli."
    )


class _Version(argparse.Action):
    """Show the version; it is read only when it is asked for."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002
        values: Any,  # noqa: ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        from klaviyo_analytics import __version__  # noqa: PLC0415

        sys.stdout.write(f"{parser.prog} {__version__}\n")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """Build the parser of the whole command line."""
    top = Parser(
        prog="klaviyo-analytics",
        description="Klaviyo accounts from the command line: read, query, export, keep a copy, import.",
        epilog=EXAMPLES + "\n" + EXIT,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands: _Commands = top.add_subparsers(required=True, metavar="COMMAND")
    _trying(commands)
    _reading(commands)
    _copying(commands)
    _answering(commands)
    _writing(commands)
    shell = _command(commands, "completion", "print a completion script", "completion bash >> ~/.bashrc")
    shell.add_argument("shell", choices=SHELLS)
    shell.set_defaults(run="main:show")
    return top


def _trying(commands: _Commands) -> None:
    demo = _command(
        commands,
        "demo",
        "show an account, and write a report, tables and a chart",
        "demo --out my-demo",
        key=False,
    )
    demo.add_argument("--live", action="store_true", help="your own account instead (read only; needs a key)")
    demo.add_argument("--seed", type=int, default=7, help="another seed makes another sandbox shop")
    demo.add_argument("--out", type=Path, default=Path("klaviyo-demo"), help="folder to write to")
    demo.add_argument("--metric", help="metric to chart; the shop system's orders if omitted")
    demo.set_defaults(run="demo:demo", first="Connecting to an account ...")

    sandbox = _command(
        commands,
        "sandbox",
        "serve a synthetic account on this machine",
        "sandbox --port 8765 --seed 7",
        key=False,
    )
    sandbox.add_argument("--port", type=_port, default=8765, help="0 takes any free port")
    sandbox.add_argument("--seed", type=_count, default=7)
    sandbox.add_argument("--profiles", type=_count, default=8_000)
    sandbox.add_argument("--events", type=_count, default=300_000)
    sandbox.add_argument(
        "--days", type=_count, help="length of the history; two years if omitted, 400 days for a small shop"
    )
    sandbox.add_argument(
        "--text-names", choices=["new", "old"], default="new", help="Received Text Message, or Received SMS"
    )
    sandbox.add_argument(
        "--form-names",
        choices=["new", "old"],
        default="old",
        help="Form submitted by profile, or Submitted Form",
    )
    sandbox.add_argument(
        "--message-ids",
        choices=["own", "campaign"],
        default="own",
        help="by which id reports name the message of a campaign: its own, or the campaign's",
    )
    sandbox.add_argument(
        "--truths",
        default="usual",
        help="what the numbers contain: usual, none, all, or some by name, such as send_hour=0.5,deleted=3",
    )
    sandbox.add_argument("--now", help="the shop's today, such as 2026-06-30; the real day if omitted")
    sandbox.add_argument("--rate-limits", action="store_true", help="answer 429 as Klaviyo would")
    sandbox.add_argument(
        "--own-links", action="store_true", help="links lead to this server, for clients that follow them"
    )
    sandbox.set_defaults(run="demo:sandbox")

    check = _command(commands, "check", "find out what is wrong between here and an account", "check")
    check.epilog = f"{check.epilog}\n\n{PROFILES}"
    check.set_defaults(run="reading:check")


def _reading(commands: _Commands) -> None:
    account = _command(commands, "account", "show the account", "account --json", output=True)
    account.set_defaults(run="reading:account")
    metrics = _command(commands, "metrics", "list the metrics", "metrics --csv", output=True)
    metrics.set_defaults(run="reading:metrics")
    describe = _command(
        commands, "describe", "show what can be asked of a resource", "describe events", output=True
    )
    describe.add_argument("resource", nargs="?", help="such as events; all if omitted")
    describe.set_defaults(run="reading:describe")

    links = _command(commands, "connections", "the gateway's connections", "connections list", output=True)
    links.add_argument("action", choices=("list", "create", "get", "delete"))
    links.add_argument("id", nargs="?", help="a connection's id, for get and delete")
    links.add_argument("--yes", action="store_true", help="delete without asking")
    links.set_defaults(run="reading:connections")

    query = _command(
        commands, "query", "numbers: metric aggregates, campaigns, flows, forms, segments",
        'query aggregate "Placed Order" --integration Shopify --measure count,sum_value --interval week',
        output=True,
    )  # fmt: skip
    query.add_argument(
        "what",
        metavar="what",
        choices=("aggregate", "campaigns", "flows", "forms", "segments"),
        help="aggregate, campaigns, flows, forms or segments",
    )
    query.add_argument("metric", nargs="?", help="name or id of a metric, for aggregate")
    query.add_argument("--integration", help="integration of the metric, where several have the name")
    query.add_argument("--measure", default="count", help="count, sum_value or unique; several with commas")
    query.add_argument("--interval", default="day", help="hour, day, week, month, quarter or year")
    query.add_argument("--by", help="dimension or grain to group by; several with commas")
    query.add_argument("--conversion-metric", metavar="METRIC", help="metric that counts as a conversion")
    _time(query, "last 30 days")
    query.set_defaults(run="reading:query")

    export = _command(
        commands, "export", "write any list to a file",
        "export events --to events.parquet --last 30d --metric 'Placed Order' --integration Shopify",
    )  # fmt: skip
    export.add_argument("resource", help="such as profiles, events, campaigns, lists")
    export.add_argument(
        "--to", type=Path, required=True, help="file: .csv, .parquet, .jsonl, .feather or .xlsx"
    )
    export.add_argument(
        "--filter", help="a filter in Klaviyo's grammar, such as 'greater-than(created,2026-01-01)'"
    )
    export.add_argument("--fields", help="attributes to read, with commas")
    export.add_argument("--metric", help="only events of this metric")
    export.add_argument("--integration", help="integration of the metric, where several have the name")
    export.add_argument("--limit", type=_count, help="at most so many rows")
    _time(export, None)
    export.set_defaults(run="reading:export")


def _copying(commands: _Commands) -> None:
    sync = _command(
        commands, "sync", "bring a local copy up to date", "sync archive events profiles", output=True
    )
    sync.add_argument("folder", help="folder or URL of the copy")
    sync.add_argument("tables", nargs="*", help="tables; all if omitted")
    sync.add_argument("--since", help="day from which events are kept, such as 2025-01-01")
    sync.add_argument(
        "--removals", action="store_true", help="also look for profiles that were deleted at Klaviyo"
    )
    sync.set_defaults(run="reading:sync")

    sql = _command(
        commands, "sql", "ask a local copy in SQL; no key needed",
        'sql archive "select metric_id, count(*) from events group by 1"', key=False, output=True,
    )  # fmt: skip
    sql.add_argument("folder", help="folder or URL of the copy")
    sql.add_argument("query", help="a SELECT statement")
    sql.set_defaults(run="reading:sql")

    verify = _command(
        commands, "verify", "compare a local copy with Klaviyo's counts", "verify archive --cost", output=True
    )
    verify.add_argument("folder", help="folder or URL of the copy")
    verify.add_argument("--cost", action="store_true", help="only show how many calls it takes")
    verify.add_argument("--repair", action="store_true", help="read the months that differ again")
    verify.set_defaults(run="reading:verify")


def _answering(commands: _Commands) -> None:
    analyse = _command(
        commands, "analyse", "an analysis in one line: rfm, cohorts, attribution and others",
        'analyse rfm --timeframe "last 24 months" --csv', output=True,
    )  # fmt: skip
    analyse.epilog = f"{analyse.epilog}\n\n{ANALYSES}"
    analyse.add_argument("analysis", help="a method of client.analyses, such as rfm, send-times or ab")
    analyse.add_argument("--archive", help="read the local copy in this folder instead of the account")
    analyse.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE",
        help="an argument of the method, such as campaign=01ABC; may be repeated",
    )  # fmt: skip
    analyse.add_argument("--metric", help="metric whose events are orders")
    analyse.add_argument("--integration", help="integration of the metric, where several have the name")
    _orders(analyse)
    _time(analyse, None)
    analyse.set_defaults(run="reading:analyse")

    report = _command(
        commands, "report", "write a performance report",
        'report "last month" --to report.html',
    )  # fmt: skip
    report.add_argument("timeframe", help="such as 'last month', or a reports.toml for several accounts")
    report.add_argument("--to", type=Path, help="file: .html, .xlsx, .md or .pdf; or a folder")
    report.add_argument(
        "--compare", choices=("previous_period", "last_year", "none"), help="previous_period if omitted"
    )
    report.add_argument("--conversion-metric", metavar="METRIC", help="metric that counts as a conversion")
    report.add_argument("--integration", help="integration of the metric, where several have the name")
    _orders(report)
    report.add_argument("--archive", help="make it of the local copy in this folder instead of the account")
    report.add_argument(
        "--privacy", choices=("aggregate", "hashed", "full"), help="aggregate, which names nobody, if omitted"
    )
    report.add_argument(
        "--language", help="language of dates and numbers, such as de or pt-BR; words stay English"
    )
    report.set_defaults(run="reading:report")

    run = _command(
        commands, "run", "execute a notebook and write it as a page without code",
        "run notebook.ipynb -p timeframe='last month' -o out.html", key=False,
    )  # fmt: skip
    run.add_argument("notebook", type=Path)
    run.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    run.add_argument("-o", "--out", type=Path, help="page to write; beside the notebook if omitted")
    run.set_defaults(run="reading:run")


def _writing(commands: _Commands) -> None:
    bring = _command(
        commands, "import", "profiles, subscribers, events or members from a file",
        "import subscribers new.csv --list Newsletter --plan", output=True,
    )  # fmt: skip
    bring.add_argument("what", choices=("profiles", "subscribers", "events", "members"))
    bring.add_argument("file", type=Path, help="CSV, XLSX or Parquet")
    mode = bring.add_mutually_exclusive_group()
    mode.add_argument("--plan", action="store_true", help="only show what would be sent (default)")
    mode.add_argument("--apply", action="store_true", help="send it")
    bring.add_argument("--list", help="name or id of the list to subscribe or add to")
    bring.add_argument("--metric", help="metric of the events")
    bring.add_argument("--consent", help="column that holds each person's consent")
    bring.add_argument(
        "--column", action="append", default=[], metavar="NAME=ATTRIBUTE",
        help="profiles, subscribers and events: what a column becomes, such as 'Mail=email'; 'NAME=' leaves it out",
    )  # fmt: skip
    bring.add_argument(
        "--property", action="append", default=[], metavar="NAME",
        help="profiles and subscribers: a column to keep as a custom property; 'rest' for all unknown columns",
    )  # fmt: skip
    bring.add_argument(
        "--on-duplicate",
        choices=("error", "first", "last"),
        help="which of several rows of one person is sent; error, which sends none, if omitted",
    )
    bring.add_argument("--phone-region", help="country of phone numbers without a country code, such as US")
    bring.add_argument(
        "--date-format",
        action="append",
        default=[],
        metavar="FORMAT",
        help="how dates are written, such as %%d/%%m/%%Y; or NAME=FORMAT for a column, which may be repeated",
    )
    bring.add_argument(
        "--journal", type=Path, help="events and members: file that notes what was sent, for resume"
    )
    bring.add_argument(
        "--rejects",
        type=Path,
        help="profiles and subscribers: new file for invalid and failed rows, with reasons; implies --skip-invalid",
    )
    bring.add_argument(
        "--skip-invalid", action="store_true", help="send the valid rows although others are not"
    )
    bring.add_argument("--confirm", action="store_true", help="confirm what the plan asks for")
    _patience(bring)
    bring.set_defaults(run="writing:bring")

    resume = _command(
        commands, "resume", "go on with an interrupted import", "resume new.journal", output=True
    )
    resume.add_argument("journal", type=Path)
    _patience(resume)
    resume.set_defaults(run="writing:resume")


def _patience(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="wait at most so long for each job of the server; a day if omitted",
    )


def _command(
    commands: _Commands,
    name: str,
    summary: str,
    example: str,
    *,
    key: bool = True,
    output: bool = False,
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  klaviyo-analytics {example}",
    )
    made.add_argument("--debug", action="store_true", help="show the traceback of an error")
    if key:
        which = made.add_argument_group(
            "which account", "A key comes from the environment or a file, never from here."
        )
        which.add_argument("--connection", help="id of a gateway's connection")
        which.add_argument("--base-url", help="host and path before /api, if it is not the usual one")
        which.add_argument("--key-file", type=Path, help="file whose only line is the key")
        which.add_argument(
            "--profile", help="section of the configuration file; see `klaviyo-analytics check --help`"
        )
        which.add_argument("--revision", help="revision of the API, such as 2026-01-15")
        which.add_argument("--demo", action="store_true", help="the synthetic shop instead of an account")
    if output:
        how = made.add_argument_group(
            "output", "A table on a terminal, CSV in a pipe."
        ).add_mutually_exclusive_group()
        how.add_argument("--json", action="store_true", help="a JSON object per row")
        how.add_argument("--csv", action="store_true", help="CSV, with values as they are")
        how.add_argument("--table", action="store_true", help="a table, in a pipe too")
    return made


def _orders(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--orders", action="append", default=[], metavar="NAME=VALUE",
        help="which orders count, such as renewals=no, currency=EUR or without_tags=gift,staff; may be repeated",
    )  # fmt: skip


def _time(made: argparse.ArgumentParser, default: str | None) -> None:
    when = made.add_mutually_exclusive_group()
    when.add_argument("--timeframe", default=default, help="such as 'last month', '2026-Q2' or 'ytd'")
    when.add_argument("--last", help="such as 30d or 12w")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 100_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number between 0 and 100,000,000")
    return int(text)


def _port(text: str) -> int:
    if _count(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; ports end at 65535")
    return int(text)


BASH = """_klaviyo_analytics() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}"
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
    [ "${{#COMPREPLY[@]}}" -eq 0 ] && COMPREPLY=($(compgen -f -- "$word"))
}}
complete -F _klaviyo_analytics klaviyo-analytics
"""


def show(options: argparse.Namespace) -> int:
    """Print the script of a shell."""
    known = words()
    if options.shell == "fish":
        lines = [f"complete -c klaviyo-analytics -n __fish_use_subcommand -f -a {name}" for name in known] + [
            f"complete -c klaviyo-analytics -n '__fish_seen_subcommand_from {name}' -l {option[2:]}"
            for name, given in known.items()
            for option in given
            if option.startswith("--")
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        return DONE
    cases = "\n".join(
        f'        {name}) COMPREPLY=($(compgen -W "{" ".join(given)}" -- "$word"));;'
        for name, given in known.items()
    )
    start = "autoload -U +X bashcompinit && bashcompinit\n" if options.shell == "zsh" else ""
    sys.stdout.write(start + BASH.format(commands=" ".join(known), cases=cases))
    return DONE


def words() -> Mapping[str, list[str]]:
    """Return each command with its options and fixed arguments."""
    commands = next(one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    found: dict[str, list[str]] = {}
    for name, made in commands.choices.items():
        given: list[str] = []
        for action in made._actions:
            given += action.option_strings or [str(choice) for choice in action.choices or ()]
        found[name] = given
    return found
