"""What all reports share: from a verb's arguments to its question and its frame."""

from __future__ import annotations

from typing import Any

import pandas as pd

from klaviyo_analytics.resources._base import Resource
from klaviyo_analytics.resources._conversion import conversion_metric as read_conversion
from klaviyo_analytics.resources._times import Span
from klaviyo_analytics.resources._times import timeframe as read_timeframe
from klaviyo_analytics.resources.metrics import Metric
from klaviyo_analytics.resources.reports import _asking, _running
from klaviyo_analytics.resources.reports._kinds import KINDS, ReportName


class ReportNoun(Resource):
    """Asks for reports of the account."""

    def _asked(
        self,
        report: ReportName,
        *,
        timeframe: Span = "last 30 days",
        statistics: Any = None,
        group_by: Any = None,
        filter: Any = None,
        interval: Any = "day",
        conversion_metric: Metric | None = None,
        names: bool = True,
    ) -> _asking.Asked:
        """Check all words first, then ask for the account's clock and for the metric that is meant."""
        context, kind = self._context, KINDS[report]
        words = _asking.read(
            kind,
            statistics=statistics,
            group_by=group_by,
            filter=filter,
            interval=interval,
            strict=context.api.strict,
        )
        span = read_timeframe(context, timeframe).in_timezone(context.timezone)
        conversion = read_conversion(context, conversion_metric)[0] if kind.subject.converts else None
        return _asking.ask(kind, words, timeframe=span, conversion=conversion, names=names)

    def _run(
        self, report: ReportName, *, names: bool = True, look_up: bool = True, **query: Any
    ) -> pd.DataFrame:
        asked = self._asked(report, names=names, **query)
        return _running.run(self._context, asked, names=names, look_up=look_up)
