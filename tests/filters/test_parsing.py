"""Raw filter expressions: read as they were written, or refused with a place and a reason."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.errors import InvalidQueryError
from klaviyo_analytics.filters import OPERATORS, Condition, F, Filter, literal, parse


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("has(profile)", [("has", "profile", None)]),
        (" equals( a , 'x' ) ", [("equals", "a", "'x'")]),
        ("equals(a,1),equals(b,null)", [("equals", "a", "1"), ("equals", "b", "null")]),
        ("and(and(equals(a,1)),has(b))", [("equals", "a", "1"), ("has", "b", None)]),
        ('any(id,["a", "b"])', [("any", "id", '["a","b"]')]),
        (r'equals(a,"x\"),equals(b,\"y")', [("equals", "a", r'"x\"),equals(b,\"y"')]),
        ("less-than(created,2026-01-01T00:00:00+00:00)",
         [("less-than", "created", "2026-01-01T00:00:00+00:00")]),
        ('equals(Campaign Name,"a\nb")', [("equals", "Campaign Name", '"a\nb"')]),
        ("equals($flow,-1.5e3)", [("equals", "$flow", "-1.5e3")]),
    ],
)  # fmt: skip
def test_it_reads_what_the_guide_documents(text: str, conditions: list[tuple[str, str, Any]]) -> None:
    assert parse(text).conditions == tuple(Condition(*one) for one in conditions)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "too early"),
        ("equals(a,1", "too early"),
        ("equals(a", "too early"),
        ("equals", "too early"),
        ("equals(a,1))", "expected ','"),
        ("equals(a,1) equals(b,2)", "expected ','"),
        ('equals(a,1)"', "expected ','"),
        ('equals(a,"b)', "quote is not closed"),
        ("equals(a,))", "expected a value"),
        ("equals(a,[1,])", "expected a value"),
        ("equals(,1)", "expected a field"),
        ("has(()", "expected a field"),
        ("any(a,[])", "expected a value"),
        ("and()", "too early"),
        ("or(equals(a,1),equals(b,2))", "'or' is not an operator; the operators are and, equals"),
        ("not(equals(a,1))", "'not' is not an operator"),
        ("EQUALS(a,1)", "'EQUALS' is not an operator"),
    ],
)
def test_it_says_where_and_why_it_cannot_read(text: str, why: str) -> None:
    with pytest.raises(InvalidQueryError, match=re.escape(why)) as caught:
        parse(text)
    assert repr(text) in str(caught.value)
    assert "ka.F" in str(caught.value)


FIELDS = st.from_regex(r"[a-z_]{1,8}(\.[a-z]{1,5})?", fullmatch=True).filter(
    lambda name: not re.search(r"created|updated|datetime|timestamp|_at$", name)
)
SCALARS = (
    st.text()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
    | st.datetimes(timezones=st.just(dt.UTC))
)
VALUES = SCALARS | st.lists(SCALARS, min_size=1, max_size=4)


@given(st.lists(st.tuples(st.sampled_from(OPERATORS[:-1]), FIELDS, VALUES), min_size=1, max_size=4))
def test_what_is_built_is_read_again_as_it_was(parts: list[tuple[str, str, Any]]) -> None:
    built = Filter(tuple(Condition(operator, name, literal(value)) for operator, name, value in parts))
    assert parse(str(built)) == built


@given(st.text())
def test_quoted_text_is_unquoted_to_what_it_was(text: str) -> None:
    ((_, _, written),) = ((c.operator, c.field, c.literal) for c in parse(str(F.name == text)).conditions)
    assert written is not None
    assert written[0] == written[-1] == '"'
    assert re.sub(r"\\(.)", r"\1", written[1:-1], flags=re.DOTALL) == text


@given(st.text(alphabet="equalsandhas(),[]\"'\\ 12\n"))
def test_whatever_text_comes_it_is_read_or_refused(text: str) -> None:
    try:
        read = parse(text)
    except InvalidQueryError:
        return
    assert parse(str(read)) == read
