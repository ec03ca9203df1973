"""Lists, which people join and leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError, NotFoundError
from klaviyo_analytics.resources._base import Resource, identifiers, serves, write
from klaviyo_analytics.resources._generated.people import ListMethods
from klaviyo_analytics.resources._reading import Context, checked_id
from klaviyo_analytics.writeback import Plan, members
from klaviyo_analytics.writeback import members as plans
from klaviyo_analytics.writeback.checks import OnDuplicate
from klaviyo_analytics.writeback.confirmations import LIST_ID, confirmed, known
from klaviyo_analytics.writeback.members import Tagged
from klaviyo_analytics.writeback.write_types import TAGGED

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id, Ids
    from klaviyo_analytics.writeback.columns import Tabular


@contextmanager
def refused_name(context: Context, id: str) -> Iterator[None]:
    """Refuse the name of a list where its id belongs, without a request more for an id that exists.

    Raises
    ------
    InvalidInputError
        It is the name of a list; the message has the id.
    """
    if not LIST_ID.fullmatch(id):
        known(context, id)
    try:
        yield
    except NotFoundError:
        known(context, id)  # a name of six letters looks like an id
        raise


class ListFrames(Resource):
    """Members of a list from a DataFrame."""

    @serves("add_profiles_to_list")
    def plan_add_profiles(
        self,
        id: Id,
        frame: Tabular,
        /,
        *,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
    ) -> Plan:
        """Plan to add the people of a frame to a list; their consent does not change.

        Parameters
        ----------
        id : str or row
            The list.
        frame : pandas.DataFrame, another frame, Series, list or array
            One row a person, with the column id, or with email: then the profiles are looked up, and who has none
            is a problem. Single values are ids, or addresses if all of them have an @.
        columns : dict, optional
            What columns are: ``{"profile_id": "id"}``.
        on_duplicate : str
            Two rows of one person: "error", or the "first" or "last" goes.

        Returns
        -------
        Plan
            See its `preview()` and `problems`, then `apply()`.

        Notes
        -----
        ``POST /api/lists/{id}/relationships/profiles``, limited to 10/s and 150/m; scopes:
        lists:write, profiles:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     best = client.lists.create(name="The best")
        ...     people = client.profiles.list(limit=3)
        ...     result = client.lists.plan_add_profiles(best, people).apply()
        ...     members = client.lists.profiles(best)
        >>> len(members)
        3
        """
        return self._plan(id, frame, columns, on_duplicate, joins=True)

    @serves("remove_profiles_from_list")
    def plan_remove_profiles(
        self,
        id: Id,
        frame: Tabular,
        /,
        *,
        columns: Mapping[str, str] | None = None,
        on_duplicate: OnDuplicate = "error",
    ) -> Plan:
        """Plan to remove the people of a frame from a list; see `plan_add_profiles`.

        More than a tenth of the list has to be confirmed: ``apply(confirm=True)``.

        Notes
        -----
        ``DELETE /api/lists/{id}/relationships/profiles``, limited to 10/s and 150/m; scopes:
        lists:write, profiles:write.
        """
        return self._plan(id, frame, columns, on_duplicate, joins=False)

    @serves("remove_profiles_from_list")
    def remove_profiles(
        self, id: Id, ids: Ids, /, *, confirm: bool = False, dry_run: bool = False
    ) -> pd.DataFrame | Any:
        """Remove up to 1,000 people from a list; their consent does not change.

        Parameters
        ----------
        id : str or row
            The list.
        ids : str, row, frame, or a list of these
            The profiles, by their ids.
        confirm : bool
            True confirms the removal of more than a tenth of the list.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        ConfirmationRequiredError
            It is more than a tenth of the list, and `confirm` is not True; nothing was sent.

        Notes
        -----
        ``DELETE /api/lists/{id}/relationships/profiles``, limited to 10/s and 150/m; scopes:
        lists:write, profiles:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> client.lists.remove_profiles("Xy12Zz", "01ANN", dry_run=True)["path"].item()
        '/api/lists/Xy12Zz/relationships/profiles'
        """
        group, those = checked_id(id, "list"), identifiers("profile", ids)
        body = {"data": those}
        if dry_run:
            return write(self._context, "remove_profiles_from_list", {"id": group}, body, dry_run=True)
        with refused_name(self._context, group):
            if confirm is not True:
                ask = members.asks(self._context, group, len(those), "removes")
                confirmed(confirm, *([ask] if ask else []))
            return write(self._context, "remove_profiles_from_list", {"id": group}, body)

    def _plan(
        self,
        id: Id,
        frame: Tabular,
        columns: Mapping[str, str] | None,
        on_duplicate: OnDuplicate,
        *,
        joins: bool,
    ) -> Plan:
        return plans.plan_members(
            self._context,
            frame,
            list=checked_id(id, "list"),
            joins=joins,
            columns=columns,
            on_duplicate=on_duplicate,
        )


class TagFrames(Resource):
    """Tags of the resources in a DataFrame."""

    @serves(*(f"tag_{kind}" for kind in TAGGED))
    def plan_tag(
        self, id: Id, frame: Tabular, /, *, kind: Tagged, on_duplicate: OnDuplicate = "error"
    ) -> Plan:
        """Plan to add a tag to all campaigns, flows, lists or segments of a frame.

        Parameters
        ----------
        id : str or row
            The tag.
        frame : pandas.DataFrame, another frame, Series, list or array
            With the column id, or single ids.
        kind : str
            "campaigns", "flows", "lists" or "segments".
        on_duplicate : str
            Two rows with one id: "error", or the "first" or "last" goes.

        Returns
        -------
        Plan
            See its `preview()` and `problems`, then `apply()`.

        Notes
        -----
        ``POST /api/tags/{id}/relationships/campaigns``, limited to 3/s and 60/m; scopes:
        campaigns:write, tags:write.

        ``POST /api/tags/{id}/relationships/flows``, limited to 3/s and 60/m; scopes: flows:write,
        tags:write.

        ``POST /api/tags/{id}/relationships/lists``, limited to 3/s and 60/m; scopes: lists:write,
        tags:write.

        ``POST /api/tags/{id}/relationships/segments``, limited to 3/s and 60/m; scopes:
        segments:write, tags:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     tag = client.tags.create(name="Reviewed")
        ...     result = client.tags.plan_tag(tag, client.flows.list(), kind="flows").apply()
        >>> result.failures.empty
        True
        """
        return self._plan(id, frame, kind, on_duplicate, tags=True)

    @serves(*(f"remove_tag_from_{kind}" for kind in TAGGED))
    def plan_untag(
        self, id: Id, frame: Tabular, /, *, kind: Tagged, on_duplicate: OnDuplicate = "error"
    ) -> Plan:
        """Plan to remove a tag from all campaigns, flows, lists or segments of a frame; see `plan_tag`.

        Notes
        -----
        ``DELETE /api/tags/{id}/relationships/campaigns``, limited to 3/s and 60/m; scopes:
        campaigns:write, tags:write.

        ``DELETE /api/tags/{id}/relationships/flows``, limited to 3/s and 60/m; scopes: flows:write,
        tags:write.

        ``DELETE /api/tags/{id}/relationships/lists``, limited to 3/s and 60/m; scopes: lists:write,
        tags:write.

        ``DELETE /api/tags/{id}/relationships/segments``, limited to 3/s and 60/m; scopes:
        segments:write, tags:write.
        """
        return self._plan(id, frame, kind, on_duplicate, tags=False)

    def _plan(self, id: Id, frame: Tabular, kind: Tagged, on_duplicate: OnDuplicate, *, tags: bool) -> Plan:
        if kind not in TAGGED:
            raise InvalidInputError(
                f"kind={kind!r} is not a kind of resource with tags. Allowed are {', '.join(TAGGED)}."
            )
        return plans.plan_tagging(
            self._context,
            frame,
            tag=checked_id(id, "tag"),
            kind=kind,
            tags=tags,
            on_duplicate=on_duplicate,
        )


class Lists(ListMethods, ListFrames):
    """Lists, which people join and leave."""

    def _relate(self, operation: str, id: object, ids: object, *, dry_run: bool) -> Any:
        if operation != "add_profiles_to_list" or dry_run:
            return super()._relate(operation, id, ids, dry_run=dry_run)
        with refused_name(self._context, checked_id(id, "list")):
            return super()._relate(operation, id, ids, dry_run=dry_run)
