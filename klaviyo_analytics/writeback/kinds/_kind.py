"""What a kind of write has to declare; everything else is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from klaviyo_analytics._api import Api
from klaviyo_analytics.errors import ApiError

Options = Mapping[str, Any]
Json = Mapping[str, Any]
Status = Literal[
    "created", "updated",  # the API said which
    "written",             # the API said that it is done, and not which of the two
    "accepted",            # the API took it, and tells no more
    "unchanged",           # the account has it already; not sent
    "failed",              # refused, with the API's reason
    "not sent",            # for the reason given
    "unconfirmed",         # sent, or perhaps sent, and nothing tells what became of it
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """How to find a job whose answer was lost.

    Parameters
    ----------
    operation : str
        The endpoint that lists such jobs.
    contents : callable
        Gives the keys of some records of a finished job.
    order : dict, optional
        Parameters that list the newest first.
    """

    operation: str
    contents: Callable[[Api, str, Options], set[str]]
    order: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that a request starts.

    Parameters
    ----------
    get : str
        The endpoint that tells how far it is.
    errors : callable
        Gives what went wrong in a finished job.
    listing : Listing, optional
        How to find it again, where it is not simply asked for a second time.
    """

    get: str
    errors: Callable[[Api, str, Json], Iterator[Json]] = lambda _api, _job, _attributes: iter(())
    listing: Listing | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of write.

    Parameters
    ----------
    name : str
        How journals name it.
    operation : str
        The endpoint that takes it.
    most : int
        Rows in one request.
    body : callable
        Makes a request's body of encoded records.
    done : str
        What a row is when nothing is said against it.
    repeatable : bool
        Sending the same again does no harm, so that a lost answer is asked for again.
    job : Job, optional
        What is to be followed.
    ids : callable
        What stands in the path.
    at_once : int
        Requests in flight.
    told : dict
        What a status of HTTP says of a single row.
    seen : callable
        Tells a refusal that says: I have this already.
    shown : callable
        What a preview names of a record.
    """

    name: str
    operation: str
    most: int
    body: Callable[[Sequence[Any], Options], Any]
    done: Status
    repeatable: bool = True
    job: Job | None = None
    ids: Callable[[Options], Mapping[str, str]] = lambda _options: {}
    at_once: int = 4
    told: Mapping[int, Status] = field(default_factory=dict)
    seen: Callable[[ApiError], bool] = lambda _error: False
    shown: Callable[[Json], Json] = lambda record: record.get("attributes") or {}


def folded(key: object) -> str:
    """Write a key as it is compared: Klaviyo does not tell addresses apart by case."""
    return str(key).lower()
