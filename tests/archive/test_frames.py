"""`archive.frame` is the client's `list`, `archive.sql` has types, and `archive.table` goes into every analysis."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import klaviyo_analytics as ka
from klaviyo_analytics.archive import Archive
from klaviyo_analytics.archive.tables import SPECS
from klaviyo_analytics.errors import AmbiguousMatchError, ConfigurationError, InvalidInputError
from tests.archive.shops import in_order
from tests.shops import Shop

METRICS = [None, "Opened Email", ("Placed Order", "Shopify"), ["Received Email", ("Placed Order", "Shopify")]]
PROPERTIES: list[Any] = ["json", "columns", {"$value": "float64"}, ["$value", "Items", "no such"]]


@pytest.mark.filterwarnings("ignore:properties. none of:klaviyo_analytics.frames.SchemaWarning")
@settings(max_examples=12)
@given(data=st.data())
def test_the_frame_is_the_clients_list(kept: Archive, library: Shop, data: st.DataObject) -> None:
    log = library.account.events
    moments = st.integers(int(log.time[0]), int(log.time[-1]))
    start, end = sorted(datetime.fromtimestamp(data.draw(moments), UTC) for _ in range(2))
    question: dict[str, Any] = {
        "metric": data.draw(st.sampled_from(METRICS)),
        "start": data.draw(st.sampled_from([None, start])),
        "end": data.draw(st.sampled_from([None, end])) if start < end else None,
        "profile": data.draw(st.sampled_from([None, log.profile_ids[0]])),
        "properties": data.draw(st.sampled_from(PROPERTIES)),
    }
    wanted, got = library.client.events.list(**question), kept.frame("events", **question)
    if question["properties"] == "columns":  # the order of columns follows that of tied rows
        assert set(got) == set(wanted)
        wanted = wanted[list(got)]
        wanted, got = (frame.astype(object).where(frame.notna(), None) for frame in (wanted, got))
    pd.testing.assert_frame_equal(in_order(got), in_order(wanted))


TABLES = sorted(name for name, spec in SPECS.items() if spec.parent is None)


@pytest.mark.filterwarnings("ignore:properties. none of:klaviyo_analytics.frames.SchemaWarning")
@settings(max_examples=25)
@given(data=st.data())
def test_random_columns_of_any_table_are_the_clients(
    kept: Archive, library: Shop, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(TABLES))
    question: dict[str, Any] = {}
    if name in ("events", "profiles"):
        question["properties"] = data.draw(
            st.sampled_from(["json", "text", {"$value": "float64"}, ["Plan", "no such"]])
        )
    if name == "events":
        question["metric"] = data.draw(st.sampled_from(METRICS))
        question["timeframe"] = data.draw(st.sampled_from(["last month", "last 90 days", "2026-03", "ytd"]))
    wanted = in_order(getattr(library.client, name).list(**question))
    chosen = data.draw(st.lists(st.sampled_from([str(column) for column in wanted]), unique=True, min_size=1))
    got = kept.frame(name, columns=[*chosen, *({"id", "datetime"} & {*wanted} - {*chosen})], **question)
    pd.testing.assert_frame_equal(in_order(got)[chosen], wanted[chosen])


def test_words_for_time_are_read_on_the_accounts_clock(kept: Archive, library: Shop) -> None:
    for words in ("last 30 days", "last month", ("2026-03-01", "2026-03-08")):
        wanted = library.client.events.list(timeframe=words)
        pd.testing.assert_frame_equal(in_order(kept.frame("events", timeframe=words)), in_order(wanted))
        assert len(wanted)


def test_columns_limit_and_sort(kept: Archive) -> None:
    frame = kept.frame("events", columns=["value", "id", "month"], sort="-datetime", limit=5)
    assert list(frame) == ["value", "id", "month"]
    newest = kept.frame("events").sort_values(["datetime", "id"], ascending=[False, True])["id"].head(5)
    assert frame["id"].tolist() == newest.tolist()


def test_text_properties_are_json_in_arrow_strings(kept: Archive) -> None:
    text = kept.frame("events", properties="text")["event_properties"]
    assert str(text.dtype) == "string"
    assert getattr(text.dtype, "storage", "") == "pyarrow"
    assert [json.loads(value) for value in text] == kept.frame("events")["event_properties"].tolist()


def test_refusals_name_what_is_allowed(kept: Archive) -> None:
    with pytest.raises(InvalidInputError, match=r"columns='valu' is not a column. Columns are value"):
        kept.frame("events", columns=["valu"])
    with pytest.raises(InvalidInputError, match="metric= applies to events only"):
        kept.frame("profiles", metric="Placed Order")
    with pytest.raises(InvalidInputError, match="is not after"):
        kept.frame("events", start="2026-02-01", end="2026-02-01")
    with pytest.raises(AmbiguousMatchError, match="Several metrics"):
        kept.frame("events", metric="Placed Order")
    with pytest.raises(InvalidInputError, match="The SQL statement was refused"):
        kept.sql("select * from nowhere")


def test_sql_has_types_and_parameters(kept: Archive) -> None:
    frame = kept.sql(
        "select id, datetime, value, timestamp, value > 10 as large, sum(timestamp) over () as total "
        "from events where metric_id = $metric",
        {"metric": kept.frame("events")["metric_id"].iloc[0]},
    )
    kinds = [str(kind) for kind in frame.dtypes]
    assert kinds == ["string", "datetime64[us, UTC]", "float64", "Int64", "boolean", "Int64"]
    assert len(frame)


def test_a_callers_variables_are_not_tables(kept: Archive) -> None:
    secret = pd.DataFrame({"x": [1]})
    assert len(secret) == 1
    with pytest.raises(InvalidInputError, match="secret"):
        kept.sql("select * from secret")


def test_a_table_goes_into_an_analysis_as_it_is(kept: Archive) -> None:
    told = ka.analysis.share_of_total(kept.table("events"), "value", within="metric_id").df()
    wanted = ka.analysis.share_of_total(
        kept.frame("events", columns=["id", "metric_id", "value"]), "value", within="metric_id"
    )
    shares = told.set_index("id")["value_share"].astype("float64").reindex(wanted["id"])
    pd.testing.assert_series_equal(shares.reset_index(drop=True), wanted["value_share"], check_names=False)
    assert wanted["value_share"].notna().sum() > 50


def test_it_opens_without_a_key_and_knows_the_clock(kept: Archive) -> None:
    alone = ka.open_archive(kept._store.where)
    week = ("2026-03-01", "2026-03-08")
    pd.testing.assert_frame_equal(alone.frame("events", timeframe=week), kept.frame("events", timeframe=week))
    assert alone.status().set_index("table").loc["events", "rows"] == len(kept.frame("events"))


def test_a_file_url_is_the_folder(kept: Archive) -> None:
    url = "file://" + kept._store.where
    assert len(ka.open_archive(url).frame("metrics")) == len(kept.frame("metrics"))


def test_another_process_gets_the_copy_without_the_client(kept: Archive) -> None:
    kept.sql("select 1")
    sent = pickle.loads(pickle.dumps(kept))
    pd.testing.assert_frame_equal(sent.frame("metrics"), kept.frame("metrics"))
    with pytest.raises(ConfigurationError, match="needs a client"):
        sent.sync()


def test_keys_of_an_object_store_are_not_pickled(kept: Archive) -> None:
    archive = ka.open_archive(kept._store.where, storage_options={"AWS_SECRET_ACCESS_KEY": "hush"})
    with pytest.raises(ConfigurationError, match="storage_options") as caught:
        pickle.dumps(archive)
    assert "hush" not in str(caught.value)
