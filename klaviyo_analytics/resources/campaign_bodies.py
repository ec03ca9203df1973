"""What the body of a campaign is made of: messages, audiences, the time to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._noun import Context
from klaviyo_analytics.resources._times import moment
from klaviyo_analytics.resources._writes import UNSET, identifiers
from klaviyo_analytics.timeframe._moments import in_zone, zone_named

EMAIL = ("subject", "preview_text", "from_email", "from_label", "reply_to_email", "cc_email", "bcc_email")
SMS = ("body",)
Strategy = Mapping[str, Any] | str | date | datetime


def messages(
    channel: str | None,
    definitions: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
    label: str | None,
    content: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Write the messages of a campaign: as the API takes them, or one plain message of a channel."""
    if (channel is None) == (definitions is None):
        raise InvalidInputError("give either channel= with its content, or campaign_messages=.")
    if definitions is not None:
        if content or label is not None:
            raise InvalidInputError(f"campaign_messages= holds the content; leave {', '.join(content)} out.")
        several = [definitions] if isinstance(definitions, Mapping) else list(definitions)
    else:
        several = [_definition(str(channel), label, content)]
    return [
        dict(each)
        if "attributes" in each
        else {"type": "campaign-message", "attributes": {"definition": dict(each)}}
        for each in several
    ]


def _definition(channel: str, label: str | None, content: Mapping[str, str]) -> dict[str, Any]:
    """Write the definition of one plain message."""
    if channel not in ("email", "sms"):
        raise InvalidInputError(
            f"channel={channel!r}: 'email' and 'sms' are built from keywords; for others give campaign_messages=."
        )
    allowed = EMAIL if channel == "email" else SMS
    if unknown := [name for name in content if name not in allowed]:
        raise InvalidInputError(f"{channel} content has no {unknown[0]!r}; it has {', '.join(allowed)}.")
    named = {} if label is None else {"label": label}
    return {"channel": channel, **named, "content": dict(content)}


def audiences(given: Any) -> dict[str, list[str]]:
    """Write who a campaign is for."""
    if isinstance(given, Mapping):
        if unknown := [name for name in given if name not in ("included", "excluded")]:
            raise InvalidInputError(f"audiences has no {unknown[0]!r}; it has included and excluded.")
        parts = given
    else:
        parts = {"included": given}
    groups = {
        name: [one["id"] for one in identifiers("list", ids)] for name, ids in parts.items() if len(ids)
    }
    if "included" not in groups:
        raise InvalidInputError("audiences: include at least one list or segment.")
    return groups


def strategy(context: Context, given: Any) -> Any:
    """Write when a campaign is sent."""
    if given is UNSET:
        return given
    if isinstance(given, Mapping):
        when, options = given.get("datetime"), given.get("options")
        if when is None:
            return given
        # sent by each recipient's own clock, which Klaviyo wants written as if it were UTC
        local = isinstance(options, Mapping) and bool(options.get("is_local"))
        sent = in_zone(when, zone_named("UTC")) if local else moment(context, when)
        return {**given, "datetime": sent.isoformat()}
    if given == "immediate":
        return {"method": "immediate"}
    return {"method": "static", "datetime": moment(context, given).isoformat()}
