"""Several accounts side by side: one frame, currencies and clocks apart, one failing account listed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.errors import AuthenticationError, InvalidInputError
from tests.shops import Shop, open_shop


@pytest.fixture(scope="module")
def shops() -> Iterator[tuple[Shop, Shop]]:
    with (
        open_shop(profiles=60, events=900) as north,
        open_shop(profiles=50, events=800, seed=8, currencies=("EUR",)) as south,
    ):
        south.account.records["account"][next(iter(south.account.records["account"]))].attributes.update(
            timezone="Europe/Berlin", preferred_currency="EUR"
        )
        yield north, south


def group(north: Shop, south: Shop, **options: object) -> ka.AccountGroup:
    return ka.AccountGroup({"north": north.client, "south": south.client}, **options)  # type: ignore[arg-type]


def test_one_frame_with_the_rows_of_each_account(shops: tuple[Shop, Shop]) -> None:
    frame = group(*shops).events.list(metric=("Placed Order", "Shopify"))
    assert frame.columns[0] == "account"
    for name, shop in zip(("north", "south"), shops, strict=True):
        own = shop.client.events.list(metric=("Placed Order", "Shopify"))
        assert frame.loc[frame["account"] == name, "id"].tolist() == own["id"].tolist()
    assert frame.attrs["failed"] == {}


def test_currencies_and_clocks_are_kept_apart(shops: tuple[Shop, Shop]) -> None:
    frame = group(*shops).flows.summary("last 90 days")
    assert frame.groupby("account")["currency"].unique().map(list).to_dict() == {
        "north": ["USD"],
        "south": ["EUR"],
    }
    assert frame.attrs["accounts"]["south"]["timezone"] == "Europe/Berlin"
    both = group(*shops).metric_aggregates.query(("Placed Order", "Shopify"), measurements=["sum_value"])
    assert str(both["datetime"].dtype).endswith("UTC]")
    assert both.loc[both["account"] == "south", "datetime_local"].str.contains(r"\+0[12]:00").all()
    assert set(both["currency"]) == {"USD", "EUR"}


def test_a_table_of_rates_adds_a_converted_column(shops: tuple[Shop, Shop]) -> None:
    frame = group(*shops, rates={"USD": 1, "EUR": 1.1}).analyses.rfm(metric=("Placed Order", "Shopify"))
    south = frame[frame["account"] == "south"]
    assert len(south) > 0
    assert (south["monetary_converted"] / south["monetary"]).round(9).unique().tolist() == [1.1]
    assert frame.attrs["analysis"] == "rfm"
    with pytest.raises(InvalidInputError, match="no rate for 'EUR'"):
        group(*shops, rates={"USD": 1}).analyses.rfm(metric=("Placed Order", "Shopify"))


def test_one_failing_account_is_listed_and_the_others_come(shops: tuple[Shop, Shop]) -> None:
    north, _ = shops
    with ka.connect(api_key="pk_wrong", base_url=north.sandbox.direct_url, progress=False) as wrong:
        both = ka.AccountGroup({"north": north.client, "south": wrong})
        with pytest.warns(UserWarning, match="1 of 2 accounts failed: south"):
            frame = both.lists.list()
        assert set(frame["account"]) == {"north"}
        assert list(frame.attrs["failed"]) == ["south"]
        with pytest.raises(AuthenticationError):
            ka.AccountGroup({"south": wrong}).lists.list()


def test_connect_all_makes_a_client_for_each_key(shops: tuple[Shop, Shop]) -> None:
    north, _ = shops
    key = north.sandbox.api_key
    with ka.connect_all(keys={"a": key, "b": key}, base_url=north.sandbox.direct_url, progress=False) as both:
        frame = both.tags.list()
        assert frame.groupby("account").size().nunique() == 1
        assert set(frame["account"]) == {"a", "b"}
        with pytest.raises(AttributeError, match="not a reading method"):
            getattr(both.profiles, "create")  # noqa: B009
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            getattr(both, "nothing")  # noqa: B009


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either connections= or keys="),
        ({"keys": {}}, "no account was given"),
        ({"connections": "abc"}, "single text"),
        ({"keys": {"a": "pk_1"}, "api_key": "pk_2"}, "belongs to one account"),
    ],
)
def test_connect_all_refuses_what_it_cannot_use(given: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ka.connect_all(**given)  # type: ignore[arg-type]
