"""Profiles that wait until a variant is in stock again."""

from __future__ import annotations

from klaviyo_analytics.sandbox.app.errors import ApiFault
from klaviyo_analytics.sandbox.app.events import keep, notice
from klaviyo_analytics.sandbox.app.profiles import upsert
from klaviyo_analytics.sandbox.app.reads import Call
from klaviyo_analytics.sandbox.app.writes import required_id

PROFILE = "/data/attributes/profile/data/attributes"


def subscribe_to_stock(call: Call) -> None:
    """Note that somebody waits for a variant."""
    data, store = call.body["data"], call.store
    attributes = data["attributes"]
    variant = store.get("catalog-variant", required_id(data, "variant"))
    if not attributes["channels"]:
        raise ApiFault.pointer("/data/attributes/channels", "At least one channel is needed.")
    if not attributes.get("profile"):
        raise ApiFault.pointer("/data/attributes/profile", "profile is required.")
    profile, _ = upsert(store, attributes["profile"]["data"], PROFILE)
    facts = {"VariantId": variant.attributes["external_id"], "Channels": attributes["channels"]}
    keep(store, notice(store, profile, "Subscribed to Back in Stock", facts))


HANDLERS = {"create_back_in_stock_subscription": subscribe_to_stock}
