"""Answers in one line: fetch what an analysis needs, compute it, and note what that cost.

`Analyses` is `client.analyses` and `archive.analyses`; `reconcile` and `audit` are methods of the client.
"""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_analytics.answers.audience import AudienceAnalyses
from klaviyo_analytics.answers.audit import audit
from klaviyo_analytics.answers.customers import CustomerAnalyses
from klaviyo_analytics.answers.messages import MessageAnalyses
from klaviyo_analytics.answers.reconcile import Reconciliation, reconcile
from klaviyo_analytics.answers.source import Source
from klaviyo_analytics.resources import Context

__all__ = ["Analyses", "Reconciliation", "audit", "reconcile"]


class Analyses(CustomerAnalyses, MessageAnalyses, AudienceAnalyses):
    """Analyses in one line each, of one account or of its archive.

    Each fetches with the cheapest calls and returns the frame of the function of the same name in `ka.analysis`;
    `frame.attrs` says what was read and what it cost, and `ka.plots.auto(frame)` draws it.
    """

    def __init__(self, source: Callable[[], Source]) -> None:
        super().__init__(source)
        self._reads = source

    def __repr__(self) -> str:
        names = [name for name in dir(self) if not name.startswith("_")]
        return f"Analyses of the {self._reads().name}: {', '.join(names)}"


def of_client(context: Context) -> Analyses:
    """Return the analyses that read the API."""
    return Analyses(lambda: Source(context))
