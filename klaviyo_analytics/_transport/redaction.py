"""What a log may say of a request: no key, no personal datum, no session token."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[^\s\"'(),\[\]=&%]+(?:@|%40)[^\s\"'(),\[\]=&]+")
_PHONE = re.compile(r"(?:\+|%2B)\d{6,15}")
_SECRET = re.compile(r"(?i)((?:session_token|token|key|secret|company_id)=)[^&\s\"']+|\b(?:pk|sk)_[\w-]+")


def redact(text: str) -> str:
    """Mask keys, tokens, e-mail addresses and phone numbers in a text."""
    text = _SECRET.sub(lambda match: f"{match[1] or ''}***", text)
    return _PHONE.sub("***", _EMAIL.sub("***", text))
