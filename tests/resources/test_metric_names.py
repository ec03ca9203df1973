"""How a metric's name becomes the one id that is meant, or an error that names the candidates."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import AmbiguousMatchError, InvalidInputError, NoMatchError
from tests.http.scripted_server import ScriptedServer, data
from tests.shops import Shop, open_shop


@pytest.fixture
def ids(library: Shop) -> dict[tuple[str, str | None], str]:
    """Ids by name and integration, as the account holds them."""
    return {
        (record.attributes["name"], (record.attributes["integration"] or {}).get("name")): id
        for id, record in library.account.records["metric"].items()
    }


class TestOneIsMeant:
    @pytest.mark.parametrize(
        ("name", "integration", "means"),
        [
            ("Opened Email", None, ("Opened Email", "Klaviyo")),
            ("opened email", None, ("Opened Email", "Klaviyo")),
            ("OPENED EMAIL", "Klaviyo", ("Opened Email", "Klaviyo")),
            ("Placed Order", "Shopify", ("Placed Order", "Shopify")),
            ("placed order", "Point of Sale", ("Placed Order", "Point of Sale")),
            ("Earned Loyalty Points", None, ("Earned Loyalty Points", None)),
            ("Received Text Message", None, ("Received Text Message", "Klaviyo")),
            ("Received SMS", None, ("Received Text Message", "Klaviyo")),
            ("received sms", None, ("Received Text Message", "Klaviyo")),
            ("Failed to Deliver SMS", None, ("Failed to Deliver Text Message", "Klaviyo")),
            (
                "Unsubscribed from SMS Marketing",
                "Klaviyo",
                ("Unsubscribed from Text Message Marketing", "Klaviyo"),
            ),
        ],
    )
    def test_by_name(
        self, name: str, integration: str | None, means: Any, reader: KlaviyoClient, ids: dict[Any, str]
    ) -> None:
        row = reader.metrics.find(name=name, integration=integration)
        assert row["id"] == ids[means]
        assert row["name"] == means[0]

    def test_by_id_by_pair_and_by_row(self, reader: KlaviyoClient, ids: dict[Any, str]) -> None:
        id = ids["Placed Order", "Shopify"]
        row = reader.metrics.find(name=id)
        for metric in (id, ("Placed Order", "Shopify"), (id, "Shopify"), row, reader.metrics.get(id)):
            assert reader.metrics.resolve(metric) == (id, "Placed Order")

    def test_several_are_each_meant_once(self, reader: KlaviyoClient, ids: dict[Any, str]) -> None:
        shop, opened = ids["Placed Order", "Shopify"], ids["Opened Email", "Klaviyo"]
        found = reader.metrics.resolve_all(
            [("Placed Order", "Shopify"), "opened email", shop, "Opened Email"]
        )
        assert found == ((shop, "Placed Order"), (opened, "Opened Email"))


class TestNoneOrSeveral:
    @pytest.mark.parametrize("name", ["Placed Order", "placed order"])
    def test_several_of_a_name_are_named_with_their_integrations(
        self, name: str, reader: KlaviyoClient, ids: dict[Any, str]
    ) -> None:
        with pytest.raises(AmbiguousMatchError) as caught:
            reader.metrics.find(name=name)
        for integration in ("Shopify", "Point of Sale"):
            assert f"{integration} ({ids['Placed Order', integration]})" in str(caught.value)
        assert f"too: ({name!r}, 'Shopify'), or give the id" in str(caught.value)

    def test_none_names_what_comes_close(self, reader: KlaviyoClient) -> None:
        with pytest.raises(
            NoMatchError, match=r"No metric is called 'Plaecd Ordr'\. Did you mean 'Placed Order'"
        ):
            reader.metrics.find(name="Plaecd Ordr")
        with pytest.raises(NoMatchError, match=r"No metric is called 'xyz'\. There are .*Viewed Product"):
            reader.metrics.find(name="xyz")

    def test_another_integration_names_those_that_there_are(self, reader: KlaviyoClient) -> None:
        with pytest.raises(
            NoMatchError, match=r"No metric 'Opened Email' comes from 'Shopify'; there is Klaviyo \("
        ):
            reader.metrics.find(name="Opened Email", integration="Shopify")
        with pytest.raises(NoMatchError, match=r"there is no integration \("):
            reader.metrics.find(name="Earned Loyalty Points", integration="Shopify")

    @pytest.mark.parametrize(
        "metric", ["", None, 5, (), ("a",), ("Placed Order", "Shopify", "x"), ["Placed Order"]]
    )
    def test_what_is_no_metric_is_refused(self, metric: Any, reader: KlaviyoClient) -> None:
        with pytest.raises(InvalidInputError, match=r"give a name, an id, \(name, integration\), or a row"):
            reader.metrics.resolve(metric)

    def test_no_metric_at_all_is_refused(self, reader: KlaviyoClient) -> None:
        with pytest.raises(InvalidInputError, match="name at least one"):
            reader.metrics.resolve_all([])


class TestCase:
    """An exact name goes before one that differs in case, and a present name before a renamed one."""

    @pytest.fixture(autouse=True)
    def _metrics(self, reader: KlaviyoClient, monkeypatch: pytest.MonkeyPatch) -> None:
        names = ["Foo", "foo", "FOO BAR", "Received SMS", "Received Text Message", "Bar", "bar", None]
        metrics = pd.DataFrame({"id": [f"m{n}" for n in range(len(names))], "name": names}, dtype="string")
        metrics["integration.name"] = pd.array(["API"] * len(names), dtype="string")
        monkeypatch.setattr(reader._context, "metrics", metrics)

    @pytest.mark.parametrize(
        ("name", "id"),
        [
            ("Foo", "m0"),
            ("foo", "m1"),
            ("foo bar", "m2"),
            ("Received SMS", "m3"),
            ("Received Text Message", "m4"),
        ],
    )
    def test_it_decides_where_it_can(self, name: str, id: str, reader: KlaviyoClient) -> None:
        assert reader.metrics.resolve(name)[0] == id

    @pytest.mark.parametrize("name", ["BAR", "received sms"])
    def test_it_is_asked_for_where_it_cannot(self, name: str, reader: KlaviyoClient) -> None:
        with pytest.raises(AmbiguousMatchError):
            reader.metrics.resolve(name)


def test_metrics_are_read_once_and_again_when_a_name_is_new() -> None:
    with open_shop(events=50) as shop:
        for name in ("Opened Email", "Clicked Email", "opened email"):
            shop.client.metrics.find(name=name)
        assert shop.asked().count("GET /api/metrics") == 1
        with pytest.raises(NoMatchError):
            shop.client.metrics.find(name="Brand New")
        assert shop.asked().count("GET /api/metrics") == 2


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ("Received SMS", "Received Text Message"),
        ("Received SMS", "received text message"),
        ("Received Text Message", "Received SMS"),
        ("Unsubscribed from SMS Marketing", "Unsubscribed from Text Message Marketing"),
    ],
)
def test_a_renamed_metric_is_found_by_its_old_and_by_its_new_name(there: str, asked: str) -> None:
    """An account may still have the old name."""
    metric = {"type": "metric", "id": "M1", "attributes": {"name": there, "integration": {"name": "Klaviyo"}}}
    with (
        ScriptedServer(data([metric])) as server,
        ka.connect(api_key="pk_0123456789", base_url=server.url, progress=False) as client,
    ):
        assert client.metrics.find(name=asked)["id"] == "M1"
