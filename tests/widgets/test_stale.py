"""A chart that no longer answers what is chosen looks old, and a saved explorer shows its chart."""

from __future__ import annotations

import base64

import pytest

from klaviyo_analytics import KlaviyoClient
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.widgets import CampaignExplorer, MetricExplorer


@pytest.fixture
def explorer(client: KlaviyoClient) -> MetricExplorer:
    explorer = MetricExplorer(client)
    explorer.metrics.choose("Opened Email")
    explorer.run()
    return explorer


def test_a_fresh_answer_is_not_stale(explorer: MetricExplorer) -> None:
    assert explorer.state.stale == ""
    assert "kla-old" not in explorer.results._dom_classes
    assert explorer._run.button_style == "primary"


def test_a_changed_choice_dims_the_chart_and_is_named_until_it_is_changed_back(
    explorer: MetricExplorer,
) -> None:
    explorer.state.measurement = "unique"
    assert explorer.state.stale == "measure"
    assert "kla-old" in explorer.results._dom_classes
    assert explorer._run.button_style == "warning"
    assert "Changed since this chart: measure. Press Run." in explorer._status.value
    explorer.state.measurement = "count"
    assert explorer.state.stale == ""
    assert "kla-old" not in explorer.results._dom_classes


def test_other_dates_are_named(explorer: MetricExplorer) -> None:
    explorer.state.dates.preset = "last 30 days"
    assert "dates" in explorer.state.stale


def test_the_next_run_clears_it(explorer: MetricExplorer) -> None:
    explorer.state.measurement = "unique"
    explorer.run()
    assert explorer.state.stale == ""
    assert "kla-old" not in explorer.results._dom_classes


def test_another_chart_of_the_same_answer_is_not_stale(explorer: MetricExplorer) -> None:
    explorer.state.chart = "small_multiples"
    assert explorer.state.stale == ""


def test_another_conversion_metric_is_named(client: KlaviyoClient) -> None:
    explorer = CampaignExplorer(client)
    explorer.run()
    explorer.conversion.choose("Opened Email")
    assert explorer.state.stale == "conversion metric"


def test_a_failed_run_marks_the_chart_before_it_as_old(
    explorer: MetricExplorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KlaviyoError("No connection.")

    monkeypatch.setattr(type(explorer.state.ask()), "fetch", fail)
    with pytest.raises(KlaviyoError):
        explorer.run()
    assert "kla-old" in explorer.results._dom_classes


def test_a_saved_explorer_holds_its_chart_as_a_picture(explorer: MetricExplorer) -> None:
    bundle = explorer._repr_mimebundle_()
    assert bundle is not None
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert explorer.state.picture is not None
    assert base64.b64decode(bundle["image/png"]) == explorer.state.picture.light


def test_before_the_first_run_there_is_no_picture(client: KlaviyoClient) -> None:
    bundle = MetricExplorer(client)._repr_mimebundle_()
    assert bundle is not None
    assert "image/png" not in bundle
