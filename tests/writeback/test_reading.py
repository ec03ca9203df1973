"""Many keys in one filter, as many as an address holds."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.writeback.account import AT_ONCE, LONGEST, portions

KEYS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300), max_size=120)


@given(KEYS)
def test_every_key_is_asked_for_once_and_no_filter_is_too_long(keys: list[str]) -> None:
    parts = list(portions(keys))
    assert [key for part in parts for key in part] == list(dict.fromkeys(keys))
    for part in parts:
        written = ",".join(f'"{key}"' for key in part)
        assert 0 < len(part) <= AT_ONCE
        assert len(part) == 1 or len(quote(written, safe="")) <= LONGEST


def test_short_keys_go_fifty_at_once() -> None:
    assert [len(part) for part in portions(f"ann{n}@mail.example.net" for n in range(120))] == [50, 50, 20]


def test_long_keys_go_as_many_as_fit() -> None:
    assert [len(part) for part in portions("ö" * 200 + str(n) for n in range(12))] == [4, 4, 4]
