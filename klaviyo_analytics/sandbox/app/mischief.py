"""What a scripted fault does to an answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from klaviyo_analytics.sandbox.app.answer import JSON_API, Answer, Wire
from klaviyo_analytics.sandbox.app.errors import ApiFault, Problem
from klaviyo_analytics.sandbox.faults import Fault


def instead(fault: Fault, wire: Wire) -> Answer | None:
    """Give the answer that takes the true one's place, if the request is not to be carried out."""
    if fault.drop == "before":
        wire.drop = True
        return Answer(500)
    if fault.redirect:
        return Answer(302, headers={"Location": fault.redirect, **fault.headers})
    if fault.status is None:
        return None
    headers = dict(fault.headers)
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if fault.body is None:
        problem = Problem("scripted", f"A scripted fault with status {fault.status}.")
        return Answer(fault.status, ApiFault(fault.status, [problem]).document(), headers=headers)
    return _with_body(Answer(fault.status, headers=headers), fault)


def afterwards(fault: Fault, answer: Answer, wire: Wire) -> Answer:
    """Do to a true answer what the fault says; the request has been carried out."""
    if fault.drop == "after":
        wire.drop = True
    if fault.drop == "during" or fault.truncate:
        wire.cut, wire.reset = True, fault.drop == "during"
    if fault.status is None and fault.redirect is None:
        answer.headers |= dict(fault.headers)
        if fault.body is not None:
            answer = _with_body(answer, fault)
    links = answer.document.get("links", {}) if isinstance(answer.document, dict) else {}
    if fault.next_host and "next" in links:
        links["next"] = _on_host(links["next"], fault.next_host)
    if fault.repeat_cursor and "cursor" in links.get("self", ""):
        links["next"] = links["self"]
    return answer


def _with_body(answer: Answer, fault: Fault) -> Answer:
    body: Any = fault.body
    is_html = isinstance(body, str | bytes) and (body[:1] in ("<", b"<"))
    answer.content_type = fault.content_type or ("text/html; charset=utf-8" if is_html else JSON_API)
    answer.body = (
        orjson.dumps(body) if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    )
    return answer


def _on_host(link: str, origin: str) -> str:
    parts, host = urlsplit(link), urlsplit(origin)
    return urlunsplit((host.scheme, host.netloc, parts.path, parts.query, ""))
