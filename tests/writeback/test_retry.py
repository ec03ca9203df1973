"""Going on with what was refused, lost or not reached: in one journal, that ends when all is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.errors import InvalidInputError, WriteFailedError
from klaviyo_analytics.writeback import Result, write_types
from klaviyo_analytics.writeback import result as result_module
from tests.shops import Shop

JOBS = "/api/profile-bulk-import-jobs"
ROWS = 30


@pytest.fixture(autouse=True)
def _small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        write_types.WRITE_TYPES, "profile import", replace(write_types.WRITE_TYPES["profile import"], most=10)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "first.journal"


def write(shop: Shop, name: str, path: Path) -> Result:
    emails = [f"{name}{number}@mail.example.net" for number in range(ROWS)]
    frame = pd.DataFrame({"email": emails, "arrivals": [[number] for number in range(ROWS)]})
    lists = shop.client.lists.list(limit=1)  # jobs, although so few rows would go one by one
    plan = shop.client.profiles.plan_upsert(frame, properties="rest", append="arrivals", lists=lists)
    return plan.apply(journal=path)


def refused(shop: Shop, name: str, path: Path) -> Result:
    shop.sandbox.faults.add(method="POST", path=JOBS, times=1, status=400)
    result = write(shop, name, path)
    assert (len(result.failures), result.journal) == (10, path)
    return result


def lost(shop: Shop, name: str, path: Path) -> Result:
    shop.sandbox.faults.add(path=f"{JOBS}*", times=None, drop="after")
    result = write(shop, name, path)
    shop.sandbox.faults.clear()
    assert "unconfirmed" in set(result.rows["status"])
    return result


def all_arrived_once(shop: Shop, name: str) -> bool:
    found = [each.attributes for each in shop.sandbox.account.records["profile"].values()]
    mine = [one["properties"]["arrivals"] for one in found if (one["email"] or "").startswith(name)]
    return sorted(mine) == [[number] for number in range(ROWS)]


def test_a_retry_that_writes_everything_leaves_no_journal(shop: Shop, path: Path) -> None:
    result = refused(shop, "again", path).retry()
    assert (result.rows["status"] == "written").all()
    assert result.rows[["code", "detail", "pointer"]].isna().all(axis=None)
    assert result.journal is None
    assert not list(path.parent.glob("*.journal*"))
    assert all_arrived_once(shop, "again")


def test_a_retry_that_is_refused_stays_in_the_first_journal(shop: Shop, path: Path) -> None:
    first = refused(shop, "twice", path)
    shop.sandbox.faults.add(method="POST", path=JOBS, times=1, status=422)
    second = first.retry()
    assert (len(second.failures), second.journal) == (10, path)
    pd.testing.assert_frame_equal(shop.client.resume(path).rows, second.rows)
    assert second.retry().failures.empty
    assert not path.exists()
    assert all_arrived_once(shop, "twice")


def test_a_crash_in_a_retry_loses_nothing(shop: Shop, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = refused(shop, "crash", path)

    def crash(journal: Any, *_: Any, **__: Any) -> Result:
        journal.close()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(result_module, "finish", crash)
        with pytest.raises(KeyboardInterrupt):
            first.retry()
    assert shop.client.resume(path).failures.empty
    assert all_arrived_once(shop, "crash")


def test_what_is_not_settled_names_the_way_on(shop: Shop, path: Path) -> None:
    result = lost(shop, "way", path)
    unsettled = len(result.failures)
    way = f"client.resume(result.journal) continues with {unsettled} rows not settled yet"
    assert repr(result).endswith(f"{way}>")
    with pytest.raises(WriteFailedError, match=r"not settled yet\.$"):
        result.raise_for_failures()


def test_a_retry_finds_out_about_lost_answers_and_goes_on(shop: Shop, path: Path) -> None:
    result = lost(shop, "found", path).retry()
    assert (result.rows["status"] == "written").all()
    assert not path.exists()
    assert all_arrived_once(shop, "found")


def test_a_write_has_one_journal(shop: Shop, path: Path) -> None:
    result = refused(shop, "one", path)
    with pytest.raises(InvalidInputError, match=r"retry\(\) continues with .*first\.journal"):
        result.retry(journal=path.with_name("second.journal"))
    result.retry()
    with pytest.raises(InvalidInputError, match="no journal has this name"):
        result.retry()  # all of it was written meanwhile


def test_a_retry_keeps_what_was_read_back(shop: Shop, path: Path) -> None:
    result = refused(shop, "seen", path)
    row = result.rows.index[result.rows["status"] == "written"][0]
    result.rows.loc[row, ["status", "detail"]] = ["unconfirmed", "it is not there when it is read back"]
    again = result.retry()
    assert again.failures.index.tolist() == [row]
    assert again.failures["detail"].item() == "it is not there when it is read back"


def test_a_server_that_fails_at_everything_ends_in_a_result(shop: Shop, path: Path) -> None:
    shop.sandbox.faults.add(path=f"{JOBS}*", times=None, status=500)
    result = write(shop, "broken", path)
    assert result.stopped is not None
    assert "500" in result.stopped
    assert set(result.rows["status"]) <= {"unconfirmed", "not sent"}
    assert result.rows["detail"].str.contains("500").all()
    assert result.journal == path
    shop.sandbox.faults.clear()
    assert shop.client.resume(result.journal).failures.empty
    assert all_arrived_once(shop, "broken")


@pytest.mark.parametrize("ends", [{"status": 401}, {"drop": "after"}], ids=["refused-key", "lost"])
def test_a_row_that_was_refused_is_failed_although_its_request_was_not_settled(
    shop: Shop, path: Path, ends: Any
) -> None:
    name = f"named{len(ends)}{next(iter(ends))}"
    errors = [{"code": "invalid", "detail": "No.", "source": {"pointer": "/data/attributes/profiles/data/3"}}]
    shop.sandbox.faults.add(method="POST", path=JOBS, times=1, status=400, body={"errors": errors})
    shop.sandbox.faults.add(path=f"{JOBS}*", times=None, **ends)
    result = write(shop, name, path)
    shop.sandbox.faults.clear()
    assert result.stopped
    failed = result.rows[result.rows["status"] == "failed"]
    assert failed["detail"].tolist() == ["No."]
    assert result.retry().failures.empty
    assert all_arrived_once(shop, name)
    assert not path.exists()
