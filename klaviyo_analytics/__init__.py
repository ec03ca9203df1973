"""Klaviyo accounts as tidy pandas DataFrames.

::

    import klaviyo_analytics as ka

    client = ka.demo()                                  # or ka.connect(), with a key in the environment
    orders = client.metric_aggregates.query(("Placed Order", "Shopify"), measurements=["count", "sum_value"])
    ka.plots.metric_trend(orders, y="sum_value")

Importing the package has no effect and is quick: everything else is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klaviyo_analytics import analysis, errors, frames, plots, report, vocabulary, widgets
    from klaviyo_analytics._connect import connect, demo, quiet_http_logs
    from klaviyo_analytics.account_group import AccountGroup, connect_all
    from klaviyo_analytics.archive import Archive, open_archive
    from klaviyo_analytics.client import KlaviyoClient
    from klaviyo_analytics.connections import Connections
    from klaviyo_analytics.filters import F, Filter
    from klaviyo_analytics.frames.columns import ReadingWarning, SchemaWarning
    from klaviyo_analytics.timeframe import Timeframe

__version__ = "0.1.0"
__all__ = [
    "AccountGroup",
    "Archive",
    "Connections",
    "F",
    "Filter",
    "KlaviyoClient",
    "ReadingWarning",
    "SchemaWarning",
    "Timeframe",
    "__version__",
    "analysis",
    "connect",
    "connect_all",
    "demo",
    "errors",
    "frames",
    "open_archive",
    "plots",
    "quiet_http_logs",
    "report",
    "vocabulary",
    "widgets",
]

_HOMES = {
    "AccountGroup": "account_group",
    "Archive": "archive",
    "Connections": "connections",
    "F": "filters",
    "Filter": "filters",
    "KlaviyoClient": "client",
    "ReadingWarning": "frames",
    "SchemaWarning": "frames",
    "Timeframe": "timeframe",
    "connect": "_connect",
    "connect_all": "account_group",
    "demo": "_connect",
    "open_archive": "archive",
    "quiet_http_logs": "_connect",
}
_MODULES = {
    "analysis": "analysis",
    "errors": "errors",
    "frames": "frames",
    "plots": "plots",
    "report": "report",
    "vocabulary": "vocabulary",
    "widgets": "widgets",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    if name in _HOMES:
        try:
            home = import_module(f"{__name__}.{_HOMES[name]}")
        except ImportError as error:
            if _HOMES[name] != "archive":
                raise
            from klaviyo_analytics.errors import MissingExtraError  # noqa: PLC0415

            raise MissingExtraError("The archive", "archive") from error
        value = getattr(home, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; there are {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
