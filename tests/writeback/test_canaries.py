"""A key, people and a session link that are planted over all kinds of writes turn up only where it is documented.

Documented are: what the caller gave and gets back (frames, plans, results and the messages about single rows), the
requests themselves, and journals, which hold the rows (README, "Keys and people"). A key belongs in none of them.
"""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import FrameError, KlaviyoError, WriteFailedError
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.writeback import Result
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, error
from tests.shops import Shop
from tests.test_canary import SHOWS

KEY = "canary-key-0123456789abcdef"
EMAIL, PHONE, NAME = "zelda.canary+tag@mail.example.net", "+15550001111", "Canaryname"
LINK = "https://connect.maton.ai/?session_token=canarysession0123"
PEOPLE = ("zelda.canary", "canary+tag", "15550001111", "Canaryname")
STATUSES = (400, 401, 403, 404, 409, 422, 429, 500)
FRAME = pd.DataFrame({"email": [EMAIL], "phone_number": [PHONE], "first_name": [NAME]})
CODES = pd.DataFrame({"unique_code": ["CODE1"], "coupon": ["TEN"]})
ITEMS = pd.DataFrame({"external_id": ["mug"], "name": ["Mug"]})
Act = Callable[[KlaviyoClient, Path], Any]

WRITES: dict[str, Act] = {
    "update": lambda client, _: client.profiles.update(
        "01ABC", email=EMAIL, first_name=NAME, phone_number=PHONE
    ),
    "upsert one": lambda client, _: client.profiles.upsert(email=EMAIL, first_name=NAME),
    "upsert a frame": lambda client, path: client.profiles.plan_upsert(FRAME).apply(journal=path),
    "append": lambda client, path: client.profiles.plan_upsert(
        FRAME.assign(tags=NAME), properties="rest", append="tags"
    ).apply(journal=path),
    "one event": lambda client, _: client.events.create(
        metric="Seen", profile={"email": EMAIL, "phone_number": PHONE}, properties={"name": NAME}
    ),
    "events": lambda client, path: client.events.plan_create(
        FRAME.assign(time="2026-01-02T03:04Z"), metric="Seen", columns={"first_name": "properties.name"}
    ).apply(journal=path),
    "subscribe one": lambda client, _: client.profiles.subscribe(
        {"email": EMAIL, "phone_number": PHONE}, channels=["email", "sms"], confirm=True
    ),
    "subscribe": lambda client, path: client.profiles.plan_subscribe(FRAME).apply(journal=path, confirm=True),
    "suppress": lambda client, path: client.profiles.plan_suppress(FRAME).apply(journal=path, confirm=True),
    "unsubscribe": lambda client, path: client.profiles.plan_unsubscribe(FRAME, globally=True).apply(
        journal=path, confirm=True
    ),
    "job": lambda client, _: client.bulk_jobs.submit("profile_import", FRAME.to_dict("records")),  # type: ignore[arg-type]
    "deletion": lambda client, _: client.profiles.request_deletion(email=EMAIL, confirm=True),
    "codes": lambda client, path: client.coupon_codes.plan_create(CODES).apply(journal=path),
    "catalog": lambda client, path: client.catalog_categories.plan_create(ITEMS).apply(journal=path),
}


@pytest.fixture
def debug_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def connected(url: str) -> KlaviyoClient:
    client = ka.connect(api_key=KEY, base_url=f"{url}/klaviyo", progress=True)
    clock = Clock()
    transport = client._api.transport
    transport._sleep, transport._clock, transport.retry = clock.sleep, clock, RetryPolicy(attempts=2)
    client._context.sleep, client._context.clock = clock.sleep, clock
    return client


def answer(status: int) -> Answer:
    return error(status, detail=f"The key {KEY} of the account may not do that.")


def check_logs(log: pytest.LogCaptureFixture) -> None:
    for one in log.records:
        if one.name.startswith("klaviyo_analytics"):
            shown = f"{one.getMessage()} {one.__dict__}"
            assert not any(canary in shown for canary in (*PEOPLE, KEY)), shown


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_is_refused(
    name: str, status: int, tmp_path: Path, debug_log: pytest.LogCaptureFixture
) -> None:
    path, caught, result = tmp_path / "rows.journal", None, None
    terminal = io.StringIO()
    with (
        ScriptedServer(answer(status)) as server,
        connected(server.url) as client,
        redirect_stdout(terminal),
        redirect_stderr(terminal),
    ):
        try:
            result = WRITES[name](client, path)
        except KlaviyoError as problem:
            caught = problem
        assert any(one.method in ("POST", "PATCH") for one in server.asked)
    held = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert not any(KEY.encode() in content for content in held.values())
    assert not any(canary in terminal.getvalue() for canary in (*PEOPLE, KEY))
    check_logs(debug_log)
    if isinstance(result, Result):
        shown = f"{result!r} {result._repr_html_()} {result.rows.to_csv()} {result.stopped}"
        assert KEY not in shown
        assert not any(canary in repr(result) for canary in PEOPLE)
        with pytest.raises(WriteFailedError) as failed:
            result.raise_for_failures()
        caught = failed.value
    assert caught is not None
    for show in SHOWS.values() if status == 403 else [SHOWS["capture_locals"]]:
        assert KEY not in show(caught)
    assert KEY not in "".join(traceback.format_exception(caught))
    with suppress(KlaviyoError, TypeError):
        assert KEY not in repr(pickle.dumps(caught))
    if not isinstance(caught, WriteFailedError):
        assert not any(canary in f"{caught!s} {caught!r}" for canary in PEOPLE)


@pytest.mark.parametrize("name", WRITES)
def test_a_plan_and_a_result_keep_the_key_to_themselves(name: str, shop: Shop, tmp_path: Path) -> None:
    key = shop.sandbox.api_key
    with suppress(KlaviyoError):  # what is not in this account is refused, which is another test's subject
        result = WRITES[name](shop.client, tmp_path / "rows.journal")
        assert key not in f"{result!r}"
        with pytest.raises((KlaviyoError, TypeError)):
            pickle.dumps({"held": result, "client": shop.client})
    assert not any(key.encode() in file.read_bytes() for file in tmp_path.iterdir())


def test_what_cannot_be_sent_names_rows_and_never_the_key(tmp_path: Path) -> None:
    frame = FRAME.assign(email="zelda.canary@nowhere")
    with connected("http://127.0.0.1:9") as client:
        plan = client.profiles.plan_upsert(frame)
        with pytest.raises(FrameError) as caught:
            plan.apply(journal=tmp_path / "rows.journal")
    for show in SHOWS.values():
        assert KEY not in show(caught.value)
    assert KEY not in f"{plan!r} {plan._repr_html_()} {plan.preview().to_csv()} {plan.summary()}"
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_in_the_middle_of_a_write_shows_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, debug_log: pytest.LogCaptureFixture
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with ScriptedServer() as server, connected(server.url) as client:
        plan = client.profiles.plan_upsert(FRAME)
        monkeypatch.setattr("socket.socket.sendall", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            plan.apply(journal=tmp_path / "rows.journal")
        monkeypatch.undo()
    for show in SHOWS.values():
        assert KEY not in show(caught.value)
    check_logs(debug_log)


@pytest.mark.parametrize("status", [400, 403])
def test_a_session_link_is_in_no_journal_log_or_result(
    status: int, tmp_path: Path, debug_log: pytest.LogCaptureFixture
) -> None:
    refusal = error(status, detail=f"Sign in at {LINK}", meta={"url": LINK})
    with ScriptedServer(refusal) as server, connected(server.url) as client:
        result = client.profiles.plan_upsert(FRAME).apply(journal=tmp_path / "rows.journal")
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"canarysession" not in held
    assert "canarysession" not in f"{result!r} {result.stopped} {result.rows.to_csv()}"
    check_logs(debug_log)
    assert not any("canarysession" in one.getMessage() for one in debug_log.records)


CONTROLS = "\x1b[2J\u202egnp\x9b\x07"


def test_what_a_terminal_would_obey_is_escaped_in_results_and_errors(tmp_path: Path) -> None:
    with (
        ScriptedServer(error(403, detail=f"No {CONTROLS}\nscope")) as server,
        connected(server.url) as client,
    ):
        result = client.profiles.plan_upsert(FRAME).apply(journal=tmp_path / "rows.journal")
        with pytest.raises(WriteFailedError) as failed:
            result.raise_for_failures()
        odd = pd.DataFrame({"external_id": [f"a{CONTROLS}", f"a{CONTROLS}"]})
        plan = client.profiles.plan_upsert(odd, key="external_id")
        with pytest.raises(FrameError) as refused:
            plan.apply()
        with pytest.raises(FrameError) as single:
            client.catalog_items.update(f"a{CONTROLS}:::b", price=1)
    shown = [repr(result), str(failed.value), repr(plan), str(refused.value), str(single.value)]
    for text in shown:
        assert not any(each in text for each in "\x1b\u202e\x9b\x07"), text
    assert "\\x1b[2J" in repr(result)
    assert "\n" not in repr(result)
    assert "\u202e" not in result._repr_html_().split("<table")[0]
