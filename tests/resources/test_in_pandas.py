"""What the client's documentation says of lists and time zones in pandas is so."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient


@pytest.fixture(scope="module")
def flows(reader: KlaviyoClient) -> pd.DataFrame:
    return reader.flows.list(include=["tags"])


def test_lists_are_compared_as_text(flows: pd.DataFrame) -> None:
    columns = ["id", "tag_ids"]
    twice = pd.concat([flows, flows])[columns]
    assert len(twice.astype({"tag_ids": str}).drop_duplicates()) == len(flows)


def test_lists_come_a_row_each(flows: pd.DataFrame) -> None:
    by_tag = flows.explode("tag_ids").groupby("tag_ids")["id"].nunique()
    assert by_tag.sum() == sum(len(ids) for ids in flows["tag_ids"]) > 0


def test_excel_takes_times_without_their_zone(flows: pd.DataFrame) -> None:
    pytest.importorskip("xlsxwriter")
    plain = flows.assign(
        created=flows["created"].dt.tz_localize(None), updated=flows["updated"].dt.tz_localize(None)
    )
    file = io.BytesIO()
    plain.to_excel(file, engine="xlsxwriter")
    assert file.getvalue().startswith(b"PK")
