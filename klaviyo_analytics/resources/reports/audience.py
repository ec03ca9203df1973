"""Reports of forms and segments."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from klaviyo_analytics.filters import Filter
from klaviyo_analytics.resources._base import serves
from klaviyo_analytics.resources._reading import Span
from klaviyo_analytics.resources.reports._base import ReportResource, accepts_group_by
from klaviyo_analytics.vocabulary import (
    FormGroupBy,
    FormStatistic,
    Interval,
    ReportInterval,
    SegmentStatistic,
)


class AudienceReports(ReportResource):
    """Reports of how people come in, and of how many there are."""

    @accepts_group_by
    @serves("query_form_values")
    def form_values(
        self,
        *,
        timeframe: Span = "last 30 days",
        statistics: Sequence[FormStatistic] | FormStatistic | None = None,
        by: Sequence[FormGroupBy] | None = None,
        filter: Filter | str | None = None,
        names: bool = True,
    ) -> pd.DataFrame:
        """Report each form's views and submits over a time frame.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            As for `campaign_values`.
        statistics : list of str
            See `ka.vocabulary.FormStatistic`; all of them, if not given.
        by : list of str
            ["form_id", "form_version_id"] for a row for each version; a row for each form, if not given.
        filter : Filter or str
            On form_id and form_version_id (equals, any).
        names : bool
            With the column form.

        Returns
        -------
        pandas.DataFrame
            form_id, form (string), form_version_id where asked for, counts (Int64), submit_rate (float64, a
            fraction), complete (boolean). Klaviyo documents neither the numerator nor the denominator of submit_rate,
            nor which views count; the sandbox takes submits ÷ viewed_form, both known for each row.

        Raises
        ------
        InvalidInputError, NotAdditiveError, QuotaExhaustedError
            As for `campaign_values`. No request was sent.

        Notes
        -----
        ``POST /api/form-values-reports``, limited to 1/s and 2/m and 225/d; scopes: forms:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     forms = client.reports.form_values(statistics=["viewed_form", "submits"])
        >>> forms.columns.tolist()
        ['form_id', 'form', 'viewed_form', 'submits', 'complete']
        """
        return self._run(
            "form_values",
            timeframe=timeframe,
            statistics=statistics,
            by=by,
            filter=filter,
            names=names,
        )

    @accepts_group_by
    @serves("query_form_series")
    def form_series(
        self,
        *,
        interval: Interval | ReportInterval = "day",
        timeframe: Span = "last 30 days",
        statistics: Sequence[FormStatistic] | FormStatistic | None = None,
        by: Sequence[FormGroupBy] | None = None,
        filter: Filter | str | None = None,
        names: bool = True,
    ) -> pd.DataFrame:
        """Report each form's views and submits, interval by interval.

        Parameters
        ----------
        interval, timeframe
            As for `flow_series`.
        statistics, by, filter, names
            As for `form_values`.

        Returns
        -------
        pandas.DataFrame
            datetime (datetime64[us], on the account's clock), and the columns of `form_values`, which says what is
            known of the numerator and denominator of submit_rate.

        Raises
        ------
        InvalidInputError, QuotaExhaustedError
            As for `campaign_values`. No request was sent.

        Notes
        -----
        ``POST /api/form-series-reports``, limited to 1/s and 2/m and 225/d; scopes: forms:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     daily = client.reports.form_series(timeframe="last 14 days", statistics="submits")
        >>> daily["datetime"].nunique()
        14
        """
        return self._run(
            "form_series",
            interval=interval,
            timeframe=timeframe,
            statistics=statistics,
            by=by,
            filter=filter,
            names=names,
        )

    @serves("query_segment_values")
    def segment_values(
        self,
        *,
        timeframe: Span = "last 30 days",
        statistics: Sequence[SegmentStatistic] | SegmentStatistic | None = None,
        filter: Filter | str | None = None,
        names: bool = True,
    ) -> pd.DataFrame:
        """Report how each segment grew over a time frame.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            As for `campaign_values`; not before June 2023, where Klaviyo's numbers begin.
        statistics : list of str
            See `ka.vocabulary.SegmentStatistic`; all of them, if not given.
        filter : Filter or str
            On segment_id (equals, any).
        names : bool
            With the column segment.

        Returns
        -------
        pandas.DataFrame
            segment_id, segment (string), total_members, members_added, members_removed, net_members_changed
            (Int64), complete (boolean).

        Raises
        ------
        InvalidInputError, NotAdditiveError, QuotaExhaustedError
            As for `campaign_values`. No request was sent.

        Notes
        -----
        ``POST /api/segment-values-reports``, limited to 1/s and 2/m and 225/d; scopes:
        segments:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     segments = client.reports.segment_values(statistics=["total_members"])
        >>> segments.columns.tolist()
        ['segment_id', 'segment', 'total_members', 'complete']
        """
        return self._run(
            "segment_values", timeframe=timeframe, statistics=statistics, filter=filter, names=names
        )

    @serves("query_segment_series")
    def segment_series(
        self,
        *,
        interval: Interval | ReportInterval = "day",
        timeframe: Span = "last 30 days",
        statistics: Sequence[SegmentStatistic] | SegmentStatistic | None = None,
        filter: Filter | str | None = None,
        names: bool = True,
    ) -> pd.DataFrame:
        """Report how each segment grew, interval by interval.

        Parameters
        ----------
        interval, timeframe
            As for `flow_series`; not before June 2023.
        statistics, filter, names
            As for `segment_values`.

        Returns
        -------
        pandas.DataFrame
            datetime (datetime64[us], on the account's clock), and the columns of `segment_values`.

        Raises
        ------
        InvalidInputError, QuotaExhaustedError
            As for `campaign_values`. No request was sent.

        Notes
        -----
        ``POST /api/segment-series-reports``, limited to 1/s and 2/m and 225/d; scopes:
        segments:read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     weekly = client.reports.segment_series(interval="week", timeframe="last 4 weeks")
        >>> weekly["datetime"].nunique()
        4
        """
        return self._run(
            "segment_series",
            interval=interval,
            timeframe=timeframe,
            statistics=statistics,
            filter=filter,
            names=names,
        )
