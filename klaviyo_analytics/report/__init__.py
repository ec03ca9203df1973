"""Reports that need no Python to read: HTML, Excel, PDF, Markdown, and folders of tables and pictures.

`performance` makes the report of one account, `run` those of several; `Report` holds sections of your own.
Everything that comes from the account is text in every format, never markup or a formula.
"""

from klaviyo_analytics.report.accounts import Run, run
from klaviyo_analytics.report.document import (
    Branding,
    Card,
    Figure,
    Heading,
    MetricCards,
    PageBreak,
    Report,
    Table,
    Text,
)
from klaviyo_analytics.report.performance import performance

__all__ = [
    "Branding",
    "Card",
    "Figure",
    "Heading",
    "MetricCards",
    "PageBreak",
    "Report",
    "Run",
    "Table",
    "Text",
    "performance",
    "run",
]


def __dir__() -> list[str]:
    """List the public names, without the modules that they live in."""
    return list(__all__)
