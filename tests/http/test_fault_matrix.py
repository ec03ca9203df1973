"""The fault matrix is what the documentation says, and no cell is a hang, a loss, a repetition or a foreign error."""

from __future__ import annotations

import re

import pytest

from tests.http.fault_matrix import CALLS, FAULTS, HOME, outcome

WRITTEN = {
    row[0]: row[1:]
    for line in HOME.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
    and len(row := [cell.strip() for cell in line.strip("|").split("|")]) == len(CALLS) + 1
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_cell_is_as_written(call: str, fault: str) -> None:
    once, always = WRITTEN[fault][list(CALLS).index(call)].split(" / ")
    if call == "append to rows":  # several requests at once: which row meets the fault differs
        words = {"per", "row:", "created", "updated", "unconfirmed", "failed", "not", "sent"}
        for times in (1, 10_000):
            found = outcome(call, fault, times=times)
            assert set(re.sub(r"[\d,]", " ", found).split()) <= words
            assert sum(map(int, re.findall(r"\d+", found))) == 3
        return
    assert outcome(call, fault, times=1) == once
    assert outcome(call, fault, times=10_000) == always


def test_the_table_is_whole_and_has_no_bad_word() -> None:
    assert set(WRITTEN) == {"fault", *FAULTS}
    cells = " ".join(cell for fault in FAULTS for cell in WRITTEN[fault])
    assert not re.search("foreign|hang|lost|twice", cells)
