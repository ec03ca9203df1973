"""Consent and suppression of one or a few profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klaviyo_analytics._wording import counted
from klaviyo_analytics.endpoints import load
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import Resource, serves
from klaviyo_analytics.resources._noun import checked_id, read_one
from klaviyo_analytics.resources._people import rows_of, send_plan
from klaviyo_analytics.resources._writes import resource, write
from klaviyo_analytics.timeframe._moments import Moment
from klaviyo_analytics.writeback import asking
from klaviyo_analytics.writeback.asking import confirmed
from klaviyo_analytics.writeback.plans import consent as plans
from klaviyo_analytics.writeback.plans.consent import ConsentChannel


class Consent(Resource):
    """Who may be written to."""

    @serves("bulk_subscribe_profiles")
    def subscribe(
        self,
        profiles: Any,
        /,
        *,
        list: Any = None,
        channels: ConsentChannel | Sequence[ConsentChannel] = "email",
        consented_at: Moment | None = None,
        custom_source: str | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> Any:
        """Record that up to 1,000 people have said yes.

        Parameters
        ----------
        profiles : str, dict, row, frame, or a list of these
            E-mail addresses, or what has `email`, `phone_number` and, if known, `id`.
        list : str
            Id of a list that they join; whether they confirm first follows from the list, or from the account.
        channels : str or several
            "email", "sms", "sms_transactional", "whatsapp", "whatsapp_transactional".
        consented_at : date, datetime or str
            When they said so, if that was in the past: confirmation and welcome flows are then skipped.
        custom_source : str
            Where they said so, as it shows in Klaviyo.
        confirm : bool
            True, to do it. Without `consented_at` they may be asked to confirm, or be welcomed; with it, whoever has
            unsubscribed since is subscribed again.
        dry_run : bool
            Show the request as a frame instead of sending it.

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
        profiles: Any,
        /,
        *,
        list: Any = None,
        channels: ConsentChannel | Sequence[ConsentChannel] = "email",
        globally: bool = False,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> Any:
        """Take up to 100 people off a list, or everywhere.

        Klaviyo unsubscribes everywhere whom it does not find on the list. This looks first who is on it, and
        refuses the others.

        Parameters
        ----------
        profiles : str, dict, row, frame, or a list of these
            E-mail addresses, or what has `email` or `phone_number`.
        list : str
            Id of the list they leave; where that is more than a tenth of it, `confirm` is needed.
        channels : str or several
            As for `subscribe`.
        globally : bool
            True, to unsubscribe them everywhere; needs `confirm`, too.
        confirm : bool
            True, to do it.
        dry_run : bool
            Show the request as a frame instead of sending it.

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
            raise InvalidInputError("give list=, or globally=True to unsubscribe everywhere.")
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
        profiles: Any = None,
        /,
        *,
        list: Any = None,
        segment: Any = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> Any:
        """Send no more marketing e-mail to up to 100 people, or to all of a list or segment.

        Parameters
        ----------
        profiles : str, dict, row, frame, or a list of these
            E-mail addresses, or what has `email`.
        list, segment : str
            Instead of profiles: everybody on it.
        confirm : bool
            True, to do it.
        dry_run : bool
            Show the request as a frame instead of sending it.

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
        profiles: Any = None,
        /,
        *,
        list: Any = None,
        segment: Any = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> Any:
        """Lift suppressions that were set by hand or by `suppress`; see there.

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
    noun: Resource, profiles: Any, list: Any, segment: Any, *, suppresses: bool, confirm: bool, dry_run: bool
) -> Any:
    """Suppress people, or all of a list or segment; or lift that."""
    verb = "suppress" if suppresses else "unsuppress"
    given = {"profiles": profiles, "list": list, "segment": segment}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise InvalidInputError(f"{verb}(): give profiles, or list=, or segment=, exactly one of them.")
    if profiles is not None:
        rows = rows_of(profiles, verb)
        if "email" not in rows.columns:
            raise InvalidInputError(
                f"{verb}() needs an email address for every profile; at least one is missing. Nothing was sent."
            )
        plan = plans.plan_suppression(
            noun._context, rows, suppresses=suppresses, columns=None, on_duplicate="error"
        )
        return send_plan(noun, plan, confirm=confirm, dry_run=dry_run)
    (kind,) = named
    if not dry_run and confirm is not True:
        ask = asking.to_suppress if suppresses else asking.to_unsuppress
        confirmed(confirm, ask(_crowd(noun, kind, given[kind])))
    operation = f"bulk_{verb}_profiles"
    data = resource(load()[operation], {kind: given[kind]})
    return write(noun._context, operation, {}, {"data": data}, dry_run=dry_run)


def _crowd(noun: Resource, kind: str, group: Any) -> str:
    """Name a list or segment, and how many people are on it."""
    row = read_one(
        noun._context, f"get_{kind}", {"id": checked_id(group)}, additional_fields=["profile_count"]
    )
    return f"all {counted(row['profile_count'], 'profile')} of the {kind} {row['name']!r}"
