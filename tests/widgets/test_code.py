"""The code that is taken along says what was clicked, whatever names an account has given to its things."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from klaviyo_analytics.widgets.queries import Name, call

texts = st.text() | st.text(alphabet="'\"\\n \n\u202e")


def made(*args: Any, **kwargs: Any) -> Any:
    return eval(call("made", *args, **kwargs), {"made": lambda *args, **kwargs: (args, kwargs)})


@given(texts)
@example('x"y')
@example('it\'s "so"')
@example('\\"')
@example("\ud800")
def test_a_text_is_written_so_that_it_is_read_again_as_it_is(text: str) -> None:
    assert made(text) == ((text,), {})


@given(
    st.recursive(texts | st.integers() | st.booleans(), lambda inner: st.lists(inner, max_size=3).map(tuple))
)
def test_so_are_pairs_lists_and_mappings(value: Any) -> None:
    assert made([value], of={"key": value}) == (([value],), {"of": {"key": value}})


@pytest.mark.parametrize(
    ("text", "written"), [("Placed Order", '"Placed Order"'), ('12" pan', r'"12\" pan"'), ("it's", '"it\'s"')]
)
def test_texts_stand_in_double_quotes_and_names_in_none(text: str, written: str) -> None:
    assert call("ask", text, Name("frame")) == f"ask({written}, frame)"
