"""Canaries: a key, an address, a phone number and a session link that must turn up nowhere."""

from __future__ import annotations

import copy
import io
import logging
import os
import pickle
import traceback
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

import klaviyo_analytics as ka
from klaviyo_analytics import credentials
from klaviyo_analytics._secret import Secret, hidden
from klaviyo_analytics.errors import ConfigurationError, KlaviyoError
from klaviyo_analytics.http.retry import RetryPolicy
from klaviyo_analytics.http.session import Transport, redact
from klaviyo_analytics.quota.cache import Cache
from tests.http.clocks import Clock
from tests.http.scripted_server import Answer, ScriptedServer, error
from tests.shops import Shop, open_shop

KEY = "canary-key-0123456789abcdef"
PRIVATE = "pk_canary0123456789abcdef"
PEOPLE = ("zelda.canary", "canary+tag", "15550001111", "Canaryname")
STATUSES = (400, 401, 403, 404, 409, 410, 422, 429, 500, 503)
Show = Callable[[BaseException], str]


def with_locals(problem: BaseException) -> str:
    lines = traceback.TracebackException(
        type(problem), problem, ours(problem.__traceback__), capture_locals=True
    ).format()
    return "".join(lines)


def rich(problem: BaseException) -> str:
    console = pytest.importorskip("rich.console").Console(file=io.StringIO(), width=200)
    shown = pytest.importorskip("rich.traceback").Traceback.from_exception(
        type(problem), problem, ours(problem.__traceback__), show_locals=True, locals_max_string=None
    )
    console.print(shown)
    return str(console.file.getvalue())


def ipython(problem: BaseException) -> str:
    ultratb = pytest.importorskip("IPython.core.ultratb")
    try:
        verbose = ultratb.VerboseTB(theme_name="nocolor", include_vars=True)
    except TypeError:
        verbose = ultratb.VerboseTB(color_scheme="NoColor", include_vars=True)
    return str(verbose.text(type(problem), problem, ours(problem.__traceback__)))


def ours(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of this file, which hold the canaries on purpose."""
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


SHOWS = {"capture_locals": with_locals, "rich": rich, "ipython": ipython}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATON_API_KEY", KEY)


def client(url: str) -> ka.KlaviyoClient:
    made = ka.connect(base_url=f"{url}/klaviyo", progress=False)
    clock = Clock()
    made._api.transport._sleep, made._api.transport._clock = clock.sleep, clock
    made._api.transport.retry = RetryPolicy(attempts=2)
    return made


@pytest.mark.parametrize("show", SHOWS.values(), ids=SHOWS)
class TestTracebacks:
    @pytest.mark.parametrize("status", STATUSES)
    def test_of_an_error_status(self, show: Show, status: int) -> None:
        with (
            ScriptedServer(error(status, detail=f"The key {KEY} is wrong.")) as server,
            client(server.url) as made,
        ):
            with pytest.raises(KlaviyoError) as caught:
                made.profiles.list(limit=1)
            shown = show(caught.value)
        assert "profiles" in shown
        assert KEY not in shown
        assert KEY not in repr(pickle.dumps(caught.value))

    @pytest.mark.parametrize("answer", [Answer(silent=True), Answer(sent=4), Answer(body=b"{")])
    def test_of_a_broken_answer(self, show: Show, answer: Answer) -> None:
        with ScriptedServer(answer) as server, client(server.url) as made:
            with pytest.raises(KlaviyoError) as caught:
                made.lists.list()
            assert KEY not in show(caught.value)

    @pytest.mark.parametrize("place", ["urllib3.connection.HTTPConnection.request", "socket.socket.sendall"])
    def test_of_ctrl_c_inside_a_request(
        self, show: Show, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        with client("http://127.0.0.1:9") as made, ScriptedServer() as server:
            made._api.transport.base_url = f"{server.url}/klaviyo"
            monkeypatch.setattr(place, interrupted)
            with pytest.raises(KeyboardInterrupt) as caught:
                made.lists.list()
            monkeypatch.undo()
        shown = show(caught.value)
        assert "_attempt" in shown
        assert KEY not in shown

    @pytest.mark.parametrize(
        "connect",
        [
            lambda: ka.connect(api_key=f"{KEY} with a space"),
            lambda: ka.connect(api_key=f"'{KEY}'"),
            lambda: ka.connect(api_key=KEY.encode()),  # type: ignore[arg-type]
            lambda: ka.connect(api_key=KEY, base_url="https://a.klaviyo.com"),
            lambda: ka.connect(api_key=PRIVATE, base_url="https://x.example/klaviyo"),
            lambda: ka.connect(api_key=KEY, base_url="nowhere"),
            lambda: ka.connect(api_key=KEY, timeout=-1),
            lambda: ka.connect(api_key=KEY, revision="x"),
            lambda: ka.connect(base_url="https://a.klaviyo.com"),
            lambda: ka.connect(base_url="nowhere"),
            lambda: ka.Connections(api_key=PRIVATE),
            lambda: ka.Connections(api_key=f"{KEY} "[::-1] + "\n", base_url="nowhere"),
        ],
    )
    def test_of_wrong_arguments(self, show: Show, connect: Callable[[], Any]) -> None:
        with pytest.raises(KlaviyoError) as caught:
            connect()
        shown = show(caught.value)
        assert not any(key in shown for key in (KEY, PRIVATE, KEY[::-1]))


class TestSecret:
    def test_it_does_not_print_compare_pickle_or_iterate(self) -> None:
        secret = Secret(KEY)
        shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", repr(dir(secret)), repr([secret])]
        assert not any(KEY in text for text in shown)
        assert secret != Secret(KEY)
        with pytest.raises(TypeError):
            iter(secret)  # type: ignore[call-overload]
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(ConfigurationError, match="cannot be pickled"):
                pickle.dumps(secret, protocol)
        assert copy.deepcopy(secret) is secret
        assert hidden(secret) is secret
        assert hidden(None) is None
        assert secret.reveal() == KEY

    def test_credentials_and_clients_keep_it_to_themselves(self) -> None:
        found = credentials.find(api_key=KEY)
        assert KEY not in f"{found} {asdict(found)} {replace(found, source='x')}"
        for thing in (found, ka.connect(), ka.Connections()):
            with pytest.raises(ConfigurationError, match="pickled"):
                pickle.dumps(thing)

    @pytest.mark.parametrize("kind", [ka.KlaviyoClient, ka.Connections, Transport, Cache])
    def test_an_object_whose_making_failed_can_be_shown(self, kind: Any) -> None:
        assert "not" in repr(kind.__new__(kind))

    def test_the_environment_is_not_a_local_variable(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            ka.connect(base_url="https://a.klaviyo.com")
        assert os.environ["MATON_API_KEY"] == KEY
        assert KEY not in with_locals(caught.value)


@pytest.fixture
def debug_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


@pytest.mark.parametrize("status", [400, 403, 500, 502])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f'{{"message": "The key {KEY} is wrong"}}', "application/json"),
        (f'{{"error": {{"message": "Bearer {KEY}"}}}}', "application/json"),
        (f"<html><title>{KEY}</title></html>", "text/html"),
        (f"no access for {KEY}", "text/plain"),
    ],
)
def test_an_error_that_repeats_the_key_in_any_body_is_masked(status: int, body: str, kind: str) -> None:
    answer = Answer(status, body.encode(), {"Content-Type": kind})
    with ScriptedServer(answer) as server, client(server.url) as made:
        for call in (made.lists.list, lambda: made.tags.create(name="x")):
            with pytest.raises(KlaviyoError) as caught:
                call()
            assert KEY not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
            assert KEY not in with_locals(caught.value)


def test_our_logs_name_nobody_at_any_level(debug_log: pytest.LogCaptureFixture) -> None:
    wanted = [
        ka.F.email == "zelda.canary@example.com",
        ka.F.email.any(["canary+tag@example.com"]),
        ka.F.phone_number == "+15550001111",
    ]
    with ScriptedServer(error(503), Answer()) as server, client(server.url) as made:
        for each in wanted:
            made.profiles.list(filter=each)
        made.request("GET", "/api/profiles?filter=equals(last_name,%22Canaryname%22)")
        made.request("GET", "/api/x/zelda.canary@example.com")
    lines = [one.getMessage() for one in debug_log.records if one.name.startswith("klaviyo_analytics")]
    assert len(lines) >= len(wanted) + 2
    assert not any(canary in line for line in lines for canary in (*PEOPLE, KEY))


def test_one_call_quiets_the_http_library(debug_log: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("urllib3")
    before = logger.level
    try:
        ka.quiet_http_logs()
        with ScriptedServer() as server, client(server.url) as made:
            made.profiles.list(filter=ka.F.email == "zelda.canary@example.com")
        assert not any("canary" in one.getMessage() for one in debug_log.records)
    finally:
        logger.setLevel(before)


@pytest.mark.parametrize(
    "text",
    [
        "a@b.example", "canary+tag@example.com", "canary%2Btag%40example.com",
        "filter=equals(email,%22canary%2Btag%40x.org%22)",
        "canary%2Etag%40x.org", "o'canary@x.org", "key=canary", "+15550001111", "%2B15550001111", "pk_canary_1",
    ],
)  # fmt: skip
def test_masks_leave_nothing_of_an_address(text: str) -> None:
    assert not any(part in redact(text) for part in ("canary", "tag", "15550001111", "a@b"))


PERSON: dict[str, Any] = {
    "email": "zelda.canary@mail.example.net",
    "phone_number": "+15550001111",
    "first_name": "Canaryname",
    "last_name": "Canarysurname",
}
MAY_NAME_PEOPLE = (
    "exports",
    "archive",
    "frames",
)  # what is asked for by name, and says so (README, "Keys and people")


@pytest.fixture(scope="module")
def journeys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Shop, list[str]]]:
    """Everything that a reader keeps: exports, an archive, documents, frames, answers, and every line of the log."""
    pytest.importorskip("deltalake")
    folder = tmp_path_factory.mktemp("journeys")
    lines = Lines()
    logger = logging.getLogger("klaviyo_analytics")
    level = logger.level
    with pytest.MonkeyPatch.context() as patch, open_shop(profiles=60, events=2_000) as shop:
        patch.setenv("KLAVIYO_ANALYTICS_HOME", str(folder / "home"))
        logger.addHandler(lines)
        logger.setLevel(logging.DEBUG)
        try:
            keep_everything(shop.client, folder)
            with ka.connect(
                api_key=shop.sandbox.maton_key,
                base_url=shop.sandbox.gateway_url,
                cache=folder / "home" / "cache.sqlite",
            ) as caching:
                caching._embed(now=lambda: shop.now, on_close=lambda: None)
                caching.flows.summary("last month")
        finally:
            logger.removeHandler(lines)
            logger.setLevel(level)
        yield folder, shop, lines.texts


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.__dict__}")


def keep_everything(client: ka.KlaviyoClient, folder: Path) -> None:
    """Go through what writes files, for an account in which the canary is a customer."""
    orders = client.events.list(metric=("Placed Order", "Shopify"), timeframe="last 90 days")
    client.profiles.update(orders["profile_id"].iloc[0], **PERSON)
    (folder / "exports").mkdir()
    for ending in ("csv", "jsonl", "parquet", "feather"):
        client.profiles.export(folder / "exports" / f"profiles.{ending}")
    archive = client.archive(folder / "archive")
    archive.sync()
    archive.snapshot("lists")
    archive.keep("campaign_values", timeframe="last month")
    client.flows.summary("last month")
    (folder / "frames").mkdir()
    frames = {
        "profiles": client.profiles.list(),
        "of the archive": archive.frame("profiles"),
        "one": client.profiles.find(email=PERSON["email"]),
    }
    for name, frame in frames.items():
        (folder / "frames" / name).write_bytes(pickle.dumps(frame))
    (folder / "summaries").mkdir()
    for name, summary in {
        "account": client.account_summary("last month"),
        "flows": archive.summary("flows", "last month"),
    }.items():
        (folder / "summaries" / name).write_bytes(pickle.dumps(summary))
    reports = folder / "reports"
    reports.mkdir()
    made = ka.report.performance(client, "last month")
    made.to_html(reports / "r.html")
    made.to_markdown(reports / "r.md")
    made.to_excel(reports / "r.xlsx")
    made.to_pdf(reports / "r.pdf")
    made.to_folder(reports / "folder")


def contents(file: Path) -> str:
    """The text of a file, unpacked."""
    held = file.read_bytes()
    parts = [str(file), held.decode("utf-8", "replace")]
    if file.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet").ParquetFile(file)
        parts += [str(parquet.read().to_pylist()), str(parquet.metadata.to_dict())]
    elif file.suffix == ".feather":
        table = pytest.importorskip("pyarrow.feather").read_table(file)
        parts += [str(table.to_pylist()), str(table.schema)]
    elif file.suffix == ".xlsx":
        with zipfile.ZipFile(file) as book:
            parts += [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
    elif file.suffix == ".pdf":
        read = pytest.importorskip("pypdf").PdfReader(file)
        parts += [*(page.extract_text() for page in read.pages), str(read.metadata)]
    return "\n".join(parts)


class TestWhatIsKept:
    """Files and logs of reading journeys; those of writes are in tests/writeback/test_canaries.py."""

    def test_no_file_and_no_line_of_the_log_holds_a_key_or_a_session(self, journeys: Any) -> None:
        folder, shop, lines = journeys
        keys = (shop.sandbox.api_key, shop.sandbox.maton_key, "session_token", "Authorization")
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert len(files) > 60
        assert [file for file in files if any(key in contents(file) for key in keys)] == []
        assert len(lines) > 50
        assert [line for line in lines if any(key in line for key in keys)] == []

    def test_people_are_only_in_what_is_made_to_hold_them(self, journeys: Any) -> None:
        folder, _, lines = journeys
        named = {
            file.relative_to(folder).parts[0]
            for file in folder.rglob("*")
            if file.is_file() and any(value in contents(file) for value in PERSON.values())
        }
        assert named == set(MAY_NAME_PEOPLE)
        assert [line for line in lines if any(value in line for value in PERSON.values())] == []

    def test_the_archives_log_and_its_kept_reports_name_nobody(self, journeys: Any) -> None:
        folder, _, _ = journeys
        logs = [file for file in folder.rglob("_delta_log/*") if file.is_file()]
        kept = [file for file in (folder / "archive" / "kept").rglob("*") if file.is_file()]
        assert logs
        assert kept
        assert [file for file in (*logs, *kept) if any(v in contents(file) for v in PERSON.values())] == []

    def test_the_text_of_a_pdf_is_read(self, journeys: Any) -> None:
        folder, shop, _ = journeys
        name = shop.client.account["contact_information.organization_name"]
        assert name in contents(folder / "reports" / "r.pdf")

    @pytest.mark.skipif(os.name == "nt", reason="modes mean little on Windows")
    def test_files_with_people_are_for_their_owner_only(self, journeys: Any) -> None:
        folder, _, _ = journeys
        archive, files = (
            folder / "archive",
            [*(folder / "exports").iterdir(), *(folder / "home").rglob("*.sqlite*")],
        )
        assert len(files) > 4
        assert [file for file in files if file.stat().st_mode & 0o077] == []
        folders = [archive, *(table for table in archive.iterdir() if table.is_dir())]
        assert len(folders) > 8
        assert [one for one in folders if one.stat().st_mode & 0o077] == []
