"""What `klaviyo-analytics demo` shows: an account in a few tables, a chart, and where to go from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from klaviyo_analytics._csv import NOTE, write_csv
from klaviyo_analytics._terminal import printable, printable_frame
from klaviyo_analytics.errors import NoMatchError
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
