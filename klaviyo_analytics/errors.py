"""Every exception that this package raises, in one tree.

::

    KlaviyoError
    ├── ConfigurationError               no key, or an invalid argument of `connect`
    ├── MissingExtraError                a feature needs an optional dependency          (ImportError)
    ├── InvalidInputError                refused before any request was sent             (ValueError)
    │   ├── ArgumentError                a keyword that a function does not know          (TypeError)
    │   ├── InvalidQueryError            a filter, sort, field, ... the endpoint does not allow
    │   ├── FrameError                   a DataFrame lacks a column or mixes what cannot be mixed
    │   ├── NotAdditiveError             a sum of unique counts or rates
    │   └── ConfirmationRequiredError    reaches people or destroys data without confirm=True
    ├── LookupFailedError                `find` matched nothing, or several                      (LookupError)
    │   ├── NoMatchError
    │   └── AmbiguousMatchError
    ├── WriteFailedError                 some rows of a write were not written
    ├── QuotaExhaustedError              a documented daily quota is used up
    ├── TransportError                   no usable answer arrived
    │   ├── ConnectionFailedError                                                        (ConnectionError)
    │   ├── RequestTimeoutError                                                          (TimeoutError)
    │   ├── MalformedResponseError       not what the API documents
    │   │   └── ResponseTooLargeError    a body over the size limit
    │   └── PaginationError              the same page again and again
    └── ApiError                         the server answered with an error status
        ├── ValidationError              400, 405, 409 apart, 410, 413, 415, 422
        ├── AuthenticationError          401
        ├── PermissionDeniedError        403                                             (PermissionError)
        ├── NotFoundError                404                                             (LookupError)
        ├── ConflictError                409
        ├── RateLimitError               429
        ├── ServerError                  5xx
        └── GatewayError                 the gateway's own error, not Klaviyo's

No exception carries a key or a request's headers, and `requests`' own exceptions never get out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class KlaviyoError(Exception):
    """Base of everything that this package raises."""

    def __reduce__(self) -> tuple[Any, ...]:
        # the default would lose keyword arguments when an error is pickled for another process
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[KlaviyoError], args: tuple[Any, ...], state: dict[str, Any]) -> KlaviyoError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(KlaviyoError):
    """The client cannot be built from its arguments."""


class MissingExtraError(KlaviyoError, ImportError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an extra: pip install 'klaviyo-analytics[{extra}]' "
            f'(in a clone of the repository: pip install -e ".[{extra}]")'
        )


class InvalidInputError(KlaviyoError, ValueError):
    """An argument is wrong; no request was sent."""


class ArgumentError(InvalidInputError, TypeError):
    """A call does not fit the function's signature: a keyword is unknown, or one is missing."""


class InvalidQueryError(InvalidInputError):
    """The endpoint does not allow this query; no request was sent."""


class FrameError(InvalidInputError):
    """A DataFrame lacks a column, or has values that a function cannot use."""


class NotAdditiveError(InvalidInputError):
    """The requested numbers cannot be added up."""


class ConfirmationRequiredError(InvalidInputError):
    """The call reaches people or destroys data and was made without `confirm=True`."""


class LookupFailedError(KlaviyoError, LookupError):
    """`find` did not match exactly one resource."""


class NoMatchError(LookupFailedError):
    """No resource matches."""


class AmbiguousMatchError(LookupFailedError):
    """Several resources match."""


class WriteFailedError(KlaviyoError):
    """Some rows of a write were not written.

    Attributes
    ----------
    failures : pandas.DataFrame
        One row for each failed row, with the reason.
    """

    def __init__(self, message: str, failures: Any = None) -> None:
        super().__init__(message)
        self.failures = failures


class QuotaExhaustedError(KlaviyoError):
    """A documented quota is used up, and the wait would be too long; no request was sent."""


class TransportError(KlaviyoError):
    """No usable response arrived."""


class ConnectionFailedError(TransportError, ConnectionError):
    """The connection could not be made, or broke before the answer was whole."""


class RequestTimeoutError(TransportError, TimeoutError):
    """The server took longer than the timeout."""


class MalformedResponseError(TransportError):
    """The response is not what the API documents: not JSON, a redirect, or another shape."""


class ResponseTooLargeError(MalformedResponseError):
    """The body is longer than `max_response_bytes` of `connect` allows, after decompression."""


class PaginationError(TransportError):
    """Following the next links would never end, or would cut rows off."""


class ApiError(KlaviyoError):
    """The server answered with an error status.

    Attributes
    ----------
    status : int
        HTTP status.
    code, title, detail : str or None
        Of the first JSON:API error; None where the body has none.
    pointer, parameter : str or None
        What in the body, or which query parameter, was at fault.
    errors : tuple of mapping
        All JSON:API errors of the answer.
    request_id : str or None
        Quote it when you contact Klaviyo's support.
    method, path : str
        The request, without its query.
    retry_after : float or None
        Seconds to wait before the next request, from the header Retry-After.
    """

    def __init__(
        self,
        status: int,
        *,
        method: str,
        path: str,
        errors: Sequence[Mapping[str, Any]] = (),
        message: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        first = errors[0] if errors else {}
        source = first.get("source")
        source = source if isinstance(source, Mapping) else {}
        self.status = status
        self.method = method
        self.path = path
        self.errors = tuple(errors)
        self.code = _text(first.get("code"))
        self.title = _text(first.get("title"))
        self.detail = _text(first.get("detail")) or message
        self.pointer = _text(source.get("pointer"))
        self.parameter = _text(source.get("parameter"))
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        said = [(self.detail or self.title or "no explanation was given").rstrip(".")]
        if where := self.parameter or self.pointer:
            said.append(f"at {where}")
        if len(self.errors) > 1:
            said.append(f"and {len(self.errors) - 1} more in .errors")
        if self.retry_after is not None:
            said.append(f"come back in {self.retry_after:g} s")
        if self.request_id:
            said.append(f"request id {self.request_id}")
        code = f" {self.code}" if self.code else ""
        return f"{self.status}{code} from {self.method} {self.path}: {'; '.join(said)}"


def _text(value: Any) -> str | None:
    # a server may send any JSON type here
    return value if isinstance(value, str) and value else None


class ValidationError(ApiError):
    """400 and the other statuses for a request that is wrong."""


class AuthenticationError(ApiError):
    """401: the key is missing, wrong or revoked."""


class PermissionDeniedError(ApiError, PermissionError):
    """403: the key lacks a scope, or the account lacks the feature."""


class NotFoundError(ApiError, LookupError):
    """404: no resource has this id or path."""

    def _sentence(self) -> str:
        by_id = self.path.count("/") > 2  # /api/lists/{id}
        return super()._sentence() + (
            ". If you passed a name, look up its id with find(name=...)" if by_id else ""
        )


class ConflictError(ApiError):
    """409: it exists already; see `duplicate_id`."""

    @property
    def duplicate_id(self) -> str | None:
        """Id of the existing resource, or None if the response does not state it."""
        meta = self.errors[0].get("meta") if self.errors else None
        return _text(meta.get("duplicate_profile_id")) if isinstance(meta, Mapping) else None


class RateLimitError(ApiError):
    """429, for longer than the client waits."""


class ServerError(ApiError):
    """5xx, also after the retries."""


class GatewayError(ApiError):
    """The gateway's own error, before or instead of Klaviyo's answer."""
