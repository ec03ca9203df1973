"""Which files and functions a call passes: `python -m tests.benchmarks.journeys`.

Four journeys through the package are traced, each in the calling thread and in every thread that it starts. Printed
for each are the files, the functions, the calls that cross files, and how many pairs of files call each other in both
directions. The figures show where a subject has been cut across files; gluing files together only to lower them would
be no gain.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd

import klaviyo_analytics as ka

PACKAGE = str(Path(ka.__file__).parent)
APART = str(Path(PACKAGE) / "sandbox")
ORDERS = ("Placed Order", "Shopify")


class Trace:
    """The functions of the package that ran, and who called whom."""

    def __init__(self) -> None:
        self.functions: set[tuple[str, str]] = set()
        self.calls: set[tuple[tuple[str, str], tuple[str, str]]] = set()

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or (here := _place(frame)) is None:
            return
        self.functions.add(here)
        caller = frame.f_back
        while caller is not None and _place(caller) is None:
            caller = caller.f_back
        if caller is not None and (there := _place(caller)) is not None and there[0] != here[0]:
            self.calls.add((there, here))

    @property
    def files(self) -> set[str]:
        return {file for file, _ in self.functions}

    @property
    def both_ways(self) -> int:
        """Pairs of files that call each other in both directions."""
        pairs = {(a[0], b[0]) for a, b in self.calls}
        return sum((b, a) in pairs for a, b in pairs) // 2


def _place(frame: FrameType) -> tuple[str, str] | None:
    file = frame.f_code.co_filename
    if not file.startswith(PACKAGE) or file.startswith(APART):
        return None
    return file, frame.f_code.co_qualname


def traced(journey: Callable[[], object]) -> Trace:
    """Run a journey under a profiler, its threads included."""
    trace = Trace()
    threading.setprofile(trace)
    sys.setprofile(trace)
    try:
        journey()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return trace


def main() -> None:
    """Trace the four journeys and print a line for each."""
    with ka.demo(profiles=200, events=4_000) as client:
        metric = client.metrics.find(name=ORDERS[0], integration=ORDERS[1])
        client.account  # noqa: B018  (read once, so that no journey pays for it)
        scores = pd.DataFrame({"id": client.profiles.list(limit=20)["id"], "score": range(20)})

        def write() -> object:
            plan = client.profiles.plan_upsert(scores, key="id", columns={"score": "properties.score"})
            return plan.apply().rows

        def summarise() -> object:
            return client.campaigns.summary("last 30 days")["opens"].sum()

        def explore() -> object:
            explorer = ka.widgets.MetricExplorer(client)
            explorer.metrics.choose(ORDERS)
            explorer.run()
            return explorer.axes

        journeys: dict[str, Callable[[], object]] = {
            "events.list -> a cell": lambda: client.events.list(metric=metric, limit=50)["datetime"].iloc[0],
            "plan_upsert + apply -> a result row": write,
            "campaigns.summary -> a number": summarise,
            "an explorer's Run -> a chart": explore,
        }
        print(f"{'journey':<38}{'files':>7}{'functions':>11}{'calls across':>14}{'both ways':>11}")
        for name, journey in journeys.items():
            trace = traced(journey)
            print(
                f"{name:<38}{len(trace.files):>7}{len(trace.functions):>11}{len(trace.calls):>14}{trace.both_ways:>11}"
            )


if __name__ == "__main__":
    main()
