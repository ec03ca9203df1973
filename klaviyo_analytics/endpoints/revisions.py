"""Revisions of the API: which tables the package has, how long each revision lives, and how two tables merge.

A revision is stable for a year, deprecated for another, and retired after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import Any

from klaviyo_analytics.endpoints import Body, Catalog, Endpoint, Shape, load
from klaviyo_analytics.errors import InvalidQueryError

DEFAULT = "2026-01-15"
TABLES = (DEFAULT, "2026-07-15", "2026-10-15")  # oldest first; each but the first holds what it changes
WITHOUT_TABLE = ("2026-04-15",)  # stable revisions that are read with the tables around them
STABLE = tuple(sorted((*TABLES, *WITHOUT_TABLE)))
# What came with 2026-07-15: the official client 23, which is that of 2026-04-15, does not have it.
NOT_YET = {"2026-04-15": ("/api/object-", "/api/source-mappings/", "delete_flow_action", "conversations")}


@dataclass(frozen=True, slots=True)
class Life:
    """The days on which a revision becomes deprecated and is retired."""

    deprecated: date
    retired: date

    @classmethod
    def of(cls, revision: str) -> Life:
        """Calculate both days from the revision's own date.

        Examples
        --------
        >>> from klaviyo_analytics.endpoints.revisions import Life
        >>> Life.of("2026-01-15").retired.isoformat()
        '2028-01-15'
        """
        start = day(revision)
        return cls(_years_later(start, 1), _years_later(start, 2))


def day(revision: str) -> date:
    """Return the date of a revision, that of a beta such as 2026-07-15.pre included."""
    return date.fromisoformat(revision.removesuffix(".pre"))


def tables_for(revision: str) -> tuple[str, ...]:
    """Return the tables that describe a revision: its own, else those just before and after it.

    A revision older than all tables has the oldest, a newer one the newest.
    """
    asked = day(revision)
    before = [name for name in TABLES if day(name) <= asked]
    after = [name for name in TABLES if day(name) > asked]
    if before and day(before[-1]) == asked:
        return (before[-1],)
    return (*before[-1:], *after[:1]) if before else (after[0],)


def is_unknown(revision: str) -> bool:
    """Return whether a revision may allow what no table lists: it is newer than all of them, or a beta."""
    return revision.endswith(".pre") or day(revision) > day(TABLES[-1])


def between(revision: str, catalogs: Sequence[Catalog]) -> dict[str, Endpoint]:
    """Return the operations of a revision without a table: what those around it allow, but for what came later."""
    later = NOT_YET.get(revision, ())
    return {
        name: _one_conversation(endpoint) if "conversations" in later else endpoint
        for name, endpoint in union(catalogs).items()
        if name not in later
        and endpoint.path.rsplit("/", 1)[-1] not in later
        and not endpoint.path.startswith(tuple(part for part in later if "/" in part))
    }


def _one_conversation(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint as it was while a profile had one conversation."""
    if "conversations" not in endpoint.include or endpoint.returns is None:
        return endpoint
    links = dict(endpoint.returns.relationships)
    kind, _ = links.pop("conversations")
    include = tuple("conversation" if name == "conversations" else name for name in endpoint.include)
    shape = replace(endpoint.returns, relationships={**links, "conversation": (kind, "one")})
    return replace(endpoint, include=include, returns=shape)


def having(operation: str) -> tuple[str, ...]:
    """Return the revisions, of those with a table, that have an operation, oldest first."""
    return tuple(name for name in TABLES if operation in load(name).operations)


def changes(old: Catalog, new: Catalog) -> dict[str, list[str]]:
    """Compare two tables: operations that were added, removed, or no longer allow what they did.

    Returns
    -------
    dict of {"added", "removed", "breaking": list of str}
        `breaking` has one line for each operation that lost filters, sort fields, includes, fields or attributes
        of its body, or that requires new ones.
    """
    shared = [name for name in old.operations if name in new.operations]
    lines = [(name, _breaking(old[name], new[name])) for name in shared]
    return {
        "added": [name for name in new.operations if name not in old.operations],
        "removed": [name for name in old.operations if name not in new.operations],
        "breaking": [f"{name}: {'; '.join(lost)}" for name, lost in lines if lost],
    }


def _breaking(old: Endpoint, new: Endpoint) -> list[str]:
    found = [
        f"{what} no longer allowed: {', '.join(gone)}"
        for what, before, after in (
            ("filters", old.filters, new.filters),
            ("sort", old.sort, new.sort),
            ("include", old.include, new.include),
            ("fields", old.fields.get(old.type or "", ()), new.fields.get(new.type or "", ())),
            ("attributes of the body", _attributes(old.body), _attributes(new.body)),
        )
        if (gone := [name for name in before if name not in after])
    ]
    required = [name for name in (new.body or Body()).required if name not in (old.body or Body()).required]
    return [*found, f"newly required: {', '.join(required)}"] if required else found


def _attributes(body: Body | None) -> tuple[str, ...]:
    return (*body.required, *body.optional) if body else ()


def union(catalogs: Iterable[Catalog]) -> dict[str, Endpoint]:
    """Merge the operations of several revisions, each allowing what any of them allows."""
    merged: dict[str, Endpoint] = {}
    for catalog in catalogs:
        for endpoint in catalog:
            known = merged.get(endpoint.operation)
            merged[endpoint.operation] = endpoint if known is None else _both(known, endpoint)
    return merged


def _both(old: Endpoint, new: Endpoint) -> Endpoint:
    return replace(
        new,
        page_max=max((one.page_max for one in (old, new) if one.page_max), default=None),
        filters=_joined(old.filters, new.filters),
        filter_required=old.filter_required and new.filter_required,
        sort=_in_order(old.sort, new.sort),
        include=_in_order(old.include, new.include),
        fields=_joined(old.fields, new.fields),
        additional_fields=_joined(old.additional_fields, new.additional_fields),
        body=_body(old.body, new.body),
        returns=_shape(old.returns, new.returns),
        included=_shapes(old.included, new.included),
        no_body=old.no_body and new.no_body,
        may_be_empty=old.may_be_empty or new.may_be_empty,
    )


def _body(old: Body | None, new: Body | None) -> Body | None:
    if old is None or new is None:
        return new or old
    names = _in_order((*old.required, *old.optional), (*new.required, *new.optional))
    required = tuple(name for name in names if name in old.required and name in new.required)
    relationships: dict[str, tuple[str, str, bool]] = {}
    for name in _in_order(tuple(old.relationships), tuple(new.relationships)):
        found = [one.relationships.get(name) for one in (old, new)]
        kind, arity, _ = found[1] or found[0] or ("", "", False)
        relationships[name] = (kind, arity, all(one is not None and one[2] for one in found))
    optional = tuple(name for name in names if name not in required)
    return replace(new, required=required, optional=optional, relationships=relationships)


def _shape(old: Shape | None, new: Shape | None) -> Shape | None:
    if old is None or new is None:
        return new or old
    attributes = {**old.attributes, **new.attributes}
    return Shape(new.type, attributes, {**old.relationships, **new.relationships})


def _shapes(old: Mapping[str, Shape], new: Mapping[str, Shape]) -> dict[str, Shape]:
    merged: dict[str, Shape] = dict(old)
    for name, shape in new.items():
        both = _shape(old.get(name), shape)
        assert both is not None
        merged[name] = both
    return merged


def _joined(
    old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    return {
        name: _in_order(old.get(name, ()), new.get(name, ())) for name in _in_order(tuple(old), tuple(new))
    }


def _in_order(*groups: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(groups)))


def _years_later(start: date, years: int) -> date:
    try:
        return start.replace(year=start.year + years)
    except ValueError:  # 29 February
        return start.replace(year=start.year + years, day=28)


@dataclass(frozen=True, slots=True)
class NewerSending:
    """When and how a campaign is sent, as revision 2026-10-15 has it: on each message, and in `settings`.

    `message` is the definition of a message; `settings` are the campaign's own send settings.
    """

    message: dict[str, dict[str, Any]]
    settings: dict[str, Any]

    def created(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Return what a new message takes when its campaign is created, and what has to be set on it afterwards."""
        inline: dict[str, Any] = {}
        later = {part: dict(values) for part, values in self.message.items()}
        if (kind := later.get("send_options", {}).pop("throttling_type", None)) is not None:
            inline["throttling_type"] = kind.removeprefix("throttle-").replace("-", "_").upper()
        if (utm := later.get("tracking_options", {}).pop("is_add_utm", None)) is not None:
            inline["is_add_utm"] = utm
        known = {
            part: {name: v for name, v in values.items() if v is not None} for part, values in later.items()
        }
        return inline, {part: values for part, values in known.items() if values}


SMART_SENDING = {True: "throttle-for-campaigns-and-flows", False: "none"}
TRACKING = {
    "add_tracking_params": "is_add_utm",
    "is_tracking_clicks": "is_tracking_clicks",
    "is_tracking_opens": "is_tracking_opens",
}
UNTHROTTLED = {"recipient_percentage": None, "throttle_unit": None}


def newer_sending(
    strategy: Mapping[str, Any] | None, options: Mapping[str, Any] | None, tracking: Mapping[str, Any] | None
) -> NewerSending:
    """Return send_strategy, send_options and tracking_options of the older form as revision 2026-10-15 has them.

    None stands for what was not given. Raises InvalidQueryError for what has no equivalent there.
    """
    send, settings = _newer_strategy(strategy) if strategy is not None else ({}, {})
    for name, value in (options or {}).items():
        if name != "use_smart_sending" or not isinstance(value, bool):
            raise _no_equivalent(f"send_options[{name!r}]={value!r}", "use_smart_sending=True or False")
        send["throttling_type"] = SMART_SENDING[value]
    tracked: dict[str, Any] = {}
    for name, value in (tracking or {}).items():
        if name == "custom_tracking_params" and not value:
            continue  # the account's own parameters, as without it
        if name not in TRACKING or not isinstance(value, bool):
            raise _no_equivalent(
                f"tracking_options[{name!r}]={value!r}", f"{', '.join(TRACKING)}, each True or False"
            )
        tracked[TRACKING[name]] = value
    parts = {"send_options": send, "tracking_options": tracked}
    return NewerSending({name: values for name, values in parts.items() if values}, settings)


def _newer_strategy(strategy: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the send options of messages, and the campaign's send settings."""
    method, time = strategy.get("method"), strategy.get("datetime")
    if method == "immediate":
        return {"send_strategy": "static", "send_time": None, **UNTHROTTLED}, {}
    if method == "smart_send_time":
        raise _no_equivalent(
            "send_strategy of method 'smart_send_time'",
            "client.campaign_messages.schedule(message, day, strategy='smart_send_time')",
        )
    if method not in ("static", "throttled") or time is None:
        raise _no_equivalent(
            f"send_strategy of method {method!r}{'' if time else ' without a datetime'}",
            "'immediate', a time, or a dict of method 'static' or 'throttled' with its datetime",
        )
    if method == "throttled":
        if (percentage := strategy.get("throttle_percentage")) is None:
            raise InvalidQueryError(
                "send_strategy of method 'throttled' has no throttle_percentage. Give the percentage of recipients "
                "that get it in each hour."
            )
        share = {"recipient_percentage": percentage, "throttle_unit": "hour"}
        return {"send_strategy": "throttled", "send_time": time, **share}, {}
    choice = strategy.get("options") or {}
    if not choice.get("is_local"):
        return {"send_strategy": "static", "send_time": time, **UNTHROTTLED}, {}
    passed = {"send_passed_rltz_immediately": bool(choice.get("send_past_recipients_immediately"))}
    return {"send_strategy": "local_timezone", "send_time": time, **UNTHROTTLED}, passed


def _no_equivalent(given: str, allowed: str) -> InvalidQueryError:
    return InvalidQueryError(
        f"{given} has no equivalent in API revision 2026-10-15. Use {allowed}, or connect with "
        "revision='2026-07-15'."
    )


def newer_campaign(
    name: str, audiences: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], sending: NewerSending
) -> dict[str, Any]:
    """Return the attributes of a new campaign as revision 2026-10-15 takes them: one audience, its messages."""
    inline, _ = sending.created()
    settings = {"send_settings": sending.settings} if sending.settings else {}
    return {
        "definition": {"name": name, **settings},
        "audiences": [{"temporary_id": "audience", **audiences}],
        "messages": [
            {"audience_temporary_id": "audience", **_newer_message(each), **inline} for each in messages
        ],
    }


def _newer_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of the older form as one with a single variation."""
    definition = dict(message["attributes"]["definition"])
    label = definition.pop("label", None)
    channel = str(definition.pop("channel", ""))
    details = {
        "channel": "push" if channel == "mobile_push" else channel,
        **(definition.pop("content", None) or {}),
    }
    details |= definition.pop("render_options", None) or {}
    if "notification_type" in definition:
        details["push_type"] = definition.pop("notification_type")
    if "kv_pairs" in definition:
        details["kv_pairs"] = definition.pop("kv_pairs")
    links = dict(message.get("relationships") or {})
    if template := links.pop("template", None):
        details["template_id"] = template["data"]["id"]
    if rest := [*definition, *links]:
        raise InvalidQueryError(
            f"campaign_messages= has {rest[0]!r}, which API revision 2026-10-15 takes in another form. Leave it out, "
            "and set it with client.request('PATCH', '/api/campaign-variations/ID', json=...)."
        )
    named = {} if label is None else {"name": label}
    return {**named, "variations": [{"definition": {"details": details}}]}
