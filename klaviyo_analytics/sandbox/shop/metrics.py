"""The account's metrics: their names, where they come from and their ids."""

from __future__ import annotations

from enum import IntEnum, auto

from klaviyo_analytics.sandbox.shop.ids import Names


class Metric(IntEnum):
    """A metric's place in the account; the event log stores these numbers."""

    RECEIVED_EMAIL = 0
    OPENED_EMAIL = auto()
    CLICKED_EMAIL = auto()
    BOUNCED_EMAIL = auto()
    DROPPED_EMAIL = auto()
    MARKED_AS_SPAM = auto()
    UNSUBSCRIBED_EMAIL = auto()
    SUBSCRIBED_EMAIL = auto()
    SUBSCRIBED_LIST = auto()
    UNSUBSCRIBED_LIST = auto()
    RECEIVED_TEXT = auto()
    CLICKED_TEXT = auto()
    FAILED_TEXT = auto()
    SUBSCRIBED_TEXT = auto()
    UNSUBSCRIBED_TEXT = auto()
    RECEIVED_PUSH = auto()
    OPENED_PUSH = auto()
    VIEWED_FORM = auto()
    CLOSED_FORM = auto()
    SUBMITTED_FORM = auto()
    ACTIVE_ON_SITE = auto()
    VIEWED_PRODUCT = auto()
    SUBMITTED_REVIEW = auto()
    STARTED_CHECKOUT = auto()
    PLACED_ORDER = auto()
    ORDERED_PRODUCT = auto()
    FULFILLED_ORDER = auto()
    CANCELLED_ORDER = auto()
    REFUNDED_ORDER = auto()
    POS_ORDER = auto()
    LOYALTY_POINTS = auto()
    ADDED_TO_CART = auto()
    OWN_CHECKOUT = auto()
    OWN_ORDER = auto()
    OWN_PRODUCT = auto()
    OWN_FULFILLED = auto()
    OWN_CANCELLED = auto()
    OWN_REFUNDED = auto()


_KLAVIYO, _SHOPIFY, _API = ("Klaviyo", "Internal"), ("Shopify", "eCommerce"), ("API", "API")
_POS = ("Point of Sale", "API")

#: Built-in integrations have the same id in every account.
BUILT_IN = {"Klaviyo": "0rG4eQ", "Shopify": "0eMvjm", "API": "7FtS4J"}

ORIGIN: dict[Metric, tuple[str, tuple[str, str] | None]] = {
    Metric.RECEIVED_EMAIL: ("Received Email", _KLAVIYO),
    Metric.OPENED_EMAIL: ("Opened Email", _KLAVIYO),
    Metric.CLICKED_EMAIL: ("Clicked Email", _KLAVIYO),
    Metric.BOUNCED_EMAIL: ("Bounced Email", _KLAVIYO),
    Metric.DROPPED_EMAIL: ("Dropped Email", _KLAVIYO),
    Metric.MARKED_AS_SPAM: ("Marked Email as Spam", _KLAVIYO),
    Metric.UNSUBSCRIBED_EMAIL: ("Unsubscribed from Email Marketing", _KLAVIYO),
    Metric.SUBSCRIBED_EMAIL: ("Subscribed to Email Marketing", _KLAVIYO),
    Metric.SUBSCRIBED_LIST: ("Subscribed to List", _KLAVIYO),
    Metric.UNSUBSCRIBED_LIST: ("Unsubscribed from List", _KLAVIYO),
    Metric.RECEIVED_TEXT: ("Received Text Message", _KLAVIYO),
    Metric.CLICKED_TEXT: ("Clicked Text Message", _KLAVIYO),
    Metric.FAILED_TEXT: ("Failed to Deliver Text Message", _KLAVIYO),
    Metric.SUBSCRIBED_TEXT: ("Subscribed to Text Message Marketing", _KLAVIYO),
    Metric.UNSUBSCRIBED_TEXT: ("Unsubscribed from Text Message Marketing", _KLAVIYO),
    Metric.RECEIVED_PUSH: ("Received Push", _KLAVIYO),
    Metric.OPENED_PUSH: ("Opened Push", _KLAVIYO),
    Metric.VIEWED_FORM: ("Viewed Form", _KLAVIYO),
    Metric.CLOSED_FORM: ("Closed Form", _KLAVIYO),
    Metric.SUBMITTED_FORM: ("Submitted Form", _KLAVIYO),
    Metric.ACTIVE_ON_SITE: ("Active on Site", _API),
    Metric.VIEWED_PRODUCT: ("Viewed Product", _API),
    Metric.SUBMITTED_REVIEW: ("Submitted Review", _KLAVIYO),
    Metric.STARTED_CHECKOUT: ("Checkout Started", _SHOPIFY),
    Metric.PLACED_ORDER: ("Placed Order", _SHOPIFY),
    Metric.ORDERED_PRODUCT: ("Ordered Product", _SHOPIFY),
    Metric.FULFILLED_ORDER: ("Fulfilled Order", _SHOPIFY),
    Metric.CANCELLED_ORDER: ("Cancelled Order", _SHOPIFY),
    Metric.REFUNDED_ORDER: ("Refunded Order", _SHOPIFY),
    Metric.POS_ORDER: ("Placed Order", _POS),
    Metric.LOYALTY_POINTS: ("Earned Loyalty Points", None),
    Metric.ADDED_TO_CART: ("Added to Cart", _SHOPIFY),
    Metric.OWN_CHECKOUT: ("Started Checkout", _API),
    Metric.OWN_ORDER: ("Placed Order", _API),
    Metric.OWN_PRODUCT: ("Ordered Product", _API),
    Metric.OWN_FULFILLED: ("Fulfilled Order", _API),
    Metric.OWN_CANCELLED: ("Cancelled Order", _API),
    Metric.OWN_REFUNDED: ("Refunded Order", _API),
}


#: What Klaviyo called the metrics of text messages before it renamed them; accounts have either names.
OLD_TEXT_NAMES: dict[Metric, str] = {
    Metric.RECEIVED_TEXT: "Received SMS",
    Metric.CLICKED_TEXT: "Clicked SMS",
    Metric.FAILED_TEXT: "Failed to Deliver SMS",
    Metric.SUBSCRIBED_TEXT: "Subscribed to SMS Marketing",
    Metric.UNSUBSCRIBED_TEXT: "Unsubscribed from SMS Marketing",
}

#: What newer accounts call a metric of forms, and the integration that it belongs to there.
NEW_FORM_NAMES: dict[Metric, tuple[str, tuple[str, str]]] = {
    Metric.SUBMITTED_FORM: ("Form submitted by profile", _API),
}


def metric_ids(names: Names) -> list[str]:
    """Return the id of each metric, in the order of their numbers."""
    return [names.short("metric", metric.name) for metric in Metric]
