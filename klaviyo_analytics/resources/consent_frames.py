"""Consent and suppression of a frame of people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_analytics.resources._base import Resource, serves
from klaviyo_analytics.resources._noun import checked_id
from klaviyo_analytics.writeback import Plan
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.plans import consent as plans
from klaviyo_analytics.writeback.plans.consent import Channels
from klaviyo_analytics.writeback.times import DateFormat


class ConsentFrames(Resource):
    """Who may be written to, by the frame."""

    @serves("bulk_subscribe_profiles")
    def plan_subscribe(
        self,
        frame: Any,
        /,
        *,
        list: Any = None,
        channels: Channels = "email",
        consented_at: Any = None,
        custom_source: str | None = None,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
        compare: bool = False,
        phone_region: str | None = None,
        date_format: DateFormat = None,
    ) -> Plan:
        """Plan to record that the people of a frame have said yes; nothing is sent.

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
        frame: Any,
        /,
        *,
        list: Any = None,
        channels: Channels = "email",
        globally: bool = False,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
        phone_region: str | None = None,
    ) -> Plan:
        """Plan to take the people of a frame off a list, or everywhere; nothing is sent.

        Klaviyo unsubscribes everywhere whom it does not find on the list. The plan looks who is on it: the others
        are problems. Who leaves the list between the plan and `apply` is not noticed.

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
        frame: Any,
        /,
        *,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
    ) -> Plan:
        """Plan to send no more marketing e-mail to the people of a frame; `apply` needs ``confirm=True``.

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
        frame: Any,
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
