"""Masks for logs and messages: no key, no personal data, no session token."""

from __future__ import annotations

import re

# percent-encoded characters belong to an address, too (%2B is its plus), unless they end a word
_WORD = r"(?:[^\s\"'(),\[\]=&%]|%(?!2[0-26-9C]|3[CDE]|40|5[BD]|7[BD])[0-9A-Fa-f]{2}|%(?![0-9A-Fa-f]{2}))"
_EMAIL = re.compile(rf"(?i){_WORD}+(?:@|%40)[^\s\"'(),\[\]=&]+")
_PHONE = re.compile(r"(?:\+|%2B)\d{6,15}")
_SECRET = re.compile(r"(?i)((?:session_token|token|key|secret|company_id)=)[^&\s\"']+|\b(?:pk|sk)_[\w-]+")


def redact(text: str) -> str:
    """Mask keys, tokens, email addresses and phone numbers in a text."""
    text = _SECRET.sub(lambda match: f"{match[1] or ''}***", text)
    return _PHONE.sub("***", _EMAIL.sub("***", text))
