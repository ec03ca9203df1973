"""Templates, universal content, images."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import InvalidInputError, NotFoundError
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


GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def test_templates_are_written_rendered_and_copied(client: KlaviyoClient) -> None:
    made = client.templates.create(name="Hello", editor_type="CODE", html="<p>{{ name }}</p>")
    assert client.templates.update(made, name="Hi")["name"] == "Hi"
    assert client.templates.render(made, context={"name": "Ann"})["html"] == "<p>Ann</p>"
    copy = client.templates.clone(made, name="Copy")
    assert (copy["name"], copy["html"]) == ("Copy", "<p>{{ name }}</p>")
    client.templates.delete(made, confirm=True)
    with pytest.raises(NotFoundError):
        client.templates.get(made)


def test_universal_content_is_written_and_read_back(client: KlaviyoClient) -> None:
    made = client.universal_content.create(name="Banner", definition=HTML)
    assert client.universal_content.get(made)["definition.data"]["content"] == "<b/>"
    assert client.universal_content.find(name="Banner")["id"] == made["id"]
    assert client.universal_content.update(made, name="Footer")["name"] == "Footer"
    client.universal_content.delete(made, confirm=True)
    assert made["id"] not in set(client.universal_content.list()["id"])


@pytest.mark.parametrize("way", ["path", "text", "bytes"])
def test_an_image_is_uploaded_from_a_file_or_bytes(client: KlaviyoClient, tmp_path: Path, way: str) -> None:
    path = tmp_path / "pixel.gif"
    path.write_bytes(GIF)
    ways: dict[str, Path | str | bytes] = {"path": path, "text": str(path), "bytes": GIF}
    image = client.images.create(ways[way], name="Pixel", hidden=True)
    assert (image["name"], image["format"], bool(image["hidden"])) == ("Pixel", "gif", True)


def test_an_image_comes_from_an_address(client: KlaviyoClient) -> None:
    image = client.images.create("data:image/gif;base64," + base64.b64encode(GIF).decode())
    assert client.images.update(image, name="Dot")["name"] == "Dot"
    assert image["id"] in set(client.images.list()["id"])


def test_a_dry_upload_shows_no_bytes(offline: KlaviyoClient, tmp_path: Path) -> None:
    path = tmp_path / "pixel.gif"
    path.write_bytes(GIF)
    body = offline.images.create(path, dry_run=True)["body"][0]
    assert body == {"file": "pixel.gif, 42 bytes", "hidden": "false"}


def test_what_is_no_image_is_refused(offline: KlaviyoClient, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"not a JPEG, PNG or GIF image\. Convert it"):
        offline.images.create(b"%PDF-1.4")
    with pytest.raises(InvalidInputError, match="at most"):
        offline.images.create(GIF + bytes(5 * 1024 * 1024))
    with pytest.raises(InvalidInputError, match="is not a file"):
        offline.images.create(tmp_path / "nothing.png")
