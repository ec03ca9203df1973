"""An archive that clients of several revisions fill: what each adds has a column, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.archive import Archive
from klaviyo_analytics.archive.tables import SPECS
from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.endpoints.revisions import STABLE
from tests.archive.shops import in_order
from tests.shops import Shop, open_shop, without_waiting

PERIOD = ("2025-07-01", "2026-06-01")  # the clients of newer revisions have a clock of their own
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


MISSING = {  # what revision 2026-10-15 has no equivalent for
    "campaigns": {
        "channel", "scheduled_at", "send_strategy.method", "send_strategy.datetime", "send_strategy.date",
        "send_strategy.options.is_local", "send_strategy.options.send_past_recipients_immediately",
        "send_strategy.throttle_percentage", "tracking_options.custom_tracking_params",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Iterator[Shop]:
    """A shop that tests only read."""
    with open_shop(profiles=40, events=900) as shop:
        yield shop


@pytest.fixture(scope="module")
def older(whole: Shop, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Everything, read in the default revision."""
    archive = whole.client.archive(tmp_path_factory.mktemp("older"))
    archive.sync()
    return archive


@pytest.mark.parametrize("revision", [name for name in STABLE if name != "2026-01-15"])
def test_a_sync_of_everything_keeps_the_same_in_every_revision(
    whole: Shop, older: Archive, tmp_path: Path, revision: str
) -> None:
    with client_of(whole, revision) as client:
        archive = client.archive(tmp_path)
        archive.sync()
        tables = archive.status().set_index("table")["rows"]
        assert tables.to_dict() == older.status().set_index("table")["rows"].to_dict()
        for name in tables.index:
            if name == "campaign_messages" and revision == "2026-10-15":
                continue  # they have another form there
            was, now = in_order(older.frame(name)), in_order(archive.frame(name))
            gone = MISSING.get(name, set()) if revision == "2026-10-15" else set()
            assert now[[*gone]].isna().all(axis=None)
            kept = [column for column in was.columns if column not in gone]
            pd.testing.assert_frame_equal(now[kept], was[kept])
        for what in ("campaigns", "flows", "account"):
            summary, before = (each.summary(what, PERIOD) for each in (archive, older))
            kept = [column for column in before.columns if column != "complete"]
            pd.testing.assert_frame_equal(summary[kept], before[kept])
            assert what != "campaigns" or summary["subject"].notna().any()
