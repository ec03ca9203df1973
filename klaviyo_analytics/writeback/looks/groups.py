"""Who is on a list, and what carries a tag."""

from __future__ import annotations

from klaviyo_analytics.filters import F
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.compare import as_kept
from klaviyo_analytics.writeback.kinds import Options
from klaviyo_analytics.writeback.looks._look import Found, Left, Look
from klaviyo_analytics.writeback.reading import portions, records


def members(*, joined: bool) -> Look:
    """Make a look at a list: at those that were named by their address, else at everybody on it."""

    def look(account: Account, options: Options, left: Left) -> Found:
        queries: list[dict[str, str]] = [{}]
        if options["key"] == "email":
            emails = as_kept([key for key, _ in left.values()])
            queries = [{"filter": str(F.email.any(some))} for some in portions(emails)]
        there = {
            str(one["id"])
            for params in queries
            for one in records(account, "get_profile_ids_for_list", params, {"id": options["owner"]})
        }
        return _judged(left, there, belongs=joined, where="on the list")

    return look


def tagged(kind: str, *, tagged: bool) -> Look:
    """Make a look at what carries a tag."""
    operation = f"get_{kind.removesuffix('s')}_ids_for_tag"

    def look(account: Account, options: Options, left: Left) -> Found:
        there = {str(one["id"]) for one in records(account, operation, {}, {"id": options["owner"]})}
        return _judged(left, there, belongs=tagged, where="tagged")

    return look


def _judged(left: Left, there: set[str], *, belongs: bool, where: str) -> Found:
    wrong = f"it is {'not' if belongs else 'still'} {where} when it is read back"
    return {at: None if (record["id"] in there) is belongs else wrong for at, (_, record) in left.items()}
