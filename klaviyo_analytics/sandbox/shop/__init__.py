"""A deterministic shop: one year of people, messages, visits and orders in which everything agrees."""

from klaviyo_analytics.sandbox.shop.build import build_account
from klaviyo_analytics.sandbox.shop.clock import DEFAULT_NOW

__all__ = ["DEFAULT_NOW", "build_account"]
