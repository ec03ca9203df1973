"""Templates, universal content, images."""

from __future__ import annotations

import pytest

from klaviyo_analytics.client import KlaviyoClient
from tests.resources.wire import Call, Json, check, data, sends

HTML = {"content_type": "block", "type": "html", "data": {"content": "<b/>", "display_options": {}}}
REQUESTS = [
    sends(
        "template render",
        lambda c: c.templates.render("T1", context={"name": "Ann"}),
        "POST /api/template-render",
        data("template", {"context": {"name": "Ann"}}, id="T1"),
    ),
    sends(
        "template clone without a name has attributes all the same",
        lambda c: c.templates.clone("T1"),
        "POST /api/template-clone",
        data("template", {}, id="T1"),
    ),
    sends(
        "universal content",
        lambda c: c.universal_content.create(name="Banner", definition=HTML),
        "POST /api/template-universal-content",
        data("template-universal-content", {"name": "Banner", "definition": HTML}),
    ),
    sends(
        "image from an address",
        lambda c: c.images.create("https://b.co/x.png", name="x"),
        "POST /api/images",
        data("image", {"import_from_url": "https://b.co/x.png", "name": "x", "hidden": False}),
    ),
]


@pytest.mark.parametrize(("call", "request_line", "body"), REQUESTS)
def test_what_goes_out(offline: KlaviyoClient, call: Call, request_line: str, body: Json) -> None:
    check(offline, call, request_line, body)
