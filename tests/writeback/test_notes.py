"""What a plan notes of a row goes with it to the end: into the result, over a resume, and into what is read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tests.shops import Shop

JOBS = "/api/event-bulk-create-jobs"


def happened(**more: Any) -> pd.DataFrame:
    emails = ["noted0@mail.example.net", "noted1@mail.example.net"]
    return pd.DataFrame({"email": emails, "time": "2026-01-05 10:00", **more})


def test_the_result_says_what_klaviyo_does_not_keep(shop: Shop) -> None:
    frame = happened(score=[0, 1], remark=["", "x"])
    result = shop.client.events.create_many(frame, metric="Noted", properties="rest")
    assert result.rows["note"][0] == "Klaviyo does not keep 0, empty or null properties: score, remark"
    assert pd.isna(result.rows["note"][1])
    assert "; 1 with a note" in repr(result)
    assert "1 row with a note" in result._repr_html_()


def test_a_result_without_notes_speaks_of_none(shop: Shop) -> None:
    result = shop.client.events.create_many(happened(), metric="Plain")
    assert "note" not in repr(result)
    assert "note" not in result._repr_html_()


def test_notes_outlive_a_crash(shop: Shop, tmp_path: Path) -> None:
    shop.sandbox.faults.add(method="POST", path=JOBS, times=1, status=403)
    plan = shop.client.events.plan_create(happened(score=[0, 1]), metric="Resumed", properties="rest")
    first = plan.apply(journal=tmp_path / "notes.journal")
    resumed = shop.client.resume(tmp_path / "notes.journal")
    assert resumed.rows["status"].tolist() == ["accepted"] * 2
    assert resumed.rows["note"].tolist()[0] == first.rows["note"][0] == plan.preview()["note"][0]


def test_what_is_left_out_has_its_reason_once(shop: Shop) -> None:
    frame = pd.DataFrame({"email": ["left@mail.example.net"] * 2})
    rows = shop.client.profiles.upsert(frame, on_duplicate="first").rows
    assert rows["detail"][1] == "row 0 has the same email, and is the one that is sent"
    assert rows["note"].isna().all()


def test_reading_back_says_what_an_event_came_without(shop: Shop) -> None:
    frame = happened(score=[0, 1], remark=["", "x"], tall=[False, True])
    plan = shop.client.events.plan_create(frame, metric="Less", properties="rest")
    rows = plan.apply(verify=True).rows
    assert rows["status"].tolist() == ["written", "written"]
    assert rows["detail"][0] == "written without score, remark, which Klaviyo dropped"
    assert pd.isna(rows["detail"][1])
    assert rows["code"].isna().all()
