"""Templates rendered and cloned.

The renderer knows variables, `{{ person.city }}`, with the filters default, lookup, upper, lower, title and
capfirst, and `{% unsubscribe %}`; other filters let a value pass, other tags leave no trace. What the context does
not have is empty. Values are escaped, but not in plain text.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from html import escape
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from klaviyo_analytics.sandbox.app.campaigns import copy_template
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem, to_text
from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.writes import check_room, number_id
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
TAG = re.compile(r"\{%\s*(\w+)\s*(.*?)\s*%\}", re.DOTALL)
# A filter and its argument, which may hold a bar if it is quoted.
FILTER = re.compile(r"""\|\s*(\w+)\s*(?::\s*("[^"]*"|'[^']*'|[^|\s]+))?""")
CHANGES: dict[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "capfirst": lambda text: text[:1].upper() + text[1:],
}


def render_template(call: Call) -> Json:
    """Answer a template as a recipient would see it."""
    data = call.body["data"]
    template = call.store.get("template", data["id"])
    context = data["attributes"]["context"]
    shown = {
        name: render(template.attributes[name], context, escapes=name != "text")
        for name in ("html", "text", "amp")
        if template.attributes.get(name) is not None
    }
    return answer_one(call, Record(template.type, template.id, template.attributes | shown))


def clone_template(call: Call) -> Json:
    """Copy a template under a new name."""
    data = call.body["data"]
    template = call.store.get("template", data["id"])
    check_room(call.store, "template")
    name = data["attributes"].get("name") or f"Copy of {template.attributes['name']}"
    return answer_one(call, copy_template(call.store, template, name))


def render(text: str, context: Json, *, escapes: bool) -> str:
    """Put the context's values where a text names them."""

    def show(found: re.Match[str]) -> str:
        value = _evaluate(found[1].strip(), context)
        written = "" if value is None or value is False else str(value)
        return escape(written) if escapes else written

    return VARIABLE.sub(show, TAG.sub(_tag, text))


def _tag(found: re.Match[str]) -> str:
    if found[1] != "unsubscribe":
        return ""
    words = found[2].strip("'\"") or "Unsubscribe"
    return f'<a href="https://manage.kmail-lists.com/subscriptions/unsubscribe">{words}</a>'


def _evaluate(expression: str, context: Json) -> Any:
    path, bar, rest = expression.partition("|")
    value: Any = _literal(path.strip(), context)
    for name, argument in FILTER.findall(bar + rest):
        if name == "default":
            value = value or _literal(argument, context)
        elif name == "lookup":
            value = value.get(_literal(argument, context)) if isinstance(value, dict) else None
        elif name in CHANGES and value is not None:
            value = CHANGES[name](str(value))
    return value


def _literal(text: str, context: Json) -> Any:
    """Read a quoted text, or follow a path through the context."""
    if text[:1] in ("'", '"'):
        return text[1:-1]
    value: Any = context
    for name in text.split("."):
        if isinstance(value, list) and name.isdigit():
            value = value[int(name)] if int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


HOME = "https://d3k81ch9hvuctc.cloudfront.net/company/sandbox/images"
MOST_BYTES = 5 * 1024 * 1024
SIGNS = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF8"}
SUFFIXES = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".gif": "gif"}
URL = "/data/attributes/import_from_url"


def import_image(call: Call) -> Json:
    """Keep an image that a URL leads to, or holds."""
    attributes = call.body["data"]["attributes"]
    url: str = attributes["import_from_url"]
    name, hidden = attributes.get("name"), bool(attributes.get("hidden"))
    if url.startswith("data:"):
        return _keep(call, _decode(url), name or "image", URL, hidden=hidden)
    parts = urlsplit(url)
    path = PurePosixPath(parts.path)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ApiFault.pointer(URL, "Give an http or https URL, or a data URI.")
    if path.suffix and path.suffix.lower() not in SUFFIXES:
        raise ApiFault.pointer(URL, f"The image must be one of {', '.join(SIGNS)}.")
    format_ = SUFFIXES.get(path.suffix.lower(), "jpeg")
    return _add(call, name or path.stem or "image", format_, 0, hidden=hidden, source={"url": url})


def upload_image(call: Call) -> Json:
    """Keep an image that came as a file in a form."""
    request = call.body  # a form, not JSON
    kind, options = parse_options_header(request.headers["content-type"])
    # Files stay in memory: one on disk would have to be closed.
    parser = FormDataParser(stream_factory=lambda *_, **__: BytesIO(), silent=False)
    try:
        _, fields, files = parser.parse(BytesIO(request.body), kind, len(request.body), options)
    except ValueError as error:
        raise ApiFault.pointer("/", f"The form cannot be read: {error}.") from None
    file = files.get("file")
    if file is None:
        raise ApiFault.pointer("/file", "A file is required.")
    name = fields.get("name") or PurePosixPath(file.filename or "image").stem
    return _keep(call, file.read(), name, "/file", hidden=fields.get("hidden", "").lower() == "true")


def _decode(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    try:
        raw = unquote_to_bytes(body)
        content = b64decode(re.sub(rb"\s", b"", raw), validate=True) if head.endswith(";base64") else raw
    except (binascii.Error, ValueError):
        comma = ""
    if not comma:
        raise ApiFault.pointer(URL, "The data URI cannot be read.")
    return content


def _keep(call: Call, content: bytes, name: str, pointer: str, *, hidden: bool) -> Json:
    if len(content) > MOST_BYTES:
        raise ApiFault(413, [Problem("payload_too_large", "An image may have 5 MB.", {"pointer": pointer})])
    format_ = next((format_ for format_, sign in SIGNS.items() if content.startswith(sign)), None)
    if format_ is None:
        raise ApiFault.pointer(pointer, f"The image must be one of {', '.join(SIGNS)}.")
    return _add(call, name, format_, len(content), hidden=hidden, source={"bytes": content})


def _add(call: Call, name: str, format_: str, size: int, *, hidden: bool, source: Json) -> Json:
    id_ = number_id(call.store, {})
    known = {
        "name": name,
        "image_url": f"{HOME}/{id_}.{format_}",
        "format": format_,
        "size": size,
        "hidden": hidden,
        "updated_at": to_text(call.store.now()),
    }
    return answer_one(call, call.store.add(Record("image", id_, known, hidden=source)))


HANDLERS = {
    "render_template": render_template,
    "clone_template": clone_template,
    "upload_image_from_url": import_image,
    "upload_image_from_file": upload_image,
}
