"""notebooks/endpoints.md: every call of the table is made, and makes the request that the table promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.contract.openapi import Document
from tests.resources.shop import serving
from tests.shops import Shop

TABLE = Path(__file__).parents[2] / "notebooks" / "endpoints.md"
ROW = re.compile(
    r"\| `(?P<guide>[A-Z]+ /api/[^`]+)` \| `(?P<call>client\.[^|]+)` \| (?:`(?P<makes>[^`]+)` )?\|"
)
ROWS = [match.groupdict() for line in TABLE.read_text("utf-8").splitlines() if (match := ROW.fullmatch(line))]
ENDPOINTS = 96
# What the guide names and Klaviyo does not have.
NOT_THERE = {
    "POST /api/campaign-recipient-estimations",
    "GET /api/flows/{flow_id}/flow-messages",
    "POST /api/tag-campaign-relationships",
    "POST /api/tag-flow-relationships",
}
numbers = count(1)
Maker = Callable[[KlaviyoClient], Any]
BLOCK = {"content_type": "block", "type": "html", "data": {"content": "<b>Tea</b>", "display_options": {}}}
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def name() -> str:
    """Give a name that nothing has yet."""
    return f"thing_{next(numbers)}"


def campaign(client: KlaviyoClient) -> Any:
    group = client.lists.find(name="Newsletter")
    return client.campaigns.create(name=name(), audiences=group, channel="email", subject="Tea")


def finished_campaign(client: KlaviyoClient) -> Any:
    draft = campaign(client)
    message = client.campaigns.messages(draft).iloc[0]
    client.campaign_messages.assign_template(message, template=client.templates.list(limit=1).iloc[0])
    return draft


def flow_definition(client: KlaviyoClient) -> Any:
    wait = {"type": "time-delay", "links": {"next": None}, "data": {"unit": "days", "value": 1}}
    return {
        "triggers": [{"type": "list", "id": client.lists.list()["id"][0]}],
        "profile_filter": None,
        "entry_action_id": "a",
        "actions": [{"temporary_id": "a", **wait}],
    }


def conditions(client: KlaviyoClient) -> Any:
    member = {
        "type": "profile-group-membership",
        "is_member": True,
        "group_ids": [client.lists.list()["id"][0]],
    }
    return {"condition_groups": [{"conditions": [member]}]}


def member(client: KlaviyoClient) -> Any:
    newsletter = client.lists.find(name="Newsletter")
    return client.lists.profiles(newsletter, limit=1)["email"][0]


def item(client: KlaviyoClient) -> Any:
    return client.catalog_items.create(
        external_id=name(), title="Tea", description="", url="https://tea.example"
    )


def webhook(client: KlaviyoClient) -> Any:
    topics = client.webhook_topics.list().head(1)
    url, secret = "https://tea.example", "0123456789abcdef"
    return client.webhooks.create(name=name(), endpoint_url=url, secret_key=secret, webhook_topics=topics)


THINGS: Mapping[str, Maker] = {
    "profile": lambda c: c.profiles.create(email=f"{name()}@tea.example"),
    "another_profile": lambda c: c.profiles.create(email=f"{name()}@tea.example"),
    "profiles": lambda c: c.profiles.list(limit=2),
    "email": lambda _: f"{name()}@tea.example",
    "member": member,
    "newsletter": lambda c: c.lists.find(name="Newsletter"),
    "group": lambda c: c.lists.create(name=name()),
    "segment": lambda c: c.segments.create(name=name(), definition=conditions(c)),
    "conditions": conditions,
    "campaign": campaign,
    "finished_campaign": finished_campaign,
    "flow": lambda c: c.flows.list(limit=1).iloc[0],
    "old_flow": lambda c: c.flows.list().iloc[-1],
    "flow_definition": flow_definition,
    "metric": lambda c: c.metrics.find(name="Placed Order", integration="Shopify"),
    "event": lambda c: c.events.list(limit=1).iloc[0],
    "events": lambda _: [{"metric": "Scored", "profile": f"{name()}@tea.example", "value": 2}],
    "people": lambda _: [{"email": f"{name()}@tea.example", "properties": {"score": 4}}],
    "template": lambda c: c.templates.create(name=name(), editor_type="CODE", html="<p>{{ name }}</p>"),
    "item": item,
    "tag": lambda c: c.tags.create(name=name()),
    "tag_group": lambda c: c.tag_groups.create(name=name()),
    "coupon": lambda c: c.coupons.create(external_id=name()),
    "webhook": webhook,
    "topics": lambda c: c.webhook_topics.list().head(2),
    "url": lambda _: "https://tea.example/green",
    "secret": lambda _: "0123456789abcdef",
    "image": lambda c: c.images.list(limit=1).iloc[0],
    "image_url": lambda _: PIXEL,
    "form": lambda c: c.forms.list(limit=1).iloc[0],
    "review": lambda c: c.reviews.list(limit=1).iloc[0],
    "content": lambda c: c.universal_content.create(name=name(), definition=BLOCK),
    "block": lambda _: BLOCK,
}


@pytest.fixture(scope="module")
def shop(document: Document) -> Iterator[Shop]:
    """A shop whose every request the document judges."""
    assert document.operations
    with serving() as shop:
        yield shop


def test_the_table_has_every_endpoint_of_the_guide() -> None:
    assert len(ROWS) == ENDPOINTS
    assert len({row["guide"] for row in ROWS}) == ENDPOINTS
    assert {row["guide"] for row in ROWS if row["makes"]} == NOT_THERE


def test_endpoints_that_exist_are_in_the_document_and_others_are_not(document: Document) -> None:
    for row in ROWS:
        for text, there in ((row["guide"], row["guide"] not in NOT_THERE), (row["makes"], True)):
            if text:
                method, _, path = text.partition(" ")
                assert (document.find(method, path) is not None) == there, text


@pytest.mark.parametrize("row", [pytest.param(row, id=str(row["guide"])) for row in ROWS])
def test_the_call_makes_the_request(shop: Shop, row: Mapping[str, str]) -> None:
    code = compile(row["call"], TABLE.name, "eval")
    things = {each: THINGS[each](shop.client) for each in code.co_names if each in THINGS}
    before = len(shop.exchanges)
    eval(code, {"client": shop.client, **things})
    made = shop.exchanges[before:]
    wanted = _blank(row["makes"] or row["guide"])
    assert wanted in [_blank(f"{each.method} {each.operation}") for each in made]
    assert not [each for each in made if each.in_request or each.status >= 400]


def _blank(endpoint: str) -> str:
    return re.sub(r"\{\w+\}", "{}", endpoint)
