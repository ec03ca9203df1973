"""Journals that were damaged, edited, or taken by another process: one clear error, and nothing is sent."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.writeback.journal import FORM, Journal
from tests.shops import Shop

EMAILS = [f"sealed{number}@mail.example.net" for number in range(3)]
JOBS = "/api/profile-bulk-import-jobs"


@pytest.fixture
def stopped(shop: Shop, tmp_path: Path) -> Path:
    """A journal of a write that was refused before anything was sent."""
    path = tmp_path / "stopped.journal"
    shop.sandbox.faults.add(method="POST", path=JOBS, times=1, status=403)
    shop.client.profiles.plan_upsert(
        pd.DataFrame({"email": EMAILS, "score": [1, 2, 3]}, index=["a", "b", "c"]), properties="rest"
    ).apply(journal=path)
    return path


def changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE facts SET value = CAST(replace(value, 'sealed1', 'sealed9') AS BLOB) WHERE name = 'keys'",
        "UPDATE facts SET value = CAST('{}' AS BLOB) WHERE name = 'options'",
        "UPDATE facts SET value = CAST('[]' AS BLOB) WHERE name = 'keys'",
        "UPDATE facts SET value = CAST('{\"0\": \"x\"}' AS BLOB) WHERE name = 'notes'",
        "UPDATE facts SET value = CAST('{' AS BLOB) WHERE name = 'index'",
        "DELETE FROM facts WHERE name = 'left_out'",
        "DELETE FROM facts WHERE name = 'seal'",
        "INSERT INTO facts VALUES ('more', CAST('1' AS BLOB))",
        "DELETE FROM batches",
        "INSERT INTO batches SELECT 1, kind, count, payload, state, since, refused, job, outcome, seal, progress "
        "FROM batches",
        "UPDATE batches SET payload = substr(payload, 1, length(payload) - 1)",
        "UPDATE batches SET count = 2",
        "UPDATE batches SET kind = 'profile upsert'",
        "UPDATE batches SET state = 'done'",
        "UPDATE batches SET job = 'J'",
        "UPDATE batches SET number = 4",
        "UPDATE batches SET outcome = CAST('{}' AS BLOB)",
        'UPDATE batches SET refused = CAST(\'{"1": ["failed"]}\' AS BLOB)',
        "UPDATE batches SET since = 5",
    ],
)
def test_a_changed_journal_is_refused_and_nothing_is_sent(shop: Shop, stopped: Path, statement: str) -> None:
    changed(stopped, statement)
    before = len(shop.sandbox.requests)
    with pytest.raises(
        InvalidInputError, match=r"damaged or changed .*checksum does not match.* Nothing was sent"
    ):
        shop.client.resume(stopped)
    assert not any(one.method == "POST" for one in list(shop.sandbox.requests)[before:])
    assert stopped.exists()


def test_a_journal_of_another_format_names_both_formats(shop: Shop, stopped: Path) -> None:
    changed(stopped, f"UPDATE facts SET value = CAST('{FORM + 1}' AS BLOB) WHERE name = 'form'")
    with pytest.raises(InvalidInputError, match=rf"journal format {FORM + 1}; this version reads {FORM}"):
        shop.client.resume(stopped)


def test_an_unchanged_journal_goes_on_over_several_resumes_and_retries(shop: Shop, stopped: Path) -> None:
    shop.sandbox.faults.add(method="POST", path=JOBS, times=1, status=403)
    first = shop.client.resume(stopped)
    assert len(first.failures) == 3
    again = first.retry()
    assert again.rows["status"].tolist() == ["written"] * 3
    assert not stopped.exists()


def test_of_two_processes_the_loser_is_told(shop: Shop, stopped: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from klaviyo_analytics.writeback.journal import Journal;"
        "journal = Journal.reopen(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(stopped)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as winner:
        assert winner.stdout is not None
        assert winner.stdout.readline() == "open\n"
        with pytest.raises(InvalidInputError, match=r"another process is working .* this one sent nothing"):
            shop.client.resume(stopped)
        winner.communicate("")
    assert shop.client.resume(stopped).failures.empty


def test_a_journal_that_another_process_finishes_meanwhile_does_not_come_back(
    shop: Shop, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def late(*args: object, **options: object) -> sqlite3.Connection:
        stopped.unlink()  # the winner deletes it after the loser has seen it
        return connect(*args, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", late)
    with pytest.raises(InvalidInputError, match="another process went on with this journal and finished it"):
        Journal.reopen(stopped)
    assert not stopped.exists()
