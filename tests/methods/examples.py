"""A runnable example of each generated read: it asks a demo, and shows what must be true of the answer.

`ROWS` says how an example comes by a resource to read; what only a newer revision has is asked of a demo in that one.
"""

from __future__ import annotations

from collections.abc import Mapping

from klaviyo_analytics.endpoints import load
from klaviyo_analytics.endpoints.query import Query
from klaviyo_analytics.endpoints.revisions import having
from klaviyo_analytics.frames.schema import schema
from tests.methods.methods_table import Method

SHOWN = 3  # columns
CAMPAIGN = "client.campaigns.list(limit=1).iloc[0]"
MESSAGE = f"client.campaigns.messages({CAMPAIGN}).iloc[0]"
VARIATION = "client.campaign_messages.variations(client.campaign_messages.list(limit=1).iloc[0]).iloc[0]"
ACTION = "client.flows.actions(client.flows.list(limit=1).iloc[0]).iloc[-1]"
SENT = "client.flows.messages(client.flows.list(limit=1).iloc[0]).iloc[0]"
COUPON = "client.coupons.codes(client.coupons.list().iloc[0], limit=1).iloc[0]"
PROPERTY = 'client.metrics.properties(("Placed Order", "Shopify")).iloc[0]'
BOOKING = ('booking = client.object_types.create(title="Booking", properties={"nights": "int"})', "booking")
SCHEMA = (BOOKING[0], "client.object_types.draft_schema(booking)")
FEED = ('options = {"url": "https://a.example", "request_method": "get", "content_type": "json"}',
        'client.web_feeds.create(name="Teas", **options)')  # fmt: skip

# By the class of the methods, or by class and method: statements, and an expression that is the resource. None, where
# a demo has nothing to show.
ROWS: Mapping[str, tuple[str, ...] | None] = {
    "BulkJobMethods": None,
    "CampaignMethods.send_job": None,
    "CampaignAudienceMethods": (
        "client.campaigns.audiences(client.campaigns.list(limit=1).iloc[0]).iloc[0]",
    ),
    "CampaignMessageMethods": (MESSAGE,),
    "CampaignMessageMethods.image": None,
    "CampaignVariationMethods": (VARIATION,),
    "CampaignVariationMethods.image": None,
    "CampaignVariationMethods.translation": None,
    "CouponCodeMethods": (COUPON,),
    "DataSourceMethods": ('client.data_sources.create(title="Bookings")',),
    "EventMethods": ("client.events.list(limit=1).iloc[0]",),
    "FlowActionMethods": (ACTION,),
    "FlowMessageMethods": (SENT,),
    "FormVersionMethods": ("client.forms.versions(client.forms.list(limit=1).iloc[0]).iloc[0]",),
    "MappedMetricMethods.custom_metric": None,
    "MetricMethods.of_property": (PROPERTY,),
    "MetricMethods.property": (PROPERTY,),
    "ObjectRecordMethods": None,
    "ObjectSchemaMethods": SCHEMA,
    "ObjectTypeMethods": BOOKING,
    "ObjectTypeMethods.current_schema": None,
    "ProfileMethods.conversation": None,
    "ReviewMethods.find": None,
    "ReviewMethods.get": None,
    "SourceMappingMethods": (
        *SCHEMA[:1],
        "client.object_schemas.source_mapping(client.object_types.draft_schema(booking))",
    ),
    "WebFeedMethods": FEED,
}


def lines(owner: str, name: str, noun: str, method: Method) -> list[str]:
    """Return the lines of an example, without its heading; none where a demo has nothing to show."""
    revisions = having(method.operation)
    call, kind = f"client.{noun}.{name}", method.kind
    many = kind in ("list", "list_of", "iter", "iter_of")
    prepared = ROWS.get(f"{owner}.{name}", ROWS.get(owner, (f"client.{noun}.list().iloc[0]",)))
    if prepared is None:
        return []
    steps = [] if kind in ("list", "iter") else [*prepared[:-1], f"one = {prepared[-1]}"]
    match kind:
        case "list":
            steps.append(f"frame = {call}()")
        case "list_of":
            steps.append(f"frame = {call}(one)")
        case "iter":
            steps.append(f"sizes = [len(frame) for frame in {call}(chunk_size=2)]")
        case "iter_of":
            steps.append(f"sizes = [len(frame) for frame in {call}(one, chunk_size=2)]")
        case "find":
            key = KEYS.get(owner, "name")
            steps.append(f'found = {call}({key}=one["{key}"])')
        case "find_by_id":
            steps.append(f'found = {call}(external_id=one["external_id"])')
        case _:
            steps.append(f"found = {call}(one)")
    shown, answer = _seen(method, revisions[0])
    if not many and kind != "get_of":
        shown, answer = 'found["id"] == one["id"]', "True"
    chosen = "" if revisions[0] == "2026-01-15" else f', revision="{revisions[0]}"'
    opened = f">>> with ka.demo(profiles=100, events=500{chosen}) as client:"
    return [
        ">>> import klaviyo_analytics as ka",
        opened,
        *(f"...     {step}" for step in steps),
        f">>> {shown}",
        answer,
    ]


KEYS: Mapping[str, str] = {
    "CouponMethods": "id",
    "DataSourceMethods": "title",
    "ObjectTypeMethods": "title",
    "ProfileMethods": "id",
    "PushTokenMethods": "token",
}


def _seen(method: Method, revision: str) -> tuple[str, str]:
    """Return what an example shows of an answer, and what that is."""
    if method.kind in ("iter", "iter_of"):
        return "max(sizes, default=0) <= 2", "True"
    endpoint = load(revision)[method.operation]
    names = [column.name for column in schema(endpoint, Query({}, {}, {}, ())).columns][:SHOWN]
    if method.kind == "get_of":
        return f"[*found.index[:{SHOWN}]]", repr(names)
    return f"[*frame.columns[:{SHOWN}]]", repr(names)
