"""A notebook saved with its widgets, after each was used, and opened by someone else: no key, no link, no profile."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
import requests
from nbclient import NotebookClient

import klaviyo_analytics as ka
from klaviyo_analytics import widgets
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets.base_view import View
from tests.widgets.conftest import PATIENCE, is_closed, saved

pytestmark = pytest.mark.usefixtures("no_widget_left")
DAYS = ("2026-04-01", "2026-07-01")
Use = Callable[[KlaviyoClient, Sandbox], View]


def metric_explorer(client: KlaviyoClient, _: Sandbox) -> View:
    explorer = widgets.MetricExplorer(client)
    explorer.metrics.choose("Opened Email", "Clicked Email")
    explorer.state.dimensions.selected = ("Email Domain", "URL", "Subject", "Client Name")
    explorer.state.dates.preset, explorer.state.dates.comparison = "last 12 months", "previous period"
    assert len(explorer.run())
    return explorer


def campaign_explorer(client: KlaviyoClient, _: Sandbox) -> View:
    explorer = widgets.CampaignExplorer(client)
    explorer.state.dates.preset, explorer.state.by = "last 90 days", "message"
    assert len(explorer.run())
    return explorer


def flow_explorer(client: KlaviyoClient, _: Sandbox) -> View:
    explorer = widgets.FlowExplorer(client)
    explorer.state.dates.preset, explorer.state.by = "last 90 days", "message"
    assert len(explorer.run())
    return explorer


def segment_explorer(client: KlaviyoClient, _: Sandbox) -> View:
    explorer = widgets.SegmentExplorer(client)
    explorer.state.chart = "overlap"
    explorer.segments.choose("Repeat buyers", "United States")
    assert len(explorer.run())
    return explorer


def analysis_explorer(client: KlaviyoClient, _: Sandbox) -> View:
    explorer = widgets.AnalysisExplorer(client)
    explorer.state.analysis = "lifetime_value"
    assert len(explorer.run())
    explorer.results.table.every = True
    return explorer


def failed_explorer(client: KlaviyoClient, sandbox: Sandbox) -> View:
    explorer = widgets.MetricExplorer(client)
    explorer.metrics.choose("Opened Email")
    sandbox.faults.add(path="/api/metric-aggregates", status=401)
    explorer.start()
    explorer._loader.join(PATIENCE)
    assert explorer.state.run.status == "failed"
    return explorer


def connection_picker(_: KlaviyoClient, sandbox: Sandbox) -> View:
    connections = ka.Connections(
        api_key=sandbox.maton_key, base_url=sandbox.control_url, progress=False, sleep=lambda _: None
    )
    picker = widgets.ConnectionPicker(connections)
    picker.state.toggle(picker.state.options[0].id)
    return picker


def applied_plan(client: KlaviyoClient, _: Sandbox) -> View:
    view = plan_with_problems(client, _)
    assert isinstance(view, widgets.PlanView)
    view._skip.value = True
    view._apply.click()
    view._yes.click()
    view._loader.join(PATIENCE)
    assert view.result is not None
    return view


def plan_with_problems(client: KlaviyoClient, _: Sandbox) -> View:
    view = widgets.PlanView(client.profiles.plan_upsert(people(client), key="email", properties=["nickname"]))
    view._keys.click()
    return view


def picker(name: str) -> Use:
    def use(client: KlaviyoClient, _: Sandbox) -> View:
        made = getattr(widgets, name)(client)
        made.state.toggle(made.state.options[0].id)
        return made  # type: ignore[no-any-return]

    return use


def alone(name: str) -> Use:
    return lambda _client, _: getattr(widgets, name)(
        *([widgets.DateRangeState("UTC")] if "Date" in name else [])
    )


USES: dict[str, Use] = {
    "MetricExplorer": metric_explorer,
    "CampaignExplorer": campaign_explorer,
    "FlowExplorer": flow_explorer,
    "SegmentExplorer": segment_explorer,
    "AnalysisExplorer": analysis_explorer,
    "ConnectionPicker": connection_picker,
    "PlanView": applied_plan,
    **{
        name: picker(name)
        for name in ("MetricPicker", "ListPicker", "SegmentPicker", "CampaignPicker", "FlowPicker")
    },
    **{name: alone(name) for name in ("DateRangePicker", "DimensionPicker")},
    "failed MetricExplorer": failed_explorer,
    "waiting PlanView": plan_with_problems,
}


def people(client: KlaviyoClient) -> pd.DataFrame:
    """Rows of the account's own people, and some that cannot be sent."""
    frame = profiles(client)[["email", "first_name", "last_name", "phone_number"]].head(20)
    frame = frame.dropna(subset=["email"]).assign(nickname="Dr. Nobody-Special")
    wrong = pd.DataFrame({"email": ["quixotic.person", "wrong@"], "first_name": ["Quixotina", "Wrongmund"]})
    return pd.concat([frame, wrong], ignore_index=True)


def profiles(client: KlaviyoClient) -> pd.DataFrame:
    return client.profiles.list(fields=["email", "first_name", "last_name", "phone_number", "external_id"])


@pytest.fixture
def secrets(client: KlaviyoClient, sandbox: Sandbox) -> list[str]:
    return secrets_of(client, sandbox)


def secrets_of(client: KlaviyoClient, sandbox: Sandbox) -> list[str]:
    """Give whatever must not be found."""
    frame = profiles(client)
    columns = [frame[name].dropna() for name in ("id", "email", "phone_number", "external_id")]
    persons = [str(value) for column in columns for value in column]
    rows = people(client)
    persons += [*rows["email"], "Dr. Nobody-Special", "Quixotina", "Wrongmund"]
    assert len(persons) > 100
    return [sandbox.api_key, sandbox.maton_key, "session_token", "Authorization", *persons]


def test_every_widget_is_looked_at() -> None:
    views = {name for name in widgets.__all__ if isinstance(getattr(widgets, name), type)}
    views = {name for name in views if issubclass(getattr(widgets, name), View)}
    assert views <= set(USES)


@pytest.mark.parametrize("name", USES)
def test_a_saved_notebook_names_nobody_and_holds_no_key(
    name: str, client: KlaviyoClient, sandbox: Sandbox, secrets: list[str]
) -> None:
    view = USES[name](client, sandbox)
    state = saved()
    assert len(state) > 1_000
    assert [secret for secret in secrets if secret and secret in state] == []
    view.close()


def test_keys_are_shown_in_full_on_a_page_of_their_own_that_ends_with_the_view(
    client: KlaviyoClient, sandbox: Sandbox
) -> None:
    view: Any = plan_with_problems(client, sandbox)
    (address,) = re.findall(r'href="([^"]*)"', view._way.value)
    page = requests.get(address, timeout=PATIENCE)
    assert page.headers["Cache-Control"] == "no-store"
    assert all(email in page.text for email in people(client)["email"])
    assert page.text.index("quixotic.person") < page.text.index(people(client)["email"][0])  # problems first
    served = view._aside
    view.close()
    assert is_closed(served)


def test_a_notebook_run_without_a_browser_keeps_no_secret_either(tmp_path: Path) -> None:
    names = [
        name for name in USES if name not in ("failed MetricExplorer", "PlanView")
    ]  # those wait for a cell's end
    source = f"""
import json, pathlib
import klaviyo_analytics as ka
from klaviyo_analytics.sandbox import Sandbox
from tests.widgets import conftest, test_saved_state as uses

sandbox = Sandbox(profiles=100, events=2_000).start()
client = ka.connect(api_key=sandbox.api_key, base_url=sandbox.direct_url, progress=False)
conftest.at_the_shops_time(client, sandbox)
secrets = uses.secrets_of(client, sandbox)
pathlib.Path("secrets.json").write_text(json.dumps(secrets))
for name in {names}:
    display(uses.USES[name](client, sandbox))
"""
    new: Any = nbformat.v4
    notebook = new.new_notebook(cells=[new.new_code_cell(source)])
    places = {"KLAVIYO_ANALYTICS_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    client = NotebookClient(
        notebook,
        timeout=300,
        startup_timeout=int(PATIENCE),
        iopub_timeout=int(PATIENCE),
        resources={"metadata": {"path": str(tmp_path)}},
        kernel_name="python3",
    )
    client.execute(env={**os.environ, **places})
    kept = json.dumps(notebook.metadata.widgets)
    assert "Opened Email" in kept
    secrets = json.loads((tmp_path / "secrets.json").read_text())
    assert [secret for secret in secrets if secret and secret in kept] == []
