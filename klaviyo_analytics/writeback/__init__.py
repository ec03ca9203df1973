"""From a frame to the account: plan, journal, result.

A plan is made of a frame (`plans/`): each column goes somewhere (`targets`), JSON carries each value (`encode`),
each row has to be right (`checks`), and all of it is cut into few requests (`drafting`, `batches`).
Applying notes everything in a journal (`journal`), sends it (`apply`), follows jobs (`jobs`), and tells what became
of every row (`result`). What kinds of writes differ in is declared in `kinds/`.
"""

from __future__ import annotations

from pathlib import Path

from klaviyo_analytics.writeback import journal as _journal
from klaviyo_analytics.writeback.account import Account
from klaviyo_analytics.writeback.plan import Plan
from klaviyo_analytics.writeback.result import Result, finish

__all__ = ["Plan", "Result", "resume"]


def resume(account: Account, journal: str | Path, *, keep_journal: bool = False) -> Result:
    """Go on with a journal where it stopped."""
    return finish(_journal.reopen(journal, account), account, keep=keep_journal)
