"""Consent and suppression of one or a few profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from klaviyo_analytics._messages import counted
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import Resource, resource, serves, write
from klaviyo_analytics.resources._reading import checked_id, read_one
from klaviyo_analytics.timeframe.words import Moment
from klaviyo_analytics.writeback import Plan, confirmations
from klaviyo_analytics.writeback import consent as plans
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.columns import as_frame
from klaviyo_analytics.writeback.confirmations import confirmed
from klaviyo_analytics.writeback.consent import Channels, ConsentChannel
from klaviyo_analytics.writeback.encode import DateFormat
from klaviyo_analytics.writeback.write_types import WRITE_TYPES

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id, People
    from klaviyo_analytics.writeback.columns import Tabular

ACCEPTED = "email addresses, dicts, rows or a DataFrame"


def rows_of(profiles: People, verb: str) -> pd.DataFrame:
    """Return one row a person, from addresses, dicts, rows, or a frame.

    Raises
    ------
    InvalidInputError
        Something is neither, or there are more people than one request takes.
    """
    if isinstance(profiles, (str, Mapping)) or (isinstance(profiles, pd.Series) and _is_person(profiles)):
        profiles = [profiles]
    if isinstance(profiles, (list, tuple)):
        frame = _from_single(profiles, verb)
    else:
        if not isinstance(profiles, pd.DataFrame) and isinstance(profiles, Iterable):
            profiles = profiles if hasattr(profiles, "__array__") else _listed(profiles)
        frame = as_frame(profiles, f"{verb}()", "email", ["id", "email", "phone_number"])
    most = WRITE_TYPES[verb].most
    if not 0 < len(frame) <= most:
        raise InvalidInputError(f"{verb}() takes 1 to {most:,} profiles, not {len(frame):,}.")
    return frame


def _listed(profiles: Iterable[Any]) -> Any:
    """Read what yields single people; frames of other libraries are left as they are."""
    return profiles if hasattr(profiles, "columns") or hasattr(profiles, "schema") else [*profiles]


def _from_single(people: Iterable[Any], verb: str) -> pd.DataFrame:
    rows = []
    for one in people:
        if isinstance(one, str):
            if "@" not in one:
                raise InvalidInputError(
                    f"{verb}(): {one!r} is not an email address; pass ids as {{'id': ...}} or rows."
                )
            rows.append({"email": one})
        elif isinstance(one, (Mapping, pd.Series)):
            rows.append(dict(one))
        else:
            raise InvalidInputError(f"{verb}(): {one!r} does not identify a profile; pass {ACCEPTED}.")
    return as_frame(rows, f"{verb}()", "email", ["email"])


def _is_person(series: pd.Series[Any]) -> bool:
    return bool({"id", "email", "phone_number"} & {*series.index})


def send_plan(owner: Resource, plan: Plan, *, confirm: bool, dry_run: bool) -> Any:
    """Send a plan of one request, as a single call does: all of its rows, or nothing.

    Raises
    ------
    InvalidInputError
        Some rows cannot or must not be sent.
    ConfirmationRequiredError
        `confirm` is not True; nothing was sent.
    """
    operation, body = plan._request("profiles")
    if not dry_run:
        confirmed(confirm, *plan._confirm)
    return write(owner._context, operation, {}, body, dry_run=dry_run)


class Consent(Resource):
    """Consent and suppression."""

    @serves("bulk_subscribe_profiles")
    def subscribe(
        self,
        profiles: People,
        /,
        *,
        list: Id | None = None,
        channels: ConsentChannel | Sequence[ConsentChannel] = "email",
        consented_at: Moment | None = None,
        custom_source: str | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Subscribe up to 1,000 people.

        Parameters
        ----------
        profiles : str, dict, row, frame, or a list of these
            Email addresses, or anything with `email`, `phone_number` and, if known, `id`.
        list : str
            Id of a list that they join; whether they confirm first follows from the list, or from the account.
        channels : str or several
            "email", "sms", "sms_transactional", "whatsapp", "whatsapp_transactional".
        consented_at : date, datetime or str
            When they said so, if that was in the past: confirmation and welcome flows are then skipped.
        custom_source : str
            Where they said so, as it shows in Klaviyo.
        confirm : bool
            True confirms. Without `consented_at` they may be asked to confirm, or be welcomed; with it, whoever has
            unsubscribed since is subscribed again.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.
        InvalidInputError
            Somebody lacks what a channel needs; nothing was sent.

        Notes
        -----
        ``POST /api/profile-subscription-bulk-create-jobs``, limited to 75/s and 750/m; scopes:
        lists:write, profiles:write, subscriptions:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     request = client.profiles.subscribe("ann@shop.example", dry_run=True)
        >>> request["path"].item()
        '/api/profile-subscription-bulk-create-jobs'
        """
        plan = plans.plan_subscribe(
            self._context,
            rows_of(profiles, "subscribe"),
            list=None if list is None else checked_id(list, "list"),
            channels=channels,
            consented_at=consented_at,
            custom_source=custom_source,
            columns=None,
            on_duplicate="error",
            compare=False,
            with_id=True,
        )
        return send_plan(self, plan, confirm=confirm, dry_run=dry_run)

    @serves("bulk_unsubscribe_profiles")
    def unsubscribe(
        self,
        profiles: People,
        /,
        *,
        list: Id | None = None,
        channels: ConsentChannel | Sequence[ConsentChannel] = "email",
        globally: bool = False,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Unsubscribe up to 100 people from a list, or everywhere.

        Klaviyo unsubscribes profiles that are not on the list everywhere. This checks first who is on it, and
        refuses the others.

        Parameters
        ----------
        profiles : str, dict, row, frame, or a list of these
            Email addresses, or anything with `email` or `phone_number`.
        list : str
            Id of the list they leave; where that is more than a tenth of it, `confirm` is needed.
        channels : str or several
            As for `subscribe`.
        globally : bool
            True, to unsubscribe them everywhere; needs `confirm`, too.
        confirm : bool
            True confirms.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        ConfirmationRequiredError
            It would unsubscribe people everywhere, or more than a tenth of the list, and `confirm` is not True;
            nothing was sent.
        InvalidInputError
            Some are not on the list; nothing was sent.

        Notes
        -----
        ``POST /api/profile-subscription-bulk-delete-jobs``, limited to 75/s and 750/m; scopes:
        lists:write, profiles:write, subscriptions:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.profiles.unsubscribe("ann@shop.example", globally=True)  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        klaviyo_analytics.errors.ConfirmationRequiredError: This unsubscribes 1 profile everywhere ...
        """
        if (list is None) != globally:
            raise InvalidInputError("unsubscribe(): pass list=, or globally=True to unsubscribe everywhere.")
        plan = plans.plan_unsubscribe(
            self._context,
            rows_of(profiles, "unsubscribe"),
            list=None if list is None else checked_id(list, "list"),
            channels=channels,
            globally=globally,
            columns=None,
            on_duplicate="error",
            look=not dry_run,
        )
        return send_plan(self, plan, confirm=confirm, dry_run=dry_run)

    @serves("bulk_suppress_profiles")
    def suppress(
        self,
        profiles: People | None = None,
        /,
        *,
        list: Id | None = None,
        segment: Id | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Send no more marketing email to up to 100 people, or to all of a list or segment.

        Parameters
        ----------
        profiles : str, dict, row, frame, or a list of these
            Email addresses, or what has `email`.
        list, segment : str
            Instead of profiles: everybody on it.
        confirm : bool
            True confirms.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The job; ask `client.bulk_jobs.get(job, kind="suppress")` how far it is.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.

        Notes
        -----
        ``POST /api/profile-suppression-bulk-create-jobs``, limited to 75/s and 750/m; scopes:
        profiles:write, subscriptions:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.profiles.suppress("ann@shop.example", dry_run=True)["path"].item()
        '/api/profile-suppression-bulk-create-jobs'
        """
        return _suppression(self, profiles, list, segment, suppresses=True, confirm=confirm, dry_run=dry_run)

    @serves("bulk_unsuppress_profiles")
    def unsuppress(
        self,
        profiles: People | None = None,
        /,
        *,
        list: Id | None = None,
        segment: Id | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Lift suppressions that were set by hand or by `suppress`; see there.

        Returns
        -------
        pandas.Series
            The job; ask `client.bulk_jobs.get(job, kind="unsuppress")` how far it is.

        Notes
        -----
        ``POST /api/profile-suppression-bulk-delete-jobs``, limited to 75/s and 750/m; scopes:
        subscriptions:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.profiles.unsuppress("ann@shop.example", dry_run=True)["path"].item()
        '/api/profile-suppression-bulk-delete-jobs'
        """
        return _suppression(self, profiles, list, segment, suppresses=False, confirm=confirm, dry_run=dry_run)


def _suppression(
    owner: Resource,
    profiles: People | None,
    list: Id | None,
    segment: Id | None,
    *,
    suppresses: bool,
    confirm: bool,
    dry_run: bool,
) -> Any:
    """Suppress people, or all of a list or segment; or lift that."""
    verb = "suppress" if suppresses else "unsuppress"
    given = {"profiles": profiles, "list": list, "segment": segment}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise InvalidInputError(f"{verb}(): pass exactly one of profiles, list= and segment=.")
    if profiles is not None:
        rows = rows_of(profiles, verb)
        if "email" not in rows.columns:
            raise InvalidInputError(
                f"{verb}() needs an email address for every profile; at least one is missing. Nothing was sent."
            )
        plan = plans.plan_suppression(
            owner._context, rows, suppresses=suppresses, columns=None, on_duplicate="error"
        )
        return send_plan(owner, plan, confirm=confirm, dry_run=dry_run)
    kind, group = ("list", list) if list is not None else ("segment", segment)
    if not dry_run and confirm is not True:
        ask = confirmations.to_suppress if suppresses else confirmations.to_unsuppress
        confirmed(confirm, ask(_crowd(owner, kind, group)))
    operation = f"bulk_{verb}_profiles"
    data = resource(owner._endpoint(operation), {kind: group})
    return write(owner._context, operation, {}, {"data": data}, dry_run=dry_run)


def _crowd(owner: Resource, kind: str, group: Id | None) -> str:
    """Return the name of a list or segment and its number of profiles."""
    row = read_one(
        owner._context, f"get_{kind}", {"id": checked_id(group)}, additional_fields=["profile_count"]
    )
    return f"all {counted(row['profile_count'], 'profile')} of the {kind} {row['name']!r}"


class ConsentFrames(Resource):
    """Consent and suppression of the profiles in a DataFrame."""

    @serves("bulk_subscribe_profiles")
    def plan_subscribe(
        self,
        frame: Tabular,
        /,
        *,
        list: Id | None = None,
        channels: Channels = "email",
        consented_at: Moment | None = None,
        custom_source: str | None = None,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
        compare: bool = False,
        phone_region: str | None = None,
        date_format: DateFormat = None,
    ) -> Plan:
        """Plan to subscribe the people of a frame; nothing is sent.

        Klaviyo takes subscriptions and works on them later: what it says is "accepted". Where an answer is lost,
        people are not asked a second time; their rows are "unconfirmed".

        Who has unsubscribed or is suppressed is subscribed again, even where consent is older than that: so `apply`
        needs ``confirm=True``, unless consent has its time and compare=True finds nobody who has said no.

        A frame that says itself who agreed is believed: rows whose column `consent` (or, in frames that
        `profiles.list` returned, "subscriptions.email.marketing.consent" and the like) says UNSUBSCRIBED,
        NEVER_SUBSCRIBED, FALSE or no are never subscribed. They are "not sent", with the reason in `preview()`, and
        counted by `summary()` as not_agreed. A row that says neither yes nor no is a problem.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            One row a person, with the columns email or phone_number, as the channels need them; of single values
            those are what they hold. Other columns are not sent; `summary()` lists them.
        list : str or row, optional
            A list that they join. Without `consented_at`, people who join a double opt-in list get a mail that asks
            them to confirm, and stay NEVER_SUBSCRIBED until they do; the plan says so.
        channels : str or several
            "email", "sms", "sms_transactional", "whatsapp", "whatsapp_transactional".
        consented_at : date, datetime or str, optional
            When they said so, in the past; or a column of that name. Without it they may be asked to confirm, or be
            welcomed.
        custom_source : str, optional
            Where they said so, as it shows in Klaviyo.
        columns : dict, optional
            What columns are: ``{"mail": "email", "opted in": "consent"}``.
        on_duplicate : str
            Two rows of one person: "error", or the "first" or "last" goes.
        compare : bool
            Read the profiles first; notes of `preview()` name those that have unsubscribed or are suppressed.
        phone_region : str, optional
            The country whose national phone formats are turned into E.164, as two letters: "US" makes
            "(617) 555-0123" +16175550123. Needs the extra `phone`.
        date_format : str or dict, optional
            The format of dates that are texts, as `datetime.strptime` takes it ("%d/%m/%Y"), or a dict of formats by
            column. Without it texts are ISO 8601; what has no zone is read in the account's.

        Returns
        -------
        Plan
            See its `preview()` and `problems`, then `apply()`.

        Raises
        ------
        FrameError
            `columns` names a column or an attribute that does not exist, or a column that is not used looks as if it
            says who agreed. What is wrong with single rows is in `plan.problems`.
        InvalidInputError
            An option is not allowed, or `list` is the name of a list.

        Notes
        -----
        ``POST /api/profile-subscription-bulk-create-jobs``, limited to 75/s and 750/m; scopes:
        lists:write, profiles:write, subscriptions:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka, pandas as pd
        >>> people = pd.DataFrame({"email": ["ann@shop.example", "bob@shop.example"]})
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     plan = client.profiles.plan_subscribe(people, consented_at="2026-01-05", compare=True)
        ...     result = plan.apply()
        >>> result.rows["status"].tolist()
        ['accepted', 'accepted']
        """
        return plans.plan_subscribe(
            self._context,
            frame,
            list=None if list is None else checked_id(list, "list"),
            channels=channels,
            consented_at=consented_at,
            custom_source=custom_source,
            columns=columns,
            on_duplicate=on_duplicate,
            compare=compare,
            phone_region=phone_region,
            date_format=date_format,
        )

    @serves("bulk_unsubscribe_profiles")
    def plan_unsubscribe(
        self,
        frame: Tabular,
        /,
        *,
        list: Id | None = None,
        channels: Channels = "email",
        globally: bool = False,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
        phone_region: str | None = None,
    ) -> Plan:
        """Plan to unsubscribe the people of a frame from a list or everywhere; nothing is sent.

        Klaviyo unsubscribes profiles that are not on the list everywhere. The plan checks who is on it: the others
        are problems. Someone who leaves the list between the plan and `apply` is not noticed.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            One row a person, with the columns email or phone_number, as the channels need them.
        list : str or row, optional
            The list they leave.
        channels : str or several
            As for `plan_subscribe`.
        globally : bool
            True, to unsubscribe everywhere all of them, or, with `list`, those that are not on it; `apply` needs
            ``confirm=True`` then, and also where a tenth of the list would leave it.
        columns, on_duplicate, phone_region
            As for `plan_subscribe`.

        Returns
        -------
        Plan
            See its `preview()` and `problems`, then `apply()`.

        Raises
        ------
        InvalidInputError
            Neither a list nor globally=True is given.

        Notes
        -----
        ``POST /api/profile-subscription-bulk-delete-jobs``, limited to 75/s and 750/m; scopes:
        lists:write, profiles:write, subscriptions:write.
        """
        return plans.plan_unsubscribe(
            self._context,
            frame,
            list=None if list is None else checked_id(list, "list"),
            channels=channels,
            globally=globally,
            columns=columns,
            on_duplicate=on_duplicate,
            phone_region=phone_region,
        )

    @serves("bulk_suppress_profiles")
    def plan_suppress(
        self,
        frame: Tabular,
        /,
        *,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
    ) -> Plan:
        """Plan to send no more marketing email to the people of a frame; `apply` needs ``confirm=True``.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            One row a person, with the column email, or single addresses.
        columns, on_duplicate
            As for `plan_subscribe`.

        Returns
        -------
        Plan
            See its `preview()` and `problems`, then `apply()`.

        Notes
        -----
        ``POST /api/profile-suppression-bulk-create-jobs``, limited to 75/s and 750/m; scopes:
        profiles:write, subscriptions:write.
        """
        return plans.plan_suppression(
            self._context, frame, suppresses=True, columns=columns, on_duplicate=on_duplicate
        )

    @serves("bulk_unsuppress_profiles")
    def plan_unsuppress(
        self,
        frame: Tabular,
        /,
        *,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
    ) -> Plan:
        """Plan to lift suppressions that were set by hand or by `suppress`; see `plan_suppress`.

        Notes
        -----
        ``POST /api/profile-suppression-bulk-delete-jobs``, limited to 75/s and 750/m; scopes:
        subscriptions:write.
        """
        return plans.plan_suppression(
            self._context, frame, suppresses=False, columns=columns, on_duplicate=on_duplicate
        )
