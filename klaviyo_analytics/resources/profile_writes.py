"""Writing to one profile: create, update, upsert, merge, delete for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from klaviyo_analytics.endpoints import load
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources import _docs
from klaviyo_analytics.resources._noun import Noun, checked_id
from klaviyo_analytics.resources._verbs import ID, dressed, serves
from klaviyo_analytics.resources._writes import creates, keyword, keywords, resource, write, written
from klaviyo_analytics.writeback.asking import confirmed

Properties = Mapping[str, Any]
PATCHES = {
    "append": "dict: values to add to properties that are lists.",
    "unappend": "dict: values to take out of properties that are lists.",
    "unset": "str or list of str: names of properties to remove.",
}
PATCHING = [keyword(name) for name in PATCHES]


class UpdatesProfile(Protocol):
    """Signature of `profiles.update`."""

    def __call__(
        self,
        id: Any,
        /,
        *,
        append: Properties | None = None,
        unappend: Properties | None = None,
        unset: str | Sequence[str] | None = None,
        dry_run: bool = False,
        **attributes: Any,
    ) -> Any:
        """Change one profile; its row comes back."""
        ...


class UpsertsProfile(Protocol):
    """Signature of `profiles.upsert`."""

    def __call__(
        self,
        *,
        id: Any = None,
        append: Properties | None = None,
        unappend: Properties | None = None,
        unset: str | Sequence[str] | None = None,
        dry_run: bool = False,
        **attributes: Any,
    ) -> Any:
        """Create or change one profile; its row comes back."""
        ...


def _updates() -> UpdatesProfile:
    endpoint = load()["update_profile"]

    def update(self: Noun, id: Any, /, **given: Any) -> Any:
        return _send(self, "update_profile", checked_id(id), given)

    doc = _docs.for_write(endpoint, more=PATCHES)
    return dressed(update, endpoint, doc, [ID, *keywords(endpoint), *PATCHING])


def _upserts() -> UpsertsProfile:
    endpoint = load()["create_or_update_profile"]

    def upsert(self: Noun, *, id: Any = None, **given: Any) -> Any:
        return _send(self, "create_or_update_profile", None if id is None else checked_id(id), given)

    doc = _docs.for_write(endpoint, more={"id": "str: the profile, if it is known by its id.", **PATCHES})
    return dressed(upsert, endpoint, doc, [keyword("id"), *keywords(endpoint), *PATCHING])


class ProfileWrites(Noun):
    """What changes one profile."""

    create = creates("create_profile")
    update = _updates()
    upsert = _upserts()

    @serves("merge_profiles")
    def merge(self, into: Any, source: Any, /, *, confirm: bool = False, dry_run: bool = False) -> Any:
        """Merge one profile into another; the source is deleted, and nothing brings it back.

        Parameters
        ----------
        into, source : str
            Ids, or rows that `get` or `find` returned. The API works on it after it has answered.
        confirm : bool
            True, to do it.
        dry_run : bool
            Show the request as a frame instead of sending it.

        Returns
        -------
        pandas.Series
            The id of the profile that stays.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.

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
        data = resource(load()["merge_profiles"], {"profiles": [goes]}, id=stays)
        return write(self._context, "merge_profiles", {}, {"data": data}, dry_run=dry_run)

    @serves("request_profile_deletion")
    def request_deletion(
        self,
        *,
        id: Any = None,
        email: str | None = None,
        phone_number: str | None = None,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> Any:
        """Ask for a person's data to be deleted for ever, as privacy laws demand.

        Parameters
        ----------
        id, email, phone_number : str
            Exactly one of them.
        confirm : bool
            True, to do it.
        dry_run : bool
            Show the request as a frame instead of sending it.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True; nothing was sent.

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
            raise InvalidInputError("give exactly one of id=, email= and phone_number=.")
        ((name, value),) = named.items()
        if not dry_run:
            what = f"This deletes all data of 1 person (found by {name}), and nothing brings them back."
            confirmed(confirm, what)
        person: dict[str, Any] = {"type": "profile", "attributes": {} if name == "id" else named}
        if name == "id":
            person["id"] = value
        data = resource(load()["request_profile_deletion"], {"profile": {"data": person}})
        return write(self._context, "request_profile_deletion", {}, {"data": data}, dry_run=dry_run)


def _send(noun: Noun, operation: str, id: str | None, given: dict[str, Any]) -> Any:
    dry_run = given.pop("dry_run", False)
    attributes, meta = patched(given)
    if not attributes and not meta:
        raise InvalidInputError("nothing to change was named.")
    endpoint = load()[operation]
    data = resource(endpoint, attributes, id=id)
    if meta:
        data["meta"] = meta
    # what is appended twice stands there twice
    safe = not {"append", "unappend"} & set(meta.get("patch_properties", ()))
    return write(
        noun._context,
        operation,
        {"id": id} if id is not None and "{" in endpoint.path else {},
        {"data": data},
        dry_run=dry_run,
        replay_safe=safe,
    )


def patched(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part attributes from what is done to single properties, which a body carries as `meta`."""
    attributes = {name: value for name, value in given.items() if name not in PATCHES}
    patches = {name: written(name, given[name]) for name in PATCHES if given.get(name) is not None}
    return attributes, {"patch_properties": patches} if patches else {}
