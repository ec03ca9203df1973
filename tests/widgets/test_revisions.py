"""Explorers, charts, the report, the audit and analyses give the same answers in every revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from pandas.testing import assert_frame_equal

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.endpoints.revisions import STABLE
from klaviyo_analytics.widgets import (
    AnalysisExplorer,
    CampaignExplorer,
    CampaignPicker,
    FlowExplorer,
    FlowPicker,
    ListPicker,
    MetricExplorer,
    MetricPicker,
    SegmentExplorer,
    SegmentPicker,
)
from klaviyo_analytics.widgets.analysis_explorer import analyses
from tests.shops import Shop, open_shop, without_waiting

pytestmark = pytest.mark.usefixtures("no_widget_left")
DEFAULT, *NEWER = STABLE
Clients = dict[str, KlaviyoClient]
COSTS = ("requests",)  # campaigns of all channels are one request in a newer revision, three in an older


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop(profiles=200, events=4_000) as shop:
        yield shop


@pytest.fixture(scope="module")
def clients(shop: Shop) -> Iterator[Clients]:
    options: Any = {"base_url": shop.sandbox.gateway_url, "progress": False}
    made = {}
    for revision in STABLE:
        client = ka.connect(api_key=shop.sandbox.maton_key, revision=revision, **options)
        client._embed(now=lambda: shop.now, on_close=lambda: None)
        without_waiting(client, shop.clock)
        made[revision] = client
    yield made
    for client in made.values():
        client.close()


def drawn(axes: Axes) -> list[Any]:
    """Return what a chart shows: its title, its labels, its lines and its bars."""
    lines = [np.asarray(line.get_xydata()).tolist() for line in axes.lines]
    bars = [
        [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in container]
        for container in axes.containers
        if isinstance(container, BarContainer)
    ]
    labels = [text.get_text().replace("\n", " · ") for text in axes.get_yticklabels()]
    return [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel(), labels, str(lines), str(bars)]


def metrics(explorer: MetricExplorer) -> None:
    explorer.metrics.choose("Opened Email", "Clicked Email")
    explorer.state.dimensions.selected = ("Email Domain",)


def by_campaign(explorer: CampaignExplorer) -> None:
    explorer.conversion.choose("Placed Order (Shopify)")


def by_message(explorer: CampaignExplorer | FlowExplorer) -> None:
    explorer.conversion.choose("Placed Order (Shopify)")
    explorer.state.by = "message"


def sizes(explorer: SegmentExplorer) -> None:
    explorer.segments.choose("Repeat buyers", "United States")


def overlap(explorer: SegmentExplorer) -> None:
    explorer.state.chart = "overlap"
    explorer.segments.choose("Repeat buyers")
    explorer.lists.choose("Newsletter")


QUESTIONS: list[tuple[Any, Callable[[Any], None]]] = [
    (MetricExplorer, metrics),
    (CampaignExplorer, by_campaign),
    (CampaignExplorer, by_message),
    (FlowExplorer, by_campaign),
    (FlowExplorer, by_message),
    (SegmentExplorer, sizes),
    (SegmentExplorer, overlap),
]


Answer = tuple[pd.DataFrame, Any]
Known = dict[Any, Answer]


@pytest.fixture(scope="module")
def known() -> Known:
    """Answers of the default revision, each asked for once."""
    return {}


def asked(explorer: Any) -> Answer:
    """Run an explorer; return its frame, and what it shows of it."""
    frame = explorer.run()
    state = explorer.state
    shown = [state.code, state.asked.key_numbers(state.result), drawn(explorer.axes)]
    explorer.close()
    plt.close("all")
    return frame, shown


@pytest.mark.parametrize("revision", NEWER)
@pytest.mark.parametrize(
    ("explorer_class", "ask"), QUESTIONS, ids=lambda value: getattr(value, "__name__", None)
)
def test_an_explorer_answers_and_draws_as_in_the_default_revision(
    clients: Clients, known: Known, explorer_class: Any, ask: Callable[[Any], None], revision: str
) -> None:
    def answer(client: KlaviyoClient) -> Answer:
        explorer = explorer_class(client)
        ask(explorer)
        return asked(explorer)

    if (explorer_class, ask) not in known:
        known[explorer_class, ask] = answer(clients[DEFAULT])
    (frame, shown), (newer, newer_shown) = known[explorer_class, ask], answer(clients[revision])
    assert len(frame)
    assert_frame_equal(newer, frame)
    assert newer_shown == shown


@pytest.mark.parametrize("revision", NEWER[-1:])  # they read what explorers read; the newest differs most
@pytest.mark.parametrize("analysis", sorted(analyses().values()))
def test_the_explorer_of_analyses_answers_as_in_the_default_revision(
    clients: Clients, known: Known, analysis: str, revision: str
) -> None:
    def answer(client: KlaviyoClient) -> Answer:
        if analysis == "holdout_lift":  # for code only
            return client.analyses.holdout_lift("Window shoppers 👀", "United States"), None
        explorer = AnalysisExplorer(client)
        explorer.state.analysis = analysis
        if analysis == "ab_test":
            explorer.state.campaign.toggle(campaign_of_a_test(clients[DEFAULT]))
        return asked(explorer)

    if analysis not in known:
        known[analysis] = answer(clients[DEFAULT])
    (frame, shown), (newer, newer_shown) = known[analysis], answer(clients[revision])
    assert len(frame)
    assert_frame_equal(newer, frame)
    assert newer_shown == shown
    facts = [
        {name: fact for name, fact in each.attrs.items() if name not in COSTS} for each in (newer, frame)
    ]
    assert facts[0] == facts[1]


def campaign_of_a_test(client: KlaviyoClient) -> str:
    """Return the id of a campaign with variations."""
    rows = client.campaigns.summary("last 365 days", by="variation")
    counts = rows.dropna(subset="variation").groupby("campaign_id").size()
    return str(counts[counts > 1].index[0])


PICKERS = [CampaignPicker, FlowPicker, ListPicker, MetricPicker, SegmentPicker]


@pytest.mark.parametrize("revision", NEWER)
@pytest.mark.parametrize("picker_class", PICKERS)
def test_a_picker_offers_the_same(clients: Clients, picker_class: Any, revision: str) -> None:
    offered = []
    for client in (clients[DEFAULT], clients[revision]):
        picker = picker_class(client)
        offered.append(sorted((each.id, each.name, each.when, each.group) for each in picker.state.options))
        picker.close()
    if picker_class is CampaignPicker and revision == "2026-10-15":  # its campaigns do not have a channel
        offered[0] = [(*named, "") for *named, _ in offered[0]]
    assert offered[0] == offered[1] != []


def test_the_report_and_the_audit_say_the_same(clients: Clients) -> None:
    texts, audits = [], []
    for revision, client in clients.items():
        report = ka.report.performance(client, "2026-05")
        assert dict(report.failures) == {}
        texts.append(report.to_markdown().replace(revision, "REVISION"))
        audits.append(client.audit())
    assert texts == texts[:1] * len(STABLE)
    for audit in audits[1:]:
        assert_frame_equal(audit, audits[0])
