"""The seven reports: what campaigns, flows, forms and segments did, as Klaviyo computes it.

Each report's endpoint answers two calls a minute and 225 a day. So a question is split into as few calls as the
documents allow, counted over restarts, and answered from disk where the client has a cache.
"""

from __future__ import annotations

import inspect
from typing import Any

import pandas as pd

from klaviyo_analytics._messages import check
from klaviyo_analytics.resources._reading import Context, chosen
from klaviyo_analytics.resources.reports import _base
from klaviyo_analytics.resources.reports._base import counted_request, read_by_ids
from klaviyo_analytics.resources.reports.audience import AudienceReports
from klaviyo_analytics.resources.reports.messages import MessageReports
from klaviyo_analytics.resources.reports.questions import KINDS, USUAL, ReportName

__all__ = ["USUAL", "ReportName", "Reports", "counted_request", "read_by_ids", "told"]


def told(context: Context, report: ReportName, *, mixed: bool = False, **query: Any) -> pd.DataFrame:
    """Return a report with only the names that it contains, for callers that read the records anyway.

    With `mixed` the caller deals with money of several currencies, which is then not warned of.
    """
    return Reports(context)._run(report, look_up=False, mixed=mixed, **query)


class Reports(MessageReports, AudienceReports):
    """Reports as frames, and what they cost: `plan` before asking, `budget` at any time."""

    def plan(self, report: ReportName, /, **query: Any) -> pd.DataFrame:
        """Return the calls that a report would take, without making them.

        Parameters
        ----------
        report : str
            Name of the method: "campaign_values", "flow_series", ...
        **query
            The arguments of that method.

        Returns
        -------
        pandas.DataFrame
            A row for each part of the time frame: start, end (on the account's clock; the end is not part of
            it), cached (boolean: it takes no call), wait (timedelta: until it can be sent) and left_today
            (Int64: calls that are left of the day after it). An answer of several pages takes more calls; how
            many is not known before. ``frame.attrs["plan"]`` says it in words.

        Raises
        ------
        InvalidInputError, NotAdditiveError
            As that method does.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     plan = client.reports.plan("flow_series", interval="day", timeframe="2025")
        >>> len(plan), plan.attrs["plan"]
        (7, '7 calls, at once, 225 of 225 left today')
        """
        name: Any = chosen([report], list(KINDS), "report")[0]
        query = _base.with_by(query)
        check(name, inspect.signature(getattr(self, name)), (), query)
        return _base.plan(self._context, self._asked(name, **query))

    def budget(self) -> pd.DataFrame:
        """Return what is left of the daily limit for each report.

        Calls of all clients on this machine are counted, in a file in the user's state folder (or in the folder
        that KLAVIYO_ANALYTICS_HOME names). A day is any 24 hours. Calls that others make for the account are not
        seen.

        Returns
        -------
        pandas.DataFrame
            report (string), daily_limit, used, left (Int64), next_at (UTC: when the next call can be sent).

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     int(client.reports.budget()["used"].sum())
        0
        """
        return _base.budget(self._context)
