"""An archive that clients of several revisions fill: what each adds has a column, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.archive.tables import SPECS
from klaviyo_analytics.client import KlaviyoClient
from tests.shops import Shop, without_waiting

TABLES = ["campaigns", "campaign_messages", "templates", "lists"]


def client_of(shop: Shop, revision: str) -> KlaviyoClient:
    options: Any = {"base_url": shop.sandbox.gateway_url, "revision": revision, "progress": False}
    client = ka.connect(api_key=shop.sandbox.maton_key, **options)
    without_waiting(client, shop.clock)
    return client


def test_a_table_of_the_default_revision_has_its_own_columns_only() -> None:
    for spec in SPECS.values():
        assert spec.at("2026-01-15").documented == spec.documented
        assert spec.at("2026-10-15").documented[: len(spec.documented)] == spec.documented
    added = dict(SPECS["campaign_messages"].at("2026-10-15").documented)
    assert added["definition.status"] == "text"
    assert "definition.name" not in dict(SPECS["campaigns"].at("2026-10-15").documented)


@pytest.mark.parametrize("revision", ["2026-07-15", "2026-10-15"])
def test_tables_have_the_columns_of_the_clients_revision(shop: Shop, tmp_path: Path, revision: str) -> None:
    with client_of(shop, revision) as client:
        archive = client.archive(tmp_path)
        archive.sync(TABLES)
        live = client.campaigns.list().sort_values("id", ignore_index=True)
        kept = archive.frame("campaigns")
        shared = [name for name in live.columns if name in kept.columns]
        assert {"name", "status", "send_time", "channel", "audiences.included"} <= set(shared)
        pd.testing.assert_frame_equal(kept[shared], live[shared])
        listed = client.templates.list().sort_values("id", ignore_index=True)
        assert set(listed.columns) <= set(archive.frame("templates").columns)
        extra = archive.sql("select _extra from campaigns")["_extra"].dropna()
        assert {key for text in extra for key in json.loads(text)} == {"campaign_message_ids"}


def test_moving_on_keeps_what_was_there_and_adds_what_is_new(shop: Shop, tmp_path: Path) -> None:
    shop.client.archive(tmp_path).sync(TABLES)
    with client_of(shop, "2026-10-15") as client:
        archive = client.archive(tmp_path)
        before = archive.frame("campaigns")
        archive.sync(TABLES, removals=True)
        after = archive.frame("campaigns")
    same = ["id", "name", "status", "send_time", "created_at", "archived"]
    pd.testing.assert_frame_equal(after[same], before[same])
    assert after["definition.builder"].eq("wizard").all()
