"""Templates rendered and cloned."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.sandbox.app.templates import render
from tests.sandbox.accounts import record
from tests.sandbox.api import Api, data

CONTEXT: dict[str, Any] = {
    "first_name": "ann",
    "person": {"City": "Oslo", "Favorite Color": "green"},
    "items": [{"name": "Mug"}, {"name": "Tea & Co"}],
    "total": 9.5,
    "none": None,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{ first_name }}!", "Hello ann!"),
        ("{{first_name}}", "ann"),
        ("{{ person.City }} {{ items.0.name }} {{ items.7.name }}", "Oslo Mug "),
        ("{{ missing }}{{ missing.deep }}{{ none }}{{ first_name.deep }}", ""),
        ("{{ missing|default:'friend' }}", "friend"),
        ('{{ missing | default: "my friend" }}', "my friend"),
        ("{{ missing|default:first_name }}", "ann"),
        ("{{ first_name|default:'friend' }}", "ann"),
        ("{{ first_name|upper }} {{ first_name|title }} {{ 'a b'|capfirst }}", "ANN Ann A b"),
        ("{{ missing|default:'x|y'|upper }}", "X|Y"),
        ("{{ person|lookup:'Favorite Color' }}", "green"),
        ("{{ first_name|lookup:'x'|default:'-' }}", "-"),
        ("{{ total|floatformat:2 }}", "9.5"),
        ("{% if first_name %}a{% endif %}", "a"),
        ("{{ items.1.name }}", "Tea &amp; Co"),
        ("no variables { at all }", "no variables { at all }"),
    ],
)
def test_what_is_shown(text: str, expected: str) -> None:
    assert render(text, CONTEXT, escapes=True) == expected


def test_plain_text_is_not_escaped() -> None:
    assert render("{{ items.1.name }}", CONTEXT, escapes=False) == "Tea & Co"


def test_a_link_to_unsubscribe() -> None:
    assert ">Unsubscribe</a>" in render("{% unsubscribe %}", {}, escapes=True)
    assert ">Leave</a>" in render("{% unsubscribe 'Leave' %}", {}, escapes=True)


class TestEndpoints:
    def test_render(self, api: Api) -> None:
        api.patch("/api/templates/TPL1", data("template", "TPL1", text="Hi {{ first_name }}"))
        reply = api.post("/api/template-render", data("template", "TPL1", context={"first_name": "A&B"}))
        found = reply.json["data"]["attributes"]
        assert (reply.status, reply.json["data"]["id"]) == (201, "TPL1")
        assert (found["html"], found["text"], found["amp"]) == ("<p>Hello A&amp;B</p>", "Hi A&B", None)
        kept = api.get("/api/templates/TPL1").json["data"]["attributes"]
        assert kept["html"] == "<p>Hello {{ first_name }}</p>"

    def test_render_needs_a_context(self, api: Api) -> None:
        assert api.post("/api/template-render", data("template", "TPL1")).source == {
            "pointer": "/data/attributes/context"
        }
        assert api.post("/api/template-render", data("template", "none", context={})).status == 404

    def test_clone(self, api: Api) -> None:
        reply = api.post("/api/template-clone", data("template", "TPL1", name="Second"))
        clone = reply.json["data"]
        assert (reply.status, clone["attributes"]["name"]) == (201, "Second")
        assert api.delete("/api/templates/TPL1").status == 204
        assert api.get(f"/api/templates/{clone['id']}").json["data"]["attributes"]["html"] == (
            "<p>Hello {{ first_name }}</p>"
        )

    def test_a_thousand_at_most(self, api: Api, sandbox: Sandbox) -> None:
        templates = sandbox.account.records["template"]
        templates |= {str(number): record("template", str(number), {"name": ""}) for number in range(999)}
        assert api.post("/api/template-clone", data("template", "TPL1")).status == 400
        body = data("template", name="New", editor_type="CODE", html="<p>")
        assert api.post("/api/templates", body).status == 400

    def test_drag_and_drop_templates_are_changed_elsewhere(self, api: Api) -> None:
        body = data("template", name="D", editor_type="USER_DRAGGABLE", html="<p>")
        made = api.post("/api/templates", body).json["data"]["id"]
        assert api.patch(f"/api/templates/{made}", data("template", made, html="<b>")).source == {
            "pointer": "/data/attributes/html"
        }
        assert api.patch(f"/api/templates/{made}", data("template", made, name="E")).status == 200
        body = data("template", name="D", editor_type="SYSTEM_DRAGGABLE")
        assert api.post("/api/templates", body).source == {"pointer": "/data/attributes/editor_type"}
