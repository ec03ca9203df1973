"""The client: composition, no logic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from klaviyo_analytics._html import TO_TRY, AccountRow, AccountSummary, account_in_words, card
from klaviyo_analytics._messages import closest, explained_methods
from klaviyo_analytics.credentials import Credentials
from klaviyo_analytics.endpoints.api import Api
from klaviyo_analytics.errors import ConfigurationError, MissingExtraError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.quota.budget import Quota
from klaviyo_analytics.quota.cache import Cache
from klaviyo_analytics.resources import RESOURCES
from klaviyo_analytics.resources._reading import Context
from klaviyo_analytics.resources._reading import timeframe as read_timeframe
from klaviyo_analytics.timeframe.words import zone_named

if TYPE_CHECKING:
    from klaviyo_analytics import analysis, resources
    from klaviyo_analytics.answers import Analyses, Reconciliation
    from klaviyo_analytics.diagnostics import Report
    from klaviyo_analytics.resources.accounts import Comparison
    from klaviyo_analytics.resources.metrics import Metric
    from klaviyo_analytics.timeframe import Timeframe
    from klaviyo_analytics.timeframe.words import Moment
    from klaviyo_analytics.writeback import Result

if TYPE_CHECKING:
    from klaviyo_analytics.archive import Archive


@explained_methods
class KlaviyoClient:
    """One Klaviyo account and its resources; created by `connect` or `demo`.

    Use it in a ``with`` block, or close it, to release its connections.

    Attributes
    ----------
    accounts, bulk_jobs, campaign_audiences, campaign_messages, campaign_variations, campaigns,
    catalog_categories, catalog_items, catalog_variants, conversations, coupon_codes, coupons,
    custom_metrics, data_sources, events, flow_actions, flow_messages, flows, form_versions, forms, images,
    lists, mapped_metrics, metric_aggregates, metrics, object_records, object_schemas, object_types,
    profiles, push_tokens, reports, reviews, segments, source_mappings, tag_groups, tags, templates,
    tracking_settings, universal_content, web_feeds, webhook_topics, webhooks
        The resources; each has some of the methods `list`, `iter_frames`, `get`, `find`, `query`, `create`,
        `update`, `delete`.
    account : pandas.Series
        The account's own row: timezone, preferred_currency, ...; in a notebook a card of the main facts.

    Notes
    -----
    Frames are plain pandas. Two kinds of columns need a step before pandas can use them. Lists and dicts
    (`tag_ids`, `properties`) can be compared as text: ``frame.astype({"tag_ids": str}).drop_duplicates()``, or get
    one row per value: ``frame.explode("tag_ids").groupby("tag_ids")``. Excel does not store time zones:
    ``frame.assign(created=frame["created"].dt.tz_localize(None)).to_excel(...)``.
    """

    accounts: resources.Accounts
    bulk_jobs: resources.BulkJobs
    campaign_audiences: resources.CampaignAudiences
    campaign_messages: resources.CampaignMessages
    campaign_variations: resources.CampaignVariations
    campaigns: resources.Campaigns
    catalog_categories: resources.CatalogCategories
    catalog_items: resources.CatalogItems
    catalog_variants: resources.CatalogVariants
    conversations: resources.Conversations
    coupon_codes: resources.CouponCodes
    coupons: resources.Coupons
    custom_metrics: resources.CustomMetrics
    data_sources: resources.DataSources
    events: resources.Events
    flow_actions: resources.FlowActions
    flow_messages: resources.FlowMessages
    flows: resources.Flows
    form_versions: resources.FormVersions
    forms: resources.Forms
    images: resources.Images
    lists: resources.Lists
    mapped_metrics: resources.MappedMetrics
    metric_aggregates: resources.MetricAggregates
    metrics: resources.Metrics
    object_records: resources.ObjectRecords
    object_schemas: resources.ObjectSchemas
    object_types: resources.ObjectTypes
    profiles: resources.Profiles
    push_tokens: resources.PushTokens
    reports: resources.Reports
    reviews: resources.Reviews
    segments: resources.Segments
    source_mappings: resources.SourceMappings
    tag_groups: resources.TagGroups
    tags: resources.Tags
    templates: resources.Templates
    tracking_settings: resources.TrackingSettings
    universal_content: resources.UniversalContent
    web_feeds: resources.WebFeeds
    webhook_topics: resources.WebhookTopics
    webhooks: resources.Webhooks

    def __init__(
        self,
        api: Api,
        credentials: Credentials,
        *,
        revision: str,
        progress: bool | None = None,
        cache: Cache | None = None,
        quota: Quota | None = None,
    ) -> None:
        context = Context(api, progress=progress, cache=cache or Cache(), quota=quota or Quota())
        self._api = api
        self._context = context
        self._credentials = credentials
        self._revision = revision
        self._on_close: Callable[[], None] | None = None

    @property
    def account(self) -> pd.Series[Any]:
        """The account's own row; asked for once."""
        return AccountRow(self._context.account)

    @property
    def cache(self) -> Cache:
        """Answers of reports and aggregates on disk, if `connect(cache=...)` was told so: `info`, `clear`."""
        return self._context.cache

    def now(self) -> datetime:
        """Return the present by the client's clock, in the account's time zone.

        Everything that depends on the present goes by this clock. A demo's stands still.

        Returns
        -------
        datetime.datetime

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     client.now() == client.now()
        True
        """
        return self._context.now().astimezone(zone_named(self._context.timezone))

    def timeframe(
        self, value: Timeframe | str | tuple[Moment, Moment], *, timezone: str | None = None
    ) -> Timeframe:
        """Return a time frame from words, on the account's clock.

        Parameters
        ----------
        value : Timeframe, str or (start, end)
            As for `Timeframe.parse`: "last 30 days", "last quarter", "ytd", "2026-Q2", two times, ... "last 12
            months" are the twelve whole calendar months before the one that holds `now`.
        timezone : str, optional
            IANA name of another zone that decides when a day begins.

        Returns
        -------
        Timeframe

        Raises
        ------
        InvalidInputError
            The words are not a time frame, or the time zone is not known.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     quarter = client.timeframe("last quarter")
        ...     quarter.end <= client.now()
        True
        """
        return read_timeframe(self._context, value, timezone)

    def account_summary(
        self,
        timeframe: Timeframe | str | tuple[Moment, Moment] = "last 30 days",
        *,
        compare: Comparison | None = "previous_period",
        conversion_metric: Metric | None = None,
        currency: str | None = None,
        orders: analysis.OrderConditions | Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return the account's headline numbers: revenue by source, what was sent, and the results.

        Takes two calls of the campaign report, two of the flow report and two of metric aggregates; half of them
        without a comparison.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            At most a year, on the account's clock.
        compare : {"previous_period", "last_year"}, optional
            The period directly before, of the same length; the same dates a year before; None for no comparison.
        conversion_metric : str, (name, integration) or metric row
            Metric whose events are orders. If omitted, the metric that the account maps to revenue, or else
            "Placed Order".
        currency : str, optional
            Code such as "EUR": count and add up only orders in this currency. Needed where orders have values in
            several currencies. revenue_per_recipient is missing where orders in other currencies were credited, too,
            because reports add all amounts unconverted; conversion_uniques counts people with an order in any.
        orders : analysis.OrderConditions or mapping, optional
            Which orders count, such as `{"renewals": False}`. Reads the order events instead of aggregates;
            conversion_uniques, conversion_rate and revenue_per_recipient are missing then, because reports count all
            orders.

        Returns
        -------
        pandas.DataFrame
            A row for each source ("all", "campaign", "flow", "other") and measure: source, measure, kind ("money",
            "count", "rate"; string), value; with a comparison previous, difference and change (float64; change is a
            fraction of the previous value, missing where that is not above zero); currency (of money: that of the
            orders), complete (boolean: the time frame is over). ``attrs["currency_source"]`` says from where the
            currency is known: "the events", or "assumed to be the account's" where orders name none.

            revenue, revenue_share, orders and average_order_value are dated by the order; campaign, flow and other
            add up to all; average_order_value is revenue ÷ orders with a known value. recipients and what follows
            them are the reports' numbers. `ka.analysis.rates` defines numerator and denominator of each rate: both
            are added up over the messages for which both are known, so text messages take no part in open_rate. The
            two need not agree: a report may credit a message with orders by when it was sent.

            A notebook shows it as cards of the key numbers, with the table folded below; `ka.plots.scorecard` draws
            the same as a picture.

        Raises
        ------
        AmbiguousMatchError, NoMatchError
            Several metrics have this name, or none has.
        NotAdditiveError
            The time frame is longer than a year.
        InvalidQueryError
            Orders have values in several currencies and `currency` is not given, or the orders of the period and
            of the one compared with are in different currencies.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     summary = client.account_summary("last 90 days")
        >>> revenue = summary[summary["measure"] == "revenue"].set_index("source")["value"]
        >>> bool(abs(revenue["all"] - revenue[["campaign", "flow", "other"]].sum()) < 0.01)
        True
        """
        from klaviyo_analytics.resources.accounts import account_summary  # noqa: PLC0415

        summary = account_summary(
            self._context, timeframe, compare=compare, conversion_metric=conversion_metric, currency=currency,
            orders=orders,
        )  # fmt: skip
        shown = AccountSummary(summary)
        shown.attrs = summary.attrs
        return shown

    def archive(self, folder: str | Path, *, storage_options: Mapping[str, str] | None = None) -> Archive:
        """Open the local copy of this account in a folder; `archive.sync()` fills it.

        Parameters
        ----------
        folder : str or Path
            Folder, which may not exist yet, or the URL of an object store ("s3://bucket/klaviyo"). One folder holds
            one account; it never holds a key.
        storage_options : mapping, optional
            Access to an object store, as the deltalake package takes it; not written to disk.

        Returns
        -------
        Archive

        Raises
        ------
        InvalidInputError
            The folder holds another account.
        MissingExtraError
            The archive needs the extra ``archive``.

        Examples
        --------
        >>> import tempfile
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client, tempfile.TemporaryDirectory() as folder:
        ...     archive = client.archive(folder)
        ...     _ = archive.sync(["events"])
        ...     len(archive.frame("events"))
        500
        """
        try:
            from klaviyo_analytics.archive import archive_of  # noqa: PLC0415  (an extra)
        except ImportError as error:
            raise MissingExtraError("The archive", "archive") from error
        return archive_of(self._context, folder, storage_options)

    @property
    def analyses(self) -> Analyses:
        """Analyses in one line each: `client.analyses.rfm()`, `.attribution()`, `.send_times()`, ...

        Each fetches with the cheapest calls and returns the frame of the function of the same name in
        `ka.analysis`; `frame.attrs` says what was read and what it cost, `ka.plots.auto(frame)` draws it.

        Returns
        -------
        Analyses

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.analyses.rfm().attrs["read"]
        ['events']
        """
        from klaviyo_analytics.answers import of_client  # noqa: PLC0415

        return of_client(self._context)

    def reconcile(
        self,
        timeframe: Timeframe | str | tuple[Moment, Moment],
        *,
        conversion_metric: Metric | None = None,
        orders: analysis.OrderConditions | Mapping[str, Any] | None = None,
        archive: Archive | None = None,
    ) -> Reconciliation:
        """Count the same revenue by each road, and show the steps from one number to the other.

        Klaviyo dates metrics by the order and reports by the send. Reads the orders, opens, clicks and receipts from
        14 days before the time frame to 14 days after it, takes three calls of the campaign report, two of
        the flow report and one of metric aggregates.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            Such as "2026-04", on the account's clock; at most a year.
        conversion_metric : str, (name, integration) or metric row, optional
            Whose events are orders; the metric that the account maps to revenue if omitted.
        orders : analysis.OrderConditions or mapping, optional
            Which orders count on the roads of raw events. Aggregates and reports count all orders.
        archive : Archive, optional
            Count the orders of this copy, too.

        Returns
        -------
        Reconciliation
            `roads`, `bridge`, `details`, `rates` (DataFrames), and `orders(step)`, the orders of a step.

        Raises
        ------
        NoMatchError, AmbiguousMatchError
            No metric has this name, or several do.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     why = client.reconcile("2026-04")
        >>> steps = why.bridge.set_index("step")["amount"]
        >>> bool(abs(steps.iloc[:-1].sum() - steps["reported"]) < 0.005)
        True
        """
        from klaviyo_analytics.answers import reconcile  # noqa: PLC0415

        return reconcile(self._context, timeframe, metric=conversion_metric, orders=orders, archive=archive)

    def audit(self, timeframe: Timeframe | str | tuple[Moment, Moment] = "last 90 days") -> pd.DataFrame:
        """Look for what is missing or broken in the account: flows, metrics, orders, forms, lists.

        Takes one call each of the flow and the form report, a few of metric aggregates, and reads the orders of the
        time frame.

        Parameters
        ----------
        timeframe : Timeframe, str or (start, end)
            In which flows should have sent and forms should have been submitted.

        Returns
        -------
        pandas.DataFrame
            A row for each finding, the heaviest first: check, weight ("high", "medium" or "low"), subject, evidence,
            action (string). `attrs["checks"]` lists what was looked at, `attrs["not_checked"]` what the key may not
            read.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=2000) as client:
        ...     client.audit().query("check == 'duplicate metric'")["subject"].tolist()
        ['Placed Order, Cancelled Order, Fulfilled Order, Ordered Product, Refunded Order']
        """
        from klaviyo_analytics.answers import audit  # noqa: PLC0415

        return audit(self._context, timeframe)

    def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None
    ) -> Any:
        """Send any request below /api, with the same authentication, pacing, retries and errors.

        Parameters
        ----------
        method : str
            GET, POST, PATCH or DELETE. A POST that is not known to be safe to repeat is sent once.
        path : str
            From /api/ on: "/api/web-feeds". A report request counts against the daily limit, as the methods do.
        params : mapping, optional
            Query parameters; lists are joined by commas.
        json : optional
            The body.

        Returns
        -------
        dict or None
            The response's document; None if the response is empty.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     document = client.request("GET", "/api/accounts")
        >>> document["data"][0]["type"]
        'account'
        """
        from klaviyo_analytics.resources.reports import counted_request  # noqa: PLC0415

        return counted_request(self._context, method, path, params=params, json=json)

    def resume(
        self, journal: str | Path, *, keep_journal: bool = False, timeout: float = 24 * 3600.0
    ) -> Result:
        """Resume a write that a crash, a lost connection or Ctrl-C interrupted.

        Requests recorded as done are not sent again. Where a response was lost, the API is asked first whether the
        request was carried out, as far as it can show that.

        Parameters
        ----------
        journal : str or Path
            The path passed to `Plan.apply`, or the one shown by the result or the exception.
        keep_journal : bool
            True, to keep the journal after all rows were written.
        timeout : float
            Seconds to wait at most for each job that a request started, 24 hours by default.

        Returns
        -------
        Result
            One row for each row of the frame, including those written earlier.

        Raises
        ------
        InvalidInputError
            The file is not a journal, belongs to another account, or is in use.
        WriteFailedError
            The journal cannot be written any more, as on a full disk.
        """
        from klaviyo_analytics import writeback  # noqa: PLC0415

        return writeback.resume(self._context, journal, keep_journal=keep_journal, timeout=timeout)

    def check(self) -> Report:
        """Check everything that the connection to the account depends on.

        Returns
        -------
        Report
            One row per check: key, connection, address, clock, revision, scopes; each with a status and how to
            fix it. `report.ok`, `report.frame`. It makes about 20 cheap reads and never shows the key.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     client.check().frame["status"].unique().tolist()
        ['ok']
        """
        from klaviyo_analytics.diagnostics import check  # noqa: PLC0415

        return check(self._api, self._credentials, revision=self._revision)

    def describe(self, resource: str | None = None) -> pd.DataFrame:
        """Return every operation of the API: the method that calls it, its limits, filters, fields and scopes.

        Facts are those of the client's revision. What it lacks is listed, too, with the revisions that have it; so is
        what has no method: reads of ids alone, what only web pages and apps may call, and what is new in 2026-10-15
        beside campaigns, which `request` sends.

        Parameters
        ----------
        resource : str, optional
            Name of a resource such as "campaigns"; all resources if omitted.

        Returns
        -------
        pandas.DataFrame
            resource, verb (missing without a method), method, path, limits, page_size, filters, sort, include,
            fields, additional_fields, body, scopes, note (why a method is missing, or which revisions have it), all
            string. A method that makes several calls has several rows.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.describe("tags").query("verb == 'create'")["path"].item()
        '/api/tags'
        """
        from klaviyo_analytics.diagnostics import describe  # noqa: PLC0415

        return describe(
            {name: getattr(self, name) for name in RESOURCES}, resource, catalog=self._api.catalog
        )

    if not TYPE_CHECKING:  # type checkers know the resources by their annotations, and no other names

        def __getattr__(self, name: str) -> Any:
            """Create a resource when it is first used, so that connecting imports none of them."""
            if name in RESOURCES:
                kind = getattr(import_module("klaviyo_analytics.resources"), RESOURCES[name])
                resource = kind(self._context)
                setattr(self, name, resource)
                return resource
            raise AttributeError(
                f"the client has no attribute {name!r}.{_did_you_mean(name)}", name=name, obj=self
            )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *RESOURCES})

    def _embed(self, *, now: Callable[[], datetime], on_close: Callable[[], None]) -> None:
        """Use an embedded account's clock, skip rate limits, and stop the account when the client closes."""
        self._context.now = now
        self._context.sleep = lambda seconds: cancellation.sleep(
            min(seconds, 0.01)
        )  # nothing else uses the sandbox
        self._context.quota = Quota(enforced=False)
        self._api.paced = False
        self._on_close = on_close

    def close(self) -> None:
        """Close the connections; a demo's sandbox ends, too."""
        self._api.close()
        if self._on_close:
            self._on_close()

    def __enter__(self) -> KlaviyoClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError(
            "A client cannot be pickled. Call ka.connect() in the process that needs it."
        )

    def __repr__(self) -> str:
        if not hasattr(self, "_credentials"):  # __init__ failed
            return "KlaviyoClient(not connected)"
        facts = ", ".join(f"{name}={value!r}" for name, value in self._facts().items())
        return f"KlaviyoClient({facts})"

    def _repr_html_(self) -> str:
        facts = self._facts()
        if "account" not in facts and hasattr(self, "_credentials"):  # one request, the first time
            facts["account"] = account_in_words(lambda: self._context.account)
        return card(facts.pop("account", "KlaviyoClient"), facts, more=TO_TRY)

    def _facts(self) -> dict[str, str]:
        """Return what may be shown, never the key. The account is included once it has been read."""
        facts = {"host": self._credentials.host, "revision": self._revision}
        if self._credentials.gateway:
            facts["connection"] = self._credentials.connection or "the oldest active"
        if self._context.known_account is not None:
            account = self._context.known_account
            facts["account"] = f"{account['contact_information.organization_name']} ({account['id']})"
        return facts


def _did_you_mean(name: str) -> str:
    offered = [*RESOURCES, *(one for one in vars(KlaviyoClient) if not one.startswith("_"))]
    near = closest(name, offered)
    return f" Did you mean {near[0]!r}?" if near else " client.describe() lists the resources."
