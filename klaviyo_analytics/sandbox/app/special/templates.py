"""Templates rendered and cloned.

The renderer knows variables, `{{ person.city }}`, with the filters default, lookup, upper, lower, title and
capfirst, and `{% unsubscribe %}`; other filters let a value pass, other tags leave no trace. What the context does
not have is empty. Values are escaped, but not in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

from klaviyo_analytics.sandbox.app.reads import Call, answer_one
from klaviyo_analytics.sandbox.app.rules import check_room
from klaviyo_analytics.sandbox.app.special.messages import copy_template
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


HANDLERS = {"render_template": render_template, "clone_template": clone_template}
