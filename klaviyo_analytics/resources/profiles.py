"""Profiles: the people of an account."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import pandas as pd

from klaviyo_analytics._messages import check
from klaviyo_analytics.errors import ArgumentError, InvalidInputError
from klaviyo_analytics.resources._base import UNSET, identifiers, serves
from klaviyo_analytics.resources._generated.people import ProfileMethods
from klaviyo_analytics.resources._reading import checked_id
from klaviyo_analytics.resources.consent import Consent, ConsentFrames
from klaviyo_analytics.resources.profile_writes import ProfileWrites, upsert_one
from klaviyo_analytics.writeback import Plan, Result, file_import
from klaviyo_analytics.writeback import profiles as plans
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.columns import Rest, several
from klaviyo_analytics.writeback.file_import import ImportPlan
from klaviyo_analytics.writeback.profiles import Key, OnNull

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id, Ids
    from klaviyo_analytics.resources._generated.rows import ProfileRow
    from klaviyo_analytics.timeframe.words import Moment
    from klaviyo_analytics.writeback.columns import Tabular

APPLYING = ("confirm", "skip_invalid", "journal", "keep_journal", "verify", "timeout")
Several = Sequence[str]


class ProfileFrames(ProfileWrites):
    """Methods that change many profiles."""

    @overload
    def upsert(
        self,
        frame: Tabular,
        /,
        *,
        key: Key = ...,
        columns: Mapping[str, str] | None = ...,
        properties: Rest = ...,
        on_null: OnNull = ...,
        on_duplicate: OnDuplicate = ...,
        lists: Ids | None = ...,
        compare: bool = ...,
        phone_region: str | None = ...,
        date_format: Mapping[str, str] | None = ...,
        append: str | Several = ...,
        unappend: str | Several = ...,
        unset: str | Several = ...,
        confirm: bool = ...,
        skip_invalid: bool = ...,
        journal: str | Path | bool | None = ...,
        keep_journal: bool = ...,
        timeout: float = ...,
        verify: bool = ...,
        dry_run: Literal[False] = False,
    ) -> Result: ...

    @overload
    def upsert(
        self,
        frame: Tabular,
        /,
        *,
        key: Key = ...,
        columns: Mapping[str, str] | None = ...,
        properties: Rest = ...,
        on_null: OnNull = ...,
        on_duplicate: OnDuplicate = ...,
        lists: Ids | None = ...,
        compare: bool = ...,
        phone_region: str | None = ...,
        date_format: Mapping[str, str] | None = ...,
        append: str | Several = ...,
        unappend: str | Several = ...,
        unset: str | Several = ...,
        confirm: bool = ...,
        skip_invalid: bool = ...,
        journal: str | Path | bool | None = ...,
        keep_journal: bool = ...,
        timeout: float = ...,
        verify: bool = ...,
        dry_run: Literal[True],
    ) -> pd.DataFrame: ...

    @overload
    def upsert(
        self,
        frame: Tabular,
        /,
        *,
        key: Key = ...,
        columns: Mapping[str, str] | None = ...,
        properties: Rest = ...,
        on_null: OnNull = ...,
        on_duplicate: OnDuplicate = ...,
        lists: Ids | None = ...,
        compare: bool = ...,
        phone_region: str | None = ...,
        date_format: Mapping[str, str] | None = ...,
        append: str | Several = ...,
        unappend: str | Several = ...,
        unset: str | Several = ...,
        confirm: bool = ...,
        skip_invalid: bool = ...,
        journal: str | Path | bool | None = ...,
        keep_journal: bool = ...,
        timeout: float = ...,
        verify: bool = ...,
        dry_run: bool,
    ) -> Result | pd.DataFrame: ...

    @overload
    def upsert(
        self,
        /,
        *,
        id: Id | None = None,
        email: str | None = UNSET,
        phone_number: str | None = UNSET,
        external_id: str | None = UNSET,
        _kx: str | None = UNSET,
        first_name: str | None = UNSET,
        last_name: str | None = UNSET,
        organization: str | None = UNSET,
        locale: str | None = UNSET,
        title: str | None = UNSET,
        image: str | None = UNSET,
        location: Mapping[str, Any] = UNSET,
        properties: Mapping[str, Any] | None = UNSET,
        append: Mapping[str, Any] | None = None,
        unappend: Mapping[str, Any] | None = None,
        unset: str | Sequence[str] | None = None,
        dry_run: Literal[False] = False,
    ) -> ProfileRow: ...

    @overload
    def upsert(
        self,
        /,
        *,
        id: Id | None = None,
        email: str | None = UNSET,
        phone_number: str | None = UNSET,
        external_id: str | None = UNSET,
        _kx: str | None = UNSET,
        first_name: str | None = UNSET,
        last_name: str | None = UNSET,
        organization: str | None = UNSET,
        locale: str | None = UNSET,
        title: str | None = UNSET,
        image: str | None = UNSET,
        location: Mapping[str, Any] = UNSET,
        properties: Mapping[str, Any] | None = UNSET,
        append: Mapping[str, Any] | None = None,
        unappend: Mapping[str, Any] | None = None,
        unset: str | Sequence[str] | None = None,
        dry_run: Literal[True],
    ) -> pd.DataFrame: ...

    @overload
    def upsert(
        self,
        /,
        *,
        id: Id | None = None,
        email: str | None = UNSET,
        phone_number: str | None = UNSET,
        external_id: str | None = UNSET,
        _kx: str | None = UNSET,
        first_name: str | None = UNSET,
        last_name: str | None = UNSET,
        organization: str | None = UNSET,
        locale: str | None = UNSET,
        title: str | None = UNSET,
        image: str | None = UNSET,
        location: Mapping[str, Any] = UNSET,
        properties: Mapping[str, Any] | None = UNSET,
        append: Mapping[str, Any] | None = None,
        unappend: Mapping[str, Any] | None = None,
        unset: str | Sequence[str] | None = None,
        dry_run: bool,
    ) -> ProfileRow | pd.DataFrame: ...

    @serves("create_or_update_profile", "bulk_import_profiles")
    def upsert(
        self,
        frame: Tabular | None = None,
        /,
        *,
        id: Id | None = None,
        email: str | None = UNSET,
        phone_number: str | None = UNSET,
        external_id: str | None = UNSET,
        _kx: str | None = UNSET,
        first_name: str | None = UNSET,
        last_name: str | None = UNSET,
        organization: str | None = UNSET,
        locale: str | None = UNSET,
        title: str | None = UNSET,
        image: str | None = UNSET,
        location: Mapping[str, Any] = UNSET,
        properties: Mapping[str, Any] | Rest = UNSET,
        append: Mapping[str, Any] | str | Sequence[str] | None = UNSET,
        unappend: Mapping[str, Any] | str | Sequence[str] | None = UNSET,
        unset: str | Sequence[str] | None = UNSET,
        dry_run: bool = False,
        key: Key = UNSET,
        columns: Mapping[str, str] | None = UNSET,
        on_null: OnNull = UNSET,
        on_duplicate: OnDuplicate = UNSET,
        lists: Ids | None = UNSET,
        compare: bool = UNSET,
        phone_region: str | None = UNSET,
        date_format: Mapping[str, str] | None = UNSET,
        confirm: bool = UNSET,
        skip_invalid: bool = UNSET,
        journal: str | Path | bool | None = UNSET,
        keep_journal: bool = UNSET,
        timeout: float = UNSET,
        verify: bool = UNSET,
    ) -> Any:
        """Create or change one profile by keywords, or as many as a DataFrame has rows.

        A DataFrame is planned by `plan_upsert`, checked, and applied in one go: a `Result` comes back. What is
        omitted stays as it is; None clears an attribute.

        Parameters
        ----------
        frame : pandas.DataFrame, optional
            One row a person.
        id : str or pandas.Series, optional
            The profile, if it is known by its id.
        email : str or None, optional
            Email address.
        phone_number : str or None, optional
            Phone number in E.164 form, such as ``+14155550123``.
        external_id : str or None, optional
            Its id in your own system.
        _kx : str or None, optional
            Identifier that Klaviyo's website tracking assigns to a person (exchange id).
        first_name : str or None, optional
            First name.
        last_name : str or None, optional
            Last name.
        organization : str or None, optional
            Company that the person works for.
        locale : str or None, optional
            Language and region as an IETF tag, such as ``en-GB``.
        title : str or None, optional
            Job title.
        image : str or None, optional
            Address of a picture of the person.
        location : dict, optional
            Address and place: address1, address2, city, region, zip, country, latitude, longitude, timezone, ip.
        properties : dict, or with a DataFrame "rest", str or list of str, optional
            Custom properties by name; with a DataFrame the columns that become properties of their own name.
        append : dict, or with a DataFrame str or list of str, optional
            Values to add to properties that are lists; with a DataFrame the columns that have them.
        unappend : dict, or with a DataFrame str or list of str, optional
            Values to remove from properties that are lists; with a DataFrame the columns that have them.
        unset : str or list of str, optional
            Names of properties to remove.
        dry_run : bool
            True sends nothing and returns the request as a DataFrame (method, path, body); with a DataFrame the
            plan's preview.
        key : str, with a DataFrame
            Column that identifies the person: "email", "phone_number", "external_id" or "id". Default: "email".
        columns : dict, with a DataFrame
            What columns become, such as ``{"score": "properties.rfm_score"}``.
        on_null : "skip", "clear" or dict, with a DataFrame
            What a null in the frame does. Default: "skip".
        on_duplicate : {"error", "first", "last"}, with a DataFrame
            What happens to several rows with one key. Default: "error".
        lists : str, row, frame, or list of ids, with a DataFrame
            Lists that the profiles join; consent is not changed.
        compare : bool, with a DataFrame
            True reads the profiles first and leaves out those that need no change.
        phone_region : str, with a DataFrame
            Country whose national phone formats become E.164, such as "US".
        date_format : dict, with a DataFrame
            Formats of dates that are texts, by column, such as ``{"born": "%d/%m/%Y"}``.
        confirm : bool, with a DataFrame
            True for what destroys data.
        skip_invalid : bool, with a DataFrame
            True sends the valid rows although others have problems.
        journal : str, Path or bool, with a DataFrame
            File that records progress, so that `client.resume` can continue; False for none.
        keep_journal : bool, with a DataFrame
            True keeps the journal when all rows were written.
        timeout : float, with a DataFrame
            Seconds to wait at most for each job, 24 hours by default.
        verify : bool, with a DataFrame
            True reads everything back afterwards.

        Returns
        -------
        pandas.Series or Result
            The profile; with a DataFrame, one row for each row of it. A pandas.DataFrame if `dry_run` is True.

        Raises
        ------
        InvalidInputError
            Nothing to change was given, or a value cannot be sent. Nothing was sent.
        FrameError
            Rows of the frame have problems. Nothing was sent.
        ApiError
            Klaviyo refused the request: ValidationError, ConflictError, NotFoundError or another subclass.

        Notes
        -----
        ``POST /api/profile-import``, limited to 75/s and 750/m; scopes: profiles:write.

        ``POST /api/profile-bulk-import-jobs``, limited to 10/s and 150/m; scopes: lists:write, profiles:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.profiles.upsert(email="ann@shop.example", first_name="Ann", dry_run=True)["path"].item()
        '/api/profile-import'
        """
        one = {
            "email": email,
            "phone_number": phone_number,
            "external_id": external_id,
            "_kx": _kx,
            "first_name": first_name,
            "last_name": last_name,
            "organization": organization,
            "locale": locale,
            "title": title,
            "image": image,
            "location": location,
        }
        both = {"properties": properties, "append": append, "unappend": unappend, "unset": unset}
        many = {
            "key": key,
            "columns": columns,
            "on_null": on_null,
            "on_duplicate": on_duplicate,
            "lists": lists,
            "compare": compare,
            "phone_region": phone_region,
            "date_format": date_format,
            "confirm": confirm,
            "skip_invalid": skip_invalid,
            "journal": journal,
            "keep_journal": keep_journal,
            "timeout": timeout,
            "verify": verify,
        }
        if frame is None:
            if extra := _given(many):
                raise ArgumentError(f"upsert(): {', '.join(f'{name}=' for name in extra)} needs a DataFrame.")
            return upsert_one(self, id, {**one, **both}, dry_run=dry_run)
        row = isinstance(frame, pd.Series) and bool({"id", "email"} & {*frame.index})
        if row or isinstance(frame, (str, bytes, Mapping, int, float)):
            raise InvalidInputError(
                "upsert() takes one profile by keywords, upsert(email=...), or many as a DataFrame, "
                f"not {type(frame).__name__}."
            )
        if extra := _given({"id": UNSET if id is None else id, **one}):
            raise ArgumentError(
                f"upsert(): {', '.join(f'{name}=' for name in extra)} is for one profile; with a DataFrame "
                "it is a column of that name."
            )
        options = _given({**both, **many})
        if dry_run:
            planning = {name: value for name, value in options.items() if name not in APPLYING}
            return planned("upsert", self.plan_upsert, frame, planning).preview()
        return applied("upsert", self.plan_upsert, frame, options)

    @serves("bulk_import_profiles")
    def plan_upsert(
        self,
        frame: Tabular,
        /,
        *,
        key: Key = "email",
        columns: Mapping[str, str] | None = None,
        properties: Rest = None,
        on_null: OnNull = "skip",
        on_duplicate: OnDuplicate = "error",
        lists: Ids | None = None,
        append: str | Several = (),
        unappend: str | Several = (),
        unset: str | Several = (),
        compare: bool = False,
        phone_region: str | None = None,
        date_format: Mapping[str, str] | None = None,
    ) -> Plan:
        """Plan to create or change as many profiles as a frame has rows; nothing is sent.

        Parameters
        ----------
        frame : pandas.DataFrame, another frame, Series, list or array
            One row a person. Columns that are named like attributes ("email", "location.city") become these.
        key : str
            Which column names the person: "email", "phone_number", "external_id" or "id".
        columns : dict, optional
            What columns become: ``{"score": "properties.rfm_score", "town": "location.city"}``.
        properties : "rest", str or list of str, optional
            Columns that become custom properties of their own name.
        on_null : "skip", "clear" or dict
            "skip": what is null in the frame stays as it is in the account. "clear": it is cleared there. By
            attribute also identifiers, which are cleared only if they are named: ``{"phone_number": "clear"}``.
        on_duplicate : str
            Two rows with one key: "error", or the "first" or "last" of them is sent.
        lists : str, row, frame, or list of ids, optional
            Lists that they join. Consent is not touched.
        append : str or list of str
            Columns that are properties, whose values are added to the lists that stand there.
        unappend : str or list of str
            Columns that are properties, whose values are taken out of the lists that stand there.
        unset : str or list of str
            Properties to remove from everybody in the frame.
        compare : bool
            Read the profiles first, and leave out those that have all of it already.
        phone_region : str, optional
            The country whose national phone formats are turned into E.164, as two letters: "US" makes
            "(617) 555-0123" +16175550123. Needs the extra `phone`.
        date_format : dict, optional
            Formats of dates that are texts, by column, as `datetime.strptime` takes them: ``{"born": "%d/%m/%Y"}``.
            They are sent as ISO 8601: days where the format has no hour, else moments in UTC.

        Returns
        -------
        Plan
            See its `preview()`, `problems` and `summary()`, then `apply()`.

        Raises
        ------
        FrameError
            A column is missing or has nowhere to go. What is wrong with single rows is in `plan.problems`.

        Notes
        -----
        ``POST /api/profile-bulk-import-jobs``, limited to 10/s and 150/m; scopes: lists:write,
        profiles:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka, pandas as pd
        >>> scores = pd.DataFrame({"email": ["ann@shop.example", "bob@shop"], "score": [4, 2]})
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     plan = client.profiles.plan_upsert(scores, columns={"score": "properties.rfm_score"})
        ...     result = plan.apply(skip_invalid=True)
        >>> plan.problems["problem"].tolist()
        ["email: 'bob@shop' is not a valid email address"]
        >>> result.rows["status"].tolist()
        ['written', 'not sent']
        """
        return plans.plan_upsert(
            self._context,
            frame,
            key=key,
            columns=columns,
            properties=properties,
            on_null=on_null,
            on_duplicate=on_duplicate,
            lists=[] if lists is None else [one["id"] for one in identifiers("list", lists)],
            append=several(append, "append"),
            unappend=several(unappend, "unappend"),
            unset=several(unset, "unset"),
            compare=compare,
            phone_region=phone_region,
            date_format=date_format,
        )

    @serves("bulk_import_profiles", "bulk_subscribe_profiles")
    def plan_import(
        self,
        source: str | Path | Tabular,
        /,
        *,
        list: Id | None = None,
        columns: Mapping[str, str | None] | None = None,
        properties: Rest = None,
        consent: str | None = None,
        consented_at: Moment | None = None,
        phone_region: str | None = None,
        date_format: str | Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
        compare: bool = False,
    ) -> ImportPlan:
        """Plan to import an ordinary file of people: profiles, and the consent of those who agreed.

        Headers of the exports of Klaviyo, Shopify and Mailchimp are known, whatever their case, spaces and
        punctuation; `ImportPlan.mapping` shows what every column becomes. A header that is not known is refused,
        never guessed. Rows whose consent column says no are left out and listed. Nothing is sent before `apply`.

        Parameters
        ----------
        source : str, Path or frame
            A .csv, .tsv, .txt, .xlsx (extra ``excel``) or .parquet (extra ``archive``) file with a header, or a
            DataFrame. Encoding (UTF-8, UTF-16, Windows-1252) and delimiter of text files are detected, and all their
            values are read as text, so that leading zeros stay.
        list : str or pandas.Series, optional
            List that the people join: by subscription if a column has consent, otherwise without a change of consent.
        columns : dict, optional
            What columns become, such as ``{"Mail": "email", "Shoe size": "properties.shoe_size"}``; None leaves a
            column out.
        properties : "rest", str or list of str, optional
            Columns that become properties of their own name; "rest" for all that are not known.
        consent : str, optional
            Column that says who agreed to marketing emails. By default the column with a known header.
        consented_at : date, datetime or str, optional
            When all of them agreed, if no column has it.
        phone_region : str, optional
            Country whose national phone formats become E.164, such as "US". Needs the extra ``phone``.
        date_format : str or dict, optional
            Format of dates, such as "%d/%m/%Y", or a dict of formats by column. One format for all applies to the
            time of consent, and to every property in which at least one value has it. If omitted, dates such as
            01/02/2025 stay texts as they are written, and `mapping` says so.
        on_duplicate : {"error", "first", "last"}
            What happens to several rows with one email. Default: "error", which rejects them.
        compare : bool
            True reads the profiles first, so that the preview shows who has unsubscribed since.

        Returns
        -------
        ImportPlan
            See its `mapping`, `preview()`, `unsubscribed` and `problems`; then `apply(rejects="rejects.csv")`.

        Raises
        ------
        FrameError
            A header is not known, or two columns become the same attribute.
        InvalidInputError
            The file cannot be read, or an option is invalid.

        Notes
        -----
        ``POST /api/profile-bulk-import-jobs``, limited to 10/s and 150/m; scopes: lists:write, profiles:write.

        ``POST /api/profile-subscription-bulk-create-jobs``, limited to 75/s and 750/m; scopes:
        lists:write, profiles:write, subscriptions:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka, pandas as pd
        >>> people = pd.DataFrame({"Email Address": ["ann@shop.example", "bob@shop"], "First Name": ["Ann", "Bob"]})
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     plan = client.profiles.plan_import(people)
        ...     result = plan.apply()
        >>> plan.mapping["becomes"].tolist()
        ['email', 'first_name']
        >>> result.rows["profile"].tolist()
        ['written', 'not sent']
        """
        return file_import.plan_import(
            self._context,
            source,
            list=None if list is None else checked_id(list, "list"),
            columns=columns,
            properties=properties,
            consent=consent,
            consented_at=consented_at,
            phone_region=phone_region,
            date_format=date_format,
            on_duplicate=on_duplicate,
            compare=compare,
        )


def applied(verb: str, plan: Callable[..., Plan], frame: Any, options: Mapping[str, Any]) -> Result:
    """Plan and apply in one go, each with its own options."""
    applying = {name: value for name, value in options.items() if name in APPLYING}
    planning = {name: value for name, value in options.items() if name not in applying}
    return planned(verb, plan, frame, planning).apply(**applying)


def planned(verb: str, plan: Callable[..., Plan], frame: Any, options: Mapping[str, Any]) -> Plan:
    """Plan for a verb of another name, which is the one that a call is refused by."""
    finishing = [*inspect.signature(Plan.apply).parameters.values()][1:]
    takes = [*inspect.signature(plan).parameters.values(), *finishing]
    check(verb, inspect.Signature(takes), [frame], options)
    return plan(frame, **options)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not UNSET}


class Profiles(ProfileMethods, ProfileFrames, ConsentFrames, Consent):
    """People, by `id`, `email`, `phone_number` or `external_id`."""
