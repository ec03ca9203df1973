"""What newcomers try in their first hour: each is answered in words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.cli import main
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import (
    AmbiguousMatchError,
    ArgumentError,
    InvalidInputError,
    InvalidQueryError,
    NoMatchError,
    NotFoundError,
)


@pytest.fixture(scope="module")
def client() -> Iterator[KlaviyoClient]:
    with ka.demo(profiles=100, events=2_000, progress=False) as client:
        yield client


def test_pandas_habits_on_a_field_name_the_operators() -> None:
    with pytest.raises(InvalidQueryError, match=r"not a function.*starts_with"):
        ka.F.email.startswith("a")


def test_a_minus_is_not_a_hyphen(client: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="not a time frame"):
        client.events.list(timeframe="last -3 days")


def test_a_metric_that_is_none_is_named(client: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match="metric=123"):
        client.events.list(metric=123)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [-1, 2.5, "5", True])
def test_a_limit_that_is_none_is_refused(client: KlaviyoClient, limit: object) -> None:
    with pytest.raises(
        InvalidInputError, match=r"limit=.*: expected a non-negative integer, or None for all rows"
    ):
        client.profiles.list(limit=limit)  # type: ignore[arg-type]


def test_numpys_integers_are_numbers(client: KlaviyoClient) -> None:
    assert len(client.profiles.list(limit=np.int64(5))) == 5  # type: ignore[arg-type]


def test_dimensions_with_a_space_can_be_filtered_on(client: KlaviyoClient) -> None:
    by_name = client.metric_aggregates.query("Opened Email", by="Campaign Name", timeframe="last 12 months")
    counts = by_name.groupby("campaign_name")["count"].sum()
    only = client.metric_aggregates.query(
        "Opened Email", where=ka.F["Campaign Name"] == counts.index[0], timeframe="last 12 months"
    )
    assert only["count"].sum() == counts.iloc[0] > 0


def test_coordinates_are_numbers(client: KlaviyoClient) -> None:
    places = client.profiles.list(fields=["location.latitude", "location.longitude"])
    assert places["location.latitude"].dtype == "float64"
    assert places["location.latitude"].notna().any()


MISSPELLED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "written-out": (lambda c: c.events.list(metrics="x"), "metric"),
    "made-from-the-table": (lambda c: c.tags.list(filtre="x"), "filter"),
    "required": (lambda c: c.tags.create(nam="x"), "name"),
    "aggregates": (lambda c: c.metric_aggregates.query("x", measurement="count"), "measurements"),
    "reports": (lambda c: c.reports.flow_values(statistic="x"), "statistics"),
    "a-plan-of-reports": (lambda c: c.reports.plan("flow_series", intervall="day"), "interval"),
    "summaries": (lambda c: c.campaigns.summary(conversion="x"), "conversion_metric"),
    "the-account": (lambda c: c.account_summary(timeframes="2025"), "timeframe"),
    "connect": (lambda _: ka.connect(apikey="x"), "api_key"),  # type: ignore[call-arg]
    "demo": (lambda _: ka.demo(sed=7), "seed"),  # type: ignore[call-arg]
    "connections": (lambda _: ka.Connections(apikey="x"), "api_key"),  # type: ignore[call-arg]
    "a-connection": (lambda _: ka.Connections(api_key="x").list(state="ACTIVE"), "status"),  # type: ignore[call-arg]
    "a-frame": (lambda c: c.profiles.plan_upsert(pd.DataFrame(), column={}), "columns"),
}


@pytest.mark.parametrize(("call", "meant"), MISSPELLED.values(), ids=MISSPELLED)
def test_a_misspelled_keyword_is_named_with_what_was_meant(
    client: KlaviyoClient, call: Callable[[Any], Any], meant: str
) -> None:
    with pytest.raises(ArgumentError, match=rf"did you mean {meant}=\?\); it takes .*{meant}=") as caught:
        call(client)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


def test_verbs_keep_their_names_docstrings_and_signatures(client: KlaviyoClient) -> None:
    verbs: list[Any] = [client.events.list, client.tags.list]
    for verb in verbs:
        assert verb.__name__ == "list"
        assert "Parameters" in (verb.__doc__ or "")
        assert "filter" in inspect.signature(verb).parameters


@pytest.mark.parametrize("option", [["--port", "99999"], ["--profiles", "-1"], ["--now", "soon"]])
def test_the_command_line_explains_odd_numbers(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(["sandbox", "--events", "0", "--port", "0", *option])
    except SystemExit as end:
        status = int(str(end.code))
    assert status != 0
    assert "Traceback" not in capsys.readouterr().err


NOT_THERE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "list": (
        lambda c: c.lists.find(name="Newsleter"),
        r"No list with name='Newsleter' exists\. Did you mean 'Newsl",
    ),
    "segment": (
        lambda c: c.segments.find(name="zzz"),
        r"No segment with name='zzz' exists\. There are '.+', '.+'\.",
    ),
    "campaign": (
        lambda c: c.campaigns.find(name="zzz"),
        r"No campaign has name='zzz'\. There are .* and \d+ more\.",
    ),
    "metric": (lambda c: c.metrics.find(name="Placd Order"), r"Did you mean 'Placed Order'"),
    "nobody-else-is-named": (
        lambda c: c.profiles.find(email="no@body.example"),
        r"^No profile with email='no@body.example' exists\.$",
    ),
}


@pytest.mark.parametrize(("call", "says"), NOT_THERE.values(), ids=NOT_THERE)
def test_a_name_that_is_none_is_answered_with_those_that_there_are(
    client: KlaviyoClient, call: Callable[[Any], Any], says: str
) -> None:
    with pytest.raises(NoMatchError, match=says):
        call(client)


def test_find_goes_by_the_name_of_an_attribute(client: KlaviyoClient) -> None:
    find: Any = client.profiles.find
    with pytest.raises(ArgumentError, match=r"arguments without a name; it takes .*email=, .*first_name="):
        find("ann@mail.example.net")
    with pytest.raises(InvalidInputError, match=r"no attribute 'frst_name'\. Did you mean 'first_name'"):
        find(frst_name="Ann")


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.metrics.find(name="Placed Order"),
        lambda c: c.metric_aggregates.query("Placed Order"),
        lambda c: c.reports.flow_values(conversion_metric="Placed Order"),
    ],
)
def test_a_name_that_several_share_is_answered_with_what_tells_them_apart(
    client: KlaviyoClient, call: Callable[[Any], Any]
) -> None:
    with pytest.raises(
        AmbiguousMatchError, match=r"too: \('Placed Order', 'Shopify'\), or give the id"
    ) as caught:
        call(client)
    assert "metric=" not in str(caught.value)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda client: client.lists.profiles("Newsletter"),
        lambda client: client.segments.get("VIPs"),
        lambda client: client.flows.messages("Welcome Series"),
    ],
)
def test_a_name_where_an_id_belongs_leads_to_find(
    client: KlaviyoClient, mistake: Callable[[KlaviyoClient], Any]
) -> None:
    with pytest.raises(NotFoundError, match=r"If you passed a name, look up its id with find\(name=\.\.\.\)"):
        mistake(client)


def test_an_address_where_an_id_belongs_leads_to_find(client: KlaviyoClient) -> None:
    with pytest.raises(InvalidInputError, match=r"profiles\.find\(email=\.\.\.\)"):
        client.profiles.get("ann@mail.example.net")


def test_a_frame_where_an_id_belongs_is_not_printed(client: KlaviyoClient) -> None:
    people = client.profiles.list(limit=3)
    with pytest.raises(InvalidInputError, match=r"id=<DataFrame> is not an id. Pass an id as text") as caught:
        client.profiles.get(people)  # type: ignore[arg-type]
    assert "@" not in str(caught.value)


def test_what_was_sent_is_not_sent_again(client: KlaviyoClient) -> None:
    campaigns = client.campaigns.list()
    sent = campaigns[campaigns["status"] == "Sent"].iloc[0]
    with pytest.raises(InvalidInputError, match=r"is Sent and goes out once; campaigns\.clone"):
        client.campaigns.send(sent, confirm=True)
    with pytest.raises(InvalidInputError, match="goes out once"):
        client.campaigns.send(sent)


@pytest.mark.parametrize(
    "numbers", [{"seed": "x"}, {"profiles": -1}, {"events": 1.5}, {"seed": True}], ids=str
)
def test_a_shop_is_made_of_whole_numbers(numbers: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="give a whole number"):
        ka.demo(**numbers)


def test_every_verb_goes_by_its_own_name(client: KlaviyoClient) -> None:
    for noun in (getattr(client, name) for name in client.describe()["resource"].unique()):
        for name in (name for name in dir(noun) if not name.startswith("_")):
            assert getattr(noun, name).__name__ == name


@pytest.mark.parametrize(
    "ids", [None, 5, 1.5, True, object(), b"x", {}, {"id": "1"}, pd.DataFrame({"email": ["a@shop.example"]})]
)
def test_what_is_not_a_list_of_ids_is_refused_before_any_request(offline: KlaviyoClient, ids: Any) -> None:
    for call in (
        lambda: offline.catalog_categories.add_items("mugs", ids),
        lambda: offline.catalog_items.update("mug", categories=ids),
        lambda: offline.tags.tag_lists("T1", ids),
    ):
        with pytest.raises(InvalidInputError, match=r"ids|Pass an id"):
            call()
