"""Writing to one profile: create, update, upsert, merge, delete for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import UNSET, Resource, resource, serves, write
from klaviyo_analytics.resources._reading import checked_id
from klaviyo_analytics.writeback.confirmations import confirmed
from klaviyo_analytics.writeback.profiles import plan_given
from klaviyo_analytics.writeback.write_types import UPSERT

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id
    from klaviyo_analytics.resources._generated.rows import ProfileRow

PATCHES = ("append", "unappend", "unset")


class ProfileWrites(Resource):
    """Methods that change one profile."""

    @overload
    def update(
        self,
        id: Id,
        /,
        *,
        email: str | None = UNSET,
        phone_number: str | None = UNSET,
        external_id: str | None = UNSET,
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
    def update(
        self,
        id: Id,
        /,
        *,
        email: str | None = UNSET,
        phone_number: str | None = UNSET,
        external_id: str | None = UNSET,
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
    def update(
        self,
        id: Id,
        /,
        *,
        email: str | None = UNSET,
        phone_number: str | None = UNSET,
        external_id: str | None = UNSET,
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

    @serves("update_profile")
    def update(
        self,
        id: Id,
        /,
        *,
        email: str | None = UNSET,
        phone_number: str | None = UNSET,
        external_id: str | None = UNSET,
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
        dry_run: bool = False,
    ) -> Any:
        """Change one profile.

        What is omitted stays as it is; None clears an attribute.

        Parameters
        ----------
        id : str or pandas.Series
            Id, or a row that `get` or `find` returned.
        email : str or None, optional
            Email address.
        phone_number : str or None, optional
            Phone number in E.164 form, such as ``+14155550123``.
        external_id : str or None, optional
            Its id in your own system.
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
        properties : dict, optional
            Custom properties by name; others stay as they are.
        append : dict, optional
            Values to add to properties that are lists.
        unappend : dict, optional
            Values to remove from properties that are lists.
        unset : str or list of str, optional
            Names of properties to remove.
        dry_run : bool
            True returns the request as a DataFrame (method, path, body) and sends nothing.

        Returns
        -------
        pandas.Series
            The profile. A pandas.DataFrame if `dry_run` is True.

        Raises
        ------
        InvalidInputError
            Nothing to change was given, or a value cannot be sent. Nothing was sent.
        ApiError
            Klaviyo refused the request: ValidationError, ConflictError, NotFoundError or another subclass.

        Notes
        -----
        ``PATCH /api/profiles/{id}``, limited to 75/s and 750/m; scopes: profiles:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.profiles.update("01ABC", first_name="Ann", unset="vip", dry_run=True)["method"].item()
        'PATCH'
        """
        given = {
            "email": email,
            "phone_number": phone_number,
            "external_id": external_id,
            "first_name": first_name,
            "last_name": last_name,
            "organization": organization,
            "locale": locale,
            "title": title,
            "image": image,
            "location": location,
            "properties": properties,
            "append": append,
            "unappend": unappend,
            "unset": unset,
        }
        return _send(self, "update_profile", checked_id(id), given, what="update()", dry_run=dry_run)

    def _create(self, operation: str, attributes: Mapping[str, Any], *, dry_run: bool) -> Any:
        return _send(self, operation, None, attributes, what="create()", dry_run=dry_run)

    @serves("merge_profiles")
    def merge(
        self, into: Id, source: Id, /, *, confirm: bool = False, dry_run: bool = False
    ) -> pd.Series[Any] | Any:
        """Merge one profile into another; the source is deleted, which cannot be undone.

        Parameters
        ----------
        into, source : str
            Ids, or rows that `get` or `find` returned. The API works on it after it has answered.
        confirm : bool
            True confirms.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Returns
        -------
        pandas.Series
            The id of the profile that stays.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.

        Notes
        -----
        ``POST /api/profile-merge``, limited to 10/s and 150/m; scopes: profiles:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.profiles.merge("01STAYS", "01GOES", dry_run=True)["path"].item()
        '/api/profile-merge'
        """
        stays, goes = checked_id(into, "into"), checked_id(source, "source")
        if stays == goes:
            raise InvalidInputError(f"into and source are the same profile, {stays}.")
        if not dry_run:
            what = (
                f"This merges 1 profile ({goes}) into {stays}: {goes} is deleted and cannot be brought back."
            )
            confirmed(confirm, what)
        data = resource(self._endpoint("merge_profiles"), {"profiles": [goes]}, id=stays)
        return write(self._context, "merge_profiles", {}, {"data": data}, dry_run=dry_run)

    @serves("request_profile_deletion")
    def request_deletion(
        self,
        *,
        id: Id | None = None,
        email: str | None = None,
        phone_number: str | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Request the permanent deletion of a person's data, as privacy laws require.

        Parameters
        ----------
        id, email, phone_number : str
            Exactly one of them.
        confirm : bool
            True confirms.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.

        Notes
        -----
        ``POST /api/data-privacy-deletion-jobs``, limited to 3/s and 60/m; scopes:
        data-privacy:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> request = client.profiles.request_deletion(email="ann@shop.example", dry_run=True)
        >>> request["path"].item()
        '/api/data-privacy-deletion-jobs'
        """
        given = {
            "id": None if id is None else checked_id(id),
            "email": email,
            "phone_number": phone_number,
        }
        named = {name: value for name, value in given.items() if value is not None}
        if len(named) != 1:
            raise InvalidInputError("request_deletion(): pass exactly one of id=, email= and phone_number=.")
        ((name, value),) = named.items()
        if not dry_run:
            what = f"This deletes all data of 1 person (found by {name}), which cannot be undone."
            confirmed(confirm, what)
        person: dict[str, Any] = {"type": "profile", "attributes": {} if name == "id" else named}
        if name == "id":
            person["id"] = value
        data = resource(self._endpoint("request_profile_deletion"), {"profile": {"data": person}})
        return write(self._context, "request_profile_deletion", {}, {"data": data}, dry_run=dry_run)


def upsert_one(profiles: Resource, id: object, given: Mapping[str, Any], *, dry_run: bool) -> Any:
    """Create or change one profile; what is `UNSET` stays as it is."""
    known = None if id is None else checked_id(id)
    return _send(profiles, "create_or_update_profile", known, given, what="upsert()", dry_run=dry_run)


def _send(
    profiles: Resource, operation: str, id: str | None, given: Mapping[str, Any], *, what: str, dry_run: bool
) -> Any:
    """Send a plan of one row."""
    held = {
        name: value
        for name, value in given.items()
        if value is not UNSET and not (name in PATCHES and value is None)
    }
    if not held:
        raise InvalidInputError(f"{what}: nothing to change was given. Pass at least one attribute.")
    row = held if id is None else {"id": id, **held}
    plan = plan_given(profiles._context, [row], what, kind=UPSERT.name)
    return write(
        profiles._context,
        operation,
        {"id": id} if id is not None and "{" in profiles._endpoint(operation).path else {},
        plan._single_request(),
        dry_run=dry_run,
        # what is appended twice stands there twice
        replay_safe=not {"append", "unappend"} & held.keys(),
    )
