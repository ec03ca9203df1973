"""The name of a list where its id belongs is refused with the id, by every method."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_analytics.errors import InvalidInputError, NotFoundError
from tests.resources.shop import serving
from tests.shops import Shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A sandbox that this file's tests may write to."""
    with serving(profiles=20, events=50) as shop:
        yield shop


@pytest.mark.parametrize("name", ["Our friends", "Buyers"])  # the second has the form of an id
@pytest.mark.parametrize("method", ["add_profiles", "remove_profiles", "plan_add_profiles"])
def test_a_name_is_refused_with_the_id(shop: Shop, name: str, method: str) -> None:
    group = shop.client.lists.create(name=name)
    person = shop.client.profiles.list(limit=1)
    with pytest.raises(InvalidInputError, match=f"list={name!r} is the name of a list.*{group['id']}"):
        getattr(shop.client.lists, method)(name, person)
    assert shop.client.lists.profiles(group).empty


def test_an_id_that_does_not_exist_is_still_not_found(shop: Shop) -> None:
    with pytest.raises(NotFoundError):
        shop.client.lists.add_profiles("Zz99Zz", shop.client.profiles.list(limit=1))
