"""Resources whose methods are all or nearly all regular: forms, templates, tags, images, push tokens and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import UNSET, Resource, one_of, resource, serves, write
from klaviyo_analytics.resources._generated.account import (
    TagGroupMethods,
    TagMethods,
    TrackingSettingMethods,
    WebFeedMethods,
    WebhookMethods,
    WebhookTopicMethods,
)
from klaviyo_analytics.resources._generated.messages import (
    FormMethods,
    FormVersionMethods,
    ImageMethods,
    TemplateMethods,
    UniversalContentMethods,
)
from klaviyo_analytics.resources._generated.people import PushTokenMethods, SegmentMethods
from klaviyo_analytics.resources._generated.shop import ReviewMethods
from klaviyo_analytics.resources._reading import checked_id
from klaviyo_analytics.resources.event_writes import profile_resource
from klaviyo_analytics.resources.lists import TagFrames
from klaviyo_analytics.writeback.confirmations import confirmed

if TYPE_CHECKING:
    from klaviyo_analytics.resources._base import Id


class Forms(FormMethods):
    """Sign-up forms; each is shown in one or several versions."""


class FormVersions(FormVersionMethods):
    """Versions of forms; `forms.versions(form_id)` lists them."""


class Webhooks(WebhookMethods):
    """Addresses that Klaviyo calls when something happens; only some accounts may have them.

    The secret that signs the calls can be set, never read: keep it where you keep keys.
    """


class WebhookTopics(WebhookTopicMethods):
    """The topics that a webhook can subscribe to; their ids differ between accounts."""


class WebFeeds(WebFeedMethods):
    """Feeds from the web whose entries templates can show."""


class TrackingSettings(TrackingSettingMethods):
    """The parameters that Klaviyo adds to links (utm_source and others); an account has one set, by its own id."""


class Templates(TemplateMethods):
    """Email templates, rendered with a profile's data."""


class UniversalContent(UniversalContentMethods):
    """Blocks that several templates share."""


class Segments(SegmentMethods):
    """Segments, whose members follow from a definition."""


class Tags(TagMethods, TagFrames):
    """Tags of campaigns, flows, lists and segments."""


class TagGroups(TagGroupMethods):
    """Groups of tags; of an exclusive group, a resource carries one tag."""


LARGEST = 5 * 1024 * 1024
SIGNATURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif"}


class Images(ImageMethods):
    """The account's image library."""

    @serves("upload_image_from_url", "upload_image_from_file")
    def create(
        self,
        source: str | Path | bytes,
        /,
        *,
        name: str | None = None,
        hidden: bool = False,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Add an image from an address, a file, or bytes such as those of a saved figure.

        Parameters
        ----------
        source : str, Path or bytes
            An http(s) address or data: URI, the path of a file, or the image itself. JPEG, PNG or GIF of at
            most 5 MB.
        name : str
            In the library; the file's name, if not given.
        hidden : bool
            Keep it out of the library's pages.
        dry_run : bool
            Show the request as a frame instead of sending it.

        Returns
        -------
        pandas.Series
            The image; `image_url` is where it is served.

        Raises
        ------
        InvalidInputError
            The file is not an image of an allowed type, or is too large. No request was sent.

        Notes
        -----
        ``POST /api/images``, limited to 3/s and 100/m and 100/d; scopes: images:write.

        ``POST /api/image-upload``, limited to 3/s and 100/m and 100/d; scopes: images:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> request = client.images.create("https://shop.example/tea.png", name="Tea", dry_run=True)
        >>> request["path"].item()
        '/api/images'
        """
        if isinstance(source, str) and source.startswith(("http://", "https://", "data:")):
            named = UNSET if name is None else name
            given = {"import_from_url": source, "name": named, "hidden": hidden}
            data = resource(self._endpoint("upload_image_from_url"), given)
            return write(self._context, "upload_image_from_url", {}, {"data": data}, dry_run=dry_run)
        content = source if isinstance(source, bytes) else _read(Path(source))
        kind = _kind(content)
        filename = f"image.{kind}" if isinstance(source, bytes) else Path(source).name
        fields = {**({} if name is None else {"name": name}), "hidden": "true" if hidden else "false"}
        files: dict[str, Any] = {field: (None, value) for field, value in fields.items()}
        files["file"] = (filename, content, f"image/{kind}")
        shown = {"file": f"{filename}, {len(content):,} bytes", **fields}
        return write(self._context, "upload_image_from_file", {}, shown, files=files, dry_run=dry_run)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise InvalidInputError(
            f"{str(path)!r} is not a file, nor an address that starts with http or data:."
        )
    return path.read_bytes()


def _kind(content: bytes) -> str:
    kind = next((kind for start, kind in SIGNATURES.items() if content.startswith(start)), None)
    if kind is None:
        raise InvalidInputError("The file is not a JPEG, PNG or GIF image. Convert it to one of these types.")
    if len(content) > LARGEST:
        raise InvalidInputError(f"The image has {len(content):,} bytes; Klaviyo takes at most {LARGEST:,}.")
    return kind


Status = Literal["published", "unpublished", "featured", "pending", "rejected"]
Reason = Literal[
    "other", "fake", "false_or_misleading", "private_information", "profanity_or_inappropriate", "unrelated"
]


class Reviews(ReviewMethods):
    """Reviews, ratings and questions of customers."""

    @serves("update_review")
    def update_status(
        self,
        review: Id,
        /,
        status: Status,
        *,
        reason: Reason | None = None,
        explanation: str | None = None,
        dry_run: bool = False,
    ) -> pd.Series[Any] | Any:
        """Publish, feature, hide or reject a review.

        Parameters
        ----------
        review : str
            Id, or a row that `get` or `list` returned.
        status : {"published", "unpublished", "featured", "pending", "rejected"}
            What it becomes.
        reason : {"other", "fake", "false_or_misleading", "private_information", "profanity_or_inappropriate",\
 "unrelated"}
            Why it is rejected; needed then, and only then.
        explanation : str
            In words, with the reason "other".
        dry_run : bool
            Show the request as a frame instead of sending it.

        Returns
        -------
        pandas.Series
            The review.

        Notes
        -----
        ``PATCH /api/reviews/{id}``, limited to 10/s and 150/m; scopes: reviews:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789")
        >>> request = client.reviews.update_status("R1", "rejected", reason="fake", dry_run=True)
        >>> request["body"].item()["data"]["attributes"]["status"]["value"]
        'rejected'
        """
        if status not in get_args(Status):
            raise InvalidInputError(
                f"status={status!r} is not known; there are {', '.join(get_args(Status))}."
            )
        if (status == "rejected") != (reason is not None):
            raise InvalidInputError("reason= belongs to status='rejected', which needs one.")
        if reason is not None and reason not in get_args(Reason):
            raise InvalidInputError(
                f"reason={reason!r} is not known; there are {', '.join(get_args(Reason))}."
            )
        if explanation is not None and reason != "other":
            raise InvalidInputError("explanation= belongs to reason='other'.")
        wanted: dict[str, Any] = {"value": status}
        if reason is not None:
            told = {} if explanation is None else {"status_explanation": explanation}
            wanted["rejection_reason"] = {"reason": reason, **told}
        id = self._id(review)
        data = resource(self._endpoint("update_review"), {"status": wanted}, id=id)
        return write(self._context, "update_review", {"id": id}, {"data": data}, dry_run=dry_run)


Platform = Literal["android", "ios"]
Vendor = Literal["apns", "fcm"]
Enablement = Literal["AUTHORIZED", "DENIED", "NOT_DETERMINED", "PROVISIONAL", "UNAUTHORIZED"]
Background = Literal["AVAILABLE", "DENIED", "RESTRICTED"]


class PushTokens(PushTokenMethods):
    """Devices that push messages can reach; `profiles.push_tokens` lists those of one person."""

    @serves("create_push_token")
    def create(
        self,
        *,
        token: str,
        platform: Platform,
        vendor: Vendor,
        profile: str | Mapping[str, Any] | Id,
        enablement_status: Enablement | None = UNSET,
        background: Background | None = UNSET,
        device_metadata: Mapping[str, Any] = UNSET,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Add a push token to a profile, or change the one that has this token; for a move from another platform.

        Parameters
        ----------
        token : str
            What the device got from its vendor.
        platform : {"android", "ios"}
            Of the device.
        vendor : {"apns", "fcm"}
            Apple's or Google's service.
        profile : str, dict or pandas.Series
            An email address, the id or row of a profile, or a dict of its attributes.
        enablement_status : str or None, optional
            AUTHORIZED, DENIED, NOT_DETERMINED, PROVISIONAL or UNAUTHORIZED. Omitted: AUTHORIZED.
        background : {"AVAILABLE", "DENIED", "RESTRICTED"} or None, optional
            Whether the device refreshes apps in the background.
        device_metadata : dict, optional
            device_model, os_name, os_version, app_name, app_version and others.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        InvalidInputError
            A value is not one of those allowed. Nothing was sent.
        ApiError
            Klaviyo refused the request.

        Notes
        -----
        ``POST /api/push-tokens``, limited to 75/s and 750/m; scopes: profiles:write, push-tokens:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> with ka.demo(profiles=100, events=500) as client:
        ...     client.push_tokens.create(
        ...         token="t-1", platform="ios", vendor="apns", profile="ann@shop.example"
        ...     )
        """
        one_of(platform, "platform", get_args(Platform))
        one_of(vendor, "vendor", get_args(Vendor))
        if enablement_status is not None:
            one_of(enablement_status, "enablement_status", get_args(Enablement))
        if background is not None:
            one_of(background, "background", get_args(Background))
        given = {
            "token": token,
            "platform": platform,
            "vendor": vendor,
            "profile": {"data": profile_resource(profile)},
            "enablement_status": enablement_status,
            "background": background,
            "device_metadata": device_metadata,
        }
        return self._create("create_push_token", given, dry_run=dry_run)


class Conversations(Resource):
    """Conversations with customers; `profiles.conversations` lists those of one person.

    The API sends messages and does not show those that were exchanged.
    """

    @serves("create_conversation_message")
    def send_message(
        self,
        conversation: Id,
        /,
        body: str,
        *,
        message_hierarchy: Sequence[Mapping[str, Any]] = UNSET,
        confirm: bool = False,
        dry_run: bool = False,
    ) -> pd.DataFrame | Any:
        """Send a message to the customer of a conversation; only some accounts may.

        Parameters
        ----------
        conversation : str or pandas.Series
            Id or row of the conversation.
        body : str
            The text.
        message_hierarchy : list of dict, optional
            Richer forms (RCS, SMS with media) that are tried first, as the API documents them.
        confirm : bool
            Must be True to send: it reaches a person at once, and cannot be undone.
        dry_run : bool
            True returns the request as a DataFrame and sends nothing.

        Raises
        ------
        ConfirmationRequiredError
            `confirm` is not True. Nothing was sent.
        InvalidInputError
            The text is empty. Nothing was sent.
        InvalidQueryError
            The client's revision has no conversations.

        Notes
        -----
        ``POST /api/conversation-messages``, limited to 3/s and 60/m; scopes: conversations:write.

        Examples
        --------
        >>> import klaviyo_analytics as ka
        >>> client = ka.connect(api_key="pk_0123456789", revision="2026-07-15")
        >>> client.conversations.send_message("C1", "It is on its way.", dry_run=True)["path"].item()
        '/api/conversation-messages'
        """
        if not isinstance(body, str) or not body.strip():
            raise InvalidInputError(f"body={body!r} is not a message. Pass the text to send.")
        id = checked_id(conversation, "conversation")
        data = resource(
            self._endpoint("create_conversation_message"),
            {"body": body, "message_hierarchy": message_hierarchy, "conversation": id},
        )
        if not dry_run:
            confirmed(
                confirm, f"This sends a message to the customer of conversation {id}; it cannot be undone."
            )
        return write(self._context, "create_conversation_message", {}, {"data": data}, dry_run=dry_run)
