"""The explorer of the analyses."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any, get_args

import matplotlib.pyplot as plt
import pytest
from pandas.testing import assert_frame_equal

import klaviyo_analytics as ka
from klaviyo_analytics.answers import Analyses
from klaviyo_analytics.answers.messages import Model
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.widgets import AnalysisExplorer, AnalysisExplorerState
from klaviyo_analytics.widgets.analysis_explorer import SETTINGS, analyses
from tests.widgets.conftest import saved

pytestmark = pytest.mark.usefixtures("no_widget_left")


@pytest.fixture
def explorer(client: KlaviyoClient) -> Iterator[AnalysisExplorer]:
    explorer = AnalysisExplorer(client)
    yield explorer
    plt.close("all")
    explorer.close()


@pytest.mark.parametrize(
    "analysis", ["engagement_tiers", "cohorts", "overlap", "year_over_year", "flow_losses"]
)
def test_the_code_makes_the_same_frame_and_picture(
    analysis: str, explorer: AnalysisExplorer, client: KlaviyoClient
) -> None:
    explorer.state.analysis = analysis
    if analysis == "cohorts":
        explorer.state.settings = {"period": "quarter", "measure": "revenue"}
    if analysis == "overlap":
        explorer.state.settings = {"kind": "lists"}
    frame = explorer.run()
    made: dict[str, Any] = {"ka": ka, "client": client}
    lines, chart = explorer.state.code.rsplit("ka.plots", 1)
    exec(lines, made)
    assert_frame_equal(frame, made["frame"])
    axes = eval("ka.plots" + chart, made)
    assert explorer.axes is not None
    assert axes.get_title(loc="left") == explorer.axes.get_title(loc="left") != ""


def test_every_analysis_of_the_client_is_offered() -> None:
    assert set(analyses().values()) == {name for name in dir(Analyses) if not name.startswith("_")}
    state = AnalysisExplorerState("UTC")
    for name in analyses().values():
        state.analysis = name
        assert state.code or name == "ab_test"  # which needs a campaign


@pytest.mark.parametrize("analysis", SETTINGS)
def test_settings_are_those_of_the_method_and_its_default_comes_first(analysis: str) -> None:
    parameters = inspect.signature(getattr(Analyses, analysis)).parameters
    for name, values in SETTINGS[analysis].items():
        assert values[0] == parameters[name].default
        written = str(parameters[name].annotation)
        allowed: Any = get_args(Model) if written == "Model" else None
        if written.startswith("Literal"):
            allowed = ast.literal_eval(f"({written.removeprefix('Literal[').removesuffix(']')},)")
        assert allowed is None or set(values) == set(allowed)


def test_settings_go_with_their_analysis_and_wrong_ones_are_refused(explorer: AnalysisExplorer) -> None:
    explorer.state.analysis = "send_times"
    assert explorer.state.settings == {"channel": "email", "reaction": "click"}
    assert [box.description for box in explorer._settings if box.layout.display is None] == [
        "Channel",
        "Reaction",
    ]
    explorer._settings[0].value = "text"
    assert explorer.state.settings["channel"] == "text"
    assert 'channel="text"' in explorer.state.code
    with pytest.raises(InvalidInputError, match="the settings of send_times are channel, reaction"):
        explorer.state.settings = {"period": "month"}
    with pytest.raises(InvalidInputError, match="channel='fax'"):
        explorer.state.settings = {"channel": "fax"}
    explorer.state.analysis = "rfm"
    assert explorer.state.settings == {}
    with pytest.raises(InvalidInputError, match="analysis='horoscope'"):
        explorer.state.analysis = "horoscope"


def test_an_ab_test_needs_a_campaign_and_an_overlap_no_days(explorer: AnalysisExplorer) -> None:
    explorer.state.analysis = "ab_test"
    assert explorer.state.problem == "Choose the campaign of the test."
    assert explorer.campaign.layout.display is None
    explorer.campaign.choose_first()
    assert explorer.state.problem == ""
    assert f'client.analyses.ab_test("{explorer.campaign.value[0]}"' in "".join(
        explorer.state.code.replace("\n    ", "").split("  ")
    )
    explorer.state.analysis = "overlap"
    explorer.state.dates.first_day = None
    assert explorer.state.problem == ""
    assert explorer._dates.layout.display == "none"


def test_a_change_after_a_run_is_named(explorer: AnalysisExplorer) -> None:
    explorer.state.analysis = "cohorts"
    explorer.run()
    assert explorer.state.stale == ""
    explorer.state.settings = {"period": "month", "measure": "revenue"}
    assert explorer.state.stale == "measure"
    assert "request" in explorer.state.run.message


def test_people_of_an_analysis_are_not_in_what_is_saved(explorer: AnalysisExplorer) -> None:
    explorer.state.analysis = "rfm"
    frame = explorer.run()
    people = frame["profile_id"].tolist()
    explorer.results.table.every = True
    explorer.results.table.search = people[0]
    explorer.results.table.search = ""
    assert len(people) > 3
    assert [person for person in people if person in saved()] == []
    assert "profile_id" not in explorer.results.table.columns
