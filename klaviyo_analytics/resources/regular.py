"""Sign-up forms and the versions that are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import UNSET, resource, serves, write
from klaviyo_analytics.resources._generated.account import (
    TagGroupMethods,
    TagMethods,
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
from klaviyo_analytics.resources._generated.people import SegmentMethods
from klaviyo_analytics.resources._generated.shop import ReviewMethods
from klaviyo_analytics.resources.lists import TagFrames


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
    ) -> Any:
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
        review: Any,
        /,
        status: Status,
        *,
        reason: Reason | None = None,
        explanation: str | None = None,
        dry_run: bool = False,
    ) -> Any:
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
