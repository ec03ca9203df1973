"""What widgets are given wrongly is refused in words, at once, and nothing is left of them."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics import widgets
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ArgumentError, ConfigurationError, InvalidInputError
from klaviyo_analytics.widgets import (
    ChoiceState,
    ConnectionPicker,
    DateRangePicker,
    DateRangeState,
    DimensionPicker,
    FlowExplorer,
    MetricExplorer,
    MetricExplorerState,
    MetricPicker,
    Option,
    PlanView,
    SummaryExplorerState,
)

pytestmark = pytest.mark.usefixtures("no_widget_left")
Make = Callable[[Any], Any]
OF_A_CLIENT = [
    name for name in widgets.__all__ if name.endswith(("Explorer", "Picker")) and name != "DimensionPicker"
]


@pytest.fixture(autouse=True)
def nothing_else_is_said(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """Fail if what was refused complains once more when it is thrown away."""
    said: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: said.append(repr(unraisable.exc_value)))
    yield
    gc.collect()
    assert said == []


@pytest.mark.parametrize("name", OF_A_CLIENT)
@pytest.mark.parametrize(
    ("given", "described"), [("pk_x", "a str"), (pd.DataFrame(), "a DataFrame"), (7, "an int")]
)
def test_what_is_no_client_is_told_where_one_comes_from(name: str, given: Any, described: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"{name}\(\): \w+ is {described}; give .*") as refused:
        getattr(widgets, name)(given)
    assert "pk_x" not in str(refused.value)  # it may be a key
    assert re.search(r"ka\.(connect|Connections)\(", str(refused.value))


WRONG: dict[str, tuple[Make, str]] = {
    "no days": (lambda _: DateRangePicker(None), r"of is None; give a client, as .* or a DateRangeState"),  # type: ignore[arg-type]
    "no plan": (
        lambda client: PlanView(client.profiles.list(limit=1)),
        r"PlanView\(\): plan is a DataFrame; give a plan, as client\.profiles\.plan_upsert\(frame\)",
    ),
    "a result": (lambda client: PlanView(applied(client)), r"plan is a Result; give a plan"),
    "days for a state": (
        lambda client: MetricExplorer(client, state=DateRangeState()),  # type: ignore[arg-type]
        r"MetricExplorer\(\): state is a DateRangeState; give a MetricExplorerState, or omit it",
    ),
    "a question for a choice": (
        lambda client: MetricPicker(client, state=MetricExplorerState()),  # type: ignore[arg-type]
        r"MetricPicker\(\): state is a MetricExplorerState; give a ChoiceState",
    ),
    "a client for a choice": (
        DimensionPicker,
        r"DimensionPicker\(\): state is a KlaviyoClient; give a ChoiceState, or omit it",
    ),
    "campaigns for flows": (
        lambda client: FlowExplorer(client, state=SummaryExplorerState("campaign")),
        r"this state belongs to a campaign explorer; pass SummaryExplorerState\('flow'\)",
    ),
    "no noun": (
        lambda _: SummaryExplorerState("email"),  # type: ignore[arg-type]
        r"resource='email' is not known; there are 'campaign', 'flow'",
    ),
}


def applied(client: KlaviyoClient) -> Any:
    people = pd.DataFrame({"email": ["ada@example.org"], "first_name": ["Ada"]})
    return client.profiles.plan_upsert(people, key="email").apply()


@pytest.mark.parametrize("what", WRONG)
def test_what_is_of_another_kind_is_refused_with_what_to_give(what: str, client: KlaviyoClient) -> None:
    make, said = WRONG[what]
    with pytest.raises(InvalidInputError, match=said):
        make(client)


UNKNOWN: dict[str, tuple[Make, str]] = {
    "metric": (
        lambda client: MetricExplorer(client, metric="Opened Email"),  # type: ignore[call-arg]
        r"MetricExplorer\(\): .*'metric'; it takes client=, state=\.",
    ),
    "multi": (
        lambda client: MetricPicker(client, multi=False),  # type: ignore[call-arg]
        r"MetricPicker\(\): .*'multi' \(did you mean multiple=\?\)",
    ),
    "stat": (
        lambda client: FlowExplorer(client, stat=None),  # type: ignore[call-arg]
        r"FlowExplorer\(\): .*'stat' \(did you mean state=\?\)",
    ),
    "nothing": (lambda _: DateRangePicker(), r"DateRangePicker\(\): missing a required argument: 'of'"),  # type: ignore[call-arg]
    "timezon": (lambda _: DateRangeState(timezon="UTC"), r"\(did you mean timezone=\?\)"),  # type: ignore[call-arg]
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_an_unknown_or_missing_argument_is_explained(what: str, client: KlaviyoClient) -> None:
    make, said = UNKNOWN[what]
    with pytest.raises(ArgumentError, match=said):
        make(client)


def test_a_verb_explains_its_options_too(client: KlaviyoClient) -> None:
    explorer = MetricExplorer(client)
    with pytest.raises(ArgumentError, match=r"run\(\): .*'timeframe'; it takes no options"):
        explorer.run(timeframe="last month")  # type: ignore[call-arg]
    explorer.close()


def test_without_a_key_nothing_but_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MATON_API_KEY", "KLAVIYO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError):
        ConnectionPicker()


@pytest.mark.parametrize(
    ("state", "name", "value", "said"),
    [
        (MetricExplorerState(), "chart", "pie", r"chart='pie': give .*'lines', 'small_multiples'"),
        (
            MetricExplorerState(),
            "measurement",
            None,
            r"measurement=None: give .*'count', 'sum_value', 'unique'",
        ),
        (
            SummaryExplorerState("flow"),
            "chart",
            "campaign_ranking",
            r"there are 'flow_funnel', 'flow_performance'\.",
        ),
        (SummaryExplorerState("flow"), "by", "variation", r"by='variation' .* there are 'flow', 'message'\."),
        (SummaryExplorerState("campaign"), "measure", "opens", r"measure='opens' .*'open_rate'"),
        (
            SummaryExplorerState("campaign"),
            "chart",
            "pie",
            r"there are 'campaign_ranking', 'campaign_scatter'",
        ),
        (DateRangeState(), "preset", "yesterday", r"preset='yesterday': give .*'last 7 days'"),
        (DateRangeState(), "first_day", "2026-04-01", r"first_day='2026-04-01': give a date or None"),
        (ChoiceState([Option("a", "A")]), "selected", 7, r"selected=7: give a tuple"),
    ],
    ids=lambda given: given if isinstance(given, str) and given.isidentifier() else "",
)
def test_a_value_that_is_not_allowed_is_told_which_are_and_changes_nothing(
    state: Any, name: str, value: Any, said: str
) -> None:
    before = getattr(state, name)
    with pytest.raises(InvalidInputError, match=said):
        setattr(state, name, value)
    assert getattr(state, name) == before


def test_another_chart_of_a_wrong_name_is_refused_where_it_is_shown_too(client: KlaviyoClient) -> None:
    explorer = FlowExplorer(client)
    with pytest.raises(InvalidInputError, match="there are 'flow_funnel'"):
        explorer.state.chart = "pie"
    assert explorer._choices["chart"].value == explorer.state.chart == "flow_funnel"
    explorer.close()


def test_a_state_has_no_attributes_but_its_own() -> None:
    state: Any = MetricExplorerState()
    with pytest.raises(InvalidInputError, match=r"no 'mesurement'\. Did you mean 'measurement'"):
        state.mesurement = "unique"
    for name in ("dates", "frame", "ask"):
        with pytest.raises(
            InvalidInputError, match=rf"MetricExplorerState\.{name} cannot be replaced; .*chart"
        ):
            setattr(state, name, ("2026-01-01", "2026-02-01"))
    with pytest.raises(InvalidInputError, match="timezone cannot be replaced"):
        state.dates.timezone = "Europe/Berlin"
