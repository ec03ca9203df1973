"""The copy proves itself against Klaviyo's counts, and a person can be removed without a trace."""

from __future__ import annotations

from pathlib import Path

import deltalake
import pandas as pd
import pyarrow.parquet as parquet
import pytest

from klaviyo_analytics.archive import Archive
from klaviyo_analytics.errors import InvalidInputError, NoMatchError
from tests.archive.shops import add_event, in_order, remove_events
from tests.shops import Shop

DAY = 86_400


@pytest.fixture
def archive(shop: Shop, tmp_path: Path) -> Archive:
    archive = shop.client.archive(tmp_path / "copy")
    archive.sync(["events", "profiles"])
    return archive


def test_a_fresh_copy_has_klaviyos_counts_for_every_month_and_metric(shop: Shop, archive: Archive) -> None:
    frame = archive.verify()
    assert set(frame["status"]) == {"equal"}
    assert frame["archived"].sum() == len(shop.account.events.ids)


def test_the_cost_is_said_beforehand_and_is_what_it_costs(shop: Shop, archive: Archive) -> None:
    asked = len(shop.sandbox.requests)
    cost = archive.verify(dry_run=True)["calls"].sum()
    assert shop.asked(asked) == []
    archive.verify()
    assert shop.asked(asked).count("POST /api/metric-aggregates") == cost > 10


def test_late_and_deleted_events_are_named_and_repaired(shop: Shop, archive: Archive) -> None:
    add_event(shop, "very late", seconds=90 * DAY)
    lost = archive.frame("events").iloc[5]
    remove_events(shop, {str(lost["id"])})
    assert archive.sync(["events"])["new"].sum() == 0  # neither is in the overlap
    wrong = archive.verify().query("status != 'equal'")
    assert sorted(wrong["status"]) == ["missing", "surplus"]
    surplus = wrong[wrong["status"] == "surplus"].iloc[0]
    assert (surplus["month"], surplus["metric_id"]) == (lost["datetime"].strftime("%Y-%m"), lost["metric_id"])
    asked = len(shop.sandbox.requests)
    repaired = archive.verify(repair=True)
    assert repaired["status"].value_counts()["repaired"] == 2
    assert shop.asked(asked).count("GET /api/events") == 2
    assert set(archive.verify()["status"]) == {"equal"}
    assert (
        in_order(archive.frame("events"))["id"].tolist() == in_order(shop.client.events.list())["id"].tolist()
    )


def text_of(folder: Path) -> str:
    """Everything that a folder holds, files unpacked, with their names."""
    parts = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        parts.append(str(file))
        if file.suffix == ".parquet":
            read = parquet.ParquetFile(file)
            parts += [str(read.read().to_pylist()), str(read.metadata.to_dict())]
        parts.append(file.read_bytes().decode("utf-8", "replace"))
    return "\n".join(parts)


def test_nothing_of_a_person_is_left(shop: Shop, archive: Archive, tmp_path: Path) -> None:
    people = archive.frame("profiles").set_index("id")
    counts = archive.frame("events")["profile_id"].value_counts()
    person = people.loc[counts.index[1]]
    other = counts.index[0]
    add_event(shop, "mention", seconds=60, friend=person["email"], about=person.name)
    log = shop.account.events
    log.profile[log.ids.index("mention")] = log.profile_ids.index(str(other))
    shop.sandbox._application.store.changed()
    archive.sync(["events"])
    archive.snapshot("lists")
    before = len(archive.frame("events"))
    words = [str(word) for word in (person.name, person["email"], person["phone_number"]) if pd.notna(word)]
    assert all(word in text_of(tmp_path / "copy") for word in words[:2])
    frame = archive.forget(email=str(person["email"]).upper())
    told = frame.set_index("table")
    assert told.loc["profiles", "rows"] == 1
    assert told.loc["events", "rows"] == counts[person.name]
    left = text_of(tmp_path / "copy").casefold()
    assert [word for word in words if word.casefold() in left] == []
    events = archive.frame("events")
    assert len(events) == before - counts[person.name]
    mention = events.loc[events["id"] == "mention", "event_properties"].item()
    assert mention == {"friend": "[removed]", "about": "[removed]"}
    with pytest.raises(Exception, match=r"(?i)version|log|not found"):
        deltalake.DeltaTable(tmp_path / "copy" / "events", version=1)


def test_several_people_are_forgotten_one_after_the_other(
    shop: Shop, archive: Archive, tmp_path: Path
) -> None:
    people = archive.frame("profiles").dropna(subset=["email"])
    chosen = [people.iloc[place] for place in (0, 7, len(people) - 1)]
    for place, person in enumerate(chosen):  # each is mentioned by the next one's event, and in a kept answer
        add_event(shop, f"mention{place}", seconds=60 + place, friend=person["email"], code=person["id"])
    archive.sync(["events"])
    archive.snapshot("lists")
    archive.keep(
        "metric_aggregates", metric=("Placed Order", "Shopify"), by="$attributed_flow", timeframe="last month"
    )
    words = [str(person[name]) for person in chosen for name in ("id", "email", "phone_number")]
    words = [word for word in words if word != "<NA>"]
    before = text_of(tmp_path / "copy").casefold()
    assert all(str(person["email"]).casefold() in before for person in chosen)
    for place, person in enumerate(chosen):
        told = archive.forget(email=person["email"]) if place % 2 else archive.forget(profile=person)
        assert told.set_index("table").loc["profiles", "rows"] == 1
    left = text_of(tmp_path / "copy").casefold()
    assert [word for word in words if word.casefold() in left] == []
    assert len(archive.frame("profiles")) == len(shop.client.profiles.list()) - len(chosen)


def test_a_person_who_is_not_there(archive: Archive) -> None:
    with pytest.raises(NoMatchError, match="No profile in the archive"):
        archive.forget(email="nobody@example.com")
    with pytest.raises(InvalidInputError, match="exactly one"):
        archive.forget()
    rows = len(archive.frame("profiles"))
    assert archive.forget(profile="01NOBODY")["rows"].sum() == 0
    assert len(archive.frame("profiles")) == rows


def test_snapshots_keep_who_was_a_member_when(shop: Shop, archive: Archive) -> None:
    first = archive.snapshot("lists")
    one = first[first["members"] > 0].iloc[0]["id"]
    person = next(iter(shop.account.members[one]))
    del shop.account.members[one][person]
    shop.account.now += DAY
    shop.sandbox._application.store.changed()
    second = archive.snapshot("lists", [one])
    assert second["members"].item() == first.set_index("id")["members"][one] - 1
    times = archive.sql(
        "select seen_at from list_members where profile_id = ? and list_id = ?", [person, one]
    )
    assert times["seen_at"].tolist() == [first["seen_at"].iloc[0]]


def test_an_analysis_compares_the_members_of_the_last_snapshot(shop: Shop, archive: Archive) -> None:
    archive.sync(["segments"])
    archive.snapshot("segments")
    shop.account.now += DAY
    shop.sandbox._application.store.changed()
    archive.snapshot("segments")
    ours, theirs = archive.analyses.overlap(), shop.client.analyses.overlap()
    pd.testing.assert_frame_equal(ours, theirs)
