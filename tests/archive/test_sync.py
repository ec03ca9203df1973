"""What a sync reads, writes and reports."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable

import klaviyo_analytics as ka
from klaviyo_analytics.archive import Archive, store
from klaviyo_analytics.archive import sync as syncing
from klaviyo_analytics.errors import ConfigurationError, InvalidInputError, MissingExtraError
from klaviyo_analytics.http import cancellation
from klaviyo_analytics.resources._reading import Reading
from tests.archive.shops import add_event, changed, in_order, remove_events
from tests.shops import Shop, open_shop

DAY = 86_400


def row(report: pd.DataFrame, table: str) -> dict[str, Any]:
    found = report.set_index("table").loc[table]
    return {str(name): value for name, value in found.items()}


def same_as_the_account(archive: Archive, shop: Shop, *names: str) -> None:
    for name in names:
        wanted = getattr(shop.client, name).list()
        pd.testing.assert_frame_equal(in_order(archive.frame(name)), in_order(wanted))


def test_every_table_is_what_the_client_lists(kept: Archive, library: Shop) -> None:
    names = [name for name in kept.status()["table"] if not name.endswith("_messages")]
    assert len(names) == 16
    same_as_the_account(kept, library, *names)


def test_messages_belong_to_every_campaign_and_flow(kept: Archive, library: Shop) -> None:
    for parent in ("campaigns", "flows"):
        resource = getattr(library.client, parent)
        for id in resource.list()["id"].head(4):
            wanted = resource.messages(id)["id"].tolist()
            name = f"{parent[:-1]}_messages"
            found = kept.sql(f"select id from {name} where parent_id = ? order by id", [id])
            assert found["id"].tolist() == sorted(wanted)


def test_attribution_and_value_are_columns(kept: Archive, library: Shop) -> None:
    document = library.client.request(
        "GET", "/api/events", params={"include": "attributions", "page[size]": 1000, "sort": "datetime"}
    )
    credits = {one["id"]: one["relationships"] for one in document["included"]}
    assert len(credits) > 3
    rows = kept.sql(
        "select * from events where attributed_campaign_id is not null or attributed_flow_id is not null"
    )
    found = rows.set_index("id")
    for event in document["data"]:
        for link in event["relationships"]["attributions"]["data"]:
            related = credits[link["id"]]
            for name, column in (("campaign", "attributed_campaign_id"), ("flow", "attributed_flow_id")):
                wanted = (related.get(name, {}).get("data") or {}).get("id")
                value = found.loc[event["id"], column]
                assert (None if pd.isna(value) else value) == wanted
    values = kept.sql(
        "select value, event_properties ->> '$.\"$value\"' as told from events where value is not null"
    )
    assert len(values) > 50
    assert values["told"].astype(float).tolist() == values["value"].tolist()


def test_a_second_sync_reads_the_overlap_and_one_page_of_each_table(shop: Shop, tmp_path: Path) -> None:
    archive = shop.client.archive(tmp_path)
    archive.sync()
    asked = len(shop.sandbox.requests)
    report = archive.sync()
    events = row(report, "events")
    last = shop.client.events.list()["datetime"].max()
    again = shop.client.events.list(start=last - pd.Timedelta(days=3))
    assert (events["new"], events["changed"], events["removed"]) == (0, 0, 0)
    assert events["read_again"] == len(again)
    assert events["requests"] == 1
    assert "overlap of 3 days" in events["reason"]
    for name, pages in {
        "profiles": 1,
        "lists": 1,
        "campaigns": 3,
        "campaign_messages": 0,
        "flow_messages": 0,
    }.items():
        assert row(report, name)["requests"] == pages
    assert report["new"].sum() == report["changed"].sum() == 0
    assert len(shop.asked(asked)) >= report["requests"].sum()


def test_a_sync_with_nothing_new_commits_nothing(shop: Shop, tmp_path: Path) -> None:
    archive = shop.client.archive(tmp_path)
    archive.sync()
    before = archive.status()["version"].tolist()
    archive.sync()
    assert archive.status()["version"].tolist() == before


def test_late_and_new_events_and_a_changed_profile_come_with_the_next_sync(
    shop: Shop, tmp_path: Path
) -> None:
    archive = shop.client.archive(tmp_path)
    archive.sync(["events", "profiles"])
    add_event(shop, "late", seconds=DAY, note="late")
    add_event(shop, "new", seconds=-60, note="new")
    person = shop.client.profiles.list(limit=1).iloc[0]
    shop.client.profiles.update(person, first_name="Renamed")
    report = archive.sync(["events", "profiles"])
    assert row(report, "events")["new"] == 2
    assert row(report, "profiles")["changed"] == 1
    same_as_the_account(archive, shop, "events", "profiles")


def test_what_another_program_keeps_is_seen_at_once(shop: Shop, tmp_path: Path) -> None:
    shop.client.archive(tmp_path).sync(["events", "metrics"])
    archive = ka.open_archive(tmp_path)
    query = "select count(*) as events from events"
    before = archive.sql(query)["events"].iloc[0]
    assert len(archive.frame("events")) == before
    add_event(shop, "new", seconds=-60, note="new")
    shop.client.archive(tmp_path).sync(["events"])
    assert archive.sql(query)["events"].iloc[0] == len(archive.frame("events")) == before + 1
    assert archive.status().set_index("table").loc["events", "rows"] == before + 1
    shutil.rmtree(tmp_path / "events")  # made anew, it has the versions that it had
    shop.client.archive(tmp_path).sync(["events"])
    assert archive.sql(query)["events"].iloc[0] == len(archive.frame("events")) == before + 1


def test_a_table_is_opened_once_until_its_log_changes(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.client.archive(tmp_path).sync(["events", "metrics"])
    opened: list[str] = []

    def opens(uri: str, **options: Any) -> DeltaTable:
        opened.append(Path(uri).name)
        return DeltaTable(uri, **options)

    monkeypatch.setattr(store, "DeltaTable", opens)
    archive = ka.open_archive(tmp_path)
    for _ in range(3):
        archive.frame("events", limit=1)
        archive.sql("select 1")
        archive.status()
    assert sorted(opened) == ["events", "metrics"]


def test_an_event_dated_in_the_future_hides_no_later_one(shop: Shop, tmp_path: Path) -> None:
    archive = shop.client.archive(tmp_path)
    add_event(shop, "from the future", seconds=-400 * DAY)
    archive.sync(["events"])
    shop.account.now += 30 * DAY
    add_event(shop, "today", seconds=0)
    archive.sync(["events"])
    same_as_the_account(archive, shop, "events")


def test_an_earlier_since_reads_the_missing_past_only(shop: Shop, tmp_path: Path) -> None:
    archive = shop.client.archive(tmp_path)
    every = shop.client.events.list()
    middle = every["datetime"].iloc[len(every) // 2]
    first = row(archive.sync(["events"], since=middle.to_pydatetime()), "events")
    assert first["new"] == (every["datetime"] >= middle).sum()
    early = every["datetime"].iloc[100]
    then = row(archive.sync(["events"], since=early.to_pydatetime()), "events")
    assert then["new"] == ((every["datetime"] >= early) & (every["datetime"] < middle)).sum()
    later = row(archive.sync(["events"], since=middle.to_pydatetime()), "events")
    assert later["new"] == later["removed"] == 0


def test_rows_that_klaviyo_no_longer_has_are_removed(shop: Shop, tmp_path: Path) -> None:
    archive = shop.client.archive(tmp_path)
    archive.sync(["events", "profiles"])
    events = shop.client.events.list()
    gone = {*events["id"].tail(3)}
    remove_events(shop, gone)
    person = shop.client.profiles.list(limit=1)["id"].iloc[0]
    del shop.account.records["profile"][person]
    changed(shop)
    report = archive.sync(["events", "profiles"])
    assert row(report, "events")["removed"] == 3
    assert row(report, "profiles")["removed"] == 0  # reading what was updated cannot notice it
    assert row(archive.sync(["profiles"], removals=True), "profiles")["removed"] == 1
    same_as_the_account(archive, shop, "profiles")


def test_undocumented_attributes_and_other_types_are_kept(shop: Shop, tmp_path: Path) -> None:
    people = list(shop.account.records["profile"].values())
    archive = shop.client.archive(tmp_path)
    archive.sync(["profiles"])
    people[0].attributes["loyalty"] = {"Level": 3}
    people[1].attributes["Loyalty"] = "gold"
    people[2].attributes["location"] = {"latitude": {"degrees": 59}}
    for place, person in enumerate(people[:3]):
        person.attributes["properties"] = {"size": [1, "L", None][place]}
        person.attributes["updated"] = shop.now.isoformat()
    changed(shop)
    with pytest.warns(ka.SchemaWarning):
        archive.sync(["profiles"])
    with pytest.warns(ka.SchemaWarning):
        wanted = in_order(shop.client.profiles.list())
    got = in_order(archive.frame("profiles"))
    assert set(got.columns) == set(wanted.columns)
    # numbers sent as text stay text in a column that is kept as objects; the archive has read them as numbers before
    wanted["location.latitude"] = [float(v) if isinstance(v, str) else v for v in wanted["location.latitude"]]
    for column in wanted:
        assert got[column].map(repr).tolist() == wanted[column].map(repr).tolist(), column


def test_properties_that_change_type_stay_what_they_are(shop: Shop, tmp_path: Path) -> None:
    archive = shop.client.archive(tmp_path)
    for number, value in enumerate([1, "one", [1], {"a": None}, 1.5, True]):
        add_event(shop, f"typed{number}", seconds=3_600 - number, **{"x": value, f"own{number}": value})
    archive.sync(["events"])
    found = archive.frame("events", properties=["x"])
    typed = found[found["id"].str.startswith("typed")]
    assert typed["event_properties.x"].tolist() == [1, "one", [1], {"a": None}, 1.5, True]


def test_another_account_is_refused_and_no_key_is_kept(shop: Shop, tmp_path: Path) -> None:
    archive = shop.client.archive(tmp_path)
    archive.sync(["events", "metrics"])
    with open_shop(profiles=20, events=50, seed=9) as other:
        asked = len(other.sandbox.requests)
        again = (
            "One folder holds one account.* A sandbox that starts again is a new account: delete this folder"
        )
        with pytest.raises(InvalidInputError, match=again):
            other.client.archive(tmp_path)
        assert all(not one.startswith("POST") for one in other.asked(asked))
    keys = (shop.sandbox.maton_key.encode(), shop.sandbox.api_key.encode())
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or not any(key in file.read_bytes() for key in keys)


def test_two_syncs_at_once_leave_every_row_once(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "BATCH", 200)
    archives = [shop.client.archive(tmp_path) for _ in range(2)]
    failures: list[BaseException] = []

    def work(archive: Archive) -> None:
        try:
            archive.sync(["events", "profiles"])
        except BaseException as error:  # noqa: BLE001  (looked at below)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(archive,)) for archive in archives]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    same_as_the_account(archives[0], shop, "events", "profiles")


def test_a_writer_waits_by_the_clock_it_was_given_until_the_other_one_ends(tmp_path: Path) -> None:
    waits: list[float] = []
    first = store.Store(tmp_path, None, "account", "UTC").writing()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            first.__exit__(None, None, None)

    first.__enter__()
    with store.Store(tmp_path, None, "account", "UTC", sleep).writing():
        assert waits == [store.LOOK] * 3


def test_waiting_for_another_writer_can_be_cancelled(tmp_path: Path) -> None:
    ends = threading.Event()
    ends.set()
    token = cancellation.cancel_event.set(ends)
    try:
        with (
            store.Store(tmp_path, None, "account", "UTC").writing(),
            pytest.raises(cancellation.Cancelled),
            store.Store(tmp_path, None, "account", "UTC").writing(),
        ):
            pass
    finally:
        cancellation.cancel_event.reset(token)


def test_ids_are_passed_on_once_however_many_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "RECENT", 50)
    rows = syncing.KnownIds()
    ids = [f"id{number}" for number in range(500)]
    pages: list[list[Any]] = [ids[start : start + 40] for start in range(0, 500, 30)] + [
        ids[:7],
        [None, "id499", "new"],
    ]
    found = [record["id"] for page in pages for record in rows.new([{"id": id} for id in page])]
    assert found == [*ids, None, "new"]
    assert (rows.repeated, rows.nameless) == (sum(map(len, pages)) - 502, 1)


def test_integers_of_more_than_64_bits_are_kept(shop: Shop) -> None:
    attributes = {
        "datetime": "2026-01-01T00:00:00+00:00",
        "event_properties": {"n": 2**70, "$value": "1"},
    }
    event = {"type": "event", "id": "long", "attributes": attributes}
    reading = Reading(shop.client._context, "get_events", include=["attributions"], properties="text")
    row = syncing._event_rows([event], {}, reading)
    assert (row["event_properties"].to_pylist(), row["value"].to_pylist()) == (
        [f'{{"n":{2**70},"$value":"1"}}'],
        [1.0],
    )


def test_a_commit_that_another_writer_was_faster_with_is_made_again(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("seen_at", pa.timestamp("us", "UTC"))])
    here = store.Store(tmp_path, None, "account", "UTC")
    first, second = (here.opened("lists", schema, None, ["seen_at"]) for _ in range(2))
    rows = pa.table({"id": ["a", "b"], "seen_at": [None, None]}, schema)
    here.merge(first, rows, ["id"], {})
    here.merge(second, rows, ["id"], {})
    assert sorted(DeltaTable(here.uri("lists")).to_pyarrow_table()["id"].to_pylist()) == ["a", "b"]


def test_a_full_disk_leaves_the_last_version_and_the_next_sync_goes_on(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "BATCH", 200)
    archive = shop.client.archive(tmp_path)
    append, left = store.Store.append, [3]

    def full(self: store.Store, *args: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        append(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(store.Store, "append", full)
        with pytest.raises(OSError, match="No space left"):
            archive.sync(["events"])
    written = ka.open_archive(tmp_path).frame("events")
    assert 0 < len(written) < 900
    assert row(archive.sync(["events"]), "events")["requests"] >= 1
    same_as_the_account(archive, shop, "events")


class TestRefusals:
    def test_unknown_tables_and_options(self, shop: Shop, tmp_path: Path) -> None:
        archive = shop.client.archive(tmp_path)
        asked = len(shop.sandbox.requests)
        with pytest.raises(
            InvalidInputError, match=r"'event' is not a table of the archive. Tables are events"
        ):
            archive.sync(["event"])
        with pytest.raises(InvalidInputError, match="overlap=-1"):
            archive.sync(overlap=-1)
        with pytest.raises(InvalidInputError, match="no table 'events' yet"):
            archive.frame("events")
        assert shop.asked(asked) == []

    def test_without_a_client_nothing_is_read_from_the_account(self, kept: Archive) -> None:
        archive = ka.open_archive(kept._store.where)
        with pytest.raises(ConfigurationError, match="needs a client"):
            archive.sync()

    def test_the_days_of_a_sandbox_count_from_its_own_clock(self, shop: Shop, tmp_path: Path) -> None:
        shop.client.archive(tmp_path).sync(["events"])
        last = shop.client.archive(tmp_path).frame("events", timeframe="last 30 days")
        alone = ka.open_archive(tmp_path).frame("events", timeframe="last 30 days")
        assert len(last) > 0
        assert set(alone["id"]) & set(last["id"])

    def test_of_several_tables_the_latest_says_until_when_a_sandbox_was_read(
        self, shop: Shop, tmp_path: Path
    ) -> None:
        archive = shop.client.archive(tmp_path)
        archive.sync(["events", "lists", "segments", "templates"])
        reached = archive.status()["until"].dropna()
        assert reached.nunique() > 1
        assert ka.open_archive(tmp_path)._store.last_read() == reached.max()

    def test_the_days_of_an_account_count_from_now(self, shop: Shop, tmp_path: Path) -> None:
        shop.client.archive(tmp_path).sync(["metrics"])
        table = DeltaTable(tmp_path / "metrics")
        table.alter.set_table_properties({store.ACCOUNT: "X1 at Klaviyo"}, raise_if_not_exists=False)
        assert ka.open_archive(tmp_path)._store.last_read() is None

    def test_a_folder_without_an_archive(self, tmp_path: Path) -> None:
        with pytest.raises(ka.errors.NoMatchError, match="holds no archive"):
            ka.open_archive(tmp_path)

    def test_the_extra_is_named_where_it_is_missing(self) -> None:
        code = (
            "import sys; sys.modules['deltalake'] = None\n"
            "import klaviyo_analytics as ka\n"
            "for call in (lambda: ka.connect(api_key='pk_0123456789').archive('x'), lambda: ka.open_archive('x')):\n"
            "    try: call()\n"
            "    except ka.errors.MissingExtraError as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.count("klaviyo-analytics[archive]") == 2
        assert issubclass(MissingExtraError, ImportError)
