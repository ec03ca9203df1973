"""A deterministic shop: years of people, messages, visits and orders in which everything agrees.

The rooms, in the order in which an account is built:

- `story/`: what happens and why, as tables of numpy columns: people join, campaigns and flows reach them, they
  react, look round, fill carts and buy, and that sets off more flows.
- `events/`: the story as events with their properties. People's stories do not depend on each other, so the
  first so many people take part whose events fit into the number asked for; visits to the site fill up the rest.
- `records/`: every other resource, made from the same tables, and the members of lists and segments.
- `build.py` joins them. `clock.py` knows when the shop is busy, `ids.py` makes identifiers.
"""

from klaviyo_analytics.sandbox.shop.build import build_account
from klaviyo_analytics.sandbox.shop.clock import DEFAULT_NOW
from klaviyo_analytics.sandbox.shop.truths import Truths

__all__ = ["DEFAULT_NOW", "Truths", "build_account"]
