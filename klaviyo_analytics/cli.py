"""klaviyo-analytics: see an account from the command line, or serve a sandbox one."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from klaviyo_analytics.errors import KlaviyoError

if TYPE_CHECKING:
    from klaviyo_analytics.client import KlaviyoClient


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
    from klaviyo_analytics._tour import tour  # noqa: PLC0415  (pandas and matplotlib load with it)

    with _client(options) as client:
        tour(client, folder=options.out, metric=options.metric, say=print, live=options.live)
    return 0


def _check(options: argparse.Namespace) -> int:
    import klaviyo_analytics as ka  # noqa: PLC0415
    from klaviyo_analytics._findings import without_client  # noqa: PLC0415

    try:
        with ka.connect(connection=options.connection, base_url=options.base_url) as client:
            report = client.check()
    except ka.errors.ConfigurationError as error:
        report = without_client(error)
    print(report)  # noqa: T201
    return 0 if report.ok else 1


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
    from klaviyo_analytics._demo import sandbox_class  # noqa: PLC0415

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
