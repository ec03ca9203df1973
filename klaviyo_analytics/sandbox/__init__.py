"""A Klaviyo account on loopback, for demonstrations and tests: real HTTP, synthetic data, scripted faults."""

try:
    import werkzeug as _werkzeug  # noqa: F401
except ImportError as error:
    raise ImportError("The sandbox needs an extra: pip install 'klaviyo-analytics[demo]'") from error

from klaviyo_analytics.sandbox.server import Sandbox

__all__ = ["Sandbox"]
