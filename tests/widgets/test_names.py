"""Charts and legends name flows, messages and metrics; ids are only for telling two of one name apart."""

from __future__ import annotations

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.widgets import MetricExplorer, labelled

pytestmark = pytest.mark.usefixtures("no_widget_left")


def drawn_names(explorer: MetricExplorer) -> set[str]:
    assert explorer.axes is not None
    legend = explorer.axes.get_legend()
    texts = [*(legend.get_texts() if legend else ()), *explorer.axes.texts]
    return {text.get_text() for text in texts}


@pytest.mark.parametrize(
    ("dimension", "resource"),
    [("$flow", "flows"), ("$attributed_flow", "flows"), ("$message", "messages")],
)
def test_groups_are_named_in_the_chart_and_the_query_asks_for_names(
    client: KlaviyoClient, dimension: str, resource: str
) -> None:
    explorer = MetricExplorer(client)
    explorer.metrics.choose(
        "Opened Email" if dimension != "$attributed_flow" else ("Placed Order", "Shopify")
    )
    explorer.state.dimensions.selected = (dimension,)
    explorer.state.dates.preset = "last 12 months"
    frame = explorer.run()
    column = dimension.strip("$")
    ids = set(frame[column].dropna())
    assert ids
    assert not any(id in name for id in ids for name in drawn_names(explorer))
    if resource == "flows":
        assert set(client.flows.list()["name"]) & drawn_names(explorer)
    else:
        assert "Cart #1" in set(frame["message_name"])  # a flow's message
    assert "names=True" in explorer.state.code
    assert f'ka.widgets.labelled(frame,["{column}"]' in "".join(explorer.state.code.split())
    explorer.close()


def test_one_of_two_metrics_of_a_name_has_its_integration_in_the_title(client: KlaviyoClient) -> None:
    explorer = MetricExplorer(client)
    explorer.metrics.choose(("Placed Order", "Shopify"))
    explorer.run()
    assert explorer.axes is not None
    assert explorer.axes.get_title(loc="left").startswith("Placed Order (Shopify): ")
    explorer.close()


def test_two_metrics_of_a_name_have_their_integrations_in_the_legend(client: KlaviyoClient) -> None:
    explorer = MetricExplorer(client)
    explorer.metrics.choose(("Placed Order", "Shopify"), ("Placed Order", "Point of Sale"))
    explorer.run()
    assert {"Placed Order (Shopify)", "Placed Order (Point of Sale)"} <= drawn_names(explorer)
    explorer.close()


def test_two_groups_of_one_name_stay_two_lines_and_what_has_no_name_keeps_its_id() -> None:
    frame = pd.DataFrame(
        {
            "metric": ["Opened Email"] * 4,
            "message": ["m1", "m2", "m3", None],
            "message_name": ["Hello", "Hello", None, None],
        }
    ).astype("string")
    assert labelled(frame, ["message"])["message"].fillna("none").tolist() == [
        "Hello (m1)",
        "Hello (m2)",
        "m3",
        "none",
    ]
    both = labelled(frame, ["metric", "message"])["metric_and_message"]
    assert both.tolist()[2:] == ["Opened Email · m3", "Opened Email · (none)"]


def test_a_metric_without_another_name_keeps_its_own() -> None:
    frame = pd.DataFrame({"metric_id": ["a", "b"], "metric": ["Placed Order", "Opened Email"]})
    assert labelled(frame, metrics={"a": "Placed Order (Shopify)"})["metric"].tolist() == [
        "Placed Order (Shopify)",
        "Opened Email",
    ]
