"""The performance report of one account: what practitioners look at each week, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import matplotlib as mpl

from klaviyo_analytics import plots
from klaviyo_analytics._messages import near
from klaviyo_analytics.analysis.orders import OrderConditions, conditions_of
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.report.account_frames import AccountFrames, ArchiveFrames, Comparison, Privacy
from klaviyo_analytics.report.chapters import CHAPTERS
from klaviyo_analytics.report.document import Branding, Heading, Part, Report
from klaviyo_analytics.report.formats import Formatter

if TYPE_CHECKING:
    from klaviyo_analytics.archive import Archive
    from klaviyo_analytics.client import KlaviyoClient
    from klaviyo_analytics.resources._reading import Span
    from klaviyo_analytics.resources.metrics import Metric


def performance(
    client: KlaviyoClient | Archive,
    timeframe: Span = "last month",
    *,
    compare: Comparison | None = "previous_period",
    conversion_metric: Metric | None = None,
    privacy: Privacy = "aggregate",
    sections: Sequence[str] | None = None,
    title: str | None = None,
    branding: Branding | None = None,
    orders: OrderConditions | Mapping[str, Any] | None = None,
    currency: str | None = None,
) -> Report:
    """Make the performance report of an account.

    It takes up to eight calls of the campaign and flow reports, of which Klaviyo allows two a minute and 225 a day,
    so it may wait a few minutes. Without a comparison it takes five at most; `connect(cache=True)` keeps the answers.

    An archive needs no key and no call. With the tables events, metrics, campaigns, campaign_messages, flows and
    flow_messages it counts what Klaviyo's reports count; without those of messages, recipients, rates and revenue per
    recipient are missing, and the notes say so. The table accounts gives it the currency and the name.

    Parameters
    ----------
    client : KlaviyoClient or Archive
        The account, or its copy as `client.archive` or `open_archive` returns it.
    timeframe : Timeframe, str or (start, end)
        At most a year, on the account's clock.
    compare : {"previous_period", "last_year"}, optional
        The period to compare with: the one directly before, of the same length; the same dates a year before; None
        for no comparison.
    conversion_metric : str, (name, integration) or metric row, optional
        Whose events are orders. The metric that the account maps to revenue if omitted, else "Placed Order".
    privacy : {"aggregate", "hashed", "full"}
        Whether people appear: not at all; the best customers by a hash of their profile id; by their profile id.
        Files in which they appear are readable by their owner only (`Report.private`).
    sections : sequence of str, optional
        Chapters in their order: "headline", "changes", "revenue", "flows", "campaigns", "deliverability",
        "audience", "timing", "customers", "notes". All if omitted.
    title : str, optional
        Title; the name of the organization if omitted.
    branding : Branding, optional
        Colours, logo, footer, language of numbers and dates. The words of the report are English.
    orders : analysis.OrderConditions or mapping, optional
        Which orders count, such as `{"renewals": False}` or `{"currency": "EUR"}`. Revenue and orders of the whole
        report are then those of these orders, dated by the order. Converted profiles, placed-order rates and revenue
        per recipient are left out: Klaviyo's reports make them of all orders.
    currency : str, optional
        Count only orders in this currency, such as "EUR"; the same as `orders={"currency": "EUR"}`. An account with
        orders in several needs it: without it, chapters that add up amounts fail and name the currencies.

    Returns
    -------
    Report
        `report.failures` names the chapters that could not be made and why; the others are complete.

    Raises
    ------
    InvalidInputError
        A chapter, privacy level, comparison, time frame or condition is not valid; or the events of an archive begin
        after the period or the one compared with.
    AmbiguousMatchError, NoMatchError
        Several metrics have the name given, or none has.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=2000) as client:
    ...     report = ka.report.performance(client, "last month", sections=["headline", "notes"])
    >>> report.title, dict(report.failures)
    ('Juniper & Pine Outfitters, LLC', {})
    """
    names = list(CHAPTERS) if sections is None else list(sections)
    _check("sections", names, list(CHAPTERS))
    _check("privacy", [privacy], list(get_args(Privacy)))
    _check("compare", [] if compare is None else [compare], list(get_args(Comparison)))
    own = branding or Branding()
    conditions = _conditions(orders, currency)
    write = Formatter(own.language)
    source = _source(client, timeframe, compare, conversion_metric, privacy, write, conditions)
    parts: list[Part] = []
    failures: dict[str, str] = {}
    for name in names:
        chapter, make = CHAPTERS[name]
        made: list[Part] = []
        try:
            with _plain_style():
                made.extend(make(source))
        except Exception as error:  # noqa: BLE001  (the rest of the report is still worth having)
            failures[chapter] = f"{type(error).__name__}: {_reason(error, source)}"
        if made:
            parts += [Heading(chapter), *made]
    return Report(
        title=title or source.organization or "Performance report",
        sections=parts,
        subtitle=source.subtitle,
        branding=own,
        failures=failures,
        wording="en",
        private=privacy != "aggregate",
    )


def _conditions(
    orders: OrderConditions | Mapping[str, Any] | None, currency: str | None
) -> OrderConditions | None:
    conditions = None if orders is None else conditions_of(orders)
    if currency is None:
        return conditions
    if conditions is None:
        return conditions_of({"currency": currency})
    if conditions.currency not in {None, currency}:
        raise InvalidInputError(
            f"currency={currency!r} contradicts the {conditions.currency!r} of orders=. Pass one of them."
        )
    return replace(conditions, currency=currency)


def _reason(error: Exception, source: AccountFrames) -> str:
    """Return why a chapter could not be made; where amounts are in several currencies, with what helps a report."""
    said = str(error)
    what, never, _advice_for_a_frame = said.partition("never added")
    if not never or (source.conditions is not None and source.conditions.currency is not None):
        return said
    return (
        f"{what}{never}. Pass currency= with one of them for a report of those orders (--orders currency=CODE in a "
        "shell)."
    )


def _source(client: Any, timeframe: Any, *rest: Any) -> AccountFrames:
    """Return the frames of a client or an archive."""
    if hasattr(client, "account_summary"):
        frames = AccountFrames(client, client.timeframe(timeframe), *rest)
    elif hasattr(client, "sync") and hasattr(client, "analyses"):
        frames = ArchiveFrames(client, client.analyses._source().timeframe(timeframe), *rest)
    else:
        raise InvalidInputError(
            f"client is of type {type(client).__name__}, not a client or an archive. "
            "Pass ka.connect(), ka.demo() or ka.open_archive(folder)."
        )
    frames.check()  # what is wrong here would fail every chapter
    return frames


def _check(argument: str, given: Sequence[str], allowed: Sequence[str]) -> None:
    unknown = [value for value in given if value not in allowed]
    if unknown:
        raise InvalidInputError(
            f"{argument}={unknown[0]!r} is not valid; allowed are {near(unknown[0], map(repr, allowed))}."
        )


@contextmanager
def _plain_style() -> Iterator[None]:
    """Draw with our own style, whatever the user's settings are: same data, same picture."""
    with mpl.rc_context():
        mpl.rcdefaults()
        with plots.style():
            yield
