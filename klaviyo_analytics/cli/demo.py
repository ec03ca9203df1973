"""Commands to try the package with: demo shows an account, sandbox serves one."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from klaviyo_analytics._safe_text import NOTE, write_csv
from klaviyo_analytics.cli.main import DONE
from klaviyo_analytics.cli.output import BOLD, note, say, table
from klaviyo_analytics.errors import InvalidInputError, MissingExtraError, NoMatchError
from klaviyo_analytics.timeframe.words import answered

if TYPE_CHECKING:
    from klaviyo_analytics.client import KlaviyoClient

ORDERS = "Placed Order"
WEEKS = 12
# What most accounts have, in the order in which people read it; six of them fit on a screen.
FAMILIAR = (
    ORDERS, "Received Email", "Opened Email", "Clicked Email", "Received Text Message", "Received SMS",
    "Started Checkout", "Checkout Started", "Viewed Product", "Clicked Text Message", "Refunded Order",
)  # fmt: skip
MOST = 6
BARS = "▁▂▃▄▅▆▇█"
CAMPAIGN_COLUMNS = [
    "campaign", "channel", "send_time", "recipients", "delivered", "opens_unique", "clicks_unique",
    "conversions", "conversion_value", "currency", "open_rate", "click_rate", "revenue_per_recipient", "campaign_id",
]  # fmt: skip
FLOW_COLUMNS = ["flow", "channel", *CAMPAIGN_COLUMNS[3:-1], "flow_id"]
NEXT = """In a notebook: import klaviyo_analytics as ka; client = {connect}
  client.campaigns.summary("last 90 days", conversion_metric={metric}){key}"""
KEY = """
Your account: set MATON_API_KEY or KLAVIYO_API_KEY, then klaviyo-analytics demo --live"""


def demo(options: argparse.Namespace) -> int:
    """Show an account, and write tables and a chart into a folder."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    if not options.live:
        note("Building a synthetic shop on this machine ...")
    with ka.connect() if options.live else ka.demo(seed=options.seed) as client:
        tour(client, folder=options.out, metric=options.metric, live=options.live)
    return DONE


def tour(client: KlaviyoClient, *, folder: Path, metric: str | None = None, live: bool = False) -> None:
    """Print an account's key numbers and its last twelve weeks; write tables and a chart into a folder."""
    account = client.account
    about = f"times in {account['timezone']}, money in {account['preferred_currency']}"
    say(f"{account['contact_information.organization_name']} ({account['id']}), {about}", BOLD)

    metrics = client.metrics.list().sort_values(["integration.name", "name"], ignore_index=True)
    chosen = client.metrics.get(metric_id(metrics, metric or ORDERS))
    year = client.metric_aggregates.query(
        chosen, measurements=["count", "sum_value", "unique"], interval="week", timeframe="last 52 weeks"
    )
    weekly = year.tail(WEEKS).reset_index(drop=True)
    money = str(account["preferred_currency"])
    source = chosen["integration.name"]
    label = f"{chosen['name']}{f' ({source})' if pd.notna(source) else ''}"
    say(_headline(year, money))
    say(f"revenue by week, one year: {sparkline(year['sum_value'])}\n")

    counts = _familiar(client, metrics, str(chosen["id"]))
    say(f"{len(counts)} of {len(metrics)} metrics, last {WEEKS} weeks", BOLD)
    say(table(counts) + "\n")
    say(f"{label}, last {WEEKS} weeks", BOLD)
    say(table(_weeks(weekly, money)) + "\n")

    note("Reading campaigns and flows ...")
    campaigns = client.campaigns.summary("last 90 days", conversion_metric=chosen)
    flows = client.flows.summary("last 90 days", conversion_metric=chosen)
    written = {
        "campaigns.csv": campaigns[[name for name in CAMPAIGN_COLUMNS if name in campaigns.columns]],
        "flows.csv": flows[[name for name in FLOW_COLUMNS if name in flows.columns]],
        "weekly.csv": weekly,
        "year.csv": year,
        "metrics.csv": metrics,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in written.items():
        (folder / name).unlink(missing_ok=True)
        write_csv(frame, folder / name)
    _chart(year, folder / "revenue.png", str(chosen["name"]))
    files = [*_report(client, folder / "report.html", chosen, live=live), "revenue.png", *written]
    say(f"Wrote to {folder}: {', '.join(files)}.\n{NOTE}\n")
    shared = (metrics["name"] == chosen["name"]).sum() > 1
    say(
        NEXT.format(
            connect="ka.connect()" if live else "ka.demo()",
            metric=repr((chosen["name"], source)) if shared else repr(chosen["name"]),
            key="" if live else KEY,
        )
    )


def _report(client: KlaviyoClient, path: Path, metric: pd.Series[Any], *, live: bool) -> list[str]:
    """Write the report of the last 30 days; without what the extra `report` brings, say so and go on."""
    import klaviyo_analytics as ka  # noqa: PLC0415

    wait = "; Klaviyo allows two report queries a minute, and this takes five" if live else ""
    note(f"Writing the report of the last 30 days{wait} ...")
    # A comparison would take three more report queries of an account's 225 a day.
    compare: Literal["previous_period"] | None = None if live else "previous_period"
    report = ka.report.performance(client, "last 30 days", compare=compare, conversion_metric=metric)
    try:
        report.to_html(path)
    except MissingExtraError as error:
        note(str(error))
        return []
    for chapter, reason in report.failures.items():
        note(f"The chapter {chapter!r} could not be made. {reason}")
    return [path.name]


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


def sparkline(values: pd.Series[float]) -> str:
    """Draw numbers as a line of bars, lowest to highest; a missing number is a blank.

    Examples
    --------
    >>> sparkline(pd.Series([0.0, 5.0, None, 10.0]))
    '▁▅ █'
    """
    numbers = values.astype("float64")
    low, span = numbers.min(), (numbers.max() - numbers.min()) or 1.0
    return "".join(" " if pd.isna(one) else BARS[int((one - low) / span * 7 + 0.5)] for one in numbers)


def _headline(year: pd.DataFrame, money: str) -> str:
    last, before = year.iloc[-WEEKS:], year.iloc[-2 * WEEKS : -WEEKS]
    revenue, orders = last["sum_value"].sum(), int(last["count"].sum())
    parts = [
        f"last {WEEKS} weeks: {revenue:,.0f} {money} revenue{_change(revenue, before['sum_value'].sum())}",
        f"{orders:,} orders{_change(orders, before['count'].sum())}",
    ]
    if orders:
        parts.append(f"{revenue / orders:,.2f} {money} per order")
    return " · ".join(parts)


def _change(now: float, before: float) -> str:
    return f" ({(now - before) / before:+.0%})" if before > 0 else ""


def _familiar(client: KlaviyoClient, metrics: pd.DataFrame, orders: str) -> pd.DataFrame:
    """Count the metrics that most people ask for first; of those with the name of orders, only the chosen one."""
    order = {name: place for place, name in enumerate(FAMILIAR)}
    chosen = metrics[metrics["name"].isin(FAMILIAR) & (metrics["name"].ne(ORDERS) | metrics["id"].eq(orders))]
    chosen = chosen.sort_values("name", key=lambda names: names.map(order), kind="stable").head(MOST)
    frame = client.metric_aggregates.query(
        [client.metrics.get(id) for id in chosen["id"]], interval="week", timeframe=f"last {WEEKS} weeks"
    )
    rows = []
    for id, name, source in chosen[["id", "name", "integration.name"]].itertuples(index=False):
        counts = frame.loc[frame["metric_id"] == id, "count"]
        rows.append((name, "" if pd.isna(source) else source, f"{int(counts.sum()):,}", sparkline(counts)))
    return pd.DataFrame(rows, columns=["metric", "from", "events", "by week"])


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

    from klaviyo_analytics.plots import metric_trend  # noqa: PLC0415

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    metric_trend(frame, y="sum_value", title=f"{name}: revenue by week", ax=figure.subplots())
    figure.savefig(path, dpi=150)


def sandbox(options: argparse.Namespace) -> int:
    """Serve a synthetic account on this machine until Ctrl-C."""
    from klaviyo_analytics._connect import sandbox_class  # noqa: PLC0415

    try:
        served = sandbox_class()(
            port=options.port,
            seed=options.seed,
            profiles=options.profiles,
            events=options.events,
            days=options.days,
            text_names=options.text_names,
            form_names=options.form_names,
            message_ids=options.message_ids,
            truths=_truths(options.truths),
            rate_limits=options.rate_limits,
            own_links=options.own_links,
            now=_day(options.now) if options.now else int(time.time()),
        )
    except ValueError as problem:
        raise InvalidInputError(str(problem)) from None
    lines: Sequence[str] = [
        served.url,
        "In the environment, for a gateway:",
        f"  KLAVIYO_BASE_URL={served.gateway_url}",
        f"  MATON_API_KEY={served.maton_key}",
        f"  MATON_CTRL_URL={served.control_url}",
        "or for Klaviyo:",
        f"  KLAVIYO_BASE_URL={served.direct_url}",
        f"  KLAVIYO_API_KEY={served.api_key}",
        "Press Ctrl-C to stop.",
    ]
    print("\n".join(lines), flush=True)  # noqa: T201  (at once, for programs that wait for the first line)
    served.serve_forever()
    return DONE


def _truths(text: str) -> str | dict[str, object]:
    """Read `send_hour=0.5,deleted=3`; a word is left as it is."""
    if "=" not in text:
        return text
    found: dict[str, object] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            value = float(number)
        except ValueError:
            raise InvalidInputError(
                f"--truths {part!r} is not a name and a number such as send_hour=0.5."
            ) from None
        found[name.strip()] = int(value) if name.strip() == "deleted" and value.is_integer() else value
    return found


def _day(text: str) -> int:
    moment = answered(text)
    if moment is None:
        raise InvalidInputError(f"--now {text!r} is not a day such as 2026-06-30.")
    return int(moment.timestamp())
