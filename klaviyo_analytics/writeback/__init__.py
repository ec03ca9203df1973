"""From a frame to the account: plan, journal, result.

Each family of writes makes a plan of a frame (`profiles`, `consent`, `events`, `members`, `catalogs`): every column
becomes an attribute (`columns`), every value JSON (`encode`), every row is checked (`checks`), and the rows are cut
into few requests (`plan`, `journal`). Applying a plan records everything in a journal, sends it and follows jobs
(`run`), and returns the outcome of every row (`result`), which can be read back (`verification`). How the types of
writes differ is declared in `write_types`.
"""

from __future__ import annotations

from pathlib import Path

from klaviyo_analytics.writeback import journal as _journal
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.plan import Plan
from klaviyo_analytics.writeback.result import Result, finish
from klaviyo_analytics.writeback.run import PATIENCE, checked_timeout

__all__ = ["Plan", "Result", "resume"]


def resume(
    account: Account, journal: str | Path, *, keep_journal: bool = False, timeout: float = PATIENCE
) -> Result:
    """Continue a journal where it stopped; `timeout` is in seconds, for each job."""
    seconds = checked_timeout(timeout)
    return finish(_journal.reopen(journal, account), account, keep=keep_journal, timeout=seconds)
