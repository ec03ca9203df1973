"""Product reviews."""

from __future__ import annotations

from typing import Any, Literal, get_args

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._base import resource, serves, write
from klaviyo_analytics.resources._generated.shop import ReviewMethods

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
