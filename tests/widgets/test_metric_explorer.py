"""The metric explorer, without a browser."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import ipywidgets
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas.testing import assert_frame_equal

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, NoMatchError, PermissionDeniedError
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import MetricExplorer, MetricPicker
from tests.widgets import accounts
from tests.widgets.conftest import PATIENCE, open_widgets

AGGREGATES = "/api/metric-aggregates"
pytestmark = pytest.mark.usefixtures("no_widget_left")


@pytest.fixture
def explorer(client: KlaviyoClient) -> Iterator[MetricExplorer]:
    explorer = MetricExplorer(client)
    explorer.state.dates.first_day, explorer.state.dates.last_day = date(2026, 5, 1), date(2026, 5, 31)
    yield explorer
    explorer.close()


def asked(sandbox: Sandbox) -> int:
    return sum(record.path == AGGREGATES for record in sandbox.requests)


def lines_of(axes: Axes) -> list[str]:
    return [str(line.get_xydata()) for line in axes.lines]  # as text: a gap is not equal to itself


def test_nothing_is_asked_until_run(explorer: MetricExplorer, sandbox: Sandbox) -> None:
    before = asked(sandbox)
    explorer.metrics.choose("Opened Email")
    explorer.state.measurement = "unique"
    explorer.state.dates.comparison = "previous period"
    explorer.state.dimensions.selected = ("Email Domain",)
    assert asked(sandbox) == before
    assert explorer.frame is None
    explorer.run()
    assert asked(sandbox) == before + 2


@pytest.mark.parametrize("chart", ["lines", "small_multiples"])
@pytest.mark.parametrize("comparison", ["none", "previous period", "same period last year"])
@pytest.mark.parametrize(
    ("names", "by"),
    [
        (["Opened Email"], []),
        (["Placed Order (Shopify)"], ["$attributed_channel"]),
        (["Placed Order (Shopify)", "Placed Order (Point of Sale)"], []),
        (["Opened Email", "Clicked Email"], ["Inbox Provider", "Email Domain"]),
    ],
    ids=["one", "grouped", "same name", "several of both"],
)
def test_the_code_makes_the_same_frame_and_charts(
    explorer: MetricExplorer,
    client: KlaviyoClient,
    names: list[str],
    by: list[str],
    comparison: str,
    chart: str,
) -> None:
    explorer.metrics.choose(*names)
    explorer.state.dimensions.selected = tuple(by)
    explorer.state.dates.comparison, explorer.state.chart = comparison, chart
    frame = explorer.run()
    made: dict[str, Any] = {"ka": ka, "client": client}
    *lines, drawing = explorer.state.code.rsplit("ka.plots", 1)
    exec("".join(lines), made)
    drawn = eval("ka.plots" + drawing, made)
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    try:
        assert_frame_equal(frame, made["frame"])
        assert explorer.axes is not None
        shown = explorer.axes.get_figure(root=True)
        assert shown is not None
        assert [lines_of(axes) for axes in shown.axes] == [lines_of(axes) for axes in figure.axes]
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        assert [axes.get_title(loc="left") for axes in shown.axes] == titles
        assert plt.get_fignums() == [figure.number] if hasattr(figure, "number") else True
    finally:
        plt.close(figure)


def test_messages_and_the_chart_say_which_of_two_metrics_of_a_name_it_is(explorer: MetricExplorer) -> None:
    explorer.metrics.choose(("Placed Order", "Shopify"))
    explorer.run()
    assert "for Placed Order (Shopify), " in explorer.state.run.message
    assert "Line chart of Placed Order (Shopify): " in explorer.results._chart.value


def test_several_metrics_and_dimensions_make_a_line_each(explorer: MetricExplorer) -> None:
    explorer.metrics.choose("Opened Email", "Clicked Email")
    explorer.state.dimensions.selected = ("Inbox Provider", "Email Domain")
    frame = explorer.run()
    groups = frame[["metric", "inbox_provider", "email_domain"]].drop_duplicates()
    assert len(groups) > 2
    assert explorer.axes is not None
    assert len([line for line in explorer.axes.lines if line.get_gid() != "unfinished"]) >= len(groups)


def test_another_chart_asks_for_nothing(explorer: MetricExplorer, sandbox: Sandbox) -> None:
    explorer.metrics.choose("Opened Email", "Clicked Email")
    frame, before = explorer.run(), asked(sandbox)
    explorer.state.chart = "small_multiples"
    assert explorer.axes is not None
    figure = explorer.axes.get_figure(root=True)
    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Opened Email", "Clicked Email"]
    assert 'ka.plots.small_multiples(frame, y="count", by="metric")' in explorer.state.code
    assert asked(sandbox) == before
    assert explorer.frame is frame
    assert plt.get_fignums() == []


def test_relative_days_stay_relative_in_the_code(explorer: MetricExplorer) -> None:
    explorer.metrics.choose("Opened Email")
    explorer.state.dates.preset = "last month"
    assert 'timeframe="last month"' in explorer.state.code


def test_what_is_missing_is_said_and_refused(explorer: MetricExplorer) -> None:
    assert explorer.state.problem == "Choose at least one metric."
    with pytest.raises(InvalidInputError, match="at least one metric"):
        explorer.run()
    explorer.metrics.choose("Opened Email")
    assert explorer.state.problem == ""
    explorer.state.dates.last_day = date(2026, 4, 1)
    assert "is before the first" in explorer.state.problem


def test_an_error_keeps_what_was_there_and_the_next_run_works(
    explorer: MetricExplorer, sandbox: Sandbox
) -> None:
    explorer.metrics.choose("Opened Email")
    first = explorer.run()
    sandbox.faults.add(path=AGGREGATES, status=403)
    with pytest.raises(PermissionDeniedError):
        explorer.run()
    assert explorer.state.run.status == "failed"
    assert "403" in explorer.state.run.message
    assert explorer.frame is first
    assert_frame_equal(explorer.run(), first)


def test_the_run_button_works_in_a_thread_and_cancel_drops_its_answer(
    explorer: MetricExplorer, client: KlaviyoClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer.metrics.choose("Opened Email", "Clicked Email", "Received Email")
    answered, go, send = threading.Event(), threading.Event(), client._api.transport._attempt
    attempts: list[object] = []

    def slow(*args: object, **kwargs: object) -> object:
        """Hold the answer back: the sandbox has counted the request by then, whatever Cancel does after that."""
        attempts.append(args)
        answer = send(*args, **kwargs)  # type: ignore[arg-type]
        answered.set()
        assert go.wait(PATIENCE)
        return answer

    monkeypatch.setattr(client._api.transport, "_attempt", slow)
    before = asked(sandbox)
    explorer.start()
    job = explorer._loader._job
    assert job is not None
    assert job.thread is not None
    assert answered.wait(PATIENCE)
    explorer.cancel()
    go.set()
    job.thread.join(PATIENCE)
    assert explorer.state.run.status == "cancelled"
    assert explorer.frame is None
    assert (len(attempts), asked(sandbox) - before) == (1, 1)  # of three, the one that was under way


def test_a_hundred_runs_and_choices_leave_no_more_than_one(explorer: MetricExplorer) -> None:
    explorer.metrics.choose("Opened Email", "Clicked Email", "Received Email")
    explorer.run()
    widgets, figures = len(open_widgets()), plt.get_fignums()
    ids = explorer.state.metrics.selected
    for click in range(100):
        explorer.state.metrics.toggle(ids[click % 3])
        explorer.state.metrics.search = "order" * (click % 2)
        explorer.state.dates.preset = "last 7 days" if click % 2 else "last 30 days"
    explorer.metrics.choose("Opened Email")
    for _ in range(3):
        explorer.start()
        explorer._loader.join(PATIENCE)
    assert explorer.state.run.status == "done"
    assert (len(open_widgets()), plt.get_fignums()) == (widgets, figures)
    # the sandbox's own threads come and go with its connections
    assert [each for each in threading.enumerate() if each.name == "klaviyo-widget"] == []


def test_what_is_run_most_comes_first_next_time(explorer: MetricExplorer, client: KlaviyoClient) -> None:
    explorer.metrics.choose("Subscribed to List")
    explorer.run()
    again = MetricPicker(client)
    assert again.state.options[0].name == "Subscribed to List"
    assert again.state.options[1].name == "Placed Order"
    again.close()


def test_two_pickers_show_one_choice(explorer: MetricExplorer, client: KlaviyoClient) -> None:
    other = MetricPicker(client, state=explorer.state.metrics)
    other.choose("Opened Email")
    assert explorer.metrics.value == ["Opened Email"]
    assert explorer.metrics._chip_pool[0].description == "Opened Email ×"
    other.close()
    explorer.metrics.choose("Clicked Email")
    with pytest.raises(NoMatchError, match="No metric is called 'x'"):
        explorer.metrics.choose("x")


def test_peoples_numbers_cannot_be_grouped_by(explorer: MetricExplorer) -> None:
    offered = {option.id for option in explorer.state.dimensions.options}
    assert "$attributed_channel" in offered
    assert not {"From Number", "To Number"} & offered


def test_names_are_escaped(explorer: MetricExplorer) -> None:
    explorer.state.metrics.offer([ka.widgets.Option("x", "<img src=x>", "<b>")])
    explorer.state.metrics.toggle("x")
    written = [w.value for w in open_widgets().values() if isinstance(w, ipywidgets.HTML)]
    assert not any("<img src=x>" in value or "<b>" in value for value in written)


def test_the_status_tells_the_names_of_metrics_apart_and_counts_the_rest(explorer: MetricExplorer) -> None:
    names = ["Clicked Email", "Opened Email", "Received Email", "Bounced Email"]
    explorer.metrics.choose(*names[:2])
    explorer.run()
    assert explorer.state.asked.subject.startswith("Clicked Email, Opened Email, 2026-")
    explorer.metrics.choose(*names)
    explorer.run()
    assert explorer.state.asked.subject.startswith(
        "Clicked Email, Opened Email, Received Email and 1 more, 2026-"
    )


def test_files_are_written_beside_the_notebook_and_never_overwritten(
    explorer: MetricExplorer, tmp_path: Path
) -> None:
    explorer.metrics.choose("Opened Email")
    frame = explorer.run()
    results = explorer.results
    for format in ("CSV", "CSV", "Parquet", "PNG"):
        results._format.value = format
        results._save.click()
    stem = "opened_email_2026_05_01_to_2026_05_31"
    names = {f"{stem}.csv", f"{stem}-2.csv", f"{stem}.parquet", f"{stem}.png"}
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("opened")} == names
    assert_frame_equal(pd.read_parquet(tmp_path / f"{stem}.parquet"), frame)
    assert len(pd.read_csv(tmp_path / f"{stem}.csv")) == len(frame)
    assert (tmp_path / f"{stem}.png").read_bytes().startswith(b"\x89PNG")


def test_a_picker_that_cannot_read_says_so_and_tries_again(client: KlaviyoClient, sandbox: Sandbox) -> None:
    sandbox.faults.add(path="/api/metrics", status=403)
    picker = MetricPicker(client)
    assert "403" in picker.state.problem
    assert "403" in picker._place.value
    picker._again.click()
    assert picker.state.problem == ""
    assert len(picker.state.options) == len(client.metrics.known())
    picker.close()


def test_ipywidgets_is_imported_only_when_widgets_are_used() -> None:
    source = (
        "import sys, klaviyo_analytics as ka; assert 'ipywidgets' not in sys.modules; "
        "ka.widgets; assert 'ipywidgets' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


def test_an_account_without_metrics_says_so() -> None:
    with Sandbox(account=accounts.empty()) as sandbox:
        client = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
        explorer = MetricExplorer(client)
        assert "This account has no metrics." in explorer.metrics._place.value
        assert explorer._run.disabled
        explorer.close()
        client.close()


def test_five_hundred_metrics_make_no_more_widgets_than_thirty(client: KlaviyoClient) -> None:
    few = MetricPicker(client)
    size = len(open_widgets())
    few.close()
    with Sandbox(account=accounts.with_many_metrics()) as sandbox:
        other = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
        many = MetricPicker(other)
        assert len(many.state.options) == 500
        assert len(open_widgets()) == size
        assert many.state.groups[-1] == "Shopify"
        many.state.search = "event 499"
        assert [label for label, _ in many._list.options] == ["Custom event 499 (Integration 4)"]
        many.close()
        other.close()
