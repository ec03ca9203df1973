"""A job whose answer was lost is told from others' by whose rows it holds."""

from __future__ import annotations

import pytest

from klaviyo_analytics.writeback.run import mostly

OURS = {f"ann{number}@mail.example.net" for number in range(100)}
OTHERS = {f"bob{number}@mail.example.net" for number in range(100)}


@pytest.mark.parametrize(
    ("held", "is_ours"),
    [
        pytest.param(OURS, True, id="all"),
        pytest.param(set(sorted(OURS)[:3]), True, id="some-of-ours"),
        pytest.param(OURS | set(sorted(OTHERS)[:20]), True, id="kept-under-other-names"),
        pytest.param(OTHERS | set(sorted(OURS)[:20]), False, id="somebody-elses-with-people-of-ours"),
        pytest.param(OTHERS, False, id="none"),
        pytest.param(set(), False, id="nothing-known"),
    ],
)
def test_a_job_is_ours_if_most_of_it_is(held: set[str], is_ours: bool) -> None:
    assert mostly(OURS, held) is is_ours
