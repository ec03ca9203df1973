"""From checked and encoded rows to a plan: cut into as few requests as there can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from klaviyo_analytics.writeback import journals
from klaviyo_analytics.writeback._account import Account
from klaviyo_analytics.writeback.checks import printable
from klaviyo_analytics.writeback.plan import Plan


def drafted(
    action: str,
    account: Account,
    frame: pd.DataFrame,
    *,
    keys: Sequence[str],
    records: Sequence[bytes | None],
    kinds: Mapping[str, Iterable[int]],
    options: Mapping[str, Any],
    problems: Mapping[int, str],
    left_out: Mapping[int, tuple[str, str]] | None = None,
    notes: Mapping[int, str] | None = None,
    confirm: Sequence[str] = (),
    counts: Mapping[str, int] | None = None,
    unused: Sequence[str] = (),
) -> Plan:
    """Make a plan of rows: `records` holds None for those that are not sent, `kinds` says which go how."""
    batches: list[tuple[str, Sequence[int]]] = []
    for kind, positions in kinds.items():
        held = [(at, record) for at in positions if (record := records[at]) is not None]
        groups = journals.parts(kind, [at for at, _ in held], [record for _, record in held], options)
        batches += [(kind, group.tolist()) for group in groups]
    return Plan(
        action,
        account,
        frame.index,
        [printable(key) for key in keys],
        records,
        batches,
        options,
        problems,
        left_out or {},
        notes or {},
        confirm,
        counts or {},
        [*map(str, unused)],
    )
