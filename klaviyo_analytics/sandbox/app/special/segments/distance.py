"""Segment conditions about the distance from a postal code, whose place is where its own people live."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

from klaviyo_analytics.sandbox.app.special.segments.countries import COUNTRIES
from klaviyo_analytics.sandbox.app.special.segments.criteria import NUMERIC
from klaviyo_analytics.sandbox.app.store import Store
from klaviyo_analytics.sandbox.model import Record

Json = dict[str, Any]
Place = tuple[float, float]
RADIUS = {"kilometers": 6371.0, "miles": 3958.8}  # of the Earth


def lives_near(store: Store, profile: Record, condition: Json) -> bool:
    """Tell whether a profile lives as far from a postal code as the condition says."""
    home, centre = _home(profile), centre_of(store, condition)
    if home is None or centre is None:
        return False
    wanted = condition["filter"]
    return NUMERIC[wanted["operator"]](_distance(home, centre) * RADIUS[condition["unit"]], wanted["value"])


def centre_of(store: Store, condition: Json) -> Place | None:
    """Find the middle of the homes that have a postal code; None if there are none."""
    country, code = condition["country_code"].upper(), condition["postal_code"]
    return store.derive(("postal code", country, code), lambda: _centre(store, country, code))


def _centre(store: Store, country: str, code: str) -> Place | None:
    names = (country, COUNTRIES.get(country, ("", ""))[0])
    homes = [
        home
        for profile in store.records("profile").values()
        if (location := profile.attributes.get("location") or {}).get("zip") == code
        and location.get("country") in names
        and (home := _home(profile))
    ]
    if not homes:
        return None
    return sum(one for one, _ in homes) / len(homes), sum(other for _, other in homes) / len(homes)


def _home(profile: Record) -> Place | None:
    location = profile.attributes.get("location") or {}
    with suppress(TypeError, ValueError):  # coordinates may be text, or missing
        return float(location["latitude"]), float(location["longitude"])
    return None


def _distance(one: Place, other: Place) -> float:
    """Give the angle between two places, in radians (haversine)."""
    (south, west), (north, east) = (tuple(map(math.radians, place)) for place in (one, other))
    half = math.sin((north - south) / 2) ** 2
    half += math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2 * math.asin(math.sqrt(half))
