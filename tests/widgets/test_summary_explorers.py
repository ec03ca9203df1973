"""The explorers of campaigns and flows, and the pickers of an account's things."""

from __future__ import annotations

import re
import threading
import time
from datetime import date

import matplotlib.pyplot as plt
import pytest
from pandas.testing import assert_frame_equal

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, NoMatchError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.http.rate_limits import Pacer
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import (
    CampaignExplorer,
    CampaignPicker,
    FlowExplorer,
    FlowPicker,
    ListPicker,
    MetricExplorer,
    SegmentPicker,
)
from tests.widgets import accounts
from tests.widgets.conftest import PATIENCE

pytestmark = pytest.mark.usefixtures("no_widget_left")
DAYS = ("2026-04-01", "2026-07-01")


def reports(sandbox: Sandbox) -> int:
    return sum("-reports" in record.path for record in sandbox.requests)


def budget(client: KlaviyoClient) -> int:
    left = client.reports.budget().set_index("report")["left"]
    return int(left["campaign_values"])


@pytest.mark.parametrize("explorer_class", [CampaignExplorer, FlowExplorer])
@pytest.mark.parametrize("by_message", [False, True])
def test_the_code_makes_the_same_frame_and_chart(
    explorer_class: type[CampaignExplorer | FlowExplorer], client: KlaviyoClient, *, by_message: bool
) -> None:
    explorer = explorer_class(client)
    days = ka.Timeframe(*DAYS, timezone="UTC")
    explorer.state.dates.first_day, explorer.state.dates.last_day = days.start.date(), days.end.date()
    explorer.conversion.choose("Placed Order (Shopify)")
    explorer.state.by = "message" if by_message else explorer.state.by
    frame = explorer.run()
    assert len(frame)
    made: dict[str, object] = {"ka": ka, "client": client}
    lines, chart = explorer.state.code.rsplit("ka.plots", 1)
    exec(lines, made)
    axes = eval("ka.plots" + chart, made)
    assert_frame_equal(frame, made["frame"])  # type: ignore[arg-type]
    assert explorer.axes is not None
    assert [str(bar) for bar in explorer.axes.patches] == [str(bar) for bar in axes.patches]
    plt.close(axes.figure)
    explorer.close()


def test_another_chart_costs_no_report_and_the_budget_is_shown(
    client: KlaviyoClient, sandbox: Sandbox
) -> None:
    explorer = CampaignExplorer(client)
    assert "225 of 225" in explorer._budget.value
    explorer.state.dates.first_day, explorer.state.dates.last_day = date(2026, 4, 1), date(2026, 6, 1)
    explorer.run()
    assert "224 of 225" in explorer._budget.value
    before, axes = reports(sandbox), explorer.axes
    explorer.state.measure = "open_rate"
    assert explorer.axes is not axes
    assert 'by="open_rate"' in explorer.state.code
    explorer.state.chart = "campaign_scatter"
    assert 'ka.plots.campaign_scatter(frame, y="open_rate")' in explorer.state.code
    assert reports(sandbox) == before
    explorer.close()


def test_cancel_while_the_limits_make_it_wait_sends_nothing_and_takes_no_report(
    client: KlaviyoClient, sandbox: Sandbox
) -> None:
    explorer, told = CampaignExplorer(client), threading.Event()
    run = explorer.state.run
    run.observe(lambda _change: told.set() if "Waiting" in run.message else None, names="message")
    endpoint = client._api.catalog["query_campaign_values"]
    client._api.paced = True
    client._api.transport.pacer = Pacer(clock=time.monotonic, sleep=cancellation.sleep)  # which really waits
    client._api.transport.pacer.close(client._api._buckets(endpoint, {})[0], 200.0)
    before, left = reports(sandbox), budget(client)
    explorer.start()
    thread = explorer._loader._job.thread if explorer._loader._job else None
    assert thread is not None
    assert told.wait(PATIENCE)
    explorer.cancel()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert (reports(sandbox), budget(client)) == (before, left)
    explorer.close()


@pytest.mark.parametrize(
    ("picker_class", "noun"),
    [
        (ListPicker, "lists"),
        (SegmentPicker, "segments"),
        (CampaignPicker, "campaigns"),
        (FlowPicker, "flows"),
    ],
)
def test_a_picker_offers_all_and_gives_ids(
    picker_class: type[ListPicker], noun: str, client: KlaviyoClient
) -> None:
    picker = picker_class(client)
    ids = set(getattr(client, noun).list()["id"])
    assert {option.id for option in picker.state.options} == ids
    picker.state.toggle(min(ids))
    assert picker.value == [min(ids)]
    picker.close()


def test_the_latest_campaign_comes_first(client: KlaviyoClient) -> None:
    picker = CampaignPicker(client)
    days = [option.when for option in picker.state.options]
    assert days == sorted(days, reverse=True)
    picker.choose_first()
    assert picker.value == [picker.state.options[0].id]
    assert picker._chip_pool[0].description == f"{picker.state.options[0].name} · {days[0]} ×"
    picker.close()


@pytest.mark.parametrize("explorer_class", [CampaignExplorer, FlowExplorer, MetricExplorer])
def test_an_account_without_metrics_says_what_that_means_and_looks_again(
    explorer_class: type[CampaignExplorer | FlowExplorer | MetricExplorer],
) -> None:
    with Sandbox(account=accounts.empty()) as sandbox:
        client = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
        explorer = explorer_class(client)
        picker = explorer.metrics if isinstance(explorer, MetricExplorer) else explorer.conversion
        assert "has no metrics yet" in explorer._status.value
        assert explorer._run.disabled
        with pytest.raises(InvalidInputError, match="send it a first event"):
            explorer.run()
        with pytest.raises(NoMatchError, match="This account has no metrics"):
            picker.choose("Placed Order")
        with pytest.raises(NoMatchError, match="This account has no metrics"):
            picker.choose_first()
        client.events.create(metric="Placed Order", profile={"email": "ada@example.org"}, properties={})
        assert picker._again.layout.display is None
        picker._again.click()
        assert [option.name for option in picker.state.options] == ["Placed Order"]
        assert "no metrics" not in explorer.state.problem
        explorer.close()
        client.close()


@pytest.mark.parametrize("explorer_class", [CampaignExplorer, FlowExplorer])
def test_the_conversion_is_chosen_from_the_beginning_and_named_in_picture_and_code(
    explorer_class: type[CampaignExplorer | FlowExplorer], client: KlaviyoClient
) -> None:
    explorer = explorer_class(client)
    assert [each.name for each in explorer.state.conversion.chosen] == ["Placed Order"]
    explorer.state.dates.preset = "last 90 days"
    frame = explorer.run()
    assert explorer.axes is not None
    title = " ".join(explorer.axes.get_title(loc="left").split())
    assert title.startswith("Placed Order (Shopify): ")
    assert re.search(r", (sent )?\d.+ – .+2026$", title), title
    assert 'conversion_metric=("Placed Order", "Shopify")' in explorer.state.code
    assert "Placed Order (Shopify)" in explorer.results._numbers.value
    shown = explorer.results.table.rows
    assert {"opens_unique", "clicks_unique", "conversion_value", "revenue_per_recipient"} <= set(
        shown.columns
    )
    assert shown.columns[0] == explorer._resource
    assert len(frame) == len(shown)
    explorer.close()


@pytest.mark.parametrize("by", ["flow", "message"])
@pytest.mark.parametrize("measure", ["conversion_value", "revenue_per_recipient", "open_rate"])
def test_flows_over_time_by_flow_and_by_message(by: str, measure: str, client: KlaviyoClient) -> None:
    explorer = FlowExplorer(client)
    explorer.state.dates.preset, explorer.state.chart = "last 90 days", "flow_performance"
    explorer.state.by, explorer.state.measure = by, measure
    frame = explorer.run()
    assert explorer.axes is not None
    assert {"datetime", "flow", "message", "conversion_value"} <= set(frame.columns)
    made: dict[str, object] = {"ka": ka, "client": client}
    lines, chart = explorer.state.code.rsplit("ka.plots", 1)
    exec(lines, made)
    axes = eval("ka.plots" + chart, made)
    assert_frame_equal(frame, made["frame"])  # type: ignore[arg-type]
    assert axes.get_title(loc="left") == explorer.axes.get_title(loc="left")
    assert axes.get_title(loc="left").startswith("Placed Order (Shopify): ") == (measure != "open_rate")
    drawn = [str(line.get_xydata()) for line in axes.lines]
    assert [str(line.get_xydata()) for line in explorer.axes.lines] == drawn
    assert len(drawn) > 1
    plt.close("all")
    explorer.close()


def test_a_chart_that_needs_another_report_waits_for_run(client: KlaviyoClient, sandbox: Sandbox) -> None:
    explorer = FlowExplorer(client)
    explorer.state.dates.preset = "last 30 days"
    explorer.run()
    before, axes = reports(sandbox), explorer.axes
    explorer.state.chart = "flow_performance"
    assert "chart" in explorer.state.stale
    assert (explorer.axes, reports(sandbox)) == (axes, before)
    assert "series reports are left" in explorer._budget.value
    explorer.run()
    assert explorer.state.stale == ""
    assert reports(sandbox) == before + 1
    explorer.close()


def test_key_numbers_of_campaigns_are_made_anew_of_the_counts(client: KlaviyoClient) -> None:
    explorer = CampaignExplorer(client)
    explorer.state.dates.preset = "last 90 days"
    frame = explorer.run()
    asked, result = explorer.state.asked, explorer.state.result
    assert asked is not None
    assert result is not None
    numbers = {number.label: number.value for number in asked.key_numbers(result)}
    rate = frame["opens_unique"].sum() / frame["open_rate_denominator"].sum()
    assert numbers["Recipients"] == f"{frame['recipients'].sum():,}"
    assert numbers["Open rate"] == f"{rate:.1%}"
    assert "Attributed revenue (Placed Order (Shopify))" in numbers
    explorer.close()
