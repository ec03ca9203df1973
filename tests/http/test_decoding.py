"""Long bodies of several readers are decoded in one thread, and few at a time."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics.http import json
from klaviyo_analytics.http.json import DECODED, LONG, Decoder, loads
from tests.sandbox.accounts import ANNA, DAY, NOW, PLACED, events, small_account
from tests.shops import open_shop

BODY = orjson.dumps({"rows": ["x" * 1000] * (LONG // 1000 + 1)})


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the threads that decoded a long body."""
    names: list[str] = []
    usual = json._decoded

    def recorded(body: bytes) -> Any:
        if len(body) >= LONG:
            names.append(threading.current_thread().name)
        return usual(body)

    monkeypatch.setattr(json, "_decoded", recorded)
    return names


def test_readers_have_their_long_bodies_decoded_in_one_thread(decoder: Decoder, decoding: list[str]) -> None:
    def read(_: int) -> Any:
        found = loads(BODY)
        decoder.done()
        return found

    with ThreadPoolExecutor(5) as pool:
        documents = list(pool.map(lambda one: decoder.reader(read, one), range(20)))
    assert documents == [orjson.loads(BODY)] * 20
    assert len(decoding) == 20
    assert len(set(decoding)) == 1


def test_a_body_waits_until_one_before_it_is_done(decoder: Decoder, decoding: list[str]) -> None:
    holding = [threading.Event() for _ in range(DECODED + 1)]
    go_on = threading.Event()

    def read(place: int) -> None:
        loads(BODY)
        holding[place].set()
        go_on.wait(10)

    with ThreadPoolExecutor(DECODED + 1) as pool:
        first = [pool.submit(decoder.reader, read, place) for place in range(DECODED)]
        assert all(event.wait(10) for event in holding[:DECODED])
        last = pool.submit(decoder.reader, read, DECODED)
        assert not holding[DECODED].wait(0.05)
        assert len(decoding) == DECODED
        go_on.set()  # a reader that ends is done with its body
        for future in (*first, last):
            future.result(timeout=10)
    assert len(decoding) == DECODED + 1


def test_a_body_that_is_not_json_keeps_no_place(decoder: Decoder) -> None:
    def read() -> None:
        for _ in range(DECODED + 1):
            with pytest.raises(ValueError, match=r"."):
                loads(b"<" * LONG)

    with ThreadPoolExecutor(DECODED) as pool:
        for future in [pool.submit(decoder.reader, read) for _ in range(DECODED + 1)]:
            future.result(timeout=10)


def test_after_its_end_bodies_are_decoded_where_they_are_read(decoder: Decoder, decoding: list[str]) -> None:
    decoder.close()
    assert decoder.reader(loads, BODY) == orjson.loads(BODY)
    assert decoding == [threading.current_thread().name]


def test_events_are_decoded_in_one_thread_and_only_while_they_are_read(decoding: list[str]) -> None:
    text = {"note": "x" * 1000}
    log = events(
        [(int(NOW - 500 * DAY + number * DAY / 9), PLACED, ANNA, 1.0, text) for number in range(4000)]
    )
    with open_shop(account=small_account(log)) as shop:
        frame = shop.client.events.list(page_size=200, workers=4, properties="text")
        assert frame["id"].nunique() == len(frame) == 4000
        assert set(map(len, frame["event_properties"])) == {len(frame["event_properties"].iloc[0])}
        first, *others = decoding
        assert first == threading.current_thread().name  # it is read alone, and measured
        assert len(others) > 15
        assert len(set(others)) == 1
        decoding.clear()
        shop.client.events.list(page_size=200, limit=200)
        assert decoding == [threading.current_thread().name]


PARTS = st.lists(
    st.tuples(
        st.sampled_from(["{}", "-{}", "{}.5", "{}e3", '"{}"', '"a{}"', '",{},"', '"-{}"']),
        st.sampled_from([1, 5, 18, 19, 20, 21, 25, 40, 100]),
    ),
    min_size=1,
    max_size=12,
)


@given(
    PARTS,
    st.sampled_from(["0", "7"]),
    st.sampled_from([", ", ",", ",\n\t"]),
    st.sampled_from([7, 64, 1 << 16]),
)
def test_whole_numbers_are_exact_wherever_they_stand(
    parts: list[tuple[str, int]], digit: str, between: str, piece: int
) -> None:
    """Also at the edge of a piece that is searched, after runs of digits in texts, and with a sign."""
    values = [form.format("1" + digit * (length - 1)) for form, length in parts]
    body = f"[{between.join(values)}]".encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json, "_PIECE", piece)
        found = loads(body)
    assert found == [ast.literal_eval(value) for value in values]
    assert [type(one) for one in found] == [type(ast.literal_eval(value)) for value in values]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json, "_PIECE", piece)
        for blank in ("", " ", "\n"):
            members = between.join(f'"a{place}":{blank}{value}' for place, value in enumerate(values))
            assert [*loads(f"{{{members}}}".encode()).values()] == found
            assert loads(f'[[{blank}{values[0]}],{{"a":{blank}{values[-1]}}}]'.encode()) == [
                found[:1],
                {"a": found[-1]},
            ]
